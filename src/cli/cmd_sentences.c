#include "cli/commands.h"
#include "cli/pick_levels.h"

#include <stdio.h>

int cmd_sentences(cli_context *context, int argc, char **argv)
{
    cli_list names = {0};
    const char *output = NULL;
    int64_t sample = 0, cipher = -1;
    const cli_option options[] = {
        {.name = "levels",
         .kind = CLI_LIST,
         .argument = "L,…",
         .help = "BabyAI levels, short or full names.",
         .value = &names,
         .required = true},
        {.name = "output",
         .letter = 'o',
         .kind = CLI_STRING,
         .argument = "FILE.tsv",
         .help = "Where the sentences go.",
         .value = &output,
         .required = true},
        {.name = "sample",
         .kind = CLI_INT,
         .argument = "N",
         .min = 0,
         .max = 1e6,
         .value = &sample,
         .help = "N different ones met in episodes from --seed on, where there are too many to list; 0: all."},
        {.name = "cipher",
         .kind = CLI_INT,
         .argument = "SEED",
         .min = -1,
         .max = 9e15,
         .value = &cipher,
         .help = "Content words renamed one to one by nonce words drawn from SEED; -1: not."},
    };
    const cli_usage usage = {
        .command = "sentences",
        .arguments = "--levels L,… -o FILE.tsv",
        .description = "Writes the instructions of levels with their factors (verb, article, colour, object, location, "
                       "…) as a table that every\n"
                       "other command takes: all that the levels can say, in sorted order, when these are at most "
                       "100000; or a sample.\n\n"
                       "`group` is the same for near-duplicates: sentences that differ in articles only, or in which "
                       "of two things is put next\n"
                       "to the other.\n\n"
                       "  triad sentences --levels GoToLocal,PickupLoc -o sentences.tsv\n"
                       "  triad sentences --levels BossLevel --sample 1000 -o boss.tsv\n"
                       "  triad sentences --levels GoToLocal --cipher 7 -o cipher.tsv\n",
        .min_positional = 0,
        .max_positional = 0,
    };
    const char **positional;
    size_t count;
    const int parsed =
        cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, &positional, &count);
    if (parsed != CLI_GO) return parsed;
    triad_error *err = &context->error;
    const babyai_level *levels[CLI_LEVELS_MOST];
    triad_items items = {0}, renamed = {0};
    const int picked = cli_pick_levels(levels, &usage, &names);
    if (picked != CLI_GO) return picked;
    triad_status status = sample
                              ? babyai_sentences_sample(&items, levels, names.count, (size_t)sample, context->seed, err)
                              : babyai_sentences(&items, levels, names.count, err);
    if (status == TRIAD_OK && cipher >= 0) status = babyai_cipher(&renamed, &items, (uint64_t)cipher, err);
    if (status == TRIAD_OK) status = triad_items_write(cipher >= 0 ? &renamed : &items, output, err);
    const size_t written = items.count;
    triad_items_free(&items);
    triad_items_free(&renamed);
    if (status != TRIAD_OK) return cli_fail(err);
    if (context->json) {
        json_object *root = json_object_new_object();
        json_object_object_add(root, "sentences", json_object_new_int64((int64_t)written));
        return cli_print_json(root);
    }
    if (!context->quiet) printf("%zu sentences in %s\n", written, output);
    return CLI_DONE;
}
