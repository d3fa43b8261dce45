#include "cli/commands.h"
#include "cli/pick_levels.h"

#include "triad/agent.h"

#include <stdio.h>
#include <string.h>

int cmd_train(cli_context *context, int argc, char **argv)
{
    cli_list names = {0};
    const char *output = NULL;
    const char *demos = NULL, *instructions = "words", *hold_out = NULL;
    int64_t steps = 0;
    triad_train_options train = triad_train_defaults();
    double tflop = 0;
    const cli_option options[] = {
        {.name = "levels",
         .kind = CLI_LIST,
         .argument = "L,…",
         .help = "BabyAI levels to learn, short or full names.",
         .value = &names},
        {.name = "demos",
         .kind = CLI_STRING,
         .argument = "FILE",
         .help = "Learn from this file of demonstrations instead of fresh ones; without a budget four passes over it.",
         .value = &demos},
        {.name = "instructions",
         .kind = CLI_CHOICE,
         .help = "What the agent is told: the mission's words; one symbol for each whole mission; another mission of "
                 "the same levels, by a fixed bijection; a mission drawn at random.",
         .value = &instructions,
         .choices = TRIAD_INSTRUCTIONS},
        {.name = "hold-out",
         .kind = CLI_STRING,
         .argument = "FILE.tsv",
         .help = "A table with the columns verb, colour and object: missions that ask for one of its rows are never "
                 "trained on, and eval reports them apart.",
         .value = &hold_out},
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
         .help = "Budget in 10^12 floating-point operations, counted, when --steps is not given (0: the recipe's).",
         .value = &tflop,
         .min = 0,
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
        .arguments = "(--levels L,… | --demos FILE) -o AGENT",
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
    if ((names.count > 0) == (demos != NULL))
        return cli_usage_error(&usage, "what to learn from: either --levels or --demos is needed");
    const int picked = cli_pick_levels(levels, &usage, &names);
    if (picked != CLI_GO) return picked;
    if (!triad_instructions_find(&train.instructions, instructions)) return CLI_USAGE; /* checked by cli_parse */
    triad_items kept_out = {0};
    if (hold_out && triad_items_read(&kept_out, hold_out, err) != TRIAD_OK) return cli_fail(err);
    train.levels = levels;
    train.level_count = names.count;
    train.seed = context->seed;
    train.steps = (uint64_t)steps;
    train.demos = demos;
    train.hold_out = hold_out ? &kept_out : NULL;
    if (steps > 0 || tflop > 0 || demos) train.tflop = steps > 0 ? 0 : tflop;
    train.agent_path = output;
    const triad_status status = triad_agent_train(&train, context->pool, context->progress, err);
    if (hold_out) triad_items_free(&kept_out);
    if (status != TRIAD_OK) return cli_fail(err);
    if (!context->json) {
        printf("%s: trained on", output);
        for (size_t l = 0; l < names.count; l++) printf("%s %s", l ? "," : "", babyai_level_name(levels[l]));
        if (demos) printf(" %s", demos);
        printf("\n");
        return CLI_DONE;
    }
    json_object *root = json_object_new_object();
    json_object_object_add(root, "agent", json_object_new_string(output));
    json_object_object_add(root, "seed", json_object_new_uint64(train.seed));
    return cli_print_json(root);
}
