#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "folder.h"
#include "formats/safetensors.h"
#include "triad/babyai.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static triad_status record(const char *path, const char *names, size_t n, uint64_t seed, bool compact, int threads,
                           size_t *failed, triad_error *err)
{
    const babyai_level *levels[8];
    size_t count = 0;
    char copy[256];
    snprintf(copy, sizeof copy, "%s", names);
    for (char *name = strtok(copy, ","); name; name = strtok(NULL, ",")) levels[count++] = babyai_level_find(name);
    triad_pool *pool = NULL;
    if (threads > 1) assert_int_equal(triad_pool_create(&pool, threads, NULL), TRIAD_OK);
    const triad_status status = babyai_demos_write(path, levels, count, n, seed, compact, pool, NULL, failed, err);
    triad_pool_free(pool);
    return status;
}

static bool same_bytes(const char *a, const char *b)
{
    triad_mapping x, y;
    assert_int_equal(triad_map_file(&x, a, NULL), TRIAD_OK);
    assert_int_equal(triad_map_file(&y, b, NULL), TRIAD_OK);
    const bool same = x.size == y.size && memcmp(x.data, y.data, x.size) == 0;
    triad_unmap(&x);
    triad_unmap(&y);
    return same;
}

static void threads_change_nothing(void **state)
{
    (void)state;
    const char *const levels = "GoToLocal,PickupDistDebug,MiniBossLevel"; /* the second is sometimes failed */
    size_t failed[3];
    for (int threads = 1; threads <= 3; threads++) {
        char name[16];
        snprintf(name, sizeof name, "%d", threads);
        assert_int_equal(record(in_folder(name), levels, 300, 17, false, threads, &failed[threads - 1], NULL),
                         TRIAD_OK);
    }
    assert_true(failed[0] > 0 && failed[1] == failed[0] && failed[2] == failed[0]);
    assert_true(same_bytes(in_folder("1"), in_folder("2")));
    assert_true(same_bytes(in_folder("1"), in_folder("3")));
    assert_int_equal(record(in_folder("other"), levels, 300, 18, false, 1, NULL, NULL), TRIAD_OK);
    assert_false(same_bytes(in_folder("1"), in_folder("other")));
}

static void compact_replays_to_the_same(void **state)
{
    (void)state;
    babyai_demos *full, *compact;
    babyai_episode a = {0}, b = {0}, c = {0};
    babyai_env *env = NULL, *fresh = NULL;
    babyai_bot *bot = NULL;
    const char *const levels = "GoToLocal,PutNextLocal,Unlock";
    assert_int_equal(record(in_folder("full"), levels, 60, 5, false, 2, NULL, NULL), TRIAD_OK);
    assert_int_equal(record(in_folder("compact"), levels, 60, 5, true, 1, NULL, NULL), TRIAD_OK);
    assert_int_equal(babyai_demos_open(&full, in_folder("full"), NULL), TRIAD_OK);
    assert_int_equal(babyai_demos_open(&compact, in_folder("compact"), NULL), TRIAD_OK);
    assert_int_equal(babyai_demos_count(full), 180);
    assert_int_equal(babyai_demos_steps(full), babyai_demos_steps(compact));
    size_t steps = 0;
    for (size_t i = 0; i < 180; i++) {
        bool solved;
        assert_int_equal(babyai_demos_read(full, i, &a, &env, NULL), TRIAD_OK);
        assert_int_equal(babyai_demos_read(compact, i, &b, &env, NULL), TRIAD_OK);
        if (fresh && babyai_env_level(fresh) != a.level) {
            babyai_free(fresh);
            fresh = NULL;
        }
        assert_int_equal(babyai_demonstrate(&c, &solved, &fresh, &bot, a.level, a.seed, NULL), TRIAD_OK);
        assert_true(solved);
        const babyai_episode *const others[] = {&b, &c};
        for (int k = 0; k < 2; k++) {
            assert_ptr_equal(others[k]->level, a.level);
            assert_true(others[k]->seed == a.seed && others[k]->steps == a.steps);
            assert_string_equal(others[k]->mission, a.mission);
            assert_memory_equal(others[k]->action, a.action, a.steps);
            assert_memory_equal(others[k]->direction, a.direction, a.steps);
            assert_memory_equal(others[k]->observation, a.observation, a.steps * BABYAI_OBSERVATION);
        }
        steps += a.steps;
    }
    assert_int_equal(steps, babyai_demos_steps(full));
    triad_error err;
    assert_int_equal(babyai_demos_read(full, 180, &a, &env, &err), TRIAD_ERR_RANGE);
    babyai_demos_close(full);
    babyai_demos_close(compact);
    babyai_demos_close(NULL);
    babyai_episode_free(&a);
    babyai_episode_free(&b);
    babyai_episode_free(&c);
    babyai_free(env);
    babyai_free(fresh);
    babyai_bot_free(bot);
}

