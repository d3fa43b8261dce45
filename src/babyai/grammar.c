#include "babyai/grammar.h"

#include <string.h>

const char *const GRAMMAR_COLOURS[COLOUR_COUNT] = {"red", "green", "blue", "purple", "yellow", "grey"};
const char *const GRAMMAR_NOUNS[NOUN_ANY + 1] = {"box", "ball", "key", "door", "object"};
const char *const GRAMMAR_VERBS[VERBS] = {"go to", "pick up", "open", "put"};
const char *const GRAMMAR_VERB_LABELS[VERBS] = {"go to", "pick up", "open", "put next to"};
static const char *const PLACES[PLACE_ANY] = {"on your left", "on your right", "in front of you", "behind you"};
static const char THEN[] = ", then ", AFTER[] = " after you ", AND[] = " and ", NEXT_TO[] = " next to ";

/* ---- writing */

static char *append(char *text, const char *words)
{
    const size_t bytes = strlen(words);
    memcpy(text, words, bytes + 1);
    return text + bytes;
}

static char *write_phrase(char *text, const phrase *p, bool article)
{
    if (article) text = append(text, p->several ? "a " : "the ");
    if (p->colour != COLOUR_ANY) {
        text = append(text, GRAMMAR_COLOURS[p->colour]);
        *text++ = ' ';
    }
    text = append(text, GRAMMAR_NOUNS[p->noun]);
    if (p->place != PLACE_ANY) {
        *text++ = ' ';
        text = append(text, PLACES[p->place]);
    }
    return text;
}

static char *write_clause(char *text, const sentence *what, int i)
{
    text = append(text, GRAMMAR_VERBS[what->verb[i]]);
    *text++ = ' ';
    text = write_phrase(text, &what->phrase[i][0], true);
    if (what->verb[i] != VERB_PUT_NEXT) return text;
    return write_phrase(append(text, NEXT_TO), &what->phrase[i][1], true);
}

static char *write_group(char *text, const sentence *what, int i)
{
    text = append(text, GRAMMAR_VERBS[what->verb[i]]);
    *text++ = ' ';
    if (what->verb[i] != VERB_PUT_NEXT) return write_phrase(text, &what->phrase[i][0], false);
    char one[64], other[64];
    write_phrase(one, &what->phrase[i][0], false);
    write_phrase(other, &what->phrase[i][1], false);
    const bool ordered = strcmp(one, other) <= 0;
    text = append(append(text, ordered ? one : other), " + ");
    return append(text, ordered ? other : one);
}

static size_t write_sentence(const sentence *what, char *text, char *(*write)(char *, const sentence *, int))
{
    char *at = text;
    for (int part = 0; part < what->parts; part++) {
        if (part == 1) at = append(at, what->sequence == SEQUENCE_BEFORE ? THEN : AFTER);
        for (int i = 0; i < what->clauses[part]; i++) {
            if (i == 1) at = append(at, AND);
            at = write(at, what, 2 * part + i);
        }
    }
    return (size_t)(at - text);
}

size_t grammar_text(const sentence *what, char text[BABYAI_MISSION_MAX])
{
    return write_sentence(what, text, write_clause);
}

size_t grammar_group(const sentence *what, char text[BABYAI_MISSION_MAX])
{
    return write_sentence(what, text, write_group);
}

/* ---- reading */

/* Takes `words` off the front of *text. */
static bool take(const char **text, const char *words)
{
    const size_t bytes = strlen(words);
    if (strncmp(*text, words, bytes) != 0) return false;
    *text += bytes;
    return true;
}

/* Takes one of the names, which must end where a word ends; -1: none. */
static int take_one(const char **text, const char *const *names, int count)
{
    for (int i = 0; i < count; i++) {
        const char *at = *text;
        if (!take(&at, names[i]) || !strchr(" ,", *at)) continue;
        *text = at;
        return i;
    }
    return -1;
}

static bool read_phrase(const char **text, phrase *p)
{
    static const char *const articles[] = {"the", "a"};
    const int article = take_one(text, articles, 2);
    if (article < 0 || !take(text, " ")) return false;
    const int colour = take_one(text, GRAMMAR_COLOURS, COLOUR_COUNT);
    if (colour >= 0 && !take(text, " ")) return false;
    const int kind = take_one(text, GRAMMAR_NOUNS, NOUN_ANY + 1);
    if (kind < 0) return false;
    const char *at = *text;
    const int where = take(&at, " ") ? take_one(&at, PLACES, PLACE_ANY) : -1;
    if (where >= 0) *text = at;
    *p = (phrase){(uint8_t)article, colour < 0 ? COLOUR_ANY : (uint8_t)colour, (uint8_t)kind,
                  where < 0 ? PLACE_ANY : (uint8_t)where};
    return true;
}

static bool read_clause(const char **text, sentence *what, int i)
{
    const int said = take_one(text, GRAMMAR_VERBS, VERBS);
    if (said < 0 || !take(text, " ") || !read_phrase(text, &what->phrase[i][0])) return false;
    what->verb[i] = (uint8_t)said;
    return said != VERB_PUT_NEXT || (take(text, NEXT_TO) && read_phrase(text, &what->phrase[i][1]));
}

static bool read_part(const char **text, sentence *what, int part)
{
    if (!read_clause(text, what, 2 * part)) return false;
    what->clauses[part] = take(text, AND) ? 2 : 1;
    return what->clauses[part] == 1 || read_clause(text, what, 2 * part + 1);
}

bool grammar_parse(sentence *what, const char *text)
{
    *what = (sentence){.parts = 1};
    if (strlen(text) >= BABYAI_MISSION_MAX || !read_part(&text, what, 0)) return false;
    if (take(&text, THEN))
        what->sequence = SEQUENCE_BEFORE;
    else if (take(&text, AFTER))
        what->sequence = SEQUENCE_AFTER;
    if (what->sequence == SEQUENCE_NONE) return *text == 0;
    what->parts = 2;
    return read_part(&text, what, 1) && *text == 0;
}
