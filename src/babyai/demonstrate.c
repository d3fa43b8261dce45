/* One episode of the expert, recorded; and a recorded one, seen again. */
#include "babyai/demonstrate.h"
#include "babyai/env.h"

#include <stdlib.h>
#include <string.h>

triad_status babyai_episode_reserve(babyai_episode *episode, size_t steps, triad_error *err)
{
    if (steps <= episode->capacity) return TRIAD_OK;
    size_t capacity = episode->capacity ? episode->capacity : 64;
    while (capacity < steps) capacity *= 2;
    uint8_t *action = realloc(episode->action, capacity);
    if (action) episode->action = action;
    uint8_t *direction = realloc(episode->direction, capacity);
    if (direction) episode->direction = direction;
    uint8_t *observation = realloc(episode->observation, capacity * BABYAI_OBSERVATION);
    if (observation) episode->observation = observation;
    if (!action || !direction || !observation)
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "demonstration: no memory for %zu steps", capacity);
    episode->capacity = capacity;
    return TRIAD_OK;
}

static void look(babyai_episode *episode, const babyai_env *env, size_t step)
{
    babyai_observe(env, episode->observation + step * BABYAI_OBSERVATION, &episode->direction[step]);
}

static triad_status play(babyai_episode *episode, bool *solved, babyai_env *env, babyai_bot *bot, bool looking,
                         triad_error *err)
{
    int last = -1;
    for (;;) {
        const triad_status room = babyai_episode_reserve(episode, episode->steps + 1, err);
        if (room != TRIAD_OK) return room;
        babyai_action action;
        if (babyai_bot_act(bot, last, &action, NULL) != TRIAD_OK) return TRIAD_OK; /* the expert gave up */
        if (looking) look(episode, env, episode->steps);
        episode->direction[episode->steps] = env->direction;
        episode->action[episode->steps++] = (uint8_t)action;
        double reward;
        bool terminated, truncated;
        babyai_step(env, action, &reward, &terminated, &truncated);
        last = (int)action;
        if (terminated || truncated) {
            *solved = terminated && reward > 0;
            return TRIAD_OK;
        }
    }
}

/* A fresh environment of the level after reset(seed); *made false where there is no such episode. */
static triad_status begin(babyai_episode *episode, bool *made, babyai_env **env, const babyai_level *level,
                          uint64_t seed, triad_error *err)
{
    *made = false;
    episode->seed = seed;
    episode->level = level;
    episode->steps = 0;
    episode->mission[0] = 0;
    triad_status status = TRIAD_OK;
    if (!*env) status = babyai_create(env, level, err);
    if (status != TRIAD_OK) return status;
    if ((*env)->level != level)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "demonstration: the environment is of %s, not %s",
                          (*env)->level->name, level->name);
    *made = babyai_reset_fresh(*env, seed, NULL) == TRIAD_OK;
    if (*made) memcpy(episode->mission, (*env)->world->mission, sizeof episode->mission);
    return TRIAD_OK;
}

triad_status babyai_record(babyai_episode *episode, bool *solved, babyai_env **env, babyai_bot **bot,
                           const babyai_level *level, uint64_t seed, bool looking, triad_error *err)
{
    bool made;
    *solved = false;
    triad_status status = begin(episode, &made, env, level, seed, err);
    if (status != TRIAD_OK || !made) return status;
    status = *bot ? babyai_bot_restart(*bot, *env, err) : babyai_bot_create(bot, *env, err);
    return status == TRIAD_OK ? play(episode, solved, *env, *bot, looking, err) : status;
}

triad_status babyai_demonstrate(babyai_episode *episode, bool *solved, babyai_env **env, babyai_bot **bot,
                                const babyai_level *level, uint64_t seed, triad_error *err)
{
    return babyai_record(episode, solved, env, bot, level, seed, true, err);
}

triad_status babyai_replay(babyai_episode *episode, babyai_env **env, const babyai_level *level, uint64_t seed,
                           const uint8_t *action, size_t steps, triad_error *err)
{
    bool made;
    triad_status status = begin(episode, &made, env, level, seed, err);
    if (status == TRIAD_OK && !made)
        status = triad_fail(err, TRIAD_ERR_GENERATION, -1, "replay: %s has no episode of seed %llu", level->name,
                            (unsigned long long)seed);
    if (status == TRIAD_OK) status = babyai_episode_reserve(episode, steps, err);
    if (status != TRIAD_OK) return status;
    for (size_t step = 0; step < steps; step++) {
        if (action[step] >= BABYAI_ACTIONS)
            return triad_fail(err, TRIAD_ERR_RANGE, (int64_t)step, "replay: action %u at step %zu (0 to %d)",
                              action[step], step, BABYAI_ACTIONS - 1);
        bool terminated, truncated;
        look(episode, *env, step);
        episode->action[step] = action[step];
        babyai_step(*env, (babyai_action)action[step], NULL, &terminated, &truncated);
    }
    episode->steps = steps;
    return TRIAD_OK;
}

void babyai_episode_free(babyai_episode *episode)
{
    free(episode->action);
    free(episode->direction);
    free(episode->observation);
    *episode = (babyai_episode){0};
}
