#include "align/map_distances.h"

#include "align/align_kernel.h"

#include <math.h>

triad_status map_check(const char *what, const double *x, size_t n, size_t d, size_t least, triad_error *err)
{
    if (n < least)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "%s: %zu rows are too few (it needs %zu)", what, n, least);
    if (n > UINT32_MAX / 2) return triad_fail(err, TRIAD_ERR_RANGE, -1, "%s: %zu rows are too many", what, n);
    if (d == 0) return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "%s: the rows have no columns", what);
    for (size_t i = 0; i < n * d; i++)
        if (!isfinite(x[i]))
            return triad_fail(err, TRIAD_ERR_NUMERIC, (int64_t)(i / d), "%s: row %zu holds NaN or infinity", what,
                              i / d);
    return TRIAD_OK;
}

void triad_map_rows(double *x, const triad_layer *layer, const size_t *row, size_t rows, bool cosine)
{
    const size_t d = layer->d;
    for (size_t i = 0; i < rows; i++) {
        const float *from = layer->data + (row != NULL ? row[i] : i) * d;
        double square = 0;
        for (size_t c = 0; c < d; c++) {
            const double value = x[i * d + c] = from[c];
            square += value * value;
        }
        for (size_t c = 0; cosine && square > 0 && c < d; c++) x[i * d + c] /= sqrt(square);
    }
}

typedef struct distance_job {
    double *out;
    const double *x;
    size_t n, d;
} distance_job;

enum { TILE = 16 };

static void fill_rows(void *context, size_t t, int worker)
{
    (void)worker;
    const distance_job *job = context;
    const size_t n = job->n, d = job->d, r = t * TILE;
    for (size_t s = 0; s <= r; s += TILE)
        for (size_t i = r; i < n && i < r + TILE; i++)
            for (size_t j = s; j <= i && j < s + TILE; j++)
                job->out[i * n + j] = job->out[j * n + i] =
                    i == j ? 0 : align_square_distance(job->x + i * d, job->x + j * d, d);
}

void map_square_distances(double *out, const double *x, size_t n, size_t d, triad_pool *pool)
{
    triad_parallel(pool, (n + TILE - 1) / TILE, fill_rows, &(distance_job){out, x, n, d});
}
