/* The report's figures as JSON, out and in: what `triad report` reads needs nothing else. */
#include "experiment/internal.h"

#include <math.h>
#include <string.h>

enum { MAX_ENTRIES = 100000 };

/* ---- out */

static json_object *text_or_null(const char *text)
{
    return text != NULL ? json_object_new_string(text) : NULL;
}

static json_object *reals(const double *values, size_t count)
{
    if (values == NULL) return NULL;
    json_object *list = json_object_new_array();
    for (size_t i = 0; i < count; i++) json_object_array_add(list, json_new_real(values[i]));
    return list;
}

static json_object *null_json(const report_null *null, size_t draws)
{
    json_object *o = json_object_new_object();
    json_object_object_add(o, "p", json_new_real(null->p));
    json_object_object_add(o, "mean", json_new_real(null->mean));
    json_object_object_add(o, "sd", json_new_real(null->sd));
    json_object_object_add(o, "draws", json_object_new_int64((int64_t)draws));
    return o;
}

static json_object *estimate_json(const report_estimate *e, const report_span *over_sentences,
                                  const figure_draws *draws)
{
    json_object *o = json_object_new_object();
    json_object_object_add(o, "value", json_new_real(e->value));
    const double ends[2] = {e->low, e->high}, sentences[2] = {over_sentences->low, over_sentences->high};
    json_object_object_add(o, "interval", reals(ends, 2));
    json_object_object_add(o, "interval_sentences", reals(sentences, 2));
    json_object_object_add(o, "chance", json_new_real(e->chance));
    json_object_object_add(o, "iid", null_json(&e->iid, draws->iid));
    json_object_object_add(o, "relabel", null_json(&e->relabel, draws->relabel));
    return o;
}

static json_object *row_json(const figure_row *r)
{
    json_object *o = json_object_new_object(), *readings = json_object_new_array(), *members = json_object_new_array();
    json_object_object_add(o, "kind", json_object_new_string(r->kind));
    json_object_object_add(o, "x", text_or_null(r->x));
    json_object_object_add(o, "y", text_or_null(r->y));
    json_object_object_add(o, "label", json_object_new_string(r->row.label));
    json_object_object_add(o, "note", text_or_null(r->row.note));
    json_object_object_add(o, "role", json_object_new_int((int)r->row.role));
    for (int i = 0; i < REPORT_READINGS; i++)
        json_object_array_add(readings, estimate_json(&r->row.estimate[i], &r->row.sentences[i], &r->draws[i]));
    json_object_object_add(o, "readings", readings);
    for (size_t i = 0; i < r->row.members; i++) {
        json_object *m = json_object_new_object();
        json_object_object_add(m, "name", json_object_new_string(r->member[i].name));
        json_object_object_add(m, "value", reals(r->member[i].value, REPORT_READINGS));
        json_object_object_add(m, "p_iid", reals(r->member[i].p_iid, REPORT_READINGS));
        json_object_object_add(m, "p_relabel", reals(r->member[i].p_relabel, REPORT_READINGS));
        json_object_array_add(members, m);
    }
    json_object_object_add(o, "members", members);
    return o;
}

static json_object *chart_json(const report_chart *c)
{
    json_object *o = json_object_new_object(), *ticks = json_object_new_array(), *curves = json_object_new_array();
    json_object_object_add(o, "title", json_object_new_string(c->title));
    json_object_object_add(o, "caption", text_or_null(c->caption));
    json_object_object_add(o, "x_label", json_object_new_string(c->x_label));
    json_object_object_add(o, "y_label", json_object_new_string(c->y_label));
    for (size_t i = 0; i < c->ticks; i++) json_object_array_add(ticks, json_object_new_string(c->tick[i]));
    json_object_object_add(o, "ticks", ticks);
    json_object_object_add(o, "x", reals(c->x, c->ticks));
    json_object_object_add(o, "band", json_object_new_boolean(c->band));
    for (size_t i = 0; i < c->curves; i++) {
        const report_curve *curve = &c->curve[i];
        json_object *u = json_object_new_object();
        json_object_object_add(u, "label", json_object_new_string(curve->label));
        json_object_object_add(u, "role", json_object_new_int((int)curve->role));
        json_object_object_add(u, "dashed", json_object_new_boolean(curve->dashed));
        json_object_object_add(u, "y", reals(curve->y, c->ticks));
        json_object_object_add(u, "low", reals(curve->low, c->ticks));
        json_object_object_add(u, "high", reals(curve->high, c->ticks));
        json_object_array_add(curves, u);
    }
    json_object_object_add(o, "curves", curves);
    return o;
}

