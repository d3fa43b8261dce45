#include "nn/forward.h"

void nn_rope_forward(float *x, size_t ld_x, const uint32_t *position, const float *cosine, const float *sine,
                     size_t rows, size_t heads, size_t head_dim, size_t rotary, nn_rope_pairs pairs)
{
    const size_t half = rotary / 2;
    for (size_t r = 0; r < rows; r++) {
        const float *c = cosine + position[r] * half, *s = sine + position[r] * half;
        for (size_t h = 0; h < heads; h++) {
            float *head = x + r * ld_x + h * head_dim;
            for (size_t i = 0; i < half; i++) {
                float *a = head + (pairs == NN_ROPE_HALVES ? i : 2 * i);
                float *b = pairs == NN_ROPE_HALVES ? a + half : a + 1;
                const float first = *a, second = *b;
                *a = first * c[i] - second * s[i];
                *b = second * c[i] + first * s[i];
            }
        }
    }
}
