#include "align/view_order.h"

#include <stdlib.h>
#include <string.h>

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "null: out of memory");
}

static triad_status move_rows(double **out, const double *from, size_t n, size_t d, const uint32_t *order,
                              triad_error *err)
{
    *out = malloc((n * d + 1) * sizeof **out);
    if (*out == NULL) return out_of_memory(err);
    for (size_t i = 0; i < n; i++) memcpy(*out + i * d, from + order[i] * d, d * sizeof **out);
    return TRIAD_OK;
}

static triad_status move_neighbours(align_neighbours *near, const align_neighbours *from, const uint32_t *order,
                                    const uint32_t *inverse, triad_error *err)
{
    const size_t n = from->n, ks = from->ks, total = from->offset[n];
    *near = (align_neighbours){.n = n, .ks = ks, .k = from->k};
    near->offset = malloc((n + 1) * sizeof *near->offset);
    near->index = malloc((total + 1) * sizeof *near->index);
    near->cosine = malloc((total + 1) * sizeof *near->cosine);
    near->above = malloc((n * ks + 1) * sizeof *near->above);
    near->reached = malloc((n * ks + 1) * sizeof *near->reached);
    if (!near->offset || !near->index || !near->cosine || !near->above || !near->reached) return out_of_memory(err);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t r = order[i];
        near->offset[i] = at;
        for (size_t p = from->offset[r]; p < from->offset[r + 1]; p++, at++) {
            near->index[at] = inverse[from->index[p]];
            near->cosine[at] = from->cosine[p];
        }
        memcpy(near->above + i * ks, from->above + r * ks, ks * sizeof *near->above);
        memcpy(near->reached + i * ks, from->reached + r * ks, ks * sizeof *near->reached);
    }
    near->offset[n] = at;
    return TRIAD_OK;
}

static triad_status move_matrices(align_view *view, const align_view *from, uint32_t kinds, const uint32_t *order,
                                  triad_error *err)
{
    const size_t n = from->n;
    for (unsigned kind = 0; kind < ALIGN_MATRICES; kind++) {
        const double *values = from->matrix[kind].values;
        if (!(kinds >> kind & 1) || values == NULL) continue;
        double *moved = view->matrix[kind].values = malloc((n * n + 1) * sizeof *moved);
        if (moved == NULL) return out_of_memory(err);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) moved[i * n + j] = values[order[i] * n + order[j]];
        view->matrix[kind].norm = from->matrix[kind].norm;
    }
    return TRIAD_OK;
}

triad_status align_view_in_order(align_view *view, const align_view *from, const align_plan *plan,
                                 const align_folds *folds, const uint32_t *order, triad_error *err)
{
    const size_t n = from->n;
    *view = (align_view){.n = n, .d = from->d, .raw_d = from->raw_d};
    uint32_t *inverse = malloc((n + 1) * sizeof *inverse);
    triad_status status = inverse ? TRIAD_OK : out_of_memory(err);
    for (size_t i = 0; inverse && i < n; i++) inverse[order[i]] = (uint32_t)i;
    if (status == TRIAD_OK) status = move_rows(&view->x, from->x, n, from->d, order, err);
    view->raw = view->x;
    if (status == TRIAD_OK && from->raw != from->x) {
        view->raw = NULL;
        if (from->raw) status = move_rows(&view->raw, from->raw, n, from->raw_d, order, err);
    }
    view->rows = (align_rows){.n = n, .d = view->d, .x = view->x};
    if (status == TRIAD_OK && plan->overlaps) status = move_neighbours(&view->near, &from->near, order, inverse, err);
    if (status == TRIAD_OK && plan->centred_overlaps)
        status = move_neighbours(&view->near_centred, &from->near_centred, order, inverse, err);
    if (status == TRIAD_OK) status = move_matrices(view, from, plan->matrices, order, err);
    if (status == TRIAD_OK && plan->basis) {
        view->basis = (align_basis){.n = n, .rank = from->basis.rank};
        status = move_rows(&view->basis.u, from->basis.u, n, from->basis.rank, order, err);
        view->basis.s = malloc((from->basis.rank + 1) * sizeof *view->basis.s);
        if (status == TRIAD_OK && view->basis.s == NULL) status = out_of_memory(err);
        if (status == TRIAD_OK) memcpy(view->basis.s, from->basis.s, from->basis.rank * sizeof *view->basis.s);
    }
    if (status == TRIAD_OK && folds) status = align_view_prepare(view, plan, folds, err);
    free(inverse);
    if (status != TRIAD_OK) align_view_free(view);
    return status;
}
