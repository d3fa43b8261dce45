/* The LLaMA architecture (Touvron et al. 2023) and its kin: pre-norm blocks with RMSNorm, rotary positions, grouped
 * keys and values, SwiGLU. Qwen2 adds biases to q, k and v, Qwen3 a norm over each head of q and k. */
#ifndef TRIAD_MODELS_DECODER_H
#define TRIAD_MODELS_DECODER_H

#include "formats/json.h"
#include "models/checkpoint.h"
#include "models/rope.h"

typedef struct decoder_layer {
    const tensor_view *attention_norm, *q, *k, *v, *o, *ffn_norm, *gate, *up, *down;
    const tensor_view *q_bias, *k_bias, *v_bias, *o_bias, *gate_bias, *up_bias, *down_bias; /* NULL: none */
    const tensor_view *q_norm, *k_norm;                                                     /* NULL: none */
} decoder_layer;

typedef struct decoder {
    const char *family; /* "llama", "qwen2", "qwen3" */
    size_t layers, width, heads, kv_heads, head_dim, feed_forward, vocabulary, max_tokens;
    double epsilon;
    rope turn;
    bool adjacent_pairs; /* GGUF's order of q and k rows in arch llama */
    bool qkv_bias, o_bias, mlp_bias, head_norm;
    const tensor_view *embedding, *final_norm, *rope_divisors;
    decoder_layer *layer; /* [layers] */
} decoder;                /* zero-initialise; decoder_free */

/* From config.json: model_type has been found to be ours. */
TRIAD_NODISCARD triad_status decoder_from_config(decoder *m, json_object *config, checkpoint *file, triad_error *err);
/* From the keys of a GGUF whose general.architecture is ours. */
TRIAD_NODISCARD triad_status decoder_from_gguf(decoder *m, const char *architecture, checkpoint *file,
                                               triad_error *err);
void decoder_free(decoder *m);

#endif
