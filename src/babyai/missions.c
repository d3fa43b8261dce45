/* One function for each of the reference's mission generators, in its order of draws. */
#include "babyai/rooms.h"

static int kind_of(const maker *m, int id)
{
    return (int)code_kind(m->env->world->code[id]);
}
static int colour_of(const maker *m, int id)
{
    return (int)code_colour(m->env->world->code[id]);
}
static noun noun_of_id(const maker *m, int id)
{
    switch (code_kind(m->env->world->code[id])) {
    case KIND_KEY:
        return NOUN_KEY;
    case KIND_BALL:
        return NOUN_BALL;
    case KIND_BOX:
        return NOUN_BOX;
    default:
        return NOUN_DOOR;
    }
}

/* ---- instructions */

static clause *begin_clause(instruction *instr, int index, verb what, bool strict)
{
    clause *c = &instr->clause[index];
    c->verb = (uint8_t)what;
    c->strict = strict;
    return c;
}

static void single(maker *m)
{
    instruction *instr = &m->env->world->instruction;
    instr->sequence = SEQUENCE_NONE;
    instr->parts = 1;
    instr->clauses[0] = 1;
    instr->clauses[1] = 0;
}

static void two_parts(maker *m, sequence order)
{
    instruction *instr = &m->env->world->instruction;
    instr->sequence = (uint8_t)order;
    instr->parts = 2;
    instr->clauses[0] = instr->clauses[1] = 1;
}

/* "VERB the COLOUR NOUN" as clause `index`. */
static void say(maker *m, int index, verb what, noun kind, int colour, bool strict)
{
    babyai_describe(&begin_clause(&m->env->world->instruction, index, what, strict)->a, kind, (cell_colour)colour,
                    PLACE_ANY);
}

static made say_single(maker *m, verb what, noun kind, int colour)
{
    single(m);
    say(m, 0, what, kind, colour, m->env->level->options & OPTION_STRICT);
    return MADE;
}

static made say_object(maker *m, verb what, int id)
{
    return say_single(m, what, noun_of_id(m, id), colour_of(m, id));
}

static void say_put_next(maker *m, int index, int move, int fixed)
{
    clause *c = begin_clause(&m->env->world->instruction, index, VERB_PUT_NEXT, false);
    babyai_describe(&c->a, noun_of_id(m, move), (cell_colour)colour_of(m, move), PLACE_ANY);
    babyai_describe(&c->b, noun_of_id(m, fixed), (cell_colour)colour_of(m, fixed), PLACE_ANY);
}

/* Draws k of the n values without replacement, as rand_subset: out in order of the draws, values keep their order. */
static void subset(maker *m, int *values, int n, int k, int *out)
{
    for (int i = 0; i < k; i++, n--) {
        const int at = draw(m, n);
        out[i] = values[at];
        for (int j = at; j + 1 < n; j++) values[j] = values[j + 1];
    }
}

static void colour_subset(maker *m, int k, int *out)
{
    int colours[COLOUR_COUNT];
    for (int i = 0; i < COLOUR_COUNT; i++) colours[i] = ROOMS_COLOURS[i];
    subset(m, colours, COLOUR_COUNT, k, out);
}

static void set_colour(maker *m, int id, cell_colour colour)
{
    babyai_env *env = m->env;
    env->world->code[id] = cell_code(code_kind(env->world->code[id]), colour);
    env_show(env, position_x(env->world->at[id]), position_y(env->world->at[id]), env->world->code[id]);
}

static void open_all_doors(maker *m)
{
    babyai_env *env = m->env;
    for (int id = ID_FIRST; id < m->next_id; id++)
        if (kind_is_door(code_kind(env->world->code[id]))) {
            env->world->code[id] = cell_code(KIND_DOOR_OPEN, code_colour(env->world->code[id]));
            env_show(env, position_x(env->world->at[id]), position_y(env->world->at[id]), env->world->code[id]);
        }
}

/* place_agent() until the room is not the locked one. */
static made place_agent_outside(maker *m, int locked_room)
{
    for (int tries = 0; tries < TRIES_ENDLESS; tries++) {
        MAKE(rooms_place_agent(m, ANY, ANY));
        if (rooms_of_agent(m) != locked_room) return MADE;
    }
    return STUCK;
}

/* ---- going */

