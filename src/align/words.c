#include "align/words.h"

#include "align/align_kernel.h"
#include "align/linear.h"
#include "align/matrices.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool differ_only_in(const uint32_t *a, const uint32_t *b, size_t columns, size_t column)
{
    for (size_t c = 0; c < columns; c++)
        if (c != column && a[c] != b[c]) return false;
    return true;
}

/* Rows won among the held-out ones; p (mapped) and q are at unit length, [n, m] in the split's order. */
static void play(double *won, size_t *games, const double *p, const double *q, size_t m, const align_split *split,
                 const uint32_t *cells, size_t columns, size_t column, uint32_t a)
{
    *won = 0;
    *games = 0;
    for (size_t s = split->train; s < split->n; s++) {
        const uint32_t *first = cells + split->position[s] * columns;
        if (first[column] != a) continue;
        for (size_t t = split->train; t < split->n; t++) {
            const uint32_t *second = cells + split->position[t] * columns;
            if (second[column] == a || !differ_only_in(first, second, columns, column)) continue;
            const double *pi = p + s * m, *pj = p + t * m, *qi = q + s * m, *qj = q + t * m;
            const double right = rint((align_dot(pi, qi, m) + align_dot(pj, qj, m)) * ALIGN_SCORE_GRID),
                         swapped = rint((align_dot(pi, qj, m) + align_dot(pj, qi, m)) * ALIGN_SCORE_GRID);
            *won += right > swapped ? 1 : right == swapped ? 0.5 : 0;
            (*games)++;
        }
    }
}

triad_status align_leave_two_words(double *mean, align_word_pair **pairs, size_t *count, const align_rows *x,
                                   const align_rows *y, const uint32_t *cells, size_t columns, size_t column,
                                   size_t cap, triad_error *err)
{
    const size_t n = x->n;
    uint32_t words = 0;
    for (size_t i = 0; i < n; i++)
        if (cells[i * columns + column] >= words) words = cells[i * columns + column] + 1;
    *count = 0;
    *mean = NAN;
    *pairs = malloc(((size_t)words * words / 2 + 1) * sizeof **pairs);
    uint8_t *held_out = malloc(n + 1);
    align_scratch scratch = {0};
    triad_status status =
        *pairs && held_out ? TRIAD_OK : triad_fail(err, TRIAD_ERR_MEMORY, -1, "leave-two-words: out of memory");
    double sum = 0;
    for (uint32_t a = 0; a < words && status == TRIAD_OK; a++)
        for (uint32_t b = a + 1; b < words && status == TRIAD_OK; b++) {
            align_split split = {0};
            align_part px = {0}, py = {0};
            double *room = NULL;
            for (size_t i = 0; i < n; i++)
                held_out[i] = cells[i * columns + column] == a || cells[i * columns + column] == b;
            status = align_split_create(&split, held_out, n, err);
            if (status == TRIAD_OK) status = align_prepare(&px, x, &split, NULL, cap, false, err);
            if (status == TRIAD_OK) status = align_prepare(&py, y, &split, NULL, cap, false, err);
            const size_t m = px.width < py.width ? px.width : py.width;
            if (status == TRIAD_OK && m > 0) {
                room = malloc((m * m + 2 * n * m) * sizeof *room);
                if (room == NULL) status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "leave-two-words: out of memory");
            }
            if (status == TRIAD_OK && m > 0) {
                double *p = room + m * m, *q = p + n * m, won;
                size_t games;
                status = align_procrustes(room, px.rows, px.width, m, py.rows, py.width, m, split.train, &scratch, err);
                align_product(p, px.rows, false, px.width, room, false, m, n, m, m);
                for (size_t t = 0; t < n; t++) memcpy(q + t * m, py.rows + t * py.width, m * sizeof *q);
                align_unit_rows(p, n, m);
                align_unit_rows(q, n, m);
                play(&won, &games, p, q, m, &split, cells, columns, column, a);
                if (status == TRIAD_OK && games > 0) {
                    (*pairs)[*count] = (align_word_pair){a, b, won / (double)games};
                    sum += (*pairs)[(*count)++].share;
                }
            }
            free(room);
            align_part_free(&px);
            align_part_free(&py);
            align_split_free(&split);
        }
    if (*count > 0) *mean = sum / (double)*count;
    free(held_out);
    free(scratch.room);
    if (status != TRIAD_OK) {
        free(*pairs);
        *pairs = NULL;
    }
    return status;
}
