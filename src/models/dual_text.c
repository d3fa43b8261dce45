/* The text tower: alone, or with an image beside each sentence. */
#include "models/dual.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "models/model_internal.h"
#include "nn/products.h"

/* ---- what comes in */
static triad_status embed(float *x, const text_tower *t, const int32_t *token, const uint32_t *position, size_t rows,
                          triad_pool *pool, triad_error *err)
{
    const size_t d = t->body.width;
    float *at = engine_floats(1, d, err);
    if (at == NULL) return TRIAD_ERR_MEMORY;
    triad_status status = TRIAD_OK;
    for (size_t r = 0; r < rows && status == TRIAD_OK; r++) {
        status = tensor_widen_rows(x + r * d, t->words, (size_t)token[r], 1, err);
        if (status == TRIAD_OK) status = tensor_widen_rows(at, t->positions, position[r], 1, err);
        for (size_t j = 0; j < d; j++) x[r * d + j] += at[j];
    }
    free(at);
    if (status == TRIAD_OK && t->embedding_norm.weight != NULL)
        status = stack_norm(x, rows, d, &t->embedding_norm, t->body.epsilon, pool, err);
    return status;
}

/* ---- what goes out */
triad_status triad_model_summary_token(const triad_model *model, const int32_t *ids, size_t count, size_t *index,
                                       triad_error *err)
{
    *index = 0;
    if (count == 0) return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "model: a sentence without tokens");
    const int32_t end = model->info.kind == TRIAD_DUAL ? model->pair.text.end : END_NONE;
    if (end == END_NONE) return TRIAD_OK;
    for (size_t i = 0; i < count; i++) {
        if (end == END_LARGEST && ids[i] > ids[*index]) *index = i;
        if (end == ids[i]) {
            *index = i;
            return TRIAD_OK;
        }
    }
    /* transformers takes the first token of a sentence that lacks its end. */
    return TRIAD_OK;
}

void triad_model_prompt(const triad_model *model, triad_tokens *tokens)
{
    if (model->info.kind != TRIAD_DUAL || model->pair.text.begin < 0) return;
    for (size_t s = 0; s < tokens->sentences; s++)
        if (tokens->offsets[s + 1] > tokens->offsets[s]) tokens->ids[tokens->offsets[s]] = model->pair.text.begin;
}

/* The states that stand for the distinct sentences, normed, projected, of length 1. */
triad_status dual_project_text(const triad_model *model, const triad_tokens *tokens, const plan *p, const float *x,
                               const dual_sink *sink, triad_error *err)
{
    const text_tower *t = &model->pair.text;
    const size_t d = t->body.width;
    float *summary = engine_floats(p->distinct, d, err), *out = engine_floats(p->distinct, t->projected, err);
    triad_status status = summary != NULL && out != NULL ? TRIAD_OK : TRIAD_ERR_MEMORY;
    for (size_t s = 0; s < p->distinct && status == TRIAD_OK; s++) {
        const size_t first = tokens->offsets[p->sample[s]], count = tokens->offsets[p->sample[s] + 1] - first;
        size_t index;
        status = triad_model_summary_token(model, tokens->ids + first, count, &index, err);
        if (status == TRIAD_OK) memcpy(summary + s * d, x + p->row_of_token[first + index] * d, d * sizeof *x);
    }
    if (status == TRIAD_OK && t->final_norm.weight != NULL)
        status = stack_norm(summary, p->distinct, d, &t->final_norm, t->body.epsilon, sink->pool, err);
    if (status == TRIAD_OK)
        status = dual_project(out, summary, p->distinct, d, &t->projection, t->projected, sink->pool, err);
    if (status == TRIAD_OK)
        status = dual_emit(sink, "projected", true, out, p->distinct, t->projected, p->distinct_of, err);
    free(summary);
    free(out);
    return status;
}

/* ---- alone: as blocks of the engine */
typedef struct text_pass {
    engine *e;
    stack_rows rows;
    stack_pass *layers;
} text_pass;

