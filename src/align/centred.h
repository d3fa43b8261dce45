/* Rows without their column means, in float: what linear kernels of large spaces are made of. */
#ifndef TRIAD_ALIGN_CENTRED_H
#define TRIAD_ALIGN_CENTRED_H

#include "align/panels.h"
#include "align/rows.h"

/* Centring columns leaves centred kernels as they are, also U-centred ones, and takes away what would drown the
 * differences. Rows are taken times a power of two, which leaves CKA as it is and keeps products inside float's range
 * whatever the space's scale. */
typedef struct align_centred {
    align_panels rows;
    double *square; /* [n] of each row's length */
    double raw;     /* the most that the sum of squares of the kernel before can be */
} align_centred;

/* values [align_panels_size(n, d)] is the caller's and is filled. */
TRIAD_NODISCARD triad_status align_centred_create(align_centred *centred, const align_source *source, float *values,
                                                  triad_pool *pool, triad_error *err);
void align_centred_free(align_centred *centred);

#endif
