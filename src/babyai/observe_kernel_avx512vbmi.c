/* Observations side by side where the processor has AVX-512 with VBMI, which picks bytes from whole registers: a view
 * is one of them, and so are two thirds of an image. */
#include "babyai/observe.h"

#include <immintrin.h>

enum { LANES = 8 };

typedef uint64_t lanes __attribute__((vector_size(64), aligned(64)));

static inline __m128i pair(const uint8_t *a, const uint8_t *b)
{
    return _mm_unpacklo_epi64(_mm_loadl_epi64((const void *)a), _mm_loadl_epi64((const void *)b));
}

/* The codes of a view in its seven columns of eight bytes; returns the open cells. */
static inline uint64_t fetch(const babyai_env *env, __m512i *view)
{
    const unsigned direction = env->direction;
    ptrdiff_t step;
    const uint8_t *at = view_strips(env, direction, &step), *on = at + 4 * step;
    const __m256i left =
        _mm256_inserti128_si256(_mm256_castsi128_si256(pair(at, at + step)), pair(at + 2 * step, at + 3 * step), 1);
    const __m256i right = _mm256_inserti128_si256(_mm256_castsi128_si256(pair(on, on + step)),
                                                  _mm_loadl_epi64((const void *)(on + 2 * step)), 1);
    const __m128i arrange = _mm_load_si128((const __m128i *)OBSERVE_ORDER[direction >> 1]);
    *view = _mm512_shuffle_epi8(_mm512_inserti64x4(_mm512_castsi256_si512(left), right, 1),
                                _mm512_broadcast_i32x4(arrange));
    return ~(uint64_t)_mm512_movepi8_mask(*view);
}

static inline lanes mirror(lanes columns)
{
    const __m128i reverse = _mm_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);
    return (lanes)_mm512_shuffle_epi8((__m512i)columns, _mm512_broadcast_i32x4(reverse));
}

OBSERVE_SPREAD(spread, lanes, mirror)

/* Byte o of an image is channel o % 3 of the view's cell in column o / 21, row o / 3 % 7: where it stands among 64
 * types and 64 colours behind them, or among 64 states. */
#define FROM(o) (o) % 3 == 1 ? 64 + 8 * ((o) / 21) + (o) / 3 % 7 : 8 * ((o) / 21) + (o) / 3 % 7
#define FROM4(o) FROM(o), FROM(o + 1), FROM(o + 2), FROM(o + 3)
#define FROM16(o) FROM4(o), FROM4(o + 4), FROM4(o + 8), FROM4(o + 12)
static const uint8_t SOURCE[3][64]
    __attribute__((aligned(64))) = {{FROM16(0), FROM16(16), FROM16(32), FROM16(48)},
                                    {FROM16(64), FROM16(80), FROM16(96), FROM16(112)},
                                    {FROM4(128), FROM4(132), FROM4(136), FROM4(140), FROM(144), FROM(145), FROM(146)}};
static const uint64_t STATES[3] = {0x4924924924924924, 0x2492492492492492,
                                   0x9249249249249249}; /* bytes that are states */

static inline void write(__m512i view, uint64_t seen, uint8_t hand, uint8_t *image)
{
    enum { OWN = 8 * 3 + 6 };
    const __m512i types = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 2, 4, 4, 4, 5, 6, 7, 0, 0, 0, 0, 0, 0, 0));
    const __m512i states = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    const __m512i codes = _mm512_mask_set1_epi8(_mm512_maskz_mov_epi8(seen, view), 1ULL << OWN, (char)hand);
    const __m512i kind = _mm512_and_si512(codes, _mm512_set1_epi8(15));
    const __m512i type = _mm512_shuffle_epi8(types, kind), state = _mm512_shuffle_epi8(states, kind);
    const __m512i colour = _mm512_and_si512(_mm512_srli_epi16(codes, 4), _mm512_set1_epi8(7));
    for (int third = 0; third < 3; third++) {
        const __m512i from = _mm512_load_si512(SOURCE[third]);
        /* Bytes of types and colours, then of states where the image has them. */
        const __m512i out =
            _mm512_mask_permutexvar_epi8(_mm512_permutex2var_epi8(type, from, colour), STATES[third], from, state);
        if (third < 2)
            _mm512_storeu_si512(image + 64 * third, out);
        else
            _mm512_mask_storeu_epi8(image + 128, (1U << (BABYAI_OBSERVATION - 128)) - 1, out);
    }
}

void observe_look_avx512vbmi(const babyai_env *const *env, size_t n, uint8_t *images, uint8_t *directions)
{
    __m512i views[OBSERVE_MOST];
    uint64_t open[OBSERVE_MOST] __attribute__((aligned(64))); /* then what is seen */
    for (size_t i = 0; i < n; i++) open[i] = fetch(env[i], &views[i]);
    for (size_t i = n; i % LANES; i++) open[i] = 0;
    for (size_t i = 0; i < n; i += LANES) {
        lanes *cells = (lanes *)(open + i);
        *cells = spread(*cells);
    }
    for (size_t i = 0; i < n; i++) {
        write(views[i], open[i], env[i]->hand, images + i * BABYAI_OBSERVATION);
        directions[i] = env[i]->direction;
    }
}
