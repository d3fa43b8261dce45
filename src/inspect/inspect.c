#include "inspect/inspect_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/progress.h"
#include "formats/npy.h"
#include "formats/safetensors.h"
#include "tokenizers/tokenizer.h"
#include "triad/agent.h"
#include "triad/hub.h"
#include "triad/items.h"
#include "triad/space.h"

void inspect_text(json_object *out, const char *key, const char *value)
{
    json_object_object_add(out, key, json_object_new_string(value));
}

void inspect_count(json_object *out, const char *key, size_t value)
{
    json_object_object_add(out, key, json_object_new_int64(value < INT64_MAX ? (int64_t)value : INT64_MAX));
}

/* ---- our own safetensors files */
static triad_status inspect_space(const inspection *job, const char *path, triad_error *err)
{
    triad_space space;
    inspect_text(job->out, "kind", "space");
    const triad_status status = triad_space_read(&space, path, err);
    if (status != TRIAD_OK) return status;
    inspect_text(job->out, "source", space.source);
    inspect_text(job->out, "pool", space.pool);
    inspect_text(job->out, "unit", space.unit);
    inspect_text(job->out, "created_by", space.created_by);
    inspect_count(job->out, "items", space.items.count);
    inspect_count(job->out, "factors", space.items.factors);
    if (space.offsets != NULL) inspect_count(job->out, "tokens", space.tokens);
    json_object *layers = json_object_new_object();
    for (size_t i = 0; i < space.layers; i++) {
        json_object *shape = json_object_new_array();
        json_object_array_add(shape, json_object_new_int64((int64_t)space.layer[i].n));
        json_object_array_add(shape, json_object_new_int64((int64_t)space.layer[i].d));
        json_object_object_add(layers, space.layer[i].name, shape);
    }
    json_object_object_add(job->out, "layers", layers);
    triad_space_free(&space);
    return TRIAD_OK;
}

static triad_status inspect_demos(const inspection *job, const char *path, triad_error *err)
{
    babyai_demos *demos = NULL;
    inspect_text(job->out, "kind", "demonstrations");
    const triad_status status = babyai_demos_open(&demos, path, err);
    if (status != TRIAD_OK) return status;
    inspect_count(job->out, "episodes", babyai_demos_count(demos));
    inspect_count(job->out, "steps", babyai_demos_steps(demos));
    json_object *levels = json_object_new_array();
    for (size_t i = 0; i < babyai_demos_level_count(demos); i++)
        json_object_array_add(levels, json_object_new_string(babyai_level_name(babyai_demos_level_at(demos, i))));
    json_object_object_add(job->out, "levels", levels);
    babyai_demos_close(demos);
    return TRIAD_OK;
}

/* A checkpoint holds the optimiser's moments too, and only `triad train --resume` opens it: what the format promises is
 * checked, and its tensors are listed. */
static triad_status inspect_agent(const inspection *job, const char *path, triad_error *err)
{
    triad_agent *agent = NULL;
    inspect_text(job->out, "kind", "agent");
    const triad_status status = triad_agent_open(&agent, path, err);
    if (status != TRIAD_OK) return status;
    inspect_count(job->out, "width", triad_agent_width(agent));
    inspect_count(job->out, "instruction", triad_agent_instruction_size(agent));
    inspect_count(job->out, "encoder_layers", (size_t)triad_agent_encoder_layers(agent));
    triad_agent_close(agent);
    return TRIAD_OK;
}

static triad_status inspect_tensors(const inspection *job, const safetensors *file, triad_error *err)
{
    json_object *metadata = json_object_new_object();
    for (size_t i = 0; i < safetensors_pairs(file); i++) {
        const safetensors_pair *pair = safetensors_pair_at(file, i);
        const size_t size = strlen(pair->value);
        if (size <= 200) /* tables and digests have their own readers */
            inspect_text(metadata, pair->key, pair->value);
        else
            json_object_object_add(metadata, pair->key, json_object_new_int64((int64_t)size));
    }
    json_object_object_add(job->out, "metadata", metadata);
    tensor_sum sum;
    triad_status status = tensor_sum_begin(&sum, err);
    for (size_t i = 0; i < safetensors_count(file) && status == TRIAD_OK; i++)
        status = tensor_sum_add(&sum, job, safetensors_at(file, i), err);
    if (status == TRIAD_OK) status = tensor_sum_end(&sum, job, err);
    tensor_sum_drop(&sum);
    return status;
}

