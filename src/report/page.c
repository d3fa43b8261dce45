/* The page: its sections in order, and the checks that make the struct safe to walk. */
#include "report/html.h"

#include <math.h>

static void text_of(triad_text *out, const char *tag, const char *class, const char *text)
{
    if (text == NULL) return;
    triad_text_addf(out, class != NULL ? "<%s class=\"%s\">" : "<%s>", tag, class);
    html_escape(out, text);
    triad_text_addf(out, "</%s>\n", tag);
}

static void section(triad_text *out, const char *id, const char *title)
{
    triad_text_addf(out, "<section id=\"%s\"><h2>", id);
    html_escape(out, title);
    triad_text_add(out, "</h2>\n");
}

static void numbers(triad_text *out)
{
    triad_text_add(out, "\n<details><summary>The numbers</summary><div class=\"scroll\">");
}

static void numbers_end(triad_text *out)
{
    triad_text_add(out, "</div></details>\n");
}

static void header(triad_text *out, const report_study *study)
{
    triad_text_add(out, "<header><p class=\"kicker\">Triad study <i>");
    html_escape(out, study->name);
    triad_text_add(out, "</i></p>\n");
    text_of(out, "h1", NULL, study->title);
    triad_text_add(out, "<dl class=\"facts\">");
    for (size_t i = 0; i < study->facts; i++) {
        triad_text_add(out, "<div><dt>");
        html_escape(out, study->fact[i].label);
        triad_text_add(out, "</dt><dd>");
        html_escape(out, study->fact[i].text);
        triad_text_add(out, "</dd></div>");
    }
    triad_text_add(out, "</dl></header>\n");
}

static void verdict(triad_text *out, const report_study *study)
{
    section(out, "verdict", "The verdict, given the controls");
    text_of(out, "p", "lead", study->headline);
    for (size_t i = 0; i < study->paragraphs; i++) text_of(out, "p", NULL, study->paragraph[i]);
    for (size_t i = 0; i < study->warnings; i++) text_of(out, "p", "warning", study->warning[i]);
    if (study->claims > 0) {
        triad_text_add(out, "<h3>The published claims, one by one</h3>\n<div class=\"scroll\">");
        table_claims(out, study);
        triad_text_add(out, "</div>\n");
    }
    triad_text_add(out, "</section>\n");
}

static void key_marks(triad_text *out, const report_study *study)
{
    triad_text_add(
        out, "<p class=\"legend\"><span><svg viewBox=\"0 0 34 12\" class=\"c-agent\"><line class=\"whisker thin\" "
             "x1=\"2\" x2=\"32\" y1=\"6\" y2=\"6\"/><line class=\"whisker thick\" x1=\"9\" x2=\"25\" y1=\"6\" "
             "y2=\"6\"/><circle class=\"dot\" cx=\"17\" cy=\"6\" r=\"5\"/></svg>value, 95 % "
             "interval");
    if (study->interval != NULL) triad_text_add(out, " ");
    html_escape(out, study->interval);
    if (study->over_words) triad_text_add(out, "; thick: over sentences");
    triad_text_add(
        out,
        "</span><span><svg viewBox=\"0 0 34 12\" class=\"c-agent\"><line class=\"member\" x1=\"12\" x2=\"12\" y1=\"2\" "
        "y2=\"10\"/><line class=\"member\" x1=\"20\" x2=\"20\" y1=\"2\" y2=\"10\"/></svg>single seeds</span>"
        "<span><svg viewBox=\"0 0 34 12\"><rect class=\"null relabel\" x=\"2\" y=\"4\" width=\"30\" height=\"5\" "
        "rx=\"1.5\"/></svg>relabel null, mean ± 2 sd</span>"
        "<span><svg viewBox=\"0 0 34 12\"><rect class=\"null iid\" x=\"2\" y=\"4\" width=\"30\" height=\"5\" "
        "rx=\"1.5\"/></svg>iid null</span>"
        "<span><svg viewBox=\"0 0 34 12\"><rect class=\"band\" x=\"2\" y=\"0\" width=\"30\" "
        "height=\"12\"/></svg>published level ");
    html_number(out, study->band_low, 2);
    triad_text_add(out, "–");
    html_number(out, study->band_high, 2);
    triad_text_add(out, "</span></p>\n");
}

