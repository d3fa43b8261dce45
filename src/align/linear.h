/* Row-major doors to BLAS and LAPACK, in double. One call at a time a thread; OpenBLAS runs single-threaded. */
#ifndef TRIAD_ALIGN_LINEAR_H
#define TRIAD_ALIGN_LINEAR_H

#include "triad/base.h"

/* a [m, n] = u [m, k] diag(s) vt [k, n], k = min(m, n), s descending. a is destroyed. */
TRIAD_NODISCARD triad_status align_svd(double *s, double *u, double *vt, double *a, size_t m, size_t n,
                                       triad_error *err);

/* The singular values s [min(m, n)] alone, descending. a is destroyed. */
TRIAD_NODISCARD triad_status align_singular_values(double *s, double *a, size_t m, size_t n, triad_error *err);

/* The r largest eigenvalues (descending) of symmetric a [n, n] and their vectors as rows of vectors [r, n]. a is
 * destroyed. */
TRIAD_NODISCARD triad_status align_eigen(double *values, double *vectors, double *a, size_t n, size_t r,
                                         triad_error *err);

/* The same rows in n columns: x [n, d], d > n, equals out [n, n] times n orthonormal rows. x is destroyed. */
TRIAD_NODISCARD triad_status align_rotate(double *out, double *x, size_t n, size_t d, triad_error *err);

/* c [m, n] = op(a) op(b); op transposes where t* is set. */
void align_product(double *c, const double *a, bool ta, size_t lda, const double *b, bool tb, size_t ldb, size_t m,
                   size_t n, size_t k);

/* c [n, n] = a a' of a [n, k] (rows), or a' a of a [k, n] (columns). Exactly symmetric. */
void align_gram(double *c, const double *a, size_t lda, bool columns, size_t n, size_t k);

#endif
