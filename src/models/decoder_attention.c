/* Attention of a decoder over a chunk of rows and their ancestors: with grouped keys and values, or latent. */
#include "models/decoder_pass.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t decoder_attention_room(const decoder *m)
{
    const latent *a = &m->mla;
    const size_t q = m->heads * m->head_dim, kv = m->kv_heads * m->head_dim;
    if (a->kv_rank == 0) return 2 * q + 2 * kv;
    return 2 * q + m->heads * (a->nope + 2 * a->value) + a->q_rank + 2 * a->kv_rank + a->rope;
}

/* ---- rows and their ancestors */
/* Where row `at`, the chunk's or an ancestor of its first, stands among the carried rows and the chunk's. */
static size_t place_of(const decoder_pass *s, size_t at)
{
    return at >= s->first ? s->carried + (at - s->first) : s->p->position[at];
}

static void attend_tile(void *context, size_t tile, int worker)
{
    const decoder_pass *s = context;
    const size_t first = tile * ENGINE_TILE, rows = engine_tile_rows(s->count, tile);
    uint32_t *offset = s->list[worker], *list = offset + ENGINE_TILE + 1;
    offset[0] = 0;
    for (size_t r = 0; r < rows; r++) {
        /* From the row itself up to the root, written from the root down: the order of summation is the sentence's. */
        uint32_t at = (uint32_t)(s->first + first + r);
        const uint32_t count = s->p->position[at] + 1;
        for (uint32_t i = count; i-- > 0; at = s->p->parent[at]) list[offset[r] + i] = (uint32_t)place_of(s, at);
        offset[r + 1] = offset[r] + count;
    }
    nn_attention_list_forward(&s->shape, s->attended + first * s->wide, s->wide, s->q + first * s->ld_q, s->ld_q, s->k,
                              s->ld_k, s->v, s->ld_v, list, offset, 0, rows, s->scratch[worker]);
}

/* Rows of width floats, ld apart, that stand before the chunk: copied from where the last one left them. */
static void take_up(const decoder_pass *s, float *rows, size_t ld, size_t width, size_t *at)
{
    for (size_t i = 0; i < s->carried; i++, *at += width) memcpy(rows + i * ld, s->held + *at, width * sizeof *rows);
}

/* The same rows of the next chunk's ancestors, out of the carried and the chunk's own. */
static void put_down(const decoder_pass *s, const float *rows, size_t ld, size_t width, size_t count, size_t *at)
{
    for (size_t i = 0; i < count; i++, *at += width)
        memcpy(s->held + *at, rows + s->path[i] * ld, width * sizeof *rows);
}

/* Ancestors of the row after the chunk: path[depth] is where each stands now. Returns how many there are. */
static size_t next_ancestors(const decoder_pass *s)
{
    const size_t next = s->first + s->count;
    if (next >= s->p->rows) return 0;
    const size_t count = s->p->position[next];
    uint32_t at = s->p->parent[next];
    for (size_t i = count; i-- > 0; at = s->p->parent[at]) s->path[i] = place_of(s, at);
    return count;
}

/* ---- grouped keys and values */
static void turn_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const decoder_pass *s = context;
    const decoder *m = s->m;
    const size_t first = tile * ENGINE_TILE, rows = engine_tile_rows(s->count, tile);
    float *qkv = s->q + first * s->ld_q;
    for (size_t r = 0; r < rows && m->head_norm; r++) {
        float *q = qkv + r * s->ld_q, *k = q + m->heads * m->head_dim;
        nn_rmsnorm_forward(q, q, s->q_norm, m->epsilon, m->heads, m->head_dim);
        nn_rmsnorm_forward(k, k, s->k_norm, m->epsilon, m->kv_heads, m->head_dim);
    }
    /* q and k lie side by side: their heads turn in one go. */
    nn_rope_forward(qkv, s->ld_q, s->p->position + s->first + first, s->cosine, s->sine, rows, m->heads + m->kv_heads,
                    m->head_dim, m->head_dim, m->adjacent_pairs ? NN_ROPE_ADJACENT : NN_ROPE_HALVES);
}

