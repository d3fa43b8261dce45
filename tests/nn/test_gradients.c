/* Every backward pass in double against central differences of its forward pass.
 *
 * A case names its layer, the step and the largest relative error that it is allowed. The loss is sum(out * weight)
 * with fixed random weights, so that the gradient of the output is the weight. Each input is a probe: its analytic
 * gradient must be there, must not be zero, and must agree by relative Frobenius error. */
#include "nn/nn_check.h"

enum { MOST = 4096, PROBES = 6 };

typedef struct probe {
    const char *name;
    double *x, *dx;
    size_t n;
} probe;

typedef struct layer layer;
struct layer {
    const char *name;
    void (*forward)(layer *l);
    void (*backward)(layer *l); /* reads weight, adds to or overwrites each probe's dx */
    double step, tolerance;
    size_t rows, d, out; /* out: width of linear's result, or classes */
    size_t heads, window;
    nn_mask mask;

    triad_pcg64 rng;
    double *y, *weight; /* [y_count] */
    size_t y_count;
    probe probes[PROBES];
    size_t probe_count;
    double kept[4][MOST]; /* what forward keeps for backward */
    uint32_t index[MOST], offset[MOST];
    nn_segment segments[3];
    size_t segment_count;
};

static double *fresh(layer *l, size_t n)
{
    double *x = malloc((n + 1) * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) x[i] = triad_pcg64_normal(&l->rng);
    return x;
}

static void probe_new(layer *l, const char *name, size_t n)
{
    assert_true(l->probe_count < PROBES);
    probe *p = &l->probes[l->probe_count++];
    *p = (probe){name, fresh(l, n), calloc(n, sizeof *p->dx), n};
    assert_non_null(p->dx);
}

static void output_new(layer *l, size_t n)
{
    l->y_count = n;
    l->y = fresh(l, n);
    l->weight = fresh(l, n);
}

static double loss(layer *l)
{
    l->forward(l);
    double sum = 0;
    for (size_t i = 0; i < l->y_count; i++) sum += l->y[i] * l->weight[i];
    return sum;
}

static void check(layer *l)
{
    loss(l);
    l->backward(l);
    for (size_t p = 0; p < l->probe_count; p++) {
        probe *const at = &l->probes[p];
        double error = 0, norm = 0;
        for (size_t i = 0; i < at->n; i++) {
            const double x = at->x[i];
            at->x[i] = x + l->step;
            const double above = loss(l);
            at->x[i] = x - l->step;
            const double below = loss(l);
            at->x[i] = x;
            const double numeric = (above - below) / (2 * l->step);
            error += (numeric - at->dx[i]) * (numeric - at->dx[i]);
            norm += at->dx[i] * at->dx[i];
        }
        const double relative = sqrt(error / norm);
        if (!(norm > 0)) fail_msg("%s: the gradient of %s is zero", l->name, at->name);
        if (!(relative <= l->tolerance))
            fail_msg("%s: the gradient of %s is off by %g, allowed %g", l->name, at->name, relative, l->tolerance);
    }
    for (size_t p = 0; p < l->probe_count; p++) {
        free(l->probes[p].x);
        free(l->probes[p].dx);
    }
    free(l->y);
    free(l->weight);
}

#define X(i) (l->probes[i].x)
#define DX(i) (l->probes[i].dx)

static void linear_forward(layer *l)
{
    nn_ref64_linear_forward(l->y, X(0), X(1), X(2), l->rows, l->d, l->out);
}

static void linear_backward(layer *l)
{
    nn_ref64_linear_backward(DX(0), DX(1), DX(2), l->weight, X(0), X(1), l->rows, l->d, l->out);
}

/* Twice the gradient of x by the adding form, halved: checks that it adds, and adds the same. */
static void linear_backward_add(layer *l)
{
    nn_ref64_linear_backward_add(DX(0), DX(1), DX(2), l->weight, X(0), X(1), l->rows, l->d, l->out);
    nn_ref64_linear_backward_add(DX(0), DX(1), DX(2), l->weight, X(0), X(1), l->rows, l->d, l->out);
    for (size_t p = 0; p < 3; p++)
        for (size_t i = 0; i < l->probes[p].n; i++) DX(p)[i] /= 2;
}

static void layernorm_forward(layer *l)
{
    nn_ref64_layernorm_forward(l->y, l->kept[0], l->kept[1], X(0), X(1), X(2), l->rows, l->d);
}

static void layernorm_backward(layer *l)
{
    nn_ref64_layernorm_backward_add(DX(0), DX(1), DX(2), l->weight, X(0), l->kept[0], l->kept[1], X(1), l->rows, l->d);
}

static void rms_forward(layer *l)
{
    nn_ref64_rms_norm_forward(l->y, l->kept[0], X(0), X(1), l->rows, l->d);
}

static void rms_backward(layer *l)
{
    nn_ref64_rms_norm_backward_add(DX(0), DX(1), l->weight, X(0), l->kept[0], X(1), l->rows, l->d);
}

