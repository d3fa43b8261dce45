#include "base/progress.h"
#include "base/rng.h"
#include "bench/bench.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEMOS_FIRST = 64 };

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
    char folder[256], path[300]; /* of demonstrations */
    triad_error *err;
} world;

/* Four actions of one draw: 16 bits each choose among seven with an error of 10^-4. */
static void draw_actions(uint64_t *random, uint8_t *action, size_t n)
{
    for (size_t i = 0; i < n; i += 4) {
        uint64_t bits = triad_splitmix64(random);
        for (size_t k = i; k < i + 4 && k < n; k++, bits >>= 16)
            action[k] = (uint8_t)((bits & 0xffff) * BABYAI_ACTIONS >> 16);
    }
}

static double steps(void *context, double seconds)
{
    world *w = context;
    uint8_t *action = w->bytes;
    uint64_t done = 0;
    const double begin = triad_now();
    double took = 0;
    for (; took < seconds; took = triad_now() - begin) {
        draw_actions(&w->random, action, w->envs);
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

/* Of a file, from the first reset to its name in the folder; 0 where the expert can't solve the level. */
static double demonstrations(void *context, double seconds)
{
    world *w = context;
    for (size_t n = DEMOS_FIRST;; n *= 2) {
        const double begin = triad_now();
        const triad_status status =
            babyai_demos_write(w->path, &w->level, 1, n, w->demo_seed, false, w->pool, NULL, NULL, w->err);
        const double took = triad_now() - begin;
        if (status != TRIAD_OK) return status == TRIAD_ERR_RANGE ? 0 : -1;
        w->demo_seed += n;
        if (2 * took < seconds) continue;
        return (double)n / took;
    }
}

static triad_status prepare(world *w)
{
    const size_t n = w->envs;
    const char *place = getenv("TMPDIR");
    snprintf(w->folder, sizeof w->folder, "%s/triad-bench-XXXXXX", place && *place ? place : "/tmp");
    if (!mkdtemp(w->folder)) {
        const int why = errno;
        triad_fail(w->err, TRIAD_ERR_IO, -1, "bench babyai: no folder %s: %s (set TMPDIR)", w->folder, strerror(why));
        w->folder[0] = 0;
        return TRIAD_ERR_IO;
    }
    snprintf(w->path, sizeof w->path, "%s/demos.safetensors", w->folder);
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
        json_object_object_add(result, "demos_per_s",
                               json_new_real(contenders[2].best > 0 ? contenders[2].best : (double)NAN));
        json_object_array_add(results, result);
    }
    if (w.folder[0]) {
        (void)unlink(w.path);
        (void)rmdir(w.folder);
    }
    babyai_batch_free(w.batch);
    free(w.levels);
    free(w.seeds);
    free(w.bytes);
    free(w.reward);
    return status;
}
