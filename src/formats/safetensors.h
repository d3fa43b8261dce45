/* safetensors: header of JSON, then raw tensors without holes (github.com/huggingface/safetensors). */
#ifndef TRIAD_FORMATS_SAFETENSORS_H
#define TRIAD_FORMATS_SAFETENSORS_H

#include "formats/tensor.h"

#include <stdio.h>

typedef struct safetensors safetensors;

/* Maps and validates a whole file: header limits, strict JSON, every extent, no hole, no overlap, nothing behind the
 * last. Types of the format that we do not read come as TENSOR_OTHER. Whole files only: a file that another process
 * cuts while it is mapped ends the program with SIGBUS. */
TRIAD_NODISCARD triad_status safetensors_open(safetensors **file, const char *path, triad_error *err);
/* The same over bytes that the caller keeps alive. */
TRIAD_NODISCARD triad_status safetensors_parse(safetensors **file, const void *bytes, size_t size, triad_error *err);
void safetensors_close(safetensors *file);

size_t safetensors_count(const safetensors *file);
const tensor_view *safetensors_at(const safetensors *file, size_t index);       /* in order of data offset */
const tensor_view *safetensors_find(const safetensors *file, const char *name); /* NULL: absent */
const char *safetensors_metadata(const safetensors *file, const char *key);     /* NULL: absent */

typedef struct safetensors_pair {
    const char *key, *value;
} safetensors_pair;
size_t safetensors_pairs(const safetensors *file);                                  /* metadata, in the file's order */
const safetensors_pair *safetensors_pair_at(const safetensors *file, size_t index); /* NULL: beyond the last */

/* Fails unless the tensor exists with this dtype and shape; a dimension of SIZE_MAX matches any. */
TRIAD_NODISCARD triad_status safetensors_want(const tensor_view **tensor, const safetensors *file, const char *name,
                                              tensor_dtype dtype, int rank, const size_t *shape, triad_error *err);

/* Writes the tensors (name, dtype, rank, shape, data; bytes is ignored and computed) and metadata
 * atomically, in the given order. The data begins at a multiple of 8 bytes; the format allows no holes, so a tensor
 * behind one whose bytes are not a multiple of 8 is not aligned. The same input gives the same bytes. */
TRIAD_NODISCARD triad_status safetensors_write(const char *path, const tensor_view *tensors, size_t count,
                                               const safetensors_pair *metadata, size_t pairs, triad_error *err);

/* The same for tensors that need not lie in memory: where data is NULL, source writes that tensor's bytes, exactly as
 * many as its shape says. Tensors are asked for once each, in order. A failure of source leaves no file. */
typedef triad_status (*safetensors_source)(void *context, size_t tensor, FILE *stream, triad_error *err);
TRIAD_NODISCARD triad_status safetensors_write_from(const char *path, const tensor_view *tensors, size_t count,
                                                    const safetensors_pair *metadata, size_t pairs,
                                                    safetensors_source source, void *context, triad_error *err);

#endif
