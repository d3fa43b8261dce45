#include "triad/multiverse.h"

#include "align/statistics.h"
#include "base/file.h"
#include "base/progress.h"
#include "base/progress_format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char RETRIEVAL[] = "retrieval", OVERLAP[] = "overlap";

static const struct {
    const char *name;
    bool center, standardize;
    size_t remove_top;
} TRANSFORMS[] = {{"none", false, false, 0},
                  {"center", true, false, 0},
                  {"standardize", false, true, 0},
                  {"remove-top-3", false, false, 3}};
static const struct {
    const char *name;
    triad_align_map map;
} MAPS[] = {{"procrustes", ALIGN_PROCRUSTES}, {"ridge", ALIGN_RIDGE}, {"cca", ALIGN_CANONICAL}};
static const char *const PROTOCOLS[] = {"strict64", "strict", "vlca", "pad"}, *const POOLS[] = {"all", "test"},
                         *const WAYS[] = {"mean", "xy", "yx"}, *const SCORES[] = {"nn", "csls"},
                         *const FOLDS[] = {"random", "group"};
static const char *const LAYERS[] = {"last", "middle"};
#define COUNT(array) (sizeof(array) / sizeof *(array))

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "multiverse: out of memory");
}

/* A pair of sides that is measured, and what it stands for. */
typedef struct variant {
    size_t x, y; /* things */
    const char *layer, *pooling_x, *pooling_y;
    bool preset;
} variant;

typedef struct builder {
    triad_multiverse *out;
    size_t capacity;
    const triad_multiverse_options *options;
    size_t *thing;            /* [spaces] */
    const triad_space **home; /* [things] the space that is its preset */
    triad_align_side *side;   /* [sides] spaces at their last and, where there is one, their middle layer */
    size_t sides, (*at)[2];   /* [spaces] which sides are theirs; the same twice without a middle */
    size_t (*pair)[2];
    variant *variant; /* [pairs] */
    size_t pairs;
} builder;

static triad_status add(builder *b, const triad_universe *universe, triad_error *err)
{
    triad_multiverse *out = b->out;
    if (out->count == b->capacity) {
        const size_t more = b->capacity ? 2 * b->capacity : 1024;
        triad_universe *grown = realloc(out->universe, more * sizeof *grown);
        if (grown == NULL) return out_of_memory(err);
        out->universe = grown;
        b->capacity = more;
    }
    out->universe[out->count++] = *universe;
    return TRIAD_OK;
}

static void place(triad_universe *universe, const builder *b, size_t pair)
{
    const variant *v = &b->variant[pair];
    universe->x = v->x;
    universe->y = v->y;
    universe->layer = v->layer;
    universe->pooling_x = v->pooling_x;
    universe->pooling_y = v->pooling_y;
}

/* Retrieval's universes of one call: the maps' own protocol alone, or all protocols where they are mapped by
 * Procrustes.
 */
static triad_status read_retrieval(builder *b, const triad_align_result *result, const triad_universe *base,
                                   const char *suffix, size_t protocols, triad_error *err)
{
    triad_status status = TRIAD_OK;
    for (size_t p = 0; p < result->pairs; p++)
        for (size_t c = 0; c < protocols; c++)
            for (size_t pool = 0; pool < COUNT(POOLS); pool++)
                for (size_t way = 0; way < COUNT(WAYS); way++)
                    for (size_t score = 0; score < COUNT(SCORES); score++)
                        for (size_t q = 0; q < result->options.ks && status == TRIAD_OK; q++) {
                            char name[96];
                            snprintf(name, sizeof name, "retrieval/%s%s/%s/%s/%s/%zu/expected", PROTOCOLS[c], suffix,
                                     POOLS[pool], WAYS[way], SCORES[score], result->options.k[q]);
                            const triad_align_measure *measure = triad_align_find(&result->pair[p], name);
                            if (measure == NULL || isnan(measure->value)) continue;
                            triad_universe u = *base;
                            place(&u, b, p);
                            u.protocol = PROTOCOLS[c];
                            u.pool = POOLS[pool];
                            u.direction = WAYS[way];
                            u.score = SCORES[score];
                            u.k = result->options.k[q];
                            u.value = measure->value;
                            u.chance = measure->chance;
                            u.preset = base->preset && b->variant[p].preset && u.k == b->out->preset_k && c == 0 &&
                                       pool == 0 && way == 0 && score == 0;
                            status = add(b, &u, err);
                        }
    return status;
}

