/* Leave-two-words-out of every pair of spaces, column by column and of several columns together. The value counts right
 * pairings; its null renames the words of the column, or of all the columns, and compares margins (words.h). */
#include "align/relabel.h"
#include "align/words.h"
#include "align/work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EVERY = 999 /* renamings are drawn all where there are no more */, MOST_WORDS = 64 };

typedef struct testing {
    work *w;
    sentences *set; /* all, or what is closed under renaming the columns */
    size_t cap;
    const uint32_t *order; /* [draws, n]; NULL: no margins */
    size_t draws;
    /* means over the columns */
    double *share;  /* [pairs] */
    double *margin; /* [pairs, draws + 1]; the last as it is */
    /* of the column that is looked at */
    align_words words;
    align_part *part; /* [sides, words.count] */
    size_t columns;   /* of which it is one */
    bool *announced;
} testing;

static void prepare(void *context, size_t tile, int worker)
{
    (void)worker;
    testing *t = context;
    const size_t side = tile / t->words.count, pair = tile % t->words.count;
    triad_error err = {0};
    if (align_words_prepare(&t->part[tile], &t->words, pair, &t->set->view[side].rows, t->cap, &err) != TRIAD_OK)
        work_fail_tile(t->w, tile, &err);
}

static void count_right(void *context, size_t p, int worker)
{
    (void)worker;
    testing *t = context;
    const size_t *pair = t->w->pair[p], count = t->words.count;
    triad_error err = {0};
    align_scratch scratch = {0};
    double mean;
    if (align_words_score(&mean, NULL, &t->words, t->part + pair[0] * count, t->part + pair[1] * count, NULL, &scratch,
                          &err) != TRIAD_OK)
        work_fail_tile(t->w, p, &err);
    t->share[p] += mean / (double)t->columns;
    free(scratch.room);
}

static void weigh(void *context, size_t tile, int worker)
{
    (void)worker;
    testing *t = context;
    align_words_weigh(&t->part[tile], &t->words, tile % t->words.count);
}

static void find_margin(void *context, size_t tile, int worker)
{
    (void)worker;
    testing *t = context;
    const size_t p = tile / (t->draws + 1), b = tile % (t->draws + 1), *pair = t->w->pair[p], count = t->words.count;
    triad_error err = {0};
    double mean;
    if (align_words_margin(&mean, &t->words, t->part + pair[0] * count, t->part + pair[1] * count,
                           b < t->draws ? t->order + b * t->set->n : NULL, &err) != TRIAD_OK)
        work_fail_tile(t->w, tile, &err);
    t->margin[tile] += mean / (double)t->columns;
}

/* How long the margins take, from one of them; the columns that follow, and their parts, as long as this one. */
static void announce(testing *t, double prepared)
{
    work *w = t->w;
    if (*t->announced || w->progress == NULL || t->draws == 0) return;
    const double begin = triad_now(), before = t->margin[0];
    find_margin(t, 0, 0);
    const double margins = (triad_now() - begin) * (double)(w->pairs * (t->draws + 1));
    t->margin[0] = before;
    *t->announced = true;
    /* each column alone, and all together */
    const size_t words = w->options->word_count, columns = words > 1 ? 2 * words : 1;
    work_announce(w, "held-out words",
                  (double)columns * margins / triad_pool_threads(w->pool) + (double)(columns - 1) * prepared);
}

static triad_status run_column(testing *t, const align_cells *cells, size_t column, triad_error *err)
{
    work *w = t->w;
    triad_status status =
        align_words_create(&t->words, cells->cell, t->set->n, cells->columns, column, cells->twin[column], err);
    if (status != TRIAD_OK) return status;
    const size_t parts = w->side_count * t->words.count;
    t->part = calloc(parts + 1, sizeof *t->part);
    status = t->part ? TRIAD_OK : work_out_of_memory(err);
    const double begin = triad_now();
    if (status == TRIAD_OK) {
        triad_parallel(w->pool, parts, prepare, t);
        status = work_status(w);
    }
    if (status == TRIAD_OK && t->share) triad_parallel(w->pool, w->pairs, count_right, t);
    if (status == TRIAD_OK && t->order) {
        triad_parallel(w->pool, parts, weigh, t);
        announce(t, triad_now() - begin);
        triad_parallel(w->pool, w->pairs * (t->draws + 1), find_margin, t);
    }
    if (status == TRIAD_OK) status = work_status(w);
    for (size_t i = 0; t->part && i < parts; i++) align_part_free(&t->part[i]);
    free(t->part);
    align_words_free(&t->words);
    return status;
}

/* On a set, all pairs: the share of right pairings into share [pairs] (NULL: not wanted), margins in the orders and as
 * they are into margin [pairs, draws + 1] where there are orders. */
static triad_status run(testing *t, const align_cells *cells, const char *const *columns, size_t count,
                        triad_error *err)
{
    triad_status status = TRIAD_OK;
    t->columns = count;
    for (size_t c = 0; c < count && status == TRIAD_OK; c++)
        status = run_column(t, cells, align_cells_find(cells, columns[c]), err);
    return status;
}

static triad_status fill(const testing *t, size_t spec, triad_error *err)
{
    work *w = t->w;
    const double **drawn = malloc((w->pairs + 1) * sizeof *drawn);
    double *observed = malloc((w->pairs + 1) * sizeof *observed);
    triad_status status = drawn && observed ? TRIAD_OK : work_out_of_memory(err);
    for (size_t p = 0; p < w->pairs && status == TRIAD_OK; p++) {
        drawn[p] = t->margin + p * (t->draws + 1);
        observed[p] = drawn[p][t->draws];
        triad_align_measure *measure = &w->result->pair[p].measure[spec];
        if (!isnan(measure->value))
            status = work_fill_null(work_null(measure, 1), observed[p], drawn[p], t->draws, err);
    }
    if (status == TRIAD_OK) status = work_adjust(w, spec, 1, drawn, observed, t->draws, err);
    free(drawn);
    free(observed);
    return status;
}

