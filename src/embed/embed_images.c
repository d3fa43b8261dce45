/* Images by an image tower: files, a row each; or scenes, averaged over those of an instruction. */
#include "embed/embed_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed/scenes.h"
#include "triad/model.h"

/* ---- pooling */
typedef struct collector {
    triad_space *space;
    const embed_job *job;
    const triad_model_info *info;
    const char *pool, *last;
    const size_t *first; /* [items + 1] images of an item: first[i] … first[i + 1] - 1 */
} collector;

typedef struct pooling_job {
    const collector *c;
    const triad_states *states;
    float *out;
} pooling_job;

/* An item's row: the mean over its images of the class token, of all tokens, of the patches, or of the projection. */
static void pool_tile(void *context, size_t item, int worker)
{
    (void)worker;
    const pooling_job *p = context;
    const collector *c = p->c;
    const triad_states *states = p->states;
    const size_t d = states->width, tokens = states->of_sentences ? 1 : c->info->image_tokens;
    const bool all = strcmp(c->pool, "mean") == 0, patches = strcmp(c->pool, "mean-nofirst") == 0;
    const size_t from = !states->of_sentences && patches ? 1 : 0,
                 to = !states->of_sentences && (all || patches) ? tokens : 1;
    const double count = (double)((to - from) * (c->first[item + 1] - c->first[item]));
    float *out = p->out + item * d;
    for (size_t j = 0; j < d; j++) {
        double sum = 0;
        for (size_t image = c->first[item]; image < c->first[item + 1]; image++)
            for (size_t t = from; t < to; t++) sum += states->rows[states->row[image * tokens + t] * d + j];
        out[j] = (float)(sum / count);
    }
}

static triad_status take_layer(void *context, const triad_states *states, triad_error *err)
{
    const collector *c = context;
    const bool every_token = strcmp(c->pool, "tokens") == 0;
    if (strcmp(states->layer, "normed") == 0 || !embed_wants(c->job->options.layers, states->layer, c->last))
        return TRIAD_OK;
    if (every_token && states->of_sentences) return TRIAD_OK;
    if (strcmp(c->pool, "projected") == 0 && !states->of_sentences) return TRIAD_OK;
    const size_t items = c->space->items.count, n = every_token ? items * c->info->image_tokens : items;
    float *out;
    const triad_status status = triad_space_add_layer(c->space, states->layer, n, states->width, &out, err);
    if (status != TRIAD_OK) return status;
    if (every_token) {
        for (size_t i = 0; i < n; i++)
            memcpy(out + i * states->width, states->rows + states->row[i] * states->width, states->width * sizeof *out);
        return TRIAD_OK;
    }
    pooling_job p = {.c = c, .states = states, .out = out};
    triad_parallel(c->job->pool, n, pool_tile, &p);
    return TRIAD_OK;
}

/* With --pool tokens: an image's tokens are numbered, the class token is 0. */
static triad_status keep_tokens(triad_space *space, size_t tokens, triad_error *err)
{
    const size_t n = space->items.count;
    space->offsets = malloc((n + 1) * sizeof *space->offsets);
    space->ids = malloc(n * tokens * sizeof *space->ids);
    if (space->offsets == NULL || space->ids == NULL)
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
    space->tokens = n * tokens;
    for (size_t i = 0; i <= n; i++) space->offsets[i] = (int64_t)(i * tokens);
    for (size_t i = 0; i < n * tokens; i++) space->ids[i] = (int64_t)(i % tokens);
    return TRIAD_OK;
}

static triad_status check_layers(const embed_job *job, const triad_model_info *info, bool every_token, triad_error *err)
{
    char(*text)[24] = malloc((info->image_layers + 1) * sizeof *text);
    const char **names = malloc((info->image_layers + 2) * sizeof *names);
    triad_status status = TRIAD_OK;
    if (text == NULL || names == NULL) {
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
    } else {
        size_t count = 0;
        for (; count <= info->image_layers; count++) {
            snprintf(text[count], sizeof *text, "%zu", count);
            names[count] = text[count];
        }
        if (info->projected > 0 && !every_token) names[count++] = "projected";
        status = embed_check_layers(job->options.layers, names, count, err);
    }
    free(text);
    free(names);
    return status;
}

