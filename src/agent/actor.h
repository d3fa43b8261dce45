/* Acting: many episodes in step, each with its own instruction and its own memory of the last `window` steps. */
#ifndef TRIAD_AGENT_ACTOR_H
#define TRIAD_AGENT_ACTOR_H

#include "agent/agent_file.h"
#include "agent/features.h"

typedef struct agent_actor {
    const triad_agent *agent;
    size_t capacity;            /* episodes */
    feature_odometer *odometer; /* [capacity] */
    size_t *step;               /* [capacity] steps that are in memory's past */
    float *film, *token;        /* [capacity, norms * 2 d] [capacity, d]: the instructions' */
    float *memory;              /* [capacity, memory layers, window, 2 d] keys and values, step s at s mod window */
    float *state; /* [capacity, POLICY_MAX_WORDS, d]: the instructions' words, and how many; for cross layers only */
    uint32_t *words;
    triad_arena arena;
} agent_actor;

/* agent is borrowed. */
TRIAD_NODISCARD triad_status actor_create(agent_actor *actor, const triad_agent *agent, size_t capacity,
                                          triad_error *err);
/* Asks for all the memory that a step of every slot can need, before the first episode: acting can't fail then. False:
 * it is out. */
bool actor_reserve(agent_actor *actor);
void actor_free(agent_actor *actor);
/* Slot `slot` starts an episode under instruction [d]. */
void actor_begin(agent_actor *actor, size_t slot, const float *instruction);
/* Behind actor_begin: the words of the slot's instruction, at most POLICY_MAX_WORDS. Where the agent has no cross
 * layers nothing happens; where it has, nobody acts before. False: memory is out. */
bool actor_tell(agent_actor *actor, size_t slot, const uint32_t *word, size_t words);
/* One step of the episodes in slots [count] (increasing): observations [count, 7, 7, 3], directions [count] -> the most
 * probable actions [count] (the first of equals), which the episodes are taken to execute. logits [count, 7] may be
 * NULL. The same slots give the same bytes; other company changes last bits at most. False: memory is out, nothing has
 * moved. */
bool actor_act(agent_actor *actor, const uint32_t *slots, size_t count, const uint8_t *observations,
               const uint8_t *directions, babyai_action *actions, float *logits);

#endif
