/* The instructions of levels: which sentences each can say, from its rules and not from samples; and sentences as
 * items.
 *
 * A sentence belongs to a level when some episode is so worded. The article counts matches: "the" one, "a" more; where
 * a level never has two of a thing, or always has, only one article occurs. */
#include "babyai/grammar.h"
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

enum { SENTENCES_MAX = 100000, LEVELS_MAX = 1024 };

/* What is being collected; full once it should hold more than its limit. */
typedef struct collection {
    sentence *at;
    size_t count, capacity, limit;
    bool full, failed;
} collection;

static void add(collection *all, const sentence *what)
{
    if (all->full || all->failed) return;
    if (all->count == all->limit) {
        all->full = true;
        return;
    }
    if (all->count == all->capacity) {
        const size_t capacity = all->capacity ? 2 * all->capacity : 1024;
        sentence *grown = realloc(all->at, capacity * sizeof *grown);
        if (!grown) {
            all->failed = true;
            return;
        }
        all->at = grown;
        all->capacity = capacity;
    }
    all->at[all->count++] = *what;
}

/* ---- phrases: sets given as bits */

enum {
    ARTICLE_THE = 1,
    ARTICLE_A = 2,
    ARTICLES = 3,
    THINGS = 1 << NOUN_BOX | 1 << NOUN_BALL | 1 << NOUN_KEY,
    DOORS = 1 << NOUN_DOOR,
    NO_COLOUR = 1 << COLOUR_ANY,
    SIX = (1 << COLOUR_COUNT) - 1,
    RED = 1 << COLOUR_RED,
    BLUE = 1 << COLOUR_BLUE,
    NO_PLACE = 1 << PLACE_ANY,
    FOUR = (1 << PLACE_ANY) - 1,
    PHRASES_MAX = 512
};

typedef struct phrases {
    phrase at[PHRASES_MAX];
    size_t count;
} phrases;

static void add_phrases(phrases *all, unsigned articles, unsigned colours, unsigned nouns, unsigned places)
{
    for (unsigned n = 0; n <= NOUN_ANY; n++)
        for (unsigned c = 0; c <= COLOUR_ANY; c++)
            for (unsigned p = 0; p <= PLACE_ANY; p++)
                for (unsigned a = 0; a < 2; a++)
                    if (nouns >> n & 1 && colours >> c & 1 && places >> p & 1 && articles >> a & 1 &&
                        all->count < PHRASES_MAX)
                        all->at[all->count++] = (phrase){(uint8_t)a, (uint8_t)c, (uint8_t)n, (uint8_t)p};
}

static void add_single(collection *all, verb what, const phrases *objects)
{
    for (size_t i = 0; i < objects->count; i++) {
        sentence s = {.parts = 1, .clauses = {1}};
        s.verb[0] = (uint8_t)what;
        s.phrase[0][0] = objects->at[i];
        add(all, &s);
    }
}

/* Every phrase of these sets as the object of a verb. */
static void say(collection *all, verb what, unsigned articles, unsigned colours, unsigned nouns)
{
    phrases objects = {.count = 0};
    add_phrases(&objects, articles, colours, nouns, NO_PLACE);
    add_single(all, what, &objects);
}

/* ---- kinds of levels */

static void two_doors(collection *all, unsigned first, unsigned second, sequence order)
{
    for (unsigned a = 0; a < COLOUR_COUNT; a++)
        for (unsigned b = 0; b < COLOUR_COUNT; b++) {
            if (a == b || !(first >> a & 1) || !(second >> b & 1)) continue;
            sentence s = {.sequence = (uint8_t)order, .parts = 2, .clauses = {1, 1}};
            s.verb[0] = s.verb[2] = VERB_OPEN;
            s.phrase[0][0] = (phrase){0, (uint8_t)a, NOUN_DOOR, PLACE_ANY};
            s.phrase[2][0] = (phrase){0, (uint8_t)b, NOUN_DOOR, PLACE_ANY};
            add(all, &s);
        }
}

