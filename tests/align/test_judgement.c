/* What stands beside a value: nulls of every measure, renamings, folds, controls, several pairs together, all choices.
 */
#include "align/folds.h"
#include "align/intervals.h"
#include "align/transform.h"
#include "align/without_words.h"
#include "bench/calibration.h"
#include "bench/simulate.h"
#include "triad/multiverse.h"

#include <cblas.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const simulated_grammar SMALL = {
    .verbs = 2, .colours = 4, .objects = 3, .d = {8, 10}, .shared = 0.5, .noise = 0.3};

static void grammar(triad_space pair[2], uint64_t draw)
{
    triad_error err = {0};
    if (simulate_grammar(pair, &SMALL, 5, draw, &err) != TRIAD_OK) fail_msg("%s", err.text);
}

static void run(triad_align_result *result, const triad_space *spaces, size_t count, const triad_align_options *options)
{
    triad_align_side side[4];
    triad_error err = {0};
    static const char *const names[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < count; i++) side[i] = (triad_align_side){names[i], &spaces[i], NULL};
    if (triad_align(result, side, count, NULL, 0, options, NULL, NULL, &err) != TRIAD_OK) fail_msg("%s", err.text);
}

static triad_align_options quick(void)
{
    triad_align_options options = triad_align_defaults();
    options.permutations = 39;
    options.refits = 5;
    options.bootstraps = 50;
    return options;
}

static void free_spaces(triad_space *spaces, size_t count)
{
    for (size_t i = 0; i < count; i++) triad_space_free(&spaces[i]);
}

static void test_every_measure_has_its_nulls(void **state)
{
    (void)state;
    triad_space pair[2];
    triad_align_result result;
    triad_align_options options = quick();
    static const char *const all[] = {"*"}, *const colour[] = {"colour"};
    static const triad_align_control bow[] = {{"bow", NULL, NULL}};
    options.measures = all;
    options.measure_count = 1;
    options.words = colour;
    options.word_count = 1;
    options.controls = bow;
    options.control_count = 1;
    options.vocabulary = true;
    grammar(pair, 1);
    run(&result, pair, 2, &options);
    size_t defined = 0;
    for (size_t i = 0; i < result.pair[0].measures; i++) {
        const triad_align_measure *m = &result.pair[0].measure[i];
        if (isnan(m->value)) continue;
        defined++;
        for (size_t null = 0; null < ALIGN_NULLS; null++) {
            const bool words = strncmp(m->name, "leave_two_words", 15) == 0; /* has a null of its own */
            const triad_align_null *of = triad_align_null_of(m, null);
            if (words ? null == 1 && !of->present : !of->present)
                fail_msg("%s has no null %s", m->name, TRIAD_ALIGN_NULLS[null]);
            if (of->present && !(of->p > 0 && of->p <= 1)) fail_msg("%s: p %g", m->name, of->p);
        }
    }
    assert_true(defined > 300);
    assert_true(result.relabel.relabellings == 144 && result.vocabulary.relabellings == 144);
    assert_int_equal(result.relabel.word_pairs, 6 + 3);
    /* All 23 renamings of four colours are drawn. */
    assert_int_equal(triad_align_find(&result.pair[0], "leave_two_words/colour/64")->relabel.draws, 23);
    triad_align_result_free(&result);
    free_spaces(pair, 2);
}

