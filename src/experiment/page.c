/* results.json as the report's plain structs. */
#include "experiment/internal.h"

#include "base/file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_JSON = 256 << 20 };

typedef struct page {
    json_object *root;
    triad_arena arena;
    triad_error *err;
    triad_status status; /* the first failure */
} page;

static void fail(page *p, triad_status status)
{
    if (p->status == TRIAD_OK) p->status = status;
}

static void malformed(page *p, const char *what)
{
    if (p->status == TRIAD_OK)
        p->status = triad_fail(p->err, TRIAD_ERR_FORMAT, -1, "results.json: %s (make the study's results again)", what);
}

static void *take(page *p, size_t count, size_t size)
{
    void *memory = triad_arena_zalloc(&p->arena, count > 0 ? count : 1, size);
    if (memory == NULL) fail(p, triad_fail(p->err, TRIAD_ERR_MEMORY, -1, "report: out of memory"));
    return memory;
}

/* Borrowed from the document, which outlives the page. */
static const char *want_text(page *p, json_object *o, const char *key)
{
    const char *found = "";
    if (o == NULL)
        malformed(p, "a part is missing");
    else
        fail(p, json_want_string(o, key, &found, p->status == TRIAD_OK ? p->err : NULL));
    return found;
}

static const char *get_text(json_object *o, const char *key)
{
    const char *found = NULL;
    return json_get_string(o, key, &found, NULL) == TRIAD_OK ? found : NULL;
}

static double get_real(json_object *o, const char *key)
{
    double value = NAN;
    return o != NULL && json_get_real(o, key, &value, NULL) == TRIAD_OK ? value : NAN;
}

static double real_at(json_object *list, size_t i)
{
    json_object *entry = list != NULL && i < json_object_array_length(list) ? json_object_array_get_idx(list, i) : NULL;
    return json_object_is_type(entry, json_type_double) || json_object_is_type(entry, json_type_int)
               ? json_object_get_double(entry)
               : NAN;
}

static size_t length_of(json_object *list)
{
    return list != NULL ? json_object_array_length(list) : 0;
}

/* An entry that is not an object is an empty one: its members are then found missing, by name. */
static json_object *object_at(page *p, json_object *list, size_t i)
{
    json_object *o = json_object_array_get_idx(list, i);
    if (json_object_is_type(o, json_type_object)) return o;
    malformed(p, "an entry is not an object");
    return NULL;
}

static report_role role_of(const char *name)
{
    static const char *const names[REPORT_ROLES] = {"agent", "untrained", "decoder", "encoder", "words", "random"};
    for (int i = 0; i < REPORT_ROLES; i++)
        if (name != NULL && strcmp(name, names[i]) == 0) return (report_role)i;
    return REPORT_RANDOM;
}

static void read_facts(page *p, const char *key, const report_fact **facts, size_t *count)
{
    json_object *list = json_find(p->root, key, json_type_array);
    report_fact *made = take(p, length_of(list), sizeof *made);
    for (size_t i = 0; made != NULL && i < length_of(list) && p->status == TRIAD_OK; i++) {
        json_object *o = object_at(p, list, i);
        made[i] = (report_fact){want_text(p, o, "label"), want_text(p, o, "text")};
        *count = i + 1;
    }
    *facts = made;
}

static void read_texts(page *p, json_object *from, const char *key, const char *const **texts, size_t *count)
{
    json_object *list = from != NULL ? json_find(from, key, json_type_array) : NULL;
    const char **made = take(p, length_of(list), sizeof *made);
    for (size_t i = 0; made != NULL && i < length_of(list); i++) {
        json_object *entry = json_object_array_get_idx(list, i);
        if (!json_object_is_type(entry, json_type_string))
            malformed(p, "a text is not one");
        else
            made[(*count)++] = json_object_get_string(entry);
    }
    *texts = made;
}

static void read_claims(page *p, report_study *study)
{
    json_object *list = json_find(p->root, "claims", json_type_array);
    report_claim *made = take(p, length_of(list), sizeof *made);
    for (size_t i = 0; made != NULL && i < length_of(list) && p->status == TRIAD_OK; i++) {
        json_object *o = object_at(p, list, i),
                    *readings = o != NULL ? json_find(o, "readings", json_type_array) : NULL;
        if (length_of(readings) != REPORT_READINGS) {
            malformed(p, "a claim without two readings");
            return;
        }
        made[i] = (report_claim){
            .id = want_text(p, o, "id"), .claim = want_text(p, o, "claim"), .rule = want_text(p, o, "rule")};
        for (size_t r = 0; r < REPORT_READINGS; r++) {
            json_object *reading = object_at(p, readings, r);
            const char *outcome = want_text(p, reading, "outcome");
            made[i].outcome[r] = strcmp(outcome, "reproduced") == 0       ? REPORT_REPRODUCED
                                 : strcmp(outcome, "not reproduced") == 0 ? REPORT_NOT_REPRODUCED
                                 : strcmp(outcome, "undecided") == 0      ? REPORT_UNDECIDED
                                                                          : REPORT_NOT_TESTABLE;
            made[i].reason[r] = want_text(p, reading, "reason");
        }
        study->claims = i + 1;
    }
    study->claim = made;
}

