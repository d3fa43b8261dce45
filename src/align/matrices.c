#include "align/matrices.h"

#include "align/align_kernel.h"
#include "align/apart.h"
#include "align/centred.h"
#include "align/gram.h"
#include "align/ranks.h"
#include "base/large.h"
#include "base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double DISTANCE_GRID = 1e10;

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "matrices: out of memory");
}

void align_unit_rows(double *x, size_t n, size_t d)
{
    for (size_t i = 0; i < n; i++) {
        double *row = x + i * d;
        const double squares = align_dot(row, row, d), scale = squares > 0 ? 1 / sqrt(squares) : 1;
        for (size_t c = 0; c < d; c++) row[c] *= scale;
    }
}

typedef struct copy_job {
    double *to;
    const align_source *from;
    size_t step; /* from row to row of `to` */
} copy_job;

static void copy_unit_rows(void *context, size_t tile, int worker)
{
    (void)worker;
    const copy_job *job = context;
    const size_t d = job->from->d, end = align_row_end(tile, job->from->n);
    for (size_t i = tile * ALIGN_ROW_TILE; i < end; i++) {
        double *to = job->to + i * job->step;
        const double *row = align_source_row(job->from, i, to);
        if (row != to) memcpy(to, row, d * sizeof *to);
        align_unit_rows(to, 1, d);
    }
}

static void unit_copy(double *unit, size_t step, const align_source *rows, triad_pool *pool)
{
    triad_parallel(pool, align_row_tiles(rows->n), copy_unit_rows, &(copy_job){unit, rows, step});
}

triad_status align_centre(double *x, size_t n, size_t d, triad_error *err)
{
    double *mean = calloc(d ? d : 1, sizeof *mean);
    if (mean == NULL) return out_of_memory(err);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < d; c++) mean[c] += x[i * d + c];
    for (size_t c = 0; c < d; c++) mean[c] /= (double)n;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < d; c++) x[i * d + c] -= mean[c];
    free(mean);
    return TRIAD_OK;
}

triad_status align_cosines_of(double *cosine, const align_source *rows, align_room *room, triad_pool *pool,
                              triad_error *err)
{
    const size_t step = align_row_step(rows->d);
    align_room own = {0};
    double *unit = align_room_take(room ? room : &own, rows->n * step + 1, sizeof *unit);
    if (unit == NULL) return out_of_memory(err);
    unit_copy(unit, step, rows, pool);
    align_gram_rows(cosine, unit, step, rows->n, rows->d, pool);
    free(own.memory);
    return TRIAD_OK;
}

triad_status align_cosines(double *cosine, const double *x, size_t n, size_t d, triad_pool *pool, triad_error *err)
{
    return align_cosines_of(cosine, &(align_source){.n = n, .d = d, .x = x}, NULL, pool, err);
}

double align_matched_sum(const double *a, const double *b, size_t n)
{
    /* both are symmetric */
    double below = 0, diagonal = 0;
    for (size_t i = 0; i < n; i++) {
        below += align_dot(a + i * n, b + i * n, i);
        diagonal += a[i * n + i] * b[i * n + i];
    }
    return 2 * below + diagonal;
}

double align_ratio(double both, double x, double y)
{
    if (!(x > 0 && y > 0)) return NAN;
    return isnormal(x * y) ? both / sqrt(x * y) : both / sqrt(x) / sqrt(y);
}

double align_norm_above_rounding(double norm, double raw_norm)
{
    return norm > 1e-24 * raw_norm ? norm : 0;
}

double align_norm_of_centred_columns(double norm, double raw_norm)
{
    return norm > 1e-48 * raw_norm ? norm : 0;
}

/* ---- kernels */

typedef struct centring {
    const double *kernel; /* [n, n] */
    size_t n;
    bool unbiased, given; /* given: the norm before is known */
    double *values, *row; /* [n, n], may be the kernel itself; [n] sums, then the part that each takes off */
    double *raw, *norm;   /* [n] sums of squares of each row, before and after */
    double both;
} centring;

static void sum_rows(void *context, size_t tile, int worker)
{
    (void)worker;
    centring *c = context;
    const size_t n = c->n, end = align_row_end(tile, n);
    for (size_t i = tile * ALIGN_ROW_TILE; i < end; i++) {
        c->row[i] = align_sum(c->kernel + i * n, n);
        c->raw[i] = c->given ? 0 : align_dot(c->kernel + i * n, c->kernel + i * n, n);
        if (c->unbiased) c->row[i] -= c->kernel[i * n + i];
    }
}

