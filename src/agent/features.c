#include "agent/features.h"

#include <stdlib.h>
#include <string.h>

/* The observation's encoding (Minigrid's OBJECT_TO_IDX and STATE_TO_IDX). */
enum { SEEN_UNSEEN, SEEN_EMPTY, SEEN_WALL, SEEN_FLOOR, SEEN_DOOR, SEEN_KEY, SEEN_BALL, SEEN_BOX, SEEN_GOAL };
enum { COLOURS = 6, DOOR_STATES = 3 };
enum { FURTHEST = 10000 /* cells from the start: whatever the observations claim, places stay small */ };
enum { MAP_UNKNOWN, MAP_FREE, MAP_WALL };
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
    FIRST_ASIDE = FIRST_AHEAD + FEATURE_PLACES,
    FIRST_OUT_OF_SIGHT = FIRST_ASIDE + FEATURE_PLACES,
    FIRST_BEFORE = FIRST_OUT_OF_SIGHT + 1,
    FIRST_BESIDE = FIRST_BEFORE + FEATURE_PLACES,
    FIRST_KNOWN_FREE = FIRST_BESIDE + FEATURE_PLACES,
    FIRST_KNOWN_WALL = FIRST_KNOWN_FREE + FEATURE_AROUND
};
_Static_assert(FIRST_KNOWN_WALL + FEATURE_AROUND == FEATURE_ROWS, "the parts fill the table");

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
    [FEATURE_OUT_OF_SIGHT] = {"out_of_sight", 1, FIRST_OUT_OF_SIGHT},
    [FEATURE_BEFORE] = {"before", FEATURE_PLACES, FIRST_BEFORE},
    [FEATURE_BESIDE] = {"beside", FEATURE_PLACES, FIRST_BESIDE},
    [FEATURE_KNOWN_FREE] = {"known_free", FEATURE_AROUND, FIRST_KNOWN_FREE},
    [FEATURE_KNOWN_WALL] = {"known_wall", FEATURE_AROUND, FIRST_KNOWN_WALL},
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

static bool is_object(const uint8_t *seen)
{
    return seen[0] >= SEEN_DOOR && seen[0] <= SEEN_BOX;
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
        if (abs(odometer->ahead + ahead) < FURTHEST) odometer->ahead += ahead;
        if (abs(odometer->aside + aside) < FURTHEST) odometer->aside += aside;
    }
    odometer->previous = (int)action;
}

/* ---- what was seen */

/* NULL: off the map. */
static uint8_t *map_at(feature_odometer *odometer, int ahead, int aside)
{
    const int row = ahead + FEATURE_MAP / 2, column = aside + FEATURE_MAP / 2;
    if (row < 0 || row >= FEATURE_MAP || column < 0 || column >= FEATURE_MAP) return NULL;
    return &odometer->map[row][column];
}

static feature_object *find(feature_odometer *odometer, int ahead, int aside)
{
    for (size_t i = 0; i < odometer->objects; i++)
        if (odometer->object[i].ahead == ahead && odometer->object[i].aside == aside) return &odometer->object[i];
    return NULL;
}

static void forget(feature_odometer *odometer, feature_object *object)
{
    const size_t behind = odometer->objects - (size_t)(object - odometer->object) - 1;
    memmove(object, object + 1, behind * sizeof *object);
    odometer->objects--;
}

static void remember(feature_odometer *odometer, const feature_object *seen)
{
    feature_object *known = find(odometer, seen->ahead, seen->aside);
    if (!known && odometer->objects == FEATURE_OBJECTS) {
        feature_object *oldest = odometer->object;
        for (size_t i = 1; i < odometer->objects; i++)
            if (odometer->object[i].seen < oldest->seen) oldest = &odometer->object[i];
        forget(odometer, oldest);
    }
    if (!known) known = &odometer->object[odometer->objects++];
    *known = *seen;
}

/* Puts what is in sight where it is, but for the agent's own cell: that shows what it carries. */
static void look(feature_odometer *odometer, const uint8_t image[BABYAI_OBSERVATION])
{
    odometer->observations++;
    for (int cell = 0; cell < FEATURE_CELLS; cell++) {
        const uint8_t *seen = image + cell * 3;
        const int column = cell / BABYAI_VIEW, row = cell % BABYAI_VIEW;
        if (seen[0] == SEEN_UNSEEN || (column == OWN_COLUMN && row == OWN_ROW)) continue;
        int ahead, aside;
        turn(odometer->heading, OWN_ROW - row, column - OWN_COLUMN, &ahead, &aside);
        ahead += odometer->ahead;
        aside += odometer->aside;
        uint8_t *place = map_at(odometer, ahead, aside);
        if (!place) continue;
        *place = seen[0] == SEEN_WALL ? MAP_WALL : MAP_FREE;
        if (is_object(seen)) {
            const feature_object object = {.type = (uint8_t)(seen[0] - SEEN_DOOR),
                                           .colour = seen[1] % COLOURS,
                                           .state = seen[0] == SEEN_DOOR ? seen[2] % DOOR_STATES : 0,
                                           .ahead = (int16_t)ahead,
                                           .aside = (int16_t)aside,
                                           .seen = odometer->observations};
            remember(odometer, &object);
        } else {
            feature_object *gone = find(odometer, ahead, aside);
            if (gone) forget(odometer, gone);
        }
    }
}

