/* Products with 512-bit vectors: 28 sums, two of b, one of a: 31 of 32 registers. */
#include "nn/gemm_kernels.h"

#define VECTOR 16
#define ROWS 14
#define KERNEL nn_gemm_kernel_avx512
#include "nn/gemm_tile.inc"
