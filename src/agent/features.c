#include "agent/features.h"

/* The observation's encoding (Minigrid's OBJECT_TO_IDX and STATE_TO_IDX). */
enum { SEEN_UNSEEN, SEEN_EMPTY, SEEN_WALL, SEEN_FLOOR, SEEN_DOOR, SEEN_KEY, SEEN_BALL, SEEN_BOX, SEEN_GOAL };
enum { COLOURS = 6, DOOR_STATES = 3 };
/* The agent looks up from the middle of the bottom row; that cell shows what it carries. */
enum { OWN_COLUMN = BABYAI_VIEW / 2, OWN_ROW = BABYAI_VIEW - 1 };

enum {
    FIRST_PREVIOUS = 1,
    FIRST_WALL = FIRST_PREVIOUS + BABYAI_ACTIONS + 1,
    FIRST_UNSEEN = FIRST_WALL + FEATURE_CELLS,
    FIRST_TYPE = FIRST_UNSEEN + FEATURE_CELLS,
    FIRST_COLOUR = FIRST_TYPE + 4,
    FIRST_STATE = FIRST_COLOUR + COLOURS,
    FIRST_CELL = FIRST_STATE + DOOR_STATES,
    FIRST_HEADING = FIRST_CELL + FEATURE_CELLS,
    FIRST_AHEAD = FIRST_HEADING + 4,
    FIRST_ASIDE = FIRST_AHEAD + FEATURE_PLACES
};
_Static_assert(FIRST_ASIDE + FEATURE_PLACES == FEATURE_ROWS, "the parts fill the table");

const feature_part_info FEATURE_TABLE[FEATURE_PARTS] = {
    [FEATURE_GLOBAL] = {"global", 1, 0},
    [FEATURE_PREVIOUS] = {"previous_action", BABYAI_ACTIONS + 1, FIRST_PREVIOUS},
    [FEATURE_WALL] = {"wall", FEATURE_CELLS, FIRST_WALL},
    [FEATURE_UNSEEN] = {"unseen", FEATURE_CELLS, FIRST_UNSEEN},
    [FEATURE_TYPE] = {"type", 4, FIRST_TYPE},
    [FEATURE_COLOUR] = {"colour", COLOURS, FIRST_COLOUR},
    [FEATURE_STATE] = {"state", DOOR_STATES, FIRST_STATE},
    [FEATURE_CELL] = {"cell", FEATURE_CELLS, FIRST_CELL},
    [FEATURE_HEADING] = {"heading", 4, FIRST_HEADING},
    [FEATURE_AHEAD] = {"ahead", FEATURE_PLACES, FIRST_AHEAD},
    [FEATURE_ASIDE] = {"aside", FEATURE_PLACES, FIRST_ASIDE},
};

/* A displacement of `forward` and `right` cells in the frame of someone turned by `heading` quarters to the right. */
static void turn(int heading, int forward, int right, int *ahead, int *aside)
{
    switch (heading & 3) {
    case 0:
        *ahead = forward, *aside = right;
        break;
    case 1:
        *ahead = -right, *aside = forward;
        break;
    case 2:
        *ahead = -forward, *aside = -right;
        break;
    default:
        *ahead = right, *aside = -forward;
        break;
    }
}

static uint16_t place_row(int first, int place)
{
    if (place < -FEATURE_REACH) place = -FEATURE_REACH;
    if (place > FEATURE_REACH) place = FEATURE_REACH;
    return (uint16_t)(first + place + FEATURE_REACH);
}

void feature_start(feature_odometer *odometer)
{
    *odometer = (feature_odometer){.previous = -1};
}

void feature_act(feature_odometer *odometer, babyai_action action)
{
    if (action == BABYAI_FORWARD && odometer->free_ahead) {
        int ahead, aside;
        turn(odometer->heading, 1, 0, &ahead, &aside);
        odometer->ahead += ahead;
        odometer->aside += aside;
    }
    odometer->previous = (int)action;
}

void feature_observe(feature_odometer *odometer, const uint8_t image[BABYAI_OBSERVATION], uint8_t direction,
                     uint32_t *tokens, uint32_t token_bag[FEATURE_MAX_TOKENS + 1], uint16_t bag[FEATURE_MAX_BAG])
{
    if (!odometer->started) {
        odometer->started = true;
        odometer->first_direction = direction;
    }
    odometer->heading = (direction - odometer->first_direction) & 3;

    uint32_t filled = 0, count = 1;
    const int previous =
        odometer->previous >= 0 && odometer->previous < BABYAI_ACTIONS ? odometer->previous : BABYAI_ACTIONS;
    token_bag[0] = 0;
    bag[filled++] = 0;
    bag[filled++] = (uint16_t)(FIRST_PREVIOUS + previous);
    bag[filled++] = (uint16_t)(FIRST_HEADING + odometer->heading);
    bag[filled++] = place_row(FIRST_AHEAD, odometer->ahead);
    bag[filled++] = place_row(FIRST_ASIDE, odometer->aside);
    for (int cell = 0; cell < FEATURE_CELLS; cell++) {
        const uint8_t type = image[cell * 3];
        if (type == SEEN_WALL)
            bag[filled++] = (uint16_t)(FIRST_WALL + cell);
        else if (type == SEEN_UNSEEN)
            bag[filled++] = (uint16_t)(FIRST_UNSEEN + cell);
    }
    token_bag[1] = filled;

    for (int cell = 0; cell < FEATURE_CELLS; cell++) {
        const uint8_t *seen = image + cell * 3;
        if (seen[0] < SEEN_DOOR || seen[0] > SEEN_BOX) continue;
        const int column = cell / BABYAI_VIEW, row = cell % BABYAI_VIEW;
        int ahead, aside;
        turn(odometer->heading, OWN_ROW - row, column - OWN_COLUMN, &ahead, &aside);
        bag[filled++] = (uint16_t)(FIRST_TYPE + seen[0] - SEEN_DOOR);
        bag[filled++] = (uint16_t)(FIRST_COLOUR + seen[1] % COLOURS);
        if (seen[0] == SEEN_DOOR) bag[filled++] = (uint16_t)(FIRST_STATE + seen[2] % DOOR_STATES);
        bag[filled++] = (uint16_t)(FIRST_CELL + cell);
        bag[filled++] = place_row(FIRST_AHEAD, odometer->ahead + ahead);
        bag[filled++] = place_row(FIRST_ASIDE, odometer->aside + aside);
        token_bag[++count] = filled;
    }
    *tokens = count;

    const uint8_t *front = image + (OWN_COLUMN * BABYAI_VIEW + OWN_ROW - 1) * 3;
    odometer->free_ahead = front[0] == SEEN_EMPTY || front[0] == SEEN_FLOOR || front[0] == SEEN_GOAL ||
                           (front[0] == SEEN_DOOR && front[2] == 0);
}
