#include "align/gram_pairs.h"

#include "align/align_kernel.h"
#include "align/gram.h"
#include "align/matrices.h"
#include "base/large.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One centring. The columns are centred, so the sum of row i over the other rows is minus its own square: the kernel is
 * centred as it is, and its U-centred form is K + part_i + part_j + both off the diagonal and 0 on it. (Rounding to
 * float leaves columns' sums that are not quite 0; what that does to a sum of products is of second order.) */
typedef struct shape {
    bool unbiased;
    double **part; /* [sides] -> [n] */
    double *both;  /* [sides] */
    double *norm;  /* [sides, tiles] sums of squares */
    double *dot;   /* [pairs, rows of tiles, n] what a row has in common over a row or column of tiles */
} shape;

typedef struct summing {
    size_t n, tiles, side_tiles;
    const align_centred *sides;
    size_t side_count, (*pair)[2], pairs;
    shape shape[ALIGN_CENTRINGS];
    size_t shapes;
    float *room; /* [workers, sides, ALIGN_TILE, ALIGN_TILE_STEP] */
} summing;

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
}

static double *room_of(const shape *s, const summing *w, size_t pair, size_t tiles)
{
    return s->dot + (pair * w->side_tiles + tiles / ALIGN_TILE) * w->n;
}

/* Columns of row i in the tile; a diagonal tile has those left of the diagonal, and the diagonal unless unbiased. */
static size_t columns_of(const align_tile *tile, size_t i, bool unbiased)
{
    return (tile->row == tile->column ? i + !unbiased : tile->column_end) - tile->column;
}

static void sum_norm(const summing *w, const shape *s, size_t side, const float *k, const align_tile *tile,
                     size_t number)
{
    const double *part = s->part[side];
    double off = 0, on = 0;
    for (size_t i = tile->row; i < tile->row_end; i++) {
        const float *row = k + (i - tile->row) * ALIGN_TILE_STEP;
        const size_t columns = columns_of(tile, i, true);
        off += align_centred_norm(row, part[i] + s->both[side], part + tile->column, columns);
        if (!s->unbiased && tile->row == tile->column) on += (double)row[columns] * (double)row[columns];
    }
    s->norm[side * w->tiles + number] = 2 * off + on;
}

static void sum_pair(const summing *w, const shape *s, size_t p, const float *k, const float *l, const align_tile *tile)
{
    const size_t x = w->pair[p][0], y = w->pair[p][1];
    /* A row's sum over a tile left of the diagonal, and a column's over one below it, which is its row's to the right.
     */
    double *rows = room_of(s, w, p, tile->column), *columns = room_of(s, w, p, tile->row), right[ALIGN_TILE];
    memset(right, 0, sizeof right);
    for (size_t i = tile->row; i < tile->row_end; i++) {
        const size_t from = (i - tile->row) * ALIGN_TILE_STEP, count = columns_of(tile, i, true);
        double sum = align_centred_dot(right, k + from, l + from, s->part[x][i] + s->both[x], s->part[x] + tile->column,
                                       s->part[y][i] + s->both[y], s->part[y] + tile->column, count);
        if (!s->unbiased && tile->row == tile->column) sum += (double)k[from + count] * (double)l[from + count];
        rows[i] = sum;
    }
    for (size_t j = tile->column; j < tile->column_end; j++)
        if (tile->row == tile->column)
            columns[j] += right[j - tile->column];
        else
            columns[j] = right[j - tile->column];
}

static void sum_tile(void *context, size_t number, int worker)
{
    const summing *w = context;
    const align_tile tile = align_tile_at(number, w->n);
    const size_t size = (size_t)ALIGN_TILE * ALIGN_TILE_STEP;
    float *room = w->room + (size_t)worker * w->side_count * size;
    for (size_t i = 0; i < w->side_count; i++) align_tile_product(room + i * size, &w->sides[i].rows, &tile);
    for (size_t c = 0; c < w->shapes; c++) {
        const shape *s = &w->shape[c];
        for (size_t i = 0; i < w->side_count; i++) sum_norm(w, s, i, room + i * size, &tile, number);
        for (size_t p = 0; p < w->pairs; p++)
            sum_pair(w, s, p, room + w->pair[p][0] * size, room + w->pair[p][1] * size, &tile);
    }
}

