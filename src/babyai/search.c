#include "babyai/search.h"

#include <string.h>

void search_forget(search *s, const babyai_env *env)
{
    s->env = env;
    memset(s->seen, 0, (size_t)env->side * env->side);
    s->free.begun = s->blocked.begun = false;
}

void search_look(search *s)
{
    const babyai_env *env = s->env;
    const int forward = direction_x(env->direction) * env->side + direction_y(env->direction);
    const int right = -direction_y(env->direction) * env->side + direction_x(env->direction);
    const int corner = env->x * env->side + env->y + 6 * forward - 3 * right; /* view cell (0, 0) */
    for (uint64_t left = babyai_visible(env); left; left &= left - 1) {
        const int bit = __builtin_ctzll(left);
        s->seen[corner + (bit >> 3) * right - (bit & 7) * forward] = 1;
    }
    s->free.begun = s->blocked.begun = false;
}

static void reach(search_tree *tree, uint16_t cell, uint16_t from, unsigned heading)
{
    tree->reached[cell] = 1;
    tree->from[cell] = from;
    tree->heading[cell] = (uint8_t)heading;
    tree->cell[tree->tail++] = cell;
}

static void begin(search *s, search_tree *tree, bool over_things)
{
    const babyai_env *env = s->env;
    memset(tree->reached, 0, (size_t)env->side * env->side);
    tree->head = tree->tail = 0;
    tree->begun = true;
    tree->over_things = over_things;
}

/* Looks one cell further from the oldest cell that has not been looked from; false when there is none. */
static bool grow(const search *s, search_tree *tree)
{
    /* Straight on comes first, then the two turns in an order of their own, then back. */
    static const uint8_t order[4][4] = {{0, 1, 3, 2}, {1, 0, 2, 3}, {2, 3, 1, 0}, {3, 2, 0, 1}};
    if (tree->head == tree->tail) return false;
    const uint16_t cell = tree->cell[tree->head++];
    if (!s->seen[cell]) return true;
    const cell_kind kind = code_kind(s->env->by_column[cell]);
    if (kind != KIND_EMPTY && kind != KIND_DOOR_OPEN && !(tree->over_things && kind_is_portable(kind))) return true;
    const int step[4] = {s->env->side, 1, -s->env->side, -1};
    const unsigned heading = tree->heading[cell];
    for (int i = 0; i < 4; i++) {
        const unsigned d = order[heading][i];
        const uint16_t next = (uint16_t)(cell + step[d]);
        if (!tree->reached[next]) reach(tree, next, cell, d);
    }
    return true;
}

static bool is_empty_spot(const search *s, uint16_t cell, uint16_t except)
{
    return cell != except && s->seen[cell] && code_kind(s->env->by_column[cell]) == KIND_EMPTY &&
           cell != s->env->x * s->env->side + s->env->y;
}

/* A thing put here would neither cut free cells apart nor hide another thing: the ring of eight around the cell changes
 * at most twice between free and not, and each of its doubtful cells touches a free one. */
static bool is_unblocking_spot(const search *s, uint16_t cell, uint16_t except)
{
    if (!is_empty_spot(s, cell, except)) return false;
    const babyai_env *env = s->env;
    const int side = env->side, agent = env->x * side + env->y;
    const int ring[8] = {-side - 1, -1, side - 1, side, side + 1, 1, -side + 1, -side};
    unsigned free = 0, wall = 0;
    for (int i = 0; i < 8; i++) {
        const int around = cell + ring[i];
        const cell_kind kind = code_kind(env->by_column[around]);
        if (!s->seen[around]) continue;
        if (kind == KIND_WALL)
            wall |= 1U << i;
        else if ((kind == KIND_EMPTY || kind == KIND_DOOR_OPEN || around == agent) && around != except)
            free |= 1U << i;
    }
    const unsigned rotated = (free << 1 | free >> 7) & 0xff, back = (free >> 1 | free << 7) & 0xff;
    const unsigned doubtful = ~(free | wall) & 0xff;
    return !(doubtful & ~(rotated | back)) && __builtin_popcount(free ^ rotated) <= 2;
}

static bool accepts(const search *s, search_for what, uint16_t cell, uint16_t given)
{
    const cell_kind kind = code_kind(s->env->by_column[cell]);
    switch (what) {
    case FOR_CELL:
        return cell == given;
    case FOR_UNSEEN:
        return !s->seen[cell];
    case FOR_UNLOCKED_DOOR:
        return kind == KIND_DOOR_CLOSED;
    case FOR_DOOR:
        return kind == KIND_DOOR_CLOSED || kind == KIND_DOOR_LOCKED;
    case FOR_EMPTY:
        return is_empty_spot(s, cell, given);
    case FOR_UNBLOCKING:
        return is_unblocking_spot(s, cell, given);
    }
    return false;
}

/* The first cell in order that is accepted. */
static uint16_t find(const search *s, search_tree *tree, search_for what, uint16_t given)
{
    if (what == FOR_CELL) {
        while (!tree->reached[given])
            if (!grow(s, tree)) return CELL_NONE;
        return given;
    }
    for (int i = 0;; i++) {
        while (i == tree->tail)
            if (!grow(s, tree)) return CELL_NONE;
        if (accepts(s, what, tree->cell[i], given)) return tree->cell[i];
    }
}

static void trace(const search_tree *tree, uint16_t *cell, route *r)
{
    while (tree->from[*cell] != CELL_NONE) {
        r->first = *cell;
        r->length++;
        *cell = tree->from[*cell];
    }
}

route search_free(search *s, search_for what, uint16_t given)
{
    search_tree *tree = &s->free;
    if (!tree->begun) {
        begin(s, tree, false);
        reach(tree, (uint16_t)(s->env->x * s->env->side + s->env->y), CELL_NONE, s->env->direction);
    }
    uint16_t cell = find(s, tree, what, given);
    route r = {.found = cell != CELL_NONE, .target = cell, .first = CELL_NONE};
    if (r.found) trace(tree, &cell, &r);
    return r;
}

route search_blocked(search *s, search_for what, uint16_t given)
{
    search_tree *tree = &s->blocked;
    if (!tree->begun) {
        while (grow(s, &s->free)) {
        }
        begin(s, tree, true);
        for (int i = 0; i < s->free.tail; i++) reach(tree, s->free.cell[i], CELL_NONE, 0);
    }
    uint16_t cell = find(s, tree, what, given);
    route r = {.found = cell != CELL_NONE, .over_things = true, .target = cell, .first = CELL_NONE};
    if (r.found) {
        trace(tree, &cell, &r);
        trace(&s->free, &cell, &r);
    }
    return r;
}
