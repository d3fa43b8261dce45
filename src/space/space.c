#include "triad/space.h"

#include "base/checked.h"
#include "base/file.h"
#include "formats/npy.h"
#include "formats/safetensors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char LAYER_PREFIX[] = "layer.";
enum { LAYERS_MAX = 4096 };

void triad_space_free(triad_space *space)
{
    if (space == NULL) return;
    triad_items_free(&space->items);
    free(space->source);
    free(space->pool);
    free(space->unit);
    free(space->kind);
    free(space->created_by);
    for (size_t i = 0; i < space->layers; i++) {
        free(space->layer[i].name);
        free(space->layer[i].data);
    }
    free(space->layer);
    free(space->offsets);
    free(space->ids);
    memset(space, 0, sizeof *space);
}

static triad_status describe(triad_space *space, const char *source, const char *pool, const char *unit,
                             const char *kind, const char *created_by, triad_error *err)
{
    space->source = strdup(source);
    space->pool = strdup(pool);
    space->unit = strdup(unit);
    space->kind = strdup(kind);
    space->created_by = strdup(created_by);
    if (!space->source || !space->pool || !space->unit || !space->kind || !space->created_by)
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "space: out of memory");
    return TRIAD_OK;
}

triad_status triad_space_create(triad_space *space, triad_items *items, const char *source, const char *pool,
                                const char *unit, const char *kind, triad_error *err)
{
    memset(space, 0, sizeof *space);
    space->items = *items;
    memset(items, 0, sizeof *items);
    triad_status status = describe(space, source, pool, unit, kind, "triad " TRIAD_VERSION, err);
    if (status != TRIAD_OK) triad_space_free(space);
    return status;
}

triad_status triad_space_add_layer(triad_space *space, const char *name, size_t n, size_t d, float **data,
                                   triad_error *err)
{
    size_t count, bytes;
    if (!triad_mul_size(&count, n, d) || !triad_mul_size(&bytes, count, sizeof(float)))
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "layer %s: %zu x %zu numbers are too many", name, n, d);
    triad_layer *grown = realloc(space->layer, (space->layers + 1) * sizeof *grown);
    if (grown == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "layer %s: out of memory", name);
    space->layer = grown;
    triad_layer layer = {.name = strdup(name), .n = n, .d = d, .data = calloc(count ? count : 1, sizeof(float))};
    if (layer.name == NULL || layer.data == NULL) {
        free(layer.name);
        free(layer.data);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "layer %s: out of memory for %zu x %zu numbers", name, n, d);
    }
    space->layer[space->layers++] = layer;
    *data = layer.data;
    return TRIAD_OK;
}

/* ---- reading */

static triad_status check_finite(const triad_layer *layer, triad_error *err)
{
    for (size_t r = 0; r < layer->n; r++)
        for (size_t c = 0; c < layer->d; c++)
            if (!isfinite(layer->data[r * layer->d + c]))
                return triad_fail(err, TRIAD_ERR_NUMERIC, (int64_t)r,
                                  "layer %s: row %zu holds a number that is not finite (embed it again)", layer->name,
                                  r);
    return TRIAD_OK;
}

/* Copies a [n, d] tensor of any float type into a new layer. */
static triad_status take_layer(triad_space *space, const char *name, const tensor_view *tensor, size_t rows,
                               triad_error *err)
{
    if (tensor->rank != 2 || tensor->shape[0] != rows || tensor->shape[1] == 0)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "layer %s: must be a matrix of %zu rows", name, rows);
    float *data = NULL;
    triad_status status = triad_space_add_layer(space, name, rows, tensor->shape[1], &data, err);
    if (status == TRIAD_OK) status = tensor_widen_rows(data, tensor, 0, rows, err);
    if (status == TRIAD_OK) status = check_finite(&space->layer[space->layers - 1], err);
    return status;
}

