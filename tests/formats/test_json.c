#include "support.h"

#include "formats/json.h"

#include <locale.h>
#include <math.h>

static void refuse(const char *text, const char *words)
{
    json_object *root = (json_object *)1;
    char *copy = (char *)cut((const unsigned char *)text, strlen(text));
    expect_failure(json_read(&root, copy, strlen(text), err), TRIAD_ERR_FORMAT, words);
    assert_null(root);
    free(copy);
}

static void accepts_what_is_json(void **state)
{
    (void)state;
    static const char *const GOOD[] = {"{}",
                                       "[]",
                                       "null",
                                       "true",
                                       "0",
                                       "-0",
                                       "12",
                                       "-1.5e+3",
                                       "\"x\"",
                                       " [1, 2.5, \"\\u00e9\\n\"] \n",
                                       "{\"a\": {\"b\": [null, false]}, \"ü\": 1E5}",
                                       "{\"a\":\"\\u0000\"}",
                                       "[\"\\\\\", \"\\\"\", \"/\"]",
                                       "1000000000000000019884624838656",
                                       "{\"\": 1}",
                                       "1e400"};
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        json_object *root;
        char *copy = (char *)cut((const unsigned char *)GOOD[i], strlen(GOOD[i]));
        expect_success(json_read(&root, copy, strlen(GOOD[i]), err));
        free(copy);
        json_object_put(root);
    }
}

static void refuses_what_is_not(void **state)
{
    (void)state;
    refuse("", "empty");
    static const char *const BAD[] = {
        "{",
        "}",
        "[",
        "]",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "{\"a\" 1}",
        "{1:2}",
        "\"",
        "\"abc",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"a\nb\"",
        "\"\\",
        "nul",
        "True",
        "tru",
        "nulll",
        "NaN",
        "-NaN",
        "Infinity",
        "-Infinity",
        "[NaN]",
        "01",
        "-01",
        "1.",
        ".5",
        "-.5",
        "+1",
        "1e",
        "1e+",
        "-",
        "0x10",
        "1.2.3",
        "1-2",
        "[1]]",
        "{}{}",
        "1 2",
        "null x",
        "// c\n1",
        "/* c */ 1",
        "[1] /* c */",
        "\xff",
        "\"\xc3\"",
        "\"\xed\xa0\x80\"",
        "\"\xc0\x80\"",
        " ",
        ",",
        ":",
        "[:]",
        "{\"a\":1:2}",
        "\xef\xbb\xbf{}",
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) refuse(BAD[i], "JSON");
    refuse("[1,\n 2,\n x]", "line 3");
    refuse("{\"a\":1,\"a\":1}", "twice");
    refuse("[{\"x\":{\"a\":1,\"b\":2,\"a\":3}}]", "twice");
    refuse("{\"a\\u0000b\":1}", "0 byte inside a key");
    json_object *root;
    expect_failure(json_read(&root, "{}\0", 3, err), TRIAD_ERR_FORMAT, "byte 2");
    expect_failure(json_read(&root, "\"a\0b\"", 5, err), TRIAD_ERR_FORMAT, "control");
}

static void limits_depth_and_amplification(void **state)
{
    (void)state;
    char text[200];
    json_object *root;
    for (int depth = 1; depth <= 80; depth++) {
        for (int kind = 0; kind < 2; kind++) {
            size_t size = 0;
            for (int i = 0; i < depth; i++) text[size++] = '[';
            if (kind) text[size++] = '1';
            for (int i = 0; i < depth; i++) text[size++] = ']';
            if (depth <= 64) {
                expect_success(json_read(&root, text, size, err));
                json_object_put(root);
            } else
                expect_failure(json_read(&root, text, size, err), TRIAD_ERR_FORMAT, "64 deep");
        }
    }
    const size_t size = 3 * 100000 + 1;
    char *many = malloc(size);
    for (size_t i = 0; i < 100000; i++) memcpy(many + 1 + 3 * i, "{},", 3);
    many[0] = '[';
    many[size - 1] = ']';
    expect_failure(json_read(&root, many, size, err), TRIAD_ERR_RANGE, "objects");
    free(many);
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    static const char TEXT[] = "{\"a\": [1, -2.5e3, true, null], \"b\": {\"c\": \"\\u00e9\\\"x\"}, \"ü\": \"y\"}";
    for (size_t size = 0; size < sizeof TEXT - 1; size++) {
        char *copy = (char *)cut((const unsigned char *)TEXT, size);
        json_object *root;
        expect_failure(json_read(&root, copy, size, err), TRIAD_ERR_FORMAT, "JSON");
        free(copy);
    }
}

