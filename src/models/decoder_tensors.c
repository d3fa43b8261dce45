/* Where a decoder's tensors lie. */
#include "models/decoder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

triad_status decoder_check(decoder *m, triad_error *err)
{
    const latent *l = &m->mla;
    const routing *r = &m->route;
    if (m->heads % m->kv_heads != 0)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "config: %zu heads are not a multiple of %zu key and value heads",
                          m->heads, m->kv_heads);
    if (m->turn.dim == 0 || m->turn.dim % 2 != 0)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "config: head_dim %zu is not even", m->turn.dim);
    if (!(m->epsilon > 0 && m->epsilon < 1))
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "config: the norms' epsilon %g is out of range", m->epsilon);
    if (!(m->turn.base > 1 && m->turn.base < 1e15 && m->turn.factor > 0 && m->turn.factor < 1e6 &&
          m->turn.original > 0))
        return triad_fail(err, TRIAD_ERR_RANGE, -1,
                          "config: rope base %g, factor %g or original positions %g out of range", m->turn.base,
                          m->turn.factor, m->turn.original);
    if (!(m->turn.attention_factor > 0 && m->turn.attention_factor < 1e6 && m->attention_scale > 0 &&
          m->attention_scale < 1e6))
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "config: the attention's factor %g or scale %g is out of range",
                          m->turn.attention_factor, m->attention_scale);
    if (l->kv_rank > 0 && m->kv_heads != m->heads)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                          "config: latent attention with %zu heads and %zu key and value heads is not supported",
                          m->heads, m->kv_heads);
    if (r->experts == 0) return TRIAD_OK;
    if (r->used == 0 || r->used > r->experts || r->groups == 0 || r->experts % r->groups != 0 || r->groups_used == 0 ||
        r->groups_used > r->groups || r->used > r->groups_used * (r->experts / r->groups))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1,
                          "config: %zu of %zu experts out of %zu of %zu groups can't be chosen", r->used, r->experts,
                          r->groups_used, r->groups);
    if (r->sigmoid && r->groups_used < r->groups && r->experts / r->groups < 2)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "config: groups of one expert have no two best");
    if (!(fabs(r->scale) < 1e6))
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "config: routed_scaling_factor %g is out of range", r->scale);
    return TRIAD_OK;
}

typedef struct names {
    const char *embedding, *final_norm, *layers;
    const char *attention_norm, *q, *k, *v, *o, *ffn_norm, *gate, *up, *down, *q_norm, *k_norm;
    const char *q_a, *q_a_norm, *q_b, *kv_a, *kv_a_norm, *kv_b;
    const char *router, *router_bias, *shared_gate, *shared_up, *shared_down;
} names;

static const names NAMES[] = {
    [DECODER_HUGGING_FACE] = {.embedding = "embed_tokens.weight",
                              .final_norm = "norm.weight",
                              .layers = "layers.",
                              .attention_norm = "input_layernorm",
                              .q = "self_attn.q_proj",
                              .k = "self_attn.k_proj",
                              .v = "self_attn.v_proj",
                              .o = "self_attn.o_proj",
                              .ffn_norm = "post_attention_layernorm",
                              .gate = "mlp.gate_proj",
                              .up = "mlp.up_proj",
                              .down = "mlp.down_proj",
                              .q_norm = "self_attn.q_norm",
                              .k_norm = "self_attn.k_norm",
                              .q_a = "self_attn.q_a_proj",
                              .q_a_norm = "self_attn.q_a_layernorm",
                              .q_b = "self_attn.q_b_proj",
                              .kv_a = "self_attn.kv_a_proj_with_mqa",
                              .kv_a_norm = "self_attn.kv_a_layernorm",
                              .kv_b = "self_attn.kv_b_proj",
                              .router = "mlp.gate",
                              .router_bias = "mlp.gate.e_score_correction_bias",
                              .shared_gate = "mlp.shared_experts.gate_proj",
                              .shared_up = "mlp.shared_experts.up_proj",
                              .shared_down = "mlp.shared_experts.down_proj"},
    [DECODER_GGUF] = {.embedding = "token_embd.weight",
                      .final_norm = "output_norm.weight",
                      .layers = "blk.",
                      .attention_norm = "attn_norm",
                      .q = "attn_q",
                      .k = "attn_k",
                      .v = "attn_v",
                      .o = "attn_output",
                      .ffn_norm = "ffn_norm",
                      .gate = "ffn_gate",
                      .up = "ffn_up",
                      .down = "ffn_down",
                      .q_norm = "attn_q_norm",
                      .k_norm = "attn_k_norm",
                      .q_a = "attn_q_a",
                      .q_a_norm = "attn_q_a_norm",
                      .q_b = "attn_q_b",
                      .kv_a = "attn_kv_a_mqa",
                      .kv_a_norm = "attn_kv_a_norm",
                      .kv_b = "attn_kv_b",
                      .router = "ffn_gate_inp",
                      .router_bias = "exp_probs_b.bias",
                      .shared_gate = "ffn_gate_shexp",
                      .shared_up = "ffn_up_shexp",
                      .shared_down = "ffn_down_shexp"},
};

