#include "align/matrices.h"

#include "align/align_kernel.h"
#include "align/linear.h"
#include "align/ranks.h"

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

triad_status align_cosines(double *cosine, const double *x, size_t n, size_t d, triad_error *err)
{
    double *unit = malloc((n * d + 1) * sizeof *unit);
    if (unit == NULL) return out_of_memory(err);
    memcpy(unit, x, n * d * sizeof *unit);
    align_unit_rows(unit, n, d);
    align_gram(cosine, unit, d, false, n, d);
    free(unit);
    return TRIAD_OK;
}

double align_matched_sum(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += align_dot(a + i * n, b + i * n, n);
    return sum;
}

double align_ratio(double both, double x, double y)
{
    return x > 0 && y > 0 ? both / sqrt(x * y) : NAN;
}

/* What centring leaves of numbers that were all the same is rounding: their norm counts as none. */
static double norm_of(const double *centred, size_t n, double raw_norm)
{
    const double norm = align_matched_sum(centred, centred, n);
    return norm > 1e-24 * raw_norm ? norm : 0;
}

static triad_status centre_kernel(align_matrix *out, const double *kernel, size_t n, bool unbiased, triad_error *err)
{
    if (unbiased && n < 4) return TRIAD_OK;
    double *values = out->values = malloc(n * n * sizeof *values), *row = calloc(n, sizeof *row);
    if (values == NULL || row == NULL) {
        free(row);
        return out_of_memory(err);
    }
    double total = 0, raw = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) row[i] += unbiased && i == j ? 0 : kernel[i * n + j];
        total += row[i];
        raw += align_dot(kernel + i * n, kernel + i * n, n);
    }
    const double c = (double)n, outer = unbiased ? 1 / (c - 2) : 1 / c,
                 both = unbiased ? total / ((c - 1) * (c - 2)) : total / (c * c);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            values[i * n + j] = unbiased && i == j ? 0 : kernel[i * n + j] - outer * (row[i] + row[j]) + both;
    out->norm = norm_of(values, n, raw);
    free(row);
    return TRIAD_OK;
}

static void square_distances(double *out, const double *x, size_t n, size_t d)
{
    /* Direct differences: through the Gram matrix duplicates would lie 1e-8 apart. Tiles of rows stay in the cache. */
    enum { TILE = 16 };
    for (size_t r = 0; r < n; r += TILE)
        for (size_t s = 0; s <= r; s += TILE)
            for (size_t i = r; i < n && i < r + TILE; i++)
                for (size_t j = s; j <= i && j < s + TILE; j++)
                    out[i * n + j] = out[j * n + i] = i == j ? 0 : align_square_distance(x + i * d, x + j * d, d);
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
                             const double *squares, double sigma, double *kernel, size_t n, triad_error *err)
{
    const bool wanted_u = unbiased < ALIGN_MATRICES && kinds >> unbiased & 1;
    if (!(kinds >> plain & 1) && !wanted_u) return TRIAD_OK;
    if (!(sigma > 0)) return TRIAD_OK; /* half of all distances are zero: no scale */
    for (size_t i = 0; i < n * n; i++) kernel[i] = exp(-squares[i] / (2 * sigma * sigma));
    triad_status status = kinds >> plain & 1 ? centre_kernel(&matrix[plain], kernel, n, false, err) : TRIAD_OK;
    if (status == TRIAD_OK && wanted_u) status = centre_kernel(&matrix[unbiased], kernel, n, true, err);
    return status;
}

/* distance [n, n] off the grid -> the three forms. */
static triad_status make_rdm(align_matrix *matrix, uint32_t kinds, align_matrix_kind first, const double *distance,
                             size_t n, triad_error *err)
{
    const size_t pairs = n * (n - 1) / 2;
    double *vector = malloc((2 * pairs + 1) * sizeof *vector);
    if (vector == NULL) return out_of_memory(err);
    double mean = 0, raw = 0;
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++) {
            vector[at] = rint(distance[i * n + j] * DISTANCE_GRID) / DISTANCE_GRID;
            mean += vector[at];
            raw += 2 * vector[at] * vector[at];
            at++;
        }
    mean /= (double)(pairs ? pairs : 1);
    triad_status status = TRIAD_OK;
    for (unsigned form = 0; form < 3 && status == TRIAD_OK; form++) {
        const align_matrix_kind kind = (align_matrix_kind)(first + form);
        if (!(kinds >> kind & 1)) continue;
        const double *from = vector;
        double shift = form == 1 ? mean : 0;
        if (form == 2) {
            status = align_average_ranks(vector + pairs, vector, pairs, err);
            from = vector + pairs;
            shift = 0.5 * (double)(pairs + 1);
        }
        double *values = matrix[kind].values = calloc(n * n, sizeof *values);
        if (status != TRIAD_OK) break;
        if (values == NULL) {
            status = out_of_memory(err);
            break;
        }
        at = 0;
        for (size_t i = 0; i < n; i++)
            for (size_t j = i + 1; j < n; j++) values[i * n + j] = values[j * n + i] = from[at++] - shift;
        matrix[kind].norm = norm_of(values, n, form == 2 ? 0 : raw);
    }
    free(vector);
    return status;
}

