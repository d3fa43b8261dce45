#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "triad/babyai.h"

#include <stdlib.h>
#include <string.h>

enum { ENVS = 200, STEPS = 150 };

static babyai_env *fresh(const char *level, uint64_t seed)
{
    babyai_env *env;
    triad_error err;
    assert_int_equal(babyai_create(&env, babyai_level_find(level), &err), TRIAD_OK);
    assert_int_equal(babyai_reset_seed(env, seed, &err), TRIAD_OK);
    return env;
}

static uint64_t digest(uint64_t h, const void *bytes, size_t count)
{
    const uint8_t *b = bytes;
    for (size_t i = 0; i < count; i++) h = (h ^ b[i]) * 0x100000001b3;
    return h;
}

static uint64_t see(uint64_t h, const babyai_env *env)
{
    uint8_t image[BABYAI_OBSERVATION], direction;
    babyai_observe(env, image, &direction);
    h = digest(h, image, sizeof image);
    return digest(h, &direction, 1);
}

static void levels_are_found(void **state)
{
    (void)state;
    assert_int_equal(babyai_level_count(), 96);
    assert_null(babyai_level_at(96));
    for (size_t i = 0; i < babyai_level_count(); i++) {
        const babyai_level *level = babyai_level_at(i);
        const babyai_level_info info = babyai_level_describe(level);
        assert_ptr_equal(babyai_level_find(babyai_level_name(level)), level);
        assert_ptr_equal(babyai_level_find(info.id), level);
        assert_true(info.says != 0 && info.fewest_steps > 0 && info.most_steps >= info.fewest_steps);
    }
    assert_ptr_equal(babyai_level_find("GoToObjS6-v1"), babyai_level_find("GoToObjS6"));
    const char *const unknown[] = {"",
                                   "GoToLoca",
                                   "GoToLocalX",
                                   "GoToLocal-v1",
                                   "GoToObjS6-v0",
                                   "BabyAI-",
                                   "gotolocal",
                                   "BabyAI-BabyAI-GoToLocal"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) assert_null(babyai_level_find(unknown[i]));
    assert_null(babyai_level_find(NULL));
    const babyai_level_info boss = babyai_level_describe(babyai_level_find("BossLevel"));
    assert_int_equal(boss.fewest_steps, 576);
    assert_int_equal(boss.most_steps, 8 * 576);
    assert_int_equal(babyai_level_describe(babyai_level_find("PutNextLocal")).fewest_steps, 128);
}

static void a_seed_is_an_episode(void **state)
{
    (void)state;
    const char *const levels[] = {"GoToLocal", "PickupLoc", "PutNextLocal", "OpenDoor", "BossLevel"};
    for (size_t l = 0; l < sizeof levels / sizeof *levels; l++) {
        babyai_env *one = fresh(levels[l], 7), *same = fresh(levels[l], 7), *other = fresh(levels[l], 8);
        uint64_t a = 0, b = 0, c = 0;
        for (int i = 0; i < 20; i++) {
            a = digest(see(a, one), babyai_mission(one), strlen(babyai_mission(one)));
            b = digest(see(b, same), babyai_mission(same), strlen(babyai_mission(same)));
            c = digest(see(c, other), babyai_mission(other), strlen(babyai_mission(other)));
            assert_int_equal(babyai_reset(one, NULL), TRIAD_OK);
            assert_int_equal(babyai_reset(same, NULL), TRIAD_OK);
            assert_int_equal(babyai_reset(other, NULL), TRIAD_OK);
        }
        assert_true(a == b);
        assert_true(a != c);
        assert_int_equal(babyai_reset_seed(other, 7, NULL), TRIAD_OK); /* reseeding begins the stream anew */
        assert_int_equal(babyai_reset_seed(one, 7, NULL), TRIAD_OK);
        assert_true(see(0, one) == see(0, other));
        babyai_free(one);
        babyai_free(same);
        babyai_free(other);
    }
}

static void episodes_end(void **state)
{
    (void)state;
    babyai_env *env = fresh("GoToRedBallNoDists", 3);
    bool terminated, truncated;
    double reward;
    for (int i = 1; i <= babyai_max_steps(env); i++) {
        babyai_step(env, BABYAI_DONE, &reward, &terminated, &truncated);
        assert_int_equal(babyai_steps(env), i);
        assert_int_equal(truncated, i == babyai_max_steps(env));
    }
    babyai_step(env, BABYAI_LEFT, NULL, &terminated, &truncated); /* going on is legal */
    assert_true(truncated);
    babyai_free(env);
    env = fresh("GoToLocal", 0);
    babyai_bot *bot;
    assert_int_equal(babyai_bot_create(&bot, env, NULL), TRIAD_OK);
    int last = -1;
    do {
        babyai_action action;
        assert_int_equal(babyai_bot_act(bot, last, &action, NULL), TRIAD_OK);
        babyai_step(env, action, &reward, &terminated, &truncated);
        last = (int)action;
    } while (!terminated && !truncated);
    assert_true(terminated && reward == 1 - 0.9 * ((double)babyai_steps(env) / 64));
    babyai_bot_free(bot);
    babyai_free(env);
}

