/* A view: one space on the rows of one set of sentences, with all that its pairs share made once. */
#ifndef TRIAD_ALIGN_VIEW_H
#define TRIAD_ALIGN_VIEW_H

#include "align/linear_measures.h"
#include "align/matrices.h"
#include "align/neighbours.h"
#include "align/plan.h"
#include "align/retrieval.h"

/* How retrieval splits n sentences: once for each fold, and once whole for in-sample fits. */
typedef struct align_folds {
    size_t n, count;
    align_split split[ALIGN_MAX_FOLDS];
    align_split whole;
} align_folds;
/* fold [n], below ALIGN_MAX_FOLDS; what no row has is no fold. */
TRIAD_NODISCARD triad_status align_folds_create(align_folds *folds, const uint8_t *fold, size_t n, triad_error *err);
void align_folds_free(align_folds *folds);

typedef struct align_view {
    size_t n, d, raw_d;
    double *x;   /* [n, d]: rotated to d <= n where it was wider, which no measure but those of `raw` sees */
    double *raw; /* [n, raw_d] as it came: x itself, a copy of its own, or NULL where the plan needs none */
    align_neighbours near, near_centred;
    align_matrix matrix[ALIGN_MATRICES];
    align_basis basis;
    align_part part[ALIGN_PROTOCOLS][ALIGN_MAX_FOLDS]; /* strict, insample and pad; vlca depends on the pair */
    align_rows rows;                                   /* what preparing again under a null takes */
    double *lead;
} align_view;

/* The leading principal axes of all rows among which nulls, and the statistic that is compared with them, look for the
 * axes of the training rows: those beyond hold next to nothing of the first 64. */
enum { ALIGN_LEAD = 128 };

/* Takes over x [n, d] (malloc'd), also when it fails. folds NULL: no retrieval. lead: nulls of retrieval will be drawn
 * with this view as the permuted side. plan is borrowed. pool NULL inside a tile; large spaces (align_is_large) gain
 * from one. */
TRIAD_NODISCARD triad_status align_view_create(align_view *view, double *x, size_t n, size_t d, const align_plan *plan,
                                               const align_folds *folds, bool lead, triad_pool *pool, triad_error *err);
/* Whether the view can do without rows in double: the plan asks for neighbours by cosine, linear kernels and cosine
 * RDMs alone, of a large space. */
bool align_view_goes_by_rows(const align_plan *plan, size_t n, size_t d);
/* Such a view, straight from a layer's rows; x stays NULL. room: shared by the views that are made one after the other.
 */
TRIAD_NODISCARD triad_status align_view_create_by_rows(align_view *view, const align_source *rows,
                                                       const align_plan *plan, align_room *room, triad_pool *pool,
                                                       triad_error *err);
/* The parts of every protocol that the plan wants, of view->rows. */
TRIAD_NODISCARD triad_status align_view_prepare(align_view *view, const align_plan *plan, const align_folds *folds,
                                                triad_error *err);
void align_view_free(align_view *view);

#endif
