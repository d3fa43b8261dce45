#include "align/coarse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double BLOCK_LENGTH = 46000; /* with what rounding adds, at most ALIGN_DEPTH^0.5 / 2, below 2^15.5 */
static const double LARGEST = 32767;

enum {
    SIDE_BY_SIDE = 8,        /* rows that are put in place together */
    BLOCK = ALIGN_DEPTH / 2, /* pairs of columns */
    LINE = 32                /* numbers of a cache line */
};

static size_t panels_of(size_t n)
{
    return (n + ALIGN_PANEL - 1) / ALIGN_PANEL;
}

static size_t pairs_of(size_t d)
{
    return (d + 1) / 2;
}

size_t align_coarse_size(size_t n, size_t d)
{
    return panels_of(n) * pairs_of(d) * ALIGN_PANEL * 2;
}

typedef struct rounding {
    align_coarse *coarse;
    const align_apart *apart;
    const align_source *source;
    double *wide;   /* [workers, 2 d] */
    int16_t *whole; /* [workers, SIDE_BY_SIDE, pairs, 2] */
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
    for (size_t c = 0; c < d; c += ALIGN_DEPTH) {
        const size_t depth = d - c < ALIGN_DEPTH ? d - c : ALIGN_DEPTH;
        most = fmax(most, align_dot(apart + c, apart + c, depth));
        largest = fmax(largest, align_largest(apart + c, depth));
    }
    const double unit = (float)fmax(sqrt(most) / BLOCK_LENGTH, largest / LARGEST);
    const bool none = unit < 1e-30; /* a row like the mean, but for rounding */
    coarse->unit[i] = none ? 0 : (float)unit;
    coarse->left[i] = none ? job->apart->length[i] : sqrt(align_round_to_short(out, apart, unit, d));
}

static void round_rows(void *context, size_t tile, int worker)
{
    const rounding *job = context;
    const size_t d = job->coarse->d, pairs = pairs_of(d), first = tile * SIDE_BY_SIDE, panel = first / ALIGN_PANEL;
    int16_t *whole = job->whole + (size_t)worker * SIDE_BY_SIDE * pairs * 2;
    for (size_t r = 0; r < SIDE_BY_SIDE; r++)
        round_row(job, first + r, whole + r * pairs * 2, job->wide + (size_t)worker * 2 * d);
    for (size_t k = 0; k < pairs; k += BLOCK) {
        const size_t depth = pairs - k < BLOCK ? pairs - k : BLOCK;
        int16_t *out = job->coarse->values + (panel * pairs + k) * ALIGN_PANEL * 2 +
                       align_coarse_place(first % ALIGN_PANEL, 0, depth);
        for (size_t l = k; l < k + depth; l++, out += ALIGN_STRIP * 2)
            for (size_t r = 0; r < SIDE_BY_SIDE; r++) memcpy(out + 2 * r, whole + (r * pairs + l) * 2, 2 * sizeof *out);
    }
}

triad_status align_coarse_create(align_coarse *coarse, const align_apart *apart, const align_source *source,
                                 int16_t *values, triad_pool *pool, triad_error *err)
{
    const size_t n = source->n, d = source->d, workers = (size_t)triad_pool_threads(pool);
    *coarse = (align_coarse){.n = n, .d = d, .values = values, .multiply = align_coarse_choose()};
    coarse->unit = malloc((n + 1) * sizeof *coarse->unit);
    coarse->left = malloc((n + 1) * sizeof *coarse->left);
    rounding job = {.coarse = coarse, .apart = apart, .source = source};
    job.wide = malloc((workers * 2 * d + 1) * sizeof *job.wide);
    job.whole = malloc((workers * SIDE_BY_SIDE * pairs_of(d) * 2 + 1) * sizeof *job.whole);
    triad_status status = TRIAD_OK;
    if (coarse->unit && coarse->left && job.wide && job.whole) {
        triad_parallel(pool, panels_of(n) * (ALIGN_PANEL / SIDE_BY_SIDE), round_rows, &job);
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

/* Asks for part `part` of `parts` of a block of columns of some panels, which is needed when the one before is done. */
static void ask_for(const align_coarse *coarse, size_t panel, size_t panels, size_t k, size_t part, size_t parts)
{
    const size_t pairs = pairs_of(coarse->d);
    if (k >= pairs) return;
    const size_t lines = (pairs - k < BLOCK ? pairs - k : BLOCK) * ALIGN_PANEL * 2 / LINE, all = panels * lines;
    for (size_t l = all * part / parts; l < all * (part + 1) / parts; l++)
        __builtin_prefetch(coarse->values + ((panel + l / lines) * pairs + k) * ALIGN_PANEL * 2 + l % lines * LINE, 0,
                           2);
}

void align_coarse_tile(const align_coarse *coarse, float *c, size_t ldc, size_t row, size_t rows, size_t column,
                       size_t columns)
{
    const size_t pairs = pairs_of(coarse->d), step = ALIGN_PANEL * 2;
    for (size_t k = 0; k < pairs; k += BLOCK)
        for (size_t q = 0; q < columns; q++) {
            const int16_t *right = coarse->values + ((column + q) * pairs + k) * step;
            for (size_t p = row < column + q ? column + q - row : 0; p < rows; p++) {
                ask_for(coarse, row, rows, k + BLOCK, q * rows + p, rows * columns);
                if (row != column) ask_for(coarse, column, columns, k + BLOCK, q * rows + p, rows * columns);
                coarse->multiply(coarse->values + ((row + p) * pairs + k) * step, right,
                                 pairs - k < BLOCK ? pairs - k : BLOCK, k == 0,
                                 c + p * ALIGN_PANEL * ldc + q * ALIGN_PANEL, ldc);
            }
        }
}

double align_coarse_error(const align_coarse *coarse, const align_apart *apart, size_t i)
{
    /* d_i.d_j = u_i u_j q_i.q_j + rest_i.d_j + d_i.rest_j - rest_i.rest_j */
    const double length = apart->length[i], left = coarse->left[i],
                 rests = left * coarse->longest + length * coarse->largest + left * coarse->largest;
    /* float operations: a conversion and an addition for each block of columns, each at most a sum of lengths' products
     * off by 2^-24; two for the units */
    const double blocks = (double)(coarse->d / ALIGN_DEPTH + 1);
    return rests + (2 * blocks + 4) * 0x1p-24 * (length + left) * (coarse->longest + coarse->largest);
}
