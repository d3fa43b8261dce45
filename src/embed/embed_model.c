/* A checkpoint's hidden states, pooled over the tokens of each sentence as each layer is finished. */
#include "embed/embed_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "triad/model.h"

typedef struct collector {
    triad_space *space;
    const embed_job *job;
    const triad_tokens *tokens;
    const triad_model *model;
    const char *pool; /* what "default" stands for is in */
    const char *last; /* the layer that "last" means */
} collector;

typedef struct pooling_job {
    const collector *c;
    const triad_states *states;
    float *out;
} pooling_job;

/* The tokens [*from, *to) of a sentence of count tokens that a pooling averages. */
static void span_of(const char *pool, size_t count, size_t *from, size_t *to)
{
    *from = 0;
    *to = count;
    if (strcmp(pool, "mean-nofirst") == 0 && count > 1) *from = 1;
    if (strcmp(pool, "cls") == 0) *to = 1;
    if (strcmp(pool, "last") == 0) *from = count - 1;
}

static void pool_tile(void *context, size_t sentence, int worker)
{
    (void)worker;
    const pooling_job *p = context;
    const triad_tokens *tokens = p->c->tokens;
    const triad_states *states = p->states;
    const size_t first = tokens->offsets[sentence], d = states->width;
    const size_t count = tokens->offsets[sentence + 1] - first;
    size_t from, to;
    span_of(p->c->pool, count, &from, &to);
    if (strcmp(p->c->pool, "eos") == 0) {
        /* Sentences without tokens have been refused: there is always one that stands for the sentence. */
        if (triad_model_summary_token(p->c->model, tokens->ids + first, count, &from, NULL) != TRIAD_OK) from = 0;
        to = from + 1;
    }
    float *out = p->out + sentence * d;
    for (size_t j = 0; j < d; j++) {
        double sum = 0;
        for (size_t t = from; t < to; t++) sum += states->rows[states->row[first + t] * d + j];
        out[j] = (float)(sum / (double)(to - from));
    }
}

static triad_status take_layer(void *context, const triad_states *states, triad_error *err)
{
    const collector *c = context;
    const bool every_token = strcmp(c->pool, "tokens") == 0;
    if (!embed_wants(c->job->options.layers, states->layer, c->last)) return TRIAD_OK;
    if (every_token && states->of_sentences) return TRIAD_OK;
    if (strcmp(c->pool, "projected") == 0 && !states->of_sentences) return TRIAD_OK;
    const size_t n = every_token ? c->tokens->offsets[c->tokens->sentences] : c->tokens->sentences, d = states->width;
    float *out;
    const triad_status status = triad_space_add_layer(c->space, states->layer, n, d, &out, err);
    if (status != TRIAD_OK) return status;
    if (every_token || states->of_sentences) {
        for (size_t i = 0; i < n; i++) memcpy(out + i * d, states->rows + states->row[i] * d, d * sizeof *out);
        return TRIAD_OK;
    }
    pooling_job p = {.c = c, .states = states, .out = out};
    triad_parallel(c->job->pool, n, pool_tile, &p);
    return TRIAD_OK;
}

static triad_status check_tokens(const embed_job *job, const triad_tokens *tokens, triad_error *err)
{
    for (size_t i = 0; i < tokens->sentences; i++)
        if (tokens->offsets[i] == tokens->offsets[i + 1])
            return triad_fail(err, TRIAD_ERR_ARGUMENT, (int64_t)i, "item %zu (%.100s): its text has no tokens", i + 1,
                              job->items->id[i]);
    return TRIAD_OK;
}

/* With --pool tokens: which row is which token of which sentence. */
static triad_status keep_tokens(triad_space *space, const triad_tokens *tokens, triad_error *err)
{
    const size_t total = tokens->offsets[tokens->sentences];
    space->offsets = malloc((tokens->sentences + 1) * sizeof *space->offsets);
    space->ids = malloc(total * sizeof *space->ids);
    if (space->offsets == NULL || space->ids == NULL)
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
    space->tokens = total;
    for (size_t i = 0; i <= tokens->sentences; i++) space->offsets[i] = (int64_t)tokens->offsets[i];
    for (size_t i = 0; i < total; i++) space->ids[i] = tokens->ids[i];
    return TRIAD_OK;
}

