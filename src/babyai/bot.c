/* The expert: a stack of subgoals, replanned at every step (reference, section 10). */
#include "babyai/bot.h"
#include "babyai/search.h"

#include <stdlib.h>

enum { STACK_MAX = 16384, KEYS_MAX = 4096, SEARCHES_MAX = 1000 };

typedef enum goal_kind { GOAL_CLOSE, GOAL_DROP, GOAL_PICK_UP, GOAL_OPEN, GOAL_EXPLORE, GOAL_GO_NEXT } goal_kind;
typedef enum goal_reason {
    REASON_NONE,
    REASON_OPEN,
    REASON_PUT_NEXT,
    REASON_EXPLORE,
    REASON_UNLOCK,
    REASON_KEEP_KEY
} goal_reason;
typedef enum datum_kind { DATUM_NONE, DATUM_CELL, DATUM_DOOR, DATUM_DESCRIPTION, DATUM_KEY } datum_kind;

typedef struct goal {
    uint8_t kind, reason, datum;
    uint16_t value; /* cell, door's id, description 2 * clause + (b), index of keys */
} goal;

struct babyai_bot {
    babyai_env *env;
    search search;
    bot_fault fault;
    uint64_t searches; /* since the bot began */
    int replan_searches;
    uint16_t old_cell; /* the agent's, when it last gave an action */
    uint8_t old_carrying;
    uint8_t old_front;  /* code */
    bool door_was_open; /* the door that was last in front when an action was given */
    int depth, key_count;
    goal stack[STACK_MAX];
    description
        key[KEYS_MAX]; /* "the key of that door": what matched when it was first wanted; the stack's, in its order */
};

bot_fault babyai_bot_fault_of(const babyai_bot *bot)
{
    return bot->fault;
}

const char *babyai_bot_fault_text(bot_fault fault)
{
    switch (fault) {
    case BOT_FAULT_NONE:
        return "-";
    case BOT_FAULT_HANG:
        return "Hang:more than 1000 searches in one replan";
    case BOT_FAULT_ASSERT:
        return "AssertionError:";
    case BOT_FAULT_EXPLORED:
        return "AssertionError:0nothing left to explore";
    case BOT_FAULT_BOX:
        return "DisappearedBoxError:'A box was opened. I am not sure I can help now.'";
    case BOT_FAULT_NO_TARGET:
        return "TypeError:'NoneType' object is not iterable";
    }
    return "-";
}

uint64_t babyai_bot_searches(const babyai_bot *bot)
{
    return bot->searches;
}

/* ---- the agent's surroundings, as cells */

static uint16_t own_cell(const babyai_env *env)
{
    return (uint16_t)(env->x * env->side + env->y);
}
static int step_of(const babyai_env *env, unsigned direction)
{
    return direction_x(direction) * env->side + direction_y(direction);
}
static unsigned right_of(const babyai_env *env)
{
    return (env->direction + 1U) & 3;
}
static unsigned left_of(const babyai_env *env)
{
    return (env->direction + 3U) & 3;
}
static uint16_t front_cell(const babyai_env *env)
{
    return (uint16_t)(own_cell(env) + step_of(env, env->direction));
}
static uint8_t front_code(const babyai_env *env)
{
    return env->by_column[front_cell(env)];
}
static int apart(const babyai_env *env, uint16_t a, uint16_t b)
{
    return abs(a / env->side - b / env->side) + abs(a % env->side - b % env->side);
}
static bool holds_key_of(const babyai_env *env, uint8_t door_code)
{
    if (env->carrying == ID_NONE) return false;
    const uint8_t held = env->world->code[env->carrying];
    return code_kind(held) == KIND_KEY && code_colour(held) == code_colour(door_code);
}

/* ---- the stack */

static void fail(babyai_bot *bot, bot_fault fault)
{
    if (bot->fault == BOT_FAULT_NONE) bot->fault = fault;
}

