#include "align/retrieval.h"

#include "align/linear.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double SCORE_GRID = 1e9, RANK_TOLERANCE = 1e-10;

double align_hit(align_place place, size_t k)
{
    const double hit = ((double)k - (double)place.above) / (double)place.equal;
    return hit < 0 ? 0 : hit > 1 ? 1 : hit;
}

static void unit_rows(double *x, size_t n, size_t d)
{
    for (size_t i = 0; i < n; i++) {
        double *row = x + i * d, squares = 0;
        for (size_t c = 0; c < d; c++) squares += row[c] * row[c];
        const double scale = squares > 0 ? 1 / sqrt(squares) : 1;
        for (size_t c = 0; c < d; c++) row[c] *= scale;
    }
}

/* Held-out rows of `source` mapped by w (transposed where `back`) against all rows of `target` (unit). */
static void place_rows(align_place *places, const double *source, const double *target, const double *w, bool back,
                       const uint8_t *fold, size_t f, size_t n, size_t m, double *query, double *mapped, double *score)
{
    size_t queries = 0;
    for (size_t i = 0; i < n; i++)
        if (fold[i] == f) memcpy(query + m * queries++, source + i * m, m * sizeof *query);
    align_product(mapped, query, false, m, w, back, m, queries, m, m);
    unit_rows(mapped, queries, m);
    align_product(score, mapped, false, m, target, true, m, queries, n, m);
    size_t q = 0;
    for (size_t i = 0; i < n; i++) {
        if (fold[i] != f) continue;
        const double *row = score + n * q++, own = rint(row[i] * SCORE_GRID);
        uint32_t above = 0, equal = 0;
        for (size_t j = 0; j < n; j++) {
            const double other = rint(row[j] * SCORE_GRID);
            above += other > own;
            equal += other == own;
        }
        places[i] = (align_place){above, equal};
    }
}

triad_status align_retrieve(align_place *places, double *const xp[ALIGN_FOLDS], const size_t xw[ALIGN_FOLDS],
                            double *const yp[ALIGN_FOLDS], const size_t yw[ALIGN_FOLDS], const uint32_t *order,
                            const uint8_t *fold, size_t n, triad_error *err)
{
    size_t widest = 1;
    for (size_t f = 0; f < ALIGN_FOLDS; f++) {
        const size_t m = xw[f] < yw[f] ? xw[f] : yw[f];
        if (m > widest) widest = m;
    }
    const size_t w = widest;
    double *room = malloc((6 * n * w + n * n + 4 * w * w + w) * sizeof *room);
    if (room == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "retrieval: out of memory");
    double *a = room, *b = a + n * w, *train = b + n * w, *train_y = train + n * w, *query = train_y + n * w,
           *mapped = query + n * w, *score = mapped + n * w, *cross = score + n * n, *u = cross + w * w, *vt = u + w * w,
           *map = vt + w * w, *s = map + w * w;
    triad_status status = TRIAD_OK;
    for (size_t f = 0; f < ALIGN_FOLDS && status == TRIAD_OK; f++) {
        const size_t m = xw[f] < yw[f] ? xw[f] : yw[f];
        size_t taken = 0;
        if (m == 0) { /* a constant side: every row ties with every other */
            for (size_t i = 0; i < n; i++)
                if (fold[i] == f) places[i] = places[n + i] = (align_place){0, (uint32_t)n};
            continue;
        }
        for (size_t i = 0; i < n; i++) {
            memcpy(a + i * m, xp[f] + i * xw[f], m * sizeof *a);
            memcpy(b + i * m, yp[f] + (order ? order[i] : i) * yw[f], m * sizeof *b);
            if (fold[i] == f) continue;
            memcpy(train + taken * m, a + i * m, m * sizeof *a);
            memcpy(train_y + taken * m, b + i * m, m * sizeof *b);
            taken++;
        }
        align_product(cross, train, true, m, train_y, false, m, m, m, taken);
        status = align_svd(s, u, vt, cross, m, m, err);
        if (status != TRIAD_OK) break;
        size_t rank = 0; /* directions without a singular value of their own would be arbitrary */
        while (rank < m && s[rank] > RANK_TOLERANCE * s[0]) rank++;
        align_product(map, u, false, m, vt, false, m, m, m, rank);
        /* Both ways come from one decomposition: the map back is the transpose. Targets are scaled after the fit. */
        memcpy(train, a, n * m * sizeof *a);
        memcpy(train_y, b, n * m * sizeof *b);
        unit_rows(train, n, m);
        unit_rows(train_y, n, m);
        place_rows(places, a, train_y, map, false, fold, f, n, m, query, mapped, score);
        place_rows(places + n, b, train, map, true, fold, f, n, m, query, mapped, score);
    }
    free(room);
    return status;
}
