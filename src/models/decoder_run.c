/* A decoder, all rows through one block before the next is touched. */
#include "models/model_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "nn/forward.h"
#include "nn/products.h"

/* Floats of the feed-forward layer's intermediate at once. */
enum { INTERMEDIATE = 1 << 23 };

typedef struct pass {
    const engine *e;
    const decoder *m;
    const plan *p;
    size_t rows, q, kv, joint; /* widths of q, of k or v, of all three side by side */
    float *x, *a, *qkv, *attended, *middle, *weights, *bias;
    float *attention_norm, *ffn_norm, *q_norm, *k_norm;
    float *cosine, *sine;
    uint32_t **ancestor; /* [threads] scratch of one tile: lists of ancestors, and where each begins */
    float **scratch;     /* [threads] */
    size_t chunk, first; /* feed-forward: rows at once, and the first of this chunk */
    size_t chunk_rows;
    const float *norm; /* of the running tile loop */
    bool biased;
} pass;

static void norm_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const pass *s = context;
    const size_t first = tile * ENGINE_TILE, d = s->m->width;
    nn_rmsnorm_forward(s->a + first * d, s->x + first * d, s->norm, s->m->epsilon, engine_tile_rows(s->rows, tile), d);
}

/* A product's start: the bias in each row, onto which it adds. */
static void fill_rows(float *y, size_t ld, const float *bias, size_t rows, size_t width)
{
    for (size_t r = 0; r < rows; r++) memcpy(y + r * ld, bias, width * sizeof *y);
}

static void turn_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const pass *s = context;
    const decoder *m = s->m;
    const size_t first = tile * ENGINE_TILE, rows = engine_tile_rows(s->rows, tile);
    float *qkv = s->qkv + first * s->joint;
    for (size_t r = 0; r < rows && m->head_norm; r++) {
        float *q = qkv + r * s->joint, *k = q + s->q;
        nn_rmsnorm_forward(q, q, s->q_norm, m->epsilon, m->heads, m->head_dim);
        nn_rmsnorm_forward(k, k, s->k_norm, m->epsilon, m->kv_heads, m->head_dim);
    }
    /* q and k lie side by side: their heads turn in one go. */
    nn_rope_forward(qkv, s->joint, s->p->position + first, s->cosine, s->sine, rows, m->heads + m->kv_heads,
                    m->head_dim, m->head_dim, m->adjacent_pairs ? NN_ROPE_ADJACENT : NN_ROPE_HALVES);
}

static void attend_tile(void *context, size_t tile, int worker)
{
    const pass *s = context;
    const decoder *m = s->m;
    const size_t first = tile * ENGINE_TILE, rows = engine_tile_rows(s->rows, tile);
    uint32_t *offset = s->ancestor[worker], *list = offset + ENGINE_TILE + 1;
    offset[0] = 0;
    for (size_t r = 0; r < rows; r++) {
        /* From the row itself up to the root, written from the root down: the order of summation is the sentence's. */
        const uint32_t count = s->p->position[first + r] + 1;
        uint32_t at = (uint32_t)(first + r);
        for (uint32_t i = count; i-- > 0; at = s->p->parent[at]) list[offset[r] + i] = at;
        offset[r + 1] = offset[r] + count;
    }
    nn_attention_tree_forward(s->attended + first * s->q, s->q, s->qkv + first * s->joint, s->joint, s->qkv + s->q,
                              s->joint, s->qkv + s->q + s->kv, s->joint, list, offset, 0, rows, m->heads, m->kv_heads,
                              m->head_dim, 1.0F / sqrtf((float)m->head_dim), s->scratch[worker]);
}

static void gate_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const pass *s = context;
    const size_t f = s->m->feed_forward;
    float *gate = s->middle + tile * ENGINE_TILE * 2 * f;
    nn_silu_mul(gate, 2 * f, gate, 2 * f, gate + f, 2 * f, engine_tile_rows(s->chunk_rows, tile), f);
}

static triad_status widen_bias(float *out, const tensor_view *bias, size_t width, bool *any, triad_pool *pool,
                               triad_error *err)
{
    if (bias == NULL) {
        memset(out, 0, width * sizeof *out);
        return TRIAD_OK;
    }
    *any = true;
    return checkpoint_widen(out, bias, pool, err);
}

