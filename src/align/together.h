/* Seeds of one thing, and differences of two models: the part of `triad align`'s document beside the pairs. */
#ifndef TRIAD_ALIGN_TOGETHER_H
#define TRIAD_ALIGN_TOGETHER_H

#include "formats/json.h"
#include "triad/align.h"

/* For each set and each space outside it: every measure's mean over the seeds, with intervals over sentences and seeds
 * (and words and seeds). "seeds": [{"x", "y", "seeds", "measures": {NAME: {"value", "interval", "interval_groups"}}}]
 */
TRIAD_NODISCARD triad_status align_seeds_to_json(json_object **out, const triad_align_result *result,
                                                 const triad_align_set *sets, size_t set_count, triad_error *err);

/* For each of `differences` "A:B" (names of sides or sets) and each other Z: measure(A, Z) - measure(B, Z) over the
 * same resamples. "differences": [{"a", "b", "with", "measures": {NAME: {"value", "interval", "p", …}}}] */
TRIAD_NODISCARD triad_status align_differences_to_json(json_object **out, const triad_align_result *result,
                                                       const triad_align_set *sets, size_t set_count,
                                                       const char *const *differences, size_t difference_count,
                                                       triad_error *err);

/* What align_differences_to_json would refuse, before anything is measured: `names` are those of the sides. */
TRIAD_NODISCARD triad_status align_differences_check(char *const *names, size_t name_count, const triad_align_set *sets,
                                                     size_t set_count, const char *const *differences,
                                                     size_t difference_count, triad_error *err);

/* The ceiling of each set: lower, a seed against the mean space of the others; upper, a seed against the mean of all.
 * Aligned anew with the options but their nulls. "ceilings": [{"name", "measures": {NAME: {"lower": {…}, "upper":
 * {…}}}}] */
TRIAD_NODISCARD triad_status align_ceilings_to_json(json_object **out, const triad_align_side *sides, size_t side_count,
                                                    const triad_align_set *sets, size_t set_count,
                                                    const triad_align_options *options, triad_pool *pool,
                                                    triad_progress *progress, triad_error *err);

#endif