/* Appends to lists that are there already: the parts of a study come from several stages. */
static json_object *list_of(json_object *into, const char *key)
{
    json_object *list = json_find(into, key, json_type_array);
    if (list == NULL) {
        list = json_object_new_array();
        json_object_object_add(into, key, list);
    }
    return list;
}

triad_status figures_to_json(const study_figures *figures, json_object *into, triad_error *err)
{
    json_object *rows = list_of(into, "rows"), *differences = list_of(into, "differences");
    json_object *k_charts = list_of(into, "k_charts"), *layer_charts = list_of(into, "layer_charts");
    if (rows == NULL || differences == NULL || k_charts == NULL || layer_charts == NULL)
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "figures: out of memory");
    for (size_t i = 0; i < figures->rows; i++) json_object_array_add(rows, row_json(&figures->row[i]));
    for (size_t i = 0; i < figures->differences; i++)
        json_object_array_add(differences, row_json(&figures->difference[i]));
    for (size_t i = 0; i < figures->k_charts; i++) json_object_array_add(k_charts, chart_json(&figures->k_chart[i]));
    for (size_t i = 0; i < figures->layer_charts; i++)
        json_object_array_add(layer_charts, chart_json(&figures->layer_chart[i]));
    return TRIAD_OK;
}

/* ---- in */

typedef struct reader {
    triad_arena *arena;
    triad_error *err;
} reader;

static triad_status bad(const reader *r, const char *what)
{
    return triad_fail(r->err, TRIAD_ERR_FORMAT, -1, "figures: %s", what);
}

static triad_status no_memory(const reader *r)
{
    return triad_fail(r->err, TRIAD_ERR_MEMORY, -1, "figures: out of memory");
}

static triad_status read_text(const reader *r, json_object *from, const char *key, bool needed, const char **text)
{
    *text = NULL;
    const char *found = NULL;
    const triad_status status =
        needed ? json_want_string(from, key, &found, r->err) : json_get_string(from, key, &found, r->err);
    if (status != TRIAD_OK || found == NULL) return status;
    *text = triad_arena_strdup(r->arena, found);
    return *text != NULL ? TRIAD_OK : no_memory(r);
}

static double real_at(json_object *list, size_t i)
{
    json_object *entry = list != NULL && i < json_object_array_length(list) ? json_object_array_get_idx(list, i) : NULL;
    return json_object_is_type(entry, json_type_double) || json_object_is_type(entry, json_type_int)
               ? json_object_get_double(entry)
               : NAN;
}

static double real_of(json_object *from, const char *key)
{
    double value = NAN;
    return json_get_real(from, key, &value, NULL) == TRIAD_OK ? value : NAN;
}

/* [count] numbers, NAN where null; *values NULL when the list is absent. */
static triad_status read_reals(const reader *r, json_object *from, const char *key, size_t count, double **values)
{
    *values = NULL;
    json_object *list = json_find(from, key, json_type_array);
    if (list == NULL) return TRIAD_OK;
    if (json_object_array_length(list) != count) return bad(r, "a curve has another length than its axis");
    *values = TRIAD_NEW(r->arena, double, count > 0 ? count : 1);
    if (*values == NULL) return no_memory(r);
    for (size_t i = 0; i < count; i++) (*values)[i] = real_at(list, i);
    return TRIAD_OK;
}

static triad_status read_null(const reader *r, json_object *from, const char *key, report_null *null, size_t *draws)
{
    json_object *o = json_find(from, key, json_type_object);
    *null = (report_null){NAN, NAN, NAN};
    *draws = 0;
    if (o == NULL) return TRIAD_OK;
    *null = (report_null){real_of(o, "p"), real_of(o, "mean"), real_of(o, "sd")};
    int64_t number = 0;
    const triad_status status = json_get_int(o, "draws", 0, INT32_MAX, &number, r->err);
    *draws = (size_t)number;
    return status;
}

