/* Leave-two-words-out of every pair of spaces, with its null: the words of the column renamed, alone. */
#include "align/relabel.h"
#include "align/words.h"
#include "align/work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct testing {
    work *w;
    sentences *set; /* all, or what is closed under renaming the column */
    align_words words;
    size_t cap;
    align_part *part;      /* [sides, words.count] */
    const uint32_t *order; /* [draws, n] */
    size_t draws;
    double *drawn; /* [pairs, draws + 1]; the last as it is */
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

static void score(void *context, size_t tile, int worker)
{
    (void)worker;
    testing *t = context;
    const size_t p = tile / (t->draws + 1), b = tile % (t->draws + 1), *pair = t->w->pair[p];
    const uint32_t *order = b < t->draws ? t->order + b * t->set->n : NULL;
    triad_error err = {0};
    align_scratch scratch = {0};
    if (align_words_score(&t->drawn[tile], NULL, &t->words, t->part + pair[0] * t->words.count,
                          t->part + pair[1] * t->words.count, order, &scratch, &err) != TRIAD_OK)
        work_fail_tile(t->w, tile, &err);
    free(scratch.room);
}

/* Scores of all pairs on a set, in the orders and as it is. */
static triad_status run(testing *t, const align_cells *cells, size_t column, triad_error *err)
{
    work *w = t->w;
    triad_status status =
        align_words_create(&t->words, cells->cell, t->set->n, cells->columns, column, cells->twin[column], err);
    if (status != TRIAD_OK) return status;
    const size_t parts = w->side_count * t->words.count;
    t->part = calloc(parts + 1, sizeof *t->part);
    t->drawn = malloc((w->pairs * (t->draws + 1) + 1) * sizeof *t->drawn);
    if (t->part == NULL || t->drawn == NULL) status = work_out_of_memory(err);
    if (status == TRIAD_OK) {
        triad_parallel(w->pool, parts, prepare, t);
        triad_parallel(w->pool, w->pairs * (t->draws + 1), score, t);
        status = work_status(w);
    }
    for (size_t i = 0; t->part && i < parts; i++) align_part_free(&t->part[i]);
    free(t->part);
    t->part = NULL;
    align_words_free(&t->words);
    return status;
}

static triad_status fill(const testing *t, size_t spec, triad_error *err)
{
    work *w = t->w;
    const double **drawn = malloc((w->pairs + 1) * sizeof *drawn);
    double *observed = malloc((w->pairs + 1) * sizeof *observed);
    triad_status status = drawn && observed ? TRIAD_OK : work_out_of_memory(err);
    for (size_t p = 0; p < w->pairs && status == TRIAD_OK; p++) {
        drawn[p] = t->drawn + p * (t->draws + 1);
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

static triad_status draw_null(work *w, const char *name, size_t spec, size_t cap, triad_error *err)
{
    align_relabel *relabel = NULL;
    char reason[160];
    const align_renaming renaming = {.column = name};
    triad_status status = align_relabel_create(&relabel, w->teller, work_rows(w, &w->all, w->teller_side), w->all.n,
                                               &renaming, reason, err);
    if (status != TRIAD_OK || relabel == NULL) return status; /* the value stands without a p */
    enum { EVERY = 999 };                                     /* all of them where there are no more */
    size_t n, wanted = align_relabel_count(relabel) - 1 <= EVERY ? EVERY : w->options->refits;
    const uint32_t *subset = align_relabel_rows(relabel, &n);
    testing t = {.w = w, .cap = cap, .set = &w->all, .draws = align_relabel_draws(relabel, wanted)};
    sentences closed = {0};
    align_cells cells = {0};
    uint32_t *order = malloc((t.draws * n + 1) * sizeof *order);
    if (order == NULL) status = work_out_of_memory(err);
    for (size_t b = 0; status == TRIAD_OK && b < t.draws; b++)
        status = align_relabel_draw(relabel, order + b * n, w->options->seed, b, wanted, err);
    t.order = order;
    if (status == TRIAD_OK && n < w->all.n) {
        t.set = &closed;
        status = work_subset(w, &closed, subset, n, err);
    }
    if (status == TRIAD_OK) status = align_cells_create(&cells, w->teller, work_rows(w, t.set, w->teller_side), n, err);
    if (status == TRIAD_OK) status = run(&t, &cells, align_cells_find(&cells, name), err);
    if (status == TRIAD_OK) status = fill(&t, spec, err);
    free(t.drawn);
    free(order);
    align_cells_free(&cells);
    work_end_set(&closed, w->side_count);
    align_relabel_free(relabel);
    return status;
}

triad_status work_word_tests(work *w, triad_error *err)
{
    const align_plan *plan = &w->all.plan;
    triad_status status = TRIAD_OK;
    for (size_t i = 0; i < plan->count && status == TRIAD_OK; i++) {
        if (plan->spec[i].family != ALIGN_FAMILY_WORDS) continue;
        const char *name = w->options->words[plan->spec[i].variant];
        const size_t column = align_cells_find(&w->cells, name), cap = w->options->cap ? w->options->cap : 64;
        if (column == SIZE_MAX)
            return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "leave-two-words: the sentences have no column %.60s",
                              name);
        enum { MOST_WORDS = 64 };
        if (w->cells.words[column] > MOST_WORDS)
            return triad_fail(err, TRIAD_ERR_RANGE, -1, "leave-two-words: at most %d words, %.60s has %zu", MOST_WORDS,
                              name, w->cells.words[column]);
        testing t = {.w = w, .set = &w->all, .cap = cap};
        status = run(&t, &w->cells, column, err);
        for (size_t p = 0; p < w->pairs && status == TRIAD_OK; p++) {
            triad_align_measure *measure = &w->result->pair[p].measure[i];
            measure->value = t.drawn[p];
            measure->reason = NULL;
            if (isnan(measure->value)) (void)align_plan_allows(plan, &plan->spec[i], &measure->reason);
        }
        free(t.drawn);
        if (status == TRIAD_OK && (w->options->relabel || w->options->vocabulary))
            status = draw_null(w, name, i, cap, err);
    }
    return status;
}
