/* The report: one self-contained HTML page from plain figures. Knows neither folders nor how a figure was measured.
 *
 * Every string is UTF-8 text (never markup) and borrowed for the time of the call. A figure that is undefined is NAN.
 * The same structs give the same bytes. */
#ifndef TRIAD_REPORT_H
#define TRIAD_REPORT_H

#include "base/text.h"
#include "report/classes.h"
#include "triad/base.h"
#include "triad/map.h"

/* Colours and line styles follow the role. */
typedef enum report_role {
    REPORT_AGENT,     /* trained */
    REPORT_UNTRAINED, /* its twin at step 0 */
    REPORT_DECODER,   /* a decoder-only language model */
    REPORT_ENCODER,   /* an encoder of sentences */
    REPORT_WORDS,     /* shared words alone */
    REPORT_RANDOM,    /* nothing */
    REPORT_ROLES
} report_role;

typedef struct report_null {
    double p, mean, sd; /* NAN: not computed */
} report_null;

typedef struct report_estimate {
    double value, low, high; /* with its 95 % interval; NAN: undefined or without an interval */
    double chance;
    report_null iid, relabel;
} report_estimate;

/* The two readings of precision@k stand side by side everywhere: 0 retrieval, 1 neighbour overlap. */
enum { REPORT_READINGS = 2 };
typedef struct report_reading {
    const char *name;    /* "Retrieval" */
    const char *measure; /* "retrieval/strict64/all, mean of both directions, nearest neighbour" */
    const char *meaning; /* one sentence */
} report_reading;

typedef struct report_span {
    double low, high;
} report_span;

typedef struct report_row {
    const char *label, *note;
    report_role role;
    report_estimate estimate[REPORT_READINGS];
    size_t members;                         /* single seeds or pairs behind a mean; 0: none */
    const double *member[REPORT_READINGS];  /* [members] */
    report_span sentences[REPORT_READINGS]; /* the interval over sentences (the estimate's is over words); NAN: none */
} report_row;

typedef struct report_space {
    const char *name, *source, *layer, *pool;
    report_role role;
    size_t width;
} report_space;

typedef struct report_pair {
    size_t x, y; /* into spaces, x != y */
    report_estimate estimate[REPORT_READINGS];
} report_pair;

typedef struct report_curve {
    const char *label;
    report_role role;
    bool dashed;
    const double *y, *low, *high; /* [ticks]; low and high may be NULL; NAN leaves a gap */
} report_curve;

typedef struct report_chart {
    const char *title, *caption, *x_label, *y_label;
    size_t ticks;
    const char *const *tick; /* [ticks] names along x */
    const double *x;         /* [ticks] positions along x; NULL: evenly spaced */
    size_t curves;
    const report_curve *curve;
    bool band; /* mark the band */
} report_chart;

typedef struct report_success {
    const char *level;
    size_t episodes;
    double success, low, high, foreign, steps, steps_bot; /* shares in 0 … 1; NAN: not measured */
} report_success;

typedef struct report_agent {
    const char *name;
    report_role role; /* REPORT_AGENT or REPORT_UNTRAINED */
    size_t levels;
    const report_success *level;
    double mean_success;
} report_agent;

typedef enum report_outcome {
    REPORT_REPRODUCED,
    REPORT_NOT_REPRODUCED,
    REPORT_NOT_TESTABLE,
    REPORT_UNDECIDED
} report_outcome;

typedef struct report_claim {
    const char *id, *claim, *rule; /* the rule by which it was judged */
    report_outcome outcome[REPORT_READINGS];
    const char *reason[REPORT_READINGS];
} report_claim;

typedef struct report_choice {
    const char *choice, *value, *status, *note; /* status: known, assumed, swept */
} report_choice;

typedef struct report_fact {
    const char *label, *text;
} report_fact;

/* A space for the eye. */
typedef struct report_view {
    const char *name;
    report_role role;
    const double *pca, *tsne;  /* [points, 2] */
    double share[2], trust[2]; /* of the variance by axis; trustworthiness of pca and of tsne */
} report_view;

typedef struct report_maps {
    size_t points, of; /* sentences that are shown, of so many */
    size_t views, factors;
    const char *const *text; /* [points] */
    const report_view *view;
    const report_factor *factor; /* what the colours can stand for; at most 26 */
} report_maps;

/* All spaces by average linkage of 1 - precision. */
typedef struct report_tree {
    const triad_merge *merge; /* [spaces - 1]; NULL: no tree */
    const uint32_t *leaf;     /* [spaces] from top to bottom */
} report_tree;

typedef struct report_study {
    const char *name, *title, *created_by;
    const char *headline; /* the verdict in one sentence */
    size_t paragraphs;
    const char *const *paragraph; /* and in some more */
    double band_low, band_high;   /* the published level: 0.70-0.73 */
    int k;                        /* 15 */
    const char
        *interval;   /* what an estimate's interval covers: "over words (colour, object) and seeds"; NULL: not told */
    bool over_words; /* it is over words: rows have one over sentences beside it */
    report_reading reading[REPORT_READINGS];
    size_t facts, rows, differences, claims, spaces, pairs, k_charts, layer_charts, agents, choices, controls, warnings;
    const report_fact *fact;      /* size of the study, in a few words each */
    const report_row *row;        /* action against language, then the controls */
    const report_row *difference; /* paired differences */
    const report_claim *claim;
    const report_space *space;
    const report_pair *pair;
    const report_chart *k_chart; /* precision@k against k */
    const report_chart *layer_chart;
    const report_agent *agent;
    const report_choice *choice;
    const report_fact *control; /* what each control separates */
    const char *const *warning; /* what a reader must know before the figures */
    report_tree tree[REPORT_READINGS];
    report_maps maps;
} report_study;

/* The page as text; fails only when memory is out or an index lies outside its table. */
TRIAD_NODISCARD triad_status report_html(const report_study *study, triad_text *html, triad_error *err);

#endif
