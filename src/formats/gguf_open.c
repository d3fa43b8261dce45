/* GGUF files, and models that are split over several: NAME-00001-of-00003.gguf and its sisters. */
#include "formats/gguf_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static triad_status open_mapped(gguf **out, const char *path, triad_error *err)
{
    *out = NULL;
    triad_mapping mapping;
    triad_status status = triad_map_file(&mapping, path, err);
    if (status != TRIAD_OK) return status;
    status = gguf_parse_part(out, mapping.data, mapping.size, err);
    if (status != TRIAD_OK) {
        triad_unmap(&mapping);
        return triad_fail_in(err, path);
    }
    (*out)->mapping = mapping;
    return TRIAD_OK;
}

/* ---- split models: NAME-00001-of-00003.gguf and its sisters; the first holds the metadata */
enum { SPLIT_NAME = 20 }; /* characters of "-00001-of-00003.gguf" */

static void split_name(char out[SPLIT_NAME + 1], size_t number, size_t count)
{
    snprintf(out, SPLIT_NAME + 1, "-%05u-of-%05u.gguf", (unsigned)(number % 100000), (unsigned)(count % 100000));
}

static triad_status join_tables(gguf *file, const char *path, triad_error *err)
{
    size_t total = file->tensors;
    for (size_t i = 0; i + 1 < file->split_count; i++) total += file->part[i]->tensors; /* all of them are in memory */
    int64_t wanted;
    if (gguf_get_int(file, "split.tensors.count", &wanted) && (wanted < 0 || (size_t)wanted != total))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "%s: its files hold %zu tensors, and split.tensors.count is %lld",
                          path, total, (long long)wanted);
    tensor_view *joined = TRIAD_NEW(&file->arena, tensor_view, total + 1);
    const tensor_view **by_name = TRIAD_NEW(&file->arena, const tensor_view *, total + 1);
    if (joined == NULL || by_name == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", path);
    size_t count = file->tensors;
    if (count > 0) memcpy(joined, file->tensor, count * sizeof *joined);
    for (size_t i = 0; i + 1 < file->split_count; i++) {
        const gguf *part = file->part[i];
        if (part->tensors > 0) memcpy(joined + count, part->tensor, part->tensors * sizeof *joined);
        count += part->tensors;
    }
    for (size_t i = 0; i < total; i++) by_name[i] = &joined[i];
    tensor_sort_names(by_name, total);
    for (size_t i = 1; i < total; i++)
        if (strcmp(by_name[i - 1]->name, by_name[i]->name) == 0)
            return triad_fail(err, TRIAD_ERR_FORMAT, -1, "%s: tensor %s is in two of its files", path,
                              by_name[i]->name);
    file->tensor = joined;
    file->by_name = by_name;
    file->tensors = total;
    return TRIAD_OK;
}

static triad_status open_parts(gguf *file, const char *path, triad_error *err)
{
    const size_t length = strlen(path), count = file->split_count;
    char ending[SPLIT_NAME + 1];
    split_name(ending, file->split_number + 1, count);
    if (length < SPLIT_NAME || strcmp(path + length - SPLIT_NAME, ending) != 0)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "%s: it is file %zu of %zu, so its name must end in %s", path,
                          file->split_number + 1, count, ending);
    if (file->split_number != 0)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "%s: it is file %zu of %zu of a split model (name the first)",
                          path, file->split_number + 1, count);
    char *name = triad_arena_alloc(&file->arena, length + 1, 1);
    file->part = TRIAD_NEW0(&file->arena, gguf *, count - 1);
    if (name == NULL || file->part == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", path);
    for (size_t i = 1; i < count; i++) {
        memcpy(name, path, length - SPLIT_NAME);
        split_name(name + length - SPLIT_NAME, i + 1, count);
        const triad_status status = open_mapped(&file->part[i - 1], name, err);
        if (status != TRIAD_OK) return status;
        if (file->part[i - 1]->split_number != i || file->part[i - 1]->split_count != count)
            return triad_fail(err, TRIAD_ERR_FORMAT, -1, "%s: it says that it is file %zu of %zu", name,
                              file->part[i - 1]->split_number + 1, file->part[i - 1]->split_count);
    }
    return join_tables(file, path, err);
}

triad_status gguf_open(gguf **out, const char *path, triad_error *err)
{
    triad_status status = open_mapped(out, path, err);
    if (status != TRIAD_OK || (*out)->split_count <= 1) return status;
    status = open_parts(*out, path, err);
    if (status != TRIAD_OK) {
        gguf_close(*out);
        *out = NULL;
    }
    return status;
}

void gguf_close(gguf *file)
{
    if (file == NULL) return;
    for (size_t i = 0; file->part != NULL && i + 1 < file->split_count; i++) gguf_close(file->part[i]);
    triad_unmap(&file->mapping);
    triad_arena_free(&file->arena);
    free(file);
}

size_t gguf_files(const gguf *file)
{
    return file->part != NULL ? file->split_count : 1;
}
