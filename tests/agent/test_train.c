/* Training: the same bytes for any pool and after a real kill -9, what its files refuse, and what a full disk leaves.
 */
#include "support.h"

#include "formats/safetensors.h"

#include <cblas.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

static void train(triad_train_options options, triad_pool *pool)
{
    triad_error err;
    if (triad_agent_train(&options, NULL, pool, NULL, &err)) fail_msg("%s", err.text);
}

static void the_same_agent_for_any_pool(void **state)
{
    (void)state;
    char *folder = support_folder(), *a = support_path(folder, "a"), *b = support_path(folder, "b"),
         *c = support_path(folder, "c");
    triad_pool *pool;
    assert_int_equal(triad_pool_create(&pool, 2, NULL), TRIAD_OK);
    train(support_training(a), NULL);
    train(support_training(b), pool);
    assert_true(support_same_file(a, b));
    char *ca = support_path(folder, "a.checkpoint"), *cb = support_path(folder, "b.checkpoint");
    assert_true(support_same_file(ca, cb));
    triad_train_options other = support_training(c);
    other.seed = 8;
    train(other, pool);
    assert_false(support_same_file(a, c));
    free(ca);
    free(cb);
    free(a);
    free(b);
    free(c);
    triad_pool_free(pool);
    support_remove_folder(folder);
}

/* The loss falls, the log is JSON a line, snapshots are agents, step-0 is the untrained one. */
static void it_learns_and_keeps_a_log(void **state)
{
    (void)state;
    char *folder = support_folder(), *path = support_path(folder, "a"), *log = support_path(folder, "a.log.jsonl");
    triad_train_options options = support_training(path);
    options.steps = 10000;
    options.learning_rate = 3e-3;
    options.validations = 0;
    train(options, NULL);
    FILE *file = fopen(log, "r");
    assert_non_null(file);
    char line[1000];
    double first = 0, last = 0;
    size_t lines = 0;
    while (fgets(line, sizeof line, file)) {
        json_object *object = json_tokener_parse(line);
        assert_non_null(object);
        last = json_object_get_double(json_object_object_get(object, "loss"));
        if (lines++ == 0) first = last;
        json_object_put(object);
    }
    fclose(file);
    assert_true(lines >= 3);
    assert_true(last < 0.8 * first);
    const char *snapshots[] = {"a.step-0", "a.step-4096"};
    for (size_t i = 0; i < 2; i++) {
        char *snapshot = support_path(folder, snapshots[i]);
        triad_agent *agent;
        assert_int_equal(triad_agent_open(&agent, snapshot, NULL), TRIAD_OK);
        if (i == 0) {
            float *params = calloc(agent->layout.size, sizeof *params);
            assert_non_null(params);
            policy_initialise(params, &agent->layout, options.seed);
            assert_memory_equal(params, agent->params, agent->layout.size * sizeof *params);
            free(params);
        }
        triad_agent_close(agent);
        free(snapshot);
    }
    free(path);
    free(log);
    support_remove_folder(folder);
}

/* The log's lines that tell of validations. */
static size_t count_validations(const char *log, double *first)
{
    FILE *file = fopen(log, "r");
    assert_non_null(file);
    char line[1000];
    size_t count = 0;
    while (fgets(line, sizeof line, file)) {
        json_object *object = json_tokener_parse(line), *validation;
        assert_non_null(object);
        if (json_object_object_get_ex(object, "validation", &validation) && count++ == 0)
            *first = json_object_get_double(json_object_object_get(validation, "GoToLocal"));
        json_object_put(object);
    }
    fclose(file);
    return count;
}

