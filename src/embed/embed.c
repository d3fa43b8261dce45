#include "embed/embed_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "triad/agent.h"
#include "triad/hub.h"
#include "triad/model.h"

triad_embed_options triad_embed_defaults(void)
{
    return (triad_embed_options){.layers = "last", .pool = "default", .unit = "sentence", .seed = 0};
}

/* ---- options */
static triad_status check_options(triad_embed_options *o, triad_error *err)
{
    const triad_embed_options defaults = triad_embed_defaults();
    if (o->layers == NULL) o->layers = defaults.layers;
    if (o->pool == NULL) o->pool = defaults.pool;
    if (o->unit == NULL) o->unit = defaults.unit;
    if (strcmp(o->unit, "sentence") != 0 && strcmp(o->unit, "word") != 0)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "unit \"%.60s\": unknown (sentence or word)", o->unit);
    if (o->layers[0] == 0)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "layers: none is named (give last, all, or names)");
    return TRIAD_OK;
}

bool triad_embed_pooling(const char *name)
{
    static const char *const known[] = {"default", "mean", "mean-nofirst", "last", "cls", "eos", "projected", "tokens"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i]) == 0) return true;
    return false;
}

/* options.pool, cut at its commas. */
static triad_status cut_pools(embed_job *job, triad_error *err)
{
    for (const char *at = job->options.pool; at != NULL; at = strchr(at, ',')) {
        if (*at == ',') at++;
        const size_t size = strcspn(at, ",");
        if (job->pool_count == EMBED_MAX_POOLS)
            return triad_fail(err, TRIAD_ERR_RANGE, -1, "pooling: more than %d at once (embed twice)",
                              (int)EMBED_MAX_POOLS);
        char *name = job->pools[job->pool_count++] = strndup(at, size);
        if (name == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
        if (!triad_embed_pooling(name))
            return triad_fail(
                err, TRIAD_ERR_UNSUPPORTED, -1,
                "pooling \"%.60s\": unknown (one of default, mean, mean-nofirst, last, cls, eos, projected, tokens)",
                name);
        for (size_t i = 0; i + 1 < job->pool_count; i++)
            if (strcmp(name, job->pools[i]) == 0)
                return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "pooling %.60s: named twice (name each once)", name);
    }
    return TRIAD_OK;
}

static bool lists(const char *layers, const char *name)
{
    const size_t size = strlen(name);
    for (const char *at = layers; at != NULL; at = strchr(at, ',')) {
        if (*at == ',') at++;
        const size_t span = strcspn(at, ",");
        if (span == size && strncmp(at, name, size) == 0) return true;
    }
    return false;
}

bool embed_wants(const char *layers, const char *name, const char *last)
{
    if (strcmp(layers, "all") == 0) return true;
    return lists(layers, name) || (strcmp(name, last) == 0 && lists(layers, "last"));
}

triad_status embed_check_layers(const char *layers, const char *const *names, size_t count, triad_error *err)
{
    if (strcmp(layers, "all") == 0) return TRIAD_OK;
    for (const char *at = layers; at != NULL; at = strchr(at, ',')) {
        if (*at == ',') at++;
        const size_t span = strcspn(at, ",");
        bool found = span == 4 && strncmp(at, "last", 4) == 0;
        for (size_t i = 0; i < count && !found; i++)
            found = strlen(names[i]) == span && strncmp(at, names[i], span) == 0;
        if (found) continue;
        triad_text all = {0};
        for (size_t i = 0; i < count; i++) triad_text_addf(&all, "%s%s", i == 0 ? "" : ", ", names[i]);
        const triad_status status =
            triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "layer \"%.*s\": the source has none of this name (it has %.300s)",
                       (int)(span < 60 ? span : 60), at, all.bytes == NULL ? "" : all.bytes);
        triad_text_free(&all);
        return status;
    }
    return TRIAD_OK;
}

/* ---- sources */
static triad_status kind_of(source_kind *kind, const char *source, triad_error *err)
{
    if (strncmp(source, "baseline:", 9) == 0) {
        const char *name = source + 9;
        if (strcmp(name, "bow") == 0 || strcmp(name, "length") == 0 || strcmp(name, "factors") == 0)
            *kind = SOURCE_LEXICAL;
        else if (strcmp(name, "random") == 0)
            *kind = SOURCE_RANDOM;
        else
            return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                              "%.100s: unknown baseline (one of baseline:bow, baseline:length, baseline:factors, "
                              "baseline:random)",
                              source);
        return TRIAD_OK;
    }
    char *path;
    triad_status status = triad_hub_find(&path, source, err);
    if (status != TRIAD_OK) return status;
    *kind = SOURCE_MODEL;
    triad_mapping file = {0};
    const bool folder = triad_path_is_folder(path);
    if (!folder) status = triad_map_file(&file, path, err);
    free(path);
    if (folder || status != TRIAD_OK) return status;
    if (file.size < 4 || memcmp(file.data, "GGUF", 4) != 0) *kind = SOURCE_AGENT;
    triad_unmap(&file);
    return TRIAD_OK;
}

static char *last_name(const char *path)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/') start--;
    return strndup(path + start, end - start);
}

