/* vocab.txt (WordPiece) with what tokenizer_config.json says about it, and the choice of a folder's tokenizer. */
#include "tokenizers/tokenizer_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "formats/json.h"

enum { MAX_FILE = 1 << 28, MAX_CONFIG = 1 << 26 };

/* ---- tokenizer_config.json */
static triad_status read_config(tokenizer *t, json_object *config, triad_error *err)
{
    normaliser step = {.kind = NORMALISE_BERT, .clean = true, .chinese = true, .lowercase = true};
    const char *class = "BertTokenizer";
    triad_status status = TRIAD_OK;
    if (config != NULL) {
        status = json_get_string(config, "tokenizer_class", &class, err);
        if (status == TRIAD_OK) status = json_get_bool(config, "do_lower_case", &step.lowercase, err);
        if (status == TRIAD_OK) status = json_get_bool(config, "tokenize_chinese_chars", &step.chinese, err);
    }
    step.strip = step.lowercase;
    if (config != NULL && status == TRIAD_OK) status = json_get_bool(config, "strip_accents", &step.strip, err);
    if (status != TRIAD_OK) return status;
    static const char *const known[] = {"BertTokenizer", "BertTokenizerFast", "DistilBertTokenizer",
                                        "DistilBertTokenizerFast"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(class, known[i]) == 0) return tokenizer_add_normaliser(t, &step, err);
    return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                      "tokenizer_config.json: vocab.txt with tokenizer_class \"%.80s\" is not supported", class);
}

static triad_status add_declared(tokenizer *t, json_object *table, triad_error *err)
{
    triad_status status = TRIAD_OK;
    json_object_object_foreach(table, key, item)
    {
        if (status != TRIAD_OK) break;
        char *end;
        const long long id = strtoll(key, &end, 10);
        json_object *content =
            json_object_is_type(item, json_type_object) ? json_find(item, "content", json_type_string) : NULL;
        if (content == NULL || *key == 0 || *end != 0)
            return triad_fail(err, TRIAD_ERR_FORMAT, -1,
                              "tokenizer_config.json: added_tokens_decoder holds \"%.40s\", which is no token", key);
        bool single_word = false, lstrip = false, rstrip = false, normalized = false;
        status = json_get_bool(item, "single_word", &single_word, err);
        if (status == TRIAD_OK) status = json_get_bool(item, "lstrip", &lstrip, err);
        if (status == TRIAD_OK) status = json_get_bool(item, "rstrip", &rstrip, err);
        if (status == TRIAD_OK) status = json_get_bool(item, "normalized", &normalized, err);
        if (status == TRIAD_OK)
            status =
                tokenizer_add_token(t, json_object_get_string(content), (size_t)json_object_get_string_len(content), id,
                                    single_word, lstrip, rstrip, normalized, err);
    }
    return status;
}

static triad_status add_special_tokens(tokenizer *t, json_object *config, triad_error *err)
{
    json_object *declared = config == NULL ? NULL : json_find(config, "added_tokens_decoder", json_type_object);
    if (declared != NULL) return add_declared(t, declared, err);
    static const char *const names[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    triad_status status = TRIAD_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names && status == TRIAD_OK; i++) {
        const int32_t id = vocab_find(&t->words, names[i], strlen(names[i]));
        if (id >= 0) status = tokenizer_add_token(t, names[i], strlen(names[i]), id, false, false, false, false, err);
    }
    return status;
}

/* ---- the list of words */
static triad_status read_lines(tokenizer *t, const char *bytes, size_t size, triad_error *err)
{
    size_t lines = 0;
    for (size_t i = 0; i < size; i++) lines += bytes[i] == '\n' ? 1 : 0;
    if (size > 0 && bytes[size - 1] != '\n') lines++;
    triad_status status = vocab_create(&t->words, &t->arena, lines, err);
    int64_t id = 0;
    for (size_t at = 0; at < size && status == TRIAD_OK; id++) {
        const char *stop = memchr(bytes + at, '\n', size - at);
        size_t end = stop == NULL ? size : (size_t)(stop - bytes);
        const size_t next = end + 1;
        if (end > at && bytes[end - 1] == '\r') end--;
        status = vocab_add(&t->words, &t->arena, bytes + at, end - at, id, err);
        at = next;
    }
    return status != TRIAD_OK ? status : vocab_finish(&t->words, &t->arena, err);
}

