#include "align/cells.h"

#include <stdlib.h>
#include <string.h>

bool align_twins(const char *a, const char *b)
{
    const size_t la = strlen(a), lb = strlen(b);
    if (la == lb) return false;
    const char *longer = la > lb ? a : b, *shorter = la > lb ? b : a;
    const size_t length = la > lb ? lb : la;
    return strncmp(longer, shorter, length) == 0 && strcmp(longer + length, "2") == 0;
}

static int by_words(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

triad_status align_cells_create(align_cells *cells, const triad_items *items, const size_t *rows, size_t n,
                                triad_error *err)
{
    *cells = (align_cells){.n = n};
    const size_t most = items->factors + 1;
    size_t *from = calloc(most, sizeof *from);
    const char **word = malloc((2 * n + 1) * sizeof *word);
    cells->name = calloc(most, sizeof *cells->name);
    cells->twin = calloc(most, sizeof *cells->twin);
    cells->words = calloc(most, sizeof *cells->words);
    cells->cell = malloc((n * most + 1) * sizeof *cells->cell);
    bool enough = from && word && cells->name && cells->twin && cells->words && cells->cell;
    for (size_t f = 0; enough && f < items->factors; f++) {
        if (strcmp(items->factor[f], "group") == 0) continue;
        from[cells->columns] = f;
        cells->twin[cells->columns] = SIZE_MAX;
        enough = (cells->name[cells->columns++] = strdup(items->factor[f])) != NULL;
    }
    const size_t columns = cells->columns;
    for (size_t c = 0; enough && c < columns; c++)
        for (size_t t = 0; t < columns; t++)
            if (align_twins(cells->name[c], cells->name[t])) cells->twin[c] = t;
    for (size_t c = 0; enough && c < columns; c++) {
        size_t total = 0, distinct = 0;
        const size_t both[2] = {c, cells->twin[c]};
        for (size_t t = 0; t < 2 && both[t] != SIZE_MAX; t++)
            for (size_t i = 0; i < n; i++) {
                const char *text = triad_items_cell(items, rows[i], (int)from[both[t]]);
                if (text[0]) word[total++] = text;
            }
        qsort(word, total, sizeof *word, by_words);
        for (size_t i = 0; i < total; i++)
            if (i == 0 || strcmp(word[i], word[i - 1]) != 0) word[distinct++] = word[i];
        cells->words[c] = distinct;
        for (size_t i = 0; i < n; i++) {
            const char *text = triad_items_cell(items, rows[i], (int)from[c]);
            const char **at = text[0] ? bsearch(&text, word, distinct, sizeof *word, by_words) : NULL;
            cells->cell[i * columns + c] = at ? (uint32_t)(at - word) : ALIGN_NO_WORD;
        }
    }
    free(from);
    free(word);
    if (enough) return TRIAD_OK;
    align_cells_free(cells);
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "factors: out of memory");
}

void align_cells_free(align_cells *cells)
{
    for (size_t c = 0; cells->name && c < cells->columns; c++) free(cells->name[c]);
    free(cells->name);
    free(cells->twin);
    free(cells->words);
    free(cells->cell);
    *cells = (align_cells){0};
}

size_t align_cells_find(const align_cells *cells, const char *name)
{
    for (size_t c = 0; c < cells->columns; c++)
        if (strcmp(cells->name[c], name) == 0) return c;
    return SIZE_MAX;
}
