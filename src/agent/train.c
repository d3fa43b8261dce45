/* Behavioural cloning on endless fresh demonstrations: the loop, its budget, its log, snapshots and checkpoints.
 *
 * Whatever decides about bytes is counted: floating-point operations or steps. Times go into the log alone. */
#include "agent/agent_file.h"
#include "agent/learner.h"
#include "agent/recipe.h"
#include "base/file.h"
#include "base/progress.h"
#include "base/text.h"
#include "formats/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WARM_UP = 200,          /* updates */
    LOG_EVERY = 50,         /* updates */
    CHECKPOINT_EVERY = 500, /* updates, by default */
    SNAPSHOT_FIRST = 4096,  /* steps; then each time four times as many */
    PASSES = 4,             /* over a file of demonstrations, without a budget */
    ROLLOUT_BLOCKS = 4, /* filled at a time, with roll-outs: enough for a few workers, fresh enough for the learner */
    FILL_MOST = 12      /* blocks of demonstrations beside one update: twice what it takes on average */
};
#define COUNT_MOST (INT64_C(1) << 61) /* of anything counted: what a checkpoint says beyond it is nonsense */
#define FIRST_VALIDATION_SEED 1000000000ULL
#define WEIGHT_DECAY 0.01
#define BETA1 0.9
#define BETA2 0.98
#define CLIP 1.0
#define RATE_FLOOR 0.02
#define SYMBOL_SCALE 0.04f /* of the embeddings of whole instructions at the start: near zero, so nearly alike */
#define SYMBOL_RATE 10     /* learning rate of those, in the others': each is told in few batches and has far to come */

triad_train_options triad_train_defaults(void)
{
    return (triad_train_options){.validations = 10, .validation_episodes = 200};
}

typedef struct agent_training {
    triad_train_options options; /* levels: the file's where there is one */
    const babyai_level **file_levels;
    double *shares; /* [levels] */
    babyai_demos *demos;
    char demos_sha256[65], from_sha256[65]; /* "": none */
    policy_layout layout;
    agent_words words;
    agent_telling telling;
    uint64_t *met; /* opaque: [words] episodes of each instruction so far */
    agent_learner learner;
    triad_agent self; /* what is being trained, as an agent: borrows from the above */
    demo_stream *stream;
    agent_batch batch;
    json_object *asked;                   /* the options, as they stand in files */
    uint64_t update, steps, flops, first; /* done so far; first: the next demonstration at the start */
    uint64_t next_snapshot;
    double success; /* mean over the levels in the last validation; below 0: none yet */
    bool stopped;   /* early, at the success rate that was asked for */
    FILE *log;
    triad_pool *pool;
    triad_progress *progress;
} agent_training;

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "train: out of memory");
}

/* ---- options */

static size_t or_default(int value, size_t otherwise)
{
    return value > 0 ? (size_t)value : otherwise;
}

static uint64_t checkpoint_every(const triad_train_options *options)
{
    return options->checkpoint_every ? options->checkpoint_every : CHECKPOINT_EVERY;
}

static triad_status check_options(const triad_train_options *options, triad_error *err)
{
    if (options->demos && options->level_count)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "train: levels and a file of demonstrations (name one of them)");
    if (options->demos && options->shares)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                          "train: shares with a file of demonstrations (each of its episodes is met as often)");
    if (!options->demos && (options->level_count == 0 || !options->levels))
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "train: no level to train on");
    if (!options->agent_path || !*options->agent_path)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "train: no file for the agent");
    if (options->batch_steps > 100000)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "train: batches of %zu steps (at most 100000)",
                          options->batch_steps);
    if (!(options->learning_rate >= 0 && options->learning_rate <= 1))
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "train: a learning rate of %g (0 to 1)", options->learning_rate);
    if (!(options->tflop >= 0 && options->tflop <= 1e6))
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "train: a budget of %g TFLOP", options->tflop);
    if (options->validations > 10000 || options->validation_episodes > 1000000 ||
        (options->validations && options->validation_episodes == 0))
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "train: %zu validations on %zu episodes (at most 10000 on 1000000)",
                          options->validations, options->validation_episodes);
    if (!(options->stop_at >= 0 && options->stop_at <= 1))
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "train: stop at a success rate of %g (0 to 1)", options->stop_at);
    if (options->stop_at > 0 && options->validations == 0)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "train: to stop at a success rate takes validations");
    if (!(options->dropout >= 0 && options->dropout < 1))
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "train: a dropout of %g (0 to below 1)", options->dropout);
    if (!(options->dagger >= 0 && options->dagger <= 1))
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "train: the learner acts in a share of %g of the episodes (0 to 1)",
                          options->dagger);
    if (options->dagger > 0 && options->demos)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                          "train: DAgger with a file of demonstrations (name levels: the expert must be asked anew)");
    if (options->from && options->instructions == TRIAD_OPAQUE)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                          "train: an opaque agent can't go on from another (its vocabulary is its levels' missions)");
    for (size_t l = 0; l < options->level_count; l++) {
        if (options->shares && !(options->shares[l] > 0 && isfinite(options->shares[l])))
            return triad_fail(err, TRIAD_ERR_RANGE, -1, "train: a share of %g for %s", options->shares[l],
                              babyai_level_name(options->levels[l]));
        for (size_t m = 0; m < l; m++)
            if (options->levels[m] == options->levels[l])
                return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "train: %s is named twice",
                                  babyai_level_name(options->levels[l]));
    }
    return TRIAD_OK;
}

