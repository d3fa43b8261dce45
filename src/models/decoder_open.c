/* What a decoder's configuration says, checked, and where its tensors lie. */
#include "models/decoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LAYERS = 1024, MAX_WIDTH = 1 << 17, MAX_VOCABULARY = 1 << 24, MAX_POSITIONS = 1 << 28 };

static triad_status check_shape(decoder *m, triad_error *err)
{
    if (m->heads % m->kv_heads != 0)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "config: %zu heads are not a multiple of %zu key and value heads",
                          m->heads, m->kv_heads);
    if (m->head_dim % 2 != 0) return triad_fail(err, TRIAD_ERR_FORMAT, -1, "config: head_dim %zu is odd", m->head_dim);
    if (!(m->epsilon > 0 && m->epsilon < 1))
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "config: the norms' epsilon %g is out of range", m->epsilon);
    if (!(m->turn.base > 1 && m->turn.base < 1e15 && m->turn.factor > 0 && m->turn.factor < 1e6 &&
          m->turn.original > 0))
        return triad_fail(err, TRIAD_ERR_RANGE, -1,
                          "config: rope base %g, factor %g or original positions %g out of range", m->turn.base,
                          m->turn.factor, m->turn.original);
    return TRIAD_OK;
}

/* ---- tensors */
typedef struct names {
    const char *embedding, *final_norm, *layer; /* layer: a format of the prefix with the layer's number */
    const char *attention_norm, *q, *k, *v, *o, *ffn_norm, *gate, *up, *down, *q_norm, *k_norm;
} names;

static const names HUGGING_FACE = {
    "embed_tokens.weight", "norm.weight",      "layers.%zu.",      "input_layernorm",          "self_attn.q_proj",
    "self_attn.k_proj",    "self_attn.v_proj", "self_attn.o_proj", "post_attention_layernorm", "mlp.gate_proj",
    "mlp.up_proj",         "mlp.down_proj",    "self_attn.q_norm", "self_attn.k_norm"};

static const names GGUF = {
    "token_embd.weight", "output_norm.weight", "blk.%zu.", "attn_norm", "attn_q",   "attn_k",      "attn_v",
    "attn_output",       "ffn_norm",           "ffn_gate", "ffn_up",    "ffn_down", "attn_q_norm", "attn_k_norm"};

/* optional_bias: taken where the file has it, else where `bias` says so it must be there. */
static triad_status take_linear(const tensor_view **weight, const tensor_view **bias, checkpoint *file,
                                const char *prefix, const char *name, size_t out, size_t in, bool with_bias,
                                bool optional_bias, triad_error *err)
{
    triad_status status = checkpoint_take(weight, file, true, out, in, err, "%s%s.weight", prefix, name);
    if (status == TRIAD_OK && (with_bias || optional_bias))
        status = checkpoint_take(bias, file, with_bias, 0, out, err, "%s%s.bias", prefix, name);
    return status;
}

