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

static verdict verify_clause(const babyai_env *env, clause *c, babyai_action action)
{
    const uint8_t before = c->held_before;
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
        const cell_kind kind = code_kind(env->code[id]);
        if (in_set(&c->a, id) && kind == KIND_DOOR_OPEN) return VERDICT_SUCCESS;
        return c->strict && kind_is_door(kind) ? VERDICT_FAILURE : VERDICT_GOES_ON;
    }
    case VERB_PICK_UP:
        c->held_before = env->carrying;
        if (action != BABYAI_PICKUP) return VERDICT_GOES_ON;
        if (before == ID_NONE && in_set(&c->a, env->carrying)) return VERDICT_SUCCESS;
        return c->strict && env->carrying != ID_NONE ? VERDICT_FAILURE : VERDICT_GOES_ON;
    case VERB_PUT_NEXT:
        c->held_before = env->carrying;
        if (action != BABYAI_DROP) return VERDICT_GOES_ON;
        return in_set(&c->a, before) && next_to_any(&c->b, env->at[before]) ? VERDICT_SUCCESS : VERDICT_GOES_ON;
    case VERBS:
        break;
    }
    return VERDICT_GOES_ON;
}

static verdict verify_part(const babyai_env *env, instruction *instr, int part, babyai_action action)
{
    if (instr->clauses[part] == 1) return verify_clause(env, &instr->clause[2 * part], action);
    bool both = true;
    for (int i = 2 * part; i < 2 * part + 2; i++) {
        if (!instr->done[i]) instr->done[i] = verify_clause(env, &instr->clause[i], action) == VERDICT_SUCCESS;
        both = both && instr->done[i];
    }
    return both ? VERDICT_SUCCESS : VERDICT_GOES_ON;
}

verdict babyai_verify(babyai_env *env, babyai_action action)
{
    instruction *instr = &env->instruction;
    if (instr->sequence == SEQUENCE_NONE) return verify_part(env, instr, 0, action);
    const int first = instr->sequence == SEQUENCE_BEFORE ? 0 : 1;
    if (!instr->first_done) {
        const verdict v = verify_part(env, instr, first, action);
        if (v != VERDICT_SUCCESS) return v;
        instr->first_done = true; /* and the same action counts for the other part */
    }
    return verify_part(env, instr, 1 - first, action);
}

void babyai_verifier_reset(instruction *instr)
{
    instr->first_done = false;
    for (int i = 0; i < CLAUSES; i++) {
        instr->done[i] = false;
        instr->clause[i].held_before = ID_NONE;
    }
}
