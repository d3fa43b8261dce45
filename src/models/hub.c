#include "models/hub.h"

#include <ctype.h>
#include <dirent.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "hub: out of memory");
}

/* ---- names */
bool hub_path_is_plain(const char *path)
{
    size_t part = 0;
    const char *start = path;
    if (strlen(path) > 1024) return false;
    for (const char *c = path;; c++) {
        if (*c != '/' && *c != 0) {
            if ((unsigned char)*c < 0x20 || *c == 0x7f || *c == '\\') return false;
            part++;
            continue;
        }
        if (part == 0 || part > 255 || (part == 1 && start[0] == '.') || (part == 2 && memcmp(start, "..", 2) == 0))
            return false;
        if (*c == 0) return true;
        part = 0;
        start = c + 1;
    }
}

bool hub_is_commit(const char *text)
{
    size_t i = 0;
    for (; i < 40; i++)
        if (!(text[i] >= '0' && text[i] <= '9') && !(text[i] >= 'a' && text[i] <= 'f')) return false;
    return text[40] == 0;
}

static bool is_repository_part(const char *part, size_t size)
{
    if (size == 0 || size > 96) return false;
    for (size_t i = 0; i < size; i++)
        if (!isascii((unsigned char)part[i]) || (!isalnum((unsigned char)part[i]) && strchr("-_.", part[i]) == NULL))
            return false;
    if (memmem(part, size, "--", 2) != NULL || memmem(part, size, "..", 2) != NULL) return false;
    return strchr("-.", part[0]) == NULL && strchr("-.", part[size - 1]) == NULL;
}

void hub_name_free(hub_name *name)
{
    free(name->repository);
    free(name->revision);
    free(name->file);
    memset(name, 0, sizeof *name);
}

triad_status hub_name_parse(hub_name *name, const char *source, triad_error *err)
{
    memset(name, 0, sizeof *name);
    /* One or two parts, then @revision, then a file. Without a revision the third part begins the file. A revision may
     * hold slashes itself (refs/pr/1): then it ends at the end, unless a file is named after a further @ … */
    const char *at = strchr(source, '@');
    const size_t head = at != NULL ? (size_t)(at - source) : strlen(source);
    const char *first = memchr(source, '/', head);
    const char *second = first == NULL ? NULL : memchr(first + 1, '/', head - (size_t)(first + 1 - source));
    const size_t size = second != NULL && at == NULL ? (size_t)(second - source) : head;
    const size_t org = first == NULL ? 0 : (size_t)(first - source);
    const char *last = first == NULL ? source : first + 1;
    const bool good = (first == NULL || is_repository_part(source, org)) &&
                      is_repository_part(last, size - (size_t)(last - source)) &&
                      !(size >= 4 && memcmp(source + size - 4, ".git", 4) == 0);
    const char *revision = at == NULL ? "main" : at + 1, *file = at == NULL && second != NULL ? second + 1 : NULL;
    size_t revision_size = strlen(revision);
    if (at != NULL && strncmp(revision, "refs/", 5) != 0) {
        const char *slash = strchr(revision, '/');
        if (slash != NULL) {
            revision_size = (size_t)(slash - revision);
            file = slash + 1;
        }
    }
    if (!good)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                          "%.200s: it is not a repository's name (ORG/NAME, ORG/NAME@REVISION or ORG/NAME/FILE)",
                          source);
    name->repository = strndup(source, size);
    name->revision = strndup(revision, revision_size);
    name->file = file == NULL ? NULL : strdup(file);
    if (name->repository == NULL || name->revision == NULL || (file != NULL && name->file == NULL)) {
        hub_name_free(name);
        return out_of_memory(err);
    }
    if (!hub_path_is_plain(name->revision) || (file != NULL && !hub_path_is_plain(file))) {
        hub_name_free(name);
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1,
                          "%.200s: its revision or file is not a plain name (ORG/NAME@REVISION/FILE)", source);
    }
    return TRIAD_OK;
}

/* ---- the environment, as huggingface_hub/constants.py reads it */
static bool is_true(const char *value)
{
    static const char *const words[] = {"1", "on", "yes", "true"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(value, words[i]) == 0) return true;
    return false;
}

bool hub_flag(const char *variable)
{
    const char *value = getenv(variable);
    return value != NULL && is_true(value);
}

