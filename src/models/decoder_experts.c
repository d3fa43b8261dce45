/* A mixture of experts: each row goes through a few feed-forward networks that a router chooses for it. An expert's
 * weights are read once for all the rows that chose it. */
#include "models/decoder_pass.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

/* ---- choosing */
/* The index of the greatest, the first of equals; taken ones are -infinity. */
static size_t best_of(const float *score, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (score[i] > score[best]) best = i;
    return best;
}

/* Hides the experts of groups that are not among the best: below any score, or 0 as V2 has it. */
static void limit_groups(float *score, const routing *r, float *of_group)
{
    const size_t size = r->experts / r->groups;
    for (size_t g = 0; g < r->groups; g++) {
        const float *in = score + g * size;
        const size_t best = best_of(in, size);
        of_group[g] = in[best];
        if (!r->sigmoid) continue;
        float second = -INFINITY;
        for (size_t i = 0; i < size; i++)
            if (i != best && in[i] > second) second = in[i];
        of_group[g] += second;
    }
    for (size_t i = 0; i < r->groups_used; i++) of_group[best_of(of_group, r->groups)] = -INFINITY;
    for (size_t g = 0; g < r->groups; g++)
        for (size_t i = 0; i < size && of_group[g] != -INFINITY; i++) score[g * size + i] = r->sigmoid ? -INFINITY : 0;
}

/* value: [experts] in, logits; out, what an expert's output counts. score, of_group: scratch. */
static void choose(uint16_t *choice, float *gate, float *value, float *score, float *of_group, const float *bias,
                   const routing *r)
{
    if (r->sigmoid)
        for (size_t e = 0; e < r->experts; e++) value[e] = 1 / (1 + expf(-value[e]));
    else
        nn_softmax_rows(value, r->experts, 1, r->experts);
    for (size_t e = 0; e < r->experts; e++) score[e] = value[e] + bias[e];
    if (r->groups_used < r->groups) limit_groups(score, r, of_group);
    float sum = 0;
    for (size_t k = 0; k < r->used; k++) {
        const size_t e = best_of(score, r->experts);
        score[e] = -INFINITY;
        choice[k] = (uint16_t)e;
        gate[k] = value[e];
        sum += value[e];
    }
    for (size_t k = 0; k < r->used; k++) {
        if (r->normalise) gate[k] /= sum + 1e-20F;
        gate[k] *= (float)r->scale;
    }
}

static void choose_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const decoder_pass *s = context;
    const routing *r = &s->m->route;
    const size_t first = tile * ENGINE_TILE, rows = engine_tile_rows(s->count, tile);
    float score[DECODER_MAX_EXPERTS], of_group[DECODER_MAX_EXPERTS];
    for (size_t i = first; i < first + rows; i++) {
        const size_t at = (s->first + i) * r->used;
        choose(s->choice + at, s->gate + at, s->room + i * r->experts, score, of_group, s->router_bias, r);
    }
}

triad_status decoder_route(decoder_pass *s, const decoder_layer *l, triad_error *err)
{
    const size_t d = s->m->width, experts = s->m->route.experts;
    const linear *const router[] = {&l->router};
    triad_status status = engine_vector(s->router_bias, l->router_bias, experts, err);
    if (status == TRIAD_OK) status = engine_linear(s->e, s->room, experts, s->a, d, s->count, router, 1, false, err);
    if (status != TRIAD_OK) return status;
    triad_parallel(s->e->pool, engine_tiles(s->count), choose_tile, s);
    float *sum = s->sum.data + s->first * d;
    if (l->shared.hidden > 0)
        status = decoder_swiglu(s, &l->shared, sum, s->a, s->count, false, err);
    else
        memset(sum, 0, s->count * d * sizeof *sum);
    stream_rest(&s->sum, s->first, s->count);
    return status;
}

/* ---- running */
/* A list of places for each expert, rows in order: what a row sums up has one order. */
static void sort_places(decoder_pass *s)
{
    const routing *r = &s->m->route;
    const size_t places = s->p->rows * r->used;
    size_t *begin = s->of_expert + 1;
    memset(s->of_expert, 0, (r->experts + 2) * sizeof *s->of_expert);
    for (size_t i = 0; i < places; i++) begin[s->choice[i] + 1]++;
    for (size_t e = 0; e < r->experts; e++) begin[e + 1] += begin[e];
    /* begin[e] moves on to where e + 1 begins: of_expert[e] .. of_expert[e + 1] is then e's. */
    for (size_t i = 0; i < places; i++) s->chosen[begin[s->choice[i]]++] = i;
}

