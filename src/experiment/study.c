#include "experiment/internal.h"

#include "base/file.h"
#include "embed/embed.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* Folders of a study; "" is its own. */
static const char *const FOLDERS[] = {"", "agents", "alignment", "evaluations", "spaces", "stages"};
enum { FOLDER_COUNT = sizeof FOLDERS / sizeof *FOLDERS };

triad_status experiment_open(experiment **made, const char *config_path, const char *folder, const uint64_t *seed,
                             triad_error *err)
{
    *made = NULL;
    experiment *study = calloc(1, sizeof *study);
    if (study == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "study: out of memory");
    triad_status status = experiment_config_load(&study->config, config_path, err);
    if (status == TRIAD_OK) {
        if (seed != NULL && *seed > UINT32_MAX)
            status = triad_fail(err, TRIAD_ERR_RANGE, -1,
                                "--seed %llu: a study's seed is at most 4294967295 (choose a smaller one)",
                                (unsigned long long)*seed);
        else if (seed != NULL)
            study->config.seed = (int64_t)*seed;
    }
    if (status == TRIAD_OK) {
        study->folder = strdup(folder);
        if (study->folder == NULL) status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "study: out of memory");
    }
    study->graph.folder = study->folder;
    study->graph.context = study;
    if (status == TRIAD_OK) status = study_find_models(study, err);
    if (status == TRIAD_OK) status = study_plan(study, err);
    if (status == TRIAD_OK) status = graph_examine(&study->graph, err);
    if (status != TRIAD_OK) {
        experiment_close(study);
        return status;
    }
    *made = study;
    return TRIAD_OK;
}

void experiment_close(experiment *study)
{
    if (study == NULL) return;
    for (size_t i = 0; study->model_path != NULL && i < study->config.model_count; i++) free(study->model_path[i]);
    free(study->model_path);
    free(study->model_sha256);
    free(study->space);
    free(study->level);
    free(study->stage_evaluate);
    graph_free(&study->graph);
    experiment_config_free(&study->config);
    free(study->folder);
    free(study);
}

size_t experiment_stage_count(const experiment *study)
{
    return study->graph.stages;
}

static experiment_stage describe(const study_stage *s)
{
    return (experiment_stage){s->name, s->kind, s->does, s->done, s->started, s->outputs, s->output};
}

experiment_stage experiment_stage_at(const experiment *study, size_t index)
{
    return describe(&study->graph.stage[index]);
}

const char *experiment_name(const experiment *study)
{
    return study->config.name;
}

triad_status experiment_check(experiment *study, triad_error *err)
{
    return study_check_models(study, err);
}

/* ---- running */

typedef struct running {
    experiment *study;
    const experiment_run_options *options;
    const bool *wanted;
    size_t count;
} running;

static void say(const experiment *study, const char *words, const study_stage *s, double seconds)
{
    if (study->log == NULL) return;
    const time_t now = time(NULL);
    struct tm when;
    char stamp[32] = "";
    if (localtime_r(&now, &when) != NULL) strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &when);
    fprintf(study->log, "%s %s%s%s", stamp, words, s != NULL ? " " : "", s != NULL ? s->name : "");
    if (seconds >= 0) fprintf(study->log, " %.1f s", seconds);
    fputc('\n', study->log);
    fflush(study->log);
}

static void notice(const running *r, const study_stage *s, bool ran)
{
    if (r->options->notice == NULL) return;
    size_t number = 0;
    for (size_t i = 0; i < r->study->graph.stages; i++) {
        number += r->wanted[i];
        if (&r->study->graph.stage[i] == s) break;
    }
    const experiment_stage told = describe(s);
    r->options->notice(r->options->notice_context, &told, number, r->count, ran);
}

/* What a finished stage needs no more: its mark of having begun, a training's checkpoint, a model's layers. Here,
 * behind its record, no interruption can take them away too early; an interruption between record and here leaves them
 * to the next run. */
