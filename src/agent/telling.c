#include "agent/telling.h"

#include "babyai/grammar.h"
#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_CYCLE = 3, LEVELS_MOST = 128 };

static const char *const NAMES[] = {
    [TRIAD_WORDS] = "words",
    [TRIAD_OPAQUE] = "opaque",
    [TRIAD_MISWIRED] = "miswired",
    [TRIAD_SHUFFLED] = "shuffled",
};
enum { MODES = sizeof NAMES / sizeof *NAMES };

const char *telling_name(triad_instructions mode)
{
    return NAMES[mode];
}

bool triad_instructions_find(triad_instructions *mode, const char *name)
{
    for (int m = 0; m < MODES; m++) {
        if (strcmp(NAMES[m], name) != 0) continue;
        *mode = (triad_instructions)m;
        return true;
    }
    return false;
}

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "instructions: out of memory");
}

static triad_status list_missions(triad_items *items, triad_instructions mode, const babyai_level *const *levels,
                                  size_t level_count, triad_error *err)
{
    const triad_status status = babyai_sentences(items, levels, level_count, err);
    if (status == TRIAD_ERR_RANGE)
        return triad_fail(err, status, -1,
                          "%s instructions need levels whose missions can be listed, and these have more than 100,000 "
                          "(leave out the levels that join clauses)",
                          telling_name(mode));
    return status;
}

triad_status telling_words(agent_words *words, triad_instructions mode, const babyai_level *const *levels,
                           size_t level_count, triad_error *err)
{
    if (mode != TRIAD_OPAQUE) return agent_words_babyai(words, err);
    triad_items items;
    triad_status status = list_missions(&items, mode, levels, level_count, err);
    if (status) return status;
    status = agent_words_set(words, (const char *const *)items.text, items.count, true, err);
    triad_items_free(&items);
    return status;
}

/* ---- the bijection */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t find_mission(const triad_items *items, const char *mission)
{
    char *const *at = bsearch(&mission, items->text, items->count, sizeof *items->text, by_text);
    return at ? (size_t)(at - items->text) : SIZE_MAX;
}

/* Which of the levels can ask for a mission: one bit each. */
typedef struct asked_by {
    uint64_t levels[LEVELS_MOST / 64];
    size_t mission;
} asked_by;

static int by_levels(const void *a, const void *b)
{
    const asked_by *x = a, *y = b;
    const int order = memcmp(x->levels, y->levels, sizeof x->levels);
    return order ? order : x->mission < y->mission ? -1 : 1;
}

static triad_status mark_levels(asked_by *asked, const triad_items *all, const babyai_level *const *levels,
                                size_t level_count, triad_error *err)
{
    for (size_t i = 0; i < all->count; i++) asked[i] = (asked_by){.mission = i};
    for (size_t l = 0; l < level_count; l++) {
        triad_items own;
        const triad_status status = babyai_sentences(&own, &levels[l], 1, err);
        if (status) return status;
        for (size_t i = 0; i < own.count; i++) {
            const size_t at = find_mission(all, own.text[i]);
            if (at != SIZE_MAX) asked[at].levels[l / 64] |= 1ULL << (l % 64);
        }
        triad_items_free(&own);
    }
    return TRIAD_OK;
}

static triad_status miswire(agent_telling *telling, const babyai_level *const *levels, size_t level_count,
                            uint64_t seed, triad_error *err)
{
    triad_status status = list_missions(&telling->items, TRIAD_MISWIRED, levels, level_count, err);
    if (status) return status;
    const size_t n = telling->count = telling->items.count;
    asked_by *asked = calloc(n, sizeof *asked);
    size_t *order = calloc(n, sizeof *order);
    telling->stands = calloc(n, sizeof *telling->stands);
    status = asked && order && telling->stands ? mark_levels(asked, &telling->items, levels, level_count, err)
                                               : out_of_memory(err);
    if (!status) qsort(asked, n, sizeof *asked, by_levels);
    triad_pcg64 rng;
    triad_pcg64_seed_words(&rng, (const uint32_t[]){(uint32_t)seed, (uint32_t)(seed >> 32), KEY_CYCLE}, 3);
    for (size_t from = 0, to; !status && from < n; from = to) {
        for (to = from + 1; to < n && memcmp(asked[to].levels, asked[from].levels, sizeof asked->levels) == 0;) to++;
        const size_t members = to - from;
        for (size_t i = 0; i < members; i++) order[i] = asked[from + i].mission;
        triad_pcg64_shuffle(&rng, order, members);
        for (size_t i = 0; i < members; i++) telling->stands[order[i]] = (uint32_t)order[(i + 1) % members];
        if (members == 1) telling->unmoved++;
    }
    free(asked);
    free(order);
    return status;
}

triad_status telling_create(agent_telling *telling, triad_instructions mode, const babyai_level *const *levels,
                            size_t level_count, uint64_t seed, triad_error *err)
{
    telling->mode = mode;
    if (mode != TRIAD_MISWIRED) return TRIAD_OK;
    if (level_count > LEVELS_MOST)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "instructions: %zu levels are too many", level_count);
    return miswire(telling, levels, level_count, seed, err);
}

void telling_free(agent_telling *telling)
{
    if (telling->items.storage) triad_items_free(&telling->items);
    free(telling->stands);
    free(telling->hold_out);
    *telling = (agent_telling){0};
}

