#include "report/map.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/html.h"

enum {
    SIDE = 400, /* of a cloud */
    MARGIN = 28,
    HEAD = 84, /* titles above a panel */
    LEGEND = 190,
    TREE = 240,
    STRIP = 9, /* colours under the tree */
    NAMES_MOST = 90,
    NAME_ROOM = 190
};

static size_t class_at(const report_map *map, size_t i)
{
    return map->factor ? map->factor->class_of[i] : 0;
}

static void text_at(triad_text *out, double x, double y, const char *class, const char *text)
{
    if (text == NULL) return;
    triad_text_addf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
    html_escape(out, text);
    triad_text_add(out, "</text>\n");
}

static void mark(triad_text *out, const report_map *map, size_t class, double x, double y, const char *tip)
{
    const char *colour = report_class_colour(map->factor, class);
    switch (class / REPORT_COLOURS % 3) {
    case 0:
        triad_text_addf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.2\" fill=\"%s\">", x, y, colour);
        break;
    case 1:
        triad_text_addf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"6\" height=\"6\" fill=\"%s\">", x - 3, y - 3, colour);
        break;
    default:
        triad_text_addf(out, "<path d=\"M%.1f %.1fl4 7h-8z\" fill=\"%s\">", x, y - 4.5, colour);
    }
    if (tip) {
        triad_text_add(out, "<title>");
        html_escape(out, tip);
        triad_text_add(out, "</title>");
    }
    static const char *const ends[] = {"</circle>\n", "</rect>\n", "</path>\n"};
    triad_text_add(out, ends[class / REPORT_COLOURS % 3]);
}

/* The same scale along both axes: distances are what a map shows. */
static void draw_cloud(triad_text *out, const report_map *map, const report_cloud *cloud, double left, double top)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    for (size_t i = 0; i < map->n; i++)
        for (size_t c = 0; c < 2; c++) {
            low[c] = fmin(low[c], cloud->placement[2 * i + c]);
            high[c] = fmax(high[c], cloud->placement[2 * i + c]);
        }
    const double extent = fmax(high[0] - low[0], high[1] - low[1]), scale = extent > 0 ? (SIDE - 16) / extent : 0;
    text_at(out, left, top - 22, "head", cloud->title);
    text_at(out, left, top - 7, "soft", cloud->note);
    triad_text_addf(out, "<rect class=\"ground\" x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\"/>\n<g>", left, top,
                    SIDE, SIDE);
    for (size_t i = 0; i < map->n; i++) {
        const double x = left + SIDE / 2.0 + (cloud->placement[2 * i] - 0.5 * (low[0] + high[0])) * scale,
                     y = top + SIDE / 2.0 - (cloud->placement[2 * i + 1] - 0.5 * (low[1] + high[1])) * scale;
        mark(out, map, class_at(map, i), x, y, map->text ? map->text[i] : NULL);
    }
    triad_text_add(out, "</g>\n");
}

static void draw_legend(triad_text *out, const report_map *map, double left, double top)
{
    if (map->factor == NULL) return;
    text_at(out, left, top, "head", map->factor->name);
    for (size_t c = 0; c < map->factor->classes; c++) {
        const double y = top + 20 + 18 * (double)c;
        mark(out, map, c, left + 5, y - 4, NULL);
        text_at(out, left + 16, y, "name", map->factor->class_name[c][0] ? map->factor->class_name[c] : "(none)");
    }
}

