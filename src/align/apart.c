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
    const align_panels *rows;
    float *narrow; /* [workers, ALIGN_TOGETHER, d] rows of d */
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

/* Row i of the source, or none past the last; d into narrow [d] unless that is NULL. */
static void take_row(const apart_job *job, size_t i, double *wide, float *narrow)
{
    align_apart *apart = job->apart;
    const size_t d = apart->d;
    if (i >= apart->n) {
        if (narrow) memset(narrow, 0, d * sizeof *narrow);
        return;
    }
    const double *row = align_source_row(job->source, i, wide), on = align_dot(row, apart->mean, d) * apart->scale[i];
    const double own = apart->scale[i] > 0 ? 1 : 0, left = own - 2 * on + apart->square;
    if (narrow) align_shift_to_float(narrow, row, apart->scale[i], apart->mean, d);
    apart->on_mean[i] = on;
    apart->length[i] = sqrt(left > 0 ? left : 0) + 1e-8; /* its square is off by some 1e-16 */
}

static void take_apart(void *context, size_t panel, int worker)
{
    const apart_job *job = context;
    const size_t d = job->apart->d, end = (panel + 1) * ALIGN_PANEL;
    float *narrow = job->rows ? job->narrow + (size_t)worker * ALIGN_TOGETHER * d : NULL;
    for (size_t i = panel * ALIGN_PANEL; i < end; i += ALIGN_TOGETHER) {
        for (size_t r = 0; r < ALIGN_TOGETHER; r++)
            take_row(job, i + r, job->wide + (size_t)worker * d, narrow ? narrow + r * d : NULL);
        if (narrow) align_panels_put(job->rows, i, narrow);
    }
}

triad_status align_apart_create(align_apart *apart, const align_source *source, const align_panels *rows,
                                triad_pool *pool, triad_error *err)
{
    const size_t n = source->n, d = source->d, tiles = align_row_tiles(n), workers = (size_t)triad_pool_threads(pool);
    *apart = (align_apart){.n = n, .d = d};
    apart_job job = {.apart = apart, .source = source, .rows = rows};
    apart->scale = malloc((3 * n + 1) * sizeof *apart->scale);
    apart->mean = calloc(d + 1, sizeof *apart->mean);
    job.part = malloc((tiles * d + 1) * sizeof *job.part);
    job.wide = malloc((workers * d + 1) * sizeof *job.wide);
    if (rows) job.narrow = malloc((workers * ALIGN_TOGETHER * d + 1) * sizeof *job.narrow);
    triad_status status = TRIAD_OK;
    if (apart->scale && apart->mean && job.part && job.wide && (job.narrow || rows == NULL)) {
        apart->on_mean = apart->scale + n;
        apart->length = apart->scale + 2 * n;
        triad_parallel(pool, tiles, sum_unit_rows, &job);
        for (size_t t = 0; t < tiles; t++)
            for (size_t c = 0; c < d; c++) apart->mean[c] += job.part[t * d + c];
        for (size_t c = 0; c < d; c++) apart->mean[c] /= (double)n;
        apart->square = align_dot(apart->mean, apart->mean, d);
        triad_parallel(pool, align_panels_count(n), take_apart, &job);
    } else {
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
        align_apart_free(apart);
    }
    free(job.part);
    free(job.wide);
    free(job.narrow);
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
