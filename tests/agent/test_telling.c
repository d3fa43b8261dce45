/* What agents are told: whole missions as symbols, a bijection, strangers' missions, and combinations kept out. */
#include "agent/player.h"
#include "agent/stream.h"
#include "support.h"

#include "formats/json.h"
#include "formats/safetensors.h"

#include <math.h>

static const babyai_level *levels[4];

static int set_up(void **state)
{
    (void)state;
    const char *names[] = {"GoToLocal", "PickupDist", "PickupLoc", "PutNextLocal"};
    for (size_t l = 0; l < 4; l++) levels[l] = babyai_level_find(names[l]);
    return 0;
}

static bool asks_for(const babyai_level *level, const char *mission)
{
    triad_items items;
    assert_int_equal(babyai_sentences(&items, &level, 1, NULL), TRIAD_OK);
    bool found = false;
    for (size_t i = 0; i < items.count; i++) found = found || strcmp(items.text[i], mission) == 0;
    triad_items_free(&items);
    return found;
}

/* Each mission stands for one other that the very same levels ask for, none for itself; another seed, another way. */
static void miswired_is_a_bijection_within_the_levels(void **state)
{
    (void)state;
    agent_telling a = {0}, b = {0}, again = {0};
    assert_int_equal(telling_create(&a, TRIAD_MISWIRED, levels, 4, 1, NULL), TRIAD_OK);
    assert_int_equal(telling_create(&again, TRIAD_MISWIRED, levels, 4, 1, NULL), TRIAD_OK);
    assert_int_equal(telling_create(&b, TRIAD_MISWIRED, levels, 4, 2, NULL), TRIAD_OK);
    assert_int_equal(a.count, b.count);
    assert_int_equal(a.unmoved, 0);
    assert_memory_equal(a.stands, again.stands, a.count * sizeof *a.stands);
    assert_memory_not_equal(a.stands, b.stands, a.count * sizeof *a.stands);
    bool *used = calloc(a.count, sizeof *used);
    for (size_t i = 0; i < a.count; i++) {
        assert_false(used[a.stands[i]]);
        used[a.stands[i]] = true;
        assert_int_not_equal(a.stands[i], i);
        assert_string_equal(telling_text(&a, a.items.text[i]), a.items.text[a.stands[i]]);
    }
    for (size_t l = 0; l < 4; l++) {
        triad_items own;
        assert_int_equal(babyai_sentences(&own, &levels[l], 1, NULL), TRIAD_OK);
        for (size_t i = 0; i < own.count; i += 37) assert_true(asks_for(levels[l], telling_text(&a, own.text[i])));
        triad_items_free(&own);
    }
    assert_null(telling_text(&a, "open the red door"));
    free(used);
    telling_free(&a);
    telling_free(&again);
    telling_free(&b);
}

static void endless_missions_are_refused(void **state)
{
    (void)state;
    const babyai_level *boss = babyai_level_find("BossLevel");
    agent_telling telling = {0};
    agent_words words;
    triad_error err;
    assert_int_equal(telling_create(&telling, TRIAD_MISWIRED, &boss, 1, 0, &err), TRIAD_ERR_RANGE);
    assert_non_null(strstr(err.text, "miswired instructions need levels whose missions can be listed"));
    telling_free(&telling);
    assert_int_equal(telling_words(&words, TRIAD_OPAQUE, &boss, 1, &err), TRIAD_ERR_RANGE);
    assert_non_null(strstr(err.text, "opaque instructions need"));
}

static void opaque_missions_are_symbols(void **state)
{
    (void)state;
    agent_words words;
    triad_items items;
    uint32_t index[POLICY_MAX_WORDS];
    size_t count;
    triad_error err;
    assert_int_equal(telling_words(&words, TRIAD_OPAQUE, levels, 4, NULL), TRIAD_OK);
    assert_int_equal(babyai_sentences(&items, levels, 4, NULL), TRIAD_OK);
    assert_int_equal(words.count, items.count);
    for (size_t i = 0; i < items.count; i++) {
        assert_int_equal(agent_words_encode(&words, items.text[i], index, &count, NULL), TRIAD_OK);
        assert_int_equal(count, 1);
        assert_int_equal(index[0], i);
    }
    assert_int_equal(agent_words_encode(&words, "open the red door", index, &count, &err), TRIAD_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "no such instruction"));
    triad_items_free(&items);
    agent_words_free(&words);
}

