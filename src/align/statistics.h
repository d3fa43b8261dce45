/* Draws, resamples and what is read off them. */
#ifndef TRIAD_ALIGN_STATISTICS_H
#define TRIAD_ALIGN_STATISTICS_H

#include "triad/align.h"

/* Streams of one seed, by purpose. */
typedef enum align_stream { ALIGN_STREAM_FOLDS = 1, ALIGN_STREAM_IID, ALIGN_STREAM_RELABEL, ALIGN_STREAM_BOOTSTRAP } align_stream;
struct triad_pcg64;
void align_stream_seed(struct triad_pcg64 *rng, uint64_t seed, align_stream stream, uint64_t index);

/* fold [n] in 0 … ALIGN_FOLDS - 1, sizes as equal as can be. */
TRIAD_NODISCARD triad_status align_folds(uint8_t *fold, size_t n, uint64_t seed, triad_error *err);

/* weights [draws, n]: how often each of n sentences is in each resample of n. */
void align_resamples(double *weights, size_t draws, size_t n, uint64_t seed);

/* The quantile q of values [n], by linear interpolation between order statistics (type 7); values are sorted in place. NaN for
 * n == 0 or where a value is NaN. */
double align_quantile(double *values, size_t n, double q);
/* 95 % interval of draws [n], which are sorted in place. */
void align_interval(double *low, double *high, double *draws, size_t n);

/* p, mean and standard deviation (n - 1) of null draws [m] against the observed value. */
void align_null_summary(triad_align_null *null, double observed, const double *draws, size_t m);

/* average ranks (from 1) of values [n] into ranks [n]; NaN when memory is out. */
void align_average_ranks(double *ranks, const double *values, size_t n);

#endif
