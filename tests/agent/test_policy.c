/* The table of parameters, and what a pass costs. */
#include "synthetic.h"

#include "support.h"

#include <math.h>

static void the_table_is_sound(void **state)
{
    (void)state;
    const policy_config config = policy_recipe(40);
    policy_layout layout;
    policy_lay_out(&layout, &config);
    size_t end = 0, numbers = 0;
    for (size_t t = 0; t < layout.tensors; t++) {
        const policy_tensor *tensor = &layout.tensor[t];
        assert_int_equal(tensor->offset % 16, 0);
        assert_true(tensor->offset >= end);
        assert_true(strlen(tensor->name) + 1 < sizeof tensor->name);
        end = tensor->offset + tensor->count;
        numbers += tensor->count;
        for (size_t u = 0; u < t; u++) assert_string_not_equal(tensor->name, layout.tensor[u].name);
    }
    assert_true(end <= layout.size);
    assert_int_equal(numbers, layout.numbers);
    assert_int_equal(layout.norms, 15); /* two in each of four layers, three in two that ask, one before the head */
    /* d = 128, f = 512: encoder, cell, read-out, memory and recall layers, the vector, FiLM, embeddings, head */
    const size_t d = 128, f = 512, layer = 4 * d * d + d + 2 * d * f + f + d;
    assert_int_equal(numbers, 8 * layer + 2 * 4 * d + 2 * d + d * d + d + (40 + POLICY_MAX_WORDS + FEATURE_ROWS) * d +
                                  d * d + 2 * 4 * 64 + 15 * 2 * d * d + 15 * 2 * d + 7 * d + 7);
    /* Embeddings that are summed from one table lie one after the other. */
    assert_int_equal(layout.tensor[1].offset, layout.word + 40 * d);
}

/* No key has a bias, and nothing else is a vector but biases, norms and the distance bias. */
static void no_parameter_is_idle_by_symmetry(void **state)
{
    (void)state;
    const policy_config config = policy_recipe(40);
    policy_layout layout;
    policy_lay_out(&layout, &config);
    for (size_t t = 0; t < layout.tensors; t++) assert_null(strstr(layout.tensor[t].name, "qkv.bias"));
}

static void a_start_depends_on_seed_and_name_alone(void **state)
{
    (void)state;
    triad_agent *a = support_agent(32, 4, 5), *b = support_agent(32, 4, 5), *c = support_agent(32, 4, 6);
    assert_memory_equal(a->params, b->params, a->layout.size * sizeof(float));
    assert_memory_not_equal(a->params, c->params, a->layout.size * sizeof(float));
    /* Another window changes no tensor but its own. */
    triad_agent *d = support_agent(32, 9, 5);
    const policy_tensor *here = &a->layout.tensor[a->layout.tensors - 2],
                        *there = &d->layout.tensor[d->layout.tensors - 2];
    assert_string_equal(here->name, "head.weight");
    assert_memory_equal(a->params + here->offset, d->params + there->offset, here->count * sizeof(float));
    double sum = 0;
    for (size_t i = 0; i < here->count; i++)
        sum += (double)a->params[here->offset + i] * (double)a->params[here->offset + i];
    assert_true(fabs(sqrt(sum / (double)here->count) - (double)here->deviation) < 0.2 * (double)here->deviation);
    triad_agent_close(a);
    triad_agent_close(b);
    triad_agent_close(c);
    triad_agent_close(d);
}

static void cost_by_hand(void **state)
{
    (void)state;
    policy_config config = {.width = 16,
                            .heads = 2,
                            .feed_forward = 32,
                            .encoder_layers = 1,
                            .cell_layers = 1,
                            .memory_layers = 1,
                            .recall_layers = 1,
                            .window = 2,
                            .instruction = 32,
                            .words = 9};
    policy_layout layout;
    policy_lay_out(&layout, &config);
    /* One instruction of 3 words, one episode of 3 steps with 1, 2 and 4 tokens in sight, 0, 0 and 2 remembered. */
    const uint32_t words[] = {0, 3}, episode[] = {0, 3}, tokens[] = {0, 1, 3, 9}, visible[] = {1, 2, 4}, first[] = {0};
    const policy_input input = {.instructions = 1,
                                .word_offset = words,
                                .episodes = 1,
                                .episode_instruction = first,
                                .episode_offset = episode,
                                .steps = 3,
                                .token_offset = tokens,
                                .visible = visible,
                                .tokens = 9};
    const uint64_t d = 16, f = 32, z = 32, row = 2 * (3 * d * d + d * d + d * f + f * d);
    uint64_t forward = 3 * row + 2 * 2 * d * 9;    /* encoder: scores and mixtures of 3 x 3 */
    forward += 2 * z * (d + 11 * 2 * d + d);       /* z, FiLM of 11 norms, global token */
    forward += 7 * row + 2 * 2 * d * (1 + 4 + 16); /* cell layer */
    forward += 2 * (9 * 2 * 2 * d * d + 3 * 2 * (d * d + d * d + 2 * d * f) + 2 * 2 * d * 9); /* read-out, recall */
    forward += 3 * row + 2 * 2 * d * (1 + 2 + 2);                                             /* memory, window 2 */
    forward += 3 * 2 * d * 7;                                                                 /* head */
    assert_int_equal(layout.norms, 11);
    assert_int_equal(policy_flops(&layout, &input), 3 * forward);
    /* A cross layer: keys and values of 3 words, queries and the second half of 3 steps, 3 x 3 scores; three norms. */
    config.cross_layers = 1;
    policy_lay_out(&layout, &config);
    assert_int_equal(layout.norms, 14);
    forward += 3 * 2 * 2 * d * d + 3 * 2 * (d * d + d * d + 2 * d * f) + 2 * 2 * d * 9 + 2 * z * 3 * 2 * d;
    assert_int_equal(policy_flops(&layout, &input), 3 * forward);
}

