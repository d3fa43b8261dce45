/* The Hugging Face cache and `pull`, against a hub on loopback with faults. */
#include "models/hub_server.h"

#include "models/hub.h"
#include "models/hub_http.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char *home; /* a folder of this program's own */

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info, (void)kind, (void)walk;
    return remove(path);
}

static void clean(void)
{
    (void)nftw(home, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void set_environment(const hub *h)
{
    static const char *const names[] = {"HF_HUB_CACHE",
                                        "HUGGINGFACE_HUB_CACHE",
                                        "XDG_CACHE_HOME",
                                        "HF_HUB_OFFLINE",
                                        "TRANSFORMERS_OFFLINE",
                                        "HF_TOKEN",
                                        "HF_TOKEN_PATH",
                                        "HUGGING_FACE_HUB_TOKEN",
                                        "HF_ENDPOINT",
                                        "HF_HUB_ETAG_TIMEOUT",
                                        "HF_HUB_DOWNLOAD_TIMEOUT",
                                        "HF_HUB_DISABLE_IMPLICIT_TOKEN",
                                        "HF_HUB_DISABLE_SYMLINKS",
                                        "http_proxy",
                                        "https_proxy",
                                        "HTTPS_PROXY",
                                        "all_proxy",
                                        "ALL_PROXY"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) unsetenv(names[i]);
    setenv("no_proxy", "*", 1);
    setenv("HF_HOME", home, 1);
    if (h == NULL) return;
    char endpoint[64];
    snprintf(endpoint, sizeof endpoint, "http://127.0.0.1:%d/", h->front.port);
    setenv("HF_ENDPOINT", endpoint, 1);
}

static hub *small_hub(void)
{
    clean();
    hub *h = hub_start();
    set_environment(h);
    hub_add(h, "config.json", 300, false);
    hub_add(h, "model.safetensors", 300000, true);
    hub_add(h, "1_Pooling/config.json", 40, false);
    hub_add(h, "pytorch_model.bin", 50, true);
    return h;
}

static char *in_home(const char *rest)
{
    static char path[2][1024];
    static int turn;
    turn ^= 1;
    snprintf(path[turn], sizeof path[turn], "%s/hub/models--org--tiny/%s", home, rest);
    return path[turn];
}

static void expect_file(const char *rest, const hub_file *file)
{
    size_t size;
    char *path = in_home(rest);
    if (!triad_path_exists(path)) fail_msg("%s is not there", path);
    unsigned char *bytes = slurp(path, &size);
    assert_int_equal(size, file->size);
    assert_memory_equal(bytes, file->content, size);
    free(bytes);
}

static void expect_link(const char *rest, const char *target)
{
    char seen[512] = "";
    const ssize_t n = readlink(in_home(rest), seen, sizeof seen - 1);
    assert_true(n > 0);
    assert_string_equal(seen, target);
}

static void expect_absent(const char *rest)
{
    struct stat info;
    if (lstat(in_home(rest), &info) == 0) fail_msg("%s is there", rest);
}

static void expect_whole(const hub *h)
{
    expect_file("snapshots/" COMMIT "/config.json", &h->file[0]);
    expect_file("snapshots/" COMMIT "/model.safetensors", &h->file[1]);
    expect_file("snapshots/" COMMIT "/1_Pooling/config.json", &h->file[2]);
}

static char *blob(const hub *h, size_t file, const char *ending)
{
    static char name[200];
    snprintf(name, sizeof name, "blobs/%s%s", h->file[file].etag, ending);
    return name;
}

static void pull_well(const char *name, size_t fetched)
{
    triad_pulled got;
    expect_success(triad_hub_pull(&got, name, false, NULL, err));
    if (got.fetched != fetched) fail_msg("%s: %zu files fetched, not %zu", name, got.fetched, fetched);
    triad_pulled_free(&got);
}

static void pull_badly(const char *name, triad_status status, const char *words)
{
    triad_pulled got;
    expect_failure(triad_hub_pull(&got, name, false, NULL, err), status, words);
    assert_null(got.folder);
}

static void fault(hub *h, hub_fault f)
{
    pthread_mutex_lock(&h->lock);
    h->fault[h->faults++] = f;
    pthread_mutex_unlock(&h->lock);
}

static void the_layout_is_the_hubs(void **state)
{
    (void)state;
    hub *h = small_hub();
    triad_pulled got;
    expect_success(triad_hub_pull(&got, "org/tiny", false, NULL, err));
    assert_int_equal(got.files, 3);
    assert_int_equal(got.fetched, 3);
    assert_int_equal(got.bytes, 300340);
    assert_int_equal(got.bytes_fetched, 300340);
    assert_string_equal(got.commit, COMMIT);
    assert_string_equal(got.folder, in_home("snapshots/" COMMIT));
    triad_pulled_free(&got);
    expect_whole(h);
    char target[220];
    snprintf(target, sizeof target, "../../%s", blob(h, 1, ""));
    expect_link("snapshots/" COMMIT "/model.safetensors", target);
    snprintf(target, sizeof target, "../../../%s", blob(h, 2, ""));
    expect_link("snapshots/" COMMIT "/1_Pooling/config.json", target);
    size_t size;
    unsigned char *text = slurp(in_home("refs/main"), &size);
    assert_int_equal(size, 40); /* no line end */
    assert_memory_equal(text, COMMIT, 40);
    free(text);
    expect_absent(blob(h, 1, ".incomplete"));
    expect_absent("snapshots/" COMMIT "/pytorch_model.bin");
    char lock[1024];
    snprintf(lock, sizeof lock, "%s/hub/.locks/models--org--tiny/%s.lock", home, h->file[1].etag);
    assert_true(triad_path_exists(lock));
    assert_int_equal(hub_asked(h, "front GET /api/models/org/tiny/revision/main "), 1);
    assert_int_equal(hub_asked(h, "front HEAD /org/tiny/resolve/" COMMIT "/config.json "), 1);
    assert_int_equal(hub_asked(h, "auth=Bearer"), 0);

    hub_forget(h); /* once more: only questions */
    pull_well("org/tiny", 0);
    assert_int_equal(hub_asked(h, "storage"), 0);
    hub_forget(h); /* another revision of the same files: links and a ref */
    pull_well("org/tiny@refs/pr/1", 0);
    assert_int_equal(hub_asked(h, "/revision/refs%2Fpr%2F1 "), 1);
    assert_true(triad_path_exists(in_home("refs/refs/pr/1")));
    pull_well("org/tiny@" COMMIT, 0);
    expect_success(triad_hub_pull(&got, "org/tiny", true, NULL, err));
    assert_int_equal(got.files, 4);
    assert_int_equal(got.fetched, 1);
    triad_pulled_free(&got);
    expect_success(triad_hub_pull(&got, "org/tiny/config.json", false, NULL, err));
    assert_string_equal(got.folder, in_home("snapshots/" COMMIT "/config.json"));
    triad_pulled_free(&got);

    /* Found again, offline too. */
    setenv("HF_HUB_OFFLINE", "yes", 1);
    hub_forget(h);
    char *path;
    expect_success(triad_hub_find(&path, "org/tiny", err));
    assert_string_equal(path, in_home("snapshots/" COMMIT));
    free(path);
    expect_success(triad_hub_find(&path, "org/tiny/config.json", err));
    assert_string_equal(path, in_home("snapshots/" COMMIT "/config.json"));
    free(path);
    expect_success(triad_hub_find(&path, "org/tiny@refs/pr/1", err));
    free(path);
    pull_well("org/tiny", 0);
    pull_badly("org/other", TRIAD_ERR_NOT_FOUND, "HF_HUB_OFFLINE");
    setenv("HF_HUB_OFFLINE", "0", 1); /* not empty, so it decides */
    setenv("TRANSFORMERS_OFFLINE", "1", 1);
    assert_false(hub_offline());
    setenv("HF_HUB_OFFLINE", "", 1);
    assert_true(hub_offline());
    assert_int_equal(hub_asked(h, "GET"), 0);
    expect_failure(triad_hub_find(&path, "org/tiny/absent", err), TRIAD_ERR_NOT_FOUND, "not this file");
    expect_failure(triad_hub_find(&path, "org/tiny@v9", err), TRIAD_ERR_NOT_FOUND, "triad pull org/tiny@v9");
    expect_failure(triad_hub_find(&path, "no such/path/at all", err), TRIAD_ERR_NOT_FOUND, "no such file or folder");
    expect_failure(triad_hub_find(&path, "agent.safetensors", err), TRIAD_ERR_NOT_FOUND,
                   "agent.safetensors: no such file");
    put_file(in_home("refs/broken"), "nonsense\n", 9);
    expect_failure(triad_hub_find(&path, "org/tiny@broken", err), TRIAD_ERR_FORMAT, "names no commit");
    put_file(in_home("refs/gone"), "ffffffffffffffffffffffffffffffffffffffff", 40);
    expect_failure(triad_hub_find(&path, "org/tiny@gone", err), TRIAD_ERR_NOT_FOUND, "no snapshot");
    hub_end(h);
}

static void the_token_stays_with_the_hub(void **state)
{
    (void)state;
    hub *h = small_hub();
    setenv("HF_TOKEN", " hf_secret\n", 1);
    pull_well("org/tiny", 3);
    assert_int_equal(hub_asked(h, "storage GET"), 1);
    assert_int_equal(hub_asked(h, "auth=Bearer hf_secret range"), hub_asked(h, "front "));
    pthread_mutex_lock(&h->lock);
    for (char *line = strstr(h->log, "storage"); line != NULL; line = strstr(line + 1, "storage"))
        assert_non_null(strstr(line, "auth= "));
    pthread_mutex_unlock(&h->lock);
    /* A redirect in mid-download, back to the hub's port on the storage's way: each host by its own right. */
    clean();
    hub_forget(h);
    char away[100];
    snprintf(away, sizeof away, "http://127.0.0.1:%d/store/%s", h->storage.port, h->file[0].etag);
    h->file[0].large = false;
    fault(
        h,
        (hub_fault){
            .target = "/resolve/" COMMIT "/config.json", .method = "GET", .times = 1, .status = 307, .location = away});
    pull_well("org/tiny", 3);
    assert_int_equal(hub_asked(h, "storage GET /store/"), 2);
    pthread_mutex_lock(&h->lock);
    for (char *line = strstr(h->log, "storage"); line != NULL; line = strstr(line + 1, "storage"))
        assert_non_null(strstr(line, "auth= "));
    pthread_mutex_unlock(&h->lock);
    /* From a file; not at all; the older name. */
    unsetenv("HF_TOKEN");
    char path[1024];
    snprintf(path, sizeof path, "%s/token", home);
    put_file(path, "hf_file\n", 8);
    hub_forget(h);
    pull_well("org/tiny", 0);
    assert_true(hub_asked(h, "auth=Bearer hf_file ") > 0);
    setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1", 1);
    hub_forget(h);
    pull_well("org/tiny", 0);
    assert_int_equal(hub_asked(h, "auth=Bearer"), 0);
    unsetenv("HF_HUB_DISABLE_IMPLICIT_TOKEN");
    setenv("HF_TOKEN_PATH", "/nowhere", 1);
    setenv("HUGGING_FACE_HUB_TOKEN", "hf_old", 1);
    hub_forget(h);
    pull_well("org/tiny", 0);
    assert_true(hub_asked(h, "auth=Bearer hf_old ") > 0);
    setenv("HF_TOKEN", "hf_a\r\nX-Evil: 1", 1);
    pull_badly("org/tiny", TRIAD_ERR_ARGUMENT, "control byte");
    hub_end(h);
}

static void cut_connections_go_on(void **state)
{
    (void)state;
    hub *h = small_hub();
    fault(h, (hub_fault){.target = "/store/", .times = 2, .cut = 100000});
    pull_well("org/tiny", 3);
    expect_whole(h);
    assert_int_equal(hub_asked(h, "range=bytes=100000-"), 1);
    assert_int_equal(hub_asked(h, "range=bytes=200000-"), 1);

    clean(); /* a server that gives up after a while leaves a part, and the next pull continues it */
    hub_forget(h);
    fault(h, (hub_fault){.target = "/store/", .times = 1, .cut = 120000});
    fault(h, (hub_fault){.target = "/store/", .times = 1, .status = 404});
    pull_badly("org/tiny", TRIAD_ERR_NOT_FOUND, "no such repository");
    struct stat info;
    assert_int_equal(stat(in_home(blob(h, 1, ".incomplete")), &info), 0);
    assert_int_equal(info.st_size, 120000);
    expect_absent("refs/main");
    expect_absent("snapshots/" COMMIT "/model.safetensors");
    expect_file("snapshots/" COMMIT "/config.json", &h->file[0]);
    hub_forget(h);
    triad_pulled got;
    expect_success(triad_hub_pull(&got, "org/tiny", false, NULL, err));
    assert_int_equal(got.resumed, 1);
    assert_int_equal(got.bytes_fetched, 180000 + 40);
    triad_pulled_free(&got);
    assert_int_equal(hub_asked(h, "range=bytes=120000-"), 1);
    expect_whole(h);

    clean(); /* nothing comes: five tries, then a line */
    hub_forget(h);
    fault(h, (hub_fault){.target = "/store/", .times = 99, .status = 503, .headers = "Retry-After: 0\r\n"});
    pull_badly("org/tiny", TRIAD_ERR_IO, "answers 503");
    assert_int_equal(hub_asked(h, "/store/"), 5);
    hub_end(h);
    pull_badly("org/tiny", TRIAD_ERR_IO, "127.0.0.1"); /* nobody listens */
}

static void ranges_are_not_believed(void **state)
{
    (void)state;
    hub *h = small_hub();
    fault(h, (hub_fault){.target = "/store/", .times = 1, .cut = 100000});
    fault(h, (hub_fault){.target = "/store/", .times = 1, .ignore_range = true});
    pull_well("org/tiny", 3);
    expect_whole(h);
    clean();
    hub_forget(h);
    fault(h, (hub_fault){.target = "/store/", .times = 1, .cut = 100000});
    fault(h, (hub_fault){.target = "/store/", .times = 1, .wrong_range = true});
    pull_badly("org/tiny", TRIAD_ERR_FORMAT, "another part");
    clean();
    hub_forget(h);
    fault(h, (hub_fault){.target = "/store/", .times = 1, .too_long = true});
    pull_badly("org/tiny", TRIAD_ERR_FORMAT, "more than the file has");
    hub_forget(h);
    pull_well("org/tiny", 2); /* the configuration was there */
    expect_whole(h);

    /* A part of something else, as long as the file or shorter or longer: found out, and fetched anew. */
    static const size_t LENGTHS[] = {1000, 300000, 400000};
    for (size_t i = 0; i < 3; i++) {
        clean();
        hub_forget(h);
        char *junk = calloc(1, 400000);
        expect_success(triad_make_folder(in_home("blobs"), err));
        put_file(in_home(blob(h, 1, ".incomplete")), junk, LENGTHS[i]);
        free(junk);
        pull_well("org/tiny", 3);
        expect_whole(h);
    }
    hub_end(h);
}

static void checksums_are_verified(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        size_t file;
    } CASES[] = {{"/store/", 1}, {"/resolve/" COMMIT "/config.json", 0}};
    hub *h = small_hub();
    for (size_t i = 0; i < 2; i++) {
        clean();
        hub_forget(h);
        fault(h, (hub_fault){.target = CASES[i].target, .method = "GET", .times = 9, .wrong_bytes = true});
        pull_badly("org/tiny", TRIAD_ERR_FORMAT, "another checksum");
        expect_absent(blob(h, CASES[i].file, ""));
        expect_absent(blob(h, CASES[i].file, ".incomplete"));
        expect_absent("refs/main");
    }
    hub_forget(h);
    pull_well("org/tiny", 3);
    /* A blob that was cut is fetched again, a link to nothing is made anew. */
    assert_int_equal(truncate(in_home(blob(h, 1, "")), 10), 0);
    assert_int_equal(unlink(in_home(blob(h, 0, ""))), 0);
    pull_well("org/tiny", 2);
    expect_whole(h);
    /* Links that lead round in a circle are no files. */
    char *path;
    assert_int_equal(unlink(in_home("snapshots/" COMMIT "/config.json")), 0);
    assert_int_equal(symlink("config.json", in_home("snapshots/" COMMIT "/config.json")), 0);
    expect_failure(triad_hub_find(&path, "org/tiny/config.json", err), TRIAD_ERR_NOT_FOUND, "not this file");
    pull_well("org/tiny", 0);
    expect_whole(h);
    hub_end(h);
}

static void refusals_say_what_to_do(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *headers, *words;
        triad_status code;
    } CASES[] = {
        {401, "", "set HF_TOKEN", TRIAD_ERR_NOT_FOUND},
        {403, "X-Error-Code: GatedRepo\r\n", "asks for consent", TRIAD_ERR_IO},
        {403, "", "ask for access", TRIAD_ERR_IO},
        {404, "X-Error-Code: RepoNotFound\r\n", "no such repository", TRIAD_ERR_NOT_FOUND},
        {404, "X-Error-Code: RevisionNotFound\r\n", "no revision main", TRIAD_ERR_NOT_FOUND},
        {429, "Retry-After: 3600\r\n", "asks to wait", TRIAD_ERR_IO},
        {429, "Retry-After: Fri, 31 Dec 2100 23:59:59 GMT\r\n", "asks to wait", TRIAD_ERR_IO},
        {500, "Retry-After: 0\r\n", "answers 500", TRIAD_ERR_IO},
        {418, "", "answers 418", TRIAD_ERR_IO},
    };
    hub *h = small_hub();
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        hub_forget(h);
        fault(h, (hub_fault){.target = "/api/", .times = 9, .status = CASES[i].status, .headers = CASES[i].headers});
        pull_badly("org/tiny", CASES[i].code, CASES[i].words);
        expect_absent("blobs"); /* nothing is made before there is something */
    }
    setenv("HF_TOKEN", "hf_x", 1);
    hub_forget(h);
    fault(h, (hub_fault){.target = "/api/", .times = 9, .status = 401});
    pull_badly("org/tiny", TRIAD_ERR_NOT_FOUND, "for this token");
    /* In time: two that ask to wait, at each of the three kinds of question. */
    static const char *const TARGETS[] = {"/api/", "/resolve/", "/store/"};
    hub_forget(h);
    for (size_t i = 0; i < 3; i++)
        fault(h, (hub_fault){
                     .target = TARGETS[i], .times = 2, .status = i == 1 ? 500 : 429, .headers = "Retry-After: 0\r\n"});
    pull_well("org/tiny", 3);
    expect_whole(h);
    clean();
    hub_forget(h);
    fault(h,
          (hub_fault){.target = "1_Pooling", .times = 9, .status = 404, .headers = "X-Error-Code: EntryNotFound\r\n"});
    pull_badly("org/tiny", TRIAD_ERR_NOT_FOUND, "no file 1_Pooling/config.json");
    /* Redirects: round in a circle, to where only files are, to nowhere. */
    static const char *const LOCATIONS[][2] = {{"/org/tiny/resolve/" COMMIT "/config.json", "redirects"},
                                               {"file:///etc/passwd", "not followed"},
                                               {"http://", "not followed"}};
    for (size_t i = 0; i < 3; i++) {
        hub_forget(h);
        fault(h, (hub_fault){.target = "/config.json", .times = 9, .status = 302, .location = LOCATIONS[i][0]});
        pull_badly("org/tiny", TRIAD_ERR_FORMAT, LOCATIONS[i][1]);
    }
    pull_badly("not a name", TRIAD_ERR_ARGUMENT, "not a repository's name");
    setenv("HF_ENDPOINT", "ftp://hub", 1);
    pull_badly("org/tiny", TRIAD_ERR_ARGUMENT, "HF_ENDPOINT");
    hub_end(h);
}