/* "put A next to B" of objects that are all different; pairs 2: ", then put C next to D". */
static void put_different(collection *all, int pairs)
{
    phrases things = {.count = 0};
    add_phrases(&things, ARTICLE_THE, SIX, THINGS, NO_PLACE);
    const size_t n = things.count;
    for (size_t code = 0; code < (pairs == 2 ? n * n * n * n : n * n); code++) {
        const size_t pick[4] = {code % n, code / n % n, code / (n * n) % n, code / (n * n * n)};
        bool different = true;
        for (int i = 0; i < 2 * pairs; i++)
            for (int j = 0; j < i; j++) different = different && pick[i] != pick[j];
        if (!different) continue;
        sentence s = {.sequence = pairs == 2 ? SEQUENCE_BEFORE : SEQUENCE_NONE,
                      .parts = (uint8_t)pairs,
                      .clauses = {1, pairs == 2}};
        for (int pair = 0; pair < pairs; pair++) {
            s.verb[2 * pair] = VERB_PUT_NEXT;
            s.phrase[2 * pair][0] = things.at[pick[2 * pair]];
            s.phrase[2 * pair][1] = things.at[pick[2 * pair + 1]];
        }
        add(all, &s);
    }
}

/* Whether whatever b means, a means too. */
static bool covers(const phrase *a, const phrase *b)
{
    return a->noun == b->noun && (a->colour == COLOUR_ANY || a->colour == b->colour) &&
           (a->place == PLACE_ANY || a->place == b->place);
}

/* What LevelGen can say of things and, when asked, doors. A maze has more doors than one: "the door" needs a place. */
static void described(const babyai_level *level, phrases *all, unsigned nouns)
{
    const unsigned places = level->places ? FOUR | NO_PLACE : NO_PLACE;
    add_phrases(all, ARTICLES, SIX | NO_COLOUR, nouns & THINGS, places);
    if (!(nouns & DOORS) || (level->rows == 1 && level->columns == 1)) return;
    add_phrases(all, ARTICLES, SIX, DOORS, places);
    add_phrases(all, ARTICLES, NO_COLOUR, DOORS, places & FOUR);
    add_phrases(all, ARTICLE_A, NO_COLOUR, DOORS, NO_PLACE);
}

static void grammar_clauses(collection *all, const babyai_level *level)
{
    phrases things = {.count = 0}, doors = {.count = 0}, both = {.count = 0};
    described(level, &things, THINGS);
    described(level, &doors, DOORS);
    described(level, &both, THINGS | DOORS);
    for (int i = 0; i < level->verbs; i++) {
        switch ((verb)(level->first_verb + i)) {
        case VERB_GO_TO:
            add_single(all, VERB_GO_TO, &both);
            break;
        case VERB_PICK_UP:
            add_single(all, VERB_PICK_UP, &things);
            break;
        case VERB_OPEN:
            add_single(all, VERB_OPEN, &doors);
            break;
        case VERB_PUT_NEXT: /* rejected where one object fits both: always so where one phrase covers the other */
            for (size_t a = 0; a < things.count; a++)
                for (size_t b = 0; b < both.count; b++) {
                    if (covers(&things.at[a], &both.at[b]) || covers(&both.at[b], &things.at[a])) continue;
                    sentence s = {.parts = 1, .clauses = {1}};
                    s.verb[0] = VERB_PUT_NEXT;
                    s.phrase[0][0] = things.at[a];
                    s.phrase[0][1] = both.at[b];
                    add(all, &s);
                }
            break;
        case VERBS:
            break;
        }
    }
}

static void join(sentence *s, int part, int i, const sentence *single)
{
    s->verb[2 * part + i] = single->verb[0];
    s->phrase[2 * part + i][0] = single->phrase[0][0];
    s->phrase[2 * part + i][1] = single->phrase[0][1];
}

