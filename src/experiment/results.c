/* results.json and results.csv: all numbers of a study in one place, with its verdict. */
#include "experiment/internal.h"

#include "base/file.h"
#include "triad/space.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_JSON = 256 << 20 };

static triad_status no_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "out of memory");
}

static json_object *text(const char *words)
{
    return words != NULL ? json_object_new_string(words) : NULL;
}

static triad_status read_json(json_object **root, const experiment *study, const char *path, triad_error *err)
{
    char *whole = graph_path(&study->graph, path);
    const triad_status status = whole != NULL ? json_read_file(root, whole, MAX_JSON, err) : no_memory(err);
    free(whole);
    return status;
}

/* ---- parts */

static const char *role_name(const study_space *space)
{
    static const char *const names[REPORT_ROLES] = {"agent", "untrained", "decoder", "encoder", "words", "random"};
    return names[space->role];
}

static triad_status space_json(json_object **made, const experiment *study, const study_space *space, triad_error *err)
{
    char *path = graph_path(&study->graph, space->path);
    triad_space read = {0};
    const triad_status status = path != NULL ? triad_space_read(&read, path, err) : no_memory(err);
    free(path);
    if (status != TRIAD_OK) return status;
    json_object *o = json_object_new_object(), *layers = json_object_new_array();
    const triad_layer *last = triad_space_last(&read);
    json_object_object_add(o, "name", text(space->name));
    json_object_object_add(o, "label", text(space->label));
    json_object_object_add(o, "role", text(role_name(space)));
    json_object_object_add(o, "source", text(read.source));
    json_object_object_add(o, "pool", text(read.pool));
    json_object_object_add(o, "sha256", text(study->graph.stage[space->stage].sha256[0]));
    for (size_t l = 0; l < read.layers; l++) json_object_array_add(layers, text(read.layer[l].name));
    json_object_object_add(o, "layers", layers);
    json_object_object_add(o, "last", text(last->name));
    json_object_object_add(o, "width", json_object_new_int64((int64_t)last->d));
    triad_space_free(&read);
    *made = o;
    return TRIAD_OK;
}

static json_object *protocol_json(const experiment_config *config)
{
    json_object *list = json_object_new_array();
    for (size_t i = 0; i < config->protocol_count; i++) {
        const config_choice *c = &config->protocol[i];
        json_object *o = json_object_new_object();
        json_object_object_add(o, "choice", text(c->choice));
        json_object_object_add(o, "value", text(c->value));
        json_object_object_add(o, "status", text(c->status));
        json_object_object_add(o, "note", text(c->note));
        json_object_array_add(list, o);
    }
    return list;
}

static json_object *study_json(const experiment_config *config)
{
    json_object *o = json_object_new_object(), *band = json_object_new_array();
    json_object_object_add(o, "name", text(config->name));
    json_object_object_add(o, "title", text(config->title));
    json_object_object_add(o, "seed", json_object_new_int64(config->seed));
    json_object_object_add(o, "k", json_object_new_int64(config->alignment.headline_k));
    json_object_object_add(o, "protocol", text(config->alignment.protocol));
    json_object_object_add(o, "permutations", json_object_new_int64(config->alignment.permutations));
    json_object_object_add(o, "permutations_retrieval",
                           json_object_new_int64(config->alignment.permutations_retrieval));
    json_object_object_add(o, "bootstrap", json_object_new_int64(config->alignment.bootstrap));
    json_object_array_add(band, json_new_real(config->claims.low));
    json_object_array_add(band, json_new_real(config->claims.high));
    json_object_object_add(o, "band", band);
    return o;
}

static json_object *fact(const char *label, const char *words)
{
    json_object *o = json_object_new_object();
    json_object_object_add(o, "label", text(label));
    json_object_object_add(o, "text", text(words));
    return o;
}

static void join(triad_text *out, const char *word)
{
    if (out->size > 0) triad_text_add(out, ", ");
    triad_text_add(out, word);
}

/* "GoToLocal 99.8 %, OpenDoor 98.1 %": each level that the agents learned, in the mean over them. */
static void learned(triad_text *out, const report_agent *agent, size_t agents)
{
    size_t trained = 0;
    const report_agent *first = NULL;
    for (size_t i = 0; i < agents; i++) {
        if (agent[i].role != REPORT_AGENT) continue;
        if (first == NULL) first = &agent[i];
        trained++;
    }
    for (size_t l = 0; first != NULL && l < first->levels; l++) {
        double sum = 0;
        for (size_t i = 0; i < agents; i++)
            if (agent[i].role == REPORT_AGENT) sum += l < agent[i].levels ? agent[i].level[l].success : NAN;
        join(out, first->level[l].level);
        triad_text_addf(out, " %.1f %%", 100 * sum / (double)trained);
    }
}

