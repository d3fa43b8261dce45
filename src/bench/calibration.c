#include "bench/calibration.h"

#include "base/file.h"
#include "base/progress.h"
#include "bench/simulate.h"
#include "triad/align.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* n = 200 in every case. */
static const simulated_grammar GRAMMAR = {.verbs = 2, .colours = 10, .objects = 10, .d = {12, 16}, .noise = 0.5};
static const simulated_rows ROWS = {.n = 200, .common = 6, .d = {12, 16}, .noise = 1};
enum { BLOCK = 20, RELABELLINGS = 99, LAYOUT = 2 /* of the state's cases: grows with what they count */ };

static const char *const NULL_MEASURES[] = {"mutual_knn_frac/15", "cka_linear_debiased", "rsa/cosine/spearman"},
                         *const FITTED_MEASURES[] = {"retrieval/strict64/all/mean/nn/1/expected",
                                                     "retrieval/strict64/all/mean/nn/15/expected"},
                         *const COVER_MEASURES[] = {"mutual_knn_frac/5",
                                                    "mutual_knn_frac/15",
                                                    "cka_linear_debiased",
                                                    "rsa/cosine/spearman",
                                                    "retrieval/strict64/all/mean/nn/1/expected",
                                                    "retrieval/strict64/all/mean/nn/5/expected",
                                                    "retrieval/strict64/all/mean/nn/15/expected"},
                         *const WORD_MEASURES[] = {"leave_two_words/colour/64", "leave_two_words/object/64",
                                                   "leave_two_words/together/64"};
#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef enum case_kind { CASE_NULLS, CASE_WORDS, CASE_ROWS, CASE_GRAMMAR } case_kind;

typedef struct simulation_case {
    const char *name;
    case_kind kind;
    double shared;
    size_t values; /* a draw */
} simulation_case;
static const simulation_case CASES[] = {
    {"independent rows", CASE_ROWS, 0, 3 * COUNT(COVER_MEASURES)},
    {"grammar", CASE_GRAMMAR, 0.5, 5 * COUNT(COVER_MEASURES)},
    {"nothing shared, held-out words", CASE_WORDS, 0, COUNT(WORD_MEASURES)},
    {"half shared, held-out words", CASE_WORDS, 0.5, COUNT(WORD_MEASURES)},
    {"nothing shared", CASE_NULLS, 0, 2 * COUNT(NULL_MEASURES) + COUNT(FITTED_MEASURES)},
    {"half shared", CASE_NULLS, 0.5, 2 * COUNT(NULL_MEASURES) + COUNT(FITTED_MEASURES)},
};

typedef struct calibration {
    const calibration_size *size;
    uint64_t seed;
    double *value[COUNT(CASES)]; /* [draws, values] */
    size_t done[COUNT(CASES)];   /* draws that are there */
    triad_pool *pool;
    triad_progress *progress;
    double steps;
    /* of the block that runs */
    size_t which, first, count;
    triad_error *error; /* [BLOCK] */
} calibration;

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "calibration: out of memory");
}

static size_t draws_of(const calibration *c, size_t which)
{
    const case_kind kind = CASES[which].kind;
    return kind == CASE_NULLS   ? c->size->draws
           : kind == CASE_WORDS ? c->size->word_draws
                                : c->size->draws + c->size->fresh;
}

/* ---- a draw */

static void read_nulls(double *out, const triad_align_pair *pair)
{
    for (size_t i = 0; i < COUNT(NULL_MEASURES); i++) {
        const triad_align_measure *measure = triad_align_find(pair, NULL_MEASURES[i]);
        out[2 * i] = measure ? measure->iid.p : NAN;
        out[2 * i + 1] = measure ? measure->relabel.p : NAN;
    }
}

static void read_intervals(double *out, const triad_align_pair *pair, bool words)
{
    for (size_t i = 0; i < COUNT(COVER_MEASURES); i++) {
        const triad_align_measure *m = triad_align_find(pair, COVER_MEASURES[i]);
        const double all[] = {m ? m->value : NAN, m ? m->low : NAN, m ? m->high : NAN, m ? m->low_groups : NAN,
                              m ? m->high_groups : NAN};
        memcpy(out + i * (words ? 5 : 3), all, (words ? 5 : 3) * sizeof *out);
    }
}