static void dropout_forward(layer *l)
{
    nn_ref64_dropout_forward(l->y, X(0), l->rows * l->d, 0.4, 7, 100);
}

static void dropout_backward(layer *l)
{
    nn_ref64_dropout_backward(DX(0), l->weight, l->rows * l->d, 0.4, 7, 100);
}

static void film_forward(layer *l)
{
    nn_ref64_film_norm_forward(l->y, l->kept[0], l->kept[1], X(0), X(1), X(1) + l->d, 2 * l->d, l->index, l->rows,
                               l->d);
}

static void film_backward(layer *l)
{
    nn_ref64_film_norm_backward_add(DX(0), DX(1), DX(1) + l->d, l->weight, X(0), l->kept[0], l->kept[1], X(1), 2 * l->d,
                                    l->index, l->rows, l->d);
}

#define ELEMENTWISE(op)                                                                                                \
    static void op##_forward(layer *l)                                                                                 \
    {                                                                                                                  \
        nn_ref64_##op##_forward(l->y, X(0), l->rows * l->d);                                                           \
    }                                                                                                                  \
    static void op##_backward(layer *l)                                                                                \
    {                                                                                                                  \
        nn_ref64_##op##_backward(DX(0), l->weight, X(0), l->rows * l->d);                                              \
    }
ELEMENTWISE(relu)
ELEMENTWISE(gelu_tanh)
ELEMENTWISE(gelu_erf)
ELEMENTWISE(silu)

static void bag_forward(layer *l)
{
    nn_ref64_bag_forward(l->y, X(0), l->index, l->offset, l->rows, l->d);
}

static void bag_backward(layer *l)
{
    nn_ref64_bag_backward(DX(0), l->weight, l->index, l->offset, l->rows, l->d);
}

static void mean_forward(layer *l)
{
    nn_ref64_segment_mean_forward(l->y, X(0), l->offset, 3, l->d);
}

static void mean_backward(layer *l)
{
    nn_ref64_segment_mean_backward_add(DX(0), l->weight, l->offset, 3, l->d);
}

static void attention_forward(layer *l)
{
    const size_t d = l->heads * l->d;
    nn_ref64_attention_forward(l->y, d, l->kept[0], X(0), d, X(1), d, X(2), d, l->segments, l->segment_count, l->heads,
                               l->d, l->mask, l->window, l->probe_count > 3 ? X(3) : NULL);
}

static void attention_backward(layer *l)
{
    const size_t d = l->heads * l->d;
    nn_ref64_attention_backward(DX(0), d, DX(1), d, DX(2), d, l->probe_count > 3 ? DX(3) : NULL, l->weight, d,
                                l->kept[0], X(0), d, X(1), d, X(2), d, l->segments, l->segment_count, l->heads, l->d,
                                l->mask, l->window);
}

static void entropy_forward(layer *l)
{
    int32_t target[64];
    for (size_t r = 0; r < l->rows; r++) target[r] = (int32_t)l->index[r] - 1; /* one row is left out */
    l->y[0] = 0;
    nn_ref64_cross_entropy(l->y, NULL, l->kept[0], X(0), target, l->rows, l->out, l->weight[0]);
}

static void entropy_backward(layer *l)
{
    memcpy(DX(0), l->kept[0], l->rows * l->out * sizeof(double));
}

