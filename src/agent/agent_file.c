#include "agent/agent_file.h"

#include "base/file.h"
#include "base/text.h"
#include "formats/json.h"
#include "formats/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT_AGENT "triad.agent"
#define FORMAT_CHECKPOINT "triad.agent.checkpoint"
#define PREFIX_FIRST "first_moment."
#define PREFIX_SECOND "second_moment."

enum { NAME_BYTES = 64 };

/* ---- the configuration as text */

typedef struct config_field {
    const char *name;
    size_t offset;
    bool variant; /* 0, and not in the file, where the agent is not of that variant */
} config_field;

static const config_field CONFIG_FIELDS[] = {
    {"width", offsetof(policy_config, width), false},
    {"heads", offsetof(policy_config, heads), false},
    {"feed_forward", offsetof(policy_config, feed_forward), false},
    {"encoder_layers", offsetof(policy_config, encoder_layers), false},
    {"cell_layers", offsetof(policy_config, cell_layers), false},
    {"memory_layers", offsetof(policy_config, memory_layers), false},
    {"recall_layers", offsetof(policy_config, recall_layers), false},
    {"window", offsetof(policy_config, window), false},
    {"instruction", offsetof(policy_config, instruction), false},
    {"cross_layers", offsetof(policy_config, cross_layers), true},
};
enum { CONFIG_FIELD_COUNT = sizeof CONFIG_FIELDS / sizeof *CONFIG_FIELDS };

static json_object *config_to_json(const policy_config *config)
{
    json_object *object = json_object_new_object();
    for (size_t i = 0; object && i < CONFIG_FIELD_COUNT; i++) {
        const size_t value = *(const size_t *)(const void *)((const char *)config + CONFIG_FIELDS[i].offset);
        if (value || !CONFIG_FIELDS[i].variant)
            json_object_object_add(object, CONFIG_FIELDS[i].name, json_object_new_int64((int64_t)value));
    }
    return object;
}

static triad_status config_from_json(policy_config *config, json_object *object, triad_error *err)
{
    if (!json_object_is_type(object, json_type_object))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "config: not an object");
    json_object_object_foreach(object, name, unused)
    {
        size_t i = 0;
        while (i < CONFIG_FIELD_COUNT && strcmp(CONFIG_FIELDS[i].name, name) != 0) i++;
        (void)unused;
        if (i == CONFIG_FIELD_COUNT)
            return triad_fail(err, TRIAD_ERR_FORMAT, -1, "config: '%.60s' is not known (an agent of a newer triad?)",
                              name);
    }
    for (size_t i = 0; i < CONFIG_FIELD_COUNT; i++) {
        int64_t value;
        if (CONFIG_FIELDS[i].variant && !json_object_object_get_ex(object, CONFIG_FIELDS[i].name, NULL)) continue;
        const triad_status status = json_want_int(object, CONFIG_FIELDS[i].name, 0, 1 << 20, &value, err);
        if (status) return status;
        *(size_t *)(void *)((char *)config + CONFIG_FIELDS[i].offset) = (size_t)value;
    }
    return TRIAD_OK;
}

static json_object *words_to_json(const agent_words *words)
{
    json_object *array = json_object_new_array();
    for (size_t i = 0; array && i < words->count; i++)
        json_object_array_add(array, json_object_new_string(words->word[i]));
    return array;
}

static triad_status words_from_json(agent_words *words, json_object *array, bool whole, triad_error *err)
{
    if (!json_object_is_type(array, json_type_array))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "vocabulary: not an array");
    const size_t count = json_object_array_length(array);
    if (count == 0 || count > AGENT_WORDS_MOST)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "vocabulary: %zu words (1 to %d)", count, AGENT_WORDS_MOST);
    const char **list = calloc(count, sizeof *list);
    if (!list) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "vocabulary: out of memory");
    triad_status status = TRIAD_OK;
    for (size_t i = 0; i < count && !status; i++) {
        json_object *word = json_object_array_get_idx(array, i);
        if (!json_object_is_type(word, json_type_string))
            status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "vocabulary: word %zu is no string", i);
        else
            list[i] = json_object_get_string(word);
    }
    if (!status) status = agent_words_set(words, list, count, whole, err);
    free((void *)list);
    return status;
}

/* ---- what the digest covers: the texts and every number of the blocks */

enum { TEXTS = 4 };
static const char *const TEXT_KEYS[TEXTS] = {"config", "vocabulary", "training", "state"};

