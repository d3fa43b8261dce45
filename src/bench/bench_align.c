/* Alignment: single measures of two large spaces, and everything that `triad align` computes by default for all pairs
 * of ten. */
#include "bench/bench.h"

#include "base/progress.h"
#include "base/rng.h"
#include "base/text.h"
#include "triad/align.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "bench align: out of memory");
}

/* ---- simulated spaces */

/* layer [n, d] = a mixture of `shared` [n, rank] and noise of its own, off its origin as the last layers of language
 * models are. */
static void fill_layer(float *out, const float *shared, size_t rank, size_t n, size_t d, uint64_t seed)
{
    triad_pcg64 rng;
    const uint32_t words[] = {0xbe9c, (uint32_t)seed};
    triad_pcg64_seed_words(&rng, words, 2);
    float *mix = malloc((rank + 1) * d * sizeof *mix), *centre = mix + rank * d;
    for (size_t i = 0; mix && i < (rank + 1) * d; i++) mix[i] = (float)triad_pcg64_normal(&rng);
    for (size_t i = 0; mix && i < n; i++)
        for (size_t c = 0; c < d; c++) {
            /* noise by a sum of uniforms: normal draws would take longer than what is measured */
            const uint64_t bits = triad_pcg64_next64(&rng);
            float value = centre[c] + ((float)(bits & 0xffff) + (float)(bits >> 16 & 0xffff) +
                                       (float)(bits >> 32 & 0xffff) + (float)(bits >> 48) - 131070.0F) *
                                          0x1p-16F;
            for (size_t k = 0; k < rank; k++) value += shared[i * rank + k] * mix[k * d + c] * 0.05F;
            out[i * d + c] = value;
        }
    free(mix);
}

enum { WORDS = 64, CODE = 12 };

/* A grammar whose relabellings are all closed: 4 verbs, 5 colours, 5 objects, places for the rest. */
static triad_status make_items(triad_items *items, float *shared, size_t n, triad_error *err)
{
    static const size_t words[] = {4, 5, 5};
    triad_text text = {0};
    triad_text_add(&text, "id\ttext\tverb\tcolour\tobject\tlocation\n");
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 11);
    float *code = malloc((n + WORDS) * CODE * sizeof *code); /* of each word; places count from WORDS / 2 */
    for (size_t i = 0; code && i < (n + WORDS) * CODE; i++) code[i] = (float)triad_pcg64_normal(&rng);
    for (size_t i = 0; code && i < n; i++) {
        size_t left = i, word[4];
        for (size_t f = 0; f < 3; f++) {
            word[f] = left % words[f];
            left /= words[f];
        }
        word[3] = left;
        triad_text_addf(&text, "s%05zu\tv%zu c%zu o%zu l%zu\tv%zu\tc%zu\to%zu\tl%zu\n", i, word[0], word[1], word[2],
                        word[3], word[0], word[1], word[2], word[3]);
        for (size_t k = 0; k < CODE; k++) {
            float sum = 0;
            for (size_t f = 0; f < 4; f++) sum += code[(f < 3 ? 8 * f : WORDS / 2) * CODE + word[f] * CODE + k];
            shared[i * CODE + k] = sum;
        }
    }
    triad_status status =
        code && !text.failed ? triad_items_parse(items, text.bytes, text.size, "simulated", err) : out_of_memory(err);
    free(code);
    triad_text_free(&text);
    return status;
}

static triad_status simulate(triad_space *space, size_t n, size_t d, uint64_t seed, triad_error *err)
{
    triad_items items = {0};
    float *shared = malloc((n * CODE + 1) * sizeof *shared), *data = NULL;
    triad_status status = shared ? make_items(&items, shared, n, err) : out_of_memory(err);
    if (status == TRIAD_OK)
        status = triad_space_create(space, &items, "simulated", "none", "sentence", "baseline", err);
    if (status == TRIAD_OK) status = triad_space_add_layer(space, "0", n, d, &data, err);
    if (status == TRIAD_OK) fill_layer(data, shared, CODE, n, d, seed);
    triad_items_free(&items);
    free(shared);
    return status;
}

/* ---- measuring */

