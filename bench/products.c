/* The speed of matrix products, attention and layers, each beside what it is measured against in the same run.
 *
 *   products [--json] [--seconds S] [--only KIND]
 *
 * peak       multiply-adds in registers on one core, for each set of instructions
 * product    nn_gemm_pool on one and on two threads against OpenBLAS's own two threads
 * core       nn_gemm on one core against OpenBLAS on one
 * attention  the products of one head against the peak of a core
 * layer      what is left of a training step, in rows a second and bytes a second
 *
 * What is compared is run turn about, best of at least five. */
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/machine.h"
#include "base/rng.h"
#include "formats/json.h"
#include "nn/gemm_kernels.h"
#include "nn/layers.h"
#include "nn/products.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

typedef struct bench {
    json_object *results;
    bool json;
    double seconds; /* for each thing measured */
    const char *only;
    double peak; /* floating-point operations a second of one core */
    triad_pool *pools[2];
    triad_pcg64 rng;
} bench;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *numbers(bench *b, size_t n)
{
    float *x = aligned_alloc(64, (n + 16) / 16 * 64);
    if (x == NULL) exit(1);
    for (size_t i = 0; i < n; i++) x[i] = (float)(triad_pcg64_uniform(&b->rng) - 0.5);
    return x;
}

/* One line, and one result: name, then pairs of a key and a number. */
static void report(bench *b, const char *kind, const char *name, size_t count, const char *const *keys,
                   const double *values)
{
    json_object *result = json_object_new_object();
    json_object_object_add(result, "kind", json_object_new_string(kind));
    json_object_object_add(result, "name", json_object_new_string(name));
    for (size_t i = 0; i < count; i++) json_object_object_add(result, keys[i], json_new_real(values[i]));
    json_object_array_add(b->results, result);
    if (b->json) return;
    printf("%-10s %-28s", kind, name);
    for (size_t i = 0; i < count; i++) printf("  %s %.4g", keys[i], values[i]);
    printf("\n");
    fflush(stdout);
}

typedef void (*run_fn)(void *context);

/* Runs the candidates in turn until the time is up; best[i] in seconds. pause: sleep before each, so that no worker of
 * the last one still spins. */
static void turn_about(bench *b, size_t count, const run_fn *run, void *context, double *best, bool pause)
{
    for (size_t i = 0; i < count; i++) best[i] = HUGE_VAL;
    const double end = now() + b->seconds * (double)count;
    for (int round = 0; round < 5 || now() < end; round++) {
        for (size_t i = 0; i < count; i++) {
            if (pause) nanosleep(&(struct timespec){0, 60000000}, NULL);
            for (int repeat = 0; repeat < (pause ? 3 : 1); repeat++) {
                const double start = now();
                run[i](context);
                const double took = now() - start;
                if (took < best[i]) best[i] = took;
            }
        }
    }
}

static void measure_peaks(bench *b)
{
    const nn_gemm_kernel *kernels[] = {&nn_gemm_kernel_base, &nn_gemm_kernel_avx512};
    static const char *const names[] = {"AVX2", "AVX-512"};
    for (size_t i = 0; i < COUNT(kernels); i++) {
        if (i == 1 && !triad_machine_has_avx512()) continue;
        float sink[2] = {0.5F, 0.5F};
        double best = 0;
        for (int round = 0; round < 20; round++) {
            const double start = now(), done = kernels[i]->peak(1000000, sink), rate = done / (now() - start);
            if (rate > best) best = rate;
        }
        report(b, "peak", names[i], 1, (const char *const[]){"gflops"}, (double[]){best * 1e-9});
        if (i == 0) b->peak = best; /* attention's products are 256 bits wide */
    }
}

typedef struct product {
    bench *b;
    bool ta, tb;
    size_t m, n, k;
    const float *x, *y;
    float *out[3];
    int repeat;
} product;

