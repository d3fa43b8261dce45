#ifndef TRIAD_BABYAI_DEMONSTRATE_H
#define TRIAD_BABYAI_DEMONSTRATE_H

#include "triad/babyai.h"

/* As babyai_demonstrate; without looking, episode's observations stay unwritten. */
triad_status babyai_record(babyai_episode *episode, bool *solved, babyai_env **env, babyai_bot **bot,
                           const babyai_level *level, uint64_t seed, bool looking, triad_error *err);

/* Makes room for that many steps. */
triad_status babyai_episode_reserve(babyai_episode *episode, size_t steps, triad_error *err);

#endif