static triad_status embed_text(void *pass, triad_error *err)
{
    const text_pass *s = pass;
    const plan *p = s->e->rows;
    return embed(s->e->x.data, &s->e->model->pair.text, p->token, p->position, p->rows, s->e->pool, err);
}

static triad_status text_block(void *pass, size_t i, triad_error *err)
{
    return stack_pass_layer(((text_pass *)pass)->layers, i, err);
}

static void free_text(void *pass)
{
    text_pass *s = pass;
    if (s != NULL) stack_pass_free(s->layers);
    free(s);
}

triad_status dual_blocks(blocks *made, engine *e, triad_error *err)
{
    const text_tower *t = &e->model->pair.text;
    text_pass *s = calloc(1, sizeof *s);
    *made = (blocks){.pass = s, .embed = embed_text, .block = text_block, .free = free_text};
    if (s == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    const bool tree = t->causal && !e->options.apart;
    s->e = e;
    s->rows = (stack_rows){.rows = e->rows->rows,
                           .tree = tree ? e->rows : NULL,
                           .segments = e->rows->distinct,
                           .first = tree ? NULL : e->rows->first,
                           .causal = t->causal,
                           .longest = e->rows->longest};
    return stack_pass_create(&s->layers, &t->body, &e->x, &s->rows, e->pool, err);
}

/* ---- beside an image */
/* Sentences with an image each, in the order of their images. */
typedef struct beside {
    size_t count, rows;
    size_t *order;        /* [count] the pair that stands at a place */
    uint32_t *first, *of; /* [count + 1], [count] */
    int32_t *token;       /* [rows] */
    uint32_t *position;   /* [rows] */
    size_t *row_of_token; /* [rows] in the order of the caller's sentences */
    uint32_t longest;
} beside;

static void beside_free(beside *b)
{
    free(b->order);
    free(b->first);
    free(b->of);
    free(b->token);
    free(b->position);
    free(b->row_of_token);
}

static triad_status check_tokens(const text_tower *t, const triad_tokens *tokens, triad_error *err)
{
    for (size_t s = 0; s < tokens->sentences; s++) {
        const size_t count = tokens->offsets[s + 1] - tokens->offsets[s];
        if (count == 0 || count > t->max_tokens)
            return triad_fail(err, TRIAD_ERR_RANGE, (int64_t)s,
                              "sentence %zu: %zu tokens, and the model takes 1 to %zu", s + 1, count, t->max_tokens);
    }
    const size_t total = tokens->offsets[tokens->sentences];
    for (size_t i = 0; i < total; i++)
        if (tokens->ids[i] < 0 || (size_t)tokens->ids[i] >= t->vocabulary)
            return triad_fail(err, TRIAD_ERR_RANGE, (int64_t)i, "tokens: id %d is outside the model's %zu",
                              tokens->ids[i], t->vocabulary);
    if (total >= UINT32_MAX) return triad_fail(err, TRIAD_ERR_RANGE, -1, "tokens: %zu are too many for one run", total);
    return total > 0 ? TRIAD_OK : triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "model: there is not one token to run");
}

/* Sentence s stands at images[s]; a counting sort, so that equal images keep the sentences' order. */
static triad_status beside_create(beside *b, const triad_tokens *tokens, const size_t *image_of, size_t images,
                                  triad_error *err)
{
    const size_t n = tokens->sentences, total = tokens->offsets[n];
    *b = (beside){.count = n, .rows = total};
    size_t *start = calloc(images + 1, sizeof *start);
    b->order = malloc(n * sizeof *b->order);
    b->first = malloc((n + 1) * sizeof *b->first);
    b->of = malloc(n * sizeof *b->of);
    b->token = malloc(total * sizeof *b->token);
    b->position = malloc(total * sizeof *b->position);
    b->row_of_token = malloc(total * sizeof *b->row_of_token);
    if (start == NULL || b->order == NULL || b->first == NULL || b->of == NULL || b->token == NULL ||
        b->position == NULL || b->row_of_token == NULL) {
        free(start);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory for %zu tokens", total);
    }
    for (size_t s = 0; s < n; s++) start[image_of[s] + 1]++;
    for (size_t i = 0; i < images; i++) start[i + 1] += start[i];
    for (size_t s = 0; s < n; s++) b->order[start[image_of[s]]++] = s;
    free(start);
    b->first[0] = 0;
    for (size_t k = 0; k < n; k++) {
        const size_t s = b->order[k], from = tokens->offsets[s], count = tokens->offsets[s + 1] - from;
        b->of[k] = (uint32_t)image_of[s];
        b->first[k + 1] = b->first[k] + (uint32_t)count;
        if (count > b->longest) b->longest = (uint32_t)count;
        for (size_t i = 0; i < count; i++) {
            const size_t row = b->first[k] + i;
            b->token[row] = tokens->ids[from + i];
            b->position[row] = (uint32_t)i;
            b->row_of_token[from + i] = row;
        }
    }
    return TRIAD_OK;
}

