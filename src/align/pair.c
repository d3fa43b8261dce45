#include "align/pair.h"

#include "align/align_kernel.h"
#include "align/map_fit.h"
#include "align/ranks.h"
#include "align/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
}

double align_rho_a(double sum, size_t n)
{
    const double m = 0.5 * (double)n * (double)(n - 1);
    return m > 1 ? 12 * sum / (m * m * m - m) : NAN;
}

/* ---- findings */

static triad_status start_findings(align_findings *f, const align_plan *plan, triad_error *err)
{
    f->count = plan->count;
    f->scores = calloc(plan->count + 1, sizeof *f->scores);
    f->sentence = calloc(plan->count + 1, sizeof *f->sentence);
    f->word = calloc(plan->count + 1, sizeof *f->word);
    f->grade = calloc(plan->count + 1, sizeof *f->grade);
    f->median_rank = malloc((plan->count + 1) * sizeof *f->median_rank);
    if (!f->scores || !f->sentence || !f->word || !f->grade || !f->median_rank) return out_of_memory(err);
    for (size_t i = 0; i < plan->count; i++) f->median_rank[i] = NAN;
    return TRIAD_OK;
}

void align_findings_free(align_findings *f)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->scores) free(f->scores[i]);
        if (f->sentence) free(f->sentence[i]);
        if (f->word) free(f->word[i]);
        if (f->grade) free(f->grade[i]);
    }
    free(f->scores);
    free(f->sentence);
    free(f->word);
    free(f->grade);
    free(f->median_rank);
    *f = (align_findings){0};
}

/* Copies of finished influences are kept as measure i's. */
static triad_status keep_influence(align_findings *f, size_t i, align_influence *influence, triad_error *err)
{
    const size_t units = f->words ? f->words->units : 0;
    align_influence_finish(influence);
    f->sentence[i] = malloc((influence->n + 1) * sizeof *f->sentence[i]);
    if (f->sentence[i] == NULL) return out_of_memory(err);
    memcpy(f->sentence[i], influence->sentence, influence->n * sizeof *f->sentence[i]);
    if (units == 0) return TRIAD_OK;
    f->word[i] = malloc(units * sizeof *f->word[i]);
    if (f->word[i] == NULL) return out_of_memory(err);
    memcpy(f->word[i], influence->word, units * sizeof *f->word[i]);
    return TRIAD_OK;
}

static triad_status keep_scores(align_findings *f, size_t i, size_t n, triad_error *err)
{
    f->scores[i] = calloc(n + 1, sizeof *f->scores[i]);
    return f->scores[i] ? TRIAD_OK : out_of_memory(err);
}

/* ---- overlap */

static triad_status measure_overlap(double *value, align_findings *f, const align_plan *plan, align_family family,
                                    unsigned kinds, const align_neighbours *x, const align_neighbours *y,
                                    align_influence *influence, triad_error *err)
{
    const size_t ks = plan->usable;
    if (kinds == 0 || ks == 0) return TRIAD_OK;
    double mean[ALIGN_OVERLAP_KINDS * ALIGN_MAX_KS];
    double *by_kind[ALIGN_OVERLAP_KINDS * ALIGN_MAX_KS] = {0};
    uint32_t *room = calloc(2 * x->n + 1, sizeof *room);
    triad_status status = room ? TRIAD_OK : out_of_memory(err);
    for (size_t i = 0; f && status == TRIAD_OK && i < plan->count; i++)
        if (plan->spec[i].family == family && plan->spec[i].q < ks) {
            status = keep_scores(f, i, x->n, err);
            by_kind[plan->spec[i].variant * ks + plan->spec[i].q] = f->scores[i];
        }
    if (status == TRIAD_OK) align_overlap(mean, by_kind, x, y, kinds, NULL, room);
    for (size_t i = 0; status == TRIAD_OK && i < plan->count; i++) {
        const align_spec *spec = &plan->spec[i];
        align_range range;
        if (spec->family != family || spec->q >= ks) continue;
        value[i] = mean[spec->variant * ks + spec->q];
        if (f == NULL || !f->influences || !align_has_interval(spec, &range)) continue;
        align_influence_clear(influence);
        status = align_influence_overlap(influence, x, y, spec->q, (align_overlap_kind)spec->variant, err);
        if (status == TRIAD_OK) status = keep_influence(f, i, influence, err);
    }
    free(room);
    return status;
}

