#include "align/retrieval.h"

#include "align/align_kernel.h"
#include "align/linear.h"
#include "align/matrices.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double RANK_TOLERANCE = 1e-10;

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "retrieval: out of memory");
}

/* ---- splits */

triad_status align_split_create(align_split *split, const uint8_t *held_out, size_t n, triad_error *err)
{
    *split = (align_split){.n = n, .position = malloc((n ? n : 1) * sizeof *split->position)};
    if (split->position == NULL) return out_of_memory(err);
    for (size_t i = 0; i < n; i++)
        if (held_out == NULL || !held_out[i]) split->position[split->train++] = (uint32_t)i;
    split->query = held_out ? split->train : 0;
    size_t at = split->train;
    for (size_t i = 0; held_out && i < n; i++)
        if (held_out[i]) split->position[at++] = (uint32_t)i;
    return TRIAD_OK;
}

void align_split_free(align_split *split)
{
    free(split->position);
    *split = (align_split){0};
}

/* ---- preparation */

void align_part_free(align_part *part)
{
    free(part->rows);
    free(part->unit);
    *part = (align_part){0};
}

static triad_status finish_part(align_part *part, triad_error *err)
{
    part->unit = malloc((part->n * part->width + 1) * sizeof *part->unit);
    if (part->unit == NULL) {
        align_part_free(part);
        return out_of_memory(err);
    }
    memcpy(part->unit, part->rows, part->n * part->width * sizeof *part->unit);
    align_unit_rows(part->unit, part->n, part->width);
    return TRIAD_OK;
}

/* mean [d] of the training rows */
static void training_mean(double *mean, const double *x, size_t d, const align_split *split, const uint32_t *order)
{
    memset(mean, 0, d * sizeof *mean);
    for (size_t t = 0; t < split->train; t++) {
        const double *row = x + (order ? order[split->position[t]] : split->position[t]) * d;
        for (size_t c = 0; c < d; c++) mean[c] += row[c];
    }
    for (size_t c = 0; c < d; c++) mean[c] /= (double)split->train;
}

/* z [n, q]: rows minus the training mean, at unit length, in the split's order. */
static triad_status scale_by_training(double *z, const align_rows *rows, const align_split *split,
                                      const uint32_t *order, bool quick, triad_error *err)
{
    const size_t d = rows->d, q = quick ? rows->lead_d : d;
    double *mean = malloc((d + q + 1) * sizeof *mean), *lead_mean = mean + d;
    if (mean == NULL) return out_of_memory(err);
    training_mean(mean, rows->x, d, split, order);
    if (quick) training_mean(lead_mean, rows->lead, q, split, order);
    const double mean_square = align_dot(mean, mean, d);
    for (size_t t = 0; t < split->n; t++) {
        const size_t r = order ? order[split->position[t]] : split->position[t];
        const double *row = rows->x + r * d, squares = align_square_distance(row, mean, d);
        /* What rounding leaves of a row that is the mean is no direction. */
        const double scale = squares > 1e-26 * (mean_square + align_dot(row, row, d)) ? 1 / sqrt(squares) : 0;
        const double *from = quick ? rows->lead + r * q : row, *shift = quick ? lead_mean : mean;
        for (size_t c = 0; c < q; c++) z[t * q + c] = (from[c] - shift[c]) * scale;
    }
    free(mean);
    return TRIAD_OK;
}

/* The `cap` leading principal axes [cap, q] of z's training rows by the eigenvectors of the smaller product, where the
 * gap behind them is wide enough to trust them (eigenvectors are good to eps * largest / gap). */
