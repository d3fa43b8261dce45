/* What large spaces take instead of the plain way must say the same: tiled products, float products with near-ties
 * decided again, ranks by buckets. */
#include "align/coarse.h"
#include "align/gram.h"
#include "align/gram_pairs.h"
#include "align/matrices.h"
#include "align/neighbours.h"
#include "align/ranks.h"
#include "align/rows.h"
#include "base/large.h"
#include "base/machine.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <cblas.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static triad_pool *pools[3]; /* NULL, and of two and three threads */

static double *gaussian(size_t n, size_t d, uint64_t seed)
{
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, seed);
    double *x = malloc(n * d * sizeof *x);
    for (size_t i = 0; i < n * d; i++) x[i] = (double)(float)triad_pcg64_normal(&rng);
    return x;
}

/* Sizes around the tiles' edges. */
static void test_products(void **state)
{
    (void)state;
    static const size_t sizes[][2] = {{1, 3}, {63, 1}, {200, 33}, {767, 7}, {769, 40}, {1601, 330}};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const size_t n = sizes[s][0], k = sizes[s][1], step = k + 3;
        double *a = gaussian(n, step, s), *c = malloc(n * n * sizeof *c), *again = malloc(n * n * sizeof *c);
        double *wide = malloc(n * n * sizeof *wide);
        float *values = malloc(align_panels_size(n, k) * sizeof *values), *together = calloc(ALIGN_TOGETHER * k, 4),
              *room = malloc(align_gram_room(pools[2]) * sizeof *room);
        const align_panels panels = align_panels_of_floats(values, n, k);
        for (size_t i = 0; i < align_panels_count(n) * ALIGN_PANEL; i += ALIGN_TOGETHER) {
            for (size_t r = 0; r < ALIGN_TOGETHER; r++)
                for (size_t l = 0; l < k; l++) together[r * k + l] = i + r < n ? (float)a[(i + r) * step + l] : 0;
            align_panels_put(&panels, i, together);
        }
        align_gram_rows(c, a, step, n, k, NULL);
        align_gram_widened(wide, &panels, room, NULL);
        triad_pcg64 rng;
        triad_pcg64_seed(&rng, 1);
        for (size_t check = 0; check < 4000; check++) {
            const size_t i = (size_t)triad_pcg64_integers(&rng, 0, (int64_t)n),
                         j = (size_t)triad_pcg64_integers(&rng, 0, (int64_t)n);
            double sum = 0, own = 0, other = 0;
            for (size_t l = 0; l < k; l++) {
                sum += a[i * step + l] * a[j * step + l];
                own += a[i * step + l] * a[i * step + l];
                other += a[j * step + l] * a[j * step + l];
            }
            assert_true(fabs(c[i * n + j] - sum) <= 1e-12 * sqrt(own * other) + 1e-300);
            assert_true(fabs(wide[i * n + j] - sum) <= (double)(k + 4) * 0x1p-24 * sqrt(own * other));
            assert_true(c[i * n + j] == c[j * n + i] && wide[i * n + j] == wide[j * n + i]);
        }
        for (size_t p = 1; p < 3; p++) {
            align_gram_rows(again, a, step, n, k, pools[p]);
            assert_memory_equal(c, again, n * n * sizeof *c);
            align_gram_widened(again, &panels, room, pools[p]);
            assert_memory_equal(wide, again, n * n * sizeof *wide);
        }
        free(a);
        free(c);
        free(again);
        free(values);
        free(together);
        free(wide);
        free(room);
    }
}

/* ---- coarse products */

static void fill_units(void *units, size_t count, bool floats, unsigned shape, size_t per_row, triad_pcg64 *rng)
{
    const int64_t top = shape ? 32767 : 3300; /* 3300^2 * 192 < 2^31 */
    float *wide = units;
    int16_t *narrow = units;
    for (size_t i = 0; i < count; i++) {
        /* one pair of columns that is full, the others empty */
        const bool empty = shape && i / ALIGN_STRIP % per_row != per_row / 2;
        for (size_t l = 0; !floats && l < 2; l++)
            narrow[2 * i + l] = empty ? 0 : (int16_t)triad_pcg64_integers(rng, -top, top + 1);
        if (floats) wide[i] = (float)triad_pcg64_normal(rng);
    }
}

