/* Roll-outs: the labels are the expert's, whoever acts; the same episodes for any pool, and wherever a stream begins.
 */
#include "agent/rollout.h"
#include "agent/stream.h"
#include "support.h"

enum { N = 24 };

/* Episode i once more, step by step, with an expert of its own that is told what was done. */
static void check_labels(const rollout *done, size_t expert_steps)
{
    const babyai_episode *episode = &done->episode;
    babyai_env *env;
    babyai_bot *bot;
    assert_int_equal(babyai_create(&env, done->level, NULL), TRIAD_OK);
    assert_int_equal(babyai_reset_seed(env, done->seed, NULL), TRIAD_OK);
    assert_int_equal(babyai_bot_create(&bot, env, NULL), TRIAD_OK);
    assert_true(episode->steps >= 1 && done->acted <= episode->steps && done->acted <= done->patience);
    bool terminated = false, truncated = false, strayed = false;
    size_t labelled = 0;
    for (size_t s = 0; s < episode->steps; s++) {
        assert_false(terminated || truncated);
        babyai_action advice;
        assert_int_equal(babyai_bot_act(bot, s ? episode->action[s - 1] : -1, &advice, NULL), TRIAD_OK);
        if (done->label[s] == ROLLOUT_UNLABELLED) { /* the learner went astray before, and is not yet relieved */
            assert_true(strayed && s < done->acted);
        } else {
            assert_int_equal(advice, done->label[s]);
            assert_true(!strayed || s >= done->acted);
            if (s < done->shown) labelled++;
        }
        strayed = strayed || advice != episode->action[s];
        uint8_t image[BABYAI_OBSERVATION], direction;
        babyai_observe(env, image, &direction);
        assert_memory_equal(image, episode->observation + s * BABYAI_OBSERVATION, BABYAI_OBSERVATION);
        assert_int_equal(direction, episode->direction[s]);
        if (s >= done->acted) assert_int_equal(episode->action[s], advice);
        babyai_step(env, (babyai_action)episode->action[s], NULL, &terminated, &truncated);
    }
    assert_int_equal(labelled, done->labelled);
    assert_true(labelled >= 1 && done->shown <= episode->steps);
    if (done->acted < episode->steps) assert_int_equal(done->shown, episode->steps);
    assert_int_not_equal(done->label[done->shown - 1], ROLLOUT_UNLABELLED);
    /* It ended where the episode did, or where the expert had no more to say. */
    babyai_action advice;
    if (!terminated && !truncated)
        assert_true(babyai_bot_act(bot, episode->action[episode->steps - 1], &advice, NULL) != TRIAD_OK ||
                    advice == BABYAI_DONE);
    else
        assert_true(done->acted == done->patience || done->acted == episode->steps);
    if (done->patience == 0) assert_int_equal(episode->steps, expert_steps);
    babyai_bot_free(bot);
    babyai_free(env);
}

static void the_labels_are_the_experts(void **state)
{
    (void)state;
    triad_agent *agent = support_agent(32, 8, 5);
    static const char *const LEVELS[] = {"GoToLocal", "PutNextLocal", "Synth"};
    rollout rollouts[N] = {0}, again[N] = {0};
    const uint32_t words[] = {1, 5, 9};
    rollout_crew *crew;
    assert_int_equal(rollout_crew_create(&crew, agent, N, NULL), TRIAD_OK);
    size_t expert_steps[N], silent = 0, relieved = 0;
    babyai_episode episode = {0};
    for (size_t i = 0; i < N; i++) {
        const babyai_level *level = babyai_level_find(LEVELS[i % 3]);
        babyai_env *env = NULL;
        babyai_bot *bot = NULL;
        bool solved;
        assert_int_equal(babyai_demonstrate(&episode, &solved, &env, &bot, level, i, NULL), TRIAD_OK);
        assert_true(solved);
        expert_steps[i] = episode.steps;
        rollouts[i] = (rollout){.level = level, .seed = i, .word = words, .words = 1 + i % 3};
        rollouts[i].patience = i < 3 ? 0 : 2 * episode.steps; /* the first ones are relieved at once */
        again[i] = rollouts[i];
        babyai_bot_free(bot);
        babyai_free(env);
    }
    assert_int_equal(rollout_play(crew, rollouts, N, NULL), TRIAD_OK);
    for (size_t i = 0; i < N; i++) {
        check_labels(&rollouts[i], expert_steps[i]);
        silent += rollouts[i].shown - rollouts[i].labelled;
        relieved += rollouts[i].acted < rollouts[i].episode.steps && rollouts[i].patience > 0;
    }
    assert_true(silent > 20);
    assert_true(relieved > 3);
    /* A crew that has played before gives the same as a fresh one. */
    assert_int_equal(rollout_play(crew, again, N, NULL), TRIAD_OK);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(again[i].episode.steps, rollouts[i].episode.steps);
        assert_memory_equal(again[i].episode.action, rollouts[i].episode.action, again[i].episode.steps);
        assert_memory_equal(again[i].label, rollouts[i].label, again[i].episode.steps);
        rollout_free(&rollouts[i]);
        rollout_free(&again[i]);
    }
    babyai_episode_free(&episode);
    rollout_crew_free(crew);
    triad_agent_close(agent);
}

