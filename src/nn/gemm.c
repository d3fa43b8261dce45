/* Matrix products from blocks: b is packed a block at a time, or, for a pool, all of it first by all workers. Either
 * way each element of c is the same chain of operations. */
#include "nn/gemm_kernels.h"
#include "nn/products.h"

#include <stdlib.h>

const nn_gemm_kernel *nn_gemm_kernel_choose(void)
{
    /* triad_machine_has_avx512() asks the processor again at each call, which takes microseconds on a virtual machine;
     * this reads what the start of the program found out. */
    const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512cd");
    return wide ? &nn_gemm_kernel_avx512 : &nn_gemm_kernel_base;
}

/* Rows of b at most so far apart are read where they are: neighbours then share pages, and packing would not pay for
 * the few rows of a that such products have. */
enum { DIRECT = 512 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t up_to(size_t n, size_t step)
{
    return (n + step - 1) / step * step;
}

/* k in equal blocks. */
static size_t depth_of_block(size_t k)
{
    const size_t blocks = (k + NN_BLOCK_DEPTH - 1) / NN_BLOCK_DEPTH;
    return (k + blocks - 1) / blocks;
}

static const float *at(bool transposed, const float *x, size_t ld, size_t row, size_t column)
{
    return transposed ? x + column * ld + row : x + row * ld + column;
}

/* The product over an empty k. */
static void scale_only(size_t m, size_t n, float beta, const float *old, size_t ld_old, float *c, size_t ldc)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) c[i * ldc + j] = beta == 0 ? 0 : beta * old[i * ld_old + j];
}

void nn_gemm(bool ta, bool tb, size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda, const float *b,
             size_t ldb, float beta, float *c, size_t ldc)
{
    nn_gemm_onto(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, c, ldc);
}

void nn_gemm_onto(bool ta, bool tb, size_t m, size_t n, size_t k, float alpha, const float *a, size_t lda,
                  const float *b, size_t ldb, float beta, const float *old, size_t ld_old, float *c, size_t ldc)
{
    if (k == 0) {
        scale_only(m, n, beta, old, ld_old, c, ldc);
        return;
    }
    const nn_gemm_kernel *kernel = nn_gemm_kernel_choose();
    const size_t block = depth_of_block(k);
    _Alignas(64) float packed[NN_BLOCK_DEPTH * NN_BLOCK_COLUMNS];
    for (size_t j = 0; j < n; j += NN_BLOCK_COLUMNS) {
        const size_t columns = smaller(n - j, NN_BLOCK_COLUMNS);
        const bool direct = !tb && ldb <= DIRECT && columns % kernel->panel == 0;
        for (size_t l = 0; l < k; l += block) {
            const size_t depth = smaller(k - l, block);
            const float *right = at(tb, b, ldb, l, j);
            const bool first = l == 0; /* the other blocks add to what it left in c */
            if (!direct) kernel->pack(packed, tb, right, ldb, depth, columns);
            kernel->multiply(ta, m, columns, depth, alpha, at(ta, a, lda, 0, l), lda, direct ? right : packed,
                             direct ? kernel->panel : kernel->panel * depth, direct ? ldb : kernel->panel,
                             first ? beta : 1, (first ? old : c) + j, first ? ld_old : ldc, c + j, ldc);
        }
    }
}

/* ---- over a pool ---- */

enum {
    PACKED_MOST = 4 << 20, /* floats of packed b at a time, unless one block of columns needs more */
    NEAR = 2 * NN_BLOCK_DEPTH *
           NN_BLOCK_COLUMNS, /* floats of packed b that go on the stack: its pages are there already */
    PACKED_COLUMNS =
        NN_WEIGHT_ROWS,    /* of a tile of packing: a panel of the widest kernel, whole panels of the others */
    TILES_WANTED = 32,     /* so that sixteen workers end at about the same time */
    TILE_STRIPS_LEAST = 4, /* strips of a tile, if there are as many */
    TILE_STRIPS_MOST = 18,
    WORTH_A_POOL = 1 << 20 /* multiply-adds below which workers would wait longer than they work */
};

