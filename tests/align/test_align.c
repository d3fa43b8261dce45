/* Alignment on spaces whose truth is known: invariances, symmetry, both nulls, what is undefined, what is refused. */
#include "triad/align.h"

#include "align/draws.h"
#include "align/pair.h"
#include "align/statistics.h"
#include "base/rng.h"

#include <cblas.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const COLOURS[] = {"red", "green", "blue", "grey"}, *const OBJECTS[] = {"ball", "box", "key"},
                         *const VERBS[] = {"go to", "pick up"};
#define ROWS ((size_t)24)
#define WORDS ((size_t)9)
#define IDEAS ((size_t)4) /* dimensions of what words mean: few, so that distances differ */

/* Every verb, colour and object: a row is the sum of its words' vectors. `shared` of the vectors is common to spaces of
 * one `meaning`. */
static void make_space(triad_space *space, uint64_t seed, uint64_t meaning, double shared, size_t d, size_t skip)
{
    triad_pcg64 own, common;
    triad_pcg64_seed(&own, seed);
    triad_pcg64_seed(&common, meaning);
    double concept[WORDS][IDEAS], *turn = malloc(IDEAS * d * sizeof *turn), *word = calloc(WORDS * d, sizeof *word);
    for (size_t w = 0; w < WORDS; w++)
        for (size_t c = 0; c < IDEAS; c++) concept[w][c] = triad_pcg64_normal(&common);
    for (size_t i = 0; i < IDEAS * d; i++) turn[i] = triad_pcg64_normal(&own) / 2;
    for (size_t w = 0; w < WORDS; w++)
        for (size_t c = 0; c < d; c++) {
            double meant = 0;
            for (size_t m = 0; m < IDEAS; m++) meant += concept[w][m] * turn[m * d + c];
            word[w * d + c] = shared * meant + (1 - shared) * triad_pcg64_normal(&own);
        }
    char text[ROWS][64];
    const char *id[ROWS], *cell[ROWS * 3], *factor[] = {"verb", "colour", "object"};
    size_t n = 0, words[ROWS][3];
    for (size_t i = 0; i < ROWS; i++) {
        const size_t v = i / 12, c = i / 3 % 4, o = i % 3;
        if (i < skip) continue;
        snprintf(text[n], sizeof text[n], "%s the %s %s", VERBS[v], COLOURS[c], OBJECTS[o]);
        id[n] = text[n];
        cell[3 * n] = VERBS[v];
        cell[3 * n + 1] = COLOURS[c];
        cell[3 * n + 2] = OBJECTS[o];
        words[n][0] = v;
        words[n][1] = 2 + c;
        words[n++][2] = 6 + o;
    }
    triad_items items;
    float *data;
    assert_int_equal(triad_items_create(&items, n, id, id, 3, factor, cell, NULL), TRIAD_OK);
    assert_int_equal(triad_space_create(space, &items, "test", "sum", "sentence", "baseline", NULL), TRIAD_OK);
    assert_int_equal(triad_space_add_layer(space, "0", n, d, &data, NULL), TRIAD_OK);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < d; c++) {
            double sum = 0;
            for (size_t k = 0; k < 3; k++) sum += word[words[i][k] * d + c];
            data[i * d + c] = (float)sum;
        }
    free(turn);
    free(word);
}

static triad_align_options quick(void)
{
    triad_align_options options = triad_align_defaults();
    options.permutations = 199;
    options.refits = 19;
    options.bootstraps = 50;
    return options;
}

static void run(triad_align_result *result, const triad_space *x, const triad_space *y,
                const triad_align_options *options, triad_pool *pool)
{
    triad_error err = {0};
    const triad_align_side sides[] = {{"x", x, NULL}, {"y", y, NULL}};
    const triad_status status = triad_align(result, sides, 2, NULL, 0, options, pool, NULL, &err);
    if (status != TRIAD_OK) fail_msg("%s", err.text);
}

static const triad_align_measure *of(const triad_align_result *result, const char *name)
{
    const triad_align_measure *measure = triad_align_find(&result->pair[0], name);
    if (measure == NULL) fail_msg("no measure %s", name);
    return measure;
}

