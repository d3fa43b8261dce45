#include "fuzz.h"

#include "tokenizers/tokenizer.h"

/* Encodes a text and asks for the spelling of all that comes out. */
static void use(const tokenizer *tokens, const char *text, size_t size, size_t limit)
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

static void use_all(tokenizer *tokens, const uint8_t *data, size_t size)
{
    static const char text[] =
        "Go to  the [SEP] red ball's <s> 12 3\n\n caf\xc3\xa9 \xe7\xba\xa2 \xf0\x9f\x98\x80 don't \xc4\xb0!";
    use(tokens, text, sizeof text - 1, 0);
    use(tokens, text, sizeof text - 1, 5);
    use(tokens, (const char *)data, size < 256 ? size : 256, 0);
    tokenizer_close(tokens);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    triad_error err;
    tokenizer *tokens;
    triad_status status = tokenizer_parse_json(&tokens, (const char *)data, size, &err);
    if (status == TRIAD_OK)
        use_all(tokens, data, size);
    else
        must_explain(status, &err);
    must(status == TRIAD_OK || tokens == NULL);
    /* The same bytes as a vocab.txt, up to a NUL, with a tokenizer_config.json behind it. */
    const uint8_t *gap = memchr(data, 0, size);
    const size_t list = gap == NULL ? size : (size_t)(gap - data);
    status = tokenizer_parse_vocab(&tokens, (const char *)data, list, gap == NULL ? NULL : (const char *)gap + 1,
                                   gap == NULL ? 0 : size - list - 1, &err);
    if (status == TRIAD_OK)
        use_all(tokens, data, size);
    else
        must_explain(status, &err);
    return 0;
}
