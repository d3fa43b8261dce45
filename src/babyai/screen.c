#include "babyai/screen.h"

#include "babyai/env.h"

#include <stdio.h>
#include <string.h>

enum {
    CELL = 2,         /* characters of a cell of the grid */
    GAP = 2,          /* between grid and words */
    WORDS_LEAST = 30, /* columns of words beside a grid */
    GRID_LEAST = 7,   /* cells of a grid that is cut */
    LINES_MOST = 64,
    LINE_MOST = 200,
    ROWS_LEAST = 6,
    COLUMNS_LEAST = 20
};

/* ---- writing on the screen */

static void put(screen *s, int row, int column, char symbol, unsigned ink)
{
    if (row < 0 || row >= s->rows || column < 0 || column >= s->columns) return;
    s->cell[row * s->columns + column] = (screen_cell){symbol, (uint8_t)ink};
}

static void write_text(screen *s, int row, int column, const char *text, unsigned ink)
{
    for (; *text; text++) put(s, row, column++, *text >= ' ' && *text <= '~' ? *text : '?', ink);
}

static void put_code(screen *s, int row, int column, uint8_t code, bool seen)
{
    static const char symbols[16] = {' ', ' ', '#', '/', '+', '=', 'k', 'o', 'B'},
                      letters[8] = {'r', 'g', 'b', 'p', 'y', 'e', ' ', ' '};
    const cell_kind kind = code_kind(code);
    const unsigned weight = seen ? INK_BOLD : INK_DIM;
    if (kind == KIND_WALL) {
        write_text(s, row, column, "##", COLOUR_ANY | weight);
    } else if (kind <= KIND_EMPTY) {
        put(s, row, column, seen ? '.' : ' ', COLOUR_ANY);
    } else {
        put(s, row, column, symbols[kind], code_colour(code) | weight);
        put(s, row, column + 1, letters[code_colour(code)], code_colour(code) | weight);
    }
}

static void put_agent(screen *s, int row, int column, unsigned direction)
{
    put(s, row, column, ">v<^"[direction & 3], COLOUR_RED | INK_BOLD | INK_REVERSE);
}

/* ---- the grid */

/* The stretch of `whole` cells that `room` of them show: all, or as many around the agent. */
static int stretch_begin(int whole, int room, int agent)
{
    if (room >= whole) return 0;
    const int begin = agent - room / 2;
    return begin < 0 ? 0 : begin > whole - room ? whole - room : begin;
}

static void draw_grid(screen *s, const babyai_env *env, int top, int rows, int columns)
{
    bool lit[SIDE_MAX][SIDE_MAX] = {{false}};
    for (uint64_t seen = babyai_visible(env); seen; seen &= seen - 1) {
        const int bit = __builtin_ctzll(seen);
        int x, y;
        view_to_world(env, bit >> 3, bit & 7, &x, &y);
        lit[x][y] = true;
    }
    const int width = columns / CELL < env->width ? columns / CELL : env->width,
              height = rows < env->height ? rows : env->height;
    const int left = stretch_begin(env->width, width, env->x), high = stretch_begin(env->height, height, env->y);
    for (int y = high; y < high + height; y++)
        for (int x = left; x < left + width; x++) {
            const int row = top + y - high, column = CELL * (x - left);
            if (x == env->x && y == env->y)
                put_agent(s, row, column, env->direction);
            else
                put_code(s, row, column, env_code(env, x, y), lit[x][y]);
        }
}

/* One row of what the agent sees, ahead of it upwards. */
static void draw_view_row(screen *s, const babyai_env *env, int view_row, int row, int column)
{
    uint64_t columns[BABYAI_VIEW];
    const uint64_t seen = babyai_visible(env);
    babyai_view_codes(env, columns);
    for (int i = 0; i < BABYAI_VIEW; i++) {
        if (i == 3 && view_row == 6)
            put_agent(s, row, column + CELL * i, 3);
        else if (seen >> (8 * i + view_row) & 1)
            put_code(s, row, column + CELL * i, (uint8_t)(columns[i] >> (8 * view_row)), true);
    }
}

