#include "models/preprocess.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum { MAX_CONFIG = 1 << 20 };

static preprocess defaults(preprocess_kind kind)
{
    const bool clip = kind == PREPROCESS_CLIP;
    return (preprocess){.resize = true,
                        .crop = clip,
                        .rescale = true,
                        .normalise = true,
                        .rule = clip ? SIZE_SHORTEST : SIZE_EXACT,
                        .height = 384,
                        .width = 384,
                        .shortest = 224,
                        .filter = TRIAD_BICUBIC,
                        .crop_height = clip ? 224 : 0,
                        .crop_width = clip ? 224 : 0,
                        .factor = 1.0 / 255,
                        .mean = {0.48145466F, 0.4578275F, 0.40821073F},
                        .deviation = {0.26862954F, 0.26130258F, 0.27577711F}};
}

/* ---- reading */
static triad_status read_side(json_object *value, const char *what, size_t *side, triad_error *err)
{
    const int64_t number = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : 0;
    if (number < 1 || number > TRIAD_IMAGE_SIDE)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "preprocessor_config.json: %s must be from 1 to %d", what,
                          (int)TRIAD_IMAGE_SIDE);
    *side = (size_t)number;
    return TRIAD_OK;
}

static triad_status read_pair(json_object *list, const char *what, size_t *height, size_t *width, triad_error *err)
{
    if (json_object_array_length(list) != 2)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "preprocessor_config.json: %s must be [height, width]", what);
    const triad_status status = read_side(json_object_array_get_idx(list, 0), what, height, err);
    return status != TRIAD_OK ? status : read_side(json_object_array_get_idx(list, 1), what, width, err);
}

static bool only_has(json_object *dict, const char *a, const char *b)
{
    json_object_object_foreach(dict, key, value)
    {
        if (value != NULL && strcmp(key, a) != 0 && strcmp(key, b) != 0) return false;
    }
    return true;
}

/* A number, [height, width], or a dictionary; old files of CLIP mean the shorter side by a number. */
static triad_status read_size(preprocess *how, json_object *size, bool square, triad_error *err)
{
    if (json_object_is_type(size, json_type_array)) {
        how->rule = SIZE_EXACT;
        return read_pair(size, "size", &how->height, &how->width, err);
    }
    if (!json_object_is_type(size, json_type_object)) {
        how->rule = square ? SIZE_EXACT : SIZE_SHORTEST;
        const triad_status status = read_side(size, "size", &how->shortest, err);
        how->height = how->width = how->shortest;
        return status;
    }
    json_object *shortest = NULL, *longest = NULL, *height = NULL, *width = NULL;
    (void)json_object_object_get_ex(size, "shortest_edge", &shortest);
    (void)json_object_object_get_ex(size, "longest_edge", &longest);
    (void)json_object_object_get_ex(size, "height", &height);
    (void)json_object_object_get_ex(size, "width", &width);
    triad_status status = TRIAD_OK;
    if (shortest != NULL && only_has(size, "shortest_edge", "longest_edge")) {
        how->rule = SIZE_SHORTEST;
        status = read_side(shortest, "size", &how->shortest, err);
        if (status == TRIAD_OK && longest != NULL) status = read_side(longest, "size", &how->longest, err);
        return status;
    }
    if (height != NULL && width != NULL && only_has(size, "height", "width")) {
        how->rule = SIZE_EXACT;
        status = read_side(height, "size", &how->height, err);
        return status != TRIAD_OK ? status : read_side(width, "size", &how->width, err);
    }
    return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                      "preprocessor_config.json: a size by other keys than shortest_edge or height and width is not "
                      "supported");
}

static triad_status read_crop(preprocess *how, json_object *size, triad_error *err)
{
    if (json_object_is_type(size, json_type_array))
        return read_pair(size, "crop_size", &how->crop_height, &how->crop_width, err);
    if (!json_object_is_type(size, json_type_object)) {
        const triad_status status = read_side(size, "crop_size", &how->crop_height, err);
        how->crop_width = how->crop_height;
        return status;
    }
    json_object *height = NULL, *width = NULL;
    if (!json_object_object_get_ex(size, "height", &height) || !json_object_object_get_ex(size, "width", &width) ||
        !only_has(size, "height", "width"))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1,
                          "preprocessor_config.json: crop_size must have a height and a width");
    const triad_status status = read_side(height, "crop_size", &how->crop_height, err);
    return status != TRIAD_OK ? status : read_side(width, "crop_size", &how->crop_width, err);
}

