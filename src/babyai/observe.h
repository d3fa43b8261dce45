/* Sight, for one view and for many side by side. */
#ifndef TRIAD_BABYAI_OBSERVE_H
#define TRIAD_BABYAI_OBSERVE_H

#include "babyai/env.h"

/* Sight spreads row by row away from the agent: within a row from each seen free cell to both sides as far as cells are
 * free, and from every free cell reached so to itself and both diagonals of the row before. (The reference does it in
 * two sweeps; what they mark is this.)
 *
 * Defines a function from the open cells of a view to its seen ones, bit 8 * column + row; word is uint64_t or a vector
 * of them; mirror reverses a word's bytes. A carry runs through a row's free cells from the lowest seen one up: the
 * other rows' bits are set to let it pass, a free cell that it has passed is left clear, and where it meets a second
 * seen cell it goes on. The mirrored word carries the other way. */
#define OBSERVE_SPREAD(name, word, mirror)                                                                             \
    static inline word name(word open)                                                                                 \
    {                                                                                                                  \
        const uint64_t first_row = 0x0001010101010101;                                                                 \
        const word mirrored = mirror(open);                                                                            \
        word seen = open & 0, seeds = seen | 1ULL << (8 * 3 + 6);                                                      \
        for (int row = 6; row >= 0; row--) {                                                                           \
            const uint64_t cells = first_row << row, mirrored_cells = first_row << 8 << row;                           \
            const word from = seeds & open & cells;                                                                    \
            const word up = open & cells & ~((open | ~cells) + from);                                                  \
            const word down = mirrored & mirrored_cells & ~((mirrored | ~mirrored_cells) + mirror(from));              \
            const word free = from | up | mirror(down);                                                                \
            const word reached = (free | free << 8 | free >> 8) & cells;                                               \
            seen |= seeds | reached;                                                                                   \
            seeds = reached >> 1;                                                                                      \
        }                                                                                                              \
        return seen;                                                                                                   \
    }

/* What the bytes of a view's strips become, in pairs of strips: [0] those of strips that run away from the agent,
 * reversed. The eighth of each is cleared. */
static const uint8_t OBSERVE_ORDER[2][16]
    __attribute__((aligned(16), unused)) = {{6, 5, 4, 3, 2, 1, 0, 0x80, 14, 13, 12, 11, 10, 9, 8, 0x80},
                                            {0, 1, 2, 3, 4, 5, 6, 0x80, 8, 9, 10, 11, 12, 13, 14, 0x80}};

/* The kernels behind babyai_look: at most OBSERVE_MOST environments, none of them at a first look. */
enum { OBSERVE_MOST = 64 };
typedef void observe_look(const babyai_env *const *env, size_t n, uint8_t *images, uint8_t *directions);
observe_look observe_look_base;       /* what the build asks for: AVX2 by default */
observe_look observe_look_avx512vbmi; /* only where observe_has_avx512vbmi() */
bool observe_has_avx512vbmi(void);

/* babyai_observe cell by cell: what babyai_look is tested against. */
void babyai_observe_plain(const babyai_env *env, uint8_t image[BABYAI_OBSERVATION], uint8_t *direction);

#endif