static void read_renamed(double *out, const char *const *measures, size_t count, const triad_align_pair *pair)
{
    for (size_t i = 0; i < count; i++) {
        const triad_align_measure *measure = triad_align_find(pair, measures[i]);
        out[i] = measure ? measure->relabel.p : NAN;
    }
}

static void simulate(void *context, size_t tile, int worker)
{
    (void)worker;
    calibration *c = context;
    const simulation_case *of = &CASES[c->which];
    const size_t draw = c->first + tile;
    triad_space pair[2];
    triad_align_result result = {0};
    triad_align_options options = triad_align_defaults();
    static const char *const columns[] = {"colour", "object"};
    simulated_grammar grammar = GRAMMAR;
    grammar.shared = of->shared;
    options.seed = c->seed + draw;
    options.iid = options.relabel = of->kind <= CASE_WORDS;
    options.permutations = options.refits = RELABELLINGS;
    options.bootstraps = of->kind >= CASE_ROWS && draw >= c->size->fresh ? 1000 : 0;
    const bool words = of->kind == CASE_WORDS, nulls = of->kind == CASE_NULLS;
    options.measures = words ? WORD_MEASURES : nulls ? NULL_MEASURES : COVER_MEASURES;
    options.measure_count = words ? COUNT(WORD_MEASURES) : nulls ? COUNT(NULL_MEASURES) : COUNT(COVER_MEASURES);
    if (words) {
        options.iid = false;
        options.permutations = 0;
        options.words = columns;
        options.word_count = COUNT(columns);
    }
    /* Cases differ in their streams, so that none of their spaces agree. */
    const uint64_t stream = c->seed * 31 + c->which;
    triad_error *err = &c->error[tile];
    triad_status status = of->kind == CASE_ROWS ? simulate_rows(pair, &ROWS, stream, draw, err)
                                                : simulate_grammar(pair, &grammar, stream, draw, err);
    if (status != TRIAD_OK) return;
    const triad_align_side sides[] = {{"x", &pair[0], NULL}, {"y", &pair[1], NULL}};
    status = triad_align(&result, sides, 2, NULL, 0, &options, NULL, NULL, err);
    double *out = c->value[c->which] + draw * of->values;
    if (status == TRIAD_OK && nulls)
        read_nulls(out, &result.pair[0]);
    else if (status == TRIAD_OK && words)
        read_renamed(out, WORD_MEASURES, COUNT(WORD_MEASURES), &result.pair[0]);
    else if (status == TRIAD_OK)
        read_intervals(out, &result.pair[0], of->kind == CASE_GRAMMAR);
    if (status == TRIAD_OK && nulls) { /* what is fitted anew in each draw: renamings alone */
        triad_align_result_free(&result);
        options.iid = false;
        options.measures = FITTED_MEASURES;
        options.measure_count = COUNT(FITTED_MEASURES);
        status = triad_align(&result, sides, 2, NULL, 0, &options, NULL, NULL, err);
        if (status == TRIAD_OK)
            read_renamed(out + 2 * COUNT(NULL_MEASURES), FITTED_MEASURES, COUNT(FITTED_MEASURES), &result.pair[0]);
    }
    triad_align_result_free(&result);
    triad_space_free(&pair[0]);
    triad_space_free(&pair[1]);
}

/* ---- what is done stays */

static triad_status read_state(calibration *c, const char *path, triad_error *err)
{
    json_object *root;
    if (path == NULL || !triad_path_exists(path)) return TRIAD_OK;
    triad_status status = json_read_file(&root, path, (size_t)1 << 28, err);
    if (status != TRIAD_OK) return status;
    int64_t layout = 1;
    status = json_get_int(root, "layout", INT64_MIN, INT64_MAX, &layout, err);
    if (status == TRIAD_OK && layout != LAYOUT)
        status = triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "%s: holds a calibration of other cases (remove it)", path);
    const int64_t sizes[] = {(int64_t)c->seed, (int64_t)c->size->draws, (int64_t)c->size->word_draws,
                             (int64_t)c->size->fresh};
    static const char *const names[] = {"seed", "draws", "word_draws", "fresh"};
    for (size_t i = 0; i < COUNT(names) && status == TRIAD_OK; i++) {
        int64_t value = -1;
        status = json_want_int(root, names[i], INT64_MIN, INT64_MAX, &value, err);
        if (status == TRIAD_OK && value != sizes[i])
            status = triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "%s: holds another calibration, of %s %lld (remove it)",
                                path, names[i], (long long)value);
    }
    for (size_t k = 0; k < COUNT(CASES) && status == TRIAD_OK; k++) {
        json_object *list = json_find(root, CASES[k].name, json_type_array);
        const size_t count = list ? json_object_array_length(list) : 0, values = CASES[k].values;
        if (count % values != 0 || count / values > draws_of(c, k)) {
            status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "%s: %s has %zu values (remove the file)", path,
                                CASES[k].name, count);
            break;
        }
        for (size_t i = 0; i < count; i++) {
            json_object *value = json_object_array_get_idx(list, i);
            c->value[k][i] = value ? json_object_get_double(value) : NAN;
        }
        c->done[k] = count / values;
    }
    json_object_put(root);
    return status;
}

