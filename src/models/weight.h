/* Matrices of a checkpoint as a product wants them: widened a few rows at a time while it packs them. */
#ifndef TRIAD_MODELS_WEIGHT_H
#define TRIAD_MODELS_WEIGHT_H

#include "models/checkpoint.h"

/* [rows, columns] = [out, in] of y = x w^T + b. */
typedef struct weight_matrix {
    const tensor_view *tensor; /* NULL: absent, or `own` */
    const tensor_view *scale;  /* FP8: [ceil(rows / block), ceil(columns / block)], each the factor of a block */
    size_t block_rows, block_columns;
    size_t first;     /* the tensor's row that is this one's first: experts lie stacked in a GGUF */
    const float *own; /* in place of a tensor: [rows, columns] */
    size_t rows, columns;
} weight_matrix;

typedef struct linear {
    weight_matrix w;
    const tensor_view *bias; /* [rows]; NULL: none */
} linear;

typedef struct affine {
    const tensor_view *weight, *bias; /* of a norm; bias NULL: none */
} affine;

/* The matrix called by the format, [rows, columns]; FP8 with the scales that lie beside it. stacked > 0: the first of
 * so many that lie in one tensor [stacked, rows, columns]. */
TRIAD_NODISCARD triad_status weight_take(weight_matrix *w, size_t stacked, checkpoint *file, size_t rows,
                                         size_t columns, triad_error *err, const char *format, ...)
    __attribute__((format(printf, 7, 8)));
static inline weight_matrix weight_of_stack(const weight_matrix *first, size_t i)
{
    weight_matrix w = *first;
    w.first += i * w.rows;
    return w;
}
/* PREFIX NAME.weight and, where bias says so, PREFIX NAME.bias; with optional it is taken where there is one. */
typedef enum bias_rule { BIAS_NONE, BIAS_NEEDED, BIAS_OPTIONAL } bias_rule;
TRIAD_NODISCARD triad_status linear_take(linear *l, checkpoint *file, const char *prefix, const char *name, size_t out,
                                         size_t in, bias_rule bias, triad_error *err);

/* Rows first .. first + count - 1 to out [count, columns]. */
TRIAD_NODISCARD triad_status weight_widen(float *out, const weight_matrix *w, size_t first, size_t count,
                                          triad_error *err);
/* Where these rows lie as floats already; NULL: they have to be widened. */
const float *weight_in_place(const weight_matrix *w, size_t first);
/* Asks the system to read the weight ahead; lets its pages go once it is done with. */
void weight_prefetch(const weight_matrix *w);
void weight_rest(const weight_matrix *w);

#endif