static triad_status project_grouped(decoder_pass *s, const decoder_layer *l, triad_error *err)
{
    const decoder *m = s->m;
    const size_t q = m->heads * m->head_dim, kv = m->kv_heads * m->head_dim, joint = q + 2 * kv;
    const linear *const parts[] = {&l->q, &l->k, &l->v};
    s->attended = s->room;
    s->wide = q;
    s->ld_q = s->ld_k = s->ld_v = joint;
    float *rows = s->attended + s->count * q; /* the carried ones first */
    s->k = rows + q;
    s->v = rows + q + kv;
    s->q = rows + s->carried * joint;
    size_t at = 0;
    take_up(s, s->k, joint, 2 * kv, &at);
    const triad_status status = engine_linear(s->e, s->q, joint, s->a, m->width, s->count, parts, 3, false, err);
    if (status == TRIAD_OK) triad_parallel(s->e->pool, engine_tiles(s->count), turn_tile, s);
    return status;
}

/* ---- latent attention */
/* The latent's norm, and the part of the key that turns and that all heads share. */
static void compress_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const decoder_pass *s = context;
    const latent *a = &s->m->mla;
    const nn_rope_pairs pairs = s->m->adjacent_pairs ? NN_ROPE_ADJACENT : NN_ROPE_HALVES;
    const size_t first = tile * ENGINE_TILE, rows = engine_tile_rows(s->count, tile), ld = a->kv_rank + a->rope;
    const uint32_t *position = s->p->position + s->first + first;
    for (size_t r = first; r < first + rows; r++)
        nn_rmsnorm_forward(s->compressed + r * a->kv_rank, s->turned + r * ld, s->k_norm, DECODER_LATENT_EPSILON, 1,
                           a->kv_rank);
    nn_rope_forward(s->turned + first * ld + a->kv_rank, ld, position, s->cosine, s->sine, rows, 1, a->rope, a->rope,
                    pairs);
    /* the turning part of each query head lies behind the other */
    nn_rope_forward(s->q + first * s->ld_q + a->nope, s->ld_q, position, s->cosine, s->sine, rows, s->m->heads,
                    a->nope + a->rope, a->rope, pairs);
}

static void norm_query_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const decoder_pass *s = context;
    const size_t first = tile * ENGINE_TILE, rank = s->m->mla.q_rank;
    float *x = s->turned + first * rank;
    nn_rmsnorm_forward(x, x, s->q_norm, DECODER_LATENT_EPSILON, engine_tile_rows(s->count, tile), rank);
}

/* A key is what kv_b gives for its head, and the turned part. */
static void assemble_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const decoder_pass *s = context;
    const latent *a = &s->m->mla;
    const size_t first = tile * ENGINE_TILE, rows = engine_tile_rows(s->count, tile);
    for (size_t r = first; r < first + rows; r++) {
        float *key = s->k + (s->carried + r) * s->ld_k;
        const float *given = s->v - a->nope + (s->carried + r) * s->ld_v;
        const float *turned = s->turned + r * (a->kv_rank + a->rope) + a->kv_rank;
        for (size_t h = 0; h < s->m->heads; h++, key += a->nope + a->rope, given += a->nope + a->value) {
            memcpy(key, given, a->nope * sizeof *key);
            memcpy(key + a->nope, turned, a->rope * sizeof *key);
        }
    }
}

