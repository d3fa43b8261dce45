/* All pairs: each layer factored once, the same draws and resamples for every pair. */
#include "triad/align.h"

#include "align/relabel.h"
#include "align/retrieval.h"
#include "align/statistics.h"
#include "align/view.h"
#include "base/progress.h"
#include "base/rng.h"

#include <cblas.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_FOR_RETRIEVAL = 10, DRAWS_A_TILE = 64 };

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

/* A set of sentences on which pairs are measured: all that are shared, or the subset that the relabel null can permute. */
typedef struct sentences {
    size_t n;
    size_t *rows;     /* [sides, n] rows of each side's layer */
    uint8_t *fold;    /* [n]; NULL where n is too small for retrieval */
    size_t ks, k[ALIGN_MAX_KS];
    align_view *view; /* [sides] */
    uint32_t *order;  /* [draws, n] row orders of this set's null */
    size_t draws;
    double *drawn;    /* [pairs, slots, draws] statistics under the null */
    double *observed; /* [pairs, slots] */
} sentences;

/* The statistics of a pair, as slots: overlap with ties shared [ks], plain overlap [ks], CKA, RSA, then retrieval xy [ks],
 * yx [ks], mean [ks]. */
typedef struct slots { size_t frac, plain, cka, rsa, xy, yx, both, count; } slots;

static slots lay_out_slots(size_t ks)
{
    slots s = {.frac = 0, .plain = ks, .cka = 2 * ks, .rsa = 2 * ks + 1, .xy = 2 * ks + 2};
    s.yx = s.xy + ks;
    s.both = s.yx + ks;
    s.count = s.both + ks;
    return s;
}

typedef struct work {
    const triad_align_options *options;
    const triad_align_side *sides;
    size_t side_count;
    size_t (*pair)[2];
    size_t pairs;
    sentences all, closed; /* closed is empty without a relabel null */
    sentences *set;        /* the one that a parallel loop is at */
    slots slot;            /* of set */
    triad_align_result *result;
    double *weights;       /* [bootstraps, n] */
    bool *is_y;            /* [sides] is the permuted side of a pair */
    atomic_bool failed;
    pthread_mutex_t lock;  /* of the next two */
    triad_error *error;    /* of the lowest tile that failed */
    size_t failed_tile;
    triad_progress *progress;
    atomic_size_t done;
} work;

/* ---- statistics of one pair */

static double overlap(const align_view *x, const align_view *y, const uint32_t *order, size_t q, double *scores, size_t k)
{
    const size_t n = x->n;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t yi = order ? order[i] : i;
        const double *wx = x->near[q].weight + i * n, *wy = y->near[q].weight + yi * n;
        double shared = 0;
        for (uint32_t at = x->list_offset[i]; at < x->list_offset[i + 1]; at++) {
            const uint32_t j = x->list[at];
            shared += wx[j] * wy[order ? order[j] : j];
        }
        sum += shared;
        if (scores) scores[i] = shared / (double)k;
    }
    return sum / (double)n / (double)k;
}

static double plain_overlap(const align_view *x, const align_view *y, const uint32_t *order, size_t q, double *scores, size_t k)
{
    const size_t n = x->n;
    size_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t yi = order ? order[i] : i;
        const uint8_t *mx = x->near[q].member + i * n, *my = y->near[q].member + yi * n;
        size_t shared = 0;
        for (uint32_t at = x->list_offset[i]; at < x->list_offset[i + 1]; at++) {
            const uint32_t j = x->list[at];
            shared += mx[j] & my[order ? order[j] : j];
        }
        sum += shared;
        if (scores) scores[i] = (double)shared / (double)k;
    }
    return (double)sum / (double)n / (double)k;
}

/* sum of a[i][j] b[order i][order j]; both symmetric with a zero diagonal, so half of it is enough. */
static double matched_sum(const double *a, const double *b, const uint32_t *order, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const double *ra = a + i * n, *rb = b + (order ? order[i] : i) * n;
        double row[4] = {0};
        if (order == NULL) {
            for (size_t j = 0; j < i; j++) row[j & 3] += ra[j] * rb[j];
        } else {
            size_t j = 0;
            for (; j + 4 <= i; j += 4)
                for (size_t u = 0; u < 4; u++) row[u] += ra[j + u] * rb[order[j + u]];
            for (; j < i; j++) row[j & 3] += ra[j] * rb[order[j]];
        }
        sum += (row[0] + row[1]) + (row[2] + row[3]);
    }
    return 2 * sum;
}

