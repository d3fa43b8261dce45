/* Attention of one head inside a segment of a few to a few hundred rows.
 *
 * Up to sixteen queries are computed side by side, one a lane: scores stand as [key][query], so that the softmax runs
 * down the keys in whole vectors, without sums across lanes, however short the segment is. */
#include "nn/attention.h"
#include "nn/small_product.h"

#include <math.h>
#include <string.h>

typedef nn_attention_head head;

/* A block of queries side by side, and the keys first .. last - 1 that they see together. */
typedef struct block {
    size_t start, rows;   /* queries start .. start + rows - 1 */
    size_t vectors, step; /* lanes: vectors * 8 = step >= rows; the rest compute with zeros and are dropped */
    size_t first, last;
} block;

static block block_at(const head *h, size_t start)
{
    const size_t left = h->queries - start;
    block b = {.start = start, .rows = left < NN_HEAD_LANES ? left : NN_HEAD_LANES, .last = h->keys};
    b.vectors = b.rows > NN_LANES ? 2 : 1;
    b.step = b.vectors * NN_LANES;
    if (h->causal) {
        if (h->window > 0 && start + 1 > h->window) b.first = start + 1 - h->window;
        if (start + b.rows < b.last) b.last = start + b.rows;
    }
    return b;
}

/* Which lanes see a key that lies `distance` before the first of them. */
NN_INLINE nn_v8i lanes_that_see(int32_t distance, int32_t window)
{
    const nn_v8i away = (nn_v8i){0, 1, 2, 3, 4, 5, 6, 7} + distance;
    return (away >= 0) & (away < window);
}

/* bias[distance + lane], 0 outside of [0, window). */
NN_INLINE nn_v8 load_bias(const float *bias, int64_t distance, int64_t window)
{
    if (distance >= 0 && distance + NN_LANES <= window) return nn_load8(bias + distance);
    float lanes[NN_LANES];
    for (int64_t l = 0; l < NN_LANES; l++) {
        const int64_t at = distance + l;
        lanes[l] = at >= 0 && at < window ? bias[at] : 0;
    }
    return nn_load8(lanes);
}

NN_INLINE void add_bias(float *bias, nn_v8 ds, size_t lanes, int64_t distance, int64_t window)
{
    if (lanes == NN_LANES && distance >= 0 && distance + NN_LANES <= window) {
        nn_store8(bias + distance, nn_load8(bias + distance) + ds);
        return;
    }
    for (int64_t l = 0; l < (int64_t)lanes; l++) {
        const int64_t at = distance + l;
        if (at >= 0 && at < window) bias[at] += ds[l];
    }
}

/* The probabilities stand by key too: probs [keys, queries] without padding, so that whole vectors are loaded and
 * stored at the odd places where rows begin. Lanes past the queries reach into the next row. */
typedef struct prob_rows {
    float *first, *end; /* of the head */
    size_t step;
    bool spill; /* rows are written in order and each whole, so that what spills into the next one is written over */
} prob_rows;

NN_INLINE nn_v8 load_probs(const prob_rows *p, const float *at, size_t lanes)
{
    if (lanes == NN_LANES || at + NN_LANES <= p->end) return nn_load8(at);
    return nn_load_part(at, lanes, 0);
}

NN_INLINE void store_probs(const prob_rows *p, float *at, nn_v8 x, size_t lanes)
{
    if (lanes == NN_LANES || (p->spill && at + NN_LANES <= p->end))
        nn_store8(at, x);
    else
        nn_store_part(at, x, lanes);
}

/* scores [keys][step] to probabilities: softmax down the keys, a vector of lanes after the other. */
NN_INLINE void softmax_down(const head *h, const block *b, const prob_rows *p, float *scores, const float *bias)
{
    const size_t count = b->last - b->first;
    const int64_t window = h->window > 0 ? (int64_t)h->window : INT32_MAX;
    nn_v8 share[2];
    for (size_t v = 0; v < b->vectors; v++) {
        float *column = scores + v * NN_LANES;
        nn_v8 largest = nn_set8(-INFINITY), sum = {0};
        for (size_t j = 0; j < count; j++) {
            nn_v8 x = nn_load8(column + j * b->step);
            if (h->causal) {
                const int64_t distance = (int64_t)(b->start + v * NN_LANES) - (int64_t)(b->first + j);
                if (bias) x += load_bias(bias, distance, window);
                x = nn_select8(lanes_that_see((int32_t)distance, (int32_t)window), x, nn_set8(-INFINITY));
                nn_store8(column + j * b->step, x);
            }
            largest = nn_max8(largest, x);
        }
        for (size_t j = 0; j < count; j++) {
            const nn_v8 e = nn_exp8(nn_load8(column + j * b->step) - largest);
            nn_store8(column + j * b->step, e);
            sum += e;
        }
        share[v] = 1.0F / sum;
    }
    const size_t rest = b->rows - (b->vectors - 1) * NN_LANES; /* lanes of the last vector */
    for (size_t j = 0; j < h->keys; j++) {
        float *row = p->first + j * p->step + b->start;
        const bool inside = j >= b->first && j < b->last;
        for (size_t v = 0; v < b->vectors; v++) {
            const float *e = scores + (j - b->first) * b->step + v * NN_LANES;
            store_probs(p, row + v * NN_LANES, inside ? nn_load8(e) * share[v] : (nn_v8){0},
                        v + 1 < b->vectors ? NN_LANES : rest);
        }
    }
}

