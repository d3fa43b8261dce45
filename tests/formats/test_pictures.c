/* The picture writers, against what libpng and giflib read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "folder.h"
#include "formats/gif_write.h"
#include "formats/png_write.h"

#include <gif_lib.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEIGHT = 37, WIDTH = 53, PIXELS = HEIGHT * WIDTH };

/* Pixels in `colours` different colours. */
static void fill(uint8_t *rgb, uint32_t colours, uint32_t seed)
{
    for (uint32_t i = 0; i < PIXELS; i++) {
        const uint32_t colour = (i * 7 + seed) % colours * 2654435761U;
        rgb[3 * i] = (uint8_t)(colour >> 24);
        rgb[3 * i + 1] = (uint8_t)(colour >> 16);
        rgb[3 * i + 2] = (uint8_t)(colour >> 8);
    }
}

static bool same_bytes(const char *a, const char *b)
{
    triad_mapping x, y;
    assert_int_equal(triad_map_file(&x, a, NULL), TRIAD_OK);
    assert_int_equal(triad_map_file(&y, b, NULL), TRIAD_OK);
    const bool same = x.size == y.size && memcmp(x.data, y.data, x.size) == 0;
    triad_unmap(&x);
    triad_unmap(&y);
    return same;
}

static void a_png_is_read_back(void **state)
{
    (void)state;
    static uint8_t rgb[3 * PIXELS], back[3 * PIXELS];
    fill(rgb, 100000, 3);
    assert_int_equal(picture_write_png(in_folder("a.png"), rgb, HEIGHT, WIDTH, NULL), TRIAD_OK);
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_file(&image, in_folder("a.png")));
    assert_true(image.width == WIDTH && image.height == HEIGHT && image.format == PNG_FORMAT_RGB);
    assert_true(png_image_finish_read(&image, NULL, back, 0, NULL));
    assert_memory_equal(rgb, back, sizeof rgb);
    assert_int_equal(picture_write_png(in_folder("b.png"), rgb, HEIGHT, WIDTH, NULL), TRIAD_OK);
    assert_true(same_bytes(in_folder("a.png"), in_folder("b.png")));
}

/* The frames of a file as a viewer would show them, [frames, HEIGHT, WIDTH, 3]; the caller frees. */
static uint8_t *play_gif(const char *path, int *frames, int *delay)
{
    int code;
    GifFileType *gif = DGifOpenFileName(path, &code);
    assert_non_null(gif);
    assert_int_equal(DGifSlurp(gif), GIF_OK);
    assert_true(gif->SWidth == WIDTH && gif->SHeight == HEIGHT);
    *frames = gif->ImageCount;
    uint8_t *all = calloc((size_t)gif->ImageCount, 3 * PIXELS);
    assert_non_null(all);
    for (int f = 0; f < gif->ImageCount; f++) {
        const SavedImage *image = &gif->SavedImages[f];
        const GifImageDesc *at = &image->ImageDesc;
        uint8_t *rgb = all + (size_t)f * 3 * PIXELS;
        GraphicsControlBlock control;
        assert_int_equal(DGifSavedExtensionToGCB(gif, f, &control), GIF_OK);
        assert_true(control.TransparentColor == NO_TRANSPARENT_COLOR);
        delay[f] = control.DelayTime;
        if (f > 0) memcpy(rgb, rgb - 3 * PIXELS, 3 * PIXELS);
        for (int y = 0; y < at->Height; y++)
            for (int x = 0; x < at->Width; x++) {
                const GifColorType *c = &at->ColorMap->Colors[image->RasterBits[y * at->Width + x]];
                uint8_t *p = rgb + 3 * ((at->Top + y) * WIDTH + at->Left + x);
                p[0] = c->Red;
                p[1] = c->Green;
                p[2] = c->Blue;
            }
    }
    DGifCloseFile(gif, &code);
    return all;
}

static void a_gif_is_played_back(void **state)
{
    (void)state;
    enum { FRAMES = 6 };
    static uint8_t frame[FRAMES][3 * PIXELS];
    const uint32_t colours[FRAMES] = {1, 2, 256, 255, 17, 17};
    for (int f = 0; f < FRAMES; f++) fill(frame[f], colours[f], (uint32_t)f);
    memcpy(frame[5], frame[4], sizeof frame[5]); /* nothing moves */
    memcpy(frame[3], frame[2], sizeof frame[3]); /* a corner moves */
    memset(frame[3] + 3 * PIXELS - 12, 9, 12);
    for (int turn = 0; turn < 2; turn++) {
        gif_writer *gif;
        assert_int_equal(gif_open(&gif, in_folder(turn ? "b.gif" : "a.gif"), HEIGHT, WIDTH, NULL), TRIAD_OK);
        for (int f = 0; f < FRAMES; f++) assert_int_equal(gif_add(gif, frame[f], 10 * f, NULL), TRIAD_OK);
        assert_false(triad_path_exists(in_folder(turn ? "b.gif" : "a.gif"))); /* not before it is whole */
        assert_int_equal(gif_commit(gif, NULL), TRIAD_OK);
    }
    assert_true(same_bytes(in_folder("a.gif"), in_folder("b.gif")));
    int frames, delay[FRAMES];
    uint8_t *seen = play_gif(in_folder("a.gif"), &frames, delay);
    assert_int_equal(frames, FRAMES);
    for (int f = 0; f < FRAMES; f++) {
        assert_memory_equal(seen + (size_t)f * 3 * PIXELS, frame[f], 3 * PIXELS);
        assert_int_equal(delay[f], 10 * f);
    }
    free(seen);
}