/* Clauses, pairs of them, and sequences of these: too many to list for any level that has them, which shows early. */
static void grammar(collection *all, const babyai_level *level)
{
    const size_t begin = all->count;
    grammar_clauses(all, level);
    if (level->compounds == 1) return;
    const size_t end = all->count;
    for (size_t i = begin; i < end && !all->full && !all->failed; i++)
        for (size_t j = begin; j < end && !all->full && !all->failed; j++) {
            sentence s = {.parts = 1, .clauses = {2}};
            join(&s, 0, 0, &all->at[i]);
            join(&s, 0, 1, &all->at[j]);
            add(all, &s);
        }
    const size_t parts = all->count;
    for (size_t code = 0; code < 2 * (parts - begin) * (parts - begin) && !all->full && !all->failed; code++) {
        const sentence *one = &all->at[begin + code / 2 % (parts - begin)],
                       *other = &all->at[begin + code / 2 / (parts - begin)];
        sentence s = {.sequence = code % 2 ? SEQUENCE_AFTER : SEQUENCE_BEFORE,
                      .parts = 2,
                      .clauses = {one->clauses[0], other->clauses[0]}};
        memcpy(&s.verb[0], &one->verb[0], 2);
        memcpy(&s.verb[2], &other->verb[0], 2);
        memcpy(&s.phrase[0], &one->phrase[0], 2 * sizeof one->phrase[0]);
        memcpy(&s.phrase[2], &other->phrase[0], 2 * sizeof one->phrase[0]);
        add(all, &s);
    }
}

