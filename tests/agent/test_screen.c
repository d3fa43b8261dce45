/* What `triad play` shows: screens as golden text (tests/data/babyai/screens.txt; TRIAD_RECORD=1 writes them anew, then
 * look at them), and the program itself in a pseudo-terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/game.h"
#include "base/file.h"
#include "base/text.h"
#include "folder.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

enum { ROWS_MOST = 60, COLUMNS_MOST = 140, PATIENCE = 20 /* seconds */ };

/* The caller frees. */
static char *shown(const game *g, int rows, int columns)
{
    screen s = {rows, columns, calloc((size_t)(rows * columns) + 1, sizeof(screen_cell))};
    char *text = malloc((size_t)rows * ((size_t)columns + 1) + 1);
    assert_true(s.cell && text);
    game_draw(g, &s);
    for (int i = 0; i < rows * columns; i++) assert_true(s.cell[i].symbol >= ' ' && s.cell[i].symbol <= '~');
    babyai_screen_text(&s, text);
    free(s.cell);
    return text;
}

static game *start(const char *level, uint64_t seed, agent_player *watched)
{
    game *g;
    assert_int_equal(game_open(&g, babyai_level_find(level), seed, watched, NULL), TRIAD_OK);
    return g;
}

static game_key key_named(char letter)
{
    static const char letters[] = "<>^pdtx"; /* left right forward pick-up drop toggle done */
    const char *at = strchr(letters, letter);
    if (at) return (game_key)(at - letters);
    switch (letter) {
    case 'n':
        return GAME_NEXT;
    case 'r':
        return GAME_AGAIN;
    case 'e':
        return GAME_ADVICE;
    case ' ':
        return GAME_PAUSE;
    case '.':
        return GAME_STEP;
    case '+':
        return GAME_FASTER;
    case '-':
        return GAME_SLOWER;
    default:
        return GAME_NO_KEY;
    }
}

static void press(game *g, const char *keys)
{
    for (; *keys; keys++) assert_int_equal(game_press(g, key_named(*keys), NULL), TRIAD_OK);
}

/* ---- golden screens */

static void screens_are_as_recorded(void **state)
{
    (void)state;
    static const struct {
        const char *what, *level;
        uint64_t seed;
        bool watched;
        const char *keys;
        int rows, columns;
    } cases[] = {
        {"an episode begins", "GoToLocal", 7, false, "", 24, 80},
        {"the expert's advice; turned and gone", "GoToLocal", 7, false, "e>^", 24, 80},
        {"solved by the expert", "GoToLocal", 7, true, "................", 24, 80},
        {"the largest grid", "BossLevel", 3, false, "", 24, 80},
        {"the largest grid, watched", "BossLevel", 3, true, "....................................+", 30, 110},
        {"short: the legend, then the view give way", "BossLevel", 3, false, "", 16, 80},
        {"narrow: the grid is cut around the agent", "BossLevel", 3, false, "<^", 24, 60},
        {"below the words", "BossLevel", 3, false, "<^", 20, 40},
        {"hardly anything", "PutNextLocal", 1, false, "", 6, 20},
        {"too small", "PutNextLocal", 1, false, "", 5, 30},
        {"something carried", "UnlockPickup", 4, true, ".........", 24, 80},
        {"through the door", "UnlockPickup", 4, true, "............", 24, 80},
        {"the expert gives up", "KeyInBox", 0, true, "........", 24, 80},
        {"carried from the beginning", "PutNextS5N2Carrying", 0, false, "", 24, 80},
        {"a long corridor", "UnlockToUnlock", 2, false, "", 24, 80},
        {"out of steps", "GoToObjS4", 0, false, "xxxxxxxxxxxxxxxxxx", 24, 80},
        {"four clauses", "BossLevel", 22, false, "", 24, 80},
    };
    triad_text all = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        agent_player expert;
        assert_int_equal(player_open(&expert, NULL, NULL), TRIAD_OK);
        game *g = start(cases[i].level, cases[i].seed, cases[i].watched ? &expert : NULL);
        press(g, cases[i].keys);
        char *text = shown(g, cases[i].rows, cases[i].columns);
        triad_text_addf(&all, "==== %s: %s, seed %llu%s, keys '%s', %d x %d\n%s", cases[i].what, cases[i].level,
                        (unsigned long long)cases[i].seed, cases[i].watched ? ", watched" : "", cases[i].keys,
                        cases[i].columns, cases[i].rows, text);
        free(text);
        game_close(g);
        player_close(&expert);
    }
    assert_false(all.failed);
    const char *path = "babyai/screens.txt";
    if (getenv("TRIAD_RECORD")) assert_int_equal(triad_write_whole(path, all.bytes, all.size, NULL), TRIAD_OK);
    char *recorded;
    size_t size;
    assert_int_equal(triad_read_whole(&recorded, &size, path, 1 << 20, NULL), TRIAD_OK);
    assert_string_equal(all.bytes, recorded);
    free(recorded);
    triad_text_free(&all);
}

