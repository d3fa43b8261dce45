/* A view of the same space with its rows in another order. */
#ifndef TRIAD_ALIGN_VIEW_ORDER_H
#define TRIAD_ALIGN_VIEW_ORDER_H

#include "align/view.h"

/* Row i of the new view is row order[i] of the old; what `plan` needs is moved, and only retrieval is prepared again.
 * The old view must have been made by a plan that needs no less. Free by align_view_free. */
TRIAD_NODISCARD triad_status align_view_in_order(align_view *view, const align_view *from, const align_plan *plan,
                                                 const align_folds *folds, const uint32_t *order, triad_error *err);

#endif