static json_object *options_to_json(const agent_training *trainer)
{
    const triad_train_options *options = &trainer->options;
    json_object *object = json_object_new_object(), *levels = json_object_new_array(),
                *shares = json_object_new_array(), *hold_out = telling_hold_out_json(&trainer->telling);
    if (!object || !levels || !shares || !hold_out) {
        json_object_put(object);
        json_object_put(levels);
        json_object_put(shares);
        json_object_put(hold_out);
        return NULL;
    }
    for (size_t l = 0; l < options->level_count; l++) {
        json_object_array_add(levels, json_object_new_string(babyai_level_name(options->levels[l])));
        json_object_array_add(shares, json_new_real(trainer->shares[l]));
    }
    json_object_object_add(object, "levels", levels);
    json_object_object_add(object, "shares", shares);
    json_object_object_add(object, "demos", json_object_new_string(trainer->demos ? trainer->demos_sha256 : ""));
    json_object_object_add(object, "instructions", json_object_new_string(telling_name(options->instructions)));
    json_object_object_add(object, "hold_out", hold_out);
    json_object_object_add(object, "seed", json_object_new_uint64(options->seed));
    if (options->tflop > 0)
        json_object_object_add(object, "tflop", json_new_real(options->tflop));
    else
        json_object_object_add(object, "steps", json_object_new_uint64(options->steps));
    json_object_object_add(object, "batch_steps", json_object_new_uint64(options->batch_steps));
    json_object_object_add(object, "learning_rate", json_new_real(options->learning_rate));
    if (options->instructions == TRIAD_OPAQUE)
        json_object_object_add(object, "symbol_rate", json_object_new_int(SYMBOL_RATE));
    json_object_object_add(object, "weight_decay", json_new_real(WEIGHT_DECAY));
    json_object_object_add(object, "beta1", json_new_real(BETA1));
    json_object_object_add(object, "beta2", json_new_real(BETA2));
    json_object_object_add(object, "clip", json_new_real(CLIP));
    json_object_object_add(object, "warm_up", json_object_new_int(WARM_UP));
    json_object_object_add(object, "from", json_object_new_string(trainer->from_sha256));
    if (options->dropout > 0) json_object_object_add(object, "dropout", json_new_real(options->dropout));
    if (options->dagger > 0) {
        json_object_object_add(object, "dagger", json_new_real(options->dagger));
        json_object_object_add(object, "checkpoint_every", json_object_new_uint64(checkpoint_every(options)));
    }
    if (options->stop_at > 0) {
        json_object_object_add(object, "stop_at", json_new_real(options->stop_at));
        json_object_object_add(object, "validations", json_object_new_uint64(options->validations));
        json_object_object_add(object, "validation_episodes", json_object_new_uint64(options->validation_episodes));
    }
    return object;
}

/* How much of the budget is used. */
static double used(const agent_training *trainer)
{
    return trainer->options.tflop > 0 ? (double)trainer->flops / (trainer->options.tflop * 1e12)
                                      : (double)trainer->steps / (double)trainer->options.steps;
}

/* ---- files */

