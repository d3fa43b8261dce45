/* Distances between sentences by their words alone, for all pairs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "space/lexicon.h"
#include "tokenizers/unicode.h"

typedef enum distance_kind {
    DISTANCE_BOW,
    DISTANCE_LENGTH,
    DISTANCE_LENGTH_CHARACTERS,
    DISTANCE_EDIT_WORDS,
    DISTANCE_EDIT_CHARACTERS,
    DISTANCE_FACTORS,
    DISTANCE_FACTOR
} distance_kind;

static const char *const NAMES[] = {"bow", "length", "length-characters", "edit-words", "edit-characters", "factors"};
static const char FACTOR[] = "factor:";

/* Sentences as sequences of symbols: words or code points, numbered from 0 in order of appearance. */
typedef struct table {
    distance_kind kind;
    int factor; /* DISTANCE_FACTOR */
    const triad_items *items;
    const size_t *rows;
    size_t n;
    size_t symbols, longest;
    size_t *offset;   /* [n + 1] */
    uint32_t *symbol; /* [offset[n]]; bow: sorted within a sentence */
    uint32_t *cell;   /* [n, factors] numbers of words */
    uint64_t *room;   /* [workers, room_size]: the bit patterns of one sentence, and the columns of the other */
    size_t room_size;
    double *out;
} table;

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "lexical distances: out of memory");
}

static size_t row_of(const table *t, size_t i)
{
    return t->rows ? t->rows[i] : i;
}

static triad_status find_kind(distance_kind *kind, int *factor, const char *name, const triad_items *items,
                              triad_error *err)
{
    *factor = -1;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (strcmp(name, NAMES[i]) == 0) {
            *kind = (distance_kind)i;
            if (*kind == DISTANCE_FACTORS && items->factors == 0)
                return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                                  "factors: the sentences have no factor columns (triad sentences writes some)");
            return TRIAD_OK;
        }
    if (strncmp(name, FACTOR, sizeof FACTOR - 1) == 0) {
        *kind = DISTANCE_FACTOR;
        *factor = triad_items_factor(items, name + sizeof FACTOR - 1);
        if (*factor >= 0) return TRIAD_OK;
        return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                          "%.80s: the sentences have no such column (the table's first line names them)", name);
    }
    return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                      "control %.80s: unknown (one of bow, length, length-characters, edit-words, edit-characters, "
                      "factors, factor:COLUMN)",
                      name);
}

bool triad_lexical_knows(const char *name, const triad_items *items, triad_error *err)
{
    distance_kind kind;
    int factor;
    return find_kind(&kind, &factor, name, items, err) == TRIAD_OK;
}

/* ---- symbols */

