#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct vector {
    uint64_t seed, state_high, state_low, inc_high, inc_low;
    uint32_t draw[4];
    int die[8];
    double uniform;
} vector;

/* State and increment after seeding, then the first draws. */
static void vectors(void **state)
{
    (void)state;
    static const vector known[] = {
        {0,
         0x1aa1b5345996452d,
         0x09585eb7a69561e3,
         0x418ddadb3af71a82,
         0x588133bc447873a9,
         {0xd9c2825f, 0xa30febcf, 0x82d9d721, 0x4510bdf8},
         {1, 0, 0, 0, 1, 4, 3, 5},
         0.6066357757671799},
        {1000,
         0x7898498834207dbd,
         0x9856459edde92ce9,
         0x5993447a270c2128,
         0x1db6fe26ae351b11,
         {0x3426fdaf, 0x85798925, 0xd932230d, 0x9a956118},
         {4, 2, 1, 1, 3, 3, 1, 1},
         0.2815455986418517},
    };
    for (size_t i = 0; i < 2; i++) {
        const vector *v = &known[i];
        triad_pcg64 rng;
        triad_pcg64_seed(&rng, v->seed);
        assert_true((uint64_t)(rng.state >> 64) == v->state_high && (uint64_t)rng.state == v->state_low);
        assert_true((uint64_t)(rng.inc >> 64) == v->inc_high && (uint64_t)rng.inc == v->inc_low);
        for (size_t k = 0; k < 4; k++) assert_int_equal(triad_pcg64_next32(&rng), v->draw[k]);
        for (size_t k = 0; k < 8; k++) assert_int_equal(triad_pcg64_integers(&rng, 0, 6), v->die[k]);
        assert_true(triad_pcg64_uniform(&rng) == v->uniform);
    }
}

/* base/rng.tsv, as tools/rng_golden.py writes it. */
static void numpy(void **state)
{
    (void)state;
    FILE *file = fopen("base/rng.tsv", "r");
    assert_non_null(file);
    char *line = NULL;
    size_t capacity = 0, lines = 0, draws = 0;
    while (getline(&line, &capacity, file) > 0) {
        char *rest = line, *seed = strsep(&rest, "\t"), *begin = strsep(&rest, "\t");
        uint32_t words[16];
        size_t count = 0;
        for (char *word; (word = strsep(&seed, ",")) != NULL;) words[count++] = (uint32_t)strtoul(word, NULL, 10);
        triad_pcg64 rng;
        triad_pcg64_seed_words(&rng, words, count);
        char text[33];
        snprintf(text, sizeof text, "%016llx%016llx", (unsigned long long)(uint64_t)(rng.state >> 64),
                 (unsigned long long)(uint64_t)rng.state);
        assert_string_equal(text, begin);
        if (count <= 2 && !(count == 2 && words[1] == 0)) {
            triad_pcg64 same;
            triad_pcg64_seed(&same, words[0] | (count == 2 ? (uint64_t)words[1] << 32 : 0));
            assert_true(same.state == rng.state && same.inc == rng.inc);
        }
        for (char *draw; (draw = strsep(&rest, " \n")) != NULL;) {
            if (*draw == 0) continue;
            draws++;
            if (draw[0] == 'i') {
                char *value;
                const int64_t high = strtoll(draw + 2, &value, 10);
                assert_int_equal(triad_pcg64_integers(&rng, 0, high), strtoll(value + 1, NULL, 10));
            } else if (draw[0] == 'u') {
                assert_true(triad_pcg64_uniform(&rng) == strtod(draw + 2, NULL));
            } else {
                assert_int_equal(triad_pcg64_next64(&rng), strtoull(draw + 2, NULL, 10));
            }
        }
        lines++;
    }
    free(line);
    fclose(file);
    assert_int_equal(lines, 27);
    assert_int_equal(draws, 27 * 34);
}

static void ranges(void **state)
{
    (void)state;
    triad_pcg64 rng, before;
    triad_pcg64_seed(&rng, 3);
    before = rng;
    assert_int_equal(triad_pcg64_integers(&rng, 5, 6), 5); /* the only possible result costs no draw */
    assert_true(rng.state == before.state && !rng.has_buffered);
    for (int i = 0; i < 10000; i++) {
        const int64_t value = triad_pcg64_integers(&rng, -3, 4);
        assert_true(value >= -3 && value < 4);
        const double u = triad_pcg64_uniform(&rng);
        assert_true(u >= 0 && u < 1);
    }
}

static void normal(void **state)
{
    (void)state;
    enum { N = 200000 };
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 11);
    double sum = 0, square = 0, fourth = 0;
    for (int i = 0; i < N; i++) {
        const double z = triad_pcg64_normal(&rng);
        assert_true(isfinite(z));
        sum += z;
        square += z * z;
        fourth += z * z * z * z;
    }
    /* Five standard errors. */
    assert_true(fabs(sum / N) < 5 / sqrt(N));
    assert_true(fabs(square / N - 1) < 5 * sqrt(2.0 / N));
    assert_true(fabs(fourth / N - 3) < 5 * sqrt(96.0 / N));
}

static void shuffle(void **state)
{
    (void)state;
    size_t order[5], seen[5][5] = {{0}};
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 4);
    enum { TURNS = 20000 };
    for (int turn = 0; turn < TURNS; turn++) {
        for (size_t i = 0; i < 5; i++) order[i] = i;
        triad_pcg64_shuffle(&rng, order, 5);
        unsigned mask = 0;
        for (size_t i = 0; i < 5; i++) {
            mask |= 1U << order[i];
            seen[i][order[i]]++;
        }
        assert_int_equal(mask, 31);
    }
    /* Every element in every place equally often. */
    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 5; k++) assert_true(fabs((double)seen[i][k] - TURNS / 5.0) < 5 * sqrt(TURNS * 0.16));
    const triad_pcg64 before = rng;
    triad_pcg64_shuffle(&rng, order, 1);
    triad_pcg64_shuffle(&rng, NULL, 0);
    assert_true(rng.state == before.state);
}

static void splitmix(void **state)
{
    (void)state;
    /* The published first outputs for the seed 1234567. */
    uint64_t s = 1234567;
    static const uint64_t known[] = {6457827717110365317U, 3203168211198807973U, 9817491932198370423U,
                                     4593380528125082431U, 16408922859458223821U};
    for (size_t i = 0; i < 5; i++) assert_int_equal(triad_splitmix64(&s), known[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors), cmocka_unit_test(numpy),   cmocka_unit_test(ranges),
        cmocka_unit_test(normal),  cmocka_unit_test(shuffle), cmocka_unit_test(splitmix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
