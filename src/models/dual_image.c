/* The image tower. */
#include "models/dual.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/progress.h"
#include "models/model_internal.h"
#include "nn/products.h"

enum { PATCH_FLOATS = 1 << 22 }; /* of images that are cut into patches at once */

/* ---- what comes in */
typedef struct intake {
    const triad_model *model;
    const triad_images *images;
    size_t first, count; /* images of this group */
    float *patches;      /* [group, grid * grid, 3 * patch * patch] */
    float **pixels;      /* [threads] [3, side, side] */
    triad_error *error;  /* [group] */
    triad_status *status;
} intake;

/* Patches in the order of a convolution's weights: channel, row, column. */
static void cut(float *patches, const float *pixels, const image_tower *t)
{
    const size_t p = t->patch;
    for (size_t row = 0; row < t->grid; row++)
        for (size_t column = 0; column < t->grid; column++)
            for (size_t c = 0; c < 3; c++)
                for (size_t y = 0; y < p; y++, patches += p)
                    memcpy(patches, pixels + (c * t->side + row * p + y) * t->side + column * p, p * sizeof *patches);
}

static void take_image(void *context, size_t tile, int worker)
{
    const intake *job = context;
    const image_tower *t = &job->model->pair.image;
    triad_image image = {0};
    triad_error *err = &job->error[tile];
    triad_status status = job->images->read(job->images->context, job->first + tile, &image, err);
    if (status == TRIAD_OK) status = preprocess_run(job->pixels[worker], t->side, &job->model->pair.how, &image, err);
    triad_image_free(&image);
    if (status == TRIAD_OK)
        cut(job->patches + tile * t->grid * t->grid * 3 * t->patch * t->patch, job->pixels[worker], t);
    job->status[tile] = status;
}

/* x [images, tokens, width] = class token and patches, with their positions. */
static triad_status embed_group(float *x, float *projected, const intake *job, const float *weight, const float *bias,
                                const float *place, triad_pool *pool, triad_error *err)
{
    const image_tower *t = &job->model->pair.image;
    const size_t d = t->body.width, patches = t->grid * t->grid, in = 3 * t->patch * t->patch;
    triad_parallel(pool, job->count, take_image, (void *)job);
    for (size_t i = 0; i < job->count; i++)
        if (job->status[i] != TRIAD_OK)
            return triad_fail(err, job->status[i], (int64_t)(job->first + i), "%s", job->error[i].text);
    nn_linear_pool(pool, projected, d, job->patches, in, weight, bias, job->count * patches, in, d);
    for (size_t i = 0; i < job->count; i++) {
        float *to = x + (job->first + i) * t->tokens * d;
        for (size_t j = 0; j < d; j++) to[j] = place[t->tokens * d + j] + place[j];
        for (size_t k = 0; k < patches * d; k++) to[d + k] = projected[i * patches * d + k] + place[d + k];
    }
    return TRIAD_OK;
}

static triad_status embed_images(float *x, const triad_model *model, const triad_images *images, const dual_sink *sink,
                                 triad_error *err)
{
    const image_tower *t = &model->pair.image;
    const size_t d = t->body.width, patches = t->grid * t->grid, in = 3 * t->patch * t->patch;
    const size_t threads = (size_t)triad_pool_threads(sink->pool);
    const size_t most = PATCH_FLOATS / (patches * in) + threads, group = images->count < most ? images->count : most;
    intake job = {.model = model, .images = images};
    float *weight = engine_floats(d, in + 1, err), *bias = weight != NULL ? weight + d * in : NULL;
    float *place = engine_floats(t->tokens + 1, d, err), *projected = engine_floats(group * patches, d, err);
    job.patches = engine_floats(group * patches, in, err);
    job.pixels = calloc(threads, sizeof *job.pixels);
    job.error = calloc(group, sizeof *job.error);
    job.status = calloc(group, sizeof *job.status);
    triad_status status = weight != NULL && place != NULL && projected != NULL && job.patches != NULL &&
                                  job.pixels != NULL && job.error != NULL && job.status != NULL
                              ? TRIAD_OK
                              : triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    for (size_t i = 0; i < threads && status == TRIAD_OK; i++)
        if ((job.pixels[i] = engine_floats(3 * t->side, t->side, err)) == NULL) status = TRIAD_ERR_MEMORY;
    if (status == TRIAD_OK) status = checkpoint_widen(weight, &t->patches, sink->pool, err);
    if (status == TRIAD_OK && t->patch_bias != NULL) status = checkpoint_widen(bias, t->patch_bias, NULL, err);
    if (status == TRIAD_OK) status = checkpoint_widen(place, &t->positions, sink->pool, err);
    if (status == TRIAD_OK) status = checkpoint_widen(place + t->tokens * d, &t->class_token, NULL, err);
    if (t->patch_bias == NULL) bias = NULL;
    char label[160];
    snprintf(label, sizeof label, "read images for %.120s", model->info.name);
    triad_progress_begin(sink->progress, label, "images", (double)images->count);
    for (job.first = 0; job.first < images->count && status == TRIAD_OK; job.first += group) {
        const size_t left = images->count - job.first;
        job.count = left < group ? left : group;
        status = embed_group(x, projected, &job, weight, bias, place, sink->pool, err);
        triad_progress_update(sink->progress, (double)(job.first + job.count), NULL);
    }
    triad_progress_end(sink->progress, NULL);
    for (size_t i = 0; i < threads && job.pixels != NULL; i++) free(job.pixels[i]);
    free(job.pixels);
    free(job.error);
    free(job.status);
    free(job.patches);
    free(projected);
    free(place);
    free(weight);
    return status;
}

