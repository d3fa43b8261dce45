/* Tokens and their ids: spellings of any bytes, found by hash. */
#ifndef TRIAD_TOKENIZERS_VOCAB_H
#define TRIAD_TOKENIZERS_VOCAB_H

#include "base/arena.h"

enum { VOCAB_MAX_ID = 1 << 24, VOCAB_MAX_TOKEN = 1 << 16 };

typedef struct vocab_entry {
    const char *bytes; /* 0-terminated copy */
    uint32_t size;
    int32_t id;
} vocab_entry;

typedef struct vocab {
    vocab_entry *entry; /* [count], in order of addition */
    size_t count, capacity;
    uint32_t *slot;   /* [slots]: entry + 1; 0 is free */
    size_t slots;     /* a power of two */
    int32_t *by_id;   /* [ids]: entry, -1 where no token has the id */
    size_t ids;       /* largest id + 1 */
    uint32_t longest; /* bytes */
} vocab;

/* Room for count tokens, whose ids must stay below limit. */
TRIAD_NODISCARD triad_status vocab_create(vocab *words, triad_arena *arena, size_t count, triad_error *err);
/* A token that is there already takes the new id, as in the last writer wins of a map. */
TRIAD_NODISCARD triad_status vocab_add(vocab *words, triad_arena *arena, const char *bytes, size_t size, int64_t id,
                                       triad_error *err);
/* After the last vocab_add: fills by_id. */
TRIAD_NODISCARD triad_status vocab_finish(vocab *words, triad_arena *arena, triad_error *err);
int32_t vocab_find(const vocab *words, const char *bytes, size_t size); /* -1: absent */
const vocab_entry *vocab_at(const vocab *words, int32_t id);            /* NULL: absent */

#endif
