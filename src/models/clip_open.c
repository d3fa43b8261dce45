/* CLIP: both towers of pre-norm blocks, the text causal. */
#include "models/dual.h"

#include <stdio.h>

enum { MAX_VOCABULARY = 1 << 24, MAX_POSITIONS = 1 << 20, MAX_PROJECTED = 1 << 17 };

static const char *const ATTENTION[4] = {"q_proj", "k_proj", "v_proj", "out_proj"};

/* The files of the first years say eos 2, which is not the token's id: there the largest id ends a sentence. */
static triad_status read_end(text_tower *t, json_object *config, triad_error *err)
{
    int64_t end = 49407;
    const triad_status status = json_get_int(config, "eos_token_id", 0, INT32_MAX, &end, err);
    t->end = end == 2 ? END_LARGEST : (int32_t)end;
    return status;
}

static triad_status open_text(text_tower *t, json_object *config, checkpoint *file, triad_error *err)
{
    t->body = (stack){.layers = 12,
                      .width = 512,
                      .heads = 8,
                      .feed_forward = 2048,
                      .epsilon = 1e-5,
                      .activation = STACK_GELU_QUICK,
                      .pre_norm = true};
    t->vocabulary = 49408;
    t->max_tokens = 77;
    t->causal = true;
    t->begin = -1;
    triad_status status = stack_from_config(&t->body, config, err);
    if (status == TRIAD_OK) status = dual_get_size(config, "vocab_size", MAX_VOCABULARY, &t->vocabulary, err);
    if (status == TRIAD_OK)
        status = dual_get_size(config, "max_position_embeddings", MAX_POSITIONS, &t->max_tokens, err);
    if (status == TRIAD_OK) status = read_end(t, config, err);
    const size_t d = t->body.width;
    if (status == TRIAD_OK)
        status = checkpoint_take(&t->words, file, true, t->vocabulary, d, err,
                                 "text_model.embeddings.token_embedding.weight");
    if (status == TRIAD_OK)
        status = checkpoint_take(&t->positions, file, true, t->max_tokens, d, err,
                                 "text_model.embeddings.position_embedding.weight");
    if (status == TRIAD_OK) status = stack_take_norm(&t->final_norm, file, "text_model.", "final_layer_norm", d, err);
    if (status == TRIAD_OK)
        status = stack_take_linear(&t->projection, file, "", "text_projection", t->projected, d, false, err);
    if (status == TRIAD_OK) status = checkpoint_all_taken(file, "text_model.embeddings.", "position_ids", err);
    return status == TRIAD_OK ? dual_take_layers(&t->body, file, "text_model", ATTENTION, err) : status;
}

static triad_status open_image(image_tower *t, json_object *config, checkpoint *file, triad_error *err)
{
    t->body = (stack){.layers = 12,
                      .width = 768,
                      .heads = 12,
                      .feed_forward = 3072,
                      .epsilon = 1e-5,
                      .activation = STACK_GELU_QUICK,
                      .pre_norm = true};
    t->side = 224;
    t->patch = 32;
    triad_status status = stack_from_config(&t->body, config, err);
    if (status == TRIAD_OK) status = dual_image_size(t, config, err);
    if (status != TRIAD_OK) return status;
    const size_t d = t->body.width;
    status = dual_take_matrix(&t->class_token, file, 1, d, err, "vision_model.embeddings.class_embedding");
    if (status == TRIAD_OK)
        status = dual_take_matrix(&t->patches, file, d, 3 * t->patch * t->patch, err,
                                  "vision_model.embeddings.patch_embedding.weight");
    if (status == TRIAD_OK)
        status = dual_take_matrix(&t->positions, file, t->tokens, d, err,
                                  "vision_model.embeddings.position_embedding.weight");
    if (status == TRIAD_OK) status = stack_take_norm(&t->pre_norm, file, "vision_model.", "pre_layrnorm", d, err);
    if (status == TRIAD_OK) status = stack_take_norm(&t->post_norm, file, "vision_model.", "post_layernorm", d, err);
    if (status == TRIAD_OK)
        status = stack_take_linear(&t->projection, file, "", "visual_projection", t->projected, d, false, err);
    return status == TRIAD_OK ? dual_take_layers(&t->body, file, "vision_model", ATTENTION, err) : status;
}

/* A section called KEY_dict, as files of 2022 have it, takes the place of KEY as a whole: what it lacks is the default,
 * whatever KEY says. */
static json_object *section(json_object *config, const char *key)
{
    char old[40];
    snprintf(old, sizeof old, "%s_dict", key);
    return dual_section(config, json_find(config, old, json_type_object) != NULL ? old : key);
}

triad_status clip_open(dual *m, json_object *config, checkpoint *file, triad_error *err)
{
    m->family = "clip";
    m->pooling = "eos";
    json_object *text = section(config, "text_config"), *image = section(config, "vision_config");
    size_t projected = 512;
    triad_status status =
        text != NULL && image != NULL ? TRIAD_OK : triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    if (status == TRIAD_OK) status = dual_get_size(config, "projection_dim", MAX_PROJECTED, &projected, err);
    m->text.projected = m->image.projected = projected;
    if (status == TRIAD_OK) status = open_text(&m->text, text, file, err);
    if (status == TRIAD_OK) status = open_image(&m->image, image, file, err);
    json_object_put(text);
    json_object_put(image);
    return status;
}
