/* A repository of the hub into its cache: list, ask for each file's checksum, fetch what is missing, link, note the
 * revision. The order leaves a cache that is sound whenever the program is killed. */
#include "models/hub.h"
#include "models/hub_http.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/progress.h"
#include "base/text.h"
#include "formats/json.h"

enum { MAX_LISTING = 64 << 20, MAX_TRIES = 5, LONGEST_WAIT = 60, DEFAULT_TIMEOUT = 10, MAX_ETAG = 128 };

/* A file of the repository. */
typedef struct remote {
    char *name;              /* path in the repository */
    char *url;               /* where its bytes are */
    char etag[MAX_ETAG + 1]; /* its blob's name: a checksum */
    int64_t size;            /* -1: the hub does not say */
    bool there;              /* in the snapshot already */
} remote;

typedef struct pull {
    http *net;
    hub_name name;
    char *endpoint, *token, *cache, *storage, *snapshot;
    char commit[41];
    remote *file;
    size_t files;
    long etag_timeout, download_timeout;
    triad_progress *progress;
    double done, total; /* bytes */
    triad_pulled *pulled;
} pull;

static triad_status out_of_memory(triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "pull: out of memory");
}

static char *text_of(triad_text *text)
{
    if (!text->failed) return text->bytes;
    triad_text_free(text);
    return NULL;
}

static void pause_for(double seconds)
{
    struct timespec left = {.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

/* ---- what a reply means */
static triad_status refused(const pull *p, const http_reply *reply, const char *what, triad_error *err)
{
    const char *repository = p->name.repository, *code = reply->error_code;
    switch (reply->status) {
    case 401:
        if (p->token != NULL)
            return triad_fail(
                err, TRIAD_ERR_NOT_FOUND, -1,
                "%s: the hub knows no such repository, or not for this token (check the name and HF_TOKEN)",
                repository);
        return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                          "%s: the hub knows no such repository, or it is private (check the name, or set HF_TOKEN)",
                          repository);
    case 403:
        return triad_fail(err, TRIAD_ERR_IO, -1,
                          "%s: the hub does not let this token read it%s (ask for access on its page, then try again)",
                          repository, strcmp(code, "GatedRepo") == 0 ? ": its owner asks for consent" : "");
    case 404:
        if (strcmp(code, "RevisionNotFound") == 0)
            return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "%s: it has no revision %s", repository, p->name.revision);
        if (strcmp(code, "EntryNotFound") == 0)
            return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "%s: it has no file %s", repository, what);
        return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "%s: the hub has no such repository (check the name)",
                          repository);
    case 429:
        return triad_fail(err, TRIAD_ERR_IO, -1, "%s: the hub asks to wait%s (try again later)", repository,
                          p->token == NULL ? ": too many requests without a token" : "");
    default:
        return triad_fail(err, TRIAD_ERR_IO, -1, "%s: the hub answers %ld for %s (try again later)", repository,
                          reply->status, what);
    }
}

static bool worth_waiting(long status)
{
    return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

/* Waits before try number `tries` + 1; false where the hub asks for more patience than we have. */
static bool wait_for(const http_reply *reply, int tries)
{
    double seconds = 0.5 * (double)(1 << (tries - 1));
    if (reply->retry_after > LONGEST_WAIT) return false;
    if (reply->retry_after >= 0) seconds = (double)reply->retry_after;
    pause_for(seconds);
    return true;
}

/* Sends until there is an answer that trying again would not change. */
static triad_status send_patiently(pull *p, const http_request *request, http_reply *reply, triad_error *err)
{
    for (int tries = 1;; tries++) {
        bool again;
        const triad_status status = http_send(p->net, request, reply, &again, err);
        if (status == TRIAD_OK && !worth_waiting(reply->status)) return status;
        if (status != TRIAD_OK && !again) return status;
        if (status != TRIAD_OK) reply->retry_after = -1;
        if (tries == MAX_TRIES || !wait_for(reply, tries)) return status;
    }
}

/* ---- the listing */
static bool collect(void *context, const http_reply *reply, const void *bytes, size_t size)
{
    triad_text *text = context;
    (void)reply;
    if (size > MAX_LISTING || text->size > MAX_LISTING - size) return false;
    triad_text_add_bytes(text, bytes, size);
    return !text->failed;
}

static triad_status too_long(const pull *p, triad_error *err)
{
    return triad_fail(err, TRIAD_ERR_RANGE, -1, "%s: its listing is longer than %d bytes", p->name.repository,
                      (int)MAX_LISTING);
}

static triad_status read_listing(pull *p, json_object *root, triad_error *err)
{
    const char *sha = NULL, *repository = p->name.repository;
    json_object *list;
    if (!json_object_is_type(root, json_type_object) || (list = json_find(root, "siblings", json_type_array)) == NULL)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "%s: the hub's listing has no siblings (is HF_ENDPOINT a hub?)",
                          repository);
    triad_status status = json_want_string(root, "sha", &sha, err);
    if (status != TRIAD_OK || !hub_is_commit(sha))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "%s: the hub's listing names no commit", repository);
    memcpy(p->commit, sha, 41);
    const size_t count = json_object_array_length(list);
    p->file = calloc(count + 1, sizeof *p->file);
    if (p->file == NULL) return out_of_memory(err);
    for (size_t i = 0; i < count; i++) {
        json_object *item = json_object_array_get_idx(list, i);
        const char *name = NULL;
        if (!json_object_is_type(item, json_type_object) || json_want_string(item, "rfilename", &name, err) != TRIAD_OK)
            return triad_fail(err, TRIAD_ERR_FORMAT, -1, "%s: an entry of the hub's listing has no rfilename",
                              repository);
        if (!hub_path_is_plain(name))
            return triad_fail(err, TRIAD_ERR_FORMAT, -1,
                              "%s: its file %.100s leads out of its folder; nothing was fetched", repository, name);
        p->file[p->files].name = strdup(name);
        if (p->file[p->files++].name == NULL) return out_of_memory(err);
    }
    return TRIAD_OK;
}

