#include "align/results.h"
#include "base/file.h"
#include "cli/commands.h"
#include "triad/align.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct sides {
    size_t spaces, count, capacity;
    triad_space *space;
    char **name;
    triad_align_side *side;
} sides;

/* "spaces/smollm2.space.safetensors" is called smollm2. */
static char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = strdup(slash ? slash + 1 : path);
    static const char *const endings[] = {".safetensors", ".npy", ".space"};
    for (size_t i = 0; name && i < sizeof endings / sizeof *endings; i++) {
        const size_t length = strlen(name), ending = strlen(endings[i]);
        if (length > ending && strcmp(name + length - ending, endings[i]) == 0) name[length - ending] = '\0';
    }
    return name;
}

static triad_status add_side(sides *all, size_t space, const triad_layer *layer, triad_error *err)
{
    if (all->count == all->capacity) {
        const size_t capacity = all->capacity ? 2 * all->capacity : 16;
        triad_align_side *grown = realloc(all->side, capacity * sizeof *grown);
        if (grown == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "align: out of memory");
        all->side = grown;
        all->capacity = capacity;
    }
    all->side[all->count++] = (triad_align_side){all->name[space], &all->space[space], layer};
    return TRIAD_OK;
}

static triad_status read_sides(sides *all, const char **paths, size_t count, bool every_layer, triad_error *err)
{
    all->space = calloc(count, sizeof *all->space);
    all->name = calloc(count, sizeof *all->name);
    if (all->space == NULL || all->name == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "align: out of memory");
    triad_status status = TRIAD_OK;
    for (; all->spaces < count && status == TRIAD_OK; all->spaces++) {
        if ((all->name[all->spaces] = name_of(paths[all->spaces])) == NULL)
            return triad_fail(err, TRIAD_ERR_MEMORY, -1, "align: out of memory");
        for (size_t i = 0; i < all->spaces; i++)
            if (strcmp(all->name[i], all->name[all->spaces]) == 0)
                return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "%s: two spaces would be called %s (rename one file)",
                                  paths[all->spaces], all->name[i]);
        status = triad_space_read(&all->space[all->spaces], paths[all->spaces], err);
        if (status != TRIAD_OK) return status;
    }
    for (size_t i = 0; i < all->spaces && status == TRIAD_OK; i++) {
        if (!every_layer) status = add_side(all, i, NULL, err);
        for (size_t l = 0; every_layer && l < all->space[i].layers && status == TRIAD_OK; l++)
            status = add_side(all, i, &all->space[i].layer[l], err);
    }
    return status;
}

/* Pairs of layers of different spaces. */
static size_t (*pair_up(const sides *all, size_t *count))[2]
{
    size_t(*pairs)[2] = malloc((all->count * all->count / 2 + 1) * sizeof *pairs);
    *count = 0;
    for (size_t x = 0; pairs && x < all->count; x++)
        for (size_t y = x + 1; y < all->count; y++)
            if (all->side[x].space != all->side[y].space) {
                pairs[*count][0] = x;
                pairs[(*count)++][1] = y;
            }
    return pairs;
}

static void print_number(double value, int width)
{
    if (isnan(value))
        printf("%*s", width, "-");
    else
        printf("%*.3f", width, value);
}

static void print_p(const triad_align_null *null)
{
    if (!null->present)
        printf("%8s", "");
    else if (isnan(null->p))
        printf("%8s", "-");
    else
        printf("%8.3f", null->p);
}

static void print_measure(const triad_align_measure *measure, const char *label)
{
    printf("  %-28s", label);
    print_number(measure->value, 8);
    print_number(measure->chance, 8);
    if (isnan(measure->low))
        printf("  %-16s", measure->reason ? measure->reason : "");
    else
        printf("  [%.3f, %.3f]  ", measure->low, measure->high);
    print_p(&measure->iid);
    print_p(&measure->relabel);
    printf("\n");
}

