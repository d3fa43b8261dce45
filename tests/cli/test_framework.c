/* The command framework, from outside: arguments in; status, stdout and stderr out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct outcome {
    int status; /* exit status, or 128 + the signal */
    char out[16384], err[4096];
} outcome;

static const char *program(void)
{
    const char *path = getenv("TRIAD_SPECIMEN");
    assert_non_null(path);
    return path;
}

static void drain(FILE *file, char *text, size_t size)
{
    rewind(file);
    const size_t n = fread(text, 1, size - 1, file);
    text[n] = 0;
    fclose(file);
}

/* Runs PATH with arguments up to a NULL; stdout goes to `out` where that is not -1. */
static outcome run_to(int out, const char *path, char *const *arguments)
{
    FILE *captured = tmpfile(), *errors = tmpfile();
    assert_non_null(captured);
    assert_non_null(errors);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(out >= 0 ? out : fileno(captured), 1);
        dup2(fileno(errors), 2);
        execv(path, arguments);
        _exit(127);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    outcome result;
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    drain(captured, result.out, sizeof result.out);
    drain(errors, result.err, sizeof result.err);
    return result;
}

#define RUN(...) run_to(-1, program(), (char *[]){"triad", __VA_ARGS__, NULL})

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) fail_msg("'%s' is not in:\n%s", part, text);
}

/* Status 2, nothing on stdout, and exactly this line on stderr. */
static void assert_usage(outcome result, const char *line)
{
    char expected[2048];
    snprintf(expected, sizeof expected, "triad: %s\n", line);
    assert_string_equal(result.err, expected);
    assert_int_equal(result.status, 2);
    assert_string_equal(result.out, "");
}

static void commands(void **state)
{
    (void)state;
    assert_usage(run_to(-1, program(), (char *[]){"triad", NULL}), "no command given (triad --help lists them)");
    assert_usage(RUN("measrue"), "measrue: unknown command (did you mean measure?)");
    assert_usage(RUN("MEASURE"), "MEASURE: unknown command (did you mean measure?)");
    assert_usage(RUN("zzz"), "zzz: unknown command (triad --help lists them)");
    assert_usage(RUN("a\nb"), "a?b: unknown command (triad --help lists them)");
    assert_usage(RUN(""), ": unknown command (triad --help lists them)");
    assert_usage(RUN("--json", "rest"), "--json: options stand behind the command (triad --help lists the commands)");
    const outcome quiet = RUN("rest");
    assert_int_equal(quiet.status, 0);
    assert_string_equal(quiet.out, "");
    assert_string_equal(quiet.err, "");
}

static void options(void **state)
{
    (void)state;
    assert_usage(RUN("measure", "a"), "measure: --output is missing (give --output FILE)");
    assert_usage(RUN("measure", "-o", "f"), "measure: too few arguments (usage: triad measure SPACE SPACE… -o FILE)");
    assert_usage(RUN("measure", "a", "b", "c", "d", "-o", "f"),
                 "measure: 'd' is one argument too many (usage: triad measure SPACE SPACE… -o FILE)");
    assert_usage(RUN("rest", "a"), "rest: 'a' is one argument too many (usage: triad rest)");
    assert_usage(
        RUN("measure", "a", "", "-o", "f"),
        "measure: an argument is empty (a variable without a value? usage: triad measure SPACE SPACE… -o FILE)");
    assert_usage(RUN("measure", "a", "--stpes", "3"), "measure: --stpes: unknown option (did you mean --steps?)");
    assert_usage(RUN("measure", "a", "--thraeds=3"), "measure: --thraeds: unknown option (did you mean --threads?)");
    assert_usage(RUN("measure", "--banana"), "measure: --banana: unknown option (triad measure --help lists them)");
    assert_usage(RUN("measure", "a", "-x"), "measure: -x: unknown option (triad measure --help lists them)");
    assert_usage(RUN("measure", "a", "-sx", "b"), "measure: -x: unknown option (triad measure --help lists them)");
    assert_usage(RUN("measure", "a", "-o"), "measure: -o: needs a value (give FILE)");
    assert_usage(RUN("measure", "a", "--steps"), "measure: --steps: needs a value (give N)");
    assert_usage(RUN("measure", "a", "--strict=yes"), "measure: --strict: takes no value (leave out '=yes')");
    assert_usage(RUN("measure", "a", "--s"), "measure: --s: may be --strict or --seed (write it out)");
    assert_usage(RUN("measure", "a", "-o", "refused"), "measure: --output: 'refused' is refused (name another)");
}