/* Every kernel the same bits, also from integers whose sums just fit, on any part of a block. */
static void test_panel_kernels(void **state)
{
    (void)state;
    enum { UNITS = 192, SIZE = UNITS * ALIGN_PANEL, STEP = ALIGN_PANEL + 5 };
    static uint32_t a[SIZE], b[SIZE];
    static float want[ALIGN_PANEL * STEP], got[ALIGN_PANEL * STEP];
    const bool wide = triad_machine_has_avx512(), vnni = align_panel_has_avx512vnni();
    const align_panel_fn kernel[2][4] = {{align_panel_short_plain, align_panel_short_base, align_panel_short_choose(),
                                          vnni ? align_panel_short_avx512vnni : align_panel_short_base},
                                         {align_panel_float_plain, align_panel_float_base, align_panel_float_choose(),
                                          wide ? align_panel_float_avx512 : align_panel_float_base}};
    static const size_t units[] = {1, 2, 7, 95, UNITS};
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 3);
    for (unsigned floats = 0; floats < 2; floats++)
        for (unsigned shape = 0; shape < 2; shape++)
            for (size_t t = 0; t < sizeof units / sizeof *units; t++) {
                const size_t count = units[t] * ALIGN_PANEL;
                fill_units(a, count, floats, shape, units[t], &rng);
                fill_units(b, count, floats, shape, units[t], &rng);
                for (size_t v = 0; v < 4; v++) {
                    memset(got, 0xff, sizeof got);
                    kernel[floats][v](a, ALIGN_PANEL, b, units[t], true, got, STEP);
                    kernel[floats][v](b, 8 + 8 * (t % 5), a, units[t], false, got, STEP);
                    if (v == 0) memcpy(want, got, sizeof want);
                    assert_memory_equal(got, want, sizeof want);
                }
            }
}

static void check_product(const align_apart *apart, const align_coarse *coarse, const double *x, size_t i, size_t j,
                          float product, unsigned shape)
{
    const size_t d = apart->d;
    double sum = 0;
    for (size_t k = 0; k < d; k++)
        sum += (x[i * d + k] * apart->scale[i] - apart->mean[k]) * (x[j * d + k] * apart->scale[j] - apart->mean[k]);
    const double got = (double)product * (double)coarse->unit[i] * (double)coarse->unit[j],
                 bound = align_coarse_error(coarse, apart, i);
    if (!(fabs(got - sum) <= bound + 1e-13))
        fail_msg("%zu x %zu, shape %u: (%zu, %zu) is %g, not %g, bound %g", apart->n, d, shape, i, j, got, sum, bound);
    if (shape == 0) assert_true(bound < 1e-3 * apart->length[i] * coarse->longest);
}

/* Products are off by no more than the bound, and the bound is not much too wide. */
static void test_coarse_products(void **state)
{
    (void)state;
    static const size_t sizes[][2] = {{5, 1}, {49, 3}, {130, 191}, {145, 385}, {97, 1200}, {800, 50}};
    for (size_t s = 0; s < 6; s++)
        for (unsigned shape = 0; shape < 4; shape++) {
            const size_t n = sizes[s][0], d = sizes[s][1], size = align_panels_size(n, (d + 1) / 2);
            double *x = gaussian(n, d, 60 + s);
            for (size_t i = 0; i < n; i++)
                for (size_t c = 0; c < d; c++) {
                    if (shape == 1) x[i * d + c] *= c == d / 2 ? 500 : 1; /* one column has it all */
                    if (shape == 2) x[i * d + c] *= pow(10, (double)(i % 30) - 15);
                    if (shape == 3) x[i * d + c] = i % 7 == 0 ? 0 : 1 + 1e-6 * x[i * d + c];
                }
            const align_source rows = {.n = n, .d = d, .x = x};
            uint32_t *values = malloc(size * sizeof *values), *first = NULL;
            float *product = malloc((size_t)ALIGN_TILE * ALIGN_TILE_STEP * sizeof *product);
            for (size_t p = 0; p < 3; p++) {
                align_apart apart;
                align_coarse coarse;
                assert_int_equal(align_apart_create(&apart, &rows, NULL, pools[p], NULL), TRIAD_OK);
                assert_int_equal(align_coarse_create(&coarse, &apart, &rows, values, pools[p], NULL), TRIAD_OK);
                if (first == NULL) {
                    first = malloc(size * sizeof *first);
                    memcpy(first, values, size * sizeof *first);
                    size_t pairs = 0;
                    for (size_t t = 0; t < align_tiles(n); t++) {
                        const align_tile tile = align_tile_at(t, n);
                        align_tile_product(product, &coarse.integers, &tile);
                        for (size_t i = tile.row; i < tile.row_end; i++)
                            for (size_t j = tile.column; j < tile.column_end && j <= i; j++, pairs++)
                                check_product(&apart, &coarse, x, i, j,
                                              product[(i - tile.row) * ALIGN_TILE_STEP + j - tile.column], shape);
                    }
                    assert_int_equal(pairs, n * (n + 1) / 2);
                }
                assert_memory_equal(first, values, size * sizeof *first);
                align_coarse_free(&coarse);
                align_apart_free(&apart);
            }
            free(product);
            free(x);
            free(values);
            free(first);
        }
}

