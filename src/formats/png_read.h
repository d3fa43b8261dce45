/* PNG into 8-bit RGB, by libpng. */
#ifndef TRIAD_FORMATS_PNG_READ_H
#define TRIAD_FORMATS_PNG_READ_H

#include "triad/image.h"

bool png_is(const void *bytes, size_t size);
/* See triad_image_read. */
TRIAD_NODISCARD triad_status png_read(triad_image *image, const void *bytes, size_t size, triad_error *err);

#endif
