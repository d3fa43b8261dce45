/* The pool of workers.
 *
 * A region (one triad_parallel) is a gate that workers join and leave. The caller opens it, takes tiles from the
 * same counter as everyone, shuts it when the tiles have run out, and waits for those who are still inside. A worker
 * that comes late finds it shut and touches nothing, so a region never waits for a worker that the system has not
 * got round to waking.
 *
 * Who waits spins for a moment, since the next region of a training step comes within microseconds, then sleeps. How
 * long a worker spins follows how long it waited last time. Nobody spins on the core of the thread that it waits for:
 * on a machine with more to do than cores that would keep the work itself from running. (Nor does anybody yield:
 * that gives up a whole slice of several milliseconds to whatever else runs.) */
#include "triad/base.h"

#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define GATE_OPEN 0x80000000U /* the other bits count the workers inside */

enum {
    SPIN_MOST = 50000, /* nanoseconds; about what waking a sleeper costs */
    SPIN_LEAST = 2000
};

typedef struct worker {
    triad_pool *pool;
    pthread_t thread;
    int index;
    _Alignas(64) atomic_int core; /* where it works on the region; -1 outside */
} worker;

struct triad_pool {
    int threads;
    int started; /* workers that run: threads - 1 once created */
    worker *workers;

    /* Written by the caller while the gate is shut and nobody is inside. */
    triad_tile_fn fn;
    void *context;
    size_t tiles;

    _Alignas(64) atomic_size_t next;   /* the tile that is taken next */
    _Alignas(64) atomic_uint gate;     /* GATE_OPEN and the number inside */
    _Alignas(64) atomic_uint epoch;    /* counts regions; workers wait for it to change */
    _Alignas(64) atomic_uint sleepers; /* workers asleep on epoch */
    atomic_uint caller_sleeps;         /* the caller is asleep on gate */
    atomic_int caller_core;
    atomic_bool stopping;
    atomic_bool busy;
};

static void futex_wait(atomic_uint *word, unsigned value)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(atomic_uint *word, int count)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static int64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Does the thread that `self` waits for (the caller; for the caller, which has no self, a worker) have this very core?
 */
static bool shares_core(const triad_pool *pool, const worker *self)
{
    const int core = sched_getcpu();
    if (self != NULL) return core == atomic_load_explicit(&pool->caller_core, memory_order_relaxed);
    for (int i = 0; i < pool->started; i++)
        if (core == atomic_load_explicit(&pool->workers[i].core, memory_order_relaxed)) return true;
    return false;
}

/* Waits until *word is no longer `value`, or, for the caller, until it is 0; false when it should rather sleep. */
static bool spin(const triad_pool *pool, const worker *self, atomic_uint *word, unsigned value, int64_t limit)
{
    const int64_t start = nanoseconds();
    for (;;) {
        for (int i = 0; i < 16; i++) {
            const unsigned seen = atomic_load_explicit(word, memory_order_acquire);
            if (self != NULL ? seen != value : seen == 0) return true;
            __builtin_ia32_pause();
        }
        if (nanoseconds() - start >= limit || shares_core(pool, self)) return false;
    }
}

static void run_tiles(triad_pool *pool, int index)
{
    const triad_tile_fn fn = pool->fn;
    void *const context = pool->context;
    const size_t tiles = pool->tiles;
    for (;;) {
        const size_t tile = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (tile >= tiles) return;
        fn(context, tile, index);
    }
}

