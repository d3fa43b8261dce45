#include "bench/bench.h"
#include "cli/cmd_bench.h"
#include "triad/space.h"

#include <string.h>

int cmd_bench_align(cli_context *context, int argc, char **argv)
{
    const char *only = "all";
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
            "  triad bench align --json\n"
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