/* ---- tokens */

/* From a place to where it lies from the agent: cells before it and to its right. */
static void from_here(const feature_odometer *odometer, int ahead, int aside, int *before, int *beside)
{
    turn(-odometer->heading, ahead - odometer->ahead, aside - odometer->aside, before, beside);
}

/* The cells around that are known and not in sight. */
static uint32_t add_known(feature_odometer *odometer, const uint8_t image[BABYAI_OBSERVATION], uint16_t *bag)
{
    uint32_t filled = 0;
    for (int before = -FEATURE_NEAR; before <= FEATURE_NEAR; before++)
        for (int beside = -FEATURE_NEAR; beside <= FEATURE_NEAR; beside++) {
            int ahead, aside;
            turn(odometer->heading, before, beside, &ahead, &aside);
            const uint8_t *place = map_at(odometer, odometer->ahead + ahead, odometer->aside + aside);
            if (!place || *place == MAP_UNKNOWN) continue;
            if (before >= 0 && before < BABYAI_VIEW && beside >= -OWN_COLUMN && beside <= OWN_COLUMN) {
                const int cell = (OWN_COLUMN + beside) * BABYAI_VIEW + OWN_ROW - before;
                if (image[cell * 3] != SEEN_UNSEEN) continue;
            }
            const int first = *place == MAP_WALL ? FIRST_KNOWN_WALL : FIRST_KNOWN_FREE;
            bag[filled++] =
                (uint16_t)(first + (before + FEATURE_NEAR) * (2 * FEATURE_NEAR + 1) + beside + FEATURE_NEAR);
        }
    return filled;
}

static uint32_t add_kind(const feature_object *object, uint16_t *bag)
{
    uint32_t filled = 0;
    bag[filled++] = (uint16_t)(FIRST_TYPE + object->type);
    bag[filled++] = (uint16_t)(FIRST_COLOUR + object->colour);
    if (object->type == 0) bag[filled++] = (uint16_t)(FIRST_STATE + object->state);
    return filled;
}

static uint32_t add_place(const feature_object *object, uint16_t *bag)
{
    bag[0] = place_row(FIRST_AHEAD, object->ahead);
    bag[1] = place_row(FIRST_ASIDE, object->aside);
    return 2;
}

void feature_observe(feature_odometer *odometer, const uint8_t image[BABYAI_OBSERVATION], uint8_t direction,
                     uint32_t *tokens, uint32_t *visible, uint32_t token_bag[FEATURE_MAX_TOKENS + 1],
                     uint16_t bag[FEATURE_MAX_BAG])
{
    if (!odometer->started) {
        odometer->started = true;
        odometer->first_direction = direction;
    }
    odometer->heading = (direction - odometer->first_direction) & 3;
    look(odometer, image);

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
    filled += add_known(odometer, image, bag + filled);
    token_bag[1] = filled;

    for (int cell = 0; cell < FEATURE_CELLS; cell++) {
        const uint8_t *seen = image + cell * 3;
        if (!is_object(seen)) continue;
        const int column = cell / BABYAI_VIEW, row = cell % BABYAI_VIEW;
        int ahead, aside;
        turn(odometer->heading, OWN_ROW - row, column - OWN_COLUMN, &ahead, &aside);
        const feature_object object = {.type = (uint8_t)(seen[0] - SEEN_DOOR),
                                       .colour = seen[1] % COLOURS,
                                       .state = seen[2] % DOOR_STATES,
                                       .ahead = (int16_t)(odometer->ahead + ahead),
                                       .aside = (int16_t)(odometer->aside + aside)};
        filled += add_kind(&object, bag + filled);
        bag[filled++] = (uint16_t)(FIRST_CELL + cell);
        filled += add_place(&object, bag + filled);
        token_bag[++count] = filled;
    }
    *visible = count;

    for (size_t i = 0; i < odometer->objects; i++) {
        const feature_object *object = &odometer->object[i];
        if (object->seen == odometer->observations) continue;
        int before, beside;
        from_here(odometer, object->ahead, object->aside, &before, &beside);
        filled += add_kind(object, bag + filled);
        bag[filled++] = FIRST_OUT_OF_SIGHT;
        bag[filled++] = place_row(FIRST_BEFORE, before);
        bag[filled++] = place_row(FIRST_BESIDE, beside);
        filled += add_place(object, bag + filled);
        token_bag[++count] = filled;
    }
    *tokens = count;

    const uint8_t *front = image + (OWN_COLUMN * BABYAI_VIEW + OWN_ROW - 1) * 3;
    odometer->free_ahead = front[0] == SEEN_EMPTY || front[0] == SEEN_FLOOR || front[0] == SEEN_GOAL ||
                           (front[0] == SEEN_DOOR && front[2] == 0);
}
