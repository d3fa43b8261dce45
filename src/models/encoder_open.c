#include "models/encoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LAYERS = 1024, MAX_WIDTH = 1 << 17, MAX_VOCABULARY = 1 << 24, MAX_POSITIONS = 1 << 24 };

static triad_status take_affine(affine *a, checkpoint *file, const char *prefix, const char *name, size_t out,
                                size_t in, triad_error *err)
{
    triad_status status = checkpoint_take(&a->weight, file, true, out, in, err, "%s%s.weight", prefix, name);
    if (status == TRIAD_OK) status = checkpoint_take(&a->bias, file, true, 0, out, err, "%s%s.bias", prefix, name);
    return status;
}

/* Files of the first years name a norm's parameters gamma and beta. */
static triad_status take_norm(affine *a, checkpoint *file, const char *prefix, const char *name, size_t width,
                              triad_error *err)
{
    triad_status status = checkpoint_take(&a->weight, file, false, 0, width, err, "%s%s.gamma", prefix, name);
    if (status == TRIAD_OK && a->weight == NULL)
        status = checkpoint_take(&a->weight, file, true, 0, width, err, "%s%s.weight", prefix, name);
    if (status == TRIAD_OK) status = checkpoint_take(&a->bias, file, false, 0, width, err, "%s%s.beta", prefix, name);
    if (status == TRIAD_OK && a->bias == NULL)
        status = checkpoint_take(&a->bias, file, true, 0, width, err, "%s%s.bias", prefix, name);
    return status;
}

static triad_status take_layer(encoder *m, encoder_layer *l, checkpoint *file, const char *base, size_t i,
                               triad_error *err)
{
    char prefix[64];
    snprintf(prefix, sizeof prefix, "%sencoder.layer.%zu.", base, i);
    const size_t d = m->width, f = m->feed_forward;
    triad_status status = take_affine(&l->q, file, prefix, "attention.self.query", d, d, err);
    if (status == TRIAD_OK) status = take_affine(&l->k, file, prefix, "attention.self.key", d, d, err);
    if (status == TRIAD_OK) status = take_affine(&l->v, file, prefix, "attention.self.value", d, d, err);
    if (status == TRIAD_OK) status = take_affine(&l->o, file, prefix, "attention.output.dense", d, d, err);
    if (status == TRIAD_OK) status = take_norm(&l->attention_norm, file, prefix, "attention.output.LayerNorm", d, err);
    if (status == TRIAD_OK) status = take_affine(&l->up, file, prefix, "intermediate.dense", f, d, err);
    if (status == TRIAD_OK) status = take_affine(&l->down, file, prefix, "output.dense", d, f, err);
    if (status == TRIAD_OK) status = take_norm(&l->output_norm, file, prefix, "output.LayerNorm", d, err);
    return status != TRIAD_OK ? status : checkpoint_all_taken(file, prefix, NULL, err);
}

static triad_status take_tensors(encoder *m, checkpoint *file, const char *base, triad_error *err)
{
    char prefix[64];
    snprintf(prefix, sizeof prefix, "%sembeddings.", base);
    m->layer = calloc(m->layers, sizeof *m->layer);
    if (m->layer == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    triad_status status =
        checkpoint_take(&m->words, file, true, m->vocabulary, m->width, err, "%sword_embeddings.weight", prefix);
    if (status == TRIAD_OK)
        status = checkpoint_take(&m->positions, file, true, m->max_tokens, m->width, err,
                                 "%sposition_embeddings.weight", prefix);
    if (status == TRIAD_OK)
        status = checkpoint_take(&m->type_table, file, true, m->types, m->width, err, "%stoken_type_embeddings.weight",
                                 prefix);
    if (status == TRIAD_OK) status = take_norm(&m->embedding_norm, file, prefix, "LayerNorm", m->width, err);
    if (status == TRIAD_OK) status = checkpoint_all_taken(file, prefix, "position_ids", err);
    for (size_t i = 0; i < m->layers && status == TRIAD_OK; i++)
        status = take_layer(m, &m->layer[i], file, base, i, err);
    return status;
}

void encoder_free(encoder *m)
{
    free(m->layer);
    memset(m, 0, sizeof *m);
}

static triad_status get_size(json_object *o, const char *key, int64_t most, size_t *value, triad_error *err)
{
    int64_t number = (int64_t)*value;
    const triad_status status = json_get_int(o, key, 1, most, &number, err);
    *value = (size_t)number;
    return status;
}

static triad_status read_activation(encoder *m, json_object *config, triad_error *err)
{
    static const struct {
        const char *name;
        encoder_activation activation;
    } known[] = {{"gelu", ENCODER_GELU},
                 {"gelu_new", ENCODER_GELU_TANH},
                 {"gelu_pytorch_tanh", ENCODER_GELU_TANH},
                 {"quick_gelu", ENCODER_GELU_QUICK},
                 {"relu", ENCODER_RELU}};
    const char *name = "gelu";
    const triad_status status = json_get_string(config, "hidden_act", &name, err);
    if (status != TRIAD_OK) return status;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(name, known[i].name) != 0) continue;
        m->activation = known[i].activation;
        return TRIAD_OK;
    }
    return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "config: hidden_act \"%.60s\" is not supported", name);
}

triad_status encoder_from_config(encoder *m, json_object *config, checkpoint *file, triad_error *err)
{
    m->family = "bert";
    m->vocabulary = 30522;
    m->width = 768;
    m->layers = m->heads = 12;
    m->feed_forward = 3072;
    m->max_tokens = 512;
    m->types = 2;
    m->epsilon = 1e-12;
    const char *positions = "absolute";
    bool decoder = false;
    triad_status status = get_size(config, "vocab_size", MAX_VOCABULARY, &m->vocabulary, err);
    if (status == TRIAD_OK) status = get_size(config, "hidden_size", MAX_WIDTH, &m->width, err);
    if (status == TRIAD_OK) status = get_size(config, "num_hidden_layers", MAX_LAYERS, &m->layers, err);
    if (status == TRIAD_OK) status = get_size(config, "num_attention_heads", MAX_WIDTH, &m->heads, err);
    if (status == TRIAD_OK) status = get_size(config, "intermediate_size", MAX_WIDTH, &m->feed_forward, err);
    if (status == TRIAD_OK) status = get_size(config, "max_position_embeddings", MAX_POSITIONS, &m->max_tokens, err);
    if (status == TRIAD_OK) status = get_size(config, "type_vocab_size", MAX_WIDTH, &m->types, err);
    if (status == TRIAD_OK) status = json_get_real(config, "layer_norm_eps", &m->epsilon, err);
    if (status == TRIAD_OK) status = json_get_string(config, "position_embedding_type", &positions, err);
    if (status == TRIAD_OK) status = json_get_bool(config, "is_decoder", &decoder, err);
    if (status == TRIAD_OK) status = read_activation(m, config, err);
    if (status != TRIAD_OK) return status;
    if (strcmp(positions, "absolute") != 0)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "config: position_embedding_type \"%.60s\" is not supported",
                          positions);
    if (decoder) return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "config: a bert that is a decoder is not supported");
    if (m->width % m->heads != 0)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "config: hidden_size %zu is not a multiple of %zu heads", m->width,
                          m->heads);
    if (!(m->epsilon > 0 && m->epsilon < 1))
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "config: layer_norm_eps %g is out of range", m->epsilon);
    return take_tensors(m, file, checkpoint_find(file, "bert.embeddings.word_embeddings.weight") != NULL ? "bert." : "",
                        err);
}