static triad_status read_overlap(builder *b, const triad_align_result *result, const triad_universe *base,
                                 triad_error *err)
{
    triad_status status = TRIAD_OK;
    for (size_t p = 0; p < result->pairs; p++)
        for (size_t q = 0; q < result->options.ks && status == TRIAD_OK; q++) {
            char name[96];
            snprintf(name, sizeof name, "mutual_knn_frac/%zu", result->options.k[q]);
            const triad_align_measure *measure = triad_align_find(&result->pair[p], name);
            if (measure == NULL || isnan(measure->value)) continue;
            triad_universe u = {.reading = OVERLAP,
                                .transform = base->transform,
                                .folds = "",
                                .map = "",
                                .protocol = "",
                                .pool = "",
                                .direction = "",
                                .score = "",
                                .k = result->options.k[q],
                                .value = measure->value,
                                .chance = measure->chance,
                                .preset =
                                    base->preset && b->variant[p].preset && result->options.k[q] == b->out->preset_k};
            place(&u, b, p);
            status = add(b, &u, err);
        }
    return status;
}

/* Order by everything that pairs can share; poolings are a pair's own. */
static int by_choices(const void *x, const void *y)
{
    const triad_universe *a = *(const triad_universe *const *)x, *b = *(const triad_universe *const *)y;
    const char *const of_a[] = {a->layer, a->transform, a->folds, a->map, a->protocol, a->pool, a->direction, a->score},
                      *const of_b[] = {b->layer,    b->transform, b->folds,     b->map,
                                       b->protocol, b->pool,      b->direction, b->score};
    for (size_t c = 0; c < COUNT(of_a); c++) {
        const int order = strcmp(of_a[c], of_b[c]);
        if (order != 0) return order;
    }
    return 0;
}

/* The share of the preset's orders that universes [count], of one choice after the other, keep. preset [things, things]
 */
static double order_kept(const triad_universe *const *universe, size_t count, const double *preset, size_t things)
{
    double kept = 0, all = 0;
    for (size_t i = 0; i < count; i++) {
        const triad_universe *a = universe[i];
        const double pa = preset[a->x * things + a->y];
        for (size_t j = i + 1; j < count && !a->preset && by_choices(&universe[i], &universe[j]) == 0; j++) {
            const triad_universe *b = universe[j];
            const double pb = preset[b->x * things + b->y];
            if (isnan(pa) || isnan(pb) || pa == pb) continue;
            kept += (a->value - b->value) * (pa - pb) > 0 ? 1 : a->value == b->value ? 0.5 : 0;
            all++;
        }
    }
    return all > 0 ? kept / all : NAN;
}

/* At the preset's k, of pairs in their presets' poolings: one universe of each pair for one choice of the rest. */
static triad_status find_orders(const builder *b, triad_error *err)
{
    triad_multiverse *m = b->out;
    const char *const readings[] = {RETRIEVAL, OVERLAP};
    const triad_universe **universe = malloc((m->count + 1) * sizeof *universe);
    double *preset = malloc((m->things * m->things + 1) * sizeof *preset);
    const triad_status status = universe && preset ? TRIAD_OK : out_of_memory(err);
    for (size_t r = 0; r < COUNT(readings) && status == TRIAD_OK; r++) {
        size_t count = 0;
        for (size_t i = 0; i < m->things * m->things; i++) preset[i] = NAN;
        for (size_t i = 0; i < m->count; i++) {
            const triad_universe *u = &m->universe[i];
            if (u->k != m->preset_k || u->reading != readings[r] || u->pooling_x != b->home[u->x]->pool ||
                u->pooling_y != b->home[u->y]->pool)
                continue;
            universe[count++] = u;
            if (u->preset) preset[u->x * m->things + u->y] = u->value;
        }
        qsort(universe, count, sizeof *universe, by_choices);
        m->order_kept[r] = order_kept(universe, count, preset, m->things);
    }
    free(universe);
    free(preset);
    return status;
}

