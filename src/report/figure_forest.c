/* Estimates as dots with intervals, one row each, the two readings side by side. */
#include "report/html.h"

#include <math.h>

enum { LABEL = 236, PANEL = 316, GAP = 50, ROW = 34, TOP = 34, BOTTOM = 30 };

typedef struct scale {
    double low, high; /* data */
    double left;      /* pixels; PANEL wide */
} scale;

static double across(const scale *s, double value)
{
    const double clipped = fmin(fmax(value, s->low), s->high);
    return s->left + (clipped - s->low) / (s->high - s->low) * PANEL;
}

/* A null distribution as a bar of two standard deviations to each side of its mean. */
static void null_bar(triad_text *out, const scale *s, const report_null *null, const char *kind, double y)
{
    if (!isfinite(null->mean) || !isfinite(null->sd)) return;
    const double left = across(s, null->mean - 2 * null->sd), right = across(s, null->mean + 2 * null->sd);
    triad_text_addf(out, "<rect class=\"null %s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"5\" rx=\"1.5\"/>", kind,
                    left, y, fmax(right - left, 2));
}

static void row_mark(triad_text *out, const scale *s, const report_row *row, int reading, double y)
{
    const report_estimate *e = &row->estimate[reading];
    if (!isfinite(e->value)) {
        triad_text_addf(out, "<text class=\"faint\" x=\"%.1f\" y=\"%.1f\">not defined</text>", s->left + 4, y + 4);
        return;
    }
    triad_text_addf(out, "<g class=\"mark c-%s\" tabindex=\"0\" data-tip=\"", html_role_class(row->role));
    html_escape(out, row->label);
    triad_text_add(out, "&#10;");
    html_tip(out, e);
    if (isfinite(row->sentences[reading].low)) triad_text_add(out, "&#10;over sentences: ");
    html_span(out, &row->sentences[reading], 3);
    triad_text_addf(out, "\"><rect class=\"hit\" x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\"/>", s->left,
                    y - ROW / 2.0, PANEL, ROW);
    null_bar(out, s, &e->relabel, "relabel", y + 5);
    null_bar(out, s, &e->iid, "iid", y + 5);
    for (size_t i = 0; i < row->members; i++)
        if (row->member[reading] != NULL && isfinite(row->member[reading][i]))
            triad_text_addf(out, "<line class=\"member\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>",
                            across(s, row->member[reading][i]), across(s, row->member[reading][i]), y - 9, y - 3);
    if (isfinite(e->low) && isfinite(e->high))
        triad_text_addf(out, "<line class=\"whisker thin\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>",
                        across(s, e->low), across(s, e->high), y, y);
    const report_span *inner = &row->sentences[reading];
    if (isfinite(inner->low) && isfinite(inner->high))
        triad_text_addf(out, "<line class=\"whisker thick\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>",
                        across(s, inner->low), across(s, inner->high), y, y);
    triad_text_addf(out, "<circle class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/></g>", across(s, e->value), y);
}

/* The span of all rows, rounded outwards to a tenth; precision lives in 0 … 1, differences around 0. */
static void span(const report_row *rows, size_t count, bool difference, double *low, double *high)
{
    *low = 0;
    *high = 1;
    if (!difference) return;
    double a = -0.1, b = 0.1;
    for (size_t i = 0; i < count; i++)
        for (int r = 0; r < REPORT_READINGS; r++) {
            const report_estimate *e = &rows[i].estimate[r];
            const double ends[3] = {e->value, e->low, e->high};
            for (int j = 0; j < 3; j++)
                if (isfinite(ends[j])) {
                    a = fmin(a, ends[j]);
                    b = fmax(b, ends[j]);
                }
        }
    *low = floor(a * 10) / 10;
    *high = ceil(b * 10) / 10;
}

static void panel(triad_text *out, const report_study *study, int reading, const scale *s, double bottom,
                  bool difference)
{
    if (!difference)
        triad_text_addf(out, "<rect class=\"band\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%.1f\"/>",
                        across(s, study->band_low), TOP - 6, across(s, study->band_high) - across(s, study->band_low),
                        bottom - TOP + 6);
    const double step = s->high - s->low > 1.01 ? 0.5 : s->high - s->low > 0.5 ? 0.2 : 0.1;
    for (int i = (int)ceil(s->low / step - 1e-9); i * step <= s->high + 1e-9; i++) {
        const double x = across(s, i * step);
        triad_text_addf(out, "<line class=\"%s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%.1f\"/>",
                        difference && i == 0 ? "zero" : "grid", x, x, TOP - 6, bottom);
        triad_text_addf(out, "<text class=\"tick\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">", x, bottom + 16);
        html_number(out, i * step, 1);
        triad_text_add(out, "</text>");
    }
    triad_text_addf(out, "<text class=\"head\" x=\"%.1f\" y=\"16\">", s->left);
    html_escape(out, study->reading[reading].name);
    triad_text_add(out, "</text>");
}

void figure_forest(triad_text *out, const report_study *study, const report_row *rows, size_t count, bool difference)
{
    double low, high;
    span(rows, count, difference, &low, &high);
    const double bottom = TOP + (double)count * ROW;
    const int width = LABEL + REPORT_READINGS * PANEL + (REPORT_READINGS - 1) * GAP + 12;
    triad_text_addf(out,
                    "<svg class=\"fig\" viewBox=\"0 0 %d %.0f\" role=\"img\" aria-label=\"%s at k = %d with intervals; "
                    "the numbers stand in the table\">",
                    width, bottom + BOTTOM, difference ? "Paired differences of precision" : "Precision", study->k);
    scale scales[REPORT_READINGS];
    for (int r = 0; r < REPORT_READINGS; r++) {
        scales[r] = (scale){low, high, LABEL + (double)r * (PANEL + GAP)};
        panel(out, study, r, &scales[r], bottom, difference);
    }
    for (size_t i = 0; i < count; i++) {
        const double y = TOP + ((double)i + 0.5) * ROW;
        triad_text_addf(out, "<text class=\"label\" text-anchor=\"end\" x=\"%d\" y=\"%.1f\">", LABEL - 16, y + 4);
        html_escape(out, rows[i].label);
        triad_text_add(out, "</text>");
        for (int r = 0; r < REPORT_READINGS; r++) row_mark(out, &scales[r], &rows[i], r, y);
    }
    triad_text_add(out, "</svg>");
}
