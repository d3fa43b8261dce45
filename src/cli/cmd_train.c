#include "cli/commands.h"
#include "cli/pick_levels.h"
#include "cli/train_config.h"

#include "base/file.h"
#include "base/text.h"
#include "triad/agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EPISODES_ENOUGH = 100 /* of an opaque instruction */, HOLD_OUT_BYTES = 1 << 20 };

/* What took hours is not written over by mistake. */
static triad_status check_output(const triad_train_options *train, bool force, triad_arena *memory, triad_error *err)
{
    const size_t size = strlen(train->agent_path) + sizeof ".checkpoint";
    char *checkpoint = triad_arena_alloc(memory, size, 1);
    if (!checkpoint) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "train: out of memory");
    snprintf(checkpoint, size, "%s.checkpoint", train->agent_path);
    const bool has_agent = triad_path_exists(train->agent_path), can_go_on = triad_path_exists(checkpoint);
    if (force || (train->resume && can_go_on) || (!has_agent && !can_go_on)) return TRIAD_OK;
    if (!can_go_on)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                          "train: %s exists, without a checkpoint to go on from (replace it with --force, or name "
                          "another file)",
                          train->agent_path);
    return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                      "train: %s exists (go on from it with --resume, replace it with --force, or name another file)",
                      has_agent ? train->agent_path : checkpoint);
}

/* Combinations as an item table, or as a table of these columns alone: then the line number is each row's id and text.
 */
static triad_status read_hold_out(triad_items *items, const char *path, triad_error *err)
{
    char *text;
    size_t size;
    triad_status status = triad_read_whole(&text, &size, path, HOLD_OUT_BYTES, err);
    if (status != TRIAD_OK) return status;
    const char *header = strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
    if (size == 0 || strncmp(header, "id\t", 3) == 0) {
        status = triad_items_parse(items, text, size, path, err);
    } else {
        triad_text table = {0};
        size_t number = 0;
        for (const char *at = header; *at; number++) {
            const size_t line = strcspn(at, "\n");
            if (number == 0)
                triad_text_add(&table, "id\ttext\t");
            else
                triad_text_addf(&table, "%zu\t%zu\t", number, number);
            triad_text_addf(&table, "%.*s\n", (int)line, at);
            at += line + (at[line] != 0);
        }
        status = table.failed ? triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", path)
                              : triad_items_parse(items, table.bytes, table.size, path, err);
        triad_text_free(&table);
    }
    free(text);
    return status;
}

static void print_report(const triad_train_options *train, const triad_train_report *report, const char *demos)
{
    printf("%s: %strained on", train->agent_path, report->was_finished ? "was finished already; " : "");
    for (size_t l = 0; l < train->level_count; l++) printf("%s %s", l ? "," : "", babyai_level_name(train->levels[l]));
    printf("%s%s for %llu steps, %.3g TFLOP", demos ? " " : "", demos ? demos : "", (unsigned long long)report->steps,
           report->tflop);
    if (report->stopped) printf(", until each level's success reached %g", train->stop_at);
    printf("\n");
}

static void warn(const triad_train_report *report)
{
    if (*report->rarest && report->rarest_episodes < EPISODES_ENOUGH)
        fprintf(stderr,
                "triad: warning: '%s' was met in %llu episodes only, and its symbol is learnt from them alone (train "
                "longer: at least %d are wanted of each instruction)\n",
                report->rarest, (unsigned long long)report->rarest_episodes, EPISODES_ENOUGH);
}

int cmd_train(cli_context *context, int argc, char **argv)
{
    cli_list names = {0};
    const char *output = NULL;
    const char *demos = NULL, *instructions = "words", *hold_out = NULL;
    int64_t steps = 0;
    triad_train_options train = triad_train_defaults();
    const char *config = NULL, *from = NULL;
    bool force = false;
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
         .help = "A table with the columns verb, colour and object (a header, tabs between; others are ignored): "
                 "missions that ask for one of its rows are never "
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
         .help =
             "DAgger: in this share of the episodes the agent itself acts, up to a point where the expert takes over; "
             "it learns what the expert would have done up to its first step astray, and what the expert does "
             "then (below 0: the configuration's, or none). Its acting counts in --tflop.",
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
        {.name = "force",
         .kind = CLI_FLAG,
         .help = "Begin anew over an AGENT that exists, which is refused otherwise.",
         .value = &force},
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
    if (force && train.resume) return cli_usage_error(&usage, "either --resume or --force");
    triad_items kept_out = {0};
    if (hold_out && read_hold_out(&kept_out, hold_out, err) != TRIAD_OK) return cli_fail(err);
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
    triad_train_report report;
    if (status == TRIAD_OK) status = check_output(&train, force, &context->memory, err);
    if (status == TRIAD_OK) status = triad_agent_train(&train, &report, context->pool, context->progress, err);
    if (hold_out) triad_items_free(&kept_out);
    if (status != TRIAD_OK) return cli_fail(err);
    if (!context->quiet) warn(&report);
    if (!context->json) {
        print_report(&train, &report, demos);
        return CLI_DONE;
    }
    json_object *root = json_object_new_object();
    json_object_object_add(root, "agent", json_object_new_string(output));
    json_object_object_add(root, "seed", json_object_new_uint64(train.seed));
    json_object_object_add(root, "steps", json_object_new_uint64(report.steps));
    json_object_object_add(root, "tflop", json_new_real(report.tflop));
    json_object_object_add(root, "was_finished", json_object_new_boolean(report.was_finished));
    if (*report.rarest)
        json_object_object_add(root, "fewest_episodes_of_an_instruction",
                               json_object_new_uint64(report.rarest_episodes));
    return cli_print_json(root);
}
