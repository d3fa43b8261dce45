/* Results as the JSON document and the tidy table of the manual. */
#include "align/results.h"

#include "base/file.h"
#include "formats/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(json_object *object, const char *key, json_object *value)
{
    json_object_object_add(object, key, value);
}

static json_object *null_to_json(const triad_align_null *null)
{
    json_object *object = json_object_new_object();
    add(object, "p", json_new_real(null->p));
    add(object, "mean", json_new_real(null->mean));
    add(object, "sd", json_new_real(null->sd));
    add(object, "observed", json_new_real(null->observed));
    add(object, "draws", json_object_new_int64((int64_t)null->draws));
    add(object, "z", json_new_real(null->z));
    add(object, "calibrated", json_new_real(null->calibrated));
    add(object, "p_max", json_new_real(null->p_max));
    add(object, "p_holm", json_new_real(null->p_holm));
    add(object, "p_bh", json_new_real(null->p_bh));
    return object;
}

static json_object *interval_to_json(double low, double high)
{
    if (isnan(low)) return NULL;
    json_object *interval = json_object_new_array();
    json_object_array_add(interval, json_new_real(low));
    json_object_array_add(interval, json_new_real(high));
    return interval;
}

/* Means of a measure's scores over the sentences that hold each word of each factor. */
static json_object *factors_to_json(const triad_align_result *result, const double *scores)
{
    json_object *factors = json_object_new_object();
    const size_t n = result->n, columns = result->columns;
    for (size_t c = 0; c < columns; c++) {
        json_object *words = json_object_new_object();
        for (size_t i = 0; i < n; i++) {
            const char *word = result->cell[i * columns + c];
            if (word[0] == '\0' || json_object_object_get(words, word)) continue;
            double sum = 0;
            size_t held = 0;
            for (size_t j = i; j < n; j++)
                if (strcmp(result->cell[j * columns + c], word) == 0) {
                    sum += scores[j];
                    held++;
                }
            add(words, word, json_new_real(sum / (double)held));
        }
        add(factors, result->column[c], words);
    }
    return factors;
}

static json_object *measure_to_json(const triad_align_result *result, const triad_align_measure *measure, bool grouped)
{
    json_object *object = json_object_new_object(), *nulls = json_object_new_object();
    add(object, "value", json_new_real(measure->value));
    add(object, "chance", json_new_real(measure->chance));
    if (measure->chance > 0 && measure->chance < 1)
        add(object, "above_chance", json_new_real((measure->value - measure->chance) / (1 - measure->chance)));
    add(object, "interval", interval_to_json(measure->low, measure->high));
    if (result->strata > 0) add(object, "interval_groups", interval_to_json(measure->low_groups, measure->high_groups));
    if (!isnan(measure->median_rank)) add(object, "median_rank", json_new_real(measure->median_rank));
    if (measure->grade) {
        json_object *graded = json_object_new_object();
        for (size_t c = 0; c < result->columns; c++) {
            json_object *grade = json_object_new_object();
            add(grade, "share", json_new_real(measure->grade[c]));
            add(grade, "chance", json_new_real(result->column_chance[c]));
            add(graded, result->column[c], grade);
        }
        add(object, "graded", graded);
    }
    for (size_t null = 0; null < ALIGN_NULLS; null++) {
        const triad_align_null *one = triad_align_null_of(measure, null);
        if (one->present) add(nulls, TRIAD_ALIGN_NULLS[null], null_to_json(one));
    }
    add(object, "null", nulls);
    if (grouped && measure->scores && result->columns > 0)
        add(object, "by_factor", factors_to_json(result, measure->scores));
    if (measure->reason) add(object, "reason", json_object_new_string(measure->reason));
    return object;
}

static json_object *renaming_to_json(const triad_align_renaming *renaming, bool ids)
{
    json_object *object = json_object_new_object();
    if (!renaming->done) {
        add(object, "refused", json_object_new_string(renaming->refused));
        return object;
    }
    add(object, "relabellings", json_new_real(renaming->relabellings));
    add(object, "smallest_p", json_new_real(renaming->smallest_p));
    add(object, "words", json_object_new_string(renaming->words));
    add(object, "word_pairs", json_object_new_int64((int64_t)renaming->word_pairs));
    add(object, "left_out", json_object_new_int64((int64_t)renaming->left_out));
    json_object *left_out = json_object_new_array();
    for (size_t i = 0; ids && i < renaming->left_out; i++)
        json_object_array_add(left_out, json_object_new_string(renaming->left_out_id[i]));
    if (ids)
        add(object, "left_out_ids", left_out);
    else
        json_object_put(left_out);
    return object;
}

