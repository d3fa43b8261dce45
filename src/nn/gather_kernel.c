/* Sums and means of rows, and their gradients. */
#include "nn/layers.h"
#include "nn/vector.h"

NN_INLINE void row_add(float *y, const float *x, size_t d)
{
    for (size_t c = 0; c < d; c++) y[c] += x[c];
}

void nn_bag_forward(float *out, const float *table, const uint32_t *index, const uint32_t *offset, size_t rows,
                    size_t d)
{
    for (size_t r = 0; r < rows; r++) {
        const uint32_t first = offset[r], last = offset[r + 1];
        float *row = out + r * d;
        size_t c = 0;
        /* Four vectors of the row stay in registers while all of the bag is added. */
        for (; c + 4 * NN_LANES <= d; c += 4 * NN_LANES) {
            nn_v8 sum[4] = {{0}};
            for (uint32_t i = first; i < last; i++)
                for (size_t v = 0; v < 4; v++) sum[v] += nn_load8(table + index[i] * d + c + v * NN_LANES);
            for (size_t v = 0; v < 4; v++) nn_store8(row + c + v * NN_LANES, sum[v]);
        }
        for (; c < d; c++) {
            float sum = 0;
            for (uint32_t i = first; i < last; i++) sum += table[index[i] * d + c];
            row[c] = sum;
        }
    }
}

void nn_bag_backward(float *dtable, const float *dout, const uint32_t *index, const uint32_t *offset, size_t rows,
                     size_t d)
{
    for (size_t r = 0; r < rows; r++)
        for (uint32_t i = offset[r]; i < offset[r + 1]; i++) row_add(dtable + index[i] * d, dout + r * d, d);
}

void nn_segment_mean_forward(float *out, const float *x, const uint32_t *offset, size_t segments, size_t d)
{
    for (size_t s = 0; s < segments; s++) {
        float *mean = out + s * d;
        for (size_t c = 0; c < d; c++) mean[c] = 0;
        for (size_t r = offset[s]; r < offset[s + 1]; r++) row_add(mean, x + r * d, d);
        const float share = 1.0F / (float)(offset[s + 1] - offset[s]);
        for (size_t c = 0; c < d; c++) mean[c] *= share;
    }
}

void nn_segment_mean_backward_add(float *dx, const float *dout, const uint32_t *offset, size_t segments, size_t d)
{
    for (size_t s = 0; s < segments; s++) {
        const float share = 1.0F / (float)(offset[s + 1] - offset[s]);
        for (size_t r = offset[s]; r < offset[s + 1]; r++)
            for (size_t c = 0; c < d; c++) dx[r * d + c] += dout[s * d + c] * share;
    }
}

void nn_add_columns(float *sum, const float *x, size_t rows, size_t d)
{
    size_t c = 0;
    /* Eight vectors of columns stay in registers down all rows. */
    for (; c + 8 * NN_LANES <= d; c += 8 * NN_LANES) {
        nn_v8 total[8];
        for (size_t v = 0; v < 8; v++) total[v] = nn_load8(sum + c + v * NN_LANES);
        for (size_t r = 0; r < rows; r++)
            for (size_t v = 0; v < 8; v++) total[v] += nn_load8(x + r * d + c + v * NN_LANES);
        for (size_t v = 0; v < 8; v++) nn_store8(sum + c + v * NN_LANES, total[v]);
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t i = c; i < d; i++) sum[i] += x[r * d + i];
}
