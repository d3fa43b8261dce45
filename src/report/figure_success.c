/* The agents' success by level: own instruction against a foreign one, trained against untrained. */
#include "report/html.h"

#include <math.h>

enum { LABEL = 150, WIDTH = 830, STEP = 11, PAD = 16, TOP = 10, BOTTOM = 30 };

static double across(double share)
{
    return LABEL + fmin(fmax(share, 0), 1) * WIDTH;
}

static void mark(triad_text *out, const report_agent *agent, const report_success *s, double y)
{
    if (!isfinite(s->success)) return;
    triad_text_addf(out, "<g class=\"mark c-%s\" tabindex=\"0\" data-tip=\"", html_role_class(agent->role));
    html_escape(out, agent->name);
    triad_text_add(out, " on ");
    html_escape(out, s->level);
    triad_text_addf(out, "&#10;%.1f %% of %zu episodes [%.1f, %.1f]", 100 * s->success, s->episodes, 100 * s->low,
                    100 * s->high);
    if (isfinite(s->foreign)) triad_text_addf(out, "&#10;under a foreign instruction: %.1f %%", 100 * s->foreign);
    if (isfinite(s->steps) && isfinite(s->steps_bot))
        triad_text_addf(out, "&#10;steps: %.1f, the bot's %.1f", s->steps, s->steps_bot);
    triad_text_addf(out, "\"><rect class=\"hit\" x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%d\"/>", LABEL,
                    y - STEP / 2.0, WIDTH, STEP);
    if (isfinite(s->foreign))
        triad_text_addf(out,
                        "<line class=\"reach\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/><circle "
                        "class=\"hollow\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.4\"/>",
                        across(s->foreign), across(s->success), y, y, across(s->foreign), y);
    if (isfinite(s->low) && isfinite(s->high))
        triad_text_addf(out, "<line class=\"whisker\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>",
                        across(s->low), across(s->high), y, y);
    triad_text_addf(out, "<circle class=\"dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/></g>", across(s->success), y);
}

void figure_success(triad_text *out, const report_study *study)
{
    size_t levels = 0;
    const report_agent *fullest = NULL;
    for (size_t a = 0; a < study->agents; a++)
        if (study->agent[a].levels > levels) {
            fullest = &study->agent[a];
            levels = fullest->levels;
        }
    if (fullest == NULL) return;
    const double block = (double)study->agents * STEP + PAD, bottom = TOP + (double)levels * block;
    triad_text_addf(out,
                    "<svg class=\"fig\" viewBox=\"0 0 %d %.0f\" role=\"img\" aria-label=\"Success of the agents by "
                    "level; the numbers stand in the table\">",
                    LABEL + WIDTH + 20, bottom + BOTTOM);
    for (int i = 0; i <= 5; i++) {
        triad_text_addf(out, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%.1f\"/>", across(i * 0.2),
                        across(i * 0.2), TOP, bottom);
        triad_text_addf(out, "<text class=\"tick\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">%d %%</text>",
                        across(i * 0.2), bottom + 17, i * 20);
    }
    for (size_t l = 0; l < levels; l++) {
        const double y = TOP + (double)l * block;
        triad_text_addf(out, "<text class=\"label\" text-anchor=\"end\" x=\"%d\" y=\"%.1f\">", LABEL - 14,
                        y + block / 2 + 4);
        html_escape(out, fullest->level[l].level);
        triad_text_add(out, "</text>");
        if (l > 0)
            triad_text_addf(out, "<line class=\"rule\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LABEL,
                            LABEL + WIDTH, y, y);
        for (size_t a = 0; a < study->agents; a++)
            if (l < study->agent[a].levels)
                mark(out, &study->agent[a], &study->agent[a].level[l], y + PAD / 2.0 + ((double)a + 0.5) * STEP);
    }
    triad_text_add(out, "</svg>");
}
