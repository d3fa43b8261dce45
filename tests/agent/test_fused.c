/* Sentences fused with sight: the last state behind the head is what the agent acts by; rows stand alone. */
#include "agent/features.h"
#include "support.h"

#include <math.h>

static const char *const SENTENCES[] = {"go to the red ball", "pick up a grey key",
                                        "open the blue door", "put the red ball next to the green box",
                                        "go to a purple box", "go to the red ball"};
enum { N = sizeof SENTENCES / sizeof *SENTENCES };

static float **layers_of(const triad_agent *agent, size_t n)
{
    const size_t layers = triad_agent_fused_layers(agent);
    float **fused = calloc(layers, sizeof *fused);
    for (size_t l = 0; l < layers; l++) {
        fused[l] = calloc(n * triad_agent_width(agent), sizeof **fused);
        assert_non_null(fused[l]);
    }
    return fused;
}

static void layers_free(float **fused, const triad_agent *agent)
{
    for (size_t l = 0; l < triad_agent_fused_layers(agent); l++) free(fused[l]);
    free(fused);
}

/* The same bytes for two threads and for the sentences in another order; equal sentences have equal rows, others not.
 */
static void check_rows(size_t cross_layers)
{
    triad_agent *agent = support_cross_agent(32, 4, cross_layers, 3);
    const size_t layers = triad_agent_fused_layers(agent), d = triad_agent_width(agent);
    const policy_config *config = &agent->layout.config;
    assert_int_equal(layers, config->cell_layers + 1 + cross_layers + config->memory_layers + config->recall_layers);
    float **a = layers_of(agent, N), **b = layers_of(agent, N), *only = b[layers - 1];
    triad_pool *pool;
    assert_int_equal(triad_pool_create(&pool, 2, NULL), TRIAD_OK);
    assert_int_equal(triad_agent_embed_fused(agent, SENTENCES, N, a, NULL, NULL), TRIAD_OK);
    const char *turned[N];
    for (size_t i = 0; i < N; i++) turned[i] = SENTENCES[N - 1 - i];
    assert_int_equal(triad_agent_embed_fused(agent, turned, N, b, pool, NULL), TRIAD_OK);
    for (size_t l = 0; l < layers; l++)
        for (size_t i = 0; i < N; i++) assert_memory_equal(a[l] + i * d, b[l] + (N - 1 - i) * d, d * sizeof(float));
    for (size_t l = 0; l < layers; l++) {
        assert_memory_equal(a[l], a[l] + 5 * d, d * sizeof(float));
        for (size_t i = 1; i < 5; i++) assert_memory_not_equal(a[l], a[l] + i * d, d * sizeof(float));
    }
    /* One layer alone is the same. */
    float **few = calloc(layers, sizeof *few);
    few[layers - 1] = only;
    memset(only, 0, N * d * sizeof *only);
    assert_int_equal(triad_agent_embed_fused(agent, SENTENCES, N, few, NULL, NULL), TRIAD_OK);
    assert_memory_equal(only, a[layers - 1], N * d * sizeof *only);
    free(few);

    const char *wrong[] = {"go to the zebra"};
    triad_error err;
    assert_int_equal(triad_agent_embed_fused(agent, wrong, 1, a, NULL, &err), TRIAD_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "zebra"));
    layers_free(a, agent);
    layers_free(b, agent);
    triad_pool_free(pool);
    triad_agent_close(agent);
}

static void rows_stand_alone(void **state)
{
    (void)state;
    check_rows(0);
    check_rows(2);
}

/* In double: the last state through the norm in front of the head and the head gives the whole pass's logits. */
static void check_last_state(size_t cross_layers)
{
    triad_agent *agent = support_cross_agent(16, 4, cross_layers, 5);
    const policy_layout *layout = &agent->layout;
    const size_t d = layout->config.width, layers = policy_fused_layers(&layout->config),
                 z = layout->config.instruction;
    triad_arena arena = {0};
    double *params = TRIAD_NEW(&arena, double, layout->size);
    for (size_t i = 0; i < layout->size; i++) params[i] = agent->params[i];

    babyai_env *env;
    uint8_t image[BABYAI_OBSERVATION], direction;
    assert_int_equal(babyai_create(&env, babyai_level_find("PickupLoc"), NULL), TRIAD_OK);
    assert_int_equal(babyai_reset_seed(env, 3000000001, NULL), TRIAD_OK);
    babyai_observe(env, image, &direction);
    uint32_t word[POLICY_MAX_WORDS], tokens, visible, token_bag[FEATURE_MAX_TOKENS + 1], bag[FEATURE_MAX_BAG];
    uint16_t narrow[FEATURE_MAX_BAG];
    size_t words;
    feature_odometer odometer;
    assert_int_equal(agent_words_encode(&agent->words, babyai_mission(env), word, &words, NULL), TRIAD_OK);
    feature_start(&odometer);
    feature_observe(&odometer, image, direction, &tokens, &visible, token_bag, narrow);
    for (size_t i = 0; i < token_bag[tokens]; i++) bag[i] = narrow[i];
    babyai_free(env);

    const uint32_t word_offset[] = {0, (uint32_t)words}, token_offset[] = {0, tokens}, row[] = {0}, ends[] = {0, 1};
    const int32_t target[] = {2};
    const policy_input input = {.instructions = 1,
                                .word_offset = word_offset,
                                .word = word,
                                .episodes = 1,
                                .episode_instruction = row,
                                .episode_offset = ends,
                                .steps = 1,
                                .token_offset = token_offset,
                                .visible = &visible,
                                .tokens = tokens,
                                .bag_offset = token_bag,
                                .bag = bag,
                                .target = target};
    double logits[POLICY_ACTIONS], *film = TRIAD_NEW(&arena, double, layout->norms * 2 * d),
                                   *vector = TRIAD_NEW(&arena, double, z), *token = TRIAD_NEW(&arena, double, d),
                                   *fused[4 * POLICY_MAX_LAYERS + 1];
    policy_result result;
    assert_true(policy64_pass(&result, logits, NULL, params, layout, &input, 1, &arena));
    double *word_state = TRIAD_NEW(&arena, double, words *d);
    assert_true(policy64_instruct(NULL, NULL, vector, word_state, params, layout, 1, word_offset, word, &arena));
    const policy64_words told = {1, word_offset, word_state, row, ends};
    policy64_modulate(film, token, vector, params, layout, 1);
    for (size_t l = 0; l < layers; l++) fused[l] = TRIAD_NEW(&arena, double, d);
    const policy_tokens seen = {1, token_offset, &visible, token_bag, bag};
    assert_true(policy64_fuse(fused, params, layout, film, token, row, &seen, &told, &arena));
    double normed[64], mean, rstd, again[POLICY_ACTIONS];
    const double *last = film + (layout->norms - 1) * 2 * d;
    nn_ref64_film_norm_forward(normed, &mean, &rstd, fused[layers - 1], last, last + d, layout->norms * 2 * d, row, 1,
                               d);
    nn_ref64_linear_forward(again, normed, params + layout->head, params + layout->head_bias, 1, d, POLICY_ACTIONS);
    for (size_t a = 0; a < POLICY_ACTIONS; a++) assert_true(fabs(again[a] - logits[a]) < 1e-12);
    for (size_t l = 1; l < layers; l++) assert_memory_not_equal(fused[l], fused[l - 1], d * sizeof(double));
    triad_arena_free(&arena);
    triad_agent_close(agent);
}

static void the_last_state_is_what_acts(void **state)
{
    (void)state;
    check_last_state(0);
    check_last_state(2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_stand_alone),
        cmocka_unit_test(the_last_state_is_what_acts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