static void centre_rows(void *context, size_t tile, int worker)
{
    (void)worker;
    centring *c = context;
    const size_t n = c->n, end = align_row_end(tile, n);
    for (size_t i = tile * ALIGN_ROW_TILE; i < end; i++) {
        double *out = c->values + i * n;
        align_centre_row(out, c->kernel + i * n, c->row, c->row[i], c->both, n);
        if (c->unbiased) out[i] = 0;
        c->norm[i] = align_dot(out, out, n);
    }
}

/* kernel NULL: it lies in out->values already. raw_norm: that of the kernel before its columns were centred; 0: the
 * kernel's own. */
static triad_status centre_kernel(align_matrix *out, const double *kernel, double raw_norm, size_t n, bool unbiased,
                                  triad_pool *pool, triad_error *err)
{
    if (unbiased && n < 4) {
        free(out->values);
        out->values = NULL;
        return TRIAD_OK;
    }
    if (kernel) out->values = triad_alloc_large(n * n, sizeof *out->values);
    centring c = {.kernel = kernel ? kernel : out->values, .n = n, .unbiased = unbiased, .values = out->values};
    c.given = raw_norm > 0;
    c.row = malloc(3 * n * sizeof *c.row);
    if (c.values == NULL || c.row == NULL) {
        free(c.row);
        return out_of_memory(err);
    }
    c.raw = c.row + n;
    c.norm = c.row + 2 * n;
    triad_parallel(pool, align_row_tiles(n), sum_rows, &c);
    double total = 0, raw = raw_norm, norm = 0;
    for (size_t i = 0; i < n; i++) {
        total += c.row[i];
        raw += c.raw[i];
    }
    const double count = (double)n, outer = unbiased ? 1 / (count - 2) : 1 / count;
    c.both = unbiased ? total / ((count - 1) * (count - 2)) : total / (count * count);
    for (size_t i = 0; i < n; i++) c.row[i] *= outer;
    triad_parallel(pool, align_row_tiles(n), centre_rows, &c);
    for (size_t i = 0; i < n; i++) norm += c.norm[i];
    out->norm = c.given ? align_norm_of_centred_columns(norm, raw) : align_norm_above_rounding(norm, raw);
    free(c.row);
    return TRIAD_OK;
}

/* The kernel [n, n] of the centred columns by float products. *raw: the most that the uncentred kernel's norm can be.
 */
static triad_status float_kernel(double *kernel, double *raw, const align_source *rows, align_room *room,
                                 triad_pool *pool, triad_error *err)
{
    align_room own = {0};
    const size_t size = align_panels_size(rows->n, rows->d);
    float *values = align_room_take(room ? room : &own, size + align_gram_room(pool), sizeof *values);
    align_centred centred = {0};
    triad_status status = values ? align_centred_create(&centred, rows, values, pool, err) : out_of_memory(err);
    if (status == TRIAD_OK) {
        align_gram_widened(kernel, &centred.rows, values + size, pool);
        *raw = centred.raw;
    }
    align_centred_free(&centred);
    free(own.memory);
    return status;
}

/* The same by double products. */
static triad_status double_kernel(double *kernel, double *raw, const align_source *rows, triad_pool *pool,
                                  triad_error *err)
{
    const size_t n = rows->n, d = rows->d;
    double *centred = triad_alloc_large(n * d + 1, sizeof *centred);
    if (centred == NULL) return out_of_memory(err);
    memcpy(centred, rows->x, n * d * sizeof *centred);
    const double square = align_dot(centred, centred, n * d);
    const triad_status status = align_centre(centred, n, d, err);
    if (status == TRIAD_OK) align_gram_rows(kernel, centred, d, n, d, pool);
    *raw = square * square;
    free(centred);
    return status;
}