/* ---- what goes out */
static triad_status project(const image_tower *t, const float *x, size_t images, const size_t *row,
                            const dual_sink *sink, triad_error *err)
{
    const size_t d = t->body.width;
    float *summary = engine_floats(images, d, err), *out = engine_floats(images, t->projected, err);
    triad_status status = summary != NULL && out != NULL ? TRIAD_OK : TRIAD_ERR_MEMORY;
    for (size_t i = 0; i < images && status == TRIAD_OK; i++)
        memcpy(summary + i * d, x + i * t->tokens * d, d * sizeof *x);
    if (status == TRIAD_OK && !t->post_norm_all)
        status = stack_norm(summary, images, d, &t->post_norm, t->body.epsilon, sink->pool, err);
    if (status == TRIAD_OK)
        status = dual_project(out, summary, images, d, &t->projection, t->projected, sink->pool, err);
    if (status == TRIAD_OK) status = dual_emit(sink, "projected", true, out, images, t->projected, row, err);
    free(summary);
    free(out);
    return status;
}

/* row: 0, 1, … */
static triad_status run_tower(stream *x, const triad_model *model, const triad_images *images, const uint32_t *first,
                              const size_t *row, const dual_sink *sink, triad_error *err)
{
    const image_tower *t = &model->pair.image;
    const size_t n = images->count;
    const stack_rows rows = {.rows = x->rows, .segments = n, .first = first, .longest = (uint32_t)t->tokens};
    stack_pass *layers = NULL;
    triad_status status = embed_images(x->data, model, images, sink, err);
    if (status == TRIAD_OK && t->pre_norm.weight != NULL)
        status = stack_norm(x->data, x->rows, x->width, &t->pre_norm, t->body.epsilon, sink->pool, err);
    char label[160];
    snprintf(label, sizeof label, "look by %.120s", model->info.name);
    triad_progress_begin(sink->progress, label, "layers", (double)t->body.layers);
    if (status == TRIAD_OK) status = dual_emit_number(sink, 0, x, row, err);
    if (status == TRIAD_OK) status = stack_pass_create(&layers, &t->body, x, &rows, sink->pool, err);
    for (size_t i = 0; i < t->body.layers && status == TRIAD_OK; i++) {
        status = stack_pass_layer(layers, i, err);
        if (status == TRIAD_OK) status = dual_emit_number(sink, i + 1, x, row, err);
    }
    stack_pass_free(layers);
    if (status == TRIAD_OK && t->post_norm_all)
        status = stack_norm(x->data, x->rows, x->width, &t->post_norm, t->body.epsilon, sink->pool, err);
    if (status == TRIAD_OK && t->post_norm_all && sink->each != NULL)
        status = dual_emit(sink, "normed", false, x->data, x->rows, x->width, row, err);
    if (status == TRIAD_OK && t->projection.weight != NULL && sink->each != NULL)
        status = project(t, x->data, n, row, sink, err);
    triad_progress_end(sink->progress, NULL);
    return status;
}

triad_status dual_run_images(stream *x, const triad_model *model, const triad_images *images, const dual_sink *sink,
                             triad_error *err)
{
    *x = (stream){0};
    if (model->info.kind != TRIAD_DUAL)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "model: %.200s (%s) reads text only", model->info.name,
                          model->info.family);
    if (!model->pair.how.known)
        return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                          "model: %.200s has no preprocessor_config.json, which says how it sees images",
                          model->info.name);
    if (images->count == 0) return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "model: there is not one image to look at");
    const image_tower *t = &model->pair.image;
    size_t rows;
    if (!triad_mul_size(&rows, images->count, t->tokens) || rows >= UINT32_MAX)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "model: %zu images are too many for one run", images->count);
    size_t *row = malloc(rows * sizeof *row);
    uint32_t *first = malloc((images->count + 1) * sizeof *first);
    triad_status status =
        row != NULL && first != NULL
            ? stream_create(x, rows, t->body.width, ENGINE_MEMORY, NULL, err)
            : triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory for %zu images", images->count);
    for (size_t i = 0; i < rows && status == TRIAD_OK; i++) row[i] = i;
    for (size_t i = 0; i <= images->count && status == TRIAD_OK; i++) first[i] = (uint32_t)(i * t->tokens);
    if (status == TRIAD_OK) status = run_tower(x, model, images, first, row, sink, err);
    free(row);
    free(first);
    return status;
}

triad_status triad_model_run_images(const triad_model *model, const triad_images *images, triad_pool *pool,
                                    triad_progress *progress, triad_states_fn each, void *context, triad_error *err)
{
    const dual_sink sink = {.pool = pool, .progress = progress, .each = each, .context = context};
    stream x;
    const triad_status status = dual_run_images(&x, model, images, &sink, err);
    stream_free(&x);
    return status;
}

triad_status triad_model_pixels(const triad_model *model, const triad_image *image, float *pixels, triad_error *err)
{
    if (model->info.kind != TRIAD_DUAL || !model->pair.how.known)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "model: %.200s does not say how it sees images",
                          model->info.name);
    return preprocess_run(pixels, model->pair.image.side, &model->pair.how, image, err);
}
