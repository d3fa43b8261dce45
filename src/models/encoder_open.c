/* What an encoder's configuration says, checked, and where its tensors lie. */
#include "models/encoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LAYERS = 1024, MAX_WIDTH = 1 << 17, MAX_VOCABULARY = 1 << 24, MAX_POSITIONS = 1 << 24 };

/* ---- tensors */
typedef struct names {
    const char *words, *positions, *types, *relative, *embedding_norm; /* behind the base */
    const char *embeddings, *layers;                                   /* prefixes, behind the base */
    const char *q, *k, *v, *o, *attention_norm, *up, *down, *output_norm;
} names;

static const names BERT = {.words = "embeddings.word_embeddings.weight",
                           .positions = "embeddings.position_embeddings.weight",
                           .types = "embeddings.token_type_embeddings.weight",
                           .embedding_norm = "embeddings.LayerNorm",
                           .embeddings = "embeddings.",
                           .layers = "encoder.layer.",
                           .q = "attention.self.query",
                           .k = "attention.self.key",
                           .v = "attention.self.value",
                           .o = "attention.output.dense",
                           .attention_norm = "attention.output.LayerNorm",
                           .up = "intermediate.dense",
                           .down = "output.dense",
                           .output_norm = "output.LayerNorm"};

static const names DISTILBERT = {.words = "embeddings.word_embeddings.weight",
                                 .positions = "embeddings.position_embeddings.weight",
                                 .embedding_norm = "embeddings.LayerNorm",
                                 .embeddings = "embeddings.",
                                 .layers = "transformer.layer.",
                                 .q = "attention.q_lin",
                                 .k = "attention.k_lin",
                                 .v = "attention.v_lin",
                                 .o = "attention.out_lin",
                                 .attention_norm = "sa_layer_norm",
                                 .up = "ffn.lin1",
                                 .down = "ffn.lin2",
                                 .output_norm = "output_layer_norm"};

static const names MPNET = {.words = "embeddings.word_embeddings.weight",
                            .positions = "embeddings.position_embeddings.weight",
                            .relative = "encoder.relative_attention_bias.weight",
                            .embedding_norm = "embeddings.LayerNorm",
                            .embeddings = "embeddings.",
                            .layers = "encoder.layer.",
                            .q = "attention.attn.q",
                            .k = "attention.attn.k",
                            .v = "attention.attn.v",
                            .o = "attention.attn.o",
                            .attention_norm = "attention.LayerNorm",
                            .up = "intermediate.dense",
                            .down = "output.dense",
                            .output_norm = "output.LayerNorm"};

static const names GGUF_BERT = {.words = "token_embd.weight",
                                .positions = "position_embd.weight",
                                .types = "token_types.weight",
                                .embedding_norm = "token_embd_norm",
                                .layers = "blk.",
                                .q = "attn_q",
                                .k = "attn_k",
                                .v = "attn_v",
                                .o = "attn_output",
                                .attention_norm = "attn_output_norm",
                                .up = "ffn_up",
                                .down = "ffn_down",
                                .output_norm = "layer_output_norm"};

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

static triad_status take_layer(const encoder *m, encoder_layer *l, checkpoint *file, const names *n, const char *prefix,
                               triad_error *err)
{
    const size_t d = m->width, f = m->feed_forward;
    triad_status status = linear_take(&l->q, file, prefix, n->q, d, d, BIAS_NEEDED, err);
    if (status == TRIAD_OK) status = linear_take(&l->k, file, prefix, n->k, d, d, BIAS_NEEDED, err);
    if (status == TRIAD_OK) status = linear_take(&l->v, file, prefix, n->v, d, d, BIAS_NEEDED, err);
    if (status == TRIAD_OK) status = linear_take(&l->o, file, prefix, n->o, d, d, BIAS_NEEDED, err);
    if (status == TRIAD_OK) status = take_norm(&l->attention_norm, file, prefix, n->attention_norm, d, err);
    if (status == TRIAD_OK) status = linear_take(&l->up, file, prefix, n->up, f, d, BIAS_NEEDED, err);
    if (status == TRIAD_OK) status = linear_take(&l->down, file, prefix, n->down, d, f, BIAS_NEEDED, err);
    if (status == TRIAD_OK) status = take_norm(&l->output_norm, file, prefix, n->output_norm, d, err);
    return status;
}

