/* What is done to each number alone. */
#include "nn/forward.h"
#include "nn/layers.h"
#include "nn/vector.h"

/* y[i] = f(x[i]), or dx[i] = f(dy[i], x[i]), in whole vectors and a part of one. */
#define MAP(name, f)                                                                                                   \
    void name(float *y, const float *x, size_t n)                                                                      \
    {                                                                                                                  \
        size_t i = 0;                                                                                                  \
        for (; i + NN_LANES <= n; i += NN_LANES) nn_store8(y + i, f(nn_load8(x + i)));                                 \
        if (i < n) nn_store_part(y + i, f(nn_load_part(x + i, n - i, 0)), n - i);                                      \
    }
#define MAP_BACKWARD(name, f)                                                                                          \
    void name(float *dx, const float *dy, const float *x, size_t n)                                                    \
    {                                                                                                                  \
        size_t i = 0;                                                                                                  \
        for (; i + NN_LANES <= n; i += NN_LANES) nn_store8(dx + i, f(nn_load8(dy + i), nn_load8(x + i)));              \
        if (i < n) nn_store_part(dx + i, f(nn_load_part(dy + i, n - i, 0), nn_load_part(x + i, n - i, 0)), n - i);     \
    }

#define GELU_SLOPE 0.797884561F /* sqrt(2 / pi) */
#define GELU_CUBE 0.044715F

/* NaN is not <= 0, so it stays. */
NN_INLINE nn_v8 relu(nn_v8 x)
{
    return (nn_v8)((nn_v8i)x & ~(x <= 0.0F));
}

NN_INLINE nn_v8 d_relu(nn_v8 dy, nn_v8 x)
{
    return (nn_v8)((nn_v8i)dy & ~(x <= 0.0F));
}

/* (1 + tanh(u)) / 2 = sigmoid(2u), which keeps the small values of negative u. */
NN_INLINE nn_v8 gelu_tanh(nn_v8 x)
{
    return x * nn_sigmoid8(2 * GELU_SLOPE * (x + GELU_CUBE * x * x * x));
}

/* forward:  y = x s,  s = sigmoid(2 u(x))
 * backward: dx = dy (s + x s (1 - s) 2 u'(x)) */
NN_INLINE nn_v8 d_gelu_tanh(nn_v8 dy, nn_v8 x)
{
    const nn_v8 s = nn_sigmoid8(2 * GELU_SLOPE * (x + GELU_CUBE * x * x * x));
    const nn_v8 slope = 2 * GELU_SLOPE * (1 + 3 * GELU_CUBE * x * x);
    return dy * (s + x * slope * (s * (1 - s)));
}

NN_INLINE nn_v8 gelu_erf(nn_v8 x)
{
    return x * nn_phi8(x);
}

/* backward: dx = dy (Phi(x) + x phi(x)) */
NN_INLINE nn_v8 d_gelu_erf(nn_v8 dy, nn_v8 x)
{
    return dy * (nn_phi8(x) + x * (GELU_SLOPE / 2) * nn_exp8(-0.5F * x * x));
}

NN_INLINE nn_v8 silu(nn_v8 x)
{
    return x * nn_sigmoid8(x);
}

NN_INLINE nn_v8 d_silu(nn_v8 dy, nn_v8 x)
{
    const nn_v8 s = nn_sigmoid8(x);
    return dy * (s + x * (s * (1 - s)));
}

NN_INLINE nn_v8 gelu_quick(nn_v8 x)
{
    return x * nn_sigmoid8(1.702F * x);
}

MAP(nn_relu_forward, relu)
MAP(nn_gelu_tanh_forward, gelu_tanh)
MAP(nn_gelu_erf_forward, gelu_erf)
MAP(nn_gelu_quick_forward, gelu_quick)
MAP(nn_silu_forward, silu)
MAP(nn_exp_forward, nn_exp8)
MAP(nn_tanh_forward, nn_tanh8)
MAP(nn_erf_forward, nn_erf8)
MAP_BACKWARD(nn_relu_backward, d_relu)
MAP_BACKWARD(nn_gelu_tanh_backward, d_gelu_tanh)
MAP_BACKWARD(nn_gelu_erf_backward, d_gelu_erf)
MAP_BACKWARD(nn_silu_backward, d_silu)

void nn_add(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) y[i] += x[i];
}

void nn_silu_mul(float *y, size_t ld_y, const float *gate, size_t ld_gate, const float *up, size_t ld_up, size_t rows,
                 size_t d)
{
    for (size_t r = 0; r < rows; r++) {
        const float *g = gate + r * ld_gate, *u = up + r * ld_up;
        float *out = y + r * ld_y;
        size_t i = 0;
        for (; i + NN_LANES <= d; i += NN_LANES) nn_store8(out + i, silu(nn_load8(g + i)) * nn_load8(u + i));
        if (i < d) nn_store_part(out + i, silu(nn_load_part(g + i, d - i, 0)) * nn_load_part(u + i, d - i, 0), d - i);
    }
}

void nn_softmax_rows(float *x, size_t ld_x, size_t rows, size_t d)
{
    if (d == 0) return;
    for (size_t r = 0; r < rows; r++) {
        float *row = x + r * ld_x;
        const size_t whole = d / NN_LANES * NN_LANES, rest = d - whole;
        const nn_v8 last = rest ? nn_load_part(row + whole, rest, -__builtin_inff()) : nn_set8(-__builtin_inff());
        nn_v8 largest = last, sum = {0};
        for (size_t i = 0; i < whole; i += NN_LANES) largest = nn_max8(nn_load8(row + i), largest);
        const nn_v8 top = nn_set8(nn_largest8(largest));
        for (size_t i = 0; i < whole; i += NN_LANES) {
            const nn_v8 e = nn_exp8(nn_load8(row + i) - top);
            nn_store8(row + i, e);
            sum += e;
        }
        const nn_v8 tail = rest ? nn_exp8(last - top) : (nn_v8){0};
        const nn_v8 factor = nn_set8(1.0F / nn_sum8(sum + tail));
        for (size_t i = 0; i < whole; i += NN_LANES) nn_store8(row + i, nn_load8(row + i) * factor);
        if (rest) nn_store_part(row + whole, tail * factor, rest);
    }
}
