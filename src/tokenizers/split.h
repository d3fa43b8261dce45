/* Pre-tokenisers: steps that cut a normalised text into the pieces that the model sees one by one. */
#ifndef TRIAD_TOKENIZERS_SPLIT_H
#define TRIAD_TOKENIZERS_SPLIT_H

#include "tokenizers/pattern.h"

typedef enum splitter_kind {
    SPLIT_PATTERN, /* at the matches of an expression */
    SPLIT_DIGITS,  /* at numbers (categories N*), one by one or run by run */
    SPLIT_SPACE,   /* at white space, which is removed */
    SPLIT_BERT     /* at white space, which is removed, and around each punctuation mark */
} splitter_kind;

typedef enum split_behaviour {
    SPLIT_ISOLATED, /* matches are pieces of their own */
    SPLIT_REMOVED   /* matches vanish */
} split_behaviour;

typedef struct splitter {
    splitter_kind kind;
    pattern *expression;
    split_behaviour behaviour;
    bool invert;     /* what does not match counts as the match */
    bool individual; /* digits */
} splitter;

typedef struct span {
    size_t start, end;
} span;
typedef struct spans {
    span *at;
    size_t count, capacity;
} spans; /* zero-initialise; free(at) */
TRIAD_NODISCARD triad_status spans_push(spans *list, size_t start, size_t end, triad_error *err);

/* Cuts text[start, end) of valid UTF-8; *out is emptied and filled with pieces, none of them empty. spare is scratch.
 */
TRIAD_NODISCARD triad_status split(const splitter *step, size_t steps, pattern_scratch *scratch, const char *text,
                                   span whole, spans *out, spans *spare, triad_error *err);

/* GPT-2's own rule. */
#define SPLIT_GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

#endif
