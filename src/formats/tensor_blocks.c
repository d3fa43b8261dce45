/* ggml's quantised blocks (github.com/ggml-org/ggml, ggml-quants.c): little-endian, scales in half precision. Products
 * and sums are rounded one by one (never contracted), in ggml's order. Every format ends in runs of 16 small integers
 * that share a scale, so each function only unpacks those. */
#include "formats/half.h"
#include "formats/tensor_widen.h"

enum { SMALL = 32, LARGE = 256 }; /* elements of a block */

typedef unsigned char bytes16 __attribute__((vector_size(16)));
typedef signed char signed16 __attribute__((vector_size(16)));
typedef uint64_t words2 __attribute__((vector_size(16)));

static inline bytes16 load16(const void *bytes)
{
    bytes16 value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

#ifdef __AVX2__
static inline __m256 floats8(__m128i bytes)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
}

/* out[0..15] = scale * q, q taken as signed. */
static inline void put16(float *out, bytes16 q, float scale)
{
    const __m256 s = _mm256_set1_ps(scale);
    _mm256_storeu_ps(out, _mm256_mul_ps(s, floats8((__m128i)q)));
    _mm256_storeu_ps(out + 8, _mm256_mul_ps(s, floats8(_mm_srli_si128((__m128i)q, 8))));
}

/* out[0..15] = scale * q + shift. */
static inline void put16_shifted(float *out, bytes16 q, float scale, float shift)
{
    const __m256 s = _mm256_set1_ps(scale), m = _mm256_set1_ps(shift);
    _mm256_storeu_ps(out, _mm256_add_ps(_mm256_mul_ps(s, floats8((__m128i)q)), m));
    _mm256_storeu_ps(out + 8, _mm256_add_ps(_mm256_mul_ps(s, floats8(_mm_srli_si128((__m128i)q, 8))), m));
}
#else
static inline void put16(float *out, bytes16 q, float scale)
{
    const signed16 v = (signed16)q;
    for (int i = 0; i < 16; i++) out[i] = scale * (float)v[i];
}

static inline void put16_shifted(float *out, bytes16 q, float scale, float shift)
{
    const signed16 v = (signed16)q;
    for (int i = 0; i < 16; i++) out[i] = scale * (float)v[i] + shift;
}
#endif

/* value in every byte whose bit (the first byte: the lowest of 16 bits) is set, else 0. */
static inline bytes16 spread_bits(const unsigned char bits[2], unsigned char value)
{
    const words2 repeated = {bits[0] * 0x0101010101010101U, bits[1] * 0x0101010101010101U};
    const words2 one_each = {0x8040201008040201U, 0x8040201008040201U};
    return (bytes16)((bytes16)(repeated & one_each) != 0) & value;
}

/* d, 16 bytes: y[j] = d * (lo - 8), y[j + 16] = d * (hi - 8). */
void tensor_widen_q4_0(float *out, const unsigned char *b, size_t count)
{
    for (; count; count -= SMALL, out += SMALL, b += 18) {
        const float d = load_half(b);
        const bytes16 q = load16(b + 2);
        put16(out, (q & 15) - 8, d);
        put16(out + 16, (q >> 4) - 8, d);
    }
}

/* d, m, 16 bytes: y = d * nibble + m. */
void tensor_widen_q4_1(float *out, const unsigned char *b, size_t count)
{
    for (; count; count -= SMALL, out += SMALL, b += 20) {
        const float d = load_half(b), m = load_half(b + 2);
        const bytes16 q = load16(b + 4);
        put16_shifted(out, q & 15, d, m);
        put16_shifted(out + 16, q >> 4, d, m);
    }
}

/* d, 32 fifth bits, 16 bytes: y = d * (five bits - 16). */
void tensor_widen_q5_0(float *out, const unsigned char *b, size_t count)
{
    for (; count; count -= SMALL, out += SMALL, b += 22) {
        const float d = load_half(b);
        const bytes16 q = load16(b + 6);
        put16(out, ((q & 15) | spread_bits(b + 2, 16)) - 16, d);
        put16(out + 16, ((q >> 4) | spread_bits(b + 4, 16)) - 16, d);
    }
}

