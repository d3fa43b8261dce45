#include "align/panels.h"

#include <string.h>

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t align_panels_count(size_t n)
{
    return (n + ALIGN_PANEL - 1) / ALIGN_PANEL;
}

size_t align_panels_size(size_t n, size_t units)
{
    return align_panels_count(n) * ALIGN_PANEL * units;
}

align_panels align_panels_of_floats(float *values, size_t n, size_t d)
{
    enum { BLOCK = 192 }; /* a panel's are 36 KiB */
    return (align_panels){.n = n, .units = d, .block = BLOCK, .values = values, .multiply = align_panel_float_choose()};
}

static char *block_of(const align_panels *panels, size_t panel, size_t k)
{
    return (char *)panels->values + (panel * panels->units + k) * ALIGN_PANEL * ALIGN_UNIT;
}

void align_panels_put(const align_panels *panels, size_t first, const void *rows)
{
    const char *from = rows;
    const size_t units = panels->units;
    for (size_t k = 0; k < units; k += panels->block) {
        const size_t depth = smaller(units - k, panels->block);
        char *to =
            block_of(panels, first / ALIGN_PANEL, k) + align_panel_place(first % ALIGN_PANEL, 0, depth) * ALIGN_UNIT;
        for (size_t l = k; l < k + depth; l++, to += ALIGN_STRIP * ALIGN_UNIT)
            for (size_t r = 0; r < ALIGN_TOGETHER; r++)
                memcpy(to + r * ALIGN_UNIT, from + (r * units + l) * ALIGN_UNIT, ALIGN_UNIT);
    }
}

/* Of those below n in a panel, and up to the next that is put together with them. */
static size_t rows_of(const align_panels *panels, size_t panel)
{
    const size_t left = panels->n - panel * ALIGN_PANEL;
    return smaller((left + ALIGN_TOGETHER - 1) / ALIGN_TOGETHER * ALIGN_TOGETHER, ALIGN_PANEL);
}

size_t align_tiles(size_t n)
{
    const size_t side = (n + ALIGN_TILE - 1) / ALIGN_TILE;
    return side * (side + 1) / 2;
}

align_tile align_tile_at(size_t number, size_t n)
{
    const size_t side = (n + ALIGN_TILE - 1) / ALIGN_TILE, below = side * (side - 1) / 2;
    size_t at = number - below, other = at; /* the diagonal, half as much work, comes last: workers end together */
    if (number < below) {
        for (at = 1; at * (at + 1) / 2 <= number;) at++;
        other = number - at * (at - 1) / 2;
    }
    const size_t row = at * ALIGN_TILE, column = other * ALIGN_TILE;
    return (align_tile){row, column, smaller(row + ALIGN_TILE, n), smaller(column + ALIGN_TILE, n)};
}

void align_tile_product(float *product, const align_panels *panels, const align_tile *tile)
{
    const size_t row = tile->row / ALIGN_PANEL, column = tile->column / ALIGN_PANEL,
                 rows = align_panels_count(tile->row_end) - row,
                 columns = align_panels_count(tile->column_end) - column;
    for (size_t k = 0; k < panels->units; k += panels->block) {
        const size_t depth = smaller(panels->units - k, panels->block);
        for (size_t q = 0; q < columns; q++)
            for (size_t p = row == column ? q : 0; p < rows; p++)
                panels->multiply(block_of(panels, row + p, k), rows_of(panels, row + p),
                                 block_of(panels, column + q, k), depth, k == 0,
                                 product + p * ALIGN_PANEL * ALIGN_TILE_STEP + q * ALIGN_PANEL, ALIGN_TILE_STEP);
    }
}