/* ---- the words */

/* A line of the words; those of the highest rank go first when there is no room for all. */
typedef struct line {
    char text[LINE_MOST];
    unsigned ink;
    int rank;
    int view_row; /* -1, or the row of the agent's view that stands here */
} line;
enum { RANK_MISSION, RANK_STATE, RANK_STEPS, RANK_TITLE, RANK_KEYS, RANK_VIEW, RANK_LEGEND, RANK_BLANK };

typedef struct words {
    line at[LINES_MOST];
    int count, width;
} words;

static line *add_line(words *all, int rank, unsigned ink)
{
    if (all->count == LINES_MOST) return NULL;
    line *l = &all->at[all->count++];
    *l = (line){.ink = ink, .rank = rank, .view_row = -1};
    return l;
}

/* Broken at blanks; a word longer than a line is cut. */
static void add_wrapped(words *all, int rank, unsigned ink, const char *text)
{
    const size_t width = all->width < LINE_MOST ? (size_t)all->width : LINE_MOST - 1;
    while (text && *text) {
        size_t end = strlen(text);
        if (end > width) {
            end = width;
            while (end > 0 && text[end] != ' ') end--;
            if (end == 0) end = width;
        }
        line *l = add_line(all, rank, ink);
        if (!l) return;
        memcpy(l->text, text, end);
        text += end;
        while (*text == ' ') text++;
    }
}

/* Keys stay whole: as many on a line as fit. */
static void add_keys(words *all, const char *const *keys, size_t count)
{
    char text[LINE_MOST] = "";
    for (size_t i = 0; i < count && keys[i]; i++) {
        const size_t have = strlen(text), more = strlen(keys[i]) + (have ? 2 : 0);
        if (have > 0 && (have + more > (size_t)all->width || have + more >= sizeof text)) {
            add_wrapped(all, RANK_KEYS, COLOUR_ANY, text);
            text[0] = 0;
        }
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.100s", text[0] ? "  " : "", keys[i]);
    }
    add_wrapped(all, RANK_KEYS, COLOUR_ANY, text);
}

static void add_carried(words *all, const babyai_env *env)
{
    static const char *const names[] = {"key", "ball", "box"};
    line *l = add_line(all, RANK_STEPS, COLOUR_ANY);
    if (!l) return;
    if (env->carrying == ID_NONE) {
        snprintf(l->text, sizeof l->text, "carries nothing");
        return;
    }
    const uint8_t code = env->hand;
    snprintf(l->text, sizeof l->text, "carries the %s %s", GRAMMAR_COLOURS[code_colour(code)],
             names[code_kind(code) - KIND_KEY]);
    l->ink = code_colour(code) | INK_BOLD;
}

static void collect_words(words *all, const babyai_env *env, const screen_notes *notes, bool with_view)
{
    add_wrapped(all, RANK_TITLE, COLOUR_ANY | INK_DIM, notes->title);
    if (env->ready) {
        add_line(all, RANK_BLANK, 0);
        add_wrapped(all, RANK_MISSION, COLOUR_ANY | INK_BOLD, env->world->mission);
        add_line(all, RANK_BLANK, 0);
        line *l = add_line(all, RANK_STEPS, COLOUR_ANY);
        if (l) snprintf(l->text, sizeof l->text, "step %d of %d", env->steps, env->max_steps);
        add_carried(all, env);
    }
    add_wrapped(all, RANK_STEPS, COLOUR_ANY, notes->doing);
    add_wrapped(all, RANK_STATE, COLOUR_ANY | INK_BOLD, notes->state);
    if (with_view && env->ready) {
        add_line(all, RANK_BLANK, 0);
        add_wrapped(all, RANK_VIEW, COLOUR_ANY | INK_DIM, "it sees");
        for (int row = 0; row < BABYAI_VIEW; row++) {
            line *view = add_line(all, RANK_VIEW, 0);
            if (view) view->view_row = row;
        }
    }
    add_line(all, RANK_BLANK, 0);
    add_keys(all, notes->keys, sizeof notes->keys / sizeof *notes->keys);
    if (with_view && env->ready) {
        add_line(all, RANK_BLANK, 0);
        add_wrapped(all, RANK_LEGEND, COLOUR_ANY | INK_DIM, "+ door, / open, = locked, k key, o ball, B box");
        add_wrapped(all, RANK_LEGEND, COLOUR_ANY | INK_DIM, "red green blue purple yellow grEy");
    }
}