static triad_items table(const char *tsv)
{
    triad_items items;
    assert_int_equal(triad_items_parse(&items, tsv, strlen(tsv), "table", NULL), TRIAD_OK);
    return items;
}

static void combinations_are_kept_out(void **state)
{
    (void)state;
    triad_items items = table("id\ttext\tverb\tcolour\tobject\n"
                              "1\ta\tgo to\tred\tball\n2\tb\tput next to\tblue\tkey\n3\tc\tpick up\t\tbox\n");
    agent_telling telling = {0}, copy = {0};
    assert_int_equal(telling_hold_out(&telling, &items, NULL), TRIAD_OK);
    const struct {
        const char *mission;
        bool out;
    } cases[] = {
        {"go to the red ball", true},
        {"go to a red ball", true},
        {"go to the red ball on your left", true},
        {"go to the red key", false},
        {"pick up the red ball", false},
        {"pick up a box", true},
        {"pick up a red box", false},
        {"put the blue key next to the red ball", true},
        {"put the red ball next to the blue key", true},
        {"put the red ball next to the blue box", false},
        {"go to the blue box, then pick up a box", true},
        {"open the door and go to the red ball after you open a door", true},
        {"open the door and go to the red key after you open a door", false},
    };
    json_object *list = telling_hold_out_json(&telling);
    assert_non_null(list);
    assert_int_equal(telling_hold_out_read(&copy, list, NULL), TRIAD_OK);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        assert_int_equal(telling_holds_out(&telling, cases[c].mission), cases[c].out);
        assert_int_equal(telling_holds_out(&copy, cases[c].mission), cases[c].out);
    }
    json_object_put(list);
    telling_free(&telling);
    telling_free(&copy);
    triad_items_free(&items);

    triad_error err;
    const struct {
        const char *tsv, *says;
    } wrong[] = {
        {"id\ttext\tverb\tcolour\n1\ta\tgo to\tred\n",
         "a table of combinations has the columns verb, colour and object"},
        {"id\ttext\tverb\tcolour\tobject\n1\ta\tgo\tred\tball\n", "row 1: 'go' is no verb of BabyAI's missions"},
        {"id\ttext\tverb\tcolour\tobject\n1\ta\tgo to\tpink\tball\n",
         "row 1: 'pink' is no colour of BabyAI's missions"},
        {"id\ttext\tverb\tcolour\tobject\n1\ta\tgo to\tred\tcow\n", "row 1: 'cow' is no object of BabyAI's missions"},
    };
    for (size_t w = 0; w < sizeof wrong / sizeof *wrong; w++) {
        items = table(wrong[w].tsv);
        assert_int_equal(telling_hold_out(&telling, &items, &err), TRIAD_ERR_FORMAT);
        assert_string_equal(err.text, wrong[w].says);
        telling_free(&telling);
        triad_items_free(&items);
    }
    const char *broken[] = {"{}", "[1]", "[[\"go to\",\"red\"]]", "[[\"go to\",\"red\",3]]",
                            "[[\"go\",\"red\",\"ball\"]]"};
    for (size_t b = 0; b < sizeof broken / sizeof *broken; b++) {
        assert_int_equal(json_read(&list, broken[b], strlen(broken[b]), NULL), TRIAD_OK);
        assert_int_equal(telling_hold_out_read(&telling, list, &err), TRIAD_ERR_FORMAT);
        json_object_put(list);
        telling_free(&telling);
    }
}

/* ---- the stream under them */

static void fill(void *context, size_t tile, int worker)
{
    demo_stream_fill(context, tile, worker);
}

static const demonstration *next(demo_stream *stream)
{
    for (const demonstration *demo;;) {
        if ((demo = demo_stream_next(stream))) return demo;
        demo_stream_release(stream);
        const size_t blocks = demo_stream_wanted(stream, SIZE_MAX);
        assert_true(blocks > 0);
        triad_parallel(NULL, blocks, fill, stream);
        assert_int_equal(demo_stream_filled(stream, blocks, NULL), TRIAD_OK);
    }
}

