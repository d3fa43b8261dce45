/* All pairs: each layer factored once, the same draws and resamples for every pair. */
#include "triad/align.h"

#include "align/folds.h"
#include "align/gram.h"
#include "align/relabel.h"
#include "align/rows.h"
#include "align/statistics.h"
#include "align/transform.h"
#include "align/work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

triad_align_options triad_align_defaults(void)
{
    return (triad_align_options){.ks = 4,
                                 .k = {1, 5, 10, 15},
                                 .cap = 64,
                                 .iid = true,
                                 .relabel = true,
                                 .permutations = 999,
                                 .refits = 99,
                                 .bootstraps = 1000};
}

/* ---- what loops share */

triad_status work_out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
}

void work_fail_tile(work *w, size_t tile, const triad_error *err)
{
    pthread_mutex_lock(&w->lock);
    if (!atomic_load(&w->failed) || tile < w->failed_tile) {
        w->failed_tile = tile;
        *w->error = *err;
    }
    atomic_store(&w->failed, true);
    pthread_mutex_unlock(&w->lock);
}

triad_status work_status(const work *w)
{
    return atomic_load(&w->failed) ? w->error->code : TRIAD_OK;
}

void work_step(work *w)
{
    triad_progress_update(w->progress, (double)(atomic_fetch_add(&w->done, 1) + 1), NULL);
}

const triad_layer *work_layer(const triad_align_side *side)
{
    return side->layer ? side->layer : triad_space_last(side->space);
}

const size_t *work_rows(const work *w, const sentences *set, size_t side)
{
    (void)w;
    return set->rows + side * set->n;
}

/* ---- views */

static triad_status refuse_row(const work *w, size_t side, size_t row, triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_NUMERIC, -1, "%s: layer %s holds NaN or infinity in the row of \"%.80s\"",
                      w->sides[side].name, work_layer(&w->sides[side])->name, w->sides[side].space->items.id[row]);
}

triad_status work_take_rows(double **x, const work *w, const sentences *set, size_t side, triad_pool *pool,
                            triad_error *err)
{
    const triad_layer *layer = work_layer(&w->sides[side]);
    const size_t n = set->n, *rows = work_rows(w, set, side);
    size_t bad;
    triad_status status = align_take_rows(x, &bad, layer, rows, n, pool, err);
    if (status == TRIAD_OK && bad < n) status = refuse_row(w, side, rows[bad], err);
    if (status == TRIAD_OK) status = align_transform(*x, n, layer->d, w->options, err);
    if (status != TRIAD_OK) {
        free(*x);
        *x = NULL;
    }
    return status;
}

static void end_view(work *w, size_t side, triad_status status, triad_error *err)
{
    if (status == TRIAD_OK && w->controls.count > 0)
        status = align_residuals(w->set->view[side].matrix, w->set->plan.matrices, &w->controls, err);
    if (status != TRIAD_OK) work_fail_tile(w, side, err);
    if (w->set == &w->all) work_step(w); /* the sentences of a null are no steps of their own */
}

static void make_view_over(work *w, size_t side, triad_pool *pool)
{
    sentences *set = w->set;
    triad_error err = {0};
    double *x;
    triad_status status = work_take_rows(&x, w, set, side, pool, &err);
    const bool nulls = w->options->iid || w->options->relabel || w->options->vocabulary;
    if (status == TRIAD_OK)
        status = align_view_create(&set->view[side], x, set->n, work_layer(&w->sides[side])->d, &set->plan,
                                   set->folds.count ? &set->folds : NULL,
                                   nulls && w->options->refits > 0 && w->is_y[side], pool, &err);
    end_view(w, side, status, &err);
}

static void make_view(void *context, size_t tile, int worker)
{
    (void)worker;
    make_view_over(context, tile, NULL);
}

