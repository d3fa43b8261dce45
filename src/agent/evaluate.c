/* How well an agent does: episodes in step, in groups of a fixed size, each group one tile. */
#include "agent/actor.h"
#include "babyai/grammar.h"
#include "base/progress.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    GROUP = 64,         /* episodes that act together: products of this many steps */
    FOREIGN_STEPS = 64, /* under a foreign instruction an episode is given up after this many steps */
    NO_BOT = 0
};

/* One test episode. */
typedef struct trial {
    uint64_t seed;
    bool valid; /* the environment could be generated */
    char *mission;
    bool unseen;                 /* training kept out what it asks for */
    size_t bot_steps;            /* NO_BOT: the expert does not solve it */
    size_t change;               /* index of the next episode that says something else; SIZE_MAX: there is none */
    size_t foreign;              /* index of the episode whose instruction stands in; its own when there is no other */
    size_t steps, foreign_steps; /* that the agent took; 0: not solved */
} trial;

/* What one worker acts with; the environments are of the level at hand. */
typedef struct episode_group {
    agent_actor actor;
    babyai_env *env[GROUP];
    uint32_t slot[GROUP];
    uint8_t observation[GROUP * BABYAI_OBSERVATION], direction[GROUP];
    babyai_action action[GROUP];
} episode_group;

typedef struct evaluation {
    const triad_agent *agent;
    const babyai_level *level;
    size_t n, first; /* trials [first, n) are worked on */
    trial *trial;
    const float *instruction; /* [n, d] */
    const char **told;        /* [n] what the agent is told in each */
    bool foreign;             /* as well as under their own */
    size_t groups;
    triad_progress *progress;
    atomic_size_t played; /* episodes, of all levels */
    int workers;
    episode_group *group; /* [workers] */
    triad_status *status; /* [tiles] */
    triad_error *error;
} evaluation;

static void fail_tile(evaluation *work, size_t tile, triad_status status, const triad_error *error)
{
    work->status[tile] = status;
    work->error[tile] = *error;
}

static triad_status first_failure(const evaluation *work, size_t tiles, triad_error *err)
{
    for (size_t t = 0; t < tiles; t++) {
        if (!work->status[t]) continue;
        if (err) *err = work->error[t];
        return work->status[t];
    }
    return TRIAD_OK;
}

/* ---- what the trials are: mission and the expert's steps */

static triad_status describe(trial *at, babyai_episode *episode, babyai_env **env, babyai_bot **bot,
                             const babyai_level *level, triad_error *err)
{
    bool solved = false;
    triad_status status = babyai_demonstrate(episode, &solved, env, bot, level, at->seed, err);
    if (status == TRIAD_ERR_GENERATION) return TRIAD_OK; /* left out: not valid */
    if (status) return status;
    at->valid = true;
    at->bot_steps = solved ? episode->steps : NO_BOT;
    at->mission = strdup(episode->mission);
    return at->mission ? TRIAD_OK : triad_fail(err, TRIAD_ERR_MEMORY, -1, "evaluation: out of memory");
}

static void describe_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    evaluation *work = context;
    const size_t from = work->first + tile * GROUP, to = from + GROUP < work->n ? from + GROUP : work->n;
    babyai_episode episode = {0};
    babyai_env *env = NULL;
    babyai_bot *bot = NULL;
    triad_error error;
    for (size_t i = from; i < to; i++) {
        const triad_status status = describe(&work->trial[i], &episode, &env, &bot, work->level, &error);
        if (status) {
            fail_tile(work, tile, status, &error);
            break;
        }
    }
    babyai_bot_free(bot);
    babyai_free(env);
    babyai_episode_free(&episode);
}

/* Whose instruction stands in: half the list away, then on to the next that says something else. */
static void choose_foreign(evaluation *work, size_t n)
{
    /* Where what is said changes next; twice round the list, since the last ones go on at its beginning. Not at all in
     * a level that always says the same. */
    for (size_t i = 2 * n, next = SIZE_MAX; i-- > 0;) {
        trial *at = &work->trial[i % n];
        if (strcmp(at->mission, work->trial[(i + 1) % n].mission) != 0) next = (i + 1) % n;
        at->change = next;
    }
    for (size_t i = 0; i < n; i++) {
        trial *at = &work->trial[i];
        const size_t half = (i + n / 2) % n;
        at->foreign = half;
        if (strcmp(work->trial[half].mission, at->mission) == 0) at->foreign = work->trial[half].change;
        if (at->foreign == SIZE_MAX) at->foreign = i;
    }
}

