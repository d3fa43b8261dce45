/* Alignment of the study's spaces, and what becomes of it: means over seeds, paired differences, curves. */
#include "experiment/internal.h"

#include "base/file.h"
#include "triad/align.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GROUP_MAX = 8192 /* 99 agents make 4851 pairs */ };

static triad_status no_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "out of memory");
}

/* ---- one call of the align room */

typedef struct measuring {
    experiment *study;
    triad_arena arena;
    triad_space *space; /* [spaces] */
    triad_align_side *side;
    size_t *side_space; /* which space a side is of */
    size_t sides;
    size_t (*pair)[2];
    size_t pairs, pair_capacity;
    triad_align_options options;
    triad_align_result result;
    bool failed; /* memory was out while means were made */
} measuring;

static void measuring_free(measuring *m)
{
    for (size_t i = 0; m->space != NULL && i < m->study->spaces; i++) triad_space_free(&m->space[i]);
    free(m->space);
    free(m->side);
    free(m->side_space);
    free(m->pair);
    triad_align_result_free(&m->result);
    triad_arena_free(&m->arena);
}

/* Reads the first `count` spaces. */
static triad_status load(measuring *m, experiment *study, size_t count, triad_error *err)
{
    *m = (measuring){.study = study};
    m->space = calloc(study->spaces + 1, sizeof *m->space);
    if (m->space == NULL) return no_memory(err);
    for (size_t i = 0; i < count; i++) {
        char *path = graph_path(&study->graph, study->space[i].path);
        const triad_status status = path != NULL ? triad_space_read(&m->space[i], path, err) : no_memory(err);
        free(path);
        if (status != TRIAD_OK) return status;
    }
    const experiment_config *config = &study->config;
    m->options = triad_align_defaults();
    m->options.cap = strcmp(config->alignment.protocol, "strict64") == 0 ? 64 : 0;
    m->options.seed = (uint64_t)config->seed;
    m->options.bootstraps = (size_t)config->alignment.bootstrap;
    m->options.permutations = (size_t)config->alignment.permutations;
    m->options.refits = (size_t)config->alignment.permutations_retrieval;
    m->options.iid = m->options.relabel = config->alignment.permutations > 0;
    m->options.ks = 0;
    for (size_t i = 0; i < config->alignment.k_count && i < ALIGN_MAX_KS; i++)
        m->options.k[m->options.ks++] = (size_t)config->alignment.k[i];
    return TRIAD_OK;
}

static void only_headline_k(measuring *m)
{
    m->options.ks = 1;
    m->options.k[0] = (size_t)m->study->config.alignment.headline_k;
    m->options.iid = m->options.relabel = false;
}

static bool add_side(measuring *m, size_t space, const triad_layer *layer)
{
    triad_align_side *sides = realloc(m->side, (m->sides + 1) * sizeof *sides);
    if (sides != NULL) m->side = sides;
    size_t *which = realloc(m->side_space, (m->sides + 1) * sizeof *which);
    if (which != NULL) m->side_space = which;
    if (sides == NULL || which == NULL) return false;
    m->side[m->sides] = (triad_align_side){m->study->space[space].name, &m->space[space], layer};
    m->side_space[m->sides++] = space;
    return true;
}

static bool add_pair(measuring *m, size_t a, size_t b)
{
    if (m->pairs == m->pair_capacity) {
        const size_t more = m->pair_capacity ? 2 * m->pair_capacity : 64;
        size_t(*grown)[2] = realloc(m->pair, more * sizeof *grown);
        if (grown == NULL) return false;
        m->pair = grown;
        m->pair_capacity = more;
    }
    m->pair[m->pairs][0] = a < b ? a : b;
    m->pair[m->pairs++][1] = a < b ? b : a;
    return true;
}

static triad_status align(measuring *m, triad_error *err)
{
    return triad_align(&m->result, m->side, m->sides, (const size_t(*)[2])m->pair, m->pairs, &m->options,
                       m->study->pool, m->study->progress, err);
}

/* ---- means over pairs */

typedef struct group {
    triad_align_member member[GROUP_MAX];
    size_t count;
} group;

/* Which of the agents' seeds a side is of; a twin shares its agent's. */
static size_t seed_of(const measuring *m, size_t side)
{
    const study_space *space = &m->study->space[m->side_space[side]];
    return space->kind == SPACE_AGENT || space->kind == SPACE_UNTRAINED ? space->index : SIZE_MAX;
}

