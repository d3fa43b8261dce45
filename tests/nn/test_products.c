/* Matrix products against the naive reference: every transposition, sizes around every edge of the kernels, both
 * kernels where the machine has them, and the same bytes for any pool. */
#include "nn/nn_check.h"

#include "base/machine.h"
#include "nn/gemm_kernels.h"
#include "nn/products.h"

static const double TOLERANCE = 1e-6;

static void check(triad_pcg64 *rng, bool ta, bool tb, size_t m, size_t n, size_t k, double alpha, double beta)
{
    const size_t lda = (ta ? m : k) + 3, ldb = (tb ? k : n) + 1, ldc = n + 2;
    both a = both_random(rng, (ta ? k : m) * lda, 1), b = both_random(rng, (tb ? n : k) * ldb, 1);
    both c = both_random(rng, m * ldc, 1);
    if (beta == 0 && n > 0) /* c is not read */
        for (size_t i = 0; i < m; i++) c.f[i * ldc] = NAN;
    nn_gemm(ta, tb, m, n, k, (float)alpha, a.f, lda, b.f, ldb, (float)beta, c.f, ldc);
    nn_ref64_gemm(ta, tb, m, n, k, alpha, a.d, lda, b.d, ldb, beta, c.d, ldc);
    const double e = distance(c.f, c.d, c.n); /* the columns between n and ldc have to stay as they were */
    if (!(e <= TOLERANCE)) fail_msg("%zux%zux%zu ta %d tb %d alpha %g beta %g: %g", m, n, k, ta, tb, alpha, beta, e);
    both_free(&a);
    both_free(&b);
    both_free(&c);
}

static void test_gemm(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 5, 6, 7, 8, 13, 14, 15, 16, 17, 31, 32, 33, 65};
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 1);
    for (int t = 0; t < 4; t++)
        for (size_t i = 0; i < COUNT(sizes); i++)
            for (size_t j = 0; j < COUNT(sizes); j++)
                for (size_t l = 0; l < COUNT(sizes); l += 1 + (i + j) % 3)
                    check(&rng, t & 1, t & 2, sizes[i], sizes[j], sizes[l], 1, (i + j + l) % 2 ? 1 : 0);
    static const size_t large[][3] = {{20, 257, 255}, {29, 300, 256}, {3, 40, 257}, {15, 513, 600}, {100, 128, 128}};
    for (int t = 0; t < 4; t++)
        for (size_t i = 0; i < COUNT(large); i++) {
            check(&rng, t & 1, t & 2, large[i][0], large[i][1], large[i][2], 1, 0);
            check(&rng, t & 1, t & 2, large[i][0], large[i][1], large[i][2], -0.5, 2);
        }
}

/* Both kernels on the same blocks, whichever nn_gemm would choose. */
static void test_kernels(void **state)
{
    (void)state;
    const nn_gemm_kernel *kernels[] = {&nn_gemm_kernel_base, &nn_gemm_kernel_avx512};
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 2);
    for (size_t i = 0; i < COUNT(kernels); i++) {
        if (i == 1 && !triad_machine_has_avx512()) continue;
        for (size_t m = 1; m < 30; m++) {
            enum { N = 75, K = 41 };
            const bool ta = m % 2, tb = m % 3 == 0;
            both a = both_random(&rng, m * K, 1), b = both_random(&rng, N * K, 1), c = both_random(&rng, m * N, 1);
            float *packed = aligned_alloc(64, 128 * K * sizeof *packed);
            assert_non_null(packed);
            kernels[i]->pack(packed, tb, b.f, tb ? K : N, K, N);
            kernels[i]->multiply(ta, m, N, K, 2, a.f, ta ? m : K, packed, kernels[i]->panel * K, kernels[i]->panel, 1,
                                 c.f, N, c.f, N);
            nn_ref64_gemm(ta, tb, m, N, K, 2, a.d, ta ? m : K, b.d, tb ? K : N, 1, c.d, N);
            close_to("kernel", &c, TOLERANCE);
            free(packed);
            both_free(&a);
            both_free(&b);
            both_free(&c);
        }
        float sink[2] = {0.5F, 0.25F};
        assert_true(kernels[i]->peak(10, sink) > 0 && isfinite(sink[0]));
    }
}

/* Machines with and without AVX-512 sum in the same order: the same bytes. */
static void test_kernels_agree(void **state)
{
    (void)state;
    if (!triad_machine_has_avx512()) skip();
    enum { M = 33, N = 75, K = 141 };
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 6);
    both a = both_random(&rng, M * K, 1), b = both_random(&rng, N * K, 1), c = both_random(&rng, M * N, 1);
    both again = both_new(M * N);
    memcpy(again.f, c.f, M * N * sizeof(float));
    const nn_gemm_kernel *kernels[] = {&nn_gemm_kernel_base, &nn_gemm_kernel_avx512};
    for (size_t i = 0; i < 2; i++) {
        float *packed = aligned_alloc(64, 128 * K * sizeof *packed), *out = i ? again.f : c.f;
        assert_non_null(packed);
        kernels[i]->pack(packed, true, b.f, K, K, N);
        kernels[i]->multiply(false, M, N, K, 1, a.f, K, packed, kernels[i]->panel * K, kernels[i]->panel, 1, out, N,
                             out, N);
        free(packed);
    }
    assert_memory_equal(c.f, again.f, M * N * sizeof(float));
    both *all[] = {&a, &b, &c, &again};
    for (size_t i = 0; i < COUNT(all); i++) both_free(all[i]);
}