/* ---- neighbours */

static void same_lists(const align_neighbours *a, const align_neighbours *b, const char *what, bool exact)
{
    const size_t n = a->n, ks = a->ks;
    for (size_t i = 0; i < n; i++) {
        if (a->offset[i + 1] != b->offset[i + 1]) fail_msg("%s: row %zu ends elsewhere", what, i);
        for (size_t e = a->offset[i]; e < a->offset[i + 1]; e++) {
            if (a->index[e] != b->index[e]) fail_msg("%s: row %zu: %u, not %u", what, i, b->index[e], a->index[e]);
            assert_true(fabs(a->cosine[e] - b->cosine[e]) < (exact ? 1e-13 : 1e-4));
        }
    }
    assert_memory_equal(a->above, b->above, n * ks * sizeof *a->above);
    assert_memory_equal(a->reached, b->reached, n * ks * sizeof *a->reached);
}

static void compare_lists(const double *x, size_t n, size_t d, const size_t *k, size_t ks, const char *what)
{
    align_neighbours plain, rows;
    align_room room = {0};
    /* in float where the numbers allow it, row i at place n - 1 - i */
    float *layer = malloc(n * d * sizeof *layer);
    size_t *order = malloc(n * sizeof *order);
    bool same = true;
    for (size_t i = 0; i < n; i++) {
        order[i] = n - 1 - i;
        for (size_t c = 0; c < d; c++) {
            layer[order[i] * d + c] = (float)x[i * d + c];
            same &= (double)layer[order[i] * d + c] == x[i * d + c];
        }
    }
    const align_source wide = {.n = n, .d = d, .x = x};
    align_source narrow = {.n = n, .d = d, .layer = layer, .order = order};
    if (!same) narrow = wide;
    double *cosine = malloc(n * n * sizeof *cosine);
    assert_int_equal(align_cosines(cosine, x, n, d, NULL, NULL), TRIAD_OK);
    assert_int_equal(align_neighbours_create(&plain, cosine, n, k, ks, NULL, NULL), TRIAD_OK);
    for (size_t p = 0; p < 3; p++)
        for (unsigned exact = 0; exact < 2; exact++) {
            assert_int_equal(align_neighbours_of_rows(&rows, p < 2 ? &wide : &narrow, k, ks, exact, p ? &room : NULL,
                                                      pools[p], NULL),
                             TRIAD_OK);
            same_lists(&plain, &rows, what, exact);
            align_neighbours_free(&rows);
        }
    align_neighbours_free(&plain);
    free(cosine);
    free(layer);
    free(order);
    free(room.memory);
}

