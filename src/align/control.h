/* Distances between sentences that are held constant. */
#ifndef TRIAD_ALIGN_CONTROL_H
#define TRIAD_ALIGN_CONTROL_H

#include "align/matrices.h"
#include "triad/align.h"

typedef struct align_controls {
    size_t n, count;
    double
        *table[2]; /* [count, n, n] centred distances; their centred ranks; unit norm, or zeroes where all are equal */
    size_t basis[2]; /* how many orthonormal ones span them … */
    double *axis[2]; /* … [basis, n, n] */
} align_controls;
/* From the options' controls on n sentences: rows[c] [n] of control c's items (of `items` where it is lexical). */
TRIAD_NODISCARD triad_status align_controls_create(align_controls *controls, const triad_align_options *options,
                                                   const triad_items *items, const size_t *const *rows, size_t n,
                                                   triad_pool *pool, triad_error *err);
void align_controls_free(align_controls *controls);

/* Makes the residual matrices whose bits are in `kinds` from those that they are made of. Correlations of residuals are
 * partial correlations; permuting residuals is the null of Freedman and Lane (1983) but for its denominator. */
TRIAD_NODISCARD triad_status align_residuals(align_matrix matrix[ALIGN_MATRICES], uint32_t kinds,
                                             const align_controls *controls, triad_error *err);

/* Commonality analysis of y's ranks by x's and the controls' into *share [*count], the caller frees. */
TRIAD_NODISCARD triad_status align_commonality(triad_align_share **share, size_t *count, const align_matrix *x,
                                               const align_matrix *y, const align_controls *controls, triad_error *err);

#endif
