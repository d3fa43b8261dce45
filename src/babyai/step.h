/* One step in two halves: what nearly every step is (the agent turns, walks or bumps into something), without a branch,
 * and what is left. */
#ifndef TRIAD_BABYAI_STEP_H
#define TRIAD_BABYAI_STEP_H

#include "babyai/env.h"

/* The direction after an action. */
static inline unsigned step_direction(const babyai_env *env, unsigned action)
{
    static const uint8_t turn[8] = {[BABYAI_LEFT] = 3, [BABYAI_RIGHT] = 1};
    return (env->direction + turn[action]) & 3;
}

/* Counts the step, turns and walks. True when that was not all: the action does something to what is in front, or the
 * verifier may have something to say. */
static inline bool step_move(babyai_env *env, unsigned action)
{
    enum {
        FREE = 1 << KIND_EMPTY | 1 << KIND_DOOR_OPEN,
        THINGS = 1 << KIND_KEY | 1 << KIND_BALL | 1 << KIND_BOX,
        DOORS = 1 << KIND_DOOR_OPEN | 1 << KIND_DOOR_CLOSED | 1 << KIND_DOOR_LOCKED
    };
    /* [hands are full][action]: the kinds of things in front to which the action does something */
    static const uint16_t acts[2][8] = {
        {[BABYAI_PICKUP] = THINGS, [BABYAI_TOGGLE] = DOORS | 1 << KIND_BOX},
        {[BABYAI_DROP] = 1 << KIND_EMPTY, [BABYAI_TOGGLE] = DOORS | 1 << KIND_BOX},
    };
    static const uint16_t walks[8] = {[BABYAI_FORWARD] = FREE};
    const unsigned direction = step_direction(env, action);
    const int dx = direction_x(direction), dy = direction_y(direction), side = env->side;
    const bool odd = direction & 1;
    int x = env->x, y = env->y;
    const uint8_t front = env->plane[odd][(odd ? x + dx : y + dy) * side + (odd ? y + dy : x + dx)];
    const unsigned kind = code_kind(front);
    const int step = walks[action] >> kind & 1;
    x += step * dx;
    y += step * dy;
    env->direction = (uint8_t)direction;
    env->x = (uint8_t)x;
    env->y = (uint8_t)y;
    env->first_look = false;
    env->steps++;
    return (acts[env->hand != CODE_EMPTY][action] >> kind & 1) |
           ((env->awaited & env_awaited_bit(x + dx, y + dy)) != 0) | (env->moved & (action == BABYAI_DROP)) |
           env->careful;
}

/* What step_move left, and the verdict. */
verdict babyai_act(babyai_env *env, babyai_action action);

static inline double step_reward(const babyai_env *env)
{
    return 1 - 0.9 * ((double)env->steps / env->max_steps);
}

#endif