/* Branches as brackets, from the leaves at the bottom; place [2 n - 1] of every node. */
static void draw_tree(triad_text *out, const report_map *map, double left, double top, double width, double *place,
                      double *rise)
{
    const size_t n = map->n;
    const double gap = width / (double)n, tallest = map->merge[n - 2].height, floor = top + TREE;
    text_at(out, left, top - 22, "head", map->tree_title);
    text_at(out, left, top - 7, "soft", map->tree_note);
    for (size_t i = 0; i < n; i++) {
        place[map->leaf[i]] = left + gap * ((double)i + 0.5);
        rise[map->leaf[i]] = floor;
    }
    triad_text_add(out, "<path class=\"branch\" d=\"");
    for (size_t m = 0; m + 1 < n; m++) {
        const triad_merge *merge = &map->merge[m];
        const double y = tallest > 0 ? floor - merge->height / tallest * (TREE - 4) : floor;
        triad_text_addf(out, "M%.1f %.1fV%.1fH%.1fV%.1f", place[merge->a], rise[merge->a], y, place[merge->b],
                        rise[merge->b]);
        place[n + m] = 0.5 * (place[merge->a] + place[merge->b]);
        rise[n + m] = y;
    }
    triad_text_add(out, "\"/>\n");
    for (size_t i = 0; i < n; i++) {
        const uint32_t row = map->leaf[i];
        triad_text_addf(out, "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%d\" fill=\"%s\">",
                        left + gap * (double)i, floor + 3, gap, STRIP,
                        report_class_colour(map->factor, class_at(map, row)));
        if (map->text) {
            triad_text_add(out, "<title>");
            html_escape(out, map->text[row]);
            triad_text_add(out, "</title>");
        }
        triad_text_add(out, "</rect>\n");
        if (n <= NAMES_MOST && map->text) {
            triad_text_addf(out, "<text class=\"leaf\" transform=\"translate(%.1f %.1f) rotate(90)\">", place[row] - 3,
                            floor + STRIP + 7);
            html_escape(out, map->text[row]);
            triad_text_add(out, "</text>\n");
        }
    }
}

triad_status report_map_svg(const report_map *map, triad_text *out, triad_error *err)
{
    const bool tree = map->merge != NULL && map->n > 1;
    const double clouds = (double)map->clouds * (SIDE + MARGIN),
                 legend = 20 + 18 * (double)(map->factor ? map->factor->classes : 0),
                 panel = map->clouds ? SIDE + MARGIN : 0,
                 across =
                     clouds > 2 * (SIDE + MARGIN) || map->clouds == 0 ? fmax(clouds, 2.0 * (SIDE + MARGIN)) : clouds,
                 wide = tree ? fmax(across, 2.0 * (SIDE + MARGIN)) : across, width = MARGIN + wide + LEGEND,
                 tree_top = HEAD + panel + 38,
                 bottom = tree ? tree_top + TREE + STRIP + (map->n <= NAMES_MOST ? NAME_ROOM : 20) : HEAD + panel,
                 height = fmax(bottom, HEAD + legend) + MARGIN;
    triad_text_addf(out,
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" "
                    "height=\"%.0f\">\n",
                    width, height, width, height);
    triad_text_add(out,
                   "<style>text{font-family:system-ui,sans-serif;font-size:12px;fill:#1d1f23}.title{font-size:19px;"
                   "font-weight:600}.head{font-size:14px;font-weight:600}.soft{fill:#5d6168;font-size:11px}"
                   ".leaf{font-size:9px}.ground{fill:#f5f3ee}g{opacity:.82}"
                   ".branch{fill:none;stroke:#5d6168;stroke-width:.8}</style>\n"
                   "<rect width=\"100%\" height=\"100%\" fill=\"#fdfcfa\"/>\n");
    text_at(out, MARGIN, 32, "title", map->title);
    for (size_t c = 0; c < map->clouds; c++)
        draw_cloud(out, map, &map->cloud[c], MARGIN + (double)c * (SIDE + MARGIN), HEAD);
    draw_legend(out, map, MARGIN + wide, HEAD + 4);
    if (tree) {
        double *place = malloc(4 * map->n * sizeof *place);
        if (place == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "map: out of memory");
        draw_tree(out, map, MARGIN, map->clouds ? tree_top : HEAD, wide - MARGIN, place, place + 2 * map->n);
        free(place);
    }
    triad_text_add(out, "</svg>\n");
    return out->failed ? triad_fail(err, TRIAD_ERR_MEMORY, -1, "map: out of memory") : TRIAD_OK;
}
