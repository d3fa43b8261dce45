/* Sentences met in episodes: for levels that can say more than can be listed. */
#include "babyai/env.h"
#include "babyai/text_table.h"

#include <stdlib.h>
#include <string.h>

enum { SAMPLE_MAX = 1000000, PATIENCE = 1000, PATIENCE_LEAST = 1000000 };

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static triad_status collect(text_table *met, babyai_env **env, size_t count, size_t n, uint64_t first_seed,
                            triad_error *err)
{
    const size_t resets = PATIENCE * n + PATIENCE_LEAST;
    for (size_t r = 0; r < resets && met->count < n; r++) {
        babyai_env *one = env[r % count];
        if (babyai_reset_fresh(one, first_seed + r / count, NULL) != TRIAD_OK) continue;
        if (text_table_add(met, one->world->mission) < 0)
            return triad_fail(err, TRIAD_ERR_MEMORY, -1, "sentences: no memory for %zu", n);
    }
    if (met->count == n) return TRIAD_OK;
    return triad_fail(err, TRIAD_ERR_RANGE, -1,
                      "sentences: %zu different ones after %zu episodes, not %zu (ask for fewer, or for all)",
                      met->count, resets, n);
}

triad_status babyai_sentences_sample(triad_items *items, const babyai_level *const *levels, size_t count, size_t n,
                                     uint64_t first_seed, triad_error *err)
{
    *items = (triad_items){0};
    if (count == 0) return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "sentences: no levels (name at least one)");
    if (n < 1 || n > SAMPLE_MAX)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "sentences: a sample of %zu (1 to %d)", n, SAMPLE_MAX);
    text_table met = {.terminated = true};
    babyai_env **env = calloc(count, sizeof *env);
    const char **text = calloc(n, sizeof *text);
    triad_status status =
        env && text ? TRIAD_OK : triad_fail(err, TRIAD_ERR_MEMORY, -1, "sentences: no memory for %zu", n);
    for (size_t i = 0; i < count && status == TRIAD_OK; i++) status = babyai_create(&env[i], levels[i], err);
    if (status == TRIAD_OK) status = collect(&met, env, count, n, first_seed, err);
    if (status == TRIAD_OK) {
        for (size_t i = 0; i < n; i++) text[i] = met.text + met.offset[i];
        qsort(text, n, sizeof *text, by_text);
        status = babyai_sentences_parse(items, text, n, err);
    }
    for (size_t i = 0; env && i < count; i++) babyai_free(env[i]);
    free(env);
    free(text);
    text_table_free(&met);
    return status;
}
