#include "align/gram.h"

#include <cblas.h>

enum { TILE = 768, TURN = 32 };

typedef struct gram {
    size_t n, k, lda;
    const double *a;
    double *c;
} gram;

/* Tile number t of the lower triangle, row by row: (0, 0), (1, 0), (1, 1), (2, 0), … */
static void place_of(size_t t, size_t *row, size_t *column)
{
    size_t r = 0;
    while ((r + 1) * (r + 2) / 2 <= t) r++;
    *row = r * TILE;
    *column = (t - r * (r + 1) / 2) * TILE;
}

static size_t tiles_of(size_t n)
{
    const size_t side = (n + TILE - 1) / TILE;
    return side * (side + 1) / 2;
}

static size_t end_of(size_t first, size_t n)
{
    return first + TILE < n ? first + TILE : n;
}

/* Rows r … rows - 1 and columns s … columns - 1 of c into the other triangle. */
static void mirror_part(double *c, size_t n, size_t r, size_t rows, size_t s, size_t columns)
{
    for (size_t p = r; p < rows; p += TURN)
        for (size_t q = s; q < columns && q <= p; q += TURN)
            for (size_t i = p; i < rows && i < p + TURN; i++)
                for (size_t j = q; j < columns && j < q + TURN && j < i; j++) c[j * n + i] = c[i * n + j];
}

static void mirror_tile(double *c, size_t n, size_t r, size_t s)
{
    mirror_part(c, n, r, end_of(r, n), s, end_of(s, n));
}

static void multiply_tile(void *context, size_t t, int worker)
{
    (void)worker;
    const gram *g = context;
    const size_t n = g->n, k = g->k, lda = g->lda;
    size_t r, s;
    place_of(t, &r, &s);
    const int rows = (int)(end_of(r, n) - r), columns = (int)(end_of(s, n) - s);
    if (r == s)
        cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, rows, (int)k, 1.0, g->a + r * lda, (int)lda, 0.0,
                    g->c + r * n + r, (int)n);
    else
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, columns, (int)k, 1.0, g->a + r * lda, (int)lda,
                    g->a + s * lda, (int)lda, 0.0, g->c + r * n + s, (int)n);
    mirror_tile(g->c, n, r, s);
}

typedef struct widening {
    double *c;
    const align_panels *rows;
    float *room;
} widening;

static void multiply_tile_widened(void *context, size_t number, int worker)
{
    const widening *w = context;
    const size_t n = w->rows->n;
    const align_tile tile = align_tile_at(number, n);
    float *product = w->room + (size_t)worker * ALIGN_TILE * ALIGN_TILE_STEP;
    align_tile_product(product, w->rows, &tile);
    for (size_t i = tile.row; i < tile.row_end; i++) {
        const float *from = product + (i - tile.row) * ALIGN_TILE_STEP;
        const size_t end = tile.row == tile.column ? i + 1 : tile.column_end;
        double *to = w->c + i * n;
        for (size_t j = tile.column; j < end; j++) to[j] = from[j - tile.column];
    }
    mirror_part(w->c, n, tile.row, tile.row_end, tile.column, tile.column_end);
}

size_t align_gram_room(const triad_pool *pool)
{
    return (size_t)triad_pool_threads(pool) * ALIGN_TILE * ALIGN_TILE_STEP;
}

void align_gram_widened(double *c, const align_panels *rows, float *room, triad_pool *pool)
{
    triad_parallel(pool, align_tiles(rows->n), multiply_tile_widened, &(widening){.c = c, .rows = rows, .room = room});
}

void align_gram_rows(double *c, const double *a, size_t lda, size_t n, size_t k, triad_pool *pool)
{
    triad_parallel(pool, tiles_of(n), multiply_tile, &(gram){.n = n, .k = k, .lda = lda, .a = a, .c = c});
}

static void mirror_one(void *context, size_t t, int worker)
{
    (void)worker;
    const gram *g = context;
    size_t r, s;
    place_of(t, &r, &s);
    mirror_tile(g->c, g->n, r, s);
}

void align_mirror(double *c, size_t n, triad_pool *pool)
{
    triad_parallel(pool, tiles_of(n), mirror_one, &(gram){.n = n, .c = c});
}