static void tidy(const experiment *study, const study_stage *s)
{
    triad_text path = {0};
    triad_text_addf(&path, "%s/stages/%s.started", study->folder, s->name);
    if (!path.failed) (void)unlink(path.bytes);
    triad_text_free(&path);
    const bool trains = strcmp(s->kind, "train") == 0, embeds = strcmp(s->kind, "embed") == 0;
    if (!trains && !embeds) return;
    triad_text_addf(&path, "%s/%s.%s", study->folder, s->output[0], trains ? "checkpoint" : "layers");
    if (!path.failed && trains) (void)unlink(path.bytes);
    if (!path.failed && embeds) triad_embed_forget(path.bytes);
    triad_text_free(&path);
}

/* Temporaries of a killed run; the lock tells that nobody is writing them. */
static void sweep(const experiment *study)
{
    for (int f = 0; f < FOLDER_COUNT; f++) {
        char *folder = FOLDERS[f][0] ? triad_path_join(study->folder, FOLDERS[f]) : strdup(study->folder);
        DIR *list = folder != NULL ? opendir(folder) : NULL;
        for (const struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
            const size_t length = strlen(entry->d_name);
            if (length < 8 || strcmp(entry->d_name + length - 8, ".partial") != 0) continue;
            char *path = triad_path_join(folder, entry->d_name);
            if (path != NULL) (void)unlink(path);
            free(path);
        }
        if (list != NULL) closedir(list);
        free(folder);
    }
}

static triad_status make_folders(const experiment *study, triad_error *err)
{
    triad_status status = triad_make_folder(study->folder, err);
    for (int f = 1; f < FOLDER_COUNT && status == TRIAD_OK; f++) {
        char *path = triad_path_join(study->folder, FOLDERS[f]);
        status =
            path != NULL ? triad_make_folder(path, err) : triad_fail(err, TRIAD_ERR_MEMORY, -1, "study: out of memory");
        free(path);
    }
    return status;
}

/* The log is the lock: one run at a time in a folder. */
static triad_status open_log(experiment *study, triad_error *err)
{
    char *path = triad_path_join(study->folder, "log");
    if (path == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "study: out of memory");
    study->log = fopen(path, "ae");
    const int reason = errno;
    free(path);
    if (study->log == NULL)
        return triad_fail(err, TRIAD_ERR_IO, -1, "%s/log: can't be written: %s", study->folder, strerror(reason));
    if (flock(fileno(study->log), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return TRIAD_OK;
    fclose(study->log);
    study->log = NULL;
    return triad_fail(err, TRIAD_ERR_IO, -1,
                      "%s: another run is working in this folder (wait for it, or choose another)", study->folder);
}

static triad_status run_all(running *r, triad_error *err)
{
    experiment *study = r->study;
    triad_status status = TRIAD_OK;
    for (size_t i = 0; i < study->graph.stages && status == TRIAD_OK; i++) {
        if (!r->wanted[i]) continue;
        study_stage *s = &study->graph.stage[i];
        status = graph_refresh(&study->graph, i, err);
        if (status != TRIAD_OK) break;
        const bool ran = !s->done;
        notice(r, s, ran);
        if (ran) {
            const double began = triad_now();
            say(study, s->started ? "goes on with" : "begins", s, -1);
            status = graph_run_stage(&study->graph, i, err);
            say(study, status == TRIAD_OK ? "finished" : "failed", s, triad_now() - began);
        }
        if (status == TRIAD_OK) tidy(study, s);
    }
    return status;
}

triad_status experiment_run(experiment *study, const experiment_run_options *options, triad_error *err)
{
    bool *wanted = calloc(study->graph.stages, sizeof *wanted);
    if (wanted == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "study: out of memory");
    triad_status status = graph_select(&study->graph, options->only, wanted, err);
    if (status == TRIAD_OK) status = study_check_models(study, err);
    if (status == TRIAD_OK) status = make_folders(study, err);
    if (status == TRIAD_OK) status = open_log(study, err);
    if (status == TRIAD_OK) {
        sweep(study);
        running r = {.study = study, .options = options, .wanted = wanted};
        for (size_t i = 0; i < study->graph.stages; i++) r.count += wanted[i];
        study->pool = options->pool;
        study->progress = options->progress;
        say(study, "run begins, triad " TRIAD_VERSION, NULL, -1);
        const double began = triad_now();
        status = run_all(&r, err);
        say(study, status == TRIAD_OK ? "run finished" : "run failed", NULL, triad_now() - began);
        fclose(study->log);
        study->log = NULL;
    }
    free(wanted);
    return status;
}
