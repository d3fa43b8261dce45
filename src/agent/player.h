/* Who acts in an episode: the expert, or a trained agent, behind one door. */
#ifndef TRIAD_AGENT_PLAYER_H
#define TRIAD_AGENT_PLAYER_H

#include "triad/agent.h"

typedef struct agent_player {
    triad_agent *agent; /* NULL: the expert */
    triad_agent_session *session;
    babyai_bot *bot;
} agent_player;

/* agent_path NULL: the expert. */
TRIAD_NODISCARD triad_status player_open(agent_player *player, const char *agent_path, triad_error *err);
void player_close(agent_player *player); /* zeroed and half-open ones too */
/* env has just been reset; a miswired agent is told what stands for its mission. TRIAD_ERR_NOT_FOUND where the agent
 * lacks a word of the mission, or its levels can't ask for it. */
TRIAD_NODISCARD triad_status player_begin(agent_player *player, babyai_env *env, triad_error *err);
/* taken: what was really done last, -1 at first; an agent takes it that its own advice was. The expert's failures are
 * those of babyai_bot_act. */
TRIAD_NODISCARD triad_status player_act(agent_player *player, const babyai_env *env, int taken, babyai_action *action,
                                        triad_error *err);

#endif
