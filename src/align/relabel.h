/* The relabel null: words renamed consistently, so that all shared-word structure stays and only which word is which
 * goes. */
#ifndef TRIAD_ALIGN_RELABEL_H
#define TRIAD_ALIGN_RELABEL_H

#include "triad/align.h"

typedef struct align_relabel align_relabel;

/* Which renamings. */
typedef struct align_renaming {
    /* Only words whose exchange leaves all bags of words as they are, up to which word is which: "red" and "blue", "on
     * your left" and "on your right", but not "on your left" and "behind you", which share no words with others as the
     * left and the right do. Neutral for whatever reads words alone. */
    bool vocabulary;
    const char *const *columns; /* the words of these columns and their twins alone; count 0: of all columns */
    size_t count;
} align_renaming;

/* Looks for the words that can be exchanged in the factor columns of rows [n] of items. A column and its twin
 * ("colour", "colour2") are one vocabulary; verbs, articles and `group` stay as they are (unless a verb's column is
 * asked for by name), as does an empty cell. Two words are exchanged only where at least nine in ten of the rows that
 * hold either have their counterpart. *relabel is NULL and `reason` says why where fewer than 90 % of the rows are
 * closed under renaming, or no two words can be exchanged. */
TRIAD_NODISCARD triad_status align_relabel_create(align_relabel **relabel, const triad_items *items, const size_t *rows,
                                                  size_t n, const align_renaming *renaming, char reason[160],
                                                  triad_error *err);
void align_relabel_free(align_relabel *relabel);

/* The largest closed subset, as positions into rows, ascending. */
const uint32_t *align_relabel_rows(const align_relabel *relabel, size_t *count);
/* How many renamings there are, the identity included; saturates at 1e15. */
double align_relabel_count(const align_relabel *relabel);
/* Pairs of words that trade places: what a claim about which word is which rests on. */
size_t align_relabel_word_pairs(const align_relabel *relabel);
/* "colour 6, object 3, location 2": the vocabularies and how many words of each trade places. */
void align_relabel_describe(const align_relabel *relabel, char *text, size_t size);
/* Whether words of this column (not its twin) trade places. */
bool align_relabel_moves(const align_relabel *relabel, const char *column);
/* How many orders align_relabel_draw gives when at most `wanted` are: all renamings but the identity where they are no
 * more, else `wanted` at random. */
size_t align_relabel_draws(const align_relabel *relabel, size_t wanted);
/* order [count]: position i of the subset goes to the position that holds its words renamed; number `draw` below
 * align_relabel_draws(relabel, wanted). */
TRIAD_NODISCARD triad_status align_relabel_draw(const align_relabel *relabel, uint32_t *order, uint64_t seed,
                                                uint64_t draw, size_t wanted, triad_error *err);

#endif
