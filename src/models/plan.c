#include "models/plan.h"

#include <stdlib.h>
#include <string.h>

typedef struct sentence {
    const int32_t *id;
    size_t size, index;
} sentence;

static int compare(const sentence *a, const sentence *b)
{
    const size_t shared = a->size < b->size ? a->size : b->size;
    for (size_t i = 0; i < shared; i++)
        if (a->id[i] != b->id[i]) return a->id[i] < b->id[i] ? -1 : 1;
    return a->size < b->size ? -1 : a->size > b->size;
}

static int by_ids(const void *a, const void *b)
{
    const sentence *x = a, *y = b;
    const int order = compare(x, y);
    return order != 0 ? order : x->index < y->index ? -1 : x->index > y->index;
}

static triad_status check(const triad_tokens *tokens, size_t vocabulary, size_t max_tokens, uint32_t *longest,
                          triad_error *err)
{
    if (tokens->offsets[0] != 0) return triad_fail(err, TRIAD_ERR_ARGUMENT, 0, "tokens: the first offset is not 0");
    *longest = 0;
    for (size_t s = 0; s < tokens->sentences; s++) {
        if (tokens->offsets[s + 1] < tokens->offsets[s])
            return triad_fail(err, TRIAD_ERR_ARGUMENT, (int64_t)s, "tokens: offsets fall at sentence %zu", s);
        const size_t size = tokens->offsets[s + 1] - tokens->offsets[s];
        if (size > max_tokens)
            return triad_fail(err, TRIAD_ERR_RANGE, (int64_t)s,
                              "sentence %zu: %zu tokens, and the model has %zu positions (shorten it)", s, size,
                              max_tokens);
        if (size > *longest) *longest = (uint32_t)size;
    }
    const size_t total = tokens->offsets[tokens->sentences];
    if (total >= UINT32_MAX) return triad_fail(err, TRIAD_ERR_RANGE, -1, "tokens: %zu are too many for one run", total);
    for (size_t i = 0; i < total; i++)
        if (tokens->ids[i] < 0 || (size_t)tokens->ids[i] >= vocabulary)
            return triad_fail(err, TRIAD_ERR_RANGE, (int64_t)i, "tokens: id %d is outside the model's %zu",
                              tokens->ids[i], vocabulary);
    return TRIAD_OK;
}

/* Appends the rows of a sentence that differs from the one before it in sorted order; path holds the row of each of its
 * tokens, of which the first `shared` are that sentence's. */
static void add_rows(plan *made, const sentence *s, size_t shared, uint32_t *path)
{
    for (size_t i = shared; i < s->size; i++) {
        const size_t row = made->rows++;
        made->token[row] = s->id[i];
        made->position[row] = (uint32_t)i;
        made->parent[row] = i == 0 ? UINT32_MAX : path[i - 1];
        path[i] = (uint32_t)row;
    }
}

triad_status plan_create(plan *made, const triad_tokens *tokens, bool share, size_t vocabulary, size_t max_tokens,
                         triad_error *err)
{
    memset(made, 0, sizeof *made);
    triad_status status = check(tokens, vocabulary, max_tokens, &made->longest, err);
    if (status != TRIAD_OK) return status;
    const size_t n = tokens->sentences, total = tokens->offsets[n];
    sentence *sorted = malloc((n + 1) * sizeof *sorted);
    uint32_t *path = malloc(((size_t)made->longest + 1) * sizeof *path);
    made->token = malloc((total + 1) * sizeof *made->token);
    made->position = malloc((total + 1) * sizeof *made->position);
    made->parent = malloc((total + 1) * sizeof *made->parent);
    made->first = malloc((n + 1) * sizeof *made->first);
    made->row_of_token = malloc((total + 1) * sizeof *made->row_of_token);
    made->distinct_of = malloc((n + 1) * sizeof *made->distinct_of);
    made->sample = malloc((n + 1) * sizeof *made->sample);
    if (sorted == NULL || path == NULL || made->token == NULL || made->position == NULL || made->parent == NULL ||
        made->first == NULL || made->row_of_token == NULL || made->distinct_of == NULL || made->sample == NULL) {
        free(sorted);
        free(path);
        plan_free(made);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory for %zu tokens", total);
    }
    for (size_t s = 0; s < n; s++)
        sorted[s] = (sentence){
            .id = tokens->ids + tokens->offsets[s], .size = tokens->offsets[s + 1] - tokens->offsets[s], .index = s};
    qsort(sorted, n, sizeof *sorted, by_ids);
    for (size_t k = 0; k < n; k++) {
        const sentence *s = &sorted[k];
        if (k == 0 || compare(&sorted[k - 1], s) != 0) {
            size_t shared = 0;
            if (share && k > 0)
                while (shared < s->size && shared < sorted[k - 1].size && s->id[shared] == sorted[k - 1].id[shared])
                    shared++;
            made->first[made->distinct] = (uint32_t)made->rows;
            made->sample[made->distinct++] = s->index;
            add_rows(made, s, shared, path);
        }
        made->distinct_of[s->index] = made->distinct - 1;
        for (size_t i = 0; i < s->size; i++) made->row_of_token[tokens->offsets[s->index] + i] = path[i];
    }
    made->first[made->distinct] = (uint32_t)made->rows;
    free(sorted);
    free(path);
    return TRIAD_OK;
}

void plan_free(plan *made)
{
    free(made->token);
    free(made->position);
    free(made->parent);
    free(made->first);
    free(made->row_of_token);
    free(made->distinct_of);
    free(made->sample);
    memset(made, 0, sizeof *made);
}
