#include "align/intervals.h"

#include "align/align_kernel.h"
#include "align/statistics.h"
#include "align/without_words.h"
#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "intervals: out of memory");
}

/* ---- units */

triad_status align_units_sentences(align_units *units, size_t n, triad_error *err)
{
    *units = (align_units){.n = n, .units = n, .strata = 1};
    units->first = calloc(2, sizeof *units->first);
    units->offset = malloc((n + 1) * sizeof *units->offset);
    units->unit = malloc((n + 1) * sizeof *units->unit);
    if (!units->first || !units->offset || !units->unit) {
        align_units_free(units);
        return out_of_memory(err);
    }
    units->first[1] = n;
    for (size_t i = 0; i <= n; i++) units->offset[i] = i;
    for (size_t i = 0; i < n; i++) units->unit[i] = (uint32_t)i;
    return TRIAD_OK;
}

static int by_words(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int ascending(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* "colour2" of "colour"; -1 when there is none. */
static int twin_of(const triad_items *items, const char *column)
{
    char name[128];
    snprintf(name, sizeof name, "%.120s2", column);
    return triad_items_factor(items, name);
}

triad_status align_units_words(align_units *units, const triad_items *items, const size_t *rows, size_t n,
                               const char *const *columns, size_t count, triad_error *err)
{
    *units = (align_units){.n = n};
    units->first = calloc(count + 1, sizeof *units->first);
    units->name = calloc(count + 1, sizeof *units->name);
    units->offset = malloc((n + 1) * sizeof *units->offset);
    units->unit = malloc((2 * n * count + 1) * sizeof *units->unit);
    const char **word = malloc((2 * n + 1) * sizeof *word);
    uint32_t *held = malloc((2 * n * count + 1) * sizeof *held); /* [n, 2 count], UINT32_MAX: nothing */
    triad_status status = TRIAD_OK;
    if (!units->first || !units->name || !units->offset || !units->unit || !word || !held) {
        status = out_of_memory(err);
        goto out;
    }
    for (size_t s = 0; s < count; s++) {
        const int column[2] = {triad_items_factor(items, columns[s]), twin_of(items, columns[s])};
        if (column[0] < 0) {
            status = triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                                "groups: the sentences have no column %s (triad info lists them)", columns[s]);
            goto out;
        }
        size_t words = 0, distinct = 0;
        for (size_t i = 0; i < n; i++)
            for (size_t t = 0; t < 2; t++) {
                const char *cell = column[t] < 0 ? "" : triad_items_cell(items, rows[i], column[t]);
                if (cell[0]) word[words++] = cell;
            }
        qsort(word, words, sizeof *word, by_words);
        for (size_t i = 0; i < words; i++)
            if (i == 0 || strcmp(word[i], word[i - 1]) != 0) word[distinct++] = word[i];
        for (size_t i = 0; i < n; i++)
            for (size_t t = 0; t < 2; t++) {
                const char *cell = column[t] < 0 ? "" : triad_items_cell(items, rows[i], column[t]);
                const char **at =
                    cell[0] && distinct > 1 ? bsearch(&cell, word, distinct, sizeof *word, by_words) : NULL;
                held[i * 2 * count + 2 * s + t] = at ? (uint32_t)(units->units + (size_t)(at - word)) : UINT32_MAX;
            }
        if (distinct < 2) continue;
        units->units += distinct;
        units->name[units->strata] = strdup(columns[s]);
        if (units->name[units->strata] == NULL) {
            status = out_of_memory(err);
            goto out;
        }
        units->first[++units->strata] = units->units;
    }
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        units->offset[i] = at;
        uint32_t *own = held + i * 2 * count;
        qsort(own, 2 * count, sizeof *own, ascending);
        for (size_t t = 0; t < 2 * count; t++)
            if (own[t] != UINT32_MAX && (t == 0 || own[t] != own[t - 1])) units->unit[at++] = own[t];
    }
    units->offset[n] = at;
out:
    free(word);
    free(held);
    if (status != TRIAD_OK) align_units_free(units);
    return status;
}

