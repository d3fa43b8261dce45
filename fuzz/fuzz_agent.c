#include "fuzz.h"

#include "agent/agent_file.h"

/* What an agent is for: a sentence becomes a vector, the vector drives it for a few steps. */
static void use_agent(const triad_agent *agent)
{
    triad_error err;
    const size_t size = triad_agent_instruction_size(agent), layers = triad_agent_fused_layers(agent);
    const char *sentence = agent->words.word[0];
    float *vector = calloc(size, sizeof *vector), **fused = calloc(layers, sizeof *fused);
    must(vector != NULL && fused != NULL && layers > 0);
    const triad_agent_embedding out = {.instruction = vector};
    const triad_status status = triad_agent_embed(agent, &sentence, 1, &out, NULL, &err);
    if (status != TRIAD_OK) must_explain(status, &err); /* a comma alone, say */
    must(telling_name(agent->telling.mode) != NULL);
    (void)telling_holds_out(&agent->telling, "go to the red ball");
    (void)telling_text(&agent->telling, "go to the red ball");
    triad_agent_session *session;
    if (triad_agent_begin(&session, agent, vector, &err) == TRIAD_OK) {
        uint8_t image[BABYAI_OBSERVATION];
        for (size_t i = 0; i < sizeof image; i++) image[i] = (uint8_t)(i % 7);
        for (int step = 0; step < 3; step++)
            must(triad_agent_act(session, image, (uint8_t)step, NULL) <= BABYAI_DONE);
        triad_agent_end(session);
    }
    free(vector);
    free((void *)fused);
}

/* An agent's file or a checkpoint's: what is taken acts; what is refused is explained. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    triad_error err;
    triad_agent *agent;
    agent_checkpoint checkpoint;
    triad_status status = agent_parse(&agent, NULL, data, size, &err);
    if (status != TRIAD_OK) {
        must_explain(status, &err);
        must(agent == NULL);
    } else if (agent->layout.size < 1 << 20) {
        use_agent(agent);
    }
    triad_agent_close(agent);
    status = agent_parse(&agent, &checkpoint, data, size, &err);
    if (status != TRIAD_OK) {
        must_explain(status, &err);
        must(agent == NULL);
        return 0;
    }
    must(checkpoint.first != NULL && checkpoint.second != NULL);
    agent_checkpoint_free(&checkpoint);
    triad_agent_close(agent);
    return 0;
}
