#include "base/arena.h"
#include "base/file.h"
#include "cli/commands.h"
#include "report/map.h"
#include "triad/space.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TREES = 2, NEAR = 15 };
static const char *const TREE_NAMES[TREES] = {"average", "ward"};
static const char *const TREE_TITLES[TREES] = {"Average linkage", "Ward linkage"};

typedef struct maps {
    size_t n, d;
    double *x;
    double *pca, *tsne; /* [n, 2] */
    double share[2], trust[2];
    triad_tsne_options options;
    triad_tsne_result result;
    triad_merge *merge[TREES];
    uint32_t *leaf[TREES];
} maps;

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "map: out of memory");
}

static triad_status take_rows(maps *m, const triad_layer *layer, bool cosine, triad_error *err)
{
    m->n = layer->n;
    m->d = layer->d;
    m->x = malloc((m->n * m->d + 1) * sizeof *m->x);
    if (m->x == NULL) return out_of_memory(err);
    triad_map_rows(m->x, layer, NULL, m->n, cosine);
    return TRIAD_OK;
}

static triad_status make_maps(maps *m, cli_context *context)
{
    triad_error *err = &context->error;
    const size_t n = m->n;
    m->pca = malloc(2 * n * sizeof *m->pca);
    m->tsne = malloc(2 * n * sizeof *m->tsne);
    triad_status status = m->pca && m->tsne ? TRIAD_OK : out_of_memory(err);
    if (status == TRIAD_OK) status = triad_map_pca(m->pca, m->share, m->x, n, m->d, 2, err);
    if (status == TRIAD_OK)
        status = triad_map_tsne(m->tsne, &m->result, m->x, n, m->d, &m->options, context->pool, context->progress, err);
    const double *const placement[] = {m->pca, m->tsne};
    for (size_t p = 0; p < 2 && status == TRIAD_OK; p++)
        status = triad_map_trustworthiness(&m->trust[p], placement[p], m->x, n, m->d, NEAR, context->pool, err);
    for (size_t t = 0; t < TREES && status == TRIAD_OK; t++) {
        m->merge[t] = malloc(n * sizeof *m->merge[t]);
        m->leaf[t] = malloc(n * sizeof *m->leaf[t]);
        if (m->merge[t] == NULL || m->leaf[t] == NULL) return out_of_memory(err);
        status = triad_map_linkage(m->merge[t], (triad_linkage_kind)t, m->x, n, m->d, context->pool, err);
        if (status == TRIAD_OK) status = triad_map_leaves(m->leaf[t], m->merge[t], n, err);
    }
    return status;
}

static void free_maps(maps *m)
{
    free(m->x);
    free(m->pca);
    free(m->tsne);
    for (size_t t = 0; t < TREES; t++) {
        free(m->merge[t]);
        free(m->leaf[t]);
    }
}

static json_object *numbers(const double *values, size_t count)
{
    json_object *list = json_object_new_array();
    for (size_t i = 0; i < count; i++) json_object_array_add(list, json_new_real(values[i]));
    return list;
}

