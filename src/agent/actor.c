#include "agent/actor.h"

#include "agent/recall.h"

#include <stdlib.h>
#include <string.h>

void actor_begin(agent_actor *actor, size_t slot, const float *instruction)
{
    const policy_layout *layout = &actor->agent->layout;
    const size_t d = layout->config.width;
    feature_start(&actor->odometer[slot]);
    actor->step[slot] = 0;
    policy_modulate(actor->film + slot * layout->norms * 2 * d, actor->token + slot * d, instruction,
                    actor->agent->params, layout, 1);
}

bool actor_tell(agent_actor *actor, size_t slot, const uint32_t *word, size_t words)
{
    const policy_layout *layout = &actor->agent->layout;
    if (!layout->config.cross_layers) return true;
    const triad_arena_mark mark = triad_arena_save(&actor->arena);
    const uint32_t offset[2] = {0, (uint32_t)words};
    float *state = actor->state + slot * POLICY_MAX_WORDS * layout->config.width;
    const bool ok =
        policy_instruct(NULL, NULL, NULL, state, actor->agent->params, layout, 1, offset, word, &actor->arena);
    actor->words[slot] = (uint32_t)words;
    triad_arena_rewind(&actor->arena, mark);
    return ok;
}

/* x [count, d] through the cross layers, in place. */
static bool ask_words(agent_actor *actor, float *x, const uint32_t *slots, size_t count)
{
    const policy_layout *layout = &actor->agent->layout;
    const size_t d = layout->config.width;
    triad_arena *arena = &actor->arena;
    if (!layout->config.cross_layers) return true;
    uint32_t *offset = TRIAD_NEW(arena, uint32_t, count + 1), *step = TRIAD_NEW(arena, uint32_t, count + 1);
    if (!offset || !step) return false;
    offset[0] = step[0] = 0;
    for (size_t i = 0; i < count; i++) {
        offset[i + 1] = offset[i] + actor->words[slots[i]];
        step[i + 1] = (uint32_t)i + 1;
    }
    float *state = TRIAD_NEW(arena, float, offset[count] * d);
    if (!state) return false;
    for (size_t i = 0; i < count; i++)
        memcpy(state + offset[i] * d, actor->state + slots[i] * POLICY_MAX_WORDS * d,
               actor->words[slots[i]] * d * sizeof *state);
    const policy_words words = {count, offset, state, slots, step};
    return policy_cross(x, actor->agent->params, layout, actor->film, slots, count, &words, arena);
}

typedef struct actor_scratch {
    float *normed, *mean, *rstd, *qkv, *mixed, *hidden, *score; /* [count, …]; score [window] */
} actor_scratch;

/* x [count, d] through the memory layers, in place. */
static void remember(agent_actor *actor, float *x, const uint32_t *slots, size_t count, const actor_scratch *scratch)
{
    const policy_layout *layout = &actor->agent->layout;
    const policy_config *config = &layout->config;
    const size_t d = config->width, f = config->feed_forward, window = config->window, columns = layout->norms * 2 * d;
    const float *p = actor->agent->params;
    for (size_t l = 0; l < config->memory_layers; l++) {
        const policy_block *block = &layout->memory[l];
        const float *film = actor->film + block->film * 2 * d;
        nn_film_norm_forward(scratch->normed, scratch->mean, scratch->rstd, x, film, film + d, columns, slots, count,
                             d);
        nn_linear_forward(scratch->qkv, scratch->normed, p + block->qkv, NULL, count, d, 3 * d);
        for (size_t i = 0; i < count; i++) {
            float *past = actor->memory + (slots[i] * config->memory_layers + l) * window * 2 * d;
            const size_t step = actor->step[slots[i]];
            memcpy(past + step % window * 2 * d, scratch->qkv + i * 3 * d + d, 2 * d * sizeof *past);
            agent_recall(scratch->mixed + i * d, scratch->qkv + i * 3 * d, past, step, p + block->relative,
                         config->heads, d / config->heads, window, scratch->score);
        }
        nn_linear_forward(scratch->normed, scratch->mixed, p + block->out, p + block->out_bias, count, d, d);
        nn_add(x, scratch->normed, count * d);
        film += 2 * d;
        nn_film_norm_forward(scratch->normed, scratch->mean, scratch->rstd, x, film, film + d, columns, slots, count,
                             d);
        nn_linear_forward(scratch->hidden, scratch->normed, p + block->up, p + block->up_bias, count, d, f);
        nn_relu_forward(scratch->hidden, scratch->hidden, count * f);
        nn_linear_forward(scratch->normed, scratch->hidden, p + block->down, p + block->down_bias, count, f, d);
        nn_add(x, scratch->normed, count * d);
    }
}

