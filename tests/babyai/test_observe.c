/* What many see side by side is what each sees alone, cell by cell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "babyai/observe.h"

#include <stdlib.h>
#include <string.h>

enum { ENVS = 37, STEPS = 200, GUARD = 0xa5 };

static void side_by_side(observe_look *look)
{
    babyai_env *env[ENVS];
    uint8_t *images = malloc(ENVS * BABYAI_OBSERVATION + 1), directions[ENVS];
    assert_non_null(images);
    uint64_t random = 1;
    size_t next = 0; /* levels in turn, so that neighbours have grids of other sizes */
    for (size_t round = 0; round < 6; round++) {
        for (size_t i = 0; i < ENVS; i++) {
            assert_int_equal(babyai_create(&env[i], babyai_level_at(next++ % babyai_level_count()), NULL), TRIAD_OK);
            assert_int_equal(babyai_reset_seed(env[i], 100 + i, NULL), TRIAD_OK);
        }
        for (int step = 0; step < STEPS; step++) {
            const size_t n = 1 + (size_t)step % ENVS;
            memset(images, GUARD, ENVS * BABYAI_OBSERVATION + 1);
            look((const babyai_env *const *)env, n, images, directions);
            for (size_t i = 0; i < n; i++) {
                uint8_t image[BABYAI_OBSERVATION], direction;
                babyai_observe_plain(env[i], image, &direction);
                if (env[i]->first_look && look != babyai_look) continue; /* babyai_look's own affair */
                assert_memory_equal(images + i * BABYAI_OBSERVATION, image, BABYAI_OBSERVATION);
                assert_int_equal(directions[i], direction);
            }
            for (size_t b = n * BABYAI_OBSERVATION; b <= ENVS * BABYAI_OBSERVATION; b++)
                assert_int_equal(images[b], GUARD);
            for (size_t i = 0; i < ENVS; i++) {
                bool terminated, truncated;
                const int action = (int)((triad_splitmix64(&random) >> 32) * BABYAI_ACTIONS >> 32);
                babyai_step(env[i], (babyai_action)action, NULL, &terminated, &truncated);
            }
        }
        for (size_t i = 0; i < ENVS; i++) babyai_free(env[i]);
    }
    free(images);
}

static void chosen(void **state)
{
    (void)state;
    side_by_side(babyai_look);
}

static void base(void **state)
{
    (void)state;
    side_by_side(observe_look_base);
}

static void avx512vbmi(void **state)
{
    (void)state;
    if (!observe_has_avx512vbmi()) skip();
    side_by_side(observe_look_avx512vbmi);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(chosen), cmocka_unit_test(base), cmocka_unit_test(avx512vbmi)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
