#include "models/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/file.h"

typedef struct header {
    char magic[8];
    keep_key key;
    uint64_t layers, rows, width, sum; /* sum: of x, and of the fields before it */
} header;

static const char MAGIC[8] = "triad.k1";

static header header_of(keep_key key, size_t layers, const float *x, size_t rows, size_t width)
{
    header h = {.key = key, .layers = layers, .rows = rows, .width = width};
    memcpy(h.magic, MAGIC, sizeof MAGIC);
    h.sum = XXH3_64bits(x, rows * width * sizeof *x) ^ XXH3_64bits(&h, offsetof(header, sum));
    return h;
}

static bool write_all(int file, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        const ssize_t done = write(file, at, size < (1U << 30) ? size : (1U << 30));
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return false;
        at += done;
        size -= (size_t)done;
    }
    return true;
}

triad_status keep_write(const char *path, keep_key key, size_t layers, const float *x, size_t rows, size_t width,
                        triad_error *err)
{
    if (path == NULL) return TRIAD_OK;
    char temporary[4096];
    if (snprintf(temporary, sizeof temporary, "%s.next", path) >= (int)sizeof temporary)
        return triad_fail(err, TRIAD_ERR_IO, -1, "%.300s: the name is too long", path);
    const header h = header_of(key, layers, x, rows, width);
    const int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool written = file >= 0 && write_all(file, &h, sizeof h) && write_all(file, x, rows * width * sizeof *x);
    if (file >= 0 && close(file) != 0) written = false;
    if (written && rename(temporary, path) == 0) return TRIAD_OK;
    const int why = errno;
    (void)unlink(temporary);
    return triad_fail(err, TRIAD_ERR_IO, -1,
                      "%.300s: can't keep what is finished: %s (make room, then go on with the same command)", path,
                      strerror(why));
}

void keep_read(const char *path, keep_key key, size_t *layers, float *x, size_t rows, size_t width)
{
    *layers = 0;
    triad_mapping file;
    triad_error none;
    if (path == NULL || !triad_path_exists(path) || triad_map_file(&file, path, &none) != TRIAD_OK) return;
    header h;
    const size_t bytes = rows * width * sizeof *x;
    if (file.size == sizeof h + bytes) {
        memcpy(&h, file.data, sizeof h);
        memcpy(x, file.data + sizeof h, bytes);
        const header right = header_of(key, (size_t)h.layers, x, rows, width);
        if (memcmp(&h, &right, sizeof h) == 0) *layers = (size_t)h.layers;
    }
    triad_unmap(&file);
}
