/* The fast float layers against the double reference, over shapes with and without whole vectors. Where a layer adds,
 * both start from the same numbers. */
#include "nn/nn_check.h"

static const double TIGHT = 2e-6; /* relative Frobenius error of float sums of these lengths */

static void test_linear(void **state)
{
    (void)state;
    static const size_t shapes[][3] = {{1, 1, 1},      {5, 8, 3}, {7, 33, 19}, {300, 128, 384},
                                       {64, 512, 128}, {0, 4, 4}, {3, 130, 7}};
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 1);
    for (size_t s = 0; s < COUNT(shapes); s++) {
        const size_t rows = shapes[s][0], in = shapes[s][1], out = shapes[s][2];
        both x = both_random(&rng, rows * in, 1), w = both_random(&rng, in * out, 1), b = both_random(&rng, out, 1);
        both y = both_new(rows * out), dy = both_random(&rng, rows * out, 1);
        both dx = both_random(&rng, rows * in, 1), dw = both_random(&rng, in * out, 1), db = both_random(&rng, out, 1);
        nn_linear_forward(y.f, x.f, w.f, b.f, rows, in, out);
        nn_ref64_linear_forward(y.d, x.d, w.d, b.d, rows, in, out);
        close_to("y", &y, TIGHT);
        nn_linear_forward(y.f, x.f, w.f, NULL, rows, in, out);
        nn_ref64_linear_forward(y.d, x.d, w.d, NULL, rows, in, out);
        close_to("y without b", &y, TIGHT);
        nn_linear_backward(dx.f, dw.f, db.f, dy.f, x.f, w.f, rows, in, out);
        nn_ref64_linear_backward(dx.d, dw.d, db.d, dy.d, x.d, w.d, rows, in, out);
        close_to("dx", &dx, TIGHT);
        close_to("dw", &dw, TIGHT);
        close_to("db", &db, TIGHT);
        nn_linear_backward_add(dx.f, dw.f, NULL, dy.f, x.f, w.f, rows, in, out);
        nn_ref64_linear_backward_add(dx.d, dw.d, NULL, dy.d, x.d, w.d, rows, in, out);
        close_to("dx added", &dx, TIGHT);
        close_to("dw added", &dw, TIGHT);
        nn_linear_backward(NULL, dw.f, db.f, dy.f, x.f, w.f, rows, in, out);
        nn_ref64_linear_backward(NULL, dw.d, db.d, dy.d, x.d, w.d, rows, in, out);
        close_to("dw alone", &dw, TIGHT);
        close_to("db alone", &db, TIGHT);
        both *all[] = {&x, &w, &b, &y, &dy, &dx, &dw, &db};
        for (size_t i = 0; i < COUNT(all); i++) both_free(all[i]);
    }
}

/* The mask is a function of key and position: of any cut of the array, in both directions; and as dense as it is asked.
 */
static void test_dropout(void **state)
{
    (void)state;
    enum { N = 100003 };
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 8);
    both x = both_random(&rng, N, 1), y = both_new(N), dx = both_new(N);
    const double rates[] = {0, 0.1, 0.5, 0.9};
    for (size_t r = 0; r < COUNT(rates); r++) {
        const double rate = rates[r];
        nn_dropout_forward(y.f, x.f, N, rate, 42, 5);
        nn_ref64_dropout_forward(y.d, x.d, N, rate, 42, 5);
        close_to("dropout", &y, TIGHT);
        nn_dropout_backward(dx.f, x.f, 1000, rate, 42, 5);
        nn_dropout_backward(dx.f + 1000, x.f + 1000, N - 1000, rate, 42, 1005);
        assert_memory_equal(dx.f, y.f, N * sizeof *y.f);
        size_t gone = 0;
        for (size_t i = 0; i < N; i++) gone += y.f[i] == 0;
        const double far = fabs((double)gone - rate * N) / sqrt(N * rate * (1 - rate) + 1);
        assert_true(far < 5);
        nn_dropout_forward(y.f, x.f, N, rate, 43, 5);
        if (rate > 0) assert_memory_not_equal(dx.f, y.f, N * sizeof *y.f);
    }
    both_free(&x);
    both_free(&y);
    both_free(&dx);
}

