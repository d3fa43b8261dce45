/* AdamW against three steps of PyTorch 2.13's torch.optim.AdamW, the gradient's norm, and the schedule. */
#include "nn/nn_check.h"

static void test_adamw(void **state)
{
    (void)state;
    /* lr 1e-2, betas (0.9, 0.98), eps 1e-8, weight_decay 0.1; gradients halved by the scale */
    static const float gradient[3][3] = {{0.1F, -2.0F, 1e-3F}, {0.3F, 0.5F, -1e-3F}, {-0.2F, 0.25F, 4.0F}};
    static const float want[3][3] = {{0.4895000159740448F, -1.2387499809265137F, 1.9880002737045288F},
                                     {0.47986772656440735F, -1.232796549797058F, 1.9865386486053467F},
                                     {0.47681406140327454F, -1.228705883026123F, 1.978224754333496F}};
    static const float want_m[] = {0.007550001610070467F, -0.046000003814697266F, 0.1999955028295517F};
    static const float want_v[] = {0.000689020031131804F, 0.020745500922203064F, 0.08000000566244125F};
    const nn_adamw_options options = {1e-2, 0.9, 0.98, 1e-8, 0.1};
    enum { COPIES = 7, N = 3 * COPIES }; /* whole vectors and a part of one */
    float p[N], m[N] = {0}, v[N] = {0}, g[N];
    for (size_t i = 0; i < N; i++) p[i] = (const float[]){0.5F, -1.25F, 2.0F}[i % 3];
    for (size_t step = 0; step < 3; step++) {
        for (size_t i = 0; i < N; i++) g[i] = gradient[step][i % 3];
        nn_adamw(p, m, v, g, N, &options, step + 1, 0.5F);
        for (size_t i = 0; i < N; i++) {
            assert_true(fabsf(p[i] - want[step][i % 3]) <= 3e-7F * fabsf(want[step][i % 3]));
            assert_true(g[i] == gradient[step][i % 3]);
        }
    }
    for (size_t i = 0; i < N; i++) {
        assert_true(fabsf(m[i] - want_m[i % 3]) <= 2e-8F);
        assert_true(fabsf(v[i] - want_v[i % 3]) <= 3e-7F * fabsf(want_v[i % 3]));
    }
    g[N - 1] = NAN;
    nn_adamw(p, m, v, g, N, &options, 4, 1);
    for (size_t i = 0; i < N; i++) assert_true(isnan(p[i]) == (i == N - 1));
}

static void test_norm2(void **state)
{
    (void)state;
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 1);
    for (size_t n = 0; n < 40; n++) {
        both g = both_random(&rng, n, 1);
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += g.d[i] * g.d[i];
        assert_true(fabs(nn_norm2(g.f, n) - sum) <= 1e-14 * sum);
        if (n > 0) {
            g.f[n - 1] = NAN;
            assert_true(isnan(nn_norm2(g.f, n)));
        }
        both_free(&g);
    }
}

static void test_schedule(void **state)
{
    (void)state;
    assert_true(nn_schedule(0, 1000, 200, 0.02) == 1.0 / 200);
    assert_true(nn_schedule(199, 1000, 200, 0.02) == 1);
    assert_true(nn_schedule(200, 1000, 200, 0.02) == 1);
    assert_true(fabs(nn_schedule(600, 1000, 200, 0.02) - 0.51) < 1e-15);
    assert_true(nn_schedule(1000, 1000, 200, 0.02) == 0.02 && nn_schedule(5000, 1000, 200, 0.02) == 0.02);
    assert_true(nn_schedule(0, 1000, 0, 0) == 1);   /* no warm-up */
    assert_true(nn_schedule(5, 4, 10, 0.1) == 0.6); /* shorter than its warm-up */
    assert_true(nn_schedule(10, 10, 10, 0.1) == 0.1);
    for (uint64_t step = 200; step < 1100; step++)
        assert_true(nn_schedule(step + 1, 1000, 200, 0.02) <= nn_schedule(step, 1000, 200, 0.02));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adamw),
        cmocka_unit_test(test_norm2),
        cmocka_unit_test(test_schedule),
    };
    return cmocka_run_group_tests_name("nn optimiser", tests, NULL, NULL);
}
