/* The tensors of a checkpoint by name, wherever they lie: safetensors files of a folder, or a GGUF. */
#ifndef TRIAD_MODELS_CHECKPOINT_H
#define TRIAD_MODELS_CHECKPOINT_H

#include "formats/gguf.h"
#include "formats/safetensors_index.h"

typedef struct checkpoint {
    gguf *single; /* one of the two */
    safetensors_index *folder;
    const char **used; /* names of the tensors that were taken, in the file's storage */
    size_t used_count, used_capacity;
    size_t fp8_rows, fp8_columns; /* blocks of FP8 weights, where the configuration names them; else 0 */
} checkpoint;                     /* zero-initialise; checkpoint_close */

TRIAD_NODISCARD triad_status checkpoint_open_gguf(checkpoint *file, const char *path, triad_error *err);
/* model.safetensors, or the shards that model.safetensors.index.json lists. */
TRIAD_NODISCARD triad_status checkpoint_open_folder(checkpoint *file, const char *folder, triad_error *err);
void checkpoint_close(checkpoint *file);

/* NULL: absent. Does not count as used. */
const tensor_view *checkpoint_find(const checkpoint *file, const char *name);

/* The tensor called by the format, of shape [rows, columns], or [columns] where rows is 0. *tensor stays NULL where it
 * is absent and `needed` is false. Fails by name where it is missing, has another shape or a type that can't be
 * widened. */
TRIAD_NODISCARD triad_status checkpoint_take(const tensor_view **tensor, checkpoint *file, bool needed, size_t rows,
                                             size_t columns, triad_error *err, const char *format, ...)
    __attribute__((format(printf, 7, 8)));
/* The same for any shape, without a look at the type. */
TRIAD_NODISCARD triad_status checkpoint_claim(const tensor_view **tensor, checkpoint *file, bool needed, int rank,
                                              const size_t *shape, const char *name, triad_error *err);
/* Refuses a type that can't be widened by itself. */
TRIAD_NODISCARD triad_status checkpoint_readable(const tensor_view *tensor, triad_error *err);
/* What a layer holds and nobody took means something that is not implemented: refuses the first tensor whose name
 * begins with prefix, was not taken and does not end in `except` (may be NULL). */
TRIAD_NODISCARD triad_status checkpoint_all_taken(const checkpoint *file, const char *prefix, const char *except,
                                                  triad_error *err);
/* The same where the prefix ends before a layer's number: layers from `layers` on may stay. */
TRIAD_NODISCARD triad_status checkpoint_layers_taken(const checkpoint *file, const char *prefix, size_t layers,
                                                     const char *except, triad_error *err);

/* Whether any tensor that was taken is narrower than F32. */
bool checkpoint_is_reduced(const checkpoint *file);

/* Widens a whole tensor to out [rows, columns] over the pool. */
TRIAD_NODISCARD triad_status checkpoint_widen(float *out, const tensor_view *tensor, triad_pool *pool,
                                              triad_error *err);
/* Asks the system to read mapped bytes ahead. */
void checkpoint_prefetch_bytes(const void *data, size_t bytes);
/* These bytes won't be wanted for a while: their pages leave this process, not the system's cache. */
void checkpoint_rest_bytes(const void *data, size_t bytes);
static inline void checkpoint_prefetch(const tensor_view *tensor)
{
    if (tensor != NULL) checkpoint_prefetch_bytes(tensor->data, tensor->bytes);
}

#endif
