/* What the tensors of a file amount to. */
#include "inspect/inspect_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"

enum { CHUNK = 1 << 20 }; /* numbers that are widened at a time */

triad_status tensor_sum_begin(tensor_sum *sum, triad_error *err)
{
    memset(sum, 0, sizeof *sum);
    sum->list = json_object_new_array();
    sum->types = json_object_new_object();
    if (sum->list != NULL && sum->types != NULL) return TRIAD_OK;
    tensor_sum_drop(sum);
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "info: out of memory");
}

void tensor_sum_drop(tensor_sum *sum)
{
    json_object_put(sum->list);
    json_object_put(sum->types);
    sum->list = sum->types = NULL;
}

/* Counts what is no finite number. */
static triad_status read_values(tensor_sum *sum, const tensor_view *tensor, triad_error *err)
{
    const size_t length = tensor->rank > 0 ? tensor->shape[tensor->rank - 1] : 1;
    const size_t rows = length > 0 ? tensor_count(tensor) / length : 0;
    if (rows == 0) return TRIAD_OK;
    const size_t step = length < CHUNK ? CHUNK / length : 1;
    float *out = malloc((step < rows ? step : rows) * length * sizeof *out);
    if (out == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "info: out of memory for tensor %s", tensor->name);
    triad_status status = TRIAD_OK;
    for (size_t row = 0; row < rows && status == TRIAD_OK; row += step) {
        const size_t now = rows - row < step ? rows - row : step;
        status = tensor_widen_rows(out, tensor, row, now, err);
        for (size_t i = 0; status == TRIAD_OK && i < now * length; i++) {
            sum->nan += isnan(out[i]) ? 1 : 0;
            sum->infinite += isinf(out[i]) ? 1 : 0;
        }
    }
    free(out);
    return status;
}

static bool is_real(tensor_dtype dtype)
{
    const float *none = NULL;
    float out;
    const tensor_view one = {.name = "", .dtype = dtype, .rank = 1, .shape = {0}, .data = none};
    triad_error ignored;
    return tensor_widen_rows(&out, &one, 0, 0, &ignored) == TRIAD_OK;
}

triad_status tensor_sum_add(tensor_sum *sum, const inspection *job, const tensor_view *tensor, triad_error *err)
{
    const char *type = tensor->dtype == TENSOR_OTHER ? "other" : tensor_dtype_name(tensor->dtype);
    json_object *entry = json_object_new_object(), *shape = json_object_new_array(), *now = NULL;
    int64_t seen = 0;
    if (json_object_object_get_ex(sum->types, type, &now)) seen = json_object_get_int64(now);
    json_object_object_add(sum->types, type, json_object_new_int64(seen + 1));
    inspect_text(entry, "name", tensor->name);
    inspect_text(entry, "type", type);
    for (int i = 0; i < tensor->rank; i++)
        json_object_array_add(shape, json_object_new_int64((int64_t)tensor->shape[i]));
    json_object_object_add(entry, "shape", shape);
    json_object_array_add(sum->list, entry);
    sum->count++;
    sum->parameters += tensor_count(tensor);
    sum->bytes += tensor->bytes;
    if (!job->deep) return TRIAD_OK;
    triad_progress_update(job->progress, (double)sum->bytes, tensor->name);
    if (is_real(tensor->dtype)) return read_values(sum, tensor, err);
    sum->other++;
    return TRIAD_OK;
}

triad_status tensor_sum_end(tensor_sum *sum, const inspection *job, triad_error *err)
{
    inspect_count(job->out, "tensors", sum->count);
    inspect_count(job->out, "numbers", sum->parameters);
    inspect_count(job->out, "bytes", sum->bytes);
    json_object_object_add(job->out, "types", sum->types);
    json_object_object_add(job->out, "tensor_list", sum->list);
    sum->list = sum->types = NULL;
    if (!job->deep) return TRIAD_OK;
    inspect_count(job->out, "nan", sum->nan);
    inspect_count(job->out, "infinite", sum->infinite);
    if (sum->nan + sum->infinite == 0) return TRIAD_OK;
    return triad_fail(err, TRIAD_ERR_NUMERIC, -1, "%zu NaN and %zu infinities among its numbers", sum->nan,
                      sum->infinite);
}
