/* The study as stages: what each reads, makes and depends on. */
#include "experiment/internal.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

/* Raised when a stage's code makes other bytes of the same inputs. */
enum {
    V_ITEMS = 1,
    V_TRAIN = 1,
    V_EVALUATE = 1,
    V_EMBED = 1,
    V_ALIGN = 2,
    V_POOLING = 2,
    V_LAYERS = 2,
    V_MAPS = 1,
    V_RESULTS = 3,
    V_REPORT = 3
};

const char *arena_format(triad_arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char small[1024];
    const int size = vsnprintf(small, sizeof small, format, arguments);
    va_end(arguments);
    if (size >= 0 && (size_t)size < sizeof small) return triad_arena_strndup(arena, small, (size_t)size);
    char *large = size >= 0 ? triad_arena_alloc(arena, (size_t)size + 1, 1) : NULL;
    if (large == NULL) return NULL;
    va_start(arguments, format);
    vsnprintf(large, (size_t)size + 1, format, arguments);
    va_end(arguments);
    return large;
}

static size_t last_stage(const experiment *study)
{
    return study->graph.stages - 1;
}

static bool plan_items(experiment *study)
{
    const experiment_config *config = &study->config;
    study_stage *s =
        graph_add(&study->graph, "items", "items", V_ITEMS, stage_items,
                  config->items.file != NULL ? "reads the sentences" : "lists every instruction of the levels");
    if (s == NULL) return false;
    if (config->items.file != NULL) {
        char sha256[65] = "missing", *path = study_beside(study, config->items.file);
        if (path == NULL) return false;
        (void)!triad_sha256_file(sha256, path, NULL); /* the stage itself reports a file that is not there */
        free(path);
        triad_text_addf(&s->config, "file %s\n", sha256);
    } else {
        for (size_t i = 0; i < config->items.level_count; i++)
            triad_text_addf(&s->config, "level %s\n", babyai_level_name(babyai_level_find(config->items.levels[i])));
    }
    study->stage_items = last_stage(study);
    graph_makes(&study->graph, study->stage_items, "items.tsv");
    return true;
}

static bool plan_agent(experiment *study, size_t k)
{
    const experiment_config *config = &study->config;
    triad_arena *arena = &study->graph.arena;
    const char *name = arena_format(arena, "train-%zu", k + 1);
    const char *does = arena_format(arena, "trains agent %zu (seed %lld)", k + 1, (long long)config->agents.seeds[k]);
    if (name == NULL || does == NULL) return false;
    study_stage *s = graph_add(&study->graph, "train", name, V_TRAIN, stage_train, does);
    if (s == NULL) return false;
    s->index = k;
    triad_text_addf(&s->config, "seed %lld\ntflop %.17g\nsteps %lld\nbatch_steps %lld\nlearning_rate %.17g\n",
                    (long long)config->agents.seeds[k], config->agents.tflop, (long long)config->agents.steps,
                    (long long)config->agents.batch_steps, config->agents.learning_rate);
    triad_text_addf(&s->config, "shape %lld %lld %lld %lld %lld %lld %lld\n", (long long)config->agents.width,
                    (long long)config->agents.heads, (long long)config->agents.feed_forward,
                    (long long)config->agents.encoder_layers, (long long)config->agents.cell_layers,
                    (long long)config->agents.memory_layers, (long long)config->agents.window);
    for (size_t i = 0; i < config->agents.level_count; i++) {
        triad_text_addf(&s->config, "level %s", babyai_level_name(study->level[i]));
        if (config->agents.share_count > 0) triad_text_addf(&s->config, " %.17g", config->agents.shares[i]);
        triad_text_add(&s->config, "\n");
    }
    const char *agent = arena_format(arena, "agents/agent-%zu.safetensors", k + 1);
    const char *twin = arena_format(arena, "agents/untrained-%zu.safetensors", k + 1);
    const char *leftover = arena_format(arena, "agents/agent-%zu.safetensors.", k + 1);
    if (agent == NULL || twin == NULL || leftover == NULL) return false;
    s->leftover = leftover;
    const size_t at = last_stage(study);
    graph_makes(&study->graph, at, agent);
    graph_makes(&study->graph, at, twin);
    return true;
}

