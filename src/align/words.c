#include "align/words.h"

#include "align/align_kernel.h"
#include "align/linear.h"
#include "align/matrices.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "leave-two-words: out of memory");
}

static uint32_t cell_of(const align_words *words, size_t i, size_t column)
{
    return words->cells[i * words->columns + column];
}

static bool holds(const align_words *words, size_t i, uint32_t word)
{
    return cell_of(words, i, words->column) == word ||
           (words->twin != SIZE_MAX && cell_of(words, i, words->twin) == word);
}

static bool differ_only_in_column(const align_words *words, size_t i, size_t j)
{
    for (size_t c = 0; c < words->columns; c++)
        if (c != words->column && cell_of(words, i, c) != cell_of(words, j, c)) return false;
    return true;
}

/* Weights of the split's held-out rows in the difference between rows with a and rows with b that differ in nothing
 * else; whether there are such rows. */
static bool weigh(double *weight, const align_words *words, const align_split *split, uint32_t a, uint32_t b)
{
    const uint32_t *row = split->position + split->train;
    const size_t count = split->n - split->train;
    size_t games = 0;
    memset(weight, 0, count * sizeof *weight);
    for (size_t s = 0; s < count; s++)
        for (size_t t = 0; cell_of(words, row[s], words->column) == a && t < count; t++) {
            if (cell_of(words, row[t], words->column) != b || !differ_only_in_column(words, row[s], row[t])) continue;
            weight[s] += 1;
            weight[t] -= 1;
            games++;
        }
    for (size_t s = 0; games > 0 && s < count; s++) weight[s] /= (double)games;
    return games > 0;
}

triad_status align_words_create(align_words *words, const uint32_t *cells, size_t n, size_t columns, size_t column,
                                size_t twin, triad_error *err)
{
    *words = (align_words){.n = n, .columns = columns, .column = column, .twin = twin, .cells = cells};
    for (size_t i = 0; i < n; i++) {
        const uint32_t word = cell_of(words, i, column);
        if (word != UINT32_MAX && word >= words->words) words->words = word + 1;
    }
    const size_t count = words->words, most = count * (count ? count - 1 : 0) / 2;
    uint8_t *held_out = malloc(n + 1);
    words->pair = calloc(most + 1, sizeof *words->pair);
    words->split = calloc(most + 1, sizeof *words->split);
    words->weight = calloc(most + 1, sizeof *words->weight);
    words->number = malloc((count * count + 1) * sizeof *words->number);
    triad_status status =
        held_out && words->pair && words->split && words->weight && words->number ? TRIAD_OK : out_of_memory(err);
    for (size_t i = 0; status == TRIAD_OK && i < count * count; i++) words->number[i] = UINT32_MAX;
    for (uint32_t a = 0; a < count && status == TRIAD_OK; a++)
        for (uint32_t b = a + 1; b < count && status == TRIAD_OK; b++) {
            align_split *split = &words->split[words->count];
            for (size_t i = 0; i < n; i++) held_out[i] = holds(words, i, a) || holds(words, i, b);
            status = align_split_create(split, held_out, n, err);
            if (status != TRIAD_OK) break;
            double *weight = malloc((n - split->train + 1) * sizeof *weight);
            if (weight == NULL || split->train == 0 || !weigh(weight, words, split, a, b)) {
                if (weight == NULL) status = out_of_memory(err);
                free(weight);
                align_split_free(split);
                continue;
            }
            words->weight[words->count] = weight;
            words->number[a * count + b] = words->number[b * count + a] = (uint32_t)words->count;
            words->pair[words->count++] = (align_word_pair){a, b, NAN};
        }
    free(held_out);
    if (status != TRIAD_OK) align_words_free(words);
    return status;
}

void align_words_free(align_words *words)
{
    for (size_t p = 0; words->split && p < words->count; p++) align_split_free(&words->split[p]);
    for (size_t p = 0; words->weight && p < words->count; p++) free(words->weight[p]);
    free(words->split);
    free(words->weight);
    free(words->pair);
    free(words->number);
    *words = (align_words){0};
}

triad_status align_words_prepare(align_part *part, const align_words *words, size_t pair, const align_rows *rows,
                                 size_t cap, triad_error *err)
{
    return align_prepare(part, rows, &words->split[pair], NULL, cap, false, err);
}

