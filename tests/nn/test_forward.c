/* The forward passes of the models against sums in double, written out here. */
#include "nn/nn_check.h"

#include "nn/forward.h"

static void test_norms(void **state)
{
    (void)state;
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 1);
    for (size_t d = 1; d < 600; d = d * 2 + 1) {
        enum { ROWS = 4 };
        both x = both_random(&rng, ROWS * d, 2), gain = both_random(&rng, d, 1), shift = both_random(&rng, d, 1);
        both y = both_new(ROWS * d);
        for (size_t i = 0; i < ROWS * d; i++) x.d[i] = x.f[i] = x.f[i] + 3;
        for (int kind = 0; kind < 3; kind++) { /* with shift, without, RMS */
            const double epsilon = 1e-6;
            for (size_t r = 0; r < ROWS; r++) {
                double mean = 0, square = 0;
                for (size_t i = 0; i < d && kind < 2; i++) mean += x.d[r * d + i] / (double)d;
                for (size_t i = 0; i < d; i++) square += pow(x.d[r * d + i] - mean, 2) / (double)d;
                for (size_t i = 0; i < d; i++)
                    y.d[r * d + i] =
                        (x.d[r * d + i] - mean) / sqrt(square + epsilon) * gain.d[i] + (kind == 0 ? shift.d[i] : 0);
            }
            if (kind < 2)
                nn_norm_forward(y.f, x.f, gain.f, kind == 0 ? shift.f : NULL, epsilon, ROWS, d);
            else
                nn_rmsnorm_forward(y.f, x.f, gain.f, epsilon, ROWS, d);
            if (d > 1 || kind == 2) close_to("norm", &y, 1e-6);
        }
        memcpy(y.f, x.f, ROWS * d * sizeof(float));
        nn_rmsnorm_forward(y.f, y.f, gain.f, 1e-6, ROWS, d); /* in place */
        close_to("in place", &y, 1e-6);
        both *all[] = {&x, &gain, &shift, &y};
        for (size_t i = 0; i < COUNT(all); i++) both_free(all[i]);
    }
}

static void test_rope(void **state)
{
    (void)state;
    enum { ROWS = 5, HEADS = 2, D = 10, ROTARY = 6, LD = HEADS * D + 1, POSITIONS = 7 };
    static const uint32_t position[ROWS] = {0, 3, 6, 1, 3};
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 2);
    float cosine[POSITIONS * ROTARY / 2], sine[POSITIONS * ROTARY / 2];
    for (int p = 0; p < POSITIONS; p++)
        for (int i = 0; i < ROTARY / 2; i++) {
            cosine[p * ROTARY / 2 + i] = (float)cos(p * pow(100, -2.0 * i / ROTARY));
            sine[p * ROTARY / 2 + i] = (float)sin(p * pow(100, -2.0 * i / ROTARY));
        }
    for (int pairs = 0; pairs < 2; pairs++) {
        both x = both_random(&rng, ROWS * LD, 1);
        for (size_t r = 0; r < ROWS; r++)
            for (size_t h = 0; h < HEADS; h++)
                for (size_t i = 0; i < ROTARY / 2; i++) {
                    double *head = x.d + r * LD + h * D;
                    const size_t a = pairs == NN_ROPE_HALVES ? i : 2 * i,
                                 b = pairs == NN_ROPE_HALVES ? i + 3 : 2 * i + 1;
                    const double angle = position[r] * pow(100, -2.0 * (double)i / ROTARY), first = head[a];
                    head[a] = first * cos(angle) - head[b] * sin(angle);
                    head[b] = head[b] * cos(angle) + first * sin(angle);
                }
        nn_rope_forward(x.f, LD, position, cosine, sine, ROWS, HEADS, D, ROTARY, (nn_rope_pairs)pairs);
        close_to("rope", &x, 2e-7);
        both_free(&x);
    }
}

static void test_silu_mul(void **state)
{
    (void)state;
    enum { ROWS = 3 };
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 3);
    for (size_t d = 1; d < 30; d += 4) {
        both x = both_random(&rng, ROWS * 2 * d, 2), y = both_new(ROWS * d);
        for (size_t r = 0; r < ROWS; r++)
            for (size_t i = 0; i < d; i++) {
                const double gate = x.d[r * 2 * d + i];
                y.d[r * d + i] = gate / (1 + exp(-gate)) * x.d[r * 2 * d + d + i];
            }
        nn_silu_mul(y.f, d, x.f, 2 * d, x.f + d, 2 * d, ROWS, d);
        close_to("silu_mul", &y, 3e-7);
        both_free(&x);
        both_free(&y);
    }
}

