/* Factor columns as word numbers. */
#ifndef TRIAD_ALIGN_CELLS_H
#define TRIAD_ALIGN_CELLS_H

#include "triad/items.h"

#define ALIGN_NO_WORD UINT32_MAX /* an empty cell */

typedef struct align_cells {
    size_t n, columns;
    char **name;    /* [columns] */
    size_t *twin;   /* [columns] the column of the same vocabulary ("colour2" of "colour"), SIZE_MAX without one */
    size_t *words;  /* [columns] distinct words of the vocabulary */
    uint32_t *cell; /* [n, columns] in sorted order of the vocabulary's words, ALIGN_NO_WORD where empty */
} align_cells;
/* The factors of rows [n] of items but `group`, which says which sentences are near-duplicates. */
TRIAD_NODISCARD triad_status align_cells_create(align_cells *cells, const triad_items *items, const size_t *rows,
                                                size_t n, triad_error *err);
void align_cells_free(align_cells *cells);
size_t align_cells_find(const align_cells *cells, const char *name); /* SIZE_MAX when absent */

/* "colour" and "colour2" share a vocabulary. */
bool align_twins(const char *a, const char *b);

#endif