/* Three numbers, or one for all channels. */
static triad_status read_channels(json_object *config, const char *key, bool divides, float out[3], triad_error *err)
{
    json_object *value = NULL;
    if (!json_object_object_get_ex(config, key, &value) || value == NULL) return TRIAD_OK;
    const bool list = json_object_is_type(value, json_type_array);
    bool right = !list || json_object_array_length(value) == 3;
    for (size_t c = 0; c < 3 && right; c++) {
        json_object *number = list ? json_object_array_get_idx(value, c) : value;
        right = json_object_is_type(number, json_type_double) || json_object_is_type(number, json_type_int);
        out[c] = right ? (float)json_object_get_double(number) : 0;
        right = right && isfinite(out[c]) && (!divides || out[c] != 0);
    }
    if (right) return TRIAD_OK;
    return triad_fail(err, TRIAD_ERR_FORMAT, -1, "preprocessor_config.json: %s must be three numbers%s", key,
                      divides ? " that are not 0" : "");
}

/* Processors of other families compute something else under the same keys. */
static triad_status check_type(json_object *config, preprocess_kind kind, triad_error *err)
{
    const char *type = NULL, *family = kind == PREPROCESS_CLIP ? "CLIP" : "Blip";
    triad_status status = json_get_string(config, "image_processor_type", &type, err);
    if (status == TRIAD_OK && type == NULL) status = json_get_string(config, "feature_extractor_type", &type, err);
    if (status != TRIAD_OK || type == NULL) return status;
    static const char *const endings[] = {"ImageProcessor", "ImageProcessorFast", "ImageProcessorPil",
                                          "FeatureExtractor"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (strncmp(type, family, 4) == 0 && strcmp(type + 4, endings[i]) == 0) return TRIAD_OK;
    return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                      "preprocessor_config.json: a processor of type %.60s is not supported (%sImageProcessor is)",
                      type, family);
}

triad_status preprocess_read(preprocess *how, json_object *config, preprocess_kind kind, triad_error *err)
{
    *how = defaults(kind);
    how->known = true;
    if (!json_object_is_type(config, json_type_object))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "preprocessor_config.json: not an object");
    bool pad = false, square = false, default_square = kind == PREPROCESS_BLIP;
    int64_t filter = how->filter;
    triad_status status = check_type(config, kind, err);
    if (status == TRIAD_OK) status = json_get_bool(config, "do_resize", &how->resize, err);
    if (status == TRIAD_OK) status = json_get_bool(config, "do_center_crop", &how->crop, err);
    if (status == TRIAD_OK) status = json_get_bool(config, "do_rescale", &how->rescale, err);
    if (status == TRIAD_OK) status = json_get_bool(config, "do_normalize", &how->normalise, err);
    if (status == TRIAD_OK) status = json_get_bool(config, "do_pad", &pad, err);
    if (status == TRIAD_OK) status = json_get_bool(config, "use_square_size", &square, err);
    if (status == TRIAD_OK) status = json_get_bool(config, "default_to_square", &default_square, err);
    if (status == TRIAD_OK) status = json_get_int(config, "resample", TRIAD_NEAREST, TRIAD_HAMMING, &filter, err);
    if (status == TRIAD_OK) status = json_get_real(config, "rescale_factor", &how->factor, err);
    if (status == TRIAD_OK) status = read_channels(config, "image_mean", false, how->mean, err);
    if (status == TRIAD_OK) status = read_channels(config, "image_std", true, how->deviation, err);
    if (status != TRIAD_OK) return status;
    how->filter = (triad_resample)filter;
    if (pad || square)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "preprocessor_config.json: %s is not supported",
                          pad ? "do_pad" : "use_square_size");
    if (!isfinite(how->factor))
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "preprocessor_config.json: rescale_factor is out of range");
    json_object *size = NULL, *crop = NULL;
    (void)json_object_object_get_ex(config, "size", &size);
    (void)json_object_object_get_ex(config, "crop_size", &crop);
    if (size != NULL) status = read_size(how, size, default_square, err);
    if (status == TRIAD_OK && crop != NULL) status = read_crop(how, crop, err);
    if (status == TRIAD_OK && how->crop && how->crop_height == 0)
        status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "preprocessor_config.json: do_center_crop without a crop_size");
    return status;
}