void align_units_free(align_units *units)
{
    for (size_t s = 0; units->name && s < units->strata; s++) free(units->name[s]);
    free(units->name);
    free(units->first);
    free(units->offset);
    free(units->unit);
    *units = (align_units){0};
}

/* ---- resamples */

triad_status align_resampling_create(align_resampling *resampling, const align_units *units, size_t draws,
                                     uint64_t seed, triad_error *err)
{
    const size_t n = units->units;
    *resampling =
        (align_resampling){.n = n, .draws = draws, .weight = calloc(draws * n + 1, sizeof *resampling->weight)};
    if (resampling->weight == NULL) return out_of_memory(err);
    for (size_t b = 0; b < draws; b++) {
        triad_pcg64 rng;
        align_stream_seed(&rng, seed, ALIGN_STREAM_BOOTSTRAP, b);
        for (size_t s = 0; s < units->strata; s++) {
            const int64_t low = (int64_t)units->first[s], high = (int64_t)units->first[s + 1];
            for (int64_t i = low; i < high; i++)
                resampling->weight[b * n + (size_t)triad_pcg64_integers(&rng, low, high)] += 1;
        }
    }
    return TRIAD_OK;
}

void align_resampling_free(align_resampling *resampling)
{
    free(resampling->weight);
    *resampling = (align_resampling){0};
}

void align_resample_scores(double *means, const align_resampling *resampling, const double *scores)
{
    const size_t n = resampling->n;
    for (size_t r = 0; r < resampling->draws; r++)
        means[r] = align_dot(resampling->weight + r * n, scores, n) / (double)n;
}

align_range align_range_of(const char *name)
{
    static const char *const shares[] = {"retrieval/", "mutual_knn", "jaccard_knn"};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        if (strncmp(name, shares[i], strlen(shares[i])) == 0) return ALIGN_RANGE_SHARE;
    return ALIGN_RANGE_CORRELATION;
}

double align_moved(double value, double by, align_range range)
{
    /* To first order the same on either scale; the bounded one does not leave its range and is skewed as shares and
     * correlations are. */
    if (range == ALIGN_RANGE_CORRELATION && fabs(value) < 1) return tanh(atanh(value) + by / (1 - value * value));
    if (range == ALIGN_RANGE_SHARE && value > 0 && value < 1)
        return 1 / (1 + (1 - value) / value * exp(-by / (value * (1 - value))));
    return range == ALIGN_RANGE_ANY ? value + by : value;
}

void align_resample_value(double *draws, const align_resampling *resampling, const double *influence, size_t n,
                          double value, align_range range)
{
    const size_t units = resampling->n;
    for (size_t r = 0; r < resampling->draws; r++)
        draws[r] = align_moved(value, align_dot(resampling->weight + r * units, influence, units) / (double)n, range);
}

bool align_has_interval(const align_spec *spec, align_range *range)
{
    const align_matrix_kind kind = (align_matrix_kind)spec->variant;
    *range = ALIGN_RANGE_CORRELATION;
    switch (spec->family) {
    case ALIGN_FAMILY_OVERLAP:
    case ALIGN_FAMILY_CENTRED:
        *range = ALIGN_RANGE_SHARE;
        return spec->variant != ALIGN_OVERLAP_CYCLE;
    case ALIGN_FAMILY_RETRIEVAL:
        *range = ALIGN_RANGE_SHARE;
        return true;
    case ALIGN_FAMILY_RHO:
        return true;
    case ALIGN_FAMILY_MATRIX: /* not what counts a sentence's pair with itself */
        return align_is_unbiased(kind) || (align_is_rdm(kind) && !align_is_plain_rdm(kind));
    default:
        return false;
    }
}