static void read_choices(page *p, report_study *study)
{
    json_object *list = json_find(p->root, "protocol", json_type_array);
    report_choice *made = take(p, length_of(list), sizeof *made);
    for (size_t i = 0; made != NULL && i < length_of(list) && p->status == TRIAD_OK; i++) {
        json_object *o = object_at(p, list, i);
        made[i] = (report_choice){want_text(p, o, "choice"), want_text(p, o, "value"), want_text(p, o, "status"),
                                  o != NULL ? get_text(o, "note") : NULL};
        study->choices = i + 1;
    }
    study->choice = made;
}

static void read_spaces(page *p, report_study *study)
{
    json_object *list = json_find(p->root, "spaces", json_type_array);
    report_space *made = take(p, length_of(list), sizeof *made);
    for (size_t i = 0; made != NULL && i < length_of(list) && p->status == TRIAD_OK; i++) {
        json_object *o = object_at(p, list, i);
        int64_t width = 0;
        if (o != NULL) fail(p, json_want_int(o, "width", 1, INT32_MAX, &width, p->err));
        made[i] = (report_space){want_text(p, o, "label"),
                                 want_text(p, o, "source"),
                                 want_text(p, o, "last"),
                                 want_text(p, o, "pool"),
                                 role_of(o != NULL ? get_text(o, "role") : NULL),
                                 (size_t)width};
        study->spaces = i + 1;
    }
    study->space = made;
}

/* ---- the matrix: pairs of last layers */

static size_t space_index(const page *p, const char *name, const char *layer)
{
    json_object *list = json_find(p->root, "spaces", json_type_array);
    for (size_t i = 0; i < length_of(list); i++) {
        json_object *o = json_object_array_get_idx(list, i);
        const char *own = get_text(o, "name"), *last = get_text(o, "last");
        if (own != NULL && last != NULL && strcmp(own, name) == 0) return strcmp(last, layer) == 0 ? i : SIZE_MAX;
    }
    return SIZE_MAX;
}

static report_null read_null(json_object *nulls, const char *key)
{
    json_object *o = nulls != NULL ? json_find(nulls, key, json_type_object) : NULL;
    return (report_null){get_real(o, "p"), get_real(o, "mean"), get_real(o, "sd")};
}

static report_estimate read_measure(json_object *measures, const char *name)
{
    json_object *o = measures != NULL ? json_find(measures, name, json_type_object) : NULL;
    json_object *words = o != NULL ? json_find(o, "interval_groups", json_type_array) : NULL,
                *interval = words != NULL ? words
                            : o != NULL   ? json_find(o, "interval", json_type_array)
                                          : NULL,
                *nulls = o != NULL ? json_find(o, "null", json_type_object) : NULL;
    return (report_estimate){get_real(o, "value"),  real_at(interval, 0),    real_at(interval, 1),
                             get_real(o, "chance"), read_null(nulls, "iid"), read_null(nulls, "relabel")};
}

static void read_pairs(page *p, report_study *study)
{
    json_object *list = json_find(p->root, "pairs", json_type_array);
    const size_t spaces = study->spaces;
    report_pair *made = take(p, spaces * spaces, sizeof *made);
    bool *seen = take(p, spaces * spaces, sizeof *seen);
    for (size_t i = 0; made != NULL && seen != NULL && i < length_of(list) && p->status == TRIAD_OK; i++) {
        json_object *o = object_at(p, list, i),
                    *measures = o != NULL ? json_find(o, "measures", json_type_object) : NULL;
        const size_t x = space_index(p, want_text(p, o, "x"), want_text(p, o, "layer_x")),
                     y = space_index(p, want_text(p, o, "y"), want_text(p, o, "layer_y"));
        /* The first of a pair is the headline's; the layer-by-layer part may hold it again without nulls. */
        if (x >= spaces || y >= spaces || x == y || seen[x * spaces + y]) continue;
        seen[x * spaces + y] = seen[y * spaces + x] = true;
        made[study->pairs++] = (report_pair){
            x,
            y,
            {read_measure(measures, study->reading[0].measure), read_measure(measures, study->reading[1].measure)}};
    }
    study->pair = made;
}

