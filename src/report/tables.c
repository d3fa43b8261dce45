/* The figures in numbers. */
#include "report/html.h"

#include <math.h>

static void cell_text(triad_text *out, const char *text)
{
    triad_text_add(out, "<td>");
    html_escape(out, text);
    triad_text_add(out, "</td>");
}

static void cell_null(triad_text *out, const report_null *null)
{
    triad_text_add(out, "<td class=\"num\">");
    html_number(out, null->mean, 3);
    if (isfinite(null->sd)) {
        triad_text_add(out, " ± ");
        html_number(out, null->sd, 3);
    }
    if (isfinite(null->p)) triad_text_add(out, "<br><small>");
    html_p(out, null->p);
    if (isfinite(null->p)) triad_text_add(out, "</small>");
    triad_text_add(out, "</td>");
}

/* sentences: the other interval, NULL where there is but one. */
static void cells_estimate(triad_text *out, const report_estimate *e, const report_span *sentences, bool difference)
{
    triad_text_add(out, "<td class=\"num first\">");
    html_interval(out, e, 3, difference);
    if (sentences != NULL && isfinite(sentences->low) && isfinite(sentences->high)) {
        triad_text_add(out, "<br><small>over sentences ");
        html_span(out, sentences, 3);
        triad_text_add(out, "</small>");
    }
    triad_text_add(out, "</td>");
    if (difference) return;
    triad_text_add(out, "<td class=\"num\">");
    html_number(out, e->chance, 3);
    triad_text_add(out, "</td>");
    cell_null(out, &e->iid);
    cell_null(out, &e->relabel);
}

static void head_readings(triad_text *out, const report_study *study, int before, bool difference)
{
    triad_text_addf(out, "<thead><tr><th colspan=\"%d\"></th>", before);
    for (int r = 0; r < REPORT_READINGS; r++) {
        triad_text_addf(out, "<th class=\"first\" colspan=\"%d\">", difference ? 1 : 4);
        html_escape(out, study->reading[r].name);
        triad_text_add(out, "</th>");
    }
    triad_text_add(out, "</tr><tr>");
}

static void head_estimates(triad_text *out, const report_study *study, bool difference)
{
    for (int r = 0; r < REPORT_READINGS; r++) {
        triad_text_addf(out,
                        difference ? "<th class=\"num first\">difference of P@%d [95 %%]</th>"
                                   : "<th class=\"num first\">P@%d [95 %%]</th>",
                        study->k);
        if (!difference)
            triad_text_add(
                out, "<th class=\"num\">chance</th><th class=\"num\">iid null</th><th class=\"num\">relabel null</th>");
    }
    triad_text_add(out, "</tr></thead>");
}

void table_rows(triad_text *out, const report_study *study, const report_row *rows, size_t count, bool difference)
{
    triad_text_add(out, "<table>");
    head_readings(out, study, 1, difference);
    triad_text_add(out, "<th></th>");
    head_estimates(out, study, difference);
    triad_text_add(out, "<tbody>");
    for (size_t i = 0; i < count; i++) {
        triad_text_addf(out, "<tr><th scope=\"row\"><span class=\"key c-%s\"></span>", html_role_class(rows[i].role));
        html_escape(out, rows[i].label);
        if (rows[i].note != NULL) {
            triad_text_add(out, "<br><small>");
            html_escape(out, rows[i].note);
            triad_text_add(out, "</small>");
        }
        triad_text_add(out, "</th>");
        for (int r = 0; r < REPORT_READINGS; r++)
            cells_estimate(out, &rows[i].estimate[r], &rows[i].sentences[r], difference);
        triad_text_add(out, "</tr>");
    }
    triad_text_add(out, "</tbody></table>");
}

void table_pairs(triad_text *out, const report_study *study)
{
    triad_text_add(out, "<table>");
    head_readings(out, study, 2, false);
    triad_text_add(out, "<th>space</th><th>space</th>");
    head_estimates(out, study, false);
    triad_text_add(out, "<tbody>");
    for (size_t i = 0; i < study->pairs; i++) {
        const report_pair *pair = &study->pair[i];
        triad_text_add(out, "<tr>");
        cell_text(out, study->space[pair->x].name);
        cell_text(out, study->space[pair->y].name);
        for (int r = 0; r < REPORT_READINGS; r++) cells_estimate(out, &pair->estimate[r], NULL, false);
        triad_text_add(out, "</tr>");
    }
    triad_text_add(out, "</tbody></table>");
}

void table_chart(triad_text *out, const report_chart *chart)
{
    triad_text_add(out, "<table><thead><tr><th>");
    html_escape(out, chart->x_label);
    triad_text_add(out, "</th>");
    for (size_t c = 0; c < chart->curves; c++) {
        triad_text_add(out, "<th class=\"num\">");
        html_escape(out, chart->curve[c].label);
        triad_text_add(out, "</th>");
    }
    triad_text_add(out, "</tr></thead><tbody>");
    for (size_t i = 0; i < chart->ticks; i++) {
        triad_text_add(out, "<tr><th scope=\"row\">");
        html_escape(out, chart->tick[i]);
        triad_text_add(out, "</th>");
        for (size_t c = 0; c < chart->curves; c++) {
            const report_curve *curve = &chart->curve[c];
            const report_estimate e = {curve->y[i],
                                       curve->low != NULL ? curve->low[i] : NAN,
                                       curve->high != NULL ? curve->high[i] : NAN,
                                       NAN,
                                       {NAN, NAN, NAN},
                                       {NAN, NAN, NAN}};
            triad_text_add(out, "<td class=\"num\">");
            html_interval(out, &e, 3, false);
            triad_text_add(out, "</td>");
        }
        triad_text_add(out, "</tr>");
    }
    triad_text_add(out, "</tbody></table>");
}