static char *beside(const agent_training *trainer, const char *suffix)
{
    triad_text text = {0};
    triad_text_addf(&text, "%s%s", trainer->options.agent_path, suffix);
    if (!text.failed) return text.bytes;
    triad_text_free(&text);
    return NULL;
}

static void add_counts(json_object *object, const agent_training *trainer)
{
    json_object_object_add(object, "updates_done", json_object_new_uint64(trainer->update));
    json_object_object_add(object, "steps_done", json_object_new_uint64(trainer->steps));
    json_object_object_add(object, "flop_done", json_object_new_uint64(trainer->flops));
}

/* Opaque: the instruction that was met least, of those that are not kept out; every symbol's embedding is learnt alone.
 */
static size_t rarest(const agent_training *trainer)
{
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < trainer->words.count; i++)
        if ((least == SIZE_MAX || trainer->met[i] < trainer->met[least]) &&
            !telling_holds_out(&trainer->telling, trainer->words.word[i]))
            least = i;
    return least == SIZE_MAX ? 0 : least; /* all are kept out: then there is nothing to train on */
}

static json_object *met_to_json(const agent_training *trainer)
{
    json_object *list = json_object_new_array();
    for (size_t i = 0; list && i < trainer->words.count; i++)
        json_object_array_add(list, json_object_new_uint64(trainer->met[i]));
    return list;
}

static triad_status met_from_json(agent_training *trainer, json_object *list, triad_error *err)
{
    if (!json_object_is_type(list, json_type_array) || json_object_array_length(list) != trainer->words.count)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "state: 'met' is no list of %zu numbers", trainer->words.count);
    for (size_t i = 0; i < trainer->words.count; i++) {
        json_object *count = json_object_array_get_idx(list, i);
        if (!json_object_is_type(count, json_type_int) || json_object_get_int64(count) < 0)
            return triad_fail(err, TRIAD_ERR_FORMAT, -1, "state: 'met' entry %zu is no count", i);
        trainer->met[i] = json_object_get_uint64(count);
    }
    return TRIAD_OK;
}

static triad_status write_agent(const agent_training *trainer, const char *suffix, triad_error *err)
{
    char *path = beside(trainer, suffix);
    json_object *training = options_to_json(trainer);
    triad_status status = path && training ? TRIAD_OK : out_of_memory(err);
    if (!status) {
        add_counts(training, trainer);
        if (trainer->met)
            json_object_object_add(training, "fewest_episodes_of_an_instruction",
                                   json_object_new_uint64(trainer->met[rarest(trainer)]));
        status = agent_write(path, &trainer->layout, &trainer->words, trainer->learner.params, training, err);
    }
    json_object_put(training);
    free(path);
    return status;
}

static triad_status write_checkpoint(const agent_training *trainer, triad_error *err)
{
    char *path = beside(trainer, ".checkpoint");
    json_object *state = json_object_new_object();
    triad_status status = path && state ? TRIAD_OK : out_of_memory(err);
    if (!status) {
        add_counts(state, trainer);
        if (trainer->met) json_object_object_add(state, "met", met_to_json(trainer));
        json_object_object_add(
            state, "next_demonstration",
            json_object_new_uint64(trainer->stream ? demo_stream_position(trainer->stream) : trainer->first));
        json_object_object_add(state, "stopped", json_object_new_boolean(trainer->stopped));
        const agent_checkpoint checkpoint = {trainer->learner.first, trainer->learner.second, trainer->asked, state};
        status =
            agent_write_checkpoint(path, &trainer->layout, &trainer->words, trainer->learner.params, &checkpoint, err);
    }
    json_object_put(state);
    free(path);
    return status;
}

static triad_status same_option(json_object *asked, json_object *had, const char *key, triad_error *err)
{
    json_object *mine = json_object_object_get(asked, key), *theirs = json_object_object_get(had, key);
    char *is = mine ? json_to_text(mine, false) : NULL, *was = theirs ? json_to_text(theirs, false) : NULL;
    const triad_status status =
        is && was && strcmp(is, was) == 0
            ? TRIAD_OK
            : triad_fail(
                  err, TRIAD_ERR_ARGUMENT, -1,
                  "a run with other options: %s was %s and is %s (start anew with --force, or train to another file)",
                  key, was ? was : "not given", is ? is : "not given");
    free(is);
    free(was);
    return status;
}

