#include "fuzz_tokenizer.h"

/* A vocab.json, a merges.txt and a tokenizer_config.json, with a NUL between. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *part[3] = {(const char *)data, "", NULL};
    size_t length[3] = {size, 0, 0};
    for (int i = 0; i < 2; i++) {
        const char *gap = memchr(part[i], 0, length[i]);
        if (gap == NULL) break;
        part[i + 1] = gap + 1;
        length[i + 1] = length[i] - (size_t)(gap + 1 - part[i]);
        length[i] = (size_t)(gap - part[i]);
    }
    triad_error err;
    tokenizer *tokens;
    const triad_status status =
        tokenizer_parse_pairs(&tokens, part[0], length[0], part[1], length[1], part[2], length[2], &err);
    use_tokenizer(status, tokens, &err, data, size);
    return 0;
}