/* ---- the stream */

typedef struct taken {
    uint64_t number;
    size_t steps, tokens;
    uint32_t actions; /* a digest */
} taken;

static void fill(void *context, size_t tile, int worker)
{
    demo_stream_fill(context, tile, worker);
}

/* The first n demonstrations from `first` on; a restart before number `restart`. */
static uint64_t take(taken *out, size_t n, uint64_t first, uint64_t restart, double rollouts, const triad_agent *agent,
                     triad_pool *pool)
{
    const babyai_level *levels[] = {babyai_level_find("GoToLocal"), babyai_level_find("PutNextLocal")};
    const double shares[] = {1, 1};
    const demo_stream_options options = {.levels = levels,
                                         .shares = shares,
                                         .level_count = 2,
                                         .seed = 9,
                                         .first = first,
                                         .batch_steps = 100,
                                         .words = &agent->words,
                                         .rollouts = rollouts,
                                         .learner = agent,
                                         .workers = triad_pool_threads(pool)};
    demo_stream *stream;
    uint64_t spent = 0;
    assert_int_equal(demo_stream_create(&stream, &options, NULL), TRIAD_OK);
    for (size_t i = 0; i < n; i++) {
        if (demo_stream_position(stream) == restart) demo_stream_restart(stream);
        const demonstration *demo;
        while (!(demo = demo_stream_next(stream))) {
            const size_t blocks = demo_stream_wanted(stream, 2);
            assert_true(blocks > 0);
            triad_parallel(pool, blocks, fill, stream);
            assert_int_equal(demo_stream_filled(stream, blocks, NULL), TRIAD_OK);
            spent += demo_stream_spent(stream);
        }
        out[i] = (taken){demo->number, demo->steps, demo->tokens, 0};
        for (size_t s = 0; s < demo->steps; s++) out[i].actions = out[i].actions * 31 + demo->action[s];
        demo_stream_release(stream);
    }
    demo_stream_free(stream);
    return spent;
}

static void the_same_roll_outs_for_everyone(void **state)
{
    (void)state;
    enum { TAKEN = 300 };
    static taken a[TAKEN], b[TAKEN], c[TAKEN], expert[TAKEN];
    triad_agent *agent = support_agent(32, 8, 5);
    triad_pool *pool;
    assert_int_equal(triad_pool_create(&pool, 2, NULL), TRIAD_OK);
    const uint64_t cost = take(a, TAKEN, 0, UINT64_MAX, 0.5, agent, NULL);
    assert_int_equal(take(b, TAKEN, 0, UINT64_MAX, 0.5, agent, pool), cost);
    assert_memory_equal(a, b, sizeof a);
    take(c, TAKEN - 101, a[101].number, UINT64_MAX, 0.5, agent, pool); /* as a resumed run does */
    assert_memory_equal(a + 101, c, (TAKEN - 101) * sizeof *a);
    /* What a restart forgets is made again, and counted again. */
    assert_true(take(c, TAKEN, 0, a[100].number, 0.5, agent, NULL) > cost);
    assert_memory_equal(a, c, sizeof a);
    /* The others are the expert's own. */
    assert_int_equal(take(expert, TAKEN, 0, UINT64_MAX, 0, agent, NULL), 0);
    size_t same = 0;
    for (size_t i = 0; i < TAKEN; i++) {
        assert_int_equal(a[i].number, expert[i].number);
        same += memcmp(&a[i], &expert[i], sizeof *a) == 0;
    }
    assert_in_range(same, TAKEN / 2 - 40, TAKEN / 2 + 60);
    triad_pool_free(pool);
    triad_agent_close(agent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_labels_are_the_experts),
        cmocka_unit_test(the_same_roll_outs_for_everyone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