static void push_datum(babyai_bot *bot, goal_kind kind, goal_reason reason, datum_kind datum, uint16_t value)
{
    if (bot->depth == STACK_MAX) {
        fail(bot, BOT_FAULT_HANG);
        return;
    }
    bot->stack[bot->depth++] = (goal){(uint8_t)kind, (uint8_t)reason, (uint8_t)datum, value};
}
static void push(babyai_bot *bot, goal_kind kind)
{
    push_datum(bot, kind, REASON_NONE, DATUM_NONE, 0);
}
/* CELL_NONE, a search that found nothing, stays a goal until it is looked at: then it is an error. */
static void push_go(babyai_bot *bot, uint16_t cell, goal_reason reason)
{
    push_datum(bot, GOAL_GO_NEXT, reason, cell == CELL_NONE ? DATUM_NONE : DATUM_CELL, cell);
}
static void pop(babyai_bot *bot)
{
    const goal *top = &bot->stack[--bot->depth];
    if (top->datum == DATUM_KEY) bot->key_count--;
}
/* Go to a key of that colour and pick it up (the pick-up is below). Keys are those on the whole grid now, seen or not.
 */
static void push_fetch_key(babyai_bot *bot, cell_colour colour)
{
    if (bot->key_count == KEYS_MAX) {
        fail(bot, BOT_FAULT_HANG);
        return;
    }
    description *key = &bot->key[bot->key_count];
    babyai_describe(key, NOUN_KEY, colour, PLACE_ANY);
    babyai_match(bot->env, key);
    push(bot, GOAL_PICK_UP);
    push_datum(bot, GOAL_GO_NEXT, REASON_NONE, DATUM_KEY, (uint16_t)bot->key_count++);
}

/* ---- searches, counted as the reference makes them */

static bool count_search(babyai_bot *bot)
{
    if (bot->fault != BOT_FAULT_NONE) return false;
    if (bot->replan_searches == SEARCHES_MAX) {
        fail(bot, BOT_FAULT_HANG);
        return false;
    }
    bot->replan_searches++;
    bot->searches++;
    return true;
}

static route shortest_path(babyai_bot *bot, search_for what, uint16_t cell, bool over_things)
{
    route r = {.target = CELL_NONE, .first = CELL_NONE};
    if (!count_search(bot)) return r;
    r = search_free(&bot->search, what, cell);
    if (r.found || !over_things || !count_search(bot)) return r;
    return search_blocked(&bot->search, what, cell);
}

/* Where a thing can be put down, ideally without blocking anything; CELL_NONE: nowhere. */
static uint16_t find_drop(babyai_bot *bot, uint16_t except)
{
    static const struct {
        search_for what;
        bool over_things;
    } tests[] = {{FOR_UNBLOCKING, false}, {FOR_EMPTY, false}, {FOR_UNBLOCKING, true}, {FOR_EMPTY, true}};
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        const route r = shortest_path(bot, tests[i].what, except, tests[i].over_things);
        if (r.found) return r.target;
    }
    return CELL_NONE;
}

/* The nearest seen match; positions may be stale or belong to another object of the list: that is the reference's way.
 */
static uint16_t find_object(babyai_bot *bot, const description *what, bool adjacent, uint8_t *id)
{
    const babyai_env *env = bot->env;
    uint16_t best = CELL_NONE;
    int best_distance = 999;
    if (what->objects == 0) fail(bot, BOT_FAULT_ASSERT);
    for (int i = 0; i < what->objects && i < what->positions && bot->fault == BOT_FAULT_NONE; i++) {
        if (what->object[i] == ID_WALL || what->object[i] == env->carrying) continue;
        const uint16_t cell = (uint16_t)(position_x(what->at[i]) * env->side + position_y(what->at[i]));
        if (!bot->search.seen[cell]) continue;
        const route r = shortest_path(bot, FOR_CELL, cell, true);
        if (!r.found) {
            fail(bot, BOT_FAULT_ASSERT);
            break;
        }
        int distance = r.length;
        if (r.over_things) distance += env->carrying != ID_NONE ? 7 : 4; /* at least that many to clear the way */
        if (distance == 0) distance = adjacent ? 3 : 2;
        if (adjacent && distance == 1) distance = 3;
        if (distance < best_distance) {
            best_distance = distance;
            best = cell;
            *id = what->object[i];
        }
    }
    return best;
}

/* ---- after an action: what to undo */

enum { NO_ACTION = -1 };