static void test_neighbours(void **state)
{
    (void)state;
    const size_t ks[] = {1, 5, 10, 15}, wide[] = {3, 120};
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 9);
    static const size_t sizes[][2] = {{17, 5}, {130, 3}, {333, 40}, {400, 700}, {1203, 17}};
    for (size_t s = 0; s < 5; s++) {
        const size_t n = sizes[s][0], d = sizes[s][1];
        double *x = gaussian(n, d, 20 + s);
        compare_lists(x, n, d, ks, 4, "gaussian");
        if (n > 120) compare_lists(x, n, d, wide, 2, "more neighbours than blocks");
        /* far from the origin: cosines of 0.999 and more, which differ in the seventh digit */
        double *far = malloc(n * d * sizeof *far);
        for (size_t i = 0; i < n * d; i++) far[i] = x[i] + 300 + (double)(i % d);
        compare_lists(far, n, d, ks, 4, "off the origin");
        free(far);
        /* near-ties at every scale from the grid to the float's error, exact ties, zero rows */
        for (size_t i = n / 2; i < n; i++) {
            const double by = pow(10, -4 - (double)triad_pcg64_integers(&rng, 0, 10));
            for (size_t c = 0; c < d; c++) x[i * d + c] = x[(i - n / 2) * d + c] + by * triad_pcg64_normal(&rng);
        }
        for (size_t i = 0; i < 6; i++) memcpy(x + (n - 1 - i) * d, x + (i / 2) * d, d * sizeof *x);
        memset(x + 2 * d, 0, d * sizeof *x);
        memset(x + (n / 2 + 1) * d, 0, d * sizeof *x);
        compare_lists(x, n, d, ks, 4, "near-ties");
        for (size_t i = 0; i < n; i++) memcpy(x + i * d, x + (i % 3) * d, d * sizeof *x);
        compare_lists(x, n, d, ks, 4, "three rows over and over");
        free(x);
    }
}

/* So much is in question that a whole product is taken. */
static void test_nothing_to_tell_apart(void **state)
{
    (void)state;
    const size_t n = 900, d = 20, ks[] = {5};
    double *x = gaussian(n, d, 4);
    for (size_t i = d; i < n * d; i++) x[i] = x[i % d] + 1e-7 * x[i];
    compare_lists(x, n, d, ks, 1, "one direction");
    free(x);
}

/* ---- kernels */

static double cka(const align_matrix *a, const align_matrix *b, size_t n)
{
    return align_ratio(align_matched_sum(a->values, b->values, n), a->norm, b->norm);
}

static void test_kernels_in_float(void **state)
{
    (void)state;
    const size_t n = 320, d = 90;
    for (unsigned far = 0; far < 2; far++) {
        double *x = gaussian(n, d, 31), *y = gaussian(n, d, 32);
        for (size_t i = 0; i < n * d; i++) {
            y[i] += 0.6 * x[i];
            if (far) x[i] += 1000 + (double)(i % d); /* drowns the differences unless columns are centred first */
        }
        const align_source of_x = {.n = n, .d = d, .x = x}, of_y = {.n = n, .d = d, .x = y};
        align_room room = {0};
        align_matrix plain[4] = {0}, single[4] = {0}, again[2] = {0};
        assert_int_equal(align_linear_kernels(&plain[0], &plain[1], &of_x, false, NULL, NULL, NULL), TRIAD_OK);
        assert_int_equal(align_linear_kernels(&plain[2], &plain[3], &of_y, false, NULL, NULL, NULL), TRIAD_OK);
        assert_int_equal(align_linear_kernels(&single[0], &single[1], &of_x, true, NULL, NULL, NULL), TRIAD_OK);
        assert_int_equal(align_linear_kernels(&single[2], &single[3], &of_y, true, &room, NULL, NULL), TRIAD_OK);
        for (size_t u = 0; u < 2; u++) {
            const double want = cka(&plain[u], &plain[2 + u], n), got = cka(&single[u], &single[2 + u], n);
            assert_true(fabs(want) > 0.05 && fabs(got - want) < 1e-7);
            assert_true(fabs(cka(&single[u], &single[u], n) - 1) < 1e-12);
        }
        for (size_t p = 1; p < 3; p++) {
            assert_int_equal(align_linear_kernels(&again[0], &again[1], &of_x, true, &room, pools[p], NULL), TRIAD_OK);
            for (size_t u = 0; u < 2; u++) {
                assert_memory_equal(again[u].values, single[u].values, n * n * sizeof(double));
                assert_true(again[u].norm == single[u].norm);
                free(again[u].values);
            }
        }
        for (size_t i = 0; i < 4; i++) {
            free(plain[i].values);
            free(single[i].values);
        }
        free(room.memory);
        free(x);
        free(y);
    }
    /* a side that does not vary has no kernel, also where its mean is off by rounding */
    double *same = malloc(n * d * sizeof *same);
    for (size_t i = 0; i < n * d; i++) same[i] = 0.1 * (double)(i % d + 1);
    align_matrix constant = {0};
    assert_int_equal(
        align_linear_kernels(NULL, &constant, &(align_source){.n = n, .d = d, .x = same}, true, NULL, NULL, NULL),
        TRIAD_OK);
    assert_true(constant.norm == 0);
    free(constant.values);
    free(same);
}

