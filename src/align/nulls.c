/* The nulls: rows shuffled, words renamed, words renamed that any bag of words is neutral to. */
#include "align/draws.h"
#include "align/relabel.h"
#include "align/statistics.h"
#include "align/view_order.h"
#include "align/work.h"
#include "base/progress_format.h"
#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const TRIAD_ALIGN_NULLS[ALIGN_NULLS] = {"iid", "relabel", "vocabulary"};
enum { IID, RELABEL, VOCABULARY };

triad_align_null *work_null(triad_align_measure *measure, size_t null)
{
    return null == IID ? &measure->iid : null == RELABEL ? &measure->relabel : &measure->vocabulary;
}

const triad_align_null *triad_align_null_of(const triad_align_measure *measure, size_t null)
{
    return null == IID ? &measure->iid : null == RELABEL ? &measure->relabel : &measure->vocabulary;
}

/* One null's loop over draws. */
typedef struct drawing {
    work *w;
    sentences *set;
    const uint32_t *sum_order, *fit_order; /* [sums, n], [fits, n] */
    size_t sums, fits;                     /* draws of what needs sums alone, and of what is fitted or measured again */
    size_t stride;                         /* the larger of both */
    double *drawn;                         /* [pairs, specs, stride] */
    align_plan rest;                       /* what is measured again on rows in another order */
    size_t *rest_place;                    /* [rest.count] */
} drawing;

static double *draws_of(const drawing *d, size_t pair, size_t spec)
{
    return d->drawn + (pair * d->set->plan.count + spec) * d->stride;
}

/* How many draws a measure has; 0: none. */
static size_t draw_count(const drawing *d, const align_spec *spec)
{
    if (spec->family == ALIGN_FAMILY_WORDS) return 0;
    if (!align_plan_allows(&d->set->plan, spec, NULL)) return 0;
    const bool folded = spec->family == ALIGN_FAMILY_RETRIEVAL || spec->family == ALIGN_FAMILY_R2;
    if (folded && d->set->folds.count == 0) return 0;
    return align_draws_in_blocks(spec) ? d->sums : d->fits;
}

/* One tile: a block of draws for one permuted side and all its pairs. */
static void draw_block(void *context, size_t tile, int worker)
{
    (void)worker;
    drawing *d = context;
    work *w = d->w;
    const align_plan *plan = &d->set->plan;
    const size_t blocks = (d->sums + ALIGN_DRAW_BLOCK - 1) / ALIGN_DRAW_BLOCK, y = w->y_sides[tile / blocks],
                 first = tile % blocks * ALIGN_DRAW_BLOCK, n = d->set->n;
    size_t count = 0;
    triad_error err = {0};
    const align_view **x = malloc((w->pairs + 1) * sizeof *x);
    double *out = malloc((w->pairs * plan->count * ALIGN_DRAW_BLOCK + 1) * sizeof *out);
    triad_status status = x && out ? TRIAD_OK : work_out_of_memory(&err);
    for (size_t p = 0; status == TRIAD_OK && p < w->pairs; p++)
        if (w->pair[p][1] == y) x[count++] = &d->set->view[w->pair[p][0]];
    const uint32_t *order[ALIGN_DRAW_BLOCK];
    for (size_t b = 0; b < ALIGN_DRAW_BLOCK; b++)
        order[b] = d->sum_order + (first + b < d->sums ? first + b : d->sums - 1) * n;
    if (status == TRIAD_OK) status = align_draw_block(out, plan, x, count, &d->set->view[y], order, &err);
    for (size_t p = 0, at = 0; status == TRIAD_OK && p < w->pairs; p++) {
        if (w->pair[p][1] != y) continue;
        for (size_t i = 0; i < plan->count; i++)
            for (size_t b = 0; align_draws_in_blocks(&plan->spec[i]) && b < ALIGN_DRAW_BLOCK && first + b < d->sums;
                 b++)
                draws_of(d, p, i)[first + b] = out[(at * plan->count + i) * ALIGN_DRAW_BLOCK + b];
        at++;
    }
    if (status != TRIAD_OK) work_fail_tile(w, tile, &err);
    free(x);
    free(out);
    work_step(w);
}

/* One tile: one draw of retrieval for all pairs. The last tile leaves the rows in their order: what is compared with
 * the draws is computed as they are, on fewer axes than the value itself. */