static made go_to_red_ball(maker *m)
{
    int others[DISTRACTORS_MAX];
    MAKE(rooms_place_agent(m, ANY, ANY));
    MAKE(rooms_add_object(m, 0, 0, KIND_BALL, COLOUR_RED, NULL));
    MAKE(rooms_add_distractors(m, ANY, ANY, m->env->level->objects, false, others));
    if (m->env->level->options & OPTION_GREY)
        for (int i = 0; i < m->env->level->objects; i++) set_colour(m, others[i], COLOUR_GREY);
    if (!rooms_all_reachable(m)) return REJECTED;
    return say_single(m, VERB_GO_TO, NOUN_BALL, COLOUR_RED);
}

static made go_to_obj(maker *m)
{
    int id;
    MAKE(rooms_place_agent(m, ANY, ANY));
    MAKE(rooms_add_distractors(m, ANY, ANY, 1, true, &id));
    return say_object(m, VERB_GO_TO, id);
}

static made go_to_local(maker *m)
{
    const int n = m->env->level->objects;
    int ids[DISTRACTORS_MAX];
    MAKE(rooms_place_agent(m, ANY, ANY));
    MAKE(rooms_add_distractors(m, ANY, ANY, n, false, ids));
    if (!rooms_all_reachable(m)) return REJECTED;
    return say_object(m, VERB_GO_TO, ids[draw(m, n)]);
}

static made go_to(maker *m)
{
    const int n = m->env->level->objects;
    int ids[DISTRACTORS_MAX];
    MAKE(rooms_place_agent(m, ANY, ANY));
    MAKE(rooms_connect_all(m, ANY));
    MAKE(rooms_add_distractors(m, ANY, ANY, n, false, ids));
    if (!rooms_all_reachable(m)) return REJECTED;
    MAKE(say_object(m, VERB_GO_TO, ids[draw(m, n)]));
    if (m->env->level->options & OPTION_DOORS_OPEN) open_all_doors(m);
    return MADE;
}

/* A locked door, and its key in a room that is drawn once, be it the locked one (Q1). */
static made lock_a_room(maker *m, int *column, int *row, int *door)
{
    *column = draw(m, m->columns);
    *row = draw(m, m->rows);
    MAKE(rooms_add_door(m, *column, *row, ANY, ANY, true, door));
    const int key_column = draw(m, m->columns), key_row = draw(m, m->rows);
    return rooms_add_object(m, key_column, key_row, KIND_KEY, colour_of(m, *door), NULL);
}

static made distract_every_room(maker *m, int n)
{
    for (int i = 0; i < m->columns; i++)
        for (int j = 0; j < m->rows; j++) MAKE(rooms_add_distractors(m, i, j, n, false, NULL));
    return MADE;
}

static made go_to_imp_unlock(maker *m)
{
    int column, row, door, id;
    MAKE(lock_a_room(m, &column, &row, &door));
    MAKE(rooms_connect_all(m, ANY));
    MAKE(distract_every_room(m, 2));
    MAKE(place_agent_outside(m, row * m->columns + column));
    if (!rooms_all_reachable(m)) return REJECTED;
    MAKE(rooms_add_distractors(m, column, row, 1, false, &id));
    return say_object(m, VERB_GO_TO, id);
}

static made go_to_red_blue_ball(maker *m)
{
    const int n = m->env->level->objects;
    int ids[DISTRACTORS_MAX], ball;
    MAKE(rooms_place_agent(m, ANY, ANY));
    MAKE(rooms_add_distractors(m, ANY, ANY, n, false, ids));
    for (int i = 0; i < n; i++)
        if (kind_of(m, ids[i]) == KIND_BALL &&
            (colour_of(m, ids[i]) == COLOUR_BLUE || colour_of(m, ids[i]) == COLOUR_RED))
            return REJECTED;
    const int colour = draw(m, 2) == 0 ? COLOUR_RED : COLOUR_BLUE;
    MAKE(rooms_add_object(m, 0, 0, KIND_BALL, colour, &ball));
    if (!rooms_all_reachable(m)) return REJECTED;
    return say_object(m, VERB_GO_TO, ball);
}

static made four_doors(maker *m, int locked, int ids[4])
{
    for (int i = 0; i < 4; i++) MAKE(rooms_add_door(m, 1, 1, ANY, ANY, locked, &ids[i]));
    return MADE;
}

