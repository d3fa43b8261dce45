/* What the agent sees: the view turned its way, cut by sight.
 *
 * The grid is kept column by column and row by row, so a column of the view is a strip of one of the two, straight or
 * reversed, in any direction: one load of eight bytes. What such a load brings from beyond the outer wall is never
 * seen, since sight spreads from free cells only and stops at the wall. */
#include "babyai/env.h"

#include <string.h>

void babyai_view_codes(const babyai_env *env, uint64_t columns[BABYAI_VIEW])
{
    const ptrdiff_t side = env->side;
    const uint8_t *from;
    ptrdiff_t step; /* to the next column of the view */
    bool reversed;
    switch (env->direction) {
    case 0: from = env->by_row + (env->y - 3) * side + env->x; step = side; reversed = true; break;
    case 1: from = env->by_column + (env->x + 3) * side + env->y; step = -side; reversed = true; break;
    case 2: from = env->by_row + (env->y + 3) * side + env->x - 6; step = -side; reversed = false; break;
    default: from = env->by_column + (env->x - 3) * side + env->y - 6; step = side; reversed = false; break;
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
    for (int i = 0; i < BABYAI_VIEW; i++)
        for (int j = 0; j < BABYAI_VIEW; j++) {
            const bool visible = seen >> (8 * i + j) & 1;
            code_triple(visible ? (uint8_t)(columns[i] >> (8 * j)) : KIND_UNSEEN, image + 3 * (i * BABYAI_VIEW + j));
        }
    *direction = env->direction;
}
