/* Small agents and folders for the agent's tests. */
#ifndef TESTS_AGENT_SUPPORT_H
#define TESTS_AGENT_SUPPORT_H

#include "agent/agent_file.h"
#include "base/file.h"
#include "triad/agent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A folder of this test's own, removed by support_remove_folder. */
__attribute__((unused)) static char *support_folder(void)
{
    const char *base = getenv("TMPDIR");
    char *path = malloc(400);
    assert_non_null(path);
    snprintf(path, 400, "%s/triad-agent-XXXXXX", base && strlen(base) < 300 ? base : "/tmp");
    assert_non_null(mkdtemp(path));
    return path;
}

__attribute__((unused)) static void support_remove_folder(char *path)
{
    char command[500];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
    free(path);
}

__attribute__((unused)) static char *support_path(const char *folder, const char *name)
{
    char *path = triad_path_join(folder, name);
    assert_non_null(path);
    return path;
}

/* A network small enough for a test; levels is static. */
__attribute__((unused)) static triad_train_options support_training(const char *agent_path)
{
    static const babyai_level *levels[2];
    levels[0] = babyai_level_find("GoToLocal");
    levels[1] = babyai_level_find("PutNextLocal");
    assert_true(levels[0] && levels[1]);
    triad_train_options options = triad_train_defaults();
    options.levels = levels;
    options.level_count = 2;
    options.tflop = 0;
    options.steps = 3000;
    options.batch_steps = 64;
    options.width = 32;
    options.heads = 2;
    options.feed_forward = 64;
    options.encoder_layers = options.cell_layers = options.memory_layers = 1;
    options.window = 5;
    options.instruction = 48;
    options.validations = 2;
    options.validation_episodes = 8;
    options.seed = 7;
    options.agent_path = agent_path;
    return options;
}

/* The recipe's network, untrained, or a smaller one, with cross layers. */
__attribute__((unused)) static triad_agent *support_cross_agent(size_t width, size_t window, size_t cross_layers,
                                                                uint64_t seed)
{
    triad_agent *agent = calloc(1, sizeof *agent);
    assert_non_null(agent);
    assert_int_equal(agent_words_babyai(&agent->words, NULL), TRIAD_OK);
    policy_config config = policy_recipe(agent->words.count);
    config.width = width;
    config.heads = 2;
    config.feed_forward = 2 * width;
    config.window = window;
    config.instruction = width;
    config.cross_layers = cross_layers;
    assert_int_equal(policy_check(&config, NULL), TRIAD_OK);
    policy_lay_out(&agent->layout, &config);
    agent->params = calloc(agent->layout.size, sizeof(float));
    assert_non_null(agent->params);
    policy_initialise(agent->params, &agent->layout, seed);
    return agent;
}

__attribute__((unused)) static triad_agent *support_agent(size_t width, size_t window, uint64_t seed)
{
    return support_cross_agent(width, window, 0, seed);
}

/* Whether two files hold the same bytes. */
__attribute__((unused)) static bool support_same_file(const char *a, const char *b)
{
    triad_mapping x, y;
    assert_int_equal(triad_map_file(&x, a, NULL), TRIAD_OK);
    assert_int_equal(triad_map_file(&y, b, NULL), TRIAD_OK);
    const bool same = x.size == y.size && memcmp(x.data, y.data, x.size) == 0;
    triad_unmap(&x);
    triad_unmap(&y);
    return same;
}

#endif
