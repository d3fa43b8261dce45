/* What the keys of a decoder's GGUF say. */
#include "models/decoder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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

static triad_status read_rope(decoder *m, const gguf *file, const char *architecture, triad_error *err)
{
    rope *r = &m->turn;
    size_t dim = r->dim;
    triad_status status = gguf_size(file, architecture, "rope.dimension_count", DECODER_MAX_WIDTH, &dim, false, err);
    if (status == TRIAD_OK && dim != r->dim)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                          "gguf: rope over %zu of %zu numbers of a head is not supported", dim, r->dim);
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
    if (status != TRIAD_OK) return status;
    if (size == 6 && memcmp(type, "linear", 6) == 0) {
        r->type = ROPE_LINEAR;
        return TRIAD_OK;
    }
    if (size != 4 || memcmp(type, "yarn", 4) != 0)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "gguf: rope scaling \"%.*s\" is not supported",
                          (int)(size < 60 ? size : 60), type);
    r->type = ROPE_YARN;
    double scale = 1, multiplier = 0;
    status = gguf_real(file, architecture, "rope.scaling.attn_factor", &scale, false, err);
    if (status == TRIAD_OK)
        status = gguf_real(file, architecture, "rope.scaling.yarn_log_multiplier", &multiplier, false, err);
    r->attention_factor = scale * rope_yarn_factor(r->factor, 0, 0);
    if (m->mla.kv_rank == 0) return status;
    /* deepseek2: 0.1 mscale_all_dim, and cos and sin stay what they are (mscale is the same in every published file) */
    const double more = 1 + multiplier * log(r->factor);
    r->attention_factor = 1;
    if (r->factor > 1) m->attention_scale *= more * more;
    if (status == TRIAD_OK && scale != 1)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "gguf: rope.scaling.attn_factor %g is not supported here",
                          scale);
    return status;
}

static triad_status read_latent(decoder *m, const gguf *file, const char *architecture, triad_error *err)
{
    latent *a = &m->mla;
    size_t key = 0, value = 0;
    triad_status status =
        gguf_size(file, architecture, "attention.kv_lora_rank", DECODER_MAX_WIDTH, &a->kv_rank, true, err);
    if (status == TRIAD_OK)
        status = gguf_size(file, architecture, "attention.q_lora_rank", DECODER_MAX_WIDTH, &a->q_rank, false, err);
    if (status == TRIAD_OK)
        status = gguf_size(file, architecture, "rope.dimension_count", DECODER_MAX_WIDTH, &a->rope, true, err);
    /* Since 2025-04 key_length and value_length are those of the latent; the heads' own stand in keys of their own. */
    if (status == TRIAD_OK)
        status = gguf_size(file, architecture, "attention.key_length_mla", DECODER_MAX_WIDTH, &key, false, err);
    if (status == TRIAD_OK && key == 0)
        status = gguf_size(file, architecture, "attention.key_length", DECODER_MAX_WIDTH, &key, true, err);
    if (status == TRIAD_OK)
        status = gguf_size(file, architecture, "attention.value_length_mla", DECODER_MAX_WIDTH, &value, false, err);
    if (status == TRIAD_OK && value == 0)
        status = gguf_size(file, architecture, "attention.value_length", DECODER_MAX_WIDTH, &value, true, err);
    if (status == TRIAD_OK && key <= a->rope)
        status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "gguf: keys of %zu numbers, %zu of which turn", key, a->rope);
    if (status != TRIAD_OK) return status;
    a->nope = key - a->rope;
    a->value = value;
    m->head_dim = key;
    m->kv_heads = m->heads;
    return TRIAD_OK;
}

static triad_status read_routing(decoder *m, const gguf *file, const char *architecture, triad_error *err)
{
    routing *r = &m->route;
    size_t gating = 1;
    char name[96];
    int64_t number;
    *r = (routing){.groups = 1, .groups_used = 1, .scale = 1};
    triad_status status = gguf_size(file, architecture, "expert_count", DECODER_MAX_EXPERTS, &r->experts, true, err);
    if (status == TRIAD_OK)
        status = gguf_size(file, architecture, "expert_used_count", DECODER_MAX_EXPERTS, &r->used, true, err);
    if (status == TRIAD_OK)
        status = gguf_size(file, architecture, "expert_feed_forward_length", DECODER_MAX_WIDTH, &r->hidden, true, err);
    if (status == TRIAD_OK) status = gguf_size(file, architecture, "expert_gating_func", 255, &gating, false, err);
    if (status == TRIAD_OK) status = gguf_real(file, architecture, "expert_weights_scale", &r->scale, false, err);
    if (status == TRIAD_OK && gating > 2)
        status = triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "gguf: expert_gating_func %zu is not supported", gating);
    if (status != TRIAD_OK) return status;
    r->sigmoid = gating == 2;
    if (r->scale == 0) r->scale = 1;
    snprintf(name, sizeof name, "%.40s.expert_shared_count", architecture);
    if (gguf_get_int(file, name, &number) && number > 0 && number <= 64) r->shared = (size_t)number;
    snprintf(name, sizeof name, "%.40s.leading_dense_block_count", architecture);
    if (gguf_get_int(file, name, &number) && number > 0 && number <= DECODER_MAX_LAYERS) r->first = (size_t)number;
    snprintf(name, sizeof name, "%.40s.expert_weights_norm", architecture);
    (void)gguf_get_bool(file, name, &r->normalise);
    /* Files from before these keys: the two models that choose among groups are known by their sizes. */
    if (r->experts == 256 && r->used == 8 && r->sigmoid) r->groups = 8, r->groups_used = 4;
    if (r->experts == 160 && r->used == 6 && !r->sigmoid) r->groups = 8, r->groups_used = 3;
    status = gguf_size(file, architecture, "expert_group_count", DECODER_MAX_EXPERTS, &r->groups, false, err);
    if (status == TRIAD_OK)
        status =
            gguf_size(file, architecture, "expert_group_used_count", DECODER_MAX_EXPERTS, &r->groups_used, false, err);
    return status;
}

