/* Matrices over pairs of sentences, made once a space, whose products over two spaces are the kernel and RDM measures.
 */
#ifndef TRIAD_ALIGN_MATRICES_H
#define TRIAD_ALIGN_MATRICES_H

#include "align/rows.h"

typedef enum align_matrix_kind {
    /* Centred kernels: the product over two spaces is HSIC up to a factor (Gretton 2005: both sides centred; Song 2012,
     * Székely & Rizzo 2014: U-centred with a zero diagonal, unbiased). */
    ALIGN_GRAM, /* X X' */
    ALIGN_GRAM_U,
    ALIGN_RBF_HALF, /* exp(-distance^2 / (2 s^2)), s = half the median distance */
    ALIGN_RBF_ONE,  /* s = the median distance */
    ALIGN_RBF_HALF_U,
    ALIGN_RBF_ONE_U,
    ALIGN_RBF_UNIT, /* unit rows, s = 1 */
    /* Representational dissimilarities on a grid of 1e-10, zero diagonal: as they are, minus their mean, and their
     * ranks minus the mean rank. */
    ALIGN_COSINE,
    ALIGN_COSINE_CENTRED,
    ALIGN_COSINE_RANKS,
    ALIGN_CORRELATION,
    ALIGN_CORRELATION_CENTRED,
    ALIGN_CORRELATION_RANKS,
    ALIGN_EUCLIDEAN,
    ALIGN_EUCLIDEAN_CENTRED,
    ALIGN_EUCLIDEAN_RANKS,
    ALIGN_SQEUCLIDEAN,
    ALIGN_SQEUCLIDEAN_CENTRED,
    ALIGN_SQEUCLIDEAN_RANKS,
    /* What is left of centred distances, and of ranks, once controls are held constant: two for each distance. */
    ALIGN_RESIDUALS,
    ALIGN_MATRICES = ALIGN_RESIDUALS + 8
} align_matrix_kind;

typedef struct align_matrix {
    double *values; /* [n, n] symmetric; NULL where the space has none: U-centring below 4 rows, correlation below 3
                       columns */
    double norm;    /* sum of squares; 0 where nothing but rounding is left */
} align_matrix;

static inline bool align_is_unbiased(align_matrix_kind kind)
{
    return kind == ALIGN_GRAM_U || kind == ALIGN_RBF_HALF_U || kind == ALIGN_RBF_ONE_U;
}
static inline bool align_is_rdm(align_matrix_kind kind)
{
    return kind >= ALIGN_COSINE;
}
/* Distances as they are: their mean is not 0. */
static inline bool align_is_plain_rdm(align_matrix_kind kind)
{
    return kind >= ALIGN_COSINE && kind < ALIGN_RESIDUALS && (kind - ALIGN_COSINE) % 3 == 0;
}

/* The residuals of the distances that begin at `first` (ALIGN_COSINE, …), and what residual kind r is made of. */
static inline align_matrix_kind align_residual_kind(align_matrix_kind first, bool ranks)
{
    return (align_matrix_kind)(ALIGN_RESIDUALS + 2 * (first - ALIGN_COSINE) / 3 + ranks);
}
static inline align_matrix_kind align_residual_of(align_matrix_kind residual)
{
    return (align_matrix_kind)(ALIGN_COSINE + 3 * ((residual - ALIGN_RESIDUALS) / 2) + 1 +
                               (residual - ALIGN_RESIDUALS) % 2);
}
/* The bits of what the residuals among `kinds` are made of. */
static inline uint32_t align_kinds_of_residuals(uint32_t kinds)
{
    uint32_t made_of = 0;
    for (unsigned r = ALIGN_RESIDUALS; r < ALIGN_MATRICES; r++)
        if (kinds >> r & 1) made_of |= 1U << align_residual_of((align_matrix_kind)r);
    return made_of;
}

/* Makes the matrices whose bit is in `kinds` of x [n, d] (any rotation of the space), its cosines [n, n] and, for
 * correlation, the columns as they came, raw [n, raw_d]. Linear kernels of large spaces (align_is_large) are taken in
 * float of the centred columns, whose centred kernel is the same; RDMs are in double throughout, as ranks hang on ties.
 */
TRIAD_NODISCARD triad_status align_matrices_create(align_matrix matrix[ALIGN_MATRICES], uint32_t kinds, const double *x,
                                                   size_t n, size_t d, const double *raw, size_t raw_d,
                                                   const double *cosine, triad_pool *pool, triad_error *err);
/* The linear kernels alone; NULL: not wanted. single: in float of the centred columns. */
TRIAD_NODISCARD triad_status align_linear_kernels(align_matrix *biased, align_matrix *unbiased,
                                                  const align_source *rows, bool single, align_room *room,
                                                  triad_pool *pool, triad_error *err);
/* The forms of the cosine RDM in `kinds`, from cosine [n, n] (triad_alloc_large or malloc), which it takes over. */
TRIAD_NODISCARD triad_status align_cosine_forms(align_matrix matrix[ALIGN_MATRICES], uint32_t kinds, double *cosine,
                                                size_t n, align_room *room, triad_pool *pool, triad_error *err);
/* The same from the rows, by products in float, where no rank can hang on what float leaves out: *done is false where
 * too many distances are equal, or too close, and nothing was made. cosine [n, n] is taken over if it was done. */
TRIAD_NODISCARD triad_status align_cosine_forms_single(align_matrix matrix[ALIGN_MATRICES], bool *done, uint32_t kinds,
                                                       double *cosine, const align_source *rows, align_room *room,
                                                       triad_pool *pool, triad_error *err);
void align_matrices_free(align_matrix matrix[ALIGN_MATRICES]);

/* sum of a [i, j] b [i, j] over all of [n, n] */
double align_matched_sum(const double *a, const double *b, size_t n);

/* A norm, or 0: what centring leaves of numbers that were all the same is rounding, of raw_norm's size. */
double align_norm_above_rounding(double norm, double raw_norm);
/* The same of a kernel whose columns were centred before it was made; raw_norm is that of the one before. */
double align_norm_of_centred_columns(double norm, double raw_norm);

/* both / sqrt(x y); NaN unless x and y are positive. */
double align_ratio(double both, double x, double y);

/* Rows to unit length; a zero row stays. */
void align_unit_rows(double *x, size_t n, size_t d);
/* Column means [d] of x [n, d] subtracted. */
TRIAD_NODISCARD triad_status align_centre(double *x, size_t n, size_t d, triad_error *err);
/* cosine [n, n] of the rows of x [n, d]. */
TRIAD_NODISCARD triad_status align_cosines(double *cosine, const double *x, size_t n, size_t d, triad_pool *pool,
                                           triad_error *err);
TRIAD_NODISCARD triad_status align_cosines_of(double *cosine, const align_source *rows, align_room *room,
                                              triad_pool *pool, triad_error *err);

#endif
