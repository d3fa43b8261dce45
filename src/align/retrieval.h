/* Precision@k as retrieval after a Procrustes map fitted on the other folds. */
#ifndef TRIAD_ALIGN_RETRIEVAL_H
#define TRIAD_ALIGN_RETRIEVAL_H

#include "align/view.h"

/* Where the right row stands among the pool: `above` rows score higher, `equal` rows (it included) the same. */
typedef struct align_place { uint32_t above, equal; } align_place;

/* places [2, n]: x to y, then y to x, pool all. xp, yp: parts of every fold (align_fit_part), yp's rows taken through order
 * (row i of Y is row order[i]; NULL: i). */
TRIAD_NODISCARD triad_status align_retrieve(align_place *places, double *const xp[ALIGN_FOLDS], const size_t xw[ALIGN_FOLDS],
                                            double *const yp[ALIGN_FOLDS], const size_t yw[ALIGN_FOLDS], const uint32_t *order,
                                            const uint8_t *fold, size_t n, triad_error *err);

/* Expected hit at k under random ties: clamp((k - above) / equal, 0, 1). */
double align_hit(align_place place, size_t k);

#endif
