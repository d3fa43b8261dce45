/* What the policy is shown: a few tokens a step, each the sum of rows of one table of embeddings.
 *
 * The first token of a step is the global one: a bias, the previous action, which cells are walls and which unseen,
 * the heading and the place, and which cells around it the agent has seen before. Then comes one token for each visible
 * object: type, colour, state of a door, cell, place. Then one for each object that was seen earlier in the episode and
 * is out of sight now, as it was when it was last seen: where it lies from here instead of its cell.
 *
 * Heading and place are counted from the start of the episode, in the frame in which the agent then stood, and
 * reckoned from its own actions alone: a step forward counts when the cell in front was free. What is remembered comes
 * from the agent's own observations, put where they were made: nothing here knows the world. */
#ifndef TRIAD_AGENT_FEATURES_H
#define TRIAD_AGENT_FEATURES_H

#include "triad/babyai.h"

enum {
    FEATURE_CELLS = BABYAI_VIEW * BABYAI_VIEW,
    FEATURE_REACH = 20, /* places further away than this count as this far */
    FEATURE_PLACES = 2 * FEATURE_REACH + 1,
    FEATURE_NEAR = 8, /* the cells around the agent that it may know: this many each way */
    FEATURE_AROUND = (2 * FEATURE_NEAR + 1) * (2 * FEATURE_NEAR + 1),
    FEATURE_OBJECTS = 48, /* that are known at a time, at most; the longest unseen is forgotten first */
    FEATURE_MAP = 64      /* side of the map of places; what lies beyond is not remembered */
};

/* Parts of the table, in this order. */
typedef enum feature_part {
    FEATURE_GLOBAL,       /* 1 */
    FEATURE_PREVIOUS,     /* the previous action; BABYAI_ACTIONS: none */
    FEATURE_WALL,         /* by cell */
    FEATURE_UNSEEN,       /* by cell */
    FEATURE_TYPE,         /* door, key, ball, box */
    FEATURE_COLOUR,       /* by index of the encoding */
    FEATURE_STATE,        /* of a door: open, closed, locked */
    FEATURE_CELL,         /* view column * 7 + view row */
    FEATURE_HEADING,      /* quarter turns to the right since the start */
    FEATURE_AHEAD,        /* cells ahead of the start + FEATURE_REACH */
    FEATURE_ASIDE,        /* cells to the right of the start + FEATURE_REACH */
    FEATURE_OUT_OF_SIGHT, /* 1: of a remembered object */
    FEATURE_BEFORE,       /* cells before the agent + FEATURE_REACH: of a remembered object */
    FEATURE_BESIDE,       /* cells to the right of the agent + FEATURE_REACH */
    FEATURE_KNOWN_FREE,   /* cells out of sight that were seen: (before + NEAR) * (2 * NEAR + 1) + beside + NEAR */
    FEATURE_KNOWN_WALL,
    FEATURE_PARTS
} feature_part;

typedef struct feature_part_info {
    const char *name;
    uint32_t rows;
    uint32_t first; /* row of the table */
} feature_part_info;
extern const feature_part_info FEATURE_TABLE[FEATURE_PARTS];
enum {
    FEATURE_ROWS = 1 + (BABYAI_ACTIONS + 1) + 2 * FEATURE_CELLS + 4 + 6 + 3 + FEATURE_CELLS + 4 + 2 * FEATURE_PLACES +
                   1 + 2 * FEATURE_PLACES + 2 * FEATURE_AROUND
};

/* At most this many tokens a step, and rows in the sums of all its tokens together. */
_Static_assert(FEATURE_OBJECTS >= FEATURE_CELLS - 1, "what is in sight is known");
enum {
    /* The agent's own cell and FEATURE_OBJECTS known ones, in sight or not. */
    FEATURE_MAX_TOKENS = 1 + 1 + FEATURE_OBJECTS,
    FEATURE_MAX_BAG = 5 + FEATURE_CELLS + FEATURE_AROUND + (1 + FEATURE_OBJECTS) * 8
};

/* An object as it was when it was last seen. */
typedef struct feature_object {
    uint8_t type, colour, state; /* as rows of their parts */
    int16_t ahead, aside;
    uint32_t seen; /* observation, counted from 1 */
} feature_object;

/* Where the agent believes it is, and what it has seen; feature_start before the first observation. */
typedef struct feature_odometer {
    bool started, free_ahead; /* free_ahead: of the last observation */
    uint8_t first_direction;
    int heading, ahead, aside;
    int previous; /* action, -1: none */
    uint32_t observations;
    size_t objects;
    feature_object object[FEATURE_OBJECTS]; /* in the order in which they were first seen */
    uint8_t map[FEATURE_MAP][FEATURE_MAP];  /* by ahead and aside + FEATURE_MAP / 2: unknown, free, wall */
} feature_odometer;

void feature_start(feature_odometer *odometer);
/* Tokens of one observation, the first *visible of them the global one and what is in sight. token_bag[t] is where
 * token t starts in bag, token_bag[*tokens] where the last ends; both count from 0. Whatever the bytes of the
 * observation are, the rows lie inside the table. */
void feature_observe(feature_odometer *odometer, const uint8_t image[BABYAI_OBSERVATION], uint8_t direction,
                     uint32_t *tokens, uint32_t *visible, uint32_t token_bag[FEATURE_MAX_TOKENS + 1],
                     uint16_t bag[FEATURE_MAX_BAG]);
/* The action that followed that observation. */
void feature_act(feature_odometer *odometer, babyai_action action);

#endif
