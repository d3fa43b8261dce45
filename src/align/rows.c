#include "align/rows.h"

#include "align/align_kernel.h"
#include "align/gram.h"
#include "base/checked.h"
#include "base/large.h"

#include <stdlib.h>

void *align_room_take(align_room *room, size_t count, size_t size)
{
    size_t bytes;
    if (!triad_mul_size(&bytes, count, size)) return NULL;
    if (bytes <= room->size && room->memory) return room->memory;
    free(room->memory);
    room->memory = triad_alloc_large(bytes, 1);
    room->size = room->memory ? bytes : 0;
    return room->memory;
}

typedef struct row_job {
    double *x;
    const triad_layer *layer;
    const size_t *rows;
    size_t n;
    size_t *bad; /* [tiles] */
} row_job;

static void check_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const row_job *job = context;
    const size_t d = job->layer->d;
    job->bad[tile] = job->n;
    for (size_t i = align_row_end(tile, job->n); i-- > tile * ALIGN_ROW_TILE;)
        if (!align_all_finite(job->layer->data + job->rows[i] * d, d)) job->bad[tile] = i;
}

static void take_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const row_job *job = context;
    const size_t d = job->layer->d, end = align_row_end(tile, job->n);
    job->bad[tile] = job->n;
    for (size_t i = end; i-- > tile * ALIGN_ROW_TILE;)
        if (!align_widen(job->x + i * d, job->layer->data + job->rows[i] * d, d)) job->bad[tile] = i;
}

static size_t first_of(const size_t *bad, size_t tiles, size_t n)
{
    for (size_t t = 0; t < tiles; t++)
        if (bad[t] < n) return bad[t];
    return n;
}

triad_status align_check_rows(size_t *bad, const triad_layer *layer, const size_t *rows, size_t n, triad_pool *pool,
                              triad_error *err)
{
    const size_t tiles = align_row_tiles(n);
    row_job job = {.layer = layer, .rows = rows, .n = n, .bad = malloc((tiles + 1) * sizeof *job.bad)};
    if (job.bad == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
    triad_parallel(pool, tiles, check_tile, &job);
    *bad = first_of(job.bad, tiles, n);
    free(job.bad);
    return TRIAD_OK;
}

triad_status align_take_rows(double **x, size_t *bad, const triad_layer *layer, const size_t *rows, size_t n,
                             triad_pool *pool, triad_error *err)
{
    const size_t tiles = align_row_tiles(n);
    row_job job = {.layer = layer, .rows = rows, .n = n};
    job.bad = malloc((tiles + 1) * sizeof *job.bad);
    job.x = *x = triad_alloc_large(n * layer->d + 1, sizeof **x);
    *bad = n;
    if (job.bad == NULL || job.x == NULL) {
        free(job.bad);
        free(*x);
        *x = NULL;
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
    }
    triad_parallel(pool, tiles, take_tile, &job);
    *bad = first_of(job.bad, tiles, n);
    free(job.bad);
    return TRIAD_OK;
}
