/* Forward passes that only the models need: float, single-threaded, no allocation. Same conventions as layers.h. */
#ifndef TRIAD_NN_FORWARD_H
#define TRIAD_NN_FORWARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Layer normalisation with a family's own epsilon: y [rows,d] = (x - mean) / sqrt(var + epsilon) * gain + shift; gain
 * and shift [d], shift may be NULL; y may be x. Mean and variance accumulate in double. */
void nn_norm_forward(float *y, const float *x, const float *gain, const float *shift, double epsilon, size_t rows,
                     size_t d);

/* RMS normalisation (Zhang & Sennrich 2019): y = x / sqrt(mean(x^2) + epsilon) * gain; y may be x. */
void nn_rmsnorm_forward(float *y, const float *x, const float *gain, double epsilon, size_t rows, size_t d);

/* Rotary position embedding (Su et al. 2021), in place. x: rows of heads * head_dim numbers, ld_x from row to row; the
 * first rotary (even) numbers of each head turn, the rest stay. cosine and sine: [positions, rotary / 2]; position
 * [rows]. NN_ROPE_HALVES pairs number i with i + rotary / 2 (LLaMA in transformers, GPT-NeoX); NN_ROPE_ADJACENT pairs
 * 2i with 2i + 1 (the paper, GGUF's llama). (a, b) becomes (a cos - b sin, b cos + a sin). */
typedef enum nn_rope_pairs { NN_ROPE_HALVES, NN_ROPE_ADJACENT } nn_rope_pairs;
void nn_rope_forward(float *x, size_t ld_x, const uint32_t *position, const float *cosine, const float *sine,
                     size_t rows, size_t heads, size_t head_dim, size_t rotary, nn_rope_pairs pairs);

/* y [rows,d] = silu(gate) * up (SwiGLU's product: Shazeer 2020); each with its own row length; y may be gate or up. */
void nn_silu_mul(float *y, size_t ld_y, const float *gate, size_t ld_gate, const float *up, size_t ld_up, size_t rows,
                 size_t d);

/* Softmax of each row of x [rows,d] in place; -infinity hides an entry (0 exactly); a row of nothing else becomes NaN.
 */
void nn_softmax_rows(float *x, size_t ld_x, size_t rows, size_t d);

void nn_exp_forward(float *y, const float *x, size_t n);
void nn_tanh_forward(float *y, const float *x, size_t n);
void nn_erf_forward(float *y, const float *x, size_t n);
/* x sigmoid(1.702 x): CLIP's quick GELU */
void nn_gelu_quick_forward(float *y, const float *x, size_t n);

/* Attention over lists of rows: a tree of tokens in which a row sees its own prefix, or a sentence that sees itself.
 * q and out: heads side by side; k and v: kv_heads, each a step from the one before. heads is a multiple of kv_heads
 * and query head h reads key head h / (heads / kv_heads). */
typedef struct nn_list_attention {
    size_t heads, kv_heads;
    size_t key_dim, value_dim;   /* numbers of a head of q and k, of v and out */
    size_t key_step, value_step; /* from head to head of k, of v */
    float scale;
    /* Added to the scaled score of head h where the query stands at place i of its list and the key at place j:
     * bias[h * bias_step + bias_zero + j - i]. NULL: none. */
    const float *bias;
    size_t bias_step, bias_zero;
    const uint32_t *place; /* [rows] of the queries, with bias only */
} nn_list_attention;

/* Query row r sees the rows list[offset[r]] .. list[offset[r + 1] - 1] (at least one) of k and v, in that order of
 * summation. Rows first .. first + rows - 1 of q are computed into the same rows of out: tiles of a pool share the
 * arrays. scratch: nn_attention_list_scratch(longest list) floats, one for each worker. */
size_t nn_attention_list_scratch(size_t longest);
void nn_attention_list_forward(const nn_list_attention *a, float *out, size_t ld_out, const float *q, size_t ld_q,
                               const float *k, size_t ld_k, const float *v, size_t ld_v, const uint32_t *list,
                               const uint32_t *offset, size_t first, size_t rows, float *scratch);

#endif
