/* An agent in memory, and agent files: parameters under plain names, configuration and vocabulary in the metadata, a
 * digest over all of it, so that a file that was cut or altered is refused. */
#ifndef TRIAD_AGENT_AGENT_FILE_H
#define TRIAD_AGENT_AGENT_FILE_H

#include "agent/policy.h"
#include "agent/telling.h"
#include "triad/agent.h"

#include <json-c/json.h>

struct triad_agent {
    policy_layout layout;
    agent_words words;
    agent_telling telling; /* what it was told while it was trained */
    float *params;         /* [layout.size] */
};

/* What a checkpoint holds beside the agent. options: what the run was asked for, a resumed one must be asked for the
 * same; state: where it stands. Both are objects of plain values, owned by whoever holds the struct. */
typedef struct agent_checkpoint {
    float *first, *second; /* [layout.size] the optimiser's moments */
    json_object *options, *state;
} agent_checkpoint;

/* training: what the agent came from, put into the metadata; NULL for none. */
TRIAD_NODISCARD triad_status agent_write(const char *path, const policy_layout *layout, const agent_words *words,
                                         const float *params, json_object *training, triad_error *err);
TRIAD_NODISCARD triad_status agent_write_checkpoint(const char *path, const policy_layout *layout,
                                                    const agent_words *words, const float *params,
                                                    const agent_checkpoint *checkpoint, triad_error *err);
/* Takes a file of either kind; checkpoint NULL: a checkpoint is refused. Frees what it made when it fails. */
TRIAD_NODISCARD triad_status agent_read(triad_agent **agent, agent_checkpoint *checkpoint, const char *path,
                                        triad_error *err);
/* The same over the bytes of a file. */
TRIAD_NODISCARD triad_status agent_parse(triad_agent **agent, agent_checkpoint *checkpoint, const void *bytes,
                                         size_t size, triad_error *err);
void agent_checkpoint_free(agent_checkpoint *checkpoint);

/* Whether the agent is of this network and vocabulary; else err says what it has instead. */
TRIAD_NODISCARD triad_status agent_is_like(const triad_agent *agent, const policy_config *config,
                                           const agent_words *words, triad_error *err);

#endif
