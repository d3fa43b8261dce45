/* A new episode: attempts until one is accepted, all from the same stream of draws. */
#include "babyai/rooms.h"

static bool next_to_each_other(const babyai_env *env, const description *move, const description *fixed)
{
    for (int i = 0; i < move->objects; i++)
        for (int j = 0; j < fixed->positions; j++) {
            const position a = env->world->at[move->object[i]], b = fixed->at[j];
            const int dx = position_x(a) - position_x(b), dy = position_y(a) - position_y(b);
            if ((dx < 0 ? -dx : dx) + (dy < 0 ? -dy : dy) == 1) return true;
        }
    return false;
}

/* Bit colour: some locked door has it. */
static unsigned locked_colours(const maker *m)
{
    unsigned colours = 0;
    for (int id = ID_FIRST; id < m->next_id; id++)
        if (code_kind(m->env->world->code[id]) == KIND_DOOR_LOCKED)
            colours |= 1U << code_colour(m->env->world->code[id]);
    return colours;
}

static bool is_key_of(const description *what, unsigned colours)
{
    return what->noun == NOUN_KEY && what->colour != COLOUR_ANY && colours >> what->colour & 1;
}

/* Instructions that make no sense, as the reference sees it. */
static bool acceptable(const maker *m)
{
    const instruction *instr = &m->env->world->instruction;
    const unsigned locked = m->env->level->unblocking ? locked_colours(m) : 0;
    for (int part = 0; part < instr->parts; part++)
        for (int i = 0; i < instr->clauses[part]; i++) {
            const clause *c = &instr->clause[2 * part + i];
            if (c->verb == VERB_PUT_NEXT) {
                if (c->a.set & c->b.set) return false;
                if (next_to_each_other(m->env, &c->a, &c->b)) return false;
                if (is_key_of(&c->b, locked)) return false;
            }
            if (is_key_of(&c->a, locked)) return false;
        }
    return true;
}

/* LevelGen has matched its descriptions while it drew them. */
static void match_all(babyai_env *env)
{
    instruction *instr = &env->world->instruction;
    for (int part = 0; part < instr->parts; part++)
        for (int i = 0; i < instr->clauses[part]; i++) {
            clause *c = &instr->clause[2 * part + i];
            babyai_match(env, &c->a);
            if (c->verb == VERB_PUT_NEXT) babyai_match(env, &c->b);
        }
}

static int navigations(const instruction *instr)
{
    int count = 0;
    for (int part = 0; part < instr->parts; part++)
        for (int i = 0; i < instr->clauses[part]; i++)
            count += instr->clause[2 * part + i].verb == VERB_PUT_NEXT ? 2 : 1;
    return count;
}

static made attempt(maker *m)
{
    m->env->carrying = ID_NONE; /* PutNext…Carrying sets it to what is to be taken up */
    rooms_begin(m);
    MAKE(missions_make(m));
    if (m->env->level->mission != MISSION_LEVEL_GEN) match_all(m->env);
    return acceptable(m) ? MADE : REJECTED;
}

static void begin_episode(babyai_env *env, int next_id)
{
    const babyai_level *level = env->level;
    env->world->ids_used = (uint8_t)next_id;
    env->steps = 0;
    env->max_steps = level->max_steps ? level->max_steps
                                      : navigations(&env->world->instruction) * level->room_size * level->room_size *
                                            level->rows * level->columns;
    env->moved = env->first_look = false;
    env->hand = CODE_EMPTY;
    babyai_verifier_reset(env);
    babyai_word_mission(env);
    if (env->carrying != ID_NONE) {
        /* Taken up after the first observation was made, and without a word to the verifier. */
        const position at = env->world->at[env->carrying];
        env_clear(env, position_x(at), position_y(at));
        env->first_look = env->moved = true;
        env->hand = env->world->code[env->carrying];
    }
    env->ready = true;
    env->careful = level->options & OPTION_STRICT;
}

triad_status babyai_generate(babyai_env *env, triad_error *err)
{
    const babyai_level *level = env->level;
    maker m;
    m.env = env;
    m.columns = level->columns;
    m.rows = level->rows;
    m.room_size = level->room_size;
    draws_begin(&m.draws, &env->world->rng);
    env->world->rejects = 0;
    env->world->reject_timeouts = 0;
    env->ready = false;
    env->careful = true;
    env->max_steps = INT32_MAX;
    made result = STUCK;
    for (int tries = 0; tries < TRIES_ENDLESS; tries++) {
        result = attempt(&m);
        if (result == MADE || result == STUCK) break;
        if (env->world->rejects < 64)
            env->world->reject_timeouts |= (uint64_t)(result == TIMED_OUT) << env->world->rejects;
        env->world->rejects++;
    }
    draws_end(&m.draws, &env->world->rng);
    if (result == MADE) {
        begin_episode(env, m.next_id);
        return TRIAD_OK;
    }
    return triad_fail(err, TRIAD_ERR_GENERATION, -1,
                      "%s: no episode comes of this stream, the reference would draw for ever "
                      "(take another seed)",
                      level->name);
}
