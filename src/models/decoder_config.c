/* What a decoder's config.json says. */
#include "models/decoder.h"

#include <math.h>
#include <string.h>

static triad_status want_size(json_object *o, const char *key, int64_t most, size_t *value, bool needed,
                              triad_error *err)
{
    int64_t number = (int64_t)*value;
    const triad_status status =
        needed ? json_want_int(o, key, 1, most, &number, err) : json_get_int(o, key, 1, most, &number, err);
    *value = (size_t)number;
    return status;
}

static triad_status get_count(json_object *o, const char *key, int64_t most, size_t *value, triad_error *err)
{
    int64_t number = (int64_t)*value;
    const triad_status status = json_get_int(o, key, 0, most, &number, err);
    *value = (size_t)number;
    return status;
}

static bool is_null(json_object *o, const char *key)
{
    json_object *value;
    return json_object_object_get_ex(o, key, &value) && value == NULL;
}

static triad_status rope_type_of(rope *r, const char *type, triad_error *err)
{
    static const char *const known[] = {
        [ROPE_DEFAULT] = "default", [ROPE_LINEAR] = "linear", [ROPE_LLAMA3] = "llama3", [ROPE_YARN] = "yarn"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(type, known[i]) != 0) continue;
        r->type = (rope_type)i;
        return TRIAD_OK;
    }
    return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "config: rope type \"%.60s\" is not supported", type);
}

/* Both spellings: rope_scaling beside rope_theta, and transformers 5's rope_parameters. */
static triad_status read_rope(decoder *m, json_object *config, triad_error *err)
{
    rope *r = &m->turn;
    json_object *dict = json_find(config, "rope_parameters", json_type_object);
    if (dict == NULL) dict = json_find(config, "rope_scaling", json_type_object);
    triad_status status = json_get_real(config, "rope_theta", &r->base, err);
    double partial = 1;
    if (status == TRIAD_OK) status = json_get_real(config, "partial_rotary_factor", &partial, err);
    if (status == TRIAD_OK && dict != NULL) status = json_get_real(dict, "partial_rotary_factor", &partial, err);
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
    if (status == TRIAD_OK) status = rope_type_of(r, type, err);
    if (status != TRIAD_OK) return status;
    if (r->beta_fast == 0) r->beta_fast = 32;
    if (r->beta_slow == 0) r->beta_slow = 1;
    if (r->type == ROPE_DEFAULT) r->factor = 1;
    if (r->type == ROPE_YARN && r->factor == 0) r->factor = (double)m->max_tokens / r->original;
    if (r->type == ROPE_YARN) {
        r->attention_factor = rope_yarn_factor(r->factor, mscale, mscale_all_dim);
        status = json_get_real(dict, "attention_factor", &r->attention_factor, err);
    }
    /* DeepSeek: scores grow with the stretch, whatever its kind. */
    if (m->mla.kv_rank > 0 && r->type != ROPE_DEFAULT && mscale_all_dim != 0) {
        const double more = rope_yarn_scale(r->factor, mscale_all_dim);
        m->attention_scale *= more * more;
    }
    return status;
}

/* Only a window that a sentence can outgrow matters. */
static triad_status read_window(decoder *m, json_object *config, triad_error *err)
{
    bool wanted = false;
    size_t window = DECODER_MAX_POSITIONS;
    triad_status status = json_get_bool(config, "use_sliding_window", &wanted, err);
    if (status == TRIAD_OK && wanted)
        status = want_size(config, "sliding_window", DECODER_MAX_POSITIONS, &window, false, err);
    if (wanted && window < m->max_tokens) m->max_tokens = window;
    return status;
}

/* FP8 in blocks is what DeepSeek ships; other quantisations of weights would be read as something that they are not. */
static triad_status read_quantization(json_object *config, checkpoint *file, triad_error *err)
{
    json_object *dict = json_find(config, "quantization_config", json_type_object), *block;
    if (dict == NULL) return TRIAD_OK;
    const char *method = "", *format = "e4m3";
    triad_status status = json_want_string(dict, "quant_method", &method, err);
    if (status == TRIAD_OK) status = json_get_string(dict, "fmt", &format, err);
    if (status != TRIAD_OK) return status;
    if (strcmp(method, "fp8") != 0 || strcmp(format, "e4m3") != 0)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "config: quantisation \"%.60s\" (%.20s) is not supported",
                          method, format);
    block = json_find(dict, "weight_block_size", json_type_array);
    if (block == NULL || json_object_array_length(block) != 2)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "config: FP8 without weight_block_size is not supported");
    for (size_t i = 0; i < 2; i++) {
        json_object *number = json_object_array_get_idx(block, i);
        const int64_t size = json_object_is_type(number, json_type_int) ? json_object_get_int64(number) : 0;
        if (size < 1 || size > DECODER_MAX_WIDTH)
            return triad_fail(err, TRIAD_ERR_RANGE, -1, "config: weight_block_size is no pair of sizes");
        *(i == 0 ? &file->fp8_rows : &file->fp8_columns) = (size_t)size;
    }
    return TRIAD_OK;
}