triad_status inspect_safetensors(const inspection *job, const char *path, triad_error *err)
{
    safetensors *file = NULL;
    inspect_text(job->out, "kind", "safetensors");
    triad_status status = safetensors_open(&file, path, err);
    if (status != TRIAD_OK) return status;
    const char *format = safetensors_metadata(file, "format");
    if (format == NULL) format = "";
    if (strcmp(format, "triad.space") == 0)
        status = inspect_space(job, path, err);
    else if (strcmp(format, "triad.demos") == 0)
        status = inspect_demos(job, path, err);
    else if (strcmp(format, "triad.agent") == 0)
        status = inspect_agent(job, path, err);
    else if (strcmp(format, "triad.agent.checkpoint") == 0)
        inspect_text(job->out, "kind", "agent's checkpoint");
    if (status == TRIAD_OK) status = inspect_tensors(job, file, err);
    safetensors_close(file);
    return status;
}

/* ---- JSON: results, a tokenizer, an index, a configuration */
static triad_status inspect_results(const inspection *job, json_object *root, triad_error *err)
{
    json_object *pairs = json_find(root, "pairs", json_type_array),
                *spaces = json_find(root, "spaces", json_type_array);
    inspect_text(job->out, "kind", "results");
    int64_t items = 0;
    const triad_status status = json_want_int(root, "items", 0, INT64_MAX - 1, &items, err);
    if (status != TRIAD_OK) return status;
    inspect_count(job->out, "items", (size_t)items);
    json_object *names = json_object_new_array();
    for (size_t i = 0; spaces != NULL && i < json_object_array_length(spaces); i++) {
        json_object *space = json_object_array_get_idx(spaces, i);
        json_object *name =
            json_object_is_type(space, json_type_object) ? json_find(space, "name", json_type_string) : NULL;
        if (name == NULL) {
            json_object_put(names);
            return triad_fail(err, TRIAD_ERR_FORMAT, -1, "spaces: entry %zu has no name", i);
        }
        json_object_array_add(names, json_object_get(name));
    }
    json_object_object_add(job->out, "spaces", names);
    size_t measures = 0;
    for (size_t i = 0; i < json_object_array_length(pairs); i++) {
        json_object *pair = json_object_array_get_idx(pairs, i);
        json_object *of =
            json_object_is_type(pair, json_type_object) ? json_find(pair, "measures", json_type_object) : NULL;
        if (of == NULL) return triad_fail(err, TRIAD_ERR_FORMAT, -1, "pairs: entry %zu has no measures", i);
        measures += (size_t)json_object_object_length(of);
    }
    inspect_count(job->out, "pairs", json_object_array_length(pairs));
    inspect_count(job->out, "measures", measures);
    return TRIAD_OK;
}

static triad_status inspect_tokenizer(const inspection *job, const char *path, triad_error *err)
{
    tokenizer *tokens = NULL;
    inspect_text(job->out, "kind", "tokenizer");
    const triad_status status = tokenizer_open_path(&tokens, path, err);
    if (status == TRIAD_OK) inspect_count(job->out, "tokens", tokenizer_size(tokens));
    tokenizer_close(tokens);
    return status;
}

static triad_status inspect_index(const inspection *job, const char *path, triad_error *err)
{
    inspect_text(job->out, "kind", "index of safetensors files");
    return inspect_weights(job, path, err);
}

