#include "formats/support.h"

#include <math.h>
#include <sys/stat.h>

#include <cblas.h>

#include "formats/json.h"
#include "formats/safetensors.h"
#include "models/plan.h"
#include "models/rope.h"
#include "triad/model.h"

#define LLAMA "models/checkpoints/gguf-llama-q4_0/gguf-llama-q4_0.gguf"
#define BERT "models/checkpoints/st-mean"

/* ---- plans */
static triad_tokens tokens_of(size_t sentences, const size_t *sizes, const int32_t *ids)
{
    size_t offsets[32] = {0};
    for (size_t i = 0; i < sentences; i++) offsets[i + 1] = offsets[i] + sizes[i];
    triad_tokens tokens;
    expect_success(triad_tokens_create(&tokens, sentences, offsets, ids, err));
    return tokens;
}

static void prefixes_are_rows(void **state)
{
    (void)state;
    static const size_t sizes[] = {3, 2, 3, 0, 3, 1};
    static const int32_t ids[] = {5, 6, 7, 5, 6, 5, 6, 9, 5, 6, 7, 8};
    triad_tokens tokens = tokens_of(6, sizes, ids);
    plan p;
    expect_success(plan_create(&p, &tokens, true, 10, 3, err));
    assert_int_equal(p.rows, 5); /* 5, 5 6, 5 6 7, 5 6 9, 8 */
    assert_int_equal(p.distinct, 5);
    assert_int_equal(p.longest, 3);
    static const size_t rows[] = {0, 1, 2, 0, 1, 0, 1, 3, 0, 1, 2, 4};
    for (size_t i = 0; i < 12; i++) assert_int_equal(p.row_of_token[i], rows[i]);
    static const uint32_t parents[] = {UINT32_MAX, 0, 1, 1, UINT32_MAX};
    for (size_t i = 0; i < 5; i++) assert_int_equal(p.parent[i], parents[i]);
    assert_int_equal(p.distinct_of[0], p.distinct_of[4]);
    plan_free(&p);

    expect_success(plan_create(&p, &tokens, false, 10, 3, err));
    assert_int_equal(p.rows, 3 + 2 + 3 + 1);
    for (size_t s = 0; s < p.distinct; s++) assert_int_equal(p.first[s + 1] - p.first[s], sizes[p.sample[s]]);
    plan_free(&p);
    expect_failure(plan_create(&p, &tokens, true, 9, 3, err), TRIAD_ERR_RANGE, "id 9");
    expect_failure(plan_create(&p, &tokens, true, 10, 2, err), TRIAD_ERR_RANGE, "sentence 0: 3 tokens");
    triad_tokens_free(&tokens);
    static const int32_t negative[] = {-1};
    tokens = tokens_of(1, (const size_t[]){1}, negative);
    expect_failure(plan_create(&p, &tokens, true, 10, 2, err), TRIAD_ERR_RANGE, "id -1");
    triad_tokens_free(&tokens);
    static const size_t falls[] = {0, 2, 1}, late[] = {1, 1};
    static const int32_t few[] = {1, 2};
    expect_failure(triad_tokens_create(&tokens, 2, falls, few, err), TRIAD_ERR_ARGUMENT, "fall");
    expect_failure(triad_tokens_create(&tokens, 1, late, few, err), TRIAD_ERR_ARGUMENT, "first offset");
}

static void frequencies(void **state)
{
    (void)state;
    float f[32];
    rope r = rope_plain(64);
    rope_frequencies(&r, f);
    assert_true(f[0] == 1.0F && fabs(f[16] - 0.01) < 1e-8);
    r.type = ROPE_LINEAR;
    r.factor = 4;
    rope_frequencies(&r, f);
    assert_true(f[0] == 0.25F);
    /* DeepSeek's yarn over 64 numbers: dimensions below 10 stay, above 23 are stretched by 40. */
    r = rope_plain(64);
    r.type = ROPE_YARN;
    r.factor = 40;
    r.original = 4096;
    float plain[32];
    rope same = rope_plain(64);
    rope_frequencies(&same, plain);
    rope_frequencies(&r, f);
    assert_true(f[10] == plain[10] && f[9] == plain[9]);
    assert_true(f[11] < plain[11]);
    assert_true(fabsf(f[23] * 40 / plain[23] - 1) < 1e-6F && f[22] * 40 > plain[22] * 1.01F);
    assert_true(fabs(rope_yarn_factor(40, 0, 0) - (0.1 * log(40) + 1)) < 1e-12);
    assert_true(rope_yarn_factor(40, 0.707, 0.707) == 1);
    assert_true(rope_yarn_factor(0.5, 0, 0) == 1);
}

