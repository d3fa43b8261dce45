/* Draws, resamples and what is read off them. */
#ifndef TRIAD_ALIGN_STATISTICS_H
#define TRIAD_ALIGN_STATISTICS_H

#include "triad/align.h"

/* Streams of one seed, by purpose. */
typedef enum align_stream {
    ALIGN_STREAM_FOLDS = 1,
    ALIGN_STREAM_IID,
    ALIGN_STREAM_RELABEL,
    ALIGN_STREAM_BOOTSTRAP,
    ALIGN_STREAM_SEEDS,
    ALIGN_STREAM_MAP = 64 /* the start of t-SNE */
} align_stream;
struct triad_pcg64;
void align_stream_seed(struct triad_pcg64 *rng, uint64_t seed, align_stream stream, uint64_t index);

/* The quantile q of values [n], by linear interpolation between order statistics (type 7); values are sorted in place.
 * NaN for n == 0 or where a value is NaN. */
double align_quantile(double *values, size_t n, double q);
/* 95 % interval of draws [n], which are sorted in place. */
void align_interval(double *low, double *high, double *draws, size_t n);

/* p, mean and standard deviation (n - 1) of null draws [m] against the observed value. */
void align_null_summary(triad_align_null *null, double observed, const double *draws, size_t m);

/* An observed value against its null draws (Gröger et al. 2026): tau is order statistic number ceil((1 - alpha)(m + 1))
 * of draws and value together, calibrated = clamp((value - tau) / (most - tau), 0, 1). */
typedef struct align_calibration {
    double p, tau, calibrated, mean, sd, z;
} align_calibration;
TRIAD_NODISCARD triad_status align_calibrate(align_calibration *out, double observed, const double *draws, size_t m,
                                             double alpha, double most, triad_error *err);

/* Adjusted p [m]: Holm (1979), step down; Benjamini and Hochberg (1995), step up. */
TRIAD_NODISCARD triad_status align_holm(double *adjusted, const double *p, size_t m, triad_error *err);
TRIAD_NODISCARD triad_status align_benjamini_hochberg(double *adjusted, const double *p, size_t m, triad_error *err);

/* Correlation of x and y with z held constant, from the three correlations. */
double align_partial(double xy, double xz, double yz);

#endif
