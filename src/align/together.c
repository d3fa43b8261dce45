#include "align/together.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
}

static void add(json_object *object, const char *key, json_object *value)
{
    json_object_object_add(object, key, value);
}

static json_object *interval_to_json(double low, double high)
{
    if (isnan(low)) return NULL;
    json_object *interval = json_object_new_array();
    json_object_array_add(interval, json_new_real(low));
    json_object_array_add(interval, json_new_real(high));
    return interval;
}

static json_object *contrast_to_json(const triad_align_contrast *c, bool p)
{
    json_object *object = json_object_new_object();
    add(object, "value", json_new_real(c->value));
    add(object, "interval", interval_to_json(c->low, c->high));
    if (!isnan(c->low_groups)) add(object, "interval_groups", interval_to_json(c->low_groups, c->high_groups));
    if (p) add(object, "p", json_new_real(c->p));
    return object;
}

/* Every measure's contrast of the members as an object. */
static triad_status measures_to_json(json_object *out, const triad_align_result *result,
                                     const triad_align_member *members, size_t count, bool p, triad_error *err)
{
    const triad_align_pair *pair = &result->pair[members[0].pair];
    for (size_t i = 0; i < pair->measures; i++) {
        triad_align_contrast contrast;
        const triad_status status =
            triad_align_contrast_of(&contrast, result, pair->measure[i].name, members, count, err);
        if (status != TRIAD_OK) return status;
        add(out, pair->measure[i].name, contrast_to_json(&contrast, p));
    }
    return TRIAD_OK;
}

/* Names of things: sets, then sides that are in none, each once; borrowed; the caller frees the list. */
static triad_status list_things(const char ***things, size_t *count, char *const *names, size_t name_count,
                                const triad_align_set *sets, size_t set_count, triad_error *err)
{
    const char **list = malloc((set_count + name_count + 1) * sizeof *list);
    if (list == NULL) return out_of_memory(err);
    *count = 0;
    for (size_t s = 0; s < set_count; s++) list[(*count)++] = sets[s].name;
    for (size_t i = 0; i < name_count; i++) {
        bool known = false;
        for (size_t s = 0; s < set_count; s++)
            for (size_t m = 0; m < sets[s].count; m++) known |= strcmp(sets[s].members[m], names[i]) == 0;
        for (size_t t = 0; t < *count; t++) known |= strcmp(list[t], names[i]) == 0;
        if (!known) list[(*count)++] = names[i];
    }
    *things = list;
    return TRIAD_OK;
}

triad_status align_seeds_to_json(json_object **out, const triad_align_result *result, const triad_align_set *sets,
                                 size_t set_count, triad_error *err)
{
    const char **things;
    size_t count;
    *out = json_object_new_array();
    triad_status status = list_things(&things, &count, result->name, result->sides, sets, set_count, err);
    for (size_t s = 0; status == TRIAD_OK && s < set_count; s++)
        for (size_t t = s + 1; status == TRIAD_OK && t < count; t++) {
            triad_align_member *members;
            size_t found;
            status = triad_align_between(&members, &found, result, sets, set_count, sets[s].name, things[t], err);
            if (status == TRIAD_OK && found > 0) {
                json_object *object = json_object_new_object(), *measures = json_object_new_object();
                add(object, "x", json_object_new_string(sets[s].name));
                add(object, "y", json_object_new_string(things[t]));
                add(object, "seeds", json_object_new_int64((int64_t)sets[s].count));
                status = measures_to_json(measures, result, members, found, false, err);
                add(object, "measures", measures);
                json_object_array_add(*out, object);
            }
            free(members);
        }
    if (status == TRIAD_OK) free(things);
    return status;
}