static triad_status list(pull *p, triad_error *err)
{
    triad_text url = {0}, body = {0};
    char *revision = http_encode(p->name.revision, false);
    triad_text_addf(&url, "%s/api/models/%s/revision/%s", p->endpoint, p->name.repository, revision ? revision : "");
    http_reply reply;
    triad_status status = revision == NULL || url.failed ? out_of_memory(err) : TRIAD_OK;
    if (status == TRIAD_OK) {
        /* A part of a listing is no listing: each try begins anew. */
        const http_request request = {
            .url = url.bytes, .follow = false, .sink = collect, .context = &body, .timeout = p->etag_timeout};
        for (int tries = 1;; tries++) {
            bool again;
            body.size = 0;
            status = http_send(p->net, &request, &reply, &again, err);
            if (status == TRIAD_ERR_INTERRUPTED) status = too_long(p, err);
            if (status != TRIAD_OK && !again) break;
            if (status != TRIAD_OK) reply.retry_after = -1;
            if (status == TRIAD_OK && !worth_waiting(reply.status)) break;
            if (tries == MAX_TRIES || !wait_for(&reply, tries)) break;
        }
        if (status == TRIAD_OK && reply.status != 200) status = refused(p, &reply, "its listing", err);
    }
    json_object *root = NULL;
    if (status == TRIAD_OK) {
        status = json_read(&root, body.size > 0 ? body.bytes : "", body.size, err);
        if (status != TRIAD_OK) (void)triad_fail_in(err, "the hub's listing");
    }
    if (status == TRIAD_OK) status = read_listing(p, root, err);
    json_object_put(root);
    free(revision);
    triad_text_free(&url);
    triad_text_free(&body);
    return status;
}

/* ---- which files */
static bool ends_in(const char *name, const char *suffix)
{
    const size_t size = strlen(name), tail = strlen(suffix);
    return size >= tail && strcmp(name + size - tail, suffix) == 0;
}

static bool is_weights(const char *name)
{
    return strcmp(name, "model.safetensors") == 0 || strcmp(name, "model.safetensors.index.json") == 0 ||
           (strncmp(name, "model-", 6) == 0 && ends_in(name, ".safetensors"));
}

