/* vocab.txt: WordPiece, a token a line, with what tokenizer_config.json says about it. */
#include "tokenizers/tokenizer_config.h"

#include <string.h>

typedef struct word_class {
    const char *name;
    special_name names[7];
} word_class;

static const word_class CLASSES[] = {
    {"BertTokenizer",
     {{"cls_token", "[CLS]", false},
      {"sep_token", "[SEP]", false},
      {"unk_token", "[UNK]", false},
      {"pad_token", "[PAD]", false},
      {"mask_token", "[MASK]", false},
      {"bos_token", NULL, false},
      {"eos_token", NULL, false}}},
    {"MPNetTokenizer",
     {{"cls_token", "<s>", false},
      {"sep_token", "</s>", false},
      {"unk_token", "[UNK]", false},
      {"pad_token", "<pad>", false},
      {"mask_token", "<mask>", true},
      {"bos_token", "<s>", false},
      {"eos_token", "</s>", false}}},
};

static triad_status find_class(const word_class **class, json_object *config, triad_error *err)
{
    static const char *const same[][2] = {
        {"BertTokenizer", "BertTokenizer"},       {"BertTokenizerFast", "BertTokenizer"},
        {"DistilBertTokenizer", "BertTokenizer"}, {"DistilBertTokenizerFast", "BertTokenizer"},
        {"MPNetTokenizer", "MPNetTokenizer"},     {"MPNetTokenizerFast", "MPNetTokenizer"},
    };
    const char *name = "BertTokenizer";
    const triad_status status = config == NULL ? TRIAD_OK : json_get_string(config, "tokenizer_class", &name, err);
    if (status != TRIAD_OK) return triad_fail_in(err, "tokenizer_config.json");
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        for (size_t c = 0; c < sizeof CLASSES / sizeof *CLASSES; c++)
            if (strcmp(name, same[i][0]) == 0 && strcmp(same[i][1], CLASSES[c].name) == 0) {
                *class = &CLASSES[c];
                return TRIAD_OK;
            }
    return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                      "tokenizer_config.json: vocab.txt with tokenizer_class \"%.80s\" is not supported", name);
}

static triad_status add_normaliser(tokenizer *t, json_object *config, triad_error *err)
{
    normaliser step = {.kind = NORMALISE_BERT, .clean = true, .chinese = true, .lowercase = true};
    triad_status status = TRIAD_OK;
    if (config != NULL) status = json_get_bool(config, "do_lower_case", &step.lowercase, err);
    step.strip = step.lowercase;
    if (config != NULL && status == TRIAD_OK)
        status = json_get_bool(config, "tokenize_chinese_chars", &step.chinese, err);
    if (config != NULL && status == TRIAD_OK) status = json_get_bool(config, "strip_accents", &step.strip, err);
    return status != TRIAD_OK ? triad_fail_in(err, "tokenizer_config.json") : tokenizer_add_normaliser(t, &step, err);
}

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
    const word_class *class = NULL;
    triad_status status = find_class(&class, config, err);
    if (status == TRIAD_OK) status = read_lines(t, bytes, size, err);
    if (status == TRIAD_OK) status = add_normaliser(t, config, err);
    if (status == TRIAD_OK) status = tokenizer_add_splitter(t, (splitter){.kind = SPLIT_BERT}, err);
    const char *spelling[3] = {NULL, NULL, NULL}; /* cls, sep, unk */
    for (size_t i = 0; i < 3 && status == TRIAD_OK; i++) {
        spelling[i] = class->names[i].spelling;
        status = tokenizer_config_token(config, class->names[i].key, &spelling[i], err);
    }
    if (status != TRIAD_OK) return status;
    int32_t id[3];
    for (size_t i = 0; i < 3; i++) {
        id[i] = spelling[i] == NULL ? -1 : vocab_find(&t->words, spelling[i], strlen(spelling[i]));
        if (id[i] < 0)
            return triad_fail(err, TRIAD_ERR_FORMAT, -1, "vocab.txt: %s, the %s, is not in it",
                              spelling[i] == NULL ? "nothing" : spelling[i], class->names[i].key);
    }
    t->is_wordpiece = true;
    t->pieces = (wordpiece){.words = &t->words, .longest_word = 100, .unknown = id[2], .prefix = "##"};
    status = tokenizer_config_add(t, config, class->names, sizeof class->names / sizeof *class->names, err);
    if (status == TRIAD_OK) status = tokenizer_add_special(t, false, id[0], err);
    if (status == TRIAD_OK) status = tokenizer_add_special(t, true, id[1], err);
    if (status == TRIAD_OK) tokenizer_finish(t);
    return status;
}

triad_status tokenizer_parse_vocab(tokenizer **tokens, const char *bytes, size_t size, const char *config,
                                   size_t config_size, triad_error *err)
{
    *tokens = NULL;
    json_object *root = NULL;
    tokenizer *t = NULL;
    triad_status status = tokenizer_config_read(&root, config, config_size, err);
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
