/* The same question under every stated combination of the protocol's choices. */
#ifndef TRIAD_MULTIVERSE_H
#define TRIAD_MULTIVERSE_H

#include "triad/align.h"

/* One combination for one pair of things. */
typedef struct triad_universe {
    size_t x, y;         /* things */
    const char *reading; /* "retrieval" or "overlap"; static text, as are the next two */
    const char *layer;   /* "last", or "middle": both sides' layer halfway up (the last of a side that has no other) */
    const char *transform;             /* "none", "center", "standardize", "remove-top-3" */
    const char *pooling_x, *pooling_y; /* of the space that was taken of either side; the space's own text */
    const char *folds;                 /* "random", "group"; "" for overlap, as the next five */
    const char *map;                   /* "procrustes", "ridge", "cca" */
    const char *protocol;              /* "strict64", "strict", "vlca", "pad" */
    const char *pool;                  /* "all", "test" */
    const char *direction;             /* "mean", "xy", "yx" */
    const char *score;                 /* "nn", "csls" */
    size_t k;
    double value, chance;
    bool preset; /* the choices of the headline: one of each pair and reading */
} triad_universe;

typedef struct triad_multiverse {
    size_t count;
    triad_universe *universe;
    size_t preset_k;
    size_t things;
    char **name;          /* [things] */
    double order_kept[2]; /* of retrieval and overlap, at the preset's k: share of all orders of two pairs of things
                             under the preset that hold under another combination; NaN for one pair */
} triad_multiverse;

typedef struct triad_multiverse_options {
    size_t ks, k[ALIGN_MAX_KS]; /* ascending; the preset's is the largest that all sentences allow */
    bool last_only;             /* no middle layers */
    uint64_t seed;
} triad_multiverse_options;
triad_multiverse_options triad_multiverse_defaults(void);

/* All pairs of things, without nulls and intervals; folds by group where the sentences have a column `group`. Spaces
 * [count] of one source in different poolings are one thing, whose preset is the one with the shortest name (the
 * others' are usually made from it: "SmolLM2", "SmolLM2.last"); a layer of a side is not looked at. Spaces and names
 * are borrowed as long as the multiverse is used. Fails for fewer than two things. */
TRIAD_NODISCARD triad_status triad_multiverse_run(triad_multiverse *multiverse, const triad_align_side *sides,
                                                  size_t count, const triad_multiverse_options *options,
                                                  triad_pool *pool, triad_progress *progress, triad_error *err);
void triad_multiverse_free(triad_multiverse *multiverse);
/* A row for each universe. */
TRIAD_NODISCARD triad_status triad_multiverse_write_csv(const triad_multiverse *multiverse, const char *path,
                                                        triad_error *err);

/* How a pair's values at the preset's k spread over the combinations of a reading. */
typedef struct triad_spread {
    size_t count;
    double preset, low, median, high;
} triad_spread;
triad_spread triad_multiverse_spread(const triad_multiverse *multiverse, size_t x, size_t y, const char *reading);

#endif
