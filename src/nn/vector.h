/* Eight floats at once, and the functions of them that layers need. For *_kernel.c files only: they are compiled with
 * contraction, which the error bounds below count on, and without -ffast-math, which would undo the rounding tricks.
 *
 * Largest errors against the exact value, over all floats (tests/nn/test_elementwise.c checks them):
 *   nn_exp8   1 ulp, gradual underflow and overflow included;  nn_tanh8  2 ulp;  nn_erf8  2 ulp
 *   nn_phi8   (the normal distribution's cumulative)  10 ulp down to x = -5.6, absolute 1e-9 below
 * NaN gives NaN; exp(-inf) is 0, exp(inf) is inf, tanh and erf of +-inf are +-1. */
#ifndef TRIAD_NN_VECTOR_H
#define TRIAD_NN_VECTOR_H

#include <stddef.h>
#include <stdint.h>
#ifdef __AVX__
#include <immintrin.h>
#else
#pragma GCC diagnostic ignored "-Wpsabi" /* everything here is inlined: no vector passes between functions */
#endif

#define NN_LANES 8
typedef float nn_v8 __attribute__((vector_size(32)));
typedef int32_t nn_v8i __attribute__((vector_size(32)));
typedef float nn_v8u __attribute__((vector_size(32), aligned(4), may_alias));

#define NN_INLINE static inline __attribute__((always_inline, unused))

NN_INLINE nn_v8 nn_load8(const float *x)
{
    return *(const nn_v8u *)x;
}

NN_INLINE void nn_store8(float *x, nn_v8 v)
{
    *(nn_v8u *)x = v;
}

NN_INLINE nn_v8 nn_set8(float x)
{
    return (nn_v8){x, x, x, x, x, x, x, x};
}

/* All bits set in the lanes first <= lane < last. */
NN_INLINE nn_v8i nn_between8(int32_t first, int32_t last)
{
    const nn_v8i lane = {0, 1, 2, 3, 4, 5, 6, 7};
    return (lane >= first) & (lane < last);
}

NN_INLINE nn_v8 nn_select8(nn_v8i mask, nn_v8 yes, nn_v8 no)
{
#ifdef __AVX__
    return (nn_v8)_mm256_blendv_ps((__m256)no, (__m256)yes, (__m256)mask);
#else
    return (nn_v8)((mask & (nn_v8i)yes) | (~mask & (nn_v8i)no));
#endif
}

/* The first n (< 8) of x, and nothing behind them; the other lanes are fill. */
NN_INLINE nn_v8 nn_load_part(const float *x, size_t n, float fill)
{
#ifdef __AVX__
    const nn_v8i mask = nn_between8(0, (int32_t)n);
    return nn_select8(mask, (nn_v8)_mm256_maskload_ps(x, (__m256i)mask), nn_set8(fill));
#else
    float lanes[NN_LANES] = {fill, fill, fill, fill, fill, fill, fill, fill};
    for (size_t i = 0; i < n; i++) lanes[i] = x[i];
    return nn_load8(lanes);
#endif
}

NN_INLINE void nn_store_part(float *x, nn_v8 v, size_t n)
{
    float lanes[NN_LANES];
    nn_store8(lanes, v);
    for (size_t i = 0; i < n; i++) x[i] = lanes[i];
}

NN_INLINE float nn_sum8(nn_v8 v)
{
    const nn_v8 a = v + __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
    const nn_v8 b = a + __builtin_shufflevector(a, a, 2, 3, 0, 1, 6, 7, 4, 5);
    return b[0] + b[1];
}

/* The larger of each pair; where one is NaN, the one or the other: a sum of exponentials brings the NaN back. */
NN_INLINE nn_v8 nn_max8(nn_v8 a, nn_v8 b)
{
#ifdef __AVX__
    return (nn_v8)_mm256_max_ps((__m256)a, (__m256)b);
#else
    return nn_select8(a > b, a, b);
#endif
}

NN_INLINE float nn_largest8(nn_v8 v)
{
    const nn_v8 a = nn_max8(v, __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3));
    const nn_v8 b = nn_max8(a, __builtin_shufflevector(a, a, 2, 3, 0, 1, 6, 7, 4, 5));
    const nn_v8 c = nn_max8(b, __builtin_shufflevector(b, b, 1, 0, 3, 2, 5, 4, 7, 6));
    return c[0];
}

NN_INLINE nn_v8 nn_sqrt8(nn_v8 x)
{
#ifdef __AVX__
    return (nn_v8)_mm256_sqrt_ps((__m256)x);
#else
    for (int i = 0; i < NN_LANES; i++) x[i] = __builtin_sqrtf(x[i]);
    return x;
#endif
}

NN_INLINE nn_v8 nn_abs8(nn_v8 x)
{
    return (nn_v8)((nn_v8i)x & 0x7fffffff);
}

NN_INLINE nn_v8 nn_copysign8(nn_v8 size, nn_v8 sign)
{
    return (nn_v8)(((nn_v8i)size & 0x7fffffff) | ((nn_v8i)sign & INT32_MIN));
}

