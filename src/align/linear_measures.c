#include "align/linear_measures.h"

#include "align/align_kernel.h"
#include "align/linear.h"
#include "align/matrices.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double RANK_TOLERANCE = 1e-10;

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "alignment: out of memory");
}

/* Centred copy of x; its squared norm is 0 where only rounding is left of a constant side. */
static triad_status centred_copy(double **out, double *norm, const double *x, size_t n, size_t d, triad_error *err)
{
    double *copy = *out = malloc((n * d + 1) * sizeof *copy);
    if (copy == NULL) return out_of_memory(err);
    memcpy(copy, x, n * d * sizeof *copy);
    const double before = align_dot(copy, copy, n * d);
    const triad_status status = align_centre(copy, n, d, err);
    if (status != TRIAD_OK) return status;
    *norm = align_dot(copy, copy, n * d);
    if (!(*norm > 1e-24 * before)) *norm = 0;
    return TRIAD_OK;
}

triad_status align_basis_create(align_basis *basis, const double *x, size_t n, size_t d, triad_error *err)
{
    *basis = (align_basis){.n = n};
    const size_t most = d < n ? d : n;
    double *centred = NULL, *vt = malloc((most * d + 1) * sizeof *vt), *u = malloc((n * most + 1) * sizeof *u),
           norm = 0;
    basis->s = malloc((most + 1) * sizeof *basis->s);
    triad_status status = vt && u && basis->s ? centred_copy(&centred, &norm, x, n, d, err) : out_of_memory(err);
    if (status == TRIAD_OK && norm > 0) {
        status = align_svd(basis->s, u, vt, centred, n, d, err);
        while (status == TRIAD_OK && basis->rank < most && basis->s[basis->rank] > RANK_TOLERANCE * basis->s[0])
            basis->rank++;
        for (size_t i = 0; i < n && basis->rank < most; i++)
            memmove(u + i * basis->rank, u + i * most, basis->rank * sizeof *u);
    }
    free(centred);
    free(vt);
    basis->u = u;
    if (status != TRIAD_OK) align_basis_free(basis);
    return status;
}

void align_basis_free(align_basis *basis)
{
    free(basis->u);
    free(basis->s);
    *basis = (align_basis){0};
}

/* The fewest leading components whose squares reach 99 % of the total. */
static size_t leading(const align_basis *basis)
{
    double total = 0, sum = 0;
    for (size_t i = 0; i < basis->rank; i++) total += basis->s[i] * basis->s[i];
    for (size_t i = 0; i < basis->rank; i++) {
        sum += basis->s[i] * basis->s[i];
        if (sum / total >= 0.99 - 1e-12) return i + 1;
    }
    return basis->rank;
}

/* sum over the columns of centred X of |h . column| for each canonical direction h = Q u. */
static triad_status weigh_directions(double *weight, const align_basis *basis, const double *turn, bool transposed,
                                     size_t c, const double *raw, size_t d, triad_error *err)
{
    const size_t n = basis->n, r = basis->rank;
    double *h = malloc((n * c + 1) * sizeof *h), *on = malloc((c * d + 1) * sizeof *on), *centred = NULL, norm;
    triad_status status = h && on ? centred_copy(&centred, &norm, raw, n, d, err) : out_of_memory(err);
    if (status == TRIAD_OK) {
        align_product(h, basis->u, false, r, turn, transposed, transposed ? r : c, n, c, r);
        align_product(on, h, true, c, centred, false, d, c, d, n);
        for (size_t i = 0; i < c; i++) {
            weight[i] = 0;
            for (size_t j = 0; j < d; j++) weight[i] += fabs(on[i * d + j]);
        }
    }
    free(h);
    free(on);
    free(centred);
    return status;
}

