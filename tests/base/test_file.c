#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t entries(void)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void put(const char *path, const char *text)
{
    triad_error err;
    if (triad_write_whole(path, text, strlen(text), &err) != TRIAD_OK) fail_msg("%s", err.text);
}

static void assert_holds(const char *path, const char *expected)
{
    char *text = NULL;
    size_t size = 0;
    triad_error err;
    if (triad_read_whole(&text, &size, path, 1 << 20, &err) != TRIAD_OK) fail_msg("%s", err.text);
    assert_string_equal(text, expected);
    assert_int_equal(size, strlen(expected));
    free(text);
}

static void whole(void **state)
{
    (void)state;
    const char *path = in_folder("whole.txt");
    put(path, "one");
    assert_holds(path, "one");
    triad_atomic_file file;
    assert_int_equal(triad_atomic_open(&file, path, NULL), TRIAD_OK);
    fputs("two", file.stream);
    fflush(file.stream);
    assert_holds(path, "one"); /* until it is committed */
    assert_int_equal(triad_atomic_commit(&file, NULL), TRIAD_OK);
    assert_holds(path, "two");
    triad_atomic_abandon(&file);
    assert_holds(path, "two");
    triad_error err;
    assert_int_equal(triad_atomic_commit(&file, &err), TRIAD_ERR_ARGUMENT);
    assert_int_equal(entries(), 1);

    assert_int_equal(triad_atomic_open(&file, path, NULL), TRIAD_OK);
    fputs("three", file.stream);
    triad_atomic_abandon(&file);
    triad_atomic_abandon(&file);
    triad_atomic_abandon(NULL);
    assert_holds(path, "two");
    assert_int_equal(entries(), 1);

    put(path, "");
    assert_holds(path, "");
    assert_int_equal(unlink(path), 0);
}

static void permissions(void **state)
{
    (void)state;
    const mode_t mask = umask(022);
    const char *path = in_folder("mode");
    struct stat info;
    put(path, "x");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0644);
    assert_int_equal(chmod(path, 0600), 0);
    put(path, "y");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600); /* a file keeps its own */
    umask(mask);
    unlink(path);
}

