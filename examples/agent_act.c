/* An agent is told a sentence and acts on it: cc agent_act.c $(pkg-config --cflags --libs triad) -o agent_act */
#include <stdio.h>
#include <stdlib.h>
#include <triad/agent.h>
int main(int argc, char **argv)
{
    triad_error err;
    triad_agent *agent;
    babyai_env *env;
    triad_agent_session *session;
    if (argc < 2 || triad_agent_open(&agent, argv[1], &err) != TRIAD_OK) return fprintf(stderr, "no agent\n"), 1;
    if (babyai_create(&env, babyai_level_find("GoToLocal"), &err) || babyai_reset_seed(env, 2000000000, &err)) return 1;
    const char *mission = babyai_mission(env);
    const size_t size = triad_agent_instruction_size(agent);
    float *vector = calloc(size, sizeof *vector); /* the sentence's embedding */
    if (triad_agent_embed(agent, &mission, 1, &(triad_agent_embedding){.instruction = vector}, NULL, &err)) return 1;
    if (triad_agent_begin(&session, agent, vector, &err)) return 1;
    for (bool ended = false, cut = false; !ended && !cut;) {
        uint8_t image[BABYAI_OBSERVATION], direction;
        babyai_observe(env, image, &direction);
        babyai_step(env, triad_agent_act(session, image, direction, NULL), NULL, &ended, &cut);
    }
    printf("\"%s\": %d steps, vector of %zu numbers\n", mission, babyai_steps(env), size);
    triad_agent_end(session);
    triad_agent_close(agent);
    babyai_free(env);
    free(vector);
    return 0;
}