static demo_stream *stream_of(const agent_telling *telling, const agent_words *words, const babyai_demos *file)
{
    static const double shares[] = {1, 1, 1, 1};
    const demo_stream_options options = {.levels = levels,
                                         .shares = shares,
                                         .level_count = 4,
                                         .file = file,
                                         .seed = 5,
                                         .batch_steps = 256,
                                         .words = words,
                                         .telling = telling,
                                         .workers = 1};
    demo_stream *stream;
    assert_int_equal(demo_stream_create(&stream, &options, NULL), TRIAD_OK);
    return stream;
}

static bool same_words(const demonstration *a, const demonstration *b)
{
    return a->words == b->words && memcmp(a->word, b->word, a->words * sizeof *a->word) == 0;
}

/* The same episodes, told otherwise; shuffled: as a rule another mission, of the same level. */
static void the_episodes_stay_the_words_change(void **state)
{
    (void)state;
    enum { N = 400 };
    agent_words words;
    assert_int_equal(agent_words_babyai(&words, NULL), TRIAD_OK);
    agent_telling plain = {0}, shuffled = {.mode = TRIAD_SHUFFLED}, miswired = {0};
    assert_int_equal(telling_create(&miswired, TRIAD_MISWIRED, levels, 4, 5, NULL), TRIAD_OK);
    demo_stream *a = stream_of(&plain, &words, NULL), *b = stream_of(&shuffled, &words, NULL),
                *c = stream_of(&miswired, &words, NULL);
    size_t same = 0;
    for (size_t i = 0; i < N; i++) {
        const demonstration *x = next(a), *y = next(b), *z = next(c);
        assert_int_equal(x->number, y->number);
        assert_int_equal(x->steps, y->steps);
        assert_memory_equal(x->action, y->action, x->steps);
        assert_memory_equal(x->action, z->action, x->steps);
        assert_int_equal(x->word[0], y->word[0]); /* the level's verb */
        same += same_words(x, y);
        assert_false(same_words(x, z));
    }
    assert_in_range(same, 1, N / 10);
    demo_stream_free(a);
    demo_stream_free(b);
    demo_stream_free(c);
    telling_free(&miswired);
    agent_words_free(&words);
}

/* A file: each episode once a pass, in another order the next time, whether full or compact. */
static void a_file_is_passed_over(void **state)
{
    (void)state;
    enum { N = 50, PASSES = 3 };
    char *folder = support_folder(), *full = support_path(folder, "full"), *compact = support_path(folder, "compact");
    assert_int_equal(babyai_demos_write(full, levels, 2, N / 2, 100, false, NULL, NULL, NULL, NULL), TRIAD_OK);
    assert_int_equal(babyai_demos_write(compact, levels, 2, N / 2, 100, true, NULL, NULL, NULL, NULL), TRIAD_OK);
    agent_words words;
    assert_int_equal(agent_words_babyai(&words, NULL), TRIAD_OK);
    babyai_demos *files[2];
    assert_int_equal(babyai_demos_open(&files[0], full, NULL), TRIAD_OK);
    assert_int_equal(babyai_demos_open(&files[1], compact, NULL), TRIAD_OK);
    assert_int_equal(babyai_demos_level_count(files[0]), 2);
    assert_ptr_equal(babyai_demos_level_at(files[0], 1), levels[1]);
    demo_stream *a = stream_of(NULL, &words, files[0]), *b = stream_of(NULL, &words, files[1]);
    size_t steps[PASSES] = {0}, order[PASSES] = {0};
    for (size_t pass = 0; pass < PASSES; pass++)
        for (size_t i = 0; i < N; i++) {
            const demonstration *x = next(a), *y = next(b);
            assert_int_equal(x->steps, y->steps);
            assert_memory_equal(x->action, y->action, x->steps);
            assert_true(same_words(x, y));
            steps[pass] += x->steps;
            order[pass] += i * x->steps;
        }
    for (size_t pass = 0; pass < PASSES; pass++) assert_int_equal(steps[pass], babyai_demos_steps(files[0]));
    assert_int_not_equal(order[0], order[1]);
    assert_int_not_equal(order[1], order[2]);
    demo_stream_free(a);
    demo_stream_free(b);
    babyai_demos_close(files[0]);
    babyai_demos_close(files[1]);
    agent_words_free(&words);
    free(full);
    free(compact);
    support_remove_folder(folder);
}

/* ---- whole runs */

