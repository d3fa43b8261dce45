/* Models with a text tower and an image tower: CLIP (Radford et al. 2021) and BLIP (Li et al. 2022). */
#ifndef TRIAD_MODELS_DUAL_H
#define TRIAD_MODELS_DUAL_H

#include "models/preprocess.h"
#include "models/stack.h"
#include "triad/model.h"

typedef struct text_tower {
    stack body;
    size_t vocabulary, max_tokens;
    bool causal;
    const tensor_view *words, *positions;
    stack_weights embedding_norm; /* BLIP: of what goes in; weight NULL: none */
    stack_weights final_norm;     /* CLIP: before the projection only; weight NULL: none */
    stack_weights projection;     /* [projected, width]; weight NULL: none */
    size_t projected;
    int32_t end;   /* CLIP: id of the token that stands for the sentence, the first of its kind; END_LARGEST: the
                      largest id; END_NONE: the first token does */
    int32_t begin; /* BLIP captioning: id that the decoder wants in the place of the first; -1: none */
} text_tower;

enum { END_LARGEST = -1, END_NONE = -2 };

typedef struct image_tower {
    stack body;
    size_t side, patch, grid, tokens;   /* pixels of an image and of a patch, patches in a row, grid * grid + 1 */
    tensor_view class_token, positions; /* [1, width], [tokens, width] */
    tensor_view patches;                /* [width, 3 * patch * patch] */
    const tensor_view *patch_bias;      /* [width]; NULL: none */
    stack_weights pre_norm;             /* CLIP: of what goes in; weight NULL: none */
    stack_weights post_norm;
    bool post_norm_all;       /* BLIP: of all tokens; CLIP: of the class token */
    stack_weights projection; /* weight NULL: none */
    size_t projected;
} image_tower;

typedef struct dual {
    const char *family; /* "clip", "blip" */
    text_tower text;
    image_tower image;
    stack_weights match; /* BLIP: [2, text width], the last row says that image and text belong together; NULL: none */
    const char *pooling; /* the convention for hidden states */
    preprocess how;
} dual; /* zero-initialise; dual_free */

/* From config.json: model_type has been found to be ours. */
TRIAD_NODISCARD triad_status clip_open(dual *m, json_object *config, checkpoint *file, triad_error *err);
TRIAD_NODISCARD triad_status blip_open(dual *m, json_object *config, checkpoint *file, triad_error *err);
void dual_free(dual *m);

/* An object among the members of config, or an empty one that the caller puts: NULL means that memory is out. */
json_object *dual_section(json_object *config, const char *key);
TRIAD_NODISCARD triad_status dual_get_size(json_object *config, const char *key, int64_t most, size_t *value,
                                           triad_error *err);
/* image_size, patch_size and what follows from them. */
TRIAD_NODISCARD triad_status dual_image_size(image_tower *t, json_object *config, triad_error *err);
/* The blocks TOWER.encoder.layers.I. of CLIP's towers and BLIP's image tower. attention: what q, k, v and o are called
 * below self_attn; k and v NULL: q holds all three. */
TRIAD_NODISCARD triad_status dual_take_layers(stack *m, checkpoint *file, const char *tower,
                                              const char *const attention[4], triad_error *err);
/* A tensor of any shape as a matrix of so many rows. */
TRIAD_NODISCARD triad_status dual_take_matrix(tensor_view *tensor, checkpoint *file, size_t rows, size_t columns,
                                              triad_error *err, const char *name);

/* A run's outputs, as triad_model_run's. */
typedef struct dual_sink {
    triad_pool *pool;
    triad_progress *progress;
    triad_states_fn each;
    void *context;
} dual_sink;

/* Hands a finished layer out; refuses one that holds NaN or infinity. */
TRIAD_NODISCARD triad_status dual_emit(const dual_sink *sink, const char *layer, bool of_sentences, const float *x,
                                       size_t rows, size_t width, const size_t *row, triad_error *err);
/* A layer of tokens, where there is anybody to take it. */
TRIAD_NODISCARD triad_status dual_emit_number(const dual_sink *sink, size_t layer, const stream *x, const size_t *row,
                                              triad_error *err);
/* out [rows, projected] = x W^T + b, each row divided by its length. */
TRIAD_NODISCARD triad_status dual_project(float *out, const float *x, size_t rows, size_t width,
                                          const stack_weights *projection, size_t projected, triad_pool *pool,
                                          triad_error *err);

/* `projected`: the states that stand for the distinct sentences of p, from x [plan rows, width] of the last layer. */
TRIAD_NODISCARD triad_status dual_project_text(const triad_model *model, const triad_tokens *tokens, const plan *p,
                                               const float *x, const dual_sink *sink, triad_error *err);
/* x [images * tokens, width] after all blocks, BLIP's after its last norm too; stream_free also after a failure.
 * sink->each may be NULL. */
TRIAD_NODISCARD triad_status dual_run_images(stream *x, const triad_model *model, const triad_images *images,
                                             const dual_sink *sink, triad_error *err);

#endif
