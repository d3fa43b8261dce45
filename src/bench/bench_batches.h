/* Training batches as a file: for comparisons with other implementations of the policy (tools/agent_pytorch.py). */
#ifndef TRIAD_BENCH_BENCH_BATCHES_H
#define TRIAD_BENCH_BENCH_BATCHES_H

#include "agent/batch.h"

/* Safetensors: for each batch and piece the arrays of policy_input as I32, named BATCH.PIECE.ARRAY; the configuration
 * as JSON in the metadata. batches [count] are packed. */
TRIAD_NODISCARD triad_status bench_batches_write(const char *path, const agent_batch *batches, size_t count,
                                                 const policy_layout *layout, triad_error *err);

#endif