/* The first n seeds from first_seed on whose environments exist. */
static triad_status choose_trials(evaluation *work, size_t n, uint64_t first_seed, triad_pool *pool, triad_error *err)
{
    uint64_t seed = first_seed;
    size_t have = 0, tried = 0;
    while (have < n) {
        if (tried > 2 * n + 1000)
            return triad_fail(err, TRIAD_ERR_GENERATION, -1, "%s: most seeds from %llu on have no environment",
                              babyai_level_name(work->level), (unsigned long long)first_seed);
        work->first = have;
        work->n = n;
        for (size_t i = have; i < n; i++) work->trial[i] = (trial){.seed = seed++};
        tried += n - have;
        const size_t tiles = (n - have + GROUP - 1) / GROUP;
        memset(work->status, 0, tiles * sizeof *work->status);
        triad_parallel(pool, tiles, describe_tile, work);
        const triad_status status = first_failure(work, tiles, err);
        if (status) return status;
        for (size_t i = have; i < n; i++) {
            const trial at = work->trial[i];
            work->trial[i] = (trial){0};
            if (at.valid) work->trial[have++] = at;
        }
    }
    choose_foreign(work, n);
    return TRIAD_OK;
}

/* ---- acting */

/* The episode that was described: as a fresh environment plays it, whatever this one has played before. */
static triad_status again(babyai_env *env, const trial *at, triad_error *err)
{
    if (babyai_reset_fresh(env, at->seed, NULL) == TRIAD_OK && strcmp(babyai_mission(env), at->mission) == 0)
        return TRIAD_OK;
    return triad_fail(err, TRIAD_ERR_GENERATION, -1, "%s: seed %llu gave another episode the second time",
                      babyai_level_name(babyai_env_level(env)), (unsigned long long)at->seed);
}

/* Slot `slot` starts the episode at hand under the instruction of trial `whose`. */
static triad_status tell(evaluation *work, agent_actor *actor, size_t slot, size_t whose, triad_error *err)
{
    uint32_t word[POLICY_MAX_WORDS];
    size_t words;
    actor_begin(actor, slot, work->instruction + whose * work->agent->layout.config.instruction);
    const triad_status status = agent_words_encode(&work->agent->words, work->told[whose], word, &words, err);
    if (status || actor_tell(actor, slot, word, words)) return status;
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "evaluation: out of memory");
}

static triad_status act_group(evaluation *work, episode_group *group, size_t from, size_t to, bool foreign,
                              triad_error *err)
{
    triad_status status = TRIAD_OK;
    size_t running = 0;
    for (size_t i = from; i < to && !status; i++) {
        trial *at = &work->trial[i];
        if (!group->env[i - from]) status = babyai_create(&group->env[i - from], work->level, err);
        if (!status) status = again(group->env[i - from], at, err);
        if (foreign && at->foreign == i) continue; /* nothing foreign to say */
        if (!status) status = tell(work, &group->actor, i - from, foreign ? at->foreign : i, err);
        group->slot[running++] = (uint32_t)(i - from);
    }
    for (size_t steps = 1; running > 0 && !status; steps++) {
        for (size_t r = 0; r < running; r++)
            babyai_observe(group->env[group->slot[r]], group->observation + r * BABYAI_OBSERVATION,
                           &group->direction[r]);
        if (!actor_act(&group->actor, group->slot, running, group->observation, group->direction, group->action, NULL))
            return triad_fail(err, TRIAD_ERR_MEMORY, -1, "evaluation: out of memory");
        size_t left = 0;
        for (size_t r = 0; r < running; r++) {
            const uint32_t slot = group->slot[r];
            trial *at = &work->trial[from + slot];
            double reward = 0;
            bool terminated, truncated;
            babyai_step(group->env[slot], group->action[r], &reward, &terminated, &truncated);
            if (terminated && reward > 0) *(foreign ? &at->foreign_steps : &at->steps) = steps;
            if (!terminated && !truncated && !(foreign && steps >= FOREIGN_STEPS)) group->slot[left++] = slot;
        }
        running = left;
    }
    return status;
}

static void act_tile(void *context, size_t tile, int worker)
{
    evaluation *work = context;
    const bool foreign = tile >= work->groups;
    const size_t from = (foreign ? tile - work->groups : tile) * GROUP,
                 to = from + GROUP < work->n ? from + GROUP : work->n;
    triad_error error;
    const triad_status status = act_group(work, &work->group[worker], from, to, foreign, &error);
    if (status) fail_tile(work, tile, status, &error);
    const size_t played = atomic_fetch_add(&work->played, to - from) + to - from;
    triad_progress_update(work->progress, (double)played, babyai_level_name(work->level));
}