static void evidence(triad_text *out, const report_study *study)
{
    section(out, "evidence", "Action against language, beside what explains it");
    triad_text_add(out, "<div class=\"readings\">");
    for (int r = 0; r < REPORT_READINGS; r++) {
        triad_text_add(out, "<p><b>");
        html_escape(out, study->reading[r].name);
        triad_text_add(out, ".</b> ");
        html_escape(out, study->reading[r].meaning);
        triad_text_add(out, " <code>");
        html_escape(out, study->reading[r].measure);
        triad_text_add(out, "</code></p>");
    }
    triad_text_add(out, "</div>\n<figure>");
    figure_forest(out, study, study->row, study->rows, false);
    key_marks(out, study);
    triad_text_addf(out,
                    "<figcaption>Precision at k = %d. The iid null shuffles sentences: is there any relation? The "
                    "relabel null renames colours, objects and places "
                    "consistently: does it matter which word is which? Only what lies beyond the relabel null is about "
                    "meaning.</figcaption></figure>",
                    study->k);
    numbers(out);
    table_rows(out, study, study->row, study->rows, false);
    numbers_end(out);
    if (study->differences > 0) {
        triad_text_add(out, "<h3>Paired differences on the same sentences</h3>\n<figure>");
        figure_forest(out, study, study->difference, study->differences, true);
        triad_text_add(out, "</figure>");
        numbers(out);
        table_rows(out, study, study->difference, study->differences, true);
        numbers_end(out);
    }
    triad_text_add(out, "</section>\n");
}

static void trees(triad_text *out, const report_study *study)
{
    bool any = false;
    for (int r = 0; r < REPORT_READINGS; r++) any = any || (study->tree[r].merge != NULL && study->spaces > 1);
    if (!any) return;
    triad_text_add(out, "<h3>Which of them lie together</h3>\n<div class=\"two\">");
    for (int r = 0; r < REPORT_READINGS; r++) {
        if (study->tree[r].merge == NULL) continue;
        triad_text_add(out, "<figure><h3>");
        html_escape(out, study->reading[r].name);
        triad_text_add(out, "</h3>");
        if (!figure_tree(out, study, r)) out->failed = true;
        triad_text_add(out, "</figure>");
    }
    triad_text_add(out, "</div>\n<p class=\"legend\">Two branches join where the mean precision between their spaces "
                        "stands (average linkage).</p>\n");
}

static void matrices(triad_text *out, const report_study *study)
{
    section(out, "pairs", "Every pair of spaces");
    triad_text_add(out, "<div class=\"two\">");
    for (int r = 0; r < REPORT_READINGS; r++) {
        triad_text_add(out, "<figure><h3>");
        html_escape(out, study->reading[r].name);
        triad_text_add(out, "</h3>");
        figure_matrix(out, study, r);
        triad_text_add(out, "</figure>");
    }
    triad_text_addf(out,
                    "</div>\n<p class=\"legend\"><span><svg viewBox=\"0 0 14 12\"><circle class=\"survives\" cx=\"7\" "
                    "cy=\"6\" r=\"3\"/></svg>the relabel null is rejected at 5 %% (one pair at a time)</span>"
                    "<span><svg viewBox=\"0 0 20 12\"><rect class=\"inband\" x=\"2\" y=\"1\" width=\"16\" "
                    "height=\"10\"/></svg>value within %.2f–%.2f</span><span>small print: 95 %% interval",
                    study->band_low, study->band_high);
    triad_text_add(out, study->interval == NULL ? "" : study->over_words ? " over words" : " over sentences");
    triad_text_add(out, "</span></p>\n");
    triad_text_add(out, "<div "
                        "class=\"scroll\"><table><thead><tr><th>Space</th><th>Kind</th><th>Source</th><th>Layer</"
                        "th><th>Pooling</th><th class=\"num\">Width</th></tr></thead><tbody>");
    for (size_t i = 0; i < study->spaces; i++) {
        const report_space *s = &study->space[i];
        triad_text_addf(out, "<tr><th scope=\"row\"><span class=\"key c-%s\"></span>", html_role_class(s->role));
        html_escape(out, s->name);
        triad_text_addf(out, "</th><td>%s</td><td><code>", html_role_name(s->role));
        html_escape(out, s->source);
        triad_text_add(out, "</code></td><td>");
        html_escape(out, s->layer);
        triad_text_add(out, "</td><td>");
        html_escape(out, s->pool);
        triad_text_addf(out, "</td><td class=\"num\">%zu</td></tr>", s->width);
    }
    triad_text_add(out, "</tbody></table></div>");
    numbers(out);
    table_pairs(out, study);
    numbers_end(out);
    trees(out, study);
    triad_text_add(out, "</section>\n");
}

