#include "experiment/config.h"

#include "base/file.h"
#include "base/text.h"
#include "triad/align.h"
#include "triad/babyai.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 1 << 20 };

#define AT(member) .offset = offsetof(experiment_config, member)
#define MODEL_AT(member) .offset = offsetof(config_model, member)
#define COUNT(member) .count_offset = offsetof(experiment_config, member)

static const char *const ROLES[] = {"decoder", "encoder", NULL};
static const char *const POOLS[] = {"default", "mean", "mean-nofirst", "last", "cls", "projected", NULL};
static const char *const STATUSES[] = {"known", "assumed", "swept", NULL};
static const char *const BASELINES[] = {"bow", "random", NULL};
static const char *const PROTOCOLS[] = {"strict64", "strict", NULL};

static const yaml_field ITEMS[] = {
    {"levels", YAML_TEXTS, AT(items.levels), COUNT(items.level_count), .max = 64},
    {"file", YAML_TEXT, AT(items.file), .max = 4096},
    {0},
};
static const yaml_field AGENTS[] = {
    {"seeds", YAML_INTS, AT(agents.seeds), COUNT(agents.seed_count), .min = 0, .max = 4294967295.0},
    {"levels", YAML_TEXTS, AT(agents.levels), COUNT(agents.level_count), .max = 64},
    {"shares", YAML_REALS, AT(agents.shares), COUNT(agents.share_count), .min = 0, .max = 1},
    {"tflop", YAML_REAL, AT(agents.tflop), .min = 0, .max = 1e6},
    {"steps", YAML_INT, AT(agents.steps), .min = 1, .max = 1e12},
    {"batch_steps", YAML_INT, AT(agents.batch_steps), .min = 1, .max = 65536},
    {"checkpoint_every", YAML_INT, AT(agents.checkpoint_every), .min = 1, .max = 1e9},
    {"learning_rate", YAML_REAL, AT(agents.learning_rate), .min = 1e-9, .max = 1},
    {"width", YAML_INT, AT(agents.width), .min = 4, .max = 4096},
    {"heads", YAML_INT, AT(agents.heads), .min = 1, .max = 256},
    {"feed_forward", YAML_INT, AT(agents.feed_forward), .min = 4, .max = 65536},
    {"encoder_layers", YAML_INT, AT(agents.encoder_layers), .min = 1, .max = 64},
    {"cell_layers", YAML_INT, AT(agents.cell_layers), .min = 1, .max = 64},
    {"memory_layers", YAML_INT, AT(agents.memory_layers), .min = 1, .max = 64},
    {"window", YAML_INT, AT(agents.window), .min = 1, .max = 4096},
    {"untrained", YAML_BOOL, AT(agents.untrained)},
    {0},
};
static const yaml_field EVALUATION[] = {
    {"episodes", YAML_INT, AT(evaluation.episodes), .min = 1, .max = 1e7},
    {"episodes_untrained", YAML_INT, AT(evaluation.episodes_untrained), .min = 1, .max = 1e7},
    {"first_seed", YAML_INT, AT(evaluation.first_seed), .min = 2e9, .max = 4e18},
    {"floor", YAML_REAL, AT(evaluation.floor), .min = 0, .max = 1},
    {"floor_mean", YAML_REAL, AT(evaluation.floor_mean), .min = 0, .max = 1},
    {0},
};
static const yaml_field MODELS[] = {
    {"name", YAML_TEXT, MODEL_AT(name), .max = 40, .required = true},
    {"source", YAML_TEXT, MODEL_AT(source), .max = 4096, .required = true},
    {"role", YAML_CHOICE, MODEL_AT(role), .choices = ROLES, .required = true},
    {"lineage", YAML_TEXT, MODEL_AT(lineage), .max = 64},
    {"pool", YAML_CHOICE, MODEL_AT(pool), .choices = POOLS},
    {"also", YAML_CHOICES, MODEL_AT(also), .count_offset = offsetof(config_model, also_count), .choices = POOLS},
    {"package", YAML_TEXT, MODEL_AT(package), .max = 200},
    {"sha256", YAML_TEXT, MODEL_AT(sha256), .max = 64},
    {0},
};
static const yaml_field ALIGNMENT[] = {
    {"protocol", YAML_CHOICE, AT(alignment.protocol), .choices = PROTOCOLS},
    {"k", YAML_INTS, AT(alignment.k), COUNT(alignment.k_count), .min = 1, .max = 100000},
    {"headline_k", YAML_INT, AT(alignment.headline_k), .min = 1, .max = 100000},
    {"permutations", YAML_INT, AT(alignment.permutations), .min = 0, .max = 1e6},
    {"permutations_retrieval", YAML_INT, AT(alignment.permutations_retrieval), .min = 0, .max = 1e6},
    {"bootstrap", YAML_INT, AT(alignment.bootstrap), .min = 0, .max = 1e6},
    {"layers", YAML_BOOL, AT(alignment.layers)},
    {"maps", YAML_BOOL, AT(alignment.maps)},
    {0},
};
static const yaml_field CLAIMS[] = {
    {"low", YAML_REAL, AT(claims.low), .min = 0, .max = 1},
    {"high", YAML_REAL, AT(claims.high), .min = 0, .max = 1},
    {"margin", YAML_REAL, AT(claims.margin), .min = 0, .max = 1},
    {0},
};
static const yaml_field CHOICES[] = {
    {"choice", YAML_TEXT, .offset = offsetof(config_choice, choice), .max = 200, .required = true},
    {"value", YAML_TEXT, .offset = offsetof(config_choice, value), .max = 400, .required = true},
    {"status", YAML_CHOICE, .offset = offsetof(config_choice, status), .choices = STATUSES, .required = true},
    {"note", YAML_TEXT, .offset = offsetof(config_choice, note), .max = 1000},
    {0},
};
static const yaml_field STUDY[] = {
    {"study", YAML_TEXT, AT(name), .max = 40, .required = true},
    {"title", YAML_TEXT, AT(title), .max = 200},
    {"seed", YAML_INT, AT(seed), .min = 0, .max = 4294967295.0},
    {"items", YAML_BLOCK, .fields = ITEMS, .required = true},
    {"agents", YAML_BLOCK, .fields = AGENTS},
    {"evaluation", YAML_BLOCK, .fields = EVALUATION},
    {"models", YAML_STRUCTS, AT(models), COUNT(model_count), .fields = MODELS, .size = sizeof(config_model)},
    {"baselines", YAML_CHOICES, AT(baselines), COUNT(baseline_count), .choices = BASELINES},
    {"alignment", YAML_BLOCK, .fields = ALIGNMENT},
    {"claims", YAML_BLOCK, .fields = CLAIMS},
    {"protocol", YAML_STRUCTS, AT(protocol), COUNT(protocol_count), .fields = CHOICES, .size = sizeof(config_choice)},
    {0},
};

