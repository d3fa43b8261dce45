#include "align/results.h"
#include "align/together.h"
#include "base/file.h"
#include "cli/align_table.h"
#include "cli/commands.h"
#include "cli/parse_ks.h"
#include "triad/align.h"

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
        status = triad_space_read(&all->space[all->spaces], paths[all->spaces], err);
        if (status != TRIAD_OK) return status;
        for (size_t i = 0; i < all->spaces; i++)
            if (strcmp(all->name[i], all->name[all->spaces]) == 0) {
                status = triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "%s: two spaces would be called %s (rename one file)",
                                    paths[all->spaces], all->name[i]);
                all->spaces++; /* so that it is freed */
                return status;
            }
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

/* "agent=agent-1,agent-2" came apart at its commas: a part with '=' begins a set. */
static triad_status parse_sets(triad_align_set **sets, size_t *count, const cli_list *list, const sides *all,
                               triad_arena *arena, triad_error *err)
{
    *sets = TRIAD_NEW0(arena, triad_align_set, list->count + 1);
    const char **members = TRIAD_NEW0(arena, const char *, list->count + 1);
    *count = 0;
    if (*sets == NULL || members == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "align: out of memory");
    for (size_t i = 0; i < list->count; i++) {
        const char *equals = strchr(list->names[i], '='), *member = equals ? equals + 1 : list->names[i];
        if (equals && equals > list->names[i]) {
            triad_align_set *set = &(*sets)[(*count)++];
            set->name = triad_arena_strndup(arena, list->names[i], (size_t)(equals - list->names[i]));
            set->members = members + i;
            if (set->name == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "align: out of memory");
        } else if (equals || *count == 0) {
            return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                              "--seeds %s: wants NAME=SPACE,SPACE,… (as agent=agent-1,agent-2)", list->names[i]);
        }
        bool known = false;
        for (size_t s = 0; s < all->spaces; s++) known |= strcmp(all->name[s], member) == 0;
        if (!known)
            return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                              "--seeds: no space is called %s (a space is called as its file, without the ending)",
                              member);
        for (size_t m = 0; m < i; m++)
            if (strcmp(members[m], member) == 0)
                return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "--seeds: %s is named twice (a space is one seed)",
                                  member);
        members[i] = member;
        (*sets)[*count - 1].count++;
    }
    for (size_t s = 0; s < *count; s++) {
        const triad_align_set *set = &(*sets)[s];
        bool taken = false;
        for (size_t t = 0; t < s; t++) taken |= strcmp((*sets)[t].name, set->name) == 0;
        for (size_t i = 0; i < all->spaces; i++) {
            bool own = false;
            for (size_t m = 0; m < set->count; m++) own |= strcmp(set->members[m], all->name[i]) == 0;
            taken |= !own && strcmp(set->name, all->name[i]) == 0;
        }
        if (taken)
            return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "--seeds %s: something else is called so (choose another)",
                              set->name);
        if (set->count < 2)
            return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                              "--seeds %s: wants two spaces or more (one alone needs no name)", set->name);
    }
    return TRIAD_OK;
}

static bool is_lexical(const char *name)
{
    static const char *const names[] = {"bow",        "length",          "length-characters",
                                        "edit-words", "edit-characters", "factors"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return strncmp(name, "factor:", 7) == 0;
}

typedef struct controls {
    triad_align_control list[ALIGN_MAX_CONTROLS];
    triad_space space[ALIGN_MAX_CONTROLS];
    char *name[ALIGN_MAX_CONTROLS];
    size_t count;
} controls;

static triad_status read_controls(controls *c, const cli_list *names, triad_error *err)
{
    if (names->count > ALIGN_MAX_CONTROLS)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "--control: at most %d (give fewer)", ALIGN_MAX_CONTROLS);
    for (size_t i = 0; i < names->count; i++) {
        const size_t at = c->count++;
        c->list[at].name = names->names[i];
        if (is_lexical(names->names[i])) continue;
        const triad_status status = triad_space_read(&c->space[at], names->names[i], err);
        if (status != TRIAD_OK) return status;
        if ((c->name[at] = name_of(names->names[i])) == NULL)
            return triad_fail(err, TRIAD_ERR_MEMORY, -1, "align: out of memory");
        c->list[at].name = c->name[at];
        c->list[at].space = &c->space[at];
    }
    return TRIAD_OK;
}