/* x [rows of b, width] after all blocks, read beside the images' rows. */
static triad_status read_beside(const stream *x, const triad_model *model, const beside *b, const float *images,
                                const dual_sink *sink, triad_error *err)
{
    const text_tower *t = &model->pair.text;
    const stack_rows rows = {.rows = b->rows,
                             .segments = b->count,
                             .first = b->first,
                             .causal = t->causal,
                             .longest = b->longest,
                             .context = images,
                             .context_rows = model->pair.image.tokens,
                             .of_segment = b->of};
    stack_pass *layers = NULL;
    triad_status status = embed(x->data, t, b->token, b->position, b->rows, sink->pool, err);
    if (status == TRIAD_OK) status = dual_emit_number(sink, 0, x, b->row_of_token, err);
    if (status == TRIAD_OK) status = stack_pass_create(&layers, &t->body, x, &rows, sink->pool, err);
    for (size_t i = 0; i < t->body.layers && status == TRIAD_OK; i++) {
        status = stack_pass_layer(layers, i, err);
        if (status == TRIAD_OK) status = dual_emit_number(sink, i + 1, x, b->row_of_token, err);
    }
    stack_pass_free(layers);
    return status;
}

static triad_status check_reader(const triad_model *model, const triad_tokens *tokens, triad_error *err)
{
    if (!model->info.reads_images)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "model: %.200s does not read images beside sentences",
                          model->info.name);
    return check_tokens(&model->pair.text, tokens, err);
}

triad_status triad_model_run_beside(const triad_model *model, const triad_tokens *tokens, const size_t *image_of,
                                    const triad_images *images, triad_pool *pool, triad_progress *progress,
                                    triad_states_fn each, void *context, triad_error *err)
{
    triad_status status = check_reader(model, tokens, err);
    for (size_t s = 0; s < tokens->sentences && status == TRIAD_OK; s++)
        if (image_of[s] >= images->count)
            status = triad_fail(err, TRIAD_ERR_ARGUMENT, (int64_t)s, "sentence %zu: there is no image %zu of %zu",
                                s + 1, image_of[s], images->count);
    if (status != TRIAD_OK) return status;
    const dual_sink silent = {.pool = pool, .progress = progress}, sink = {pool, progress, each, context};
    stream seen = {0}, x = {0};
    beside b = {0};
    status = dual_run_images(&seen, model, images, &silent, err);
    if (status == TRIAD_OK) status = beside_create(&b, tokens, image_of, images->count, err);
    if (status == TRIAD_OK) status = stream_create(&x, b.rows, model->info.width, ENGINE_MEMORY, NULL, err);
    char label[160];
    snprintf(label, sizeof label, "read beside images by %.100s", model->info.name);
    triad_progress_begin(progress, label, "layers", (double)model->info.layers);
    if (status == TRIAD_OK) status = read_beside(&x, model, &b, seen.data, &sink, err);
    triad_progress_end(progress, NULL);
    beside_free(&b);
    stream_free(&x);
    stream_free(&seen);
    return status;
}

/* ---- matching */
enum { MATCH_FLOATS = 1 << 24 }; /* of the pairs' residual stream at once */

