#include "base/file.h"
#include "cli/commands.h"
#include "cli/parse_ks.h"
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
    int entries;
    size_t count; /* of spaces */
    struct dirent **entry;
    char **name;
    triad_space *space;
    triad_align_side *side;
} folder;

/* "smollm2.space.safetensors" is called smollm2. */
static void name_space(char *name)
{
    static const char *const endings[] = {".safetensors", ".npy", ".space"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const size_t length = strlen(name), ending = strlen(endings[i]);
        if (length > ending && strcmp(name + length - ending, endings[i]) == 0) name[length - ending] = '\0';
    }
}

/* Spaces of a study's folder lie in spaces/; any other folder of spaces will do. names: those that are wanted; none:
 * all. */
static triad_status read_folder(folder *f, const char *path, const cli_list *names, triad_error *err)
{
    char *within = triad_path_join(path, "spaces");
    const char *from = within && triad_path_is_folder(within) ? within : path;
    triad_status status = TRIAD_OK;
    f->entries = scandir(from, &f->entry, is_space, alphasort);
    if (f->entries < 0) {
        status = triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                            "%s: can't be read (a study's folder, or one of spaces, is wanted)", path);
        f->entries = 0;
    }
    const size_t most = (size_t)f->entries;
    f->name = calloc(most + 1, sizeof *f->name);
    f->space = calloc(most + 1, sizeof *f->space);
    f->side = calloc(most + 1, sizeof *f->side);
    bool *met = calloc(names->count + 1, sizeof *met);
    if (status == TRIAD_OK && (!f->name || !f->space || !f->side || !within || !met))
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "multiverse: out of memory");
    for (size_t i = 0; status == TRIAD_OK && i < most; i++) {
        char *file = triad_path_join(from, f->entry[i]->d_name), *name = strdup(f->entry[i]->d_name);
        bool wanted = names->count == 0;
        if (name) name_space(name);
        for (size_t w = 0; name && w < names->count; w++)
            if (strcmp(names->names[w], name) == 0) wanted = met[w] = true;
        if (file == NULL || name == NULL)
            status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "multiverse: out of memory");
        else if (wanted)
            status = triad_space_read(&f->space[f->count], file, err);
        if (status == TRIAD_OK && wanted) {
            f->name[f->count] = name;
            f->side[f->count] = (triad_align_side){name, &f->space[f->count], NULL};
            f->count++;
            name = NULL;
        }
        free(name);
        free(file);
    }
    for (size_t w = 0; status == TRIAD_OK && w < names->count; w++)
        if (!met[w])
            status = triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                                "--spaces: %s holds no space called %.80s (a space is called "
                                "as its file, without the ending)",
                                from, names->names[w]);
    if (status == TRIAD_OK && f->count < 2)
        status =
            triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                       "%s: holds fewer than two spaces (a study's folder, or one with two or more, is wanted)", path);
    free(met);
    free(within);
    return status;
}

static void free_folder(folder *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free(f->name[i]);
        triad_space_free(&f->space[i]);
    }
    for (int i = 0; i < f->entries; i++) free(f->entry[i]);
    free(f->entry);
    free(f->name);
    free(f->space);
    free(f->side);
}

static const char *const READINGS[] = {"retrieval", "overlap"};

