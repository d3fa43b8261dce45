/* Shared by the targets of tokenizers: what was opened encodes texts, within limits and without, and spells all that
 * comes out. */
#ifndef TRIAD_FUZZ_TOKENIZER_H
#define TRIAD_FUZZ_TOKENIZER_H

#include "fuzz.h"

#include "tokenizers/tokenizer.h"

static inline void use_text(const tokenizer *tokens, const char *text, size_t size, size_t limit)
{
    triad_error err;
    tokenizer_ids ids = {0};
    const triad_status status = tokenizer_encode(tokens, &ids, text, size, limit, &err);
    if (status != TRIAD_OK) must_explain(status, &err);
    for (size_t i = 0; i < ids.count && status == TRIAD_OK; i++) {
        must(ids.id[i] >= 0 && (size_t)ids.id[i] < tokenizer_size(tokens));
        (void)tokenizer_spelling(tokens, ids.id[i]);
    }
    must(status != TRIAD_OK || limit == 0 || ids.count <= limit);
    free(ids.id);
}

/* Closes it. The file's own bytes are a text as well. */
static inline void use_tokenizer(triad_status status, tokenizer *tokens, const triad_error *err, const uint8_t *data,
                                 size_t size)
{
    static const char text[] = "Go to  the [SEP] red ball's <s> 12 3\n\n caf\xc3\xa9 \xe7\xba\xa2 \xf0\x9f\x98\x80 "
                               "\xf0\x9f\xab\xa8 don't \xc4\xb0!";
    if (status != TRIAD_OK) {
        must_explain(status, err);
        must(tokens == NULL);
        return;
    }
    use_text(tokens, text, sizeof text - 1, 0);
    use_text(tokens, text, sizeof text - 1, 5);
    use_text(tokens, (const char *)data, size < 256 ? size : 256, 0);
    tokenizer_close(tokens);
}

#endif
