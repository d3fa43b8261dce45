#include "agent/rollout.h"

#include "agent/actor.h"
#include "agent/grow.h"
#include "babyai/demonstrate.h"

#include <string.h>

/* One episode at a time, kept between calls. */
typedef struct seat {
    babyai_env *env;
    babyai_bot *bot;
} seat;

struct rollout_crew {
    const triad_agent *learner;
    size_t capacity;
    agent_actor actor;
    seat *seat;           /* [capacity] */
    uint32_t *slot;       /* [capacity] those that go on */
    uint8_t *observation; /* [capacity, 7, 7, 3] */
    uint8_t *direction;   /* [capacity] */
    babyai_action *action;
};

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "roll-outs: out of memory");
}

/* What is seen now and what the expert would do; *over: it has no advice. */
static triad_status ask(rollout *out, bool *over, const seat *at, triad_error *err)
{
    babyai_episode *episode = &out->episode;
    const size_t step = episode->steps;
    triad_status status = babyai_episode_reserve(episode, step + 1, err);
    if (!status && !agent_grow(&out->label, &out->label_capacity, step + 1, 1)) status = out_of_memory(err);
    if (status) return status;
    babyai_action advice;
    const int taken = step ? (int)episode->action[step - 1] : -1;
    *over = babyai_bot_act(at->bot, taken, &advice, NULL) != TRIAD_OK || advice == BABYAI_DONE;
    if (*over) return TRIAD_OK;
    babyai_observe(at->env, episode->observation + step * BABYAI_OBSERVATION, &episode->direction[step]);
    out->label[step] = (uint8_t)advice;
    return TRIAD_OK;
}

static void step(rollout *out, bool *over, const seat *at, babyai_action action)
{
    bool terminated, truncated;
    out->episode.action[out->episode.steps++] = (uint8_t)action;
    babyai_step(at->env, action, NULL, &terminated, &truncated);
    *over = terminated || truncated;
}

/* The expert acts, from a state that it has just been asked about to the end. */
static triad_status relieve(rollout *out, const seat *at, triad_error *err)
{
    for (bool over = false;;) {
        step(out, &over, at, (babyai_action)out->label[out->episode.steps]);
        if (over) return TRIAD_OK;
        const triad_status status = ask(out, &over, at, err);
        if (status || over) return status;
    }
}

static triad_status sit_down(seat *at, rollout *out, triad_error *err)
{
    babyai_episode *episode = &out->episode;
    if (at->env && babyai_env_level(at->env) != out->level) {
        babyai_free(at->env);
        at->env = NULL;
    }
    triad_status status = at->env ? TRIAD_OK : babyai_create(&at->env, out->level, err);
    if (status) return status;
    status = babyai_reset_fresh(at->env, out->seed, err);
    if (status) return status;
    status = at->bot ? babyai_bot_restart(at->bot, at->env, err) : babyai_bot_create(&at->bot, at->env, err);
    if (status) return status;
    episode->seed = out->seed;
    episode->level = out->level;
    episode->steps = 0;
    out->acted = 0;
    return TRIAD_OK;
}

static triad_status begin(rollout_crew *crew, rollout *rollouts, size_t count, triad_error *err)
{
    const policy_layout *layout = &crew->learner->layout;
    triad_arena *arena = &crew->actor.arena;
    const triad_arena_mark mark = triad_arena_save(arena);
    size_t words = 0;
    for (size_t i = 0; i < count; i++) words += rollouts[i].words;
    uint32_t *offset = TRIAD_NEW(arena, uint32_t, count + 1), *word = TRIAD_NEW(arena, uint32_t, words);
    float *z = TRIAD_NEW(arena, float, count * layout->config.instruction);
    triad_status status = offset && word && z ? TRIAD_OK : out_of_memory(err);
    if (!status) {
        offset[0] = 0;
        for (size_t i = 0; i < count; i++) {
            memcpy(word + offset[i], rollouts[i].word, rollouts[i].words * sizeof *word);
            offset[i + 1] = offset[i] + (uint32_t)rollouts[i].words;
        }
        if (!policy_instruct(NULL, NULL, z, NULL, crew->learner->params, layout, count, offset, word, arena))
            status = out_of_memory(err);
    }
    for (size_t i = 0; i < count && !status; i++) {
        status = sit_down(&crew->seat[i], &rollouts[i], err);
        if (status) break;
        actor_begin(&crew->actor, i, z + i * layout->config.instruction);
        if (!actor_tell(&crew->actor, i, rollouts[i].word, rollouts[i].words)) status = out_of_memory(err);
    }
    triad_arena_rewind(arena, mark);
    return status;
}

