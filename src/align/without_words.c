#include "align/without_words.h"

#include <math.h>
#include <stdlib.h>

/* Of ordered pairs: a and b of the two matrices. */
typedef struct pair_sums {
    double a, b, aa, ab, bb;
} pair_sums;

/* What a word takes away with its sentences, and the row sums that are left to the others. */
typedef struct word_sums {
    size_t sentences;
    pair_sums rows, within; /* of rows that hold the word; of pairs both of which do */
    double ra_ra, ra_rb, rb_rb, ra, rb;
} word_sums;

static bool holds(const align_units *words, size_t i, size_t unit)
{
    for (size_t p = words->offset[i]; p < words->offset[i + 1]; p++)
        if (words->unit[p] == unit) return true;
    return false;
}

static void add(pair_sums *to, const pair_sums *more)
{
    to->a += more->a;
    to->b += more->b;
    to->aa += more->aa;
    to->ab += more->ab;
    to->bb += more->bb;
}

/* part [units]: row i's sums over the sentences that hold each word; *all: over all sentences. */
static void sum_row(pair_sums *part, pair_sums *all, const align_units *words, const double *x, const double *y,
                    size_t i)
{
    *all = (pair_sums){0};
    for (size_t u = 0; u < words->units; u++) part[u] = (pair_sums){0};
    for (size_t j = 0; j < words->n; j++) {
        if (j == i) continue;
        const double a = x[i * words->n + j], b = y[i * words->n + j];
        const pair_sums one = {a, b, a * a, a * b, b * b};
        add(all, &one);
        for (size_t p = words->offset[j]; p < words->offset[j + 1]; p++) add(&part[words->unit[p]], &one);
    }
}

static double left_of(const word_sums *word, const pair_sums *total, size_t n, align_left left)
{
    if (n < word->sentences + 4) return NAN;
    const double m = (double)(n - word->sentences), pairs = m * (m - 1);
    const pair_sums *rows = &word->rows, *within = &word->within;
    /* A pair between a sentence that holds the word and one that does not goes both ways. */
    const double a = total->a - 2 * rows->a + within->a, b = total->b - 2 * rows->b + within->b,
                 aa = total->aa - 2 * rows->aa + within->aa, ab = total->ab - 2 * rows->ab + within->ab,
                 bb = total->bb - 2 * rows->bb + within->bb;
    if (left == ALIGN_LEFT_PRODUCTS) return ab / pairs;
    if (left == ALIGN_LEFT_DISTANCES) return align_ratio(ab - a * b / pairs, aa - a * a / pairs, bb - b * b / pairs);
    const double once = 2 / (m - 2), twice = 1 / ((m - 1) * (m - 2));
    return align_ratio(ab - once * word->ra_rb + twice * word->ra * word->rb,
                       aa - once * word->ra_ra + twice * word->ra * word->ra,
                       bb - once * word->rb_rb + twice * word->rb * word->rb);
}

triad_status align_values_without(double *value, const align_units *words, const double *x, const double *y,
                                  align_left left, triad_error *err)
{
    const size_t units = words->units;
    pair_sums *part = malloc((units + 1) * sizeof *part), total = {0}, all;
    word_sums *word = calloc(units + 1, sizeof *word);
    triad_status status =
        part && word ? TRIAD_OK : triad_fail(err, TRIAD_ERR_MEMORY, -1, "intervals over words: out of memory");
    for (size_t i = 0; status == TRIAD_OK && i < words->n; i++) {
        sum_row(part, &all, words, x, y, i);
        add(&total, &all);
        for (size_t u = 0; u < units; u++) {
            if (holds(words, i, u)) {
                word[u].sentences++;
                add(&word[u].rows, &all);
                add(&word[u].within, &part[u]);
                continue;
            }
            const double ra = all.a - part[u].a, rb = all.b - part[u].b;
            word[u].ra += ra;
            word[u].rb += rb;
            word[u].ra_ra += ra * ra;
            word[u].ra_rb += ra * rb;
            word[u].rb_rb += rb * rb;
        }
    }
    for (size_t u = 0; status == TRIAD_OK && u < units; u++) value[u] = left_of(&word[u], &total, words->n, left);
    free(part);
    free(word);
    return status;
}
