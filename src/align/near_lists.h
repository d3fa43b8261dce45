/* Lists of neighbours while they are being built, row tile by row tile. */
#ifndef TRIAD_ALIGN_NEAR_LISTS_H
#define TRIAD_ALIGN_NEAR_LISTS_H

#include "align/neighbours.h"

#include <stdatomic.h>

typedef struct near_entry {
    double score; /* on the 1e-9 grid */
    double cosine;
    uint32_t index;
} near_entry;

typedef struct near_tile {
    near_entry *entry;
    size_t used, capacity;
} near_tile;

typedef struct near_lists {
    align_neighbours *near;
    near_tile *tile; /* [align_row_tiles(n)] */
    atomic_bool failed;
} near_lists;

TRIAD_NODISCARD triad_status near_lists_begin(near_lists *lists, align_neighbours *near, size_t n, const size_t *k,
                                              size_t ks, triad_error *err);
/* The candidates of row i, which lies in the tile; rows of a tile in ascending order. row [count], count at least the
 * largest k and holding all that tie with it, is sorted; what lies below that k-th score is left out. */
void near_lists_add(near_lists *lists, size_t tile, size_t i, near_entry *row, size_t count);
/* Joins the tiles; on a failure frees all, near included. Returns status, or what failed since. */
TRIAD_NODISCARD triad_status near_lists_end(near_lists *lists, triad_status status, triad_error *err);

/* The k-th largest of values [n] (k from 1), which are moved about: Hoare's selection. */
double near_kth_largest(double *values, size_t n, size_t k);
float near_kth_largest_float(float *values, size_t n, size_t k);

#endif
