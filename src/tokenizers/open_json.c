/* tokenizer.json of huggingface/tokenizers. */
#include "tokenizers/tokenizer_internal.h"

#include <string.h>

#include "formats/json.h"

static triad_status refuse(triad_error *err, const char *part, const char *type)
{
    return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "tokenizer.json: %s \"%.80s\" is not supported", part, type);
}

static triad_status bad(triad_error *err, const char *what)
{
    return triad_fail(err, TRIAD_ERR_FORMAT, -1, "tokenizer.json: %s", what);
}

static triad_status type_of(json_object *part, const char **type, triad_error *err)
{
    if (!json_object_is_type(part, json_type_object)) return bad(err, "a part that must be an object is none");
    return json_want_string(part, "type", type, err);
}

/* The pattern of a Split or Replace: {"Regex": …} or {"String": …}. */
static triad_status pattern_text(json_object *part, const char **text, size_t *size, bool *literal, triad_error *err)
{
    json_object *holder = json_find(part, "pattern", json_type_object);
    json_object *found = holder == NULL ? NULL : json_find(holder, "Regex", json_type_string);
    *literal = found == NULL;
    if (found == NULL && holder != NULL) found = json_find(holder, "String", json_type_string);
    if (found == NULL) return bad(err, "a pattern is neither Regex nor String");
    *text = json_object_get_string(found);
    *size = (size_t)json_object_get_string_len(found);
    return TRIAD_OK;
}

static const char *keep(tokenizer *t, const char *text, size_t size, triad_status *status, triad_error *err)
{
    const char *copy = triad_arena_strndup(&t->arena, text, size);
    if (copy == NULL) *status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokenizer: out of memory");
    return copy;
}

/* ---- normalisers */
static triad_status read_replace(tokenizer *t, json_object *part, triad_error *err)
{
    normaliser step = {.kind = NORMALISE_REPLACE};
    const char *text, *content = NULL;
    size_t size;
    bool literal;
    triad_status status = pattern_text(part, &text, &size, &literal, err);
    if (status == TRIAD_OK) status = json_want_string(part, "content", &content, err);
    if (status == TRIAD_OK) {
        step.content_size = strlen(content);
        step.content = keep(t, content, step.content_size, &status, err);
    }
    if (status == TRIAD_OK && literal) {
        step.string_size = size;
        step.string = keep(t, text, size, &status, err);
    } else if (status == TRIAD_OK) {
        status = pattern_create(&step.expression, text, size, err);
    }
    return status != TRIAD_OK ? status : tokenizer_add_normaliser(t, &step, err);
}

static triad_status read_bert_normaliser(tokenizer *t, json_object *part, triad_error *err)
{
    normaliser step = {.kind = NORMALISE_BERT, .clean = true, .chinese = true, .lowercase = true};
    triad_status status = json_get_bool(part, "clean_text", &step.clean, err);
    if (status == TRIAD_OK) status = json_get_bool(part, "handle_chinese_chars", &step.chinese, err);
    if (status == TRIAD_OK) status = json_get_bool(part, "lowercase", &step.lowercase, err);
    step.strip = step.lowercase;
    if (status == TRIAD_OK) status = json_get_bool(part, "strip_accents", &step.strip, err);
    return status != TRIAD_OK ? status : tokenizer_add_normaliser(t, &step, err);
}

static triad_status read_normaliser(tokenizer *t, json_object *part, int depth, triad_error *err)
{
    const char *type;
    triad_status status = type_of(part, &type, err);
    if (status != TRIAD_OK) return status;
    static const struct {
        const char *name;
        normaliser_kind kind;
    } simple[] = {{"NFC", NORMALISE_NFC},
                  {"NFD", NORMALISE_NFD},
                  {"NFKC", NORMALISE_NFKC},
                  {"NFKD", NORMALISE_NFKD},
                  {"Lowercase", NORMALISE_LOWERCASE},
                  {"StripAccents", NORMALISE_STRIP_ACCENTS}};
    for (size_t i = 0; i < sizeof simple / sizeof *simple; i++)
        if (strcmp(type, simple[i].name) == 0)
            return tokenizer_add_normaliser(t, &(normaliser){.kind = simple[i].kind}, err);
    if (strcmp(type, "Replace") == 0) return read_replace(t, part, err);
    if (strcmp(type, "BertNormalizer") == 0) return read_bert_normaliser(t, part, err);
    if (strcmp(type, "Prepend") == 0) {
        normaliser step = {.kind = NORMALISE_PREPEND};
        const char *content = NULL;
        status = json_want_string(part, "prepend", &content, err);
        if (status != TRIAD_OK) return status;
        step.content_size = strlen(content);
        step.content = keep(t, content, step.content_size, &status, err);
        return status != TRIAD_OK ? status : tokenizer_add_normaliser(t, &step, err);
    }
    if (strcmp(type, "Sequence") != 0 || depth > 4) return refuse(err, "normalizer", type);
    json_object *list = json_find(part, "normalizers", json_type_array);
    if (list == NULL) return bad(err, "a Sequence without normalizers");
    for (size_t i = 0; i < json_object_array_length(list) && status == TRIAD_OK; i++)
        status = read_normaliser(t, json_object_array_get_idx(list, i), depth + 1, err);
    return status;
}

