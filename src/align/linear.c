#include "align/linear.h"

#include <cblas.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* LAPACK is column-major: it sees a row-major [m, n] as its transpose [n, m]. */
void dgesdd_(const char *job, const int *m, const int *n, double *a, const int *lda, double *s, double *u,
             const int *ldu, double *vt, const int *ldvt, double *work, const int *lwork, int *iwork, int *info);
void dsyevr_(const char *job, const char *range, const char *uplo, const int *n, double *a, const int *lda,
             const double *vl, const double *vu, const int *il, const int *iu, const double *tolerance, int *found,
             double *w, double *z, const int *ldz, int *support, double *work, const int *lwork, int *iwork,
             const int *liwork, int *info);

void dsyevd_(const char *job, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work,
             const int *lwork, int *iwork, const int *liwork, int *info);
void dgeqrf_(const int *m, const int *n, double *a, const int *lda, double *tau, double *work, const int *lwork,
             int *info);

static triad_status too_large(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_RANGE, -1, "alignment: the matrix is too large for LAPACK");
}

triad_status align_svd(double *s, double *u, double *vt, double *a, size_t m, size_t n, triad_error *err)
{
    const size_t k = m < n ? m : n;
    if (k == 0) return TRIAD_OK;
    if (m > INT_MAX || n > INT_MAX) return too_large(err);
    int rows = (int)n, columns = (int)m, rank = (int)k, size = -1, info = 0;
    double wanted = 0;
    int *iwork = malloc(8 * k * sizeof *iwork);
    /* a^T = V S U^T: LAPACK's left vectors are our right ones. */
    dgesdd_("S", &rows, &columns, a, &rows, s, vt, &rows, u, &rank, &wanted, &size, iwork, &info);
    size = (int)wanted;
    double *work = malloc((size_t)(size > 0 ? size : 1) * sizeof *work);
    triad_status status = TRIAD_OK;
    if (iwork == NULL || work == NULL) {
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "singular values: out of memory");
    } else {
        dgesdd_("S", &rows, &columns, a, &rows, s, vt, &rows, u, &rank, work, &size, iwork, &info);
        if (info != 0) status = triad_fail(err, TRIAD_ERR_NUMERIC, -1, "singular values: did not converge");
    }
    free(work);
    free(iwork);
    return status;
}

triad_status align_singular_values(double *s, double *a, size_t m, size_t n, triad_error *err)
{
    const size_t k = m < n ? m : n;
    if (k == 0) return TRIAD_OK;
    if (m > INT_MAX || n > INT_MAX) return too_large(err);
    const int rows = (int)n, columns = (int)m, one = 1;
    int size = -1, info = 0;
    double wanted = 0, unused = 0;
    int *iwork = malloc(8 * k * sizeof *iwork);
    dgesdd_("N", &rows, &columns, a, &rows, s, &unused, &one, &unused, &one, &wanted, &size, iwork, &info);
    size = (int)wanted;
    double *work = malloc((size_t)(size > 0 ? size : 1) * sizeof *work);
    triad_status status = TRIAD_OK;
    if (iwork == NULL || work == NULL) {
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "singular values: out of memory");
    } else {
        dgesdd_("N", &rows, &columns, a, &rows, s, &unused, &one, &unused, &one, work, &size, iwork, &info);
        if (info != 0) status = triad_fail(err, TRIAD_ERR_NUMERIC, -1, "singular values: did not converge");
    }
    free(work);
    free(iwork);
    return status;
}

triad_status align_rotate(double *out, double *x, size_t n, size_t d, triad_error *err)
{
    /* LAPACK sees x' [d, n] = Q R: row j of x is R' row j in the columns of Q. */
    if (d > INT_MAX) return too_large(err);
    const int rows = (int)d, columns = (int)n;
    int size = -1, info = 0;
    double wanted = 0;
    double *tau = malloc((n ? n : 1) * sizeof *tau);
    dgeqrf_(&rows, &columns, x, &rows, tau, &wanted, &size, &info);
    size = (int)wanted;
    double *work = malloc((size_t)(size > 0 ? size : 1) * sizeof *work);
    triad_status status = TRIAD_OK;
    if (tau == NULL || work == NULL) {
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "rotation: out of memory");
    } else {
        dgeqrf_(&rows, &columns, x, &rows, tau, work, &size, &info);
        if (info != 0) status = triad_fail(err, TRIAD_ERR_NUMERIC, -1, "rotation: LAPACK refused the matrix");
        memset(out, 0, n * n * sizeof *out);
        for (size_t j = 0; j < n; j++) memcpy(out + j * n, x + j * d, (j + 1) * sizeof *out);
    }
    free(tau);
    free(work);
    return status;
}

