/* Files of demonstrations: written in two passes, so that memory does not hold observations.
 *
 * First the expert plays, and only actions and directions are kept. Then all sizes are known, the header is written,
 * and the observations are made again from the actions while they go to the file. Episodes are cut into tiles by seed,
 * never by thread. */
#include "babyai/demonstrate.h"
#include "babyai/level.h"
#include "babyai/text_table.h"
#include "base/checked.h"
#include "base/file.h"
#include "base/progress.h"
#include "base/text.h"
#include "formats/safetensors.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { TILE_EPISODES = 16, TILES_MOST = 256, HOPELESS = 1000, HOPELESS_SHARE = 100 };
static const uint64_t SEED_BORDER = 1000000000, SEED_BORDERS = 3;

/* ---- what is kept of all episodes */

typedef struct record {
    size_t episodes, steps; /* so far */
    size_t episode_capacity, step_capacity;
    int64_t *start; /* [episodes + 1] */
    int64_t *seed;  /* [episodes] */
    int32_t *level, *mission;
    uint8_t *action, *direction; /* [steps] */
    text_table missions;
} record;

static bool reserve(void *array, size_t count, size_t size)
{
    void **at = array;
    size_t bytes;
    void *grown = triad_mul_size(&bytes, count, size) ? realloc(*at, bytes) : NULL;
    if (grown) *at = grown;
    return grown != NULL;
}

static bool keep(record *all, const babyai_episode *episode, int32_t level)
{
    if (all->episodes + 2 > all->episode_capacity) {
        const size_t capacity = all->episode_capacity ? 2 * all->episode_capacity : 1024;
        if (!reserve(&all->start, capacity, sizeof *all->start) || !reserve(&all->seed, capacity, sizeof *all->seed) ||
            !reserve(&all->level, capacity, sizeof *all->level) ||
            !reserve(&all->mission, capacity, sizeof *all->mission))
            return false;
        all->start[0] = 0;
        all->episode_capacity = capacity;
    }
    if (all->steps + episode->steps > all->step_capacity) {
        size_t capacity = all->step_capacity ? all->step_capacity : 16384;
        while (capacity < all->steps + episode->steps) capacity *= 2;
        if (!reserve(&all->action, capacity, 1) || !reserve(&all->direction, capacity, 1)) return false;
        all->step_capacity = capacity;
    }
    const int64_t mission = text_table_add(&all->missions, episode->mission);
    if (mission < 0 || mission > INT32_MAX) return false;
    memcpy(all->action + all->steps, episode->action, episode->steps);
    memcpy(all->direction + all->steps, episode->direction, episode->steps);
    all->seed[all->episodes] = (int64_t)episode->seed;
    all->level[all->episodes] = level;
    all->mission[all->episodes] = (int32_t)mission;
    all->steps += episode->steps;
    all->start[++all->episodes] = (int64_t)all->steps;
    return true;
}

static void record_free(record *all)
{
    free(all->start);
    free(all->seed);
    free(all->level);
    free(all->mission);
    free(all->action);
    free(all->direction);
    text_table_free(&all->missions);
}

/* ---- work that is shared out */

typedef struct slot { /* an episode of the round */
    babyai_episode episode;
    bool solved;
} slot;

typedef struct bench_worker {
    babyai_env *env;
    babyai_bot *bot;
} bench_worker;

typedef struct workshop {
    slot *slot;           /* [TILES_MOST * TILE_EPISODES] */
    bench_worker *worker; /* [threads] */
    int workers;
    const babyai_level *level; /* of the workers' environments */
    uint64_t first_seed;       /* of the round */
    size_t count;              /* episodes of the round */
    const record *all;         /* when observations are made again */
    size_t first_episode;
    _Atomic triad_status status;
} workshop;

static void workshop_level(workshop *shop, const babyai_level *level)
{
    if (shop->level == level) return;
    for (int i = 0; i < shop->workers; i++) {
        babyai_free(shop->worker[i].env);
        babyai_bot_free(shop->worker[i].bot);
        shop->worker[i] = (bench_worker){0};
    }
    shop->level = level;
}

static void workshop_free(workshop *shop)
{
    if (shop->worker) workshop_level(shop, NULL);
    for (size_t i = 0; shop->slot && i < TILES_MOST * TILE_EPISODES; i++) babyai_episode_free(&shop->slot[i].episode);
    free(shop->slot);
    free(shop->worker);
}

static size_t tile_end(const workshop *shop, size_t tile)
{
    const size_t end = (tile + 1) * TILE_EPISODES;
    return end < shop->count ? end : shop->count;
}

static void play_tile(void *context, size_t tile, int worker)
{
    workshop *shop = context;
    bench_worker *mine = &shop->worker[worker];
    for (size_t i = tile * TILE_EPISODES; i < tile_end(shop, tile); i++) {
        slot *to = &shop->slot[i];
        const triad_status status = babyai_record(&to->episode, &to->solved, &mine->env, &mine->bot, shop->level,
                                                  shop->first_seed + i, false, NULL);
        if (status != TRIAD_OK) shop->status = status;
    }
}