static triad_status write_state(const calibration *c, const char *path, triad_error *err)
{
    if (path == NULL) return TRIAD_OK;
    json_object *root = json_object_new_object();
    json_object_object_add(root, "layout", json_object_new_int(LAYOUT));
    json_object_object_add(root, "seed", json_object_new_int64((int64_t)c->seed));
    json_object_object_add(root, "draws", json_object_new_int64((int64_t)c->size->draws));
    json_object_object_add(root, "word_draws", json_object_new_int64((int64_t)c->size->word_draws));
    json_object_object_add(root, "fresh", json_object_new_int64((int64_t)c->size->fresh));
    for (size_t k = 0; k < COUNT(CASES); k++) {
        json_object *list = json_object_new_array();
        for (size_t i = 0; i < c->done[k] * CASES[k].values; i++)
            json_object_array_add(list, json_new_real(c->value[k][i]));
        json_object_object_add(root, CASES[k].name, list);
    }
    const triad_status status = json_write_file(path, root, err);
    json_object_put(root);
    return status;
}

/* ---- what is read off */

/* The largest count whose lower tail under binomial (n, p) is at most q. */
static size_t binomial_quantile(size_t n, double p, double q)
{
    double term = pow(1 - p, (double)n), sum = term;
    size_t k = 0;
    while (sum < q && k < n) {
        term *= (double)(n - k) / (double)(k + 1) * p / (1 - p);
        sum += term;
        k++;
    }
    return k;
}

static void report(json_object *results, bool *all_hold, const char *question, const char *name, const char *measure,
                   const char *by, size_t draws, size_t hits, double from, double to)
{
    json_object *object = json_object_new_object();
    const double rate = draws > 0 ? (double)hits / (double)draws : NAN;
    const bool holds = rate >= from - 1e-12 && rate <= to + 1e-12;
    json_object_object_add(object, "question", json_object_new_string(question));
    json_object_object_add(object, "case", json_object_new_string(name));
    json_object_object_add(object, "measure", json_object_new_string(measure));
    json_object_object_add(object, "by", json_object_new_string(by));
    json_object_object_add(object, "draws", json_object_new_int64((int64_t)draws));
    json_object_object_add(object, "rate", json_new_real(rate));
    json_object_object_add(object, "from", json_new_real(from));
    json_object_object_add(object, "to", json_new_real(to));
    json_object_object_add(object, "holds", json_object_new_boolean(holds));
    json_object_array_add(results, object);
    *all_hold = *all_hold && holds;
}

static size_t rejections(const calibration *c, size_t which, size_t column)
{
    size_t count = 0;
    for (size_t d = 0; d < draws_of(c, which); d++)
        count += c->value[which][d * CASES[which].values + column] <= 0.05 + 1e-12;
    return count;
}