static triad_status attention(pass *s, const decoder_layer *l, triad_error *err)
{
    const decoder *m = s->m;
    const size_t d = m->width;
    triad_pool *pool = s->e->pool;
    bool biased = false, o_biased = false;
    float *w = s->weights, *wo = w + s->joint * d, *bo = s->bias + s->joint;
    triad_status status = checkpoint_widen(s->attention_norm, l->attention_norm, pool, err);
    if (status == TRIAD_OK) status = checkpoint_widen(w, l->q, pool, err);
    if (status == TRIAD_OK) status = checkpoint_widen(w + s->q * d, l->k, pool, err);
    if (status == TRIAD_OK) status = checkpoint_widen(w + (s->q + s->kv) * d, l->v, pool, err);
    if (status == TRIAD_OK) status = checkpoint_widen(wo, l->o, pool, err);
    if (status == TRIAD_OK) status = widen_bias(s->bias, l->q_bias, s->q, &biased, pool, err);
    if (status == TRIAD_OK) status = widen_bias(s->bias + s->q, l->k_bias, s->kv, &biased, pool, err);
    if (status == TRIAD_OK) status = widen_bias(s->bias + s->q + s->kv, l->v_bias, s->kv, &biased, pool, err);
    if (status == TRIAD_OK) status = widen_bias(bo, l->o_bias, d, &o_biased, pool, err);
    if (status == TRIAD_OK && m->head_norm) status = checkpoint_widen(s->q_norm, l->q_norm, pool, err);
    if (status == TRIAD_OK && m->head_norm) status = checkpoint_widen(s->k_norm, l->k_norm, pool, err);
    if (status != TRIAD_OK) return status;

    s->norm = s->attention_norm;
    triad_parallel(pool, engine_tiles(s->rows), norm_tile, s);
    if (biased) fill_rows(s->qkv, s->joint, s->bias, s->rows, s->joint);
    nn_gemm_pool(pool, false, true, s->rows, s->joint, d, 1, s->a, d, w, d, biased ? 1 : 0, s->qkv, s->joint);
    triad_parallel(pool, engine_tiles(s->rows), turn_tile, s);
    triad_parallel(pool, engine_tiles(s->rows), attend_tile, s);
    if (o_biased)
        for (size_t r = 0; r < s->rows; r++)
            for (size_t j = 0; j < d; j++) s->x[r * d + j] += bo[j];
    nn_gemm_pool(pool, false, true, s->rows, d, s->q, 1, s->attended, s->q, wo, s->q, 1, s->x, d);
    return TRIAD_OK;
}

static triad_status feed_forward(pass *s, const decoder_layer *l, triad_error *err)
{
    const decoder *m = s->m;
    const size_t d = m->width, f = m->feed_forward;
    triad_pool *pool = s->e->pool;
    bool biased = false, down_biased = false;
    float *w = s->weights, *down = w + 2 * f * d, *down_bias = s->bias + 2 * f;
    triad_status status = checkpoint_widen(s->ffn_norm, l->ffn_norm, pool, err);
    if (status == TRIAD_OK) status = checkpoint_widen(w, l->gate, pool, err);
    if (status == TRIAD_OK) status = checkpoint_widen(w + f * d, l->up, pool, err);
    if (status == TRIAD_OK) status = checkpoint_widen(down, l->down, pool, err);
    if (status == TRIAD_OK) status = widen_bias(s->bias, l->gate_bias, f, &biased, pool, err);
    if (status == TRIAD_OK) status = widen_bias(s->bias + f, l->up_bias, f, &biased, pool, err);
    if (status == TRIAD_OK) status = widen_bias(down_bias, l->down_bias, d, &down_biased, pool, err);
    if (status != TRIAD_OK) return status;

    s->norm = s->ffn_norm;
    triad_parallel(pool, engine_tiles(s->rows), norm_tile, s);
    if (down_biased)
        for (size_t r = 0; r < s->rows; r++)
            for (size_t j = 0; j < d; j++) s->x[r * d + j] += down_bias[j];
    for (size_t first = 0; first < s->rows; first += s->chunk) {
        s->chunk_rows = s->rows - first < s->chunk ? s->rows - first : s->chunk;
        if (biased) fill_rows(s->middle, 2 * f, s->bias, s->chunk_rows, 2 * f);
        nn_gemm_pool(pool, false, true, s->chunk_rows, 2 * f, d, 1, s->a + first * d, d, w, d, biased ? 1 : 0,
                     s->middle, 2 * f);
        triad_parallel(pool, engine_tiles(s->chunk_rows), gate_tile, s);
        nn_gemm_pool(pool, false, true, s->chunk_rows, d, f, 1, s->middle, 2 * f, down, f, 1, s->x + first * d, d);
    }
    return TRIAD_OK;
}

static void prefetch(const decoder_layer *l)
{
    const tensor_view *const next[] = {l->q, l->k, l->v, l->o, l->gate, l->up, l->down};
    for (size_t i = 0; i < sizeof next / sizeof *next; i++) checkpoint_prefetch(next[i]);
}