static triad_status take_layer(decoder *m, decoder_layer *l, checkpoint *file, const names *n, const char *base,
                               size_t i, triad_error *err)
{
    char prefix[64], where[32];
    snprintf(where, sizeof where, n->layer[0] == 'b' ? "blk.%zu." : "layers.%zu.", i);
    snprintf(prefix, sizeof prefix, "%s%s", base, where);
    const size_t d = m->width, q = m->heads * m->head_dim, kv = m->kv_heads * m->head_dim, f = m->feed_forward;
    const bool optional = file->single != NULL;
    triad_status status =
        checkpoint_take(&l->attention_norm, file, true, 0, d, err, "%s%s.weight", prefix, n->attention_norm);
    if (status == TRIAD_OK)
        status = checkpoint_take(&l->ffn_norm, file, true, 0, d, err, "%s%s.weight", prefix, n->ffn_norm);
    if (status == TRIAD_OK)
        status = take_linear(&l->q, &l->q_bias, file, prefix, n->q, q, d, m->qkv_bias, optional, err);
    if (status == TRIAD_OK)
        status = take_linear(&l->k, &l->k_bias, file, prefix, n->k, kv, d, m->qkv_bias, optional, err);
    if (status == TRIAD_OK)
        status = take_linear(&l->v, &l->v_bias, file, prefix, n->v, kv, d, m->qkv_bias, optional, err);
    if (status == TRIAD_OK) status = take_linear(&l->o, &l->o_bias, file, prefix, n->o, d, q, m->o_bias, optional, err);
    if (status == TRIAD_OK)
        status = take_linear(&l->gate, &l->gate_bias, file, prefix, n->gate, f, d, m->mlp_bias, optional, err);
    if (status == TRIAD_OK)
        status = take_linear(&l->up, &l->up_bias, file, prefix, n->up, f, d, m->mlp_bias, optional, err);
    if (status == TRIAD_OK)
        status = take_linear(&l->down, &l->down_bias, file, prefix, n->down, d, f, m->mlp_bias, optional, err);
    if (status == TRIAD_OK && m->head_norm)
        status = checkpoint_take(&l->q_norm, file, true, 0, m->head_dim, err, "%s%s.weight", prefix, n->q_norm);
    if (status == TRIAD_OK && m->head_norm)
        status = checkpoint_take(&l->k_norm, file, true, 0, m->head_dim, err, "%s%s.weight", prefix, n->k_norm);
    /* Recomputed from the configuration, as transformers does. */
    if (status == TRIAD_OK) status = checkpoint_all_taken(file, prefix, "rotary_emb.inv_freq", err);
    return status;
}

static triad_status take_tensors(decoder *m, checkpoint *file, const names *n, const char *base, triad_error *err)
{
    m->layer = calloc(m->layers, sizeof *m->layer);
    if (m->layer == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    triad_status status =
        checkpoint_take(&m->embedding, file, true, m->vocabulary, m->width, err, "%s%s", base, n->embedding);
    if (status == TRIAD_OK)
        status = checkpoint_take(&m->final_norm, file, true, 0, m->width, err, "%s%s", base, n->final_norm);
    for (size_t i = 0; i < m->layers && status == TRIAD_OK; i++)
        status = take_layer(m, &m->layer[i], file, n, base, i, err);
    return status;
}

void decoder_free(decoder *m)
{
    free(m->layer);
    memset(m, 0, sizeof *m);
}

/* ---- config.json */
static triad_status want_size(json_object *o, const char *key, int64_t most, size_t *value, bool needed,
                              triad_error *err)
{
    int64_t number = (int64_t)*value;
    const triad_status status =
        needed ? json_want_int(o, key, 1, most, &number, err) : json_get_int(o, key, 1, most, &number, err);
    *value = (size_t)number;
    return status;
}

static triad_status read_rope(decoder *m, json_object *config, triad_error *err)
{
    rope *r = &m->turn;
    json_object *dict = json_find(config, "rope_parameters", json_type_object);
    if (dict == NULL) dict = json_find(config, "rope_scaling", json_type_object);
    triad_status status = json_get_real(config, "rope_theta", &r->base, err);
    double partial = 1;
    if (status == TRIAD_OK) status = json_get_real(config, "partial_rotary_factor", &partial, err);
    if (status != TRIAD_OK) return status;
    if (partial != 1)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "config: partial_rotary_factor %g is not supported", partial);
    if (dict == NULL) return TRIAD_OK;
    const char *type = "default";
    double mscale = 0, mscale_all_dim = 0;
    r->original = (double)m->max_tokens;
    r->factor = 0;
    status = json_get_real(dict, "rope_theta", &r->base, err);
    if (status == TRIAD_OK) status = json_get_string(dict, "type", &type, err);
    if (status == TRIAD_OK) status = json_get_string(dict, "rope_type", &type, err);
    if (status == TRIAD_OK) status = json_get_real(dict, "factor", &r->factor, err);
    if (status == TRIAD_OK) status = json_get_real(dict, "low_freq_factor", &r->low_freq_factor, err);
    if (status == TRIAD_OK) status = json_get_real(dict, "high_freq_factor", &r->high_freq_factor, err);
    if (status == TRIAD_OK) status = json_get_real(dict, "original_max_position_embeddings", &r->original, err);
    if (status == TRIAD_OK) status = json_get_real(config, "original_max_position_embeddings", &r->original, err);
    if (status == TRIAD_OK) status = json_get_real(dict, "beta_fast", &r->beta_fast, err);
    if (status == TRIAD_OK) status = json_get_real(dict, "beta_slow", &r->beta_slow, err);
    if (status == TRIAD_OK) status = json_get_bool(dict, "truncate", &r->truncate, err);
    if (status == TRIAD_OK) status = json_get_real(dict, "mscale", &mscale, err);
    if (status == TRIAD_OK) status = json_get_real(dict, "mscale_all_dim", &mscale_all_dim, err);
    if (status != TRIAD_OK) return status;
    if (r->beta_fast == 0) r->beta_fast = 32;
    if (r->beta_slow == 0) r->beta_slow = 1;
    if (strcmp(type, "default") == 0)
        r->type = ROPE_DEFAULT;
    else if (strcmp(type, "linear") == 0)
        r->type = ROPE_LINEAR;
    else if (strcmp(type, "llama3") == 0)
        r->type = ROPE_LLAMA3;
    else if (strcmp(type, "yarn") == 0)
        r->type = ROPE_YARN;
    else
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "config: rope type \"%.60s\" is not supported", type);
    if (r->type == ROPE_DEFAULT) r->factor = 1;
    if (r->type == ROPE_YARN && r->factor == 0) r->factor = (double)m->max_tokens / r->original;
    if (r->type == ROPE_YARN) {
        r->attention_factor = rope_yarn_factor(r->factor, mscale, mscale_all_dim);
        status = json_get_real(dict, "attention_factor", &r->attention_factor, err);
    }
    return status;
}