/* Without the detour over rows in double. */
static void make_view_by_rows(work *w, size_t side, align_room *room)
{
    const triad_layer *layer = work_layer(&w->sides[side]);
    const size_t n = w->set->n, *order = work_rows(w, w->set, side);
    const align_source rows = {.n = n, .d = layer->d, .layer = layer->data, .order = order};
    triad_error err = {0};
    size_t bad;
    triad_status status = align_check_rows(&bad, layer, order, n, w->pool, &err);
    if (status == TRIAD_OK && bad < n) status = refuse_row(w, side, order[bad], &err);
    if (status == TRIAD_OK)
        status = align_view_create_by_rows(&w->set->view[side], &rows, &w->set->plan, room, w->pool, &err);
    end_view(w, side, status, &err);
}

/* Small sides are made side by side, large ones one after the other, each by all workers. */
static void make_views(work *w)
{
    align_room room = {0};
    bool large = false;
    for (size_t i = 0; i < w->side_count; i++) large |= align_is_large(w->set->n, work_layer(&w->sides[i])->d);
    if (!large) triad_parallel(w->pool, w->side_count, make_view, w);
    for (size_t i = 0; large && i < w->side_count && work_status(w) == TRIAD_OK; i++)
        if (work_goes_by_rows(w, w->set, i))
            make_view_by_rows(w, i, &room);
        else
            make_view_over(w, i, w->pool);
    free(room.memory);
}

static triad_status deal(work *w, sentences *set, triad_error *err)
{
    if (!set->plan.retrieval || set->n < ALIGN_LEAST_FOR_RETRIEVAL) return TRIAD_OK;
    uint8_t *fold = malloc(set->n);
    if (fold == NULL) return work_out_of_memory(err);
    size_t count;
    triad_status status = align_deal(fold, &count, w->options->folds, w->teller, work_rows(w, set, w->teller_side),
                                     set->n, w->options->seed, err);
    if (status == TRIAD_OK) status = align_folds_create(&set->folds, fold, set->n, err);
    free(fold);
    return status;
}

triad_status work_start_set(work *w, sentences *set, triad_error *err)
{
    triad_status status = set->plan.spec ? TRIAD_OK : align_plan_create(&set->plan, w->options, set->n, err);
    if (status != TRIAD_OK) return status;
    set->view = calloc(w->side_count, sizeof *set->view);
    set->observed = calloc(w->pairs * set->plan.count + 1, sizeof *set->observed);
    if (set->view == NULL || set->observed == NULL) return work_out_of_memory(err);
    status = deal(w, set, err);
    if (status != TRIAD_OK) return status;
    w->set = set;
    align_controls_free(&w->controls);
    if (w->options->control_count > 0) {
        const size_t *rows[ALIGN_MAX_CONTROLS];
        for (size_t c = 0; c < w->options->control_count; c++)
            rows[c] = work_rows(w, set, w->options->controls[c].space ? w->side_count + c : w->teller_side);
        status = align_controls_create(&w->controls, w->options, w->teller, rows, set->n, w->pool, err);
        if (status != TRIAD_OK) return status;
    }
    make_views(w);
    return work_status(w);
}

void work_free_views(sentences *set, size_t sides)
{
    for (size_t i = 0; set->view && i < sides; i++) align_view_free(&set->view[i]);
    free(set->view);
    set->view = NULL;
}

void work_end_set(sentences *set, size_t sides)
{
    work_free_views(set, sides);
    free(set->rows);
    free(set->observed);
    align_folds_free(&set->folds);
    align_plan_free(&set->plan);
    *set = (sentences){0};
}

/* The observed statistics on a subset. */
static void observe_pair(void *context, size_t p, int worker)
{
    (void)worker;
    work *w = context;
    sentences *set = w->set;
    triad_error err = {0};
    if (align_measure_pair(set->observed + p * set->plan.count, NULL, &set->plan, &set->view[w->pair[p][0]],
                           &set->view[w->pair[p][1]], set->folds.count ? &set->folds : NULL, &err) != TRIAD_OK)
        work_fail_tile(w, p, &err);
}

triad_status work_subset(work *w, sentences *set, const uint32_t *positions, size_t n, triad_error *err)
{
    const size_t lists = w->side_count + w->options->control_count;
    *set = (sentences){.n = n, .rows = malloc((lists * n + 1) * sizeof *set->rows)};
    if (set->rows == NULL) return work_out_of_memory(err);
    for (size_t v = 0; v < lists; v++)
        for (size_t i = 0; i < n; i++) set->rows[v * n + i] = w->all.rows[v * w->all.n + positions[i]];
    const triad_status status = work_start_set(w, set, err);
    if (status != TRIAD_OK) return status;
    triad_parallel(w->pool, w->pairs, observe_pair, w);
    return work_status(w);
}

