#include "agent/game.h"
#include "cli/commands.h"
#include "cli/pick_levels.h"
#include "cli/pick_player.h"

#include <curses.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {                   /* milliseconds */
       ESCAPE_WAIT = 25, /* for what follows an Escape, as arrow keys over a network send it */
       IDLE_WAIT = 200 /* a change of the window's size that comes just before curses begins to wait is seen after it */
};

/* ---- the terminal */

typedef struct terminal {
    SCREEN *screen; /* of curses */
    bool coloured;
    screen drawn;
} terminal;

static triad_status terminal_open(terminal *t, FILE *out, triad_error *err)
{
    const char *name = getenv("TERM");
    if (!name || !*name)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "play: TERM is not set (it names the kind of terminal)");
    t->screen = newterm(name, out, stdin);
    const char *moves = t->screen ? tigetstr("cup") : NULL;
    if (!moves || moves == (char *)-1)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                          "play: TERM=%.60s is unknown here or can't move its cursor (try TERM=vt100)", name);
    set_term(t->screen);
    cbreak();
    noecho();
    nonl();
    keypad(stdscr, true);
    set_escdelay(ESCAPE_WAIT);
    curs_set(0);
    t->coloured = has_colors() && !getenv("NO_COLOR") && start_color() == OK;
    if (!t->coloured) return TRIAD_OK;
    use_default_colors();
    static const short colours[COLOUR_COUNT] = {COLOR_RED,     COLOR_GREEN,  COLOR_BLUE,
                                                COLOR_MAGENTA, COLOR_YELLOW, COLOR_WHITE};
    for (short i = 0; i < COLOUR_COUNT; i++) init_pair((short)(i + 1), colours[i], -1);
    return TRIAD_OK;
}

static void terminal_close(terminal *t)
{
    if (t->screen) {
        endwin();
        delscreen(t->screen);
    }
    free(t->drawn.cell);
}

/* Draws the game at the window's present size; false when memory is out. */
static bool terminal_draw(terminal *t, const game *g)
{
    screen *s = &t->drawn;
    int rows, columns;
    getmaxyx(stdscr, rows, columns);
    if (rows != s->rows || columns != s->columns || !s->cell) {
        free(s->cell);
        s->cell = calloc((size_t)rows * (size_t)columns + 1, sizeof *s->cell);
        if (!s->cell) return false;
        s->rows = rows;
        s->columns = columns;
    }
    game_draw(g, s);
    erase();
    for (int row = 0; row < rows; row++)
        for (int column = 0; column < columns; column++) {
            const screen_cell cell = s->cell[row * columns + column];
            if (cell.symbol == ' ') continue;
            const int colour = cell.ink & INK_COLOUR;
            chtype look = (chtype)cell.symbol;
            if (t->coloured && colour < COLOUR_COUNT) look |= COLOR_PAIR(colour + 1);
            if (cell.ink & INK_BOLD) look |= A_BOLD;
            if (cell.ink & INK_DIM) look |= A_DIM;
            if (cell.ink & INK_REVERSE) look |= A_REVERSE;
            mvaddch(row, column, look);
        }
    refresh();
    return true;
}

/* ---- keys */

enum { KEY_QUIT = GAME_NO_KEY + 1 };

static int key_of(int character, bool watching)
{
    static const struct {
        int character, playing, watching;
    } keys[] = {
        {KEY_LEFT, BABYAI_LEFT, GAME_NO_KEY},
        {'h', BABYAI_LEFT, GAME_NO_KEY},
        {KEY_RIGHT, BABYAI_RIGHT, GAME_STEP},
        {'l', BABYAI_RIGHT, GAME_STEP},
        {KEY_UP, BABYAI_FORWARD, GAME_FASTER},
        {'k', BABYAI_FORWARD, GAME_FASTER},
        {KEY_DOWN, GAME_NO_KEY, GAME_SLOWER},
        {'p', BABYAI_PICKUP, GAME_PAUSE},
        {'d', BABYAI_DROP, GAME_NO_KEY},
        {'t', BABYAI_TOGGLE, GAME_NO_KEY},
        {' ', BABYAI_TOGGLE, GAME_PAUSE},
        {'\r', BABYAI_DONE, GAME_STEP},
        {'\n', BABYAI_DONE, GAME_STEP},
        {KEY_ENTER, BABYAI_DONE, GAME_STEP},
        {'.', GAME_NO_KEY, GAME_STEP},
        {'+', GAME_NO_KEY, GAME_FASTER},
        {'=', GAME_NO_KEY, GAME_FASTER},
        {'-', GAME_NO_KEY, GAME_SLOWER},
        {'e', GAME_ADVICE, GAME_NO_KEY},
        {'n', GAME_NEXT, GAME_NEXT},
        {'r', GAME_AGAIN, GAME_AGAIN},
        {'q', KEY_QUIT, KEY_QUIT},
        {'Q', KEY_QUIT, KEY_QUIT},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].character == character) return watching ? keys[i].watching : keys[i].playing;
    return GAME_NO_KEY;
}

