#include "align/control.h"

#include "align/align_kernel.h"
#include "align/ranks.h"
#include "triad/lexical.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "controls: out of memory");
}

/* Distances of all pairs i < j. */
static triad_status find_distances(double *out, const triad_align_control *control, const triad_items *items,
                                   const size_t *rows, size_t n, triad_pool *pool, triad_error *err)
{
    if (control->space == NULL) return triad_lexical_distance(out, control->name, items, rows, n, pool, err);
    const triad_layer *layer = control->layer ? control->layer : triad_space_last(control->space);
    const size_t d = layer->d;
    double *x = malloc((n * d + 1) * sizeof *x), *cosine = malloc((n * n + 1) * sizeof *cosine);
    triad_status status = x && cosine ? TRIAD_OK : out_of_memory(err);
    for (size_t i = 0; status == TRIAD_OK && i < n; i++)
        for (size_t c = 0; c < d; c++) x[i * d + c] = layer->data[rows[i] * d + c];
    if (status == TRIAD_OK) status = align_cosines(cosine, x, n, d, NULL, err);
    size_t at = 0;
    for (size_t i = 0; status == TRIAD_OK && i < n; i++)
        for (size_t j = i + 1; j < n; j++) out[at++] = rint((1 - cosine[i * n + j]) * 1e10) / 1e10;
    free(x);
    free(cosine);
    return status;
}

/* Centred, at unit norm over [n, n]; zeroes where all are equal. */
static void spread(double *table, const double *vector, size_t n)
{
    const size_t pairs = n * (n - 1) / 2;
    double mean = 0, squares = 0, raw = 0;
    for (size_t i = 0; i < pairs; i++) {
        mean += vector[i] / (double)pairs;
        raw += vector[i] * vector[i];
    }
    for (size_t i = 0; i < pairs; i++) squares += (vector[i] - mean) * (vector[i] - mean);
    const double scale = squares > 1e-24 * raw ? 1 / sqrt(2 * squares) : 0;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        table[i * n + i] = 0;
        for (size_t j = i + 1; j < n; j++) table[i * n + j] = table[j * n + i] = (vector[at++] - mean) * scale;
    }
}

/* Gram and Schmidt, twice over for accuracy; a table that the others give is left out. */
static void add_axis(align_controls *controls, unsigned form, const double *table)
{
    const size_t n = controls->n, size = n * n;
    double *axis = controls->axis[form] + controls->basis[form] * size;
    memcpy(axis, table, size * sizeof *axis);
    for (unsigned again = 0; again < 2; again++)
        for (size_t b = 0; b < controls->basis[form]; b++) {
            const double *other = controls->axis[form] + b * size;
            const double on = align_matched_sum(axis, other, n);
            for (size_t i = 0; i < size; i++) axis[i] -= on * other[i];
        }
    const double norm = align_matched_sum(axis, axis, n);
    if (!(norm > 1e-16)) return;
    for (size_t i = 0; i < size; i++) axis[i] /= sqrt(norm);
    controls->basis[form]++;
}

triad_status align_controls_create(align_controls *controls, const triad_align_options *options,
                                   const triad_items *items, const size_t *const *rows, size_t n, triad_pool *pool,
                                   triad_error *err)
{
    const size_t count = options->control_count, size = n * n, pairs = n * (n - 1) / 2;
    *controls = (align_controls){.n = n, .count = count};
    double *vector = malloc((2 * pairs + 1) * sizeof *vector);
    triad_status status = vector ? TRIAD_OK : out_of_memory(err);
    for (unsigned form = 0; form < 2; form++) {
        controls->table[form] = malloc((count * size + 1) * sizeof *controls->table[form]);
        controls->axis[form] = malloc((count * size + 1) * sizeof *controls->axis[form]);
        if (!controls->table[form] || !controls->axis[form]) status = out_of_memory(err);
    }
    for (size_t c = 0; c < count && status == TRIAD_OK; c++) {
        status = find_distances(vector, &options->controls[c], items, rows[c], n, pool, err);
        if (status == TRIAD_OK) status = align_average_ranks(vector + pairs, vector, pairs, err);
        for (unsigned form = 0; form < 2 && status == TRIAD_OK; form++) {
            double *table = controls->table[form] + c * size;
            spread(table, vector + form * pairs, n);
            add_axis(controls, form, table);
        }
    }
    free(vector);
    if (status != TRIAD_OK) align_controls_free(controls);
    return status;
}

