#include "fuzz.h"

#include "babyai/demos_read.h"

enum { EPISODES_READ = 64, STEPS_READ = 4096 };

/* A demonstration file: what is taken can be read, episode by episode; replays of compact files may be refused, in a
 * line. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    triad_error err;
    babyai_demos *demos;
    const triad_status status = babyai_demos_parse(&demos, data, size, &err);
    if (status != TRIAD_OK) {
        must_explain(status, &err);
        must(demos == NULL);
        return 0;
    }
    babyai_episode episode = {0};
    babyai_env *env = NULL;
    size_t steps = 0;
    const size_t count = babyai_demos_count(demos);
    must(babyai_demos_level_count(demos) > 0);
    for (size_t i = 0; i < count && i < EPISODES_READ && steps < STEPS_READ; i++) {
        const triad_status read = babyai_demos_read(demos, i, &episode, &env, &err);
        if (read != TRIAD_OK) {
            must_explain(read, &err);
            continue;
        }
        must(episode.steps > 0 && episode.level != NULL && episode.seed == babyai_demos_seed(demos, i));
        must(strlen(episode.mission) < BABYAI_MISSION_MAX && episode.mission[0] != 0);
        for (size_t s = 0; s < episode.steps; s++) must(episode.action[s] < BABYAI_ACTIONS && episode.direction[s] < 4);
        steps += episode.steps;
    }
    must(steps <= babyai_demos_steps(demos));
    must(babyai_demos_read(demos, count, &episode, &env, &err) == TRIAD_ERR_RANGE);
    babyai_episode_free(&episode);
    babyai_free(env);
    babyai_demos_close(demos);
    return 0;
}
