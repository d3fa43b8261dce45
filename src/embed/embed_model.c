/* A checkpoint's hidden states, pooled over the tokens of each sentence or word as each layer is finished. */
#include "embed/embed_internal.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/file.h"
#include "base/text.h"
#include "embed/words.h"
#include "models/keep.h"

/* One space that the run fills. */
typedef struct target {
    triad_space *space;
    const char *pool; /* what "default" stands for is in */
    bool every_token, only_projected;
    const char *last; /* the layer that "last" means */
} target;

typedef struct collector {
    const embed_job *job;
    const triad_tokens *tokens;
    const triad_model *model;
    const embed_words *words; /* NULL: rows are sentences */
    target to[EMBED_MAX_POOLS];
    size_t targets;
    const char *partial; /* folder of the files that keep finished layers; NULL: none */
    keep_key key;
} collector;

typedef struct pooling_job {
    const collector *c;
    const target *to;
    const triad_states *states;
    float *out;
} pooling_job;

/* ---- pooling */
/* The tokens [*from, *to) of a sentence of count tokens that a pooling averages. */
static void span_of(const char *pool, size_t count, size_t *from, size_t *to)
{
    *from = 0;
    *to = count;
    if (strcmp(pool, "mean-nofirst") == 0 && count > 1) *from = 1;
    if (strcmp(pool, "cls") == 0) *to = 1;
    if (strcmp(pool, "last") == 0) *from = count - 1;
}

static void add_tokens(double *sum, const triad_states *states, size_t from, size_t to, double share)
{
    for (size_t t = from; t < to; t++) {
        const float *x = states->rows + states->row[t] * states->width;
        for (size_t j = 0; j < states->width; j++) sum[j] += share * x[j];
    }
}

/* The sums of a row, a block of columns at a time, so that they stay in a tile's own memory. */
static void pool_sentence(void *context, size_t sentence, int worker)
{
    (void)worker;
    const pooling_job *p = context;
    const triad_tokens *tokens = p->c->tokens;
    const triad_states *states = p->states;
    const size_t first = tokens->offsets[sentence], d = states->width;
    const size_t count = tokens->offsets[sentence + 1] - first;
    size_t from, to;
    span_of(p->to->pool, count, &from, &to);
    if (strcmp(p->to->pool, "eos") == 0) {
        /* Sentences without tokens have been refused: there is always one that stands for the sentence. */
        if (triad_model_summary_token(p->c->model, tokens->ids + first, count, &from, NULL) != TRIAD_OK) from = 0;
        to = from + 1;
    }
    float *out = p->out + sentence * d;
    enum { BLOCK = 512 };
    for (size_t column = 0; column < d; column += BLOCK) {
        const size_t wide = d - column < BLOCK ? d - column : BLOCK;
        double sum[BLOCK] = {0};
        for (size_t t = from; t < to; t++) {
            const float *x = states->rows + states->row[first + t] * d + column;
            for (size_t j = 0; j < wide; j++) sum[j] += x[j];
        }
        for (size_t j = 0; j < wide; j++) out[column + j] = (float)(sum[j] / (double)(to - from));
    }
}

/* A word: the mean over where it occurs of the mean over its tokens there, or of its last token. */
static triad_status pool_words(const pooling_job *p, triad_error *err)
{
    const embed_words *words = p->c->words;
    const size_t d = p->states->width;
    const bool last = strcmp(p->to->pool, "last") == 0;
    double *sum = malloc(d * sizeof *sum);
    if (sum == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
    for (size_t w = 0; w < words->items.count; w++) {
        const size_t times = words->first[w + 1] - words->first[w];
        memset(sum, 0, d * sizeof *sum);
        for (size_t i = words->first[w]; i < words->first[w + 1]; i++) {
            const embed_occurrence *o = &words->occurrence[i];
            const size_t from = last ? o->to - 1 : o->from;
            add_tokens(sum, p->states, from, o->to, 1 / (double)(o->to - from));
        }
        for (size_t j = 0; j < d; j++) p->out[w * d + j] = (float)(sum[j] / (double)times);
    }
    free(sum);
    return TRIAD_OK;
}

/* ---- finished layers, kept beside the output */
static keep_key key_of_layer(const collector *c, size_t target_index, const char *layer)
{
    const XXH128_hash_t name = XXH3_128bits_withSeed(layer, strlen(layer), c->key.low ^ target_index);
    return (keep_key){name.low64 ^ c->key.high, name.high64};
}

static char *path_of_layer(const collector *c, size_t target_index, const char *layer)
{
    triad_text path = {0};
    triad_text_addf(&path, "%s/layer-%zu-%s", c->partial, target_index, layer);
    if (!path.failed) return path.bytes;
    triad_text_free(&path);
    return NULL;
}

static triad_status keep_layer(const collector *c, size_t i, const triad_layer *layer, triad_error *err)
{
    if (c->partial == NULL) return TRIAD_OK;
    char *path = path_of_layer(c, i, layer->name);
    const triad_status status =
        path == NULL ? triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory")
                     : keep_write(path, key_of_layer(c, i, layer->name), 1, layer->data, layer->n, layer->d, err);
    free(path);
    return status;
}

static size_t rows_of(const collector *c, const target *to)
{
    if (to->every_token) return c->tokens->offsets[c->tokens->sentences];
    return c->words != NULL ? c->words->items.count : c->tokens->sentences;
}

static bool takes(const collector *c, const target *to, const char *layer, bool of_sentences)
{
    if (!embed_wants(c->job->options.layers, layer, to->last)) return false;
    if (of_sentences) return !to->every_token && c->words == NULL;
    return !to->only_projected;
}

static void drop_layers(triad_space *space)
{
    for (size_t i = 0; i < space->layers; i++) {
        free(space->layer[i].name);
        free(space->layer[i].data);
    }
    space->layers = 0;
}

/* What an earlier run kept of layers 0 … layers. */
static triad_status resume(void *context, size_t layers, triad_error *err)
{
    collector *c = context;
    triad_status status = TRIAD_OK;
    for (size_t k = 0; k <= layers && status == TRIAD_OK; k++)
        for (size_t i = 0; i < c->targets && status == TRIAD_OK; i++) {
            char name[24];
            snprintf(name, sizeof name, "%zu", k);
            if (!takes(c, &c->to[i], name, false)) continue;
            float *data = NULL;
            size_t found = 0;
            char *path = path_of_layer(c, i, name);
            const size_t n = rows_of(c, &c->to[i]);
            status = path == NULL ? triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory")
                                  : triad_space_add_layer(c->to[i].space, name, n, c->job->width, &data, err);
            if (status == TRIAD_OK) keep_read(path, key_of_layer(c, i, name), &found, data, n, c->job->width);
            free(path);
            if (status == TRIAD_OK && found == 0)
                status = triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "embed: layer %s was not kept", name);
        }
    for (size_t i = 0; i < c->targets && status == TRIAD_ERR_NOT_FOUND; i++) drop_layers(c->to[i].space);
    return status;
}