static void gather(group *g, const measuring *m, size_t a, size_t b)
{
    const triad_align_pair *pair = triad_align_pair_of(&m->result, a < b ? a : b, a < b ? b : a);
    if (pair == NULL || g->count == GROUP_MAX) return;
    const size_t x = seed_of(m, pair->x), y = seed_of(m, pair->y);
    const bool both = x != SIZE_MAX && y != SIZE_MAX; /* the same seeds on both sides can't be drawn for each alone */
    g->member[g->count++] =
        (triad_align_member){(size_t)(pair - m->result.pair), 1, both ? SIZE_MAX : x, both ? SIZE_MAX : y};
}

static const triad_align_measure *measure_of(const measuring *m, const group *g, size_t i, const char *name)
{
    return triad_align_find(&m->result.pair[g->member[i].pair], name);
}

/* The two readings of precision@k by their names in the results. */
static void measure_name(char name[64], const measuring *m, int reading, size_t k)
{
    if (reading == 0)
        snprintf(name, 64, "retrieval/%s/all/mean/nn/%zu/expected", m->study->config.alignment.protocol, k);
    else
        snprintf(name, 64, "mutual_knn_frac/%zu", k);
}

#define NO_SPAN                                                                                                        \
    {                                                                                                                  \
        NAN, NAN                                                                                                       \
    }
static const report_estimate UNDEFINED = {NAN, NAN, NAN, NAN, {NAN, NAN, NAN}, {NAN, NAN, NAN}};

static void add_null(report_null *sum, const triad_align_null *one, size_t count)
{
    if (!one->present) {
        *sum = UNDEFINED.iid;
        return;
    }
    sum->mean += one->mean / (double)count;
    sum->sd += one->sd / (double)count;
    sum->p = fmax(sum->p, one->p); /* every member has to reject */
}

/* The interval to quote: over words where there are several, never narrower than over sentences. Both over seeds too.
 */
static void take_interval(report_estimate *e, report_span *sentences, double low, double high, double low_words,
                          double high_words)
{
    e->low = fmin(low, low_words); /* a NAN gives way to the other */
    e->high = fmax(high, high_words);
    if (sentences != NULL) *sentences = (report_span){low, high};
}

static void contrast(measuring *m, const triad_align_member *members, size_t count, const char *name,
                     report_estimate *e, report_span *sentences)
{
    triad_align_contrast c;
    if (triad_align_contrast_of(&c, &m->result, name, members, count, NULL) != TRIAD_OK) {
        m->failed = true;
        return;
    }
    e->value = c.value;
    take_interval(e, sentences, c.low, c.high, c.low_groups, c.high_groups);
}

/* Mean of the members with its interval; the nulls' moments as means, p as the largest, draws as the fewest. row takes
 * what an estimate has no place for; NULL: not wanted. */
static report_estimate estimate(measuring *m, const group *g, const char *name, figure_row *row, int reading)
{
    report_span *sentences = row != NULL ? &row->row.sentences[reading] : NULL;
    if (g->count == 0) return UNDEFINED;
    report_estimate e = {0, NAN, NAN, 0, {0, 0, 0}, {0, 0, 0}};
    figure_draws fewest = {SIZE_MAX, SIZE_MAX};
    for (size_t i = 0; i < g->count; i++) {
        const triad_align_measure *of = measure_of(m, g, i, name);
        if (of == NULL) return UNDEFINED;
        e.value += of->value / (double)g->count;
        e.chance += of->chance / (double)g->count;
        add_null(&e.iid, &of->iid, g->count);
        add_null(&e.relabel, &of->relabel, g->count);
        const size_t iid = of->iid.present ? of->iid.draws : 0, relabel = of->relabel.present ? of->relabel.draws : 0;
        if (iid < fewest.iid) fewest.iid = iid;
        if (relabel < fewest.relabel) fewest.relabel = relabel;
    }
    if (row != NULL) row->draws[reading] = fewest;
    const triad_align_measure *of = measure_of(m, g, 0, name);
    if (g->count == 1)
        take_interval(&e, sentences, of->low, of->high, of->low_groups, of->high_groups);
    else if (m->options.bootstraps > 0)
        contrast(m, g->member, g->count, name, &e, sentences);
    return e;
}

