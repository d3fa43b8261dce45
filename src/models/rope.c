#include "models/rope.h"

#include <math.h>

rope rope_plain(size_t dim)
{
    return (rope){.type = ROPE_DEFAULT,
                  .dim = dim,
                  .base = 10000,
                  .factor = 1,
                  .low_freq_factor = 1,
                  .high_freq_factor = 4,
                  .original = 8192,
                  .beta_fast = 32,
                  .beta_slow = 1,
                  .truncate = true,
                  .attention_factor = 1};
}

double rope_yarn_scale(double factor, double k)
{
    return factor > 1 ? 0.1 * k * log(factor) + 1 : 1;
}

double rope_yarn_factor(double factor, double mscale, double mscale_all_dim)
{
    if (mscale != 0 && mscale_all_dim != 0)
        return rope_yarn_scale(factor, mscale) / rope_yarn_scale(factor, mscale_all_dim);
    return rope_yarn_scale(factor, 1);
}

/* The dimension that turns r times within the original positions (Peng et al. 2023, YaRN, section 3.2). */
static double yarn_dimension(const rope *r, double turns)
{
    return (double)r->dim * log(r->original / (turns * 2 * M_PI)) / (2 * log(r->base));
}

static void yarn(const rope *r, float *frequency)
{
    double low = yarn_dimension(r, r->beta_fast), high = yarn_dimension(r, r->beta_slow);
    if (r->truncate) {
        low = floor(low);
        high = ceil(high);
    }
    low = fmax(low, 0);
    high = fmin(high, (double)r->dim - 1);
    if (low == high) high += 0.001;
    for (size_t j = 0; j < r->dim / 2; j++) {
        const double ramp = ((double)j - low) / (high - low);
        const float slow = (float)fmin(fmax(ramp, 0), 1), keep = 1 - slow;
        frequency[j] = frequency[j] / (float)r->factor * (1 - keep) + frequency[j] * keep;
    }
}

/* Llama 3.1: long waves are stretched by factor, short ones stay, between them a blend. */
static void llama3(const rope *r, float *frequency)
{
    const double longest = r->original / r->low_freq_factor, shortest = r->original / r->high_freq_factor;
    for (size_t j = 0; j < r->dim / 2; j++) {
        const float f = frequency[j];
        const float wave = (float)(2 * M_PI) / f;
        if (wave < shortest) continue;
        frequency[j] = f / (float)r->factor;
        if (wave > longest) continue;
        const float smooth =
            ((float)r->original / wave - (float)r->low_freq_factor) / (float)(r->high_freq_factor - r->low_freq_factor);
        frequency[j] = (1 - smooth) * f / (float)r->factor + smooth * f;
    }
}

void rope_frequencies(const rope *r, float *frequency)
{
    for (size_t j = 0; j < r->dim / 2; j++) {
        frequency[j] = 1.0F / powf((float)r->base, (float)(2 * j) / (float)r->dim);
        if (r->type == ROPE_LINEAR) frequency[j] /= (float)r->factor;
    }
    if (r->type == ROPE_LLAMA3) llama3(r, frequency);
    if (r->type == ROPE_YARN) yarn(r, frequency);
}

void rope_tables(const rope *r, const float *frequency, size_t positions, float *cosine, float *sine)
{
    const size_t half = r->dim / 2;
    for (size_t p = 0; p < positions; p++)
        for (size_t j = 0; j < half; j++) {
            const float angle = (float)p * frequency[j];
            cosine[p * half + j] = cosf(angle) * (float)r->attention_factor;
            sine[p * half + j] = sinf(angle) * (float)r->attention_factor;
        }
}
