/* Maps for the eye: the rows of a space in two dimensions (PCA, t-SNE) and as a tree (average and Ward linkage). They
 * show; they prove nothing: what a picture suggests has to stand in `align` under its nulls. */
#ifndef TRIAD_MAP_H
#define TRIAD_MAP_H

#include "triad/base.h"
#include "triad/space.h"

/* Rows of a layer in double, x [rows, d]: those numbered in row, or the first ones (NULL); with cosine each of length 1
 * (a row of zeros stays), so that Euclidean distance ranks as the cosine does. */
void triad_map_rows(double *x, const triad_layer *layer, const size_t *row, size_t rows, bool cosine);

/* Principal components (Pearson 1901) of x [n, d]: coordinates [n, components] of the centred rows on the leading axes,
 * and each axis' share [components] of the variance. The sign of an axis is such that its largest coordinate by size is
 * positive. Components beyond the rank are 0. Fails for n < 2, components of 0, NaN or infinity in x. */
TRIAD_NODISCARD triad_status triad_map_pca(double *coordinates, double *share, const double *x, size_t n, size_t d,
                                           size_t components, triad_error *err);

/* t-SNE (van der Maaten & Hinton 2008), exact: no tree, no sampling. */
typedef struct triad_tsne_options {
    double perplexity;    /* 30; at most (n - 1) / 3, to which it is lowered */
    size_t iterations;    /* 1000 */
    size_t exaggerated;   /* the first iterations, with affinities times `exaggeration` and momentum 0.5; then 0.8 */
    double exaggeration;  /* 12 */
    double learning_rate; /* 0: max(n / exaggeration / 4, 50) (Belkina et al. 2019) */
    size_t starts;        /* 4: descents from as many starts; the one that ends lowest is kept */
    uint64_t seed; /* of the starts: PCA at a standard deviation of 1e-4, with noise of 1e-9 (the first) or 2e-5 */
} triad_tsne_options;
/* As said above; seed 0. */
triad_tsne_options triad_tsne_defaults(void);

typedef struct triad_tsne_result {
    double perplexity; /* as used */
    double divergence; /* Kullback-Leibler divergence of the picture's affinities from the space's */
} triad_tsne_result;

/* Coordinates [n, 2] of the rows of x [n, d], by Euclidean distance. Gradient descent with momentum and gains (Jacobs
 * 1988). The same bytes for the same seed and any pool. n at least 4; memory: one n x n matrix of doubles. */
TRIAD_NODISCARD triad_status triad_map_tsne(double *coordinates, triad_tsne_result *result, const double *x, size_t n,
                                            size_t d, const triad_tsne_options *options, triad_pool *pool,
                                            triad_progress *progress, triad_error *err);
/* Its affinities alone, p [n, n]: symmetric, diagonal 0, sum 1. */
TRIAD_NODISCARD triad_status triad_map_affinities(double *p, const double *x, size_t n, size_t d, double perplexity,
                                                  triad_pool *pool, triad_error *err);

/* How much of each row's neighbourhood of k a picture [n, 2] keeps: 1 less what the wrong neighbours cost by rank
 * (trustworthiness, Venna & Kaski 2001). NaN unless 0 < k < n / 2. */
TRIAD_NODISCARD triad_status triad_map_trustworthiness(double *value, const double *picture, const double *x, size_t n,
                                                       size_t d, size_t k, triad_pool *pool, triad_error *err);

typedef enum triad_linkage_kind { TRIAD_LINKAGE_AVERAGE, TRIAD_LINKAGE_WARD } triad_linkage_kind;

/* Agglomerative clustering by Euclidean distance (UPGMA; Ward 1963), by chains of nearest neighbours (Müllner 2011):
 * merges [n - 1] in order of height, as scipy.cluster.hierarchy.linkage numbers them. n at least 2. */
typedef struct triad_merge {
    uint32_t a, b; /* a < b; below n: a row; else n + the number of an earlier merge */
    double height;
    uint32_t size; /* rows in it */
} triad_merge;
TRIAD_NODISCARD triad_status triad_map_linkage(triad_merge *merges, triad_linkage_kind kind, const double *x, size_t n,
                                               size_t d, triad_pool *pool, triad_error *err);
/* The same from distances [n, n]: symmetric, none negative, 0 on the diagonal. */
TRIAD_NODISCARD triad_status triad_map_linkage_of(triad_merge *merges, triad_linkage_kind kind, const double *distances,
                                                  size_t n, triad_error *err);
/* The rows from left to right as the tree draws them without crossings, order [n]: of two branches a comes first. */
TRIAD_NODISCARD triad_status triad_map_leaves(uint32_t *order, const triad_merge *merges, size_t n, triad_error *err);

#endif
