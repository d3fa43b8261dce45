/* What model_parity compares: states against recorded tensors, and everything that has to do with images. */
#ifndef TRIAD_TESTS_PARITY_IMAGES_H
#define TRIAD_TESTS_PARITY_IMAGES_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/safetensors.h"
#include "triad/model.h"

typedef struct parity {
    safetensors *golden;
    triad_model *model;
    const triad_model_info *info;
    triad_tokens tokens; /* the recorded ids: states are compared also where our own ids differ */
    bool prompted;       /* with the decoder's first id */
    double tolerance;
    const char *layers, *projected; /* what the running states are called in the file */
    size_t passed, failed;
    bool *seen; /* [tensors of golden] */
} parity;

static inline void verdict(parity *p, const char *name, bool right, const char *why)
{
    if (right)
        p->passed++;
    else
        p->failed++;
    if (!right) printf("%s: %s\n", name, why);
}

static inline size_t index_of(const parity *p, const tensor_view *tensor)
{
    size_t i = 0;
    while (safetensors_at(p->golden, i) != tensor) i++;
    return i;
}

static inline float recorded(const tensor_view *tensor, size_t i)
{
    float value;
    memcpy(&value, (const char *)tensor->data + sizeof value * i, sizeof value);
    return value;
}

/* The recorded tensor of a name, marked as checked; NULL: there is none. A wrong shape fails it: *usable. */
static inline const tensor_view *wanted(parity *p, const char *name, size_t rows, size_t width, bool *usable)
{
    const tensor_view *tensor = safetensors_find(p->golden, name);
    *usable = false;
    if (tensor == NULL) return NULL;
    p->seen[index_of(p, tensor)] = true;
    *usable = tensor->dtype == TENSOR_F32 && tensor->rank >= 1 && tensor->shape[tensor->rank - 1] == width &&
              tensor_count(tensor) == rows * width;
    if (!*usable) verdict(p, name, false, "the recorded tensor has another shape");
    return tensor;
}

static inline void close_enough(parity *p, const char *name, double difference, double size)
{
    char why[160];
    const double error = sqrt(difference / size);
    snprintf(why, sizeof why, "relative error %.3g, more than %g", error, p->tolerance);
    if (getenv("PARITY_VERBOSE") != NULL) printf("%s: %.3g\n", name, error);
    verdict(p, name, error <= p->tolerance, why);
}

static inline triad_status check_states(void *context, const triad_states *states, triad_error *err)
{
    (void)err;
    parity *p = context;
    char name[64];
    bool usable;
    if (strcmp(states->layer, "projected") == 0)
        snprintf(name, sizeof name, "%s", p->projected);
    else if (strcmp(states->layer, "normed") == 0)
        snprintf(name, sizeof name, "vision_last");
    else if (strcmp(states->layer, "raw") == 0)
        snprintf(name, sizeof name, "raw");
    else
        snprintf(name, sizeof name, "%s.%s", p->layers, states->layer);
    const bool vision = strcmp(p->layers, "vision_hidden") == 0;
    const tensor_view *images = safetensors_find(p->golden, "images");
    size_t rows = states->of_sentences ? p->tokens.sentences : p->tokens.offsets[p->tokens.sentences];
    if (vision) rows = images->shape[0] * (states->of_sentences ? 1 : p->info->image_tokens);
    const tensor_view *tensor = wanted(p, name, rows, states->width, &usable);
    if (!usable) return TRIAD_OK; /* the real checkpoints were recorded without raw */
    double difference = 0, size = 0;
    for (size_t r = 0; r < rows; r++) {
        const float *x = states->rows + states->row[r] * states->width;
        for (size_t j = 0; j < states->width; j++) {
            const double y = recorded(tensor, r * states->width + j);
            difference += (x[j] - y) * (x[j] - y);
            size += y * y;
        }
    }
    close_enough(p, name, difference, size);
    return TRIAD_OK;
}

/* ---- the decoder's first id */
static inline void check_prompt(parity *p)
{
    const tensor_view *ids = safetensors_find(p->golden, "decoder_ids");
    p->seen[index_of(p, ids)] = true;
    triad_model_prompt(p->model, &p->tokens);
    const size_t total = p->tokens.offsets[p->tokens.sentences];
    bool right = ids->dtype == TENSOR_I64 && tensor_count(ids) == total;
    for (size_t i = 0; i < total && right; i++) {
        int64_t id;
        memcpy(&id, (const char *)ids->data + sizeof id * i, sizeof id);
        right = id == p->tokens.ids[i];
    }
    verdict(p, "decoder_ids", right, "other ids");
    p->prompted = true;
}

/* ---- images */
static inline triad_status copy_image(triad_image *image, const tensor_view *tensor, size_t index, triad_error *err)
{
    const size_t *shape = tensor->shape + (tensor->rank - 3), bytes = shape[0] * shape[1] * 3;
    const triad_status status = triad_image_create(image, shape[0], shape[1], err);
    if (status == TRIAD_OK) memcpy(image->rgb, (const char *)tensor->data + index * bytes, bytes);
    return status;
}

static inline triad_status hand_image(void *context, size_t index, triad_image *image, triad_error *err)
{
    return copy_image(image, context, index, err);
}