static void maps(triad_text *out, const report_study *study)
{
    const report_maps *m = &study->maps;
    if (m->views == 0 || m->points == 0) return;
    section(out, "maps", "Maps for the eye");
    triad_text_addf(out, "<p>Every dot is an instruction%s", m->of > m->points ? "" : ".");
    if (m->of > m->points) triad_text_addf(out, ": %zu of the %zu, drawn at random.", m->points, m->of);
    triad_text_add(out,
                   " A map shows where to look; whether it is there, the figures above say under their nulls. t-SNE "
                   "keeps neighbours together, but sizes of clusters and distances between them mean little. "
                   "Pointing at a dot marks the same instruction in every space.</p>\n");
    figure_views(out, m);
    triad_text_add(out, "</section>\n");
}

static void charts(triad_text *out, const report_study *study, const char *id, const char *title, const char *words,
                   const report_chart *chart, size_t count)
{
    if (count == 0) return;
    section(out, id, title);
    text_of(out, "p", NULL, words);
    triad_text_add(out, "<div class=\"two\">");
    for (size_t i = 0; i < count; i++) {
        triad_text_add(out, "<figure>");
        text_of(out, "h3", NULL, chart[i].title);
        figure_chart(out, study, &chart[i]);
        text_of(out, "figcaption", NULL, chart[i].caption);
        numbers(out);
        table_chart(out, &chart[i]);
        numbers_end(out);
        triad_text_add(out, "</figure>");
    }
    triad_text_add(out, "</div></section>\n");
}

static void agents(triad_text *out, const report_study *study)
{
    if (study->agents == 0) return;
    section(out, "agents", "Do the agents act on their instructions?");
    triad_text_add(out, "<figure>");
    figure_success(out, study);
    triad_text_add(
        out,
        "<p class=\"legend\"><span><svg viewBox=\"0 0 14 12\" class=\"c-agent\"><circle class=\"dot\" cx=\"7\" "
        "cy=\"6\" r=\"4\"/></svg>own instruction, Wilson 95 %</span>"
        "<span><svg viewBox=\"0 0 14 12\" class=\"c-agent\"><circle class=\"hollow\" cx=\"7\" cy=\"6\" "
        "r=\"3.4\"/></svg>another episode's instruction</span>"
        "<span class=\"c-agent\"><span class=\"key c-agent\"></span>trained</span><span class=\"c-untrained\"><span "
        "class=\"key c-untrained\"></span>untrained twin</span></p>"
        "<figcaption>Success of the most probable action on test episodes that no training ever drew. The gap between "
        "the own and a foreign instruction shows language being used; success alone does not.</figcaption></figure>");
    numbers(out);
    table_success(out, study);
    numbers_end(out);
    triad_text_add(out, "</section>\n");
}