/* first [items + 1]: which images are whose; what is a suffix of the source's name. */
static triad_status run(triad_space *space, const embed_job *job, const triad_model *model, const triad_images *images,
                        const size_t *first, const char *what, triad_error *err)
{
    const triad_model_info *info = triad_model_describe(model);
    const bool projects = info->projected > 0, by_default = strcmp(job->options.pool, "default") == 0;
    const char *pool = by_default ? "cls" : job->options.pool;
    const bool every_token = strcmp(pool, "tokens") == 0, only_projected = strcmp(pool, "projected") == 0;
    if (only_projected && !projects)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "pooling projected: this model projects nothing (use cls)");
    if (!every_token && !only_projected && strcmp(pool, "cls") != 0 && strcmp(pool, "mean") != 0 &&
        strcmp(pool, "mean-nofirst") != 0)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                          "pooling %s: an image has none of that (cls, mean, mean-nofirst, projected or tokens)", pool);
    if (every_token && first[job->items->count] != job->items->count)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                          "pooling tokens: scenes are averaged, and tokens are not (choose another pooling)");
    triad_status status = check_layers(job, info, every_token, err);
    if (status != TRIAD_OK) return status;
    char number[24];
    snprintf(number, sizeof number, "%zu", info->image_layers);
    const bool by_convention = by_default || only_projected;
    const bool alone =
        projects && by_convention &&
        (only_projected || strcmp(job->options.layers, "last") == 0 || strcmp(job->options.layers, "projected") == 0);
    embed_job named = *job;
    char *name = NULL;
    if (asprintf(&name, "%s:%s", job->name, what) < 0)
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
    named.name = name;
    collector c = {.space = space,
                   .job = job,
                   .info = info,
                   .pool = pool,
                   .last = projects && by_convention ? "projected" : number,
                   .first = first};
    status = embed_begin(space, &named, info->container, alone ? "projected" : pool, "dual", err);
    free(name);
    if (status == TRIAD_OK && every_token) status = keep_tokens(space, info->image_tokens, err);
    if (status == TRIAD_OK)
        status = triad_model_run_images(model, images, job->pool, job->progress, take_layer, &c, err);
    if (status == TRIAD_OK && space->layers == 0)
        status = triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                            "layers \"%.60s\": pooling %s leaves none of them (use --layers last)", job->options.layers,
                            pool);
    return status;
}

/* ---- files */
static triad_status read_file(void *context, size_t index, triad_image *image, triad_error *err)
{
    const char *const *paths = context;
    return triad_image_read(image, paths[index], err);
}

/* A file's name without folder and ending. */
static char *stem(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path, *dot = strrchr(name, '.');
    return strndup(name, dot != NULL && dot > name ? (size_t)(dot - name) : strlen(name));
}

static triad_status items_of_files(triad_items *items, const char *const *paths, size_t count, triad_error *err)
{
    char **names = calloc(count, sizeof *names);
    triad_status status = names != NULL ? TRIAD_OK : TRIAD_ERR_MEMORY;
    for (size_t i = 0; i < count && status == TRIAD_OK; i++)
        if ((names[i] = stem(paths[i])) == NULL) status = TRIAD_ERR_MEMORY;
    if (status == TRIAD_OK)
        status = triad_items_create(items, count, (const char *const *)names, (const char *const *)names, 0, NULL, NULL,
                                    err);
    else
        (void)triad_fail(err, status, -1, "embed: out of memory");
    for (size_t i = 0; i < count && names != NULL; i++) free(names[i]);
    free(names);
    return status;
}

static triad_status embed_files(triad_space *space, const embed_job *job, const triad_model *model,
                                const char *const *paths, size_t count, triad_error *err)
{
    size_t *first = malloc((count + 1) * sizeof *first);
    if (first == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
    for (size_t i = 0; i <= count; i++) first[i] = i;
    triad_items items = {0};
    embed_job own = *job;
    own.items = &items;
    const triad_images images = {.count = count, .read = read_file, .context = (void *)paths};
    triad_status status = items_of_files(&items, paths, count, err);
    if (status == TRIAD_OK) status = run(space, &own, model, &images, first, "images", err);
    triad_items_free(&items);
    free(first);
    return status;
}

/* ---- sources */
static triad_status open_images(embed_job *job, triad_model **model, const char *source,
                                const triad_embed_options *options, triad_pool *pool, triad_progress *progress,
                                triad_error *err)
{
    triad_status status = embed_job_create(job, source, options, pool, progress, err);
    if (status != TRIAD_OK) return status;
    if (job->kind != SOURCE_MODEL)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                          "%.200s: only models of text and images see images (give a CLIP or BLIP)", source);
    status = triad_model_open(model, source, err);
    if (status == TRIAD_OK && triad_model_describe(*model)->kind != TRIAD_DUAL)
        status =
            triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "a model of type %.40s reads text only (give a CLIP or BLIP)",
                       triad_model_describe(*model)->family);
    return status == TRIAD_OK || err == NULL ? status : triad_fail_in(err, source);
}

