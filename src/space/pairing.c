/* Rows of different spaces pair by id. */
#include "triad/space.h"

#include <stdlib.h>
#include <string.h>

typedef struct keyed_row {
    const char *id;
    size_t row;
} keyed_row;

static int by_id(const void *a, const void *b)
{
    return strcmp(((const keyed_row *)a)->id, ((const keyed_row *)b)->id);
}

static keyed_row *sorted_rows(const triad_items *items)
{
    keyed_row *sorted = malloc((items->count ? items->count : 1) * sizeof *sorted);
    if (sorted == NULL) return NULL;
    for (size_t i = 0; i < items->count; i++) sorted[i] = (keyed_row){items->id[i], i};
    qsort(sorted, items->count, sizeof *sorted, by_id);
    return sorted;
}

triad_status triad_spaces_pair(size_t **rows, size_t *n, const triad_items *const *items, size_t spaces,
                               triad_error *err)
{
    *rows = NULL;
    *n = 0;
    if (spaces < 2) return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "pairing: needs at least two spaces (name another)");
    triad_status status = TRIAD_OK;
    const char *lonely = NULL; /* an id that not every space has, for the message */
    size_t found = 0, *out = NULL;
    keyed_row **sorted = calloc(spaces, sizeof *sorted);
    size_t *at = calloc(spaces, sizeof *at);
    if (sorted == NULL || at == NULL) goto memory;
    for (size_t s = 0; s < spaces; s++)
        if ((sorted[s] = sorted_rows(items[s])) == NULL) goto memory;
    const size_t most = items[0]->count;
    if ((out = malloc((most ? most : 1) * spaces * sizeof *out)) == NULL) goto memory;

    /* Merge of sorted lists, led by the first space. */
    for (size_t i = 0; i < most; i++) {
        const char *id = sorted[0][i].id;
        bool everywhere = true;
        out[found] = sorted[0][i].row;
        for (size_t s = 1; s < spaces; s++) {
            while (at[s] < items[s]->count && strcmp(sorted[s][at[s]].id, id) < 0) at[s]++;
            if (at[s] < items[s]->count && strcmp(sorted[s][at[s]].id, id) == 0)
                out[s * most + found] = sorted[s][at[s]].row;
            else
                everywhere = false;
        }
        if (everywhere)
            found++;
        else
            lonely = id;
    }
    if (found < 3) {
        status =
            lonely
                ? triad_fail(
                      err, TRIAD_ERR_ARGUMENT, -1,
                      "pairing: only %zu ids are in every space, \"%.80s\" for one is not (embed the same sentences)",
                      found, lonely)
                : triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "pairing: only %zu sentences (at least 3 are needed)", found);
        goto out;
    }
    for (size_t s = 1; s < spaces; s++) memmove(out + s * found, out + s * most, found * sizeof *out);
    *rows = out;
    *n = found;
    out = NULL;
    goto out;
memory:
    status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "pairing: out of memory");
out:
    for (size_t s = 0; sorted && s < spaces; s++) free(sorted[s]);
    free(sorted);
    free(at);
    free(out);
    return status;
}
