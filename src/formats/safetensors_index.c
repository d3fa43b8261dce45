#include "formats/safetensors_index.h"

#include "base/arena.h"
#include "base/file.h"
#include "formats/json.h"

#include <stdlib.h>
#include <string.h>

enum { INDEX_MAX = 64 << 20, MAX_FILE_NAME = 255 };

typedef struct entry {
    const char *name, *file;
    const tensor_view *tensor; /* NULL after parse */
} entry;

struct safetensors_index {
    triad_arena arena;
    size_t count, files;
    entry *entry;        /* [count] by name */
    const char **file;   /* [files] sorted */
    safetensors **shard; /* [files]; NULL after parse */
};

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->name, ((const entry *)b)->name);
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* An index must not lead out of its folder. */
static bool is_plain(const char *name)
{
    static const char ENDING[] = ".safetensors";
    const size_t length = strlen(name), ending = sizeof ENDING - 1;
    if (length <= ending || length > MAX_FILE_NAME || strcmp(name + length - ending, ENDING) != 0 || name[0] == '.')
        return false;
    for (const unsigned char *c = (const unsigned char *)name; *c; c++)
        if (*c < 0x20 || *c == 0x7f || *c == '/' || *c == '\\') return false;
    return true;
}

static triad_status create(safetensors_index **out, size_t count, triad_error *err)
{
    safetensors_index *index = calloc(1, sizeof *index);
    if (index == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "index: out of memory");
    triad_arena_init(&index->arena, 65536);
    index->entry = TRIAD_NEW0(&index->arena, entry, count + 1);
    index->file = TRIAD_NEW0(&index->arena, const char *, count + 1);
    if (index->entry == NULL || index->file == NULL) {
        safetensors_index_close(index);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "index: out of memory");
    }
    *out = index;
    return TRIAD_OK;
}

static triad_status read_map(safetensors_index *index, json_object *map, triad_error *err)
{
    json_object_object_foreach(map, name, value)
    {
        if (!json_object_is_type(value, json_type_string))
            return triad_fail(err, TRIAD_ERR_FORMAT, -1, "weight_map: the file of %s is not a string", name);
        const char *file = json_object_get_string(value);
        if (strlen(file) != (size_t)json_object_get_string_len(value) || !is_plain(file))
            return triad_fail(err, TRIAD_ERR_FORMAT, -1,
                              "weight_map: %s of %s is not the plain name of a .safetensors file", file, name);
        entry *e = &index->entry[index->count];
        e->name = triad_arena_strdup(&index->arena, name);
        e->file = triad_arena_strdup(&index->arena, file);
        if (e->name == NULL || e->file == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "index: out of memory");
        index->file[index->count++] = e->file;
    }
    if (index->count == 0) return triad_fail(err, TRIAD_ERR_FORMAT, -1, "weight_map: is empty");
    qsort(index->entry, index->count, sizeof *index->entry, compare_entries);
    qsort(index->file, index->count, sizeof *index->file, compare_strings);
    for (size_t i = 0; i < index->count; i++)
        if (i == 0 || strcmp(index->file[i], index->file[index->files - 1]) != 0)
            index->file[index->files++] = index->file[i];
    return TRIAD_OK;
}

triad_status safetensors_index_parse(safetensors_index **out, const char *bytes, size_t size, triad_error *err)
{
    *out = NULL;
    json_object *root;
    triad_status status = json_read(&root, bytes, size, err);
    if (status != TRIAD_OK) return status;
    json_object *map = json_find(root, "weight_map", json_type_object);
    if (map == NULL) {
        json_object_put(root);
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "weight_map: missing, or not an object");
    }
    safetensors_index *index = NULL;
    status = create(&index, (size_t)json_object_object_length(map), err);
    if (status == TRIAD_OK) status = read_map(index, map, err);
    json_object_put(root);
    if (status == TRIAD_OK)
        *out = index;
    else
        safetensors_index_close(index);
    return status;
}

static const entry *find_entry(const safetensors_index *index, const char *name)
{
    const entry key = {.name = name};
    return index->count ? bsearch(&key, index->entry, index->count, sizeof key, compare_entries) : NULL;
}

static size_t file_number(const safetensors_index *index, const char *name)
{
    const char **found = bsearch(&name, index->file, index->files, sizeof *index->file, compare_strings);
    return (size_t)(found - index->file);
}