static void a_hostile_hub_writes_nowhere_else(void **state)
{
    (void)state;
#define LISTING(name)                                                                                                  \
    "{\"sha\": \"" COMMIT "\", \"siblings\": [{\"rfilename\": \"config.json\"}, {\"rfilename\": \"" name "\"}]}"
    static const struct {
        const char *listing, *words;
    } CASES[] = {
        {LISTING("../../evil"), "leads out"},
        {LISTING("/etc/evil"), "leads out"},
        {LISTING("a/../../evil"), "leads out"},
        {LISTING("a//b"), "leads out"},
        {LISTING("a\\\\b"), "leads out"},
        {LISTING(".."), "leads out"},
        {LISTING("a/."), "leads out"},
        {LISTING("a\\u0007"), "leads out"},
        {LISTING("a\\u0000b"), "no rfilename"},
        {LISTING(""), "leads out"},
        {"{\"sha\": \"../../../x\", \"siblings\": []}", "names no commit"},
        {"{\"sha\": \"0123456789ABCDEF0123456789abcdef01234567\", \"siblings\": []}", "names no commit"},
        {"{\"siblings\": []}", "names no commit"},
        {"{\"sha\": \"" COMMIT "\"}", "no siblings"},
        {"{\"sha\": \"" COMMIT "\", \"siblings\": [3]}", "no rfilename"},
        {"[]", "no siblings"},
        {"<html>", "listing"},
        {"", "listing"},
    };
    hub *h = small_hub();
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        h->listing = CASES[i].listing;
        pull_badly("org/tiny", TRIAD_ERR_FORMAT, CASES[i].words);
        expect_absent("blobs");
    }
    h->listing = NULL;
    static const char *const ETAGS[] = {"ETag: \"../../../evil\"\r\n", "ETag: \"\"\r\n", "ETag: \".hidden\"\r\n",
                                        "ETag: \"a b\"\r\n", ""};
    for (size_t i = 0; i < 5; i++) {
        hub_forget(h);
        fault(h,
              (hub_fault){.target = "/config.json", .method = "HEAD", .times = 9, .status = 200, .headers = ETAGS[i]});
        pull_badly("org/tiny", TRIAD_ERR_FORMAT, "no usable checksum");
        expect_absent("blobs");
    }
    hub_forget(h);
    fault(h, (hub_fault){.target = "/config.json",
                         .times = 9,
                         .status = 200,
                         .headers = "ETag: \"abc\"\r\nX-Repo-Commit: ffffffffffffffffffffffffffffffffffffffff\r\n"});
    pull_badly("org/tiny", TRIAD_ERR_FORMAT, "another commit");
    hub_forget(h); /* more than any disk has */
    fault(h, (hub_fault){.target = "/config.json",
                         .times = 9,
                         .status = 200,
                         .headers = "ETag: \"abc\"\r\nX-Linked-Size: 9000000000000000000\r\n"});
    pull_badly("org/tiny", TRIAD_ERR_IO, "make room");
    hub_end(h);
}