/* "on your left" and "on your right" trade places in any bag of words; "behind you" has words of its own. */
static void test_vocabulary(void **state)
{
    (void)state;
    static const char *const places[] = {"front", "behind", "left", "right"},
                             *const phrases[] = {"in front of you", "behind you", "on your left", "on your right"},
                             *const colours[] = {"red", "blue", "grey"}, *const factor[] = {"colour", "location"};
    char text[12][48];
    const char *id[12], *cell[24];
    triad_space pair[2];
    for (size_t i = 0; i < 12; i++) {
        snprintf(text[i], sizeof text[i], "the %s ball %s", colours[i / 4], phrases[i % 4]);
        id[i] = text[i];
        cell[2 * i] = colours[i / 4];
        cell[2 * i + 1] = places[i % 4];
    }
    for (size_t s = 0; s < 2; s++) {
        triad_items items;
        float *data;
        assert_int_equal(triad_items_create(&items, 12, id, id, 2, factor, cell, NULL), TRIAD_OK);
        assert_int_equal(triad_space_create(&pair[s], &items, "t", "", "sentence", "baseline", NULL), TRIAD_OK);
        assert_int_equal(triad_space_add_layer(&pair[s], "0", 12, 3, &data, NULL), TRIAD_OK);
        for (size_t i = 0; i < 36; i++) data[i] = (float)((i * (7 + s)) % 11);
    }
    triad_align_result result;
    triad_align_options options = quick();
    options.vocabulary = true;
    run(&result, pair, 2, &options);
    assert_true(result.relabel.relabellings == 6 * 24);
    assert_true(result.vocabulary.relabellings == 6 * 2);
    assert_string_equal(result.vocabulary.words, "colour 3, location 2");
    assert_true(fabs(result.vocabulary.smallest_p - 1.0 / 12) < 1e-12); /* all are drawn */
    triad_align_result_free(&result);
    free_spaces(pair, 2);
}

/* The margin of a space with itself beats every renaming, it is the same both ways, and turning a side changes nothing.
 */
static void test_held_out_words(void **state)
{
    (void)state;
    triad_space pair[2];
    triad_align_result one, two;
    static const char *const columns[] = {"colour", "object"}, *const only[] = {"leave_two_words"};
    triad_align_options options = quick();
    options.measures = only;
    options.measure_count = 1;
    options.words = columns;
    options.word_count = 2;
    grammar(pair, 11);
    triad_space same[2] = {pair[0], pair[0]}, back[2] = {pair[1], pair[0]};
    run(&one, same, 2, &options);
    assert_int_equal(one.pair[0].measures, 3);
    for (size_t i = 0; i < 3; i++) {
        const triad_align_measure *m = &one.pair[0].measure[i];
        /* Of 24 and 6 renamings all but the identity are drawn, of 144 too; none reaches it. */
        const size_t renamings[] = {24, 6, 144};
        if (!(m->value == 1 && m->chance == 0.5 && m->relabel.observed > 0.3))
            fail_msg("%s with itself: %g, margin %g", m->name, m->value, m->relabel.observed);
        assert_int_equal(m->relabel.draws, renamings[i] - 1);
        assert_true(fabs(m->relabel.p - 1 / (double)renamings[i]) < 1e-12);
    }
    triad_align_result_free(&one);
    run(&one, pair, 2, &options);
    run(&two, back, 2, &options);
    for (size_t i = 0; i < 3; i++) {
        const triad_align_measure *m = &one.pair[0].measure[i], *n = &two.pair[0].measure[i];
        assert_true(fabs(m->relabel.observed - n->relabel.observed) < 1e-9 && fabs(m->value - n->value) < 1e-9);
    }
    const triad_align_measure *list = one.pair[0].measure;
    assert_true(fabs(list[2].value - 0.5 * (list[0].value + list[1].value)) < 1e-12);
    assert_true(fabs(list[2].relabel.observed - 0.5 * (list[0].relabel.observed + list[1].relabel.observed)) < 1e-9);
    triad_align_result_free(&two);
    float *data = pair[1].layer[0].data; /* columns exchanged, one turned over, twice the size */
    const size_t n = pair[1].items.count, d = pair[1].layer[0].d;
    for (size_t i = 0; i < n; i++) {
        const float kept = data[i * d];
        data[i * d] = -data[i * d + 1];
        data[i * d + 1] = kept;
        for (size_t c = 0; c < d; c++) data[i * d + c] *= 2;
    }
    run(&two, pair, 2, &options);
    for (size_t i = 0; i < 3; i++) {
        const triad_align_measure *m = &one.pair[0].measure[i], *turned = &two.pair[0].measure[i];
        assert_true(fabs(m->relabel.observed - turned->relabel.observed) < 1e-8 && m->relabel.p == turned->relabel.p);
    }
    triad_align_result_free(&one);
    triad_align_result_free(&two);
    free_spaces(pair, 2);
}

