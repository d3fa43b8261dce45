/* The run itself: the plan, the family's stack, what comes behind it. */
#include "models/model_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/checked.h"
#include "base/progress.h"
#include "nn/products.h"

/* Scratch of a chunk of rows, beside a quarter of the layer; hidden states that stay in memory. */
enum { CHUNK_BYTES = 64 << 20 };

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

/* Hands a finished layer out; refuses one that holds NaN or infinity. */
static triad_status emit(const engine *e, const char *layer, triad_error *err)
{
    const size_t width = e->model->info.width;
    if (!engine_all_finite(e->x.data, e->rows->rows * width))
        return triad_fail(err, TRIAD_ERR_NUMERIC, -1, "model: layer %s holds NaN or infinity (are the weights whole?)",
                          layer);
    const triad_states states = {.layer = layer, .width = width, .rows = e->x.data, .row = e->rows->row_of_token};
    return e->each(e->context, &states, err);
}

static triad_status emit_number(const engine *e, size_t layer, triad_error *err)
{
    char name[24];
    snprintf(name, sizeof name, "%zu", layer);
    return emit(e, name, err);
}

triad_status engine_look_up(engine *e, const tensor_view *table, triad_error *err)
{
    triad_status status = TRIAD_OK;
    const size_t width = table->shape[1];
    for (size_t r = 0; r < e->rows->rows && status == TRIAD_OK; r++)
        status = tensor_widen_rows(e->x.data + r * width, table, (size_t)e->rows->token[r], 1, err);
    return status;
}

triad_status engine_vector(float *out, const tensor_view *tensor, size_t width, triad_error *err)
{
    if (tensor != NULL) return tensor_widen_rows(out, tensor, 0, 1, err);
    memset(out, 0, width * sizeof *out);
    return TRIAD_OK;
}

size_t engine_chunk(const engine *e, size_t floats_of_row, size_t floats_of_layer)
{
    const size_t room = (CHUNK_BYTES / sizeof(float)) + floats_of_layer / 4, rows = e->rows->rows;
    size_t most = room / floats_of_row / ENGINE_TILE * ENGINE_TILE;
    if (e->options.chunk > 0) most = e->options.chunk / ENGINE_TILE * ENGINE_TILE;
    if (most < ENGINE_TILE) most = ENGINE_TILE;
    const size_t chunks = (rows + most - 1) / most;
    return ((rows + chunks - 1) / chunks + ENGINE_TILE - 1) / ENGINE_TILE * ENGINE_TILE;
}

/* ---- products with weights of a file */
typedef struct joint {
    const linear *const *part;
    size_t parts, columns;
    triad_error error;
    bool failed;
} joint;

/* Rows of the parts as if they were one matrix. */
static const float *fetch(void *context, float *scratch, size_t first, size_t count)
{
    joint *j = context;
    size_t part = 0;
    while (first >= j->part[part]->w.rows) first -= j->part[part++]->w.rows;
    const float *there = first + count <= j->part[part]->w.rows ? weight_in_place(&j->part[part]->w, first) : NULL;
    if (there != NULL) return there;
    for (size_t done = 0; done < count; first = 0, part++) {
        const weight_matrix *w = &j->part[part]->w;
        const size_t here = w->rows - first < count - done ? w->rows - first : count - done;
        triad_error err;
        if (weight_widen(scratch + done * j->columns, w, first, here, &err) != TRIAD_OK &&
            !__atomic_exchange_n(&j->failed, true, __ATOMIC_RELAXED))
            j->error = err;
        done += here;
    }
    return scratch;
}

static triad_status room_for(float **buffer, size_t *size, size_t wanted, triad_error *err)
{
    if (wanted <= *size) return TRIAD_OK;
    free(*buffer);
    *buffer = engine_floats(1, wanted, err);
    *size = *buffer != NULL ? wanted : 0;
    return *buffer != NULL ? TRIAD_OK : TRIAD_ERR_MEMORY;
}