/* All of them by divide and conquer: faster than choosing where a good part is wanted. */
static triad_status eigen_whole(double *values, double *vectors, double *a, size_t n, size_t r, triad_error *err)
{
    const int order = (int)n;
    int size = -1, isize = -1, info = 0, iwanted = 0;
    double wanted = 0;
    double *w = malloc(n * sizeof *w);
    dsyevd_("V", "U", &order, a, &order, w, &wanted, &size, &iwanted, &isize, &info);
    size = (int)wanted;
    isize = iwanted;
    double *work = malloc((size_t)(size > 0 ? size : 1) * sizeof *work);
    int *iwork = malloc((size_t)(isize > 0 ? isize : 1) * sizeof *iwork);
    triad_status status = TRIAD_OK;
    if (w == NULL || work == NULL || iwork == NULL) {
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "eigenvalues: out of memory");
    } else {
        dsyevd_("V", "U", &order, a, &order, w, work, &size, iwork, &isize, &info);
        if (info != 0) status = triad_fail(err, TRIAD_ERR_NUMERIC, -1, "eigenvalues: did not converge");
    }
    for (size_t i = 0; status == TRIAD_OK && i < r; i++) {
        values[i] = w[n - 1 - i];
        memcpy(vectors + i * n, a + (n - 1 - i) * n, n * sizeof *a);
    }
    free(w);
    free(work);
    free(iwork);
    return status;
}

triad_status align_eigen(double *values, double *vectors, double *a, size_t n, size_t r, triad_error *err)
{
    if (r == 0) return TRIAD_OK;
    if (n > INT_MAX) return too_large(err);
    if (3 * r >= n) return eigen_whole(values, vectors, a, n, r, err);
    const int order = (int)n, low = (int)(n - r + 1), high = (int)n;
    const double tolerance = 0, unused = 0;
    int found = 0, size = -1, isize = -1, info = 0, iwanted = 0;
    double wanted = 0;
    int *support = malloc(2 * r * sizeof *support);
    double *w = malloc(n * sizeof *w), *z = malloc(n * r * sizeof *z);
    dsyevr_("V", "I", "U", &order, a, &order, &unused, &unused, &low, &high, &tolerance, &found, w, z, &order, support,
            &wanted, &size, &iwanted, &isize, &info);
    size = (int)wanted;
    isize = iwanted;
    double *work = malloc((size_t)(size > 0 ? size : 1) * sizeof *work);
    int *iwork = malloc((size_t)(isize > 0 ? isize : 1) * sizeof *iwork);
    triad_status status = TRIAD_OK;
    if (support == NULL || w == NULL || z == NULL || work == NULL || iwork == NULL) {
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "eigenvalues: out of memory");
    } else {
        dsyevr_("V", "I", "U", &order, a, &order, &unused, &unused, &low, &high, &tolerance, &found, w, z, &order,
                support, work, &size, iwork, &isize, &info);
        if (info != 0 || found != (int)r)
            status = triad_fail(err, TRIAD_ERR_NUMERIC, -1, "eigenvalues: did not converge");
    }
    for (size_t i = 0; status == TRIAD_OK && i < r; i++) {
        values[i] = w[r - 1 - i];
        memcpy(vectors + i * n, z + (r - 1 - i) * n, n * sizeof *z);
    }
    free(support);
    free(w);
    free(z);
    free(work);
    free(iwork);
    return status;
}

void align_product(double *c, const double *a, bool ta, size_t lda, const double *b, bool tb, size_t ldb, size_t m,
                   size_t n, size_t k)
{
    if (m == 0 || n == 0) return;
    cblas_dgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, (int)m, (int)n, (int)k,
                1.0, a, (int)lda, b, (int)ldb, 0.0, c, (int)n);
}

void align_gram(double *c, const double *a, size_t lda, bool columns, size_t n, size_t k)
{
    if (n == 0) return;
    cblas_dsyrk(CblasRowMajor, CblasLower, columns ? CblasTrans : CblasNoTrans, (int)n, (int)k, 1.0, a, (int)lda, 0.0,
                c, (int)n);
    enum { TILE = 32 };
    for (size_t r = 0; r < n; r += TILE)
        for (size_t s = 0; s <= r; s += TILE)
            for (size_t i = r; i < n && i < r + TILE; i++)
                for (size_t j = s; j < i && j < s + TILE; j++) c[j * n + i] = c[i * n + j];
}
