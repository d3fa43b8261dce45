/* Maps against scikit-learn and SciPy (tests/data/align/maps.json), and by what they must keep. */
#include "triad/map.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "formats/json.h"

static json_object *root;

static double *numbers(json_object *from, const char *name, size_t *count)
{
    json_object *list = json_find(from, name, json_type_array);
    assert_non_null(list);
    *count = json_object_array_length(list);
    double *out = malloc((*count + 1) * sizeof *out);
    for (size_t i = 0; i < *count; i++) out[i] = json_object_get_double(json_object_array_get_idx(list, i));
    return out;
}

typedef struct recorded {
    const char *name;
    size_t n, d;
    double perplexity, divergence, trustworthiness, picture_trustworthiness;
    double *x, *pca, *share, *affinities, *picture, *merges[2];
} recorded;

static size_t cases(void)
{
    return json_object_array_length(json_find(root, "cases", json_type_array));
}

static recorded take(size_t number)
{
    json_object *from = json_object_array_get_idx(json_find(root, "cases", json_type_array), number);
    recorded r = {.name = json_object_get_string(json_object_object_get(from, "name"))};
    size_t count;
    r.x = numbers(from, "x", &count);
    r.n = (size_t)json_object_get_int(json_object_object_get(from, "n"));
    r.d = (size_t)json_object_get_int(json_object_object_get(from, "d"));
    assert_int_equal(count, r.n * r.d);
    r.perplexity = json_object_get_double(json_object_object_get(from, "perplexity"));
    r.divergence = json_object_get_double(json_object_object_get(from, "divergence"));
    r.trustworthiness = json_object_get_double(json_object_object_get(from, "trustworthiness"));
    r.picture_trustworthiness = json_object_get_double(json_object_object_get(from, "picture_trustworthiness"));
    r.pca = numbers(from, "pca", &count);
    assert_int_equal(count, 2 * r.n);
    r.share = numbers(from, "share", &count);
    r.affinities = numbers(from, "affinities", &count);
    assert_int_equal(count, r.n * (r.n - 1) / 2);
    r.picture = numbers(from, "picture", &count);
    r.merges[TRIAD_LINKAGE_AVERAGE] = numbers(from, "average", &count);
    r.merges[TRIAD_LINKAGE_WARD] = numbers(from, "ward", &count);
    assert_int_equal(count, 4 * (r.n - 1));
    return r;
}

static void drop(recorded *r)
{
    free(r->x);
    free(r->pca);
    free(r->share);
    free(r->affinities);
    free(r->picture);
    free(r->merges[0]);
    free(r->merges[1]);
}

static void test_pca(void **state)
{
    (void)state;
    for (size_t c = 0; c < cases(); c++) {
        recorded r = take(c);
        double *on = malloc(2 * r.n * sizeof *on), share[2];
        assert_int_equal(triad_map_pca(on, share, r.x, r.n, r.d, 2, NULL), TRIAD_OK);
        for (size_t k = 0; k < 2; k++) {
            assert_true(fabs(share[k] - r.share[k]) < 1e-10);
            double product = 0, largest = 0, most = 0;
            for (size_t i = 0; i < r.n; i++) product += on[2 * i + k] * r.pca[2 * i + k];
            for (size_t i = 0; i < r.n; i++) {
                const double gap = on[2 * i + k] - (product < 0 ? -1 : 1) * r.pca[2 * i + k];
                if (fabs(gap) > 1e-9) fail_msg("%s: row %zu is off by %g", r.name, i, gap);
                if (fabs(on[2 * i + k]) > most + 1e-9) most = fabs(largest = on[2 * i + k]);
            }
            assert_true(largest > 0); /* the stated sign */
        }
        free(on);
        drop(&r);
    }
}

static void test_linkage(void **state)
{
    (void)state;
    for (size_t c = 0; c < cases(); c++) {
        recorded r = take(c);
        triad_merge *merges = malloc(r.n * sizeof *merges);
        triad_merge *again = malloc(r.n * sizeof *again);
        uint32_t *order = malloc(r.n * sizeof *order);
        double *distance = malloc(r.n * r.n * sizeof *distance);
        for (size_t i = 0; i < r.n; i++)
            for (size_t j = 0; j < r.n; j++) {
                double square = 0;
                for (size_t k = 0; k < r.d; k++) {
                    const double step = r.x[i * r.d + k] - r.x[j * r.d + k];
                    square += step * step;
                }
                distance[i * r.n + j] = sqrt(square);
            }
        for (unsigned kind = 0; kind < 2; kind++) {
            assert_int_equal(triad_map_linkage(merges, (triad_linkage_kind)kind, r.x, r.n, r.d, NULL, NULL), TRIAD_OK);
            for (size_t m = 0; m + 1 < r.n; m++) {
                const double *want = r.merges[kind] + 4 * m;
                if (fabs(merges[m].height - want[2]) > 1e-12 * want[2] || merges[m].a != (uint32_t)want[0] ||
                    merges[m].b != (uint32_t)want[1] || merges[m].size != (uint32_t)want[3])
                    fail_msg("%s, linkage %u: merge %zu is (%u, %u, %.17g, %u)", r.name, kind, m, merges[m].a,
                             merges[m].b, merges[m].height, merges[m].size);
            }
            assert_int_equal(triad_map_linkage_of(again, (triad_linkage_kind)kind, distance, r.n, NULL), TRIAD_OK);
            for (size_t m = 0; m + 1 < r.n; m++)
                assert_true(fabs(again[m].height - merges[m].height) <= 1e-12 * merges[m].height &&
                            again[m].a == merges[m].a && again[m].b == merges[m].b && again[m].size == merges[m].size);
            assert_int_equal(triad_map_leaves(order, merges, r.n, NULL), TRIAD_OK);
            bool *seen = calloc(r.n, sizeof *seen);
            for (size_t i = 0; i < r.n; i++) {
                assert_true(order[i] < r.n && !seen[order[i]]);
                seen[order[i]] = true;
            }
            free(seen);
        }
        free(merges);
        free(again);
        free(distance);
        free(order);
        drop(&r);
    }
}

