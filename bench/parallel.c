/* What a parallel region costs: rows of (work in a region, threads) with the speed over one thread. */
#include "base/machine.h"
#include "base/progress.h"
#include "triad/base.h"

#include <stdio.h>
#include <stdlib.h>

enum { TILES = 8 };

typedef struct work {
    int rounds;
    double out[TILES][8]; /* a cache line each */
} work;

/* A chain of additions: its time is its length. */
static void chain(void *context, size_t tile, int worker)
{
    (void)worker;
    work *w = context;
    double sum = 0;
    for (int i = 0; i < w->rounds; i++) sum += (double)i;
    w->out[tile][0] = sum;
}

static double seconds_per_region(triad_pool *pool, work *w, int regions)
{
    double best = 1e9;
    for (int turn = 0; turn < 5; turn++) {
        const double start = triad_now();
        for (int i = 0; i < regions; i++) triad_parallel(pool, TILES, chain, w);
        const double mean = (triad_now() - start) / regions;
        if (mean < best) best = mean;
    }
    return best;
}

int main(void)
{
    static const int rounds[] = {30, 300, 3000, 30000};
    const int most = triad_machine_threads();
    printf("%s, %d threads\n%12s %12s %12s %8s\n", triad_machine_cpu(), most, "serial/us", "threads", "pool/us",
           "speed");
    for (size_t r = 0; r < sizeof rounds / sizeof *rounds; r++) {
        work w = {.rounds = rounds[r]};
        const int regions = 3000000 / (rounds[r] * TILES) + 20;
        const double serial = seconds_per_region(NULL, &w, regions);
        for (int threads = 2; threads <= 2 * most; threads *= 2) {
            triad_pool *pool = NULL;
            triad_error err;
            if (triad_pool_create(&pool, threads, &err) != TRIAD_OK) {
                fprintf(stderr, "%s\n", err.text);
                return EXIT_FAILURE;
            }
            const double parallel = seconds_per_region(pool, &w, regions);
            printf("%12.2f %12d %12.2f %8.2f\n", 1e6 * serial, threads, 1e6 * parallel, serial / parallel);
            triad_pool_free(pool);
        }
    }
    return EXIT_SUCCESS;
}
