#include "align/folds.h"

#include "align/statistics.h"
#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "folds: out of memory");
}

static triad_status shuffled(size_t **order, size_t n, uint64_t seed, uint64_t index, triad_error *err)
{
    triad_pcg64 rng;
    *order = malloc((n + 1) * sizeof **order);
    if (*order == NULL) return out_of_memory(err);
    for (size_t i = 0; i < n; i++) (*order)[i] = i;
    align_stream_seed(&rng, seed, ALIGN_STREAM_FOLDS, index);
    triad_pcg64_shuffle(&rng, *order, n);
    return TRIAD_OK;
}

static triad_status deal_random(uint8_t *fold, size_t count, size_t n, uint64_t seed, triad_error *err)
{
    size_t *order;
    const triad_status status = shuffled(&order, n, seed, 0, err);
    if (status != TRIAD_OK) return status;
    for (size_t i = 0; i < n; i++) fold[order[i]] = (uint8_t)(i % count);
    free(order);
    return TRIAD_OK;
}

static int by_words(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The distinct cells of the column in sorted order, the caller frees; empty ones only where said. */
static triad_status list_words(const char ***words, size_t *count, const triad_items *items, int column,
                               const size_t *rows, size_t n, bool empty, triad_error *err)
{
    const char **list = malloc((n + 1) * sizeof *list);
    if (list == NULL) return out_of_memory(err);
    size_t total = 0, distinct = 0;
    for (size_t i = 0; i < n; i++) {
        const char *cell = triad_items_cell(items, rows[i], column);
        if (cell[0] || empty) list[total++] = cell;
    }
    qsort(list, total, sizeof *list, by_words);
    for (size_t i = 0; i < total; i++)
        if (i == 0 || strcmp(list[i], list[i - 1]) != 0) list[distinct++] = list[i];
    *words = list;
    *count = distinct;
    return TRIAD_OK;
}

static size_t number_of(const char **words, size_t count, const char *cell)
{
    const char **at = bsearch(&cell, words, count, sizeof *words, by_words);
    return at ? (size_t)(at - words) : SIZE_MAX;
}

static triad_status deal_groups(uint8_t *fold, size_t *count, const char *name, const triad_items *items, int column,
                                const size_t *rows, size_t n, uint64_t seed, triad_error *err)
{
    const char **groups;
    size_t number, *order = NULL, held[ALIGN_FOLDS] = {0};
    triad_status status = list_words(&groups, &number, items, column, rows, n, true, err);
    if (status != TRIAD_OK) return status;
    size_t *size = calloc(number + 1, sizeof *size);
    uint8_t *of = malloc(number + 1);
    if (size == NULL || of == NULL) status = out_of_memory(err);
    if (status == TRIAD_OK && number < 2)
        status = triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "folds: all sentences are of one group of %s", name);
    if (status == TRIAD_OK) status = shuffled(&order, number, seed, 1, err);
    if (status == TRIAD_OK) {
        *count = number < ALIGN_FOLDS ? number : ALIGN_FOLDS;
        for (size_t i = 0; i < n; i++) size[number_of(groups, number, triad_items_cell(items, rows[i], column))]++;
        for (size_t g = 0; g < number; g++) {
            size_t least = 0;
            for (size_t f = 1; f < *count; f++)
                if (held[f] < held[least]) least = f;
            of[order[g]] = (uint8_t)least;
            held[least] += size[order[g]];
        }
        for (size_t i = 0; i < n; i++)
            fold[i] = of[number_of(groups, number, triad_items_cell(items, rows[i], column))];
    }
    free(order);
    free(size);
    free(of);
    free(groups);
    return status;
}

static triad_status deal_words(uint8_t *fold, size_t *count, const char *name, const triad_items *items, int column,
                               const size_t *rows, size_t n, uint64_t seed, triad_error *err)
{
    const char **words;
    size_t number, *order = NULL, *place = NULL;
    triad_status status = list_words(&words, &number, items, column, rows, n, false, err);
    if (status != TRIAD_OK) return status;
    *count = number / 2;
    if (number < 4 || *count > ALIGN_MAX_FOLDS)
        status = triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                            "folds: leaving two words out wants 4 to %d words in %s, which has %zu",
                            2 * ALIGN_MAX_FOLDS + 1, name, number);
    if (status == TRIAD_OK) status = shuffled(&order, number, seed, 2, err);
    if (status == TRIAD_OK) status = deal_random(fold, *count, n, seed, err);
    if (status == TRIAD_OK && (place = malloc((number + 1) * sizeof *place)) == NULL) status = out_of_memory(err);
    for (size_t w = 0; status == TRIAD_OK && w < number; w++) place[order[w]] = w / 2 < *count ? w / 2 : *count - 1;
    for (size_t i = 0; status == TRIAD_OK && i < n; i++) {
        const size_t word = number_of(words, number, triad_items_cell(items, rows[i], column));
        if (word != SIZE_MAX) fold[i] = (uint8_t)place[word];
    }
    free(order);
    free(place);
    free(words);
    return status;
}

triad_status align_deal(uint8_t *fold, size_t *count, const char *how, const triad_items *items, const size_t *rows,
                        size_t n, uint64_t seed, triad_error *err)
{
    *count = ALIGN_FOLDS;
    if (how == NULL || strcmp(how, "random") == 0) return deal_random(fold, ALIGN_FOLDS, n, seed, err);
    static const char GROUP[] = "group:", WORDS[] = "leave-two-words:";
    const bool groups = strncmp(how, GROUP, sizeof GROUP - 1) == 0;
    if (!groups && strncmp(how, WORDS, sizeof WORDS - 1) != 0)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                          "folds %.40s: wants random, group:COLUMN or leave-two-words:COLUMN", how);
    const char *name = how + (groups ? sizeof GROUP : sizeof WORDS) - 1;
    const int column = triad_items_factor(items, name);
    if (column < 0)
        return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                          "folds: the sentences have no column %.60s (triad info lists them)", name);
    return groups ? deal_groups(fold, count, name, items, column, rows, n, seed, err)
                  : deal_words(fold, count, name, items, column, rows, n, seed, err);
}