/* Every level at many sizes: no write beyond the screen (the sanitizers look), and at full size the mission and the
 * agent are there. */
static void every_level_fits_any_window(void **state)
{
    (void)state;
    for (size_t l = 0; l < babyai_level_count(); l++) {
        game *g = start(babyai_level_name(babyai_level_at(l)), 5, NULL);
        for (int rows = 0; rows <= ROWS_MOST; rows += 7)
            for (int columns = 0; columns <= COLUMNS_MOST; columns += 13) free(shown(g, rows, columns));
        char *text = shown(g, 24, 80);
        assert_true(strpbrk(text, "<>^") || strchr(text, 'v'));
        assert_non_null(strstr(text, "step 0 of "));
        assert_non_null(strstr(text, "q quit"));
        free(text);
        game_close(g);
    }
}

/* ---- the game */

static void keys_do_what_they_say(void **state)
{
    (void)state;
    game *g = start("GoToLocal", 7, NULL);
    assert_int_equal(game_wait(g), -1);
    press(g, "?. +-"); /* nothing to watch */
    assert_int_equal(game_so_far(g).steps, 0);
    press(g, "<");
    assert_int_equal(game_so_far(g).steps, 1);
    press(g, "r");
    assert_int_equal(game_so_far(g).steps, 0);
    assert_true(game_so_far(g).seed == 7);
    press(g, "n");
    assert_true(game_so_far(g).seed == 8);
    game_close(g);
    /* Played to its end by the expert's advice: the same as the expert. */
    agent_player expert;
    assert_int_equal(player_open(&expert, NULL, NULL), TRIAD_OK);
    g = start("GoToLocal", 7, &expert);
    const int first = game_wait(g);
    assert_true(first > 0);
    press(g, "+");
    assert_true(game_wait(g) < first);
    press(g, "--");
    assert_true(game_wait(g) > first);
    press(g, "++++++++++++----------------+++");
    assert_int_equal(game_wait(g), first);
    press(g, " ");
    assert_int_equal(game_wait(g), -1);
    press(g, "^<p"); /* the user does not act here */
    assert_int_equal(game_so_far(g).steps, 0);
    press(g, " ");
    for (int i = 0; i < 100 && game_wait(g) >= 0; i++) game_tick(g);
    const game_result r = game_so_far(g);
    assert_string_equal(r.outcome, "solved");
    assert_true(r.episodes == 1 && r.solved == 1 && r.reward > 0.5 && r.steps > 0);
    game_tick(g); /* it is over */
    assert_int_equal(game_so_far(g).steps, r.steps);
    game_close(g);
    g = start("KeyInBox", 0, &expert);
    for (int i = 0; i < 500 && game_wait(g) >= 0; i++) game_tick(g);
    assert_string_equal(game_so_far(g).outcome, "the expert gave up");
    assert_true(game_so_far(g).episodes == 1 && game_so_far(g).solved == 0);
    game_close(g);
    player_close(&expert);
    /* A seed of which the reference never makes an episode: said, and passed over by the next key. */
    g = start("SynthS5R2", 1741, NULL);
    char *text = shown(g, 24, 80);
    assert_non_null(strstr(text, "no episode"));
    free(text);
    press(g, "<^n");
    assert_string_equal(game_so_far(g).outcome, "under way");
    assert_int_equal(game_so_far(g).steps, 0);
    game_close(g);
}

static void a_failed_instruction_ends_the_game(void **state)
{
    (void)state;
    agent_player expert;
    assert_int_equal(player_open(&expert, NULL, NULL), TRIAD_OK);
    for (uint64_t seed = 0; seed < 20; seed++) {
        game *g = start("OpenDoorsOrderN2Debug", seed, &expert);
        for (int i = 0; i < 1000 && game_wait(g) >= 0; i++) game_tick(g);
        const game_result r = game_so_far(g);
        if (strstr(r.mission, "after") || strstr(r.mission, "then")) assert_string_equal(r.outcome, "failed");
        game_close(g);
    }
    player_close(&expert);
}

