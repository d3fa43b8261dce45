/* What a file is, and whether it is sound: `triad info`. */
#ifndef TRIAD_INSPECT_H
#define TRIAD_INSPECT_H

#include "formats/json.h"
#include "triad/base.h"

/* Describes whatever Triad reads or writes: a model (folder, GGUF, repository of the cache), a tokenizer, safetensors,
 * a space, an agent or its checkpoint, demonstrations, results, items, .npy. The object has `kind`, `sound`, where that
 * is false `problem`, and what there is to say of the kind; the caller puts it. deep: every number of the tensors is
 * read too, and NaN and infinities are counted. Fails only where there is nothing to describe. */
TRIAD_NODISCARD triad_status inspect(json_object **report, const char *source, bool deep, triad_progress *progress,
                                     triad_error *err);

#endif