triad_status align_cca_measure(align_cca *out, const align_basis *x, const align_basis *y, const double *raw_x,
                               size_t dx, const double *raw_y, size_t dy, triad_error *err)
{
    *out = (align_cca){.mean = NAN, .r2 = NAN, .svcca = NAN, .pwcca_x = NAN, .pwcca_y = NAN};
    for (size_t i = 0; i < ALIGN_CCA_TOP; i++) out->top[i] = NAN;
    const size_t n = x->n, rx = x->rank, ry = y->rank, c = rx < ry ? rx : ry;
    if (c == 0) return TRIAD_OK;
    double *cross = malloc(rx * ry * sizeof *cross), *part = malloc(rx * ry * sizeof *part),
           *rho = malloc(c * sizeof *rho), *u = malloc(rx * c * sizeof *u), *vt = malloc(c * ry * sizeof *vt),
           *weight = malloc(c * sizeof *weight);
    triad_status status = cross && part && rho && u && vt && weight ? TRIAD_OK : out_of_memory(err);
    if (status != TRIAD_OK) goto out;
    align_product(cross, x->u, true, rx, y->u, false, ry, rx, ry, n);

    /* SVCCA's bases are the leading columns of these: its product is a corner of theirs. */
    const size_t lx = leading(x), ly = leading(y), lc = lx < ly ? lx : ly;
    for (size_t i = 0; i < lx; i++) memcpy(part + i * ly, cross + i * ry, ly * sizeof *part);
    status = align_singular_values(rho, part, lx, ly, err);
    if (status != TRIAD_OK) goto out;
    double sum = 0;
    for (size_t i = 0; i < lc; i++) sum += rho[i] < 1 ? rho[i] : 1;
    out->svcca = sum / (double)lc;
    out->svcca_directions = lc;

    status = align_svd(rho, u, vt, cross, rx, ry, err);
    if (status != TRIAD_OK) goto out;
    size_t ones = 0;
    double squares = 0;
    sum = 0;
    for (size_t i = 0; i < c; i++) {
        if (rho[i] > 1) rho[i] = 1;
        ones += rho[i] > 1 - 1e-9;
        sum += rho[i];
        squares += rho[i] * rho[i];
        if (i < ALIGN_CCA_TOP) out->top[i] = rho[i];
    }
    out->mean = sum / (double)c;
    out->r2 = squares / (double)c;
    out->directions = c;
    if (ones == c) {
        out->pwcca_x = out->pwcca_y = 1;
    } else if (ones <= 1) {
        for (size_t side = 0; side < 2 && status == TRIAD_OK; side++) {
            status = side ? weigh_directions(weight, y, vt, true, c, raw_y, dy, err)
                          : weigh_directions(weight, x, u, false, c, raw_x, dx, err);
            double all = 0, weighted = 0;
            for (size_t i = 0; status == TRIAD_OK && i < c; i++) {
                all += weight[i];
                weighted += weight[i] * rho[i];
            }
            *(side ? &out->pwcca_y : &out->pwcca_x) = weighted / all;
        }
    }
out:
    free(cross);
    free(part);
    free(rho);
    free(u);
    free(vt);
    free(weight);
    return status;
}

triad_status align_shape_measure(align_shape *out, const double *x, size_t dx, const double *y, size_t dy, size_t n,
                                 triad_error *err)
{
    *out = (align_shape){NAN, NAN, NAN, NAN, NAN, NAN};
    double *a = NULL, *b = NULL, norm_a = 0, norm_b = 0;
    const size_t c = dx < dy ? dx : dy;
    double *cross = malloc((dx * dy + 1) * sizeof *cross), *s = malloc((c + 1) * sizeof *s);
    triad_status status = cross && s ? TRIAD_OK : out_of_memory(err);
    if (status == TRIAD_OK) status = centred_copy(&a, &norm_a, x, n, dx, err);
    if (status == TRIAD_OK) status = centred_copy(&b, &norm_b, y, n, dy, err);
    if (status == TRIAD_OK && norm_a > 0 && norm_b > 0) {
        align_product(cross, a, true, dx, b, false, dy, dx, dy, n);
        status = align_singular_values(s, cross, dx, dy, err);
        double nuclear = 0;
        for (size_t i = 0; i < c; i++) nuclear += s[i];
        double similarity = nuclear / sqrt(norm_a * norm_b);
        if (similarity > 1) similarity = 1;
        const double left = norm_a + norm_b - 2 * nuclear;
        *out = (align_shape){similarity,       2 - 2 * similarity,          sqrt(2 - 2 * similarity),
                             acos(similarity), 1 - similarity * similarity, sqrt(left > 0 ? left : 0)};
    }
    free(a);
    free(b);
    free(cross);
    free(s);
    return status;
}
