#include "align/neighbours.h"

#include "align/align_kernel.h"
#include "align/gram.h"
#include "align/near_lists.h"
#include "triad/align.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "neighbours: out of memory");
}

/* ---- lists of rows, built tile by tile */

static int nearest_first(const void *a, const void *b)
{
    const near_entry *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

#define HOARE(name, type)                                                                                              \
    type name(type *values, size_t n, size_t k)                                                                        \
    {                                                                                                                  \
        size_t low = 0, high = n - 1, want = k - 1;                                                                    \
        while (low < high) {                                                                                           \
            const type pivot = values[low + (high - low) / 2];                                                         \
            size_t i = low, j = high;                                                                                  \
            for (;;) { /* [low, j] at or above the pivot, [j + 1, high] at or below; j < high, as the pivot is below   \
                          the last place */                                                                            \
                while (values[i] > pivot) i++;                                                                         \
                while (values[j] < pivot) j--;                                                                         \
                if (i >= j) break;                                                                                     \
                const type swap = values[i];                                                                           \
                values[i++] = values[j];                                                                               \
                values[j--] = swap;                                                                                    \
            }                                                                                                          \
            if (want <= j)                                                                                             \
                high = j;                                                                                              \
            else                                                                                                       \
                low = j + 1;                                                                                           \
        }                                                                                                              \
        return values[want];                                                                                           \
    }
HOARE(near_kth_largest, double)
HOARE(near_kth_largest_float, float)

triad_status near_lists_begin(near_lists *lists, align_neighbours *near, size_t n, const size_t *k, size_t ks,
                              triad_error *err)
{
    *near = (align_neighbours){.n = n, .ks = ks, .k = k};
    *lists = (near_lists){.near = near, .tile = calloc(align_row_tiles(n) + 1, sizeof *lists->tile)};
    near->offset = calloc(n + 1, sizeof *near->offset);
    near->above = malloc((n * ks + 1) * sizeof *near->above);
    near->reached = malloc((n * ks + 1) * sizeof *near->reached);
    atomic_init(&lists->failed, false);
    if (lists->tile && near->offset && near->above && near->reached) return TRIAD_OK;
    (void)out_of_memory(err);
    return near_lists_end(lists, TRIAD_ERR_MEMORY, err);
}

void near_lists_add(near_lists *lists, size_t tile, size_t i, near_entry *row, size_t count)
{
    align_neighbours *near = lists->near;
    near_tile *to = &lists->tile[tile];
    qsort(row, count, sizeof *row, nearest_first);
    const double last = row[near->k[near->ks - 1] - 1].score;
    while (count > 0 && row[count - 1].score < last) count--;
    if (to->used + count > to->capacity) {
        const size_t capacity = 2 * (to->used + count);
        near_entry *grown = realloc(to->entry, capacity * sizeof *grown);
        if (grown == NULL) {
            atomic_store(&lists->failed, true);
            return;
        }
        to->entry = grown;
        to->capacity = capacity;
    }
    memcpy(to->entry + to->used, row, count * sizeof *row);
    to->used += count;
    near->offset[i + 1] = count; /* summed up at the end */
    for (size_t q = 0; q < near->ks; q++) {
        const double score = row[near->k[q] - 1].score;
        size_t above = near->k[q] - 1, reached = near->k[q];
        while (above > 0 && row[above - 1].score == score) above--;
        while (reached < count && row[reached].score == score) reached++;
        near->above[i * near->ks + q] = (uint32_t)above;
        near->reached[i * near->ks + q] = (uint32_t)reached;
    }
}

triad_status near_lists_end(near_lists *lists, triad_status status, triad_error *err)
{
    align_neighbours *near = lists->near;
    const size_t n = near->n, tiles = align_row_tiles(n);
    if (status == TRIAD_OK && atomic_load(&lists->failed)) status = out_of_memory(err);
    if (status == TRIAD_OK) {
        for (size_t i = 0; i < n; i++) near->offset[i + 1] += near->offset[i];
        near->index = malloc((near->offset[n] + 1) * sizeof *near->index);
        near->cosine = malloc((near->offset[n] + 1) * sizeof *near->cosine);
        if (near->index == NULL || near->cosine == NULL) status = out_of_memory(err);
    }
    size_t at = 0;
    for (size_t t = 0; lists->tile && t < tiles; t++) {
        for (size_t e = 0; status == TRIAD_OK && e < lists->tile[t].used; e++, at++) {
            near->index[at] = lists->tile[t].entry[e].index;
            near->cosine[at] = lists->tile[t].entry[e].cosine;
        }
        free(lists->tile[t].entry);
    }
    free(lists->tile);
    if (status != TRIAD_OK) align_neighbours_free(near);
    return status;
}

/* ---- from cosines */

typedef struct from_cosines {
    near_lists lists;
    const double *cosine;
} from_cosines;

static void select_rows(void *context, size_t tile, int worker)
{
    (void)worker;
    from_cosines *from = context;
    const align_neighbours *near = from->lists.near;
    const size_t n = near->n, end = align_row_end(tile, n);
    double *grid = malloc(2 * n * sizeof *grid), *moved = grid + n;
    near_entry *row = malloc(n * sizeof *row);
    if (grid == NULL || row == NULL) atomic_store(&from->lists.failed, true);
    for (size_t i = tile * ALIGN_ROW_TILE; grid && row && i < end; i++) {
        align_round(grid, from->cosine + i * n, n, ALIGN_SCORE_GRID);
        memcpy(moved, grid, n * sizeof *moved);
        moved[i] = moved[n - 1]; /* a row is not its own neighbour */
        const double last = near_kth_largest(moved, n - 1, near->k[near->ks - 1]);
        size_t found = 0;
        for (size_t j = 0; j < n; j++)
            if (grid[j] >= last && j != i) row[found++] = (near_entry){grid[j], from->cosine[i * n + j], (uint32_t)j};
        near_lists_add(&from->lists, tile, i, row, found);
    }
    free(grid);
    free(row);
}

triad_status align_neighbours_create(align_neighbours *near, const double *cosine, size_t n, const size_t *k, size_t ks,
                                     triad_pool *pool, triad_error *err)
{
    *near = (align_neighbours){.n = n, .ks = ks, .k = k};
    if (ks == 0) return TRIAD_OK;
    from_cosines from = {.cosine = cosine};
    triad_status status = near_lists_begin(&from.lists, near, n, k, ks, err);
    if (status != TRIAD_OK) return status;
    triad_parallel(pool, align_row_tiles(n), select_rows, &from);
    return near_lists_end(&from.lists, TRIAD_OK, err);
}

void align_neighbours_free(align_neighbours *near)
{
    free(near->offset);
    free(near->index);
    free(near->cosine);
    free(near->above);
    free(near->reached);
    *near = (align_neighbours){0};
}

double align_membership(const align_neighbours *near, size_t i, size_t q, size_t place)
{
    const uint32_t above = near->above[i * near->ks + q], reached = near->reached[i * near->ks + q];
    if (place < above) return 1;
    if (place >= reached) return 0;
    return (double)(near->k[q] - above) / (double)(reached - above);
}

/* The least k for which some j in N_Y(i) has i in N_X(j); SIZE_MAX when none of the lists is long enough. */
static size_t cycle_from(const align_neighbours *x, const align_neighbours *y, size_t i, size_t yi,
                         const uint32_t *inverse)
{
    const size_t most = x->k[x->ks - 1];
    size_t best = SIZE_MAX;
    for (size_t p = 0; p < most && p < best; p++) {
        const uint32_t to = y->index[y->offset[yi] + p], j = inverse ? inverse[to] : to;
        const uint32_t *list = x->index + x->offset[j];
        for (size_t place = 0; place < most && place < best; place++)
            if (list[place] == i) {
                const size_t reach = (place > p ? place : p) + 1;
                if (reach < best) best = reach;
                break;
            }
    }
    return best;
}

void align_overlap(double *value, double *const *scores, const align_neighbours *x, const align_neighbours *y,
                   unsigned kinds, const uint32_t *order, uint32_t *room)
{
    const size_t n = x->n, ks = x->ks;
    uint32_t *mark = room, *inverse = order ? room + n : NULL; /* mark: place of j in the row's list of Y, from 1 */
    for (unsigned kind = 0; kind < ALIGN_OVERLAP_KINDS; kind++)
        if (kinds & 1U << kind) memset(value + kind * ks, 0, ks * sizeof *value);
    for (size_t i = 0; inverse && i < n; i++) inverse[order[i]] = (uint32_t)i;
    for (size_t i = 0; i < n; i++) {
        const size_t yi = order ? order[i] : i;
        const uint32_t *lx = x->index + x->offset[i], *ly = y->index + y->offset[yi];
        const size_t nx = x->offset[i + 1] - x->offset[i], ny = y->offset[yi + 1] - y->offset[yi];
        double row[ALIGN_OVERLAP_KINDS][ALIGN_MAX_KS];
        for (size_t q = 0; q < ks; q++) row[ALIGN_OVERLAP_PLAIN][q] = row[ALIGN_OVERLAP_FRAC][q] = 0;
        for (size_t p = 0; p < ny; p++) mark[ly[p]] = (uint32_t)p + 1;
        for (size_t p = 0; p < nx; p++) {
            const uint32_t at = mark[order ? order[lx[p]] : lx[p]];
            for (size_t q = 0; at > 0 && q < ks; q++) {
                row[ALIGN_OVERLAP_PLAIN][q] += p < x->k[q] && at <= x->k[q];
                row[ALIGN_OVERLAP_FRAC][q] += align_membership(x, i, q, p) * align_membership(y, yi, q, at - 1);
            }
        }
        for (size_t p = 0; p < ny; p++) mark[ly[p]] = 0;
        const size_t cycle = kinds & 1U << ALIGN_OVERLAP_CYCLE ? cycle_from(x, y, i, yi, inverse) : 0;
        for (size_t q = 0; q < ks; q++) {
            const double k = (double)x->k[q], shared = row[ALIGN_OVERLAP_PLAIN][q];
            row[ALIGN_OVERLAP_JACCARD][q] = shared / (2 * k - shared);
            row[ALIGN_OVERLAP_CYCLE][q] = x->k[q] >= cycle;
            row[ALIGN_OVERLAP_PLAIN][q] /= k;
            row[ALIGN_OVERLAP_FRAC][q] /= k;
        }
        for (unsigned kind = 0; kind < ALIGN_OVERLAP_KINDS; kind++)
            for (size_t q = 0; kinds & 1U << kind && q < ks; q++) {
                value[kind * ks + q] += row[kind][q];
                if (scores && scores[kind * ks + q]) scores[kind * ks + q][i] = row[kind][q];
            }
    }
    for (unsigned kind = 0; kind < ALIGN_OVERLAP_KINDS; kind++)
        for (size_t q = 0; kinds & 1U << kind && q < ks; q++) value[kind * ks + q] /= (double)n;
    if (inverse) memset(inverse, 0, n * sizeof *inverse);
}

/* ---- CKNNA */

/* Entries of a mask with the values of two matrices there, row after row. */
typedef struct masked {
    size_t n, *offset;
    uint32_t *index;
    double *a, *b;
} masked;

/* HSIC_u of the two masked matrices, which need not be symmetric; their diagonals are empty. */
static double masked_hsic(const masked *m, const double *a, const double *b, double *column, double *row)
{
    const size_t n = m->n;
    double product = 0, sum_a = 0, sum_b = 0, both = 0;
    memset(column, 0, n * sizeof *column);
    memset(row, 0, n * sizeof *row);
    for (size_t i = 0; i < n; i++)
        for (size_t p = m->offset[i]; p < m->offset[i + 1]; p++) {
            const size_t j = m->index[p];
            column[j] += a[p];
            row[i] += b[p];
            for (size_t r = m->offset[j]; r < m->offset[j + 1]; r++)
                if (m->index[r] == i) {
                    product += a[p] * b[r];
                    break;
                }
        }
    for (size_t i = 0; i < n; i++) {
        sum_a += column[i];
        sum_b += row[i];
        both += column[i] * row[i];
    }
    const double c = (double)n;
    return (product + sum_a * sum_b / ((c - 1) * (c - 2)) - 2 * both / (c - 2)) / (c * (c - 3));
}

/* The first k of each row's list; with `other`, those that are among its first k too. */
static void mask_entries(masked *m, const align_neighbours *near, const align_neighbours *other, size_t k)
{
    size_t used = 0;
    for (size_t i = 0; i < near->n; i++) {
        m->offset[i] = used;
        for (size_t p = 0; p < k; p++) {
            const uint32_t j = near->index[near->offset[i] + p];
            size_t at = 0;
            while (other && at < k && other->index[other->offset[i] + at] != j) at++;
            if (other && at == k) continue;
            m->index[used] = j;
            m->a[used] = near->cosine[near->offset[i] + p];
            m->b[used++] = other ? other->cosine[other->offset[i] + at] : near->cosine[near->offset[i] + p];
        }
    }
    m->offset[near->n] = used;
}

triad_status align_cknna(double *value, const align_neighbours *x, const align_neighbours *y, size_t q,
                         triad_error *err)
{
    const size_t n = x->n, k = x->k[q];
    *value = NAN;
    if (n < 4) return TRIAD_OK;
    masked m = {.n = n};
    m.offset = malloc((n + 1) * sizeof *m.offset);
    m.index = malloc((n * k + 1) * sizeof *m.index);
    m.a = malloc((n * k + 1) * sizeof *m.a);
    m.b = malloc((n * k + 1) * sizeof *m.b);
    double *sums = malloc(2 * n * sizeof *sums);
    triad_status status = TRIAD_OK;
    if (!m.offset || !m.index || !m.a || !m.b || !sums) {
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "CKNNA: out of memory");
    } else {
        mask_entries(&m, x, NULL, k);
        const double xx = masked_hsic(&m, m.a, m.b, sums, sums + n);
        mask_entries(&m, y, NULL, k);
        const double yy = masked_hsic(&m, m.a, m.b, sums, sums + n);
        mask_entries(&m, x, y, k);
        const double xy = masked_hsic(&m, m.a, m.b, sums, sums + n);
        if (xx * yy > 0) *value = xy / sqrt(xx * yy);
    }
    free(m.offset);
    free(m.index);
    free(m.a);
    free(m.b);
    free(sums);
    return status;
}