/* ---- values and intervals */

static void find_intervals(const work *w, triad_align_measure *measure, const align_spec *spec, double *draws)
{
    align_range range;
    const size_t n = w->all.n;
    if (!align_has_interval(spec, &range) || w->resampling.draws == 0) return;
    if (measure->influence) {
        align_resample_value(draws, &w->resampling, measure->influence, n, measure->value, range);
        align_interval(&measure->low, &measure->high, draws, w->resampling.draws);
        if (spec->family == ALIGN_FAMILY_RETRIEVAL) align_bound_hits(&measure->low, &measure->high, measure->value, n);
    }
    if (measure->word_influence && w->words.strata > 0) {
        align_resample_value(draws, &w->word_resampling, measure->word_influence, n, measure->value, range);
        align_interval(&measure->low_groups, &measure->high_groups, draws, w->word_resampling.draws);
        /* A few words may agree by accident: never narrower than over sentences. */
        measure->low_groups = fmin(measure->low_groups, measure->low);
        measure->high_groups = fmax(measure->high_groups, measure->high);
    }
}

static double *take(double **list, size_t i)
{
    double *taken = list[i];
    list[i] = NULL;
    return taken;
}

static double chance_of(const align_spec *spec, const align_folds *folds)
{
    if (spec->family != ALIGN_FAMILY_RETRIEVAL || !spec->test || folds->count == 0) return spec->chance;
    double sum = 0;
    for (size_t f = 0; f < folds->count; f++) {
        const size_t pool = folds->split[f].n - folds->split[f].query;
        sum += (double)(spec->k < pool ? spec->k : pool);
    }
    return sum / (double)folds->n;
}

static void measure_pair(void *context, size_t p, int worker)
{
    (void)worker;
    work *w = context;
    sentences *set = &w->all;
    const align_plan *plan = &set->plan;
    const size_t n = set->n, x = w->pair[p][0], y = w->pair[p][1],
                 most = w->resampling.draws > w->word_resampling.draws ? w->resampling.draws : w->word_resampling.draws;
    triad_align_pair *pair = &w->result->pair[p];
    double *value = set->observed + p * plan->count, *draws = malloc((most + 1) * sizeof *draws);
    align_findings found = {.influences = w->resampling.draws > 0,
                            .words = w->words.strata > 0 ? &w->words : NULL,
                            .columns = w->result->columns,
                            .cells = w->cells.cell};
    *pair = (triad_align_pair){.x = x, .y = y, .n = n};
    pair->measure = calloc(plan->count + 1, sizeof *pair->measure);
    triad_error err = {0};
    triad_status status = draws && pair->measure ? TRIAD_OK : work_out_of_memory(&err);
    if (status == TRIAD_OK)
        status = align_measure_pair(value, &found, plan, &set->view[x], &set->view[y],
                                    set->folds.count ? &set->folds : NULL, &err);
    if (status == TRIAD_OK) work_take_streamed(w, p, value, found.scores);
    for (size_t i = 0; status == TRIAD_OK && i < plan->count; i++) {
        const align_spec *spec = &plan->spec[i];
        triad_align_measure *measure = &pair->measure[pair->measures++];
        memcpy(measure->name, spec->name, sizeof measure->name);
        measure->value = value[i];
        measure->chance = chance_of(spec, &set->folds);
        measure->low = measure->high = measure->low_groups = measure->high_groups = NAN;
        measure->median_rank = found.median_rank[i];
        measure->scores = take(found.scores, i);
        measure->influence = take(found.sentence, i);
        measure->word_influence = take(found.word, i);
        measure->grade = take(found.grade, i);
        if (isnan(value[i]))
            (void)align_plan_allows(plan, spec, &measure->reason);
        else
            find_intervals(w, measure, spec, draws);
    }
    if (status == TRIAD_OK && w->controls.count > 0)
        status = align_commonality(&pair->share, &pair->shares, &set->view[x].matrix[ALIGN_COSINE_RANKS],
                                   &set->view[y].matrix[ALIGN_COSINE_RANKS], &w->controls, &err);
    if (status != TRIAD_OK) work_fail_tile(w, p, &err);
    align_findings_free(&found);
    free(draws);
    work_step(w);
}