static void replay_tile(void *context, size_t tile, int worker)
{
    workshop *shop = context;
    const record *all = shop->all;
    for (size_t i = tile * TILE_EPISODES; i < tile_end(shop, tile); i++) {
        const size_t e = shop->first_episode + i;
        const size_t begin = (size_t)all->start[e], end = (size_t)all->start[e + 1];
        const triad_status status = babyai_replay(&shop->slot[i].episode, &shop->worker[worker].env, shop->level,
                                                  (uint64_t)all->seed[e], all->action + begin, end - begin, NULL);
        if (status != TRIAD_OK) shop->status = status;
    }
}

static triad_status run(workshop *shop, triad_pool *pool, triad_tile_fn fn, size_t count, triad_error *err)
{
    shop->count = count;
    triad_parallel(pool, (count + TILE_EPISODES - 1) / TILE_EPISODES, fn, shop);
    if (shop->status == TRIAD_OK) return TRIAD_OK;
    return triad_fail(err, shop->status, -1, "demonstrations: %s while episodes of %s were made",
                      triad_status_name(shop->status), shop->level->name);
}

/* ---- first pass */

static triad_status check_seeds(const babyai_level *level, uint64_t first, uint64_t last, triad_error *err)
{
    for (uint64_t k = 1; k <= SEED_BORDERS; k++)
        if (first < k * SEED_BORDER && last >= k * SEED_BORDER)
            return triad_fail(err, TRIAD_ERR_RANGE, -1,
                              "demonstrations: %s needs seeds beyond %llu, where those of another purpose begin "
                              "(start lower, or ask for fewer)",
                              level->name, (unsigned long long)(k * SEED_BORDER));
    return TRIAD_OK;
}

static triad_status play_level(record *all, workshop *shop, const babyai_level *level, int32_t number, size_t n,
                               uint64_t first_seed, triad_pool *pool, triad_progress *progress, size_t *failed,
                               triad_error *err)
{
    workshop_level(shop, level);
    size_t solved = 0, tried = 0;
    while (solved < n) {
        const size_t most = TILES_MOST * TILE_EPISODES;
        const size_t count = n - solved < most ? n - solved : most;
        if (first_seed > INT64_MAX - tried - count)
            return triad_fail(err, TRIAD_ERR_RANGE, -1, "demonstrations: seeds end at 2^63 (start lower)");
        triad_status status = check_seeds(level, first_seed, first_seed + tried + count - 1, err);
        if (status != TRIAD_OK) return status;
        shop->first_seed = first_seed + tried;
        status = run(shop, pool, play_tile, count, err);
        if (status != TRIAD_OK) return status;
        for (size_t i = 0; i < count; i++) {
            if (!shop->slot[i].solved) {
                if (failed) ++*failed;
                continue;
            }
            if (!keep(all, &shop->slot[i].episode, number))
                return triad_fail(err, TRIAD_ERR_MEMORY, -1, "demonstrations: no memory for %zu episodes",
                                  all->episodes + 1);
            solved++;
        }
        tried += count;
        triad_progress_update(progress, (double)all->episodes, level->name);
        if (solved < n && tried >= HOPELESS && solved < tried / HOPELESS_SHARE)
            return triad_fail(
                err, TRIAD_ERR_RANGE, -1,
                "demonstrations: the expert solves %zu of %zu episodes of %s (the manual says which levels it can't)",
                solved, tried, level->name);
    }
    return TRIAD_OK;
}

/* ---- second pass */

typedef struct second_pass {
    workshop *shop;
    triad_pool *pool;
    triad_progress *progress;
    const babyai_level *const *levels;
} second_pass;

/* Episodes of one level each round, so that the workers keep their environments. */
static size_t round_end(const record *all, size_t begin)
{
    size_t end = begin;
    while (end < all->episodes && end - begin < TILES_MOST * TILE_EPISODES && all->level[end] == all->level[begin])
        end++;
    return end;
}

enum {
    TENSOR_START,
    TENSOR_SEED,
    TENSOR_OFFSETS,
    TENSOR_LEVEL,
    TENSOR_MISSION,
    TENSOR_TEXT,
    TENSOR_ACTION,
    TENSOR_DIRECTION,
    TENSOR_OBSERVATION,
    TENSORS
};