/* ---- matrices */

static triad_status measure_tau(double tau[2], const double *a, const double *b, size_t n, triad_error *err)
{
    const size_t pairs = n * (n - 1) / 2;
    double *vector = malloc((2 * pairs + 1) * sizeof *vector);
    if (vector == NULL) return out_of_memory(err);
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++, at++) {
            vector[at] = a[i * n + j];
            vector[pairs + at] = b[i * n + j];
        }
    const triad_status status = align_kendall(&tau[0], &tau[1], vector, vector + pairs, pairs, err);
    free(vector);
    return status;
}

static triad_status measure_matrices(double *value, align_findings *f, const align_plan *plan, const align_view *x,
                                     const align_view *y, align_influence *influence, triad_error *err)
{
    const size_t n = x->n;
    for (unsigned kind = 0; kind < ALIGN_MATRICES; kind++) {
        const align_matrix *a = &x->matrix[kind], *b = &y->matrix[kind];
        if (!(plan->matrices >> kind & 1) || a->values == NULL || b->values == NULL) continue;
        double sum = NAN, tau[2] = {NAN, NAN};
        bool summed = false, ranked = false;
        for (size_t i = 0; i < plan->count; i++) {
            const align_spec *spec = &plan->spec[i];
            const bool product = spec->family == ALIGN_FAMILY_MATRIX || spec->family == ALIGN_FAMILY_RHO,
                       order = spec->family == ALIGN_FAMILY_TAU_A || spec->family == ALIGN_FAMILY_TAU_B;
            if (spec->variant != kind || (!product && !order)) continue;
            if (product && !summed) sum = align_matched_sum(a->values, b->values, n);
            if (order && !ranked) {
                const triad_status status = measure_tau(tau, a->values, b->values, n, err);
                if (status != TRIAD_OK) return status;
            }
            summed |= product;
            ranked |= order;
            if (spec->family == ALIGN_FAMILY_MATRIX)
                value[i] = align_ratio(sum, a->norm, b->norm);
            else if (product)
                value[i] = align_rho_a(0.5 * sum, n);
            else
                value[i] = tau[spec->family == ALIGN_FAMILY_TAU_B];
            align_range range;
            if (f == NULL || isnan(value[i]) || !align_has_interval(spec, &range)) continue;
            triad_status status = TRIAD_OK;
            if (spec->family == ALIGN_FAMILY_MATRIX) {
                status = keep_scores(f, i, n, err);
                for (size_t r = 0; status == TRIAD_OK && r < n; r++)
                    f->scores[i][r] =
                        align_ratio((double)n * align_dot(a->values + r * n, b->values + r * n, n), a->norm, b->norm);
            }
            if (status != TRIAD_OK) return status;
            if (!f->influences) continue;
            align_influence_clear(influence);
            if (spec->family == ALIGN_FAMILY_MATRIX)
                status = align_influence_matrices(influence, a, b, value[i], align_is_unbiased((align_matrix_kind)kind),
                                                  err);
            else
                status = align_influence_products(influence, a, b, align_rho_a(1, n), err);
            if (status == TRIAD_OK) status = keep_influence(f, i, influence, err);
            if (status != TRIAD_OK) return status;
        }
    }
    return TRIAD_OK;
}

/* ---- retrieval */