static void draw_retrieval(void *context, size_t b, int worker)
{
    (void)worker;
    drawing *d = context;
    work *w = d->w;
    sentences *set = d->set;
    const bool observes = b == d->fits;
    const align_plan *plan = &set->plan;
    triad_error err = {0};
    double *out = malloc((w->pairs * plan->count + 1) * sizeof *out);
    triad_status status = out ? TRIAD_OK : work_out_of_memory(&err);
    if (status == TRIAD_OK)
        status = align_draw_retrieval(out, plan, set->view, w->side_count, (const size_t(*)[2])w->pair, w->pairs,
                                      &set->folds, observes ? NULL : d->fit_order + b * set->n, &err);
    for (size_t p = 0; status == TRIAD_OK && p < w->pairs; p++)
        for (size_t i = 0; i < plan->count; i++)
            if (align_draws_by_fit(&plan->spec[i]) && align_plan_allows(plan, &plan->spec[i], NULL))
                *(observes ? &set->observed[p * plan->count + i] : &draws_of(d, p, i)[b]) = out[p * plan->count + i];
    if (status != TRIAD_OK) work_fail_tile(w, b, &err);
    free(out);
    work_step(w);
}

/* One tile: one draw of everything else, for one permuted side and all its pairs. */
static void draw_rest(void *context, size_t tile, int worker)
{
    (void)worker;
    drawing *d = context;
    work *w = d->w;
    const size_t y = w->y_sides[tile / d->fits], b = tile % d->fits;
    const align_folds *folds = d->set->folds.count ? &d->set->folds : NULL;
    triad_error err = {0};
    align_view moved = {0};
    double *value = malloc((d->rest.count + 1) * sizeof *value);
    triad_status status = value ? TRIAD_OK : work_out_of_memory(&err);
    if (status == TRIAD_OK)
        status = align_view_in_order(&moved, &d->set->view[y], &d->rest, folds, d->fit_order + b * d->set->n, &err);
    for (size_t p = 0; status == TRIAD_OK && p < w->pairs; p++) {
        if (w->pair[p][1] != y) continue;
        status = align_measure_pair(value, NULL, &d->rest, &d->set->view[w->pair[p][0]], &moved, folds, &err);
        for (size_t i = 0; status == TRIAD_OK && i < d->rest.count; i++) draws_of(d, p, d->rest_place[i])[b] = value[i];
    }
    align_view_free(&moved);
    free(value);
    if (status != TRIAD_OK) work_fail_tile(w, tile, &err);
    work_step(w);
}

/* ---- what becomes of draws */

triad_status work_fill_null(triad_align_null *null, double observed, const double *draws, size_t m, triad_error *err)
{
    align_calibration calibration;
    align_null_summary(null, observed, draws, m);
    const triad_status status = align_calibrate(&calibration, observed, draws, m, 0.05, 1, err);
    null->z = calibration.z;
    null->calibrated = calibration.calibrated;
    null->p_max = null->p_holm = null->p_bh = null->p;
    return status;
}

triad_status work_adjust(work *w, size_t spec, size_t null, const double *const *drawn, const double *observed,
                         size_t draws, triad_error *err)
{
    size_t count = 0;
    double *room = malloc((3 * w->pairs + draws + 1) * sizeof *room);
    if (room == NULL) return work_out_of_memory(err);
    double *p_list = room, *holm = p_list + w->pairs, *bh = holm + w->pairs, *most = bh + w->pairs;
    for (size_t b = 0; b < draws; b++) most[b] = -INFINITY;
    for (size_t p = 0; p < w->pairs; p++) {
        const triad_align_null *one = work_null(&w->result->pair[p].measure[spec], null);
        if (!one->present || isnan(one->p)) continue;
        p_list[count++] = one->p;
        for (size_t b = 0; b < draws && one->sd > 0; b++) most[b] = fmax(most[b], (drawn[p][b] - one->mean) / one->sd);
    }
    triad_status status = align_holm(holm, p_list, count, err);
    if (status == TRIAD_OK) status = align_benjamini_hochberg(bh, p_list, count, err);
    for (size_t p = 0, at = 0; status == TRIAD_OK && p < w->pairs; p++) {
        triad_align_null *one = work_null(&w->result->pair[p].measure[spec], null);
        if (!one->present || isnan(one->p)) continue;
        one->p_holm = holm[at];
        one->p_bh = bh[at++];
        if (!(one->sd > 0)) continue;
        const double z = (observed[p] - one->mean) / one->sd - 1e-9;
        size_t reached = 0;
        for (size_t b = 0; b < draws; b++) reached += most[b] >= z;
        one->p_max = fmax(one->p, (double)(reached + 1) / (double)(draws + 1));
    }
    free(room);
    return status;
}