static void test_folds(void **state)
{
    (void)state;
    triad_space pair[2];
    grammar(pair, 2);
    const triad_items *items = &pair[0].items;
    const size_t n = items->count;
    size_t rows[24], count;
    uint8_t fold[24];
    triad_error err = {0};
    assert_int_equal(n, 24);
    for (size_t i = 0; i < n; i++) rows[i] = i;
    static const char *const hows[] = {"group:object", "leave-two-words:colour"};
    for (size_t h = 0; h < 2; h++) {
        assert_int_equal(align_deal(fold, &count, hows[h], items, rows, n, 3, &err), TRIAD_OK);
        const int column = triad_items_factor(items, h ? "colour" : "object");
        assert_int_equal(count, h ? 2 : 3);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                if (strcmp(triad_items_cell(items, i, column), triad_items_cell(items, j, column)) == 0)
                    assert_int_equal(fold[i], fold[j]);
    }
    assert_int_equal(align_deal(fold, &count, "group:taste", items, rows, n, 3, &err), TRIAD_ERR_NOT_FOUND);
    assert_int_equal(align_deal(fold, &count, "leave-two-words:object", items, rows, n, 3, &err), TRIAD_ERR_ARGUMENT);
    assert_int_equal(align_deal(fold, &count, "by heart", items, rows, n, 3, &err), TRIAD_ERR_ARGUMENT);
    free_spaces(pair, 2);
}

static void test_maps(void **state)
{
    (void)state;
    triad_space pair[2];
    triad_align_result result;
    triad_align_options options = quick();
    static const char *const r2[] = {"map_r2", "retrieval"};
    options.iid = options.relabel = false;
    options.measures = r2;
    options.measure_count = 2;
    options.cap = 4;
    grammar(pair, 3);
    triad_space same[2] = {pair[0], pair[0]};
    for (unsigned map = 0; map < 3; map++) {
        static const char *const names[] = {"map_r2/strict4/xy", "map_r2/strict4-ridge/xy", "map_r2/strict4-cca/xy"};
        options.map = (triad_align_map)map;
        run(&result, same, 2, &options); /* with itself every map explains everything */
        const triad_align_measure *m = triad_align_find(&result.pair[0], names[map]);
        assert_non_null(m);
        if (!(m->value > 0.999)) fail_msg("%s: %.6f", m->name, m->value);
        triad_align_result_free(&result);
    }
    free_spaces(pair, 2);
}

static void test_controls(void **state)
{
    (void)state;
    triad_space pair[2];
    triad_align_result result;
    triad_align_options options = quick();
    grammar(pair, 4);
    options.iid = options.relabel = false;
    const triad_align_control itself[] = {{"y", &pair[1], NULL}};
    options.controls = itself;
    options.control_count = 1;
    run(&result, pair, 2, &options);
    const triad_align_measure *m = triad_align_find(&result.pair[0], "rsa_partial/cosine/spearman");
    assert_true(m && isnan(m->value) && m->reason); /* nothing is left of y */
    triad_align_result_free(&result);
    static const triad_align_control two[] = {{"factor:colour", NULL, NULL}, {"factor:object", NULL, NULL}};
    options.controls = two;
    options.control_count = 2;
    run(&result, pair, 2, &options);
    m = triad_align_find(&result.pair[0], "rsa_partial/cosine/spearman");
    assert_true(m && m->value > -1 && m->value < 1 && m->low <= m->value && m->value <= m->high);
    assert_int_equal(result.pair[0].shares, 7);
    /* Parts add up to what all predictors explain, and those with x alone to x's squared correlation. */
    double of_x = 0;
    for (size_t s = 0; s < 7; s++)
        if (result.pair[0].share[s].set & 1) of_x += result.pair[0].share[s].share;
    const double rho = triad_align_find(&result.pair[0], "rsa/cosine/spearman")->value;
    assert_true(fabs(of_x - rho * rho) < 1e-9);
    triad_align_result_free(&result);
    free_spaces(pair, 2);
}

static void test_transform(void **state)
{
    (void)state;
    double x[] = {1, 5, 2, 2, 5, 4, 3, 5, 9, 4, 5, 1, 6, 5, 3};
    triad_align_options options = triad_align_defaults();
    options.standardize = true;
    assert_int_equal(align_transform(x, 5, 3, &options, NULL), TRIAD_OK);
    double squares[3] = {0};
    for (size_t i = 0; i < 15; i++) squares[i % 3] += x[i] * x[i];
    assert_true(fabs(squares[0] - 5) < 1e-9 && squares[1] == 0 && fabs(squares[2] - 5) < 1e-9);
    options.standardize = false;
    options.remove_top = 2;
    assert_int_equal(align_transform(x, 5, 3, &options, NULL), TRIAD_OK);
    for (size_t i = 0; i < 15; i++) assert_true(fabs(x[i]) < 1e-9); /* two dimensions were left */
}