/* Refuses a checkpoint of another run, naming what differs. */
static triad_status same_run(const agent_training *trainer, const triad_agent *agent, json_object *options,
                             triad_error *err)
{
    triad_error why;
    if (agent_is_like(agent, &trainer->layout.config, &trainer->words, &why))
        return triad_fail(err, why.code, -1, "%.300s (start anew with --force, or train to another file)", why.text);
    json_object_object_foreach(trainer->asked, mine, unused_mine)
    {
        (void)unused_mine;
        const triad_status status = same_option(trainer->asked, options, mine, err);
        if (status) return status;
    }
    json_object_object_foreach(options, theirs, unused_theirs)
    {
        (void)unused_theirs;
        const triad_status status = same_option(trainer->asked, options, theirs, err);
        if (status) return status;
    }
    return TRIAD_OK;
}

static triad_status read_state(agent_training *trainer, json_object *state, triad_error *err)
{
    int64_t update, steps, flops, next;
    triad_status status = json_want_int(state, "updates_done", 0, COUNT_MOST, &update, err);
    if (!status) status = json_want_int(state, "steps_done", 0, COUNT_MOST, &steps, err);
    if (!status) status = json_want_int(state, "flop_done", 0, COUNT_MOST, &flops, err);
    if (!status) status = json_want_int(state, "next_demonstration", 0, COUNT_MOST, &next, err);
    if (status) return status;
    trainer->update = (uint64_t)update;
    trainer->steps = (uint64_t)steps;
    trainer->flops = (uint64_t)flops;
    trainer->first = (uint64_t)next;
    json_object *stopped = json_object_object_get(state, "stopped");
    if (!json_object_is_type(stopped, json_type_boolean))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "state: 'stopped' is neither true nor false");
    trainer->stopped = json_object_get_boolean(stopped);
    return trainer->met ? met_from_json(trainer, json_object_object_get(state, "met"), err) : TRIAD_OK;
}

/* The parameters to start from. */
static triad_status start_from(agent_training *trainer, const char *path, triad_error *err)
{
    triad_agent *agent;
    triad_status status = triad_agent_open(&agent, path, err);
    if (status) return status;
    status = agent_is_like(agent, &trainer->layout.config, &trainer->words, err);
    if (status)
        triad_fail_in(err, path);
    else
        memcpy(trainer->learner.params, agent->params, trainer->layout.size * sizeof(float));
    triad_agent_close(agent);
    return status;
}

static triad_status resume(agent_training *trainer, const char *path, triad_error *err)
{
    triad_agent *agent;
    agent_checkpoint checkpoint;
    triad_status status = agent_read(&agent, &checkpoint, path, err);
    if (status) return status;
    status = same_run(trainer, agent, checkpoint.options, err);
    if (!status) status = read_state(trainer, checkpoint.state, err);
    if (status)
        triad_fail_in(err, path);
    else {
        const size_t bytes = trainer->layout.size * sizeof(float);
        memcpy(trainer->learner.params, agent->params, bytes);
        memcpy(trainer->learner.first, checkpoint.first, bytes);
        memcpy(trainer->learner.second, checkpoint.second, bytes);
    }
    agent_checkpoint_free(&checkpoint);
    triad_agent_close(agent);
    return status;
}

/* ---- start */

/* The file's levels stand in for those of the options. */
static triad_status open_demos(agent_training *trainer, triad_error *err)
{
    triad_train_options *options = &trainer->options;
    if (!options->demos) return TRIAD_OK;
    triad_status status = babyai_demos_open(&trainer->demos, options->demos, err);
    if (!status) status = triad_sha256_file(trainer->demos_sha256, options->demos, err);
    if (status) return status;
    const size_t count = options->level_count = babyai_demos_level_count(trainer->demos);
    trainer->file_levels = calloc(count + 1, sizeof *trainer->file_levels);
    if (!trainer->file_levels) return out_of_memory(err);
    for (size_t l = 0; l < count; l++) trainer->file_levels[l] = babyai_demos_level_at(trainer->demos, l);
    options->levels = trainer->file_levels;
    for (size_t e = 0; e < babyai_demos_count(trainer->demos); e++)
        if (babyai_demos_seed(trainer->demos, e) >= 1000000000)
            return triad_fail(err, TRIAD_ERR_RANGE, -1,
                              "%s: episode %zu has seed %llu, kept for evaluation (training uses seeds below 10^9)",
                              options->demos, e, (unsigned long long)babyai_demos_seed(trainer->demos, e));
    if (options->tflop == 0 && options->steps == 0) options->steps = PASSES * babyai_demos_steps(trainer->demos);
    return babyai_demos_steps(trainer->demos) > 0
               ? TRIAD_OK
               : triad_fail(err, TRIAD_ERR_FORMAT, -1, "%s: no demonstration to learn from", options->demos);
}

