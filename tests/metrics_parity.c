/* metrics_parity FILE.json: every number of a recording of matrix pairs and their measures (alignment-metrics, as
 * tools/metrics_golden.py writes them) against ours; one check a number. */
#include "align/draws.h"
#include "align/intervals.h"
#include "align/pair.h"
#include "align/statistics.h"
#include "align/words.h"
#include "formats/json.h"

#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct tally {
    size_t passed, failed;
    const char *pair;
} tally;

/* null stands for NaN */
static double number_of(json_object *value)
{
    return value == NULL ? NAN : json_object_get_double(value);
}

static void check(tally *t, const char *path, double ours, json_object *recorded)
{
    const double theirs = number_of(recorded);
    const bool same = isnan(theirs) ? isnan(ours) : fabs(ours - theirs) <= 1e-5 * fmax(fabs(theirs), 1e-3);
    if (same) {
        t->passed++;
        return;
    }
    t->failed++;
    if (t->failed <= 200) printf("%s: %s: %.12g, recorded %.12g\n", t->pair, path, ours, theirs);
}

static void unknown(tally *t, const char *path)
{
    t->failed++;
    if (t->failed <= 200) printf("%s: %s: not a measure that is known here\n", t->pair, path);
}

/* ---- what is computed of a pair */

typedef struct pair_data {
    json_object *json;
    size_t n, draws;
    triad_align_options options[2]; /* strict8 as the own protocol, and strict, whose null is recorded */
    align_plan plan[2];
    align_folds folds;
    align_view x[2], y[2], z;
    double *value[2];
    align_findings found; /* of plan 0 */
    align_cca cca;
    align_plan control;
    uint32_t *cells; /* [n, columns] of the factors */
    size_t columns;
    const char *column[8];
} pair_data;

static bool stop(const triad_error *err)
{
    fprintf(stderr, "metrics_parity: %s\n", err->text);
    return false;
}

static double *matrix_of(json_object *pair, const char *key, size_t count)
{
    json_object *array = json_find(pair, key, json_type_array);
    double *out = malloc((count + 1) * sizeof *out);
    if (out == NULL || array == NULL || json_object_array_length(array) != count) {
        free(out);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) out[i] = json_object_get_double(json_object_array_get_idx(array, i));
    return out;
}

static size_t size_of(json_object *pair, const char *key)
{
    return (size_t)json_object_get_int64(json_object_object_get(pair, key));
}

static bool read_factors(pair_data *p)
{
    json_object *factors = json_find(p->json, "factors", json_type_object);
    if (factors == NULL) return true;
    p->cells = calloc(p->n * 8, sizeof *p->cells);
    if (p->cells == NULL) return false;
    json_object_object_foreach(factors, name, list)
    {
        if (p->columns == 8 || json_object_array_length(list) != p->n) return false;
        p->column[p->columns++] = name;
    }
    for (size_t c = 0; c < p->columns; c++) {
        json_object *words = json_object_object_get(factors, p->column[c]);
        for (size_t i = 0; i < p->n; i++)
            p->cells[i * p->columns + c] = (uint32_t)json_object_get_int(json_object_array_get_idx(words, i));
    }
    return true;
}

