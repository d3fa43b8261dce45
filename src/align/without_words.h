/* Pair measures without the sentences of one word: the jackknife over words. */
#ifndef TRIAD_ALIGN_WITHOUT_WORDS_H
#define TRIAD_ALIGN_WITHOUT_WORDS_H

#include "align/intervals.h"
#include "align/matrices.h"

/* How what is left of two matrices is compared. */
typedef enum align_left {
    ALIGN_LEFT_KERNELS,   /* U-centred again (Song et al. 2012), cosine of both */
    ALIGN_LEFT_DISTANCES, /* mean taken off again, cosine of both: Pearson's correlation; of ranks, those of all pairs
                           */
    ALIGN_LEFT_PRODUCTS   /* plain mean of products */
} align_left;

/* value [words->units]: of the matrices x and y [n, n] over the sentences that do not hold the word; NaN where too
 * little is left. One pass over both, whatever the number of words. */
TRIAD_NODISCARD triad_status align_values_without(double *value, const align_units *words, const double *x,
                                                  const double *y, align_left left, triad_error *err);

#endif