static void test_gradients(void **state)
{
    (void)state;
    static layer cases[] = {
        /* name, passes, step, largest relative error, and the shape */
        {"linear", linear_forward, linear_backward, 1e-3, 1e-10, .rows = 5, .d = 7, .out = 6},
        {"linear, adding", linear_forward, linear_backward_add, 1e-3, 1e-10, .rows = 3, .d = 4, .out = 9},
        {"layernorm", layernorm_forward, layernorm_backward, 1e-5, 1e-8, .rows = 5, .d = 9},
        {"rms_norm", rms_forward, rms_backward, 1e-5, 1e-8, .rows = 5, .d = 9},
        {"dropout", dropout_forward, dropout_backward, 1e-3, 1e-10, .rows = 6, .d = 7},
        {"film_norm", film_forward, film_backward, 1e-5, 1e-8, .rows = 7, .d = 9},
        {"relu", relu_forward, relu_backward, 1e-6, 1e-8, .rows = 6, .d = 7},
        {"gelu_tanh", gelu_tanh_forward, gelu_tanh_backward, 1e-5, 1e-8, .rows = 6, .d = 7},
        {"gelu_erf", gelu_erf_forward, gelu_erf_backward, 1e-5, 1e-8, .rows = 6, .d = 7},
        {"silu", silu_forward, silu_backward, 1e-5, 1e-8, .rows = 6, .d = 7},
        {"bag", bag_forward, bag_backward, 1e-3, 1e-10, .rows = 4, .d = 7},
        {"segment_mean", mean_forward, mean_backward, 1e-3, 1e-10, .rows = 9, .d = 7},
        {"attention, full", attention_forward, attention_backward, 1e-5, 1e-7, .rows = 9, .d = 5, .heads = 2,
         .mask = NN_FULL},
        {"attention, causal", attention_forward, attention_backward, 1e-5, 1e-7, .rows = 9, .d = 5, .heads = 2,
         .mask = NN_CAUSAL},
        {"attention, windowed with bias", attention_forward, attention_backward, 1e-5, 1e-7, .rows = 9, .d = 5,
         .heads = 2, .window = 3, .mask = NN_CAUSAL},
        {"cross_entropy", entropy_forward, entropy_backward, 1e-5, 1e-7, .rows = 6, .d = 1, .out = 7},
    };
    for (size_t c = 0; c < COUNT(cases); c++) {
        layer *l = &cases[c];
        triad_pcg64_seed(&l->rng, c);
        for (size_t r = 0; r < l->rows; r++) l->index[r] = (uint32_t)(r / 3);
        if (l->forward == linear_forward) {
            output_new(l, l->rows * l->out);
            probe_new(l, "x", l->rows * l->d);
            probe_new(l, "w", l->out * l->d);
            probe_new(l, "b", l->out);
        } else if (l->forward == layernorm_forward) {
            output_new(l, l->rows * l->d);
            probe_new(l, "x", l->rows * l->d);
            probe_new(l, "gain", l->d);
            probe_new(l, "shift", l->d);
        } else if (l->forward == rms_forward) {
            output_new(l, l->rows * l->d);
            probe_new(l, "x", l->rows * l->d);
            probe_new(l, "gain", l->d);
        } else if (l->forward == film_forward) {
            output_new(l, l->rows * l->d);
            probe_new(l, "x", l->rows * l->d);
            probe_new(l, "g and b", 3 * 2 * l->d);
        } else if (l->forward == bag_forward) {
            static const uint32_t index[] = {2, 0, 3, 3, 1, 4, 2}, offset[] = {0, 2, 2, 6, 7};
            memcpy(l->index, index, sizeof index);
            memcpy(l->offset, offset, sizeof offset);
            output_new(l, l->rows * l->d);
            probe_new(l, "table", 5 * l->d);
        } else if (l->forward == mean_forward) {
            static const uint32_t offset[] = {0, 1, 5, 9};
            memcpy(l->offset, offset, sizeof offset);
            output_new(l, 3 * l->d);
            probe_new(l, "x", l->rows * l->d);
        } else if (l->forward == attention_forward) {
            const bool full = l->mask == NN_FULL;
            l->segments[0] = (nn_segment){0, 2, 0, full ? 3 : 2, 0};
            l->segments[1] = (nn_segment){2, 1, full ? 3 : 2, 1, 0};
            l->segments[2] = (nn_segment){3, 6, full ? 4 : 3, full ? 5 : 6, 0};
            l->segment_count = 3;
            assert_true(nn_attention_probs(l->segments, 3, l->heads) <= MOST);
            const size_t d = l->heads * l->d;
            output_new(l, l->rows * d);
            probe_new(l, "q", l->rows * d);
            probe_new(l, "k", l->rows * d);
            probe_new(l, "v", l->rows * d);
            if (l->window > 0) probe_new(l, "rel_bias", l->heads * l->window);
        } else if (l->forward == entropy_forward) {
            output_new(l, 1);
            probe_new(l, "logits", l->rows * l->out);
        } else {
            output_new(l, l->rows * l->d);
            probe_new(l, "x", l->rows * l->d);
        }
        check(l);
    }
}

/* The float reference is the same source: close to the double one, layer by layer. */
static void test_float_reference(void **state)
{
    (void)state;
    enum { ROWS = 9, D = 20 };
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 99);
    both x = both_random(&rng, ROWS * D, 1), w = both_random(&rng, D * D, 1), b = both_random(&rng, D, 1);
    both y = both_new(ROWS * D), mean = both_new(ROWS), rstd = both_new(ROWS);
    nn_ref32_linear_forward(y.f, x.f, w.f, b.f, ROWS, D, D);
    nn_ref64_linear_forward(y.d, x.d, w.d, b.d, ROWS, D, D);
    close_to("linear", &y, 1e-7);
    nn_ref32_layernorm_forward(y.f, mean.f, rstd.f, x.f, w.f, b.f, ROWS, D);
    nn_ref64_layernorm_forward(y.d, mean.d, rstd.d, x.d, w.d, b.d, ROWS, D);
    close_to("layernorm", &y, 3e-7);
    nn_ref32_gelu_erf_forward(y.f, x.f, ROWS * D);
    nn_ref64_gelu_erf_forward(y.d, x.d, ROWS * D);
    close_to("gelu_erf", &y, 2e-7);
    both *all[] = {&x, &w, &b, &y, &mean, &rstd};
    for (size_t i = 0; i < COUNT(all); i++) both_free(all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_float_reference),
    };
    return cmocka_run_group_tests_name("nn gradients", tests, NULL, NULL);
}