triad_status align_linear_kernels(align_matrix *biased, align_matrix *unbiased, const align_source *rows, bool single,
                                  align_room *room, triad_pool *pool, triad_error *err)
{
    const size_t n = rows->n;
    double *kernel = triad_alloc_large(n * n + 1, sizeof *kernel), raw = 0;
    triad_status status = kernel ? TRIAD_OK : out_of_memory(err);
    if (status == TRIAD_OK && single)
        status = float_kernel(kernel, &raw, rows, room, pool, err);
    else if (status == TRIAD_OK)
        status = double_kernel(kernel, &raw, rows, pool, err);
    if (status == TRIAD_OK && biased && unbiased) status = centre_kernel(biased, kernel, raw, n, false, pool, err);
    if (status != TRIAD_OK) {
        free(kernel);
        return status;
    }
    align_matrix *last = unbiased ? unbiased : biased; /* keeps the kernel's memory */
    last->values = kernel;
    return centre_kernel(last, NULL, raw, n, unbiased != NULL, pool, err);
}

/* ---- distances */

typedef struct distance_job {
    double *out;
    const double *x;
    size_t n, d;
} distance_job;

/* Direct differences: through the Gram matrix duplicates would lie 1e-8 apart. Tiles of rows stay in the cache. */
static void square_distance_rows(void *context, size_t t, int worker)
{
    (void)worker;
    const distance_job *job = context;
    enum { TILE = 16 };
    const size_t n = job->n, d = job->d, r = t * TILE;
    for (size_t s = 0; s <= r; s += TILE)
        for (size_t i = r; i < n && i < r + TILE; i++)
            for (size_t j = s; j <= i && j < s + TILE; j++)
                job->out[i * n + j] = job->out[j * n + i] =
                    i == j ? 0 : align_square_distance(job->x + i * d, job->x + j * d, d);
}

static void square_distances(double *out, const double *x, size_t n, size_t d, triad_pool *pool)
{
    triad_parallel(pool, (n + 15) / 16, square_distance_rows, &(distance_job){out, x, n, d});
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static triad_status median_distance(double *median, const double *squares, size_t n, triad_error *err)
{
    const size_t pairs = n * (n - 1) / 2;
    double *all = malloc((pairs + 1) * sizeof *all);
    if (all == NULL) return out_of_memory(err);
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) all[at++] = sqrt(squares[i * n + j]);
    qsort(all, pairs, sizeof *all, ascending);
    *median = pairs == 0 ? 0 : pairs % 2 ? all[pairs / 2] : 0.5 * (all[pairs / 2 - 1] + all[pairs / 2]);
    free(all);
    return TRIAD_OK;
}

static triad_status make_rbf(align_matrix *matrix, uint32_t kinds, align_matrix_kind plain, align_matrix_kind unbiased,
                             const double *squares, double sigma, double *kernel, size_t n, triad_pool *pool,
                             triad_error *err)
{
    const bool wanted_u = unbiased < ALIGN_MATRICES && kinds >> unbiased & 1;
    if (!(kinds >> plain & 1) && !wanted_u) return TRIAD_OK;
    if (!(sigma > 0)) return TRIAD_OK; /* half of all distances are zero: no scale */
    for (size_t i = 0; i < n * n; i++) kernel[i] = exp(-squares[i] / (2 * sigma * sigma));
    triad_status status = kinds >> plain & 1 ? centre_kernel(&matrix[plain], kernel, 0, n, false, pool, err) : TRIAD_OK;
    if (status == TRIAD_OK && wanted_u) status = centre_kernel(&matrix[unbiased], kernel, 0, n, true, pool, err);
    return status;
}

/* How a row of distances comes about. */
typedef enum distance_from { FROM_COSINE, FROM_APART, FROM_SQUARE, FROM_SQUARE_ROOT } distance_from;

typedef struct rdm_job {
    distance_from from;
    const double *source;     /* [n, n] cosines, products of what rows differ by, or squared distances */
    const double *own, *part; /* [n] of products: u.m, and u.m - m.m */
    size_t n;
    double *values;
    double *sum, *square; /* [n] over a row below the diagonal */
    double shift;
} rdm_job;

