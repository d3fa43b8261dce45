/* What moves the parameters: a batch's gradient over a pool of workers, and AdamW. */
#ifndef TRIAD_AGENT_LEARNER_H
#define TRIAD_AGENT_LEARNER_H

#include "agent/batch.h"

typedef struct learner_tile learner_tile;

typedef struct agent_learner {
    const policy_layout *layout;
    float *params, *first, *second; /* [layout->size] parameters and moments */
    float *gradient[BATCH_PIECES];  /* [layout->size]; zero between updates */
    triad_arena *arena;             /* [workers] */
    int workers;
    size_t tiles;
    learner_tile *tile; /* stretches of the block of parameters, each with its own weight decay and rate */
} agent_learner;

typedef struct learner_options {
    double learning_rate; /* of this update */
    double weight_decay, beta1, beta2, clip;
} learner_options;

typedef struct learner_report {
    double loss; /* mean over the steps that are learnt */
    double accuracy, gradient_norm;
} learner_report;

/* All zero; layout is borrowed. */
TRIAD_NODISCARD triad_status learner_create(agent_learner *learner, const policy_layout *layout, int workers,
                                            triad_error *err);
void learner_free(agent_learner *learner);

/* Update number `update` (from 1) on a packed batch, while `fill` blocks of the stream are filled by whoever has
 * nothing else to do. Fails, leaving the parameters as they were, when the loss or the gradient is not finite. */
TRIAD_NODISCARD triad_status learner_update(agent_learner *learner, const agent_batch *batch, demo_stream *stream,
                                            size_t fill, uint64_t update, const learner_options *options,
                                            learner_report *report, triad_pool *pool, triad_error *err);

#endif