static void gather_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const decoder_pass *s = context;
    const size_t first = tile * ENGINE_TILE, rows = engine_tile_rows(s->count, tile), d = s->m->width;
    for (size_t i = first; i < first + rows; i++)
        nn_rmsnorm_forward(s->a + i * d, s->e->x.data + s->these[i] / s->m->route.used * d, s->norm, s->m->epsilon, 1,
                           d);
}

/* No row is there twice: an expert is chosen once by each. */
static void scatter_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const decoder_pass *s = context;
    const size_t first = tile * ENGINE_TILE, rows = engine_tile_rows(s->count, tile), d = s->m->width;
    const float *given = s->room + s->count * 2 * s->hidden;
    for (size_t i = first; i < first + rows; i++) {
        const float gate = s->gate[s->these[i]];
        float *sum = s->sum.data + s->these[i] / s->m->route.used * d;
        for (size_t j = 0; j < d; j++) sum[j] += gate * given[i * d + j];
    }
}

static void add_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const decoder_pass *s = context;
    const size_t d = s->m->width, first = tile * ENGINE_TILE * d, count = engine_tile_rows(s->p->rows, tile) * d;
    for (size_t i = first; i < first + count; i++) s->e->x.data[i] += s->sum.data[i];
}

static void for_weights(const swiglu *w, void (*what)(const weight_matrix *))
{
    what(&w->gate.w);
    what(&w->up.w);
    what(&w->down.w);
}

triad_status decoder_experts(decoder_pass *s, const decoder_layer *l, triad_error *err)
{
    const size_t experts = s->m->route.experts, d = s->m->width;
    sort_places(s);
    triad_status status = engine_vector(s->norm, l->ffn_norm, d, err);
    for (size_t e = 0; e < experts && status == TRIAD_OK; e++) {
        size_t next = e + 1;
        while (next < experts && s->of_expert[next] == s->of_expert[next + 1]) next++;
        if (s->of_expert[e] == s->of_expert[e + 1]) continue;
        if (next < experts) for_weights(&l->expert[next], weight_prefetch);
        for (size_t at = s->of_expert[e]; at < s->of_expert[e + 1] && status == TRIAD_OK; at += s->count) {
            s->count = s->of_expert[e + 1] - at < s->most ? s->of_expert[e + 1] - at : s->most;
            s->these = s->chosen + at;
            triad_parallel(s->e->pool, engine_tiles(s->count), gather_tile, s);
            status = decoder_swiglu(s, &l->expert[e], s->room + s->count * 2 * l->expert[e].hidden, s->a, s->count,
                                    false, err);
            if (status == TRIAD_OK) triad_parallel(s->e->pool, engine_tiles(s->count), scatter_tile, s);
        }
        for_weights(&l->expert[e], weight_rest);
    }
    if (status == TRIAD_OK) triad_parallel(s->e->pool, engine_tiles(s->p->rows), add_tile, s);
    return status;
}

triad_status decoder_experts_create(decoder_pass *s, triad_error *err)
{
    const routing *r = &s->m->route;
    size_t places;
    if (!triad_mul_size(&places, s->p->rows, r->used) || places > SIZE_MAX / 64)
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    const size_t memory = s->e->options.memory > 0 ? s->e->options.memory : ENGINE_MEMORY;
    const triad_status status = stream_create(&s->sum, s->p->rows, s->m->width, memory, s->e->options.scratch, err);
    if (status != TRIAD_OK) return status;
    s->router_bias = engine_floats(1, r->experts, err);
    s->choice = malloc(places * sizeof *s->choice);
    s->gate = engine_floats(1, places, err);
    s->of_expert = malloc((r->experts + 2) * sizeof *s->of_expert);
    s->chosen = malloc(places * sizeof *s->chosen);
    if (s->router_bias != NULL && s->choice != NULL && s->gate != NULL && s->of_expert != NULL && s->chosen != NULL)
        return TRIAD_OK;
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
}

void decoder_experts_free(decoder_pass *s)
{
    stream_free(&s->sum);
    free(s->router_bias);
    free(s->choice);
    free(s->gate);
    free(s->of_expert);
    free(s->chosen);
}
