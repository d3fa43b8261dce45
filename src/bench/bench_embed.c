#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "base/progress.h"
#include "bench/bench.h"
#include "embed/embed_internal.h"
#include "models/model_internal.h"

enum { MAX_SHAPES = 32, REPEATS_OF_SGEMM = 3 };

/* ---- the model's products: how often a token meets a matrix [out, in] */
typedef struct shape {
    size_t out, in;
    double times;
} shape;

typedef struct shapes {
    shape of[MAX_SHAPES];
    size_t count;
    double weights; /* numbers that a token is multiplied with */
} shapes;

static void add(shapes *all, const weight_matrix *w, double times)
{
    if (w->rows == 0) return;
    all->weights += (double)w->rows * (double)w->columns * times;
    size_t i = 0;
    while (i < all->count && (all->of[i].out != w->rows || all->of[i].in != w->columns)) i++;
    if (i == MAX_SHAPES) return;
    if (i == all->count) all->of[all->count++] = (shape){.out = w->rows, .in = w->columns};
    all->of[i].times += times;
}

static void add_swiglu(shapes *all, const swiglu *w, double times)
{
    if (w->hidden == 0) return;
    add(all, &w->gate.w, times);
    add(all, &w->up.w, times);
    add(all, &w->down.w, times);
}

static void shapes_of(shapes *all, const triad_model *model)
{
    *all = (shapes){0};
    if (model->info.kind == TRIAD_ENCODER) {
        for (size_t i = 0; i < model->encode.layers; i++) {
            const encoder_layer *l = &model->encode.layer[i];
            const linear *const each[] = {&l->q, &l->k, &l->v, &l->o, &l->up, &l->down};
            for (size_t k = 0; k < sizeof each / sizeof *each; k++) add(all, &each[k]->w, 1);
        }
        return;
    }
    const decoder *m = &model->decode;
    for (size_t i = 0; i < m->layers; i++) {
        const decoder_layer *l = &m->layer[i];
        const linear *const each[] = {&l->q, &l->k, &l->v, &l->o, &l->q_a, &l->q_b, &l->kv_a, &l->kv_b, &l->router};
        for (size_t k = 0; k < sizeof each / sizeof *each; k++) add(all, &each[k]->w, 1);
        add_swiglu(all, &l->dense, 1);
        add_swiglu(all, &l->shared, 1);
        if (l->expert != NULL) add_swiglu(all, l->expert, (double)m->route.used);
    }
}

/* ---- OpenBLAS at the same shapes, with its own threads */
static double sgemm(const shapes *all, size_t rows, int threads)
{
    size_t widest = 1, tallest = 1;
    for (size_t i = 0; i < all->count; i++) {
        if (all->of[i].in > widest) widest = all->of[i].in;
        if (all->of[i].out > tallest) tallest = all->of[i].out;
    }
    float *x = malloc(rows * widest * sizeof *x), *w = malloc(tallest * widest * sizeof *w),
          *y = malloc(rows * tallest * sizeof *y);
    double flop = 0, seconds = 0;
    if (x != NULL && w != NULL && y != NULL) {
        for (size_t i = 0; i < rows * widest; i++) x[i] = (float)(i % 31) - 15;
        for (size_t i = 0; i < tallest * widest; i++) w[i] = (float)(i % 29) - 14;
        openblas_set_num_threads(threads);
        for (size_t i = 0; i < all->count; i++) {
            const shape *s = &all->of[i];
            double best = HUGE_VAL;
            for (int k = 0; k <= REPEATS_OF_SGEMM; k++) { /* the first warms up */
                const double start = triad_now();
                cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)s->out, (int)s->in, 1, x,
                            (int)s->in, w, (int)s->in, 0, y, (int)s->out);
                if (k > 0) best = fmin(best, triad_now() - start);
            }
            flop += 2 * (double)rows * (double)s->out * (double)s->in * s->times;
            seconds += best * s->times;
        }
        openblas_set_num_threads(1);
    }
    free(x);
    free(w);
    free(y);
    return seconds > 0 ? flop / seconds / 1e9 : 0;
}

/* ---- the benchmark */
/* Tokens of the sentences, and rows that are computed for them. */
static triad_status count(size_t *tokens, size_t *rows, const triad_model *model, const triad_items *items, bool apart,
                          triad_error *err)
{
    triad_tokens t;
    plan p;
    triad_status status = triad_model_tokenize(model, &t, (const char *const *)items->text, items->count, err);
    if (status != TRIAD_OK) return status;
    *tokens = t.offsets[t.sentences];
    status = plan_create(&p, &t, model->info.kind == TRIAD_DECODER && !apart, model->info.vocabulary,
                         model->info.max_tokens, err);
    if (status == TRIAD_OK) {
        *rows = p.rows;
        plan_free(&p);
    }
    triad_tokens_free(&t);
    return status;
}

static triad_status once(const triad_model *model, const triad_items *items, const bench_embed_options *o,
                         triad_pool *pool, triad_error *err)
{
    char convention[] = "default";
    embed_job job = {.items = items, .name = "bench", .options = triad_embed_defaults(), .pool = pool};
    job.options.layers = "all";
    job.pools[0] = convention;
    job.pool_count = 1;
    triad_space space = {0};
    const triad_run_options how = {.apart = o->apart, .memory = o->memory};
    const triad_status status = embed_with_model(&space, &job, model, &how, err);
    triad_space_free(&space);
    return status;
}

triad_status bench_embed(json_object *results, const char *source, const triad_items *items,
                         const bench_embed_options *options, triad_pool *pool, triad_error *err)
{
    triad_model *model = NULL;
    size_t tokens = 0, rows = 0;
    triad_status status = triad_model_open(&model, source, err);
    if (status == TRIAD_OK && model->info.kind == TRIAD_DUAL)
        status = triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "bench embed: %s is not measured", model->info.family);
    if (status == TRIAD_OK) status = count(&tokens, &rows, model, items, options->apart, err);
    double best = HUGE_VAL;
    for (int k = 0; k <= options->repeats && status == TRIAD_OK; k++) { /* the first warms up */
        const double start = triad_now();
        status = once(model, items, options, pool, err);
        if (k > 0 || options->repeats == 0) best = fmin(best, triad_now() - start);
    }
    if (status == TRIAD_OK) {
        shapes all;
        shapes_of(&all, model);
        const size_t peak = bench_peak_rss();
        json_object *result = json_object_new_object();
        json_object_object_add(result, "model", json_object_new_string(model->info.name));
        json_object_object_add(result, "threads", json_object_new_int(triad_pool_threads(pool)));
        json_object_object_add(result, "sentences", json_object_new_int64((int64_t)items->count));
        json_object_object_add(result, "tokens", json_object_new_int64((int64_t)tokens));
        json_object_object_add(result, "tokens_computed", json_object_new_int64((int64_t)rows));
        json_object_object_add(result, "seconds", json_new_real(best));
        json_object_object_add(result, "items_per_s", json_new_real((double)items->count / best));
        json_object_object_add(result, "gflops", json_new_real(2 * all.weights * (double)rows / best / 1e9));
        json_object_object_add(result, "gflops_sgemm",
                               json_new_real(options->sgemm ? sgemm(&all, rows, triad_pool_threads(pool)) : 0));
        json_object_object_add(result, "peak_rss_bytes", json_object_new_int64((int64_t)peak));
        json_object_array_add(results, result);
    }
    triad_model_close(model);
    return status;
}