double align_student(double df)
{
    const double z = 1.959963984540054;
    if (!(df < 1e6)) return z;
    if (df < 1.5) return 12.706;
    /* Cornish and Fisher's expansion about the normal quantile, good to 1e-2 from 2 degrees on. */
    const double z2 = z * z, g1 = z * (z2 + 1) / 4, g2 = z * ((5 * z2 + 16) * z2 + 3) / 96,
                 g3 = z * (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384,
                 g4 = z * ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / 92160;
    return z + (g1 + (g2 + (g3 + g4 / df) / df) / df) / df;
}

/* ---- influences */

triad_status align_influence_create(align_influence *influence, size_t n, const align_units *words, triad_error *err)
{
    *influence = (align_influence){.n = n, .words = words};
    influence->sentence = calloc(n + 1, sizeof *influence->sentence);
    influence->word = calloc((words ? words->units : 0) + 1, sizeof *influence->word);
    if (influence->sentence && influence->word) return TRIAD_OK;
    align_influence_free(influence);
    return out_of_memory(err);
}

void align_influence_free(align_influence *influence)
{
    free(influence->sentence);
    free(influence->word);
    *influence = (align_influence){0};
}

void align_influence_clear(align_influence *influence)
{
    memset(influence->sentence, 0, influence->n * sizeof *influence->sentence);
    if (influence->words) memset(influence->word, 0, influence->words->units * sizeof *influence->word);
    influence->second = 0;
}

static void add_words(align_influence *influence, size_t i, double v)
{
    const align_units *words = influence->words;
    for (size_t p = words ? words->offset[i] : 0; words && p < words->offset[i + 1]; p++)
        influence->word[words->unit[p]] += v;
}

/* To the words of j that are not i's. */
static void add_other_words(align_influence *influence, size_t i, size_t j, double v)
{
    const align_units *words = influence->words;
    for (size_t q = words ? words->offset[j] : 0, p = words ? words->offset[i] : 0; words && q < words->offset[j + 1];
         q++) {
        while (p < words->offset[i + 1] && words->unit[p] < words->unit[q]) p++;
        if (p == words->offset[i + 1] || words->unit[p] != words->unit[q]) influence->word[words->unit[q]] += v;
    }
}

void align_influence_own(align_influence *influence, size_t i, double v)
{
    influence->sentence[i] += v;
    add_words(influence, i, v);
}

static double centre(double *values, size_t n)
{
    double mean = 0, squares = 0;
    for (size_t i = 0; i < n; i++) mean += values[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        values[i] -= mean;
        squares += values[i] * values[i];
    }
    return squares;
}

static void scale(double *values, size_t n, double by)
{
    for (size_t i = 0; i < n; i++) values[i] *= by;
}

void align_influence_finish(align_influence *influence)
{
    const size_t n = influence->n;
    const double squares = centre(influence->sentence, n);
    double kept = squares > 0 ? 1 - influence->second / squares : 1;
    if (kept < 0.25) kept = 0.25; /* the first-order part is never nothing */
    scale(influence->sentence, n, sqrt(kept * (double)n / (double)(n > 1 ? n - 1 : 1)));
    const align_units *words = influence->words;
    if (words == NULL) return;
    double total = 0, parts = 0;
    for (size_t s = 0; s < words->strata; s++) {
        const size_t count = words->first[s + 1] - words->first[s];
        const double variance = centre(influence->word + words->first[s], count) * (double)count / (double)(count - 1);
        total += variance;
        parts += variance * variance / (double)(count - 1);
        scale(influence->word + words->first[s], count, sqrt((double)count / (double)(count - 1)));
    }
    if (parts > 0) scale(influence->word, words->units, align_student(total * total / parts) / align_student(INFINITY));
}

/* What the pair i, j changes goes with either sentence. */
static void add_pair(align_influence *influence, size_t i, size_t j, double g)
{
    influence->sentence[i] += g;
    influence->sentence[j] += g;
    influence->second += g * g;
}

/* Words' influences by leaving each out, its sentences with it. */
static triad_status leave_out_words(align_influence *influence, const align_matrix *x, const align_matrix *y,
                                    double value, double factor, align_left left, triad_error *err)
{
    const align_units *words = influence->words;
    if (words == NULL) return TRIAD_OK;
    double *without = influence->word;
    const triad_status status = align_values_without(without, words, x->values, y->values, left, err);
    for (size_t s = 0; status == TRIAD_OK && s < words->strata; s++) {
        const double count = (double)(words->first[s + 1] - words->first[s]);
        for (size_t u = words->first[s]; u < words->first[s + 1]; u++) {
            const double change = value - factor * without[u];
            influence->word[u] = isnan(change) ? 0 : (double)influence->n * (count - 1) / count * change;
        }
    }
    return status;
}

triad_status align_influence_matrices(align_influence *influence, const align_matrix *x, const align_matrix *y,
                                      double value, bool kernels, triad_error *err)
{
    const size_t n = influence->n;
    const double c = (double)n, both = align_ratio(1, x->norm, y->norm);
    for (size_t i = 1; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            const double a = x->values[i * n + j], b = y->values[i * n + j];
            add_pair(influence, i, j, 2 * c * (a * b * both - 0.5 * value * (a * a / x->norm + b * b / y->norm)));
        }
    return leave_out_words(influence, x, y, value, 1, kernels ? ALIGN_LEFT_KERNELS : ALIGN_LEFT_DISTANCES, err);
}

triad_status align_influence_products(align_influence *influence, const align_matrix *x, const align_matrix *y,
                                      double factor, triad_error *err)
{
    const size_t n = influence->n;
    const double c = (double)n;
    double mean = 0;
    for (size_t i = 1; i < n; i++)
        for (size_t j = 0; j < i; j++) mean += x->values[i * n + j] * y->values[i * n + j];
    mean /= 0.5 * c * (c - 1);
    for (size_t i = 1; i < n; i++)
        for (size_t j = 0; j < i; j++)
            add_pair(influence, i, j, c * factor * (x->values[i * n + j] * y->values[i * n + j] - mean));
    const double pairs = 0.5 * c * (c - 1);
    return leave_out_words(influence, x, y, factor * pairs * mean, factor * pairs, ALIGN_LEFT_PRODUCTS, err);
}

/* ---- neighbour overlap */

/* What row i's overlap changes with the weight of j, of its list of X and its list of Y: j is shared or not, and pushes
 * the last of either list over its edge, which is shared with probability edge_x or edge_y. */
typedef struct overlap_edges {
    const align_neighbours *x, *y;
    size_t q;
    double edge_x, edge_y;
    const double *slope; /* [n] of the row's figure by its overlap */
} overlap_edges;

static size_t place_in(const align_neighbours *near, size_t i, size_t q, uint32_t j)
{
    const size_t reached = near->reached[i * near->ks + q];
    const uint32_t *list = near->index + near->offset[i];
    for (size_t p = 0; p < reached; p++)
        if (list[p] == j) return p;
    return SIZE_MAX;
}

static double edge(const overlap_edges *e, size_t i, uint32_t j)
{
    const size_t px = place_in(e->x, i, e->q, j), py = place_in(e->y, i, e->q, j);
    const double a = px == SIZE_MAX ? 0 : align_membership(e->x, i, e->q, px),
                 b = py == SIZE_MAX ? 0 : align_membership(e->y, i, e->q, py);
    return e->slope[i] * (a * b - a * e->edge_x - b * e->edge_y) / (double)e->x->k[e->q];
}

/* Share of the last third of the rows' first k in one space that are among the first k of the other. */
static double shared_at_edge(const align_neighbours *from, const align_neighbours *other, size_t q)
{
    const size_t n = from->n, k = from->k[q], low = k - (k + 2) / 3;
    double shared = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t p = low; p < k; p++) {
            const size_t at = place_in(other, i, q, from->index[from->offset[i] + p]);
            if (at != SIZE_MAX) shared += align_membership(other, i, q, at);
        }
    return shared / (double)(n * (k - low));
}

