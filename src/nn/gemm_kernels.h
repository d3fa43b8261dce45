/* The kernels behind nn_gemm, one table for each set of instructions. */
#ifndef TRIAD_NN_GEMM_KERNELS_H
#define TRIAD_NN_GEMM_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

enum {
    NN_BLOCK_DEPTH = 320,  /* at most so much of k is summed in registers at a time */
    NN_BLOCK_COLUMNS = 256 /* columns of b packed at a time: with their depth 320 KiB */
};

typedef struct nn_gemm_kernel {
    size_t rows, panel; /* of a tile in registers */
    /* Packs a block of op(b), depth x columns, into panels; out: depth * columns floats, columns rounded up to whole
     * panels. b points at the block's first element as stored, transposed with tb. */
    void (*pack)(float *out, bool tb, const float *b, size_t ldb, size_t depth, size_t columns);
    /* c [m, columns] = alpha op(a) b + beta old for one block; a points at the first element of op(a)'s. b stands in
     * panels, ld_panel from one to the next, ldb from row to row: as packed, panel * depth and panel; b as the caller
     * stored it, where whole panels make up the columns, panel and its own ldb. old is c itself, or anything else: with
     * ld_old 0 one row for all. */
    void (*multiply)(bool ta, size_t m, size_t columns, size_t depth, float alpha, const float *a, size_t lda,
                     const float *b, size_t ld_panel, size_t ldb, float beta, const float *old, size_t ld_old, float *c,
                     size_t ldc);
    /* Multiply-adds in registers alone, for benchmarks: returns how many floating-point operations. sink: 2 floats. */
    double (*peak)(size_t steps, float *sink);
} nn_gemm_kernel;

extern const nn_gemm_kernel nn_gemm_kernel_base;   /* what the build asks for: AVX2 by default */
extern const nn_gemm_kernel nn_gemm_kernel_avx512; /* only where triad_machine_has_avx512() */

/* The one for this machine. */
const nn_gemm_kernel *nn_gemm_kernel_choose(void);

/* nn_gemm with beta * old instead of beta * c. */
void nn_gemm_onto(bool ta, bool tb, size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda,
                  const float *b, size_t ldb, float beta, const float *old, size_t ld_old, float *c, size_t ldc);

#endif