static triad_status read_estimate(const reader *r, json_object *o, report_estimate *e, report_span *over_sentences,
                                  figure_draws *draws)
{
    json_object *interval = json_find(o, "interval", json_type_array),
                *sentences = json_find(o, "interval_sentences", json_type_array);
    *e = (report_estimate){real_of(o, "value"),  real_at(interval, 0), real_at(interval, 1),
                           real_of(o, "chance"), {NAN, NAN, NAN},      {NAN, NAN, NAN}};
    *over_sentences = (report_span){real_at(sentences, 0), real_at(sentences, 1)};
    const triad_status status = read_null(r, o, "iid", &e->iid, &draws->iid);
    return status == TRIAD_OK ? read_null(r, o, "relabel", &e->relabel, &draws->relabel) : status;
}

static triad_status read_role(const reader *r, json_object *from, report_role *role)
{
    int64_t number;
    const triad_status status = json_want_int(from, "role", 0, REPORT_ROLES - 1, &number, r->err);
    if (status == TRIAD_OK) *role = (report_role)number;
    return status;
}

static triad_status read_members(const reader *r, json_object *list, figure_row *row)
{
    const size_t count = list != NULL ? json_object_array_length(list) : 0;
    if (count == 0) return TRIAD_OK;
    row->member = TRIAD_NEW0(r->arena, figure_member, count);
    double *values = TRIAD_NEW(r->arena, double, REPORT_READINGS *count);
    if (row->member == NULL || values == NULL) return no_memory(r);
    row->row.members = count;
    for (int i = 0; i < REPORT_READINGS; i++) row->row.member[i] = values + (size_t)i * count;
    for (size_t m = 0; m < count; m++) {
        json_object *o = json_object_array_get_idx(list, m);
        if (!json_object_is_type(o, json_type_object)) return bad(r, "a member of a row is not an object");
        const triad_status status = read_text(r, o, "name", true, &row->member[m].name);
        if (status != TRIAD_OK) return status;
        for (size_t i = 0; i < REPORT_READINGS; i++) {
            row->member[m].value[i] = values[i * count + m] = real_at(json_find(o, "value", json_type_array), i);
            row->member[m].p_iid[i] = real_at(json_find(o, "p_iid", json_type_array), i);
            row->member[m].p_relabel[i] = real_at(json_find(o, "p_relabel", json_type_array), i);
        }
    }
    return TRIAD_OK;
}

static triad_status read_row(const reader *r, json_object *o, figure_row *row)
{
    triad_status status = read_text(r, o, "kind", true, &row->kind);
    if (status == TRIAD_OK) status = read_text(r, o, "x", false, &row->x);
    if (status == TRIAD_OK) status = read_text(r, o, "y", false, &row->y);
    if (status == TRIAD_OK) status = read_text(r, o, "label", true, &row->row.label);
    if (status == TRIAD_OK) status = read_text(r, o, "note", false, &row->row.note);
    if (status == TRIAD_OK) status = read_role(r, o, &row->row.role);
    if (status != TRIAD_OK) return status;
    json_object *readings = json_find(o, "readings", json_type_array);
    if (readings == NULL || json_object_array_length(readings) != REPORT_READINGS)
        return bad(r, "a row does not have two readings");
    for (size_t i = 0; i < REPORT_READINGS; i++) {
        json_object *e = json_object_array_get_idx(readings, i);
        if (!json_object_is_type(e, json_type_object)) return bad(r, "a reading is not an object");
        status = read_estimate(r, e, &row->row.estimate[i], &row->row.sentences[i], &row->draws[i]);
        if (status != TRIAD_OK) return status;
    }
    return read_members(r, json_find(o, "members", json_type_array), row);
}

static triad_status read_rows(const reader *r, json_object *from, const char *key, figure_row **rows, size_t *count)
{
    json_object *list = json_find(from, key, json_type_array);
    const size_t n = list != NULL ? json_object_array_length(list) : 0;
    *count = 0;
    *rows = NULL;
    if (n == 0) return TRIAD_OK;
    if (n > MAX_ENTRIES) return bad(r, "too many rows");
    *rows = TRIAD_NEW0(r->arena, figure_row, n);
    if (*rows == NULL) return no_memory(r);
    for (size_t i = 0; i < n; i++) {
        json_object *o = json_object_array_get_idx(list, i);
        const triad_status status =
            json_object_is_type(o, json_type_object) ? read_row(r, o, &(*rows)[i]) : bad(r, "a row is not an object");
        if (status != TRIAD_OK) return status;
    }
    *count = n;
    return TRIAD_OK;
}

