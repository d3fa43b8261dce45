#include "cli/commands.h"
#include "cli/pick_levels.h"

#include <stdio.h>

int cmd_demos(cli_context *context, int argc, char **argv)
{
    cli_list names = {0};
    const char *output = NULL;
    int64_t number = 0;
    bool compact = false;
    const cli_option options[] = {
        {.name = "levels",
         .kind = CLI_LIST,
         .argument = "L,…",
         .help = "BabyAI levels, short or full names.",
         .value = &names,
         .required = true},
        {.name = "number",
         .letter = 'n',
         .kind = CLI_INT,
         .argument = "N",
         .min = 1,
         .max = 1e9,
         .value = &number,
         .required = true,
         .help = "Demonstrations of each level."},
        {.name = "output",
         .letter = 'o',
         .kind = CLI_STRING,
         .argument = "FILE",
         .help = "Where they go: a .safetensors file.",
         .value = &output,
         .required = true},
        {.name = "compact",
         .kind = CLI_FLAG,
         .help = "Without observations and directions, which are replayed from seeds and actions.",
         .value = &compact},
    };
    const cli_usage usage = {
        .command = "demos",
        .arguments = "--levels L,… -n N -o FILE",
        .description = "Records N successful episodes of the expert for each level, one seed after the other from "
                       "--seed on, each in a fresh\n"
                       "environment. Episodes that the expert does not solve are left out and counted. The same "
                       "command writes the same bytes,\n"
                       "whatever --threads says.\n\n"
                       "Seeds below 10^9 are for training, from 10^9 for validation, from 2 * 10^9 for tests, from 3 * "
                       "10^9 for scenes: a\n"
                       "recording stays within one of these.\n\n"
                       "  triad demos --levels GoToLocal,PickupLoc -n 10000 -o demos.safetensors\n"
                       "  triad demos --levels BossLevel -n 1000000 --compact -o boss.safetensors\n",
        .min_positional = 0,
        .max_positional = 0,
    };
    const char **positional;
    size_t count, failed = 0;
    const int parsed =
        cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, &positional, &count);
    if (parsed != CLI_GO) return parsed;
    const babyai_level *levels[CLI_LEVELS_MOST];
    const int picked = cli_pick_levels(levels, &usage, &names);
    if (picked != CLI_GO) return picked;
    const triad_status status = babyai_demos_write(output, levels, names.count, (size_t)number, context->seed, compact,
                                                   context->pool, context->progress, &failed, &context->error);
    if (status != TRIAD_OK) return cli_fail(&context->error);
    if (context->json) {
        json_object *root = json_object_new_object();
        json_object_object_add(root, "episodes", json_object_new_int64(number * (int64_t)names.count));
        json_object_object_add(root, "skipped", json_object_new_int64((int64_t)failed));
        return cli_print_json(root);
    }
    if (!context->quiet)
        printf("%zu demonstrations in %s, %zu skipped\n", (size_t)number * names.count, output, failed);
    return CLI_DONE;
}
