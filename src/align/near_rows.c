/* Neighbours of many rows, by coarse products. A tile of products is looked through while it is in the cache: a score
 * that may be among the k largest of its row is kept, the others are forgotten, so that no matrix of all pairs is ever
 * made. What then lies within the products' error of the k-th score, or of its neighbour in the list, is decided by a
 * product in double. */
#include "align/align_kernel.h"
#include "align/coarse.h"
#include "align/gram.h"
#include "align/matrices.h"
#include "align/near_lists.h"
#include "base/large.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct candidate {
    float score;
    uint32_t index;
} candidate;

/* What a worker has seen of a row. */
typedef struct seen {
    candidate *at;
    size_t used, capacity;
} seen;

typedef struct worker_room {
    seen *row;    /* [n] */
    float *least; /* [n] what a score must reach to be kept: the k-th so far, less the slack; and a block more */
    float *tile;  /* [ALIGN_TILE, ALIGN_TILE_STEP] */
    float *moved; /* [most] for selection */
    size_t most;
} worker_room;

typedef struct of_rows {
    near_lists lists;
    const align_source *rows;
    align_apart apart;
    align_coarse coarse;
    size_t k; /* the largest */
    bool exact;
    float *unit, *shift; /* [n, and a block more] of coarse; u.m - m.m */
    double *slack;       /* [n] twice the error of a score, and two steps of the grid */
    worker_room *worker; /* [workers] */
    size_t workers;
    atomic_size_t decided; /* products in double; beyond most_decided a whole one is cheaper */
    size_t most_decided;
} of_rows;

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "neighbours: out of memory");
}

/* ---- what may be a neighbour */

/* A float below the score by as much, so that rounding of the difference leaves nothing out. */
static float below(float score, double by)
{
    return nextafterf((float)((double)score - by), -INFINITY);
}

/* The k-th largest score of at [count]; moved [count]. */
static float kth_of(const candidate *at, size_t count, size_t k, float *moved)
{
    for (size_t c = 0; c < count; c++) moved[c] = at[c].score;
    return near_kth_largest_float(moved, count, k);
}

static size_t keep_from(candidate *at, size_t count, float least)
{
    size_t kept = 0;
    for (size_t c = 0; c < count; c++)
        if (at[c].score >= least) at[kept++] = at[c];
    return kept;
}

/* Room for one more candidate of row i: forgets what the k-th has left behind, grows where that is too little. */
static bool make_room(of_rows *w, worker_room *own, size_t i)
{
    seen *row = &own->row[i];
    if (row->used >= w->k) {
        /* a little more than the slack, so that a last digit of a sum decides nothing here */
        own->least[i] = below(kth_of(row->at, row->used, w->k, own->moved), 1.01 * w->slack[i]);
        row->used = keep_from(row->at, row->used, own->least[i]);
    }
    if (2 * row->used <= row->capacity && row->capacity > 0) return true;
    const size_t capacity = row->capacity ? 2 * row->capacity : 2 * w->k + 24;
    candidate *at = realloc(row->at, capacity * sizeof *at);
    if (at == NULL) return false;
    row->at = at;
    row->capacity = capacity;
    if (capacity <= own->most) return true;
    float *moved = realloc(own->moved, capacity * sizeof *moved);
    if (moved == NULL) return false;
    own->moved = moved;
    own->most = capacity;
    return true;
}

static void keep(of_rows *w, worker_room *own, size_t i, float score, size_t j)
{
    seen *row = &own->row[i];
    if (row->used == row->capacity && !make_room(w, own, i)) {
        atomic_store(&w->lists.failed, true);
        return;
    }
    row->at[row->used++] = (candidate){score, (uint32_t)j};
}