static triad_status read_latent(decoder *m, json_object *config, triad_error *err)
{
    latent *a = &m->mla;
    *a = (latent){
        .q_rank = is_null(config, "q_lora_rank") ? 0 : 1536, .kv_rank = 512, .nope = 128, .rope = 64, .value = 128};
    triad_status status =
        a->q_rank == 0 ? TRIAD_OK : want_size(config, "q_lora_rank", DECODER_MAX_WIDTH, &a->q_rank, false, err);
    if (status == TRIAD_OK) status = want_size(config, "kv_lora_rank", DECODER_MAX_WIDTH, &a->kv_rank, false, err);
    if (status == TRIAD_OK) status = want_size(config, "qk_nope_head_dim", DECODER_MAX_WIDTH, &a->nope, false, err);
    if (status == TRIAD_OK) status = want_size(config, "qk_rope_head_dim", DECODER_MAX_WIDTH, &a->rope, false, err);
    if (status == TRIAD_OK) status = want_size(config, "v_head_dim", DECODER_MAX_WIDTH, &a->value, false, err);
    m->head_dim = a->nope + a->rope;
    m->adjacent_pairs = true;
    if (status == TRIAD_OK && strcmp(m->family, "deepseek_v3") == 0)
        status = json_get_bool(config, "rope_interleave", &m->adjacent_pairs, err);
    return status;
}

static triad_status refuse_other(json_object *config, const char *key, const char *only, triad_error *err)
{
    const char *value = only;
    const triad_status status = json_get_string(config, key, &value, err);
    if (status != TRIAD_OK || strcmp(value, only) == 0) return status;
    return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "config: %s \"%.60s\" is not supported", key, value);
}

static triad_status read_routing(decoder *m, json_object *config, triad_error *err)
{
    const bool third = strcmp(m->family, "deepseek_v3") == 0;
    routing *r = &m->route;
    *r = third ? (routing){.experts = 256,
                           .used = 8,
                           .groups = 8,
                           .groups_used = 4,
                           .hidden = 2048,
                           .shared = 1,
                           .first = 3,
                           .sigmoid = true,
                           .normalise = true,
                           .scale = 2.5}
               : (routing){.experts = 64, .used = 1, .hidden = 1407, .shared = 2, .groups = 1, .scale = 1};
    r->groups_used = r->groups_used == 0 ? 1 : r->groups_used;
    const char *method = third ? "noaux_tc" : "greedy";
    size_t every = 1;
    triad_status status = want_size(config, "n_routed_experts", DECODER_MAX_EXPERTS, &r->experts, false, err);
    if (status == TRIAD_OK)
        status = want_size(config, "num_experts_per_tok", DECODER_MAX_EXPERTS, &r->used, !third, err);
    if (status == TRIAD_OK) status = json_get_string(config, "topk_method", &method, err);
    if (status == TRIAD_OK) status = refuse_other(config, "scoring_func", third ? "sigmoid" : "softmax", err);
    const bool grouped = third || strcmp(method, "group_limited_greedy") == 0;
    if (status == TRIAD_OK && strcmp(method, third ? "noaux_tc" : grouped ? "group_limited_greedy" : "greedy") != 0)
        status = triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                            "config: topk_method \"%.60s\" is not supported in a %s model", method, m->family);
    if (status == TRIAD_OK && grouped)
        status = want_size(config, "n_group", DECODER_MAX_EXPERTS, &r->groups, !third, err);
    if (status == TRIAD_OK && grouped)
        status = want_size(config, "topk_group", DECODER_MAX_EXPERTS, &r->groups_used, !third, err);
    if (status == TRIAD_OK)
        status = want_size(config, "moe_intermediate_size", DECODER_MAX_WIDTH, &r->hidden, false, err);
    if (status == TRIAD_OK) status = get_count(config, "n_shared_experts", 64, &r->shared, err);
    if (is_null(config, "n_shared_experts")) r->shared = 0;
    if (status == TRIAD_OK) status = get_count(config, "first_k_dense_replace", DECODER_MAX_LAYERS, &r->first, err);
    if (status == TRIAD_OK) status = want_size(config, "moe_layer_freq", DECODER_MAX_LAYERS, &every, false, err);
    if (status == TRIAD_OK) status = json_get_real(config, "routed_scaling_factor", &r->scale, err);
    /* transformers' V2 has no code for norm_topk_prob. */
    if (status == TRIAD_OK && third) status = json_get_bool(config, "norm_topk_prob", &r->normalise, err);
    if (status == TRIAD_OK && every != 1)
        status = triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "config: moe_layer_freq %zu is not supported", every);
    return status;
}

