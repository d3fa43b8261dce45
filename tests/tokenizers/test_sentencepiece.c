/* tokenizer.model, vocab.json with merges.txt, and the GGUF tables of SentencePiece and BERT. */
#include "formats/support.h"

#include "tokenizers/tokenizer.h"

static void expect_ids(const tokenizer *t, const char *text, const int32_t *wanted, size_t count)
{
    tokenizer_ids ids = {0};
    expect_success(tokenizer_encode(t, &ids, text, strlen(text), 0, err));
    if (ids.count != count) fail_msg("\"%s\": %zu ids, not %zu", text, ids.count, count);
    for (size_t i = 0; i < count; i++)
        if (ids.id[i] != wanted[i]) fail_msg("\"%s\": id %zu is %d, not %d", text, i, ids.id[i], wanted[i]);
    free(ids.id);
}
#define IDS(t, text, ...)                                                                                              \
    expect_ids(t, text, (const int32_t[]){__VA_ARGS__}, sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t))

/* ---- protocol buffers, by hand */
static void put_varint(builder *b, uint64_t value)
{
    do {
        const unsigned char byte = (unsigned char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        put(b, &byte, 1);
        value >>= 7;
    } while (value > 0);
}

static void put_bytes_field(builder *b, unsigned number, const void *bytes, size_t size)
{
    put_varint(b, number << 3 | 2);
    put_varint(b, size);
    put(b, bytes, size);
}

static void put_number_field(builder *b, unsigned number, uint64_t value)
{
    put_varint(b, number << 3);
    put_varint(b, value);
}

static void put_piece(builder *b, const char *text, size_t size, float score, unsigned type)
{
    builder *inner = calloc(1, sizeof *inner);
    put_bytes_field(inner, 1, text, size);
    put_varint(inner, 2 << 3 | 5);
    put(inner, &score, 4);
    if (type != 1) put_number_field(inner, 3, type);
    put_bytes_field(b, 1, inner->bytes, inner->size);
    free(inner);
}

/* Ids: 0 <unk>, 1 <s>, 2 </s>, 3 to 258 the bytes, then these. */
static const struct {
    const char *text;
    float score;
} WORDS[] = {{"ab", -1},
             {"bc", 0},
             {"abc", -3},
             {"\xe2\x96\x81", -4},
             {"\xe2\x96\x81"
              "ab",
              -2},
             {"a", -5},
             {"b", -6},
             {"c", -7},
             {"aa", -8},
             {"\xc3\xa9", -9}};
enum { AB = 259, BC, ABC, MARK, MARK_AB, A, B, C, AA, E_ACUTE };

static void put_pieces(builder *b)
{
    put_piece(b, "<unk>", 5, 0, 2);
    put_piece(b, "<s>", 3, 0, 3);
    put_piece(b, "</s>", 4, 0, 3);
    for (int i = 0; i < 256; i++) {
        char text[8];
        put_piece(b, text, (size_t)snprintf(text, sizeof text, "<0x%02X>", i), 0, 6);
    }
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        put_piece(b, WORDS[i].text, strlen(WORDS[i].text), WORDS[i].score, 1);
    put_piece(b, "<u>", 3, 0, 4);
}

static builder *small_model(unsigned type)
{
    builder *b = calloc(1, sizeof *b), *inner = calloc(1, sizeof *inner);
    put_pieces(b);
    put_number_field(inner, 3, type);
    put_bytes_field(b, 2, inner->bytes, inner->size);
    free(inner);
    return b;
}

static tokenizer *open_model(const builder *b, const char *config)
{
    tokenizer *t = NULL;
    expect_success(tokenizer_parse_model(&t, b->bytes, b->size, config, config ? strlen(config) : 0, err));
    return t;
}

static void the_best_score_is_merged_first(void **state)
{
    (void)state;
    builder *b = small_model(2);
    tokenizer *t = open_model(b, "{\"add_bos_token\": true}");
    IDS(t, "abc", 1, MARK, ABC); /* bc is better than ab, so that ▁ab is out of reach */
    IDS(t, "ab", 1, MARK_AB);
    IDS(t, " ab", 1, MARK_AB);     /* a blank is the mark */
    IDS(t, "aaa", 1, MARK, AA, A); /* the leftmost of equals */
    IDS(t, "\xc3\xa9", 1, MARK, E_ACUTE);
    IDS(t, "\xe7\xba\xa2", 1, MARK, 3 + 0xe7, 3 + 0xba, 3 + 0xa2);
    IDS(t, "a<u>b</s>c", 1, MARK, A, E_ACUTE + 1, B, 2, C); /* the mark comes once */
    IDS(t, "<0x41>", 1, MARK, 3 + '<', 3 + '0', 3 + 'x', 3 + '4', 3 + '1', 3 + '>');
    IDS(t, "", 1);
    tokenizer_close(t);
    t = open_model(b, "{\"legacy\": true, \"add_bos_token\": false, \"add_eos_token\": true}");
    IDS(t, "a</s>c", MARK, A, 2, MARK, C, 2);
    tokenizer_close(t);
    t = open_model(b, "{\"add_prefix_space\": false, \"bos_token\": {\"content\": \"</s>\"}}");
    IDS(t, "ab", 2, AB);
    tokenizer_close(t);
    t = open_model(b, NULL);
    IDS(t, "ab", 1, MARK_AB);
    assert_int_equal(tokenizer_size(t), E_ACUTE + 2);
    assert_string_equal(tokenizer_spelling(t, BC), "bc");
    tokenizer_close(t);
    free(b);
}

static void refuse_model(builder *b, const char *config, triad_status status, const char *words)
{
    tokenizer *t;
    unsigned char *copy = cut(b->bytes, b->size);
    expect_failure(tokenizer_parse_model(&t, copy, b->size, config, config ? strlen(config) : 0, err), status, words);
    assert_null(t);
    free(copy);
    free(b);
}

static builder *piece_alone(const char *text, size_t size, float score, unsigned type)
{
    builder *b = calloc(1, sizeof *b);
    put_piece(b, text, size, score, type);
    put_bytes_field(b, 2, "\x18\x02", 2);
    return b;
}

static builder *raw(const void *bytes, size_t size)
{
    builder *b = calloc(1, sizeof *b);
    put(b, bytes, size);
    return b;
}

static void hostile_models_are_refused(void **state)
{
    (void)state;
    refuse_model(raw("", 0), NULL, TRIAD_ERR_FORMAT, "no pieces");
    refuse_model(raw("\x80", 1), NULL, TRIAD_ERR_FORMAT, "ends inside a number");
    refuse_model(raw("\x0a", 1), NULL, TRIAD_ERR_FORMAT, "ends inside a number");
    refuse_model(raw("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12), NULL, TRIAD_ERR_FORMAT, "10 bytes");
    refuse_model(raw("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11), NULL, TRIAD_ERR_FORMAT, "longer than");
    refuse_model(raw("\x0a\x05", 2), NULL, TRIAD_ERR_FORMAT, "longer than");
    refuse_model(raw("\x0b", 1), NULL, TRIAD_ERR_FORMAT, "unknown kind");
    refuse_model(raw("\x02", 1), NULL, TRIAD_ERR_FORMAT, "numbered 0");
    refuse_model(raw("\x0d\x01\x02", 3), NULL, TRIAD_ERR_FORMAT, "longer than");
    refuse_model(raw("\x0a\x02\x12\x09", 4), NULL, TRIAD_ERR_FORMAT, "longer than"); /* inside a piece */
    refuse_model(raw("\x0a\x02\x18\x09", 4), NULL, TRIAD_ERR_FORMAT, "unknown type");
    refuse_model(raw("\x0a\x00", 2), NULL, TRIAD_ERR_FORMAT, "how it was trained");
    refuse_model(raw("{\"model\": {}}", 13), NULL, TRIAD_ERR_FORMAT, "");
    refuse_model(small_model(1), NULL, TRIAD_ERR_UNSUPPORTED, "a unigram model");
    refuse_model(small_model(9), NULL, TRIAD_ERR_UNSUPPORTED, "a strange model");
    refuse_model(piece_alone("\xff", 1, 0, 1), NULL, TRIAD_ERR_FORMAT, "not UTF-8");
    refuse_model(piece_alone("a", 1, __builtin_nanf(""), 1), NULL, TRIAD_ERR_NUMERIC, "score of piece 0");
    char *wide = calloc(1, 2000);
    memset(wide, 'a', 2000);
    refuse_model(piece_alone(wide, 2000, 0, 1), NULL, TRIAD_ERR_RANGE, "2000 bytes");
    free(wide);
    refuse_model(piece_alone("a", 1, 0, 1), NULL, TRIAD_ERR_FORMAT, "add_bos_token is wanted");
    refuse_model(small_model(2), "[]", TRIAD_ERR_FORMAT, "not an object");
    refuse_model(small_model(2), "{\"tokenizer_class\": \"T5Tokenizer\"}", TRIAD_ERR_UNSUPPORTED, "T5Tokenizer");
    refuse_model(small_model(2), "{\"legacy\": 3}", TRIAD_ERR_FORMAT, "legacy");
    static const char *const SPECS[][2] = {{"\x12\x01x", "normalisation table"}, {"\x28", "escape_whitespaces"}};
    for (size_t i = 0; i < 2; i++) {
        builder *b = small_model(2);
        put_bytes_field(b, 3, SPECS[i][0], i == 0 ? 3 : 2); /* the 0 behind the text is the value */
        refuse_model(b, NULL, TRIAD_ERR_UNSUPPORTED, SPECS[i][1]);
    }
}

/* Every prefix and every changed byte: refused or accepted, never out of bounds. */
static void damage_does_no_harm(void **state)
{
    (void)state;
    builder *b = small_model(2);
    const size_t tail = b->size > 600 ? b->size - 600 : 0; /* the bytes' pieces are all alike */
    for (size_t i = 0; i < 2 * (b->size - tail); i++) {
        const bool change = i >= b->size - tail;
        const size_t at = tail + (change ? i - (b->size - tail) : i), size = change ? b->size : at;
        unsigned char *copy = cut(b->bytes, size);
        if (change) copy[at] ^= 0x15;
        tokenizer *t;
        triad_error why;
        tokenizer_ids ids = {0};
        if (tokenizer_parse_model(&t, copy, size, NULL, 0, &why) == TRIAD_OK) {
            (void)!tokenizer_encode(t, &ids, "abcab \xc3\xa9 aaa", 12, 0, &why);
            tokenizer_close(t);
        }
        free(ids.id);
        free(copy);
    }
    free(b);
}

/* One word of 10^5 characters: merging must not be quadratic. */
static void long_texts(void **state)
{
    (void)state;
    builder *b = small_model(2);
    tokenizer *t = open_model(b, NULL);
    enum { SIZE = 100000 };
    char *text = malloc(SIZE);
    tokenizer_ids ids = {0};
    for (int i = 0; i < SIZE; i++) text[i] = "abc"[i % 3];
    expect_success(tokenizer_encode(t, &ids, text, SIZE, 0, err));
    assert_int_equal(ids.count, 2 + SIZE / 3 + 1);
    memset(text, 'a', SIZE);
    ids.count = 0;
    expect_success(tokenizer_encode(t, &ids, text, SIZE, 0, err));
    assert_int_equal(ids.count, 2 + SIZE / 2);
    free(ids.id);
    free(text);
    tokenizer_close(t);
    free(b);
}

/* ---- vocab.json and merges.txt */
static void pairs_by_class(void **state)
{
    (void)state;
    static const char GPT[] = "{\"a\": 0, \"b\": 1, \"ab\": 2, \"\xc4\xa0\": 3, \"<|endoftext|>\": 4}",
                      CLIP[] = "{\"a\": 0, \"b\": 1, \"a</w>\": 2, \"b</w>\": 3, \"ab</w>\": 4, \"<|startoftext|>\": "
                               "5, \"<|endoftext|>\": 6}",
                      MERGES[] = "#version: 0.2\r\na b\r\n\n", SUFFIXED[] = "a b</w>";
    tokenizer *t;
    expect_success(tokenizer_parse_pairs(&t, GPT, sizeof GPT - 1, MERGES, sizeof MERGES - 1, NULL, 0, err));
    IDS(t, "ab a<|endoftext|>", 2, 3, 0, 4);
    tokenizer_close(t);
    static const char ENDS[] = "{\"tokenizer_class\": \"GPT2TokenizerFast\", \"add_bos_token\": true}";
    expect_success(
        tokenizer_parse_pairs(&t, GPT, sizeof GPT - 1, MERGES, sizeof MERGES - 1, ENDS, sizeof ENDS - 1, err));
    IDS(t, "ab", 4, 2);
    tokenizer_close(t);
    expect_success(tokenizer_parse_pairs(&t, CLIP, sizeof CLIP - 1, SUFFIXED, sizeof SUFFIXED - 1, NULL, 0, err));
    IDS(t, "AB  aba c", 5, 4, 0, 1, 2, 6, 6); /* what is unknown is the end's token, as the original has it */
    tokenizer_close(t);
    static const struct {
        const char *words, *merges, *config, *text;
        triad_status status;
    } CASES[] = {
        {"[]", "", NULL, "not an object", TRIAD_ERR_FORMAT},
        {"{", "", NULL, "vocab.json", TRIAD_ERR_FORMAT},
        {"{\"a\": \"b\"}", "", NULL, "not an integer", TRIAD_ERR_FORMAT},
        {"{\"a\": 2147483648}", "", NULL, "out of range", TRIAD_ERR_RANGE},
        {"{\"a\": 1}", "", NULL, "no tokenizer_config.json", TRIAD_ERR_UNSUPPORTED},
        {GPT, "a", NULL, "line 1", TRIAD_ERR_FORMAT},
        {GPT, "a b c", NULL, "line 1", TRIAD_ERR_FORMAT},
        {GPT, "a x", NULL, "merge 0", TRIAD_ERR_FORMAT},
        {GPT, "", "{\"tokenizer_class\": \"RobertaTokenizer\"}", "RobertaTokenizer", TRIAD_ERR_UNSUPPORTED},
        {"{\"a\": 1}", "", "{\"tokenizer_class\": \"CLIPTokenizer\"}", "\"<|startoftext|>\" is not", TRIAD_ERR_FORMAT},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const char *config = CASES[i].config;
        expect_failure(tokenizer_parse_pairs(&t, CASES[i].words, strlen(CASES[i].words), CASES[i].merges,
                                             strlen(CASES[i].merges), config, config ? strlen(config) : 0, err),
                       CASES[i].status, CASES[i].text);
        assert_null(t);
    }
}

/* ---- GGUF tables */
static void put_string(builder *b, const char *text)
{
    put64(b, strlen(text));
    put(b, text, strlen(text));
}

typedef struct tables {
    const char *model;
    const char *const *tokens;
    const float *scores;
    const int32_t *types;
    size_t count;
    const char *number; /* a key, its value */
    uint32_t value;
    const char *flag; /* a key, set to false */
} tables;

static triad_status open_tables(tokenizer **t, const tables *of, triad_error *why)
{
    builder *b = calloc(1, sizeof *b);
    put(b, "GGUF", 4);
    put32(b, 3);
    put64(b, 0);
    put64(b, 2U + (of->scores != NULL) + (of->types != NULL) + (of->number != NULL) + (of->flag != NULL));
    put_string(b, "tokenizer.ggml.model");
    put32(b, 8);
    put_string(b, of->model);
    put_string(b, "tokenizer.ggml.tokens");
    put32(b, 9);
    put32(b, 8);
    put64(b, of->count);
    for (size_t i = 0; i < of->count; i++) put_string(b, of->tokens[i]);
    if (of->scores != NULL) {
        put_string(b, "tokenizer.ggml.scores");
        put32(b, 9);
        put32(b, 6);
        put64(b, of->count);
        put(b, of->scores, of->count * 4);
    }
    if (of->types != NULL) {
        put_string(b, "tokenizer.ggml.token_type");
        put32(b, 9);
        put32(b, 5);
        put64(b, of->count);
        put(b, of->types, of->count * 4);
    }
    if (of->number != NULL) {
        put_string(b, of->number);
        put32(b, 4);
        put32(b, of->value);
    }
    if (of->flag != NULL) {
        put_string(b, of->flag);
        put32(b, 7);
        put(b, "\0", 1);
    }
    gguf *file = NULL;
    expect_success(gguf_parse(&file, b->bytes, b->size, err));
    const triad_status status = tokenizer_open_gguf(t, file, why);
    gguf_close(file);
    free(b);
    return status;
}

static void tables_of_sentencepiece(void **state)
{
    (void)state;
    static const char *const tokens[] = {"<unk>",
                                         "<s>",
                                         "</s>",
                                         "\xe2\x96\x81",
                                         "a",
                                         "\xe2\x96\x81"
                                         "a"};
    static const float scores[] = {0, 0, 0, -2, -3, -1};
    static const int32_t types[] = {2, 3, 3, 1, 1, 1}, odd[] = {2, 3, 3, 1, 99, 1};
    tables of = {"llama", tokens, scores, types, 6, "tokenizer.ggml.bos_token_id", 1, NULL};
    tokenizer *t;
    expect_success(open_tables(&t, &of, err));
    IDS(t, "a", 1, 5);
    IDS(t, " a", 1, 3, 5); /* the mark comes before a blank too, and after each special token */
    IDS(t, "a</s>a", 1, 5, 2, 5);
    IDS(t, "?", 1, 3, 0);
    tokenizer_close(t);
    of.flag = "tokenizer.ggml.add_space_prefix";
    expect_success(open_tables(&t, &of, err));
    IDS(t, "a", 1, 4);
    tokenizer_close(t);
    of.flag = "tokenizer.ggml.add_bos_token";
    of.types = odd; /* a type from the future is a piece that nothing merges into */
    expect_success(open_tables(&t, &of, err));
    IDS(t, "aa", 5, 4);
    tokenizer_close(t);
    of.flag = NULL;
    of.value = 6;
    expect_failure(open_tables(&t, &of, err), TRIAD_ERR_FORMAT, "bos_token_id names no token");
    of.scores = NULL;
    expect_failure(open_tables(&t, &of, err), TRIAD_ERR_FORMAT, "scores");
    static const float broken[] = {0, 0, 0, -2, __builtin_inff(), -1};
    of.scores = broken;
    expect_failure(open_tables(&t, &of, err), TRIAD_ERR_NUMERIC, "score of piece 4");
    /* llama.cpp PR 25969: <0x-1> is a piece like any other, no byte. */
    static const char *const strange[] = {"<unk>", "<s>", "<0x-1>", "<0xGG>", "<0x1>", "a"};
    of = (tables){"llama", strange, scores, (const int32_t[]){2, 3, 6, 6, 6, 1}, 6, "tokenizer.ggml.bos_token_id",
                  1,       NULL};
    expect_success(open_tables(&t, &of, err));
    IDS(t, "\xc3\xbf", 1, 0);
    tokenizer_close(t);
}

static void tables_of_bert(void **state)
{
    (void)state;
    static const char *const tokens[] = {"[PAD]",           "[UNK]", "[CLS]",         "[SEP]",
                                         "\xe2\x96\x81red", "s",     "\xe2\x96\x81[", "[MASK]"},
                             *const cased[] = {"[PAD]",           "[UNK]", "[CLS]",         "[SEP]",
                                               "\xe2\x96\x81Red", "s",     "\xe2\x96\x81[", "[MASK]"};
    tables of = {"bert", tokens, NULL, NULL, 8, "tokenizer.ggml.cls_token_id", 2, NULL};
    tokenizer *t;
    expect_success(open_tables(&t, &of, err));
    IDS(t, "REDS [MASK] [x", 2, 4, 5, 7, 6, 1, 3);
    assert_string_equal(tokenizer_spelling(t, 5), "##s");
    tokenizer_close(t);
    of.number = "tokenizer.ggml.bos_token_id"; /* newer converters */
    of.tokens = cased;
    expect_success(open_tables(&t, &of, err));
    IDS(t, "Reds REDS", 2, 4, 5, 1, 3);
    tokenizer_close(t);
    of.value = 8;
    expect_failure(open_tables(&t, &of, err), TRIAD_ERR_FORMAT, "names no token");
    of.value = UINT32_MAX;
    expect_failure(open_tables(&t, &of, err), TRIAD_ERR_FORMAT, "names no token");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_score_is_merged_first),
        cmocka_unit_test(hostile_models_are_refused),
        cmocka_unit_test(damage_does_no_harm),
        cmocka_unit_test(long_texts),
        cmocka_unit_test(pairs_by_class),
        cmocka_unit_test(tables_of_sentencepiece),
        cmocka_unit_test(tables_of_bert),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