static void misuse_is_refused(void **state)
{
    (void)state;
    triad_error err;
    babyai_env *env;
    babyai_bot *bot = NULL;
    assert_int_equal(babyai_create(&env, NULL, &err), TRIAD_ERR_ARGUMENT);
    assert_null(env);
    assert_int_equal(babyai_create(&env, babyai_level_find("GoToLocal"), &err), TRIAD_OK);
    uint8_t rgb[3];
    double reward = 1;
    bool terminated = true, truncated = true;
    assert_int_equal(babyai_bot_create(&bot, env, &err), TRIAD_ERR_ARGUMENT); /* no episode yet */
    assert_null(bot);
    assert_int_equal(babyai_render(env, 8, true, false, rgb, &err), TRIAD_ERR_ARGUMENT);
    babyai_step(env, BABYAI_FORWARD, &reward, &terminated, &truncated);
    assert_true(reward == 0 && !terminated && !truncated);
    assert_string_equal(babyai_mission(env), "");
    assert_int_equal(babyai_reset_seed(env, 0, &err), TRIAD_OK);
    assert_int_equal(babyai_render(env, 0, true, false, rgb, &err), TRIAD_ERR_RANGE);
    assert_int_equal(babyai_render(env, 1000000, true, false, rgb, &err), TRIAD_ERR_RANGE);
    babyai_episode episode = {0};
    bool solved;
    assert_int_equal(babyai_demonstrate(&episode, &solved, &env, &bot, babyai_level_find("OpenDoor"), 0, &err),
                     TRIAD_ERR_ARGUMENT);
    babyai_episode_free(&episode);
    babyai_free(env);
    babyai_free(NULL);
    babyai_bot_free(NULL);
    babyai_batch_free(NULL);
}

/* The reference never returns from this reset. */
static void endless_generation_is_an_error(void **state)
{
    (void)state;
    triad_error err;
    babyai_env *env = fresh("SynthS5R2", 3);
    assert_int_equal(babyai_reset(env, &err), TRIAD_ERR_GENERATION);
    assert_non_null(strstr(err.text, "SynthS5R2"));
    bool terminated, truncated;
    babyai_step(env, BABYAI_FORWARD, NULL, &terminated, &truncated);
    assert_int_equal(babyai_reset_seed(env, 4, &err), TRIAD_OK);
    babyai_free(env);
}

static void the_expert_gives_up(void **state)
{
    (void)state;
    triad_error err;
    babyai_env *env = fresh("KeyInBox", 0);
    babyai_bot *bot;
    babyai_action action;
    assert_int_equal(babyai_bot_create(&bot, env, &err), TRIAD_OK);
    triad_status status = TRIAD_OK;
    for (int i = 0, last = -1; i < 1000 && status == TRIAD_OK; i++) {
        bool terminated, truncated;
        status = babyai_bot_act(bot, last, &action, &err);
        if (status == TRIAD_OK) babyai_step(env, action, NULL, &terminated, &truncated);
        last = (int)action;
    }
    assert_int_equal(status, TRIAD_ERR_NOT_FOUND);
    assert_int_equal(babyai_bot_act(bot, -1, &action, &err), TRIAD_ERR_NOT_FOUND); /* for good */
    babyai_free(env);
    env = fresh("GoToLocal", 0);
    assert_int_equal(babyai_bot_restart(bot, env, &err), TRIAD_OK);
    assert_int_equal(babyai_bot_act(bot, -1, &action, &err), TRIAD_OK);
    babyai_bot_free(bot);
    babyai_free(env);
}

static void arguments(const babyai_level **levels, uint64_t *seeds, size_t n)
{
    const char *const names[] = {"GoToLocal", "BossLevel", "PutNextS5N2Carrying",
                                 "KeyInBox",  "OpenDoor",  "MiniBossLevel"};
    for (size_t i = 0; i < n; i++) {
        levels[i] = babyai_level_find(names[i % (sizeof names / sizeof *names)]);
        seeds[i] = 1000 + i;
    }
}