/* One level that chance solves now and then: the first validation is enough. What was stopped stays so. */
static void it_stops_at_a_success_rate(void **state)
{
    (void)state;
    char *folder = support_folder(), *path = support_path(folder, "a"), *other = support_path(folder, "b"),
         *log = support_path(folder, "a.log.jsonl"), *kept = support_path(folder, "kept");
    triad_train_options options = support_training(path);
    options.level_count = 1;
    options.steps = 4000;
    options.validations = 4;
    options.validation_episodes = 40;
    double first = -1;
    train(options, NULL);
    assert_int_equal(count_validations(log, &first), 4);
    options.stop_at = 0.01;
    train(options, NULL);
    assert_int_equal(count_validations(log, &first), 1);
    assert_true(first >= 0.01);
    triad_agent *agent;
    agent_checkpoint checkpoint;
    char *saved = support_path(folder, "a.checkpoint");
    assert_int_equal(agent_read(&agent, &checkpoint, saved, NULL), TRIAD_OK);
    assert_in_range(json_object_get_int(json_object_object_get(checkpoint.state, "steps_done")), 1000, 1999);
    agent_checkpoint_free(&checkpoint);
    triad_agent_close(agent);
    /* The same in a pool; resumed, it goes nowhere. */
    triad_pool *pool;
    assert_int_equal(triad_pool_create(&pool, 2, NULL), TRIAD_OK);
    options.agent_path = other;
    train(options, pool);
    assert_true(support_same_file(path, other));
    options.agent_path = path;
    options.resume = true;
    train(options, pool);
    assert_true(support_same_file(path, other));
    triad_pool_free(pool);
    free(path);
    free(other);
    free(log);
    free(kept);
    free(saved);
    support_remove_folder(folder);
}

static void it_goes_on_from_an_agent(void **state)
{
    (void)state;
    char *folder = support_folder(), *first = support_path(folder, "first"), *second = support_path(folder, "second"),
         *start = support_path(folder, "second.step-0");
    triad_train_options options = support_training(first);
    options.steps = 640;
    train(options, NULL);
    options.agent_path = second;
    options.from = first;
    options.seed = 9;
    train(options, NULL);
    triad_agent *a, *b;
    assert_int_equal(triad_agent_open(&a, first, NULL), TRIAD_OK);
    assert_int_equal(triad_agent_open(&b, start, NULL), TRIAD_OK);
    assert_memory_equal(a->params, b->params, a->layout.size * sizeof(float));
    triad_agent_close(a);
    triad_agent_close(b);
    assert_false(support_same_file(first, second));
    triad_error err;
    options.width = 48;
    assert_int_equal(triad_agent_train(&options, NULL, NULL, NULL, &err), TRIAD_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, first));
    assert_non_null(strstr(err.text, "another network: its width is 32, 48 is asked for"));
    options.width = 32;
    options.from = start;
    options.resume = true;
    assert_int_equal(triad_agent_train(&options, NULL, NULL, NULL, &err), TRIAD_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "from was"));
    options.from = "/dev/zero"; /* has no end */
    assert_int_equal(triad_agent_train(&options, NULL, NULL, NULL, &err), TRIAD_ERR_IO);
    assert_string_equal(err.text, "/dev/zero: it is a device or a pipe (name a file)");
    free(first);
    free(second);
    free(start);
    support_remove_folder(folder);
}

/* A child that trains until it is killed. */
static pid_t start_training(const triad_train_options *options)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        triad_error err;
        _exit(triad_agent_train(options, NULL, NULL, NULL, &err) ? 1 : 0);
    }
    return child;
}

static size_t count_lines(const char *path)
{
    FILE *file = fopen(path, "r");
    size_t lines = 0;
    if (!file) return 0;
    for (int c; (c = getc(file)) != EOF;) lines += c == '\n';
    fclose(file);
    return lines;
}