/* ---- what there is to compare */

/* The layer halfway up of those that are numbered; NULL where there is none but the last. */
static const triad_layer *middle_of(const triad_space *space)
{
    size_t top = 0;
    for (size_t l = 0; l < space->layers; l++) {
        char *end;
        const unsigned long number = strtoul(space->layer[l].name, &end, 10);
        if (space->layer[l].name[0] != '\0' && *end == '\0' && number > top) top = number;
    }
    char name[24];
    snprintf(name, sizeof name, "%zu", (top + 1) / 2);
    for (size_t l = 0; l < space->layers; l++)
        if (strcmp(space->layer[l].name, name) == 0 && &space->layer[l] != triad_space_last(space))
            return &space->layer[l];
    return NULL;
}

static bool joins(const builder *b, const triad_align_side *sides, size_t i, size_t thing)
{
    const triad_space *space = sides[i].space;
    for (size_t j = 0; j < i; j++) {
        const triad_space *other = sides[j].space;
        if (b->thing[j] == thing && (space->source[0] == '\0' || strcmp(other->source, space->source) != 0 ||
                                     strcmp(other->pool, space->pool) == 0))
            return false;
    }
    return true;
}

/* Spaces of one source whose poolings all differ are one thing. */
static triad_status find_things(builder *b, const triad_align_side *sides, size_t count, triad_error *err)
{
    triad_multiverse *out = b->out;
    b->thing = malloc((count + 1) * sizeof *b->thing);
    b->home = malloc((count + 1) * sizeof *b->home);
    b->side = malloc((2 * count + 1) * sizeof *b->side);
    b->at = malloc((count + 1) * sizeof *b->at);
    out->name = calloc(count + 1, sizeof *out->name);
    if (!b->thing || !b->home || !b->side || !b->at || !out->name) return out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        const triad_space *space = sides[i].space;
        const triad_layer *middle = b->options->last_only ? NULL : middle_of(space);
        b->at[i][0] = b->at[i][1] = b->sides;
        b->side[b->sides++] = (triad_align_side){sides[i].name, space, NULL};
        if (middle) {
            b->at[i][1] = b->sides;
            b->side[b->sides++] = (triad_align_side){sides[i].name, space, middle};
        }
        size_t thing = 0;
        while (thing < out->things && !joins(b, sides, i, thing)) thing++;
        b->thing[i] = thing;
        if (thing == out->things || strlen(sides[i].name) < strlen(out->name[thing])) {
            b->home[thing] = space;
            free(out->name[thing]);
            if ((out->name[thing] = strdup(sides[i].name)) == NULL) return out_of_memory(err);
        }
        if (thing == out->things) out->things++;
    }
    if (out->things < 2)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                          "multiverse: all spaces are poolings of one source (two sources or more are wanted)");
    return TRIAD_OK;
}

/* Every pooling of one thing with every pooling of the other, at their last layers and halfway up. */
static triad_status list_variants(builder *b, size_t count, triad_error *err)
{
    b->pair = malloc((count * count + 1) * sizeof *b->pair);
    b->variant = malloc((count * count + 1) * sizeof *b->variant);
    if (b->pair == NULL || b->variant == NULL) return out_of_memory(err);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            for (size_t layer = 0; layer < COUNT(LAYERS) && b->thing[i] < b->thing[j]; layer++) {
                const triad_space *x = b->side[b->at[i][0]].space, *y = b->side[b->at[j][0]].space;
                const size_t *pair =
                    memcpy(b->pair[b->pairs], (size_t[]){b->at[i][layer], b->at[j][layer]}, sizeof *b->pair);
                if (layer && pair[0] == b->at[i][0] && pair[1] == b->at[j][0]) continue; /* neither has a middle */
                b->variant[b->pairs++] =
                    (variant){.x = b->thing[i],
                              .y = b->thing[j],
                              .layer = LAYERS[layer],
                              .pooling_x = x->pool,
                              .pooling_y = y->pool,
                              .preset = layer == 0 && x == b->home[b->thing[i]] && y == b->home[b->thing[j]]};
            }
    return TRIAD_OK;
}