/* The observations, made again. */
static triad_status write_again(void *context, size_t tensor, FILE *stream, triad_error *err)
{
    (void)tensor;
    second_pass *pass = context;
    workshop *shop = pass->shop;
    const record *all = shop->all;
    for (size_t begin = 0; begin < all->episodes;) {
        const size_t end = round_end(all, begin);
        shop->first_episode = begin;
        workshop_level(shop, pass->levels[all->level[begin]]);
        const triad_status status = run(shop, pass->pool, replay_tile, end - begin, err);
        if (status != TRIAD_OK) return status;
        for (size_t i = 0; i < end - begin; i++) {
            const babyai_episode *e = &shop->slot[i].episode;
            fwrite(e->observation, BABYAI_OBSERVATION, e->steps, stream);
        }
        triad_progress_update(pass->progress, (double)end, "writing");
        begin = end;
    }
    return TRIAD_OK;
}

static triad_status write_file(const char *path, second_pass *pass, size_t level_count, bool compact, triad_error *err)
{
    const record *all = pass->shop->all;
    const text_table *missions = &all->missions;
    const size_t text_bytes = (size_t)missions->offset[missions->count];
    const tensor_view tensors[TENSORS] = {
        [TENSOR_START] =
            {.name = "episode_start", .dtype = TENSOR_I64, .rank = 1, .shape = {all->episodes + 1}, .data = all->start},
        [TENSOR_SEED] = {.name = "seed", .dtype = TENSOR_I64, .rank = 1, .shape = {all->episodes}, .data = all->seed},
        [TENSOR_OFFSETS] = {.name = "mission_offsets",
                            .dtype = TENSOR_I64,
                            .rank = 1,
                            .shape = {missions->count + 1},
                            .data = missions->offset},
        [TENSOR_LEVEL] =
            {.name = "level", .dtype = TENSOR_I32, .rank = 1, .shape = {all->episodes}, .data = all->level},
        [TENSOR_MISSION] =
            {.name = "mission", .dtype = TENSOR_I32, .rank = 1, .shape = {all->episodes}, .data = all->mission},
        [TENSOR_TEXT] =
            {.name = "mission_text", .dtype = TENSOR_U8, .rank = 1, .shape = {text_bytes}, .data = missions->text},
        [TENSOR_ACTION] = {.name = "action", .dtype = TENSOR_U8, .rank = 1, .shape = {all->steps}, .data = all->action},
        [TENSOR_DIRECTION] =
            {.name = "direction", .dtype = TENSOR_U8, .rank = 1, .shape = {all->steps}, .data = all->direction},
        [TENSOR_OBSERVATION] = {.name = "observation",
                                .dtype = TENSOR_U8,
                                .rank = 4,
                                .shape = {all->steps, BABYAI_VIEW, BABYAI_VIEW, 3}},
    };
    triad_text names = {0};
    for (size_t i = 0; i < level_count; i++) triad_text_addf(&names, "%s%s", i ? "," : "", pass->levels[i]->name);
    if (names.failed) {
        triad_text_free(&names);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: no memory for its header", path);
    }
    const safetensors_pair metadata[] = {
        {"format", "triad.demos"}, {"levels", names.bytes}, {"created_by", "triad " TRIAD_VERSION}};
    const triad_status status = safetensors_write_from(path, tensors, compact ? TENSOR_DIRECTION : TENSORS, metadata,
                                                       sizeof metadata / sizeof metadata[0], write_again, pass, err);
    triad_text_free(&names);
    return status;
}

triad_status babyai_demos_write(const char *path, const babyai_level *const *levels, size_t level_count, size_t n,
                                uint64_t first_seed, bool compact, triad_pool *pool, triad_progress *progress,
                                size_t *failed, triad_error *err)
{
    if (failed) *failed = 0;
    if (level_count == 0 || n == 0)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "demonstrations: none asked for (levels and a number)");
    if (n > INT32_MAX || level_count > INT32_MAX)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "demonstrations: %zu a level (at most 2^31)", n);
    for (size_t i = 0; i < level_count; i++)
        for (size_t j = 0; j < i; j++)
            if (levels[i] == levels[j])
                return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "demonstrations: %s is named twice", levels[i]->name);
    triad_status status = triad_atomic_check(path, err); /* now, not after hours */
    if (status != TRIAD_OK) return status;
    record all = {0};
    workshop shop = {.workers = triad_pool_threads(pool), .all = &all};
    shop.slot = calloc(TILES_MOST * TILE_EPISODES, sizeof *shop.slot);
    shop.worker = calloc((size_t)shop.workers, sizeof *shop.worker);
    if (shop.slot == NULL || shop.worker == NULL)
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "demonstrations: no memory");
    triad_progress_begin(progress, "demonstrations", "episodes", (double)n * (double)level_count);
    for (size_t i = 0; i < level_count && status == TRIAD_OK; i++)
        status = play_level(&all, &shop, levels[i], (int32_t)i, n, first_seed, pool, progress, failed, err);
    second_pass pass = {.shop = &shop, .pool = pool, .progress = progress, .levels = levels};
    if (status == TRIAD_OK) status = write_file(path, &pass, level_count, compact, err);
    triad_progress_end(progress, NULL);
    workshop_free(&shop);
    record_free(&all);
    return status;
}
