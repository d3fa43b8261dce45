/* Several pairs of one result together: seeds of an agent, differences of two models. */
#include "align/align_kernel.h"
#include "align/intervals.h"
#include "align/matrices.h"
#include "align/statistics.h"
#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
}

/* How many seeds a side has: one more than the largest number; 0 for none. */
static size_t count_seeds(const triad_align_member *members, size_t count, bool y)
{
    size_t seeds = 0;
    for (size_t m = 0; m < count; m++) {
        const size_t seed = y ? members[m].seed_y : members[m].seed_x;
        if (seed != SIZE_MAX && seed + 1 > seeds) seeds = seed + 1;
    }
    return seeds;
}

/* weight [seeds]: how often each is in a resample of all, spread by sqrt(seeds / (seeds - 1)) about 1, as the variance
 * of a few seeds is underestimated by their own. */
static void draw_seeds(double *weight, size_t seeds, triad_pcg64 *rng)
{
    for (size_t s = 0; s < seeds; s++) weight[s] = 0;
    for (size_t s = 0; s < seeds; s++) weight[triad_pcg64_integers(rng, 0, (int64_t)seeds)] += 1;
    const double spread = seeds > 1 ? sqrt((double)seeds / (double)(seeds - 1)) : 0;
    for (size_t s = 0; s < seeds; s++) weight[s] = 1 + spread * (weight[s] - 1);
}

typedef struct contrasting {
    const triad_align_result *result;
    const triad_align_measure **measure; /* [count] */
    const triad_align_member *members;
    size_t count, plus, minus, seeds_x, seeds_y;
    align_range range;
} contrasting;

/* draws [bootstraps] over units; sentences, or words. */
static bool draw(double *draws, const contrasting *c, const align_units *units, bool words, double *seed_x,
                 double *seed_y, triad_error *err)
{
    align_resampling resampling;
    const triad_align_options *options = &c->result->options;
    if (align_resampling_create(&resampling, units, options->bootstraps, options->seed, err) != TRIAD_OK) return false;
    const size_t n = c->result->n;
    for (size_t r = 0; r < resampling.draws; r++) {
        triad_pcg64 rng;
        align_stream_seed(&rng, options->seed, ALIGN_STREAM_SEEDS, r);
        draw_seeds(seed_x, c->seeds_x, &rng);
        draw_seeds(seed_y, c->seeds_y, &rng);
        double moved = 0;
        for (size_t m = 0; m < c->count; m++) {
            const triad_align_member *member = &c->members[m];
            const double *influence = words ? c->measure[m]->word_influence : c->measure[m]->influence;
            const double by = align_dot(resampling.weight + r * units->units, influence, units->units) / (double)n;
            const double weight = (member->seed_x == SIZE_MAX ? 1 : seed_x[member->seed_x]) *
                                  (member->seed_y == SIZE_MAX ? 1 : seed_y[member->seed_y]);
            moved += (member->sign > 0 ? 1.0 / (double)c->plus : -1.0 / (double)c->minus) * weight *
                     align_moved(c->measure[m]->value, by, c->range);
        }
        draws[r] = moved;
    }
    align_resampling_free(&resampling);
    return true;
}

/* The members' weights need not sum to their number, so that a resample of seeds is moved by differences between seeds
 * alone: their common mean is taken out before and put back. */
static void centre_members(double *draws, size_t count, double value)
{
    double mean = 0;
    for (size_t r = 0; r < count; r++) mean += draws[r] / (double)count;
    for (size_t r = 0; r < count; r++) draws[r] += value - mean;
}

/* A mean stays in its members' range, whatever the weights of seeds; a difference has none. */
static void keep_in_range(double *low, double *high, const contrasting *c)
{
    if (c->minus > 0 || c->range == ALIGN_RANGE_ANY) return;
    *low = fmax(*low, c->range == ALIGN_RANGE_SHARE ? 0 : -1);
    *high = fmin(*high, 1);
}