static double ratio(double both, double x, double y)
{
    return x > 0 && y > 0 ? both / sqrt(x * y) : NAN;
}

static double debiased_cka(const align_view *x, const align_view *y, const uint32_t *order)
{
    if (x->kernel == NULL) return NAN;
    return ratio(matched_sum(x->kernel, y->kernel, order, x->n), x->kernel_norm, y->kernel_norm);
}

static double rsa_spearman(const align_view *x, const align_view *y, const uint32_t *order)
{
    return ratio(matched_sum(x->rank, y->rank, order, x->n), x->rank_norm, y->rank_norm);
}

/* The statistics that need no new fit, into out [slots]; scores [2 ks][n] or NULL. */
static void measure_fixed(const work *w, const sentences *set, size_t p, const uint32_t *order, double *out, double **scores)
{
    const slots s = lay_out_slots(set->ks);
    const align_view *x = &set->view[w->pair[p][0]], *y = &set->view[w->pair[p][1]];
    for (size_t q = 0; q < set->ks; q++) {
        out[s.frac + q] = overlap(x, y, order, q, scores ? scores[s.frac + q] : NULL, set->k[q]);
        out[s.plain + q] = plain_overlap(x, y, order, q, scores ? scores[s.plain + q] : NULL, set->k[q]);
    }
    out[s.cka] = debiased_cka(x, y, order);
    out[s.rsa] = rsa_spearman(x, y, order);
}

static void score_places(const sentences *set, const align_place *places, double *out, double **scores)
{
    const slots s = lay_out_slots(set->ks);
    const size_t n = set->n;
    for (size_t q = 0; q < set->ks; q++) {
        double sum[2] = {0};
        for (size_t way = 0; way < 2; way++)
            for (size_t i = 0; i < n; i++) {
                const double hit = align_hit(places[way * n + i], set->k[q]);
                sum[way] += hit;
                if (scores) {
                    scores[(way ? s.yx : s.xy) + q][i] = hit;
                    scores[s.both + q][i] = way ? 0.5 * (scores[s.both + q][i] + hit) : hit;
                }
            }
        out[s.xy + q] = sum[0] / (double)n;
        out[s.yx + q] = sum[1] / (double)n;
        out[s.both + q] = 0.5 * (out[s.xy + q] + out[s.yx + q]);
    }
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

/* ---- parallel loops */

static void make_view(void *context, size_t tile, int worker)
{
    (void)worker;
    work *w = context;
    sentences *set = w->set;
    triad_error err = {0};
    const triad_layer *layer = w->sides[tile].layer ? w->sides[tile].layer : triad_space_last(w->sides[tile].space);
    if (align_view_create(&set->view[tile], layer, set->rows + tile * set->n, set->n, set->fold, w->options->cap, set->k,
                          set->ks, &err) != TRIAD_OK)
        fail_tile(w, tile, &err);
}

/* quadratic forms w' (a o b) w of each resample: how often both sentences of a pair are in it */
static void resample_products(double *out, const double *a, const double *b, const double *weights, size_t draws, size_t n,
                              double *product, double *scratch)
{
    for (size_t i = 0; i < n * n; i++) product[i] = b ? a[i] * b[i] : a[i];
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)draws, (int)n, (int)n, 1, weights, (int)n, product, (int)n, 0,
                scratch, (int)n);
    for (size_t r = 0; r < draws; r++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += scratch[r * n + i] * weights[r * n + i];
        out[r] = sum;
    }
}

/* Intervals of CKA and RSA over resampled sentences; a pair of copies of one sentence does not count. The centring of the full
 * sample is kept for CKA; RSA's ranks are those of the full sample, correlated with weights. */
