/* Neighbours of many rows, by products in float. Whatever lies within the products' error bound of the k-th score, or
 * of its neighbour in the list, is decided by a product in double. */
#include "align/align_kernel.h"
#include "align/apart.h"
#include "align/gram.h"
#include "align/matrices.h"
#include "align/near_lists.h"
#include "base/large.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct of_rows {
    near_lists lists;
    const align_source *rows;
    align_apart apart;
    bool exact;
    float *shift;               /* [n] u.m - m.m */
    float *product;             /* [n, n] */
    double longest, most_shift; /* largest length, largest |shift| */
    atomic_size_t decided;      /* products in double; beyond most_decided a whole one is cheaper */
    size_t most_decided;
} of_rows;

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "neighbours: out of memory");
}

typedef struct candidate {
    float score;
    uint32_t index;
} candidate;

static int highest_first(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* scores [n] >= least, from blocks whose maximum reaches it. */
static size_t collect(candidate *out, const float *scores, const float *most, size_t n, float least)
{
    size_t found = 0;
    for (size_t b = 0; b * ALIGN_SCAN_BLOCK < n; b++) {
        const size_t first = b * ALIGN_SCAN_BLOCK, last = first + ALIGN_SCAN_BLOCK;
        if (last <= n && most[b] < least) continue;
        for (size_t j = first; j < n && j < last; j++)
            if (scores[j] >= least) out[found++] = (candidate){scores[j], (uint32_t)j};
    }
    return found;
}

static void select_rows(void *context, size_t tile, int worker)
{
    (void)worker;
    of_rows *w = context;
    const align_neighbours *near = w->lists.near;
    const size_t n = near->n, k = near->k[near->ks - 1], end = align_row_end(tile, n), blocks = n / ALIGN_SCAN_BLOCK;
    float *scores = malloc((3 * n + 2) * sizeof *scores), *most = scores + n, *moved = most + blocks + 1;
    candidate *at = malloc(n * sizeof *at);
    near_entry *row = malloc(n * sizeof *row);
    if (scores == NULL || at == NULL || row == NULL) atomic_store(&w->lists.failed, true);
    for (size_t i = tile * ALIGN_ROW_TILE; scores && at && row && i < end; i++) {
        /* what float does to the product, to u - m, and to the shift and its sum */
        const double lengths = w->apart.length[i] * w->longest,
                     bound =
                         (align_gram_error(w->apart.d) + 4 * 0x1p-24) * lengths + 3 * 0x1p-24 * w->most_shift + 1e-12,
                     slack = 2 * bound + 4e-9; /* two grid steps */
        align_shift_and_scan(scores, most, w->product + i * n, w->shift, n);
        scores[i] = -INFINITY; /* a row is not its own neighbour; its block's maximum is too high, which does no harm
                                  but to the first guess */
        if (i / ALIGN_SCAN_BLOCK < blocks) {
            const size_t first = i / ALIGN_SCAN_BLOCK * ALIGN_SCAN_BLOCK;
            float largest = -INFINITY;
            for (size_t j = first; j < first + ALIGN_SCAN_BLOCK; j++)
                if (scores[j] > largest) largest = scores[j];
            most[i / ALIGN_SCAN_BLOCK] = largest;
        }
        float low = -INFINITY; /* k blocks reach it, so k scores do */
        if (k <= blocks) {
            memcpy(moved, most, blocks * sizeof *moved);
            low = near_kth_largest_float(moved, blocks, k);
        }
        /* a float's neighbour below, so that rounding of the difference leaves nothing out */
        const float first = nextafterf((float)((double)low - slack), -INFINITY);
        size_t found = collect(at, scores, most, n, k <= blocks ? first : -INFINITY);
        size_t kept = 0;
        for (size_t c = 0; c < found; c++)
            if (at[c].index != i) at[kept++] = at[c];
        found = kept;
        qsort(at, found, sizeof *at, highest_first);
        const double least = (double)at[k - 1].score - slack;
        while (found > k && (double)at[found - 1].score < least) found--;
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
    free(scores);
    free(at);
    free(row);
}

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

triad_status align_neighbours_of_rows(align_neighbours *near, const align_source *rows, const size_t *k, size_t ks,
                                      bool exact, align_room *room, triad_pool *pool, triad_error *err)
{
    const size_t n = rows->n, d = rows->d, step = align_row_step(d);
    *near = (align_neighbours){.n = n, .ks = ks, .k = k};
    if (ks == 0) return TRIAD_OK;
    align_room own = {0};
    if (room == NULL) room = &own;
    of_rows w = {.rows = rows, .exact = exact, .most_decided = n * (n / 32) + 64 * n};
    atomic_init(&w.decided, 0);
    w.shift = malloc((n + 1) * sizeof *w.shift);
    float *apart = align_room_take(room, n * step + n * n + 1, sizeof *apart);
    triad_status status = w.shift && apart ? TRIAD_OK : out_of_memory(err);
    if (status == TRIAD_OK) status = align_apart_create(&w.apart, rows, apart, pool, err);
    if (status == TRIAD_OK) {
        w.product = apart + n * step;
        for (size_t i = 0; i < n; i++) {
            w.shift[i] = (float)(w.apart.on_mean[i] - w.apart.square);
            w.longest = fmax(w.longest, w.apart.length[i]);
            w.most_shift = fmax(w.most_shift, fabs((double)w.shift[i]));
        }
        align_gram_rows_float(w.product, apart, step, n, d, pool);
        status = near_lists_begin(&w.lists, near, n, k, ks, err);
    }
    if (status == TRIAD_OK) {
        triad_parallel(pool, align_row_tiles(n), select_rows, &w);
        status = near_lists_end(&w.lists, TRIAD_OK, err);
    }
    free(w.shift);
    align_apart_free(&w.apart);
    if (status == TRIAD_OK && atomic_load(&w.decided) > w.most_decided) {
        align_neighbours_free(near);
        status = by_cosines(near, rows, k, ks, room, pool, err);
    }
    free(own.memory);
    return status;
}
