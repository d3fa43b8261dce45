/* A hub on loopback for the tests of `pull`: two servers, the hub itself and a storage host that it redirects to, each
 * a thread that answers one connection at a time, with faults to order and a record of what it was asked. */
#ifndef TEST_HUB_SERVER_H
#define TEST_HUB_SERVER_H

#include "formats/support.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#define COMMIT "0123456789abcdef0123456789abcdef01234567"

typedef struct hub_file {
    const char *name;
    char *content;
    size_t size;
    bool large; /* stored elsewhere: SHA-256, a redirect; else git's SHA-1, from the hub itself */
    char etag[65];
} hub_file;

/* An answer that replaces the usual one while times > 0, for requests whose target holds the words. */
typedef struct hub_fault {
    const char *target;
    const char *method; /* NULL: any */
    int times;
    int status;          /* 0: the usual one */
    const char *headers; /* further lines, each with \r\n */
    const char *location;
    size_t cut; /* the connection ends after so many bytes of the body; 0: never */
    bool ignore_range, wrong_range, wrong_bytes, too_long;
} hub_fault;

typedef struct hub_server {
    int socket, port;
    pthread_t thread;
    atomic_bool stop;
    const struct hub *hub;
    bool storage;
} hub_server;

enum { HUB_FILES = 8, HUB_FAULTS = 8, HUB_LOG = 65536 };
typedef struct hub {
    hub_server front, storage;
    hub_file file[HUB_FILES];
    size_t files;
    hub_fault fault[HUB_FAULTS];
    size_t faults;
    const char *listing; /* replaces the usual one */
    pthread_mutex_t lock;
    char log[HUB_LOG]; /* "front GET /path auth=… range=…" lines */
    int requests;
} hub;

static inline void hub_digest(hub_file *f)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (f->large) {
        triad_sha256_bytes(f->etag, f->content, f->size);
        return;
    }
    char *whole = malloc(f->size + 40);
    size_t head = (size_t)snprintf(whole, 40, "blob %zu", f->size) + 1;
    memcpy(whole + head, f->content, f->size);
    EVP_Digest(whole, head + f->size, digest, NULL, EVP_sha1(), NULL);
    for (int i = 0; i < 20; i++) snprintf(f->etag + 2 * i, 3, "%02x", digest[i]);
    free(whole);
}

static inline hub_file *hub_add(hub *h, const char *name, size_t size, bool large)
{
    hub_file *f = &h->file[h->files++];
    *f = (hub_file){.name = name, .content = malloc(size + 1), .size = size, .large = large};
    unsigned state = (unsigned)size + (unsigned)name[0];
    for (size_t i = 0; i < size; i++) f->content[i] = (char)((state = state * 1103515245 + 12345) >> 16);
    hub_digest(f);
    return f;
}

/* size 0: a text, whole. */
static inline void hub_send(int fd, const void *bytes, size_t size)
{
    if (size == 0) size = strlen(bytes);
    for (const char *at = bytes; size > 0;) {
        const ssize_t n = send(fd, at, size, MSG_NOSIGNAL);
        if (n <= 0) return;
        at += n;
        size -= (size_t)n;
    }
}

static inline hub_fault *hub_fault_for(hub *h, const char *method, const char *target)
{
    for (size_t i = 0; i < h->faults; i++) {
        hub_fault *f = &h->fault[i];
        if (f->times <= 0 || strstr(target, f->target) == NULL || (f->method && strcmp(f->method, method) != 0))
            continue;
        f->times--;
        return f;
    }
    return NULL;
}

static inline const char *hub_header(const char *request, const char *name, char *out, size_t capacity)
{
    char *found = strcasestr(request, name);
    out[0] = 0;
    if (found != NULL) {
        found += strlen(name);
        const size_t n = strcspn(found, "\r\n");
        snprintf(out, capacity, "%.*s", (int)n, found);
    }
    return out;
}