static triad_status begin_shape(shape *s, const summing *w, bool unbiased, triad_error *err)
{
    const size_t n = w->n;
    *s = (shape){.unbiased = unbiased};
    s->part = calloc(w->side_count + 1, sizeof *s->part);
    s->both = calloc(w->side_count + 1, sizeof *s->both);
    s->norm = malloc((w->side_count * w->tiles + 1) * sizeof *s->norm);
    s->dot = triad_alloc_large(w->pairs * w->side_tiles * n + 1, sizeof *s->dot);
    if (!s->part || !s->both || !s->norm || !s->dot) return out_of_memory(err);
    for (size_t i = 0; i < w->side_count; i++) {
        double *part = s->part[i] = calloc(n + 1, sizeof *part), total = 0;
        if (part == NULL) return out_of_memory(err);
        if (!unbiased) continue;
        const double count = (double)n;
        for (size_t r = 0; r < n; r++) {
            part[r] = w->sides[i].square[r] / (count - 2);
            total += w->sides[i].square[r];
        }
        s->both[i] = -total / ((count - 1) * (count - 2));
    }
    return TRIAD_OK;
}

static void end_shape(shape *s, const summing *w)
{
    for (size_t i = 0; s->part && i < w->side_count; i++) free(s->part[i]);
    free(s->part);
    free(s->both);
    free(s->norm);
    free(s->dot);
}

static double norm_of(const summing *w, const shape *s, size_t side)
{
    double norm = 0;
    for (size_t t = 0; t < w->tiles; t++) norm += s->norm[side * w->tiles + t];
    return align_norm_of_centred_columns(norm, w->sides[side].raw);
}

static triad_status conclude(align_gram_pair *pair, const summing *w, const shape *s, size_t p, triad_error *err)
{
    const size_t n = w->n;
    double *scores = calloc(n + 1, sizeof *scores), sum = 0;
    if (scores == NULL) return out_of_memory(err);
    for (size_t t = 0; t < w->side_tiles; t++)
        for (size_t i = 0; i < n; i++) scores[i] += room_of(s, w, p, t * ALIGN_TILE)[i];
    for (size_t i = 0; i < n; i++) sum += scores[i];
    const double x = norm_of(w, s, w->pair[p][0]), y = norm_of(w, s, w->pair[p][1]), value = align_ratio(sum, x, y);
    for (size_t i = 0; i < n; i++) scores[i] *= align_ratio((double)n, x, y);
    pair->value[s->unbiased] = value;
    if (isnan(value))
        free(scores);
    else
        pair->scores[s->unbiased] = scores;
    return TRIAD_OK;
}

triad_status align_gram_pairs(align_gram_pair *pairs, size_t (*pair)[2], size_t count, const align_centred *sides,
                              size_t side_count, const bool wanted[ALIGN_CENTRINGS], triad_pool *pool, triad_error *err)
{
    summing w = {.n = side_count > 0 ? sides[0].rows.n : 0,
                 .sides = sides,
                 .side_count = side_count,
                 .pair = pair,
                 .pairs = count};
    w.tiles = align_tiles(w.n);
    w.side_tiles = (w.n + ALIGN_TILE - 1) / ALIGN_TILE;
    for (size_t p = 0; p < count; p++) pairs[p] = (align_gram_pair){.value = {NAN, NAN}};
    w.room = triad_alloc_large((size_t)triad_pool_threads(pool) * side_count * ALIGN_TILE * ALIGN_TILE_STEP + 1,
                               sizeof *w.room);
    triad_status status = w.room ? TRIAD_OK : out_of_memory(err);
    for (unsigned c = 0; c < ALIGN_CENTRINGS && status == TRIAD_OK; c++)
        if (wanted[c] && (c == 0 || w.n >= 4)) status = begin_shape(&w.shape[w.shapes++], &w, c, err);
    if (status == TRIAD_OK) triad_parallel(pool, w.tiles, sum_tile, &w);
    for (size_t c = 0; c < w.shapes; c++) {
        for (size_t p = 0; p < count && status == TRIAD_OK; p++) status = conclude(&pairs[p], &w, &w.shape[c], p, err);
        end_shape(&w.shape[c], &w);
    }
    free(w.room);
    if (status != TRIAD_OK) align_gram_pairs_free(pairs, count);
    return status;
}

void align_gram_pairs_free(align_gram_pair *pairs, size_t count)
{
    for (size_t p = 0; pairs && p < count; p++)
        for (unsigned c = 0; c < ALIGN_CENTRINGS; c++) {
            free(pairs[p].scores[c]);
            pairs[p].scores[c] = NULL;
        }
}