/* softmax(W x + b)[1] of each first token. */
static triad_status score(float *out, const triad_model *model, const beside *b, const float *x, triad_error *err)
{
    const size_t d = model->info.width;
    const stack_weights *head = &model->pair.match;
    float w[2], *weight = engine_floats(2, d, err);
    if (weight == NULL) return TRIAD_ERR_MEMORY;
    triad_status status = checkpoint_widen(weight, head->weight, NULL, err);
    if (status == TRIAD_OK) status = checkpoint_widen(w, head->bias, NULL, err);
    for (size_t k = 0; k < b->count && status == TRIAD_OK; k++) {
        const float *first = x + b->first[k] * d;
        double sum[2] = {w[0], w[1]};
        for (size_t c = 0; c < 2; c++)
            for (size_t j = 0; j < d; j++) sum[c] += (double)weight[c * d + j] * (double)first[j];
        out[b->order[k]] = (float)(1 / (1 + exp(sum[0] - sum[1])));
    }
    free(weight);
    return status;
}

/* All sentences beside images [first, first + images). */
static triad_status match_images(float *scores, const triad_model *model, const triad_tokens *tokens, size_t images,
                                 const float *seen, const dual_sink *sink, triad_error *err)
{
    const size_t n = tokens->sentences, total = tokens->offsets[n];
    triad_tokens pairs = {.sentences = images * n,
                          .offsets = malloc((images * n + 1) * sizeof *pairs.offsets),
                          .ids = malloc(images * total * sizeof *pairs.ids)};
    size_t *of = malloc(images * n * sizeof *of);
    stream x = {0};
    beside b = {0};
    triad_status status = pairs.offsets != NULL && pairs.ids != NULL && of != NULL
                              ? TRIAD_OK
                              : triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    if (status == TRIAD_OK) {
        for (size_t i = 0; i < images; i++) {
            memcpy(pairs.ids + i * total, tokens->ids, total * sizeof *pairs.ids);
            for (size_t s = 0; s <= n; s++) pairs.offsets[i * n + s] = i * total + tokens->offsets[s];
            for (size_t s = 0; s < n; s++) of[i * n + s] = i;
        }
        status = beside_create(&b, &pairs, of, images, err);
    }
    if (status == TRIAD_OK) status = stream_create(&x, b.rows, model->info.width, ENGINE_MEMORY, NULL, err);
    if (status == TRIAD_OK) status = read_beside(&x, model, &b, seen, sink, err);
    if (status == TRIAD_OK) status = score(scores, model, &b, x.data, err);
    beside_free(&b);
    triad_tokens_free(&pairs);
    free(of);
    stream_free(&x);
    return status;
}

triad_status triad_model_match(const triad_model *model, const triad_tokens *tokens, const triad_images *images,
                               float *scores, triad_pool *pool, triad_progress *progress, triad_error *err)
{
    triad_status status = check_reader(model, tokens, err);
    if (status == TRIAD_OK && !model->info.matches)
        status = triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "model: %.200s has no head that matches images with text",
                            model->info.name);
    if (status != TRIAD_OK) return status;
    const dual_sink silent = {.pool = pool, .progress = progress}, quiet = {.pool = pool};
    const size_t n = tokens->sentences, one = model->pair.image.tokens * model->info.image_width;
    const size_t a_time = MATCH_FLOATS / (tokens->offsets[n] * model->info.width) + 1;
    stream seen = {0};
    status = dual_run_images(&seen, model, images, &silent, err);
    char label[160];
    snprintf(label, sizeof label, "match by %.120s", model->info.name);
    triad_progress_begin(progress, label, "images", (double)images->count);
    for (size_t i = 0; i < images->count && status == TRIAD_OK; i += a_time) {
        const size_t left = images->count - i, count = left < a_time ? left : a_time;
        status = match_images(scores + i * n, model, tokens, count, seen.data + i * one, &quiet, err);
        triad_progress_update(progress, (double)(i + count), NULL);
    }
    triad_progress_end(progress, NULL);
    stream_free(&seen);
    return status;
}