static made go_to_door(maker *m)
{
    int doors[4];
    MAKE(four_doors(m, ANY, doors));
    MAKE(rooms_place_agent(m, 1, 1));
    return say_object(m, VERB_GO_TO, doors[draw(m, 4)]);
}

static made go_to_obj_door(maker *m)
{
    int ids[8 + 4];
    MAKE(rooms_place_agent(m, 1, 1));
    MAKE(rooms_add_distractors(m, 1, 1, 8, false, ids));
    MAKE(four_doors(m, ANY, ids + 8));
    if (!rooms_all_reachable(m)) return REJECTED;
    return say_object(m, VERB_GO_TO, ids[draw(m, 8 + 4)]);
}

/* ---- opening */

static made open_any(maker *m)
{
    MAKE(rooms_place_agent(m, ANY, ANY));
    MAKE(rooms_connect_all(m, ANY));
    MAKE(rooms_add_distractors(m, ANY, ANY, m->env->level->objects, false, NULL));
    if (!rooms_all_reachable(m)) return REJECTED;
    int doors[ROOMS_MAX * SIDES], count = 0; /* every door twice: once from each side (Q12) */
    for (int i = 0; i < m->columns; i++)
        for (int j = 0; j < m->rows; j++)
            for (int side = 0; side < SIDES; side++)
                if (room_at(m, i, j)->door[side] != DOOR_NONE) doors[count++] = room_at(m, i, j)->door[side];
    return say_object(m, VERB_OPEN, doors[draw(m, count)]);
}

static made open_red_door(maker *m)
{
    MAKE(rooms_add_door(m, 0, 0, 0, COLOUR_RED, false, NULL));
    MAKE(rooms_place_agent(m, 0, 0));
    return say_single(m, VERB_OPEN, NOUN_DOOR, COLOUR_RED);
}

static made open_door(maker *m)
{
    const unsigned options = m->env->level->options;
    int colours[4];
    colour_subset(m, 4, colours);
    for (int side = 0; side < 4; side++) MAKE(rooms_add_door(m, 1, 1, side, colours[side], false, NULL));
    bool by_colour = options & OPTION_BY_COLOUR;
    if (!(options & (OPTION_BY_COLOUR | OPTION_BY_PLACE))) by_colour = draw(m, 2) == 0;
    const place where = by_colour ? PLACE_ANY : (place)draw(m, 4);
    MAKE(rooms_place_agent(m, 1, 1));
    single(m);
    clause *c = begin_clause(&m->env->world->instruction, 0, VERB_OPEN, options & OPTION_STRICT);
    babyai_describe(&c->a, NOUN_DOOR, by_colour ? (cell_colour)colours[0] : COLOUR_ANY, where);
    return MADE;
}

static made open_two_doors(maker *m)
{
    const unsigned options = m->env->level->options;
    int colours[2];
    colour_subset(m, 2, colours);
    if (options & OPTION_RED_BLUE) {
        colours[0] = COLOUR_RED;
        colours[1] = COLOUR_BLUE;
    }
    MAKE(rooms_add_door(m, 1, 1, 2, colours[0], false, NULL));
    MAKE(rooms_add_door(m, 1, 1, 0, colours[1], false, NULL));
    MAKE(rooms_place_agent(m, 1, 1));
    two_parts(m, SEQUENCE_BEFORE);
    say(m, 0, VERB_OPEN, NOUN_DOOR, colours[0], options & OPTION_STRICT);
    say(m, 2, VERB_OPEN, NOUN_DOOR, colours[1], false);
    return MADE;
}

static made open_doors_order(maker *m)
{
    const bool strict = m->env->level->options & OPTION_STRICT;
    const int n = m->env->level->objects;
    int colours[4], doors[4], two[2];
    colour_subset(m, n, colours);
    for (int i = 0; i < n; i++) MAKE(rooms_add_door(m, 1, 1, ANY, colours[i], false, &doors[i]));
    MAKE(rooms_place_agent(m, 1, 1));
    subset(m, doors, n, 2, two);
    const int mode = draw(m, 3);
    if (mode == 0) return say_object(m, VERB_OPEN, two[0]);
    two_parts(m, mode == 1 ? SEQUENCE_BEFORE : SEQUENCE_AFTER);
    say(m, 0, VERB_OPEN, NOUN_DOOR, colour_of(m, two[0]), strict);
    say(m, 2, VERB_OPEN, NOUN_DOOR, colour_of(m, two[1]), strict);
    return MADE;
}

