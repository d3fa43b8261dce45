/* The tables tokenizer.ggml.* of a GGUF: the vocabulary and merges are the file's, the rules follow from the name in
 * tokenizer.ggml.pre. */
#include "tokenizers/tokenizer_internal.h"

#include <string.h>

#define KEY "tokenizer.ggml."

#define LLAMA3(DIGITS)                                                                                                 \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" DIGITS "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"            \
    "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

typedef struct pre_rule {
    const char *name;
    bool nfc;    /* the original normalises, which the file does not say */
    bool digits; /* numbers one by one before the expression */
    bool ignore_merges;
    bool adds_bos; /* where add_bos_token is absent */
    const char *expression;
} pre_rule;

static const pre_rule RULES[] = {
    {"gpt-2", false, false, false, false, SPLIT_GPT2},
    {"smollm", false, true, false, false, SPLIT_GPT2},
    {"llama-bpe", false, false, true, true, LLAMA3("\\p{N}{1,3}")},
    {"qwen2", true, false, false, false, LLAMA3("\\p{N}")},
};

static bool same(const char *bytes, size_t size, const char *word)
{
    return strlen(word) == size && memcmp(bytes, word, size) == 0;
}

static triad_status find_rule(const pre_rule **rule, const gguf *file, triad_error *err)
{
    const char *name;
    size_t size;
    if (!gguf_get_string(file, KEY "pre", &name, &size))
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                          "tokenizer: the file has no " KEY "pre, so its splitting rule is unknown");
    for (size_t i = 0; i < sizeof RULES / sizeof *RULES; i++) {
        if (!same(name, size, RULES[i].name)) continue;
        *rule = &RULES[i];
        return TRIAD_OK;
    }
    return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "tokenizer: " KEY "pre \"%.*s\" is not supported",
                      (int)(size < 60 ? size : 60), name);
}

static triad_status read_words(tokenizer *t, const gguf *file, triad_error *err)
{
    size_t count;
    if (!gguf_array_count(file, KEY "tokens", &count))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "tokenizer: " KEY "tokens is not an array");
    triad_status status = vocab_create(&t->words, &t->arena, count, err);
    for (size_t i = 0; i < count && status == TRIAD_OK; i++) {
        const char *bytes;
        size_t size;
        if (!gguf_array_string(file, KEY "tokens", i, &bytes, &size))
            return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)i, "tokenizer: " KEY "tokens does not hold strings");
        status = vocab_add(&t->words, &t->arena, bytes, size, (int64_t)i, err);
    }
    return status != TRIAD_OK ? status : vocab_finish(&t->words, &t->arena, err);
}

static triad_status read_merges(tokenizer *t, const gguf *file, const pre_rule *rule, triad_error *err)
{
    size_t count;
    if (!gguf_array_count(file, KEY "merges", &count))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "tokenizer: " KEY "merges is not an array");
    triad_status status = bpe_create(&t->pairs, &t->arena, &t->words, count, true, "", err);
    t->pairs.ignore_merges = rule->ignore_merges;
    for (size_t i = 0; i < count && status == TRIAD_OK; i++) {
        const char *bytes, *gap = NULL;
        size_t size;
        if (gguf_array_string(file, KEY "merges", i, &bytes, &size) && size > 0) gap = memchr(bytes + 1, ' ', size - 1);
        if (gap == NULL) return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)i, "tokenizer: merge %zu is not \"a b\"", i);
        status = bpe_add_merge(&t->pairs, bytes, (size_t)(gap - bytes), gap + 1, size - (size_t)(gap + 1 - bytes), err);
    }
    return status;
}

/* Types: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte. */
static triad_status read_specials(tokenizer *t, const gguf *file, triad_error *err)
{
    size_t count;
    if (!gguf_array_count(file, KEY "token_type", &count)) return TRIAD_OK;
    triad_status status = TRIAD_OK;
    for (size_t i = 0; i < count && status == TRIAD_OK; i++) {
        int64_t type;
        if (!gguf_array_int(file, KEY "token_type", i, &type))
            return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)i, "tokenizer: " KEY "token_type does not hold integers");
        const vocab_entry *entry = vocab_at(&t->words, (int32_t)i);
        if (entry != NULL && type >= 2 && type <= 4)
            status = tokenizer_add_token(t, entry->bytes, entry->size, entry->id, false, false, false, false, err);
    }
    return status;
}

static triad_status add_end(tokenizer *t, const gguf *file, const char *flag, const char *key, bool by_default,
                            bool behind, triad_error *err)
{
    bool wanted = by_default;
    (void)gguf_get_bool(file, flag, &wanted);
    if (!wanted) return TRIAD_OK;
    int64_t id;
    if (!gguf_get_int(file, key, &id) || vocab_at(&t->words, id < 0 || id >= VOCAB_MAX_ID ? -1 : (int32_t)id) == NULL)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "tokenizer: %s is wanted and %s names no token", flag, key);
    return tokenizer_add_special(t, behind, id, err);
}

static triad_status read_tables(tokenizer *t, const gguf *file, triad_error *err)
{
    const pre_rule *rule = NULL;
    triad_status status = find_rule(&rule, file, err);
    if (status == TRIAD_OK && rule->nfc)
        status = tokenizer_add_normaliser(t, &(normaliser){.kind = NORMALISE_NFC}, err);
    if (status == TRIAD_OK && rule->digits)
        status = tokenizer_add_splitter(t, (splitter){.kind = SPLIT_DIGITS, .individual = true}, err);
    if (status == TRIAD_OK)
        status = tokenizer_add_pattern(t, rule->expression, strlen(rule->expression), SPLIT_ISOLATED, false, err);
    if (status == TRIAD_OK) status = read_words(t, file, err);
    t->byte_level = true;
    if (status == TRIAD_OK) status = read_merges(t, file, rule, err);
    if (status == TRIAD_OK) status = read_specials(t, file, err);
    if (status == TRIAD_OK)
        status = add_end(t, file, KEY "add_bos_token", KEY "bos_token_id", rule->adds_bos, false, err);
    if (status == TRIAD_OK) status = add_end(t, file, KEY "add_eos_token", KEY "eos_token_id", false, true, err);
    if (status == TRIAD_OK) tokenizer_finish(t);
    return status;
}

triad_status tokenizer_open_gguf(tokenizer **tokens, const gguf *file, triad_error *err)
{
    *tokens = NULL;
    const char *model;
    size_t size;
    if (!gguf_get_string(file, KEY "model", &model, &size))
        return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "tokenizer: the file has no " KEY "model");
    if (!same(model, size, "gpt2"))
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "tokenizer: " KEY "model \"%.*s\" is not supported",
                          (int)(size < 60 ? size : 60), model);
    tokenizer *t = NULL;
    triad_status status = tokenizer_new(&t, err);
    if (status == TRIAD_OK) status = read_tables(t, file, err);
    if (status != TRIAD_OK) {
        tokenizer_close(t);
        return status;
    }
    *tokens = t;
    return TRIAD_OK;
}
