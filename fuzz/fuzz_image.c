/* A picture; where it is valid it is resized by every filter, up and down. */
#include "fuzz.h"

#include <zlib.h>

#include "triad/image.h"

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION /* not where the corpus is replayed */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

static uint32_t big_endian(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Mutations keep the sums of the chunks right, or libpng would look at nothing else; one in sixteen doesn't. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    size = LLVMFuzzerMutate(data, size, most);
    if (seed % 16 == 0) return size;
    for (size_t at = 8; at + 12 <= size;) {
        const size_t length = big_endian(data + at);
        if (length > size - at - 12) break;
        const uLong sum = crc32(0, data + at + 4, (uInt)(length + 4));
        for (int i = 0; i < 4; i++) data[at + 8 + length + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
        at += 12 + length;
    }
    return size;
}
#endif

static void use(const triad_image *image, size_t height, size_t width, triad_resample filter)
{
    triad_image out;
    triad_error err;
    const triad_status status = triad_image_resize(&out, image, height, width, filter, &err);
    if (status != TRIAD_OK) {
        must_explain(status, &err);
        return;
    }
    must(out.height == height && out.width == width);
    unsigned sum = 0;
    for (size_t i = 0; i < 3 * height * width; i++) sum += out.rgb[i];
    must(sum <= 255 * 3 * height * width);
    triad_image_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    triad_image image;
    triad_error err;
    const triad_status status = triad_image_parse(&image, data, size, &err);
    if (status != TRIAD_OK) {
        must_explain(status, &err);
        must(image.rgb == NULL);
        return 0;
    }
    must(image.height > 0 && image.width > 0 && image.height * image.width <= TRIAD_IMAGE_PIXELS);
    /* Large ones take long and show nothing new. */
    if (image.height * image.width <= 1 << 12) {
        const triad_resample filter = (triad_resample)(size % 6);
        use(&image, 7, 5, filter);
        use(&image, image.height, 9, filter);
        use(&image, 2 * image.height + 1, image.width, filter);
        use(&image, image.height, image.width, filter);
        use(&image, size % 3, 4, filter);
    }
    triad_image_free(&image);
    return 0;
}
