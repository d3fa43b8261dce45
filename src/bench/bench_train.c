#include "agent/learner.h"
#include "base/progress.h"
#include "bench/bench.h"
#include "bench/bench_batches.h"

#include <stdlib.h>

enum { BATCH_STEPS = 256, WARM_UP = 5, ROUNDS = 5 };

/* The levels and shares of the default study. */
static const char *const LEVELS[] = {"GoToLocal",    "PickupLoc", "PickupDist",
                                     "PutNextLocal", "OpenDoor",  "ActionObjDoor"};
static const double SHARES[] = {0.11, 0.29, 0.06, 0.29, 0.14, 0.11};
enum { LEVEL_COUNT = sizeof LEVELS / sizeof *LEVELS };

typedef struct trainer {
    const babyai_level *levels[LEVEL_COUNT]; /* the stream borrows them */
    agent_words words;
    policy_layout layout;
    agent_learner learner;
    demo_stream *stream;
    agent_batch batch;
    triad_pool *pool;
    uint64_t update, flops, steps;
    double demonstrating; /* seconds */
} trainer;

static void fill(void *context, size_t tile, int worker)
{
    demo_stream_fill(context, tile, worker);
}

static triad_status gather(trainer *t, triad_error *err)
{
    batch_clear(&t->batch);
    for (const demonstration *demo; t->batch.steps < BATCH_STEPS;) {
        if ((demo = demo_stream_next(t->stream))) {
            if (!batch_take(&t->batch, demo)) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "bench train: no memory");
            continue;
        }
        /* Here and not beside the update, so that they can be timed. */
        const double start = triad_now();
        const size_t blocks = demo_stream_wanted(t->stream, SIZE_MAX);
        triad_parallel(t->pool, blocks, fill, t->stream);
        const triad_status status = demo_stream_filled(t->stream, blocks, err);
        if (status != TRIAD_OK) return status;
        t->demonstrating += triad_now() - start;
    }
    if (!batch_pack(&t->batch, &t->layout)) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "bench train: no memory");
    demo_stream_release(t->stream);
    return TRIAD_OK;
}

static triad_status update(trainer *t, triad_error *err)
{
    static const learner_options rate = {
        .learning_rate = 8e-4, .weight_decay = 0.01, .beta1 = 0.9, .beta2 = 0.98, .clip = 1};
    triad_status status = gather(t, err);
    learner_report report;
    if (status == TRIAD_OK)
        status = learner_update(&t->learner, &t->batch, t->stream, 0, ++t->update, &rate, &report, t->pool, err);
    t->flops += t->batch.flops;
    t->steps += t->batch.steps;
    return status;
}

static triad_status prepare(trainer *t, policy_config *config, size_t width, triad_error *err)
{
    for (int l = 0; l < LEVEL_COUNT; l++) t->levels[l] = babyai_level_find(LEVELS[l]);
    const int threads = triad_pool_threads(t->pool);
    triad_status status = agent_words_babyai(&t->words, err);
    if (status != TRIAD_OK) return status;
    *config = policy_recipe(t->words.count);
    if (width) {
        config->width = width;
        config->feed_forward = 4 * width;
    }
    status = policy_check(config, err);
    if (status != TRIAD_OK) return status;
    policy_lay_out(&t->layout, config);
    const demo_stream_options options = {.levels = t->levels,
                                         .shares = SHARES,
                                         .level_count = LEVEL_COUNT,
                                         .batch_steps = BATCH_STEPS,
                                         .words = &t->words,
                                         .workers = threads};
    status = learner_create(&t->learner, &t->layout, threads, err);
    if (status == TRIAD_OK) status = demo_stream_create(&t->stream, &options, err);
    if (status == TRIAD_OK) policy_initialise(t->learner.params, &t->layout, 0);
    return status;
}

static void finish(trainer *t)
{
    batch_free(&t->batch);
    demo_stream_free(t->stream);
    learner_free(&t->learner);
    agent_words_free(&t->words);
}

triad_status bench_train_batches(const char *path, size_t width, size_t count, triad_pool *pool, triad_error *err)
{
    trainer t = {.pool = pool};
    policy_config config;
    agent_batch *batches = calloc(count, sizeof *batches);
    triad_status status =
        batches ? prepare(&t, &config, width, err) : triad_fail(err, TRIAD_ERR_MEMORY, -1, "bench train: no memory");
    for (size_t b = 0; b < count && status == TRIAD_OK; b++) {
        status = gather(&t, err);
        batches[b] = t.batch; /* packed copies: they outlive the stream */
        t.batch = (agent_batch){0};
    }
    if (status == TRIAD_OK) status = bench_batches_write(path, batches, count, &t.layout, err);
    for (size_t b = 0; batches && b < count; b++) batch_free(&batches[b]);
    free(batches);
    finish(&t);
    return status;
}

typedef struct round {
    double gflops, steps_per_s;
} round;

static triad_status one_round(trainer *t, round *best, double seconds, triad_error *err)
{
    triad_status status = TRIAD_OK;
    const uint64_t flops = t->flops, steps = t->steps;
    const double begin = triad_now();
    double took = 0;
    while (status == TRIAD_OK && took < seconds) {
        status = update(t, err);
        took = triad_now() - begin;
    }
    const double rate = (double)(t->flops - flops) / took / 1e9;
    if (rate > best->gflops) *best = (round){rate, (double)(t->steps - steps) / took};
    return status;
}

triad_status bench_train(json_object *results, size_t width, double seconds, triad_pool *pool, triad_error *err)
{
    trainer t = {.pool = pool};
    policy_config config;
    triad_status status = prepare(&t, &config, width, err);
    for (int i = 0; i < WARM_UP && status == TRIAD_OK; i++) status = update(&t, err);
    t.flops = t.steps = 0, t.demonstrating = 0;
    double sgemm = 0, training = 0;
    round best = {0};
    for (int r = 0; r < ROUNDS && status == TRIAD_OK; r++) {
        const double rate = bench_sgemm(triad_pool_threads(pool), seconds / ROUNDS / 4);
        if (rate > sgemm) sgemm = rate;
        const double start = triad_now();
        status = one_round(&t, &best, seconds / ROUNDS, err);
        training += triad_now() - start;
    }
    if (status == TRIAD_OK) {
        json_object *result = json_object_new_object();
        json_object_object_add(result, "width", json_object_new_int64((int64_t)config.width));
        json_object_object_add(result, "threads", json_object_new_int(triad_pool_threads(pool)));
        json_object_object_add(result, "gflops", json_new_real(best.gflops));
        json_object_object_add(result, "gflops_sgemm", json_new_real(sgemm));
        json_object_object_add(result, "share_of_sgemm", json_new_real(best.gflops / sgemm));
        json_object_object_add(result, "items_per_s", json_new_real(best.steps_per_s));
        json_object_object_add(result, "demonstrations_share", json_new_real(t.demonstrating / training));
        json_object_object_add(result, "peak_rss_bytes", json_object_new_int64((int64_t)bench_peak_rss()));
        json_object_array_add(results, result);
    }
    finish(&t);
    return status;
}