void nn_attention_head_forward(const nn_attention_head *h, float *out, size_t ld_out, float *probs, const float *q,
                               size_t ld_q, const float *k, size_t ld_k, const float *v, size_t ld_v, const float *bias)
{
    _Alignas(64) float turned[NN_HEAD_WIDTH * NN_HEAD_LANES]; /* [d][query] */
    _Alignas(64) float scores[NN_HEAD_KEYS * NN_HEAD_LANES];  /* [key][query] */
    const prob_rows p = {probs, probs + h->keys * h->queries, h->queries, h->queries <= NN_HEAD_LANES};
    for (size_t start = 0; start < h->queries; start += NN_HEAD_LANES) {
        const block b = block_at(h, start);
        const size_t count = b.last - b.first;
        nn_small_transpose(turned, b.step, q + start * ld_q, ld_q, b.rows, h->d);
        nn_small_product(count, b.step, h->d, k + b.first * ld_k, ld_k, 1, turned, b.step, h->scale, false, scores,
                         b.step, true);
        softmax_down(h, &b, &p, scores, bias);
        nn_small_product(b.rows, h->d, count, probs + b.first * h->queries + start, 1, h->queries, v + b.first * ld_v,
                         ld_v, 1, false, out + start * ld_out, ld_out, false);
    }
}

/* forward:  out = P V,  P = softmax(S),  S = scale Q K^T + bias
 * backward: dV = P^T dO,  dP = dO V^T,  dS = P (dP - sum over the keys of P dP),  dQ = scale dS K,  dK = scale dS^T Q
 */
void nn_attention_head_backward(const nn_attention_head *h, float *dq, size_t ld_dq, float *dk, size_t ld_dk, float *dv,
                                size_t ld_dv, float *dbias, const float *dout, size_t ld_dout, float *probs,
                                const float *q, size_t ld_q, const float *k, size_t ld_k, const float *v, size_t ld_v)
{
    _Alignas(64) float turned[NN_HEAD_WIDTH * NN_HEAD_LANES];
    _Alignas(64) float scores[NN_HEAD_KEYS * NN_HEAD_LANES]; /* dP, then dS */
    const prob_rows p = {probs, probs + h->keys * h->queries, h->queries, false};
    const bool add = h->queries == 0 || h->queries > NN_HEAD_LANES; /* to keys that several blocks see */
    for (size_t j = 0; add && j < h->keys; j++) {
        memset(dk + j * ld_dk, 0, h->d * sizeof *dk);
        memset(dv + j * ld_dv, 0, h->d * sizeof *dv);
    }
    const int64_t window = h->window > 0 ? (int64_t)h->window : INT32_MAX;
    for (size_t start = 0; start < h->queries; start += NN_HEAD_LANES) {
        const block b = block_at(h, start);
        const size_t count = b.last - b.first;
        const float *up = dout + start * ld_dout;
        float *row = probs + b.first * h->queries + start;
        nn_small_product(count, h->d, b.rows, row, h->queries, 1, up, ld_dout, 1, add, dv + b.first * ld_dv, ld_dv,
                         false);
        nn_small_transpose(turned, b.step, up, ld_dout, b.rows, h->d);
        nn_small_product(count, b.step, h->d, v + b.first * ld_v, ld_v, 1, turned, b.step, 1, false, scores, b.step,
                         true);
        for (size_t lane = 0; lane < b.step; lane += NN_LANES) {
            const size_t lanes = b.rows - lane < NN_LANES ? b.rows - lane : NN_LANES;
            nn_v8 sum = {0};
            for (size_t j = 0; j < count; j++)
                sum += load_probs(&p, row + j * h->queries + lane, lanes) * nn_load8(scores + j * b.step + lane);
            for (size_t j = 0; j < count; j++) {
                float *at = scores + j * b.step + lane;
                const nn_v8 ds = load_probs(&p, row + j * h->queries + lane, lanes) * (nn_load8(at) - sum);
                nn_store8(at, ds);
                if (dbias) add_bias(dbias, ds, lanes, (int64_t)(start + lane) - (int64_t)(b.first + j), window);
            }
        }
        nn_small_product(b.rows, h->d, count, scores, 1, b.step, k + b.first * ld_k, ld_k, h->scale, false,
                         dq + start * ld_dq, ld_dq, false);
        nn_small_product(count, h->d, b.rows, scores, b.step, 1, q + start * ld_q, ld_q, h->scale, add,
                         dk + b.first * ld_dk, ld_dk, false);
    }
}
