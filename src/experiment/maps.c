/* The main spaces of a study for the eye: every sentence by principal components and by t-SNE. */
#include "experiment/internal.h"

#include "base/file.h"
#include "base/rng.h"
#include "triad/map.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sentences beyond so many would make the page too heavy and t-SNE, which grows with their square, too slow. */
enum { MAX_POINTS = 1000, LEAST_POINTS = 4, NEAR = 15, MAX_FACTORS = 4, MAX_CLASSES = 10 };

static triad_status no_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "maps: out of memory");
}

/* One agent stands for all: maps of several seeds differ as maps of one seed do. */
bool is_mapped(const study_space *space)
{
    if (space->variant || space->role == REPORT_RANDOM) return false;
    return (space->kind != SPACE_AGENT && space->kind != SPACE_UNTRAINED) || space->index == 0;
}

static int rising(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* rows [*points] of n in their order: all, or as many as a page can bear, drawn by the study's seed. */
static triad_status choose_rows(size_t **rows, size_t *points, size_t n, uint64_t seed, triad_error *err)
{
    *rows = malloc((n + 1) * sizeof **rows);
    if (*rows == NULL) return no_memory(err);
    for (size_t i = 0; i < n; i++) (*rows)[i] = i;
    *points = n;
    if (n <= MAX_POINTS) return TRIAD_OK;
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, seed);
    triad_pcg64_shuffle(&rng, *rows, n);
    *points = MAX_POINTS;
    qsort(*rows, *points, sizeof **rows, rising);
    return TRIAD_OK;
}

/* Four digits: what a picture shows. */
static json_object *rounded(double value)
{
    char digits[32];
    snprintf(digits, sizeof digits, "%.4g", value);
    return json_new_real(isfinite(value) ? strtod(digits, NULL) : NAN);
}

static json_object *two(double a, double b)
{
    json_object *list = json_object_new_array();
    json_object_array_add(list, rounded(a));
    json_object_array_add(list, rounded(b));
    return list;
}

static json_object *placed(const double *placement, size_t points)
{
    json_object *list = json_object_new_array();
    for (size_t i = 0; i < points; i++) json_object_array_add(list, two(placement[2 * i], placement[2 * i + 1]));
    return list;
}

static triad_status map_space(json_object *into, const experiment *study, const study_space *space, const size_t *rows,
                              size_t points, size_t n, triad_error *err)
{
    char *path = graph_path(&study->graph, space->path);
    triad_space read = {0};
    double *x = NULL, *pca = malloc(2 * points * sizeof *pca), *tsne = malloc(2 * points * sizeof *tsne);
    triad_status status =
        path != NULL && pca != NULL && tsne != NULL ? triad_space_read(&read, path, err) : no_memory(err);
    const triad_layer *layer = status == TRIAD_OK ? triad_space_last(&read) : NULL;
    if (layer != NULL && layer->n != n)
        status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "%s: %zu rows for %zu sentences (pool them)", space->path,
                            layer->n, n);
    if (status == TRIAD_OK && (x = malloc((points * layer->d + 1) * sizeof *x)) == NULL) status = no_memory(err);
    double share[2], trust[2];
    triad_tsne_options options = triad_tsne_defaults();
    options.seed = (uint64_t)study->config.seed;
    triad_tsne_result result;
    if (status == TRIAD_OK) {
        triad_map_rows(x, layer, rows, points, true);
        status = triad_map_pca(pca, share, x, points, layer->d, 2, err);
    }
    if (status == TRIAD_OK)
        status = triad_map_tsne(tsne, &result, x, points, layer->d, &options, study->pool, study->progress, err);
    const double *const placement[] = {pca, tsne};
    for (size_t p = 0; p < 2 && status == TRIAD_OK; p++)
        status = triad_map_trustworthiness(&trust[p], placement[p], x, points, layer->d, NEAR, study->pool, err);
    if (status == TRIAD_OK) {
        json_object_object_add(into, "name", json_object_new_string(space->name));
        json_object_object_add(into, "label", json_object_new_string(space->label));
        json_object_object_add(into, "role", json_object_new_int((int)space->role));
        json_object_object_add(into, "layer", json_object_new_string(layer->name));
        json_object_object_add(into, "share", two(share[0], share[1]));
        json_object_object_add(into, "trustworthiness", two(trust[0], trust[1]));
        json_object_object_add(into, "perplexity", rounded(result.perplexity));
        json_object_object_add(into, "pca", placed(pca, points));
        json_object_object_add(into, "tsne", placed(tsne, points));
    }
    triad_space_free(&read);
    free(x);
    free(pca);
    free(tsne);
    free(path);
    return status;
}

