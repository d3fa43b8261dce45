#include "experiment/graph.h"

#include "base/file.h"
#include "formats/json.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_RECORD = 1 << 20 };

static triad_status no_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "study: out of memory");
}

/* ---- building */

study_stage *graph_add(study_graph *graph, const char *kind, const char *name, int version, stage_fn run,
                       const char *does)
{
    if (graph->stages == graph->capacity) {
        const size_t more = graph->capacity ? 2 * graph->capacity : 32;
        study_stage *grown = realloc(graph->stage, more * sizeof *grown);
        if (grown == NULL) return NULL;
        graph->stage = grown;
        graph->capacity = more;
    }
    study_stage *s = &graph->stage[graph->stages];
    *s = (study_stage){.kind = triad_arena_strdup(&graph->arena, kind),
                       .name = triad_arena_strdup(&graph->arena, name),
                       .does = triad_arena_strdup(&graph->arena, does),
                       .version = version,
                       .run = run};
    if (s->kind == NULL || s->name == NULL || s->does == NULL) return NULL;
    graph->stages++;
    return s;
}

void graph_needs(study_graph *graph, size_t at, size_t input, int output)
{
    study_stage *s = &graph->stage[at];
    if (s->inputs == s->input_capacity) {
        const size_t more = s->input_capacity ? 2 * s->input_capacity : 8;
        stage_input *grown = TRIAD_NEW(&graph->arena, stage_input, more);
        if (grown == NULL) {
            s->config.failed = true; /* found by graph_examine */
            return;
        }
        if (s->inputs > 0) memcpy(grown, s->input, s->inputs * sizeof *grown);
        s->input = grown;
        s->input_capacity = more;
    }
    s->input[s->inputs++] = (stage_input){input, output};
}

int graph_makes(study_graph *graph, size_t at, const char *path)
{
    study_stage *s = &graph->stage[at];
    const char *copy = triad_arena_strdup(&graph->arena, path);
    if (copy == NULL || s->outputs == STAGE_MAX_OUTPUTS) {
        s->config.failed = true;
        return 0;
    }
    s->output[s->outputs] = copy;
    return s->outputs++;
}

void graph_free(study_graph *graph)
{
    for (size_t i = 0; i < graph->stages; i++) triad_text_free(&graph->stage[i].config);
    free(graph->stage);
    triad_arena_free(&graph->arena);
    *graph = (study_graph){0};
}

char *graph_path(const study_graph *graph, const char *path)
{
    return triad_path_join(graph->folder, path);
}

/* ---- records */

static char *record_path(const study_graph *graph, const study_stage *s, const char *ending)
{
    char name[256];
    snprintf(name, sizeof name, "stages/%s.%s", s->name, ending);
    return graph_path(graph, name);
}

/* "" while an input is not done. */
static triad_status key_of(const study_graph *graph, const study_stage *s, char key[65], triad_error *err)
{
    key[0] = '\0';
    triad_text text = {0};
    triad_text_addf(&text, "%s %d\n", s->kind, s->version);
    if (s->config.size > 0) triad_text_add_bytes(&text, s->config.bytes, s->config.size);
    for (int i = 0; i < s->outputs; i++) triad_text_addf(&text, "makes %s\n", s->output[i]);
    for (size_t i = 0; i < s->inputs; i++) {
        const study_stage *from = &graph->stage[s->input[i].stage];
        if (!from->done) {
            triad_text_free(&text);
            return TRIAD_OK;
        }
        triad_text_addf(&text, "reads %s %s\n", from->output[s->input[i].output], from->sha256[s->input[i].output]);
    }
    const bool failed = text.failed || s->config.failed;
    if (!failed) triad_sha256_bytes(key, text.bytes, text.size);
    triad_text_free(&text);
    return failed ? no_memory(err) : TRIAD_OK;
}