static triad_status project_latent(decoder_pass *s, const decoder_layer *l, triad_error *err)
{
    const decoder *m = s->m;
    const latent *a = &m->mla;
    const size_t d = m->width, key = m->heads * (a->nope + a->rope), both = m->heads * (a->nope + a->value);
    const size_t rows = s->carried + s->count;
    const linear whole = {.w = {.own = s->latent_own, .rows = both, .columns = a->kv_rank}};
    const linear *const q[] = {&l->q}, *const q_a[] = {&l->q_a}, *const q_b[] = {&l->q_b}, *const kv_a[] = {&l->kv_a},
                        *const kv_b[] = {l->k_b.tensor != NULL ? &whole : &l->kv_b};
    s->wide = m->heads * a->value;
    s->ld_q = s->ld_k = key;
    s->ld_v = both;
    s->attended = s->room;
    s->q = s->attended + s->count * s->wide;
    s->k = s->q + s->count * key;
    float *given = s->k + rows * key;
    s->v = given + a->nope;
    s->turned = given + rows * both; /* q_a x first, then kv_a x */
    triad_status status;
    if (a->q_rank == 0) {
        status = engine_linear(s->e, s->q, key, s->a, d, s->count, q, 1, false, err);
    } else {
        status = engine_linear(s->e, s->turned, a->q_rank, s->a, d, s->count, q_a, 1, false, err);
        if (status == TRIAD_OK) triad_parallel(s->e->pool, engine_tiles(s->count), norm_query_tile, s);
        if (status == TRIAD_OK)
            status = engine_linear(s->e, s->q, key, s->turned, a->q_rank, s->count, q_b, 1, false, err);
    }
    if (status != TRIAD_OK) return status;
    s->compressed = s->turned + s->count * (a->kv_rank + a->rope);
    size_t at = 0;
    take_up(s, s->k, key, key, &at);
    take_up(s, given, both, both, &at);
    status = engine_linear(s->e, s->turned, a->kv_rank + a->rope, s->a, d, s->count, kv_a, 1, false, err);
    if (status != TRIAD_OK) return status;
    triad_parallel(s->e->pool, engine_tiles(s->count), compress_tile, s);
    status =
        engine_linear(s->e, given + s->carried * both, both, s->compressed, a->kv_rank, s->count, kv_b, 1, false, err);
    if (status == TRIAD_OK) triad_parallel(s->e->pool, engine_tiles(s->count), assemble_tile, s);
    return status;
}

/* kv_b from its halves: rows of a head are [k_nope; v], and k_b is stored turned over. */
static triad_status join_halves(decoder_pass *s, const decoder_layer *l, triad_error *err)
{
    const latent *a = &s->m->mla;
    float *turned = engine_floats(a->kv_rank, a->nope, err);
    triad_status status = turned == NULL ? TRIAD_ERR_MEMORY : TRIAD_OK;
    for (size_t h = 0; h < s->m->heads && status == TRIAD_OK; h++) {
        float *out = s->latent_own + h * (a->nope + a->value) * a->kv_rank;
        const weight_matrix k = weight_of_stack(&l->k_b, h), v = weight_of_stack(&l->v_b, h);
        status = weight_widen(turned, &k, 0, a->kv_rank, err);
        if (status == TRIAD_OK) status = weight_widen(out + a->nope * a->kv_rank, &v, 0, a->value, err);
        for (size_t i = 0; i < a->nope && status == TRIAD_OK; i++)
            for (size_t j = 0; j < a->kv_rank; j++) out[i * a->kv_rank + j] = turned[j * a->nope + i];
    }
    free(turned);
    return status;
}

/* ---- both */
triad_status decoder_attention_begin(decoder_pass *s, const decoder_layer *l, triad_error *err)
{
    const decoder *m = s->m;
    s->carried = 0;
    if (m->mla.kv_rank == 0) {
        if (!m->head_norm) return TRIAD_OK;
        const triad_status status = engine_vector(s->q_norm, l->q_norm, m->head_dim, err);
        return status == TRIAD_OK ? engine_vector(s->k_norm, l->k_norm, m->head_dim, err) : status;
    }
    triad_status status = engine_vector(s->k_norm, l->kv_a_norm, m->mla.kv_rank, err);
    if (status == TRIAD_OK && m->mla.q_rank > 0) status = engine_vector(s->q_norm, l->q_a_norm, m->mla.q_rank, err);
    if (status == TRIAD_OK && l->k_b.tensor != NULL) status = join_halves(s, l, err);
    return status;
}

triad_status decoder_attention(decoder_pass *s, const decoder_layer *l, triad_error *err)
{
    const decoder *m = s->m;
    const bool grouped = m->mla.kv_rank == 0;
    triad_status status = grouped ? project_grouped(s, l, err) : project_latent(s, l, err);
    if (status != TRIAD_OK) return status;
    triad_parallel(s->e->pool, engine_tiles(s->count), attend_tile, s);
    const size_t next = next_ancestors(s);
    size_t at = 0;
    if (grouped) {
        put_down(s, s->k, s->ld_k, 2 * m->kv_heads * m->head_dim, next, &at);
    } else {
        put_down(s, s->k, s->ld_k, s->ld_k, next, &at);
        put_down(s, s->v - m->mla.nope, s->ld_v, s->ld_v, next, &at);
    }
    s->carried = next;
    const linear *const o[] = {&l->o};
    return engine_linear(s->e, s->e->x.data + s->first * m->width, m->width, s->attended, s->wide, s->count, o, 1, true,
                         err);
}

