/* Rows as 16-bit integers: products of all pairs in a fraction of the time of float ones, with an error that is known.
 */
#ifndef TRIAD_ALIGN_COARSE_H
#define TRIAD_ALIGN_COARSE_H

#include "align/apart.h"
#include "align/panels.h"

enum { ALIGN_COARSE_DEPTH = 192 }; /* columns that are summed as integers */

/* Row i of what rows differ by from their mean direction (apart.h), d_i, is unit[i] times integers, plus a rest of
 * length left[i]. unit is such that no sum of ALIGN_COARSE_DEPTH
 * products of two rows leaves 32 bits (by Cauchy and Schwarz:
 * the integers of a block of columns have a length below 2^15.5). */
typedef struct align_coarse {
    size_t n, d;
    align_panels integers;   /* two columns a unit */
    float *unit;             /* [n] */
    double *left;            /* [n] */
    double longest, largest; /* of apart->length, of left */
} align_coarse;

/* values [align_panels_size(n, (d + 1) / 2)] is the caller's and is filled. */
TRIAD_NODISCARD triad_status align_coarse_create(align_coarse *coarse, const align_apart *apart,
                                                 const align_source *source, void *values, triad_pool *pool,
                                                 triad_error *err);
void align_coarse_free(align_coarse *coarse);

/* d_i.d_j is unit[i] unit[j] times the product, and off by at most this for any j: by what rounding left out, and by
 * the float operations on sums and units. */
double align_coarse_error(const align_coarse *coarse, const align_apart *apart, size_t i);

#endif
