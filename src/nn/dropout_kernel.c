#include "nn/dropout.h"

#include "nn/layers.h"

void nn_dropout_forward(float *y, const float *x, size_t n, double rate, uint64_t key, uint64_t first)
{
    const uint32_t drop = nn_dropout_threshold(rate);
    const float scale = (float)(1 / (1 - rate));
    for (size_t i = 0; i < n; i++) y[i] = nn_dropout_draw(key, first + i) < drop ? 0 : x[i] * scale;
}

/* The map is linear: backward is forward on the gradient. */
void nn_dropout_backward(float *dx, const float *dy, size_t n, double rate, uint64_t key, uint64_t first)
{
    nn_dropout_forward(dx, dy, n, rate, key, first);
}
