/* Maps of a space as one SVG: clouds of sentences and a tree, coloured by a factor. */
#ifndef TRIAD_REPORT_MAP_H
#define TRIAD_REPORT_MAP_H

#include "base/text.h"
#include "report/classes.h"
#include "triad/map.h"

typedef struct report_cloud {
    const char *title;
    const char *note;        /* under it: how it was made */
    const double *placement; /* [n, 2] */
} report_cloud;

/* Strings are UTF-8 text, never markup; all is borrowed. */
typedef struct report_map {
    const char *title;
    size_t n;
    const char *const *text; /* [n] what hovering over a sentence says */
    size_t clouds;
    const report_cloud *cloud;
    const triad_merge *merge; /* [n - 1]; NULL: no tree */
    const uint32_t *leaf;     /* [n] from left to right */
    const char *tree_title, *tree_note;
    const report_factor *factor; /* what the colours stand for; NULL: one colour */
} report_map;

/* A whole SVG file, the same bytes for the same map. Fails only when memory is out. */
TRIAD_NODISCARD triad_status report_map_svg(const report_map *map, triad_text *svg, triad_error *err);

#endif