static void killed_and_resumed_ends_in_the_same_bytes(void **state)
{
    (void)state;
    char *folder = support_folder(), *whole = support_path(folder, "whole"), *broken = support_path(folder, "broken");
    char *log = support_path(folder, "broken.log.jsonl");
    triad_train_options options = support_training(whole);
    options.steps = 12000;
    train(options, NULL);
    options.agent_path = broken;
    options.checkpoint_every = 30;
    options.resume = true;
    size_t kills = 0;
    for (size_t lines = 1; lines <= 2;
         lines++) { /* killed behind the first line of the log, and again behind the second */
        const pid_t child = start_training(&options);
        int status = 0;
        while (waitpid(child, &status, WNOHANG) == 0) {
            if (count_lines(log) >= lines) kill(child, SIGKILL);
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
        if (WIFSIGNALED(status)) kills++;
        assert_false(triad_path_exists(broken) && kills == lines);
    }
    assert_int_equal(kills, 2);
    train(options, NULL);
    assert_true(support_same_file(whole, broken));
    const char *const names[] = {"step-0", "step-4096", "checkpoint"};
    for (size_t i = 0; i < 3; i++) {
        char x[500], y[500];
        snprintf(x, sizeof x, "%s.%s", whole, names[i]);
        snprintf(y, sizeof y, "%s.%s", broken, names[i]);
        assert_true(support_same_file(x, y));
    }
    /* Finished already: the same once more. */
    train(options, NULL);
    assert_true(support_same_file(whole, broken));
    free(whole);
    free(broken);
    free(log);
    support_remove_folder(folder);
}

/* Dropout changes what is learnt, and nothing when the agent acts. */
static void dropout_is_an_option(void **state)
{
    (void)state;
    char *folder = support_folder(), *plain = support_path(folder, "plain"), *dropped = support_path(folder, "dropped"),
         *again = support_path(folder, "again");
    triad_train_options options = support_training(plain);
    options.steps = 640;
    options.validations = 0;
    train(options, NULL);
    options.agent_path = dropped;
    options.dropout = 0.2;
    train(options, NULL);
    assert_false(support_same_file(plain, dropped));
    triad_pool *pool;
    assert_int_equal(triad_pool_create(&pool, 2, NULL), TRIAD_OK);
    options.agent_path = again;
    train(options, pool);
    assert_true(support_same_file(dropped, again));
    triad_pool_free(pool);
    triad_error err;
    options.dropout = 1;
    assert_int_equal(triad_agent_train(&options, NULL, NULL, NULL, &err), TRIAD_ERR_RANGE);
    assert_string_equal(err.text, "train: a dropout of 1 (0 to below 1)");
    free(plain);
    free(dropped);
    free(again);
    support_remove_folder(folder);
}

/* The variant in which steps ask the instruction's words: trained, evaluated, resumed, written and read like the rest.
 */
static void words_can_be_asked(void **state)
{
    (void)state;
    char *folder = support_folder(), *path = support_path(folder, "a"), *other = support_path(folder, "b"),
         *saved = support_path(folder, "a.checkpoint"), *opaque = support_path(folder, "opaque");
    triad_train_options options = support_training(path);
    options.steps = 640;
    options.cross_layers = 2;
    options.dagger = 0.5;
    train(options, NULL);
    triad_pool *pool;
    assert_int_equal(triad_pool_create(&pool, 2, NULL), TRIAD_OK);
    options.agent_path = other;
    train(options, pool);
    triad_pool_free(pool);
    assert_true(support_same_file(path, other));
    triad_agent *agent;
    assert_int_equal(triad_agent_open(&agent, path, NULL), TRIAD_OK);
    assert_int_equal(agent->layout.config.cross_layers, 2);
    assert_string_equal(agent->layout.tensor[agent->layout.tensors - 1].name, "head.bias");
    triad_agent_close(agent);
    /* It is a network of its own, and going on from it keeps it so. */
    triad_error err;
    options.agent_path = path;
    options.resume = true;
    train(options, NULL);
    assert_true(support_same_file(path, other));
    options.cross_layers = 1;
    assert_int_equal(triad_agent_train(&options, NULL, NULL, NULL, &err), TRIAD_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, saved));
    assert_non_null(strstr(err.text, "another network"));
    options.cross_layers = 9;
    assert_int_equal(triad_agent_train(&options, NULL, NULL, NULL, &err), TRIAD_ERR_RANGE);
    assert_string_equal(err.text, "policy: cross_layers is 9 (it must be 0 to 8)");
    /* A whole instruction as one symbol is one word to be asked. */
    const babyai_level *red[] = {babyai_level_find("GoToRedBall")};
    options = support_training(opaque);
    options.levels = red;
    options.level_count = 1;
    options.steps = 320;
    options.cross_layers = 1;
    options.instructions = TRIAD_OPAQUE;
    train(options, NULL);
    free(path);
    free(other);
    free(saved);
    free(opaque);
    support_remove_folder(folder);
}