static void train(triad_train_options options)
{
    triad_error err;
    if (triad_agent_train(&options, NULL, NULL, NULL, &err)) fail_msg("%s", err.text);
}

static json_object *training_of(const char *path)
{
    safetensors *file;
    json_object *training;
    assert_int_equal(safetensors_open(&file, path, NULL), TRIAD_OK);
    const char *text = safetensors_metadata(file, "training");
    assert_non_null(text);
    assert_int_equal(json_read(&training, text, strlen(text), NULL), TRIAD_OK);
    safetensors_close(file);
    return training;
}

/* Every kind of agent is trained, opened, evaluated on what it was told, and embeds. */
static void every_kind_of_agent(void **state)
{
    (void)state;
    char *folder = support_folder(), *path = support_path(folder, "agent");
    triad_items kept_out = table("id\ttext\tverb\tcolour\tobject\n1\ta\tgo to\tred\tball\n2\tb\tgo to\tblue\tkey\n");
    for (int mode = TRIAD_WORDS; mode <= TRIAD_SHUFFLED; mode++) {
        triad_train_options options = support_training(path);
        options.instructions = (triad_instructions)mode;
        options.steps = 600;
        options.seed = UINT64_MAX; /* any seed there is */
        options.hold_out = &kept_out;
        train(options);
        triad_agent *agent;
        assert_int_equal(triad_agent_open(&agent, path, NULL), TRIAD_OK);
        assert_int_equal(agent->telling.mode, mode);
        assert_int_equal(agent->telling.hold_out_count, 2);
        triad_eval_result result[2];
        triad_error err;
        if (triad_agent_evaluate(agent, options.levels, 2, 60, 2000000000, true, result, NULL, NULL, &err))
            fail_msg("%s", err.text);
        assert_in_range(result[0].episodes_unseen, 1, 30);
        assert_true(result[0].success_unseen >= 0 && result[0].unseen_high <= 1 && result[0].success_seen >= 0);
        const babyai_level *other = babyai_level_find("OpenDoor");
        const triad_status elsewhere =
            triad_agent_evaluate(agent, &other, 1, 5, 2000000000, false, result, NULL, NULL, &err);
        assert_int_equal(elsewhere, mode == TRIAD_OPAQUE || mode == TRIAD_MISWIRED ? TRIAD_ERR_NOT_FOUND : TRIAD_OK);
        triad_agent_close(agent);
        json_object *training = training_of(path), *fewest;
        assert_string_equal(json_object_get_string(json_object_object_get(training, "instructions")),
                            telling_name((triad_instructions)mode));
        const bool counted = json_object_object_get_ex(training, "fewest_episodes_of_an_instruction", &fewest);
        assert_int_equal(counted, mode == TRIAD_OPAQUE);
        if (counted) assert_int_equal(json_object_get_int(fewest), 0); /* 600 steps don't meet them all */
        json_object_put(training);
    }
    triad_items_free(&kept_out);
    free(path);
    support_remove_folder(folder);
}

/* Who plays a miswired agent tells it what stands for the mission, as an evaluation does. */
static void players_are_told_what_stands_for_the_mission(void **state)
{
    (void)state;
    char *folder = support_folder(), *path = support_path(folder, "agent");
    triad_train_options options = support_training(path);
    options.instructions = TRIAD_MISWIRED;
    options.steps = 64;
    train(options);
    agent_player player;
    babyai_env *env;
    assert_int_equal(player_open(&player, path, NULL), TRIAD_OK);
    assert_int_equal(babyai_create(&env, options.levels[0], NULL), TRIAD_OK);
    size_t differ = 0;
    for (uint64_t seed = 0; seed < 8; seed++) {
        assert_int_equal(babyai_reset_seed(env, seed, NULL), TRIAD_OK);
        assert_int_equal(player_begin(&player, env, NULL), TRIAD_OK);
        uint8_t image[BABYAI_OBSERVATION], direction;
        float logits[3][7];
        babyai_observe(env, image, &direction);
        triad_agent_act(player.session, image, direction, logits[0]);
        const char *told[] = {telling_text(&player.agent->telling, babyai_mission(env)), babyai_mission(env)};
        for (int i = 0; i < 2; i++) {
            triad_agent_session *session;
            assert_int_equal(triad_agent_begin_sentence(&session, player.agent, told[i], NULL), TRIAD_OK);
            triad_agent_act(session, image, direction, logits[1 + i]);
            triad_agent_end(session);
        }
        assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
        differ += memcmp(logits[0], logits[2], sizeof logits[0]) != 0;
    }
    assert_int_equal(differ, 8);
    babyai_free(env);
    assert_int_equal(babyai_create(&env, babyai_level_find("OpenDoor"), NULL), TRIAD_OK);
    assert_int_equal(babyai_reset_seed(env, 0, NULL), TRIAD_OK);
    triad_error err;
    assert_int_equal(player_begin(&player, env, &err), TRIAD_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "is no mission of the levels of this miswired agent"));
    babyai_free(env);
    player_close(&player);
    free(path);
    support_remove_folder(folder);
}

