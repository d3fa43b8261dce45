#include "formats/png_read.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

/* libpng's failures come back by longjmp: what must survive one lies here, behind a pointer. */
typedef struct reader {
    const unsigned char *bytes;
    size_t size, at;
    triad_error *err;
    triad_status status;
    png_structp png;
    png_infop info;
    unsigned char *samples, **row;
    triad_image *image;
} reader;

bool png_is(const void *bytes, size_t size)
{
    return size >= 8 && png_sig_cmp((png_const_bytep)bytes, 0, 8) == 0;
}

static void take(png_structp png, png_bytep out, size_t count)
{
    reader *r = png_get_io_ptr(png);
    if (count > r->size - r->at) png_error(png, "the file ends in the middle");
    memcpy(out, r->bytes + r->at, count);
    r->at += count;
}

/* libpng makes room for some chunks by the length that they claim: none may be longer than what is left of the file. */
static bool chunks_fit(const unsigned char *bytes, size_t size)
{
    for (size_t at = 8; at + 12 <= size;) {
        const unsigned char *head = bytes + at;
        const size_t length = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
        if (length > size - at - 12) return false;
        if (memcmp(head + 4, "IEND", 4) == 0) return true;
        at += 12 + length;
    }
    return false;
}

static void refuse(png_structp png, png_const_charp why)
{
    reader *r = png_get_error_ptr(png);
    r->status = triad_fail(r->err, TRIAD_ERR_FORMAT, (int64_t)r->at, "png: %.120s", why);
    png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp what)
{
    (void)png;
    (void)what;
}

/* A row as RGB. A 16-bit grey is cut at 255, as Pillow converts its mode I;16. */
static void spread(uint8_t *to, const unsigned char *from, size_t width, size_t channels, bool grey16)
{
    for (size_t x = 0; x < width; x++, to += 3) {
        if (grey16)
            memset(to, from[0] != 0 ? 255 : from[1], 3);
        else if (channels < 3)
            memset(to, from[0], 3);
        else
            memcpy(to, from, 3);
        from += grey16 ? 2 : channels;
    }
}

enum { MOST_PER_BYTE = 1032 }; /* bytes that one byte of DEFLATE can stand for */

static triad_status decode(reader *r)
{
    png_read_info(r->png, r->info);
    const size_t height = png_get_image_height(r->png, r->info), width = png_get_image_width(r->png, r->info);
    const int depth = png_get_bit_depth(r->png, r->info), colour = png_get_color_type(r->png, r->info);
    /* Sizes are below 2^14 here, and pixels have 64 bits at most. */
    const size_t bits = (size_t)depth * png_get_channels(r->png, r->info);
    if (height * width * bits / 8 / MOST_PER_BYTE > r->size)
        return triad_fail(r->err, TRIAD_ERR_FORMAT, -1, "png: a file of %zu bytes can't hold %zu x %zu pixels", r->size,
                          width, height);
    triad_status status = triad_image_create(r->image, height, width, r->err);
    if (status != TRIAD_OK) return status;
    const bool grey16 = colour == PNG_COLOR_TYPE_GRAY && depth == 16;
    if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(r->png);
    if (colour == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(r->png);
    if (depth == 16 && !grey16) png_set_strip_16(r->png);
    const bool passes = png_set_interlace_handling(r->png) > 1;
    png_read_update_info(r->png, r->info);
    const size_t channels = png_get_channels(r->png, r->info), stride = png_get_rowbytes(r->png, r->info);
    /* Interlaced rows come in seven parts each; others one after the other through one buffer. */
    r->samples = malloc((passes ? height : 1) * stride);
    r->row = malloc(height * sizeof *r->row);
    if (r->samples == NULL || r->row == NULL) return triad_fail(r->err, TRIAD_ERR_MEMORY, -1, "png: out of memory");
    for (size_t y = 0; y < height; y++) r->row[y] = r->samples + (passes ? y * stride : 0);
    if (passes) png_read_image(r->png, r->row);
    for (size_t y = 0; y < height; y++) {
        if (!passes) png_read_row(r->png, r->row[y], NULL);
        spread(r->image->rgb + y * width * 3, r->row[y], width, channels, grey16);
    }
    png_read_end(r->png, NULL);
    return TRIAD_OK;
}

/* Between setjmp and its return nothing but *r changes. */
static triad_status guarded(reader *r)
{
    if (setjmp(png_jmpbuf(r->png)) != 0) return r->status;
    return decode(r);
}

triad_status png_read(triad_image *image, const void *bytes, size_t size, triad_error *err)
{
    *image = (triad_image){0};
    if (!chunks_fit(bytes, size))
        return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)size, "png: the file ends in the middle");
    reader r = {.bytes = bytes, .size = size, .err = err, .image = image, .status = TRIAD_ERR_FORMAT};
    triad_status status = TRIAD_ERR_MEMORY;
    r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &r, refuse, ignore);
    r.info = r.png != NULL ? png_create_info_struct(r.png) : NULL;
    if (r.info == NULL) {
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "png: out of memory");
    } else {
        png_set_read_fn(r.png, &r, take);
        png_set_user_limits(r.png, TRIAD_IMAGE_SIDE, TRIAD_IMAGE_SIDE);
        png_set_chunk_cache_max(r.png, 64);
        png_set_chunk_malloc_max(r.png, 1 << 20);
        status = guarded(&r);
    }
    png_destroy_read_struct(&r.png, &r.info, NULL);
    free(r.samples);
    free(r.row);
    if (status != TRIAD_OK) triad_image_free(image);
    return status;
}
