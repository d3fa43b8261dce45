#include "triad/image.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "formats/png_read.h"

triad_status triad_image_create(triad_image *image, size_t height, size_t width, triad_error *err)
{
    *image = (triad_image){0};
    if (height == 0 || width == 0)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "image: %zu x %zu pixels are none", width, height);
    if (height > TRIAD_IMAGE_SIDE || width > TRIAD_IMAGE_SIDE || height * width > TRIAD_IMAGE_PIXELS)
        return triad_fail(err, TRIAD_ERR_RANGE, -1,
                          "image: %zu x %zu pixels are more than are read (%d a side, %d in all)", width, height,
                          (int)TRIAD_IMAGE_SIDE, (int)TRIAD_IMAGE_PIXELS);
    image->rgb = malloc(3 * height * width);
    if (image->rgb == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "image: out of memory");
    image->height = height;
    image->width = width;
    return TRIAD_OK;
}

void triad_image_free(triad_image *image)
{
    free(image->rgb);
    *image = (triad_image){0};
}

/* What a file is, by its first bytes. */
static const char *format_of(const unsigned char *bytes, size_t size)
{
    static const struct {
        size_t at;
        const char *magic, *name;
    } known[] = {{0, "\xff\xd8\xff", "JPEG"}, {0, "GIF8", "GIF"},     {0, "BM", "BMP"},
                 {8, "WEBP", "WebP"},         {0, "II*", "TIFF"},     {0, "MM\0*", "TIFF"},
                 {4, "ftypavif", "AVIF"},     {4, "ftyphei", "HEIF"}, {0, "P6", "PPM"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const size_t length = i == 5 ? 4 : strlen(known[i].magic);
        if (size >= known[i].at + length && memcmp(bytes + known[i].at, known[i].magic, length) == 0)
            return known[i].name;
    }
    return NULL;
}

triad_status triad_image_parse(triad_image *image, const void *bytes, size_t size, triad_error *err)
{
    *image = (triad_image){0};
    if (png_is(bytes, size)) return png_read(image, bytes, size, err);
    const char *format = format_of(bytes, size);
    if (format == NULL) return triad_fail(err, TRIAD_ERR_FORMAT, -1, "image: not a PNG file");
    return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "image: %s files are not read (save it as PNG)", format);
}

triad_status triad_image_read(triad_image *image, const char *path, triad_error *err)
{
    *image = (triad_image){0};
    triad_mapping file;
    triad_status status = triad_map_file(&file, path, err);
    if (status != TRIAD_OK) return status;
    status = triad_image_parse(image, file.data, file.size, err);
    triad_unmap(&file);
    return status == TRIAD_OK || err == NULL ? status : triad_fail_in(err, path);
}
