#include "align/centred.h"

#include "align/gram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct centring {
    align_centred *centred;
    const align_source *source;
    double *part, *mean; /* [tiles, d] sums; [d], times scale */
    double *square;      /* [tiles] sums of squares */
    double scale;
    float *narrow; /* [workers, ALIGN_TOGETHER, d] */
} centring;

static void sum_columns(void *context, size_t tile, int worker)
{
    (void)worker;
    const centring *job = context;
    const size_t d = job->source->d, end = align_row_end(tile, job->source->n);
    double *part = job->part + tile * d;
    memset(part, 0, d * sizeof *part);
    job->square[tile] = 0;
    for (size_t i = tile * ALIGN_ROW_TILE; i < end; i++) {
        if (job->source->x == NULL) {
            job->square[tile] += align_add_float(part, align_source_float(job->source, i), d);
            continue;
        }
        const double *row = job->source->x + i * d;
        for (size_t c = 0; c < d; c++) part[c] += row[c];
        job->square[tile] += align_dot(row, row, d);
    }
}

static void centre_rows(void *context, size_t panel, int worker)
{
    const centring *job = context;
    const size_t n = job->source->n, d = job->source->d, end = (panel + 1) * ALIGN_PANEL;
    float *narrow = job->narrow + (size_t)worker * ALIGN_TOGETHER * d;
    for (size_t i = panel * ALIGN_PANEL; i < end; i += ALIGN_TOGETHER) {
        for (size_t r = 0; r < ALIGN_TOGETHER; r++) {
            float *to = narrow + r * d;
            if (i + r < n) {
                if (job->source->x)
                    align_shift_to_float(to, job->source->x + (i + r) * d, job->scale, job->mean, d);
                else
                    align_shift_float(to, align_source_float(job->source, i + r), job->scale, job->mean, d);
                job->centred->square[i + r] = align_dot_float(to, to, d);
            } else {
                memset(to, 0, d * sizeof *to);
            }
        }
        align_panels_put(&job->centred->rows, i, narrow);
    }
}

/* The power of two that takes numbers of that mean square to about 1. */
static double scale_of(double square)
{
    int exponent = 0;
    (void)frexp(sqrt(square), &exponent);
    return ldexp(1, -exponent);
}

triad_status align_centred_create(align_centred *centred, const align_source *source, float *values, triad_pool *pool,
                                  triad_error *err)
{
    const size_t n = source->n, d = source->d, tiles = align_row_tiles(n), workers = (size_t)triad_pool_threads(pool);
    *centred = (align_centred){.rows = align_panels_of_floats(values, n, d)};
    centred->square = malloc((n + 1) * sizeof *centred->square);
    centring job = {.centred = centred, .source = source};
    job.part = malloc((tiles * d + 1) * sizeof *job.part);
    job.mean = calloc(d + 1, sizeof *job.mean);
    job.square = malloc((tiles + 1) * sizeof *job.square);
    job.narrow = malloc((workers * ALIGN_TOGETHER * d + 1) * sizeof *job.narrow);
    triad_status status = TRIAD_OK;
    if (centred->square && job.part && job.mean && job.square && job.narrow) {
        triad_parallel(pool, tiles, sum_columns, &job);
        double square = 0;
        for (size_t t = 0; t < tiles; t++) {
            square += job.square[t];
            for (size_t c = 0; c < d; c++) job.mean[c] += job.part[t * d + c];
        }
        job.scale = scale_of(square / ((double)n * (double)d));
        for (size_t c = 0; c < d; c++) job.mean[c] *= job.scale / (double)n;
        square *= job.scale * job.scale;
        centred->raw = square * square;
        triad_parallel(pool, align_panels_count(n), centre_rows, &job);
    } else {
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
        align_centred_free(centred);
    }
    free(job.part);
    free(job.mean);
    free(job.square);
    free(job.narrow);
    return status;
}

void align_centred_free(align_centred *centred)
{
    free(centred->square);
    *centred = (align_centred){0};
}