/* ---- the program in a terminal: a VT52, whose language is small enough to be understood here */

typedef struct vt52 {
    int rows, columns, row, column, escape; /* escape: characters of a sequence that are still to come */
    char kind;
    char at[ROWS_MOST][COLUMNS_MOST];
} vt52;

static void vt52_clear(vt52 *v, int row, int column, bool below)
{
    memset(&v->at[row][column], ' ', (size_t)(v->columns - column));
    for (int r = row + 1; below && r < v->rows; r++) memset(v->at[r], ' ', (size_t)v->columns);
}

static void vt52_feed(vt52 *v, unsigned char c)
{
    if (v->escape == 3) { /* ESC Y row column */
        v->row = c - 32;
        v->escape = 4;
    } else if (v->escape == 4) {
        v->column = c - 32;
        v->escape = 0;
    } else if (v->escape == 1) {
        v->escape = c == 'Y' ? 3 : 0;
        if (c == 'A' && v->row > 0) v->row--;
        if (c == 'B' && v->row < v->rows - 1) v->row++;
        if (c == 'C' && v->column < v->columns - 1) v->column++;
        if (c == 'D' && v->column > 0) v->column--;
        if (c == 'H') v->row = v->column = 0;
        if (c == 'J') vt52_clear(v, v->row, v->column, true);
        if (c == 'K') vt52_clear(v, v->row, v->column, false);
    } else if (c == 27) {
        v->escape = 1;
    } else if (c == '\r') {
        v->column = 0;
    } else if (c == '\n') {
        if (v->row == v->rows - 1) {
            memmove(v->at[0], v->at[1], sizeof v->at[0] * (ROWS_MOST - 1));
            memset(v->at[v->rows - 1], ' ', (size_t)v->columns);
        } else {
            v->row++;
        }
    } else if (c == '\b') {
        if (v->column > 0) v->column--;
    } else if (c == '\t') {
        v->column = v->column / 8 * 8 + 8 < v->columns ? v->column / 8 * 8 + 8 : v->columns - 1;
    } else if (c >= ' ') {
        assert_true(v->row >= 0 && v->row < v->rows && v->column >= 0 && v->column < v->columns);
        v->at[v->row][v->column] = (char)c;
        if (v->column < v->columns - 1) v->column++;
    }
}

static void vt52_text(const vt52 *v, char *text)
{
    for (int r = 0; r < v->rows; r++) {
        int end = v->columns;
        while (end > 0 && v->at[r][end - 1] == ' ') end--;
        memcpy(text, v->at[r], (size_t)end);
        text += end;
        *text++ = '\n';
    }
    *text = 0;
}

typedef struct session {
    int fd;
    pid_t pid;
    vt52 seen;
    struct termios before;
} session;

static void open_session(session *s, const char *type, int rows, int columns, char *const *arguments)
{
    const struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    int other;
    memset(&s->seen, ' ', sizeof s->seen);
    s->seen.rows = rows;
    s->seen.columns = columns;
    s->seen.row = s->seen.column = s->seen.escape = 0;
    assert_int_equal(openpty(&s->fd, &other, NULL, NULL, &size), 0);
    assert_int_equal(tcgetattr(other, &s->before), 0);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        close(s->fd);
        if (login_tty(other) != 0) _exit(99);
        setenv("TERM", type, 1);
        unsetenv("LINES");
        unsetenv("COLUMNS");
        unsetenv("NO_COLOR");
        execv(getenv("TRIAD_BIN"), arguments);
        _exit(98);
    }
    close(other);
}

static void resize_session(session *s, int rows, int columns)
{
    const struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    s->seen.rows = rows;
    s->seen.columns = columns;
    assert_int_equal(ioctl(s->fd, TIOCSWINSZ, &size), 0);
}

static void type(const session *s, const char *keys)
{
    assert_int_equal(write(s->fd, keys, strlen(keys)), strlen(keys));
}

/* Reads what comes within a moment; false: the program has gone. */
static bool listen(session *s, char *text, size_t size)
{
    struct pollfd wait = {.fd = s->fd, .events = POLLIN};
    if (poll(&wait, 1, 50) <= 0) return true;
    unsigned char bytes[4096];
    const ssize_t got = read(s->fd, bytes, sizeof bytes);
    for (ssize_t i = 0; i < got; i++) {
        if (text) {
            const size_t have = strlen(text);
            if (have + 2 < size) {
                text[have] = bytes[i] ? (char)bytes[i] : '?';
                text[have + 1] = 0;
            }
        } else {
            vt52_feed(&s->seen, bytes[i]);
        }
    }
    return got > 0;
}