static triad_status resample_matrices(const work *w, size_t p, triad_align_measure *cka, triad_align_measure *rsa, triad_error *err)
{
    const size_t n = w->all.n, draws = w->options->bootstraps;
    const align_view *x = &w->all.view[w->pair[p][0]], *y = &w->all.view[w->pair[p][1]];
    double *product = malloc(n * n * sizeof *product), *scratch = malloc(draws * n * sizeof *scratch),
           *sums = malloc(6 * draws * sizeof *sums);
    if (product == NULL || scratch == NULL || sums == NULL) {
        free(product);
        free(scratch);
        free(sums);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "intervals: out of memory");
    }
    double *value = sums + 5 * draws;
    if (!isnan(cka->value)) {
        resample_products(sums, x->kernel, y->kernel, w->weights, draws, n, product, scratch);
        resample_products(sums + draws, x->kernel, x->kernel, w->weights, draws, n, product, scratch);
        resample_products(sums + 2 * draws, y->kernel, y->kernel, w->weights, draws, n, product, scratch);
        for (size_t r = 0; r < draws; r++) value[r] = ratio(sums[r], sums[draws + r], sums[2 * draws + r]);
        align_interval(&cka->low, &cka->high, value, draws);
    }
    if (!isnan(rsa->value)) {
        resample_products(sums, x->rank, y->rank, w->weights, draws, n, product, scratch);
        resample_products(sums + draws, x->rank, x->rank, w->weights, draws, n, product, scratch);
        resample_products(sums + 2 * draws, y->rank, y->rank, w->weights, draws, n, product, scratch);
        resample_products(sums + 3 * draws, x->rank, NULL, w->weights, draws, n, product, scratch);
        resample_products(sums + 4 * draws, y->rank, NULL, w->weights, draws, n, product, scratch);
        for (size_t r = 0; r < draws; r++) {
            double total = (double)n * (double)n;
            for (size_t i = 0; i < n; i++) total -= w->weights[r * n + i] * w->weights[r * n + i];
            const double mx = sums[3 * draws + r], my = sums[4 * draws + r];
            value[r] = ratio(sums[r] - mx * my / total, sums[draws + r] - mx * mx / total, sums[2 * draws + r] - my * my / total);
        }
        align_interval(&rsa->low, &rsa->high, value, draws);
    }
    free(product);
    free(scratch);
    free(sums);
    return TRIAD_OK;
}

static void interval_of_scores(const work *w, triad_align_measure *measure, double *draws)
{
    const size_t n = w->all.n, count = w->options->bootstraps;
    for (size_t r = 0; r < count; r++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += w->weights[r * n + i] * measure->scores[i];
        draws[r] = sum / (double)n;
    }
    align_interval(&measure->low, &measure->high, draws, count);
}

static double median_rank(const align_place *places, size_t count)
{
    double *ranks = malloc((count ? count : 1) * sizeof *ranks);
    if (ranks == NULL) return NAN;
    for (size_t i = 0; i < count; i++) ranks[i] = (double)places[i].above + 0.5 * ((double)places[i].equal + 1);
    const double median = align_quantile(ranks, count, 0.5);
    free(ranks);
    return median;
}

static void name_measures(triad_align_pair *pair, const sentences *set, const char *protocol)
{
    const slots s = lay_out_slots(set->ks);
    for (size_t q = 0; q < set->ks; q++) {
        const double n = (double)set->n, k = (double)set->k[q];
        snprintf(pair->measure[s.frac + q].name, sizeof pair->measure->name, "mutual_knn_frac/%zu", set->k[q]);
        snprintf(pair->measure[s.plain + q].name, sizeof pair->measure->name, "mutual_knn/%zu", set->k[q]);
        snprintf(pair->measure[s.xy + q].name, sizeof pair->measure->name, "retrieval/%s/all/xy/nn/%zu/expected", protocol, set->k[q]);
        snprintf(pair->measure[s.yx + q].name, sizeof pair->measure->name, "retrieval/%s/all/yx/nn/%zu/expected", protocol, set->k[q]);
        snprintf(pair->measure[s.both + q].name, sizeof pair->measure->name, "retrieval/%s/all/mean/nn/%zu/expected", protocol, set->k[q]);
        pair->measure[s.frac + q].chance = pair->measure[s.plain + q].chance = k / (n - 1);
        pair->measure[s.xy + q].chance = pair->measure[s.yx + q].chance = pair->measure[s.both + q].chance = k / n;
    }
    snprintf(pair->measure[s.cka].name, sizeof pair->measure->name, "cka_linear_debiased");
    snprintf(pair->measure[s.rsa].name, sizeof pair->measure->name, "rsa/cosine/spearman");
}

