/* BLIP: a ViT of pre-norm blocks, and BERT with a cross-attention to the image in every block. Matching and
 * question-answering models read text in both directions (text_encoder), captioning models from the left
 * (text_decoder). */
#include "models/dual.h"

#include <stdio.h>
#include <string.h>

enum { MAX_VOCABULARY = 1 << 24, MAX_POSITIONS = 1 << 20, MAX_PROJECTED = 1 << 17 };

/* One BERT attention: KIND "attention" or "crossattention", keys and values from rows of `in` numbers. */
static triad_status take_attention(stack_weights *q, stack_weights *k, stack_weights *v, stack_weights *o,
                                   stack_weights *norm, checkpoint *file, const char *layer, const char *kind, size_t d,
                                   size_t in, triad_error *err)
{
    char prefix[128];
    snprintf(prefix, sizeof prefix, "%s%s.", layer, kind);
    triad_status status = stack_take_linear(q, file, prefix, "self.query", d, d, true, err);
    if (status == TRIAD_OK) status = stack_take_linear(k, file, prefix, "self.key", d, in, true, err);
    if (status == TRIAD_OK) status = stack_take_linear(v, file, prefix, "self.value", d, in, true, err);
    if (status == TRIAD_OK) status = stack_take_linear(o, file, prefix, "output.dense", d, d, true, err);
    return status == TRIAD_OK ? stack_take_norm(norm, file, prefix, "output.LayerNorm", d, err) : status;
}

static triad_status take_text_layers(stack *m, checkpoint *file, const char *tower, triad_error *err)
{
    const size_t d = m->width, f = m->feed_forward;
    triad_status status = TRIAD_OK;
    for (size_t i = 0; i < m->layers && status == TRIAD_OK; i++) {
        stack_layer *l = &m->layer[i];
        char prefix[80];
        snprintf(prefix, sizeof prefix, "%sencoder.layer.%zu.", tower, i);
        status = take_attention(&l->q, &l->k, &l->v, &l->o, &l->attention_norm, file, prefix, "attention", d, d, err);
        if (status == TRIAD_OK)
            status = take_attention(&l->cross_q, &l->cross_k, &l->cross_v, &l->cross_o, &l->cross_norm, file, prefix,
                                    "crossattention", d, m->context_width, err);
        if (status == TRIAD_OK) status = stack_take_linear(&l->up, file, prefix, "intermediate.dense", f, d, true, err);
        if (status == TRIAD_OK) status = stack_take_linear(&l->down, file, prefix, "output.dense", d, f, true, err);
        if (status == TRIAD_OK) status = stack_take_norm(&l->ffn_norm, file, prefix, "output.LayerNorm", d, err);
        if (status == TRIAD_OK) status = checkpoint_all_taken(file, prefix, NULL, err);
    }
    return status;
}

/* tower: "text_encoder." or "text_decoder.bert." */
static triad_status open_text(text_tower *t, json_object *config, size_t image_width, checkpoint *file,
                              const char *tower, triad_error *err)
{
    t->body = (stack){.layers = 12,
                      .width = 768,
                      .heads = 8, /* of transformers; the published models have 12, and say so in their files */
                      .feed_forward = 3072,
                      .context_width = image_width,
                      .epsilon = 1e-12,
                      .activation = STACK_GELU};
    t->vocabulary = 30524;
    t->max_tokens = 512;
    t->end = END_NONE;
    int64_t begin = 30522;
    const char *positions = "absolute";
    triad_status status = stack_from_config(&t->body, config, err);
    if (status == TRIAD_OK) status = dual_get_size(config, "vocab_size", MAX_VOCABULARY, &t->vocabulary, err);
    if (status == TRIAD_OK)
        status = dual_get_size(config, "max_position_embeddings", MAX_POSITIONS, &t->max_tokens, err);
    if (status == TRIAD_OK) status = json_get_string(config, "position_embedding_type", &positions, err);
    if (status == TRIAD_OK) status = json_get_int(config, "bos_token_id", 0, INT32_MAX, &begin, err);
    if (status != TRIAD_OK) return status;
    if (strcmp(positions, "absolute") != 0)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "config: position_embedding_type \"%.60s\" is not supported",
                          positions);
    if (t->causal && (size_t)begin >= t->vocabulary)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "config: bos_token_id %lld is outside the vocabulary of %zu",
                          (long long)begin, t->vocabulary);
    t->begin = t->causal ? (int32_t)begin : -1;
    const size_t d = t->body.width;
    char prefix[80];
    snprintf(prefix, sizeof prefix, "%sembeddings.", tower);
    status = checkpoint_take(&t->words, file, true, t->vocabulary, d, err, "%sword_embeddings.weight", prefix);
    if (status == TRIAD_OK)
        status =
            checkpoint_take(&t->positions, file, true, t->max_tokens, d, err, "%sposition_embeddings.weight", prefix);
    if (status == TRIAD_OK) status = stack_take_norm(&t->embedding_norm, file, prefix, "LayerNorm", d, err);
    if (status == TRIAD_OK) status = checkpoint_all_taken(file, prefix, "position_ids", err);
    return status == TRIAD_OK ? take_text_layers(&t->body, file, tower, err) : status;
}

