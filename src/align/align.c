/* All pairs: each layer factored once, the same draws and resamples for every pair. */
#include "triad/align.h"

#include "align/draws.h"
#include "align/gram.h"
#include "align/intervals.h"
#include "align/pair.h"
#include "align/relabel.h"
#include "align/rows.h"
#include "align/statistics.h"
#include "align/view.h"
#include "base/progress.h"
#include "base/rng.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
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
                                 .retrieval_permutations = 99,
                                 .bootstraps = 1000};
}

/* A set of sentences on which pairs are measured: all that are shared, or the subset that the relabel null can permute.
 */
typedef struct sentences {
    size_t n;
    size_t *rows; /* [sides, n] rows of each side's layer */
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
    triad_align_result *result;
    sentences all, closed; /* closed is empty without a relabel null, or where it is all */
    align_resampling resampling;
    double **side_sums; /* [sides, ALIGN_MATRICES] */

    /* of the parallel loop that runs */
    sentences *set;
    const uint32_t *order; /* [draws, n] */
    size_t draws, fits;
    size_t *slot; /* [plan.count] where a drawn measure's draws lie; SIZE_MAX: not drawn */
    size_t slots;
    double *drawn; /* [pairs, slots, draws] */
    size_t *y_sides, y_count;

    atomic_bool failed;
    pthread_mutex_t lock; /* of the next two */
    triad_error *error;   /* of the lowest tile that failed */
    size_t failed_tile;
    triad_progress *progress;
    atomic_size_t done;
} work;

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
}

static void fail_tile(work *w, size_t tile, const triad_error *err)
{
    /* Rare; the lowest tile's error is the one reported, whatever the order in which tiles ran. */
    pthread_mutex_lock(&w->lock);
    if (!atomic_load(&w->failed) || tile < w->failed_tile) {
        w->failed_tile = tile;
        *w->error = *err;
    }
    atomic_store(&w->failed, true);
    pthread_mutex_unlock(&w->lock);
}

static void count_step(work *w)
{
    triad_progress_update(w->progress, (double)(atomic_fetch_add(&w->done, 1) + 1), NULL);
}

static const triad_layer *layer_of(const triad_align_side *side)
{
    return side->layer ? side->layer : triad_space_last(side->space);
}

/* ---- views */

static triad_status refuse_row(const work *w, size_t side, size_t row, triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_NUMERIC, -1, "%s: layer %s holds NaN or infinity in the row of \"%.80s\"",
                      w->sides[side].name, layer_of(&w->sides[side])->name, w->sides[side].space->items.id[row]);
}

static triad_status take_rows(double **x, const work *w, size_t side, triad_pool *pool, triad_error *err)
{
    const size_t n = w->set->n, *rows = w->set->rows + side * n;
    size_t bad;
    const triad_status status = align_take_rows(x, &bad, layer_of(&w->sides[side]), rows, n, pool, err);
    if (status != TRIAD_OK || bad == n) return status;
    free(*x);
    *x = NULL;
    return refuse_row(w, side, rows[bad], err);
}

static void make_view_over(work *w, size_t tile, triad_pool *pool)
{
    sentences *set = w->set;
    triad_error err = {0};
    double *x;
    triad_status status = take_rows(&x, w, tile, pool, &err);
    const bool fits =
        (w->options->iid || w->options->relabel) && w->options->retrieval_permutations > 0 && w->is_y[tile];
    if (status == TRIAD_OK)
        status = align_view_create(&set->view[tile], x, set->n, layer_of(&w->sides[tile])->d, &set->plan,
                                   set->folds.count ? &set->folds : NULL, fits, pool, &err);
    if (status != TRIAD_OK) fail_tile(w, tile, &err);
    count_step(w);
}

static void make_view(void *context, size_t tile, int worker)
{
    (void)worker;
    make_view_over(context, tile, NULL);
}

