#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- whole or not at all */

/* The temporary's name is fixed: what a killed process left behind is taken over by the next one, and two
 * that write at once meet in the lock on it. */
static const char SUFFIX[] = ".partial";

static triad_status refuse(triad_error *err, const char *path, const char *what, int reason)
{
    if (reason == ENOENT)
        return triad_fail(err, TRIAD_ERR_IO, -1, "%s: %s: its folder does not exist (make it first)", path, what);
    if (reason == ENOSPC || reason == EDQUOT || reason == EFBIG)
        return triad_fail(err, TRIAD_ERR_IO, -1, "%s: %s: %s (make room, then try again)", path, what,
                          strerror(reason));
    return triad_fail(err, TRIAD_ERR_IO, -1, "%s: %s: %s", path, what, strerror(reason));
}

/* Opens and locks the temporary, empty; -1 with errno, EBUSY when another process is writing it. */
static int open_temporary(const char *path)
{
    for (int tries = 0; tries < 100; tries++) {
        const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
        if (fd < 0) return -1;
        struct stat here, there;
        int reason = 0;
        /* Some network file systems have no locks: there the writers are trusted not to meet. */
        if (flock(fd, LOCK_EX | LOCK_NB) != 0 && (errno == EWOULDBLOCK || errno == EINTR))
            reason = EBUSY;
        else if (fstat(fd, &here) != 0)
            reason = errno;
        else if (!S_ISREG(here.st_mode))
            reason = EEXIST;
        if (reason == 0) {
            /* Was it renamed away between our open and our lock? */
            const bool same = stat(path, &there) == 0 && here.st_ino == there.st_ino && here.st_dev == there.st_dev;
            if (same && ftruncate(fd, 0) == 0) return fd;
            reason = same ? errno : 0;
        }
        close(fd);
        if (reason != 0) {
            errno = reason;
            return -1;
        }
    }
    errno = EBUSY;
    return -1;
}

triad_status triad_atomic_open(triad_atomic_file *file, const char *path, triad_error *err)
{
    *file = (triad_atomic_file){0};
    if (*path == 0) return triad_fail(err, TRIAD_ERR_IO, -1, "file: the name is empty (name one)");
    struct stat target;
    const bool exists = stat(path, &target) == 0;
    if (exists && S_ISDIR(target.st_mode))
        return triad_fail(err, TRIAD_ERR_IO, -1, "%s: it is a folder (name a file in it)", path);

    int fd;
    if (exists && !S_ISREG(target.st_mode)) {
        /* A device or a pipe is written as it is: to replace it would take it away from everyone. */
        file->path = strdup(path);
        fd = open(path, O_WRONLY | O_CLOEXEC);
    } else {
        /* Through a link the file behind it is replaced, not the link. */
        struct stat link;
        const bool is_link = lstat(path, &link) == 0 && S_ISLNK(link.st_mode);
        if (is_link && !exists)
            return triad_fail(err, TRIAD_ERR_IO, -1, "%s: it is a link to nothing (remove it)", path);
        file->path = is_link ? realpath(path, NULL) : strdup(path);
        const size_t size = file->path != NULL ? strlen(file->path) + sizeof SUFFIX : 0;
        file->temporary = malloc(size);
        if (file->path == NULL || file->temporary == NULL) {
            triad_atomic_abandon(file);
            return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", path);
        }
        snprintf(file->temporary, size, "%s%s", file->path, SUFFIX);
        fd = open_temporary(file->temporary);
        if (fd >= 0 && exists) (void)fchmod(fd, target.st_mode & 07777);
    }
    if (fd < 0) {
        const int reason = errno;
        free(file->temporary); /* not ours to remove */
        file->temporary = NULL;
        triad_atomic_abandon(file);
        if (reason == EBUSY)
            return triad_fail(err, TRIAD_ERR_IO, -1,
                              "%s: another process is writing it (wait for it, or choose another name)", path);
        return refuse(err, path, "can't be written", reason);
    }
    file->stream = fdopen(fd, "w");
    if (file->stream == NULL || file->path == NULL) {
        if (file->stream == NULL) close(fd);
        triad_atomic_abandon(file);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", path);
    }
    return TRIAD_OK;
}

triad_status triad_atomic_check(const char *path, triad_error *err)
{
    if (triad_path_is_device(path)) return TRIAD_OK; /* opening a pipe waits for its reader */
    triad_atomic_file file;
    const triad_status status = triad_atomic_open(&file, path, err);
    if (status == TRIAD_OK) triad_atomic_abandon(&file);
    return status;
}

/* The rename is safe on disk only when the folder is. */
static void sync_folder(const char *path)
{
    char *folder = strdup(path);
    if (folder == NULL) return;
    char *slash = strrchr(folder, '/');
    if (slash == folder)
        slash[1] = 0;
    else if (slash != NULL)
        *slash = 0;
    const int fd = open(slash != NULL ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    if (fd < 0) return;
    (void)fsync(fd); /* some file systems can't; the file itself is whole either way */
    close(fd);
}

triad_status triad_atomic_commit(triad_atomic_file *file, triad_error *err)
{
    if (file->stream == NULL) return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "file: committed twice or never opened");
    const bool failed_before = ferror(file->stream) != 0;
    errno = 0;
    bool ok = fflush(file->stream) == 0;
    int reason = errno;
    if (ok && failed_before) {
        /* stdio forgets why an earlier write failed; nothing but a full disk is likely. */
        ok = false;
        reason = ENOSPC;
    }
    if (ok && fsync(fileno(file->stream)) != 0 && errno != EINVAL && errno != EROFS) {
        ok = false;
        reason = errno;
    }
    /* Renamed while the lock is held, so that no other writer takes the temporary in between. */
    if (ok && file->temporary != NULL && rename(file->temporary, file->path) != 0) {
        ok = false;
        reason = errno;
    }
    if (ok) {
        free(file->temporary);
        file->temporary = NULL;
        sync_folder(file->path);
    }
    const triad_status status = ok ? TRIAD_OK : refuse(err, file->path, "writing failed", reason != 0 ? reason : EIO);
    triad_atomic_abandon(file);
    return status;
}

