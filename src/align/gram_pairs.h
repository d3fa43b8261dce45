/* Linear CKA of large spaces without their kernels: a tile of each is made, summed up with those of the others, and
 * forgotten. */
#ifndef TRIAD_ALIGN_GRAM_PAIRS_H
#define TRIAD_ALIGN_GRAM_PAIRS_H

#include "align/centred.h"

enum { ALIGN_CENTRINGS = 2 }; /* of kernels: biased, and unbiased (U-centred) */

/* What pairs of centred kernels K and L have in common. */
typedef struct align_gram_pair {
    double value[ALIGN_CENTRINGS]; /* sum of K L over the root of the sums of squares; NaN where a side does not vary */
    double *scores[ALIGN_CENTRINGS]; /* [n] n times each row's part in it; NULL where the value is NaN */
} align_gram_pair;

/* pairs [count] of sides, wanted[c]: which centrings; the others' values are NaN. */
TRIAD_NODISCARD triad_status align_gram_pairs(align_gram_pair *pairs, size_t (*pair)[2], size_t count,
                                              const align_centred *sides, size_t side_count,
                                              const bool wanted[ALIGN_CENTRINGS], triad_pool *pool, triad_error *err);
void align_gram_pairs_free(align_gram_pair *pairs, size_t count);

#endif