/* Without the detour over rows in double. */
static void make_view_by_rows(work *w, size_t side, align_room *room, triad_pool *pool)
{
    const triad_layer *layer = layer_of(&w->sides[side]);
    const size_t n = w->set->n, *order = w->set->rows + side * n, bad = align_first_bad_row(layer, order, n);
    const align_source rows = {.n = n, .d = layer->d, .layer = layer->data, .order = order};
    triad_error err = {0};
    triad_status status = bad < n
                              ? refuse_row(w, side, order[bad], &err)
                              : align_view_create_by_rows(&w->set->view[side], &rows, &w->set->plan, room, pool, &err);
    if (status != TRIAD_OK) fail_tile(w, side, &err);
    count_step(w);
}

/* Small sides are made side by side, large ones one after the other, each by all workers. */
static void make_views(work *w, triad_pool *pool)
{
    align_room room = {0};
    bool large = false;
    for (size_t i = 0; i < w->side_count; i++) large |= align_is_large(w->set->n, layer_of(&w->sides[i])->d);
    if (!large) triad_parallel(pool, w->side_count, make_view, w);
    for (size_t i = 0; large && i < w->side_count && !atomic_load(&w->failed); i++)
        if (align_view_goes_by_rows(&w->set->plan, w->set->n, layer_of(&w->sides[i])->d))
            make_view_by_rows(w, i, &room, pool);
        else
            make_view_over(w, i, pool);
    free(room.memory);
}

static triad_status start_set(work *w, sentences *set, triad_pool *pool, triad_error *err)
{
    triad_status status = set->plan.spec ? TRIAD_OK : align_plan_create(&set->plan, w->options, set->n, err);
    if (status != TRIAD_OK) return status;
    set->view = calloc(w->side_count, sizeof *set->view);
    set->observed = calloc(w->pairs * set->plan.count + 1, sizeof *set->observed);
    if (set->view == NULL || set->observed == NULL) return out_of_memory(err);
    if (set->plan.retrieval && set->n >= ALIGN_LEAST_FOR_RETRIEVAL) {
        uint8_t *fold = malloc(set->n);
        if (fold == NULL) return out_of_memory(err);
        status = align_deal_folds(fold, set->n, w->options->seed, err);
        if (status == TRIAD_OK) status = align_folds_create(&set->folds, fold, set->n, err);
        free(fold);
        if (status != TRIAD_OK) return status;
    }
    w->set = set;
    make_views(w, pool);
    return atomic_load(&w->failed) ? w->error->code : TRIAD_OK;
}

static void free_views(sentences *set, size_t sides)
{
    for (size_t i = 0; set->view && i < sides; i++) align_view_free(&set->view[i]);
    free(set->view);
    set->view = NULL;
}

static void end_set(sentences *set, size_t sides)
{
    free_views(set, sides);
    free(set->rows);
    free(set->observed);
    align_folds_free(&set->folds);
    align_plan_free(&set->plan);
}

/* ---- values and intervals */

/* The sums of one matrix of one side over the resamples, for all its pairs. */
static void sum_side(void *context, size_t tile, int worker)
{
    (void)worker;
    work *w = context;
    const size_t side = tile / ALIGN_MATRICES, kind = tile % ALIGN_MATRICES;
    const align_plan *plan = &w->all.plan;
    const align_matrix *matrix = &w->all.view[side].matrix[kind];
    bool wanted = false;
    for (size_t i = 0; i < plan->count; i++)
        wanted |= plan->spec[i].variant == kind && align_has_interval(&plan->spec[i]);
    if (!wanted || matrix->values == NULL) return;
    triad_error err = {0};
    double *sums = w->side_sums[tile] = malloc(2 * w->resampling.draws * sizeof *sums);
    triad_status status = sums ? align_resample_side(sums, matrix, &w->resampling, &err) : out_of_memory(&err);
    if (status != TRIAD_OK) fail_tile(w, tile, &err);
}

static double median_rank(const align_place *places, size_t count, triad_error *err)
{
    double *ranks = malloc((count + 1) * sizeof *ranks);
    if (ranks == NULL) {
        (void)out_of_memory(err);
        return NAN;
    }
    for (size_t i = 0; i < count; i++) ranks[i] = (double)places[i].above + 0.5 * ((double)places[i].equal + 1);
    const double median = align_quantile(ranks, count, 0.5);
    free(ranks);
    return median;
}