static bool prepare(pair_data *p)
{
    triad_error err = {0};
    const size_t n = p->n = size_of(p->json, "n"), d1 = size_of(p->json, "d1"), d2 = size_of(p->json, "d2"),
                 dz = size_of(p->json, "dz");
    static const char *const all[] = {"*"}, *const fitted[] = {"retrieval/strict/all/xy/nn"},
                             *const euclidean[] = {"rsa/euclidean/spearman", "rsa/euclidean/pearson"};
    json_object *ks = json_find(p->json, "ks", json_type_array);
    triad_align_options options = triad_align_defaults();
    options.ks = 0;
    for (size_t q = 0; ks && q < json_object_array_length(ks) && q < ALIGN_MAX_KS; q++)
        options.k[options.ks++] = (size_t)json_object_get_int64(json_object_array_get_idx(ks, q));
    for (size_t i = 0; i < 2; i++) {
        p->options[i] = options;
        p->options[i].cap = i ? 0 : 8;
        p->options[i].measures = i ? fitted : all;
        p->options[i].measure_count = 1;
    }
    double *fold_numbers = matrix_of(p->json, "fold", n);
    uint8_t *fold = malloc(n + 1);
    if (fold_numbers == NULL || fold == NULL) return false;
    for (size_t i = 0; i < n; i++) fold[i] = (uint8_t)fold_numbers[i];
    if (align_folds_create(&p->folds, fold, n, &err) != TRIAD_OK) return stop(&err);
    free(fold_numbers);
    free(fold);
    for (size_t i = 0; i < 2; i++) {
        if (align_plan_create(&p->plan[i], &p->options[i], n, &err) != TRIAD_OK) return stop(&err);
        double *x = matrix_of(p->json, "X", n * d1), *y = matrix_of(p->json, "Y", n * d2);
        if (x == NULL || y == NULL) return false;
        if (align_view_create(&p->x[i], x, n, d1, &p->plan[i], &p->folds, false, NULL, &err) != TRIAD_OK ||
            align_view_create(&p->y[i], y, n, d2, &p->plan[i], &p->folds, true, NULL, &err) != TRIAD_OK)
            return stop(&err);
        p->value[i] = malloc((p->plan[i].count + 1) * sizeof **p->value);
        if (p->value[i] == NULL) return false;
        if (align_measure_pair(p->value[i], i == 0 ? &p->found : NULL, &p->plan[i], &p->x[i], &p->y[i], &p->folds,
                               &err) != TRIAD_OK)
            return stop(&err);
    }
    if (align_cca_measure(&p->cca, &p->x[0].basis, &p->y[0].basis, p->x[0].raw, d1, p->y[0].raw, d2, &err) != TRIAD_OK)
        return stop(&err);
    triad_align_options control = options;
    control.measures = euclidean;
    control.measure_count = 2;
    double *z = matrix_of(p->json, "Z", n * dz);
    if (z == NULL || align_plan_create(&p->control, &control, n, &err) != TRIAD_OK ||
        align_view_create(&p->z, z, n, dz, &p->control, NULL, false, NULL, &err) != TRIAD_OK)
        return stop(&err);
    return read_factors(p);
}

static void release(pair_data *p)
{
    align_findings_free(&p->found);
    for (size_t i = 0; i < 2; i++) {
        align_view_free(&p->x[i]);
        align_view_free(&p->y[i]);
        align_plan_free(&p->plan[i]);
        free(p->value[i]);
    }
    align_view_free(&p->z);
    align_plan_free(&p->control);
    align_folds_free(&p->folds);
    free(p->cells);
}

static size_t spec_of(const align_plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->count; i++)
        if (strcmp(plan->spec[i].name, name) == 0) return i;
    return SIZE_MAX;
}

/* ---- nulls, by the names of the recording */

/* Which plan draws it, and the measure's name there. */
static size_t null_plan(char out[96], const char *name)
{
    const char *at = strchr(name, '@');
    const int k = at ? atoi(at + 1) : 0;
    if (strncmp(name, "mutual_knn@", 11) == 0)
        snprintf(out, 96, "mutual_knn_frac/%d", k);
    else if (strcmp(name, "rsa_cosine_spearman") == 0)
        snprintf(out, 96, "rsa/cosine/spearman");
    else if (strncmp(name, "retrieval_strict_all_xy_nn@", 27) == 0)
        snprintf(out, 96, "retrieval/strict/all/xy/nn/%d/expected", k);
    else
        snprintf(out, 96, "%.90s", name);
    return strncmp(out, "retrieval", 9) == 0;
}

static bool calibrate(align_calibration *out, const pair_data *p, const char *name, const uint32_t *orders,
                      size_t draws)
{
    char measure[96];
    triad_error err = {0};
    const size_t which = null_plan(measure, name), n = p->n;
    const align_plan *plan = &p->plan[which];
    const size_t spec = spec_of(plan, measure);
    if (spec == SIZE_MAX || !plan->spec[spec].drawn) return false;
    double *drawn = malloc((draws + ALIGN_DRAW_BLOCK) * sizeof *drawn),
           *room = malloc(plan->count * ALIGN_DRAW_BLOCK * sizeof *room);
    if (drawn == NULL || room == NULL) return false;
    triad_status status = TRIAD_OK;
    if (which == 0) {
        const align_view *x = &p->x[0];
        for (size_t first = 0; first < draws && status == TRIAD_OK; first += ALIGN_DRAW_BLOCK) {
            const uint32_t *order[ALIGN_DRAW_BLOCK];
            for (size_t b = 0; b < ALIGN_DRAW_BLOCK; b++)
                order[b] = orders + (first + b < draws ? first + b : draws - 1) * n;
            status = align_draw_block(room, plan, &x, 1, &p->y[0], order, &err);
            memcpy(drawn + first, room + spec * ALIGN_DRAW_BLOCK, ALIGN_DRAW_BLOCK * sizeof *drawn);
        }
    } else {
        /* Both sides as an array of views: the second is permuted. */
        align_view *view = malloc(2 * sizeof *view);
        if (view == NULL) return false;
        view[0] = p->x[1];
        view[1] = p->y[1];
        const size_t pair[1][2] = {{0, 1}};
        for (size_t b = 0; b < draws && status == TRIAD_OK; b++) {
            status = align_draw_retrieval(room, plan, view, 2, pair, 1, &p->folds, orders + b * n, &err);
            drawn[b] = room[spec];
        }
        free(view);
    }
    if (status == TRIAD_OK) status = align_calibrate(out, p->value[which][spec], drawn, draws, 0.05, 1, &err);
    free(drawn);
    free(room);
    return status == TRIAD_OK;
}

