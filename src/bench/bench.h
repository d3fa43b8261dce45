/* What `triad bench` measures. A benchmark is a function here that appends one object a case to `results`, and a file
 * src/cli/cmd_bench_NAME.c that parses its options and prints. Figures are rates of the best of several runs: on a
 * machine that others share the best is what the program can do, the mean is what the others left of it. */
#ifndef TRIAD_BENCH_BENCH_H
#define TRIAD_BENCH_BENCH_H

#include "formats/json.h"
#include "triad/babyai.h"
#include "triad/base.h"

/* ---- helpers */

/* Something whose rate is measured: runs for about `seconds` and returns units a second, negative when it failed. */
typedef struct bench_contender {
    double (*run)(void *context, double seconds);
    void *context;
    double best; /* out: 0 before the first run */
} bench_contender;
/* Every contender once, then every one again, `rounds` times: what else the machine does hits all alike. Stops at the
 * first failure and returns false. */
bool bench_turn_about(bench_contender *contenders, size_t count, int rounds, double seconds);

/* OpenBLAS's own sgemm with its own threads at [2048, 256] x [256, 256]^T: the best GFLOP/s within `seconds`, at least
 * three runs; 0 when memory is out. Leaves OpenBLAS single-threaded. */
double bench_sgemm(int threads, double seconds);

size_t bench_peak_rss(void); /* bytes, of this process so far */

/* {"bench": NAME, "machine": …, "results": results}, which it takes over. */
json_object *bench_document(const char *bench, json_object *results);

/* ---- benchmarks */

/* Training at the recipe's configuration, its width replaced (feed-forward four times as wide; 0: as it is): whole
 * updates (demonstrations, passes, optimiser; no files), turn about with OpenBLAS's own rate with as many threads, each
 * for `seconds` in all. One result: the best of the rounds of each. */
TRIAD_NODISCARD triad_status bench_train(json_object *results, size_t width, double seconds, triad_pool *pool,
                                         triad_error *err);

/* A level in a batch of `envs` environments under random actions, drawn inside the timed loop; episodes that end are
 * followed by new ones from the environment's own stream; every observation is written. Then resets alone, then the
 * expert's demonstrations; each the best of `rounds` runs of `seconds`. One result. */
TRIAD_NODISCARD triad_status bench_babyai(json_object *results, const babyai_level *level, size_t envs, int rounds,
                                          double seconds, triad_pool *pool, triad_error *err);

#endif