/* ---- runs */
typedef struct kept {
    size_t layers, width[40];
    char name[40][12];
    float *rows[40]; /* gathered: a row for each token, or each sentence */
    size_t count[40];
    const triad_tokens *tokens;
} kept;

static triad_status keep(void *context, const triad_states *states, triad_error *err)
{
    (void)err;
    kept *k = context;
    const size_t n = states->of_sentences ? k->tokens->sentences : k->tokens->offsets[k->tokens->sentences],
                 i = k->layers++;
    snprintf(k->name[i], sizeof k->name[i], "%s", states->layer);
    k->width[i] = states->width;
    k->count[i] = n;
    k->rows[i] = malloc(n * states->width * sizeof(float) + 1);
    for (size_t r = 0; r < n; r++)
        memcpy(k->rows[i] + r * states->width, states->rows + states->row[r] * states->width,
               states->width * sizeof(float));
    return TRIAD_OK;
}

static void forget(kept *k)
{
    for (size_t i = 0; i < k->layers; i++) free(k->rows[i]);
    memset(k, 0, sizeof *k);
}

static const char *const SENTENCES[] = {
    "go to the red ball",
    "go to the red box",
    "go to the red ball",
    "pick up the key",
    "open a door",
    "open a door on your left",
    "go",
    "go to",
    "put the blue ball next to the green box after you open a yellow door",
    "open a door on your right",
    "pick up the keys",
};
enum { COUNT = sizeof SENTENCES / sizeof *SENTENCES };

static void run(kept *k, triad_tokens *tokens, const triad_model *model, const char *const *sentences, size_t n,
                int threads)
{
    triad_pool *pool = NULL;
    if (threads > 0) expect_success(triad_pool_create(&pool, threads, err));
    memset(k, 0, sizeof *k);
    expect_success(triad_model_tokenize(model, tokens, sentences, n, err));
    k->tokens = tokens;
    expect_success(triad_model_run(model, tokens, NULL, pool, NULL, keep, k, err));
    triad_pool_free(pool);
}

/* A sentence's rows of layer i: its tokens, or its one row. */
static const float *rows_of(const kept *k, size_t i, size_t sentence, size_t *count)
{
    const bool whole = k->count[i] == k->tokens->sentences && strcmp(k->name[i], "projected") == 0;
    *count = whole ? 1 : k->tokens->offsets[sentence + 1] - k->tokens->offsets[sentence];
    return k->rows[i] + (whole ? sentence : k->tokens->offsets[sentence]) * k->width[i];
}

static void same_bytes(const char *path)
{
    triad_model *model = NULL;
    expect_success(triad_model_open(&model, path, err));
    kept one, other;
    triad_tokens tokens, shuffled;
    run(&one, &tokens, model, SENTENCES, COUNT, 0);
    assert_int_equal(one.layers, triad_model_describe(model)->layers + 2);
    for (int threads = 1; threads <= 3; threads++) {
        /* Reversed, and with every sentence twice. */
        const char *order[2 * COUNT];
        for (size_t i = 0; i < 2 * COUNT; i++) order[i] = SENTENCES[(2 * COUNT - 1 - i) % COUNT];
        run(&other, &shuffled, model, order, 2 * COUNT, threads);
        for (size_t i = 0; i < one.layers; i++)
            for (size_t s = 0; s < 2 * COUNT; s++) {
                size_t a, b;
                const float *x = rows_of(&one, i, (2 * COUNT - 1 - s) % COUNT, &a), *y = rows_of(&other, i, s, &b);
                assert_int_equal(a, b);
                assert_memory_equal(x, y, a * one.width[i] * sizeof *x);
            }
        forget(&other);
        triad_tokens_free(&shuffled);
    }
    /* Alone, without anyone to share a prefix with: the same numbers. */
    for (size_t s = 0; s < COUNT; s++) {
        run(&other, &shuffled, model, &SENTENCES[s], 1, 0);
        for (size_t i = 0; i < one.layers; i++) {
            size_t a, b;
            const float *x = rows_of(&one, i, s, &a), *y = rows_of(&other, i, 0, &b);
            double difference = 0, size = 0;
            for (size_t j = 0; j < a * one.width[i]; j++) {
                difference += (double)(x[j] - y[j]) * (x[j] - y[j]);
                size += (double)x[j] * x[j];
            }
            if (sqrt(difference / size) > 1e-6)
                fail_msg("%s, layer %s of \"%s\" differs by %g", path, one.name[i], SENTENCES[s],
                         sqrt(difference / size));
        }
        forget(&other);
        triad_tokens_free(&shuffled);
    }
    forget(&one);
    triad_tokens_free(&tokens);
    triad_model_close(model);
}