static void cell_percent(triad_text *out, double share)
{
    triad_text_add(out, "<td class=\"num\">");
    html_number(out, isfinite(share) ? 100 * share : share, 1);
    triad_text_add(out, "</td>");
}

void table_success(triad_text *out, const report_study *study)
{
    triad_text_add(out, "<table><thead><tr><th>agent</th><th>level</th><th class=\"num\">episodes</th><th "
                        "class=\"num\">success, % [Wilson 95 %]</th>"
                        "<th class=\"num\">foreign instruction, %</th><th class=\"num\">steps</th><th "
                        "class=\"num\">bot's steps</th></tr></thead><tbody>");
    for (size_t a = 0; a < study->agents; a++) {
        const report_agent *agent = &study->agent[a];
        for (size_t l = 0; l < agent->levels; l++) {
            const report_success *s = &agent->level[l];
            triad_text_add(out, l == 0 ? "<tr class=\"group\">" : "<tr>");
            if (l == 0) {
                triad_text_addf(out, "<th scope=\"rowgroup\" rowspan=\"%zu\"><span class=\"key c-%s\"></span>",
                                agent->levels, html_role_class(agent->role));
                html_escape(out, agent->name);
                triad_text_add(out, "<br><small>mean ");
                html_number(out, 100 * agent->mean_success, 1);
                triad_text_add(out, " %</small></th>");
            }
            cell_text(out, s->level);
            triad_text_addf(out, "<td class=\"num\">%zu</td>", s->episodes);
            const report_estimate e = {100 * s->success, 100 * s->low,   100 * s->high, NAN,
                                       {NAN, NAN, NAN},  {NAN, NAN, NAN}};
            triad_text_add(out, "<td class=\"num\">");
            html_interval(out, &e, 1, false);
            triad_text_add(out, "</td>");
            cell_percent(out, s->foreign);
            triad_text_add(out, "<td class=\"num\">");
            html_number(out, s->steps, 1);
            triad_text_add(out, "</td><td class=\"num\">");
            html_number(out, s->steps_bot, 1);
            triad_text_add(out, "</td></tr>");
        }
    }
    triad_text_add(out, "</tbody></table>");
}

void table_claims(triad_text *out, const report_study *study)
{
    static const char *const badge[] = {"reproduced", "not reproduced", "not testable", "undecided"};
    static const char *const class[] = {"yes", "no", "untested", "open"};
    triad_text_add(out, "<table class=\"claims\"><thead><tr><th>Claim</th>");
    for (int r = 0; r < REPORT_READINGS; r++) {
        triad_text_add(out, "<th>");
        html_escape(out, study->reading[r].name);
        triad_text_add(out, "</th>");
    }
    triad_text_add(out, "</tr></thead><tbody>");
    for (size_t i = 0; i < study->claims; i++) {
        const report_claim *claim = &study->claim[i];
        triad_text_add(out, "<tr><th scope=\"row\"><b>");
        html_escape(out, claim->id);
        triad_text_add(out, "</b> ");
        html_escape(out, claim->claim);
        triad_text_add(out, "<br><small>");
        html_escape(out, claim->rule);
        triad_text_add(out, "</small></th>");
        for (int r = 0; r < REPORT_READINGS; r++) {
            const unsigned o = (unsigned)claim->outcome[r] < 4 ? (unsigned)claim->outcome[r] : 2;
            triad_text_addf(out, "<td><span class=\"badge %s\">%s</span><br>", class[o], badge[o]);
            html_escape(out, claim->reason[r]);
            triad_text_add(out, "</td>");
        }
        triad_text_add(out, "</tr>");
    }
    triad_text_add(out, "</tbody></table>");
}

void table_choices(triad_text *out, const report_study *study)
{
    triad_text_add(
        out, "<table "
             "class=\"card\"><thead><tr><th>Choice</th><th>Here</th><th>Status</th><th>Note</th></tr></thead><tbody>");
    for (size_t i = 0; i < study->choices; i++) {
        const report_choice *choice = &study->choice[i];
        triad_text_add(out, "<tr><th scope=\"row\">");
        html_escape(out, choice->choice);
        triad_text_add(out, "</th>");
        cell_text(out, choice->value);
        triad_text_add(out, "<td><span class=\"badge status-");
        html_escape(out, choice->status);
        triad_text_add(out, "\">");
        html_escape(out, choice->status);
        triad_text_add(out, "</span></td>");
        cell_text(out, choice->note);
        triad_text_add(out, "</tr>");
    }
    triad_text_add(out, "</tbody></table>");
}