/* Only a window that a sentence can outgrow matters. */
static triad_status read_window(decoder *m, json_object *config, triad_error *err)
{
    bool wanted = false;
    size_t window = MAX_POSITIONS;
    triad_status status = json_get_bool(config, "use_sliding_window", &wanted, err);
    if (status == TRIAD_OK && wanted) status = want_size(config, "sliding_window", MAX_POSITIONS, &window, false, err);
    if (wanted && window < m->max_tokens) m->max_tokens = window;
    return status;
}

triad_status decoder_from_config(decoder *m, json_object *config, checkpoint *file, triad_error *err)
{
    const char *type = NULL, *activation = "silu";
    triad_status status = json_want_string(config, "model_type", &type, err);
    if (status != TRIAD_OK) return status;
    m->family = strcmp(type, "qwen2") == 0 ? "qwen2" : strcmp(type, "qwen3") == 0 ? "qwen3" : "llama";
    m->vocabulary = 32000;
    m->width = 4096;
    m->feed_forward = 11008;
    m->layers = m->heads = 32;
    m->max_tokens = m->family[0] == 'q' ? 32768 : 2048;
    m->epsilon = 1e-6;
    if (status == TRIAD_OK) status = want_size(config, "vocab_size", MAX_VOCABULARY, &m->vocabulary, true, err);
    if (status == TRIAD_OK) status = want_size(config, "hidden_size", MAX_WIDTH, &m->width, true, err);
    if (status == TRIAD_OK) status = want_size(config, "intermediate_size", MAX_WIDTH, &m->feed_forward, true, err);
    if (status == TRIAD_OK) status = want_size(config, "num_hidden_layers", MAX_LAYERS, &m->layers, true, err);
    if (status == TRIAD_OK) status = want_size(config, "num_attention_heads", MAX_WIDTH, &m->heads, true, err);
    m->kv_heads = m->heads;
    m->head_dim = m->width / (m->heads > 0 ? m->heads : 1);
    if (status == TRIAD_OK) status = want_size(config, "num_key_value_heads", MAX_WIDTH, &m->kv_heads, false, err);
    if (status == TRIAD_OK) status = want_size(config, "head_dim", MAX_WIDTH, &m->head_dim, false, err);
    if (status == TRIAD_OK)
        status = want_size(config, "max_position_embeddings", MAX_POSITIONS, &m->max_tokens, false, err);
    if (status == TRIAD_OK) status = json_get_real(config, "rms_norm_eps", &m->epsilon, err);
    if (status == TRIAD_OK) status = json_get_string(config, "hidden_act", &activation, err);
    if (status == TRIAD_OK && strcmp(activation, "silu") != 0)
        status = triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                            "config: hidden_act \"%.60s\" is not supported in a %s model", activation, m->family);
    bool attention_bias = false;
    if (status == TRIAD_OK) status = json_get_bool(config, "attention_bias", &attention_bias, err);
    if (status == TRIAD_OK) status = json_get_bool(config, "mlp_bias", &m->mlp_bias, err);
    m->qkv_bias = strcmp(m->family, "qwen2") == 0 || attention_bias;
    m->o_bias = strcmp(m->family, "qwen2") != 0 && attention_bias;
    m->head_norm = strcmp(m->family, "qwen3") == 0;
    if (status == TRIAD_OK && m->head_dim == 0)
        status =
            triad_fail(err, TRIAD_ERR_FORMAT, -1, "config: hidden_size %zu is less than %zu heads", m->width, m->heads);
    m->turn = rope_plain(m->head_dim);
    if (status == TRIAD_OK) status = read_rope(m, config, err);
    if (status == TRIAD_OK) status = read_window(m, config, err);
    if (status == TRIAD_OK) status = check_shape(m, err);
    if (status != TRIAD_OK) return status;
    /* Exports of the bare model lack the prefix. */
    const char *base = checkpoint_find(file, "model.embed_tokens.weight") != NULL ||
                               checkpoint_find(file, "embed_tokens.weight") == NULL
                           ? "model."
                           : "";
    return take_tensors(m, file, &HUGGING_FACE, base, err);
}

