#include "cli/commands.h"
#include "cli/pick_levels.h"

#include "triad/agent.h"

#include <math.h>
#include <stdio.h>

/* Tests draw their seeds from here on; training stays below 10^9. */
#define FIRST_TEST_SEED 2000000000ULL

static json_object *kind_to_json(const triad_eval_kind *kind)
{
    json_object *entry = json_object_new_object(), *interval = json_object_new_array();
    json_object_array_add(interval, json_new_real(kind->wilson_low));
    json_object_array_add(interval, json_new_real(kind->wilson_high));
    json_object_object_add(entry, "episodes", json_object_new_int64((int64_t)kind->episodes));
    json_object_object_add(entry, "success", json_new_real(kind->success));
    json_object_object_add(entry, "wilson", interval);
    json_object_object_add(entry, "mean_steps", json_new_real(kind->mean_steps));
    json_object_object_add(entry, "mean_steps_bot", json_new_real(kind->mean_steps_bot));
    return entry;
}

static int print_json(const triad_eval_result *results, size_t count)
{
    json_object *root = json_object_new_object(), *list = json_object_new_array();
    json_object_object_add(root, "results", list);
    for (size_t l = 0; l < count; l++) {
        const triad_eval_result *result = &results[l];
        json_object *entry = json_object_new_object(), *interval = json_object_new_array();
        json_object_array_add(interval, json_new_real(result->wilson_low));
        json_object_array_add(interval, json_new_real(result->wilson_high));
        json_object_object_add(entry, "level", json_object_new_string(babyai_level_name(result->level)));
        json_object_object_add(entry, "episodes", json_object_new_int64((int64_t)result->episodes));
        json_object_object_add(entry, "success", json_new_real(result->success));
        json_object_object_add(entry, "wilson", interval);
        json_object_object_add(entry, "mean_steps", json_new_real(result->mean_steps));
        json_object_object_add(entry, "mean_steps_bot", json_new_real(result->mean_steps_bot));
        json_object_object_add(entry, "success_in_time", json_new_real(result->success_in_time));
        json_object_object_add(entry, "success_foreign", json_new_real(result->success_foreign));
        json_object *kinds = json_object_new_object();
        for (size_t k = 0; k < result->kinds; k++)
            json_object_object_add(kinds, result->kind[k].name, kind_to_json(&result->kind[k]));
        json_object_object_add(entry, "kinds", kinds);
        if (result->episodes_unseen) {
            json_object *unseen = json_object_new_array();
            json_object_array_add(unseen, json_new_real(result->unseen_low));
            json_object_array_add(unseen, json_new_real(result->unseen_high));
            json_object_object_add(entry, "episodes_unseen", json_object_new_int64((int64_t)result->episodes_unseen));
            json_object_object_add(entry, "success_unseen", json_new_real(result->success_unseen));
            json_object_object_add(entry, "wilson_unseen", unseen);
            json_object_object_add(entry, "success_seen", json_new_real(result->success_seen));
        }
        json_object_array_add(list, entry);
    }
    return cli_print_json(root);
}

static void print_number(double value, const char *format)
{
    if (isnan(value))
        printf("%9s", "-");
    else
        printf(format, value);
}

static int print_table(const triad_eval_result *results, size_t count)
{
    printf("%-24s %8s  %-15s %9s %9s %9s %9s\n", "level", "success", "95 % interval", "in time", "foreign", "steps",
           "bot");
    for (size_t l = 0; l < count; l++) {
        const triad_eval_result *result = &results[l];
        printf("%-24s %7.2f%%  %6.2f - %6.2f ", babyai_level_name(result->level), 100 * result->success,
               100 * result->wilson_low, 100 * result->wilson_high);
        print_number(100 * result->success_in_time, "%8.2f%%");
        printf(" ");
        print_number(100 * result->success_foreign, "%8.2f%%");
        printf(" ");
        print_number(result->mean_steps, "%9.2f");
        printf(" ");
        print_number(result->mean_steps_bot, "%9.2f");
        printf("\n");
        for (size_t k = 0; k < result->kinds && result->kinds > 1; k++) {
            const triad_eval_kind *kind = &result->kind[k];
            char name[64];
            snprintf(name, sizeof name, "%s (%zu)", kind->name, kind->episodes);
            printf("  %-22s %7.2f%%  %6.2f - %6.2f ", name, 100 * kind->success, 100 * kind->wilson_low,
                   100 * kind->wilson_high);
            printf("%9s %9s ", "", "");
            print_number(kind->mean_steps, "%9.2f");
            printf(" ");
            print_number(kind->mean_steps_bot, "%9.2f");
            printf("\n");
        }
        if (result->episodes_unseen)
            printf("  kept out of training   %7.2f%%  %6.2f - %6.2f   (%zu episodes; the others %.2f%%)\n",
                   100 * result->success_unseen, 100 * result->unseen_low, 100 * result->unseen_high,
                   result->episodes_unseen, 100 * result->success_seen);
    }
    return CLI_DONE;
}

int cmd_eval(cli_context *context, int argc, char **argv)
{
    cli_list names = {0};
    int64_t episodes = 1000;
    bool no_foreign = false;
    const cli_option options[] = {
        {.name = "levels",
         .kind = CLI_LIST,
         .argument = "L,…",
         .help = "BabyAI levels, short or full names.",
         .value = &names,
         .required = true},
        {.name = "episodes",
         .letter = 'n',
         .kind = CLI_INT,
         .argument = "N",
         .help = "Episodes a level, with a Wilson interval each.",
         .value = &episodes,
         .min = 1,
         .max = 1e7},
        {.name = "no-foreign",
         .kind = CLI_FLAG,
         .help = "Leave out the episodes under a foreign instruction, which take most of the time of a good agent.",
         .value = &no_foreign},
    };
    const cli_usage usage = {
        .command = "eval",
        .arguments = "AGENT --levels L,…",
        .description = "Has an agent act by its most probable action on the test episodes of each level (seeds from 2 "
                       "000 000 000 on, the same for every "
                       "agent), and prints success with its 95 % Wilson interval; success within 1.5 times the "
                       "expert's steps (in time); success when the "
                       "agent is told another episode's instruction, given up after 64 steps (foreign: what wandering "
                       "wins without language); and the mean "
                       "steps of agent and expert over the episodes that the agent solved. Where a level asks for "
                       "several kinds of things, each kind has a line of its own.\n\n"
                       "  triad eval agent.safetensors --levels GoToLocal,PickupDist -n 1000\n",
        .min_positional = 1,
        .max_positional = 1,
    };
    const char **positional;
    size_t count;
    const int parsed =
        cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, &positional, &count);
    if (parsed != CLI_GO) return parsed;
    triad_error *err = &context->error;
    const babyai_level *levels[CLI_LEVELS_MOST];
    triad_eval_result results[CLI_LEVELS_MOST];
    triad_agent *agent = NULL;
    const int picked = cli_pick_levels(levels, &usage, &names);
    if (picked != CLI_GO) return picked;
    triad_status status = triad_agent_open(&agent, positional[0], err);
    if (status == TRIAD_OK)
        status = triad_agent_evaluate(agent, levels, names.count, (size_t)episodes, FIRST_TEST_SEED, !no_foreign,
                                      results, context->pool, context->progress, err);
    triad_agent_close(agent);
    if (status != TRIAD_OK) return cli_fail(err);
    return context->json ? print_json(results, names.count) : print_table(results, names.count);
}
