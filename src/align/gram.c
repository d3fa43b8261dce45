#include "align/gram.h"

#include "nn/layers.h"

#include <cblas.h>

enum { TILE = 768, CORNER = 128, TURN = 32 };

typedef struct gram {
    size_t n, k, lda;
    const double *a;
    double *c;
    const float *fa;
    float *room;
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

static void mirror_tile(double *c, size_t n, size_t r, size_t s)
{
    const size_t rows = end_of(r, n), columns = end_of(s, n);
    for (size_t p = r; p < rows; p += TURN)
        for (size_t q = s; q < columns && q <= p; q += TURN)
            for (size_t i = p; i < rows && i < p + TURN; i++)
                for (size_t j = q; j < columns && j < q + TURN && j < i; j++) c[j * n + i] = c[i * n + j];
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

/* Tile (r, s) of fa fa' into c, whose rows are ldc apart; on the diagonal, strips of columns with the rows from there
 * on: little of the other triangle. */
static void multiply_float(const gram *g, float *c, size_t ldc, size_t r, size_t s)
{
    const size_t n = g->n, k = g->k, lda = g->lda, rows = end_of(r, n), columns = end_of(s, n),
                 strip = r == s ? CORNER : TILE;
    for (size_t j = s; j < columns; j += strip) {
        const size_t first = r == s ? j : r, width = columns - j < strip ? columns - j : strip;
        nn_gemm(false, true, rows - first, width, k, 1, g->fa + first * lda, lda, g->fa + j * lda, lda, 0,
                c + (first - r) * ldc + (j - s), ldc);
    }
}

static void multiply_tile_widened(void *context, size_t t, int worker)
{
    const gram *g = context;
    const size_t n = g->n;
    size_t r, s;
    place_of(t, &r, &s);
    float *tile = g->room + (size_t)worker * TILE * TILE;
    multiply_float(g, tile, TILE, r, s);
    const size_t rows = end_of(r, n), columns = end_of(s, n);
    for (size_t i = r; i < rows; i++) {
        const float *from = tile + (i - r) * TILE;
        const size_t end = r == s ? i + 1 : columns;
        double *to = g->c + i * n;
        for (size_t j = s; j < end; j++) to[j] = from[j - s];
    }
    mirror_tile(g->c, n, r, s);
}

size_t align_gram_room(const triad_pool *pool)
{
    return (size_t)triad_pool_threads(pool) * TILE * TILE;
}

void align_gram_rows_widened(double *c, const float *a, size_t lda, size_t n, size_t k, float *room, triad_pool *pool)
{
    triad_parallel(pool, tiles_of(n), multiply_tile_widened,
                   &(gram){.n = n, .k = k, .lda = lda, .fa = a, .c = c, .room = room});
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
