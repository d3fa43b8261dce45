#include "formats/tensor.h"

#include "base/checked.h"
#include "formats/tensor_widen.h"

#include <stdlib.h>
#include <string.h>

/* Everything that is known of a stored type: a new one is a row here and a function in tensor_plain.c or
 * tensor_blocks.c. */
typedef struct type_row {
    const char *name;
    size_t elements, bytes;
    tensor_widen_fn *widen; /* NULL: not a real number */
} type_row;

static const type_row TYPES[] = {
    [TENSOR_F64] = {"F64", 1, 8, tensor_widen_f64},
    [TENSOR_F32] = {"F32", 1, 4, tensor_widen_f32},
    [TENSOR_F16] = {"F16", 1, 2, tensor_widen_f16},
    [TENSOR_BF16] = {"BF16", 1, 2, tensor_widen_bf16},
    [TENSOR_F8_E4M3] = {"F8_E4M3", 1, 1, tensor_widen_f8_e4m3},
    [TENSOR_F8_E5M2] = {"F8_E5M2", 1, 1, tensor_widen_f8_e5m2},
    [TENSOR_I64] = {"I64", 1, 8, NULL},
    [TENSOR_I32] = {"I32", 1, 4, NULL},
    [TENSOR_I16] = {"I16", 1, 2, NULL},
    [TENSOR_I8] = {"I8", 1, 1, NULL},
    [TENSOR_U64] = {"U64", 1, 8, NULL},
    [TENSOR_U32] = {"U32", 1, 4, NULL},
    [TENSOR_U16] = {"U16", 1, 2, NULL},
    [TENSOR_U8] = {"U8", 1, 1, NULL},
    [TENSOR_BOOL] = {"BOOL", 1, 1, NULL},
    [TENSOR_Q4_0] = {"Q4_0", 32, 18, tensor_widen_q4_0},
    [TENSOR_Q4_1] = {"Q4_1", 32, 20, tensor_widen_q4_1},
    [TENSOR_Q8_0] = {"Q8_0", 32, 34, tensor_widen_q8_0},
    [TENSOR_Q5_0] = {"Q5_0", 32, 22, tensor_widen_q5_0},
    [TENSOR_Q5_1] = {"Q5_1", 32, 24, tensor_widen_q5_1},
    [TENSOR_Q2_K] = {"Q2_K", 256, 84, tensor_widen_q2_k},
    [TENSOR_Q3_K] = {"Q3_K", 256, 110, tensor_widen_q3_k},
    [TENSOR_Q4_K] = {"Q4_K", 256, 144, tensor_widen_q4_k},
    [TENSOR_Q5_K] = {"Q5_K", 256, 176, tensor_widen_q5_k},
    [TENSOR_Q6_K] = {"Q6_K", 256, 210, tensor_widen_q6_k},
    [TENSOR_IQ4_NL] = {"IQ4_NL", 32, 18, tensor_widen_iq4_nl},
    [TENSOR_IQ4_XS] = {"IQ4_XS", 256, 136, tensor_widen_iq4_xs},
    [TENSOR_OTHER] = {"of a type that is not read here", 0, 0, NULL},
};

const char *tensor_dtype_name(tensor_dtype dtype)
{
    return TYPES[dtype].name;
}

size_t tensor_dtype_elements(tensor_dtype dtype)
{
    return TYPES[dtype].elements;
}

size_t tensor_dtype_bytes(tensor_dtype dtype)
{
    return TYPES[dtype].bytes;
}

bool tensor_size(size_t *bytes, tensor_dtype dtype, int rank, const size_t *shape)
{
    const type_row *type = &TYPES[dtype];
    if (type->elements == 0 || rank < 0 || rank > TENSOR_MAX_RANK) return false;
    if ((rank ? shape[rank - 1] : 1) % type->elements != 0) return false;
    size_t count = 1;
    bool zero = false;
    for (int i = 0; i < rank; i++) zero |= shape[i] == 0;
    /* Also of an empty tensor, other dimensions must multiply to a number. */
    for (int i = 0; i < rank; i++)
        if (shape[i] != 0 && !triad_mul_size(&count, count, shape[i])) return false;
    if (zero) {
        *bytes = 0;
        return true;
    }
    return triad_mul_size(bytes, count / type->elements, type->bytes);
}

size_t tensor_count(const tensor_view *tensor)
{
    size_t count = 1;
    for (int i = 0; i < tensor->rank; i++) count *= tensor->shape[i];
    return count;
}

triad_status tensor_widen_rows(float *out, const tensor_view *tensor, size_t first, size_t rows, triad_error *err)
{
    const type_row *type = &TYPES[tensor->dtype];
    if (type->widen == NULL)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "tensor %s: is %s, which is not read as real numbers",
                          tensor->name, type->name);
    const size_t length = tensor->rank ? tensor->shape[tensor->rank - 1] : 1;
    size_t total = 1;
    for (int i = 0; i + 1 < tensor->rank; i++) total *= tensor->shape[i];
    if (first > total || rows > total - first)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "tensor %s: rows %zu to %zu of %zu", tensor->name, first,
                          first + rows, total);
    if (length % type->elements != 0)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "tensor %s: rows of %zu are not whole blocks of %s (%zu)",
                          tensor->name, length, type->name, type->elements);
    const size_t row_bytes = length / type->elements * type->bytes;
    size_t end;
    if (!triad_mul_size(&end, first + rows, row_bytes) || end > tensor->bytes)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "tensor %s: %zu bytes are too few for its shape", tensor->name,
                          tensor->bytes);
    if (rows * length == 0) return TRIAD_OK;
    type->widen(out, (const unsigned char *)tensor->data + first * row_bytes, rows * length);
    return TRIAD_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const tensor_view *const *)a)->name, (*(const tensor_view *const *)b)->name);
}

void tensor_sort_names(const tensor_view **by_name, size_t count)
{
    qsort(by_name, count, sizeof *by_name, compare_names);
}

const tensor_view *tensor_find(const tensor_view *const *by_name, size_t count, const char *name)
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(name, by_name[middle]->name);
        if (order == 0) return by_name[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