/* 300 colours: the 256 most frequent stay as they are, the others become the nearest of them. */
static void too_many_colours_become_their_nearest(void **state)
{
    (void)state;
    static uint8_t rgb[3 * PIXELS];
    for (int i = 0; i < PIXELS; i++) {
        const int colour = i < 44 ? 256 + i : i % 256; /* 44 rare ones, a shade redder than 212 … 255 */
        rgb[3 * i] = colour < 256 ? 100 : 101;
        rgb[3 * i + 1] = (uint8_t)(colour < 256 ? colour : colour - 44);
        rgb[3 * i + 2] = 7;
    }
    gif_writer *gif;
    assert_int_equal(gif_open(&gif, in_folder("c.gif"), HEIGHT, WIDTH, NULL), TRIAD_OK);
    assert_int_equal(gif_add(gif, rgb, 0, NULL), TRIAD_OK);
    assert_int_equal(gif_commit(gif, NULL), TRIAD_OK);
    int frames, delay;
    uint8_t *seen = play_gif(in_folder("c.gif"), &frames, &delay);
    for (int i = 0; i < PIXELS; i++) {
        assert_int_equal(seen[3 * i], 100);
        assert_int_equal(seen[3 * i + 1], rgb[3 * i + 1]);
        assert_int_equal(seen[3 * i + 2], 7);
    }
    free(seen);
}

static void what_is_refused(void **state)
{
    (void)state;
    triad_error err;
    static uint8_t rgb[3 * PIXELS];
    gif_writer *gif;
    assert_int_equal(picture_write_png(in_folder("x"), rgb, 0, 5, &err), TRIAD_ERR_RANGE);
    assert_int_equal(picture_write_png(in_folder("x"), rgb, 5, 32768, &err), TRIAD_ERR_RANGE);
    assert_int_equal(picture_write_png("/nowhere/at/all.png", rgb, 5, 5, &err), TRIAD_ERR_IO);
    assert_int_equal(gif_open(&gif, in_folder("x"), 5, 0, &err), TRIAD_ERR_RANGE);
    assert_null(gif);
    assert_int_equal(gif_open(&gif, in_folder("x"), 65536, 5, &err), TRIAD_ERR_RANGE);
    assert_int_equal(gif_open(&gif, "/nowhere/at/all.gif", 5, 5, &err), TRIAD_ERR_IO);
    assert_null(gif);
    assert_int_equal(gif_open(&gif, in_folder("x"), HEIGHT, WIDTH, &err), TRIAD_OK);
    assert_int_equal(gif_add(gif, rgb, -1, &err), TRIAD_ERR_RANGE);
    assert_int_equal(gif_add(gif, rgb, 65536, &err), TRIAD_ERR_RANGE);
    assert_int_equal(gif_commit(gif, &err), TRIAD_ERR_ARGUMENT); /* without a frame */
    assert_int_equal(gif_commit(NULL, &err), TRIAD_ERR_ARGUMENT);
    assert_int_equal(gif_open(&gif, in_folder("x"), HEIGHT, WIDTH, &err), TRIAD_OK);
    assert_int_equal(gif_add(gif, rgb, 1, &err), TRIAD_OK);
    gif_abandon(gif);
    gif_abandon(NULL);
    assert_false(triad_path_exists(in_folder("x")));
    assert_false(triad_path_exists(in_folder("x.partial")));
}

/* A disk that is full: /dev/full takes what the stream holds back until it is flushed, and no more. */
static void a_full_disk_is_reported(void **state)
{
    (void)state;
    triad_error err;
    enum { SIDE = 300 };
    uint8_t *rgb = malloc(3 * SIDE * SIDE);
    assert_non_null(rgb);
    for (uint32_t i = 0; i < 3 * SIDE * SIDE; i++) rgb[i] = (uint8_t)(i * i * 2654435761U >> 24);
    assert_int_equal(picture_write_png("/dev/full", rgb, SIDE, SIDE, &err), TRIAD_ERR_IO);
    assert_non_null(strstr(err.text, "/dev/full"));
    gif_writer *gif;
    assert_int_equal(gif_open(&gif, "/dev/full", SIDE, SIDE, &err), TRIAD_OK);
    triad_status status = gif_add(gif, rgb, 1, &err);
    if (status == TRIAD_OK)
        status = gif_commit(gif, &err);
    else
        gif_abandon(gif);
    assert_int_equal(status, TRIAD_ERR_IO);
    assert_non_null(strstr(err.text, "/dev/full"));
    free(rgb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_png_is_read_back),
        cmocka_unit_test(a_gif_is_played_back),
        cmocka_unit_test(too_many_colours_become_their_nearest),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(a_full_disk_is_reported),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