static triad_status find_interval(const work *w, triad_align_measure *measure, const align_spec *spec, size_t p,
                                  double *draws, triad_error *err)
{
    if (measure->scores) {
        align_resample_scores(draws, &w->resampling, measure->scores);
    } else if (align_has_interval(spec)) {
        const size_t x = w->pair[p][0], y = w->pair[p][1], kind = spec->variant;
        const triad_status status = align_resample_product(
            draws, (align_matrix_kind)kind, &w->all.view[x].matrix[kind], &w->all.view[y].matrix[kind],
            w->side_sums[x * ALIGN_MATRICES + kind], w->side_sums[y * ALIGN_MATRICES + kind], &w->resampling, err);
        if (status != TRIAD_OK) return status;
    } else {
        return TRIAD_OK;
    }
    align_interval(&measure->low, &measure->high, draws, w->resampling.draws);
    return TRIAD_OK;
}

static void measure_pair(void *context, size_t p, int worker)
{
    (void)worker;
    work *w = context;
    sentences *set = &w->all;
    const align_plan *plan = &set->plan;
    const size_t n = set->n, x = w->pair[p][0], y = w->pair[p][1];
    triad_align_pair *pair = &w->result->pair[p];
    double *value = set->observed + p * plan->count, *draws = malloc((w->resampling.draws + 1) * sizeof *draws),
           **scores = calloc(plan->count + 1, sizeof *scores);
    align_place *places = malloc(2 * n * sizeof *places);
    *pair = (triad_align_pair){.x = x, .y = y, .n = n, .median_rank = NAN, .relabellings = NAN, .smallest_p = NAN};
    pair->measure = calloc(plan->count + 1, sizeof *pair->measure);
    triad_error err = {0};
    triad_status status = draws && scores && places && pair->measure ? TRIAD_OK : out_of_memory(&err);
    if (status == TRIAD_OK)
        status = align_measure_pair(value, scores, places, plan, &set->view[x], &set->view[y],
                                    set->folds.count ? &set->folds : NULL, &err);
    if (status == TRIAD_OK && set->folds.count && plan->protocol[0].nn_all) {
        pair->median_rank = median_rank(places, 2 * n, &err);
        status = err.code;
    }
    for (size_t i = 0; status == TRIAD_OK && i < plan->count; i++) {
        const align_spec *spec = &plan->spec[i];
        triad_align_measure *measure = &pair->measure[pair->measures++];
        memcpy(measure->name, spec->name, sizeof measure->name);
        measure->value = value[i];
        measure->chance = spec->chance;
        measure->low = measure->high = NAN;
        measure->scores = scores[i];
        scores[i] = NULL;
        if (isnan(value[i]))
            (void)align_plan_allows(plan, spec, &measure->reason);
        else if (w->resampling.draws > 0)
            status = find_interval(w, measure, spec, p, draws, &err);
    }
    if (status != TRIAD_OK) fail_tile(w, p, &err);
    for (size_t i = 0; scores && i < plan->count; i++) free(scores[i]);
    free(scores);
    free(draws);
    free(places);
    count_step(w);
}

/* The observed statistics on the closed subset. */
static void observe_pair(void *context, size_t p, int worker)
{
    (void)worker;
    work *w = context;
    sentences *set = w->set;
    triad_error err = {0};
    if (align_measure_pair(set->observed + p * set->plan.count, NULL, NULL, &set->plan, &set->view[w->pair[p][0]],
                           &set->view[w->pair[p][1]], set->folds.count ? &set->folds : NULL, &err) != TRIAD_OK)
        fail_tile(w, p, &err);
}

/* ---- nulls */

static double *draws_of(const work *w, size_t pair, size_t spec)
{
    return w->drawn + (pair * w->slots + w->slot[spec]) * w->draws;
}

