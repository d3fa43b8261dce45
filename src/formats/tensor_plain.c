/* Types that store each element apart. */
#include "formats/half.h"
#include "formats/tensor_widen.h"

#include <math.h>

void tensor_widen_f64(float *out, const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double value;
        memcpy(&value, bytes + 8 * i, sizeof value);
        out[i] = (float)value;
    }
}

void tensor_widen_f32(float *out, const unsigned char *bytes, size_t count)
{
    memcpy(out, bytes, 4 * count);
}

void tensor_widen_f16(float *out, const unsigned char *bytes, size_t count)
{
    size_t i = 0;
#ifdef __F16C__
    for (; i + 8 <= count; i += 8)
        _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(bytes + 2 * i))));
#endif
    for (; i < count; i++) out[i] = load_half(bytes + 2 * i);
}

void tensor_widen_bf16(float *out, const unsigned char *bytes, size_t count)
{
    size_t i = 0;
#ifdef __AVX2__
    for (; i + 8 <= count; i += 8) {
        const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)(bytes + 2 * i)));
        _mm256_storeu_ps(out + i, _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16)));
    }
#endif
    for (; i < count; i++) out[i] = float_of_bits((uint32_t)load_u16(bytes + 2 * i) << 16);
}

/* Sign, 4 bits of exponent (bias 7), 3 of mantissa; no infinity, NaN is 0x7f. Moved into a half its value is 2^8 too
 * small. */
static float f8_e4m3(unsigned char byte)
{
    if ((byte & 0x7f) == 0x7f) return float_of_bits((uint32_t)(byte & 0x80) << 24 | 0x7fc00000);
    return half_to_float((uint16_t)((byte & 0x80) << 8 | (byte & 0x7f) << 7)) * 256.0f;
}

void tensor_widen_f8_e4m3(float *out, const unsigned char *bytes, size_t count)
{
    size_t i = 0;
#if defined(__AVX2__) && defined(__F16C__)
    const __m128i sign = _mm_set1_epi16((short)0x8000), low = _mm_set1_epi16(0x7f), nan = _mm_set1_epi16(0x7e00);
    const __m256 scale = _mm256_set1_ps(256.0f);
    for (; i + 8 <= count; i += 8) {
        const __m128i wide = _mm_cvtepu8_epi16(_mm_loadl_epi64((const __m128i *)(const void *)(bytes + i)));
        const __m128i magnitude = _mm_and_si128(wide, low);
        const __m128i is_nan = _mm_cmpeq_epi16(magnitude, low);
        const __m128i half = _mm_or_si128(_mm_and_si128(_mm_slli_epi16(wide, 8), sign),
                                          _mm_blendv_epi8(_mm_slli_epi16(magnitude, 7), nan, is_nan));
        _mm256_storeu_ps(out + i, _mm256_mul_ps(_mm256_cvtph_ps(half), scale));
    }
#endif
    for (; i < count; i++) out[i] = f8_e4m3(bytes[i]);
}

/* The upper byte of a half. */
void tensor_widen_f8_e5m2(float *out, const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) out[i] = half_to_float((uint16_t)(bytes[i] << 8));
}