const char *telling_text(const agent_telling *telling, const char *mission)
{
    if (telling->mode != TRIAD_MISWIRED) return mission;
    const size_t at = find_mission(&telling->items, mission);
    return at == SIZE_MAX ? NULL : telling->items.text[telling->stands[at]];
}

/* ---- combinations that are kept out */

static bool find_name(uint8_t *index, const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) != 0) continue;
        *index = (uint8_t)i;
        return true;
    }
    return false;
}

/* "" is no colour: a mission that names none. */
static bool find_colour(uint8_t *index, const char *name)
{
    if (!*name) *index = COLOUR_ANY;
    return !*name || find_name(index, GRAMMAR_COLOURS, COLOUR_COUNT, name);
}

/* name: of verb, colour and object. */
static triad_status add_combination(agent_telling *telling, const char *const name[3], triad_error *err)
{
    if (telling->hold_out_count == HOLD_OUT_MOST)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "more than %d combinations are kept out", HOLD_OUT_MOST);
    if (!telling->hold_out) telling->hold_out = calloc(HOLD_OUT_MOST, sizeof *telling->hold_out);
    if (!telling->hold_out) return out_of_memory(err);
    hold_out_combination *one = &telling->hold_out[telling->hold_out_count];
    const char *wrong = NULL;
    if (!find_name(&one->verb, GRAMMAR_VERB_LABELS, VERBS, name[0]))
        wrong = "verb";
    else if (!find_colour(&one->colour, name[1]))
        wrong = "colour";
    else if (!find_name(&one->noun, GRAMMAR_NOUNS, NOUN_ANY + 1, name[2]))
        wrong = "object";
    if (wrong)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "'%.60s' is no %s of BabyAI's missions",
                          name[*wrong == 'v'   ? 0
                               : *wrong == 'c' ? 1
                                               : 2],
                          wrong);
    telling->hold_out_count++;
    return TRIAD_OK;
}

triad_status telling_hold_out(agent_telling *telling, const triad_items *items, triad_error *err)
{
    const int column[3] = {triad_items_factor(items, "verb"), triad_items_factor(items, "colour"),
                           triad_items_factor(items, "object")};
    if (column[0] < 0 || column[1] < 0 || column[2] < 0)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "a table of combinations has the columns verb, colour and object");
    for (size_t i = 0; i < items->count; i++) {
        const char *const name[3] = {triad_items_cell(items, i, column[0]), triad_items_cell(items, i, column[1]),
                                     triad_items_cell(items, i, column[2])};
        const triad_status status = add_combination(telling, name, err);
        if (status) {
            char row[32];
            snprintf(row, sizeof row, "row %zu", i + 1);
            return triad_fail_in(err, row);
        }
    }
    return TRIAD_OK;
}

static bool is_held_out(const agent_telling *telling, uint8_t asked, const phrase *what)
{
    for (size_t i = 0; i < telling->hold_out_count; i++) {
        const hold_out_combination *one = &telling->hold_out[i];
        if (one->verb == asked && one->colour == what->colour && one->noun == what->noun) return true;
    }
    return false;
}

bool telling_holds_out(const agent_telling *telling, const char *mission)
{
    sentence what;
    if (telling->hold_out_count == 0 || !grammar_parse(&what, mission)) return false;
    for (size_t part = 0; part < what.parts; part++)
        for (size_t clause = 2 * part; clause < 2 * part + what.clauses[part]; clause++) {
            const uint8_t asked = what.verb[clause];
            if (is_held_out(telling, asked, &what.phrase[clause][0])) return true;
            if (asked == VERB_PUT_NEXT && is_held_out(telling, asked, &what.phrase[clause][1])) return true;
        }
    return false;
}

json_object *telling_hold_out_json(const agent_telling *telling)
{
    json_object *list = json_object_new_array();
    for (size_t i = 0; list && i < telling->hold_out_count; i++) {
        const hold_out_combination *one = &telling->hold_out[i];
        json_object *row = json_object_new_array();
        if (!row) {
            json_object_put(list);
            return NULL;
        }
        json_object_array_add(row, json_object_new_string(GRAMMAR_VERB_LABELS[one->verb]));
        json_object_array_add(row,
                              json_object_new_string(one->colour == COLOUR_ANY ? "" : GRAMMAR_COLOURS[one->colour]));
        json_object_array_add(row, json_object_new_string(GRAMMAR_NOUNS[one->noun]));
        json_object_array_add(list, row);
    }
    return list;
}

triad_status telling_hold_out_read(agent_telling *telling, json_object *list, triad_error *err)
{
    if (!json_object_is_type(list, json_type_array))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "hold_out: not a list");
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *row = json_object_array_get_idx(list, i);
        const char *name[3];
        bool whole = json_object_is_type(row, json_type_array) && json_object_array_length(row) == 3;
        for (size_t c = 0; whole && c < 3; c++) {
            json_object *cell = json_object_array_get_idx(row, c);
            whole = json_object_is_type(cell, json_type_string);
            name[c] = json_object_get_string(cell);
        }
        if (!whole)
            return triad_fail(err, TRIAD_ERR_FORMAT, -1, "hold_out: entry %zu is not a verb, a colour and an object",
                              i);
        const triad_status status = add_combination(telling, name, err);
        if (status) return triad_fail_in(err, "hold_out");
    }
    return TRIAD_OK;
}
