/* Stages that depend on each other's files, done once and again only when something that goes into them has changed.
 *
 * A stage's key is the SHA-256 of its kind, the version of its code, its own configuration and the SHA-256 of every
 * file that it reads. Its record, FOLDER/stages/NAME.json, is written after its outputs and names the key and their
 * checksums; a stage whose record agrees with all three is done. While a stage runs, FOLDER/stages/NAME.started holds
 * its key: after an interruption the same key finds what the stage left behind, another key removes it first. */
#ifndef TRIAD_EXPERIMENT_GRAPH_H
#define TRIAD_EXPERIMENT_GRAPH_H

#include "base/arena.h"
#include "base/text.h"
#include "triad/base.h"

enum { STAGE_MAX_OUTPUTS = 4 };

typedef struct study_stage study_stage;
typedef struct study_graph study_graph;

/* Makes the stage's outputs, below graph->folder. context is the graph's. */
typedef triad_status (*stage_fn)(void *context, const study_stage *self, triad_error *err);

typedef struct stage_input {
    size_t stage; /* an earlier one */
    int output;   /* of its outputs */
} stage_input;

struct study_stage {
    const char *name, *kind; /* "train-2", "train" */
    const char *does;        /* a few words for lists: "trains agent 2 (seed 2)" */
    int version;             /* raised when the code of this kind makes other bytes */
    size_t index;            /* of the agent, space or pair that it is about */
    triad_text config;       /* its own configuration, a line a fact */
    stage_input *input;
    size_t inputs, input_capacity;
    const char *output[STAGE_MAX_OUTPUTS]; /* paths below the folder */
    int outputs;
    const char
        *leftover; /* files beside whose names start so belong to it too ("agents/agent-2.safetensors."); NULL: none */
    stage_fn run;

    char key[65];                       /* "" until every input is done */
    char sha256[STAGE_MAX_OUTPUTS][65]; /* of the outputs, once done */
    bool done, started;                 /* started: interrupted with this very key */
};

struct study_graph {
    const char *folder;
    study_stage *stage;
    size_t stages, capacity;
    triad_arena arena; /* owns names and lists */
    void *context;
};

/* Appends a stage with copies of its names; NULL when memory is out. Pointers to stages move: keep indices. */
study_stage *graph_add(study_graph *graph, const char *kind, const char *name, int version, stage_fn run,
                       const char *does);
void graph_needs(study_graph *graph, size_t stage, size_t input, int output);
/* The output's path is copied; its number is returned. */
int graph_makes(study_graph *graph, size_t stage, const char *path);
void graph_free(study_graph *graph);

/* Reads the records: sets key, done and started of every stage. Fails when memory is out or a plan did not fit into it.
 */
TRIAD_NODISCARD triad_status graph_examine(study_graph *graph, triad_error *err);

/* Marks in wanted [stages] the stages of that name or kind and all that they need; all of them for NULL. */
TRIAD_NODISCARD triad_status graph_select(const study_graph *graph, const char *only, bool *wanted, triad_error *err);

/* Looks at one stage again: an earlier one that was just done has given it a key. */
TRIAD_NODISCARD triad_status graph_refresh(study_graph *graph, size_t stage, triad_error *err);
/* Runs a stage that is not done and whose inputs are: marks it, makes its outputs, writes its record. */
TRIAD_NODISCARD triad_status graph_run_stage(study_graph *graph, size_t stage, triad_error *err);

/* FOLDER/PATH; the caller frees. NULL when memory is out. */
char *graph_path(const study_graph *graph, const char *path);

#endif