static void test_pool(void **state)
{
    (void)state;
    static const size_t shapes[][3] = {{2000, 40, 33},  {1, 1536, 700}, {130, 1200, 64}, {64, 300, 512},
                                       {700, 700, 300}, {3, 3, 3},      {0, 5, 5},       {40, 3000, 1500}};
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 3);
    triad_pool *pools[4] = {NULL};
    for (int i = 1; i < 4; i++) assert_int_equal(triad_pool_create(&pools[i], i, NULL), TRIAD_OK);
    for (size_t s = 0; s < COUNT(shapes); s++) {
        const size_t m = shapes[s][0], n = shapes[s][1], k = shapes[s][2];
        for (int t = 0; t < 4; t++) {
            const bool ta = t & 1, tb = t & 2;
            both a = both_random(&rng, m * k, 1), b = both_random(&rng, n * k, 1), c = both_random(&rng, m * n, 1);
            float *out[5];
            for (size_t i = 0; i < 5; i++) {
                out[i] = malloc((m * n + 1) * sizeof(float));
                assert_non_null(out[i]);
                memcpy(out[i], c.f, m * n * sizeof(float));
                if (i < 4)
                    nn_gemm_pool(pools[i], ta, tb, m, n, k, 1, a.f, ta ? m : k, b.f, tb ? k : n, 1, out[i], n);
                else
                    nn_gemm(ta, tb, m, n, k, 1, a.f, ta ? m : k, b.f, tb ? k : n, 1, out[i], n);
                if (i > 0) assert_memory_equal(out[i], out[0], m * n * sizeof(float));
            }
            if (m * n > 0) { /* a row against the exact sum */
                const size_t row = m / 2;
                for (size_t j = 0; j < n; j += 1 + n / 7) {
                    double sum = c.d[row * n + j];
                    for (size_t l = 0; l < k; l++)
                        sum += a.d[ta ? l * m + row : row * k + l] * b.d[tb ? j * k + l : l * n + j];
                    assert_true(fabs(sum - (double)out[1][row * n + j]) <= 1e-4);
                }
            }
            for (size_t i = 0; i < 5; i++) free(out[i]);
            both_free(&a);
            both_free(&b);
            both_free(&c);
        }
    }
    for (int i = 1; i < 4; i++) triad_pool_free(pools[i]);
}

static void test_linear_pool(void **state)
{
    (void)state;
    static const size_t shapes[][3] = {{150, 60, 400}, {5, 7, 3}, {1, 3000, 600}, {9, 8, 0}};
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 7);
    triad_pool *pool;
    assert_int_equal(triad_pool_create(&pool, 2, NULL), TRIAD_OK);
    for (size_t s = 0; s < COUNT(shapes); s++)
        for (int bias = 0; bias < 2; bias++) {
            const size_t rows = shapes[s][0], out = shapes[s][1], in = shapes[s][2];
            both x = both_random(&rng, rows * in, 1), w = both_random(&rng, out * in, 1), b = both_random(&rng, out, 1);
            both y = both_new(rows * out), wide = both_random(&rng, rows * (out + 3), 1);
            nn_linear_forward(y.f, x.f, w.f, bias ? b.f : NULL, rows, in, out);
            nn_linear_pool(pool, wide.f, out + 3, x.f, in, w.f, bias ? b.f : NULL, rows, in, out);
            for (size_t r = 0; r < rows; r++) {
                assert_memory_equal(y.f + r * out, wide.f + r * (out + 3), out * sizeof(float));
                for (size_t i = out; i < out + 3; i++)
                    assert_true((double)wide.f[r * (out + 3) + i] == wide.d[r * (out + 3) + i]);
            }
            both *all[] = {&x, &w, &b, &y, &wide};
            for (size_t i = 0; i < COUNT(all); i++) both_free(all[i]);
        }
    triad_pool_free(pool);
}

/* A row of the result depends on its own row of a alone: the same bytes whatever stands beside it. */
static void test_rows_are_independent(void **state)
{
    (void)state;
    enum { M = 61, N = 50, K = 300 };
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 4);
    both a = both_random(&rng, M * K, 1), b = both_random(&rng, N * K, 1), all = both_new(M * N), one = both_new(N);
    nn_gemm(false, true, M, N, K, 1, a.f, K, b.f, K, 0, all.f, N);
    for (size_t i = 0; i < M; i++) {
        nn_gemm(false, true, 1, N, K, 1, a.f + i * K, K, b.f, K, 0, one.f, N);
        assert_memory_equal(one.f, all.f + i * N, N * sizeof(float));
    }
    both *arrays[] = {&a, &b, &all, &one};
    for (size_t i = 0; i < COUNT(arrays); i++) both_free(arrays[i]);
}