/* ---- the whole */

static bool copy_text(char **to, const char *from)
{
    return (*to = strdup(from ? from : "")) != NULL;
}

static triad_status describe(triad_align_result *result, const triad_align_side *sides, size_t count, triad_error *err)
{
    char ***const lists[] = {&result->name, &result->layer, &result->source, &result->pool, &result->sha256};
    result->sides = count;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if ((*lists[i] = calloc(count + 1, sizeof **lists[i])) == NULL) return work_out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        const triad_space *space = sides[i].space;
        const triad_layer *layer = work_layer(&sides[i]);
        if (layer == NULL) return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "%s: has no layers", sides[i].name);
        if (layer->n != space->items.count)
            return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "%s: holds tokens, not sentences (embed it with a pooling)",
                              sides[i].name);
        if (layer->d == 0)
            return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "%s: layer %s has no columns", sides[i].name, layer->name);
        if (!copy_text(&result->name[i], sides[i].name) || !copy_text(&result->layer[i], layer->name) ||
            !copy_text(&result->source[i], space->source) || !copy_text(&result->pool[i], space->pool) ||
            !copy_text(&result->sha256[i], space->sha256))
            return work_out_of_memory(err);
    }
    return TRIAD_OK;
}

static triad_status list_pairs(work *w, const size_t (*pairs)[2], size_t pair_count, triad_error *err)
{
    const size_t count = w->side_count;
    w->pairs = pairs ? pair_count : count > 0 ? count * (count - 1) / 2 : 0;
    w->pair = calloc(w->pairs + 1, sizeof *w->pair);
    w->is_y = calloc(count + 1, sizeof *w->is_y);
    w->y_sides = calloc(count + 1, sizeof *w->y_sides);
    w->best_of = calloc(w->pairs + 1, sizeof *w->best_of);
    if (!w->pair || !w->is_y || !w->y_sides || !w->best_of) return work_out_of_memory(err);
    size_t at = 0;
    for (size_t x = 0; x < count && !pairs; x++)
        for (size_t y = x + 1; y < count; y++, at++) {
            w->pair[at][0] = x;
            w->pair[at][1] = y;
        }
    for (size_t p = 0; p < w->pairs; p++) {
        if (pairs) memcpy(w->pair[p], pairs[p], sizeof *w->pair);
        if (w->pair[p][0] >= count || w->pair[p][1] >= count)
            return triad_fail(err, TRIAD_ERR_RANGE, -1, "alignment: pair %zu names a side that is not there", p);
        w->is_y[w->pair[p][1]] = true;
        /* Pairs of layers of the same two spaces stand together. */
        size_t earlier = 0;
        while (earlier < p && (w->sides[w->pair[earlier][0]].space != w->sides[w->pair[p][0]].space ||
                               w->sides[w->pair[earlier][1]].space != w->sides[w->pair[p][1]].space))
            earlier++;
        w->best_of[p] = earlier < p ? w->best_of[earlier] : w->best_count++;
    }
    if (!w->options->best) w->best_count = 0;
    for (size_t i = 0; i < count; i++)
        if (w->is_y[i]) w->y_sides[w->y_count++] = i;
    return TRIAD_OK;
}

static triad_status pair_rows(work *w, triad_error *err)
{
    const size_t lists = w->side_count + w->options->control_count;
    const triad_items **items = calloc(lists + 1, sizeof *items);
    if (items == NULL) return work_out_of_memory(err);
    for (size_t i = 0; i < w->side_count; i++) items[i] = &w->sides[i].space->items;
    w->teller = w->side_count > 0 ? items[0] : NULL;
    for (size_t i = 1; i < w->side_count; i++)
        if (items[i]->factors > w->teller->factors) {
            w->teller = items[i];
            w->teller_side = i;
        }
    for (size_t c = 0; c < w->options->control_count; c++) {
        const triad_space *space = w->options->controls[c].space;
        items[w->side_count + c] = space ? &space->items : w->teller;
    }
    triad_status status =
        triad_spaces_pair(&w->all.rows, &w->all.n, items, w->side_count < 2 ? w->side_count : lists, err);
    free(items);
    return status;
}

