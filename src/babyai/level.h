/* A level as data: which mission generator, and its numbers. */
#ifndef TRIAD_BABYAI_LEVEL_H
#define TRIAD_BABYAI_LEVEL_H

#include "triad/babyai.h"

typedef enum mission_kind {
    MISSION_GO_TO_RED_BALL,
    MISSION_GO_TO_OBJ,
    MISSION_GO_TO_LOCAL,
    MISSION_GO_TO,
    MISSION_GO_TO_IMP_UNLOCK,
    MISSION_GO_TO_RED_BLUE_BALL,
    MISSION_GO_TO_DOOR,
    MISSION_GO_TO_OBJ_DOOR,
    MISSION_OPEN,
    MISSION_OPEN_RED_DOOR,
    MISSION_OPEN_DOOR,
    MISSION_OPEN_TWO_DOORS,
    MISSION_OPEN_DOORS_ORDER,
    MISSION_PICKUP,
    MISSION_UNBLOCK_PICKUP,
    MISSION_PICKUP_DIST,
    MISSION_PICKUP_ABOVE,
    MISSION_PUT_NEXT_LOCAL,
    MISSION_PUT_NEXT,
    MISSION_UNLOCK,
    MISSION_UNLOCK_LOCAL,
    MISSION_KEY_IN_BOX,
    MISSION_UNLOCK_PICKUP,
    MISSION_BLOCKED_UNLOCK_PICKUP,
    MISSION_UNLOCK_TO_UNLOCK,
    MISSION_ACTION_OBJ_DOOR,
    MISSION_FIND_OBJ,
    MISSION_KEY_CORRIDOR,
    MISSION_ONE_ROOM,
    MISSION_MOVE_TWO_ACROSS,
    MISSION_LEVEL_GEN,
    MISSION_KINDS
} mission_kind;

/* Bit 1 << verb is BABYAI_SAYS_… of babyai.h. */
typedef enum verb { VERB_GO_TO, VERB_PICK_UP, VERB_OPEN, VERB_PUT_NEXT, VERBS } verb;

enum { /* option bits; what each means is said in levels.c */
       OPTION_GREY = 1,
       OPTION_DOORS_OPEN = 2,
       OPTION_STRICT = 4,
       OPTION_BY_COLOUR = 8,
       OPTION_BY_PLACE = 16,
       OPTION_RED_BLUE = 32,
       OPTION_CARRYING = 64,
       OPTION_DISTRACTORS = 128
};

struct babyai_level {
    const char *name;
    uint8_t version; /* the -v of the registered id */
    uint8_t mission; /* mission_kind */
    uint8_t room_size, columns, rows;
    uint8_t objects; /* the number that the class calls num_dists, num_objs, objs_per_room or num_doors */
    uint8_t options;
    uint16_t max_steps; /* 0: by the mission, see babyai_level_describe */
    /* MISSION_LEVEL_GEN */
    double lock_probability;
    uint8_t verbs; /* number of verbs in the order goto, pickup, open, putnext, starting at first_verb */
    uint8_t first_verb;
    uint8_t compounds; /* 1: single actions; 3: also "and" and sequences */
    bool places, unblocking, implicit_unlock;
};

#endif