static void undo(babyai_bot *bot, int taken)
{
    const babyai_env *env = bot->env;
    const uint8_t front = front_code(env);
    switch (taken) {
    case BABYAI_FORWARD:
        if (bot->old_cell != own_cell(env)) push_go(bot, own_cell(env), REASON_NONE);
        break;
    case BABYAI_LEFT:
        push_go(bot, (uint16_t)(own_cell(env) + step_of(env, right_of(env))), REASON_NONE);
        break;
    case BABYAI_RIGHT:
        push_go(bot, (uint16_t)(own_cell(env) + step_of(env, left_of(env))), REASON_NONE);
        break;
    case BABYAI_DROP:
        if (bot->old_carrying == env->carrying) break;
        if (!kind_is_portable(code_kind(front)))
            fail(bot, BOT_FAULT_ASSERT);
        else
            push(bot, GOAL_PICK_UP);
        break;
    case BABYAI_PICKUP:
        if (bot->old_carrying != env->carrying) push(bot, GOAL_DROP);
        break;
    case BABYAI_TOGGLE: {
        const bool open = code_kind(front) == KIND_DOOR_OPEN;
        if (kind_is_door(code_kind(front)) && bot->door_was_open != open) push(bot, open ? GOAL_CLOSE : GOAL_OPEN);
        break;
    }
    default:
        break;
    }
}

static bool is_move(int taken)
{
    return taken == BABYAI_FORWARD || taken == BABYAI_LEFT || taken == BABYAI_RIGHT;
}

static void after_action(babyai_bot *bot, int taken)
{
    const goal top = bot->stack[bot->depth - 1];
    switch ((goal_kind)top.kind) {
    case GOAL_CLOSE:
        if (taken == NO_ACTION || taken == BABYAI_TOGGLE)
            pop(bot);
        else if (is_move(taken))
            undo(bot, taken);
        break;
    case GOAL_DROP:
        if (taken == NO_ACTION || taken == BABYAI_DROP)
            pop(bot);
        else if (is_move(taken))
            undo(bot, taken);
        break;
    case GOAL_PICK_UP:
        if (taken == NO_ACTION || taken == BABYAI_PICKUP)
            pop(bot);
        else if (taken == BABYAI_LEFT || taken == BABYAI_RIGHT)
            undo(bot, taken);
        break;
    case GOAL_OPEN:
        if (taken != NO_ACTION && taken != BABYAI_TOGGLE) {
            undo(bot, taken);
            break;
        }
        pop(bot);
        if (top.reason ==
            REASON_UNLOCK) { /* the place for the key is chosen now: before, it might have been taken since */
            const uint16_t spot = find_drop(bot, CELL_NONE);
            push(bot, GOAL_DROP);
            push_go(bot, spot, REASON_NONE);
        }
        break;
    case GOAL_GO_NEXT:
        if (taken == BABYAI_PICKUP || taken == BABYAI_DROP || taken == BABYAI_TOGGLE) undo(bot, taken);
        break;
    case GOAL_EXPLORE:
        break;
    }
}

/* ---- before an action: an action, or a changed stack */

static int before_open(babyai_bot *bot, goal_reason reason)
{
    const babyai_env *env = bot->env;
    const uint8_t front = front_code(env);
    const cell_kind kind = code_kind(front);
    if (!kind_is_door(kind)) {
        /* An empty cell has its own words in the reference, an assertion all the same. */
        fail(bot, BOT_FAULT_ASSERT);
        return NO_ACTION;
    }
    if (kind == KIND_DOOR_LOCKED && !holds_key_of(env, front)) {
        pop(bot);
        uint16_t spot = CELL_NONE;
        const bool carrying = env->carrying != ID_NONE;
        if (carrying) {
            spot = find_drop(bot, CELL_NONE);
            push(bot, GOAL_PICK_UP);
            push_go(bot, spot, REASON_NONE);
        }
        push(bot, GOAL_OPEN);
        push_go(bot, front_cell(env), REASON_NONE);
        push_fetch_key(bot, code_colour(front));
        if (carrying) {
            push(bot, GOAL_DROP);
            push_go(bot, spot, REASON_NONE);
        }
        return NO_ACTION;
    }
    if (kind == KIND_DOOR_OPEN) {
        push(bot, GOAL_CLOSE);
        return NO_ACTION;
    }
    if (kind == KIND_DOOR_LOCKED && reason == REASON_NONE) {
        pop(bot);
        push_datum(bot, GOAL_OPEN, REASON_UNLOCK, DATUM_NONE, 0);
        return NO_ACTION;
    }
    return BABYAI_TOGGLE;
}

