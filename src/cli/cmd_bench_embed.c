#include "bench/bench.h"
#include "cli/cmd_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* "go to THING", "pick up THING", "put THING next to THING": distinct instructions of some eight words, in a fixed
 * order that no other list of them has to share. */
static triad_status instructions(triad_items *items, size_t wanted, triad_error *err)
{
    static const char *const articles[] = {"the", "a"}, *const colours[] = {"",        " red",    " green", " blue",
                                                                            " purple", " yellow", " grey"},
                             *const objects[] = {" ball", " box", " key", " door"},
                             *const places[] = {"", " on your left", " on your right", " in front of you",
                                                " behind you"};
    enum { THINGS = 2 * 7 * 4 * 5, WORDS = 48 };
    static char thing[THINGS][WORDS];
    for (int i = 0; i < THINGS; i++)
        snprintf(thing[i], WORDS, "%s%s%s%s", articles[i % 2], colours[i / 2 % 7], objects[i / 14 % 4],
                 places[i / 56 % 5]);
    triad_text all = {0};
    size_t made = 0;
    for (int i = 0; i < THINGS && made < wanted; i++, made++) triad_text_addf(&all, "go to %s\n", thing[i]);
    for (int i = 0; i < THINGS && made < wanted; i++)
        if (i / 14 % 4 != 3) {
            triad_text_addf(&all, "pick up %s\n", thing[i]);
            made++;
        }
    /* Nothing is put next to itself, doors stay where they are. */
    for (int i = 0; i < THINGS * THINGS && made < wanted; i++) {
        const int what = i % THINGS, where = (i * 37 + i / THINGS) % THINGS;
        if (what == where || what / 14 % 4 == 3) continue;
        triad_text_addf(&all, "put %s next to %s\n", thing[what], thing[where]);
        made++;
    }
    triad_status status = all.failed ? triad_fail(err, TRIAD_ERR_MEMORY, -1, "bench embed: out of memory")
                                     : triad_items_parse_lines(items, all.bytes, all.size, "instructions", err);
    triad_text_free(&all);
    return status;
}

int cmd_bench_embed(cli_context *context, int argc, char **argv)
{
    const char *sentences = NULL;
    int64_t repeats = 3, count = 1000, megabytes = 0;
    bench_embed_options how = {.sgemm = true};
    bool no_sgemm = false;
    const cli_option options[] = {
        {.name = "sentences",
         .kind = CLI_STRING,
         .argument = "FILE",
         .help = "What to embed: a .tsv with id and text, or plain text, a sentence a line. Without it: instructions.",
         .value = &sentences},
        {.name = "count",
         .kind = CLI_INT,
         .argument = "N",
         .help = "How many instructions.",
         .value = &count,
         .min = 1,
         .max = 100000},
        {.name = "repeats",
         .kind = CLI_INT,
         .argument = "N",
         .help = "Runs after one that warms up; the best counts. 0: that one counts.",
         .value = &repeats,
         .min = 0,
         .max = 1000},
        {.name = "apart",
         .kind = CLI_FLAG,
         .help = "Compute prefixes that sentences share for each of them again.",
         .value = &how.apart},
        {.name = "no-sgemm", .kind = CLI_FLAG, .help = "Leave OpenBLAS out.", .value = &no_sgemm},
        {.name = "memory",
         .kind = CLI_INT,
         .argument = "MIB",
         .help = "Hidden states beyond this lie in a mapped file. 0: the default, 1024.",
         .value = &megabytes,
         .min = 0,
         .max = 1 << 20},
    };
    const cli_usage usage = {
        .command = "bench embed",
        .arguments = "MODEL…",
        .description = "Sentences a second through a model, tokenizing included and all layers kept, as `triad embed "
                       "--layers all` does it without its file. gflops counts the products of the tokens that are "
                       "computed (tokens_computed: each distinct prefix once); gflops_sgemm is OpenBLAS's rate in the "
                       "same run, at these weights' shapes, with as many rows and threads.\n\n"
                       "  triad bench embed models/SmolLM2.gguf --json\n",
        .min_positional = 1,
        .max_positional = 16,
    };
    const char **source;
    size_t sources;
    const int parsed =
        cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, &source, &sources);
    if (parsed != CLI_GO) return parsed;
    how.repeats = (int)repeats;
    how.sgemm = !no_sgemm;
    how.memory = (size_t)megabytes << 20;
    triad_items items = {0};
    triad_error *err = &context->error;
    json_object *results = json_object_new_array();
    triad_status status =
        sentences != NULL ? triad_items_read(&items, sentences, err) : instructions(&items, (size_t)count, err);
    for (size_t i = 0; i < sources && status == TRIAD_OK; i++) {
        status = bench_embed(results, source[i], &items, &how, context->pool, err);
        if (status != TRIAD_OK) (void)triad_fail_in(err, source[i]);
    }
    triad_items_free(&items);
    if (status == TRIAD_OK) return cli_print_bench(context, "embed", results);
    json_object_put(results);
    return cli_fail(err);
}
