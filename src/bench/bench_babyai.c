#include "base/progress.h"
#include "base/rng.h"
#include "bench/bench.h"

#include <stdlib.h>

enum { DEMOS_AT_ONCE = 64 };

typedef struct world {
    const babyai_level *level;
    triad_pool *pool;
    size_t envs;
    babyai_batch *batch;
    const babyai_level **levels;
    uint64_t *seeds;
    uint8_t *bytes; /* action, direction, ends and observations */
    float *reward;
    babyai_io io;
    uint64_t random, demo_seed;
    triad_error *err;
} world;

static double steps(void *context, double seconds)
{
    world *w = context;
    uint8_t *action = w->bytes;
    uint64_t done = 0;
    const double begin = triad_now();
    double took = 0;
    for (; took < seconds; took = triad_now() - begin) {
        for (size_t i = 0; i < w->envs; i++)
            action[i] = (uint8_t)((triad_splitmix64(&w->random) >> 32) * BABYAI_ACTIONS >> 32);
        if (babyai_batch_step(w->batch, w->pool, &w->io, w->err) != TRIAD_OK) return -1;
        done += w->envs;
    }
    return (double)done / took;
}

static double resets(void *context, double seconds)
{
    world *w = context;
    uint64_t done = 0;
    const double begin = triad_now();
    double took = 0;
    for (; took < seconds; took = triad_now() - begin) {
        if (babyai_batch_reset(w->batch, w->pool, &w->io, w->err) != TRIAD_OK) return -1;
        done += w->envs;
    }
    return (double)done / took;
}

static double demonstrations(void *context, double seconds)
{
    world *w = context;
    babyai_episode episode = {0};
    babyai_env *env = NULL;
    babyai_bot *bot = NULL;
    uint64_t made = 0;
    triad_status status = TRIAD_OK;
    const double begin = triad_now();
    double took = 0;
    for (; took < seconds && status == TRIAD_OK; took = triad_now() - begin)
        for (int i = 0; i < DEMOS_AT_ONCE && status == TRIAD_OK; i++) {
            bool solved = false;
            status = babyai_demonstrate(&episode, &solved, &env, &bot, w->level, w->demo_seed++, w->err);
            made += solved;
        }
    babyai_episode_free(&episode);
    babyai_bot_free(bot);
    babyai_free(env);
    return status == TRIAD_OK ? (double)made / took : -1;
}

static triad_status prepare(world *w)
{
    const size_t n = w->envs;
    w->levels = malloc(n * sizeof *w->levels);
    w->seeds = malloc(n * sizeof *w->seeds);
    w->bytes = calloc(n, BABYAI_OBSERVATION + 4);
    w->reward = malloc(n * sizeof *w->reward);
    if (!w->levels || !w->seeds || !w->bytes || !w->reward)
        return triad_fail(w->err, TRIAD_ERR_MEMORY, -1, "bench babyai: no memory for %zu environments", n);
    for (size_t i = 0; i < n; i++) {
        w->levels[i] = w->level;
        w->seeds[i] = i;
    }
    w->io = (babyai_io){.action = w->bytes,
                        .direction = w->bytes + n,
                        .terminated = w->bytes + 2 * n,
                        .truncated = w->bytes + 3 * n,
                        .observation = w->bytes + 4 * n,
                        .reward = w->reward};
    const triad_status status = babyai_batch_create(&w->batch, n, w->levels, w->seeds, w->err);
    return status == TRIAD_OK ? babyai_batch_reset(w->batch, w->pool, &w->io, w->err) : status;
}

triad_status bench_babyai(json_object *results, const babyai_level *level, size_t envs, int rounds, double seconds,
                          triad_pool *pool, triad_error *err)
{
    triad_error own;
    world w = {.level = level, .pool = pool, .envs = envs, .random = 1, .err = err ? err : &own};
    triad_status status = prepare(&w);
    bench_contender contenders[] = {
        {.run = steps, .context = &w}, {.run = resets, .context = &w}, {.run = demonstrations, .context = &w}};
    if (status == TRIAD_OK && !bench_turn_about(contenders, 3, rounds, seconds)) status = w.err->code;
    if (status == TRIAD_OK) {
        json_object *result = json_object_new_object();
        json_object_object_add(result, "level", json_object_new_string(babyai_level_name(level)));
        json_object_object_add(result, "envs", json_object_new_int64((int64_t)envs));
        json_object_object_add(result, "threads", json_object_new_int(triad_pool_threads(pool)));
        json_object_object_add(result, "steps_per_s", json_new_real(contenders[0].best));
        json_object_object_add(result, "resets_per_s", json_new_real(contenders[1].best));
        json_object_object_add(result, "demos_per_s", json_new_real(contenders[2].best));
        json_object_array_add(results, result);
    }
    babyai_batch_free(w.batch);
    free(w.levels);
    free(w.seeds);
    free(w.bytes);
    free(w.reward);
    return status;
}
