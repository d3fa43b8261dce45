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
    return object;
}

static json_object *measure_to_json(const triad_align_measure *measure)
{
    json_object *object = json_object_new_object(), *nulls = json_object_new_object();
    add(object, "value", json_new_real(measure->value));
    add(object, "chance", json_new_real(measure->chance));
    if (measure->chance > 0 && measure->chance < 1)
        add(object, "above_chance", json_new_real((measure->value - measure->chance) / (1 - measure->chance)));
    if (isnan(measure->low)) {
        add(object, "interval", NULL);
    } else {
        json_object *interval = json_object_new_array();
        json_object_array_add(interval, json_new_real(measure->low));
        json_object_array_add(interval, json_new_real(measure->high));
        add(object, "interval", interval);
    }
    if (measure->iid.present) add(nulls, "iid", null_to_json(&measure->iid));
    if (measure->relabel.present) add(nulls, "relabel", null_to_json(&measure->relabel));
    add(object, "null", nulls);
    if (measure->reason) add(object, "reason", json_object_new_string(measure->reason));
    return object;
}

json_object *triad_align_to_json(const triad_align_result *result)
{
    json_object *root = json_object_new_object(), *spaces = json_object_new_array(), *pairs = json_object_new_array();
    add(root, "items", json_object_new_int64(result->pairs ? (int64_t)result->pair[0].n : 0));
    /* A space is listed once, with the layers that were measured. */
    for (size_t i = 0; i < result->sides; i++) {
        bool listed = false;
        for (size_t j = 0; j < i; j++) listed |= strcmp(result->name[i], result->name[j]) == 0;
        if (listed) continue;
        json_object *space = json_object_new_object(), *layers = json_object_new_array();
        add(space, "name", json_object_new_string(result->name[i]));
        add(space, "source", json_object_new_string(result->source[i]));
        add(space, "sha256", json_object_new_string(result->sha256[i]));
        for (size_t j = i; j < result->sides; j++)
            if (strcmp(result->name[i], result->name[j]) == 0)
                json_object_array_add(layers, json_object_new_string(result->layer[j]));
        add(space, "layers", layers);
        json_object_array_add(spaces, space);
    }
    add(root, "spaces", spaces);
    for (size_t p = 0; p < result->pairs; p++) {
        const triad_align_pair *pair = &result->pair[p];
        json_object *object = json_object_new_object(), *measures = json_object_new_object();
        add(object, "x", json_object_new_string(result->name[pair->x]));
        add(object, "layer_x", json_object_new_string(result->layer[pair->x]));
        add(object, "y", json_object_new_string(result->name[pair->y]));
        add(object, "layer_y", json_object_new_string(result->layer[pair->y]));
        add(object, "median_rank", json_new_real(pair->median_rank));
        if (result->options.relabel) {
            json_object *relabel = json_object_new_object();
            if (pair->refused[0])
                add(relabel, "refused", json_object_new_string(pair->refused));
            else {
                add(relabel, "relabellings", json_new_real(pair->relabellings));
                add(relabel, "smallest_p", json_new_real(pair->smallest_p));
                add(relabel, "left_out", json_object_new_int64((int64_t)pair->left_out));
            }
            add(object, "relabel", relabel);
        }
        for (size_t i = 0; i < pair->measures; i++)
            add(measures, pair->measure[i].name, measure_to_json(&pair->measure[i]));
        add(object, "measures", measures);
        json_object_array_add(pairs, object);
    }
    add(root, "pairs", pairs);
    if (result->options.relabel) {
        json_object *left_out = json_object_new_array();
        for (size_t i = 0; i < result->left_out; i++)
            json_object_array_add(left_out, json_object_new_string(result->left_out_id[i]));
        add(root, "relabel_left_out", left_out);
    }
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

triad_status triad_align_write_csv(const triad_align_result *result, const char *path, triad_error *err)
{
    triad_atomic_file file;
    triad_status status = triad_atomic_open(&file, path, err);
    if (status != TRIAD_OK) return status;
    fputs("x,layer_x,y,layer_y,n,measure,k,direction,value,chance,low,high,null,p,null_mean,null_sd,null_observed,"
          "draws\n",
          file.stream);
    for (size_t p = 0; p < result->pairs; p++) {
        const triad_align_pair *pair = &result->pair[p];
        for (size_t i = 0; i < pair->measures; i++) {
            const triad_align_measure *measure = &pair->measure[i];
            const parts name = take_apart(measure->name);
            const triad_align_null *nulls[] = {&measure->iid, &measure->relabel};
            const char *const names[] = {"iid", "relabel"};
            const bool any = measure->iid.present || measure->relabel.present;
            for (size_t q = 0; q < 2; q++) {
                if (any ? !nulls[q]->present : q > 0) continue;
                print_field(file.stream, result->name[pair->x]);
                fputc(',', file.stream);
                print_field(file.stream, result->layer[pair->x]);
                fputc(',', file.stream);
                print_field(file.stream, result->name[pair->y]);
                fputc(',', file.stream);
                print_field(file.stream, result->layer[pair->y]);
                fprintf(file.stream, ",%zu,%s,%s,%s", pair->n, name.measure, name.k, name.direction);
                print_real(file.stream, measure->value);
                print_real(file.stream, measure->chance);
                print_real(file.stream, measure->low);
                print_real(file.stream, measure->high);
                fprintf(file.stream, ",%s", any ? names[q] : "");
                print_real(file.stream, any ? nulls[q]->p : NAN);
                print_real(file.stream, any ? nulls[q]->mean : NAN);
                print_real(file.stream, any ? nulls[q]->sd : NAN);
                print_real(file.stream, any ? nulls[q]->observed : NAN);
                if (any)
                    fprintf(file.stream, ",%zu\n", nulls[q]->draws);
                else
                    fputs(",\n", file.stream);
            }
        }
    }
    return triad_atomic_commit(&file, err);
}