void triad_embed_forget(const char *partial)
{
    DIR *list = partial != NULL ? opendir(partial) : NULL;
    if (list == NULL) return;
    for (const struct dirent *entry; (entry = readdir(list)) != NULL;)
        if (strncmp(entry->d_name, "layer-", 6) == 0 || strncmp(entry->d_name, "state", 5) == 0)
            (void)unlinkat(dirfd(list), entry->d_name, 0);
    closedir(list);
    (void)rmdir(partial);
}

/* ---- layers */
static triad_status take_layer(void *context, const triad_states *states, triad_error *err)
{
    const collector *c = context;
    triad_status status = TRIAD_OK;
    for (size_t i = 0; i < c->targets && status == TRIAD_OK; i++) {
        const target *to = &c->to[i];
        if (!takes(c, to, states->layer, states->of_sentences)) continue;
        const size_t n = rows_of(c, to), d = states->width;
        float *out;
        status = triad_space_add_layer(to->space, states->layer, n, d, &out, err);
        if (status != TRIAD_OK) return status;
        const pooling_job p = {.c = c, .to = to, .states = states, .out = out};
        if (to->every_token || states->of_sentences)
            for (size_t r = 0; r < n; r++) memcpy(out + r * d, states->rows + states->row[r] * d, d * sizeof *out);
        else if (c->words != NULL)
            status = pool_words(&p, err);
        else
            triad_parallel(c->job->pool, n, pool_sentence, (void *)&p);
        if (status == TRIAD_OK) status = keep_layer(c, i, &to->space->layer[to->space->layers - 1], err);
    }
    return status;
}

/* ---- before the run */
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

static triad_status check_pool(const embed_job *job, const target *to, const triad_model_info *info, triad_error *err)
{
    if (to->only_projected && info->projected == 0)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "pooling projected: this model projects nothing (use %s)",
                          info->pooling);
    if (strcmp(to->pool, "eos") == 0 && strcmp(info->pooling, "eos") != 0)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "pooling eos: only CLIP has an end-of-text token (use %s)",
                          info->pooling);
    if (strcmp(job->options.unit, "word") == 0 && strcmp(to->pool, "mean") != 0 && strcmp(to->pool, "last") != 0)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                          "pooling %s: words are pooled by mean (of their tokens) or last (their last token)",
                          to->pool);
    return TRIAD_OK;
}

/* What the kept layers depend on: rows are in the order of the items. */
static void make_key(collector *c, triad_text *words)
{
    const triad_tokens *t = c->tokens;
    triad_text_addf(words, "%s|%s|", c->job->options.layers, c->job->options.unit);
    for (size_t i = 0; i < c->targets; i++) triad_text_addf(words, "%s,", c->to[i].pool);
    const XXH128_hash_t ids = XXH3_128bits(t->ids, t->offsets[t->sentences] * sizeof *t->ids),
                        offsets = XXH3_128bits(t->offsets, (t->sentences + 1) * sizeof *t->offsets);
    triad_text_addf(words, "%016llx%016llx", (unsigned long long)ids.low64, (unsigned long long)offsets.low64);
    const XXH128_hash_t all = XXH3_128bits(words->bytes, words->failed ? 0 : strlen(words->bytes));
    c->key = (keep_key){all.low64, all.high64};
}