/* What this version does not know is refused, not left out. */
static void unknown_variants_are_refused(void **state)
{
    (void)state;
    char *folder = support_folder(), *path = support_path(folder, "a");
    triad_agent *agent = support_agent(16, 3, 1), *again;
    assert_int_equal(agent_write(path, &agent->layout, &agent->words, agent->params, NULL, NULL), TRIAD_OK);
    triad_agent_close(agent);
    triad_mapping whole;
    assert_int_equal(triad_map_file(&whole, path, NULL), TRIAD_OK);
    char *bytes = malloc(whole.size);
    assert_non_null(bytes);
    memcpy(bytes, whole.data, whole.size);
    assert_null(memmem(bytes, whole.size, "cross_layers", 12)); /* not of the variant: as it was without it */
    char *window = memmem(bytes, whole.size, "window", 6);
    assert_non_null(window);
    memcpy(window, "wonder", 6);
    assert_int_equal(triad_write_whole(path, bytes, whole.size, NULL), TRIAD_OK);
    triad_error err;
    assert_int_equal(triad_agent_open(&again, path, &err), TRIAD_ERR_FORMAT);
    assert_non_null(strstr(err.text, "config: 'wonder' is not known (an agent of a newer triad?)"));
    free(bytes);
    triad_unmap(&whole);
    free(path);
    support_remove_folder(folder);
}

/* DAgger: the learner's own episodes, and the same bytes for any pool and after kills, with dropout too. */
static void dagger_keeps_the_rules(void **state)
{
    (void)state;
    char *folder = support_folder(), *whole = support_path(folder, "whole"), *broken = support_path(folder, "broken"),
         *plain = support_path(folder, "plain"), *log = support_path(folder, "broken.log.jsonl");
    triad_train_options options = support_training(whole);
    options.steps = 8000;
    options.checkpoint_every = 30;
    options.dagger = 0.5;
    options.dropout = 0.1;
    triad_pool *pool;
    assert_int_equal(triad_pool_create(&pool, 2, NULL), TRIAD_OK);
    train(options, pool);
    triad_pool_free(pool);
    options.agent_path = broken;
    options.resume = true;
    const pid_t child = start_training(&options);
    int status = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (count_lines(log) >= 1) kill(child, SIGKILL);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    assert_true(WIFSIGNALED(status));
    assert_false(triad_path_exists(broken));
    train(options, NULL);
    assert_true(support_same_file(whole, broken));
    char *saved = support_path(folder, "broken.checkpoint"), *other = support_path(folder, "whole.checkpoint");
    assert_true(support_same_file(saved, other));
    /* The learner's acting is paid for, and teaches something else. */
    triad_agent *agent;
    agent_checkpoint checkpoint;
    assert_int_equal(agent_read(&agent, &checkpoint, saved, NULL), TRIAD_OK);
    const int64_t flop = json_object_get_int64(json_object_object_get(checkpoint.state, "flop_done"));
    const double steps = (double)json_object_get_int64(json_object_object_get(checkpoint.state, "steps_done"));
    agent_checkpoint_free(&checkpoint);
    triad_agent_close(agent);
    triad_error err;
    triad_train_options without = options;
    without.dagger = 0;
    assert_int_equal(triad_agent_train(&without, NULL, NULL, NULL, &err), TRIAD_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "dagger was 0.5 and is not given"));
    without.agent_path = plain;
    train(without, NULL);
    assert_false(support_same_file(whole, plain));
    free(other);
    other = support_path(folder, "plain.checkpoint");
    assert_int_equal(agent_read(&agent, &checkpoint, other, NULL), TRIAD_OK);
    const int64_t flop_plain = json_object_get_int64(json_object_object_get(checkpoint.state, "flop_done"));
    const double steps_plain = (double)json_object_get_int64(json_object_object_get(checkpoint.state, "steps_done"));
    assert_true((double)flop / steps > 1.05 * (double)flop_plain / steps_plain);
    agent_checkpoint_free(&checkpoint);
    triad_agent_close(agent);
    without.resume = false;
    without.dagger = 1.5;
    assert_int_equal(triad_agent_train(&without, NULL, NULL, NULL, &err), TRIAD_ERR_RANGE);
    assert_non_null(strstr(err.text, "a share of 1.5 of the episodes (0 to 1)"));
    without.dagger = 0.5;
    without.levels = NULL;
    without.level_count = 0;
    without.demos = "some.file";
    assert_int_equal(triad_agent_train(&without, NULL, NULL, NULL, &err), TRIAD_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "DAgger with a file of demonstrations"));
    free(whole);
    free(broken);
    free(plain);
    free(log);
    free(saved);
    free(other);
    support_remove_folder(folder);
}