static void what_cannot_be_recorded(void **state)
{
    (void)state;
    triad_error err;
    const char *path = in_folder("refused");
    assert_int_equal(record(path, "KeyInBox", 10, 0, false, 1, NULL, &err), TRIAD_ERR_RANGE);
    assert_non_null(strstr(err.text, "KeyInBox"));
    assert_int_equal(record(path, "GoToLocal", 0, 0, false, 1, NULL, &err), TRIAD_ERR_ARGUMENT);
    assert_int_equal(record(path, "GoToLocal,GoToLocal", 1, 0, false, 1, NULL, &err), TRIAD_ERR_ARGUMENT);
    assert_int_equal(record(path, "GoToLocal", 11, 999999990, false, 1, NULL, &err),
                     TRIAD_ERR_RANGE); /* into the validation's seeds */
    assert_int_equal(record(path, "GoToLocal", 1, UINT64_MAX - 5, false, 1, NULL, &err), TRIAD_ERR_RANGE);
    assert_false(triad_path_exists(path));
    assert_int_equal(record(in_folder("edge"), "GoToLocal", 10, 999999990, false, 1, NULL, &err), TRIAD_OK);
    assert_int_equal(record(in_folder("edge"), "GoToLocal", 10, 1000000000, false, 1, NULL, &err), TRIAD_OK);
    assert_int_equal(record("/nowhere/at/all", "GoToLocal", 1, 0, false, 1, NULL, &err), TRIAD_ERR_IO);
}

/* A small file of our own making, with one thing wrong. */
typedef struct forged {
    int64_t start[3], seed[2], offsets[2];
    int32_t level[2], mission[2];
    uint8_t action[4], direction[4], observation[4 * BABYAI_OBSERVATION];
    const char *text, *format, *levels;
} forged;

static triad_status open_forged(const forged *f, triad_error *err)
{
    const tensor_view tensors[] = {
        {.name = "episode_start", .dtype = TENSOR_I64, .rank = 1, .shape = {3}, .data = f->start},
        {.name = "seed", .dtype = TENSOR_I64, .rank = 1, .shape = {2}, .data = f->seed},
        {.name = "mission_offsets", .dtype = TENSOR_I64, .rank = 1, .shape = {2}, .data = f->offsets},
        {.name = "level", .dtype = TENSOR_I32, .rank = 1, .shape = {2}, .data = f->level},
        {.name = "mission", .dtype = TENSOR_I32, .rank = 1, .shape = {2}, .data = f->mission},
        {.name = "mission_text", .dtype = TENSOR_U8, .rank = 1, .shape = {strlen(f->text)}, .data = f->text},
        {.name = "action", .dtype = TENSOR_U8, .rank = 1, .shape = {4}, .data = f->action},
        {.name = "direction", .dtype = TENSOR_U8, .rank = 1, .shape = {4}, .data = f->direction},
        {.name = "observation", .dtype = TENSOR_U8, .rank = 4, .shape = {4, 7, 7, 3}, .data = f->observation},
    };
    const safetensors_pair metadata[] = {{"format", f->format}, {"levels", f->levels}};
    const char *path = in_folder("forged");
    assert_int_equal(safetensors_write(path, tensors, sizeof tensors / sizeof *tensors, metadata, 2, NULL), TRIAD_OK);
    babyai_demos *demos;
    const triad_status status = babyai_demos_open(&demos, path, err);
    babyai_demos_close(demos);
    return status;
}

