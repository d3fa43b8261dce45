/* The gradient of the whole policy, in double, against central finite differences; and the fast float pass against it.
 */
#include "support.h"
#include "synthetic.h"

#include <cblas.h>
#include <math.h>

typedef struct setting {
    policy_layout layout;
    synthetic *made;
    float *params;
    double *p, *g;
    triad_arena arena;
} setting;

static void prepare(setting *at, const policy_config *config, size_t episodes)
{
    memset(at, 0, sizeof *at);
    assert_int_equal(policy_check(config, NULL), TRIAD_OK);
    policy_lay_out(&at->layout, config);
    at->made = malloc(sizeof *at->made);
    at->params = malloc(at->layout.size * sizeof(float));
    at->p = malloc(at->layout.size * sizeof(double));
    at->g = calloc(at->layout.size, sizeof(double));
    assert_true(at->made && at->params && at->p && at->g);
    synthetic_fill(at->made, episodes, config->words, 5);
    policy_initialise(at->params, &at->layout, 3);
    /* Nothing stays at the special point where it starts. */
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 11);
    for (size_t t = 0; t < at->layout.tensors; t++)
        for (size_t i = 0; i < at->layout.tensor[t].count; i++)
            at->params[at->layout.tensor[t].offset + i] += 0.1F * (float)triad_pcg64_normal(&rng);
    for (size_t i = 0; i < at->layout.size; i++) at->p[i] = (double)at->params[i];
}

static void finish(setting *at)
{
    triad_arena_free(&at->arena);
    free(at->made);
    free(at->params);
    free(at->p);
    free(at->g);
}

static double loss(setting *at)
{
    policy_result result;
    const triad_arena_mark mark = triad_arena_save(&at->arena);
    assert_true(policy64_pass(&result, NULL, NULL, at->p, &at->layout, &at->made->input, 1, &at->arena));
    triad_arena_rewind(&at->arena, mark);
    return result.loss;
}

static double difference(setting *at, size_t i)
{
    const double kept = at->p[i], h = 1e-6;
    at->p[i] = kept + h;
    const double up = loss(at);
    at->p[i] = kept - h;
    const double down = loss(at);
    at->p[i] = kept;
    return (up - down) / (2 * h);
}

static const policy_config SMALL = {.width = 16,
                                    .heads = 2,
                                    .feed_forward = 32,
                                    .encoder_layers = 2,
                                    .cell_layers = 2,
                                    .memory_layers = 2,
                                    .recall_layers = 2,
                                    .window = 3,
                                    .instruction = 48,
                                    .words = 9};

/* For every tensor: the coordinate of the largest gradient and three others that are not zero. */
static void check_every_tensor(const policy_config *config, double dropout)
{
    setting at;
    prepare(&at, config, 5);
    at.made->input.dropout = dropout;
    policy_result result;
    assert_true(policy64_pass(&result, NULL, at.g, at.p, &at.layout, &at.made->input, 1, &at.arena));
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, 1);
    for (size_t t = 0; t < at.layout.tensors; t++) {
        const policy_tensor *tensor = &at.layout.tensor[t];
        const double *g = at.g + tensor->offset;
        size_t best = 0;
        for (size_t i = 0; i < tensor->count; i++)
            if (fabs(g[i]) > fabs(g[best])) best = i;
        if (fabs(g[best]) < 1e-6) fail_msg("%s: the gradient is zero everywhere", tensor->name);
        for (int try = 0; try < 4; try++) {
            size_t i = best;
            if (try > 0) {
                i = (size_t)triad_pcg64_integers(&rng, 0, (int64_t)tensor->count);
                while (fabs(g[i]) < 1e-6) i = (i + 1) % tensor->count;
            }
            const double numeric = difference(&at, tensor->offset + i);
            if (fabs(numeric - g[i]) > 1e-6 * fabs(numeric) + 1e-8)
                fail_msg("%s[%zu]: %.12g by hand, %.12g by differences", tensor->name, i, g[i], numeric);
        }
    }
    finish(&at);
}

static void every_tensor_matches_finite_differences(void **state)
{
    (void)state;
    check_every_tensor(&SMALL, 0);
}

