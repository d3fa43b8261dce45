/* A batch of BabyAI environments, stepped at random, and one episode by the expert.
 *
 *   cc -std=gnu17 babyai_rollout.c $(pkg-config --cflags --libs triad) -o babyai_rollout */
#include <triad/babyai.h>

#include <stdio.h>
#include <stdlib.h>

enum { ENVS = 64, STEPS = 1000 };

static int fail(const triad_error *err)
{
    fprintf(stderr, "babyai_rollout: %s\n", err->text);
    return EXIT_FAILURE;
}

int main(void)
{
    triad_error err;
    const babyai_level *level = babyai_level_find("GoToLocal");

    /* The caller owns every buffer; environment i draws from its own generator. */
    static uint8_t action[ENVS], observation[ENVS * BABYAI_OBSERVATION], direction[ENVS], terminated[ENVS],
        truncated[ENVS];
    static float reward[ENVS];
    const babyai_io io = {.action = action,
                          .observation = observation,
                          .direction = direction,
                          .reward = reward,
                          .terminated = terminated,
                          .truncated = truncated};
    const babyai_level *levels[ENVS];
    uint64_t seeds[ENVS];
    for (size_t i = 0; i < ENVS; i++) {
        levels[i] = level;
        seeds[i] = i;
    }

    babyai_batch *batch;
    if (babyai_batch_create(&batch, ENVS, levels, seeds, &err) != TRIAD_OK) return fail(&err);
    if (babyai_batch_reset(batch, NULL, &io, &err) != TRIAD_OK) return fail(&err);
    size_t episodes = 0;
    double earned = 0;
    uint32_t random = 1;
    for (int step = 0; step < STEPS; step++) {
        for (size_t i = 0; i < ENVS; i++) {
            random = random * 1664525 + 1013904223;
            action[i] = (uint8_t)((random >> 16) % BABYAI_ACTIONS);
        }
        if (babyai_batch_step(batch, NULL, &io, &err) != TRIAD_OK) return fail(&err);
        for (size_t i = 0; i < ENVS; i++) {
            episodes += terminated[i] || truncated[i];
            earned += (double)reward[i];
        }
    }
    printf("%zu episodes at random, mean reward %.3f\n", episodes, earned / (double)episodes);
    babyai_batch_free(batch);

    /* The expert solves seed 0. */
    babyai_episode episode = {0};
    babyai_env *env = NULL;
    babyai_bot *bot = NULL;
    bool solved;
    if (babyai_demonstrate(&episode, &solved, &env, &bot, level, 0, &err) != TRIAD_OK) return fail(&err);
    printf("\"%s\": %s in %zu steps\n", episode.mission, solved ? "solved" : "not solved", episode.steps);
    babyai_episode_free(&episode);
    babyai_bot_free(bot);
    babyai_free(env);
    return EXIT_SUCCESS;
}