/* What is kept out is not what was met too rarely. */
static void the_rarest_is_one_that_is_trained(void **state)
{
    (void)state;
    char *folder = support_folder(), *path = support_path(folder, "agent");
    triad_items kept_out = table("id\ttext\tverb\tcolour\tobject\n1\ta\tgo to\tred\tball\n");
    triad_train_options options = support_training(path);
    options.level_count = 1;
    options.instructions = TRIAD_OPAQUE;
    options.steps = 4000;
    options.validations = 0;
    options.hold_out = &kept_out;
    triad_train_report report;
    triad_error err;
    if (triad_agent_train(&options, &report, NULL, NULL, &err)) fail_msg("%s", err.text);
    assert_in_range(report.rarest_episodes, 1, 100);
    assert_int_equal(strncmp(report.rarest, "go to ", 6), 0);
    triad_items_free(&kept_out);
    free(path);
    support_remove_folder(folder);
}

/* One of 18 combinations is enough to train on; none is not. */
static void nearly_all_may_be_kept_out(void **state)
{
    (void)state;
    static const char *const COLOURS[] = {"red", "green", "blue", "purple", "yellow", "grey"};
    static const char *const OBJECTS[] = {"ball", "key", "box"};
    char *folder = support_folder(), *path = support_path(folder, "agent"),
         tsv[1000] = "id\ttext\tverb\tcolour\tobject\n";
    for (int rows = 17; rows <= 18; rows++) {
        size_t at = strlen("id\ttext\tverb\tcolour\tobject\n");
        for (int i = 0; i < rows; i++)
            at += (size_t)snprintf(tsv + at, sizeof tsv - at, "%d\t%d\tgo to\t%s\t%s\n", i, i, COLOURS[i % 6],
                                   OBJECTS[i / 6]);
        triad_items kept_out = table(tsv);
        triad_train_options options = support_training(path);
        options.level_count = 1;
        options.batch_steps = 256;
        options.steps = 700;
        options.validations = 0;
        options.hold_out = &kept_out;
        triad_error err;
        const triad_status status = triad_agent_train(&options, NULL, NULL, NULL, &err);
        assert_int_equal(status, rows == 17 ? TRIAD_OK : TRIAD_ERR_GENERATION);
        if (status) assert_non_null(strstr(err.text, "too few of these episodes can be learnt from"));
        triad_items_free(&kept_out);
    }
    free(path);
    support_remove_folder(folder);
}

/* How far a tensor has come from the start, at most. */
static float travelled(const triad_agent *agent, const triad_agent *start, const char *name)
{
    float most = 0;
    for (size_t t = 0; t < agent->layout.tensors; t++) {
        const policy_tensor *tensor = &agent->layout.tensor[t];
        if (strcmp(tensor->name, name) != 0) continue;
        for (size_t i = tensor->offset; i < tensor->offset + tensor->count; i++)
            most = fmaxf(most, fabsf(agent->params[i] - start->params[i]));
    }
    assert_true(most > 0);
    return most;
}

/* A symbol is met in few batches and starts near zero: it moves ten times as fast as all else. In the first updates
 * Adam's steps are about the learning rate, whatever the gradient. */