/* A record that can't be read, or that tells of other files, only means that the stage is to be done. */
static bool record_agrees(const study_graph *graph, study_stage *s, json_object *record)
{
    const char *key;
    json_object *outputs = json_find(record, "outputs", json_type_array);
    if (json_want_string(record, "key", &key, NULL) != TRIAD_OK || strcmp(key, s->key) != 0 || outputs == NULL ||
        json_object_array_length(outputs) != (size_t)s->outputs)
        return false;
    for (int i = 0; i < s->outputs; i++) {
        json_object *entry = json_object_array_get_idx(outputs, (size_t)i);
        const char *path, *sha256;
        if (!json_object_is_type(entry, json_type_object) || json_want_string(entry, "path", &path, NULL) != TRIAD_OK ||
            json_want_string(entry, "sha256", &sha256, NULL) != TRIAD_OK || strcmp(path, s->output[i]) != 0)
            return false;
        char *whole = graph_path(graph, path);
        const bool same = whole != NULL && triad_sha256_file(s->sha256[i], whole, NULL) == TRIAD_OK &&
                          strcmp(s->sha256[i], sha256) == 0;
        free(whole);
        if (!same) return false;
    }
    return true;
}

static triad_status examine(const study_graph *graph, study_stage *s, triad_error *err)
{
    s->done = s->started = false;
    const triad_status status = key_of(graph, s, s->key, err);
    if (status != TRIAD_OK || s->key[0] == '\0') return status;
    char *record = record_path(graph, s, "json"), *started = record_path(graph, s, "started");
    if (record == NULL || started == NULL) {
        free(record);
        free(started);
        return no_memory(err);
    }
    json_object *root = NULL;
    if (triad_path_exists(record) && json_read_file(&root, record, MAX_RECORD, NULL) == TRIAD_OK &&
        json_object_is_type(root, json_type_object))
        s->done = record_agrees(graph, s, root);
    json_object_put(root);
    char *text = NULL;
    size_t size;
    if (!s->done && triad_path_exists(started) && triad_read_whole(&text, &size, started, 4096, NULL) == TRIAD_OK)
        s->started = strncmp(text, s->key, 64) == 0;
    free(text);
    free(record);
    free(started);
    return TRIAD_OK;
}

triad_status graph_examine(study_graph *graph, triad_error *err)
{
    for (size_t i = 0; i < graph->stages; i++) {
        const triad_status status = examine(graph, &graph->stage[i], err);
        if (status != TRIAD_OK) return status;
    }
    return TRIAD_OK;
}

static json_object *record_of(const study_graph *graph, const study_stage *s)
{
    json_object *root = json_object_new_object(), *outputs = json_object_new_array(), *inputs = json_object_new_array();
    json_object_object_add(root, "stage", json_object_new_string(s->name));
    json_object_object_add(root, "kind", json_object_new_string(s->kind));
    json_object_object_add(root, "version", json_object_new_int(s->version));
    json_object_object_add(root, "key", json_object_new_string(s->key));
    for (size_t i = 0; i < s->inputs; i++)
        json_object_array_add(inputs,
                              json_object_new_string(graph->stage[s->input[i].stage].output[s->input[i].output]));
    for (int i = 0; i < s->outputs; i++) {
        json_object *entry = json_object_new_object();
        json_object_object_add(entry, "path", json_object_new_string(s->output[i]));
        json_object_object_add(entry, "sha256", json_object_new_string(s->sha256[i]));
        json_object_array_add(outputs, entry);
    }
    json_object_object_add(root, "inputs", inputs);
    json_object_object_add(root, "outputs", outputs);
    return root;
}

/* ---- running */

static triad_status remove_file(const study_graph *graph, const char *path, triad_error *err)
{
    char *whole = graph_path(graph, path);
    if (whole == NULL) return no_memory(err);
    const int failed = unlink(whole) != 0 && errno != ENOENT ? errno : 0;
    free(whole);
    return failed ? triad_fail(err, TRIAD_ERR_IO, -1, "%s: can't be removed: %s", path, strerror(failed)) : TRIAD_OK;
}

/* Files beside an output that belong to the stage: "agents/agent-2.safetensors." and what follows. */
static triad_status remove_leftovers(const study_graph *graph, const char *prefix, triad_error *err)
{
    const char *slash = strrchr(prefix, '/');
    char folder[256];
    snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - prefix) : 0, prefix);
    const char *start = slash != NULL ? slash + 1 : prefix;
    char *whole = graph_path(graph, folder);
    if (whole == NULL) return no_memory(err);
    DIR *list = opendir(whole);
    free(whole);
    if (list == NULL) return TRIAD_OK;
    triad_status status = TRIAD_OK;
    for (const struct dirent *entry; status == TRIAD_OK && (entry = readdir(list)) != NULL;) {
        if (strncmp(entry->d_name, start, strlen(start)) != 0) continue;
        char path[600];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        status = remove_file(graph, path, err);
    }
    closedir(list);
    return status;
}