static const char *const IMAGE_ATTENTION[4] = {"qkv", NULL, NULL, "projection"};

static triad_status open_image(image_tower *t, json_object *config, checkpoint *file, triad_error *err)
{
    t->body = (stack){.layers = 12,
                      .width = 768,
                      .heads = 12,
                      .feed_forward = 3072,
                      .epsilon = 1e-5, /* of transformers; the published files name their own */
                      .activation = STACK_GELU,
                      .pre_norm = true};
    t->side = 384;
    t->patch = 16;
    t->post_norm_all = true;
    triad_status status = stack_from_config(&t->body, config, err);
    if (status == TRIAD_OK) status = dual_image_size(t, config, err);
    if (status != TRIAD_OK) return status;
    const size_t d = t->body.width;
    status = dual_take_matrix(&t->class_token, file, 1, d, err, "vision_model.embeddings.class_embedding");
    if (status == TRIAD_OK)
        status = dual_take_matrix(&t->patches, file, d, 3 * t->patch * t->patch, err,
                                  "vision_model.embeddings.patch_embedding.weight");
    if (status == TRIAD_OK)
        status = checkpoint_take(&t->patch_bias, file, true, 0, d, err, "vision_model.embeddings.patch_embedding.bias");
    if (status == TRIAD_OK)
        status = dual_take_matrix(&t->positions, file, t->tokens, d, err, "vision_model.embeddings.position_embedding");
    if (status == TRIAD_OK) status = stack_take_norm(&t->post_norm, file, "vision_model.", "post_layernorm", d, err);
    return status == TRIAD_OK ? dual_take_layers(&t->body, file, "vision_model", IMAGE_ATTENTION, err) : status;
}

/* What matching models have behind the towers. */
static triad_status take_heads(dual *m, json_object *config, checkpoint *file, triad_error *err)
{
    if (checkpoint_find(file, "text_proj.weight") == NULL) return TRIAD_OK; /* question answering */
    size_t projected = 256;
    triad_status status = dual_get_size(config, "image_text_hidden_size", MAX_PROJECTED, &projected, err);
    m->text.projected = m->image.projected = projected;
    if (status == TRIAD_OK)
        status =
            stack_take_linear(&m->text.projection, file, "", "text_proj", projected, m->text.body.width, true, err);
    if (status == TRIAD_OK)
        status =
            stack_take_linear(&m->image.projection, file, "", "vision_proj", projected, m->image.body.width, true, err);
    return status == TRIAD_OK ? stack_take_linear(&m->match, file, "", "itm_head", 2, m->text.body.width, true, err)
                              : status;
}

triad_status blip_open(dual *m, json_object *config, checkpoint *file, triad_error *err)
{
    m->family = "blip";
    if (checkpoint_find(file, "text_model.embeddings.word_embeddings.weight") != NULL)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                          "model: a BLIP of the class BlipModel is not supported (BlipForImageTextRetrieval, "
                          "BlipForConditionalGeneration and BlipForQuestionAnswering are)");
    m->text.causal = checkpoint_find(file, "text_encoder.embeddings.word_embeddings.weight") == NULL;
    m->pooling = m->text.causal ? "mean-nofirst" : "cls";
    json_object *text = dual_section(config, "text_config"), *image = dual_section(config, "vision_config");
    triad_status status =
        text != NULL && image != NULL ? TRIAD_OK : triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    if (status == TRIAD_OK) status = open_image(&m->image, image, file, err);
    if (status == TRIAD_OK)
        status = open_text(&m->text, text, m->image.body.width, file,
                           m->text.causal ? "text_decoder.bert." : "text_encoder.", err);
    if (status == TRIAD_OK && !m->text.causal) status = take_heads(m, config, file, err);
    json_object_put(text);
    json_object_put(image);
    return status;
}
