#include "align/statistics.h"

#include "base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void align_stream_seed(triad_pcg64 *rng, uint64_t seed, align_stream stream, uint64_t index)
{
    const uint32_t words[] = {(uint32_t)seed, (uint32_t)(seed >> 32), 0xa11c, (uint32_t)stream, (uint32_t)index};
    triad_pcg64_seed_words(rng, words, sizeof words / sizeof *words);
}

triad_status align_folds(uint8_t *fold, size_t n, uint64_t seed, triad_error *err)
{
    triad_pcg64 rng;
    size_t *order = malloc((n ? n : 1) * sizeof *order);
    if (order == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "folds: out of memory");
    for (size_t i = 0; i < n; i++) order[i] = i;
    align_stream_seed(&rng, seed, ALIGN_STREAM_FOLDS, 0);
    triad_pcg64_shuffle(&rng, order, n);
    for (size_t i = 0; i < n; i++) fold[order[i]] = (uint8_t)(i % ALIGN_FOLDS);
    free(order);
    return TRIAD_OK;
}

void align_resamples(double *weights, size_t draws, size_t n, uint64_t seed)
{
    triad_pcg64 rng;
    memset(weights, 0, draws * n * sizeof *weights);
    for (size_t b = 0; b < draws; b++) {
        align_stream_seed(&rng, seed, ALIGN_STREAM_BOOTSTRAP, b);
        for (size_t i = 0; i < n; i++) weights[b * n + (size_t)triad_pcg64_integers(&rng, 0, (int64_t)n)] += 1;
    }
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double sorted_quantile(const double *sorted, size_t n, double q)
{
    const double at = q * (double)(n - 1);
    const size_t i = (size_t)at;
    return i + 1 < n ? sorted[i] + (at - (double)i) * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}

static bool sort_numbers(double *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (isnan(values[i])) return false;
    qsort(values, n, sizeof *values, ascending);
    return n > 0;
}

double align_quantile(double *values, size_t n, double q)
{
    return sort_numbers(values, n) ? sorted_quantile(values, n, q) : NAN;
}

void align_interval(double *low, double *high, double *draws, size_t n)
{
    const bool ok = sort_numbers(draws, n);
    *low = ok ? sorted_quantile(draws, n, 0.025) : NAN;
    *high = ok ? sorted_quantile(draws, n, 0.975) : NAN;
}

void align_null_summary(triad_align_null *null, double observed, const double *draws, size_t m)
{
    /* A draw that equals the observed value up to rounding counts as reaching it. */
    const double margin = 1e-12;
    size_t reached = 0;
    double sum = 0, squares = 0;
    null->present = true;
    null->draws = m;
    null->observed = observed;
    for (size_t i = 0; i < m; i++) {
        reached += draws[i] >= observed - margin;
        sum += draws[i];
    }
    null->mean = m ? sum / (double)m : NAN;
    for (size_t i = 0; i < m; i++) squares += (draws[i] - null->mean) * (draws[i] - null->mean);
    null->sd = m > 1 ? sqrt(squares / (double)(m - 1)) : NAN;
    null->p = isnan(observed) || isnan(null->mean) ? NAN : (double)(reached + 1) / (double)(m + 1);
}

typedef struct keyed { double value; uint32_t index; } keyed;

static int by_value(const void *a, const void *b)
{
    const keyed *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

void align_average_ranks(double *ranks, const double *values, size_t n)
{
    keyed *sorted = malloc((n ? n : 1) * sizeof *sorted);
    if (sorted == NULL) {
        for (size_t i = 0; i < n; i++) ranks[i] = NAN;
        return;
    }
    for (size_t i = 0; i < n; i++) sorted[i] = (keyed){values[i], (uint32_t)i};
    qsort(sorted, n, sizeof *sorted, by_value);
    for (size_t i = 0; i < n;) {
        size_t j = i;
        while (j < n && sorted[j].value == sorted[i].value) j++;
        const double rank = 0.5 * (double)(i + 1 + j);
        for (; i < j; i++) ranks[sorted[i].index] = rank;
    }
    free(sorted);
}

triad_align_difference triad_align_paired(const double *a, const double *b, size_t n, size_t bootstraps, uint64_t seed)
{
    triad_align_difference out = {NAN, NAN, NAN, NAN};
    double *draws = malloc((bootstraps ? bootstraps : 1) * sizeof *draws);
    if (n == 0 || draws == NULL) {
        free(draws);
        return out;
    }
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] - b[i];
    out.mean = sum / (double)n;
    size_t below = 0, above = 0;
    for (size_t r = 0; r < bootstraps; r++) {
        triad_pcg64 rng;
        align_stream_seed(&rng, seed, ALIGN_STREAM_BOOTSTRAP, r);
        double total = 0;
        for (size_t i = 0; i < n; i++) {
            const size_t j = (size_t)triad_pcg64_integers(&rng, 0, (int64_t)n);
            total += a[j] - b[j];
        }
        draws[r] = total / (double)n;
        below += draws[r] <= 0;
        above += draws[r] >= 0;
    }
    if (bootstraps > 0) {
        align_interval(&out.low, &out.high, draws, bootstraps);
        const double p = 2.0 * (double)((below < above ? below : above) + 1) / (double)(bootstraps + 1);
        out.p = p < 1 ? p : 1;
    }
    free(draws);
    return out;
}
