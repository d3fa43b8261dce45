/* What two views say of each other. */
#ifndef TRIAD_ALIGN_PAIR_H
#define TRIAD_ALIGN_PAIR_H

#include "align/intervals.h"

/* What more than its value is wanted of each measure of a plan; arrays of [plan->count], entries NULL (NaN) where a
 * measure has none. Zero-initialise, say what is wanted, free by align_findings_free. */
typedef struct align_findings {
    bool influences;          /* whether these are wanted */
    const align_units *words; /* influences of words too; NULL: of sentences alone */
    size_t columns;           /* graded hits in these columns of cells [n, columns]; 0: none */
    const uint32_t *cells;
    size_t count;
    double **scores;     /* [n] of a mean over sentences */
    double **sentence;   /* [n] influences, as intervals.h has them */
    double **word;       /* [words->units] */
    double *median_rank; /* of the right row, from 1, ties in the middle */
    double **grade;      /* [columns] share of the first k that hold the row's own word */
} align_findings;
void align_findings_free(align_findings *findings);

/* Every measure of the plan into value [plan->count], NaN where undefined. findings NULL: values alone. */
TRIAD_NODISCARD triad_status align_measure_pair(double *value, align_findings *findings, const align_plan *plan,
                                                const align_view *x, const align_view *y, const align_folds *folds,
                                                triad_error *err);

/* Retrieval's measures of protocol number p, pool and score from places [2 n], into value and (unless NULL) scores as
 * above. */
void align_score_places(double *value, double *const *scores, const align_plan *plan, unsigned protocol, bool test,
                        bool csls, const align_place *places, size_t n);

/* 12 sum / (M^3 - M) of centred ranks whose products over i < j sum to `sum` (Schütt et al. 2023); M pairs of n
 * sentences. */
double align_rho_a(double sum, size_t n);

#endif