static bool wants_rdm(uint32_t kinds, align_matrix_kind first)
{
    return kinds >> first & 7;
}

triad_status align_matrices_create(align_matrix matrix[ALIGN_MATRICES], uint32_t kinds, const double *x, size_t n,
                                   size_t d, const double *raw, size_t raw_d, const double *cosine, triad_error *err)
{
    memset(matrix, 0, ALIGN_MATRICES * sizeof *matrix);
    const uint32_t rbf = 1U << ALIGN_RBF_HALF | 1U << ALIGN_RBF_ONE | 1U << ALIGN_RBF_HALF_U | 1U << ALIGN_RBF_ONE_U;
    const bool euclidean = wants_rdm(kinds, ALIGN_EUCLIDEAN) || wants_rdm(kinds, ALIGN_SQEUCLIDEAN) || kinds & rbf;
    triad_status status = TRIAD_OK;
    double *work = malloc((n * n + 1) * sizeof *work),
           *squares = euclidean ? malloc((n * n + 1) * sizeof *squares) : NULL, *other = NULL;
    if (work == NULL || (euclidean && squares == NULL)) {
        status = out_of_memory(err);
        goto out;
    }
    if (kinds & (1U << ALIGN_GRAM | 1U << ALIGN_GRAM_U)) {
        align_gram(work, x, d, false, n, d);
        if (kinds >> ALIGN_GRAM & 1) status = centre_kernel(&matrix[ALIGN_GRAM], work, n, false, err);
        if (status == TRIAD_OK && kinds >> ALIGN_GRAM_U & 1)
            status = centre_kernel(&matrix[ALIGN_GRAM_U], work, n, true, err);
        if (status != TRIAD_OK) goto out;
    }
    if (euclidean) square_distances(squares, x, n, d);
    if (kinds & rbf) {
        double median = 0;
        status = median_distance(&median, squares, n, err);
        if (status == TRIAD_OK)
            status = make_rbf(matrix, kinds, ALIGN_RBF_HALF, ALIGN_RBF_HALF_U, squares, 0.5 * median, work, n, err);
        if (status == TRIAD_OK)
            status = make_rbf(matrix, kinds, ALIGN_RBF_ONE, ALIGN_RBF_ONE_U, squares, median, work, n, err);
        if (status != TRIAD_OK) goto out;
    }
    if (kinds >> ALIGN_RBF_UNIT & 1) {
        double *unit = other = malloc((n * d + n * n + 1) * sizeof *unit);
        if (unit == NULL) {
            status = out_of_memory(err);
            goto out;
        }
        memcpy(unit, x, n * d * sizeof *unit);
        align_unit_rows(unit, n, d);
        square_distances(unit + n * d, unit, n, d);
        status = make_rbf(matrix, kinds, ALIGN_RBF_UNIT, ALIGN_MATRICES, unit + n * d, 1, work, n, err);
        free(other);
        other = NULL;
        if (status != TRIAD_OK) goto out;
    }
    if (wants_rdm(kinds, ALIGN_COSINE)) {
        for (size_t i = 0; i < n * n; i++) work[i] = 1 - cosine[i];
        status = make_rdm(matrix, kinds, ALIGN_COSINE, work, n, err);
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
        status = align_cosines(work, other, n, raw_d, err);
        for (size_t i = 0; status == TRIAD_OK && i < n * n; i++) work[i] = 1 - work[i];
        if (status == TRIAD_OK) status = make_rdm(matrix, kinds, ALIGN_CORRELATION, work, n, err);
        if (status != TRIAD_OK) goto out;
    }
    if (wants_rdm(kinds, ALIGN_SQEUCLIDEAN)) status = make_rdm(matrix, kinds, ALIGN_SQEUCLIDEAN, squares, n, err);
    if (status == TRIAD_OK && wants_rdm(kinds, ALIGN_EUCLIDEAN)) {
        for (size_t i = 0; i < n * n; i++) work[i] = sqrt(squares[i]);
        status = make_rdm(matrix, kinds, ALIGN_EUCLIDEAN, work, n, err);
    }
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