/* ---- truth */

static void test_nulls(void **state)
{
    (void)state;
    triad_space shared[2], apart[2];
    triad_align_result result;
    const triad_align_options options = quick();
    static const char *const names[] = {"mutual_knn_frac/5", "cka_linear_debiased", "rsa/cosine/spearman"};
    for (size_t i = 0; i < 2; i++) {
        make_space(&shared[i], 10 + i, 1, 0.9, 100 + 20 * i, 0);
        make_space(&apart[i], 20 + i, 2 + i, 0.5, 40 + 20 * i, 0);
    }
    run(&result, &shared[0], &shared[1], &options, NULL);
    for (size_t i = 0; i < 3; i++) {
        const triad_align_measure *m = of(&result, names[i]);
        assert_true(m->iid.p <= 0.01 && m->relabel.p <= 0.05);
        assert_true(m->low <= m->value && m->value <= m->high);
    }
    assert_true(result.relabel.relabellings == 144); /* 4! colours, 3! objects; verbs stay */
    assert_true(fabs(result.relabel.smallest_p - 1.0 / 144) < 1e-12);
    assert_int_equal(result.relabel.left_out, 0);
    triad_align_result_free(&result);
    /* Nothing is shared but the words: shuffled rows reject, renamed words do not. */
    run(&result, &apart[0], &apart[1], &options, NULL);
    for (size_t i = 0; i < 3; i++) {
        const triad_align_measure *m = of(&result, names[i]);
        assert_true(m->iid.p <= 0.01);
        assert_true(m->relabel.p > 0.05);
    }
    assert_true(of(&result, "retrieval/strict64/all/mean/nn/5/expected")->relabel.present);
    triad_align_result_free(&result);
    for (size_t i = 0; i < 2; i++) {
        triad_space_free(&shared[i]);
        triad_space_free(&apart[i]);
    }
}

static void test_closed_subset(void **state)
{
    (void)state;
    triad_space a, b;
    triad_align_result result;
    const triad_align_options options = quick();
    /* Without "go to the red ball" its partners under renaming cannot move: half of the rows, so the null is refused.
     */
    make_space(&a, 1, 1, 0.5, 20, 1);
    make_space(&b, 2, 1, 0.5, 20, 0);
    run(&result, &a, &b, &options, NULL);
    assert_int_equal(result.pair[0].n, 23);
    assert_non_null(strstr(result.relabel.refused, "closed under renaming"));
    assert_false(of(&result, "mutual_knn/5")->relabel.present);
    assert_true(of(&result, "mutual_knn/5")->iid.present);
    triad_align_result_free(&result);
    triad_space_free(&a);
    triad_space_free(&b);
}

/* ---- invariances */

