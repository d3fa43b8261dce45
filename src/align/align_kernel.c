#include "align/align_kernel.h"

#include <math.h>
#include <string.h>

typedef double wide __attribute__((vector_size(32), aligned(8)));

void align_count_places(const double *scores, size_t n, double own, uint32_t *above, uint32_t *equal)
{
    uint32_t greater = 0, same = 0;
    for (size_t j = 0; j < n; j++) {
        const double score = __builtin_rint(scores[j] * ALIGN_SCORE_GRID);
        greater += score > own;
        same += score == own;
    }
    *above = greater;
    *equal = same;
}

void align_round(double *out, const double *scores, size_t n, double grid)
{
    for (size_t j = 0; j < n; j++) out[j] = __builtin_rint(scores[j] * grid);
}

double align_dot(const double *a, const double *b, size_t n)
{
    wide s[4] = {0};
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (size_t u = 0; u < 4; u++) s[u] += *(const wide *)(a + i + 4 * u) * *(const wide *)(b + i + 4 * u);
    double rest = 0;
    for (; i < n; i++) rest += a[i] * b[i];
    const wide all = (s[0] + s[1]) + (s[2] + s[3]);
    return ((all[0] + all[1]) + (all[2] + all[3])) + rest;
}

double align_square_distance(const double *a, const double *b, size_t d)
{
    wide s[4] = {0};
    size_t i = 0;
    for (; i + 16 <= d; i += 16)
        for (size_t u = 0; u < 4; u++) {
            const wide gap = *(const wide *)(a + i + 4 * u) - *(const wide *)(b + i + 4 * u);
            s[u] += gap * gap;
        }
    double rest = 0;
    for (; i < d; i++) rest += (a[i] - b[i]) * (a[i] - b[i]);
    const wide all = (s[0] + s[1]) + (s[2] + s[3]);
    return ((all[0] + all[1]) + (all[2] + all[3])) + rest;
}

/* One by one: gather instructions take longer. */
#if defined(__GNUC__) && !defined(__clang__)
__attribute__((optimize("no-tree-vectorize")))
#endif
void align_gather(double *restrict out, const double *restrict row, const uint32_t *restrict order, size_t n)
{
    for (size_t j = 0; j < n; j++) out[j] = row[order[j]];
}

void align_dot_block(double sums[ALIGN_DRAW_BLOCK], const double *restrict row, const double *restrict g, size_t stride,
                     size_t n)
{
    wide s[ALIGN_DRAW_BLOCK] = {0};
    size_t j = 0;
    for (; j + 4 <= n; j += 4) {
        const wide r = *(const wide *)(row + j);
        for (size_t b = 0; b < ALIGN_DRAW_BLOCK; b++) s[b] += r * *(const wide *)(g + b * stride + j);
    }
    for (size_t b = 0; b < ALIGN_DRAW_BLOCK; b++) {
        double rest = 0;
        for (size_t i = j; i < n; i++) rest += row[i] * g[b * stride + i];
        sums[b] += ((s[b][0] + s[b][1]) + (s[b][2] + s[b][3])) + rest;
    }
}

double align_sum(const double *a, size_t n)
{
    wide s[4] = {0};
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (size_t u = 0; u < 4; u++) s[u] += *(const wide *)(a + i + 4 * u);
    double rest = 0;
    for (; i < n; i++) rest += a[i];
    const wide all = (s[0] + s[1]) + (s[2] + s[3]);
    return ((all[0] + all[1]) + (all[2] + all[3])) + rest;
}

bool align_widen(double *restrict out, const float *restrict row, size_t d)
{
    uint32_t largest = 0; /* bits without the sign */
    for (size_t c = 0; c < d; c++) {
        uint32_t bits;
        memcpy(&bits, row + c, sizeof bits);
        bits &= 0x7fffffff;
        largest = bits > largest ? bits : largest;
        out[c] = row[c];
    }
    return largest < 0x7f800000;
}

bool align_all_finite(const float *row, size_t d)
{
    uint32_t largest = 0;
    for (size_t c = 0; c < d; c++) {
        uint32_t bits;
        memcpy(&bits, row + c, sizeof bits);
        bits &= 0x7fffffff;
        largest = bits > largest ? bits : largest;
    }
    return largest < 0x7f800000;
}

double align_dot_float(const float *a, const float *b, size_t n)
{
    /* the sums of align_dot in its order */
    wide s[4] = {0};
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (size_t u = 0; u < 4; u++) {
            wide x, y;
            for (size_t l = 0; l < 4; l++) {
                x[l] = a[i + 4 * u + l];
                y[l] = b[i + 4 * u + l];
            }
            s[u] += x * y;
        }
    double rest = 0;
    for (; i < n; i++) rest += (double)a[i] * (double)b[i];
    const wide all = (s[0] + s[1]) + (s[2] + s[3]);
    return ((all[0] + all[1]) + (all[2] + all[3])) + rest;
}

