/* Intervals by resampling sentences or the words that they are made of.
 *
 * Nothing is measured again on a resample, where copies of a sentence would be each other's neighbours (see
 * docs/align.md). Each measure gives instead what a unit more or less of it would change, its influence (the
 * infinitesimal jackknife, Efron 1982): as a sentence that asks, as a neighbour or competitor of others, and as half of
 * a pair. A resample moves the value by the sum of the influences of what was drawn more or less than once. */
#ifndef TRIAD_ALIGN_INTERVALS_H
#define TRIAD_ALIGN_INTERVALS_H

#include "align/view.h"

/* What is drawn together: strata of units, each sentence holding any number of units (its words). In a resample every
 * stratum draws as many units as it has (several strata: Owen's pigeonhole bootstrap, 2007). */
typedef struct align_units {
    size_t n, units, strata;
    size_t *first;  /* [strata + 1] */
    size_t *offset; /* [n + 1] into `unit` */
    uint32_t *unit; /* ascending within a sentence */
    char **name;    /* [strata] of the columns; NULL for sentences */
} align_units;
/* Every sentence a unit of its own. */
TRIAD_NODISCARD triad_status align_units_sentences(align_units *units, size_t n, triad_error *err);
/* The words of factor columns: each named column with its twin ("colour", "colour2") is a stratum; an empty cell is no
 * word. Fails for a column that is not there. A stratum of fewer than 2 words is left out; units->strata is 0 where
 * none is left. */
TRIAD_NODISCARD triad_status align_units_words(align_units *units, const triad_items *items, const size_t *rows,
                                               size_t n, const char *const *columns, size_t count, triad_error *err);
void align_units_free(align_units *units);

typedef struct align_resampling {
    size_t n, draws;
    double *weight; /* [draws, n]: how often each of n units is in each resample */
} align_resampling;
TRIAD_NODISCARD triad_status align_resampling_create(align_resampling *resampling, const align_units *units,
                                                     size_t draws, uint64_t seed, triad_error *err);
void align_resampling_free(align_resampling *resampling);

/* Means of scores [n] over each resample, [draws]. */
void align_resample_scores(double *means, const align_resampling *resampling, const double *scores);

/* The influence of sentences and of word units on one value, as sums over n. */
typedef struct align_influence {
    size_t n;
    const align_units *words; /* NULL: sentences alone */
    double *sentence;         /* [n] */
    double *word;             /* [words->units] */
    double second;            /* sum over unordered pairs of what both together change, squared */
} align_influence;
TRIAD_NODISCARD triad_status align_influence_create(align_influence *influence, size_t n, const align_units *words,
                                                    triad_error *err);
void align_influence_free(align_influence *influence);
void align_influence_clear(align_influence *influence);
/* Sentence i and its words contribute v. */
void align_influence_own(align_influence *influence, size_t i, double v);
/* Centres both and scales them, so that resamples vary as fresh samples would: the sentences' variance without the
 * second-order part that resampling counts twice over (Efron and Stein 1981), n / (n - 1), and for strata of few words
 * Student's t (Satterthwaite 1946). */
void align_influence_finish(align_influence *influence);

/* Influences on sum z [i, j] over i != j of two matrices' product, as the cosine `value` between them. Words are left
 * out one by one with their sentences, and what remains is centred and compared again (the jackknife of clusters,
 * "CV3": Bell and McCaffrey 2002; MacKinnon, Nielsen and Webb 2023), for with few of them the infinitesimal jackknife
 * falls short: ten words a column, debiased CKA, standard deviation of 0.88 of the true one. */
TRIAD_NODISCARD triad_status align_influence_matrices(align_influence *influence, const align_matrix *x,
                                                      const align_matrix *y, double value, bool kernels,
                                                      triad_error *err);
/* The same for a plain sum of products over pairs i < j, times factor: rho_a. */
TRIAD_NODISCARD triad_status align_influence_products(align_influence *influence, const align_matrix *x,
                                                      const align_matrix *y, double factor, triad_error *err);
/* Neighbour overlap number q of the ks; Jaccard's index where set. */
TRIAD_NODISCARD triad_status align_influence_overlap(align_influence *influence, const align_neighbours *x,
                                                     const align_neighbours *y, size_t q, align_overlap_kind kind,
                                                     triad_error *err);

/* Retrieval: each sentence's hit at k, scores [n], and what each competitor keeps others from: where a sentence's own
 * row is the last inside or the first outside, one row less or more above it decides by one half. ways: bit 0 x to y,
 * bit 1 y to x. */
void align_influence_hits(align_influence *influence, const align_seen *seen, size_t k, const double *scores,
                          unsigned ways);

/* What values can be: the scale on which a resample moves them. */
typedef enum align_range {
    ALIGN_RANGE_ANY,
    ALIGN_RANGE_SHARE /* 0 … 1 */,
    ALIGN_RANGE_CORRELATION /* -1 … 1 */
} align_range;
align_range align_range_of(const char *measure); /* by its name, of one that has an interval */
double align_moved(double value, double by, align_range range);

/* draws [resampling->draws] of the value under influences [resampling->n], which sum to 0. */
void align_resample_value(double *draws, const align_resampling *resampling, const double *influence, size_t n,
                          double value, align_range range);

/* Whether a measure has an interval, and on which scale. */
bool align_has_interval(const align_spec *spec, align_range *range);

/* The quantile 0.975 of Student's t with df degrees of freedom (Hill 1970). */
double align_student(double df);

/* Among hits (or misses) alone an interval of no width says too much: where the share of n sentences is 1 (or 0), low
 * (or high) moves to Clopper and Pearson's 95 % bound (1934). */
void align_bound_hits(double *low, double *high, double share, size_t n);

#endif
