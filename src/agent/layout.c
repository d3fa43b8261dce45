/* The one table of parameters: allocation, files, the optimiser, the count and the tests all read it. */
#include "agent/features.h"
#include "agent/policy.h"
#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

policy_config policy_recipe(size_t words)
{
    return (policy_config){.width = 128,
                           .heads = 4,
                           .feed_forward = 512,
                           .encoder_layers = 2,
                           .cell_layers = 2,
                           .memory_layers = 2,
                           .recall_layers = 1,
                           .window = 64,
                           .instruction = 128,
                           .words = words};
}

triad_status policy_check(const policy_config *config, triad_error *err)
{
    const struct {
        const char *name;
        size_t value, least, most;
    } bounds[] = {
        {"width", config->width, 16, 4096},
        {"heads", config->heads, 1, 64},
        {"feed_forward", config->feed_forward, 16, 16384},
        {"encoder_layers", config->encoder_layers, 0, POLICY_MAX_LAYERS},
        {"cell_layers", config->cell_layers, 0, POLICY_MAX_LAYERS},
        {"memory_layers", config->memory_layers, 0, POLICY_MAX_LAYERS},
        {"recall_layers", config->recall_layers, 0, POLICY_MAX_LAYERS},
        {"window", config->window, 1, 1024},
        {"instruction", config->instruction, 16, 4096},
        {"words", config->words, 1, 100000},
        {"cross_layers", config->cross_layers, 0, POLICY_MAX_LAYERS},
    };
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
        if (bounds[i].value < bounds[i].least || bounds[i].value > bounds[i].most)
            return triad_fail(err, TRIAD_ERR_RANGE, -1, "policy: %s is %zu (it must be %zu to %zu)", bounds[i].name,
                              bounds[i].value, bounds[i].least, bounds[i].most);
    if (config->width % 16 || config->feed_forward % 16 || config->instruction % 16)
        return triad_fail(err, TRIAD_ERR_RANGE, -1,
                          "policy: width %zu, feed_forward %zu and instruction %zu must be multiples of 16",
                          config->width, config->feed_forward, config->instruction);
    if (config->width % config->heads)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "policy: width %zu is no multiple of the %zu heads", config->width,
                          config->heads);
    return TRIAD_OK;
}

/* ---- the table */

typedef struct start {
    float constant, deviation;
} start;

static start spread(double deviation)
{
    return (start){0, (float)deviation};
}

/* Adds a tensor [rows, columns] (columns 0: a vector of rows); returns its offset. */
static size_t add(policy_layout *layout, const char *prefix, size_t number, const char *name, size_t rows,
                  size_t columns, bool decay, start at)
{
    policy_tensor *tensor = &layout->tensor[layout->tensors++];
    if (number != SIZE_MAX)
        snprintf(tensor->name, sizeof tensor->name, "%s.%zu.%s", prefix, number, name);
    else
        snprintf(tensor->name, sizeof tensor->name, "%s%s%s", prefix, *prefix ? "." : "", name);
    tensor->rank = columns ? 2 : 1;
    tensor->shape[0] = rows;
    tensor->shape[1] = columns;
    tensor->count = rows * (columns ? columns : 1);
    tensor->offset = layout->size;
    tensor->decay = decay;
    tensor->rate = 1;
    tensor->constant = at.constant;
    tensor->deviation = at.deviation;
    layout->size += (tensor->count + 15) / 16 * 16;
    layout->numbers += tensor->count;
    return tensor->offset;
}

/* Kinds of layers: with norms of their own; with modulated ones; the same with a distance bias; with a third one, of
 * who asks. */
typedef enum layer_kind { LAYER_ENCODER, LAYER_CELL, LAYER_MEMORY, LAYER_ASK } layer_kind;

/* The parameters of one transformer layer. The projections that write into the residual start smaller, by the number of
 * writes that add up there (Radford et al. 2019). */