static triad_status open_files(safetensors_index *index, const char *path, triad_error *err)
{
    index->shard = TRIAD_NEW0(&index->arena, safetensors *, index->files);
    const char *slash = strrchr(path, '/');
    char *folder = triad_arena_strndup(&index->arena, slash ? path : ".", slash ? (size_t)(slash - path) + 1 : 1);
    if (index->shard == NULL || folder == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", path);
    for (size_t i = 0; i < index->files; i++) {
        char *file = triad_path_join(folder, index->file[i]);
        if (file == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", path);
        const triad_status status = safetensors_open(&index->shard[i], file, err);
        free(file);
        if (status != TRIAD_OK) return status;
    }
    for (size_t i = 0; i < index->count; i++) {
        entry *e = &index->entry[i];
        e->tensor = safetensors_find(index->shard[file_number(index, e->file)], e->name);
        if (e->tensor == NULL)
            return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "%s: tensor %s is not in %s", path, e->name, e->file);
    }
    /* What lies in a file beside the tensors that are mapped to it must not be one that is mapped to another. */
    for (size_t i = 0; i < index->files; i++)
        for (size_t k = 0; k < safetensors_count(index->shard[i]); k++) {
            const tensor_view *tensor = safetensors_at(index->shard[i], k);
            const entry *e = find_entry(index, tensor->name);
            if (e && e->tensor != tensor)
                return triad_fail(err, TRIAD_ERR_FORMAT, -1, "%s: tensor %s is in %s and in %s", path, e->name, e->file,
                                  index->file[i]);
        }
    return TRIAD_OK;
}

/* One file stands for itself. */
static triad_status open_single(safetensors_index **out, const char *path, triad_error *err)
{
    safetensors *file;
    triad_status status = safetensors_open(&file, path, err);
    if (status != TRIAD_OK) return status;
    safetensors_index *index = NULL;
    status = create(&index, safetensors_count(file), err);
    if (status != TRIAD_OK) {
        safetensors_close(file);
        return status;
    }
    index->shard = TRIAD_NEW0(&index->arena, safetensors *, 1);
    const char *slash = strrchr(path, '/');
    index->file[0] = triad_arena_strdup(&index->arena, slash ? slash + 1 : path);
    if (index->shard == NULL || index->file[0] == NULL) {
        safetensors_close(file);
        safetensors_index_close(index);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", path);
    }
    index->shard[0] = file;
    index->files = 1;
    index->count = safetensors_count(file);
    for (size_t i = 0; i < index->count; i++) {
        const tensor_view *tensor = safetensors_at(file, i);
        index->entry[i] = (entry){tensor->name, index->file[0], tensor};
    }
    qsort(index->entry, index->count, sizeof *index->entry, compare_entries);
    *out = index;
    return TRIAD_OK;
}

triad_status safetensors_index_open(safetensors_index **out, const char *path, triad_error *err)
{
    *out = NULL;
    const size_t length = strlen(path);
    if (length < 5 || strcmp(path + length - 5, ".json") != 0) return open_single(out, path, err);
    char *text;
    size_t size;
    triad_status status = triad_read_whole(&text, &size, path, INDEX_MAX, err);
    if (status != TRIAD_OK) return status;
    safetensors_index *index;
    status = safetensors_index_parse(&index, text, size, err);
    free(text);
    if (status != TRIAD_OK) return triad_fail_in(err, path);
    status = open_files(index, path, err);
    if (status != TRIAD_OK) {
        safetensors_index_close(index);
        return status;
    }
    *out = index;
    return TRIAD_OK;
}

void safetensors_index_close(safetensors_index *index)
{
    if (index == NULL) return;
    for (size_t i = 0; index->shard && i < index->files; i++) safetensors_close(index->shard[i]);
    triad_arena_free(&index->arena);
    free(index);
}

size_t safetensors_index_files(const safetensors_index *index)
{
    return index->files;
}

const char *safetensors_index_file_name(const safetensors_index *index, size_t file)
{
    return file < index->files ? index->file[file] : NULL;
}

const safetensors *safetensors_index_file(const safetensors_index *index, size_t file)
{
    return index->shard && file < index->files ? index->shard[file] : NULL;
}

size_t safetensors_index_count(const safetensors_index *index)
{
    return index->count;
}

const char *safetensors_index_name(const safetensors_index *index, size_t tensor)
{
    return tensor < index->count ? index->entry[tensor].name : NULL;
}

const tensor_view *safetensors_index_find(const safetensors_index *index, const char *name)
{
    const entry *found = find_entry(index, name);
    return found ? found->tensor : NULL;
}