/* The largest k of the list that n sentences allow. */
static size_t preset_k(const triad_multiverse_options *options, size_t n)
{
    size_t k = options->k[0];
    for (size_t q = 1; q < options->ks && options->k[q] < n; q++) k = options->k[q];
    return k;
}

/* ---- all */

triad_multiverse_options triad_multiverse_defaults(void)
{
    return (triad_multiverse_options){.ks = 4, .k = {1, 5, 10, 15}};
}

/* What a call takes: Procrustes has four protocols, the other maps one. */
static double share_of(size_t map)
{
    return map == 0 ? 6 : 1;
}

/* A call of all pairs under one transform, folds and map. */
static triad_status measure(builder *b, size_t t, size_t f, size_t m, triad_pool *pool, triad_progress *progress,
                            triad_error *err)
{
    static const char *const all[] = {"retrieval/strict64/*/*/*/*/expected", "retrieval/strict/*/*/*/*/expected",
                                      "retrieval/vlca/*/*/*/*/expected", "retrieval/pad/*/*/*/*/expected",
                                      "mutual_knn_frac"},
                             *const mapped[][1] = {{""},
                                                   {"retrieval/strict64-ridge/*/*/*/*/expected"},
                                                   {"retrieval/strict64-cca/*/*/*/*/expected"}},
                             *const suffix[] = {"", "-ridge", "-cca"};
    triad_align_options options = triad_align_defaults();
    options.iid = options.relabel = false;
    options.bootstraps = 0;
    options.seed = b->options->seed;
    options.ks = b->options->ks;
    memcpy(options.k, b->options->k, sizeof options.k);
    options.center = TRANSFORMS[t].center;
    options.standardize = TRANSFORMS[t].standardize;
    options.remove_top = TRANSFORMS[t].remove_top;
    options.folds = f ? "group:group" : "random";
    options.map = MAPS[m].map;
    options.measures = m == 0 ? all : mapped[m];
    options.measure_count = m == 0 ? COUNT(all) - (f > 0) : 1;
    const triad_universe base = {.reading = RETRIEVAL,
                                 .transform = TRANSFORMS[t].name,
                                 .folds = FOLDS[f],
                                 .map = MAPS[m].name,
                                 .preset = t == 0 && f == 0 && m == 0};
    triad_align_result result;
    triad_progress_part(progress, share_of(m));
    triad_status status =
        triad_align(&result, b->side, b->sides, (const size_t(*)[2])b->pair, b->pairs, &options, pool, progress, err);
    if (status != TRIAD_OK) return status;
    if (b->out->preset_k == 0) b->out->preset_k = preset_k(b->options, result.n);
    status = read_retrieval(b, &result, &base, suffix[m], m == 0 ? COUNT(PROTOCOLS) : 1, err);
    if (status == TRIAD_OK && m == 0 && f == 0) status = read_overlap(b, &result, &base, err);
    triad_align_result_free(&result);
    return status;
}

static void announce(triad_progress *progress, const builder *b, double seconds)
{
    char time[32], line[160];
    progress_time(time, sizeof time, seconds);
    snprintf(line, sizeof line, "multiverse: %zu pairs of spaces and layers under all choices: about %s", b->pairs,
             time);
    triad_progress_say(progress, line);
}