/* Mean of a less mean of b over the same resamples; an agent and its twin are drawn together. */
static report_estimate difference(measuring *m, const group *a, const group *b, const char *name,
                                  report_span *sentences)
{
    report_estimate e = UNDEFINED;
    triad_align_member *both = malloc((a->count + b->count + 1) * sizeof *both);
    if (both == NULL) {
        m->failed = true;
        return e;
    }
    memcpy(both, a->member, a->count * sizeof *both);
    memcpy(both + a->count, b->member, b->count * sizeof *both);
    for (size_t i = 0; i < b->count; i++) both[a->count + i].sign = -1;
    contrast(m, both, a->count + b->count, name, &e, sentences);
    free(both);
    return e;
}

/* ---- who is who */

static bool is_kind(const measuring *m, size_t space, space_kind kind)
{
    return m->study->space[space].kind == kind;
}

static const char *lineage(const measuring *m, size_t space)
{
    return m->study->config.models[m->study->space[space].index].lineage;
}

/* Stands for all decoders together where there are several. */
enum { ALL_DECODERS = -1 };

/* All pairs (space of `role`, other). */
static void against(group *g, const measuring *m, report_role role, ptrdiff_t other)
{
    *g = (group){.count = 0};
    for (size_t j = 0; j < m->study->spaces; j++) {
        const study_space *space = &m->study->space[j];
        if (other == ALL_DECODERS ? space->role != REPORT_DECODER || space->variant : (ptrdiff_t)j != other) continue;
        for (size_t i = 0; i < m->study->headline_spaces; i++)
            if (m->study->space[i].role == role && i != j) gather(g, m, i, j);
    }
}

static void action_language(group *g, const measuring *m, report_role role)
{
    *g = (group){.count = 0};
    for (size_t j = 0; j < m->study->headline_spaces; j++)
        for (size_t i = 0;
             is_kind(m, j, SPACE_MODEL) && m->study->space[j].role == role && i < m->study->headline_spaces; i++)
            if (is_kind(m, i, SPACE_AGENT)) gather(g, m, i, j);
}

static bool language_pair(const measuring *m, size_t i, size_t j)
{
    return is_kind(m, i, SPACE_MODEL) && is_kind(m, j, SPACE_MODEL) && strcmp(lineage(m, i), lineage(m, j)) != 0;
}

/* Two decoders of distinct lineage where there are such, else any two models of distinct lineage. */
static void language_language(group *g, const measuring *m)
{
    for (int any = 0; any < 2; any++) {
        *g = (group){.count = 0};
        for (size_t i = 0; i < m->study->headline_spaces; i++)
            for (size_t j = i + 1; j < m->study->headline_spaces; j++)
                if (language_pair(m, i, j) &&
                    (any || (m->study->space[i].role == REPORT_DECODER && m->study->space[j].role == REPORT_DECODER)))
                    gather(g, m, i, j);
        if (g->count > 0) return;
    }
}

/* ---- figures */

typedef struct drawing {
    measuring *m;
    study_figures figures;
    size_t row_capacity, difference_capacity, chart_capacity;
    report_curve *curve; /* of the chart that is being drawn */
    const char **tick;
    bool failed;
} drawing;

static void *grow(drawing *d, void *list, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) return list;
    const size_t more = *capacity ? 2 * *capacity : 16;
    char *grown = triad_arena_zalloc(&d->m->arena, more, size);
    if (grown == NULL) {
        d->failed = true;
        return NULL;
    }
    if (count > 0) memcpy(grown, list, count * size);
    *capacity = more;
    return grown;
}

static void name_members(drawing *d, figure_row *row, const group *g)
{
    measuring *m = d->m;
    if (g->count < 2) return;
    row->member = TRIAD_NEW0(&m->arena, figure_member, g->count);
    if (row->member == NULL) {
        d->failed = true;
        return;
    }
    row->row.members = g->count;
    for (size_t i = 0; i < g->count; i++) {
        figure_member *member = &row->member[i];
        member->name =
            arena_format(&m->arena, "%s × %s", m->study->space[m->side_space[m->result.pair[g->member[i].pair].x]].name,
                         m->study->space[m->side_space[m->result.pair[g->member[i].pair].y]].name);
        d->failed = d->failed || member->name == NULL;
        for (int r = 0; r < REPORT_READINGS; r++) {
            char name[64];
            measure_name(name, m, r, (size_t)m->study->config.alignment.headline_k);
            const triad_align_measure *of = measure_of(m, g, i, name);
            member->value[r] = of != NULL ? of->value : NAN;
            member->p_iid[r] = of != NULL && of->iid.present ? of->iid.p : NAN;
            member->p_relabel[r] = of != NULL && of->relabel.present ? of->relabel.p : NAN;
        }
    }
}