/* ---- GGUF */
static triad_status gguf_size(const gguf *file, const char *architecture, const char *key, int64_t most, size_t *value,
                              bool needed, triad_error *err)
{
    char name[96];
    snprintf(name, sizeof name, "%.40s.%s", architecture, key);
    int64_t number;
    if (!gguf_has(file, name))
        return needed ? triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "gguf: key %s is missing", name) : TRIAD_OK;
    if (!gguf_get_int(file, name, &number))
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "gguf: key %s is not one integer", name);
    if (number < 1 || number > most)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "gguf: %s is %lld, outside [1, %lld]", name, (long long)number,
                          (long long)most);
    *value = (size_t)number;
    return TRIAD_OK;
}

static triad_status gguf_real(const gguf *file, const char *architecture, const char *key, double *value, bool needed,
                              triad_error *err)
{
    char name[96];
    snprintf(name, sizeof name, "%.40s.%s", architecture, key);
    if (!gguf_has(file, name))
        return needed ? triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "gguf: key %s is missing", name) : TRIAD_OK;
    return gguf_get_real(file, name, value)
               ? TRIAD_OK
               : triad_fail(err, TRIAD_ERR_FORMAT, -1, "gguf: key %s is not a number", name);
}

static triad_status read_gguf_rope(decoder *m, const gguf *file, const char *architecture, triad_error *err)
{
    rope *r = &m->turn;
    size_t dim = m->head_dim;
    triad_status status = gguf_size(file, architecture, "rope.dimension_count", MAX_WIDTH, &dim, false, err);
    if (status == TRIAD_OK && dim != m->head_dim)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                          "gguf: rope over %zu of %zu numbers of a head is not supported", dim, m->head_dim);
    if (status == TRIAD_OK) status = gguf_real(file, architecture, "rope.freq_base", &r->base, false, err);
    char name[96];
    const char *type;
    size_t size;
    snprintf(name, sizeof name, "%.40s.rope.scaling.type", architecture);
    if (status != TRIAD_OK || !gguf_get_string(file, name, &type, &size)) return status;
    if (size == 4 && memcmp(type, "none", 4) == 0) return TRIAD_OK;
    r->original = (double)m->max_tokens;
    status = gguf_real(file, architecture, "rope.scaling.factor", &r->factor, true, err);
    if (status == TRIAD_OK)
        status = gguf_real(file, architecture, "rope.scaling.original_context_length", &r->original, false, err);
    if (size == 6 && memcmp(type, "linear", 6) == 0)
        r->type = ROPE_LINEAR;
    else if (size == 4 && memcmp(type, "yarn", 4) == 0)
        r->type = ROPE_YARN;
    else
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "gguf: rope scaling \"%.*s\" is not supported",
                          (int)(size < 60 ? size : 60), type);
    if (r->type == ROPE_YARN) {
        double scale = 1;
        if (status == TRIAD_OK) status = gguf_real(file, architecture, "rope.scaling.attn_factor", &scale, false, err);
        r->attention_factor = scale * rope_yarn_factor(r->factor, 0, 0);
    }
    return status;
}