static void links_and_devices(void **state)
{
    (void)state;
    const char *target = in_folder("target"), *link = in_folder("link");
    put(target, "old");
    assert_int_equal(symlink("target", link), 0);
    put(link, "new");
    assert_holds(target, "new");
    struct stat info;
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    unlink(target);
    triad_error err;
    assert_int_equal(triad_write_whole(link, "x", 1, &err), TRIAD_ERR_IO);
    assert_non_null(strstr(err.text, "it is a link to nothing (remove it)"));
    unlink(link);

    /* A device is written, not replaced by a file. */
    assert_int_equal(triad_write_whole("/dev/null", "x", 1, &err), TRIAD_OK);
    assert_int_equal(stat("/dev/null", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
    assert_int_equal(triad_write_whole("/dev/full", "x", 1, &err), TRIAD_ERR_IO);
    assert_string_equal(err.text, "/dev/full: writing failed: No space left on device (make room, then try again)");
    char *large = calloc(1, 1 << 20);
    assert_non_null(large);
    assert_int_equal(triad_write_whole("/dev/full", large, 1 << 20, &err), TRIAD_ERR_IO);
    free(large);
    assert_int_equal(entries(), 0);
}

static void refusals(void **state)
{
    (void)state;
    triad_error err;
    triad_atomic_file file;
    assert_int_equal(triad_atomic_open(&file, folder, &err), TRIAD_ERR_IO);
    assert_non_null(strstr(err.text, "it is a folder (name a file in it)"));
    triad_atomic_abandon(&file);
    assert_int_equal(triad_atomic_open(&file, in_folder("none/x"), &err), TRIAD_ERR_IO);
    assert_non_null(strstr(err.text, "its folder does not exist (make it first)"));
    assert_int_equal(triad_atomic_open(&file, "", &err), TRIAD_ERR_IO);
    assert_string_equal(err.text, "file: the name is empty (name one)");
    assert_int_equal(triad_atomic_check(folder, &err), TRIAD_ERR_IO);
    assert_int_equal(triad_atomic_check(in_folder("none/x"), &err), TRIAD_ERR_IO);
    assert_non_null(strstr(err.text, "its folder does not exist (make it first)"));
    assert_int_equal(triad_atomic_check(in_folder("new"), &err), TRIAD_OK);
    assert_int_equal(entries(), 0);
    put(in_folder("plain"), "x");
    assert_int_equal(triad_atomic_check(in_folder("plain"), &err), TRIAD_OK);
    assert_holds(in_folder("plain"), "x");
    assert_int_equal(triad_atomic_open(&file, in_folder("plain/x"), &err), TRIAD_ERR_IO);
    unlink(in_folder("plain"));

    /* Two writers of one file: the second is told, and the first is not disturbed. */
    triad_atomic_file first;
    const char *path = in_folder("shared");
    assert_int_equal(triad_atomic_open(&first, path, NULL), TRIAD_OK);
    fputs("first", first.stream);
    assert_int_equal(triad_atomic_open(&file, path, &err), TRIAD_ERR_IO);
    assert_non_null(strstr(err.text, "another process is writing it"));
    triad_atomic_abandon(&file);
    assert_int_equal(triad_atomic_commit(&first, NULL), TRIAD_OK);
    assert_holds(path, "first");
    unlink(path);
    assert_int_equal(entries(), 0);
}

/* What a killed writer left behind is taken over. */
static void after_a_kill(void **state)
{
    (void)state;
    const char *path = in_folder("killed");
    put(path, "old");
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        triad_atomic_file file;
        if (triad_atomic_open(&file, path, NULL) == TRIAD_OK) {
            fputs("half", file.stream);
            fflush(file.stream);
            raise(SIGKILL);
        }
        _exit(1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_holds(path, "old");
    assert_int_equal(entries(), 2);
    put(path, "new");
    assert_holds(path, "new");
    assert_int_equal(entries(), 1);
    unlink(path);
}

/* A folder in which nothing may be written: as someone who is not root. */
static void unwritable(void **state)
{
    (void)state;
    const char *path = in_folder("kept");
    put(path, "old");
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) _exit(2);
        triad_error err;
        const triad_status result = triad_write_whole(path, "new", 3, &err);
        _exit(result == TRIAD_ERR_IO && strstr(err.text, "can't be written: Permission denied") != NULL ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(status, 0);
    assert_holds(path, "old");
    assert_int_equal(entries(), 1);
    unlink(path);
}

/* No room: the target stays, the temporary goes, whether the stream's buffer hid the failure until the end or not. */
static void no_room(void **state)
{
    (void)state;
    const char *path = in_folder("limited");
    put(path, "old");
    static const size_t sizes[] = {2000, 100000};
    for (size_t i = 0; i < 2; i++) {
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            signal(SIGXFSZ, SIG_IGN);
            setrlimit(RLIMIT_FSIZE, &(struct rlimit){1000, 1000});
            char *bytes = calloc(1, sizes[i]);
            triad_error err;
            const triad_status result = triad_write_whole(path, bytes, sizes[i], &err);
            free(bytes);
            _exit(result == TRIAD_ERR_IO && strstr(err.text, "make room, then try again") != NULL ? 0 : 1);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        assert_holds(path, "old");
        assert_int_equal(entries(), 1);
    }
    unlink(path);
}

static void reading(void **state)
{
    (void)state;
    triad_error err;
    triad_mapping mapping;
    char *text;
    size_t size;
    assert_int_equal(triad_map_file(&mapping, in_folder("none"), &err), TRIAD_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, "no such file"));
    assert_int_equal(triad_read_whole(&text, &size, in_folder("none"), 10, &err), TRIAD_ERR_NOT_FOUND);
    assert_int_equal(triad_map_file(&mapping, folder, &err), TRIAD_ERR_IO);
    assert_non_null(strstr(err.text, "it is a folder"));
    assert_int_equal(triad_read_whole(&text, &size, folder, 10, &err), TRIAD_ERR_IO);
    assert_int_equal(triad_map_file(&mapping, "/dev/null", &err), TRIAD_ERR_IO);
    /* A pipe that nobody writes to is refused at once. */
    const char *pipe_path = in_folder("pipe");
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    assert_true(triad_path_is_device(pipe_path));
    assert_int_equal(triad_map_file(&mapping, pipe_path, &err), TRIAD_ERR_IO);
    assert_non_null(strstr(err.text, "not a regular file"));
    assert_int_equal(triad_atomic_check(pipe_path, &err), TRIAD_OK);
    char hex[65];
    assert_int_equal(triad_sha256_file(hex, pipe_path, &err), TRIAD_ERR_IO);
    unlink(pipe_path);
    assert_null(mapping.data);
    triad_unmap(&mapping);
    triad_unmap(NULL);

    const char *path = in_folder("read");
    put(path, "");
    assert_int_equal(triad_map_file(&mapping, path, &err), TRIAD_OK);
    assert_null(mapping.data);
    assert_int_equal(mapping.size, 0);
    triad_unmap(&mapping);
    put(path, "0123456789");
    assert_int_equal(triad_map_file(&mapping, path, &err), TRIAD_OK);
    assert_int_equal(mapping.size, 10);
    assert_memory_equal(mapping.data, "0123456789", 10);
    triad_unmap(&mapping);
    assert_null(mapping.data);

    assert_int_equal(triad_read_whole(&text, &size, path, 10, &err), TRIAD_OK);
    assert_string_equal(text, "0123456789");
    free(text);
    assert_int_equal(triad_read_whole(&text, &size, path, 9, &err), TRIAD_ERR_RANGE);
    assert_null(text);
    assert_non_null(strstr(err.text, "longer than the 9 bytes"));
    unlink(path);

    /* What has no size beforehand: a pipe. */
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    char big[30000];
    memset(big, 'x', sizeof big);
    assert_int_equal(write(ends[1], big, sizeof big), sizeof big);
    close(ends[1]);
    char name[64];
    snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
    assert_int_equal(triad_read_whole(&text, &size, name, SIZE_MAX, &err), TRIAD_OK);
    assert_int_equal(size, sizeof big);
    free(text);
    close(ends[0]);
}

static void folders(void **state)
{
    (void)state;
    triad_error err;
    assert_int_equal(triad_make_folder(in_folder("a/b//c/"), &err), TRIAD_OK);
    assert_true(triad_path_is_folder(in_folder("a/b/c")));
    assert_int_equal(triad_make_folder(in_folder("a/b/c"), &err), TRIAD_OK);
    put(in_folder("a/file"), "x");
    assert_true(triad_path_exists(in_folder("a/file")));
    assert_false(triad_path_is_folder(in_folder("a/file")));
    assert_false(triad_path_exists(in_folder("a/none")));
    assert_int_equal(triad_make_folder(in_folder("a/file/d"), &err), TRIAD_ERR_IO);
    assert_non_null(strstr(err.text, "can't be made a folder: a file of that name is in the way"));

    char *path = triad_path_join("a", "b");
    assert_string_equal(path, "a/b");
    free(path);
    path = triad_path_join("a/", "b");
    assert_string_equal(path, "a/b");
    free(path);
    path = triad_path_join("", "b");
    assert_string_equal(path, "b");
    free(path);
}

static void sha256(void **state)
{
    (void)state;
    char hex[65];
    triad_sha256_bytes(hex, "", 0);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    triad_sha256_bytes(hex, "abc", 3);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const char *path = in_folder("sum");
    put(path, "abc");
    triad_error err;
    assert_int_equal(triad_sha256_file(hex, path, &err), TRIAD_OK);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    unlink(path);
    assert_int_equal(triad_sha256_file(hex, path, &err), TRIAD_ERR_NOT_FOUND);
    assert_string_equal(hex, "");
    assert_int_equal(triad_sha256_file(hex, folder, &err), TRIAD_ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),    cmocka_unit_test(permissions),  cmocka_unit_test(links_and_devices),
        cmocka_unit_test(refusals), cmocka_unit_test(after_a_kill), cmocka_unit_test(unwritable),
        cmocka_unit_test(no_room),  cmocka_unit_test(reading),      cmocka_unit_test(folders),
        cmocka_unit_test(sha256),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
