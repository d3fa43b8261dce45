/* Linear CKA of large spaces, all pairs at once, where nothing wants the kernels themselves. */
#include "align/work.h"
#include "base/large.h"

#include <stdlib.h>

static const align_matrix_kind KINDS[ALIGN_CENTRINGS] = {ALIGN_GRAM, ALIGN_GRAM_U};

bool work_goes_by_rows(const work *w, const sentences *set, size_t side)
{
    const triad_align_options *options = w->options;
    return !options->center && !options->standardize && options->remove_top == 0 &&
           align_view_goes_by_rows(&set->plan, set->n, work_layer(&w->sides[side])->d);
}

void work_plan_stream(work *w)
{
    const triad_align_options *options = w->options;
    const bool wanted = options->iid || options->relabel || options->vocabulary || options->bootstraps > 0 ||
                        options->control_count > 0;
    bool by_rows = !wanted;
    for (size_t i = 0; i < w->side_count; i++) by_rows = by_rows && work_goes_by_rows(w, &w->all, i);
    for (size_t c = 0; c < ALIGN_CENTRINGS && by_rows; c++) {
        w->streams[c] = w->all.plan.matrices >> KINDS[c] & 1;
        w->all.plan.matrices &= ~(1U << KINDS[c]);
    }
}

triad_status work_stream(work *w, triad_error *err)
{
    if (!w->streams[0] && !w->streams[1]) return TRIAD_OK;
    const size_t n = w->all.n;
    align_centred *sides = calloc(w->side_count + 1, sizeof *sides);
    float **values = calloc(w->side_count + 1, sizeof *values);
    w->streamed = calloc(w->pairs + 1, sizeof *w->streamed);
    triad_status status = sides && values && w->streamed ? TRIAD_OK : work_out_of_memory(err);
    for (size_t i = 0; i < w->side_count && status == TRIAD_OK; i++) {
        const triad_layer *layer = work_layer(&w->sides[i]);
        const align_source rows = {.n = n, .d = layer->d, .layer = layer->data, .order = work_rows(w, &w->all, i)};
        values[i] = triad_alloc_large(align_panels_size(n, layer->d), sizeof *values[i]);
        status = values[i] ? align_centred_create(&sides[i], &rows, values[i], w->pool, err) : work_out_of_memory(err);
    }
    if (status == TRIAD_OK)
        status = align_gram_pairs(w->streamed, w->pair, w->pairs, sides, w->side_count, w->streams, w->pool, err);
    for (size_t i = 0; i < w->side_count; i++) {
        if (sides) align_centred_free(&sides[i]);
        if (values) free(values[i]);
    }
    free(sides);
    free(values);
    return status;
}

void work_take_streamed(const work *w, size_t p, double *value, double **scores)
{
    const align_plan *plan = &w->all.plan;
    for (size_t i = 0; w->streamed && i < plan->count; i++)
        for (size_t c = 0; c < ALIGN_CENTRINGS; c++) {
            if (plan->spec[i].family != ALIGN_FAMILY_MATRIX || plan->spec[i].variant != KINDS[c]) continue;
            align_gram_pair *pair = &w->streamed[p];
            align_range range;
            value[i] = pair->value[c];
            if (!align_has_interval(&plan->spec[i], &range)) continue;
            free(scores[i]);
            scores[i] = pair->scores[c];
            pair->scores[c] = NULL;
        }
}

void work_end_stream(work *w)
{
    align_gram_pairs_free(w->streamed, w->pairs);
    free(w->streamed);
}
