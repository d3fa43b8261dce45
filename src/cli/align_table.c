#include "cli/align_table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LABEL = 30 };

static void print_number(double value, int width)
{
    if (isnan(value))
        printf("%*s", width, "-");
    else
        printf("%*.3f", width, value);
}

static void print_interval(double low, double high)
{
    if (isnan(low))
        printf("  %-16s", "");
    else
        printf("  [%.3f, %.3f]  ", low, high);
}

static bool present(const triad_align_result *result, size_t null)
{
    return null == 0 ? result->options.iid : null == 1 ? result->options.relabel : result->options.vocabulary;
}

static void print_measure(const triad_align_result *result, const triad_align_measure *measure, const char *label)
{
    printf("  %-*s", LABEL, label);
    print_number(measure->value, 8);
    print_number(measure->chance, 8);
    if (isnan(measure->value) && measure->reason) {
        printf("  %s\n", measure->reason);
        return;
    }
    print_interval(measure->low, measure->high);
    if (result->strata > 0) print_interval(measure->low_groups, measure->high_groups);
    size_t draws = SIZE_MAX;
    for (size_t null = 0; null < ALIGN_NULLS; null++) {
        const triad_align_null *of = triad_align_null_of(measure, null);
        if (!present(result, null)) continue;
        if (of->present)
            print_number(of->p, 14);
        else
            printf("%14s", "");
        if (of->present && null > 0) draws = of->draws;
    }
    /* Three objects have six renamings: no data could give less. */
    if (draws < 19) printf("  (p can't be below %.3f)", 1 / ((double)draws + 1));
    printf("\n");
}

static void print_grades(const triad_align_result *result, const triad_align_measure *measure)
{
    if (measure == NULL || isnan(measure->value)) return;
    printf("  %-*s%8.1f\n", LABEL, "median rank of its own", measure->median_rank);
    if (measure->grade == NULL) return;
    bool any = false;
    for (size_t c = 0; c < result->columns; c++) {
        if (isnan(measure->grade[c]) || result->column_chance[c] > 0.999) continue;
        printf(any ? ", " : "  of the first, share with the right ");
        printf("%s %.2f (%.2f)", result->column[c], measure->grade[c], result->column_chance[c]);
        any = true;
    }
    if (any) printf("; by chance in brackets\n");
}

static const triad_align_measure *first_of(const triad_align_pair *pair, const char *beginning)
{
    for (size_t i = 0; i < pair->measures; i++)
        if (strncmp(pair->measure[i].name, beginning, strlen(beginning)) == 0) return &pair->measure[i];
    return NULL;
}

/* The largest k that there are sentences for. */
static size_t headline_k(const triad_align_result *result)
{
    size_t k = 0;
    for (size_t q = 0; q < result->options.ks; q++)
        if (result->options.k[q] < result->n) k = result->options.k[q];
    return k;
}

