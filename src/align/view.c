#include "align/view.h"

#include "align/align_kernel.h"
#include "align/gram.h"
#include "align/linear.h"
#include "base/large.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
}

triad_status align_folds_create(align_folds *folds, const uint8_t *fold, size_t n, triad_error *err)
{
    *folds = (align_folds){.n = n};
    uint8_t *held_out = malloc(n + 1);
    if (held_out == NULL) return out_of_memory(err);
    triad_status status = align_split_create(&folds->whole, NULL, n, err);
    for (uint8_t f = 0; f < ALIGN_MAX_FOLDS && status == TRIAD_OK; f++) {
        size_t size = 0;
        for (size_t i = 0; i < n; i++) size += held_out[i] = fold[i] == f;
        if (size > 0) status = align_split_create(&folds->split[folds->count++], held_out, n, err);
    }
    free(held_out);
    if (status != TRIAD_OK) align_folds_free(folds);
    return status;
}

void align_folds_free(align_folds *folds)
{
    for (size_t f = 0; f < ALIGN_MAX_FOLDS; f++) align_split_free(&folds->split[f]);
    align_split_free(&folds->whole);
    *folds = (align_folds){0};
}

/* n rows span at most n dimensions: wider ones are turned into these. */
static triad_status narrow(align_view *view, const align_plan *plan, triad_error *err)
{
    const size_t n = view->n;
    if (view->d <= n) {
        view->raw = view->x;
        return TRIAD_OK;
    }
    if (plan->raw) {
        view->raw = malloc(n * view->d * sizeof *view->raw);
        if (view->raw == NULL) return out_of_memory(err);
        memcpy(view->raw, view->x, n * view->d * sizeof *view->raw);
    }
    double *narrower = malloc(n * n * sizeof *narrower);
    triad_status status = narrower ? align_rotate(narrower, view->x, n, view->d, err) : out_of_memory(err);
    free(view->x);
    view->x = narrower;
    view->d = n;
    return status;
}

static bool sums_cosines(const align_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->spec[i].family == ALIGN_FAMILY_CKNNA) return true;
    return false;
}

/* cosine NULL: none are needed besides. */
static triad_status find_neighbours(align_neighbours *near, const align_plan *plan, const double *x, size_t n, size_t d,
                                    const double *cosine, triad_pool *pool, triad_error *err)
{
    const bool exact = sums_cosines(plan);
    if (cosine == NULL) {
        const align_source rows = {.n = n, .d = d, .x = x};
        return align_neighbours_of_rows(near, &rows, plan->k, plan->usable, exact, NULL, pool, err);
    }
    return align_neighbours_create(near, cosine, n, plan->k, plan->usable, pool, err);
}

static triad_status find_centred_neighbours(align_view *view, const align_plan *plan, double *cosine, triad_pool *pool,
                                            triad_error *err)
{
    const size_t n = view->n, d = view->d;
    double *centred = malloc(n * d * sizeof *centred);
    triad_status status = centred ? TRIAD_OK : out_of_memory(err);
    if (status == TRIAD_OK) {
        memcpy(centred, view->x, n * d * sizeof *centred);
        status = align_centre(centred, n, d, err);
    }
    if (status == TRIAD_OK && cosine) status = align_cosines(cosine, centred, n, d, pool, err);
    if (status == TRIAD_OK) status = find_neighbours(&view->near_centred, plan, centred, n, d, cosine, pool, err);
    free(centred);
    return status;
}

/* lead [n, lead_d]: x minus its mean on the principal axes of its rows at unit length, all of them or the first
 * ALIGN_LEAD. */
static triad_status find_lead(align_view *view, triad_error *err)
{
    const size_t n = view->n, d = view->d, small = d < n ? d : n;
    double *centred = malloc(n * d * sizeof *centred), *unit = malloc(n * d * sizeof *unit),
           *axes = malloc(small * d * sizeof *axes), *s = malloc((small + 1) * sizeof *s),
           *room = malloc((small > n ? small : n) * small * sizeof *room);
    triad_status status = centred && unit && axes && s && room ? TRIAD_OK : out_of_memory(err);
    size_t wide = small < ALIGN_LEAD ? small : ALIGN_LEAD;
    if (status == TRIAD_OK) {
        memcpy(centred, view->x, n * d * sizeof *centred);
        status = align_centre(centred, n, d, err);
    }
    if (status == TRIAD_OK) {
        memcpy(unit, centred, n * d * sizeof *unit);
        align_unit_rows(unit, n, d);
        if (small > ALIGN_LEAD) { /* d <= n, as the view is narrow */
            align_gram(room, unit, d, true, d, n);
            status = align_eigen(s, axes, room, d, wide, err);
        } else {
            status = align_svd(s, room, axes, unit, n, d, err);
            while (wide > 1 && !(s[wide - 1] > 1e-13 * s[0])) wide--; /* axes that hold rounding alone */
        }
    }
    if (status == TRIAD_OK) {
        view->lead = malloc((n * wide + 1) * sizeof *view->lead);
        if (view->lead == NULL) status = out_of_memory(err);
    }
    if (status == TRIAD_OK) {
        align_product(view->lead, centred, false, d, axes, true, d, n, wide, d);
        view->rows.lead = view->lead;
        view->rows.lead_d = wide;
    }
    free(centred);
    free(unit);
    free(axes);
    free(s);
    free(room);
    return status;
}