typedef struct product {
    const nn_gemm_kernel *kernel;
    bool ta, tb;
    size_t m, n, k, lda, ldb, ldc;
    float alpha, beta;
    const float *a, *b, *old; /* c = alpha op(a) op(b) + beta old */
    size_t ld_old;
    float *c;

    size_t block;         /* of the depth */
    size_t first, chunk;  /* the columns that are packed now */
    size_t column_blocks; /* of them */
    size_t depth_blocks;
    size_t tile_rows;
    float *packed; /* column block after column block, each one depth block after the other */

    nn_weight_fn weight; /* in place of b: rows of b transposed */
    void *context;
    float *wide;       /* [threads][PACKED_COLUMNS, k] where it may write them */
    const float *bias; /* [n] added to c before the product is, or NULL */
} product;

static float *packed_block(const product *p, size_t column, size_t depth)
{
    const size_t columns = smaller(p->chunk - column, NN_BLOCK_COLUMNS);
    return p->packed + column * p->k + depth * up_to(columns, p->kernel->panel);
}

static void pack_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const product *p = context;
    const size_t column = tile / p->depth_blocks * PACKED_COLUMNS, l = tile % p->depth_blocks * p->block;
    const size_t inside = column % NN_BLOCK_COLUMNS, depth = smaller(p->k - l, p->block);
    p->kernel->pack(packed_block(p, column - inside, l) + inside * depth, p->tb,
                    at(p->tb, p->b, p->ldb, l, p->first + column), p->ldb, depth,
                    smaller(p->chunk - column, PACKED_COLUMNS));
}

/* All of a panel's depth at once, so that each row is fetched once. */
static void fetch_tile(void *context, size_t tile, int worker)
{
    const product *p = context;
    const size_t column = tile * PACKED_COLUMNS, inside = column % NN_BLOCK_COLUMNS;
    const size_t columns = smaller(p->chunk - column, PACKED_COLUMNS);
    const float *b =
        p->weight(p->context, p->wide + (size_t)worker * PACKED_COLUMNS * p->k, p->first + column, columns);
    for (size_t l = 0; l < p->k; l += p->block) {
        const size_t depth = smaller(p->k - l, p->block);
        p->kernel->pack(packed_block(p, column - inside, l) + inside * depth, true, b + l, p->k, depth, columns);
    }
}

static void multiply_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    const product *p = context;
    const size_t column = tile % p->column_blocks * NN_BLOCK_COLUMNS, row = tile / p->column_blocks * p->tile_rows;
    const size_t rows = smaller(p->m - row, p->tile_rows), columns = smaller(p->chunk - column, NN_BLOCK_COLUMNS);
    float *c = p->c + row * p->ldc + p->first + column;
    const float *old = p->old + row * p->ld_old + p->first + column;
    const size_t panel = p->kernel->panel;
    if (p->bias != NULL)
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < columns; j++) c[i * p->ldc + j] += p->bias[p->first + column + j];
    for (size_t l = 0; l < p->k; l += p->block) {
        const size_t depth = smaller(p->k - l, p->block);
        const bool first = l == 0;
        p->kernel->multiply(p->ta, rows, columns, depth, p->alpha, at(p->ta, p->a, p->lda, row, l), p->lda,
                            packed_block(p, column, l), panel * depth, panel, first ? p->beta : 1, first ? old : c,
                            first ? p->ld_old : p->ldc, c, p->ldc);
    }
}

/* Columns of b that are packed at a time. */
static size_t columns_of_chunk(size_t n, size_t k)
{
    const size_t most = k > 0 ? PACKED_MOST / k / NN_BLOCK_COLUMNS * NN_BLOCK_COLUMNS : 0;
    return smaller(most > 0 ? most : NN_BLOCK_COLUMNS, up_to(n, NN_BLOCK_COLUMNS));
}

