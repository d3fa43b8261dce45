/* The public face of acting: one episode. */
#include "agent/actor.h"

#include <stdlib.h>

struct triad_agent_session {
    agent_actor actor;
};

static triad_status begin(triad_agent_session **made, const triad_agent *agent, const float *instruction,
                          const uint32_t *word, size_t words, triad_error *err)
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
    if (word && !actor_tell(&session->actor, 0, word, words)) {
        triad_agent_end(session);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "acting: out of memory");
    }
    *made = session;
    return TRIAD_OK;
}

triad_status triad_agent_begin(triad_agent_session **made, const triad_agent *agent, const float *instruction,
                               triad_error *err)
{
    *made = NULL;
    if (agent->layout.config.cross_layers)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                          "acting: this agent asks its instruction's words, no vector can stand for them (begin with a "
                          "sentence)");
    return begin(made, agent, instruction, NULL, 0, err);
}

triad_status triad_agent_begin_sentence(triad_agent_session **made, const triad_agent *agent, const char *sentence,
                                        triad_error *err)
{
    uint32_t word[POLICY_MAX_WORDS];
    size_t words;
    *made = NULL;
    triad_status status = agent_words_encode(&agent->words, sentence, word, &words, err);
    if (status) return status;
    float *instruction = calloc(agent->layout.config.instruction, sizeof *instruction);
    if (!instruction) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "acting: out of memory");
    status = triad_agent_embed(agent, &sentence, 1, &(triad_agent_embedding){.instruction = instruction}, NULL, err);
    if (!status) status = begin(made, agent, instruction, word, words, err);
    free(instruction);
    return status;
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