static void test_together(void **state)
{
    (void)state;
    triad_space spaces[4], more[2];
    triad_align_result result;
    triad_error err = {0};
    grammar(spaces, 5);
    grammar(more, 6);
    spaces[2] = more[0];
    spaces[3] = more[1];
    triad_align_options options = quick();
    options.iid = options.relabel = false;
    run(&result, spaces, 4, &options);
    static const char *const members[] = {"a", "c"};
    const triad_align_set set = {"seeds", 2, members};
    triad_align_member *list;
    size_t count;
    assert_int_equal(triad_align_between(&list, &count, &result, &set, 1, "seeds", "b", &err), TRIAD_OK);
    assert_int_equal(count, 2);
    triad_align_contrast mean;
    assert_int_equal(triad_align_contrast_of(&mean, &result, "cka_linear_debiased", list, count, &err), TRIAD_OK);
    const double ab = triad_align_find(triad_align_pair_of(&result, 0, 1), "cka_linear_debiased")->value,
                 bc = triad_align_find(triad_align_pair_of(&result, 1, 2), "cka_linear_debiased")->value;
    assert_true(fabs(mean.value - 0.5 * (ab + bc)) < 1e-12);
    assert_true(mean.low <= mean.value && mean.value <= mean.high);
    assert_true(mean.seeds_x == 2 && mean.seeds_y == 0);
    list[0].seed_x = list[1].seed_x = SIZE_MAX; /* a against c, each with b */
    list[1].sign = -1;
    assert_int_equal(triad_align_contrast_of(&mean, &result, "cka_linear_debiased", list, count, &err), TRIAD_OK);
    assert_true(fabs(mean.value - (ab - bc)) < 1e-12 && mean.p > 0 && mean.p <= 1);
    free(list);
    triad_align_result_free(&result);
    /* The mean of a space with itself is as like to it as itself, also off the origin. */
    for (size_t i = 0; i < spaces[0].layer[0].n * spaces[0].layer[0].d; i++) spaces[0].layer[0].data[i] += 1;
    const triad_space *twice[] = {&spaces[0], &spaces[0]};
    const triad_layer *layers[] = {spaces[0].layer, spaces[0].layer};
    triad_space both[2] = {spaces[0]};
    assert_int_equal(triad_align_mean_space(&both[1], twice, layers, 2, &err), TRIAD_OK);
    run(&result, both, 2, &options);
    static const char *const alike[] = {"cka_linear_debiased", "rsa/cosine/spearman", "mutual_knn_frac/5"};
    for (size_t i = 0; i < sizeof alike / sizeof *alike; i++)
        assert_true(fabs(triad_align_find(&result.pair[0], alike[i])->value - 1) < 1e-5);
    triad_align_result_free(&result);
    triad_space_free(&both[1]);
    free_spaces(spaces, 4);
}

static void test_best_layers(void **state)
{
    (void)state;
    triad_space pair[2], more[2];
    triad_error err = {0};
    grammar(pair, 7);
    grammar(more, 8);
    float *data;
    const size_t n = pair[0].items.count, d = more[0].layer[0].d;
    assert_int_equal(triad_space_add_layer(&pair[0], "1", n, d, &data, &err), TRIAD_OK);
    memcpy(data, more[0].layer[0].data, n * d * sizeof *data);
    const triad_align_side sides[] = {
        {"x", &pair[0], &pair[0].layer[0]}, {"x", &pair[0], &pair[0].layer[1]}, {"y", &pair[1], NULL}};
    const size_t pairs[][2] = {{0, 2}, {1, 2}};
    triad_align_options options = quick();
    options.best = true;
    triad_align_result result;
    assert_int_equal(triad_align(&result, sides, 3, pairs, 2, &options, NULL, NULL, &err), TRIAD_OK);
    assert_int_equal(result.bests, 1);
    for (size_t i = 0; i < result.best[0].measures; i++) {
        const triad_align_measure *best = &result.best[0].measure[i];
        const double a = result.pair[0].measure[i].value, b = result.pair[1].measure[i].value;
        assert_true(best->value == fmax(a, b));
        const triad_align_null *winner = &result.pair[result.best[0].pair[i]].measure[i].iid;
        assert_true(best->iid.present && best->iid.p >= winner->p - 1e-12); /* the best of noise is higher than noise */
        assert_true(best->iid.mean >= winner->mean - 1e-12);
    }
    triad_align_result_free(&result);
    free_spaces(pair, 2);
    free_spaces(more, 2);
}

