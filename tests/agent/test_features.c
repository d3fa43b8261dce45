/* What the policy sees: rows of the table, and places reckoned from actions alone. */
#include "synthetic.h"

#include "support.h"

static const uint32_t *part_first(feature_part part)
{
    return &FEATURE_TABLE[part].first;
}

static bool in_part(uint16_t row, feature_part part)
{
    return row >= *part_first(part) && row < *part_first(part) + FEATURE_TABLE[part].rows;
}

static void the_parts_fill_the_table_in_order(void **state)
{
    (void)state;
    uint32_t next = 0;
    for (int part = 0; part < FEATURE_PARTS; part++) {
        assert_int_equal(FEATURE_TABLE[part].first, next);
        next += FEATURE_TABLE[part].rows;
    }
    assert_int_equal(next, FEATURE_ROWS);
}

/* Any bytes at all: rows inside the table, counts inside the buffers. */
static void any_observation_is_harmless(void **state)
{
    (void)state;
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 1);
    feature_odometer odometer;
    feature_start(&odometer);
    for (int round = 0; round < 2000; round++) {
        uint8_t image[BABYAI_OBSERVATION];
        for (size_t i = 0; i < sizeof image; i++)
            image[i] = (uint8_t)(round % 2   ? triad_pcg64_integers(&rng, 0, 256)
                                 : round % 4 ? 4
                                             : triad_pcg64_integers(&rng, 0, 11));
        uint32_t tokens, visible, token_bag[FEATURE_MAX_TOKENS + 1];
        uint16_t bag[FEATURE_MAX_BAG];
        feature_observe(&odometer, image, (uint8_t)triad_pcg64_integers(&rng, 0, 256), &tokens, &visible, token_bag,
                        bag);
        assert_in_range(tokens, 1, FEATURE_MAX_TOKENS);
        assert_true(token_bag[tokens] <= FEATURE_MAX_BAG);
        for (uint32_t b = 0; b < token_bag[tokens]; b++) assert_true(bag[b] < FEATURE_ROWS);
        feature_act(&odometer, (babyai_action)triad_pcg64_integers(&rng, 0, BABYAI_ACTIONS));
    }
}

/* By hand: a blue ball two ahead and one to the right; then the agent goes one forward and turns right. */
static void a_place_is_kept_in_the_frame_of_the_start(void **state)
{
    (void)state;
    uint8_t image[BABYAI_OBSERVATION];
    for (size_t cell = 0; cell < FEATURE_CELLS; cell++)
        image[cell * 3] = 1, image[cell * 3 + 1] = image[cell * 3 + 2] = 0;
    uint8_t *ball = image + (4 * 7 + 4) * 3;
    ball[0] = 6, ball[1] = 2;
    feature_odometer odometer;
    feature_start(&odometer);
    uint32_t tokens, visible, token_bag[FEATURE_MAX_TOKENS + 1];
    uint16_t bag[FEATURE_MAX_BAG];
    feature_observe(&odometer, image, 3, &tokens, &visible, token_bag, bag);
    assert_int_equal(tokens, 2);
    const uint16_t expected[] = {(uint16_t)(FEATURE_TABLE[FEATURE_TYPE].first + 2),
                                 (uint16_t)(FEATURE_TABLE[FEATURE_COLOUR].first + 2),
                                 (uint16_t)(FEATURE_TABLE[FEATURE_CELL].first + 4 * 7 + 4),
                                 (uint16_t)(FEATURE_TABLE[FEATURE_AHEAD].first + FEATURE_REACH + 2),
                                 (uint16_t)(FEATURE_TABLE[FEATURE_ASIDE].first + FEATURE_REACH + 1)};
    assert_int_equal(token_bag[2] - token_bag[1], 5);
    assert_memory_equal(bag + token_bag[1], expected, sizeof expected);
    feature_act(&odometer, BABYAI_FORWARD);
    feature_observe(&odometer, image, 3, &tokens, &visible, token_bag, bag); /* the agent stands at (1, 0) */
    feature_act(&odometer, BABYAI_RIGHT);
    ball[0] = 1;
    image[(3 * 7 + 5) * 3] = 2; /* a wall in front: at (1, 1) in the start's frame */
    feature_observe(&odometer, image, 0, &tokens, &visible, token_bag, bag);
    assert_int_equal(tokens, 1);
    assert_int_equal(bag[1], FEATURE_TABLE[FEATURE_PREVIOUS].first + BABYAI_RIGHT);
    assert_int_equal(bag[2], FEATURE_TABLE[FEATURE_HEADING].first + 1);
    assert_int_equal(bag[3], FEATURE_TABLE[FEATURE_AHEAD].first + FEATURE_REACH + 1);
    assert_int_equal(bag[4], FEATURE_TABLE[FEATURE_ASIDE].first + FEATURE_REACH);
    assert_int_equal(bag[5], FEATURE_TABLE[FEATURE_WALL].first + 3 * 7 + 5);
    feature_act(&odometer, BABYAI_FORWARD); /* against the wall: stays */
    feature_observe(&odometer, image, 0, &tokens, &visible, token_bag, bag);
    assert_int_equal(bag[3], FEATURE_TABLE[FEATURE_AHEAD].first + FEATURE_REACH + 1);
    assert_int_equal(bag[4], FEATURE_TABLE[FEATURE_ASIDE].first + FEATURE_REACH);
}

