/* Steps, resets and demonstrations a second: bench/babyai [LEVEL [ENVS [SECONDS]]]. Actions are drawn inside the timed
 * loop, episodes that end are followed by new ones from the environment's own stream, and every observation is written.
 */
#include "triad/babyai.h"
#include "base/progress.h"
#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>

enum { DEMOS_AT_ONCE = 64 };

static double steps_a_second(const babyai_level *level, size_t n, double seconds, double *resets)
{
    const babyai_level **levels = malloc(n * sizeof *levels);
    uint64_t *seeds = malloc(n * sizeof *seeds);
    uint8_t *bytes = malloc(n * (BABYAI_OBSERVATION + 4));
    float *reward = malloc(n * sizeof *reward);
    if (!levels || !seeds || !bytes || !reward) exit(EXIT_FAILURE);
    for (size_t i = 0; i < n; i++) {
        levels[i] = level;
        seeds[i] = i;
    }
    uint8_t *action = bytes, *direction = bytes + n, *terminated = bytes + 2 * n, *truncated = bytes + 3 * n;
    const babyai_io io = {action, bytes + 4 * n, direction, reward, terminated, truncated};
    babyai_batch *batch;
    triad_error err;
    if (babyai_batch_create(&batch, n, levels, seeds, &err) != TRIAD_OK ||
        babyai_batch_reset(batch, NULL, &io, &err) != TRIAD_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(EXIT_FAILURE);
    }
    uint64_t random = 1, steps = 0, ended = 0;
    const double begin = triad_now();
    double now = begin;
    for (; now - begin < seconds; now = triad_now()) {
        for (size_t i = 0; i < n; i++) action[i] = (uint8_t)((triad_splitmix64(&random) >> 32) * BABYAI_ACTIONS >> 32);
        if (babyai_batch_step(batch, NULL, &io, &err) != TRIAD_OK) exit(EXIT_FAILURE);
        for (size_t i = 0; i < n; i++) ended += terminated[i] | truncated[i];
        steps += n;
    }
    *resets = (double)ended / (now - begin);
    babyai_batch_free(batch);
    free(levels);
    free(seeds);
    free(bytes);
    free(reward);
    return (double)steps / (now - begin);
}

static double demos_a_second(const babyai_level *level, double seconds)
{
    babyai_episode episode = {0};
    babyai_env *env = NULL;
    babyai_bot *bot = NULL;
    uint64_t made = 0, seed = 0;
    const double begin = triad_now();
    double now = begin;
    for (; now - begin < seconds; now = triad_now())
        for (int i = 0; i < DEMOS_AT_ONCE; i++) {
            bool solved;
            if (babyai_demonstrate(&episode, &solved, &env, &bot, level, seed++, NULL) != TRIAD_OK) exit(EXIT_FAILURE);
            made += solved;
        }
    babyai_episode_free(&episode);
    babyai_bot_free(bot);
    babyai_free(env);
    return (double)made / (now - begin);
}

int main(int argc, char **argv)
{
    const char *const defaults[] = {"GoToLocal", "BossLevel"};
    const size_t envs = argc > 2 ? strtoul(argv[2], NULL, 10) : 4096;
    const double seconds = argc > 3 ? strtod(argv[3], NULL) : 1;
    for (int i = 0; i < (argc > 1 ? 1 : 2); i++) {
        const babyai_level *level = babyai_level_find(argc > 1 ? argv[1] : defaults[i]);
        if (!level || envs == 0) {
            fprintf(stderr, "bench/babyai [LEVEL [ENVS [SECONDS]]]\n");
            return 2;
        }
        double resets;
        const double steps = steps_a_second(level, envs, seconds, &resets);
        printf("%-12s %6zu environments %12.0f steps/s %10.0f resets/s %10.0f demonstrations/s\n",
               babyai_level_name(level), envs, steps, resets, demos_a_second(level, seconds));
    }
    return 0;
}