static triad_status read_curve(const reader *r, json_object *o, size_t ticks, report_curve *curve)
{
    double *y, *low, *high;
    triad_status status = read_text(r, o, "label", true, &curve->label);
    if (status == TRIAD_OK) status = read_role(r, o, &curve->role);
    if (status == TRIAD_OK) status = json_get_bool(o, "dashed", &curve->dashed, r->err);
    if (status == TRIAD_OK) status = read_reals(r, o, "y", ticks, &y);
    if (status == TRIAD_OK) status = read_reals(r, o, "low", ticks, &low);
    if (status == TRIAD_OK) status = read_reals(r, o, "high", ticks, &high);
    if (status != TRIAD_OK) return status;
    if (y == NULL) return bad(r, "a curve has no values");
    curve->y = y;
    curve->low = low;
    curve->high = high;
    return TRIAD_OK;
}

static triad_status read_chart(const reader *r, json_object *o, report_chart *chart)
{
    triad_status status = read_text(r, o, "title", true, &chart->title);
    if (status == TRIAD_OK) status = read_text(r, o, "caption", false, &chart->caption);
    if (status == TRIAD_OK) status = read_text(r, o, "x_label", true, &chart->x_label);
    if (status == TRIAD_OK) status = read_text(r, o, "y_label", true, &chart->y_label);
    if (status == TRIAD_OK) status = json_get_bool(o, "band", &chart->band, r->err);
    if (status != TRIAD_OK) return status;
    json_object *ticks = json_find(o, "ticks", json_type_array), *curves = json_find(o, "curves", json_type_array);
    if (ticks == NULL || curves == NULL) return bad(r, "a chart without ticks or curves");
    chart->ticks = json_object_array_length(ticks);
    chart->curves = json_object_array_length(curves);
    if (chart->ticks > MAX_ENTRIES || chart->curves > MAX_ENTRIES) return bad(r, "a chart is too large");
    const char **names = TRIAD_NEW0(r->arena, const char *, chart->ticks + 1);
    report_curve *curve = TRIAD_NEW0(r->arena, report_curve, chart->curves + 1);
    if (names == NULL || curve == NULL) return no_memory(r);
    for (size_t i = 0; i < chart->ticks; i++) {
        json_object *name = json_object_array_get_idx(ticks, i);
        if (!json_object_is_type(name, json_type_string)) return bad(r, "a tick is not a text");
        names[i] = triad_arena_strdup(r->arena, json_object_get_string(name));
        if (names[i] == NULL) return no_memory(r);
    }
    chart->tick = names;
    chart->curve = curve;
    double *x;
    status = read_reals(r, o, "x", chart->ticks, &x);
    chart->x = x;
    for (size_t i = 0; i < chart->curves && status == TRIAD_OK; i++) {
        json_object *u = json_object_array_get_idx(curves, i);
        status = json_object_is_type(u, json_type_object) ? read_curve(r, u, chart->ticks, &curve[i])
                                                          : bad(r, "a curve is not an object");
    }
    return status;
}

static triad_status read_charts(const reader *r, json_object *from, const char *key, report_chart **charts,
                                size_t *count)
{
    json_object *list = json_find(from, key, json_type_array);
    const size_t n = list != NULL ? json_object_array_length(list) : 0;
    *count = 0;
    *charts = NULL;
    if (n == 0) return TRIAD_OK;
    if (n > MAX_ENTRIES) return bad(r, "too many charts");
    *charts = TRIAD_NEW0(r->arena, report_chart, n);
    if (*charts == NULL) return no_memory(r);
    for (size_t i = 0; i < n; i++) {
        json_object *o = json_object_array_get_idx(list, i);
        const triad_status status = json_object_is_type(o, json_type_object) ? read_chart(r, o, &(*charts)[i])
                                                                             : bad(r, "a chart is not an object");
        if (status != TRIAD_OK) return status;
    }
    *count = n;
    return TRIAD_OK;
}

triad_status figures_from_json(study_figures *figures, json_object *from, triad_arena *arena, triad_error *err)
{
    const reader r = {arena, err};
    *figures = (study_figures){0};
    triad_status status = read_rows(&r, from, "rows", &figures->row, &figures->rows);
    if (status == TRIAD_OK) status = read_rows(&r, from, "differences", &figures->difference, &figures->differences);
    if (status == TRIAD_OK) status = read_charts(&r, from, "k_charts", &figures->k_chart, &figures->k_charts);
    if (status == TRIAD_OK)
        status = read_charts(&r, from, "layer_charts", &figures->layer_chart, &figures->layer_charts);
    return status;
}
