#include "bench/simulate.h"

#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IDEAS = 3, TEXT = 48, FIXED_STREAM = 1, DRAW_STREAM = 2 };

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "simulation: out of memory");
}

static void seed_stream(triad_pcg64 *rng, uint64_t seed, uint32_t stream, uint64_t draw)
{
    const uint32_t words[] = {(uint32_t)seed, (uint32_t)(seed >> 32), 0x51a1, stream, (uint32_t)draw};
    triad_pcg64_seed_words(rng, words, sizeof words / sizeof *words);
}

static void fill_normal(double *out, size_t count, triad_pcg64 *rng)
{
    for (size_t i = 0; i < count; i++) out[i] = triad_pcg64_normal(rng);
}

/* A space of the sentences with data [n, d], which is rounded to float. */
static triad_status make_space(triad_space *space, size_t n, size_t factors, const char *const *factor,
                               const char *const *id, const char *const *cell, const double *x, size_t d,
                               triad_error *err)
{
    triad_items items = {0};
    float *data;
    triad_status status = triad_items_create(&items, n, id, id, factors, factor, cell, err);
    if (status == TRIAD_OK) status = triad_space_create(space, &items, "simulated", "", "sentence", "baseline", err);
    if (status == TRIAD_OK) status = triad_space_add_layer(space, "0", n, d, &data, err);
    for (size_t i = 0; status == TRIAD_OK && i < n * d; i++) data[i] = (float)x[i];
    triad_items_free(&items);
    return status;
}

triad_status simulate_grammar(triad_space pair[2], const simulated_grammar *g, uint64_t seed, uint64_t draw,
                              triad_error *err)
{
    memset(pair, 0, 2 * sizeof *pair);
    const size_t n = g->verbs * g->colours * g->objects, words = g->verbs + g->colours + g->objects,
                 widest = g->d[0] > g->d[1] ? g->d[0] : g->d[1];
    triad_pcg64 fixed, fresh;
    seed_stream(&fixed, seed, FIXED_STREAM, 0);
    seed_stream(&fresh, seed, DRAW_STREAM, draw);
    double *idea = malloc((words * IDEAS + IDEAS * widest + words * widest + n * widest + 1) * sizeof *idea);
    char(*text)[TEXT] = calloc(n + words, TEXT);
    const char **list = malloc(4 * n * sizeof *list);
    triad_status status = idea && text && list ? TRIAD_OK : out_of_memory(err);
    if (status != TRIAD_OK) goto out;
    double *turn = idea + words * IDEAS, *word = turn + IDEAS * widest, *x = word + words * widest;
    for (size_t w = 0; w < words; w++)
        snprintf(text[n + w], TEXT, "%s%zu", w < g->verbs ? "do" : w < g->verbs + g->colours ? "hue" : "thing", w);
    for (size_t i = 0; i < n; i++) {
        const size_t of[3] = {i / (g->colours * g->objects), g->verbs + i / g->objects % g->colours,
                              g->verbs + g->colours + i % g->objects};
        snprintf(text[i], TEXT, "%.12s %.12s %.12s", text[n + of[0]], text[n + of[1]], text[n + of[2]]);
        list[i] = text[i];
        for (size_t f = 0; f < 3; f++) list[n + 3 * i + f] = text[n + of[f]];
    }
    fill_normal(idea, g->verbs * IDEAS, &fixed);
    fill_normal(idea + g->verbs * IDEAS, (words - g->verbs) * IDEAS, &fresh);
    for (size_t side = 0; side < 2 && status == TRIAD_OK; side++) {
        const size_t d = g->d[side];
        fill_normal(turn, IDEAS * d, &fixed);
        fill_normal(word, g->verbs * d, &fixed);
        fill_normal(word + g->verbs * d, (words - g->verbs) * d, &fresh);
        for (size_t w = 0; w < words; w++)
            for (size_t c = 0; c < d; c++) {
                double common = 0;
                for (size_t m = 0; m < IDEAS; m++) common += idea[w * IDEAS + m] * turn[m * d + c];
                word[w * d + c] = sqrt(g->shared / IDEAS) * common + sqrt(1 - g->shared) * word[w * d + c];
            }
        for (size_t i = 0; i < n; i++) {
            const size_t of[3] = {i / (g->colours * g->objects), g->verbs + i / g->objects % g->colours,
                                  g->verbs + g->colours + i % g->objects};
            for (size_t c = 0; c < d; c++)
                x[i * d + c] = word[of[0] * d + c] + word[of[1] * d + c] + word[of[2] * d + c] +
                               g->noise * triad_pcg64_normal(&fresh);
        }
        static const char *const factor[] = {"verb", "colour", "object"};
        status = make_space(&pair[side], n, 3, factor, list, list + n, x, d, err);
    }
out:
    free(idea);
    free(text);
    free(list);
    if (status != TRIAD_OK)
        for (size_t side = 0; side < 2; side++) triad_space_free(&pair[side]);
    return status;
}

triad_status simulate_rows(triad_space pair[2], const simulated_rows *r, uint64_t seed, uint64_t draw, triad_error *err)
{
    memset(pair, 0, 2 * sizeof *pair);
    const size_t n = r->n, widest = r->d[0] > r->d[1] ? r->d[0] : r->d[1];
    triad_pcg64 fixed, fresh;
    seed_stream(&fixed, seed, FIXED_STREAM, 1);
    seed_stream(&fresh, seed, DRAW_STREAM, draw);
    double *common = malloc((n * r->common + r->common * widest + n * widest + 1) * sizeof *common);
    char(*text)[TEXT] = calloc(n + 1, TEXT);
    const char **list = malloc((n + 1) * sizeof *list);
    triad_status status = common && text && list ? TRIAD_OK : out_of_memory(err);
    if (status != TRIAD_OK) goto out;
    double *turn = common + n * r->common, *x = turn + r->common * widest;
    for (size_t i = 0; i < n; i++) {
        snprintf(text[i], TEXT, "row %05zu", i);
        list[i] = text[i];
    }
    fill_normal(common, n * r->common, &fresh);
    for (size_t side = 0; side < 2 && status == TRIAD_OK; side++) {
        const size_t d = r->d[side];
        fill_normal(turn, r->common * d, &fixed);
        for (size_t i = 0; i < n; i++)
            for (size_t c = 0; c < d; c++) {
                double sum = r->noise * triad_pcg64_normal(&fresh);
                for (size_t m = 0; m < r->common; m++)
                    sum += common[i * r->common + m] * turn[m * d + c] / sqrt((double)r->common);
                x[i * d + c] = sum;
            }
        status = make_space(&pair[side], n, 0, NULL, list, NULL, x, d, err);
    }
out:
    free(common);
    free(text);
    free(list);
    if (status != TRIAD_OK)
        for (size_t side = 0; side < 2; side++) triad_space_free(&pair[side]);
    return status;
}
