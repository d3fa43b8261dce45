/* Products of 16-bit integers, the inner loop of coarse products (coarse.h). */
#ifndef TRIAD_ALIGN_COARSE_KERNEL_H
#define TRIAD_ALIGN_COARSE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ALIGN_STRIP = 16, /* rows that stand together: a cache line for each pair of columns */
    ALIGN_PANEL = 48, /* rows that are multiplied together */
    ALIGN_DEPTH =
        192 /* at most so many columns are summed as integers; a panel's, 18 KiB, stay in a first-level cache */
};

/* Where the numbers of row i of a panel and pair k of its columns are. */
static inline size_t align_coarse_place(size_t i, size_t k, size_t pairs)
{
    return ((i / ALIGN_STRIP * pairs + k) * ALIGN_STRIP + i % ALIGN_STRIP) * 2;
}

/* c [ALIGN_PANEL, ALIGN_PANEL], rows ldc apart, = (first) or += sums over the columns of a [., i] b [., j]; a and b are
 * [strips, pairs of columns, ALIGN_STRIP, 2]. No sum may leave 32 bits. Exact but for the one rounding of each sum to
 * float and, after the first, of the addition: the same bits from every kernel. */
typedef void (*align_coarse_fn)(const int16_t *a, const int16_t *b, size_t pairs, bool first, float *c, size_t ldc);

void align_coarse_plain(const int16_t *a, const int16_t *b, size_t pairs, bool first, float *c, size_t ldc);
/* Of the instructions that the build asks for: AVX2 by default. */
void align_coarse_base(const int16_t *a, const int16_t *b, size_t pairs, bool first, float *c, size_t ldc);
/* Only where align_coarse_has_avx512vnni(). */
void align_coarse_avx512vnni(const int16_t *a, const int16_t *b, size_t pairs, bool first, float *c, size_t ldc);
bool align_coarse_has_avx512vnni(void);

/* The fastest for this machine. */
align_coarse_fn align_coarse_choose(void);

#endif
