/* Ranks with ties, and Kendall's tau. */
#ifndef TRIAD_ALIGN_RANKS_H
#define TRIAD_ALIGN_RANKS_H

#include "align/rows.h"

/* Average ranks (from 1) of values [n] into ranks [n]. Values are finite. */
TRIAD_NODISCARD triad_status align_average_ranks(double *ranks, const double *values, size_t n, triad_error *err);

/* The same for all pairs i > j of a table, in place: values below the diagonal of table [n, n] become their average
 * ranks (from 1) minus their mean, (pairs + 1) / 2. What lies on and above the diagonal is left alone. Values are
 * finite. By buckets over the range instead of a sort of all; the same bytes for any pool. */
TRIAD_NODISCARD triad_status align_rank_pairs(double *table, size_t n, align_room *room, triad_pool *pool,
                                              triad_error *err);

/* Bits whose unsigned order is the order of the numbers, with the index of each; ascending, stable. Returns where the
 * sorted half lies: in `a` or in `b`, both [n]. */
typedef struct align_keyed {
    uint64_t key;
    uint64_t index;
} align_keyed;
uint64_t align_key_of(double value);
align_keyed *align_sort_keyed(align_keyed *a, align_keyed *b, size_t n);

/* Kendall's tau of a [n] and b [n] by Knight's sort (1966), O(n log n): a = (concordant - discordant) / (n (n - 1) /
 * 2), b with the ties of both sides taken out of the denominator. NaN where a side is constant or n < 2. */
TRIAD_NODISCARD triad_status align_kendall(double *tau_a, double *tau_b, const double *a, const double *b, size_t n,
                                           triad_error *err);

#endif