static bool digest(char hex[65], const char *format, const char *const texts[TEXTS], const float *const *blocks,
                   size_t count, size_t size)
{
    triad_text all = {0};
    triad_text_add(&all, format);
    for (size_t t = 0; t < TEXTS; t++) triad_text_addf(&all, "\n%s", texts[t] ? texts[t] : "");
    for (size_t b = 0; b < count; b++) {
        char part[65];
        triad_sha256_bytes(part, blocks[b], size * sizeof(float));
        triad_text_addf(&all, "\n%s", part);
    }
    if (!all.failed) triad_sha256_bytes(hex, all.bytes, all.size);
    const bool ok = !all.failed;
    triad_text_free(&all);
    return ok;
}

static triad_status write_file(const char *path, const char *format, const policy_layout *layout,
                               const agent_words *words, const float *params, json_object *training,
                               const agent_checkpoint *checkpoint, triad_error *err)
{
    const float *blocks[3] = {params, checkpoint ? checkpoint->first : NULL, checkpoint ? checkpoint->second : NULL};
    static const char *const PREFIXES[3] = {"", PREFIX_FIRST, PREFIX_SECOND};
    const size_t block_count = checkpoint ? 3 : 1;
    json_object *config = config_to_json(&layout->config), *vocabulary = words_to_json(words);
    char *texts[TEXTS] = {
        config ? json_to_text(config, false) : NULL, vocabulary ? json_to_text(vocabulary, false) : NULL,
        training ? json_to_text(training, false) : NULL, checkpoint ? json_to_text(checkpoint->state, false) : NULL};
    tensor_view *views = calloc(layout->tensors * block_count, sizeof *views);
    char(*names)[NAME_BYTES] = calloc(layout->tensors * block_count, sizeof *names);
    char hex[65];
    triad_status status = TRIAD_OK;
    if (!texts[0] || !texts[1] || (training && !texts[2]) || (checkpoint && !texts[3]) || !views || !names ||
        !digest(hex, format, (const char *const *)texts, blocks, block_count, layout->size))
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", path);
    size_t count = 0;
    for (size_t b = 0; !status && b < block_count; b++) {
        for (size_t t = 0; t < layout->tensors; t++) {
            const policy_tensor *tensor = &layout->tensor[t];
            snprintf(names[count], NAME_BYTES, "%s%s", PREFIXES[b], tensor->name);
            views[count] = (tensor_view){.name = names[count],
                                         .dtype = TENSOR_F32,
                                         .rank = tensor->rank,
                                         .shape = {tensor->shape[0], tensor->shape[1]},
                                         .data = blocks[b] + tensor->offset};
            count++;
        }
    }
    if (!status) {
        safetensors_pair pairs[4 + TEXTS];
        size_t filled = 0;
        pairs[filled++] = (safetensors_pair){"format", format};
        pairs[filled++] = (safetensors_pair){"created_by", "triad " TRIAD_VERSION};
        for (size_t t = 0; t < TEXTS; t++)
            if (texts[t]) pairs[filled++] = (safetensors_pair){TEXT_KEYS[t], texts[t]};
        pairs[filled++] = (safetensors_pair){"sha256", hex};
        status = safetensors_write(path, views, count, pairs, filled, err);
    }
    for (size_t t = 0; t < TEXTS; t++) free(texts[t]);
    json_object_put(config);
    json_object_put(vocabulary);
    free(views);
    free(names);
    return status;
}

triad_status agent_write(const char *path, const policy_layout *layout, const agent_words *words, const float *params,
                         json_object *training, triad_error *err)
{
    return write_file(path, FORMAT_AGENT, layout, words, params, training, NULL, err);
}

triad_status agent_write_checkpoint(const char *path, const policy_layout *layout, const agent_words *words,
                                    const float *params, const agent_checkpoint *checkpoint, triad_error *err)
{
    return write_file(path, FORMAT_CHECKPOINT, layout, words, params, checkpoint->options, checkpoint, err);
}

/* ---- reading */

static triad_status read_json(json_object **object, const safetensors *file, const char *key, triad_error *err)
{
    const char *text = safetensors_metadata(file, key);
    if (!text) return triad_fail(err, TRIAD_ERR_FORMAT, -1, "its metadata has no '%s'", key);
    const triad_status status = json_read(object, text, strlen(text), err);
    return status ? triad_fail_in(err, key) : TRIAD_OK;
}

/* Every tensor of the table under prefix, into block. */
static triad_status read_block(float *block, const safetensors *file, const char *prefix, const policy_layout *layout,
                               triad_error *err)
{
    memset(block, 0, layout->size * sizeof *block);
    for (size_t t = 0; t < layout->tensors; t++) {
        const policy_tensor *tensor = &layout->tensor[t];
        char name[NAME_BYTES];
        snprintf(name, sizeof name, "%s%s", prefix, tensor->name);
        const tensor_view *view;
        const triad_status status = safetensors_want(&view, file, name, TENSOR_F32, tensor->rank, tensor->shape, err);
        if (status) return status;
        memcpy(block + tensor->offset, view->data, tensor->count * sizeof *block);
        for (size_t i = 0; i < tensor->count; i++)
            if (!isfinite(block[tensor->offset + i]))
                return triad_fail(err, TRIAD_ERR_NUMERIC, -1, "tensor %s: number %zu is not finite", name, i);
    }
    return TRIAD_OK;
}

