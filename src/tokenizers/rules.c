#include "tokenizers/rules.h"

#include <string.h>

#define LLAMA3(DIGITS)                                                                                                 \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" DIGITS "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"            \
    "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/* DeepSeek-LLM lists its letters and marks by range. */
#define LETTERS                                                                                                        \
    "A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af\u0370-\u0373\u0376"    \
    "\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f\u0531-"    \
    "\u0556\u10a0-\u10c5\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a"   \
    "\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d\u1f5f-\u1f7d\u1f80-\u1fb4"    \
    "\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc"   \
    "\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139\u213c-\u213f"      \
    "\u2145-\u2149\u214e\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d\ua680-\ua69b"     \
    "\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a"         \
    "\U00010400-\U0001044f\U000104b0-\U000104d3\U000104d8-\U000104fb\U00010c80-\U00010cb2\U00010cc0-\U00010cf2"        \
    "\U000118a0-\U000118df\U0001e900-\U0001e943"
#define MARKS "!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002"
#define IDEOGRAPHS "\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff"
#define DEEPSEEK3                                                                                                      \
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+|"               \
    " ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define DIGIT "\\p{N}"

static const split_rule RULES[] = {
    {.name = "gpt-2", .step = {SPLIT_GPT2}},
    {.name = "smollm", .step = {DIGIT, SPLIT_GPT2}},
    {.name = "llama-bpe", .ignore_merges = true, .adds_bos = true, .step = {LLAMA3("\\p{N}{1,3}")}},
    {.name = "qwen2", .nfc = true, .step = {LLAMA3("\\p{N}")}},
    {.name = "deepseek-r1-qwen", .nfc = true, .adds_bos = true, .step = {LLAMA3("\\p{N}")}},
    {.name = "deepseek-llm",
     .adds_bos = true,
     .step = {"[\\r\\n]", "\\s?[" LETTERS "]+", "\\s?[" MARKS "]+", "\\s+$", "[" IDEOGRAPHS "]+", DIGIT}},
    {.name = "deepseek-coder",
     .adds_bos = true,
     .step = {"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", "[" IDEOGRAPHS "]+", DIGIT}},
    {.name = "deepseek-v3",
     .adds_bos = true,
     .step = {"\\p{N}{1,3}", "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+", DEEPSEEK3}},
};

/* What converters have called the same rules. */
static const char *const OTHER_NAMES[][2] = {
    {"gpt2", "gpt-2"}, {"llama3", "llama-bpe"}, {"llama-v3", "llama-bpe"}, {"deepseek-r1", "deepseek-v3"}};

const split_rule *split_rule_find(const char *name, size_t size)
{
    for (size_t i = 0; i < sizeof OTHER_NAMES / sizeof *OTHER_NAMES; i++)
        if (strlen(OTHER_NAMES[i][0]) == size && memcmp(name, OTHER_NAMES[i][0], size) == 0) {
            name = OTHER_NAMES[i][1];
            size = strlen(name);
            break;
        }
    for (size_t i = 0; i < sizeof RULES / sizeof *RULES; i++)
        if (strlen(RULES[i].name) == size && memcmp(name, RULES[i].name, size) == 0) return &RULES[i];
    return NULL;
}

triad_status split_rule_apply(tokenizer *t, const split_rule *rule, triad_error *err)
{
    triad_status status = TRIAD_OK;
    if (rule->nfc) status = tokenizer_add_normaliser(t, &(normaliser){.kind = NORMALISE_NFC}, err);
    for (size_t i = 0; i < RULE_MAX_STEPS && rule->step[i] != NULL && status == TRIAD_OK; i++)
        status = tokenizer_add_pattern(t, rule->step[i], strlen(rule->step[i]), SPLIT_ISOLATED, false, err);
    t->byte_level = true;
    return status;
}

triad_status clip_rule_apply(tokenizer *t, triad_error *err)
{
    static const char PIECES[] =
        "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";
    normaliser blanks = {.kind = NORMALISE_REPLACE, .content = " ", .content_size = 1};
    triad_status status = tokenizer_add_normaliser(t, &(normaliser){.kind = NORMALISE_NFC}, err);
    if (status == TRIAD_OK) status = pattern_create(&blanks.expression, "\\s+", 3, err);
    if (status == TRIAD_OK) status = tokenizer_add_normaliser(t, &blanks, err);
    if (status == TRIAD_OK) status = tokenizer_add_normaliser(t, &(normaliser){.kind = NORMALISE_LOWERCASE}, err);
    if (status == TRIAD_OK) status = tokenizer_add_pattern(t, PIECES, sizeof PIECES - 1, SPLIT_REMOVED, true, err);
    if (status == TRIAD_OK)
        status = tokenizer_add_pattern(t, SPLIT_GPT2, strlen(SPLIT_GPT2), SPLIT_ISOLATED, false, err);
    t->byte_level = true;
    return status;
}