/* The tree of a reading where every pair has a value. */
static void read_tree(page *p, report_study *study, int reading)
{
    const size_t n = study->spaces;
    if (n < 2 || study->pairs != n * (n - 1) / 2) return;
    double *distance = take(p, n * n, sizeof *distance);
    triad_merge *merge = take(p, n, sizeof *merge);
    uint32_t *leaf = take(p, n, sizeof *leaf);
    if (distance == NULL || merge == NULL || leaf == NULL) return;
    for (size_t i = 0; i < study->pairs; i++) {
        const report_pair *pair = &study->pair[i];
        const double value = pair->estimate[reading].value;
        if (!(value <= 1) || !isfinite(value)) return;
        distance[pair->x * n + pair->y] = distance[pair->y * n + pair->x] = 1 - value;
    }
    fail(p, triad_map_linkage_of(merge, TRIAD_LINKAGE_AVERAGE, distance, n, p->err));
    if (p->status == TRIAD_OK) fail(p, triad_map_leaves(leaf, merge, n, p->err));
    if (p->status == TRIAD_OK) study->tree[reading] = (report_tree){merge, leaf};
}

/* ---- agents */

triad_status results_agents(report_agent **agents, size_t *count, json_object *root, triad_arena *arena,
                            triad_error *err)
{
    json_object *list = json_find(root, "agents", json_type_array);
    *count = 0;
    *agents = triad_arena_zalloc(arena, length_of(list) + 1, sizeof **agents);
    if (*agents == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "results: out of memory");
    for (size_t i = 0; i < length_of(list); i++) {
        json_object *o = json_object_array_get_idx(list, i);
        const char *label, *role;
        if (!json_object_is_type(o, json_type_object))
            return triad_fail(err, TRIAD_ERR_FORMAT, -1,
                              "results.json: an agent is not an object (make the study's results again)");
        triad_status status = json_want_string(o, "label", &label, err);
        if (status == TRIAD_OK) status = json_want_string(o, "role", &role, err);
        if (status != TRIAD_OK) return status;
        json_object *results = json_find(o, "results", json_type_array);
        const size_t levels = length_of(results);
        report_success *made = triad_arena_zalloc(arena, levels + 1, sizeof *made);
        if (made == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "results: out of memory");
        double sum = 0;
        for (size_t l = 0; l < levels; l++) {
            json_object *r = json_object_array_get_idx(results, l);
            int64_t episodes = 0;
            const char *level;
            if (!json_object_is_type(r, json_type_object))
                return triad_fail(err, TRIAD_ERR_FORMAT, -1,
                                  "results.json: an evaluation is not an object (make the study's results again)");
            status = json_want_int(r, "episodes", 0, INT32_MAX, &episodes, err);
            if (status == TRIAD_OK) status = json_want_string(r, "level", &level, err);
            if (status != TRIAD_OK) return status;
            json_object *wilson = json_find(r, "wilson", json_type_array);
            made[l] = (report_success){level,
                                       (size_t)episodes,
                                       get_real(r, "success"),
                                       real_at(wilson, 0),
                                       real_at(wilson, 1),
                                       get_real(r, "success_foreign"),
                                       get_real(r, "mean_steps"),
                                       get_real(r, "mean_steps_bot")};
            sum += made[l].success;
        }
        (*agents)[(*count)++] =
            (report_agent){label, role_of(role), levels, made, levels > 0 ? sum / (double)levels : NAN};
    }
    return TRIAD_OK;
}

/* ---- the page */

static void read_figures(page *p, report_study *study)
{
    json_object *from = json_find(p->root, "figures", json_type_object);
    study_figures figures = {0};
    if (from == NULL) return;
    if (p->status == TRIAD_OK) fail(p, figures_from_json(&figures, from, &p->arena, p->err));
    report_row *rows = take(p, figures.rows, sizeof *rows),
               *differences = take(p, figures.differences, sizeof *differences);
    if (rows == NULL || differences == NULL) return;
    for (size_t i = 0; i < figures.rows; i++) rows[i] = figures.row[i].row;
    for (size_t i = 0; i < figures.differences; i++) differences[i] = figures.difference[i].row;
    study->row = rows;
    study->rows = figures.rows;
    study->difference = differences;
    study->differences = figures.differences;
    study->k_chart = figures.k_chart;
    study->k_charts = figures.k_charts;
    study->layer_chart = figures.layer_chart;
    study->layer_charts = figures.layer_charts;
}