/* What the agent was told, from the options of its training. */
static triad_status read_telling(agent_telling *telling, const safetensors *file, triad_error *err)
{
    if (!safetensors_metadata(file, "training")) return TRIAD_OK; /* never trained: words */
    json_object *training;
    triad_status status = read_json(&training, file, "training", err);
    if (status) return status;
    if (!json_object_is_type(training, json_type_object)) {
        json_object_put(training);
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "training: not an object");
    }
    json_object *mode = json_object_object_get(training, "instructions"),
                *hold_out = json_object_object_get(training, "hold_out"),
                *names = json_object_object_get(training, "levels");
    const char *name = mode ? json_object_get_string(mode) : "words";
    const babyai_level *levels[128];
    size_t count = 0;
    triad_instructions told = TRIAD_WORDS;
    json_object *seed = json_object_object_get(training, "seed");
    if (!json_object_is_type(names, json_type_array)) names = NULL;
    const size_t named = names ? json_object_array_length(names) : 0;
    if (mode && !triad_instructions_find(&told, name))
        status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "instructions: '%.60s' (" TRIAD_INSTRUCTIONS ")", name);
    for (size_t l = 0; !status && told == TRIAD_MISWIRED && l < named; l++) {
        json_object *level = json_object_array_get_idx(names, l);
        levels[count] =
            json_object_is_type(level, json_type_string) ? babyai_level_find(json_object_get_string(level)) : NULL;
        if (!levels[count++] || count == sizeof levels / sizeof *levels)
            status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "levels: entry %zu is no level of BabyAI", l);
    }
    if (!status && told == TRIAD_MISWIRED && count == 0) status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "levels: none");
    if (!status && told == TRIAD_MISWIRED &&
        (!json_object_is_type(seed, json_type_int) || json_object_get_int64(seed) < 0))
        status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "seed: missing, or no whole number from 0 to 2^64 - 1");
    if (!status) status = telling_create(telling, told, levels, count, json_object_get_uint64(seed), err);
    if (!status && hold_out) status = telling_hold_out_read(telling, hold_out, err);
    json_object_put(training);
    return status ? triad_fail_in(err, "training") : TRIAD_OK;
}

static triad_status read_file(triad_agent *agent, agent_checkpoint *checkpoint, const safetensors *file,
                              triad_error *err)
{
    const char *format = safetensors_metadata(file, "format");
    const bool whole = format && strcmp(format, FORMAT_CHECKPOINT) == 0;
    if (format && strcmp(format, "pt") == 0)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1,
                          "not an agent but a model's weights (name the folder they lie in)");
    if (!format || (!whole && strcmp(format, FORMAT_AGENT) != 0))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "not an agent (its metadata says format '%.60s')",
                          format ? format : "nothing");
    if (whole && !checkpoint)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1,
                          "a checkpoint of a training run, not an agent (go on with train --resume)");
    if (!whole && checkpoint)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "an agent, not a checkpoint of a training run");

    json_object *config = NULL, *vocabulary = NULL;
    triad_status status = read_json(&config, file, "config", err);
    if (!status) status = read_json(&vocabulary, file, "vocabulary", err);
    policy_config shape = {0};
    if (!status) status = config_from_json(&shape, config, err);
    if (!status) status = read_telling(&agent->telling, file, err);
    if (!status) status = words_from_json(&agent->words, vocabulary, agent->telling.mode == TRIAD_OPAQUE, err);
    json_object_put(config);
    json_object_put(vocabulary);
    if (status) return status;
    shape.words = agent->words.count;
    status = policy_check(&shape, err);
    if (status) return status;
    policy_lay_out(&agent->layout, &shape);

    /* Sizes were bounded one by one; the file must be big enough before memory is asked for. */
    const tensor_view *view;
    const policy_tensor *largest = &agent->layout.tensor[0];
    for (size_t t = 1; t < agent->layout.tensors; t++)
        if (agent->layout.tensor[t].count > largest->count) largest = &agent->layout.tensor[t];
    status = safetensors_want(&view, file, largest->name, TENSOR_F32, largest->rank, largest->shape, err);
    if (status) return status;
    const size_t wanted = agent->layout.tensors * (whole ? 3 : 1);
    if (safetensors_count(file) != wanted)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "holds %zu tensors, its configuration says %zu",
                          safetensors_count(file), wanted);

    const size_t size = agent->layout.size;
    agent->params = calloc(size, sizeof(float));
    if (whole) {
        checkpoint->first = calloc(size, sizeof(float));
        checkpoint->second = calloc(size, sizeof(float));
    }
    if (!agent->params || (whole && (!checkpoint->first || !checkpoint->second)))
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "out of memory");
    status = read_block(agent->params, file, "", &agent->layout, err);
    if (!status && whole) status = read_block(checkpoint->first, file, PREFIX_FIRST, &agent->layout, err);
    if (!status && whole) status = read_block(checkpoint->second, file, PREFIX_SECOND, &agent->layout, err);
    if (!status && whole) status = read_json(&checkpoint->options, file, "training", err);
    if (!status && whole) status = read_json(&checkpoint->state, file, "state", err);
    if (status) return status;

    const float *blocks[3] = {agent->params, whole ? checkpoint->first : NULL, whole ? checkpoint->second : NULL};
    const char *texts[TEXTS], *said = safetensors_metadata(file, "sha256");
    for (size_t t = 0; t < TEXTS; t++) texts[t] = safetensors_metadata(file, TEXT_KEYS[t]);
    char hex[65];
    if (!digest(hex, format, texts, blocks, whole ? 3 : 1, size))
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "out of memory");
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
    if (said) return TRIAD_OK; /* a fuzzer can't meet a digest, and what lies behind it is what it should reach */
