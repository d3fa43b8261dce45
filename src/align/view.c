#include "align/view.h"

#include "align/linear.h"
#include "align/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Scores closer than 1e-9 are ties; distances are ranked on a grid of 1e-10. */
static const double SCORE_GRID = 1e9, DISTANCE_GRID = 1e10, RANK_TOLERANCE = 1e-10;

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
}

static void scale_rows(double *x, size_t n, size_t d)
{
    for (size_t i = 0; i < n; i++) {
        double *row = x + i * d, squares = 0;
        for (size_t c = 0; c < d; c++) squares += row[c] * row[c];
        const double scale = squares > 0 ? 1 / sqrt(squares) : 1;
        for (size_t c = 0; c < d; c++) row[c] *= scale;
    }
}

/* Distances and scores do not change under a rotation: n rows never need more than n columns. */
static triad_status take_rows(align_view *view, const triad_layer *layer, const size_t *rows, triad_error *err)
{
    const size_t n = view->n, d = layer->d;
    view->d = d;
    view->x = malloc(n * d * sizeof *view->x);
    if (view->x == NULL) return out_of_memory(err);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < d; c++) view->x[i * d + c] = layer->data[rows[i] * d + c];
    if (d <= n) return TRIAD_OK;
    double *s = malloc(n * sizeof *s), *u = malloc(n * n * sizeof *u), *vt = malloc(n * d * sizeof *vt);
    triad_status status = s && u && vt ? align_svd(s, u, vt, view->x, n, d, err) : out_of_memory(err);
    if (status == TRIAD_OK) {
        for (size_t i = 0; i < n; i++)
            for (size_t c = 0; c < n; c++) view->x[i * n + c] = u[i * n + c] * s[c];
        view->d = n;
    }
    free(s);
    free(u);
    free(vt);
    return status;
}

typedef struct scored { double score; uint32_t index; } scored;

static int nearest_first(const void *a, const void *b)
{
    const scored *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* cosine [n, n] of unit rows. */
static triad_status find_neighbours(align_view *view, const double *cosine, const size_t *k, size_t ks, triad_error *err)
{
    const size_t n = view->n;
    view->ks = ks;
    view->near = calloc(ks ? ks : 1, sizeof *view->near);
    view->list_offset = calloc(n + 1, sizeof *view->list_offset);
    scored *row = malloc(n * sizeof *row);
    size_t capacity = 0, used = 0;
    triad_status status = view->near && view->list_offset && row ? TRIAD_OK : out_of_memory(err);
    for (size_t q = 0; status == TRIAD_OK && q < ks; q++) {
        view->near[q].weight = calloc(n * n, sizeof *view->near[q].weight);
        view->near[q].member = calloc(n * n, sizeof *view->near[q].member);
        if (!view->near[q].weight || !view->near[q].member) status = out_of_memory(err);
    }
    for (size_t i = 0; status == TRIAD_OK && i < n && ks > 0; i++) {
        size_t others = 0;
        for (size_t j = 0; j < n; j++)
            if (j != i) row[others++] = (scored){rint(cosine[i * n + j] * SCORE_GRID), (uint32_t)j};
        qsort(row, others, sizeof *row, nearest_first);
        for (size_t q = 0; q < ks; q++) {
            const double last = row[k[q] - 1].score;
            size_t above = 0, reached;
            while (row[above].score > last) above++;
            for (reached = above; reached < others && row[reached].score == last; reached++)
                ;
            const double share = (double)(k[q] - above) / (double)(reached - above);
            for (size_t r = 0; r < reached; r++) view->near[q].weight[i * n + row[r].index] = r < above ? 1 : share;
            for (size_t r = 0; r < k[q]; r++) view->near[q].member[i * n + row[r].index] = 1;
            if (q + 1 < ks) continue;
            if (used + reached > capacity) {
                capacity = 2 * (used + reached);
                uint32_t *grown = realloc(view->list, capacity * sizeof *grown);
                if (grown == NULL) {
                    status = out_of_memory(err);
                    break;
                }
                view->list = grown;
            }
            for (size_t r = 0; r < reached; r++) view->list[used++] = row[r].index;
        }
        view->list_offset[i + 1] = (uint32_t)used;
    }
    free(row);
    return status;
}

/* U-centring: what makes <K, L> the unbiased HSIC (Song et al. 2012) up to 1 / (n (n - 3)). */
static triad_status centre_kernel(align_view *view, triad_error *err)
{
    const size_t n = view->n;
    if (n < 4) return TRIAD_OK;
    double *kernel = view->kernel = malloc(n * n * sizeof *kernel), *row = calloc(n, sizeof *row);
    if (kernel == NULL || row == NULL) {
        free(row);
        return out_of_memory(err);
    }
    align_product(kernel, view->x, false, view->d, view->x, true, view->d, n, n, view->d);
    double total = 0;
    for (size_t i = 0; i < n; i++) {
        kernel[i * n + i] = 0;
        for (size_t j = 0; j < n; j++) row[i] += kernel[i * n + j];
        total += row[i];
    }
    const double outer = 1.0 / (double)(n - 2), both = total / ((double)(n - 1) * (double)(n - 2));
    double norm = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double *at = &kernel[i * n + j];
            *at = i == j ? 0 : *at - outer * (row[i] + row[j]) + both;
            norm += *at * *at;
        }
    view->kernel_norm = norm;
    free(row);
    return TRIAD_OK;
}

