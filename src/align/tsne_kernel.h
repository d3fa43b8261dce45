/* The inner loop of t-SNE. */
#ifndef TRIAD_ALIGN_TSNE_KERNEL_H
#define TRIAD_ALIGN_TSNE_KERNEL_H

#include <stddef.h>

/* Over all rows j, with weight w = 1 / (1 + distance^2) from the row at (x, y): the weights (1 for the row itself), the
 * pull sum p w (gap) and the push sum w^2 (gap), gap = own place less that of j. */
typedef struct tsne_sums {
    double weight, pull[2], push[2];
} tsne_sums;
tsne_sums tsne_row(const double *restrict p, const double *restrict at, const double *restrict across, double x,
                   double y, size_t n);

#endif
