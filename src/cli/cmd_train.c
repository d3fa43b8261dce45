#include "cli/commands.h"
#include "cli/pick_levels.h"
#include "cli/train_config.h"

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
    const char *config = NULL, *from = NULL;
    double tflop = 0, stop_at = -1, dagger = -1;
    int64_t validations = -1, validation_episodes = 0;
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
        {.name = "config",
         .kind = CLI_STRING,
         .argument = "FILE.yaml",
         .help =
             "Network and training in numbers (docs/agent.md lists the keys); options on the command line go before.",
         .value = &config},
        {.name = "from",
         .kind = CLI_STRING,
         .argument = "AGENT",
         .help = "Start from this agent's parameters instead of random ones.",
         .value = &from},
        {.name = "dagger",
         .kind = CLI_REAL,
         .argument = "SHARE",
         .help = "DAgger: in this share of the episodes the agent itself acts, and learns what the expert would have "
                 "done in every state it came to (below 0: the configuration's, or none). Its acting counts in "
                 "--tflop.",
         .value = &dagger,
         .min = -1,
         .max = 1},
        {.name = "validations",
         .kind = CLI_INT,
         .argument = "N",
         .help = "How often to try the agent on validation episodes while it learns (-1: the configuration's, or 10).",
         .value = &validations,
         .min = -1,
         .max = 10000},
        {.name = "validation-episodes",
         .kind = CLI_INT,
         .argument = "N",
         .help = "Episodes a level each time (0: the configuration's, or 200).",
         .value = &validation_episodes,
         .min = 0,
         .max = 1e6},
        {.name = "stop-at",
         .kind = CLI_REAL,
         .argument = "S",
         .help =
             "End early, once every level's success in a validation is at least S (below 0: the configuration's, or "
             "never).",
         .value = &stop_at,
         .min = -1,
         .max = 1},
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
                       "shares. Without --steps, --tflop or --config the budget is the recipe's, with which agents of "
                       "these levels met their bar. The same options and --seed give the same agent, byte for byte, "
                       "whatever --threads "
                       "says; a run that was interrupted goes on "
                       "with --resume and ends in the same bytes.\n\n"
                       "Beside AGENT come AGENT.log.jsonl (loss, accuracy, success on validation "
                       "seeds, rate: the only file that holds times), "
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
    train.demos = demos;
    train.hold_out = hold_out ? &kept_out : NULL;
    train.agent_path = output;
    train.from = from;
    triad_status status = TRIAD_OK;
    if (config) status = train_config_read(&train, config, &context->memory, err);
    if (steps > 0 || tflop > 0) {
        train.steps = (uint64_t)steps;
        train.tflop = steps > 0 ? 0 : tflop;
    }
    if (validations >= 0) train.validations = (size_t)validations;
    if (validation_episodes > 0) train.validation_episodes = (size_t)validation_episodes;
    if (stop_at >= 0) train.stop_at = stop_at;
    if (dagger >= 0) train.dagger = dagger;
    if (status == TRIAD_OK) status = triad_agent_train(&train, context->pool, context->progress, err);
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
