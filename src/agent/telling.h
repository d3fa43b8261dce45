/* What an agent is told: which text stands for an episode's mission, and which missions training leaves out.
 *
 * The controls of the study differ here alone. Opaque: the text is the mission, but the vocabulary holds whole
 * missions, each a symbol of its own, so that no words are shared. Miswired: another mission of the same levels by a
 * fixed bijection. Shuffled: the mission of another episode (stream.h draws it). */
#ifndef TRIAD_AGENT_TELLING_H
#define TRIAD_AGENT_TELLING_H

#include "agent/words.h"
#include "triad/agent.h"

#include <json-c/json.h>

enum { HOLD_OUT_MOST = 10000 /* combinations */ };

/* A combination of verb, colour and object that training never shows: as in an item table, "" for no colour. */
typedef struct hold_out_combination {
    uint8_t verb, colour, noun; /* babyai/grammar.h */
} hold_out_combination;

typedef struct agent_telling {
    triad_instructions mode;
    size_t count;      /* miswired: the levels' missions */
    uint32_t *stands;  /* [count] for mission i of items stands the text of mission stands[i] */
    triad_items items; /* miswired: the missions, sorted */
    size_t unmoved;    /* missions that stand for themselves: no other has the same levels */
    hold_out_combination *hold_out;
    size_t hold_out_count;
} agent_telling;

const char *telling_name(triad_instructions mode); /* "words", "opaque", … */

/* Zero-initialise before. The bijection is a function of mode, levels and seed: among the missions that the very same
 * levels can ask for, one random cycle, so that none of them stands for itself. Levels whose missions can't be listed
 * (more than 10^5) are refused for opaque and miswired. */
TRIAD_NODISCARD triad_status telling_create(agent_telling *telling, triad_instructions mode,
                                            const babyai_level *const *levels, size_t level_count, uint64_t seed,
                                            triad_error *err);
void telling_free(agent_telling *telling);

/* Opaque: the missions of the levels, each a word. The others: BabyAI's words. */
TRIAD_NODISCARD triad_status telling_words(agent_words *words, triad_instructions mode,
                                           const babyai_level *const *levels, size_t level_count, triad_error *err);
/* The text that stands for a mission, borrowed; NULL: the levels of the bijection can't ask for it. */
const char *telling_text(const agent_telling *telling, const char *mission);

/* From a table with columns verb, colour, object: one combination a row. Fails on an unknown name, by row. */
TRIAD_NODISCARD triad_status telling_hold_out(agent_telling *telling, const triad_items *items, triad_error *err);
/* Whether any clause of the mission asks for a combination that is kept out; of "put A next to B" both A and B. */
bool telling_holds_out(const agent_telling *telling, const char *mission);
/* As [["verb", "colour", "object"], …], and back: adds to an empty list. NULL: memory is out. */
json_object *telling_hold_out_json(const agent_telling *telling);
TRIAD_NODISCARD triad_status telling_hold_out_read(agent_telling *telling, json_object *list, triad_error *err);

#endif