void align_centre_row(double *out, const double *row, const double *restrict part, double own, double both, size_t n)
{
    for (size_t j = 0; j < n; j++) out[j] = row[j] - (own + part[j]) + both;
}

void align_shift_to_float(float *restrict out, const double *restrict row, double scale, const double *restrict part,
                          size_t n)
{
    for (size_t j = 0; j < n; j++) out[j] = (float)(row[j] * scale - part[j]);
}

void align_shift_float(float *restrict out, const float *restrict row, double scale, const double *restrict part,
                       size_t n)
{
    for (size_t j = 0; j < n; j++) out[j] = (float)((double)row[j] * scale - part[j]);
}

double align_add_float(double *restrict sum, const float *restrict row, size_t n)
{
    double s[8] = {0}, all = 0;
    size_t j = 0;
    for (; j + 8 <= n; j += 8)
        for (size_t u = 0; u < 8; u++) {
            const double x = row[j + u];
            sum[j + u] += x;
            s[u] += x * x;
        }
    for (; j < n; j++) {
        sum[j] += (double)row[j];
        all += (double)row[j] * (double)row[j];
    }
    for (size_t u = 0; u < 8; u++) all += s[u];
    return all;
}

void align_shift(double *restrict out, const double *restrict row, double scale, const double *restrict part, size_t n)
{
    for (size_t j = 0; j < n; j++) out[j] = row[j] * scale - part[j];
}

double align_largest(const double *a, size_t n)
{
    double most[8] = {0}, all = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t l = 0; l < 8; l++) most[l] = fabs(a[i + l]) > most[l] ? fabs(a[i + l]) : most[l];
    for (; i < n; i++) all = fabs(a[i]) > all ? fabs(a[i]) : all;
    for (size_t l = 0; l < 8; l++) all = most[l] > all ? most[l] : all;
    return all;
}

double align_round_to_short(int16_t *restrict out, const double *restrict a, double unit, size_t n)
{
    const double inverse = 1 / unit;
    double squares[8] = {0}, all = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t l = 0; l < 8; l++) {
            const double whole = __builtin_rint(a[i + l] * inverse), rest = a[i + l] - whole * unit;
            out[i + l] = (int16_t)(int32_t)whole;
            squares[l] += rest * rest;
        }
    for (; i < n; i++) {
        const double whole = __builtin_rint(a[i] * inverse), rest = a[i] - whole * unit;
        out[i] = (int16_t)(int32_t)whole;
        all += rest * rest;
    }
    for (size_t l = 0; l < 8; l++) all += squares[l];
    return all;
}

size_t align_scan_scores(uint32_t *hits, const float *product, float own, const float *unit, float own_shift,
                         const float *shift, float own_least, const float *least, size_t n)
{
    size_t found = 0;
    for (size_t first = 0; first < n; first += ALIGN_SCAN_BLOCK) {
        int any = 0;
        for (size_t j = first; j < first + ALIGN_SCAN_BLOCK; j++) {
            const float part = product[j] * (own * unit[j]);
            any |= (part + shift[j] >= own_least) | (part + own_shift >= least[j]);
        }
        hits[found] = (uint32_t)first;
        found += any ? 1 : 0;
    }
    return found;
}

double align_centred_norm(const float *k, double own, const double *restrict part, size_t n)
{
    double s[16] = {0}, all = 0;
    size_t j = 0;
    for (; j + 16 <= n; j += 16)
        for (size_t l = 0; l < 16; l++) {
            const double value = (double)k[j + l] + (own + part[j + l]);
            s[l] += value * value;
        }
    for (; j < n; j++) {
        const double value = (double)k[j] + (own + part[j]);
        all += value * value;
    }
    for (size_t l = 0; l < 16; l++) all += s[l];
    return all;
}

double align_centred_dot(double *restrict products, const float *k, const float *l, double own_k,
                         const double *restrict part_k, double own_l, const double *restrict part_l, size_t n)
{
    double s[8] = {0}, all = 0;
    size_t j = 0;
    for (; j + 8 <= n; j += 8)
        for (size_t u = 0; u < 8; u++) {
            const double product =
                ((double)k[j + u] + (own_k + part_k[j + u])) * ((double)l[j + u] + (own_l + part_l[j + u]));
            products[j + u] += product;
            s[u] += product;
        }
    for (; j < n; j++) {
        const double product = ((double)k[j] + (own_k + part_k[j])) * ((double)l[j] + (own_l + part_l[j]));
        products[j] += product;
        all += product;
    }
    for (size_t u = 0; u < 8; u++) all += s[u];
    return all;
}

void align_cosine_distances(double *out, const double *cosine, size_t n)
{
    for (size_t j = 0; j < n; j++) out[j] = __builtin_rint((1 - cosine[j]) * 1e10) / 1e10;
}

void align_apart_distances(double *out, const double *product, const double *restrict part, double own, size_t n)
{
    for (size_t j = 0; j < n; j++) out[j] = __builtin_rint((1 - (product[j] + (part[j] + own))) * 1e10) / 1e10;
}