void align_score_places(double *value, double *const *scores, const align_plan *plan, unsigned protocol, bool test,
                        bool csls, const align_place *places, size_t n)
{
    for (size_t i = 0; i < plan->count; i++) {
        const align_spec *spec = &plan->spec[i];
        if (spec->family != ALIGN_FAMILY_RETRIEVAL || spec->variant != protocol || spec->test != test ||
            spec->csls != csls || spec->k > n)
            continue;
        double sum[2] = {0};
        for (size_t r = 0; r < n; r++) {
            double hit[2] = {0};
            for (unsigned way = 0; way < 2; way++)
                if (spec->way == way || spec->way == ALIGN_WAY_MEAN)
                    sum[way] += hit[way] = align_hit(places[way * n + r], spec->k, spec->tie);
            if (scores && scores[i])
                scores[i][r] = spec->way == ALIGN_WAY_MEAN ? 0.5 * (hit[0] + hit[1]) : hit[spec->way];
        }
        value[i] = (spec->way == ALIGN_WAY_MEAN ? 0.5 * (sum[0] + sum[1]) : sum[spec->way]) / (double)n;
    }
}

/* The sides of a vlca pair: all rows, the test's included, centred, in as many principal axes as the narrower side has
 * columns. */
static triad_status prepare_vlca(align_part *part, const align_view *view, size_t m, const align_split *split,
                                 triad_error *err)
{
    const size_t n = view->n, rank = view->basis.rank, width = rank < m ? rank : m;
    double *rows = malloc((n * width + 1) * sizeof *rows);
    if (rows == NULL) return out_of_memory(err);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < width; c++) rows[i * width + c] = view->basis.u[i * rank + c] * view->basis.s[c];
    const triad_status status = align_prepare_given(part, rows, width, width, split, err);
    free(rows);
    return status;
}

static triad_status measure_protocol(const align_places *places, align_explained *explained, const align_plan *plan,
                                     unsigned p, const align_view *x, const align_view *y, const align_folds *folds,
                                     align_scratch *scratch, triad_error *err)
{
    const align_protocol *protocol = &plan->protocol[p];
    const triad_align_protocol kind = protocol->kind;
    triad_status status = TRIAD_OK;
    const size_t n = x->n;
    size_t m = x->raw_d < y->raw_d ? x->raw_d : y->raw_d;
    if (m > n - 1) m = n - 1;
    for (size_t f = 0; f < (kind == ALIGN_INSAMPLE ? 1 : folds->count) && status == TRIAD_OK; f++) {
        align_part own[2] = {0};
        const align_part *a = &x->part[p][f], *b = &y->part[p][f];
        const align_split *split = kind == ALIGN_INSAMPLE ? &folds->whole : &folds->split[f];
        if (kind == ALIGN_VLCA) {
            status = prepare_vlca(&own[0], x, m, split, err);
            if (status == TRIAD_OK) status = prepare_vlca(&own[1], y, m, split, err);
            a = &own[0];
            b = &own[1];
        }
        /* pad and vlca keep both sides whole: a rectangular map is the zero-padded one. */
        const bool truncated = kind == ALIGN_STRICT || kind == ALIGN_INSAMPLE;
        if (status == TRIAD_OK && (protocol->map != ALIGN_PROCRUSTES || protocol->r2))
            status = align_retrieve_by(places, explained, protocol->map, a, b, truncated, split, scratch, err);
        else if (status == TRIAD_OK)
            status = align_retrieve(places, a, b, truncated, split, scratch, err);
        align_part_free(&own[0]);
        align_part_free(&own[1]);
    }
    return status;
}

static void score_explained(double *value, const align_plan *plan, const align_explained *explained)
{
    double r2[2];
    for (unsigned way = 0; way < 2; way++)
        r2[way] = explained->total[way] > 0 ? 1 - explained->error[way] / explained->total[way] : NAN;
    for (size_t i = 0; i < plan->count; i++)
        if (plan->spec[i].family == ALIGN_FAMILY_R2)
            value[i] = plan->spec[i].way == ALIGN_WAY_MEAN ? 0.5 * (r2[0] + r2[1]) : r2[plan->spec[i].way];
}

