/* Arithmetic on sizes that come from files: false on overflow, *out untouched then. */
#ifndef TRIAD_BASE_CHECKED_H
#define TRIAD_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>

static inline bool triad_mul_size(size_t *out, size_t a, size_t b)
{
    size_t r;
    if (__builtin_mul_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}

static inline bool triad_add_size(size_t *out, size_t a, size_t b)
{
    size_t r;
    if (__builtin_add_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}

#endif