static bool has_gone(void)
{
    struct pollfd keyboard = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&keyboard, 1, 0) > 0 && (keyboard.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

/* Until the user quits, or the terminal goes away. */
static triad_status show(terminal *t, game *g, bool watching, triad_error *err)
{
    for (;;) {
        if (!terminal_draw(t, g)) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "play: no memory for the window");
        const int wait = game_wait(g);
        timeout(wait >= 0 ? wait : IDLE_WAIT);
        const int character = getch();
        if (character == ERR) {
            if (has_gone()) return triad_fail(err, TRIAD_ERR_IO, -1, "play: the terminal has gone");
            game_tick(g);
            continue;
        }
        const int key = key_of(character, watching);
        if (key == KEY_QUIT) return TRIAD_OK;
        const triad_status status = game_press(g, (game_key)key, err);
        if (status != TRIAD_OK) return status;
    }
}

/* ---- the command */

static int print_result(const cli_context *context, const babyai_level *level, const game *g)
{
    const game_result r = game_so_far(g);
    if (context->json) {
        json_object *root = json_object_new_object();
        json_object_object_add(root, "level", json_object_new_string(babyai_level_name(level)));
        json_object_object_add(root, "seed", json_object_new_uint64(r.seed));
        json_object_object_add(root, "mission", json_object_new_string(r.mission));
        json_object_object_add(root, "outcome", json_object_new_string(r.outcome));
        json_object_object_add(root, "steps", json_object_new_int(r.steps));
        json_object_object_add(root, "reward", json_new_real(r.reward));
        json_object_object_add(root, "episodes", json_object_new_int64((int64_t)r.episodes));
        json_object_object_add(root, "solved", json_object_new_int64((int64_t)r.solved));
        return cli_print_json(root);
    }
    if (!context->quiet)
        printf("%s, seed %llu: %s after %d steps; %zu of %zu episodes solved\n", babyai_level_name(level),
               (unsigned long long)r.seed, r.outcome, r.steps, r.solved, r.episodes);
    return CLI_DONE;
}

static int play(cli_context *context, const babyai_level *level, bool watching, const char *agent_path)
{
    triad_error *err = &context->error;
    agent_player player = {0};
    game *g = NULL;
    terminal t = {0};
    /* With --json the document has stdout for itself. */
    FILE *out = context->json ? stderr : stdout;
    triad_status status = TRIAD_OK;
    if (!isatty(STDIN_FILENO) || !isatty(fileno(out)))
        status = triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "play: %s is not a terminal (triad render makes pictures)",
                            !isatty(STDIN_FILENO) ? "stdin"
                            : context->json       ? "stderr"
                                                  : "stdout");
    if (status == TRIAD_OK && watching) status = player_open(&player, agent_path, err);
    if (status == TRIAD_OK) status = game_open(&g, level, context->seed, watching ? &player : NULL, err);
    if (status == TRIAD_OK) status = terminal_open(&t, out, err);
    if (status == TRIAD_OK) status = show(&t, g, watching, err);
    terminal_close(&t);
    const int result = status == TRIAD_OK ? print_result(context, level, g) : cli_fail(err);
    game_close(g);
    player_close(&player);
    return result;
}

int cmd_play(cli_context *context, int argc, char **argv)
{
    cli_player who = {0};
    const cli_option options[] = {CLI_PLAYER_OPTIONS(who, "Watch the expert.", "Watch a trained agent.")};
    const cli_usage usage = {
        .command = "play",
        .arguments = "LEVEL [--bot | --agent FILE]",
        .description = "Plays the level in the terminal, from the episode of --seed on, or shows how the expert or an "
                       "agent plays it. Everything\n"
                       "is on the screen: the grid, the mission, what the agent sees and carries, the steps, the keys. "
                       "Any terminal will do,\n"
                       "also in tmux, over ssh, without colours (or with NO_COLOR set), and small.\n\n"
                       "  Playing:  left and right (h, l) turn, up (k) goes forward, p picks up, d drops, t or space "
                       "toggles (doors,\n"
                       "            boxes), Enter says done; e shows what the expert would do.\n"
                       "  Watching: space pauses, . makes one step, + and - change the speed.\n"
                       "  Always:   n goes on to the next seed, r begins this one again, q quits.\n\n"
                       "  triad play GoToLocal\n"
                       "  triad play BossLevel --bot --seed 7\n",
        .min_positional = 1,
        .max_positional = 1,
    };
    const char **positional;
    size_t count;
    const int parsed =
        cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, &positional, &count);
    if (parsed != CLI_GO) return parsed;
    const babyai_level *levels[CLI_LEVELS_MOST];
    const cli_list names = {count, positional};
    const int picked = cli_pick_levels(levels, &usage, &names);
    if (picked != CLI_GO) return picked;
    bool watching;
    const int decided = cli_pick_player(&watching, &usage, &who);
    return decided != CLI_GO ? decided : play(context, levels[0], watching, who.agent);
}
