/* t-SNE without shortcuts: all pairs in every step. */
#include "triad/map.h"

#include "align/gram.h"
#include "align/map_distances.h"
#include "align/statistics.h"
#include "align/tsne_kernel.h"
#include "base/large.h"
#include "base/progress.h"
#include "base/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "t-SNE: out of memory");
}

triad_tsne_options triad_tsne_defaults(void)
{
    return (triad_tsne_options){
        .perplexity = 30, .iterations = 1000, .exaggerated = 250, .exaggeration = 12, .starts = 4};
}

/* ---- affinities */

typedef struct affinity_job {
    double *p; /* [n, n] squared distances in, conditional affinities out */
    size_t n;
    double entropy; /* log of the perplexity */
} affinity_job;

/* exp(-beta distance) over its sum, beta by halving until the entropy is the wanted one. */
static void fit_row(double *row, size_t n, size_t own, double entropy)
{
    double least = INFINITY, low = 0, high = INFINITY, beta = 1, mean = 0;
    for (size_t j = 0; j < n; j++) {
        if (j == own) continue;
        least = fmin(least, row[j]);
        mean += row[j] / (double)(n - 1);
    }
    if (!(mean - least > 0)) { /* all are as far away */
        for (size_t j = 0; j < n; j++) row[j] = j == own ? 0 : 1 / (double)(n - 1);
        return;
    }
    beta = 1 / (mean - least);
    double sum = 0;
    for (int step = 0; step < 200; step++) {
        double weighted = 0;
        sum = 0;
        for (size_t j = 0; j < n; j++) {
            if (j == own) continue;
            const double gap = row[j] - least, weight = exp(-beta * gap);
            sum += weight;
            weighted += weight * gap;
        }
        const double off = log(sum) + beta * weighted / sum - entropy;
        if (fabs(off) < 1e-10) break;
        if (off > 0) {
            low = beta;
            beta = isinf(high) ? 2 * beta : 0.5 * (low + high);
        } else {
            high = beta;
            beta = 0.5 * (low + high);
        }
    }
    sum = 0;
    for (size_t j = 0; j < n; j++) {
        row[j] = j == own ? 0 : exp(-beta * (row[j] - least));
        sum += row[j];
    }
    for (size_t j = 0; j < n; j++) row[j] /= sum;
}

static void fit_rows(void *context, size_t tile, int worker)
{
    (void)worker;
    const affinity_job *job = context;
    const size_t end = align_row_end(tile, job->n);
    for (size_t i = tile * ALIGN_ROW_TILE; i < end; i++) fit_row(job->p + i * job->n, job->n, i, job->entropy);
}

triad_status triad_map_affinities(double *p, const double *x, size_t n, size_t d, double perplexity, triad_pool *pool,
                                  triad_error *err)
{
    const triad_status status = map_check("t-SNE", x, n, d, 4, err);
    if (status != TRIAD_OK) return status;
    if (!(perplexity >= 1) || perplexity > (double)(n - 1))
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "t-SNE: a perplexity of %g wants from 1 to %zu (rows less one)",
                          perplexity, n - 1);
    map_square_distances(p, x, n, d, pool);
    triad_parallel(pool, align_row_tiles(n), fit_rows, &(affinity_job){p, n, log(perplexity)});
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) p[i * n + j] = p[j * n + i] = (p[i * n + j] + p[j * n + i]) / (2 * (double)n);
    return TRIAD_OK;
}

/* ---- descent */

typedef struct descent {
    size_t n;
    const double *p;
    double *at, *across; /* [n] both coordinates */
    tsne_sums *sums;     /* [n] */
    double *divergence;  /* [n] of a row, with `total` */
    double total;
} descent;

static void pull_rows(void *context, size_t tile, int worker)
{
    (void)worker;
    descent *s = context;
    const size_t end = align_row_end(tile, s->n);
    for (size_t i = tile * ALIGN_ROW_TILE; i < end; i++)
        s->sums[i] = tsne_row(s->p + i * s->n, s->at, s->across, s->at[i], s->across[i], s->n);
}

static void diverge_rows(void *context, size_t tile, int worker)
{
    (void)worker;
    descent *s = context;
    const size_t n = s->n, end = align_row_end(tile, n);
    for (size_t i = tile * ALIGN_ROW_TILE; i < end; i++) {
        double sum = 0;
        for (size_t j = 0; j < n; j++) {
            const double p = s->p[i * n + j], gap = s->at[i] - s->at[j], rise = s->across[i] - s->across[j];
            if (p > 0 && j != i) sum += p * log(p * s->total * (1 + gap * gap + rise * rise));
        }
        s->divergence[i] = sum;
    }
}