/* What Triad reads of a model's folder. */
static bool is_read(const char *name)
{
    static const char *const names[] = {"config.json",
                                        "generation_config.json",
                                        "tokenizer.json",
                                        "tokenizer.model",
                                        "vocab.json",
                                        "merges.txt",
                                        "vocab.txt",
                                        "tokenizer_config.json",
                                        "added_tokens.json",
                                        "special_tokens_map.json",
                                        "preprocessor_config.json",
                                        "processor_config.json",
                                        "modules.json",
                                        "sentence_bert_config.json",
                                        "config_sentence_transformers.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return true;
    /* sentence-transformers' modules: 1_Pooling/config.json, 2_Dense/model.safetensors */
    const char *slash = strchr(name, '/');
    const size_t digits = strspn(name, "0123456789");
    return is_weights(name) || (slash != NULL && digits > 0 && name[digits] == '_' &&
                                (strcmp(slash, "/config.json") == 0 || strcmp(slash, "/model.safetensors") == 0));
}

static void drop(pull *p, size_t index)
{
    free(p->file[index].name);
    free(p->file[index].url);
    memmove(&p->file[index], &p->file[index + 1], (--p->files - index) * sizeof *p->file);
}

/* The first file of a split GGUF stands for all of them. */
static bool is_later_part(const char *name)
{
    const char *of = strstr(name, "-of-");
    return of != NULL && of - name >= 6 && strspn(of - 5, "0123456789") == 5 && strncmp(of - 5, "00001", 5) != 0;
}

static triad_status choose_gguf(pull *p, triad_error *err)
{
    size_t count = 0;
    triad_text names = {0};
    triad_text_add(&names, "");
    for (size_t i = 0; i < p->files; i++)
        if (ends_in(p->file[i].name, ".gguf") && !is_later_part(p->file[i].name) && count++ < 6)
            triad_text_addf(&names, "%s%s", count > 1 ? ", " : "", p->file[i].name);
    triad_status status = TRIAD_OK;
    if (names.failed)
        status = out_of_memory(err);
    else if (count == 0)
        status =
            triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                       "%s: it holds neither safetensors nor a GGUF (--all fetches it as it is)", p->name.repository);
    else if (count > 1)
        status = triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "%s: it holds %zu GGUF files (name one: %s/FILE): %s",
                            p->name.repository, count, p->name.repository, names.bytes);
    triad_text_free(&names);
    return status;
}

static triad_status choose(pull *p, bool all, triad_error *err)
{
    if (p->name.file != NULL) {
        /* With a split GGUF come its sisters. */
        const size_t size = strlen(p->name.file);
        const bool split = size > 20 && ends_in(p->name.file, ".gguf") && strstr(p->name.file, "-00001-of-") != NULL;
        for (size_t i = p->files; i-- > 0;) {
            const char *name = p->file[i].name;
            const bool sister = split && strlen(name) == size && strncmp(name, p->name.file, size - 19) == 0 &&
                                strcmp(name + size - 14, p->name.file + size - 14) == 0;
            if (strcmp(name, p->name.file) != 0 && !sister) drop(p, i);
        }
        if (p->files > 0) return TRIAD_OK;
        return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "%s: it has no file %.200s", p->name.repository, p->name.file);
    }
    if (p->files == 0) return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "%s: it holds no files", p->name.repository);
    if (all) return TRIAD_OK;
    bool weights = false;
    for (size_t i = 0; i < p->files; i++) weights = weights || is_weights(p->file[i].name);
    if (!weights) {
        const triad_status status = choose_gguf(p, err);
        if (status != TRIAD_OK) return status;
    }
    for (size_t i = p->files; i-- > 0;)
        if (!is_read(p->file[i].name) && (weights || !ends_in(p->file[i].name, ".gguf"))) drop(p, i);
    return TRIAD_OK;
}

/* ---- a file's checksum, size and place */
/* W/"abc" and "abc" to abc, which becomes a file's name. */
static bool take_etag(char out[MAX_ETAG + 1], const char *etag)
{
    if (strncmp(etag, "W/", 2) == 0) etag += 2;
    size_t size = strlen(etag);
    if (size >= 2 && etag[0] == '"' && etag[size - 1] == '"') {
        etag++;
        size -= 2;
    }
    if (size == 0 || size > MAX_ETAG || etag[0] == '.') return false;
    for (size_t i = 0; i < size; i++)
        if (!(etag[i] >= '0' && etag[i] <= '9') && !(etag[i] >= 'a' && etag[i] <= 'z') &&
            !(etag[i] >= 'A' && etag[i] <= 'Z') && strchr("-_.", etag[i]) == NULL)
            return false;
    memcpy(out, etag, size);
    out[size] = 0;
    return true;
}

static char *place_of(const pull *p, const remote *file)
{
    return triad_path_join(p->snapshot, file->name);
}

