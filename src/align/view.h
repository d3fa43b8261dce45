/* A view: one layer on the rows of one set of sentences, with all that its pairs share factored once. */
#ifndef TRIAD_ALIGN_VIEW_H
#define TRIAD_ALIGN_VIEW_H

#include "triad/align.h"

typedef struct align_neighbours { /* for one k */
    double *weight;  /* [n, n] membership under random ties: 1 above the k-th score, a share at it */
    uint8_t *member; /* [n, n] the k nearest, ties to the lower index */
} align_neighbours;

typedef struct align_view {
    size_t n, d;
    double *x;             /* [n, d], rotated to d <= n where it was wider */
    size_t ks;
    align_neighbours *near; /* [ks] */
    uint32_t *list;        /* columns that have weight for the largest k, row after row */
    uint32_t *list_offset; /* [n + 1] */
    double *kernel;        /* [n, n] U-centred Gram matrix, diagonal 0 (Székely & Rizzo 2014); NULL where n < 4 */
    double kernel_norm;    /* sum of its squares: HSIC_u(K, K) up to n (n - 3) */
    double *rank;          /* [n, n] ranks of cosine distances over pairs, minus their mean, diagonal 0 */
    double rank_norm;      /* sum of its squares */
    double *part[ALIGN_FOLDS]; /* [n, r]: all rows through the fold's training mean, unit length and principal axes */
    size_t part_width[ALIGN_FOLDS];
} align_view;

/* layer's rows [n]; fold [n] or NULL (no retrieval); cap as in the options; k [ks] ascending, each < n. */
TRIAD_NODISCARD triad_status align_view_create(align_view *view, const triad_layer *layer, const size_t *rows, size_t n,
                                               const uint8_t *fold, size_t cap, const size_t *k, size_t ks, triad_error *err);
void align_view_free(align_view *view);

/* The strict protocol's preparation of one side (alignment by Procrustes, Schoenemann 1966, after VLCA's preprocessing): mean of
 * the training rows, unit length, mean again, principal axes of the training rows up to `cap` (0: all), of rank by 1e-10 of the
 * largest singular value. Row i of the fold is row order[i] of x (order NULL: i itself); part [n, *width] follows the rows of x.
 * exact uses singular values; otherwise the covariance's eigenvectors where they are good enough, which is faster. */
TRIAD_NODISCARD triad_status align_fit_part(double **part, size_t *width, const double *x, size_t n, size_t d, const uint8_t *fold,
                                            size_t held_out, const uint32_t *order, size_t cap, bool exact, triad_error *err);

#endif