/* One tile: a block of draws for one permuted side and all its pairs. */
static void draw_block(void *context, size_t tile, int worker)
{
    (void)worker;
    work *w = context;
    const align_plan *plan = &w->set->plan;
    const size_t blocks = (w->options->permutations + ALIGN_DRAW_BLOCK - 1) / ALIGN_DRAW_BLOCK,
                 y = w->y_sides[tile / blocks], first = tile % blocks * ALIGN_DRAW_BLOCK, n = w->set->n;
    size_t count = 0;
    triad_error err = {0};
    const align_view **x = malloc((w->pairs + 1) * sizeof *x);
    double *out = malloc((w->pairs * plan->count * ALIGN_DRAW_BLOCK + 1) * sizeof *out);
    triad_status status = x && out ? TRIAD_OK : out_of_memory(&err);
    for (size_t p = 0; status == TRIAD_OK && p < w->pairs; p++)
        if (w->pair[p][1] == y) x[count++] = &w->set->view[w->pair[p][0]];
    const uint32_t *order[ALIGN_DRAW_BLOCK];
    for (size_t b = 0; b < ALIGN_DRAW_BLOCK; b++) {
        const size_t draw = first + b < w->options->permutations ? first + b : w->options->permutations - 1;
        order[b] = w->order + draw * n;
    }
    if (status == TRIAD_OK) status = align_draw_block(out, plan, x, count, &w->set->view[y], order, &err);
    for (size_t p = 0, at = 0; status == TRIAD_OK && p < w->pairs; p++) {
        if (w->pair[p][1] != y) continue;
        for (size_t i = 0; i < plan->count; i++)
            for (size_t b = 0;
                 align_draws_in_blocks(&plan->spec[i]) && b < ALIGN_DRAW_BLOCK && first + b < w->options->permutations;
                 b++)
                draws_of(w, p, i)[first + b] = out[(at * plan->count + i) * ALIGN_DRAW_BLOCK + b];
        at++;
    }
    if (status != TRIAD_OK) fail_tile(w, tile, &err);
    free(x);
    free(out);
    count_step(w);
}

/* One tile: one draw of retrieval for all pairs. The last tile leaves the rows in their order: what is compared with
 * the draws is computed as they are, on fewer axes than the value itself. */
static void draw_retrieval(void *context, size_t b, int worker)
{
    (void)worker;
    work *w = context;
    sentences *set = w->set;
    const bool observes = b == w->fits;
    const align_plan *plan = &set->plan;
    triad_error err = {0};
    double *out = malloc((w->pairs * plan->count + 1) * sizeof *out);
    triad_status status = out ? TRIAD_OK : out_of_memory(&err);
    if (status == TRIAD_OK)
        status = align_draw_retrieval(out, plan, set->view, w->side_count, (const size_t(*)[2])w->pair, w->pairs,
                                      &set->folds, observes ? NULL : w->order + b * set->n, &err);
    for (size_t p = 0; status == TRIAD_OK && p < w->pairs; p++)
        for (size_t i = 0; i < plan->count; i++)
            if (align_draws_by_fit(&plan->spec[i]) && align_plan_allows(plan, &plan->spec[i], NULL))
                *(observes ? &set->observed[p * plan->count + i] : &draws_of(w, p, i)[b]) = out[p * plan->count + i];
    if (status != TRIAD_OK) fail_tile(w, b, &err);
    free(out);
    count_step(w);
}

