/* The kernels behind nn_gemm, one for each set of instructions; nn_gemm and nn_gemm_pool choose among them. */
#ifndef TRIAD_NN_GEMM_KERNELS_H
#define TRIAD_NN_GEMM_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

void nn_gemm_base(bool ta, bool tb, size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda,
                  const float *b, size_t ldb, float beta, float *c, size_t ldc);
/* Only where triad_machine_has_avx512(). */
void nn_gemm_avx512(bool ta, bool tb, size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda,
                    const float *b, size_t ldb, float beta, float *c, size_t ldc);

/* Multiply-adds in registers, for benchmarks: returns the number of floating-point operations done. sink: 2 floats. */
double nn_fma_base(size_t steps, float *sink);
double nn_fma_avx512(size_t steps, float *sink);

#endif