/* The largest of each pair of spaces' layers, draw by draw. */
static triad_status fill_best(drawing *d, size_t spec, size_t null, size_t m, triad_error *err)
{
    work *w = d->w;
    double *most = malloc((m + 1) * sizeof *most);
    if (most == NULL) return work_out_of_memory(err);
    triad_status status = TRIAD_OK;
    for (size_t g = 0; g < w->best_count && status == TRIAD_OK; g++) {
        triad_align_best *best = &w->result->best[g];
        double observed = -INFINITY;
        for (size_t b = 0; b < m; b++) most[b] = -INFINITY;
        for (size_t p = 0; p < w->pairs; p++) {
            if (w->best_of[p] != g || !work_null(&w->result->pair[p].measure[spec], null)->present) continue;
            observed = fmax(observed, d->set->observed[p * d->set->plan.count + spec]);
            for (size_t b = 0; b < m; b++) most[b] = fmax(most[b], draws_of(d, p, spec)[b]);
        }
        if (isfinite(observed)) status = work_fill_null(work_null(&best->measure[spec], null), observed, most, m, err);
    }
    free(most);
    return status;
}

static triad_status summarise(drawing *d, size_t null, triad_error *err)
{
    work *w = d->w;
    const align_plan *plan = &d->set->plan;
    const double **drawn = malloc((w->pairs + 1) * sizeof *drawn);
    double *observed = malloc((w->pairs + 1) * sizeof *observed);
    triad_status status = drawn && observed ? TRIAD_OK : work_out_of_memory(err);
    for (size_t i = 0; status == TRIAD_OK && i < plan->count; i++) {
        const size_t m = draw_count(d, &plan->spec[i]);
        if (m == 0) continue;
        for (size_t p = 0; p < w->pairs && status == TRIAD_OK; p++) {
            triad_align_measure *measure = &w->result->pair[p].measure[i];
            drawn[p] = draws_of(d, p, i);
            observed[p] = d->set->observed[p * plan->count + i];
            /* The closed subset may be too small for a measure that all sentences have. */
            if (!isnan(measure->value))
                status = work_fill_null(work_null(measure, null), observed[p], drawn[p], m, err);
        }
        if (status == TRIAD_OK) status = work_adjust(w, i, null, drawn, observed, m, err);
        if (status == TRIAD_OK && w->best_count > 0) status = fill_best(d, i, null, m, err);
    }
    free(drawn);
    free(observed);
    return status;
}

static triad_status run(work *w, sentences *set, const uint32_t *sum_order, size_t sums, const uint32_t *fit_order,
                        size_t fits, size_t null, triad_error *err)
{
    drawing d = {.w = w,
                 .set = set,
                 .sum_order = sum_order,
                 .fit_order = fit_order,
                 .sums = sums,
                 .fits = fits,
                 .stride = sums > fits ? sums : fits};
    const align_plan *plan = &set->plan;
    const align_protocol *own = &plan->protocol[0];
    triad_status status = align_plan_rest(&d.rest, &d.rest_place, plan, err);
    if (status != TRIAD_OK) return status;
    d.drawn = calloc(w->pairs * plan->count * d.stride + 1, sizeof *d.drawn);
    if (d.drawn == NULL) status = work_out_of_memory(err);
    const size_t blocks = (sums + ALIGN_DRAW_BLOCK - 1) / ALIGN_DRAW_BLOCK;
    bool quick = false;
    for (size_t i = 0; i < plan->count; i++) quick |= align_draws_by_fit(&plan->spec[i]);
    quick = quick && set->folds.count > 0 && (own->nn_all || own->nn_test);
    if (status == TRIAD_OK) triad_parallel(w->pool, w->y_count * blocks, draw_block, &d);
    if (status == TRIAD_OK && quick && fits > 0) triad_parallel(w->pool, fits + 1, draw_retrieval, &d);
    if (status == TRIAD_OK && d.rest.count > 0) triad_parallel(w->pool, w->y_count * fits, draw_rest, &d);
    if (status == TRIAD_OK) status = work_status(w);
    if (status == TRIAD_OK) status = summarise(&d, null, err);
    free(d.drawn);
    free(d.rest_place);
    align_plan_free(&d.rest);
    return status;
}