/* The table beside alignment.json is alignment.csv. */
static char *beside(const char *path)
{
    const size_t length = strlen(path),
                 stem = length > 5 && strcmp(path + length - 5, ".json") == 0 ? length - 5 : length;
    char *out = malloc(length + 5);
    if (out) sprintf(out, "%.*s.csv", (int)stem, path);
    return out;
}

int cmd_align(cli_context *context, int argc, char **argv)
{
    triad_align_options align = triad_align_defaults();
    const char *output = NULL, *layers = "last", *protocol = "strict64", *csv = NULL, *map = "procrustes",
               *folds = "random", *direction = "both", *contributions = NULL;
    cli_list nulls = {0}, ks = {0}, measures = {0}, groups = {0}, words = {0}, control_names = {0}, seeds = {0},
             differences = {0};
    int64_t permutations = (int64_t)align.permutations, fits = (int64_t)align.refits,
            bootstraps = (int64_t)align.bootstraps, remove_top = 0;
    const cli_option options[] = {
        {.name = "output",
         .letter = 'o',
         .kind = CLI_STRING,
         .argument = "FILE.json",
         .help = "Where the results go; a tidy table goes to FILE.csv beside it.",
         .value = &output},
        {.name = "csv",
         .kind = CLI_STRING,
         .argument = "FILE.csv",
         .help = "Another place for the table.",
         .value = &csv},
        {.name = "contributions",
         .kind = CLI_STRING,
         .argument = "FILE.csv",
         .help = "What each sentence contributes to each measure that is a mean over sentences.",
         .value = &contributions},
        {.name = "measures",
         .kind = CLI_LIST,
         .argument = "NAME,…",
         .value = &measures,
         .help =
             "Measures by their names in the results or the names' beginnings (rsa, cca, procrustes, cknna, map_r2, "
             "retrieval/vlca, …)."},
        {.name = "layers",
         .kind = CLI_CHOICE,
         .argument = "WHICH",
         .choices = "last|all|best",
         .value = &layers,
         .help = "The last layer of each space; every layer of one with every layer of another; or all, and the best "
                 "pair against the best under each null."},
        {.name = "protocol",
         .kind = CLI_STRING,
         .argument = "NAME",
         .value = &protocol,
         .help =
             "strict64 (held-out sentences through at most 64 dimensions; strictN: N), strict, vlca, insample, pad."},
        {.name = "map",
         .kind = CLI_CHOICE,
         .argument = "NAME",
         .choices = "procrustes|ridge|cca",
         .value = &map,
         .help = "How sentences are mapped."},
        {.name = "folds",
         .kind = CLI_STRING,
         .argument = "HOW",
         .value = &folds,
         .help = "random, group:COLUMN (groups stay together), leave-two-words:COLUMN (a fold holds out two words; "
                 "with the 2-against-2 test and its p)."},
        {.name = "hold-out-words",
         .kind = CLI_LIST,
         .argument = "COLUMN,…",
         .value = &words,
         .help = "The 2-against-2 test on the words of these columns, each alone and of several all together, beside "
                 "whatever folds."},
        {.name = "null",
         .kind = CLI_LIST,
         .argument = "NAME,…",
         .choices = "iid|relabel|vocabulary|none",
         .value = &nulls,
         .help =
             "Rows shuffled (iid), words renamed consistently (relabel), and only words to which any bag of words is "
             "neutral (vocabulary); the first two unless said."},
        {.name = "direction",
         .kind = CLI_CHOICE,
         .argument = "WAY",
         .choices = "xy|yx|both",
         .value = &direction,
         .help = "Retrieval from the first space to the second, back, or both with their mean."},
        {.name = "center", .kind = CLI_FLAG, .value = &align.center, .help = "Subtract column means first."},
        {.name = "standardize",
         .kind = CLI_FLAG,
         .value = &align.standardize,
         .help = "Centre columns and give each the same variance first."},
        {.name = "remove-top",
         .kind = CLI_INT,
         .argument = "K",
         .min = 0,
         .max = 10000,
         .value = &remove_top,
         .help = "Centre and take out the K leading principal components first."},
        {.name = "control",
         .kind = CLI_LIST,
         .argument = "SPACE,…",
         .value = &control_names,
         .help = "Held constant: distances of a space, or bow, length, length-characters, edit-words, edit-characters, "
                 "factors, factor:COLUMN; gives rsa_partial and a commonality analysis."},
        {.name = "groups",
         .kind = CLI_LIST,
         .argument = "COLUMN,…",
         .value = &groups,
         .help = "Whose words are resampled for the second interval; those that the relabel null renames unless said."},
        {.name = "seeds",
         .kind = CLI_LIST,
         .argument = "NAME=SPACE,…",
         .value = &seeds,
         .help = "Spaces that are seeds of one thing: their mean with the interval over seeds too, and their ceiling."},
        {.name = "difference",
         .kind = CLI_LIST,
         .argument = "A:B,…",
         .value = &differences,
         .help = "Is A closer than B to each of the others, on the same sentences?"},
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
         .help = "Draws of each null for overlap, kernels and RSA."},
        {.name = "refits",
         .kind = CLI_INT,
         .argument = "N",
         .min = 0,
         .max = 1e7,
         .value = &fits,
         .help = "Draws of each null for what is fitted or measured anew in each: retrieval, CCA, shapes, CKNNA, tau."},
        {.name = "bootstrap",
         .kind = CLI_INT,
         .argument = "N",
         .min = 0,
         .max = 1e6,
         .value = &bootstraps,
         .help = "Resamples behind the 95 % intervals; 0: no intervals."},
    };
    const cli_usage usage = {
        .command = "align",
        .arguments = "SPACE SPACE… [-o FILE.json]",
        .description =
            "Says how alike spaces are, pair by pair: precision@k by retrieval after a Procrustes map that "
            "was fitted on other\n"
            "sentences, precision@k by overlap of neighbourhoods, debiased CKA, RSA; each with its chance "
            "level, its 95 % intervals\n"
            "and two nulls. iid asks whether there is any relation, which shared words alone answer with "
            "yes. relabel renames\n"
            "colours, objects and places consistently and asks whether it matters which word is which.\n\n"
            "A SPACE is what `triad embed` writes, or FILE.npy [n, d] beside FILE.tsv or FILE.txt with the "
            "n sentences. Rows pair by id.\n\n"
            "  triad align agent.space.safetensors smollm2.space.safetensors -o alignment.json\n"
            "  triad align agent-1.safetensors agent-2.safetensors blip.safetensors clip.safetensors \\\n"
            "    --seeds agent=agent-1,agent-2 --difference blip:clip --control bow,length -o alignment.json\n"
            "  triad align a.npy b.npy --null none --bootstrap 0\n",
        .min_positional = 2,
        .max_positional = SIZE_MAX,
    };
    const char **positional;
    size_t count;
    const int parsed =
        cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, &positional, &count);
    if (parsed != CLI_GO) return parsed;
    const int good_ks = cli_parse_ks(&usage, &ks, &align.ks, align.k);
    if (good_ks != CLI_GO) return good_ks;
    if (nulls.count > 0) {
        align.iid = align.relabel = false;
        for (size_t i = 0; i < nulls.count; i++) {
            align.iid |= strcmp(nulls.names[i], "iid") == 0;
            align.relabel |= strcmp(nulls.names[i], "relabel") == 0;
            align.vocabulary |= strcmp(nulls.names[i], "vocabulary") == 0;
        }
    }
    triad_error *err = &context->error;
    if (triad_align_protocol_named(&align, protocol, err) != TRIAD_OK)
        return cli_usage_error(&usage, "--%s", err->text);
    align.map = strcmp(map, "ridge") == 0 ? ALIGN_RIDGE : strcmp(map, "cca") == 0 ? ALIGN_CANONICAL : ALIGN_PROCRUSTES;
    align.folds = folds;
    if (strncmp(folds, "leave-two-words:", 16) == 0 && words.count == 0) {
        words.names = TRIAD_NEW(&context->memory, const char *, 1);
        if (words.names) words.names[words.count++] = folds + 16;
    }
    align.words = words.names;
    align.word_count = words.count;
    align.groups = groups.names;
    align.group_count = groups.count;
    align.permutations = (size_t)permutations;
    align.refits = (size_t)fits;
    align.bootstraps = (size_t)bootstraps;
    align.remove_top = (size_t)remove_top;
    align.best = strcmp(layers, "best") == 0;
    align.seed = context->seed;
    align.direction = strcmp(direction, "xy") == 0 ? 1 : strcmp(direction, "yx") == 0 ? 2 : 0;
    align.measures = measures.names;
    align.measure_count = measures.count;

    sides all = {0};
    controls held = {0};
    triad_align_result result = {0};
    triad_align_set *sets = NULL;
    size_t pairs = 0, set_count = 0;
    size_t(*pair)[2] = NULL;
    json_object *document = NULL, *part;
    char *table = csv ? strdup(csv) : output ? beside(output) : NULL;
    triad_status status = read_sides(&all, positional, count, strcmp(layers, "last") != 0, err);
    if (status == TRIAD_OK) status = read_controls(&held, &control_names, err);
    const char *const written[] = {output, table, contributions}; /* refused before the work, not after it */
    for (size_t i = 0; i < sizeof written / sizeof *written && status == TRIAD_OK; i++)
        if (written[i]) status = triad_atomic_check(written[i], err);
    if (status == TRIAD_OK) status = parse_sets(&sets, &set_count, &seeds, &all, &context->memory, err);
    if (status == TRIAD_OK)
        status =
            align_differences_check(all.name, all.spaces, sets, set_count, differences.names, differences.count, err);
    if (status == TRIAD_OK && (pair = pair_up(&all, &pairs)) == NULL)
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "align: out of memory");
    align.controls = held.list;
    align.control_count = held.count;
    if (status == TRIAD_OK)
        status = triad_align(&result, all.side, all.count, (const size_t(*)[2])pair, pairs, &align, context->pool,
                             context->progress, err);
    if (status == TRIAD_OK) document = triad_align_to_json(&result);
    if (status == TRIAD_OK && set_count > 0) {
        status = align_seeds_to_json(&part, &result, sets, set_count, err);
        json_object_object_add(document, "seeds", part);
    }
    if (status == TRIAD_OK && set_count > 0 && strcmp(layers, "last") == 0) {
        status = align_ceilings_to_json(&part, all.side, all.count, sets, set_count, &align, context->pool,
                                        context->progress, err);
        json_object_object_add(document, "ceilings", part);
    }
    if (status == TRIAD_OK && differences.count > 0) {
        status = align_differences_to_json(&part, &result, sets, set_count, differences.names, differences.count, err);
        json_object_object_add(document, "differences", part);
    }
    if (status == TRIAD_OK && output) status = json_write_file(output, document, err);
    if (status == TRIAD_OK && table) status = triad_align_write_csv(&result, table, err);
    if (status == TRIAD_OK && contributions) status = triad_align_write_contributions(&result, contributions, err);
    int exit_status = CLI_DONE;
    if (status == TRIAD_ERR_ARGUMENT && strncmp(err->text, "measure ", 8) == 0)
        exit_status = cli_usage_error(&usage, "--measures: %s", err->text);
    else if (status != TRIAD_OK)
        exit_status = cli_fail(err);
    else if (context->json) {
        exit_status = cli_print_json(document);
        document = NULL;
    } else {
        cli_print_alignment(&result, measures.count > 0);
        cli_print_together(&result, document, measures.count > 0);
    }
    json_object_put(document);
    triad_align_result_free(&result);
    for (size_t i = 0; i < all.spaces; i++) triad_space_free(&all.space[i]);
    for (size_t i = 0; all.name && i < count; i++) free(all.name[i]);
    for (size_t i = 0; i < held.count; i++) {
        triad_space_free(&held.space[i]);
        free(held.name[i]);
    }
    free(all.space);
    free(all.name);
    free(all.side);
    free(pair);
    free(table);
    return exit_status;
}