static triad_status describe_sentences(work *w, triad_error *err)
{
    triad_align_result *result = w->result;
    const size_t n = result->n = w->all.n, *rows = work_rows(w, &w->all, w->teller_side);
    result->id = calloc(n + 1, sizeof *result->id);
    if (result->id == NULL) return work_out_of_memory(err);
    for (size_t i = 0; i < n; i++)
        if (!copy_text(&result->id[i], w->teller->id[rows[i]])) return work_out_of_memory(err);
    const triad_status status = align_cells_create(&w->cells, w->teller, rows, n, err);
    if (status != TRIAD_OK) return status;
    if (w->cells.columns > ALIGN_MAX_COLUMNS)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "alignment: at most %d factor columns, the sentences have %zu",
                          ALIGN_MAX_COLUMNS, w->cells.columns);
    result->columns = w->cells.columns;
    result->cell = calloc(n * result->columns + 1, sizeof *result->cell);
    if (result->cell == NULL) return work_out_of_memory(err);
    for (size_t c = 0; c < result->columns; c++) {
        if (!copy_text(&result->column[c], w->cells.name[c])) return work_out_of_memory(err);
        const int column = triad_items_factor(w->teller, w->cells.name[c]);
        for (size_t i = 0; i < n; i++)
            if (!copy_text(&result->cell[i * result->columns + c], triad_items_cell(w->teller, rows[i], column)))
                return work_out_of_memory(err);
        /* How often another sentence, or the same, holds a sentence's word. */
        size_t *held = calloc(w->cells.words[c] + 1, sizeof *held), total = 0;
        if (held == NULL) return work_out_of_memory(err);
        double same = 0;
        for (size_t i = 0; i < n; i++) {
            const uint32_t word = w->cells.cell[i * result->columns + c];
            if (word == ALIGN_NO_WORD) continue;
            held[word]++;
            total++;
        }
        for (size_t v = 0; v < w->cells.words[c]; v++) same += (double)held[v] * (double)held[v];
        result->column_chance[c] = total > 0 ? same / ((double)total * (double)n) : NAN;
        free(held);
    }
    for (size_t c = 0; c < w->options->control_count; c++)
        if (!copy_text(&result->control[result->controls++], w->options->controls[c].name))
            return work_out_of_memory(err);
    return TRIAD_OK;
}

/* The columns of the second interval: those asked for, or those whose words the relabel null exchanges. */
static triad_status find_groups(work *w, triad_error *err)
{
    const char *columns[ALIGN_MAX_COLUMNS];
    size_t count = 0;
    triad_align_result *result = w->result;
    align_relabel *relabel = NULL;
    const size_t *rows = work_rows(w, &w->all, w->teller_side);
    triad_status status = TRIAD_OK;
    if (w->options->group_count > ALIGN_MAX_COLUMNS)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "groups: at most %d columns", ALIGN_MAX_COLUMNS);
    for (size_t g = 0; g < w->options->group_count; g++) columns[count++] = w->options->groups[g];
    if (count == 0 && w->teller->factors > 0) {
        char reason[160];
        status = align_relabel_create(&relabel, w->teller, rows, w->all.n, &(align_renaming){0}, reason, err);
        for (size_t c = 0; relabel && c < w->cells.columns; c++)
            if (align_relabel_moves(relabel, w->cells.name[c])) columns[count++] = w->cells.name[c];
    }
    if (status == TRIAD_OK && count > 0)
        status = align_units_words(&w->words, w->teller, rows, w->all.n, columns, count, err);
    align_relabel_free(relabel);
    if (status != TRIAD_OK) return status;
    result->units = w->words.units;
    result->strata = w->words.strata;
    for (size_t s = 0; s < w->words.strata; s++) {
        result->first[s + 1] = w->words.first[s + 1];
        const size_t used = strlen(result->group_columns);
        snprintf(result->group_columns + used, sizeof result->group_columns - used, "%s%.60s", used ? ", " : "",
                 w->words.name[s]);
    }
    if (w->options->bootstraps == 0) return TRIAD_OK;
    align_units sentences_alone = {0};
    status = align_units_sentences(&sentences_alone, w->all.n, err);
    if (status == TRIAD_OK)
        status =
            align_resampling_create(&w->resampling, &sentences_alone, w->options->bootstraps, w->options->seed, err);
    if (status == TRIAD_OK && w->words.strata > 0)
        status = align_resampling_create(&w->word_resampling, &w->words, w->options->bootstraps, w->options->seed, err);
    align_units_free(&sentences_alone);
    return status;
}

