#include "cli/train_config.h"

#include "base/file.h"
#include "experiment/yaml_schema.h"

#include <stddef.h>
#include <string.h>

enum { MAX_BYTES = 1 << 20 };

typedef struct level_share {
    const char *level;
    double share;
} level_share;

typedef struct train_config {
    int64_t width, heads, feed_forward, encoder_layers, cell_layers, memory_layers, recall_layers, window, instruction,
        cross_layers;
    int64_t batch_steps, steps, validations, validation_episodes;
    double learning_rate, tflop, stop_at, dagger, dropout;
    level_share *shares;
    size_t share_count;
} train_config;

#define AT(member) .offset = offsetof(train_config, member)
#define SHARE_AT(member) .offset = offsetof(level_share, member)

static const yaml_field SHARE[] = {
    {"level", YAML_TEXT, SHARE_AT(level), .max = 64, .required = true},
    {"share", YAML_REAL, SHARE_AT(share), .min = 1e-6, .max = 1e6, .required = true},
    {0},
};
/* Bounds that depend on each other are the agent's to check. */
static const yaml_field NETWORK[] = {
    {"width", YAML_INT, AT(width), .min = 16, .max = 4096},
    {"heads", YAML_INT, AT(heads), .min = 1, .max = 64},
    {"feed_forward", YAML_INT, AT(feed_forward), .min = 16, .max = 16384},
    {"encoder_layers", YAML_INT, AT(encoder_layers), .min = 1, .max = 8},
    {"cell_layers", YAML_INT, AT(cell_layers), .min = 1, .max = 8},
    {"memory_layers", YAML_INT, AT(memory_layers), .min = 1, .max = 8},
    {"recall_layers", YAML_INT, AT(recall_layers), .min = 1, .max = 8},
    {"window", YAML_INT, AT(window), .min = 1, .max = 1024},
    {"instruction", YAML_INT, AT(instruction), .min = 16, .max = 4096},
    {"cross_layers", YAML_INT, AT(cross_layers), .min = 0, .max = 8},
    {0},
};
static const yaml_field TRAINING[] = {
    {"tflop", YAML_REAL, AT(tflop), .min = 1e-6, .max = 1e6},
    {"steps", YAML_INT, AT(steps), .min = 1, .max = 1e15},
    {"batch_steps", YAML_INT, AT(batch_steps), .min = 1, .max = 100000},
    {"learning_rate", YAML_REAL, AT(learning_rate), .min = 1e-9, .max = 1},
    {"validations", YAML_INT, AT(validations), .min = 0, .max = 10000},
    {"validation_episodes", YAML_INT, AT(validation_episodes), .min = 1, .max = 1000000},
    {"stop_at", YAML_REAL, AT(stop_at), .min = 0, .max = 1},
    {"dropout", YAML_REAL, AT(dropout), .min = 0, .max = 0.99},
    {"dagger", YAML_REAL, AT(dagger), .min = 0, .max = 1},
    {"shares", YAML_STRUCTS, AT(shares), .count_offset = offsetof(train_config, share_count), .fields = SHARE,
     .size = sizeof(level_share)},
    {0},
};
static const yaml_field CONFIG[] = {
    {"network", YAML_BLOCK, .fields = NETWORK},
    {"training", YAML_BLOCK, .fields = TRAINING},
    {0},
};

static triad_status set_shares(triad_train_options *options, const train_config *config, const char *path,
                               triad_arena *arena, triad_error *err)
{
    if (config->share_count == 0) return TRIAD_OK;
    double *shares = TRIAD_NEW(arena, double, options->level_count + 1);
    if (!shares) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", path);
    for (size_t l = 0; l < options->level_count; l++) shares[l] = 0;
    for (size_t i = 0; i < config->share_count; i++) {
        const babyai_level *level = babyai_level_find(config->shares[i].level);
        size_t l = 0;
        while (l < options->level_count && options->levels[l] != level) l++;
        if (!level || l == options->level_count || shares[l] > 0)
            return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "%s: shares: %s %s", path, config->shares[i].level,
                              !level                      ? "is no level of BabyAI"
                              : l == options->level_count ? "is not among the levels of --levels"
                                                          : "is named twice");
        shares[l] = config->shares[i].share;
    }
    for (size_t l = 0; l < options->level_count; l++)
        if (!(shares[l] > 0))
            return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "%s: shares: %s is missing (name every level of --levels)",
                              path, babyai_level_name(options->levels[l]));
    options->shares = shares;
    return TRIAD_OK;
}

triad_status train_config_read(triad_train_options *options, const char *path, triad_arena *arena, triad_error *err)
{
    train_config config = {.tflop = options->tflop,
                           .steps = (int64_t)options->steps,
                           .batch_steps = (int64_t)options->batch_steps,
                           .learning_rate = options->learning_rate,
                           .validations = (int64_t)options->validations,
                           .validation_episodes = (int64_t)options->validation_episodes,
                           .stop_at = options->stop_at,
                           .dropout = options->dropout,
                           .dagger = options->dagger};
    triad_mapping file;
    triad_status status = triad_map_file(&file, path, err);
    if (status) return status;
    if (file.size > MAX_BYTES) status = triad_fail(err, TRIAD_ERR_RANGE, -1, "%s: too large for a configuration", path);
    if (!status) status = yaml_load(&config, CONFIG, (const char *)file.data, file.size, path, arena, NULL, err);
    triad_unmap(&file);
    if (status) return status;
    if (config.tflop > 0 && config.steps > 0)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "%s: tflop and steps (give one of them)", path);
    options->width = (int)config.width;
    options->heads = (int)config.heads;
    options->feed_forward = (int)config.feed_forward;
    options->encoder_layers = (int)config.encoder_layers;
    options->cell_layers = (int)config.cell_layers;
    options->memory_layers = (int)config.memory_layers;
    options->recall_layers = (int)config.recall_layers;
    options->window = (int)config.window;
    options->instruction = (int)config.instruction;
    options->cross_layers = (int)config.cross_layers;
    options->tflop = config.tflop;
    options->steps = (uint64_t)config.steps;
    options->batch_steps = (size_t)config.batch_steps;
    options->learning_rate = config.learning_rate;
    options->validations = (size_t)config.validations;
    options->validation_episodes = (size_t)config.validation_episodes;
    options->stop_at = config.stop_at;
    options->dropout = config.dropout;
    options->dagger = config.dagger;
    return set_shares(options, &config, path, arena, err);
}