triad_status align_influence_overlap(align_influence *influence, const align_neighbours *x, const align_neighbours *y,
                                     size_t q, align_overlap_kind kind, triad_error *err)
{
    const size_t n = influence->n;
    const bool jaccard = kind == ALIGN_OVERLAP_JACCARD;
    double *slope = malloc((n + 1) * sizeof *slope);
    if (slope == NULL) return out_of_memory(err);
    for (size_t i = 0; i < n; i++) {
        double shared = 0;
        for (size_t p = 0; jaccard && p < x->k[q]; p++)
            shared += place_in(y, i, q, x->index[x->offset[i] + p]) < y->k[q];
        const double s = shared / (double)x->k[q];
        slope[i] = jaccard ? 2 / ((2 - s) * (2 - s)) : 1;
    }
    double *row = malloc((n + 1) * sizeof *row), mean = 0; /* what each row has of the overlap */
    if (row == NULL) {
        free(slope);
        return out_of_memory(err);
    }
    const overlap_edges e = {x, y, q, shared_at_edge(x, y, q), shared_at_edge(y, x, q), slope};
    for (size_t i = 0; i < n; i++) {
        double sum = 0, shared = 0;
        size_t edges = 0;
        for (unsigned pass = 0; pass < 2; pass++)
            for (unsigned side = 0; side < 2; side++) {
                const align_neighbours *near = side ? y : x;
                const uint32_t *list = near->index + near->offset[i];
                for (size_t p = 0; p < near->reached[i * near->ks + q]; p++) {
                    const uint32_t j = list[p];
                    if (side && place_in(x, i, q, j) != SIZE_MAX) continue; /* seen from x's list */
                    const double forth = edge(&e, i, j);
                    if (pass == 0) {
                        const double back = edge(&e, j, (uint32_t)i);
                        influence->sentence[i] += forth;
                        influence->sentence[j] += forth;
                        influence->second += forth * (forth + back);
                        sum += forth;
                        edges++;
                        const size_t py = place_in(y, i, q, j);
                        if (side == 0 && py != SIZE_MAX)
                            shared += align_membership(x, i, q, p) * align_membership(y, i, q, py);
                    } else { /* other words than its own get what exceeds the row's mean: a row in whose place all is
                                well shared says nothing for its neighbours */
                        add_other_words(influence, i, j, forth - sum / (double)edges);
                    }
                }
            }
        row[i] = slope[i] * shared / (double)x->k[q];
        mean += row[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) add_words(influence, i, row[i] - mean);
    free(row);
    free(slope);
    return TRIAD_OK;
}

/* ---- retrieval */

void align_influence_hits(align_influence *influence, const align_seen *seen, size_t k, const double *scores,
                          unsigned ways)
{
    double mean = 0;
    for (size_t i = 0; i < influence->n; i++) mean += scores[i] / (double)influence->n;
    for (size_t i = 0; i < influence->n; i++) align_influence_own(influence, i, scores[i] - mean);
    const double weight = (ways & 3) == 3 ? 0.25 : 0.5;
    for (unsigned way = 0; way < 2; way++)
        for (size_t i = 0; ways >> way & 1 && i < influence->n; i++) {
            const size_t above = seen->above[way * influence->n + i];
            if (above != k && above + 1 != k) continue;
            const uint32_t *list = seen->row + (way * influence->n + i) * seen->most;
            /* Of a word, which is in many rows, competitors are no small change: its own hits speak for it. */
            for (size_t p = 0; p < above; p++) influence->sentence[list[p]] -= weight;
        }
}

void align_bound_hits(double *low, double *high, double share, size_t n)
{
    const double bound = pow(0.025, 1 / (double)n);
    if (share == 1) *low = fmin(*low, bound);
    if (share == 0) *high = fmax(*high, 1 - bound);
}
