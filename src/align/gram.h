/* Products of all rows with all rows, the heaviest step of most measures, cut into tiles over a pool. */
#ifndef TRIAD_ALIGN_GRAM_H
#define TRIAD_ALIGN_GRAM_H

#include "align/panels.h"
#include "triad/base.h"

/* c [n, n] = a a' of a [n, k], rows lda apart, exactly symmetric. Half of it is computed, in tiles that depend on n
 * alone: the same bytes for any pool (NULL: in the caller, also from inside a tile). */
void align_gram_rows(double *c, const double *a, size_t lda, size_t n, size_t k, triad_pool *pool);

/* The same of float rows, by products in float. room: align_gram_room(pool) floats. */
void align_gram_widened(double *c, const align_panels *rows, float *room, triad_pool *pool);
size_t align_gram_room(const triad_pool *pool);

/* From row to row of a copy that is made for a product: rows that lie a multiple of 4 KiB apart crowd cache sets. */
static inline size_t align_row_step(size_t k)
{
    return k < 256 ? k : (k + 15) / 16 * 16 + 24;
}

/* The other triangle of c [n, n] from the one below the diagonal. */
void align_mirror(double *c, size_t n, triad_pool *pool);

/* From so many multiply-adds on, a side's work is spread over the pool by itself, and may go by float where the result
 * stays within 1e-5 of the double one: see the callers. */
static inline bool align_is_large(size_t n, size_t d)
{
    return (double)n * (double)n * (double)d >= 0x1p33;
}

/* Rows a tile where work goes row by row. */
enum { ALIGN_ROW_TILE = 64 };
static inline size_t align_row_tiles(size_t n)
{
    return (n + ALIGN_ROW_TILE - 1) / ALIGN_ROW_TILE;
}
static inline size_t align_row_end(size_t tile, size_t n)
{
    const size_t end = (tile + 1) * ALIGN_ROW_TILE;
    return end < n ? end : n;
}

#endif
