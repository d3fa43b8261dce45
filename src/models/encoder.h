/* BERT (Devlin et al. 2019): learned positions, post-norm blocks, full attention inside a sentence. */
#ifndef TRIAD_MODELS_ENCODER_H
#define TRIAD_MODELS_ENCODER_H

#include "formats/json.h"
#include "models/checkpoint.h"

typedef struct affine {
    const tensor_view *weight, *bias;
} affine;

typedef struct encoder_layer {
    affine q, k, v, o, attention_norm, up, down, output_norm;
} encoder_layer;

typedef enum encoder_activation {
    ENCODER_GELU,
    ENCODER_GELU_TANH,
    ENCODER_GELU_QUICK,
    ENCODER_RELU
} encoder_activation;

typedef struct encoder {
    const char *family; /* "bert" */
    size_t layers, width, heads, feed_forward, vocabulary, max_tokens, types;
    double epsilon;
    encoder_activation activation;
    const tensor_view *words, *positions, *type_table;
    affine embedding_norm;
    encoder_layer *layer; /* [layers] */
} encoder;                /* zero-initialise; encoder_free */

/* From config.json: model_type has been found to be ours. */
TRIAD_NODISCARD triad_status encoder_from_config(encoder *m, json_object *config, checkpoint *file, triad_error *err);
void encoder_free(encoder *m);

#endif
