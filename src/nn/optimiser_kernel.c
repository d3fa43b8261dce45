#include "nn/layers.h"
#include "nn/vector.h"

#include <math.h>

double nn_schedule(uint64_t step, uint64_t total, uint64_t warmup, double floor)
{
    if (step < warmup) return (double)(step + 1) / (double)warmup;
    if (step >= total) return floor;
    const double done = (double)(step - warmup) / (double)(total - warmup);
    return floor + (1 - floor) * 0.5 * (1 + cos(M_PI * done));
}

double nn_norm2(const float *g, size_t n)
{
    /* Eight interleaved sums: the order is fixed by n alone. */
    double sum[8] = {0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t l = 0; l < 8; l++) sum[l] += (double)g[i + l] * (double)g[i + l];
    for (size_t l = 0; i < n; i++, l++) sum[l] += (double)g[i] * (double)g[i];
    return ((sum[0] + sum[4]) + (sum[1] + sum[5])) + ((sum[2] + sum[6]) + (sum[3] + sum[7]));
}

void nn_adamw(float *p, float *m, float *v, const float *g, size_t n, const nn_adamw_options *options, uint64_t step,
              float scale)
{
    /* In double, since 1 - beta would lose digits: */
    const double correction1 = 1 - pow(options->beta1, (double)step),
                 correction2 = 1 - pow(options->beta2, (double)step);
    const float keep = (float)(1 - options->learning_rate * options->weight_decay);
    const float rate = (float)(options->learning_rate / correction1), root = (float)(1 / sqrt(correction2));
    const float beta1 = (float)options->beta1, rest1 = (float)(1 - options->beta1);
    const float beta2 = (float)options->beta2, rest2 = (float)(1 - options->beta2);
    const float epsilon = (float)options->epsilon;
    for (size_t i = 0; i < n; i += NN_LANES) {
        const size_t lanes = n - i < NN_LANES ? n - i : NN_LANES;
        const bool whole = lanes == NN_LANES;
        const nn_v8 gradient = (whole ? nn_load8(g + i) : nn_load_part(g + i, lanes, 0)) * scale;
        const nn_v8 old = whole ? nn_load8(p + i) : nn_load_part(p + i, lanes, 0);
        const nn_v8 m1 = (whole ? nn_load8(m + i) : nn_load_part(m + i, lanes, 0)) * beta1 + rest1 * gradient;
        const nn_v8 v1 =
            (whole ? nn_load8(v + i) : nn_load_part(v + i, lanes, 0)) * beta2 + rest2 * gradient * gradient;
        const nn_v8 next = old * keep - rate * m1 / (nn_sqrt8(v1) * root + epsilon);
        if (whole) {
            nn_store8(m + i, m1);
            nn_store8(v + i, v1);
            nn_store8(p + i, next);
        } else {
            nn_store_part(m + i, m1, lanes);
            nn_store_part(v + i, v1, lanes);
            nn_store_part(p + i, next, lanes);
        }
    }
}