static int before_explore(babyai_bot *bot)
{
    const babyai_env *env = bot->env;
    route r = shortest_path(bot, FOR_UNSEEN, CELL_NONE, true);
    if (r.found) {
        push_go(bot, r.target, REASON_EXPLORE);
        return NO_ACTION;
    }
    r = shortest_path(bot, FOR_UNLOCKED_DOOR, CELL_NONE, true);
    if (!r.found) r = shortest_path(bot, FOR_DOOR, CELL_NONE, true);
    if (!r.found) {
        fail(bot, BOT_FAULT_EXPLORED);
        return NO_ACTION;
    }
    const uint8_t door = env->by_column[r.target];
    const bool keep = code_kind(door) == KIND_DOOR_LOCKED && holds_key_of(env, door);
    pop(bot);
    push_datum(bot, GOAL_OPEN, keep ? REASON_KEEP_KEY : REASON_NONE, DATUM_NONE, 0);
    push_datum(bot, GOAL_GO_NEXT, REASON_OPEN, DATUM_DOOR, env->world->ids[r.target]);
    return NO_ACTION;
}

static bool steppable(const babyai_env *env, unsigned direction)
{
    const cell_kind kind = code_kind(env->by_column[own_cell(env) + step_of(env, direction)]);
    return kind == KIND_EMPTY || kind == KIND_DOOR_OPEN;
}

/* Steps that way to the nearest wall or door, at most the three that the view reaches aside. */
static int clearance(const babyai_env *env, unsigned direction)
{
    for (int d = 1; d <= 3; d++) {
        const cell_kind kind = code_kind(env->by_column[own_cell(env) + d * step_of(env, direction)]);
        if (kind == KIND_WALL || kind_is_door(kind)) return d;
    }
    return 3;
}

/* The next cell of the way is straight ahead: go, or clear it. */
static int go_ahead(babyai_bot *bot)
{
    const babyai_env *env = bot->env;
    const cell_kind kind = code_kind(front_code(env));
    if (kind == KIND_EMPTY || kind == KIND_DOOR_OPEN) return BABYAI_FORWARD;
    if (kind == KIND_DOOR_LOCKED) {
        fail(bot, BOT_FAULT_ASSERT);
        return NO_ACTION;
    }
    if (kind == KIND_DOOR_CLOSED) {
        push(bot, GOAL_OPEN);
        return NO_ACTION;
    }
    if (env->carrying != ID_NONE) {
        const uint16_t held_spot = find_drop(bot, CELL_NONE);
        const uint16_t blocker_spot = find_drop(bot, held_spot);
        push(bot, GOAL_PICK_UP);
        push_go(bot, held_spot, REASON_NONE);
        push(bot, GOAL_DROP);
        push_go(bot, blocker_spot, REASON_NONE);
        push(bot, GOAL_PICK_UP);
        push_go(bot, front_cell(env), REASON_NONE);
        push(bot, GOAL_DROP);
        push_go(bot, held_spot, REASON_NONE);
    } else {
        const uint16_t spot = find_drop(bot, CELL_NONE);
        push(bot, GOAL_DROP);
        push_go(bot, spot, REASON_NONE);
        push(bot, GOAL_PICK_UP);
    }
    return NO_ACTION;
}

static const description *described(const babyai_bot *bot, const goal *g)
{
    if (g->datum == DATUM_KEY) return &bot->key[g->value];
    const clause *c = &bot->env->world->instruction.clause[g->value / 2];
    return g->value % 2 ? &c->b : &c->a;
}