static void any_order_and_any_pool(void **state)
{
    (void)state;
    same_bytes(LLAMA);
    same_bytes(BERT);
}

static void describes(void **state)
{
    (void)state;
    triad_model *model = NULL;
    expect_success(triad_model_open(&model, LLAMA, err));
    const triad_model_info *info = triad_model_describe(model);
    assert_string_equal(info->family, "llama");
    assert_string_equal(info->container, "gguf");
    assert_string_equal(info->name, "gguf-llama-q4_0.gguf");
    assert_string_equal(info->pooling, "mean-nofirst");
    assert_true(info->kind == TRIAD_DECODER && info->has_raw && info->has_tokenizer && info->reduced &&
                info->projected == 0);
    assert_int_equal(info->layers, 2);
    assert_int_equal(info->width, 64);
    triad_model_close(model);
    expect_success(triad_model_open(&model, BERT "/", err));
    info = triad_model_describe(model);
    assert_string_equal(info->name, "st-mean");
    assert_string_equal(info->pooling, "mean");
    assert_true(info->kind == TRIAD_ENCODER && !info->has_raw && !info->reduced && info->projected == info->width);
    /* sentence_bert_config.json cuts at 128. */
    char *text = malloc(2000 * 4 + 1);
    for (int i = 0; i < 2000; i++) memcpy(text + 4 * i, "red ", 5);
    triad_tokens tokens;
    expect_success(triad_model_tokenize(model, &tokens, (const char *const *)&text, 1, err));
    assert_int_equal(tokens.offsets[1], 128);
    triad_tokens_free(&tokens);
    free(text);
    static const char *const bad[] = {"red", "\xff"};
    expect_failure(triad_model_tokenize(model, &tokens, bad, 2, err), TRIAD_ERR_FORMAT, "sentence 2: ");
    triad_model_close(model);
}

static triad_status stop(void *context, const triad_states *states, triad_error *err)
{
    (void)context;
    return strcmp(states->layer, "1") == 0 ? triad_fail(err, TRIAD_ERR_INTERRUPTED, -1, "stopped") : TRIAD_OK;
}

static void runs_can_fail(void **state)
{
    (void)state;
    triad_model *model = NULL;
    for (int i = 0; i < 2; i++) {
        expect_success(triad_model_open(&model, i == 0 ? LLAMA : BERT, err));
        triad_tokens tokens;
        expect_success(triad_model_tokenize(model, &tokens, SENTENCES, COUNT, err));
        expect_failure(triad_model_run(model, &tokens, NULL, NULL, NULL, stop, NULL, err), TRIAD_ERR_INTERRUPTED,
                       "stopped");
        tokens.ids[0] = 1 << 20;
        expect_failure(triad_model_run(model, &tokens, NULL, NULL, NULL, stop, NULL, err), TRIAD_ERR_RANGE, "outside");
        tokens.sentences = 0;
        expect_failure(triad_model_run(model, &tokens, NULL, NULL, NULL, stop, NULL, err), TRIAD_ERR_ARGUMENT,
                       "not one token");
        triad_tokens_free(&tokens);
        triad_model_close(model);
    }
}

/* ---- checkpoints that are not what they must be */
typedef struct damage {
    const char *key; /* of config.json: set to value (JSON), or removed when value is NULL */
    const char *value;
    const char *tensor; /* whose name begins so … */
    int what;           /* 0 nothing, 1 left out, 2 cut to its first row, 3 renamed, 4 one NaN in it, 5 as integers */
    triad_status status;
    const char *words;
} damage;

