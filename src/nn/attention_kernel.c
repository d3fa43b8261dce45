/* Attention inside ragged segments: a few to a few hundred rows each, so that everything of one head and one run of
 * queries stays in the first two cache levels. */
#include "nn/attention.h"
#include "nn/small_product.h"

#include <math.h>
#include <string.h>

enum { QUERIES = 6 }; /* rows of a block of scores: what the products take at once */

typedef nn_attention_run run;

/* The keys that queries i .. i + rows - 1 of a run see together. */
static void seen_by(const run *u, size_t i, size_t rows, size_t *first, size_t *last)
{
    *first = 0;
    *last = u->keys;
    if (!u->causal) return;
    const size_t at = u->ahead + i;
    if (u->window > 0 && at + 1 > u->window) *first = at + 1 - u->window;
    if (at + rows < u->keys) *last = at + rows;
}

/* The queries that see any of the keys j .. j + rows - 1. */
static void seeing(const run *u, size_t j, size_t rows, size_t *first, size_t *last)
{
    *first = 0;
    *last = u->queries;
    if (!u->causal) return;
    if (j > u->ahead) *first = j - u->ahead;
    if (*first > *last) *first = *last;
    const size_t end = j + rows - 1 + u->window; /* the first position that sees none of them any more */
    if (u->window > 0 && end < u->ahead + *last) *last = end > u->ahead ? end - u->ahead : 0;
    if (*last < *first) *last = *first;
}

/* bias[distance - lane] for eight keys whose first is `distance` before the query; lanes outside are not read. */
NN_INLINE nn_v8 load_bias(const float *bias, int64_t distance, int64_t window)
{
    if (distance - 7 >= 0 && distance < window) {
        const nn_v8 v = nn_load8(bias + distance - 7);
        return __builtin_shufflevector(v, v, 7, 6, 5, 4, 3, 2, 1, 0);
    }
    float lanes[NN_LANES];
    for (int64_t l = 0; l < NN_LANES; l++) {
        const int64_t at = distance - l;
        lanes[l] = at >= 0 && at < window ? bias[at] : 0;
    }
    return nn_load8(lanes);
}

/* Softmax of a row of scores over the keys first .. last - 1, in place; 0 in the other lanes of their vectors. */
NN_INLINE void softmax_row(float *row, size_t first, size_t last, const float *bias, size_t position, size_t window)
{
    const size_t from = first / NN_LANES * NN_LANES;
    const float hidden = -INFINITY;
    nn_v8 largest = nn_set8(hidden), sum = {0};
    for (size_t j = from; j < last; j += NN_LANES) {
        nn_v8 x = nn_load8(row + j);
        if (bias) x += load_bias(bias, (int64_t)position - (int64_t)j, (int64_t)window);
        const nn_v8i inside = nn_between8((int32_t)first - (int32_t)j, (int32_t)last - (int32_t)j);
        x = nn_select8(inside, x, nn_set8(hidden));
        nn_store8(row + j, x);
        largest = nn_max8(largest, x);
    }
    const nn_v8 top = nn_set8(nn_largest8(largest));
    for (size_t j = from; j < last; j += NN_LANES) {
        const nn_v8 e = nn_exp8(nn_load8(row + j) - top);
        nn_store8(row + j, e);
        sum += e;
    }
    const nn_v8 share = nn_set8(1.0F / nn_sum8(sum));
    for (size_t j = from; j < last; j += NN_LANES) nn_store8(row + j, nn_load8(row + j) * share);
}

/* row [n] = part[first .. last), 0 elsewhere */
NN_INLINE void spread(float *row, const float *part, size_t first, size_t last, size_t n)
{
    if (n <= NN_LANES) { /* no call for so few */
        for (size_t j = 0; j < n; j++) row[j] = j >= first && j < last ? part[j] : 0;
        return;
    }
    memset(row, 0, first * sizeof *row);
    memcpy(row + first, part + first, (last - first) * sizeof *row);
    memset(row + last, 0, (n - last) * sizeof *row);
}