static triad_status read_all(tokenizer *t, const char *bytes, size_t size, json_object *config, triad_error *err)
{
    triad_status status = read_lines(t, bytes, size, err);
    if (status == TRIAD_OK) status = read_config(t, config, err);
    if (status == TRIAD_OK) status = tokenizer_add_splitter(t, (splitter){.kind = SPLIT_BERT}, err);
    if (status != TRIAD_OK) return status;
    const int32_t unknown = vocab_find(&t->words, "[UNK]", 5), cls = vocab_find(&t->words, "[CLS]", 5),
                  sep = vocab_find(&t->words, "[SEP]", 5);
    if (unknown < 0 || cls < 0 || sep < 0)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "vocab.txt: [UNK], [CLS] or [SEP] is not in it");
    t->is_wordpiece = true;
    t->pieces = (wordpiece){.words = &t->words, .longest_word = 100, .unknown = unknown, .prefix = "##"};
    status = add_special_tokens(t, config, err);
    if (status == TRIAD_OK) status = tokenizer_add_special(t, false, cls, err);
    if (status == TRIAD_OK) status = tokenizer_add_special(t, true, sep, err);
    if (status == TRIAD_OK) tokenizer_finish(t);
    return status;
}

triad_status tokenizer_parse_vocab(tokenizer **tokens, const char *bytes, size_t size, const char *config,
                                   size_t config_size, triad_error *err)
{
    *tokens = NULL;
    json_object *root = NULL;
    tokenizer *t = NULL;
    triad_status status = config == NULL ? TRIAD_OK : json_read(&root, config, config_size, err);
    if (status == TRIAD_OK && root != NULL && !json_object_is_type(root, json_type_object))
        status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "tokenizer_config.json: not an object");
    if (status == TRIAD_OK) status = tokenizer_new(&t, err);
    if (status == TRIAD_OK) status = read_all(t, bytes, size, root, err);
    json_object_put(root);
    if (status != TRIAD_OK) {
        tokenizer_close(t);
        return status;
    }
    *tokens = t;
    return TRIAD_OK;
}

/* ---- a folder */
static triad_status read_member(char **text, size_t *size, const char *folder, const char *name, size_t limit,
                                triad_error *err)
{
    *text = NULL;
    char *path = triad_path_join(folder, name);
    if (path == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokenizer: out of memory");
    triad_status status = TRIAD_ERR_NOT_FOUND;
    if (triad_path_exists(path)) status = triad_read_whole(text, size, path, limit, err);
    free(path);
    return status;
}

static triad_status open_vocab(tokenizer **tokens, const char *folder, char *words, size_t size, triad_error *err)
{
    char *config = NULL;
    size_t config_size = 0;
    triad_status status = read_member(&config, &config_size, folder, "tokenizer_config.json", MAX_CONFIG, err);
    if (status == TRIAD_OK || status == TRIAD_ERR_NOT_FOUND)
        status = tokenizer_parse_vocab(tokens, words, size, config, config_size, err);
    free(config);
    return status;
}

triad_status tokenizer_open(tokenizer **tokens, const char *folder, triad_error *err)
{
    *tokens = NULL;
    char *text = NULL;
    size_t size = 0;
    triad_status status = read_member(&text, &size, folder, "tokenizer.json", MAX_FILE, err);
    if (status == TRIAD_OK) {
        status = tokenizer_parse_json(tokens, text, size, err);
        free(text);
        return status;
    }
    if (status != TRIAD_ERR_NOT_FOUND) return status;
    status = read_member(&text, &size, folder, "vocab.txt", MAX_FILE, err);
    if (status == TRIAD_OK) {
        status = open_vocab(tokens, folder, text, size, err);
        free(text);
        return status;
    }
    if (status != TRIAD_ERR_NOT_FOUND) return status;
    static const char *const others[] = {"tokenizer.model", "vocab.json", "spiece.model"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char *path = triad_path_join(folder, others[i]);
        const bool there = path != NULL && triad_path_exists(path);
        free(path);
        if (there)
            return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                              "tokenizer: %s without a tokenizer.json is not supported (add the tokenizer.json)",
                              others[i]);
    }
    return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "tokenizer: the folder has neither tokenizer.json nor vocab.txt");
}