static bool act(agent_actor *actor, const uint32_t *slots, size_t count, const uint8_t *observations,
                const uint8_t *directions, float *logits)
{
    const policy_layout *layout = &actor->agent->layout;
    const policy_config *config = &layout->config;
    const size_t d = config->width, columns = layout->norms * 2 * d;
    const float *p = actor->agent->params;
    triad_arena *arena = &actor->arena;

    uint32_t *token_offset = TRIAD_NEW(arena, uint32_t, count + 1), *visible = TRIAD_NEW(arena, uint32_t, count);
    uint32_t *bag_offset = TRIAD_NEW(arena, uint32_t, count * FEATURE_MAX_TOKENS + 1),
             *bag = TRIAD_NEW(arena, uint32_t, count * FEATURE_MAX_BAG);
    float *x = TRIAD_NEW(arena, float, count *d);
    const actor_scratch scratch = {
        TRIAD_NEW(arena, float, count *d),      TRIAD_NEW(arena, float, count),
        TRIAD_NEW(arena, float, count),         TRIAD_NEW(arena, float, count * 3 * d),
        TRIAD_NEW(arena, float, count *d),      TRIAD_NEW(arena, float, count * config->feed_forward),
        TRIAD_NEW(arena, float, config->window)};
    if (!token_offset || !visible || !bag_offset || !bag || !x || !scratch.normed || !scratch.mean || !scratch.rstd ||
        !scratch.qkv || !scratch.mixed || !scratch.hidden || !scratch.score)
        return false;

    uint32_t tokens = 0, rows = 0;
    token_offset[0] = bag_offset[0] = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t made, token_bag[FEATURE_MAX_TOKENS + 1];
        uint16_t step_bag[FEATURE_MAX_BAG];
        feature_observe(&actor->odometer[slots[i]], observations + i * BABYAI_OBSERVATION, directions[i], &made,
                        &visible[i], token_bag, step_bag);
        for (uint32_t t = 0; t < made; t++) bag_offset[tokens + t + 1] = rows + token_bag[t + 1];
        for (uint32_t b = 0; b < token_bag[made]; b++) bag[rows + b] = step_bag[b];
        tokens += made;
        rows += token_bag[made];
        token_offset[i + 1] = tokens;
    }
    const policy_tokens seen = {count, token_offset, visible, bag_offset, bag};
    float *token_out = TRIAD_NEW(arena, float, tokens *d);
    if (!token_out || !policy_see(x, token_out, p, layout, actor->film, actor->token, slots, &seen, arena))
        return false;
    if (!ask_words(actor, x, slots, count)) return false;
    remember(actor, x, slots, count, &scratch);
    if (!policy_recall(x, token_out, p, layout, actor->film, slots, &seen, arena)) return false;
    const float *film = actor->film + (layout->norms - 1) * 2 * d;
    nn_film_norm_forward(scratch.normed, scratch.mean, scratch.rstd, x, film, film + d, columns, slots, count, d);
    nn_linear_forward(logits, scratch.normed, p + layout->head, p + layout->head_bias, count, d, POLICY_ACTIONS);
    return true;
}

bool actor_act(agent_actor *actor, const uint32_t *slots, size_t count, const uint8_t *observations,
               const uint8_t *directions, babyai_action *actions, float *logits)
{
    const triad_arena_mark mark = triad_arena_save(&actor->arena);
    float *scores = logits ? logits : TRIAD_NEW(&actor->arena, float, count *POLICY_ACTIONS);
    const bool ok = scores && act(actor, slots, count, observations, directions, scores);
    for (size_t i = 0; ok && i < count; i++) {
        const float *row = scores + i * POLICY_ACTIONS;
        int best = 0;
        for (int a = 1; a < POLICY_ACTIONS; a++)
            if (row[a] > row[best]) best = a;
        actions[i] = (babyai_action)best;
        feature_act(&actor->odometer[slots[i]], actions[i]);
        actor->step[slots[i]]++;
    }
    triad_arena_rewind(&actor->arena, mark);
    return ok;
}

/* ---- life */

bool actor_reserve(agent_actor *actor)
{
    const size_t n = actor->capacity;
    uint8_t *observations = malloc(n * BABYAI_OBSERVATION), *directions = calloc(n, 1);
    uint32_t *slots = calloc(n, sizeof *slots);
    float *logits = calloc(n * POLICY_ACTIONS, sizeof *logits);
    bool ok = observations && directions && slots && logits;
    if (ok) {
        /* Nothing but doors, seen once, asks for all that a step can need; then that becomes one block. */
        memset(observations, 4, n * BABYAI_OBSERVATION);
        for (size_t i = 0; i < n; i++) slots[i] = (uint32_t)i;
        for (size_t i = 0; actor->words && i < n; i++) actor->words[i] = POLICY_MAX_WORDS;
        ok = act(actor, slots, n, observations, directions, logits);
        const size_t most = actor->arena.peak + 4096;
        triad_arena_free(&actor->arena);
        triad_arena_init(&actor->arena, most);
        ok = ok && triad_arena_alloc(&actor->arena, most - 4096, 1);
        triad_arena_rewind(&actor->arena, (triad_arena_mark){0});
    }
    free(observations);
    free(directions);
    free(slots);
    free(logits);
    return ok;
}

triad_status actor_create(agent_actor *actor, const triad_agent *agent, size_t capacity, triad_error *err)
{
    const policy_layout *layout = &agent->layout;
    const size_t d = layout->config.width;
    memset(actor, 0, sizeof *actor);
    actor->agent = agent;
    actor->capacity = capacity;
    actor->odometer = calloc(capacity, sizeof *actor->odometer);
    actor->step = calloc(capacity, sizeof *actor->step);
    actor->film = calloc(capacity, layout->norms * 2 * d * sizeof(float));
    actor->token = calloc(capacity, d * sizeof(float));
    actor->memory =
        calloc(capacity, (layout->config.memory_layers * layout->config.window * 2 * d + 1) * sizeof(float));
    bool ok = actor->odometer && actor->step && actor->film && actor->token && actor->memory;
    if (layout->config.cross_layers) {
        actor->state = calloc(capacity, POLICY_MAX_WORDS * d * sizeof(float));
        actor->words = calloc(capacity, sizeof *actor->words);
        ok = ok && actor->state && actor->words;
    }
    if (ok) return TRIAD_OK;
    actor_free(actor);
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "acting: out of memory");
}

void actor_free(agent_actor *actor)
{
    free(actor->odometer);
    free(actor->step);
    free(actor->film);
    free(actor->token);
    free(actor->memory);
    free(actor->state);
    free(actor->words);
    triad_arena_free(&actor->arena);
    memset(actor, 0, sizeof *actor);
}
