/* What preprocessor_config.json does to a picture before an image tower sees it: resize, crop in the middle, scale,
 * normalise, as transformers' CLIPImageProcessor and BlipImageProcessor do it with Pillow. */
#ifndef TRIAD_MODELS_PREPROCESS_H
#define TRIAD_MODELS_PREPROCESS_H

#include "formats/json.h"
#include "triad/image.h"

typedef enum size_rule {
    SIZE_EXACT,   /* height and width */
    SIZE_SHORTEST /* the shorter side, the longer one in proportion and at most `longest` where that is not 0 */
} size_rule;

typedef struct preprocess {
    bool known; /* the folder has a preprocessor_config.json */
    bool resize, crop, rescale, normalise;
    size_rule rule;
    size_t height, width, shortest, longest;
    triad_resample filter;
    size_t crop_height, crop_width;
    double factor;
    float mean[3], deviation[3];
} preprocess;

typedef enum preprocess_kind { PREPROCESS_CLIP, PREPROCESS_BLIP } preprocess_kind;

/* Reads folder/preprocessor_config.json on top of the kind's defaults; leaves known false where there is none. */
TRIAD_NODISCARD triad_status preprocess_open(preprocess *how, const char *folder, preprocess_kind kind,
                                             triad_error *err);
/* The configuration itself, already parsed. */
TRIAD_NODISCARD triad_status preprocess_read(preprocess *how, json_object *config, preprocess_kind kind,
                                             triad_error *err);
/* pixels [3, side, side]. Refuses an image that does not come out as side x side. */
TRIAD_NODISCARD triad_status preprocess_run(float *pixels, size_t side, const preprocess *how, const triad_image *image,
                                            triad_error *err);

#endif
