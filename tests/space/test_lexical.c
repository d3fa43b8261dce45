/* Words of sentences: counted, and the distances that they give, against plain definitions. */
#include "triad/lexical.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

static triad_items items_of(const char *tsv)
{
    triad_items items;
    triad_error err = {0};
    if (triad_items_parse(&items, tsv, strlen(tsv), "test", &err) != TRIAD_OK) fail_msg("%s", err.text);
    return items;
}

static const char *const GRAMMAR = "id\ttext\tverb\tcolour\tobject\n"
                                   "a\tGo to the red ball\tgo to\tred\tball\n"
                                   "b\tpick up the Red key,\tpick up\tred\tkey\n"
                                   "c\tgo to the door\tgo to\t\tdoor\n"
                                   "d\topen the red red door\topen\tred\tdoor\n";

static void test_words(void **state)
{
    (void)state;
    triad_items items = items_of(GRAMMAR);
    triad_lexicon lexicon;
    assert_int_equal(triad_lexicon_create(&lexicon, &items, NULL), TRIAD_OK);
    static const char *const words[] = {"ball", "door", "go", "key", "open", "pick", "red", "the", "to", "up"};
    assert_int_equal(lexicon.words, 10);
    for (size_t i = 0; i < 10; i++) assert_string_equal(lexicon.word[i], words[i]);
    assert_int_equal(lexicon.offset[2] - lexicon.offset[1], 5);
    assert_string_equal(lexicon.word[lexicon.token[lexicon.offset[1] + 4]], "key"); /* without its comma */
    triad_lexicon_free(&lexicon);
    triad_items_free(&items);
}

static void test_features(void **state)
{
    (void)state;
    triad_items items = items_of(GRAMMAR);
    float *values;
    size_t width;
    assert_int_equal(triad_lexical_features(&values, &width, "bow", &items, NULL), TRIAD_OK);
    assert_int_equal(width, 10);
    assert_true(values[3 * 10 + 6] == 2.0F); /* "red" twice */
    free(values);
    assert_int_equal(triad_lexical_features(&values, &width, "length", &items, NULL), TRIAD_OK);
    assert_int_equal(width, 2);
    assert_true(values[0] == 5.0F && values[1] == 18.0F && values[4] == 4.0F && values[5] == 14.0F);
    free(values);
    assert_int_equal(triad_lexical_features(&values, &width, "factors", &items, NULL), TRIAD_OK);
    assert_int_equal(width, 3 + 2 + 3); /* go to, open, pick up; "", red; ball, door, key */
    const float c[] = {1, 0, 0, 1, 0, 0, 1, 0};
    assert_memory_equal(values + 2 * 8, c, sizeof c);
    free(values);
    triad_error err = {0};
    assert_int_equal(triad_lexical_features(&values, &width, "colour", &items, &err), TRIAD_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "bow, length, factors"));
    triad_items_free(&items);
}

static void test_distances(void **state)
{
    (void)state;
    triad_items items = items_of(GRAMMAR);
    static const struct {
        const char *name;
        double distance[6]; /* ab ac ad bc bd cd */
    } cases[] = {
        {"length", {0, 1, 0, 1, 0, 1}},      {"length-characters", {2, 4, 3, 6, 1, 7}},
        {"edit-words", {3, 2, 4, 4, 4, 4}},  {"factors", {2 / 3.0, 2 / 3.0, 2 / 3.0, 1, 2 / 3.0, 2 / 3.0}},
        {"factor:verb", {1, 0, 1, 1, 1, 1}}, {"factor:colour", {0, 1, 0, 1, 0, 1}},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        double out[6];
        assert_int_equal(triad_lexical_distance(out, cases[c].name, &items, NULL, 4, NULL, NULL), TRIAD_OK);
        for (size_t p = 0; p < 6; p++)
            if (out[p] != cases[c].distance[p]) fail_msg("%s: pair %zu is %g", cases[c].name, p, out[p]);
    }
    double bow[6];
    assert_int_equal(triad_lexical_distance(bow, "bow", &items, NULL, 4, NULL, NULL), TRIAD_OK);
    assert_true(fabs(bow[0] - (1 - 2 / 5.0)) < 1e-15);             /* red, the of five each */
    assert_true(fabs(bow[2] - (1 - 3 / sqrt(5.0 * 7.0))) < 1e-15); /* red 1 * 2 + the */
    /* rows choose and order */
    const size_t rows[] = {3, 0};
    double one;
    assert_int_equal(triad_lexical_distance(&one, "bow", &items, rows, 2, NULL, NULL), TRIAD_OK);
    assert_true(one == bow[2]);
    triad_items_free(&items);
}

static double levenshtein(const char *a, size_t na, const char *b, size_t nb)
{
    double *row = malloc((nb + 1) * sizeof *row);
    for (size_t j = 0; j <= nb; j++) row[j] = (double)j;
    for (size_t i = 1; i <= na; i++) {
        double corner = row[0];
        row[0] = (double)i;
        for (size_t j = 1; j <= nb; j++) {
            const double best = fmin(fmin(row[j], row[j - 1]) + 1, corner + (a[i - 1] != b[j - 1]));
            corner = row[j];
            row[j] = best;
        }
    }
    const double distance = row[nb];
    free(row);
    return distance;
}

