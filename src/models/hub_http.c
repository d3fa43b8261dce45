#include "models/hub_http.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <curl/curl.h>

#include "base/text.h"

enum { MAX_REDIRECTS = 5, MAX_HEADERS = 1 << 20, MAX_ERROR_PAGE = 1 << 20 };

struct http {
    CURL *curl;
    char *endpoint, *authorization; /* authorization: the header, NULL without a token */
    char problem[CURL_ERROR_SIZE];
};

/* One exchange, as the callbacks see it. */
typedef struct exchange {
    const http_request *request;
    http_reply *reply;
    size_t header_bytes, dropped;
    bool stopped;
} exchange;

char *http_encode(const char *text, bool keep_slashes)
{
    triad_text out = {0};
    triad_text_add(&out, "");
    for (const unsigned char *c = (const unsigned char *)text; *c != 0; c++)
        if ((*c < 0x80 && isalnum(*c)) || strchr("-_.~", *c) != NULL || (keep_slashes && *c == '/'))
            triad_text_add_bytes(&out, c, 1);
        else
            triad_text_addf(&out, "%%%02X", *c);
    if (!out.failed) return out.bytes;
    triad_text_free(&out);
    return NULL;
}

triad_status http_create(http **made, const char *endpoint, const char *token, triad_error *err)
{
    *made = NULL;
    /* A line end in the token would write headers of its own. */
    for (const char *c = token; c != NULL && *c != 0; c++)
        if ((unsigned char)*c <= 0x20 || *c == 0x7f)
            return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "HF_TOKEN: it holds a blank or control byte (set it again)");
    if (strncmp(endpoint, "http://", 7) != 0 && strncmp(endpoint, "https://", 8) != 0)
        return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "HF_ENDPOINT: %.200s is not http:// or https://", endpoint);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "hub: libcurl can't be started");
    http *h = calloc(1, sizeof *h);
    if (h != NULL) {
        h->curl = curl_easy_init();
        h->endpoint = strdup(endpoint);
        if (token != NULL) {
            triad_text header = {0};
            triad_text_addf(&header, "Authorization: Bearer %s", token);
            h->authorization = header.failed ? NULL : header.bytes;
        }
    }
    if (h == NULL || h->curl == NULL || h->endpoint == NULL || (token != NULL && h->authorization == NULL)) {
        http_free(h);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "hub: out of memory");
    }
    *made = h;
    return TRIAD_OK;
}

void http_free(http *h)
{
    if (h == NULL) return;
    curl_easy_cleanup(h->curl);
    free(h->endpoint);
    free(h->authorization);
    free(h);
}

/* ---- headers */
static bool value_of(const char *line, size_t size, const char *name, char *out, size_t capacity)
{
    const size_t length = strlen(name);
    if (size <= length || strncasecmp(line, name, length) != 0 || line[length] != ':') return false;
    const char *from = line + length + 1, *end = line + size;
    while (from < end && (*from == ' ' || *from == '\t')) from++;
    while (end > from && isspace((unsigned char)end[-1])) end--;
    const size_t n = (size_t)(end - from);
    if (n >= capacity) return true; /* too long to be what we want: stays absent */
    memcpy(out, from, n);
    out[n] = 0;
    return true;
}

static int64_t number_of(const char *text)
{
    char *end;
    if (*text == 0 || !isdigit((unsigned char)*text)) return -1;
    const long long value = strtoll(text, &end, 10);
    return *end == 0 && value < INT64_MAX ? (int64_t)value : -1;
}

static void clear(http_reply *reply)
{
    memset(reply, 0, sizeof *reply);
    reply->content_length = reply->linked_size = -1;
    reply->retry_after = -1;
}

static size_t on_header(char *line, size_t one, size_t size, void *context)
{
    exchange *e = context;
    http_reply *r = e->reply;
    char number[64] = "";
    size *= one;
    e->header_bytes += size;
    if (e->header_bytes > MAX_HEADERS) return 0;
    if (size >= 5 && strncasecmp(line, "HTTP/", 5) == 0) { /* also behind a 100 or a proxy's own reply */
        clear(r);
        const char *gap = memchr(line, ' ', size);
        char code[4] = "";
        if (gap != NULL && (size_t)(line + size - gap) > 4) memcpy(code, gap + 1, 3);
        r->status = (long)(number_of(code) > 0 ? number_of(code) : 0);
        return size;
    }
    if (value_of(line, size, "Location", r->location, sizeof r->location) ||
        value_of(line, size, "ETag", r->etag, sizeof r->etag) ||
        value_of(line, size, "X-Linked-Etag", r->linked_etag, sizeof r->linked_etag) ||
        value_of(line, size, "X-Repo-Commit", r->commit, sizeof r->commit) ||
        value_of(line, size, "X-Error-Code", r->error_code, sizeof r->error_code) ||
        value_of(line, size, "X-Error-Message", r->error_message, sizeof r->error_message) ||
        value_of(line, size, "Content-Range", r->content_range, sizeof r->content_range))
        return size;
    if (value_of(line, size, "X-Linked-Size", number, sizeof number)) {
        r->linked_size = number_of(number);
    } else if (value_of(line, size, "Content-Length", number, sizeof number)) {
        r->content_length = number_of(number);
    } else if (value_of(line, size, "Retry-After", number, sizeof number)) {
        const int64_t seconds = number_of(number);
        if (seconds >= 0) {
            r->retry_after = seconds < 1 << 30 ? (long)seconds : 1 << 30;
        } else {
            const time_t date = curl_getdate(number, NULL);
            if (date >= 0) r->retry_after = date > time(NULL) ? (long)(date - time(NULL)) : 0;
        }
    }
    return size;
}

