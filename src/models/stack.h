/* A stack of transformer blocks with LayerNorm and biases, run a layer at a time: the text and image towers of CLIP and
 * BLIP. All rows go through one block before the next is touched, in chunks of whole sentences, so that nothing but the
 * residual stream is as long as the corpus. */
#ifndef TRIAD_MODELS_STACK_H
#define TRIAD_MODELS_STACK_H

#include "formats/json.h"
#include "models/checkpoint.h"
#include "models/plan.h"
#include "models/stream.h"

/* y = x W^T + b; a norm's gain and shift. */
typedef struct stack_weights {
    const tensor_view *weight, *bias; /* bias NULL: none */
} stack_weights;

typedef struct stack_layer {
    stack_weights q, k, v; /* k.weight NULL: q holds all three, one below the other */
    stack_weights o, attention_norm;
    stack_weights cross_q, cross_k, cross_v, cross_o, cross_norm; /* weight NULL: the block has no cross-attention */
    stack_weights up, down, ffn_norm;
} stack_layer;

typedef enum stack_activation {
    STACK_GELU,
    STACK_GELU_TANH,
    STACK_GELU_QUICK,
    STACK_RELU,
    STACK_SILU
} stack_activation;

typedef struct stack {
    size_t layers, width, heads, feed_forward;
    size_t context_width; /* of the rows that cross-attention reads; 0: there is none */
    double epsilon;
    stack_activation activation;
    bool pre_norm;      /* x += f(norm(x)); else x = norm(x + f(x)) */
    stack_layer *layer; /* [layers], owned */
} stack;                /* zero-initialise; stack_free */

/* hidden_size, num_hidden_layers, num_attention_heads, intermediate_size, hidden_act and layer_norm_eps where the
 * object has them; what it lacks stays as it is. Makes room for the layers. */
TRIAD_NODISCARD triad_status stack_from_config(stack *m, json_object *config, triad_error *err);
void stack_free(stack *m);

/* Weight [out, in] and bias [out] of "PREFIX" "NAME". */
TRIAD_NODISCARD triad_status stack_take_linear(stack_weights *w, checkpoint *file, const char *prefix, const char *name,
                                               size_t out, size_t in, bool bias, triad_error *err);
TRIAD_NODISCARD triad_status stack_take_norm(stack_weights *w, checkpoint *file, const char *prefix, const char *name,
                                             size_t width, triad_error *err);

/* Which rows see which. Exactly one of tree and first is set. */
typedef struct stack_rows {
    size_t rows;
    const plan *tree;      /* causal: a row sees the rows of its prefix */
    size_t segments;       /* sentences, images */
    const uint32_t *first; /* [segments + 1] rows first[s] … first[s + 1] - 1 see each other */
    bool causal;           /* with first: row i of a segment sees its rows up to i */
    uint32_t longest;      /* rows of the longest sentence */
    /* Cross-attention (with first only): segment s reads context rows of_segment[s] * context_rows and so on. Costs
     * least where equal numbers stand together. NULL: blocks leave their cross-attention out. */
    const float *context; /* [any * context_rows, context_width] */
    size_t context_rows;
    const uint32_t *of_segment; /* [segments] */
} stack_rows;

/* A run through the blocks, one after the other. */
typedef struct stack_pass stack_pass;

/* x [rows, width] is changed in place by stack_pass_layer. All of it is borrowed and must outlive the pass. */
TRIAD_NODISCARD triad_status stack_pass_create(stack_pass **pass, const stack *m, const stream *x,
                                               const stack_rows *rows, triad_pool *pool, triad_error *err);
/* Block i over all rows. The same bytes for any pool; a sentence's rows do not depend on what other sentences there
 * are. */
TRIAD_NODISCARD triad_status stack_pass_layer(stack_pass *pass, size_t i, triad_error *err);
void stack_pass_free(stack_pass *pass);

/* x [rows, width] = norm(x), over a pool. */
TRIAD_NODISCARD triad_status stack_norm(float *x, size_t rows, size_t width, const stack_weights *norm, double epsilon,
                                        triad_pool *pool, triad_error *err);

#endif
