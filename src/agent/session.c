/* The public face of acting: one episode. */
#include "agent/actor.h"

#include <stdlib.h>

struct triad_agent_session {
    agent_actor actor;
};

triad_status triad_agent_begin(triad_agent_session **made, const triad_agent *agent, const float *instruction,
                               triad_error *err)
{
    *made = NULL;
    triad_agent_session *session = calloc(1, sizeof *session);
    if (!session) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "acting: out of memory");
    triad_status status = actor_create(&session->actor, agent, 1, err);
    if (!status && !actor_reserve(&session->actor))
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "acting: out of memory");
    if (status) {
        triad_agent_end(session);
        return status;
    }
    actor_begin(&session->actor, 0, instruction);
    *made = session;
    return TRIAD_OK;
}

void triad_agent_end(triad_agent_session *session)
{
    if (!session) return;
    actor_free(&session->actor);
    free(session);
}

babyai_action triad_agent_act(triad_agent_session *session, const uint8_t image[BABYAI_OBSERVATION], uint8_t direction,
                              float *logits)
{
    const uint32_t slot = 0;
    babyai_action action = BABYAI_DONE;
    (void)actor_act(&session->actor, &slot, 1, image, &direction, &action, logits); /* its memory is reserved */
    return action;
}
