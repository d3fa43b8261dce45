#include "bench/bench.h"
#include "bench/calibration.h"
#include "cli/cmd_bench.h"
#include "triad/space.h"

#include <string.h>

int cmd_bench_align(cli_context *context, int argc, char **argv)
{
    const char *only = "all", *state = NULL;
    bool calibration = false;
    int64_t draws = 0;
    int64_t n = 5000, d = 4096, sentences = 1000, rounds = 3;
    const cli_option options[] = {
        {.name = "only",
         .kind = CLI_CHOICE,
         .argument = "WHAT",
         .choices = "all|kernels|pairs",
         .help = "Single measures of two large spaces, or everything for all pairs of ten.",
         .value = &only},
        {.name = "rows",
         .kind = CLI_INT,
         .argument = "N",
         .min = 16,
         .max = 1e6,
         .help = "Sentences of the two large spaces.",
         .value = &n},
        {.name = "width", .kind = CLI_INT, .argument = "D", .min = 1, .max = 1e6, .help = "Their width.", .value = &d},
        {.name = "sentences",
         .kind = CLI_INT,
         .argument = "N",
         .min = 16,
         .max = 1e6,
         .help = "Sentences of the ten spaces.",
         .value = &sentences},
        {.name = "calibration",
         .kind = CLI_FLAG,
         .help =
             "Instead: do nulls and intervals keep what they promise, on simulated spaces? Fails where one does not.",
         .value = &calibration},
        {.name = "state",
         .kind = CLI_STRING,
         .argument = "FILE.json",
         .help = "Where the calibration keeps what is done; a killed one goes on from there.",
         .value = &state},
        {.name = "draws",
         .kind = CLI_INT,
         .argument = "N",
         .min = 0,
         .max = 1000000,
         .help = "Of the calibration, for a quick look (0: 1,000, and 200 for held-out words).",
         .value = &draws},
        {.name = "rounds",
         .kind = CLI_INT,
         .argument = "N",
         .min = 1,
         .max = 1000,
         .help = "Best of so many, the measures in turn.",
         .value = &rounds},
    };
    const cli_usage usage = {
        .command = "bench align",
        .arguments = "[X Y]",
        .description =
            "Seconds for mutual_knn/15, cka_linear_debiased and rsa/cosine/spearman of two spaces (simulated, or two "
            "files as `triad align` takes them), from rows in memory to the value; then the seconds of everything that "
            "`triad align` computes by default for all 45 pairs of ten simulated spaces, 128 to 4,096 wide. value is "
            "the measure, or the mean of mutual_knn_frac/15 over the pairs.\n\n"
            "bench/align_numpy.py runs the first three turn about with NumPy on the same arrays.\n\n"
            "--calibration simulates spaces of 200 sentences whose truth is known, 9,000 pairs in all, and counts how "
            "often nulls reject and intervals hold the truth.\n\n"
            "  triad bench align --json\n"
            "  triad bench align --calibration --state calibration.json\n"
            "  triad bench align --only kernels --rows 2000 --width 1024\n",
        .max_positional = 2,
    };
    const char **positional;
    size_t count;
    const int parsed =
        cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, &positional, &count);
    if (parsed != CLI_GO) return parsed;
    if (count == 1) return cli_usage_error(&usage, "two spaces are compared: name both, or none");
    triad_error *err = &context->error;
    json_object *results = json_object_new_array();
    triad_status status = TRIAD_OK;
    if (calibration) {
        calibration_size size = calibration_full();
        if (draws > 0) size = (calibration_size){(size_t)draws, (size_t)(draws + 4) / 5, 2 * (size_t)draws};
        bool holds;
        status = bench_calibration(results, &holds, state, &size, context->seed, context->pool, context->progress, err);
        if (status != TRIAD_OK) {
            json_object_put(results);
            return cli_fail(err);
        }
        const int printed = cli_print_bench(context, "align --calibration", results);
        return printed == CLI_DONE && !holds ? CLI_FAILED : printed;
    }
    if (count == 2) {
        triad_space x = {0}, y = {0};
        status = triad_space_read(&x, positional[0], err);
        if (status == TRIAD_OK) status = triad_space_read(&y, positional[1], err);
        if (status == TRIAD_OK) status = bench_align_kernels(results, &x, &y, (size_t)rounds, context->pool, err);
        triad_space_free(&x);
        triad_space_free(&y);
    } else if (strcmp(only, "pairs") != 0) {
        status = bench_align_kernels_simulated(results, (size_t)n, (size_t)d, (size_t)rounds, context->pool, err);
    }
    if (status == TRIAD_OK && count == 0 && strcmp(only, "kernels") != 0)
        status = bench_align_pairs(results, (size_t)sentences, context->pool, context->progress, err);
    if (status != TRIAD_OK) {
        json_object_put(results);
        return cli_fail(err);
    }
    return cli_print_bench(context, "align", results);
}