triad_status inspect_json(const inspection *job, const char *path, triad_error *err)
{
    json_object *root = NULL;
    inspect_text(job->out, "kind", "JSON");
    triad_status status = json_read_file(&root, path, (size_t)1 << 30, err);
    if (status != TRIAD_OK) return status;
    if (!json_object_is_type(root, json_type_object)) {
        json_object_put(root);
        return TRIAD_OK;
    }
    if (json_find(root, "pairs", json_type_array) != NULL)
        status = inspect_results(job, root, err);
    else if (json_find(root, "weight_map", json_type_object) != NULL)
        status = inspect_index(job, path, err);
    else if (json_find(root, "model", json_type_object) != NULL)
        status = inspect_tokenizer(job, path, err);
    else if (json_find(root, "model_type", json_type_string) != NULL) {
        inspect_text(job->out, "kind", "model configuration");
        inspect_text(job->out, "model_type", json_object_get_string(json_find(root, "model_type", json_type_string)));
    }
    json_object_put(root);
    return status;
}

/* ---- the rest */
static triad_status inspect_npy(const inspection *job, const char *path, triad_error *err)
{
    npy *file = NULL;
    tensor_sum sum;
    inspect_text(job->out, "kind", "array");
    triad_status status = npy_open(&file, path, err);
    if (status != TRIAD_OK) return status;
    status = tensor_sum_begin(&sum, err);
    if (status == TRIAD_OK) status = tensor_sum_add(&sum, job, npy_tensor(file), err);
    if (status == TRIAD_OK) status = tensor_sum_end(&sum, job, err);
    tensor_sum_drop(&sum);
    npy_close(file);
    return status;
}

static triad_status inspect_items(const inspection *job, const char *path, triad_error *err)
{
    triad_items items = {0};
    inspect_text(job->out, "kind", "items");
    const triad_status status = triad_items_read(&items, path, err);
    if (status != TRIAD_OK) return status;
    inspect_count(job->out, "items", items.count);
    json_object *factors = json_object_new_array();
    for (size_t i = 0; i < items.factors; i++) json_object_array_add(factors, json_object_new_string(items.factor[i]));
    json_object_object_add(job->out, "factors", factors);
    triad_items_free(&items);
    return TRIAD_OK;
}

/* The log of a training: a JSON object a line. A killed run may leave half of its last line. */
static triad_status inspect_log(const inspection *job, const char *path, triad_error *err)
{
    triad_mapping file;
    size_t lines = 0;
    inspect_text(job->out, "kind", "log");
    triad_status status = triad_map_file(&file, path, err);
    if (status != TRIAD_OK) return status;
    const char *at = (const char *)file.data, *end = at + file.size, *stop;
    for (; status == TRIAD_OK && at < end && (stop = memchr(at, '\n', (size_t)(end - at))) != NULL; at = stop + 1) {
        json_object *line = NULL;
        triad_error why = {0};
        status = json_read(&line, at, (size_t)(stop - at), &why);
        json_object_put(line);
        if (status != TRIAD_OK) status = triad_fail(err, why.code, -1, "line %zu: %s", lines + 1, why.text);
        lines += status == TRIAD_OK;
    }
    triad_unmap(&file);
    inspect_count(job->out, "lines", lines);
    return status;
}

/* A table of measures or contributions: every row has the cells that the first line names; a cell in quotes may hold
 * commas and newlines. */
static triad_status inspect_csv(const inspection *job, const char *path, triad_error *err)
{
    triad_mapping file;
    size_t columns = 0, cells = 1, rows = 0;
    bool quoted = false;
    inspect_text(job->out, "kind", "table");
    triad_status status = triad_map_file(&file, path, err);
    if (status != TRIAD_OK) return status;
    const char *text = (const char *)file.data;
    for (size_t i = 0; i < file.size && status == TRIAD_OK; i++) {
        quoted ^= text[i] == '"';
        cells += !quoted && text[i] == ',';
        if (quoted || text[i] != '\n') continue;
        if (columns == 0)
            columns = cells;
        else if (cells != columns)
            status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "row %zu has %zu cells and the first line %zu", rows + 1,
                                cells, columns);
        else
            rows++;
        cells = 1;
    }
    if (status == TRIAD_OK && (columns == 0 || text[file.size - 1] != '\n'))
        status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "it ends within a row (make it again)");
    triad_unmap(&file);
    inspect_count(job->out, "columns", columns);
    inspect_count(job->out, "rows", rows);
    return status;
}