static void so_it_does_under_a_fixed_mask(void **state)
{
    (void)state;
    check_every_tensor(&SMALL, 0.3);
}

static policy_config with_cross_layers(policy_config config, size_t layers)
{
    config.cross_layers = layers;
    return config;
}

static void so_it_does_where_steps_ask_words(void **state)
{
    (void)state;
    const policy_config config = with_cross_layers(SMALL, 2);
    check_every_tensor(&config, 0);
    check_every_tensor(&config, 0.3);
}

/* Masks belong to episodes: the loss over a batch is the sum of those of its episodes alone; other keys, other masks;
 * float and double drop the same numbers. */
static void masks_are_the_episodes_own(void **state)
{
    (void)state;
    setting at, alone;
    prepare(&at, &SMALL, 5);
    at.made->input.dropout = 0.3;
    const double dropped = loss(&at);
    policy_result fast;
    assert_true(policy_pass(&fast, NULL, NULL, at.params, &at.layout, &at.made->input, 1, &at.arena));
    assert_true(fabs(fast.loss - dropped) < 1e-4 * dropped);
    /* The last episode alone, with its own key in front. */
    synthetic *made = at.made;
    const policy_input whole = made->input;
    prepare(&alone, &SMALL, 4);
    alone.made->input.dropout = 0.3;
    const double others = loss(&alone);
    const size_t last = whole.episodes - 1, step = whole.episode_offset[last], i = whole.episode_instruction[last];
    uint32_t words[2] = {0, whole.word_offset[i + 1] - whole.word_offset[i]}, zero = 0, episode[2],
             token[SYNTHETIC_STEPS + 1];
    episode[0] = 0;
    episode[1] = whole.episode_offset[last + 1] - (uint32_t)step;
    for (size_t s = 0; s <= episode[1]; s++) token[s] = whole.token_offset[step + s] - whole.token_offset[step];
    const uint32_t first = whole.token_offset[step];
    uint32_t *bag_offset = malloc((token[episode[1]] + 1) * sizeof *bag_offset);
    assert_non_null(bag_offset);
    for (size_t t = 0; t <= token[episode[1]]; t++)
        bag_offset[t] = whole.bag_offset[first + t] - whole.bag_offset[first];
    made->input = (policy_input){.instructions = 1,
                                 .word_offset = words,
                                 .word = whole.word + whole.word_offset[i],
                                 .episodes = 1,
                                 .episode_instruction = &zero,
                                 .episode_offset = episode,
                                 .steps = episode[1],
                                 .token_offset = token,
                                 .visible = whole.visible + step,
                                 .tokens = token[episode[1]],
                                 .bag_offset = bag_offset,
                                 .bag = whole.bag + whole.bag_offset[first],
                                 .target = whole.target + step,
                                 .dropout = 0.3,
                                 .mask = whole.mask + last};
    const double own = loss(&at);
    assert_true(fabs(others + own - dropped) < 1e-10 * dropped);
    made->mask[last] ^= 1;
    assert_true(fabs(loss(&at) - own) > 1e-6);
    made->input.dropout = 0;
    assert_true(fabs(loss(&at) - own) > 1e-6);
    free(bag_offset);
    finish(&at);
    finish(&alone);
}

/* Along a random direction through all parameters at once: no coordinate escapes. */
static void check_directions(const policy_config *config)
{
    setting at;
    prepare(&at, config, 5);
    policy_result result;
    assert_true(policy64_pass(&result, NULL, at.g, at.p, &at.layout, &at.made->input, 1, &at.arena));
    double *kept = malloc(at.layout.size * sizeof *kept), *v = malloc(at.layout.size * sizeof *v);
    assert_true(kept && v);
    memcpy(kept, at.p, at.layout.size * sizeof *kept);
    for (uint64_t seed = 0; seed < 4; seed++) {
        triad_pcg64 rng;
        triad_pcg64_seed(&rng, 100 + seed);
        double expected = 0, sum[2];
        for (size_t i = 0; i < at.layout.size; i++) {
            v[i] = triad_pcg64_normal(&rng);
            expected += v[i] * at.g[i];
        }
        for (int side = 0; side < 2; side++) {
            for (size_t i = 0; i < at.layout.size; i++) at.p[i] = kept[i] + (side ? -1e-7 : 1e-7) * v[i];
            sum[side] = loss(&at);
        }
        const double numeric = (sum[0] - sum[1]) / 2e-7;
        if (fabs(numeric - expected) > 1e-6 * fabs(numeric))
            fail_msg("direction %d: %.12g by hand, %.12g by differences", (int)seed, expected, numeric);
    }
    free(kept);
    free(v);
    finish(&at);
}

