/* The 96 registered environments, in the reference's order. */
#include "babyai/level.h"

#include <stdio.h>
#include <string.h>

#define LEVEL(level_name, kind, room, column_count, row_count, ...)                                                    \
    {                                                                                                                  \
        .name = #level_name, .mission = MISSION_##kind, .room_size = room, .columns = column_count, .rows = row_count, \
        __VA_ARGS__                                                                                                    \
    }
/* OPTION_STRICT: a wrong object or door ends the episode. OPTION_CARRYING: the object to be moved is in hand at once.
 */
#define ONE_ROOM(name, kind, room, ...) LEVEL(name, kind, room, 1, 1, __VA_ARGS__)
#define MAZE(name, kind, room, ...) LEVEL(name, kind, room, 3, 3, __VA_ARGS__)
#define GRAMMAR(name, room, columns, rows, n, ...)                                                                     \
    LEVEL(name, LEVEL_GEN, room, columns, rows, .objects = n, __VA_ARGS__)
#define ALL_VERBS .verbs = 4, .compounds = 3

static const babyai_level LEVELS[] = {
    ONE_ROOM(GoToRedBallGrey, GO_TO_RED_BALL, 8, .objects = 7, .options = OPTION_GREY),
    ONE_ROOM(GoToRedBall, GO_TO_RED_BALL, 8, .objects = 7),
    ONE_ROOM(GoToRedBallNoDists, GO_TO_RED_BALL, 8, .objects = 0),
    ONE_ROOM(GoToObj, GO_TO_OBJ, 8, .objects = 1),
    ONE_ROOM(GoToObjS4, GO_TO_OBJ, 4, .objects = 1),
    ONE_ROOM(GoToObjS6, GO_TO_OBJ, 6, .objects = 1, .version = 1),
    ONE_ROOM(GoToLocal, GO_TO_LOCAL, 8, .objects = 8),
    ONE_ROOM(GoToLocalS5N2, GO_TO_LOCAL, 5, .objects = 2),
    ONE_ROOM(GoToLocalS6N2, GO_TO_LOCAL, 6, .objects = 2),
    ONE_ROOM(GoToLocalS6N3, GO_TO_LOCAL, 6, .objects = 3),
    ONE_ROOM(GoToLocalS6N4, GO_TO_LOCAL, 6, .objects = 4),
    ONE_ROOM(GoToLocalS7N4, GO_TO_LOCAL, 7, .objects = 4),
    ONE_ROOM(GoToLocalS7N5, GO_TO_LOCAL, 7, .objects = 5),
    ONE_ROOM(GoToLocalS8N2, GO_TO_LOCAL, 8, .objects = 2),
    ONE_ROOM(GoToLocalS8N3, GO_TO_LOCAL, 8, .objects = 3),
    ONE_ROOM(GoToLocalS8N4, GO_TO_LOCAL, 8, .objects = 4),
    ONE_ROOM(GoToLocalS8N5, GO_TO_LOCAL, 8, .objects = 5),
    ONE_ROOM(GoToLocalS8N6, GO_TO_LOCAL, 8, .objects = 6),
    ONE_ROOM(GoToLocalS8N7, GO_TO_LOCAL, 8, .objects = 7),
    MAZE(GoTo, GO_TO, 8, .objects = 18),
    MAZE(GoToOpen, GO_TO, 8, .objects = 18, .options = OPTION_DOORS_OPEN),
    MAZE(GoToObjMaze, GO_TO, 8, .objects = 1),
    MAZE(GoToObjMazeOpen, GO_TO, 8, .objects = 1, .options = OPTION_DOORS_OPEN),
    LEVEL(GoToObjMazeS4R2, GO_TO, 4, 2, 2, .objects = 1),
    MAZE(GoToObjMazeS4, GO_TO, 4, .objects = 1),
    MAZE(GoToObjMazeS5, GO_TO, 5, .objects = 1),
    MAZE(GoToObjMazeS6, GO_TO, 6, .objects = 1),
    MAZE(GoToObjMazeS7, GO_TO, 7, .objects = 1),
    MAZE(GoToImpUnlock, GO_TO_IMP_UNLOCK, 8, .objects = 1),
    GRAMMAR(GoToSeq, 8, 3, 3, 18, .verbs = 1, .compounds = 3, .implicit_unlock = true),
    GRAMMAR(GoToSeqS5R2, 5, 2, 2, 4, .verbs = 1, .compounds = 3, .implicit_unlock = true),
    ONE_ROOM(GoToRedBlueBall, GO_TO_RED_BLUE_BALL, 8, .objects = 7),
    MAZE(GoToDoor, GO_TO_DOOR, 7, .objects = 0),
    MAZE(GoToObjDoor, GO_TO_OBJ_DOOR, 8, .objects = 8),
    MAZE(Open, OPEN, 8, .objects = 18),
    LEVEL(OpenRedDoor, OPEN_RED_DOOR, 5, 2, 1, .objects = 0),
    MAZE(OpenDoor, OPEN_DOOR, 8, .objects = 0),
    MAZE(OpenDoorDebug, OPEN_DOOR, 8, .options = OPTION_STRICT),
    MAZE(OpenDoorColor, OPEN_DOOR, 8, .options = OPTION_BY_COLOUR),
    MAZE(OpenDoorLoc, OPEN_DOOR, 8, .options = OPTION_BY_PLACE),
    MAZE(OpenTwoDoors, OPEN_TWO_DOORS, 6, .max_steps = 720),
    MAZE(OpenRedBlueDoors, OPEN_TWO_DOORS, 6, .max_steps = 720, .options = OPTION_RED_BLUE),
    MAZE(OpenRedBlueDoorsDebug, OPEN_TWO_DOORS, 6, .max_steps = 720, .options = OPTION_RED_BLUE | OPTION_STRICT),
    MAZE(OpenDoorsOrderN2, OPEN_DOORS_ORDER, 6, .objects = 2, .max_steps = 720),
    MAZE(OpenDoorsOrderN4, OPEN_DOORS_ORDER, 6, .objects = 4, .max_steps = 720),
    MAZE(OpenDoorsOrderN2Debug, OPEN_DOORS_ORDER, 6, .objects = 2, .max_steps = 720, .options = OPTION_STRICT),
    MAZE(OpenDoorsOrderN4Debug, OPEN_DOORS_ORDER, 6, .objects = 4, .max_steps = 720, .options = OPTION_STRICT),
    MAZE(Pickup, PICKUP, 8, .objects = 18),
    MAZE(UnblockPickup, UNBLOCK_PICKUP, 8, .objects = 20),
    GRAMMAR(PickupLoc, 8, 1, 1, 8, .verbs = 1, .first_verb = 1, .compounds = 1, .places = true,
            .implicit_unlock = true),
    ONE_ROOM(PickupDist, PICKUP_DIST, 7, .objects = 5),
    ONE_ROOM(PickupDistDebug, PICKUP_DIST, 7, .objects = 5, .options = OPTION_STRICT),
    MAZE(PickupAbove, PICKUP_ABOVE, 6, .max_steps = 288),
    ONE_ROOM(PutNextLocal, PUT_NEXT_LOCAL, 8, .objects = 8),
    ONE_ROOM(PutNextLocalS5N3, PUT_NEXT_LOCAL, 5, .objects = 3),
    ONE_ROOM(PutNextLocalS6N4, PUT_NEXT_LOCAL, 6, .objects = 4),
    LEVEL(PutNextS4N1, PUT_NEXT, 4, 2, 1, .objects = 1, .max_steps = 128),
    LEVEL(PutNextS5N2, PUT_NEXT, 5, 2, 1, .objects = 2, .max_steps = 200),
    LEVEL(PutNextS5N1, PUT_NEXT, 5, 2, 1, .objects = 1, .max_steps = 200),
    LEVEL(PutNextS6N3, PUT_NEXT, 6, 2, 1, .objects = 3, .max_steps = 288),
    LEVEL(PutNextS7N4, PUT_NEXT, 7, 2, 1, .objects = 4, .max_steps = 392),
    LEVEL(PutNextS5N2Carrying, PUT_NEXT, 5, 2, 1, .objects = 2, .max_steps = 200, .options = OPTION_CARRYING),
    LEVEL(PutNextS6N3Carrying, PUT_NEXT, 6, 2, 1, .objects = 3, .max_steps = 288, .options = OPTION_CARRYING),
    LEVEL(PutNextS7N4Carrying, PUT_NEXT, 7, 2, 1, .objects = 4, .max_steps = 392, .options = OPTION_CARRYING),
    MAZE(Unlock, UNLOCK, 8, .objects = 3),
    MAZE(UnlockLocal, UNLOCK_LOCAL, 8, .objects = 0),
    MAZE(UnlockLocalDist, UNLOCK_LOCAL, 8, .objects = 3, .options = OPTION_DISTRACTORS),
    MAZE(KeyInBox, KEY_IN_BOX, 8, .objects = 0),
    LEVEL(UnlockPickup, UNLOCK_PICKUP, 6, 2, 1, .objects = 0), /* the reference means 288, and gets 72 (Q4) */
    LEVEL(UnlockPickupDist, UNLOCK_PICKUP, 6, 2, 1, .objects = 4, .options = OPTION_DISTRACTORS),
    LEVEL(BlockedUnlockPickup, BLOCKED_UNLOCK_PICKUP, 6, 2, 1, .max_steps = 576),
    LEVEL(UnlockToUnlock, UNLOCK_TO_UNLOCK, 6, 3, 1, .max_steps = 1080),
    MAZE(ActionObjDoor, ACTION_OBJ_DOOR, 7, .objects = 5),
    MAZE(FindObjS5, FIND_OBJ, 5, .max_steps = 500),
    MAZE(FindObjS6, FIND_OBJ, 6, .max_steps = 720),
    MAZE(FindObjS7, FIND_OBJ, 7, .max_steps = 980),
    LEVEL(KeyCorridor, KEY_CORRIDOR, 6, 3, 3, .max_steps = 1080),
    LEVEL(KeyCorridorS3R1, KEY_CORRIDOR, 3, 3, 1, .max_steps = 270),
    LEVEL(KeyCorridorS3R2, KEY_CORRIDOR, 3, 3, 2, .max_steps = 270),
    LEVEL(KeyCorridorS3R3, KEY_CORRIDOR, 3, 3, 3, .max_steps = 270),
    LEVEL(KeyCorridorS4R3, KEY_CORRIDOR, 4, 3, 3, .max_steps = 480),
    LEVEL(KeyCorridorS5R3, KEY_CORRIDOR, 5, 3, 3, .max_steps = 750),
    LEVEL(KeyCorridorS6R3, KEY_CORRIDOR, 6, 3, 3, .max_steps = 1080),
    ONE_ROOM(OneRoomS8, ONE_ROOM, 8, .objects = 0),
    ONE_ROOM(OneRoomS12, ONE_ROOM, 12, .objects = 0),
    ONE_ROOM(OneRoomS16, ONE_ROOM, 16, .objects = 0),
    ONE_ROOM(OneRoomS20, ONE_ROOM, 20, .objects = 0),
    LEVEL(MoveTwoAcrossS5N2, MOVE_TWO_ACROSS, 5, 2, 1, .objects = 2, .max_steps = 400),
    LEVEL(MoveTwoAcrossS8N9, MOVE_TWO_ACROSS, 8, 2, 1, .objects = 9, .max_steps = 1024),
    GRAMMAR(Synth, 8, 3, 3, 18, .lock_probability = 0.5, .verbs = 4, .compounds = 1, .unblocking = true),
    GRAMMAR(SynthS5R2, 5, 3, 2, 18, .lock_probability = 0.5, .verbs = 4, .compounds = 1, .unblocking = true),
    GRAMMAR(SynthLoc, 8, 3, 3, 18, .lock_probability = 0.5, .verbs = 4, .compounds = 1, .unblocking = true,
            .places = true),
    GRAMMAR(SynthSeq, 8, 3, 3, 18, .lock_probability = 0.5, ALL_VERBS, .unblocking = true, .places = true),
    GRAMMAR(MiniBossLevel, 5, 2, 2, 7, .lock_probability = 0.25, ALL_VERBS, .unblocking = true, .places = true,
            .implicit_unlock = true),
    GRAMMAR(BossLevel, 8, 3, 3, 18, .lock_probability = 0.5, ALL_VERBS, .unblocking = true, .places = true,
            .implicit_unlock = true),
    GRAMMAR(BossLevelNoUnlock, 8, 3, 3, 18, ALL_VERBS, .unblocking = true, .places = true),
};