static void print_headline(const triad_align_result *result, const triad_align_pair *pair)
{
    const size_t k = headline_k(result);
    static const char *const ways[] = {"mean", "xy", "yx"};
    char name[96], label[64];
    const triad_align_measure *retrieval = NULL;
    for (size_t w = 0; w < 3 && retrieval == NULL; w++) {
        snprintf(name, sizeof name, "retrieval/%s/all/%s/nn/%zu/expected", result->protocol, ways[w], k);
        retrieval = triad_align_find(pair, name);
        snprintf(label, sizeof label, "P@%zu retrieval (%s%s%s)", k, result->protocol, w ? ", " : "", w ? ways[w] : "");
    }
    if (retrieval) print_measure(result, retrieval, label);
    snprintf(name, sizeof name, "mutual_knn_frac/%zu", k);
    snprintf(label, sizeof label, "P@%zu overlap", k);
    const struct {
        const char *name, *label;
    } rows[] = {{name, label},
                {"cka_linear_debiased", "CKA debiased"},
                {"rsa/cosine/spearman", "RSA Spearman"},
                {"rsa_partial/cosine/spearman", "RSA, controls held constant"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const triad_align_measure *measure = triad_align_find(pair, rows[i].name);
        if (measure) print_measure(result, measure, rows[i].label);
    }
    for (size_t i = 0; i < pair->measures; i++)
        if (strncmp(pair->measure[i].name, "leave_two_words/", 16) == 0) {
            snprintf(label, sizeof label, "held-out %.18s", pair->measure[i].name + 16);
            print_measure(result, &pair->measure[i], label);
        }
    const triad_align_measure *explained = first_of(pair, "map_r2/");
    if (explained) print_measure(result, explained, "R2 on held-out sentences");
    print_grades(result, retrieval);
}

static void print_heading(const triad_align_result *result)
{
    printf("  %-*s%8s%8s  %-16s", LABEL, "", "value", "chance", result->options.bootstraps ? "95 %, sentences" : "");
    if (result->strata > 0) printf("  %-16s", result->options.bootstraps ? "95 %, words" : "");
    for (size_t null = 0; null < ALIGN_NULLS; null++) {
        char label[24];
        snprintf(label, sizeof label, "p %.10s", TRIAD_ALIGN_NULLS[null]);
        if (present(result, null)) printf("%14s", label);
    }
    printf("\n");
}

/* Of the measures whose draws are counted by --permutations and --refits; held-out words have renamings of their own.
 */
static size_t fewest_draws(const triad_align_result *result, size_t null)
{
    size_t fewest = SIZE_MAX;
    for (size_t i = 0; result->pairs > 0 && i < result->pair[0].measures; i++) {
        const triad_align_measure *measure = &result->pair[0].measure[i];
        const triad_align_null *of = triad_align_null_of(measure, null);
        if (of->present && strncmp(measure->name, "leave_two_words/", 16) != 0 && of->draws < fewest)
            fewest = of->draws;
    }
    return fewest;
}

static void print_renaming(const triad_align_result *result, size_t null)
{
    const triad_align_renaming *renaming = null == 1 ? &result->relabel : &result->vocabulary;
    if (!present(result, null)) return;
    if (!renaming->done) {
        printf("No null %s: %s.\n", TRIAD_ALIGN_NULLS[null],
               renaming->refused[0] ? renaming->refused : "no draws were asked for");
        return;
    }
    printf("%s: %.10g renamings (%s; %zu pairs of words); the smallest p is %.3g", TRIAD_ALIGN_NULLS[null],
           renaming->relabellings, renaming->words, renaming->word_pairs, renaming->smallest_p);
    const double anew = 1 / ((double)fewest_draws(result, null) + 1);
    if (anew > renaming->smallest_p) printf(" (%.3g for what is fitted anew)", anew);
    if (renaming->left_out > 0) printf("; %zu sentences left out", renaming->left_out);
    printf(".\n");
}

void cli_print_alignment(const triad_align_result *result, bool chosen)
{
    for (size_t p = 0; p < result->pairs; p++) {
        const triad_align_pair *pair = &result->pair[p];
        printf("%s%s [%s] and %s [%s], %zu sentences\n", p ? "\n" : "", result->name[pair->x], result->layer[pair->x],
               result->name[pair->y], result->layer[pair->y], pair->n);
        print_heading(result);
        if (!chosen) print_headline(result, pair);
        for (size_t i = 0; chosen && i < pair->measures; i++)
            print_measure(result, &pair->measure[i], pair->measure[i].name);
    }
    for (size_t b = 0; b < result->bests; b++) {
        const triad_align_best *best = &result->best[b];
        bool headed = false;
        for (size_t i = 0; i < best->measures; i++) {
            if (best->pair[i] == SIZE_MAX) continue;
            const triad_align_pair *pair = &result->pair[best->pair[i]];
            if (!headed)
                printf("\nBest layers of %s and %s, against the best under each null\n", result->name[pair->x],
                       result->name[pair->y]);
            headed = true;
            printf("  %-46s%8.3f  [%s, %s]", best->measure[i].name, best->measure[i].value, result->layer[pair->x],
                   result->layer[pair->y]);
            for (size_t null = 0; null < ALIGN_NULLS; null++)
                if (triad_align_null_of(&best->measure[i], null)->present)
                    printf("  p %s %.3f", TRIAD_ALIGN_NULLS[null], triad_align_null_of(&best->measure[i], null)->p);
            printf("\n");
        }
    }
    bool blank = false;
    for (size_t null = 0; null < ALIGN_NULLS; null++) {
        char text[240];
        triad_align_multiplicity(result, null, text, sizeof text);
        if (!blank && (present(result, 1) || present(result, 2) || text[0])) printf("\n");
        blank = true;
        if (null > 0) print_renaming(result, null);
        if (text[0]) printf("%s\n", text);
    }
}

/* ---- several pairs together */

static bool is_headline(const triad_align_result *result, const char *name)
{
    static const char *const ways[] = {"mean", "xy", "yx"};
    const size_t k = headline_k(result), way = (size_t)result->options.direction;
    char overlap[64], retrieval[96];
    snprintf(overlap, sizeof overlap, "mutual_knn_frac/%zu", k);
    snprintf(retrieval, sizeof retrieval, "retrieval/%s/all/%s/nn/%zu/expected", result->protocol, ways[way], k);
    return strcmp(name, "cka_linear_debiased") == 0 || strcmp(name, "rsa/cosine/spearman") == 0 ||
           strncmp(name, "rsa_partial/cosine", 18) == 0 || strcmp(name, overlap) == 0 || strcmp(name, retrieval) == 0;
}

static double real_of(json_object *object, const char *key)
{
    double value = NAN;
    (void)!json_get_real(object, key, &value, NULL);
    return value;
}

static void print_estimate(json_object *estimate, const char *key)
{
    json_object *interval = json_find(estimate, key, json_type_array);
    if (interval == NULL) return;
    printf("  [%.3f, %.3f]", json_object_get_double(json_object_array_get_idx(interval, 0)),
           json_object_get_double(json_object_array_get_idx(interval, 1)));
}

static void print_estimates(const triad_align_result *result, json_object *measures, const char *part, bool chosen)
{
    json_object_object_foreach(measures, name, measure)
    {
        json_object *estimate = part ? json_find(measure, part, json_type_object) : measure;
        if ((!chosen && !is_headline(result, name)) || estimate == NULL || isnan(real_of(estimate, "value"))) continue;
        printf("  %-46s%8.3f", name, real_of(estimate, "value"));
        print_estimate(estimate, "interval");
        print_estimate(estimate, "interval_groups");
        if (!isnan(real_of(estimate, "p"))) printf("  p %.3f", real_of(estimate, "p"));
        printf("\n");
    }
}

static const char *text_of(json_object *object, const char *key)
{
    const char *text = "";
    (void)!json_get_string(object, key, &text, NULL);
    return text;
}

void cli_print_together(const triad_align_result *result, json_object *document, bool chosen)
{
    json_object *seeds = json_find(document, "seeds", json_type_array),
                *ceilings = json_find(document, "ceilings", json_type_array),
                *differences = json_find(document, "differences", json_type_array);
    for (size_t i = 0; seeds && i < json_object_array_length(seeds); i++) {
        json_object *one = json_object_array_get_idx(seeds, i);
        printf("\n%s and %s, mean over seeds; 95 %% over sentences and seeds, over words and seeds\n",
               text_of(one, "x"), text_of(one, "y"));
        print_estimates(result, json_find(one, "measures", json_type_object), NULL, chosen);
    }
    for (size_t i = 0; ceilings && i < json_object_array_length(ceilings); i++) {
        json_object *one = json_object_array_get_idx(ceilings, i),
                    *measures = json_find(one, "measures", json_type_object);
        printf("\nCeiling of %s: a seed against the mean of the others\n", text_of(one, "name"));
        print_estimates(result, measures, "lower", chosen);
        printf("and against the mean of all\n");
        print_estimates(result, measures, "upper", chosen);
    }
    for (size_t i = 0; differences && i < json_object_array_length(differences); i++) {
        json_object *one = json_object_array_get_idx(differences, i);
        printf("\n%s minus %s, each with %s; 95 %% over the same sentences, over the same words\n", text_of(one, "a"),
               text_of(one, "b"), text_of(one, "with"));
        print_estimates(result, json_find(one, "measures", json_type_object), NULL, chosen);
    }
}