static triad_status tables(decoder_pass *s, triad_error *err)
{
    const rope *turn = &s->m->turn;
    const size_t half = turn->dim / 2;
    float *frequency = engine_floats(2, half, err), *divisor = frequency + half;
    if (frequency == NULL) return TRIAD_ERR_MEMORY;
    triad_status status = TRIAD_OK;
    rope_frequencies(turn, frequency);
    if (s->m->rope_divisors != NULL) status = engine_vector(divisor, s->m->rope_divisors, half, err);
    for (size_t j = 0; j < half && s->m->rope_divisors != NULL && status == TRIAD_OK; j++) frequency[j] /= divisor[j];
    if (status == TRIAD_OK) rope_tables(turn, frequency, s->p->longest, s->cosine, s->sine);
    free(frequency);
    return status;
}

triad_status decoder_attention_create(decoder_pass *s, triad_error *err)
{
    const decoder *m = s->m;
    const latent *a = &m->mla;
    const bool grouped = a->kv_rank == 0;
    const size_t longest = s->p->longest, half = m->turn.dim / 2, threads = (size_t)triad_pool_threads(s->e->pool);
    const size_t value = grouped ? m->head_dim : a->value, step = grouped ? m->head_dim : a->nope + a->value;
    s->shape = (nn_list_attention){.heads = m->heads,
                                   .kv_heads = m->kv_heads,
                                   .key_dim = m->head_dim,
                                   .value_dim = value,
                                   .key_step = m->head_dim,
                                   .value_step = step,
                                   .scale = (float)m->attention_scale};
    const size_t held = grouped ? 2 * m->kv_heads * m->head_dim : m->heads * (m->head_dim + step);
    s->held = engine_floats(longest, held, err);
    s->cosine = engine_floats(longest, half, err);
    s->sine = engine_floats(longest, half, err);
    s->q_norm = engine_floats(1, grouped ? m->head_dim : a->q_rank + 1, err);
    s->k_norm = engine_floats(1, grouped ? m->head_dim : a->kv_rank, err);
    s->path = malloc((longest + 1) * sizeof *s->path);
    s->list = calloc(threads, sizeof *s->list);
    s->scratch = calloc(threads, sizeof *s->scratch);
    if (s->held == NULL || s->cosine == NULL || s->sine == NULL || s->q_norm == NULL || s->k_norm == NULL ||
        s->path == NULL || s->list == NULL || s->scratch == NULL)
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    for (size_t i = 0; i < threads; i++) {
        s->list[i] = malloc((ENGINE_TILE + 1 + ENGINE_TILE * longest) * sizeof **s->list);
        s->scratch[i] = engine_floats(1, nn_attention_list_scratch(longest) + 1, err);
        if (s->list[i] == NULL || s->scratch[i] == NULL)
            return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    }
    bool halves = false;
    for (size_t i = 0; i < m->layers; i++) halves = halves || m->layer[i].k_b.tensor != NULL;
    if (halves) {
        s->latent_own = engine_floats(m->heads * (a->nope + a->value), a->kv_rank, err);
        if (s->latent_own == NULL) return TRIAD_ERR_MEMORY;
    }
    return tables(s, err);
}

void decoder_attention_free(decoder_pass *s)
{
    const size_t threads = (size_t)triad_pool_threads(s->e->pool);
    for (size_t i = 0; i < threads; i++) {
        if (s->list != NULL) free(s->list[i]);
        if (s->scratch != NULL) free(s->scratch[i]);
    }
    free(s->list);
    free(s->scratch);
    free(s->path);
    float *const buffers[] = {s->held, s->cosine, s->sine, s->q_norm, s->k_norm, s->latent_own};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) free(buffers[i]);
}