static int before_go_next(babyai_bot *bot, goal top)
{
    const babyai_env *env = bot->env;
    const bool put_next = top.reason == REASON_PUT_NEXT;
    uint16_t target = top.value;
    uint8_t id = ID_NONE;
    switch ((datum_kind)top.datum) {
    case DATUM_DESCRIPTION:
    case DATUM_KEY:
        target = find_object(bot, described(bot, &top), put_next, &id);
        if (bot->fault != BOT_FAULT_NONE) return NO_ACTION;
        if (target == CELL_NONE) {
            push(bot, GOAL_EXPLORE);
            return NO_ACTION;
        }
        break;
    case DATUM_DOOR:
        id = (uint8_t)top.value;
        target = (uint16_t)(position_x(env->world->at[id]) * env->side + position_y(env->world->at[id]));
        break;
    case DATUM_CELL:
        break;
    case DATUM_NONE:
        fail(bot, BOT_FAULT_NO_TARGET);
        return NO_ACTION;
    }

    /* A locked door, and empty hands: first the key, then this very door. */
    if (top.reason == REASON_OPEN && id >= ID_FIRST && code_kind(env->world->code[id]) == KIND_DOOR_LOCKED &&
        env->carrying == ID_NONE) {
        pop(bot);
        push_datum(bot, GOAL_GO_NEXT, REASON_OPEN, DATUM_DOOR, id);
        push_fetch_key(bot, code_colour(env->world->code[id]));
        return NO_ACTION;
    }

    if (apart(env, target, own_cell(env)) == (put_next ? 1 : 0)) { /* too near: step away */
        if (steppable(env, env->direction)) return BABYAI_FORWARD;
        return steppable(env, right_of(env)) ? BABYAI_RIGHT : BABYAI_LEFT;
    }

    if (put_next && apart(env, target, front_cell(env)) == 1) {
        const cell_kind kind = code_kind(front_code(env));
        if (kind == KIND_EMPTY) {
            pop(bot);
            return NO_ACTION;
        }
        if (kind == KIND_DOOR_OPEN) { /* nothing can be put into a doorway: make the other thing move */
            push_go(bot, (uint16_t)(front_cell(env) + 2 * step_of(env, env->direction)), REASON_NONE);
            return NO_ACTION;
        }
    }
    if (!put_next && target == front_cell(env)) {
        pop(bot);
        return NO_ACTION;
    }

    route r = shortest_path(bot, FOR_CELL, target, false);
    if (!r.found || r.length == 0) r = shortest_path(bot, FOR_CELL, target, true);
    if (!r.found || r.length == 0) {
        push(bot, GOAL_EXPLORE);
        return NO_ACTION;
    }
    const int step = r.first - own_cell(env);
    if (step == step_of(env, env->direction)) return go_ahead(bot);
    if (step == step_of(env, right_of(env))) return BABYAI_RIGHT;
    if (step == step_of(env, left_of(env))) return BABYAI_LEFT;
    return clearance(env, left_of(env)) > clearance(env, right_of(env)) ? BABYAI_LEFT : BABYAI_RIGHT;
}

static int before_action(babyai_bot *bot)
{
    const babyai_env *env = bot->env;
    const goal top = bot->stack[bot->depth - 1];
    switch ((goal_kind)top.kind) {
    case GOAL_CLOSE:
        if (code_kind(front_code(env)) != KIND_DOOR_OPEN) fail(bot, BOT_FAULT_ASSERT);
        return BABYAI_TOGGLE;
    case GOAL_DROP:
        if (env->carrying == ID_NONE || code_kind(front_code(env)) != KIND_EMPTY) fail(bot, BOT_FAULT_ASSERT);
        return BABYAI_DROP;
    case GOAL_PICK_UP:
        if (env->carrying != ID_NONE) fail(bot, BOT_FAULT_ASSERT);
        return BABYAI_PICKUP;
    case GOAL_OPEN:
        return before_open(bot, (goal_reason)top.reason);
    case GOAL_EXPLORE:
        return before_explore(bot);
    case GOAL_GO_NEXT:
        return before_go_next(bot, top);
    }
    return NO_ACTION;
}

/* ---- the bot */

static bool is_exploratory(const goal *g)
{
    return g->kind == GOAL_EXPLORE || (g->kind == GOAL_GO_NEXT && g->reason == REASON_EXPLORE);
}

static void remember(babyai_bot *bot)
{
    const babyai_env *env = bot->env;
    bot->old_cell = own_cell(env);
    bot->old_carrying = env->carrying;
    bot->old_front = front_code(env);
    if (kind_is_door(code_kind(bot->old_front))) bot->door_was_open = code_kind(bot->old_front) == KIND_DOOR_OPEN;
}