static void card(triad_text *out, const report_study *study)
{
    if (study->choices > 0) {
        section(out, "protocol", "Protocol card");
        triad_text_add(out,
                       "<p>What the published abstract leaves open had to be chosen. <i>Known</i>: it says so. "
                       "<i>Assumed</i>: our choice. <i>Swept</i>: several are reported.</p>\n<div class=\"scroll\">");
        table_choices(out, study);
        triad_text_add(out, "</div></section>\n");
    }
    if (study->controls > 0) {
        section(out, "controls", "What each control separates");
        triad_text_add(out, "<dl class=\"controls\">");
        for (size_t i = 0; i < study->controls; i++) {
            triad_text_add(out, "<dt>");
            html_escape(out, study->control[i].label);
            triad_text_add(out, "</dt><dd>");
            html_escape(out, study->control[i].text);
            triad_text_add(out, "</dd>");
        }
        triad_text_add(out, "</dl></section>\n");
    }
}

static triad_status check(const report_study *study, triad_error *err)
{
    for (size_t i = 0; i < study->pairs; i++)
        if (study->pair[i].x >= study->spaces || study->pair[i].y >= study->spaces ||
            study->pair[i].x == study->pair[i].y)
            return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                              "report: pair %zu names a space that is not in the table (make the results again)",
                              i + 1);
    if (!(study->band_low < study->band_high))
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                          "report: the published band is empty (give its lower and upper end)");
    for (int r = 0; r < REPORT_READINGS; r++) {
        const report_tree *tree = &study->tree[r];
        if (tree->merge == NULL) continue;
        bool good = study->spaces > 1 && tree->leaf != NULL;
        for (size_t i = 0; good && i < study->spaces; i++) good = tree->leaf[i] < study->spaces;
        for (size_t m = 0; good && m + 1 < study->spaces; m++)
            good = tree->merge[m].a < study->spaces + m && tree->merge[m].b < study->spaces + m &&
                   isfinite(tree->merge[m].height);
        if (!good)
            return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                              "report: the tree does not fit the table of spaces (make the results again)");
    }
    for (size_t f = 0; f < study->maps.factors; f++)
        for (size_t i = 0; i < study->maps.points; i++)
            if (f >= 26 || study->maps.factor[f].class_of[i] >= study->maps.factor[f].classes)
                return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                                  "report: sentence %zu of the maps has no class (make the results again)", i + 1);
    return TRIAD_OK;
}

triad_status report_html(const report_study *study, triad_text *out, triad_error *err)
{
    const triad_status bad = check(study, err);
    if (bad != TRIAD_OK) return bad;
    triad_text_add(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                        "content=\"width=device-width, initial-scale=1\">\n"
                        "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    html_escape(out, study->title);
    triad_text_add(out, "</title>\n<meta name=\"generator\" content=\"");
    html_escape(out, study->created_by);
    triad_text_add(out, "\">\n<style>");
    triad_text_add(out, REPORT_STYLE);
    style_views(out, &study->maps);
    triad_text_add(out, "</style></head>\n<body><main>\n");
    header(out, study);
    verdict(out, study);
    evidence(out, study);
    if (study->pairs > 0) matrices(out, study);
    maps(out, study);
    charts(out, study, "precision", "Precision against k",
           "A level that depends on k alone says little; the distance between the curves does not.", study->k_chart,
           study->k_charts);
    charts(out, study, "layers", "Layer by layer", NULL, study->layer_chart, study->layer_charts);
    agents(out, study);
    card(out, study);
    triad_text_add(out, "</main><footer>");
    html_escape(out, study->created_by);
    triad_text_add(out, ". The numbers of this page stand in results.json and results.csv beside it.</footer>\n<div "
                        "id=\"tip\" role=\"status\" hidden></div>\n<script>");
    triad_text_add(out, REPORT_SCRIPT);
    triad_text_add(out, "</script></body></html>\n");
    if (out->failed) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "report: out of memory while the page was written");
    return TRIAD_OK;
}