static void values(void **state)
{
    (void)state;
    static const char *const not_whole[] = {"abc", "", "3x", "3.5", " 3", "1e3", "0x10", "--"};
    char line[256];
    for (size_t i = 0; i < sizeof not_whole / sizeof *not_whole; i++) {
        snprintf(line, sizeof line, "measure: --steps: '%s' is not a whole number (give one from 1 to 1000000)",
                 not_whole[i]);
        assert_usage(RUN("measure", "a", "-o", "f", "--steps", (char *)not_whole[i]), line);
    }
    static const char *const outside[] = {"0", "-1", "1000001", "99999999999999999999"};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        snprintf(line, sizeof line, "measure: --steps: '%s' is out of range (give one from 1 to 1000000)", outside[i]);
        assert_usage(RUN("measure", "a", "-o", "f", "-n", (char *)outside[i]), line);
    }
    static const char *const not_real[] = {"x", "", "0.5y", "nan", "inf", " 1"};
    for (size_t i = 0; i < sizeof not_real / sizeof *not_real; i++) {
        snprintf(line, sizeof line, "measure: --rate: '%s' is not a number (give one from 0 to 1)", not_real[i]);
        assert_usage(RUN("measure", "a", "-o", "f", "--rate", (char *)not_real[i]), line);
    }
    assert_usage(RUN("measure", "a", "-o", "f", "--rate", "1.5"),
                 "measure: --rate: '1.5' is out of range (give one from 0 to 1)");
    assert_usage(RUN("measure", "a", "-o", "f", "--pool", "meen"),
                 "measure: --pool: 'meen' is not one of its values (did you mean mean?)");
    assert_usage(RUN("measure", "a", "-o", "f", "--pool", "zebra"),
                 "measure: --pool: 'zebra' is not one of its values (give one of default, mean, mean-nofirst, last)");
    assert_usage(RUN("measure", "a", "-o", "f", "--levels", "GoTo,gotolocal"),
                 "measure: --levels: 'gotolocal' is not one of its values (did you mean GoToLocal?)");
    assert_usage(RUN("measure", "a", "-o", "f", "--layers", "1,,2"),
                 "measure: --layers: '1,,2' holds an empty name (write a,b,c)");
    assert_usage(RUN("measure", "a", "-o", "f", "--layers", ""),
                 "measure: --layers: '' holds an empty name (write a,b,c)");
    assert_usage(RUN("measure", "a", "-o", "f", "--threads", "0"),
                 "measure: --threads: '0' is out of range (give one from 1 to 4096)");
    assert_usage(RUN("measure", "a", "-o", "f", "--threads", "two"),
                 "measure: --threads: 'two' is not a whole number (give one from 1 to 4096)");
    static const char *const not_seed[] = {"-1", "18446744073709551616", "1x", ""};
    for (size_t i = 0; i < sizeof not_seed / sizeof *not_seed; i++) {
        snprintf(line, sizeof line,
                 "measure: --seed: '%s' is not a seed (give a whole number from 0 to 18446744073709551615)",
                 not_seed[i]);
        assert_usage(RUN("measure", "a", "-o", "f", "--seed", (char *)not_seed[i]), line);
    }
}

static json_object *document(const outcome *result)
{
    assert_int_equal(result->status, 0);
    assert_string_equal(result->err, "");
    enum json_tokener_error problem;
    json_object *root = json_tokener_parse_verbose(result->out, &problem);
    if (root == NULL) fail_msg("not one JSON document: %s\n%s", json_tokener_error_desc(problem), result->out);
    return root;
}

