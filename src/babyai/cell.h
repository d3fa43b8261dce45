/* What stands in a cell, as one byte: kind in bits 0..3, colour in bits 4..6, bit 7 set where sight ends. */
#ifndef TRIAD_BABYAI_CELL_H
#define TRIAD_BABYAI_CELL_H

#include <stdbool.h>
#include <stdint.h>

typedef enum cell_kind {
    KIND_UNSEEN,
    KIND_EMPTY,
    KIND_WALL,
    KIND_DOOR_OPEN,
    KIND_DOOR_CLOSED,
    KIND_DOOR_LOCKED,
    KIND_KEY,
    KIND_BALL,
    KIND_BOX
} cell_kind;

/* Minigrid's colour indices; they sort by name as blue, green, grey, purple, red, yellow. */
typedef enum cell_colour {
    COLOUR_RED,
    COLOUR_GREEN,
    COLOUR_BLUE,
    COLOUR_PURPLE,
    COLOUR_YELLOW,
    COLOUR_GREY,
    COLOUR_COUNT,
    COLOUR_ANY = 7
} cell_colour;

enum { CELL_OPAQUE = 0x80, CODE_EMPTY = KIND_EMPTY, CODE_WALL = CELL_OPAQUE | COLOUR_GREY << 4 | KIND_WALL };

static inline uint8_t cell_code(cell_kind kind, cell_colour colour)
{
    const bool opaque = kind == KIND_WALL || kind == KIND_DOOR_CLOSED || kind == KIND_DOOR_LOCKED;
    return (uint8_t)((opaque ? CELL_OPAQUE : 0) | (unsigned)colour << 4 | (unsigned)kind);
}
static inline cell_kind code_kind(uint8_t code)
{
    return (cell_kind)(code & 15);
}
static inline cell_colour code_colour(uint8_t code)
{
    return (cell_colour)(code >> 4 & 7);
}
static inline bool kind_is_door(cell_kind kind)
{
    return kind >= KIND_DOOR_OPEN && kind <= KIND_DOOR_LOCKED;
}
static inline bool kind_is_portable(cell_kind kind)
{
    return kind >= KIND_KEY;
}

/* (type, colour, state) of an observation. */
static inline void code_triple(uint8_t code, uint8_t triple[3])
{
    static const uint8_t type[16] = {0, 1, 2, 4, 4, 4, 5, 6, 7};
    static const uint8_t state[16] = {0, 0, 0, 0, 1, 2};
    triple[0] = type[code & 15];
    triple[1] = code >> 4 & 7;
    triple[2] = state[code & 15];
}

#endif