static void test_nan(void **state)
{
    (void)state;
    enum { M = 20, N = 40, K = 300 };
    float *a = calloc(M * K, sizeof *a), *b = calloc(K * N, sizeof *b), *c = calloc(M * N, sizeof *c);
    assert_true(a && b && c);
    a[7 * K + 299] = NAN; /* times zero is still NaN */
    b[3 * N + 39] = INFINITY;
    nn_gemm(false, false, M, N, K, 1, a, K, b, N, 0, c, N);
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < N; j++) assert_true(isnan(c[i * N + j]) == (i == 7 || j == 39));
    free(a);
    free(b);
    free(c);
}

static void test_small(void **state)
{
    (void)state;
    static const size_t shapes[][3] = {{1, 1, 1},   {5, 5, 32},   {1, 5, 32},   {32, 32, 64}, {60, 60, 32}, {7, 13, 9},
                                       {2, 64, 32}, {11, 24, 31}, {3, 100, 20}, {8, 9, 17},   {6, 8, 0},    {0, 8, 8}};
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 5);
    for (size_t s = 0; s < COUNT(shapes); s++) {
        const size_t m = shapes[s][0], n = shapes[s][1], k = shapes[s][2];
        assert_true(k == 0 || n <= nn_small_gemm_most(k));
        for (int tb = 0; tb < 2; tb++) {
            both a = both_random(&rng, m * (k + 1), 1), b = both_random(&rng, n * k, 1),
                 c = both_random(&rng, m * (n + 1), 1);
            nn_small_gemm(tb, m, n, k, 0.5F, a.f, k + 1, b.f, tb ? k : n, c.f, n + 1);
            nn_ref64_gemm(false, tb, m, n, k, 0.5, a.d, k + 1, b.d, tb ? k : n, 0, c.d, n + 1);
            close_to("small", &c, TOLERANCE);
            both_free(&a);
            both_free(&b);
            both_free(&c);
        }
    }
}

typedef struct held {
    const float *w;
    size_t in;
    bool copies;
} held;

static const float *fetch(void *context, float *scratch, size_t first, size_t count)
{
    const held *h = context;
    assert_true(count >= 1 && count <= NN_WEIGHT_ROWS);
    if (!h->copies) return h->w + first * h->in;
    memcpy(scratch, h->w + first * h->in, count * h->in * sizeof *scratch);
    return scratch;
}

/* A weight that is fetched gives the bytes of one that lies there, for any pool. */
static void test_linear_fetch(void **state)
{
    (void)state;
    static const size_t shapes[][3] = {{1, 5, 3}, {40, 321, 70}, {70, 64, 300}, {33, 9000, 600}};
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 12);
    triad_error err;
    for (size_t s = 0; s < COUNT(shapes); s++)
        for (int kind = 0; kind < 4; kind++) {
            const size_t rows = shapes[s][0], in = shapes[s][1], out = shapes[s][2], ld = out + 3;
            const bool onto = kind & 1, biased = kind & 2;
            both x = both_random(&rng, rows * in, 1), w = both_random(&rng, out * in, 1), b = both_random(&rng, out, 1);
            both y = both_random(&rng, rows * ld, 1), z = both_random(&rng, rows * ld, 1);
            memcpy(z.f, y.f, rows * ld * sizeof *z.f);
            for (size_t r = 0; r < rows && biased; r++)
                for (size_t j = 0; j < out; j++) y.f[r * ld + j] = (onto ? y.f[r * ld + j] : 0) + b.f[j];
            nn_gemm(false, true, rows, out, in, 1, x.f, in, w.f, in, onto || biased ? 1 : 0, y.f, ld);
            for (int threads = 1; threads <= 3; threads++) {
                triad_pool *pool = NULL;
                assert_int_equal(triad_pool_create(&pool, threads, &err), TRIAD_OK);
                held h = {w.f, in, threads != 2};
                float *work = aligned_alloc(64, (nn_linear_fetch_work(threads, in, out) * sizeof *work + 63) / 64 * 64);
                float *got = malloc(rows * ld * sizeof *got);
                assert_true(work != NULL && got != NULL);
                memcpy(got, z.f, rows * ld * sizeof *got);
                nn_linear_fetch(pool, got, ld, x.f, in, fetch, &h, biased ? b.f : NULL, onto, rows, in, out, work);
                assert_memory_equal(got, y.f, rows * ld * sizeof *got);
                free(work);
                free(got);
                triad_pool_free(pool);
            }
            both *all[] = {&x, &w, &b, &y, &z};
            for (size_t i = 0; i < COUNT(all); i++) both_free(all[i]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gemm), cmocka_unit_test(test_kernels),     cmocka_unit_test(test_kernels_agree),
        cmocka_unit_test(test_pool), cmocka_unit_test(test_linear_pool), cmocka_unit_test(test_rows_are_independent),
        cmocka_unit_test(test_nan),  cmocka_unit_test(test_small),       cmocka_unit_test(test_linear_fetch),
    };
    return cmocka_run_group_tests_name("nn products", tests, NULL, NULL);
}