static void clear(uint8_t image[BABYAI_OBSERVATION])
{
    for (size_t cell = 0; cell < FEATURE_CELLS; cell++)
        image[cell * 3] = 1, image[cell * 3 + 1] = image[cell * 3 + 2] = 0;
}

static bool holds(const uint16_t *bag, uint32_t from, uint32_t to, uint32_t row)
{
    for (uint32_t b = from; b < to; b++)
        if (bag[b] == row) return true;
    return false;
}

/* By hand: a locked red door two ahead and one to the right; the agent turns round, and later finds the place empty. */
static void what_is_out_of_sight_is_remembered(void **state)
{
    (void)state;
    uint8_t image[BABYAI_OBSERVATION];
    clear(image);
    uint8_t *door = image + (4 * 7 + 4) * 3;
    door[0] = 4, door[1] = 0, door[2] = 2;
    feature_odometer odometer;
    feature_start(&odometer);
    uint32_t tokens, visible, token_bag[FEATURE_MAX_TOKENS + 1];
    uint16_t bag[FEATURE_MAX_BAG];
    feature_observe(&odometer, image, 1, &tokens, &visible, token_bag, bag);
    assert_int_equal(tokens, 2);
    assert_int_equal(visible, 2);
    feature_act(&odometer, BABYAI_LEFT);
    clear(image);
    image[(3 * 7 + 4) * 3] = 0; /* unseen: two ahead of where it looks now, (0, -2) */
    image[(1 * 7 + 6) * 3] = 2; /* a wall two to the left: (-2, 0) */
    feature_observe(&odometer, image, 0, &tokens, &visible, token_bag, bag);
    feature_act(&odometer, BABYAI_LEFT);
    clear(image);
    feature_observe(&odometer, image, 3, &tokens, &visible, token_bag, bag);
    assert_int_equal(tokens, 2);
    assert_int_equal(visible, 1);
    const uint16_t expected[] = {(uint16_t)FEATURE_TABLE[FEATURE_TYPE].first,
                                 (uint16_t)FEATURE_TABLE[FEATURE_COLOUR].first,
                                 (uint16_t)(FEATURE_TABLE[FEATURE_STATE].first + 2),
                                 (uint16_t)FEATURE_TABLE[FEATURE_OUT_OF_SIGHT].first,
                                 (uint16_t)(FEATURE_TABLE[FEATURE_BEFORE].first + FEATURE_REACH - 2),
                                 (uint16_t)(FEATURE_TABLE[FEATURE_BESIDE].first + FEATURE_REACH - 1),
                                 (uint16_t)(FEATURE_TABLE[FEATURE_AHEAD].first + FEATURE_REACH + 2),
                                 (uint16_t)(FEATURE_TABLE[FEATURE_ASIDE].first + FEATURE_REACH + 1)};
    assert_int_equal(token_bag[2] - token_bag[1], 8);
    assert_memory_equal(bag + token_bag[1], expected, sizeof expected);
    /* Known cells are counted from the agent, which looks back: (5, 1) lies five behind, one to the left. */
    const uint32_t side = 2 * FEATURE_NEAR + 1, here = FEATURE_NEAR * side + FEATURE_NEAR;
    const uint32_t known = FEATURE_TABLE[FEATURE_KNOWN_FREE].first, wall = FEATURE_TABLE[FEATURE_KNOWN_WALL].first;
    assert_true(holds(bag, 0, token_bag[1], known + here - 5 * side - 1));
    assert_false(holds(bag, 0, token_bag[1], known + here - 7 * side)); /* never seen */
    assert_false(holds(bag, 0, token_bag[1], known + here + 2 * side)); /* in sight: not said twice */
    assert_false(holds(bag, 0, token_bag[1], wall + here + 2 * side));  /* in sight: seen to be free now */
    feature_act(&odometer, BABYAI_RIGHT);
    clear(image);
    feature_observe(&odometer, image, 0, &tokens, &visible, token_bag, bag);
    assert_int_equal(tokens, 2);
    feature_act(&odometer, BABYAI_RIGHT);
    feature_observe(&odometer, image, 1, &tokens, &visible, token_bag, bag); /* no door there */
    assert_int_equal(tokens, 1);
}

