/* Do the nulls and intervals of alignment keep what they promise? Counted on simulated spaces. */
#ifndef TRIAD_BENCH_CALIBRATION_H
#define TRIAD_BENCH_CALIBRATION_H

#include "formats/json.h"
#include "triad/base.h"

typedef struct calibration_size {
    size_t draws, word_draws, fresh; /* of the nulls and intervals, of leave-two-words, of sets behind the true mean */
} calibration_size;
static inline calibration_size calibration_full(void)
{
    return (calibration_size){1000, 200, 2000};
}

/* Appends one object a rate to results: {"question", "case", "measure", "by", "draws", "rate", "from", "to", "holds"}.
 *   rejects  share of draws with p <= 0.05 (99 relabellings), n = 200: nothing shared (relabel and leave-two-words:
 *            inside the binomial 99 % interval of 5 %; iid: always), half the word geometry shared (at least 95 %).
 *            Leave-two-words on both columns together, and for information on either alone
 *   covers   share of 95 % intervals that hold the mean of `fresh` sets: independent rows (93-97 %), grammar spaces (by
 *            words at least 93 %; by sentences for information)
 * Blocks of draws that are done are kept in the file `state` (NULL: none), and a killed run goes on behind them; a file
 * of another seed or size, or of an earlier calibration's cases, is refused. The same for any pool. *all_hold: whether
 * every bar is met. */
TRIAD_NODISCARD triad_status bench_calibration(json_object *results, bool *all_hold, const char *state,
                                               const calibration_size *size, uint64_t seed, triad_pool *pool,
                                               triad_progress *progress, triad_error *err);

#endif
