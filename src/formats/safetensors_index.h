/* A checkpoint in one safetensors file or in several behind a model.safetensors.index.json:
 * {"metadata": …, "weight_map": {TENSOR: FILE, …}}. */
#ifndef TRIAD_FORMATS_SAFETENSORS_INDEX_H
#define TRIAD_FORMATS_SAFETENSORS_INDEX_H

#include "formats/safetensors.h"

typedef struct safetensors_index safetensors_index;

/* path: a .safetensors file, or an index (.json) whose files lie beside it. Opens and validates every file; each mapped
 * tensor must lie in its file, and in no other of them. File names are plain names, without any folder. */
TRIAD_NODISCARD triad_status safetensors_index_open(safetensors_index **index, const char *path, triad_error *err);
/* An index's text alone: names and files, no tensors. */
TRIAD_NODISCARD triad_status safetensors_index_parse(safetensors_index **index, const char *bytes, size_t size,
                                                     triad_error *err);
void safetensors_index_close(safetensors_index *index);

size_t safetensors_index_files(const safetensors_index *index);
const char *safetensors_index_file_name(const safetensors_index *index,
                                        size_t file); /* sorted; NULL: beyond the last */
const safetensors *safetensors_index_file(const safetensors_index *index, size_t file); /* borrowed; NULL after parse */
size_t safetensors_index_count(const safetensors_index *index);                         /* tensors */
const char *safetensors_index_name(const safetensors_index *index, size_t tensor); /* sorted; NULL: beyond the last */
const tensor_view *safetensors_index_find(const safetensors_index *index,
                                          const char *name); /* NULL: absent, or after parse */

#endif
