/* `triad bench` as a user runs it: what it prints, and what it refuses. How fast is no test's business. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static char output[1 << 16];

/* Runs `triad bench ARGUMENTS`; both streams into output; returns the exit status. */
static int bench(const char *arguments)
{
    char command[1024];
    snprintf(command, sizeof command, "%s bench %s 2>&1", getenv("TRIAD_BIN"), arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    const size_t size = fread(output, 1, sizeof output - 1, pipe);
    output[size] = 0;
    const int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void refused(const char *arguments, const char *why)
{
    assert_int_equal(bench(arguments), 2);
    assert_non_null(strstr(output, why));
    assert_ptr_equal(strchr(output, '\n'), output + strlen(output) - 1);
}

static void refusals(void **state)
{
    (void)state;
    refused("", "too few arguments");
    refused("babyia", "babyia: no such benchmark (did you mean babyai?)");
    refused("nothing", "nothing: no such benchmark (triad bench --help lists them)");
    refused("--json babyai", "options stand behind the benchmark's name");
    refused("babyai --levels GoToLokal", "did you mean GoToLocal?");
    refused("babyai --envs 0", "--envs: '0' is out of range");
    refused("babyai --seconds nan", "--seconds: 'nan' is not a number");
    refused("train --width 5000", "--width: '5000' is out of range");
    refused("babyai more", "'more' is one argument too many");
}

/* The named members of every result are numbers above 0. */
static void measured(const char *arguments, const char *name, const char *const *members, size_t count, size_t results)
{
    assert_int_equal(bench(arguments), 0);
    json_object *root, *list;
    triad_error err;
    assert_int_equal(json_read(&root, output, strlen(output), &err), TRIAD_OK);
    const char *text;
    assert_int_equal(json_want_string(root, "bench", &text, &err), TRIAD_OK);
    assert_string_equal(text, name);
    assert_int_equal(json_want_string(root, "machine", &text, &err), TRIAD_OK);
    assert_true(*text != 0);
    assert_non_null(list = json_find(root, "results", json_type_array));
    assert_int_equal(json_object_array_length(list), results);
    for (size_t i = 0; i < results; i++)
        for (size_t m = 0; m < count; m++) {
            double value;
            assert_int_equal(json_want_real(json_object_array_get_idx(list, i), members[m], &value, &err), TRIAD_OK);
            assert_true(value > 0);
        }
    json_object_put(root);
}

static void babyai(void **state)
{
    (void)state;
    static const char *const members[] = {"envs", "threads", "steps_per_s", "resets_per_s", "demos_per_s"};
    measured("babyai --levels GoToObj,BabyAI-GoToLocal-v0 --envs 5 --seconds 0.01 --threads 2 --json", "babyai",
             members, 5, 2);
    assert_int_equal(bench("babyai --levels GoToObj --envs 5 --seconds 0.01 --threads 1"), 0);
    assert_non_null(strstr(output, "level    envs  threads  steps_per_s"));
    assert_non_null(strstr(output, "\nGoToObj     5        1  "));
}

static void train(void **state)
{
    (void)state;
    static const char *const members[] = {"width",        "threads",     "gflops",
                                          "gflops_sgemm", "items_per_s", "peak_rss_bytes"};
    measured("train --seconds 0.01 --threads 2 --json", "train", members, 6, 2);
    measured("train --width 64 --seconds 0.01 --threads 1 --json", "train", members, 6, 1);
}

static void embed(void **state)
{
    (void)state;
    static const char *const members[] = {"threads",     "sentences", "tokens",       "tokens_computed", "seconds",
                                          "items_per_s", "gflops",    "gflops_sgemm", "peak_rss_bytes"};
    measured("embed models/checkpoints/gguf-llama-q4_0/gguf-llama-q4_0.gguf models/checkpoints/st-mean --count 600 "
             "--repeats 1 --json",
             "embed", members, 9, 2);
    measured("embed models/checkpoints/st-mean --count 9 --apart --repeats 0 --threads 2 --json", "embed", members, 9,
             1);
    assert_int_equal(bench("embed models/absent"), 1);
    refused("embed", "too few arguments");
}

static void align(void **state)
{
    (void)state;
    static const char *const members[] = {"spaces", "n", "d", "threads", "seconds", "value", "peak_rss_bytes"};
    measured("align --only kernels --rows 40 --width 30 --rounds 1 --json", "align", members, 7, 3);
    measured("align --only pairs --sentences 20 --threads 2 --json --quiet", "align", members, 7, 1);
    refused("align x.npy", "name both, or none");
    refused("align --only nothing", "--only");
}

/* A contender for the helper: hands out its figures one after the other. */
typedef struct script {
    const double *figures;
    int calls;
} script;

static double next_figure(void *context, double seconds)
{
    (void)seconds;
    script *s = context;
    return s->figures[s->calls++];
}

static void turns(void **state)
{
    (void)state;
    script a = {.figures = (const double[]){1, 3, 2}}, b = {.figures = (const double[]){5, 4, 6}},
           c = {.figures = (const double[]){7, -1, 9}};
    bench_contender contenders[] = {
        {.run = next_figure, .context = &a}, {.run = next_figure, .context = &b}, {.run = next_figure, .context = &c}};
    assert_true(bench_turn_about(contenders, 2, 3, 0));
    assert_true(contenders[0].best == 3 && contenders[1].best == 6);
    a.calls = b.calls = 0;
    assert_false(bench_turn_about(contenders, 3, 3, 0));
    assert_int_equal(a.calls, 2);
    assert_int_equal(b.calls, 2);
    assert_int_equal(c.calls, 2);
    assert_true(bench_sgemm(1, 0) > 0);
    assert_true(bench_peak_rss() > 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(refusals), cmocka_unit_test(babyai), cmocka_unit_test(align),
                                       cmocka_unit_test(train),    cmocka_unit_test(turns),  cmocka_unit_test(embed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
