/* One episode of the expert, recorded. */
#include "babyai/env.h"

#include <stdlib.h>
#include <string.h>

static triad_status reserve(babyai_episode *episode, triad_error *err)
{
    if (episode->steps < episode->capacity) return TRIAD_OK;
    const size_t capacity = episode->capacity ? 2 * episode->capacity : 64;
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

static triad_status play(babyai_episode *episode, bool *solved, babyai_env *env, babyai_bot *bot, triad_error *err)
{
    int last = -1;
    for (;;) {
        const triad_status room = reserve(episode, err);
        if (room != TRIAD_OK) return room;
        babyai_action action;
        if (babyai_bot_act(bot, last, &action, NULL) != TRIAD_OK) return TRIAD_OK; /* the expert gave up */
        babyai_observe(env, episode->observation + episode->steps * BABYAI_OBSERVATION, &episode->direction[episode->steps]);
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

triad_status babyai_demonstrate(babyai_episode *episode, bool *solved, babyai_env **env, babyai_bot **bot, const babyai_level *level,
                                uint64_t seed, triad_error *err)
{
    *solved = false;
    episode->seed = seed;
    episode->level = level;
    episode->steps = 0;
    episode->mission[0] = 0;
    triad_status status = TRIAD_OK;
    if (!*env) status = babyai_create(env, level, err);
    if (status != TRIAD_OK) return status;
    if ((*env)->level != level)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "demonstration: the environment is of %s, not %s", (*env)->level->name, level->name);
    (*env)->has_locked_room = false; /* as in a fresh environment */
    if (babyai_reset_seed(*env, seed, NULL) != TRIAD_OK) return TRIAD_OK; /* no such episode: not solved */
    memcpy(episode->mission, (*env)->mission, sizeof episode->mission);
    status = *bot ? babyai_bot_restart(*bot, *env, err) : babyai_bot_create(bot, *env, err);
    return status == TRIAD_OK ? play(episode, solved, *env, *bot, err) : status;
}

void babyai_episode_free(babyai_episode *episode)
{
    free(episode->action);
    free(episode->direction);
    free(episode->observation);
    *episode = (babyai_episode){0};
}
