/* Resizing, bit for bit as Pillow does it (Image.resize on RGB): filters of finite support that widen as the image
 * shrinks, in two passes of fixed-point sums. */
#include "triad/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BITS = 32 - 8 - 2 }; /* of a coefficient: a byte times it, and a sum a little beyond a byte, fit 32 bits */

/* ---- filters */
static double box(double x)
{
    return x > -0.5 && x <= 0.5 ? 1 : 0;
}

static double bilinear(double x)
{
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

static double hamming(double x)
{
    x = fabs(x);
    if (x == 0) return 1;
    if (x >= 1) return 0;
    x = x * M_PI;
    /* Pillow's constants are floats. */
    return sin(x) / x * ((double)0.54F + (double)0.46F * cos(x));
}

/* Keys (1981) with a = -0.5. */
static double bicubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

static double sinc(double x)
{
    if (x == 0) return 1;
    x = x * M_PI;
    return sin(x) / x;
}

static double lanczos(double x)
{
    return -3 <= x && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

typedef struct kernel {
    double (*at)(double);
    double support;
} kernel;

static const kernel FILTERS[] = {[TRIAD_LANCZOS] = {lanczos, 3},
                                 [TRIAD_BILINEAR] = {bilinear, 1},
                                 [TRIAD_BICUBIC] = {bicubic, 2},
                                 [TRIAD_BOX] = {box, 0.5},
                                 [TRIAD_HAMMING] = {hamming, 1}};

/* ---- which pixels make a pixel, and by how much */
typedef struct taps {
    size_t most;           /* taps of a pixel at most */
    size_t *first, *count; /* [size] */
    int32_t *weight;       /* [size, most] */
} taps;

static void taps_free(taps *t)
{
    free(t->first);
    free(t->count);
    free(t->weight);
}

static triad_status taps_create(taps *t, const kernel *f, size_t in, size_t out, triad_error *err)
{
    const double scale = (double)in / (double)out, wider = scale < 1 ? 1 : scale, support = f->support * wider;
    /* in is at most TRIAD_IMAGE_SIDE, so that nothing here overflows. */
    t->most = (size_t)ceil(support) * 2 + 1;
    t->first = malloc(out * sizeof *t->first);
    t->count = malloc(out * sizeof *t->count);
    t->weight = calloc(out * t->most, sizeof *t->weight);
    double *w = malloc(t->most * sizeof *w);
    if (t->first == NULL || t->count == NULL || t->weight == NULL || w == NULL) {
        free(w);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "image: out of memory");
    }
    for (size_t x = 0; x < out; x++) {
        const double centre = ((double)x + 0.5) * scale, per = 1 / wider;
        const long low = (long)(centre - support + 0.5), high = (long)(centre + support + 0.5);
        const size_t first = low < 0 ? 0 : (size_t)low, end = high > (long)in ? in : (size_t)high;
        double sum = 0;
        for (size_t k = 0; k < end - first; k++) {
            w[k] = f->at(((double)(k + first) - centre + 0.5) * per);
            sum += w[k];
        }
        for (size_t k = 0; k < end - first; k++) {
            const double share = sum != 0 ? w[k] / sum : w[k];
            t->weight[x * t->most + k] = (int32_t)((share < 0 ? -0.5 : 0.5) + share * (1 << BITS));
        }
        t->first[x] = first;
        t->count[x] = end - first;
    }
    free(w);
    return TRIAD_OK;
}

static uint8_t to_byte(int32_t sum)
{
    const int32_t value = sum >> BITS;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void along_rows(triad_image *out, const triad_image *in, const taps *t)
{
    for (size_t y = 0; y < out->height; y++) {
        const uint8_t *row = in->rgb + y * in->width * 3;
        uint8_t *to = out->rgb + y * out->width * 3;
        for (size_t x = 0; x < out->width; x++, to += 3) {
            const int32_t *w = t->weight + x * t->most;
            const uint8_t *from = row + t->first[x] * 3;
            int32_t sum[3] = {1 << (BITS - 1), 1 << (BITS - 1), 1 << (BITS - 1)};
            for (size_t k = 0; k < t->count[x]; k++)
                for (size_t c = 0; c < 3; c++) sum[c] += from[k * 3 + c] * w[k];
            for (size_t c = 0; c < 3; c++) to[c] = to_byte(sum[c]);
        }
    }
}

static triad_status along_columns(triad_image *out, const triad_image *in, const taps *t, triad_error *err)
{
    const size_t line = out->width * 3;
    int32_t *sum = malloc(line * sizeof *sum);
    if (sum == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "image: out of memory");
    for (size_t y = 0; y < out->height; y++) {
        const int32_t *w = t->weight + y * t->most;
        for (size_t j = 0; j < line; j++) sum[j] = 1 << (BITS - 1);
        for (size_t k = 0; k < t->count[y]; k++) {
            const uint8_t *from = in->rgb + (t->first[y] + k) * line;
            for (size_t j = 0; j < line; j++) sum[j] += from[j] * w[k];
        }
        uint8_t *to = out->rgb + y * line;
        for (size_t j = 0; j < line; j++) to[j] = to_byte(sum[j]);
    }
    free(sum);
    return TRIAD_OK;
}

/* ---- nearest */
/* The pixel of the input under the middle of each pixel of the output. Pillow steps along by adding. */
static size_t *nearest(size_t in, size_t out)
{
    size_t *at = malloc(out * sizeof *at);
    const double step = (double)in / (double)out;
    double place = step * 0.5;
    for (size_t x = 0; at != NULL && x < out; x++, place += step) {
        at[x] = (size_t)place;
        if (at[x] >= in) at[x] = in - 1;
    }
    return at;
}

static triad_status pick(triad_image *out, const triad_image *in, triad_error *err)
{
    size_t *column = nearest(in->width, out->width), *row = nearest(in->height, out->height);
    const bool whole = column != NULL && row != NULL;
    for (size_t y = 0; whole && y < out->height; y++)
        for (size_t x = 0; x < out->width; x++)
            memcpy(out->rgb + (y * out->width + x) * 3, in->rgb + (row[y] * in->width + column[x]) * 3, 3);
    free(column);
    free(row);
    return whole ? TRIAD_OK : triad_fail(err, TRIAD_ERR_MEMORY, -1, "image: out of memory");
}

/* ---- */
/* Pillow's order of the passes since version 12: what shrinks much more in height goes along columns first. The bytes
 * in between are rounded, so that the order shows. */
static bool columns_first(const triad_image *out, const triad_image *in)
{
    const long fewer_rows = (long)in->height - (long)out->height, fewer_columns = (long)in->width - (long)out->width;
    return fewer_rows > 0 && fewer_rows > 2 * fewer_columns;
}

static triad_status filtered(triad_image *out, const triad_image *in, const kernel *f, triad_error *err)
{
    taps columns = {0}, rows = {0};
    triad_image between = {0};
    triad_status status = TRIAD_OK;
    const bool wide = out->width != in->width, tall = out->height != in->height, both = wide && tall;
    const bool swapped = both && columns_first(out, in);
    if (wide) status = taps_create(&columns, f, in->width, out->width, err);
    if (tall && status == TRIAD_OK) status = taps_create(&rows, f, in->height, out->height, err);
    if (both && status == TRIAD_OK)
        status =
            triad_image_create(&between, swapped ? out->height : in->height, swapped ? in->width : out->width, err);
    if (swapped && status == TRIAD_OK) status = along_columns(&between, in, &rows, err);
    if (wide && status == TRIAD_OK) along_rows(both && !swapped ? &between : out, swapped ? &between : in, &columns);
    if (tall && !swapped && status == TRIAD_OK) status = along_columns(out, both ? &between : in, &rows, err);
    taps_free(&columns);
    taps_free(&rows);
    triad_image_free(&between);
    return status;
}

triad_status triad_image_resize(triad_image *out, const triad_image *image, size_t height, size_t width,
                                triad_resample filter, triad_error *err)
{
    triad_status status = triad_image_create(out, height, width, err);
    if (status != TRIAD_OK) return status;
    if (height == image->height && width == image->width)
        memcpy(out->rgb, image->rgb, 3 * height * width);
    else if (filter == TRIAD_NEAREST)
        status = pick(out, image, err);
    else
        status = filtered(out, image, &FILTERS[filter], err);
    if (status != TRIAD_OK) triad_image_free(out);
    return status;
}
