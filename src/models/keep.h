/* A run's state after its last finished layer, in one file, so that a killed run goes on from there. */
#ifndef TRIAD_MODELS_KEEP_H
#define TRIAD_MODELS_KEEP_H

#include "triad/base.h"

/* What the state depends on: 128 bits. */
typedef struct keep_key {
    uint64_t low, high;
} keep_key;

/* Replaces the file at path (NULL: does nothing): layers blocks are done, x [rows, width] is what came out. The file
 * appears whole or not at all; a power failure may lose it, and then its checksum says so. */
TRIAD_NODISCARD triad_status keep_write(const char *path, keep_key key, size_t layers, const float *x, size_t rows,
                                        size_t width, triad_error *err);
/* Reads x; *layers stays 0 where there is no file, or it is another run's, damaged or cut off. */
void keep_read(const char *path, keep_key key, size_t *layers, float *x, size_t rows, size_t width);

#endif