static json_object *facts_json(const experiment_config *config, size_t items, const claims_input *in)
{
    json_object *list = json_object_new_array();
    triad_text t = {0};
    triad_text_addf(&t, "%zu", items);
    json_object_array_add(list, fact("instructions", t.bytes));
    triad_text_free(&t);
    for (size_t i = 0; i < config->items.level_count; i++)
        join(&t, babyai_level_name(babyai_level_find(config->items.levels[i])));
    if (t.size > 0) json_object_array_add(list, fact("all those of", t.bytes));
    triad_text_free(&t);
    if (config->agents.seed_count > 0) {
        triad_text_addf(&t, "%zu seed%s, ", config->agents.seed_count, config->agents.seed_count == 1 ? "" : "s");
        if (config->agents.tflop > 0)
            triad_text_addf(&t, "%g TFLOP each", config->agents.tflop);
        else
            triad_text_addf(&t, "%lld steps each", (long long)config->agents.steps);
        json_object_array_add(list, fact("agents", t.bytes));
        triad_text_free(&t);
        learned(&t, in->agent, in->agents);
        if (t.size > 0)
            json_object_array_add(list,
                                  fact(config->agents.seed_count > 1 ? "levels learned, and the agents' mean success"
                                                                     : "levels learned, and the agent's success",
                                       t.bytes));
        triad_text_free(&t);
    }
    for (size_t i = 0; i < config->model_count; i++) join(&t, config->models[i].name);
    if (t.size > 0) json_object_array_add(list, fact("language models", t.bytes));
    triad_text_free(&t);
    if (config->alignment.permutations > 0) {
        triad_text_addf(&t, "iid and relabel, %lld draws (retrieval %lld)", (long long)config->alignment.permutations,
                        (long long)config->alignment.permutations_retrieval);
        json_object_array_add(list, fact("nulls", t.bytes));
        triad_text_free(&t);
    }
    return list;
}

static json_object *controls_json(const experiment_config *config)
{
    json_object *list = json_object_new_array();
    const bool agents = config->agents.seed_count > 0;
    if (agents && config->agents.untrained)
        json_object_array_add(list, fact("untrained twin",
                                         "The same network with the same seed at step 0: random features of the same "
                                         "words. What training adds is the paired difference to it."));
    for (size_t i = 0; i < config->baseline_count; i++)
        json_object_array_add(
            list,
            strcmp(config->baselines[i], "bow") == 0
                ? fact("bag of words",
                       "Counts of lower-cased words, no network at all: how far shared words alone carry.")
                : fact("random", "Independent Gaussian vectors: what nothing looks like under the same protocol."));
    if (agents && config->agents.seed_count > 1)
        json_object_array_add(list, fact("another seed's agent",
                                         "Agents that differ by their seed alone: how alike two learners of the "
                                         "very same task become, the ceiling for everything else."));
    if (config->alignment.permutations > 0) {
        json_object_array_add(list,
                              fact("iid null", "Sentences shuffled in one space. Rejecting it says that there is a "
                                               "relation; with a grammar of shared words that was never in doubt."));
        json_object_array_add(list, fact("relabel null",
                                         "Colours, objects and places renamed consistently in one space, all sentences "
                                         "kept. It preserves everything that sharing words brings and asks whether it "
                                         "matters which word is which. Only what survives it is called meaning."));
    }
    return list;
}

static json_object *claims_json(const claims_output *c)
{
    static const char *const outcomes[] = {"reproduced", "not reproduced", "not testable", "undecided"};
    json_object *list = json_object_new_array();
    for (size_t i = 0; i < c->claims; i++) {
        json_object *o = json_object_new_object(), *readings = json_object_new_array();
        json_object_object_add(o, "id", text(c->claim[i].id));
        json_object_object_add(o, "claim", text(c->claim[i].claim));
        json_object_object_add(o, "rule", text(c->claim[i].rule));
        for (int r = 0; r < REPORT_READINGS; r++) {
            json_object *reading = json_object_new_object();
            json_object_object_add(reading, "outcome", text(outcomes[c->claim[i].outcome[r]]));
            json_object_object_add(reading, "reason", text(c->claim[i].reason[r]));
            json_object_array_add(readings, reading);
        }
        json_object_object_add(o, "readings", readings);
        json_object_array_add(list, o);
    }
    return list;
}