static const char *reason_of(const sentences *set, const slots *s, size_t slot)
{
    if (slot == s->cka) return set->n < 4 ? "fewer than 4 sentences" : "a side has no variance left after debiasing";
    if (slot == s->rsa) return "a side's distances are all equal";
    return "fewer than 10 sentences";
}

/* Values, scores and intervals of one pair on all its sentences. */
static void measure_pair(void *context, size_t p, int worker)
{
    (void)worker;
    work *w = context;
    sentences *set = &w->all;
    const slots s = lay_out_slots(set->ks);
    const size_t n = set->n;
    triad_align_pair *pair = &w->result->pair[p];
    triad_error err = {0};
    triad_status status = TRIAD_OK;
    const align_view *x = &set->view[w->pair[p][0]], *y = &set->view[w->pair[p][1]];
    char protocol[32];
    snprintf(protocol, sizeof protocol, w->options->cap ? "strict%zu" : "strict", w->options->cap);

    align_place *places = malloc(2 * n * sizeof *places);
    double **scores = calloc(s.count, sizeof *scores), *values = malloc(s.count * sizeof *values),
           *draws = malloc((w->options->bootstraps + 1) * sizeof *draws);
    pair->measure = calloc(s.count, sizeof *pair->measure);
    bool enough = places && scores && values && draws && pair->measure;
    for (size_t i = 0; enough && i < s.count; i++)
        if (i != s.cka && i != s.rsa && (scores[i] = calloc(n, sizeof **scores)) == NULL) enough = false;
    if (!enough) {
        status = triad_fail(&err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
        goto out;
    }
    pair->x = w->pair[p][0];
    pair->y = w->pair[p][1];
    pair->n = n;
    pair->measures = s.count;
    pair->median_rank = NAN;
    name_measures(pair, set, protocol);
    measure_fixed(w, set, p, NULL, values, scores);
    if (set->fold) {
        status = align_retrieve(places, x->part, x->part_width, y->part, y->part_width, NULL, set->fold, n, &err);
        if (status != TRIAD_OK) goto out;
        score_places(set, places, values, scores);
        pair->median_rank = median_rank(places, 2 * n);
    } else {
        for (size_t i = s.xy; i < s.count; i++) values[i] = NAN;
    }
    for (size_t i = 0; i < s.count; i++) {
        triad_align_measure *measure = &pair->measure[i];
        measure->value = values[i];
        measure->low = measure->high = NAN;
        measure->reason = isnan(values[i]) ? reason_of(set, &s, i) : NULL;
        if (!isnan(values[i]) && scores[i]) {
            measure->scores = scores[i];
            scores[i] = NULL;
            if (w->options->bootstraps) interval_of_scores(w, measure, draws);
        }
        set->observed[p * s.count + i] = values[i];
    }
    if (w->options->bootstraps)
        status = resample_matrices(w, p, &pair->measure[s.cka], &pair->measure[s.rsa], &err);
out:
    if (status != TRIAD_OK) fail_tile(w, p, &err);
    for (size_t i = 0; scores && i < s.count; i++) free(scores[i]);
    free(scores);
    free(values);
    free(places);
    free(draws);
    triad_progress_update(w->progress, (double)(atomic_fetch_add(&w->done, 1) + 1), NULL);
}

/* The observed statistics on the closed subset. */
static void observe_pair(void *context, size_t p, int worker)
{
    (void)worker;
    work *w = context;
    sentences *set = w->set;
    const slots s = lay_out_slots(set->ks);
    const align_view *x = &set->view[w->pair[p][0]], *y = &set->view[w->pair[p][1]];
    double *values = set->observed + p * s.count;
    measure_fixed(w, set, p, NULL, values, NULL);
    for (size_t i = s.xy; i < s.count; i++) values[i] = NAN;
    if (set->fold == NULL) return;
    triad_error err = {0};
    align_place *places = malloc(2 * set->n * sizeof *places);
    triad_status status = places ? TRIAD_OK : triad_fail(&err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
    if (status == TRIAD_OK)
        status = align_retrieve(places, x->part, x->part_width, y->part, y->part_width, NULL, set->fold, set->n, &err);
    if (status == TRIAD_OK)
        score_places(set, places, values, NULL);
    else
        fail_tile(w, p, &err);
    free(places);
}

/* One tile: DRAWS_A_TILE draws of the statistics without a fit, for one pair. */
static void draw_fixed(void *context, size_t tile, int worker)
{
    (void)worker;
    work *w = context;
    sentences *set = w->set;
    const size_t tiles = (set->draws + DRAWS_A_TILE - 1) / DRAWS_A_TILE, p = tile / tiles, first = tile % tiles * DRAWS_A_TILE;
    const slots s = w->slot;
    double values[5 * ALIGN_MAX_KS + 2];
    for (size_t b = first; b < first + DRAWS_A_TILE && b < set->draws; b++) {
        measure_fixed(w, set, p, set->order + b * set->n, values, NULL);
        for (size_t i = 0; i < s.xy; i++) set->drawn[(p * s.count + i) * set->draws + b] = values[i];
    }
    triad_progress_update(w->progress, (double)(atomic_fetch_add(&w->done, 1) + 1), NULL);
}

/* One tile: one draw of retrieval for all pairs; each permuted side is fitted once and shared by its pairs. */
static void draw_retrieval(void *context, size_t b, int worker)
{
    (void)worker;
    work *w = context;
    sentences *set = w->set;
    const slots s = w->slot;
    const size_t n = set->n;
    const uint32_t *order = set->order + b * n;
    triad_error err = {0};
    triad_status status = TRIAD_OK;
    double *(*part)[ALIGN_FOLDS] = calloc(w->side_count, sizeof *part);
    size_t(*width)[ALIGN_FOLDS] = calloc(w->side_count, sizeof *width);
    align_place *places = malloc(2 * n * sizeof *places);
    double values[5 * ALIGN_MAX_KS + 2];
    if (part == NULL || width == NULL || places == NULL)
        status = triad_fail(&err, TRIAD_ERR_MEMORY, -1, "null: out of memory");
    for (size_t v = 0; status == TRIAD_OK && v < w->side_count; v++)
        for (size_t f = 0; status == TRIAD_OK && w->is_y[v] && f < ALIGN_FOLDS; f++)
            status = align_fit_part(&part[v][f], &width[v][f], set->view[v].x, n, set->view[v].d, set->fold, f, order,
                                    w->options->cap, false, &err);
    for (size_t p = 0; status == TRIAD_OK && p < w->pairs; p++) {
        const align_view *x = &set->view[w->pair[p][0]];
        const size_t y = w->pair[p][1];
        status = align_retrieve(places, x->part, x->part_width, part[y], width[y], order, set->fold, n, &err);
        if (status != TRIAD_OK) break;
        score_places(set, places, values, NULL);
        for (size_t i = s.xy; i < s.count; i++) set->drawn[(p * s.count + i) * set->draws + b] = values[i];
    }
    if (status != TRIAD_OK) fail_tile(w, b, &err);
    for (size_t v = 0; part && v < w->side_count; v++)
        for (size_t f = 0; f < ALIGN_FOLDS; f++) free(part[v][f]);
    free(part);
    free(width);
    free(places);
    triad_progress_update(w->progress, (double)(atomic_fetch_add(&w->done, 1) + 1), NULL);
}

/* ---- the whole */

static triad_status start_set(work *w, sentences *set, triad_pool *pool, triad_error *err)
{
    const triad_align_options *options = w->options;
    for (size_t q = 0; q < options->ks; q++)
        if (options->k[q] < set->n) set->k[set->ks++] = options->k[q];
    set->view = calloc(w->side_count, sizeof *set->view);
    set->observed = calloc(w->pairs * lay_out_slots(set->ks).count, sizeof *set->observed);
    if (set->view == NULL || set->observed == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
    if (set->n >= LEAST_FOR_RETRIEVAL) {
        set->fold = malloc(set->n);
        if (set->fold == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
        triad_status status = align_folds(set->fold, set->n, options->seed, err);
        if (status != TRIAD_OK) return status;
    }
    w->set = set;
    triad_parallel(pool, w->side_count, make_view, w);
    return atomic_load(&w->failed) ? w->error->code : TRIAD_OK;
}

static void end_set(sentences *set, size_t sides)
{
    for (size_t i = 0; set->view && i < sides; i++) align_view_free(&set->view[i]);
    free(set->view);
    free(set->rows);
    free(set->fold);
    free(set->order);
    free(set->drawn);
    free(set->observed);
}

static triad_status run_null(work *w, sentences *set, bool relabel, triad_pool *pool, triad_error *err)
{
    const triad_align_options *options = w->options;
    const slots s = lay_out_slots(set->ks);
    w->set = set;
    w->slot = s;
    free(set->drawn);
    set->drawn = malloc(w->pairs * s.count * set->draws * sizeof *set->drawn);
    if (set->drawn == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "null: out of memory");
    const size_t tiles = (set->draws + DRAWS_A_TILE - 1) / DRAWS_A_TILE;
    const size_t fits = set->fold == NULL                               ? 0
                        : options->retrieval_permutations < set->draws ? options->retrieval_permutations
                                                                        : set->draws;
    triad_parallel(pool, w->pairs * tiles, draw_fixed, w);
    triad_parallel(pool, fits, draw_retrieval, w);
    if (atomic_load(&w->failed)) return w->error->code;
    for (size_t p = 0; p < w->pairs; p++) {
        /* The closed subset may be too small for some k: its slots then differ from those of all sentences. */
        triad_align_pair *pair = &w->result->pair[p];
        const slots whole = lay_out_slots(w->all.ks);
        const size_t from[] = {s.frac, s.plain, s.xy, s.yx, s.both}, to[] = {whole.frac, whole.plain, whole.xy, whole.yx, whole.both};
        for (size_t g = 0; g < 5; g++)
            for (size_t q = 0; q < set->ks; q++) {
                const size_t m = g < 2 ? set->draws : fits, slot = from[g] + q;
                triad_align_measure *measure = &pair->measure[to[g] + q];
                if (m > 0 && !isnan(measure->value))
                    align_null_summary(relabel ? &measure->relabel : &measure->iid, set->observed[p * s.count + slot],
                                       set->drawn + (p * s.count + slot) * set->draws, m);
            }
        const size_t single_from[] = {s.cka, s.rsa}, single_to[] = {whole.cka, whole.rsa};
        for (size_t g = 0; g < 2 && set->draws > 0; g++) {
            triad_align_measure *measure = &pair->measure[single_to[g]];
            if (!isnan(measure->value))
                align_null_summary(relabel ? &measure->relabel : &measure->iid, set->observed[p * s.count + single_from[g]],
                                   set->drawn + (p * s.count + single_from[g]) * set->draws, set->draws);
        }
    }
    return TRIAD_OK;
}

static triad_status draw_shuffles(sentences *set, const triad_align_options *options, triad_error *err)
{
    const size_t n = set->n;
    set->draws = options->permutations > options->retrieval_permutations ? options->permutations : options->retrieval_permutations;
    set->order = malloc((set->draws * n + 1) * sizeof *set->order);
    size_t *shuffle = malloc((n + 1) * sizeof *shuffle);
    if (set->order == NULL || shuffle == NULL) {
        free(shuffle);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "null: out of memory");
    }
    for (size_t b = 0; b < set->draws; b++) {
        triad_pcg64 rng;
        align_stream_seed(&rng, options->seed, ALIGN_STREAM_IID, b);
        for (size_t i = 0; i < n; i++) shuffle[i] = i;
        triad_pcg64_shuffle(&rng, shuffle, n);
        for (size_t i = 0; i < n; i++) set->order[b * n + i] = (uint32_t)shuffle[i];
    }
    free(shuffle);
    return TRIAD_OK;
}

/* Finds the closed subset and its draws; without one, writes the reason into every pair. */
static triad_status close_set(work *w, triad_error *err)
{
    /* The table with the most factors speaks for all: ids pair the others. */
    size_t teller = 0;
    for (size_t v = 1; v < w->side_count; v++)
        if (w->sides[v].space->items.factors > w->sides[teller].space->items.factors) teller = v;
    align_relabel *relabel = NULL;
    char reason[160];
    triad_status status = align_relabel_create(&relabel, &w->sides[teller].space->items, w->all.rows + teller * w->all.n, w->all.n,
                                               reason, err);
    if (status != TRIAD_OK) return status;
    for (size_t p = 0; p < w->pairs; p++) memcpy(w->result->pair[p].refused, reason, sizeof reason);
    if (relabel == NULL) return TRIAD_OK;
    sentences *set = &w->closed;
    const uint32_t *subset = align_relabel_rows(relabel, &set->n);
    set->draws = w->options->permutations > w->options->retrieval_permutations ? w->options->permutations
                                                                               : w->options->retrieval_permutations;
    set->rows = malloc(w->side_count * set->n * sizeof *set->rows);
    set->order = malloc((set->draws * set->n + 1) * sizeof *set->order);
    if (set->rows == NULL || set->order == NULL) {
        align_relabel_free(relabel);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "null: out of memory");
    }
    for (size_t v = 0; v < w->side_count; v++)
        for (size_t i = 0; i < set->n; i++) set->rows[v * set->n + i] = w->all.rows[v * w->all.n + subset[i]];
    for (size_t b = 0; b < set->draws; b++) align_relabel_draw(relabel, set->order + b * set->n, w->options->seed, b);
    for (size_t p = 0; p < w->pairs; p++) {
        w->result->pair[p].relabellings = align_relabel_count(relabel);
        w->result->pair[p].left_out = w->all.n - set->n;
    }
    align_relabel_free(relabel);
    return TRIAD_OK;
}

static triad_status describe(triad_align_result *result, const triad_align_side *sides, size_t count, triad_error *err)
{
    result->sides = count;
    result->name = calloc(count, sizeof *result->name);
    result->layer = calloc(count, sizeof *result->layer);
    result->source = calloc(count, sizeof *result->source);
    result->sha256 = calloc(count, sizeof *result->sha256);
    if (!result->name || !result->layer || !result->source || !result->sha256)
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
    for (size_t i = 0; i < count; i++) {
        const triad_layer *layer = sides[i].layer ? sides[i].layer : triad_space_last(sides[i].space);
        if (layer == NULL) return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "%s: has no layers", sides[i].name);
        if (layer->n != sides[i].space->items.count)
            return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "%s: holds tokens, not sentences (embed it with a pooling)", sides[i].name);
        result->name[i] = strdup(sides[i].name);
        result->layer[i] = strdup(layer->name);
        result->source[i] = strdup(sides[i].space->source ? sides[i].space->source : "");
        result->sha256[i] = strdup(sides[i].space->sha256);
        if (!result->name[i] || !result->layer[i] || !result->source[i] || !result->sha256[i])
            return triad_fail(err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
    }
    return TRIAD_OK;
}

static triad_status check_options(const triad_align_options *options, triad_error *err)
{
    if (options->ks > ALIGN_MAX_KS) return triad_fail(err, TRIAD_ERR_RANGE, -1, "k: at most %d values", ALIGN_MAX_KS);
    for (size_t q = 0; q < options->ks; q++)
        if (options->k[q] < 1 || (q > 0 && options->k[q] <= options->k[q - 1]))
            return triad_fail(err, TRIAD_ERR_RANGE, -1, "k: must be positive and ascending");
    return TRIAD_OK;
}

triad_status triad_align(triad_align_result *result, const triad_align_side *sides, size_t count, const size_t (*pairs)[2],
                         size_t pair_count, const triad_align_options *options, triad_pool *pool, triad_progress *progress,
                         triad_error *err)
{
    memset(result, 0, sizeof *result);
    triad_error own = {0};
    work w = {.options = options, .sides = sides, .side_count = count, .result = result, .error = &own, .progress = progress, .lock = PTHREAD_MUTEX_INITIALIZER};
    triad_status status = check_options(options, &own);
    const triad_items **items = calloc(count ? count : 1, sizeof *items);
    w.pairs = pairs ? pair_count : count * (count - 1) / 2;
    w.pair = calloc(w.pairs ? w.pairs : 1, sizeof *w.pair);
    w.is_y = calloc(count ? count : 1, sizeof *w.is_y);
    if (items == NULL || w.pair == NULL || w.is_y == NULL) {
        status = triad_fail(&own, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
        goto out;
    }
    if (status == TRIAD_OK) status = describe(result, sides, count, &own);
    if (status != TRIAD_OK) goto out;
    result->options = *options;
    size_t at = 0;
    for (size_t x = 0; x < count && !pairs; x++)
        for (size_t y = x + 1; y < count; y++, at++) {
            w.pair[at][0] = x;
            w.pair[at][1] = y;
        }
    for (size_t p = 0; p < w.pairs; p++) {
        if (pairs) memcpy(w.pair[p], pairs[p], sizeof *w.pair);
        if (w.pair[p][0] >= count || w.pair[p][1] >= count) {
            status = triad_fail(&own, TRIAD_ERR_RANGE, -1, "alignment: pair %zu names a side that is not there", p);
            goto out;
        }
        w.is_y[w.pair[p][1]] = true;
    }
    for (size_t i = 0; i < count; i++) items[i] = &sides[i].space->items;
    status = triad_spaces_pair(&w.all.rows, &w.all.n, items, count, &own);
    if (status != TRIAD_OK) goto out;
    result->pair = calloc(w.pairs ? w.pairs : 1, sizeof *result->pair);
    w.weights = malloc((options->bootstraps * w.all.n + 1) * sizeof *w.weights);
    if (result->pair == NULL || w.weights == NULL) {
        status = triad_fail(&own, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
        goto out;
    }
    result->pairs = w.pairs;
    align_resamples(w.weights, options->bootstraps, w.all.n, options->seed);

    const size_t tiles = (options->permutations + DRAWS_A_TILE - 1) / DRAWS_A_TILE;
    const size_t per_null = w.pairs * tiles + options->retrieval_permutations;
    const size_t nulls = (size_t)options->iid + (size_t)options->relabel;
    triad_progress_begin(progress, "align", "steps", (double)(w.pairs + nulls * per_null));
    status = start_set(&w, &w.all, pool, &own);
    if (status == TRIAD_OK) {
        triad_parallel(pool, w.pairs, measure_pair, &w);
        if (atomic_load(&w.failed)) status = own.code;
    }
    if (status == TRIAD_OK && options->iid && options->permutations + options->retrieval_permutations > 0) {
        status = draw_shuffles(&w.all, options, &own);
        if (status == TRIAD_OK) status = run_null(&w, &w.all, false, pool, &own);
    }
    if (status == TRIAD_OK && options->relabel && options->permutations + options->retrieval_permutations > 0) {
        status = close_set(&w, &own);
        if (status == TRIAD_OK && w.closed.n > 0) {
            status = start_set(&w, &w.closed, pool, &own);
            if (status == TRIAD_OK) triad_parallel(pool, w.pairs, observe_pair, &w);
            if (atomic_load(&w.failed)) status = own.code;
            if (status == TRIAD_OK) status = run_null(&w, &w.closed, true, pool, &own);
        }
    }
    triad_progress_end(progress, NULL);
out:
    if (status != TRIAD_OK) {
        if (err) *err = own;
        triad_align_result_free(result);
    }
    end_set(&w.all, count);
    end_set(&w.closed, count);
    free(w.weights);
    free(w.pair);
    free(w.is_y);
    free(items);
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
        for (size_t i = 0; result->pair[p].measure && i < result->pair[p].measures; i++) free(result->pair[p].measure[i].scores);
        free(result->pair[p].measure);
    }
    free(result->pair);
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
