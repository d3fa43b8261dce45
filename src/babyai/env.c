/* One environment: its life, its steps. */
#include "babyai/step.h"

#include <stdlib.h>
#include <string.h>

static size_t grid_side(const babyai_level *level)
{
    const int rooms = level->columns > level->rows ? level->columns : level->rows;
    return (size_t)((level->room_size - 1) * rooms + 1);
}

/* Bytes before and behind a grid that a view may read (the agent keeps off the outer wall, so that it reaches two lines
 * and five cells beyond the grid) and that the generator may write. */
static size_t grid_slack(const babyai_level *level)
{
    const size_t view = 2 * grid_side(level) + 5;
    return view > LINE_MAX ? view : LINE_MAX;
}

/* An odd number of cache lines: those of neighbours fall into different sets. */
static size_t whole_lines(size_t bytes)
{
    return ((bytes + 63) / 64 | 1) * 64;
}

size_t babyai_env_bytes(const babyai_level *level)
{
    return whole_lines(sizeof(babyai_env) + 3 * grid_slack(level) + 2 * grid_side(level) * grid_side(level));
}

size_t babyai_world_bytes(const babyai_level *level)
{
    return whole_lines(sizeof(babyai_world) + grid_side(level) * grid_side(level) + LINE_MAX);
}

void babyai_env_init(babyai_env *env, babyai_world *world, const babyai_level *level)
{
    const size_t side = grid_side(level);
    env->level = level;
    env->world = world;
    env->side = (uint8_t)side;
    env->width = (uint8_t)((level->room_size - 1) * level->columns + 1);
    env->height = (uint8_t)((level->room_size - 1) * level->rows + 1);
    env->by_row = env->store + grid_slack(level);
    env->by_column = env->by_row + side * side + grid_slack(level);
    env->hand = CODE_EMPTY;
    env->careful = true;
    env->max_steps = INT32_MAX;
    world->ids = world->store;
}

triad_status babyai_create(babyai_env **env, const babyai_level *level, triad_error *err)
{
    *env = NULL;
    if (!level) return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "babyai_create: no level (babyai_level_find gives one)");
    const size_t own = babyai_env_bytes(level), bytes = own + babyai_world_bytes(level);
    unsigned char *memory = aligned_alloc(64, bytes);
    if (!memory)
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: no memory for an environment of %zu bytes", level->name,
                          bytes);
    memset(memory, 0, bytes);
    *env = (babyai_env *)memory;
    babyai_env_init(*env, (babyai_world *)(memory + own), level);
    triad_pcg64_seed(&(*env)->world->rng, 0);
    return TRIAD_OK;
}

void babyai_free(babyai_env *env)
{
    free(env);
}

triad_status babyai_reset_seed(babyai_env *env, uint64_t seed, triad_error *err)
{
    triad_pcg64_seed(&env->world->rng, seed);
    return babyai_generate(env, err);
}

triad_status babyai_reset_fresh(babyai_env *env, uint64_t seed, triad_error *err)
{
    env->world->has_locked_room = false;
    return babyai_reset_seed(env, seed, err);
}

triad_status babyai_reset(babyai_env *env, triad_error *err)
{
    return babyai_generate(env, err);
}

/* What toggling does to the thing in front. */
static void toggle(babyai_env *env, int x, int y, uint8_t id)
{
    const uint8_t code = env->world->code[id];
    const cell_kind kind = code_kind(code);
    if (kind == KIND_BOX) {
        env_clear(env, x, y);
        if (id == env->world->box_with_key) env_put(env, x, y, env->world->key_in_box);
        env->moved = true;
        return;
    }
    if (!kind_is_door(kind)) return;
    if (kind == KIND_DOOR_LOCKED) {
        const uint8_t held = env->carrying == ID_NONE ? CODE_EMPTY : env->world->code[env->carrying];
        if (code_kind(held) != KIND_KEY || code_colour(held) != code_colour(code)) return;
    }
    env->world->code[id] = cell_code(kind == KIND_DOOR_OPEN ? KIND_DOOR_CLOSED : KIND_DOOR_OPEN, code_colour(code));
    env_show(env, x, y, env->world->code[id]);
}

static void hold(babyai_env *env, uint8_t id)
{
    env->carrying = id;
    env->hand = id == ID_NONE ? (uint8_t)CODE_EMPTY : env->world->code[id];
    env->moved = true;
}

verdict babyai_act(babyai_env *env, babyai_action action)
{
    const int x = env->x + direction_x(env->direction), y = env->y + direction_y(env->direction);
    const uint8_t id = env_id(env, x, y), held = env->carrying;
    switch (action) {
    case BABYAI_PICKUP:
        if (held == ID_NONE && id >= ID_FIRST && kind_is_portable(code_kind(env->world->code[id]))) {
            env_clear(env, x, y);
            env->world->at[id] = POSITION_NONE;
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
    return env->world->mission;
}

int babyai_max_steps(const babyai_env *env)
{
    return env->max_steps;
}

int babyai_steps(const babyai_env *env)
{
    return env->steps;
}
