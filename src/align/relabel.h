/* The relabel null: words renamed consistently, so that all shared-word structure stays and only which word is which
 * goes. */
#ifndef TRIAD_ALIGN_RELABEL_H
#define TRIAD_ALIGN_RELABEL_H

#include "triad/align.h"

typedef struct align_relabel align_relabel;

/* Looks for the words that can be exchanged in the factor columns of rows [n] of items. A column and its twin
 * ("colour", "colour2") are one vocabulary; verbs, articles and `group` stay as they are, as does an empty cell. Two
 * words are exchanged only where at least nine in ten of the rows that hold either have their counterpart. *relabel is
 * NULL and `reason` says why where fewer than 90 % of the rows are closed under renaming, or no two words can be
 * exchanged. */
TRIAD_NODISCARD triad_status align_relabel_create(align_relabel **relabel, const triad_items *items, const size_t *rows,
                                                  size_t n, char reason[160], triad_error *err);
void align_relabel_free(align_relabel *relabel);

/* The largest closed subset, as positions into rows, ascending. */
const uint32_t *align_relabel_rows(const align_relabel *relabel, size_t *count);
/* How many renamings there are, the identity included; saturates at 1e15. */
double align_relabel_count(const align_relabel *relabel);
/* order [count]: position i of the subset goes to the position that holds its words renamed; renaming number `draw` of
 * the seed. */
TRIAD_NODISCARD triad_status align_relabel_draw(const align_relabel *relabel, uint32_t *order, uint64_t seed,
                                                uint64_t draw, triad_error *err);

#endif
