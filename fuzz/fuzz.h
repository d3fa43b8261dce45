/* What the targets share. A target defines LLVMFuzzerTestOneInput: it parses the input and, where it is valid, uses all
 * of it. */
#ifndef TRIAD_FUZZ_H
#define TRIAD_FUZZ_H

#include "formats/tensor.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold whatever the input. */
static inline void must(bool holds)
{
    if (!holds) abort();
}

/* A refusal has a code and says something in one line. */
static inline void must_explain(triad_status status, const triad_error *err)
{
    must(status != TRIAD_OK && err->code == status && err->text[0] != 0 && strchr(err->text, '\n') == NULL);
}

/* Reads every byte of a tensor, and widens each of its rows. */
static inline void use_tensor(const tensor_view *tensor)
{
    unsigned sum = 0;
    for (size_t i = 0; i < tensor->bytes; i++) sum += ((const unsigned char *)tensor->data)[i];
    must(sum <= 255 * tensor->bytes);
    must(tensor->name != NULL && tensor->rank >= 0 && tensor->rank <= TENSOR_MAX_RANK);
    must(tensor_dtype_name(tensor->dtype) != NULL);
    size_t bytes;
    if (tensor->dtype == TENSOR_OTHER) return;
    must(tensor_size(&bytes, tensor->dtype, tensor->rank, tensor->shape) && bytes == tensor->bytes);
    if (bytes == 0) return;
    const size_t length = tensor->rank ? tensor->shape[tensor->rank - 1] : 1, rows = tensor_count(tensor) / length;
    float *out = malloc(length * sizeof *out);
    if (out == NULL) return;
    triad_error err;
    for (size_t row = 0; row < rows; row++) {
        const triad_status status = tensor_widen_rows(out, tensor, row, 1, &err);
        if (status == TRIAD_OK) continue;
        must_explain(status, &err);
        must(status == TRIAD_ERR_UNSUPPORTED);
        break;
    }
    must(tensor_widen_rows(out, tensor, rows, 1, &err) != TRIAD_OK);
    free(out);
}

#endif
