#include "nn/layers.h"

#include <string.h>

static void add_columns(float *sum, const float *x, size_t rows, size_t d)
{
    for (size_t r = 0; r < rows; r++) nn_add(sum, x + r * d, d);
}

void nn_linear_forward(float *y, const float *x, const float *w, const float *b, size_t rows, size_t in, size_t out)
{
    if (b)
        for (size_t r = 0; r < rows; r++) memcpy(y + r * out, b, out * sizeof *y);
    nn_gemm(false, true, rows, out, in, 1, x, in, w, in, b ? 1 : 0, y, out);
}

static void backward(float *dx, float beta, float *dw, float *db, const float *dy, const float *x, const float *w,
                     size_t rows, size_t in, size_t out)
{
    if (dx) nn_gemm(false, false, rows, in, out, 1, dy, out, w, in, beta, dx, in);
    nn_gemm(true, false, out, in, rows, 1, dy, out, x, in, 1, dw, in);
    if (db) add_columns(db, dy, rows, out);
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