triad_status align_view_prepare(align_view *view, const align_plan *plan, const align_folds *folds, triad_error *err)
{
    triad_status status = TRIAD_OK;
    for (size_t p = 0; p < plan->protocols && status == TRIAD_OK; p++) {
        const align_protocol *protocol = &plan->protocol[p];
        if (!protocol->nn_all && !protocol->nn_test && !protocol->csls_all && !protocol->csls_test && !protocol->r2)
            continue;
        if (protocol->kind == ALIGN_INSAMPLE)
            status = align_prepare(&view->part[p][0], &view->rows, &folds->whole, NULL, 0, false, err);
        for (size_t f = 0; f < folds->count && status == TRIAD_OK; f++) {
            if (protocol->kind == ALIGN_STRICT)
                status =
                    align_prepare(&view->part[p][f], &view->rows, &folds->split[f], NULL, protocol->cap, false, err);
            else if (protocol->kind == ALIGN_PAD)
                status = align_prepare_plain(&view->part[p][f], &view->rows, &folds->split[f], err);
        }
    }
    return status;
}

triad_status align_view_create(align_view *view, double *x, size_t n, size_t d, const align_plan *plan,
                               const align_folds *folds, bool lead, triad_pool *pool, triad_error *err)
{
    *view = (align_view){.n = n, .d = d, .raw_d = d, .x = x};
    triad_status status = narrow(view, plan, err);
    view->rows = (align_rows){.n = n, .d = view->d, .x = view->x};
    const bool distances = plan->matrices >> ALIGN_COSINE & 7, near = plan->overlaps || plan->centred_overlaps,
               whole = distances || (near && !align_is_large(n, view->d));
    double *cosine = NULL;
    if (status == TRIAD_OK && whole) {
        cosine = triad_alloc_large(n * n + 1, sizeof *cosine);
        if (cosine == NULL) status = out_of_memory(err);
    }
    if (status == TRIAD_OK && plan->centred_overlaps) status = find_centred_neighbours(view, plan, cosine, pool, err);
    if (status == TRIAD_OK && whole && (distances || plan->overlaps))
        status = align_cosines(cosine, view->x, n, view->d, pool, err);
    if (status == TRIAD_OK && plan->overlaps)
        status = find_neighbours(&view->near, plan, view->x, n, view->d, cosine, pool, err);
    if (status == TRIAD_OK)
        status = align_matrices_create(view->matrix, plan->matrices, view->x, n, view->d, view->raw, view->raw_d,
                                       cosine, pool, err);
    free(cosine);
    if (status == TRIAD_OK && plan->basis) status = align_basis_create(&view->basis, view->x, n, view->d, err);
    if (status == TRIAD_OK && folds) status = align_view_prepare(view, plan, folds, err);
    if (status == TRIAD_OK && folds && lead) status = find_lead(view, err);
    if (status != TRIAD_OK) align_view_free(view);
    return status;
}

bool align_view_goes_by_rows(const align_plan *plan, size_t n, size_t d)
{
    const uint32_t simple = 1U << ALIGN_GRAM | 1U << ALIGN_GRAM_U | 7U << ALIGN_COSINE;
    return align_is_large(n, d) && !(plan->matrices & ~simple) && !plan->centred_overlaps && !plan->basis &&
           !plan->shape && !plan->raw && !plan->retrieval;
}

triad_status align_view_create_by_rows(align_view *view, const align_source *rows, const align_plan *plan,
                                       align_room *room, triad_pool *pool, triad_error *err)
{
    const size_t n = rows->n;
    *view = (align_view){.n = n, .d = rows->d, .raw_d = rows->d};
    triad_status status = TRIAD_OK;
    if (plan->matrices >> ALIGN_COSINE & 7) {
        double *cosine = triad_alloc_large(n * n + 1, sizeof *cosine);
        bool done = false;
        status = cosine ? TRIAD_OK : out_of_memory(err);
        if (status == TRIAD_OK && !plan->overlaps)
            status = align_cosine_forms_single(view->matrix, &done, plan->matrices, cosine, rows, room, pool, err);
        if (status == TRIAD_OK && !done) status = align_cosines_of(cosine, rows, room, pool, err);
        if (status == TRIAD_OK && plan->overlaps)
            status = align_neighbours_create(&view->near, cosine, n, plan->k, plan->usable, pool, err);
        if (status == TRIAD_OK && !done)
            status = align_cosine_forms(view->matrix, plan->matrices, cosine, n, room, pool, err);
        else if (!done)
            free(cosine);
    } else if (plan->overlaps) {
        status =
            align_neighbours_of_rows(&view->near, rows, plan->k, plan->usable, sums_cosines(plan), room, pool, err);
    }
    align_matrix *biased = &view->matrix[ALIGN_GRAM], *unbiased = &view->matrix[ALIGN_GRAM_U];
    if (status == TRIAD_OK && plan->matrices & (1U << ALIGN_GRAM | 1U << ALIGN_GRAM_U))
        status =
            align_linear_kernels(plan->matrices >> ALIGN_GRAM & 1 ? biased : NULL,
                                 plan->matrices >> ALIGN_GRAM_U & 1 ? unbiased : NULL, rows, true, room, pool, err);
    if (status != TRIAD_OK) align_view_free(view);
    return status;
}

void align_view_free(align_view *view)
{
    if (view->raw != view->x) free(view->raw);
    free(view->x);
    free(view->lead);
    align_neighbours_free(&view->near);
    align_neighbours_free(&view->near_centred);
    align_matrices_free(view->matrix);
    align_basis_free(&view->basis);
    for (size_t p = 0; p < ALIGN_PROTOCOLS; p++)
        for (size_t f = 0; f < ALIGN_MAX_FOLDS; f++) align_part_free(&view->part[p][f]);
    *view = (align_view){0};
}