static double median_rank(const align_place *places, size_t n, unsigned way, double *room)
{
    const size_t first = way == ALIGN_WAY_YX ? n : 0, count = way == ALIGN_WAY_MEAN ? 2 * n : n;
    for (size_t i = 0; i < count; i++)
        room[i] = (double)places[first + i].above + 0.5 * ((double)places[first + i].equal + 1);
    return align_quantile(room, count, 0.5);
}

/* What is found of the measures of protocol number p, pool and score beyond their values. */
static triad_status find_hits(align_findings *f, const double *value, const align_plan *plan, unsigned p, bool test,
                              bool csls, const align_place *places, const align_seen *seen, align_influence *influence,
                              double *room, triad_error *err)
{
    const size_t n = seen->n;
    for (size_t i = 0; i < plan->count; i++) {
        const align_spec *spec = &plan->spec[i];
        if (spec->family != ALIGN_FAMILY_RETRIEVAL || spec->variant != p || spec->test != test || spec->csls != csls ||
            isnan(value[i]))
            continue;
        f->median_rank[i] = median_rank(places, n, spec->way, room);
        const unsigned ways = spec->way == ALIGN_WAY_MEAN ? 3 : 1U << spec->way;
        if (f->influences) {
            align_influence_clear(influence);
            align_influence_hits(influence, seen, spec->k, f->scores[i], ways);
            const triad_status status = keep_influence(f, i, influence, err);
            if (status != TRIAD_OK) return status;
        }
        if (f->columns == 0 || spec->q >= seen->ks) continue;
        double *grade = f->grade[i] = calloc(f->columns, sizeof *grade);
        if (grade == NULL) return out_of_memory(err);
        for (size_t c = 0; c < f->columns; c++) {
            double asked = 0; /* sentences that have a word in the column */
            for (unsigned way = 0; way < 2; way++)
                for (size_t r = 0; ways >> way & 1 && r < n; r++) {
                    if (f->cells[r * f->columns + c] == UINT32_MAX) continue;
                    grade[c] += seen->grade[((way * n + r) * seen->ks + spec->q) * f->columns + c];
                    asked++;
                }
            grade[c] = asked > 0 ? grade[c] / asked : NAN;
        }
    }
    return TRIAD_OK;
}

static triad_status measure_retrieval(double *value, align_findings *f, const align_plan *plan, const align_view *x,
                                      const align_view *y, const align_folds *folds, align_influence *influence,
                                      triad_error *err)
{
    const size_t n = x->n;
    align_place *room = malloc((8 * n + 1) * sizeof *room);
    double *ranks = malloc((2 * n + 1) * sizeof *ranks);
    align_scratch scratch = {0};
    align_seen seen[4] = {{0}};
    triad_status status = room && ranks ? TRIAD_OK : out_of_memory(err);
    size_t ks = 0;
    while (ks < plan->ks && plan->k[ks] <= n) ks++;
    for (size_t i = 0; f && i < plan->count && status == TRIAD_OK; i++)
        if (plan->spec[i].family == ALIGN_FAMILY_RETRIEVAL && plan->spec[i].k <= n) status = keep_scores(f, i, n, err);
    for (unsigned p = 0; p < plan->protocols && status == TRIAD_OK; p++) {
        const align_protocol *protocol = &plan->protocol[p];
        const bool wanted[] = {protocol->nn_all, protocol->nn_test, protocol->csls_all, protocol->csls_test};
        if (!wanted[0] && !wanted[1] && !wanted[2] && !wanted[3] && !protocol->r2) continue;
        align_explained explained = {0};
        align_places places = {0};
        align_place *at[4];
        for (size_t i = 0; i < 4; i++) {
            at[i] = wanted[i] ? room + 2 * i * n : NULL;
            if (f == NULL || !wanted[i] || status != TRIAD_OK) continue;
            status = align_seen_create(&seen[i], n, plan->k, ks, f->cells, f->columns, err);
            places.seen[i] = &seen[i];
        }
        places.nn_all = at[0];
        places.nn_test = at[1];
        places.csls_all = at[2];
        places.csls_test = at[3];
        if (status == TRIAD_OK) status = measure_protocol(&places, &explained, plan, p, x, y, folds, &scratch, err);
        if (status == TRIAD_OK && protocol->r2) score_explained(value, plan, &explained);
        for (size_t i = 0; i < 4 && status == TRIAD_OK; i++) {
            if (!wanted[i]) continue;
            align_score_places(value, f ? f->scores : NULL, plan, p, i & 1, i >= 2, at[i], n);
            if (f) status = find_hits(f, value, plan, p, i & 1, i >= 2, at[i], &seen[i], influence, ranks, err);
        }
        for (size_t i = 0; i < 4; i++) align_seen_free(&seen[i]);
    }
    free(room);
    free(ranks);
    free(scratch.room);
    return status;
}

