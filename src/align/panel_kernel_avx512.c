#include "align/panel_kernel.h"

#include <immintrin.h>

enum { ROWS = 8, LANES = ALIGN_STRIP, VECTORS = ALIGN_PANEL / ALIGN_STRIP }; /* 24 sums, three of b, one of a */

static __attribute__((noinline)) void tile(const float *a, const float *b, size_t units, bool first, float *c,
                                           size_t ldc)
{
    const size_t strip = align_panel_place(ALIGN_STRIP, 0, units);
    __m512 sum[ROWS][VECTORS];
#pragma GCC unroll 8
    for (size_t i = 0; i < ROWS; i++) {
        sum[i][0] = sum[i][1] = sum[i][2] = _mm512_setzero_ps();
        __builtin_prefetch(c + i * ldc, 1); /* needed at the end */
        __builtin_prefetch(c + i * ldc + LANES, 1);
        __builtin_prefetch(c + i * ldc + 2 * LANES, 1);
    }
    for (size_t k = 0; k < units; k++) {
        const __m512 b0 = _mm512_loadu_ps(b), b1 = _mm512_loadu_ps(b + strip), b2 = _mm512_loadu_ps(b + 2 * strip);
#pragma GCC unroll 8
        for (size_t i = 0; i < ROWS; i++) {
            const __m512 left = _mm512_set1_ps(a[i]);
            sum[i][0] = _mm512_fmadd_ps(left, b0, sum[i][0]);
            sum[i][1] = _mm512_fmadd_ps(left, b1, sum[i][1]);
            sum[i][2] = _mm512_fmadd_ps(left, b2, sum[i][2]);
        }
        a += ALIGN_STRIP;
        b += ALIGN_STRIP;
    }
#pragma GCC unroll 8
    for (size_t i = 0; i < ROWS; i++)
#pragma GCC unroll 3
        for (size_t v = 0; v < VECTORS; v++) {
            float *to = c + i * ldc + v * LANES;
            _mm512_storeu_ps(to, first ? sum[i][v] : _mm512_add_ps(_mm512_loadu_ps(to), sum[i][v]));
        }
}
void align_panel_float_avx512(const void *a, size_t rows, const void *b, size_t units, bool first, float *c, size_t ldc)
{
    for (size_t i = 0; i < rows; i += ROWS)
        tile((const float *)a + align_panel_place(i, 0, units), b, units, first, c + i * ldc, ldc);
}
