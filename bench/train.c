/* Training's throughput at the recipe's configuration: bench/train [--json] [--seconds S] [--threads N]
 *
 * Counted operations a second of whole updates (demonstrations, passes, optimiser; no files), beside OpenBLAS's own
 * rate at 2048x256x256 with as many threads in the same run, and what part of the workers' time demonstrations take. */
#include "agent/learner.h"
#include "base/machine.h"
#include "base/progress.h"
#include "formats/json.h"
#include "triad/agent.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const char *const LEVELS[] = {"GoToLocal",    "PickupLoc", "PickupDist",
                                     "PutNextLocal", "OpenDoor",  "ActionObjDoor"};
static const double SHARES[] = {0.11, 0.29, 0.06, 0.29, 0.14, 0.11};
enum { LEVEL_COUNT = sizeof LEVELS / sizeof *LEVELS, BATCH_STEPS = 256, WARM_UP = 20 };

static _Noreturn void stop(const triad_error *err)
{
    fprintf(stderr, "train: %s\n", err->text);
    exit(EXIT_FAILURE);
}

static double sgemm_gflops(int threads, double seconds)
{
    const size_t m = 2048, n = 256, k = 256;
    float *a = calloc(m * k, sizeof *a), *b = calloc(n * k, sizeof *b), *c = calloc(m * n, sizeof *c);
    if (!a || !b || !c) exit(EXIT_FAILURE);
    openblas_set_num_threads(threads);
    double best = 0;
    const double begin = triad_now();
    while (triad_now() - begin < seconds) {
        const double start = triad_now();
        for (int i = 0; i < 10; i++)
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)n, (int)k, 1, a, (int)k, b, (int)k, 0, c,
                        (int)n);
        const double rate = 10 * 2e-9 * (double)(m * n * k) / (triad_now() - start);
        if (rate > best) best = rate;
    }
    openblas_set_num_threads(1);
    free(a);
    free(b);
    free(c);
    return best;
}

static void fill(void *context, size_t tile, int worker)
{
    demo_stream_fill(context, tile, worker);
}

int main(int argc, char **argv)
{
    bool json = false;
    double seconds = 5;
    int threads = triad_machine_threads();
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
            seconds = strtod(argv[++i], NULL);
        else if (strcmp(argv[i], "--threads") == 0 && i + 1 < argc)
            threads = atoi(argv[++i]);
        else {
            fprintf(stderr, "usage: train [--json] [--seconds S] [--threads N]\n");
            return 2;
        }
    }
    triad_error err;
    triad_pool *pool;
    agent_words words;
    policy_layout layout;
    agent_learner learner;
    demo_stream *stream;
    agent_batch batch = {0};
    const babyai_level *levels[LEVEL_COUNT];
    for (int l = 0; l < LEVEL_COUNT; l++) levels[l] = babyai_level_find(LEVELS[l]);
    if (triad_pool_create(&pool, threads, &err) || agent_words_babyai(&words, &err)) stop(&err);
    const policy_config config = policy_recipe(words.count);
    policy_lay_out(&layout, &config);
    const demo_stream_options options = {.levels = levels,
                                         .shares = SHARES,
                                         .level_count = LEVEL_COUNT,
                                         .batch_steps = BATCH_STEPS,
                                         .words = &words,
                                         .workers = threads};
    if (learner_create(&learner, &layout, threads, &err) || demo_stream_create(&stream, &options, &err)) stop(&err);
    policy_initialise(learner.params, &layout, 0);

    const double sgemm = sgemm_gflops(threads, seconds / 5);
    uint64_t update = 0, flops = 0, steps = 0;
    double begin = triad_now(), demonstrating = 0;
    while (update < WARM_UP || triad_now() - begin < seconds) {
        if (update == WARM_UP) begin = triad_now(), flops = steps = 0, demonstrating = 0;
        batch_clear(&batch);
        for (const demonstration *demo; batch.steps < BATCH_STEPS;) {
            if ((demo = demo_stream_next(stream))) {
                if (!batch_take(&batch, demo)) exit(EXIT_FAILURE);
                continue;
            }
            /* Here and not beside the update, so that they can be timed. */
            const double start = triad_now();
            const size_t blocks = demo_stream_wanted(stream, SIZE_MAX);
            triad_parallel(pool, blocks, fill, stream);
            if (demo_stream_filled(stream, blocks, &err)) stop(&err);
            demonstrating += triad_now() - start;
        }
        if (!batch_pack(&batch, &layout)) exit(EXIT_FAILURE);
        demo_stream_release(stream);
        learner_report report;
        const learner_options rate = {
            .learning_rate = 8e-4, .weight_decay = 0.01, .beta1 = 0.9, .beta2 = 0.98, .clip = 1};
        if (learner_update(&learner, &batch, stream, 0, ++update, &rate, &report, pool, &err)) stop(&err);
        flops += batch.flops;
        steps += batch.steps;
    }
    const double took = triad_now() - begin;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);

    json_object *root = json_object_new_object(), *results = json_object_new_array(),
                *result = json_object_new_object();
    json_object_object_add(result, "width", json_object_new_int64((int64_t)config.width));
    json_object_object_add(result, "threads", json_object_new_int(threads));
    json_object_object_add(result, "gflops", json_new_real((double)flops / took / 1e9));
    json_object_object_add(result, "gflops_sgemm", json_new_real(sgemm));
    json_object_object_add(result, "items_per_s", json_new_real((double)steps / took));
    json_object_object_add(result, "demonstrations_share", json_new_real(demonstrating / took));
    json_object_object_add(result, "peak_rss_bytes", json_object_new_int64((int64_t)usage.ru_maxrss * 1024));
    json_object_array_add(results, result);
    json_object_object_add(root, "bench", json_object_new_string("train"));
    json_object_object_add(root, "machine", json_object_new_string(triad_machine_cpu()));
    json_object_object_add(root, "results", results);
    if (json) {
        char *text = json_to_text(root, true);
        if (text) fputs(text, stdout);
        free(text);
    } else {
        printf("width %zu, %d threads: %.1f GFLOP/s of %.1f (sgemm 2048x256x256), %.0f steps/s, demonstrations %.1f %% "
               "of the time, %.0f MB\n",
               config.width, threads, (double)flops / took / 1e9, sgemm, (double)steps / took,
               100 * demonstrating / took, (double)usage.ru_maxrss / 1024);
    }
    json_object_put(root);
    batch_free(&batch);
    demo_stream_free(stream);
    learner_free(&learner);
    agent_words_free(&words);
    triad_pool_free(pool);
    return 0;
}