static void reals_print_shortest(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } CASES[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1.0, "1.0"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1e300, "1e+300"},
        {5e-324, "5e-324"},
        {1.0 / 3, "0.3333333333333333"},
        {123456789.0, "123456789.0"},
        {1e22, "1e+22"},
        {2.5e-10, "2.5e-10"},
        {-1.5, "-1.5"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        json_object *real = json_new_real(CASES[i].value);
        char *text = json_to_text(real, false);
        assert_string_equal(text, CASES[i].text);
        free(text);
        json_object_put(real);
    }
    assert_null(json_new_real(NAN));
    assert_null(json_new_real(INFINITY));

    uint64_t bits = 88172645463325252U;
    for (int i = 0; i < 20000; i++) {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) continue;
        json_object *real = json_new_real(value), *back;
        char *text = json_to_text(real, false);
        assert_true(strtod(text, NULL) == value);
        expect_success(json_read(&back, text, strlen(text), err));
        assert_true(json_object_get_double(back) == value);
        assert_true(json_object_is_type(back, json_type_double));
        json_object_put(back);
        free(text);
        json_object_put(real);
    }
}

static void writes_what_it_reads(void **state)
{
    (void)state;
    json_object *root = json_object_new_object(), *list = json_object_new_array();
    json_object_object_add(root, "z", json_object_new_int64(INT64_MIN));
    json_object_object_add(root, "a", json_object_new_string("x/\"\n\xc3\xbc"));
    json_object_object_add(root, "nan", json_object_new_double(NAN)); /* made past json_new_real */
    json_object_object_add(root, "third", json_object_new_double(1.0 / 3));
    json_object_array_add(list, json_new_real(0.1));
    json_object_array_add(list, json_new_real(INFINITY));
    json_object_object_add(root, "list", list);
    json_object_object_add(root, "empty", json_object_new_array());
    char *text = json_to_text(root, false);
    assert_string_equal(text, "{\"z\":-9223372036854775808,\"a\":\"x/"
                              "\\\"\\n\xc3\xbc\",\"nan\":null,\"third\":0.3333333333333333,\"list\":[0.1,null],"
                              "\"empty\":[]}");
    free(text);
    char *pretty = json_to_text(root, true);
    assert_int_equal(pretty[strlen(pretty) - 1], '\n');
    assert_non_null(strstr(pretty, "\"third\": 0.3333333333333333"));

    char *path = scratch("x.json");
    expect_success(json_write_file(path, root, err));
    json_object *back;
    expect_success(json_read_file(&back, path, 1 << 20, err));
    char *again = json_to_text(back, true);
    assert_string_equal(pretty, again);
    json_object_put(back);
    expect_failure(json_read_file(&back, path, 10, err), TRIAD_ERR_RANGE, path);
    put_file(path, "{\"a\":", 5);
    expect_failure(json_read_file(&back, path, 100, err), TRIAD_ERR_FORMAT, path);
    free(again);
    free(pretty);
    json_object_put(root);
    scrap(path);
    expect_failure(json_read_file(&back, "formats/absent.json", 100, err), TRIAD_ERR_NOT_FOUND, "formats/absent.json");
}