/* The headline figures, or every measure by name where the user chose them. */
static void print_table(const triad_align_result *result, bool chosen)
{
    size_t k = 0;
    for (size_t q = 0; q < result->options.ks; q++)
        if (result->options.k[q] < result->pair[0].n) k = result->options.k[q];
    char protocol[32], retrieval[96], overlap[64];
    snprintf(protocol, sizeof protocol, result->options.cap ? "strict%zu" : "strict", result->options.cap);
    snprintf(retrieval, sizeof retrieval, "retrieval/%s/all/mean/nn/%zu/expected", protocol, k);
    snprintf(overlap, sizeof overlap, "mutual_knn_frac/%zu", k);
    const char *const names[] = {retrieval, overlap, "cka_linear_debiased", "rsa/cosine/spearman"};
    char labels[4][48];
    snprintf(labels[0], sizeof labels[0], "P@%zu retrieval (%s)", k, protocol);
    snprintf(labels[1], sizeof labels[1], "P@%zu overlap", k);
    snprintf(labels[2], sizeof labels[2], "CKA debiased");
    snprintf(labels[3], sizeof labels[3], "RSA Spearman");
    for (size_t p = 0; p < result->pairs; p++) {
        const triad_align_pair *pair = &result->pair[p];
        printf("%s%s [%s] and [%s] %s, %zu sentences\n", p ? "\n" : "", result->name[pair->x], result->layer[pair->x],
               result->layer[pair->y], result->name[pair->y], pair->n);
        printf("  %-28s%8s%8s  %-18s%6s%10s\n", "", "value", "chance", "95 % interval", "p iid", "p relabel");
        for (size_t i = 0; !chosen && i < 4; i++) {
            const triad_align_measure *measure = triad_align_find(pair, names[i]);
            if (measure) print_measure(measure, labels[i]);
        }
        for (size_t i = 0; chosen && i < pair->measures; i++) print_measure(&pair->measure[i], pair->measure[i].name);
    }
}

static int parse_ks(const cli_usage *usage, const cli_list *list, triad_align_options *options)
{
    if (list->count == 0) return CLI_GO;
    options->ks = 0;
    for (size_t i = 0; i < list->count; i++) {
        char *end;
        const long value = strtol(list->names[i], &end, 10);
        if (*list->names[i] == '\0' || *end != '\0' || value < 1 || value > 1000000 || options->ks == ALIGN_MAX_KS ||
            (options->ks > 0 && (size_t)value <= options->k[options->ks - 1]))
            return cli_usage_error(usage, "--k %s: wants ascending whole numbers from 1", list->names[i]);
        options->k[options->ks++] = (size_t)value;
    }
    return CLI_GO;
}