static void test_multiverse(void **state)
{
    (void)state;
    triad_space pair[2], more[2];
    triad_multiverse multiverse;
    triad_error err = {0};
    triad_multiverse_options options = triad_multiverse_defaults();
    grammar(pair, 9);
    grammar(more, 10);
    const triad_align_side sides[] = {
        {"a.other", &more[0], NULL}, {"a", &pair[0], NULL}, {"b", &pair[1], NULL}, {"c", &more[1], NULL}};
    /* a and a.other are one thing, b and c have sources of their own */
    triad_space *const spaces[] = {&more[0], &pair[0], &pair[1], &more[1]};
    static const char *const source[] = {"one", "one", "two", "three"}, *const pool[] = {"last", "mean", "mean",
                                                                                         "mean"};
    for (size_t i = 0; i < 4; i++) {
        free(spaces[i]->source);
        free(spaces[i]->pool);
        spaces[i]->source = strdup(source[i]);
        spaces[i]->pool = strdup(pool[i]);
    }
    float *data; /* b has a layer halfway up */
    const triad_layer *last = triad_space_last(&pair[1]);
    const size_t n = last->n, d = last->d;
    assert_int_equal(triad_space_add_layer(&pair[1], "1", n, d, &data, NULL), TRIAD_OK);
    memcpy(data, pair[1].layer[0].data, n * d * sizeof *data);
    assert_int_equal(triad_space_add_layer(&pair[1], "2", n, d, &data, NULL), TRIAD_OK);
    memcpy(data, pair[1].layer[0].data, n * d * sizeof *data);
    const triad_layer *c = triad_space_last(&more[1]); /* c is another's: pairs differ */
    for (size_t i = 0; i + 1 < c->n; i += 2)
        for (size_t j = 0; j < c->d; j++) {
            const float swap = c->data[i * c->d + j];
            c->data[i * c->d + j] = c->data[(c->n - 1 - i) * c->d + j];
            c->data[(c->n - 1 - i) * c->d + j] = swap;
        }
    assert_int_equal(triad_multiverse_run(&multiverse, sides, 4, &options, NULL, NULL, &err), TRIAD_OK);
    assert_int_equal(multiverse.things, 3);
    assert_string_equal(multiverse.name[0], "a");
    assert_int_equal(multiverse.preset_k, 15);
    size_t presets = 0, middles = 0;
    for (size_t i = 0; i < multiverse.count; i++) {
        const triad_universe *u = &multiverse.universe[i];
        presets += u->preset;
        middles += strcmp(u->layer, "middle") == 0;
        assert_true(u->value >= 0 && u->value <= 1 && u->x < u->y);
        if (!u->preset) continue;
        assert_int_equal(u->k, 15);
        assert_string_equal(u->pooling_x, "mean");
        assert_string_equal(u->layer, "last");
        assert_string_equal(u->transform, "none");
    }
    assert_int_equal(presets, 3 * 2); /* of each pair one for each reading */
    assert_true(middles > 0);
    /* four transforms of 4 + 2 maps' protocols, two pools, three ways, two scores */
    const size_t ways = 4 * (4 + 2) * 2 * 3 * 2;
    assert_int_equal(triad_multiverse_spread(&multiverse, 0, 1, "retrieval").count, 4 * ways); /* poolings, layers */
    assert_int_equal(triad_multiverse_spread(&multiverse, 0, 2, "retrieval").count, 2 * ways);
    assert_int_equal(triad_multiverse_spread(&multiverse, 1, 2, "overlap").count, 2 * 4);
    assert_true(multiverse.order_kept[1] > 0 && multiverse.order_kept[1] <= 1);
    triad_multiverse_free(&multiverse);
    /* other k, last layers alone */
    options.ks = 3;
    options.k[0] = 2;
    options.k[1] = 7;
    options.k[2] = 100000;
    options.last_only = true;
    assert_int_equal(triad_multiverse_run(&multiverse, sides, 3, &options, NULL, NULL, &err), TRIAD_OK);
    assert_int_equal(multiverse.preset_k, 7);
    assert_int_equal(triad_multiverse_spread(&multiverse, 0, 1, "retrieval").count, 2 * ways);
    assert_true(isnan(multiverse.order_kept[0])); /* one pair */
    triad_multiverse_free(&multiverse);
    assert_int_equal(triad_multiverse_run(&multiverse, sides, 2, &options, NULL, NULL, &err), TRIAD_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "poolings of one source"));
    free_spaces(pair, 2);
    free_spaces(more, 2);
}

