#include "fuzz_tokenizer.h"

/* A tokenizer.json; what does not begin with { is a vocab.txt, up to a NUL, with a tokenizer_config.json behind it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    triad_error err;
    tokenizer *tokens;
    triad_status status;
    if (size > 0 && data[0] == '{') {
        status = tokenizer_parse_json(&tokens, (const char *)data, size, &err);
    } else {
        const uint8_t *gap = memchr(data, 0, size);
        const size_t list = gap == NULL ? size : (size_t)(gap - data);
        status = tokenizer_parse_vocab(&tokens, (const char *)data, list, gap == NULL ? NULL : (const char *)gap + 1,
                                       gap == NULL ? 0 : size - list - 1, &err);
    }
    use_tokenizer(status, tokens, &err, data, size);
    return 0;
}