static triad_status prepare_telling(agent_training *trainer, triad_error *err)
{
    const triad_train_options *options = &trainer->options;
    triad_status status =
        telling_words(&trainer->words, options->instructions, options->levels, options->level_count, err);
    if (!status)
        status = telling_create(&trainer->telling, options->instructions, options->levels, options->level_count,
                                options->seed, err);
    if (!status && options->hold_out) {
        status = telling_hold_out(&trainer->telling, options->hold_out, err);
        if (status) return triad_fail_in(err, "hold-out");
    }
    if (!status && options->instructions == TRIAD_OPAQUE) {
        trainer->met = calloc(trainer->words.count, sizeof *trainer->met);
        if (!trainer->met) return out_of_memory(err);
    }
    return status;
}

/* Whatever was not asked for. */
static void follow_recipe(triad_train_options *options)
{
    if (options->tflop == 0 && options->steps == 0)
        options->tflop = recipe_tflop(options->levels, options->level_count);
    if (options->batch_steps == 0) options->batch_steps = recipe_batch_steps(options->levels, options->level_count);
    if (options->learning_rate == 0)
        options->learning_rate = recipe_learning_rate(options->levels, options->level_count);
}

static triad_status prepare(agent_training *trainer, triad_error *err)
{
    const triad_train_options *options = &trainer->options;
    triad_status status = check_options(options, err);
    if (!status) status = open_demos(trainer, err);
    if (!status) follow_recipe(&trainer->options);
    if (!status && options->from) status = triad_sha256_file(trainer->from_sha256, options->from, err);
    if (!status) status = prepare_telling(trainer, err);
    if (status) return status;
    policy_config config = policy_recipe(trainer->words.count);
    config.width = or_default(options->width, config.width);
    config.heads = or_default(options->heads, config.heads);
    config.feed_forward = or_default(options->feed_forward, config.feed_forward);
    config.encoder_layers = or_default(options->encoder_layers, config.encoder_layers);
    config.cell_layers = or_default(options->cell_layers, config.cell_layers);
    config.memory_layers = or_default(options->memory_layers, config.memory_layers);
    config.recall_layers = or_default(options->recall_layers, config.recall_layers);
    config.window = or_default(options->window, config.window);
    config.instruction = or_default(options->instruction, config.instruction);
    config.cross_layers = or_default(options->cross_layers, config.cross_layers);
    status = policy_check(&config, err);
    if (status) return status;
    policy_lay_out(&trainer->layout, &config);
    for (size_t t = 0; t < trainer->layout.tensors; t++)
        if (options->instructions == TRIAD_OPAQUE && trainer->layout.tensor[t].offset == trainer->layout.word)
            trainer->layout.tensor[t].rate = SYMBOL_RATE;

    trainer->shares = calloc(options->level_count, sizeof *trainer->shares);
    if (!trainer->shares) return out_of_memory(err);
    for (size_t l = 0; l < options->level_count; l++)
        trainer->shares[l] = options->shares ? options->shares[l] : recipe_share(options->levels[l]);
    trainer->asked = options_to_json(trainer);
    if (!trainer->asked) return out_of_memory(err);

    /* The agent itself is written last. */
    status = triad_atomic_check(options->agent_path, err);
    if (status) return status;
    status = learner_create(&trainer->learner, &trainer->layout, triad_pool_threads(trainer->pool), err);
    if (status) return status;
    trainer->self = (triad_agent){.layout = trainer->layout,
                                  .words = trainer->words,
                                  .telling = trainer->telling,
                                  .params = trainer->learner.params};
    char *path = beside(trainer, ".checkpoint"), *log = beside(trainer, ".log.jsonl");
    const bool go_on = options->resume && path && triad_path_exists(path);
    if (!path || !log)
        status = out_of_memory(err);
    else if (go_on)
        status = resume(trainer, path, err);
    else {
        policy_initialise(trainer->learner.params, &trainer->layout, options->seed);
        if (options->instructions == TRIAD_OPAQUE)
            for (size_t i = 0; i < trainer->words.count * config.width; i++)
                trainer->learner.params[trainer->layout.word + i] *= SYMBOL_SCALE;
        if (options->from) status = start_from(trainer, options->from, err);
        if (!status) status = write_agent(trainer, ".step-0", err);
        if (!status) status = write_checkpoint(trainer, err);
    }
    if (!status) {
        trainer->log = fopen(log, go_on ? "a" : "w");
        if (!trainer->log) status = triad_fail(err, TRIAD_ERR_IO, -1, "%s: %s", log, strerror(errno));
    }
    free(path);
    free(log);
    for (trainer->next_snapshot = SNAPSHOT_FIRST; trainer->next_snapshot <= trainer->steps;)
        trainer->next_snapshot *= 4;
    return status;
}

