#include "formats/support.h"

#include "tokenizers/bpe.h"
#include "tokenizers/tokenizer.h"

/* A byte-level vocabulary in small: every byte, a few merges. */
static char *byte_level(const char *pre, const char *model, const char *rest)
{
    size_t size = 1 << 20, at = 0;
    char *text = malloc(size);
    at += (size_t)snprintf(text + at, size - at,
                           "{%s\"pre_tokenizer\": %s, \"model\": {\"type\": \"BPE\", %s\"vocab\": {", rest, pre, model);
    for (int b = 0; b < 256; b++) {
        char letter[3] = {0};
        bpe_byte_character((unsigned char)b, letter);
        const char *escape = letter[0] == '"' || letter[0] == '\\' ? "\\" : "";
        at += (size_t)snprintf(text + at, size - at, "\"%s%s\": %d, ", escape, letter, b);
    }
    snprintf(
        text + at, size - at,
        "\"ab\": 256, \"abc\": 257, \"bc\": 258, \"whole\": 259}, \"merges\": [\"a b\", [\"ab\", \"c\"], \"b c\"]}}");
    return text;
}

#define BYTES "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"use_regex\": true}"

static tokenizer *open_json(const char *text)
{
    tokenizer *t = NULL;
    expect_success(tokenizer_parse_json(&t, text, strlen(text), err));
    return t;
}

static void expect_ids(const tokenizer *t, const char *text, size_t limit, const int32_t *wanted, size_t count)
{
    tokenizer_ids ids = {0};
    expect_success(tokenizer_encode(t, &ids, text, strlen(text), limit, err));
    if (ids.count != count) fail_msg("\"%s\": %zu ids, not %zu", text, ids.count, count);
    for (size_t i = 0; i < count; i++)
        if (ids.id[i] != wanted[i]) fail_msg("\"%s\": id %zu is %d, not %d", text, i, ids.id[i], wanted[i]);
    free(ids.id);
}

#define IDS(t, text, limit, ...)                                                                                       \
    expect_ids(t, text, limit, (const int32_t[]){__VA_ARGS__}, sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t))

static void merges_by_rank(void **state)
{
    (void)state;
    char *text = byte_level(BYTES, "", "");
    tokenizer *t = open_json(text);
    IDS(t, "abc", 0, 257);
    IDS(t, "bcab", 0, 258, 256);
    IDS(t, "ababc", 0, 256, 257);
    IDS(t, "whole", 0, 'w', 'h', 'o', 'l', 'e');
    assert_int_equal(tokenizer_size(t), 260);
    assert_string_equal(tokenizer_spelling(t, 257), "abc");
    assert_null(tokenizer_spelling(t, 260));
    assert_null(tokenizer_spelling(t, -1));
    tokenizer_close(t);
    free(text);
    text = byte_level(BYTES, "\"ignore_merges\": true, ", "");
    t = open_json(text);
    IDS(t, "whole", 0, 259);
    tokenizer_close(t);
    free(text);
}

static void added_tokens(void **state)
{
    (void)state;
    char *text =
        byte_level(BYTES, "",
                   "\"added_tokens\": [{\"id\": 300, \"content\": \"<s>\", \"special\": true}, {\"id\": 301, "
                   "\"content\": \"<s>x\", \"special\": true},"
                   "{\"id\": 302, \"content\": \"word\", \"single_word\": true, \"normalized\": false},"
                   "{\"id\": 303, \"content\": \"<m>\", \"lstrip\": true, \"rstrip\": true, \"normalized\": false}], ");
    tokenizer *t = open_json(text);
    IDS(t, "a<s>b", 0, 'a', 300, 'b');
    IDS(t, "<s>x", 0, 301); /* the longest */
    IDS(t, "<s><s>x", 0, 300, 301);
    IDS(t, "word", 0, 302);
    IDS(t, ".word.", 0, '.', 302, '.');
    IDS(t, "words", 0, 'w', 'o', 'r', 'd', 's');
    IDS(t, "a  <m> b", 0, 'a', 303, 'b');
    IDS(t, "<", 0, '<');
    expect_ids(t, "", 0, NULL, 0);
    assert_int_equal(tokenizer_size(t), 304);
    assert_string_equal(tokenizer_spelling(t, 301), "<s>x");
    tokenizer_close(t);
    free(text);
}