/* Distances on their grid, below the diagonal. */
static void fill_rows(void *context, size_t tile, int worker)
{
    (void)worker;
    rdm_job *job = context;
    const size_t n = job->n, end = align_row_end(tile, n);
    for (size_t i = tile * ALIGN_ROW_TILE; i < end; i++) {
        const double *from = job->source + i * n;
        double *out = job->values + i * n;
        if (job->from == FROM_COSINE)
            align_cosine_distances(out, from, i);
        else if (job->from == FROM_APART)
            align_apart_distances(out, from, job->part, job->own[i], i);
        else
            for (size_t j = 0; j < i; j++)
                out[j] = rint((job->from == FROM_SQUARE ? from[j] : sqrt(from[j])) * DISTANCE_GRID) / DISTANCE_GRID;
        out[i] = 0;
        job->sum[i] = align_sum(out, i);
        job->square[i] = align_dot(out, out, i);
    }
}

static void shift_rows(void *context, size_t tile, int worker)
{
    (void)worker;
    rdm_job *job = context;
    const size_t n = job->n, end = align_row_end(tile, n);
    for (size_t i = tile * ALIGN_ROW_TILE; i < end; i++) {
        double *out = job->values + i * n;
        for (size_t j = 0; j < i; j++) out[j] -= job->shift;
        job->square[i] = align_dot(out, out, i);
    }
}

/* The three forms of one kind of distance; the last of them takes over the source's memory where that is `ours`, which
 * is freed where none does. */
static triad_status make_rdm(align_matrix *matrix, uint32_t kinds, align_matrix_kind first, distance_from how,
                             const double *source, double *ours, const align_apart *apart, const double *part, size_t n,
                             align_room *room, triad_pool *pool, triad_error *err)
{
    const unsigned wanted = kinds >> first & 7, last = wanted & 4 ? 2 : wanted & 2 ? 1 : 0;
    const size_t pairs = n * (n - 1) / 2, tiles = align_row_tiles(n);
    double *sums = malloc((2 * n + 1) * sizeof *sums);
    triad_status status = sums ? TRIAD_OK : out_of_memory(err);
    for (unsigned form = 0; form < 3 && status == TRIAD_OK; form++) {
        const align_matrix_kind kind = (align_matrix_kind)(first + form);
        if (!(kinds >> kind & 1)) continue;
        rdm_job job = {.from = how, .source = source, .n = n, .sum = sums, .square = sums + n};
        job.own = apart ? apart->on_mean : NULL;
        job.part = part;
        job.values = ours && form == last ? ours : triad_alloc_large(n * n + 1, sizeof *job.values);
        if (job.values == ours) ours = NULL;
        matrix[kind].values = job.values;
        if (job.values == NULL) {
            status = out_of_memory(err);
            break;
        }
        triad_parallel(pool, tiles, fill_rows, &job);
        double mean = 0, raw = 0, norm = 0;
        for (size_t i = 0; i < n; i++) {
            mean += job.sum[i];
            raw += 2 * job.square[i];
        }
        mean /= (double)(pairs ? pairs : 1);
        if (form == 2) {
            status = align_rank_pairs(job.values, n, room, pool, err);
            if (status != TRIAD_OK) break;
            raw = 0; /* ranks are exact: what is left of their mean is no rounding */
        }
        job.shift = form == 1 ? mean : 0;
        triad_parallel(pool, tiles, shift_rows, &job);
        for (size_t i = 0; i < n; i++) norm += 2 * job.square[i];
        matrix[kind].norm = align_norm_above_rounding(norm, raw);
        align_mirror(job.values, n, pool);
    }
    free(sums);
    free(ours);
    return status;
}

triad_status align_cosine_forms(align_matrix matrix[ALIGN_MATRICES], uint32_t kinds, double *cosine, size_t n,
                                align_room *room, triad_pool *pool, triad_error *err)
{
    return make_rdm(matrix, kinds, ALIGN_COSINE, FROM_COSINE, cosine, cosine, NULL, NULL, n, room, pool, err);
}

/* Whether float products are enough for ranks. Ranks hang on float's error e only where many distances lie within it of
 * each other; what that can change of a rank correlation is of the order of sum c^3 / M^3 over cells as wide as some e
 * that hold c of all M distances each (ranks within a cell in any order against their mean), and over sqrt(M) where the
 * other side has nothing to do with it: a row of zeroes among 3,000, whose distances all are 1, gives 3e-10 and moved
 * 1e-8, distances that do not tie 1e-12 to 1e-11. e is measured: on pairs whose product is also taken in double. */
