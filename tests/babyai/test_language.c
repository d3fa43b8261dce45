#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "babyai/grammar.h"
#include "triad/babyai.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS_MAX = 8 };

static triad_items listed(const char *const *names, size_t count)
{
    const babyai_level *levels[LEVELS_MAX];
    triad_items items;
    triad_error err;
    for (size_t i = 0; i < count; i++) levels[i] = babyai_level_find(names[i]);
    assert_int_equal(babyai_sentences(&items, levels, count, &err), TRIAD_OK);
    return items;
}

static int find_text(const triad_items *items, const char *text)
{
    for (size_t i = 0; i < items->count; i++)
        if (strcmp(items->text[i], text) == 0) return (int)i;
    return -1;
}

static const char *cell(const triad_items *items, const char *text, const char *factor)
{
    const int row = find_text(items, text), column = triad_items_factor(items, factor);
    assert_true(row >= 0 && column >= 0);
    return triad_items_cell(items, (size_t)row, column);
}

static void the_six_levels(void **state)
{
    (void)state;
    const char *const names[] = {"GoToLocal", "PickupLoc", "PickupDist", "PutNextLocal", "OpenDoor", "ActionObjDoor"};
    const size_t counts[] = {36, 210, 35, 306, 14, 60};
    for (size_t i = 0; i < 6; i++) {
        triad_items items = listed(&names[i], 1);
        assert_int_equal(items.count, counts[i]);
        triad_items_free(&items);
    }
    triad_items items = listed(names, 6);
    assert_int_equal(items.count, 595);
    assert_int_equal(items.factors, 10);
    for (size_t i = 0; i + 1 < items.count; i++) assert_true(strcmp(items.text[i], items.text[i + 1]) < 0);
    for (size_t i = 0; i < items.count; i++) assert_string_equal(items.id[i], items.text[i]);
    assert_string_equal(cell(&items, "pick up a grey object", "object"), "object");
    assert_int_equal(find_text(&items, "pick up the grey object"), -1); /* the walls are grey as well */
    assert_string_equal(cell(&items, "pick up the red ball in front of you", "location"), "front");
    assert_string_equal(cell(&items, "put the red ball next to the blue key", "verb"), "put next to");
    assert_string_equal(cell(&items, "put the red ball next to the blue key", "colour2"), "blue");
    assert_string_equal(cell(&items, "put the red ball next to the blue key", "object2"), "key");
    assert_string_equal(cell(&items, "open a door behind you", "colour"), "");
    /* near-duplicates stand together, others do not */
    assert_string_equal(cell(&items, "go to the red ball", "group"), cell(&items, "go to a red ball", "group"));
    assert_string_equal(cell(&items, "put the red ball next to the blue key", "group"),
                        cell(&items, "put the blue key next to the red ball", "group"));
    assert_string_not_equal(cell(&items, "go to the red ball", "group"), cell(&items, "pick up the red ball", "group"));
    assert_string_not_equal(cell(&items, "pick up the ball on your left", "group"),
                            cell(&items, "pick up the ball on your right", "group"));
    triad_items_free(&items);
}

/* Text, factors, text: nothing is lost; and every word is in the vocabulary. */
static void sentences_parse_back(void **state)
{
    (void)state;
    for (size_t l = 0; l < babyai_level_count(); l++) {
        const babyai_level *level = babyai_level_at(l);
        triad_items items;
        assert_int_equal(babyai_sentences_sample(&items, &level, 1, 1, 5, NULL), TRIAD_OK);
        triad_items_free(&items);
        babyai_env *env;
        assert_int_equal(babyai_create(&env, level, NULL), TRIAD_OK);
        for (uint64_t seed = 0; seed < 100; seed++) {
            if (babyai_reset_seed(env, seed, NULL) != TRIAD_OK) continue;
            const char *text = babyai_mission(env);
            sentence s;
            char again[BABYAI_MISSION_MAX];
            assert_true(grammar_parse(&s, text));
            assert_int_equal(grammar_text(&s, again), strlen(text));
            assert_string_equal(again, text);
            for (const char *at = text; *at;) {
                size_t bytes = strcspn(at, " ,");
                if (bytes == 0 && *at == ',') bytes = 1;
                if (bytes > 0) {
                    const int word = babyai_word_index(at, bytes);
                    assert_true(word >= 0 && strlen(babyai_word_at((size_t)word)) == bytes);
                    at += bytes;
                } else {
                    at++;
                }
            }
        }
        babyai_free(env);
    }
    assert_int_equal(babyai_word_index("robot", 5), -1);
    assert_int_equal(babyai_word_index("go", 1), -1);
    assert_null(babyai_word_at(babyai_word_count()));
}

static void what_is_no_sentence(void **state)
{
    (void)state;
    const char *const wrong[] = {
        "",
        "go",
        "go to",
        "go to ball",
        "go to the",
        "go to the red",
        "go to the redball",
        "go to the ball ",
        " go to the ball",
        "Go to the ball",
        "go to the ball red",
        "go to the ball on your",
        "go to the balls",
        "open the door,",
        "open the door, then",
        "open the door then open the door",
        "go to the ball and",
        "go to the ball and go to the ball and go to the ball",
        "put the ball next to",
        "put the ball",
        "go to  the ball",
        "open the door, then open the door, then open the door",
        "pick up the ball after go to the ball",
        "go to the ball.",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        sentence s;
        assert_false(grammar_parse(&s, wrong[i]));
    }
    triad_items items;
    triad_error err;
    const char *const text[] = {"go to the ball", "dance"};
    assert_int_equal(babyai_sentences_parse(&items, text, 2, &err), TRIAD_ERR_FORMAT);
    assert_int_equal(err.position, 1);
    char longer[4 * BABYAI_MISSION_MAX] = "go to the ball";
    for (int i = 0; i < 100; i++) strcat(longer, " and go to the ball");
    assert_false(grammar_parse(&(sentence){0}, longer));
}

