/* What `triad info` says of every kind of file, sound and not; `pull` and `tokenize` from outside. */
#include "formats/support.h"

#include "inspect/inspect.h"
#include "triad/babyai.h"
#include "triad/space.h"

#include <math.h>
#include <sys/wait.h>

static json_object *look(const char *source, bool deep)
{
    json_object *report = NULL;
    expect_success(inspect(&report, source, deep, NULL, err));
    return report;
}

static void expect_text(json_object *report, const char *key, const char *value)
{
    json_object *found = NULL;
    if (!json_object_object_get_ex(report, key, &found)) fail_msg("%s is missing", key);
    if (strcmp(json_object_get_string(found), value) != 0)
        fail_msg("%s is %s, not %s", key, json_object_get_string(found), value);
}

static void expect_kind(const char *source, const char *kind, const char *key, const char *value)
{
    json_object *report = look(source, false);
    expect_text(report, "kind", kind);
    expect_text(report, "sound", "true");
    if (key != NULL) expect_text(report, key, value);
    json_object_put(report);
}

static void expect_broken(const char *source, const char *kind, const char *words)
{
    json_object *report = look(source, true), *problem = NULL;
    expect_text(report, "kind", kind);
    expect_text(report, "sound", "false");
    json_object_object_get_ex(report, "problem", &problem);
    if (strstr(json_object_get_string(problem), words) == NULL)
        fail_msg("%s: \"%s\" does not say %s", source, json_object_get_string(problem), words);
    json_object_put(report);
}

static void kinds_are_told_apart(void **state)
{
    (void)state;
    unsetenv("HF_HUB_CACHE");
    expect_kind("models/checkpoints/st-mean", "model", "runs", "true");
    expect_kind("models/checkpoints/st-mean", "model", "family", "bert");
    expect_kind("models/checkpoints/bert-vocab-f16", "model", "types", "{ \"F16\": 42 }");
    expect_kind("models/checkpoints/gguf-llama-q4_0/gguf-llama-q4_0.gguf", "model", "architecture", "llama");
    expect_kind("models/checkpoints/gguf-llama-q4_0/gguf-llama-q4_0.gguf", "model", "tokens", "400");
    expect_kind("models/tokenizers/llama-spm", "tokenizer", "tokens", "700");
    expect_kind("models/tokenizers/llama-spm/tokenizer.model", "tokenizer", "tokens", "700");
    expect_kind("models/tokenizers/qwen2/tokenizer.json", "tokenizer", NULL, NULL);
    expect_kind("models/tokenizers/bert-cased-vocab/vocab.txt", "tokenizer", NULL, NULL);
    expect_kind("models/checkpoints/st-mean/config.json", "model configuration", "model_type", "bert");
    expect_kind("formats/python.safetensors", "safetensors", NULL, NULL);
    expect_kind("formats/f4.npy", "array", "tensors", "1");
    expect_kind("formats/i8.npy", "array", NULL, NULL);
    char *path = scratch("items.tsv");
    put_file(path, "id\ttext\tverb\na\tgo\tgo\n", 21);
    expect_kind(path, "items", "factors", "[ \"verb\" ]");
    put_file(path, "id\ttext\na\tgo\na\tgo\n", 18);
    expect_broken(path, "items", "same id");
    scrap(path);
}

static void our_own_files(void **state)
{
    (void)state;
    char *path = scratch("own.safetensors");
    triad_items items;
    triad_space space;
    float *data;
    static const char *const texts[] = {"go", "stop"};
    expect_success(triad_items_create(&items, 2, texts, texts, 0, NULL, NULL, err));
    expect_success(triad_space_create(&space, &items, "baseline:x", "none", "sentence", "baseline", err));
    expect_success(triad_space_add_layer(&space, "0", 2, 3, &data, err));
    expect_success(triad_space_write(&space, path, err));
    triad_space_free(&space);
    expect_kind(path, "space", "layers", "{ \"0\": [ 2, 3 ] }");
    const babyai_level *level = babyai_level_find("GoToLocal");
    size_t failed;
    expect_success(babyai_demos_write(path, &level, 1, 3, 5, false, NULL, NULL, &failed, err));
    expect_kind(path, "demonstrations", "episodes", "3");
    static const char results[] = "{\"items\": 2, \"spaces\": [{\"name\": \"a\"}, {\"name\": \"b\"}], \"pairs\": "
                                  "[{\"x\": \"a\", \"y\": \"b\", \"measures\": {\"m\": {}, \"n\": {}}}]}";
    put_file(path, results, sizeof results - 1);
    char *json = scratch("results.json");
    assert_int_equal(rename(path, json), 0);
    expect_kind(json, "results", "measures", "2");
    put_file(json, "{\"items\": 2, \"pairs\": [3]}", 26);
    expect_broken(json, "results", "entry 0 has no measures");
    put_file(json, "{\"pairs\": []}", 13);
    expect_broken(json, "results", "items");
    scrap(json);
    char *log = scratch("agent.log.jsonl"), *csv = scratch("table.csv");
    put_file(log, "{\"update\": 1}\n{\"update\": 2}\n{\"up", 32);
    expect_kind(log, "log", "lines", "2"); /* half a line: a killed run */
    put_file(log, "{\"update\": 1}\n{\"up\n", 19);
    expect_broken(log, "log", "line 2: ");
    scrap(log);
    put_file(csv, "a,b\n1,\"2,\n3\"\n,\n", 15);
    expect_kind(csv, "table", "rows", "2");
    put_file(csv, "a,b\n1\n", 6);
    expect_broken(csv, "table", "row 1 has 1 cells and the first line 2");
    put_file(csv, "a,b\n1,2", 7);
    expect_broken(csv, "table", "ends within a row");
    scrap(csv);
    free(path);
}

