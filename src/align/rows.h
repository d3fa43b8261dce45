/* Rows of a layer, in double and in the order of their pairing. */
#ifndef TRIAD_ALIGN_ROWS_H
#define TRIAD_ALIGN_ROWS_H

#include "align/align_kernel.h"
#include "triad/space.h"

/* Rows [n, d] that lie in double, x, or in float in a layer, where row i is row order[i]. */
typedef struct align_source {
    size_t n, d;
    const double *x;    /* NULL: */
    const float *layer; /* … of the layer */
    const size_t *order;
} align_source;

/* Row i of a layer. */
static inline const float *align_source_float(const align_source *source, size_t i)
{
    return source->layer + source->order[i] * source->d;
}

/* Row i in double: where it lies, or in room [d]. */
static inline const double *align_source_row(const align_source *source, size_t i, double *room)
{
    if (source->x) return source->x + i * source->d;
    (void)align_widen(room, align_source_float(source, i), source->d);
    return room;
}

/* Memory that one step leaves to the next, so that it is touched for the first time once. Zero-initialise;
 * free(memory). Where a function takes a room, NULL stands for one of its own. */
typedef struct align_room {
    void *memory;
    size_t size;
} align_room;
/* count * size bytes, uninitialised, until the next call; NULL when memory is out. */
void *align_room_take(align_room *room, size_t count, size_t size);

/* *bad is the first i below n whose row rows[i] of the layer holds NaN or infinity; n when none does. */
TRIAD_NODISCARD triad_status align_check_rows(size_t *bad, const triad_layer *layer, const size_t *rows, size_t n,
                                              triad_pool *pool, triad_error *err);

/* *x [n, layer->d] (the caller frees): row i is the layer's row rows[i]. *bad is the first i whose row holds NaN or
 * infinity, n when none does. */
TRIAD_NODISCARD triad_status align_take_rows(double **x, size_t *bad, const triad_layer *layer, const size_t *rows,
                                             size_t n, triad_pool *pool, triad_error *err);

#endif