static void a_full_disk_keeps_the_part(void **state)
{
    (void)state;
    hub *h = small_hub();
    struct rlimit before, small = {150000, 0};
    getrlimit(RLIMIT_FSIZE, &before);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    triad_pulled got;
    triad_error why;
    const triad_status status = triad_hub_pull(&got, "org/tiny", false, NULL, &why);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(status, TRIAD_ERR_IO);
    assert_non_null(strstr(why.text, "make room"));
    struct stat info;
    assert_int_equal(stat(in_home(blob(h, 1, ".incomplete")), &info), 0);
    assert_int_equal(info.st_size, 150000);
    expect_success(triad_hub_pull(&got, "org/tiny", false, NULL, err));
    assert_int_equal(got.resumed, 1);
    triad_pulled_free(&got);
    expect_whole(h);
    hub_end(h);
}

static void two_wait_for_one_another(void **state)
{
    (void)state;
    hub *h = small_hub();
    char folder[1024], path[1200];
    snprintf(folder, sizeof folder, "%s/hub/.locks/models--org--tiny", home);
    snprintf(path, sizeof path, "%s/%s.lock", folder, h->file[1].etag);
    expect_success(triad_make_folder(folder, err));
    /* Another process holds the lock, writes the blob, and lets go. */
    expect_success(triad_make_folder(in_home("blobs"), err));
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
        const int fd = open(path, O_RDWR | O_CREAT, 0666);
        if (fd < 0 || flock(fd, LOCK_EX) != 0 || write(ready[1], "x", 1) != 1) _exit(1);
        usleep(300000);
        FILE *out = fopen(in_home(blob(h, 1, "")), "w");
        if (out == NULL || fwrite(h->file[1].content, 1, h->file[1].size, out) != h->file[1].size) _exit(1);
        fclose(out);
        _exit(0);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    pull_well("org/tiny", 2); /* not the one that the other has brought */
    int code;
    waitpid(child, &code, 0);
    assert_int_equal(code, 0);
    close(ready[0]);
    close(ready[1]);
    assert_int_equal(hub_asked(h, "storage"), 0);
    expect_whole(h);
    hub_end(h);
}

