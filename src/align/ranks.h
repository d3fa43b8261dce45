/* Ranks with ties, and Kendall's tau. */
#ifndef TRIAD_ALIGN_RANKS_H
#define TRIAD_ALIGN_RANKS_H

#include "triad/base.h"

/* Average ranks (from 1) of values [n] into ranks [n]. Values are finite. */
TRIAD_NODISCARD triad_status align_average_ranks(double *ranks, const double *values, size_t n, triad_error *err);

/* Kendall's tau of a [n] and b [n] by Knight's sort (1966), O(n log n): a = (concordant - discordant) / (n (n - 1) /
 * 2), b with the ties of both sides taken out of the denominator. NaN where a side is constant (b) or n < 2. */
TRIAD_NODISCARD triad_status align_kendall(double *tau_a, double *tau_b, const double *a, const double *b, size_t n,
                                           triad_error *err);

#endif