static void impossible_configurations_are_named(void **state)
{
    (void)state;
    const struct {
        size_t width, heads, window;
        const char *says;
    } cases[] = {
        {128, 4, 0, "policy: window is 0 (it must be 1 to 1024)"},
        {128, 3, 24, "policy: width 128 is no multiple of the 3 heads"},
        {100, 4, 24, "policy: width 100, feed_forward 512 and instruction 128 must be multiples of 16"},
        {8, 4, 24, "policy: width is 8 (it must be 16 to 4096)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        policy_config config = policy_recipe(40);
        config.width = cases[i].width;
        config.heads = cases[i].heads;
        config.window = cases[i].window;
        triad_error err;
        assert_int_equal(policy_check(&config, &err), TRIAD_ERR_RANGE);
        assert_string_equal(err.text, cases[i].says);
    }
}

static void words_are_found_and_named(void **state)
{
    (void)state;
    agent_words words;
    const char *list[] = {"go", "to", "the", "red", "ball"};
    assert_int_equal(agent_words_set(&words, list, 5, false, NULL), TRIAD_OK);
    uint32_t index[POLICY_MAX_WORDS];
    size_t count;
    triad_error err;
    assert_int_equal(agent_words_encode(&words, "go to  the red ball, go to the ball", index, &count, &err), TRIAD_OK);
    assert_int_equal(count, 9);
    assert_int_equal(index[4], 4);
    assert_int_equal(index[5], 0);
    assert_int_equal(agent_words_encode(&words, "go to the zebra", index, &count, &err), TRIAD_ERR_NOT_FOUND);
    assert_string_equal(err.text,
                        "'go to the zebra': the agent has no word 'zebra' (its vocabulary is BabyAI's word list)");
    assert_int_equal(agent_words_encode(&words, "  ", index, &count, &err), TRIAD_ERR_ARGUMENT);
    char many[4 * POLICY_MAX_WORDS] = "";
    for (int i = 0; i <= POLICY_MAX_WORDS; i++) strcat(many, "go ");
    assert_int_equal(agent_words_encode(&words, many, index, &count, &err), TRIAD_ERR_RANGE);
    agent_words_free(&words);
    list[3] = "go";
    assert_int_equal(agent_words_set(&words, list, 5, false, &err), TRIAD_ERR_FORMAT);
    assert_string_equal(err.text, "vocabulary: 'go' stands in it twice");
    list[3] = "";
    assert_int_equal(agent_words_set(&words, list, 5, false, &err), TRIAD_ERR_FORMAT);
}

/* Every instruction of the recipe's levels can be said with an agent's words. */
static void babyai_speaks_in_the_vocabulary(void **state)
{
    (void)state;
    agent_words words;
    assert_int_equal(agent_words_babyai(&words, NULL), TRIAD_OK);
    babyai_episode episode = {0};
    for (size_t l = 0; l < babyai_level_count(); l++) {
        babyai_env *env;
        assert_int_equal(babyai_create(&env, babyai_level_at(l), NULL), TRIAD_OK);
        for (uint64_t seed = 0; seed < 20; seed++) {
            if (babyai_reset_seed(env, seed, NULL)) continue;
            uint32_t index[POLICY_MAX_WORDS];
            size_t count;
            triad_error err;
            if (agent_words_encode(&words, babyai_mission(env), index, &count, &err)) fail_msg("%s", err.text);
        }
        babyai_free(env);
    }
    babyai_episode_free(&episode);
    agent_words_free(&words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_sound),
        cmocka_unit_test(no_parameter_is_idle_by_symmetry),
        cmocka_unit_test(a_start_depends_on_seed_and_name_alone),
        cmocka_unit_test(cost_by_hand),
        cmocka_unit_test(impossible_configurations_are_named),
        cmocka_unit_test(words_are_found_and_named),
        cmocka_unit_test(babyai_speaks_in_the_vocabulary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