/* ---- what the colours stand for */

static int by_letters(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* More than one word, and fewer than sentences. */
static bool is_useful(const triad_items *items, int column, const size_t *rows, size_t points)
{
    const char **cell = malloc((points + 1) * sizeof *cell);
    if (cell == NULL) return false;
    for (size_t i = 0; i < points; i++) cell[i] = triad_items_cell(items, rows[i], column);
    qsort(cell, points, sizeof *cell, by_letters);
    size_t words = points > 0;
    for (size_t i = 1; i < points; i++) words += strcmp(cell[i], cell[i - 1]) != 0;
    free(cell);
    return words > 1 && words < points;
}

static json_object *cells(const triad_items *items, int column, const size_t *rows, size_t points)
{
    json_object *list = json_object_new_array();
    for (size_t i = 0; i < points; i++)
        json_object_array_add(list, json_object_new_string(triad_items_cell(items, rows[i], column)));
    return list;
}

/* The columns of BabyAI's instructions; for other sentences the first ones that tell some apart. */
static json_object *columns_json(const triad_items *items, const size_t *rows, size_t points)
{
    static const char *const own[MAX_FACTORS] = {"verb", "colour", "object", "location"};
    json_object *columns = json_object_new_object();
    for (size_t i = 0; i < MAX_FACTORS; i++) {
        const int column = triad_items_factor(items, own[i]);
        if (column >= 0 && is_useful(items, column, rows, points))
            json_object_object_add(columns, own[i], cells(items, column, rows, points));
    }
    for (size_t c = 0; json_object_object_length(columns) == 0 && c < items->factors; c++)
        for (size_t f = c; f < items->factors && json_object_object_length(columns) < MAX_FACTORS; f++)
            if (is_useful(items, (int)f, rows, points))
                json_object_object_add(columns, items->factor[f], cells(items, (int)f, rows, points));
    return columns;
}

triad_status stage_maps(void *context, const study_stage *self, triad_error *err)
{
    experiment *study = context;
    triad_items items = {0};
    size_t *rows = NULL, points = 0;
    json_object *root = json_object_new_object(), *spaces = json_object_new_array(), *texts = json_object_new_array();
    char *from = graph_path(&study->graph, study->graph.stage[study->stage_items].output[0]),
         *to = graph_path(&study->graph, self->output[0]);
    triad_status status = from != NULL && to != NULL ? triad_items_read(&items, from, err) : no_memory(err);
    if (status == TRIAD_OK) status = choose_rows(&rows, &points, items.count, (uint64_t)study->config.seed, err);
    json_object_object_add(root, "sentences", json_object_new_int64((int64_t)items.count));
    json_object_object_add(root, "text", texts);
    for (size_t i = 0; i < points && status == TRIAD_OK; i++)
        json_object_array_add(texts, json_object_new_string(items.text[rows[i]]));
    if (status == TRIAD_OK) json_object_object_add(root, "columns", columns_json(&items, rows, points));
    json_object_object_add(root, "spaces", spaces);
    for (size_t i = 0; i < study->headline_spaces && points >= LEAST_POINTS && status == TRIAD_OK; i++) {
        if (!is_mapped(&study->space[i])) continue;
        json_object *space = json_object_new_object();
        status = map_space(space, study, &study->space[i], rows, points, items.count, err);
        json_object_array_add(spaces, space);
    }
    if (status == TRIAD_OK) status = json_write_file(to, root, err);
    json_object_put(root);
    triad_items_free(&items);
    free(rows);
    free(from);
    free(to);
    return status;
}

/* ---- back from results.json */

typedef struct reader {
    triad_arena *arena;
    triad_error *err;
    size_t points;
} reader;

static triad_status bad(const reader *r, const char *what)
{
    return triad_fail(r->err, TRIAD_ERR_FORMAT, -1, "results.json: maps: %s (make the study's results again)", what);
}

/* [points] texts, borrowed from the document. */
static triad_status read_texts(const reader *r, json_object *list, const char *const **texts)
{
    if (list == NULL || json_object_array_length(list) != r->points) return bad(r, "a column of another length");
    const char **made = TRIAD_NEW(r->arena, const char *, r->points + 1);
    if (made == NULL) return no_memory(r->err);
    for (size_t i = 0; i < r->points; i++) {
        json_object *entry = json_object_array_get_idx(list, i);
        if (!json_object_is_type(entry, json_type_string)) return bad(r, "a text is not one");
        made[i] = json_object_get_string(entry);
    }
    *texts = made;
    return TRIAD_OK;
}

static bool read_two(json_object *list, double out[2])
{
    if (!json_object_is_type(list, json_type_array) || json_object_array_length(list) != 2) return false;
    for (size_t i = 0; i < 2; i++) {
        json_object *entry = json_object_array_get_idx(list, i);
        const bool number = json_object_is_type(entry, json_type_double) || json_object_is_type(entry, json_type_int);
        out[i] = number ? json_object_get_double(entry) : NAN;
    }
    return true;
}

static triad_status read_placement(const reader *r, json_object *list, const double **placement)
{
    if (list == NULL || json_object_array_length(list) != r->points) return bad(r, "a map of another length");
    double *made = TRIAD_NEW(r->arena, double, 2 * r->points + 1);
    if (made == NULL) return no_memory(r->err);
    for (size_t i = 0; i < r->points; i++)
        if (!read_two(json_object_array_get_idx(list, i), made + 2 * i) || !isfinite(made[2 * i]) ||
            !isfinite(made[2 * i + 1]))
            return bad(r, "a sentence has no place");
    *placement = made;
    return TRIAD_OK;
}

static triad_status read_view(const reader *r, json_object *o, report_view *view)
{
    if (!json_object_is_type(o, json_type_object)) return bad(r, "a space is not an object");
    int64_t role;
    triad_status status = json_want_string(o, "label", &view->name, r->err);
    if (status == TRIAD_OK) status = json_want_int(o, "role", 0, REPORT_ROLES - 1, &role, r->err);
    if (status != TRIAD_OK) return status;
    view->role = (report_role)role;
    if (!read_two(json_find(o, "share", json_type_array), view->share) ||
        !read_two(json_find(o, "trustworthiness", json_type_array), view->trust))
        return bad(r, "a space without share or trustworthiness");
    status = read_placement(r, json_find(o, "pca", json_type_array), &view->pca);
    return status == TRIAD_OK ? read_placement(r, json_find(o, "tsne", json_type_array), &view->tsne) : status;
}

triad_status maps_from_json(report_maps *maps, json_object *from, triad_arena *arena, triad_error *err)
{
    *maps = (report_maps){0};
    json_object *texts = json_find(from, "text", json_type_array), *spaces = json_find(from, "spaces", json_type_array),
                *columns = json_find(from, "columns", json_type_object);
    reader r = {arena, err, texts != NULL ? json_object_array_length(texts) : 0};
    if (texts == NULL || spaces == NULL || columns == NULL || r.points > MAX_POINTS)
        return bad(&r, "not what a study writes");
    int64_t sentences = 0;
    triad_status status = json_want_int(from, "sentences", 0, INT32_MAX, &sentences, err);
    if (status == TRIAD_OK) status = read_texts(&r, texts, &maps->text);
    const size_t views = json_object_array_length(spaces), factors = (size_t)json_object_object_length(columns);
    report_view *view = TRIAD_NEW0(arena, report_view, views + 1);
    report_factor *factor = TRIAD_NEW0(arena, report_factor, MAX_FACTORS);
    if (status == TRIAD_OK && (view == NULL || factor == NULL)) status = no_memory(err);
    if (status == TRIAD_OK && factors > MAX_FACTORS) status = bad(&r, "too many columns");
    if (status != TRIAD_OK) return status;
    json_object_object_foreach(columns, name, list)
    {
        const char *const *cell;
        if (!json_object_is_type(list, json_type_array)) return bad(&r, "a column is not a list");
        status = read_texts(&r, list, &cell);
        if (status == TRIAD_OK)
            status = report_factor_make(&factor[maps->factors++], name, cell, r.points, MAX_CLASSES, arena, err);
        if (status != TRIAD_OK) return status;
    }
    for (size_t i = 0; i < views && status == TRIAD_OK; i++)
        status = read_view(&r, json_object_array_get_idx(spaces, i), &view[i]);
    maps->points = r.points;
    maps->of = (size_t)sentences;
    maps->views = views;
    maps->view = view;
    maps->factor = factor;
    return status;
}
