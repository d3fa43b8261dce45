/* Item tables: sentences with their factors, as bytes in and out. */
#ifndef TRIAD_ITEMS_H
#define TRIAD_ITEMS_H

#include "triad/base.h"

/* A table of sentences. Column 0 of the file is `id`, column 1 `text`, then factors (verb, colour, …) as text;
 * an empty cell is "". Ids are unique. */
typedef struct triad_items {
    size_t count;   /* rows */
    size_t factors; /* columns beyond id and text */
    char **id;      /* [count] */
    char **text;    /* [count] */
    char **factor;  /* [factors] names */
    char **cell;    /* [count, factors] */
    void *storage;  /* owns every string and array above */
} triad_items;

/* A .tsv with a header, or a plain text file with a sentence a line (id = text = the line). UTF-8, with or without a
 * byte order mark and carriage returns. Refused, by line: cells that are too few or too many, blank lines, empty ids
 * and texts, control bytes, ids (or sentences) that occur twice. */
TRIAD_NODISCARD triad_status triad_items_read(triad_items *items, const char *path, triad_error *err);
/* The table as TSV text (name is for messages only). */
TRIAD_NODISCARD triad_status triad_items_parse(triad_items *items, const char *tsv, size_t size, const char *name,
                                               triad_error *err);
/* The sentences as plain text, one a line. */
TRIAD_NODISCARD triad_status triad_items_parse_lines(triad_items *items, const char *text, size_t size,
                                                     const char *name, triad_error *err);
/* Copies: id, text [count]; factor names [factors]; cells [count, factors]. */
TRIAD_NODISCARD triad_status triad_items_create(triad_items *items, size_t count, const char *const *id,
                                                const char *const *text, size_t factors, const char *const *factor,
                                                const char *const *cell, triad_error *err);
TRIAD_NODISCARD triad_status triad_items_write(const triad_items *items, const char *path, triad_error *err);
char *triad_items_to_tsv(const triad_items *items); /* the caller frees; NULL when memory is out */
void triad_items_free(triad_items *items);
/* Index of a factor column; -1 when absent. */
int triad_items_factor(const triad_items *items, const char *name);
static inline const char *triad_items_cell(const triad_items *items, size_t row, int factor)
{
    return items->cell[row * items->factors + (size_t)factor];
}

#endif
