/* Whether an instruction has been carried out (reference, section 8, order of calls included). */
#include "babyai/env.h"

static uint8_t front_id(const babyai_env *env)
{
    return env_id(env, env->x + direction_x(env->direction), env->y + direction_y(env->direction));
}

static bool in_set(const description *what, uint8_t id)
{
    return id != ID_NONE && (what->set >> id & 1);
}

static bool next_to_any(const description *fixed, position at)
{
    if (at == POSITION_NONE) return false;
    for (int i = 0; i < fixed->positions; i++) {
        const int dx = position_x(at) - position_x(fixed->at[i]), dy = position_y(at) - position_y(fixed->at[i]);
        if ((dx < 0 ? -dx : dx) + (dy < 0 ? -dy : dy) == 1) return true;
    }
    return false;
}

/* held: what was carried when the clause was verified last. */
static verdict verify_clause(const babyai_env *env, const clause *c, babyai_action action, uint8_t held)
{
    switch ((verb)c->verb) {
    case VERB_GO_TO: {
        const position front = position_of(env->x + direction_x(env->direction), env->y + direction_y(env->direction));
        for (int i = 0; i < c->a.positions; i++)
            if (c->a.at[i] == front) return VERDICT_SUCCESS;
        return VERDICT_GOES_ON;
    }
    case VERB_OPEN: {
        if (action != BABYAI_TOGGLE) return VERDICT_GOES_ON;
        const uint8_t id = front_id(env);
        if (id < ID_FIRST) return VERDICT_GOES_ON;
        const cell_kind kind = code_kind(env->world->code[id]);
        if (in_set(&c->a, id) && kind == KIND_DOOR_OPEN) return VERDICT_SUCCESS;
        return c->strict && kind_is_door(kind) ? VERDICT_FAILURE : VERDICT_GOES_ON;
    }
    case VERB_PICK_UP:
        if (action != BABYAI_PICKUP) return VERDICT_GOES_ON;
        if (held == ID_NONE && in_set(&c->a, env->carrying)) return VERDICT_SUCCESS;
        return c->strict && env->carrying != ID_NONE ? VERDICT_FAILURE : VERDICT_GOES_ON;
    case VERB_PUT_NEXT:
        if (action != BABYAI_DROP) return VERDICT_GOES_ON;
        return in_set(&c->a, held) && next_to_any(&c->b, env->world->at[held]) ? VERDICT_SUCCESS : VERDICT_GOES_ON;
    case VERBS:
        break;
    }
    return VERDICT_GOES_ON;
}

/* A part is verified at every step from the one on at which its turn comes, so what its clauses saw carried last time
 * is what was carried before this step; at first they have seen nothing. */
static verdict verify_part(babyai_env *env, int part, babyai_action action, uint8_t held)
{
    instruction *instr = &env->world->instruction;
    if (instr->since[part] == env->steps) held = ID_NONE;
    if (instr->clauses[part] == 1) return verify_clause(env, &instr->clause[2 * part], action, held);
    bool both = true;
    for (int i = 2 * part; i < 2 * part + 2; i++) {
        if (!instr->done[i] && verify_clause(env, &instr->clause[i], action, held) == VERDICT_SUCCESS) {
            instr->done[i] = true;
            babyai_await(env);
        }
        both = both && instr->done[i];
    }
    return both ? VERDICT_SUCCESS : VERDICT_GOES_ON;
}

/* The part whose turn it is. */
static int current_part(const instruction *instr)
{
    if (instr->sequence == SEQUENCE_NONE) return 0;
    return (instr->sequence == SEQUENCE_AFTER) ^ instr->first_done;
}

verdict babyai_verify(babyai_env *env, babyai_action action, uint8_t held)
{
    instruction *instr = &env->world->instruction;
    int part = current_part(instr);
    verdict v = verify_part(env, part, action, held);
    if (v == VERDICT_SUCCESS && instr->sequence != SEQUENCE_NONE && !instr->first_done) {
        instr->first_done = true;
        part = current_part(instr);
        instr->since[part] = env->steps;
        babyai_await(env);
        v = verify_part(env, part, action, held); /* the same action counts for the other part */
    }
    if (v == VERDICT_SUCCESS && instr->clauses[part] == 2) env->careful = true; /* "and" stays fulfilled */
    return v;
}

void babyai_verifier_reset(babyai_env *env)
{
    instruction *instr = &env->world->instruction;
    instr->first_done = false;
    for (int i = 0; i < CLAUSES; i++) instr->done[i] = false;
    instr->since[0] = instr->since[1] = 1;
    babyai_await(env);
}

void babyai_await(babyai_env *env)
{
    const instruction *instr = &env->world->instruction;
    const int part = current_part(instr);
    uint64_t awaited = 0;
    for (int i = 2 * part; i < 2 * part + instr->clauses[part]; i++) {
        const clause *c = &instr->clause[i];
        if (c->verb != VERB_GO_TO || instr->done[i]) continue;
        for (int p = 0; p < c->a.positions; p++)
            awaited |= env_awaited_bit(position_x(c->a.at[p]), position_y(c->a.at[p]));
    }
    env->awaited = awaited;
}
