#include "align/draws.h"

#include "align/pair.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool align_draws_in_blocks(const align_spec *spec)
{
    return spec->drawn && spec->family != ALIGN_FAMILY_RETRIEVAL;
}

bool align_draws_by_fit(const align_spec *spec)
{
    return spec->drawn && spec->family == ALIGN_FAMILY_RETRIEVAL;
}

static bool is_product(const align_spec *spec)
{
    return spec->drawn && (spec->family == ALIGN_FAMILY_MATRIX || spec->family == ALIGN_FAMILY_RHO);
}

/* sums [count, ALIGN_DRAW_BLOCK] of x's matrix times y's in each order. The rows of y are gathered once for all x. g
 * [block, n] */
static void sum_products(double *sums, const align_view *const *x, size_t count, const align_view *y,
                         align_matrix_kind kind, const uint32_t *const order[ALIGN_DRAW_BLOCK], double *g)
{
    const size_t n = y->n;
    const double *values = y->matrix[kind].values;
    memset(sums, 0, count * ALIGN_DRAW_BLOCK * sizeof *sums);
    for (size_t i = 1; i < n; i++) {
        for (size_t b = 0; b < ALIGN_DRAW_BLOCK; b++) align_gather(g + b * n, values + order[b][i] * n, order[b], i);
        for (size_t v = 0; v < count; v++)
            if (x[v]->matrix[kind].values)
                align_dot_block(sums + v * ALIGN_DRAW_BLOCK, x[v]->matrix[kind].values + i * n, g, n, i);
    }
    for (size_t v = 0; v < count; v++)
        for (size_t b = 0; b < ALIGN_DRAW_BLOCK && x[v]->matrix[kind].values; b++) {
            double diagonal = 0;
            for (size_t i = 0; i < n; i++)
                diagonal += x[v]->matrix[kind].values[i * n + i] * values[order[b][i] * (n + 1)];
            sums[v * ALIGN_DRAW_BLOCK + b] = 2 * sums[v * ALIGN_DRAW_BLOCK + b] + diagonal;
        }
}

static void draw_overlaps(double *out, const align_plan *plan, align_family family, unsigned kinds,
                          const align_neighbours *x, const align_neighbours *y, const uint32_t *order, uint32_t *room,
                          size_t b)
{
    const size_t ks = plan->usable;
    double value[ALIGN_OVERLAP_KINDS * ALIGN_MAX_KS];
    if (kinds == 0 || ks == 0) return;
    align_overlap(value, NULL, x, y, kinds, order, room);
    for (size_t i = 0; i < plan->count; i++)
        if (plan->spec[i].family == family)
            out[i * ALIGN_DRAW_BLOCK + b] =
                plan->spec[i].q < ks ? value[plan->spec[i].variant * ks + plan->spec[i].q] : NAN;
}

