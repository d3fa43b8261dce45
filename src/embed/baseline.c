/* Spaces that no learning made: what shared words alone give, and what chance gives. */
#include "embed/embed_internal.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/rng.h"
#include "triad/lexical.h"

enum { RANDOM_WIDTH = 128 };

static triad_status check(const embed_job *job, triad_error *err)
{
    const char *const only[] = {"0"};
    if (strcmp(job->options.pool, "default") != 0)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "pooling %s: a baseline has nothing to pool (leave --pool out)",
                          job->options.pool);
    return embed_check_layers(job->options.layers, only, 1, err);
}

triad_status embed_random(triad_space *space, const embed_job *job, triad_error *err)
{
    triad_status status = check(job, err);
    if (status == TRIAD_OK) status = embed_begin(space, job, "baseline", "none", "baseline", err);
    float *out = NULL;
    if (status == TRIAD_OK) status = triad_space_add_layer(space, "0", job->items->count, RANDOM_WIDTH, &out, err);
    for (size_t i = 0; i < job->items->count && status == TRIAD_OK; i++) {
        const char *id = job->items->id[i];
        const uint64_t seed = job->options.seed, key = XXH3_64bits(id, strlen(id));
        const uint32_t words[] = {(uint32_t)seed, (uint32_t)(seed >> 32), (uint32_t)key, (uint32_t)(key >> 32)};
        triad_pcg64 rng;
        triad_pcg64_seed_words(&rng, words, sizeof words / sizeof *words);
        for (size_t j = 0; j < RANDOM_WIDTH; j++) out[i * RANDOM_WIDTH + j] = (float)triad_pcg64_normal(&rng);
    }
    return status;
}

triad_status embed_lexical(triad_space *space, const embed_job *job, triad_error *err)
{
    triad_status status = check(job, err);
    if (status == TRIAD_OK) status = embed_begin(space, job, "baseline", "none", "baseline", err);
    float *values = NULL, *out = NULL;
    size_t width = 0;
    if (status == TRIAD_OK) status = triad_lexical_features(&values, &width, job->name, job->items, err);
    if (status == TRIAD_OK) status = triad_space_add_layer(space, "0", job->items->count, width, &out, err);
    if (status == TRIAD_OK) memcpy(out, values, job->items->count * width * sizeof *out);
    free(values);
    return status;
}
