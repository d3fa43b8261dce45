#include "formats/gif_write.h"

#include "base/file.h"

#include <gif_lib.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE_MOST = 65535, DELAY_MOST = 65535, PALETTE = 256 };

struct gif_writer {
    triad_atomic_file file;
    GifFileType *gif;
    size_t height, width, frames;
    uint8_t *last;    /* [height, width, 3]: the frame before */
    uint32_t *sorted; /* [height * width] scratch: colours as 0xRRGGBB */
    GifByteType *row; /* [width] */
};

typedef struct rectangle {
    size_t left, top, width, height;
} rectangle;

/* A colour of the frame, and its place in the frame's palette. */
typedef struct shade {
    uint32_t colour, count;
    uint8_t index;
} shade;

static uint32_t colour_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static int put_bytes(GifFileType *gif, const GifByteType *bytes, int count)
{
    const gif_writer *writer = gif->UserData;
    if (!writer->file.stream) return 0; /* given up already */
    return (int)fwrite(bytes, 1, (size_t)count, writer->file.stream);
}

static triad_status refuse(gif_writer *writer, triad_error *err)
{
    /* Where the stream took no more, committing says why. */
    if (ferror(writer->file.stream)) return triad_atomic_commit(&writer->file, err);
    const char *why = writer->gif ? GifErrorString(writer->gif->Error) : NULL;
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: giflib can't encode it: %s", writer->file.path,
                      why ? why : "out of memory");
}

static bool begin(gif_writer *writer)
{
    int code;
    writer->gif = EGifOpen(writer, put_bytes, &code);
    if (!writer->gif) return false;
    EGifSetGifVersion(writer->gif, true);
    static const GifByteType for_ever[] = {1, 0, 0};
    return EGifPutScreenDesc(writer->gif, (int)writer->width, (int)writer->height, 8, 0, NULL) != GIF_ERROR &&
           EGifPutExtensionLeader(writer->gif, APPLICATION_EXT_FUNC_CODE) != GIF_ERROR &&
           EGifPutExtensionBlock(writer->gif, 11, "NETSCAPE2.0") != GIF_ERROR &&
           EGifPutExtensionBlock(writer->gif, sizeof for_ever, for_ever) != GIF_ERROR &&
           EGifPutExtensionTrailer(writer->gif) != GIF_ERROR;
}

triad_status gif_open(gif_writer **gif, const char *path, size_t height, size_t width, triad_error *err)
{
    *gif = NULL;
    if (height < 1 || width < 1 || height > SIDE_MOST || width > SIDE_MOST)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "%s: a picture of %zu x %zu pixels (1 to %d on a side)", path,
                          width, height, SIDE_MOST);
    gif_writer *writer = calloc(1, sizeof *writer);
    if (!writer) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", path);
    writer->height = height;
    writer->width = width;
    writer->last = malloc(3 * height * width);
    writer->sorted = malloc(height * width * sizeof *writer->sorted);
    writer->row = malloc(width);
    triad_status status = writer->last && writer->sorted && writer->row
                              ? triad_atomic_open(&writer->file, path, err)
                              : triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", path);
    if (status == TRIAD_OK && !begin(writer)) status = refuse(writer, err);
    if (status == TRIAD_OK)
        *gif = writer;
    else
        gif_abandon(writer);
    return status;
}

/* What differs from the frame before; one pixel where nothing does, since a frame can't be empty. */
static rectangle changed(const gif_writer *writer, const uint8_t *rgb)
{
    if (writer->frames == 0) return (rectangle){0, 0, writer->width, writer->height};
    size_t left = writer->width, right = 0, top = writer->height, bottom = 0;
    for (size_t y = 0; y < writer->height; y++) {
        const uint8_t *now = rgb + 3 * y * writer->width, *before = writer->last + 3 * y * writer->width;
        if (memcmp(now, before, 3 * writer->width) == 0) continue;
        if (top > y) top = y;
        bottom = y + 1;
        size_t first = 0, end = writer->width;
        while (memcmp(now + 3 * first, before + 3 * first, 3) == 0) first++;
        while (memcmp(now + 3 * (end - 1), before + 3 * (end - 1), 3) == 0) end--;
        if (left > first) left = first;
        if (right < end) right = end;
    }
    if (bottom == 0) return (rectangle){0, 0, 1, 1};
    return (rectangle){left, top, right - left, bottom - top};
}

static int by_colour(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}
static int by_count(const void *a, const void *b)
{
    const shade *x = a, *y = b;
    if (x->count != y->count) return x->count < y->count ? 1 : -1;
    return (x->colour > y->colour) - (x->colour < y->colour);
}
static int by_shade(const void *a, const void *b)
{
    return by_colour(&((const shade *)a)->colour, &((const shade *)b)->colour);
}

static uint32_t distance(uint32_t a, uint32_t b)
{
    uint32_t sum = 0;
    for (int shift = 0; shift < 24; shift += 8) {
        const int d = (int)(a >> shift & 255) - (int)(b >> shift & 255);
        sum += (uint32_t)(d * d);
    }
    return sum;
}

