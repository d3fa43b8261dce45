/* Which way a segment's attention is computed: whole, in runs with the keys of a window, or, where neither fits on the
 * stack, by general products. */
#include "nn/attention.h"

#include "nn/forward.h"
#include "nn/layers.h"

#include <math.h>
#include <string.h>

enum {
    RUN = 48,        /* queries of a run that is cut out of a long segment */
    LONG_ROWS = 16,  /* a block of dP on the way of general products */
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

static size_t to_eight(size_t n)
{
    return (n + 7) / 8 * 8;
}

static bool fits(size_t keys, size_t d)
{
    return keys <= NN_RUN_KEYS && to_eight(keys) * d <= NN_RUN_TURNED;
}

/* Cuts the run that starts at query q0; returns its first key. All queries in one run where the keys fit. */
static size_t cut(nn_attention_run *u, const nn_segment *segment, size_t q0, size_t d, nn_mask mask, size_t window)
{
    size_t k0 = 0;
    *u = (nn_attention_run){.queries = segment->q_count, .keys = segment->k_count, .d = d, .window = window,
                            .causal = mask == NN_CAUSAL};
    if (!fits(segment->k_count, d)) {
        const size_t last = q0 + RUN < segment->q_count ? q0 + RUN : segment->q_count;
        k0 = q0 + 1 > window ? q0 + 1 - window : 0;
        u->queries = last - q0;
        u->keys = last - k0;
        u->ahead = q0 - k0;
    }
    u->step = to_eight(u->keys);
    return k0;
}

static bool by_runs(const nn_segment *segment, size_t d, nn_mask mask, size_t window)
{
    return fits(segment->k_count, d) || (mask == NN_CAUSAL && window > 0 && fits(window - 1 + RUN, d));
}

static void seen(nn_mask mask, size_t window, size_t i, size_t keys, size_t *first, size_t *last)
{
    *first = mask == NN_CAUSAL && window > 0 && i + 1 > window ? i + 1 - window : 0;
    *last = mask == NN_CAUSAL ? i + 1 : keys;
}

static void long_forward(float *out, size_t ld_out, float *probs, const float *q, size_t ld_q, const float *k,
                         size_t ld_k, const float *v, size_t ld_v, size_t queries, size_t keys, size_t d, nn_mask mask,
                         size_t window, float scale, const float *bias)
{
    nn_gemm(false, true, queries, keys, d, scale, q, ld_q, k, ld_k, 0, probs, keys);
    for (size_t i = 0; i < queries; i++) {
        float *row = probs + i * keys;
        size_t first, last;
        seen(mask, window, i, keys, &first, &last);
        for (size_t j = first; bias && j < last; j++) row[j] += bias[i - j];
        nn_softmax_rows(row + first, last - first, 1, last - first);
        memset(row, 0, first * sizeof *row);
        memset(row + last, 0, (keys - last) * sizeof *row);
    }
    nn_gemm(false, false, queries, d, keys, 1, probs, keys, v, ld_v, 0, out, ld_out);
}

/* As in attention_kernel.c; dP is computed twice, block by block, instead of kept. */
static void long_backward(float *dq, size_t ld_dq, float *dk, size_t ld_dk, float *dv, size_t ld_dv, float *dbias,
                          const float *dout, size_t ld_dout, float *probs, const float *q, size_t ld_q, const float *k,
                          size_t ld_k, const float *v, size_t ld_v, size_t queries, size_t keys, size_t d, nn_mask mask,
                          size_t window, float scale)
{
    nn_gemm(true, false, keys, d, queries, 1, probs, keys, dout, ld_dout, 0, dv, ld_dv);
    for (size_t i0 = 0; i0 < queries; i0 += LONG_ROWS) {
        const size_t rows = queries - i0 < LONG_ROWS ? queries - i0 : LONG_ROWS;
        float dp[LONG_ROWS * LONG_KEYS];
        double mean[LONG_ROWS] = {0};
        for (int pass = 0; pass < 2; pass++) {
            for (size_t j0 = 0; j0 < keys; j0 += LONG_KEYS) {
                const size_t columns = keys - j0 < LONG_KEYS ? keys - j0 : LONG_KEYS;
                nn_gemm(false, true, rows, columns, d, 1, dout + i0 * ld_dout, ld_dout, v + j0 * ld_v, ld_v, 0, dp,
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
            seen(mask, window, i, keys, &first, &last);
            for (size_t j = first; j < last; j++) dbias[i - j] += probs[i * keys + j];
        }
    }
    nn_gemm(false, false, queries, d, keys, scale, probs, keys, k, ld_k, 0, dq, ld_dq);
    nn_gemm(true, false, keys, d, queries, scale, probs, keys, q, ld_q, 0, dk, ld_dk);
}

void nn_attention_forward(float *out, size_t ld_out, float *probs, const float *q, size_t ld_q, const float *k,
                          size_t ld_k, const float *v, size_t ld_v, const nn_segment *segments, size_t count,
                          size_t heads, size_t head_dim, nn_mask mask, size_t window, const float *rel_bias)
{
    const float scale = 1.0F / sqrtf((float)head_dim);
    for (size_t s = 0; s < count; s++) {
        const nn_segment *segment = segments + s;
        const size_t keys = segment->k_count, queries = segment->q_count;
        if (queries == 0 || keys == 0) continue;
        for (size_t h = 0; h < heads; h++) {
            const size_t column = h * head_dim;
            const float *bias = rel_bias ? rel_bias + h * window : NULL;
            float *p = probs + segment->probs_first + h * queries * keys;
            const float *hq = q + segment->q_first * ld_q + column, *hk = k + segment->k_first * ld_k + column;
            const float *hv = v + segment->k_first * ld_v + column;
            float *o = out + segment->q_first * ld_out + column;
            if (!by_runs(segment, head_dim, mask, window)) {
                long_forward(o, ld_out, p, hq, ld_q, hk, ld_k, hv, ld_v, queries, keys, head_dim, mask, window, scale,
                             bias);
                continue;
            }
            nn_attention_run u;
            for (size_t q0 = 0; q0 < queries; q0 += u.queries) {
                const size_t k0 = cut(&u, segment, q0, head_dim, mask, window);
                if (u.keys < keys) memset(p + q0 * keys, 0, u.queries * keys * sizeof *p);
                nn_attention_run_forward(&u, o + q0 * ld_out, ld_out, p + q0 * keys + k0, keys, hq + q0 * ld_q, ld_q,
                                         hk + k0 * ld_k, ld_k, hv + k0 * ld_v, ld_v, scale, bias);
            }
        }
    }
}

void nn_attention_backward(float *dq, size_t ld_dq, float *dk, size_t ld_dk, float *dv, size_t ld_dv,
                           float *drel_bias, const float *dout, size_t ld_dout, float *probs, const float *q,
                           size_t ld_q, const float *k, size_t ld_k, const float *v, size_t ld_v,
                           const nn_segment *segments, size_t count, size_t heads, size_t head_dim, nn_mask mask,
                           size_t window)
{
    const float scale = 1.0F / sqrtf((float)head_dim);
    for (size_t s = 0; s < count; s++) {
        const nn_segment *segment = segments + s;
        const size_t keys = segment->k_count, queries = segment->q_count;
        for (size_t h = 0; h < heads; h++) {
            const size_t column = h * head_dim;
            float *dbias = drel_bias ? drel_bias + h * window : NULL;
            float *p = probs + segment->probs_first + h * queries * keys;
            const float *hq = q + segment->q_first * ld_q + column, *hk = k + segment->k_first * ld_k + column;
            const float *hv = v + segment->k_first * ld_v + column, *o = dout + segment->q_first * ld_dout + column;
            float *hdq = dq + segment->q_first * ld_dq + column, *hdk = dk + segment->k_first * ld_dk + column;
            float *hdv = dv + segment->k_first * ld_dv + column;
            if (queries > 0 && !by_runs(segment, head_dim, mask, window)) {
                long_backward(hdq, ld_dq, hdk, ld_dk, hdv, ld_dv, dbias, o, ld_dout, p, hq, ld_q, hk, ld_k, hv, ld_v,
                              queries, keys, head_dim, mask, window, scale);
                continue;
            }
            const bool add = queries == 0 || !fits(keys, head_dim);
            for (size_t j = 0; add && j < keys; j++) {
                memset(hdk + j * ld_dk, 0, head_dim * sizeof *dk);
                memset(hdv + j * ld_dv, 0, head_dim * sizeof *dv);
            }
            nn_attention_run u;
            for (size_t q0 = 0; q0 < queries; q0 += u.queries) {
                const size_t k0 = cut(&u, segment, q0, head_dim, mask, window);
                nn_attention_run_backward(&u, hdq + q0 * ld_dq, ld_dq, hdk + k0 * ld_dk, ld_dk, hdv + k0 * ld_dv,
                                          ld_dv, dbias, o + q0 * ld_dout, ld_dout, p + q0 * keys + k0, keys,
                                          hq + q0 * ld_q, ld_q, hk + k0 * ld_k, ld_k, hv + k0 * ld_v, ld_v, scale, add);
            }
        }
    }
}