/* One layer's reading. */
typedef struct taking {
    decoder *m;
    decoder_layer *l;
    checkpoint *file;
    const names *name;
    decoder_naming naming;
    char prefix[64];
} taking;

static triad_status take(const taking *t, linear *l, const char *name, size_t out, size_t in, bool biased,
                         triad_error *err)
{
    const bias_rule rule = biased ? BIAS_NEEDED : t->naming == DECODER_GGUF ? BIAS_OPTIONAL : BIAS_NONE;
    return linear_take(l, t->file, t->prefix, name, out, in, rule, err);
}

static triad_status take_norm(const taking *t, const tensor_view **norm, const char *name, size_t width,
                              triad_error *err)
{
    return checkpoint_take(norm, t->file, true, 0, width, err, "%s%s.weight", t->prefix, name);
}

static triad_status take_swiglu(const taking *t, swiglu *s, const char *gate, const char *up, const char *down,
                                size_t hidden, bool biased, triad_error *err)
{
    const size_t d = t->m->width;
    s->hidden = hidden;
    triad_status status = take(t, &s->gate, gate, hidden, d, biased, err);
    if (status == TRIAD_OK) status = take(t, &s->up, up, hidden, d, biased, err);
    if (status == TRIAD_OK) status = take(t, &s->down, down, d, hidden, biased, err);
    return status;
}

static triad_status take_grouped(const taking *t, triad_error *err)
{
    const decoder *m = t->m;
    decoder_layer *l = t->l;
    const size_t d = m->width, q = m->heads * m->head_dim, kv = m->kv_heads * m->head_dim;
    triad_status status = take(t, &l->q, t->name->q, q, d, m->qkv_bias, err);
    if (status == TRIAD_OK) status = take(t, &l->k, t->name->k, kv, d, m->qkv_bias, err);
    if (status == TRIAD_OK) status = take(t, &l->v, t->name->v, kv, d, m->qkv_bias, err);
    if (status == TRIAD_OK) status = take(t, &l->o, t->name->o, d, q, m->o_bias, err);
    if (status == TRIAD_OK && m->head_norm) status = take_norm(t, &l->q_norm, t->name->q_norm, m->head_dim, err);
    if (status == TRIAD_OK && m->head_norm) status = take_norm(t, &l->k_norm, t->name->k_norm, m->head_dim, err);
    return status;
}

static triad_status take_latent(const taking *t, triad_error *err)
{
    const decoder *m = t->m;
    const latent *a = &m->mla;
    decoder_layer *l = t->l;
    const size_t d = m->width, key = m->heads * (a->nope + a->rope);
    triad_status status;
    if (a->q_rank == 0) {
        status = take(t, &l->q, t->name->q, key, d, false, err);
    } else {
        status = take(t, &l->q_a, t->name->q_a, a->q_rank, d, m->qkv_bias, err);
        if (status == TRIAD_OK) status = take_norm(t, &l->q_a_norm, t->name->q_a_norm, a->q_rank, err);
        if (status == TRIAD_OK) status = take(t, &l->q_b, t->name->q_b, key, a->q_rank, false, err);
    }
    if (status == TRIAD_OK) status = take(t, &l->kv_a, t->name->kv_a, a->kv_rank + a->rope, d, m->qkv_bias, err);
    if (status == TRIAD_OK) status = take_norm(t, &l->kv_a_norm, t->name->kv_a_norm, a->kv_rank, err);
    if (status == TRIAD_OK) status = take(t, &l->o, t->name->o, d, m->heads * a->value, m->o_bias, err);
    if (status != TRIAD_OK) return status;
    char split[96];
    snprintf(split, sizeof split, "%sattn_k_b.weight", t->prefix);
    if (t->naming != DECODER_GGUF || checkpoint_find(t->file, split) == NULL)
        return take(t, &l->kv_b, t->name->kv_b, m->heads * (a->nope + a->value), a->kv_rank, false, err);
    status = weight_take(&l->k_b, m->heads, t->file, a->kv_rank, a->nope, err, "%s", split);
    if (status == TRIAD_OK)
        status = weight_take(&l->v_b, m->heads, t->file, a->value, a->kv_rank, err, "%sattn_v_b.weight", t->prefix);
    return status;
}

