/* How alike two spaces are, how sure we are, and against which nulls. Formulas: docs/align.md. */
#ifndef TRIAD_ALIGN_H
#define TRIAD_ALIGN_H

#include "triad/base.h"
#include "triad/space.h"

enum { ALIGN_MAX_KS = 64, ALIGN_FOLDS = 5, ALIGN_MAX_FOLDS = 32, ALIGN_MAX_CONTROLS = 8, ALIGN_MAX_COLUMNS = 16 };

/* How retrieval prepares the sides (docs/align.md), and by which map rows go over. */
typedef enum triad_align_protocol { ALIGN_STRICT, ALIGN_VLCA, ALIGN_INSAMPLE, ALIGN_PAD } triad_align_protocol;
typedef enum triad_align_map { ALIGN_PROCRUSTES, ALIGN_RIDGE, ALIGN_CANONICAL } triad_align_map;

/* Distances between sentences that are held constant: those of a layer of a space (cosine), or lexical ones by their
 * name (triad/lexical.h). Borrowed until triad_align returns. */
typedef struct triad_align_control {
    const char *name;
    const triad_space *space; /* NULL: lexical */
    const triad_layer *layer; /* NULL: the space's last */
} triad_align_control;

typedef struct triad_align_options {
    size_t ks, k[ALIGN_MAX_KS];    /* of precision@k, ascending; undefined where n is not larger; 1, 5, 10, 15 */
    triad_align_protocol protocol; /* the options' own; strict */
    size_t cap;                    /* dimensions through which strict maps: 64 (protocol strict64); 0: none (strict) */
    triad_align_map map;           /* of the own protocol: procrustes */
    unsigned direction;       /* of retrieval where no measures are named: 0 both and their mean, 1 x to y, 2 y to x */
    const char *folds;        /* "random", "group:COLUMN" (groups stay together), "leave-two-words:COLUMN" (a fold holds
                                 out two words); NULL: random */
    bool iid, relabel;        /* which nulls */
    bool vocabulary;          /* the relabel null of words that are neutral to any bag of words */
    size_t permutations;      /* draws of each null for overlap, CKA and RSA: 999 */
    size_t refits;            /* draws for whatever fits or decomposes again in each: retrieval, CCA, shapes, …: 99 */
    size_t bootstraps;        /* resamples of sentences and of words: 1000; 0: no intervals */
    uint64_t seed;            /* folds, permutations, resamples; keyed by sorted id */
    bool center, standardize; /* columns over the sentences, before anything else */
    size_t remove_top;        /* leading principal components taken out (Mu and Viswanath 2018) */
    bool best;                /* the best pair of layers of two spaces beside all of them, with its own null */
    /* Factor columns whose words are resampled together for the second interval; count 0: those whose words the relabel
     * null exchanges. Borrowed. */
    const char *const *groups;
    size_t group_count;
    /* Columns for the leave-two-words test: each alone, and of several all together. Borrowed. */
    const char *const *words;
    size_t word_count;
    const triad_align_control *controls;
    size_t control_count;
    /* Which measures: names as below or their beginnings, cut at a '/', a part that is a star standing for any: "rsa",
     * "retrieval/vlca", "retrieval/strict/all". NULL: mutual_knn, mutual_knn_frac, cka_linear_debiased,
     * rsa/cosine/spearman (and rsa_partial where there are controls), and retrieval by the options' own protocol among
     * all sentences, by cosine, ties in expectation. Borrowed until triad_align returns. */
    const char *const *measures;
    size_t measure_count;
} triad_align_options;
triad_align_options triad_align_defaults(void);
/* Sets protocol and cap by name: strict, strict64 (any number), vlca, insample, pad. */
TRIAD_NODISCARD triad_status triad_align_protocol_named(triad_align_options *options, const char *name,
                                                        triad_error *err);

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
                           subset (relabel, vocabulary); of leave_two_words the mean margin of right over swapped
                           pairings (docs/align.md), not their share */
    double z;           /* (observed - mean) / sd */
    double calibrated;  /* what is left above the null's 95 % point tau: clamp((observed - tau) / (1 - tau), 0, 1) */
    /* Over all pairs of the result: by the largest z of shared draws (Westfall and Young 1993), by Holm (1979), by
     * Benjamini and Hochberg (1995). Of one pair: p. */
    double p_max, p_holm, p_bh;
} triad_align_null;

enum { ALIGN_NULLS = 3 };
extern const char *const TRIAD_ALIGN_NULLS[ALIGN_NULLS]; /* iid, relabel, vocabulary */

typedef struct triad_align_measure {
    char name[96]; /* path in the golden file: "mutual_knn_frac/15", "retrieval/strict64/all/xy/nn/15/expected", …;
                      "retrieval/strict64/all/mean/nn/15/expected" is the mean of both directions */
    double value, chance;           /* NaN where undefined */
    double low, high;               /* 95 % interval over sentences; NaN without one */
    double low_groups, high_groups; /* over the words of the group columns */
    triad_align_null iid, relabel, vocabulary;
    const char *reason; /* why value is undefined; NULL otherwise; static text */
    double *scores;    /* [n] in sorted order of id, whose mean is value: hits (retrieval), shared neighbours (overlap),
                          contributions (CKA, RSA); NULL for the others, and where value is undefined */
    double *influence; /* [n] and [units] what a sentence, or a word, more in the sample changes, times n; scaled so */
    double *word_influence; /* that resamples of them vary as fresh samples would; NULL where there is no interval */
    double median_rank;     /* of retrieval: the right sentence's; from 1 */
    double *grade;          /* [columns] of retrieval: share of the first k with the sentence's own verb, colour, … */
} triad_align_measure;
const triad_align_null *triad_align_null_of(const triad_align_measure *measure, size_t null);