/* Until the terminal shows exactly the game's screen. */
static void wait_for(session *s, const game *g)
{
    char text[ROWS_MOST * (COLUMNS_MOST + 1) + 1];
    char *want = shown(g, s->seen.rows, s->seen.columns);
    const time_t end = time(NULL) + PATIENCE;
    do {
        vt52_text(&s->seen, text);
        if (strcmp(text, want) == 0) break;
        if (!listen(s, NULL, 0)) fail_msg("the program has gone; it showed\n%s", text);
    } while (time(NULL) < end);
    assert_string_equal(text, want);
    free(want);
}

/* The exit status; what was said meanwhile goes to text. */
static int finish(session *s, char *text, size_t size)
{
    text[0] = 0;
    const time_t end = time(NULL) + PATIENCE;
    int status = 0;
    while (listen(s, text, size) && time(NULL) < end) continue;
    while (waitpid(s->pid, &status, WNOHANG) == 0) {
        if (time(NULL) >= end) kill(s->pid, SIGKILL);
        usleep(10000);
    }
    close(s->fd);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_terminal_shows_it(void **state)
{
    (void)state;
    session s;
    char text[8192];
    char *const arguments[] = {(char[]){"triad"},  (char[]){"play"}, (char[]){"GoToLocal"},
                               (char[]){"--seed"}, (char[]){"7"},    NULL};
    game *g = start("GoToLocal", 7, NULL);
    open_session(&s, "vt52", 24, 80, arguments);
    wait_for(&s, g);
    type(&s, "lk");
    press(g, ">^");
    wait_for(&s, g);
    type(&s, "e");
    press(g, "e");
    wait_for(&s, g);
    type(&s, "\033D\033A\033C"); /* a VT52's arrows: left, up, right */
    press(g, "<^>");
    wait_for(&s, g);
    resize_session(&s, 20, 60);
    wait_for(&s, g);
    resize_session(&s, 12, 34);
    wait_for(&s, g);
    resize_session(&s, 30, 100);
    type(&s, "n?~");
    press(g, "n");
    wait_for(&s, g);
    type(&s, "q");
    assert_int_equal(finish(&s, text, sizeof text), 0);
    assert_non_null(strstr(text, "GoToLocal, seed 8: under way after 0 steps; 0 of 0 episodes solved"));
    game_close(g);
}

static void the_expert_is_watched(void **state)
{
    (void)state;
    session s;
    char text[8192];
    char *const arguments[] = {(char[]){"triad"},
                               (char[]){"play"},
                               (char[]){"PutNextLocal"},
                               (char[]){"--bot"},
                               (char[]){"--seed"},
                               (char[]){"1"},
                               NULL};
    agent_player expert;
    assert_int_equal(player_open(&expert, NULL, NULL), TRIAD_OK);
    game *g = start("PutNextLocal", 1, &expert);
    open_session(&s, "vt52", 24, 80, arguments);
    type(&s, "++++++++"); /* at full speed */
    press(g, "++++++++");
    while (game_wait(g) >= 0) game_tick(g);
    wait_for(&s, g);
    type(&s, "r ..");
    press(g, "r ..");
    wait_for(&s, g);
    type(&s, "q");
    assert_int_equal(finish(&s, text, sizeof text), 0);
    assert_non_null(strstr(text, "; 1 of 1 episodes solved"));
    game_close(g);
    player_close(&expert);
}

static void an_agent_is_watched(void **state)
{
    (void)state;
    session s;
    char text[8192], path[300], command[600];
    snprintf(path, sizeof path, "%s/agent", folder);
    snprintf(command, sizeof command, "%s train --levels GoToLocal -o %s --steps 300 --quiet", getenv("TRIAD_BIN"),
             path);
    assert_int_equal(system(command), 0);
    char *const arguments[] = {
        (char[]){"triad"}, (char[]){"play"}, (char[]){"GoToLocal"}, (char[]){"--agent"}, path, NULL};
    agent_player agent;
    assert_int_equal(player_open(&agent, path, NULL), TRIAD_OK);
    game *g = start("GoToLocal", 0, &agent);
    open_session(&s, "vt52", 24, 80, arguments);
    type(&s, " r...."); /* begun anew: the clock may have made a step already */
    press(g, " r....");
    wait_for(&s, g);
    type(&s, "nq");
    assert_int_equal(finish(&s, text, sizeof text), 0);
    game_close(g);
    player_close(&agent);
}

/* Terminals of other kinds, and that they are left as they were found. */
static void terminals_are_left_as_they_were(void **state)
{
    (void)state;
    const char *const types[] = {"vt100", "xterm-256color", "screen", "linux", "ansi"};
    char *const arguments[] = {(char[]){"triad"}, (char[]){"play"}, (char[]){"BossLevel"}, (char[]){"--bot"}, NULL};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        session s;
        char text[1 << 15] = "";
        open_session(&s, types[i], 24, 80, arguments);
        const time_t end = time(NULL) + PATIENCE;
        while (!strstr(text, "quit") && time(NULL) < end)
            if (!listen(&s, text, sizeof text)) break;
        if (!strstr(text, "quit")) fail_msg("TERM=%s: %s", types[i], text);
        struct termios during, after;
        assert_int_equal(tcgetattr(s.fd, &during), 0);
        assert_true((during.c_lflag & ECHO) == 0);
        type(&s, "q");
        while (strstr(text, "solved\r\n") == NULL && time(NULL) < end)
            if (!listen(&s, text, sizeof text)) break;
        const bool known = tcgetattr(s.fd, &after) == 0;
        assert_int_equal(finish(&s, text, sizeof text), 0);
        if (known) assert_true(after.c_lflag == s.before.c_lflag && after.c_iflag == s.before.c_iflag);
    }
}