/* GGUF: all experts of a kind in one tensor. */
static triad_status take_stacks(const taking *t, triad_error *err)
{
    const decoder *m = t->m;
    const routing *r = &m->route;
    weight_matrix gate, up, down;
    triad_status status =
        weight_take(&gate, r->experts, t->file, r->hidden, m->width, err, "%sffn_gate_exps.weight", t->prefix);
    if (status == TRIAD_OK)
        status = weight_take(&up, r->experts, t->file, r->hidden, m->width, err, "%sffn_up_exps.weight", t->prefix);
    if (status == TRIAD_OK)
        status = weight_take(&down, r->experts, t->file, m->width, r->hidden, err, "%sffn_down_exps.weight", t->prefix);
    for (size_t e = 0; e < r->experts && status == TRIAD_OK; e++)
        t->l->expert[e] = (swiglu){.hidden = r->hidden,
                                   .gate.w = weight_of_stack(&gate, e),
                                   .up.w = weight_of_stack(&up, e),
                                   .down.w = weight_of_stack(&down, e)};
    return status;
}

static triad_status take_experts(const taking *t, triad_error *err)
{
    const decoder *m = t->m;
    const routing *r = &m->route;
    decoder_layer *l = t->l;
    triad_status status =
        weight_take(&l->router.w, 0, t->file, r->experts, m->width, err, "%s%s.weight", t->prefix, t->name->router);
    if (status == TRIAD_OK)
        status = checkpoint_take(&l->router_bias, t->file, r->sigmoid && t->naming == DECODER_HUGGING_FACE, 0,
                                 r->experts, err, "%s%s", t->prefix, t->name->router_bias);
    if (status == TRIAD_OK && r->shared > 0)
        status = take_swiglu(t, &l->shared, t->name->shared_gate, t->name->shared_up, t->name->shared_down,
                             r->shared * r->hidden, m->mlp_bias, err);
    if (status == TRIAD_OK && (l->expert = calloc(r->experts, sizeof *l->expert)) == NULL)
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    if (status == TRIAD_OK && t->naming == DECODER_GGUF) return take_stacks(t, err);
    for (size_t e = 0; e < r->experts && status == TRIAD_OK; e++) {
        char gate[64], up[64], down[64];
        snprintf(gate, sizeof gate, "mlp.experts.%zu.gate_proj", e);
        snprintf(up, sizeof up, "mlp.experts.%zu.up_proj", e);
        snprintf(down, sizeof down, "mlp.experts.%zu.down_proj", e);
        status = take_swiglu(t, &l->expert[e], gate, up, down, r->hidden, false, err);
    }
    return status;
}

static triad_status take_layer(taking *t, size_t i, triad_error *err)
{
    decoder *m = t->m;
    triad_status status = take_norm(t, &t->l->attention_norm, t->name->attention_norm, m->width, err);
    if (status == TRIAD_OK) status = take_norm(t, &t->l->ffn_norm, t->name->ffn_norm, m->width, err);
    if (status == TRIAD_OK) status = m->mla.kv_rank > 0 ? take_latent(t, err) : take_grouped(t, err);
    if (status != TRIAD_OK) return status;
    if (m->route.experts == 0 || i < m->route.first)
        return take_swiglu(t, &t->l->dense, t->name->gate, t->name->up, t->name->down, m->feed_forward, m->mlp_bias,
                           err);
    return take_experts(t, err);
}

triad_status decoder_take_tensors(decoder *m, checkpoint *file, decoder_naming naming, const char *base,
                                  triad_error *err)
{
    taking t = {.m = m, .file = file, .naming = naming, .name = &NAMES[naming]};
    m->layer = calloc(m->layers, sizeof *m->layer);
    if (m->layer == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    triad_status status =
        checkpoint_take(&m->embedding, file, true, m->vocabulary, m->width, err, "%s%s", base, t.name->embedding);
    if (status == TRIAD_OK)
        status = checkpoint_take(&m->final_norm, file, true, 0, m->width, err, "%s%s", base, t.name->final_norm);
    for (size_t i = 0; i < m->layers && status == TRIAD_OK; i++) {
        t.l = &m->layer[i];
        snprintf(t.prefix, sizeof t.prefix, "%s%s%zu.", base, t.name->layers, i);
        status = take_layer(&t, i, err);
    }
    if (status != TRIAD_OK) return status;
    /* inv_freq: computed from the configuration, as transformers does. */
    char layers[32];
    snprintf(layers, sizeof layers, "%s%s", base, t.name->layers);
    return checkpoint_layers_taken(file, layers, m->layers, "rotary_emb.inv_freq", err);
}

void decoder_free(decoder *m)
{
    for (size_t i = 0; i < m->layers && m->layer != NULL; i++) free(m->layer[i].expert);
    free(m->layer);
    memset(m, 0, sizeof *m);
}
