/* Held-out words: fit without two words, then ask which of them is which. */
#ifndef TRIAD_ALIGN_WORDS_H
#define TRIAD_ALIGN_WORDS_H

#include "align/retrieval.h"

typedef struct align_word_pair {
    uint32_t a, b;
    double share; /* of the row pairs won, a tie counting one half */
} align_word_pair;

/* The pairs of words of a column, each with the split that holds out the rows that hold either, in the column or in its
 * twin. */
typedef struct align_words {
    size_t n, columns, column, twin; /* twin SIZE_MAX: none */
    const uint32_t *cells;           /* [n, columns] word numbers, UINT32_MAX for none; borrowed */
    size_t words, count;
    align_word_pair *pair; /* [count] those with rows that can be told apart and rows left to fit */
    align_split *split;    /* [count] */
    double **weight;  /* [count][n - train] of held-out rows in the mean difference of a's rows and b's that differ in
                         this column alone */
    uint32_t *number; /* [words, words] of the pair; UINT32_MAX: none */
} align_words;
TRIAD_NODISCARD triad_status align_words_create(align_words *words, const uint32_t *cells, size_t n, size_t columns,
                                                size_t column, size_t twin, triad_error *err);
void align_words_free(align_words *words);

/* One space prepared without each pair of words: the strict preparation through at most `cap` dimensions, part
 * [words->count]. */
TRIAD_NODISCARD triad_status align_words_prepare(align_part *part, const align_words *words, size_t pair,
                                                 const align_rows *rows, size_t cap, triad_error *err);

/* The 2-against-2 test (Mitchell et al. 2008): for every two words the map is fitted on the rows that hold neither; for
 * every two held-out rows that differ in that column alone, is the right pairing closer than the swapped one? x and y
 * [words->count] are prepared; row i of Y is row order[i] (NULL: i), which must be a renaming of the column's words.
 * share [words->count] (may be NULL); *mean is over the pairs; chance 0.5. */
TRIAD_NODISCARD triad_status align_words_score(double *mean, double *share, const align_words *words,
                                               const align_part *x, const align_part *y, const uint32_t *order,
                                               align_scratch *scratch, triad_error *err);

/* Divides the columns of a part, whose variance over the training rows is v, by sqrt(v + 10 mean v): for margins. */
void align_words_weigh(align_part *part, const align_words *words, size_t pair);

/* How surely the pairings are right, on a finer scale than their count: the statistic of the test's p. The right
 * pairing of two words beats the swapped one by (x_a - x_b) M (y_a - y_b). Here x_a - x_b is the mean over the held-out
 * rows that differ in that word alone, and M is X'Y of the training rows of weighed parts: next to the covariance of
 * partial least squares (McIntosh et al. 1996), which weighs directions by what both sides share in them where an
 * orthogonal map gives noise as much say, but held back where few axes have most of the variance (canonical ridge,
 * Vinod 1976). *mean over the pairs of words and both directions of the cosine between the mapped difference and the
 * other side's: at most 1, 0 in expectation by chance. */
TRIAD_NODISCARD triad_status align_words_margin(double *mean, const align_words *words, const align_part *x,
                                                const align_part *y, const uint32_t *order, triad_error *err);

/* All of it for two spaces. *pairs: the caller frees. */
TRIAD_NODISCARD triad_status align_leave_two_words(double *mean, align_word_pair **pairs, size_t *count,
                                                   const align_rows *x, const align_rows *y, const uint32_t *cells,
                                                   size_t columns, size_t column, size_t cap, triad_error *err);

#endif
