/* The vectorised functions against libm in double over their whole domain, and what they do with NaN and infinity. */
#include "nn/nn_check.h"

#include "nn/forward.h"

static float next_after(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits += x >= 0 ? 1 : (uint32_t)-1;
    memcpy(&x, &bits, sizeof bits);
    return x;
}

/* The distance between neighbouring floats at |x|; of the smallest normal number below that. */
static double ulp(double x)
{
    float size = (float)fabs(x);
    if (size < 0x1p-126F) return 0x1p-149;
    if (size > 0x1.fffffep127F) return 0x1p104;
    return (double)next_after(size) - (double)size;
}

typedef void (*float_fn)(float *y, const float *x, size_t n);

/* Every 2^12 + 1 th float in [low, high] of both signs: half a million of them at least. */
static double worst(float_fn f, double (*exact)(double), double low, double high, double floor, float *where)
{
    enum { BATCH = 4096 };
    static float x[BATCH], y[BATCH];
    double most = 0;
    size_t n = 0;
    for (uint64_t bits = 0; bits <= (uint64_t)UINT32_MAX + 4097; bits += 4097) {
        const bool done = bits > UINT32_MAX;
        const uint32_t word = (uint32_t)bits;
        float value;
        memcpy(&value, &word, sizeof value);
        if (!done && value >= low && value <= high) x[n++] = value;
        if (n < BATCH && !done) continue;
        f(y, x, n);
        for (size_t i = 0; i < n; i++) {
            const double want = exact((double)x[i]), unit = fmax(ulp(want), floor);
            const double error = (double)y[i] == want ? 0 : fabs((double)y[i] - want) / unit;
            if (!(error <= most)) {
                most = error;
                *where = x[i];
            }
        }
        n = 0;
    }
    return most;
}

static double exact_phi(double x)
{
    return 0.5 * erfc(-x * M_SQRT1_2);
}

static double exact_gelu(double x)
{
    return x * exact_phi(x);
}