static bool plan_evaluation(experiment *study, size_t k, bool untrained, size_t train)
{
    const experiment_config *config = &study->config;
    triad_arena *arena = &study->graph.arena;
    const int64_t episodes = untrained ? config->evaluation.episodes_untrained : config->evaluation.episodes;
    const char *name = arena_format(arena, untrained ? "evaluate-untrained-%zu" : "evaluate-%zu", k + 1);
    const char *does = arena_format(arena, "plays %lld test episodes a level with %s %zu", (long long)episodes,
                                    untrained ? "untrained twin" : "agent", k + 1);
    const char *path =
        arena_format(arena, untrained ? "evaluations/untrained-%zu.json" : "evaluations/agent-%zu.json", k + 1);
    if (name == NULL || does == NULL || path == NULL) return false;
    study_stage *s = graph_add(&study->graph, "evaluate", name, V_EVALUATE, stage_evaluate, does);
    if (s == NULL) return false;
    s->index = k + (untrained ? config->agents.seed_count : 0);
    triad_text_addf(&s->config, "episodes %lld\nfirst_seed %lld\nforeign %d\n", (long long)episodes,
                    (long long)config->evaluation.first_seed, !untrained);
    for (size_t i = 0; i < config->agents.level_count; i++)
        triad_text_addf(&s->config, "level %s\n", babyai_level_name(study->level[i]));
    const size_t at = last_stage(study);
    study->stage_evaluate[study->graph.stage[at].index] = at;
    graph_needs(&study->graph, at, train, untrained ? 1 : 0);
    graph_makes(&study->graph, at, path);
    return true;
}

static bool plan_space(experiment *study, study_space space, size_t train)
{
    triad_arena *arena = &study->graph.arena;
    const experiment_config *config = &study->config;
    const char *name = arena_format(arena, "embed-%s", space.name),
               *does = arena_format(arena, "the space of %s", space.label);
    space.path = arena_format(arena, "spaces/%s.safetensors", space.name);
    if (name == NULL || does == NULL || space.path == NULL) return false;
    study_stage *s = graph_add(&study->graph, "embed", name, V_EMBED, stage_embed, does);
    if (s == NULL) return false;
    s->index = study->spaces;
    triad_text_addf(&s->config, "pool %s\n", space.pool);
    const size_t at = last_stage(study);
    graph_needs(&study->graph, at, study->stage_items, 0);
    if (space.kind == SPACE_AGENT || space.kind == SPACE_UNTRAINED)
        graph_needs(&study->graph, at, train, space.kind == SPACE_UNTRAINED);
    if (space.kind == SPACE_MODEL)
        triad_text_addf(&study->graph.stage[at].config, "model %s\n", study->model_sha256[space.index]);
    if (space.kind == SPACE_BASELINE)
        triad_text_addf(&study->graph.stage[at].config, "baseline %s\nseed %lld\n", config->baselines[space.index],
                        (long long)config->seed);
    graph_makes(&study->graph, at, space.path);
    space.stage = at;
    study->space[study->spaces++] = space;
    if (!space.variant) study->headline_spaces = study->spaces;
    return true;
}

static bool plan_spaces(experiment *study, const size_t *train)
{
    const experiment_config *config = &study->config;
    triad_arena *arena = &study->graph.arena;
    for (int untrained = 0; untrained <= (int)config->agents.untrained; untrained++)
        for (size_t k = 0; k < config->agents.seed_count; k++) {
            const char *stem = untrained ? "untrained" : "agent";
            const study_space space = {.name = arena_format(arena, "%s-%zu", stem, k + 1),
                                       .label = arena_format(arena, "%s %zu", stem, k + 1),
                                       .kind = untrained ? SPACE_UNTRAINED : SPACE_AGENT,
                                       .role = untrained ? REPORT_UNTRAINED : REPORT_AGENT,
                                       .pool = "default",
                                       .index = k};
            if (space.name == NULL || space.label == NULL || !plan_space(study, space, train[k])) return false;
        }
    for (size_t m = 0; m < config->model_count; m++) {
        const config_model *model = &config->models[m];
        const study_space space = {.name = model->name,
                                   .label = model->name,
                                   .kind = SPACE_MODEL,
                                   .pool = model->pool,
                                   .index = m,
                                   .role = strcmp(model->role, "decoder") == 0 ? REPORT_DECODER : REPORT_ENCODER};
        if (!plan_space(study, space, 0)) return false;
    }
    for (size_t b = 0; b < config->baseline_count; b++) {
        const bool bow = strcmp(config->baselines[b], "bow") == 0;
        const study_space space = {.name = config->baselines[b],
                                   .label = bow ? "bag of words" : "random",
                                   .kind = SPACE_BASELINE,
                                   .role = bow ? REPORT_WORDS : REPORT_RANDOM,
                                   .pool = "default",
                                   .index = b};
        if (!plan_space(study, space, 0)) return false;
    }
    for (size_t m = 0; m < config->model_count; m++)
        for (size_t a = 0; a < config->models[m].also_count; a++) {
            const config_model *model = &config->models[m];
            const study_space space = {.name = arena_format(arena, "%s.%s", model->name, model->also[a]),
                                       .label = arena_format(arena, "%s, pooled by %s", model->name, model->also[a]),
                                       .kind = SPACE_MODEL,
                                       .pool = model->also[a],
                                       .index = m,
                                       .variant = true,
                                       .role = strcmp(model->role, "decoder") == 0 ? REPORT_DECODER : REPORT_ENCODER};
            if (space.name == NULL || space.label == NULL || !plan_space(study, space, 0)) return false;
        }
    return true;
}

