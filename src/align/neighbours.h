/* Nearest neighbours by cosine, and how far those of two spaces agree: precision@k as overlap (mutual kNN, Huh et al.
 * 2024). */
#ifndef TRIAD_ALIGN_NEIGHBOURS_H
#define TRIAD_ALIGN_NEIGHBOURS_H

#include "align/rows.h"

/* Each row's other rows, nearest first (on the 1e-9 grid, ties to the lower index), down to all that tie with the last
 * k-th. */
typedef struct align_neighbours {
    size_t n, ks;
    const size_t *k;   /* [ks] ascending, each < n; borrowed */
    size_t *offset;    /* [n + 1] */
    uint32_t *index;   /* [offset[n]] */
    double *cosine;    /* [offset[n]] */
    uint32_t *above;   /* [n, ks] entries above the k-th score … */
    uint32_t *reached; /* [n, ks] … and at or above it */
} align_neighbours;

/* cosine [n, n]. */
TRIAD_NODISCARD triad_status align_neighbours_create(align_neighbours *near, const double *cosine, size_t n,
                                                     const size_t *k, size_t ks, triad_pool *pool, triad_error *err);
/* The same from the rows themselves, for many sentences: cosines in float, decided again in double wherever two are
 * closer than the float's error bound. `cosine` of an entry that was not in question is the float one, unless `exact`.
 */
TRIAD_NODISCARD triad_status align_neighbours_of_rows(align_neighbours *near, const align_source *rows, const size_t *k,
                                                      size_t ks, bool exact, align_room *room, triad_pool *pool,
                                                      triad_error *err);
void align_neighbours_free(align_neighbours *near);

/* Expected membership in number q of the ks, under random ties, of the entry at `place` of row i's list. */
double align_membership(const align_neighbours *near, size_t i, size_t q, size_t place);

typedef enum align_overlap_kind {
    ALIGN_OVERLAP_PLAIN,   /* |N_X & N_Y| / k, ties to the lower index */
    ALIGN_OVERLAP_FRAC,    /* the same in expectation under random ties */
    ALIGN_OVERLAP_JACCARD, /* |N_X & N_Y| / |N_X | N_Y| */
    ALIGN_OVERLAP_CYCLE,   /* is i in N_X(j) for some j in N_Y(i)? (Huh et al. 2024) */
    ALIGN_OVERLAP_KINDS
} align_overlap_kind;

/* Means over the rows, value [ALIGN_OVERLAP_KINDS, ks]; only the kinds of the bit mask `kinds` are touched. Row i of Y
 * is row order[i] (NULL: i). scores [ALIGN_OVERLAP_KINDS * ks]: where not NULL, the row's own figures [n]. room [2 n]
 * starts as zeroes and is left so. */
void align_overlap(double *value, double *const *scores, const align_neighbours *x, const align_neighbours *y,
                   unsigned kinds, const uint32_t *order, uint32_t *room);

/* CKNNA (Huh et al. 2024): HSIC_u (Song et al. 2012) on the pairs that are neighbours in both, number q of the ks. NaN
 * for n < 4 or where a side's own HSIC is not positive. */
TRIAD_NODISCARD triad_status align_cknna(double *value, const align_neighbours *x, const align_neighbours *y, size_t q,
                                         triad_error *err);

#endif