void nn_attention_run_forward(const nn_attention_run *u, float *out, size_t ld_out, float *probs, size_t k_count,
                              const float *q, size_t ld_q, const float *k, size_t ld_k, const float *v, size_t ld_v,
                              float scale, const float *bias)
{
    _Alignas(64) float turned[NN_RUN_TURNED];
    _Alignas(64) float scores[QUERIES * NN_RUN_KEYS];
    nn_small_transpose(turned, u->step, k, ld_k, u->keys, u->d);
    for (size_t i = 0; i < u->queries; i += QUERIES) {
        const size_t rows = u->queries - i < QUERIES ? u->queries - i : QUERIES;
        size_t first, last;
        seen_by(u, i, rows, &first, &last);
        const size_t from = first / NN_LANES * NN_LANES;
        nn_small_product(rows, last - from, u->d, q + i * ld_q, ld_q, 1, turned + from, u->step, scale, false,
                         scores + from, u->step, true);
        for (size_t r = 0; r < rows; r++) {
            float *row = scores + r * u->step;
            size_t row_first, row_last;
            seen_by(u, i + r, 1, &row_first, &row_last);
            softmax_row(row, row_first, row_last, bias, u->ahead + i + r, u->window);
            for (size_t j = from; j < row_first / NN_LANES * NN_LANES; j++) row[j] = 0;
            for (size_t j = (row_last + NN_LANES - 1) / NN_LANES * NN_LANES; j < last; j++) row[j] = 0;
            spread(probs + (i + r) * k_count, row, row_first, row_last, u->keys);
        }
        nn_small_product(rows, u->d, last - first, scores + first, u->step, 1, v + first * ld_v, ld_v, 1, false,
                         out + i * ld_out, ld_out, false);
    }
}

/* forward:  out = P V,  P = softmax(S),  S = scale Q K^T + bias
 * backward: dV = P^T dO,  dP = dO V^T,  dS = P (dP - sum over the row of P dP),  dQ = scale dS K,  dK = scale dS^T Q */
void nn_attention_run_backward(const nn_attention_run *u, float *dq, size_t ld_dq, float *dk, size_t ld_dk, float *dv,
                               size_t ld_dv, float *dbias, const float *dout, size_t ld_dout, float *probs,
                               size_t k_count, const float *q, size_t ld_q, const float *k, size_t ld_k, const float *v,
                               size_t ld_v, float scale, bool add)
{
    _Alignas(64) float turned[NN_RUN_TURNED];
    _Alignas(64) float scores[QUERIES * NN_RUN_KEYS];
    for (size_t j = 0; j < u->keys; j += QUERIES) {
        const size_t rows = u->keys - j < QUERIES ? u->keys - j : QUERIES;
        size_t first, last;
        seeing(u, j, rows, &first, &last);
        nn_small_product(rows, u->d, last - first, probs + first * k_count + j, 1, k_count,
                         dout + first * ld_dout, ld_dout, 1, add, dv + j * ld_dv, ld_dv, false);
    }
    nn_small_transpose(turned, u->step, v, ld_v, u->keys, u->d);
    for (size_t i = 0; i < u->queries; i += QUERIES) {
        const size_t rows = u->queries - i < QUERIES ? u->queries - i : QUERIES;
        size_t first, last;
        seen_by(u, i, rows, &first, &last);
        const size_t from = first / NN_LANES * NN_LANES;
        nn_small_product(rows, last - from, u->d, dout + i * ld_dout, ld_dout, 1, turned + from, u->step, 1, false,
                         scores + from, u->step, true);
        for (size_t r = 0; r < rows; r++) {
            float *p = probs + (i + r) * k_count;
            const float *dp = scores + r * u->step;
            const size_t whole = from + (last - from) / NN_LANES * NN_LANES, rest = last - whole;
            nn_v8 sum = {0};
            for (size_t j = from; j < whole; j += NN_LANES) sum += nn_load8(p + j) * nn_load8(dp + j);
            const nn_v8 tail = rest ? nn_load_part(p + whole, rest, 0) : (nn_v8){0};
            if (rest) sum += tail * nn_load8(dp + whole);
            const nn_v8 mean = nn_set8(nn_sum8(sum));
            for (size_t j = from; j < whole; j += NN_LANES)
                nn_store8(p + j, nn_load8(p + j) * (nn_load8(dp + j) - mean));
            if (rest) nn_store_part(p + whole, tail * (nn_load8(dp + whole) - mean), rest);
            if (dbias) {
                size_t row_first, row_last;
                seen_by(u, i + r, 1, &row_first, &row_last);
                for (size_t j = row_first; j < row_last; j++) dbias[u->ahead + i + r - j] += p[j];
            }
        }
        nn_small_product(rows, u->d, last - first, probs + i * k_count + first, k_count, 1, k + first * ld_k, ld_k,
                         scale, false, dq + i * ld_dq, ld_dq, false);
    }
    for (size_t j = 0; j < u->keys; j += QUERIES) {
        const size_t rows = u->keys - j < QUERIES ? u->keys - j : QUERIES;
        size_t first, last;
        seeing(u, j, rows, &first, &last);
        nn_small_product(rows, u->d, last - first, probs + first * k_count + j, 1, k_count,
                         q + first * ld_q, ld_q, scale, add, dk + j * ld_dk, ld_dk, false);
    }
}