/* Lists of ancestors of every kind, heads that share keys, against the sums written out. */
static void test_lists(void **state)
{
    (void)state;
    static const size_t shapes[][4] = {{1, 1, 5, 5}, {9, 3, 64, 64}, {4, 4, 32, 20}, {6, 1, 16, 17}, {10, 2, 20, 33}};
    enum { ROWS = 40, LISTS = ROWS * ROWS };
    static uint32_t ancestor[LISTS], offset[ROWS + 1];
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 4);
    size_t longest = 0;
    for (uint32_t r = 0, used = 0; r < ROWS; r++) {
        for (uint32_t a = r; used < LISTS; a -= 1 + (uint32_t)triad_pcg64_integers(&rng, 0, a)) {
            ancestor[used++] = a;
            if (a == 0) break;
        }
        offset[r + 1] = used;
        if (offset[r + 1] - offset[r] > longest) longest = offset[r + 1] - offset[r];
    }
    for (size_t s = 0; s < COUNT(shapes); s++) {
        const size_t heads = shapes[s][0], kv_heads = shapes[s][1], d = shapes[s][2], e = shapes[s][3];
        const size_t share = heads / kv_heads, ld_q = heads * d + 1, ld_out = heads * e + 3;
        const size_t key_step = d + s, value_step = e + 2 * s; /* heads with gaps between them too */
        const size_t ld_k = kv_heads * key_step + 2, ld_v = kv_heads * value_step;
        const bool biased = s % 2 == 1;
        const double scale = 0.3;
        both q = both_random(&rng, ROWS * ld_q, 1), k = both_random(&rng, ROWS * ld_k, 1);
        both v = both_random(&rng, ROWS * ld_v, 1), out = both_random(&rng, ROWS * ld_out, 1);
        both bias = both_random(&rng, heads * 2 * ROWS, 1);
        uint32_t place[ROWS]; /* a row stands last in its own list */
        for (size_t r = 0; r < ROWS; r++) place[r] = offset[r + 1] - offset[r] - 1;
        for (size_t r = 0; r < ROWS; r++)
            for (size_t h = 0; h < heads; h++) {
                const double *query = q.d + r * ld_q + h * d;
                double *o = out.d + r * ld_out + h * e, p[LISTS], sum = 0;
                for (size_t c = 0; c < e; c++) o[c] = 0;
                for (uint32_t a = offset[r]; a < offset[r + 1]; a++) {
                    double score = 0;
                    for (size_t c = 0; c < d; c++)
                        score += query[c] * k.d[ancestor[a] * ld_k + h / share * key_step + c];
                    score *= scale;
                    if (biased) score += bias.d[h * 2 * ROWS + ROWS + (a - offset[r]) - place[r]];
                    sum += p[a] = exp(score);
                }
                for (uint32_t a = offset[r]; a < offset[r + 1]; a++)
                    for (size_t c = 0; c < e; c++)
                        o[c] += p[a] / sum * v.d[ancestor[a] * ld_v + h / share * value_step + c];
            }
        float *scratch = malloc(nn_attention_list_scratch(longest) * sizeof *scratch);
        assert_non_null(scratch);
        const nn_list_attention a = {.heads = heads,
                                     .kv_heads = kv_heads,
                                     .key_dim = d,
                                     .value_dim = e,
                                     .key_step = key_step,
                                     .value_step = value_step,
                                     .scale = (float)scale,
                                     .bias = biased ? bias.f : NULL,
                                     .bias_step = 2 * ROWS,
                                     .bias_zero = ROWS,
                                     .place = place};
        nn_attention_list_forward(&a, out.f, ld_out, q.f, ld_q, k.f, ld_k, v.f, ld_v, ancestor, offset, 0, 11, scratch);
        nn_attention_list_forward(&a, out.f, ld_out, q.f, ld_q, k.f, ld_k, v.f, ld_v, ancestor, offset, 11, ROWS - 11,
                                  scratch);
        close_to("list", &out, 1e-6);
        free(scratch);
        both *all[] = {&q, &k, &v, &out, &bias};
        for (size_t i = 0; i < COUNT(all); i++) both_free(all[i]);
    }
}

/* A NaN in a layer's input comes out, and only where it belongs. */
static void test_nan(void **state)
{
    (void)state;
    enum { ROWS = 3, D = 21 };
    float x[ROWS * D], y[ROWS * D], gain[D], mean[ROWS], rstd[ROWS];
    for (size_t i = 0; i < COUNT(x); i++) x[i] = (float)i;
    for (size_t i = 0; i < D; i++) gain[i] = 1;
    x[D + 20] = NAN;
    for (int kind = 0; kind < 3; kind++) {
        if (kind == 0) nn_layernorm_forward(y, mean, rstd, x, gain, gain, ROWS, D);
        if (kind == 1) nn_norm_forward(y, x, gain, gain, 1e-5, ROWS, D);
        if (kind == 2) nn_rmsnorm_forward(y, x, gain, 1e-5, ROWS, D);
        for (size_t i = 0; i < COUNT(y); i++) assert_true(isnan(y[i]) == (i / D == 1));
    }
    nn_segment segments[2] = {{0, 1, 0, 1, 0}, {1, 2, 1, 2, 0}};
    float probs[16], out[ROWS * D];
    assert_true(nn_attention_probs(segments, 2, 1) <= COUNT(probs));
    nn_attention_forward(out, D, probs, x, D, x, D, x, D, segments, 2, 1, D, NN_CAUSAL, 0, NULL);
    for (size_t i = 0; i < D; i++) assert_true(!isnan(out[i]) && isnan(out[D + i]) && isnan(out[2 * D + i]));
    int32_t target[] = {0};
    double loss = 0;
    nn_cross_entropy(&loss, NULL, NULL, x + D, target, 1, D, 1);
    assert_true(isnan(loss));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_norms), cmocka_unit_test(test_rope), cmocka_unit_test(test_silu_mul),
        cmocka_unit_test(test_lists), cmocka_unit_test(test_nan),
    };
    return cmocka_run_group_tests_name("nn forward", tests, NULL, NULL);
}