static void temporary_path(char path[32])
{
    strcpy(path, "/tmp/triad-calibration-XXXXXX");
    const int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    unlink(path);
}

static char *calibrate(const char *path, uint64_t seed, triad_pool *pool)
{
    const calibration_size size = {2, 1, 2};
    bool holds;
    triad_error err = {0};
    json_object *list = json_object_new_array();
    if (bench_calibration(list, &holds, path, &size, seed, pool, NULL, &err) != TRIAD_OK) fail_msg("%s", err.text);
    assert_true(json_object_array_length(list) > 20);
    char *text = strdup(json_object_to_json_string(list));
    json_object_put(list);
    return text;
}

static void test_calibration(void **state)
{
    (void)state;
    char path[32];
    temporary_path(path);
    char *first = calibrate(path, 1, NULL), *again = calibrate(path, 1, NULL); /* from the file */
    assert_string_equal(first, again);
    const calibration_size size = {2, 1, 2};
    bool holds;
    triad_error err = {0};
    json_object *list = json_object_new_array();
    assert_int_equal(bench_calibration(list, &holds, path, &size, 2, NULL, NULL, &err), TRIAD_ERR_ARGUMENT);
    unlink(path);
    static const char earlier[] = "{\"seed\": 1, \"draws\": 2, \"word_draws\": 1, \"fresh\": 2}";
    FILE *file = fopen(path, "w");
    assert_true(file && fputs(earlier, file) >= 0 && fclose(file) == 0);
    assert_int_equal(bench_calibration(list, &holds, path, &size, 1, NULL, NULL, &err), TRIAD_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "other cases"));
    json_object_put(list);
    free(first);
    free(again);
    unlink(path);
}

/* Killed between two cases, it goes on behind the first and counts the same, with threads too. */
static void test_calibration_killed(void **state)
{
    (void)state;
    char path[32];
    triad_pool *pool;
    temporary_path(path);
    char *whole = calibrate(NULL, 3, NULL);
    const pid_t child = fork();
    if (child == 0) {
        const calibration_size size = {2, 1, 2};
        bool holds;
        json_object *list = json_object_new_array();
        _exit(bench_calibration(list, &holds, path, &size, 3, NULL, NULL, NULL));
    }
    assert_true(child > 0);
    int ended;
    while (access(path, F_OK) != 0) { /* the first case is in the file */
        assert_int_equal(waitpid(child, &ended, WNOHANG), 0);
        usleep(500);
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFSIGNALED(ended));
    assert_int_equal(triad_pool_create(&pool, 3, NULL), TRIAD_OK);
    char *resumed = calibrate(path, 3, pool);
    assert_string_equal(whole, resumed);
    triad_pool_free(pool);
    free(whole);
    free(resumed);
    unlink(path);
}

static void test_student(void **state)
{
    (void)state;
    assert_true(fabs(align_student(9) - 2.262) < 2e-3 && fabs(align_student(4) - 2.776) < 1e-2);
    assert_true(fabs(align_student(INFINITY) - 1.95996) < 1e-4);
    assert_true(fabs(align_moved(0.9, 0.01, ALIGN_RANGE_CORRELATION) - 0.91) < 1e-3);
    assert_true(align_moved(0.9, 5, ALIGN_RANGE_SHARE) <= 1);
}