int cmd_align(cli_context *context, int argc, char **argv)
{
    triad_align_options align = triad_align_defaults();
    const char *output = NULL, *layers = "last", *protocol = "strict64", *csv = NULL;
    cli_list nulls = {0}, ks = {0}, measures = {0};
    int64_t permutations = (int64_t)align.permutations, fits = (int64_t)align.refits,
            bootstraps = (int64_t)align.bootstraps;
    const cli_option options[] = {
        {.name = "output",
         .letter = 'o',
         .kind = CLI_STRING,
         .argument = "FILE.json",
         .help = "Where the results go.",
         .value = &output},
        {.name = "csv", .kind = CLI_STRING, .argument = "FILE.csv", .help = "The same as a tidy table.", .value = &csv},
        {.name = "measures",
         .kind = CLI_LIST,
         .argument = "NAME,…",
         .value = &measures,
         .help = "Measures by their names in the results or the names' beginnings (rsa, cca, procrustes, cknna, "
                 "retrieval/vlca, …)."},
        {.name = "layers",
         .kind = CLI_CHOICE,
         .argument = "WHICH",
         .choices = "last|all",
         .value = &layers,
         .help = "The last layer of each space, or every layer of one with every layer of another."},
        {.name = "protocol",
         .kind = CLI_CHOICE,
         .argument = "NAME",
         .choices = "strict64|strict",
         .value = &protocol,
         .help = "Retrieval on held-out sentences through at most 64 dimensions a side, or through all."},
        {.name = "null",
         .kind = CLI_LIST,
         .argument = "NAME,…",
         .choices = "iid|relabel|none",
         .value = &nulls,
         .help = "Rows shuffled (iid), words renamed consistently (relabel); both unless said."},
        {.name = "k",
         .kind = CLI_LIST,
         .argument = "K,…",
         .value = &ks,
         .help = "The k of precision@k; 1,5,10,15 unless said."},
        {.name = "permutations",
         .kind = CLI_INT,
         .argument = "N",
         .min = 0,
         .max = 1e7,
         .value = &permutations,
         .help = "Draws of each null for overlap, CKA and RSA."},
        {.name = "retrieval-permutations",
         .kind = CLI_INT,
         .argument = "N",
         .min = 0,
         .max = 1e7,
         .value = &fits,
         .help = "Draws of each null for retrieval, whose map is fitted again in each."},
        {.name = "bootstrap",
         .kind = CLI_INT,
         .argument = "N",
         .min = 0,
         .max = 1e6,
         .value = &bootstraps,
         .help = "Resamples of the sentences behind the 95 % intervals; 0: no intervals."},
    };
    const cli_usage usage = {
        .command = "align",
        .arguments = "SPACE SPACE… [-o FILE.json]",
        .description = "Says how alike spaces are, pair by pair: precision@k by retrieval after a Procrustes map that "
                       "was fitted on other\n"
                       "sentences, precision@k by overlap of neighbourhoods, debiased CKA, RSA; each with its chance "
                       "level, its 95 % interval\n"
                       "and two nulls. iid asks whether there is any relation, which shared words alone answer with "
                       "yes. relabel renames\n"
                       "colours, objects and places consistently and asks whether it matters which word is which.\n\n"
                       "A SPACE is what `triad embed` writes, or FILE.npy [n, d] beside FILE.tsv or FILE.txt with the "
                       "n sentences. Rows pair by id.\n\n"
                       "  triad align agent.space.safetensors smollm2.space.safetensors -o alignment.json\n"
                       "  triad align a.npy b.npy --null none --bootstrap 0\n",
        .min_positional = 2,
        .max_positional = SIZE_MAX,
    };
    const char **positional;
    size_t count;
    const int parsed =
        cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, &positional, &count);
    if (parsed != CLI_GO) return parsed;
    const int good_ks = parse_ks(&usage, &ks, &align);
    if (good_ks != CLI_GO) return good_ks;
    if (nulls.count > 0) {
        align.iid = align.relabel = false;
        for (size_t i = 0; i < nulls.count; i++) {
            align.iid |= strcmp(nulls.names[i], "iid") == 0;
            align.relabel |= strcmp(nulls.names[i], "relabel") == 0;
        }
    }
    align.cap = strcmp(protocol, "strict64") == 0 ? 64 : 0;
    align.permutations = (size_t)permutations;
    align.refits = (size_t)fits;
    align.bootstraps = (size_t)bootstraps;
    align.seed = context->seed;
    align.measures = measures.names;
    align.measure_count = measures.count;

    triad_error *err = &context->error;
    sides all = {0};
    triad_align_result result = {0};
    size_t pairs = 0;
    size_t(*pair)[2] = NULL;
    triad_status status = read_sides(&all, positional, count, strcmp(layers, "all") == 0, err);
    if (status == TRIAD_OK && (pair = pair_up(&all, &pairs)) == NULL)
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "align: out of memory");
    if (status == TRIAD_OK)
        status = triad_align(&result, all.side, all.count, (const size_t(*)[2])pair, pairs, &align, context->pool,
                             context->progress, err);
    if (status == TRIAD_OK && output) status = triad_align_write_json(&result, output, err);
    if (status == TRIAD_OK && csv) status = triad_align_write_csv(&result, csv, err);
    int exit_status = CLI_DONE;
    if (status == TRIAD_ERR_ARGUMENT && strncmp(err->text, "measure ", 8) == 0)
        exit_status = cli_usage_error(&usage, "--measures: %s", err->text);
    else if (status != TRIAD_OK)
        exit_status = cli_fail(err);
    else if (context->json)
        exit_status = cli_print_json(triad_align_to_json(&result));
    else
        print_table(&result, measures.count > 0);
    triad_align_result_free(&result);
    for (size_t i = 0; i < all.spaces; i++) triad_space_free(&all.space[i]);
    for (size_t i = 0; all.name && i < count; i++) free(all.name[i]);
    free(all.space);
    free(all.name);
    free(all.side);
    free(pair);
    return exit_status;
}
