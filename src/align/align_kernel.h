/* The inner loops of alignment: plain C that the compiler turns into vector instructions. */
#ifndef TRIAD_ALIGN_KERNEL_H
#define TRIAD_ALIGN_KERNEL_H

#include <stdbool.h>
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

/* sum of a [i] */
double align_sum(const double *a, size_t n);

/* out [c] = row [c]; false when one is NaN or infinite. */
bool align_widen(double *restrict out, const float *restrict row, size_t d);
bool align_all_finite(const float *row, size_t d);
/* sum of a [i] b [i] in double */
double align_dot_float(const float *a, const float *b, size_t n);

/* out [j] = row [j] - (own + part [j]) + both: a row of a kernel, centred. */
void align_centre_row(double *out, const double *row, const double *restrict part, double own, double both, size_t n);

/* sum [j] += row [j]; the sum of their squares */
double align_add_float(double *restrict sum, const float *restrict row, size_t n);

/* out [j] = row [j] * scale - part [j] */
void align_shift_to_float(float *restrict out, const double *restrict row, double scale, const double *restrict part,
                          size_t n);

/* The same of a row in float. */
void align_shift_float(float *restrict out, const float *restrict row, double scale, const double *restrict part,
                       size_t n);
/* The same in double. */
void align_shift(double *restrict out, const double *restrict row, double scale, const double *restrict part, size_t n);

/* max of |a [i]|; 0 for n = 0 */
double align_largest(const double *a, size_t n);

/* out [i] = rint(a [i] / unit), which fit; the sum of squares of a [i] - out [i] * unit. */
double align_round_to_short(int16_t *restrict out, const double *restrict a, double unit, size_t n);

enum { ALIGN_SCAN_BLOCK = 16 };
/* hits: the first column of every ALIGN_SCAN_BLOCK of the n columns (arrays reach to a whole block) in which
 * product [j] * own * unit [j] + shift [j] reaches own_least for some j, or the same product + own_shift reaches
 * least [j]. Returns how many. */
size_t align_scan_scores(uint32_t *hits, const float *product, float own, const float *unit, float own_shift,
                         const float *shift, float own_least, const float *least, size_t n);

/* sum of (k [j] + own + part [j])^2: a row of a centred kernel */
double align_centred_norm(const float *k, double own, const double *restrict part, size_t n);
/* The same row of two kernels: the sum of their products, which are added to products [j], too. */
double align_centred_dot(double *restrict products, const float *k, const float *l, double own_k,
                         const double *restrict part_k, double own_l, const double *restrict part_l, size_t n);

/* out [j] = rint((1 - cosine [j]) * 1e10) / 1e10, in place if they are the same. */
void align_cosine_distances(double *out, const double *cosine, size_t n);
/* The same of the cosines product [j] + part [j] + own. */
void align_apart_distances(double *out, const double *product, const double *restrict part, double own, size_t n);

/* out [j] = row [order [j]] */
void align_gather(double *restrict out, const double *restrict row, const uint32_t *restrict order, size_t n);

/* sums [b] += sum of row [j] g [b, j], g of ALIGN_DRAW_BLOCK rows that lie `stride` apart */
void align_dot_block(double sums[ALIGN_DRAW_BLOCK], const double *restrict row, const double *restrict g, size_t stride,
                     size_t n);

#endif
