/* The tables tokenizer.ggml.* of a GGUF: the vocabulary and merges are the file's, the rules follow from the name in
 * tokenizer.ggml.pre. */
#include "tokenizers/rules.h"
#include "tokenizers/sentencepiece.h"

#include <stdlib.h>
#include <string.h>

#define KEY "tokenizer.ggml."

static bool same(const char *bytes, size_t size, const char *word)
{
    return strlen(word) == size && memcmp(bytes, word, size) == 0;
}

static triad_status find_rule(const split_rule **rule, const gguf *file, triad_error *err)
{
    const char *name;
    size_t size;
    if (!gguf_get_string(file, KEY "pre", &name, &size))
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                          "tokenizer: the file has no " KEY "pre, so its splitting rule is unknown");
    *rule = split_rule_find(name, size);
    if (*rule != NULL) return TRIAD_OK;
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

static triad_status read_merges(tokenizer *t, const gguf *file, const split_rule *rule, triad_error *err)
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

/* ---- gpt2: byte-level BPE */
static triad_status read_bytes(tokenizer *t, const gguf *file, triad_error *err)
{
    const split_rule *rule = NULL;
    triad_status status = find_rule(&rule, file, err);
    if (status == TRIAD_OK) status = split_rule_apply(t, rule, err);
    if (status == TRIAD_OK) status = read_words(t, file, err);
    if (status == TRIAD_OK) status = read_merges(t, file, rule, err);
    if (status == TRIAD_OK) status = read_specials(t, file, err);
    if (status == TRIAD_OK)
        status = add_end(t, file, KEY "add_bos_token", KEY "bos_token_id", rule->adds_bos, false, err);
    if (status == TRIAD_OK) status = add_end(t, file, KEY "add_eos_token", KEY "eos_token_id", false, true, err);
    return status;
}

/* ---- llama: SentencePiece's BPE */
static triad_status read_pieces(tokenizer *t, const gguf *file, triad_error *err)
{
    size_t count = 0, scores = 0, types = 0;
    if (!gguf_array_count(file, KEY "tokens", &count) || !gguf_array_count(file, KEY "scores", &scores) ||
        !gguf_array_count(file, KEY "token_type", &types) || scores != count || types != count)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1,
                          "tokenizer: " KEY "tokens, scores and token_type are not arrays of the same length");
    sentencepiece_piece *piece = malloc((count + 1) * sizeof *piece);
    if (piece == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokenizer: out of memory for %zu pieces", count);
    triad_status status = TRIAD_OK;
    for (size_t i = 0; i < count && status == TRIAD_OK; i++) {
        double score;
        int64_t type;
        if (!gguf_array_string(file, KEY "tokens", i, &piece[i].bytes, &piece[i].size) ||
            !gguf_array_real(file, KEY "scores", i, &score) || !gguf_array_int(file, KEY "token_type", i, &type)) {
            status = triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)i,
                                "tokenizer: " KEY "tokens, scores or token_type hold another kind of value");
            break;
        }
        piece[i].score = (float)score;
        piece[i].type = type >= PIECE_NORMAL && type <= PIECE_BYTE ? (int)type : PIECE_UNUSED;
    }
    if (status == TRIAD_OK) status = sentencepiece_build(t, piece, count, err);
    free(piece);
    return status;
}

/* A ▁ before every stretch between special tokens, also before a blank. */
static triad_status read_sentencepiece(tokenizer *t, const gguf *file, triad_error *err)
{
    static const char mark[] = "\xe2\x96\x81";
    const normaliser prepend = {.kind = NORMALISE_PREPEND, .content = mark, .content_size = 3},
                     blanks = {.kind = NORMALISE_REPLACE,
                               .content = mark,
                               .content_size = 3,
                               .string = " ",
                               .string_size = 1};
    bool prefix = true, squeezed = false;
    (void)gguf_get_bool(file, KEY "add_space_prefix", &prefix);
    (void)gguf_get_bool(file, KEY "remove_extra_whitespaces", &squeezed);
    if (squeezed)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                          "tokenizer: " KEY "remove_extra_whitespaces is not supported");
    triad_status status = TRIAD_OK;
    if (prefix) status = tokenizer_add_normaliser(t, &prepend, err);
    if (status == TRIAD_OK) status = tokenizer_add_normaliser(t, &blanks, err);
    if (status == TRIAD_OK) status = read_pieces(t, file, err);
    if (status == TRIAD_OK) status = add_end(t, file, KEY "add_bos_token", KEY "bos_token_id", true, false, err);
    if (status == TRIAD_OK) status = add_end(t, file, KEY "add_eos_token", KEY "eos_token_id", false, true, err);
    return status;
}

