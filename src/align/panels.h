/* Rows in panels: packed once, they are both sides of a product of all pairs. */
#ifndef TRIAD_ALIGN_PANELS_H
#define TRIAD_ALIGN_PANELS_H

#include "align/panel_kernel.h"

enum {
    ALIGN_UNIT = 4,     /* bytes */
    ALIGN_TOGETHER = 8, /* rows that are put in place together */
    ALIGN_SIDE = 12,    /* panels of a tile's side: the larger, the less often rows come from memory */
    ALIGN_TILE = ALIGN_SIDE * ALIGN_PANEL,
    ALIGN_TILE_STEP = ALIGN_TILE + 16 /* from row to row of a tile */
};

typedef struct align_panels {
    size_t n, units; /* rows, and what each has: floats, or pairs of 16-bit integers */
    size_t block;    /* units that kernels take at a time */
    void *values;    /* [align_panels_size(n, units)] units: panel after panel, block after block; borrowed */
    align_panel_fn multiply;
} align_panels;

/* Of floats, values [align_panels_size(n, d)]. */
align_panels align_panels_of_floats(float *values, size_t n, size_t d);

size_t align_panels_count(size_t n);
size_t align_panels_size(size_t n, size_t units);

/* Puts rows first … first + ALIGN_TOGETHER - 1 in place, [ALIGN_TOGETHER, units]; first is a multiple of that. All up
 * to the end of the last panel must be put, those beyond n as zeroes. */
void align_panels_put(const align_panels *panels, size_t first, const void *rows);

/* Tiles of the lower triangle of all pairs: those below the diagonal row by row, then those on it. */
size_t align_tiles(size_t n);
typedef struct align_tile {
    size_t row, column;         /* the first of either */
    size_t row_end, column_end; /* of those below n */
} align_tile;
align_tile align_tile_at(size_t number, size_t n);

/* product [ALIGN_TILE, ALIGN_TILE_STEP] of a tile; on the diagonal panels above it are left alone. */
void align_tile_product(float *product, const align_panels *panels, const align_tile *tile);

#endif