/* ---- pre-tokenizers */
static triad_status read_split(tokenizer *t, json_object *part, triad_error *err)
{
    const char *text, *behaviour = NULL;
    size_t size;
    bool literal, invert = false;
    triad_status status = pattern_text(part, &text, &size, &literal, err);
    if (status == TRIAD_OK && literal) return refuse(err, "Split by", "String");
    if (status == TRIAD_OK) status = json_want_string(part, "behavior", &behaviour, err);
    if (status == TRIAD_OK) status = json_get_bool(part, "invert", &invert, err);
    if (status != TRIAD_OK) return status;
    const bool removed = strcmp(behaviour, "Removed") == 0;
    if (!removed && strcmp(behaviour, "Isolated") != 0) return refuse(err, "Split behavior", behaviour);
    return tokenizer_add_pattern(t, text, size, removed ? SPLIT_REMOVED : SPLIT_ISOLATED, invert, err);
}

static triad_status read_byte_level(tokenizer *t, json_object *part, triad_error *err)
{
    bool prefix = true, regex = true;
    triad_status status = json_get_bool(part, "add_prefix_space", &prefix, err);
    if (status == TRIAD_OK) status = json_get_bool(part, "use_regex", &regex, err);
    if (status == TRIAD_OK && prefix) status = refuse(err, "ByteLevel with", "add_prefix_space");
    if (status == TRIAD_OK && regex)
        status = tokenizer_add_pattern(t, SPLIT_GPT2, strlen(SPLIT_GPT2), SPLIT_ISOLATED, false, err);
    t->byte_level = true;
    return status;
}

static triad_status read_metaspace(tokenizer *t, json_object *part, triad_error *err)
{
    const char *replacement = "\xe2\x96\x81", *scheme = NULL;
    bool splits = true, prefix = true;
    triad_status status = json_get_string(part, "replacement", &replacement, err);
    if (status == TRIAD_OK) status = json_get_string(part, "prepend_scheme", &scheme, err);
    if (status == TRIAD_OK) status = json_get_bool(part, "split", &splits, err);
    if (status == TRIAD_OK) status = json_get_bool(part, "add_prefix_space", &prefix, err);
    if (status != TRIAD_OK) return status;
    if (strcmp(replacement, "\xe2\x96\x81") != 0) return refuse(err, "Metaspace replacement", replacement);
    if (splits) return refuse(err, "Metaspace with", "split");
    if (t->cuts > 0 || t->spaces != METASPACE_NONE) return refuse(err, "pre-tokenizer behind another", "Metaspace");
    if (scheme == NULL) scheme = prefix ? "always" : "never";
    if (strcmp(scheme, "first") == 0)
        t->spaces = METASPACE_FIRST;
    else if (strcmp(scheme, "always") == 0)
        t->spaces = METASPACE_ALWAYS;
    else if (strcmp(scheme, "never") == 0)
        t->spaces = METASPACE_NEVER;
    else
        return refuse(err, "Metaspace prepend_scheme", scheme);
    return TRIAD_OK;
}

