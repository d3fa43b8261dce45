#include "report/html.h"

#include <math.h>
#include <stdio.h>

void html_escape(triad_text *out, const char *text)
{
    if (text == NULL) return;
    const char *from = text;
    for (const char *at = text;; at++) {
        const char *as = NULL;
        switch (*at) {
        case '&':
            as = "&amp;";
            break;
        case '<':
            as = "&lt;";
            break;
        case '>':
            as = "&gt;";
            break;
        case '"':
            as = "&quot;";
            break;
        case '\n':
            as = "&#10;";
            break;
        case ' ': /* a percent sign stays with its number */
            if (at[1] != '%') continue;
            as = "&#160;";
            break;
        case '\0':
            break;
        default:
            continue;
        }
        triad_text_add_bytes(out, from, (size_t)(at - from));
        if (*at == '\0') return;
        triad_text_add(out, as);
        from = at + 1;
    }
}

void html_number(triad_text *out, double value, int decimals)
{
    if (!isfinite(value)) {
        triad_text_add(out, "–");
        return;
    }
    char digits[64];
    snprintf(digits, sizeof digits, "%.*f", decimals, fabs(value));
    bool zero = true;
    for (const char *c = digits; *c; c++)
        if (*c >= '1' && *c <= '9') zero = false;
    if (value < 0 && !zero) triad_text_add(out, "−");
    triad_text_add(out, digits);
}

void html_p(triad_text *out, double p)
{
    if (!isfinite(p)) return;
    if (p < 0.001)
        triad_text_add(out, "p &lt; 0.001");
    else
        triad_text_addf(out, "p = %.*f", p < 0.1 ? 3 : 2, p);
}

void html_span(triad_text *out, const report_span *span, int decimals)
{
    if (!isfinite(span->low) || !isfinite(span->high)) return;
    triad_text_add(out, "[");
    html_number(out, span->low, decimals);
    triad_text_add(out, ", ");
    html_number(out, span->high, decimals);
    triad_text_add(out, "]");
}

void html_interval(triad_text *out, const report_estimate *estimate, int decimals, bool sign)
{
    if (sign && isfinite(estimate->value) && estimate->value > 0) triad_text_add(out, "+");
    html_number(out, estimate->value, decimals);
    if (!isfinite(estimate->low) || !isfinite(estimate->high)) return;
    triad_text_add(out, " ");
    html_span(out, &(report_span){estimate->low, estimate->high}, decimals);
}

const char *html_role_class(report_role role)
{
    static const char *const names[REPORT_ROLES] = {"agent", "untrained", "decoder", "encoder", "words", "random"};
    return (unsigned)role < REPORT_ROLES ? names[role] : "random";
}

const char *html_role_name(report_role role)
{
    static const char *const names[REPORT_ROLES] = {"agent",   "untrained twin", "decoder",
                                                    "encoder", "shared words",   "random"};
    return (unsigned)role < REPORT_ROLES ? names[role] : "";
}

static void tip_null(triad_text *out, const char *name, const report_null *null)
{
    if (!isfinite(null->mean)) return;
    triad_text_addf(out, "&#10;%s null: ", name);
    html_number(out, null->mean, 3);
    triad_text_add(out, " ± ");
    html_number(out, null->sd, 3);
    if (isfinite(null->p)) triad_text_add(out, ", ");
    html_p(out, null->p);
}

void html_tip(triad_text *out, const report_estimate *estimate)
{
    html_interval(out, estimate, 3, false);
    if (isfinite(estimate->chance)) {
        triad_text_add(out, "&#10;chance: ");
        html_number(out, estimate->chance, 3);
    }
    tip_null(out, "iid", &estimate->iid);
    tip_null(out, "relabel", &estimate->relabel);
}
