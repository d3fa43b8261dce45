/* A batch of demonstrations, cut into a fixed number of pieces of about the same cost. */
#ifndef TRIAD_AGENT_BATCH_H
#define TRIAD_AGENT_BATCH_H

#include "agent/policy.h"
#include "agent/stream.h"

/* Never a function of the number of threads: the gradient is the sum over the pieces in their order. */
enum { BATCH_PIECES = 2 };

/* The arrays behind a policy_input; they grow and are kept. Zero-initialise. */
typedef struct batch_piece {
    policy_input input;
    uint32_t *word_offset, *word, *episode_instruction, *episode_offset, *token_offset, *visible, *bag_offset, *bag;
    int32_t *target;
    uint64_t *mask;
    size_t instruction_capacity, word_capacity, episode_capacity, step_capacity, token_capacity, bag_capacity;
} batch_piece;

typedef struct agent_batch {
    batch_piece piece[BATCH_PIECES];
    const demonstration **demo; /* [episodes] taken, borrowed from the stream until it is refilled */
    size_t episodes, capacity, steps;
    size_t labelled; /* steps that are to be imitated */
    uint64_t flops;
    double dropout; /* the pieces' rate; masks are keyed by mask_seed and the demonstration's number */
    uint64_t mask_seed;
} agent_batch;

/* Adds a demonstration; false: memory is out. */
bool batch_take(agent_batch *batch, const demonstration *demo);
/* Deals what was taken to the pieces (the dearest first, each to the piece that has least), sorts each by instruction
 * and packs it by copy. False: memory is out. A piece may stay empty. */
bool batch_pack(agent_batch *batch, const policy_layout *layout);
/* Ready for the next demonstrations; pieces keep what they hold. */
void batch_clear(agent_batch *batch);
void batch_free(agent_batch *batch);

#endif