static void another_run_is_not_resumed(void **state)
{
    (void)state;
    char *folder = support_folder(), *path = support_path(folder, "a"), says[700];
    triad_train_options options = support_training(path);
    options.steps = 200;
    train(options, NULL);
    options.resume = true;
    triad_error err;
    triad_train_options other = options;
    other.seed = 1;
    assert_int_equal(triad_agent_train(&other, NULL, NULL, NULL, &err), TRIAD_ERR_ARGUMENT);
    snprintf(says, sizeof says,
             "%s.checkpoint: a run with other options: seed was 7 and is 1 (start anew with --force, or train to "
             "another file)",
             path);
    assert_string_equal(err.text, says);
    other = options;
    other.level_count = 1;
    assert_int_equal(triad_agent_train(&other, NULL, NULL, NULL, &err), TRIAD_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "levels was [\"GoToLocal\",\"PutNextLocal\"]"));
    other = options;
    other.width = 48;
    assert_int_equal(triad_agent_train(&other, NULL, NULL, NULL, &err), TRIAD_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "another network"));
    free(path);
    support_remove_folder(folder);
}

static void options_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    triad_error err;
    const char *says[] = {"train: no level to train on",
                          "train: no file for the agent",
                          "train: to stop at a success rate takes validations",
                          "train: batches of 1000000 steps (at most 100000)",
                          "train: a learning rate of 2 (0 to 1)",
                          "train: GoToLocal is named twice",
                          "policy: window is 5000 (it must be 1 to 1024)",
                          "train: a share of -1 for GoToLocal"};
    for (int i = 0; i < 8; i++) {
        triad_train_options options = support_training("/nonexistent/agent");
        const babyai_level *twice[] = {options.levels[0], options.levels[0]};
        const double shares[] = {-1, 1};
        if (i == 0) options.level_count = 0;
        if (i == 1) options.agent_path = "";
        if (i == 2) options.stop_at = 0.9, options.validations = 0;
        if (i == 3) options.batch_steps = 1000000;
        if (i == 4) options.learning_rate = 2;
        if (i == 5) options.levels = twice;
        if (i == 6) options.window = 5000;
        if (i == 7) options.shares = shares;
        assert_int_not_equal(triad_agent_train(&options, NULL, NULL, NULL, &err), TRIAD_OK);
        assert_string_equal(err.text, says[i]);
    }
    triad_train_options options = support_training("/nonexistent/agent");
    assert_int_equal(triad_agent_train(&options, NULL, NULL, NULL, &err), TRIAD_ERR_IO);
    assert_non_null(strstr(err.text, "/nonexistent/agent: "));
    options.shares = (const double[]){1, 1};
    options.demos = "demos";
    options.level_count = 0;
    assert_int_equal(triad_agent_train(&options, NULL, NULL, NULL, &err), TRIAD_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "shares with a file"));
    /* What can't become the agent in the end is said at the start. */
    char *folder = support_folder(), *beside = malloc(strlen(folder) + sizeof ".step-0");
    assert_non_null(beside);
    sprintf(beside, "%s.step-0", folder);
    options = support_training(folder);
    assert_int_equal(triad_agent_train(&options, NULL, NULL, NULL, &err), TRIAD_ERR_IO);
    assert_non_null(strstr(err.text, "it is a folder"));
    assert_false(triad_path_exists(beside));
    free(beside);
    support_remove_folder(folder);
}

/* A checkpoint whose counts nobody can have reached is refused, and not counted on from. */
static void counts_beyond_reason_are_refused(void **state)
{
    (void)state;
    char *folder = support_folder(), *path = support_path(folder, "a"), *saved = support_path(folder, "a.checkpoint");
    triad_train_options options = support_training(path);
    options.steps = 64;
    train(options, NULL);
    triad_agent *agent;
    agent_checkpoint checkpoint;
    assert_int_equal(agent_read(&agent, &checkpoint, saved, NULL), TRIAD_OK);
    json_object_object_add(checkpoint.state, "steps_done", json_object_new_int64(INT64_C(1) << 62));
    assert_int_equal(agent_write_checkpoint(saved, &agent->layout, &agent->words, agent->params, &checkpoint, NULL),
                     TRIAD_OK);
    agent_checkpoint_free(&checkpoint);
    triad_agent_close(agent);
    options.resume = true;
    triad_error err;
    assert_int_equal(triad_agent_train(&options, NULL, NULL, NULL, &err), TRIAD_ERR_RANGE);
    assert_non_null(strstr(err.text, "steps_done: 4611686018427387904 lies outside"));
    free(path);
    free(saved);
    support_remove_folder(folder);
}