static void members_are_wanted_by_name(void **state)
{
    (void)state;
    static const char TEXT[] =
        "{\"int\": 7, \"real\": 2.5, \"bool\": true, \"string\": \"s\", \"zero\": \"a\\u0000b\", \"null\": null, "
        "\"list\": [], "
        "\"huge\": 99999999999999999999999, \"low\": -99999999999999999999999, \"over\": 1e999, \"object\": {}}";
    json_object *root;
    expect_success(json_read(&root, TEXT, sizeof TEXT - 1, err));
    int64_t i = -1;
    double r = -1;
    bool b = false;
    const char *s = "none";
    expect_success(json_want_int(root, "int", 0, 10, &i, err));
    assert_int_equal(i, 7);
    expect_failure(json_want_int(root, "int", 8, 10, &i, err), TRIAD_ERR_RANGE, "int: 7");
    expect_failure(json_want_int(root, "huge", INT64_MIN, INT64_MAX, &i, err), TRIAD_ERR_RANGE, "huge");
    expect_failure(json_want_int(root, "low", INT64_MIN, INT64_MAX, &i, err), TRIAD_ERR_RANGE, "low");
    expect_failure(json_want_int(root, "real", 0, 10, &i, err), TRIAD_ERR_FORMAT, "real: is a real number");
    expect_failure(json_want_int(root, "absent", 0, 10, &i, err), TRIAD_ERR_NOT_FOUND, "absent: missing");
    expect_failure(json_want_int(root, "null", 0, 10, &i, err), TRIAD_ERR_NOT_FOUND, "null: missing");
    expect_success(json_get_int(root, "absent", 0, 10, &i, err));
    expect_success(json_get_int(root, "null", 0, 10, &i, err));
    assert_int_equal(i, 7);
    expect_success(json_want_real(root, "real", &r, err));
    assert_true(r == 2.5);
    expect_success(json_want_real(root, "int", &r, err));
    assert_true(r == 7);
    expect_failure(json_want_real(root, "over", &r, err), TRIAD_ERR_RANGE, "over");
    expect_failure(json_want_real(root, "string", &r, err), TRIAD_ERR_FORMAT, "string: is a string");
    expect_failure(json_want_real(root, "absent", &r, err), TRIAD_ERR_NOT_FOUND, "absent");
    expect_success(json_get_real(root, "absent", &r, err));
    expect_success(json_get_bool(root, "bool", &b, err));
    assert_true(b);
    expect_failure(json_get_bool(root, "int", &b, err), TRIAD_ERR_FORMAT, "not a boolean");
    expect_success(json_get_bool(root, "absent", &b, err));
    expect_success(json_want_string(root, "string", &s, err));
    assert_string_equal(s, "s");
    expect_failure(json_want_string(root, "zero", &s, err), TRIAD_ERR_FORMAT, "0 byte");
    expect_failure(json_want_string(root, "list", &s, err), TRIAD_ERR_FORMAT, "is an array");
    expect_failure(json_get_string(root, "object", &s, err), TRIAD_ERR_FORMAT, "is an object");
    expect_failure(json_want_string(root, "absent", &s, err), TRIAD_ERR_NOT_FOUND, "absent");
    expect_success(json_get_string(root, "absent", &s, err));
    assert_non_null(json_find(root, "list", json_type_array));
    assert_null(json_find(root, "list", json_type_object));
    assert_null(json_find(root, "absent", json_type_array));
    assert_null(json_find(NULL, "x", json_type_array));
    assert_null(json_find(json_find(root, "list", json_type_array), "x", json_type_array));
    json_object_put(root);
}

/* json-c alone loses U+1D800 to U+1DFFF and their like on every plane. */
static void pairs_are_characters(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } CASES[] = {
        {"[\"\\ud836\\udc38\"]", "\xf0\x9d\xa0\xb8"},
        {"[\"a\\uD876\\uDEA5b\"]", "a\xf0\xad\xaa\xa5"
                                   "b"},
        {"[\"\\ud83d\\ude00\"]", "\xf0\x9f\x98\x80"},
        {"[\"\\udbff\\udfff\"]", "\xf4\x8f\xbf\xbf"},
        {"[\"\\\\ud836\\\\udc38\"]", "\\ud836\\udc38"}, /* backslashes of their own */
        {"[\"\\ud836\"]", "\xef\xbf\xbd"},              /* half a pair */
        {"[\"\\ud836x\"]", "\xef\xbf\xbdx"},
        {"[\"\\udc38\\ud836\"]", "\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        json_object *root;
        expect_success(json_read(&root, CASES[i].text, strlen(CASES[i].text), err));
        assert_string_equal(json_object_get_string(json_object_array_get_idx(root, 0)), CASES[i].wanted);
        json_object_put(root);
    }
    json_object *root;
    expect_failure(json_read(&root, "[\"\\ud83d\\ude00\", }", 19, err), TRIAD_ERR_FORMAT, "JSON");
    expect_failure(json_read(&root, "[\"\\ud83d\\uzzzz\"]", 17, err), TRIAD_ERR_FORMAT, "JSON");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_characters), cmocka_unit_test(accepts_what_is_json),
        cmocka_unit_test(refuses_what_is_not),  cmocka_unit_test(limits_depth_and_amplification),
        cmocka_unit_test(every_cut_is_refused), cmocka_unit_test(reals_print_shortest),
        cmocka_unit_test(writes_what_it_reads), cmocka_unit_test(members_are_wanted_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