static triad_status read_pre_tokenizer(tokenizer *t, json_object *part, int depth, triad_error *err)
{
    const char *type;
    triad_status status = type_of(part, &type, err);
    if (status != TRIAD_OK) return status;
    if (t->byte_level) return refuse(err, "pre-tokenizer behind ByteLevel", type);
    if (strcmp(type, "Split") == 0) return read_split(t, part, err);
    if (strcmp(type, "ByteLevel") == 0) return read_byte_level(t, part, err);
    if (strcmp(type, "Metaspace") == 0) return read_metaspace(t, part, err);
    if (strcmp(type, "BertPreTokenizer") == 0) return tokenizer_add_splitter(t, (splitter){.kind = SPLIT_BERT}, err);
    if (strcmp(type, "WhitespaceSplit") == 0) return tokenizer_add_splitter(t, (splitter){.kind = SPLIT_SPACE}, err);
    if (strcmp(type, "Digits") == 0) {
        splitter step = {.kind = SPLIT_DIGITS};
        status = json_get_bool(part, "individual_digits", &step.individual, err);
        return status != TRIAD_OK ? status : tokenizer_add_splitter(t, step, err);
    }
    if (strcmp(type, "Sequence") != 0 || depth > 4) return refuse(err, "pre-tokenizer", type);
    json_object *list = json_find(part, "pretokenizers", json_type_array);
    if (list == NULL) return bad(err, "a Sequence without pretokenizers");
    for (size_t i = 0; i < json_object_array_length(list) && status == TRIAD_OK; i++)
        status = read_pre_tokenizer(t, json_object_array_get_idx(list, i), depth + 1, err);
    return status;
}

/* ---- models */
static triad_status read_words(tokenizer *t, json_object *model, triad_error *err)
{
    json_object *table = json_find(model, "vocab", json_type_object);
    if (table == NULL) return bad(err, "the model has no vocab object");
    triad_status status = vocab_create(&t->words, &t->arena, (size_t)json_object_object_length(table), err);
    json_object_object_foreach(table, key, value)
    {
        if (status != TRIAD_OK) break;
        if (!json_object_is_type(value, json_type_int))
            status = bad(err, "an id in vocab is not an integer");
        else
            status = vocab_add(&t->words, &t->arena, key, strlen(key), json_object_get_int64(value), err);
    }
    return status != TRIAD_OK ? status : vocab_finish(&t->words, &t->arena, err);
}

static triad_status read_merge(tokenizer *t, json_object *item, triad_error *err)
{
    if (json_object_is_type(item, json_type_array) && json_object_array_length(item) == 2) {
        json_object *left = json_object_array_get_idx(item, 0), *right = json_object_array_get_idx(item, 1);
        if (json_object_is_type(left, json_type_string) && json_object_is_type(right, json_type_string))
            return bpe_add_merge(&t->pairs, json_object_get_string(left), (size_t)json_object_get_string_len(left),
                                 json_object_get_string(right), (size_t)json_object_get_string_len(right), err);
    } else if (json_object_is_type(item, json_type_string)) {
        const char *text = json_object_get_string(item);
        const size_t size = (size_t)json_object_get_string_len(item);
        const char *gap = memchr(text, ' ', size);
        if (gap != NULL && memchr(gap + 1, ' ', size - (size_t)(gap + 1 - text)) == NULL)
            return bpe_add_merge(&t->pairs, text, (size_t)(gap - text), gap + 1, size - (size_t)(gap + 1 - text), err);
    }
    return bad(err, "a merge is neither \"a b\" nor [\"a\", \"b\"]");
}

static triad_status read_bpe(tokenizer *t, json_object *model, triad_error *err)
{
    const char *suffix = "", *prefix = "", *unknown = NULL;
    double dropout = 0;
    json_object *merges = json_find(model, "merges", json_type_array);
    triad_status status = merges == NULL ? bad(err, "a BPE model has no merges") : read_words(t, model, err);
    if (status == TRIAD_OK) status = json_get_string(model, "end_of_word_suffix", &suffix, err);
    if (status == TRIAD_OK) status = json_get_string(model, "continuing_subword_prefix", &prefix, err);
    if (status == TRIAD_OK) status = json_get_string(model, "unk_token", &unknown, err);
    if (status == TRIAD_OK) status = json_get_real(model, "dropout", &dropout, err);
    if (status != TRIAD_OK) return status;
    if (prefix[0] != 0) return refuse(err, "continuing_subword_prefix", prefix);
    if (dropout > 0) return refuse(err, "model with", "dropout");
    suffix = keep(t, suffix, strlen(suffix), &status, err);
    if (status != TRIAD_OK) return status;
    status = bpe_create(&t->pairs, &t->arena, &t->words, json_object_array_length(merges), t->byte_level, suffix, err);
    if (status == TRIAD_OK) status = json_get_bool(model, "ignore_merges", &t->pairs.ignore_merges, err);
    if (status == TRIAD_OK) status = json_get_bool(model, "byte_fallback", &t->pairs.byte_fallback, err);
    if (status == TRIAD_OK) status = json_get_bool(model, "fuse_unk", &t->pairs.fuse_unknown, err);
    for (size_t i = 0; i < json_object_array_length(merges) && status == TRIAD_OK; i++)
        status = read_merge(t, json_object_array_get_idx(merges, i), err);
    if (status == TRIAD_OK && unknown != NULL) {
        t->pairs.unknown = vocab_find(&t->words, unknown, strlen(unknown));
        if (t->pairs.unknown < 0) return bad(err, "unk_token is not in the vocabulary");
    }
    return status;
}

