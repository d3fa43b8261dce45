/* What a tokenizer is made of; filled by open_*.c, used by tokenizer.c. */
#ifndef TRIAD_TOKENIZERS_INTERNAL_H
#define TRIAD_TOKENIZERS_INTERNAL_H

#include "tokenizers/added.h"
#include "tokenizers/bpe.h"
#include "tokenizers/normalise.h"
#include "tokenizers/split.h"
#include "tokenizers/tokenizer.h"
#include "tokenizers/wordpiece.h"

enum { TOKENIZER_MAX_STEPS = 32, TOKENIZER_MAX_TEMPLATE = 64 };

typedef enum metaspace { METASPACE_NONE, METASPACE_FIRST, METASPACE_ALWAYS, METASPACE_NEVER } metaspace;

struct tokenizer {
    triad_arena arena; /* spellings, tables */
    vocab words;
    added raw;        /* cut out of the text as it is */
    added normalised; /* cut out of the normalised text */
    normaliser normal[TOKENIZER_MAX_STEPS];
    size_t normals;
    metaspace spaces; /* SentencePiece's: ' ' becomes ▁, and one is put before … */
    splitter cut[TOKENIZER_MAX_STEPS];
    size_t cuts;
    bool byte_level;
    bool is_wordpiece;
    bpe pairs;
    wordpiece pieces;
    int32_t before[TOKENIZER_MAX_TEMPLATE], after[TOKENIZER_MAX_TEMPLATE];
    size_t befores, afters;
    size_t size;
};

TRIAD_NODISCARD triad_status tokenizer_new(tokenizer **made, triad_error *err);
TRIAD_NODISCARD triad_status tokenizer_add_normaliser(tokenizer *t, const normaliser *step, triad_error *err);
/* Takes the expression over where there is one, also when it fails. */
TRIAD_NODISCARD triad_status tokenizer_add_splitter(tokenizer *t, splitter step, triad_error *err);
TRIAD_NODISCARD triad_status tokenizer_add_pattern(tokenizer *t, const char *expression, size_t size,
                                                   split_behaviour behaviour, bool invert, triad_error *err);
/* content is copied; through_normaliser: matched in the normalised text, after all normalisers are there. */
TRIAD_NODISCARD triad_status tokenizer_add_token(tokenizer *t, const char *content, size_t size, int64_t id,
                                                 bool single_word, bool lstrip, bool rstrip, bool through_normaliser,
                                                 triad_error *err);
TRIAD_NODISCARD triad_status tokenizer_add_special(tokenizer *t, bool behind, int64_t id, triad_error *err);
/* After everything: the size. */
void tokenizer_finish(tokenizer *t);

#endif
