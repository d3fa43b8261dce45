/* How alike two spaces are, how sure we are, and against which nulls. Formulas: docs/align.md. */
#ifndef TRIAD_ALIGN_H
#define TRIAD_ALIGN_H

#include "triad/base.h"
#include "triad/space.h"

enum { ALIGN_MAX_KS = 64, ALIGN_FOLDS = 5 };

typedef struct triad_align_options {
    size_t ks, k[ALIGN_MAX_KS]; /* of precision@k, ascending; undefined where n is not larger; 1, 5, 10, 15 */
    size_t cap;                 /* dimensions through which retrieval maps: 64 (protocol strict64); 0: none (strict) */
    bool iid, relabel;          /* which nulls */
    size_t permutations;        /* draws of each null for overlap, CKA and RSA: 999 */
    size_t retrieval_permutations; /* draws for retrieval, whose map is fitted again in each: 99 */
    size_t bootstraps;             /* resamples of sentences: 1000; 0: no intervals */
    uint64_t seed;                 /* folds, permutations, resamples; keyed by sorted id */
    /* Which measures: names as below or their beginnings, cut at a '/', a part that is a star standing for any: "rsa",
     * "retrieval/vlca", "retrieval/strict/all". NULL: mutual_knn, mutual_knn_frac, cka_linear_debiased,
     * rsa/cosine/spearman, and retrieval by the options' own protocol among all sentences, by cosine, ties in
     * expectation. Borrowed until triad_align returns. */
    const char *const *measures;
    size_t measure_count;
} triad_align_options;
triad_align_options triad_align_defaults(void);

/* One side of a pair: a layer of a space. The space is borrowed until triad_align returns. */
typedef struct triad_align_side {
    const char *name; /* how results call the space: "smollm2", "agent-1" */
    const triad_space *space;
    const triad_layer *layer; /* NULL: the space's last */
} triad_align_side;

typedef struct triad_align_null {
    bool present;
    size_t draws;       /* m: p is at least 1 / (m + 1) */
    double p, mean, sd; /* p = (b + 1) / (m + 1), b = draws at or above the value; NaN where undefined */
    double observed;    /* the statistic as the null computes it, on the rows that it can permute: all (iid), the closed
                           subset (relabel) */
    double z;           /* (observed - mean) / sd */
    double calibrated;  /* what is left above the null's 95 % point tau: clamp((observed - tau) / (1 - tau), 0, 1) */
} triad_align_null;

typedef struct triad_align_measure {
    char name[96]; /* path in the golden file: "mutual_knn_frac/15", "retrieval/strict64/all/xy/nn/15/expected", …;
                      "retrieval/strict64/all/mean/nn/15/expected" is the mean of both directions */
    double value, chance; /* NaN where undefined */
    double low, high;     /* 95 % interval of the bootstrap over sentences; NaN without one */
    triad_align_null iid, relabel;
    const char *reason; /* why value is undefined; NULL otherwise; static text */
    double *scores; /* [n] in sorted order of id, whose mean is value: hits (retrieval), shared neighbours (overlap);
                       NULL for the others, and where value is undefined */
} triad_align_measure;

typedef struct triad_align_pair {
    size_t x, y; /* sides */
    size_t n;    /* sentences that both hold */
    size_t measures;
    triad_align_measure *measure;
    double median_rank; /* of the right sentence among all, both directions together; from 1 */
    /* The relabel null: how many distinct relabellings there are (saturates at 10^15), rows left out to close the set
     * under renaming, and why it was refused (empty: it was not). */
    double relabellings;
    double smallest_p; /* that the relabel null can attain: the larger of 1 / relabellings and 1 / (draws + 1) */
    size_t left_out;   /* named in the result */
    char refused[160];
} triad_align_pair;

typedef struct triad_align_result {
    triad_align_options options;
    size_t sides;
    char **name, **layer, **source, **sha256; /* [sides] copies */
    size_t pairs;
    triad_align_pair *pair;
    size_t left_out; /* sentences that the relabel null leaves out, the same for all pairs */
    char **left_out_id;
} triad_align_result;

/* All pairs x < y of the sides, or the given ones ([pair_count] of {x, y}; NULL: all). Nulls and resamples use the same
 * draws for every pair of the same sentences. The same bytes for any pool and any order of rows. */
TRIAD_NODISCARD triad_status triad_align(triad_align_result *result, const triad_align_side *sides, size_t count,
                                         const size_t (*pairs)[2], size_t pair_count,
                                         const triad_align_options *options, triad_pool *pool, triad_progress *progress,
                                         triad_error *err);
void triad_align_result_free(triad_align_result *result);

/* NULL when the pair has no such measure. */
const triad_align_measure *triad_align_find(const triad_align_pair *pair, const char *name);
const triad_align_pair *triad_align_pair_of(const triad_align_result *result, size_t x, size_t y);

/* Mean of a - b over the sentences with its bootstrap interval (the same resamples as everywhere) and the share of
 * resamples at or below zero (as p, two-sided). Both must have scores over the same n sentences. */
typedef struct triad_align_difference {
    double mean, low, high, p;
} triad_align_difference;
triad_align_difference triad_align_paired(const double *a, const double *b, size_t n, size_t bootstraps, uint64_t seed);

/* design.md's "results" document, and the tidy table of the same. */
TRIAD_NODISCARD triad_status triad_align_write_json(const triad_align_result *result, const char *path,
                                                    triad_error *err);
TRIAD_NODISCARD triad_status triad_align_write_csv(const triad_align_result *result, const char *path,
                                                   triad_error *err);

#endif
