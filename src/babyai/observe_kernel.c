/* Observations of many environments: their views are fetched and their sight spread side by side. */
#include "babyai/observe.h"

#include <string.h>

#ifdef __AVX2__
#include <immintrin.h>

enum { LANES = 4 };

typedef uint64_t lanes __attribute__((vector_size(32), aligned(32)));

/* The codes of a view in its seven columns of eight bytes (the eighth is 0), four and three. */
typedef struct view {
    __m256i left, right;
} view;

static inline __m256i two_pairs(const uint8_t *a, const uint8_t *b, const uint8_t *c, const uint8_t *d)
{
    const __m128i low = _mm_unpacklo_epi64(_mm_loadl_epi64((const void *)a), _mm_loadl_epi64((const void *)b));
    const __m128i high = _mm_unpacklo_epi64(_mm_loadl_epi64((const void *)c), _mm_loadl_epi64((const void *)d));
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

/* Returns the open cells. */
static inline uint64_t fetch(const babyai_env *env, view *v)
{
    const unsigned direction = env->direction;
    ptrdiff_t step;
    const uint8_t *at = view_strips(env, direction, &step);
    const __m256i arrange = _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)OBSERVE_ORDER[direction >> 1]));
    v->left = _mm256_shuffle_epi8(two_pairs(at, at + step, at + 2 * step, at + 3 * step), arrange);
    at += 4 * step;
    v->right = _mm256_shuffle_epi8(two_pairs(at, at + step, at + 2 * step, at + 2 * step), arrange);
    const uint32_t left = (uint32_t)_mm256_movemask_epi8(v->left), right = (uint32_t)_mm256_movemask_epi8(v->right);
    return ~(left | (uint64_t)right << 32);
}

static inline lanes mirror(lanes columns)
{
    const __m256i reverse =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8));
    return (lanes)_mm256_shuffle_epi8((__m256i)columns, reverse);
}

OBSERVE_SPREAD(spread, lanes, mirror)

/* Bits as bytes, 0 or 0xff. */
static inline __m256i whole_bytes(uint32_t bits)
{
    const __m256i spot = _mm256_set1_epi64x((long long)0x8040201008040201);
    const __m256i which = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3,
                                           3, 3, 3, 3, 3, 3);
    const __m256i spread_out = _mm256_shuffle_epi8(_mm256_set1_epi32((int)bits), which);
    return _mm256_cmpeq_epi8(_mm256_and_si256(spread_out, spot), spot);
}

/* Two columns of codes in each half: 42 bytes of (type, colour, state) in each half of out, sixteen a vector. */
static inline void triples(__m256i code, __m256i out[3])
{
#define EACH(...) _mm256_broadcastsi128_si256(_mm_setr_epi8(__VA_ARGS__))
    const __m256i types = EACH(0, 1, 2, 4, 4, 4, 5, 6, 7, 0, 0, 0, 0, 0, 0, 0);
    const __m256i states = EACH(0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i kind = _mm256_and_si256(code, _mm256_set1_epi8(15));
    const __m256i type = _mm256_shuffle_epi8(types, kind), state = _mm256_shuffle_epi8(states, kind);
    const __m256i colour = _mm256_and_si256(_mm256_srli_epi16(code, 4), _mm256_set1_epi8(7));
    /* Pairs (type, colour) of the first column and of the second. */
    const __m256i first = _mm256_unpacklo_epi8(type, colour), second = _mm256_unpackhi_epi8(type, colour);
    out[0] =
        _mm256_or_si256(_mm256_shuffle_epi8(first, EACH(0, 1, -1, 2, 3, -1, 4, 5, -1, 6, 7, -1, 8, 9, -1, 10)),
                        _mm256_shuffle_epi8(state, EACH(-1, -1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1)));
    out[1] = _mm256_or_si256(
        _mm256_or_si256(
            _mm256_shuffle_epi8(first, EACH(11, -1, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1)),
            _mm256_shuffle_epi8(second, EACH(-1, -1, -1, -1, -1, 0, 1, -1, 2, 3, -1, 4, 5, -1, 6, 7))),
        _mm256_shuffle_epi8(state, EACH(-1, 5, -1, -1, 6, -1, -1, 8, -1, -1, 9, -1, -1, 10, -1, -1)));
    out[2] = _mm256_or_si256(
        _mm256_shuffle_epi8(second, EACH(-1, 8, 9, -1, 10, 11, -1, 12, 13, -1, -1, -1, -1, -1, -1, -1)),
        _mm256_shuffle_epi8(state, EACH(11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, -1, -1, -1, -1)));
#undef EACH
}

static inline void write(const view *v, uint64_t seen, uint8_t hand, uint8_t *image)
{
    const __m256i own = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                         0, 0, 0, 0, -1, 0); /* column 3, row 6 */
    __m256i left[3], right[3];
    triples(
        _mm256_and_si256(_mm256_blendv_epi8(v->left, _mm256_set1_epi8((char)hand), own), whole_bytes((uint32_t)seen)),
        left);
    triples(_mm256_and_si256(v->right, whole_bytes((uint32_t)(seen >> 32))), right);
    /* Each pair of columns leaves six bytes too many, which the next one overwrites. */
    __m128i *to = (__m128i *)image;
    for (int i = 0; i < 3; i++) _mm_storeu_si128(to + i, _mm256_castsi256_si128(left[i]));
    to = (__m128i *)(image + 42);
    for (int i = 0; i < 3; i++) _mm_storeu_si128(to + i, _mm256_extracti128_si256(left[i], 1));
    to = (__m128i *)(image + 84);
    for (int i = 0; i < 3; i++) _mm_storeu_si128(to + i, _mm256_castsi256_si128(right[i]));
    const __m128i last = _mm256_extracti128_si256(right[0], 1), behind = _mm256_extracti128_si256(right[1], 1);
    _mm_storeu_si128((__m128i *)(image + 126), last);
    _mm_storeu_si128((__m128i *)(image + BABYAI_OBSERVATION - 16), _mm_alignr_epi8(behind, last, 5));
}

void observe_look_base(const babyai_env *const *env, size_t n, uint8_t *images, uint8_t *directions)
{
    view views[OBSERVE_MOST];
    uint64_t open[OBSERVE_MOST] __attribute__((aligned(32))); /* then what is seen */
    for (size_t i = 0; i < n; i++) open[i] = fetch(env[i], &views[i]);
    for (size_t i = n; i % LANES; i++) open[i] = 0;
    for (size_t i = 0; i < n; i += LANES) {
        lanes *cells = (lanes *)(open + i);
        *cells = spread(*cells);
    }
    for (size_t i = 0; i < n; i++) {
        write(&views[i], open[i], env[i]->hand, images + i * BABYAI_OBSERVATION);
        directions[i] = env[i]->direction;
    }
}

#else

void observe_look_base(const babyai_env *const *env, size_t n, uint8_t *images, uint8_t *directions)
{
    for (size_t i = 0; i < n; i++) babyai_observe_plain(env[i], images + i * BABYAI_OBSERVATION, &directions[i]);
}

#endif
