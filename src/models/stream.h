/* A long array of rows: in memory up to a bound, beyond it in a mapped file that nobody else sees, so that its pages
 * are the system's to write out. */
#ifndef TRIAD_MODELS_STREAM_H
#define TRIAD_MODELS_STREAM_H

#include "triad/base.h"

typedef struct stream {
    float *data; /* [rows, width] */
    size_t rows, width;
    size_t mapped; /* bytes of the file's mapping; 0: in memory */
} stream;          /* zero-initialise; stream_free */

/* Zeroed. folder: where the file goes (NULL: TMPDIR, else /var/tmp). Fails where the disk has no room. */
TRIAD_NODISCARD triad_status stream_create(stream *s, size_t rows, size_t width, size_t bound, const char *folder,
                                           triad_error *err);
void stream_free(stream *s);
/* These rows won't be wanted for a while: they leave this process's memory where a file holds them. */
void stream_rest(const stream *s, size_t first, size_t rows);

#endif
