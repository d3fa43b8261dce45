/* What the tests of nn/ share: numbers to feed, and the distance between a float result and a double one. */
#ifndef NN_CHECK_H
#define NN_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "nn/layers.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* The same numbers in both precisions: doubles that are floats. */
typedef struct both {
    size_t n;
    float *f;
    double *d;
} both;

static inline both both_new(size_t n)
{
    /* One more than asked, so that an empty array has an address; freed by both_free. */
    both x = {n, calloc(n + 1, sizeof(float)), calloc(n + 1, sizeof(double))};
    assert_true(x.f != NULL && x.d != NULL);
    return x;
}

static inline both both_random(triad_pcg64 *rng, size_t n, double scale)
{
    both x = both_new(n);
    for (size_t i = 0; i < n; i++) x.d[i] = x.f[i] = (float)(scale * sqrt(12) * (triad_pcg64_uniform(rng) - 0.5));
    return x;
}

static inline void both_free(both *x)
{
    free(x->f);
    free(x->d);
}

/* Relative Frobenius error of a against b; where b is all zero, a's own norm. */
static inline double distance(const float *a, const double *b, size_t n)
{
    double error = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        error += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        norm += b[i] * b[i];
    }
    return norm > 0 ? sqrt(error / norm) : sqrt(error);
}

static inline void close_to(const char *what, const both *x, double tolerance)
{
    const double e = distance(x->f, x->d, x->n);
    if (!(e <= tolerance)) fail_msg("%s: relative error %g, allowed %g", what, e, tolerance);
}

#endif