/* Rows won among the held-out ones; p (mapped) and q are at unit length, [n, m] in the split's order. */
static void play(double *won, size_t *games, const double *p, const double *q, size_t m, const align_words *words,
                 size_t pair)
{
    const align_split *split = &words->split[pair];
    const uint32_t a = words->pair[pair].a, b = words->pair[pair].b;
    *won = 0;
    *games = 0;
    for (size_t s = split->train; s < split->n; s++) {
        if (cell_of(words, split->position[s], words->column) != a) continue;
        for (size_t t = split->train; t < split->n; t++) {
            if (cell_of(words, split->position[t], words->column) != b ||
                !differ_only_in_column(words, split->position[s], split->position[t]))
                continue;
            const double *pi = p + s * m, *pj = p + t * m, *qi = q + s * m, *qj = q + t * m;
            const double right = rint((align_dot(pi, qi, m) + align_dot(pj, qj, m)) * ALIGN_SCORE_GRID),
                         swapped = rint((align_dot(pi, qj, m) + align_dot(pj, qi, m)) * ALIGN_SCORE_GRID);
            *won += right > swapped ? 1 : right == swapped ? 0.5 : 0;
            (*games)++;
        }
    }
}

/* The pair of Y under the order, and where in its split the rows of x's split lie: at [n]. */
static bool follow(size_t *at, size_t *target, const align_words *words, size_t pair, const uint32_t *order,
                   uint32_t *place)
{
    const align_split *split = &words->split[pair];
    *target = pair;
    if (order) {
        uint32_t to[2] = {UINT32_MAX, UINT32_MAX};
        for (size_t t = split->train; t < split->n; t++) {
            const uint32_t word = cell_of(words, split->position[t], words->column),
                           renamed = cell_of(words, order[split->position[t]], words->column);
            if (word == words->pair[pair].a) to[0] = renamed;
            if (word == words->pair[pair].b) to[1] = renamed;
        }
        if (to[0] >= words->words || to[1] >= words->words) return false;
        const uint32_t number = words->number[to[0] * words->words + to[1]];
        if (number == UINT32_MAX) return false;
        *target = number;
    }
    const align_split *other = &words->split[*target];
    for (size_t t = 0; t < other->n; t++) place[other->position[t]] = (uint32_t)t;
    for (size_t t = 0; t < split->n; t++) {
        const uint32_t row = split->position[t];
        at[t] = place[order ? order[row] : row];
        if ((t < split->train) != (at[t] < other->train)) return false; /* not a renaming */
    }
    return true;
}

static size_t widest_part(const align_words *words, const align_part *x, const align_part *y)
{
    size_t widest = 0;
    for (size_t p = 0; p < words->count; p++) {
        if (x[p].width > widest) widest = x[p].width;
        if (y[p].width > widest) widest = y[p].width;
    }
    return widest;
}

triad_status align_words_score(double *mean, double *share, const align_words *words, const align_part *x,
                               const align_part *y, const uint32_t *order, align_scratch *scratch, triad_error *err)
{
    const size_t n = words->n;
    const size_t widest = widest_part(words, x, y);
    size_t counted = 0;
    size_t *at = malloc((n + 1) * sizeof *at);
    uint32_t *place = malloc((n + 1) * sizeof *place);
    double *room = malloc((widest * widest + 2 * n * widest + 1) * sizeof *room), sum = 0;
    triad_status status = at && place && room ? TRIAD_OK : out_of_memory(err);
    *mean = NAN;
    for (size_t pair = 0; pair < words->count && status == TRIAD_OK; pair++) {
        if (share) share[pair] = NAN;
        size_t target, games;
        if (!follow(at, &target, words, pair, order, place)) continue;
        const size_t m = x[pair].width < y[target].width ? x[pair].width : y[target].width;
        if (m == 0) continue;
        double *map = room, *p = room + m * m, *q = p + n * m, won;
        for (size_t t = 0; t < n; t++) memcpy(q + t * m, y[target].rows + at[t] * y[target].width, m * sizeof *q);
        status = align_procrustes(map, x[pair].rows, x[pair].width, m, q, m, m, words->split[pair].train, scratch, err);
        if (status != TRIAD_OK) break;
        align_product(p, x[pair].rows, false, x[pair].width, map, false, m, n, m, m);
        const size_t first = words->split[pair].train;
        align_unit_rows(p + first * m, n - first, m);
        align_unit_rows(q + first * m, n - first, m);
        play(&won, &games, p, q, m, words, pair);
        if (games == 0) continue;
        if (share) share[pair] = won / (double)games;
        sum += won / (double)games;
        counted++;
    }
    if (counted > 0) *mean = sum / (double)counted;
    free(at);
    free(place);
    free(room);
    return status;
}

/* out [m] = sum of weight [t] times row t of rows [., m]; row at [t] where given. */
static void weighted_sum(double *restrict out, const double *restrict rows, size_t m, const size_t *at,
                         const double *weight, size_t count)
{
    memset(out, 0, m * sizeof *out);
    for (size_t t = 0; t < count; t++) {
        const double *row = rows + (at ? at[t] : t) * m;
        for (size_t c = 0; c < m; c++) out[c] += weight[t] * row[c];
    }
}

