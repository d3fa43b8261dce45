#include "fuzz.h"

#include "models/decoder.h"
#include "models/encoder.h"
#include "tokenizers/tokenizer.h"

static void use_tokenizer(const gguf *file)
{
    triad_error err;
    tokenizer *tokens;
    const triad_status status = tokenizer_open_gguf(&tokens, file, &err);
    if (status != TRIAD_OK) {
        must_explain(status, &err);
        return;
    }
    tokenizer_ids ids = {0};
    (void)!tokenizer_encode(tokens, &ids, "Go to the red ball's 12 \xf0\x9f\x98\x80", 28, 0, &err);
    free(ids.id);
    tokenizer_close(tokens);
}

static void use_decoder(const char *architecture, checkpoint *file)
{
    triad_error err;
    decoder m = {0};
    const triad_status status = decoder_from_gguf(&m, architecture, file, &err);
    if (status != TRIAD_OK)
        must_explain(status, &err);
    else
        must(m.heads % m.kv_heads == 0 && m.layer[m.layers - 1].o.w.tensor != NULL &&
             m.embedding->shape[0] == m.vocabulary);
    decoder_free(&m);
}

static void use_encoder(checkpoint *file)
{
    triad_error err;
    encoder m = {0};
    const triad_status status = encoder_from_gguf(&m, file, &err);
    if (status != TRIAD_OK)
        must_explain(status, &err);
    else
        must(m.width % m.heads == 0 && m.layer[m.layers - 1].down.w.tensor != NULL);
    encoder_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const architectures[] = {"llama", "qwen2", "qwen3", "deepseek2"};
    triad_error err;
    gguf *file;
    const triad_status status = gguf_parse(&file, data, size, &err);
    if (status != TRIAD_OK) return 0;
    use_tokenizer(file);
    for (size_t i = 0; i < 4; i++) {
        checkpoint holder = {.single = file};
        use_decoder(architectures[i], &holder);
        free(holder.used);
    }
    checkpoint holder = {.single = file};
    use_encoder(&holder);
    free(holder.used);
    gguf_close(file);
    return 0;
}
