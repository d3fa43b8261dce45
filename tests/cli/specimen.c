/* A program with commands of its own over the framework of src/cli: what its tests run. */
#include "base/file.h"
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int run_measure(cli_context *context, int argc, char **argv)
{
    bool strict = false;
    const char *output = NULL, *pool = "mean";
    int64_t steps = 1000;
    double rate = 0.5;
    const char *default_layers[] = {"last"};
    cli_list layers = {1, default_layers}, levels = {0};
    const cli_option options[] = {
        {.name = "output",
         .letter = 'o',
         .kind = CLI_STRING,
         .argument = "FILE",
         .help = "Where the numbers go.",
         .value = &output,
         .required = true},
        {.name = "steps",
         .letter = 'n',
         .kind = CLI_INT,
         .argument = "N",
         .help = "Steps to take.",
         .value = &steps,
         .min = 1,
         .max = 1000000},
        {.name = "rate",
         .kind = CLI_REAL,
         .argument = "R",
         .help = "Share of steps that count.",
         .value = &rate,
         .min = 0,
         .max = 1},
        {.name = "pool",
         .kind = CLI_CHOICE,
         .argument = "P",
         .help = "How tokens become a sentence.",
         .value = &pool,
         .choices = "default|mean|mean-nofirst|last"},
        {.name = "layers", .kind = CLI_LIST, .argument = "L,…", .help = "Layers to read.", .value = &layers},
        {.name = "levels",
         .kind = CLI_LIST,
         .argument = "L,…",
         .help = "Levels to play.",
         .value = &levels,
         .choices = "GoTo|GoToLocal|PutNext"},
        {.name = "strict", .letter = 's', .kind = CLI_FLAG, .help = "Refuse what is doubtful.", .value = &strict},
    };
    const cli_usage usage = {
        .command = "measure",
        .arguments = "SPACE SPACE… -o FILE",
        .description = "Measures spaces, at length: this paragraph is long enough that it has to be filled over\n"
                       "several lines of the terminal.\n\nAn example:\n\n  triad measure a b -o c\n",
        .min_positional = 1,
        .max_positional = 3,
    };
    const char **positional;
    size_t count;
    const int parsed =
        cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, &positional, &count);
    if (parsed != CLI_GO) return parsed;
    if (strcmp(output, "refused") == 0)
        return cli_usage_error(&usage, "--output: '%s' is refused (name another)", output);
    if (strcmp(output, "broken") == 0) {
        triad_fail(&context->error, TRIAD_ERR_FORMAT, 3, "broken: byte 3 is wrong (write it again)");
        return cli_fail(&context->error);
    }
    json_object *root = json_object_new_object();
    json_object_object_add(root, "output", json_object_new_string(output));
    json_object_object_add(root, "steps", json_object_new_int64(steps));
    json_object_object_add(root, "rate", json_new_real(rate));
    json_object_object_add(root, "pool", json_object_new_string(pool));
    json_object_object_add(root, "strict", json_object_new_boolean(strict));
    json_object_object_add(root, "threads", json_object_new_int64(triad_pool_threads(context->pool)));
    json_object_object_add(root, "seed", json_object_new_uint64(context->seed));
    json_object_object_add(root, "quiet", json_object_new_boolean(context->quiet));
    json_object *names = json_object_new_array();
    for (size_t i = 0; i < layers.count; i++) json_object_array_add(names, json_object_new_string(layers.names[i]));
    json_object_object_add(root, "layers", names);
    names = json_object_new_array();
    for (size_t i = 0; i < levels.count; i++) json_object_array_add(names, json_object_new_string(levels.names[i]));
    json_object_object_add(root, "levels", names);
    names = json_object_new_array();
    for (size_t i = 0; i < count; i++) json_object_array_add(names, json_object_new_string(positional[i]));
    json_object_object_add(root, "positional", names);
    if (context->json) return cli_print_json(root);
    json_object_put(root);
    printf("measured %zu spaces\n", count);
    return CLI_DONE;
}

static int run_rest(cli_context *context, int argc, char **argv)
{
    const cli_usage usage = {.command = "rest", .arguments = "", .description = "Does nothing.\n"};
    const int parsed = cli_parse(context, &usage, NULL, 0, argc, argv, NULL, NULL);
    return parsed == CLI_GO ? CLI_DONE : parsed;
}

/* Writes half a file and waits for a signal. */
static int run_hold(cli_context *context, int argc, char **argv)
{
    const cli_usage usage = {.command = "hold",
                             .arguments = "FILE",
                             .description = "Holds a file open.\n",
                             .min_positional = 1,
                             .max_positional = 1};
    const char **positional;
    const int parsed = cli_parse(context, &usage, NULL, 0, argc, argv, &positional, NULL);
    if (parsed != CLI_GO) return parsed;
    triad_atomic_file file;
    if (triad_atomic_open(&file, positional[0], &context->error) != TRIAD_OK) return cli_fail(&context->error);
    fputs("half", file.stream);
    fflush(file.stream);
    puts("holding");
    fflush(stdout);
    for (;;) pause();
}

const cli_command CLI_COMMANDS[] = {
    {"measure", "measures spaces and says so in a summary that is long enough to need a second line of text",
     run_measure},
    {"rest", "does nothing", run_rest},
    {"hold", "waits for a signal", run_hold},
};
const size_t CLI_COMMAND_COUNT = 3;