void align_words_weigh(align_part *part, const align_words *words, size_t pair)
{
    const double penalty = 10;
    const size_t train = words->split[pair].train, m = part->width;
    double sum = 0;
    for (size_t i = 0; i < train * m; i++) sum += part->rows[i] * part->rows[i];
    for (size_t c = 0; c < m; c++) {
        double own = 0;
        for (size_t t = 0; t < train; t++) own += part->rows[t * m + c] * part->rows[t * m + c];
        const double by = 1 / sqrt(own + penalty * sum / (double)m);
        for (size_t t = 0; t < part->n; t++) part->rows[t * m + c] *= by;
    }
}

/* out [n] = row t of rows [., m] times by [m]; row at [t] where given. */
static void project(double *out, const double *rows, size_t m, const size_t *at, size_t n, const double *by)
{
    for (size_t t = 0; t < n; t++) out[t] = align_dot(rows + (at ? at[t] : t) * m, by, m);
}

/* Of one pair of words: x as prepared [n, wx], y [n, wy] with rows at [n]. room [2 (wx + wy) + n] */
static double margin_of(const double *x, size_t wx, const double *y, size_t wy, const size_t *at,
                        const align_split *split, const double *weight, double *room)
{
    const size_t train = split->train, n = split->n;
    double *dx = room, *dy = dx + wx, *mx = dy + wy, *my = mx + wy, *along = my + wx;
    weighted_sum(dx, x + train * wx, wx, NULL, weight, n - train);
    weighted_sum(dy, y, wy, at + train, weight, n - train);
    /* Each side's difference through X'Y, without the matrix. */
    project(along, x, wx, NULL, train, dx);
    weighted_sum(mx, y, wy, at, along, train);
    project(along, y, wy, at, train, dy);
    weighted_sum(my, x, wx, NULL, along, train);
    const double right = align_dot(mx, dy, wy), forth = sqrt(align_dot(mx, mx, wy) * align_dot(dy, dy, wy)),
                 back = sqrt(align_dot(my, my, wx) * align_dot(dx, dx, wx));
    const double margin = forth > 0 && back > 0 ? 0.5 * (right / forth + right / back) : 0;
    return rint(margin * ALIGN_SCORE_GRID) / ALIGN_SCORE_GRID;
}

triad_status align_words_margin(double *mean, const align_words *words, const align_part *x, const align_part *y,
                                const uint32_t *order, triad_error *err)
{
    const size_t n = words->n;
    const size_t widest = widest_part(words, x, y);
    size_t counted = 0;
    size_t *at = malloc((n + 1) * sizeof *at);
    uint32_t *place = malloc((n + 1) * sizeof *place);
    double *room = malloc((4 * widest + n + 1) * sizeof *room), sum = 0;
    const triad_status status = at && place && room ? TRIAD_OK : out_of_memory(err);
    *mean = NAN;
    for (size_t pair = 0; pair < words->count && status == TRIAD_OK; pair++) {
        size_t target;
        if (!follow(at, &target, words, pair, order, place) || x[pair].width == 0 || y[target].width == 0) continue;
        sum += margin_of(x[pair].rows, x[pair].width, y[target].rows, y[target].width, at, &words->split[pair],
                         words->weight[pair], room);
        counted++;
    }
    if (counted > 0) *mean = sum / (double)counted;
    free(at);
    free(place);
    free(room);
    return status;
}

triad_status align_leave_two_words(double *mean, align_word_pair **pairs, size_t *count, const align_rows *x,
                                   const align_rows *y, const uint32_t *cells, size_t columns, size_t column,
                                   size_t cap, triad_error *err)
{
    align_words words = {0};
    align_scratch scratch = {0};
    *pairs = NULL;
    *count = 0;
    *mean = NAN;
    triad_status status = align_words_create(&words, cells, x->n, columns, column, SIZE_MAX, err);
    if (status != TRIAD_OK) return status;
    align_part *part = calloc(2 * words.count + 1, sizeof *part);
    double *share = malloc((words.count + 1) * sizeof *share);
    if (part == NULL || share == NULL) status = out_of_memory(err);
    for (size_t p = 0; p < words.count && status == TRIAD_OK; p++) {
        status = align_words_prepare(&part[p], &words, p, x, cap, err);
        if (status == TRIAD_OK) status = align_words_prepare(&part[words.count + p], &words, p, y, cap, err);
    }
    if (status == TRIAD_OK)
        status = align_words_score(mean, share, &words, part, part + words.count, NULL, &scratch, err);
    for (size_t p = 0; p < words.count && status == TRIAD_OK; p++)
        if (!isnan(share[p])) {
            words.pair[*count] = words.pair[p];
            words.pair[(*count)++].share = share[p];
        }
    if (status == TRIAD_OK) {
        *pairs = words.pair;
        words.pair = NULL;
    }
    for (size_t p = 0; part && p < 2 * words.count; p++) align_part_free(&part[p]);
    free(part);
    free(share);
    free(scratch.room);
    align_words_free(&words);
    return status;
}
