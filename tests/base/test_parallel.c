#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "triad/base.h"

#include <cblas.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static triad_pool *make(int threads)
{
    triad_pool *pool = NULL;
    triad_error err;
    if (triad_pool_create(&pool, threads, &err) != TRIAD_OK) fail_msg("%s", err.text);
    return pool;
}

static void creation(void **state)
{
    (void)state;
    triad_pool *pool = NULL;
    triad_error err;
    assert_int_equal(triad_pool_create(&pool, 0, &err), TRIAD_ERR_ARGUMENT);
    assert_null(pool);
    assert_int_equal(triad_pool_create(&pool, -3, NULL), TRIAD_ERR_ARGUMENT);
    assert_int_equal(triad_pool_threads(NULL), 1);
    triad_pool_free(NULL);
    for (int threads = 1; threads <= 9; threads++) {
        pool = make(threads);
        assert_int_equal(triad_pool_threads(pool), threads);
        triad_pool_free(pool);
    }
    /* Freed at once, while the workers may not have begun, and after they have gone to sleep. */
    for (int i = 0; i < 200; i++) triad_pool_free(make(4));
    pool = make(4);
    usleep(20000);
    triad_pool_free(pool);
}

/* Sanitizers map more than any limit of address space that would stop a thread. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static void too_many_threads(void **state)
{
    (void)state;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setrlimit(RLIMIT_AS, &(struct rlimit){(rlim_t)2 << 30, (rlim_t)2 << 30});
        triad_pool *pool = NULL;
        triad_error err;
        const triad_status status = triad_pool_create(&pool, 4096, &err);
        const bool told =
            strstr(err.text, " of 4096: ") != NULL && strstr(err.text, "(give a smaller --threads)") != NULL;
        _exit(status == TRIAD_ERR_MEMORY && pool == NULL && told ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}
#else
static void too_many_threads(void **state)
{
    (void)state;
    skip();
}
#endif

typedef struct tally {
    int threads;
    size_t *count;         /* [tiles] */
    atomic_int inside[64]; /* of each worker */
    atomic_int wrong;
} tally;

static void count_tile(void *context, size_t tile, int worker)
{
    tally *t = context;
    if (worker < 0 || worker >= t->threads || atomic_fetch_add(&t->inside[worker], 1) != 0)
        atomic_fetch_add(&t->wrong, 1);
    t->count[tile]++; /* plain: a tile that runs twice is a race */
    atomic_fetch_sub(&t->inside[worker], 1);
}

/* Every tile once, whatever the numbers, and a worker's index in no two hands. */
static void every_tile_once(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 3, 7, 8, 64, 1000};
    for (int threads = 0; threads <= 8; threads++) {
        triad_pool *pool = threads == 0 ? NULL : make(threads);
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            tally t = {.threads = threads == 0 ? 1 : threads, .count = calloc(sizes[s] + 1, sizeof(size_t))};
            assert_non_null(t.count);
            for (int turn = 0; turn < 50; turn++) triad_parallel(pool, sizes[s], count_tile, &t);
            for (size_t tile = 0; tile < sizes[s]; tile++) assert_int_equal(t.count[tile], 50);
            assert_int_equal(t.count[sizes[s]], 0);
            assert_int_equal(t.wrong, 0);
            free(t.count);
        }
        triad_pool_free(pool);
    }
}

/* Many small regions, some apart enough for the workers to fall asleep in between, more threads than cores. */
static void stress(void **state)
{
    (void)state;
    triad_pool *pool = make(7);
    enum { TILES = 16 };
    size_t count[TILES] = {0};
    tally t = {.threads = 7, .count = count};
    const struct timespec nap = {0, 300000};
    for (int turn = 0; turn < 20000; turn++) {
        triad_parallel(pool, 1 + (size_t)turn % TILES, count_tile, &t);
        if (turn % 200 == 0) nanosleep(&nap, NULL);
    }
    assert_int_equal(count[0], 20000);
    assert_int_equal(count[TILES - 1], 20000 / TILES);
    assert_int_equal(t.wrong, 0);
    triad_pool_free(pool);
}

/* An idle pool sleeps: it takes next to no processor time. */
static void idle(void **state)
{
    (void)state;
    triad_pool *pool = make(4);
    size_t count[8] = {0};
    tally t = {.threads = 4, .count = count};
    triad_parallel(pool, 8, count_tile, &t);
    usleep(20000);
    struct timespec before, after;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    usleep(200000);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    const double busy = (double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec);
    assert_true(busy < 0.05);
    triad_pool_free(pool);
}

/* Products from tiles: OpenBLAS is called from many threads at once, each product single-threaded. */
enum { PRODUCTS = 24, M = 33, N = 70, K = 130 };

typedef struct products {
    const float *a, *b; /* [PRODUCTS, M, K], [K, N] */
    float *c;           /* [PRODUCTS, M, N] */
} products;

static void multiply(void *context, size_t tile, int worker)
{
    (void)worker;
    const products *p = context;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, M, N, K, 1.0F, p->a + tile * M * K, K, p->b, N, 0.0F,
                p->c + tile * M * N, N);
}

static void concurrent_blas(void **state)
{
    (void)state;
    float *a = malloc(sizeof(float) * PRODUCTS * M * K), *b = malloc(sizeof(float) * K * N);
    float *serial = malloc(sizeof(float) * PRODUCTS * M * N), *c = malloc(sizeof(float) * PRODUCTS * M * N);
    assert_true(a != NULL && b != NULL && serial != NULL && c != NULL);
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 1);
    for (size_t i = 0; i < (size_t)PRODUCTS * M * K; i++) a[i] = (float)triad_pcg64_normal(&rng);
    for (size_t i = 0; i < (size_t)K * N; i++) b[i] = (float)triad_pcg64_normal(&rng);
    triad_parallel(NULL, PRODUCTS, multiply, &(products){a, b, serial});
    for (int threads = 2; threads <= 6; threads += 2) {
        triad_pool *pool = make(threads);
        for (int turn = 0; turn < 60; turn++) {
            memset(c, 0xff, sizeof(float) * PRODUCTS * M * N);
            triad_parallel(pool, PRODUCTS, multiply, &(products){a, b, c});
            assert_memory_equal(c, serial, sizeof(float) * PRODUCTS * M * N);
        }
        triad_pool_free(pool);
    }
    free(a);
    free(b);
    free(serial);
    free(c);
}

int main(void)
{
    openblas_set_num_threads(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creation),
        cmocka_unit_test(too_many_threads),
        cmocka_unit_test(every_tile_once),
        cmocka_unit_test(stress),
        cmocka_unit_test(idle),
        cmocka_unit_test(concurrent_blas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
