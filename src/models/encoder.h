/* Bidirectional encoders with post-norm blocks and learned positions: BERT (Devlin et al. 2019), DistilBERT (Sanh et
 * al. 2019: no token types), MPNet (Song et al. 2020: positions from 2 on, one relative bias for all layers). */
#ifndef TRIAD_MODELS_ENCODER_H
#define TRIAD_MODELS_ENCODER_H

#include "formats/json.h"
#include "models/weight.h"

typedef struct encoder_layer {
    linear q, k, v, o, up, down;
    affine attention_norm, output_norm;
} encoder_layer;

typedef enum encoder_activation {
    ENCODER_GELU,
    ENCODER_GELU_TANH,
    ENCODER_GELU_QUICK,
    ENCODER_RELU
} encoder_activation;

typedef struct encoder {
    const char *family; /* "bert", "distilbert", "mpnet" */
    size_t layers, width, heads, feed_forward, vocabulary, types;
    size_t positions;     /* rows of the table */
    size_t max_tokens;    /* that it has positions for */
    bool counts_from_pad; /* MPNet: positions count the tokens that are not pad, from pad + 1 on; pad stands at pad */
    int32_t pad;
    double epsilon;
    encoder_activation activation;
    const char *pooling;                                               /* what the file says; NULL: nothing */
    size_t buckets;                                                    /* of the relative bias; 0: none */
    const tensor_view *words, *position_table, *type_table, *relative; /* relative [buckets, heads] */
    affine embedding_norm;
    encoder_layer *layer; /* [layers] */
} encoder;                /* zero-initialise; encoder_free */

/* From config.json: model_type has been found to be ours. */
TRIAD_NODISCARD triad_status encoder_from_config(encoder *m, json_object *config, checkpoint *file, triad_error *err);
/* From the keys of a GGUF whose architecture is bert. */
TRIAD_NODISCARD triad_status encoder_from_gguf(encoder *m, checkpoint *file, triad_error *err);
void encoder_free(encoder *m);

/* Which of the buckets a key at this distance (key - query) falls into (Raffel et al. 2020, T5; MPNet: 32, 128). */
size_t encoder_bucket(ptrdiff_t distance, size_t buckets);

#endif