static void level_sentences(collection *all, const babyai_level *level)
{
    const unsigned options = level->options;
    switch ((mission_kind)level->mission) {
    case MISSION_GO_TO_RED_BALL:
        say(all, VERB_GO_TO, level->objects == 0 || options & OPTION_GREY ? ARTICLE_THE : ARTICLES, RED,
            1 << NOUN_BALL);
        break;
    case MISSION_GO_TO_OBJ:
        say(all, VERB_GO_TO, ARTICLE_THE, SIX, THINGS);
        break;
    case MISSION_GO_TO_LOCAL:
    case MISSION_GO_TO:
        say(all, VERB_GO_TO, level->objects == 1 ? ARTICLE_THE : ARTICLES, SIX, THINGS);
        break;
    case MISSION_GO_TO_IMP_UNLOCK:
        say(all, VERB_GO_TO, ARTICLES, SIX, THINGS);
        break;
    case MISSION_GO_TO_RED_BLUE_BALL:
        say(all, VERB_GO_TO, ARTICLE_THE, RED | BLUE, 1 << NOUN_BALL);
        break;
    case MISSION_GO_TO_DOOR:
        say(all, VERB_GO_TO, ARTICLES, SIX, DOORS);
        break;
    case MISSION_GO_TO_OBJ_DOOR:
        say(all, VERB_GO_TO, ARTICLES, SIX, THINGS | DOORS);
        break;
    case MISSION_OPEN:
    case MISSION_UNLOCK:
        say(all, VERB_OPEN, ARTICLES, SIX, DOORS);
        break;
    case MISSION_OPEN_RED_DOOR:
        say(all, VERB_OPEN, ARTICLE_THE, RED, DOORS);
        break;
    case MISSION_OPEN_DOOR: {
        phrases doors = {.count = 0};
        if (!(options & OPTION_BY_PLACE)) add_phrases(&doors, ARTICLE_THE, SIX, DOORS, NO_PLACE);
        if (!(options & OPTION_BY_COLOUR)) add_phrases(&doors, ARTICLES, NO_COLOUR, DOORS, FOUR);
        add_single(all, VERB_OPEN, &doors);
        break;
    }
    case MISSION_OPEN_TWO_DOORS:
        two_doors(all, options & OPTION_RED_BLUE ? (unsigned)RED : (unsigned)SIX,
                  options & OPTION_RED_BLUE ? (unsigned)BLUE : (unsigned)SIX, SEQUENCE_BEFORE);
        break;
    case MISSION_OPEN_DOORS_ORDER:
        say(all, VERB_OPEN, ARTICLE_THE, SIX, DOORS);
        two_doors(all, SIX, SIX, SEQUENCE_BEFORE);
        two_doors(all, SIX, SIX, SEQUENCE_AFTER);
        break;
    case MISSION_PICKUP:
    case MISSION_UNBLOCK_PICKUP:
        say(all, VERB_PICK_UP, ARTICLES, SIX, THINGS);
        break;
    case MISSION_PICKUP_DIST:
        say(all, VERB_PICK_UP, ARTICLE_THE, SIX, THINGS);
        say(all, VERB_PICK_UP, ARTICLES, NO_COLOUR, THINGS);
        say(all, VERB_PICK_UP, ARTICLES, SIX & ~(1 << COLOUR_GREY), 1 << NOUN_ANY);
        say(all, VERB_PICK_UP, ARTICLE_A, 1 << COLOUR_GREY, 1 << NOUN_ANY); /* the walls are grey objects too (Q9) */
        break;
    case MISSION_PICKUP_ABOVE:
        say(all, VERB_PICK_UP, ARTICLE_THE, SIX, THINGS);
        break;
    case MISSION_PUT_NEXT_LOCAL:
    case MISSION_PUT_NEXT:
        put_different(all, 1);
        break;
    case MISSION_UNLOCK_LOCAL:
    case MISSION_KEY_IN_BOX:
        say(all, VERB_OPEN, ARTICLE_THE, NO_COLOUR, DOORS);
        break;
    case MISSION_UNLOCK_PICKUP:
        say(all, VERB_PICK_UP, ARTICLE_THE, SIX, 1 << NOUN_BOX);
        break;
    case MISSION_BLOCKED_UNLOCK_PICKUP:
        say(all, VERB_PICK_UP, ARTICLE_THE, NO_COLOUR, 1 << NOUN_BOX);
        break;
    case MISSION_UNLOCK_TO_UNLOCK:
    case MISSION_KEY_CORRIDOR:
    case MISSION_ONE_ROOM:
        say(all, VERB_PICK_UP, ARTICLE_THE, NO_COLOUR, 1 << NOUN_BALL);
        break;
    case MISSION_ACTION_OBJ_DOOR:
        say(all, VERB_GO_TO, ARTICLE_THE, SIX, THINGS);
        say(all, VERB_PICK_UP, ARTICLE_THE, SIX, THINGS);
        say(all, VERB_GO_TO, ARTICLES, SIX, DOORS);
        say(all, VERB_OPEN, ARTICLES, SIX, DOORS);
        break;
    case MISSION_FIND_OBJ:
        say(all, VERB_PICK_UP, ARTICLE_THE, NO_COLOUR, THINGS);
        break;
    case MISSION_MOVE_TWO_ACROSS:
        put_different(all, 2);
        break;
    case MISSION_LEVEL_GEN:
        grammar(all, level);
        break;
    case MISSION_KINDS:
        break;
    }
}

/* ---- sentences as items */

/* Columns that every table has, then those that sentences of more than one clause need. */
enum {
    PHRASE_FIELDS = 4,
    COLUMN_VERB = 0,
    COLUMN_PHRASES = 1,
    COLUMNS_PLAIN = 1 + 2 * PHRASE_FIELDS,
    COLUMNS_MAX = 64
};
static const char *const PLACE_LABELS[PLACE_ANY + 1] = {"left", "right", "front", "behind", ""};
static const char *const FIELDS[PHRASE_FIELDS] = {"article", "colour", "object", "location"};

typedef struct shape {
    int clauses, phrases; /* the most that a sentence of the table has */
} shape;

static void measure(const sentence *s, shape *most)
{
    int clauses = 0, count = 0;
    for (int part = 0; part < s->parts; part++)
        for (int i = 0; i < s->clauses[part]; i++, clauses++) count += s->verb[2 * part + i] == VERB_PUT_NEXT ? 2 : 1;
    if (clauses > most->clauses) most->clauses = clauses;
    if (count > most->phrases) most->phrases = count;
}

