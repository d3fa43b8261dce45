/* The attention of one step to the last ones of its episode, for acting. */
#ifndef TRIAD_AGENT_RECALL_H
#define TRIAD_AGENT_RECALL_H

#include <stddef.h>

/* out, q [d], d = heads * head_dim. past [window, 2 d]: keys and values of step s at row s mod window, step's own among
 * them. distance_bias [heads, window]. score: scratch [window]. */
void agent_recall(float *out, const float *q, const float *past, size_t step, const float *distance_bias, size_t heads,
                  size_t head_dim, size_t window, float *score);

#endif