static triad_status ask(pull *p, remote *file, triad_error *err)
{
    char *path = http_encode(file->name, true), *place = place_of(p, file);
    triad_text url = {0};
    triad_text_addf(&url, "%s/%s/resolve/%s/%s", p->endpoint, p->name.repository, p->commit, path ? path : "");
    free(path);
    http_reply reply;
    triad_status status = path == NULL || place == NULL || url.failed ? out_of_memory(err) : TRIAD_OK;
    if (status == TRIAD_OK) {
        const http_request request = {.url = url.bytes, .head = true, .timeout = p->etag_timeout};
        status = send_patiently(p, &request, &reply, err);
    }
    if (status == TRIAD_OK && reply.status != 200 && (reply.status < 300 || reply.status >= 400))
        status = refused(p, &reply, file->name, err);
    if (status == TRIAD_OK && reply.commit[0] != 0 && strcmp(reply.commit, p->commit) != 0)
        status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "%s: %.100s comes from another commit than the listing",
                            p->name.repository, file->name);
    if (status == TRIAD_OK && !take_etag(file->etag, reply.linked_etag[0] != 0 ? reply.linked_etag : reply.etag))
        status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "%s: the hub tells no usable checksum of %.100s",
                            p->name.repository, file->name);
    if (status == TRIAD_OK) {
        const bool elsewhere = reply.status >= 300;
        file->size = reply.linked_size >= 0 ? reply.linked_size : elsewhere ? -1 : reply.content_length;
        file->url = strdup(elsewhere ? reply.location : reply.url);
        struct stat info;
        file->there =
            stat(place, &info) == 0 && S_ISREG(info.st_mode) && (file->size < 0 || info.st_size == (off_t)file->size);
        if (file->url == NULL) status = out_of_memory(err);
    }
    free(place);
    triad_text_free(&url);
    return status;
}

/* ---- fetching */
typedef struct part {
    pull *p;
    const remote *file;
    int fd;
    uint64_t size; /* bytes that lie in the file */
    bool begun;    /* the reply's headers were looked at */
    triad_error error;
    bool failed;
} part;

/* "bytes 100-199/200": where it begins, and how long the whole is (-1: not told). */
static bool read_range(const char *text, int64_t *from, int64_t *whole)
{
    long long first, last, total = -1;
    if (sscanf(text, "bytes %lld-%lld/%lld", &first, &last, &total) < 2 || first < 0 || last < first) return false;
    *from = first;
    *whole = total;
    return true;
}

static bool stop(part *to, triad_status status, const char *why)
{
    (void)triad_fail(&to->error, status, -1, "%s: %.100s: %s", to->p->name.repository, to->file->name, why);
    to->failed = true;
    return false;
}

static bool begin(part *to, const http_reply *reply)
{
    int64_t from, whole;
    to->begun = true;
    if (reply->status == 206) {
        if (!read_range(reply->content_range, &from, &whole) || (uint64_t)from != to->size ||
            (to->file->size >= 0 && whole >= 0 && whole != to->file->size))
            return stop(to, TRIAD_ERR_FORMAT, "the server sends another part than was asked for");
        return true;
    }
    /* The range was ignored: from the start. */
    if (to->size > 0 && (ftruncate(to->fd, 0) != 0 || lseek(to->fd, 0, SEEK_SET) != 0))
        return stop(to, TRIAD_ERR_IO, strerror(errno));
    to->p->done -= (double)to->size;
    to->size = 0;
    return true;
}

static bool keep(void *context, const http_reply *reply, const void *bytes, size_t size)
{
    part *to = context;
    if (!to->begun && !begin(to, reply)) return false;
    if (to->file->size >= 0 && size > (uint64_t)to->file->size - to->size)
        return stop(to, TRIAD_ERR_FORMAT, "the server sends more than the file has");
    const char *at = bytes;
    for (size_t left = size; left > 0;) {
        const ssize_t written = write(to->fd, at, left);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            const bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
            char why[160];
            snprintf(why, sizeof why, "%.80s%s", strerror(errno),
                     full ? " (make room, then pull again: it goes on where it stopped)" : "");
            return stop(to, TRIAD_ERR_IO, why);
        }
        at += written;
        left -= (size_t)written;
        to->size += (size_t)written;
    }
    to->p->done += (double)size;
    to->p->pulled->bytes_fetched += size;
    triad_progress_update(to->p->progress, to->p->done, to->file->name);
    return true;
}

