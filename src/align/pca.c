/* Principal components for a picture. */
#include "triad/map.h"

#include "align/align_kernel.h"
#include "align/linear.h"
#include "align/map_distances.h"
#include "align/matrices.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "PCA: out of memory");
}

triad_status triad_map_pca(double *coordinates, double *share, const double *x, size_t n, size_t d, size_t components,
                           triad_error *err)
{
    triad_status status = map_check("PCA", x, n, d, 2, err);
    if (status != TRIAD_OK) return status;
    if (components == 0) return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "PCA: no components are wanted");
    memset(coordinates, 0, n * components * sizeof *coordinates);
    memset(share, 0, components * sizeof *share);
    /* The smaller of the two products has the same eigenvalues; a picture does not ask for the last digits of small
     * ones. */
    const size_t small = n < d ? n : d, wanted = components < small ? components : small;
    double *centred = malloc(n * d * sizeof *centred), *product = malloc(small * small * sizeof *product),
           *values = malloc(wanted * sizeof *values), *vectors = malloc(wanted * small * sizeof *vectors),
           *on = malloc(n * wanted * sizeof *on);
    if (!centred || !product || !values || !vectors || !on) {
        status = out_of_memory(err);
        goto out;
    }
    memcpy(centred, x, n * d * sizeof *centred);
    const double before = align_dot(x, x, n * d);
    status = align_centre(centred, n, d, err);
    if (status != TRIAD_OK) goto out;
    const double total = align_dot(centred, centred, n * d);
    if (!(total > 1e-24 * before)) goto out; /* all rows are the same */
    align_gram(product, centred, d, d < n, small, d < n ? n : d);
    status = align_eigen(values, vectors, product, small, wanted, err);
    if (status != TRIAD_OK) goto out;
    size_t rank = 0;
    while (rank < wanted && values[rank] > 1e-14 * values[0]) rank++;
    if (rank > 0 && d < n) {
        align_product(on, centred, false, d, vectors, true, d, n, rank, d);
    } else {
        for (size_t i = 0; i < n; i++)
            for (size_t c = 0; c < rank; c++) on[i * rank + c] = vectors[c * n + i] * sqrt(values[c]);
    }
    for (size_t c = 0; c < rank; c++) {
        double largest = 0;
        for (size_t i = 0; i < n; i++)
            if (fabs(on[i * rank + c]) > fabs(largest) * (1 + 1e-9)) largest = on[i * rank + c];
        for (size_t i = 0; i < n; i++)
            coordinates[i * components + c] = largest < 0 ? -on[i * rank + c] : on[i * rank + c];
        share[c] = values[c] / total;
    }
out:
    free(centred);
    free(product);
    free(values);
    free(vectors);
    free(on);
    return status;
}