/* Leaving a word out is measuring without its sentences, in which a word may stand in either of two columns. */
static void test_values_without_words(void **state)
{
    (void)state;
    enum { N = 18, D = 3, KINDS = 2 };
    static const char *const colour[] = {"red", "blue", "grey"}, *const factor[] = {"colour", "colour2", "object"},
                             *const object[] = {"ball", "box"}, *const columns[] = {"colour", "object"};
    char text[N][40];
    const char *id[N], *cell[3 * N];
    double x[2][N * D];
    size_t rows[N];
    triad_error err = {0};
    for (size_t i = 0; i < N; i++) {
        cell[3 * i] = colour[i % 3];
        cell[3 * i + 1] = i < 6 ? colour[i / 3] : "";
        cell[3 * i + 2] = object[i % 2];
        snprintf(text[i], sizeof text[i], "%zu", i);
        id[i] = text[i];
        rows[i] = i;
        for (size_t c = 0; c < D; c++) {
            x[0][i * D + c] = sin((double)(7 * i + 3 * c)) + (double)(i % 3) * (double)c;
            x[1][i * D + c] = x[0][i * D + c] + cos((double)(5 * i + c));
        }
    }
    triad_items items;
    align_units words;
    assert_int_equal(triad_items_create(&items, N, id, id, 3, factor, cell, &err), TRIAD_OK);
    assert_int_equal(align_units_words(&words, &items, rows, N, columns, 2, &err), TRIAD_OK);
    assert_int_equal(words.units, 5);
    static const align_matrix_kind kind[KINDS] = {ALIGN_GRAM_U, ALIGN_EUCLIDEAN_CENTRED};
    const uint32_t kinds = 1U << kind[0] | 1U << kind[1];
    align_matrix whole[2][ALIGN_MATRICES] = {0};
    for (size_t s = 0; s < 2; s++)
        assert_int_equal(align_matrices_create(whole[s], kinds, x[s], N, D, x[s], D, NULL, NULL, &err), TRIAD_OK);
    for (size_t u = 0; u < words.units; u++) {
        align_matrix part[2][ALIGN_MATRICES] = {0};
        size_t left = 0;
        for (size_t s = 0; s < 2; s++) {
            double kept[N * D];
            left = 0;
            for (size_t i = 0; i < N; i++) {
                bool holds = false;
                for (size_t p = words.offset[i]; p < words.offset[i + 1]; p++) holds |= words.unit[p] == u;
                if (!holds) memcpy(kept + D * left++, x[s] + D * i, D * sizeof *kept);
            }
            assert_int_equal(align_matrices_create(part[s], kinds, kept, left, D, kept, D, NULL, NULL, &err), TRIAD_OK);
        }
        assert_true(left < N);
        for (size_t k = 0; k < KINDS; k++) {
            double value[5];
            assert_int_equal(align_values_without(value, &words, whole[0][kind[k]].values, whole[1][kind[k]].values,
                                                  k ? ALIGN_LEFT_DISTANCES : ALIGN_LEFT_KERNELS, &err),
                             TRIAD_OK);
            const align_matrix *a = &part[0][kind[k]], *b = &part[1][kind[k]];
            const double right = align_ratio(align_matched_sum(a->values, b->values, left), a->norm, b->norm);
            if (!(fabs(value[u] - right) < 1e-9)) fail_msg("kind %zu, word %zu: %.12f, %.12f", k, u, value[u], right);
        }
        for (size_t s = 0; s < 2; s++) align_matrices_free(part[s]);
    }
    for (size_t s = 0; s < 2; s++) align_matrices_free(whole[s]);
    align_units_free(&words);
    triad_items_free(&items);
}

int main(void)
{
    openblas_set_num_threads(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_measure_has_its_nulls),
        cmocka_unit_test(test_vocabulary),
        cmocka_unit_test(test_held_out_words),
        cmocka_unit_test(test_folds),
        cmocka_unit_test(test_maps),
        cmocka_unit_test(test_controls),
        cmocka_unit_test(test_transform),
        cmocka_unit_test(test_together),
        cmocka_unit_test(test_best_layers),
        cmocka_unit_test(test_multiverse),
        cmocka_unit_test(test_calibration),
        cmocka_unit_test(test_calibration_killed),
        cmocka_unit_test(test_student),
        cmocka_unit_test(test_values_without_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