static triad_status download(pull *p, const remote *file, part *to, triad_error *err)
{
    for (int tries = 1;; tries++) {
        const uint64_t before = to->size;
        http_reply reply;
        bool again;
        to->begun = false;
        if (file->size >= 0 && to->size == (uint64_t)file->size && (to->size > 0 || tries > 1)) return TRIAD_OK;
        if (lseek(to->fd, (off_t)to->size, SEEK_SET) < 0)
            return triad_fail(err, TRIAD_ERR_IO, -1, "%s: %s", file->name, strerror(errno));
        const http_request request = {.url = file->url,
                                      .follow = true,
                                      .from = to->size,
                                      .sink = keep,
                                      .context = to,
                                      .timeout = p->download_timeout};
        triad_status status = http_send(p->net, &request, &reply, &again, err);
        if (to->failed) return triad_fail(err, to->error.code, -1, "%s", to->error.text);
        if (status == TRIAD_OK && (reply.status == 200 || reply.status == 206)) {
            if (file->size < 0 || to->size == (uint64_t)file->size) return TRIAD_OK;
            status = triad_fail(err, TRIAD_ERR_IO, -1, "%s: %.100s ended after %llu of %lld bytes (pull again)",
                                p->name.repository, file->name, (unsigned long long)to->size, (long long)file->size);
            reply.retry_after = -1;
        } else if (status == TRIAD_OK && reply.status == 416 && to->size > 0) {
            /* What lies there is not the beginning of this file. */
            if (ftruncate(to->fd, 0) != 0)
                return triad_fail(err, TRIAD_ERR_IO, -1, "%s: %s", file->name, strerror(errno));
            p->done -= (double)to->size;
            to->size = 0;
            if (tries < MAX_TRIES) continue;
            status = refused(p, &reply, file->name, err);
        } else if (status == TRIAD_OK) {
            if (!worth_waiting(reply.status)) return refused(p, &reply, file->name, err);
            status = refused(p, &reply, file->name, err);
        } else {
            if (!again) return status;
            reply.retry_after = -1;
        }
        if (to->size > before) tries = 1; /* it moves */
        if (tries == MAX_TRIES || !wait_for(&reply, tries)) return status;
    }
}

/* The blob's name is the file's checksum: SHA-256 of its bytes (64 digits), or git's SHA-1 (40). */
static triad_status verify(const pull *p, const remote *file, const char *path, uint64_t size, bool *right,
                           triad_error *err)
{
    const size_t digits = strlen(file->etag);
    *right = true;
    if ((digits != 64 && digits != 40) || strspn(file->etag, "0123456789abcdef") != digits) return TRIAD_OK;
    FILE *stream = fopen(path, "re");
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const size_t chunk = (size_t)1 << 20;
    unsigned char *buffer = malloc(chunk), digest[EVP_MAX_MD_SIZE];
    triad_status status = TRIAD_OK;
    if (stream == NULL) {
        status = triad_fail(err, TRIAD_ERR_IO, -1, "%s: %s", path, strerror(errno));
    } else if (context == NULL || buffer == NULL ||
               EVP_DigestInit_ex(context, digits == 64 ? EVP_sha256() : EVP_sha1(), NULL) != 1) {
        status = out_of_memory(err);
    } else {
        char head[40];
        if (digits == 40)
            EVP_DigestUpdate(context, head,
                             (size_t)snprintf(head, sizeof head, "blob %llu", (unsigned long long)size) + 1);
        size_t n;
        while ((n = fread(buffer, 1, chunk, stream)) > 0) EVP_DigestUpdate(context, buffer, n);
        if (ferror(stream)) status = triad_fail(err, TRIAD_ERR_IO, -1, "%s: can't be read back", path);
        EVP_DigestFinal_ex(context, digest, NULL);
        for (size_t i = 0; i < digits; i++) {
            const unsigned nibble = i % 2 == 0 ? digest[i / 2] >> 4 : digest[i / 2] & 15;
            if (file->etag[i] != "0123456789abcdef"[nibble]) *right = false;
        }
    }
    (void)p;
    if (stream != NULL) fclose(stream);
    EVP_MD_CTX_free(context);
    free(buffer);
    return status;
}

static triad_status check_room(const pull *p, const remote *file, uint64_t have, triad_error *err)
{
    struct statvfs disk;
    if (file->size < 0 || statvfs(p->storage, &disk) != 0) return TRIAD_OK;
    const double free_bytes = (double)disk.f_bavail * (double)disk.f_frsize, wanted = (double)file->size - (double)have;
    if (wanted <= free_bytes) return TRIAD_OK;
    return triad_fail(err, TRIAD_ERR_IO, -1, "%s: %.100s needs %.1f GB more, and %s has %.1f GB (make room)",
                      p->name.repository, file->name, wanted / 1e9, p->cache, free_bytes / 1e9);
}

static void sync_folder(const char *folder)
{
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    (void)fsync(fd);
    close(fd);
}