/* What one 8-bit level makes in each channel: a black and a nearly black image. */
static inline triad_status one_level(parity *p, double level[3], triad_error *err)
{
    const size_t side = p->info->image_side, middle = side / 2 * side + side / 2;
    float *pixels = malloc(3 * side * side * sizeof *pixels);
    triad_image image;
    triad_status status = pixels != NULL ? triad_image_create(&image, side, side, err) : TRIAD_ERR_MEMORY;
    for (int value = 0; value < 2 && status == TRIAD_OK; value++) {
        memset(image.rgb, value, 3 * side * side);
        status = triad_model_pixels(p->model, &image, pixels, err);
        for (size_t c = 0; c < 3; c++)
            level[c] = value == 0 ? pixels[c * side * side + middle] : pixels[c * side * side + middle] - level[c];
    }
    triad_image_free(&image);
    free(pixels);
    return status;
}

/* The pixels of each image of a tensor against those recorded. */
static inline triad_status check_pixels(parity *p, const char *images, const char *pixels, triad_error *err)
{
    const tensor_view *from = safetensors_find(p->golden, images);
    const size_t side = p->info->image_side, plane = side * side, count = from->rank == 4 ? from->shape[0] : 1;
    bool usable;
    const tensor_view *tensor = wanted(p, pixels, count * 3 * side, side, &usable);
    if (!usable) return TRIAD_OK;
    double level[3], worst = 0;
    triad_status status = one_level(p, level, err);
    float *own = malloc(3 * plane * sizeof *own);
    if (own == NULL) status = TRIAD_ERR_MEMORY;
    for (size_t i = 0; i < count && status == TRIAD_OK; i++) {
        triad_image image;
        status = copy_image(&image, from, i, err);
        if (status == TRIAD_OK) status = triad_model_pixels(p->model, &image, own, err);
        for (size_t k = 0; k < 3 * plane && status == TRIAD_OK; k++) {
            const double off = fabs((double)own[k] - recorded(tensor, i * 3 * plane + k)) / fabs(level[k / plane]);
            worst = off <= worst ? worst : off;
        }
        triad_image_free(&image);
    }
    free(own);
    char why[160];
    snprintf(why, sizeof why, "off by %.3g levels of 8 bits", worst);
    if (getenv("PARITY_VERBOSE") != NULL) printf("%s: %s\n", pixels, why);
    if (status == TRIAD_OK) verdict(p, pixels, worst <= 1, why);
    return status;
}

static inline triad_status check_scores(parity *p, const triad_images *images, triad_pool *pool, triad_error *err)
{
    const size_t n = p->tokens.sentences;
    bool usable;
    const tensor_view *tensor = wanted(p, "itm_scores", images->count, n, &usable);
    if (!usable) return TRIAD_OK;
    float *scores = malloc(images->count * n * sizeof *scores);
    if (scores == NULL) return TRIAD_ERR_MEMORY;
    const triad_status status = triad_model_match(p->model, &p->tokens, images, scores, pool, NULL, err);
    double difference = 0, size = 0;
    for (size_t i = 0; i < images->count * n && status == TRIAD_OK; i++) {
        const double y = recorded(tensor, i);
        difference += (scores[i] - y) * (scores[i] - y);
        size += y * y;
    }
    if (status == TRIAD_OK) close_enough(p, "itm_scores", difference, size);
    free(scores);
    return status;
}

/* Sentence j beside image j mod m. */
static inline triad_status check_beside(parity *p, const triad_images *images, triad_pool *pool, triad_error *err)
{
    p->layers = p->prompted ? "decoder_image_hidden" : "itm_hidden";
    size_t *of = malloc(p->tokens.sentences * sizeof *of);
    if (of == NULL) return TRIAD_ERR_MEMORY;
    for (size_t j = 0; j < p->tokens.sentences; j++) of[j] = j % images->count;
    const triad_status status =
        triad_model_run_beside(p->model, &p->tokens, of, images, pool, NULL, check_states, p, err);
    free(of);
    return status;
}

static inline triad_status check_images(parity *p, triad_pool *pool, triad_error *err)
{
    const tensor_view *tensor = safetensors_find(p->golden, "images");
    const triad_images images = {.count = tensor->shape[0], .read = hand_image, .context = (void *)tensor};
    triad_status status = check_pixels(p, "images", "pixel_values", err);
    for (size_t k = 0; status == TRIAD_OK; k++) {
        char from[40], to[40];
        snprintf(from, sizeof from, "extra_images.%zu", k);
        snprintf(to, sizeof to, "extra_pixel_values.%zu", k);
        if (safetensors_find(p->golden, from) == NULL) break;
        status = check_pixels(p, from, to, err);
    }
    p->layers = "vision_hidden";
    p->projected = "image_embeds";
    if (status == TRIAD_OK) status = triad_model_run_images(p->model, &images, pool, NULL, check_states, p, err);
    if (status == TRIAD_OK && p->info->matches) status = check_scores(p, &images, pool, err);
    if (status == TRIAD_OK && p->info->reads_images) status = check_beside(p, &images, pool, err);
    return status;
}

#endif