/* What an earlier run with other inputs left behind must not be taken for this one's. */
static triad_status clear(const study_graph *graph, const study_stage *s, triad_error *err)
{
    triad_status status = TRIAD_OK;
    for (int i = 0; i < s->outputs && status == TRIAD_OK; i++) status = remove_file(graph, s->output[i], err);
    if (status == TRIAD_OK && s->leftover != NULL) status = remove_leftovers(graph, s->leftover, err);
    return status;
}

static triad_status write_record(const study_graph *graph, const study_stage *s, triad_error *err)
{
    char *path = record_path(graph, s, "json"), *started = record_path(graph, s, "started");
    triad_status status = TRIAD_OK;
    if (path == NULL || started == NULL) {
        status = no_memory(err);
    } else {
        json_object *record = record_of(graph, s);
        status = json_write_file(path, record, err);
        json_object_put(record);
        if (status == TRIAD_OK && unlink(started) != 0 && errno != ENOENT)
            status =
                triad_fail(err, TRIAD_ERR_IO, -1, "stages/%s.started: can't be removed: %s", s->name, strerror(errno));
    }
    free(path);
    free(started);
    return status;
}

static triad_status run_stage(const study_graph *graph, study_stage *s, triad_error *err)
{
    char *started = record_path(graph, s, "started"), *record = record_path(graph, s, "json");
    triad_status status = started != NULL && record != NULL ? TRIAD_OK : no_memory(err);
    if (status == TRIAD_OK && !s->started) {
        /* In this order a kill in between leaves nothing that could be taken for done or for begun. */
        if (unlink(record) != 0 && errno != ENOENT)
            status =
                triad_fail(err, TRIAD_ERR_IO, -1, "stages/%s.json: can't be removed: %s", s->name, strerror(errno));
        if (status == TRIAD_OK && unlink(started) != 0 && errno != ENOENT)
            status =
                triad_fail(err, TRIAD_ERR_IO, -1, "stages/%s.started: can't be removed: %s", s->name, strerror(errno));
        if (status == TRIAD_OK) status = clear(graph, s, err);
        char text[66];
        snprintf(text, sizeof text, "%s\n", s->key);
        if (status == TRIAD_OK) status = triad_write_whole(started, text, strlen(text), err);
    }
    free(started);
    free(record);
    if (status != TRIAD_OK) return status;
    status = s->run(graph->context, s, err);
    if (status != TRIAD_OK) return triad_fail_in(err, s->name);
    for (int i = 0; i < s->outputs && status == TRIAD_OK; i++) {
        char *path = graph_path(graph, s->output[i]);
        status = path != NULL ? triad_sha256_file(s->sha256[i], path, err) : no_memory(err);
        free(path);
    }
    if (status == TRIAD_OK) status = write_record(graph, s, err);
    if (status == TRIAD_OK) s->done = true;
    return status;
}

triad_status graph_select(const study_graph *graph, const char *only, bool *wanted, triad_error *err)
{
    bool found = false;
    for (size_t i = 0; i < graph->stages; i++) {
        wanted[i] = only == NULL || strcmp(only, graph->stage[i].name) == 0 || strcmp(only, graph->stage[i].kind) == 0;
        found = found || wanted[i];
    }
    if (!found) {
        const char *names[512] = {NULL};
        size_t count = 0;
        for (size_t i = 0; i < graph->stages && count < 512; i++) {
            names[count++] = graph->stage[i].name;
            if (count < 512) names[count++] = graph->stage[i].kind;
        }
        const char *near = only != NULL ? triad_nearest_name(only, names, count) : NULL;
        if (near != NULL)
            return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "no stage '%.80s' in this study (did you mean '%s'?)", only,
                              near);
        return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "no stage '%.80s' in this study (--list shows them)",
                          only != NULL ? only : "");
    }
    for (size_t i = graph->stages; i-- > 0;)
        if (wanted[i])
            for (size_t j = 0; j < graph->stage[i].inputs; j++) wanted[graph->stage[i].input[j].stage] = true;
    return TRIAD_OK;
}

triad_status graph_refresh(study_graph *graph, size_t at, triad_error *err)
{
    return examine(graph, &graph->stage[at], err);
}

triad_status graph_run_stage(study_graph *graph, size_t at, triad_error *err)
{
    return run_stage(graph, &graph->stage[at], err);
}
