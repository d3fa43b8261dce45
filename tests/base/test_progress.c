#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/progress.h"
#include "base/progress_format.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void counts(void **state)
{
    (void)state;
    static const struct {
        double count;
        const char *text;
    } cases[] = {
        {0, "0"},         {0.25, "0.2"},   {5, "5"},           {1.5, "1.5"},      {950, "950"},      {9999, "9999"},
        {12345, "12.3k"}, {99999, "100k"}, {2900000, "2.90M"}, {999999, "1.00M"}, {7.89e9, "7.89G"}, {1e14, "100T"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        progress_count(text, sizeof text, cases[i].count);
        assert_string_equal(text, cases[i].text);
    }
}

static void times(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {
        {0, "0:00"},    {-3, "0:00"},      {7.4, "0:07"},     {59.6, "1:00"},
        {754, "12:34"}, {3723, "1:02:03"}, {1e7, "116 days"}, {1e300 * 1e300, "inf days"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        progress_time(text, sizeof text, cases[i].seconds);
        assert_string_equal(text, cases[i].text);
    }
}

static void lines(void **state)
{
    (void)state;
    char text[512];
    progress_figures f = {.label = "train agent 1",
                          .unit = "steps",
                          .note = "loss 0.21",
                          .total = 2900000,
                          .done = 1450000,
                          .rate = 1900,
                          .elapsed = 763};
    progress_bar(text, sizeof text, &f, 200);
    assert_string_equal(
        text, "train agent 1 [==========>         ]  50 %  1.45M/2.90M steps, 1900 steps/s, 12:43 left; loss 0.21");
    progress_bar(text, sizeof text, &f, 20);
    assert_string_equal(text, "train agent 1 [=====");
    progress_plain(text, sizeof text, &f, false);
    assert_string_equal(text, "train agent 1: 50 %, 1.45M/2.90M steps, 1900 steps/s, 12:43 left; loss 0.21");
    progress_plain(text, sizeof text, &f, true);
    assert_string_equal(text, "train agent 1: done, 1.45M steps in 12:43 (1900 steps/s); loss 0.21");
    f = (progress_figures){.label = "l\x1bté", .unit = "pairs", .done = 3};
    progress_plain(text, sizeof text, &f, false);
    assert_string_equal(text, "l té: 3 pairs");
    progress_bar(text, sizeof text, &f, 4);
    assert_string_equal(text, "l té"); /* columns are letters, not bytes */
    f = (progress_figures){.label = "x", .unit = "u", .total = 10, .done = 20, .rate = 1};
    progress_bar(text, sizeof text, &f, 100);
    assert_string_equal(text, "x [====================] 100 %  20/10 u, 1 u/s");
}

static void text_of(FILE *file, char *text, size_t size)
{
    fflush(file);
    rewind(file);
    text[fread(text, 1, size - 1, file)] = 0;
}

/* Off a terminal: a line at the begin and one at the end, however often is reported in between. */
static void sparse(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    triad_progress *progress = triad_progress_create(file, false);
    assert_non_null(progress);
    triad_progress_begin(progress, "embed", "layers", 100000);
    for (int i = 1; i <= 100000; i++) triad_progress_update(progress, i, "note");
    triad_progress_end(progress, "fine");
    triad_progress_end(progress, "twice");
    triad_progress_update(progress, 3, NULL);
    triad_progress_begin(progress, "left", "by an error", 0);
    triad_progress_free(progress);
    char text[1024];
    text_of(file, text, sizeof text);
    fclose(file);
    assert_int_equal(strncmp(text, "embed: 0 %, 0/100k layers\nembed: done, 100k layers in 0:0", 57), 0);
    char *rest = strstr(text, "fine\n");
    assert_non_null(rest);
    assert_string_equal(rest, "fine\nleft: 0 by an error\n");

    triad_progress_begin(NULL, "a", "b", 1);
    triad_progress_update(NULL, 1, NULL);
    triad_progress_end(NULL, NULL);
    triad_progress_free(NULL);
    assert_null(triad_progress_create(stderr, true));
}

/* Others while a task stands aside: no line of theirs, and the task goes on as if they had taken no time. */
static void asides(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    triad_progress *progress = triad_progress_create(file, false);
    assert_non_null(progress);
    triad_progress_begin(progress, "train", "steps", 10);
    triad_progress_update(progress, 5, NULL);
    triad_progress_aside(progress);
    for (int task = 0; task < 3; task++) {
        triad_progress_begin(progress, "evaluate", "episodes", 2);
        triad_progress_update(progress, 1, "GoTo");
        usleep(400000);
        triad_progress_end(progress, "done");
    }
    triad_progress_return(progress);
    triad_progress_update(progress, 10, NULL);
    triad_progress_end(progress, NULL);
    triad_progress_free(progress);
    char text[1024];
    text_of(file, text, sizeof text);
    fclose(file);
    const char *const begins = "train: 0 %, 0/10 steps\ntrain: done, 10 steps in 0:00";
    assert_int_equal(strncmp(text, begins, strlen(begins)), 0);
    assert_null(strstr(text, "evaluate"));
    triad_progress_aside(NULL);
    triad_progress_return(NULL);
}

/* A line between; a task that fails leaves no line that says it is done. */
static void said_and_left(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    triad_progress *progress = triad_progress_create(file, false);
    assert_non_null(progress);
    triad_progress_say(progress, "first");
    triad_progress_begin(progress, "align", "steps", 10);
    triad_progress_say(progress, "align: nulls: about 0:20");
    triad_progress_update(progress, 5, NULL);
    triad_progress_leave(progress);
    triad_progress_end(progress, NULL);
    triad_progress_free(progress);
    char text[1024];
    text_of(file, text, sizeof text);
    fclose(file);
    assert_string_equal(text, "first\nalign: 0 %, 0/10 steps\nalign: nulls: about 0:20\n");
    triad_progress_say(NULL, "nothing");
    triad_progress_leave(NULL);
}

/* Tasks that are parts of another: its bar goes on, and their ends, failures among them, are not its own. */
static void parts(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    triad_progress *progress = triad_progress_create(file, false);
    assert_non_null(progress);
    triad_progress_begin(progress, "multiverse", "parts", 8);
    for (int part = 0; part < 2; part++) {
        triad_progress_part(progress, part ? 2 : 6);
        triad_progress_begin(progress, "align", "steps", 100);
        triad_progress_update(progress, 50, "note");
        triad_progress_end(progress, NULL);
    }
    triad_progress_end(progress, NULL);
    triad_progress_begin(progress, "multiverse", "parts", 8);
    triad_progress_part(progress, 4);
    triad_progress_begin(progress, "align", "steps", 0);
    triad_progress_leave(progress);
    triad_progress_leave(progress);
    triad_progress_free(progress);
    triad_progress_part(NULL, 1);
    char text[1024];
    text_of(file, text, sizeof text);
    fclose(file);
    static const char *const lines[] = {"multiverse: 0 %, 0/8 parts\nmultiverse: done, 8 parts in 0:00",
                                        "\nmultiverse: 0 %, 0/8 parts\n"};
    assert_int_equal(strncmp(text, lines[0], strlen(lines[0])), 0);
    assert_string_equal(strrchr(text, 'm') ? text + strlen(text) - strlen(lines[1]) : "", lines[1]);
    assert_null(strstr(text, "align"));
}

/* On a terminal: a bar that is drawn over, and limited in rate. */
static void terminal(void **state)
{
    (void)state;
    const int master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    FILE *file = fopen(ptsname(master), "w");
    assert_non_null(file);
    setenv("TERM", "xterm", 1);
    triad_progress *progress = triad_progress_create(file, false);
    triad_progress_begin(progress, "align", "pairs", 200000);
    for (int i = 1; i <= 200000; i++) triad_progress_update(progress, i, NULL);
    triad_progress_end(progress, NULL);
    triad_progress_free(progress);
    char text[65536];
    size_t size = 0;
    /* The terminal hands it over in pieces, in its own time. */
    while (size < sizeof text - 1) {
        struct pollfd ready = {.fd = master, .events = POLLIN};
        if (poll(&ready, 1, 5000) != 1) break;
        const ssize_t n = read(master, text + size, sizeof text - 1 - size);
        if (n <= 0) break;
        size += (size_t)n;
        text[size] = 0;
        if (strstr(text, "done") != NULL && text[size - 1] == '\n') break;
    }
    assert_true(size > 0);
    assert_int_equal(strncmp(text, "\ralign [>                   ]   0 %  0/200k pairs\033[K", 47), 0);
    assert_non_null(strstr(text, "\ralign: done, 200k pairs in 0:0"));
    size_t drawn = 0;
    for (const char *c = text; *c; c++) drawn += *c == '\r';
    assert_true(drawn < 60);
    fclose(file);
    close(master);
}

static void clock_goes_forward(void **state)
{
    (void)state;
    const double before = triad_now();
    usleep(2000);
    assert_true(triad_now() >= before + 0.002);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts), cmocka_unit_test(times),    cmocka_unit_test(lines),
        cmocka_unit_test(sparse), cmocka_unit_test(asides),   cmocka_unit_test(said_and_left),
        cmocka_unit_test(parts),  cmocka_unit_test(terminal), cmocka_unit_test(clock_goes_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