triad_status engine_linear(engine *e, float *y, size_t ld_y, const float *x, size_t ld_x, size_t rows,
                           const linear *const *part, size_t parts, bool onto, triad_error *err)
{
    const size_t in = part[0]->w.columns;
    size_t out = 0;
    bool biased = false;
    for (size_t i = 0; i < parts; i++) {
        out += part[i]->w.rows;
        biased = biased || part[i]->bias != NULL;
    }
    triad_status status =
        room_for(&e->work, &e->work_size, nn_linear_fetch_work(triad_pool_threads(e->pool), in, out), err);
    if (status == TRIAD_OK && biased) status = room_for(&e->bias, &e->bias_size, out, err);
    for (size_t i = 0, at = 0; i < parts && biased && status == TRIAD_OK; at += part[i++]->w.rows)
        status = engine_vector(e->bias + at, part[i]->bias, part[i]->w.rows, err);
    if (status != TRIAD_OK) return status;
    joint j = {.part = part, .parts = parts, .columns = in};
    nn_linear_fetch(e->pool, y, ld_y, x, ld_x, fetch, &j, biased ? e->bias : NULL, onto, rows, in, out, e->work);
    if (!j.failed) return TRIAD_OK;
    return triad_fail(err, j.error.code, j.error.position, "%s", j.error.text);
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

/* ---- the run */
static keep_key key_of(const engine *e)
{
    const plan *p = e->rows;
    XXH3_state_t *hash = XXH3_createState();
    if (hash == NULL) return (keep_key){0};
    XXH3_128bits_reset(hash);
    const char *own = e->options.state_of != NULL ? e->options.state_of : "";
    const uint64_t numbers[] = {e->model->files.low, e->model->files.high, p->rows, e->model->info.layers,
                                e->options.apart};
    XXH3_128bits_update(hash, TRIAD_VERSION, sizeof TRIAD_VERSION);
    XXH3_128bits_update(hash, own, strlen(own) + 1);
    XXH3_128bits_update(hash, numbers, sizeof numbers);
    XXH3_128bits_update(hash, p->token, p->rows * sizeof *p->token);
    XXH3_128bits_update(hash, p->position, p->rows * sizeof *p->position);
    XXH3_128bits_update(hash, p->parent, p->rows * sizeof *p->parent);
    const XXH128_hash_t sum = XXH3_128bits_digest(hash);
    XXH3_freeState(hash);
    return (keep_key){sum.low64, sum.high64};
}

/* Where a state is found and the caller has its part too: how many blocks are done. */
static triad_status go_on(engine *e, keep_key key, size_t *done, triad_error *err)
{
    *done = 0;
    if (e->options.state == NULL || e->options.resume == NULL) return TRIAD_OK;
    keep_read(e->options.state, key, done, e->x.data, e->rows->rows, e->model->info.width);
    if (*done == 0) return TRIAD_OK;
    if (*done >= e->model->info.layers) *done = 0;
    const triad_status status = *done > 0 ? e->options.resume(e->context, *done, err) : TRIAD_OK;
    if (status != TRIAD_ERR_NOT_FOUND) return status;
    *done = 0;
    return TRIAD_OK;
}

static triad_status run_blocks(engine *e, const blocks *b, triad_error *err)
{
    const size_t layers = e->model->info.layers, width = e->model->info.width;
    const keep_key key = e->options.state != NULL ? key_of(e) : (keep_key){0};
    size_t done;
    triad_status status = go_on(e, key, &done, err);
    if (status == TRIAD_OK && done == 0) {
        status = b->embed(b->pass, err);
        if (status == TRIAD_OK) status = emit_number(e, 0, err);
    }
    for (size_t i = done; i < layers && status == TRIAD_OK; i++) {
        status = b->block(b->pass, i, err);
        triad_progress_update(e->progress, (double)(i + 1), NULL);
        if (status == TRIAD_OK && (i + 1 < layers || b->finish == NULL)) status = emit_number(e, i + 1, err);
        if (status == TRIAD_OK && i + 1 < layers)
            status = keep_write(e->options.state, key, i + 1, e->x.data, e->rows->rows, width, err);
    }
    if (status != TRIAD_OK || b->finish == NULL) return status;
    status = emit(e, "raw", err);
    if (status == TRIAD_OK) status = b->finish(b->pass, err);
    return status == TRIAD_OK ? emit_number(e, layers, err) : status;
}

triad_status triad_model_run(const triad_model *model, const triad_tokens *tokens, const triad_run_options *options,
                             triad_pool *pool, triad_progress *progress, triad_states_fn each, void *context,
                             triad_error *err)
{
    engine e = {.model = model,
                .pool = pool,
                .progress = progress,
                .each = each,
                .context = context,
                .options = options != NULL ? *options : (triad_run_options){0}};
    const bool two = model->info.kind == TRIAD_DUAL;
    const bool causal = two ? model->pair.text.causal : model->info.kind == TRIAD_DECODER;
    plan rows;
    triad_status status =
        plan_create(&rows, tokens, causal && !e.options.apart, model->info.vocabulary, model->info.max_tokens, err);
    if (status != TRIAD_OK) return status;
    e.rows = &rows;
    blocks b = {0};
    if (rows.rows == 0) status = triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "model: there is not one token to run");
    if (status == TRIAD_OK)
        status = stream_create(&e.x, rows.rows, model->info.width,
                               e.options.memory > 0 ? e.options.memory : ENGINE_MEMORY, e.options.scratch, err);
    if (status == TRIAD_OK) status = (two ? dual_blocks : causal ? decoder_blocks : encoder_blocks)(&b, &e, err);
    char label[160];
    snprintf(label, sizeof label, "embed by %.120s", model->info.name);
    triad_progress_begin(progress, label, "layers", (double)model->info.layers);
    if (status == TRIAD_OK) status = run_blocks(&e, &b, err);
    if (status == TRIAD_OK && model->after.count > 0) status = project(&e, tokens, e.x.data, err);
    const dual_sink sink = {.pool = pool, .progress = progress, .each = each, .context = context};
    if (status == TRIAD_OK && two && model->pair.text.projection.weight != NULL)
        status = dual_project_text(model, tokens, &rows, e.x.data, &sink, err);
    triad_progress_end(progress, NULL);
    if (b.free != NULL) b.free(b.pass);
    stream_free(&e.x);
    free(e.work);
    free(e.bias);
    plan_free(&rows);
    return status;
}
