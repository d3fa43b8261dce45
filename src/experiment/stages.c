/* Items, agents, their evaluation, and spaces: each stage calls the room that does the work and writes its file. */
#include "experiment/internal.h"

#include "base/file.h"
#include "embed/embed.h"
#include "triad/agent.h"

#include <stdlib.h>
#include <string.h>

static triad_status no_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "out of memory");
}

triad_status stage_items(void *context, const study_stage *self, triad_error *err)
{
    experiment *study = context;
    const experiment_config *config = &study->config;
    triad_items items = {0};
    triad_status status;
    if (config->items.file != NULL) {
        char *path = study_beside(study, config->items.file);
        status = path != NULL ? triad_items_read(&items, path, err) : no_memory(err);
        free(path);
    } else {
        const babyai_level *levels[YAML_MAX_LIST];
        for (size_t i = 0; i < config->items.level_count; i++) levels[i] = babyai_level_find(config->items.levels[i]);
        status = babyai_sentences(&items, levels, config->items.level_count, err);
    }
    char *path = graph_path(&study->graph, self->output[0]);
    if (status == TRIAD_OK) status = path != NULL ? triad_items_write(&items, path, err) : no_memory(err);
    free(path);
    triad_items_free(&items);
    return status;
}

/* ---- agents */

static triad_status copy_file(const char *from, const char *to, triad_error *err)
{
    triad_mapping bytes;
    triad_status status = triad_map_file(&bytes, from, err);
    if (status != TRIAD_OK) return status;
    status = triad_write_whole(to, bytes.data, bytes.size, err);
    triad_unmap(&bytes);
    return status;
}

triad_status stage_train(void *context, const study_stage *self, triad_error *err)
{
    experiment *study = context;
    const experiment_config *config = &study->config;
    char *agent = graph_path(&study->graph, self->output[0]), *twin = graph_path(&study->graph, self->output[1]);
    triad_text first = {0};
    if (agent != NULL) triad_text_addf(&first, "%s.step-0", agent);
    triad_train_options options = triad_train_defaults();
    options.validations = 0; /* the study evaluates the finished agents itself */
    options.levels = study->level;
    options.level_count = config->agents.level_count;
    options.shares = config->agents.share_count > 0 ? config->agents.shares : NULL;
    options.seed = (uint64_t)config->agents.seeds[self->index];
    options.tflop = config->agents.tflop;
    options.steps = (uint64_t)config->agents.steps;
    if (config->agents.batch_steps > 0) options.batch_steps = (size_t)config->agents.batch_steps;
    if (config->agents.learning_rate > 0) options.learning_rate = config->agents.learning_rate;
    if (config->agents.checkpoint_every > 0) options.checkpoint_every = (uint64_t)config->agents.checkpoint_every;
    options.width = (int)config->agents.width;
    options.heads = (int)config->agents.heads;
    options.feed_forward = (int)config->agents.feed_forward;
    options.encoder_layers = (int)config->agents.encoder_layers;
    options.cell_layers = (int)config->agents.cell_layers;
    options.memory_layers = (int)config->agents.memory_layers;
    options.window = (int)config->agents.window;
    options.agent_path = agent;
    options.resume = self->started;
    triad_status status = agent != NULL && twin != NULL && !first.failed ? TRIAD_OK : no_memory(err);
    if (status == TRIAD_OK) status = triad_agent_train(&options, NULL, study->pool, study->progress, err);
    if (status == TRIAD_OK) status = copy_file(first.bytes, twin, err);
    triad_text_free(&first);
    free(agent);
    free(twin);
    return status;
}

static json_object *share(double value)
{
    return json_new_real(value);
}

