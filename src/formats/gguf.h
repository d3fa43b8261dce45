/* GGUF v2 and v3, little-endian (github.com/ggml-org/ggml, docs/gguf.md). Believes nothing in the file. */
#ifndef TRIAD_FORMATS_GGUF_H
#define TRIAD_FORMATS_GGUF_H

#include "formats/tensor.h"

typedef struct gguf gguf;

/* Opening validates everything: each count against the bytes that are left, kinds, keys and names (unique, UTF-8),
 * alignment, shapes, extents, overlaps. Tensor types that are not read, version 1 and big-endian files are refused by
 * name. A model split into NAME-00001-of-0000N.gguf and its sisters opens as one by its first file. */
TRIAD_NODISCARD triad_status gguf_open(gguf **file, const char *path, triad_error *err);
TRIAD_NODISCARD triad_status gguf_parse(gguf **file, const void *bytes, size_t size,
                                        triad_error *err); /* borrows; no split models */
void gguf_close(gguf *file);
size_t gguf_files(const gguf *file); /* 1, or the files of a split model */

size_t gguf_count(const gguf *file);
const tensor_view *gguf_at(const gguf *file, size_t index);
const tensor_view *gguf_find(const gguf *file, const char *name); /* shape is outermost first; NULL: absent */

/* Keys in the file's order. */
size_t gguf_keys(const gguf *file);
const char *gguf_key_at(const gguf *file, size_t index); /* NULL: beyond the last */

/* Metadata. `has` tells presence; getters return false when the key is absent or of another kind. Integers of
 * any width and bool convert to int64 (u64 beyond INT64_MAX is refused), f32 and f64 to double. */
bool gguf_has(const gguf *file, const char *key);
bool gguf_get_int(const gguf *file, const char *key, int64_t *value);
bool gguf_get_real(const gguf *file, const char *key, double *value); /* integers too */
bool gguf_get_bool(const gguf *file, const char *key, bool *value);
/* Bytes are not 0-terminated and may hold anything; borrowed from the file. */
bool gguf_get_string(const gguf *file, const char *key, const char **bytes, size_t *size);

/* Arrays: the number of elements, and one of them. */
bool gguf_array_count(const gguf *file, const char *key, size_t *count);
bool gguf_array_int(const gguf *file, const char *key, size_t index, int64_t *value);
bool gguf_array_real(const gguf *file, const char *key, size_t index, double *value);
bool gguf_array_string(const gguf *file, const char *key, size_t index, const char **bytes, size_t *size); /* O(1) */

#endif
