/* Spaces as a tree: where two branches join stands the mean precision between them. */
#include "report/html.h"

#include <math.h>
#include <stdlib.h>

enum { LEFT = 116, WIDTH = 360, ROW = 24, TOP = 8, BOTTOM = 46, RIGHT = 16 };

typedef struct axis {
    double low; /* the precision at the right end; 1 stands at the left */
} axis;

static double across(const axis *a, double precision)
{
    return LEFT + (1 - precision) / (1 - a->low) * WIDTH;
}

static void scale(triad_text *out, const axis *a, double bottom, int k)
{
    const double step = 1 - a->low > 0.5 ? 0.2 : 0.1;
    for (int i = 0; 1 - i * step >= a->low - 1e-9; i++) {
        const double x = across(a, 1 - i * step);
        triad_text_addf(out, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%.1f\"/>", x, x, TOP, bottom);
        triad_text_addf(out, "<text class=\"tick\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">%.1f</text>", x,
                        bottom + 16, fabs(1 - i * step));
    }
    triad_text_addf(out,
                    "<text class=\"axis\" text-anchor=\"middle\" x=\"%d\" y=\"%.1f\">mean precision at k = %d</text>",
                    LEFT + WIDTH / 2, bottom + 36, k);
}

/* A bracket from the two branches to where they join; node [2 n - 1] holds x and y of every node. */
static void joint(triad_text *out, const triad_merge *merge, double (*node)[2], double x)
{
    triad_text_addf(out, "<g class=\"mark\" data-tip=\"%u spaces, joined at a mean precision of ", merge->size);
    html_number(out, 1 - merge->height, 3);
    triad_text_addf(
        out,
        "\"><path class=\"reach\" d=\"M%.1f %.1fV%.1f\"/><path class=\"branch\" d=\"M%.1f %.1fH%.1fV%.1fH%.1f\"/></g>",
        x, node[merge->a][1], node[merge->b][1], node[merge->a][0], node[merge->a][1], x, node[merge->b][1],
        node[merge->b][0]);
}

bool figure_tree(triad_text *out, const report_study *study, int reading)
{
    const report_tree *tree = &study->tree[reading];
    const size_t n = study->spaces;
    double(*node)[2] = malloc((2 * n + 1) * sizeof *node);
    if (node == NULL) return false;
    const double bottom = TOP + (double)n * ROW;
    const axis a = {fmin(0.9, floor((1 - tree->merge[n - 2].height) * 10 + 1e-9) / 10)};
    triad_text_addf(out, "<svg class=\"fig tree\" viewBox=\"0 0 %d %.0f\" role=\"img\" aria-label=\"",
                    LEFT + WIDTH + RIGHT, bottom + BOTTOM);
    html_escape(out, study->reading[reading].name);
    triad_text_add(out, ": the spaces as a tree; the numbers stand in the table\">");
    scale(out, &a, bottom, study->k);
    for (size_t i = 0; i < n; i++) {
        const uint32_t leaf = tree->leaf[i];
        node[leaf][0] = LEFT;
        node[leaf][1] = TOP + ((double)i + 0.5) * ROW;
        triad_text_addf(out, "<text class=\"label c-%s\" text-anchor=\"end\" x=\"%d\" y=\"%.1f\">",
                        html_role_class(study->space[leaf].role), LEFT - 8, node[leaf][1] + 4);
        html_escape(out, study->space[leaf].name);
        triad_text_add(out, "</text>");
    }
    for (size_t m = 0; m + 1 < n; m++) {
        const triad_merge *merge = &tree->merge[m];
        node[n + m][0] = across(&a, 1 - merge->height);
        node[n + m][1] = 0.5 * (node[merge->a][1] + node[merge->b][1]);
        joint(out, merge, node, node[n + m][0]);
    }
    triad_text_add(out, "</svg>");
    free(node);
    return true;
}
