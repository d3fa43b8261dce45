/* Episodes in which the learner acts while the expert says, state by state, what it would do (DAgger: Ross, Gordon &
 * Bagnell 2011). What a learner does wrong leads it to states that the expert never shows; here they are shown, with
 * the way out.
 *
 * The learner acts by argmax, as it is evaluated. Where it has not got there after `patience` steps the expert takes
 * over and acts to the end. To be imitated are the steps up to the first that the expert would not have taken, and the
 * expert's own after it took over. Those in between are seen and remembered, no more: the expert of BabyAI insists on
 * its own plan (turn back, put it down again) however well the learner's does, and imitating that makes agents worse
 * (docs/agent.md). */
#ifndef TRIAD_AGENT_ROLLOUT_H
#define TRIAD_AGENT_ROLLOUT_H

#include "triad/agent.h"

enum { ROLLOUT_UNLABELLED = 255 };

typedef struct rollout {
    const babyai_level *level;
    uint64_t seed;
    const uint32_t *word; /* [words] what the learner is told */
    size_t words;
    size_t patience; /* steps */

    babyai_episode episode; /* what was done, and what was seen before it; arrays are kept between calls */
    uint8_t *label;         /* [episode.steps] what the expert would have done; ROLLOUT_UNLABELLED: not imitated */
    size_t label_capacity;
    size_t acted;    /* the steps that the learner took: the first ones */
    size_t shown;    /* the steps to learn from: behind them nothing is to be imitated */
    size_t labelled; /* of those, that are to be imitated: at least 1 */
} rollout;

/* What one worker rolls out with: room for that many episodes at a time. */
typedef struct rollout_crew rollout_crew;
/* learner is borrowed, and read anew in each call. */
TRIAD_NODISCARD triad_status rollout_crew_create(rollout_crew **crew, const triad_agent *learner, size_t capacity,
                                                 triad_error *err);
void rollout_crew_free(rollout_crew *crew);

/* Plays rollouts [count], at most the capacity, in step. An episode ends early where the expert can't go on from
 * what the learner has done. The same list gives the same bytes; other company changes last
 * bits of what the learner computes, and may change what it does. */
TRIAD_NODISCARD triad_status rollout_play(rollout_crew *crew, rollout *rollouts, size_t count, triad_error *err);
void rollout_free(rollout *done);

#endif