triad_status triad_align_contrast_of(triad_align_contrast *contrast, const triad_align_result *result, const char *name,
                                     const triad_align_member *members, size_t count, triad_error *err)
{
    *contrast = (triad_align_contrast){NAN, NAN, NAN, NAN, NAN, NAN, 0, 0};
    contrasting c = {.result = result,
                     .members = members,
                     .count = count,
                     .range = align_range_of(name),
                     .seeds_x = count_seeds(members, count, false),
                     .seeds_y = count_seeds(members, count, true)};
    const size_t bootstraps = result->options.bootstraps;
    c.measure = calloc(count + 1, sizeof *c.measure);
    double *draws = malloc((bootstraps + 1) * sizeof *draws), *seeds = calloc(c.seeds_x + c.seeds_y + 1, sizeof *seeds);
    align_units sentences = {0}, words = {.n = result->n, .units = result->units, .strata = result->strata};
    words.first = malloc(sizeof result->first);
    triad_status status = c.measure && draws && seeds && words.first ? TRIAD_OK : out_of_memory(err);
    bool all = true, worded = result->strata > 0;
    double value = 0, sum[2] = {0};
    for (size_t m = 0; m < count; m++) *(members[m].sign > 0 ? &c.plus : &c.minus) += 1;
    for (size_t m = 0; m < count && status == TRIAD_OK; m++) {
        c.measure[m] = members[m].pair < result->pairs ? triad_align_find(&result->pair[members[m].pair], name) : NULL;
        if (c.measure[m] == NULL || isnan(c.measure[m]->value)) goto out; /* undefined */
        all = all && c.measure[m]->influence;
        worded = worded && c.measure[m]->word_influence;
        sum[members[m].sign > 0] += c.measure[m]->value;
    }
    if (status != TRIAD_OK || count == 0) goto out;
    value = (c.plus ? sum[1] / (double)c.plus : 0) - (c.minus ? sum[0] / (double)c.minus : 0);
    contrast->value = value;
    contrast->seeds_x = c.seeds_x;
    contrast->seeds_y = c.seeds_y;
    if (!all || bootstraps == 0) goto out;
    status = align_units_sentences(&sentences, result->n, err);
    if (status != TRIAD_OK) goto out;
    if (!draw(draws, &c, &sentences, false, seeds, seeds + c.seeds_x, err)) {
        status = err ? err->code : TRIAD_ERR_MEMORY;
        goto out;
    }
    centre_members(draws, bootstraps, value);
    size_t below = 0, above = 0;
    for (size_t r = 0; r < bootstraps; r++) {
        below += draws[r] <= 0;
        above += draws[r] >= 0;
    }
    contrast->p = fmin(1, 2 * (double)((below < above ? below : above) + 1) / (double)(bootstraps + 1));
    align_interval(&contrast->low, &contrast->high, draws, bootstraps);
    keep_in_range(&contrast->low, &contrast->high, &c);
    const bool hits = c.minus == 0 && strncmp(name, "retrieval/", 10) == 0; /* of the mean of shares of hits */
    if (hits) align_bound_hits(&contrast->low, &contrast->high, value, result->n);
    if (!worded) goto out;
    memcpy(words.first, result->first, sizeof result->first);
    if (!draw(draws, &c, &words, true, seeds, seeds + c.seeds_x, err)) {
        status = err ? err->code : TRIAD_ERR_MEMORY;
        goto out;
    }
    centre_members(draws, bootstraps, value);
    align_interval(&contrast->low_groups, &contrast->high_groups, draws, bootstraps);
    keep_in_range(&contrast->low_groups, &contrast->high_groups, &c);
    if (hits) align_bound_hits(&contrast->low_groups, &contrast->high_groups, value, result->n);
out:
    free(c.measure);
    free(draws);
    free(seeds);
    free(words.first);
    align_units_free(&sentences);
    return status;
}

static const triad_align_set *find_set(const triad_align_set *sets, size_t count, const char *name)
{
    for (size_t s = 0; s < count; s++)
        if (strcmp(sets[s].name, name) == 0) return &sets[s];
    return NULL;
}

/* Which seed of the thing a side is: SIZE_MAX - 1 when it is the thing itself, SIZE_MAX when it has no part in it. */
static size_t part_of(const triad_align_set *set, const char *thing, const char *side)
{
    if (set == NULL) return strcmp(thing, side) == 0 ? SIZE_MAX - 1 : SIZE_MAX;
    for (size_t m = 0; m < set->count; m++)
        if (strcmp(set->members[m], side) == 0) return m;
    return SIZE_MAX;
}

triad_status triad_align_between(triad_align_member **members, size_t *count, const triad_align_result *result,
                                 const triad_align_set *sets, size_t set_count, const char *x, const char *y,
                                 triad_error *err)
{
    const triad_align_set *sx = find_set(sets, set_count, x), *sy = find_set(sets, set_count, y);
    *count = 0;
    *members = malloc((result->pairs + 1) * sizeof **members);
    if (*members == NULL) return out_of_memory(err);
    for (size_t p = 0; p < result->pairs; p++)
        for (unsigned turned = 0; turned < 2; turned++) {
            const char *a = result->name[turned ? result->pair[p].y : result->pair[p].x],
                       *b = result->name[turned ? result->pair[p].x : result->pair[p].y];
            const size_t seed_x = part_of(sx, x, a), seed_y = part_of(sy, y, b);
            if (seed_x == SIZE_MAX || seed_y == SIZE_MAX || strcmp(x, y) == 0) continue;
            (*members)[(*count)++] = (triad_align_member){p, 1, seed_x == SIZE_MAX - 1 ? SIZE_MAX : seed_x,
                                                          seed_y == SIZE_MAX - 1 ? SIZE_MAX : seed_y};
            break;
        }
    return TRIAD_OK;
}

