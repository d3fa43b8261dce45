/* Spaces of meaning: sentences with their factors (items), and matrices with a row for each (layers). */
#ifndef TRIAD_SPACE_H
#define TRIAD_SPACE_H

#include "triad/base.h"
#include "triad/items.h"

typedef struct triad_layer {
    char *name;  /* "0" … "L", "raw", "projected", "words", "instruction", "fused.0" */
    size_t n, d; /* n = items, or tokens where the space has offsets */
    float *data; /* [n, d] */
} triad_layer;

/* A space owns all it holds. Fill it by triad_space_create and triad_space_add_layer. */
typedef struct triad_space {
    triad_items items;
    char *source;     /* "agent:…", "gguf:llama", "baseline:bow", …; no path of the machine */
    char *pool;       /* "mean-nofirst", "mean", "instruction", "tokens", … */
    char *unit;       /* "sentence" or "word" */
    char *kind;       /* "agent", "decoder", "encoder", "dual", "baseline": decides which layer is `last` */
    char *created_by; /* program and version */
    size_t layers;
    triad_layer *layer;
    size_t tokens;    /* with --pool tokens: total; else 0 */
    int64_t *offsets; /* [items.count + 1], NULL without tokens */
    int64_t *ids;     /* [tokens], NULL without tokens */
    char sha256[65];  /* of the file that it was read from, else "" */
} triad_space;

/* Takes over *items (zeroes the caller's). */
TRIAD_NODISCARD triad_status triad_space_create(triad_space *space, triad_items *items, const char *source,
                                                const char *pool, const char *unit, const char *kind, triad_error *err);
/* Appends a zeroed layer [n, d]; *data is borrowed. */
TRIAD_NODISCARD triad_status triad_space_add_layer(triad_space *space, const char *name, size_t n, size_t d,
                                                   float **data, triad_error *err);
/* A .safetensors space, or an .npy [n, d] beside a .tsv or .txt of the same stem. Refuses NaN and infinity by layer and
 * row. */
TRIAD_NODISCARD triad_status triad_space_read(triad_space *space, const char *path, triad_error *err);
TRIAD_NODISCARD triad_status triad_space_write(const triad_space *space, const char *path, triad_error *err);
void triad_space_free(triad_space *space);

const triad_layer *triad_space_find(const triad_space *space, const char *name); /* NULL: absent */
/* `projected` where there is one, `instruction` for agents, else the highest number. Never NULL for a space that was
 * read. */
const triad_layer *triad_space_last(const triad_space *space);

/* Rows that two or more spaces share, by id, in sorted order of id: rows [spaces, *n] of row numbers, the caller frees.
 * Fails when fewer than 3 are shared, naming an id that is not. */
TRIAD_NODISCARD triad_status triad_spaces_pair(size_t **rows, size_t *n, const triad_items *const *items, size_t spaces,
                                               triad_error *err);

#endif
