#include "bench/bench.h"
#include "cli/cmd_bench.h"

int cmd_bench_train(cli_context *context, int argc, char **argv)
{
    double seconds = 5;
    int64_t width = 0;
    const char *batches = NULL;
    const cli_option options[] = {
        {.name = "width",
         .kind = CLI_INT,
         .argument = "N",
         .help = "The network's width, its feed-forward layers four times as wide (0: 128, then 256).",
         .value = &width,
         .min = 0,
         .max = 4096},
        {.name = "batches",
         .kind = CLI_STRING,
         .argument = "FILE",
         .help = "Write the first 32 batches to this file (safetensors) and measure nothing: for timing other "
                 "implementations on the same ones.",
         .value = &batches},
        {.name = "seconds",
         .kind = CLI_REAL,
         .argument = "S",
         .help = "How long to measure, a width.",
         .value = &seconds,
         .min = 0.01,
         .max = 3600},
    };
    const cli_usage usage = {
        .command = "bench train",
        .description = "Training's throughput at the recipe's configuration: counted operations a second of whole "
                       "updates (demonstrations, passes, optimiser; no files), turn about with OpenBLAS's sgemm at "
                       "2048 x 256 x 256 with as many threads. items_per_s are steps of demonstrations; "
                       "demonstrations_share is the part of the time that making them takes.\n\n"
                       "  triad bench train --json --seconds 8\n",
    };
    const int parsed = cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, NULL, NULL);
    if (parsed != CLI_GO) return parsed;
    if (batches) {
        const triad_status status = bench_train_batches(batches, (size_t)width, 32, context->pool, &context->error);
        return status == TRIAD_OK ? CLI_DONE : cli_fail(&context->error);
    }
    json_object *results = json_object_new_array();
    const size_t widths[] = {width ? (size_t)width : 128, 256};
    for (size_t w = 0; w < (width ? 1 : 2); w++) {
        if (bench_train(results, widths[w], seconds, context->pool, &context->error) == TRIAD_OK) continue;
        json_object_put(results);
        return cli_fail(&context->error);
    }
    return cli_print_bench(context, "train", results);
}