/* Which steps are to be imitated. */
static void choose_labels(rollout *out)
{
    const babyai_episode *episode = &out->episode;
    size_t strayed = 0;
    while (strayed < out->acted && out->label[strayed] == episode->action[strayed]) strayed++;
    const size_t first = strayed < out->acted ? strayed + 1 : strayed, relieved = episode->steps - out->acted;
    for (size_t s = first; s < out->acted; s++) out->label[s] = ROLLOUT_UNLABELLED;
    out->shown = relieved ? episode->steps : first;
    out->labelled = first + relieved;
}

triad_status rollout_play(rollout_crew *crew, rollout *rollouts, size_t count, triad_error *err)
{
    triad_status status = begin(crew, rollouts, count, err);
    size_t running = 0;
    for (size_t i = 0; i < count; i++) crew->slot[running++] = (uint32_t)i;
    while (running > 0 && !status) {
        size_t asked = 0;
        for (size_t r = 0; r < running && !status; r++) {
            const uint32_t i = crew->slot[r];
            rollout *out = &rollouts[i];
            bool over = false;
            status = ask(out, &over, &crew->seat[i], err);
            if (!status && !over && out->acted == out->patience) {
                status = relieve(out, &crew->seat[i], err);
                over = true;
            }
            if (status || over) continue;
            const size_t at = out->episode.steps;
            memcpy(crew->observation + asked * BABYAI_OBSERVATION, out->episode.observation + at * BABYAI_OBSERVATION,
                   BABYAI_OBSERVATION);
            crew->direction[asked] = out->episode.direction[at];
            crew->slot[asked++] = i;
        }
        if (status || asked == 0) break;
        if (!actor_act(&crew->actor, crew->slot, asked, crew->observation, crew->direction, crew->action, NULL))
            return out_of_memory(err);
        running = 0;
        for (size_t r = 0; r < asked; r++) {
            const uint32_t i = crew->slot[r];
            bool over;
            step(&rollouts[i], &over, &crew->seat[i], crew->action[r]);
            rollouts[i].acted++;
            if (!over) crew->slot[running++] = i;
        }
    }
    for (size_t i = 0; i < count && !status; i++) choose_labels(&rollouts[i]);
    return status;
}

/* ---- life */

triad_status rollout_crew_create(rollout_crew **made, const triad_agent *learner, size_t capacity, triad_error *err)
{
    *made = NULL;
    rollout_crew *crew = calloc(1, sizeof *crew);
    if (!crew) return out_of_memory(err);
    crew->learner = learner;
    crew->capacity = capacity;
    crew->seat = calloc(capacity, sizeof *crew->seat);
    crew->slot = calloc(capacity, sizeof *crew->slot);
    crew->observation = calloc(capacity, BABYAI_OBSERVATION);
    crew->direction = calloc(capacity, sizeof *crew->direction);
    crew->action = calloc(capacity, sizeof *crew->action);
    triad_status status = crew->seat && crew->slot && crew->observation && crew->direction && crew->action
                              ? actor_create(&crew->actor, learner, capacity, err)
                              : out_of_memory(err);
    if (status)
        rollout_crew_free(crew);
    else
        *made = crew;
    return status;
}

void rollout_crew_free(rollout_crew *crew)
{
    if (!crew) return;
    for (size_t i = 0; crew->seat && i < crew->capacity; i++) {
        babyai_bot_free(crew->seat[i].bot);
        babyai_free(crew->seat[i].env);
    }
    actor_free(&crew->actor);
    free(crew->seat);
    free(crew->slot);
    free(crew->observation);
    free(crew->direction);
    free(crew->action);
    free(crew);
}

void rollout_free(rollout *done)
{
    babyai_episode_free(&done->episode);
    free(done->label);
    done->label = NULL;
    done->label_capacity = 0;
}