static void add_row(drawing *d, const group *g, const char *kind, const char *x, const char *y, const char *label,
                    const char *note, report_role role)
{
    if (g->count == 0 || label == NULL) {
        d->failed = d->failed || label == NULL;
        return;
    }
    figure_row *rows = grow(d, d->figures.row, d->figures.rows, &d->row_capacity, sizeof *rows);
    if (rows == NULL) return;
    d->figures.row = rows;
    figure_row *row = &rows[d->figures.rows++];
    *row = (figure_row){.kind = kind,
                        .x = x,
                        .y = y,
                        .row = {.label = label, .note = note, .role = role, .sentences = {NO_SPAN, NO_SPAN}}};
    for (int r = 0; r < REPORT_READINGS; r++) {
        char name[64];
        measure_name(name, d->m, r, (size_t)d->m->study->config.alignment.headline_k);
        row->row.estimate[r] = estimate(d->m, g, name, row, r);
    }
    name_members(d, row, g);
}

static void add_difference(drawing *d, const group *a, const group *b, const char *kind, const char *x,
                           const char *label, report_role role)
{
    if (a->count == 0 || b->count == 0 || label == NULL) {
        d->failed = d->failed || label == NULL;
        return;
    }
    figure_row *rows = grow(d, d->figures.difference, d->figures.differences, &d->difference_capacity, sizeof *rows);
    if (rows == NULL) return;
    d->figures.difference = rows;
    figure_row *row = &rows[d->figures.differences++];
    *row = (figure_row){.kind = kind, .x = x, .row = {.label = label, .role = role, .sentences = {NO_SPAN, NO_SPAN}}};
    for (int r = 0; r < REPORT_READINGS; r++) {
        char name[64];
        measure_name(name, d->m, r, (size_t)d->m->study->config.alignment.headline_k);
        row->row.estimate[r] = difference(d->m, a, b, name, &row->row.sentences[r]);
    }
}

static const char *agents_word(const measuring *m)
{
    return m->study->config.agents.seed_count > 1 ? "agents" : "agent";
}

/* What one model, or all decoders together, is compared with. */
static void draw_model(drawing *d, ptrdiff_t model)
{
    measuring *m = d->m;
    triad_arena *a = &m->arena;
    const char *name = model == ALL_DECODERS ? DECODERS : m->study->space[model].name, *agents = agents_word(m);
    group *g = TRIAD_NEW(a, group, 3);
    if (g == NULL) {
        d->failed = true;
        return;
    }
    against(&g[0], m, REPORT_AGENT, model);
    add_row(d, &g[0], "action", name, NULL, arena_format(a, "%s × %s", agents, name),
            g[0].count > 1 ? "mean of the seeds" : NULL, REPORT_AGENT);
    against(&g[1], m, REPORT_UNTRAINED, model);
    add_row(d, &g[1], "untrained", name, NULL, arena_format(a, "untrained × %s", name), "the same networks at step 0",
            REPORT_UNTRAINED);
    add_difference(d, &g[0], &g[1], "training", name, arena_format(a, "trained − untrained, %s", name), REPORT_AGENT);
    against(&g[2], m, REPORT_WORDS, model);
    add_row(d, &g[2], "words", name, NULL, arena_format(a, "bag of words × %s", name), "counts of words", REPORT_WORDS);
    add_difference(d, &g[0], &g[2], "beyond-words", name, arena_format(a, "agents − bag of words, %s", name),
                   REPORT_WORDS);
    against(&g[2], m, REPORT_RANDOM, model);
    add_row(d, &g[2], "random", name, NULL, arena_format(a, "random × %s", name), "independent Gaussian vectors",
            REPORT_RANDOM);
}

