#include "align/intervals.h"

#include "align/align_kernel.h"
#include "align/linear.h"
#include "align/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "intervals: out of memory");
}

triad_status align_resampling_create(align_resampling *resampling, size_t n, size_t draws, uint64_t seed,
                                     triad_error *err)
{
    *resampling =
        (align_resampling){.n = n, .draws = draws, .weight = malloc((draws * n + 1) * sizeof *resampling->weight)};
    if (resampling->weight == NULL) return out_of_memory(err);
    align_resamples(resampling->weight, draws, n, seed);
    return TRIAD_OK;
}

void align_resampling_free(align_resampling *resampling)
{
    free(resampling->weight);
    *resampling = (align_resampling){0};
}

void align_resample_scores(double *means, const align_resampling *resampling, const double *scores)
{
    const size_t n = resampling->n;
    for (size_t r = 0; r < resampling->draws; r++)
        means[r] = align_dot(resampling->weight + r * n, scores, n) / (double)n;
}

bool align_has_interval(const align_spec *spec)
{
    if (spec->family != ALIGN_FAMILY_MATRIX) return false;
    const align_matrix_kind kind = (align_matrix_kind)spec->variant;
    return align_is_unbiased(kind) || (align_is_rdm(kind) && (kind - ALIGN_COSINE) % 3 != 0);
}

/* w' (a o b) w for each resample w; b NULL: w' a w. */
static triad_status quadratic_forms(double *out, const double *a, const double *b, const align_resampling *resampling,
                                    triad_error *err)
{
    enum { BLOCK = 64 }; /* resamples at a time */
    const size_t n = resampling->n;
    double *product = malloc((n * n + 1) * sizeof *product), *turned = malloc((BLOCK * n + 1) * sizeof *turned);
    if (product == NULL || turned == NULL) {
        free(product);
        free(turned);
        return out_of_memory(err);
    }
    for (size_t i = 0; i < n * n; i++) product[i] = b ? a[i] * b[i] : a[i];
    for (size_t first = 0; first < resampling->draws; first += BLOCK) {
        const size_t count = resampling->draws - first < BLOCK ? resampling->draws - first : BLOCK;
        const double *weight = resampling->weight + first * n;
        align_product(turned, weight, false, n, product, false, n, count, n, n);
        for (size_t r = 0; r < count; r++) out[first + r] = align_dot(turned + r * n, weight + r * n, n);
    }
    free(product);
    free(turned);
    return TRIAD_OK;
}

triad_status align_resample_side(double *sums, const align_matrix *matrix, const align_resampling *resampling,
                                 triad_error *err)
{
    triad_status status = quadratic_forms(sums, matrix->values, matrix->values, resampling, err);
    if (status == TRIAD_OK) status = quadratic_forms(sums + resampling->draws, matrix->values, NULL, resampling, err);
    return status;
}

triad_status align_resample_product(double *value, align_matrix_kind kind, const align_matrix *x, const align_matrix *y,
                                    const double *sums_x, const double *sums_y, const align_resampling *resampling,
                                    triad_error *err)
{
    const size_t n = resampling->n, draws = resampling->draws;
    const triad_status status = quadratic_forms(value, x->values, y->values, resampling, err);
    if (status != TRIAD_OK) return status;
    for (size_t r = 0; r < draws; r++) {
        double xx = sums_x[r], yy = sums_y[r], xy = value[r];
        if (align_is_rdm(kind)) {
            const double *weight = resampling->weight + r * n, mx = sums_x[draws + r], my = sums_y[draws + r];
            const double pairs =
                (double)n * (double)n - align_dot(weight, weight, n); /* of different sentences, both orders */
            xx -= mx * mx / pairs;
            yy -= my * my / pairs;
            xy -= mx * my / pairs;
        }
        value[r] = align_ratio(xy, xx, yy);
    }
    return TRIAD_OK;
}