static void blas(void *context)
{
    product *p = context;
    for (int r = 0; r < p->repeat; r++)
        cblas_sgemm(CblasRowMajor, p->ta ? CblasTrans : CblasNoTrans, p->tb ? CblasTrans : CblasNoTrans, (int)p->m,
                    (int)p->n, (int)p->k, 1, p->x, (int)(p->ta ? p->m : p->k), p->y, (int)(p->tb ? p->k : p->n), 0,
                    p->out[0], (int)p->n);
}

static void pooled(product *p, int pool)
{
    nn_gemm_pool(p->b->pools[pool], p->ta, p->tb, p->m, p->n, p->k, 1, p->x, p->ta ? p->m : p->k, p->y,
                 p->tb ? p->k : p->n, 0, p->out[1 + pool], p->n);
}

static void one_thread(void *context)
{
    pooled(context, 0);
}

static void two_threads(void *context)
{
    pooled(context, 1);
}

static void one_core(void *context)
{
    product *p = context;
    for (int r = 0; r < p->repeat; r++)
        nn_gemm(p->ta, p->tb, p->m, p->n, p->k, 1, p->x, p->ta ? p->m : p->k, p->y, p->tb ? p->k : p->n, 0, p->out[1],
                p->n);
}

static void small(void *context)
{
    product *p = context;
    for (int r = 0; r < p->repeat; r++)
        nn_small_gemm(p->tb, p->m, p->n, p->k, 1, p->x, p->k, p->y, p->tb ? p->k : p->n, p->out[2], p->n);
}

static product make(bench *b, size_t m, size_t n, size_t k, bool ta, bool tb)
{
    product p = {.b = b, .ta = ta, .tb = tb, .m = m, .n = n, .k = k, .repeat = 1};
    p.x = numbers(b, m * k);
    p.y = numbers(b, k * n);
    for (int i = 0; i < 3; i++) p.out[i] = numbers(b, m * n);
    return p;
}

static void discard(product *p)
{
    free((void *)p->x);
    free((void *)p->y);
    for (int i = 0; i < 3; i++) free(p->out[i]);
}

static void measure_products(bench *b)
{
    static const size_t shapes[][5] = {{2048, 256, 256, 0, 0},  {2048, 256, 256, 0, 1},  {4096, 768, 768, 0, 1},
                                       {8000, 1536, 576, 0, 1}, {2008, 1536, 576, 0, 1}, {2008, 576, 1536, 0, 1},
                                       {16384, 128, 128, 0, 1}, {512, 512, 1300, 1, 0},  {60, 1536, 576, 0, 1}};
    for (size_t i = 0; i < COUNT(shapes); i++) {
        const size_t *s = shapes[i];
        product p = make(b, s[0], s[1], s[2], s[3], s[4]);
        double best[3];
        openblas_set_num_threads(2);
        turn_about(b, 3, (const run_fn[]){blas, one_thread, two_threads}, &p, best, true);
        openblas_set_num_threads(1);
        const double flop = 2e-9 * (double)s[0] * (double)s[1] * (double)s[2];
        char name[64];
        snprintf(name, sizeof name, "%zux%zux%zu %c%c", s[0], s[1], s[2], s[3] ? 't' : 'n', s[4] ? 't' : 'n');
        report(b, "product", name, 5,
               (const char *const[]){"gflops_sgemm", "gflops", "gflops_one_thread", "ratio", "same_bytes"},
               (double[]){flop / best[0], flop / best[2], flop / best[1], best[0] / best[2],
                          memcmp(p.out[1], p.out[2], s[0] * s[1] * sizeof(float)) == 0});
        discard(&p);
    }
}