#endif
    if (!said || strcmp(said, hex) != 0)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "altered since it was written (its digest differs)");
    return TRIAD_OK;
}

static triad_status take_file(triad_agent **made, agent_checkpoint *checkpoint, safetensors *file, triad_error *err)
{
    triad_agent *agent = calloc(1, sizeof *agent);
    const triad_status status =
        agent ? read_file(agent, checkpoint, file, err) : triad_fail(err, TRIAD_ERR_MEMORY, -1, "out of memory");
    safetensors_close(file);
    if (status) {
        triad_agent_close(agent);
        if (checkpoint) agent_checkpoint_free(checkpoint);
        return status;
    }
    *made = agent;
    return TRIAD_OK;
}

triad_status agent_read(triad_agent **made, agent_checkpoint *checkpoint, const char *path, triad_error *err)
{
    *made = NULL;
    if (checkpoint) *checkpoint = (agent_checkpoint){0};
    safetensors *file;
    triad_status status = safetensors_open(&file, path, err);
    if (!status) {
        status = take_file(made, checkpoint, file, err);
        if (status) return triad_fail_in(err, path);
    }
    return status;
}

triad_status agent_parse(triad_agent **made, agent_checkpoint *checkpoint, const void *bytes, size_t size,
                         triad_error *err)
{
    *made = NULL;
    if (checkpoint) *checkpoint = (agent_checkpoint){0};
    safetensors *file;
    const triad_status status = safetensors_parse(&file, bytes, size, err);
    return status ? status : take_file(made, checkpoint, file, err);
}

void agent_checkpoint_free(agent_checkpoint *checkpoint)
{
    free(checkpoint->first);
    free(checkpoint->second);
    json_object_put(checkpoint->options);
    json_object_put(checkpoint->state);
    *checkpoint = (agent_checkpoint){0};
}

triad_status agent_is_like(const triad_agent *agent, const policy_config *config, const agent_words *words,
                           triad_error *err)
{
    for (size_t i = 0; i < CONFIG_FIELD_COUNT; i++) {
        const size_t had =
                         *(const size_t *)(const void *)((const char *)&agent->layout.config + CONFIG_FIELDS[i].offset),
                     wanted = *(const size_t *)(const void *)((const char *)config + CONFIG_FIELDS[i].offset);
        if (had != wanted)
            return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "another network: its %s is %zu, %zu is asked for",
                              CONFIG_FIELDS[i].name, had, wanted);
    }
    bool same = agent->words.whole == words->whole && agent->words.count == words->count;
    for (size_t i = 0; same && i < words->count; i++) same = strcmp(agent->words.word[i], words->word[i]) == 0;
    if (same) return TRIAD_OK;
    return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "another vocabulary: of %zu %s, %zu %s are asked for",
                      agent->words.count, agent->words.whole ? "whole instructions" : "words", words->count,
                      words->whole ? "whole instructions" : "words");
}

triad_status triad_agent_open(triad_agent **agent, const char *path, triad_error *err)
{
    return agent_read(agent, NULL, path, err);
}

void triad_agent_close(triad_agent *agent)
{
    if (!agent) return;
    agent_words_free(&agent->words);
    telling_free(&agent->telling);
    free(agent->params);
    free(agent);
}

size_t triad_agent_instruction_size(const triad_agent *agent)
{
    return agent->layout.config.instruction;
}

size_t triad_agent_width(const triad_agent *agent)
{
    return agent->layout.config.width;
}

int triad_agent_encoder_layers(const triad_agent *agent)
{
    return (int)agent->layout.config.encoder_layers;
}