/* d, m, 32 fifth bits, 16 bytes: y = d * five bits + m. */
void tensor_widen_q5_1(float *out, const unsigned char *b, size_t count)
{
    for (; count; count -= SMALL, out += SMALL, b += 24) {
        const float d = load_half(b), m = load_half(b + 2);
        const bytes16 q = load16(b + 8);
        put16_shifted(out, (q & 15) | spread_bits(b + 4, 16), d, m);
        put16_shifted(out + 16, (q >> 4) | spread_bits(b + 6, 16), d, m);
    }
}

/* d, 32 signed bytes: y = d * q. */
void tensor_widen_q8_0(float *out, const unsigned char *b, size_t count)
{
    for (; count; count -= SMALL, out += SMALL, b += 34) {
        const float d = load_half(b);
        put16(out, load16(b + 2), d);
        put16(out + 16, load16(b + 18), d);
    }
}

/* 16 bytes of scale (low nibble) and minimum (high), 64 of crumbs, d, dmin: runs of 16; the crumbs of 32 bytes go
 * lowest first: y = d * scale * q - dmin * minimum. */
void tensor_widen_q2_k(float *out, const unsigned char *b, size_t count)
{
    for (; count; count -= LARGE, b += 84) {
        const float d = load_half(b + 80), dmin = load_half(b + 82);
        for (int run = 0; run < 16; run++, out += 16) {
            const int half = run / 8, shift = run % 8 / 2 * 2;
            const bytes16 q = load16(b + 16 + 32 * half + 16 * (run & 1)) >> shift & 3;
            put16_shifted(out, q, d * (float)(b[run] & 15), -(dmin * (float)(b[run] >> 4)));
        }
    }
}

/* 32 bytes of third bits, 64 of crumbs, 12 of sixteen 6-bit scales, d: as Q2_K with q - 4 where the third bit is clear:
 * y = d * (scale - 32) * q. Scales: low nibbles from bytes 0-7 (scales 0-7 low, 8-15 high), the two upper bits from
 * bytes 8-11. */
void tensor_widen_q3_k(float *out, const unsigned char *b, size_t count)
{
    for (; count; count -= LARGE, b += 110) {
        const float d = load_half(b + 108);
        const unsigned char *packed = b + 96;
        for (int run = 0; run < 16; run++, out += 16) {
            const int half = run / 8, step = run % 8 / 2;
            const int scale = (packed[run % 8] >> 4 * half & 15) | (packed[8 + run % 4] >> 2 * (run / 4) & 3) << 4;
            const bytes16 third = (load16(b + 16 * (run & 1)) >> (4 * half + step) & 1) << 2;
            const bytes16 q = (load16(b + 32 + 32 * half + 16 * (run & 1)) >> 2 * step & 3) + third - 4;
            put16(out, q, d * (float)(scale - 32));
        }
    }
}

/* The 6-bit scale and minimum of sub-block j (of 8) in 12 bytes, of Q4_K and Q5_K. */
static inline void scale_minimum(const unsigned char *packed, int j, int *scale, int *minimum)
{
    if (j < 4) {
        *scale = packed[j] & 63;
        *minimum = packed[j + 4] & 63;
    } else {
        *scale = (packed[j + 4] & 15) | packed[j - 4] >> 6 << 4;
        *minimum = packed[j + 4] >> 4 | packed[j] >> 6 << 4;
    }
}

/* d, dmin, 12 bytes of scales, 128 of nibbles: 32 low nibbles are one sub-block, the 32 high ones of the same bytes the
 * next: y = d * scale * q - dmin * minimum. */
void tensor_widen_q4_k(float *out, const unsigned char *b, size_t count)
{
    for (; count; count -= LARGE, b += 144) {
        const float d = load_half(b), dmin = load_half(b + 2);
        for (int sub = 0; sub < 8; sub++, out += 32) {
            int scale, minimum;
            scale_minimum(b + 4, sub, &scale, &minimum);
            const float s = d * (float)scale, m = -(dmin * (float)minimum);
            const unsigned char *nibbles = b + 16 + sub / 2 * 32;
            const int shift = sub % 2 * 4;
            put16_shifted(out, load16(nibbles) >> shift & 15, s, m);
            put16_shifted(out + 16, load16(nibbles + 16) >> shift & 15, s, m);
        }
    }
}