static void ggufs_and_copies(void **state)
{
    (void)state;
    clean();
    hub *h = hub_start();
    set_environment(h);
    hub_add(h, "README.md", 10, false);
    hub_add(h, "tiny-Q8_0.gguf", 1000, true);
    triad_pulled got;
    expect_success(triad_hub_pull(&got, "org/tiny", false, NULL, err));
    assert_int_equal(got.files, 1);
    triad_pulled_free(&got);
    char *path;
    expect_success(triad_hub_find(&path, "org/tiny", err)); /* a folder with one GGUF is that GGUF */
    assert_string_equal(path, in_home("snapshots/" COMMIT "/tiny-Q8_0.gguf"));
    free(path);
    hub_add(h, "tiny-Q4_0.gguf", 1100, true);
    pull_badly("org/tiny", TRIAD_ERR_ARGUMENT,
               "2 GGUF files (name one: org/tiny/FILE): tiny-Q8_0.gguf, tiny-Q4_0.gguf");
    setenv("HF_HUB_DISABLE_SYMLINKS", "1", 1);
    expect_success(triad_hub_pull(&got, "org/tiny/tiny-Q4_0.gguf", false, NULL, err));
    assert_string_equal(got.folder, in_home("snapshots/" COMMIT "/tiny-Q4_0.gguf"));
    triad_pulled_free(&got);
    char seen[10];
    assert_int_equal(readlink(in_home("snapshots/" COMMIT "/tiny-Q4_0.gguf"), seen, sizeof seen), -1);
    expect_file("snapshots/" COMMIT "/tiny-Q4_0.gguf", &h->file[2]);
    pull_badly("org/tiny/none.gguf", TRIAD_ERR_NOT_FOUND, "no file none.gguf");
    hub_end(h);
    h = hub_start();
    set_environment(h);
    hub_add(h, "m-00001-of-00002.gguf", 100, true);
    hub_add(h, "m-00002-of-00002.gguf", 110, true);
    hub_add(h, "n-00002-of-00002.gguf", 120, true);
    clean();
    expect_success(triad_hub_pull(&got, "org/tiny/m-00001-of-00002.gguf", false, NULL, err));
    assert_int_equal(got.files, 2);
    triad_pulled_free(&got);
    hub_end(h);
    h = hub_start(); /* files of no bytes */
    set_environment(h);
    hub_add(h, "config.json", 0, false);
    hub_add(h, "model.safetensors", 0, true);
    clean();
    pull_well("org/tiny", 2);
    pull_well("org/tiny", 0);
    expect_file("snapshots/" COMMIT "/config.json", &h->file[0]);
    expect_file("snapshots/" COMMIT "/model.safetensors", &h->file[1]);
    hub_end(h);
    h = hub_start();
    set_environment(h);
    hub_add(h, "pytorch_model.bin", 100, true);
    pull_badly("org/tiny", TRIAD_ERR_UNSUPPORTED, "neither safetensors nor a GGUF");
    h->listing = "{\"sha\": \"" COMMIT "\", \"siblings\": []}";
    pull_badly("org/tiny", TRIAD_ERR_NOT_FOUND, "holds no files");
    hub_end(h);
}