void triad_align_multiplicity(const triad_align_result *result, size_t null, char *text, size_t size)
{
    text[0] = '\0';
    size_t draws = 0, pairs = 0;
    for (size_t p = 0; p < result->pairs; p++) {
        bool any = false;
        for (size_t i = 0; i < result->pair[p].measures; i++) {
            const triad_align_null *of = triad_align_null_of(&result->pair[p].measure[i], null);
            any |= of->present;
            if (of->present && of->draws > draws) draws = of->draws;
        }
        pairs += any;
    }
    if (pairs < 2) return;
    const double least = 1 / ((double)draws + 1);
    if (least * (double)pairs > 0.05)
        snprintf(
            text, size,
            "%s: over %zu pairs p_holm cannot reach 0.05 with %zu draws (the smallest p is %.3g): read p_max, which "
            "shares the draws.",
            TRIAD_ALIGN_NULLS[null], pairs, draws, least);
    else
        snprintf(text, size, "%s: p is for each pair alone; p_max, p_holm and p_bh in the file are over all %zu pairs.",
                 TRIAD_ALIGN_NULLS[null], pairs);
}

triad_status triad_align_mean_space(triad_space *mean, const triad_space *const *spaces,
                                    const triad_layer *const *layers, size_t count, triad_error *err)
{
    memset(mean, 0, sizeof *mean);
    const triad_items **items = calloc(count + 1, sizeof *items);
    size_t *rows = NULL, n = 0, width = 0;
    const char **text = NULL;
    double *x = NULL;
    triad_items own = {0};
    triad_status status = items ? TRIAD_OK : out_of_memory(err);
    if (status == TRIAD_OK && count == 0) status = triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "mean space: of nothing");
    for (size_t s = 0; status == TRIAD_OK && s < count; s++) {
        items[s] = &spaces[s]->items;
        width += layers[s]->d;
    }
    if (status == TRIAD_OK && count == 1) items[1] = items[0]; /* pairing wants two */
    const triad_items *pair[2] = {items ? items[0] : NULL, items ? items[0] : NULL};
    if (status == TRIAD_OK)
        status = triad_spaces_pair(&rows, &n, count == 1 ? pair : items, count == 1 ? 2 : count, err);
    const size_t factors = status == TRIAD_OK ? items[0]->factors : 0;
    if (status == TRIAD_OK) {
        text = malloc((n * (2 + factors) + 1) * sizeof *text);
        x = malloc((n * width + 1) * sizeof *x);
        if (text == NULL || x == NULL) status = out_of_memory(err);
    }
    for (size_t i = 0; status == TRIAD_OK && i < n; i++) {
        text[i] = items[0]->id[rows[i]];
        text[n + i] = items[0]->text[rows[i]];
        for (size_t f = 0; f < factors; f++)
            text[2 * n + i * factors + f] = triad_items_cell(items[0], rows[i], (int)f);
    }
    if (status == TRIAD_OK)
        status = triad_items_create(&own, n, text, text + n, factors, (const char *const *)items[0]->factor,
                                    text + 2 * n, err);
    if (status == TRIAD_OK) status = triad_space_create(mean, &own, "mean", "", "sentence", "baseline", err);
    float *data;
    if (status == TRIAD_OK) status = triad_space_add_layer(mean, "0", n, width, &data, err);
    for (size_t s = 0, at = 0; status == TRIAD_OK && s < count; at += layers[s++]->d) {
        const size_t d = layers[s]->d;
        for (size_t i = 0; i < n; i++)
            for (size_t c = 0; c < d; c++) x[i * d + c] = layers[s]->data[rows[s * n + i] * d + c];
        status = align_centre(x, n, d, err);
        const double squares = align_dot(x, x, n * d), scale = squares > 0 ? sqrt((double)n / squares) : 0;
        for (size_t i = 0; status == TRIAD_OK && i < n; i++)
            for (size_t c = 0; c < d; c++) /* as they came: centring would change cosines */
                data[i * width + at + c] = (float)(scale * layers[s]->data[rows[s * n + i] * d + c]);
    }
    triad_items_free(&own);
    free(items);
    free(rows);
    free(text);
    free(x);
    if (status != TRIAD_OK) triad_space_free(mean);
    return status;
}
