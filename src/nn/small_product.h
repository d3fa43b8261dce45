/* Products too small to be packed as nn_gemm packs: those inside attention. For *_kernel.c files only. */
#ifndef TRIAD_NN_SMALL_PRODUCT_H
#define TRIAD_NN_SMALL_PRODUCT_H

#include "nn/vector.h"

#include <stdbool.h>

/* c [rows, vectors * 8] = alpha sum_k a(i,k) b[k] (+ c),  a(i,k) = a[i * row_step + k * depth_step]; rows and vectors
 * are constants, their sums stay in registers. */
NN_INLINE void nn_small_tile(const size_t rows, const size_t vectors, size_t depth, const float *a, size_t row_step,
                             size_t depth_step, const float *b, size_t ldb, float alpha, bool add, float *c, size_t ldc)
{
    nn_v8 sum[6][4];
#pragma GCC unroll 6
    for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (size_t v = 0; v < vectors; v++) sum[i][v] = (nn_v8){0};
    const float *low = a, *high = a + 3 * row_step; /* two bases reach six rows */
    for (size_t k = 0; k < depth; k++) {
        nn_v8 right[4];
#pragma GCC unroll 4
        for (size_t v = 0; v < vectors; v++) right[v] = nn_load8(b + v * NN_LANES);
#pragma GCC unroll 6
        for (size_t i = 0; i < rows; i++) {
            const float left = i < 3 ? low[i * row_step] : high[(i - 3) * row_step];
#pragma GCC unroll 4
            for (size_t v = 0; v < vectors; v++) sum[i][v] += left * right[v];
        }
        low += depth_step;
        high += depth_step;
        b += ldb;
    }
#pragma GCC unroll 6
    for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (size_t v = 0; v < vectors; v++) {
            float *out = c + i * ldc + v * NN_LANES;
            nn_store8(out, add ? nn_load8(out) + alpha * sum[i][v] : alpha * sum[i][v]);
        }
}

#define NN_SMALL_CASE(count, vectors)                                                                                  \
    case count:                                                                                                        \
        nn_small_tile(count, vectors, depth, a, row_step, depth_step, b, ldb, alpha, add, c, ldc);                     \
        break;

/* m rows of a column of tiles, `vectors` wide. */
NN_INLINE void nn_small_rows(const size_t vectors, size_t m, size_t depth, const float *a, size_t row_step,
                             size_t depth_step, const float *b, size_t ldb, float alpha, bool add, float *c, size_t ldc)
{
    while (m > 0) {
        /* Seven and eight rows go as four and the rest: no tile of one or two. */
        const size_t rows = vectors == 4 ? (m < 3 ? m : 3) : m >= 9 || m == 6 ? 6 : m > 6 ? 4 : m;
        switch (rows) {
            NN_SMALL_CASE(1, vectors)
            NN_SMALL_CASE(2, vectors)
            NN_SMALL_CASE(3, vectors)
            NN_SMALL_CASE(4, vectors == 4 ? 1 : vectors)
            NN_SMALL_CASE(5, vectors == 4 ? 1 : vectors)
            NN_SMALL_CASE(6, vectors == 4 ? 1 : vectors)
        default:
            __builtin_unreachable();
        }
        m -= rows;
        a += rows * row_step;
        c += rows * ldc;
    }
}

/* c [m,n] = alpha sum_k a(i,k) b[k] (+ c where add). padded: rows of b and c may be read and written up to the next
 * multiple of eight columns. */
static inline __attribute__((unused)) void nn_small_product(size_t m, size_t n, size_t depth, const float *a,
                                                            size_t row_step, size_t depth_step, const float *b,
                                                            size_t ldb, float alpha, bool add, float *c, size_t ldc,
                                                            bool padded)
{
    size_t j = 0;
    const size_t whole = padded ? (n + NN_LANES - 1) / NN_LANES * NN_LANES : n / NN_LANES * NN_LANES;
    if (m <= 3)
        for (; j + 4 * NN_LANES <= whole; j += 4 * NN_LANES)
            nn_small_rows(4, m, depth, a, row_step, depth_step, b + j, ldb, alpha, add, c + j, ldc);
    for (; j + 2 * NN_LANES <= whole; j += 2 * NN_LANES)
        nn_small_rows(2, m, depth, a, row_step, depth_step, b + j, ldb, alpha, add, c + j, ldc);
    if (j < whole) {
        nn_small_rows(1, m, depth, a, row_step, depth_step, b + j, ldb, alpha, add, c + j, ldc);
        j += NN_LANES;
    }
    for (; j < n; j++)
        for (size_t i = 0; i < m; i++) {
            float sum = 0;
            for (size_t k = 0; k < depth; k++) sum += a[i * row_step + k * depth_step] * b[k * ldb + j];
            c[i * ldc + j] = add ? c[i * ldc + j] + alpha * sum : alpha * sum;
        }
}

/* out [d][step] = the transpose of x [n, d] (ld_x), zero from column n to step, a multiple of eight. */
static inline __attribute__((unused)) void nn_small_transpose(float *out, size_t step, const float *x, size_t ld_x,
                                                              size_t n, size_t d)
{
    for (size_t j = 0; j < step; j += NN_LANES) {
        const size_t rows = n - j < NN_LANES ? n - j : NN_LANES;
        size_t c = 0;
        for (; c + NN_LANES <= d; c += NN_LANES) {
            nn_v8 r[8], s[8];
#pragma GCC unroll 8
            for (size_t i = 0; i < 8; i++) r[i] = i < rows ? nn_load8(x + (j + i) * ld_x + c) : (nn_v8){0};
#pragma GCC unroll 4
            for (size_t i = 0; i < 8; i += 2) {
                s[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
                s[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
            }
#pragma GCC unroll 2
            for (size_t i = 0; i < 8; i += 4) {
                r[i] = __builtin_shufflevector(s[i], s[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
                r[i + 1] = __builtin_shufflevector(s[i], s[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
                r[i + 2] = __builtin_shufflevector(s[i + 1], s[i + 3], 0, 1, 8, 9, 4, 5, 12, 13);
                r[i + 3] = __builtin_shufflevector(s[i + 1], s[i + 3], 2, 3, 10, 11, 6, 7, 14, 15);
            }
#pragma GCC unroll 4
            for (size_t i = 0; i < 4; i++) {
                nn_store8(out + (c + i) * step + j, __builtin_shufflevector(r[i], r[i + 4], 0, 1, 2, 3, 8, 9, 10, 11));
                nn_store8(out + (c + i + 4) * step + j,
                          __builtin_shufflevector(r[i], r[i + 4], 4, 5, 6, 7, 12, 13, 14, 15));
            }
        }
        for (; c < d; c++)
            for (size_t i = 0; i < NN_LANES; i++) out[c * step + j + i] = i < rows ? x[(j + i) * ld_x + c] : 0;
    }
}

#endif
