/* An encoder, all rows through one block before the next is touched. */
#include "models/model_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/attention.h"
#include "nn/forward.h"
#include "nn/layers.h"

enum { SENTENCES = 8 }; /* of a tile of attention */

typedef struct encoder_pass {
    engine *e;
    const encoder *m;
    const plan *p;
    size_t most;                      /* rows of a chunk, unless one sentence has more */
    size_t first, count;              /* the running chunk of rows, */
    size_t first_sentence, sentences; /* which are whole sentences */
    float *x;                         /* the chunk's rows of the residual stream */
    float *room;                      /* [most, 4 width] q, k, v and what is attended, then [most, feed_forward] */
    float *gain, *shift;              /* [width] of the norm that comes next */
    float **scratch;                  /* [threads] of attention */
    uint32_t *place;                  /* [longest] 0, 1, … */
    float *bias;                      /* relative: [heads, 2 longest - 1]; NULL: none */
    bool by_lists;                    /* attention over lists of rows: with a bias, or for long sentences */
} encoder_pass;

/* ---- tiles */
static void norm_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const encoder_pass *s = context;
    const size_t d = s->m->width;
    float *x = s->x + tile * ENGINE_TILE * d;
    nn_norm_forward(x, x, s->gain, s->shift, s->m->epsilon, engine_tile_rows(s->count, tile), d);
}

static void attend_by_list(const encoder_pass *s, size_t first, size_t count, int worker)
{
    const size_t d = s->m->width, dim = d / s->m->heads;
    const float *qkv = s->room + first * 3 * d;
    float *attended = s->room + s->count * 3 * d + first * d;
    const uint32_t offset[2] = {0, (uint32_t)count};
    nn_list_attention a = {.heads = s->m->heads,
                           .kv_heads = s->m->heads,
                           .key_dim = dim,
                           .value_dim = dim,
                           .key_step = dim,
                           .value_step = dim,
                           .scale = 1.0F / sqrtf((float)dim),
                           .bias = s->bias,
                           .bias_step = 2 * (size_t)s->p->longest - 1,
                           .bias_zero = (size_t)s->p->longest - 1};
    for (size_t r = 0; r < count; r++) {
        a.place = s->place + r;
        nn_attention_list_forward(&a, attended + r * d, d, qkv + r * 3 * d, 3 * d, qkv + d, 3 * d, qkv + 2 * d, 3 * d,
                                  s->place, offset, 0, 1, s->scratch[worker]);
    }
}

static void attend_tile(void *context, size_t tile, int worker)
{
    const encoder_pass *s = context;
    const size_t d = s->m->width, dim = d / s->m->heads;
    for (size_t i = tile * SENTENCES; i < (tile + 1) * SENTENCES && i < s->sentences; i++) {
        const uint32_t *at = s->p->first + s->first_sentence + i;
        const size_t first = at[0] - s->first, count = at[1] - at[0];
        if (count == 0) continue;
        if (s->by_lists) {
            attend_by_list(s, first, count, worker);
            continue;
        }
        nn_segment segment = {.q_first = first, .q_count = count, .k_first = first, .k_count = count};
        nn_attention_probs(&segment, 1, s->m->heads);
        nn_attention_forward(s->room + s->count * 3 * d, d, s->scratch[worker], s->room, 3 * d, s->room + d, 3 * d,
                             s->room + 2 * d, 3 * d, &segment, 1, s->m->heads, dim, NN_FULL, 0, NULL);
    }
}

static void activation_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const encoder_pass *s = context;
    const size_t f = s->m->feed_forward, n = engine_tile_rows(s->count, tile) * f;
    float *y = s->room + tile * ENGINE_TILE * f;
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

/* ---- a chunk */
static triad_status normalise(encoder_pass *s, const affine *norm, triad_error *err)
{
    triad_status status = engine_vector(s->gain, norm->weight, s->m->width, err);
    if (status == TRIAD_OK) status = engine_vector(s->shift, norm->bias, s->m->width, err);
    if (status == TRIAD_OK) triad_parallel(s->e->pool, engine_tiles(s->count), norm_tile, s);
    return status;
}

