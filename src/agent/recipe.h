/* The recipe: how much of each level a run sees, and how much arithmetic it is given. */
#ifndef TRIAD_AGENT_RECIPE_H
#define TRIAD_AGENT_RECIPE_H

#include "triad/babyai.h"

/* The level's share of the episodes, relative to the others'. */
double recipe_share(const babyai_level *level);
/* The budget in TFLOP that these levels take together. */
double recipe_tflop(const babyai_level *const *levels, size_t count);
/* Steps of a batch, and the highest learning rate: small batches learn more from the same arithmetic where there is
 * little of it. */
size_t recipe_batch_steps(const babyai_level *const *levels, size_t count);
double recipe_learning_rate(const babyai_level *const *levels, size_t count);

#endif