/* ---- the loop */

static void fill_tile(void *context, size_t tile, int worker)
{
    demo_stream_fill(context, tile, worker);
}

static triad_status take_batch(agent_training *trainer, triad_error *err)
{
    batch_clear(&trainer->batch);
    while (trainer->batch.steps < trainer->options.batch_steps) {
        const demonstration *demo = demo_stream_next(trainer->stream);
        if (demo) {
            if (!batch_take(&trainer->batch, demo)) return out_of_memory(err);
            if (trainer->met) trainer->met[demo->word[0]]++;
            continue;
        }
        const size_t blocks =
            demo_stream_wanted(trainer->stream, trainer->options.dagger > 0 ? ROLLOUT_BLOCKS : SIZE_MAX);
        if (blocks == 0)
            return triad_fail(
                err, TRIAD_ERR_GENERATION, -1,
                "train: too few of these episodes can be learnt from (the expert fails, or they are kept out)");
        triad_parallel(trainer->pool, blocks, fill_tile, trainer->stream);
        const triad_status status = demo_stream_filled(trainer->stream, blocks, err);
        if (status) return status;
        trainer->flops += demo_stream_spent(trainer->stream);
    }
    if (!batch_pack(&trainer->batch, &trainer->layout)) return out_of_memory(err);
    demo_stream_release(trainer->stream);
    return TRIAD_OK;
}

/* Means since the last line of the log. */
typedef struct tally {
    double loss, accuracy, norm, started;
    uint64_t updates, steps, flops;
} tally;

static triad_status log_line(const agent_training *trainer, const tally *sum, double rate, triad_error *err)
{
    const double seconds = triad_now() - sum->started, n = (double)sum->updates;
    fprintf(trainer->log,
            "{\"update\": %llu, \"steps\": %llu, \"tflop\": %.6g, \"loss\": %.6g, \"accuracy\": %.5g, "
            "\"gradient_norm\": %.5g, "
            "\"learning_rate\": %.5g, \"seconds\": %.3f, \"steps_per_s\": %.5g, \"gflops\": %.4g}\n",
            (unsigned long long)trainer->update, (unsigned long long)trainer->steps, (double)trainer->flops / 1e12,
            sum->loss / n, sum->accuracy / n, sum->norm / n, rate, seconds, (double)sum->steps / seconds,
            (double)sum->flops / seconds / 1e9);
    if (fflush(trainer->log) || ferror(trainer->log))
        return triad_fail(err, TRIAD_ERR_IO, -1, "the training log: %s", strerror(errno));
    return TRIAD_OK;
}

static void show(const agent_training *trainer, const tally *sum)
{
    const double seconds = triad_now() - sum->started, n = (double)sum->updates;
    const bool by_flop = trainer->options.tflop > 0;
    char note[160], success[40] = "";
    if (trainer->success >= 0) snprintf(success, sizeof success, "success %.1f %%, ", 100 * trainer->success);
    if (by_flop)
        snprintf(note, sizeof note, "%sloss %.3f, accuracy %.3f, %.0f steps/s", success, sum->loss / n,
                 sum->accuracy / n, (double)sum->steps / seconds);
    else
        snprintf(note, sizeof note, "%sloss %.3f, accuracy %.3f, %.0f GFLOP/s", success, sum->loss / n,
                 sum->accuracy / n, (double)sum->flops / seconds / 1e9);
    triad_progress_update(trainer->progress, by_flop ? (double)trainer->flops / 1e9 : (double)trainer->steps, note);
}

