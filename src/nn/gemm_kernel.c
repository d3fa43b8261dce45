/* Products with 256-bit vectors: twelve sums, two of b, one of a: fifteen of sixteen registers. */
#include "nn/gemm_kernels.h"

#define VECTOR 8
#define ROWS 6
#define GEMM nn_gemm_base
#define MEASURE nn_fma_base
#include "nn/gemm_tile.inc"