/* What it carries is shown in its own cell and left nowhere. */
static void what_is_carried_is_not_remembered(void **state)
{
    (void)state;
    uint8_t image[BABYAI_OBSERVATION];
    clear(image);
    image[(3 * 7 + 6) * 3] = 5;
    feature_odometer odometer;
    feature_start(&odometer);
    uint32_t tokens, visible, token_bag[FEATURE_MAX_TOKENS + 1];
    uint16_t bag[FEATURE_MAX_BAG];
    for (int step = 0; step < 3; step++) {
        feature_observe(&odometer, image, 0, &tokens, &visible, token_bag, bag);
        assert_int_equal(tokens, 2);
        assert_int_equal(visible, 2);
        assert_int_equal(odometer.objects, 0);
        feature_act(&odometer, BABYAI_FORWARD);
    }
}

/* A corridor of doors longer than memory: the first ones are forgotten, nothing overflows. */
static void the_longest_unseen_is_forgotten(void **state)
{
    (void)state;
    feature_odometer odometer;
    feature_start(&odometer);
    uint32_t tokens, visible, token_bag[FEATURE_MAX_TOKENS + 1];
    uint16_t bag[FEATURE_MAX_BAG];
    for (int step = 0; step < 200; step++) {
        uint8_t image[BABYAI_OBSERVATION];
        clear(image);
        for (int row = 0; row < 6; row++) image[(1 * 7 + row) * 3] = image[(5 * 7 + row) * 3] = 6;
        feature_observe(&odometer, image, 0, &tokens, &visible, token_bag, bag);
        assert_int_equal(visible, 13);
        assert_true(tokens <= FEATURE_MAX_TOKENS);
        feature_act(&odometer, BABYAI_FORWARD);
    }
    assert_true(odometer.objects <= FEATURE_OBJECTS);
    for (size_t i = 0; i < odometer.objects; i++) assert_true(odometer.object[i].ahead > 0);
}

/* In real episodes in which nothing is carried, what stands at a place stays there. */
static void places_agree_over_real_episodes(void **state)
{
    (void)state;
    const babyai_level *level = babyai_level_find("GoToLocal");
    babyai_episode episode = {0};
    babyai_env *env = NULL;
    babyai_bot *bot = NULL;
    size_t compared = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        bool solved;
        assert_int_equal(babyai_demonstrate(&episode, &solved, &env, &bot, level, seed, NULL), TRIAD_OK);
        if (!solved) continue;
        uint16_t at[FEATURE_PLACES][FEATURE_PLACES][2];
        memset(at, 0xff, sizeof at);
        feature_odometer odometer;
        feature_start(&odometer);
        for (size_t s = 0; s < episode.steps; s++) {
            uint32_t tokens, visible, token_bag[FEATURE_MAX_TOKENS + 1];
            uint16_t bag[FEATURE_MAX_BAG];
            feature_observe(&odometer, episode.observation + s * BABYAI_OBSERVATION, episode.direction[s], &tokens,
                            &visible, token_bag, bag);
            assert_in_range(visible, 1, tokens);
            for (uint32_t t = 1; t < tokens; t++) {
                const uint16_t *row = bag + token_bag[t], *end = bag + token_bag[t + 1];
                assert_true(in_part(end[-2], FEATURE_AHEAD) && in_part(end[-1], FEATURE_ASIDE));
                uint16_t *here = at[end[-2] - *part_first(FEATURE_AHEAD)][end[-1] - *part_first(FEATURE_ASIDE)];
                if (here[0] != 0xffff) {
                    assert_int_equal(here[0], row[0]);
                    assert_int_equal(here[1], row[1]);
                    compared++;
                }
                here[0] = row[0];
                here[1] = row[1];
            }
            feature_act(&odometer, (babyai_action)episode.action[s]);
        }
    }
    assert_true(compared > 1000);
    babyai_bot_free(bot);
    babyai_free(env);
    babyai_episode_free(&episode);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_fill_the_table_in_order),
        cmocka_unit_test(any_observation_is_harmless),
        cmocka_unit_test(a_place_is_kept_in_the_frame_of_the_start),
        cmocka_unit_test(what_is_out_of_sight_is_remembered),
        cmocka_unit_test(what_is_carried_is_not_remembered),
        cmocka_unit_test(the_longest_unseen_is_forgotten),
        cmocka_unit_test(places_agree_over_real_episodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
