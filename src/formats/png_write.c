#include "formats/png_write.h"

#include "base/file.h"

#include <png.h>

enum { SIDE_MOST = 32767 };

triad_status picture_write_png(const char *path, const uint8_t *rgb, size_t height, size_t width, triad_error *err)
{
    if (height < 1 || width < 1 || height > SIDE_MOST || width > SIDE_MOST)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "%s: a picture of %zu x %zu pixels (1 to %d on a side)", path,
                          width, height, SIDE_MOST);
    triad_atomic_file file;
    const triad_status status = triad_atomic_open(&file, path, err);
    if (status != TRIAD_OK) return status;
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = PNG_FORMAT_RGB};
    const int written = png_image_write_to_stdio(&image, file.stream, 0, rgb, 0, NULL);
    /* A stream that took nothing more is commit's to report. */
    if (written || ferror(file.stream)) return triad_atomic_commit(&file, err);
    triad_atomic_abandon(&file);
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: libpng can't encode it: %s", path, image.message);
}