static triad_status attention(encoder_pass *s, const encoder_layer *l, triad_error *err)
{
    const size_t d = s->m->width;
    const linear *const joint[] = {&l->q, &l->k, &l->v}, *const o[] = {&l->o};
    triad_status status = engine_linear(s->e, s->room, 3 * d, s->x, d, s->count, joint, 3, false, err);
    if (status != TRIAD_OK) return status;
    triad_parallel(s->e->pool, (s->sentences + SENTENCES - 1) / SENTENCES, attend_tile, s);
    status = engine_linear(s->e, s->x, d, s->room + s->count * 3 * d, d, s->count, o, 1, true, err);
    return status == TRIAD_OK ? normalise(s, &l->attention_norm, err) : status;
}

static triad_status feed_forward(encoder_pass *s, const encoder_layer *l, triad_error *err)
{
    const size_t d = s->m->width, f = s->m->feed_forward;
    const linear *const up[] = {&l->up}, *const down[] = {&l->down};
    triad_status status = engine_linear(s->e, s->room, f, s->x, d, s->count, up, 1, false, err);
    if (status != TRIAD_OK) return status;
    triad_parallel(s->e->pool, engine_tiles(s->count), activation_tile, s);
    status = engine_linear(s->e, s->x, d, s->room, f, s->count, down, 1, true, err);
    return status == TRIAD_OK ? normalise(s, &l->output_norm, err) : status;
}

/* Whole sentences from first_sentence on; false: there are no more. */
static bool next_chunk(encoder_pass *s)
{
    const uint32_t *at = s->p->first;
    s->first_sentence += s->sentences;
    s->first = at[s->first_sentence];
    s->sentences = 0;
    while (s->first_sentence + s->sentences < s->p->distinct &&
           (s->sentences == 0 || at[s->first_sentence + s->sentences + 1] - s->first <= s->most))
        s->sentences++;
    s->count = at[s->first_sentence + s->sentences] - s->first;
    s->x = s->e->x.data + s->first * s->m->width;
    return s->sentences > 0;
}

static void for_weights(const encoder_layer *l, void (*what)(const weight_matrix *))
{
    const linear *const all[] = {&l->q, &l->k, &l->v, &l->o, &l->up, &l->down};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) what(&all[i]->w);
}

static triad_status block(void *pass, size_t i, triad_error *err)
{
    encoder_pass *s = pass;
    const encoder_layer *l = &s->m->layer[i];
    if (i + 1 < s->m->layers) for_weights(l + 1, weight_prefetch);
    triad_status status = TRIAD_OK;
    s->first_sentence = s->sentences = 0;
    while (status == TRIAD_OK && next_chunk(s)) {
        status = attention(s, l, err);
        if (status == TRIAD_OK) status = feed_forward(s, l, err);
        stream_rest(&s->e->x, s->first, s->count);
    }
    for_weights(l, weight_rest);
    return status;
}

/* ---- embedding: norm(word + position + type 0) */
/* The table's row for each token of a sentence. */
static size_t position_of(const encoder_pass *s, size_t row, size_t *others)
{
    if (!s->m->counts_from_pad) return s->p->position[row];
    if (s->p->token[row] == s->m->pad) return (size_t)s->m->pad;
    return (size_t)s->m->pad + ++*others;
}

static triad_status embed(void *pass, triad_error *err)
{
    encoder_pass *s = pass;
    const encoder *m = s->m;
    const size_t d = m->width;
    float *type = s->shift, *position = s->gain;
    triad_status status = engine_look_up(s->e, m->words, err);
    if (status == TRIAD_OK && m->type_table != NULL) status = tensor_widen_rows(type, m->type_table, 0, 1, err);
    if (m->type_table == NULL) memset(type, 0, d * sizeof *type);
    size_t others = 0;
    for (size_t r = 0; r < s->p->rows && status == TRIAD_OK; r++) {
        if (s->p->position[r] == 0) others = 0;
        float *x = s->e->x.data + r * d;
        status = tensor_widen_rows(position, m->position_table, position_of(s, r, &others), 1, err);
        for (size_t j = 0; j < d; j++) x[j] = x[j] + type[j] + position[j];
    }
    s->x = s->e->x.data;
    s->count = s->p->rows;
    return status == TRIAD_OK ? normalise(s, &m->embedding_norm, err) : status;
}