static triad_status run_null(work *w, sentences *set, const uint32_t *order, bool relabel, triad_pool *pool,
                             triad_error *err)
{
    const triad_align_options *options = w->options;
    const align_plan *plan = &set->plan;
    w->set = set;
    w->order = order;
    w->slots = 0;
    w->fits = set->folds.count && (plan->protocol[0].nn_all || plan->protocol[0].nn_test)
                  ? options->retrieval_permutations
                  : 0;
    w->draws = options->permutations > w->fits ? options->permutations : w->fits;
    for (size_t i = 0; i < plan->count; i++) w->slot[i] = plan->spec[i].drawn ? w->slots++ : SIZE_MAX;
    w->drawn = calloc(w->pairs * w->slots * w->draws + 1, sizeof *w->drawn);
    if (w->drawn == NULL) return out_of_memory(err);
    const size_t blocks = (options->permutations + ALIGN_DRAW_BLOCK - 1) / ALIGN_DRAW_BLOCK;
    triad_parallel(pool, w->y_count * blocks, draw_block, w);
    triad_parallel(pool, w->fits ? w->fits + 1 : 0, draw_retrieval, w);
    triad_status status = atomic_load(&w->failed) ? w->error->code : TRIAD_OK;
    for (size_t p = 0; p < w->pairs && status == TRIAD_OK; p++)
        for (size_t i = 0; i < plan->count && status == TRIAD_OK; i++) {
            const align_spec *spec = &plan->spec[i];
            triad_align_measure *measure = &w->result->pair[p].measure[i];
            triad_align_null *null = relabel ? &measure->relabel : &measure->iid;
            const size_t m = align_draws_by_fit(spec) ? w->fits : options->permutations;
            /* The closed subset may be too small for a measure that all sentences have. */
            if (!spec->drawn || m == 0 || isnan(measure->value) || !align_plan_allows(plan, spec, NULL)) continue;
            const double observed = set->observed[p * plan->count + i];
            align_calibration calibration;
            align_null_summary(null, observed, draws_of(w, p, i), m);
            status = align_calibrate(&calibration, observed, draws_of(w, p, i), m, 0.05, 1, err);
            null->z = calibration.z;
            null->calibrated = calibration.calibrated;
        }
    free(w->drawn);
    w->drawn = NULL;
    return status;
}

static size_t most_draws(const triad_align_options *options)
{
    return options->permutations > options->retrieval_permutations ? options->permutations
                                                                   : options->retrieval_permutations;
}

static triad_status run_iid(work *w, triad_pool *pool, triad_error *err)
{
    const size_t n = w->all.n, draws = most_draws(w->options);
    uint32_t *order = malloc((draws * n + 1) * sizeof *order);
    size_t *shuffle = malloc((n + 1) * sizeof *shuffle);
    triad_status status = order && shuffle ? TRIAD_OK : out_of_memory(err);
    for (size_t b = 0; status == TRIAD_OK && b < draws; b++) {
        triad_pcg64 rng;
        align_stream_seed(&rng, w->options->seed, ALIGN_STREAM_IID, b);
        for (size_t i = 0; i < n; i++) shuffle[i] = i;
        triad_pcg64_shuffle(&rng, shuffle, n);
        for (size_t i = 0; i < n; i++) order[b * n + i] = (uint32_t)shuffle[i];
    }
    if (status == TRIAD_OK) status = run_null(w, &w->all, order, false, pool, err);
    free(order);
    free(shuffle);
    return status;
}

/* Names the sentences that cannot be renamed. subset [count] ascends. */
static triad_status name_left_out(work *w, const triad_items *items, const size_t *rows, const uint32_t *subset,
                                  size_t count, triad_error *err)
{
    triad_align_result *result = w->result;
    const size_t n = w->all.n;
    result->left_out_id = calloc(n - count + 1, sizeof *result->left_out_id);
    if (result->left_out_id == NULL) return out_of_memory(err);
    for (size_t i = 0, at = 0; i < n; i++) {
        if (at < count && subset[at] == i) {
            at++;
            continue;
        }
        char *id = result->left_out_id[result->left_out] = strdup(items->id[rows[i]]);
        if (id == NULL) return out_of_memory(err);
        result->left_out++;
    }
    return TRIAD_OK;
}