/* Rewards, ends, observations and missions of every step; action_seed moves the actions. */
static uint64_t play_batch(int threads, uint64_t action_seed, uint64_t seed_offset, uint64_t *each)
{
    static const babyai_level *levels[ENVS];
    static uint64_t seeds[ENVS];
    static uint8_t action[ENVS], observation[ENVS * BABYAI_OBSERVATION], direction[ENVS], terminated[ENVS],
        truncated[ENVS], final_observation[ENVS * BABYAI_OBSERVATION], final_direction[ENVS];
    memset(final_observation, 0, sizeof final_observation);
    memset(final_direction, 0, sizeof final_direction);
    static float reward[ENVS];
    triad_error err;
    triad_pool *pool = NULL;
    babyai_batch *batch;
    arguments(levels, seeds, ENVS);
    for (size_t i = 0; i < ENVS; i++) seeds[i] += seed_offset;
    if (threads > 1) assert_int_equal(triad_pool_create(&pool, threads, &err), TRIAD_OK);
    assert_int_equal(babyai_batch_create(&batch, ENVS, levels, seeds, &err), TRIAD_OK);
    const babyai_io io = {.action = action,
                          .observation = observation,
                          .direction = direction,
                          .reward = reward,
                          .terminated = terminated,
                          .truncated = truncated,
                          .final_observation = final_observation,
                          .final_direction = final_direction};
    assert_int_equal(babyai_batch_reset(batch, pool, &io, &err), TRIAD_OK);
    uint64_t h = digest(0xcbf29ce484222325, observation, sizeof observation);
    for (size_t i = 0; each && i < ENVS; i++)
        each[i] = digest(0, observation + i * BABYAI_OBSERVATION, BABYAI_OBSERVATION);
    uint64_t z = action_seed;
    for (int step = 0; step < STEPS; step++) {
        for (size_t i = 0; i < ENVS; i++) {
            z = z * 6364136223846793005 + 1442695040888963407;
            action[i] = (uint8_t)((z >> 33) % BABYAI_ACTIONS);
        }
        assert_int_equal(babyai_batch_step(batch, pool, &io, &err), TRIAD_OK);
        h = digest(h, observation, sizeof observation);
        h = digest(h, direction, sizeof direction);
        h = digest(h, reward, sizeof reward);
        h = digest(h, terminated, sizeof terminated);
        h = digest(h, truncated, sizeof truncated);
        h = digest(h, final_observation, sizeof final_observation);
        h = digest(h, final_direction, sizeof final_direction);
        for (size_t i = 0; i < ENVS; i++) {
            h = digest(h, babyai_batch_mission(batch, i), strlen(babyai_batch_mission(batch, i)));
            if (!each) continue;
            each[i] = digest(each[i], observation + i * BABYAI_OBSERVATION, BABYAI_OBSERVATION);
            each[i] = digest(each[i], &direction[i], 1);
            each[i] = digest(each[i], &reward[i], sizeof reward[i]);
            each[i] = digest(each[i], (const uint8_t[]){terminated[i], truncated[i]}, 2);
            if (!terminated[i] && !truncated[i]) continue;
            each[i] = digest(each[i], final_observation + i * BABYAI_OBSERVATION, BABYAI_OBSERVATION);
            each[i] = digest(each[i], &final_direction[i], 1);
        }
    }
    babyai_batch_free(batch);
    triad_pool_free(pool);
    return h;
}

static void threads_change_nothing(void **state)
{
    (void)state;
    const uint64_t one = play_batch(1, 5, 0, NULL);
    assert_true(play_batch(2, 5, 0, NULL) == one);
    assert_true(play_batch(3, 5, 0, NULL) == one);
    assert_true(play_batch(1, 6, 0, NULL) != one);
    assert_true(play_batch(1, 5, 1, NULL) != one);
}

static void a_batch_is_its_environments(void **state)
{
    (void)state;
    static uint64_t each[ENVS];
    const babyai_level *levels[ENVS];
    uint64_t seeds[ENVS], z = 5;
    play_batch(2, 5, 0, each);
    arguments(levels, seeds, ENVS);
    static uint8_t actions[STEPS][ENVS];
    for (int step = 0; step < STEPS; step++)
        for (size_t i = 0; i < ENVS; i++) {
            z = z * 6364136223846793005 + 1442695040888963407;
            actions[step][i] = (uint8_t)((z >> 33) % BABYAI_ACTIONS);
        }
    for (size_t i = 0; i < ENVS; i++) {
        babyai_env *env;
        uint8_t image[BABYAI_OBSERVATION], direction;
        assert_int_equal(babyai_create(&env, levels[i], NULL), TRIAD_OK);
        assert_int_equal(babyai_reset_seed(env, seeds[i], NULL), TRIAD_OK);
        babyai_observe(env, image, &direction);
        uint64_t h = digest(0, image, sizeof image);
        for (int step = 0; step < STEPS; step++) {
            double reward;
            bool terminated, truncated;
            babyai_step(env, (babyai_action)actions[step][i], &reward, &terminated, &truncated);
            uint8_t last[BABYAI_OBSERVATION], last_direction;
            babyai_observe(env, last, &last_direction);
            if (terminated || truncated) assert_int_equal(babyai_reset(env, NULL), TRIAD_OK);
            const float single = (float)reward;
            h = digest(see(h, env), &single, sizeof single);
            h = digest(h, (const uint8_t[]){terminated, truncated}, 2);
            if (terminated || truncated) h = digest(digest(h, last, sizeof last), &last_direction, 1);
        }
        assert_true(h == each[i]);
        babyai_free(env);
    }
}

