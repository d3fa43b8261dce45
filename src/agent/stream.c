#include "agent/stream.h"

#include "agent/agent_file.h"
#include "agent/features.h"
#include "agent/grow.h"
#include "agent/policy.h"
#include "agent/rollout.h"
#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 8,          /* demonstrations */
    ROLLOUT_BLOCK = 64, /* with roll-outs: the more act in step, the larger the products */
    PATIENCE = 2,       /* times the expert's steps that the learner is let act at most */
    KEY_LEVEL = 1,
    KEY_SEED = 2,
    KEY_PASS = 4,
    KEY_OTHER = 5,
    KEY_ROLLOUT = 6,
    OTHERS_MOST = 100, /* tries at an episode whose mission is told instead */
    SPARE = 8192       /* demonstrations: room for those that are passed over, where nearly all are kept out */
};
#define SEEDS 1000000000ULL /* training draws below, validation from 10^9, tests from 2 * 10^9 */

/* What one worker makes demonstrations with. */
typedef struct demo_maker {
    babyai_env **env; /* [levels] */
    babyai_bot **bot;
    babyai_env *replay; /* of files without observations */
    babyai_env *other;  /* where another episode's mission is from */
    babyai_episode episode;
    rollout_crew *crew; /* NULL: there are no roll-outs, or none yet */
    size_t rollouts;    /* of the block at hand */
    rollout roll[ROLLOUT_BLOCK];
    demonstration *rolled[ROLLOUT_BLOCK]; /* what becomes of each */
    uint32_t *visible;                    /* scratch */
    size_t visible_capacity;
} demo_maker;

struct demo_stream {
    demo_stream_options options;
    double *bound;        /* [levels] cumulative shares, the last one 1 */
    size_t blocks, block; /* of the ring; demonstrations in one */
    size_t ahead;         /* blocks that are made ahead of the next demonstration, at most */
    demonstration *demo;  /* [blocks * block] */
    triad_status *status; /* [blocks] */
    uint64_t *cost;       /* [blocks] operations of its roll-outs */
    uint64_t spent;
    triad_error *error;
    uint64_t next, released,
        made; /* numbers: the next to be taken; before it is free to be overwritten; before it is made */
    int workers;
    demo_maker *maker; /* [workers] */
};

uint64_t demo_seed(uint64_t seed, uint64_t k)
{
    /* k -> first + k * stride mod 10^9, a permutation since stride has no factor 2 or 5. */
    triad_pcg64 rng;
    triad_pcg64_seed_words(&rng, (const uint32_t[]){(uint32_t)seed, (uint32_t)(seed >> 32), KEY_SEED}, 3);
    const uint64_t first = triad_pcg64_next64(&rng) % SEEDS;
    uint64_t stride = triad_pcg64_next64(&rng) % SEEDS;
    while (stride % 2 == 0 || stride % 5 == 0) stride++;
    return (uint64_t)((first + (unsigned __int128)(k % SEEDS) * stride) % SEEDS);
}

static size_t draw_level(const demo_stream *stream, uint64_t k)
{
    const uint64_t seed = stream->options.seed;
    triad_pcg64 rng;
    triad_pcg64_seed_words(
        &rng, (const uint32_t[]){(uint32_t)seed, (uint32_t)(seed >> 32), KEY_LEVEL, (uint32_t)k, (uint32_t)(k >> 32)},
        5);
    const double u = triad_pcg64_uniform(&rng);
    size_t level = 0;
    while (level + 1 < stream->options.level_count && u >= stream->bound[level]) level++;
    return level;
}

/* A permutation of [0, n) for each pass, without memory: four rounds of a Feistel network over the next even number of
 * bits, walked until it falls inside (Black & Rogaway 2002). */
