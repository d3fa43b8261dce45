/* The language of missions as data: a sentence in parts, its text, and back.
 *
 *   sentence := part | part ", then " part | part " after you " part
 *   part     := clause | clause " and " clause
 *   clause   := ("go to" | "pick up" | "open") phrase | "put" phrase "next to" phrase
 *   phrase   := ("the" | "a") [colour] (noun | "object") [place] */
#ifndef TRIAD_BABYAI_GRAMMAR_H
#define TRIAD_BABYAI_GRAMMAR_H

#include "babyai/cell.h"
#include "babyai/level.h"

typedef enum noun {
    NOUN_BOX,
    NOUN_BALL,
    NOUN_KEY,
    NOUN_DOOR,
    NOUN_ANY
} noun; /* the reference's order of described types */
typedef enum place { PLACE_LEFT, PLACE_RIGHT, PLACE_FRONT, PLACE_BEHIND, PLACE_ANY } place;
typedef enum sequence { SEQUENCE_NONE, SEQUENCE_BEFORE, SEQUENCE_AFTER } sequence;
enum { PARTS = 2, CLAUSES = 4, PHRASES = 8 };

typedef struct phrase {
    uint8_t several; /* "a": more than one object is meant; else "the" */
    uint8_t colour;  /* cell_colour */
    uint8_t noun, place;
} phrase;

typedef struct sentence {
    uint8_t sequence, parts;
    uint8_t clauses[PARTS]; /* of part p: verb[2p], and verb[2p + 1] if there are two */
    uint8_t verb[CLAUSES];
    phrase phrase[CLAUSES][2]; /* the second: what a thing is put next to */
} sentence;

extern const char *const GRAMMAR_COLOURS[COLOUR_COUNT];
extern const char *const GRAMMAR_NOUNS[NOUN_ANY + 1];
extern const char *const GRAMMAR_VERBS[VERBS];
extern const char *const GRAMMAR_VERB_LABELS[VERBS]; /* as item tables write them */

/* Writes the text with a final 0; returns its length, below BABYAI_MISSION_MAX. */
size_t grammar_text(const sentence *what, char text[BABYAI_MISSION_MAX]);
/* The same without articles and with the two objects of "put" in the order of their words: what near-duplicates share.
 */
size_t grammar_group(const sentence *what, char text[BABYAI_MISSION_MAX]);
/* False when the text is not exactly a sentence. */
bool grammar_parse(sentence *what, const char *text);

#endif