static void test_norms(void **state)
{
    (void)state;
    static const size_t shapes[][2] = {{1, 5}, {3, 7}, {40, 8}, {100, 128}, {9, 257}, {0, 16}};
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 2);
    for (size_t s = 0; s < COUNT(shapes); s++) {
        const size_t rows = shapes[s][0], d = shapes[s][1], conditions = rows / 3 + 1, ld = 2 * d + 3;
        both x = both_random(&rng, rows * d, 2), y = both_new(rows * d), dy = both_random(&rng, rows * d, 1);
        both mean = both_new(rows), rstd = both_new(rows), dx = both_random(&rng, rows * d, 1);
        both film = both_random(&rng, conditions * ld, 1), dfilm = both_random(&rng, conditions * ld, 1);
        uint32_t *film_row = calloc(rows + 1, sizeof *film_row);
        for (size_t r = 0; r < rows; r++) film_row[r] = (uint32_t)(r / 3);
        const size_t shift = d + 1;
        nn_layernorm_forward(y.f, mean.f, rstd.f, x.f, film.f, film.f + shift, rows, d);
        nn_ref64_layernorm_forward(y.d, mean.d, rstd.d, x.d, film.d, film.d + shift, rows, d);
        close_to("layernorm", &y, TIGHT);
        close_to("mean", &mean, TIGHT);
        close_to("rstd", &rstd, TIGHT);
        nn_layernorm_backward_add(dx.f, dfilm.f, dfilm.f + shift, dy.f, x.f, mean.f, rstd.f, film.f, rows, d);
        nn_ref64_layernorm_backward_add(dx.d, dfilm.d, dfilm.d + shift, dy.d, x.d, mean.d, rstd.d, film.d, rows, d);
        close_to("layernorm dx", &dx, TIGHT);
        close_to("layernorm dgain, dshift", &dfilm, TIGHT);
        nn_rms_norm_forward(y.f, rstd.f, x.f, film.f, rows, d);
        nn_ref64_rms_norm_forward(y.d, rstd.d, x.d, film.d, rows, d);
        close_to("rms_norm", &y, TIGHT);
        close_to("rms_norm rstd", &rstd, TIGHT);
        nn_rms_norm_backward_add(dx.f, dfilm.f, dy.f, x.f, rstd.f, film.f, rows, d);
        nn_ref64_rms_norm_backward_add(dx.d, dfilm.d, dy.d, x.d, rstd.d, film.d, rows, d);
        close_to("rms_norm dx", &dx, TIGHT);
        close_to("rms_norm dgain", &dfilm, TIGHT);
        nn_film_norm_forward(y.f, mean.f, rstd.f, x.f, film.f, film.f + shift, ld, film_row, rows, d);
        nn_ref64_film_norm_forward(y.d, mean.d, rstd.d, x.d, film.d, film.d + shift, ld, film_row, rows, d);
        close_to("film_norm", &y, TIGHT);
        nn_film_norm_backward_add(dx.f, dfilm.f, dfilm.f + shift, dy.f, x.f, mean.f, rstd.f, film.f, ld, film_row, rows,
                                  d);
        nn_ref64_film_norm_backward_add(dx.d, dfilm.d, dfilm.d + shift, dy.d, x.d, mean.d, rstd.d, film.d, ld, film_row,
                                        rows, d);
        close_to("film_norm dx", &dx, TIGHT);
        close_to("film_norm dg, db", &dfilm, TIGHT);
        free(film_row);
        both *all[] = {&x, &y, &dy, &mean, &rstd, &dx, &film, &dfilm};
        for (size_t i = 0; i < COUNT(all); i++) both_free(all[i]);
    }
}