/* As Q4_K with 32 bytes of fifth bits before the nibbles: bit `sub` of byte l belongs to element l of sub-block `sub`.
 */
void tensor_widen_q5_k(float *out, const unsigned char *b, size_t count)
{
    for (; count; count -= LARGE, b += 176) {
        const float d = load_half(b), dmin = load_half(b + 2);
        for (int sub = 0; sub < 8; sub++, out += 32) {
            int scale, minimum;
            scale_minimum(b + 4, sub, &scale, &minimum);
            const float s = d * (float)scale, m = -(dmin * (float)minimum);
            const unsigned char *fifth = b + 16, *nibbles = b + 48 + sub / 2 * 32;
            const int shift = sub % 2 * 4;
            put16_shifted(out, (load16(nibbles) >> shift & 15) | (load16(fifth) >> sub & 1) << 4, s, m);
            put16_shifted(out + 16, (load16(nibbles + 16) >> shift & 15) | (load16(fifth + 16) >> sub & 1) << 4, s, m);
        }
    }
}

/* 128 bytes of low nibbles, 64 of upper crumbs, 16 signed scales, d; each half of 128: quarters of 32 take the low
 * nibbles of bytes 0-31, of 32-63, then the high ones of the same: y = d * scale * (six bits - 32). */
void tensor_widen_q6_k(float *out, const unsigned char *b, size_t count)
{
    for (; count; count -= LARGE, b += 210) {
        const float d = load_half(b + 208);
        for (int run = 0; run < 16; run++, out += 16) {
            const int half = run / 8, quarter = run % 8 / 2, part = run & 1;
            const bytes16 low = load16(b + 64 * half + 32 * (quarter & 1) + 16 * part) >> quarter / 2 * 4 & 15;
            const bytes16 high = load16(b + 128 + 32 * half + 16 * part) >> 2 * quarter & 3;
            put16(out, (low | high << 4) - 32, d * (float)(signed char)b[192 + run]);
        }
    }
}

static const signed char IQ4_VALUES[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

static inline bytes16 iq4_values(bytes16 nibbles)
{
#ifdef __SSSE3__
    return (bytes16)_mm_shuffle_epi8((__m128i)load16(IQ4_VALUES), (__m128i)nibbles);
#else
    for (int i = 0; i < 16; i++) nibbles[i] = (unsigned char)IQ4_VALUES[nibbles[i]];
    return nibbles;
#endif
}

/* d, 16 bytes: y[j] = d * T[lo], y[j + 16] = d * T[hi]. */
void tensor_widen_iq4_nl(float *out, const unsigned char *b, size_t count)
{
    for (; count; count -= SMALL, out += SMALL, b += 18) {
        const float d = load_half(b);
        const bytes16 q = load16(b + 2);
        put16(out, iq4_values(q & 15), d);
        put16(out + 16, iq4_values(q >> 4), d);
    }
}

/* d, upper crumbs of 8 scales, their low nibbles, 128 bytes as 8 blocks of IQ4_NL: y = d * (scale - 32) * T. */
void tensor_widen_iq4_xs(float *out, const unsigned char *b, size_t count)
{
    for (; count; count -= LARGE, b += 136) {
        const float d = load_half(b);
        const int upper = load_u16(b + 2);
        for (int sub = 0; sub < 8; sub++, out += 32) {
            const int scale = (b[4 + sub / 2] >> 4 * (sub % 2) & 15) | (upper >> 2 * sub & 3) << 4;
            const float s = d * (float)(scale - 32);
            const bytes16 q = load16(b + 8 + 16 * sub);
            put16(out, iq4_values(q & 15), s);
            put16(out + 16, iq4_values(q >> 4), s);
        }
    }
}