/* Fills path (the .incomplete) and moves it to blob. */
static triad_status fill(pull *p, const remote *file, const char *path, const char *blob, triad_error *err)
{
    part to = {.p = p, .file = file};
    to.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (to.fd < 0) return triad_fail(err, TRIAD_ERR_IO, -1, "%s: %s", path, strerror(errno));
    struct stat info;
    triad_status status = TRIAD_OK;
    if (fstat(to.fd, &info) != 0 || !S_ISREG(info.st_mode))
        status = triad_fail(err, TRIAD_ERR_IO, -1, "%s: it is no file (remove it)", path);
    else
        to.size = (uint64_t)info.st_size;
    if (status == TRIAD_OK && file->size >= 0 && to.size > (uint64_t)file->size) {
        to.size = 0;
        if (ftruncate(to.fd, 0) != 0) status = triad_fail(err, TRIAD_ERR_IO, -1, "%s: %s", path, strerror(errno));
    }
    bool resumed = to.size > 0, right = false;
    p->done += (double)to.size;
    while (status == TRIAD_OK) {
        status = check_room(p, file, to.size, err);
        if (status == TRIAD_OK) status = download(p, file, &to, err);
        if (status == TRIAD_OK) status = verify(p, file, path, to.size, &right, err);
        if (status != TRIAD_OK || right) break;
        const bool from_part = resumed;
        p->done -= (double)to.size;
        to.size = 0;
        resumed = false;
        if (ftruncate(to.fd, 0) != 0) status = triad_fail(err, TRIAD_ERR_IO, -1, "%s: %s", path, strerror(errno));
        /* Perhaps it continued a part of something else: once more, from the start. */
        if (status == TRIAD_OK && !from_part) {
            (void)unlink(path);
            status = triad_fail(err, TRIAD_ERR_FORMAT, -1,
                                "%s: %.100s arrived with another checksum than the hub tells (pull again)",
                                p->name.repository, file->name);
        }
    }
    if (status == TRIAD_OK && fsync(to.fd) != 0 && errno != EINVAL && errno != EROFS)
        status = triad_fail(err, TRIAD_ERR_IO, -1, "%s: %s", path, strerror(errno));
    if (status == TRIAD_OK && rename(path, blob) != 0)
        status = triad_fail(err, TRIAD_ERR_IO, -1, "%s: %s", blob, strerror(errno));
    close(to.fd);
    if (status != TRIAD_OK) return status;
    p->pulled->fetched++;
    p->pulled->resumed += resumed ? 1 : 0;
    return TRIAD_OK;
}

