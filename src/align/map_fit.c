#include "align/map_fit.h"

#include "align/align_kernel.h"
#include "align/linear.h"
#include "align/matrices.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double RANK_TOLERANCE = 1e-10;
enum { RIDGE_GRID = 25 };

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "map: out of memory");
}

/* The training rows of a part, its first w columns: a = u diag(s) vt, of rank by 1e-10. */
typedef struct factored {
    size_t m, w, least, rank;
    double *a, *s, *u, *vt; /* [m, w], [least], [m, least], [least, w] */
} factored;

static triad_status factor(factored *f, const align_part *part, size_t w, size_t m, triad_error *err)
{
    *f = (factored){.m = m, .w = w, .least = m < w ? m : w};
    double *copy = malloc((m * w + 1) * sizeof *copy);
    f->a = malloc((m * w + 1) * sizeof *f->a);
    f->s = malloc((f->least + 1) * sizeof *f->s);
    f->u = malloc((m * f->least + 1) * sizeof *f->u);
    f->vt = malloc((f->least * w + 1) * sizeof *f->vt);
    triad_status status = copy && f->a && f->s && f->u && f->vt ? TRIAD_OK : out_of_memory(err);
    for (size_t t = 0; status == TRIAD_OK && t < m; t++)
        memcpy(f->a + t * w, part->rows + t * part->width, w * sizeof *f->a);
    if (status == TRIAD_OK) {
        memcpy(copy, f->a, m * w * sizeof *copy);
        status = align_svd(f->s, f->u, f->vt, copy, m, w, err);
    }
    while (status == TRIAD_OK && f->rank < f->least && f->s[f->rank] > RANK_TOLERANCE * f->s[0]) f->rank++;
    free(copy);
    return status;
}

static void factored_free(factored *f)
{
    free(f->a);
    free(f->s);
    free(f->u);
    free(f->vt);
}

/* Ridge of b on a by a's singular vectors; w [a->w, b->w]. */
static triad_status fit_ridge(double *w, const factored *a, const factored *b, triad_error *err)
{
    const size_t r = a->rank, m = a->m;
    double *on = malloc((a->least * b->w + 1) * sizeof *on), *energy = calloc(r + 1, sizeof *energy);
    if (on == NULL || energy == NULL) {
        free(on);
        free(energy);
        return out_of_memory(err);
    }
    align_product(on, a->u, true, a->least, b->a, false, b->w, a->least, b->w, m);
    double total = 0, inside = 0, best = INFINITY, lambda = 0;
    for (size_t i = 0; i < m * b->w; i++) total += b->a[i] * b->a[i];
    for (size_t i = 0; i < r; i++) {
        energy[i] = align_dot(on + i * b->w, on + i * b->w, b->w);
        inside += energy[i];
    }
    for (size_t g = 0; g < RIDGE_GRID; g++) {
        const double l = a->s[0] * a->s[0] * pow(10, -6 + 8 * (double)g / (RIDGE_GRID - 1));
        double left = total - inside, freedom = (double)m;
        for (size_t i = 0; i < r; i++) {
            const double kept = a->s[i] * a->s[i] / (a->s[i] * a->s[i] + l);
            left += (1 - kept) * (1 - kept) * energy[i];
            freedom -= kept;
        }
        const double score = left / (freedom * freedom);
        if (score < best) {
            best = score;
            lambda = l;
        }
    }
    for (size_t i = 0; i < r; i++)
        for (size_t c = 0; c < b->w; c++) on[i * b->w + c] *= a->s[i] / (a->s[i] * a->s[i] + lambda);
    align_product(w, a->vt, true, a->w, on, false, b->w, a->w, b->w, r);
    free(on);
    free(energy);
    return TRIAD_OK;
}

/* out [f->w, c] = V diag(1 / s) turn, turn [rank, c] (or its transpose [c, rank] with stride). */
static void whiten(double *out, const factored *f, const double *turn, bool transposed, size_t stride, size_t c,
                   double *room)
{
    for (size_t i = 0; i < f->rank; i++)
        for (size_t j = 0; j < f->w; j++) room[i * f->w + j] = f->vt[i * f->w + j] / f->s[i];
    align_product(out, room, true, f->w, turn, transposed, stride, f->w, c, f->rank);
}

/* Canonical directions cx [a->w, *c], cy [b->w, *c] and correlations rho. */
static triad_status fit_canonical(double *cx, double *cy, double *rho, size_t *c, const factored *a, const factored *b,
                                  triad_error *err)
{
    const size_t rx = a->rank, ry = b->rank, least = rx < ry ? rx : ry, widest = a->w > b->w ? a->w : b->w;
    double *cross = malloc((rx * ry + 1) * sizeof *cross), *u = malloc((rx * least + 1) * sizeof *u),
           *vt = malloc((least * ry + 1) * sizeof *vt), *room = malloc((widest * widest + 1) * sizeof *room);
    triad_status status = cross && u && vt && room ? TRIAD_OK : out_of_memory(err);
    *c = least;
    if (status == TRIAD_OK) {
        align_product(cross, a->u, true, a->least, b->u, false, b->least, rx, ry, a->m);
        status = align_svd(rho, u, vt, cross, rx, ry, err);
    }
    if (status == TRIAD_OK) {
        whiten(cx, a, u, false, least, least, room);
        whiten(cy, b, vt, true, ry, least, room);
    }
    free(cross);
    free(u);
    free(vt);
    free(room);
    return status;
}