static int ascending(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static triad_status take_words(table *t, triad_error *err)
{
    triad_lexicon lexicon;
    triad_status status = triad_lexicon_create(&lexicon, t->items, err);
    if (status != TRIAD_OK) return status;
    size_t total = 0;
    for (size_t i = 0; i < t->n; i++) total += lexicon.offset[row_of(t, i) + 1] - lexicon.offset[row_of(t, i)];
    t->symbol = malloc((total + 1) * sizeof *t->symbol);
    if (t->symbol == NULL) status = out_of_memory(err);
    for (size_t i = 0; status == TRIAD_OK && i < t->n; i++) {
        const size_t first = lexicon.offset[row_of(t, i)], count = lexicon.offset[row_of(t, i) + 1] - first;
        memcpy(t->symbol + t->offset[i], lexicon.token + first, count * sizeof *t->symbol);
        if (t->kind == DISTANCE_BOW) qsort(t->symbol + t->offset[i], count, sizeof *t->symbol, ascending);
        t->offset[i + 1] = t->offset[i] + count;
    }
    t->symbols = lexicon.words;
    triad_lexicon_free(&lexicon);
    return status;
}

/* Code points become numbers by the place among those that occur. */
static triad_status take_characters(table *t, triad_error *err)
{
    size_t total = 0;
    for (size_t i = 0; i < t->n; i++) total += lexicon_characters(t->items->text[row_of(t, i)]);
    uint32_t *sorted = malloc((total + 1) * sizeof *sorted);
    t->symbol = malloc((total + 1) * sizeof *t->symbol);
    if (sorted == NULL || t->symbol == NULL) {
        free(sorted);
        return out_of_memory(err);
    }
    size_t at = 0;
    for (size_t i = 0; i < t->n; i++) {
        const char *text = t->items->text[row_of(t, i)];
        const size_t size = strlen(text);
        for (size_t byte = 0, bytes; byte < size && at < total; byte += bytes)
            t->symbol[at++] = (uint32_t)unicode_at(text, byte, size, &bytes);
        t->offset[i + 1] = at;
    }
    memcpy(sorted, t->symbol, at * sizeof *sorted);
    qsort(sorted, at, sizeof *sorted, ascending);
    for (size_t i = 0; i < at; i++)
        if (i == 0 || sorted[i] != sorted[t->symbols - 1]) sorted[t->symbols++] = sorted[i];
    for (size_t i = 0; i < at; i++) {
        const uint32_t *place = bsearch(&t->symbol[i], sorted, t->symbols, sizeof *sorted, ascending);
        t->symbol[i] = (uint32_t)(place - sorted);
    }
    free(sorted);
    return TRIAD_OK;
}

static int by_letters(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static triad_status take_cells(table *t, triad_error *err)
{
    const size_t n = t->n, factors = t->items->factors;
    const char **word = malloc((n + 1) * sizeof *word);
    t->cell = malloc((n * factors + 1) * sizeof *t->cell);
    if (word == NULL || t->cell == NULL) {
        free(word);
        return out_of_memory(err);
    }
    for (size_t f = 0; f < factors; f++) {
        size_t words = 0;
        for (size_t i = 0; i < n; i++) word[i] = triad_items_cell(t->items, row_of(t, i), (int)f);
        qsort(word, n, sizeof *word, by_letters);
        for (size_t i = 0; i < n; i++)
            if (i == 0 || strcmp(word[i], word[words - 1]) != 0) word[words++] = word[i];
        for (size_t i = 0; i < n; i++) {
            const char *cell = triad_items_cell(t->items, row_of(t, i), (int)f);
            const char **at = bsearch(&cell, word, words, sizeof *word, by_letters);
            t->cell[i * factors + f] = (uint32_t)(at - word);
        }
    }
    free(word);
    return TRIAD_OK;
}

/* ---- one row of distances */

static size_t length_of(const table *t, size_t i)
{
    return t->offset[i + 1] - t->offset[i];
}

/* Sorted symbols of both: the product of their counts. */
static double count_product(const uint32_t *a, size_t na, const uint32_t *b, size_t nb)
{
    double sum = 0;
    for (size_t i = 0, j = 0; i < na && j < nb;) {
        if (a[i] != b[j]) {
            if (a[i] < b[j])
                i++;
            else
                j++;
            continue;
        }
        const uint32_t symbol = a[i];
        size_t in_a = 0, in_b = 0;
        while (i < na && a[i] == symbol) i++, in_a++;
        while (j < nb && b[j] == symbol) j++, in_b++;
        sum += (double)in_a * (double)in_b;
    }
    return sum;
}

static void row_of_bow(const table *t, size_t i, double *out)
{
    const uint32_t *a = t->symbol + t->offset[i];
    const size_t na = length_of(t, i);
    const double own = count_product(a, na, a, na);
    for (size_t j = i + 1; j < t->n; j++) {
        const uint32_t *b = t->symbol + t->offset[j];
        const size_t nb = length_of(t, j);
        const double other = count_product(b, nb, b, nb), both = count_product(a, na, b, nb);
        out[j - i - 1] = own > 0 && other > 0 ? 1 - both / sqrt(own * other) : own > 0 || other > 0;
    }
}

/* Levenshtein distance of sentence i to each later one, 64 rows of the dynamic programme in a word (Myers 1999 in
 * Hyyrö's form of 2003): `match` [symbols, blocks] marks where each symbol stands in i; plus and minus [blocks] are the
 * places at which a column's value goes up or down from one row to the next. */
static void row_of_edits(const table *t, size_t i, double *out, uint64_t *room)
{
    const uint32_t *a = t->symbol + t->offset[i];
    const size_t m = length_of(t, i), blocks = (m + 63) / 64;
    uint64_t *match = room, *plus = match + t->symbols * blocks, *minus = plus + blocks;
    memset(match, 0, t->symbols * blocks * sizeof *match);
    for (size_t p = 0; p < m; p++) match[a[p] * blocks + p / 64] |= 1ULL << (p % 64);
    const uint64_t last = m > 0 ? 1ULL << ((m - 1) % 64) : 0;
    for (size_t j = i + 1; j < t->n; j++) {
        const uint32_t *b = t->symbol + t->offset[j];
        const size_t length = length_of(t, j);
        size_t distance = m;
        if (m == 0) {
            out[j - i - 1] = (double)length;
            continue;
        }
        for (size_t block = 0; block < blocks; block++) {
            plus[block] = ~0ULL;
            minus[block] = 0;
        }
        for (size_t q = 0; q < length; q++) {
            uint64_t up = 1, down = 0; /* how the row above the block changes: the first row rises with every column */
            for (size_t block = 0; block < blocks; block++) {
                const uint64_t pv = plus[block], mv = minus[block], eq = match[b[q] * blocks + block] | down;
                const uint64_t diagonal = (((eq & pv) + pv) ^ pv) | eq | mv;
                uint64_t rise = mv | ~(diagonal | pv), fall = pv & diagonal;
                if (block == blocks - 1) {
                    distance += (rise & last) != 0;
                    distance -= (fall & last) != 0;
                }
                const uint64_t up_next = rise >> 63, down_next = fall >> 63;
                rise = rise << 1 | up;
                fall = fall << 1 | down;
                const uint64_t vertical = match[b[q] * blocks + block] | mv;
                plus[block] = fall | ~(vertical | rise);
                minus[block] = rise & vertical;
                up = up_next;
                down = down_next;
            }
        }
        out[j - i - 1] = (double)distance;
    }
}

static void row_of_factors(const table *t, size_t i, double *out)
{
    const size_t factors = t->items->factors;
    const uint32_t *a = t->cell + i * factors;
    for (size_t j = i + 1; j < t->n; j++) {
        const uint32_t *b = t->cell + j * factors;
        if (t->kind == DISTANCE_FACTOR) {
            out[j - i - 1] = a[t->factor] != b[t->factor];
            continue;
        }
        size_t different = 0;
        for (size_t f = 0; f < factors; f++) different += a[f] != b[f];
        out[j - i - 1] = (double)different / (double)factors;
    }
}

static void make_row(void *context, size_t i, int worker)
{
    const table *t = context;
    double *out = t->out + i * t->n - i * (i + 1) / 2; /* rows before it: n - 1, n - 2, … */
    switch (t->kind) {
    case DISTANCE_BOW:
        row_of_bow(t, i, out);
        break;
    case DISTANCE_LENGTH:
    case DISTANCE_LENGTH_CHARACTERS:
        for (size_t j = i + 1; j < t->n; j++) out[j - i - 1] = fabs((double)length_of(t, i) - (double)length_of(t, j));
        break;
    case DISTANCE_EDIT_WORDS:
    case DISTANCE_EDIT_CHARACTERS:
        row_of_edits(t, i, out, t->room + (size_t)worker * t->room_size);
        break;
    case DISTANCE_FACTORS:
    case DISTANCE_FACTOR:
        row_of_factors(t, i, out);
        break;
    }
}

triad_status triad_lexical_distance(double *out, const char *name, const triad_items *items, const size_t *rows,
                                    size_t n, triad_pool *pool, triad_error *err)
{
    table t = {.items = items, .rows = rows, .n = n, .out = out};
    triad_status status = find_kind(&t.kind, &t.factor, name, items, err);
    if (status != TRIAD_OK || n < 2) return status;
    t.offset = calloc(n + 1, sizeof *t.offset);
    if (t.offset == NULL) return out_of_memory(err);
    if (t.kind == DISTANCE_FACTORS || t.kind == DISTANCE_FACTOR)
        status = take_cells(&t, err);
    else if (t.kind == DISTANCE_LENGTH_CHARACTERS || t.kind == DISTANCE_EDIT_CHARACTERS)
        status = take_characters(&t, err);
    else
        status = take_words(&t, err);
    if (status == TRIAD_OK && (t.kind == DISTANCE_EDIT_WORDS || t.kind == DISTANCE_EDIT_CHARACTERS)) {
        for (size_t i = 0; i < n; i++)
            if (length_of(&t, i) > t.longest) t.longest = length_of(&t, i);
        t.room_size = (t.longest + 63) / 64 * (t.symbols + 2) + 8; /* and no cache line of a neighbour's */
        t.room = calloc((size_t)triad_pool_threads(pool) * t.room_size, sizeof *t.room);
        if (t.room == NULL) status = out_of_memory(err);
    }
    if (status == TRIAD_OK) triad_parallel(pool, n - 1, make_row, &t);
    free(t.offset);
    free(t.symbol);
    free(t.cell);
    free(t.room);
    return status;
}
