#include "tokenizers/vocab.h"

#include <string.h>

#include <xxhash.h>

static size_t place(const vocab *words, const char *bytes, size_t size)
{
    size_t at = (size_t)XXH3_64bits(bytes, size) & (words->slots - 1);
    while (words->slot[at] != 0) {
        const vocab_entry *entry = &words->entry[words->slot[at] - 1];
        if (entry->size == size && memcmp(entry->bytes, bytes, size) == 0) break;
        at = (at + 1) & (words->slots - 1);
    }
    return at;
}

triad_status vocab_create(vocab *words, triad_arena *arena, size_t count, triad_error *err)
{
    memset(words, 0, sizeof *words);
    if (count > VOCAB_MAX_ID)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "vocabulary: %zu tokens, more than %d", count, (int)VOCAB_MAX_ID);
    words->capacity = count;
    words->slots = 16;
    while (words->slots < 2 * count + 2) words->slots *= 2;
    words->entry = TRIAD_NEW(arena, vocab_entry, count + 1);
    words->slot = TRIAD_NEW0(arena, uint32_t, words->slots);
    if (words->entry == NULL || words->slot == NULL)
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "vocabulary: out of memory for %zu tokens", count);
    return TRIAD_OK;
}

triad_status vocab_add(vocab *words, triad_arena *arena, const char *bytes, size_t size, int64_t id, triad_error *err)
{
    if (size > VOCAB_MAX_TOKEN)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "vocabulary: a token of %zu bytes, more than %d", size,
                          (int)VOCAB_MAX_TOKEN);
    /* Holes are legal, a table that is nearly all hole is an attack on memory. */
    if (id < 0 || id >= VOCAB_MAX_ID || (uint64_t)id >= 4 * (uint64_t)words->capacity + 65536)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "vocabulary: id %lld of %.60s is out of range for %zu tokens",
                          (long long)id, bytes, words->capacity);
    const size_t at = place(words, bytes, size);
    if (words->slot[at] != 0) {
        words->entry[words->slot[at] - 1].id = (int32_t)id;
        return TRIAD_OK;
    }
    if (words->count == words->capacity)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "vocabulary: more than %zu tokens", words->capacity);
    char *copy = triad_arena_alloc(arena, size + 1, 1);
    if (copy == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "vocabulary: out of memory");
    memcpy(copy, bytes, size);
    copy[size] = 0;
    words->entry[words->count] = (vocab_entry){.bytes = copy, .size = (uint32_t)size, .id = (int32_t)id};
    words->slot[at] = (uint32_t)++words->count;
    if (size > words->longest) words->longest = (uint32_t)size;
    return TRIAD_OK;
}

triad_status vocab_finish(vocab *words, triad_arena *arena, triad_error *err)
{
    words->ids = 0;
    for (size_t i = 0; i < words->count; i++)
        if ((size_t)words->entry[i].id >= words->ids) words->ids = (size_t)words->entry[i].id + 1;
    words->by_id = TRIAD_NEW(arena, int32_t, words->ids + 1);
    if (words->by_id == NULL)
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "vocabulary: out of memory for %zu ids", words->ids);
    memset(words->by_id, 0xff, (words->ids + 1) * sizeof *words->by_id);
    for (size_t i = 0; i < words->count; i++) words->by_id[words->entry[i].id] = (int32_t)i;
    return TRIAD_OK;
}

int32_t vocab_find(const vocab *words, const char *bytes, size_t size)
{
    if (size > words->longest || words->slots == 0) return -1;
    const uint32_t entry = words->slot[place(words, bytes, size)];
    return entry == 0 ? -1 : words->entry[entry - 1].id;
}

const vocab_entry *vocab_at(const vocab *words, int32_t id)
{
    if (id < 0 || (size_t)id >= words->ids || words->by_id[id] < 0) return NULL;
    return &words->entry[words->by_id[id]];
}
