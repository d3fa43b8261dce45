/* Trees by chains of nearest neighbours. */
#include "triad/map.h"

#include "align/map_distances.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "linkage: out of memory");
}

/* Distance of cluster i from the union of x and y (Lance & Williams 1967). */
static double updated(triad_linkage_kind kind, double xi, double yi, double xy, double nx, double ny, double ni)
{
    if (kind == TRIAD_LINKAGE_AVERAGE) return (nx * xi + ny * yi) / (nx + ny);
    const double t = 1 / (nx + ny + ni);
    return sqrt((ni + nx) * t * xi * xi + (ni + ny) * t * yi * yi - ni * t * xy * xy);
}

typedef struct ordered {
    triad_merge merge;
    size_t made; /* ties keep the order in which they were made */
} ordered;

static int by_height(const void *a, const void *b)
{
    const ordered *x = a, *y = b;
    if (x->merge.height != y->merge.height) return x->merge.height < y->merge.height ? -1 : 1;
    return (x->made > y->made) - (x->made < y->made);
}

static uint32_t root_of(uint32_t *parent, uint32_t of)
{
    uint32_t root = of;
    while (parent[root] != root) root = parent[root];
    while (parent[of] != root) {
        const uint32_t next = parent[of];
        parent[of] = root;
        of = next;
    }
    return root;
}

/* Merges name clusters by one of their rows; now by the merge that made them, in order of height. */
static triad_status number_merges(triad_merge *merges, ordered *made, size_t n, triad_error *err)
{
    uint32_t *parent = malloc((2 * n - 1) * sizeof *parent), *size = malloc((2 * n - 1) * sizeof *size);
    triad_status status = parent && size ? TRIAD_OK : out_of_memory(err);
    qsort(made, n - 1, sizeof *made, by_height);
    for (uint32_t i = 0; status == TRIAD_OK && i < 2 * n - 1; i++) {
        parent[i] = i;
        size[i] = 1;
    }
    for (uint32_t m = 0; status == TRIAD_OK && m < n - 1; m++) {
        const uint32_t a = root_of(parent, made[m].merge.a), b = root_of(parent, made[m].merge.b),
                       both = (uint32_t)n + m;
        parent[a] = parent[b] = both;
        size[both] = size[a] + size[b];
        merges[m] = (triad_merge){a < b ? a : b, a < b ? b : a, made[m].merge.height, size[both]};
    }
    free(parent);
    free(size);
    return status;
}

/* distance [n, n] is used up. */
static triad_status join(triad_merge *merges, triad_linkage_kind kind, double *distance, size_t n, triad_error *err)
{
    uint32_t *size = malloc(n * sizeof *size), *chain = malloc(n * sizeof *chain);
    ordered *made = malloc(n * sizeof *made);
    triad_status status = size && chain && made ? TRIAD_OK : out_of_memory(err);
    if (status != TRIAD_OK) goto out;
    for (size_t i = 0; i < n; i++) size[i] = 1;
    size_t length = 0;
    for (size_t m = 0; m < n - 1; m++) {
        if (length == 0) {
            uint32_t first = 0;
            while (size[first] == 0) first++;
            chain[length++] = first;
        }
        uint32_t own, nearest;
        double least;
        for (;;) { /* to the nearest, until two are each other's; the one that we came from wins ties */
            own = chain[length - 1];
            nearest = length > 1 ? chain[length - 2] : own;
            least = length > 1 ? distance[own * n + nearest] : INFINITY;
            for (uint32_t i = 0; i < n; i++)
                if (size[i] > 0 && i != own && distance[own * n + i] < least) {
                    least = distance[own * n + i];
                    nearest = i;
                }
            if (length > 1 && nearest == chain[length - 2]) break;
            chain[length++] = nearest;
        }
        length -= 2;
        const uint32_t a = own < nearest ? own : nearest, b = own < nearest ? nearest : own;
        made[m] = (ordered){{a, b, least, 0}, m};
        const double na = size[a], nb = size[b];
        for (uint32_t i = 0; i < n; i++) /* the union lives on in b */
            if (size[i] > 0 && i != a && i != b)
                distance[i * n + b] = distance[b * n + i] =
                    updated(kind, distance[a * n + i], distance[b * n + i], least, na, nb, size[i]);
        size[b] += size[a];
        size[a] = 0;
    }
    status = number_merges(merges, made, n, err);
out:
    free(size);
    free(chain);
    free(made);
    return status;
}

triad_status triad_map_linkage(triad_merge *merges, triad_linkage_kind kind, const double *x, size_t n, size_t d,
                               triad_pool *pool, triad_error *err)
{
    triad_status status = map_check("linkage", x, n, d, 2, err);
    if (status != TRIAD_OK) return status;
    double *distance = malloc(n * n * sizeof *distance);
    if (distance == NULL) return out_of_memory(err);
    map_square_distances(distance, x, n, d, pool);
    for (size_t i = 0; i < n * n; i++) distance[i] = sqrt(distance[i]);
    status = join(merges, kind, distance, n, err);
    free(distance);
    return status;
}

triad_status triad_map_linkage_of(triad_merge *merges, triad_linkage_kind kind, const double *distances, size_t n,
                                  triad_error *err)
{
    triad_status status = map_check("linkage", distances, n, n, 2, err);
    if (status != TRIAD_OK) return status;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            if (distances[i * n + j] != distances[j * n + i] || !(distances[i * n + j] >= 0) ||
                (i == j && distances[i * n + i] > 0))
                return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                                  "linkage: no distances between rows %zu and %zu (symmetric, none negative, 0 on the "
                                  "diagonal)",
                                  j, i);
    double *distance = malloc(n * n * sizeof *distance);
    if (distance == NULL) return out_of_memory(err);
    memcpy(distance, distances, n * n * sizeof *distance);
    status = join(merges, kind, distance, n, err);
    free(distance);
    return status;
}

triad_status triad_map_leaves(uint32_t *order, const triad_merge *merges, size_t n, triad_error *err)
{
    if (n == 0) return TRIAD_OK;
    if (n == 1) {
        order[0] = 0;
        return TRIAD_OK;
    }
    uint32_t *left = malloc(n * sizeof *left); /* branches still to be walked */
    if (left == NULL) return out_of_memory(err);
    size_t waiting = 0, at = 0;
    left[waiting++] = (uint32_t)(2 * n - 2);
    while (waiting > 0) {
        const uint32_t node = left[--waiting];
        if (node < n) {
            order[at++] = node;
            continue;
        }
        left[waiting++] = merges[node - n].b;
        left[waiting++] = merges[node - n].a;
    }
    free(left);
    return TRIAD_OK;
}
