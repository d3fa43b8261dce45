/* Curves over k or over layers, with their intervals as ribbons and names at their right ends. */
#include "report/html.h"

#include <math.h>

enum { LEFT = 46, WIDTH = 400, TOP = 16, HEIGHT = 236, BOTTOM = 50, NAMES = 150, MAX_NAMES = 32 };

static double place(const report_chart *chart, size_t i)
{
    if (chart->ticks < 2) return LEFT + WIDTH / 2.0;
    if (chart->x == NULL) return LEFT + (double)i / (double)(chart->ticks - 1) * WIDTH;
    const double low = chart->x[0], high = chart->x[chart->ticks - 1];
    return LEFT + (high > low ? (chart->x[i] - low) / (high - low) : 0.5) * WIDTH;
}

static double height(double value)
{
    return TOP + (1 - fmin(fmax(value, 0), 1)) * HEIGHT;
}

static double name_width(const char *name)
{
    size_t letters = 0;
    for (const char *c = name; *c; c++) letters += ((unsigned char)*c & 0xC0) != 0x80;
    return 6.4 * (double)letters + 5;
}

/* Evenly spaced names are thinned evenly; uneven ones (values of k) where they would touch. The last always stands. */
static size_t name_stride(const report_chart *chart)
{
    if (chart->x != NULL || chart->ticks < 2) return 1;
    double widest = 0;
    for (size_t i = 0; i < chart->ticks; i++) widest = fmax(widest, name_width(chart->tick[i]));
    const double gap = WIDTH / (double)(chart->ticks - 1);
    size_t stride = 1;
    while ((double)stride * gap < widest) stride++;
    return stride;
}

static void frame(triad_text *out, const report_study *study, const report_chart *chart)
{
    if (chart->band)
        triad_text_addf(out, "<rect class=\"band\" x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%.1f\"/>", LEFT,
                        height(study->band_high), WIDTH, height(study->band_low) - height(study->band_high));
    for (int i = 0; i <= 5; i++) {
        triad_text_addf(out, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT, LEFT + WIDTH,
                        height(i * 0.2), height(i * 0.2));
        triad_text_addf(out, "<text class=\"tick\" text-anchor=\"end\" x=\"%d\" y=\"%.1f\">%.1f</text>", LEFT - 7,
                        height(i * 0.2) + 3.5, i * 0.2);
    }
    const size_t stride = name_stride(chart);
    double taken = -1e9;
    for (size_t i = 0; i < chart->ticks; i++) {
        const double x = place(chart, i), half = name_width(chart->tick[i]) / 2, end = place(chart, chart->ticks - 1);
        const bool last = i + 1 == chart->ticks;
        if (!last &&
            (i % stride != 0 || x - half < taken || x + half > end - name_width(chart->tick[chart->ticks - 1]) / 2))
            continue;
        taken = x + half;
        triad_text_addf(out, "<text class=\"tick\" text-anchor=\"middle\" x=\"%.1f\" y=\"%d\">", x, TOP + HEIGHT + 17);
        html_escape(out, chart->tick[i]);
        triad_text_add(out, "</text>");
    }
    triad_text_addf(out, "<text class=\"axis\" text-anchor=\"middle\" x=\"%d\" y=\"%d\">", LEFT + WIDTH / 2,
                    TOP + HEIGHT + 38);
    html_escape(out, chart->x_label);
    triad_text_add(out, "</text>");
}

static void ribbon(triad_text *out, const report_chart *chart, const report_curve *curve)
{
    if (curve->low == NULL || curve->high == NULL) return;
    /* One polygon for each stretch without a gap. */
    for (size_t from = 0; from < chart->ticks;) {
        size_t to = from;
        while (to < chart->ticks && isfinite(curve->low[to]) && isfinite(curve->high[to])) to++;
        if (to > from + 1) {
            triad_text_add(out, "<polygon class=\"ribbon\" points=\"");
            for (size_t i = from; i < to; i++)
                triad_text_addf(out, "%.1f,%.1f ", place(chart, i), height(curve->high[i]));
            for (size_t i = to; i-- > from;) triad_text_addf(out, "%.1f,%.1f ", place(chart, i), height(curve->low[i]));
            triad_text_add(out, "\"/>");
        }
        from = to + 1;
    }
}