static triad_status rank_distances(align_view *view, const double *cosine, triad_error *err)
{
    const size_t n = view->n, pairs = n * (n - 1) / 2;
    double *distance = malloc((pairs ? pairs : 1) * sizeof *distance), *ranks = malloc((pairs ? pairs : 1) * sizeof *ranks);
    view->rank = calloc(n * n, sizeof *view->rank);
    if (distance == NULL || ranks == NULL || view->rank == NULL) {
        free(distance);
        free(ranks);
        return out_of_memory(err);
    }
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++) distance[at++] = rint((1 - cosine[i * n + j]) * DISTANCE_GRID);
    align_average_ranks(ranks, distance, pairs);
    const double mean = 0.5 * (double)(pairs + 1);
    double norm = 0;
    at = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++, at++) {
            const double centred = ranks[at] - mean;
            view->rank[i * n + j] = view->rank[j * n + i] = centred;
            norm += 2 * centred * centred;
        }
    view->rank_norm = norm;
    free(distance);
    free(ranks);
    return TRIAD_OK;
}

triad_status align_fit_part(double **part, size_t *width, const double *x, size_t n, size_t d, const uint8_t *fold,
                            size_t held_out, const uint32_t *order, size_t cap, bool exact, triad_error *err)
{
    triad_status status = TRIAD_OK;
    double *z = malloc(n * d * sizeof *z), *mean = calloc(d, sizeof *mean), *train = malloc(n * d * sizeof *train);
    const size_t least = d < n ? d : n;
    double *s = malloc(least * sizeof *s), *axes = NULL, *left = NULL, *work = NULL;
    *part = NULL;
    *width = 0;
    if (!z || !mean || !train || !s) {
        status = out_of_memory(err);
        goto out;
    }
    size_t m = 0;
    for (size_t i = 0; i < n; i++) m += fold[i] != held_out;
    if (m == 0) goto out;

    for (size_t i = 0; i < n; i++)
        if (fold[i] != held_out) {
            const double *row = x + (order ? order[i] : i) * d;
            for (size_t c = 0; c < d; c++) mean[c] += row[c];
        }
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < d; c++) z[i * d + c] = x[i * d + c] - mean[c] / (double)m;
    scale_rows(z, n, d);
    memset(mean, 0, d * sizeof *mean);
    for (size_t i = 0; i < n; i++)
        if (fold[i] != held_out) {
            const double *row = z + (order ? order[i] : i) * d;
            for (size_t c = 0; c < d; c++) mean[c] += row[c];
        }
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < d; c++) z[i * d + c] -= mean[c] / (double)m;
    size_t taken = 0;
    for (size_t i = 0; i < n; i++)
        if (fold[i] != held_out) memcpy(train + d * taken++, z + (order ? order[i] : i) * d, d * sizeof *z);

    size_t rank = 0;
    const size_t most = m < d ? m : d;
    if (!exact && cap > 0 && 2 * cap <= most) {
        /* Eigenvectors of the covariance: good to about eps * largest / smallest wanted. */
        work = malloc(d * d * sizeof *work);
        axes = malloc(cap * d * sizeof *axes);
        if (!work || !axes) {
            status = out_of_memory(err);
            goto out;
        }
        align_product(work, train, true, d, train, false, d, d, d, m);
        status = align_eigen(s, axes, work, d, cap, err);
        if (status != TRIAD_OK) goto out;
        if (s[cap - 1] > 1e-9 * s[0]) rank = cap;
    }
    if (rank == 0) {
        free(axes);
        axes = malloc(most * d * sizeof *axes);
        left = malloc(m * most * sizeof *left);
        if (!axes || !left) {
            status = out_of_memory(err);
            goto out;
        }
        status = align_svd(s, left, axes, train, m, d, err);
        if (status != TRIAD_OK) goto out;
        while (rank < most && s[rank] > RANK_TOLERANCE * s[0]) rank++;
        if (cap > 0 && rank > cap) rank = cap;
    }
    *part = malloc((rank ? n * rank : 1) * sizeof **part);
    if (*part == NULL) {
        status = out_of_memory(err);
        goto out;
    }
    align_product(*part, z, false, d, axes, true, d, n, rank, d);
    *width = rank;