/* ---- what no single key can tell */

typedef struct checker {
    const experiment_config *config;
    const yaml_places *places;
    triad_error *err;
} checker;

__attribute__((format(printf, 3, 4))) static triad_status refuse(const checker *c, const void *member,
                                                                 const char *format, ...)
{
    char why[360];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    const size_t line = yaml_line(c->places, member);
    if (line == 0) return triad_fail(c->err, TRIAD_ERR_FORMAT, -1, "%s: %s", c->config->file, why);
    return triad_fail(c->err, TRIAD_ERR_FORMAT, (int64_t)line, "%s:%zu: %s", c->config->file, line, why);
}

static triad_status check_levels(const checker *c, const char *const *levels, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        const babyai_level *level = babyai_level_find(levels[i]);
        if (level == NULL) {
            const char *names[256] = {NULL};
            size_t known = babyai_level_count() < 256 ? babyai_level_count() : 256;
            for (size_t j = 0; j < known; j++) names[j] = babyai_level_name(babyai_level_at(j));
            const char *near = triad_nearest_name(levels[i], names, known);
            if (near != NULL)
                return refuse(c, &levels[i], "%s: unknown level '%.60s' (did you mean %s?)", key, levels[i], near);
            return refuse(c, &levels[i], "%s: unknown level '%.60s' (`triad levels` lists them)", key, levels[i]);
        }
        for (size_t j = 0; j < i; j++)
            if (babyai_level_find(levels[j]) == level)
                return refuse(c, &levels[i], "%s: %.60s is given twice", key, levels[i]);
    }
    return TRIAD_OK;
}

static bool is_name(const char *name)
{
    return name[0] != '.' && name[0] != '-' &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == strlen(name);
}