static size_t shuffled(size_t i, size_t n, uint64_t seed, uint64_t pass)
{
    unsigned half = 1;
    while (half < 31 && (n - 1) >> (2 * half)) half++;
    const uint64_t mask = (1ULL << half) - 1;
    uint64_t at = i;
    do {
        uint64_t left = at >> half, right = at & mask;
        for (uint64_t round = 0; round < 4; round++) {
            uint64_t state = seed ^ (pass << 8 | KEY_PASS << 4 | round) * 0x9e3779b97f4a7c15ULL ^ right << 20;
            triad_splitmix64(&state);
            const uint64_t mixed = left ^ (triad_splitmix64(&state) & mask);
            left = right;
            right = mixed;
        }
        at = left << half | right;
    } while (at >= n);
    return (size_t)at;
}

/* ---- from an episode to tokens */

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "demonstrations: out of memory");
}

static triad_status convert_words(demonstration *demo, const char *told, const agent_words *words, triad_error *err)
{
    uint32_t index[POLICY_MAX_WORDS];
    const triad_status status = agent_words_encode(words, told, index, &demo->words, err);
    if (status) return status;
    if (!agent_grow(&demo->word, &demo->word_capacity, demo->words, sizeof *demo->word)) return out_of_memory(err);
    memcpy(demo->word, index, demo->words * sizeof *index);
    return TRIAD_OK;
}

/* label [steps]: what is to be imitated, whoever acted. */
static triad_status convert_steps(demonstration *demo, const babyai_episode *episode, const uint8_t *label,
                                  triad_error *err)
{
    if (!agent_grow(&demo->action, &demo->action_capacity, episode->steps, sizeof *demo->action) ||
        !agent_grow(&demo->step_visible, &demo->visible_capacity, episode->steps, sizeof *demo->step_visible) ||
        !agent_grow(&demo->step_token, &demo->step_capacity, episode->steps + 1, sizeof *demo->step_token))
        return out_of_memory(err);
    demo->steps = demo->labelled = episode->steps;
    demo->tokens = 0;
    size_t bag_rows = 0;
    feature_odometer odometer;
    feature_start(&odometer);
    demo->step_token[0] = 0;
    for (size_t s = 0; s < episode->steps; s++) {
        uint32_t tokens, visible, token_bag[FEATURE_MAX_TOKENS + 1];
        uint16_t bag[FEATURE_MAX_BAG];
        feature_observe(&odometer, episode->observation + s * BABYAI_OBSERVATION, episode->direction[s], &tokens,
                        &visible, token_bag, bag);
        demo->step_visible[s] = (uint8_t)visible;
        if (!agent_grow(&demo->token_bag, &demo->token_capacity, demo->tokens + tokens + 1, sizeof *demo->token_bag) ||
            !agent_grow(&demo->bag, &demo->bag_capacity, bag_rows + token_bag[tokens], sizeof *demo->bag))
            return out_of_memory(err);
        memcpy(demo->bag + bag_rows, bag, token_bag[tokens] * sizeof *bag);
        for (uint32_t t = 0; t <= tokens; t++) demo->token_bag[demo->tokens + t] = (uint32_t)bag_rows + token_bag[t];
        demo->tokens += tokens;
        bag_rows += token_bag[tokens];
        demo->step_token[s + 1] = (uint32_t)demo->tokens;
        demo->action[s] = label[s];
        feature_act(&odometer, (babyai_action)episode->action[s]);
    }
    return TRIAD_OK;
}

/* ---- the ring */

size_t demo_stream_wanted(const demo_stream *stream, size_t limit)
{
    const uint64_t room =
        stream->released - stream->released % stream->block + stream->blocks * stream->block - stream->made;
    const uint64_t made = (stream->made - (stream->next - stream->next % stream->block)) / stream->block;
    size_t blocks = (size_t)(room / stream->block);
    if (blocks + made > stream->ahead) blocks = made < stream->ahead ? (size_t)(stream->ahead - made) : 0;
    return blocks < limit ? blocks : limit;
}