static triad_status take_integers(int64_t **out, const tensor_view *tensor, size_t count, triad_error *err)
{
    *out = malloc((count ? count : 1) * sizeof **out);
    if (*out == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", tensor->name);
    memcpy(*out, tensor->data, count * sizeof **out);
    return TRIAD_OK;
}

static triad_status read_tokens(triad_space *space, const safetensors *file, triad_error *err)
{
    if (safetensors_find(file, "offsets") == NULL) return TRIAD_OK;
    const tensor_view *offsets, *ids;
    triad_status status =
        safetensors_want(&offsets, file, "offsets", TENSOR_I64, 1, (const size_t[]){space->items.count + 1}, err);
    if (status == TRIAD_OK)
        status = safetensors_want(&ids, file, "ids", TENSOR_I64, 1, (const size_t[]){SIZE_MAX}, err);
    if (status != TRIAD_OK) return status;
    space->tokens = ids->shape[0];
    status = take_integers(&space->offsets, offsets, space->items.count + 1, err);
    if (status == TRIAD_OK) status = take_integers(&space->ids, ids, space->tokens, err);
    if (status != TRIAD_OK) return status;
    for (size_t i = 0; i < space->items.count; i++)
        if (space->offsets[i] < 0 || space->offsets[i] > space->offsets[i + 1])
            return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)i, "offsets: decrease at %zu", i);
    if (space->offsets[0] != 0 || (size_t)space->offsets[space->items.count] != space->tokens)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "offsets: do not span the %zu tokens", space->tokens);
    return TRIAD_OK;
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

static triad_status read_safetensors(triad_space *space, const char *path, triad_error *err)
{
    safetensors *file = NULL;
    triad_status status = safetensors_open(&file, path, err);
    if (status != TRIAD_OK) return status;
    const char *format = safetensors_metadata(file, "format"), *table = safetensors_metadata(file, "items");
    if (format == NULL || strcmp(format, "triad.space") != 0 || table == NULL) {
        status = triad_fail(
            err, TRIAD_ERR_FORMAT, -1,
            "%s: not a space: its metadata lack format=triad.space or items (make one with triad embed)", path);
        goto out;
    }
    status = triad_items_parse(&space->items, table, strlen(table), path, err);
    if (status == TRIAD_OK)
        status = describe(space, or_empty(safetensors_metadata(file, "source")),
                          or_empty(safetensors_metadata(file, "pool")), or_empty(safetensors_metadata(file, "unit")),
                          or_empty(safetensors_metadata(file, "kind")),
                          or_empty(safetensors_metadata(file, "created_by")), err);
    if (status == TRIAD_OK) status = read_tokens(space, file, err);
    const size_t rows = space->offsets ? space->tokens : space->items.count;
    for (size_t i = 0; status == TRIAD_OK && i < safetensors_count(file); i++) {
        const tensor_view *tensor = safetensors_at(file, i);
        if (strncmp(tensor->name, LAYER_PREFIX, sizeof LAYER_PREFIX - 1) != 0) continue;
        if (space->layers == LAYERS_MAX)
            status = triad_fail(err, TRIAD_ERR_RANGE, -1, "%s: more than %d layers", path, LAYERS_MAX);
        else
            status = take_layer(space, tensor->name + sizeof LAYER_PREFIX - 1, tensor, rows, err);
    }
    if (status == TRIAD_OK && space->layers == 0)
        status = triad_fail(err, TRIAD_ERR_FORMAT, -1,
                            "%s: holds no tensor named layer.NAME (a space is what triad embed writes)", path);
out:
    safetensors_close(file);
    return status;
}

/* STEM.npy with STEM.tsv or STEM.txt beside it. */
static triad_status read_npy(triad_space *space, const char *path, triad_error *err)
{
    const size_t stem = strlen(path) - strlen(".npy");
    char *table = malloc(stem + sizeof ".tsv");
    if (table == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", path);
    memcpy(table, path, stem);
    memcpy(table + stem, ".tsv", sizeof ".tsv");
    if (!triad_path_exists(table)) memcpy(table + stem, ".txt", sizeof ".txt");

    npy *file = NULL;
    triad_status status;
    if (!triad_path_exists(table))
        status = triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                            "%s: has no .tsv or .txt of the same name beside it (its rows need sentences)", path);
    else
        status = triad_items_read(&space->items, table, err);
    if (status == TRIAD_OK) status = npy_open(&file, path, err);
    if (status == TRIAD_OK) status = describe(space, "npy", "", "sentence", "imported", "", err);
    if (status == TRIAD_OK) status = take_layer(space, "0", npy_tensor(file), space->items.count, err);
    npy_close(file);
    free(table);
    return status;
}

