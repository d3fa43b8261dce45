/* The kernel of attention: one head of one segment. */
#ifndef TRIAD_NN_ATTENTION_H
#define TRIAD_NN_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>

enum {
    NN_HEAD_LANES = 16, /* queries that are computed side by side */
    NN_HEAD_KEYS = 512, /* keys that they may see together */
    NN_HEAD_WIDTH = 512 /* numbers of a head, at most */
};

/* Query i stands at key i: with causal it sees the keys from window - 1 before its own (0: from the first) up to it. */
typedef struct nn_attention_head {
    size_t queries, keys, d; /* d: numbers of a head */
    bool causal;
    size_t window;
    float scale;
} nn_attention_head;

/* Pointers stand at the segment's first row and the head's first column; probs [keys, queries]; bias [window] or NULL.
 */
void nn_attention_head_forward(const nn_attention_head *head, float *out, size_t ld_out, float *probs, const float *q,
                               size_t ld_q, const float *k, size_t ld_k, const float *v, size_t ld_v,
                               const float *bias);

/* dbias [window] (or NULL) is added to; dq, dk and dv are overwritten. probs is left as it is. */
void nn_attention_head_backward(const nn_attention_head *head, float *dq, size_t ld_dq, float *dk, size_t ld_dk,
                                float *dv, size_t ld_dv, float *dbias, const float *dout, size_t ld_dout, float *probs,
                                const float *q, size_t ld_q, const float *k, size_t ld_k, const float *v, size_t ld_v);

#endif
