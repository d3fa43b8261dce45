/* Making an episode's grid: rooms, doors, things and the agent, draw for draw as RoomGrid does it. */
#ifndef TRIAD_BABYAI_ROOMS_H
#define TRIAD_BABYAI_ROOMS_H

#include "babyai/draws.h"
#include "babyai/env.h"

/* What an attempt comes to. */
typedef enum made {
    MADE,
    REJECTED,  /* the reference raises RejectSampling: try again */
    TIMED_OUT, /* … RecursionError: try again */
    STUCK      /* the reference would draw for ever */
} made;

#define MAKE(call)                                                                                                     \
    do {                                                                                                               \
        const made made_ = (call);                                                                                     \
        if (made_ != MADE) return made_;                                                                               \
    } while (0)

enum {
    ROOMS_MAX = 9,
    SIDES = 4,
    DOOR_NONE = 0,
    DOOR_PASSAGE = 255,
    ANY = -1,
    DISTRACTORS_MAX = 32,
    TRIES_ENDLESS = 100000
};

typedef struct room {
    uint8_t door[SIDES]; /* id, DOOR_NONE or DOOR_PASSAGE; right, down, left, up */
    position door_at[SIDES];
    bool locked; /* the side on which the latest door was added */
} room;

/* An attempt in the making. Lives on the stack of babyai_generate. */
typedef struct maker {
    babyai_env *env;
    draws draws;
    int columns, rows, room_size;
    int next_id;
    uint32_t placed;            /* bit 6 * kind + colour (key, ball, box): stands in some room's list */
    int locked_room;            /* LevelGen: index of this attempt's locked room, -1 */
    room room[ROOMS_MAX];       /* of column i, row j: [j * columns + i] */
    uint16_t joined[ROOMS_MAX]; /* rooms that can be reached from this one, itself included */
    uint32_t taken[SIDE_MAX];   /* [x], bit y: something stands there */
    uint32_t shunned[SIDE_MAX]; /* the same, and the cells next to the agent, its own included */
} maker;

static inline int draw(maker *m, int below)
{
    return draws_below(&m->draws, below);
}
static inline bool draw_bool(maker *m)
{
    return draw(m, 2) == 0;
}
static inline room *room_at(maker *m, int column, int row)
{
    return &m->room[row * m->columns + column];
}
/* Index of a neighbour, -1 beyond the outer wall. */
int rooms_neighbour(const maker *m, int column, int row, int side);
/* Puts an object on the grid. */
void rooms_put(maker *m, int x, int y, uint8_t id);
/* The colour that rand_color draws: sorted by name. */
extern const uint8_t ROOMS_COLOURS[COLOUR_COUNT];

/* An empty maze of closed rooms with the agent provisionally in the middle. */
void rooms_begin(maker *m);
/* Arguments that are ANY are drawn, in the order kind, colour. *id is the object. */
made rooms_add_object(maker *m, int column, int row, int kind, int colour, int *id);
made rooms_add_door(maker *m, int column, int row, int side, int colour, int locked, int *id);
void rooms_remove_wall(maker *m, int column, int row, int side);
made rooms_place_agent(maker *m, int column, int row);
/* Doors until every room can be reached; colour never drawn: `without`, or -1. */
made rooms_connect_all(maker *m, int without);
/* n objects into rooms (ANY: drawn for each). ids [n]. */
made rooms_add_distractors(maker *m, int column, int row, int n, bool unique, int *ids);
/* Whether each object can be reached by moving and opening doors alone, locked ones included. */
bool rooms_all_reachable(const maker *m);
/* The room that a cell maps to. */
static inline int rooms_of_agent(const maker *m)
{
    return m->env->y / (m->room_size - 1) * m->columns + m->env->x / (m->room_size - 1);
}

/* missions.c: everything from the empty maze to the instruction. */
made missions_make(maker *m);

#endif