/* ---- picking up */

static made pick_up(maker *m, bool unblock)
{
    const int n = m->env->level->objects;
    int ids[DISTRACTORS_MAX];
    MAKE(rooms_place_agent(m, ANY, ANY));
    MAKE(rooms_connect_all(m, ANY));
    MAKE(rooms_add_distractors(m, ANY, ANY, n, false, ids));
    if (rooms_all_reachable(m) == unblock) return REJECTED;
    return say_object(m, VERB_PICK_UP, ids[draw(m, n)]);
}

static made pick_up_dist(maker *m)
{
    int ids[5];
    MAKE(rooms_add_distractors(m, ANY, ANY, 5, true, ids));
    MAKE(rooms_place_agent(m, 0, 0));
    const int id = ids[draw(m, 5)];
    const int select = draw(m, 3); /* type, colour, both */
    return say_single(m, VERB_PICK_UP, select == 1 ? NOUN_ANY : noun_of_id(m, id),
                      select == 0 ? (int)COLOUR_ANY : colour_of(m, id));
}

static made pick_up_above(maker *m)
{
    int id;
    MAKE(rooms_add_object(m, 1, 0, ANY, ANY, &id));
    MAKE(rooms_add_door(m, 1, 1, 3, ANY, false, NULL));
    MAKE(rooms_place_agent(m, 1, 1));
    MAKE(rooms_connect_all(m, ANY));
    return say_object(m, VERB_PICK_UP, id);
}

/* ---- putting next to */

static made put_next_local(maker *m)
{
    const int n = m->env->level->objects;
    int ids[DISTRACTORS_MAX], two[2];
    MAKE(rooms_place_agent(m, ANY, ANY));
    MAKE(rooms_add_distractors(m, ANY, ANY, n, true, ids));
    if (!rooms_all_reachable(m)) return REJECTED;
    subset(m, ids, n, 2, two);
    single(m);
    say_put_next(m, 0, two[0], two[1]);
    return MADE;
}

static made two_rooms(maker *m, int *left, int *right)
{
    const int n = m->env->level->objects;
    MAKE(rooms_place_agent(m, 0, 0));
    MAKE(rooms_add_distractors(m, 0, 0, n, true, left));
    MAKE(rooms_add_distractors(m, 1, 0, n, true, right));
    rooms_remove_wall(m, 0, 0, 0);
    return MADE;
}

static made put_next(maker *m)
{
    const int n = m->env->level->objects;
    int left[DISTRACTORS_MAX], right[DISTRACTORS_MAX];
    MAKE(two_rooms(m, left, right));
    int move = left[draw(m, n)], fixed = right[draw(m, n)];
    if (draw_bool(m)) {
        const int swap = move;
        move = fixed;
        fixed = swap;
    }
    single(m);
    say_put_next(m, 0, move, fixed);
    if (m->env->level->options & OPTION_CARRYING) m->env->carrying = (uint8_t)move; /* taken up after the reset */
    return MADE;
}

static made move_two_across(maker *m)
{
    const int n = m->env->level->objects;
    int left[DISTRACTORS_MAX], right[DISTRACTORS_MAX], l[2], r[2];
    MAKE(two_rooms(m, left, right));
    subset(m, left, n, 2, l);
    subset(m, right, n, 2, r);
    two_parts(m, SEQUENCE_BEFORE);
    say_put_next(m, 0, l[0], r[0]);
    say_put_next(m, 2, r[1], l[1]);
    return MADE;
}

/* ---- unlocking */

static made unlock(maker *m)
{
    int column, row, door;
    MAKE(lock_a_room(m, &column, &row, &door));
    MAKE(rooms_connect_all(m, draw_bool(m) ? colour_of(m, door) : ANY));
    MAKE(distract_every_room(m, 3));
    MAKE(place_agent_outside(m, row * m->columns + column));
    if (!rooms_all_reachable(m)) return REJECTED;
    return say_object(m, VERB_OPEN, door);
}

