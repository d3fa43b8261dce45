/* Texts numbered in the order in which they are met, each once. */
#ifndef TRIAD_BABYAI_TEXT_TABLE_H
#define TRIAD_BABYAI_TEXT_TABLE_H

#include "triad/base.h"

/* Zero-initialise. Text i is bytes [offset[i], offset[i + 1]) of text, which also ends in a 0 that offset[i + 1] leaves
 * out when `terminated` is set before the first addition. */
typedef struct text_table {
    bool terminated;
    size_t count;
    char *text;
    int64_t *offset; /* [count + 1] */
    size_t text_capacity, offset_capacity, slots;
    uint32_t *slot; /* index + 1, 0: free */
} text_table;

/* The number of a text; -1 when memory is out. */
int64_t text_table_add(text_table *table, const char *text);
void text_table_free(text_table *table);

#endif