static const char WORDPIECE[] =
    "{\"added_tokens\": [{\"id\": 1, \"content\": \"[CLS]\", \"special\": true}, {\"id\": 2, \"content\": \"[SEP]\", "
    "\"special\": true}],"
    "\"normalizer\": {\"type\": \"BertNormalizer\"}, \"pre_tokenizer\": {\"type\": \"BertPreTokenizer\"},"
    "\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"[CLS]\"}}, "
    "{\"Sequence\": {\"id\": \"A\"}},"
    "{\"SpecialToken\": {\"id\": \"[SEP]\"}}], \"special_tokens\": {\"[CLS]\": {\"ids\": [1]}, \"[SEP]\": {\"ids\": "
    "[2]}}},"
    "\"model\": {\"type\": \"WordPiece\", \"max_input_chars_per_word\": 8, \"vocab\": {\"[UNK]\": 0, \"[CLS]\": 1, "
    "\"[SEP]\": 2, \"play\": 3, \"##ing\": 4, \"##s\": 5, \",\": 6}}}";

static void words_in_pieces(void **state)
{
    (void)state;
    tokenizer *t = open_json(WORDPIECE);
    IDS(t, "Playing, plays", 0, 1, 3, 4, 6, 3, 5, 2);
    IDS(t, "playingx", 0, 1, 0, 2);
    IDS(t, "playsings", 0, 1, 0, 2); /* longer than a word may be */
    IDS(t, "", 0, 1, 2);
    IDS(t, "play [SEP] play", 0, 1, 3, 2, 3, 2);
    /* A limit cuts the text and leaves the template whole. */
    IDS(t, "plays plays plays", 4, 1, 3, 5, 2);
    IDS(t, "plays", 4, 1, 3, 5, 2);
    IDS(t, "plays", 2, 1, 2);
    tokenizer_ids ids = {0};
    expect_failure(tokenizer_encode(t, &ids, "x", 1, 1, err), TRIAD_ERR_RANGE, "no room");
    expect_failure(tokenizer_encode(t, &ids, "a\xff", 2, 0, err), TRIAD_ERR_FORMAT, "byte 1 is not UTF-8");
    free(ids.id);
    tokenizer_close(t);
}

static void long_texts(void **state)
{
    (void)state;
    char *text = byte_level(BYTES, "", "");
    tokenizer *t = open_json(text);
    enum { SIZE = 100000 };
    char *long_one = malloc(SIZE);
    tokenizer_ids ids = {0};
    for (int i = 0; i < SIZE; i++) long_one[i] = "abc"[i % 3];
    expect_success(tokenizer_encode(t, &ids, long_one, SIZE, 0, err));
    assert_int_equal(ids.count, SIZE / 3 + 1);
    static const char *const fillers = "a 1.\n\t";
    for (const char *f = fillers; *f; f++) {
        memset(long_one, *f, SIZE);
        ids.count = 0;
        expect_success(tokenizer_encode(t, &ids, long_one, SIZE, 0, err));
        assert_int_equal(ids.count, SIZE);
    }
    free(ids.id);
    free(long_one);
    tokenizer_close(t);
    free(text);
}

static void refuse_json(const char *text, triad_status status, const char *words)
{
    tokenizer *t;
    expect_failure(tokenizer_parse_json(&t, text, strlen(text), err), status, words);
    assert_null(t);
}