/* Orders of the renamings into t; *subset [*n] of the sentences that they move among. None where words can't be
 * exchanged: the value stands without a p. */
static triad_status draw_orders(testing *t, align_relabel **relabel, uint32_t **order, const uint32_t **subset,
                                size_t *n, const align_renaming *renaming, triad_error *err)
{
    work *w = t->w;
    char reason[160];
    triad_status status = align_relabel_create(relabel, w->teller, work_rows(w, &w->all, w->teller_side), w->all.n,
                                               renaming, reason, err);
    if (status != TRIAD_OK || *relabel == NULL) return status;
    const size_t wanted = align_relabel_count(*relabel) - 1 <= EVERY ? EVERY : w->options->refits;
    *subset = align_relabel_rows(*relabel, n);
    t->draws = align_relabel_draws(*relabel, wanted);
    *order = malloc((t->draws * *n + 1) * sizeof **order);
    t->margin = calloc(w->pairs * (t->draws + 1) + 1, sizeof *t->margin);
    if (*order == NULL || t->margin == NULL) return work_out_of_memory(err);
    for (size_t b = 0; status == TRIAD_OK && b < t->draws; b++)
        status = align_relabel_draw(*relabel, *order + b * *n, w->options->seed, b, wanted, err);
    return status;
}

/* Margins on the sentences that renaming leaves closed, where these are not all. */
static triad_status run_closed(testing *t, const uint32_t *subset, size_t n, const align_renaming *renaming,
                               triad_error *err)
{
    work *w = t->w;
    sentences closed = {0};
    align_cells cells = {0};
    t->set = &closed;
    t->share = NULL;
    triad_status status = work_subset(w, &closed, subset, n, err);
    if (status == TRIAD_OK)
        status = align_cells_create(&cells, w->teller, work_rows(w, &closed, w->teller_side), n, err);
    if (status == TRIAD_OK) status = run(t, &cells, renaming->columns, renaming->count, err);
    align_cells_free(&cells);
    work_end_set(&closed, w->side_count);
    return status;
}

/* The test of columns, as measure number `spec`. */
static triad_status test_columns(work *w, const align_renaming *renaming, size_t spec, size_t cap, bool *announced,
                                 triad_error *err)
{
    const align_plan *plan = &w->all.plan;
    align_relabel *relabel = NULL;
    uint32_t *order = NULL;
    const uint32_t *subset = NULL;
    size_t n = 0;
    double *share = calloc(w->pairs + 1, sizeof *share);
    testing t = {.w = w, .set = &w->all, .cap = cap, .share = share, .announced = announced};
    triad_status status = share ? TRIAD_OK : work_out_of_memory(err);
    if (status == TRIAD_OK && (w->options->relabel || w->options->vocabulary))
        status = draw_orders(&t, &relabel, &order, &subset, &n, renaming, err);
    const bool whole = n == w->all.n;
    if (whole) t.order = order;
    if (status == TRIAD_OK) status = run(&t, &w->cells, renaming->columns, renaming->count, err);
    for (size_t p = 0; p < w->pairs && status == TRIAD_OK; p++) {
        triad_align_measure *measure = &w->result->pair[p].measure[spec];
        measure->value = share[p];
        measure->reason = NULL;
        if (isnan(measure->value)) (void)align_plan_allows(plan, &plan->spec[spec], &measure->reason);
    }
    t.order = order;
    if (status == TRIAD_OK && order && !whole) status = run_closed(&t, subset, n, renaming, err);
    if (status == TRIAD_OK && order) status = fill(&t, spec, err);
    align_relabel_free(relabel);
    free(order);
    free(share);
    free(t.margin);
    return status;
}

static triad_status check_columns(const work *w, const char *const *columns, size_t count, triad_error *err)
{
    for (size_t c = 0; c < count; c++) {
        const size_t column = align_cells_find(&w->cells, columns[c]);
        if (column == SIZE_MAX) {
            char known[200] = "no columns at all";
            for (size_t k = 0, used = 0; k < w->cells.columns && used < sizeof known; k++)
                used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", k ? ", " : "", w->cells.name[k]);
            return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                              "leave-two-words: the sentences have no column of words called %.60s (they have %s)",
                              columns[c], known);
        }
        if (w->cells.words[column] > MOST_WORDS)
            return triad_fail(err, TRIAD_ERR_RANGE, -1, "leave-two-words: at most %d words, %.60s has %zu", MOST_WORDS,
                              columns[c], w->cells.words[column]);
    }
    return TRIAD_OK;
}

triad_status work_check_words(const work *w, triad_error *err)
{
    return check_columns(w, w->options->words, w->options->word_count, err);
}

triad_status work_word_tests(work *w, triad_error *err)
{
    const align_plan *plan = &w->all.plan;
    const triad_align_options *options = w->options;
    const size_t cap = options->cap ? options->cap : 64;
    bool announced = false;
    triad_status status = TRIAD_OK;
    for (size_t i = 0; i < plan->count && status == TRIAD_OK; i++) {
        if (plan->spec[i].family != ALIGN_FAMILY_WORDS) continue;
        const bool together = plan->spec[i].variant == options->word_count;
        const char *const *columns = options->words + (together ? 0 : plan->spec[i].variant);
        const size_t count = together ? options->word_count : 1;
        const align_renaming renaming = {.columns = columns, .count = count};
        status = test_columns(w, &renaming, i, cap, &announced, err);
    }
    return status;
}