static size_t column_count(const shape *most)
{
    const int extra_phrases = most->phrases > 2 ? most->phrases - 2 : 0;
    return (size_t)(COLUMNS_PLAIN + PHRASE_FIELDS * extra_phrases + (most->clauses > 1 ? most->clauses : 0) + 1);
}

/* verb, article, colour, object, location, article2, …, [article3, …, join, verb2, …,] group */
static bool name_columns(triad_arena *memory, const shape *most, const char **names)
{
    size_t n = 0;
    char text[32];
    names[n++] = "verb";
    for (int p = 1; p <= 2 || p <= most->phrases; p++)
        for (int f = 0; f < PHRASE_FIELDS; f++) {
            text[0] = 0;
            strcat(text, FIELDS[f]);
            if (p > 1) strcat(text, (const char[]){(char)('0' + p), 0});
            names[n++] = triad_arena_strdup(memory, text);
        }
    if (most->clauses > 1) names[n++] = "join";
    for (int c = 2; c <= most->clauses; c++) {
        const char verb_name[] = {'v', 'e', 'r', 'b', (char)('0' + c), 0};
        names[n++] = triad_arena_strdup(memory, verb_name);
    }
    names[n++] = "group";
    for (size_t i = 0; i < n; i++)
        if (!names[i]) return false;
    return true;
}

static void phrase_cells(const phrase *p, const char **cells)
{
    cells[0] = p->several ? "a" : "the";
    cells[1] = p->colour == COLOUR_ANY ? "" : GRAMMAR_COLOURS[p->colour];
    cells[2] = GRAMMAR_NOUNS[p->noun];
    cells[3] = PLACE_LABELS[p->place];
}

/* How the clauses are joined: "then", "after", "and", "and then", "then and", "and then and", … */
static const char *join_label(const sentence *s)
{
    static const char *const labels[3][2][2] = {
        {{"", ""}, {"and", "and"}},
        {{"then", "then and"}, {"and then", "and then and"}},
        {{"after", "after and"}, {"and after", "and after and"}},
    };
    return labels[s->sequence][s->clauses[0] == 2][s->parts == 2 && s->clauses[1] == 2];
}

static bool fill_row(triad_arena *memory, const sentence *s, const shape *most, const char **cells)
{
    const size_t columns = column_count(most);
    for (size_t i = 0; i < columns; i++) cells[i] = "";
    const char **next = cells + COLUMN_PHRASES;
    const char **more_verbs = cells + columns - (size_t)most->clauses; /* verb2 … group */
    int clauses = 0;
    for (int part = 0; part < s->parts; part++)
        for (int i = 2 * part; i < 2 * part + s->clauses[part]; i++, clauses++) {
            const char **verb_cell = clauses == 0 ? cells + COLUMN_VERB : more_verbs + clauses - 1;
            *verb_cell = GRAMMAR_VERB_LABELS[s->verb[i]];
            for (int p = 0; p < (s->verb[i] == VERB_PUT_NEXT ? 2 : 1); p++, next += PHRASE_FIELDS)
                phrase_cells(&s->phrase[i][p], next);
        }
    if (most->clauses > 1) more_verbs[-1] = join_label(s);
    char text[BABYAI_MISSION_MAX];
    grammar_group(s, text);
    cells[columns - 1] = triad_arena_strdup(memory, text);
    return cells[columns - 1] != NULL;
}

static triad_status make_items(triad_items *items, const sentence *all, char **text, size_t count, triad_error *err)
{
    triad_arena memory = {0};
    shape most = {0, 0};
    for (size_t i = 0; i < count; i++) measure(&all[i], &most);
    const size_t columns = column_count(&most);
    const char *names[COLUMNS_MAX];
    const char **cells = TRIAD_NEW(&memory, const char *, count *columns + 1);
    bool enough = cells && name_columns(&memory, &most, names);
    for (size_t i = 0; enough && i < count; i++) enough = fill_row(&memory, &all[i], &most, cells + i * columns);
    const triad_status status = enough
                                    ? triad_items_create(items, count, (const char *const *)text,
                                                         (const char *const *)text, columns, names, cells, err)
                                    : triad_fail(err, TRIAD_ERR_MEMORY, -1, "sentences: no memory for %zu rows", count);
    triad_arena_free(&memory);
    return status;
}