static triad_status play(demo_maker *maker, demonstration *demo, bool *solved, const demo_stream *stream, uint64_t k,
                         triad_error *err)
{
    const demo_stream_options *options = &stream->options;
    if (options->file) {
        const size_t n = babyai_demos_count(options->file);
        const size_t index = shuffled((size_t)(k % n), n, options->seed, k / n);
        *solved = true;
        demo->level = 0;
        const triad_status status = babyai_demos_read(options->file, index, &maker->episode, &maker->replay, err);
        if (status || maker->episode.seed < SEEDS) return status;
        return triad_fail(
            err, TRIAD_ERR_RANGE, -1,
            "demonstrations: episode %zu has seed %llu, which is kept for evaluation (training uses seeds "
            "below 10^9)",
            index, (unsigned long long)maker->episode.seed);
    }
    const size_t level = demo->level = draw_level(stream, k);
    const triad_status status = babyai_demonstrate(&maker->episode, solved, &maker->env[level], &maker->bot[level],
                                                   options->levels[level], demo_seed(options->seed, k), err);
    if (status != TRIAD_ERR_GENERATION) return status;
    *solved = false;
    return TRIAD_OK;
}

/* The mission of another episode of the same level, drawn by seed and k. */
static triad_status other_mission(demo_maker *maker, const char **told, const demo_stream *stream, uint64_t k,
                                  triad_error *err)
{
    const uint64_t seed = stream->options.seed;
    triad_pcg64 rng;
    triad_pcg64_seed_words(
        &rng, (const uint32_t[]){(uint32_t)seed, (uint32_t)(seed >> 32), KEY_OTHER, (uint32_t)k, (uint32_t)(k >> 32)},
        5);
    if (maker->other && babyai_env_level(maker->other) != maker->episode.level) {
        babyai_free(maker->other);
        maker->other = NULL;
    }
    triad_status status = maker->other ? TRIAD_OK : babyai_create(&maker->other, maker->episode.level, err);
    if (status) return status;
    for (int i = 0; i < OTHERS_MOST; i++) {
        status = babyai_reset_fresh(maker->other, triad_pcg64_next64(&rng) % SEEDS, NULL);
        if (status == TRIAD_ERR_GENERATION) continue;
        *told = babyai_mission(maker->other);
        return status;
    }
    return triad_fail(err, TRIAD_ERR_GENERATION, -1, "%s: no episode whose mission could be told instead",
                      babyai_level_name(maker->episode.level));
}

/* Whether the learner acts in episode k; and how long at most, in times the expert's steps. */
static bool is_rollout(double *patience, const demo_stream *stream, uint64_t k)
{
    const uint64_t seed = stream->options.seed;
    if (!(stream->options.rollouts > 0)) return false;
    triad_pcg64 rng;
    triad_pcg64_seed_words(
        &rng, (const uint32_t[]){(uint32_t)seed, (uint32_t)(seed >> 32), KEY_ROLLOUT, (uint32_t)k, (uint32_t)(k >> 32)},
        5);
    const bool is = triad_pcg64_uniform(&rng) < stream->options.rollouts;
    *patience = PATIENCE * triad_pcg64_uniform(&rng);
    return is;
}

/* Puts the episode that the expert has just solved on the list of those that the learner will act in. */
static void add_rollout(demo_maker *maker, demonstration *demo, double patience)
{
    rollout *next = &maker->roll[maker->rollouts];
    next->level = maker->episode.level;
    next->seed = maker->episode.seed;
    next->word = demo->word;
    next->words = demo->words;
    next->patience = 1 + (size_t)(patience * (double)maker->episode.steps);
    maker->rolled[maker->rollouts++] = demo;
}