static void files_are_checked(void **state)
{
    (void)state;
    const forged good = {.start = {0, 3, 4},
                         .seed = {1, 2},
                         .offsets = {0, 14},
                         .text = "go to the ball",
                         .format = "triad.demos",
                         .levels = "GoToLocal"};
    triad_error err;
    assert_int_equal(open_forged(&good, &err), TRIAD_OK);
    static forged f[32];
    size_t count = 0;
    for (size_t i = 0; i < sizeof f / sizeof *f; i++) f[i] = good;
    f[count++].start[1] = 5;
    f[count++].start[1] = 0;
    f[count++].start[0] = 1;
    f[count++].start[2] = INT64_MAX;
    f[count++].start[1] = INT64_MAX;
    f[count++].start[1] = INT64_MIN;
    f[count++].start[1] = 4; /* an episode without steps */
    f[count++].seed[1] = -1;
    f[count++].offsets[1] = 13;
    f[count++].offsets[0] = -1;
    f[count++].level[1] = 1;
    f[count++].level[0] = -1;
    f[count++].mission[1] = 1;
    f[count++].action[3] = 7;
    f[count++].direction[0] = 4;
    f[count++].text = "go to the\nball";
    f[count++].format = "triad.space";
    f[count++].levels = "GoToLocal,Nowhere";
    f[count++].levels = "";
    f[count++].levels = "GoToLocal,";
    f[count++].levels = "GoToLocalGoToLocalGoToLocalGoToLocalGoToLocalGoToLocalGoToLocalGoToLocal";
    f[count++].observation[3] = 3;                                     /* a floor */
    f[count++].observation[4 * BABYAI_OBSERVATION - 3] = 255;          /* nothing at all */
    f[count++].observation[1] = 1;                                     /* unseen, in a colour */
    memcpy(f[count++].observation + 3, (const uint8_t[]){2, 0, 0}, 3); /* a red wall */
    memcpy(f[count++].observation + 3, (const uint8_t[]){4, 0, 3}, 3); /* a door in no state */
    memcpy(f[count++].observation + 3, (const uint8_t[]){6, 6, 0}, 3); /* a ball of no colour */
    memcpy(f[count++].observation + 3, (const uint8_t[]){5, 0, 1}, 3); /* an open key */
    for (size_t i = 0; i < count; i++)
        if (open_forged(&f[i], &err) != TRIAD_ERR_FORMAT || strchr(err.text, '\n') || !strstr(err.text, "forged: "))
            fail_msg("case %zu: %s", i, err.text);
    forged whole = good; /* all that an observation can hold */
    static const uint8_t cells[][3] = {{0, 0, 0}, {1, 0, 0}, {2, 5, 0}, {4, 5, 0}, {4, 0, 1},
                                       {4, 2, 2}, {5, 3, 0}, {6, 4, 0}, {7, 1, 0}};
    memcpy(whole.observation, cells, sizeof cells);
    assert_int_equal(open_forged(&whole, &err), TRIAD_OK);
    babyai_demos *demos;
    assert_int_equal(babyai_demos_open(&demos, in_folder("absent"), &err), TRIAD_ERR_NOT_FOUND);
    assert_null(demos);
}

/* The compact form is only as good as its actions and missions. */
static void replays_are_checked(void **state)
{
    (void)state;
    babyai_episode episode = {0};
    babyai_env *env = NULL;
    triad_error err;
    const uint8_t action[] = {0, 7};
    assert_int_equal(babyai_replay(&episode, &env, babyai_level_find("GoToLocal"), 0, action, 2, &err),
                     TRIAD_ERR_RANGE);
    assert_int_equal(err.position, 1);
    babyai_episode_free(&episode);
    babyai_free(env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_change_nothing),  cmocka_unit_test(compact_replays_to_the_same),
        cmocka_unit_test(what_cannot_be_recorded), cmocka_unit_test(files_are_checked),
        cmocka_unit_test(replays_are_checked),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