static const char *field(json_object *root, const char *key)
{
    json_object *value = NULL;
    assert_true(json_object_object_get_ex(root, key, &value));
    return json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN);
}

static void parsed(void **state)
{
    (void)state;
    outcome result = RUN("measure", "--json", "-o", "f", "a");
    json_object *root = document(&result);
    assert_string_equal(field(root, "output"), "\"f\"");
    assert_string_equal(field(root, "steps"), "1000");
    assert_string_equal(field(root, "rate"), "0.5");
    assert_string_equal(field(root, "pool"), "\"mean\"");
    assert_string_equal(field(root, "strict"), "false");
    assert_string_equal(field(root, "quiet"), "false");
    assert_string_equal(field(root, "seed"), "0");
    assert_string_equal(field(root, "layers"), "[\"last\"]");
    assert_string_equal(field(root, "levels"), "[]");
    assert_string_equal(field(root, "positional"), "[\"a\"]");
    json_object_put(root);

    result = RUN("measure", "a", "-sn7", "b", "--rate=1e-1", "--json", "--quiet", "--pool", "mean-nofirst", "--layers",
                 "0,1", "--threads=3", "--seed", "18446744073709551615", "--layers", "raw", "--levels=PutNext,GoTo",
                 "--out", "g", "--", "--c");
    root = document(&result);
    assert_string_equal(field(root, "output"), "\"g\"");
    assert_string_equal(field(root, "steps"), "7");
    assert_string_equal(field(root, "rate"), "0.1");
    assert_string_equal(field(root, "pool"), "\"mean-nofirst\"");
    assert_string_equal(field(root, "strict"), "true");
    assert_string_equal(field(root, "quiet"), "true");
    assert_string_equal(field(root, "threads"), "3");
    assert_string_equal(field(root, "seed"), "18446744073709551615");
    assert_string_equal(field(root, "layers"), "[\"0\",\"1\",\"raw\"]");
    assert_string_equal(field(root, "levels"), "[\"PutNext\",\"GoTo\"]");
    assert_string_equal(field(root, "positional"), "[\"a\",\"b\",\"--c\"]");
    json_object_put(root);
}

static void help(void **state)
{
    (void)state;
    const outcome top = RUN("--help");
    assert_int_equal(top.status, 0);
    assert_string_equal(top.err, "");
    const char *measure = strstr(top.out, "  measure     measures"),
               *rest = strstr(top.out, "  rest        does nothing");
    assert_non_null(measure);
    assert_non_null(rest);
    assert_true(measure < rest);

    const outcome result = RUN("measure", "--help");
    assert_int_equal(result.status, 0);
    assert_string_equal(result.err, "");
    assert_has(result.out, "Usage: triad measure SPACE SPACE… -o FILE\n");
    assert_has(result.out, "\n\n  triad measure a b -o c\n"); /* examples keep their lines */
    assert_has(result.out, "  -o, --output FILE       Where the numbers go. Required.\n");
    assert_has(result.out, "  -n, --steps N           Steps to take. Default: 1000.\n");
    assert_has(result.out, "      --rate R            Share of steps that count. Default: 0.5.\n");
    assert_has(result.out, "One of default, mean,");
    assert_has(result.out, "      --layers L,…        Layers to read. Default: last.\n");
    static const char *const common[] = {"--json", "--quiet", "--threads N", "--seed N", "-h, --help"};
    for (size_t i = 0; i < sizeof common / sizeof *common; i++) assert_has(result.out, common[i]);
    for (const char *line = result.out; *line != 0;) {
        size_t columns = 0;
        for (; *line != '\n' && *line != 0; line++) columns += ((unsigned char)*line & 0xc0) != 0x80;
        assert_true(columns <= 80);
        line += *line == '\n';
    }
    /* Help is help whatever else is missing. */
    assert_int_equal(RUN("measure", "-h").status, 0);
    assert_int_equal(RUN("measure", "a", "b", "--help", "c").status, 0);

    const outcome version = RUN("--version");
    assert_int_equal(version.status, 0);
    assert_int_equal(strncmp(version.out, "triad ", 6), 0);
}