static triad_status take_tensors(encoder *m, checkpoint *file, const names *n, const char *base, triad_error *err)
{
    char prefix[96];
    m->layer = calloc(m->layers, sizeof *m->layer);
    if (m->layer == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    triad_status status = checkpoint_take(&m->words, file, true, m->vocabulary, m->width, err, "%s%s", base, n->words);
    if (status == TRIAD_OK)
        status =
            checkpoint_take(&m->position_table, file, true, m->positions, m->width, err, "%s%s", base, n->positions);
    if (status == TRIAD_OK && n->types != NULL && m->types > 0)
        status = checkpoint_take(&m->type_table, file, true, m->types, m->width, err, "%s%s", base, n->types);
    if (status == TRIAD_OK && n->relative != NULL)
        status = checkpoint_take(&m->relative, file, true, m->buckets, m->heads, err, "%s%s", base, n->relative);
    if (status == TRIAD_OK) status = take_norm(&m->embedding_norm, file, base, n->embedding_norm, m->width, err);
    for (size_t i = 0; i < m->layers && status == TRIAD_OK; i++) {
        snprintf(prefix, sizeof prefix, "%s%s%zu.", base, n->layers, i);
        status = take_layer(m, &m->layer[i], file, n, prefix, err);
    }
    snprintf(prefix, sizeof prefix, "%s%s", base, n->layers);
    if (status == TRIAD_OK) status = checkpoint_all_taken(file, prefix, NULL, err);
    if (status != TRIAD_OK || n->embeddings == NULL) return status;
    snprintf(prefix, sizeof prefix, "%s%s", base, n->embeddings);
    return checkpoint_all_taken(file, prefix, "position_ids", err);
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

static triad_status read_activation(encoder *m, json_object *config, const char *key, triad_error *err)
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
    const triad_status status = json_get_string(config, key, &name, err);
    if (status != TRIAD_OK) return status;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(name, known[i].name) != 0) continue;
        m->activation = known[i].activation;
        return TRIAD_OK;
    }
    return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "config: %s \"%.60s\" is not supported", key, name);
}

static triad_status check(encoder *m, triad_error *err)
{
    if (m->width % m->heads != 0)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "config: hidden_size %zu is not a multiple of %zu heads", m->width,
                          m->heads);
    if (!(m->epsilon > 0 && m->epsilon < 1))
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "config: layer_norm_eps %g is out of range", m->epsilon);
    const size_t before = m->counts_from_pad ? (size_t)m->pad + 1 : 0;
    if (before >= m->positions)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "config: %zu positions, of which the first %zu are never used",
                          m->positions, before);
    m->max_tokens = m->positions - before;
    return TRIAD_OK;
}

static triad_status refuse_flag(json_object *config, const char *key, triad_error *err)
{
    bool set = false;
    const triad_status status = json_get_bool(config, key, &set, err);
    return status != TRIAD_OK || !set ? status
                                      : triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "config: %s is not supported", key);
}

static triad_status read_distilbert(encoder *m, json_object *config, triad_error *err)
{
    triad_status status = get_size(config, "dim", MAX_WIDTH, &m->width, err);
    m->layers = 6;
    if (status == TRIAD_OK) status = get_size(config, "n_layers", MAX_LAYERS, &m->layers, err);
    if (status == TRIAD_OK) status = get_size(config, "n_heads", MAX_WIDTH, &m->heads, err);
    if (status == TRIAD_OK) status = get_size(config, "hidden_dim", MAX_WIDTH, &m->feed_forward, err);
    return status == TRIAD_OK ? read_activation(m, config, "activation", err) : status;
}

static triad_status read_bert(encoder *m, json_object *config, triad_error *err)
{
    const char *positions = "absolute";
    triad_status status = get_size(config, "hidden_size", MAX_WIDTH, &m->width, err);
    if (status == TRIAD_OK) status = get_size(config, "num_hidden_layers", MAX_LAYERS, &m->layers, err);
    if (status == TRIAD_OK) status = get_size(config, "num_attention_heads", MAX_WIDTH, &m->heads, err);
    if (status == TRIAD_OK) status = get_size(config, "intermediate_size", MAX_WIDTH, &m->feed_forward, err);
    if (status == TRIAD_OK) status = json_get_real(config, "layer_norm_eps", &m->epsilon, err);
    if (status == TRIAD_OK) status = json_get_string(config, "position_embedding_type", &positions, err);
    if (status == TRIAD_OK && strcmp(positions, "absolute") != 0)
        status = triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                            "config: position_embedding_type \"%.60s\" is not supported", positions);
    if (status == TRIAD_OK) status = refuse_flag(config, "is_decoder", err);
    return status == TRIAD_OK ? read_activation(m, config, "hidden_act", err) : status;
}

static triad_status read_mpnet(encoder *m, json_object *config, triad_error *err)
{
    int64_t pad = 1;
    m->counts_from_pad = true;
    m->buckets = 32;
    triad_status status = read_bert(m, config, err);
    if (status == TRIAD_OK) status = get_size(config, "relative_attention_num_buckets", MAX_WIDTH, &m->buckets, err);
    if (status == TRIAD_OK) status = json_get_int(config, "pad_token_id", 0, INT32_MAX - 1, &pad, err);
    m->pad = (int32_t)pad;
    /* transformers' buckets are made for this many, whatever the configuration says. */
    if (status == TRIAD_OK && m->buckets != 32)
        status = triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                            "config: relative_attention_num_buckets %zu is not supported", m->buckets);
    return status;
}

