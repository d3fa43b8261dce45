/* Spaces that no learning made: what shared words alone give, and what chance gives. */
#include "embed/embed_internal.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/rng.h"
#include "base/text.h"
#include "formats/utf8.h"
#include "tokenizers/unicode.h"

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

/* ---- bag of words */
typedef struct word {
    const char *bytes;
    size_t item;
} word;

typedef struct bag {
    triad_text letters;   /* all words lower-cased, each with a 0 behind it */
    size_t *start, *item; /* [count] */
    size_t count, capacity;
} bag;

static triad_status add_word(bag *b, const char *text, size_t size, size_t item, triad_error *err)
{
    if (b->count == b->capacity) {
        const size_t capacity = b->capacity == 0 ? 1024 : 2 * b->capacity;
        size_t *start = realloc(b->start, capacity * sizeof *start);
        if (start != NULL) b->start = start;
        size_t *items = realloc(b->item, capacity * sizeof *items);
        if (items != NULL) b->item = items;
        if (start == NULL || items == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
        b->capacity = capacity;
    }
    b->start[b->count] = b->letters.size;
    b->item[b->count++] = item;
    for (size_t at = 0, bytes; at < size; at += bytes) {
        utf8proc_uint8_t lower[4];
        const utf8proc_ssize_t length =
            utf8proc_encode_char(utf8proc_tolower(unicode_at(text, at, size, &bytes)), lower);
        triad_text_add_bytes(&b->letters, lower, (size_t)length);
    }
    triad_text_add_bytes(&b->letters, "", 1);
    return b->letters.failed ? triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory") : TRIAD_OK;
}

/* Words stand between white space, without the punctuation at their ends: "ball," counts as "ball". */
static triad_status add_words(bag *b, const char *text, size_t item, triad_error *err)
{
    const size_t size = strlen(text);
    if (!utf8_valid(text, size, NULL))
        return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)item, "item %zu: its text is not UTF-8", item + 1);
    triad_status status = TRIAD_OK;
    for (size_t at = 0, bytes; at < size && status == TRIAD_OK;) {
        size_t from = SIZE_MAX, to = 0;
        for (; at < size; at += bytes) {
            const int32_t code = unicode_at(text, at, size, &bytes);
            if (unicode_is_space(code)) break;
            if (unicode_is_punctuation(code)) continue;
            if (from == SIZE_MAX) from = at;
            to = at + bytes;
        }
        if (from != SIZE_MAX) status = add_word(b, text + from, to - from, item, err);
        if (at < size) at += bytes;
    }
    return status;
}

static int by_letters(const void *a, const void *b)
{
    const word *x = a, *y = b;
    return strcmp(x->bytes, y->bytes);
}

static triad_status count_words(triad_space *space, const embed_job *job, const bag *b, triad_error *err)
{
    word *sorted = malloc((b->count + 1) * sizeof *sorted);
    if (sorted == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
    for (size_t i = 0; i < b->count; i++)
        sorted[i] = (word){.bytes = b->letters.bytes + b->start[i], .item = b->item[i]};
    qsort(sorted, b->count, sizeof *sorted, by_letters);
    size_t columns = 0;
    for (size_t i = 0; i < b->count; i++)
        columns += i == 0 || strcmp(sorted[i - 1].bytes, sorted[i].bytes) != 0 ? 1 : 0;
    float *out = NULL;
    triad_status status = columns == 0 ? triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "items: their texts hold no word")
                                       : triad_space_add_layer(space, "0", job->items->count, columns, &out, err);
    for (size_t i = 0, column = 0; i < b->count && status == TRIAD_OK; i++) {
        if (i > 0 && strcmp(sorted[i - 1].bytes, sorted[i].bytes) != 0) column++;
        out[sorted[i].item * columns + column] += 1;
    }
    free(sorted);
    return status;
}

triad_status embed_bow(triad_space *space, const embed_job *job, triad_error *err)
{
    triad_status status = check(job, err);
    if (status == TRIAD_OK) status = embed_begin(space, job, "baseline", "none", "baseline", err);
    bag b = {0};
    for (size_t i = 0; i < job->items->count && status == TRIAD_OK; i++)
        status = add_words(&b, job->items->text[i], i, err);
    if (status == TRIAD_OK) status = count_words(space, job, &b, err);
    triad_text_free(&b.letters);
    free(b.start);
    free(b.item);
    return status;
}