/* Both ways: rows of the source times `map` ask among rows of the target times `target` (NULL: as they are). */
typedef struct way_maps {
    size_t ws, wt, t; /* widths of source and target, and of the coordinates in which they are compared */
    const align_part *from, *to;
    double *map, *target;
    double stretch;
} way_maps;

static void explain(align_explained *explained, unsigned way, const way_maps *w, const double *mapped,
                    const double *targets, const align_split *split, double *mean)
{
    const size_t n = split->n, m = split->train, t = w->t;
    memset(mean, 0, t * sizeof *mean);
    for (size_t i = 0; i < m; i++)
        for (size_t c = 0; c < t; c++) mean[c] += targets[i * t + c] / (double)m;
    for (size_t i = split->query; i < n; i++)
        for (size_t c = 0; c < t; c++) {
            const double left = targets[i * t + c] - w->stretch * mapped[i * t + c], all = targets[i * t + c] - mean[c];
            explained->error[way] += left * left;
            explained->total[way] += all * all;
        }
}

triad_status align_retrieve_by(const align_places *places, align_explained *explained, triad_align_map map,
                               const align_part *x, const align_part *y, bool truncated, const align_split *split,
                               align_scratch *scratch, triad_error *err)
{
    const size_t n = split->n, m = split->train, least = x->width < y->width ? x->width : y->width,
                 wx = truncated ? least : x->width, wy = truncated ? least : y->width, widest = wx > wy ? wx : wy;
    if (least == 0) return align_retrieve(places, x, y, truncated, split, scratch, err);
    factored a = {0}, b = {0};
    double *forth = malloc((wx * wy + 1) * sizeof *forth), *back = malloc((wx * wy + 1) * sizeof *back),
           *cx = malloc((wx * widest + 1) * sizeof *cx), *cy = malloc((wy * widest + 1) * sizeof *cy),
           *room = malloc((2 * n * widest + n * n + 3 * n + 2 * widest + 1) * sizeof *room);
    triad_status status = forth && back && cx && cy && room ? factor(&a, x, wx, m, err) : out_of_memory(err);
    if (status == TRIAD_OK) status = factor(&b, y, wy, m, err);
    if (status != TRIAD_OK) goto out;
    way_maps way[2] = {{wx, wy, wy, x, y, forth, NULL, 1}, {wy, wx, wx, y, x, back, NULL, 1}};
    if (map == ALIGN_RIDGE) {
        status = fit_ridge(forth, &a, &b, err);
        if (status == TRIAD_OK) status = fit_ridge(back, &b, &a, err);
    } else if (map == ALIGN_CANONICAL) {
        double *rho = room;
        size_t c = 0;
        status = fit_canonical(cx, cy, rho, &c, &a, &b, err);
        for (size_t i = 0; status == TRIAD_OK && i < c; i++) {
            for (size_t r = 0; r < wx; r++) forth[r * c + i] = cx[r * c + i] * rho[i];
            for (size_t r = 0; r < wy; r++) back[r * c + i] = cy[r * c + i] * rho[i];
        }
        way[0].t = way[1].t = c;
        way[0].target = cy;
        way[1].target = cx;
    } else {
        status = align_procrustes(forth, x->rows, x->width, wx, y->rows, y->width, wy, m, scratch, err);
        double both = 0;
        for (size_t r = 0; status == TRIAD_OK && r < wx; r++)
            for (size_t c = 0; c < wy; c++) back[c * wx + r] = forth[r * wy + c];
        if (status == TRIAD_OK) { /* sum of singular values = trace of W'A'B */
            align_product(room, a.a, false, wx, forth, false, wy, m, wy, wx);
            both = align_dot(room, b.a, m * wy);
            const double aa = align_dot(a.a, a.a, m * wx), bb = align_dot(b.a, b.a, m * wy);
            way[0].stretch = aa > 0 ? both / aa : 0;
            way[1].stretch = bb > 0 ? both / bb : 0;
        }
    }
    for (unsigned w = 0; w < 2 && status == TRIAD_OK; w++) {
        const way_maps *on = &way[w];
        const size_t t = on->t;
        double *mapped = room, *targets = room + n * widest, *scores = targets + n * widest, *spare = scores + n * n;
        align_product(mapped, on->from->rows, false, on->from->width, on->map, false, t, n, t, on->ws);
        if (on->target)
            align_product(targets, on->to->rows, false, on->to->width, on->target, false, t, n, t, on->wt);
        else
            for (size_t i = 0; i < n; i++)
                memcpy(targets + i * t, on->to->rows + i * on->to->width, t * sizeof *targets);
        if (explained) explain(explained, w, on, mapped, targets, split, spare);
        align_unit_rows(mapped, n, t);
        align_unit_rows(targets, n, t);
        align_product(scores, mapped, false, t, targets, true, t, n, n, t);
        align_place_all(places, w, scores, scores + split->query * n, split, spare);
    }
out:
    factored_free(&a);
    factored_free(&b);
    free(forth);
    free(back);
    free(cx);
    free(cy);
    free(room);
    return status;
}
