/* vocab.json with merges.txt: byte-level BPE without a tokenizer.json, the rule by tokenizer_config.json's class. */
#include "tokenizers/rules.h"
#include "tokenizers/tokenizer_config.h"

#include <string.h>

typedef struct pair_class {
    const char *name, *rule; /* rule NULL: CLIP's */
    special_name names[4];
    bool ends; /* bos and eos are always put around */
} pair_class;

#define END "<|endoftext|>"
static const pair_class CLASSES[] = {
    {"GPT2Tokenizer",
     "gpt-2",
     {{"unk_token", END, 0}, {"bos_token", END, 0}, {"eos_token", END, 0}, {"pad_token", 0, 0}},
     0},
    {"Qwen2Tokenizer",
     "qwen2",
     {{"unk_token", END, 0}, {"bos_token", 0, 0}, {"eos_token", END, 0}, {"pad_token", END, 0}},
     0},
    {"CLIPTokenizer",
     NULL,
     {{"unk_token", END, 0}, {"bos_token", "<|startoftext|>", 0}, {"eos_token", END, 0}, {"pad_token", END, 0}},
     1},
};

/* The class by name ("…Fast" is the same). Without a name CLIP's and GPT-2's vocabularies tell themselves apart. */
static triad_status find_class(const pair_class **class, const tokenizer *t, json_object *config, triad_error *err)
{
    const char *name = NULL;
    if (config != NULL) {
        const triad_status status = json_get_string(config, "tokenizer_class", &name, err);
        if (status != TRIAD_OK) return triad_fail_in(err, "tokenizer_config.json");
    }
    if (name == NULL)
        name = tokenizer_id_of(t, "<|startoftext|>") >= 0 && tokenizer_id_of(t, "a</w>") >= 0 ? "CLIPTokenizer"
               : tokenizer_id_of(t, END) >= 0                                                 ? "GPT2Tokenizer"
                                                                                              : "";
    for (size_t i = 0; i < sizeof CLASSES / sizeof *CLASSES; i++) {
        const size_t size = strlen(CLASSES[i].name);
        if (strncmp(name, CLASSES[i].name, size) != 0 || (name[size] != 0 && strcmp(name + size, "Fast") != 0))
            continue;
        *class = &CLASSES[i];
        return TRIAD_OK;
    }
    if (name[0] == 0)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                          "vocab.json: no tokenizer_config.json says whose it is (add it, or a tokenizer.json)");
    return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                      "tokenizer_config.json: vocab.json with tokenizer_class \"%.80s\" is not supported", name);
}

static triad_status read_words(tokenizer *t, json_object *table, triad_error *err)
{
    triad_status status = vocab_create(&t->words, &t->arena, (size_t)json_object_object_length(table), err);
    json_object_object_foreach(table, key, value)
    {
        if (status != TRIAD_OK) break;
        if (!json_object_is_type(value, json_type_int))
            status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "vocab.json: the id of \"%.60s\" is not an integer", key);
        else
            status = vocab_add(&t->words, &t->arena, key, strlen(key), json_object_get_int64(value), err);
    }
    return status != TRIAD_OK ? status : vocab_finish(&t->words, &t->arena, err);
}

/* A merge a line, "a b"; lines that begin with #version, and empty ones, are none. */
static triad_status read_merges(tokenizer *t, const char *text, size_t size, const char *suffix, triad_error *err)
{
    size_t lines = 1;
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    triad_status status = bpe_create(&t->pairs, &t->arena, &t->words, lines, true, suffix, err);
    size_t line = 0;
    for (size_t at = 0; at < size && status == TRIAD_OK;) {
        const char *stop = memchr(text + at, '\n', size - at);
        const size_t next = stop == NULL ? size : (size_t)(stop - text) + 1;
        size_t end = stop == NULL ? size : next - 1;
        if (end > at && text[end - 1] == '\r') end--;
        const char *from = text + at;
        const size_t length = end - at;
        at = next;
        line++;
        if (length == 0 || (length >= 8 && memcmp(from, "#version", 8) == 0)) continue;
        const char *gap = memchr(from, ' ', length);
        if (gap == NULL || memchr(gap + 1, ' ', length - (size_t)(gap + 1 - from)) != NULL)
            return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)line, "merges.txt, line %zu: it is not \"a b\"", line);
        status = bpe_add_merge(&t->pairs, from, (size_t)(gap - from), gap + 1, length - (size_t)(gap + 1 - from), err);
    }
    return status;
}

static triad_status read_all(tokenizer *t, json_object *words, const char *merges, size_t merges_size,
                             json_object *config, triad_error *err)
{
    const pair_class *class = NULL;
    if (!json_object_is_type(words, json_type_object))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "vocab.json: not an object");
    triad_status status = read_words(t, words, err);
    if (status == TRIAD_OK) status = find_class(&class, t, config, err);
    if (status != TRIAD_OK) return status;
    const bool clip = class->rule == NULL;
    status =
        clip ? clip_rule_apply(t, err) : split_rule_apply(t, split_rule_find(class->rule, strlen(class->rule)), err);
    if (status == TRIAD_OK) status = read_merges(t, merges, merges_size, clip ? "</w>" : "", err);
    const char *bos = class->names[1].spelling, *eos = class->names[2].spelling, *unknown = class->names[0].spelling;
    if (status == TRIAD_OK) status = tokenizer_config_token(config, "bos_token", &bos, err);
    if (status == TRIAD_OK) status = tokenizer_config_token(config, "eos_token", &eos, err);
    if (status == TRIAD_OK) status = tokenizer_config_token(config, "unk_token", &unknown, err);
    if (status == TRIAD_OK && clip && unknown != NULL) t->pairs.unknown = tokenizer_id_of(t, unknown);
    if (status == TRIAD_OK) status = tokenizer_config_add(t, config, class->names, 4, err);
    if (status == TRIAD_OK)
        status = tokenizer_config_end(t, class->ends ? NULL : config, "add_bos_token", class->ends, bos, false, err);
    if (status == TRIAD_OK)
        status = tokenizer_config_end(t, class->ends ? NULL : config, "add_eos_token", class->ends, eos, true, err);
    if (status == TRIAD_OK) tokenizer_finish(t);
    return status;
}

triad_status tokenizer_parse_pairs(tokenizer **tokens, const char *words, size_t words_size, const char *merges,
                                   size_t merges_size, const char *config, size_t config_size, triad_error *err)
{
    *tokens = NULL;
    json_object *root = NULL, *table = NULL;
    tokenizer *t = NULL;
    triad_status status = tokenizer_config_read(&root, config, config_size, err);
    if (status == TRIAD_OK) {
        status = json_read(&table, words, words_size, err);
        if (status != TRIAD_OK) (void)triad_fail_in(err, "vocab.json");
    }
    if (status == TRIAD_OK) status = tokenizer_new(&t, err);
    if (status == TRIAD_OK) status = read_all(t, table, merges, merges_size, root, err);
    json_object_put(root);
    json_object_put(table);
    if (status != TRIAD_OK) {
        tokenizer_close(t);
        return status;
    }
    *tokens = t;
    return TRIAD_OK;
}