static triad_status measure_all(builder *b, const triad_align_side *sides, size_t count, triad_pool *pool,
                                triad_progress *progress, triad_error *err)
{
    bool grouped = false;
    for (size_t i = 0; i < count; i++) grouped |= triad_items_factor(&sides[i].space->items, "group") >= 0;
    const size_t folds = grouped ? COUNT(FOLDS) : 1;
    const double total = (double)(COUNT(TRANSFORMS) * folds) * (share_of(0) + share_of(1) + share_of(2)),
                 begin = triad_now();
    double done = 0;
    triad_status status = TRIAD_OK;
    triad_progress_begin(progress, "multiverse", "parts", total);
    for (size_t t = 0; t < COUNT(TRANSFORMS); t++)
        for (size_t f = 0; f < folds; f++)
            for (size_t m = 0; m < COUNT(MAPS) && status == TRIAD_OK; m++) {
                status = measure(b, t, f, m, pool, progress, err);
                done += share_of(m);
                if (done == share_of(0) && status == TRIAD_OK)
                    announce(progress, b, (triad_now() - begin) * total / done);
            }
    if (status == TRIAD_OK)
        triad_progress_end(progress, NULL);
    else
        triad_progress_leave(progress);
    return status;
}

triad_status triad_multiverse_run(triad_multiverse *out, const triad_align_side *sides, size_t count,
                                  const triad_multiverse_options *options, triad_pool *pool, triad_progress *progress,
                                  triad_error *err)
{
    *out = (triad_multiverse){0};
    builder b = {.out = out, .options = options};
    triad_status status = find_things(&b, sides, count, err);
    if (status == TRIAD_OK) status = list_variants(&b, count, err);
    if (status == TRIAD_OK) status = measure_all(&b, sides, count, pool, progress, err);
    if (status == TRIAD_OK) status = find_orders(&b, err);
    free(b.thing);
    free(b.home);
    free(b.at);
    free(b.side);
    free(b.pair);
    free(b.variant);
    if (status != TRIAD_OK) triad_multiverse_free(out);
    return status;
}

void triad_multiverse_free(triad_multiverse *multiverse)
{
    for (size_t i = 0; multiverse->name && i < multiverse->things; i++) free(multiverse->name[i]);
    free(multiverse->name);
    free(multiverse->universe);
    *multiverse = (triad_multiverse){0};
}

triad_status triad_multiverse_write_csv(const triad_multiverse *m, const char *path, triad_error *err)
{
    triad_atomic_file file;
    triad_status status = triad_atomic_open(&file, path, err);
    if (status != TRIAD_OK) return status;
    fputs("x,y,reading,layer,pooling_x,pooling_y,transform,folds,map,protocol,pool,direction,score,k,value,chance,"
          "above_chance,preset\n",
          file.stream);
    for (size_t i = 0; i < m->count; i++) {
        const triad_universe *u = &m->universe[i];
        fprintf(file.stream, "\"%s\",\"%s\",%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%zu,%.10g,%.10g,%.10g,%d\n", m->name[u->x],
                m->name[u->y], u->reading, u->layer, u->pooling_x, u->pooling_y, u->transform, u->folds, u->map,
                u->protocol, u->pool, u->direction, u->score, u->k, u->value, u->chance,
                (u->value - u->chance) / (1 - u->chance), u->preset);
    }
    return triad_atomic_commit(&file, err);
}

triad_spread triad_multiverse_spread(const triad_multiverse *m, size_t x, size_t y, const char *reading)
{
    triad_spread spread = {0, NAN, NAN, NAN, NAN};
    double *values = malloc((m->count + 1) * sizeof *values);
    for (size_t i = 0; values && i < m->count; i++) {
        const triad_universe *u = &m->universe[i];
        if (u->x != x || u->y != y || u->k != m->preset_k || strcmp(u->reading, reading) != 0) continue;
        values[spread.count++] = u->value;
        if (u->preset) spread.preset = u->value;
    }
    if (spread.count > 0) {
        spread.median = align_quantile(values, spread.count, 0.5); /* sorts */
        spread.low = values[0];
        spread.high = values[spread.count - 1];
    }
    free(values);
    return spread;
}