/* Demonstration k, passed over (not solved) where there is nothing to imitate or it is kept out. */
static triad_status make(demonstration *demo, demo_maker *maker, const demo_stream *stream, uint64_t k,
                         triad_error *err)
{
    const agent_telling *telling = stream->options.telling;
    const babyai_episode *episode = &maker->episode;
    demo->number = k;
    demo->solved = false;
    bool solved = false;
    triad_status status = play(maker, demo, &solved, stream, k, err);
    if (status || !solved || episode->steps == 0) return status;
    if (telling && telling_holds_out(telling, episode->mission)) return TRIAD_OK;
    const char *told = telling ? telling_text(telling, episode->mission) : episode->mission;
    if (!told)
        return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "'%.200s' is no mission of the levels that are trained",
                          episode->mission);
    if (telling && telling->mode == TRIAD_SHUFFLED) status = other_mission(maker, &told, stream, k, err);
    if (!status) status = convert_words(demo, told, stream->options.words, err);
    if (status) return status;
    demo->solved = true;
    double patience;
    if (!is_rollout(&patience, stream, k)) return convert_steps(demo, episode, episode->action, err);
    add_rollout(maker, demo, patience);
    return TRIAD_OK;
}

/* What the learner's steps have cost: a forward pass over them. */
static bool add_cost(uint64_t *cost, demo_maker *maker, const demonstration *demo, size_t acted,
                     const policy_layout *layout)
{
    if (!agent_grow(&maker->visible, &maker->visible_capacity, acted, sizeof *maker->visible)) return false;
    for (size_t s = 0; s < acted; s++) maker->visible[s] = demo->step_visible[s];
    const policy_input input = {.instructions = 1,
                                .word_offset = (const uint32_t[]){0, (uint32_t)demo->words},
                                .episodes = 1,
                                .episode_instruction = (const uint32_t[]){0},
                                .episode_offset = (const uint32_t[]){0, (uint32_t)acted},
                                .steps = acted,
                                .visible = maker->visible,
                                .tokens = demo->step_token[acted]};
    *cost += policy_flops(layout, &input) / 3;
    return true;
}

static triad_status roll_out(demo_maker *maker, uint64_t *cost, const demo_stream *stream, triad_error *err)
{
    const triad_agent *learner = stream->options.learner;
    triad_status status = TRIAD_OK;
    if (!maker->crew) status = rollout_crew_create(&maker->crew, learner, stream->block, err);
    if (!status) status = rollout_play(maker->crew, maker->roll, maker->rollouts, err);
    for (size_t i = 0; i < maker->rollouts && !status; i++) {
        const rollout *done = &maker->roll[i];
        demonstration *demo = maker->rolled[i];
        status = convert_steps(demo, &done->episode, done->label, err);
        if (!status && !add_cost(cost, maker, demo, done->acted, &learner->layout)) status = out_of_memory(err);
        if (status) break;
        demo->steps = done->shown;
        demo->tokens = demo->step_token[done->shown];
        demo->labelled = done->labelled;
    }
    return status;
}

void demo_stream_fill(demo_stream *stream, size_t tile, int worker)
{
    const uint64_t first = stream->made + tile * stream->block;
    const size_t block = (size_t)(first / stream->block % stream->blocks);
    demo_maker *maker = &stream->maker[worker];
    triad_status status = TRIAD_OK;
    maker->rollouts = 0;
    stream->cost[block] = 0;
    for (size_t i = 0; i < stream->block && !status; i++)
        status = make(&stream->demo[block * stream->block + i], maker, stream, first + i, &stream->error[block]);
    if (maker->rollouts && !status) status = roll_out(maker, &stream->cost[block], stream, &stream->error[block]);
    stream->status[block] = status;
}

triad_status demo_stream_filled(demo_stream *stream, size_t tiles, triad_error *err)
{
    for (size_t t = 0; t < tiles; t++) {
        const size_t block = (size_t)((stream->made / stream->block + t) % stream->blocks);
        if (stream->status[block]) {
            if (err) *err = stream->error[block];
            return stream->status[block];
        }
        stream->spent += stream->cost[block];
    }
    stream->made += tiles * stream->block;
    return TRIAD_OK;
}

