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

triad_status align_calibrate(align_calibration *out, double observed, const double *draws, size_t m, double alpha,
                             double most, triad_error *err)
{
    *out = (align_calibration){NAN, NAN, NAN, NAN, NAN, NAN};
    if (m == 0 || isnan(observed)) return TRIAD_OK;
    triad_align_null null;
    align_null_summary(&null, observed, draws, m);
    double *all = malloc((m + 1) * sizeof *all);
    if (all == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "calibration: out of memory");
    memcpy(all, draws, m * sizeof *all);
    all[m] = observed;
    if (sort_numbers(all, m + 1)) {
        const double place = ceil((1 - alpha) * (double)(m + 1) - 1e-9) - 1;
        out->tau = all[place > 0 ? (size_t)place : 0];
        const double left = most - out->tau, score = (observed - out->tau) / (left > 1e-12 ? left : 1e-12);
        out->calibrated = score < 0 ? 0 : score > 1 ? 1 : score;
    }
    free(all);
    out->p = null.p;
    out->mean = null.mean;
    out->sd = null.sd;
    out->z = null.sd > 0 ? (observed - null.mean) / null.sd : NAN;
    return TRIAD_OK;
}

typedef struct ordered {
    double p;
    size_t index;
} ordered;

static int by_p(const void *a, const void *b)
{
    const ordered *x = a, *y = b;
    if (x->p != y->p) return x->p < y->p ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static triad_status adjust(double *adjusted, const double *p, size_t m, bool step_up, triad_error *err)
{
    ordered *sorted = malloc((m ? m : 1) * sizeof *sorted);
    if (sorted == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "adjusted p: out of memory");
    for (size_t i = 0; i < m; i++) sorted[i] = (ordered){p[i], i};
    qsort(sorted, m, sizeof *sorted, by_p);
    double run = step_up ? 1 : 0;
    for (size_t at = 0; at < m; at++) {
        const size_t r = step_up ? m - 1 - at : at;
        if (step_up)
            run = fmin(run, sorted[r].p * (double)m / (double)(r + 1));
        else
            run = fmax(run, fmin(1, (double)(m - r) * sorted[r].p));
        adjusted[sorted[r].index] = run;
    }
    free(sorted);
    return TRIAD_OK;
}

triad_status align_holm(double *adjusted, const double *p, size_t m, triad_error *err)
{
    return adjust(adjusted, p, m, false, err);
}

triad_status align_benjamini_hochberg(double *adjusted, const double *p, size_t m, triad_error *err)
{
    return adjust(adjusted, p, m, true, err);
}

double align_partial(double xy, double xz, double yz)
{
    const double left = (1 - xz * xz) * (1 - yz * yz);
    return left > 0 ? (xy - xz * yz) / sqrt(left) : NAN;
}
