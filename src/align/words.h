/* Held-out words: fit without two words, then ask which of them is which. */
#ifndef TRIAD_ALIGN_WORDS_H
#define TRIAD_ALIGN_WORDS_H

#include "align/retrieval.h"

typedef struct align_word_pair {
    uint32_t a, b;
    double share; /* of the row pairs won, a tie counting one half */
} align_word_pair;

/* The 2-against-2 test (Mitchell et al. 2008) on column `column` of cells [n, columns] (word numbers): for every two
 * words of the column, the strict map through at most `cap` dimensions is fitted on the rows that hold neither; for
 * every two held-out rows that differ in that column alone, is the right pairing closer than the swapped one? *pairs
 * (the caller frees) lists the word pairs that have such rows; *mean is over them; chance 0.5. */
TRIAD_NODISCARD triad_status align_leave_two_words(double *mean, align_word_pair **pairs, size_t *count,
                                                   const align_rows *x, const align_rows *y, const uint32_t *cells,
                                                   size_t columns, size_t column, size_t cap, triad_error *err);

#endif
