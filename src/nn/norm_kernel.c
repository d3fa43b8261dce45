/* Normalisations of rows. */
#include "nn/forward.h"
#include "nn/layers.h"
#include "nn/vector.h"

#include <math.h>

/* Mean and 1 / sqrt(variance + epsilon) of a row, in two passes: the second about the mean, so that a large mean
 * costs no digits. */
NN_INLINE void moments(float *mean, float *rstd, const float *x, size_t d, float epsilon)
{
    const size_t whole = d / NN_LANES * NN_LANES;
    nn_v8 sum = {0}, square = {0};
    for (size_t i = 0; i < whole; i += NN_LANES) sum += nn_load8(x + i);
    float total = nn_sum8(sum);
    for (size_t i = whole; i < d; i++) total += x[i];
    const float centre = total / (float)d;
    for (size_t i = 0; i < whole; i += NN_LANES) {
        const nn_v8 delta = nn_load8(x + i) - centre;
        square += delta * delta;
    }
    float variance = nn_sum8(square);
    for (size_t i = whole; i < d; i++) variance += (x[i] - centre) * (x[i] - centre);
    *mean = centre;
    *rstd = 1.0F / sqrtf(variance / (float)d + epsilon);
}

/* y = (x - mean) * rstd * (extra + gain) + shift */
NN_INLINE void apply(float *y, const float *x, float mean, float rstd, const float *gain, float extra,
                     const float *shift, size_t d)
{
    size_t i = 0;
    for (; i + NN_LANES <= d; i += NN_LANES) {
        const nn_v8 xhat = (nn_load8(x + i) - mean) * rstd;
        nn_store8(y + i, xhat * (nn_load8(gain + i) + extra) + nn_load8(shift + i));
    }
    for (; i < d; i++) y[i] = (x[i] - mean) * rstd * (gain[i] + extra) + shift[i];
}

/* backward: dx += rstd * (w - mean(w) - xhat * mean(w * xhat)),  w = (extra + gain) * dy,
 *           dgain += dy * xhat,  dshift += dy */
NN_INLINE void backward(float *dx, float *dgain, float *dshift, const float *dy, const float *x, float mean, float rstd,
                        const float *gain, float extra, size_t d)
{
    const size_t whole = d / NN_LANES * NN_LANES;
    nn_v8 sum = {0}, sum_xhat = {0};
    for (size_t i = 0; i < whole; i += NN_LANES) {
        const nn_v8 up = nn_load8(dy + i), xhat = (nn_load8(x + i) - mean) * rstd;
        const nn_v8 w = up * (nn_load8(gain + i) + extra);
        sum += w;
        sum_xhat += w * xhat;
        nn_store8(dgain + i, nn_load8(dgain + i) + up * xhat);
        nn_store8(dshift + i, nn_load8(dshift + i) + up);
    }
    float total = nn_sum8(sum), total_xhat = nn_sum8(sum_xhat);
    for (size_t i = whole; i < d; i++) {
        const float xhat = (x[i] - mean) * rstd, w = dy[i] * (gain[i] + extra);
        total += w;
        total_xhat += w * xhat;
        dgain[i] += dy[i] * xhat;
        dshift[i] += dy[i];
    }
    const float mean_w = total / (float)d, mean_xhat = total_xhat / (float)d;
    size_t i = 0;
    for (; i < whole; i += NN_LANES) {
        const nn_v8 xhat = (nn_load8(x + i) - mean) * rstd, w = nn_load8(dy + i) * (nn_load8(gain + i) + extra);
        nn_store8(dx + i, nn_load8(dx + i) + rstd * (w - mean_w - xhat * mean_xhat));
    }
    for (; i < d; i++) {
        const float xhat = (x[i] - mean) * rstd, w = dy[i] * (gain[i] + extra);
        dx[i] += rstd * (w - mean_w - xhat * mean_xhat);
    }
}

void nn_layernorm_forward(float *y, float *mean, float *rstd, const float *x, const float *gain, const float *shift,
                          size_t rows, size_t d)
{
    for (size_t r = 0; r < rows; r++) {
        moments(mean + r, rstd + r, x + r * d, d, (float)NN_NORM_EPSILON);
        apply(y + r * d, x + r * d, mean[r], rstd[r], gain, 0, shift, d);
    }
}

void nn_layernorm_backward_add(float *dx, float *dgain, float *dshift, const float *dy, const float *x,
                               const float *mean, const float *rstd, const float *gain, size_t rows, size_t d)
{
    for (size_t r = 0; r < rows; r++)
        backward(dx + r * d, dgain, dshift, dy + r * d, x + r * d, mean[r], rstd[r], gain, 0, d);
}

void nn_film_norm_forward(float *y, float *mean, float *rstd, const float *x, const float *g, const float *b,
                          size_t ld_film, const uint32_t *film_row, size_t rows, size_t d)
{
    for (size_t r = 0; r < rows; r++) {
        const size_t at = film_row[r] * ld_film;
        moments(mean + r, rstd + r, x + r * d, d, (float)NN_NORM_EPSILON);
        apply(y + r * d, x + r * d, mean[r], rstd[r], g + at, 1, b + at, d);
    }
}