triad_status preprocess_open(preprocess *how, const char *folder, preprocess_kind kind, triad_error *err)
{
    *how = defaults(kind);
    char *path = triad_path_join(folder, "preprocessor_config.json");
    if (path == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    json_object *config = NULL;
    const bool there = triad_path_exists(path);
    triad_status status = there ? json_read_file(&config, path, MAX_CONFIG, err) : TRIAD_OK;
    free(path);
    if (there && status == TRIAD_OK) status = preprocess_read(how, config, kind, err);
    json_object_put(config);
    return status;
}

/* ---- running */
/* The size that an image is given; sides are rounded down, as transformers does. */
static void target(const preprocess *how, size_t height, size_t width, size_t *to_height, size_t *to_width)
{
    *to_height = how->height;
    *to_width = how->width;
    if (how->rule == SIZE_EXACT) return;
    const size_t least = height < width ? height : width, most = height < width ? width : height;
    size_t shorter = how->shortest;
    /* In proportion to the shorter side, unless that makes the longer one too long. */
    double precise = (double)shorter;
    if (how->longest > 0 && (double)most / (double)least * (double)shorter > (double)how->longest) {
        precise = (double)how->longest * (double)least / (double)most;
        shorter = (size_t)rint(precise);
    }
    size_t longer = how->longest > 0 ? (size_t)(precise * (double)most / (double)least)
                                     : (size_t)((double)(shorter * most) / (double)least);
    if (how->longest > 0 && least == shorter) longer = most;
    *to_height = height < width ? shorter : longer;
    *to_width = height < width ? longer : shorter;
    if (height == width) *to_height = *to_width = shorter;
}

/* Where the crop begins: below 0 where it is larger than the image, whose surroundings are black. */
static long crop_start(size_t size, size_t crop)
{
    const long twice = (long)size - (long)crop;
    /* Half of it, rounded down; transformers then pads by half of what is missing, rounded up: the same. */
    return twice >= 0 ? twice / 2 : -((1 - twice) / 2);
}

static void to_pixels(float *pixels, size_t side, const preprocess *how, const triad_image *image)
{
    float table[3][256];
    for (size_t c = 0; c < 3; c++)
        for (int v = 0; v < 256; v++) {
            const float x = how->rescale ? (float)(v * how->factor) : (float)v;
            table[c][v] = how->normalise ? (x - how->mean[c]) / how->deviation[c] : x;
        }
    const long top = how->crop ? crop_start(image->height, side) : 0,
               left = how->crop ? crop_start(image->width, side) : 0;
    for (size_t y = 0; y < side; y++) {
        const long row = top + (long)y;
        const bool inside = row >= 0 && row < (long)image->height;
        for (size_t x = 0; x < side; x++) {
            const long column = left + (long)x;
            const uint8_t *rgb = inside && column >= 0 && column < (long)image->width
                                     ? image->rgb + ((size_t)row * image->width + (size_t)column) * 3
                                     : NULL;
            for (size_t c = 0; c < 3; c++) pixels[(c * side + y) * side + x] = table[c][rgb != NULL ? rgb[c] : 0];
        }
    }
}

triad_status preprocess_run(float *pixels, size_t side, const preprocess *how, const triad_image *image,
                            triad_error *err)
{
    triad_image resized = {0};
    const triad_image *from = image;
    if (how->resize) {
        size_t height, width;
        target(how, image->height, image->width, &height, &width);
        const triad_status status = triad_image_resize(&resized, image, height, width, how->filter, err);
        if (status != TRIAD_OK) return status;
        from = &resized;
    }
    const size_t height = how->crop ? how->crop_height : from->height,
                 width = how->crop ? how->crop_width : from->width;
    triad_status status = TRIAD_OK;
    if (height != side || width != side)
        status = triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                            "an image of %zu x %zu becomes %zu x %zu, and the model sees %zu x %zu (its "
                            "preprocessor_config.json and config.json disagree)",
                            image->width, image->height, width, height, side, side);
    else
        to_pixels(pixels, side, how, from);
    triad_image_free(&resized);
    return status;
}