static void draw_rows(drawing *d)
{
    measuring *m = d->m;
    const experiment *study = m->study;
    triad_arena *a = &m->arena;
    size_t decoders = 0;
    for (size_t i = 0; i < study->headline_spaces; i++) decoders += study->space[i].role == REPORT_DECODER;
    if (decoders > 1) draw_model(d, ALL_DECODERS);
    for (size_t i = 0; i < study->headline_spaces; i++)
        if (is_kind(m, i, SPACE_MODEL)) draw_model(d, (ptrdiff_t)i);
    group *g = TRIAD_NEW(a, group, 3);
    if (g == NULL) {
        d->failed = true;
        return;
    }
    for (size_t i = 0; i < study->headline_spaces; i++)
        for (size_t j = i + 1; j < study->headline_spaces; j++) {
            if (!language_pair(m, i, j)) continue;
            g[0] = (group){.count = 0};
            gather(&g[0], m, i, j);
            add_row(d, &g[0], "language", study->space[i].name, study->space[j].name,
                    arena_format(a, "%s × %s", study->space[i].name, study->space[j].name), "two language models",
                    REPORT_DECODER);
        }
    g[0] = (group){.count = 0};
    for (size_t i = 0; i < study->headline_spaces; i++)
        for (size_t j = i + 1; j < study->headline_spaces; j++)
            if (is_kind(m, i, SPACE_AGENT) && is_kind(m, j, SPACE_AGENT)) gather(&g[0], m, i, j);
    add_row(d, &g[0], "seeds", NULL, NULL, "agents × agents", "another seed's agent: the ceiling", REPORT_AGENT);

    action_language(&g[0], m, REPORT_DECODER);
    action_language(&g[1], m, REPORT_ENCODER);
    language_language(&g[2], m);
    add_difference(d, g[0].count > 0 ? &g[0] : &g[1], &g[2], "language", NULL, "action–LM − LM–LM", REPORT_DECODER);
    add_difference(d, &g[0], &g[1], "family", NULL, "agents: decoders − encoders", REPORT_ENCODER);
}

static report_chart *add_chart(drawing *d, report_chart **charts, size_t *count, size_t ticks, size_t curves)
{
    report_chart *list = grow(d, *charts, *count, &d->chart_capacity, sizeof *list);
    const char **names = TRIAD_NEW0(&d->m->arena, const char *, ticks + 1);
    report_curve *curve = TRIAD_NEW0(&d->m->arena, report_curve, curves + 1);
    if (list == NULL || names == NULL || curve == NULL) {
        d->failed = true;
        return NULL;
    }
    *charts = list;
    report_chart *chart = &list[(*count)++];
    *chart = (report_chart){.ticks = ticks, .tick = names, .curve = curve, .y_label = "precision"};
    d->tick = names;
    d->curve = curve;
    return chart;
}

/* groups [ticks] at names [ticks]; nothing when every point is undefined. */
static void add_curve(drawing *d, report_chart *chart, const char *label, report_role role,
                      const report_estimate *points)
{
    triad_arena *a = &d->m->arena;
    double *y = TRIAD_NEW(a, double, chart->ticks + 1), *low = TRIAD_NEW(a, double, chart->ticks + 1),
           *high = TRIAD_NEW(a, double, chart->ticks + 1);
    if (y == NULL || low == NULL || high == NULL) {
        d->failed = true;
        return;
    }
    bool any = false, intervals = false;
    for (size_t i = 0; i < chart->ticks; i++) {
        y[i] = points[i].value;
        low[i] = points[i].low;
        high[i] = points[i].high;
        any = any || isfinite(y[i]);
        intervals = intervals || isfinite(low[i]);
    }
    if (!any) return;
    d->curve[chart->curves++] =
        (report_curve){label, role, role == REPORT_UNTRAINED, y, intervals ? low : NULL, intervals ? high : NULL};
}

static const char *curve_label(report_role role)
{
    return role == REPORT_AGENT       ? "agents"
           : role == REPORT_UNTRAINED ? "untrained"
           : role == REPORT_WORDS     ? "bag of words"
                                      : "random";
}

static const char *const READING_NAMES[REPORT_READINGS] = {"Retrieval", "Overlap"};
static const report_role CURVE_ROLES[] = {REPORT_AGENT, REPORT_UNTRAINED, REPORT_WORDS, REPORT_RANDOM};
enum { CURVE_ROLE_COUNT = 4 };

