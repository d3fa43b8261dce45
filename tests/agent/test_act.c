/* Acting agrees with training's pass over the whole episode, whoever acts beside it; evaluation and embedding. */
#include "agent/actor.h"
#include "agent/batch.h"
#include "support.h"

#include <cblas.h>
#include <math.h>

static void fill(void *context, size_t tile, int worker)
{
    demo_stream_fill(context, tile, worker);
}

/* Logits of a whole-episode pass over demonstration 0 of a level. */
static float *logits_of_pass(const triad_agent *agent, const babyai_level *level, uint64_t *seed, size_t *steps)
{
    const double share = 1;
    const demo_stream_options options = {.levels = &level,
                                         .shares = &share,
                                         .level_count = 1,
                                         .seed = 4,
                                         .batch_steps = 1,
                                         .words = &agent->words,
                                         .workers = 1};
    demo_stream *stream;
    assert_int_equal(demo_stream_create(&stream, &options, NULL), TRIAD_OK);
    triad_parallel(NULL, 1, fill, stream);
    assert_int_equal(demo_stream_filled(stream, 1, NULL), TRIAD_OK);
    agent_batch batch = {0};
    const demonstration *demo = demo_stream_next(stream);
    assert_true(demo && batch_take(&batch, demo));
    *seed = demo_seed(4, demo->number);
    *steps = demo->steps;
    assert_true(batch_pack(&batch, &agent->layout));
    const policy_input *input = &batch.piece[0].input;
    float *logits = malloc(input->steps * POLICY_ACTIONS * sizeof *logits);
    triad_arena arena = {0};
    policy_result result;
    assert_non_null(logits);
    assert_true(policy_pass(&result, logits, NULL, agent->params, &agent->layout, input, 1, &arena));
    triad_arena_free(&arena);
    batch_free(&batch);
    demo_stream_free(stream);
    return logits;
}

static float *instruction_of(const triad_agent *agent, const char *sentence)
{
    float *z = malloc(triad_agent_instruction_size(agent) * sizeof *z);
    assert_non_null(z);
    assert_int_equal(triad_agent_embed(agent, &sentence, 1, &(triad_agent_embedding){.instruction = z}, NULL, NULL),
                     TRIAD_OK);
    return z;
}

/* Steps longer than the window are what this is about: PutNextLocal takes about 12, the window is 5. */
static void check_acting(size_t cross_layers)
{
    triad_agent *agent = support_cross_agent(32, 5, cross_layers, 3);
    const babyai_level *level = babyai_level_find("PutNextLocal");
    uint64_t seed;
    size_t steps;
    float *expected = logits_of_pass(agent, level, &seed, &steps);
    assert_true(steps > 6);
    babyai_env *env = NULL;
    babyai_bot *bot = NULL;
    babyai_episode episode = {0};
    bool solved;
    assert_int_equal(babyai_demonstrate(&episode, &solved, &env, &bot, level, seed, NULL), TRIAD_OK);
    assert_int_equal(episode.steps, steps);

    /* Alone, and as number 1 of three that see other things. The demonstration's actions are followed, not the agent's.
     */
    agent_actor alone, three;
    assert_int_equal(actor_create(&alone, agent, 1, NULL), TRIAD_OK);
    assert_int_equal(actor_create(&three, agent, 3, NULL), TRIAD_OK);
    assert_true(actor_reserve(&alone));
    float *z = instruction_of(agent, episode.mission), *other = instruction_of(agent, "go to the red ball");
    actor_begin(&alone, 0, z);
    actor_begin(&three, 0, other);
    actor_begin(&three, 1, z);
    actor_begin(&three, 2, other);
    uint32_t word[POLICY_MAX_WORDS], other_word[POLICY_MAX_WORDS];
    size_t words, other_words;
    assert_int_equal(agent_words_encode(&agent->words, episode.mission, word, &words, NULL), TRIAD_OK);
    assert_int_equal(agent_words_encode(&agent->words, "go to the red ball", other_word, &other_words, NULL), TRIAD_OK);
    assert_true(actor_tell(&alone, 0, word, words));
    assert_true(actor_tell(&three, 0, other_word, other_words));
    assert_true(actor_tell(&three, 1, word, words));
    assert_true(actor_tell(&three, 2, other_word, other_words));
    const uint32_t zero = 0, slots[] = {0, 1, 2};
    feature_odometer follow;
    feature_start(&follow);
    for (size_t s = 0; s < steps; s++) {
        uint8_t images[3 * BABYAI_OBSERVATION],
            directions[3] = {episode.direction[s], episode.direction[s], episode.direction[s]};
        for (size_t i = 0; i < 3; i++)
            memcpy(images + i * BABYAI_OBSERVATION, episode.observation + s * BABYAI_OBSERVATION, BABYAI_OBSERVATION);
        memset(images, 1, BABYAI_OBSERVATION);
        babyai_action action[3];
        float logits[POLICY_ACTIONS], three_logits[3 * POLICY_ACTIONS];
        assert_true(actor_act(&alone, &zero, 1, images + BABYAI_OBSERVATION, directions, action, logits));
        assert_true(actor_act(&three, slots, 3, images, directions, action, three_logits));
        for (size_t a = 0; a < POLICY_ACTIONS; a++) {
            const double wanted = (double)expected[s * POLICY_ACTIONS + a];
            assert_true(fabs((double)logits[a] - wanted) < 1e-4 * (1 + fabs(wanted)));
            assert_true(fabs((double)three_logits[POLICY_ACTIONS + a] - wanted) < 1e-4 * (1 + fabs(wanted)));
        }
        /* The odometers went where the agent chose to go: put them where the demonstration goes. */
        uint32_t tokens, visible, token_bag[FEATURE_MAX_TOKENS + 1];
        uint16_t bag[FEATURE_MAX_BAG];
        feature_observe(&follow, episode.observation + s * BABYAI_OBSERVATION, episode.direction[s], &tokens, &visible,
                        token_bag, bag);
        feature_act(&follow, (babyai_action)episode.action[s]);
        alone.odometer[0] = three.odometer[1] = follow;
    }
    free(z);
    free(other);
    free(expected);
    actor_free(&alone);
    actor_free(&three);
    babyai_bot_free(bot);
    babyai_free(env);
    babyai_episode_free(&episode);
    triad_agent_close(agent);
}

