#include "align/tsne_kernel.h"

typedef double wide __attribute__((vector_size(32), aligned(8)));

static double total(wide sum)
{
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

tsne_sums tsne_row(const double *restrict p, const double *restrict at, const double *restrict across, double x,
                   double y, size_t n)
{
    wide weight = {0}, pull[2] = {{0}, {0}}, push[2] = {{0}, {0}};
    size_t j = 0;
    for (; j + 4 <= n; j += 4) {
        const wide gap = x - *(const wide *)(at + j), rise = y - *(const wide *)(across + j);
        const wide w = 1 / (1 + gap * gap + rise * rise), near = *(const wide *)(p + j) * w, far = w * w;
        weight += w;
        pull[0] += near * gap;
        pull[1] += near * rise;
        push[0] += far * gap;
        push[1] += far * rise;
    }
    tsne_sums sums = {total(weight), {total(pull[0]), total(pull[1])}, {total(push[0]), total(push[1])}};
    for (; j < n; j++) {
        const double gap = x - at[j], rise = y - across[j], w = 1 / (1 + gap * gap + rise * rise);
        sums.weight += w;
        sums.pull[0] += p[j] * w * gap;
        sums.pull[1] += p[j] * w * rise;
        sums.push[0] += w * w * gap;
        sums.push[1] += w * w * rise;
    }
    return sums;
}