/* "A:B" into two of the things. */
static triad_status split_difference(const char **a, const char **b, const char *difference, const char **things,
                                     size_t count, triad_error *err)
{
    const char *colon = strchr(difference, ':');
    *a = *b = NULL;
    for (size_t t = 0; colon && t < count; t++) {
        const size_t length = strlen(things[t]);
        if (length == (size_t)(colon - difference) && strncmp(things[t], difference, length) == 0) *a = things[t];
        if (strcmp(things[t], colon + 1) == 0) *b = things[t];
    }
    if (*a == NULL || *b == NULL || *a == *b) {
        char known[160] = "";
        for (size_t t = 0, used = 0; t < count && used < sizeof known; t++)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", t ? ", " : "", things[t]);
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "--difference %.60s: wants A:B, two of %s", difference, known);
    }
    if (count < 3)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                          "--difference %.60s: there is nothing else to compare both with (give a third space)",
                          difference);
    return TRIAD_OK;
}

triad_status align_differences_check(char *const *names, size_t name_count, const triad_align_set *sets,
                                     size_t set_count, const char *const *differences, size_t difference_count,
                                     triad_error *err)
{
    const char **things, *a, *b;
    size_t count;
    triad_status status = list_things(&things, &count, names, name_count, sets, set_count, err);
    if (status != TRIAD_OK) return status;
    for (size_t d = 0; status == TRIAD_OK && d < difference_count; d++)
        status = split_difference(&a, &b, differences[d], things, count, err);
    free(things);
    return status;
}

triad_status align_differences_to_json(json_object **out, const triad_align_result *result, const triad_align_set *sets,
                                       size_t set_count, const char *const *differences, size_t difference_count,
                                       triad_error *err)
{
    const char **things;
    size_t count;
    *out = json_object_new_array();
    triad_status status = list_things(&things, &count, result->name, result->sides, sets, set_count, err);
    if (status != TRIAD_OK) return status;
    for (size_t d = 0; status == TRIAD_OK && d < difference_count; d++) {
        const char *a, *b;
        status = split_difference(&a, &b, differences[d], things, count, err);
        for (size_t t = 0; status == TRIAD_OK && t < count; t++) {
            if (things[t] == a || things[t] == b) continue;
            triad_align_member *plus, *minus = NULL, *both = NULL;
            size_t plus_count, minus_count = 0;
            status = triad_align_between(&plus, &plus_count, result, sets, set_count, things[t], a, err);
            if (status == TRIAD_OK)
                status = triad_align_between(&minus, &minus_count, result, sets, set_count, things[t], b, err);
            if (status == TRIAD_OK && (both = malloc((plus_count + minus_count + 1) * sizeof *both)) == NULL)
                status = out_of_memory(err);
            if (status == TRIAD_OK && plus_count > 0 && minus_count > 0) {
                /* Seeds of Z are the same on both sides and drawn together; those of A and B are different networks. */
                size_t beyond = 0;
                for (size_t m = 0; m < plus_count; m++) {
                    both[m] = plus[m];
                    if (plus[m].seed_y != SIZE_MAX && plus[m].seed_y >= beyond) beyond = plus[m].seed_y + 1;
                }
                for (size_t m = 0; m < minus_count; m++) {
                    both[plus_count + m] = minus[m];
                    both[plus_count + m].sign = -1;
                    if (minus[m].seed_y != SIZE_MAX) both[plus_count + m].seed_y += beyond;
                }
                json_object *object = json_object_new_object(), *measures = json_object_new_object();
                add(object, "a", json_object_new_string(a));
                add(object, "b", json_object_new_string(b));
                add(object, "with", json_object_new_string(things[t]));
                status = measures_to_json(measures, result, both, plus_count + minus_count, true, err);
                add(object, "measures", measures);
                json_object_array_add(*out, object);
            }
            free(plus);
            free(minus);
            free(both);
        }
    }
    free(things);
    return status;
}

/* ---- ceilings */

typedef struct ceiling {
    triad_space *mean;      /* [count + 1]: without each seed, then of all */
    triad_align_side *side; /* [2 count + 1]: seeds, then the means */
    char (*name)[80];
    size_t (*pair)[2]; /* [2 count] */
} ceiling;