static triad_status check_agents(const checker *c)
{
    const experiment_config *config = c->config;
    if (config->agents.seed_count == 0) return TRIAD_OK;
    const triad_status bad = check_levels(c, config->agents.levels, config->agents.level_count, "agents.levels");
    if (bad != TRIAD_OK) return bad;
    if (config->agents.seed_count > 99)
        return refuse(c, &config->agents.seeds, "agents.seeds: %zu agents (at most 99)", config->agents.seed_count);
    for (size_t i = 0; i < config->agents.seed_count; i++)
        for (size_t j = 0; j < i; j++)
            if (config->agents.seeds[i] == config->agents.seeds[j])
                return refuse(c, &config->agents.seeds[i],
                              "agents.seeds: %lld is given twice (two agents of one seed are the same agent)",
                              (long long)config->agents.seeds[i]);
    if (config->agents.share_count > 0 && config->agents.share_count != config->agents.level_count)
        return refuse(c, &config->agents.shares, "agents.shares: %zu numbers for %zu levels (give one a level)",
                      config->agents.share_count, config->agents.level_count);
    double sum = 0;
    for (size_t i = 0; i < config->agents.share_count; i++) sum += config->agents.shares[i];
    if (config->agents.share_count > 0 && !(sum > 0.999 && sum < 1.001))
        return refuse(c, &config->agents.shares, "agents.shares: they add up to %g (make it 1)", sum);
    if (config->agents.level_count == 0)
        return refuse(c, &config->agents.seeds, "agents: no levels to learn (give agents.levels)");
    const bool by_steps = config->agents.steps > 0, by_tflop = config->agents.tflop > 0;
    if (by_steps && by_tflop) return refuse(c, &config->agents.steps, "agents: both steps and tflop (give one budget)");
    if (!by_steps && !by_tflop) return refuse(c, &config->agents.seeds, "agents: no budget (give tflop or steps)");
    if (config->agents.width > 0 && config->agents.heads > 0 && config->agents.width % config->agents.heads != 0)
        return refuse(c, &config->agents.heads, "agents.heads: %lld does not divide the width %lld",
                      (long long)config->agents.heads, (long long)config->agents.width);
    return TRIAD_OK;
}

static triad_status check_models(const checker *c)
{
    for (size_t i = 0; i < c->config->model_count; i++) {
        const config_model *m = &c->config->models[i];
        if (!is_name(m->name))
            return refuse(c, &m->name, "models: '%s' can't name a file (letters, digits, '.', '_', '-')", m->name);
        if (strncmp(m->name, "agent-", 6) == 0 || strncmp(m->name, "untrained-", 10) == 0 ||
            strcmp(m->name, "bow") == 0 || strcmp(m->name, "random") == 0)
            return refuse(c, &m->name, "models: the name '%s' belongs to a space of the study itself (choose another)",
                          m->name);
        for (size_t j = 0; j < i; j++)
            if (strcmp(m->name, c->config->models[j].name) == 0)
                return refuse(c, &m->name, "models: '%s' is given twice", m->name);
        if (strncmp(m->source, "baseline:", 9) == 0)
            return refuse(c, &m->source, "models: %s is a baseline (name it under `baselines`)", m->source);
        if (m->sha256 != NULL && (strlen(m->sha256) != 64 || strspn(m->sha256, "0123456789abcdef") != 64))
            return refuse(c, &m->sha256, "models: %s: sha256 must be 64 lower-case hexadecimal digits", m->name);
        for (size_t a = 0; a < m->also_count; a++) {
            for (size_t j = 0; j < c->config->model_count; j++) {
                const char *other = c->config->models[j].name;
                const size_t length = strlen(m->name);
                if (strncmp(other, m->name, length) == 0 && other[length] == '.' &&
                    strcmp(other + length + 1, m->also[a]) == 0)
                    return refuse(c, &c->config->models[j].name,
                                  "models: '%s' is how %s pooled by %s is called (choose another name)", other, m->name,
                                  m->also[a]);
            }
            if (strcmp(m->also[a], m->pool) == 0)
                return refuse(c, &m->also[a], "models: %s: '%s' is its pooling already", m->name, m->pool);
            for (size_t b = 0; b < a; b++)
                if (strcmp(m->also[a], m->also[b]) == 0)
                    return refuse(c, &m->also[a], "models: %s: '%s' is given twice", m->name, m->also[a]);
        }
    }
    for (size_t i = 0; i < c->config->baseline_count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(c->config->baselines[i], c->config->baselines[j]) == 0)
                return refuse(c, &c->config->baselines[i], "baselines: '%s' is given twice", c->config->baselines[i]);
    return TRIAD_OK;
}

