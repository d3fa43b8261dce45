/* Rows by what they differ from their mean direction, for products in float. */
#ifndef TRIAD_ALIGN_APART_H
#define TRIAD_ALIGN_APART_H

#include "align/rows.h"

/* With unit rows u, their mean m and d = u - m, cos(i, j) = u_i.m + u_j.m - m.m + d_i.d_j: only the last term is a
 * product of all pairs, and it is as small as the rows differ. What a float or a coarse
 * product (coarse.h) loses of it is in proportion to |d_i| |d_j|, however alike the rows are (last layers of language
 * models: cosines above 0.9). */
typedef struct align_apart {
    size_t n, d;
    double *scale;   /* [n] 1 / length of the row, 0 for a zero row */
    double *on_mean; /* [n] u.m */
    double *length;  /* [n] of d */
    double square;   /* m.m */
    double *mean;    /* [d] m */
    float *rows;     /* [n, d] d, align_row_step(d) apart; borrowed, may be NULL */
} align_apart;
/* rows [n, align_row_step(d)] is the caller's and is filled, or NULL. */
TRIAD_NODISCARD triad_status align_apart_create(align_apart *apart, const align_source *source, float *rows,
                                                triad_pool *pool, triad_error *err);
void align_apart_free(align_apart *apart);

/* The cosine of rows i and j of the source in double. */
double align_exact_cosine(const align_source *source, const align_apart *apart, size_t i, size_t j);

#endif
