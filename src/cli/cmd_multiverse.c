#include "base/file.h"
#include "cli/commands.h"
#include "triad/multiverse.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_space(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && (strcmp(dot, ".safetensors") == 0 || strcmp(dot, ".npy") == 0);
}

typedef struct folder {
    int count;
    struct dirent **entry;
    char **name;
    triad_space *space;
    triad_align_side *side;
} folder;

/* Spaces of a study's folder lie in spaces/; any other folder of spaces will do. */
static triad_status read_folder(folder *f, const char *path, triad_error *err)
{
    char *within = triad_path_join(path, "spaces");
    const char *from = within && triad_path_is_folder(within) ? within : path;
    triad_status status = TRIAD_OK;
    f->count = scandir(from, &f->entry, is_space, alphasort);
    if (f->count < 2) {
        status = triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                            "%s: holds %s (a study's folder, or one with two spaces or more, is wanted)", path,
                            f->count < 0 ? "nothing that can be read" : "fewer than two spaces");
        if (f->count < 0) f->count = 0;
    }
    const size_t count = (size_t)f->count;
    f->name = calloc(count + 1, sizeof *f->name);
    f->space = calloc(count + 1, sizeof *f->space);
    f->side = calloc(count + 1, sizeof *f->side);
    if (status == TRIAD_OK && (!f->name || !f->space || !f->side || !within))
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "multiverse: out of memory");
    for (size_t i = 0; status == TRIAD_OK && i < count; i++) {
        char *file = triad_path_join(from, f->entry[i]->d_name);
        f->name[i] = strdup(f->entry[i]->d_name);
        if (file == NULL || f->name[i] == NULL) {
            status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "multiverse: out of memory");
        } else {
            *strrchr(f->name[i], '.') = '\0';
            status = triad_space_read(&f->space[i], file, err);
            f->side[i] = (triad_align_side){f->name[i], &f->space[i], NULL};
        }
        free(file);
    }
    free(within);
    return status;
}

static void free_folder(folder *f)
{
    for (int i = 0; i < f->count; i++) {
        if (f->name) free(f->name[i]);
        if (f->space) triad_space_free(&f->space[i]);
        free(f->entry[i]);
    }
    free(f->entry);
    free(f->name);
    free(f->space);
    free(f->side);
}

static const char *const READINGS[] = {"retrieval", "overlap"};

static json_object *to_json(const triad_multiverse *m)
{
    json_object *root = json_object_new_object(), *pairs = json_object_new_array(), *kept = json_object_new_object();
    for (size_t x = 0; x < m->sides; x++)
        for (size_t y = x + 1; y < m->sides; y++) {
            json_object *pair = json_object_new_object();
            json_object_object_add(pair, "x", json_object_new_string(m->name[x]));
            json_object_object_add(pair, "y", json_object_new_string(m->name[y]));
            for (size_t r = 0; r < 2; r++) {
                const triad_spread spread = triad_multiverse_spread(m, x, y, READINGS[r]);
                json_object *object = json_object_new_object();
                json_object_object_add(object, "combinations", json_object_new_int64((int64_t)spread.count));
                json_object_object_add(object, "preset", json_new_real(spread.preset));
                json_object_object_add(object, "low", json_new_real(spread.low));
                json_object_object_add(object, "median", json_new_real(spread.median));
                json_object_object_add(object, "high", json_new_real(spread.high));
                json_object_object_add(pair, READINGS[r], object);
            }
            json_object_array_add(pairs, pair);
        }
    json_object_object_add(root, "k", json_object_new_int64(15));
    json_object_object_add(root, "pairs", pairs);
    for (size_t r = 0; r < 2; r++) json_object_object_add(kept, READINGS[r], json_new_real(m->order_kept[r]));
    json_object_object_add(root, "order_kept", kept);
    return root;
}

static void print_spreads(const triad_multiverse *m)
{
    printf("P@15 over all combinations of choices; * is the preset's\n");
    printf("%-34s%-11s%6s%9s%9s%9s%9s\n", "", "", "of", "*", "low", "median", "high");
    for (size_t x = 0; x < m->sides; x++)
        for (size_t y = x + 1; y < m->sides; y++)
            for (size_t r = 0; r < 2; r++) {
                const triad_spread s = triad_multiverse_spread(m, x, y, READINGS[r]);
                char pair[64];
                snprintf(pair, sizeof pair, "%.28s, %.28s", m->name[x], m->name[y]);
                printf("%-34s%-11s%6zu%9.3f%9.3f%9.3f%9.3f\n", r ? "" : pair, READINGS[r], s.count, s.preset, s.low,
                       s.median, s.high);
            }
    for (size_t r = 0; r < 2; r++)
        if (!isnan(m->order_kept[r]))
            printf("%s: %.0f %% of the preset's orders of two pairs hold under another combination.\n", READINGS[r],
                   100 * m->order_kept[r]);
}

int cmd_multiverse(cli_context *context, int argc, char **argv)
{
    const char *output = NULL;
    const cli_option options[] = {{.name = "output",
                                   .letter = 'o',
                                   .kind = CLI_STRING,
                                   .argument = "FILE.csv",
                                   .help = "Where the table of all combinations goes. DIR/multiverse.csv unless said.",
                                   .value = &output}};
    const cli_usage usage = {
        .command = "multiverse",
        .arguments = "DIR [-o FILE.csv]",
        .description =
            "Asks every pair of a study's spaces for precision@k under every combination of the protocol's choices: "
            "reading (retrieval, overlap), transform (none, centred, standardised, three components removed), folds "
            "(random, by group), map (Procrustes, ridge, CCA), protocol (strict64, strict, vlca, pad), pool, "
            "direction, score and k. The preset combination, the headline's, is marked. Prints how far each pair's "
            "figure moves and how often the order of two pairs stays.\n\n"
            "  triad multiverse runs/quick\n",
        .min_positional = 1,
        .max_positional = 1,
    };
    const char **positional;
    size_t count;
    const int parsed =
        cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, &positional, &count);
    if (parsed != CLI_GO) return parsed;
    triad_error *err = &context->error;
    folder f = {0};
    triad_multiverse multiverse = {0};
    char *path = output ? strdup(output) : triad_path_join(positional[0], "multiverse.csv");
    triad_status status = read_folder(&f, positional[0], err);
    if (status == TRIAD_OK)
        status = triad_multiverse_run(&multiverse, f.side, (size_t)f.count, context->seed, context->pool,
                                      context->progress, err);
    if (status == TRIAD_OK && path) status = triad_multiverse_write_csv(&multiverse, path, err);
    int exit_status = CLI_DONE;
    if (status != TRIAD_OK)
        exit_status = cli_fail(err);
    else if (context->json)
        exit_status = cli_print_json(to_json(&multiverse));
    else
        print_spreads(&multiverse);
    triad_multiverse_free(&multiverse);
    free_folder(&f);
    free(path);
    return exit_status;
}
