/* What `triad bench` measures. A benchmark is a function here that appends one object a case to `results`, and a file
 * src/cli/cmd_bench_NAME.c that parses its options and prints. Figures are rates of the best of several runs: on a
 * machine that others share the best is what the program can do, the mean is what the others left of it. */
#ifndef TRIAD_BENCH_BENCH_H
#define TRIAD_BENCH_BENCH_H

#include "formats/json.h"
#include "triad/babyai.h"
#include "triad/base.h"
#include "triad/items.h"
#include "triad/space.h"

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
/* The first `count` batches that it trains on, written to path (bench_batches.h). */
TRIAD_NODISCARD triad_status bench_train_batches(const char *path, size_t width, size_t count, triad_pool *pool,
                                                 triad_error *err);

/* A level in a batch of `envs` environments under random actions, drawn inside the timed loop; episodes that end are
 * followed by new ones from the environment's own stream, and every observation is written: steps_per_s. The same
 * environments reset over and over, their first observations written: resets_per_s. The expert's episodes recorded and
 * written to a file with observations, in $TMPDIR or /tmp: demos_per_s, null where the expert can't solve the level.
 * Each is the best of `rounds` runs of about `seconds`. One result. */
TRIAD_NODISCARD triad_status bench_babyai(json_object *results, const babyai_level *level, size_t envs, int rounds,
                                          double seconds, triad_pool *pool, triad_error *err);

typedef struct bench_embed_options {
    int repeats;   /* after one that warms up, the best counts; 0: that one */
    bool apart;    /* prefixes that sentences share are computed for each of them */
    bool sgemm;    /* measure OpenBLAS too */
    size_t memory; /* bytes of hidden states that stay in memory; 0: the default */
} bench_embed_options;

/* A model over sentences, tokenizing included and every layer's pooled vectors kept, as `triad embed --layers all` does
 * it without its file. gflops counts the products of the tokens that are computed; gflops_sgemm is OpenBLAS at these
 * weights' shapes with as many rows and threads. One result. */
TRIAD_NODISCARD triad_status bench_embed(json_object *results, const char *source, const triad_items *items,
                                         const bench_embed_options *options, triad_pool *pool, triad_error *err);

/* mutual_knn/15, cka_linear_debiased and rsa/cosine/spearman of the last layers of two spaces, from rows in memory to
 * the value, the measures in turn, the best of `rounds`. Three results with `seconds` and `value`. The second makes two
 * spaces [n, d] that share part of their geometry. */
TRIAD_NODISCARD triad_status bench_align_kernels(json_object *results, const triad_space *x, const triad_space *y,
                                                 size_t rounds, triad_pool *pool, triad_error *err);
TRIAD_NODISCARD triad_status bench_align_kernels_simulated(json_object *results, size_t n, size_t d, size_t rounds,
                                                           triad_pool *pool, triad_error *err);

/* What `triad align` computes by default (values, intervals, both nulls) for all pairs of ten simulated spaces of n
 * sentences of a grammar, 128 to 4,096 wide. One result. */
TRIAD_NODISCARD triad_status bench_align_pairs(json_object *results, size_t n, triad_pool *pool,
                                               triad_progress *progress, triad_error *err);

#endif