static void acting_agrees_with_the_whole_episode(void **state)
{
    (void)state;
    check_acting(0);
}

static void so_it_does_with_cross_layers(void **state)
{
    (void)state;
    check_acting(2);
}

static void check_session(size_t cross_layers)
{
    triad_agent *agent = support_cross_agent(32, 5, cross_layers, 3);
    const babyai_level *level = babyai_level_find("GoToLocal");
    enum { N = 20 };
    triad_eval_result result;
    assert_int_equal(triad_agent_evaluate(agent, &level, 1, N, 2000000000, true, &result, NULL, NULL, NULL), TRIAD_OK);
    size_t solved = 0;
    for (uint64_t seed = 2000000000; seed < 2000000000 + N; seed++) {
        babyai_env *env;
        triad_agent_session *session;
        assert_int_equal(babyai_create(&env, level, NULL), TRIAD_OK);
        assert_int_equal(babyai_reset_seed(env, seed, NULL), TRIAD_OK);
        float *z = instruction_of(agent, babyai_mission(env));
        if (cross_layers) {
            triad_error err;
            assert_int_equal(triad_agent_begin(&session, agent, z, &err), TRIAD_ERR_ARGUMENT);
            assert_null(session);
            assert_non_null(strstr(err.text, "no vector can stand for them (begin with a sentence)"));
        }
        if (cross_layers || seed % 2)
            assert_int_equal(triad_agent_begin_sentence(&session, agent, babyai_mission(env), NULL), TRIAD_OK);
        else
            assert_int_equal(triad_agent_begin(&session, agent, z, NULL), TRIAD_OK);
        bool terminated = false, truncated = false;
        double reward = 0;
        while (!terminated && !truncated) {
            uint8_t image[BABYAI_OBSERVATION], direction;
            babyai_observe(env, image, &direction);
            babyai_step(env, triad_agent_act(session, image, direction, NULL), &reward, &terminated, &truncated);
        }
        solved += terminated && reward > 0;
        triad_agent_end(session);
        babyai_free(env);
        free(z);
    }
    assert_int_equal(result.solved, solved);
    assert_int_equal(result.episodes, N);
    assert_true(result.wilson_low <= result.success && result.success <= result.wilson_high);
    triad_agent_session *none;
    triad_error err;
    assert_int_equal(triad_agent_begin_sentence(&none, agent, "go to the zebra", &err), TRIAD_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "zebra"));
    triad_agent_close(agent);
}

static void a_session_plays_like_the_evaluation(void **state)
{
    (void)state;
    check_session(0);
    check_session(1);
}