out:
    free(z);
    free(mean);
    free(train);
    free(s);
    free(axes);
    free(left);
    free(work);
    return status;
}

triad_status align_view_create(align_view *view, const triad_layer *layer, const size_t *rows, size_t n, const uint8_t *fold,
                               size_t cap, const size_t *k, size_t ks, triad_error *err)
{
    memset(view, 0, sizeof *view);
    view->n = n;
    triad_status status = take_rows(view, layer, rows, err);
    double *unit = NULL, *cosine = NULL;
    if (status == TRIAD_OK) {
        unit = malloc(n * view->d * sizeof *unit);
        cosine = malloc(n * n * sizeof *cosine);
        if (unit == NULL || cosine == NULL) status = out_of_memory(err);
    }
    if (status == TRIAD_OK) {
        memcpy(unit, view->x, n * view->d * sizeof *unit);
        scale_rows(unit, n, view->d);
        align_product(cosine, unit, false, view->d, unit, true, view->d, n, n, view->d);
        status = find_neighbours(view, cosine, k, ks, err);
    }
    if (status == TRIAD_OK) status = rank_distances(view, cosine, err);
    free(unit);
    free(cosine);
    if (status == TRIAD_OK) status = centre_kernel(view, err);
    for (size_t f = 0; status == TRIAD_OK && fold != NULL && f < ALIGN_FOLDS; f++)
        status = align_fit_part(&view->part[f], &view->part_width[f], view->x, n, view->d, fold, f, NULL, cap, true, err);
    if (status != TRIAD_OK) align_view_free(view);
    return status;
}

void align_view_free(align_view *view)
{
    free(view->x);
    for (size_t q = 0; view->near && q < view->ks; q++) {
        free(view->near[q].weight);
        free(view->near[q].member);
    }
    free(view->near);
    free(view->list);
    free(view->list_offset);
    free(view->kernel);
    free(view->rank);
    for (size_t f = 0; f < ALIGN_FOLDS; f++) free(view->part[f]);
    memset(view, 0, sizeof *view);
}
