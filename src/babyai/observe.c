/* What the agent sees: the view turned its way, cut by sight.
 *
 * The grid is kept column by column and row by row, so a column of the view is a strip of one of the two, straight or
 * reversed, in any direction: one load of eight bytes. What such a load brings from beyond the outer wall is never
 * seen, since sight spreads from free cells only and stops at the wall. */
#include "babyai/env.h"

#include <string.h>
#ifdef __SSSE3__
#include <immintrin.h>
#endif

void babyai_view_codes(const babyai_env *env, uint64_t columns[BABYAI_VIEW])
{
    const ptrdiff_t side = env->side;
    const uint8_t *from;
    ptrdiff_t step; /* to the next column of the view */
    bool reversed;
    switch (env->direction) {
    case 0:
        from = env->by_row + (env->y - 3) * side + env->x;
        step = side;
        reversed = true;
        break;
    case 1:
        from = env->by_column + (env->x + 3) * side + env->y;
        step = -side;
        reversed = true;
        break;
    case 2:
        from = env->by_row + (env->y + 3) * side + env->x - 6;
        step = -side;
        reversed = false;
        break;
    default:
        from = env->by_column + (env->x - 3) * side + env->y - 6;
        step = side;
        reversed = false;
        break;
    }
    for (int i = 0; i < BABYAI_VIEW; i++) memcpy(&columns[i], from + i * step, 8);
    if (reversed)
        for (int i = 0; i < BABYAI_VIEW; i++) columns[i] = __builtin_bswap64(columns[i]) >> 8;
}

/* Sight spreads row by row away from the agent: within a row from each seen free cell to both sides as far as cells are
 * free, and from every free cell reached so to itself and both diagonals of the row before. (The reference does it in
 * two sweeps; what they mark is this.) Bit 8 * column + row. */
static uint64_t spread(uint64_t open)
{
    const uint64_t row6 = 0x0040404040404040; /* row 6 of the seven columns */
    uint64_t seen = 0, seeds = 1ULL << (8 * 3 + 6);
    for (int row = 6; row >= 0; row--) {
        const uint64_t cells = row6 >> (6 - row);
        uint64_t right = open & cells, left = right, s = seeds & right;
        s |= right & s << 8;
        right &= right << 8;
        s |= right & s << 16;
        right &= right << 16;
        s |= right & s << 32;
        s |= left & s >> 8;
        left &= left >> 8;
        s |= left & s >> 16;
        left &= left >> 16;
        s |= left & s >> 32;
        const uint64_t reached = (s | s << 8 | s >> 8) & cells;
        seen |= seeds | reached;
        seeds = reached >> 1;
    }
    return seen;
}

static uint64_t open_cells(const uint64_t columns[BABYAI_VIEW])
{
    uint64_t opaque = 0;
    for (int i = 0; i < BABYAI_VIEW; i++) {
        /* Bits 7, 15, … of the column gathered into one byte. */
        const uint64_t top = columns[i] >> 7 & 0x0101010101010101;
        opaque |= (top * 0x0102040810204080 >> 56) << (8 * i);
    }
    return ~opaque;
}

uint64_t babyai_visible(const babyai_env *env)
{
    uint64_t columns[BABYAI_VIEW];
    babyai_view_codes(env, columns);
    return spread(open_cells(columns));
}

/* Bits 0 to 6 as bytes 0 to 6: 0 or 0xff; byte 7 is 0. */
static uint64_t whole_bytes(uint64_t bits)
{
    const uint64_t own = (bits & 0x7f) * 0x0101010101010101 & 0x0040201008040201; /* each byte keeps its own bit */
    return ((own + 0x7f7f7f7f7f7f7f7f) >> 7 & 0x0101010101010101) * 0xff;
}

/* The 49 codes as (type, colour, state). */
static void write_triples(const uint8_t *codes, uint8_t image[BABYAI_OBSERVATION])
{
    enum { CELLS = BABYAI_VIEW * BABYAI_VIEW };
    int done = 0;
#ifdef __SSSE3__
    const __m128i types = _mm_setr_epi8(0, 1, 2, 4, 4, 4, 5, 6, 7, 0, 0, 0, 0, 0, 0, 0);
    const __m128i states = _mm_setr_epi8(0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m128i low = _mm_set1_epi8(15), colours = _mm_set1_epi8(7);
    /* Byte b of the three output vectors is channel b % 3 of cell b / 3. */
    const __m128i at0 = _mm_setr_epi8(0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1, 5);
    const __m128i at1 = _mm_setr_epi8(-1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10, -1);
    const __m128i at2 = _mm_setr_epi8(-1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1, -1);
    const __m128i colour0 = _mm_setr_epi8(-1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1);
    const __m128i colour1 = _mm_setr_epi8(5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10);
    const __m128i colour2 = _mm_setr_epi8(-1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1);
    const __m128i state0 = _mm_setr_epi8(-1, -1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1);
    const __m128i state1 = _mm_setr_epi8(-1, 5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1);
    const __m128i state2 = _mm_setr_epi8(10, -1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15);
    for (; done + 16 <= CELLS; done += 16) {
        const __m128i code = _mm_loadu_si128((const __m128i *)(codes + done));
        const __m128i kind = _mm_and_si128(code, low);
        const __m128i t = _mm_shuffle_epi8(types, kind), s = _mm_shuffle_epi8(states, kind);
        const __m128i c = _mm_and_si128(_mm_srli_epi16(code, 4), colours);
        __m128i *to = (__m128i *)(image + 3 * done);
        _mm_storeu_si128(to, _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(t, at0), _mm_shuffle_epi8(c, colour0)),
                                          _mm_shuffle_epi8(s, state0)));
        _mm_storeu_si128(to + 1, _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(t, at1), _mm_shuffle_epi8(c, colour1)),
                                              _mm_shuffle_epi8(s, state1)));
        _mm_storeu_si128(to + 2, _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(t, at2), _mm_shuffle_epi8(c, colour2)),
                                              _mm_shuffle_epi8(s, state2)));
    }
#endif
    for (; done < CELLS; done++) code_triple(codes[done], image + 3 * done);
}

void babyai_observe(const babyai_env *env, uint8_t image[BABYAI_OBSERVATION], uint8_t *direction)
{
    uint64_t columns[BABYAI_VIEW];
    babyai_view_codes(env, columns);
    const uint64_t seen = spread(open_cells(columns));
    uint8_t own = env->carrying != ID_NONE ? env->code[env->carrying] : (uint8_t)CODE_EMPTY;
    if (env->first_look) { /* the object already in hand still lies where it lay */
        own = CODE_EMPTY;
        for (int i = 0; i < BABYAI_VIEW; i++)
            for (int j = 0; j < BABYAI_VIEW; j++) {
                int x, y;
                view_to_world(env, i, j, &x, &y);
                if (x >= 0 && y >= 0 && position_of(x, y) == env->at[env->carrying])
                    columns[i] = (columns[i] & ~(0xffULL << (8 * j))) | (uint64_t)env->code[env->carrying] << (8 * j);
            }
    }
    columns[3] = (columns[3] & ~(0xffULL << 48)) | (uint64_t)own << 48;
    uint8_t
        codes[BABYAI_VIEW * BABYAI_VIEW + 8]; /* the last column's eighth byte, and room to read sixteen at a time */
    for (int i = 0; i < BABYAI_VIEW; i++) {
        const uint64_t code = columns[i] & whole_bytes(seen >> (8 * i) & 0xff);
        memcpy(codes + i * BABYAI_VIEW, &code, 8);
    }
    write_triples(codes, image);
    *direction = env->direction;
}