/* The names of all layers, for messages and for checking --layers. */
static triad_status check_layers(const embed_job *job, const triad_model_info *info, bool every_token, triad_error *err)
{
    char(*text)[24] = malloc((info->layers + 1) * sizeof *text);
    const char **names = malloc((info->layers + 3) * sizeof *names);
    triad_status status = TRIAD_OK;
    if (text == NULL || names == NULL) {
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
    } else {
        size_t count = 0;
        for (; count <= info->layers; count++) {
            snprintf(text[count], sizeof *text, "%zu", count);
            names[count] = text[count];
        }
        if (info->has_raw) names[count++] = "raw";
        if (info->projected > 0 && !every_token) names[count++] = "projected";
        status = embed_check_layers(job->options.layers, names, count, err);
    }
    free(text);
    free(names);
    return status;
}

static triad_status run(triad_space *space, const embed_job *job, const triad_model *model, triad_error *err)
{
    const triad_model_info *info = triad_model_describe(model);
    const bool projects = info->projected > 0;
    const char *pool = strcmp(job->options.pool, "default") == 0 ? info->pooling : job->options.pool;
    const bool every_token = strcmp(pool, "tokens") == 0, only_projected = strcmp(pool, "projected") == 0;
    if (only_projected && !projects)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "pooling projected: this model projects nothing (use %s)",
                          info->pooling);
    if (strcmp(pool, "eos") == 0 && strcmp(info->pooling, "eos") != 0)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "pooling eos: only CLIP has an end-of-text token (use %s)",
                          info->pooling);
    triad_status status = check_layers(job, info, every_token, err);
    if (status != TRIAD_OK) return status;
    char number[24];
    snprintf(number, sizeof number, "%zu", info->layers);
    /* A pooling that was asked for speaks of hidden states; by convention the projection comes last. */
    const bool by_convention = strcmp(job->options.pool, "default") == 0 || only_projected;
    triad_tokens tokens;
    status = triad_model_tokenize(model, &tokens, (const char *const *)job->items->text, job->items->count, err);
    if (status != TRIAD_OK) return status;
    triad_model_prompt(model, &tokens);
    collector c = {.space = space,
                   .job = job,
                   .tokens = &tokens,
                   .model = model,
                   .pool = pool,
                   .last = projects && by_convention ? "projected" : number};
    status = check_tokens(job, &tokens, err);
    const bool alone =
        projects && by_convention &&
        (only_projected || strcmp(job->options.layers, "last") == 0 || strcmp(job->options.layers, "projected") == 0);
    if (status == TRIAD_OK)
        status = embed_begin(space, job, info->container, alone ? "projected" : pool,
                             info->kind == TRIAD_DECODER   ? "decoder"
                             : info->kind == TRIAD_ENCODER ? "encoder"
                                                           : "dual",
                             err);
    if (status == TRIAD_OK && every_token) status = keep_tokens(space, &tokens, err);
    if (status == TRIAD_OK)
        status = triad_model_run(model, &tokens, NULL, job->pool, job->progress, take_layer, &c, err);
    if (status == TRIAD_OK && space->layers == 0)
        status = triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "layers \"%.60s\": pooling %s leaves none of them",
                            job->options.layers, pool);
    triad_tokens_free(&tokens);
    return status;
}

triad_status embed_model(triad_space *space, const embed_job *job, triad_error *err)
{
    triad_model *model = NULL;
    triad_status status = triad_model_open(&model, job->source, err);
    if (status == TRIAD_OK) status = run(space, job, model, err);
    triad_model_close(model);
    return status == TRIAD_OK || err == NULL ? status : triad_fail_in(err, job->source);
}