triad_status encoder_from_config(encoder *m, json_object *config, checkpoint *file, triad_error *err)
{
    static const struct {
        const char *family, *base;
        const names *names;
        triad_status (*read)(encoder *, json_object *, triad_error *);
        size_t types;
    } families[] = {{"bert", "bert.", &BERT, read_bert, 2},
                    {"distilbert", "distilbert.", &DISTILBERT, read_distilbert, 0},
                    {"mpnet", "mpnet.", &MPNET, read_mpnet, 0}};
    const char *type = NULL;
    triad_status status = json_want_string(config, "model_type", &type, err);
    if (status != TRIAD_OK) return status;
    size_t i = 0;
    while (i + 1 < sizeof families / sizeof *families && strcmp(type, families[i].family) != 0) i++;
    *m = (encoder){.family = families[i].family,
                   .vocabulary = 30522,
                   .width = 768,
                   .layers = 12,
                   .heads = 12,
                   .feed_forward = 3072,
                   .positions = 512,
                   .types = families[i].types,
                   .epsilon = 1e-12};
    if (json_find(config, "quantization_config", json_type_object) != NULL)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "config: a quantised %s is not supported", m->family);
    status = get_size(config, "vocab_size", MAX_VOCABULARY, &m->vocabulary, err);
    if (status == TRIAD_OK) status = get_size(config, "max_position_embeddings", MAX_POSITIONS, &m->positions, err);
    if (status == TRIAD_OK && m->types > 0) status = get_size(config, "type_vocab_size", MAX_WIDTH, &m->types, err);
    if (status == TRIAD_OK) status = families[i].read(m, config, err);
    if (status == TRIAD_OK) status = check(m, err);
    if (status != TRIAD_OK) return status;
    char first[64];
    snprintf(first, sizeof first, "%s%s", families[i].base, families[i].names->words);
    return take_tensors(m, file, families[i].names, checkpoint_find(file, first) != NULL ? families[i].base : "", err);
}

/* ---- GGUF */
static triad_status want_key(const gguf *file, const char *key, int64_t most, size_t *value, triad_error *err)
{
    int64_t number;
    if (!gguf_get_int(file, key, &number))
        return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "gguf: key %s is missing or not one integer", key);
    if (number < 1 || number > most)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "gguf: %s is %lld, outside [1, %lld]", key, (long long)number,
                          (long long)most);
    *value = (size_t)number;
    return TRIAD_OK;
}

triad_status encoder_from_gguf(encoder *m, checkpoint *file, triad_error *err)
{
    const gguf *g = file->single;
    *m = (encoder){.family = "bert", .epsilon = 1e-12};
    bool causal = false;
    (void)gguf_get_bool(g, "bert.attention.causal", &causal);
    if (causal) return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "gguf: a causal bert is not supported");
    triad_status status = want_key(g, "bert.block_count", MAX_LAYERS, &m->layers, err);
    if (status == TRIAD_OK) status = want_key(g, "bert.embedding_length", MAX_WIDTH, &m->width, err);
    if (status == TRIAD_OK) status = want_key(g, "bert.feed_forward_length", MAX_WIDTH, &m->feed_forward, err);
    if (status == TRIAD_OK) status = want_key(g, "bert.attention.head_count", MAX_WIDTH, &m->heads, err);
    if (status == TRIAD_OK) status = want_key(g, "bert.context_length", MAX_POSITIONS, &m->positions, err);
    if (status != TRIAD_OK) return status;
    if (!gguf_get_real(g, "bert.attention.layer_norm_epsilon", &m->epsilon))
        return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "gguf: key bert.attention.layer_norm_epsilon is missing");
    static const char *const poolings[] = {NULL, "mean", "cls", "last"};
    int64_t pooling = 0;
    if (gguf_get_int(g, "bert.pooling_type", &pooling) && pooling > 0 && pooling <= 3) m->pooling = poolings[pooling];
    const tensor_view *words = checkpoint_find(file, GGUF_BERT.words), *types = checkpoint_find(file, GGUF_BERT.types),
                      *positions = checkpoint_find(file, GGUF_BERT.positions);
    if (words == NULL || words->rank != 2 || words->shape[0] == 0 || words->shape[0] > MAX_VOCABULARY)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "gguf: tensor token_embd.weight is missing or not a table");
    m->vocabulary = words->shape[0];
    if (types != NULL && types->rank > 0) m->types = types->rank == 2 ? types->shape[0] : 1;
    /* The context may be set shorter than the table. */
    if (positions != NULL && positions->rank == 2 && positions->shape[0] > m->positions)
        m->positions = positions->shape[0] < MAX_POSITIONS ? positions->shape[0] : MAX_POSITIONS;
    status = check(m, err);
    return status == TRIAD_OK ? take_tensors(m, file, &GGUF_BERT, "", err) : status;
}