/* The folder of a damaged copy of the checkpoint; tensors are F32. */
static char *damaged(const char *from, const damage *d)
{
    char *folder = scratch("checkpoint"), path[512];
    mkdir(folder, 0700);
    json_object *config = NULL;
    snprintf(path, sizeof path, "%s/config.json", from);
    expect_success(json_read_file(&config, path, 1 << 20, err));
    if (d->key != NULL && d->value == NULL)
        json_object_object_del(config, d->key);
    else if (d->key != NULL)
        json_object_object_add(config, d->key, json_tokener_parse(d->value));
    snprintf(path, sizeof path, "%s/config.json", folder);
    expect_success(json_write_file(path, config, err));
    json_object_put(config);

    safetensors *file = NULL;
    snprintf(path, sizeof path, "%s/model.safetensors", from);
    expect_success(safetensors_open(&file, path, err));
    tensor_view tensors[256];
    size_t count = 0;
    char other[128];
    float *copy = NULL;
    for (size_t i = 0; i < safetensors_count(file); i++) {
        tensor_view t = *safetensors_at(file, i);
        if (d->tensor != NULL && strncmp(t.name, d->tensor, strlen(d->tensor)) == 0) {
            if (d->what == 1) continue;
            if (d->what == 2) t.shape[0] = 1;
            if (d->what == 3) {
                snprintf(other, sizeof other, "%s.odd", t.name);
                t.name = other;
            }
            if (d->what == 4 && copy == NULL) {
                copy = malloc(t.bytes);
                memcpy(copy, t.data, t.bytes);
                copy[1] = NAN;
                t.data = copy;
            }
            if (d->what == 5) t.dtype = TENSOR_I32;
        }
        tensors[count++] = t;
        if (d->what == 3 && t.name == other) { /* the old one stays beside it */
            tensors[count] = *safetensors_at(file, i);
            count++;
        }
    }
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    expect_success(safetensors_write(path, tensors, count, NULL, 0, err));
    safetensors_close(file);
    free(copy);
    return folder;
}

static void remove_folder(char *folder)
{
    static const char *const names[] = {"config.json", "model.safetensors", "modules.json", "tokenizer.json"};
    char path[512];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
    free(folder);
}