static triad_status begin(collector *c, triad_space *spaces, const triad_model_info *info, const char *number,
                          triad_error *err)
{
    const embed_job *job = c->job;
    const bool by_word = strcmp(job->options.unit, "word") == 0;
    embed_job named = *job;
    if (by_word) named.items = &c->words->items;
    triad_status status = TRIAD_OK;
    for (size_t i = 0; i < c->targets && status == TRIAD_OK; i++) {
        target *to = &c->to[i];
        const char *asked = job->pools[i];
        /* A pooling that was asked for speaks of hidden states; by convention the projection comes last. */
        to->space = &spaces[i];
        to->pool = strcmp(asked, "default") != 0 ? asked : by_word ? "mean" : info->pooling;
        to->every_token = strcmp(to->pool, "tokens") == 0;
        to->only_projected = strcmp(to->pool, "projected") == 0;
        const bool by_convention =
            info->projected > 0 && !by_word && (strcmp(asked, "default") == 0 || to->only_projected);
        to->last = by_convention ? "projected" : number;
        const bool alone = by_convention && (to->only_projected || strcmp(job->options.layers, "last") == 0 ||
                                             strcmp(job->options.layers, "projected") == 0);
        status = check_pool(job, to, info, err);
        if (status == TRIAD_OK) status = check_layers(job, info, to->every_token || by_word, err);
        if (status == TRIAD_OK)
            status = embed_begin(to->space, &named, info->container, alone ? "projected" : to->pool,
                                 info->kind == TRIAD_DECODER   ? "decoder"
                                 : info->kind == TRIAD_ENCODER ? "encoder"
                                                               : "dual",
                                 err);
        if (status == TRIAD_OK && to->every_token) status = keep_tokens(to->space, c->tokens, err);
    }
    return status;
}

/* A decoder's raw layer comes before its norm, L behind it; they are listed as everywhere: 0 … L, raw. */
static void raw_behind_last(triad_space *space)
{
    for (size_t i = 0; i + 1 < space->layers; i++) {
        const triad_layer raw = space->layer[i];
        if (strcmp(raw.name, "raw") != 0 || strcmp(space->layer[i + 1].name, "projected") == 0) continue;
        space->layer[i] = space->layer[i + 1];
        space->layer[i + 1] = raw;
        return;
    }
}

triad_status embed_with_model(triad_space *spaces, embed_job *job, const triad_model *model,
                              const triad_run_options *how, triad_error *err)
{
    const triad_model_info *info = triad_model_describe(model);
    char number[24];
    snprintf(number, sizeof number, "%zu", info->layers);
    triad_tokens tokens;
    triad_status status =
        triad_model_tokenize(model, &tokens, (const char *const *)job->items->text, job->items->count, err);
    if (status != TRIAD_OK) return status;
    triad_model_prompt(model, &tokens);
    collector c = {.job = job, .tokens = &tokens, .model = model, .targets = job->pool_count};
    job->width = info->width;
    embed_words words = {0};
    triad_text state_of = {0}, state = {0};
    triad_run_options run = how != NULL ? *how : (triad_run_options){0};
    status = check_tokens(job, &tokens, err);
    if (status == TRIAD_OK && strcmp(job->options.unit, "word") == 0) {
        status = embed_words_find(&words, model, job->items, &tokens, err);
        c.words = &words;
    }
    if (status == TRIAD_OK) status = begin(&c, spaces, info, number, err);
    if (status == TRIAD_OK && job->options.partial != NULL) {
        c.partial = job->options.partial;
        make_key(&c, &state_of);
        triad_text_addf(&state, "%s/state", c.partial);
        run.state = state.bytes;
        run.state_of = state_of.bytes;
        run.resume = resume;
        if (state.failed || state_of.failed) status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
        if (status == TRIAD_OK) status = triad_make_folder(c.partial, err);
    }
    if (status == TRIAD_OK)
        status = triad_model_run(model, &tokens, &run, job->pool, job->progress, take_layer, &c, err);
    for (size_t i = 0; i < c.targets && status == TRIAD_OK; i++)
        if (spaces[i].layers == 0)
            status = triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                                "layers \"%.60s\": pooling %s leaves none of them (use --layers last)",
                                job->options.layers, c.to[i].pool);
    for (size_t i = 0; i < c.targets && status == TRIAD_OK; i++) raw_behind_last(&spaces[i]);
    if (c.partial != NULL) (void)rmdir(c.partial); /* stays where something is kept in it */
    embed_words_free(&words);
    triad_text_free(&state_of);
    triad_text_free(&state);
    triad_tokens_free(&tokens);
    return status;
}

triad_status embed_model(triad_space *spaces, embed_job *job, triad_error *err)
{
    triad_model *model = NULL;
    triad_status status = triad_model_open(&model, job->source, err);
    if (status == TRIAD_OK) status = embed_with_model(spaces, job, model, NULL, err);
    triad_model_close(model);
    return status == TRIAD_OK || err == NULL ? status : triad_fail_in(err, job->source);
}
