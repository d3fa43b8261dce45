/* The policy: its shape, the one table of its parameters, and its passes.
 *
 * Words -> transformer encoder -> mean -> one vector z, the instruction. All else sees the instruction through z only:
 * z modulates every norm (FiLM) and is added to the global token. A step's tokens in sight (features.h) go through
 * transformer layers over the step, then a read-out in which the global token asks them and what is remembered; the
 * steps' vectors go through causal transformer layers over the episode, with a window and a learned bias by distance;
 * knowing what was done they ask the step's tokens once more (recall); then a head over the actions.
 *
 * With cross layers, a variant, the read-out's vectors ask the words of the instruction, too, before they are
 * remembered: then z no longer holds all that the policy is told, and no other vector can be put in its place.
 *
 * No projection to keys has a bias: it would add the same number to every score of a query, so its gradient is exactly
 * zero. Queries and values have none either: the shift of the norm in front gives them one. */
#ifndef TRIAD_AGENT_POLICY_H
#define TRIAD_AGENT_POLICY_H

#include "base/arena.h"
#include "nn/layers.h"
#include "triad/base.h"

enum { POLICY_ACTIONS = 7, POLICY_MAX_WORDS = 96, POLICY_MAX_LAYERS = 8, POLICY_MAX_TENSORS = 512 };

typedef struct policy_config {
    size_t width, heads, feed_forward, encoder_layers, cell_layers, memory_layers, recall_layers, window;
    size_t instruction;  /* numbers in z */
    size_t words;        /* size of the vocabulary */
    size_t cross_layers; /* in which the step asks the instruction's words; 0: it reaches the policy as z alone */
} policy_config;
policy_config policy_recipe(size_t words); /* the configuration that meets the bar */
/* Fails with the name of the number that is out of range. */
TRIAD_NODISCARD triad_status policy_check(const policy_config *config, triad_error *err);

typedef struct policy_tensor {
    char name[40];
    int rank;
    size_t shape[2];
    size_t offset, count;      /* numbers, in the block of all parameters */
    bool decay;                /* weight decay applies */
    float rate;                /* learning rate, in units of the others' */
    float constant, deviation; /* at the start: constant + deviation * standard normal */
} policy_tensor;

/* Where a transformer layer's parameters lie. */
typedef struct policy_block {
    size_t gain1, shift1, gain2, shift2;                /* [d]; instruction encoder only, the others have FiLM */
    size_t film;                                        /* number of the first of its modulated norms */
    size_t qkv;                                         /* [3 d, d] queries, keys, values */
    size_t out, out_bias, up, up_bias, down, down_bias; /* [d, d] [d] [f, d] [f] [d, f] [d] */
    size_t relative;                                    /* [heads, window]; memory only */
} policy_block;

typedef struct policy_layout {
    policy_config config;
    size_t size;    /* numbers in the block; tensors start at multiples of 16, what lies between stays 0 */
    size_t numbers; /* parameters: without the gaps */
    size_t norms;   /* modulated norms; film's columns are norms * 2 * width: gains, then shifts, of each */
    size_t tensors;
    policy_tensor tensor[POLICY_MAX_TENSORS];

    size_t word;    /* [words + POLICY_MAX_WORDS, d]: words, then positions */
    size_t feature; /* [FEATURE_ROWS, d]: the parts of features.h one after the other */
    policy_block encoder[POLICY_MAX_LAYERS];
    size_t encoder_gain, encoder_shift;
    size_t instruction, instruction_bias; /* [z, d] [z]: mean of the words -> z */
    size_t film, film_bias;               /* [norms * 2 d, z] [norms * 2 d] */
    size_t token;                         /* [d, z]: z -> added to the global token */
    policy_block cell[POLICY_MAX_LAYERS], readout, memory[POLICY_MAX_LAYERS], recall[POLICY_MAX_LAYERS],
        cross[POLICY_MAX_LAYERS];
    size_t head, head_bias; /* [7, d] [7]; the norm in front is the last of the modulated ones */
} policy_layout;

/* config must have passed policy_check. */
void policy_lay_out(policy_layout *layout, const policy_config *config);
/* params [size] from the seed: each tensor has a stream of its own, keyed by its name. */
void policy_initialise(float *params, const policy_layout *layout, uint64_t seed);

static inline size_t policy_fused_layers(const policy_config *config)
{
    return config->cell_layers + 1 + config->cross_layers + config->memory_layers + config->recall_layers;
}

/* Steps and their tokens. All offsets count from 0. */
typedef struct policy_tokens {
    size_t steps;
    const uint32_t *token_offset; /* [steps + 1] into tokens; a step's first token is its global one */
    const uint32_t *visible;      /* [steps] how many of a step's tokens, its first ones, are in sight: at least 1 */
    const uint32_t *bag_offset;   /* [tokens + 1] into bag */
    const uint32_t *bag;          /* rows of the feature table */
} policy_tokens;

/* A packed piece of a batch: whole episodes, sorted by instruction. All offsets count from 0. */
typedef struct policy_input {
    size_t instructions;
    const uint32_t *word_offset; /* [instructions + 1] */
    const uint32_t *word;        /* indices of words; no instruction is empty or longer than POLICY_MAX_WORDS */
    size_t episodes;
    const uint32_t *episode_instruction; /* [episodes], never decreasing */
    const uint32_t *episode_offset;      /* [episodes + 1] into steps */
    size_t steps;
    const uint32_t *token_offset; /* [steps + 1] into tokens; a step's first token is its global one */
    const uint32_t *visible;      /* [steps] how many of a step's tokens, its first ones, are in sight: at least 1 */
    size_t tokens;
    const uint32_t *bag_offset; /* [tokens + 1] into bag */
    const uint32_t *bag;        /* rows of the feature table */
    const int32_t *target;      /* [steps] actions; -1: this step is not learnt */
    /* Dropout (Srivastava et al. 2014; on what each half of a layer adds to the residual, Vaswani et al. 2017, 5.4) at
     * this rate, 0 for none: an episode's masks are a function of its key, an instruction's of its first episode's. */
    double dropout;
    const uint64_t *mask; /* [episodes] keys; read where there is dropout */
} policy_input;

/* What one forward and backward pass over the piece costs: 2mnk of every product and attention's products, three
 * times (once forward, twice backward); embeddings, norms and the like are not counted. */
uint64_t policy_flops(const policy_layout *layout, const policy_input *input);

typedef struct policy_result {
    double loss; /* sum over the steps of the cross-entropy, those that are not learnt left out */
    size_t correct;
} policy_result;

#define REAL float
#define POLICY(x) policy_##x
#include "agent/policy_declare.h"
#undef REAL
#undef POLICY

#define REAL double
#define POLICY(x) policy64_##x
#include "agent/policy_declare.h"
#undef REAL
#undef POLICY

#endif
