/* Triad: what every room shares: errors, the worker pool, version.
 *
 * Conventions of all public headers:
 *  - arrays are row-major; a shape is written [n, d], the last index fastest;
 *  - a function that can fail returns a triad_status and fills *err (which may be NULL);
 *    nothing in the library prints or exits;
 *  - *_free and *_close accept NULL and zeroed or half-built objects. */
#ifndef TRIAD_BASE_H
#define TRIAD_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRIAD_VERSION "0.1.0"
#define TRIAD_NODISCARD __attribute__((warn_unused_result))

typedef enum triad_status {
    TRIAD_OK = 0,
    TRIAD_ERR_MEMORY = -1,      /* an allocation failed */
    TRIAD_ERR_IO = -2,          /* the system refused a file operation */
    TRIAD_ERR_FORMAT = -3,      /* a file or text is not what it must be */
    TRIAD_ERR_RANGE = -4,       /* a number lies outside what is allowed */
    TRIAD_ERR_ARGUMENT = -5,    /* the caller's request makes no sense */
    TRIAD_ERR_UNSUPPORTED = -6, /* understood, and not implemented */
    TRIAD_ERR_NOT_FOUND = -7,   /* a name, file or key does not exist */
    TRIAD_ERR_GENERATION = -8,  /* an environment can't be generated (the reference would never finish) */
    TRIAD_ERR_NUMERIC = -9,     /* NaN, infinity or a decomposition that did not converge */
    TRIAD_ERR_INTERRUPTED = -10 /* stopped on request */
} triad_status;

/* The reason of a failure. text reads "WHAT: why (what to do)", one line, no final stop;
 * position is a byte offset or line number in the input where the text says so, else -1. */
typedef struct triad_error {
    triad_status code;
    int64_t position;
    char text[480];
} triad_error;

/* Fills *err (may be NULL) and returns code. Control bytes in the text become '?'. */
triad_status triad_fail(triad_error *err, triad_status code, int64_t position, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts "PREFIX: " before the text of an error that is on its way up, unless it begins with PREFIX already; returns
 * err's code. */
triad_status triad_fail_in(triad_error *err, const char *prefix);

const char *triad_status_name(triad_status code);

/* A persistent pool of workers. Work is cut into tiles by the caller, never by the number of
 * threads; a tile's result may depend on nothing but its index, so any number of threads gives
 * the same bytes. One triad_parallel runs at a time on a pool; tiles must not call it again. */
typedef struct triad_pool triad_pool;

/* threads >= 1 counts the calling thread. */
TRIAD_NODISCARD triad_status triad_pool_create(triad_pool **pool, int threads, triad_error *err);
void triad_pool_free(triad_pool *pool);
int triad_pool_threads(const triad_pool *pool); /* 1 for NULL */

/* Runs fn(context, tile, worker) for every tile in [0, tiles); worker in [0, threads) tells whose
 * scratch to use. Returns when all are done. pool NULL: one after the other in the caller. */
typedef void (*triad_tile_fn)(void *context, size_t tile, int worker);
void triad_parallel(triad_pool *pool, size_t tiles, triad_tile_fn fn, void *context);

/* Progress of long work, reported by rooms and shown by whoever made it; NULL is silent. */
typedef struct triad_progress triad_progress;

#endif