static void add_block(policy_layout *layout, policy_block *block, const char *prefix, size_t number, layer_kind kind,
                      double shrink)
{
    const policy_config *config = &layout->config;
    const size_t d = config->width, f = config->feed_forward;
    const start zero = {0, 0}, one = {1, 0};
    if (kind == LAYER_ENCODER) {
        block->gain1 = add(layout, prefix, number, "attention.norm.gain", d, 0, false, one);
        block->shift1 = add(layout, prefix, number, "attention.norm.shift", d, 0, false, zero);
        block->gain2 = add(layout, prefix, number, "feed_forward.norm.gain", d, 0, false, one);
        block->shift2 = add(layout, prefix, number, "feed_forward.norm.shift", d, 0, false, zero);
    } else {
        block->film = layout->norms;
        layout->norms += kind == LAYER_ASK ? 3 : 2;
    }
    block->qkv = add(layout, prefix, number, "attention.qkv.weight", 3 * d, d, true, spread(1 / sqrt((double)d)));
    if (kind == LAYER_MEMORY)
        block->relative =
            add(layout, prefix, number, "attention.distance_bias", config->heads, config->window, false, zero);
    block->out = add(layout, prefix, number, "attention.out.weight", d, d, true, spread(shrink / sqrt((double)d)));
    block->out_bias = add(layout, prefix, number, "attention.out.bias", d, 0, false, zero);
    block->up = add(layout, prefix, number, "feed_forward.up.weight", f, d, true, spread(1 / sqrt((double)d)));
    block->up_bias = add(layout, prefix, number, "feed_forward.up.bias", f, 0, false, zero);
    block->down = add(layout, prefix, number, "feed_forward.down.weight", d, f, true, spread(shrink / sqrt((double)f)));
    block->down_bias = add(layout, prefix, number, "feed_forward.down.bias", d, 0, false, zero);
}

/* Odometry starts at half the scale of type and colour: at full scale it drowns them and two-object sentences are
 * learnt late. Walls, unseen and known cells come in dozens, so each starts small. */
static double feature_deviation(feature_part part)
{
    switch (part) {
    case FEATURE_WALL:
    case FEATURE_UNSEEN:
        return 0.1;
    case FEATURE_KNOWN_FREE:
    case FEATURE_KNOWN_WALL:
        return 0.04;
    case FEATURE_BEFORE:
    case FEATURE_BESIDE:
    case FEATURE_HEADING:
    case FEATURE_AHEAD:
    case FEATURE_ASIDE:
        return 0.25;
    default:
        return 0.5;
    }
}

void policy_lay_out(policy_layout *layout, const policy_config *config)
{
    memset(layout, 0, sizeof *layout);
    layout->config = *config;
    const size_t d = config->width, z = config->instruction, alone = SIZE_MAX;
    const double shrink_language = 1 / sqrt(2 * (double)(config->encoder_layers + 1));
    const double shrink_sight = 1 / sqrt(2 * (double)policy_fused_layers(config));
    const start zero = {0, 0}, one = {1, 0};

    layout->word = add(layout, "instruction", alone, "words", config->words, d, true, spread(0.5));
    add(layout, "instruction", alone, "positions", POLICY_MAX_WORDS, d, true, spread(0.25));
    for (size_t l = 0; l < config->encoder_layers; l++)
        add_block(layout, &layout->encoder[l], "instruction", l, LAYER_ENCODER, shrink_language);
    layout->encoder_gain = add(layout, "instruction", alone, "norm.gain", d, 0, false, one);
    layout->encoder_shift = add(layout, "instruction", alone, "norm.shift", d, 0, false, zero);
    layout->instruction = add(layout, "instruction", alone, "vector.weight", z, d, true, spread(1 / sqrt((double)d)));
    layout->instruction_bias = add(layout, "instruction", alone, "vector.bias", z, 0, false, zero);

    layout->feature = layout->size;
    for (int part = 0; part < FEATURE_PARTS; part++)
        add(layout, "token", alone, FEATURE_TABLE[part].name, FEATURE_TABLE[part].rows, d, true,
            spread(feature_deviation((feature_part)part)));
    layout->token = add(layout, "token", alone, "instruction.weight", d, z, true, spread(0.5 / sqrt((double)z)));
    for (size_t l = 0; l < config->cell_layers; l++)
        add_block(layout, &layout->cell[l], "cell", l, LAYER_CELL, shrink_sight);
    add_block(layout, &layout->readout, "readout", alone, LAYER_ASK, shrink_sight);
    for (size_t l = 0; l < config->cross_layers; l++)
        add_block(layout, &layout->cross[l], "cross", l, LAYER_ASK, shrink_sight);
    for (size_t l = 0; l < config->memory_layers; l++)
        add_block(layout, &layout->memory[l], "memory", l, LAYER_MEMORY, shrink_sight);
    for (size_t l = 0; l < config->recall_layers; l++)
        add_block(layout, &layout->recall[l], "recall", l, LAYER_ASK, shrink_sight);
    layout->norms++; /* in front of the head */
    layout->film = add(layout, "film", alone, "weight", layout->norms * 2 * d, z, true, spread(0.5 / sqrt((double)z)));
    layout->film_bias = add(layout, "film", alone, "bias", layout->norms * 2 * d, 0, false, zero);
    layout->head = add(layout, "head", alone, "weight", POLICY_ACTIONS, d, true, spread(0.5 / sqrt((double)d)));
    layout->head_bias = add(layout, "head", alone, "bias", POLICY_ACTIONS, 0, false, zero);
}