/* The lock of huggingface_hub: whoever fetches the same blob waits. */
static triad_status lock_blob(const pull *p, const remote *file, int *fd, triad_error *err)
{
    triad_text folder = {0}, path = {0};
    triad_text_addf(&folder, "%s/.locks/%s", p->cache, strrchr(p->storage, '/') + 1);
    triad_text_addf(&path, "%s/%s.lock", folder.bytes ? folder.bytes : "", file->etag);
    triad_status status = folder.failed || path.failed ? out_of_memory(err) : triad_make_folder(folder.bytes, err);
    if (status == TRIAD_OK) {
        *fd = open(path.bytes, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (*fd < 0) status = triad_fail(err, TRIAD_ERR_IO, -1, "%s: %s", path.bytes, strerror(errno));
    }
    /* Where a file system has no locks, those who write are trusted not to meet. */
    while (status == TRIAD_OK && flock(*fd, LOCK_EX | LOCK_NB) != 0 && (errno == EWOULDBLOCK || errno == EINTR)) {
        triad_progress_update(p->progress, p->done, "waiting for another pull");
        pause_for(0.1);
    }
    triad_text_free(&folder);
    triad_text_free(&path);
    return status;
}

static triad_status fetch(pull *p, const remote *file, const char *blob, triad_error *err)
{
    struct stat info;
    int lock = -1;
    triad_status status = lock_blob(p, file, &lock, err);
    triad_text path = {0};
    triad_text_addf(&path, "%s.incomplete", blob);
    if (status == TRIAD_OK && path.failed) status = out_of_memory(err);
    if (status == TRIAD_OK) {
        if (stat(blob, &info) == 0 && S_ISREG(info.st_mode) && (file->size < 0 || info.st_size == (off_t)file->size))
            p->done += (double)info.st_size; /* fetched meanwhile, or for another snapshot */
        else
            status = fill(p, file, path.bytes, blob, err);
    }
    triad_text_free(&path);
    if (lock >= 0) close(lock);
    return status;
}

/* ---- the snapshot */
static triad_status make_parent(const char *path, triad_error *err)
{
    char *folder = strdup(path);
    if (folder == NULL) return out_of_memory(err);
    *strrchr(folder, '/') = 0;
    const triad_status status = triad_make_folder(folder, err);
    free(folder);
    return status;
}

static triad_status copy_file(const char *from, const char *to, triad_error *err)
{
    if (link(from, to) == 0) return TRIAD_OK;
    triad_mapping bytes;
    triad_status status = triad_map_file(&bytes, from, err);
    if (status == TRIAD_OK) status = triad_write_whole(to, bytes.data, bytes.size, err);
    triad_unmap(&bytes);
    return status;
}

static triad_status point(const pull *p, const remote *file, const char *blob, triad_error *err)
{
    char *place = place_of(p, file);
    if (place == NULL) return out_of_memory(err);
    triad_text target = {0};
    triad_text_add(&target, "../../");
    for (const char *c = file->name; *c != 0; c++)
        if (*c == '/') triad_text_add(&target, "../");
    triad_text_addf(&target, "blobs/%s", file->etag);
    triad_status status = target.failed ? out_of_memory(err) : make_parent(place, err);
    if (status == TRIAD_OK) {
        (void)unlink(place); /* a link to nothing, or what is not whole */
        if (hub_flag("HF_HUB_DISABLE_SYMLINKS"))
            status = copy_file(blob, place, err);
        else if (symlink(target.bytes, place) != 0 && errno != EEXIST)
            status = errno == EPERM || errno == ENOTSUP || errno == ENOSYS
                         ? copy_file(blob, place, err)
                         : triad_fail(err, TRIAD_ERR_IO, -1, "%s: %s", place, strerror(errno));
    }
    triad_text_free(&target);
    free(place);
    return status;
}

static triad_status bring(pull *p, const remote *file, triad_error *err)
{
    if (file->there) {
        p->done += file->size >= 0 ? (double)file->size : 0;
        return TRIAD_OK;
    }
    triad_text blob = {0};
    triad_text_addf(&blob, "%s/blobs/%s", p->storage, file->etag);
    triad_status status = blob.failed ? out_of_memory(err) : fetch(p, file, blob.bytes, err);
    if (status == TRIAD_OK) status = point(p, file, blob.bytes, err);
    triad_text_free(&blob);
    return status;
}

/* Backup programs skip what is marked so (bford.info/cachedir). */
static void tag_cache(const pull *p)
{
    static const char tag[] = "Signature: 8a477f597d28d172789f06886806bc55\n# A cache of huggingface_hub's layout.\n";
    char *path = triad_path_join(p->cache, "CACHEDIR.TAG");
    if (path != NULL && !triad_path_exists(path)) {
        triad_error ignored;
        (void)!triad_write_whole(path, tag, sizeof tag - 1, &ignored);
    }
    free(path);
}

static triad_status note_revision(const pull *p, triad_error *err)
{
    if (strcmp(p->name.revision, p->commit) == 0) return TRIAD_OK;
    triad_text path = {0};
    triad_text_addf(&path, "%s/refs/%s", p->storage, p->name.revision);
    triad_status status = path.failed ? out_of_memory(err) : make_parent(path.bytes, err);
    char now[41];
    triad_error ignored;
    if (status == TRIAD_OK &&
        (hub_commit(now, p->storage, p->name.revision, &ignored) != TRIAD_OK || strcmp(now, p->commit) != 0))
        status = triad_write_whole(path.bytes, p->commit, 40, err);
    triad_text_free(&path);
    return status;
}

/* ---- the whole */
static triad_status read_token(char **token, triad_error *err)
{
    static const char *const variables[] = {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"};
    *token = NULL;
    if (hub_flag("HF_HUB_DISABLE_IMPLICIT_TOKEN")) return TRIAD_OK;
    char *text = NULL, *path = NULL;
    triad_status status = TRIAD_OK;
    for (size_t i = 0; i < 2 && text == NULL; i++) {
        const char *value = getenv(variables[i]);
        if (value != NULL && value[strspn(value, " \t\r\n")] != 0 && (text = strdup(value)) == NULL)
            return out_of_memory(err);
    }
    if (text == NULL) {
        status = hub_path_variable(&path, "HF_TOKEN_PATH", err);
        if (status == TRIAD_OK && path == NULL) {
            char *home;
            status = hub_home(&home, err);
            if (status == TRIAD_OK) {
                path = triad_path_join(home, "token");
                free(home);
                if (path == NULL) status = out_of_memory(err);
            }
        }
        size_t size;
        if (status == TRIAD_OK && triad_path_exists(path)) status = triad_read_whole(&text, &size, path, 65536, err);
        free(path);
    }
    if (status != TRIAD_OK || text == NULL) return status;
    const char *start = text + strspn(text, " \t\r\n");
    size_t size = strlen(start);
    while (size > 0 && strchr(" \t\r\n", start[size - 1]) != NULL) size--;
    *token = size == 0 ? NULL : strndup(start, size);
    free(text);
    return size > 0 && *token == NULL ? out_of_memory(err) : TRIAD_OK;
}

static long timeout_of(const char *variable)
{
    const char *value = getenv(variable);
    const long seconds = value == NULL ? 0 : strtol(value, NULL, 10);
    return seconds > 0 && seconds < 86400 ? seconds : DEFAULT_TIMEOUT;
}

static triad_status prepare(pull *p, const char *repository, triad_error *err)
{
    triad_status status = hub_name_parse(&p->name, repository, err);
    if (status == TRIAD_OK) status = triad_hub_cache(&p->cache, err);
    if (status == TRIAD_OK) status = hub_storage(&p->storage, p->name.repository, err);
    if (status != TRIAD_OK) return status;
    if (hub_offline()) {
        char *found;
        triad_error ignored;
        status = triad_hub_find(&found, repository, &ignored);
        if (status == TRIAD_OK) p->pulled->folder = found;
        return status == TRIAD_OK ? status
                                  : triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                                               "%s: it is not in the cache, and HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE "
                                               "keeps the network away (unset it)",
                                               repository);
    }
    const char *endpoint = getenv("HF_ENDPOINT");
    if (endpoint == NULL || *endpoint == 0) endpoint = "https://huggingface.co";
    p->endpoint = strdup(endpoint);
    if (p->endpoint == NULL) return out_of_memory(err);
    for (size_t size = strlen(p->endpoint); size > 0 && p->endpoint[size - 1] == '/';) p->endpoint[--size] = 0;
    p->etag_timeout = timeout_of("HF_HUB_ETAG_TIMEOUT");
    p->download_timeout = timeout_of("HF_HUB_DOWNLOAD_TIMEOUT");
    status = read_token(&p->token, err);
    return status != TRIAD_OK ? status : http_create(&p->net, p->endpoint, p->token, err);
}

static triad_status run(pull *p, bool all, triad_error *err)
{
    triad_status status = list(p, err);
    if (status == TRIAD_OK) status = choose(p, all, err);
    if (status != TRIAD_OK) return status;
    triad_text snapshot = {0}, blobs = {0};
    triad_text_addf(&snapshot, "%s/snapshots/%s", p->storage, p->commit);
    triad_text_addf(&blobs, "%s/blobs", p->storage);
    p->snapshot = text_of(&snapshot);
    if (p->snapshot == NULL || blobs.failed) status = out_of_memory(err);
    for (size_t i = 0; i < p->files && status == TRIAD_OK; i++) {
        status = ask(p, &p->file[i], err);
        if (status == TRIAD_OK && p->file[i].size > 0) p->total += (double)p->file[i].size;
    }
    if (status == TRIAD_OK) status = triad_make_folder(blobs.bytes, err);
    if (status == TRIAD_OK) status = triad_make_folder(p->snapshot, err);
    if (status == TRIAD_OK) tag_cache(p);
    triad_progress_begin(p->progress, p->name.repository, "bytes", p->total);
    for (size_t i = 0; i < p->files && status == TRIAD_OK; i++) status = bring(p, &p->file[i], err);
    triad_progress_end(p->progress, NULL);
    if (status == TRIAD_OK) {
        sync_folder(blobs.bytes);
        sync_folder(p->snapshot);
        status = note_revision(p, err);
    }
    triad_text_free(&blobs);
    if (status != TRIAD_OK) return status;
    p->pulled->files = p->files;
    p->pulled->bytes = (uint64_t)p->total;
    memcpy(p->pulled->commit, p->commit, 41);
    p->pulled->folder = p->name.file != NULL ? triad_path_join(p->snapshot, p->name.file) : strdup(p->snapshot);
    return p->pulled->folder == NULL ? out_of_memory(err) : TRIAD_OK;
}

triad_status triad_hub_pull(triad_pulled *pulled, const char *repository, bool all, triad_progress *progress,
                            triad_error *err)
{
    memset(pulled, 0, sizeof *pulled);
    pull p = {.progress = progress, .pulled = pulled};
    triad_status status = prepare(&p, repository, err);
    if (status == TRIAD_OK && pulled->folder == NULL) status = run(&p, all, err);
    for (size_t i = 0; i < p.files; i++) {
        free(p.file[i].name);
        free(p.file[i].url);
    }
    free(p.file);
    http_free(p.net);
    free(p.endpoint);
    free(p.token);
    free(p.cache);
    free(p.storage);
    free(p.snapshot);
    hub_name_free(&p.name);
    if (status != TRIAD_OK) triad_pulled_free(pulled);
    return status;
}

void triad_pulled_free(triad_pulled *pulled)
{
    free(pulled->folder);
    memset(pulled, 0, sizeof *pulled);
}