static inline void hub_answer(hub *h, bool storage, int fd, char *request)
{
    char method[8] = "", target[1024] = "", authorization[256], range[64], head[2048];
    if (sscanf(request, "%7s %1023s", method, target) != 2) return;
    hub_header(request, "\r\nAuthorization: ", authorization, sizeof authorization);
    hub_header(request, "\r\nRange: ", range, sizeof range);
    pthread_mutex_lock(&h->lock);
    h->requests++;
    const size_t used = strlen(h->log);
    snprintf(h->log + used, sizeof h->log - used, "%s %s %s auth=%s range=%s\n", storage ? "storage" : "front", method,
             target, authorization, range);
    hub_fault *fault = hub_fault_for(h, method, target), none = {0};
    if (fault == NULL) fault = &none;
    const hub_fault f = *fault;
    pthread_mutex_unlock(&h->lock);
    const bool head_only = strcmp(method, "HEAD") == 0;
    if (f.status != 0) {
        char location[1200] = "";
        if (f.location) snprintf(location, sizeof location, "Location: %s\r\n", f.location);
        const int n =
            snprintf(head, sizeof head, "HTTP/1.1 %d X\r\n%s%sContent-Length: 5\r\nConnection: close\r\n\r\n%s",
                     f.status, location, f.headers ? f.headers : "", head_only ? "" : "error");
        hub_send(fd, head, (size_t)n);
        return;
    }
    if (strstr(target, "/api/models/") == target) {
        char body[4096] = "{\"sha\": \"" COMMIT "\", \"siblings\": [";
        for (size_t i = 0; i < h->files; i++)
            snprintf(body + strlen(body), sizeof body - strlen(body), "%s{\"rfilename\": \"%s\"}", i ? ", " : "",
                     h->file[i].name);
        strcat(body, "]}");
        const char *text = h->listing ? h->listing : body;
        const int n = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                               strlen(text));
        hub_send(fd, head, (size_t)n);
        if (*text != 0) hub_send(fd, text, 0);
        return;
    }
    const hub_file *file = NULL;
    for (size_t i = 0; i < h->files; i++) {
        char tail[512];
        snprintf(tail, sizeof tail, "/resolve/" COMMIT "/%s", h->file[i].name);
        const char *found = strstr(target, storage ? h->file[i].etag : tail);
        if (found != NULL && strcmp(found, storage ? h->file[i].etag : tail) == 0) file = &h->file[i];
    }
    if (file == NULL) {
        hub_send(fd, "HTTP/1.1 404 X\r\nX-Error-Code: EntryNotFound\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                 0);
        return;
    }
    if (!storage && file->large) {
        const int n =
            snprintf(head, sizeof head,
                     "HTTP/1.1 302 Found\r\nX-Repo-Commit: " COMMIT "\r\nX-Linked-Etag: \"%s\"\r\nX-Linked-Size: "
                     "%zu\r\nETag: \"other\"\r\nLocation: http://127.0.0.1:%d/store/%s\r\n%sContent-Length: "
                     "0\r\nConnection: close\r\n\r\n",
                     file->etag, file->size, h->storage.port, file->etag, f.headers ? f.headers : "");
        hub_send(fd, head, (size_t)n);
        return;
    }
    size_t from = 0;
    if (strncmp(range, "bytes=", 6) == 0 && !f.ignore_range) from = strtoul(range + 6, NULL, 10);
    if (from >= file->size && from > 0) {
        hub_send(fd, "HTTP/1.1 416 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 0);
        return;
    }
    const size_t size = file->size - from, extra = f.too_long ? 10 : 0;
    char *body = malloc(size + extra + 1);
    memset(body, 'x', size + extra);
    memcpy(body, file->content + from, size);
    if (f.wrong_bytes && size > 0) body[size / 2] ^= 1;
    int n = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nX-Repo-Commit: " COMMIT "\r\nETag: W/\"%s\"\r\n",
                     from > 0 ? "206 Partial Content" : "200 OK", file->etag);
    if (from > 0)
        n += snprintf(head + n, sizeof head - (size_t)n, "Content-Range: bytes %zu-%zu/%zu\r\n",
                      from + (f.wrong_range ? 1 : 0), file->size - 1, file->size);
    n += snprintf(head + n, sizeof head - (size_t)n, "%sContent-Length: %zu\r\nConnection: close\r\n\r\n",
                  f.headers ? f.headers : "", size + extra);
    hub_send(fd, head, (size_t)n);
    if (!head_only && size + extra > 0) hub_send(fd, body, f.cut > 0 && f.cut < size + extra ? f.cut : size + extra);
    free(body);
}

static inline void *hub_serve(void *argument)
{
    hub_server *s = argument;
    while (!atomic_load(&s->stop)) {
        const int fd = accept(s->socket, NULL, NULL);
        if (fd < 0) continue;
        char request[8192];
        size_t used = 0;
        ssize_t n;
        while (used < sizeof request - 1 && (n = recv(fd, request + used, sizeof request - 1 - used, 0)) > 0) {
            used += (size_t)n;
            request[used] = 0;
            if (strstr(request, "\r\n\r\n")) break;
        }
        if (used > 0) hub_answer((hub *)(uintptr_t)s->hub, s->storage, fd, request);
        shutdown(fd, SHUT_WR);
        close(fd);
    }
    return NULL;
}

static inline void hub_listen(hub_server *s, hub *h, bool storage)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    s->hub = h;
    s->storage = storage;
    s->socket = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(s->socket >= 0);
    assert_int_equal(bind(s->socket, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(s->socket, 16), 0);
    assert_int_equal(getsockname(s->socket, (struct sockaddr *)&address, &size), 0);
    s->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, hub_serve, s), 0);
}

static inline void hub_silence(hub_server *s)
{
    atomic_store(&s->stop, true);
    shutdown(s->socket, SHUT_RDWR);
    close(s->socket);
    pthread_join(s->thread, NULL);
}

static inline hub *hub_start(void)
{
    hub *h = calloc(1, sizeof *h);
    pthread_mutex_init(&h->lock, NULL);
    hub_listen(&h->front, h, false);
    hub_listen(&h->storage, h, true);
    return h;
}

static inline void hub_end(hub *h)
{
    hub_silence(&h->front);
    hub_silence(&h->storage);
    for (size_t i = 0; i < h->files; i++) free(h->file[i].content);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

static inline void hub_forget(hub *h)
{
    pthread_mutex_lock(&h->lock);
    h->log[0] = 0;
    h->requests = 0;
    h->faults = 0;
    pthread_mutex_unlock(&h->lock);
}

/* How often the words occur in the record of requests. */
static inline int hub_asked(hub *h, const char *words)
{
    int count = 0;
    pthread_mutex_lock(&h->lock);
    for (const char *at = h->log; (at = strstr(at, words)) != NULL; at += strlen(words)) count++;
    pthread_mutex_unlock(&h->lock);
    return count;
}

#endif