triad_status embed_begin(triad_space *space, const embed_job *job, const char *prefix, const char *pool,
                         const char *kind, triad_error *err)
{
    const triad_items *from = job->items;
    triad_items copy;
    triad_status status =
        triad_items_create(&copy, from->count, (const char *const *)from->id, (const char *const *)from->text,
                           from->factors, (const char *const *)from->factor, (const char *const *)from->cell, err);
    if (status != TRIAD_OK) return status;
    triad_text source = {0};
    triad_text_addf(&source, "%s:%s", prefix, job->name);
    status = source.failed ? triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory")
                           : triad_space_create(space, &copy, source.bytes, pool, job->options.unit, kind, err);
    triad_items_free(&copy);
    triad_text_free(&source);
    return status;
}

triad_status embed_job_create(embed_job *job, const char *source, const triad_embed_options *options, triad_pool *pool,
                              triad_progress *progress, triad_error *err)
{
    *job = (embed_job){.source = source,
                       .options = options != NULL ? *options : triad_embed_defaults(),
                       .pool = pool,
                       .progress = progress};
    triad_status status = check_options(&job->options, err);
    if (status == TRIAD_OK) status = cut_pools(job, err);
    if (status == TRIAD_OK) status = kind_of(&job->kind, source, err);
    if (status != TRIAD_OK) return status;
    job->name = job->kind == SOURCE_LEXICAL || job->kind == SOURCE_RANDOM ? strdup(source + 9) : last_name(source);
    return job->name != NULL ? TRIAD_OK : triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
}

void embed_job_free(embed_job *job)
{
    for (size_t i = 0; i < job->pool_count; i++) free(job->pools[i]);
    free(job->name);
    *job = (embed_job){0};
}

static triad_status fill(triad_space *spaces, embed_job *job, triad_error *err)
{
    if (job->kind != SOURCE_MODEL && job->pool_count > 1)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "pooling %.100s: only models have several (leave --pool out)",
                          job->options.pool);
    if (job->kind != SOURCE_MODEL && strcmp(job->options.unit, "sentence") != 0)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "unit %s: only models have it (leave --unit out)",
                          job->options.unit);
    switch (job->kind) {
    case SOURCE_AGENT:
        return embed_agent(spaces, job, err);
    case SOURCE_LEXICAL:
        return embed_lexical(spaces, job, err);
    case SOURCE_RANDOM:
        return embed_random(spaces, job, err);
    case SOURCE_MODEL:
        break;
    }
    return embed_model(spaces, job, err);
}

triad_status triad_embed_pools(triad_space *spaces, size_t *count, const char *source, const triad_items *items,
                               const triad_embed_options *options, triad_pool *pool, triad_progress *progress,
                               triad_error *err)
{
    memset(spaces, 0, EMBED_MAX_POOLS * sizeof *spaces);
    *count = 0;
    embed_job job;
    triad_status status = embed_job_create(&job, source, options, pool, progress, err);
    if (status == TRIAD_OK && items->count == 0)
        status = triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "items: there is none to embed (give a sentence a line)");
    job.items = items;
    if (status == TRIAD_OK) status = fill(spaces, &job, err);
    if (status == TRIAD_OK) *count = job.pool_count;
    for (size_t i = 0; i < job.pool_count && status != TRIAD_OK; i++) triad_space_free(&spaces[i]);
    embed_job_free(&job);
    return status;
}

triad_status triad_embed(triad_space *space, const char *source, const triad_items *items,
                         const triad_embed_options *options, triad_pool *pool, triad_progress *progress,
                         triad_error *err)
{
    triad_space spaces[EMBED_MAX_POOLS];
    size_t count;
    memset(space, 0, sizeof *space);
    if (options != NULL && options->pool != NULL && strchr(options->pool, ',') != NULL)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "pooling \"%.60s\": one space has one pooling (name one)",
                          options->pool);
    const triad_status status = triad_embed_pools(spaces, &count, source, items, options, pool, progress, err);
    if (status == TRIAD_OK) *space = spaces[0];
    return status;
}

triad_status triad_embed_probe(const char *source, size_t *layers, const char **pooling, triad_error *err)
{
    source_kind kind = SOURCE_MODEL;
    size_t count = 1;
    const char *convention = "none";
    triad_status status = kind_of(&kind, source, err);
    if (status == TRIAD_OK && kind == SOURCE_MODEL) {
        triad_model *model = NULL;
        status = triad_model_open(&model, source, err);
        if (status != TRIAD_OK) return triad_fail_in(err, source);
        const triad_model_info *info = triad_model_describe(model);
        count = info->layers + 1 + (info->has_raw ? 1 : 0) + (info->projected > 0 ? 1 : 0);
        /* The conventions are constants: they outlive the model. */
        convention = info->pooling;
        if (!info->has_tokenizer)
            status = triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                                "%.300s: the model has no tokenizer (put its tokenizer.json beside it)", source);
        triad_model_close(model);
    } else if (status == TRIAD_OK && kind == SOURCE_AGENT) {
        triad_agent *agent = NULL;
        status = triad_agent_open(&agent, source, err);
        if (status == TRIAD_OK) count = (size_t)triad_agent_encoder_layers(agent) + 3 + triad_agent_fused_layers(agent);
        convention = "instruction";
        triad_agent_close(agent);
    }
    if (status != TRIAD_OK) return status;
    if (layers != NULL) *layers = count;
    if (pooling != NULL) *pooling = convention;
    return TRIAD_OK;
}