static triad_status run_relabel(work *w, triad_pool *pool, triad_error *err)
{
    /* The table with the most factors speaks for all: ids pair the others. */
    size_t teller = 0;
    for (size_t v = 1; v < w->side_count; v++)
        if (w->sides[v].space->items.factors > w->sides[teller].space->items.factors) teller = v;
    const triad_items *items = &w->sides[teller].space->items;
    const size_t *rows = w->all.rows + teller * w->all.n;
    align_relabel *relabel = NULL;
    char reason[160];
    triad_status status = align_relabel_create(&relabel, items, rows, w->all.n, reason, err);
    if (status != TRIAD_OK) return status;
    for (size_t p = 0; p < w->pairs; p++) memcpy(w->result->pair[p].refused, reason, sizeof reason);
    if (relabel == NULL) return TRIAD_OK;

    size_t n;
    const uint32_t *subset = align_relabel_rows(relabel, &n);
    const size_t draws = most_draws(w->options);
    const double count = align_relabel_count(relabel);
    uint32_t *order = malloc((draws * n + 1) * sizeof *order);
    sentences *set = n == w->all.n ? &w->all : &w->closed;
    status = order ? name_left_out(w, items, rows, subset, n, err) : out_of_memory(err);
    for (size_t b = 0; status == TRIAD_OK && b < draws; b++)
        status = align_relabel_draw(relabel, order + b * n, w->options->seed, b, err);
    for (size_t p = 0; p < w->pairs; p++) {
        triad_align_pair *pair = &w->result->pair[p];
        pair->relabellings = count;
        pair->smallest_p = fmax(1 / count, 1 / ((double)w->options->permutations + 1));
        pair->left_out = w->all.n - n;
    }
    if (status == TRIAD_OK && set == &w->closed) {
        set->n = n;
        set->rows = malloc(w->side_count * n * sizeof *set->rows);
        if (set->rows == NULL) status = out_of_memory(err);
        for (size_t v = 0; status == TRIAD_OK && v < w->side_count; v++)
            for (size_t i = 0; i < n; i++) set->rows[v * n + i] = w->all.rows[v * w->all.n + subset[i]];
        free_views(&w->all, w->side_count);
        if (status == TRIAD_OK) status = start_set(w, set, pool, err);
        if (status == TRIAD_OK) {
            triad_parallel(pool, w->pairs, observe_pair, w);
            if (atomic_load(&w->failed)) status = w->error->code;
        }
    }
    if (status == TRIAD_OK) status = run_null(w, set, order, true, pool, err);
    align_relabel_free(relabel);
    free(order);
    return status;
}

/* ---- the whole */

static triad_status describe(triad_align_result *result, const triad_align_side *sides, size_t count, triad_error *err)
{
    result->sides = count;
    result->name = calloc(count + 1, sizeof *result->name);
    result->layer = calloc(count + 1, sizeof *result->layer);
    result->source = calloc(count + 1, sizeof *result->source);
    result->sha256 = calloc(count + 1, sizeof *result->sha256);
    if (!result->name || !result->layer || !result->source || !result->sha256) return out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        const triad_layer *layer = layer_of(&sides[i]);
        if (layer == NULL) return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "%s: has no layers", sides[i].name);
        if (layer->n != sides[i].space->items.count)
            return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "%s: holds tokens, not sentences (embed it with a pooling)",
                              sides[i].name);
        if (layer->d == 0)
            return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "%s: layer %s has no columns", sides[i].name, layer->name);
        result->name[i] = strdup(sides[i].name);
        result->layer[i] = strdup(layer->name);
        result->source[i] = strdup(sides[i].space->source ? sides[i].space->source : "");
        result->sha256[i] = strdup(sides[i].space->sha256);
        if (!result->name[i] || !result->layer[i] || !result->source[i] || !result->sha256[i])
            return out_of_memory(err);
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
    if (w->pair == NULL || w->is_y == NULL || w->y_sides == NULL) return out_of_memory(err);
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
    }
    for (size_t i = 0; i < count; i++)
        if (w->is_y[i]) w->y_sides[w->y_count++] = i;
    return TRIAD_OK;
}