static void forget_level(evaluation *work)
{
    for (size_t i = 0; i < work->n; i++) free(work->trial[i].mission);
    memset(work->trial, 0, work->n * sizeof *work->trial);
    for (int w = 0; w < work->workers; w++) {
        for (size_t i = 0; i < GROUP; i++) babyai_free(work->group[w].env[i]);
        memset(work->group[w].env, 0, sizeof work->group[w].env);
    }
}

/* ---- figures */

/* The Wilson score interval (Wilson 1927) at 95 %. */
static void wilson(size_t successes, size_t n, double *low, double *high)
{
    const double z = 1.959963984540054, count = (double)n, p = (double)successes / count;
    const double centre = (p + z * z / (2 * count)) / (1 + z * z / count);
    const double half = z * sqrt(p * (1 - p) / count + z * z / (4 * count * count)) / (1 + z * z / count);
    *low = successes == 0 ? 0 : centre - half;
    *high = successes == n ? 1 : centre + half;
}

enum { KIND_PLACE = VERBS, KIND_AND = 2 * VERBS, KIND_THEN, KIND_AFTER, KIND_NONE };
_Static_assert((int)KIND_NONE <= (int)TRIAD_EVAL_KINDS, "every kind has its place");

/* KIND_NONE: no sentence of BabyAI's. */
static size_t kind_of(const char *mission)
{
    sentence what;
    if (!grammar_parse(&what, mission)) return KIND_NONE;
    if (what.sequence != SEQUENCE_NONE) return what.sequence == SEQUENCE_AFTER ? KIND_AFTER : KIND_THEN;
    if (what.clauses[0] > 1) return KIND_AND;
    const bool by_place =
        what.phrase[0][0].place != PLACE_ANY || (what.verb[0] == VERB_PUT_NEXT && what.phrase[0][1].place != PLACE_ANY);
    return what.verb[0] + (by_place ? (size_t)KIND_PLACE : 0);
}

static void name_kind(char name[32], size_t kind)
{
    static const char *const SEVERAL[] = {"A and B", "A, then B", "A after B"};
    if (kind >= KIND_AND)
        snprintf(name, 32, "%s", SEVERAL[kind - KIND_AND]);
    else
        snprintf(name, 32, "%s%s", GRAMMAR_VERB_LABELS[kind % VERBS], kind >= KIND_PLACE ? ", by place" : "");
}

static void summarise_kinds(triad_eval_result *result, const evaluation *work)
{
    triad_eval_kind kind[KIND_NONE] = {0};
    size_t compared[KIND_NONE] = {0};
    for (size_t i = 0; i < work->n; i++) {
        const trial *at = &work->trial[i];
        const size_t k = kind_of(at->mission);
        if (k == KIND_NONE) continue;
        kind[k].episodes++;
        if (!at->steps) continue;
        kind[k].solved++;
        if (at->bot_steps == NO_BOT) continue;
        compared[k]++;
        kind[k].mean_steps += (double)at->steps;
        kind[k].mean_steps_bot += (double)at->bot_steps;
    }
    for (size_t k = 0; k < KIND_NONE; k++) {
        if (!kind[k].episodes) continue;
        name_kind(kind[k].name, k);
        kind[k].success = (double)kind[k].solved / (double)kind[k].episodes;
        wilson(kind[k].solved, kind[k].episodes, &kind[k].wilson_low, &kind[k].wilson_high);
        kind[k].mean_steps = compared[k] ? kind[k].mean_steps / (double)compared[k] : NAN;
        kind[k].mean_steps_bot = compared[k] ? kind[k].mean_steps_bot / (double)compared[k] : NAN;
        result->kind[result->kinds++] = kind[k];
    }
}

static void summarise(triad_eval_result *result, const evaluation *work, bool foreign)
{
    *result = (triad_eval_result){.level = work->level, .episodes = work->n};
    size_t with_foreign = 0, compared = 0;
    double steps = 0, bot_steps = 0;
    for (size_t i = 0; i < work->n; i++) {
        const trial *at = &work->trial[i];
        if (at->foreign != i) with_foreign++;
        if (at->unseen) result->episodes_unseen++;
        if (at->unseen && at->steps) result->solved_unseen++;
        if (at->foreign_steps) result->solved_foreign++;
        if (!at->steps) continue;
        result->solved++;
        if (at->bot_steps == NO_BOT || 2 * at->steps <= 3 * at->bot_steps) result->solved_in_time++;
        if (at->bot_steps == NO_BOT) continue;
        compared++;
        steps += (double)at->steps;
        bot_steps += (double)at->bot_steps;
    }
    result->success = (double)result->solved / (double)work->n;
    result->success_in_time = (double)result->solved_in_time / (double)work->n;
    result->success_foreign = foreign && with_foreign ? (double)result->solved_foreign / (double)with_foreign : NAN;
    result->mean_steps = compared ? steps / (double)compared : NAN;
    result->mean_steps_bot = compared ? bot_steps / (double)compared : NAN;
    wilson(result->solved, work->n, &result->wilson_low, &result->wilson_high);
    summarise_kinds(result, work);
    result->success_unseen = result->success_seen = result->unseen_low = result->unseen_high = NAN;
    if (result->episodes_unseen) {
        result->success_unseen = (double)result->solved_unseen / (double)result->episodes_unseen;
        wilson(result->solved_unseen, result->episodes_unseen, &result->unseen_low, &result->unseen_high);
    }
    if (work->n > result->episodes_unseen)
        result->success_seen =
            (double)(result->solved - result->solved_unseen) / (double)(work->n - result->episodes_unseen);
}