static json_object *options_to_json(const triad_align_result *result)
{
    const triad_align_options *options = &result->options;
    json_object *object = json_object_new_object(), *ks = json_object_new_array(), *controls = json_object_new_array();
    add(object, "protocol", json_object_new_string(result->protocol));
    add(object, "folds", json_object_new_string(result->folds));
    for (size_t q = 0; q < options->ks; q++) json_object_array_add(ks, json_object_new_int64((int64_t)options->k[q]));
    add(object, "k", ks);
    add(object, "seed", json_object_new_int64((int64_t)options->seed));
    add(object, "permutations", json_object_new_int64((int64_t)options->permutations));
    add(object, "refits", json_object_new_int64((int64_t)options->refits));
    add(object, "bootstraps", json_object_new_int64((int64_t)options->bootstraps));
    add(object, "center", json_object_new_boolean(options->center));
    add(object, "standardize", json_object_new_boolean(options->standardize));
    add(object, "remove_top", json_object_new_int64((int64_t)options->remove_top));
    add(object, "groups", json_object_new_string(result->group_columns));
    for (size_t c = 0; c < result->controls; c++)
        json_object_array_add(controls, json_object_new_string(result->control[c]));
    add(object, "controls", controls);
    return object;
}

static json_object *shares_to_json(const triad_align_result *result, const triad_align_pair *pair)
{
    json_object *list = json_object_new_array();
    for (size_t s = 0; s < pair->shares; s++) {
        json_object *share = json_object_new_object(), *of = json_object_new_array();
        if (pair->share[s].set & 1) json_object_array_add(of, json_object_new_string(result->name[pair->x]));
        for (size_t c = 0; c < result->controls; c++)
            if (pair->share[s].set >> (1 + c) & 1)
                json_object_array_add(of, json_object_new_string(result->control[c]));
        add(share, "of", of);
        add(share, "share", json_new_real(pair->share[s].share));
        json_object_array_add(list, share);
    }
    return list;
}

static void add_sides(json_object *object, const triad_align_result *result, const triad_align_pair *pair)
{
    add(object, "x", json_object_new_string(result->name[pair->x]));
    add(object, "layer_x", json_object_new_string(result->layer[pair->x]));
    add(object, "y", json_object_new_string(result->name[pair->y]));
    add(object, "layer_y", json_object_new_string(result->layer[pair->y]));
}

static json_object *bests_to_json(const triad_align_result *result)
{
    json_object *list = json_object_new_array();
    for (size_t b = 0; b < result->bests; b++) {
        const triad_align_best *best = &result->best[b];
        json_object *object = json_object_new_object(), *measures = json_object_new_object();
        bool named = false;
        for (size_t i = 0; i < best->measures; i++) {
            if (best->pair[i] == SIZE_MAX) continue;
            const triad_align_pair *pair = &result->pair[best->pair[i]];
            if (!named) {
                add(object, "x", json_object_new_string(result->name[pair->x]));
                add(object, "y", json_object_new_string(result->name[pair->y]));
                named = true;
            }
            json_object *measure = measure_to_json(result, &best->measure[i], false);
            json_object_object_del(measure, "interval");
            json_object_object_del(measure, "interval_groups");
            add(measure, "layer_x", json_object_new_string(result->layer[pair->x]));
            add(measure, "layer_y", json_object_new_string(result->layer[pair->y]));
            add(measures, best->measure[i].name, measure);
        }
        add(object, "measures", measures);
        json_object_array_add(list, object);
    }
    return list;
}