static triad_status start_bests(work *w, triad_error *err)
{
    triad_align_result *result = w->result;
    result->best = calloc(w->best_count + 1, sizeof *result->best);
    if (result->best == NULL) return work_out_of_memory(err);
    result->bests = w->best_count;
    const size_t count = w->all.plan.count;
    for (size_t b = 0; b < w->best_count; b++) {
        triad_align_best *best = &result->best[b];
        best->measure = calloc(count + 1, sizeof *best->measure);
        best->pair = malloc((count + 1) * sizeof *best->pair);
        if (!best->measure || !best->pair) return work_out_of_memory(err);
        best->measures = count;
        for (size_t i = 0; i < count; i++) {
            triad_align_measure *measure = &best->measure[i];
            best->pair[i] = SIZE_MAX;
            measure->value = measure->chance = measure->low = measure->high = NAN;
            measure->low_groups = measure->high_groups = measure->median_rank = NAN;
            memcpy(measure->name, w->all.plan.spec[i].name, sizeof measure->name);
        }
    }
    return TRIAD_OK;
}

static void find_bests(work *w)
{
    for (size_t p = 0; w->best_count > 0 && p < w->pairs; p++) {
        triad_align_best *best = &w->result->best[w->best_of[p]];
        for (size_t i = 0; i < best->measures; i++) {
            const triad_align_measure *measure = &w->result->pair[p].measure[i];
            if (isnan(measure->value)) continue;
            if (best->pair[i] != SIZE_MAX && !(measure->value > best->measure[i].value)) continue;
            best->pair[i] = p;
            best->measure[i].value = measure->value;
            best->measure[i].chance = measure->chance;
            best->measure[i].median_rank = measure->median_rank;
        }
    }
}