/* What the null of a kind could do with the sentences. */
typedef struct triad_align_renaming {
    bool done;
    double relabellings; /* how many distinct ones there are, the identity included (saturates at 10^15) */
    double smallest_p;   /* that the null can attain: 1 / (draws + 1); all are drawn where no more exist */
    size_t word_pairs;   /* pairs of words that trade places */
    size_t left_out;     /* sentences left out to close the set under renaming */
    char **left_out_id;
    char words[160];   /* "colour 6, object 3, location 2" */
    char refused[160]; /* why there is none (empty: it was not refused) */
} triad_align_renaming;

/* Commonality analysis (Mood 1971) of the ranks of Y's cosine distances by X's and the controls': share of variance
 * that only these predictors have in common. Bit 0 of the set is X, bit 1 + c control c. */
typedef struct triad_align_share {
    unsigned set;
    double share;
} triad_align_share;

typedef struct triad_align_pair {
    size_t x, y; /* sides */
    size_t n;    /* sentences that both hold */
    size_t measures;
    triad_align_measure *measure;
    size_t shares;
    triad_align_share *share; /* all sets of predictors for up to 4 controls, else each alone and what X alone adds */
} triad_align_pair;

/* The best pair of layers of two spaces, measure by measure: value, chance and nulls of the largest value, against the
 * largest of the same draws. */
typedef struct triad_align_best {
    size_t measures;
    triad_align_measure *measure;
    size_t *pair; /* [measures] which pair has it; SIZE_MAX: none */
} triad_align_best;

typedef struct triad_align_result {
    triad_align_options options; /* borrowed texts and lists are NULL */
    char protocol[24];           /* "strict64", "vlca-ridge" */
    char folds[80];
    size_t sides;
    char **name, **layer, **source, **pool, **sha256; /* [sides] copies */
    size_t n;
    char **id; /* [n] sorted */
    size_t pairs;
    triad_align_pair *pair;
    triad_align_renaming relabel, vocabulary;
    size_t bests;
    triad_align_best *best;
    size_t columns; /* factor columns of graded hits and of the words of each sentence */
    char *column[ALIGN_MAX_COLUMNS];
    double column_chance[ALIGN_MAX_COLUMNS]; /* share of all sentences that hold a sentence's own word */
    char **cell;                             /* [n, columns] */
    size_t units, strata;                    /* words that are resampled together, in so many columns */
    size_t first[ALIGN_MAX_COLUMNS + 1];     /* [strata + 1] */
    char group_columns[160];                 /* "colour, object"; empty: no second interval */
    size_t controls;
    char *control[ALIGN_MAX_CONTROLS];
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

/* What adjusted p can say over the pairs of the result under a null: one sentence, empty for one pair or no null. */
void triad_align_multiplicity(const triad_align_result *result, size_t null, char *text, size_t size);

/* Several pairs together: the mean over those with sign + minus the mean over those with sign -, with the interval of
 * resamples of sentences, of words, and of seeds where members differ in them. */
typedef struct triad_align_member {
    size_t pair;
    int sign;              /* +1 or -1 */
    size_t seed_x, seed_y; /* numbers of the seeds of each side; SIZE_MAX: not one of several */
} triad_align_member;
typedef struct triad_align_contrast {
    double value, low, high, p; /* p two-sided, by the share of resamples on the other side of 0 */
    double low_groups, high_groups;
    size_t seeds_x, seeds_y; /* 0: none were resampled */
} triad_align_contrast;
TRIAD_NODISCARD triad_status triad_align_contrast_of(triad_align_contrast *contrast, const triad_align_result *result,
                                                     const char *measure, const triad_align_member *members,
                                                     size_t count, triad_error *err);

/* A set of spaces that are seeds of one thing, by the names of the result's sides. */
typedef struct triad_align_set {
    const char *name;
    size_t count;
    const char *const *members;
} triad_align_set;
/* The pairs between two things (a set's name, or a side's), each at one layer: members [*count], the caller frees, with
 * their seeds numbered and sign +1. Pairs within one set are left out. */
TRIAD_NODISCARD triad_status triad_align_between(triad_align_member **members, size_t *count,
                                                 const triad_align_result *result, const triad_align_set *sets,
                                                 size_t set_count, const char *x, const char *y, triad_error *err);

/* The space of several side by side, each of the same size about its mean: cosine and Euclidean likeness in it is the
 * mean of theirs (Gram matrices add). `last` layers, on the ids that all hold. Free by triad_space_free. */
TRIAD_NODISCARD triad_status triad_align_mean_space(triad_space *mean, const triad_space *const *spaces,
                                                    const triad_layer *const *layers, size_t count, triad_error *err);

/* design.md's "results" document, and the tidy table of the same. */
TRIAD_NODISCARD triad_status triad_align_write_json(const triad_align_result *result, const char *path,
                                                    triad_error *err);
TRIAD_NODISCARD triad_status triad_align_write_csv(const triad_align_result *result, const char *path,
                                                   triad_error *err);
/* A row for each pair, measure that is a mean over sentences, and sentence: what it contributes, beside its factors. */
TRIAD_NODISCARD triad_status triad_align_write_contributions(const triad_align_result *result, const char *path,
                                                             triad_error *err);

#endif