static void refuses_bad_json(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        triad_status status;
        const char *words;
    } CASES[] = {
        {"", TRIAD_ERR_FORMAT, ""},
        {"[]", TRIAD_ERR_FORMAT, "not an object"},
        {"{}", TRIAD_ERR_FORMAT, "no model"},
        {"{\"model\": {\"type\": \"Unigram\"}}", TRIAD_ERR_UNSUPPORTED, "Unigram"},
        {"{\"model\": {\"type\": \"BPE\"}}", TRIAD_ERR_FORMAT, "no merges"},
        {"{\"model\": {\"type\": \"BPE\", \"merges\": []}}", TRIAD_ERR_FORMAT, "no vocab"},
        {"{\"model\": {\"type\": \"BPE\", \"merges\": [], \"vocab\": {\"a\": \"b\"}}}", TRIAD_ERR_FORMAT,
         "not an integer"},
        {"{\"model\": {\"type\": \"BPE\", \"merges\": [], \"vocab\": {\"a\": 2147483648}}}", TRIAD_ERR_RANGE,
         "out of range"},
        {"{\"model\": {\"type\": \"BPE\", \"merges\": [], \"vocab\": {\"a\": -1}}}", TRIAD_ERR_RANGE, "out of range"},
        {"{\"model\": {\"type\": \"BPE\", \"merges\": [\"a b\"], \"vocab\": {\"a\": 1, \"b\": 2}}}", TRIAD_ERR_FORMAT,
         "merge 0"},
        {"{\"model\": {\"type\": \"BPE\", \"merges\": [\"a b c\"], \"vocab\": {\"a\": 1}}}", TRIAD_ERR_FORMAT,
         "neither"},
        {"{\"model\": {\"type\": \"BPE\", \"merges\": [[\"a\"]], \"vocab\": {\"a\": 1}}}", TRIAD_ERR_FORMAT, "neither"},
        {"{\"model\": {\"type\": \"BPE\", \"merges\": [7], \"vocab\": {\"a\": 1}}}", TRIAD_ERR_FORMAT, "neither"},
        {"{\"model\": {\"type\": \"BPE\", \"merges\": [], \"vocab\": {\"a\": 1}, \"unk_token\": \"u\"}}",
         TRIAD_ERR_FORMAT, "unk_token"},
        {"{\"model\": {\"type\": \"BPE\", \"merges\": [], \"vocab\": {\"a\": 1}, \"dropout\": 0.1}}",
         TRIAD_ERR_UNSUPPORTED, "dropout"},
        {"{\"model\": {\"type\": \"BPE\", \"merges\": [], \"vocab\": {\"a\": 1}, \"continuing_subword_prefix\": "
         "\"##\"}}",
         TRIAD_ERR_UNSUPPORTED, "##"},
        {"{\"model\": {\"type\": \"WordPiece\", \"vocab\": {\"a\": 1}}}", TRIAD_ERR_FORMAT, "unk_token"},
        {"{\"normalizer\": {\"type\": \"Precompiled\"}, \"model\": {}}", TRIAD_ERR_UNSUPPORTED, "Precompiled"},
        {"{\"normalizer\": {\"type\": \"Sequence\"}, \"model\": {}}", TRIAD_ERR_FORMAT, "Sequence"},
        {"{\"normalizer\": {\"type\": \"Replace\", \"content\": \"\"}, \"model\": {}}", TRIAD_ERR_FORMAT, "pattern"},
        {"{\"pre_tokenizer\": {\"type\": \"UnicodeScripts\"}, \"model\": {}}", TRIAD_ERR_UNSUPPORTED, "UnicodeScripts"},
        {"{\"pre_tokenizer\": {\"type\": \"ByteLevel\"}, \"model\": {}}", TRIAD_ERR_UNSUPPORTED, "add_prefix_space"},
        {"{\"pre_tokenizer\": {\"type\": \"Metaspace\", \"split\": true}, \"model\": {}}", TRIAD_ERR_UNSUPPORTED,
         "split"},
        {"{\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"a\"}, \"behavior\": \"Contiguous\"}, "
         "\"model\": {}}",
         TRIAD_ERR_UNSUPPORTED, "Contiguous"},
        {"{\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"(a\"}, \"behavior\": \"Isolated\"}, "
         "\"model\": {}}",
         TRIAD_ERR_FORMAT, "bad expression"},
        {"{\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"\\\\w\"}, \"behavior\": \"Isolated\"}, "
         "\"model\": {}}",
         TRIAD_ERR_UNSUPPORTED, "\\w"},
        {"{\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"[a[b]]\"}, \"behavior\": \"Isolated\"}, "
         "\"model\": {}}",
         TRIAD_ERR_UNSUPPORTED, "class inside"},
        {"{\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"[a&&b]\"}, \"behavior\": \"Isolated\"}, "
         "\"model\": {}}",
         TRIAD_ERR_UNSUPPORTED, "&&"},
        {"{\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"(?<x>a)\"}, \"behavior\": "
         "\"Isolated\"}, \"model\": {}}",
         TRIAD_ERR_UNSUPPORTED, "group"},
        {"{\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"a{2}+\"}, \"behavior\": \"Isolated\"}, "
         "\"model\": {}}",
         TRIAD_ERR_UNSUPPORTED, "{…}+"},
        {"{\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"a\\\\\"}, \"behavior\": \"Isolated\"}, "
         "\"model\": {}}",
         TRIAD_ERR_UNSUPPORTED, "backslash"},
        {"{\"added_tokens\": [{\"id\": 1}], \"model\": {\"merges\": [], \"vocab\": {}}}", TRIAD_ERR_FORMAT, "content"},
        {"{\"added_tokens\": [{\"id\": 99999999, \"content\": \"a\"}], \"model\": {\"merges\": [], \"vocab\": {}}}",
         TRIAD_ERR_RANGE, "id"},
        {"{\"post_processor\": {\"type\": \"Magic\"}, \"model\": {\"merges\": [], \"vocab\": {}}}",
         TRIAD_ERR_UNSUPPORTED, "Magic"},
        {"{\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"x\"}}, "
         "{\"Sequence\": {}}], \"special_tokens\": {}},"
         "\"model\": {\"merges\": [], \"vocab\": {}}}",
         TRIAD_ERR_FORMAT, "does not define"},
        {"{\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": []}, \"model\": {\"merges\": [], "
         "\"vocab\": {}}}",
         TRIAD_ERR_FORMAT, "leaves the text out"},
        {"{\"post_processor\": {\"type\": \"RobertaProcessing\", \"cls\": [\"a\"]}, \"model\": {\"merges\": [], "
         "\"vocab\": {}}}",
         TRIAD_ERR_FORMAT, "cls or sep"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        refuse_json(CASES[i].text, CASES[i].status, CASES[i].words);
}

/* Every prefix and every single changed byte of a valid file: refused or accepted, never out of bounds. */
static void survives_damage(void **state)
{
    (void)state;
    const size_t size = sizeof WORDPIECE - 1;
    for (size_t i = 0; i < 2 * size; i++) {
        char *copy = (char *)cut((const unsigned char *)WORDPIECE, i < size ? i : size);
        if (i >= size) copy[i - size] = (char)(copy[i - size] ^ 0x15);
        tokenizer *t;
        triad_error why;
        tokenizer_ids ids = {0};
        if (tokenizer_parse_json(&t, copy, i < size ? i : size, &why) == TRIAD_OK) {
            (void)!tokenizer_encode(t, &ids, "Playing [SEP], x", 16, 5, &why);
            tokenizer_close(t);
        }
        free(ids.id);
        free(copy);
    }
}

static void reads_vocab_txt(void **state)
{
    (void)state;
    static const char LIST[] = "[PAD]\n[UNK]\r\n[CLS]\n[SEP]\nred\nÉ\n##s";
    tokenizer *t = NULL;
    expect_success(tokenizer_parse_vocab(&t, LIST, sizeof LIST - 1, NULL, 0, err));
    IDS(t, "Reds [UNK]", 0, 2, 4, 6, 1, 3);
    tokenizer_close(t);
    static const char CASED[] = "{\"do_lower_case\": false, \"tokenizer_class\": \"BertTokenizer\"}";
    expect_success(tokenizer_parse_vocab(&t, LIST, sizeof LIST - 1, CASED, sizeof CASED - 1, err));
    IDS(t, "Reds \xc3\x89", 0, 2, 1, 5, 3);
    tokenizer_close(t);
    static const struct {
        const char *list, *config, *words;
        triad_status status;
    } CASES[] = {
        {"a\n", NULL, "[CLS], the cls_token", TRIAD_ERR_FORMAT},
        {"", NULL, "[CLS]", TRIAD_ERR_FORMAT},
        {LIST, "{\"unk_token\": null}", "nothing, the unk_token", TRIAD_ERR_FORMAT},
        {LIST, "{\"unk_token\": 7}", "unk_token", TRIAD_ERR_FORMAT},
        {LIST, "{\"additional_special_tokens\": [7]}", "additional_special_tokens", TRIAD_ERR_FORMAT},
        {LIST, "[]", "not an object", TRIAD_ERR_FORMAT},
        {LIST, "{", "", TRIAD_ERR_FORMAT},
        {LIST, "{\"tokenizer_class\": \"XLNetTokenizer\"}", "XLNetTokenizer", TRIAD_ERR_UNSUPPORTED},
        {LIST, "{\"added_tokens_decoder\": {\"x\": {\"content\": \"a\"}}}", "added_tokens_decoder", TRIAD_ERR_FORMAT},
        {LIST, "{\"do_lower_case\": 3}", "do_lower_case", TRIAD_ERR_FORMAT},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const char *config = CASES[i].config;
        expect_failure(
            tokenizer_parse_vocab(&t, CASES[i].list, strlen(CASES[i].list), config, config ? strlen(config) : 0, err),
            CASES[i].status, CASES[i].words);
        assert_null(t);
    }
}

static void folders_and_files(void **state)
{
    (void)state;
    tokenizer *t;
    expect_success(tokenizer_open_path(&t, "models/tokenizers/gpt2", err));
    tokenizer_close(t);
    expect_success(tokenizer_open_path(&t, "models/tokenizers/gpt2/tokenizer.json", err));
    tokenizer_close(t);
    expect_success(tokenizer_open_path(&t, "models/tokenizers/bert-cased-vocab/vocab.txt", err));
    tokenizer_close(t);
    expect_success(tokenizer_open_path(&t, "models/checkpoints/gguf-llama-q4_0/gguf-llama-q4_0.gguf", err));
    tokenizer_close(t);
    expect_failure(tokenizer_open_path(&t, "models", err), TRIAD_ERR_NOT_FOUND,
                   "neither tokenizer.json, tokenizer.model");
    expect_failure(tokenizer_open_path(&t, "models/absent", err), TRIAD_ERR_NOT_FOUND, "no such file");
    expect_failure(tokenizer_open_path(&t, "formats/python.gguf", err), TRIAD_ERR_NOT_FOUND, "tokenizer.ggml.model");
}

/* tokenizers 2060: an expression that explores every way ends at the limit, with a line. */
static void expressions_have_limits(void **state)
{
    (void)state;
    char *text =
        byte_level("{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": {\"Regex\": "
                   "\"(?:x+x+)+[yz]\"}, \"behavior\": \"Isolated\"}, " BYTES "]}",
                   "", "");
    tokenizer *t = open_json(text);
    char many[2001];
    memset(many, 'x', 2000);
    many[2000] = 0;
    tokenizer_ids ids = {0};
    expect_failure(tokenizer_encode(t, &ids, many, 2000, 0, err), TRIAD_ERR_RANGE, "splitting a text of 2000 bytes");
    ids.count = 0;
    expect_success(tokenizer_encode(t, &ids, "xxy", 3, 0, err));
    free(ids.id);
    tokenizer_close(t);
    free(text);
}

/* CVE-2025-49847: lengths are lengths; tiktoken 568: bytes that no token has. */
static void odd_vocabularies(void **state)
{
    (void)state;
    enum { SIZE = 70000 };
    char *list = malloc(SIZE + 1);
    memset(list, 'a', SIZE);
    list[SIZE] = '\n';
    tokenizer *t;
    expect_failure(tokenizer_parse_vocab(&t, list, SIZE + 1, NULL, 0, err), TRIAD_ERR_RANGE, "70000 bytes");
    free(list);
    static const char few[] =
        "{\"pre_tokenizer\": " BYTES ", \"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": []}}";
    t = open_json(few);
    IDS(t, "abca", 0, 0, 0);
    tokenizer_close(t);
}

