/* The expert's searches. The reference starts a breadth-first search for every question; all questions of one replan
 * are asked of the same grid, so here one search is grown as far as the questions need, and each is answered from it.
 */
#ifndef TRIAD_BABYAI_SEARCH_H
#define TRIAD_BABYAI_SEARCH_H

#include "babyai/env.h"

enum { CELLS_MAX = SIDE_MAX * SIDE_MAX, CELL_NONE = 0xffff };

/* Cells (index x * side + y) in the order in which the reference pops them. */
typedef struct search_tree {
    uint16_t cell[CELLS_MAX];
    uint16_t from[CELLS_MAX];   /* by cell: the cell before it; CELL_NONE: a start */
    uint8_t heading[CELLS_MAX]; /* by cell: the direction of the step into it */
    uint8_t reached[CELLS_MAX]; /* by cell */
    int head, tail;
    bool begun, over_things; /* over_things: passes objects ("blockers") */
} search_tree;

typedef struct search {
    const babyai_env *env;
    uint8_t seen[CELLS_MAX];   /* cells that the expert has ever seen, over the episode */
    search_tree free, blocked; /* blocked starts from every cell of free */
} search;

typedef enum search_for {
    FOR_CELL, /* the given cell */
    FOR_UNSEEN,
    FOR_UNLOCKED_DOOR,
    FOR_DOOR, /* doors: closed ones */
    FOR_EMPTY,
    FOR_UNBLOCKING /* cells to put a thing down; not the given cell */
} search_for;

typedef struct route {
    bool found, over_things;
    uint16_t target;
    uint16_t first; /* the first step's cell; CELL_NONE when the target is the agent's cell */
    int length;
} route;

void search_forget(search *s, const babyai_env *env);
/* The agent has acted: adds what it sees now, drops the trees. */
void search_look(search *s);
/* What the first search (through free cells) finds. */
route search_free(search *s, search_for what, uint16_t cell);
/* What the second finds, which goes on over things from all that the first has reached. */
route search_blocked(search *s, search_for what, uint16_t cell);

#endif
