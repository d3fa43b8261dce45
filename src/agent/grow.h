/* Arrays that grow and are kept. */
#ifndef TRIAD_AGENT_GROW_H
#define TRIAD_AGENT_GROW_H

#include "base/checked.h"

#include <stdlib.h>

/* pointer: the address of an array of `*capacity` elements of `size` bytes. Room for half as many again as wanted. */
static inline bool agent_grow(void *pointer, size_t *capacity, size_t wanted, size_t size)
{
    void **array = pointer;
    if (wanted <= *capacity) return true;
    const size_t rounded = wanted + wanted / 2;
    size_t bytes;
    if (!triad_mul_size(&bytes, rounded, size)) return false;
    void *grown = realloc(*array, bytes);
    if (!grown) return false;
    *array = grown;
    *capacity = rounded;
    return true;
}

#endif