static void read_study(page *p, report_study *study)
{
    json_object *about = json_find(p->root, "study", json_type_object),
                *band = about != NULL ? json_find(about, "band", json_type_array) : NULL;
    json_object *verdict = json_find(p->root, "verdict", json_type_object);
    if (about == NULL || verdict == NULL) {
        malformed(p, "it does not hold a study's results");
        return;
    }
    int64_t k = 15;
    fail(p, json_want_int(about, "k", 1, 100000, &k, p->err));
    study->name = want_text(p, about, "name");
    study->title = want_text(p, about, "title");
    study->created_by = want_text(p, p->root, "created_by");
    study->interval = get_text(about, "interval");
    study->over_words = study->interval != NULL && strncmp(study->interval, "over words", 10) == 0;
    study->k = (int)k;
    study->band_low = real_at(band, 0);
    study->band_high = real_at(band, 1);
    study->headline = want_text(p, verdict, "headline");
    read_texts(p, verdict, "paragraphs", &study->paragraph, &study->paragraphs);
    read_texts(p, verdict, "warnings", &study->warning, &study->warnings);
    const char *measures[REPORT_READINGS] = {
        arena_format(&p->arena, "retrieval/%s/all/mean/nn/%d/expected", want_text(p, about, "protocol"), study->k),
        arena_format(&p->arena, "mutual_knn_frac/%d", study->k),
    };
    const char *meanings[REPORT_READINGS] = {
        arena_format(&p->arena,
                     "A rotation is fitted on other sentences. Is the right sentence then among the %d nearest of all? "
                     "Mean of both directions.",
                     study->k),
        arena_format(
            &p->arena,
            "Which share of a sentence's %d nearest neighbours do both spaces have in common? No map is fitted.",
            study->k),
    };
    if (measures[0] == NULL || measures[1] == NULL || meanings[0] == NULL || meanings[1] == NULL)
        fail(p, triad_fail(p->err, TRIAD_ERR_MEMORY, -1, "report: out of memory"));
    study->reading[0] = (report_reading){"Retrieval", measures[0], meanings[0]};
    study->reading[1] = (report_reading){"Overlap", measures[1], meanings[1]};
}

triad_status study_page(triad_text *html, json_object *root, triad_error *err)
{
    page p = {.root = root, .err = err};
    report_study study = {0};
    read_study(&p, &study);
    if (p.status == TRIAD_OK) {
        read_facts(&p, "facts", &study.fact, &study.facts);
        read_facts(&p, "controls", &study.control, &study.controls);
        read_claims(&p, &study);
        read_choices(&p, &study);
        read_spaces(&p, &study);
    }
    if (p.status == TRIAD_OK) {
        read_pairs(&p, &study);
        for (int r = 0; r < REPORT_READINGS; r++) read_tree(&p, &study, r);
        json_object *maps = json_find(root, "maps", json_type_object);
        if (p.status == TRIAD_OK && maps != NULL) fail(&p, maps_from_json(&study.maps, maps, &p.arena, err));
        read_figures(&p, &study);
    }
    report_agent *agents = NULL;
    if (p.status == TRIAD_OK) fail(&p, results_agents(&agents, &study.agents, root, &p.arena, err));
    study.agent = agents;
    if (p.status == TRIAD_OK) fail(&p, report_html(&study, html, err));
    triad_arena_free(&p.arena);
    return p.status;
}

triad_status experiment_report(const char *folder, const char *html_path, triad_error *err)
{
    char *path = triad_path_join(folder, "results.json");
    if (path == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "report: out of memory");
    json_object *root = NULL;
    triad_status status;
    if (!triad_path_exists(path))
        status = triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "%s: there is no finished study in it (triad run … -o %s)",
                            folder, folder);
    else
        status = json_read_file(&root, path, MAX_JSON, err);
    if (status == TRIAD_OK && !json_object_is_type(root, json_type_object))
        status = triad_fail(err, TRIAD_ERR_FORMAT, -1,
                            "%s: it does not hold a study's results (give the folder of triad run)", path);
    free(path);
    triad_text html = {0};
    if (status == TRIAD_OK) status = study_page(&html, root, err);
    if (status == TRIAD_OK) status = triad_write_whole(html_path, html.bytes, html.size, err);
    triad_text_free(&html);
    json_object_put(root);
    return status;
}

triad_status stage_report(void *context, const study_stage *self, triad_error *err)
{
    const experiment *study = context;
    char *path = graph_path(&study->graph, self->output[0]);
    const triad_status status = path != NULL ? experiment_report(study->folder, path, err)
                                             : triad_fail(err, TRIAD_ERR_MEMORY, -1, "out of memory");
    free(path);
    return status;
}
