/* Statistics under a null: the rows of Y in another order, what a space has made of itself shared by all its pairs. */
#ifndef TRIAD_ALIGN_DRAWS_H
#define TRIAD_ALIGN_DRAWS_H

#include "align/align_kernel.h"
#include "align/view.h"

/* ALIGN_DRAW_BLOCK draws of the measures that fit nothing (overlap, kernels, RDMs), for one permuted side y and all the
 * sides x that it is paired with: row i of Y is row order[b][i]. out [count, plan->count, ALIGN_DRAW_BLOCK]; measures
 * that are not drawn here are left alone. */
TRIAD_NODISCARD triad_status align_draw_block(double *out, const align_plan *plan, const align_view *const *x,
                                              size_t count, const align_view *y,
                                              const uint32_t *const order[ALIGN_DRAW_BLOCK], triad_error *err);

/* One draw of retrieval by the plan's own protocol: the sides that are some pair's y are prepared again in the order,
 * fold by fold, and every pair's map is fitted again. out [pairs, plan->count]; other measures are left alone. */
TRIAD_NODISCARD triad_status align_draw_retrieval(double *out, const align_plan *plan, const align_view *view,
                                                  size_t sides, const size_t (*pair)[2], size_t pairs,
                                                  const align_folds *folds, const uint32_t *order, triad_error *err);

/* Whether align_draw_block, or align_draw_retrieval, draws the measure. */
bool align_draws_in_blocks(const align_spec *spec);
bool align_draws_by_fit(const align_spec *spec);

#endif