static triad_status floats_suffice(bool *enough, const double *product, const align_source *rows,
                                   const align_apart *apart, triad_error *err)
{
    enum { CHECKS = 2048, CELLS = 1 << 20, STRIDE = 8 };
    const size_t n = rows->n;
    uint32_t *cell = calloc(CELLS, sizeof *cell);
    if (cell == NULL) return out_of_memory(err);
    double squares = 0, low = INFINITY, high = -INFINITY, total = 0, cubes = 0;
    uint64_t random = 1;
    for (size_t c = 0; c < CHECKS; c++) {
        const size_t i = (size_t)((triad_splitmix64(&random) >> 32) * n >> 32),
                     j = (size_t)((triad_splitmix64(&random) >> 32) * n >> 32);
        const double cosine = product[i * n + j] + apart->on_mean[i] + apart->on_mean[j] - apart->square,
                     gap = cosine - align_exact_cosine(rows, apart, i, j);
        squares += gap * gap;
    }
    for (size_t i = STRIDE - 1; i < n; i += STRIDE)
        for (size_t j = 0; j < i; j++) {
            const double cosine = product[i * n + j] + apart->on_mean[i] + apart->on_mean[j];
            low = cosine < low ? cosine : low;
            high = cosine > high ? cosine : high;
            total++;
        }
    const double width = fmax(16 * sqrt(squares / CHECKS) + 1e-10, (high - low) / (CELLS - 1));
    for (size_t i = STRIDE - 1; i < n; i += STRIDE)
        for (size_t j = 0; j < i; j++)
            cell[(size_t)((product[i * n + j] + apart->on_mean[i] + apart->on_mean[j] - low) / width)]++;
    for (size_t c = 0; c < CELLS; c++) /* without what chance puts together */
        if (cell[c] > 2) cubes += (double)cell[c] * (cell[c] - 1.0) * (cell[c] - 2.0);
    *enough = total > 0 && cubes < 5e-11 * total * total * total;
    free(cell);
    return TRIAD_OK;
}

triad_status align_cosine_forms_single(align_matrix matrix[ALIGN_MATRICES], bool *done, uint32_t kinds, double *cosine,
                                       const align_source *rows, align_room *room, triad_pool *pool, triad_error *err)
{
    const size_t n = rows->n, size = align_panels_size(n, rows->d);
    align_room own = {0};
    if (room == NULL) room = &own;
    align_apart apart = {0};
    *done = false;
    float *values = align_room_take(room, size + align_gram_room(pool), sizeof *values);
    const align_panels single = align_panels_of_floats(values, n, rows->d);
    double *part = malloc((n + 1) * sizeof *part);
    triad_status status = values && part ? align_apart_create(&apart, rows, &single, pool, err) : out_of_memory(err);
    if (status == TRIAD_OK) {
        align_gram_widened(cosine, &single, values + size, pool);
        status = floats_suffice(done, cosine, rows, &apart, err);
    }
    if (status == TRIAD_OK && *done) {
        for (size_t i = 0; i < n; i++) part[i] = apart.on_mean[i] - apart.square;
        status = make_rdm(matrix, kinds, ALIGN_COSINE, FROM_APART, cosine, cosine, &apart, part, n, room, pool, err);
    }
    free(part);
    align_apart_free(&apart);
    free(own.memory);
    return status;
}

static bool wants_rdm(uint32_t kinds, align_matrix_kind first)
{
    return kinds >> first & 7;
}

