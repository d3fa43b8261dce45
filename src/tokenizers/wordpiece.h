/* WordPiece: the longest token that a word begins with, then the longest continuation, and so on. */
#ifndef TRIAD_TOKENIZERS_WORDPIECE_H
#define TRIAD_TOKENIZERS_WORDPIECE_H

#include "tokenizers/bpe.h"

typedef struct wordpiece {
    const vocab *words;
    const char *prefix;  /* of continuations: "##" */
    int32_t unknown;     /* what a word becomes of which any part is unknown */
    size_t longest_word; /* characters: a longer word is unknown as a whole */
} wordpiece;

/* Appends the ids of one word of valid UTF-8. spelling of the scratch is used. */
TRIAD_NODISCARD triad_status wordpiece_encode(const wordpiece *model, bpe_scratch *scratch, const char *word,
                                              size_t size, tokenizer_ids *ids, triad_error *err);

#endif
