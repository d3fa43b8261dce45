/* The run itself: the plan, the family's stack, what comes behind it. */
#include "models/model_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/progress.h"

float *engine_floats(size_t rows, size_t columns, triad_error *err)
{
    size_t count, bytes;
    float *made = NULL;
    /* aligned_alloc wants whole multiples, and something to give for nothing. */
    if (triad_mul_size(&count, rows, columns) && triad_mul_size(&bytes, count, sizeof *made) &&
        triad_add_size(&bytes, bytes, 127))
        made = aligned_alloc(64, bytes & ~(size_t)63);
    if (made == NULL)
        (void)triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory for %zu x %zu numbers", rows, columns);
    return made;
}

bool engine_all_finite(const float *x, size_t count)
{
    /* NaN and infinity stay in a sum of x * 0. */
    float sum[8] = {0};
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        for (size_t k = 0; k < 8; k++) sum[k] += x[i + k] * 0.0F;
    for (; i < count; i++) sum[0] += x[i] * 0.0F;
    float total = 0;
    for (size_t k = 0; k < 8; k++) total += sum[k];
    return total == 0.0F;
}

triad_status engine_emit(const engine *e, const char *layer, const float *rows, triad_error *err)
{
    const size_t width = e->model->info.width;
    if (!engine_all_finite(rows, e->rows->rows * width))
        return triad_fail(err, TRIAD_ERR_NUMERIC, -1, "model: layer %s holds NaN or infinity (are the weights whole?)",
                          layer);
    const triad_states states = {.layer = layer, .width = width, .rows = rows, .row = e->rows->row_of_token};
    return e->each(e->context, &states, err);
}

triad_status engine_emit_number(const engine *e, size_t layer, const float *rows, triad_error *err)
{
    char name[24];
    snprintf(name, sizeof name, "%zu", layer);
    return engine_emit(e, name, rows, err);
}

triad_status engine_look_up(const engine *e, float *y, const tensor_view *table, triad_error *err)
{
    triad_status status = TRIAD_OK;
    const size_t width = table->shape[1];
    for (size_t r = 0; r < e->rows->rows && status == TRIAD_OK; r++)
        status = tensor_widen_rows(y + r * width, table, (size_t)e->rows->token[r], 1, err);
    return status;
}

/* ---- sentence-transformers */
typedef struct projection {
    const engine *e;
    const triad_tokens *tokens;
    const float *last;
    float *out;       /* [distinct, width] */
    double **scratch; /* [threads] */
} projection;

static void project_tile(void *context, size_t sentence, int worker)
{
    const projection *p = context;
    const modules *list = &p->e->model->after;
    const size_t sample = p->e->rows->sample[sentence], first = p->tokens->offsets[sample];
    modules_apply(list, p->out + sentence * list->width, p->last, p->e->rows->row_of_token + first,
                  p->tokens->offsets[sample + 1] - first, p->e->model->info.width, p->scratch[worker]);
}

static triad_status project(const engine *e, const triad_tokens *tokens, const float *last, triad_error *err)
{
    const modules *list = &e->model->after;
    const size_t threads = (size_t)triad_pool_threads(e->pool), distinct = e->rows->distinct;
    for (size_t s = 0; s < tokens->sentences; s++)
        if (tokens->offsets[s] == tokens->offsets[s + 1])
            return triad_fail(err, TRIAD_ERR_ARGUMENT, (int64_t)s,
                              "sentence %zu: no tokens, so there is nothing to pool", s);
    projection p = {.e = e, .tokens = tokens, .last = last, .out = engine_floats(distinct, list->width, err)};
    p.scratch = calloc(threads, sizeof *p.scratch);
    bool whole = p.out != NULL && p.scratch != NULL;
    for (size_t i = 0; i < threads && whole; i++)
        whole = (p.scratch[i] = malloc(2 * list->widest * sizeof **p.scratch)) != NULL;
    triad_status status = TRIAD_OK;
    if (!whole) {
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    } else {
        triad_parallel(e->pool, distinct, project_tile, &p);
        const triad_states states = {.layer = "projected",
                                     .of_sentences = true,
                                     .width = list->width,
                                     .rows = p.out,
                                     .row = e->rows->distinct_of};
        status = engine_all_finite(p.out, distinct * list->width)
                     ? e->each(e->context, &states, err)
                     : triad_fail(err, TRIAD_ERR_NUMERIC, -1, "model: layer projected holds NaN or infinity");
    }
    for (size_t i = 0; i < threads && p.scratch != NULL; i++) free(p.scratch[i]);
    free(p.scratch);
    free(p.out);
    return status;
}

triad_status triad_model_run(const triad_model *model, const triad_tokens *tokens, triad_pool *pool,
                             triad_progress *progress, triad_states_fn each, void *context, triad_error *err)
{
    plan rows;
    if (model->info.kind == TRIAD_DUAL) {
        const dual_sink sink = {.pool = pool, .progress = progress, .each = each, .context = context};
        return dual_run_text(model, tokens, &sink, err);
    }
    const bool causal = model->info.kind == TRIAD_DECODER;
    triad_status status = plan_create(&rows, tokens, causal, model->info.vocabulary, model->info.max_tokens, err);
    if (status != TRIAD_OK) return status;
    if (rows.rows == 0) {
        plan_free(&rows);
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "model: there is not one token to run");
    }
    const engine e = {
        .model = model, .rows = &rows, .pool = pool, .progress = progress, .each = each, .context = context};
    char label[160];
    snprintf(label, sizeof label, "embed by %.120s", model->info.name);
    triad_progress_begin(progress, label, "layers", (double)model->info.layers);
    float *last = NULL;
    status = causal ? decoder_run(&e, &last, err) : encoder_run(&e, &last, err);
    if (status == TRIAD_OK && model->after.count > 0) status = project(&e, tokens, last, err);
    triad_progress_end(progress, NULL);
    free(last);
    plan_free(&rows);
    return status;
}