static void batches_refuse(void **state)
{
    (void)state;
    triad_error err;
    babyai_batch *batch = NULL;
    const babyai_level *levels[2] = {babyai_level_find("GoToLocal"), NULL};
    const uint64_t seeds[2] = {0, 1};
    assert_int_equal(babyai_batch_create(&batch, 0, levels, seeds, &err), TRIAD_ERR_ARGUMENT);
    assert_int_equal(babyai_batch_create(&batch, 2, levels, seeds, &err), TRIAD_ERR_ARGUMENT);
    assert_null(batch);
    levels[1] = babyai_level_find("SynthS5R2");
    assert_int_equal(babyai_batch_create(&batch, 2, levels, (const uint64_t[]){0, 3}, &err), TRIAD_OK);
    uint8_t action[2] = {0, BABYAI_ACTIONS}, observation[2 * BABYAI_OBSERVATION], direction[2], terminated[2],
            truncated[2];
    float reward[2];
    const babyai_io io = {.action = action,
                          .observation = observation,
                          .direction = direction,
                          .reward = reward,
                          .terminated = terminated,
                          .truncated = truncated};
    assert_int_equal(babyai_batch_reset(batch, NULL, &io, &err), TRIAD_OK);
    assert_int_equal(babyai_batch_step(batch, NULL, &io, &err), TRIAD_ERR_RANGE);
    assert_int_equal(err.position, 1);
    action[1] = BABYAI_DONE;
    assert_int_equal(babyai_batch_reset(batch, NULL, &io, &err),
                     TRIAD_ERR_GENERATION); /* the second of this stream never ends */
    assert_int_equal(err.position, 1);
    assert_int_equal(babyai_batch_step(batch, NULL, &io, &err),
                     TRIAD_ERR_GENERATION); /* until it is given another seed */
    assert_int_equal(babyai_batch_restart(batch, 2, 4, &io, &err), TRIAD_ERR_RANGE);
    assert_int_equal(babyai_batch_restart(batch, 1, 4, &io, &err), TRIAD_OK);
    uint8_t image[BABYAI_OBSERVATION], looks;
    babyai_env *same = fresh("SynthS5R2", 4);
    babyai_observe(same, image, &looks);
    assert_memory_equal(observation + BABYAI_OBSERVATION, image, sizeof image);
    assert_int_equal(direction[1], looks);
    assert_string_equal(babyai_batch_mission(batch, 1), babyai_mission(same));
    babyai_free(same);
    assert_int_equal(babyai_batch_step(batch, NULL, &io, &err), TRIAD_OK);
    assert_int_equal(babyai_batch_count(batch), 2);
    babyai_batch_free(batch);
    assert_int_equal(babyai_batch_create(&batch, 2, levels, seeds, &err), TRIAD_OK);
    assert_int_equal(babyai_batch_step(batch, NULL, &io, &err), TRIAD_ERR_GENERATION); /* not reset yet */
    assert_int_equal(err.position, 0);
    babyai_batch_free(batch);
}

static void frames_have_their_size(void **state)
{
    (void)state;
    babyai_env *env = fresh("PutNextS5N2", 0);
    size_t height, width;
    babyai_frame_size(env, 10, false, &height, &width);
    assert_true(height == 50 && width == 90);
    babyai_frame_size(env, 10, true, &height, &width);
    assert_true(height == 70 && width == 70);
    static uint8_t lit[50 * 90 * 3], plain[50 * 90 * 3];
    assert_int_equal(babyai_render(env, 10, true, false, lit, NULL), TRIAD_OK);
    assert_int_equal(babyai_render(env, 10, false, false, plain, NULL), TRIAD_OK);
    size_t brighter = 0;
    for (size_t i = 0; i < sizeof lit; i++) {
        assert_true(lit[i] >= plain[i]);
        brighter += lit[i] > plain[i];
    }
    assert_true(brighter > 0);
    babyai_free(env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_are_found),
        cmocka_unit_test(a_seed_is_an_episode),
        cmocka_unit_test(episodes_end),
        cmocka_unit_test(misuse_is_refused),
        cmocka_unit_test(endless_generation_is_an_error),
        cmocka_unit_test(the_expert_gives_up),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(a_batch_is_its_environments),
        cmocka_unit_test(batches_refuse),
        cmocka_unit_test(frames_have_their_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
