/* What may be done to a space before it is compared. */
#ifndef TRIAD_ALIGN_TRANSFORM_H
#define TRIAD_ALIGN_TRANSFORM_H

#include "triad/align.h"

/* x [n, d] in place, in this order: columns centred; columns divided by their standard deviation (a constant one is
 * left at 0); the `remove_top` leading principal components of the centred rows taken out (Mu and Viswanath 2018). */
TRIAD_NODISCARD triad_status align_transform(double *x, size_t n, size_t d, const triad_align_options *options,
                                             triad_error *err);

#endif
