/* Intervals by resampling sentences. A resample is how often each sentence is in it; two copies of one sentence never
 * count as a pair, so no sentence is its own neighbour (trap 10 of docs/align.md). */
#ifndef TRIAD_ALIGN_INTERVALS_H
#define TRIAD_ALIGN_INTERVALS_H

#include "align/view.h"

typedef struct align_resampling {
    size_t n, draws;
    double *weight; /* [draws, n] */
} align_resampling;
TRIAD_NODISCARD triad_status align_resampling_create(align_resampling *resampling, size_t n, size_t draws,
                                                     uint64_t seed, triad_error *err);
void align_resampling_free(align_resampling *resampling);

/* Means of scores [n] over each resample, [draws]. */
void align_resample_scores(double *means, const align_resampling *resampling, const double *scores);

/* Whether a matrix product has an interval: unbiased kernels and centred RDMs, not what counts a sentence's pair with
 * itself. */
bool align_has_interval(const align_spec *spec);

/* One side's own part, sums [2, draws]: of squares over the pairs in each resample, and of values. */
TRIAD_NODISCARD triad_status align_resample_side(double *sums, const align_matrix *matrix,
                                                 const align_resampling *resampling, triad_error *err);

/* The measure on each resample, value [draws], with the centring and the ranks of the full sample: exact to first order
 * for HSIC, whose centred kernels have no first-order term in the means; RDMs are centred again by the resample's mean.
 */
TRIAD_NODISCARD triad_status align_resample_product(double *value, align_matrix_kind kind, const align_matrix *x,
                                                    const align_matrix *y, const double *sums_x, const double *sums_y,
                                                    const align_resampling *resampling, triad_error *err);

#endif