static void check_null(tally *t, const pair_data *p, const char *group, json_object *recorded, const uint32_t *orders,
                       size_t draws)
{
    json_object_object_foreach(recorded, name, numbers)
    {
        align_calibration c;
        const bool known = orders && calibrate(&c, p, name, orders, draws);
        json_object_object_foreach(numbers, key, number)
        {
            char path[160];
            snprintf(path, sizeof path, "%s/%s/%s", group, name, key);
            const char *const keys[] = {"p", "tau", "calibrated", "null_mean", "null_sd", "z"};
            const double ours[] = {c.p, c.tau, c.calibrated, c.mean, c.sd, c.z};
            size_t i = 0;
            while (i < 6 && strcmp(key, keys[i]) != 0) i++;
            if (!known || i == 6)
                unknown(t, path);
            else
                check(t, path, ours[i], number);
        }
    }
}

static uint32_t *recorded_orders(const pair_data *p, size_t *draws)
{
    json_object *list = json_find(p->json, "perms", json_type_array);
    *draws = list ? json_object_array_length(list) : 0;
    uint32_t *orders = malloc((*draws * p->n + 1) * sizeof *orders);
    for (size_t b = 0; orders && b < *draws; b++)
        for (size_t i = 0; i < p->n; i++)
            orders[b * p->n + i] =
                (uint32_t)json_object_get_int(json_object_array_get_idx(json_object_array_get_idx(list, b), i));
    return orders;
}

/* Row i goes to the row that holds its words renamed. */
static uint32_t *relabelled_orders(const pair_data *p, size_t *draws)
{
    json_object *list = json_find(p->json, "labels", json_type_array);
    *draws = list ? json_object_array_length(list) : 0;
    if (*draws == 0 || p->cells == NULL) return NULL;
    uint32_t *orders = calloc(*draws * p->n, sizeof *orders);
    for (size_t b = 0; orders && b < *draws; b++)
        for (size_t i = 0; i < p->n; i++) {
            uint32_t want[8];
            for (size_t c = 0; c < p->columns; c++) {
                json_object *names = json_find(json_object_array_get_idx(list, b), p->column[c], json_type_array);
                const uint32_t word = p->cells[i * p->columns + c];
                want[c] = names ? (uint32_t)json_object_get_int(json_object_array_get_idx(names, word)) : word;
            }
            for (size_t j = 0; j < p->n; j++)
                if (memcmp(p->cells + j * p->columns, want, p->columns * sizeof *want) == 0)
                    orders[b * p->n + i] = (uint32_t)j;
        }
    return orders;
}

/* ---- the groups of the recording */

