#include "base/machine.h"
#include "nn/gemm_kernels.h"
#include "nn/products.h"

void nn_gemm(bool ta, bool tb, size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda, const float *b,
             size_t ldb, float beta, float *c, size_t ldc)
{
    (triad_machine_has_avx512() ? nn_gemm_avx512 : nn_gemm_base)(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