/* Two spaces' layers against each other: for every measure a matrix [layers of x, layers of y] of values. */
static json_object *layers_to_json(const triad_align_result *result)
{
    json_object *list = json_object_new_array();
    for (size_t p = 0; p < result->pairs; p++) {
        const triad_align_pair *lead = &result->pair[p];
        bool listed = false;
        for (size_t q = 0; q < p && !listed; q++)
            listed = strcmp(result->name[result->pair[q].x], result->name[lead->x]) == 0 &&
                     strcmp(result->name[result->pair[q].y], result->name[lead->y]) == 0;
        if (listed) continue;
        json_object *object = json_object_new_object(), *rows = json_object_new_array(),
                    *columns = json_object_new_array(), *measures = json_object_new_object();
        add(object, "x", json_object_new_string(result->name[lead->x]));
        add(object, "y", json_object_new_string(result->name[lead->y]));
        for (size_t s = 0; s < result->sides; s++) {
            if (strcmp(result->name[s], result->name[lead->x]) == 0)
                json_object_array_add(rows, json_object_new_string(result->layer[s]));
            if (strcmp(result->name[s], result->name[lead->y]) == 0)
                json_object_array_add(columns, json_object_new_string(result->layer[s]));
        }
        add(object, "layers_x", rows);
        add(object, "layers_y", columns);
        for (size_t i = 0; i < lead->measures; i++) {
            json_object *matrix = json_object_new_array();
            for (size_t s = 0; s < result->sides; s++) {
                if (strcmp(result->name[s], result->name[lead->x]) != 0) continue;
                json_object *row = json_object_new_array();
                for (size_t t = 0; t < result->sides; t++) {
                    if (strcmp(result->name[t], result->name[lead->y]) != 0) continue;
                    const triad_align_pair *pair = triad_align_pair_of(result, s, t);
                    json_object_array_add(row, pair ? json_new_real(pair->measure[i].value) : NULL);
                }
                json_object_array_add(matrix, row);
            }
            add(measures, lead->measure[i].name, matrix);
        }
        add(object, "measures", measures);
        json_object_array_add(list, object);
    }
    return list;
}

static bool has_layers(const triad_align_result *result)
{
    for (size_t i = 1; i < result->sides; i++)
        if (strcmp(result->name[i], result->name[i - 1]) == 0) return true;
    return false;
}

json_object *triad_align_to_json(const triad_align_result *result)
{
    json_object *root = json_object_new_object(), *spaces = json_object_new_array(), *pairs = json_object_new_array();
    add(root, "items", json_object_new_int64((int64_t)result->n));
    add(root, "options", options_to_json(result));
    /* A space is listed once, with the layers that were measured. */
    for (size_t i = 0; i < result->sides; i++) {
        bool listed = false;
        for (size_t j = 0; j < i; j++) listed |= strcmp(result->name[i], result->name[j]) == 0;
        if (listed) continue;
        json_object *space = json_object_new_object(), *layers = json_object_new_array();
        add(space, "name", json_object_new_string(result->name[i]));
        add(space, "source", json_object_new_string(result->source[i]));
        add(space, "pool", json_object_new_string(result->pool[i]));
        add(space, "sha256", json_object_new_string(result->sha256[i]));
        for (size_t j = i; j < result->sides; j++)
            if (strcmp(result->name[i], result->name[j]) == 0)
                json_object_array_add(layers, json_object_new_string(result->layer[j]));
        add(space, "layers", layers);
        json_object_array_add(spaces, space);
    }
    add(root, "spaces", spaces);
    if (result->options.relabel) add(root, "relabel", renaming_to_json(&result->relabel, true));
    if (result->options.vocabulary) add(root, "vocabulary", renaming_to_json(&result->vocabulary, true));
    const bool few = result->pairs <= 400; /* factors of every layer of everything would make the file huge */
    for (size_t p = 0; p < result->pairs; p++) {
        const triad_align_pair *pair = &result->pair[p];
        json_object *object = json_object_new_object(), *measures = json_object_new_object();
        add_sides(object, result, pair);
        for (size_t i = 0; i < pair->measures; i++)
            add(measures, pair->measure[i].name, measure_to_json(result, &pair->measure[i], few));
        add(object, "measures", measures);
        if (pair->shares > 0) add(object, "commonality", shares_to_json(result, pair));
        json_object_array_add(pairs, object);
    }
    add(root, "pairs", pairs);
    if (result->bests > 0) add(root, "best", bests_to_json(result));
    if (has_layers(result)) add(root, "layers", layers_to_json(result));
    return root;
}

triad_status triad_align_write_json(const triad_align_result *result, const char *path, triad_error *err)
{
    json_object *root = triad_align_to_json(result);
    triad_status status = json_write_file(path, root, err);
    json_object_put(root);
    return status;
}

static void print_real(FILE *stream, double value)
{
    if (isnan(value))
        fputs(",", stream);
    else
        fprintf(stream, ",%.10g", value);
}

/* Names and layers hold no commas but those of file names: quoted as RFC 4180 says. */
static void print_field(FILE *stream, const char *text)
{
    if (strpbrk(text, ",\"\n") == NULL) {
        fputs(text, stream);
        return;
    }
    fputc('"', stream);
    for (; *text; text++) {
        if (*text == '"') fputc('"', stream);
        fputc(*text, stream);
    }
    fputc('"', stream);
}

typedef struct parts {
    char measure[96];
    char k[24];
    const char *direction;
} parts;

