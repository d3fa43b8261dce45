#include "report/classes.h"

#include <stdlib.h>
#include <string.h>

const char REPORT_OTHER[] = "other";

/* Colours that also the colour-blind tell apart (Okabe and Ito 2008), and four more. */
static const char *const PALETTE[REPORT_COLOURS] = {"#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00",
                                                    "#56b4e9", "#8c6d1f", "#5b4fa0", "#7f7f7f", "#101010"};

static const struct {
    const char *name, *colour;
} REAL[] = {{"red", "#d62728"},    {"green", "#2ca02c"}, {"blue", "#1f5fbf"}, {"purple", "#8e44ad"},
            {"yellow", "#d9b400"}, {"grey", "#8a8a8a"},  {"gray", "#8a8a8a"}, {"orange", "#e67e22"},
            {"black", "#111111"},  {"brown", "#7b4a12"}};

const char *report_class_colour(const report_factor *factor, size_t class)
{
    if (factor == NULL || factor->classes == 0) return PALETTE[0];
    const char *name = factor->class_name[class];
    if (name[0] == '\0') return "#c4bfb3"; /* an empty cell */
    if (name == REPORT_OTHER) return "#9a9ea5";
    for (size_t i = 0; i < sizeof REAL / sizeof *REAL; i++)
        if (strcmp(name, REAL[i].name) == 0) return REAL[i].colour;
    return PALETTE[class % REPORT_COLOURS];
}

typedef struct word {
    const char *name;
    size_t count;
} word;

static int by_letters(const void *a, const void *b)
{
    return strcmp(((const word *)a)->name, ((const word *)b)->name);
}

/* The most frequent first; of equals the first by letters. */
static int by_count(const void *a, const void *b)
{
    const word *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return strcmp(x->name, y->name);
}

triad_status report_factor_make(report_factor *factor, const char *name, const char *const *cell, size_t n, size_t most,
                                triad_arena *arena, triad_error *err)
{
    word *words = TRIAD_NEW(arena, word, n + 1);
    uint32_t *class_of = TRIAD_NEW0(arena, uint32_t, n + 1);
    const char **names = TRIAD_NEW(arena, const char *, n + 1);
    *factor = (report_factor){.name = name};
    if (words == NULL || class_of == NULL || names == NULL)
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "classes of %.80s: out of memory", name);
    for (size_t i = 0; i < n; i++) words[i] = (word){cell[i], 1};
    qsort(words, n, sizeof *words, by_letters);
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (count > 0 && strcmp(words[count - 1].name, words[i].name) == 0)
            words[count - 1].count++;
        else
            words[count++] = words[i];
    }
    const bool rest = most > 0 && count > most;
    if (rest) {
        qsort(words, count, sizeof *words, by_count);
        count = most - 1;
        qsort(words, count, sizeof *words, by_letters);
    }
    for (size_t c = 0; c < count; c++) names[c] = words[c].name;
    for (size_t i = 0; i < n; i++) {
        const word want = {cell[i], 0}, *at = bsearch(&want, words, count, sizeof *words, by_letters);
        class_of[i] = (uint32_t)(at != NULL ? (size_t)(at - words) : count);
    }
    if (rest) names[count++] = REPORT_OTHER;
    factor->classes = count;
    factor->class_name = names;
    factor->class_of = class_of;
    return TRIAD_OK;
}
