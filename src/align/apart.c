#include "align/apart.h"

#include "align/gram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct apart_job {
    align_apart *apart;
    const align_source *source;
    double *part; /* [tiles, d] the unit rows' sums over the rows of a tile */
    double *wide; /* [workers, d] a row in double */
} apart_job;

static void sum_unit_rows(void *context, size_t tile, int worker)
{
    apart_job *job = context;
    const size_t d = job->source->d, end = align_row_end(tile, job->source->n);
    double *part = job->part + tile * d, *room = job->wide + (size_t)worker * d;
    memset(part, 0, d * sizeof *part);
    for (size_t i = tile * ALIGN_ROW_TILE; i < end; i++) {
        const double *row = align_source_row(job->source, i, room), squares = align_dot(row, row, d);
        const double scale = job->apart->scale[i] = squares > 0 ? 1 / sqrt(squares) : 0;
        for (size_t c = 0; c < d; c++) part[c] += row[c] * scale;
    }
}

static void take_apart(void *context, size_t tile, int worker)
{
    apart_job *job = context;
    align_apart *apart = job->apart;
    const size_t d = job->source->d, end = align_row_end(tile, job->source->n);
    for (size_t i = tile * ALIGN_ROW_TILE; i < end; i++) {
        const double *row = align_source_row(job->source, i, job->wide + (size_t)worker * d),
                     on = align_dot(row, apart->mean, d) * apart->scale[i];
        const double own = apart->scale[i] > 0 ? 1 : 0, left = own - 2 * on + apart->square;
        if (apart->rows)
            align_shift_to_float(apart->rows + i * align_row_step(d), row, apart->scale[i], apart->mean, d);
        apart->on_mean[i] = on;
        apart->length[i] = sqrt(left > 0 ? left : 0) + 1e-8; /* its square is off by some 1e-16 */
    }
}

triad_status align_apart_create(align_apart *apart, const align_source *source, float *rows, triad_pool *pool,
                                triad_error *err)
{
    const size_t n = source->n, d = source->d, tiles = align_row_tiles(n);
    *apart = (align_apart){.n = n, .d = d, .rows = rows};
    apart_job job = {.apart = apart, .source = source};
    apart->scale = malloc((3 * n + 1) * sizeof *apart->scale);
    apart->mean = calloc(d + 1, sizeof *apart->mean);
    job.part = malloc((tiles * d + 1) * sizeof *job.part);
    job.wide = malloc(((size_t)triad_pool_threads(pool) * d + 1) * sizeof *job.wide);
    triad_status status = TRIAD_OK;
    if (apart->scale && apart->mean && job.part && job.wide) {
        apart->on_mean = apart->scale + n;
        apart->length = apart->scale + 2 * n;
        triad_parallel(pool, tiles, sum_unit_rows, &job);
        for (size_t t = 0; t < tiles; t++)
            for (size_t c = 0; c < d; c++) apart->mean[c] += job.part[t * d + c];
        for (size_t c = 0; c < d; c++) apart->mean[c] /= (double)n;
        apart->square = align_dot(apart->mean, apart->mean, d);
        triad_parallel(pool, tiles, take_apart, &job);
    } else {
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
        align_apart_free(apart);
    }
    free(job.part);
    free(job.wide);
    return status;
}

void align_apart_free(align_apart *apart)
{
    free(apart->scale);
    free(apart->mean);
    *apart = (align_apart){0};
}

double align_exact_cosine(const align_source *source, const align_apart *apart, size_t i, size_t j)
{
    const size_t d = source->d;
    const double product =
        source->x ? align_dot(source->x + i * d, source->x + j * d, d)
                  : align_dot_float(source->layer + source->order[i] * d, source->layer + source->order[j] * d, d);
    return product * apart->scale[i] * apart->scale[j];
}