/* ---- relative positions */
size_t encoder_bucket(ptrdiff_t distance, size_t buckets)
{
    const size_t half = buckets / 2, exact = half / 2, n = (size_t)(distance < 0 ? -distance : distance);
    const size_t side = distance > 0 ? half : 0;
    if (n < exact) return side + n;
    /* In float, as torch computes it. */
    const float place = logf((float)n / (float)exact) / (float)log(128.0 / (double)exact) * (float)(half - exact);
    const size_t far = exact + (size_t)place;
    return side + (far < half - 1 ? far : half - 1);
}

static triad_status spread_bias(encoder_pass *s, triad_error *err)
{
    const encoder *m = s->m;
    const size_t span = 2 * (size_t)s->p->longest - 1;
    float *table = engine_floats(m->buckets, m->heads, err);
    s->bias = engine_floats(m->heads, span, err);
    triad_status status = table == NULL || s->bias == NULL ? TRIAD_ERR_MEMORY : TRIAD_OK;
    if (status == TRIAD_OK) status = tensor_widen_rows(table, m->relative, 0, m->buckets, err);
    for (size_t i = 0; i < span && status == TRIAD_OK; i++) {
        const size_t bucket = encoder_bucket((ptrdiff_t)i - (ptrdiff_t)(s->p->longest - 1), m->buckets);
        for (size_t h = 0; h < m->heads; h++) s->bias[h * span + i] = table[bucket * m->heads + h];
    }
    free(table);
    return status;
}

/* ---- the pass */
static void free_pass(void *pass)
{
    encoder_pass *s = pass;
    if (s == NULL) return;
    for (size_t i = 0; i < (size_t)triad_pool_threads(s->e->pool) && s->scratch != NULL; i++) free(s->scratch[i]);
    float *const buffers[] = {s->room, s->gain, s->shift, s->bias};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) free(buffers[i]);
    free(s->scratch);
    free(s->place);
    free(s);
}

triad_status encoder_blocks(blocks *made, engine *e, triad_error *err)
{
    const encoder *m = &e->model->encode;
    const size_t d = m->width, f = m->feed_forward, longest = e->rows->longest, dim = d / m->heads;
    const size_t threads = (size_t)triad_pool_threads(e->pool);
    encoder_pass *s = calloc(1, sizeof *s);
    *made = (blocks){.pass = s, .embed = embed, .block = block, .free = free_pass};
    if (s == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    s->e = e;
    s->m = m;
    s->p = e->rows;
    const size_t room = 4 * d > f ? 4 * d : f;
    s->most = engine_chunk(e, room, (4 * d + 2 * f) * d);
    if (s->most < longest) s->most = longest;
    s->by_lists = m->relative != NULL || longest > NN_HEAD_KEYS || dim > NN_HEAD_WIDTH;
    s->room = engine_floats(s->most, room, err);
    s->gain = engine_floats(1, d, err);
    s->shift = engine_floats(1, d, err);
    s->place = malloc(longest * sizeof *s->place);
    s->scratch = calloc(threads, sizeof *s->scratch);
    if (s->room == NULL || s->gain == NULL || s->shift == NULL || s->place == NULL || s->scratch == NULL)
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    for (uint32_t i = 0; i < longest; i++) s->place[i] = i;
    for (size_t i = 0; i < threads; i++) {
        s->scratch[i] = s->by_lists ? engine_floats(1, nn_attention_list_scratch(longest) + 1, err)
                                    : engine_floats(longest * longest, m->heads, err);
        if (s->scratch[i] == NULL) return TRIAD_ERR_MEMORY;
    }
    return m->relative != NULL ? spread_bias(s, err) : TRIAD_OK;
}