triad_status align_matrices_create(align_matrix matrix[ALIGN_MATRICES], uint32_t kinds, const double *x, size_t n,
                                   size_t d, const double *raw, size_t raw_d, const double *cosine, triad_pool *pool,
                                   triad_error *err)
{
    memset(matrix, 0, ALIGN_MATRICES * sizeof *matrix);
    const uint32_t rbf = 1U << ALIGN_RBF_HALF | 1U << ALIGN_RBF_ONE | 1U << ALIGN_RBF_HALF_U | 1U << ALIGN_RBF_ONE_U;
    const bool euclidean = wants_rdm(kinds, ALIGN_EUCLIDEAN) || wants_rdm(kinds, ALIGN_SQEUCLIDEAN) || kinds & rbf;
    triad_status status = TRIAD_OK;
    const bool works = kinds & rbf || kinds >> ALIGN_RBF_UNIT & 1 || wants_rdm(kinds, ALIGN_CORRELATION);
    double *work = works ? malloc((n * n + 1) * sizeof *work) : NULL,
           *squares = euclidean ? malloc((n * n + 1) * sizeof *squares) : NULL, *other = NULL;
    if ((works && work == NULL) || (euclidean && squares == NULL)) {
        status = out_of_memory(err);
        goto out;
    }
    if (kinds & (1U << ALIGN_GRAM | 1U << ALIGN_GRAM_U)) {
        status = align_linear_kernels(kinds >> ALIGN_GRAM & 1 ? &matrix[ALIGN_GRAM] : NULL,
                                      kinds >> ALIGN_GRAM_U & 1 ? &matrix[ALIGN_GRAM_U] : NULL,
                                      &(align_source){.n = n, .d = d, .x = x}, align_is_large(n, d), NULL, pool, err);
        if (status != TRIAD_OK) goto out;
    }
    if (euclidean) square_distances(squares, x, n, d, pool);
    if (kinds & rbf) {
        double median = 0;
        status = median_distance(&median, squares, n, err);
        if (status == TRIAD_OK)
            status =
                make_rbf(matrix, kinds, ALIGN_RBF_HALF, ALIGN_RBF_HALF_U, squares, 0.5 * median, work, n, pool, err);
        if (status == TRIAD_OK)
            status = make_rbf(matrix, kinds, ALIGN_RBF_ONE, ALIGN_RBF_ONE_U, squares, median, work, n, pool, err);
        if (status != TRIAD_OK) goto out;
    }
    if (kinds >> ALIGN_RBF_UNIT & 1) {
        double *unit = other = malloc((n * d + n * n + 1) * sizeof *unit);
        if (unit == NULL) {
            status = out_of_memory(err);
            goto out;
        }
        unit_copy(unit, d, &(align_source){.n = n, .d = d, .x = x}, pool);
        square_distances(unit + n * d, unit, n, d, pool);
        status = make_rbf(matrix, kinds, ALIGN_RBF_UNIT, ALIGN_MATRICES, unit + n * d, 1, work, n, pool, err);
        free(other);
        other = NULL;
        if (status != TRIAD_OK) goto out;
    }
    if (wants_rdm(kinds, ALIGN_COSINE)) {
        status = make_rdm(matrix, kinds, ALIGN_COSINE, FROM_COSINE, cosine, NULL, NULL, NULL, n, NULL, pool, err);
        if (status != TRIAD_OK) goto out;
    }
    if (wants_rdm(kinds, ALIGN_CORRELATION) && raw_d >= 3) {
        other = malloc((n * raw_d + 1) * sizeof *other);
        if (other == NULL) {
            status = out_of_memory(err);
            goto out;
        }
        for (size_t i = 0; i < n; i++) {
            double mean = 0;
            for (size_t c = 0; c < raw_d; c++) mean += raw[i * raw_d + c];
            mean /= (double)raw_d;
            for (size_t c = 0; c < raw_d; c++) other[i * raw_d + c] = raw[i * raw_d + c] - mean;
        }
        status = align_cosines(work, other, n, raw_d, pool, err);
        if (status == TRIAD_OK)
            status =
                make_rdm(matrix, kinds, ALIGN_CORRELATION, FROM_COSINE, work, NULL, NULL, NULL, n, NULL, pool, err);
        if (status != TRIAD_OK) goto out;
    }
    if (wants_rdm(kinds, ALIGN_SQEUCLIDEAN))
        status = make_rdm(matrix, kinds, ALIGN_SQEUCLIDEAN, FROM_SQUARE, squares, NULL, NULL, NULL, n, NULL, pool, err);
    if (status == TRIAD_OK && wants_rdm(kinds, ALIGN_EUCLIDEAN))
        status =
            make_rdm(matrix, kinds, ALIGN_EUCLIDEAN, FROM_SQUARE_ROOT, squares, NULL, NULL, NULL, n, NULL, pool, err);
out:
    free(work);
    free(squares);
    free(other);
    if (status != TRIAD_OK) align_matrices_free(matrix);
    return status;
}

void align_matrices_free(align_matrix matrix[ALIGN_MATRICES])
{
    for (size_t i = 0; i < ALIGN_MATRICES; i++) free(matrix[i].values);
    memset(matrix, 0, ALIGN_MATRICES * sizeof *matrix);
}
