/* Normalisers: steps that rewrite a text before it is split. */
#ifndef TRIAD_TOKENIZERS_NORMALISE_H
#define TRIAD_TOKENIZERS_NORMALISE_H

#include "base/text.h"
#include "tokenizers/pattern.h"

typedef enum normaliser_kind {
    NORMALISE_NFC,
    NORMALISE_NFD,
    NORMALISE_NFKC,
    NORMALISE_NFKD,
    NORMALISE_LOWERCASE,
    NORMALISE_STRIP_ACCENTS, /* drops Mn */
    NORMALISE_PREPEND,       /* content before a text that is not empty */
    NORMALISE_REPLACE,       /* every match of an expression or of a string by content */
    NORMALISE_BERT
} normaliser_kind;

typedef struct normaliser {
    normaliser_kind kind;
    bool clean, chinese, strip, lowercase; /* BERT */
    const char *content, *string;          /* string NULL: by expression */
    size_t content_size, string_size;
    pattern *expression;
} normaliser;

/* Runs the steps over valid UTF-8; *out is emptied and filled. spare is scratch. */
TRIAD_NODISCARD triad_status normalise(const normaliser *step, size_t steps, pattern_scratch *scratch, const char *text,
                                       size_t size, triad_text *out, triad_text *spare, triad_error *err);

#endif
