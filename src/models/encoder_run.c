/* An encoder, all rows through one block before the next is touched. */
#include "models/model_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "nn/forward.h"
#include "nn/products.h"

/* Floats of the feed-forward layer's intermediate at once; sentences of a tile of attention. */
enum { INTERMEDIATE = 1 << 23, SENTENCES = 8 };

typedef struct pass {
    const engine *e;
    const encoder *m;
    const plan *p;
    size_t rows;
    float *x, *qkv, *attended, *middle, *weights;
    float *bias;         /* [max(3 d, f)] of the product that runs */
    float *gain, *shift; /* [d] of the norm that comes next */
    float *after;        /* [d] the bias that goes before that norm, or NULL */
    float **probs;       /* [threads] */
    size_t chunk, chunk_rows;
} pass;

static void norm_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const pass *s = context;
    const size_t d = s->m->width, rows = engine_tile_rows(s->rows, tile);
    float *x = s->x + tile * ENGINE_TILE * d;
    for (size_t r = 0; r < rows && s->after != NULL; r++)
        for (size_t j = 0; j < d; j++) x[r * d + j] += s->after[j];
    nn_norm_forward(x, x, s->gain, s->shift, s->m->epsilon, rows, d);
}

static void attend_tile(void *context, size_t tile, int worker)
{
    const pass *s = context;
    const size_t d = s->m->width, head_dim = d / s->m->heads;
    for (size_t i = tile * SENTENCES; i < (tile + 1) * SENTENCES && i < s->p->distinct; i++) {
        const size_t first = s->p->first[i], count = s->p->first[i + 1] - first;
        if (count == 0) continue;
        nn_segment segment = {.q_first = first, .q_count = count, .k_first = first, .k_count = count};
        nn_attention_probs(&segment, 1, s->m->heads);
        nn_attention_forward(s->attended, d, s->probs[worker], s->qkv, 3 * d, s->qkv + d, 3 * d, s->qkv + 2 * d, 3 * d,
                             &segment, 1, s->m->heads, head_dim, NN_FULL, 0, NULL);
    }
}

/* The bias of a product in each of its rows, onto which the product adds. */
static void fill_rows(float *y, const float *bias, size_t rows, size_t width)
{
    for (size_t r = 0; r < rows; r++) memcpy(y + r * width, bias, width * sizeof *y);
}

static void activation_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const pass *s = context;
    const size_t f = s->m->feed_forward, n = engine_tile_rows(s->chunk_rows, tile) * f;
    float *y = s->middle + tile * ENGINE_TILE * f;
    switch (s->m->activation) {
    case ENCODER_GELU:
        nn_gelu_erf_forward(y, y, n);
        break;
    case ENCODER_GELU_TANH:
        nn_gelu_tanh_forward(y, y, n);
        break;
    case ENCODER_GELU_QUICK:
        nn_gelu_quick_forward(y, y, n);
        break;
    case ENCODER_RELU:
        nn_relu_forward(y, y, n);
        break;
    }
}

static triad_status widen_norm(pass *s, const affine *norm, const tensor_view *after, triad_error *err)
{
    triad_status status = checkpoint_widen(s->gain, norm->weight, s->e->pool, err);
    if (status == TRIAD_OK) status = checkpoint_widen(s->shift, norm->bias, s->e->pool, err);
    if (status == TRIAD_OK && after != NULL) status = checkpoint_widen(s->after, after, s->e->pool, err);
    return status;
}

static triad_status attention(pass *s, const encoder_layer *l, triad_error *err)
{
    const size_t d = s->m->width;
    triad_pool *pool = s->e->pool;
    const affine *const joint[] = {&l->q, &l->k, &l->v};
    float *wo = s->weights + 3 * d * d;
    triad_status status = checkpoint_widen(wo, l->o.weight, pool, err);
    for (size_t i = 0; i < 3 && status == TRIAD_OK; i++) {
        status = checkpoint_widen(s->weights + i * d * d, joint[i]->weight, pool, err);
        if (status == TRIAD_OK) status = checkpoint_widen(s->bias + i * d, joint[i]->bias, pool, err);
    }
    if (status == TRIAD_OK) status = widen_norm(s, &l->attention_norm, l->o.bias, err);
    if (status != TRIAD_OK) return status;
    fill_rows(s->qkv, s->bias, s->rows, 3 * d);
    nn_gemm_pool(pool, false, true, s->rows, 3 * d, d, 1, s->x, d, s->weights, d, 1, s->qkv, 3 * d);
    triad_parallel(pool, (s->p->distinct + SENTENCES - 1) / SENTENCES, attend_tile, s);
    nn_gemm_pool(pool, false, true, s->rows, d, d, 1, s->attended, d, wo, d, 1, s->x, d);
    triad_parallel(pool, engine_tiles(s->rows), norm_tile, s);
    return TRIAD_OK;
}