static void measure_core(bench *b)
{
    static const size_t shapes[][5] = {{300, 384, 128, 0, 1}, {300, 128, 128, 0, 1}, {300, 512, 128, 0, 1},
                                       {300, 128, 512, 0, 1}, {300, 128, 512, 0, 0}, {300, 512, 128, 0, 0},
                                       {512, 128, 300, 1, 0}, {128, 512, 300, 1, 0}, {300, 256, 256, 0, 1},
                                       {30, 512, 128, 0, 1},  {5, 512, 128, 0, 1},   {1, 1536, 576, 0, 1}};
    for (size_t i = 0; i < COUNT(shapes); i++) {
        const size_t *s = shapes[i];
        product p = make(b, s[0], s[1], s[2], s[3], s[4]);
        p.repeat = (int)(2e6 / ((double)s[0] * (double)s[1] * (double)s[2])) + 1;
        double best[2];
        turn_about(b, 2, (const run_fn[]){blas, one_core}, &p, best, false);
        const double flop = 2e-9 * (double)s[0] * (double)s[1] * (double)s[2] * p.repeat;
        char name[64];
        snprintf(name, sizeof name, "%zux%zux%zu %c%c", s[0], s[1], s[2], s[3] ? 't' : 'n', s[4] ? 't' : 'n');
        report(b, "core", name, 3, (const char *const[]){"gflops_sgemm", "gflops", "ratio"},
               (double[]){flop / best[0], flop / best[1], best[0] / best[1]});
        discard(&p);
    }
}

static void measure_attention_products(bench *b)
{
    /* scores Q K^T, and values P V */
    static const size_t shapes[][4] = {{32, 32, 64, 1}, {32, 64, 32, 0}, {60, 60, 32, 1}, {60, 32, 60, 0},
                                       {5, 5, 32, 1},   {5, 32, 5, 0},   {1, 5, 32, 1},   {1, 32, 5, 0}};
    for (size_t i = 0; i < COUNT(shapes); i++) {
        const size_t *s = shapes[i];
        product p = make(b, s[0], s[1], s[2], false, s[3]);
        p.repeat = (int)(1e6 / ((double)s[0] * (double)s[1] * (double)s[2])) + 1;
        double best[3];
        turn_about(b, 3, (const run_fn[]){blas, small, one_core}, &p, best, false);
        const double flop = 2.0 * (double)s[0] * (double)s[1] * (double)s[2] * p.repeat;
        char name[64];
        snprintf(name, sizeof name, "%zux%zux%zu %s", s[0], s[1], s[2], s[3] ? "nt" : "nn");
        report(
            b, "attention", name, 4, (const char *const[]){"gflops_sgemm", "gflops_gemm", "gflops", "of_peak"},
            (double[]){flop / best[0] * 1e-9, flop / best[2] * 1e-9, flop / best[1] * 1e-9, flop / best[1] / b->peak});
        discard(&p);
    }
}

/* ---- layers, at the agent's sizes ---- */

enum { ROWS = 1300, D = 128, HEADS = 4, HIDDEN = 512, STEPS = 256 };

typedef struct layers {
    float *x, *y, *dy, *dx, *mean, *rstd, *film, *dfilm, *hidden, *d_hidden, *qkv, *dqkv, *probs;
    uint32_t film_row[ROWS];
    nn_segment cells[STEPS], episodes[STEPS / 8];
    size_t cell_count, episode_count;
    float *bias, *dbias;
} layers;

static void run_film(void *context)
{
    layers *l = context;
    nn_film_norm_forward(l->y, l->mean, l->rstd, l->x, l->film, l->film + D, 2 * D, l->film_row, ROWS, D);
}

static void run_film_backward(void *context)
{
    layers *l = context;
    nn_film_norm_backward_add(l->dx, l->dfilm, l->dfilm + D, l->dy, l->x, l->mean, l->rstd, l->film, 2 * D, l->film_row,
                              ROWS, D);
}

static void run_relu(void *context)
{
    layers *l = context;
    nn_relu_forward(l->d_hidden, l->hidden, (size_t)ROWS * HIDDEN);
}

static void run_gelu(void *context)
{
    layers *l = context;
    nn_gelu_erf_forward(l->d_hidden, l->hidden, (size_t)ROWS * HIDDEN);
}

