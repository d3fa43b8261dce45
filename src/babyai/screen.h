/* An episode as text: the grid, what the agent sees and what there is to say, laid out for a window. A terminal shows
 * it; nothing here needs one. */
#ifndef TRIAD_BABYAI_SCREEN_H
#define TRIAD_BABYAI_SCREEN_H

#include "babyai/cell.h"
#include "triad/babyai.h"

/* How a character is to look; a terminal without colours or weights may leave all of it out. */
enum {
    INK_COLOUR = 7, /* a cell_colour, or COLOUR_ANY: the terminal's own */
    INK_BOLD = 8,
    INK_DIM = 16,
    INK_REVERSE = 32
};
typedef struct screen_cell {
    char symbol; /* printable ASCII */
    uint8_t ink;
} screen_cell;

typedef struct screen {
    int rows, columns;
    screen_cell *cell; /* [rows, columns], the caller's */
} screen;

/* What is said beside the grid; NULL or "": nothing. */
typedef struct screen_notes {
    const char *title;   /* "GoToLocal  seed 7" */
    const char *state;   /* "solved: reward 0.83" */
    const char *doing;   /* "last: forward" */
    const char *keys[6]; /* "arrows: turn, forward"; whole ones are put on lines, NULL behind the last */
} screen_notes;

/* Lays it out: the grid with everything else to its right, or, in a narrow window, below the words. A grid too large
 * for its place is cut around the agent; words for which there is no room are left out, the legend first. An
 * environment without an episode has no grid.
 *
 * A cell is two characters: what it is and the letter of its colour (r g b p y, e for grey). "##" wall, "+" door, "/"
 * open, "=" locked, "k" key, "o" ball, "B" box, "." an empty cell that the agent sees; ">" "v" "<" "^" the agent. */
void babyai_screen(screen *to, const babyai_env *env, const screen_notes *notes);

/* The symbols alone: lines that end in \n, no blanks at their ends. Needs rows * (columns + 1) + 1 bytes. */
void babyai_screen_text(const screen *from, char *text);

#endif