static void report_nulls(const calibration *c, size_t which, json_object *results, bool *all_hold)
{
    const simulation_case *of = &CASES[which];
    const size_t draws = draws_of(c, which);
    const double low = (double)binomial_quantile(draws, 0.05, 0.005) / (double)draws,
                 high = (double)binomial_quantile(draws, 0.05, 0.995) / (double)draws;
    const bool apart = of->shared == 0;
    if (of->kind == CASE_WORDS) {
        /* Of the columns together: either alone says less. */
        for (size_t i = 0; i < COUNT(WORD_MEASURES); i++) {
            const bool bound = i + 1 == COUNT(WORD_MEASURES);
            report(results, all_hold, "rejects", of->name, WORD_MEASURES[i], "relabel", draws, rejections(c, which, i),
                   apart   ? low
                   : bound ? 0.95
                           : 0,
                   apart ? high : 1);
        }
        return;
    }
    for (size_t i = 0; i < COUNT(NULL_MEASURES); i++) {
        report(results, all_hold, "rejects", of->name, NULL_MEASURES[i], "iid", draws, rejections(c, which, 2 * i),
               apart ? 1 : 0, 1);
        report(results, all_hold, "rejects", of->name, NULL_MEASURES[i], "relabel", draws,
               rejections(c, which, 2 * i + 1), apart ? low : 0.95, apart ? high : 1);
    }
    for (size_t i = 0; i < COUNT(FITTED_MEASURES); i++)
        report(results, all_hold, "rejects", of->name, FITTED_MEASURES[i], "relabel", draws,
               rejections(c, which, 2 * COUNT(NULL_MEASURES) + i), apart ? low : 0.95, apart ? high : 1);
}

static void report_coverage(const calibration *c, size_t which, json_object *results, bool *all_hold)
{
    const simulation_case *of = &CASES[which];
    const size_t fresh = c->size->fresh, width = of->values / COUNT(COVER_MEASURES);
    for (size_t i = 0; i < COUNT(COVER_MEASURES); i++) {
        double truth = 0;
        for (size_t d = 0; d < fresh; d++) truth += c->value[which][d * of->values + i * width] / (double)fresh;
        for (size_t interval = 0; 2 * interval + 1 < width; interval++) {
            size_t held = 0;
            for (size_t d = fresh; d < fresh + c->size->draws; d++) {
                const double *at = c->value[which] + d * of->values + i * width + 1 + 2 * interval;
                held += at[0] <= truth && truth <= at[1];
            }
            const bool rows = of->kind == CASE_ROWS;
            report(results, all_hold, "covers", of->name, COVER_MEASURES[i], interval ? "words" : "sentences",
                   c->size->draws, held,
                   rows       ? 0.93
                   : interval ? 0.93
                              : 0,
                   rows ? 0.97 : 1);
        }
    }
}

triad_status bench_calibration(json_object *results, bool *all_hold, const char *state, const calibration_size *size,
                               uint64_t seed, triad_pool *pool, triad_progress *progress, triad_error *err)
{
    calibration c = {.size = size, .seed = seed, .pool = pool, .progress = progress};
    triad_status status = TRIAD_OK;
    double total = 0;
    *all_hold = true;
    for (size_t k = 0; k < COUNT(CASES) && status == TRIAD_OK; k++) {
        c.value[k] = calloc(draws_of(&c, k) * CASES[k].values + 1, sizeof *c.value[k]);
        if (c.value[k] == NULL) status = out_of_memory(err);
        total += (double)draws_of(&c, k);
    }
    if (status == TRIAD_OK) status = read_state(&c, state, err);
    triad_progress_begin(progress, "calibration", "draws", total);
    for (size_t k = 0; k < COUNT(CASES); k++) c.steps += (double)c.done[k];
    for (size_t k = 0; k < COUNT(CASES); k++)
        while (status == TRIAD_OK && c.done[k] < draws_of(&c, k)) {
            const size_t left = draws_of(&c, k) - c.done[k];
            triad_error errors[BLOCK] = {{0}};
            c.error = errors;
            c.which = k;
            c.first = c.done[k];
            c.count = left < BLOCK ? left : BLOCK;
            triad_parallel(pool, c.count, simulate, &c);
            for (size_t t = 0; t < c.count && status == TRIAD_OK; t++)
                if (errors[t].code != TRIAD_OK) {
                    if (err) *err = errors[t];
                    status = errors[t].code;
                }
            c.done[k] += c.count;
            c.steps += (double)c.count;
            if (status == TRIAD_OK) status = write_state(&c, state, err);
            triad_progress_update(progress, c.steps, CASES[k].name);
        }
    triad_progress_end(progress, NULL);
    for (size_t k = 0; k < COUNT(CASES) && status == TRIAD_OK; k++)
        if (CASES[k].kind <= CASE_WORDS)
            report_nulls(&c, k, results, all_hold);
        else
            report_coverage(&c, k, results, all_hold);
    for (size_t k = 0; k < COUNT(CASES); k++) free(c.value[k]);
    return status;
}