/* Sums over tiles say what the kernels themselves do: values, and what each sentence has in them. */
static void test_kernels_in_tiles(void **state)
{
    (void)state;
    enum { SIDES = 3, PAIRS = 3 };
    static const size_t sizes[][2] = {{4, 3}, {47, 9}, {385, 60}, {800, 31}};
    size_t pair[PAIRS][2] = {{0, 1}, {2, 1}, {1, 1}};
    for (size_t s = 0; s < 4; s++) {
        const size_t n = sizes[s][0], d = sizes[s][1];
        double *x[SIDES];
        align_source of[SIDES];
        align_matrix plain[SIDES][2] = {0};
        float *values[SIDES];
        align_centred sides[SIDES];
        for (size_t v = 0; v < SIDES; v++) {
            x[v] = gaussian(n, d, 90 + v);
            for (size_t i = 0; i < n * d; i++) {
                if (v == 1) x[v][i] += 0.4 * x[0][i];
                if (v == 2) x[v][i] += 500 + (double)(i % d);
            }
            of[v] = (align_source){.n = n, .d = d, .x = x[v]};
            values[v] = malloc(align_panels_size(n, d) * sizeof *values[v]);
            assert_int_equal(align_linear_kernels(&plain[v][0], &plain[v][1], &of[v], false, NULL, NULL, NULL),
                             TRIAD_OK);
        }
        align_gram_pair first[PAIRS];
        for (size_t p = 0; p < 3; p++) {
            align_gram_pair pairs[PAIRS];
            for (size_t v = 0; v < SIDES; v++)
                assert_int_equal(align_centred_create(&sides[v], &of[v], values[v], pools[p], NULL), TRIAD_OK);
            const bool wanted[] = {true, true};
            assert_int_equal(align_gram_pairs(pairs, pair, PAIRS, sides, SIDES, wanted, pools[p], NULL), TRIAD_OK);
            for (size_t v = 0; v < SIDES; v++) align_centred_free(&sides[v]);
            for (size_t q = 0; q < PAIRS; q++)
                for (size_t c = 0; c < 2; c++) {
                    const align_matrix *a = &plain[pair[q][0]][c], *b = &plain[pair[q][1]][c];
                    const double want = cka(a, b, n);
                    assert_true(fabs(pairs[q].value[c] - want) < 1e-7);
                    double sum = 0;
                    for (size_t i = 0; i < n; i++) {
                        double own = 0;
                        for (size_t j = 0; j < n; j++) own += a->values[i * n + j] * b->values[i * n + j];
                        own *= (double)n / sqrt(a->norm * b->norm);
                        assert_true(fabs(pairs[q].scores[c][i] - own) < 1e-5);
                        sum += pairs[q].scores[c][i] / (double)n;
                    }
                    assert_true(fabs(sum - pairs[q].value[c]) < 1e-12);
                    if (p > 0) {
                        assert_true(pairs[q].value[c] == first[q].value[c]);
                        assert_memory_equal(pairs[q].scores[c], first[q].scores[c], n * sizeof(double));
                    }
                }
            if (p == 0) memcpy(first, pairs, sizeof first);
            if (p > 0) align_gram_pairs_free(pairs, PAIRS);
        }
        align_gram_pairs_free(first, PAIRS);
        /* one of the centrings alone, and a side that does not vary */
        for (size_t i = 0; i < n * d; i++) x[2][i] = 0.1 * (double)(i % d + 1);
        align_gram_pair one[PAIRS];
        for (size_t v = 0; v < SIDES; v++)
            assert_int_equal(align_centred_create(&sides[v], &of[v], values[v], NULL, NULL), TRIAD_OK);
        const bool unbiased[] = {false, true};
        assert_int_equal(align_gram_pairs(one, pair, PAIRS, sides, SIDES, unbiased, NULL, NULL), TRIAD_OK);
        assert_true(isnan(one[0].value[0]) && one[0].scores[0] == NULL && !isnan(one[0].value[1]));
        assert_true(isnan(one[1].value[1]) && one[1].scores[1] == NULL);
        align_gram_pairs_free(one, PAIRS);
        for (size_t v = 0; v < SIDES; v++) {
            align_centred_free(&sides[v]);
            free(plain[v][0].values);
            free(plain[v][1].values);
            free(values[v]);
            free(x[v]);
        }
    }
}