static double exact_gelu_tanh(double x)
{
    return x / (1 + exp(-2 * sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

static double exact_silu(double x)
{
    return x / (1 + exp(-x));
}

static double exact_quick(double x)
{
    return x / (1 + exp(-1.702 * x));
}

static void test_accuracy(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        float_fn f;
        double (*exact)(double);
        double low, high;
        double units; /* of the last place, allowed */
        double floor; /* below this error nothing counts: the smallest unit */
    } cases[] = {
        {"exp", nn_exp_forward, exp, -87, 88.7, 1.1, 0},
        {"exp, gradual underflow", nn_exp_forward, exp, -104, -87, 1.5, 0},
        {"tanh", nn_tanh_forward, tanh, -1e38, 1e38, 2, 0},
        {"erf", nn_erf_forward, erf, -1e38, 1e38, 2, 0},
        {"gelu_erf", nn_gelu_erf_forward, exact_gelu, -5.6, 1e38, 11, 0},
        {"gelu_erf, far left", nn_gelu_erf_forward, exact_gelu, -1e6, -5.6, 5, 1e-9},
        {"gelu_tanh", nn_gelu_tanh_forward, exact_gelu_tanh, -1, 1e6, 5, 0},
        {"gelu_tanh, left", nn_gelu_tanh_forward, exact_gelu_tanh, -1e6, -1, 5, 1e-8},
        {"silu", nn_silu_forward, exact_silu, -10, 1e38, 4, 0},
        {"silu, far left", nn_silu_forward, exact_silu, -1e38, -10, 4, 1e-8},
        {"gelu_quick", nn_gelu_quick_forward, exact_quick, -10, 1e38, 20, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        float where = 0;
        const double most = worst(cases[i].f, cases[i].exact, cases[i].low, cases[i].high, cases[i].floor, &where);
        print_message("%s: %.2f units of the last place, at %a\n", cases[i].name, most, (double)where);
        if (!(most <= cases[i].units)) fail_msg("%s: %g units at %a", cases[i].name, most, (double)where);
        assert_true(most > 0);
    }
}

static void test_limits(void **state)
{
    (void)state;
    const float x[] = {NAN, INFINITY, -INFINITY, 0.0F, -0.0F, 3e38F, -3e38F, 1e-40F, -NAN};
    static const struct {
        float_fn f;
        float want[9]; /* of each x; NaN for NaN */
    } cases[] = {
        {nn_exp_forward, {NAN, INFINITY, 0, 1, 1, INFINITY, 0, 1, NAN}},
        {nn_tanh_forward, {NAN, 1, -1, 0, 0, 1, -1, 1e-40F, NAN}},
        {nn_erf_forward, {NAN, 1, -1, 0, 0, 1, -1, 1.12838e-40F, NAN}},
        {nn_relu_forward, {NAN, INFINITY, 0, 0, 0, 3e38F, 0, 1e-40F, NAN}},
        {nn_gelu_erf_forward, {NAN, INFINITY, NAN, 0, 0, 3e38F, 0, 5e-41F, NAN}},
        {nn_silu_forward, {NAN, INFINITY, NAN, 0, 0, 3e38F, 0, 5e-41F, NAN}},
    };
    for (size_t c = 0; c < COUNT(cases); c++) {
        for (size_t shift = 0; shift < COUNT(x); shift++) { /* in whole vectors and in parts of one */
            float y[COUNT(x)];
            cases[c].f(y, x + shift, COUNT(x) - shift);
            for (size_t i = shift; i < COUNT(x); i++) {
                const float got = y[i - shift], want = cases[c].want[i];
                if (isnan(want) ? !isnan(got) : !(fabsf(got - want) <= 1e-44F || got == want))
                    fail_msg("function %zu of %g is %g, not %g", c, (double)x[i], (double)got, (double)want);
            }
        }
    }
}

/* The derivatives, and what is computed in whole vectors against parts of one: the same bytes. */
static void test_backward(void **state)
{
    (void)state;
    typedef void (*fast_fn)(float *, const float *, const float *, size_t);
    typedef void (*ref_fn)(double *, const double *, const double *, size_t);
    static const struct {
        const char *name;
        fast_fn fast;
        ref_fn ref;
        double tolerance;
    } cases[] = {{"relu", nn_relu_backward, nn_ref64_relu_backward, 1e-15},
                 {"gelu_tanh", nn_gelu_tanh_backward, nn_ref64_gelu_tanh_backward, 1e-6},
                 {"gelu_erf", nn_gelu_erf_backward, nn_ref64_gelu_erf_backward, 3e-7},
                 {"silu", nn_silu_backward, nn_ref64_silu_backward, 3e-7}};
    enum { N = 1003 };
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 1);
    both x = both_random(&rng, N, 3), dy = both_random(&rng, N, 1), dx = both_new(N), again = both_new(N);
    for (size_t c = 0; c < COUNT(cases); c++) {
        cases[c].fast(dx.f, dy.f, x.f, N);
        cases[c].ref(dx.d, dy.d, x.d, N);
        close_to(cases[c].name, &dx, cases[c].tolerance);
        for (size_t i = 0; i < N; i++) cases[c].fast(again.f + i, dy.f + i, x.f + i, 1);
        assert_memory_equal(again.f, dx.f, N * sizeof(float));
        memcpy(again.f, dy.f, N * sizeof(float));
        cases[c].fast(again.f, again.f, x.f, N); /* in place */
        assert_memory_equal(again.f, dx.f, N * sizeof(float));
    }
    both *all[] = {&x, &dy, &dx, &again};
    for (size_t i = 0; i < COUNT(all); i++) both_free(all[i]);
}

static void test_softmax(void **state)
{
    (void)state;
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 2);
    for (size_t d = 1; d < 40; d += 3) {
        enum { ROWS = 5 };
        both x = both_random(&rng, ROWS * d, 10);
        if (d > 1)
            for (size_t r = 0; r < ROWS; r++) x.d[r * d + d - 1] = x.f[r * d + d - 1] = -INFINITY;
        nn_softmax_rows(x.f, d, ROWS, d);
        for (size_t r = 0; r < ROWS; r++) {
            double top = -INFINITY, sum = 0;
            for (size_t i = 0; i < d; i++) top = fmax(top, x.d[r * d + i]);
            for (size_t i = 0; i < d; i++) sum += x.d[r * d + i] = exp(x.d[r * d + i] - top);
            for (size_t i = 0; i < d; i++) x.d[r * d + i] /= sum;
            if (d > 1) assert_true(x.f[r * d + d - 1] == 0);
        }
        close_to("softmax", &x, 1e-6);
        for (size_t i = 0; i < d; i++) { /* NaN anywhere is NaN everywhere in its row, and nowhere else */
            float row[3 * 40];
            for (size_t j = 0; j < 3 * d; j++) row[j] = (float)j;
            row[d + i] = NAN;
            nn_softmax_rows(row, d, 3, d);
            for (size_t j = 0; j < 3 * d; j++) assert_true(isnan(row[j]) == (j >= d && j < 2 * d));
        }
        both_free(&x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accuracy),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_backward),
        cmocka_unit_test(test_softmax),
    };
    return cmocka_run_group_tests_name("nn elementwise", tests, NULL, NULL);
}