triad_status decoder_from_gguf(decoder *m, const char *architecture, checkpoint *file, triad_error *err)
{
    const gguf *g = file->single;
    const bool qwen2 = strcmp(architecture, "qwen2") == 0, qwen3 = strcmp(architecture, "qwen3") == 0;
    m->family = qwen2 ? "qwen2" : qwen3 ? "qwen3" : "llama";
    m->adjacent_pairs = !qwen2 && !qwen3;
    m->qkv_bias = qwen2;
    m->head_norm = qwen3;
    size_t value_dim = 0;
    char key[96];
    snprintf(key, sizeof key, "%.40s.expert_count", architecture);
    int64_t count = 0;
    if (gguf_get_int(g, key, &count) && count > 0)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "gguf: architecture %s with %lld experts is not supported",
                          architecture, (long long)count);
    triad_status status = gguf_size(g, architecture, "block_count", MAX_LAYERS, &m->layers, true, err);
    if (status == TRIAD_OK) status = gguf_size(g, architecture, "embedding_length", MAX_WIDTH, &m->width, true, err);
    if (status == TRIAD_OK)
        status = gguf_size(g, architecture, "feed_forward_length", MAX_WIDTH, &m->feed_forward, true, err);
    if (status == TRIAD_OK)
        status = gguf_size(g, architecture, "attention.head_count", MAX_WIDTH, &m->heads, true, err);
    if (status == TRIAD_OK)
        status = gguf_size(g, architecture, "context_length", MAX_POSITIONS, &m->max_tokens, true, err);
    if (status == TRIAD_OK)
        status = gguf_real(g, architecture, "attention.layer_norm_rms_epsilon", &m->epsilon, true, err);
    if (status != TRIAD_OK) return status;
    m->kv_heads = m->heads;
    m->head_dim = m->width / m->heads;
    status = gguf_size(g, architecture, "attention.head_count_kv", MAX_WIDTH, &m->kv_heads, false, err);
    if (status == TRIAD_OK)
        status = gguf_size(g, architecture, "attention.key_length", MAX_WIDTH, &m->head_dim, false, err);
    value_dim = m->head_dim;
    if (status == TRIAD_OK)
        status = gguf_size(g, architecture, "attention.value_length", MAX_WIDTH, &value_dim, false, err);
    if (status == TRIAD_OK && value_dim != m->head_dim)
        status = triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                            "gguf: values of %zu numbers beside keys of %zu are not supported", value_dim, m->head_dim);
    if (status == TRIAD_OK && m->head_dim == 0)
        status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "gguf: embedding_length %zu is less than %zu heads", m->width,
                            m->heads);
    m->turn = rope_plain(m->head_dim);
    if (status == TRIAD_OK) status = read_gguf_rope(m, g, architecture, err);
    if (status == TRIAD_OK) status = check_shape(m, err);
    if (status != TRIAD_OK) return status;
    const tensor_view *embedding = checkpoint_find(file, "token_embd.weight");
    if (embedding == NULL || embedding->rank != 2 || embedding->shape[0] == 0 || embedding->shape[0] > MAX_VOCABULARY)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "gguf: tensor token_embd.weight is missing or not a table");
    m->vocabulary = embedding->shape[0];
    status = take_tensors(m, file, &GGUF, "", err);
    /* Llama 3's scaling as a table, in place of keys. */
    if (status == TRIAD_OK)
        status = checkpoint_take(&m->rope_divisors, file, false, 0, m->head_dim / 2, err, "rope_freqs.weight");
    return status;
}