static triad_status read_heads(decoder *m, const gguf *g, const char *architecture, triad_error *err)
{
    size_t value = 0;
    m->kv_heads = m->heads;
    m->head_dim = m->width / m->heads;
    triad_status status =
        gguf_size(g, architecture, "attention.head_count_kv", DECODER_MAX_WIDTH, &m->kv_heads, false, err);
    if (status == TRIAD_OK)
        status = gguf_size(g, architecture, "attention.key_length", DECODER_MAX_WIDTH, &m->head_dim, false, err);
    value = m->head_dim;
    if (status == TRIAD_OK)
        status = gguf_size(g, architecture, "attention.value_length", DECODER_MAX_WIDTH, &value, false, err);
    if (status == TRIAD_OK && value != m->head_dim)
        status = triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                            "gguf: values of %zu numbers beside keys of %zu are not supported", value, m->head_dim);
    if (status == TRIAD_OK && m->head_dim == 0)
        status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "gguf: embedding_length %zu is less than %zu heads", m->width,
                            m->heads);
    return status;
}

triad_status decoder_from_gguf(decoder *m, const char *architecture, checkpoint *file, triad_error *err)
{
    const gguf *g = file->single;
    const bool qwen2 = strcmp(architecture, "qwen2") == 0, qwen3 = strcmp(architecture, "qwen3") == 0;
    const bool deepseek = strcmp(architecture, "deepseek2") == 0;
    m->adjacent_pairs = !qwen2 && !qwen3;
    m->qkv_bias = qwen2;
    m->head_norm = qwen3;
    char key[96];
    snprintf(key, sizeof key, "%.40s.expert_count", architecture);
    int64_t count = 0;
    if (!deepseek && gguf_get_int(g, key, &count) && count > 0)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "gguf: architecture %s with %lld experts is not supported",
                          architecture, (long long)count);
    triad_status status = gguf_size(g, architecture, "block_count", DECODER_MAX_LAYERS, &m->layers, true, err);
    if (status == TRIAD_OK)
        status = gguf_size(g, architecture, "embedding_length", DECODER_MAX_WIDTH, &m->width, true, err);
    if (status == TRIAD_OK)
        status = gguf_size(g, architecture, "feed_forward_length", DECODER_MAX_WIDTH, &m->feed_forward, true, err);
    if (status == TRIAD_OK)
        status = gguf_size(g, architecture, "attention.head_count", DECODER_MAX_WIDTH, &m->heads, true, err);
    if (status == TRIAD_OK)
        status = gguf_size(g, architecture, "context_length", DECODER_MAX_POSITIONS, &m->max_tokens, true, err);
    if (status == TRIAD_OK)
        status = gguf_real(g, architecture, "attention.layer_norm_rms_epsilon", &m->epsilon, true, err);
    if (status == TRIAD_OK && deepseek) status = read_routing(m, g, architecture, err);
    if (status == TRIAD_OK)
        status = deepseek ? read_latent(m, g, architecture, err) : read_heads(m, g, architecture, err);
    if (status != TRIAD_OK) return status;
    m->family = qwen2              ? "qwen2"
                : qwen3            ? "qwen3"
                : !deepseek        ? "llama"
                : m->route.sigmoid ? "deepseek_v3"
                                   : "deepseek_v2";
    m->turn = rope_plain(deepseek ? m->mla.rope : m->head_dim);
    m->attention_scale = 1 / sqrt((double)m->head_dim);
    status = read_rope(m, g, architecture, err);
    if (status == TRIAD_OK) status = decoder_check(m, err);
    if (status != TRIAD_OK) return status;
    const tensor_view *embedding = checkpoint_find(file, "token_embd.weight");
    if (embedding == NULL || embedding->rank != 2 || embedding->shape[0] == 0 ||
        embedding->shape[0] > DECODER_MAX_VOCABULARY)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "gguf: tensor token_embd.weight is missing or not a table");
    m->vocabulary = embedding->shape[0];
    status = decoder_take_tensors(m, file, DECODER_GGUF, "", err);
    /* Llama 3's scaling as a table, in place of keys. */
    if (status == TRIAD_OK)
        status = checkpoint_take(&m->rope_divisors, file, false, 0, m->turn.dim / 2, err, "rope_freqs.weight");
    return status;
}
