/* The configuration: the default study reads; every mistake is one line with file, line and key. */
#include "experiment/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char GOOD[] = "study: tiny\n"
                           "items: {levels: [GoToLocal]}\n"
                           "agents: {seeds: [1], tflop: 0.5}\n"
                           "baselines: [bow]\n";

static void parse_fails(const char *text, const char *message)
{
    experiment_config config;
    triad_error err = {0};
    assert_int_not_equal(experiment_config_parse(&config, text, strlen(text), "s.yaml", &err), TRIAD_OK);
    assert_string_equal(err.text, message);
}

static void the_default_study_reads(void **state)
{
    (void)state;
    char path[4096];
    assert_non_null(getenv("TRIAD_SOURCE"));
    snprintf(path, sizeof path, "%s/experiments/quick.yaml", getenv("TRIAD_SOURCE"));
    experiment_config config;
    triad_error err = {0};
    if (experiment_config_load(&config, path, &err) != TRIAD_OK) fail_msg("%s", err.text);
    assert_string_equal(config.name, "quick");
    assert_string_equal(config.file, "quick.yaml");
    assert_int_equal(config.agents.seed_count, 3);
    assert_true(config.agents.tflop == 25);
    assert_true(config.agents.learning_rate == 8e-4);
    assert_int_equal(config.agents.level_count, 6); /* the items' */
    assert_int_equal(config.model_count, 2);
    assert_string_equal(config.models[0].also[1], "last");
    assert_string_equal(config.models[1].lineage, "bert");
    assert_int_equal(config.alignment.k_count, 8);
    assert_true(config.protocol_count >= 15);
    experiment_config_free(&config);
}

static void what_is_left_out_has_a_default(void **state)
{
    (void)state;
    experiment_config config;
    triad_error err = {0};
    if (experiment_config_parse(&config, GOOD, strlen(GOOD), "s.yaml", &err) != TRIAD_OK) fail_msg("%s", err.text);
    assert_true(config.agents.untrained);
    assert_int_equal(config.evaluation.episodes, 1000);
    assert_int_equal(config.evaluation.first_seed, 2000000000);
    assert_int_equal(config.alignment.k_count, 4);
    assert_string_equal(config.alignment.protocol, "strict64");
    assert_true(config.claims.low == 0.70 && config.claims.high == 0.73);
    experiment_config_free(&config);
}

static void yaml_mistakes_have_a_line(void **state)
{
    (void)state;
    parse_fails("", "s.yaml:1: the file is empty (see experiments/quick.yaml)");
    parse_fails("study: [x\n", "s.yaml:2: not YAML: did not find expected ',' or ']'");
    parse_fails("study: x\nitem: {levels: [GoToLocal]}\n", "s.yaml:2: unknown key 'item' (did you mean 'items'?)");
    parse_fails("study: x\nitems:\n  levels: [GoToLocal]\n  sample: 3\n",
                "s.yaml:4: items: unknown key 'sample' (known here: levels, file)");
    parse_fails("study: x\nstudy: y\n", "s.yaml:2: study: is given twice (leave one out)");
    parse_fails("study: x\n", "s.yaml:1: the key 'items' is missing");
    parse_fails("- study\n", "s.yaml:1: is a list (give a block of keys)");
    parse_fails("study: &a x\ntitle: *a\n", "s.yaml:2: an alias (write the value out)");
    parse_fails("study: x\n---\nstudy: y\n", "s.yaml:2: a second document (one file, one study)");
    parse_fails("? [a]\n: 3\n", "s.yaml:1: a key is a list (give a name)");
    parse_fails("study: x\nagents: {seeds: 3}\n", "s.yaml:2: agents.seeds: is a single value (give a list: [a, b])");
    parse_fails("study: x\nagents:\n  seeds: []\n",
                "s.yaml:3: agents.seeds: is an empty list (give an entry, or leave the key out)");
    parse_fails("study:\n", "s.yaml:1: study: is empty (give a text, or leave the key out)");
    parse_fails("study: x\nitems: 4\n", "s.yaml:2: items: is a single value (give a block of keys)");
    parse_fails("study: {a: b}\n", "s.yaml:1: study: is a block of keys (give a text)");
    parse_fails("study: \"a\\0b\"\n", "s.yaml:1: study: holds a zero byte (give a text)");
}

static void values_have_types_and_ranges(void **state)
{
    (void)state;
    parse_fails("study: x\nseed: two\n", "s.yaml:2: seed: 'two' is not a whole number");
    parse_fails("study: x\nseed: 1.5\n", "s.yaml:2: seed: '1.5' is not a whole number");
    parse_fails("study: x\nseed: -1\n", "s.yaml:2: seed: -1 is out of range (0 to 4294967295)");
    parse_fails("study: x\nseed: 99999999999999999999\n",
                "s.yaml:2: seed: 99999999999999999999 is out of range (0 to 4294967295)");
    parse_fails("study: x\nagents:\n  seeds: [1, x]\n", "s.yaml:3: agents.seeds[2]: 'x' is not a whole number");
    parse_fails("study: x\nagents:\n  tflop: much\n", "s.yaml:3: agents.tflop: 'much' is not a number");
    parse_fails("study: x\nagents:\n  tflop: .nan\n", "s.yaml:3: agents.tflop: '.nan' is not a number");
    parse_fails("study: x\nagents:\n  learning_rate: 2\n",
                "s.yaml:3: agents.learning_rate: 2 is out of range (1e-09 to 1)");
    parse_fails("study: x\nagents:\n  untrained: maybe\n",
                "s.yaml:3: agents.untrained: 'maybe' is neither true nor false");
    parse_fails("study: x\nbaselines: [bag]\n", "s.yaml:2: baselines[1]: 'bag' is not known (one of: bow, random)");
    parse_fails("study: x\nevaluation: {first_seed: 5}\n",
                "s.yaml:2: evaluation.first_seed: 5 is out of range (2000000000 to 4000000000000000000)");
    parse_fails("study: x\nmodels:\n  - name: A\n    source: a.gguf\n",
                "s.yaml:3: models[1]: the key 'role' is missing");
}