/* The colours of the rectangle in order, each with its place in the palette; NULL: no memory. */
static shade *find_shades(gif_writer *writer, const uint8_t *rgb, rectangle of, size_t *count)
{
    size_t n = 0;
    for (size_t y = of.top; y < of.top + of.height; y++)
        for (size_t x = of.left; x < of.left + of.width; x++)
            writer->sorted[n++] = colour_at(rgb + 3 * (y * writer->width + x));
    qsort(writer->sorted, n, sizeof *writer->sorted, by_colour);
    size_t distinct = 0;
    for (size_t i = 0; i < n; i++) distinct += i == 0 || writer->sorted[i] != writer->sorted[i - 1];
    shade *shades = malloc(distinct * sizeof *shades);
    if (!shades) return NULL;
    *count = distinct;
    distinct = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || writer->sorted[i] != writer->sorted[i - 1]) shades[distinct++] = (shade){writer->sorted[i], 0, 0};
        shades[distinct - 1].count++;
    }
    if (distinct > PALETTE) qsort(shades, distinct, sizeof *shades, by_count);
    for (size_t i = 0; i < distinct; i++) {
        size_t nearest = i;
        for (size_t k = 0; i >= PALETTE && k < PALETTE; k++)
            if (k == 0 ||
                distance(shades[k].colour, shades[i].colour) < distance(shades[nearest].colour, shades[i].colour))
                nearest = k;
        shades[i].index = (uint8_t)nearest;
    }
    return shades;
}

static ColorMapObject *palette_of(const shade *shades, size_t count)
{
    GifColorType colours[PALETTE] = {{0, 0, 0}};
    int size = 2;
    while (size < PALETTE && (size_t)size < count) size *= 2;
    for (size_t i = 0; i < count && i < PALETTE; i++)
        colours[i] = (GifColorType){(GifByteType)(shades[i].colour >> 16), (GifByteType)(shades[i].colour >> 8),
                                    (GifByteType)shades[i].colour};
    return GifMakeMapObject(size, colours);
}

static bool put_rectangle(gif_writer *writer, const uint8_t *rgb, rectangle of, const shade *shades, size_t count)
{
    for (size_t y = of.top; y < of.top + of.height; y++) {
        const shade *found = NULL;
        for (size_t x = 0; x < of.width; x++) {
            const shade want = {.colour = colour_at(rgb + 3 * (y * writer->width + of.left + x))};
            if (!found || found->colour != want.colour) found = bsearch(&want, shades, count, sizeof want, by_shade);
            writer->row[x] = found->index;
        }
        if (EGifPutLine(writer->gif, writer->row, (int)of.width) == GIF_ERROR) return false;
    }
    return true;
}

triad_status gif_add(gif_writer *writer, const uint8_t *rgb, int centiseconds, triad_error *err)
{
    if (centiseconds < 0 || centiseconds > DELAY_MOST)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "%s: a frame of %d hundredths of a second (0 to %d)",
                          writer->file.path, centiseconds, DELAY_MOST);
    const rectangle of = changed(writer, rgb);
    size_t count = 0;
    shade *shades = find_shades(writer, rgb, of, &count);
    ColorMapObject *palette = shades ? palette_of(shades, count) : NULL;
    const GraphicsControlBlock control = {
        .DisposalMode = DISPOSE_DO_NOT, .DelayTime = centiseconds, .TransparentColor = NO_TRANSPARENT_COLOR};
    GifByteType extension[4];
    bool good = palette && EGifGCBToExtension(&control, extension) == sizeof extension &&
                EGifPutExtension(writer->gif, GRAPHICS_EXT_FUNC_CODE, sizeof extension, extension) != GIF_ERROR &&
                EGifPutImageDesc(writer->gif, (int)of.left, (int)of.top, (int)of.width, (int)of.height, false,
                                 palette) != GIF_ERROR;
    if (good) {
        qsort(shades, count, sizeof *shades, by_shade);
        good = put_rectangle(writer, rgb, of, shades, count);
    }
    GifFreeMapObject(palette);
    free(shades);
    if (!good) return refuse(writer, err);
    memcpy(writer->last, rgb, 3 * writer->height * writer->width);
    writer->frames++;
    return TRIAD_OK;
}

static void release(gif_writer *writer)
{
    int code;
    if (writer->gif) EGifCloseFile(writer->gif, &code);
    triad_atomic_abandon(&writer->file);
    free(writer->last);
    free(writer->sorted);
    free(writer->row);
    free(writer);
}

triad_status gif_commit(gif_writer *writer, triad_error *err)
{
    if (!writer) return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "gif: committed twice or never opened");
    triad_status status = TRIAD_OK;
    if (writer->frames == 0)
        status = triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "%s: a film without a frame", writer->file.path);
    int code = 0;
    GifFileType *gif = writer->gif;
    writer->gif = NULL;
    if (EGifCloseFile(gif, &code) == GIF_ERROR && status == TRIAD_OK) status = refuse(writer, err);
    if (status == TRIAD_OK) status = triad_atomic_commit(&writer->file, err);
    release(writer);
    return status;
}

void gif_abandon(gif_writer *writer)
{
    if (writer) release(writer);
}
