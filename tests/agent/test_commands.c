/* `triad train` and `triad eval` as a user runs them: TRIAD_BIN names the program. */
#include "support.h"

#include "formats/json.h"

#include <sys/wait.h>

/* Runs the program; text gets stdout, errors stderr (each may be NULL). Returns the exit status. */
static int run(char *text, size_t text_size, char *errors, size_t errors_size, const char *folder,
               const char *arguments)
{
    char command[2000], path[600];
    const char *program = getenv("TRIAD_BIN");
    assert_non_null(program);
    snprintf(path, sizeof path, "%s/stderr", folder);
    snprintf(command, sizeof command, "'%s' %s 2>'%s'", program, arguments, path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    char spare[1000];
    const size_t got = fread(text ? text : spare, 1, (text ? text_size : sizeof spare) - 1, pipe);
    (text ? text : spare)[got] = 0;
    const int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    if (errors) {
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        errors[fread(errors, 1, errors_size - 1, file)] = 0;
        fclose(file);
    }
    return WEXITSTATUS(status);
}

static void an_agent_is_trained_and_evaluated(void **state)
{
    (void)state;
    char *folder = support_folder(), arguments[1500], text[4000], errors[4000];
    for (int threads = 1; threads <= 2; threads++) {
        snprintf(
            arguments, sizeof arguments,
            "train --levels GoToLocal,BabyAI-PickupDist-v0 -o %s/a%d --steps 600 --threads %d --seed 3 --validations 1 "
            "--validation-episodes 5 --quiet",
            folder, threads, threads);
        assert_int_equal(run(text, sizeof text, errors, sizeof errors, folder, arguments), 0);
        assert_string_equal(errors, "");
        assert_non_null(strstr(text, "trained on GoToLocal, PickupDist"));
    }
    char *a = support_path(folder, "a1"), *b = support_path(folder, "a2");
    assert_true(support_same_file(a, b));
    /* The untrained twin is an agent like any other. */
    snprintf(arguments, sizeof arguments, "eval %s/a1.step-0 --levels GoToLocal,PickupDist -n 10 --json --quiet",
             folder);
    assert_int_equal(run(text, sizeof text, NULL, 0, folder, arguments), 0);
    json_object *root, *result;
    assert_int_equal(json_read(&root, text, strlen(text), NULL), TRIAD_OK);
    json_object *results = json_find(root, "results", json_type_array);
    assert_non_null(results);
    assert_int_equal(json_object_array_length(results), 2);
    result = json_object_array_get_idx(results, 1);
    assert_string_equal(json_object_get_string(json_object_object_get(result, "level")), "PickupDist");
    assert_int_equal(json_object_get_int(json_object_object_get(result, "episodes")), 10);
    const char *const keys[] = {"success",         "wilson",          "mean_steps", "mean_steps_bot",
                                "success_in_time", "success_foreign", "kinds"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        assert_true(json_object_object_get_ex(result, keys[k], NULL));
    json_object_put(root);
    snprintf(arguments, sizeof arguments, "eval %s/a1 --levels GoToLocal -n 10 --quiet", folder);
    assert_int_equal(run(text, sizeof text, NULL, 0, folder, arguments), 0);
    assert_non_null(strstr(text, "GoToLocal"));
    /* Nothing foreign can be said in a level that always says the same. */
    snprintf(arguments, sizeof arguments, "eval %s/a1 --levels OpenRedDoor,GoToLocal -n 3 --json --quiet", folder);
    assert_int_equal(run(text, sizeof text, NULL, 0, folder, arguments), 0);
    assert_int_equal(json_read(&root, text, strlen(text), NULL), TRIAD_OK);
    results = json_find(root, "results", json_type_array);
    for (size_t l = 0; l < 2; l++)
        assert_true(
            json_object_is_type(json_object_object_get(json_object_array_get_idx(results, l), "success_foreign"),
                                l == 0 ? json_type_null : json_type_double));
    json_object_put(root);
    /* Kinds of instructions and no foreign ones: JSON has null where nothing was tried. */
    snprintf(arguments, sizeof arguments, "eval %s/a1 --levels ActionObjDoor -n 10 --no-foreign --json --quiet",
             folder);
    assert_int_equal(run(text, sizeof text, NULL, 0, folder, arguments), 0);
    assert_int_equal(json_read(&root, text, strlen(text), NULL), TRIAD_OK);
    result = json_object_array_get_idx(json_find(root, "results", json_type_array), 0);
    assert_true(json_object_is_type(json_object_object_get(result, "success_foreign"), json_type_null));
    int episodes = 0;
    json_object_object_foreach(json_object_object_get(result, "kinds"), kind, entry)
    {
        assert_true(strcmp(kind, "go to") == 0 || strcmp(kind, "pick up") == 0 || strcmp(kind, "open") == 0);
        episodes += json_object_get_int(json_object_object_get(entry, "episodes"));
    }
    assert_int_equal(episodes, 10);
    json_object_put(root);
    free(a);
    free(b);
    support_remove_folder(folder);
}

/* What took hours is not written over by mistake; a finished run resumed says so. */
static void an_agent_is_not_written_over(void **state)
{
    (void)state;
    char *folder = support_folder(), *path = support_path(folder, "a"), *kept = support_path(folder, "kept"),
         arguments[1500], again[1600], text[4000], errors[4000], says[1500];
    snprintf(arguments, sizeof arguments,
             "train --levels GoToLocal -o %s --steps 300 --batch-steps 64 --validations 0 --quiet", path);
    assert_int_equal(run(NULL, 0, NULL, 0, folder, arguments), 2); /* no such option */
    snprintf(arguments, sizeof arguments, "train --levels GoToLocal -o %s --steps 300 --validations 0 --quiet", path);
    /* --resume and --force begin where nothing is, too. */
    snprintf(again, sizeof again, "%s --resume", arguments);
    assert_int_equal(run(text, sizeof text, NULL, 0, folder, again), 0);
    assert_non_null(strstr(text, "a: trained on GoToLocal for "));
    snprintf(again, sizeof again, "cp '%s' '%s'", path, kept);
    assert_int_equal(system(again), 0);
    snprintf(again, sizeof again, "%s --seed 5", arguments);
    assert_int_equal(run(NULL, 0, errors, sizeof errors, folder, again), 1);
    snprintf(says, sizeof says,
             "triad: train: %s exists (go on from it with --resume, replace it with --force, or name another file)\n",
             path);
    assert_string_equal(errors, says);
    assert_true(support_same_file(path, kept));
    snprintf(again, sizeof again, "%s --resume", arguments);
    assert_int_equal(run(text, sizeof text, errors, sizeof errors, folder, again), 0);
    assert_non_null(strstr(text, "a: was finished already; trained on GoToLocal for "));
    assert_string_equal(errors, "");
    assert_true(support_same_file(path, kept));
    snprintf(again, sizeof again, "%s --resume --force", arguments);
    assert_int_equal(run(NULL, 0, errors, sizeof errors, folder, again), 2);
    assert_non_null(strstr(errors, "either --resume or --force"));
    snprintf(again, sizeof again, "%s --seed 5 --force", arguments);
    assert_int_equal(run(text, sizeof text, NULL, 0, folder, again), 0);
    assert_non_null(strstr(text, "a: trained on GoToLocal for "));
    assert_false(support_same_file(path, kept));
    /* Interrupted before its end: the checkpoint alone is there. */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(run(NULL, 0, errors, sizeof errors, folder, arguments), 1);
    snprintf(says, sizeof says, "triad: train: %s.checkpoint exists (go on from it with --resume,", path);
    assert_int_equal(strncmp(errors, says, strlen(says)), 0);
    /* The agent alone: nothing to go on from. */
    snprintf(again, sizeof again, "mv '%s' '%s' && rm '%s.checkpoint'", kept, path, path);
    assert_int_equal(system(again), 0);
    snprintf(again, sizeof again, "%s --resume", arguments);
    assert_int_equal(run(NULL, 0, errors, sizeof errors, folder, again), 1);
    assert_non_null(strstr(errors, "exists, without a checkpoint to go on from (replace it with --force"));
    free(path);
    free(kept);
    support_remove_folder(folder);
}

static void rare_instructions_are_warned_of(void **state)
{
    (void)state;
    char *folder = support_folder(), arguments[1500], text[4000], errors[4000];
    snprintf(arguments, sizeof arguments,
             "train --levels GoToRedBall -o %s/a --steps 300 --validations 0 --instructions opaque --json", folder);
    assert_int_equal(run(text, sizeof text, errors, sizeof errors, folder, arguments), 0);
    assert_non_null(strstr(errors, "triad: warning: 'go to "));
    assert_non_null(strstr(errors, "episodes only, and its symbol is learnt from them alone"));
    json_object *root;
    assert_int_equal(json_read(&root, text, strlen(text), NULL), TRIAD_OK);
    assert_in_range(json_object_get_int(json_object_object_get(root, "fewest_episodes_of_an_instruction")), 0, 99);
    json_object_put(root);
    snprintf(arguments, sizeof arguments,
             "train --levels GoToRedBall -o %s/b --steps 300 --validations 0 --instructions opaque --quiet", folder);
    assert_int_equal(run(NULL, 0, errors, sizeof errors, folder, arguments), 0);
    assert_string_equal(errors, "");
    support_remove_folder(folder);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* The numbers of a file make the network; the command line goes before them. */
static void a_configuration_is_read(void **state)
{
    (void)state;
    char *folder = support_folder(), *config = support_path(folder, "c.yaml"), *path = support_path(folder, "a"),
         arguments[1500], errors[4000];
    write_text(config, "network: {width: 32, heads: 2, feed_forward: 48, encoder_layers: 1, cell_layers: 1, "
                       "memory_layers: 1, recall_layers: 2, window: 9, instruction: 64}\n"
                       "training:\n  steps: 100000000\n  batch_steps: 64\n  learning_rate: 0.002\n  validations: 0\n"
                       "  shares:\n  - {level: PickupDist, share: 2}\n  - {level: GoToLocal, share: 1}\n");
    snprintf(arguments, sizeof arguments, "train --levels GoToLocal,PickupDist -o %s --config %s --steps 200 --quiet",
             path, config);
    assert_int_equal(run(NULL, 0, errors, sizeof errors, folder, arguments), 0);
    triad_agent *agent;
    assert_int_equal(triad_agent_open(&agent, path, NULL), TRIAD_OK);
    assert_int_equal(agent->layout.config.width, 32);
    assert_int_equal(agent->layout.config.feed_forward, 48);
    assert_int_equal(agent->layout.config.recall_layers, 2);
    assert_int_equal(agent->layout.config.window, 9);
    assert_int_equal(triad_agent_instruction_size(agent), 64);
    triad_agent_close(agent);
    const struct {
        const char *text, *says;
    } cases[] = {
        {"", "the file is empty"},
        {"network: {width: 100}\n", "width 100"},
        {"network: {wide: 100}\n", ":1: "},
        {"training: {steps: 5, tflop: 5}\n", "tflop and steps"},
        {"training:\n  shares:\n  - {level: GoToLocal, share: 1}\n", "PickupDist is missing"},
        {"training:\n  shares:\n  - {level: GoToLokal, share: 1}\n", "GoToLokal is no level"},
        {"training:\n  shares:\n  - {level: GoTo, share: 1}\n", "GoTo is not among"},
    };
    strcat(arguments, " --force");
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        write_text(config, cases[c].text);
        assert_int_equal(run(NULL, 0, errors, sizeof errors, folder, arguments), 1);
        if (!strstr(errors, cases[c].says)) fail_msg("%s", errors);
        assert_ptr_equal(strchr(errors, '\n'), errors + strlen(errors) - 1);
    }
    free(config);
    free(path);
    support_remove_folder(folder);
}

/* As an item table, and as a table of nothing but combinations. */
static void combinations_are_read(void **state)
{
    (void)state;
    char *folder = support_folder(), *rows = support_path(folder, "rows.tsv"), *path = support_path(folder, "a"),
         *config = support_path(folder, "c.yaml"), arguments[1500], errors[4000];
    write_text(config, "network: {width: 16, heads: 1, feed_forward: 16, window: 8, instruction: 16}\n");
    const struct {
        const char *text;
        int status;
        const char *says;
    } cases[] = {
        {"id\ttext\tverb\tcolour\tobject\n1\ta\tgo to\tred\tball\n2\tb\tgo to\t\tkey\n", 0, ""},
        {"verb\tcolour\tobject\ngo to\tred\tball\ngo to\t\tkey\n", 0, ""},
        {"\xef\xbb\xbfobject\tcolour\tverb\r\nball\tred\tgo to\r\nkey\t\tgo to", 0, ""},
        {"", 1, "rows.tsv, line 1: the header does not begin with id, tab, text"},
        {"\n", 1, "rows.tsv"},
        {"verb\tcolour\tobject\n", 1, "rows.tsv: holds no sentence"},
        {"verb\tcolour\ngo to\tred\n", 1, "has the columns verb, colour and object"},
        {"verb\tcolour\tobject\ngo to\tred\n", 1, "rows.tsv, line 2"},
        {"verb\tcolour\tobject\n\ngo to\tred\tball\n", 1, "rows.tsv, line 2"},
        {"verb\tcolour\tobject\ngo to\tred\tball\ngo to\tRed\tball\n", 1, "row 2: 'Red' is no colour"},
    };
    snprintf(arguments, sizeof arguments,
             "train --levels GoToLocal -o %s --hold-out %s --steps 100 --validations 0 --config %s --quiet --force",
             path, rows, config);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        write_text(rows, cases[c].text);
        assert_int_equal(run(NULL, 0, errors, sizeof errors, folder, arguments), cases[c].status);
        if (!strstr(errors, cases[c].says)) fail_msg("%zu: %s", c, errors);
        if (cases[c].status) {
            assert_ptr_equal(strchr(errors, '\n'), errors + strlen(errors) - 1);
            continue;
        }
        triad_agent *agent;
        assert_int_equal(triad_agent_open(&agent, path, NULL), TRIAD_OK);
        assert_int_equal(agent->telling.hold_out_count, 2);
        assert_true(telling_holds_out(&agent->telling, "go to the red ball"));
        assert_true(telling_holds_out(&agent->telling, "go to a key"));
        assert_false(telling_holds_out(&agent->telling, "go to a red key"));
        triad_agent_close(agent);
    }
    free(config);
    free(rows);
    free(path);
    support_remove_folder(folder);
}

static void mistakes_are_told_in_one_line(void **state)
{
    (void)state;
    char *folder = support_folder(), arguments[1500], errors[4000];
    const struct {
        const char *arguments;
        int status;
        const char *says;
    } cases[] = {
        {"train --levels GoToLokal -o %s/a --steps 100", 2,
         "triad: train: GoToLokal: no such level (did you mean GoToLocal?)\n"},
        {"train --levels GoToLocal,GoToLocal -o %s/a --steps 100", 2,
         "triad: train: GoToLocal: the level is named twice\n"},
        {"train --levels GoToLocal --steps 100", 2, NULL},
        {"train -o %s/a --steps 100", 2, NULL},
        {"train --levels GoToLocal -o %s/a --tflop -1", 2, NULL},
        {"train --levels GoToLocal -o %s/a --config x.yaml", 1, NULL},
        {"eval --levels GoToLocal", 2, NULL},
        {"eval %s/none --levels GoToLocal", 1, NULL},
        {"eval %s/none --levels GoToLocal -n 0", 2, NULL},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        if (strstr(cases[c].arguments, "%s")) {
            const char *at = strstr(cases[c].arguments, "%s");
            snprintf(arguments, sizeof arguments, "%.*s%s%s", (int)(at - cases[c].arguments), cases[c].arguments,
                     folder, at + 2);
        } else
            snprintf(arguments, sizeof arguments, "%s", cases[c].arguments);
        assert_int_equal(run(NULL, 0, errors, sizeof errors, folder, arguments), cases[c].status);
        if (cases[c].says) assert_string_equal(errors, cases[c].says);
        assert_ptr_equal(strchr(errors, '\n'), errors + strlen(errors) - 1); /* one line */
        assert_int_equal(strncmp(errors, "triad: ", 7), 0);
    }
    support_remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_agent_is_trained_and_evaluated),
        cmocka_unit_test(an_agent_is_not_written_over),
        cmocka_unit_test(rare_instructions_are_warned_of),
        cmocka_unit_test(a_configuration_is_read),
        cmocka_unit_test(combinations_are_read),
        cmocka_unit_test(mistakes_are_told_in_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
