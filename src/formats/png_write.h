/* A picture as PNG, by libpng. */
#ifndef TRIAD_FORMATS_PNG_WRITE_H
#define TRIAD_FORMATS_PNG_WRITE_H

#include "triad/base.h"

/* rgb [height, width, 3]. Whole or not at all; the same pixels give the same bytes. TRIAD_ERR_RANGE for a picture
 * without pixels or of more than 32,767 on a side. */
TRIAD_NODISCARD triad_status picture_write_png(const char *path, const uint8_t *rgb, size_t height, size_t width,
                                               triad_error *err);

#endif