static json_object *result_json(const triad_eval_result *r, bool foreign)
{
    json_object *o = json_object_new_object(), *wilson = json_object_new_array();
    json_object_object_add(o, "level", json_object_new_string(babyai_level_name(r->level)));
    json_object_object_add(o, "episodes", json_object_new_int64((int64_t)r->episodes));
    json_object_object_add(o, "success", share(r->success));
    json_object_array_add(wilson, share(r->wilson_low));
    json_object_array_add(wilson, share(r->wilson_high));
    json_object_object_add(o, "wilson", wilson);
    json_object_object_add(o, "mean_steps", share(r->solved > 0 ? r->mean_steps : __builtin_nan("")));
    json_object_object_add(o, "mean_steps_bot", share(r->solved > 0 ? r->mean_steps_bot : __builtin_nan("")));
    json_object_object_add(o, "success_foreign", foreign ? share(r->success_foreign) : NULL);
    json_object_object_add(o, "success_in_time", share(r->success_in_time));
    return o;
}

triad_status stage_evaluate(void *context, const study_stage *self, triad_error *err)
{
    experiment *study = context;
    const experiment_config *config = &study->config;
    const size_t agents = config->agents.seed_count, levels = config->agents.level_count;
    const bool untrained = self->index >= agents;
    const stage_input from = self->input[0];
    char *path = graph_path(&study->graph, study->graph.stage[from.stage].output[from.output]),
         *to = graph_path(&study->graph, self->output[0]);
    triad_eval_result *results = calloc(levels, sizeof *results);
    triad_agent *agent = NULL;
    triad_status status = path != NULL && to != NULL && results != NULL ? TRIAD_OK : no_memory(err);
    if (status == TRIAD_OK) status = triad_agent_open(&agent, path, err);
    if (status == TRIAD_OK)
        status = triad_agent_evaluate(
            agent, study->level, levels,
            (size_t)(untrained ? config->evaluation.episodes_untrained : config->evaluation.episodes),
            (uint64_t)config->evaluation.first_seed, !untrained, results, study->pool, study->progress, err);
    if (status == TRIAD_OK) {
        json_object *root = json_object_new_object(), *list = json_object_new_array();
        for (size_t i = 0; i < levels; i++) json_object_array_add(list, result_json(&results[i], !untrained));
        json_object_object_add(root, "results", list);
        status = json_write_file(to, root, err);
        json_object_put(root);
    }
    triad_agent_close(agent);
    free(results);
    free(path);
    free(to);
    return status;
}

/* ---- spaces */

static char *source_of(const experiment *study, const study_stage *self, const study_space *space)
{
    if (space->kind == SPACE_MODEL) { /* one of the cache by its name: its folder there is a checksum */
        const char *named = study->config.models[space->index].source;
        char *beside = study_beside(study, named);
        if (triad_path_exists(named) || beside == NULL || !triad_path_exists(beside)) {
            free(beside);
            return strdup(named);
        }
        return beside;
    }
    if (space->kind == SPACE_BASELINE) {
        triad_text text = {0};
        triad_text_addf(&text, "baseline:%s", study->config.baselines[space->index]);
        return text.bytes;
    }
    const stage_input from = self->input[1];
    return graph_path(&study->graph, study->graph.stage[from.stage].output[from.output]);
}

triad_status stage_embed(void *context, const study_stage *self, triad_error *err)
{
    experiment *study = context;
    const study_space *space = &study->space[self->index];
    char *items_path = graph_path(&study->graph, study->graph.stage[study->stage_items].output[0]),
         *to = graph_path(&study->graph, self->output[0]);
    char *source = source_of(study, self, space);
    triad_items items = {0};
    triad_space made = {0};
    triad_text layers = {0}; /* finished ones, until the stage's record is written */
    if (to != NULL) triad_text_addf(&layers, "%s.layers", to);
    triad_status status =
        items_path != NULL && to != NULL && source != NULL && !layers.failed ? TRIAD_OK : no_memory(err);
    if (status == TRIAD_OK) status = triad_items_read(&items, items_path, err);
    if (status == TRIAD_OK) {
        triad_embed_options options = triad_embed_defaults();
        options.layers = "all";
        options.pool = space->pool;
        options.seed = (uint64_t)study->config.seed;
        options.partial = layers.bytes;
        status = triad_embed(&made, source, &items, &options, study->pool, study->progress, err);
    }
    if (status == TRIAD_OK) status = triad_space_write(&made, to, err);
    triad_space_free(&made);
    triad_items_free(&items);
    triad_text_free(&layers);
    free(source);
    free(items_path);
    free(to);
    return status;
}