static triad_status quick_axes(double *axes, bool *good, const double *z, size_t m, size_t q, size_t cap, bool quick,
                               triad_error *err)
{
    const size_t small = q <= m ? q : m;
    double *product = malloc(small * small * sizeof *product), *vectors = malloc((cap + 1) * small * sizeof *vectors),
           *values = malloc((cap + 1) * sizeof *values);
    triad_status status = product && vectors && values ? TRIAD_OK : out_of_memory(err);
    if (status == TRIAD_OK) {
        align_gram(product, z, q, q <= m, small, q <= m ? m : q);
        status = align_eigen(values, vectors, product, small, cap + 1, err);
    }
    *good = false;
    if (status == TRIAD_OK) {
        const double trusted = 1e-9 * values[0];
        *good = values[cap - 1] > trusted && (quick || values[cap - 1] - values[cap] > trusted);
        if (*good && q <= m) memcpy(axes, vectors, cap * q * sizeof *axes);
        if (*good && q > m) {
            for (size_t i = 0; i < cap; i++)
                for (size_t c = 0; c < m; c++) vectors[i * m + c] /= sqrt(values[i]);
            align_product(axes, vectors, false, m, z, false, q, cap, q, m);
        }
    }
    free(product);
    free(vectors);
    free(values);
    return status;
}

triad_status align_prepare(align_part *part, const align_rows *rows, const align_split *split, const uint32_t *order,
                           size_t cap, bool quick, triad_error *err)
{
    const size_t n = split->n, m = split->train;
    quick = quick && rows->lead != NULL;
    const size_t q = quick ? rows->lead_d : rows->d, most = m < q ? m : q;
    *part = (align_part){.n = n};
    triad_status status = TRIAD_OK;
    double *z = malloc((n * q + 1) * sizeof *z), *mean = calloc(q + 1, sizeof *mean),
           *axes = malloc((most * q + 1) * sizeof *axes), *s = NULL, *left = NULL, *train = NULL;
    if (!z || !mean || !axes) {
        status = out_of_memory(err);
        goto out;
    }
    if (m == 0 || q == 0) goto out;
    status = scale_by_training(z, rows, split, order, quick, err);
    if (status != TRIAD_OK) goto out;
    double spread = 0;
    for (size_t t = 0; t < m; t++)
        for (size_t c = 0; c < q; c++) mean[c] += z[t * q + c];
    for (size_t t = 0; t < n; t++)
        for (size_t c = 0; c < q; c++) {
            z[t * q + c] -= mean[c] / (double)m;
            if (t < m) spread += z[t * q + c] * z[t * q + c];
        }
    if (!(spread > 1e-24 * (double)m)) goto out; /* constant */

    size_t rank = 0;
    if (cap > 0 && cap < most) {
        bool good;
        status = quick_axes(axes, &good, z, m, q, cap, quick, err);
        if (status != TRIAD_OK) goto out;
        if (good) rank = cap;
    }
    if (rank == 0) {
        s = malloc(most * sizeof *s);
        left = malloc(m * most * sizeof *left);
        train = malloc(m * q * sizeof *train);
        if (!s || !left || !train) {
            status = out_of_memory(err);
            goto out;
        }
        memcpy(train, z, m * q * sizeof *train);
        status = align_svd(s, left, axes, train, m, q, err);
        if (status != TRIAD_OK) goto out;
        while (rank < most && s[rank] > RANK_TOLERANCE * s[0]) rank++;
        if (cap > 0 && rank > cap) rank = cap;
    }
    part->width = rank;
    part->rows = malloc((n * rank + 1) * sizeof *part->rows);
    if (part->rows == NULL) {
        status = out_of_memory(err);
        goto out;
    }
    align_product(part->rows, z, false, q, axes, true, q, n, rank, q);
    status = finish_part(part, err);
out:
    free(z);
    free(mean);
    free(axes);
    free(s);
    free(left);
    free(train);
    if (status != TRIAD_OK) align_part_free(part);
    return status;
}

triad_status align_prepare_plain(align_part *part, const align_rows *rows, const align_split *split, triad_error *err)
{
    *part =
        (align_part){.n = split->n, .width = rows->d, .rows = malloc((split->n * rows->d + 1) * sizeof *part->rows)};
    if (part->rows == NULL) return out_of_memory(err);
    const triad_status status = scale_by_training(part->rows, rows, split, NULL, false, err);
    if (status == TRIAD_OK) return finish_part(part, err);
    align_part_free(part);
    return status;
}

