/* Episodes in which the learner acts while the expert says, state by state, what it would do (DAgger: Ross, Gordon &
 * Bagnell 2011). What a learner does wrong leads it to states that the expert never shows; here they are shown, with
 * the way out.
 *
 * The learner acts by argmax, as it is evaluated. Where it has not got there after `patience` steps, or has done
 * `strays` times what the expert would not have done, the expert takes over and acts to the end: what the learner comes
 * to see is never far from the expert's way, and each way astray is followed by the way back. */
#ifndef TRIAD_AGENT_ROLLOUT_H
#define TRIAD_AGENT_ROLLOUT_H

#include "triad/agent.h"

typedef struct rollout {
    const babyai_level *level;
    uint64_t seed;
    const uint32_t *word; /* [words] what the learner is told */
    size_t words;
    size_t patience; /* steps */
    size_t strays;

    babyai_episode episode; /* what was done, and what was seen before it; arrays are kept between calls */
    uint8_t *label;         /* [episode.steps] what the expert would have done */
    size_t label_capacity;
    size_t acted;   /* the steps that the learner took: the first ones */
    size_t strayed; /* of those, that the expert would not have taken */
} rollout;

/* What one worker rolls out with: room for that many episodes at a time. */
typedef struct rollout_crew rollout_crew;
/* learner is borrowed, and read anew in each call. */
TRIAD_NODISCARD triad_status rollout_crew_create(rollout_crew **crew, const triad_agent *learner, size_t capacity,
                                                 triad_error *err);
void rollout_crew_free(rollout_crew *crew);

/* Plays rollouts [count], at most the capacity, in step. An episode ends early, behind its last labelled step, where
 * the expert can't go on from what the learner has done. The same list gives the same bytes; other company changes last
 * bits of what the learner computes, and may change what it does. */
TRIAD_NODISCARD triad_status rollout_play(rollout_crew *crew, rollout *rollouts, size_t count, triad_error *err);
void rollout_free(rollout *done);

#endif
