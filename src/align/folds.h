/* How sentences are dealt into folds. */
#ifndef TRIAD_ALIGN_FOLDS_H
#define TRIAD_ALIGN_FOLDS_H

#include "triad/align.h"

/* fold [n] below *count <= ALIGN_MAX_FOLDS, keyed by seed:
 *   "random" (or NULL)        ALIGN_FOLDS folds, as equal as can be
 *   "group:COLUMN"            sentences of one group (cell of the column) lie in one of ALIGN_FOLDS folds, filled
 * evenly "leave-two-words:COLUMN"  a fold holds out two words of the column (the last one three where their number is
 * odd); sentences without a word there are dealt at random Fails where the column is not there or has too few or too
 * many words. */
TRIAD_NODISCARD triad_status align_deal(uint8_t *fold, size_t *count, const char *how, const triad_items *items,
                                        const size_t *rows, size_t n, uint64_t seed, triad_error *err);

#endif
