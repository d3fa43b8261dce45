#include "nn/layers.h"

/* A training step meets a few thousand logits and millions of products: the reference, which sums in double, is fast
 * enough to be the only one. */
void nn_cross_entropy(double *loss_sum, size_t *correct, float *dlogits, const float *logits, const int32_t *target,
                      size_t rows, size_t classes, float scale)
{
    nn_ref32_cross_entropy(loss_sum, correct, dlogits, logits, target, rows, classes, scale);
}