static void test_rows(void **state)
{
    (void)state;
    float data[] = {3, 4, 0, 0, 5, 12};
    const triad_layer layer = {.name = NULL, .n = 3, .d = 2, .data = data};
    const size_t row[] = {2, 0};
    double x[6];
    triad_map_rows(x, &layer, NULL, 3, false);
    for (size_t i = 0; i < 6; i++) assert_true(x[i] == data[i]);
    triad_map_rows(x, &layer, row, 2, true);
    assert_true(fabs(x[0] - 5.0 / 13) < 1e-15 && fabs(x[1] - 12.0 / 13) < 1e-15);
    assert_true(fabs(x[2] - 0.6) < 1e-15 && fabs(x[3] - 0.8) < 1e-15);
    triad_map_rows(x, &layer, NULL, 2, true);
    assert_true(x[2] == 0 && x[3] == 0);
}

static void test_affinities(void **state)
{
    (void)state;
    for (size_t c = 0; c < cases(); c++) {
        recorded r = take(c);
        double *p = malloc(r.n * r.n * sizeof *p), sum = 0;
        assert_int_equal(triad_map_affinities(p, r.x, r.n, r.d, r.perplexity, NULL, NULL), TRIAD_OK);
        size_t at = 0;
        for (size_t i = 0; i < r.n; i++) {
            assert_true(p[i * r.n + i] == 0);
            for (size_t j = i + 1; j < r.n; j++, at++) {
                sum += p[i * r.n + j] + p[j * r.n + i];
                assert_true(p[i * r.n + j] == p[j * r.n + i]);
                /* theirs stop at an entropy within 1e-5 and work in float */
                if (fabs(p[i * r.n + j] - r.affinities[at]) > 1e-4 * r.affinities[at] + 1e-7)
                    fail_msg("%s: p(%zu, %zu) = %g, recorded %g", r.name, i, j, p[i * r.n + j], r.affinities[at]);
            }
        }
        assert_true(fabs(sum - 1) < 1e-12);
        free(p);
        drop(&r);
    }
}

/* Another descent ends elsewhere; it must end as low, and keep as much of the neighbourhoods. */
static void test_tsne(void **state)
{
    (void)state;
    for (size_t c = 0; c < cases(); c++) {
        recorded r = take(c);
        double *at = malloc(2 * r.n * sizeof *at), *again = malloc(2 * r.n * sizeof *again), trust;
        triad_tsne_options options = triad_tsne_defaults();
        options.perplexity = r.perplexity;
        triad_tsne_result result;
        assert_int_equal(triad_map_trustworthiness(&trust, r.picture, r.x, r.n, r.d, 5, NULL, NULL), TRIAD_OK);
        /* duplicates tie, and each side breaks ties its own way */
        assert_true(fabs(trust - r.picture_trustworthiness) < (strcmp(r.name, "duplicates") == 0 ? 0.02 : 1e-12));
        assert_int_equal(triad_map_tsne(at, &result, r.x, r.n, r.d, &options, NULL, NULL, NULL), TRIAD_OK);
        const double used = fmin(r.perplexity, (double)(r.n - 1) / 3);
        assert_true(result.perplexity == used);
        assert_int_equal(triad_map_trustworthiness(&trust, at, r.x, r.n, r.d, 5, NULL, NULL), TRIAD_OK);
        print_message("%s: divergence %.4f (scikit-learn %.4f), trustworthiness %.4f (%.4f)\n", r.name,
                      result.divergence, r.divergence, trust, r.trustworthiness);
        /* Where the data has no clusters there are many minima: another compiler's last bit leads to another one, and
         * divergences vary by some 15 % between builds. */
        assert_true(result.divergence < 1.2 * r.divergence + 0.02);
        assert_true(trust > r.trustworthiness - 0.01);
        for (int threads = 2; threads <= 3; threads++) {
            triad_pool *pool;
            assert_int_equal(triad_pool_create(&pool, threads, NULL), TRIAD_OK);
            assert_int_equal(triad_map_tsne(again, &result, r.x, r.n, r.d, &options, pool, NULL, NULL), TRIAD_OK);
            assert_memory_equal(at, again, 2 * r.n * sizeof *at);
            triad_pool_free(pool);
        }
        options.seed = 1;
        assert_int_equal(triad_map_tsne(again, &result, r.x, r.n, r.d, &options, NULL, NULL, NULL), TRIAD_OK);
        assert_memory_not_equal(at, again, 2 * r.n * sizeof *at);
        free(at);
        free(again);
        drop(&r);
    }
}

