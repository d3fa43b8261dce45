/* Decoder-only language models: pre-norm blocks with RMSNorm, rotary positions and SwiGLU.
 *
 * LLaMA (Touvron et al. 2023) and its kin with grouped keys and values; Qwen2 adds biases to q, k and v, Qwen3 a norm
 * over each head of q and k. DeepSeek-V2 and -V3 (arXiv:2405.04434, 2412.19437) have latent attention in place of it
 * and, from some layer on, a mixture of experts in place of the one feed-forward network. */
#ifndef TRIAD_MODELS_DECODER_H
#define TRIAD_MODELS_DECODER_H

#include "formats/json.h"
#include "models/rope.h"
#include "models/weight.h"

typedef struct swiglu {
    linear gate, up, down; /* down(silu(gate x) * up x) */
    size_t hidden;
} swiglu;

typedef struct decoder_layer {
    const tensor_view *attention_norm, *ffn_norm;
    linear q, k, v, o;
    const tensor_view *q_norm, *k_norm; /* NULL: none */
    /* latent attention: q = q_b norm(q_a x), or plain q; [latent | k_rope] = kv_a x, [k_nope | v] = kv_b norm(latent)
     */
    linear q_a, q_b, kv_a, kv_b;
    weight_matrix k_b,
        v_b; /* heads stacked, in place of kv_b: [kv_rank, nope] and [value, kv_rank] (GGUF since 2025-04) */
    const tensor_view *q_a_norm, *kv_a_norm;
    swiglu dense;                   /* without experts */
    linear router;                  /* [experts, width] */
    const tensor_view *router_bias; /* added when experts are chosen, not to their weights; NULL: none */
    swiglu shared;                  /* hidden 0: none */
    swiglu *expert;                 /* [experts]; NULL: no experts here */
} decoder_layer;

/* Latent attention: sizes of a head's parts. */
typedef struct latent {
    size_t q_rank;  /* 0: q is projected at once */
    size_t kv_rank; /* 0: not latent */
    size_t nope, rope, value;
} latent;

typedef struct routing {
    size_t experts; /* 0: none */
    size_t used, groups, groups_used, hidden, shared;
    size_t first; /* the first layer that has them */
    bool sigmoid; /* V3: sigmoid scores, a group counts by its two best; else softmax, by its best */
    bool normalise;
    double scale;
} routing;

typedef struct decoder {
    const char *family; /* "llama", "qwen2", "qwen3", "deepseek_v2", "deepseek_v3" */
    size_t layers, width, heads, kv_heads, head_dim, feed_forward, vocabulary, max_tokens;
    double epsilon;
    rope turn;
    double attention_scale; /* of scores */
    bool adjacent_pairs;    /* rotary pairs (2j, 2j + 1): GGUF's q and k in arch llama, DeepSeek */
    bool qkv_bias, o_bias, mlp_bias, head_norm;
    latent mla;
    routing route;
    const tensor_view *embedding, *final_norm, *rope_divisors;
    decoder_layer *layer; /* [layers] */
} decoder;                /* zero-initialise; decoder_free */

/* From config.json: model_type has been found to be ours. */
TRIAD_NODISCARD triad_status decoder_from_config(decoder *m, json_object *config, checkpoint *file, triad_error *err);
/* From the keys of a GGUF whose general.architecture is ours. */
TRIAD_NODISCARD triad_status decoder_from_gguf(decoder *m, const char *architecture, checkpoint *file,
                                               triad_error *err);
void decoder_free(decoder *m);

enum {
    DECODER_MAX_LAYERS = 1024,
    DECODER_MAX_WIDTH = 1 << 17,
    DECODER_MAX_EXPERTS = 1 << 12,
    DECODER_MAX_VOCABULARY = 1 << 24,
    DECODER_MAX_POSITIONS = 1 << 28
};
/* Epsilon of the norms inside latent attention: transformers' class default, whatever the configuration says. */
#define DECODER_LATENT_EPSILON 1e-6

/* ---- for the two readers */
/* What both have read, against each other. */
TRIAD_NODISCARD triad_status decoder_check(decoder *m, triad_error *err);
typedef enum decoder_naming { DECODER_HUGGING_FACE, DECODER_GGUF } decoder_naming;
/* base: "model." or "" */
TRIAD_NODISCARD triad_status decoder_take_tensors(decoder *m, checkpoint *file, decoder_naming naming, const char *base,
                                                  triad_error *err);

#endif
