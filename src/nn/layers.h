/* The layers of the networks that Triad trains, and what moves their parameters. */
#ifndef TRIAD_NN_LAYERS_H
#define TRIAD_NN_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NN_NORM_EPSILON 1e-5

/* What one run of queries attends to: rows q_first .. q_first + q_count - 1 of q and out ask rows k_first .. of k and
 * v. */
typedef struct nn_segment {
    size_t q_first, q_count, k_first, k_count;
    size_t probs_first; /* where its probabilities start: filled by nn_attention_probs */
} nn_segment;

typedef enum nn_mask { NN_FULL, NN_CAUSAL } nn_mask;

/* Lays the segments' probabilities one after the other; returns how many numbers they are together. */
size_t nn_attention_probs(nn_segment *segments, size_t count, size_t heads);

#define REAL float
#define NN_NAME(x) nn_##x
#include "nn/layers_declare.h"
#undef REAL
#undef NN_NAME

#define REAL float
#define NN_NAME(x) nn_ref32_##x
#include "nn/layers_declare.h"
#undef REAL
#undef NN_NAME

#define REAL double
#define NN_NAME(x) nn_ref64_##x
#include "nn/layers_declare.h"
#undef REAL
#undef NN_NAME

/* sum [d] += the rows of x [rows,d]: a bias' gradient. */
void nn_add_columns(float *sum, const float *x, size_t rows, size_t d);

/* AdamW (Loshchilov & Hutter 2019, algorithm 2; PyTorch's order of operations). */
typedef struct nn_adamw_options {
    double learning_rate; /* of this step: the schedule's factor is in it */
    double beta1, beta2, epsilon;
    double weight_decay; /* decoupled: p -= learning_rate * weight_decay * p */
} nn_adamw_options;

/* One step on n parameters p with moments m, v. step counts from 1. The gradient is g * scale: scale is where an
 * average over shards and the clipping of the norm go. g is left as it is. */
void nn_adamw(float *p, float *m, float *v, const float *g, size_t n, const nn_adamw_options *options, uint64_t step,
              float scale);

/* The sum of squares of g [n] in double, in a fixed order. The norm of several arrays is the root of the sum. */
double nn_norm2(const float *g, size_t n);

/* The factor of the learning rate at step (from 0): rises to 1 over warmup steps, (step + 1) / warmup, then falls along
 * half a cosine to floor at total. After total it stays at floor. */
double nn_schedule(uint64_t step, uint64_t total, uint64_t warmup, double floor);

#endif