static void line(triad_text *out, const report_chart *chart, const report_curve *curve)
{
    triad_text_add(out, "<path class=\"line\" d=\"");
    bool pen = false;
    for (size_t i = 0; i < chart->ticks; i++) {
        if (isfinite(curve->y[i]))
            triad_text_addf(out, "%c%.1f %.1f", pen ? 'L' : 'M', place(chart, i), height(curve->y[i]));
        pen = isfinite(curve->y[i]);
    }
    triad_text_add(out, "\"/>");
    for (size_t i = 0; i < chart->ticks; i++) {
        if (!isfinite(curve->y[i])) continue;
        triad_text_add(out, "<g class=\"mark\" data-tip=\"");
        html_escape(out, curve->label);
        triad_text_add(out, "&#10;");
        html_escape(out, chart->x_label);
        triad_text_add(out, ": ");
        html_escape(out, chart->tick[i]);
        triad_text_add(out, "&#10;");
        const report_estimate e = {curve->y[i],
                                   curve->low != NULL ? curve->low[i] : NAN,
                                   curve->high != NULL ? curve->high[i] : NAN,
                                   NAN,
                                   {NAN, NAN, NAN},
                                   {NAN, NAN, NAN}};
        html_interval(out, &e, 3, false);
        triad_text_addf(out,
                        "\"><circle class=\"hit\" cx=\"%.1f\" cy=\"%.1f\" r=\"7\"/><circle class=\"dot\" cx=\"%.1f\" "
                        "cy=\"%.1f\" r=\"%s\"/></g>",
                        place(chart, i), height(curve->y[i]), place(chart, i), height(curve->y[i]),
                        chart->ticks > 16 ? "1.7" : "2.8");
    }
}

/* Names stand at the height of their curve's end, pushed apart where they would cover each other. */
static void names(triad_text *out, const report_chart *chart)
{
    size_t order[MAX_NAMES];
    double at[MAX_NAMES], end[MAX_NAMES];
    size_t count = 0;
    for (size_t c = 0; c < chart->curves && count < MAX_NAMES; c++) {
        size_t i = chart->ticks;
        while (i > 0 && !isfinite(chart->curve[c].y[i - 1])) i--;
        if (i == 0) continue;
        end[c] = height(chart->curve[c].y[i - 1]);
        size_t j = count++;
        for (; j > 0 && end[order[j - 1]] > end[c]; j--) order[j] = order[j - 1];
        order[j] = c;
    }
    for (size_t j = 0; j < count; j++) at[j] = fmax(end[order[j]], j > 0 ? at[j - 1] + 14 : TOP);
    if (count > 0 && at[count - 1] > TOP + HEIGHT) {
        at[count - 1] = TOP + HEIGHT;
        for (size_t j = count - 1; j-- > 0;) at[j] = fmin(at[j], at[j + 1] - 14);
    }
    for (size_t j = 0; j < count; j++) {
        const report_curve *curve = &chart->curve[order[j]];
        triad_text_addf(
            out,
            "<g class=\"c-%s\"><path class=\"lead\" d=\"M%d %.1fL%d %.1f\"/><text class=\"name\" x=\"%d\" y=\"%.1f\">",
            html_role_class(curve->role), LEFT + WIDTH + 4, end[order[j]], LEFT + WIDTH + 14, at[j], LEFT + WIDTH + 18,
            at[j] + 4);
        html_escape(out, curve->label);
        triad_text_add(out, "</text></g>");
    }
}

void figure_chart(triad_text *out, const report_study *study, const report_chart *chart)
{
    triad_text_addf(out, "<svg class=\"fig\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", LEFT + WIDTH + NAMES,
                    TOP + HEIGHT + BOTTOM);
    html_escape(out, chart->title);
    triad_text_add(out, "; the numbers stand in the table\">");
    frame(out, study, chart);
    for (size_t c = 0; c < chart->curves; c++) {
        triad_text_addf(out, "<g class=\"c-%s\">", html_role_class(chart->curve[c].role));
        ribbon(out, chart, &chart->curve[c]);
        triad_text_add(out, "</g>");
    }
    for (size_t c = chart->curves; c-- > 0;) {
        triad_text_addf(out, "<g class=\"c-%s%s\">", html_role_class(chart->curve[c].role),
                        chart->curve[c].dashed ? " dashed" : "");
        line(out, chart, &chart->curve[c]);
        triad_text_add(out, "</g>");
    }
    names(out, chart);
    triad_text_add(out, "</svg>");
}