/* "retrieval/strict64/all/xy/nn/15/expected" -> measure without direction and k, direction, k */
static parts take_apart(const char *name)
{
    parts out = {.direction = ""};
    char copy[96];
    snprintf(copy, sizeof copy, "%s", name);
    char *rest = copy;
    for (char *word; (word = strsep(&rest, "/")) != NULL;) {
        if (strcmp(word, "xy") == 0 || strcmp(word, "yx") == 0 || strcmp(word, "mean") == 0) {
            out.direction = word[0] == 'x' ? "xy" : word[0] == 'y' ? "yx" : "mean";
        } else if (word[0] && strspn(word, "0123456789") == strlen(word)) {
            snprintf(out.k, sizeof out.k, "%.20s", word);
        } else {
            if (out.measure[0]) strcat(out.measure, "/");
            strcat(out.measure, word);
        }
    }
    return out;
}

static void print_csv_row(FILE *stream, const triad_align_result *result, const triad_align_pair *pair,
                          const triad_align_measure *measure, const char *null, const triad_align_null *of)
{
    const parts name = take_apart(measure->name);
    const char *const texts[] = {result->name[pair->x], result->layer[pair->x], result->pool[pair->x],
                                 result->name[pair->y], result->layer[pair->y], result->pool[pair->y]};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        print_field(stream, texts[i]);
        fputc(',', stream);
    }
    fprintf(stream, "%zu,%s,%s,%s", pair->n, name.measure, name.k, name.direction);
    const double numbers[] = {measure->value,      measure->chance,      measure->low,        measure->high,
                              measure->low_groups, measure->high_groups, measure->median_rank};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) print_real(stream, numbers[i]);
    fprintf(stream, ",%s", null);
    const double figures[] = {of->p,          of->mean,  of->sd,     of->observed, of->z,
                              of->calibrated, of->p_max, of->p_holm, of->p_bh};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) print_real(stream, null[0] ? figures[i] : NAN);
    if (null[0])
        fprintf(stream, ",%zu\n", of->draws);
    else
        fputs(",\n", stream);
}

triad_status triad_align_write_csv(const triad_align_result *result, const char *path, triad_error *err)
{
    triad_atomic_file file;
    triad_status status = triad_atomic_open(&file, path, err);
    if (status != TRIAD_OK) return status;
    fputs("x,layer_x,pool_x,y,layer_y,pool_y,n,measure,k,direction,value,chance,low,high,low_groups,high_groups,"
          "median_rank,null,p,null_mean,null_sd,null_observed,z,calibrated,p_max,p_holm,p_bh,draws\n",
          file.stream);
    for (size_t p = 0; p < result->pairs; p++)
        for (size_t i = 0; i < result->pair[p].measures; i++) {
            const triad_align_measure *measure = &result->pair[p].measure[i];
            bool any = false;
            for (size_t null = 0; null < ALIGN_NULLS; null++) {
                const triad_align_null *of = triad_align_null_of(measure, null);
                if (!of->present) continue;
                any = true;
                print_csv_row(file.stream, result, &result->pair[p], measure, TRIAD_ALIGN_NULLS[null], of);
            }
            if (!any) print_csv_row(file.stream, result, &result->pair[p], measure, "", &measure->iid);
        }
    return triad_atomic_commit(&file, err);
}

triad_status triad_align_write_contributions(const triad_align_result *result, const char *path, triad_error *err)
{
    triad_atomic_file file;
    triad_status status = triad_atomic_open(&file, path, err);
    if (status != TRIAD_OK) return status;
    fputs("x,layer_x,y,layer_y,measure,id", file.stream);
    for (size_t c = 0; c < result->columns; c++) {
        fputc(',', file.stream);
        print_field(file.stream, result->column[c]);
    }
    fputs(",contribution\n", file.stream);
    for (size_t p = 0; p < result->pairs; p++)
        for (size_t i = 0; i < result->pair[p].measures; i++) {
            const triad_align_pair *pair = &result->pair[p];
            const triad_align_measure *measure = &pair->measure[i];
            for (size_t r = 0; measure->scores && r < result->n; r++) {
                const char *const texts[] = {result->name[pair->x],  result->layer[pair->x], result->name[pair->y],
                                             result->layer[pair->y], measure->name,          result->id[r]};
                for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
                    if (t) fputc(',', file.stream);
                    print_field(file.stream, texts[t]);
                }
                for (size_t c = 0; c < result->columns; c++) {
                    fputc(',', file.stream);
                    print_field(file.stream, result->cell[r * result->columns + c]);
                }
                print_real(file.stream, measure->scores[r]);
                fputc('\n', file.stream);
            }
        }
    return triad_atomic_commit(&file, err);
}
