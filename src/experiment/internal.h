/* What the files of this room share: the planned study, and the figures on their way from measuring to the report. */
#ifndef TRIAD_EXPERIMENT_INTERNAL_H
#define TRIAD_EXPERIMENT_INTERNAL_H

#include "experiment/config.h"
#include "experiment/graph.h"
#include "experiment/study.h"
#include "formats/json.h"
#include "report/report.h"
#include "triad/babyai.h"

#include <stdio.h>

typedef enum space_kind { SPACE_AGENT, SPACE_UNTRAINED, SPACE_MODEL, SPACE_BASELINE } space_kind;

typedef struct study_space {
    const char *name, *label; /* "agent-1"; "agent 1" */
    const char *path;         /* below the folder */
    space_kind kind;
    report_role role;
    const char *pool;
    size_t index; /* of the agent, model or baseline */
    bool variant; /* another pooling of a model: aligned beside the headline, not in the matrix */
    size_t stage; /* that makes it */
} study_space;

struct experiment {
    experiment_config config;
    study_graph graph;
    char *folder;
    study_space *space;
    size_t spaces, headline_spaces;                /* variants stand behind the others */
    char **model_path;                             /* [models]: where each was found; NULL: not found */
    char (*model_sha256)[65];                      /* [models]: of all its files; "" when not found */
    const babyai_level **level;                    /* [agents.level_count] */
    size_t stage_items, stage_maps, stage_results; /* stage_maps SIZE_MAX: none */
    size_t *stage_evaluate;                        /* [agents], then [agents] untrained */

    /* while it runs */
    triad_pool *pool;
    triad_progress *progress;
    FILE *log;
};

/* ---- plan.c */
TRIAD_NODISCARD triad_status study_plan(experiment *study, triad_error *err);

bool is_measure(const study_stage *s); /* aligns, pools or goes layer by layer: makes JSON, CSV and figures */

/* ---- sources.c: the model files */
char *study_beside(const experiment *study,
                   const char *path); /* seen from the configuration's folder; the caller frees */
TRIAD_NODISCARD triad_status study_find_models(experiment *study, triad_error *err);
TRIAD_NODISCARD triad_status study_check_models(const experiment *study, triad_error *err);

/* ---- stages.c */
triad_status stage_items(void *context, const study_stage *self, triad_error *err);
triad_status stage_train(void *context, const study_stage *self, triad_error *err);
triad_status stage_evaluate(void *context, const study_stage *self, triad_error *err);
triad_status stage_embed(void *context, const study_stage *self, triad_error *err);
/* ---- measure.c */
triad_status stage_align(void *context, const study_stage *self, triad_error *err);
triad_status stage_pooling(void *context, const study_stage *self, triad_error *err);
triad_status stage_layers(void *context, const study_stage *self, triad_error *err);
/* ---- maps.c */
triad_status stage_maps(void *context, const study_stage *self, triad_error *err);
bool is_mapped(const study_space *space);
/* Strings are borrowed from the document. */
TRIAD_NODISCARD triad_status maps_from_json(report_maps *maps, json_object *from, triad_arena *arena, triad_error *err);
/* ---- results.c */
triad_status stage_results(void *context, const study_stage *self, triad_error *err);
/* Agents and their evaluations as they stand in results.json (strings are borrowed from it). */
TRIAD_NODISCARD triad_status results_agents(report_agent **agents, size_t *count, json_object *root, triad_arena *arena,
                                            triad_error *err);
/* ---- page.c */
/* The page of results.json, whatever stands in that object; free html also after a failure. */
TRIAD_NODISCARD triad_status study_page(triad_text *html, json_object *root, triad_error *err);
triad_status stage_report(void *context, const study_stage *self, triad_error *err);

/* ---- figures.c: what the report shows, in memory and in JSON */
typedef struct figure_member {
    const char *name; /* "agent-1 × SmolLM2" */
    double value[REPORT_READINGS], p_iid[REPORT_READINGS], p_relabel[REPORT_READINGS];
} figure_member;

/* Kinds of rows: "action", "untrained", "words", "random" (each against one model), "language" (two models),
 * "pooling" (agents against another pooling of a model), "seeds" (agents against each other). Of differences:
 * "training", "beyond-words", "language" (action-language minus language-language), "family" (decoder minus encoder).
 */
typedef struct figure_draws {
    size_t iid, relabel; /* p is at least 1 / (draws + 1); 0: no such null */
} figure_draws;

typedef struct figure_row {
    const char *kind, *x, *y; /* x: model or NULL; y: the other side where there is one */
    report_row row;           /* row.member points into storage of its own */
    figure_member *member;    /* [row.members] */
    figure_draws draws[REPORT_READINGS];
} figure_row;

typedef struct study_figures {
    size_t rows, differences, k_charts, layer_charts;
    figure_row *row, *difference;
    report_chart *k_chart, *layer_chart;
} study_figures;

TRIAD_NODISCARD triad_status figures_to_json(const study_figures *figures, json_object *into, triad_error *err);
/* Strings and arrays live in the arena. Missing parts are empty. */
TRIAD_NODISCARD triad_status figures_from_json(study_figures *figures, json_object *from, triad_arena *arena,
                                               triad_error *err);

/* x of the rows that are means over several decoders. */
#define DECODERS "decoders"

/* ---- claims.c: verdict and claims from the figures, by stated rules */
typedef struct claims_input {
    const study_figures *figures;
    size_t agents;
    const report_agent *agent; /* trained ones and twins */
    double low, high, margin, floor, floor_mean;
    int k;
    const char *primary; /* the model, or DECODERS, that stands for language */
    const char *encoder; /* NULL: none */
    double relabellings; /* NAN: no relabel null */
    size_t left_out;
    const char *refused; /* why the relabel null was refused; NULL: it was not */
    const char *words;   /* columns whose words the intervals resample; "": sentences instead; NULL: no intervals */
} claims_input;
typedef struct claims_output {
    const char *headline;
    const char *interval; /* what intervals cover: "over words (colour, object) and 3 seeds" */
    size_t paragraphs, warnings, claims;
    const char **paragraph, **warning;
    report_claim *claim;
} claims_output;
TRIAD_NODISCARD triad_status claims_judge(claims_output *output, const claims_input *input, triad_arena *arena,
                                          triad_error *err);

/* A formatted string in the arena; NULL when memory is out. */
const char *arena_format(triad_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
