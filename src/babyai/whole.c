/* What an omniscient observer sees. */
#include "babyai/env.h"

enum { TYPE_AGENT = 10 };

void babyai_observe_whole(const babyai_env *env, uint8_t *grid)
{
    for (int x = 0; x < env->width; x++)
        for (int y = 0; y < env->height; y++) {
            uint8_t *cell = grid + 3 * (x * env->height + y);
            code_triple(env_code(env, x, y), cell);
            if (env->ready && x == env->x && y == env->y) {
                cell[0] = TYPE_AGENT;
                cell[1] = COLOUR_RED;
                cell[2] = env->direction;
            }
        }
}

void babyai_where(const babyai_env *env, int *x, int *y, int *direction, uint8_t carried[3])
{
    *x = env->x;
    *y = env->y;
    *direction = env->direction;
    code_triple(env->hand, carried);
}