/* p->packed holds columns_of_chunk columns. */
static void in_chunks(triad_pool *pool, product *p)
{
    const size_t most = columns_of_chunk(p->n, p->k);
    p->depth_blocks = (p->k + p->block - 1) / p->block;
    for (p->first = 0; p->first < p->n; p->first += most) {
        p->chunk = smaller(p->n - p->first, most);
        p->column_blocks = (p->chunk + NN_BLOCK_COLUMNS - 1) / NN_BLOCK_COLUMNS;
        const size_t strip = p->kernel->rows, groups = (TILES_WANTED + p->column_blocks - 1) / p->column_blocks;
        size_t strips = (p->m + strip * groups - 1) / (strip * groups);
        if (strips < TILE_STRIPS_LEAST) strips = TILE_STRIPS_LEAST;
        if (strips > TILE_STRIPS_MOST) strips = TILE_STRIPS_MOST;
        p->tile_rows = strips * strip;
        const size_t panels = (p->chunk + PACKED_COLUMNS - 1) / PACKED_COLUMNS;
        if (p->weight != NULL)
            triad_parallel(pool, panels, fetch_tile, p);
        else
            triad_parallel(pool, panels * p->depth_blocks, pack_tile, p);
        triad_parallel(pool, p->column_blocks * ((p->m + p->tile_rows - 1) / p->tile_rows), multiply_tile, p);
    }
}

static void over_pool(triad_pool *pool, product *p)
{
    if (p->m == 0 || p->n == 0) return;
    p->kernel = nn_gemm_kernel_choose();
    p->block = p->k > 0 ? depth_of_block(p->k) : 1;
    const size_t packed = columns_of_chunk(p->n, p->k) * p->k;
    const bool small = (double)p->m * (double)p->n * (double)p->k < WORTH_A_POOL;
    _Alignas(64) float near[NEAR];
    float *far = !small && packed > NEAR ? aligned_alloc(64, packed * sizeof *far) : NULL;
    p->packed = packed > NEAR ? far : near;
    if (small || p->packed == NULL) { /* without memory: the same bytes, more slowly */
        nn_gemm_onto(p->ta, p->tb, p->m, p->n, p->k, p->alpha, p->a, p->lda, p->b, p->ldb, p->beta, p->old, p->ld_old,
                     p->c, p->ldc);
        return;
    }
    in_chunks(pool, p);
    free(far);
}

size_t nn_linear_fetch_work(int threads, size_t in, size_t out)
{
    return (columns_of_chunk(out, in) + (size_t)threads * PACKED_COLUMNS) * in;
}

void nn_linear_fetch(triad_pool *pool, float *y, size_t ld_y, const float *x, size_t ld_x, nn_weight_fn weight,
                     void *context, const float *b, bool onto, size_t rows, size_t in, size_t out, float *work)
{
    if (rows == 0 || in == 0 || out == 0) return;
    product p = {.kernel = nn_gemm_kernel_choose(),
                 .tb = true,
                 .m = rows,
                 .n = out,
                 .k = in,
                 .alpha = 1,
                 .beta = onto || b != NULL ? 1 : 0,
                 .a = x,
                 .lda = ld_x,
                 .old = b != NULL && !onto ? b : y,
                 .ld_old = b != NULL && !onto ? 0 : ld_y,
                 .c = y,
                 .ldc = ld_y,
                 .block = depth_of_block(in),
                 .packed = work,
                 .weight = weight,
                 .context = context,
                 .wide = work + columns_of_chunk(out, in) * in,
                 .bias = onto ? b : NULL};
    const bool small = (double)rows * (double)in * (double)out < WORTH_A_POOL;
    in_chunks(small ? NULL : pool, &p);
}

void nn_gemm_pool(triad_pool *pool, bool ta, bool tb, size_t m, size_t n, size_t k, float alpha, const float *a,
                  size_t lda, const float *b, size_t ldb, float beta, float *c, size_t ldc)
{
    over_pool(pool, &(product){.ta = ta,
                               .tb = tb,
                               .m = m,
                               .n = n,
                               .k = k,
                               .alpha = alpha,
                               .a = a,
                               .lda = lda,
                               .b = b,
                               .ldb = ldb,
                               .beta = beta,
                               .old = c,
                               .ld_old = ldc,
                               .c = c,
                               .ldc = ldc});
}

void nn_linear_pool(triad_pool *pool, float *y, size_t ld_y, const float *x, size_t ld_x, const float *w,
                    const float *b, size_t rows, size_t in, size_t out)
{
    over_pool(pool, &(product){.tb = true,
                               .m = rows,
                               .n = out,
                               .k = in,
                               .alpha = 1,
                               .a = x,
                               .lda = ld_x,
                               .b = w,
                               .ldb = in,
                               .beta = b ? 1 : 0,
                               .old = b ? b : y,
                               .c = y,
                               .ldc = ld_y});
}
