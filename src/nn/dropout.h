/* The draws of dropout: 32 bits by key and position alone. */
#ifndef TRIAD_NN_DROPOUT_H
#define TRIAD_NN_DROPOUT_H

#include <stdint.h>

/* A draw below it is dropped. 0 <= rate < 1. */
static inline uint32_t nn_dropout_threshold(double rate)
{
    return (uint32_t)(rate * 4294967296.0);
}

/* A mixer of multiplications and shifts over position and key: cheap in vectors, and plenty for a mask. */
static inline uint32_t nn_dropout_draw(uint64_t key, uint64_t position)
{
    uint32_t x = (uint32_t)position ^ (uint32_t)key;
    x = (x ^ x >> 16) * 0x45d9f3bU;
    x += (uint32_t)(key >> 32) + (uint32_t)(position >> 32) * 0x9e3779b9U;
    x = (x ^ x >> 16) * 0x45d9f3bU;
    x = (x ^ x >> 15) * 0x2c1b3c6dU;
    return x ^ x >> 16;
}

#endif
