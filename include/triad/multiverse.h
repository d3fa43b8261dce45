/* The same question under every stated combination of the protocol's choices. */
#ifndef TRIAD_MULTIVERSE_H
#define TRIAD_MULTIVERSE_H

#include "triad/align.h"

/* One combination for one pair of spaces. */
typedef struct triad_universe {
    size_t x, y;           /* sides */
    const char *reading;   /* "retrieval" or "overlap"; static text, as are the next */
    const char *transform; /* "none", "center", "standardize", "remove-top-3" */
    const char *folds;     /* "random", "group"; "" for overlap, as the next five */
    const char *map;       /* "procrustes", "ridge", "cca" */
    const char *protocol;  /* "strict64", "strict", "vlca", "pad" */
    const char *pool;      /* "all", "test" */
    const char *direction; /* "mean", "xy", "yx" */
    const char *score;     /* "nn", "csls" */
    size_t k;
    double value, chance;
    bool preset; /* the choices of the headline */
} triad_universe;

typedef struct triad_multiverse {
    size_t count;
    triad_universe *universe;
    size_t sides;
    char **name;          /* [sides] */
    double order_kept[2]; /* of retrieval and overlap, at the preset's k: share of all orders of two pairs of spaces
                             under the preset that hold under another combination; NaN for one pair */
} triad_multiverse;

/* All pairs of sides at their layers, without nulls and intervals; folds by group where the sentences have a column
 * `group`. */
TRIAD_NODISCARD triad_status triad_multiverse_run(triad_multiverse *multiverse, const triad_align_side *sides,
                                                  size_t count, uint64_t seed, triad_pool *pool,
                                                  triad_progress *progress, triad_error *err);
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