void align_controls_free(align_controls *controls)
{
    for (unsigned form = 0; form < 2; form++) {
        free(controls->table[form]);
        free(controls->axis[form]);
    }
    *controls = (align_controls){0};
}

triad_status align_residuals(align_matrix matrix[ALIGN_MATRICES], uint32_t kinds, const align_controls *controls,
                             triad_error *err)
{
    const size_t n = controls->n, size = n * n;
    for (unsigned r = ALIGN_RESIDUALS; r < ALIGN_MATRICES; r++) {
        const align_matrix *from = &matrix[align_residual_of((align_matrix_kind)r)];
        const unsigned form = (r - ALIGN_RESIDUALS) % 2;
        if (!(kinds >> r & 1) || from->values == NULL) continue;
        double *left = matrix[r].values = malloc((size + 1) * sizeof *left);
        if (left == NULL) return out_of_memory(err);
        memcpy(left, from->values, size * sizeof *left);
        for (size_t b = 0; b < controls->basis[form]; b++) {
            const double *axis = controls->axis[form] + b * size, on = align_matched_sum(left, axis, n);
            for (size_t i = 0; i < size; i++) left[i] -= on * axis[i];
        }
        matrix[r].norm = align_matched_sum(left, left, n);
        if (!(matrix[r].norm > 1e-12 * from->norm)) matrix[r].norm = 0;
    }
    return TRIAD_OK;
}

/* ---- commonality */

enum { MOST = ALIGN_MAX_CONTROLS + 2 };

/* Share of y's variance that the predictors in `set` explain together; r [p + 1, p + 1] correlations, y last. */
static double explained(const double r[MOST][MOST], size_t p, unsigned set)
{
    double a[MOST][MOST];
    size_t use[MOST], count = 0;
    for (size_t i = 0; i < p; i++)
        if (set >> i & 1) use[count++] = i;
    use[count] = p;
    for (size_t i = 0; i <= count; i++)
        for (size_t j = 0; j <= count; j++) a[i][j] = r[use[i]][use[j]];
    /* What elimination of the predictors leaves of y's own 1; one that the others give adds nothing. */
    for (size_t k = 0; k < count; k++) {
        if (!(a[k][k] > 1e-10)) continue;
        for (size_t i = k + 1; i <= count; i++) {
            const double by = a[i][k] / a[k][k];
            for (size_t j = k + 1; j <= count; j++) a[i][j] -= by * a[k][j];
        }
    }
    return 1 - a[count][count];
}

triad_status align_commonality(triad_align_share **share, size_t *count, const align_matrix *x, const align_matrix *y,
                               const align_controls *controls, triad_error *err)
{
    const size_t n = controls->n, p = controls->count + 1;
    *share = NULL;
    *count = 0;
    if (x->values == NULL || y->values == NULL || !(x->norm > 0) || !(y->norm > 0)) return TRIAD_OK;
    double r[MOST][MOST] = {{0}};
    const double *table[MOST];
    double norm[MOST];
    for (size_t c = 0; c < controls->count; c++) {
        table[1 + c] = controls->table[1] + c * n * n;
        norm[1 + c] = 1;
    }
    table[0] = x->values;
    norm[0] = x->norm;
    table[p] = y->values;
    norm[p] = y->norm;
    for (size_t i = 0; i <= p; i++)
        for (size_t j = 0; j <= i; j++)
            r[i][j] = r[j][i] = align_matched_sum(table[i], table[j], n) / sqrt(norm[i] * norm[j]);
    const unsigned all = (1U << p) - 1;
    const bool every = controls->count <= 4;
    *share = malloc((every ? (size_t)all + 1 : p + 1) * sizeof **share);
    if (*share == NULL) return out_of_memory(err);
    for (unsigned set = 1; set <= all; set++) {
        if (!every && (set & (set - 1)) != 0) continue; /* one predictor alone */
        double sum = 0;
        for (unsigned part = set;; part = (part - 1) & set) { /* all subsets of the set, the empty one last */
            const double by = explained(r, p, (all & ~set) | part);
            sum += __builtin_popcount(part) % 2 ? by : -by;
            if (part == 0) break;
        }
        (*share)[(*count)++] = (triad_align_share){set, sum};
    }
    return TRIAD_OK;
}
