#include "align/coarse_kernel.h"

#include "base/machine.h"

#include <string.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

void align_coarse_plain(const int16_t *a, const int16_t *b, size_t pairs, bool first, float *c, size_t ldc)
{
    for (size_t i = 0; i < ALIGN_PANEL; i++)
        for (size_t j = 0; j < ALIGN_PANEL; j++) {
            int32_t sum = 0;
            for (size_t k = 0; k < pairs; k++)
                for (size_t l = 0; l < 2; l++)
                    sum += a[align_coarse_place(i, k, pairs) + l] * b[align_coarse_place(j, k, pairs) + l];
            c[i * ldc + j] = first ? (float)sum : c[i * ldc + j] + (float)sum;
        }
}

#ifdef __AVX2__

enum { ROWS = 4, LANES = 8, VECTORS = 2 }; /* eight sums, two of b, a few of a and of products: sixteen registers */

static __attribute__((noinline)) void tile(const int16_t *a, const int16_t *b, size_t pairs, bool first, float *c,
                                           size_t ldc)
{
    __m256i sum[ROWS][VECTORS];
#pragma GCC unroll 4
    for (size_t i = 0; i < ROWS; i++) {
        sum[i][0] = sum[i][1] = _mm256_setzero_si256();
        __builtin_prefetch(c + i * ldc, 1); /* needed at the end */
    }
#pragma GCC unroll 4 /* without it every sum is moved once more a step */
    for (size_t k = 0; k < pairs; k++) {
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

void align_coarse_base(const int16_t *a, const int16_t *b, size_t pairs, bool first, float *c, size_t ldc)
{
    for (size_t j = 0; j < ALIGN_PANEL; j += VECTORS * LANES)
        for (size_t i = 0; i < ALIGN_PANEL; i += ROWS)
            tile(a + align_coarse_place(i, 0, pairs), b + align_coarse_place(j, 0, pairs), pairs, first,
                 c + i * ldc + j, ldc);
}

#else

void align_coarse_base(const int16_t *a, const int16_t *b, size_t pairs, bool first, float *c, size_t ldc)
{
    align_coarse_plain(a, b, pairs, first, c, ldc);
}

#endif

bool align_coarse_has_avx512vnni(void)
{
    return triad_machine_has_avx512() && __builtin_cpu_supports("avx512vnni");
}

align_coarse_fn align_coarse_choose(void)
{
    /* Measured on a Zen 4: one vpdpwssd in two cycles, 109 G operations a second; vpmaddwd and vpaddd 167. Intel's
     * servers begin two vpdpwssd a cycle. */
    return align_coarse_has_avx512vnni() && __builtin_cpu_is("intel") ? align_coarse_avx512vnni : align_coarse_base;
}