/* ---- GGUF tables */
static void put_string(builder *b, const char *text)
{
    put64(b, strlen(text));
    put(b, text, strlen(text));
}

static void put_text_key(builder *b, const char *key, const char *value)
{
    put_string(b, key);
    put32(b, 8);
    put_string(b, value);
}

static void put_texts_key(builder *b, const char *key, const char *const *values, size_t count)
{
    put_string(b, key);
    put32(b, 9);
    put32(b, 8);
    put64(b, count);
    for (size_t i = 0; i < count; i++) put_string(b, values[i]);
}

static void refuse_gguf(const char *model, const char *pre, const char *const *merges, size_t count, int64_t bos,
                        triad_status status, const char *words)
{
    static const char *const tokens[] = {"a", "b", "ab"};
    builder *b = calloc(1, sizeof *b);
    put(b, "GGUF", 4);
    put32(b, 3);
    put64(b, 0);
    put64(b, (pre ? 4U : 3U) + (bos >= -1 ? 2U : 0U));
    put_text_key(b, "tokenizer.ggml.model", model);
    if (pre) put_text_key(b, "tokenizer.ggml.pre", pre);
    put_texts_key(b, "tokenizer.ggml.tokens", tokens, 3);
    put_texts_key(b, "tokenizer.ggml.merges", merges, count);
    if (bos >= -1) {
        put_string(b, "tokenizer.ggml.add_bos_token");
        put32(b, 7);
        put(b, "\1", 1);
        put_string(b, "tokenizer.ggml.bos_token_id");
        put32(b, 11);
        put64(b, (uint64_t)bos);
    }
    gguf *file = NULL;
    tokenizer *t;
    expect_success(gguf_parse(&file, b->bytes, b->size, err));
    expect_failure(tokenizer_open_gguf(&t, file, err), status, words);
    assert_null(t);
    gguf_close(file);
    free(b);
}