static void alignment_config(const experiment *study, triad_text *text, bool full)
{
    const experiment_config *config = &study->config;
    triad_text_addf(text, "protocol %s\nseed %lld\nheadline_k %lld\nbootstrap %lld\n", config->alignment.protocol,
                    (long long)config->seed, (long long)config->alignment.headline_k,
                    (long long)config->alignment.bootstrap);
    if (full) {
        triad_text_addf(text, "permutations %lld %lld\n", (long long)config->alignment.permutations,
                        (long long)config->alignment.permutations_retrieval);
        for (size_t i = 0; i < config->alignment.k_count; i++)
            triad_text_addf(text, "k %lld\n", (long long)config->alignment.k[i]);
    }
    for (size_t i = 0; i < study->spaces; i++)
        triad_text_addf(text, "space %s %s %d %d %d %s\n", study->space[i].name, study->space[i].label,
                        (int)study->space[i].kind, (int)study->space[i].role, study->space[i].variant,
                        study->space[i].kind == SPACE_MODEL ? config->models[study->space[i].index].lineage : "-");
}

/* A stage that aligns the first `spaces` spaces: its numbers as JSON and CSV, and the report's figures of them. */
static bool plan_measure(experiment *study, const char *name, int version, stage_fn run, const char *does, bool full,
                         size_t spaces)
{
    study_graph *g = &study->graph;
    study_stage *s = graph_add(g, name, name, version, run, does);
    if (s == NULL) return false;
    alignment_config(study, &s->config, full);
    const size_t at = last_stage(study);
    for (size_t i = 0; i < spaces; i++) graph_needs(g, at, study->space[i].stage, 0);
    static const char *const endings[] = {".json", ".csv", ".figures.json"};
    for (int i = 0; i < 3; i++) {
        const char *path = arena_format(&g->arena, "alignment/%s%s", name, endings[i]);
        if (path == NULL) return false;
        graph_makes(g, at, path);
    }
    return true;
}

static bool plan_alignment(experiment *study)
{
    if (!plan_measure(study, "align", V_ALIGN, stage_align, "aligns every pair of spaces, with nulls and intervals",
                      true, study->headline_spaces))
        return false;
    if (study->spaces > study->headline_spaces &&
        !plan_measure(study, "pooling", V_POOLING, stage_pooling, "aligns the other poolings of the models", false,
                      study->spaces))
        return false;
    return !study->config.alignment.layers || plan_measure(study, "layers", V_LAYERS, stage_layers,
                                                           "aligns layer by layer", false, study->headline_spaces);
}

static bool plan_maps(experiment *study)
{
    study_graph *g = &study->graph;
    study->stage_maps = SIZE_MAX;
    if (!study->config.alignment.maps) return true;
    study_stage *s = graph_add(g, "maps", "maps", V_MAPS, stage_maps, "draws the main spaces for the eye");
    if (s == NULL) return false;
    triad_text_addf(&s->config, "seed %lld\n", (long long)study->config.seed);
    study->stage_maps = last_stage(study);
    graph_needs(g, study->stage_maps, study->stage_items, 0);
    for (size_t i = 0; i < study->headline_spaces; i++) {
        const study_space *space = &study->space[i];
        if (!is_mapped(space)) continue;
        triad_text_addf(&g->stage[study->stage_maps].config, "space %s %s %d\n", space->name, space->label,
                        (int)space->role);
        graph_needs(g, study->stage_maps, space->stage, 0);
    }
    graph_makes(g, study->stage_maps, "alignment/maps.json");
    return true;
}

