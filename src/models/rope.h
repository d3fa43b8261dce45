/* Frequencies of rotary position embeddings, as transformers computes them: in float, so that angles agree bit by bit.
 */
#ifndef TRIAD_MODELS_ROPE_H
#define TRIAD_MODELS_ROPE_H

#include "triad/base.h"

typedef enum rope_type { ROPE_DEFAULT, ROPE_LINEAR, ROPE_LLAMA3, ROPE_YARN } rope_type;

typedef struct rope {
    rope_type type;
    size_t dim; /* numbers of a head that turn */
    double base, factor;
    double low_freq_factor, high_freq_factor; /* llama3 */
    double original;                          /* positions that the model was first trained on */
    double beta_fast, beta_slow;              /* yarn */
    bool truncate;
    double attention_factor; /* yarn: of cos and sin */
} rope;

/* default, 10000, no scaling. */
rope rope_plain(size_t dim);
/* yarn: what the factor of cos and sin is when the file does not say; mscale values of 0 are absent. */
double rope_yarn_factor(double factor, double mscale, double mscale_all_dim);
/* 0.1 k ln factor + 1 (YaRN), 1 where nothing is stretched */
double rope_yarn_scale(double factor, double k);
/* frequency [dim / 2] */
void rope_frequencies(const rope *r, float *frequency);
/* cosine, sine [positions, dim / 2] from frequencies */
void rope_tables(const rope *r, const float *frequency, size_t positions, float *cosine, float *sine);

#endif