static void look_through(void *context, size_t number, int worker)
{
    of_rows *w = context;
    worker_room *own = &w->worker[worker];
    const align_tile tile = align_tile_at(number, w->coarse.n);
    const size_t s = tile.column;
    align_tile_product(own->tile, &w->coarse.integers, &tile);
    uint32_t hits[ALIGN_TILE / ALIGN_SCAN_BLOCK];
    for (size_t i = tile.row; i < tile.row_end; i++) {
        const float *product = own->tile + (i - tile.row) * ALIGN_TILE_STEP;
        const size_t columns = (tile.row == s ? i : tile.column_end) - s;
        const size_t found = align_scan_scores(hits, product, w->unit[i], w->unit + s, w->shift[i], w->shift + s,
                                               own->least[i], own->least + s, columns);
        for (size_t h = 0; h < found; h++)
            for (size_t c = hits[h]; c < columns && c < hits[h] + ALIGN_SCAN_BLOCK; c++) {
                const size_t j = s + c;
                const float part = product[c] * (w->unit[i] * w->unit[j]);
                if (part + w->shift[j] >= own->least[i]) keep(w, own, i, part + w->shift[j], j);
                if (part + w->shift[i] >= own->least[j]) keep(w, own, j, part + w->shift[i], i);
            }
    }
}

/* ---- which of them are */