/* ---- bert: WordPiece, whose words begin with ▁ and whose other pieces lost their ## */
static triad_status read_phantom_words(tokenizer *t, const gguf *file, bool *cased, triad_error *err)
{
    static const char mark[] = "\xe2\x96\x81";
    size_t count;
    if (!gguf_array_count(file, KEY "tokens", &count))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "tokenizer: " KEY "tokens is not an array");
    *cased = false;
    triad_status status = vocab_create(&t->words, &t->arena, count, err);
    triad_text word = {0};
    for (size_t i = 0; i < count && status == TRIAD_OK; i++) {
        const char *bytes;
        size_t size;
        if (!gguf_array_string(file, KEY "tokens", i, &bytes, &size)) {
            status = triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)i, "tokenizer: " KEY "tokens does not hold strings");
            break;
        }
        word.size = 0;
        const bool bare = size >= 2 && bytes[0] == '[' && bytes[size - 1] == ']';
        const bool starts = size >= 3 && memcmp(bytes, mark, 3) == 0;
        if (!bare && !starts) triad_text_add_bytes(&word, "##", 2);
        triad_text_add_bytes(&word, bytes + (starts ? 3 : 0), size - (starts ? 3 : 0));
        for (size_t k = 0; k < size && !bare; k++) *cased = *cased || (bytes[k] >= 'A' && bytes[k] <= 'Z');
        status = word.failed ? triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokenizer: out of memory")
                             : vocab_add(&t->words, &t->arena, word.bytes, word.size, (int64_t)i, err);
    }
    triad_text_free(&word);
    return status != TRIAD_OK ? status : vocab_finish(&t->words, &t->arena, err);
}

/* The id that the first key that is there names, else the spelling's; -1. */
static int32_t special_id(const tokenizer *t, const gguf *file, const char *key, const char *other,
                          const char *spelling)
{
    int64_t id;
    if (gguf_get_int(file, key, &id) || (other != NULL && gguf_get_int(file, other, &id)))
        return id >= 0 && id < VOCAB_MAX_ID && vocab_at(&t->words, (int32_t)id) != NULL ? (int32_t)id : -1;
    return vocab_find(&t->words, spelling, strlen(spelling));
}

static triad_status read_wordpiece(tokenizer *t, const gguf *file, triad_error *err)
{
    bool cased = false;
    triad_status status = read_phantom_words(t, file, &cased, err);
    /* The file does not say whether case counts; a vocabulary that has capitals does. */
    const normaliser step = {
        .kind = NORMALISE_BERT, .clean = true, .chinese = true, .lowercase = !cased, .strip = !cased};
    if (status == TRIAD_OK) status = tokenizer_add_normaliser(t, &step, err);
    if (status == TRIAD_OK) status = tokenizer_add_splitter(t, (splitter){.kind = SPLIT_BERT}, err);
    if (status != TRIAD_OK) return status;
    const int32_t ids[] = {special_id(t, file, KEY "cls_token_id", KEY "bos_token_id", "[CLS]"),
                           special_id(t, file, KEY "seperator_token_id", KEY "eos_token_id", "[SEP]"),
                           special_id(t, file, KEY "unknown_token_id", NULL, "[UNK]"),
                           special_id(t, file, KEY "padding_token_id", NULL, "[PAD]"),
                           special_id(t, file, KEY "mask_token_id", NULL, "[MASK]")};
    if (ids[0] < 0 || ids[1] < 0 || ids[2] < 0)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1,
                          "tokenizer: " KEY "cls_token_id, seperator_token_id or unknown_token_id names no token");
    t->is_wordpiece = true;
    t->pieces = (wordpiece){.words = &t->words, .longest_word = 100, .unknown = ids[2], .prefix = "##"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids && status == TRIAD_OK; i++) {
        const vocab_entry *entry = vocab_at(&t->words, ids[i]);
        if (entry != NULL)
            status = tokenizer_add_token(t, entry->bytes, entry->size, entry->id, false, false, false, false, err);
    }
    if (status == TRIAD_OK) status = tokenizer_add_special(t, false, ids[0], err);
    if (status == TRIAD_OK) status = tokenizer_add_special(t, true, ids[1], err);
    return status;
}

triad_status tokenizer_open_gguf(tokenizer **tokens, const gguf *file, triad_error *err)
{
    static const struct {
        const char *name;
        triad_status (*read)(tokenizer *t, const gguf *file, triad_error *err);
    } models[] = {{"gpt2", read_bytes}, {"llama", read_sentencepiece}, {"bert", read_wordpiece}};
    *tokens = NULL;
    const char *name;
    size_t size, i = 0;
    if (!gguf_get_string(file, KEY "model", &name, &size))
        return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "tokenizer: the file has no " KEY "model");
    while (i < sizeof models / sizeof *models && !same(name, size, models[i].name)) i++;
    if (i == sizeof models / sizeof *models)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "tokenizer: " KEY "model \"%.*s\" is not supported",
                          (int)(size < 60 ? size : 60), name);
    tokenizer *t = NULL;
    triad_status status = tokenizer_new(&t, err);
    if (status == TRIAD_OK) status = models[i].read(t, file, err);
    if (status != TRIAD_OK) {
        tokenizer_close(t);
        return status;
    }
    tokenizer_finish(t);
    *tokens = t;
    return TRIAD_OK;
}
