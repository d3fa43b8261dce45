/* Rows by what they differ from their mean direction, for products in float. */
#ifndef TRIAD_ALIGN_APART_H
#define TRIAD_ALIGN_APART_H

#include "align/panels.h"
#include "align/rows.h"

/* With unit rows u, their mean m and d = u - m, cos(i, j) = u_i.m + u_j.m - m.m + d_i.d_j: only the last term is a
 * product of all pairs, and it is as small as the rows differ. What a product in float or in integers (coarse.h) loses
 * of it is in proportion to |d_i| |d_j|, however alike the rows are (last layers of language models: cosines above
 * 0.9). */
typedef struct align_apart {
    size_t n, d;
    double *scale;   /* [n] 1 / length of the row, 0 for a zero row */
    double *on_mean; /* [n] u.m */
    double *length;  /* [n] of d */
    double square;   /* m.m */
    double *mean;    /* [d] m */
} align_apart;
/* rows: d in float, whose values [align_panels_size(n, d)] are the caller's; NULL where they are not wanted. */
TRIAD_NODISCARD triad_status align_apart_create(align_apart *apart, const align_source *source,
                                                const align_panels *rows, triad_pool *pool, triad_error *err);
void align_apart_free(align_apart *apart);

/* The cosine of rows i and j of the source in double. */
double align_exact_cosine(const align_source *source, const align_apart *apart, size_t i, size_t j);

#endif