static int highest_first(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* All that may be among row i's k nearest, highest score first, into out [n]; moved [n]. Which these are does not
 * depend on who has seen what. */
static size_t gather(const of_rows *w, candidate *out, size_t i, float *moved)
{
    size_t found = 0;
    for (size_t v = 0; v < w->workers; v++) {
        const seen *row = &w->worker[v].row[i];
        if (row->used > 0) memcpy(out + found, row->at, row->used * sizeof *out);
        found += row->used;
    }
    found = keep_from(out, found, below(kth_of(out, found, w->k, moved), w->slack[i]));
    qsort(out, found, sizeof *out, highest_first);
    return found;
}

static void select_rows(void *context, size_t tile, int worker)
{
    (void)worker;
    of_rows *w = context;
    const size_t n = w->coarse.n, end = align_row_end(tile, n);
    float *moved = malloc(n * sizeof *moved);
    candidate *at = malloc(n * sizeof *at);
    near_entry *row = malloc(n * sizeof *row);
    if (moved == NULL || at == NULL || row == NULL) atomic_store(&w->lists.failed, true);
    for (size_t i = tile * ALIGN_ROW_TILE; moved && at && row && i < end; i++) {
        const size_t found = gather(w, at, i, moved);
        const double slack = w->slack[i];
        size_t decided = 0;
        for (size_t c = 0; c < found; c++) {
            const bool close = (c > 0 && (double)at[c - 1].score - (double)at[c].score <= slack) ||
                               (c + 1 < found && (double)at[c].score - (double)at[c + 1].score <= slack);
            const bool exact = close || w->exact;
            decided += exact;
            const double cosine = exact ? align_exact_cosine(w->rows, &w->apart, i, at[c].index)
                                        : w->apart.on_mean[i] + (double)at[c].score;
            row[c] = (near_entry){rint(cosine * ALIGN_SCORE_GRID), cosine, at[c].index};
        }
        if (atomic_fetch_add(&w->decided, decided) + decided > w->most_decided) break;
        near_lists_add(&w->lists, tile, i, row, found);
    }
    free(moved);
    free(at);
    free(row);
}

/* ---- all */

/* Too much was in question. */
static triad_status by_cosines(align_neighbours *near, const align_source *rows, const size_t *k, size_t ks,
                               align_room *room, triad_pool *pool, triad_error *err)
{
    const size_t n = rows->n;
    double *cosine = triad_alloc_large(n * n + 1, sizeof *cosine);
    triad_status status = cosine ? align_cosines_of(cosine, rows, room, pool, err) : out_of_memory(err);
    if (status == TRIAD_OK) status = align_neighbours_create(near, cosine, n, k, ks, pool, err);
    free(cosine);
    return status;
}

static triad_status begin(of_rows *w, align_room *room, triad_pool *pool, triad_error *err)
{
    const size_t n = w->rows->n, more = n + ALIGN_SCAN_BLOCK, workers = (size_t)triad_pool_threads(pool);
    w->slack = malloc(n * sizeof *w->slack);
    w->unit = calloc(2 * more, sizeof *w->unit);
    w->worker = calloc(workers, sizeof *w->worker);
    void *values = align_room_take(room, align_panels_size(n, (w->rows->d + 1) / 2), ALIGN_UNIT);
    if (w->slack == NULL || w->unit == NULL || w->worker == NULL || values == NULL) return out_of_memory(err);
    w->workers = workers;
    w->shift = w->unit + more;
    for (size_t v = 0; v < workers; v++) {
        worker_room *own = &w->worker[v];
        own->row = calloc(n, sizeof *own->row);
        own->least = malloc(more * sizeof *own->least);
        own->tile = triad_alloc_large((size_t)ALIGN_TILE * ALIGN_TILE_STEP, sizeof *own->tile);
        if (own->row == NULL || own->least == NULL || own->tile == NULL) return out_of_memory(err);
        for (size_t i = 0; i < more; i++) own->least[i] = i < n ? -INFINITY : INFINITY;
    }
    triad_status status = align_apart_create(&w->apart, w->rows, NULL, pool, err);
    if (status == TRIAD_OK) status = align_coarse_create(&w->coarse, &w->apart, w->rows, values, pool, err);
    if (status != TRIAD_OK) return status;
    double most_shift = 0;
    for (size_t i = 0; i < n; i++) {
        w->unit[i] = w->coarse.unit[i];
        w->shift[i] = (float)(w->apart.on_mean[i] - w->apart.square);
        most_shift = fmax(most_shift, fabs((double)w->shift[i]));
    }
    for (size_t i = 0; i < n; i++) /* the shift and the sum with it are rounded, too */
        w->slack[i] = 2 * (align_coarse_error(&w->coarse, &w->apart, i) +
                           0x1p-23 * (most_shift + w->apart.length[i] * w->coarse.longest) + 1e-12) +
                      4e-9;
    return TRIAD_OK;
}

static void end(of_rows *w)
{
    for (size_t v = 0; v < w->workers; v++) {
        worker_room *own = &w->worker[v];
        for (size_t i = 0; own->row && i < w->rows->n; i++) free(own->row[i].at);
        free(own->row);
        free(own->least);
        free(own->tile);
        free(own->moved);
    }
    free(w->worker);
    free(w->unit);
    free(w->slack);
    align_coarse_free(&w->coarse);
    align_apart_free(&w->apart);
}

triad_status align_neighbours_of_rows(align_neighbours *near, const align_source *rows, const size_t *k, size_t ks,
                                      bool exact, align_room *room, triad_pool *pool, triad_error *err)
{
    const size_t n = rows->n;
    *near = (align_neighbours){.n = n, .ks = ks, .k = k};
    if (ks == 0) return TRIAD_OK;
    align_room own = {0};
    if (room == NULL) room = &own;
    of_rows w = {.rows = rows, .k = k[ks - 1], .exact = exact, .most_decided = n * (n / 32) + 64 * n};
    atomic_init(&w.decided, 0);
    triad_status status = begin(&w, room, pool, err);
    if (status == TRIAD_OK) status = near_lists_begin(&w.lists, near, n, k, ks, err);
    if (status == TRIAD_OK) {
        triad_parallel(pool, align_tiles(n), look_through, &w);
        if (!atomic_load(&w.lists.failed)) triad_parallel(pool, align_row_tiles(n), select_rows, &w);
        status = near_lists_end(&w.lists, TRIAD_OK, err);
    }
    end(&w);
    if (status == TRIAD_OK && atomic_load(&w.decided) > w.most_decided) {
        align_neighbours_free(near);
        status = by_cosines(near, rows, k, ks, room, pool, err);
    }
    free(own.memory);
    return status;
}