/* ---- all */

triad_status align_measure_pair(double *value, align_findings *f, const align_plan *plan, const align_view *x,
                                const align_view *y, const align_folds *folds, triad_error *err)
{
    const size_t n = x->n;
    align_influence influence = {0};
    triad_status status = TRIAD_OK;
    for (size_t i = 0; i < plan->count; i++) value[i] = NAN;
    if (f) status = start_findings(f, plan, err);
    if (f && status == TRIAD_OK) status = align_influence_create(&influence, n, f->words, err);
    if (status == TRIAD_OK)
        status =
            measure_overlap(value, f, plan, ALIGN_FAMILY_OVERLAP, plan->overlaps, &x->near, &y->near, &influence, err);
    if (status == TRIAD_OK)
        status = measure_overlap(value, f, plan, ALIGN_FAMILY_CENTRED, plan->centred_overlaps, &x->near_centred,
                                 &y->near_centred, &influence, err);
    for (size_t i = 0; i < plan->count && status == TRIAD_OK; i++)
        if (plan->spec[i].family == ALIGN_FAMILY_CKNNA && plan->spec[i].q < plan->usable)
            status = align_cknna(&value[i], &x->near, &y->near, plan->spec[i].q, err);
    if (status == TRIAD_OK) status = measure_matrices(value, f, plan, x, y, &influence, err);
    if (status == TRIAD_OK && plan->cca) {
        align_cca cca;
        status = align_cca_measure(&cca, &x->basis, &y->basis, x->raw, x->raw_d, y->raw, y->raw_d, err);
        const double parts[] = {cca.mean, cca.r2, cca.svcca, cca.pwcca_x, cca.pwcca_y};
        for (size_t i = 0; i < plan->count; i++)
            if (plan->spec[i].family == ALIGN_FAMILY_CCA) value[i] = parts[plan->spec[i].variant];
    }
    if (status == TRIAD_OK && plan->shape) {
        align_shape shape;
        status = align_shape_measure(&shape, x->x, x->d, y->x, y->d, n, err);
        const double parts[] = {shape.similarity, shape.dist2,     shape.dist,
                                shape.angular,    shape.disparity, shape.size_and_shape};
        for (size_t i = 0; i < plan->count; i++)
            if (plan->spec[i].family == ALIGN_FAMILY_SHAPE) value[i] = parts[plan->spec[i].variant];
    }
    if (status == TRIAD_OK && folds && plan->retrieval)
        status = measure_retrieval(value, f, plan, x, y, folds, &influence, err);
    for (size_t i = 0; f && f->scores && i < plan->count; i++)
        if (isnan(value[i])) {
            free(f->scores[i]);
            f->scores[i] = NULL;
        }
    align_influence_free(&influence);
    return status;
}