static made unlock_local(maker *m)
{
    int door;
    MAKE(rooms_add_door(m, 1, 1, ANY, ANY, true, &door));
    MAKE(rooms_add_object(m, 1, 1, KIND_KEY, colour_of(m, door), NULL));
    if (m->env->level->options & OPTION_DISTRACTORS) MAKE(rooms_add_distractors(m, 1, 1, 3, true, NULL));
    MAKE(rooms_place_agent(m, 1, 1));
    return say_single(m, VERB_OPEN, NOUN_DOOR, COLOUR_ANY);
}

static made key_in_box(maker *m)
{
    int door, box;
    MAKE(rooms_add_door(m, 1, 1, ANY, ANY, true, &door));
    MAKE(rooms_add_object(m, 1, 1, KIND_BOX, ANY, &box));
    const int key = m->next_id++;
    m->env->world->code[key] = cell_code(KIND_KEY, (cell_colour)colour_of(m, door));
    m->env->world->at[key] = POSITION_NONE;
    m->env->world->box_with_key = (uint8_t)box;
    m->env->world->key_in_box = (uint8_t)key;
    MAKE(rooms_place_agent(m, 1, 1));
    return say_single(m, VERB_OPEN, NOUN_DOOR, COLOUR_ANY);
}

static made unlock_pick_up(maker *m)
{
    int box, door;
    MAKE(rooms_add_object(m, 1, 0, KIND_BOX, ANY, &box));
    MAKE(rooms_add_door(m, 0, 0, 0, ANY, true, &door));
    MAKE(rooms_add_object(m, 0, 0, KIND_KEY, colour_of(m, door), NULL));
    if (m->env->level->options & OPTION_DISTRACTORS) MAKE(rooms_add_distractors(m, ANY, ANY, 4, true, NULL));
    MAKE(rooms_place_agent(m, 0, 0));
    return say_object(m, VERB_PICK_UP, box);
}

static made blocked_unlock_pick_up(maker *m)
{
    int door;
    MAKE(rooms_add_object(m, 1, 0, KIND_BOX, ANY, NULL));
    MAKE(rooms_add_door(m, 0, 0, 0, ANY, true, &door));
    const int ball = m->next_id++;
    m->env->world->code[ball] = cell_code(KIND_BALL, (cell_colour)ROOMS_COLOURS[draw(m, COLOUR_COUNT)]);
    rooms_put(m, position_x(m->env->world->at[door]) - 1, position_y(m->env->world->at[door]), (uint8_t)ball);
    MAKE(rooms_add_object(m, 0, 0, KIND_KEY, colour_of(m, door), NULL));
    MAKE(rooms_place_agent(m, 0, 0));
    return say_single(m, VERB_PICK_UP, NOUN_BOX, COLOUR_ANY);
}

static made unlock_to_unlock(maker *m)
{
    int colours[2];
    colour_subset(m, 2, colours);
    MAKE(rooms_add_door(m, 0, 0, 0, colours[0], true, NULL));
    MAKE(rooms_add_object(m, 2, 0, KIND_KEY, colours[0], NULL));
    MAKE(rooms_add_door(m, 1, 0, 0, colours[1], true, NULL));
    MAKE(rooms_add_object(m, 1, 0, KIND_KEY, colours[1], NULL));
    MAKE(rooms_add_object(m, 0, 0, KIND_BALL, ANY, NULL));
    MAKE(rooms_place_agent(m, 1, 0));
    return say_single(m, VERB_PICK_UP, NOUN_BALL, COLOUR_ANY);
}

/* ---- others */

static made action_obj_door(maker *m)
{
    int ids[5 + 4];
    MAKE(rooms_add_distractors(m, 1, 1, 5, true, ids));
    MAKE(four_doors(m, false, ids + 5));
    MAKE(rooms_place_agent(m, 1, 1));
    const int id = ids[draw(m, 5 + 4)];
    const verb other = kind_is_door(code_kind(m->env->world->code[id])) ? VERB_OPEN : VERB_PICK_UP;
    return say_object(m, draw_bool(m) ? VERB_GO_TO : other, id);
}

static made find_obj(maker *m)
{
    const int i = draw(m, m->rows), j = draw(m, m->columns); /* exchanged in the reference (Q5) */
    int id;
    MAKE(rooms_add_object(m, i, j, ANY, ANY, &id));
    MAKE(rooms_place_agent(m, 1, 1));
    MAKE(rooms_connect_all(m, ANY));
    return say_single(m, VERB_PICK_UP, noun_of_id(m, id), COLOUR_ANY);
}