static void refuses_bad_tables(void **state)
{
    (void)state;
    static const char *const good[] = {"a b"}, *const open[] = {"ab"}, *const strange[] = {"a c"};
    refuse_gguf("t5", "gpt-2", good, 1, -2, TRIAD_ERR_UNSUPPORTED, "\"t5\"");
    refuse_gguf("gpt2", "mystery", good, 1, -2, TRIAD_ERR_UNSUPPORTED, "\"mystery\"");
    refuse_gguf("gpt2", NULL, good, 1, -2, TRIAD_ERR_UNSUPPORTED, "tokenizer.ggml.pre");
    refuse_gguf("gpt2", "gpt-2", open, 1, -2, TRIAD_ERR_FORMAT, "merge 0");
    refuse_gguf("gpt2", "gpt-2", strange, 1, -2, TRIAD_ERR_FORMAT, "merge 0");
    refuse_gguf("gpt2", "gpt-2", good, 1, -1, TRIAD_ERR_FORMAT, "bos_token_id");
    refuse_gguf("gpt2", "gpt-2", good, 1, 3, TRIAD_ERR_FORMAT, "bos_token_id");
    refuse_gguf("gpt2", "llama-bpe", good, 1, -2, TRIAD_ERR_FORMAT, "bos_token_id");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_by_rank),     cmocka_unit_test(expressions_have_limits),
        cmocka_unit_test(odd_vocabularies),   cmocka_unit_test(added_tokens),
        cmocka_unit_test(words_in_pieces),    cmocka_unit_test(long_texts),
        cmocka_unit_test(refuses_bad_json),   cmocka_unit_test(survives_damage),
        cmocka_unit_test(reads_vocab_txt),    cmocka_unit_test(folders_and_files),
        cmocka_unit_test(refuses_bad_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