static size_t most_draws(const triad_align_options *options)
{
    return options->permutations > options->refits ? options->permutations : options->refits;
}

static triad_status run_iid(work *w, triad_error *err)
{
    const size_t n = w->all.n, draws = most_draws(w->options);
    uint32_t *order = malloc((draws * n + 1) * sizeof *order);
    size_t *shuffle = malloc((n + 1) * sizeof *shuffle);
    triad_status status = order && shuffle ? TRIAD_OK : work_out_of_memory(err);
    for (size_t b = 0; status == TRIAD_OK && b < draws; b++) {
        triad_pcg64 rng;
        align_stream_seed(&rng, w->options->seed, ALIGN_STREAM_IID, b);
        for (size_t i = 0; i < n; i++) shuffle[i] = i;
        triad_pcg64_shuffle(&rng, shuffle, n);
        for (size_t i = 0; i < n; i++) order[b * n + i] = (uint32_t)shuffle[i];
    }
    if (status == TRIAD_OK)
        status = run(w, &w->all, order, w->options->permutations, order, w->options->refits, IID, err);
    free(order);
    free(shuffle);
    return status;
}

/* Names the sentences that cannot be renamed. subset [count] ascends. */
static triad_status name_left_out(work *w, triad_align_renaming *out, const uint32_t *subset, size_t count,
                                  triad_error *err)
{
    const size_t n = w->all.n;
    out->left_out_id = calloc(n - count + 1, sizeof *out->left_out_id);
    if (out->left_out_id == NULL) return work_out_of_memory(err);
    for (size_t i = 0, at = 0; i < n; i++) {
        if (at < count && subset[at] == i) {
            at++;
            continue;
        }
        if ((out->left_out_id[out->left_out] = strdup(w->result->id[i])) == NULL) return work_out_of_memory(err);
        out->left_out++;
    }
    return TRIAD_OK;
}

static triad_status run_renamed(work *w, size_t null, triad_error *err)
{
    const triad_align_options *options = w->options;
    triad_align_renaming *out = null == RELABEL ? &w->result->relabel : &w->result->vocabulary;
    align_relabel *relabel = NULL;
    const align_renaming renaming = {.vocabulary = null == VOCABULARY};
    triad_status status = align_relabel_create(&relabel, w->teller, work_rows(w, &w->all, w->teller_side), w->all.n,
                                               &renaming, out->refused, err);
    if (status != TRIAD_OK || relabel == NULL) return status;
    size_t n;
    const uint32_t *subset = align_relabel_rows(relabel, &n);
    /* All renamings where no more exist than draws are wanted, else at random. */
    const size_t sums = align_relabel_draws(relabel, options->permutations),
                 fits = align_relabel_draws(relabel, options->refits);
    uint32_t *order = malloc(((sums + fits) * n + 1) * sizeof *order), *fit_order = order + sums * n;
    status = order ? name_left_out(w, out, subset, n, err) : work_out_of_memory(err);
    for (size_t b = 0; status == TRIAD_OK && b < sums; b++)
        status = align_relabel_draw(relabel, order + b * n, options->seed, b, options->permutations, err);
    for (size_t b = 0; status == TRIAD_OK && b < fits; b++)
        status = align_relabel_draw(relabel, fit_order + b * n, options->seed, b, options->refits, err);
    out->done = true;
    out->relabellings = align_relabel_count(relabel);
    out->smallest_p = 1 / ((double)sums + 1);
    out->word_pairs = align_relabel_word_pairs(relabel);
    align_relabel_describe(relabel, out->words, sizeof out->words);
    sentences closed = {0}, *set = &w->all;
    if (status == TRIAD_OK && n < w->all.n) {
        set = &closed;
        status = work_subset(w, set, subset, n, err);
    }
    if (status == TRIAD_OK) status = run(w, set, order, sums, fit_order, fits, null, err);
    work_end_set(&closed, w->side_count);
    align_relabel_free(relabel);
    free(order);
    return status;
}