static json_object *verdict_json(const claims_output *c)
{
    json_object *o = json_object_new_object(), *paragraphs = json_object_new_array(),
                *warnings = json_object_new_array();
    json_object_object_add(o, "headline", text(c->headline));
    for (size_t i = 0; i < c->paragraphs; i++) json_object_array_add(paragraphs, text(c->paragraph[i]));
    for (size_t i = 0; i < c->warnings; i++) json_object_array_add(warnings, text(c->warning[i]));
    json_object_object_add(o, "paragraphs", paragraphs);
    json_object_object_add(o, "warnings", warnings);
    return o;
}

/* ---- agents */

static triad_status agents_json(json_object *list, const experiment *study, triad_error *err)
{
    const experiment_config *config = &study->config;
    const size_t agents = config->agents.seed_count;
    for (size_t i = 0; i < (config->agents.untrained ? 2 : 1) * agents; i++) {
        json_object *read = NULL;
        const triad_status status =
            read_json(&read, study, study->graph.stage[study->stage_evaluate[i]].output[0], err);
        if (status != TRIAD_OK) return status;
        json_object *o = json_object_new_object();
        const study_space *space = &study->space[i];
        json_object_object_add(o, "name", text(space->name));
        json_object_object_add(o, "label", text(space->label));
        json_object_object_add(o, "role", text(role_name(space)));
        json_object_object_add(o, "seed", json_object_new_int64(config->agents.seeds[i % agents]));
        json_object_object_add(o, "results", json_object_get(json_find(read, "results", json_type_array)));
        json_object_put(read);
        json_object_array_add(list, o);
    }
    return TRIAD_OK;
}

/* ---- CSV */

/* The tables one behind the other under one header. */
static triad_status join_tables(const experiment *study, const study_stage *self, const char *to, triad_error *err)
{
    char *path = graph_path(&study->graph, to);
    triad_atomic_file file;
    triad_status status = path != NULL ? triad_atomic_open(&file, path, err) : no_memory(err);
    free(path);
    if (status != TRIAD_OK) return status;
    bool header = true;
    for (size_t i = 0; i < self->inputs && status == TRIAD_OK; i++) {
        const study_stage *from = &study->graph.stage[self->input[i].stage];
        if (!is_measure(from) || self->input[i].output != 1) continue;
        char *whole = graph_path(&study->graph, from->output[1]), *bytes = NULL;
        size_t size = 0;
        status = whole != NULL ? triad_read_whole(&bytes, &size, whole, MAX_JSON, err) : no_memory(err);
        free(whole);
        const char *start = bytes;
        if (status == TRIAD_OK && !header) {
            const char *end = memchr(bytes, '\n', size);
            start = end != NULL ? end + 1 : bytes + size;
        }
        if (status == TRIAD_OK) fwrite(start, 1, size - (size_t)(start - bytes), file.stream);
        free(bytes);
        header = false;
    }
    if (status == TRIAD_OK) return triad_atomic_commit(&file, err);
    triad_atomic_abandon(&file);
    return status;
}

/* ---- together */

/* Pairs of all measuring stages in one list, and their figures; the relabel null's own facts from the first that has
 * them. */
static triad_status gather(json_object *root, const experiment *study, const study_stage *self, study_figures *figures,
                           claims_input *in, triad_arena *arena, triad_error *err)
{
    json_object *pairs = json_object_new_array(), *all = json_object_new_object();
    json_object_object_add(root, "pairs", pairs);
    json_object_object_add(root, "figures", all);
    in->relabellings = NAN;
    for (size_t i = 0; i < self->inputs; i++) {
        const study_stage *from = &study->graph.stage[self->input[i].stage];
        if (!is_measure(from) || self->input[i].output == 1) continue;
        json_object *part = NULL;
        triad_status status = read_json(&part, study, from->output[self->input[i].output], err);
        if (status != TRIAD_OK) return status;
        if (self->input[i].output == 0) {
            json_object *list = json_find(part, "pairs", json_type_array);
            for (size_t p = 0; list != NULL && p < json_object_array_length(list); p++)
                json_object_array_add(pairs, json_object_get(json_object_array_get_idx(list, p)));
        } else {
            study_figures one;
            status = figures_from_json(&one, part, arena, err);
            if (status == TRIAD_OK) status = figures_to_json(&one, all, err);
            const char *words = NULL;
            (void)!json_get_string(part, "interval_words", &words, NULL);
            if (words != NULL && in->words == NULL) in->words = triad_arena_strdup(arena, words);
            json_object *relabel = json_find(part, "relabel", json_type_object);
            if (status == TRIAD_OK && relabel != NULL) {
                int64_t left_out = 0;
                const char *refused = NULL;
                (void)!json_get_int(relabel, "left_out", 0, INT32_MAX, &left_out, NULL);
                (void)!json_get_real(relabel, "relabellings", &in->relabellings, NULL);
                (void)!json_get_string(relabel, "refused", &refused, NULL);
                in->left_out = (size_t)left_out;
                in->refused = refused != NULL ? triad_arena_strdup(arena, refused) : NULL;
            }
        }
        json_object_put(part);
        if (status != TRIAD_OK) return status;
    }
    return figures_from_json(figures, all, arena, err);
}