static void test_invariance(void **state)
{
    (void)state;
    triad_space a, b, turned;
    triad_align_result one, two;
    triad_align_options options = quick();
    static const char *const all[] = {"*"};
    options.measures = all;
    options.measure_count = 1;
    options.iid = options.relabel = false;
    make_space(&a, 3, 1, 0.6, 30, 0);
    make_space(&b, 4, 1, 0.6, 16, 0);
    make_space(&turned, 3, 1, 0.6, 30, 0);
    /* Householder reflection, and twice the size. */
    float v[30], *data = turned.layer[0].data;
    double squares = 0;
    for (size_t c = 0; c < 30; c++) {
        v[c] = (float)(c % 7) - 3;
        squares += (double)v[c] * (double)v[c];
    }
    for (size_t i = 0; i < ROWS; i++) {
        double on = 0;
        for (size_t c = 0; c < 30; c++) on += (double)v[c] * (double)data[i * 30 + c];
        for (size_t c = 0; c < 30; c++)
            data[i * 30 + c] = (float)(2 * ((double)data[i * 30 + c] - 2 * on / squares * (double)v[c]));
    }
    run(&one, &a, &b, &options, NULL);
    run(&two, &turned, &b, &options, NULL);
    assert_true(one.pair[0].measures > 300);
    for (size_t i = 0; i < one.pair[0].measures; i++) {
        const triad_align_measure *p = &one.pair[0].measure[i], *q = &two.pair[0].measure[i];
        /* What looks at single columns turns with them; size-and-shape and a fixed kernel width see size. In-sample and
         * rectangular maps of more dimensions than sentences are decided by rounding. */
        if (strstr(p->name, "correlation") || strstr(p->name, "pwcca") || strstr(p->name, "size_and_shape")) continue;
        if (isnan(p->value) && isnan(q->value)) continue;
        /* Sums of the same words lie equally far apart, and rounding to float breaks such ties. */
        if (fabs(p->value - q->value) > (strncmp(p->name, "rsa/", 4) == 0 ? 2e-3 : 2e-5))
            fail_msg("%s: %.9g, turned %.9g", p->name, p->value, q->value);
    }
    triad_align_result_free(&one);
    triad_align_result_free(&two);
    /* The other way round: overlap, CKA, RSA are symmetric, and retrieval changes its ways. */
    run(&one, &a, &b, &options, NULL);
    run(&two, &b, &a, &options, NULL);
    static const char *const same[] = {"mutual_knn_frac/5",
                                       "cka_linear",
                                       "cka_linear_debiased",
                                       "rsa/cosine/spearman",
                                       "cca/mean",
                                       "procrustes/similarity",
                                       "retrieval/strict64/all/mean/nn/5/expected"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_true(fabs(of(&one, same[i])->value - of(&two, same[i])->value) < 1e-9);
    assert_true(fabs(of(&one, "retrieval/strict64/all/xy/nn/1/expected")->value -
                     of(&two, "retrieval/strict64/all/yx/nn/1/expected")->value) < 1e-9);
    triad_align_result_free(&one);
    triad_align_result_free(&two);
    /* With itself. */
    run(&one, &a, &a, &options, NULL);
    static const char *const unity[] = {"cka_linear",
                                        "cka_linear_debiased",
                                        "cka_rbf_median/0.5",
                                        "rsa/cosine/spearman",
                                        "rsa/euclidean/tau_b",
                                        "mutual_knn_frac/5",
                                        "jaccard_knn/5",
                                        "cknna/5",
                                        "cca/mean",
                                        "procrustes/similarity"};
    for (size_t i = 0; i < sizeof unity / sizeof *unity; i++)
        if (fabs(of(&one, unity[i])->value - 1) > 1e-9)
            fail_msg("%s with itself: %.12g", unity[i], of(&one, unity[i])->value);
    triad_align_result_free(&one);
    triad_space_free(&a);
    triad_space_free(&b);
    triad_space_free(&turned);
}

static void swap(char **a, char **b)
{
    char *other = *a;
    *a = *b;
    *b = other;
}

static void assert_same_null(const triad_align_null *p, const triad_align_null *q)
{
    const double one[] = {p->p, p->mean, p->sd, p->observed, p->z, p->calibrated, p->p_max, p->p_holm, p->p_bh},
                 two[] = {q->p, q->mean, q->sd, q->observed, q->z, q->calibrated, q->p_max, q->p_holm, q->p_bh};
    assert_true(p->present == q->present && p->draws == q->draws);
    assert_memory_equal(one, two, sizeof one);
}

/* Everything that stands beside a value: both intervals, all nulls, held-out words, a difference of two spaces. */
static void test_order_and_threads(void **state)
{
    (void)state;
    triad_space space[4]; /* the last is the first, upside down */
    triad_align_result one, two;
    triad_align_options options = quick();
    triad_pool *pool;
    triad_error err = {0};
    static const char *const columns[] = {"colour", "object"};
    static const triad_align_control bow = {"bow", NULL, NULL};
    options.vocabulary = true;
    options.words = columns;
    options.word_count = 2;
    options.controls = &bow;
    options.control_count = 1;
    assert_int_equal(triad_pool_create(&pool, 3, NULL), TRIAD_OK);
    for (size_t s = 0; s < 4; s++) make_space(&space[s], 5 + s % 3, 1, 0.6, s % 3 ? 16 : 30, 0);
    triad_space *moved = &space[3];
    for (size_t i = 0; i < ROWS / 2; i++) { /* with its ids, texts and factors */
        const size_t j = ROWS - 1 - i;
        swap(&moved->items.id[i], &moved->items.id[j]);
        swap(&moved->items.text[i], &moved->items.text[j]);
        for (size_t f = 0; f < 3; f++) swap(&moved->items.cell[i * 3 + f], &moved->items.cell[j * 3 + f]);
        for (size_t c = 0; c < 30; c++) {
            const float number = moved->layer[0].data[i * 30 + c];
            moved->layer[0].data[i * 30 + c] = moved->layer[0].data[j * 30 + c];
            moved->layer[0].data[j * 30 + c] = number;
        }
    }
    const triad_align_side sides[] = {{"x", &space[0], NULL}, {"y", &space[1], NULL}, {"z", &space[2], NULL}},
                           again[] = {{"x", moved, NULL}, {"y", &space[1], NULL}, {"z", &space[2], NULL}};
    if (triad_align(&one, sides, 3, NULL, 0, &options, NULL, NULL, &err) != TRIAD_OK ||
        triad_align(&two, again, 3, NULL, 0, &options, pool, NULL, &err) != TRIAD_OK)
        fail_msg("%s", err.text);
    assert_true(one.vocabulary.done && one.strata == 2 && one.units == 7);
    size_t intervals = 0, contrasts = 0;
    for (size_t pair = 0; pair < 3; pair++)
        for (size_t i = 0; i < one.pair[pair].measures; i++) {
            const triad_align_measure *p = &one.pair[pair].measure[i], *q = &two.pair[pair].measure[i];
            const double first[] = {p->value, p->low, p->high, p->low_groups, p->high_groups, p->median_rank},
                         second[] = {q->value, q->low, q->high, q->low_groups, q->high_groups, q->median_rank};
            assert_memory_equal(first, second, sizeof first);
            for (size_t null = 0; null < ALIGN_NULLS; null++)
                assert_same_null(triad_align_null_of(p, null), triad_align_null_of(q, null));
            if (p->scores) assert_memory_equal(p->scores, q->scores, ROWS * sizeof *p->scores);
            if (p->influence) assert_memory_equal(p->influence, q->influence, ROWS * sizeof *p->influence);
            if (p->word_influence)
                assert_memory_equal(p->word_influence, q->word_influence, one.units * sizeof *p->word_influence);
            intervals += p->word_influence != NULL && p->low_groups <= p->value && p->value <= p->high_groups;
            if (pair > 0 || p->word_influence == NULL) continue;
            triad_align_member members[] = {{0, 1, SIZE_MAX, SIZE_MAX}, {1, -1, SIZE_MAX, SIZE_MAX}};
            triad_align_contrast a, b;
            assert_int_equal(triad_align_contrast_of(&a, &one, p->name, members, 2, &err), TRIAD_OK);
            assert_int_equal(triad_align_contrast_of(&b, &two, p->name, members, 2, &err), TRIAD_OK);
            const double this[] = {a.value, a.low, a.high, a.p, a.low_groups, a.high_groups},
                         that[] = {b.value, b.low, b.high, b.p, b.low_groups, b.high_groups};
            assert_memory_equal(this, that, sizeof this);
            contrasts++;
        }
    assert_true(intervals > 30 && contrasts > 10);
    triad_align_result_free(&one);
    triad_align_result_free(&two);
    triad_pool_free(pool);
    for (size_t s = 0; s < 4; s++) triad_space_free(&space[s]);
}

/* Large spaces: without nulls and intervals linear CKA makes no kernel, and says the same. */
static void test_streamed(void **state)
{
    (void)state;
    enum { N = 2100, D = 2100, SIDES = 3, PAIRS = 3 };
    char *text = malloc(N * 8);
    const char **id = malloc(N * sizeof *id);
    for (size_t i = 0; i < N; i++) {
        snprintf(text + 8 * i, 8, "s%zu", i);
        id[i] = text + 8 * i;
    }
    triad_space space[SIDES];
    triad_align_side sides[SIDES];
    for (size_t s = 0; s < SIDES; s++) {
        triad_items items;
        float *data;
        triad_pcg64 rng;
        triad_pcg64_seed(&rng, s);
        assert_int_equal(triad_items_create(&items, N, id, id, 0, NULL, NULL, NULL), TRIAD_OK);
        assert_int_equal(triad_space_create(&space[s], &items, "test", "sum", "sentence", "baseline", NULL), TRIAD_OK);
        assert_int_equal(triad_space_add_layer(&space[s], "0", N, D, &data, NULL), TRIAD_OK);
        for (size_t i = 0; i < N; i++)
            for (size_t c = 0; c < D; c++) /* one common direction, and an origin far off */
                data[i * D + c] = (float)triad_pcg64_uniform(&rng) + (float)(i % 17) * (c % 5 == s ? 0.02F : 0) + 3;
        sides[s] = (triad_align_side){"side", &space[s], NULL};
    }
    static const char *const names[] = {"cka_linear", "cka_linear_debiased", "mutual_knn/10"};
    triad_align_options options = triad_align_defaults();
    options.iid = options.relabel = false;
    options.measures = names;
    options.measure_count = 3;
    options.bootstraps = 3;
    triad_align_result whole, streamed, again;
    triad_pool *pool;
    triad_error err = {0};
    assert_int_equal(triad_pool_create(&pool, 2, NULL), TRIAD_OK);
    assert_int_equal(triad_align(&whole, sides, SIDES, NULL, 0, &options, pool, NULL, &err), TRIAD_OK);
    options.bootstraps = 0;
    assert_int_equal(triad_align(&streamed, sides, SIDES, NULL, 0, &options, NULL, NULL, &err), TRIAD_OK);
    assert_int_equal(triad_align(&again, sides, SIDES, NULL, 0, &options, pool, NULL, &err), TRIAD_OK);
    for (size_t p = 0; p < PAIRS; p++)
        for (size_t m = 0; m < 3; m++) {
            const triad_align_measure *a = triad_align_find(&whole.pair[p], names[m]),
                                      *b = triad_align_find(&streamed.pair[p], names[m]),
                                      *c = triad_align_find(&again.pair[p], names[m]);
            if (!(fabs(a->value - b->value) < 1e-9)) fail_msg("%s: %.12g, not %.12g", names[m], b->value, a->value);
            assert_true(a->value > 0.003 && b->value == c->value && (m == 0 || a->influence) && !b->influence);
            assert_true((a->scores == NULL) == (b->scores == NULL));
            for (size_t i = 0; a->scores && i < N; i++)
                assert_true(fabs(a->scores[i] - b->scores[i]) < 1e-6 && b->scores[i] == c->scores[i]);
        }
    triad_align_result_free(&whole);
    triad_align_result_free(&streamed);
    triad_align_result_free(&again);
    space[1].layer[0].data[5 * D + 7] = INFINITY;
    assert_int_equal(triad_align(&streamed, sides, SIDES, NULL, 0, &options, pool, NULL, &err), TRIAD_ERR_NUMERIC);
    assert_non_null(strstr(err.text, "NaN or infinity in the row of \"s5\""));
    triad_pool_free(pool);
    for (size_t s = 0; s < SIDES; s++) triad_space_free(&space[s]);
    free(text);
    free(id);
}

/* ---- what is undefined, what is refused */

static void test_undefined(void **state)
{
    (void)state;
    triad_space a, b;
    triad_align_result result;
    triad_align_options options = quick();
    static const char *const all[] = {"*"};
    options.measures = all;
    options.measure_count = 1;
    make_space(&a, 7, 1, 0.6, 8, 0);
    make_space(&b, 8, 1, 0.6, 8, 0);
    for (size_t i = 0; i < ROWS * 8; i++) b.layer[0].data[i] = 0.3f; /* one point */
    run(&result, &a, &b, &options, NULL);
    static const char *const undefined[] = {"cka_linear", "cka_linear_debiased", "rsa/cosine/spearman", "cca/mean",
                                            "procrustes/similarity"};
    for (size_t i = 0; i < sizeof undefined / sizeof *undefined; i++) {
        const triad_align_measure *m = of(&result, undefined[i]);
        if (!isnan(m->value) || m->reason == NULL) fail_msg("%s of a point: %.9g", undefined[i], m->value);
        assert_false(m->iid.present);
    }
    /* All ties: chance. */
    assert_true(fabs(of(&result, "retrieval/strict64/all/xy/nn/5/expected")->value - 5.0 / ROWS) < 1e-9);
    triad_align_result_free(&result);
    triad_space_free(&b);
    /* Nothing but rounding is left where all components are taken out. */
    make_space(&b, 8, 1, 0.6, 8, 0);
    options.remove_top = 8;
    run(&result, &a, &b, &options, NULL);
    options.remove_top = 0;
    for (size_t i = 0; i < sizeof undefined / sizeof *undefined; i++)
        if (!isnan(of(&result, undefined[i])->value)) fail_msg("%s of nothing", undefined[i]);
    triad_align_result_free(&result);
    triad_space_free(&b);
    make_space(&b, 8, 1, 0.6, 8, ROWS - 6);
    run(&result, &a, &b, &options, NULL); /* six sentences */
    assert_true(isnan(of(&result, "mutual_knn/10")->value));
    assert_string_equal(of(&result, "mutual_knn/10")->reason, "not more than k sentences");
    assert_true(isnan(of(&result, "retrieval/strict64/all/xy/nn/1/expected")->value));
    assert_string_equal(of(&result, "retrieval/strict64/all/xy/nn/1/expected")->reason, "fewer than 10 sentences");
    assert_true(!isnan(of(&result, "mutual_knn/5")->value));
    assert_true(!isnan(of(&result, "cka_linear_debiased")->value));
    triad_align_result_free(&result);
    triad_space_free(&a);
    triad_space_free(&b);
}

static void test_refused(void **state)
{
    (void)state;
    triad_space a, b;
    triad_align_result result;
    triad_error err = {0};
    triad_align_options options = quick();
    make_space(&a, 7, 1, 0.6, 8, 0);
    make_space(&b, 8, 1, 0.6, 8, 0);
    const triad_align_side sides[] = {{"x", &a, NULL}, {"y", &b, NULL}};
    b.layer[0].data[9] = NAN;
    assert_int_equal(triad_align(&result, sides, 2, NULL, 0, &options, NULL, NULL, &err), TRIAD_ERR_NUMERIC);
    assert_non_null(strstr(err.text, "y: layer 0 holds NaN"));
    b.layer[0].data[9] = 0;
    static const char *const wrong[] = {"mutual_knn", "mutual"};
    options.measures = wrong;
    options.measure_count = 2;
    assert_int_equal(triad_align(&result, sides, 2, NULL, 0, &options, NULL, NULL, &err), TRIAD_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "measure mutual:"));
    options = quick();
    options.k[1] = 1;
    assert_int_equal(triad_align(&result, sides, 2, NULL, 0, &options, NULL, NULL, &err), TRIAD_ERR_RANGE);
    options = quick();
    const size_t pair[1][2] = {{0, 2}};
    assert_int_equal(triad_align(&result, sides, 2, pair, 1, &options, NULL, NULL, &err), TRIAD_ERR_RANGE);
    assert_int_equal(triad_align(&result, sides, 1, NULL, 0, &options, NULL, NULL, &err), TRIAD_ERR_ARGUMENT);
    triad_space_free(&a);
    triad_space_free(&b);
}

/* ---- statistics */

static void test_statistics(void **state)
{
    (void)state;
    double values[] = {4, 1, 3, 2, 5}, low, high;
    assert_true(fabs(align_quantile(values, 5, 0.25) - 2) < 1e-12);
    align_interval(&low, &high, values, 5);
    assert_true(fabs(low - 1.1) < 1e-12 && fabs(high - 4.9) < 1e-12);
}

int main(void)
{
    openblas_set_num_threads(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nulls),      cmocka_unit_test(test_closed_subset),
        cmocka_unit_test(test_invariance), cmocka_unit_test(test_order_and_threads),
        cmocka_unit_test(test_streamed),   cmocka_unit_test(test_undefined),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_statistics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
