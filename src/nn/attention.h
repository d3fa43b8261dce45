/* The kernels of attention: one head of a run of queries. */
#ifndef TRIAD_NN_ATTENTION_H
#define TRIAD_NN_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>

enum {
    NN_RUN_TURNED = 16384, /* floats of transposed keys that a run may have: step * d */
    NN_RUN_KEYS = 512      /* keys that a run may have */
};

/* Queries of one segment and the keys that they see. Query i stands at key ahead + i of the run's keys: with causal it
 * sees the keys from window - 1 before that one (0: from the first) up to it. */
typedef struct nn_attention_run {
    size_t queries, keys, d; /* d: numbers of a head */
    size_t step;             /* keys, up to the next multiple of eight */
    size_t ahead, window;
    bool causal;
} nn_attention_run;

/* Pointers stand at the run's first row and the head's first column; probs at the run's first row of a matrix
 * [*, k_count] and its first key. bias: [window] or NULL. */
void nn_attention_run_forward(const nn_attention_run *u, float *out, size_t ld_out, float *probs, size_t k_count,
                              const float *q, size_t ld_q, const float *k, size_t ld_k, const float *v, size_t ld_v,
                              float scale, const float *bias);

/* add: dk and dv are added to, for keys that several runs see. probs turns from P to dS. */
void nn_attention_run_backward(const nn_attention_run *u, float *dq, size_t ld_dq, float *dk, size_t ld_dk, float *dv,
                               size_t ld_dv, float *dbias, const float *dout, size_t ld_dout, float *probs,
                               size_t k_count, const float *q, size_t ld_q, const float *k, size_t ld_k, const float *v,
                               size_t ld_v, float scale, bool add);

#endif