bool hub_offline(void)
{
    /* The first that is not empty decides. */
    const char *value = getenv("HF_HUB_OFFLINE");
    if (value == NULL || *value == 0) value = getenv("TRANSFORMERS_OFFLINE");
    return value != NULL && is_true(value);
}

static const char *home_folder(void)
{
    const char *home = getenv("HOME");
    if (home != NULL && *home != 0) return home;
    const struct passwd *user = getpwuid(getuid());
    return user != NULL && user->pw_dir != NULL ? user->pw_dir : "/";
}

/* A leading ~, then $NAME and ${NAME}; names that are unset stay as they are written. */
static char *expand(const char *value)
{
    triad_text text = {0};
    triad_text_add(&text, "");
    if (value[0] == '~' && (value[1] == '/' || value[1] == 0)) {
        triad_text_add(&text, home_folder());
        value++;
    }
    while (*value != 0) {
        const char *name = value + 1, *next;
        size_t size = 0;
        if (*value == '$') {
            const bool braced = *name == '{';
            if (braced) name++;
            while (isalnum((unsigned char)name[size]) || name[size] == '_') size++;
            next = name + size;
            if (size > 0 && size < 128 && (!braced || *next == '}')) {
                char word[128];
                memcpy(word, name, size);
                word[size] = 0;
                const char *found = getenv(word);
                if (braced) next++;
                if (found != NULL)
                    triad_text_add(&text, found);
                else
                    triad_text_add_bytes(&text, value, (size_t)(next - value));
                value = next;
                continue;
            }
        }
        triad_text_add_bytes(&text, value++, 1);
    }
    if (!text.failed) return text.bytes;
    triad_text_free(&text);
    return NULL;
}

triad_status hub_path_variable(char **value, const char *variable, triad_error *err)
{
    const char *found = getenv(variable);
    *value = found == NULL ? NULL : expand(found);
    return found != NULL && *value == NULL ? out_of_memory(err) : TRIAD_OK;
}

triad_status hub_home(char **folder, triad_error *err)
{
    triad_status status = hub_path_variable(folder, "HF_HOME", err);
    if (status != TRIAD_OK || *folder != NULL) return status;
    const char *cache = getenv("XDG_CACHE_HOME");
    char *root = cache != NULL ? expand(cache) : triad_path_join(home_folder(), ".cache");
    *folder = root == NULL ? NULL : triad_path_join(root, "huggingface");
    free(root);
    return *folder == NULL ? out_of_memory(err) : TRIAD_OK;
}

triad_status triad_hub_cache(char **folder, triad_error *err)
{
    static const char *const variables[] = {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"};
    for (size_t i = 0; i < 2; i++) {
        const triad_status status = hub_path_variable(folder, variables[i], err);
        if (status != TRIAD_OK || *folder != NULL) return status;
    }
    char *home;
    const triad_status status = hub_home(&home, err);
    if (status != TRIAD_OK) return status;
    *folder = triad_path_join(home, "hub");
    free(home);
    return *folder == NULL ? out_of_memory(err) : TRIAD_OK;
}

triad_status hub_storage(char **folder, const char *repository, triad_error *err)
{
    char *cache;
    *folder = NULL;
    const triad_status status = triad_hub_cache(&cache, err);
    if (status != TRIAD_OK) return status;
    triad_text text = {0};
    triad_text_addf(&text, "%s/models--", cache);
    free(cache);
    for (const char *c = repository; *c != 0; c++)
        if (*c == '/')
            triad_text_add(&text, "--");
        else
            triad_text_add_bytes(&text, c, 1);
    if (text.failed) {
        triad_text_free(&text);
        return out_of_memory(err);
    }
    *folder = text.bytes;
    return TRIAD_OK;
}

/* ---- looking up */
static char *join3(const char *a, const char *b, const char *c)
{
    triad_text text = {0};
    triad_text_addf(&text, "%s/%s/%s", a, b, c);
    if (!text.failed) return text.bytes;
    triad_text_free(&text);
    return NULL;
}

triad_status hub_commit(char commit[41], const char *storage, const char *revision, triad_error *err)
{
    if (hub_is_commit(revision)) {
        memcpy(commit, revision, 41);
        return TRIAD_OK;
    }
    char *path = join3(storage, "refs", revision), *text = NULL;
    size_t size = 0;
    if (path == NULL) return out_of_memory(err);
    triad_status status = TRIAD_ERR_NOT_FOUND;
    if (triad_path_exists(path)) status = triad_read_whole(&text, &size, path, 4096, err);
    if (status == TRIAD_OK) {
        while (size > 0 && isspace((unsigned char)text[size - 1])) text[--size] = 0;
        if (hub_is_commit(text))
            memcpy(commit, text, 41);
        else
            status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "%s: it names no commit", path);
    } else if (status == TRIAD_ERR_NOT_FOUND) {
        status = triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "%s: no such file", path);
    }
    free(path);
    free(text);
    return status;
}