triad_status align_draw_block(double *out, const align_plan *plan, const align_view *const *x, size_t count,
                              const align_view *y, const uint32_t *const order[ALIGN_DRAW_BLOCK], triad_error *err)
{
    const size_t n = y->n;
    double *sums = malloc((count * ALIGN_DRAW_BLOCK + ALIGN_DRAW_BLOCK * n) * sizeof *sums);
    uint32_t *room = calloc(2 * n + 1, sizeof *room);
    if (sums == NULL || room == NULL) {
        free(sums);
        free(room);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "null: out of memory");
    }
    uint32_t kinds = 0;
    for (size_t i = 0; i < plan->count; i++)
        if (is_product(&plan->spec[i])) kinds |= 1U << plan->spec[i].variant;
    for (unsigned kind = 0; kind < ALIGN_MATRICES; kind++) {
        if (!(kinds >> kind & 1)) continue;
        if (y->matrix[kind].values)
            sum_products(sums, x, count, y, (align_matrix_kind)kind, order, sums + count * ALIGN_DRAW_BLOCK);
        for (size_t v = 0; v < count; v++)
            for (size_t i = 0; i < plan->count; i++) {
                const align_spec *spec = &plan->spec[i];
                if (!is_product(spec) || spec->variant != kind) continue;
                double *at = out + (v * plan->count + i) * ALIGN_DRAW_BLOCK;
                const bool defined = x[v]->matrix[kind].values && y->matrix[kind].values;
                for (size_t b = 0; b < ALIGN_DRAW_BLOCK; b++) {
                    const double sum = sums[v * ALIGN_DRAW_BLOCK + b];
                    at[b] = !defined ? NAN
                            : spec->family == ALIGN_FAMILY_MATRIX
                                ? align_ratio(sum, x[v]->matrix[kind].norm, y->matrix[kind].norm)
                                : align_rho_a(0.5 * sum, n);
                }
            }
    }
    /* CKNNA's neighbours alone are no reason to draw overlaps. */
    unsigned overlaps = 0;
    for (size_t i = 0; i < plan->count; i++)
        if (plan->spec[i].family == ALIGN_FAMILY_OVERLAP) overlaps |= 1U << plan->spec[i].variant;
    for (size_t v = 0; v < count; v++)
        for (size_t b = 0; b < ALIGN_DRAW_BLOCK; b++) {
            double *at = out + v * plan->count * ALIGN_DRAW_BLOCK;
            draw_overlaps(at, plan, ALIGN_FAMILY_OVERLAP, overlaps, &x[v]->near, &y->near, order[b], room, b);
            draw_overlaps(at, plan, ALIGN_FAMILY_CENTRED, plan->centred_overlaps, &x[v]->near_centred, &y->near_centred,
                          order[b], room, b);
        }
    free(sums);
    free(room);
    return TRIAD_OK;
}

triad_status align_draw_retrieval(double *out, const align_plan *plan, const align_view *view, size_t sides,
                                  const size_t (*pair)[2], size_t pairs, const align_folds *folds,
                                  const uint32_t *order, triad_error *err)
{
    const align_protocol *own = &plan->protocol[0];
    const size_t n = folds->n;
    align_part *part = calloc(sides ? sides : 1, sizeof *part);
    bool *permuted = calloc(sides ? sides : 1, sizeof *permuted);
    align_place *places = malloc((4 * n * pairs + 1) * sizeof *places);
    align_scratch scratch = {0};
    triad_status status =
        part && permuted && places ? TRIAD_OK : triad_fail(err, TRIAD_ERR_MEMORY, -1, "null: out of memory");
    for (size_t p = 0; permuted && p < pairs; p++) permuted[pair[p][1]] = true;
    for (size_t f = 0; f < folds->count && status == TRIAD_OK; f++) {
        for (size_t v = 0; v < sides && status == TRIAD_OK; v++)
            if (permuted[v])
                status = align_prepare(&part[v], &view[v].rows, &folds->split[f], order, own->cap, own->cap > 0, err);
        for (size_t p = 0; p < pairs && status == TRIAD_OK; p++) {
            const align_places at = {.nn_all = own->nn_all ? places + 4 * n * p : NULL,
                                     .nn_test = own->nn_test ? places + (4 * p + 2) * n : NULL};
            status = align_retrieve(&at, &view[pair[p][0]].part[0][f], &part[pair[p][1]], true, &folds->split[f],
                                    &scratch, err);
        }
        for (size_t v = 0; v < sides; v++) align_part_free(&part[v]);
    }
    for (size_t p = 0; p < pairs && status == TRIAD_OK; p++) {
        if (own->nn_all) align_score_places(out + p * plan->count, NULL, plan, 0, false, false, places + 4 * n * p, n);
        if (own->nn_test)
            align_score_places(out + p * plan->count, NULL, plan, 0, true, false, places + (4 * p + 2) * n, n);
    }
    free(part);
    free(permuted);
    free(places);
    free(scratch.room);
    return status;
}