void nn_film_norm_backward_add(float *dx, float *dg, float *db, const float *dy, const float *x, const float *mean,
                               const float *rstd, const float *g, size_t ld_film, const uint32_t *film_row, size_t rows,
                               size_t d)
{
    for (size_t r = 0; r < rows; r++) {
        const size_t at = film_row[r] * ld_film;
        backward(dx + r * d, dg + at, db + at, dy + r * d, x + r * d, mean[r], rstd[r], g + at, 1, d);
    }
}

void nn_rms_norm_forward(float *y, float *rstd, const float *x, const float *gain, size_t rows, size_t d)
{
    const size_t whole = d / NN_LANES * NN_LANES;
    for (size_t r = 0; r < rows; r++, x += d, y += d) {
        nn_v8 square = {0};
        for (size_t i = 0; i < whole; i += NN_LANES) square += nn_load8(x + i) * nn_load8(x + i);
        float total = nn_sum8(square);
        for (size_t i = whole; i < d; i++) total += x[i] * x[i];
        const float scale = rstd[r] = 1.0F / sqrtf(total / (float)d + (float)NN_NORM_EPSILON);
        for (size_t i = 0; i < whole; i += NN_LANES) nn_store8(y + i, nn_load8(x + i) * scale * nn_load8(gain + i));
        for (size_t i = whole; i < d; i++) y[i] = x[i] * scale * gain[i];
    }
}

/* backward: dx += rstd * (w - xhat * mean(w * xhat)),  w = gain * dy,  dgain += dy * xhat */
void nn_rms_norm_backward_add(float *dx, float *dgain, const float *dy, const float *x, const float *rstd,
                              const float *gain, size_t rows, size_t d)
{
    const size_t whole = d / NN_LANES * NN_LANES;
    for (size_t r = 0; r < rows; r++, x += d, dy += d, dx += d) {
        const float scale = rstd[r];
        nn_v8 sum = {0};
        for (size_t i = 0; i < whole; i += NN_LANES) {
            const nn_v8 pushed = nn_load8(dy + i) * (nn_load8(x + i) * scale);
            sum += pushed * nn_load8(gain + i);
            nn_store8(dgain + i, nn_load8(dgain + i) + pushed);
        }
        float total = nn_sum8(sum);
        for (size_t i = whole; i < d; i++) {
            const float pushed = dy[i] * (x[i] * scale);
            total += pushed * gain[i];
            dgain[i] += pushed;
        }
        const float mean = total / (float)d;
        for (size_t i = 0; i < whole; i += NN_LANES)
            nn_store8(dx + i, nn_load8(dx + i) +
                                  scale * (nn_load8(dy + i) * nn_load8(gain + i) - nn_load8(x + i) * scale * mean));
        for (size_t i = whole; i < d; i++) dx[i] += scale * (dy[i] * gain[i] - x[i] * scale * mean);
    }
}

/* The models' norms: their sums in double, four at a time, since their rows are long and their parity is measured. */
typedef double four __attribute__((vector_size(32)));
typedef float loose_four __attribute__((vector_size(16), aligned(4), may_alias));

NN_INLINE double row_mean(const float *x, size_t d)
{
    four sum[2] = {{0}, {0}};
    size_t i = 0;
    for (; i + 8 <= d; i += 8) {
        sum[0] += __builtin_convertvector(*(const loose_four *)(x + i), four);
        sum[1] += __builtin_convertvector(*(const loose_four *)(x + i + 4), four);
    }
    const four both = sum[0] + sum[1];
    double total = (both[0] + both[2]) + (both[1] + both[3]);
    for (; i < d; i++) total += (double)x[i];
    return total / (double)d;
}

/* The mean of (x - centre)^2. */
NN_INLINE double row_square(const float *x, double centre, size_t d)
{
    four sum[2] = {{0}, {0}};
    size_t i = 0;
    for (; i + 8 <= d; i += 8) {
        const four a = __builtin_convertvector(*(const loose_four *)(x + i), four) - centre;
        const four b = __builtin_convertvector(*(const loose_four *)(x + i + 4), four) - centre;
        sum[0] += a * a;
        sum[1] += b * b;
    }
    const four both = sum[0] + sum[1];
    double total = (both[0] + both[2]) + (both[1] + both[3]);
    for (; i < d; i++) total += ((double)x[i] - centre) * ((double)x[i] - centre);
    return total / (double)d;
}

void nn_norm_forward(float *y, const float *x, const float *gain, const float *shift, double epsilon, size_t rows,
                     size_t d)
{
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * d;
        const double mean = row_mean(row, d);
        const float centre = (float)mean, rstd = (float)(1 / sqrt(row_square(row, mean, d) + epsilon));
        float *out = y + r * d;
        if (shift)
            for (size_t i = 0; i < d; i++) out[i] = (row[i] - centre) * rstd * gain[i] + shift[i];
        else
            for (size_t i = 0; i < d; i++) out[i] = (row[i] - centre) * rstd * gain[i];
    }
}

void nn_rmsnorm_forward(float *y, const float *x, const float *gain, double epsilon, size_t rows, size_t d)
{
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * d;
        const float rms = (float)(1 / sqrt(row_square(row, 0, d) + epsilon));
        for (size_t i = 0; i < d; i++) y[r * d + i] = row[i] * rms * gain[i];
    }
}
