#include "models/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/checked.h"

/* A file without a name; some file systems can't make one at once. */
static int nameless(const char *folder)
{
    const int made = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (made >= 0) return made;
    char path[4096];
    if (snprintf(path, sizeof path, "%s/triad.XXXXXX", folder) >= (int)sizeof path) return -1;
    const int file = mkostemp(path, O_CLOEXEC);
    if (file >= 0) (void)unlink(path);
    return file;
}

static triad_status map(stream *s, size_t bytes, const char *folder, triad_error *err)
{
    if (folder == NULL) folder = getenv("TMPDIR");
    if (folder == NULL || folder[0] == 0) folder = "/var/tmp";
    const int file = nameless(folder);
    if (file < 0)
        return triad_fail(err, TRIAD_ERR_IO, -1,
                          "model: can't make a file for %zu MiB in %.200s: %s (set TMPDIR to where there is room)",
                          bytes >> 20, folder, strerror(errno));
    /* Room now, rather than a bus error later. */
    const int refused = posix_fallocate(file, 0, (off_t)bytes);
    void *data = refused == 0 ? mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) : MAP_FAILED;
    const int why = refused != 0 ? refused : errno;
    (void)close(file);
    if (data == MAP_FAILED)
        return triad_fail(err, TRIAD_ERR_IO, -1,
                          "model: no room for %zu MiB of hidden states in %.200s: %s (set TMPDIR to a larger disk)",
                          bytes >> 20, folder, strerror(why));
    s->data = data;
    s->mapped = bytes;
    return TRIAD_OK;
}

triad_status stream_create(stream *s, size_t rows, size_t width, size_t bound, const char *folder, triad_error *err)
{
    size_t count, bytes;
    *s = (stream){.rows = rows, .width = width};
    if (!triad_mul_size(&count, rows, width) || !triad_mul_size(&bytes, count, sizeof *s->data) || bytes > SIZE_MAX / 4)
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: %zu rows of %zu numbers are too many", rows, width);
    if (bytes > bound) return map(s, bytes, folder, err);
    s->data = aligned_alloc(64, (bytes + 127) & ~(size_t)63);
    if (s->data == NULL)
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory for %zu x %zu numbers", rows, width);
    memset(s->data, 0, bytes);
    return TRIAD_OK;
}

void stream_free(stream *s)
{
    if (s->mapped > 0)
        (void)munmap(s->data, s->mapped);
    else
        free(s->data);
    memset(s, 0, sizeof *s);
}

void stream_rest(const stream *s, size_t first, size_t rows)
{
    if (s->mapped == 0) return;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), row = s->width * sizeof *s->data;
    const size_t from = (first * row + page - 1) / page * page, to = (first + rows) * row / page * page;
    /* Advice: the file keeps what was written. */
    if (to > from) (void)madvise((char *)s->data + from, to - from, MADV_DONTNEED);
}
