/* Files: whole or not at all. */
#ifndef TRIAD_BASE_FILE_H
#define TRIAD_BASE_FILE_H

#include "triad/base.h"

#include <stdio.h>

/* Writes beside the target under a temporary name; commit flushes, fsyncs, renames over the target and
 * fsyncs the folder. Every failure, the stream's own included, is reported by commit. */
typedef struct triad_atomic_file {
    FILE *stream;
    char *path, *temporary;
} triad_atomic_file;

TRIAD_NODISCARD triad_status triad_atomic_open(triad_atomic_file *file, const char *path, triad_error *err);
/* Before long work: what triad_atomic_open would refuse now. Nothing is left behind; devices and pipes are not touched.
 */
TRIAD_NODISCARD triad_status triad_atomic_check(const char *path, triad_error *err);
TRIAD_NODISCARD triad_status triad_atomic_commit(triad_atomic_file *file, triad_error *err);
void triad_atomic_abandon(triad_atomic_file *file); /* removes the temporary; legal after commit */
TRIAD_NODISCARD triad_status triad_write_whole(const char *path, const void *bytes, size_t size, triad_error *err);

/* A file mapped read-only. data is NULL for an empty file. */
typedef struct triad_mapping {
    const unsigned char *data;
    size_t size;
} triad_mapping;

TRIAD_NODISCARD triad_status triad_map_file(triad_mapping *mapping, const char *path, triad_error *err);
void triad_unmap(triad_mapping *mapping);

/* The whole file in memory of the caller's (free()), with a 0 byte behind it; refused beyond limit bytes. */
TRIAD_NODISCARD triad_status triad_read_whole(char **text, size_t *size, const char *path, size_t limit,
                                              triad_error *err);

/* "a/b" for ("a", "b"); the caller frees. NULL when memory is out. */
char *triad_path_join(const char *folder, const char *name);
bool triad_path_exists(const char *path);
bool triad_path_is_folder(const char *path);
bool triad_path_is_device(const char *path); /* or a pipe: there, but neither file nor folder */
/* mkdir -p. */
TRIAD_NODISCARD triad_status triad_make_folder(const char *path, triad_error *err);

/* SHA-256 as 64 hex digits and a 0. */
TRIAD_NODISCARD triad_status triad_sha256_file(char hex[65], const char *path, triad_error *err);
void triad_sha256_bytes(char hex[65], const void *bytes, size_t size);

#endif
