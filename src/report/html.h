/* Small pieces of HTML and SVG text, shared by the figures and tables of the page. */
#ifndef TRIAD_REPORT_HTML_H
#define TRIAD_REPORT_HTML_H

#include "report/report.h"

void html_escape(triad_text *out, const char *text); /* for content and double-quoted attributes; NULL is nothing */
void html_number(triad_text *out, double value, int decimals); /* an en dash for NAN, a true minus sign */
void html_p(triad_text *out, double p);                        /* "p = 0.012"; nothing for NAN */
/* "0.71 [0.69, 0.73]", signed with sign; the interval only where it is defined. */
void html_interval(triad_text *out, const report_estimate *estimate, int decimals, bool sign);

void html_span(triad_text *out, const report_span *span, int decimals); /* "[0.69, 0.73]"; nothing where undefined */

/* "agent", "untrained", …: the class that carries the colour. */
const char *html_role_class(report_role role);
const char *html_role_name(report_role role);

/* Lines of a hover text for an estimate, separated as an attribute wants it. */
void html_tip(triad_text *out, const report_estimate *estimate);

/* Figures, in the order of the page. */
void figure_forest(triad_text *out, const report_study *study, const report_row *rows, size_t count, bool difference);
void figure_matrix(triad_text *out, const report_study *study, int reading);
void figure_chart(triad_text *out, const report_study *study, const report_chart *chart);
void figure_success(triad_text *out, const report_study *study);
bool figure_tree(triad_text *out, const report_study *study, int reading); /* false: memory is out */
void figure_views(triad_text *out, const report_maps *maps);
void style_views(triad_text *out, const report_maps *maps); /* the colours of their classes */

/* Tables that say the figures in numbers. */
void table_rows(triad_text *out, const report_study *study, const report_row *rows, size_t count, bool difference);
void table_pairs(triad_text *out, const report_study *study);
void table_chart(triad_text *out, const report_chart *chart);
void table_success(triad_text *out, const report_study *study);
void table_claims(triad_text *out, const report_study *study);
void table_choices(triad_text *out, const report_study *study);

extern const char REPORT_STYLE[], REPORT_SCRIPT[];

#endif