void triad_atomic_abandon(triad_atomic_file *file)
{
    if (file == NULL) return;
    if (file->temporary != NULL) (void)unlink(file->temporary);
    if (file->stream != NULL) (void)fclose(file->stream);
    free(file->temporary);
    free(file->path);
    *file = (triad_atomic_file){0};
}

triad_status triad_write_whole(const char *path, const void *bytes, size_t size, triad_error *err)
{
    triad_atomic_file file;
    const triad_status status = triad_atomic_open(&file, path, err);
    if (status != TRIAD_OK) return status;
    if (size > 0) (void)fwrite(bytes, 1, size, file.stream); /* commit reports it */
    return triad_atomic_commit(&file, err);
}

/* ---- reading */

static triad_status refuse_reading(triad_error *err, const char *path, int reason)
{
    if (reason == ENOENT) return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "%s: no such file", path);
    if (reason == EISDIR) return triad_fail(err, TRIAD_ERR_IO, -1, "%s: it is a folder (name a file)", path);
    return triad_fail(err, TRIAD_ERR_IO, -1, "%s: can't be read: %s", path, strerror(reason));
}

/* -1 with errno, EISDIR for a folder. */
static int open_to_read(const char *path, int flags, struct stat *info)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    if (fd < 0) return -1;
    int reason = fstat(fd, info) != 0 ? errno : S_ISDIR(info->st_mode) ? EISDIR : 0;
    if (reason == 0) return fd;
    close(fd);
    errno = reason;
    return -1;
}

triad_status triad_map_file(triad_mapping *mapping, const char *path, triad_error *err)
{
    *mapping = (triad_mapping){0};
    struct stat info;
    /* A pipe can't be mapped: it is refused instead of waited for. */
    const int fd = open_to_read(path, O_NONBLOCK, &info);
    if (fd < 0) return refuse_reading(err, path, errno);
    triad_status status = TRIAD_OK;
    if (!S_ISREG(info.st_mode)) {
        status = triad_fail(err, TRIAD_ERR_IO, -1, "%s: not a regular file (copy it into one)", path);
    } else if (info.st_size > 0) {
        void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
            status = refuse_reading(err, path, errno);
        else
            *mapping = (triad_mapping){data, (size_t)info.st_size};
    }
    close(fd);
    return status;
}

void triad_unmap(triad_mapping *mapping)
{
    if (mapping == NULL) return;
    if (mapping->data != NULL) (void)munmap((void *)(uintptr_t)mapping->data, mapping->size);
    *mapping = (triad_mapping){0};
}

triad_status triad_read_whole(char **text, size_t *size, const char *path, size_t limit, triad_error *err)
{
    *text = NULL;
    *size = 0;
    struct stat info;
    const int fd = open_to_read(path, 0, &info);
    if (fd < 0) return refuse_reading(err, path, errno);

    triad_status status = TRIAD_OK;
    char *bytes = NULL;
    size_t used = 0, capacity = 0;
    for (;;) {
        if (used > limit) {
            status = triad_fail(err, TRIAD_ERR_RANGE, -1, "%s: longer than the %zu bytes that such a file may have",
                                path, limit);
            break;
        }
        if (capacity - used < 2) {
            /* The size that the system tells is a hint: a pipe has none, a file may grow. */
            size_t wanted = capacity == 0 ? (size_t)info.st_size + 2 : 2 * capacity;
            if (wanted < 4096) wanted = 4096;
            if (limit < SIZE_MAX - 2 && wanted > limit + 2) wanted = limit + 2;
            char *grown = realloc(bytes, wanted);
            if (grown == NULL) {
                status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory for %zu bytes", path, wanted);
                break;
            }
            bytes = grown;
            capacity = wanted;
        }
        const ssize_t n = read(fd, bytes + used, capacity - used - 1);
        if (n > 0) {
            used += (size_t)n;
        } else if (n == 0) {
            bytes[used] = 0;
            break;
        } else if (errno != EINTR) {
            status = refuse_reading(err, path, errno);
            break;
        }
    }
    close(fd);
    if (status != TRIAD_OK) {
        free(bytes);
        return status;
    }
    *text = bytes;
    *size = used;
    return TRIAD_OK;
}

/* ---- paths */

char *triad_path_join(const char *folder, const char *name)
{
    const size_t length = strlen(folder);
    const bool slash = length > 0 && folder[length - 1] != '/';
    const size_t size = length + strlen(name) + 2;
    char *path = malloc(size);
    if (path != NULL) snprintf(path, size, "%s%s%s", folder, slash ? "/" : "", name);
    return path;
}

bool triad_path_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

bool triad_path_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool triad_path_is_device(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

triad_status triad_make_folder(const char *path, triad_error *err)
{
    char *part = strdup(path);
    if (part == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", path);
    triad_status status = TRIAD_OK;
    for (char *at = part; status == TRIAD_OK && *at != 0;) {
        at += strspn(at, "/");
        at += strcspn(at, "/");
        const char kept = *at;
        *at = 0;
        if (mkdir(part, 0777) != 0) {
            const int reason = errno;
            if (!triad_path_is_folder(part))
                status = triad_fail(err, TRIAD_ERR_IO, -1, "%s: can't be made a folder: %s", part,
                                    reason == EEXIST ? "a file of that name is in the way" : strerror(reason));
        }
        *at = kept;
    }
    free(part);
    return status;
}