static triad_status read_wordpiece(tokenizer *t, json_object *model, triad_error *err)
{
    const char *prefix = "##", *unknown = "[UNK]";
    int64_t longest = 100;
    triad_status status = read_words(t, model, err);
    if (status == TRIAD_OK) status = json_get_string(model, "continuing_subword_prefix", &prefix, err);
    if (status == TRIAD_OK) status = json_get_string(model, "unk_token", &unknown, err);
    if (status == TRIAD_OK) status = json_get_int(model, "max_input_chars_per_word", 0, 1 << 20, &longest, err);
    if (status != TRIAD_OK) return status;
    if (t->byte_level) return refuse(err, "ByteLevel before", "WordPiece");
    t->is_wordpiece = true;
    t->pieces = (wordpiece){.words = &t->words,
                            .longest_word = (size_t)longest,
                            .unknown = vocab_find(&t->words, unknown, strlen(unknown)),
                            .prefix = keep(t, prefix, strlen(prefix), &status, err)};
    if (status == TRIAD_OK && t->pieces.unknown < 0) return bad(err, "unk_token is not in the vocabulary");
    return status;
}

/* ---- post-processors */
static triad_status read_template(tokenizer *t, json_object *part, triad_error *err)
{
    json_object *single = json_find(part, "single", json_type_array),
                *table = json_find(part, "special_tokens", json_type_object);
    if (single == NULL) return bad(err, "a template has no single");
    bool behind = false;
    triad_status status = TRIAD_OK;
    for (size_t i = 0; i < json_object_array_length(single) && status == TRIAD_OK; i++) {
        json_object *item = json_object_array_get_idx(single, i);
        if (!json_object_is_type(item, json_type_object)) return bad(err, "a template's entry is no object");
        if (json_find(item, "Sequence", json_type_object) != NULL) {
            if (behind) return bad(err, "a template holds the text twice");
            behind = true;
            continue;
        }
        json_object *special = json_find(item, "SpecialToken", json_type_object);
        const char *name = NULL;
        if (special == NULL) return bad(err, "a template's entry is neither Sequence nor SpecialToken");
        status = json_want_string(special, "id", &name, err);
        json_object *entry = status != TRIAD_OK || table == NULL ? NULL : json_find(table, name, json_type_object);
        json_object *ids = entry == NULL ? NULL : json_find(entry, "ids", json_type_array);
        if (status == TRIAD_OK && ids == NULL)
            status = bad(err, "a template names a special token that it does not define");
        for (size_t k = 0; status == TRIAD_OK && k < json_object_array_length(ids); k++) {
            json_object *id = json_object_array_get_idx(ids, k);
            status = json_object_is_type(id, json_type_int)
                         ? tokenizer_add_special(t, behind, json_object_get_int64(id), err)
                         : bad(err, "a template's id is not an integer");
        }
    }
    if (status == TRIAD_OK && !behind) return bad(err, "a template leaves the text out");
    return status;
}

/* RobertaProcessing and BertProcessing: ["spelling", id] at either end. */
static triad_status read_pair(tokenizer *t, json_object *part, const char *key, bool behind, triad_error *err)
{
    json_object *pair = json_find(part, key, json_type_array);
    json_object *id = pair != NULL && json_object_array_length(pair) == 2 ? json_object_array_get_idx(pair, 1) : NULL;
    if (id == NULL || !json_object_is_type(id, json_type_int))
        return bad(err, "a post-processor's cls or sep is not [\"token\", id]");
    return tokenizer_add_special(t, behind, json_object_get_int64(id), err);
}

