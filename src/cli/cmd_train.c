#include "cli/commands.h"
#include "cli/pick_levels.h"

#include "triad/agent.h"

#include <stdio.h>
#include <string.h>

int cmd_train(cli_context *context, int argc, char **argv)
{
    cli_list names = {0};
    const char *output = NULL;
    int64_t steps = 0;
    triad_train_options train = triad_train_defaults();
    double tflop = train.tflop;
    const cli_option options[] = {
        {.name = "levels",
         .kind = CLI_LIST,
         .argument = "L,…",
         .help = "BabyAI levels to learn, short or full names.",
         .value = &names,
         .required = true},
        {.name = "output",
         .letter = 'o',
         .kind = CLI_STRING,
         .argument = "AGENT",
         .help = "The agent's file.",
         .value = &output,
         .required = true},
        {.name = "tflop",
         .kind = CLI_REAL,
         .argument = "X",
         .help = "Budget in 10^12 floating-point operations, counted, when --steps is not given.",
         .value = &tflop,
         .min = 1e-6,
         .max = 1e6},
        {.name = "steps",
         .kind = CLI_INT,
         .argument = "N",
         .help = "Budget in steps of demonstrations (0: by --tflop).",
         .value = &steps,
         .min = 0,
         .max = 1e15},
        {.name = "resume",
         .kind = CLI_FLAG,
         .help = "Go on from AGENT.checkpoint where there is one.",
         .value = &train.resume},
    };
    const cli_usage usage = {
        .command = "train",
        .arguments = "--levels L,… -o AGENT",
        .description = "Trains an agent by behavioural cloning on endless fresh demonstrations of the expert, each "
                       "seen once, their levels in the recipe's "
                       "shares. The same options and --seed give the same agent, byte for byte, whatever --threads "
                       "says; a run that was interrupted goes on "
                       "with --resume and ends in the same bytes.\n\n"
                       "Beside AGENT come AGENT.log.jsonl (loss, accuracy, rate: the only file that holds times), "
                       "AGENT.step-0 (the same agent untrained), "
                       "AGENT.step-N on the way (N = 4096, 16384, …) and AGENT.checkpoint.\n\n"
                       "  triad train --levels GoToLocal,PickupDist -o agent.safetensors --steps 180000\n",
        .max_positional = 0,
    };
    const char **positional;
    size_t count;
    const int parsed =
        cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, &positional, &count);
    if (parsed != CLI_GO) return parsed;
    triad_error *err = &context->error;
    const babyai_level *levels[CLI_LEVELS_MOST];
    const int picked = cli_pick_levels(levels, &usage, &names);
    if (picked != CLI_GO) return picked;
    train.levels = levels;
    train.level_count = names.count;
    train.seed = context->seed;
    train.steps = (uint64_t)steps;
    train.tflop = steps > 0 ? 0 : tflop;
    train.agent_path = output;
    const triad_status status = triad_agent_train(&train, context->pool, context->progress, err);
    if (status != TRIAD_OK) return cli_fail(err);
    if (!context->json) {
        printf("%s: trained on", output);
        for (size_t l = 0; l < names.count; l++) printf("%s %s", l ? "," : "", babyai_level_name(levels[l]));
        printf("\n");
        return CLI_DONE;
    }
    json_object *root = json_object_new_object();
    json_object_object_add(root, "agent", json_object_new_string(output));
    json_object_object_add(root, "seed", json_object_new_uint64(train.seed));
    return cli_print_json(root);
}
