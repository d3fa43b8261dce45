#include "agent/recall.h"

#include <math.h>
#include <string.h>

enum { LANES = 16 };

static float dot(const float *a, const float *b, size_t n)
{
    float lane[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++) lane[j] += a[i + j] * b[i + j];
    for (; i < n; i++) sum += a[i] * b[i];
    for (size_t j = 0; j < LANES; j++) sum += lane[j];
    return sum;
}

void agent_recall(float *out, const float *q, const float *past, size_t step, const float *distance_bias, size_t heads,
                  size_t head_dim, size_t window, float *score)
{
    const size_t d = heads * head_dim, seen = step + 1 < window ? step + 1 : window;
    const float scale = 1 / sqrtf((float)head_dim);
    for (size_t h = 0; h < heads; h++) {
        const float *ask = q + h * head_dim;
        float most = -INFINITY, sum = 0, *restrict mix = out + h * head_dim;
        for (size_t back = 0; back < seen; back++) {
            const float *key = past + (step - back) % window * 2 * d + h * head_dim;
            score[back] = dot(ask, key, head_dim) * scale + distance_bias[h * window + back];
            if (score[back] > most) most = score[back];
        }
        for (size_t back = 0; back < seen; back++) {
            score[back] = expf(score[back] - most);
            sum += score[back];
        }
        memset(mix, 0, head_dim * sizeof *mix);
        for (size_t back = 0; back < seen; back++) {
            const float *restrict value = past + (step - back) % window * 2 * d + d + h * head_dim;
            const float part = score[back] / sum;
            for (size_t i = 0; i < head_dim; i++) mix[i] += part * value[i];
        }
    }
}
