/* Matrix products over a pool of workers, and those of one attention head. nn_gemm itself stands in layers.h. */
#ifndef TRIAD_NN_PRODUCTS_H
#define TRIAD_NN_PRODUCTS_H

#include "nn/layers.h"
#include "triad/base.h"

/* As nn_gemm, cut into tiles of c whose size depends on m, n and k alone, never on the number of threads: the same
 * bytes for any pool. pool NULL runs in the caller. Not to be called from inside a tile. */
void nn_gemm_pool(triad_pool *pool, bool ta, bool tb, size_t m, size_t n, size_t k, float alpha, const float *a,
                  size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc);

/* y [rows,out] = x [rows,in] w^T + b over a pool, with a row length each for y and x;  w [out,in]   b [out] or NULL.
 * The same bytes as nn_linear_forward. */
void nn_linear_pool(triad_pool *pool, float *y, size_t ld_y, const float *x, size_t ld_x, const float *w,
                    const float *b, size_t rows, size_t in, size_t out);

/* Rows of a weight [out,in] as a product wants them: rows first .. first + count - 1, one after the other, where they
 * lie or written to scratch. Called from tiles. */
enum { NN_WEIGHT_ROWS = 32 }; /* count is at most this */
typedef const float *(*nn_weight_fn)(void *context, float *scratch, size_t first, size_t count);

/* nn_linear_pool with a weight that is fetched (widened from a file, say) while it is packed, each row once: it never
 * lies whole in memory. onto: y += instead of y =. work: nn_linear_fetch_work floats, 64-byte aligned. */
size_t nn_linear_fetch_work(int threads, size_t in, size_t out);
void nn_linear_fetch(triad_pool *pool, float *y, size_t ld_y, const float *x, size_t ld_x, nn_weight_fn weight,
                     void *context, const float *b, bool onto, size_t rows, size_t in, size_t out, float *work);

/* c [m,n] = alpha a op(b), as nn_gemm with ta false and beta 0, for sizes at which packing would cost more than it
 * gives: m and n of a few dozen. With tb, n is at most nn_small_gemm_most(k). Sums in the order of k. */
enum { NN_SMALL_TURNED = 8192 };
size_t nn_small_gemm_most(size_t k);
void nn_small_gemm(bool tb, size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda, const float *b,
                   size_t ldb, float *c, size_t ldc);

#endif
