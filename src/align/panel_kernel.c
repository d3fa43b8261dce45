#include "align/panel_kernel.h"

#include "base/machine.h"

#include <math.h>
#include <string.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

void align_panel_float_plain(const void *a, size_t rows, const void *b, size_t units, bool first, float *c, size_t ldc)
{
    const float *left = a, *right = b;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < ALIGN_PANEL; j++) {
            float sum = 0;
            for (size_t k = 0; k < units; k++)
                sum = fmaf(left[align_panel_place(i, k, units)], right[align_panel_place(j, k, units)], sum);
            c[i * ldc + j] = first ? sum : c[i * ldc + j] + sum;
        }
}

void align_panel_short_plain(const void *a, size_t rows, const void *b, size_t units, bool first, float *c, size_t ldc)
{
    const int16_t *left = a, *right = b;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < ALIGN_PANEL; j++) {
            int32_t sum = 0;
            for (size_t k = 0; k < units; k++)
                for (size_t l = 0; l < 2; l++)
                    sum += left[2 * align_panel_place(i, k, units) + l] * right[2 * align_panel_place(j, k, units) + l];
            c[i * ldc + j] = first ? (float)sum : c[i * ldc + j] + (float)sum;
        }
}

#if defined __AVX2__ && defined __FMA__

enum { ROWS = 4, LANES = 8, VECTORS = 2 }; /* eight sums, two of b, a few of a and of products: sixteen registers */

static __attribute__((noinline)) void float_tile(const float *a, const float *b, size_t units, bool first, float *c,
                                                 size_t ldc)
{
    __m256 sum[ROWS][VECTORS];
#pragma GCC unroll 4
    for (size_t i = 0; i < ROWS; i++) {
        sum[i][0] = sum[i][1] = _mm256_setzero_ps();
        __builtin_prefetch(c + i * ldc, 1); /* needed at the end */
    }
#pragma GCC unroll 4
    for (size_t k = 0; k < units; k++) {
        const __m256 b0 = _mm256_loadu_ps(b), b1 = _mm256_loadu_ps(b + LANES);
#pragma GCC unroll 4
        for (size_t i = 0; i < ROWS; i++) {
            const __m256 left = _mm256_set1_ps(a[i]);
            sum[i][0] = _mm256_fmadd_ps(left, b0, sum[i][0]);
            sum[i][1] = _mm256_fmadd_ps(left, b1, sum[i][1]);
        }
        a += ALIGN_STRIP;
        b += ALIGN_STRIP;
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < ROWS; i++)
#pragma GCC unroll 2
        for (size_t v = 0; v < VECTORS; v++) {
            float *to = c + i * ldc + v * LANES;
            _mm256_storeu_ps(to, first ? sum[i][v] : _mm256_add_ps(_mm256_loadu_ps(to), sum[i][v]));
        }
}

void align_panel_float_base(const void *a, size_t rows, const void *b, size_t units, bool first, float *c, size_t ldc)
{
    for (size_t j = 0; j < ALIGN_PANEL; j += VECTORS * LANES)
        for (size_t i = 0; i < rows; i += ROWS)
            float_tile((const float *)a + align_panel_place(i, 0, units),
                       (const float *)b + align_panel_place(j, 0, units), units, first, c + i * ldc + j, ldc);
}

static __attribute__((noinline)) void short_tile(const int16_t *a, const int16_t *b, size_t units, bool first, float *c,
                                                 size_t ldc)
{
    __m256i sum[ROWS][VECTORS];
#pragma GCC unroll 4
    for (size_t i = 0; i < ROWS; i++) {
        sum[i][0] = sum[i][1] = _mm256_setzero_si256();
        __builtin_prefetch(c + i * ldc, 1);
    }
#pragma GCC unroll 4 /* without it every sum is moved once more a step */
    for (size_t k = 0; k < units; k++) {
        const __m256i b0 = _mm256_loadu_si256((const __m256i *)b),
                      b1 = _mm256_loadu_si256((const __m256i *)(b + 2 * LANES));
#pragma GCC unroll 4
        for (size_t i = 0; i < ROWS; i++) {
            int32_t pair;
            memcpy(&pair, a + 2 * i, sizeof pair);
            const __m256i left = _mm256_set1_epi32(pair);
            sum[i][0] = _mm256_add_epi32(sum[i][0], _mm256_madd_epi16(left, b0));
            sum[i][1] = _mm256_add_epi32(sum[i][1], _mm256_madd_epi16(left, b1));
        }
        a += 2 * ALIGN_STRIP;
        b += 2 * ALIGN_STRIP;
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < ROWS; i++)
#pragma GCC unroll 2
        for (size_t v = 0; v < VECTORS; v++) {
            float *to = c + i * ldc + v * LANES;
            const __m256 value = _mm256_cvtepi32_ps(sum[i][v]);
            _mm256_storeu_ps(to, first ? value : _mm256_add_ps(_mm256_loadu_ps(to), value));
        }
}

void align_panel_short_base(const void *a, size_t rows, const void *b, size_t units, bool first, float *c, size_t ldc)
{
    for (size_t j = 0; j < ALIGN_PANEL; j += VECTORS * LANES)
        for (size_t i = 0; i < rows; i += ROWS)
            short_tile((const int16_t *)a + 2 * align_panel_place(i, 0, units),
                       (const int16_t *)b + 2 * align_panel_place(j, 0, units), units, first, c + i * ldc + j, ldc);
}

#else

void align_panel_float_base(const void *a, size_t rows, const void *b, size_t units, bool first, float *c, size_t ldc)
{
    align_panel_float_plain(a, rows, b, units, first, c, ldc);
}

void align_panel_short_base(const void *a, size_t rows, const void *b, size_t units, bool first, float *c, size_t ldc)
{
    align_panel_short_plain(a, rows, b, units, first, c, ldc);
}

#endif

bool align_panel_has_avx512vnni(void)
{
    return triad_machine_has_avx512() && __builtin_cpu_supports("avx512vnni");
}

align_panel_fn align_panel_float_choose(void)
{
    return triad_machine_has_avx512() ? align_panel_float_avx512 : align_panel_float_base;
}

align_panel_fn align_panel_short_choose(void)
{
    /* Measured on a Zen 4: one vpdpwssd in two cycles, 109 G operations a second; vpmaddwd and vpaddd 167. Intel's
     * servers begin two vpdpwssd a cycle. */
    return align_panel_has_avx512vnni() && __builtin_cpu_is("intel") ? align_panel_short_avx512vnni
                                                                     : align_panel_short_base;
}
