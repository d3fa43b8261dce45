/* A decoder, all rows through one block before the next is touched. */
#include "models/decoder_pass.h"

#include <stdlib.h>
#include <string.h>

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static float *row_of(const decoder_pass *s, size_t row)
{
    return s->e->x.data + row * s->m->width;
}

static void norm_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const decoder_pass *s = context;
    const size_t first = tile * ENGINE_TILE, d = s->m->width;
    nn_rmsnorm_forward(s->a + first * d, row_of(s, s->first + first), s->norm, s->m->epsilon,
                       engine_tile_rows(s->count, tile), d);
}

static void gate_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const decoder_pass *s = context;
    const size_t f = s->hidden;
    float *gate = s->room + tile * ENGINE_TILE * 2 * f;
    nn_silu_mul(gate, 2 * f, gate, 2 * f, gate + f, 2 * f, engine_tile_rows(s->tile_rows, tile), f);
}

triad_status decoder_swiglu(decoder_pass *s, const swiglu *w, float *y, const float *a, size_t rows, bool onto,
                            triad_error *err)
{
    const size_t d = s->m->width, f = w->hidden;
    const linear *const in[] = {&w->gate, &w->up}, *const out[] = {&w->down};
    triad_status status = engine_linear(s->e, s->room, 2 * f, a, d, rows, in, 2, false, err);
    if (status != TRIAD_OK) return status;
    s->hidden = f;
    s->tile_rows = rows;
    triad_parallel(s->e->pool, engine_tiles(rows), gate_tile, s);
    return engine_linear(s->e, y, d, s->room, 2 * f, rows, out, 1, onto, err);
}

static triad_status normalise(decoder_pass *s, const tensor_view *gain, triad_error *err)
{
    const triad_status status = engine_vector(s->norm, gain, s->m->width, err);
    if (status == TRIAD_OK) triad_parallel(s->e->pool, engine_tiles(s->count), norm_tile, s);
    return status;
}

/* All weights of a layer but its experts'. */
static void for_weights(const decoder_layer *l, void (*what)(const weight_matrix *))
{
    const linear *const all[] = {&l->q,          &l->k,           &l->v,         &l->o,          &l->q_a,
                                 &l->q_b,        &l->kv_a,        &l->kv_b,      &l->dense.gate, &l->dense.up,
                                 &l->dense.down, &l->shared.gate, &l->shared.up, &l->shared.down};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) what(&all[i]->w);
}

/* ---- what the engine calls */
static triad_status embed(void *pass, triad_error *err)
{
    decoder_pass *s = pass;
    return engine_look_up(s->e, s->m->embedding, err);
}

static triad_status block(void *pass, size_t i, triad_error *err)
{
    decoder_pass *s = pass;
    const decoder_layer *l = &s->m->layer[i];
    const size_t rows = s->p->rows;
    if (i + 1 < s->m->layers) for_weights(l + 1, weight_prefetch);
    triad_status status = decoder_attention_begin(s, l, err);
    for (s->first = 0; s->first < rows && status == TRIAD_OK; s->first += s->most) {
        s->count = rows - s->first < s->most ? rows - s->first : s->most;
        status = normalise(s, l->attention_norm, err);
        if (status == TRIAD_OK) status = decoder_attention(s, l, err);
        if (status == TRIAD_OK) status = normalise(s, l->ffn_norm, err);
        if (status == TRIAD_OK)
            status = l->expert != NULL ? decoder_route(s, l, err)
                                       : decoder_swiglu(s, &l->dense, row_of(s, s->first), s->a, s->count, true, err);
        stream_rest(&s->e->x, s->first, s->count);
    }
    for_weights(l, weight_rest);
    return status == TRIAD_OK && l->expert != NULL ? decoder_experts(s, l, err) : status;
}

static void final_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const decoder_pass *s = context;
    float *x = row_of(s, tile * ENGINE_TILE);
    nn_rmsnorm_forward(x, x, s->norm, s->m->epsilon, engine_tile_rows(s->p->rows, tile), s->m->width);
}

static triad_status finish(void *pass, triad_error *err)
{
    decoder_pass *s = pass;
    const triad_status status = engine_vector(s->norm, s->m->final_norm, s->m->width, err);
    if (status == TRIAD_OK) triad_parallel(s->e->pool, engine_tiles(s->p->rows), final_tile, s);
    return status;
}

static void free_pass(void *pass)
{
    decoder_pass *s = pass;
    if (s == NULL) return;
    decoder_attention_free(s);
    decoder_experts_free(s);
    float *const buffers[] = {s->a, s->room, s->norm};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) free(buffers[i]);
    free(s);
}

triad_status decoder_blocks(blocks *made, engine *e, triad_error *err)
{
    const decoder *m = &e->model->decode;
    const size_t d = m->width, f = m->feed_forward, q = m->heads * m->head_dim, kv = m->kv_heads * m->head_dim;
    decoder_pass *s = calloc(1, sizeof *s);
    *made = (blocks){.pass = s, .embed = embed, .block = block, .finish = finish, .free = free_pass};
    if (s == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    s->e = e;
    s->m = m;
    s->p = e->rows;
    const routing *r = &m->route;
    size_t hidden = r->experts == 0 || r->first > 0 ? 2 * f : 0;
    if (r->experts > 0)
        hidden = larger(hidden, larger(2 * r->shared * r->hidden, larger(2 * r->hidden + d, r->experts)));
    const size_t room = larger(decoder_attention_room(m), hidden);
    s->most = engine_chunk(e, room + d, (2 * q + 2 * kv + 3 * f) * d);
    s->room_size = s->most * room + e->rows->longest * decoder_attention_room(m);
    s->a = engine_floats(s->most, d, err);
    s->room = engine_floats(1, s->room_size, err);
    s->norm = engine_floats(1, d, err);
    if (s->a == NULL || s->room == NULL || s->norm == NULL) return TRIAD_ERR_MEMORY;
    triad_status status = decoder_attention_create(s, err);
    if (status == TRIAD_OK && r->experts > 0) status = decoder_experts_create(s, err);
    return status;
}
