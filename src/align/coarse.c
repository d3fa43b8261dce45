#include "align/coarse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double BLOCK_LENGTH =
    46000; /* with what rounding adds, at most ALIGN_COARSE_DEPTH^0.5 / 2, below 2^15.5 */
static const double LARGEST = 32767;

static size_t pairs_of(size_t d)
{
    return (d + 1) / 2;
}

typedef struct rounding {
    align_coarse *coarse;
    const align_apart *apart;
    const align_source *source;
    double *wide;   /* [workers, 2, d] */
    int16_t *whole; /* [workers, ALIGN_TOGETHER, pairs, 2] */
} rounding;

/* out [pairs, 2] of row i, or zeroes past the last. */
static void round_row(const rounding *job, size_t i, int16_t *out, double *room)
{
    align_coarse *coarse = job->coarse;
    const size_t d = coarse->d;
    memset(out, 0, pairs_of(d) * 2 * sizeof *out);
    if (i >= coarse->n) return;
    double *apart = room + d, most = 0, largest = 0;
    const double *row = align_source_row(job->source, i, room);
    align_shift(apart, row, job->apart->scale[i], job->apart->mean, d);
    for (size_t c = 0; c < d; c += ALIGN_COARSE_DEPTH) {
        const size_t depth = d - c < ALIGN_COARSE_DEPTH ? d - c : ALIGN_COARSE_DEPTH;
        most = fmax(most, align_dot(apart + c, apart + c, depth));
        largest = fmax(largest, align_largest(apart + c, depth));
    }
    const double unit = (float)fmax(sqrt(most) / BLOCK_LENGTH, largest / LARGEST);
    const bool none = unit < 1e-30; /* a row like the mean, but for rounding */
    coarse->unit[i] = none ? 0 : (float)unit;
    coarse->left[i] = none ? job->apart->length[i] : sqrt(align_round_to_short(out, apart, unit, d));
}

static void round_rows(void *context, size_t panel, int worker)
{
    const rounding *job = context;
    const size_t d = job->coarse->d, pairs = pairs_of(d);
    int16_t *whole = job->whole + (size_t)worker * ALIGN_TOGETHER * pairs * 2;
    for (size_t i = panel * ALIGN_PANEL; i < (panel + 1) * ALIGN_PANEL; i += ALIGN_TOGETHER) {
        for (size_t r = 0; r < ALIGN_TOGETHER; r++)
            round_row(job, i + r, whole + r * pairs * 2, job->wide + (size_t)worker * 2 * d);
        align_panels_put(&job->coarse->integers, i, whole);
    }
}

triad_status align_coarse_create(align_coarse *coarse, const align_apart *apart, const align_source *source,
                                 void *values, triad_pool *pool, triad_error *err)
{
    const size_t n = source->n, d = source->d, workers = (size_t)triad_pool_threads(pool);
    *coarse = (align_coarse){.n = n, .d = d};
    coarse->integers = (align_panels){.n = n,
                                      .units = pairs_of(d),
                                      .block = ALIGN_COARSE_DEPTH / 2,
                                      .values = values,
                                      .multiply = align_panel_short_choose()};
    coarse->unit = malloc((n + 1) * sizeof *coarse->unit);
    coarse->left = malloc((n + 1) * sizeof *coarse->left);
    rounding job = {.coarse = coarse, .apart = apart, .source = source};
    job.wide = malloc((workers * 2 * d + 1) * sizeof *job.wide);
    job.whole = malloc((workers * ALIGN_TOGETHER * pairs_of(d) * 2 + 1) * sizeof *job.whole);
    triad_status status = TRIAD_OK;
    if (coarse->unit && coarse->left && job.wide && job.whole) {
        triad_parallel(pool, align_panels_count(n), round_rows, &job);
        for (size_t i = 0; i < n; i++) {
            coarse->longest = fmax(coarse->longest, apart->length[i]);
            coarse->largest = fmax(coarse->largest, coarse->left[i]);
        }
    } else {
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
        align_coarse_free(coarse);
    }
    free(job.wide);
    free(job.whole);
    return status;
}

void align_coarse_free(align_coarse *coarse)
{
    free(coarse->unit);
    free(coarse->left);
    *coarse = (align_coarse){0};
}

double align_coarse_error(const align_coarse *coarse, const align_apart *apart, size_t i)
{
    /* d_i.d_j = u_i u_j q_i.q_j + rest_i.d_j + d_i.rest_j - rest_i.rest_j */
    const double length = apart->length[i], left = coarse->left[i],
                 rests = left * coarse->longest + length * coarse->largest + left * coarse->largest;
    /* float operations: a conversion and an addition for each block of columns, each at most a sum of lengths' products
     * off by 2^-24; two for the units */
    const double blocks = (double)(coarse->d / ALIGN_COARSE_DEPTH + 1);
    return rests + (2 * blocks + 4) * 0x1p-24 * (length + left) * (coarse->longest + coarse->largest);
}