triad_status align_prepare_given(align_part *part, const double *rows, size_t stride, size_t width,
                                 const align_split *split, triad_error *err)
{
    *part = (align_part){.n = split->n, .width = width, .rows = malloc((split->n * width + 1) * sizeof *part->rows)};
    if (part->rows == NULL) return out_of_memory(err);
    for (size_t t = 0; t < split->n; t++)
        memcpy(part->rows + t * width, rows + split->position[t] * stride, width * sizeof *rows);
    return finish_part(part, err);
}

/* ---- the map */

static triad_status take_scratch(double **out, align_scratch *scratch, size_t count, triad_error *err)
{
    if (count > scratch->size) {
        free(scratch->room);
        scratch->size = 0;
        scratch->room = malloc(count * sizeof *scratch->room);
        if (scratch->room == NULL) return out_of_memory(err);
        scratch->size = count;
    }
    *out = scratch->room;
    return TRIAD_OK;
}

static triad_status fit_map(double *w, const double *a, size_t stride_a, size_t wa, const double *b, size_t stride_b,
                            size_t wb, size_t n, double *cross, double *u, double *vt, double *s, triad_error *err)
{
    const size_t c = wa < wb ? wa : wb;
    align_product(cross, a, true, stride_a, b, false, stride_b, wa, wb, n);
    const triad_status status = align_svd(s, u, vt, cross, wa, wb, err);
    if (status != TRIAD_OK) return status;
    size_t rank = 0;
    while (rank < c && s[rank] > RANK_TOLERANCE * s[0]) rank++;
    if (rank == 0)
        memset(w, 0, wa * wb * sizeof *w); /* the fit found nothing: everything maps to nothing */
    else
        align_product(w, u, false, c, vt, false, wb, wa, wb, rank);
    return TRIAD_OK;
}

triad_status align_procrustes(double *w, const double *a, size_t stride_a, size_t wa, const double *b, size_t stride_b,
                              size_t wb, size_t n, align_scratch *scratch, triad_error *err)
{
    const size_t c = wa < wb ? wa : wb;
    double *room = NULL;
    triad_status status = take_scratch(&room, scratch, wa * wb + wa * c + c * wb + c + 1, err);
    if (status == TRIAD_OK)
        status = fit_map(w, a, stride_a, wa, b, stride_b, wb, n, room, room + wa * wb, room + wa * wb + wa * c,
                         room + wa * wb + wa * c + c * wb, err);
    return status;
}

/* ---- asking */

double align_hit(align_place place, size_t k, align_tie tie)
{
    if (tie == ALIGN_OPTIMISTIC) return place.above < k;
    if (tie == ALIGN_PESSIMISTIC) return (size_t)place.above + place.equal <= k;
    const double hit = ((double)k - (double)place.above) / (double)place.equal;
    return hit < 0 ? 0 : hit > 1 ? 1 : hit;
}

/* Mean of the largest few of values [n] that lie `stride` apart. */
static double mean_of_largest(const double *values, size_t n, size_t stride)
{
    double best[ALIGN_CSLS_NEIGHBOURS];
    const size_t most = n < ALIGN_CSLS_NEIGHBOURS ? n : ALIGN_CSLS_NEIGHBOURS;
    size_t held = 0;
    for (size_t i = 0; i < n; i++) {
        const double value = values[i * stride];
        if (held == most && value <= best[most - 1]) continue;
        size_t at = held < most ? held++ : most - 1;
        for (; at > 0 && best[at - 1] < value; at--) best[at] = best[at - 1];
        best[at] = value;
    }
    double sum = 0;
    for (size_t i = 0; i < held; i++) sum += best[i];
    return sum / (double)most;
}

/* ---- who is seen */

triad_status align_seen_create(align_seen *seen, size_t n, const size_t *k, size_t ks, const uint32_t *cells,
                               size_t columns, triad_error *err)
{
    const size_t most = ks > 0 ? k[ks - 1] : 0;
    *seen = (align_seen){.n = n, .most = most, .ks = ks, .k = k, .columns = columns, .cells = cells};
    seen->above = calloc(2 * n + 1, sizeof *seen->above);
    seen->row = malloc((2 * n * most + 1) * sizeof *seen->row);
    seen->grade = calloc(2 * n * ks * columns + 1, sizeof *seen->grade);
    if (seen->above && seen->row && seen->grade) return TRIAD_OK;
    align_seen_free(seen);
    return out_of_memory(err);
}