static void draw_k_chart(drawing *d, size_t model, int reading)
{
    measuring *m = d->m;
    const experiment *study = m->study;
    const size_t ks = m->options.ks;
    report_chart *chart =
        add_chart(d, &d->figures.k_chart, &d->figures.k_charts, ks, CURVE_ROLE_COUNT + study->headline_spaces);
    double *x = TRIAD_NEW(&m->arena, double, ks);
    report_estimate *points = TRIAD_NEW(&m->arena, report_estimate, ks);
    group *g = TRIAD_NEW(&m->arena, group, 1);
    if (chart == NULL || x == NULL || points == NULL || g == NULL) {
        d->failed = true;
        return;
    }
    chart->title = arena_format(&m->arena, "%s, against %s", READING_NAMES[reading], study->space[model].name);
    chart->x_label = "k";
    for (size_t i = 0; i < ks; i++) {
        x[i] = (double)m->options.k[i];
        d->tick[i] = arena_format(&m->arena, "%zu", m->options.k[i]);
        d->failed = d->failed || d->tick[i] == NULL;
    }
    chart->x = x;
    d->failed = d->failed || chart->title == NULL;
    for (size_t c = 0; c < CURVE_ROLE_COUNT + study->headline_spaces; c++) {
        const char *label;
        report_role role;
        if (c < CURVE_ROLE_COUNT) {
            role = CURVE_ROLES[c];
            label = curve_label(role);
            against(g, m, role, (ptrdiff_t)model);
        } else {
            const size_t other = c - CURVE_ROLE_COUNT;
            if (!language_pair(m, model, other)) continue;
            role = study->space[other].role;
            label = study->space[other].name;
            *g = (group){.count = 0};
            gather(g, m, model, other);
        }
        for (size_t i = 0; i < ks; i++) {
            char name[64];
            measure_name(name, m, reading, m->options.k[i]);
            points[i] = estimate(m, g, name, NULL, 0);
        }
        add_curve(d, chart, label, role, points);
    }
}

/* ---- writing */

static triad_status write_all(drawing *d, const study_stage *self, triad_error *err)
{
    if (d->failed || d->m->failed) return no_memory(err);
    const experiment *study = d->m->study;
    char *json = graph_path(&study->graph, self->output[0]), *csv = graph_path(&study->graph, self->output[1]),
         *to = graph_path(&study->graph, self->output[2]);
    triad_status status = json != NULL && csv != NULL && to != NULL ? TRIAD_OK : no_memory(err);
    if (status == TRIAD_OK) status = triad_align_write_json(&d->m->result, json, err);
    if (status == TRIAD_OK) status = triad_align_write_csv(&d->m->result, csv, err);
    if (status == TRIAD_OK) {
        json_object *root = json_object_new_object();
        const triad_align_renaming *renaming = &d->m->result.relabel;
        if (d->m->options.relabel) {
            json_object *relabel = json_object_new_object();
            json_object_object_add(relabel, "relabellings",
                                   json_new_real(renaming->done ? renaming->relabellings : NAN));
            json_object_object_add(relabel, "left_out", json_object_new_int64((int64_t)renaming->left_out));
            json_object_object_add(relabel, "refused",
                                   renaming->refused[0] ? json_object_new_string(renaming->refused) : NULL);
            json_object_object_add(root, "relabel", relabel);
        }
        if (d->m->options.bootstraps > 0)
            json_object_object_add(root, "interval_words", json_object_new_string(d->m->result.group_columns));
        status = figures_to_json(&d->figures, root, err);
        if (status == TRIAD_OK) status = json_write_file(to, root, err);
        json_object_put(root);
    }
    free(json);
    free(csv);
    free(to);
    return status;
}

/* ---- the stages */

triad_status stage_align(void *context, const study_stage *self, triad_error *err)
{
    measuring m;
    triad_status status = load(&m, context, ((experiment *)context)->headline_spaces, err);
    const size_t spaces = m.study->headline_spaces;
    for (size_t i = 0; i < spaces && status == TRIAD_OK; i++)
        if (!add_side(&m, i, NULL)) status = no_memory(err);
    for (size_t i = 0; i < spaces && status == TRIAD_OK; i++)
        for (size_t j = i + 1; j < spaces && status == TRIAD_OK; j++)
            if (!add_pair(&m, i, j)) status = no_memory(err);
    if (status == TRIAD_OK) status = align(&m, err);
    if (status == TRIAD_OK) {
        drawing d = {.m = &m};
        draw_rows(&d);
        for (size_t i = 0; i < spaces; i++)
            for (int r = 0; is_kind(&m, i, SPACE_MODEL) && r < REPORT_READINGS; r++) draw_k_chart(&d, i, r);
        status = write_all(&d, self, err);
    }
    measuring_free(&m);
    return status;
}