static json_object *document(const maps *m, const triad_space *space, const char *layer, const char *distance,
                             uint64_t seed)
{
    json_object *root = json_object_new_object();
    json_object_object_add(root, "space", json_object_new_string(space->source));
    json_object_object_add(root, "layer", json_object_new_string(layer));
    json_object_object_add(root, "distance", json_object_new_string(distance));
    json_object *pca = json_object_new_object(), *tsne = json_object_new_object();
    json_object_object_add(pca, "share", numbers(m->share, 2));
    json_object_object_add(pca, "trustworthiness", json_new_real(m->trust[0]));
    json_object_object_add(tsne, "perplexity", json_new_real(m->result.perplexity));
    json_object_object_add(tsne, "iterations", json_object_new_int64((int64_t)m->options.iterations));
    json_object_object_add(tsne, "starts", json_object_new_int64((int64_t)m->options.starts));
    json_object_object_add(tsne, "seed", json_object_new_uint64(seed));
    json_object_object_add(tsne, "divergence", json_new_real(m->result.divergence));
    json_object_object_add(tsne, "trustworthiness", json_new_real(m->trust[1]));
    json_object_object_add(root, "pca", pca);
    json_object_object_add(root, "tsne", tsne);
    json_object *items = json_object_new_array();
    for (size_t i = 0; i < m->n; i++) {
        json_object *item = json_object_new_object();
        json_object_object_add(item, "id", json_object_new_string(space->items.id[i]));
        json_object_object_add(item, "text", json_object_new_string(space->items.text[i]));
        for (size_t f = 0; f < space->items.factors; f++)
            json_object_object_add(item, space->items.factor[f],
                                   json_object_new_string(triad_items_cell(&space->items, i, (int)f)));
        json_object_object_add(item, "pca_1", json_new_real(m->pca[2 * i]));
        json_object_object_add(item, "pca_2", json_new_real(m->pca[2 * i + 1]));
        json_object_object_add(item, "tsne_1", json_new_real(m->tsne[2 * i]));
        json_object_object_add(item, "tsne_2", json_new_real(m->tsne[2 * i + 1]));
        json_object_array_add(items, item);
    }
    json_object_object_add(root, "items", items);
    json_object *linkage = json_object_new_object();
    for (size_t t = 0; t < TREES; t++) {
        json_object *merges = json_object_new_array();
        for (size_t i = 0; i + 1 < m->n; i++) {
            const triad_merge *merge = &m->merge[t][i];
            json_object_array_add(merges, numbers((const double[]){merge->a, merge->b, merge->height, merge->size}, 4));
        }
        json_object_object_add(linkage, TREE_NAMES[t], merges);
    }
    json_object_object_add(root, "linkage", linkage);
    return root;
}

/* ---- the picture */

static triad_status draw(const maps *m, const triad_space *space, const char *layer, const char *factor, size_t tree,
                         const char *path, triad_error *err)
{
    const size_t n = m->n;
    const int column = factor ? triad_items_factor(&space->items, factor) : -1;
    triad_arena arena = {0};
    report_factor colours;
    triad_text svg = {0}, title = {0};
    triad_status status = TRIAD_OK;
    if (column >= 0) {
        const char **cell = TRIAD_NEW(&arena, const char *, n);
        for (size_t i = 0; cell != NULL && i < n; i++) cell[i] = triad_items_cell(&space->items, i, column);
        status = cell != NULL ? report_factor_make(&colours, factor, cell, n, 0, &arena, err) : out_of_memory(err);
    }
    if (status == TRIAD_OK) {
        char pca[96], tsne[96];
        snprintf(pca, sizeof pca, "%.1f %% and %.1f %% of the variance; trustworthiness %.3f", 100 * m->share[0],
                 100 * m->share[1], m->trust[0]);
        snprintf(tsne, sizeof tsne, "perplexity %.4g, divergence %.3f; trustworthiness %.3f", m->result.perplexity,
                 m->result.divergence, m->trust[1]);
        triad_text_addf(&title, "%s, layer %s: %zu sentences", space->source, layer, n);
        const report_cloud clouds[] = {{"Principal components", pca, m->pca}, {"t-SNE", tsne, m->tsne}};
        const report_map map = {.title = title.bytes,
                                .n = n,
                                .text = (const char *const *)space->items.text,
                                .clouds = 2,
                                .cloud = clouds,
                                .merge = m->merge[tree],
                                .leaf = m->leaf[tree],
                                .tree_title = TREE_TITLES[tree],
                                .tree_note = "height: distance at which branches join",
                                .factor = column >= 0 ? &colours : NULL};
        status = title.failed ? out_of_memory(err) : report_map_svg(&map, &svg, err);
    }
    if (status == TRIAD_OK) status = triad_write_whole(path, svg.bytes, svg.size, err);
    triad_arena_free(&arena);
    triad_text_free(&svg);
    triad_text_free(&title);
    return status;
}

