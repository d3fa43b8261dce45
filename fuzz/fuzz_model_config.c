#include "fuzz.h"

#include "formats/json.h"
#include "models/decoder.h"
#include "models/dual.h"
#include "models/encoder.h"

#include <stdio.h>

/* A config.json, over the smallest checkpoint of its family (tiny/FAMILY.safetensors): what fits it opens, to the last
 * tensor. Another family, or none, is held against LLaMA's. */
static const char *const FAMILIES[] = {"llama",       "qwen2", "qwen3",      "deepseek_v2",
                                       "deepseek_v3", "bert",  "distilbert", "mpnet"};
enum { FAMILY_COUNT = sizeof FAMILIES / sizeof *FAMILIES, FIRST_ENCODER = 5 };

/* CLIP, BLIP and their preprocessor over a GGUF that holds nothing: judged before any tensor is looked up. */
static void use_dual(json_object *config)
{
    static const uint8_t EMPTY[24] = {'G', 'G', 'U', 'F', 3};
    triad_error err;
    checkpoint none = {0};
    must(gguf_parse(&none.single, EMPTY, sizeof EMPTY, &err) == TRIAD_OK);
    dual clip = {0}, blip = {0};
    triad_status status = clip_open(&clip, config, &none, &err);
    must_explain(status, &err);
    status = blip_open(&blip, config, &none, &err);
    must_explain(status, &err);
    dual_free(&clip);
    dual_free(&blip);
    for (preprocess_kind kind = PREPROCESS_CLIP; kind <= PREPROCESS_BLIP; kind++) {
        preprocess how;
        status = preprocess_read(&how, config, kind, &err);
        if (status != TRIAD_OK) must_explain(status, &err);
    }
    checkpoint_close(&none);
}

static safetensors_index *tiny(size_t family)
{
    static safetensors_index *opened[FAMILY_COUNT]; /* read once, held to the end */
    if (opened[family] == NULL) {
        char path[4096];
        triad_error err;
        snprintf(path, sizeof path, "%s/%s.safetensors", FUZZ_TINY, FAMILIES[family]);
        must(safetensors_index_open(&opened[family], path, &err) == TRIAD_OK);
    }
    return opened[family];
}

static size_t family_of(json_object *config)
{
    json_object *type = json_find(config, "model_type", json_type_string);
    for (size_t i = 0; type != NULL && i < FAMILY_COUNT; i++)
        if (strcmp(json_object_get_string(type), FAMILIES[i]) == 0) return i;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    triad_error err;
    json_object *config;
    if (json_read(&config, (const char *)data, size, &err) != TRIAD_OK) return 0;
    if (json_object_is_type(config, json_type_object)) {
        const size_t family = family_of(config);
        checkpoint file = {.folder = tiny(family)};
        triad_status status;
        if (family < FIRST_ENCODER) {
            decoder d = {0};
            status = decoder_from_config(&d, config, &file, &err);
            must(status != TRIAD_OK ||
                 (d.heads % d.kv_heads == 0 && d.width > 0 && d.embedding->shape[0] == d.vocabulary));
            if (status == TRIAD_OK && d.turn.dim <= 4096) {
                float frequency[2048];
                rope_frequencies(&d.turn, frequency);
            }
            decoder_free(&d);
        } else {
            encoder e = {0};
            status = encoder_from_config(&e, config, &file, &err);
            must(status != TRIAD_OK || (e.heads > 0 && e.width % e.heads == 0));
            encoder_free(&e);
        }
        if (status != TRIAD_OK) must_explain(status, &err);
        free(file.used);
        use_dual(config);
    }
    json_object_put(config);
    return 0;
}