static made key_corridor(maker *m)
{
    int door;
    for (int j = 1; j < m->rows; j++) rooms_remove_wall(m, 1, j, 3);
    const int row = draw(m, m->rows);
    MAKE(rooms_add_door(m, 2, row, 2, ANY, true, &door));
    MAKE(rooms_add_object(m, 2, row, KIND_BALL, ANY, NULL));
    const int key_row = draw(m, m->rows);
    MAKE(rooms_add_object(m, 0, key_row, KIND_KEY, colour_of(m, door), NULL));
    MAKE(rooms_place_agent(m, 1, m->rows / 2));
    MAKE(rooms_connect_all(m, ANY));
    return say_single(m, VERB_PICK_UP, NOUN_BALL, COLOUR_ANY);
}

static made one_room(maker *m)
{
    MAKE(rooms_add_object(m, 0, 0, KIND_BALL, ANY, NULL));
    MAKE(rooms_place_agent(m, ANY, ANY));
    return say_single(m, VERB_PICK_UP, NOUN_BALL, COLOUR_ANY);
}

/* ---- LevelGen: instructions drawn from the grammar */

static made lock_some_room(maker *m)
{
    babyai_env *env = m->env;
    int column, row, side, door, tries = 0;
    do {
        if (tries++ == TRIES_ENDLESS) return STUCK;
        column = draw(m, m->columns);
        row = draw(m, m->rows);
        side = draw(m, SIDES);
    } while (rooms_neighbour(m, column, row, side) < 0);
    m->locked_room = row * m->columns + column;
    env->world->has_locked_room = true;
    env->world->locked_x = (uint8_t)(column * (m->room_size - 1));
    env->world->locked_y = (uint8_t)(row * (m->room_size - 1));
    MAKE(rooms_add_door(m, column, row, side, ANY, true, &door));
    tries = 0;
    do {
        if (tries++ == TRIES_ENDLESS) return STUCK;
        column = draw(m, m->columns);
        row = draw(m, m->rows);
    } while (row * m->columns + column == m->locked_room);
    return rooms_add_object(m, column, row, KIND_KEY, colour_of(m, door), NULL);
}

/* Whether some match lies outside the locked room's rectangle, walls included; it may be one of an earlier episode
 * (Q2). */
static bool outside_locked_room(const maker *m, const description *what)
{
    const babyai_env *env = m->env;
    for (int i = 0; i < what->positions; i++) {
        const int x = position_x(what->at[i]), y = position_y(what->at[i]);
        if (x < env->world->locked_x || y < env->world->locked_y || x >= env->world->locked_x + m->room_size ||
            y >= env->world->locked_y + m->room_size)
            return true;
    }
    return false;
}

/* Nouns first_noun .. first_noun + nouns - 1 in the reference's order box, ball, key, door. */
static made draw_description(maker *m, description *what, int first_noun, int nouns)
{
    const babyai_level *level = m->env->level;
    for (int tries = 0; tries < 101; tries++) {
        const int c = draw(m, 1 + COLOUR_COUNT);
        const noun kind = (noun)(first_noun + draw(m, nouns));
        const place where = level->places && draw_bool(m) ? (place)draw(m, 4) : PLACE_ANY;
        babyai_describe(what, kind, c == 0 ? COLOUR_ANY : (cell_colour)ROOMS_COLOURS[c - 1], where);
        babyai_match(m->env, what);
        if (what->objects == 0) continue;
        if (!level->implicit_unlock && m->env->world->has_locked_room && !outside_locked_room(m, what)) continue;
        return MADE;
    }
    return TIMED_OUT;
}

static made draw_clause(maker *m, int index)
{
    const babyai_level *level = m->env->level;
    static const verb order[] = {VERB_GO_TO, VERB_PICK_UP, VERB_OPEN, VERB_PUT_NEXT};
    clause *c =
        begin_clause(&m->env->world->instruction, index, order[level->first_verb + draw(m, level->verbs)], false);
    switch ((verb)c->verb) {
    case VERB_GO_TO:
        return draw_description(m, &c->a, NOUN_BOX, 4);
    case VERB_PICK_UP:
        return draw_description(m, &c->a, NOUN_BOX, 3);
    case VERB_OPEN:
        return draw_description(m, &c->a, NOUN_DOOR, 1);
    default:
        break;
    }
    MAKE(draw_description(m, &c->a, NOUN_BOX, 3));
    return draw_description(m, &c->b, NOUN_BOX, 4);
}

