/* Pictures: 8-bit RGB, as Pillow reads and resizes them. */
#ifndef TRIAD_IMAGE_H
#define TRIAD_IMAGE_H

#include "triad/base.h"

typedef struct triad_image {
    size_t height, width;
    uint8_t *rgb; /* [height, width, 3], owned */
} triad_image;    /* zero-initialise; triad_image_free */

enum {
    TRIAD_IMAGE_SIDE = 1 << 14,  /* pixels of a side at most */
    TRIAD_IMAGE_PIXELS = 1 << 26 /* pixels of an image at most */
};

/* Room for height x width pixels, not initialised. Refuses an empty image and one beyond the limits. */
TRIAD_NODISCARD triad_status triad_image_create(triad_image *image, size_t height, size_t width, triad_error *err);
void triad_image_free(triad_image *image);

/* A PNG file, its pixels as Image.open(path).convert("RGB") of Pillow gives them: transparency is dropped, gamma and
 * colour profiles are ignored, palettes are looked up, 16-bit colours keep their high byte and 16-bit greys are cut at
 * 255. An animated PNG gives its first picture. Other formats are refused by name. The size is checked before anything
 * is allocated. */
TRIAD_NODISCARD triad_status triad_image_read(triad_image *image, const char *path, triad_error *err);
TRIAD_NODISCARD triad_status triad_image_parse(triad_image *image, const void *bytes, size_t size, triad_error *err);

/* The numbers are Pillow's. */
typedef enum triad_resample {
    TRIAD_NEAREST,
    TRIAD_LANCZOS,
    TRIAD_BILINEAR,
    TRIAD_BICUBIC,
    TRIAD_BOX,
    TRIAD_HAMMING
} triad_resample;

/* out = image at another size, bit for bit as Image.resize of Pillow: separable filters that widen with the scale where
 * the image shrinks, coefficients rounded to 22 bits, a pass along rows, rounded to bytes, and one along columns. */
TRIAD_NODISCARD triad_status triad_image_resize(triad_image *out, const triad_image *image, size_t height, size_t width,
                                                triad_resample filter, triad_error *err);

#endif