static triad_status finish(triad_space *space, embed_job *job, triad_model *model, triad_status status)
{
    triad_model_close(model);
    embed_job_free(job);
    if (status != TRIAD_OK) triad_space_free(space);
    return status;
}

triad_status triad_embed_images(triad_space *space, const char *source, const char *const *paths, size_t count,
                                const triad_embed_options *options, triad_pool *pool, triad_progress *progress,
                                triad_error *err)
{
    memset(space, 0, sizeof *space);
    if (count == 0) return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "images: there is none to embed (name a PNG)");
    triad_model *model = NULL;
    embed_job job = {0};
    triad_status status = open_images(&job, &model, source, options, pool, progress, err);
    if (status == TRIAD_OK) status = embed_files(space, &job, model, paths, count, err);
    return finish(space, &job, model, status);
}

/* ---- scenes */
static triad_status read_scene(void *context, size_t index, triad_image *image, triad_error *err)
{
    const scene *list = context;
    return scene_render(image, &list[index], err);
}

/* The items that were met, their scenes one after the other, and where each item's begin. */
static triad_status gather(triad_items *met, scene *list, size_t *first, const scenes *found, const triad_items *items,
                           triad_error *err)
{
    const size_t factors = items->factors;
    const char **id = malloc((items->count + 1) * sizeof *id), **text = malloc((items->count + 1) * sizeof *text),
               **cell = malloc((items->count * factors + 1) * sizeof *cell);
    triad_status status = id != NULL && text != NULL && cell != NULL
                              ? TRIAD_OK
                              : triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
    size_t count = 0, images = 0;
    for (size_t i = 0; i < items->count && status == TRIAD_OK; i++) {
        if (found->count[i] == 0) continue;
        id[count] = items->id[i];
        text[count] = items->text[i];
        for (size_t f = 0; f < factors; f++) cell[count * factors + f] = items->cell[i * factors + f];
        first[count++] = images;
        for (size_t k = 0; k < found->count[i]; k++) list[images++] = found->scene[i * SCENES_PER_ITEM + k];
    }
    first[count] = images;
    if (status == TRIAD_OK && count == 0)
        status = triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                            "scenes: not one of the %zu instructions was met (are they BabyAI's, and of these levels?)",
                            items->count);
    if (status == TRIAD_OK)
        status = triad_items_create(met, count, id, text, factors, (const char *const *)items->factor, cell, err);
    free(id);
    free(text);
    free(cell);
    return status;
}

triad_status triad_embed_scenes(triad_space *space, const char *source, const triad_items *items,
                                const babyai_level *const *levels, size_t level_count, size_t *met,
                                const triad_embed_options *options, triad_pool *pool, triad_progress *progress,
                                triad_error *err)
{
    memset(space, 0, sizeof *space);
    if (items->count == 0)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "items: there is none to embed (give a sentence a line)");
    triad_model *model = NULL;
    embed_job job = {0};
    scenes found = {0};
    triad_items kept = {0};
    scene *list = malloc(items->count * SCENES_PER_ITEM * sizeof *list);
    size_t *first = malloc((items->count + 1) * sizeof *first);
    triad_status status = open_images(&job, &model, source, options, pool, progress, err);
    if (status == TRIAD_OK && (list == NULL || first == NULL))
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
    if (status == TRIAD_OK) status = scenes_find(&found, items, levels, level_count, pool, progress, err);
    for (size_t i = 0; met != NULL && found.count != NULL && i < items->count; i++) met[i] = found.count[i];
    if (status == TRIAD_OK) status = gather(&kept, list, first, &found, items, err);
    if (status == TRIAD_OK) {
        const triad_images images = {.count = first[kept.count], .read = read_scene, .context = list};
        job.items = &kept;
        status = run(space, &job, model, &images, first, "scenes", err);
    }
    triad_items_free(&kept);
    scenes_free(&found);
    free(list);
    free(first);
    return finish(space, &job, model, status);
}
