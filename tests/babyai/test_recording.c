/* `triad demos` under the weather: killed half-way, no room for the file, levels misspelt. */
#include "folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char target[64], temporary[64], messages[64];

static int make_names(void **state)
{
    if (make_folder(state) != 0) return -1;
    snprintf(target, sizeof target, "%s/demos", folder);
    snprintf(temporary, sizeof temporary, "%s/demos.partial", folder);
    snprintf(messages, sizeof messages, "%s/messages", folder);
    return 0;
}

/* Starts `triad demos …` with the rest of the arguments (up to NULL); what it says goes to `messages`. limit: bytes
 * that a file may have, 0 for no limit. */
static pid_t start(rlim_t limit, const char *const *more)
{
    const char *arguments[16] = {"triad", "demos", "-o", target, "--threads", "2"};
    size_t count = 6;
    while (*more) arguments[count++] = *more++;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0) return child;
    const int out = open(messages, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    if (limit > 0) setrlimit(RLIMIT_FSIZE, &(struct rlimit){limit, limit});
    execv(getenv("TRIAD_BIN"), (char *const *)arguments);
    _exit(99);
}

static int status_of(pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0) assert_int_equal(errno, EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static const char *said(void)
{
    static char text[4096];
    FILE *file = fopen(messages, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return text;
}

static void assert_one_line(const char *text, const char *piece)
{
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    if (!strstr(text, piece)) fail_msg("no '%s' in: %s", piece, text);
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* An old file stays what it was, whenever the new one's writer dies. */
static void killed(void **state)
{
    (void)state;
    const int ends[] = {SIGKILL, SIGTERM, SIGINT};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        put(target, "old");
        unlink(temporary);
        const pid_t child = start(0, (const char *const[]){"--levels", "GoToLocal", "-n", "30000", "--quiet", NULL});
        struct stat written = {0};
        int status = 0;
        /* Until it has begun to write. */
        while (waitpid(child, &status, WNOHANG) == 0 && !(stat(temporary, &written) == 0 && written.st_size > 0))
            nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
        kill(child, ends[i]);
        const int end = status_of(child);
        assert_true(end == 1000 + ends[i]);
        char text[8] = "";
        FILE *file = fopen(target, "r");
        assert_non_null(file);
        assert_int_equal(fread(text, 1, sizeof text - 1, file), 3);
        fclose(file);
        assert_string_equal(text, "old");
    }
}

/* Neither the first pass nor the second leaves anything, and the reason is one line. */
static void no_room(void **state)
{
    (void)state;
    unlink(target);
    unlink(temporary);
    const char *const asked[] = {"--levels", "GoToLocal,OpenDoor", "-n", "2000", "--quiet", NULL};
    const rlim_t limits[] = {4096, 100000, 1000000};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        assert_int_equal(status_of(start(limits[i], asked)), 1);
        assert_one_line(said(), "demos: ");
        assert_one_line(said(), "File too large");
        assert_int_equal(access(target, F_OK), -1);
        assert_int_equal(access(temporary, F_OK), -1);
    }
    assert_int_equal(status_of(start(0, asked)), 0);
    assert_int_equal(access(target, F_OK), 0);
}

static void wrong_usage(void **state)
{
    (void)state;
    const struct {
        const char *levels, *number, *seed, *says;
        int status;
    } cases[] = {
        {"GoToLokal", "3", "0", "GoToLokal: no such level (did you mean GoToLocal?)", 2},
        {"BabyAI-GoToLocal-v1", "3", "0", "did you mean BabyAI-GoToLocal-v0?", 2},
        {"BabyAI-BosLevel-v0", "3", "0", "did you mean BabyAI-BossLevel-v0?", 2},
        {"GoToLocal,BabyAI-GoToLocal-v0", "3", "0", "named twice", 2},
        {"Xyzzy", "3", "0", "Xyzzy: no such level (triad levels lists them)", 2},
        {"GoToLocal", "0", "0", "'0' is out of range", 2},
        {"GoToLocal", "-5", "0", "'-5' is out of range", 2},
        {"GoToLocal", "3", "-1", "'-1' is not a seed", 2},
        {"GoToLocal", "3", "999999998", "seeds beyond 1000000000", 1},
        {"GoToLocal", "3", "18446744073709551615", "seeds", 1},
        {"KeyInBox", "3", "0", "the expert solves 0 of", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const more[] = {"--levels", cases[i].levels, "-n",      cases[i].number,
                                    "--seed",   cases[i].seed,   "--quiet", NULL};
        assert_int_equal(status_of(start(0, more)), cases[i].status);
        assert_one_line(said(), cases[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(killed), cmocka_unit_test(no_room),
                                       cmocka_unit_test(wrong_usage)};
    return cmocka_run_group_tests(tests, make_names, remove_folder);
}
