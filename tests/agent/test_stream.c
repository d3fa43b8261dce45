/* Demonstrations ahead of time: the same ones whoever makes them and wherever one starts; and batches cut into pieces.
 */
#include "agent/batch.h"
#include "support.h"

typedef struct taken {
    uint64_t number;
    size_t level, steps, tokens, words;
} taken;

static void fill(void *context, size_t tile, int worker)
{
    demo_stream_fill(context, tile, worker);
}

/* The first n of a stream that starts at `first`, its blocks filled `at_once` at a time. */
static void take(taken *out, size_t n, uint64_t first, size_t at_once, triad_pool *pool, const agent_words *words)
{
    const babyai_level *levels[] = {babyai_level_find("GoToLocal"), babyai_level_find("OpenDoor"),
                                    babyai_level_find("PutNextLocal")};
    const double shares[] = {1, 2, 1};
    const demo_stream_options options = {.levels = levels,
                                         .shares = shares,
                                         .level_count = 3,
                                         .seed = 9,
                                         .first = first,
                                         .batch_steps = 100,
                                         .words = words,
                                         .workers = triad_pool_threads(pool)};
    demo_stream *stream;
    assert_int_equal(demo_stream_create(&stream, &options, NULL), TRIAD_OK);
    for (size_t i = 0; i < n; i++) {
        const demonstration *demo;
        while (!(demo = demo_stream_next(stream))) {
            const size_t blocks = demo_stream_wanted(stream, at_once);
            assert_true(blocks > 0);
            triad_parallel(pool, blocks, fill, stream);
            assert_int_equal(demo_stream_filled(stream, blocks, NULL), TRIAD_OK);
        }
        out[i] = (taken){demo->number, demo->level, demo->steps, demo->tokens, demo->words};
        assert_int_equal(demo->step_token[demo->steps], demo->tokens);
        demo_stream_release(stream);
    }
    assert_int_equal(demo_stream_position(stream), out[n - 1].number + 1);
    demo_stream_free(stream);
}

static void the_same_stream_for_everyone(void **state)
{
    (void)state;
    enum { N = 300 };
    static taken a[N], b[N], c[N];
    agent_words words;
    triad_pool *pool;
    assert_int_equal(agent_words_babyai(&words, NULL), TRIAD_OK);
    assert_int_equal(triad_pool_create(&pool, 2, NULL), TRIAD_OK);
    take(a, N, 0, 100, NULL, &words);
    take(b, N, 0, 3, pool, &words);
    assert_memory_equal(a, b, sizeof a);
    take(c, N - 101, a[101].number, 2, pool, &words); /* as a resumed run does */
    assert_memory_equal(a + 101, c, (N - 101) * sizeof *a);
    size_t count[3] = {0};
    for (size_t i = 0; i < N; i++) count[a[i].level]++;
    assert_in_range(count[1], 120, 180); /* half of them */
    triad_pool_free(pool);
    agent_words_free(&words);
}

static void no_demonstration_comes_twice(void **state)
{
    (void)state;
    enum { N = 100000 };
    unsigned char *seen = calloc(1000000000 / 8, 1);
    assert_non_null(seen);
    for (uint64_t k = 0; k < N; k++) {
        const uint64_t seed = demo_seed(3, k * 9973); /* far apart, too */
        assert_true(seed < 1000000000);
        assert_false(seen[seed / 8] & (1 << seed % 8));
        seen[seed / 8] |= (unsigned char)(1 << seed % 8);
    }
    free(seen);
}

static void a_batch_is_cut_without_loss(void **state)
{
    (void)state;
    agent_words words;
    assert_int_equal(agent_words_babyai(&words, NULL), TRIAD_OK);
    const policy_config config = policy_recipe(words.count);
    policy_layout layout;
    policy_lay_out(&layout, &config);
    const babyai_level *levels[] = {babyai_level_find("GoToLocal"), babyai_level_find("PickupLoc")};
    const double shares[] = {3, 1};
    const demo_stream_options options = {.levels = levels,
                                         .shares = shares,
                                         .level_count = 2,
                                         .seed = 1,
                                         .batch_steps = 256,
                                         .words = &words,
                                         .workers = 1};
    demo_stream *stream;
    assert_int_equal(demo_stream_create(&stream, &options, NULL), TRIAD_OK);
    const size_t blocks = demo_stream_wanted(stream, SIZE_MAX);
    triad_parallel(NULL, blocks, fill, stream);
    assert_int_equal(demo_stream_filled(stream, blocks, NULL), TRIAD_OK);
    agent_batch batch = {0};
    size_t tokens = 0, bag = 0, actions = 0;
    const demonstration *demo;
    while (batch.steps < 256 && (demo = demo_stream_next(stream))) {
        assert_true(batch_take(&batch, demo));
        tokens += demo->tokens;
        bag += demo->token_bag[demo->tokens];
        for (size_t s = 0; s < demo->steps; s++) actions += demo->action[s];
    }
    assert_true(batch.steps >= 256);
    assert_true(batch_pack(&batch, &layout));
    size_t steps = 0, episodes = 0, tokens_cut = 0, bag_cut = 0, actions_cut = 0, most = 0;
    uint64_t flops = 0;
    for (size_t p = 0; p < BATCH_PIECES; p++) {
        const policy_input *input = &batch.piece[p].input;
        for (size_t e = 1; e < input->episodes; e++)
            assert_true(input->episode_instruction[e] >= input->episode_instruction[e - 1]);
        assert_int_equal(input->episode_instruction[input->episodes - 1], input->instructions - 1);
        assert_int_equal(input->token_offset[input->steps], input->tokens);
        assert_int_equal(input->episode_offset[input->episodes], input->steps);
        for (size_t s = 0; s < input->steps; s++) actions_cut += (size_t)input->target[s];
        steps += input->steps;
        episodes += input->episodes;
        tokens_cut += input->tokens;
        bag_cut += input->bag_offset[input->tokens];
        flops += policy_flops(&layout, input);
        if (input->tokens > most) most = input->tokens;
        /* No instruction is listed twice. */
        for (size_t i = 1; i < input->instructions; i++) {
            const uint32_t *x = input->word + input->word_offset[i - 1], *y = input->word + input->word_offset[i];
            const size_t nx = input->word_offset[i] - input->word_offset[i - 1],
                         ny = input->word_offset[i + 1] - input->word_offset[i];
            assert_false(nx == ny && memcmp(x, y, nx * sizeof *x) == 0);
        }
    }
    assert_int_equal(steps, batch.steps);
    assert_int_equal(episodes, batch.episodes);
    assert_int_equal(tokens_cut, tokens);
    assert_int_equal(bag_cut, bag);
    assert_int_equal(actions_cut, actions);
    assert_int_equal(flops, batch.flops);
    assert_true(most < tokens / BATCH_PIECES * 11 / 10);
    batch_free(&batch);
    demo_stream_free(stream);
    agent_words_free(&words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_stream_for_everyone),
        cmocka_unit_test(no_demonstration_comes_twice),
        cmocka_unit_test(a_batch_is_cut_without_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