static void check_bootstrap(tally *t, const pair_data *p, json_object *recorded)
{
    triad_error err = {0};
    const size_t k = size_of(recorded, "k"), n = p->n;
    char name[96];
    snprintf(name, sizeof name, "retrieval/strict/all/xy/nn/%zu/expected", k);
    const size_t spec = spec_of(&p->plan[0], name);
    json_object *boots = json_find(p->json, "boots", json_type_array);
    const size_t draws = boots ? json_object_array_length(boots) : 0;
    align_resampling resampling = {.n = n, .draws = draws, .weight = calloc(draws * n + 1, sizeof(double))};
    double *means = malloc((draws + 1) * sizeof *means), low = NAN, high = NAN;
    align_calibration spread = {0};
    if (spec != SIZE_MAX && means && resampling.weight && p->found.scores[spec]) {
        for (size_t b = 0; b < draws; b++)
            for (size_t i = 0; i < n; i++)
                resampling.weight[b * n + (size_t)json_object_get_int(
                                              json_object_array_get_idx(json_object_array_get_idx(boots, b), i))] += 1;
        align_resample_scores(means, &resampling, p->found.scores[spec]);
        if (align_calibrate(&spread, 0, means, draws, 0.05, 1, &err) != TRIAD_OK) spread.sd = NAN;
        align_interval(&low, &high, means, draws);
    }
    json_object_object_foreach(recorded, key, value)
    {
        char path[96];
        snprintf(path, sizeof path, "bootstrap/%s", key);
        if (strcmp(key, "k") == 0) {
            check(t, path, (double)p->plan[0].k[p->plan[0].ks - 1], value);
        } else if (strcmp(key, "lo") == 0) {
            check(t, path, low, value);
        } else if (strcmp(key, "hi") == 0) {
            check(t, path, high, value);
        } else if (strcmp(key, "sd") == 0) {
            check(t, path, spread.sd, value);
        } else if (strcmp(key, "per_sentence_hits") == 0 && spec != SIZE_MAX && p->found.scores[spec] &&
                   json_object_array_length(value) == n) {
            for (size_t i = 0; i < n; i++)
                check(t, path, p->found.scores[spec][i], json_object_array_get_idx(value, i));
        } else {
            unknown(t, path);
        }
    }
    align_resampling_free(&resampling);
    free(means);
}

static void check_partial(tally *t, const pair_data *p, json_object *recorded)
{
    json_object_object_foreach(recorded, key, value)
    {
        const bool ranks = strcmp(key, "spearman") == 0;
        char path[96];
        snprintf(path, sizeof path, "rsa_partial_cosine_given_Zeuclid/%s", key);
        const align_matrix *x = &p->x[0].matrix[ranks ? ALIGN_COSINE_RANKS : ALIGN_COSINE_CENTRED],
                           *y = &p->y[0].matrix[ranks ? ALIGN_COSINE_RANKS : ALIGN_COSINE_CENTRED],
                           *z = &p->z.matrix[ranks ? ALIGN_EUCLIDEAN_RANKS : ALIGN_EUCLIDEAN_CENTRED];
        const double xy = align_ratio(align_matched_sum(x->values, y->values, p->n), x->norm, y->norm),
                     xz = align_ratio(align_matched_sum(x->values, z->values, p->n), x->norm, z->norm),
                     yz = align_ratio(align_matched_sum(y->values, z->values, p->n), y->norm, z->norm);
        check(t, path, align_partial(xy, xz, yz), value);
    }
}

static void check_words(tally *t, const pair_data *p, json_object *recorded)
{
    json_object_object_foreach(recorded, column, caps)
    {
        size_t c = 0;
        while (c < p->columns && strcmp(p->column[c], column) != 0) c++;
        json_object_object_foreach(caps, cap, numbers)
        {
            char path[160];
            snprintf(path, sizeof path, "leave_two_words/%s/%s", column, cap);
            triad_error err = {0};
            double mean = NAN;
            align_word_pair *pairs = NULL;
            size_t count = 0;
            if (c == p->columns || align_leave_two_words(&mean, &pairs, &count, &p->x[0].rows, &p->y[0].rows, p->cells,
                                                         p->columns, c, (size_t)atoi(cap), &err) != TRIAD_OK) {
                unknown(t, path);
                continue;
            }
            check(t, path, mean, json_object_object_get(numbers, "mean"));
            check(t, path, 0.5, json_object_object_get(numbers, "chance"));
            json_object *shares = json_find(numbers, "pairs", json_type_object);
            json_object_object_foreach(shares, name, share)
            {
                unsigned a, b;
                size_t at = 0;
                if (sscanf(name, "%u,%u", &a, &b) == 2)
                    while (at < count && (pairs[at].a != a || pairs[at].b != b)) at++;
                else
                    at = count;
                if (at == count)
                    unknown(t, path);
                else
                    check(t, path, pairs[at].share, share);
            }
            free(pairs);
        }
    }
}

static void check_adjusted(tally *t, json_object *recorded, json_object *permutation)
{
    double p[64], holm[64], bh[64];
    size_t m = 0;
    triad_error err = {0};
    /* The p of the nulls above, each of which was checked, in the order of the recording. */
    json_object_object_foreach(permutation, name, numbers)
    {
        (void)name;
        if (m < 64) p[m++] = number_of(json_object_object_get(numbers, "p"));
    }
    if (align_holm(holm, p, m, &err) != TRIAD_OK || align_benjamini_hochberg(bh, p, m, &err) != TRIAD_OK) m = 0;
    json_object_object_foreach(recorded, key, list)
    {
        char path[96];
        snprintf(path, sizeof path, "p_adjusted/%s", key);
        const double *ours = strcmp(key, "p") == 0      ? p
                             : strcmp(key, "holm") == 0 ? holm
                             : strcmp(key, "bh") == 0   ? bh
                                                        : NULL;
        for (size_t i = 0; i < json_object_array_length(list); i++)
            if (ours && i < m)
                check(t, path, ours[i], json_object_array_get_idx(list, i));
            else
                unknown(t, path);
    }
}