static void test_gather(void **state)
{
    (void)state;
    static const uint32_t index[] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5};
    static const uint32_t offset[] = {0, 2, 2, 7, 11}, runs[] = {0, 1, 4, 9};
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 3);
    for (size_t d = 1; d < 80; d += 13) {
        both table = both_random(&rng, 10 * d, 1), dtable = both_random(&rng, 10 * d, 1);
        both out = both_random(&rng, 4 * d, 1), dout = both_random(&rng, 4 * d, 1);
        nn_bag_forward(out.f, table.f, index, offset, 4, d);
        nn_ref64_bag_forward(out.d, table.d, index, offset, 4, d);
        close_to("bag", &out, TIGHT);
        for (size_t c = 0; c < d; c++) assert_true(out.f[d + c] == 0); /* the empty bag */
        nn_bag_backward(dtable.f, dout.f, index, offset, 4, d);
        nn_ref64_bag_backward(dtable.d, dout.d, index, offset, 4, d);
        close_to("bag dtable", &dtable, TIGHT);
        out.n = 3 * d;
        nn_segment_mean_forward(out.f, table.f, runs, 3, d);
        nn_ref64_segment_mean_forward(out.d, table.d, runs, 3, d);
        close_to("segment mean", &out, TIGHT);
        nn_segment_mean_backward_add(dtable.f, dout.f, runs, 3, d);
        nn_ref64_segment_mean_backward_add(dtable.d, dout.d, runs, 3, d);
        close_to("segment mean dx", &dtable, TIGHT);
        both *all[] = {&table, &dtable, &out, &dout};
        for (size_t i = 0; i < COUNT(all); i++) both_free(all[i]);
    }
}

typedef struct attention_case {
    size_t heads, head_dim, window;
    nn_mask mask;
    bool bias;
    size_t count, segments[5][2]; /* queries and keys */
} attention_case;

static void check_attention(const attention_case *c, triad_pcg64 *rng)
{
    nn_segment segments[5];
    size_t queries = 2, keys = 1; /* rows that no segment names */
    for (size_t s = 0; s < c->count; s++) {
        segments[s] = (nn_segment){queries, c->segments[s][0], keys, c->segments[s][1], 0};
        queries += segments[s].q_count;
        keys += segments[s].k_count;
    }
    const size_t d = c->heads * c->head_dim, ld_q = d + 3, ld_k = 2 * d, ld_o = d + 1;
    const size_t probs_size = nn_attention_probs(segments, c->count, c->heads);
    both q = both_random(rng, queries * ld_q, 1), kv = both_random(rng, keys * ld_k, 1);
    both bias = both_random(rng, c->heads * c->window, 1), dbias = both_random(rng, c->heads * c->window, 1);
    both out = both_random(rng, queries * ld_o, 1), dout = both_random(rng, queries * ld_o, 1);
    both probs = both_random(rng, probs_size, 1);
    both dq = both_random(rng, queries * ld_q, 1), dkv = both_random(rng, keys * ld_k, 1);
    nn_attention_forward(out.f, ld_o, probs.f, q.f, ld_q, kv.f, ld_k, kv.f + d, ld_k, segments, c->count, c->heads,
                         c->head_dim, c->mask, c->window, c->bias ? bias.f : NULL);
    nn_ref64_attention_forward(out.d, ld_o, probs.d, q.d, ld_q, kv.d, ld_k, kv.d + d, ld_k, segments, c->count,
                               c->heads, c->head_dim, c->mask, c->window, c->bias ? bias.d : NULL);
    close_to("out", &out, TIGHT);
    nn_attention_backward(dq.f, ld_q, dkv.f, ld_k, dkv.f + d, ld_k, c->bias ? dbias.f : NULL, dout.f, ld_o, probs.f,
                          q.f, ld_q, kv.f, ld_k, kv.f + d, ld_k, segments, c->count, c->heads, c->head_dim, c->mask,
                          c->window);
    nn_ref64_attention_backward(dq.d, ld_q, dkv.d, ld_k, dkv.d + d, ld_k, c->bias ? dbias.d : NULL, dout.d, ld_o,
                                probs.d, q.d, ld_q, kv.d, ld_k, kv.d + d, ld_k, segments, c->count, c->heads,
                                c->head_dim, c->mask, c->window);
    close_to("dq", &dq, 2 * TIGHT);
    close_to("dk, dv", &dkv, 2 * TIGHT);
    close_to("dbias", &dbias, 2 * TIGHT);
    both *all[] = {&q, &kv, &bias, &dbias, &out, &dout, &probs, &dq, &dkv};
    for (size_t i = 0; i < COUNT(all); i++) both_free(all[i]);
}