/* exp(x + rest), rest small: x = n ln 2 + r with n an integer and |r| <= ln 2 / 2; exp(r) = 1 + r + r^2 P(r), P the
 * best of degree 4; then 2^n in two factors, so that neither leaves the range before the result does. */
NN_INLINE nn_v8 nn_exp8_of_sum(nn_v8 x, nn_v8 rest)
{
    x = nn_select8(x < -104.0F, nn_set8(-104.0F), x);
    x = nn_select8(x > 89.0F, nn_set8(89.0F), x);
    const float round_to_integer = 12582912.0F; /* 1.5 * 2^23: its last bit is one */
    const nn_v8 shifted = x * 1.44269504F + round_to_integer;
    const nn_v8 n = shifted - round_to_integer;
    /* ln 2 in two parts, the first of 15 bits, so that the first product is exact */
    const nn_v8 r = ((x - n * 0.693145752F) - n * 1.42860677e-6F) + rest;
    nn_v8 p = nn_set8(0.00138145988F);
    p = p * r + 0.00836871658F;
    p = p * r + 0.041668389F;
    p = p * r + 0.166665211F;
    p = p * r + 0.49999994F;
    const nn_v8 mantissa = (p * (r * r) + r) + 1.0F;
    const nn_v8i power = (nn_v8i)shifted - 0x4b400000;
    const nn_v8i half = power >> 1;
    return mantissa * (nn_v8)((half + 127) << 23) * (nn_v8)((power - half + 127) << 23);
}

NN_INLINE nn_v8 nn_exp8(nn_v8 x)
{
    return nn_exp8_of_sum(x, (nn_v8){0});
}

/* tanh: an odd polynomial near zero, 1 - 2 / (exp(2|x|) + 1) elsewhere. */
NN_INLINE nn_v8 nn_tanh8(nn_v8 x)
{
    const nn_v8 size = nn_abs8(x), u = x * x;
    nn_v8 p = nn_set8(-0.00566078862F);
    p = p * u + 0.0206020083F;
    p = p * u - 0.0537292287F;
    p = p * u + 0.133313283F;
    p = p * u - 0.333332777F;
    const nn_v8 small = p * u * x + x;
    const nn_v8 large = 1.0F - 2.0F / (nn_exp8(size + size) + 1.0F);
    return nn_select8(u < 0.4F, small, nn_copysign8(large, x));
}

/* erf for |x| < 1. */
NN_INLINE nn_v8 nn_erf_small8(nn_v8 x)
{
    const nn_v8 u = x * x;
    nn_v8 p = nn_set8(7.88912294e-05F);
    p = p * u - 0.000802084222F;
    p = p * u + 0.00518953567F;
    p = p * u - 0.0268544443F;
    p = p * u + 0.112836003F;
    p = p * u - 0.37612626F;
    p = p * u + 0.12837911F;
    return p * x + x;
}

/* erfc for s >= 1: exp(-s^2 - Q(s)); Q is a polynomial fitted on [1, 4] and constant after it. s^2 is handed in as
 * factor * y^2 and kept to twice the precision, for its rounding would be the result's relative error. */
NN_INLINE nn_v8 nn_erfc_large8(nn_v8 s, nn_v8 y, float factor)
{
    const nn_v8 t = nn_select8(s > 4.0F, nn_set8(4.0F), s);
    nn_v8 q = nn_set8(-1.61315484e-06F);
    q = q * t + 4.55760128e-05F;
    q = q * t - 0.000592679542F;
    q = q * t + 0.00473998347F;
    q = q * t - 0.0263646431F;
    q = q * t + 0.109979331F;
    q = q * t - 0.368065506F;
    q = q * t + 1.13016915F;
    q = q * t - 0.000304051064F;
    y = nn_select8(y > 16.0F, nn_set8(16.0F), y);
    const nn_v8 head = (nn_v8)((nn_v8i)y & ~0xfff), tail = y - head; /* head^2 is exact */
    /* Q and the square's tail leave the range in which rest is small: their whole part goes to x. */
    const nn_v8 square = head * head * -factor, rest = tail * (y + head) * -factor - q, sum = square + rest;
    return nn_exp8_of_sum(sum, rest - (sum - square));
}

NN_INLINE nn_v8 nn_erf8(nn_v8 x)
{
    const nn_v8 size = nn_abs8(x);
    const nn_v8 large = nn_copysign8(1.0F - nn_erfc_large8(size, size, 1.0F), x);
    return nn_select8(size < 1.0F, nn_erf_small8(x), large);
}

/* Phi(x) = (1 + erf(x / sqrt 2)) / 2, without the cancellation for negative x. */
NN_INLINE nn_v8 nn_phi8(nn_v8 x)
{
    const nn_v8 s = x * 0.707106781F, size = nn_abs8(s);
    const nn_v8 tail = 0.5F * nn_erfc_large8(size, nn_abs8(x), 0.5F);
    const nn_v8 large = nn_select8(x > 0.0F, 1.0F - tail, tail);
    return nn_select8(size < 1.0F, 0.5F + 0.5F * nn_erf_small8(s), large);
}

/* 1 / (1 + exp(-x)) */
NN_INLINE nn_v8 nn_sigmoid8(nn_v8 x)
{
    return 1.0F / (1.0F + nn_exp8(-x));
}

#endif
