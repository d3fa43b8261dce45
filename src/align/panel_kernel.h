/* Products of panels of rows, the inner loops of products of all pairs. */
#ifndef TRIAD_ALIGN_PANEL_KERNEL_H
#define TRIAD_ALIGN_PANEL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ALIGN_STRIP = 16, /* rows that stand together: a cache line for each unit of their columns */
    ALIGN_PANEL = 48  /* rows that are multiplied together */
};

/* c [rows, ALIGN_PANEL], rows a multiple of 8 and ldc apart, = (first) or += sums over `units` of a [., i] b [., j]; a
 * and b are [strips, units, ALIGN_STRIP] of units of four bytes: a float, or two 16-bit integers of which no sum may
 * leave 32 bits. Integers' sums are exact but for one rounding to float and, after the first, that of the addition;
 * floats' are a chain of fused multiply-adds in order, then the addition: either way the same bits from every kernel.
 */
typedef void (*align_panel_fn)(const void *a, size_t rows, const void *b, size_t units, bool first, float *c,
                               size_t ldc);

/* Where row i's unit k is. */
static inline size_t align_panel_place(size_t i, size_t k, size_t units)
{
    return (i / ALIGN_STRIP * units + k) * ALIGN_STRIP + i % ALIGN_STRIP;
}

void align_panel_float_plain(const void *a, size_t rows, const void *b, size_t units, bool first, float *c, size_t ldc);
void align_panel_short_plain(const void *a, size_t rows, const void *b, size_t units, bool first, float *c, size_t ldc);
/* Of the instructions that the build asks for: AVX2 by default. */
void align_panel_float_base(const void *a, size_t rows, const void *b, size_t units, bool first, float *c, size_t ldc);
void align_panel_short_base(const void *a, size_t rows, const void *b, size_t units, bool first, float *c, size_t ldc);
/* Only where triad_machine_has_avx512(), … */
void align_panel_float_avx512(const void *a, size_t rows, const void *b, size_t units, bool first, float *c,
                              size_t ldc);
/* … and only where align_panel_has_avx512vnni(). */
void align_panel_short_avx512vnni(const void *a, size_t rows, const void *b, size_t units, bool first, float *c,
                                  size_t ldc);
bool align_panel_has_avx512vnni(void);

/* The fastest for this machine. */
align_panel_fn align_panel_float_choose(void);
align_panel_fn align_panel_short_choose(void);

#endif
