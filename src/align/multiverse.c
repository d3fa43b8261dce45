#include "triad/multiverse.h"

#include "align/statistics.h"
#include "base/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PRESET_K = 15 };
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
#define COUNT(array) (sizeof(array) / sizeof *(array))

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "multiverse: out of memory");
}

typedef struct builder {
    triad_multiverse *out;
    size_t capacity;
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
                            u.x = result->pair[p].x;
                            u.y = result->pair[p].y;
                            u.protocol = PROTOCOLS[c];
                            u.pool = POOLS[pool];
                            u.direction = WAYS[way];
                            u.score = SCORES[score];
                            u.k = result->options.k[q];
                            u.value = measure->value;
                            u.chance = measure->chance;
                            u.preset = base->preset && c == 0 && pool == 0 && way == 0 && score == 0;
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
            triad_universe u = {.x = result->pair[p].x,
                                .y = result->pair[p].y,
                                .reading = OVERLAP,
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
                                .preset = base->preset};
            status = add(b, &u, err);
        }
    return status;
}

static bool same_pair(const triad_universe *a, const triad_universe *b)
{
    return a->x == b->x && a->y == b->y;
}

static bool same_choices(const triad_universe *a, const triad_universe *b)
{
    return a->k == b->k && strcmp(a->reading, b->reading) == 0 && strcmp(a->transform, b->transform) == 0 &&
           strcmp(a->folds, b->folds) == 0 && strcmp(a->map, b->map) == 0 && strcmp(a->protocol, b->protocol) == 0 &&
           strcmp(a->pool, b->pool) == 0 && strcmp(a->direction, b->direction) == 0 && strcmp(a->score, b->score) == 0;
}

static const triad_universe *preset_of(const triad_multiverse *m, const triad_universe *of)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->universe[i].preset && m->universe[i].k == of->k && same_pair(&m->universe[i], of) &&
            strcmp(m->universe[i].reading, of->reading) == 0)
            return &m->universe[i];
    return NULL;
}

/* Universes with the same choices lie close together, pairs innermost but for the choices read in one call. */
static double order_kept(const triad_multiverse *m, const char *reading)
{
    double kept = 0, all = 0;
    for (size_t i = 0; i < m->count; i++) {
        const triad_universe *a = &m->universe[i], *pa;
        if (a->k != PRESET_K || a->preset || strcmp(a->reading, reading) != 0 || (pa = preset_of(m, a)) == NULL)
            continue;
        for (size_t j = i + 1; j < m->count; j++) {
            const triad_universe *b = &m->universe[j], *pb;
            if (!same_choices(a, b) || same_pair(a, b) || (pb = preset_of(m, b)) == NULL || pa->value == pb->value)
                continue;
            kept += (a->value - b->value) * (pa->value - pb->value) > 0 ? 1 : a->value == b->value ? 0.5 : 0;
            all++;
        }
    }
    return all > 0 ? kept / all : NAN;
}

triad_status triad_multiverse_run(triad_multiverse *out, const triad_align_side *sides, size_t count, uint64_t seed,
                                  triad_pool *pool, triad_progress *progress, triad_error *err)
{
    *out = (triad_multiverse){.sides = count, .name = calloc(count + 1, sizeof *out->name)};
    builder b = {.out = out};
    triad_status status = out->name ? TRIAD_OK : out_of_memory(err);
    for (size_t i = 0; status == TRIAD_OK && i < count; i++)
        if ((out->name[i] = strdup(sides[i].name)) == NULL) status = out_of_memory(err);
    bool grouped = false;
    for (size_t i = 0; i < count; i++) grouped |= triad_items_factor(&sides[i].space->items, "group") >= 0;
    static const char *const all[] = {"retrieval/strict64/*/*/*/*/expected", "retrieval/strict/*/*/*/*/expected",
                                      "retrieval/vlca/*/*/*/*/expected", "retrieval/pad/*/*/*/*/expected",
                                      "mutual_knn_frac"},
                             *const mapped[][1] = {{""},
                                                   {"retrieval/strict64-ridge/*/*/*/*/expected"},
                                                   {"retrieval/strict64-cca/*/*/*/*/expected"}},
                             *const suffix[] = {"", "-ridge", "-cca"};
    for (size_t t = 0; t < COUNT(TRANSFORMS); t++)
        for (size_t f = 0; f < (grouped ? COUNT(FOLDS) : 1); f++)
            for (size_t m = 0; m < COUNT(MAPS) && status == TRIAD_OK; m++) {
                triad_align_options options = triad_align_defaults();
                options.iid = options.relabel = false;
                options.bootstraps = 0;
                options.seed = seed;
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
                status = triad_align(&result, sides, count, NULL, 0, &options, pool, progress, err);
                if (status != TRIAD_OK) break;
                status = read_retrieval(&b, &result, &base, suffix[m], m == 0 ? COUNT(PROTOCOLS) : 1, err);
                if (status == TRIAD_OK && m == 0 && f == 0) status = read_overlap(&b, &result, &base, err);
                triad_align_result_free(&result);
            }
    if (status == TRIAD_OK) {
        out->order_kept[0] = order_kept(out, RETRIEVAL);
        out->order_kept[1] = order_kept(out, OVERLAP);
    } else {
        triad_multiverse_free(out);
    }
    return status;
}

void triad_multiverse_free(triad_multiverse *multiverse)
{
    for (size_t i = 0; multiverse->name && i < multiverse->sides; i++) free(multiverse->name[i]);
    free(multiverse->name);
    free(multiverse->universe);
    *multiverse = (triad_multiverse){0};
}

triad_status triad_multiverse_write_csv(const triad_multiverse *m, const char *path, triad_error *err)
{
    triad_atomic_file file;
    triad_status status = triad_atomic_open(&file, path, err);
    if (status != TRIAD_OK) return status;
    fputs("x,y,reading,transform,folds,map,protocol,pool,direction,score,k,value,chance,above_chance,preset\n",
          file.stream);
    for (size_t i = 0; i < m->count; i++) {
        const triad_universe *u = &m->universe[i];
        fprintf(file.stream, "\"%s\",\"%s\",%s,%s,%s,%s,%s,%s,%s,%s,%zu,%.10g,%.10g,%.10g,%d\n", m->name[u->x],
                m->name[u->y], u->reading, u->transform, u->folds, u->map, u->protocol, u->pool, u->direction, u->score,
                u->k, u->value, u->chance, (u->value - u->chance) / (1 - u->chance), u->preset);
    }
    return triad_atomic_commit(&file, err);
}

triad_spread triad_multiverse_spread(const triad_multiverse *m, size_t x, size_t y, const char *reading)
{
    triad_spread spread = {0, NAN, NAN, NAN, NAN};
    double *values = malloc((m->count + 1) * sizeof *values);
    for (size_t i = 0; values && i < m->count; i++) {
        const triad_universe *u = &m->universe[i];
        if (u->x != x || u->y != y || u->k != PRESET_K || strcmp(u->reading, reading) != 0) continue;
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
