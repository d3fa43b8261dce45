/* What two views say of each other. */
#ifndef TRIAD_ALIGN_PAIR_H
#define TRIAD_ALIGN_PAIR_H

#include "align/view.h"

/* Every measure of the plan into value [plan->count], NaN where undefined. scores [plan->count]: an [n] for each
 * measure that is a mean over sentences, else NULL (the caller frees each); scores NULL: not wanted. own [2 n] (may be
 * NULL): the places behind the plan's own protocol, all rows as the pool, by cosine; left alone where the plan has
 * none. */
TRIAD_NODISCARD triad_status align_measure_pair(double *value, double **scores, align_place *own,
                                                const align_plan *plan, const align_view *x, const align_view *y,
                                                const align_folds *folds, triad_error *err);

/* Retrieval's measures of protocol number p, pool and score from places [2 n], into value and (unless NULL) scores as
 * above. */
void align_score_places(double *value, double *const *scores, const align_plan *plan, unsigned protocol, bool test,
                        bool csls, const align_place *places, size_t n);

/* 12 sum / (M^3 - M) of centred ranks whose products over i < j sum to `sum` (Schütt et al. 2023); M pairs of n
 * sentences. */
double align_rho_a(double sum, size_t n);

#endif