/* CKA does not know a space's scale: products in float must not leave their range for it. Powers of two change no bit.
 */
static void test_any_scale(void **state)
{
    (void)state;
    enum { N = 120, D = 40, SCALES = 4 };
    static const double scales[SCALES] = {1, 0x1p-120, 0x1p118, 0x1p-60};
    size_t pair[1][2] = {{0, 1}};
    float *x = malloc(N * D * sizeof *x), *y = malloc(N * D * sizeof *y);
    size_t order[N];
    for (size_t i = 0; i < N; i++) order[i] = N - 1 - i;
    double *a = gaussian(N, D, 7), *b = gaussian(N, D, 8), *wide = malloc(N * D * sizeof *wide), first[2] = {0},
           norm[2] = {0};
    for (size_t i = 0; i < N * D; i++) y[i] = (float)(3 + b[i] + 0.5 * a[i]);
    for (size_t s = 0; s < SCALES; s++) {
        for (size_t i = 0; i < N * D; i++) wide[i] = x[i] = (float)((5 + a[i]) * scales[s]);
        const align_source of[2] = {{.n = N, .d = D, .layer = x, .order = order},
                                    {.n = N, .d = D, .layer = y, .order = order}};
        align_centred sides[2];
        float *values[2];
        for (size_t v = 0; v < 2; v++) {
            values[v] = malloc(align_panels_size(N, D) * sizeof *values[v]);
            assert_int_equal(align_centred_create(&sides[v], &of[v], values[v], NULL, NULL), TRIAD_OK);
        }
        align_gram_pair found;
        const bool wanted[] = {true, true};
        assert_int_equal(align_gram_pairs(&found, pair, 1, sides, 2, wanted, NULL, NULL), TRIAD_OK);
        align_matrix kernel[2] = {0};
        assert_int_equal(align_linear_kernels(&kernel[0], &kernel[1], &of[0], true, NULL, NULL, NULL), TRIAD_OK);
        for (size_t c = 0; c < 2; c++) {
            if (s == 0) {
                first[c] = found.value[c];
                norm[c] = kernel[c].norm;
            }
            assert_true(found.value[c] > 0.05 && found.value[c] == first[c]);
            assert_true(kernel[c].norm > 0 && kernel[c].norm == norm[c]);
            free(kernel[c].values);
        }
        align_gram_pairs_free(&found, 1);
        for (size_t v = 0; v < 2; v++) {
            align_centred_free(&sides[v]);
            free(values[v]);
        }
    }
    /* and an offset that is a million times what rows differ by */
    double plain[2] = {0};
    for (size_t o = 0; o < 2; o++) {
        for (size_t i = 0; i < N * D; i++) wide[i] = rint(64 * a[i]) / 64 + (o ? 1e6 : 0);
        align_matrix kernel = {0}, other = {0};
        assert_int_equal(
            align_linear_kernels(NULL, &kernel, &(align_source){.n = N, .d = D, .x = wide}, false, NULL, NULL, NULL),
            TRIAD_OK);
        assert_int_equal(
            align_linear_kernels(NULL, &other, &(align_source){.n = N, .d = D, .x = b}, false, NULL, NULL, NULL),
            TRIAD_OK);
        plain[o] = cka(&kernel, &other, N);
        free(kernel.values);
        free(other.values);
    }
    assert_true(fabs(plain[0] - plain[1]) < 1e-9);
    /* the product of two norms leaves double's range before their ratio does */
    assert_true(fabs(align_ratio(3e180, 4e180, 9e180) - 0.5) < 1e-12);
    assert_true(fabs(align_ratio(3e-180, 4e-180, 9e-180) - 0.5) < 1e-12);
    free(x);
    free(y);
    free(a);
    free(b);
    free(wide);
}

