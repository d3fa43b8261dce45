#include "cli/pick_images.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"

typedef struct paths {
    const char **list;
    size_t count, capacity;
} paths;

static triad_status add(paths *p, cli_context *context, const char *name, triad_error *err)
{
    if (p->count == p->capacity) {
        const size_t capacity = p->capacity == 0 ? 64 : 2 * p->capacity;
        const char **grown = triad_arena_alloc(&context->memory, capacity, sizeof *grown);
        if (grown == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "images: out of memory");
        for (size_t i = 0; i < p->count; i++) grown[i] = p->list[i];
        p->list = grown;
        p->capacity = capacity;
    }
    p->list[p->count] = triad_arena_strdup(&context->memory, name);
    if (p->list[p->count] == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "images: out of memory");
    p->count++;
    return TRIAD_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static triad_status add_folder(paths *p, cli_context *context, const char *folder, triad_error *err)
{
    DIR *listing = opendir(folder);
    if (listing == NULL) return triad_fail(err, TRIAD_ERR_IO, -1, "%.300s: the folder can't be read", folder);
    const size_t first = p->count;
    triad_status status = TRIAD_OK;
    for (struct dirent *entry; status == TRIAD_OK && (entry = readdir(listing)) != NULL;) {
        const size_t size = strlen(entry->d_name);
        if (size < 5 || strcasecmp(entry->d_name + size - 4, ".png") != 0) continue;
        char *path = triad_path_join(folder, entry->d_name);
        status =
            path != NULL ? add(p, context, path, err) : triad_fail(err, TRIAD_ERR_MEMORY, -1, "images: out of memory");
        free(path);
    }
    closedir(listing);
    if (status == TRIAD_OK && p->count == first)
        status =
            triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "%.300s: the folder holds no .png file (images are PNG)", folder);
    if (status == TRIAD_OK) qsort(p->list + first, p->count - first, sizeof *p->list, by_name);
    return status;
}

triad_status cli_pick_images(const char *const **list, size_t *count, cli_context *context, const char *const *names,
                             size_t name_count, triad_error *err)
{
    paths p = {0};
    triad_status status = TRIAD_OK;
    for (size_t i = 0; i < name_count && status == TRIAD_OK; i++)
        status =
            triad_path_is_folder(names[i]) ? add_folder(&p, context, names[i], err) : add(&p, context, names[i], err);
    *list = p.list;
    *count = p.count;
    return status;
}