int cmd_map(cli_context *context, int argc, char **argv)
{
    const char *output = NULL, *picture = NULL, *layer_name = NULL, *factor = NULL, *distance = "cosine",
               *tree = "ward";
    maps m = {.options = triad_tsne_defaults()};
    int64_t iterations = (int64_t)m.options.iterations;
    const cli_option options[] = {
        {.name = "output",
         .letter = 'o',
         .kind = CLI_STRING,
         .argument = "FILE.json",
         .help = "Coordinates of every sentence, and the trees.",
         .value = &output},
        {.name = "svg", .kind = CLI_STRING, .argument = "FILE.svg", .help = "The picture.", .value = &picture},
        {.name = "colour-by",
         .kind = CLI_STRING,
         .argument = "COLUMN",
         .help = "The factor column that colours the picture; the first unless said.",
         .value = &factor},
        {.name = "layer",
         .kind = CLI_STRING,
         .argument = "NAME",
         .help = "A layer of the space; the last unless said.",
         .value = &layer_name},
        {.name = "distance",
         .kind = CLI_CHOICE,
         .argument = "WHICH",
         .choices = "cosine|euclidean",
         .help = "Euclidean between rows of unit length (cosine), or as they are.",
         .value = &distance},
        {.name = "tree",
         .kind = CLI_CHOICE,
         .argument = "WHICH",
         .choices = "average|ward",
         .help = "Which of the two trees is drawn.",
         .value = &tree},
        {.name = "perplexity",
         .kind = CLI_REAL,
         .argument = "P",
         .min = 1,
         .max = 1e6,
         .help = "How many neighbours t-SNE minds; at most a third of the sentences.",
         .value = &m.options.perplexity},
        {.name = "iterations",
         .kind = CLI_INT,
         .argument = "N",
         .min = 1,
         .max = 1e6,
         .help = "Steps of each of t-SNE's four descents.",
         .value = &iterations},
    };
    const cli_usage usage = {
        .command = "map",
        .arguments = "SPACE [-o FILE.json] [--svg FILE.svg]",
        .description = "Draws a space for the eye: principal components, t-SNE (exact; of four descents the lowest) "
                       "and trees by average and Ward linkage. A picture shows where to look; whether it is there, "
                       "`triad align` says.\n\n"
                       "  triad map agent.space.safetensors -o map.json --svg map.svg --colour-by object\n"
                       "  python: pandas.DataFrame(json.load(open('map.json'))['items'])\n"
                       "  python: scipy.cluster.hierarchy.dendrogram(numpy.array(map['linkage']['ward']))\n",
        .min_positional = 1,
        .max_positional = 1,
    };
    const char **positional;
    size_t count;
    const int parsed =
        cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, &positional, &count);
    if (parsed != CLI_GO) return parsed;
    if (output == NULL && picture == NULL && !context->json)
        return cli_usage_error(&usage, "where to? (-o FILE.json, --svg FILE.svg or --json)");
    m.options.seed = context->seed;
    m.options.iterations = (size_t)iterations;
    m.options.exaggerated =
        m.options.iterations < 4 * m.options.exaggerated ? m.options.iterations / 4 : m.options.exaggerated;
    triad_error *err = &context->error;
    triad_space space = {0};
    const triad_layer *layer = NULL;
    triad_status status = triad_space_read(&space, positional[0], err);
    if (status == TRIAD_OK) {
        layer = layer_name ? triad_space_find(&space, layer_name) : triad_space_last(&space);
        if (layer == NULL)
            status = triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "%s: has no layer %s (triad info lists them)",
                                positional[0], layer_name);
        else if (layer->n != space.items.count)
            status = triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                                "%s: holds tokens, not sentences (embed it with a pooling)", positional[0]);
        else if (factor && triad_items_factor(&space.items, factor) < 0)
            status = triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                                "%s: its sentences have no column %s (triad info lists them)", positional[0], factor);
    }
    if (status == TRIAD_OK && factor == NULL && space.items.factors > 0) factor = space.items.factor[0];
    if (status == TRIAD_OK) status = take_rows(&m, layer, strcmp(distance, "cosine") == 0, err);
    if (status == TRIAD_OK) status = make_maps(&m, context);
    if (status == TRIAD_OK && picture)
        status = draw(&m, &space, layer->name, factor, strcmp(tree, TREE_NAMES[1]) == 0, picture, err);
    json_object *root = status == TRIAD_OK ? document(&m, &space, layer->name, distance, context->seed) : NULL;
    if (status == TRIAD_OK && output) status = json_write_file(output, root, err);
    int exit_status = CLI_DONE;
    if (status != TRIAD_OK) {
        exit_status = cli_fail(err);
        json_object_put(root);
    } else if (context->json) {
        exit_status = cli_print_json(root);
    } else {
        json_object_put(root);
        if (!context->quiet)
            printf("%zu sentences; PCA %.1f %% of the variance, t-SNE trustworthiness %.3f (of %d neighbours)\n", m.n,
                   100 * (m.share[0] + m.share[1]), m.trust[1], NEAR);
    }
    free_maps(&m);
    triad_space_free(&space);
    return exit_status;
}