static triad_status read_post_processor(tokenizer *t, json_object *part, int depth, triad_error *err)
{
    const char *type;
    triad_status status = type_of(part, &type, err);
    if (status != TRIAD_OK) return status;
    if (strcmp(type, "ByteLevel") == 0) return TRIAD_OK; /* moves offsets only */
    if (t->befores + t->afters > 0) return refuse(err, "post-processor behind another", type);
    if (strcmp(type, "TemplateProcessing") == 0) return read_template(t, part, err);
    if (strcmp(type, "RobertaProcessing") == 0 || strcmp(type, "BertProcessing") == 0) {
        status = read_pair(t, part, "cls", false, err);
        return status != TRIAD_OK ? status : read_pair(t, part, "sep", true, err);
    }
    if (strcmp(type, "Sequence") != 0 || depth > 4) return refuse(err, "post-processor", type);
    json_object *list = json_find(part, "processors", json_type_array);
    if (list == NULL) return bad(err, "a Sequence without processors");
    for (size_t i = 0; i < json_object_array_length(list) && status == TRIAD_OK; i++)
        status = read_post_processor(t, json_object_array_get_idx(list, i), depth + 1, err);
    return status;
}

static triad_status read_added(tokenizer *t, json_object *list, triad_error *err)
{
    triad_status status = TRIAD_OK;
    for (size_t i = 0; list != NULL && i < json_object_array_length(list) && status == TRIAD_OK; i++) {
        json_object *item = json_object_array_get_idx(list, i);
        if (!json_object_is_type(item, json_type_object)) return bad(err, "an added token is no object");
        json_object *content = json_find(item, "content", json_type_string);
        int64_t id = 0;
        bool single_word = false, lstrip = false, rstrip = false, special = false;
        if (content == NULL) return bad(err, "an added token has no content");
        status = json_want_int(item, "id", 0, VOCAB_MAX_ID - 1, &id, err);
        if (status == TRIAD_OK) status = json_get_bool(item, "single_word", &single_word, err);
        if (status == TRIAD_OK) status = json_get_bool(item, "lstrip", &lstrip, err);
        if (status == TRIAD_OK) status = json_get_bool(item, "rstrip", &rstrip, err);
        if (status == TRIAD_OK) status = json_get_bool(item, "special", &special, err);
        bool through = !special;
        if (status == TRIAD_OK) status = json_get_bool(item, "normalized", &through, err);
        if (status == TRIAD_OK)
            status =
                tokenizer_add_token(t, json_object_get_string(content), (size_t)json_object_get_string_len(content), id,
                                    single_word, lstrip, rstrip, through, err);
    }
    return status;
}

static triad_status read_document(tokenizer *t, json_object *root, triad_error *err)
{
    if (!json_object_is_type(root, json_type_object)) return bad(err, "not an object");
    json_object *model = json_find(root, "model", json_type_object), *part;
    if (model == NULL) return bad(err, "no model");
    triad_status status = TRIAD_OK;
    if ((part = json_find(root, "normalizer", json_type_object)) != NULL) status = read_normaliser(t, part, 0, err);
    if (status == TRIAD_OK && (part = json_find(root, "pre_tokenizer", json_type_object)) != NULL)
        status = read_pre_tokenizer(t, part, 0, err);
    const char *type =
        json_find(model, "merges", json_type_array) != NULL ? "BPE" : "WordPiece"; /* old files leave it out */
    if (status == TRIAD_OK) status = json_get_string(model, "type", &type, err);
    if (status != TRIAD_OK) return status;
    if (strcmp(type, "BPE") == 0)
        status = read_bpe(t, model, err);
    else if (strcmp(type, "WordPiece") == 0)
        status = read_wordpiece(t, model, err);
    else
        status = refuse(err, "model", type);
    if (status == TRIAD_OK) status = read_added(t, json_find(root, "added_tokens", json_type_array), err);
    if (status == TRIAD_OK && (part = json_find(root, "post_processor", json_type_object)) != NULL)
        status = read_post_processor(t, part, 0, err);
    if (status == TRIAD_OK) tokenizer_finish(t);
    return status;
}

triad_status tokenizer_parse_json(tokenizer **tokens, const char *bytes, size_t size, triad_error *err)
{
    *tokens = NULL;
    json_object *root = NULL;
    tokenizer *t = NULL;
    triad_status status = json_read(&root, bytes, size, err);
    if (status == TRIAD_OK) status = tokenizer_new(&t, err);
    if (status == TRIAD_OK) status = read_document(t, root, err);
    json_object_put(root);
    if (status != TRIAD_OK) {
        tokenizer_close(t);
        return status;
    }
    *tokens = t;
    return TRIAD_OK;
}