static void symbols_learn_faster(void **state)
{
    (void)state;
    for (int mode = TRIAD_WORDS; mode <= TRIAD_OPAQUE; mode++) {
        char *folder = support_folder(), *path = support_path(folder, "agent"),
             *first = support_path(folder, "agent.step-0");
        triad_train_options options = support_training(path);
        options.instructions = (triad_instructions)mode;
        options.steps = 600;
        train(options);
        triad_agent *agent, *start;
        assert_int_equal(triad_agent_open(&agent, path, NULL), TRIAD_OK);
        assert_int_equal(triad_agent_open(&start, first, NULL), TRIAD_OK);
        const float ratio =
            travelled(agent, start, "instruction.words") / travelled(agent, start, "instruction.positions");
        assert_true(mode == TRIAD_OPAQUE ? ratio > 5 && ratio < 20 : ratio > 0.5 && ratio < 2);
        triad_agent_close(agent);
        triad_agent_close(start);
        free(path);
        free(first);
        support_remove_folder(folder);
    }
}

/* A run of whole instructions over a file, taken up again: the same bytes; over another file: refused. */
static void a_resumed_run_over_a_file(void **state)
{
    (void)state;
    char *folder = support_folder(), *a = support_path(folder, "a"), *b = support_path(folder, "b"),
         *demos = support_path(folder, "demos"), *other = support_path(folder, "other");
    triad_train_options options = support_training(a);
    assert_int_equal(babyai_demos_write(demos, options.levels, 2, 40, 0, true, NULL, NULL, NULL, NULL), TRIAD_OK);
    assert_int_equal(babyai_demos_write(other, options.levels, 2, 40, 7, true, NULL, NULL, NULL, NULL), TRIAD_OK);
    options.levels = NULL;
    options.level_count = 0;
    options.demos = demos;
    options.instructions = TRIAD_OPAQUE;
    options.steps = 0; /* four passes */
    options.checkpoint_every = 3;
    train(options);
    json_object *training = training_of(a);
    babyai_demos *file;
    assert_int_equal(babyai_demos_open(&file, demos, NULL), TRIAD_OK);
    assert_true(json_object_get_uint64(json_object_object_get(training, "steps_done")) >= 4 * babyai_demos_steps(file));
    babyai_demos_close(file);
    json_object_put(training);

    /* The second run ends before its first update, since its log cannot be written. */
    options.agent_path = b;
    char *log = support_path(folder, "b.log.jsonl");
    assert_int_equal(mkdir(log, 0700), 0);
    triad_error err;
    assert_int_equal(triad_agent_train(&options, NULL, NULL, NULL, &err), TRIAD_ERR_IO);
    assert_int_equal(rmdir(log), 0);
    options.resume = true;
    train(options);
    assert_true(support_same_file(a, b));
    options.demos = other;
    assert_int_equal(triad_agent_train(&options, NULL, NULL, NULL, &err), TRIAD_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "demos was"));
    free(log);
    free(a);
    free(b);
    free(demos);
    free(other);
    support_remove_folder(folder);
}

static void test_seeds_are_not_trained_on(void **state)
{
    (void)state;
    char *folder = support_folder(), *a = support_path(folder, "a"), *demos = support_path(folder, "demos");
    triad_train_options options = support_training(a);
    assert_int_equal(babyai_demos_write(demos, options.levels, 1, 3, 2000000000, true, NULL, NULL, NULL, NULL),
                     TRIAD_OK);
    options.demos = demos;
    triad_error err;
    assert_int_equal(triad_agent_train(&options, NULL, NULL, NULL, &err), TRIAD_ERR_ARGUMENT); /* levels and a file */
    options.level_count = 0;
    assert_int_equal(triad_agent_train(&options, NULL, NULL, NULL, &err), TRIAD_ERR_RANGE);
    assert_non_null(strstr(err.text, "kept for evaluation"));
    free(a);
    free(demos);
    support_remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(miswired_is_a_bijection_within_the_levels),
        cmocka_unit_test(endless_missions_are_refused),
        cmocka_unit_test(opaque_missions_are_symbols),
        cmocka_unit_test(combinations_are_kept_out),
        cmocka_unit_test(the_episodes_stay_the_words_change),
        cmocka_unit_test(a_file_is_passed_over),
        cmocka_unit_test(every_kind_of_agent),
        cmocka_unit_test(players_are_told_what_stands_for_the_mission),
        cmocka_unit_test(the_rarest_is_one_that_is_trained),
        cmocka_unit_test(nearly_all_may_be_kept_out),
        cmocka_unit_test(symbols_learn_faster),
        cmocka_unit_test(a_resumed_run_over_a_file),
        cmocka_unit_test(test_seeds_are_not_trained_on),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