static void the_whole_gradient_matches_along_directions(void **state)
{
    (void)state;
    check_directions(&SMALL);
    const policy_config config = with_cross_layers(SMALL, 1);
    check_directions(&config);
}

/* Relative Frobenius error of each tensor's gradient. */
static void check_fast(size_t cross_layers)
{
    openblas_set_num_threads(1);
    const policy_config config = {.width = 128,
                                  .heads = 4,
                                  .feed_forward = 512,
                                  .encoder_layers = 2,
                                  .cell_layers = 2,
                                  .memory_layers = 2,
                                  .recall_layers = 1,
                                  .window = 3,
                                  .instruction = 128,
                                  .words = 9,
                                  .cross_layers = cross_layers};
    setting at;
    prepare(&at, &config, 5);
    policy_result result, fast;
    double *logits = malloc(at.made->input.steps * POLICY_ACTIONS * sizeof *logits);
    float *fast_logits = malloc(at.made->input.steps * POLICY_ACTIONS * sizeof *fast_logits);
    float *g = calloc(at.layout.size, sizeof *g);
    assert_true(logits && fast_logits && g);
    assert_true(policy64_pass(&result, logits, at.g, at.p, &at.layout, &at.made->input, 0.5, &at.arena));
    assert_true(policy_pass(&fast, fast_logits, g, at.params, &at.layout, &at.made->input, 0.5F, &at.arena));
    assert_true(fabs(fast.loss - result.loss) < 1e-4 * result.loss);
    double apart = 0, size = 0;
    for (size_t i = 0; i < at.made->input.steps * POLICY_ACTIONS; i++) {
        apart += (logits[i] - (double)fast_logits[i]) * (logits[i] - (double)fast_logits[i]);
        size += logits[i] * logits[i];
    }
    assert_true(sqrt(apart) < 1e-5 * sqrt(size));
    for (size_t t = 0; t < at.layout.tensors; t++) {
        const policy_tensor *tensor = &at.layout.tensor[t];
        apart = size = 0;
        for (size_t i = tensor->offset; i < tensor->offset + tensor->count; i++) {
            apart += (at.g[i] - (double)g[i]) * (at.g[i] - (double)g[i]);
            size += at.g[i] * at.g[i];
        }
        if (sqrt(apart) > 1e-4 * sqrt(size)) fail_msg("%s: relative error %.3g", tensor->name, sqrt(apart / size));
    }
    free(logits);
    free(fast_logits);
    free(g);
    finish(&at);
}

static void fast_float_agrees_with_double(void **state)
{
    (void)state;
    check_fast(0);
    check_fast(1);
}

static void gradients_are_added(void **state)
{
    (void)state;
    setting at;
    prepare(&at, &SMALL, 3);
    double *twice = calloc(at.layout.size, sizeof *twice);
    assert_non_null(twice);
    policy_result result;
    assert_true(policy64_pass(&result, NULL, at.g, at.p, &at.layout, &at.made->input, 1, &at.arena));
    for (int i = 0; i < 2; i++)
        assert_true(policy64_pass(&result, NULL, twice, at.p, &at.layout, &at.made->input, 1, &at.arena));
    for (size_t i = 0; i < at.layout.size; i++)
        assert_true(fabs(twice[i] - 2 * at.g[i]) <= 1e-12 * (1 + fabs(at.g[i])));
    free(twice);
    finish(&at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tensor_matches_finite_differences),
        cmocka_unit_test(so_it_does_under_a_fixed_mask),
        cmocka_unit_test(so_it_does_where_steps_ask_words),
        cmocka_unit_test(masks_are_the_episodes_own),
        cmocka_unit_test(the_whole_gradient_matches_along_directions),
        cmocka_unit_test(fast_float_agrees_with_double),
        cmocka_unit_test(gradients_are_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