static bool join_region(triad_pool *pool)
{
    unsigned gate = atomic_load_explicit(&pool->gate, memory_order_relaxed);
    while (gate & GATE_OPEN) {
        if (atomic_compare_exchange_weak_explicit(&pool->gate, &gate, gate + 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
    }
    return false;
}

static void leave_region(triad_pool *pool)
{
    if (atomic_fetch_sub(&pool->gate, 1) == 1 && atomic_load(&pool->caller_sleeps)) futex_wake(&pool->gate, 1);
}

static void *work(void *argument)
{
    worker *self = argument;
    triad_pool *pool = self->pool;
    unsigned seen = 0;
    int64_t limit = SPIN_MOST;
    while (!atomic_load(&pool->stopping)) {
        const int64_t start = nanoseconds();
        if (!spin(pool, self, &pool->epoch, seen, limit)) {
            atomic_fetch_add(&pool->sleepers, 1);
            while (atomic_load(&pool->epoch) == seen) futex_wait(&pool->epoch, seen);
            atomic_fetch_sub(&pool->sleepers, 1);
        }
        if (nanoseconds() - start < SPIN_MOST)
            limit = SPIN_MOST;
        else if (limit > SPIN_LEAST)
            limit /= 2;
        seen = atomic_load(&pool->epoch);
        if (join_region(pool)) {
            atomic_store_explicit(&self->core, sched_getcpu(), memory_order_relaxed);
            run_tiles(pool, self->index);
            atomic_store_explicit(&self->core, -1, memory_order_relaxed);
            leave_region(pool);
        }
    }
    return NULL;
}

triad_status triad_pool_create(triad_pool **result, int threads, triad_error *err)
{
    *result = NULL;
    if (threads < 1) return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "threads: %d is less than 1", threads);
    triad_pool *pool = aligned_alloc(64, sizeof *pool);
    worker *workers = aligned_alloc(64, (size_t)threads * sizeof *workers);
    if (pool == NULL || workers == NULL) {
        free(pool);
        free(workers);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "threads: out of memory for %d workers", threads);
    }
    memset(pool, 0, sizeof *pool);
    pool->threads = threads;
    pool->workers = workers;

    /* Signals are for the thread that the program started with, but for those that a thread brings on itself. */
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
    sigset_t all, before;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) sigdelset(&all, own[i]);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = 0;
    while (pool->started < threads - 1) {
        worker *next = &workers[pool->started];
        memset(next, 0, sizeof *next);
        next->pool = pool;
        next->index = pool->started + 1;
        atomic_store(&next->core, -1);
        failure = pthread_create(&next->thread, NULL, work, next);
        if (failure != 0) break;
        pool->started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failure != 0) {
        const int started = pool->started;
        triad_pool_free(pool);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1,
                          "threads: the system starts only %d of %d: %s (give a smaller --threads)", started + 1,
                          threads, strerror(failure));
    }
    *result = pool;
    return TRIAD_OK;
}

void triad_pool_free(triad_pool *pool)
{
    if (pool == NULL) return;
    atomic_store(&pool->stopping, true);
    atomic_fetch_add(&pool->epoch, 1);
    futex_wake(&pool->epoch, pool->threads);
    for (int i = 0; i < pool->started; i++) pthread_join(pool->workers[i].thread, NULL);
    free(pool->workers);
    free(pool);
}

int triad_pool_threads(const triad_pool *pool)
{
    return pool == NULL ? 1 : pool->threads;
}

void triad_parallel(triad_pool *pool, size_t tiles, triad_tile_fn fn, void *context)
{
    if (pool == NULL || pool->started == 0 || tiles <= 1) {
        for (size_t tile = 0; tile < tiles; tile++) fn(context, tile, 0);
        return;
    }
    const bool nested = atomic_exchange(&pool->busy, true);
    assert(!nested && "one triad_parallel runs at a time on a pool");
    (void)nested;

    pool->fn = fn;
    pool->context = context;
    pool->tiles = tiles;
    atomic_store_explicit(&pool->caller_core, sched_getcpu(), memory_order_relaxed);
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->gate, GATE_OPEN, memory_order_release);
    atomic_fetch_add(&pool->epoch, 1);
    /* A worker adds itself to sleepers before it looks at epoch a last time: one of the two sees the other. */
    const unsigned sleepers = atomic_load(&pool->sleepers);
    if (sleepers > 0) futex_wake(&pool->epoch, tiles - 1 < sleepers ? (int)(tiles - 1) : (int)sleepers);

    run_tiles(pool, 0);

    atomic_fetch_and(&pool->gate, ~GATE_OPEN);
    if (!spin(pool, NULL, &pool->gate, 0, SPIN_MOST)) {
        atomic_store(&pool->caller_sleeps, 1);
        unsigned gate;
        while ((gate = atomic_load(&pool->gate)) != 0) futex_wait(&pool->gate, gate);
        atomic_store(&pool->caller_sleeps, 0);
    }
    atomic_store(&pool->busy, false);
}