static void names_and_places(void **state)
{
    (void)state;
    static const struct {
        const char *source, *repository, *revision, *file;
    } GOOD[] = {
        {"gpt2", "gpt2", "main", NULL},
        {"org/name", "org/name", "main", NULL},
        {"org/na.me_1-x@v1.0", "org/na.me_1-x", "v1.0", NULL},
        {"org/name@refs/pr/1", "org/name", "refs/pr/1", NULL},
        {"org/name/sub/f.gguf", "org/name", "main", "sub/f.gguf"},
        {"org/name@v1/f.gguf", "org/name", "v1", "f.gguf"},
    };
    hub_name name;
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
        expect_success(hub_name_parse(&name, GOOD[i].source, err));
        assert_string_equal(name.repository, GOOD[i].repository);
        assert_string_equal(name.revision, GOOD[i].revision);
        if (GOOD[i].file == NULL)
            assert_null(name.file);
        else
            assert_string_equal(name.file, GOOD[i].file);
        hub_name_free(&name);
    }
    static const char *const BAD[] = {"",         "/",        "/a",     "a/",      "..",         "../a", "a/..",
                                      "-a/b",     "a/b-",     "a--b/c", "a/b.git", "a b/c",      "a/b@", "a/b@../x",
                                      "a/b/../c", "a/b@v//f", ".a/b",   "a/b/",    "a\xc3\xa9/b"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        triad_error why;
        if (hub_name_parse(&name, BAD[i], &why) != TRIAD_ERR_ARGUMENT) fail_msg("\"%s\" is taken for a name", BAD[i]);
    }
    char wide[120];
    memset(wide, 'a', 97);
    wide[97] = 0;
    expect_failure(hub_name_parse(&name, wide, err), TRIAD_ERR_ARGUMENT, "not a repository");

    set_environment(NULL);
    char *path;
    static const struct {
        const char *variable, *value, *place;
    } PLACES[] = {
        {"HOME", "/h", "/h/.cache/huggingface/hub"},
        {"XDG_CACHE_HOME", "~/c", "/h/c/huggingface/hub"},
        {"HF_HOME", "$HOME/x${HOME}$NONE_SUCH", "/h/x/h$NONE_SUCH/hub"},
        {"HUGGINGFACE_HUB_CACHE", "/old", "/old"},
        {"HF_HUB_CACHE", "~", "/h"},
    };
    char *own = strdup(getenv("HOME") ? getenv("HOME") : "/");
    unsetenv("HF_HOME");
    for (size_t i = 0; i < sizeof PLACES / sizeof *PLACES; i++) {
        setenv(PLACES[i].variable, PLACES[i].value, 1);
        expect_success(triad_hub_cache(&path, err));
        assert_string_equal(path, PLACES[i].place);
        free(path);
    }
    setenv("HOME", own, 1);
    free(own);
    char *encoded = http_encode("a b/\xc3\xa9+~", true);
    assert_string_equal(encoded, "a%20b/%C3%A9%2B~");
    free(encoded);
}

static int make_home(void **state)
{
    (void)state;
    home = scratch("hub");
    return 0;
}

static int drop_home(void **state)
{
    (void)state;
    clean();
    free(home);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_places),
        cmocka_unit_test(the_layout_is_the_hubs),
        cmocka_unit_test(the_token_stays_with_the_hub),
        cmocka_unit_test(cut_connections_go_on),
        cmocka_unit_test(ranges_are_not_believed),
        cmocka_unit_test(checksums_are_verified),
        cmocka_unit_test(refusals_say_what_to_do),
        cmocka_unit_test(a_hostile_hub_writes_nowhere_else),
        cmocka_unit_test(a_full_disk_keeps_the_part),
        cmocka_unit_test(two_wait_for_one_another),
        cmocka_unit_test(ggufs_and_copies),
    };
    return cmocka_run_group_tests(tests, make_home, drop_home);
}