/* Lengths on both sides of one, two and three machine words, few letters, so that much matches. */
static void test_edits_against_the_table(void **state)
{
    (void)state;
    enum { N = 40, MOST = 200 };
    static const size_t lengths[] = {1, 2, 31, 63, 64, 65, 127, 128, 129, 192, 200};
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 5);
    char text[N][MOST + 1];
    const char *texts[N];
    char id[N][8];
    const char *ids[N];
    for (size_t i = 0; i < N; i++) {
        const size_t length = lengths[i % (sizeof lengths / sizeof *lengths)];
        for (size_t c = 0; c < length; c++) text[i][c] = "abc"[triad_pcg64_integers(&rng, 0, 3)];
        text[i][length] = '\0';
        texts[i] = text[i];
        snprintf(id[i], sizeof id[i], "%zu", i);
        ids[i] = id[i];
    }
    triad_items items;
    assert_int_equal(triad_items_create(&items, N, ids, texts, 0, NULL, NULL, NULL), TRIAD_OK);
    double *out = malloc(N * (N - 1) / 2 * sizeof *out), *other = malloc(N * (N - 1) / 2 * sizeof *other);
    assert_int_equal(triad_lexical_distance(out, "edit-characters", &items, NULL, N, NULL, NULL), TRIAD_OK);
    size_t at = 0;
    for (size_t i = 0; i < N; i++)
        for (size_t j = i + 1; j < N; j++, at++)
            assert_true(out[at] == levenshtein(text[i], strlen(text[i]), text[j], strlen(text[j])));
    for (int threads = 2; threads <= 3; threads++) {
        triad_pool *pool;
        assert_int_equal(triad_pool_create(&pool, threads, NULL), TRIAD_OK);
        static const char *const names[] = {"edit-characters", "edit-words", "bow", "length"};
        for (size_t k = 0; k < 4; k++) {
            assert_int_equal(triad_lexical_distance(out, names[k], &items, NULL, N, NULL, NULL), TRIAD_OK);
            assert_int_equal(triad_lexical_distance(other, names[k], &items, NULL, N, pool, NULL), TRIAD_OK);
            assert_memory_equal(out, other, N * (N - 1) / 2 * sizeof *out);
        }
        triad_pool_free(pool);
    }
    free(out);
    free(other);
    triad_items_free(&items);
}

static void test_characters_are_code_points(void **state)
{
    (void)state;
    triad_items items = items_of("id\ttext\n1\tschön\n2\tschon\n3\tÜBER schön\n4\tüber SCHÖN\n");
    double out[6];
    assert_int_equal(triad_lexical_distance(out, "edit-characters", &items, NULL, 4, NULL, NULL), TRIAD_OK);
    assert_true(out[0] == 1);
    assert_int_equal(triad_lexical_distance(out, "edit-words", &items, NULL, 4, NULL, NULL), TRIAD_OK);
    assert_true(out[5] == 0); /* words are lower-cased, also beyond ASCII */
    triad_items_free(&items);
}

static void test_refusals(void **state)
{
    (void)state;
    triad_items items = items_of("id\ttext\n1\ta b\n2\tb\n3\t...\n");
    double out[3];
    triad_error err = {0};
    assert_int_equal(triad_lexical_distance(out, "words", &items, NULL, 3, NULL, &err), TRIAD_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "edit-words"));
    assert_int_equal(triad_lexical_distance(out, "factor:verb", &items, NULL, 3, NULL, &err), TRIAD_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "factor:verb"));
    assert_int_equal(triad_lexical_distance(out, "factors", &items, NULL, 3, NULL, &err), TRIAD_ERR_ARGUMENT);
    assert_false(triad_lexical_knows("factors", &items, NULL));
    assert_true(triad_lexical_knows("edit-words", &items, NULL));
    /* a sentence without words: as far as can be from others, not from itself */
    assert_int_equal(triad_lexical_distance(out, "bow", &items, NULL, 3, NULL, NULL), TRIAD_OK);
    assert_true(out[1] == 1 && out[2] == 1);
    assert_int_equal(triad_lexical_distance(out, "edit-words", &items, NULL, 3, NULL, NULL), TRIAD_OK);
    assert_true(out[0] == 1 && out[1] == 2 && out[2] == 1);
    assert_int_equal(triad_lexical_distance(NULL, "edit-words", &items, NULL, 1, NULL, NULL), TRIAD_OK);
    triad_items_free(&items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),     cmocka_unit_test(test_features),
        cmocka_unit_test(test_distances), cmocka_unit_test(test_edits_against_the_table),
        cmocka_unit_test(test_refusals),  cmocka_unit_test(test_characters_are_code_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
