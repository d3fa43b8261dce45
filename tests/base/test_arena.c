#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"

#include <string.h>

static void allocations(void **state)
{
    (void)state;
    triad_arena arena = {0};
    unsigned char *last = NULL;
    for (size_t i = 0; i < 2000; i++) {
        unsigned char *bytes = triad_arena_alloc(&arena, i, 3);
        assert_non_null(bytes);
        assert_int_equal((uintptr_t)bytes % 64, 0);
        assert_ptr_not_equal(bytes, last); /* nothing has an address of its own too */
        memset(bytes, (int)i, 3 * i);
        last = bytes;
    }
    assert_true(arena.used >= 3 * 1999 * 1000);
    assert_int_equal(arena.used, arena.peak);
    const int *zeros = TRIAD_NEW0(&arena, int, 1000);
    for (size_t i = 0; i < 1000; i++) assert_int_equal(zeros[i], 0);
    assert_string_equal(triad_arena_strdup(&arena, "levels"), "levels");
    assert_string_equal(triad_arena_strndup(&arena, "levels", 3), "lev");
    assert_string_equal(triad_arena_strndup(&arena, NULL, 0), "");
    triad_arena_free(&arena);
    assert_int_equal(arena.used, 0);
    triad_arena_free(&arena);
    triad_arena_free(NULL);
}

static void too_much(void **state)
{
    (void)state;
    triad_arena arena = {0};
    assert_null(triad_arena_alloc(&arena, SIZE_MAX, 2));
    assert_null(triad_arena_alloc(&arena, SIZE_MAX, 1));
    assert_null(triad_arena_alloc(&arena, SIZE_MAX - 63, 1));
    assert_null(triad_arena_alloc(&arena, SIZE_MAX / 2 + 2, 2));
    assert_null(triad_arena_zalloc(&arena, SIZE_MAX / 4, 8));
    assert_null(triad_arena_strndup(&arena, "x", SIZE_MAX));
    assert_int_equal(arena.used, 0);
    assert_non_null(triad_arena_alloc(&arena, 10, 10));
    triad_arena_free(&arena);
}

static void marks(void **state)
{
    (void)state;
    triad_arena arena;
    triad_arena_init(&arena, 1024);
    const triad_arena_mark empty = triad_arena_save(&arena);
    char *kept = triad_arena_strdup(&arena, "kept");
    const triad_arena_mark mark = triad_arena_save(&arena);
    void *first = NULL;
    for (int turn = 0; turn < 100; turn++) {
        void *small = triad_arena_alloc(&arena, 100, 1), *large = triad_arena_alloc(&arena, 100000, 1);
        assert_non_null(small);
        assert_non_null(large);
        memset(large, turn, 100000);
        if (turn == 0) first = large;
        assert_ptr_equal(large, first); /* the block that a rewind gives back is taken again */
        const triad_arena_mark inner = triad_arena_save(&arena);
        assert_non_null(triad_arena_alloc(&arena, 5000, 1));
        triad_arena_rewind(&arena, inner);
        assert_int_equal(((unsigned char *)large)[99999], turn);
        triad_arena_rewind(&arena, mark);
        assert_int_equal(arena.used, 64);
    }
    assert_string_equal(kept, "kept");
    assert_true(arena.peak > 100000);
    triad_arena_rewind(&arena, empty);
    assert_int_equal(arena.used, 0);
    assert_ptr_equal(triad_arena_alloc(&arena, 5, 1), kept);
    triad_arena_free(&arena);

    /* Nothing was ever allocated. */
    triad_arena_rewind(&arena, (triad_arena_mark){0});
    triad_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(allocations), cmocka_unit_test(too_much),
                                       cmocka_unit_test(marks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
