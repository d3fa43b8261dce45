/* A decoder's run: what its files share. Rows go through a block in chunks; a chunk's tokens may have ancestors in
 * earlier ones. Rows stand in the order of a walk through the tree, so those are the ancestors of the chunk's first row
 * and no others: their keys and values are carried along. */
#ifndef TRIAD_MODELS_DECODER_PASS_H
#define TRIAD_MODELS_DECODER_PASS_H

#include "models/model_internal.h"
#include "nn/forward.h"

typedef struct decoder_pass {
    engine *e;
    const decoder *m;
    const plan *p;
    size_t most;         /* rows of a chunk at most */
    size_t first, count; /* the running chunk */
    size_t carried;      /* ancestors of its first row */
    float *a;            /* [most, width] normalised rows */
    float *room;         /* scratch of attention, then of the feed-forward network */
    size_t room_size;    /* floats of it */
    float *norm;         /* [width] gain of the norm that comes next */
    float *cosine, *sine;

    /* attention: queries [count, ld_q]; keys and values of the carried rows, then of the chunk's */
    float *q, *k, *v;
    size_t ld_q, ld_k, ld_v;
    nn_list_attention shape;
    float *attended;            /* [count, heads * value] */
    size_t wide;                /* heads * value */
    float *held;                /* [longest, held_width]: what the next chunk needs of earlier ones */
    size_t *path;               /* [longest] scratch of it */
    uint32_t **list;            /* [threads] offsets of a tile's lists, then the lists */
    float **scratch;            /* [threads] */
    float *q_norm, *k_norm;     /* [head_dim]; latent: [q_rank], [kv_rank] */
    float *latent_own;          /* kv_b from its halves; NULL: the file has it whole */
    float *turned, *compressed; /* latent attention: kv_a x, and its norm */

    /* experts */
    stream sum;          /* [rows, width] what they give, shared ones included */
    float *router_bias;  /* [experts] */
    uint16_t *choice;    /* [rows, used] */
    float *gate;         /* [rows, used] */
    size_t *of_expert;   /* [experts + 2] where each one's places begin */
    size_t *chosen;      /* [rows, used] places row * used + k, by expert and then by row */
    const size_t *these; /* the running expert's, of the running chunk */

    size_t tile_rows, hidden; /* of the running loop over tiles */
} decoder_pass;

/* Floats of room that a row needs. */
size_t decoder_attention_room(const decoder *m);
TRIAD_NODISCARD triad_status decoder_attention_create(decoder_pass *s, triad_error *err);
void decoder_attention_free(decoder_pass *s);
/* Before a layer's first chunk; then for each: a [count, width] in, x of the chunk changed in place. */
TRIAD_NODISCARD triad_status decoder_attention_begin(decoder_pass *s, const decoder_layer *l, triad_error *err);
TRIAD_NODISCARD triad_status decoder_attention(decoder_pass *s, const decoder_layer *l, triad_error *err);

TRIAD_NODISCARD triad_status decoder_experts_create(decoder_pass *s, triad_error *err);
void decoder_experts_free(decoder_pass *s);
/* Chooses experts for a chunk, a [count, width], and starts sum with what the shared ones give. */
TRIAD_NODISCARD triad_status decoder_route(decoder_pass *s, const decoder_layer *l, triad_error *err);
/* After the last chunk: each expert that was chosen runs once, over all its rows; x += sum. */
TRIAD_NODISCARD triad_status decoder_experts(decoder_pass *s, const decoder_layer *l, triad_error *err);

/* y [rows, width] (+)= down(silu(gate a) * up a). */
TRIAD_NODISCARD triad_status decoder_swiglu(decoder_pass *s, const swiglu *w, float *y, const float *a, size_t rows,
                                            bool onto, triad_error *err);

#endif