/* Whatever is called by the path of a measure. */
static void check_tree(tally *t, const pair_data *p, const char *path, json_object *value)
{
    if (json_object_is_type(value, json_type_object)) {
        json_object_object_foreach(value, key, member)
        {
            char deeper[200];
            snprintf(deeper, sizeof deeper, "%s/%s", path, key);
            check_tree(t, p, deeper, member);
        }
        return;
    }
    char chance[96];
    const char *k = strrchr(path, '/') ? strrchr(path, '/') + 1 : "";
    size_t spec = spec_of(&p->plan[0], path);
    if (spec != SIZE_MAX) {
        check(t, path, p->value[0][spec], value);
    } else if (strncmp(path, "mutual_knn_chance/", 18) == 0 || strncmp(path, "retrieval_chance_all/", 21) == 0) {
        if (path[0] == 'm')
            snprintf(chance, sizeof chance, "mutual_knn/%s", k);
        else
            snprintf(chance, sizeof chance, "retrieval/strict64/all/xy/nn/%s/expected", k);
        spec = spec_of(&p->plan[0], chance);
        check(t, path, spec == SIZE_MAX ? NAN : p->plan[0].spec[spec].chance, value);
    } else if (strcmp(path, "cca/ndir") == 0) {
        check(t, path, (double)p->cca.directions, value);
    } else if (strcmp(path, "cca/svcca99_ndir") == 0) {
        check(t, path, (double)p->cca.svcca_directions, value);
    } else if (strcmp(path, "cca/top") == 0) {
        for (size_t i = 0; i < json_object_array_length(value); i++)
            check(t, path, i < ALIGN_CCA_TOP ? p->cca.top[i] : NAN, json_object_array_get_idx(value, i));
    } else {
        unknown(t, path);
    }
}

static void check_pair(tally *t, json_object *json)
{
    pair_data p = {.json = json};
    json_object *metrics = json_find(json, "metrics", json_type_object);
    t->pair = json_object_get_string(json_object_object_get(json, "name"));
    if (metrics == NULL || !prepare(&p)) {
        unknown(t, "(the pair itself)");
    } else {
        size_t draws, renamings;
        uint32_t *shuffled = recorded_orders(&p, &draws), *renamed = relabelled_orders(&p, &renamings);
        json_object_object_foreach(metrics, key, value)
        {
            if (strcmp(key, "permutation") == 0)
                check_null(t, &p, key, value, shuffled, draws);
            else if (strcmp(key, "relabel") == 0)
                check_null(t, &p, key, value, renamed, renamings);
            else if (strcmp(key, "bootstrap_strict_all_xy_nn") == 0)
                check_bootstrap(t, &p, value);
            else if (strcmp(key, "rsa_partial_cosine_given_Zeuclid") == 0)
                check_partial(t, &p, value);
            else if (strcmp(key, "leave_two_words") == 0)
                check_words(t, &p, value);
            else if (strcmp(key, "p_adjusted") == 0)
                check_adjusted(t, value, json_find(metrics, "permutation", json_type_object));
            else
                check_tree(t, &p, key, value);
        }
        free(shuffled);
        free(renamed);
    }
    release(&p);
}

int main(int argc, char **argv)
{
    openblas_set_num_threads(1);
    if (argc != 2) {
        fprintf(stderr, "usage: metrics_parity FILE.json\n");
        return 2;
    }
    triad_error err = {0};
    json_object *root = NULL;
    if (json_read_file(&root, argv[1], (size_t)1 << 30, &err) != TRIAD_OK) {
        fprintf(stderr, "metrics_parity: %s\n", err.text);
        return 1;
    }
    tally t = {0};
    json_object *pairs = json_find(root, "pairs", json_type_array);
    for (size_t i = 0; pairs && i < json_object_array_length(pairs); i++)
        check_pair(&t, json_object_array_get_idx(pairs, i));
    json_object_put(root);
    printf("%zu passed, %zu failed\n", t.passed, t.failed);
    return t.failed > 0 || t.passed == 0;
}