/* Leaves out lines of the highest rank, whole ranks at a time, until the rest fits; blanks one by one. */
static void fit(words *all, int rows)
{
    for (int rank = RANK_BLANK; rank > RANK_MISSION && all->count > rows; rank--) {
        int kept = 0, excess = all->count - rows;
        for (int i = 0; i < all->count; i++) {
            const bool drop = all->at[i].rank == rank && (rank != RANK_BLANK || excess > 0);
            if (drop)
                excess--;
            else
                all->at[kept++] = all->at[i];
        }
        all->count = kept;
    }
    if (all->count > rows) all->count = rows;
}

static void draw_words(screen *s, const babyai_env *env, const words *all, int top, int left)
{
    for (int i = 0; i < all->count; i++) {
        const line *l = &all->at[i];
        if (l->view_row >= 0)
            draw_view_row(s, env, l->view_row, top + i, left + 1);
        else
            write_text(s, top + i, left, l->text, l->ink);
    }
}

/* ---- the layout */

static void draw_beside(screen *s, const babyai_env *env, const screen_notes *notes)
{
    const int whole = CELL * env->width, room = s->columns - GAP - WORDS_LEAST;
    const int columns = whole < room ? whole : room / CELL * CELL;
    draw_grid(s, env, 0, s->rows, columns);
    words all = {.width = s->columns - columns - GAP};
    collect_words(&all, env, notes, true);
    fit(&all, s->rows);
    draw_words(s, env, &all, 0, columns + GAP);
}

/* Words first, then as much of the grid as there is room for; the grid gets at least half of the window. */
static void draw_below(screen *s, const babyai_env *env, const screen_notes *notes)
{
    words all = {.width = s->columns};
    collect_words(&all, env, notes, false);
    const int half = s->rows / 2, left = s->rows - env->height;
    fit(&all, !env->ready ? s->rows : left > half ? left : half);
    draw_words(s, env, &all, 0, 0);
    if (env->ready) draw_grid(s, env, all.count, s->rows - all.count, s->columns);
}

void babyai_screen(screen *to, const babyai_env *env, const screen_notes *notes)
{
    for (int i = 0; i < to->rows * to->columns; i++) to->cell[i] = (screen_cell){' ', COLOUR_ANY};
    if (to->rows < ROWS_LEAST || to->columns < COLUMNS_LEAST) {
        words all = {.width = to->columns};
        if (to->columns > 0) add_wrapped(&all, RANK_MISSION, COLOUR_ANY, "the window is too small");
        fit(&all, to->rows);
        draw_words(to, env, &all, 0, 0);
    } else if (env->ready && to->columns >= CELL * GRID_LEAST + GAP + WORDS_LEAST) {
        draw_beside(to, env, notes);
    } else {
        draw_below(to, env, notes);
    }
}

void babyai_screen_text(const screen *from, char *text)
{
    for (int row = 0; row < from->rows; row++) {
        const screen_cell *cells = from->cell + row * from->columns;
        int end = from->columns;
        while (end > 0 && cells[end - 1].symbol == ' ') end--;
        for (int column = 0; column < end; column++) *text++ = cells[column].symbol;
        *text++ = '\n';
    }
    *text = 0;
}
