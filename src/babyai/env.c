/* One environment: its life, its steps. */
#include "babyai/env.h"

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

void babyai_step(babyai_env *env, babyai_action action, double *reward, bool *terminated, bool *truncated)
{
    double earned = 0;
    *terminated = *truncated = false;
    if (reward) *reward = 0;
    if (!env->ready) return;
    env->steps++;
    env->first_look = false;
    const int x = env->x + direction_x(env->direction), y = env->y + direction_y(env->direction);
    const uint8_t id = env_id(env, x, y);
    switch (action) {
    case BABYAI_LEFT:
        env->direction = (env->direction + 3) & 3;
        break;
    case BABYAI_RIGHT:
        env->direction = (env->direction + 1) & 3;
        break;
    case BABYAI_FORWARD: {
        const cell_kind kind = code_kind(env_code(env, x, y));
        if (kind == KIND_EMPTY || kind == KIND_DOOR_OPEN) {
            env->x = (uint8_t)x;
            env->y = (uint8_t)y;
        }
        break;
    }
    case BABYAI_PICKUP:
        if (env->carrying == ID_NONE && id >= ID_FIRST && kind_is_portable(code_kind(env->code[id]))) {
            env_clear(env, x, y);
            env->at[id] = POSITION_NONE;
            env->carrying = id;
            env->moved = true;
        }
        break;
    case BABYAI_DROP:
        if (env->carrying != ID_NONE && id == ID_NONE) {
            env_put(env, x, y, env->carrying);
            env->carrying = ID_NONE;
            env->moved = true;
        }
        babyai_refresh(env);
        break;
    case BABYAI_TOGGLE:
        if (id >= ID_FIRST) toggle(env, x, y, id);
        break;
    case BABYAI_DONE:
        break;
    }
    *truncated = env->steps >= env->max_steps;
    switch (babyai_verify(env, action)) {
    case VERDICT_SUCCESS:
        *terminated = true;
        earned = 1 - 0.9 * ((double)env->steps / env->max_steps);
        break;
    case VERDICT_FAILURE:
        *terminated = true;
        break;
    case VERDICT_GOES_ON:
        break;
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