static void what_is_not_sound(void **state)
{
    (void)state;
    size_t size;
    char *path = scratch("x.safetensors");
    unsigned char *bytes = slurp("formats/python.safetensors", &size);
    put_file(path, bytes, size - 3);
    expect_broken(path, "safetensors", "outside");
    free(bytes);
    static const char nan[] = "{\"t\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}}";
    unsigned char whole[8 + sizeof nan - 1 + 12];
    const uint64_t length = sizeof nan - 1;
    const float values[] = {1, NAN, INFINITY};
    memcpy(whole, &length, 8);
    memcpy(whole + 8, nan, length);
    memcpy(whole + 8 + length, values, 12);
    put_file(path, whole, sizeof whole);
    expect_broken(path, "safetensors", "1 NaN and 1 infinities");
    expect_kind(path, "safetensors", "numbers", "3"); /* unread, they pass */
    scrap(path);
    path = scratch("x.gguf");
    put_file(path, "GGUF\3\0\0\0", 8);
    expect_broken(path, "model", "the file ends inside");
    scrap(path);
    path = scratch("x.json");
    put_file(path, "{\"a\": }", 7);
    expect_broken(path, "JSON", "");
    put_file(path, "{\"model\": {\"type\": \"Unigram\"}}", 30);
    expect_broken(path, "tokenizer", "Unigram");
    put_file(path, "{\"weight_map\": {\"a\": \"../b\"}}", 29);
    expect_broken(path, "index of safetensors files", "plain name");
    put_file(path, "[1]", 3);
    expect_kind(path, "JSON", NULL, NULL);
    scrap(path);
    expect_broken("align", "model", "neither a model");
    json_object *report;
    path = scratch("x.bin");
    put_file(path, "hello", 5);
    expect_failure(inspect(&report, path, false, NULL, err), TRIAD_ERR_UNSUPPORTED, "it is no model, space");
    put_file(path, "", 0);
    expect_failure(inspect(&report, path, false, NULL, err), TRIAD_ERR_FORMAT, "empty");
    scrap(path);
    setenv("HF_HUB_CACHE", "/nowhere", 1);
    expect_failure(inspect(&report, "org/name", false, NULL, err), TRIAD_ERR_NOT_FOUND, "triad pull org/name");
}

static int run(const char *arguments, char *out, size_t capacity)
{
    char command[2048];
    snprintf(command, sizeof command, "%s %s 2>&1", getenv("TRIAD_BIN"), arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    const size_t n = fread(out, 1, capacity - 1, pipe);
    out[n] = 0;
    return WEXITSTATUS(pclose(pipe));
}

static void commands(void **state)
{
    (void)state;
    char out[8192];
    assert_int_equal(run("info models/checkpoints/bert-gamma-beta", out, sizeof out), 0);
    assert_non_null(strstr(out, "sound           yes"));
    assert_non_null(strstr(out, "… and "));
    assert_int_equal(
        run("info models/checkpoints/gguf-llama-q4_0/gguf-llama-q4_0.gguf --json --quiet", out, sizeof out), 0);
    json_object *root = json_tokener_parse(out);
    expect_text(root, "family", "llama");
    json_object_put(root);
    assert_int_equal(run("info align", out, sizeof out), 1);
    assert_non_null(strstr(out, "triad: align: the folder holds neither"));
    assert_int_equal(run("info", out, sizeof out), 2);
    assert_int_equal(
        run("tokenize models/tokenizers/llama-spm/tokenizer.model --sentences models/checkpoints/st-mean/sentences.txt",
            out, sizeof out),
        0);
    assert_int_equal(strncmp(out, "1 ", 2), 0);
    assert_int_equal(run("tokenize org/absent --sentences models/checkpoints/st-mean/sentences.txt", out, sizeof out),
                     1);
    assert_non_null(strstr(out, "triad pull org/absent"));
    assert_int_equal(run("pull", out, sizeof out), 2);
    assert_int_equal(run("pull 'not a name'", out, sizeof out), 2);
    assert_non_null(strstr(out, "not a repository's name"));
    setenv("HF_HUB_OFFLINE", "1", 1);
    assert_int_equal(run("pull org/absent", out, sizeof out), 1);
    assert_non_null(strstr(out, "HF_HUB_OFFLINE"));
    unsetenv("HF_HUB_OFFLINE");
    setenv("HF_ENDPOINT", "http://127.0.0.1:9", 1);
    setenv("no_proxy", "*", 1);
    assert_int_equal(run("info --deep models/checkpoints/bert-vocab-f16 --quiet", out, sizeof out), 0);
    assert_non_null(strstr(out, "nan             0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_told_apart),
        cmocka_unit_test(our_own_files),
        cmocka_unit_test(what_is_not_sound),
        cmocka_unit_test(commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
