/* Descriptions of objects: what they match, and how they are said. */
#include "babyai/env.h"

#include <emmintrin.h>

void babyai_describe(description *what, noun kind, cell_colour colour, place where)
{
    what->noun = (uint8_t)kind;
    what->colour = (uint8_t)colour;
    what->place = (uint8_t)where;
    what->objects = what->positions = 0;
    what->set = 0;
}

/* Places apply to the agent's room, its walls included; a cell on a shared wall belongs to the right or lower room. */
static bool place_fits(const babyai_env *env, place where, int x, int y)
{
    if (where == PLACE_ANY) return true;
    const int step = env->level->room_size - 1;
    const int left = env->x / step * step, top = env->y / step * step;
    if (x < left || y < top || x > left + step || y > top + step) return false;
    const int dx = x - env->x, dy = y - env->y;
    const int fx = direction_x(env->direction), fy = direction_y(env->direction);
    const int ahead = dx * fx + dy * fy, aside = fx * dy - fy * dx; /* aside: along (-fy, fx), the right hand */
    switch (where) {
    case PLACE_LEFT:
        return aside < 0;
    case PLACE_RIGHT:
        return aside > 0;
    case PLACE_FRONT:
        return ahead > 0;
    case PLACE_BEHIND:
        return ahead < 0;
    case PLACE_ANY:
        break;
    }
    return true;
}

static void add_match(description *what, uint8_t id, position at)
{
    if (what->objects == MATCH_MAX) return; /* out of reach: see MATCH_MAX */
    unsigned i = what->objects++;
    for (; i > 0 && what->at[i - 1] > at; i--) {
        what->at[i] = what->at[i - 1];
        what->object[i] = what->object[i - 1];
    }
    what->at[i] = at;
    what->object[i] = id;
    what->set |= 1ULL << id;
}

/* Objects of that noun and colour, on the grid or not: bit id. Sixteen are looked at together. */
static uint64_t alike(const uint8_t code[ID_COUNT], const description *what)
{
    /* Of each noun the kinds are neighbours: the lowest, and how many more. */
    static const uint8_t lowest[NOUN_ANY + 1] = {KIND_BOX, KIND_BALL, KIND_KEY, KIND_DOOR_OPEN, KIND_DOOR_OPEN};
    static const uint8_t more[NOUN_ANY + 1] = {0, 0, 0, KIND_DOOR_LOCKED - KIND_DOOR_OPEN, KIND_BOX - KIND_DOOR_OPEN};
    const int colour_bits = what->colour == COLOUR_ANY ? 0 : 0x70;
    const __m128i from = _mm_set1_epi8((char)lowest[what->noun]), span = _mm_set1_epi8((char)more[what->noun]);
    const __m128i coloured = _mm_set1_epi8((char)colour_bits);
    const __m128i colour = _mm_set1_epi8((char)(what->colour << 4 & colour_bits));
    uint64_t found = 0;
    for (int i = 0; i < ID_COUNT; i += 16) {
        const __m128i codes = _mm_loadu_si128((const __m128i *)(code + i));
        const __m128i above = _mm_sub_epi8(_mm_and_si128(codes, _mm_set1_epi8(15)), from);
        const __m128i fits = _mm_and_si128(_mm_cmpeq_epi8(_mm_min_epu8(above, span), above),
                                           _mm_cmpeq_epi8(_mm_and_si128(codes, coloured), colour));
        found |= (uint64_t)(unsigned)_mm_movemask_epi8(fits) << i;
    }
    return found;
}

void babyai_match(const babyai_env *env, description *what)
{
    what->objects = 0;
    what->set = 0;
    const uint64_t objects = env->world->on_grid >> ID_FIRST << ID_FIRST;
    for (uint64_t left = objects & alike(env->world->code, what); left; left &= left - 1) {
        const uint8_t id = (uint8_t)__builtin_ctzll(left);
        if (place_fits(env, (place)what->place, position_x(env->world->at[id]), position_y(env->world->at[id])))
            add_match(what, id, env->world->at[id]);
    }
    /* "a grey object" means the walls as well. */
    if (what->noun == NOUN_ANY && (what->colour == COLOUR_ANY || what->colour == COLOUR_GREY)) {
        for (int x = 0; x < env->width; x++)
            for (int y = 0; y < env->height; y++)
                if (env_id(env, x, y) == ID_WALL && place_fits(env, (place)what->place, x, y))
                    add_match(what, ID_WALL, position_of(x, y));
    }
    what->positions = what->objects;
}

static void refresh_description(const babyai_env *env, description *what)
{
    uint8_t count = 0;
    if (what->set >> ID_WALL & 1) {
        for (int x = 0; x < env->width; x++)
            for (int y = 0; y < env->height; y++) {
                const uint8_t id = env_id(env, x, y);
                if (id != ID_NONE && what->set >> id & 1) what->at[count++] = position_of(x, y);
            }
    } else {
        for (uint64_t left = what->set & env->world->on_grid; left; left &= left - 1) {
            const position at = env->world->at[__builtin_ctzll(left)];
            unsigned i = count++;
            for (; i > 0 && what->at[i - 1] > at; i--) what->at[i] = what->at[i - 1];
            what->at[i] = at;
        }
    }
    what->positions = count;
}

void babyai_refresh(babyai_env *env)
{
    if (!env->moved) return;
    env->moved = false;
    instruction *instr = &env->world->instruction;
    for (int part = 0; part < instr->parts; part++)
        for (int i = 0; i < instr->clauses[part]; i++) {
            clause *c = &instr->clause[2 * part + i];
            refresh_description(env, &c->a);
            if (c->verb == VERB_PUT_NEXT) refresh_description(env, &c->b);
        }
    babyai_await(env);
}

/* ---- words */

static phrase phrase_of(const description *what)
{
    return (phrase){what->objects > 1, what->colour, what->noun, what->place};
}

void babyai_word_mission(babyai_env *env)
{
    const instruction *instr = &env->world->instruction;
    sentence said = {
        .sequence = instr->sequence, .parts = instr->parts, .clauses = {instr->clauses[0], instr->clauses[1]}};
    for (int part = 0; part < instr->parts; part++)
        for (int i = 2 * part; i < 2 * part + instr->clauses[part]; i++) {
            const clause *c = &instr->clause[i];
            said.verb[i] = c->verb;
            said.phrase[i][0] = phrase_of(&c->a);
            if (c->verb == VERB_PUT_NEXT) said.phrase[i][1] = phrase_of(&c->b);
        }
    grammar_text(&said, env->world->mission);
}