static triad_status feed_forward(pass *s, const encoder_layer *l, triad_error *err)
{
    const size_t d = s->m->width, f = s->m->feed_forward;
    triad_pool *pool = s->e->pool;
    float *down = s->weights + f * d;
    triad_status status = checkpoint_widen(s->weights, l->up.weight, pool, err);
    if (status == TRIAD_OK) status = checkpoint_widen(s->bias, l->up.bias, pool, err);
    if (status == TRIAD_OK) status = checkpoint_widen(down, l->down.weight, pool, err);
    if (status == TRIAD_OK) status = widen_norm(s, &l->output_norm, l->down.bias, err);
    if (status != TRIAD_OK) return status;
    for (size_t first = 0; first < s->rows; first += s->chunk) {
        s->chunk_rows = s->rows - first < s->chunk ? s->rows - first : s->chunk;
        fill_rows(s->middle, s->bias, s->chunk_rows, f);
        nn_gemm_pool(pool, false, true, s->chunk_rows, f, d, 1, s->x + first * d, d, s->weights, d, 1, s->middle, f);
        triad_parallel(pool, engine_tiles(s->chunk_rows), activation_tile, s);
        nn_gemm_pool(pool, false, true, s->chunk_rows, d, f, 1, s->middle, f, down, f, 1, s->x + first * d, d);
    }
    triad_parallel(pool, engine_tiles(s->rows), norm_tile, s);
    return TRIAD_OK;
}

/* x = norm(word + position + type 0) */
static triad_status embed(pass *s, triad_error *err)
{
    const encoder *m = s->m;
    const size_t d = m->width;
    float *type = s->bias, *position = s->middle;
    triad_status status = engine_look_up(s->e, s->x, m->words, err);
    if (status == TRIAD_OK) status = tensor_widen_rows(type, m->type_table, 0, 1, err);
    for (size_t r = 0; r < s->rows && status == TRIAD_OK; r++) {
        float *x = s->x + r * d;
        status = tensor_widen_rows(position, m->positions, s->p->position[r], 1, err);
        for (size_t j = 0; j < d; j++) x[j] = x[j] + type[j] + position[j];
    }
    if (status == TRIAD_OK) status = widen_norm(s, &m->embedding_norm, NULL, err);
    if (status != TRIAD_OK) return status;
    memset(s->after, 0, d * sizeof *s->after);
    triad_parallel(s->e->pool, engine_tiles(s->rows), norm_tile, s);
    return TRIAD_OK;
}

static void prefetch(const encoder_layer *l)
{
    const tensor_view *const next[] = {l->q.weight, l->k.weight,  l->v.weight,
                                       l->o.weight, l->up.weight, l->down.weight};
    for (size_t i = 0; i < sizeof next / sizeof *next; i++) checkpoint_prefetch(next[i]);
}

static triad_status blocks(pass *s, triad_error *err)
{
    const encoder *m = s->m;
    triad_status status = embed(s, err);
    if (status == TRIAD_OK) status = engine_emit_number(s->e, 0, s->x, err);
    for (size_t i = 0; i < m->layers && status == TRIAD_OK; i++) {
        if (i + 1 < m->layers) prefetch(&m->layer[i + 1]);
        status = attention(s, &m->layer[i], err);
        if (status == TRIAD_OK) status = feed_forward(s, &m->layer[i], err);
        triad_progress_update(s->e->progress, (double)(i + 1), NULL);
        if (status == TRIAD_OK) status = engine_emit_number(s->e, i + 1, s->x, err);
    }
    return status;
}

triad_status encoder_run(const engine *e, float **last, triad_error *err)
{
    const encoder *m = &e->model->encode;
    const size_t rows = e->rows->rows, d = m->width, f = m->feed_forward, longest = e->rows->longest;
    const size_t threads = (size_t)triad_pool_threads(e->pool);
    pass s = {.e = e, .m = m, .p = e->rows, .rows = rows};
    s.chunk = INTERMEDIATE / f > ENGINE_TILE ? INTERMEDIATE / f : ENGINE_TILE;
    const size_t chunk = rows < s.chunk ? rows : s.chunk;
    *last = NULL;
    s.x = engine_floats(rows, d, err);
    s.qkv = engine_floats(rows, 3 * d, err);
    s.attended = engine_floats(rows, d, err);
    s.middle = engine_floats(1, chunk * f + d, err);
    s.weights = engine_floats(2 * d > f ? 4 * d : 2 * f, d, err);
    s.bias = engine_floats(1, 3 * d > f ? 3 * d : f, err);
    s.gain = engine_floats(1, d, err);
    s.shift = engine_floats(1, d, err);
    s.after = engine_floats(1, d, err);
    s.probs = calloc(threads, sizeof *s.probs);
    bool whole = s.x != NULL && s.qkv != NULL && s.attended != NULL && s.middle != NULL && s.weights != NULL &&
                 s.bias != NULL && s.gain != NULL && s.shift != NULL && s.after != NULL && s.probs != NULL;
    for (size_t i = 0; i < threads && whole; i++)
        whole = (s.probs[i] = engine_floats(longest * longest, m->heads, err)) != NULL;
    triad_status status =
        whole ? blocks(&s, err) : triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory for %zu tokens", rows);
    for (size_t i = 0; i < threads && s.probs != NULL; i++) free(s.probs[i]);
    free(s.probs);
    if (status == TRIAD_OK)
        *last = s.x;
    else
        free(s.x);
    float *const buffers[] = {s.qkv, s.attended, s.middle, s.weights, s.bias, s.gain, s.shift, s.after};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) free(buffers[i]);
    return status;
}
