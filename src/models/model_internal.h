/* What a model is made of; opened by open.c, run by engine.c and the families' own files. */
#ifndef TRIAD_MODELS_INTERNAL_H
#define TRIAD_MODELS_INTERNAL_H

#include "models/checkpoint.h"
#include "models/decoder.h"
#include "models/dual.h"
#include "models/encoder.h"
#include "models/keep.h"
#include "models/modules.h"
#include "models/plan.h"
#include "models/stream.h"
#include "tokenizers/tokenizer.h"
#include "triad/model.h"

struct triad_model {
    triad_model_info info;
    char *name;
    checkpoint file;
    tokenizer *tokens;
    decoder decode; /* kind TRIAD_DECODER */
    encoder encode; /* kind TRIAD_ENCODER */
    dual pair;      /* kind TRIAD_DUAL */
    modules after;  /* sentence-transformers; none: count 0 */
    size_t cut;     /* encoders: ids of a sentence at most */
    keep_key files; /* which files these are: names, sizes, times of their last change */
};

/* One run: what the families' files share. */
typedef struct engine {
    const triad_model *model;
    const plan *rows;
    triad_pool *pool;
    triad_progress *progress;
    triad_states_fn each;
    void *context;
    triad_run_options options;
    stream x; /* [plan rows, width]: the residual stream, which a block changes in place */
    float *work, *bias;
    size_t work_size, bias_size; /* floats of engine_linear's scratch */
} engine;

/* A family's blocks, driven by the engine, which hands layers out between them. */
typedef struct blocks {
    void *pass;                                                    /* whatever they need, made before */
    triad_status (*embed)(void *pass, triad_error *err);           /* layer 0 into engine.x */
    triad_status (*block)(void *pass, size_t i, triad_error *err); /* engine.x through block i */
    triad_status (*finish)(void *pass, triad_error *err);          /* a final norm, in place; NULL: there is none */
    void (*free)(void *pass);                                      /* pass may be NULL */
} blocks;
TRIAD_NODISCARD triad_status decoder_blocks(blocks *made, engine *e, triad_error *err);
TRIAD_NODISCARD triad_status encoder_blocks(blocks *made, engine *e, triad_error *err);
TRIAD_NODISCARD triad_status dual_blocks(blocks *made, engine *e, triad_error *err); /* the text tower */

bool engine_all_finite(const float *x, size_t count);
/* rows * columns floats, 64-byte aligned; NULL and an error where the product overflows or memory is out. free() */
float *engine_floats(size_t rows, size_t columns, triad_error *err);
/* Rows that go through a block at once, so that what they need in between stays in bounds: at most a quarter of the
 * layer as floats and 64 MiB. A multiple of ENGINE_TILE; rows of equal chunks. */
size_t engine_chunk(const engine *e, size_t floats_of_row, size_t floats_of_layer);
/* engine.x = the rows' token embeddings. */
TRIAD_NODISCARD triad_status engine_look_up(engine *e, const tensor_view *table, triad_error *err);
/* y [rows, sum of the parts' rows] = x w^T + b, or with onto y += x w^T + b: parts lie side by side in y. */
TRIAD_NODISCARD triad_status engine_linear(engine *e, float *y, size_t ld_y, const float *x, size_t ld_x, size_t rows,
                                           const linear *const *part, size_t parts, bool onto, triad_error *err);
/* A vector of this width to out; zeros where tensor is NULL. */
TRIAD_NODISCARD triad_status engine_vector(float *out, const tensor_view *tensor, size_t width, triad_error *err);

/* Bytes of hidden states that stay in memory unless the options say otherwise. */
enum { ENGINE_MEMORY = 1 << 30 };

/* Rows of a tile of work that goes row by row. */
enum { ENGINE_TILE = 32 };
static inline size_t engine_tiles(size_t rows)
{
    return (rows + ENGINE_TILE - 1) / ENGINE_TILE;
}
static inline size_t engine_tile_rows(size_t rows, size_t tile)
{
    const size_t first = tile * ENGINE_TILE;
    return rows - first < ENGINE_TILE ? rows - first : ENGINE_TILE;
}

#endif
