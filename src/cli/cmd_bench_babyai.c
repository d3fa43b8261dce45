#include "bench/bench.h"
#include "cli/cmd_bench.h"
#include "cli/pick_levels.h"

int cmd_bench_babyai(cli_context *context, int argc, char **argv)
{
    static const char *defaults[] = {"GoToLocal", "BossLevel"};
    cli_list names = {2, defaults};
    int64_t envs = 4096, rounds = 3;
    double seconds = 1;
    const cli_option options[] = {
        {.name = "levels",
         .kind = CLI_LIST,
         .argument = "L,…",
         .help = "BabyAI levels, short or full names.",
         .value = &names},
        {.name = "envs",
         .kind = CLI_INT,
         .argument = "N",
         .help = "Environments side by side.",
         .value = &envs,
         .min = 1,
         .max = 1e7},
        {.name = "seconds",
         .kind = CLI_REAL,
         .argument = "S",
         .help = "How long a run takes.",
         .value = &seconds,
         .min = 0.01,
         .max = 3600},
        {.name = "rounds",
         .kind = CLI_INT,
         .argument = "N",
         .help = "Runs of each kind, turn about; the best counts.",
         .value = &rounds,
         .min = 1,
         .max = 1000},
    };
    const cli_usage usage = {
        .command = "bench babyai",
        .description = "Environments in a batch: steps a second under random actions (drawn inside the timed loop, "
                       "ended episodes followed by new ones from the environment's own stream, every observation "
                       "written), resets a second (first observations written), and demonstrations of the expert a "
                       "second, recorded and written to a file in $TMPDIR or /tmp, observations included.\n\n"
                       "tools/babyai_against_minigrid.py runs it beside Minigrid on one core.\n\n"
                       "  triad bench babyai --json --threads 1\n"
                       "  triad bench babyai --levels GoToObj,Synth --envs 256\n",
    };
    const int parsed = cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, NULL, NULL);
    if (parsed != CLI_GO) return parsed;
    const babyai_level *levels[CLI_LEVELS_MOST];
    const int picked = cli_pick_levels(levels, &usage, &names);
    if (picked != CLI_GO) return picked;
    json_object *results = json_object_new_array();
    for (size_t i = 0; i < names.count; i++)
        if (bench_babyai(results, levels[i], (size_t)envs, (int)rounds, seconds, context->pool, &context->error) !=
            TRIAD_OK) {
            json_object_put(results);
            return cli_fail(&context->error);
        }
    return cli_print_bench(context, "babyai", results);
}