static void report(json_object *results, const char *workload, size_t spaces, size_t n, size_t d, triad_pool *pool,
                   double seconds, double value)
{
    json_object *result = json_object_new_object();
    json_object_object_add(result, "workload", json_object_new_string(workload));
    json_object_object_add(result, "spaces", json_object_new_int64((int64_t)spaces));
    json_object_object_add(result, "n", json_object_new_int64((int64_t)n));
    json_object_object_add(result, "d", json_object_new_int64((int64_t)d));
    json_object_object_add(result, "threads", json_object_new_int(triad_pool_threads(pool)));
    json_object_object_add(result, "seconds", json_object_new_double(seconds));
    json_object_object_add(result, "value", json_object_new_double(value));
    json_object_object_add(result, "peak_rss_bytes", json_object_new_int64((int64_t)bench_peak_rss()));
    json_object_array_add(results, result);
}

triad_status bench_align_kernels(json_object *results, const triad_space *x, const triad_space *y, size_t rounds,
                                 triad_pool *pool, triad_error *err)
{
    static const char *const names[] = {"mutual_knn/15", "cka_linear_debiased", "rsa/cosine/spearman"};
    const triad_align_side sides[] = {{.name = "x", .space = x}, {.name = "y", .space = y}};
    double best[3] = {HUGE_VAL, HUGE_VAL, HUGE_VAL}, value[3] = {NAN, NAN, NAN};
    for (size_t round = 0; round < rounds; round++)
        for (size_t m = 0; m < 3; m++) {
            triad_align_options options = triad_align_defaults();
            options.iid = options.relabel = false;
            options.bootstraps = 0;
            options.measures = &names[m];
            options.measure_count = 1;
            triad_align_result result;
            const double begin = triad_now();
            const triad_status status = triad_align(&result, sides, 2, NULL, 0, &options, pool, NULL, err);
            if (status != TRIAD_OK) return status;
            best[m] = fmin(best[m], triad_now() - begin);
            const triad_align_measure *measure = triad_align_find(&result.pair[0], names[m]);
            value[m] = measure ? measure->value : NAN;
            triad_align_result_free(&result);
        }
    for (size_t m = 0; m < 3; m++)
        report(results, names[m], 2, triad_space_last(x)->n, triad_space_last(x)->d, pool, best[m], value[m]);
    return TRIAD_OK;
}

triad_status bench_align_kernels_simulated(json_object *results, size_t n, size_t d, size_t rounds, triad_pool *pool,
                                           triad_error *err)
{
    triad_space space[2] = {0};
    triad_status status = simulate(&space[0], n, d, 1, err);
    if (status == TRIAD_OK) status = simulate(&space[1], n, d, 2, err);
    if (status == TRIAD_OK) status = bench_align_kernels(results, &space[0], &space[1], rounds, pool, err);
    triad_space_free(&space[0]);
    triad_space_free(&space[1]);
    return status;
}

triad_status bench_align_pairs(json_object *results, size_t n, triad_pool *pool, triad_progress *progress,
                               triad_error *err)
{
    static const size_t widths[] = {128, 192, 256, 384, 512, 768, 1024, 2048, 3072, 4096};
    enum { SPACES = sizeof widths / sizeof *widths };
    triad_space space[SPACES] = {0};
    triad_align_side sides[SPACES];
    char name[SPACES][16];
    triad_status status = TRIAD_OK;
    for (size_t i = 0; i < SPACES && status == TRIAD_OK; i++) {
        status = simulate(&space[i], n, widths[i], 100 + i, err);
        snprintf(name[i], sizeof name[i], "d%zu", widths[i]);
        sides[i] = (triad_align_side){.name = name[i], .space = &space[i]};
    }
    triad_align_result result = {0};
    const triad_align_options options = triad_align_defaults();
    const double begin = triad_now();
    if (status == TRIAD_OK) status = triad_align(&result, sides, SPACES, NULL, 0, &options, pool, progress, err);
    if (status == TRIAD_OK) {
        double sum = 0;
        const double seconds = triad_now() - begin;
        for (size_t p = 0; p < result.pairs; p++) {
            const triad_align_measure *measure = triad_align_find(&result.pair[p], "mutual_knn_frac/15");
            sum += measure ? measure->value : NAN;
        }
        report(results, "all pairs", SPACES, n, widths[SPACES - 1], pool, seconds, sum / (double)result.pairs);
        triad_align_result_free(&result);
    }
    for (size_t i = 0; i < SPACES; i++) triad_space_free(&space[i]);
    return status;
}