static void plan_clause(babyai_bot *bot, int index)
{
    const uint16_t a = (uint16_t)(2 * index), b = (uint16_t)(2 * index + 1);
    switch ((verb)bot->env->world->instruction.clause[index].verb) {
    case VERB_GO_TO:
        push_datum(bot, GOAL_GO_NEXT, REASON_NONE, DATUM_DESCRIPTION, a);
        break;
    case VERB_OPEN:
        push(bot, GOAL_OPEN);
        push_datum(bot, GOAL_GO_NEXT, REASON_OPEN, DATUM_DESCRIPTION, a);
        break;
    case VERB_PICK_UP: /* and put it down at once: the hands may be needed */
        push(bot, GOAL_DROP);
        push(bot, GOAL_PICK_UP);
        push_datum(bot, GOAL_GO_NEXT, REASON_NONE, DATUM_DESCRIPTION, a);
        break;
    case VERB_PUT_NEXT:
        push(bot, GOAL_DROP);
        push_datum(bot, GOAL_GO_NEXT, REASON_PUT_NEXT, DATUM_DESCRIPTION, b);
        push(bot, GOAL_PICK_UP);
        push_datum(bot, GOAL_GO_NEXT, REASON_NONE, DATUM_DESCRIPTION, a);
        break;
    case VERBS:
        break;
    }
}

static triad_status report(const babyai_bot *bot, triad_error *err)
{
    switch (bot->fault) {
    case BOT_FAULT_HANG:
        return triad_fail(err, TRIAD_ERR_GENERATION, -1,
                          "expert: more than %d searches without an action, the reference would never "
                          "return (skip this episode)",
                          SEARCHES_MAX);
    case BOT_FAULT_EXPLORED:
        return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                          "expert: nothing is left to explore (the mission can't be carried out)");
    case BOT_FAULT_BOX:
        return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                          "expert: a box was opened, and what the mission needs may be gone (reset)");
    case BOT_FAULT_NO_TARGET:
        return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                          "expert: there is nowhere to put a thing down (skip this episode)");
    case BOT_FAULT_ASSERT:
    case BOT_FAULT_NONE:
        break;
    }
    return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "expert: the plan does not fit what is there (skip this episode)");
}

triad_status babyai_bot_restart(babyai_bot *bot, babyai_env *env, triad_error *err)
{
    if (!env->ready)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "expert: the environment has no episode (reset it first)");
    bot->env = env;
    bot->fault = BOT_FAULT_NONE;
    bot->searches = 0;
    bot->depth = bot->key_count = 0;
    bot->door_was_open = false;
    search_forget(&bot->search, env);
    remember(bot);
    const instruction *instr = &env->world->instruction;
    const int parts = instr->parts, first = instr->sequence == SEQUENCE_AFTER ? 1 : 0;
    for (int i = parts - 1; i >= 0; i--) { /* what comes first is pushed last */
        const int part = parts == 2 ? i ^ first : 0;
        for (int c = instr->clauses[part] - 1; c >= 0; c--) plan_clause(bot, 2 * part + c);
    }
    return TRIAD_OK;
}

triad_status babyai_bot_create(babyai_bot **bot, babyai_env *env, triad_error *err)
{
    *bot = malloc(sizeof **bot);
    if (!*bot)
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "expert: no memory for its plan of %zu bytes", sizeof **bot);
    const triad_status status = babyai_bot_restart(*bot, env, err);
    if (status != TRIAD_OK) {
        free(*bot);
        *bot = NULL;
    }
    return status;
}

void babyai_bot_free(babyai_bot *bot)
{
    free(bot);
}

triad_status babyai_bot_act(babyai_bot *bot, int taken, babyai_action *action, triad_error *err)
{
    if (bot->fault != BOT_FAULT_NONE) return report(bot, err);
    bot->replan_searches = 0;
    search_look(&bot->search);
    if (taken == BABYAI_TOGGLE && code_kind(bot->old_front) == KIND_BOX) fail(bot, BOT_FAULT_BOX);
    if (bot->fault == BOT_FAULT_NONE && bot->depth > 0) after_action(bot, taken);
    while (bot->fault == BOT_FAULT_NONE && bot->depth > 0 && is_exploratory(&bot->stack[bot->depth - 1])) pop(bot);
    int next = NO_ACTION;
    while (bot->fault == BOT_FAULT_NONE && bot->depth > 0 && next == NO_ACTION) next = before_action(bot);
    if (bot->fault != BOT_FAULT_NONE) return report(bot, err);
    remember(bot);
    *action = next == NO_ACTION ? BABYAI_DONE : (babyai_action)next;
    return TRIAD_OK;
}
