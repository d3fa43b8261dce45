/* Precision@k as retrieval: rows of one space are mapped into the other by the orthogonal map (Schönemann 1966) that
 * was fitted on other rows, and ask for their own among all. */
#ifndef TRIAD_ALIGN_RETRIEVAL_H
#define TRIAD_ALIGN_RETRIEVAL_H

#include "triad/base.h"

/* Which rows fit and which ask: position lists the row numbers, the `train` that fit first, those from `query` on ask.
 */
typedef struct align_split {
    size_t n, train, query;
    uint32_t *position; /* [n] */
} align_split;
/* Rows with held_out [n] nonzero ask, the others fit; held_out NULL: all do both. */
TRIAD_NODISCARD triad_status align_split_create(align_split *split, const uint8_t *held_out, size_t n,
                                                triad_error *err);
void align_split_free(align_split *split);

/* A space as preparation takes it. `lead` is optional: x, shifted, on its leading principal axes [n, lead_d], enough
 * for `quick`. */
typedef struct align_rows {
    size_t n, d;
    const double *x; /* [n, d] */
    size_t lead_d;
    const double *lead;
} align_rows;

/* One side prepared for a split: rows [n, width] in the split's order, and the same scaled to unit length. */
typedef struct align_part {
    size_t n, width;
    double *rows, *unit;
} align_part;
void align_part_free(align_part *part);

/* The strict preparation, all of it from the training rows: mean; unit length; mean again; principal axes up to `cap`
 * (0: all), of rank by 1e-10 of the largest singular value. Position i of the split is row order[i] (NULL: i). quick
 * works in `lead`. */
TRIAD_NODISCARD triad_status align_prepare(align_part *part, const align_rows *rows, const align_split *split,
                                           const uint32_t *order, size_t cap, bool quick, triad_error *err);
/* `pad`: mean and unit length alone. */
TRIAD_NODISCARD triad_status align_prepare_plain(align_part *part, const align_rows *rows, const align_split *split,
                                                 triad_error *err);
/* `vlca`: given coordinates rows [n, width of stride], taken as they are. */
TRIAD_NODISCARD triad_status align_prepare_given(align_part *part, const double *rows, size_t stride, size_t width,
                                                 const align_split *split, triad_error *err);

/* Where the right row stands among the pool: `above` rows score higher, `equal` rows (it included) the same. */
typedef struct align_place {
    uint32_t above, equal;
} align_place;

/* Who stands above the right row of each that asks, and what the best rows hold: for intervals and graded hits. */
typedef struct align_seen {
    size_t n, most;        /* the largest k */
    uint32_t *above;       /* [2, n] rows above the right one, `most` + 1 where they are more than `most` */
    uint32_t *row;         /* [2, n, most] those rows, while they are at most `most` */
    size_t ks;             /* graded hits at these k, in these columns */
    const size_t *k;       /* [ks] */
    size_t columns;        /* 0: none */
    const uint32_t *cells; /* [n, columns] word numbers */
    double *grade;         /* [2, n, ks, columns] share of the first k that hold the row's own word */
} align_seen;
TRIAD_NODISCARD triad_status align_seen_create(align_seen *seen, size_t n, const size_t *k, size_t ks,
                                               const uint32_t *cells, size_t columns, triad_error *err);
void align_seen_free(align_seen *seen);

enum { ALIGN_CSLS_NEIGHBOURS = 10 };

/* Places by row number, x to y in [0, n), y to x in [n, 2 n); NULL: not wanted. The pool is all rows, or those that
 * ask. */
typedef struct align_places {
    align_place *nn_all, *nn_test, *csls_all, *csls_test;
    align_seen *seen[4]; /* of the same, in this order; NULL: not wanted */
} align_places;

/* Memory that is kept from call to call; zero-initialise, free(room). */
typedef struct align_scratch {
    double *room;
    size_t size;
} align_scratch;

/* Fits the map on the split's training rows, by the singular vectors of A'B whose value exceeds 1e-10 of the largest
 * (the others would be arbitrary), and places the rows that ask, both ways. Truncated: both sides in as many dimensions
 * as the narrower one has; else the map is rectangular. A side without dimensions places every row equal to all. */
TRIAD_NODISCARD triad_status align_retrieve(const align_places *places, const align_part *x, const align_part *y,
                                            bool truncated, const align_split *split, align_scratch *scratch,
                                            triad_error *err);

/* Places the rows that ask, one way, by their cosines asking [n - query, n] with all; csls wants those of all rows,
 * scores [n, n]. room [3 n] */
void align_place_all(const align_places *places, unsigned way, const double *scores, const double *asking,
                     const align_split *split, double *room);

typedef enum align_tie { ALIGN_EXPECTED, ALIGN_OPTIMISTIC, ALIGN_PESSIMISTIC, ALIGN_TIES } align_tie;
/* Hit at k: clamp((k - above) / equal, 0, 1) in expectation over random ties; or ties in favour; or against. */
double align_hit(align_place place, size_t k, align_tie tie);

/* The orthogonal map alone: w [wa, wb] = U_r V_r' of a' b, a [n, wa] and b [n, wb] with rows `stride` apart. */
TRIAD_NODISCARD triad_status align_procrustes(double *w, const double *a, size_t stride_a, size_t wa, const double *b,
                                              size_t stride_b, size_t wb, size_t n, align_scratch *scratch,
                                              triad_error *err);

#endif