static triad_status blocks(pass *s, triad_error *err)
{
    const decoder *m = s->m;
    triad_status status = engine_look_up(s->e, s->x, m->embedding, err);
    if (status == TRIAD_OK) status = engine_emit_number(s->e, 0, s->x, err);
    for (size_t i = 0; i < m->layers && status == TRIAD_OK; i++) {
        if (i + 1 < m->layers) prefetch(&m->layer[i + 1]);
        status = attention(s, &m->layer[i], err);
        if (status == TRIAD_OK) status = feed_forward(s, &m->layer[i], err);
        triad_progress_update(s->e->progress, (double)(i + 1), NULL);
        if (status == TRIAD_OK && i + 1 < m->layers) status = engine_emit_number(s->e, i + 1, s->x, err);
    }
    if (status == TRIAD_OK) status = engine_emit(s->e, "raw", s->x, err);
    if (status == TRIAD_OK) status = checkpoint_widen(s->attention_norm, m->final_norm, s->e->pool, err);
    if (status != TRIAD_OK) return status;
    s->norm = s->attention_norm;
    triad_parallel(s->e->pool, engine_tiles(s->rows), norm_tile, s);
    return engine_emit_number(s->e, m->layers, s->a, err);
}

static triad_status tables(pass *s, triad_error *err)
{
    const size_t half = s->m->head_dim / 2;
    float *frequency = engine_floats(2, half, err);
    if (frequency == NULL) return TRIAD_ERR_MEMORY;
    triad_status status = TRIAD_OK;
    rope_frequencies(&s->m->turn, frequency);
    if (s->m->rope_divisors != NULL) {
        status = checkpoint_widen(frequency + half, s->m->rope_divisors, s->e->pool, err);
        for (size_t j = 0; j < half && status == TRIAD_OK; j++) frequency[j] /= frequency[half + j];
    }
    if (status == TRIAD_OK) rope_tables(&s->m->turn, frequency, s->p->longest, s->cosine, s->sine);
    free(frequency);
    return status;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static triad_status make_scratch(pass *s, int threads, triad_error *err)
{
    s->ancestor = calloc((size_t)threads, sizeof *s->ancestor);
    s->scratch = calloc((size_t)threads, sizeof *s->scratch);
    if (s->ancestor == NULL || s->scratch == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    for (int i = 0; i < threads; i++) {
        s->ancestor[i] = malloc((ENGINE_TILE + 1 + (size_t)ENGINE_TILE * s->p->longest) * sizeof **s->ancestor);
        s->scratch[i] = engine_floats(1, nn_attention_tree_scratch(s->p->longest, s->m->heads) + 1, err);
        if (s->ancestor[i] == NULL || s->scratch[i] == NULL)
            return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    }
    return TRIAD_OK;
}

static void free_scratch(pass *s, int threads)
{
    for (int i = 0; i < threads; i++) {
        if (s->ancestor != NULL) free(s->ancestor[i]);
        if (s->scratch != NULL) free(s->scratch[i]);
    }
    free(s->ancestor);
    free(s->scratch);
}

triad_status decoder_run(const engine *e, float **last, triad_error *err)
{
    const decoder *m = &e->model->decode;
    const size_t rows = e->rows->rows, d = m->width, f = m->feed_forward;
    const int threads = triad_pool_threads(e->pool);
    pass s = {.e = e, .m = m, .p = e->rows, .rows = rows, .q = m->heads * m->head_dim, .kv = m->kv_heads * m->head_dim};
    s.joint = s.q + 2 * s.kv;
    s.chunk = larger(INTERMEDIATE / (2 * f), ENGINE_TILE);
    *last = NULL;
    s.x = engine_floats(rows, d, err);
    s.a = engine_floats(rows, d, err);
    s.qkv = engine_floats(rows, s.joint, err);
    s.attended = engine_floats(rows, s.q, err);
    s.middle = engine_floats(rows < s.chunk ? rows : s.chunk, 2 * f, err);
    s.weights = engine_floats(larger(s.joint + s.q, 3 * f), d, err);
    s.bias = engine_floats(1, larger(s.joint, 2 * f) + d, err);
    s.attention_norm = engine_floats(1, d, err);
    s.ffn_norm = engine_floats(1, d, err);
    s.q_norm = engine_floats(1, m->head_dim, err);
    s.k_norm = engine_floats(1, m->head_dim, err);
    s.cosine = engine_floats(s.p->longest, m->head_dim / 2, err);
    s.sine = engine_floats(s.p->longest, m->head_dim / 2, err);
    triad_status status = TRIAD_ERR_MEMORY;
    if (s.x != NULL && s.a != NULL && s.qkv != NULL && s.attended != NULL && s.middle != NULL && s.weights != NULL &&
        s.bias != NULL && s.attention_norm != NULL && s.ffn_norm != NULL && s.q_norm != NULL && s.k_norm != NULL &&
        s.cosine != NULL && s.sine != NULL)
        status = make_scratch(&s, threads, err);
    if (status == TRIAD_OK) status = tables(&s, err);
    if (status == TRIAD_OK) status = blocks(&s, err);
    free_scratch(&s, threads);
    if (status == TRIAD_OK)
        *last = s.a;
    else
        free(s.a);
    float *const buffers[] = {s.x,        s.qkv,    s.attended, s.middle, s.weights, s.bias, s.attention_norm,
                              s.ffn_norm, s.q_norm, s.k_norm,   s.cosine, s.sine};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) free(buffers[i]);
    return status;
}
