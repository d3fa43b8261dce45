#include "fuzz_tokenizer.h"

/* A tokenizer.model; the first byte chooses what its tokenizer_config.json says. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const CONFIGS[] = {
        NULL,
        "{\"add_bos_token\": false, \"legacy\": true, \"add_eos_token\": true}",
        "{\"add_bos_token\": false, \"add_prefix_space\": false, \"unk_token\": {\"content\": \"a\"}}",
        "{\"bos_token\": null, \"added_tokens_decoder\": {\"7\": {\"content\": \"red\", \"lstrip\": true}}}",
    };
    if (size == 0) return 0;
    triad_error err;
    tokenizer *tokens;
    const char *config = CONFIGS[data[0] % 4];
    const triad_status status =
        tokenizer_parse_model(&tokens, data + 1, size - 1, config, config == NULL ? 0 : strlen(config), &err);
    use_tokenizer(status, tokens, &err, data, size);
    return 0;
}
