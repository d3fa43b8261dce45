/* Maps of several spaces: the same sentences as dots, one small picture a space. Which map and which colours are chosen
 * by radio buttons that the style sheet reads; no script is needed. */
#include "report/html.h"

#include <math.h>

enum { SIDE = 260, RIM = 8 };

/* "b3": class 3 of the second factor. */
static void class_token(triad_text *out, size_t factor, size_t class)
{
    triad_text_addf(out, "%c%zu", (char)('a' + factor), class);
}

void style_views(triad_text *out, const report_maps *maps)
{
    for (size_t f = 0; f < maps->factors; f++) {
        const report_factor *factor = &maps->factor[f];
        triad_text_addf(out, "#by-%zu:checked~.switch label[for=by-%zu]{color:var(--ink);border-color:var(--ink)}", f,
                        f);
        triad_text_addf(out, "#by-%zu:focus-visible~.switch label[for=by-%zu]{outline:2px solid var(--band)}", f, f);
        triad_text_addf(out, ".maps .by-%zu{display:none}#by-%zu:checked~.by-%zu{display:flex}\n", f, f, f);
        for (size_t c = 0; c < factor->classes; c++) {
            triad_text_addf(out, "#by-%zu:checked~.clouds .", f);
            class_token(out, f, c);
            triad_text_addf(out, "{fill:%s}", report_class_colour(factor, c));
        }
        triad_text_add(out, "\n");
    }
}

/* The same scale along both axes: distances are what a map shows. */
static void dots(triad_text *out, const report_maps *maps, const double *placement, const char *class)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    for (size_t i = 0; i < maps->points; i++)
        for (size_t c = 0; c < 2; c++) {
            low[c] = fmin(low[c], placement[2 * i + c]);
            high[c] = fmax(high[c], placement[2 * i + c]);
        }
    const double extent = fmax(high[0] - low[0], high[1] - low[1]), scale = extent > 0 ? (SIDE - 2 * RIM) / extent : 0;
    triad_text_addf(out, "<g class=\"%s\">\n", class);
    for (size_t i = 0; i < maps->points; i++) {
        const double x = SIDE / 2.0 + (placement[2 * i] - 0.5 * (low[0] + high[0])) * scale,
                     y = SIDE / 2.0 - (placement[2 * i + 1] - 0.5 * (low[1] + high[1])) * scale;
        triad_text_add(out, "<circle class=\"");
        for (size_t f = 0; f < maps->factors; f++) {
            if (f > 0) triad_text_add(out, " ");
            class_token(out, f, maps->factor[f].class_of[i]);
        }
        triad_text_addf(out, "\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.4\"/>", x, y);
    }
    triad_text_add(out, "</g>\n");
}

static void view(triad_text *out, const report_maps *maps, const report_view *of)
{
    triad_text_addf(out, "<figure><h3><span class=\"key c-%s\"></span>", html_role_class(of->role));
    html_escape(out, of->name);
    triad_text_addf(out, "</h3><svg class=\"fig cloud\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"Map of ", SIDE,
                    SIDE);
    html_escape(out, of->name);
    triad_text_addf(out, ": %zu sentences as dots\"><rect class=\"ground\" width=\"%d\" height=\"%d\"/>\n",
                    maps->points, SIDE, SIDE);
    dots(out, maps, of->tsne, "tsne");
    dots(out, maps, of->pca, "pca");
    triad_text_add(out, "</svg>\n<figcaption><span class=\"tsne\">trustworthiness ");
    html_number(out, of->trust[1], 2);
    triad_text_addf(out, "</span><span class=\"pca\">%.0f %% + %.0f %% of the variance; trustworthiness ",
                    100 * of->share[0], 100 * of->share[1]);
    html_number(out, of->trust[0], 2);
    triad_text_add(out, "</span></figcaption></figure>\n");
}

static void choice(triad_text *out, const char *group, const char *id, size_t number, bool chosen)
{
    triad_text_addf(out, "<input class=\"pick\" type=\"radio\" name=\"%s\" id=\"%s-%zu\"%s>", group, id, number,
                    chosen ? " checked" : "");
}

void figure_views(triad_text *out, const report_maps *maps)
{
    triad_text_add(out, "<div class=\"maps\">\n");
    for (size_t m = 0; m < 2; m++) choice(out, "map", "map", m, m == 0);
    for (size_t f = 0; f < maps->factors; f++) choice(out, "by", "by", f, f == 0);
    triad_text_add(out,
                   "\n<p class=\"switch\"><b>Map</b><label for=\"map-0\">t-SNE</label><label for=\"map-1\">principal "
                   "components</label>");
    if (maps->factors > 0) triad_text_add(out, "<b>Colour</b>");
    for (size_t f = 0; f < maps->factors; f++) {
        triad_text_addf(out, "<label for=\"by-%zu\">", f);
        html_escape(out, maps->factor[f].name);
        triad_text_add(out, "</label>");
    }
    triad_text_add(out, "</p>\n");
    for (size_t f = 0; f < maps->factors; f++) {
        const report_factor *factor = &maps->factor[f];
        triad_text_addf(out, "<p class=\"legend by-%zu\">", f);
        for (size_t c = 0; c < factor->classes; c++) {
            triad_text_addf(out, "<span><i class=\"swatch\" style=\"background:%s\"></i>",
                            report_class_colour(factor, c));
            html_escape(out, factor->class_name[c][0] ? factor->class_name[c] : "(none)");
            triad_text_add(out, "</span>");
        }
        triad_text_add(out, "</p>\n");
    }
    triad_text_add(out, "<div class=\"clouds\">\n");
    for (size_t i = 0; i < maps->views; i++) view(out, maps, &maps->view[i]);
    triad_text_add(out, "</div></div>\n<ol id=\"sentences\" hidden>");
    for (size_t i = 0; i < maps->points; i++) {
        triad_text_add(out, "<li>");
        html_escape(out, maps->text[i]);
        triad_text_add(out, "</li>");
    }
    triad_text_add(out, "</ol>\n");
}