/* What stands for language: the decoders together, the one decoder, else the first model. */
static void choose_primary(claims_input *in, const experiment_config *config)
{
    size_t decoders = 0;
    in->primary = config->model_count > 0 ? config->models[0].name : "language models";
    for (size_t i = config->model_count; i-- > 0;) {
        if (strcmp(config->models[i].role, "decoder") == 0) {
            decoders++;
            in->primary = config->models[i].name;
        } else {
            in->encoder = config->models[i].name;
        }
    }
    if (decoders > 1) in->primary = DECODERS;
}

static triad_status compose(json_object *root, const experiment *study, const study_stage *self, triad_arena *arena,
                            triad_error *err)
{
    const experiment_config *config = &study->config;
    triad_items items = {0};
    char *path = graph_path(&study->graph, study->graph.stage[study->stage_items].output[0]);
    triad_status status = path != NULL ? triad_items_read(&items, path, err) : no_memory(err);
    free(path);
    if (status != TRIAD_OK) return status;
    json_object *spaces = json_object_new_array(), *agents = json_object_new_array();
    json_object_object_add(root, "created_by", text("triad " TRIAD_VERSION));
    json_object *about = study_json(config);
    json_object_object_add(root, "study", about);
    json_object_object_add(root, "items", json_object_new_int64((int64_t)items.count));
    const size_t instructions = items.count;
    triad_items_free(&items);
    json_object_object_add(root, "spaces", spaces);
    json_object_object_add(root, "agents", agents);
    for (size_t i = 0; i < study->headline_spaces && status == TRIAD_OK; i++) {
        json_object *space = NULL;
        status = space_json(&space, study, &study->space[i], err);
        if (status == TRIAD_OK) json_object_array_add(spaces, space);
    }
    if (status == TRIAD_OK) status = agents_json(agents, study, err);
    if (status != TRIAD_OK) return status;

    study_figures figures;
    claims_input in = {.figures = &figures,
                       .low = config->claims.low,
                       .high = config->claims.high,
                       .margin = config->claims.margin,
                       .floor = config->evaluation.floor,
                       .floor_mean = config->evaluation.floor_mean,
                       .k = (int)config->alignment.headline_k};
    choose_primary(&in, config);
    report_agent *told = NULL;
    status = gather(root, study, self, &figures, &in, arena, err);
    if (status == TRIAD_OK) status = results_agents(&told, &in.agents, root, arena, err);
    in.agent = told;
    if (status == TRIAD_OK) json_object_object_add(root, "facts", facts_json(config, instructions, &in));
    claims_output out;
    if (status == TRIAD_OK) status = claims_judge(&out, &in, arena, err);
    if (status != TRIAD_OK) return status;
    json_object_object_add(about, "interval", text(out.interval));
    json_object_object_add(root, "verdict", verdict_json(&out));
    json_object_object_add(root, "claims", claims_json(&out));
    if (study->stage_maps != SIZE_MAX) {
        json_object *maps = NULL;
        status = read_json(&maps, study, study->graph.stage[study->stage_maps].output[0], err);
        if (status != TRIAD_OK) return status;
        json_object_object_add(root, "maps", maps);
    }
    json_object_object_add(root, "protocol", protocol_json(config));
    json_object_object_add(root, "controls", controls_json(config));
    return TRIAD_OK;
}

triad_status stage_results(void *context, const study_stage *self, triad_error *err)
{
    const experiment *study = context;
    triad_arena arena = {0};
    json_object *root = json_object_new_object();
    char *path = graph_path(&study->graph, self->output[0]);
    triad_status status = path != NULL ? compose(root, study, self, &arena, err) : no_memory(err);
    if (status == TRIAD_OK) status = json_write_file(path, root, err);
    if (status == TRIAD_OK) status = join_tables(study, self, self->output[1], err);
    free(path);
    json_object_put(root);
    triad_arena_free(&arena);
    return status;
}