triad_status triad_space_read(triad_space *space, const char *path, triad_error *err)
{
    memset(space, 0, sizeof *space);
    const size_t length = strlen(path);
    const bool numpy = length > 4 && strcmp(path + length - 4, ".npy") == 0;
    triad_status status = numpy ? read_npy(space, path, err) : read_safetensors(space, path, err);
    if (status == TRIAD_OK) status = triad_sha256_file(space->sha256, path, err);
    if (status != TRIAD_OK) {
        if (err) status = triad_fail_in(err, path);
        triad_space_free(space);
    }
    return status;
}

/* ---- writing */

triad_status triad_space_write(const triad_space *space, const char *path, triad_error *err)
{
    triad_status status = TRIAD_OK;
    char *table = triad_items_to_tsv(&space->items);
    tensor_view *tensors = calloc(space->layers + 2, sizeof *tensors);
    char **names = calloc(space->layers + 1, sizeof *names);
    size_t count = 0;
    if (table == NULL || tensors == NULL || names == NULL) goto memory;
    for (size_t i = 0; i < space->layers; i++) {
        const triad_layer *layer = &space->layer[i];
        names[i] = malloc(sizeof LAYER_PREFIX + strlen(layer->name));
        if (names[i] == NULL) goto memory;
        strcpy(names[i], LAYER_PREFIX);
        strcat(names[i], layer->name);
        tensors[count++] = (tensor_view){
            .name = names[i], .dtype = TENSOR_F32, .rank = 2, .shape = {layer->n, layer->d}, .data = layer->data};
    }
    if (space->offsets != NULL) {
        tensors[count++] = (tensor_view){.name = "offsets",
                                         .dtype = TENSOR_I64,
                                         .rank = 1,
                                         .shape = {space->items.count + 1},
                                         .data = space->offsets};
        tensors[count++] =
            (tensor_view){.name = "ids", .dtype = TENSOR_I64, .rank = 1, .shape = {space->tokens}, .data = space->ids};
    }
    const safetensors_pair metadata[] = {
        {"created_by", space->created_by},
        {"format", "triad.space"},
        {"items", table},
        {"kind", space->kind},
        {"pool", space->pool},
        {"source", space->source},
        {"unit", space->unit},
    };
    status = safetensors_write(path, tensors, count, metadata, sizeof metadata / sizeof *metadata, err);
    goto out;
memory:
    status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", path);
out:
    for (size_t i = 0; names && i < space->layers; i++) free(names[i]);
    free(names);
    free(tensors);
    free(table);
    return status;
}

/* ---- layers */

const triad_layer *triad_space_find(const triad_space *space, const char *name)
{
    for (size_t i = 0; i < space->layers; i++)
        if (strcmp(space->layer[i].name, name) == 0) return &space->layer[i];
    return NULL;
}

const triad_layer *triad_space_last(const triad_space *space)
{
    static const char *const named[] = {"projected", "instruction"};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        const triad_layer *layer = triad_space_find(space, named[i]);
        if (layer != NULL) return layer;
    }
    const triad_layer *last = NULL;
    long highest = -1;
    for (size_t i = 0; i < space->layers; i++) {
        char *end;
        const long number = strtol(space->layer[i].name, &end, 10);
        if (end != space->layer[i].name && *end == '\0' && number > highest) {
            highest = number;
            last = &space->layer[i];
        }
    }
    return last ? last : space->layers ? &space->layer[space->layers - 1] : NULL;
}