static void refuses_damaged(void **state)
{
    (void)state;
    static const damage CASES[] = {
        {"model_type", NULL, NULL, 0, TRIAD_ERR_NOT_FOUND, "model_type"},
        {"model_type", "\"blip-2\"", NULL, 0, TRIAD_ERR_UNSUPPORTED, "\"blip-2\""},
        {"hidden_size", "0", NULL, 0, TRIAD_ERR_RANGE, "hidden_size"},
        {"hidden_size", "-48", NULL, 0, TRIAD_ERR_RANGE, "hidden_size"},
        {"hidden_size", "1e30", NULL, 0, TRIAD_ERR_FORMAT, "hidden_size"},
        {"hidden_size", "49", NULL, 0, TRIAD_ERR_FORMAT, "not a multiple"},
        {"hidden_size", "96", NULL, 0, TRIAD_ERR_FORMAT, "must be"},
        {"num_attention_heads", "0", NULL, 0, TRIAD_ERR_RANGE, "num_attention_heads"},
        {"num_hidden_layers", "3", NULL, 0, TRIAD_ERR_NOT_FOUND, "encoder.layer.2"},
        {"num_hidden_layers", "99999999", NULL, 0, TRIAD_ERR_RANGE, "num_hidden_layers"},
        {"layer_norm_eps", "-1", NULL, 0, TRIAD_ERR_RANGE, "layer_norm_eps"},
        {"hidden_act", "\"mish\"", NULL, 0, TRIAD_ERR_UNSUPPORTED, "mish"},
        {"position_embedding_type", "\"relative_key\"", NULL, 0, TRIAD_ERR_UNSUPPORTED, "relative_key"},
        {"is_decoder", "true", NULL, 0, TRIAD_ERR_UNSUPPORTED, "decoder"},
        {"vocab_size", "401", NULL, 0, TRIAD_ERR_FORMAT, "word_embeddings"},
        {NULL, NULL, "encoder.layer.1.output.dense.bias", 1, TRIAD_ERR_NOT_FOUND,
         "encoder.layer.1.output.dense.bias is missing"},
        {NULL, NULL, "embeddings.LayerNorm.weight", 1, TRIAD_ERR_NOT_FOUND, "embeddings.LayerNorm.weight is missing"},
        {NULL, NULL, "encoder.layer.0.attention.self.query.weight", 2, TRIAD_ERR_FORMAT, "must be [48, 48]"},
        {NULL, NULL, "encoder.layer.0.output.LayerNorm.bias", 3, TRIAD_ERR_UNSUPPORTED, "has no place"},
        {NULL, NULL, "encoder.layer.0.intermediate.dense.weight", 5, TRIAD_ERR_UNSUPPORTED, "I32"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char *folder = damaged(BERT, &CASES[i]);
        triad_model *model;
        expect_failure(triad_model_open(&model, folder, err), CASES[i].status, CASES[i].words);
        assert_null(model);
        remove_folder(folder);
    }
}

static void reports_nan(void **state)
{
    (void)state;
    char *folder = damaged(BERT, &(damage){.tensor = "encoder.layer.1.output.dense.weight", .what = 4});
    triad_model *model;
    expect_success(triad_model_open(&model, folder, err));
    assert_false(triad_model_describe(model)->has_tokenizer);
    triad_tokens tokens;
    expect_failure(triad_model_tokenize(model, &tokens, SENTENCES, 1, err), TRIAD_ERR_NOT_FOUND, "no tokenizer");
    tokens = tokens_of(1, (const size_t[]){3}, (const int32_t[]){2, 40, 3});
    kept k = {.tokens = &tokens};
    expect_failure(triad_model_run(model, &tokens, NULL, NULL, NULL, keep, &k, err), TRIAD_ERR_NUMERIC, "layer 2");
    assert_int_equal(k.layers, 2);
    forget(&k);
    triad_tokens_free(&tokens);
    triad_model_close(model);
    remove_folder(folder);
}

static void refuses_paths(void **state)
{
    (void)state;
    triad_model *model;
    expect_failure(triad_model_open(&model, "models/absent", err), TRIAD_ERR_NOT_FOUND,
                   "neither a file, a folder nor a model of the cache");
    expect_failure(triad_model_open(&model, "models", err), TRIAD_ERR_NOT_FOUND, "no config.json");
    expect_failure(triad_model_open(&model, "models/tokenizers/gpt2/tokenizer.json", err), TRIAD_ERR_FORMAT, "");
    expect_failure(triad_model_open(&model, "formats/python.gguf", err), TRIAD_ERR_NOT_FOUND, "");
    char *folder = damaged(BERT, &(damage){0}), path[512];
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    unlink(path);
    expect_failure(triad_model_open(&model, folder, err), TRIAD_ERR_NOT_FOUND, "no model.safetensors");
    remove_folder(folder);
}

/* ---- sentence-transformers */
static void refuse_modules(const char *modules, triad_status status, const char *words)
{
    char *folder = damaged(BERT, &(damage){0}), path[512];
    snprintf(path, sizeof path, "%s/modules.json", folder);
    put_file(path, modules, strlen(modules));
    triad_model *model;
    expect_failure(triad_model_open(&model, folder, err), status, words);
    remove_folder(folder);
}

#define FIRST "{\"type\": \"sentence_transformers.models.Transformer\", \"path\": \"\"}"

static void refuses_modules(void **state)
{
    (void)state;
    refuse_modules("{}", TRIAD_ERR_FORMAT, "not a list");
    refuse_modules("[]", TRIAD_ERR_FORMAT, "not a list");
    refuse_modules("[1]", TRIAD_ERR_FORMAT, "no object");
    refuse_modules("[{\"type\": \"x.WordEmbeddings\", \"path\": \"\"}]", TRIAD_ERR_UNSUPPORTED, "WordEmbeddings");
    refuse_modules("[{\"type\": \"x.Transformer\", \"path\": \"0_Transformer\"}]", TRIAD_ERR_UNSUPPORTED,
                   "0_Transformer");
    refuse_modules("[" FIRST ", {\"type\": \"x.LSTM\", \"path\": \"1_LSTM\"}]", TRIAD_ERR_UNSUPPORTED, "LSTM");
    refuse_modules("[" FIRST ", {\"type\": \"x.Pooling\", \"path\": \"1_Pooling\"}]", TRIAD_ERR_NOT_FOUND,
                   "1_Pooling/config.json");
    refuse_modules("[" FIRST ", {\"type\": \"x.Pooling\", \"path\": \"../1_Pooling\"}]", TRIAD_ERR_FORMAT,
                   "plain name");
    refuse_modules("[" FIRST ", {\"type\": \"x.Normalize\", \"path\": \"2_Normalize\"}]", TRIAD_ERR_UNSUPPORTED,
                   "second module");
}

int main(void)
{
    openblas_set_num_threads(1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefixes_are_rows), cmocka_unit_test(frequencies),
        cmocka_unit_test(describes),         cmocka_unit_test(any_order_and_any_pool),
        cmocka_unit_test(runs_can_fail),     cmocka_unit_test(refuses_damaged),
        cmocka_unit_test(reports_nan),       cmocka_unit_test(refuses_paths),
        cmocka_unit_test(refuses_modules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