static double pull(descent *s, triad_pool *pool)
{
    triad_parallel(pool, align_row_tiles(s->n), pull_rows, s);
    double total = 0;
    for (size_t i = 0; i < s->n; i++) total += s->sums[i].weight - 1; /* the row's weight on itself */
    return total > 1e-300 ? total : 1e-300;
}

typedef struct start {
    const double *pca; /* [n, 2] */
    double scale, rate;
    size_t number;
} start;

/* One descent from start to end; the divergence there. room [8 n] */
static double descend(descent *s, const start *from, const triad_tsne_options *options, double *room, triad_pool *pool,
                      triad_progress *progress)
{
    const size_t n = s->n;
    double *at[2] = {room, room + n}, *velocity[2] = {room + 2 * n, room + 3 * n},
           *gain[2] = {room + 4 * n, room + 5 * n};
    s->at = at[0];
    s->across = at[1];
    s->divergence = room + 6 * n;
    triad_pcg64 rng;
    align_stream_seed(&rng, options->seed, ALIGN_STREAM_MAP, from->number);
    const double noise = from->number == 0 ? 1e-9 : 2e-5;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < 2; c++) {
            at[c][i] = from->pca[2 * i + c] * from->scale + noise * triad_pcg64_normal(&rng);
            velocity[c][i] = 0;
            gain[c][i] = 1;
        }
    for (size_t step = 0; step < options->iterations; step++) {
        const bool early = step < options->exaggerated;
        for (size_t i = 0; step == options->exaggerated && i < n; i++) /* gains of one phase would slow the next */
            for (size_t c = 0; c < 2; c++) {
                velocity[c][i] = 0;
                gain[c][i] = 1;
            }
        const double more = early ? options->exaggeration : 1, momentum = early ? 0.5 : 0.8, total = pull(s, pool);
        double mean[2] = {0, 0};
        for (size_t i = 0; i < n; i++)
            for (size_t c = 0; c < 2; c++) {
                const double slope = 4 * (more * s->sums[i].pull[c] - s->sums[i].push[c] / total);
                double *g = &gain[c][i], *v = &velocity[c][i];
                *g = slope * *v < 0 ? *g + 0.2 : *g * 0.8;
                if (*g < 0.01) *g = 0.01;
                *v = momentum * *v - from->rate * *g * slope;
                at[c][i] += *v;
                mean[c] += at[c][i] / (double)n;
            }
        for (size_t i = 0; i < n; i++)
            for (size_t c = 0; c < 2; c++) at[c][i] -= mean[c];
        triad_progress_update(progress, (double)(from->number * options->iterations + step + 1), NULL);
    }
    s->total = pull(s, pool);
    triad_parallel(pool, align_row_tiles(n), diverge_rows, s);
    double divergence = 0;
    for (size_t i = 0; i < n; i++) divergence += s->divergence[i];
    return divergence;
}

