#include "cli/cmd_bench.h"

#include "base/text.h"
#include "bench/bench.h"
#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

/* A benchmark is declared in cmd_bench.h and gets its line here. */
static const cli_command BENCHMARKS[] = {
    {"align", "seconds of alignment, single measures and all pairs", cmd_bench_align},
    {"babyai", "steps, resets and demonstrations a second", cmd_bench_babyai},
    {"embed", "sentences a second through a model", cmd_bench_embed},
    {"train", "training's throughput beside OpenBLAS's", cmd_bench_train},
};
enum { BENCHMARK_COUNT = sizeof BENCHMARKS / sizeof *BENCHMARKS, CELL = 64 };

static void cell(char text[CELL], json_object *value)
{
    if (!json_object_is_type(value, json_type_double)) {
        snprintf(text, CELL, "%s", value ? json_object_get_string(value) : "");
        return;
    }
    const double number = json_object_get_double(value);
    snprintf(text, CELL, number < 10 ? "%.3f" : number < 1000 ? "%.1f" : "%.0f", number);
}

static void print_table(json_object *results)
{
    const size_t rows = json_object_array_length(results);
    if (rows == 0) return;
    for (int row = -1; row < (int)rows; row++) {
        const char *gap = "";
        json_object_object_foreach(json_object_array_get_idx(results, 0), name, first)
        {
            char text[CELL];
            int width = (int)strlen(name);
            for (size_t r = 0; r < rows; r++) {
                cell(text, json_object_object_get(json_object_array_get_idx(results, r), name));
                if ((int)strlen(text) > width) width = (int)strlen(text);
            }
            if (row >= 0) cell(text, json_object_object_get(json_object_array_get_idx(results, (size_t)row), name));
            const bool words = json_object_is_type(first, json_type_string);
            printf("%s%*s", gap, words ? -width : width, row < 0 ? name : text);
            gap = "  ";
        }
        printf("\n");
    }
}

int cli_print_bench(const cli_context *context, const char *bench, json_object *results)
{
    if (context->json) return cli_print_json(bench_document(bench, results));
    print_table(results);
    json_object_put(results);
    return CLI_DONE;
}

int cmd_bench(cli_context *context, int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < BENCHMARK_COUNT; i++)
        if (strcmp(argv[1], BENCHMARKS[i].name) == 0) return BENCHMARKS[i].run(context, argc - 1, argv + 1);

    triad_text text = {0};
    const char *names[BENCHMARK_COUNT];
    triad_text_add(&text, "Measures this machine. The figures are rates, the best of several runs; run it on a quiet "
                          "machine. The options of a benchmark stand behind its name: triad bench NAME --help.\n\n");
    for (size_t i = 0; i < BENCHMARK_COUNT; i++) {
        names[i] = BENCHMARKS[i].name;
        triad_text_addf(&text, "  %-12s%s\n", BENCHMARKS[i].name, BENCHMARKS[i].summary);
    }
    triad_text_add(&text, "\n  triad bench babyai --json --threads 1\n");
    const cli_usage usage = {.command = "bench",
                             .arguments = "NAME [OPTION…]",
                             .description = text.failed ? "" : text.bytes,
                             .min_positional = 1,
                             .max_positional = SIZE_MAX};
    const char **positional;
    size_t count;
    int status = cli_parse(context, &usage, NULL, 0, argc, argv, &positional, &count);
    if (status == CLI_GO) {
        const char *near = triad_nearest_name(positional[0], names, BENCHMARK_COUNT);
        if (near && strcmp(near, positional[0]) == 0)
            status = cli_usage_error(&usage, "options stand behind the benchmark's name (triad bench %s …)", near);
        else if (near)
            status = cli_usage_error(&usage, "%s: no such benchmark (did you mean %s?)", positional[0], near);
        else
            status = cli_usage_error(&usage, "%s: no such benchmark (triad bench --help lists them)", positional[0]);
    }
    triad_text_free(&text);
    return status;
}