static triad_status one_update(agent_training *trainer, learner_report *report, double *rate, triad_error *err)
{
    triad_status status = take_batch(trainer, err);
    if (status) return status;
    const double warm = (double)(trainer->update + 1) / WARM_UP, done = fmin(1, used(trainer));
    const double cosine = RATE_FLOOR + (1 - RATE_FLOOR) * 0.5 * (1 + cos(3.14159265358979323846 * done));
    *rate = trainer->options.learning_rate * fmin(1, fmin(warm, cosine));
    const learner_options options = {
        .learning_rate = *rate, .weight_decay = WEIGHT_DECAY, .beta1 = BETA1, .beta2 = BETA2, .clip = CLIP};
    /* Roll-outs wait until they are wanted: then they are made by the learner as it stands. */
    const size_t fill = trainer->options.dagger > 0 ? 0 : demo_stream_wanted(trainer->stream, FILL_MOST);
    status = learner_update(&trainer->learner, &trainer->batch, trainer->stream, fill, trainer->update + 1, &options,
                            report, trainer->pool, err);
    if (status == TRIAD_ERR_NUMERIC) {
        char why[sizeof err->text] = "";
        if (err) snprintf(why, sizeof why, "%s", err->text);
        return triad_fail(
            err, status, -1, "train: %s at step %llu, update %llu (the last good checkpoint is %s.checkpoint)", why,
            (unsigned long long)trainer->steps, (unsigned long long)trainer->update + 1, trainer->options.agent_path);
    }
    if (status) return status;
    trainer->update++;
    trainer->steps += trainer->batch.steps;
    trainer->flops += trainer->batch.flops;
    return TRIAD_OK;
}

/* How many validations are due by now: spread evenly over the budget, the last one at its end. */
static size_t validations_due(const agent_training *trainer)
{
    return (size_t)(fmin(1, used(trainer)) * (double)trainer->options.validations);
}

/* Success on the validation seeds, into the log; stops the run where every level reaches what was asked for. */
static triad_status validate(agent_training *trainer, triad_error *err)
{
    const triad_train_options *options = &trainer->options;
    triad_eval_result *results = calloc(options->level_count, sizeof *results);
    if (!results) return out_of_memory(err);
    const double started = triad_now();
    triad_progress_aside(trainer->progress);
    triad_status status =
        triad_agent_evaluate(&trainer->self, options->levels, options->level_count, options->validation_episodes,
                             FIRST_VALIDATION_SEED, false, results, trainer->pool, trainer->progress, err);
    triad_progress_return(trainer->progress);
    if (!status) {
        double lowest = 1, sum = 0;
        fprintf(trainer->log, "{\"update\": %llu, \"steps\": %llu, \"tflop\": %.6g, \"validation\": {",
                (unsigned long long)trainer->update, (unsigned long long)trainer->steps, (double)trainer->flops / 1e12);
        for (size_t l = 0; l < options->level_count; l++) {
            fprintf(trainer->log, "%s\"%s\": %.6g", l ? ", " : "", babyai_level_name(results[l].level),
                    results[l].success);
            lowest = fmin(lowest, results[l].success);
            sum += results[l].success;
        }
        trainer->success = sum / (double)options->level_count;
        fprintf(trainer->log, "}, \"success\": %.6g, \"episodes\": %zu, \"seconds\": %.3f}\n", trainer->success,
                options->validation_episodes, triad_now() - started);
        if (fflush(trainer->log) || ferror(trainer->log))
            status = triad_fail(err, TRIAD_ERR_IO, -1, "the training log: %s", strerror(errno));
        trainer->stopped = options->stop_at > 0 && lowest >= options->stop_at;
    }
    free(results);
    return status;
}

static void tell(triad_train_report *report, const agent_training *trainer, bool was_finished)
{
    *report = (triad_train_report){.updates = trainer->update,
                                   .steps = trainer->steps,
                                   .tflop = (double)trainer->flops / 1e12,
                                   .was_finished = was_finished,
                                   .stopped = trainer->stopped,
                                   .success = trainer->success};
    if (!trainer->met) return;
    const size_t least = rarest(trainer);
    snprintf(report->rarest, sizeof report->rarest, "%s", trainer->words.word[least]);
    report->rarest_episodes = trainer->met[least];
}

