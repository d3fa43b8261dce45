/* Precision@k of every pair as a triangle of cells: value, interval, what the relabel null says, the band. */
#include "report/html.h"

#include <math.h>

enum { CELL = 50, LEFT = 116, TOP = 16, RIGHT = 40 };

static void cell_bound(triad_text *out, double value)
{
    /* ".69": without its leading zero, for the small print of a cell. */
    if (value >= 0.995)
        triad_text_add(out, "1");
    else if (value < 0)
        triad_text_add(out, "&lt;0");
    else
        triad_text_addf(out, ".%02.0f", value * 100);
}

static void cell(triad_text *out, const report_study *study, const report_pair *pair, int reading, double x, double y)
{
    const report_estimate *e = &pair->estimate[reading];
    triad_text_add(out, "<g class=\"cell\" tabindex=\"0\" data-tip=\"");
    html_escape(out, study->space[pair->x].name);
    triad_text_add(out, " × ");
    html_escape(out, study->space[pair->y].name);
    triad_text_add(out, "&#10;");
    html_tip(out, e);
    triad_text_add(out, "\">");
    const double clipped = isfinite(e->value) ? fmin(fmax(e->value, 0), 1) : 0;
    triad_text_addf(out, "<rect class=\"ground\" x=\"%.0f\" y=\"%.0f\" width=\"%d\" height=\"%d\"/>", x + 1, y + 1,
                    CELL - 2, CELL - 2);
    triad_text_addf(out,
                    "<rect class=\"heat\" fill-opacity=\"%.3f\" x=\"%.0f\" y=\"%.0f\" width=\"%d\" height=\"%d\"/>",
                    0.92 * clipped, x + 1, y + 1, CELL - 2, CELL - 2);
    if (e->value >= study->band_low && e->value <= study->band_high)
        triad_text_addf(out, "<rect class=\"inband\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", x + 2.5,
                        y + 2.5, CELL - 5.0, CELL - 5.0);
    triad_text_addf(out, "<text class=\"value%s\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">",
                    clipped > 0.55 ? " over" : "", x + CELL / 2.0, y + CELL / 2.0 + 1);
    html_number(out, e->value, 2);
    triad_text_add(out, "</text>");
    if (isfinite(e->low) && isfinite(e->high)) {
        triad_text_addf(out, "<text class=\"small%s\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">",
                        clipped > 0.55 ? " over" : "", x + CELL / 2.0, y + CELL / 2.0 + 14);
        cell_bound(out, e->low);
        triad_text_add(out, "–");
        cell_bound(out, e->high);
        triad_text_add(out, "</text>");
    }
    if (e->relabel.p <= 0.05)
        triad_text_addf(out, "<circle class=\"survives%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>",
                        clipped > 0.55 ? " over" : "", x + CELL - 8.5, y + 9.5);
    triad_text_add(out, "</g>");
}

void figure_matrix(triad_text *out, const report_study *study, int reading)
{
    const size_t n = study->spaces;
    const double side = (double)n * CELL;
    triad_text_addf(out, "<svg class=\"fig matrix\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"",
                    LEFT + side + RIGHT, TOP + side + 4);
    html_escape(out, study->reading[reading].name);
    triad_text_addf(out, ": precision at k = %d of every pair; the numbers stand in the table\">", study->k);
    for (size_t i = 0; i < n; i++) {
        const report_space *space = &study->space[i];
        const double y = TOP + (double)i * CELL;
        triad_text_addf(out, "<text class=\"label c-%s\" text-anchor=\"end\" x=\"%d\" y=\"%.1f\">",
                        html_role_class(space->role), LEFT - 8, y + CELL / 2.0 + 4);
        html_escape(out, space->name);
        triad_text_add(out, "</text>");
        /* A column's name starts on the diagonal, above its own first cell. */
        const double x = LEFT + (double)i * CELL + 12, base = y + CELL - 10;
        triad_text_addf(out, "<text class=\"label c-%s\" transform=\"rotate(-40 %.1f %.1f)\" x=\"%.1f\" y=\"%.1f\">",
                        html_role_class(space->role), x, base, x, base);
        if (i + 1 < n) html_escape(out, space->name);
        triad_text_add(out, "</text>");
    }
    for (size_t p = 0; p < study->pairs; p++) {
        const report_pair *pair = &study->pair[p];
        const size_t row = pair->x > pair->y ? pair->x : pair->y, column = pair->x > pair->y ? pair->y : pair->x;
        cell(out, study, pair, reading, LEFT + (double)column * CELL, TOP + (double)row * CELL);
    }
    triad_text_add(out, "</svg>");
}
