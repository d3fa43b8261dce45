/* The inner loops of alignment: plain C that the compiler turns into vector instructions. */
#ifndef TRIAD_ALIGN_KERNEL_H
#define TRIAD_ALIGN_KERNEL_H

#include <stddef.h>
#include <stdint.h>

enum { ALIGN_DRAW_BLOCK = 8 }; /* draws whose sums are taken together */

/* Scores closer than 1e-9 are ties. */
#define ALIGN_SCORE_GRID 1e9

/* How many of scores [n], on the grid, lie above `own` (on the grid) and how many equal it. */
void align_count_places(const double *scores, size_t n, double own, uint32_t *above, uint32_t *equal);

/* out [i] = rint(scores [i] * grid) */
void align_round(double *out, const double *scores, size_t n, double grid);

/* sum of a [i] b [i] */
double align_dot(const double *a, const double *b, size_t n);

/* sum of (a [i] - b [i])^2 */
double align_square_distance(const double *a, const double *b, size_t d);

/* out [j] = row [order [j]] */
void align_gather(double *restrict out, const double *restrict row, const uint32_t *restrict order, size_t n);

/* sums [b] += sum of row [j] g [b, j], g of ALIGN_DRAW_BLOCK rows that lie `stride` apart */
void align_dot_block(double sums[ALIGN_DRAW_BLOCK], const double *restrict row, const double *restrict g, size_t stride,
                     size_t n);

#endif