static triad_status embed_missions(float **instruction, evaluation *work, triad_pool *pool, triad_error *err)
{
    const size_t d = work->agent->layout.config.instruction;
    const agent_telling *telling = &work->agent->telling;
    const char **told = work->told;
    *instruction = calloc(work->n, d * sizeof **instruction);
    triad_status status = *instruction ? TRIAD_OK : triad_fail(err, TRIAD_ERR_MEMORY, -1, "evaluation: out of memory");
    for (size_t i = 0; i < work->n && !status; i++) {
        const char *mission = work->trial[i].mission;
        told[i] = telling_text(telling, mission);
        work->trial[i].unseen = telling_holds_out(telling, mission);
        if (!told[i])
            status = triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                                "%s: '%.200s' is no mission of the levels of this miswired agent",
                                babyai_level_name(work->level), mission);
    }
    if (!status)
        status = triad_agent_embed(work->agent, told, work->n, &(triad_agent_embedding){.instruction = *instruction},
                                   pool, err);
    return status;
}

static triad_status evaluate_level(triad_eval_result *result, evaluation *work, size_t n, uint64_t first_seed,
                                   triad_pool *pool, triad_error *err)
{
    float *instruction = NULL;
    triad_status status = choose_trials(work, n, first_seed, pool, err);
    if (!status) status = embed_missions(&instruction, work, pool, err);
    if (!status) {
        work->instruction = instruction;
        work->groups = (n + GROUP - 1) / GROUP;
        const size_t tiles = work->groups * (work->foreign ? 2 : 1);
        memset(work->status, 0, tiles * sizeof *work->status);
        triad_parallel(pool, tiles, act_tile, work);
        status = first_failure(work, tiles, err);
    }
    if (!status) summarise(result, work, work->foreign);
    free(instruction);
    return status;
}

triad_status triad_agent_evaluate(const triad_agent *agent, const babyai_level *const *levels, size_t level_count,
                                  size_t n, uint64_t first_seed, bool foreign, triad_eval_result *results,
                                  triad_pool *pool, triad_progress *progress, triad_error *err)
{
    if (n == 0 || n > 10000000)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "evaluation: %zu episodes (1 to 10000000)", n);
    evaluation work = {
        .agent = agent, .n = n, .foreign = foreign, .workers = triad_pool_threads(pool), .progress = progress};
    const size_t most_tiles = 2 * (n / GROUP + 1);
    work.trial = calloc(n, sizeof *work.trial);
    work.status = calloc(most_tiles, sizeof *work.status);
    work.error = calloc(most_tiles, sizeof *work.error);
    work.group = calloc((size_t)work.workers, sizeof *work.group);
    triad_status status = TRIAD_OK;
    work.told = calloc(n, sizeof *work.told);
    if (!work.trial || !work.told || !work.status || !work.error || !work.group) {
        if (!work.group) work.workers = 0;
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "evaluation: out of memory");
    }
    for (int w = 0; w < work.workers && !status; w++) status = actor_create(&work.group[w].actor, agent, GROUP, err);
    triad_progress_begin(progress, "evaluate", "episodes", (double)level_count * (double)n * (foreign ? 2 : 1));
    for (size_t l = 0; l < level_count && !status; l++) {
        work.level = levels[l];
        status = evaluate_level(&results[l], &work, n, first_seed, pool, err);
        forget_level(&work);
    }
    if (status)
        triad_progress_leave(progress);
    else
        triad_progress_end(progress, NULL);
    for (int w = 0; w < work.workers; w++) actor_free(&work.group[w].actor);
    free(work.group);
    free(work.trial);
    free((void *)work.told);
    free(work.status);
    free(work.error);
    return status;
}