static triad_status pair_rows(work *w, triad_error *err)
{
    const triad_items **items = calloc(w->side_count + 1, sizeof *items);
    if (items == NULL) return out_of_memory(err);
    for (size_t i = 0; i < w->side_count; i++) items[i] = &w->sides[i].space->items;
    const triad_status status = triad_spaces_pair(&w->all.rows, &w->all.n, items, w->side_count, err);
    free(items);
    return status;
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
              .progress = progress,
              .lock = PTHREAD_MUTEX_INITIALIZER};
    triad_status status = describe(result, sides, count, &own);
    if (status == TRIAD_OK) status = list_pairs(&w, pairs, pair_count, &own);
    if (status == TRIAD_OK) status = pair_rows(&w, &own);
    if (status == TRIAD_OK)
        status = align_plan_create(&w.all.plan, options, w.all.n,
                                   &own); /* before anything begins: it refuses unknown measures */
    if (status != TRIAD_OK) goto out;
    result->options = *options;
    result->options.measures = NULL; /* the caller's */
    result->options.measure_count = 0;
    result->pair = calloc(w.pairs + 1, sizeof *result->pair);
    w.side_sums = calloc(count * ALIGN_MATRICES + 1, sizeof *w.side_sums);
    if (result->pair == NULL || w.side_sums == NULL) {
        status = out_of_memory(&own);
        goto out;
    }
    result->pairs = w.pairs;

    const size_t blocks = (options->permutations + ALIGN_DRAW_BLOCK - 1) / ALIGN_DRAW_BLOCK,
                 nulls = (size_t)options->iid + (size_t)options->relabel;
    triad_progress_begin(
        progress, "align", "steps",
        (double)(count + w.pairs + nulls * (w.y_count * blocks + options->retrieval_permutations + 1)));
    status = start_set(&w, &w.all, pool, &own);
    if (status == TRIAD_OK) {
        w.slot = calloc(w.all.plan.count + 1, sizeof *w.slot);
        if (w.slot == NULL) status = out_of_memory(&own);
    }
    if (status == TRIAD_OK && options->bootstraps > 0) {
        status = align_resampling_create(&w.resampling, w.all.n, options->bootstraps, options->seed, &own);
        if (status == TRIAD_OK) triad_parallel(pool, count * ALIGN_MATRICES, sum_side, &w);
        if (atomic_load(&w.failed)) status = own.code;
    }
    if (status == TRIAD_OK) {
        triad_parallel(pool, w.pairs, measure_pair, &w);
        if (atomic_load(&w.failed)) status = own.code;
    }
    if (status == TRIAD_OK && options->iid && most_draws(options) > 0) status = run_iid(&w, pool, &own);
    if (status == TRIAD_OK && options->relabel && most_draws(options) > 0) status = run_relabel(&w, pool, &own);
    triad_progress_end(progress, NULL);
out:
    if (status != TRIAD_OK) {
        if (err) *err = own;
        triad_align_result_free(result);
    }
    end_set(&w.all, count);
    end_set(&w.closed, count);
    for (size_t i = 0; w.side_sums && i < count * ALIGN_MATRICES; i++) free(w.side_sums[i]);
    free(w.side_sums);
    align_resampling_free(&w.resampling);
    free(w.slot);
    free(w.drawn);
    free(w.pair);
    free(w.is_y);
    free(w.y_sides);
    pthread_mutex_destroy(&w.lock);
    return status;
}

void triad_align_result_free(triad_align_result *result)
{
    if (result == NULL) return;
    for (size_t i = 0; i < result->sides; i++) {
        if (result->name) free(result->name[i]);
        if (result->layer) free(result->layer[i]);
        if (result->source) free(result->source[i]);
        if (result->sha256) free(result->sha256[i]);
    }
    free(result->name);
    free(result->layer);
    free(result->source);
    free(result->sha256);
    for (size_t p = 0; p < result->pairs; p++) {
        for (size_t i = 0; result->pair[p].measure && i < result->pair[p].measures; i++)
            free(result->pair[p].measure[i].scores);
        free(result->pair[p].measure);
    }
    free(result->pair);
    for (size_t i = 0; i < result->left_out; i++) free(result->left_out_id[i]);
    free(result->left_out_id);
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
