/* Byte-pair encoding: the adjacent pair with the lowest rank is merged first, the leftmost of equals, until none is
 * left. */
#ifndef TRIAD_TOKENIZERS_BPE_H
#define TRIAD_TOKENIZERS_BPE_H

#include "tokenizers/tokenizer.h"
#include "tokenizers/vocab.h"

typedef struct bpe_merge {
    uint64_t pair; /* left id << 32 | right id */
    uint32_t rank; /* UINT32_MAX: a free slot */
    int32_t id;    /* of the merged token */
} bpe_merge;

typedef struct bpe {
    const vocab *words;
    bpe_merge *merge; /* [slots], a power of two */
    size_t slots, merges;
    bool byte_level;    /* a piece's symbols are bytes in GPT-2's alphabet, else characters */
    bool ignore_merges; /* a whole piece that is a token stays whole */
    bool byte_fallback; /* an unknown character becomes <0xNN> tokens where all are there */
    bool fuse_unknown;
    int32_t unknown;      /* -1: unknown symbols vanish */
    int32_t byte_id[256]; /* byte level: id of the byte's character, -1 */
    int32_t last_id[256]; /* the same with the end-of-word suffix */
    int32_t fallback_id[256];
    const char *suffix; /* end-of-word, "" */
} bpe;

/* Room for count merges over the words; suffix is borrowed for the life of the arena. */
TRIAD_NODISCARD triad_status bpe_create(bpe *model, triad_arena *arena, const vocab *words, size_t count,
                                        bool byte_level, const char *suffix, triad_error *err);
/* The next merge in order of rank; fails when a part or the whole is not a token. */
TRIAD_NODISCARD triad_status bpe_add_merge(bpe *model, const char *left, size_t left_size, const char *right,
                                           size_t right_size, triad_error *err);
/* The same by ids, which must be of the vocabulary. */
TRIAD_NODISCARD triad_status bpe_add_pair(bpe *model, int32_t left, int32_t right, int32_t whole, triad_error *err);

/* Working memory of an encoding: zero-initialise, bpe_scratch_free. */
typedef struct bpe_symbol {
    int32_t id, previous, next;
} bpe_symbol; /* next -1: last; id -1: merged away */
typedef struct bpe_candidate {
    uint32_t rank, at;
    int32_t id;
} bpe_candidate;
typedef struct bpe_scratch {
    bpe_symbol *symbol;
    bpe_candidate *heap;
    char *spelling;
    size_t symbols, heaps, spellings; /* capacities */
} bpe_scratch;
void bpe_scratch_free(bpe_scratch *scratch);

/* Appends the ids of one piece of valid UTF-8, in O(n log n). */
TRIAD_NODISCARD triad_status bpe_encode(const bpe *model, bpe_scratch *scratch, const char *piece, size_t size,
                                        tokenizer_ids *ids, triad_error *err);

/* GPT-2's alphabet: the character of a byte as UTF-8 (2 bytes at most), returns its size. */
size_t bpe_byte_character(unsigned char byte, char out[2]);
/* Appends one id. */
TRIAD_NODISCARD triad_status tokenizer_push(tokenizer_ids *ids, int32_t id, triad_error *err);

#endif