static double rank_correlation(const double *a, const double *b, size_t n)
{
    double both = 0, own = 0, other = 0;
    for (size_t i = 0; i < n * n; i++) {
        both += a[i] * b[i];
        own += a[i] * a[i];
        other += b[i] * b[i];
    }
    return both / sqrt(own * other);
}

/* Ranks of the cosine RDM by float products where that cannot matter; refused where distances tie. */
static void test_rdms_in_float(void **state)
{
    (void)state;
    const size_t n = 700, d = 60;
    const uint32_t kinds = 1U << ALIGN_COSINE_RANKS | 1U << ALIGN_COSINE_CENTRED;
    for (unsigned shape = 0; shape < 3; shape++) {
        double *x = gaussian(n, d, 50);
        for (size_t i = 0; i < n * d; i++) {
            if (shape == 1) x[i] += 100;       /* much alike, and still all different */
            if (shape == 2) x[i] = x[i] > 1.3; /* counts: few different distances */
        }
        const align_source rows = {.n = n, .d = d, .x = x};
        align_matrix plain[ALIGN_MATRICES] = {0};
        double *cosine = malloc(n * n * sizeof *cosine);
        assert_int_equal(align_cosines(cosine, x, n, d, NULL, NULL), TRIAD_OK);
        assert_int_equal(align_cosine_forms(plain, kinds, cosine, n, NULL, NULL, NULL), TRIAD_OK);
        double *first = NULL;
        for (size_t p = 0; p < 3; p++) {
            align_matrix single[ALIGN_MATRICES] = {0};
            bool done;
            double *room = malloc(n * n * sizeof *room);
            assert_int_equal(align_cosine_forms_single(single, &done, kinds, room, &rows, NULL, pools[p], NULL),
                             TRIAD_OK);
            assert_int_equal(done, shape < 2);
            if (!done) {
                assert_null(single[ALIGN_COSINE_RANKS].values);
                free(room);
                continue;
            }
            for (size_t k = ALIGN_COSINE_CENTRED; k <= ALIGN_COSINE_RANKS; k++) {
                assert_true(fabs(rank_correlation(plain[k].values, single[k].values, n) - 1) < 1e-8);
                assert_true(fabs(single[k].norm - plain[k].norm) < 1e-6 * plain[k].norm);
            }
            if (first == NULL) {
                first = malloc(n * n * sizeof *first);
                memcpy(first, single[ALIGN_COSINE_RANKS].values, n * n * sizeof *first);
            }
            assert_memory_equal(first, single[ALIGN_COSINE_RANKS].values, n * n * sizeof *first);
            align_matrices_free(single);
        }
        free(first);
        align_matrices_free(plain);
        free(x);
    }
}

/* ---- ranks */

static void compare_ranks(const double *table, size_t n, const char *what)
{
    const size_t pairs = n * (n - 1) / 2;
    double *vector = malloc((2 * pairs + 1) * sizeof *vector), *ranked = malloc(n * n * sizeof *ranked);
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) vector[at++] = table[i * n + j];
    assert_int_equal(align_average_ranks(vector + pairs, vector, pairs, NULL), TRIAD_OK);
    for (size_t p = 0; p < 3; p++) {
        memcpy(ranked, table, n * n * sizeof *ranked);
        assert_int_equal(align_rank_pairs(ranked, n, NULL, pools[p], NULL), TRIAD_OK);
        at = 0;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) {
                const double want = j < i ? vector[pairs + at++] - 0.5 * (double)(pairs + 1) : table[i * n + j];
                if (ranked[i * n + j] != want)
                    fail_msg("%s, n = %zu: (%zu, %zu) has %g", what, n, i, j, ranked[i * n + j]);
            }
    }
    free(vector);
    free(ranked);
}

