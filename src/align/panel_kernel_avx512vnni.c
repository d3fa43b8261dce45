#include "align/panel_kernel.h"

#include <immintrin.h>
#include <string.h>

enum {
    ROWS = 8,
    LANES = ALIGN_STRIP,
    VECTORS = ALIGN_PANEL / ALIGN_STRIP
}; /* 24 sums, three of b, one of a: 28 of 32 registers */

static __attribute__((noinline)) void tile(const int16_t *a, const int16_t *b, size_t units, bool first, float *c,
                                           size_t ldc)
{
    const size_t strip = 2 * align_panel_place(ALIGN_STRIP, 0, units);
    __m512i sum[ROWS][VECTORS];
#pragma GCC unroll 8
    for (size_t i = 0; i < ROWS; i++) {
        sum[i][0] = sum[i][1] = sum[i][2] = _mm512_setzero_si512();
        __builtin_prefetch(c + i * ldc, 1); /* needed at the end */
        __builtin_prefetch(c + i * ldc + LANES, 1);
        __builtin_prefetch(c + i * ldc + 2 * LANES, 1);
    }
    for (size_t k = 0; k < units; k++) {
        const __m512i b0 = _mm512_loadu_si512(b), b1 = _mm512_loadu_si512(b + strip),
                      b2 = _mm512_loadu_si512(b + 2 * strip);
#pragma GCC unroll 8
        for (size_t i = 0; i < ROWS; i++) {
            int32_t pair;
            memcpy(&pair, a + 2 * i, sizeof pair);
            const __m512i left = _mm512_set1_epi32(pair);
            sum[i][0] = _mm512_dpwssd_epi32(sum[i][0], left, b0);
            sum[i][1] = _mm512_dpwssd_epi32(sum[i][1], left, b1);
            sum[i][2] = _mm512_dpwssd_epi32(sum[i][2], left, b2);
        }
        a += 2 * ALIGN_STRIP;
        b += 2 * ALIGN_STRIP;
    }
#pragma GCC unroll 8
    for (size_t i = 0; i < ROWS; i++)
#pragma GCC unroll 3
        for (size_t v = 0; v < VECTORS; v++) {
            float *to = c + i * ldc + v * LANES;
            const __m512 value = _mm512_cvtepi32_ps(sum[i][v]);
            _mm512_storeu_ps(to, first ? value : _mm512_add_ps(_mm512_loadu_ps(to), value));
        }
}

void align_panel_short_avx512vnni(const void *a, size_t rows, const void *b, size_t units, bool first, float *c,
                                  size_t ldc)
{
    for (size_t i = 0; i < rows; i += ROWS)
        tile((const int16_t *)a + 2 * align_panel_place(i, 0, units), b, units, first, c + i * ldc, ldc);
}