static void test_attention(void **state)
{
    (void)state;
    static const attention_case cases[] = {
        {4, 32, 0, NN_FULL, false, 5, {{5, 5}, {1, 1}, {8, 8}, {7, 9}, {1, 6}}},
        {1, 1, 0, NN_FULL, false, 2, {{2, 3}, {4, 1}}},
        {2, 19, 0, NN_FULL, false, 3, {{12, 17}, {0, 4}, {6, 24}}},
        {2, 64, 0, NN_FULL, false, 1, {{32, 32}}},
        {4, 32, 24, NN_CAUSAL, true, 4, {{60, 60}, {1, 1}, {25, 25}, {8, 8}}},
        {2, 32, 0, NN_CAUSAL, false, 3, {{60, 60}, {3, 3}, {17, 17}}},
        {1, 20, 3, NN_CAUSAL, true, 2, {{41, 41}, {5, 5}}},
        {1, 32, 1, NN_CAUSAL, true, 1, {{9, 9}}},
        {1, 32, 100, NN_CAUSAL, true, 2, {{600, 600}, {4, 4}}}, /* cut into runs */
        {1, 128, 20, NN_CAUSAL, true, 1, {{301, 301}}},         /* cut into runs */
        {1, 16, 0, NN_CAUSAL, false, 1, {{530, 530}}},          /* general products */
        {1, 32, 600, NN_CAUSAL, true, 1, {{620, 620}}},         /* general products */
        {1, 24, 0, NN_FULL, false, 1, {{37, 700}}},             /* general products */
    };
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 4);
    for (size_t i = 0; i < COUNT(cases); i++) check_attention(cases + i, &rng);
}

static void test_cross_entropy(void **state)
{
    (void)state;
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 5);
    enum { ROWS = 50, CLASSES = 7 };
    both logits = both_random(&rng, ROWS * CLASSES, 3), dlogits = both_new(ROWS * CLASSES);
    int32_t target[ROWS];
    for (int r = 0; r < ROWS; r++) target[r] = (int32_t)triad_pcg64_integers(&rng, -1, CLASSES);
    double loss[2] = {1, 1};
    size_t correct[2] = {2, 2};
    nn_cross_entropy(loss, correct, dlogits.f, logits.f, target, ROWS, CLASSES, 0.25F);
    nn_ref64_cross_entropy(loss + 1, correct + 1, dlogits.d, logits.d, target, ROWS, CLASSES, 0.25);
    close_to("dlogits", &dlogits, TIGHT);
    assert_true(fabs(loss[0] - loss[1]) < 1e-6 * loss[1] && correct[0] == correct[1] && correct[0] > 2);
    both_free(&logits);
    both_free(&dlogits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear), cmocka_unit_test(test_norms),     cmocka_unit_test(test_dropout),
        cmocka_unit_test(test_gather), cmocka_unit_test(test_attention), cmocka_unit_test(test_cross_entropy),
    };
    return cmocka_run_group_tests_name("nn layers", tests, NULL, NULL);
}