static void run_gelu_tanh(void *context)
{
    layers *l = context;
    nn_gelu_tanh_forward(l->d_hidden, l->hidden, (size_t)ROWS * HIDDEN);
}

static void run_cells(void *context)
{
    layers *l = context;
    nn_attention_forward(l->y, D, l->probs, l->qkv, 3 * D, l->qkv + D, 3 * D, l->qkv + 2 * D, 3 * D, l->cells,
                         l->cell_count, HEADS, D / HEADS, NN_FULL, 0, NULL);
}

static void run_cells_backward(void *context)
{
    layers *l = context;
    nn_attention_backward(l->dqkv, 3 * D, l->dqkv + D, 3 * D, l->dqkv + 2 * D, 3 * D, NULL, l->dy, D, l->probs, l->qkv,
                          3 * D, l->qkv + D, 3 * D, l->qkv + 2 * D, 3 * D, l->cells, l->cell_count, HEADS, D / HEADS,
                          NN_FULL, 0);
}

static void run_episodes(void *context)
{
    layers *l = context;
    nn_attention_forward(l->y, D, l->probs, l->qkv, 3 * D, l->qkv + D, 3 * D, l->qkv + 2 * D, 3 * D, l->episodes,
                         l->episode_count, HEADS, D / HEADS, NN_CAUSAL, 24, l->bias);
}

static void run_episodes_backward(void *context)
{
    layers *l = context;
    nn_attention_backward(l->dqkv, 3 * D, l->dqkv + D, 3 * D, l->dqkv + 2 * D, 3 * D, l->dbias, l->dy, D, l->probs,
                          l->qkv, 3 * D, l->qkv + D, 3 * D, l->qkv + 2 * D, 3 * D, l->episodes, l->episode_count, HEADS,
                          D / HEADS, NN_CAUSAL, 24);
}

static void run_norm2(void *context)
{
    layers *l = context;
    l->mean[0] = (float)nn_norm2(l->hidden, (size_t)ROWS * HIDDEN);
}

static void run_adamw(void *context)
{
    layers *l = context;
    static const nn_adamw_options options = {1e-3, 0.9, 0.98, 1e-8, 0.01};
    nn_adamw(l->qkv, l->dqkv, l->d_hidden, l->hidden, (size_t)ROWS * 3 * D, &options, 10, 1);
}

