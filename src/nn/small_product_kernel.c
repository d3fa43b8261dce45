#include "nn/products.h"
#include "nn/small_product.h"

size_t nn_small_gemm_most(size_t k)
{
    return k == 0 ? 0 : NN_SMALL_TURNED / k / NN_LANES * NN_LANES;
}

void nn_small_gemm(bool tb, size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda, const float *b,
                   size_t ldb, float *c, size_t ldc)
{
    if (!tb) {
        nn_small_product(m, n, k, a, lda, 1, b, ldb, alpha, false, c, ldc, false);
        return;
    }
    _Alignas(64) float turned[NN_SMALL_TURNED];
    const size_t step = (n + NN_LANES - 1) / NN_LANES * NN_LANES, whole = n / NN_LANES * NN_LANES;
    nn_small_transpose(turned, step, b, ldb, n, k);
    nn_small_product(m, whole, k, a, lda, 1, turned, step, alpha, false, c, ldc, true);
    if (whole < n) {
        float edge[6 * NN_LANES];
        for (size_t i = 0; i < m; i += 6) {
            const size_t rows = m - i < 6 ? m - i : 6;
            nn_small_product(rows, NN_LANES, k, a + i * lda, lda, 1, turned + whole, step, alpha, false, edge, NN_LANES,
                             true);
            for (size_t r = 0; r < rows; r++)
                for (size_t j = whole; j < n; j++) c[(i + r) * ldc + j] = edge[r * NN_LANES + j - whole];
        }
    }
}
