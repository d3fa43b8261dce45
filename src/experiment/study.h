/* A study: its configuration as a graph of stages in a folder. docs/study.md shows the folder. */
#ifndef TRIAD_EXPERIMENT_STUDY_H
#define TRIAD_EXPERIMENT_STUDY_H

#include "base/progress.h"
#include "triad/base.h"

typedef struct experiment experiment;

typedef struct experiment_stage {
    const char *name, *kind, *does;
    bool done, started; /* started: interrupted; it goes on where it stopped */
    int outputs;
    const char *const *output; /* paths below the folder */
} experiment_stage;

/* Reads and checks the configuration, plans the stages and looks up in folder which of them are done. Touches nothing.
 * seed: instead of the configuration's; NULL: as it says. */
TRIAD_NODISCARD triad_status experiment_open(experiment **study, const char *config_path, const char *folder,
                                             const uint64_t *seed, triad_error *err);
void experiment_close(experiment *study);

size_t experiment_stage_count(const experiment *study);
experiment_stage experiment_stage_at(const experiment *study, size_t index); /* borrowed from the study */
const char *experiment_name(const experiment *study);

/* Every model file is there, whole and of a kind that can be embedded: called before anything expensive. The error
 * names package, file and folder. */
TRIAD_NODISCARD triad_status experiment_check(experiment *study, triad_error *err);

/* Called as each stage begins (ran false: it was done already). number from 1, of the wanted ones. */
typedef void (*experiment_notice_fn)(void *context, const experiment_stage *stage, size_t number, size_t wanted,
                                     bool ran);

typedef struct experiment_run_options {
    const char *only; /* a stage or a kind of stage, with what it needs; NULL: all */
    triad_pool *pool;
    triad_progress *progress;
    experiment_notice_fn notice;
    void *notice_context;
} experiment_run_options;

/* Checks, then does what is not done. Interrupted at any moment, the same call goes on and ends in the same bytes; only
 * logs hold times. One run at a time in a folder. */
TRIAD_NODISCARD triad_status experiment_run(experiment *study, const experiment_run_options *options, triad_error *err);

/* The page from FOLDER/results.json. */
TRIAD_NODISCARD triad_status experiment_report(const char *folder, const char *html_path, triad_error *err);

#endif