/* Numbers so large that the first loss is not finite. */
static void a_loss_that_is_not_finite_stops_training(void **state)
{
    (void)state;
    char *folder = support_folder(), *path = support_path(folder, "a"), *saved = support_path(folder, "a.checkpoint"),
         says[700];
    triad_train_options options = support_training(path);
    options.steps = 200;
    train(options, NULL);
    triad_agent *agent;
    agent_checkpoint checkpoint;
    assert_int_equal(agent_read(&agent, &checkpoint, saved, NULL), TRIAD_OK);
    for (size_t t = 0; t < agent->layout.tensors; t++)
        for (size_t i = 0; i < agent->layout.tensor[t].count; i++)
            agent->params[agent->layout.tensor[t].offset + i] = i % 2 ? 3e38F : -3e38F;
    json_object_object_add(checkpoint.state, "steps_done", json_object_new_int(64));
    json_object_object_add(checkpoint.state, "updates_done", json_object_new_int(1));
    assert_int_equal(agent_write_checkpoint(saved, &agent->layout, &agent->words, agent->params, &checkpoint, NULL),
                     TRIAD_OK);
    agent_checkpoint_free(&checkpoint);
    triad_agent_close(agent);
    options.resume = true;
    triad_error err;
    assert_int_equal(triad_agent_train(&options, NULL, NULL, NULL, &err), TRIAD_ERR_NUMERIC);
    snprintf(says, sizeof says, "train: the loss is not finite at step 64, update 2 (the last good checkpoint is %s)",
             saved);
    assert_string_equal(err.text, says);
    free(path);
    free(saved);
    support_remove_folder(folder);
}

/* A limit on the size of files stands for the full disk. */
static void a_full_disk_loses_no_checkpoint(void **state)
{
    (void)state;
    char *folder = support_folder(), *path = support_path(folder, "a"), *saved = support_path(folder, "a.checkpoint"),
         *kept = support_path(folder, "kept");
    triad_train_options options = support_training(path);
    options.steps = 640;
    train(options, NULL);
    char command[1000];
    snprintf(command, sizeof command, "cp '%s' '%s'", saved, kept);
    assert_int_equal(system(command), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){40000, 40000});
        triad_agent *agent = NULL;
        agent_checkpoint checkpoint;
        triad_error err;
        if (agent_read(&agent, &checkpoint, saved, &err)) _exit(2);
        agent->params[0] = 1;
        if (agent_write_checkpoint(saved, &agent->layout, &agent->words, agent->params, &checkpoint, &err) !=
            TRIAD_ERR_IO)
            _exit(3);
        _exit(strstr(err.text, "a.checkpoint") && !strchr(err.text, '\n') ? 0 : 4);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(support_same_file(saved, kept));
    options.resume = true;
    train(options, NULL);
    free(path);
    free(saved);
    free(kept);
    support_remove_folder(folder);
}

/* ---- agent files */

static void refused(const char *path, const char *because)
{
    triad_agent *agent;
    triad_error err;
    if (triad_agent_open(&agent, path, &err) == TRIAD_OK) fail_msg("%s was taken (%s)", path, because);
    assert_null(agent);
    assert_null(strchr(err.text, '\n'));
    assert_non_null(strstr(err.text, path));
}

