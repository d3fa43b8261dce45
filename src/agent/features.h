/* What the policy is shown of an observation: a few tokens, each the sum of rows of one table of embeddings.
 *
 * The first token of a step is the global one: a bias, the previous action, which cells are walls and which unseen,
 * the heading and the place. Then comes one token for each visible object: type, colour, state of a door, cell, place.
 * Heading and place are counted from the start of the episode, in the frame in which the agent then stood, and
 * reckoned from its own actions alone: a step forward counts when the cell in front was free. */
#ifndef TRIAD_AGENT_FEATURES_H
#define TRIAD_AGENT_FEATURES_H

#include "triad/babyai.h"

enum {
    FEATURE_CELLS = BABYAI_VIEW * BABYAI_VIEW,
    FEATURE_REACH = 20, /* places further away than this count as this far */
    FEATURE_PLACES = 2 * FEATURE_REACH + 1
};

/* Parts of the table, in this order. */
typedef enum feature_part {
    FEATURE_GLOBAL,   /* 1 */
    FEATURE_PREVIOUS, /* the previous action; BABYAI_ACTIONS: none */
    FEATURE_WALL,     /* by cell */
    FEATURE_UNSEEN,   /* by cell */
    FEATURE_TYPE,     /* door, key, ball, box */
    FEATURE_COLOUR,   /* by index of the encoding */
    FEATURE_STATE,    /* of a door: open, closed, locked */
    FEATURE_CELL,     /* view column * 7 + view row */
    FEATURE_HEADING,  /* quarter turns to the right since the start */
    FEATURE_AHEAD,    /* cells ahead of the start + FEATURE_REACH */
    FEATURE_ASIDE,    /* cells to the right of the start + FEATURE_REACH */
    FEATURE_PARTS
} feature_part;

typedef struct feature_part_info {
    const char *name;
    uint32_t rows;
    uint32_t first; /* row of the table */
} feature_part_info;
extern const feature_part_info FEATURE_TABLE[FEATURE_PARTS];
enum {
    FEATURE_ROWS = 1 + (BABYAI_ACTIONS + 1) + 2 * FEATURE_CELLS + 4 + 6 + 3 + FEATURE_CELLS + 4 + 2 * FEATURE_PLACES
};

/* At most this many tokens a step, and rows in the sums of all its tokens together. */
enum { FEATURE_MAX_TOKENS = 1 + FEATURE_CELLS, FEATURE_MAX_BAG = 5 + FEATURE_CELLS * 6 };

/* Where the agent believes it is; feature_start before the first observation. */
typedef struct feature_odometer {
    bool started, free_ahead; /* free_ahead: of the last observation */
    uint8_t first_direction;
    int heading, ahead, aside;
    int previous; /* action, -1: none */
} feature_odometer;

void feature_start(feature_odometer *odometer);
/* Tokens of one observation. token_bag[t] is where token t starts in bag, token_bag[*tokens] where the last ends;
 * both count from 0. Whatever the bytes of the observation are, the rows lie inside the table. */
void feature_observe(feature_odometer *odometer, const uint8_t image[BABYAI_OBSERVATION], uint8_t direction,
                     uint32_t *tokens, uint32_t token_bag[FEATURE_MAX_TOKENS + 1], uint16_t bag[FEATURE_MAX_BAG]);
/* The action that followed that observation. */
void feature_act(feature_odometer *odometer, babyai_action action);

#endif
