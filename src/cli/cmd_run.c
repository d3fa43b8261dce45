#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "experiment/study.h"

static const char DEFAULT[] = "experiments/quick.yaml";

/* The default study: in the current folder, else where `make install` puts it, seen from the program. */
static bool default_config(char *path, size_t size)
{
    snprintf(path, size, "%s", DEFAULT);
    if (triad_path_exists(path)) return true;
    char program[3000];
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0) return false;
    program[length] = '\0';
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(program, '/');
        if (slash == NULL) return false;
        *slash = '\0';
    }
    snprintf(path, size, "%s/share/triad/%s", program, DEFAULT);
    return triad_path_exists(path);
}

static const char *state_of(const experiment_stage *stage)
{
    return stage->done ? "done" : stage->started ? "interrupted" : "to do";
}

static int list_stages(const cli_context *context, const experiment *study, const char *folder)
{
    if (!context->json) {
        for (size_t i = 0; i < experiment_stage_count(study); i++) {
            const experiment_stage s = experiment_stage_at(study, i);
            printf("%-24s %-12s %s\n", s.name, state_of(&s), s.does);
        }
        return CLI_DONE;
    }
    json_object *root = json_object_new_object(), *list = json_object_new_array();
    for (size_t i = 0; i < experiment_stage_count(study); i++) {
        const experiment_stage s = experiment_stage_at(study, i);
        json_object *o = json_object_new_object(), *outputs = json_object_new_array();
        json_object_object_add(o, "stage", json_object_new_string(s.name));
        json_object_object_add(o, "kind", json_object_new_string(s.kind));
        json_object_object_add(o, "state", json_object_new_string(state_of(&s)));
        json_object_object_add(o, "does", json_object_new_string(s.does));
        for (int f = 0; f < s.outputs; f++) json_object_array_add(outputs, json_object_new_string(s.output[f]));
        json_object_object_add(o, "outputs", outputs);
        json_object_array_add(list, o);
    }
    json_object_object_add(root, "study", json_object_new_string(experiment_name(study)));
    json_object_object_add(root, "folder", json_object_new_string(folder));
    json_object_object_add(root, "stages", list);
    const experiment_stage last = experiment_stage_at(study, experiment_stage_count(study) - 1);
    char *report = last.done ? triad_path_join(folder, last.output[0]) : NULL;
    json_object_object_add(root, "report", report != NULL ? json_object_new_string(report) : NULL);
    free(report);
    return cli_print_json(root);
}

/* One line a stage on stderr; the rooms' own progress follows it. */
static void notice(void *context, const experiment_stage *stage, size_t number, size_t wanted, bool ran)
{
    const cli_context *cli = context;
    if (cli->quiet || !ran) return;
    fprintf(stderr, "[%zu/%zu] %s: %s%s\n", number, wanted, stage->name, stage->does,
            stage->started ? " (goes on where it stopped)" : "");
}

static int finish(const cli_context *context, const experiment *study, const char *folder, const char *only)
{
    if (context->json) return list_stages(context, study, folder);
    const experiment_stage last = experiment_stage_at(study, experiment_stage_count(study) - 1);
    if (last.done)
        printf("%s/%s\n", folder, last.output[0]);
    else if (only != NULL && !context->quiet)
        fprintf(stderr, "done: %s and what it needs\n", only);
    return CLI_DONE;
}

int cmd_run(cli_context *context, int argc, char **argv)
{
    const char *folder = NULL, *only = NULL;
    bool dry_run = false, list = false;
    const cli_option options[] = {
        {.name = "output",
         .letter = 'o',
         .kind = CLI_STRING,
         .argument = "DIR",
         .help = "The study's folder.",
         .value = &folder,
         .required = true},
        {.name = "dry-run",
         .kind = CLI_FLAG,
         .help = "Check configuration and files, list what would be done, do nothing.",
         .value = &dry_run},
        {.name = "list", .kind = CLI_FLAG, .help = "List the stages and which of them are done.", .value = &list},
        {.name = "only",
         .kind = CLI_STRING,
         .argument = "STAGE",
         .help = "Only this stage, or kind of stage, and what it needs.",
         .value = &only},
    };
    const cli_usage usage = {
        .command = "run",
        .arguments = "[CONFIG] -o DIR",
        .description =
            "Runs a whole study: instructions, agents and their evaluation, spaces, alignment, results, report.\n\n"
            "CONFIG is a YAML file; without it experiments/quick.yaml, the default study. Interrupted, the same "
            "command goes on where it stopped and "
            "ends in the same bytes. Stages whose configuration and inputs are unchanged are not redone. Model files "
            "are checked before anything "
            "expensive begins. --seed other than 0 replaces the configuration's seed of folds, resamples and nulls.\n\n"
            "DIR then holds report.html, results.json, results.csv, items.tsv, agents/, spaces/ and log (the one file "
            "with times).\n\n"
            "  triad run -o runs/quick\n"
            "  triad run mine.yaml -o runs/mine --only train\n",
        .min_positional = 0,
        .max_positional = 1,
    };
    const char **positional;
    size_t count;
    const int parsed =
        cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, &positional, &count);
    if (parsed != CLI_GO) return parsed;
    triad_error *err = &context->error;
    char standard[4096];
    const char *config = count > 0 ? positional[0] : standard;
    if (count == 0 && !default_config(standard, sizeof standard)) {
        (void)triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                         "%s: not in the current folder and not installed (name a configuration)", DEFAULT);
        return cli_fail(err);
    }
    experiment *study = NULL;
    triad_status status = experiment_open(&study, config, folder, context->seed != 0 ? &context->seed : NULL, err);
    if (status == TRIAD_OK && dry_run) status = experiment_check(study, err);
    if (status == TRIAD_OK && !dry_run && !list) {
        const experiment_run_options run = {.only = only,
                                            .pool = context->pool,
                                            .progress = context->progress,
                                            .notice = notice,
                                            .notice_context = context};
        status = experiment_run(study, &run, err);
    }
    const int code = status != TRIAD_OK ? cli_fail(err)
                     : dry_run || list  ? list_stages(context, study, folder)
                                        : finish(context, study, folder, only);
    experiment_close(study);
    return code;
}
