#include "fuzz.h"

#include "models/decoder.h"
#include "models/dual.h"
#include "models/encoder.h"

/* A GGUF that holds nothing: configurations are judged before any tensor is looked up. */
static const uint8_t EMPTY[24] = {'G', 'G', 'U', 'F', 3};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    triad_error err;
    json_object *config;
    if (json_read(&config, (const char *)data, size, &err) != TRIAD_OK) return 0;
    if (json_object_is_type(config, json_type_object)) {
        checkpoint none = {0};
        must(gguf_parse(&none.single, EMPTY, sizeof EMPTY, &err) == TRIAD_OK);
        decoder d = {0};
        encoder e = {0};
        triad_status status = decoder_from_config(&d, config, &none, &err);
        must_explain(status, &err);
        status = encoder_from_config(&e, config, &none, &err);
        must_explain(status, &err);
        dual clip = {0}, blip = {0};
        status = clip_open(&clip, config, &none, &err);
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
        decoder_free(&d);
        encoder_free(&e);
        checkpoint_close(&none);
    }
    json_object_put(config);
    return 0;
}
