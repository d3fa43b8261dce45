/* Tensors as they lie in files, and their widening to float. */
#ifndef TRIAD_FORMATS_TENSOR_H
#define TRIAD_FORMATS_TENSOR_H

#include "triad/base.h"

enum { TENSOR_MAX_RANK = 8 };

typedef enum tensor_dtype {
    TENSOR_F64,
    TENSOR_F32,
    TENSOR_F16,
    TENSOR_BF16,
    TENSOR_F8_E4M3,
    TENSOR_F8_E5M2,
    TENSOR_I64,
    TENSOR_I32,
    TENSOR_I16,
    TENSOR_I8,
    TENSOR_U64,
    TENSOR_U32,
    TENSOR_U16,
    TENSOR_U8,
    TENSOR_BOOL,
    TENSOR_Q4_0,
    TENSOR_Q4_1,
    TENSOR_Q8_0, /* GGUF blocks: a row is a whole number of blocks */
    TENSOR_Q5_0,
    TENSOR_Q5_1,
    TENSOR_Q2_K,
    TENSOR_Q3_K,
    TENSOR_Q4_K,
    TENSOR_Q5_K,
    TENSOR_Q6_K,
    TENSOR_IQ4_NL,
    TENSOR_IQ4_XS,
    TENSOR_OTHER /* known to its format and skipped by us: data can be located, not read */
} tensor_dtype;

/* A tensor inside a mapped or borrowed buffer. data may be unaligned. */
typedef struct tensor_view {
    const char *name;
    tensor_dtype dtype;
    int rank;                      /* 0 is a scalar */
    size_t shape[TENSOR_MAX_RANK]; /* outermost first, also for GGUF: [out, in] */
    const void *data;
    size_t bytes;
} tensor_view;

const char *tensor_dtype_name(tensor_dtype dtype);
/* A block is the least that can be stored: one element of plain types. Both are 0 for TENSOR_OTHER. */
size_t tensor_dtype_elements(tensor_dtype dtype); /* elements in a block */
size_t tensor_dtype_bytes(tensor_dtype dtype);    /* bytes of a block */
/* Bytes of a tensor of this type and shape; false when that overflows, when a row is not a whole number of blocks, for
 * a rank outside [0, TENSOR_MAX_RANK] and for TENSOR_OTHER. */
bool tensor_size(size_t *bytes, tensor_dtype dtype, int rank, const size_t *shape);
size_t tensor_count(const tensor_view *tensor); /* elements; readers have checked that it does not overflow */

/* Widens rows [first, first + rows) (a row is the innermost dimension; a scalar or vector is one row) to
 * float, out [rows, row length]. Refuses integer types and TENSOR_OTHER by name. Blocks widen in ggml's order of
 * operations, each product and sum rounded: the bits are those of the gguf package. F8_E4M3 and F8_E5M2 are the values
 * alone, without any scale that a checkpoint keeps beside it. */
TRIAD_NODISCARD triad_status tensor_widen_rows(float *out, const tensor_view *tensor, size_t first, size_t rows,
                                               triad_error *err);

/* Tables of tensors by name, as the readers keep them: sorted once, searched by halves. NULL: no tensor has the name.
 */
void tensor_sort_names(const tensor_view **by_name, size_t count);
const tensor_view *tensor_find(const tensor_view *const *by_name, size_t count, const char *name);

#endif
