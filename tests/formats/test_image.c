/* Pictures against Pillow's, and hostile ones. */
#include "support.h"

#include <png.h>
#include <zlib.h>

#include "formats/safetensors.h"
#include "triad/image.h"

static safetensors *golden(void)
{
    safetensors *file;
    expect_success(safetensors_open(&file, "formats/images.safetensors", err));
    return file;
}

static void same(const triad_image *image, const tensor_view *wanted, const char *what)
{
    assert_non_null(wanted);
    if (image->height != wanted->shape[0] || image->width != wanted->shape[1] ||
        memcmp(image->rgb, wanted->data, wanted->bytes) != 0)
        fail_msg("%s: other pixels than Pillow's", what);
}

static void reads_as_pillow(void **state)
{
    (void)state;
    safetensors *file = golden();
    size_t count = 0;
    for (size_t i = 0; i < safetensors_count(file); i++) {
        const tensor_view *bytes = safetensors_at(file, i);
        if (strncmp(bytes->name, "png.", 4) != 0) continue;
        char name[80];
        snprintf(name, sizeof name, "rgb.%s", bytes->name + 4);
        unsigned char *exact = cut(bytes->data, bytes->bytes);
        triad_image image;
        expect_success(triad_image_parse(&image, exact, bytes->bytes, err));
        same(&image, safetensors_find(file, name), name);
        triad_image_free(&image);
        free(exact);
        count++;
    }
    assert_int_equal(count, 60);
    safetensors_close(file);
}

static void resizes_as_pillow(void **state)
{
    (void)state;
    safetensors *file = golden();
    size_t count = 0;
    for (size_t k = 0;; k++) {
        char name[40];
        snprintf(name, sizeof name, "from.%zu", k);
        const tensor_view *from = safetensors_find(file, name);
        if (from == NULL) break;
        triad_image image;
        expect_success(triad_image_create(&image, from->shape[0], from->shape[1], err));
        memcpy(image.rgb, from->data, from->bytes);
        for (triad_resample f = TRIAD_NEAREST; f <= TRIAD_HAMMING; f++) {
            snprintf(name, sizeof name, "to.%zu.%d", k, (int)f);
            const tensor_view *to = safetensors_find(file, name);
            assert_non_null(to);
            triad_image resized;
            expect_success(triad_image_resize(&resized, &image, to->shape[0], to->shape[1], f, err));
            same(&resized, to, name);
            triad_image_free(&resized);
            count++;
        }
        triad_image_free(&image);
    }
    assert_int_equal(count, 54);
    safetensors_close(file);
}

/* ---- hostile files */
static void chunk(builder *b, const char *kind, const void *data, size_t size)
{
    unsigned char head[8], sum[4];
    for (int i = 0; i < 4; i++) head[i] = (unsigned char)(size >> (24 - 8 * i));
    memcpy(head + 4, kind, 4);
    uLong crc = crc32(crc32(0, head + 4, 4), data, (uInt)size);
    if (size == 0) crc = crc32(0, head + 4, 4);
    for (int i = 0; i < 4; i++) sum[i] = (unsigned char)(crc >> (24 - 8 * i));
    put(b, head, 8);
    if (size > 0) put(b, data, size);
    put(b, sum, 4);
}

static void header(builder *b, uint32_t width, uint32_t height, unsigned depth, unsigned colour)
{
    unsigned char data[13] = {0};
    for (int i = 0; i < 4; i++) {
        data[i] = (unsigned char)(width >> (24 - 8 * i));
        data[4 + i] = (unsigned char)(height >> (24 - 8 * i));
    }
    data[8] = (unsigned char)depth;
    data[9] = (unsigned char)colour;
    b->size = 0;
    put(b, "\x89PNG\r\n\x1a\n", 8);
    chunk(b, "IHDR", data, sizeof data);
}

static void refuse(const builder *b, triad_status status, const char *words)
{
    unsigned char *exact = cut(b->bytes, b->size);
    triad_image image;
    expect_failure(triad_image_parse(&image, exact, b->size, err), status, words);
    assert_null(image.rgb);
    free(exact);
}

static void refuse_ended(builder *b, triad_status status, const char *words)
{
    chunk(b, "IEND", "", 0);
    refuse(b, status, words);
}

