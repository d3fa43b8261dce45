/* Products with 256-bit vectors: twelve sums, two of b, one of a: fifteen of sixteen registers. */
#include "nn/gemm_kernels.h"

#define VECTOR 8
#define ROWS 6
#define KERNEL nn_gemm_kernel_base
#include "nn/gemm_tile.inc"