triad_status stage_pooling(void *context, const study_stage *self, triad_error *err)
{
    measuring m;
    triad_status status = load(&m, context, ((experiment *)context)->spaces, err);
    const experiment *study = m.study;
    if (status == TRIAD_OK) only_headline_k(&m);
    for (size_t i = 0; i < study->spaces && status == TRIAD_OK; i++)
        if (!add_side(&m, i, NULL)) status = no_memory(err);
    for (size_t v = study->headline_spaces; v < study->spaces && status == TRIAD_OK; v++)
        for (size_t i = 0; i < study->headline_spaces && status == TRIAD_OK; i++)
            if (!is_kind(&m, i, SPACE_MODEL) && !add_pair(&m, i, v)) status = no_memory(err);
    if (status == TRIAD_OK) status = align(&m, err);
    if (status == TRIAD_OK) {
        drawing d = {.m = &m};
        group *g = TRIAD_NEW(&m.arena, group, 1);
        d.failed = g == NULL;
        for (size_t v = study->headline_spaces; v < study->spaces && !d.failed; v++) {
            const study_space *space = &study->space[v];
            const char *note = "another pooling of the same model, without nulls";
            against(g, &m, REPORT_AGENT, (ptrdiff_t)v);
            add_row(&d, g, "pooling", study->config.models[space->index].name, space->name,
                    arena_format(&m.arena, "%s × %s", agents_word(&m), space->name), note, REPORT_AGENT);
            against(g, &m, REPORT_UNTRAINED, (ptrdiff_t)v);
            add_row(&d, g, "pooling-untrained", study->config.models[space->index].name, space->name,
                    arena_format(&m.arena, "untrained × %s", space->name), note, REPORT_UNTRAINED);
        }
        status = write_all(&d, self, err);
    }
    measuring_free(&m);
    return status;
}

/* ---- layer by layer */

/* Which side is layer `layer` of space `space`; sides are added space by space, layer by layer. */
static size_t side_of(const size_t *first, size_t space, size_t layer)
{
    return first[space] + layer;
}

static size_t last_of(const triad_space *space)
{
    return (size_t)(triad_space_last(space) - space->layer);
}

static report_chart *layer_chart(drawing *d, const triad_space *space, const char *title, const char *x_label)
{
    report_chart *chart = add_chart(d, &d->figures.layer_chart, &d->figures.layer_charts, space->layers,
                                    CURVE_ROLE_COUNT + 2 * d->m->study->headline_spaces);
    if (chart == NULL || title == NULL) {
        d->failed = true;
        return NULL;
    }
    chart->title = title;
    chart->x_label = x_label;
    chart->band = true;
    for (size_t l = 0; l < space->layers; l++) {
        d->tick[l] = triad_arena_strdup(&d->m->arena, space->layer[l].name);
        d->failed = d->failed || d->tick[l] == NULL;
    }
    return chart;
}

/* Every layer of a model against the last layer of everything else. */
static void draw_model_layers(drawing *d, const size_t *first, size_t model, int reading)
{
    measuring *m = d->m;
    const experiment *study = m->study;
    const triad_space *space = &m->space[model];
    report_chart *chart = layer_chart(
        d, space, arena_format(&m->arena, "%s, layers of %s", READING_NAMES[reading], study->space[model].name),
        "layer");
    report_estimate *points = TRIAD_NEW(&m->arena, report_estimate, space->layers);
    group *g = TRIAD_NEW(&m->arena, group, 1);
    if (chart == NULL || points == NULL || g == NULL) {
        d->failed = true;
        return;
    }
    char name[64];
    measure_name(name, m, reading, m->options.k[0]);
    for (size_t c = 0; c < CURVE_ROLE_COUNT + study->headline_spaces; c++) {
        const bool model_curve = c >= CURVE_ROLE_COUNT;
        const size_t other = c - CURVE_ROLE_COUNT;
        if (model_curve && !language_pair(m, model, other)) continue;
        for (size_t l = 0; l < space->layers; l++) {
            *g = (group){.count = 0};
            for (size_t i = 0; i < study->headline_spaces; i++)
                if (model_curve ? i == other : study->space[i].role == CURVE_ROLES[c])
                    gather(g, m, side_of(first, model, l), side_of(first, i, last_of(&m->space[i])));
            points[l] = estimate(m, g, name, NULL, 0);
        }
        add_curve(d, chart, model_curve ? study->space[other].name : curve_label(CURVE_ROLES[c]),
                  model_curve ? study->space[other].role : CURVE_ROLES[c], points);
    }
}

