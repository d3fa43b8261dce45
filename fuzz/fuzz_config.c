#include "fuzz.h"

#include "experiment/config.h"

/* A study that was accepted holds what its users rely on. */
static void use_config(const experiment_config *config)
{
    must(config->name[0] != 0 && strlen(config->title) < 1000);
    must(config->items.level_count > 0 || config->items.file != NULL);
    for (size_t i = 0; i < config->agents.seed_count; i++) must(config->agents.seeds[i] >= 0);
    if (config->agents.seed_count > 0)
        must(config->agents.level_count > 0 && (config->agents.tflop > 0) != (config->agents.steps > 0));
    must(config->agents.share_count == 0 || config->agents.share_count == config->agents.level_count);
    for (size_t i = 0; i < config->model_count; i++) {
        const config_model *m = &config->models[i];
        must(m->name[0] != 0 && strchr(m->name, '/') == NULL && m->source[0] != 0 && m->role != NULL &&
             m->pool != NULL && m->lineage != NULL);
        for (size_t a = 0; a < m->also_count; a++) must(m->also[a] != NULL);
    }
    bool headline = false;
    for (size_t i = 0; i < config->alignment.k_count; i++) {
        must(config->alignment.k[i] > 0 && (i == 0 || config->alignment.k[i] > config->alignment.k[i - 1]));
        headline = headline || config->alignment.k[i] == config->alignment.headline_k;
    }
    must(headline && config->claims.low < config->claims.high);
    for (size_t i = 0; i < config->protocol_count; i++)
        must(config->protocol[i].choice[0] != 0 && config->protocol[i].value[0] != 0 &&
             config->protocol[i].status != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    triad_error err;
    experiment_config config;
    const triad_status status = experiment_config_parse(&config, (const char *)data, size, "fuzz.yaml", &err);
    if (status != TRIAD_OK) {
        must_explain(status, &err);
        must(config.arena.head == NULL);
        return 0;
    }
    use_config(&config);
    experiment_config_free(&config);
    return 0;
}