static triad_status check(const checker *c)
{
    const experiment_config *config = c->config;
    if (!is_name(config->name))
        return refuse(c, &config->name, "study: '%s' (letters, digits, '.', '_', '-')", config->name);
    if (config->items.level_count == 0 && config->items.file == NULL)
        return refuse(c, &config->items.file, "items: no sentences (give items.levels or items.file)");
    triad_status bad = check_levels(c, config->items.levels, config->items.level_count, "items.levels");
    if (bad == TRIAD_OK) bad = check_agents(c);
    if (bad == TRIAD_OK) bad = check_models(c);
    if (bad != TRIAD_OK) return bad;
    if (config->alignment.k_count > ALIGN_MAX_KS)
        return refuse(c, &config->alignment.k, "alignment.k: %zu values (at most %d)", config->alignment.k_count,
                      ALIGN_MAX_KS);
    bool found = false;
    for (size_t i = 0; i < config->alignment.k_count; i++) {
        if (i > 0 && config->alignment.k[i] <= config->alignment.k[i - 1])
            return refuse(c, &config->alignment.k[i], "alignment.k: %lld after %lld (give them rising)",
                          (long long)config->alignment.k[i], (long long)config->alignment.k[i - 1]);
        found = found || config->alignment.k[i] == config->alignment.headline_k;
    }
    if (!found)
        return refuse(c, &config->alignment.k, "alignment.k: the headline's k = %lld is not among them",
                      (long long)config->alignment.headline_k);
    if (!(config->claims.low < config->claims.high))
        return refuse(c, &config->claims.low, "claims: low %g is not below high %g", config->claims.low,
                      config->claims.high);
    const size_t spaces =
        (config->agents.untrained ? 2 : 1) * config->agents.seed_count + config->model_count + config->baseline_count;
    if (spaces < 2)
        return refuse(c, &config->models, "nothing to align: %zu spaces (give agents, models or baselines)", spaces);
    return TRIAD_OK;
}

static const int64_t DEFAULT_K[] = {1, 5, 10, 15};

static void defaults(experiment_config *config)
{
    config->title = "Do action and language arrive at the same meaning?";
    config->agents.untrained = true;
    config->evaluation.episodes = 1000;
    config->evaluation.episodes_untrained = 100;
    config->evaluation.first_seed = 2000000000;
    config->evaluation.floor = 0.95;
    config->evaluation.floor_mean = 0.98;
    config->alignment.protocol = "strict64";
    config->alignment.headline_k = 15;
    config->alignment.permutations = 999;
    config->alignment.permutations_retrieval = 99;
    config->alignment.bootstrap = 1000;
    config->alignment.layers = true;
    config->alignment.maps = true;
    config->claims.low = 0.70;
    config->claims.high = 0.73;
    config->claims.margin = 0.05;
}

/* What depends on other keys. */
static triad_status complete(experiment_config *config, triad_error *err)
{
    if (config->agents.level_count == 0) {
        config->agents.levels = config->items.levels;
        config->agents.level_count = config->items.level_count;
    }
    for (size_t i = 0; i < config->model_count; i++) {
        if (config->models[i].pool == NULL) config->models[i].pool = "default";
        if (config->models[i].lineage == NULL) config->models[i].lineage = config->models[i].name;
    }
    if (config->alignment.k_count == 0) {
        config->alignment.k = TRIAD_NEW(&config->arena, int64_t, 4);
        if (config->alignment.k == NULL)
            return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", config->file);
        memcpy(config->alignment.k, DEFAULT_K, sizeof DEFAULT_K);
        config->alignment.k_count = 4;
    }
    return TRIAD_OK;
}

triad_status experiment_config_parse(experiment_config *config, const char *bytes, size_t size, const char *name,
                                     triad_error *err)
{
    *config = (experiment_config){0};
    snprintf(config->file, sizeof config->file, "%s", name);
    defaults(config);
    yaml_places places = {0};
    triad_status status = yaml_load(config, STUDY, bytes, size, config->file, &config->arena, &places, err);
    if (status == TRIAD_OK) status = complete(config, err);
    if (status == TRIAD_OK) status = check(&(checker){config, &places, err});
    if (status != TRIAD_OK) experiment_config_free(config);
    return status;
}

triad_status experiment_config_load(experiment_config *config, const char *path, triad_error *err)
{
    *config = (experiment_config){0};
    char *text = NULL;
    size_t size = 0;
    triad_status status = triad_read_whole(&text, &size, path, MAX_BYTES, err);
    if (status != TRIAD_OK) return status;
    const char *slash = strrchr(path, '/');
    status = experiment_config_parse(config, text, size, slash != NULL ? slash + 1 : path, err);
    free(text);
    if (status != TRIAD_OK) return status;
    const size_t folder = slash != NULL ? (size_t)(slash - path) + (slash == path) : 0;
    if (folder >= sizeof config->folder) {
        experiment_config_free(config);
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                          "%.200s: the path is too long (name the configuration from nearer by)", path);
    }
    memcpy(config->folder, path, folder);
    return TRIAD_OK;
}

void experiment_config_free(experiment_config *config)
{
    if (config == NULL) return;
    triad_arena_free(&config->arena);
    *config = (experiment_config){0};
}