triad_status triad_align(triad_align_result *result, const triad_align_side *sides, size_t count,
                         const size_t (*pairs)[2], size_t pair_count, const triad_align_options *options,
                         triad_pool *pool, triad_progress *progress, triad_error *err)
{
    memset(result, 0, sizeof *result);
    triad_error own = {0};
    work w = {.options = options,
              .sides = sides,
              .side_count = count,
              .result = result,
              .error = &own,
              .pool = pool,
              .progress = progress,
              .lock = PTHREAD_MUTEX_INITIALIZER};
    triad_status status = TRIAD_OK;
    if (options->control_count > ALIGN_MAX_CONTROLS)
        status = triad_fail(&own, TRIAD_ERR_RANGE, -1, "controls: at most %d", ALIGN_MAX_CONTROLS);
    if (status == TRIAD_OK) status = describe(result, sides, count, &own);
    if (status == TRIAD_OK) status = list_pairs(&w, pairs, pair_count, &own);
    if (status == TRIAD_OK) status = pair_rows(&w, &own);
    if (status == TRIAD_OK) /* before anything begins: it refuses unknown measures */
        status = align_plan_create(&w.all.plan, options, w.all.n, &own);
    if (status == TRIAD_OK) work_plan_stream(&w);
    if (status == TRIAD_OK) status = describe_sentences(&w, &own);
    if (status == TRIAD_OK) status = work_check_words(&w, &own);
    if (status == TRIAD_OK) status = find_groups(&w, &own);
    if (status != TRIAD_OK) goto out;
    result->options = *options;
    /* the caller's */
    result->options.measures = result->options.groups = result->options.words = NULL;
    result->options.controls = NULL;
    result->options.folds = NULL;
    memcpy(result->protocol, w.all.plan.protocol[0].name, sizeof result->protocol);
    snprintf(result->folds, sizeof result->folds, "%s", options->folds ? options->folds : "random");
    result->pair = calloc(w.pairs + 1, sizeof *result->pair);
    if (result->pair == NULL) {
        status = work_out_of_memory(&own);
        goto out;
    }
    result->pairs = w.pairs;
    status = start_bests(&w, &own);
    if (status != TRIAD_OK) goto out;

    triad_progress_begin(progress, "align", "steps", (double)(count + w.pairs) + work_null_steps(&w));
    status = work_start_set(&w, &w.all, &own);
    if (status == TRIAD_OK) status = work_stream(&w, &own);
    if (status == TRIAD_OK) {
        triad_parallel(pool, w.pairs, measure_pair, &w);
        status = work_status(&w);
    }
    if (status == TRIAD_OK) status = work_announce_nulls(&w, &own);
    if (status == TRIAD_OK) status = work_word_tests(&w, &own);
    if (status == TRIAD_OK) {
        find_bests(&w);
        status = work_nulls(&w, &own);
    }
    if (status == TRIAD_OK)
        triad_progress_end(progress, NULL);
    else
        triad_progress_leave(progress);
out:
    if (status != TRIAD_OK) {
        if (err) *err = own;
        triad_align_result_free(result);
    }
    work_end_set(&w.all, count);
    work_end_stream(&w);
    align_controls_free(&w.controls);
    align_resampling_free(&w.resampling);
    align_resampling_free(&w.word_resampling);
    align_units_free(&w.words);
    align_cells_free(&w.cells);
    free(w.pair);
    free(w.is_y);
    free(w.y_sides);
    free(w.best_of);
    pthread_mutex_destroy(&w.lock);
    return status;
}

static void free_texts(char **list, size_t count)
{
    for (size_t i = 0; list && i < count; i++) free(list[i]);
    free(list);
}

static void free_measures(triad_align_measure *list, size_t count)
{
    for (size_t i = 0; list && i < count; i++) {
        free(list[i].scores);
        free(list[i].influence);
        free(list[i].word_influence);
        free(list[i].grade);
    }
    free(list);
}

void triad_align_result_free(triad_align_result *result)
{
    if (result == NULL) return;
    free_texts(result->name, result->sides);
    free_texts(result->layer, result->sides);
    free_texts(result->source, result->sides);
    free_texts(result->pool, result->sides);
    free_texts(result->sha256, result->sides);
    free_texts(result->id, result->n);
    free_texts(result->cell, result->n * result->columns);
    for (size_t c = 0; c < result->columns; c++) free(result->column[c]);
    for (size_t c = 0; c < result->controls; c++) free(result->control[c]);
    for (size_t p = 0; p < result->pairs; p++) {
        free_measures(result->pair[p].measure, result->pair[p].measures);
        free(result->pair[p].share);
    }
    free(result->pair);
    for (size_t b = 0; b < result->bests; b++) {
        free_measures(result->best[b].measure, result->best[b].measures);
        free(result->best[b].pair);
    }
    free(result->best);
    free_texts(result->relabel.left_out_id, result->relabel.left_out);
    free_texts(result->vocabulary.left_out_id, result->vocabulary.left_out);
    memset(result, 0, sizeof *result);
}

const triad_align_measure *triad_align_find(const triad_align_pair *pair, const char *name)
{
    for (size_t i = 0; i < pair->measures; i++)
        if (strcmp(pair->measure[i].name, name) == 0) return &pair->measure[i];
    return NULL;
}

const triad_align_pair *triad_align_pair_of(const triad_align_result *result, size_t x, size_t y)
{
    for (size_t p = 0; p < result->pairs; p++)
        if ((result->pair[p].x == x && result->pair[p].y == y) || (result->pair[p].x == y && result->pair[p].y == x))
            return &result->pair[p];
    return NULL;
}