static void evaluation_is_the_same_for_any_pool(void **state)
{
    (void)state;
    triad_agent *agent = support_agent(32, 5, 1);
    /* What Synth makes of a seed depends on what an environment played before (a locked room is remembered): many more
     * episodes than act together. */
    const babyai_level *levels[] = {babyai_level_find("GoToLocal"), babyai_level_find("Synth")};
    triad_pool *pool;
    assert_int_equal(triad_pool_create(&pool, 2, NULL), TRIAD_OK);
    triad_eval_result one[2], two[2];
    memset(one, 0, sizeof one);
    memset(two, 0, sizeof two);
    assert_int_equal(triad_agent_evaluate(agent, levels, 2, 130, 2000000000, true, one, NULL, NULL, NULL), TRIAD_OK);
    assert_int_equal(triad_agent_evaluate(agent, levels, 2, 130, 2000000000, true, two, pool, NULL, NULL), TRIAD_OK);
    assert_memory_equal(one, two, sizeof one);
    triad_error err;
    assert_int_equal(triad_agent_evaluate(agent, levels, 2, 0, 2000000000, true, one, NULL, NULL, &err),
                     TRIAD_ERR_RANGE);
    triad_pool_free(pool);
    triad_agent_close(agent);
}

static void rows_do_not_depend_on_the_list(void **state)
{
    (void)state;
    openblas_set_num_threads(1);
    triad_agent *agent = support_agent(32, 5, 1);
    const char *a[] = {"go to the red ball", "pick up a key", "go to a box", "go to the red ball"};
    const char *b[] = {"go to a box", "go to the red ball", "pick up a key", "pick up a key"};
    const size_t d = triad_agent_width(agent);
    const int layers = triad_agent_encoder_layers(agent);
    assert_int_equal(layers, 2);
    float *rows[2][5];
    for (int side = 0; side < 2; side++) {
        for (int l = 0; l < 5; l++) rows[side][l] = calloc(4 * d, sizeof(float));
        const triad_agent_embedding out = {.words = rows[side][3], .hidden = rows[side], .instruction = rows[side][4]};
        assert_int_equal(triad_agent_embed(agent, side ? b : a, 4, &out, NULL, NULL), TRIAD_OK);
    }
    const size_t bytes = d * sizeof(float);
    for (int l = 0; l < 5; l++) {
        float *x = rows[0][l], *y = rows[1][l];
        assert_memory_equal(x, y + d, bytes);
        assert_memory_equal(x, x + 3 * d, bytes);
        assert_memory_equal(x + d, y + 2 * d, bytes);
        assert_memory_equal(y + 2 * d, y + 3 * d, bytes);
        assert_memory_equal(x + 2 * d, y, bytes);
        assert_memory_not_equal(x, x + d, bytes);
    }
    /* words: the mean of the embeddings, by hand */
    uint32_t index[POLICY_MAX_WORDS];
    size_t count;
    assert_int_equal(agent_words_encode(&agent->words, a[1], index, &count, NULL), TRIAD_OK);
    for (size_t i = 0; i < d; i++) {
        double sum = 0;
        for (size_t w = 0; w < count; w++) sum += (double)agent->params[agent->layout.word + index[w] * d + i];
        assert_true(fabs(sum / (double)count - (double)rows[0][3][d + i]) < 1e-6);
    }
    /* the instruction is linear in the last layer */
    const float *w = agent->params + agent->layout.instruction, *bias = agent->params + agent->layout.instruction_bias;
    for (size_t o = 0; o < d; o++) {
        double sum = (double)bias[o];
        for (size_t i = 0; i < d; i++) sum += (double)w[o * d + i] * (double)rows[0][2][i];
        assert_true(fabs(sum - (double)rows[0][4][o]) < 1e-4);
    }
    triad_error err;
    const char *wrong[] = {"go to the red ball", "go to the red wug"};
    assert_int_equal(triad_agent_embed(agent, wrong, 2, &(triad_agent_embedding){0}, NULL, &err), TRIAD_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "no word 'wug'"));
    for (int side = 0; side < 2; side++)
        for (int l = 0; l < 5; l++) free(rows[side][l]);
    triad_agent_close(agent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acting_agrees_with_the_whole_episode), cmocka_unit_test(so_it_does_with_cross_layers),
        cmocka_unit_test(a_session_plays_like_the_evaluation),  cmocka_unit_test(evaluation_is_the_same_for_any_pool),
        cmocka_unit_test(rows_do_not_depend_on_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
