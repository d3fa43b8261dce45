/* Measures of two whole column spaces: the CCA family and Procrustes shape distances. */
#ifndef TRIAD_ALIGN_LINEAR_MEASURES_H
#define TRIAD_ALIGN_LINEAR_MEASURES_H

#include "triad/base.h"

/* The centred rows as u diag(s): u [n, rank] orthonormal columns, s descending, rank by 1e-10 of the largest. */
typedef struct align_basis {
    size_t n, rank;
    double *u, *s;
} align_basis;
TRIAD_NODISCARD triad_status align_basis_create(align_basis *basis, const double *x, size_t n, size_t d,
                                                triad_error *err);
void align_basis_free(align_basis *basis);

enum { ALIGN_CCA_TOP = 5 };

typedef struct align_cca {
    double mean, r2;   /* of the canonical correlations (Hotelling 1936), and of their squares */
    size_t directions; /* how many there are: the smaller rank */
    double svcca;      /* mean over the leading components that hold 99 % of each side's variance (Raghu et al. 2017) */
    size_t svcca_directions;
    double pwcca_x, pwcca_y; /* weighted by what they explain of X or Y (Morcos et al. 2018); NaN where two or more
                                correlations are 1 and others are not, as their directions are arbitrary then */
    double top[ALIGN_CCA_TOP];
} align_cca;

/* raw_x [n, dx] and raw_y [n, dy] are the columns as they came, whose directions PWCCA weighs by. All NaN where a side
 * is constant. */
TRIAD_NODISCARD triad_status align_cca_measure(align_cca *out, const align_basis *x, const align_basis *y,
                                               const double *raw_x, size_t dx, const double *raw_y, size_t dy,
                                               triad_error *err);

typedef struct align_shape { /* both sides centred and of Frobenius norm 1, but for the last; s the nuclear norm of A'B
                              */
    double similarity;       /* s */
    double dist2;            /* 2 - 2 s (Ding et al. 2021) */
    double dist;             /* its root */
    double angular;          /* acos s (Williams et al. 2021) */
    double disparity;        /* 1 - s^2 (Gower 1975) */
    double size_and_shape;   /* sqrt(|Xc|^2 + |Yc|^2 - 2 |Xc'Yc|_*) */
} align_shape;

/* x [n, dx], y [n, dy] in any rotation. All NaN where a side is constant. */
TRIAD_NODISCARD triad_status align_shape_measure(align_shape *out, const double *x, size_t dx, const double *y,
                                                 size_t dy, size_t n, triad_error *err);

#endif