static void hostile_files_are_refused(void **state)
{
    (void)state;
    static const unsigned char filler[20000] = {'a'};
    builder b;
    /* Sizes that would ask for gigabytes are refused by the header alone. */
    header(&b, 0x7fffffff, 0x7fffffff, 16, 6);
    refuse_ended(&b, TRIAD_ERR_FORMAT, "png: ");
    header(&b, 16384, 16384, 8, 2);
    chunk(&b, "IDAT", "", 0);
    refuse_ended(&b, TRIAD_ERR_FORMAT, "can't hold 16384 x 16384 pixels");
    header(&b, 9000, 9000, 1, 0);
    chunk(&b, "tEXt", filler, sizeof filler);
    chunk(&b, "IDAT", "", 0);
    refuse_ended(&b, TRIAD_ERR_RANGE, "9000 x 9000 pixels are more than are read");
    header(&b, 20000, 1, 8, 2);
    refuse_ended(&b, TRIAD_ERR_FORMAT, "png: ");
    header(&b, 0, 5, 8, 2);
    refuse_ended(&b, TRIAD_ERR_FORMAT, "png: ");
    header(&b, 4, 4, 7, 2);
    refuse_ended(&b, TRIAD_ERR_FORMAT, "png: ");
    header(&b, 4, 4, 8, 2);
    refuse(&b, TRIAD_ERR_FORMAT, "the file ends in the middle");
    refuse_ended(&b, TRIAD_ERR_FORMAT, "png: ");
    /* A chunk of two gigabytes in a file of some bytes. */
    header(&b, 4, 4, 8, 2);
    put(&b, "\x7c\x00\x02\x94sPLTE...", 12);
    refuse(&b, TRIAD_ERR_FORMAT, "the file ends in the middle");
    /* An image without its palette. */
    header(&b, 4, 4, 8, 3);
    chunk(&b, "IDAT", "x\x9c\x03\x00\x00\x00\x00\x01", 8);
    refuse_ended(&b, TRIAD_ERR_FORMAT, "png: ");
    /* Too few pixels, and rows that were never compressed. */
    header(&b, 4, 4, 8, 2);
    chunk(&b, "IDAT", "x\x9c\x03\x00\x00\x00\x00\x01", 8);
    chunk(&b, "IEND", "", 0);
    refuse(&b, TRIAD_ERR_FORMAT, "png: ");
    header(&b, 4, 4, 8, 2);
    chunk(&b, "IDAT", "nothing of zlib", 15);
    refuse_ended(&b, TRIAD_ERR_FORMAT, "png: ");
}

static void whole_or_not_at_all(void **state)
{
    (void)state;
    safetensors *file = golden();
    const tensor_view *bytes = safetensors_find(file, "png.6-8-interlaced");
    triad_image image;
    for (size_t size = 0; size < bytes->bytes; size++) {
        unsigned char *part = cut(bytes->data, size);
        triad_error why = {0};
        assert_int_not_equal(triad_image_parse(&image, part, size, &why), TRIAD_OK);
        assert_true(why.text[0] != 0);
        assert_null(image.rgb);
        free(part);
    }
    /* A byte that was changed is found by its chunk's sum. */
    unsigned char *broken = cut(bytes->data, bytes->bytes);
    broken[bytes->bytes - 20] ^= 1;
    expect_failure(triad_image_parse(&image, broken, bytes->bytes, err), TRIAD_ERR_FORMAT, "png: ");
    free(broken);
    safetensors_close(file);
}

static void other_formats_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *name;
    } files[] = {{"\xff\xd8\xff\xe0....JFIF", 12, "JPEG"},
                 {"GIF89a......", 12, "GIF"},
                 {"RIFF....WEBPVP8 ", 16, "WebP"},
                 {"BM..........", 12, "BMP"},
                 {"II*\0........", 12, "TIFF"},
                 {"MM\0*........", 12, "TIFF"},
                 {"....ftypavif", 12, "AVIF"},
                 {"P6 1 1 255\nabc", 14, "PPM"}};
    triad_image image;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        expect_failure(triad_image_parse(&image, files[i].bytes, files[i].size, err), TRIAD_ERR_UNSUPPORTED,
                       files[i].name);
    expect_failure(triad_image_parse(&image, "text", 4, err), TRIAD_ERR_FORMAT, "not a PNG");
    expect_failure(triad_image_parse(&image, "", 0, err), TRIAD_ERR_FORMAT, "not a PNG");
    char *path = scratch("picture.png");
    put_file(path, "text", 4);
    expect_failure(triad_image_read(&image, path, err), TRIAD_ERR_FORMAT, path);
    scrap(path);
    expect_failure(triad_image_read(&image, "no/such.png", err), TRIAD_ERR_NOT_FOUND, "no/such.png");
    expect_failure(triad_image_create(&image, 0, 4, err), TRIAD_ERR_RANGE, "none");
    expect_failure(triad_image_create(&image, 1, (size_t)TRIAD_IMAGE_SIDE + 1, err), TRIAD_ERR_RANGE, "more than");
    triad_image small, out;
    expect_success(triad_image_create(&small, 1, 1, err));
    memset(small.rgb, 9, 3);
    expect_failure(triad_image_resize(&out, &small, 0, 1, TRIAD_BOX, err), TRIAD_ERR_RANGE, "none");
    expect_success(triad_image_resize(&out, &small, 3, 2, TRIAD_LANCZOS, err));
    for (size_t i = 0; i < 18; i++) assert_int_equal(out.rgb[i], 9);
    triad_image_free(&out);
    triad_image_free(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_as_pillow),           cmocka_unit_test(resizes_as_pillow),
        cmocka_unit_test(hostile_files_are_refused), cmocka_unit_test(whole_or_not_at_all),
        cmocka_unit_test(other_formats_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