static bool ends_in(const char *path, const char *suffix)
{
    const size_t size = strlen(path), tail = strlen(suffix);
    return size >= tail && strcmp(path + size - tail, suffix) == 0;
}

/* The one .gguf of a folder, where there is exactly one (of a split model: its first file). */
static char *only_gguf(const char *folder)
{
    DIR *listing = opendir(folder);
    char *found = NULL;
    size_t count = 0;
    for (const struct dirent *entry; listing != NULL && (entry = readdir(listing)) != NULL;) {
        if (!ends_in(entry->d_name, ".gguf")) continue;
        const char *of = strstr(entry->d_name, "-of-");
        if (of != NULL && of - entry->d_name >= 6 && of[-6] == '-' && strncmp(of - 5, "00001", 5) != 0 &&
            strspn(of - 5, "0123456789") == 5)
            continue;
        if (count++ == 0) found = triad_path_join(folder, entry->d_name);
    }
    if (listing != NULL) closedir(listing);
    if (count == 1) return found;
    free(found);
    return NULL;
}

static triad_status in_snapshot(char **path, const char *storage, const hub_name *name, const char *source,
                                triad_error *err)
{
    char commit[41];
    triad_error why;
    triad_status status = hub_commit(commit, storage, name->revision, &why);
    /* The name of a file that isn't there may look like ORG/NAME; nobody wants to pull that. */
    if (status == TRIAD_ERR_NOT_FOUND && name->file == NULL &&
        (ends_in(source, ".safetensors") || ends_in(source, ".gguf")))
        return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "%.300s: no such file (check the path)", source);
    if (status == TRIAD_ERR_NOT_FOUND)
        return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                          "%.200s: neither a file, a folder nor a model of the cache (triad pull %.200s)", source,
                          source);
    if (status != TRIAD_OK) return triad_fail(err, status, -1, "%s", why.text);
    char *folder = join3(storage, "snapshots", commit);
    if (folder == NULL) return out_of_memory(err);
    if (!triad_path_is_folder(folder)) {
        free(folder);
        return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "%.200s: the cache has no snapshot of it (triad pull %.200s)",
                          source, source);
    }
    char *inner = triad_path_join(folder, name->file != NULL ? name->file : "config.json");
    const bool there = inner != NULL && triad_path_exists(inner);
    if (name->file == NULL) {
        free(inner);
        inner = there ? NULL : only_gguf(folder);
        *path = inner != NULL ? inner : folder;
        if (inner != NULL) free(folder);
        return TRIAD_OK;
    }
    free(folder);
    if (there) {
        *path = inner;
        return TRIAD_OK;
    }
    free(inner);
    return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                      "%.200s: the cache has the model, not this file (triad pull %.200s)", source, source);
}

triad_status triad_hub_find(char **path, const char *source, triad_error *err)
{
    *path = NULL;
    if (triad_path_exists(source)) {
        char *config = triad_path_is_folder(source) ? triad_path_join(source, "config.json") : NULL;
        if (config != NULL && !triad_path_exists(config)) *path = only_gguf(source);
        free(config);
        if (*path == NULL) *path = strdup(source);
        return *path == NULL ? out_of_memory(err) : TRIAD_OK;
    }
    if (source[0] == '\0')
        return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "source: it is empty (name a file, a folder or a model)");
    hub_name name;
    triad_error why;
    triad_status status = hub_name_parse(&name, source, &why);
    if (status == TRIAD_ERR_ARGUMENT)
        return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "%.300s: no such file or folder (check the path)", source);
    if (status != TRIAD_OK) return out_of_memory(err);
    char *storage;
    status = hub_storage(&storage, name.repository, err);
    if (status == TRIAD_OK) status = in_snapshot(path, storage, &name, source, err);
    free(storage);
    hub_name_free(&name);
    return status;
}
