/* How a model is run, which its numbers may not show: in chunks, with hidden states in a file, killed and resumed. */
#include "formats/support.h"

#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "models/encoder.h"
#include "models/keep.h"
#include "models/stream.h"
#include "triad/model.h"

typedef struct kept {
    const triad_tokens *tokens;
    size_t layers;
    char name[16][16];
    float *rows[16];
    size_t floats[16];
    size_t resumed;   /* layers that the state said were done */
    size_t die_after; /* layers; 0: never */
} kept;

static triad_status keep(void *context, const triad_states *states, triad_error *problem)
{
    (void)problem;
    kept *k = context;
    const size_t n = states->of_sentences ? k->tokens->sentences : k->tokens->offsets[k->tokens->sentences];
    const size_t i = k->layers++;
    assert_true(i < 16);
    snprintf(k->name[i], sizeof k->name[i], "%s", states->layer);
    k->floats[i] = n * states->width;
    k->rows[i] = malloc((k->floats[i] + 1) * sizeof(float));
    for (size_t r = 0; r < n; r++)
        memcpy(k->rows[i] + r * states->width, states->rows + states->row[r] * states->width,
               states->width * sizeof(float));
    if (k->die_after > 0 && k->layers == k->die_after) (void)raise(SIGKILL);
    return TRIAD_OK;
}

static triad_status resume(void *context, size_t layers, triad_error *problem)
{
    (void)problem;
    ((kept *)context)->resumed = layers;
    return TRIAD_OK;
}

static void forget(kept *k)
{
    for (size_t i = 0; i < k->layers; i++) free(k->rows[i]);
    memset(k, 0, sizeof *k);
}

/* Random ids: sentences of 1 to 12 tokens, many of which begin alike. */
static triad_tokens sentences(size_t n, size_t vocabulary)
{
    size_t *offsets = malloc((n + 1) * sizeof *offsets);
    int32_t *ids = malloc(12 * n * sizeof *ids);
    uint32_t seed = 1;
    offsets[0] = 0;
    for (size_t s = 0; s < n; s++) {
        seed = seed * 1664525 + 1013904223;
        const size_t size = 1 + (seed >> 16) % 12;
        for (size_t i = 0; i < size; i++) {
            seed = seed * 1664525 + 1013904223;
            ids[offsets[s] + i] = (int32_t)((seed >> 16) % (i < 3 ? 3 : vocabulary));
        }
        offsets[s + 1] = offsets[s] + size;
    }
    triad_tokens tokens;
    expect_success(triad_tokens_create(&tokens, n, offsets, ids, err));
    free(offsets);
    free(ids);
    return tokens;
}

static void run(kept *k, const triad_model *model, const triad_tokens *tokens, triad_run_options how, int threads)
{
    triad_pool *pool = NULL;
    expect_success(triad_pool_create(&pool, threads, err));
    memset(k, 0, sizeof *k);
    k->tokens = tokens;
    expect_success(triad_model_run(model, tokens, &how, pool, NULL, keep, k, err));
    triad_pool_free(pool);
}

static void same(const kept *a, size_t from, const kept *b, const char *what)
{
    assert_int_equal(a->layers, from + b->layers);
    for (size_t i = from; i < a->layers; i++) {
        assert_string_equal(a->name[i], b->name[i - from]);
        assert_int_equal(a->floats[i], b->floats[i - from]);
        if (memcmp(a->rows[i], b->rows[i - from], a->floats[i] * sizeof(float)) != 0)
            fail_msg("%s: layer %s has other bytes", what, a->name[i]);
    }
}

static const char *const MODELS[] = {
    "models/checkpoints/gguf-llama-q4_0",
    "models/checkpoints/st-mean",
    "models/checkpoints/deepseek-v2-groups",
    "models/checkpoints/deepseek-v3-mtp",
    "models/checkpoints/deepseek-v3-fp8",
    "models/checkpoints/mpnet",
    "models/checkpoints/deepseek-v3-halves",
    "models/checkpoints/distilbert",
    "models/checkpoints/qwen3",
};
enum { MODEL_COUNT = sizeof MODELS / sizeof *MODELS };

static triad_model *opened(const char *path)
{
    triad_model *model = NULL;
    char file[256];
    snprintf(file, sizeof file, "%s/gguf-llama-q4_0.gguf", path);
    expect_success(triad_model_open(&model, access(file, F_OK) == 0 ? file : path, err));
    return model;
}

