/* Parts of a description. Each adds what it finds to `out` and judges by its status; nothing is printed. */
#ifndef TRIAD_INSPECT_INTERNAL_H
#define TRIAD_INSPECT_INTERNAL_H

#include "formats/tensor.h"
#include "inspect/inspect.h"

typedef struct inspection {
    json_object *out;
    bool deep;
    triad_progress *progress;
} inspection;

void inspect_text(json_object *out, const char *key, const char *value);
void inspect_count(json_object *out, const char *key, size_t value);

/* Tensors of one or more files, summed up and listed. */
typedef struct tensor_sum {
    json_object *list, *types;                             /* owned until added */
    size_t count, parameters, bytes, nan, infinite, other; /* other: not read as numbers */
} tensor_sum;
TRIAD_NODISCARD triad_status tensor_sum_begin(tensor_sum *sum, triad_error *err);
TRIAD_NODISCARD triad_status tensor_sum_add(tensor_sum *sum, const inspection *job, const tensor_view *tensor,
                                            triad_error *err);
/* Into job->out; TRIAD_ERR_NUMERIC where a number is not finite. */
TRIAD_NODISCARD triad_status tensor_sum_end(tensor_sum *sum, const inspection *job, triad_error *err);
void tensor_sum_drop(tensor_sum *sum);

TRIAD_NODISCARD triad_status inspect_model(const inspection *job, const char *path, bool folder, triad_error *err);
/* The tensors of a safetensors file, or of all the files that an index names. */
TRIAD_NODISCARD triad_status inspect_weights(const inspection *job, const char *path, triad_error *err);
TRIAD_NODISCARD triad_status inspect_safetensors(const inspection *job, const char *path, triad_error *err);
TRIAD_NODISCARD triad_status inspect_json(const inspection *job, const char *path, triad_error *err);

#endif
