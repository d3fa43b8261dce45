/* Retrieval by other maps than the orthogonal one, and how much of held-out rows a map explains. */
#ifndef TRIAD_ALIGN_MAP_FIT_H
#define TRIAD_ALIGN_MAP_FIT_H

#include "align/retrieval.h"
#include "triad/align.h"

/* Squares over held-out rows, x to y and y to x: R^2 = 1 - error / total. */
typedef struct align_explained {
    double error[2], total[2];
} align_explained;

/* As align_retrieve, by
 *   ALIGN_PROCRUSTES  the orthogonal map; scaled by sum(s) / |A|^2 for R^2
 *   ALIGN_RIDGE       W = (A'A + l I)^-1 A'B, l by generalised cross-validation on the training rows (Golub, Heath and
 *                     Wahba 1979) among 25 values from 1e-6 to 1e2 of the largest squared singular value
 *   ALIGN_CANONICAL   canonical variates of the training rows (Hotelling 1936): x's variates times their correlations
 *                     ask among y's; R^2 is of y's variates
 * explained (may be NULL) is added to. */
TRIAD_NODISCARD triad_status align_retrieve_by(const align_places *places, align_explained *explained,
                                               triad_align_map map, const align_part *x, const align_part *y,
                                               bool truncated, const align_split *split, align_scratch *scratch,
                                               triad_error *err);

#endif