triad_status triad_map_tsne(double *coordinates, triad_tsne_result *result, const double *x, size_t n, size_t d,
                            const triad_tsne_options *options, triad_pool *pool, triad_progress *progress,
                            triad_error *err)
{
    triad_status status = map_check("t-SNE", x, n, d, 4, err);
    if (status != TRIAD_OK) return status;
    if (!(options->perplexity >= 1) || !(options->exaggeration >= 1) || !(options->learning_rate >= 0) ||
        options->starts == 0)
        return triad_fail(
            err, TRIAD_ERR_RANGE, -1,
            "t-SNE: perplexity, exaggeration and starts are at least 1, the learning rate is not negative");
    const double most = (double)(n - 1) / 3;
    *result = (triad_tsne_result){.perplexity = fmax(1, fmin(options->perplexity, most)), .divergence = INFINITY};
    double *p = triad_alloc_large(n * n, sizeof *p), *room = malloc(8 * n * sizeof *room),
           *pca = malloc(2 * n * sizeof *pca), share[2];
    tsne_sums *sums = malloc(n * sizeof *sums);
    if (!p || !room || !pca || !sums) {
        status = out_of_memory(err);
        goto out;
    }
    status = triad_map_affinities(p, x, n, d, result->perplexity, pool, err);
    if (status == TRIAD_OK) status = triad_map_pca(pca, share, x, n, d, 2, err);
    if (status != TRIAD_OK) goto out;
    double square = 0;
    for (size_t i = 0; i < n; i++) square += pca[2 * i] * pca[2 * i];
    start from = {.pca = pca, .scale = square > 0 ? 1e-4 / sqrt(square / (double)n) : 0};
    from.rate = options->learning_rate > 0 ? options->learning_rate : fmax((double)n / options->exaggeration / 4, 50);
    descent s = {.n = n, .p = p, .sums = sums};
    triad_progress_begin(progress, "t-SNE", "iterations", (double)(options->starts * options->iterations));
    for (; from.number < options->starts; from.number++) {
        const double divergence = descend(&s, &from, options, room, pool, progress);
        if (!(divergence < result->divergence)) continue;
        result->divergence = divergence;
        for (size_t i = 0; i < n; i++) {
            coordinates[2 * i] = s.at[i];
            coordinates[2 * i + 1] = s.across[i];
        }
    }
    triad_progress_end(progress, NULL);
    if (!isfinite(result->divergence))
        status = triad_fail(err, TRIAD_ERR_NUMERIC, -1, "t-SNE: the descent diverged (a lower learning rate helps)");
out:
    free(p);
    free(room);
    free(pca);
    free(sums);
    return status;
}

/* ---- trust */

typedef struct trust_job {
    const double *apart, *picture; /* [n, n] squared distances in the space; [n, 2] */
    size_t n, k;
    double *cost; /* [n] */
    bool *failed; /* [tiles] */
} trust_job;

typedef struct placed {
    double distance;
    uint32_t index;
} placed;

static int nearest_first(const void *a, const void *b)
{
    const placed *x = a, *y = b;
    if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static void trust_rows(void *context, size_t tile, int worker)
{
    (void)worker;
    trust_job *job = context;
    const size_t n = job->n, end = align_row_end(tile, n);
    placed *seen = malloc(2 * n * sizeof *seen), *real = seen + n;
    uint32_t *rank = malloc(n * sizeof *rank);
    job->failed[tile] = seen == NULL || rank == NULL;
    for (size_t i = tile * ALIGN_ROW_TILE; !job->failed[tile] && i < end; i++) {
        for (uint32_t j = 0; j < n; j++) {
            const double gap = job->picture[2 * j] - job->picture[2 * i],
                         rise = job->picture[2 * j + 1] - job->picture[2 * i + 1];
            seen[j] = (placed){j == i ? -1 : gap * gap + rise * rise, j};
            real[j] = (placed){j == i ? -1 : job->apart[i * n + j], j};
        }
        qsort(seen, n, sizeof *seen, nearest_first);
        qsort(real, n, sizeof *real, nearest_first);
        for (uint32_t r = 0; r < n; r++) rank[real[r].index] = r; /* 0: itself */
        job->cost[i] = 0;
        for (size_t r = 1; r <= job->k; r++) {
            const uint32_t in_space = rank[seen[r].index];
            if (in_space > job->k) job->cost[i] += (double)(in_space - job->k);
        }
    }
    free(seen);
    free(rank);
}

triad_status triad_map_trustworthiness(double *value, const double *picture, const double *x, size_t n, size_t d,
                                       size_t k, triad_pool *pool, triad_error *err)
{
    *value = NAN;
    triad_status status = map_check("trustworthiness", x, n, d, 1, err);
    if (status != TRIAD_OK || k == 0 || 2 * k >= n) return status;
    const size_t tiles = align_row_tiles(n);
    double *apart = malloc(n * n * sizeof *apart), *cost = malloc(n * sizeof *cost);
    bool *failed = calloc(tiles, sizeof *failed);
    if (apart && cost && failed) {
        map_square_distances(apart, x, n, d, pool);
        triad_parallel(pool, tiles, trust_rows, &(trust_job){apart, picture, n, k, cost, failed});
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += cost[i];
        const double rows = (double)n, near = (double)k;
        *value = 1 - sum * 2 / (rows * near * (2 * rows - 3 * near - 1));
        for (size_t t = 0; t < tiles; t++)
            if (failed[t]) status = out_of_memory(err);
    } else {
        status = out_of_memory(err);
    }
    free(apart);
    free(cost);
    free(failed);
    return status;
}