static triad_status run(agent_training *trainer, triad_error *err)
{
    const uint64_t every = checkpoint_every(&trainer->options);
    tally sum = {.started = triad_now()};
    triad_status status = TRIAD_OK;
    size_t validated = validations_due(trainer);
    while (!status && used(trainer) < 1 && !trainer->stopped) {
        learner_report report;
        double rate;
        const uint64_t flops = trainer->flops;
        status = one_update(trainer, &report, &rate, err);
        if (status) break;
        sum.loss += report.loss;
        sum.accuracy += report.accuracy;
        sum.norm += report.gradient_norm;
        sum.updates++;
        sum.steps += trainer->batch.steps;
        sum.flops += trainer->flops - flops;
        bool last = used(trainer) >= 1;
        show(trainer, &sum);
        if (trainer->update % LOG_EVERY == 0 || last) {
            status = log_line(trainer, &sum, rate, err);
            sum = (tally){.started = triad_now()};
        }
        if (!status && validations_due(trainer) > validated) {
            validated = validations_due(trainer);
            const double paused = triad_now();
            status = validate(trainer, err);
            sum.started += triad_now() - paused;
            last = last || trainer->stopped;
        }
        if (!status && trainer->steps >= trainer->next_snapshot) {
            char suffix[40];
            snprintf(suffix, sizeof suffix, ".step-%llu", (unsigned long long)trainer->next_snapshot);
            status = write_agent(trainer, suffix, err);
            while (trainer->next_snapshot <= trainer->steps) trainer->next_snapshot *= 4;
        }
        if (!status && (trainer->update % every == 0 || last)) {
            /* What the learner acted ahead is not in the checkpoint: who goes on from there lets it act anew. */
            if (trainer->options.dagger > 0) demo_stream_restart(trainer->stream);
            status = write_checkpoint(trainer, err);
        }
    }
    return status ? status : write_agent(trainer, "", err);
}

triad_status triad_agent_train(const triad_train_options *options, triad_train_report *report, triad_pool *pool,
                               triad_progress *progress, triad_error *err)
{
    agent_training *trainer = calloc(1, sizeof *trainer);
    if (!trainer) return out_of_memory(err);
    trainer->options = *options;
    trainer->pool = pool;
    trainer->progress = progress;
    trainer->success = -1;
    triad_status status = prepare(trainer, err);
    if (!status) {
        const demo_stream_options stream = {.levels = trainer->options.levels,
                                            .shares = trainer->shares,
                                            .level_count = trainer->options.level_count,
                                            .seed = options->seed,
                                            .first = trainer->first,
                                            .file = trainer->demos,
                                            .batch_steps = trainer->options.batch_steps,
                                            .words = &trainer->words,
                                            .telling = &trainer->telling,
                                            .rollouts = trainer->options.dagger,
                                            .learner = &trainer->self,
                                            .workers = triad_pool_threads(pool)};
        status = demo_stream_create(&trainer->stream, &stream, err);
        trainer->batch.dropout = trainer->options.dropout;
        trainer->batch.mask_seed = options->seed;
    }
    if (!status) {
        const bool by_flop = trainer->options.tflop > 0;
        triad_progress_begin(progress, "train", by_flop ? "GFLOP" : "steps",
                             by_flop ? trainer->options.tflop * 1e3 : (double)trainer->options.steps);
        const bool was_finished = trainer->stopped || used(trainer) >= 1;
        status = run(trainer, err);
        if (status)
            triad_progress_leave(progress);
        else
            triad_progress_end(progress, NULL);
        if (!status && report) tell(report, trainer, was_finished);
    }
    if (trainer->log && fclose(trainer->log) && !status)
        status = triad_fail(err, TRIAD_ERR_IO, -1, "the training log: %s", strerror(errno));
    demo_stream_free(trainer->stream);
    batch_free(&trainer->batch);
    learner_free(&trainer->learner);
    agent_words_free(&trainer->words);
    telling_free(&trainer->telling);
    babyai_demos_close(trainer->demos);
    free((void *)trainer->file_levels);
    free(trainer->met);
    json_object_put(trainer->asked);
    free(trainer->shares);
    free(trainer);
    return status;
}