typedef struct numbered {
    const char *text;
    const sentence *what;
} numbered;

static int by_text(const void *a, const void *b)
{
    return strcmp(((const numbered *)a)->text, ((const numbered *)b)->text);
}

static triad_status sorted_items(triad_items *items, const collection *all, triad_error *err)
{
    triad_arena memory = {0};
    numbered *rows = TRIAD_NEW(&memory, numbered, all->count + 1);
    sentence *unique = TRIAD_NEW(&memory, sentence, all->count + 1);
    char **text = TRIAD_NEW(&memory, char *, all->count + 1);
    bool enough = rows && unique && text;
    for (size_t i = 0; enough && i < all->count; i++) {
        char words[BABYAI_MISSION_MAX];
        grammar_text(&all->at[i], words);
        rows[i] = (numbered){triad_arena_strdup(&memory, words), &all->at[i]};
        enough = rows[i].text != NULL;
    }
    triad_status status = TRIAD_OK;
    if (enough) {
        size_t count = 0;
        qsort(rows, all->count, sizeof *rows, by_text);
        for (size_t i = 0; i < all->count; i++)
            if (i == 0 || strcmp(rows[i].text, rows[i - 1].text) != 0) {
                unique[count] = *rows[i].what;
                text[count++] = (char *)(uintptr_t)rows[i].text;
            }
        status = count <= SENTENCES_MAX
                     ? make_items(items, unique, text, count, err)
                     : triad_fail(err, TRIAD_ERR_RANGE, -1,
                                  "sentences: the levels have %zu together, more than %d (take a sample: --sample N)",
                                  count, SENTENCES_MAX);
    } else {
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "sentences: no memory for %zu rows", all->count);
    }
    triad_arena_free(&memory);
    return status;
}

triad_status babyai_sentences(triad_items *items, const babyai_level *const *levels, size_t count, triad_error *err)
{
    *items = (triad_items){0};
    if (count == 0) return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "sentences: no levels (name at least one)");
    if (count > LEVELS_MAX)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "sentences: %zu levels (at most %d)", count, LEVELS_MAX);
    collection all = {.limit = SIZE_MAX};
    triad_status status = TRIAD_OK;
    for (size_t i = 0; i < count && status == TRIAD_OK; i++) {
        all.limit = all.count + SENTENCES_MAX;
        level_sentences(&all, levels[i]);
        if (all.full)
            status = triad_fail(err, TRIAD_ERR_RANGE, -1, "sentences: %s has more than %d (take a sample: --sample N)",
                                babyai_level_name(levels[i]), SENTENCES_MAX);
        else if (all.failed)
            status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "sentences: no memory for those of %s",
                                babyai_level_name(levels[i]));
    }
    if (status == TRIAD_OK) status = sorted_items(items, &all, err);
    free(all.at);
    return status;
}

triad_status babyai_sentences_parse(triad_items *items, const char *const *text, size_t count, triad_error *err)
{
    *items = (triad_items){0};
    sentence *all = calloc(count ? count : 1, sizeof *all);
    if (!all) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "sentences: no memory for %zu rows", count);
    triad_status status = TRIAD_OK;
    for (size_t i = 0; i < count && status == TRIAD_OK; i++)
        if (!grammar_parse(&all[i], text[i]))
            status = triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)i,
                                "sentence %zu: '%.200s' is none of BabyAI's (words and order must be exact)", i + 1,
                                text[i]);
    if (status == TRIAD_OK) status = make_items(items, all, (char **)(uintptr_t)text, count, err);
    free(all);
    return status;
}