static void what_belongs_together_is_checked(void **state)
{
    (void)state;
    static const char head[] = "study: t\nitems: {levels: [GoToLocal, OpenDoor]}\n";
    static const struct {
        const char *rest, *message;
    } cases[] = {
        {"agents: {seeds: [1]}\n", "s.yaml:3: agents: no budget (give tflop or steps)"},
        {"agents: {seeds: [1], tflop: 1, steps: 9}\n", "s.yaml:3: agents: both steps and tflop (give one budget)"},
        {"agents:\n  seeds: [1]\n  steps: 9\n  shares: [1]\n",
         "s.yaml:6: agents.shares: 1 numbers for 2 levels (give one a level)"},
        {"agents:\n  seeds: [1]\n  steps: 9\n  shares: [0.5, 0.6]\n",
         "s.yaml:6: agents.shares: they add up to 1.1 (make it 1)"},
        {"agents:\n  steps: 9\n  seeds:\n    - 4\n    - 4\n",
         "s.yaml:7: agents.seeds: 4 is given twice (two agents of one seed are the same agent)"},
        {"agents:\n  seeds: [1]\n  steps: 9\n  levels: [GoToLocl]\n",
         "s.yaml:6: agents.levels: unknown level 'GoToLocl' (did you mean GoToLocal?)"},
        {"agents:\n  seeds: [1]\n  steps: 9\n  levels: [OpenDoor, BabyAI-OpenDoor-v0]\n",
         "s.yaml:6: agents.levels: BabyAI-OpenDoor-v0 is given twice"},
        {"agents:\n  seeds: [1]\n  steps: 9\n  width: 10\n  heads: 3\n",
         "s.yaml:7: agents.heads: 3 does not divide the width 10"},
        {"models:\n  - {name: a/b, source: x, role: decoder}\n",
         "s.yaml:4: models: 'a/b' can't name a file (letters, digits, '.', '_', '-')"},
        {"models:\n  - {name: agent-1, source: x, role: decoder}\n",
         "s.yaml:4: models: the name 'agent-1' belongs to a space of the study itself (choose another)"},
        {"models:\n  - {name: A, source: x, role: decoder}\n  - {name: A, source: y, role: encoder}\n",
         "s.yaml:5: models: 'A' is given twice"},
        {"models:\n  - name: A\n    source: baseline:bow\n    role: decoder\n",
         "s.yaml:5: models: baseline:bow is a baseline (name it under `baselines`)"},
        {"models:\n  - name: A\n    source: x\n    role: decoder\n    sha256: 12\n",
         "s.yaml:7: models: A: sha256 must be 64 lower-case hexadecimal digits"},
        {"models:\n  - name: A\n    source: x\n    role: decoder\n    pool: mean\n    also: [mean]\n",
         "s.yaml:8: models: A: 'mean' is its pooling already"},
        {"models:\n  - {name: A, source: x, role: decoder, also: [mean]}\n  - {name: A.mean, source: y, role: "
         "encoder}\n",
         "s.yaml:5: models: 'A.mean' is how A pooled by mean is called (choose another name)"},
        {"baselines: [bow, bow]\n", "s.yaml:3: baselines: 'bow' is given twice"},
        {"baselines: [bow]\n", "s.yaml: nothing to align: 1 spaces (give agents, models or baselines)"},
        {"baselines: [bow, random]\nalignment:\n  k: [5, 1]\n", "s.yaml:5: alignment.k: 1 after 5 (give them rising)"},
        {"baselines: [bow, random]\nalignment:\n  k: [1, 5]\n",
         "s.yaml:5: alignment.k: the headline's k = 15 is not among them"},
        {"baselines: [bow, random]\nclaims: {low: 0.9}\n", "s.yaml:4: claims: low 0.9 is not below high 0.73"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%s%s", head, cases[i].rest);
        parse_fails(text, cases[i].message);
    }
    parse_fails("study: t\nitems: {levels: [Nowhere]}\n",
                "s.yaml:2: items.levels: unknown level 'Nowhere' (`triad levels` lists them)");
    parse_fails("study: a b\nitems: {levels: [GoToLocal]}\n",
                "s.yaml:1: study: 'a b' (letters, digits, '.', '_', '-')");
    parse_fails("study: t\nitems: {}\nbaselines: [bow, random]\n",
                "s.yaml: items: no sentences (give items.levels or items.file)");
}

static void a_file_that_is_not_there(void **state)
{
    (void)state;
    experiment_config config;
    triad_error err = {0};
    assert_int_not_equal(experiment_config_load(&config, "nowhere/none.yaml", &err), TRIAD_OK);
    assert_non_null(strstr(err.text, "nowhere/none.yaml"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_study_reads),          cmocka_unit_test(what_is_left_out_has_a_default),
        cmocka_unit_test(yaml_mistakes_have_a_line),        cmocka_unit_test(values_have_types_and_ranges),
        cmocka_unit_test(what_belongs_together_is_checked), cmocka_unit_test(a_file_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
