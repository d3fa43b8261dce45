/* What the openers of CLIP and BLIP share. */
#include "models/dual.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "models/model_internal.h"
#include "nn/products.h"

enum { MAX_SIDE = 1 << 14 };

json_object *dual_section(json_object *config, const char *key)
{
    json_object *section = json_find(config, key, json_type_object);
    return section != NULL ? json_object_get(section) : json_object_new_object();
}

triad_status dual_get_size(json_object *config, const char *key, int64_t most, size_t *value, triad_error *err)
{
    int64_t number = (int64_t)*value;
    const triad_status status = json_get_int(config, key, 1, most, &number, err);
    *value = (size_t)number;
    return status;
}

triad_status dual_image_size(image_tower *t, json_object *config, triad_error *err)
{
    size_t channels = 3;
    triad_status status = dual_get_size(config, "image_size", MAX_SIDE, &t->side, err);
    if (status == TRIAD_OK) status = dual_get_size(config, "patch_size", MAX_SIDE, &t->patch, err);
    if (status == TRIAD_OK) status = dual_get_size(config, "num_channels", MAX_SIDE, &channels, err);
    if (status != TRIAD_OK) return status;
    if (channels != 3)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "config: images of %zu channels are not supported", channels);
    if (t->patch > t->side)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "config: a patch of %zu in an image of %zu", t->patch, t->side);
    t->grid = t->side / t->patch;
    t->tokens = t->grid * t->grid + 1;
    return TRIAD_OK;
}

triad_status dual_take_matrix(tensor_view *tensor, checkpoint *file, size_t rows, size_t columns, triad_error *err,
                              const char *name)
{
    const tensor_view *found = checkpoint_find(file, name);
    if (found == NULL) return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "model: tensor %s is missing", name);
    *tensor = *found;
    tensor->rank = 2;
    tensor->shape[0] = rows;
    tensor->shape[1] = columns;
    size_t bytes;
    if (!tensor_size(&bytes, tensor->dtype, 2, tensor->shape) || bytes != found->bytes)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "model: tensor %s must have %zu x %zu numbers", name, rows,
                          columns);
    return TRIAD_OK;
}

triad_status dual_emit(const dual_sink *sink, const char *layer, bool of_sentences, const float *x, size_t rows,
                       size_t width, const size_t *row, triad_error *err)
{
    if (!engine_all_finite(x, rows * width))
        return triad_fail(err, TRIAD_ERR_NUMERIC, -1, "model: layer %s holds NaN or infinity (are the weights whole?)",
                          layer);
    const triad_states states = {.layer = layer, .of_sentences = of_sentences, .width = width, .rows = x, .row = row};
    return sink->each(sink->context, &states, err);
}

triad_status dual_emit_number(const dual_sink *sink, size_t layer, const stream *x, const size_t *row, triad_error *err)
{
    char name[24];
    snprintf(name, sizeof name, "%zu", layer);
    triad_progress_update(sink->progress, (double)layer, NULL);
    return sink->each == NULL ? TRIAD_OK : dual_emit(sink, name, false, x->data, x->rows, x->width, row, err);
}

triad_status dual_project(float *out, const float *x, size_t rows, size_t width, const stack_weights *projection,
                          size_t projected, triad_pool *pool, triad_error *err)
{
    float *weight = engine_floats(projected, width + 1, err);
    if (weight == NULL) return TRIAD_ERR_MEMORY;
    float *bias = projection->bias != NULL ? weight + projected * width : NULL;
    triad_status status = checkpoint_widen(weight, projection->weight, pool, err);
    if (status == TRIAD_OK && bias != NULL) status = checkpoint_widen(bias, projection->bias, NULL, err);
    if (status == TRIAD_OK) {
        nn_linear_pool(pool, out, projected, x, width, weight, bias, rows, width, projected);
        for (size_t r = 0; r < rows; r++) {
            float *y = out + r * projected;
            double square = 0;
            for (size_t j = 0; j < projected; j++) square += (double)y[j] * (double)y[j];
            /* As torch: a length below 1e-12 counts as 1e-12. */
            const double length = fmax(sqrt(square), 1e-12);
            for (size_t j = 0; j < projected; j++) y[j] = (float)((double)y[j] / length);
        }
    }
    free(weight);
    return status;
}

void dual_free(dual *m)
{
    stack_free(&m->text.body);
    stack_free(&m->image.body);
    memset(m, 0, sizeof *m);
}

triad_status dual_take_layers(stack *m, checkpoint *file, const char *tower, const char *const attention[4],
                              triad_error *err)
{
    const size_t d = m->width, f = m->feed_forward;
    const bool joined = attention[1] == NULL;
    triad_status status = TRIAD_OK;
    for (size_t i = 0; i < m->layers && status == TRIAD_OK; i++) {
        stack_layer *l = &m->layer[i];
        stack_weights *const part[4] = {&l->q, &l->k, &l->v, &l->o};
        char prefix[80], within[96];
        snprintf(prefix, sizeof prefix, "%s.encoder.layers.%zu.", tower, i);
        snprintf(within, sizeof within, "%sself_attn.", prefix);
        status = stack_take_norm(&l->attention_norm, file, prefix, "layer_norm1", d, err);
        for (size_t p = 0; p < 4 && status == TRIAD_OK; p++)
            if (attention[p] != NULL)
                status =
                    stack_take_linear(part[p], file, within, attention[p], p == 0 && joined ? 3 * d : d, d, true, err);
        if (status == TRIAD_OK) status = stack_take_norm(&l->ffn_norm, file, prefix, "layer_norm2", d, err);
        if (status == TRIAD_OK) status = stack_take_linear(&l->up, file, prefix, "mlp.fc1", f, d, true, err);
        if (status == TRIAD_OK) status = stack_take_linear(&l->down, file, prefix, "mlp.fc2", d, f, true, err);
        if (status == TRIAD_OK) status = checkpoint_all_taken(file, prefix, NULL, err);
    }
    return status;
}
