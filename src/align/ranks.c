#include "align/ranks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef align_keyed keyed;

/* -0 and 0 are one. */
uint64_t align_key_of(double value)
{
    uint64_t bits;
    value += 0.0;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | 1ULL << 63;
}

enum { DIGIT = 11, BUCKETS = 1 << DIGIT, PASSES = 6 };

/* Radix sort, least digit first. */
keyed *align_sort_keyed(keyed *a, keyed *b, size_t n)
{
    size_t count[BUCKETS];
    for (unsigned pass = 0; pass < PASSES; pass++) {
        const unsigned shift = pass * DIGIT;
        memset(count, 0, sizeof count);
        for (size_t i = 0; i < n; i++) count[a[i].key >> shift & (BUCKETS - 1)]++;
        if (n > 0 && count[a[0].key >> shift & (BUCKETS - 1)] == n) continue; /* one digit for all */
        size_t at = 0;
        for (size_t d = 0; d < BUCKETS; d++) {
            const size_t here = count[d];
            count[d] = at;
            at += here;
        }
        for (size_t i = 0; i < n; i++) b[count[a[i].key >> shift & (BUCKETS - 1)]++] = a[i];
        keyed *swap = a;
        a = b;
        b = swap;
    }
    return a;
}

static triad_status sorted_values(keyed **room, keyed **sorted, const double *values, size_t n, triad_error *err)
{
    *room = malloc((2 * n + 1) * sizeof **room);
    if (*room == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "ranks: out of memory");
    for (size_t i = 0; i < n; i++) (*room)[i] = (keyed){align_key_of(values[i]), i};
    *sorted = align_sort_keyed(*room, *room + n, n);
    return TRIAD_OK;
}

triad_status align_average_ranks(double *ranks, const double *values, size_t n, triad_error *err)
{
    keyed *room, *sorted;
    const triad_status status = sorted_values(&room, &sorted, values, n, err);
    if (status != TRIAD_OK) return status;
    for (size_t i = 0; i < n;) {
        size_t j = i;
        while (j < n && sorted[j].key == sorted[i].key) j++;
        const double rank = 0.5 * (double)(i + 1 + j);
        for (; i < j; i++) ranks[sorted[i].index] = rank;
    }
    free(room);
    return TRIAD_OK;
}

/* Pairs out of order in values [n], which come out sorted; room [n]. */
static uint64_t count_inversions(double *values, double *room, size_t n)
{
    uint64_t inversions = 0;
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t low = 0; low < n; low += 2 * width) {
            const size_t middle = low + width < n ? low + width : n, high = low + 2 * width < n ? low + 2 * width : n;
            size_t left = low, right = middle;
            for (size_t at = low; at < high; at++) {
                if (left < middle && (right >= high || values[left] <= values[right])) {
                    room[at] = values[left++];
                } else {
                    inversions += middle - left;
                    room[at] = values[right++];
                }
            }
        }
        memcpy(values, room, n * sizeof *values);
    }
    return inversions;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static uint64_t pairs_of(uint64_t n)
{
    return n * (n - 1) / 2;
}

triad_status align_kendall(double *tau_a, double *tau_b, const double *a, const double *b, size_t n, triad_error *err)
{
    *tau_a = *tau_b = NAN;
    if (n < 2) return TRIAD_OK;
    keyed *room, *sorted;
    const triad_status status = sorted_values(&room, &sorted, a, n, err);
    if (status != TRIAD_OK) return status;
    double *values = malloc(2 * n * sizeof *values);
    if (values == NULL) {
        free(room);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "Kendall's tau: out of memory");
    }
    uint64_t ties_a = 0, ties_b = 0, ties_both = 0;
    for (size_t i = 0; i < n; i++) values[i] = b[sorted[i].index];
    for (size_t i = 0; i < n;) { /* within a tie of a, b ascends: such pairs count as neither */
        size_t j = i;
        while (j < n && sorted[j].key == sorted[i].key) j++;
        qsort(values + i, j - i, sizeof *values, ascending);
        ties_a += pairs_of(j - i);
        for (size_t k = i; k < j;) {
            size_t end = k;
            while (end < j && values[end] == values[k]) end++;
            ties_both += pairs_of(end - k);
            k = end;
        }
        i = j;
    }
    const uint64_t discordant = count_inversions(values, values + n, n);
    for (size_t i = 0; i < n;) {
        size_t j = i;
        while (j < n && values[j] == values[i]) j++;
        ties_b += pairs_of(j - i);
        i = j;
    }
    const uint64_t total = pairs_of(n);
    const double untied = (double)(total - ties_a - ties_b + ties_both), difference = untied - 2 * (double)discordant;
    const double scale = sqrt((double)(total - ties_a)) * sqrt((double)(total - ties_b));
    if (scale > 0) {
        *tau_a = difference / (double)total;
        *tau_b = difference / scale;
    }
    free(values);
    free(room);
    return TRIAD_OK;
}