void align_seen_free(align_seen *seen)
{
    free(seen->above);
    free(seen->row);
    free(seen->grade);
    *seen = (align_seen){0};
}

/* The `most` largest of scores [n] on the grid, descending, into best; how many there are. */
static size_t largest(double *best, const double *scores, size_t n, size_t most)
{
    size_t held = 0;
    for (size_t j = 0; j < n; j++) {
        if (held == most && scores[j] * ALIGN_SCORE_GRID <= best[held - 1] - 1) continue;
        const double value = rint(scores[j] * ALIGN_SCORE_GRID);
        if (held == most && value <= best[held - 1]) continue;
        size_t at = held < most ? held++ : most - 1;
        for (; at > 0 && best[at - 1] < value; at--) best[at] = best[at - 1];
        best[at] = value;
    }
    return held;
}

/* Row `own` of `way` against the pool: position [n] names the rows of scores [n]. room [most] */
static void see(align_seen *seen, unsigned way, uint32_t own, const double *scores, const uint32_t *position, size_t n,
                double right, size_t above, double *room)
{
    if (seen == NULL) return;
    const size_t at = way * seen->n + own, columns = seen->columns;
    seen->above[at] = (uint32_t)(above > seen->most ? seen->most + 1 : above);
    uint32_t *list = seen->row + at * seen->most;
    for (size_t j = 0, found = 0; found < above && above <= seen->most && j < n; j++)
        if (rint(scores[j] * ALIGN_SCORE_GRID) > right) list[found++] = position[j];
    if (columns == 0) return;
    const size_t held = largest(room, scores, n, seen->most);
    const uint32_t *mine = seen->cells + own * columns;
    for (size_t q = 0; q < seen->ks && seen->k[q] <= held; q++) {
        const double least = room[seen->k[q] - 1];
        size_t higher = 0, equal = 0;
        double *grade = seen->grade + (at * seen->ks + q) * columns, tied[16] = {0};
        for (size_t j = 0; j < n; j++) {
            if (scores[j] * ALIGN_SCORE_GRID < least - 1) continue;
            const double value = rint(scores[j] * ALIGN_SCORE_GRID);
            if (value < least) continue;
            const uint32_t *theirs = seen->cells + position[j] * columns;
            for (size_t c = 0; c < columns && c < 16; c++)
                *(value > least ? &grade[c] : &tied[c]) += theirs[c] == mine[c];
            *(value > least ? &higher : &equal) += 1;
        }
        const double k = (double)seen->k[q], share = (k - (double)higher) / (double)equal;
        for (size_t c = 0; c < columns && c < 16; c++) grade[c] = (grade[c] + share * tied[c]) / k;
    }
}

static void place_nn(align_place *places, const double *scores, const align_split *split, bool test, align_seen *seen,
                     unsigned way, double *room)
{
    const size_t n = split->n, first = test ? split->query : 0;
    for (size_t t = split->query; t < n; t++) {
        const double *row = scores + (t - split->query) * n, own = rint(row[t] * ALIGN_SCORE_GRID);
        align_place *place = &places[split->position[t]];
        align_count_places(row + first, n - first, own, &place->above, &place->equal);
        see(seen, way, split->position[t], row + first, split->position + first, n - first, own, place->above, room);
    }
}

/* CSLS (Lample et al. 2018) on the pool's own cosines. full [n, n]: every row of the split, mapped, against every
 * target. room [3 n] */