enum { LEVEL_COUNT = sizeof LEVELS / sizeof LEVELS[0] };
_Static_assert(LEVEL_COUNT == 96, "the reference registers 96 environments");

size_t babyai_level_count(void)
{
    return LEVEL_COUNT;
}

const babyai_level *babyai_level_at(size_t index)
{
    return index < LEVEL_COUNT ? &LEVELS[index] : NULL;
}

const char *babyai_level_name(const babyai_level *level)
{
    return level->name;
}

/* "GoToLocal", with or without "BabyAI-" before and the registered "-v0" behind. */
const babyai_level *babyai_level_find(const char *name)
{
    static const char family[] = "BabyAI-";
    if (!name) return NULL;
    if (!strncmp(name, family, sizeof family - 1)) name += sizeof family - 1;
    for (size_t i = 0; i < LEVEL_COUNT; i++) {
        const size_t bytes = strlen(LEVELS[i].name);
        if (strncmp(name, LEVELS[i].name, bytes) != 0) continue;
        const char *rest = name + bytes;
        const char version[] = {'-', 'v', (char)('0' + LEVELS[i].version), 0};
        if (*rest == 0 || !strcmp(rest, version)) return &LEVELS[i];
    }
    return NULL;
}

static unsigned says(const babyai_level *level)
{
    switch ((mission_kind)level->mission) {
    case MISSION_GO_TO_RED_BALL:
    case MISSION_GO_TO_OBJ:
    case MISSION_GO_TO_LOCAL:
    case MISSION_GO_TO:
    case MISSION_GO_TO_IMP_UNLOCK:
    case MISSION_GO_TO_RED_BLUE_BALL:
    case MISSION_GO_TO_DOOR:
    case MISSION_GO_TO_OBJ_DOOR:
        return BABYAI_SAYS_GO_TO;
    case MISSION_OPEN:
    case MISSION_OPEN_RED_DOOR:
    case MISSION_OPEN_DOOR:
    case MISSION_UNLOCK:
    case MISSION_UNLOCK_LOCAL:
    case MISSION_KEY_IN_BOX:
        return BABYAI_SAYS_OPEN;
    case MISSION_OPEN_TWO_DOORS:
        return BABYAI_SAYS_OPEN | BABYAI_SAYS_THEN;
    case MISSION_OPEN_DOORS_ORDER:
        return BABYAI_SAYS_OPEN | BABYAI_SAYS_THEN | BABYAI_SAYS_AFTER;
    case MISSION_PICKUP:
    case MISSION_UNBLOCK_PICKUP:
    case MISSION_PICKUP_DIST:
    case MISSION_PICKUP_ABOVE:
    case MISSION_UNLOCK_PICKUP:
    case MISSION_BLOCKED_UNLOCK_PICKUP:
    case MISSION_UNLOCK_TO_UNLOCK:
    case MISSION_FIND_OBJ:
    case MISSION_KEY_CORRIDOR:
    case MISSION_ONE_ROOM:
        return BABYAI_SAYS_PICK_UP;
    case MISSION_PUT_NEXT_LOCAL:
    case MISSION_PUT_NEXT:
        return BABYAI_SAYS_PUT_NEXT;
    case MISSION_MOVE_TWO_ACROSS:
        return BABYAI_SAYS_PUT_NEXT | BABYAI_SAYS_THEN;
    case MISSION_ACTION_OBJ_DOOR:
        return BABYAI_SAYS_GO_TO | BABYAI_SAYS_PICK_UP | BABYAI_SAYS_OPEN;
    case MISSION_LEVEL_GEN:
        return ((1U << level->verbs) - 1) << level->first_verb |
               (level->compounds > 1 ? BABYAI_SAYS_AND | BABYAI_SAYS_THEN | BABYAI_SAYS_AFTER : 0);
    case MISSION_KINDS:
        break;
    }
    return 0;
}

babyai_level_info babyai_level_describe(const babyai_level *level)
{
    babyai_level_info info = {
        .columns = level->columns,
        .rows = level->rows,
        .room_size = level->room_size,
        .width = (level->room_size - 1) * level->columns + 1,
        .height = (level->room_size - 1) * level->rows + 1,
        .says = says(level),
        .max_steps = level->max_steps,
        .steps_per_action = level->room_size * level->room_size * level->rows * level->columns,
    };
    snprintf(info.id, sizeof info.id, "BabyAI-%s-v%u", level->name, level->version);
    const int most = info.says & BABYAI_SAYS_PUT_NEXT ? 2 : 1,
              fewest = info.says & ~(unsigned)BABYAI_SAYS_PUT_NEXT ? 1 : 2;
    const int clauses = level->mission == MISSION_LEVEL_GEN && level->compounds > 1 ? 4 : 1;
    info.fewest_steps = info.max_steps ? info.max_steps : fewest * info.steps_per_action;
    info.most_steps = info.max_steps ? info.max_steps : most * clauses * info.steps_per_action;
    return info;
}
