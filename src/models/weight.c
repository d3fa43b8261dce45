#include "models/weight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAME = 256 };

static triad_status take_scale(weight_matrix *w, checkpoint *file, const char *name, triad_error *err)
{
    if (file->fp8_rows == 0)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                          "model: tensor %s is FP8, and config.json has no quantization_config", name);
    w->block_rows = file->fp8_rows;
    w->block_columns = file->fp8_columns;
    char scale[MAX_NAME];
    snprintf(scale, sizeof scale, "%.200s_scale_inv", name);
    const size_t shape[2] = {(w->rows + w->block_rows - 1) / w->block_rows,
                             (w->columns + w->block_columns - 1) / w->block_columns};
    const triad_status status = checkpoint_claim(&w->scale, file, true, 2, shape, scale, err);
    if (status == TRIAD_OK && w->scale->dtype != TENSOR_F32)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "model: tensor %s is of type %s and must be F32", scale,
                          tensor_dtype_name(w->scale->dtype));
    return status;
}

triad_status weight_take(weight_matrix *w, size_t stacked, checkpoint *file, size_t rows, size_t columns,
                         triad_error *err, const char *format, ...)
{
    char name[MAX_NAME];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    *w = (weight_matrix){.rows = rows, .columns = columns};
    const size_t shape[3] = {stacked, rows, columns};
    const triad_status status =
        checkpoint_claim(&w->tensor, file, true, stacked > 0 ? 3 : 2, stacked > 0 ? shape : shape + 1, name, err);
    if (status == TRIAD_OK && stacked == 0 && w->tensor->dtype == TENSOR_F8_E4M3) return take_scale(w, file, name, err);
    return status != TRIAD_OK ? status : checkpoint_readable(w->tensor, err);
}

triad_status linear_take(linear *l, checkpoint *file, const char *prefix, const char *name, size_t out, size_t in,
                         bias_rule bias, triad_error *err)
{
    triad_status status = weight_take(&l->w, 0, file, out, in, err, "%s%s.weight", prefix, name);
    if (status == TRIAD_OK && bias != BIAS_NONE)
        status = checkpoint_take(&l->bias, file, bias == BIAS_NEEDED, 0, out, err, "%s%s.bias", prefix, name);
    return status;
}

/* ---- reading */
static void scale_row(float *x, const weight_matrix *w, size_t row)
{
    const unsigned char *scales = w->scale->data;
    const size_t blocks = w->scale->shape[1], first = row / w->block_rows * blocks;
    for (size_t b = 0; b < blocks; b++) {
        float scale;
        memcpy(&scale, scales + (first + b) * sizeof scale, sizeof scale);
        const size_t end = (b + 1) * w->block_columns < w->columns ? (b + 1) * w->block_columns : w->columns;
        for (size_t j = b * w->block_columns; j < end; j++) x[j] *= scale;
    }
}

triad_status weight_widen(float *out, const weight_matrix *w, size_t first, size_t count, triad_error *err)
{
    if (w->own != NULL) {
        memcpy(out, w->own + first * w->columns, count * w->columns * sizeof *out);
        return TRIAD_OK;
    }
    const triad_status status = tensor_widen_rows(out, w->tensor, w->first + first, count, err);
    for (size_t r = 0; r < count && w->scale != NULL && status == TRIAD_OK; r++)
        scale_row(out + r * w->columns, w, first + r);
    return status;
}

const float *weight_in_place(const weight_matrix *w, size_t first)
{
    if (w->own != NULL) return w->own + first * w->columns;
    if (w->tensor->dtype != TENSOR_F32 || (uintptr_t)w->tensor->data % _Alignof(float) != 0) return NULL;
    return (const float *)w->tensor->data + (w->first + first) * w->columns;
}

/* Where the weight's bytes lie: rows are whole blocks. */
static const void *bytes_of(const weight_matrix *w, size_t *size)
{
    const size_t count = tensor_count(w->tensor), row = count > 0 ? w->tensor->bytes / (count / w->columns) : 0;
    *size = w->rows * row;
    return (const char *)w->tensor->data + w->first * row;
}

void weight_prefetch(const weight_matrix *w)
{
    if (w->tensor == NULL) return;
    size_t size;
    const void *data = bytes_of(w, &size);
    checkpoint_prefetch_bytes(data, size);
}

void weight_rest(const weight_matrix *w)
{
    if (w->tensor == NULL) return;
    size_t size;
    const void *data = bytes_of(w, &size);
    checkpoint_rest_bytes(data, size);
}