static triad_status measure_ceiling(json_object *out, const ceiling *c, size_t count,
                                    const triad_align_options *options, triad_pool *pool, triad_progress *progress,
                                    triad_error *err)
{
    triad_align_result result = {0};
    triad_align_member *members = malloc((count + 1) * sizeof *members);
    triad_status status = members ? TRIAD_OK : out_of_memory(err);
    if (status == TRIAD_OK)
        status = triad_align(&result, c->side, 2 * count + 1, (const size_t(*)[2])c->pair, 2 * count, options, pool,
                             progress, err);
    for (size_t i = 0; status == TRIAD_OK && i < result.pair[0].measures; i++) {
        json_object *object = json_object_new_object();
        for (unsigned upper = 0; upper < 2 && status == TRIAD_OK; upper++) {
            triad_align_contrast contrast;
            for (size_t m = 0; m < count; m++) members[m] = (triad_align_member){upper * count + m, 1, m, SIZE_MAX};
            status = triad_align_contrast_of(&contrast, &result, result.pair[0].measure[i].name, members, count, err);
            if (status == TRIAD_OK) add(object, upper ? "upper" : "lower", contrast_to_json(&contrast, false));
        }
        add(out, result.pair[0].measure[i].name, object);
    }
    triad_align_result_free(&result);
    free(members);
    return status;
}

static triad_status one_ceiling(json_object *out, const triad_align_side *sides, size_t side_count,
                                const triad_align_set *set, const triad_align_options *options, triad_pool *pool,
                                triad_progress *progress, triad_error *err)
{
    const size_t count = set->count;
    ceiling c = {.mean = calloc(count + 1, sizeof *c.mean),
                 .side = calloc(2 * count + 1, sizeof *c.side),
                 .name = calloc(count + 1, sizeof *c.name),
                 .pair = calloc(2 * count, sizeof *c.pair)};
    const triad_space **space = calloc(count + 1, sizeof *space);
    const triad_layer **layer = calloc(count + 1, sizeof *layer);
    triad_status status = c.mean && c.side && c.name && c.pair && space && layer ? TRIAD_OK : out_of_memory(err);
    for (size_t m = 0; status == TRIAD_OK && m < count; m++)
        for (size_t i = 0; i < side_count; i++)
            if (strcmp(sides[i].name, set->members[m]) == 0) c.side[m] = sides[i];
    for (size_t m = 0; status == TRIAD_OK && m <= count; m++) {
        size_t held = 0;
        for (size_t o = 0; o < count; o++) {
            if (o == m) continue;
            space[held] = c.side[o].space;
            layer[held++] = c.side[o].layer ? c.side[o].layer : triad_space_last(c.side[o].space);
        }
        status = triad_align_mean_space(&c.mean[m], space, layer, held, err);
        if (m < count)
            snprintf(c.name[m], sizeof c.name[m], "others than %.60s", c.side[m].name);
        else
            snprintf(c.name[m], sizeof c.name[m], "all of %.60s", set->name);
        c.side[count + m] = (triad_align_side){c.name[m], &c.mean[m], NULL};
    }
    for (size_t m = 0; status == TRIAD_OK && m < count; m++) {
        c.pair[m][0] = c.pair[count + m][0] = m;
        c.pair[m][1] = count + m;
        c.pair[count + m][1] = 2 * count;
    }
    triad_align_options quiet = *options;
    quiet.iid = quiet.relabel = quiet.vocabulary = quiet.best = false;
    if (status == TRIAD_OK) status = measure_ceiling(out, &c, count, &quiet, pool, progress, err);
    for (size_t m = 0; c.mean && m <= count; m++) triad_space_free(&c.mean[m]);
    free(c.mean);
    free(c.side);
    free(c.name);
    free(c.pair);
    free(space);
    free(layer);
    return status;
}

triad_status align_ceilings_to_json(json_object **out, const triad_align_side *sides, size_t side_count,
                                    const triad_align_set *sets, size_t set_count, const triad_align_options *options,
                                    triad_pool *pool, triad_progress *progress, triad_error *err)
{
    triad_status status = TRIAD_OK;
    *out = json_object_new_array();
    for (size_t s = 0; status == TRIAD_OK && s < set_count; s++) {
        json_object *object = json_object_new_object(), *measures = json_object_new_object();
        add(object, "name", json_object_new_string(sets[s].name));
        status = one_ceiling(measures, sides, side_count, &sets[s], options, pool, progress, err);
        add(object, "measures", measures);
        json_object_array_add(*out, object);
    }
    return status;
}
