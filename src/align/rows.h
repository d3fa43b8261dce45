/* Rows of a layer, in double and in the order of their pairing. */
#ifndef TRIAD_ALIGN_ROWS_H
#define TRIAD_ALIGN_ROWS_H

#include "triad/space.h"

/* *x [n, layer->d] (the caller frees): row i is the layer's row rows[i]. *bad is the first i whose row holds NaN or
 * infinity, n when none does. */
TRIAD_NODISCARD triad_status align_take_rows(double **x, size_t *bad, const triad_layer *layer, const size_t *rows,
                                             size_t n, triad_pool *pool, triad_error *err);

#endif