static void test_ranks(void **state)
{
    (void)state;
    static const size_t sizes[] = {2, 3, 7, 40, 160, 420};
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 77);
    for (size_t s = 0; s < 6; s++) {
        const size_t n = sizes[s];
        double *table = malloc(n * n * sizeof *table);
        for (unsigned shape = 0; shape < 8; shape++) {
            static const char *const names[] = {"uniform",   "three values", "all equal", "skewed",
                                                "few apart", "huge",         "tiny",      "signed zeros"};
            for (size_t i = 0; i < n * n; i++) {
                const double u = triad_pcg64_uniform(&rng);
                table[i] = shape == 0   ? u
                           : shape == 1 ? floor(3 * u)
                           : shape == 2 ? 0.25
                           : shape == 3 ? exp(60 * u)
                           : shape == 4 ? (u < 0.001 ? 1e9 * u : 1 + 1e-9 * floor(1000 * u))
                           : shape == 5 ? (u - 0.5) * DBL_MAX * 2
                           : shape == 6 ? floor(16 * u) * DBL_TRUE_MIN
                                        : (u < 0.5    ? -0.0
                                           : u < 0.75 ? 0.0
                                                      : 1.0);
            }
            compare_ranks(table, n, names[shape]);
        }
        free(table);
    }
    double one = 3;
    assert_int_equal(align_rank_pairs(&one, 1, NULL, NULL, NULL), TRIAD_OK);
    assert_true(one == 3);
}

/* ---- rows */

static void test_rows(void **state)
{
    (void)state;
    enum { N = 150, D = 3 };
    float data[N * D];
    size_t rows[N], bad;
    for (size_t i = 0; i < N * D; i++) data[i] = (float)i;
    for (size_t i = 0; i < N; i++) rows[i] = N - 1 - i;
    triad_layer layer = {.n = N, .d = D, .data = data};
    for (size_t p = 0; p < 3; p++) {
        double *x;
        data[7 * D + 1] = (float)(7 * D + 1);
        data[90 * D] = (float)(90 * D);
        assert_int_equal(align_take_rows(&x, &bad, &layer, rows, N, pools[p], NULL), TRIAD_OK);
        assert_int_equal(bad, N);
        for (size_t i = 0; i < N; i++)
            for (size_t c = 0; c < D; c++) assert_true(x[i * D + c] == (double)data[rows[i] * D + c]);
        free(x);
        data[7 * D + 1] = NAN;
        data[90 * D] = -INFINITY;
        assert_int_equal(align_take_rows(&x, &bad, &layer, rows, N, pools[p], NULL), TRIAD_OK);
        assert_int_equal(bad, N - 1 - 90); /* the first in the order asked for */
        bad = 0;
        assert_int_equal(align_check_rows(&bad, &layer, rows, N, pools[p], NULL), TRIAD_OK);
        assert_int_equal(bad, N - 1 - 90);
        free(x);
    }
}

static void test_large_memory(void **state)
{
    (void)state;
    assert_null(triad_alloc_large(SIZE_MAX / 2, 3));
    assert_null(triad_alloc_large(SIZE_MAX, 1));
    static const size_t sizes[] = {0, 1, 100, ((size_t)4 << 20) - 1, (size_t)4 << 20, ((size_t)9 << 20) + 5};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *memory = triad_alloc_large(sizes[i], 1);
        assert_non_null(memory);
        memset(memory, 1, sizes[i]);
        free(memory);
    }
}

static int begin(void **state)
{
    (void)state;
    return triad_pool_create(&pools[1], 2, NULL) != TRIAD_OK || triad_pool_create(&pools[2], 3, NULL) != TRIAD_OK;
}

static int end(void **state)
{
    (void)state;
    triad_pool_free(pools[1]);
    triad_pool_free(pools[2]);
    return 0;
}

int main(void)
{
    openblas_set_num_threads(1); /* as the program does: its own threads change sums */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_panel_kernels),
        cmocka_unit_test(test_coarse_products),
        cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_kernels_in_float),
        cmocka_unit_test(test_kernels_in_tiles),
        cmocka_unit_test(test_any_scale),
        cmocka_unit_test(test_nothing_to_tell_apart),
        cmocka_unit_test(test_rdms_in_float),
        cmocka_unit_test(test_ranks),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_large_memory),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
