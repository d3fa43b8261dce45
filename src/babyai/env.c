/* One environment: its life, its steps. */
#include "babyai/step.h"

#include <stdlib.h>
#include <string.h>

static size_t grid_side(const babyai_level *level)
{
    const int rooms = level->columns > level->rows ? level->columns : level->rows;
    return (size_t)((level->room_size - 1) * rooms + 1);
}

size_t babyai_env_bytes(const babyai_level *level)
{
    const size_t cells = grid_side(level) * grid_side(level);
    return (sizeof(babyai_env) + 3 * GRID_SLACK + 3 * cells + 63) / 64 * 64;
}

void babyai_env_init(babyai_env *env, const babyai_level *level)
{
    const size_t side = grid_side(level), cells = side * side;
    env->level = level;
    env->side = (uint8_t)side;
    env->width = (uint8_t)((level->room_size - 1) * level->columns + 1);
    env->height = (uint8_t)((level->room_size - 1) * level->rows + 1);
    env->by_column = env->store + GRID_SLACK;
    env->by_row = env->by_column + cells + GRID_SLACK;
    env->ids = env->by_row + cells + GRID_SLACK;
    env->hand = CODE_EMPTY;
    env->careful = true;
    env->max_steps = INT32_MAX;
}

triad_status babyai_create(babyai_env **env, const babyai_level *level, triad_error *err)
{
    *env = NULL;
    if (!level) return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "babyai_create: no level (babyai_level_find gives one)");
    const size_t bytes = babyai_env_bytes(level);
    babyai_env *made_env = aligned_alloc(64, bytes);
    if (!made_env)
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: no memory for an environment of %zu bytes", level->name,
                          bytes);
    memset(made_env, 0, bytes);
    babyai_env_init(made_env, level);
    triad_pcg64_seed(&made_env->rng, 0);
    *env = made_env;
    return TRIAD_OK;
}

void babyai_free(babyai_env *env)
{
    free(env);
}

triad_status babyai_reset_seed(babyai_env *env, uint64_t seed, triad_error *err)
{
    triad_pcg64_seed(&env->rng, seed);
    return babyai_generate(env, err);
}

triad_status babyai_reset_fresh(babyai_env *env, uint64_t seed)
{
    env->has_locked_room = false;
    return babyai_reset_seed(env, seed, NULL);
}

triad_status babyai_reset(babyai_env *env, triad_error *err)
{
    return babyai_generate(env, err);
}

/* What toggling does to the thing in front. */
static void toggle(babyai_env *env, int x, int y, uint8_t id)
{
    const uint8_t code = env->code[id];
    const cell_kind kind = code_kind(code);
    if (kind == KIND_BOX) {
        env_clear(env, x, y);
        if (id == env->box_with_key) env_put(env, x, y, env->key_in_box);
        env->moved = true;
        return;
    }
    if (!kind_is_door(kind)) return;
    if (kind == KIND_DOOR_LOCKED) {
        const uint8_t held = env->carrying == ID_NONE ? CODE_EMPTY : env->code[env->carrying];
        if (code_kind(held) != KIND_KEY || code_colour(held) != code_colour(code)) return;
    }
    env->code[id] = cell_code(kind == KIND_DOOR_OPEN ? KIND_DOOR_CLOSED : KIND_DOOR_OPEN, code_colour(code));
    env_show(env, x, y, env->code[id]);
}

static void hold(babyai_env *env, uint8_t id)
{
    env->carrying = id;
    env->hand = id == ID_NONE ? (uint8_t)CODE_EMPTY : env->code[id];
    env->moved = true;
}

verdict babyai_act(babyai_env *env, babyai_action action)
{
    const int x = env->x + direction_x(env->direction), y = env->y + direction_y(env->direction);
    const uint8_t id = env_id(env, x, y), held = env->carrying;
    switch (action) {
    case BABYAI_PICKUP:
        if (held == ID_NONE && id >= ID_FIRST && kind_is_portable(code_kind(env->code[id]))) {
            env_clear(env, x, y);
            env->at[id] = POSITION_NONE;
            hold(env, id);
        }
        break;
    case BABYAI_DROP:
        if (held != ID_NONE && id == ID_NONE) {
            env_put(env, x, y, held);
            hold(env, ID_NONE);
        }
        babyai_refresh(env);
        break;
    case BABYAI_TOGGLE:
        if (id >= ID_FIRST) toggle(env, x, y, id);
        break;
    default:
        break;
    }
    return babyai_verify(env, action, held);
}

void babyai_step(babyai_env *env, babyai_action action, double *reward, bool *terminated, bool *truncated)
{
    double earned = 0;
    *terminated = *truncated = false;
    if (env->ready && (unsigned)action < BABYAI_ACTIONS) {
        const verdict v = step_move(env, (unsigned)action) ? babyai_act(env, action) : VERDICT_GOES_ON;
        *truncated = env->steps >= env->max_steps;
        *terminated = v != VERDICT_GOES_ON;
        if (v == VERDICT_SUCCESS) earned = step_reward(env);
    }
    if (reward) *reward = earned;
}

const babyai_level *babyai_env_level(const babyai_env *env)
{
    return env->level;
}

const char *babyai_mission(const babyai_env *env)
{
    return env->mission;
}

int babyai_max_steps(const babyai_env *env)
{
    return env->max_steps;
}

int babyai_steps(const babyai_env *env)
{
    return env->steps;
}