triad_status work_nulls(work *w, triad_error *err)
{
    const triad_align_options *options = w->options;
    triad_status status = TRIAD_OK;
    if (most_draws(options) == 0) return TRIAD_OK;
    if (options->iid) status = run_iid(w, err);
    if (status == TRIAD_OK && options->relabel) status = run_renamed(w, RELABEL, err);
    if (status == TRIAD_OK && options->vocabulary) status = run_renamed(w, VOCABULARY, err);
    return status;
}

/* ---- how long they take */

void work_announce(const work *w, const char *what, double seconds)
{
    char time[32], line[160];
    progress_time(time, sizeof time, seconds);
    snprintf(line, sizeof line, "align: %s: about %s", what, time);
    triad_progress_say(w->progress, line);
}

static double seconds_of(triad_tile_fn fn, drawing *d)
{
    const double begin = triad_now();
    fn(d, 0, 0);
    return triad_now() - begin;
}

/* Seconds that the draws of one null take, from one of each kind with the rows as they are. */
static triad_status time_draws(double *seconds, work *w, triad_error *err)
{
    const triad_align_options *options = w->options;
    sentences *set = &w->all;
    const size_t n = set->n, blocks = (options->permutations + ALIGN_DRAW_BLOCK - 1) / ALIGN_DRAW_BLOCK;
    const double done = (double)atomic_load(&w->done), threads = triad_pool_threads(w->pool);
    uint32_t *order = malloc((ALIGN_DRAW_BLOCK * n + 1) * sizeof *order);
    drawing d = {.w = w, .set = set, .sum_order = order, .fit_order = order, .sums = 1, .fits = 1, .stride = 1};
    triad_status status = align_plan_rest(&d.rest, &d.rest_place, &set->plan, err);
    d.drawn = calloc(w->pairs * set->plan.count + 1, sizeof *d.drawn);
    if (status == TRIAD_OK && (order == NULL || d.drawn == NULL)) status = work_out_of_memory(err);
    bool quick = false, sums = false;
    for (size_t i = 0; i < set->plan.count; i++) {
        quick |= align_draws_by_fit(&set->plan.spec[i]);
        sums |= align_draws_in_blocks(&set->plan.spec[i]);
    }
    quick = quick && set->folds.count > 0 && (set->plan.protocol[0].nn_all || set->plan.protocol[0].nn_test);
    const double sides = (double)w->y_count, fits = (double)options->refits;
    *seconds = 0;
    if (status == TRIAD_OK) {
        for (size_t i = 0; i < n; i++) order[i] = (uint32_t)i;
        if (sums && blocks > 0) *seconds += sides * (double)blocks * seconds_of(draw_block, &d) / threads;
        if (quick && fits > 0) *seconds += (fits + 1) * seconds_of(draw_retrieval, &d) / threads;
        if (d.rest.count > 0 && fits > 0) *seconds += sides * fits * seconds_of(draw_rest, &d) / threads;
        status = work_status(w);
    }
    atomic_store(&w->done, (size_t)done); /* these were no steps */
    free(order);
    free(d.drawn);
    free(d.rest_place);
    align_plan_free(&d.rest);
    return status;
}

triad_status work_announce_nulls(work *w, triad_error *err)
{
    enum { LONG = 20 };
    const triad_align_options *options = w->options;
    const size_t nulls = (size_t)options->iid + (size_t)options->relabel + (size_t)options->vocabulary;
    if (w->progress == NULL || nulls == 0 || most_draws(options) == 0) return TRIAD_OK;
    double seconds;
    const triad_status status = time_draws(&seconds, w, err);
    const bool more = options->vocabulary || options->measure_count > 0 || options->best || options->map > 0;
    if (status == TRIAD_OK && (more || (double)nulls * seconds > LONG))
        work_announce(w, "the draws of the nulls", (double)nulls * seconds);
    return status;
}

double work_null_steps(const work *w)
{
    const triad_align_options *options = w->options;
    const size_t nulls = (size_t)options->iid + (size_t)options->relabel + (size_t)options->vocabulary;
    bool quick = false, rest = false;
    for (size_t i = 0; i < w->all.plan.count; i++) {
        quick |= align_draws_by_fit(&w->all.plan.spec[i]);
        rest |= !w->all.plan.spec[i].drawn;
    }
    const size_t blocks = (options->permutations + ALIGN_DRAW_BLOCK - 1) / ALIGN_DRAW_BLOCK;
    return (double)(nulls * (w->y_count * blocks + (quick ? options->refits + 1 : 0) +
                             (rest ? w->y_count * options->refits : 0)));
}
