/* Many environments side by side; each draws from its own stream only, so no pool changes a byte. */
#include "babyai/step.h"
#include "base/checked.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    TILE_ENVS = 64, /* environments a tile: enough work to hand out, few enough to balance */
    SHARES_MOST = 128
};

struct babyai_batch {
    size_t n;
    babyai_env **env; /* [n], inside memory */
    unsigned char *memory;
};

/* Memory that is walked through at every step comes in large pages where there are some: small ones need more of the
 * processor's translations than it keeps. */
static unsigned char *allocate(size_t bytes)
{
    enum { LARGE_PAGE = 2 << 20 };
    const size_t alignment = bytes < LARGE_PAGE ? 64 : LARGE_PAGE;
    if (bytes > SIZE_MAX - alignment) return NULL;
    bytes = (bytes + alignment - 1) / alignment * alignment;
    unsigned char *memory = aligned_alloc(alignment, bytes);
    if (!memory) return NULL;
    if (alignment == LARGE_PAGE) (void)madvise(memory, bytes, MADV_HUGEPAGE);
    memset(memory, 0, bytes);
    return memory;
}

triad_status babyai_batch_create(babyai_batch **batch, size_t n, const babyai_level *const *levels,
                                 const uint64_t *seeds, triad_error *err)
{
    *batch = NULL;
    if (n == 0) return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "batch: no environments (give at least one)");
    size_t own = 0, bytes = 0; /* of the environments; of the worlds behind them as well */
    for (size_t i = 0; i < n; i++) {
        if (!levels[i]) return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "batch: environment %zu has no level", i);
        if (!triad_add_size(&bytes, bytes, babyai_env_bytes(levels[i]) + babyai_world_bytes(levels[i])))
            return triad_fail(err, TRIAD_ERR_MEMORY, -1, "batch: %zu environments are too many", n);
        own += babyai_env_bytes(levels[i]);
    }
    babyai_batch *b = calloc(1, sizeof *b);
    if (b) {
        b->n = n;
        b->env = calloc(n, sizeof *b->env);
        b->memory = allocate(bytes);
    }
    if (!b || !b->env || !b->memory) {
        babyai_batch_free(b);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "batch: no memory for %zu environments of %zu bytes together", n,
                          bytes);
    }
    unsigned char *env = b->memory, *world = b->memory + own;
    for (size_t i = 0; i < n; i++) {
        b->env[i] = (babyai_env *)env;
        babyai_env_init(b->env[i], (babyai_world *)world, levels[i]);
        triad_pcg64_seed(&b->env[i]->world->rng, seeds[i]);
        env += babyai_env_bytes(levels[i]);
        world += babyai_world_bytes(levels[i]);
    }
    *batch = b;
    return TRIAD_OK;
}

void babyai_batch_free(babyai_batch *batch)
{
    if (!batch) return;
    free(batch->env);
    free(batch->memory);
    free(batch);
}

/* Tiles of a batch are dealt out in shares, one a worker, the same at every call: what a worker has in its cache is
 * what it works on again. Who is done with his own share helps with the others. */
typedef struct share {
    _Alignas(64) atomic_size_t next;
    size_t end;
} share;

typedef struct batch_call {
    babyai_batch *batch;
    const babyai_io *io;
    void (*tile)(struct batch_call *call, size_t tile);
    size_t shares;
    share *share;       /* [shares] */
    atomic_bool failed; /* some environment has no episode */
} batch_call;

static void look(const batch_call *call, size_t begin, size_t end)
{
    const babyai_io *io = call->io;
    babyai_look((const babyai_env *const *)call->batch->env + begin, end - begin,
                io->observation + begin * BABYAI_OBSERVATION, io->direction + begin);
}

static size_t tile_end(const batch_call *call, size_t tile)
{
    const size_t end = (tile + 1) * TILE_ENVS;
    return end < call->batch->n ? end : call->batch->n;
}

static void reset_tile(batch_call *call, size_t tile)
{
    const size_t begin = tile * TILE_ENVS, end = tile_end(call, tile);
    for (size_t i = begin; i < end; i++)
        if (babyai_generate(call->batch->env[i], NULL) != TRIAD_OK) call->failed = true;
    look(call, begin, end);
}

/* What the views after the actions are made of, on its way before it is needed. */
static void fetch_ahead(babyai_env *const *env, const uint8_t *action, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ptrdiff_t step;
        const uint8_t *from = view_strips(env[i], step_direction(env[i], action[i]), &step);
        __builtin_prefetch(from);
        __builtin_prefetch(from + 2 * step);
        __builtin_prefetch(from + 4 * step);
        __builtin_prefetch(from + 6 * step + 7);
    }
}

/* What an episode that has ended shows. */
static void look_last(babyai_env *const *env, const babyai_io *io, size_t i)
{
    if (!io->final_observation && !io->final_direction) return;
    uint8_t image[BABYAI_OBSERVATION], direction;
    babyai_observe(env[i], io->final_observation ? io->final_observation + i * BABYAI_OBSERVATION : image, &direction);
    if (io->final_direction) io->final_direction[i] = direction;
}

