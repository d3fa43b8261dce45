/* Attention over the heads of all segments. Where the queries of a block see more keys than fit on the stack, a head is
 * computed by general products. */
#include "nn/attention.h"

#include "nn/forward.h"
#include "nn/layers.h"

#include <math.h>
#include <string.h>

enum {
    LONG_ROWS = 16, /* a block of dP on the way of general products */
    LONG_KEYS = 256
};

size_t nn_attention_probs(nn_segment *segments, size_t count, size_t heads)
{
    size_t used = 0;
    for (size_t s = 0; s < count; s++) {
        segments[s].probs_first = used;
        used += heads * segments[s].q_count * segments[s].k_count;
    }
    return used;
}

/* Whether the kernel's buffers hold what a block of queries sees. */
static bool fits(const nn_attention_head *h)
{
    const size_t seen = h->causal && h->window > 0 ? h->window + NN_HEAD_LANES : h->keys;
    return h->d <= NN_HEAD_WIDTH && (h->keys <= NN_HEAD_KEYS || seen <= NN_HEAD_KEYS);
}

static void seen(const nn_attention_head *h, size_t i, size_t *first, size_t *last)
{
    *first = h->causal && h->window > 0 && i + 1 > h->window ? i + 1 - h->window : 0;
    *last = h->causal ? i + 1 : h->keys;
}

static void long_forward(const nn_attention_head *h, float *out, size_t ld_out, float *probs, const float *q,
                         size_t ld_q, const float *k, size_t ld_k, const float *v, size_t ld_v, const float *bias)
{
    nn_gemm(false, true, h->queries, h->keys, h->d, h->scale, q, ld_q, k, ld_k, 0, probs, h->keys);
    for (size_t i = 0; i < h->queries; i++) {
        float *row = probs + i * h->keys;
        size_t first, last;
        seen(h, i, &first, &last);
        for (size_t j = first; bias && j < last; j++) row[j] += bias[i - j];
        nn_softmax_rows(row + first, last - first, 1, last - first);
        memset(row, 0, first * sizeof *row);
        memset(row + last, 0, (h->keys - last) * sizeof *row);
    }
    nn_gemm(false, false, h->queries, h->d, h->keys, 1, probs, h->keys, v, ld_v, 0, out, ld_out);
}

/* As in attention_kernel.c; dP is computed twice, block by block, instead of kept. */
static void long_backward(const nn_attention_head *h, float *dq, size_t ld_dq, float *dk, size_t ld_dk, float *dv,
                          size_t ld_dv, float *dbias, const float *dout, size_t ld_dout, float *probs, const float *q,
                          size_t ld_q, const float *k, size_t ld_k, const float *v, size_t ld_v)
{
    const size_t keys = h->keys;
    nn_gemm(true, false, keys, h->d, h->queries, 1, probs, keys, dout, ld_dout, 0, dv, ld_dv);
    for (size_t i0 = 0; i0 < h->queries; i0 += LONG_ROWS) {
        const size_t rows = h->queries - i0 < LONG_ROWS ? h->queries - i0 : LONG_ROWS;
        float dp[LONG_ROWS * LONG_KEYS];
        double mean[LONG_ROWS] = {0};
        for (int pass = 0; pass < 2; pass++) {
            for (size_t j0 = 0; j0 < keys; j0 += LONG_KEYS) {
                const size_t columns = keys - j0 < LONG_KEYS ? keys - j0 : LONG_KEYS;
                nn_gemm(false, true, rows, columns, h->d, 1, dout + i0 * ld_dout, ld_dout, v + j0 * ld_v, ld_v, 0, dp,
                        LONG_KEYS);
                for (size_t r = 0; r < rows; r++) {
                    float *p = probs + (i0 + r) * keys + j0;
                    const float *row = dp + r * LONG_KEYS;
                    for (size_t j = 0; j < columns; j++) {
                        if (pass == 0)
                            mean[r] += (double)p[j] * (double)row[j];
                        else
                            p[j] *= row[j] - (float)mean[r];
                    }
                }
            }
        }
        for (size_t i = i0; dbias && i < i0 + rows; i++) {
            size_t first, last;
            seen(h, i, &first, &last);
            for (size_t j = first; j < last; j++) dbias[i - j] += probs[i * keys + j];
        }
    }
    nn_gemm(false, false, h->queries, h->d, keys, h->scale, probs, keys, k, ld_k, 0, dq, ld_dq);
    nn_gemm(true, false, keys, h->d, h->queries, h->scale, probs, keys, q, ld_q, 0, dk, ld_dk);
}

static nn_attention_head head_of(const nn_segment *segment, size_t head_dim, nn_mask mask, size_t window)
{
    return (nn_attention_head){.queries = segment->q_count,
                               .keys = segment->k_count,
                               .d = head_dim,
                               .causal = mask == NN_CAUSAL,
                               .window = window,
                               .scale = 1.0F / sqrtf((float)head_dim)};
}

void nn_attention_forward(float *out, size_t ld_out, float *probs, const float *q, size_t ld_q, const float *k,
                          size_t ld_k, const float *v, size_t ld_v, const nn_segment *segments, size_t count,
                          size_t heads, size_t head_dim, nn_mask mask, size_t window, const float *rel_bias)
{
    for (size_t s = 0; s < count; s++) {
        const nn_segment *segment = segments + s;
        if (segment->q_count == 0 || segment->k_count == 0) continue;
        const nn_attention_head head = head_of(segment, head_dim, mask, window);
        const bool small = fits(&head);
        for (size_t h = 0; h < heads; h++) {
            const size_t column = h * head_dim;
            (small ? nn_attention_head_forward : long_forward)(
                &head, out + segment->q_first * ld_out + column, ld_out,
                probs + segment->probs_first + h * head.queries * head.keys, q + segment->q_first * ld_q + column, ld_q,
                k + segment->k_first * ld_k + column, ld_k, v + segment->k_first * ld_v + column, ld_v,
                rel_bias ? rel_bias + h * window : NULL);
        }
    }
}

void nn_attention_backward(float *dq, size_t ld_dq, float *dk, size_t ld_dk, float *dv, size_t ld_dv, float *drel_bias,
                           const float *dout, size_t ld_dout, float *probs, const float *q, size_t ld_q, const float *k,
                           size_t ld_k, const float *v, size_t ld_v, const nn_segment *segments, size_t count,
                           size_t heads, size_t head_dim, nn_mask mask, size_t window)
{
    for (size_t s = 0; s < count; s++) {
        const nn_segment *segment = segments + s;
        if (segment->k_count == 0) continue;
        const nn_attention_head head = head_of(segment, head_dim, mask, window);
        const bool small = fits(&head);
        for (size_t h = 0; h < heads; h++) {
            const size_t column = h * head_dim;
            (small ? nn_attention_head_backward : long_backward)(
                &head, dq + segment->q_first * ld_dq + column, ld_dq, dk + segment->k_first * ld_dk + column, ld_dk,
                dv + segment->k_first * ld_dv + column, ld_dv, drel_bias ? drel_bias + h * window : NULL,
                dout + segment->q_first * ld_dout + column, ld_dout,
                probs + segment->probs_first + h * head.queries * head.keys, q + segment->q_first * ld_q + column, ld_q,
                k + segment->k_first * ld_k + column, ld_k, v + segment->k_first * ld_v + column, ld_v);
        }
    }
}