static void what_it_refuses(void **state)
{
    (void)state;
    char command[700], text[2000];
    const struct {
        const char *arguments, *says;
        int status;
    } cases[] = {
        {"play GoToLocal </dev/null", "triad: play: stdin is not a terminal (triad render makes pictures)\n", 1},
        {"play GoToLocal --bot --json </dev/null",
         "triad: play: stdin is not a terminal (triad render makes pictures)\n", 1},
        {"play", NULL, 2},
        {"play GoToLocl", "triad: play: GoToLocl: no such level (did you mean GoToLocal?)\n", 2},
        {"play GoToLocal PickupLoc", NULL, 2},
        {"play GoToLocal --bot --agent x", "triad: play: --bot and --agent exclude each other (who acts?)\n", 2},
        {"play GoToLocal --seed x", NULL, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(command, sizeof command, "%s %s 2>&1", getenv("TRIAD_BIN"), cases[i].arguments);
        FILE *pipe = popen(command, "r");
        assert_non_null(pipe);
        text[fread(text, 1, sizeof text - 1, pipe)] = 0;
        assert_int_equal(WEXITSTATUS(pclose(pipe)), cases[i].status);
        if (cases[i].says) assert_string_equal(text, cases[i].says);
        const char *line = strchr(text, '\n');
        assert_true(line && line[1] == 0);
    }
    /* A terminal on which nothing can be put in its place, and an agent that is not there. */
    session s;
    char *const arguments[] = {(char[]){"triad"}, (char[]){"play"}, (char[]){"GoToLocal"}, NULL};
    open_session(&s, "dumb", 24, 80, arguments);
    assert_int_equal(finish(&s, text, sizeof text), 1);
    assert_non_null(strstr(text, "triad: play: TERM=dumb is unknown here or can't move its cursor (try TERM=vt100)"));
    open_session(&s, "no-such-terminal", 24, 80, arguments);
    assert_int_equal(finish(&s, text, sizeof text), 1);
    assert_non_null(strstr(text, "try TERM=vt100"));
    char *const absent[] = {(char[]){"triad"},   (char[]){"play"},           (char[]){"GoToLocal"},
                            (char[]){"--agent"}, (char[]){"/no-such-agent"}, NULL};
    open_session(&s, "vt52", 24, 80, absent);
    assert_int_equal(finish(&s, text, sizeof text), 1);
    assert_non_null(strstr(text, "triad: /no-such-agent: no such file\r\n"));
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(screens_are_as_recorded), cmocka_unit_test(every_level_fits_any_window),
        cmocka_unit_test(keys_do_what_they_say),   cmocka_unit_test(a_failed_instruction_ends_the_game),
        cmocka_unit_test(a_terminal_shows_it),     cmocka_unit_test(the_expert_is_watched),
        cmocka_unit_test(an_agent_is_watched),     cmocka_unit_test(terminals_are_left_as_they_were),
        cmocka_unit_test(what_it_refuses),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
