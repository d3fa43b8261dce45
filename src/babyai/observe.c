/* What the agent sees: the view turned its way, cut by sight. observe_kernel.c does the same for many at once.
 *
 * The grid is kept column by column and row by row, so a column of the view is a strip of one of the two, straight or
 * reversed, in any direction: one load of eight bytes. What such a load brings from beyond the outer wall is never
 * seen, since sight spreads from free cells only and stops at the wall. */
#include "babyai/observe.h"

#include <string.h>

void babyai_view_codes(const babyai_env *env, uint64_t columns[BABYAI_VIEW])
{
    ptrdiff_t step;
    const uint8_t *from = view_strips(env, env->direction, &step);
    for (int i = 0; i < BABYAI_VIEW; i++) memcpy(&columns[i], from + i * step, 8);
    if (env->direction < 2)
        for (int i = 0; i < BABYAI_VIEW; i++) columns[i] = __builtin_bswap64(columns[i]) >> 8;
}

static uint64_t mirror(uint64_t columns)
{
    return __builtin_bswap64(columns);
}

OBSERVE_SPREAD(spread, uint64_t, mirror)

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

void babyai_observe_plain(const babyai_env *env, uint8_t image[BABYAI_OBSERVATION], uint8_t *direction)
{
    const uint64_t seen = babyai_visible(env);
    uint64_t columns[BABYAI_VIEW];
    babyai_view_codes(env, columns);
    for (int i = 0; i < BABYAI_VIEW; i++)
        for (int j = 0; j < BABYAI_VIEW; j++) {
            int x, y;
            view_to_world(env, i, j, &x, &y);
            uint8_t code = (uint8_t)(columns[i] >> (8 * j));
            if (i == 3 && j == 6) code = env->first_look ? (uint8_t)CODE_EMPTY : env->hand;
            /* The object already in hand still lies where it lay. */
            if (env->first_look && x >= 0 && y >= 0 && position_of(x, y) == env->world->at[env->carrying])
                code = env->hand;
            code_triple(seen >> (8 * i + j) & 1 ? code : KIND_UNSEEN, image + 3 * (BABYAI_VIEW * i + j));
        }
    *direction = env->direction;
}

bool observe_has_avx512vbmi(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512vbmi");
}

void babyai_look(const babyai_env *const *env, size_t n, uint8_t *images, uint8_t *directions)
{
    observe_look *const look = observe_has_avx512vbmi() ? observe_look_avx512vbmi : observe_look_base;
    for (size_t begin = 0; begin < n; begin += OBSERVE_MOST) {
        const size_t count = n - begin < OBSERVE_MOST ? n - begin : OBSERVE_MOST;
        look(env + begin, count, images + begin * BABYAI_OBSERVATION, directions + begin);
    }
    for (size_t i = 0; i < n; i++)
        if (__builtin_expect(env[i]->first_look, false))
            babyai_observe_plain(env[i], images + i * BABYAI_OBSERVATION, &directions[i]);
}

void babyai_observe(const babyai_env *env, uint8_t image[BABYAI_OBSERVATION], uint8_t *direction)
{
    babyai_look(&env, 1, image, direction);
}
