/* Requests to a hub, by libcurl: redirects one at a time, so that the token stays with the endpoint. */
#ifndef TRIAD_MODELS_HUB_HTTP_H
#define TRIAD_MODELS_HUB_HTTP_H

#include "triad/base.h"

typedef struct http http;

/* What of a reply's headers matters; "" where absent. */
enum { HTTP_VALUE = 2048 };
typedef struct http_reply {
    long status;
    char location[HTTP_VALUE]; /* as sent; resolved where it was not followed */
    char etag[256], linked_etag[256], commit[64];
    char error_code[64], error_message[256];
    char content_range[128];
    int64_t content_length, linked_size; /* -1: absent */
    long retry_after;                    /* seconds; -1: absent */
    char url[HTTP_VALUE];                /* that answered */
} http_reply;

/* Takes what arrives, after the headers; false ends the transfer. reply holds the status and headers by then. */
typedef bool (*http_sink)(void *context, const http_reply *reply, const void *bytes, size_t size);

/* endpoint: scheme and host (and port, and a path) without a slash at its end; token may be NULL. Both are copied. */
TRIAD_NODISCARD triad_status http_create(http **made, const char *endpoint, const char *token, triad_error *err);
void http_free(http *h);

typedef struct http_request {
    const char *url;
    bool head;
    bool follow;           /* redirects: those that stay at the endpoint always are, others only with this */
    uint64_t from;         /* Range: bytes=FROM- where above 0 */
    const char *only_what; /* Accept, or NULL */
    http_sink sink;        /* NULL: the body is dropped */
    void *context;
    long timeout; /* seconds without a byte */
} http_request;

/* Sends it; a status of any kind is a reply. *again: no whole reply came, and trying again may help. A sink that
 * gives up makes TRIAD_ERR_INTERRUPTED. */
TRIAD_NODISCARD triad_status http_send(http *h, const http_request *request, http_reply *reply, bool *again,
                                       triad_error *err);

/* Percent-encoding of all but letters, digits and -_.~ (and / where kept). Appends nothing on failure; the caller's. */
char *http_encode(const char *text, bool keep_slashes);

#endif
