/* Sentences as an agent's encoder sees them. Equal sentences are embedded once and the distinct ones in sorted order,
 * so that a sentence's row does not depend on the order of the list. */
#include "agent/agent_file.h"
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

enum { TILE = 64 /* sentences */ };

typedef struct embed_work {
    const triad_agent *agent;
    const triad_agent_embedding *out;
    size_t distinct;
    const size_t *order;    /* [n] sentences in sorted order */
    const size_t *first;    /* [distinct + 1] into order: runs of equal sentences */
    const uint32_t *offset; /* [distinct + 1] into word */
    const uint32_t *word;
    bool *failed; /* [tiles] */
} embed_work;

/* Copies each distinct sentence's row to all sentences that are equal to it. */
static void spread(float *out, const float *rows, size_t d, const embed_work *work, size_t from, size_t to)
{
    for (size_t s = from; s < to; s++)
        for (size_t i = work->first[s]; i < work->first[s + 1]; i++)
            memcpy(out + work->order[i] * d, rows + (s - from) * d, d * sizeof *out);
}

static bool embed_some(const embed_work *work, size_t from, size_t to, triad_arena *arena)
{
    const policy_layout *layout = &work->agent->layout;
    const size_t n = to - from, d = layout->config.width, size = layout->config.instruction,
                 layers = layout->config.encoder_layers;
    uint32_t *offset = TRIAD_NEW(arena, uint32_t, n + 1);
    float *words = TRIAD_NEW(arena, float, n *d), *z = TRIAD_NEW(arena, float, n *size);
    float *hidden[POLICY_MAX_LAYERS + 1];
    bool ok = offset && words && z;
    for (size_t l = 0; l <= layers; l++) {
        hidden[l] = TRIAD_NEW(arena, float, n *d);
        ok = ok && hidden[l];
    }
    if (!ok) return false;
    for (size_t i = 0; i <= n; i++) offset[i] = work->offset[from + i] - work->offset[from];
    if (!policy_instruct(words, hidden, z, NULL, work->agent->params, layout, n, offset,
                         work->word + work->offset[from], arena))
        return false;
    if (work->out->words) spread(work->out->words, words, d, work, from, to);
    for (size_t l = 0; work->out->hidden && l <= layers; l++)
        if (work->out->hidden[l]) spread(work->out->hidden[l], hidden[l], d, work, from, to);
    if (work->out->instruction) spread(work->out->instruction, z, size, work, from, to);
    return true;
}

static void embed_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    embed_work *work = context;
    const size_t from = tile * TILE, to = from + TILE < work->distinct ? from + TILE : work->distinct;
    triad_arena arena = {0};
    work->failed[tile] = !embed_some(work, from, to, &arena);
    triad_arena_free(&arena);
}

typedef struct numbered {
    const char *text;
    size_t index;
} numbered;

static int by_text(const void *a, const void *b)
{
    const numbered *x = a, *y = b;
    const int order = strcmp(x->text, y->text);
    return order ? order : x->index < y->index ? -1 : 1;
}

triad_status triad_agent_embed(const triad_agent *agent, const char *const *sentences, size_t n,
                               const triad_agent_embedding *out, triad_pool *pool, triad_error *err)
{
    if (n == 0) return TRIAD_OK;
    triad_arena arena = {0};
    numbered *sorted = TRIAD_NEW(&arena, numbered, n);
    size_t *order = TRIAD_NEW(&arena, size_t, n), *first = TRIAD_NEW(&arena, size_t, n + 1);
    uint32_t *offset = TRIAD_NEW(&arena, uint32_t, n + 1), *word = NULL;
    triad_status status = TRIAD_OK;
    size_t distinct = 0, words = 0;
    if (n > UINT32_MAX / POLICY_MAX_WORDS)
        status = triad_fail(err, TRIAD_ERR_RANGE, -1, "%zu sentences are too many to embed at once", n);
    else if (!sorted || !order || !first || !offset || !(word = malloc(n * POLICY_MAX_WORDS * sizeof *word)))
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "embedding: out of memory");
    for (size_t i = 0; !status && i < n; i++) sorted[i] = (numbered){sentences[i], i};
    if (!status) qsort(sorted, n, sizeof *sorted, by_text);
    for (size_t i = 0; !status && i < n; i++) {
        order[i] = sorted[i].index;
        if (i > 0 && strcmp(sorted[i].text, sorted[i - 1].text) == 0) continue;
        size_t count;
        status = agent_words_encode(&agent->words, sorted[i].text, word + words, &count, err);
        if (status) break;
        first[distinct] = i;
        offset[distinct++] = (uint32_t)words;
        words += count;
    }
    const size_t tiles = (distinct + TILE - 1) / TILE;
    bool *failed = calloc(tiles + 1, sizeof *failed);
    if (!status && !failed) status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "embedding: out of memory");
    if (!status) {
        first[distinct] = n;
        offset[distinct] = (uint32_t)words;
        embed_work work = {agent, out, distinct, order, first, offset, word, failed};
        triad_parallel(pool, tiles, embed_tile, &work);
        for (size_t t = 0; t < tiles && !status; t++)
            if (failed[t]) status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "embedding: out of memory");
    }
    free(failed);
    free(word);
    triad_arena_free(&arena);
    return status;
}