static void compounds_have_columns(void **state)
{
    (void)state;
    const char *const text[] = {
        "open a door and put a ball next to the purple key in front of you after you go to the box",
        "go to the red ball"};
    triad_items items;
    assert_int_equal(babyai_sentences_parse(&items, text, 2, NULL), TRIAD_OK);
    assert_string_equal(cell(&items, text[0], "join"), "and after");
    assert_string_equal(cell(&items, text[0], "verb"), "open");
    assert_string_equal(cell(&items, text[0], "verb2"), "put next to");
    assert_string_equal(cell(&items, text[0], "verb3"), "go to");
    assert_string_equal(cell(&items, text[0], "colour3"), "purple");
    assert_string_equal(cell(&items, text[0], "location3"), "front");
    assert_string_equal(cell(&items, text[0], "object4"), "box");
    assert_string_equal(cell(&items, text[1], "join"), "");
    assert_string_equal(cell(&items, text[1], "verb2"), "");
    assert_string_equal(cell(&items, text[1], "object2"), "");
    assert_string_equal(items.factor[items.factors - 1], "group");
    triad_items_free(&items);
}

static void too_many_are_refused(void **state)
{
    (void)state;
    triad_items items;
    triad_error err;
    const char *const wide[] = {"BossLevel", "GoToSeq", "GoToSeqS5R2", "SynthSeq", "MiniBossLevel"};
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        const babyai_level *level = babyai_level_find(wide[i]);
        assert_int_equal(babyai_sentences(&items, &level, 1, &err), TRIAD_ERR_RANGE);
        assert_non_null(strstr(err.text, wide[i]));
    }
    assert_int_equal(babyai_sentences(&items, NULL, 0, &err), TRIAD_ERR_ARGUMENT);
    const babyai_level *level = babyai_level_find("GoToLocal");
    assert_int_equal(babyai_sentences_sample(&items, &level, 1, 0, 0, &err), TRIAD_ERR_RANGE);
    assert_int_equal(babyai_sentences_sample(&items, &level, 1, 37, 0, &err), TRIAD_ERR_RANGE); /* it has 36 */
    assert_int_equal(babyai_sentences_sample(&items, &level, 1, 36, 0, &err), TRIAD_OK);
    const char *const name = "GoToLocal";
    triad_items all = listed(&name, 1);
    for (size_t i = 0; i < 36; i++) assert_string_equal(items.text[i], all.text[i]);
    triad_items_free(&items);
    triad_items_free(&all);
}

/* What a level says is what it is listed to say (10^6 resets each: tools' business; here the small ones suffice). */
static void listed_is_what_is_met(void **state)
{
    (void)state;
    const struct {
        const char *name;
        uint64_t resets;
    } levels[] = {{"GoToRedBall", 300},      {"GoToLocal", 20000},     {"PickupDist", 20000},       {"OpenDoor", 20000},
                  {"ActionObjDoor", 20000},  {"GoToRedBlueBall", 200}, {"OpenDoorsOrderN2", 20000}, {"FindObjS5", 200},
                  {"UnlockPickupDist", 500}, {"GoToObjDoor", 30000},   {"UnlockLocal", 50}};
    for (size_t l = 0; l < sizeof levels / sizeof *levels; l++) {
        triad_items items = listed(&levels[l].name, 1);
        bool met[1024] = {false};
        babyai_env *env;
        assert_true(items.count <= 1024);
        assert_int_equal(babyai_create(&env, babyai_level_find(levels[l].name), NULL), TRIAD_OK);
        assert_int_equal(babyai_reset_seed(env, 1, NULL), TRIAD_OK);
        for (uint64_t r = 0; r < levels[l].resets; r++) {
            const int row = find_text(&items, babyai_mission(env));
            if (row < 0) fail_msg("%s: '%s' is not listed", levels[l].name, babyai_mission(env));
            met[row] = true;
            assert_int_equal(babyai_reset(env, NULL), TRIAD_OK);
        }
        for (size_t i = 0; i < items.count; i++)
            if (!met[i]) fail_msg("%s: '%s' was never met", levels[l].name, items.text[i]);
        babyai_free(env);
        triad_items_free(&items);
    }
}

static void ciphers(void **state)
{
    (void)state;
    const char *const name = "PutNextLocal";
    triad_items items = listed(&name, 1), one, again, other;
    assert_int_equal(babyai_cipher(&one, &items, 1, NULL), TRIAD_OK);
    assert_int_equal(babyai_cipher(&again, &items, 1, NULL), TRIAD_OK);
    assert_int_equal(babyai_cipher(&other, &items, 2, NULL), TRIAD_OK);
    for (size_t i = 0; i < items.count; i++) {
        assert_string_equal(one.id[i], items.id[i]);
        assert_string_equal(one.text[i], again.text[i]);
        assert_string_not_equal(one.text[i], items.text[i]);
        assert_string_not_equal(one.text[i], other.text[i]);
        assert_non_null(strstr(one.text[i], " the ")); /* grammar stays */
        assert_null(strstr(one.text[i], "ball"));
        for (size_t j = 0; j < i; j++) assert_string_not_equal(one.text[i], one.text[j]);
    }
    triad_items_free(&items);
    triad_items_free(&one);
    triad_items_free(&again);
    triad_items_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_six_levels),
        cmocka_unit_test(sentences_parse_back),
        cmocka_unit_test(what_is_no_sentence),
        cmocka_unit_test(compounds_have_columns),
        cmocka_unit_test(too_many_are_refused),
        cmocka_unit_test(listed_is_what_is_met),
        cmocka_unit_test(ciphers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
