/* What a model is made of; opened by open.c, run by engine.c and the families' own files. */
#ifndef TRIAD_MODELS_INTERNAL_H
#define TRIAD_MODELS_INTERNAL_H

#include "models/checkpoint.h"
#include "models/decoder.h"
#include "models/dual.h"
#include "models/encoder.h"
#include "models/modules.h"
#include "models/plan.h"
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
};

/* One run: what the families' files share. */
typedef struct engine {
    const triad_model *model;
    const plan *rows;
    triad_pool *pool;
    triad_progress *progress;
    triad_states_fn each;
    void *context;
} engine;

/* Hands a finished layer out; refuses one that holds NaN or infinity. rows [plan rows, width]. */
TRIAD_NODISCARD triad_status engine_emit(const engine *e, const char *layer, const float *rows, triad_error *err);
TRIAD_NODISCARD triad_status engine_emit_number(const engine *e, size_t layer, const float *rows, triad_error *err);
bool engine_all_finite(const float *x, size_t count);
/* rows * columns floats, 64-byte aligned; NULL and an error where the product overflows or memory is out. free() */
float *engine_floats(size_t rows, size_t columns, triad_error *err);
/* y [rows of plan, width] = the rows' token embeddings. */
TRIAD_NODISCARD triad_status engine_look_up(const engine *e, float *y, const tensor_view *table, triad_error *err);

/* Runs the whole stack; *last [plan rows, width] is the last layer's output, the caller's to free. */
TRIAD_NODISCARD triad_status decoder_run(const engine *e, float **last, triad_error *err);
TRIAD_NODISCARD triad_status encoder_run(const engine *e, float **last, triad_error *err);

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