static size_t on_body(char *bytes, size_t one, size_t size, void *context)
{
    exchange *e = context;
    size *= one;
    if (e->reply->status != 200 && e->reply->status != 206) { /* what an error page says is no file's content */
        e->dropped += size;
        return e->dropped <= MAX_ERROR_PAGE ? size : 0;
    }
    if (e->request->sink == NULL || e->request->sink(e->request->context, e->reply, bytes, size)) return size;
    e->stopped = true;
    return 0;
}

/* ---- where a request goes */
/* Scheme, host and port of an URL, as far as they tell whom a token may reach. */
static bool origin_of(const char *url, char origin[512])
{
    CURLU *parts = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL;
    const bool good = parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                      curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                      curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                      curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                      (size_t)snprintf(origin, 512, "%s://%s:%s", scheme, host, port) < 512;
    for (char *c = origin; good && *c != 0; c++) *c = (char)tolower((unsigned char)*c);
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
    return good;
}

static bool is_of_endpoint(const http *h, const char *url)
{
    char here[512], there[512];
    return origin_of(h->endpoint, here) && origin_of(url, there) && strcmp(here, there) == 0;
}

/* base with location laid over it; false where that is no URL that we follow. */
static bool resolve(char out[HTTP_VALUE], const char *base, const char *location)
{
    CURLU *parts = curl_url();
    char *url = NULL;
    const bool good =
        parts != NULL && curl_url_set(parts, CURLUPART_URL, base, 0) == CURLUE_OK &&
        curl_url_set(parts, CURLUPART_URL, location, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_URL, &url, 0) == CURLUE_OK && strlen(url) < HTTP_VALUE &&
        (strncmp(url, "https://", 8) == 0 || (strncmp(url, "http://", 7) == 0 && strncmp(base, "https://", 8) != 0));
    if (good) memcpy(out, url, strlen(url) + 1);
    curl_free(url);
    curl_url_cleanup(parts);
    return good;
}

static const char *first_set(const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && *value != 0) return value;
    }
    return NULL;
}

static triad_status send_once(http *h, const http_request *request, const char *url, http_reply *reply, bool *again,
                              triad_error *err)
{
    static const char *const certificates[] = {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"};
    CURL *curl = h->curl;
    exchange e = {.request = request, .reply = reply};
    struct curl_slist *headers = NULL;
    char range[64];
    curl_easy_reset(curl);
    clear(reply);
    h->problem[0] = 0;
    /* Nothing compressed: sizes and ranges are those of the file. */
    headers = curl_slist_append(headers, "Accept-Encoding: identity");
    if (h->authorization != NULL && is_of_endpoint(h, url)) headers = curl_slist_append(headers, h->authorization);
    if (request->from > 0) {
        snprintf(range, sizeof range, "%llu-", (unsigned long long)request->from);
        curl_easy_setopt(curl, CURLOPT_RANGE, range);
    }
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOBODY, request->head ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "triad/" TRIAD_VERSION);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, request->timeout);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, request->timeout);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, h->problem);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &e);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &e);
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256L * 1024);
    const char *bundle = first_set(certificates, 3);
    if (bundle != NULL) curl_easy_setopt(curl, CURLOPT_CAINFO, bundle);
    const CURLcode code = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    snprintf(reply->url, sizeof reply->url, "%s", url);
    *again = false;
    if (code == CURLE_OK) return TRIAD_OK;
    if (e.stopped) return TRIAD_ERR_INTERRUPTED; /* the sink says why */
    const char *why = h->problem[0] != 0 ? h->problem : curl_easy_strerror(code);
    switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        *again = true;
        break;
    default:
        break;
    }
    return triad_fail(err, TRIAD_ERR_IO, -1, "%.200s: %.150s", url, why);
}

triad_status http_send(http *h, const http_request *request, http_reply *reply, bool *again, triad_error *err)
{
    char url[HTTP_VALUE], next[HTTP_VALUE];
    *again = false;
    if ((size_t)snprintf(url, sizeof url, "%s", request->url) >= sizeof url)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "hub: an address of %zu bytes is too long", strlen(request->url));
    for (int hop = 0;; hop++) {
        const triad_status status = send_once(h, request, url, reply, again, err);
        if (status != TRIAD_OK) return status;
        if (reply->status < 300 || reply->status >= 400 || reply->location[0] == 0) return TRIAD_OK;
        if (!resolve(next, url, reply->location))
            return triad_fail(err, TRIAD_ERR_FORMAT, -1, "%.150s: it leads to %.150s, which is not followed", url,
                              reply->location);
        if (!request->follow && !is_of_endpoint(h, next)) {
            memcpy(reply->location, next, sizeof next);
            return TRIAD_OK;
        }
        if (hop == MAX_REDIRECTS)
            return triad_fail(err, TRIAD_ERR_FORMAT, -1, "%.200s: more than %d redirects", request->url,
                              (int)MAX_REDIRECTS);
        memcpy(url, next, sizeof url);
    }
}