static json_object *to_json(const triad_multiverse *m)
{
    json_object *root = json_object_new_object(), *pairs = json_object_new_array(), *kept = json_object_new_object();
    for (size_t x = 0; x < m->things; x++)
        for (size_t y = x + 1; y < m->things; y++) {
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
    json_object_object_add(root, "k", json_object_new_int64((int64_t)m->preset_k));
    json_object_object_add(root, "pairs", pairs);
    for (size_t r = 0; r < 2; r++) json_object_object_add(kept, READINGS[r], json_new_real(m->order_kept[r]));
    json_object_object_add(root, "order_kept", kept);
    return root;
}

static void print_spreads(const triad_multiverse *m)
{
    printf("P@%zu over all combinations of choices; * is the preset's\n", m->preset_k);
    printf("%-34s%-11s%9s%9s%9s%9s%9s\n", "", "", "choices", "*", "low", "median", "high");
    for (size_t x = 0; x < m->things; x++)
        for (size_t y = x + 1; y < m->things; y++)
            for (size_t r = 0; r < 2; r++) {
                const triad_spread s = triad_multiverse_spread(m, x, y, READINGS[r]);
                char pair[64];
                snprintf(pair, sizeof pair, "%.28s, %.28s", m->name[x], m->name[y]);
                printf("%-34s%-11s%9zu%9.3f%9.3f%9.3f%9.3f\n", r ? "" : pair, READINGS[r], s.count, s.preset, s.low,
                       s.median, s.high);
            }
    for (size_t r = 0; r < 2; r++)
        if (!isnan(m->order_kept[r]))
            printf("%s: %.0f %% of the preset's orders of two pairs hold under another combination.\n", READINGS[r],
                   100 * m->order_kept[r]);
}

int cmd_multiverse(cli_context *context, int argc, char **argv)
{
    const char *output = NULL, *layers = "both";
    cli_list ks = {0}, names = {0};
    const cli_option options[] = {
        {.name = "output",
         .letter = 'o',
         .kind = CLI_STRING,
         .argument = "FILE.csv",
         .help = "Where the table of all combinations goes. DIR/multiverse.csv unless said.",
         .value = &output},
        {.name = "spaces",
         .kind = CLI_LIST,
         .argument = "NAME,…",
         .help = "These spaces of the folder alone; all unless said.",
         .value = &names},
        {.name = "layers",
         .kind = CLI_CHOICE,
         .argument = "WHICH",
         .choices = "both|last",
         .help = "Last layers, or those halfway up too, which takes twice as long.",
         .value = &layers},
        {.name = "k",
         .kind = CLI_LIST,
         .argument = "K,…",
         .help = "The k of precision@k, ascending; the preset's is the largest that there are sentences for. 1,5,10,15 "
                 "unless said.",
         .value = &ks}};
    const cli_usage usage = {
        .command = "multiverse",
        .arguments = "DIR [-o FILE.csv] [--spaces NAME,…]",
        .description =
            "Asks every pair of a study's spaces for precision@k under every combination of the protocol's choices: "
            "reading (retrieval, overlap), pooling (spaces of one source in several poolings are one thing), layer "
            "(last, halfway up), transform (none, centred, standardised, three components removed), folds (random, "
            "by group), map (Procrustes, ridge, CCA), protocol (strict64, strict, vlca, pad), pool, direction, score "
            "and k. The preset combination, the headline's, is marked. Prints how far each pair's figure moves and how "
            "often the order of two pairs stays.\n\n"
            "  triad multiverse runs/quick\n"
            "  triad multiverse runs/quick --spaces agent-1,SmolLM2,SmolLM2.last,MiniLM --layers last\n",
        .min_positional = 1,
        .max_positional = 1,
    };
    const char **positional;
    size_t count;
    const int parsed =
        cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, &positional, &count);
    if (parsed != CLI_GO) return parsed;
    triad_multiverse_options choices = triad_multiverse_defaults();
    const int good_ks = cli_parse_ks(&usage, &ks, &choices.ks, choices.k);
    if (good_ks != CLI_GO) return good_ks;
    choices.last_only = strcmp(layers, "last") == 0;
    choices.seed = context->seed;
    triad_error *err = &context->error;
    folder f = {0};
    triad_multiverse multiverse = {0};
    char *path = output ? strdup(output) : triad_path_join(positional[0], "multiverse.csv");
    triad_status status = read_folder(&f, positional[0], &names, err);
    if (status == TRIAD_OK && path) status = triad_atomic_check(path, err); /* before the work, not after it */
    if (status == TRIAD_OK)
        status = triad_multiverse_run(&multiverse, f.side, f.count, &choices, context->pool, context->progress, err);
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