/* Every layer of the agents, and of their twins, against each model's last. */
static void draw_agent_layers(drawing *d, const size_t *first, int reading)
{
    measuring *m = d->m;
    const experiment *study = m->study;
    if (study->config.agents.seed_count == 0) return;
    const triad_space *space = &m->space[0]; /* agents stand first, all of one shape */
    report_chart *chart =
        layer_chart(d, space, arena_format(&m->arena, "%s, layers of the agents", READING_NAMES[reading]), "layer");
    report_estimate *points = TRIAD_NEW(&m->arena, report_estimate, space->layers);
    group *g = TRIAD_NEW(&m->arena, group, 1);
    if (chart == NULL || points == NULL || g == NULL) {
        d->failed = true;
        return;
    }
    char name[64];
    measure_name(name, m, reading, m->options.k[0]);
    for (size_t model = 0; model < study->headline_spaces; model++)
        for (int untrained = 0; is_kind(m, model, SPACE_MODEL) && untrained <= (int)study->config.agents.untrained;
             untrained++) {
            for (size_t l = 0; l < space->layers; l++) {
                *g = (group){.count = 0};
                for (size_t i = 0; i < study->headline_spaces; i++)
                    if (study->space[i].kind == (untrained ? SPACE_UNTRAINED : SPACE_AGENT))
                        gather(g, m, side_of(first, i, l), side_of(first, model, last_of(&m->space[model])));
                points[l] = estimate(m, g, name, NULL, 0);
            }
            const size_t before = chart->curves;
            add_curve(d, chart,
                      untrained ? arena_format(&m->arena, "untrained × %s", study->space[model].name)
                                : arena_format(&m->arena, "%s × %s", agents_word(m), study->space[model].name),
                      study->space[model].role, points);
            if (chart->curves > before) d->curve[before].dashed = untrained;
        }
}

triad_status stage_layers(void *context, const study_stage *self, triad_error *err)
{
    measuring m;
    triad_status status = load(&m, context, ((experiment *)context)->headline_spaces, err);
    const experiment *study = m.study;
    const size_t spaces = study->headline_spaces;
    size_t *first = calloc(spaces + 1, sizeof *first);
    if (status == TRIAD_OK && first == NULL) status = no_memory(err);
    if (status == TRIAD_OK) {
        only_headline_k(&m);
        m.options.bootstraps = 0;
    }
    for (size_t i = 0; i < spaces && status == TRIAD_OK; i++) {
        first[i] = m.sides;
        for (size_t l = 0; l < m.space[i].layers && status == TRIAD_OK; l++)
            if (!add_side(&m, i, &m.space[i].layer[l])) status = no_memory(err);
    }
    for (size_t i = 0; i < spaces && status == TRIAD_OK; i++)
        for (size_t j = 0; j < spaces && status == TRIAD_OK; j++) {
            /* Layers of a model against everybody's last, layers of an agent or a twin against each model's last. */
            const bool model = is_kind(&m, i, SPACE_MODEL) && (!is_kind(&m, j, SPACE_MODEL) || language_pair(&m, i, j));
            const bool agent =
                (is_kind(&m, i, SPACE_AGENT) || is_kind(&m, i, SPACE_UNTRAINED)) && is_kind(&m, j, SPACE_MODEL);
            if (i == j || (!model && !agent)) continue;
            const size_t other = side_of(first, j, last_of(&m.space[j]));
            for (size_t l = 0; l < m.space[i].layers && status == TRIAD_OK; l++) {
                /* Last against last belongs to the later of the two spaces: once is enough. */
                const bool twice =
                    j < i && l == last_of(&m.space[i]) &&
                    (is_kind(&m, j, SPACE_MODEL) || is_kind(&m, j, SPACE_AGENT) || is_kind(&m, j, SPACE_UNTRAINED));
                if (!twice && !add_pair(&m, side_of(first, i, l), other)) status = no_memory(err);
            }
        }
    if (status == TRIAD_OK && m.pairs > 0) status = align(&m, err);
    if (status == TRIAD_OK) {
        drawing d = {.m = &m};
        for (size_t i = 0; i < spaces && m.pairs > 0; i++)
            for (int r = 0; is_kind(&m, i, SPACE_MODEL) && r < REPORT_READINGS; r++) draw_model_layers(&d, first, i, r);
        for (int r = 0; r < REPORT_READINGS && m.pairs > 0; r++) draw_agent_layers(&d, first, r);
        status = write_all(&d, self, err);
    }
    free(first);
    measuring_free(&m);
    return status;
}