static bool ends_in(const char *path, const char *suffix)
{
    const size_t size = strlen(path), tail = strlen(suffix);
    return size >= tail && strcmp(path + size - tail, suffix) == 0;
}

static bool is_safetensors(const triad_mapping *file)
{
    uint64_t length;
    if (file->size < 10) return false;
    memcpy(&length, file->data, 8);
    return length <= file->size - 8 && file->data[8] == '{' && length <= 100000000;
}

/* By the first bytes; by the name only where text could be anything. */
static triad_status inspect_file(const inspection *job, const char *path, triad_error *err)
{
    triad_mapping file;
    triad_status status = triad_map_file(&file, path, err);
    if (status != TRIAD_OK) return status;
    inspect_count(job->out, "file_bytes", file.size);
    const char *first = (const char *)file.data;
    const bool is_gguf = file.size >= 4 && memcmp(first, "GGUF", 4) == 0;
    const bool is_npy = file.size >= 6 && memcmp(first, "\x93NUMPY", 6) == 0;
    const bool is_tensors = is_safetensors(&file);
    size_t at = 0;
    while (at < file.size && at < 4096 && strchr(" \t\r\n", first[at]) != NULL && first[at] != 0) at++;
    const bool is_json = at < file.size && (first[at] == '{' || first[at] == '[');
    const bool empty = file.size == 0;
    triad_unmap(&file);
    if (empty) return triad_fail(err, TRIAD_ERR_FORMAT, 0, "the file is empty (make or fetch it again)");
    if (is_gguf || ends_in(path, ".gguf")) return inspect_model(job, path, false, err);
    if (is_npy || ends_in(path, ".npy")) return inspect_npy(job, path, err);
    if (is_tensors || ends_in(path, ".safetensors")) return inspect_safetensors(job, path, err);
    if (ends_in(path, ".model") || ends_in(path, "vocab.txt")) return inspect_tokenizer(job, path, err);
    if (ends_in(path, ".tsv") || ends_in(path, ".txt")) return inspect_items(job, path, err); /* may begin with [ */
    if (ends_in(path, ".csv")) return inspect_csv(job, path, err);
    if (ends_in(path, ".jsonl")) return inspect_log(job, path, err);
    if (is_json || ends_in(path, ".json")) return inspect_json(job, path, err);
    return triad_fail(
        err, TRIAD_ERR_UNSUPPORTED, -1,
        "it is no model, space, agent, table, log or result (for what Triad draws use a viewer or a browser)");
}

triad_status inspect(json_object **report, const char *source, bool deep, triad_progress *progress, triad_error *err)
{
    *report = NULL;
    char *path;
    triad_status status = triad_hub_find(&path, source, err);
    if (status != TRIAD_OK) return status;
    inspection job = {.out = json_object_new_object(), .deep = deep, .progress = progress};
    if (job.out == NULL) {
        free(path);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "info: out of memory");
    }
    if (strcmp(path, source) != 0) inspect_text(job.out, "path", path);
    if (deep) triad_progress_begin(progress, "reading", "bytes", 0);
    triad_error why = {0};
    const bool folder = triad_path_is_folder(path);
    status = folder ? inspect_model(&job, path, true, &why) : inspect_file(&job, path, &why);
    if (deep) triad_progress_end(progress, NULL);
    free(path);
    json_object_object_add(job.out, "sound", json_object_new_boolean(status == TRIAD_OK));
    if (status != TRIAD_OK) inspect_text(job.out, "problem", why.text);
    /* Without a kind there was nothing to describe. */
    if (status != TRIAD_OK && json_find(job.out, "kind", json_type_string) == NULL) {
        json_object_put(job.out);
        status = triad_fail(err, why.code, why.position, "%s", why.text);
        return triad_fail_in(err, source);
    }
    *report = job.out;
    return TRIAD_OK;
}