static void test_what_cannot_be_drawn(void **state)
{
    (void)state;
    double x[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, out[12], share[3];
    triad_error err = {0};
    assert_int_equal(triad_map_pca(out, share, x, 1, 2, 2, &err), TRIAD_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "too few"));
    assert_int_equal(triad_map_pca(out, share, x, 4, 0, 2, &err), TRIAD_ERR_ARGUMENT);
    assert_int_equal(triad_map_pca(out, share, x, 4, 3, 0, &err), TRIAD_ERR_ARGUMENT);
    triad_tsne_result result;
    triad_tsne_options options = triad_tsne_defaults();
    assert_int_equal(triad_map_tsne(out, &result, x, 3, 4, &options, NULL, NULL, &err), TRIAD_ERR_ARGUMENT);
    options.perplexity = 0;
    assert_int_equal(triad_map_tsne(out, &result, x, 4, 3, &options, NULL, NULL, &err), TRIAD_ERR_RANGE);
    assert_int_equal(triad_map_affinities(out, x, 4, 3, 9, NULL, &err), TRIAD_ERR_RANGE);
    triad_merge merges[3];
    assert_int_equal(triad_map_linkage(merges, TRIAD_LINKAGE_WARD, x, 1, 3, NULL, &err), TRIAD_ERR_ARGUMENT);
    double distance[9] = {0, 1, 2, 1, 0, 3, 2, 3, 0};
    assert_int_equal(triad_map_linkage_of(merges, TRIAD_LINKAGE_AVERAGE, distance, 1, &err), TRIAD_ERR_ARGUMENT);
    assert_int_equal(triad_map_linkage_of(merges, TRIAD_LINKAGE_AVERAGE, distance, 3, &err), TRIAD_OK);
    assert_true(merges[0].height == 1 && merges[1].height == 2.5);
    static const struct {
        size_t at;
        double value;
        triad_status status;
    } bad[] = {{0, 1, TRIAD_ERR_ARGUMENT}, {1, 2, TRIAD_ERR_ARGUMENT}, {5, NAN, TRIAD_ERR_NUMERIC}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const double kept = distance[bad[i].at];
        distance[bad[i].at] = bad[i].value;
        assert_int_equal(triad_map_linkage_of(merges, TRIAD_LINKAGE_AVERAGE, distance, 3, &err), bad[i].status);
        distance[bad[i].at] = kept;
    }
    distance[2] = distance[6] = -1;
    assert_int_equal(triad_map_linkage_of(merges, TRIAD_LINKAGE_AVERAGE, distance, 3, &err), TRIAD_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "between rows 0 and 2"));
    /* rows that are all the same: one point, not NaN */
    for (size_t i = 0; i < 12; i++) x[i] = 0.1;
    options = triad_tsne_defaults();
    assert_int_equal(triad_map_pca(out, share, x, 4, 3, 3, &err), TRIAD_OK);
    for (size_t i = 0; i < 12; i++) assert_true(out[i] == 0);
    assert_int_equal(triad_map_tsne(out, &result, x, 4, 3, &options, NULL, NULL, &err), TRIAD_OK);
    for (size_t i = 0; i < 8; i++) assert_true(isfinite(out[i]));
    assert_int_equal(triad_map_linkage(merges, TRIAD_LINKAGE_WARD, x, 4, 3, NULL, &err), TRIAD_OK);
    for (size_t i = 0; i < 3; i++) assert_true(merges[i].height == 0);
    /* fewer axes than components */
    for (size_t i = 0; i < 12; i++) x[i] = (double)(i / 3);
    assert_int_equal(triad_map_pca(out, share, x, 4, 3, 3, &err), TRIAD_OK);
    assert_true(fabs(share[0] - 1) < 1e-12 && share[1] == 0 && out[1] == 0);
    x[7] = NAN;
    assert_int_equal(triad_map_pca(out, share, x, 4, 3, 2, &err), TRIAD_ERR_NUMERIC);
    assert_non_null(strstr(err.text, "row 2"));
}

static int begin(void **state)
{
    (void)state;
    triad_error err = {0};
    const triad_status status = json_read_file(&root, "align/maps.json", 1 << 20, &err);
    if (status != TRIAD_OK) print_error("%s\n", err.text);
    return status;
}

static int end(void **state)
{
    (void)state;
    json_object_put(root);
    return 0;
}

int main(void)
{
    openblas_set_num_threads(1); /* as the program does: its own threads change sums */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pca),        cmocka_unit_test(test_linkage), cmocka_unit_test(test_rows),
        cmocka_unit_test(test_affinities), cmocka_unit_test(test_tsne),    cmocka_unit_test(test_what_cannot_be_drawn),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
