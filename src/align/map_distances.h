/* What the maps share. */
#ifndef TRIAD_ALIGN_MAP_DISTANCES_H
#define TRIAD_ALIGN_MAP_DISTANCES_H

#include "triad/base.h"
#include "triad/map.h"

/* Refuses fewer than `least` rows, no columns, NaN and infinity. */
TRIAD_NODISCARD triad_status map_check(const char *what, const double *x, size_t n, size_t d, size_t least,
                                       triad_error *err);
/* Squared Euclidean distances [n, n] of the rows by direct differences. */
void map_square_distances(double *out, const double *x, size_t n, size_t d, triad_pool *pool);

#endif
