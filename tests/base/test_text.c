#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/checked.h"
#include "base/text.h"

#include <string.h>

static void growing(void **state)
{
    (void)state;
    triad_text text = {0};
    triad_text_add(&text, "a");
    triad_text_addf(&text, "%d-%s", 42, "b");
    triad_text_add_bytes(&text, "\0c", 2);
    triad_text_add_bytes(&text, NULL, 0);
    assert_int_equal(text.size, 7);
    assert_memory_equal(text.bytes, "a42-b\0c", 8);
    for (int i = 0; i < 10000; i++) triad_text_addf(&text, "%04d", i);
    assert_int_equal(text.size, 40007);
    assert_int_equal(strlen(text.bytes + 6), 40001);
    assert_false(text.failed);
    triad_text_free(&text);
    assert_null(text.bytes);
    triad_text_free(&text);
    triad_text_free(NULL);

    triad_text nothing = {0};
    triad_text_add(&nothing, "");
    assert_string_equal(nothing.bytes, "");
    triad_text_add_bytes(&nothing, "x", SIZE_MAX);
    assert_true(nothing.failed);
    triad_text_add(&nothing, "more");
    assert_string_equal(nothing.bytes, ""); /* as it was */
    triad_text_free(&nothing);
}

static void nearest(void **state)
{
    (void)state;
    static const char *const names[] = {"levels", "sentences", "demos",     "train",
                                        "eval",   "run",       "GoToLocal", "PutNextLocal"};
    const size_t count = sizeof names / sizeof *names;
    assert_string_equal(triad_nearest_name("levles", names, count), "levels");
    assert_string_equal(triad_nearest_name("level", names, count), "levels");
    assert_string_equal(triad_nearest_name("sentnces", names, count), "sentences");
    assert_string_equal(triad_nearest_name("tarin", names, count), "train");
    assert_string_equal(triad_nearest_name("rn", names, count), "run");
    assert_string_equal(triad_nearest_name("gotolocal", names, count), "GoToLocal");
    assert_string_equal(triad_nearest_name("PutNextLocl", names, count), "PutNextLocal");
    assert_null(triad_nearest_name("banana", names, count));
    assert_null(triad_nearest_name("x", names, count));
    assert_null(triad_nearest_name("", names, count));
    assert_null(triad_nearest_name("train", names, 0));
    char long_word[300];
    memset(long_word, 'a', sizeof long_word);
    long_word[299] = 0;
    const char *const long_names[] = {long_word};
    assert_null(triad_nearest_name(long_word, names, count));
    assert_null(triad_nearest_name("aaa", long_names, 1));
}

static void errors(void **state)
{
    (void)state;
    triad_error err;
    assert_int_equal(triad_fail(&err, TRIAD_ERR_FORMAT, 12, "%s: byte %d\x1b[31m\n", "f", 12), TRIAD_ERR_FORMAT);
    assert_int_equal(err.code, TRIAD_ERR_FORMAT);
    assert_int_equal(err.position, 12);
    assert_string_equal(err.text, "f: byte 12?[31m?");
    assert_int_equal(triad_fail_in(&err, "g"), TRIAD_ERR_FORMAT);
    assert_string_equal(err.text, "g: f: byte 12?[31m?");
    assert_int_equal(triad_fail_in(&err, "g"), TRIAD_ERR_FORMAT); /* named already */
    assert_string_equal(err.text, "g: f: byte 12?[31m?");
    triad_fail(&err, TRIAD_ERR_IO, -1, "folder/file: cut");
    triad_fail_in(&err, "folder");
    triad_fail_in(&err, "folder/");
    assert_string_equal(err.text, "folder/file: cut");
    triad_fail_in(&err, "fold");
    assert_string_equal(err.text, "fold: folder/file: cut");
    for (int i = 0; i < 100; i++)
        triad_fail_in(&err, i % 2 ? "a/rather/long/prefix/that/repeats/itself"
                                  : "another/rather/long/prefix/that/repeats/itself");
    assert_true(strlen(err.text) < sizeof err.text);
    assert_int_equal(triad_fail(NULL, TRIAD_ERR_IO, -1, "x"), TRIAD_ERR_IO);
    for (int code = -10; code <= 0; code++) assert_string_not_equal(triad_status_name((triad_status)code), "unknown");
    assert_string_equal(triad_status_name((triad_status)-99), "unknown");
}

static void arithmetic(void **state)
{
    (void)state;
    size_t out = 7;
    assert_true(triad_mul_size(&out, 3, 5));
    assert_int_equal(out, 15);
    assert_false(triad_mul_size(&out, SIZE_MAX / 2, 3));
    assert_false(triad_add_size(&out, SIZE_MAX, 1));
    assert_int_equal(out, 15);
    assert_true(triad_add_size(&out, SIZE_MAX - 1, 1));
    assert_true(out == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(growing), cmocka_unit_test(nearest), cmocka_unit_test(errors),
                                       cmocka_unit_test(arithmetic)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