/* A clause or, when joined, two. */
static made draw_part(maker *m, int part, bool joined)
{
    m->env->world->instruction.clauses[part] = joined ? 2 : 1;
    MAKE(draw_clause(m, 2 * part));
    return joined ? draw_clause(m, 2 * part + 1) : MADE;
}

static made level_gen(maker *m)
{
    const babyai_level *level = m->env->level;
    if (draws_uniform(&m->draws) < level->lock_probability) MAKE(lock_some_room(m));
    MAKE(rooms_connect_all(m, ANY));
    MAKE(rooms_add_distractors(m, ANY, ANY, level->objects, false, NULL));
    MAKE(place_agent_outside(m, m->locked_room));
    if (!level->unblocking && !rooms_all_reachable(m)) return REJECTED;
    const int kind = draw(m, level->compounds); /* an action, "and", a sequence */
    single(m);
    if (kind < 2) return draw_part(m, 0, kind == 1);
    two_parts(m, SEQUENCE_BEFORE);
    for (int part = 0; part < 2; part++) MAKE(draw_part(m, part, draw(m, 2) == 1));
    if (draw(m, 2) == 1) m->env->world->instruction.sequence = SEQUENCE_AFTER;
    return MADE;
}

made missions_make(maker *m)
{
    switch ((mission_kind)m->env->level->mission) {
    case MISSION_GO_TO_RED_BALL:
        return go_to_red_ball(m);
    case MISSION_GO_TO_OBJ:
        return go_to_obj(m);
    case MISSION_GO_TO_LOCAL:
        return go_to_local(m);
    case MISSION_GO_TO:
        return go_to(m);
    case MISSION_GO_TO_IMP_UNLOCK:
        return go_to_imp_unlock(m);
    case MISSION_GO_TO_RED_BLUE_BALL:
        return go_to_red_blue_ball(m);
    case MISSION_GO_TO_DOOR:
        return go_to_door(m);
    case MISSION_GO_TO_OBJ_DOOR:
        return go_to_obj_door(m);
    case MISSION_OPEN:
        return open_any(m);
    case MISSION_OPEN_RED_DOOR:
        return open_red_door(m);
    case MISSION_OPEN_DOOR:
        return open_door(m);
    case MISSION_OPEN_TWO_DOORS:
        return open_two_doors(m);
    case MISSION_OPEN_DOORS_ORDER:
        return open_doors_order(m);
    case MISSION_PICKUP:
        return pick_up(m, false);
    case MISSION_UNBLOCK_PICKUP:
        return pick_up(m, true);
    case MISSION_PICKUP_DIST:
        return pick_up_dist(m);
    case MISSION_PICKUP_ABOVE:
        return pick_up_above(m);
    case MISSION_PUT_NEXT_LOCAL:
        return put_next_local(m);
    case MISSION_PUT_NEXT:
        return put_next(m);
    case MISSION_UNLOCK:
        return unlock(m);
    case MISSION_UNLOCK_LOCAL:
        return unlock_local(m);
    case MISSION_KEY_IN_BOX:
        return key_in_box(m);
    case MISSION_UNLOCK_PICKUP:
        return unlock_pick_up(m);
    case MISSION_BLOCKED_UNLOCK_PICKUP:
        return blocked_unlock_pick_up(m);
    case MISSION_UNLOCK_TO_UNLOCK:
        return unlock_to_unlock(m);
    case MISSION_ACTION_OBJ_DOOR:
        return action_obj_door(m);
    case MISSION_FIND_OBJ:
        return find_obj(m);
    case MISSION_KEY_CORRIDOR:
        return key_corridor(m);
    case MISSION_ONE_ROOM:
        return one_room(m);
    case MISSION_MOVE_TWO_ACROSS:
        return move_two_across(m);
    case MISSION_LEVEL_GEN:
        return level_gen(m);
    case MISSION_KINDS:
        break;
    }
    return STUCK;
}