static triad_status read_sizes(decoder *m, json_object *config, triad_error *err)
{
    triad_status status = want_size(config, "vocab_size", DECODER_MAX_VOCABULARY, &m->vocabulary, true, err);
    if (status == TRIAD_OK) status = want_size(config, "hidden_size", DECODER_MAX_WIDTH, &m->width, true, err);
    if (status == TRIAD_OK)
        status = want_size(config, "intermediate_size", DECODER_MAX_WIDTH, &m->feed_forward, true, err);
    if (status == TRIAD_OK) status = want_size(config, "num_hidden_layers", DECODER_MAX_LAYERS, &m->layers, true, err);
    if (status == TRIAD_OK) status = want_size(config, "num_attention_heads", DECODER_MAX_WIDTH, &m->heads, true, err);
    if (status != TRIAD_OK) return status;
    m->kv_heads = m->heads;
    status = want_size(config, "num_key_value_heads", DECODER_MAX_WIDTH, &m->kv_heads, false, err);
    if (status == TRIAD_OK)
        status = want_size(config, "max_position_embeddings", DECODER_MAX_POSITIONS, &m->max_tokens, false, err);
    if (status == TRIAD_OK) status = json_get_real(config, "rms_norm_eps", &m->epsilon, err);
    return status;
}

triad_status decoder_from_config(decoder *m, json_object *config, checkpoint *file, triad_error *err)
{
    static const char *const families[] = {"llama", "qwen2", "qwen3", "deepseek_v2", "deepseek_v3"};
    const char *type = NULL, *activation = "silu";
    triad_status status = json_want_string(config, "model_type", &type, err);
    if (status != TRIAD_OK) return status;
    m->family = families[0];
    for (size_t i = 1; i < sizeof families / sizeof *families; i++)
        if (strcmp(type, families[i]) == 0) m->family = families[i];
    const bool qwen2 = strcmp(m->family, "qwen2") == 0, deepseek = m->family[0] == 'd';
    m->head_norm = strcmp(m->family, "qwen3") == 0;
    m->max_tokens = m->family[0] == 'q' ? 32768 : strcmp(m->family, "deepseek_v3") == 0 ? 4096 : 2048;
    m->epsilon = 1e-6;
    bool attention_bias = false;
    status = read_quantization(config, file, err);
    if (status == TRIAD_OK) status = read_sizes(m, config, err);
    if (status == TRIAD_OK) status = json_get_string(config, "hidden_act", &activation, err);
    if (status == TRIAD_OK && strcmp(activation, "silu") != 0)
        status = triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                            "config: hidden_act \"%.60s\" is not supported in a %s model", activation, m->family);
    if (status == TRIAD_OK) status = json_get_bool(config, "attention_bias", &attention_bias, err);
    if (status == TRIAD_OK) status = json_get_bool(config, "mlp_bias", &m->mlp_bias, err);
    if (status != TRIAD_OK) return status;
    m->qkv_bias = qwen2 || attention_bias;
    m->o_bias = !qwen2 && attention_bias;
    if (deepseek) {
        status = read_latent(m, config, err);
        if (status == TRIAD_OK) status = read_routing(m, config, err);
    } else {
        m->head_dim = m->width / m->heads;
        status = want_size(config, "head_dim", DECODER_MAX_WIDTH, &m->head_dim, false, err);
        if (status == TRIAD_OK && m->head_dim == 0)
            status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "config: hidden_size %zu is less than %zu heads", m->width,
                                m->heads);
    }
    if (status != TRIAD_OK) return status;
    m->turn = rope_plain(deepseek ? m->mla.rope : m->head_dim);
    m->attention_scale = 1 / sqrt((double)m->head_dim);
    status = read_rope(m, config, err);
    if (status == TRIAD_OK) status = read_window(m, config, err);
    if (status == TRIAD_OK) status = decoder_check(m, err);
    if (status != TRIAD_OK) return status;
    /* Exports of the bare model lack the prefix. */
    const char *base = checkpoint_find(file, "model.embed_tokens.weight") != NULL ||
                               checkpoint_find(file, "embed_tokens.weight") == NULL
                           ? "model."
                           : "";
    return decoder_take_tensors(m, file, DECODER_HUGGING_FACE, base, err);
}