bool is_measure(const study_stage *s)
{
    return s->run == stage_align || s->run == stage_pooling || s->run == stage_layers;
}

static bool plan_results(experiment *study)
{
    study_graph *g = &study->graph;
    const experiment_config *config = &study->config;
    study_stage *s =
        graph_add(g, "results", "results", V_RESULTS, stage_results, "puts the numbers and the verdict together");
    if (s == NULL) return false;
    triad_text_addf(&s->config,
                    "program %s\nstudy %s\ntitle %s\nseed %lld\nclaims %.17g %.17g %.17g\nfloor %.17g %.17g\ntflop "
                    "%.17g\nsteps %lld\n",
                    TRIAD_VERSION, config->name, config->title, (long long)config->seed, config->claims.low,
                    config->claims.high, config->claims.margin, config->evaluation.floor, config->evaluation.floor_mean,
                    config->agents.tflop, (long long)config->agents.steps);
    for (size_t i = 0; i < config->protocol_count; i++) {
        const config_choice *c = &config->protocol[i];
        triad_text_addf(&s->config, "choice %s\t%s\t%s\t%s\n", c->choice, c->value, c->status,
                        c->note != NULL ? c->note : "");
    }
    /* What it says of the study beside the numbers: roles, protocol, draws, levels, seeds. */
    alignment_config(study, &s->config, true);
    for (size_t i = 0; i < config->items.level_count; i++)
        triad_text_addf(&s->config, "level %s\n", babyai_level_name(babyai_level_find(config->items.levels[i])));
    for (size_t i = 0; i < config->agents.seed_count; i++)
        triad_text_addf(&s->config, "agent %lld\n", (long long)config->agents.seeds[i]);
    study->stage_results = last_stage(study);
    const size_t at = study->stage_results;
    graph_needs(g, at, study->stage_items, 0);
    for (size_t i = 0; i < study->headline_spaces; i++) graph_needs(g, at, study->space[i].stage, 0);
    for (size_t k = 0; k < (config->agents.untrained ? 2 : 1) * config->agents.seed_count; k++)
        graph_needs(g, at, study->stage_evaluate[k], 0);
    for (size_t i = 0; i < at; i++)
        if (is_measure(&g->stage[i]))
            for (int o = 0; o < 3; o++) graph_needs(g, at, i, o);
    if (study->stage_maps != SIZE_MAX) graph_needs(g, at, study->stage_maps, 0);
    graph_makes(g, at, "results.json");
    graph_makes(g, at, "results.csv");
    s = graph_add(g, "report", "report", V_REPORT, stage_report, "writes the page");
    if (s == NULL) return false;
    graph_needs(g, last_stage(study), at, 0);
    graph_makes(g, last_stage(study), "report.html");
    return true;
}

triad_status study_plan(experiment *study, triad_error *err)
{
    const experiment_config *config = &study->config;
    const size_t agents = config->agents.seed_count;
    size_t spaces = 2 * agents + config->baseline_count;
    for (size_t m = 0; m < config->model_count; m++) spaces += 1 + config->models[m].also_count;
    study->space = calloc(spaces, sizeof *study->space);
    study->level = calloc(config->agents.level_count + 1, sizeof *study->level);
    study->stage_evaluate = calloc(2 * agents + 1, sizeof *study->stage_evaluate);
    size_t *train = calloc(agents + 1, sizeof *train);
    bool good = study->space != NULL && study->level != NULL && study->stage_evaluate != NULL && train != NULL;
    for (size_t i = 0; good && agents > 0 && i < config->agents.level_count; i++)
        study->level[i] = babyai_level_find(config->agents.levels[i]);
    good = good && plan_items(study);
    for (size_t k = 0; good && k < agents; k++) {
        good = plan_agent(study, k);
        train[k] = good ? last_stage(study) : 0;
        good = good && plan_evaluation(study, k, false, train[k]);
        if (good && config->agents.untrained) good = plan_evaluation(study, k, true, train[k]);
    }
    good = good && plan_spaces(study, train) && plan_alignment(study) && plan_maps(study) && plan_results(study);
    free(train);
    return good ? TRIAD_OK : triad_fail(err, TRIAD_ERR_MEMORY, -1, "study: out of memory");
}