const demonstration *demo_stream_next(demo_stream *stream)
{
    while (stream->next < stream->made) {
        const demonstration *demo = &stream->demo[stream->next % (stream->blocks * stream->block)];
        stream->next++;
        if (demo->solved) return demo;
    }
    return NULL;
}

void demo_stream_release(demo_stream *stream)
{
    stream->released = stream->next;
}

uint64_t demo_stream_position(const demo_stream *stream)
{
    return stream->next;
}

void demo_stream_restart(demo_stream *stream)
{
    /* Blocks start at multiples of their size, whatever number is wanted first. */
    stream->made = stream->next - stream->next % stream->block;
    stream->released = stream->next;
}

uint64_t demo_stream_spent(demo_stream *stream)
{
    const uint64_t spent = stream->spent;
    stream->spent = 0;
    return spent;
}

/* ---- life */

triad_status demo_stream_create(demo_stream **made, const demo_stream_options *options, triad_error *err)
{
    demo_stream *stream = calloc(1, sizeof *stream);
    *made = NULL;
    if (!stream) goto memory;
    stream->options = *options;
    /* A batch and the next one, even where every demonstration is a single step. */
    stream->block = options->rollouts > 0 ? ROLLOUT_BLOCK : BLOCK;
    stream->ahead = 2 * (options->batch_steps / stream->block + 2);
    stream->blocks = stream->ahead + SPARE / stream->block;
    stream->next = options->first;
    demo_stream_restart(stream);
    stream->workers = options->workers;
    stream->bound = calloc(options->level_count + 1, sizeof *stream->bound);
    stream->demo = calloc(stream->blocks * stream->block, sizeof *stream->demo);
    stream->status = calloc(stream->blocks, sizeof *stream->status);
    stream->cost = calloc(stream->blocks, sizeof *stream->cost);
    stream->error = calloc(stream->blocks, sizeof *stream->error);
    stream->maker = calloc((size_t)options->workers, sizeof *stream->maker);
    if (!stream->bound || !stream->demo || !stream->status || !stream->cost || !stream->error || !stream->maker)
        goto memory;
    for (int w = 0; w < stream->workers; w++) {
        stream->maker[w].env = calloc(options->level_count + 1, sizeof *stream->maker[w].env);
        stream->maker[w].bot = calloc(options->level_count + 1, sizeof *stream->maker[w].bot);
        if (!stream->maker[w].env || !stream->maker[w].bot) goto memory;
    }
    double sum = 0, so_far = 0;
    for (size_t l = 0; l < options->level_count; l++) sum += options->shares[l];
    for (size_t l = 0; l < options->level_count; l++) {
        so_far += options->shares[l];
        stream->bound[l] = so_far / sum;
    }
    *made = stream;
    return TRIAD_OK;
memory:
    demo_stream_free(stream);
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "demonstrations: out of memory");
}

void demo_stream_free(demo_stream *stream)
{
    if (!stream) return;
    for (int w = 0; stream->maker && w < stream->workers; w++) {
        demo_maker *maker = &stream->maker[w];
        for (size_t l = 0; l < stream->options.level_count; l++) {
            if (maker->bot) babyai_bot_free(maker->bot[l]);
            if (maker->env) babyai_free(maker->env[l]);
        }
        free(maker->env);
        free(maker->bot);
        babyai_free(maker->replay);
        babyai_free(maker->other);
        babyai_episode_free(&maker->episode);
        rollout_crew_free(maker->crew);
        for (size_t i = 0; i < ROLLOUT_BLOCK; i++) rollout_free(&maker->roll[i]);
        free(maker->visible);
    }
    for (size_t i = 0; stream->demo && i < stream->blocks * stream->block; i++) {
        demonstration *demo = &stream->demo[i];
        free(demo->word);
        free(demo->step_token);
        free(demo->step_visible);
        free(demo->token_bag);
        free(demo->bag);
        free(demo->action);
    }
    free(stream->maker);
    free(stream->error);
    free(stream->status);
    free(stream->cost);
    free(stream->demo);
    free(stream->bound);
    free(stream);
}