static void step_tile(batch_call *call, size_t tile)
{
    const babyai_io *io = call->io;
    const size_t begin = tile * TILE_ENVS, end = tile_end(call, tile);
    babyai_env *const *env = call->batch->env;
    uint32_t ended[TILE_ENVS];
    size_t count = 0;
    fetch_ahead(env + begin, io->action + begin, end - begin);
    for (size_t i = begin; i < end; i++) {
        babyai_env *e = env[i];
        float reward = 0;
        bool terminated = false;
        if (step_move(e, io->action[i])) {
            const verdict v = e->ready ? babyai_act(e, (babyai_action)io->action[i]) : VERDICT_GOES_ON;
            if (v == VERDICT_SUCCESS) reward = (float)step_reward(e);
            terminated = v != VERDICT_GOES_ON;
            if (!e->ready) call->failed = true;
        }
        const bool truncated = e->steps >= e->max_steps;
        io->reward[i] = reward;
        io->terminated[i] = terminated;
        io->truncated[i] = truncated;
        ended[count] = (uint32_t)(i - begin);
        count += terminated | truncated;
    }
    for (size_t k = 0; k < count; k++) look_last(env, io, begin + ended[k]);
    for (size_t k = 0; k < count; k++)
        if (babyai_generate(env[begin + ended[k]], NULL) != TRIAD_OK) call->failed = true;
    look(call, begin, end);
}

static void work(void *context, size_t tile, int worker)
{
    (void)tile;
    batch_call *call = context;
    for (size_t k = 0; k < call->shares; k++) {
        share *from = &call->share[((size_t)worker + k) % call->shares];
        for (size_t i; (i = atomic_fetch_add_explicit(&from->next, 1, memory_order_relaxed)) < from->end;)
            call->tile(call, i);
    }
}

/* The first environment without an episode decides the error, whichever thread met it. */
static triad_status run(babyai_batch *batch, triad_pool *pool, const babyai_io *io,
                        void (*tile)(batch_call *call, size_t tile), triad_error *err)
{
    const size_t tiles = (batch->n + TILE_ENVS - 1) / TILE_ENVS, threads = (size_t)triad_pool_threads(pool);
    share shares[SHARES_MOST];
    batch_call call = {.batch = batch,
                       .io = io,
                       .tile = tile,
                       .shares = threads < SHARES_MOST ? threads : SHARES_MOST,
                       .share = shares};
    for (size_t k = 0; k < call.shares; k++) {
        atomic_init(&shares[k].next, tiles * k / call.shares);
        shares[k].end = tiles * (k + 1) / call.shares;
    }
    triad_parallel(pool, threads < tiles ? threads : tiles, work, &call);
    for (size_t i = 0; call.failed && i < batch->n; i++)
        if (!batch->env[i]->ready)
            return triad_fail(
                err, TRIAD_ERR_GENERATION, (int64_t)i,
                "batch: environment %zu (%s) has no episode: it was not reset, or the reference would draw "
                "for ever (restart it with another seed)",
                i, batch->env[i]->level->name);
    return TRIAD_OK;
}

triad_status babyai_batch_reset(babyai_batch *batch, triad_pool *pool, const babyai_io *io, triad_error *err)
{
    return run(batch, pool, io, reset_tile, err);
}

triad_status babyai_batch_step(babyai_batch *batch, triad_pool *pool, const babyai_io *io, triad_error *err)
{
    unsigned highest = 0;
    for (size_t i = 0; i < batch->n; i++) highest = io->action[i] > highest ? io->action[i] : highest;
    for (size_t i = 0; highest >= BABYAI_ACTIONS; i++)
        if (io->action[i] >= BABYAI_ACTIONS)
            return triad_fail(err, TRIAD_ERR_RANGE, (int64_t)i, "batch: action %u of environment %zu (0 to %d)",
                              io->action[i], i, BABYAI_ACTIONS - 1);
    return run(batch, pool, io, step_tile, err);
}

triad_status babyai_batch_restart(babyai_batch *batch, size_t i, uint64_t seed, const babyai_io *io, triad_error *err)
{
    if (i >= batch->n) return triad_fail(err, TRIAD_ERR_RANGE, -1, "batch: environment %zu of %zu", i, batch->n);
    const triad_status status = babyai_reset_seed(batch->env[i], seed, err);
    if (status == TRIAD_OK) babyai_observe(batch->env[i], io->observation + i * BABYAI_OBSERVATION, &io->direction[i]);
    return status;
}

size_t babyai_batch_count(const babyai_batch *batch)
{
    return batch->n;
}

const char *babyai_batch_mission(const babyai_batch *batch, size_t i)
{
    return batch->env[i]->world->mission;
}

babyai_env *babyai_batch_env(babyai_batch *batch, size_t i)
{
    return batch->env[i];
}