/* In chunks of 32 rows, with the hidden states in a file, by any number of threads: the same bytes. */
static void chunks_and_spills(void **state)
{
    (void)state;
    for (size_t m = 0; m < MODEL_COUNT; m++) {
        triad_model *model = opened(MODELS[m]);
        triad_tokens tokens = sentences(60, triad_model_describe(model)->vocabulary);
        kept whole, other;
        run(&whole, model, &tokens, (triad_run_options){0}, 1);
        for (int threads = 1; threads <= 3; threads++) {
            run(&other, model, &tokens, (triad_run_options){.chunk = 32, .memory = 1, .scratch = "/tmp"}, threads);
            same(&whole, 0, &other, MODELS[m]);
            forget(&other);
        }
        /* Prefixes that are not shared give the same numbers. */
        run(&other, model, &tokens, (triad_run_options){.apart = true, .chunk = 64}, 2);
        for (size_t i = 0; i < whole.layers; i++) {
            double difference = 0, size = 0;
            for (size_t j = 0; j < whole.floats[i]; j++) {
                difference += pow((double)whole.rows[i][j] - other.rows[i][j], 2);
                size += pow((double)whole.rows[i][j], 2);
            }
            assert_true(sqrt(difference / size) < 1e-6);
        }
        forget(&other);
        forget(&whole);
        triad_tokens_free(&tokens);
        triad_model_close(model);
    }
}

/* A run that is killed after some layer goes on with the next one, to the same bytes; another run's state is not
 * mistaken for one's own, nor is a damaged one. */
static void killed_and_resumed(void **state)
{
    (void)state;
    char *path = scratch("state");
    for (size_t m = 0; m < MODEL_COUNT; m++) {
        triad_model *model = opened(MODELS[m]);
        triad_tokens tokens = sentences(40, triad_model_describe(model)->vocabulary);
        kept whole, rest;
        run(&whole, model, &tokens, (triad_run_options){0}, 1);
        const triad_run_options how = {.state = path, .state_of = "a", .resume = resume};
        const pid_t child = fork();
        if (child == 0) {
            kept k = {.tokens = &tokens, .die_after = 3}; /* layers 0, 1 and 2 (or raw) */
            (void)!triad_model_run(model, &tokens, &how, NULL, NULL, keep, &k, NULL);
            _exit(0);
        }
        int status;
        assert_true(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        assert_int_equal(access(path, F_OK), 0);
        /* layer 1 is the last that was kept: layer 2 of two is the end, and 2 of more was not yet written */
        triad_run_options other = how;
        other.state_of = "b";
        size_t size;
        unsigned char *bytes = slurp(path, &size);
        run(&rest, model, &tokens, other, 2);
        assert_int_equal(rest.resumed, 0);
        same(&whole, 0, &rest, "another's state");
        forget(&rest);
        assert_int_equal(access(path, F_OK), 0); /* whoever makes something of the layers says when it may go */
        bytes[size - 1] ^= 1;
        put_file(path, (const char *)bytes, size);
        run(&rest, model, &tokens, how, 2);
        assert_int_equal(rest.resumed, 0);
        forget(&rest);
        bytes[size - 1] ^= 1;
        put_file(path, (const char *)bytes, size - 1);
        run(&rest, model, &tokens, how, 2);
        assert_int_equal(rest.resumed, 0);
        forget(&rest);
        put_file(path, (const char *)bytes, size);
        run(&rest, model, &tokens, how, 2);
        assert_int_equal(rest.resumed, 1);
        same(&whole, 2, &rest, MODELS[m]);
        forget(&rest);
        free(bytes);
        forget(&whole);
        triad_tokens_free(&tokens);
        triad_model_close(model);
    }
    scrap(path);
}

static void states_that_can_not_be_kept(void **state)
{
    (void)state;
    triad_model *model = opened(MODELS[0]);
    triad_tokens tokens = sentences(5, triad_model_describe(model)->vocabulary);
    kept k = {.tokens = &tokens};
    triad_run_options how = {.state = "/nowhere/at/all/state"};
    expect_failure(triad_model_run(model, &tokens, &how, NULL, NULL, keep, &k, err), TRIAD_ERR_IO,
                   "can't keep what is finished");
    forget(&k);
    k.tokens = &tokens;
    how = (triad_run_options){.memory = 1, .scratch = "/nowhere/at/all"};
    expect_failure(triad_model_run(model, &tokens, &how, NULL, NULL, keep, &k, err), TRIAD_ERR_IO, "can't make a file");
    triad_tokens_free(&tokens);
    triad_model_close(model);
    stream s;
    expect_failure(stream_create(&s, SIZE_MAX / 8, 64, 0, NULL, err), TRIAD_ERR_MEMORY, "too many");
}

/* MPNet's buckets: one a step up to 8, then wider ones up to 128. */
static void buckets(void **state)
{
    (void)state;
    static const struct {
        ptrdiff_t distance;
        size_t bucket;
    } known[] = {{0, 0},   {-1, 1},   {1, 17},   {-7, 7},  {7, 23},   {-8, 8},   {8, 24},   {-12, 9},
                 {16, 26}, {-32, 12}, {-64, 14}, {90, 30}, {-91, 15}, {500, 31}, {-500, 15}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_int_equal(encoder_bucket(known[i].distance, 32), known[i].bucket);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_and_spills),
        cmocka_unit_test(killed_and_resumed),
        cmocka_unit_test(states_that_can_not_be_kept),
        cmocka_unit_test(buckets),
    };
    return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