static void place_csls(align_place *places, const double *full, const align_split *split, bool test, align_seen *seen,
                       unsigned way, double *room)
{
    const size_t n = split->n, first = test ? split->query : 0, pool = n - first;
    double *of_target = room, *row = room + n;
    for (size_t j = 0; j < pool; j++) of_target[j] = mean_of_largest(full + first * n + first + j, pool, n);
    for (size_t t = split->query; t < n; t++) {
        const double *cosine = full + t * n + first, of_source = mean_of_largest(cosine, pool, 1);
        for (size_t j = 0; j < pool; j++) row[j] = 2 * cosine[j] - of_source - of_target[j];
        align_place *place = &places[split->position[t]];
        const double own = rint(row[t - first] * ALIGN_SCORE_GRID);
        align_count_places(row, pool, own, &place->above, &place->equal);
        see(seen, way, split->position[t], row, split->position + first, pool, own, place->above, room + 2 * n);
    }
}

void align_place_all(const align_places *places, unsigned way, const double *scores, const double *asking,
                     const align_split *split, double *room)
{
    align_seen *const *seen = places->seen;
    const size_t at = way * split->n;
    if (places->nn_all) place_nn(places->nn_all + at, asking, split, false, seen[0], way, room);
    if (places->nn_test) place_nn(places->nn_test + at, asking, split, true, seen[1], way, room);
    if (places->csls_all) place_csls(places->csls_all + at, scores, split, false, seen[2], way, room);
    if (places->csls_test) place_csls(places->csls_test + at, scores, split, true, seen[3], way, room);
}

static void place_equal(align_place *places, const align_split *split, bool test)
{
    if (places == NULL) return;
    for (size_t t = split->query; t < split->n; t++)
        places[split->position[t]] = (align_place){0, (uint32_t)(test ? split->n - split->query : split->n)};
}

triad_status align_retrieve(const align_places *places, const align_part *x, const align_part *y, bool truncated,
                            const align_split *split, align_scratch *scratch, triad_error *err)
{
    const size_t n = split->n, least = x->width < y->width ? x->width : y->width, wx = truncated ? least : x->width,
                 wy = truncated ? least : y->width, widest = wx > wy ? wx : wy, queries = n - split->query;
    const bool csls = places->csls_all || places->csls_test;
    if (least == 0) {
        for (size_t way = 0; way < 2; way++) {
            if (places->nn_all) place_equal(places->nn_all + way * n, split, false);
            if (places->nn_test) place_equal(places->nn_test + way * n, split, true);
            if (places->csls_all) place_equal(places->csls_all + way * n, split, false);
            if (places->csls_test) place_equal(places->csls_test + way * n, split, true);
        }
        return TRIAD_OK;
    }
    double *room = NULL;
    const size_t asked = csls ? n : queries, from = n - asked;
    const size_t sizes[] = {wx * wy,    wx * wy,        wx * least, least * wy, least,
                            n * widest, asked * widest, asked * n,  3 * n};
    double *at[sizeof sizes / sizeof *sizes];
    size_t total = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) total += sizes[i] + 1;
    triad_status status = take_scratch(&room, scratch, total, err);
    if (status != TRIAD_OK) return status;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; room += sizes[i++] + 1) at[i] = room;
    double *map = at[0], *unit = at[5], *mapped = at[6], *scores = at[7];
    status = fit_map(map, x->rows, x->width, wx, y->rows, y->width, wy, split->train, at[1], at[2], at[3], at[4], err);
    if (status != TRIAD_OK) return status;
    /* Both ways come from one decomposition: the map back is the transpose. */
    for (size_t way = 0; way < 2; way++) {
        const align_part *source = way ? y : x, *target = way ? x : y;
        const size_t ws = way ? wy : wx, wt = way ? wx : wy;
        const double *targets = target->unit;
        if (wt != target->width) { /* fewer dimensions than prepared: unit length among these */
            for (size_t t = 0; t < n; t++) memcpy(unit + t * wt, target->rows + t * target->width, wt * sizeof *unit);
            align_unit_rows(unit, n, wt);
            targets = unit;
        }
        align_product(mapped, source->rows + from * source->width, false, source->width, map, way == 1, wy, asked, wt,
                      ws);
        align_unit_rows(mapped, asked, wt);
        align_product(scores, mapped, false, wt, targets, true, wt, asked, n, wt);
        const double *asking = scores + (split->query - from) * n;
        align_place_all(places, (unsigned)way, scores, asking, split, at[8]);
    }
    return TRIAD_OK;
}
