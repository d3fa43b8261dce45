/* Shared by the tests of formats: files as bytes, a scratch folder, errors that must say something. */
#ifndef TEST_FORMATS_SUPPORT_H
#define TEST_FORMATS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "triad/base.h"

/* The call fails with this status, and the text holds the words. */
#define expect_failure(call, status, words)                                                                            \
    do {                                                                                                               \
        triad_error problem = {0};                                                                                     \
        triad_error *const err = &problem;                                                                             \
        const triad_status result_ = (call);                                                                           \
        if (result_ != (status) || problem.code != result_ || strstr(problem.text, (words)) == NULL)                   \
            fail_msg("%s gave %s \"%s\", not %s \"…%s…\"", #call, triad_status_name(result_), problem.text,            \
                     triad_status_name(status), (words));                                                              \
    } while (0)

/* The call succeeds. */
#define expect_success(call)                                                                                           \
    do {                                                                                                               \
        triad_error problem = {0};                                                                                     \
        triad_error *const err = &problem;                                                                             \
        const triad_status result_ = (call);                                                                           \
        if (result_ != TRIAD_OK) fail_msg("%s gave %s \"%s\"", #call, triad_status_name(result_), problem.text);       \
    } while (0)

/* A file of the data folder, in memory of exactly its size: a read beyond it is seen by the sanitizer. */
static inline unsigned char *slurp(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail_msg("%s does not open", path);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*size ? *size : 1);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

/* The first size bytes, in memory of exactly that size. */
static inline unsigned char *cut(const unsigned char *bytes, size_t size)
{
    unsigned char *copy = malloc(size ? size : 1);
    if (size) memcpy(copy, bytes, size);
    return copy;
}

/* A path in a folder of this test program's own; the caller frees. */
static inline char *scratch(const char *name)
{
    const char *folder = getenv("TMPDIR");
    const size_t size = strlen(folder ? folder : "/tmp") + strlen(name) + 50;
    char *path = malloc(size);
    snprintf(path, size, "%s/triad-formats-%ld-%s", folder ? folder : "/tmp", (long)getpid(), name);
    return path;
}

static inline void scrap(char *path)
{
    unlink(path);
    free(path);
}

static inline void put_file(const char *path, const void *bytes, size_t size)
{
    expect_success(triad_write_whole(path, bytes, size, err));
}

/* Bytes put together by a test. */
typedef struct builder {
    unsigned char bytes[65536];
    size_t size;
} builder;

static inline void put(builder *b, const void *bytes, size_t size)
{
    assert_true(size <= sizeof b->bytes - b->size);
    memcpy(b->bytes + b->size, bytes, size);
    b->size += size;
}

static inline void put32(builder *b, uint32_t value)
{
    put(b, &value, sizeof value);
}

static inline void put64(builder *b, uint64_t value)
{
    put(b, &value, sizeof value);
}

#endif