void policy_initialise(float *params, const policy_layout *layout, uint64_t seed)
{
    memset(params, 0, layout->size * sizeof *params);
    for (size_t t = 0; t < layout->tensors; t++) {
        const policy_tensor *tensor = &layout->tensor[t];
        float *p = params + tensor->offset;
        /* FNV-1a of the name: a tensor's start does not change when others come and go. */
        uint32_t key = 2166136261U;
        for (const char *c = tensor->name; *c; c++) key = (key ^ (uint32_t)(unsigned char)*c) * 16777619U;
        triad_pcg64 rng;
        triad_pcg64_seed_words(&rng, (const uint32_t[]){(uint32_t)seed, (uint32_t)(seed >> 32), key}, 3);
        for (size_t i = 0; i < tensor->count; i++)
            p[i] = tensor->deviation > 0 ? tensor->constant + tensor->deviation * (float)triad_pcg64_normal(&rng)
                                         : tensor->constant;
    }
}

/* ---- cost */

uint64_t policy_flops(const policy_layout *layout, const policy_input *input)
{
    const policy_config *config = &layout->config;
    const uint64_t d = config->width, f = config->feed_forward;
    const uint64_t words = input->word_offset[input->instructions], n = input->instructions;
    uint64_t word_pairs = 0, token_pairs = 0, memory_pairs = 0, cross_pairs = 0, visible = 0;
    for (size_t i = 0; i < input->instructions; i++) {
        const uint64_t count = input->word_offset[i + 1] - input->word_offset[i];
        word_pairs += count * count;
    }
    for (size_t s = 0; s < input->steps; s++) {
        const uint64_t count = input->visible[s];
        visible += count;
        token_pairs += count * count;
    }
    for (size_t e = 0; e < input->episodes; e++) {
        const uint64_t count = input->episode_offset[e + 1] - input->episode_offset[e];
        const size_t told = input->episode_instruction[e];
        cross_pairs += count * (input->word_offset[told + 1] - input->word_offset[told]);
        for (uint64_t s = 1; s <= count; s++) memory_pairs += s < config->window ? s : config->window;
    }
    const uint64_t steps = input->steps, tokens = input->tokens;
    const uint64_t row = 2 * (4 * d * d + 2 * d * f); /* a row through a layer's products */
    uint64_t sum = config->encoder_layers * (words * row + 4 * d * word_pairs);
    sum += n * 2 * config->instruction * (d + layout->norms * 2 * d + d); /* z, FiLM, the global token's */
    sum += config->cell_layers * (visible * row + 4 * d * token_pairs);
    const uint64_t asking = tokens * 4 * d * d + steps * 2 * (2 * d * d + 2 * d * f) + 4 * d * tokens;
    sum += (1 + config->recall_layers) * asking;
    sum += config->cross_layers * (words * 4 * d * d + steps * 2 * (2 * d * d + 2 * d * f) + 4 * d * cross_pairs);
    sum += config->memory_layers * (steps * row + 4 * d * memory_pairs);
    sum += steps * 2 * d * POLICY_ACTIONS;
    return 3 * sum;
}