static void measure_layers(bench *b)
{
    layers *l = calloc(1, sizeof *l);
    if (l == NULL) exit(1);
    const size_t n = (size_t)ROWS * D;
    l->x = numbers(b, n);
    l->y = numbers(b, n);
    l->dy = numbers(b, n);
    l->dx = numbers(b, n);
    l->mean = numbers(b, ROWS);
    l->rstd = numbers(b, ROWS);
    l->film = numbers(b, (size_t)ROWS * 2 * D);
    l->dfilm = numbers(b, (size_t)ROWS * 2 * D);
    l->hidden = numbers(b, (size_t)ROWS * HIDDEN);
    l->d_hidden = numbers(b, (size_t)ROWS * HIDDEN);
    l->qkv = numbers(b, 3 * n);
    l->dqkv = numbers(b, 3 * n);
    l->bias = numbers(b, (size_t)HEADS * 24);
    l->dbias = numbers(b, (size_t)HEADS * 24);
    for (size_t r = 0; r < ROWS; r++) l->film_row[r] = (uint32_t)(r / 40);
    double cell_flop = 0, episode_flop = 0;
    size_t row = 0;
    while (l->cell_count < STEPS && row + 9 < ROWS) { /* two to nine tokens a step, 5.1 in the mean */
        const size_t tokens = 2 + (size_t)triad_pcg64_integers(&b->rng, 0, 7);
        l->cells[l->cell_count++] = (nn_segment){row, tokens, row, tokens, 0};
        cell_flop += 4.0 * (double)(tokens * tokens) * D;
        row += tokens;
    }
    const double tokens = (double)row;
    for (row = 0; row + 16 < STEPS;) { /* episodes of 1 to 16 steps */
        const size_t steps = 1 + (size_t)triad_pcg64_integers(&b->rng, 0, 16);
        l->episodes[l->episode_count++] = (nn_segment){row, steps, row, steps, 0};
        episode_flop += 2.0 * (double)(steps * (steps + 1)) * D;
        row += steps;
        if (l->episode_count == COUNT(l->episodes)) break;
    }
    const size_t probs = nn_attention_probs(l->cells, l->cell_count, HEADS);
    const size_t probs_episodes = nn_attention_probs(l->episodes, l->episode_count, HEADS);
    l->probs = numbers(b, probs > probs_episodes ? probs : probs_episodes);
    const struct {
        const char *name;
        run_fn run;
        double rows, flop;
    } cases[] = {
        {"FiLM norm forward", run_film, ROWS, 0},
        {"FiLM norm backward", run_film_backward, ROWS, 0},
        {"relu 512", run_relu, ROWS, 0},
        {"gelu (erf) 512", run_gelu, ROWS, 0},
        {"gelu (tanh) 512", run_gelu_tanh, ROWS, 0},
        {"attention of cells forward", run_cells, tokens, cell_flop},
        {"attention of cells backward", run_cells_backward, tokens, 2 * cell_flop},
        {"attention of memory forward", run_episodes, (double)row, episode_flop},
        {"attention of memory backward", run_episodes_backward, (double)row, 2 * episode_flop},
        {"gradient norm 512", run_norm2, ROWS, 0},
        {"AdamW 384", run_adamw, ROWS, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        double best;
        turn_about(b, 1, &cases[i].run, l, &best, false);
        report(b, "layer", cases[i].name, 2, (const char *const[]){"ns_a_row", "gflops"},
               (double[]){best * 1e9 / cases[i].rows, cases[i].flop * 1e-9 / best});
    }
    float *all[] = {l->x,      l->y,        l->dy,  l->dx,   l->mean, l->rstd,  l->film, l->dfilm,
                    l->hidden, l->d_hidden, l->qkv, l->dqkv, l->bias, l->dbias, l->probs};
    for (size_t i = 0; i < COUNT(all); i++) free(all[i]);
    free(l);
}

int main(int argc, char **argv)
{
    bench b = {.seconds = 0.3};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            b.json = true;
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            b.only = argv[++i];
        else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
            b.seconds = atof(argv[++i]);
        else {
            fprintf(stderr, "usage: products [--json] [--seconds S] [--only KIND]\n");
            return 2;
        }
    }
    triad_error err;
    if (triad_machine_check(&err) || triad_pool_create(&b.pools[0], 1, &err) ||
        triad_pool_create(&b.pools[1], 2, &err)) {
        fprintf(stderr, "products: %s\n", err.text);
        return 1;
    }
    openblas_set_num_threads(1);
    triad_pcg64_seed(&b.rng, 1);
    b.results = json_object_new_array();
    measure_peaks(&b);
    if (!b.only || strcmp(b.only, "product") == 0) measure_products(&b);
    if (!b.only || strcmp(b.only, "core") == 0) measure_core(&b);
    if (!b.only || strcmp(b.only, "attention") == 0) measure_attention_products(&b);
    if (!b.only || strcmp(b.only, "layer") == 0) measure_layers(&b);
    if (b.json) {
        json_object *root = json_object_new_object();
        json_object_object_add(root, "bench", json_object_new_string("products"));
        json_object_object_add(root, "machine", json_object_new_string(triad_machine_cpu()));
        json_object_object_add(root, "results", b.results);
        char *text = json_to_text(root, true);
        if (text == NULL) return 1;
        fputs(text, stdout);
        free(text);
        json_object_put(root);
    } else {
        json_object_put(b.results);
    }
    for (int i = 0; i < 2; i++) triad_pool_free(b.pools[i]);
    return 0;
}
