/* Attention over lists of rows: a row sees the tokens of its own prefix, which lie wherever other prefixes put them.
 *
 * Query heads that share a key head go through its keys together: each key row is loaded once for all of them. */
#include "nn/forward.h"
#include "nn/vector.h"

#include <math.h>

enum { GROUP = 4 }; /* query heads of one pass */

size_t nn_attention_list_scratch(size_t longest)
{
    return (longest + NN_LANES - 1) / NN_LANES * NN_LANES * GROUP;
}

/* scores[g][j] = scale q_g . k_j, for `group` heads side by side. */
NN_INLINE void score_keys(const size_t group, float *scores, size_t step, const float *q, size_t d, const float *k,
                          size_t ld_k, const uint32_t *list, size_t count, float scale)
{
    const size_t whole = d / NN_LANES * NN_LANES;
    for (size_t j = 0; j < count; j++) {
        const float *key = k + list[j] * ld_k;
        nn_v8 sum[GROUP];
        for (size_t g = 0; g < group; g++) sum[g] = (nn_v8){0};
        for (size_t c = 0; c < whole; c += NN_LANES) {
            const nn_v8 right = nn_load8(key + c);
            for (size_t g = 0; g < group; g++) sum[g] += nn_load8(q + g * d + c) * right;
        }
        for (size_t g = 0; g < group; g++) {
            float total = nn_sum8(sum[g]);
            for (size_t c = whole; c < d; c++) total += q[g * d + c] * key[c];
            scores[g * step + j] = scale * total;
        }
    }
}

/* out_g = sum_j p[g][j] v_j, four vectors of each head at a time in registers. */
NN_INLINE void add_values(const size_t group, float *out, const float *p, size_t step, size_t d, const float *v,
                          size_t ld_v, const uint32_t *list, size_t count)
{
    size_t c = 0;
    for (; c + 2 * NN_LANES <= d; c += 2 * NN_LANES) {
        nn_v8 sum[GROUP][2];
        for (size_t g = 0; g < group; g++) sum[g][0] = sum[g][1] = (nn_v8){0};
        for (size_t j = 0; j < count; j++) {
            const float *value = v + list[j] * ld_v + c;
            const nn_v8 v0 = nn_load8(value), v1 = nn_load8(value + NN_LANES);
            for (size_t g = 0; g < group; g++) {
                sum[g][0] += p[g * step + j] * v0;
                sum[g][1] += p[g * step + j] * v1;
            }
        }
        for (size_t g = 0; g < group; g++) {
            nn_store8(out + g * d + c, sum[g][0]);
            nn_store8(out + g * d + c + NN_LANES, sum[g][1]);
        }
    }
    for (; c < d; c++)
        for (size_t g = 0; g < group; g++) {
            float sum = 0;
            for (size_t j = 0; j < count; j++) sum += p[g * step + j] * v[list[j] * ld_v + c];
            out[g * d + c] = sum;
        }
}

/* A query's heads that share a key head, from the first of them. */
NN_INLINE void heads_together(const size_t group, const nn_list_attention *a, size_t head, float *out, const float *q,
                              const float *k, size_t ld_k, const float *v, size_t ld_v, const uint32_t *list,
                              size_t count, size_t place, float *scratch)
{
    const size_t step = (count + NN_LANES - 1) / NN_LANES * NN_LANES;
    score_keys(group, scratch, step, q, a->key_dim, k, ld_k, list, count, a->scale);
    if (a->bias != NULL)
        for (size_t g = 0; g < group; g++) {
            const float *bias = a->bias + (head + g) * a->bias_step + a->bias_zero - place;
            for (size_t j = 0; j < count; j++) scratch[g * step + j] += bias[j];
        }
    nn_softmax_rows(scratch, step, group, count);
    add_values(group, out, scratch, step, a->value_dim, v, ld_v, list, count);
}

#define HEADS_CASE(count)                                                                                              \
    case count:                                                                                                        \
        heads_together(count, a, head, to, query, key, ld_k, value, ld_v, at, size, place, scratch);                   \
        break;

void nn_attention_list_forward(const nn_list_attention *a, float *out, size_t ld_out, const float *q, size_t ld_q,
                               const float *k, size_t ld_k, const float *v, size_t ld_v, const uint32_t *list,
                               const uint32_t *offset, size_t first, size_t rows, float *scratch)
{
    const size_t share = a->heads / a->kv_heads;
    for (size_t r = first; r < first + rows; r++) {
        const uint32_t *at = list + offset[r];
        const size_t size = offset[r + 1] - offset[r], place = a->bias != NULL ? a->place[r] : 0;
        for (size_t kv = 0; kv < a->kv_heads; kv++) {
            const float *key = k + kv * a->key_step, *value = v + kv * a->value_step;
            for (size_t g = 0, group; g < share; g += group) {
                const size_t head = kv * share + g;
                const float *query = q + r * ld_q + head * a->key_dim;
                float *to = out + r * ld_out + head * a->value_dim;
                group = share - g < GROUP ? share - g : GROUP;
                switch (group) {
                    HEADS_CASE(1)
                    HEADS_CASE(2)
                    HEADS_CASE(3)
                    HEADS_CASE(4)
                default:
                    __builtin_unreachable();
                }
            }
        }
    }
}
