#include "align/transform.h"

#include "align/align_kernel.h"
#include "align/linear.h"
#include "align/matrices.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "transform: out of memory");
}

static triad_status standardize(double *x, size_t n, size_t d, const double *raw_squares, triad_error *err)
{
    double *squares = calloc(d + 1, sizeof *squares);
    if (squares == NULL) return out_of_memory(err);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < d; c++) squares[c] += x[i * d + c] * x[i * d + c];
    for (size_t c = 0; c < d; c++) /* of a constant column centring leaves rounding */
        squares[c] = squares[c] > 1e-24 * raw_squares[c] ? sqrt((double)n / squares[c]) : 0;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < d; c++) x[i * d + c] *= squares[c];
    free(squares);
    return TRIAD_OK;
}

static triad_status remove_top(double *x, size_t n, size_t d, size_t top, triad_error *err)
{
    const bool columns = d <= n; /* the smaller product */
    const size_t small = columns ? d : n;
    if (top > small) top = small;
    double *product = malloc((small * small + 1) * sizeof *product), *values = malloc((top + 1) * sizeof *values),
           *axes = malloc((top * small + 1) * sizeof *axes), *on = malloc((top * (n > d ? n : d) + 1) * sizeof *on),
           *part = malloc((n * d + 1) * sizeof *part);
    triad_status status = product && values && axes && on && part ? TRIAD_OK : out_of_memory(err);
    if (status == TRIAD_OK) {
        align_gram(product, x, d, columns, small, columns ? n : d);
        status = align_eigen(values, axes, product, small, top, err);
    }
    if (status == TRIAD_OK && columns) {
        align_product(on, x, false, d, axes, true, d, n, top, d);
        align_product(part, on, false, top, axes, false, d, n, d, top);
    } else if (status == TRIAD_OK) {
        align_product(on, axes, false, n, x, false, d, top, d, n);
        align_product(part, axes, true, n, on, false, d, n, d, top);
    }
    const double before = status == TRIAD_OK ? align_dot(x, x, n * d) / (double)n : 0; /* a row's mean square */
    for (size_t i = 0; status == TRIAD_OK && i < n; i++) {
        double *row = x + i * d;
        for (size_t c = 0; c < d; c++) row[c] -= part[i * d + c];
        if (!(align_dot(row, row, d) > 1e-24 * before)) memset(row, 0, d * sizeof *row); /* rounding is no direction */
    }
    free(product);
    free(values);
    free(axes);
    free(on);
    free(part);
    return status;
}

triad_status align_transform(double *x, size_t n, size_t d, const triad_align_options *options, triad_error *err)
{
    if (!options->center && !options->standardize && options->remove_top == 0) return TRIAD_OK;
    double *raw_squares = calloc(d + 1, sizeof *raw_squares);
    if (raw_squares == NULL) return out_of_memory(err);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < d; c++) raw_squares[c] += x[i * d + c] * x[i * d + c];
    triad_status status = align_centre(x, n, d, err);
    if (status == TRIAD_OK && options->standardize) status = standardize(x, n, d, raw_squares, err);
    if (status == TRIAD_OK && options->remove_top > 0) status = remove_top(x, n, d, options->remove_top, err);
    free(raw_squares);
    return status;
}