static void failures(void **state)
{
    (void)state;
    const outcome broken = RUN("measure", "--json", "a", "-o", "broken");
    assert_int_equal(broken.status, 1);
    assert_string_equal(broken.out, "");
    assert_string_equal(broken.err, "triad: broken: byte 3 is wrong (write it again)\n");

    const int full = open("/dev/full", O_WRONLY);
    assert_true(full >= 0);
    static const char *const json[] = {"triad", "measure", "--json", "a", "-o", "f", NULL},
                             *const text[] = {"triad", "measure", "a", "-o", "f", NULL},
                             *const help_too[] = {"triad", "measure", "--help", NULL};
    const char *const *const cases[] = {json, text, help_too};
    for (size_t i = 0; i < 3; i++) {
        const outcome result = run_to(full, program(), (char *const *)cases[i]);
        assert_int_equal(result.status, 1);
        assert_string_equal(result.err, "triad: stdout: can't be written: No space left on device\n");
    }
    close(full);

    /* A reader that has gone ends the program as it ends any other, without a word. */
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    const outcome gone = run_to(ends[1], program(), (char *const *)json);
    close(ends[1]);
    assert_int_equal(gone.status, 128 + 13);
    assert_string_equal(gone.err, "");
}

/* An interrupt or a request to end ends it at once, and what was being written is not there. */
static void signals(void **state)
{
    (void)state;
    static const int ends[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < 2; i++) {
        char path[] = "/tmp/triad-hold-XXXXXX", partial[64];
        const int target = mkstemp(path);
        assert_true(target >= 0);
        assert_int_equal(write(target, "old", 3), 3);
        int out[2];
        assert_int_equal(pipe(out), 0);
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            dup2(out[1], 1);
            execl(program(), "triad", "hold", path, "--threads", "3", (char *)NULL);
            _exit(127);
        }
        close(out[1]);
        char word[16] = "";
        assert_int_equal(read(out[0], word, 8), 8);
        assert_string_equal(word, "holding\n");
        assert_int_equal(kill(child, ends[i]), 0);
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == ends[i]);
        close(out[0]);

        char text[8] = "";
        assert_int_equal(pread(target, text, sizeof text, 0), 3);
        assert_string_equal(text, "old");
        close(target);
        snprintf(partial, sizeof partial, "%s.partial", path);
        unlink(partial);
        unlink(path);
    }
}

/* The real program: its table of commands. */
static void real_program(void **state)
{
    (void)state;
    const char *path = getenv("TRIAD_BIN");
    assert_non_null(path);
    const outcome top = run_to(-1, path, (char *[]){"triad", "--help", NULL});
    assert_int_equal(top.status, 0);
    assert_has(top.out, "Usage: triad COMMAND");

    /* Every command that the help lists has a help of its own, knows the common options and refuses others in one line.
     */
    const char *at = strstr(top.out, "\nCommands:\n");
    assert_non_null(at);
    at += strlen("\nCommands:\n");
    for (; strncmp(at, "  ", 2) == 0; at = strchr(at, '\n') + 1) {
        char name[32];
        if (at[2] == ' ' || sscanf(at, "%31s", name) != 1) continue;
        const outcome one = run_to(-1, path, (char *[]){"triad", name, "--help", NULL});
        assert_int_equal(one.status, 0);
        assert_string_equal(one.err, "");
        assert_has(one.out, "--threads N");
        const outcome wrong = run_to(-1, path, (char *[]){"triad", name, "--no-such-option", NULL});
        assert_int_equal(wrong.status, 2);
        assert_string_equal(wrong.out, "");
        assert_ptr_equal(strchr(wrong.err, '\n'), wrong.err + strlen(wrong.err) - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands), cmocka_unit_test(options),      cmocka_unit_test(values),
        cmocka_unit_test(parsed),   cmocka_unit_test(help),         cmocka_unit_test(failures),
        cmocka_unit_test(signals),  cmocka_unit_test(real_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