static void cut_and_altered_files_are_refused(void **state)
{
    (void)state;
    char *folder = support_folder(), *path = support_path(folder, "a"), *bad = support_path(folder, "bad");
    triad_agent *agent = support_agent(16, 3, 1);
    assert_int_equal(agent_write(path, &agent->layout, &agent->words, agent->params, NULL, NULL), TRIAD_OK);
    triad_agent *again;
    assert_int_equal(triad_agent_open(&again, path, NULL), TRIAD_OK);
    assert_memory_equal(agent->params, again->params, agent->layout.size * sizeof(float));
    assert_int_equal(again->words.count, agent->words.count);
    triad_agent_close(again);
    triad_mapping whole;
    assert_int_equal(triad_map_file(&whole, path, NULL), TRIAD_OK);
    unsigned char *bytes = malloc(whole.size);
    assert_non_null(bytes);
    for (size_t cut = 0; cut < whole.size; cut += 1 + whole.size / 97) {
        assert_int_equal(triad_write_whole(bad, whole.data, cut, NULL), TRIAD_OK);
        refused(bad, "cut");
    }
    for (size_t at = 0; at < whole.size; at += 1 + whole.size / 199) {
        memcpy(bytes, whole.data, whole.size);
        bytes[at] ^= 1;
        assert_int_equal(triad_write_whole(bad, bytes, whole.size, NULL), TRIAD_OK);
        /* The name of the program that wrote it is nobody's business. */
        const char *creator = (const char *)memmem(whole.data, whole.size, "created_by", 10);
        const size_t from = (size_t)((const unsigned char *)creator - whole.data);
        if (at >= from && at < from + 30) continue;
        refused(bad, "altered");
    }
    memcpy(bytes, whole.data, whole.size);
    bytes[whole.size - 1] ^= 0x10;
    assert_int_equal(triad_write_whole(bad, bytes, whole.size, NULL), TRIAD_OK);
    triad_error err;
    assert_int_equal(triad_agent_open(&again, bad, &err), TRIAD_ERR_FORMAT);
    assert_non_null(strstr(err.text, "altered since it was written (its digest differs)"));
    assert_int_equal(triad_agent_open(&again, "/nonexistent", &err), TRIAD_ERR_NOT_FOUND);
    free(bytes);
    triad_unmap(&whole);
    triad_agent_close(agent);
    free(path);
    free(bad);
    support_remove_folder(folder);
}

static void other_files_are_told_apart(void **state)
{
    (void)state;
    char *folder = support_folder(), *path = support_path(folder, "a"), *saved = support_path(folder, "a.checkpoint"),
         *other = support_path(folder, "b");
    triad_train_options options = support_training(path);
    options.steps = 64;
    train(options, NULL);
    triad_agent *agent;
    agent_checkpoint checkpoint;
    triad_error err;
    assert_int_equal(triad_agent_open(&agent, saved, &err), TRIAD_ERR_FORMAT);
    assert_non_null(strstr(err.text, "a checkpoint of a training run, not an agent (go on with train --resume)"));
    assert_int_equal(agent_read(&agent, &checkpoint, path, &err), TRIAD_ERR_FORMAT);
    assert_non_null(strstr(err.text, "an agent, not a checkpoint"));
    const float numbers[2] = {1, 2};
    const tensor_view tensor = {.name = "layer.0", .dtype = TENSOR_F32, .rank = 1, .shape = {2}, .data = numbers};
    const safetensors_pair pair = {"format", "triad.space"};
    assert_int_equal(safetensors_write(other, &tensor, 1, &pair, 1, NULL), TRIAD_OK);
    assert_int_equal(triad_agent_open(&agent, other, &err), TRIAD_ERR_FORMAT);
    assert_non_null(strstr(err.text, "not an agent (its metadata says format 'triad.space')"));

    /* Numbers that are not finite, in a file that is otherwise sound. */
    triad_agent *sick = support_agent(16, 3, 1);
    sick->params[sick->layout.head] = NAN;
    assert_int_equal(agent_write(other, &sick->layout, &sick->words, sick->params, NULL, NULL), TRIAD_OK);
    assert_int_equal(triad_agent_open(&agent, other, &err), TRIAD_ERR_NUMERIC);
    assert_non_null(strstr(err.text, "tensor head.weight: number 0 is not finite"));
    triad_agent_close(sick);
    free(path);
    free(saved);
    free(other);
    support_remove_folder(folder);
}

int main(void)
{
    openblas_set_num_threads(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_agent_for_any_pool),
        cmocka_unit_test(it_learns_and_keeps_a_log),
        cmocka_unit_test(it_stops_at_a_success_rate),
        cmocka_unit_test(it_goes_on_from_an_agent),
        cmocka_unit_test(killed_and_resumed_ends_in_the_same_bytes),
        cmocka_unit_test(dropout_is_an_option),
        cmocka_unit_test(words_can_be_asked),
        cmocka_unit_test(unknown_variants_are_refused),
        cmocka_unit_test(dagger_keeps_the_rules),
        cmocka_unit_test(another_run_is_not_resumed),
        cmocka_unit_test(options_that_make_no_sense_are_refused),
        cmocka_unit_test(counts_beyond_reason_are_refused),
        cmocka_unit_test(a_loss_that_is_not_finite_stops_training),
        cmocka_unit_test(a_full_disk_loses_no_checkpoint),
        cmocka_unit_test(cut_and_altered_files_are_refused),
        cmocka_unit_test(other_files_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
