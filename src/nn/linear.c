#include "nn/gemm_kernels.h"
#include "nn/layers.h"

void nn_linear_forward(float *y, const float *x, const float *w, const float *b, size_t rows, size_t in, size_t out)
{
    if (b)
        nn_gemm_onto(false, true, rows, out, in, 1, x, in, w, in, 1, b, 0, y, out);
    else
        nn_gemm(false, true, rows, out, in, 1, x, in, w, in, 0, y, out);
}

static void backward(float *dx, float beta, float *dw, float *db, const float *dy, const float *x, const float *w,
                     size_t rows, size_t in, size_t out)
{
    if (dx) nn_gemm(false, false, rows, in, out, 1, dy, out, w, in, beta, dx, in);
    nn_gemm(true, false, out, in, rows, 1, dy, out, x, in, 1, dw, in);
    if (db) nn_add_columns(db, dy, rows, out);
}

void nn_linear_backward(float *dx, float *dw, float *db, const float *dy, const float *x, const float *w, size_t rows,
                        size_t in, size_t out)
{
    backward(dx, 0, dw, db, dy, x, w, rows, in, out);
}

void nn_linear_backward_add(float *dx, float *dw, float *db, const float *dy, const float *x, const float *w,
                            size_t rows, size_t in, size_t out)
{
    backward(dx, 1, dw, db, dy, x, w, rows, in, out);
}
