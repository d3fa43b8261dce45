/* Pictures in a row as an animated GIF that plays for ever, by giflib. */
#ifndef TRIAD_FORMATS_GIF_WRITE_H
#define TRIAD_FORMATS_GIF_WRITE_H

#include "triad/base.h"

typedef struct gif_writer gif_writer;

/* Frames are [height, width, 3], at most 65,535 on a side (TRIAD_ERR_RANGE). The file appears whole when it is
 * committed, or not at all; the same frames give the same bytes. *gif is NULL after a failure. */
TRIAD_NODISCARD triad_status gif_open(gif_writer **gif, const char *path, size_t height, size_t width,
                                      triad_error *err);
/* Shown for that many hundredths of a second (0 to 65,535). Of a frame only the rectangle that differs from the one
 * before is stored, with colours of its own: exact up to 256 of them; beyond, the rarer ones (of equals the larger
 * 0xRRGGBB) become the nearest of the 256 most frequent. */
TRIAD_NODISCARD triad_status gif_add(gif_writer *gif, const uint8_t *rgb, int centiseconds, triad_error *err);
/* Both free the writer; NULL is taken. */
TRIAD_NODISCARD triad_status gif_commit(gif_writer *gif, triad_error *err);
void gif_abandon(gif_writer *gif);

#endif
