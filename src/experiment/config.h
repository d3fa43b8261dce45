/* What a study is: its configuration file as a struct. docs/study.md explains each key. */
#ifndef TRIAD_EXPERIMENT_CONFIG_H
#define TRIAD_EXPERIMENT_CONFIG_H

#include "base/arena.h"
#include "experiment/yaml_schema.h"
#include "triad/base.h"

typedef struct config_model {
    const char *name;    /* [A-Za-z0-9._-]: names files */
    const char *source;  /* a folder or a .gguf file, seen from the current folder, or else from the configuration's */
    const char *role;    /* "decoder" or "encoder" */
    const char *lineage; /* models of one lineage do not count as two; NULL: its name */
    const char *pool;    /* "default", "mean", … */
    const char **also;   /* further poolings, reported beside it */
    size_t also_count;
    const char *package; /* where the file comes from, for the message that it is missing; NULL: not said */
    const char *sha256;  /* of the .gguf, or of model.safetensors in the folder; NULL: not checked */
} config_model;

typedef struct config_choice {
    const char *choice, *value, *status, *note; /* status: known, assumed, swept */
} config_choice;

typedef struct experiment_config {
    const char *name, *title;
    int64_t seed; /* of folds, resamples, nulls and the random baseline */
    struct {
        const char **levels;
        size_t level_count;
        const char *file; /* a table of sentences instead of all the levels' instructions; NULL: none */
    } items;
    struct {
        int64_t *seeds;
        size_t seed_count; /* agents */
        const char **levels;
        size_t level_count; /* where agents learn; left out: the items' */
        double *shares;
        size_t share_count; /* of episodes, one a level; left out: the recipe's */
        double tflop;
        int64_t steps; /* instead of tflop */
        int64_t batch_steps, checkpoint_every;
        double learning_rate;
        int64_t width, heads, feed_forward, encoder_layers, cell_layers, memory_layers, window; /* 0: the recipe's */
        bool untrained; /* with their twins at step 0 */
    } agents;
    struct {
        int64_t episodes, episodes_untrained, first_seed;
        double floor, floor_mean; /* success below which the report warns */
    } evaluation;
    config_model *models;
    size_t model_count;
    const char **baselines;
    size_t baseline_count; /* bow, random */
    struct {
        const char *protocol;
        int64_t *k;
        size_t k_count;
        int64_t headline_k;
        int64_t permutations, permutations_retrieval, bootstrap;
        bool layers, maps; /* layer-by-layer curves; maps for the eye */
    } alignment;
    struct {
        double low, high, margin; /* the published level, and C2's margin */
    } claims;
    config_choice *protocol;
    size_t protocol_count;

    char file[256];    /* the configuration's name without folders, for messages */
    char folder[4096]; /* where it lies, "" for the current folder */
    triad_arena arena; /* owns everything */
} experiment_config;

/* Reads and checks everything that can be checked without opening another file. Errors: "FILE:LINE: KEY: why". */
TRIAD_NODISCARD triad_status experiment_config_load(experiment_config *config, const char *path, triad_error *err);
TRIAD_NODISCARD triad_status experiment_config_parse(experiment_config *config, const char *bytes, size_t size,
                                                     const char *name, triad_error *err);
void experiment_config_free(experiment_config *config);

#endif
