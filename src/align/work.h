/* What the parts of triad_align share: the sentences, the views on them, the loops over pairs and draws. */
#ifndef TRIAD_ALIGN_WORK_H
#define TRIAD_ALIGN_WORK_H

#include "align/cells.h"
#include "align/control.h"
#include "align/gram_pairs.h"
#include "align/intervals.h"
#include "align/pair.h"
#include "align/view.h"
#include "base/progress.h"

#include <pthread.h>
#include <stdatomic.h>

/* A set of sentences on which pairs are measured: all that are shared, or the subset that a null can permute. */
typedef struct sentences {
    size_t n;
    size_t *rows; /* [sides + controls, n] rows of each side's layer and of each control's items */
    align_plan plan;
    align_folds folds; /* count 0 where n is too small for retrieval */
    align_view *view;  /* [sides] */
    double *observed;  /* [pairs, plan.count] */
} sentences;

typedef struct work {
    const triad_align_options *options;
    const triad_align_side *sides;
    size_t side_count, pairs;
    size_t (*pair)[2];
    bool *is_y; /* [sides] the permuted side of some pair */
    size_t *y_sides, y_count;
    triad_align_result *result;
    const triad_items *teller; /* the table with the most factors speaks for all: ids pair the others */
    size_t teller_side;
    sentences all;
    bool streams[ALIGN_CENTRINGS]; /* what is measured without making a kernel, and … */
    align_gram_pair *streamed;     /* … [pairs] the outcome */
    align_cells cells;             /* of all sentences */
    align_units words;             /* strata 0: no second interval */
    align_resampling resampling, word_resampling;
    size_t best_count; /* pairs of spaces, where the best of layers is asked for */
    size_t *best_of;   /* [pairs] which of them */

    /* of the parallel loop that runs */
    sentences *set;
    align_controls controls; /* of `set` */
    triad_pool *pool;

    atomic_bool failed;
    pthread_mutex_t lock; /* of the next two */
    triad_error *error;   /* of the lowest tile that failed */
    size_t failed_tile;
    triad_progress *progress;
    atomic_size_t done;
} work;

triad_status work_out_of_memory(triad_error *err);
/* The lowest tile's error is the one reported, whatever the order in which tiles ran. */
void work_fail_tile(work *w, size_t tile, const triad_error *err);
triad_status work_status(const work *w); /* after a parallel loop */
void work_step(work *w);

const triad_layer *work_layer(const triad_align_side *side);
const size_t *work_rows(const work *w, const sentences *set, size_t side);

/* Rows of a side's layer on the set, transformed as the options say: *x [set->n, d], the caller frees. */
triad_status work_take_rows(double **x, const work *w, const sentences *set, size_t side, triad_pool *pool,
                            triad_error *err);

/* Views of all sides on the set, whose n and rows are given. */
triad_status work_start_set(work *w, sentences *set, triad_error *err);
void work_free_views(sentences *set, size_t sides);
void work_end_set(sentences *set, size_t sides);

/* The subset of all sentences at positions [n] of them as a set of its own, with views and observed values. */
triad_status work_subset(work *w, sentences *set, const uint32_t *positions, size_t n, triad_error *err);

/* Whether a view of the side on the set can be made from its rows as they are: align_view_goes_by_rows. */
bool work_goes_by_rows(const work *w, const sentences *set, size_t side);

/* Where large spaces are asked for linear CKA, and for no null, interval or control that would want the kernels
 * themselves, takes it out of the plan of all sentences, … */
void work_plan_stream(work *w);
/* … measures it, once all rows are known to be sound, … */
triad_status work_stream(work *w, triad_error *err);
/* … and puts it among what was measured of pair p. */
void work_take_streamed(const work *w, size_t p, double *value, double **scores);
void work_end_stream(work *w);

/* Runs the nulls that the options ask for. */
triad_status work_nulls(work *w, triad_error *err);
/* Says beforehand how long they will take, from one draw of each kind, where more is asked for than the default or it
 * is long. */
triad_status work_announce_nulls(work *w, triad_error *err);
/* A line on how long something takes: "WHAT: about 3:20". */
void work_announce(const work *w, const char *what, double seconds);
/* How many steps of progress they take. */
double work_null_steps(const work *w);

/* Refuses columns of words that are not there or have too many, before anything is computed. */
triad_status work_check_words(const work *w, triad_error *err);
/* The leave-two-words tests with their nulls. */
triad_status work_word_tests(work *w, triad_error *err);

/* How draws of one null spread over pairs: adjusted p of every measure (p_max, p_holm, p_bh). drawn [pairs, draws] of
 * measure `spec`; observed [pairs]. */
triad_status work_adjust(work *w, size_t spec, size_t null, const double *const *drawn, const double *observed,
                         size_t draws, triad_error *err);

triad_align_null *work_null(triad_align_measure *measure, size_t null);

/* Fills a null from its draws. */
triad_status work_fill_null(triad_align_null *null, double observed, const double *draws, size_t m, triad_error *err);

#endif
