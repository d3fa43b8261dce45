/* The whole chain on a study of a second: resumed after kills in the same bytes, redone where something changed and
 * nowhere else, stopped by missing files before it begins. Through the program, as users run it. */
#include "base/file.h"
#include "base/text.h"
#include "formats/json.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64];    /* of this test program, removed at its end */
static char whole[128];  /* a study that ran without interruption */
static char config[128]; /* its configuration */

static const char CONFIG[] =
    "study: tiny\n"
    "seed: 3\n"
    "items: {levels: [GoToLocal, OpenDoor]}\n"
    "agents:\n"
    "  seeds: [1, 2]\n"
    "  steps: 3000\n"
    "  shares: [0.5, 0.5]\n"
    "  batch_steps: 64\n"
    "  checkpoint_every: 2\n"
    "  width: 32\n"
    "  heads: 2\n"
    "  feed_forward: 32\n"
    "  window: 4\n"
    "evaluation: {episodes: 6, episodes_untrained: 3}\n"
    "models:\n"
    "  - {name: llama, source: models/checkpoints/gguf-llama-q4_0/gguf-llama-q4_0.gguf, role: decoder, also: [last]}\n"
    "  - {name: bert, source: models/checkpoints/bert-vocab-f16, role: encoder, package: bert-tiny==1}\n"
    "baselines: [bow, random]\n"
    "alignment: {k: [1, 5], headline_k: 5, permutations: 19, permutations_retrieval: 9, bootstrap: 50}\n"
    "protocol:\n"
    "  - {choice: Levels, value: two of them, status: assumed, note: a note}\n";

/* ---- running the program */

static void path_in(char out[256], const char *folder, const char *name)
{
    snprintf(out, 256, "%.120s/%.120s", folder, name);
}

static void write_text(const char *path, const char *text)
{
    triad_error err;
    if (triad_write_whole(path, text, strlen(text), &err) != TRIAD_OK) fail_msg("%s", err.text);
}

/* Starts it with stdout and stderr in files of the root. */
static pid_t start(const char *const *arguments)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child > 0) return child;
    char out[256], err[256];
    path_in(out, root, "stdout");
    path_in(err, root, "stderr");
    const int o = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600), e = open(err, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (o < 0 || e < 0 || dup2(o, 1) < 0 || dup2(e, 2) < 0) _exit(99);
    const char *list[24] = {getenv("TRIAD_BIN")};
    size_t count = 1;
    while (arguments[count - 1] != NULL && count < 23) {
        list[count] = arguments[count - 1];
        count++;
    }
    execv(list[0], (char *const *)list);
    _exit(98);
}

static int finish(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#define RUN(...) finish(start((const char *const[]){__VA_ARGS__, NULL}))

/* What the last run printed; the next call overwrites it. */
static const char *printed(const char *stream)
{
    static char text[1 << 18];
    char path[256];
    path_in(path, root, stream);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void assert_ran(int status)
{
    if (status != 0) fail_msg("exit status %d: %s", status, printed("stderr"));
}

/* One line on stderr that says this. */
static void assert_refused(int status, const char *words)
{
    assert_int_equal(status, 1);
    const char *text = printed("stderr");
    if (strstr(text, words) == NULL) fail_msg("'%s' does not say '%s'", text, words);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    assert_true(strncmp(text, "triad: ", 7) == 0);
}

/* ---- comparing folders */

typedef struct tree {
    char name[256][128], sha256[256][65];
    size_t count;
} tree;

static bool is_log(const char *name)
{
    const size_t length = strlen(name);
    return strcmp(name, "log") == 0 || (length > 10 && strcmp(name + length - 10, ".log.jsonl") == 0);
}

static void read_tree(tree *t, const char *folder, const char *below)
{
    char path[256];
    path_in(path, folder, below);
    DIR *list = opendir(path);
    assert_non_null(list);
    for (const struct dirent *entry; (entry = readdir(list)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || is_log(entry->d_name)) continue;
        char name[128];
        snprintf(name, sizeof name, "%.40s%s%.80s", below, below[0] ? "/" : "", entry->d_name);
        path_in(path, folder, name);
        struct stat what;
        assert_int_equal(stat(path, &what), 0);
        if (S_ISDIR(what.st_mode)) {
            read_tree(t, folder, name);
            continue;
        }
        assert_true(t->count < 256);
        strcpy(t->name[t->count], name);
        triad_error err;
        assert_int_equal(triad_sha256_file(t->sha256[t->count++], path, &err), TRIAD_OK);
    }
    closedir(list);
}

static const char *sha256_in(const tree *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->name[i], name) == 0) return t->sha256[i];
    return NULL;
}

static void assert_same_tree(const char *a, const char *b)
{
    static tree one, other;
    one.count = other.count = 0;
    read_tree(&one, a, "");
    read_tree(&other, b, "");
    for (size_t i = 0; i < one.count; i++) {
        const char *sha256 = sha256_in(&other, one.name[i]);
        if (sha256 == NULL) fail_msg("%s: not in the other folder", one.name[i]);
        if (strcmp(sha256, one.sha256[i]) != 0) fail_msg("%s: other bytes", one.name[i]);
    }
    for (size_t i = 0; i < other.count; i++)
        if (sha256_in(&one, other.name[i]) == NULL) fail_msg("%s: left over", other.name[i]);
}

static void copy_study(const char *to)
{
    char command[512];
    snprintf(command, sizeof command, "cp -a '%s' '%s'", whole, to);
    assert_int_equal(system(command), 0);
}

/* Which stages are to do, by name: "align pooling …" in the order of the study. */
static void stages_to_do(char *out, size_t size, const char *with, const char *folder)
{
    assert_ran(RUN("run", with, "-o", folder, "--list", "--json"));
    json_object *document = NULL;
    triad_error err;
    const char *text = printed("stdout");
    if (json_read(&document, text, strlen(text), &err) != TRIAD_OK) fail_msg("%s", err.text);
    json_object *stages = json_find(document, "stages", json_type_array);
    assert_non_null(stages);
    out[0] = '\0';
    for (size_t i = 0; i < json_object_array_length(stages); i++) {
        const char *name, *state;
        assert_int_equal(json_want_string(json_object_array_get_idx(stages, i), "stage", &name, &err), TRIAD_OK);
        assert_int_equal(json_want_string(json_object_array_get_idx(stages, i), "state", &state, &err), TRIAD_OK);
        if (strcmp(state, "done") != 0)
            snprintf(out + strlen(out), size - strlen(out), "%s%s", out[0] ? " " : "", name);
    }
    json_object_put(document);
}

/* The configuration with one piece of it replaced. */
static void changed_config(char path[256], const char *from, const char *to)
{
    static char text[4096];
    const char *at = strstr(CONFIG, from);
    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - CONFIG), CONFIG, to, at + strlen(from));
    path_in(path, root, "changed.yaml");
    write_text(path, text);
}

/* ---- tests */

static int setup(void **state)
{
    (void)state;
    strcpy(root, "/tmp/triad-study-XXXXXX");
    if (mkdtemp(root) == NULL) return 1;
    snprintf(config, sizeof config, "%s/tiny.yaml", root);
    snprintf(whole, sizeof whole, "%s/whole", root);
    write_text(config, CONFIG);
    const int status = RUN("run", config, "-o", whole, "--threads", "2");
    if (status != 0) fprintf(stderr, "the study failed: %s\n", printed("stderr"));
    return status != 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command) != 0;
}

static void a_study_leaves_its_files(void **state)
{
    (void)state;
    static const char *const files[] = {"items.tsv",
                                        "agents/agent-1.safetensors",
                                        "agents/agent-2.safetensors",
                                        "agents/untrained-1.safetensors",
                                        "evaluations/agent-1.json",
                                        "evaluations/untrained-2.json",
                                        "spaces/agent-1.safetensors",
                                        "spaces/untrained-1.safetensors",
                                        "spaces/llama.safetensors",
                                        "spaces/llama.last.safetensors",
                                        "spaces/bert.safetensors",
                                        "spaces/bow.safetensors",
                                        "spaces/random.safetensors",
                                        "results.json",
                                        "results.csv",
                                        "report.html",
                                        "log",
                                        "stages/train-1.json"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[256];
        path_in(path, whole, files[i]);
        if (!triad_path_exists(path)) fail_msg("%s is missing", files[i]);
    }
    char path[256];
    path_in(path, whole, "agents/agent-1.safetensors.checkpoint");
    assert_false(triad_path_exists(path));
}

static void results_hold_what_the_report_shows(void **state)
{
    (void)state;
    char path[256];
    path_in(path, whole, "results.json");
    json_object *document = NULL;
    triad_error err;
    if (json_read_file(&document, path, 1 << 26, &err) != TRIAD_OK) fail_msg("%s", err.text);
    /* 2 agents, 2 twins, 2 models, 2 baselines: 28 pairs first, all with both nulls. */
    json_object *spaces = json_find(document, "spaces", json_type_array),
                *pairs = json_find(document, "pairs", json_type_array);
    assert_int_equal(json_object_array_length(spaces), 8);
    assert_true(json_object_array_length(pairs) > 28);
    for (size_t i = 0; i < 28; i++) {
        json_object *measures = json_find(json_object_array_get_idx(pairs, i), "measures", json_type_object);
        json_object *retrieval = json_find(measures, "retrieval/strict64/all/mean/nn/5/expected", json_type_object);
        json_object *overlap = json_find(measures, "mutual_knn_frac/5", json_type_object);
        assert_non_null(retrieval);
        assert_non_null(overlap);
        assert_non_null(json_find(json_find(overlap, "null", json_type_object), "iid", json_type_object));
        assert_non_null(json_find(json_find(overlap, "null", json_type_object), "relabel", json_type_object));
    }
    json_object *claims = json_find(document, "claims", json_type_array),
                *verdict = json_find(document, "verdict", json_type_object);
    assert_int_equal(json_object_array_length(claims), 5);
    const char *headline;
    assert_int_equal(json_want_string(verdict, "headline", &headline, &err), TRIAD_OK);
    assert_non_null(strstr(headline, "llama"));
    assert_int_equal(json_object_array_length(json_find(document, "agents", json_type_array)), 4);
    json_object *figures = json_find(document, "figures", json_type_object);
    assert_int_equal(json_object_array_length(json_find(figures, "k_charts", json_type_array)), 4);
    assert_int_equal(json_object_array_length(json_find(figures, "layer_charts", json_type_array)), 6);
    /* An agent, its twin, two models and the bag of words; 90 sentences. */
    json_object *maps = json_find(document, "maps", json_type_object),
                *shown = json_find(maps, "spaces", json_type_array),
                *columns = json_find(maps, "columns", json_type_object);
    assert_int_equal(json_object_array_length(shown), 5);
    const size_t sentences = json_object_array_length(json_find(maps, "text", json_type_array));
    assert_true(sentences > 20);
    static const char *const names[] = {"verb", "colour", "object", "location"};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(json_object_array_length(json_find(columns, names[i], json_type_array)), sentences);
    for (size_t i = 0; i < 5; i++) {
        json_object *space = json_object_array_get_idx(shown, i);
        assert_int_equal(json_object_array_length(json_find(space, "pca", json_type_array)), sentences);
        assert_int_equal(json_object_array_length(json_find(space, "tsne", json_type_array)), sentences);
    }
    json_object_put(document);
}

static json_object *entry_with(json_object *list, const char *key, const char *value, const char *other_key,
                               const char *other)
{
    for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++) {
        json_object *o = json_object_array_get_idx(list, i);
        const char *a = NULL, *b = NULL;
        if (json_get_string(o, key, &a, NULL) == TRIAD_OK && json_get_string(o, other_key, &b, NULL) == TRIAD_OK &&
            a != NULL && b != NULL && strcmp(a, value) == 0 && strcmp(b, other) == 0)
            return o;
    }
    fail_msg("no entry with %s %s and %s %s", key, value, other_key, other);
    return NULL;
}

static double end_of(json_object *from, const char *key, size_t end)
{
    json_object *interval = json_find(from, key, json_type_array);
    assert_non_null(interval);
    return json_object_get_double(json_object_array_get_idx(interval, end));
}

/* The interval of a mean over agents is what `triad align --seeds` makes of the study's own spaces. */
static void intervals_cover_words_and_seeds(void **state)
{
    (void)state;
    static const char *const names[4] = {"agent-1", "agent-2", "llama", "bert"};
    static const char *const measures[2] = {"retrieval/strict64/all/mean/nn/5/expected", "mutual_knn_frac/5"};
    char path[256], space[4][256];
    triad_error err;
    for (int i = 0; i < 4; i++) snprintf(space[i], 256, "%.120s/spaces/%s.safetensors", whole, names[i]);
    assert_ran(RUN("align", space[0], space[1], space[2], space[3], "--seeds", "agents=agent-1,agent-2", "--null",
                   "none", "--k", "1,5", "--bootstrap", "50", "--seed", "3", "--json"));
    json_object *told = NULL, *results = NULL;
    const char *text = printed("stdout");
    if (json_read(&told, text, strlen(text), &err) != TRIAD_OK) fail_msg("%s", err.text);
    path_in(path, whole, "results.json");
    if (json_read_file(&results, path, 1 << 26, &err) != TRIAD_OK) fail_msg("%s", err.text);
    json_object *seeds = json_find(told, "seeds", json_type_array),
                *figures = json_find(results, "figures", json_type_object),
                *rows = json_find(figures, "rows", json_type_array);
    for (int model = 2; model < 4; model++) {
        json_object *want =
            json_find(entry_with(seeds, "x", "agents", "y", names[model]), "measures", json_type_object);
        json_object *readings =
            json_find(entry_with(rows, "kind", "action", "x", names[model]), "readings", json_type_array);
        for (size_t r = 0; r < 2; r++) {
            json_object *of = json_find(want, measures[r], json_type_object),
                        *is = json_object_array_get_idx(readings, r);
            assert_non_null(of);
            assert_true(end_of(is, "interval_sentences", 0) == end_of(of, "interval", 0));
            assert_true(end_of(is, "interval_sentences", 1) == end_of(of, "interval", 1));
            const double low = end_of(of, "interval_groups", 0), high = end_of(of, "interval_groups", 1);
            assert_true(end_of(is, "interval", 0) == fmin(low, end_of(of, "interval", 0)));
            assert_true(end_of(is, "interval", 1) == fmax(high, end_of(of, "interval", 1)));
            assert_true(end_of(is, "interval", 0) < end_of(is, "interval", 1));
        }
    }
    const char *over;
    assert_int_equal(json_want_string(json_find(results, "study", json_type_object), "interval", &over, &err),
                     TRIAD_OK);
    assert_string_equal(over, "over words (colour, object, location) and seeds");
    json_object_put(told);
    json_object_put(results);
}

static void results_tell_no_place_and_no_time(void **state)
{
    (void)state;
    static tree t;
    t.count = 0;
    read_tree(&t, whole, "");
    for (size_t i = 0; i < t.count; i++) {
        char path[256], *text = NULL;
        size_t size;
        triad_error err;
        path_in(path, whole, t.name[i]);
        assert_int_equal(triad_read_whole(&text, &size, path, 1 << 26, &err), TRIAD_OK);
        if (memmem(text, size, root, strlen(root)) != NULL) fail_msg("%s names a folder of the machine", t.name[i]);
        free(text);
    }
}

static void a_finished_study_is_not_redone(void **state)
{
    (void)state;
    char path[256], folder[256];
    path_in(folder, root, "again");
    copy_study(folder);
    path_in(path, folder, "agents/agent-1.safetensors");
    struct stat before, after;
    assert_int_equal(stat(path, &before), 0);
    assert_ran(RUN("run", config, "-o", folder));
    assert_int_equal(stat(path, &after), 0);
    assert_true(before.st_ino == after.st_ino && before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
                before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
    assert_null(strstr(printed("stderr"), "train")); /* no stage began */
    assert_same_tree(whole, folder);
}

static void any_number_of_threads_gives_the_same_bytes(void **state)
{
    (void)state;
    char folder[256];
    path_in(folder, root, "one-thread");
    assert_ran(RUN("run", config, "-o", folder, "--threads", "1", "--quiet"));
    assert_same_tree(whole, folder);
}

/* Killed at moments spread over the whole run, most of them while agents learn. */
static void killed_and_restarted_it_ends_in_the_same_bytes(void **state)
{
    (void)state;
    char folder[256];
    path_in(folder, root, "killed");
    unsigned seed = 20261123;
    int kills = 0;
    double longest = 0.04; /* seconds: growing, so that a slow machine comes to an end too */
    for (int status = -1; status != 0;) {
        const pid_t child = start((const char *const[]){"run", config, "-o", folder, "--quiet", NULL});
        seed = seed * 1664525u + 1013904223u;
        const double seconds = longest * (0.3 + 0.7 * (double)(seed >> 8) / 16777216);
        longest *= 1.08;
        const struct timespec lease = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
        nanosleep(&lease, NULL);
        int left = 0;
        if (waitpid(child, &left, WNOHANG) == 0) {
            kill(child, SIGKILL);
            kills++;
            finish(child);
            if (kills > 120) fail_msg("it does not come to an end");
        } else {
            status = WIFEXITED(left) ? WEXITSTATUS(left) : -1;
            assert_ran(status);
        }
    }
    assert_true(kills >= 3);
    assert_same_tree(whole, folder);
}

static void what_changed_is_redone_and_nothing_else(void **state)
{
    (void)state;
    char todo[2048], with[256];
    stages_to_do(todo, sizeof todo, config, whole);
    assert_string_equal(todo, "");
    changed_config(with, "status: assumed", "status: swept");
    stages_to_do(todo, sizeof todo, with, whole);
    assert_string_equal(todo, "results report");
    changed_config(with, "bootstrap: 50", "bootstrap: 60");
    stages_to_do(todo, sizeof todo, with, whole);
    assert_string_equal(todo, "align pooling layers results report");
    changed_config(with, "role: decoder", "role: encoder");
    stages_to_do(todo, sizeof todo, with, whole);
    assert_string_equal(todo, "align pooling layers maps results report");
    changed_config(with, "bootstrap: 50}", "bootstrap: 50, maps: false}");
    stages_to_do(todo, sizeof todo, with, whole);
    assert_string_equal(todo, "results report");
    changed_config(with, "episodes_untrained: 3", "episodes_untrained: 4");
    stages_to_do(todo, sizeof todo, with, whole);
    assert_string_equal(todo, "evaluate-untrained-1 evaluate-untrained-2 results report");
    changed_config(with, "seeds: [1, 2]", "seeds: [1, 5]");
    stages_to_do(todo, sizeof todo, with, whole);
    assert_string_equal(
        todo,
        "train-2 evaluate-2 evaluate-untrained-2 embed-agent-2 embed-untrained-2 align pooling layers results report");
    changed_config(with, "seed: 3", "seed: 4");
    stages_to_do(todo, sizeof todo, with, whole);
    assert_string_equal(todo, "embed-bow embed-random align pooling layers maps results report");
}

/* A change half-way through a run must not take over what the run with the old configuration had begun. */
static void another_configuration_begins_afresh(void **state)
{
    (void)state;
    char folder[256], fresh[256], with[256];
    path_in(folder, root, "changed");
    path_in(fresh, root, "fresh");
    changed_config(with, "steps: 3000", "steps: 2000");
    const pid_t child = start((const char *const[]){"run", config, "-o", folder, "--quiet", NULL});
    const struct timespec lease = {0, 150000000};
    nanosleep(&lease, NULL);
    kill(child, SIGKILL);
    finish(child);
    assert_ran(RUN("run", with, "-o", folder, "--quiet"));
    assert_ran(RUN("run", with, "-o", fresh, "--quiet"));
    assert_same_tree(fresh, folder);
}

static void a_damaged_output_is_made_again(void **state)
{
    (void)state;
    char folder[256], path[256], todo[2048];
    path_in(folder, root, "damaged");
    copy_study(folder);
    path_in(path, folder, "spaces/bow.safetensors");
    assert_int_equal(truncate(path, 100), 0);
    path_in(path, folder, "stages/report.json");
    write_text(path, "not JSON");
    stages_to_do(todo, sizeof todo, config, folder);
    assert_string_equal(todo, "embed-bow align pooling layers maps results report");
    assert_ran(RUN("run", config, "-o", folder));
    assert_null(strstr(printed("stderr"), "align")); /* the space came out the same: what reads it stands */
    assert_same_tree(whole, folder);
}

static void missing_files_stop_it_before_it_begins(void **state)
{
    (void)state;
    char folder[256], with[256];
    path_in(folder, root, "nothing");
    changed_config(with, "source: models/checkpoints/bert-vocab-f16", "source: models/none");
    assert_refused(RUN("run", with, "-o", folder), "model bert: file model.safetensors of package bert-tiny==1 in "
                                                   "folder models/none is missing (tools/fetch_models.sh brings it)");
    assert_refused(RUN("run", with, "-o", folder, "--dry-run"), "model bert: file model.safetensors");
    changed_config(with, "gguf-llama-q4_0/gguf-llama-q4_0.gguf", "gguf-llama-q4_0/none.gguf");
    assert_refused(RUN("run", with, "-o", folder),
                   "model llama: file none.gguf in folder models/checkpoints/gguf-llama-q4_0 is missing (put it there, "
                   "or change `source`)");
    changed_config(with, "role: decoder",
                   "role: decoder, sha256: 0000000000000000000000000000000000000000000000000000000000000000");
    assert_refused(RUN("run", with, "-o", folder),
                   "model llama: file gguf-llama-q4_0.gguf in folder models/checkpoints/gguf-llama-q4_0 has another "
                   "checksum than the study says");
    changed_config(with, "source: models/checkpoints/bert-vocab-f16", "source: align");
    assert_refused(RUN("run", with, "-o", folder), "model bert: file model.safetensors");
    assert_false(triad_path_exists(folder));
}

/* Whatever `triad embed` takes is a study's model: a checkpoint in parts, a folder that holds one .gguf. */
static void any_checkpoint_is_a_model(void **state)
{
    (void)state;
    static const char TEXT[] =
        "study: sources\n"
        "items: {levels: [GoToLocal]}\n"
        "models:\n"
        "  - {name: parts, source: models/checkpoints/clip-eos-crop-f16, role: encoder}\n"
        "  - {name: one, source: models/checkpoints/gguf-llama-q4_0, role: decoder}\n"
        "alignment: {k: [1, 5], headline_k: 5, permutations: 0, bootstrap: 0, layers: false, maps: false}\n";
    char folder[256], with[256], path[256], text[1024];
    path_in(folder, root, "sources");
    path_in(with, root, "sources.yaml");
    write_text(with, TEXT);
    assert_ran(RUN("run", with, "-o", folder, "--quiet"));
    path_in(path, folder, "spaces/parts.safetensors");
    assert_true(triad_path_exists(path));
    path_in(path, folder, "spaces/parts.safetensors.layers");
    assert_false(triad_path_exists(path));
    /* Its checksum is that of the index. */
    char sha256[65];
    triad_error err;
    assert_int_equal(
        triad_sha256_file(sha256, "models/checkpoints/clip-eos-crop-f16/model.safetensors.index.json", &err), TRIAD_OK);
    for (int wrong = 0; wrong < 2; wrong++) {
        if (wrong) sha256[0] = sha256[0] == '0' ? '1' : '0';
        const char *at = strstr(TEXT, "clip-eos-crop-f16");
        snprintf(text, sizeof text, "%.*sclip-eos-crop-f16, sha256: %s%s", (int)(at - TEXT), TEXT, sha256,
                 at + strlen("clip-eos-crop-f16"));
        write_text(with, text);
        if (!wrong)
            assert_ran(RUN("run", with, "-o", folder, "--dry-run"));
        else
            assert_refused(
                RUN("run", with, "-o", folder, "--dry-run"),
                "model parts: file model.safetensors.index.json in folder models/checkpoints/clip-eos-crop-f16 has "
                "another checksum");
    }
}

/* Sentences of one's own: columns that tell some apart are what maps are coloured by; three sentences have no map. */
static void own_sentences_have_maps(void **state)
{
    (void)state;
    static const char HEAD[] = "study: own\nitems: {file: own.tsv}\nbaselines: [bow, random]\nalignment: {k: [1, 2], "
                               "headline_k: 2, permutations: 0, bootstrap: 20, layers: false}\n";
    static const char *const words[] = {"ant", "bee", "cow"};
    char folder[256], with[256], path[256];
    path_in(folder, root, "own");
    path_in(with, root, "own.yaml");
    write_text(with, HEAD);
    for (size_t few = 0; few < 2; few++) {
        triad_text table = {0};
        triad_text_add(&table, "id\ttext\tnumber\tanimal\tsame\n");
        for (size_t i = 0; i < (few ? 3 : 12); i++)
            triad_text_addf(&table, "%zu\t%zu %s\t%zu\t%s\tx\n", i, i, words[i % 3], i, words[i % 3]);
        path_in(path, root, "own.tsv");
        write_text(path, table.bytes);
        triad_text_free(&table);
        assert_ran(RUN("run", with, "-o", folder, "--quiet"));
        path_in(path, folder, "alignment/maps.json");
        json_object *maps = NULL;
        triad_error err;
        if (json_read_file(&maps, path, 1 << 20, &err) != TRIAD_OK) fail_msg("%s", err.text);
        json_object *columns = json_find(maps, "columns", json_type_object);
        assert_int_equal(json_object_object_length(columns), few ? 0 : 1);
        assert_true(few || json_find(columns, "animal", json_type_array) != NULL);
        assert_int_equal(json_object_array_length(json_find(maps, "spaces", json_type_array)), few ? 0 : 1);
        json_object_put(maps);
    }
}

static void wrong_requests_get_a_line(void **state)
{
    (void)state;
    char folder[256], with[256];
    path_in(folder, root, "requests");
    assert_refused(RUN("run", config, "-o", folder, "--only", "aling"),
                   "no stage 'aling' in this study (did you mean 'align'?)");
    assert_refused(RUN("run", config, "-o", folder, "--only", "qqq"),
                   "no stage 'qqq' in this study (--list shows them)");
    assert_refused(RUN("run", config, "-o", folder, "--seed", "4294967296"), "a study's seed is at most 4294967295");
    assert_refused(RUN("run", "nowhere.yaml", "-o", folder), "nowhere.yaml");
    assert_refused(RUN("run", "-o", folder), "experiments/quick.yaml: not in the current folder and not installed");
    changed_config(with, "seed: 3", "seed: many");
    assert_refused(RUN("run", with, "-o", folder), "changed.yaml:2: seed: 'many' is not a whole number");
    assert_int_equal(RUN("run", config), 2);
    assert_refused(RUN("report", folder, "-o", "x.html"), "there is no finished study in it");
    assert_false(triad_path_exists(folder));
    changed_config(with, "{levels: [GoToLocal, OpenDoor]}", "{levels: [GoToLocal, OpenDoor], file: none.tsv}");
    assert_refused(RUN("run", with, "-o", folder, "--quiet", "--only", "items"), "none.tsv");
    const char *const file[] = {"run", config, "-o", config, NULL};
    assert_refused(finish(start(file)), "tiny.yaml");
}

static void one_stage_alone_brings_what_it_needs(void **state)
{
    (void)state;
    char folder[256], path[256];
    path_in(folder, root, "only");
    assert_ran(RUN("run", config, "-o", folder, "--quiet", "--only", "embed-bow"));
    path_in(path, folder, "spaces/bow.safetensors");
    assert_true(triad_path_exists(path));
    path_in(path, folder, "agents/agent-1.safetensors");
    assert_false(triad_path_exists(path));
    assert_ran(RUN("run", config, "-o", folder, "--quiet", "--only", "train"));
    assert_true(triad_path_exists(path));
    path_in(path, folder, "results.json");
    assert_false(triad_path_exists(path));
    assert_ran(RUN("run", config, "-o", folder, "--quiet"));
    assert_same_tree(whole, folder);
}

static void looking_touches_nothing(void **state)
{
    (void)state;
    char folder[256];
    path_in(folder, root, "untouched");
    assert_ran(RUN("run", config, "-o", folder, "--dry-run"));
    assert_non_null(strstr(printed("stdout"), "trains agent 2 (seed 2)"));
    assert_ran(RUN("run", config, "-o", folder, "--list"));
    assert_false(triad_path_exists(folder));
}

static void two_runs_in_a_folder_are_refused(void **state)
{
    (void)state;
    char path[256];
    path_in(path, whole, "log");
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_refused(RUN("run", config, "-o", whole),
                   "another run is working in this folder (wait for it, or choose another)");
    close(fd);
}

static void the_report_is_written_anew_from_the_results(void **state)
{
    (void)state;
    char page[256], own[256], a[65], b[65];
    path_in(page, root, "page.html");
    path_in(own, whole, "report.html");
    assert_ran(RUN("report", whole, "-o", page));
    triad_error err;
    assert_int_equal(triad_sha256_file(a, page, &err), TRIAD_OK);
    assert_int_equal(triad_sha256_file(b, own, &err), TRIAD_OK);
    assert_string_equal(a, b);
}

#define BEFORE_MAPS                                                                                                    \
    "{\"study\": {\"k\": 15, \"name\": \"a\", \"title\": \"t\", \"protocol\": \"strict\", \"band\": [0.7, 0.73]}, "    \
    "\"created_by\": \"c\", \"verdict\": {\"headline\": \"h\"}, "

/* Whatever stands in results.json, the report says one line or writes a page. */
static void damaged_results_are_refused_in_a_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "results.json"},
        {"[]", "it does not hold a study's results"},
        {"{}", "it does not hold a study's results"},
        {"{\"study\": {}, \"verdict\": {}}", "k"},
        {"{\"study\": {\"k\": 15, \"name\": \"a\", \"title\": \"t\", \"protocol\": \"strict\"}, \"created_by\": \"c\", "
         "\"verdict\": {}}",
         "headline"},
        {"{\"study\": {\"k\": 15, \"name\": \"a\", \"title\": \"t\", \"protocol\": \"strict\"}, \"created_by\": \"c\", "
         "\"verdict\": {\"headline\": \"h\"}}",
         "band"},
        {"{\"study\": {\"k\": 15, \"name\": \"a\", \"title\": \"t\", \"protocol\": \"strict\", \"band\": [0.7, 0.73]}, "
         "\"created_by\": \"c\", "
         "\"verdict\": {\"headline\": \"h\"}, \"spaces\": [3]}",
         "an entry is not an object"},
        {"{\"study\": {\"k\": 15, \"name\": \"a\", \"title\": \"t\", \"protocol\": \"strict\", \"band\": [0.7, 0.73]}, "
         "\"created_by\": \"c\", "
         "\"verdict\": {\"headline\": \"h\"}, \"claims\": [{}]}",
         "a claim without two readings"},
        {"{\"study\": {\"k\": 15, \"name\": \"a\", \"title\": \"t\", \"protocol\": \"strict\", \"band\": [0.7, 0.73]}, "
         "\"created_by\": \"c\", "
         "\"verdict\": {\"headline\": \"h\"}, \"figures\": {\"k_charts\": [{\"title\": \"t\", \"x_label\": \"x\", "
         "\"y_label\": \"y\", \"ticks\": [\"1\"], "
         "\"curves\": [{\"label\": \"l\", \"role\": 0, \"y\": [1, 2]}]}]}}",
         "a curve has another length than its axis"},
        {BEFORE_MAPS "\"maps\": {}}", "maps: not what a study writes"},
        {BEFORE_MAPS "\"maps\": {\"sentences\": 1, \"text\": [\"a\"], \"columns\": {\"verb\": []}, \"spaces\": []}}",
         "maps: a column of another length"},
        {BEFORE_MAPS "\"maps\": {\"sentences\": 1, \"text\": [7], \"columns\": {}, \"spaces\": []}}",
         "maps: a text is not one"},
        {BEFORE_MAPS "\"maps\": {\"sentences\": 1, \"text\": [\"a\"], \"columns\": {\"verb\": 7}, \"spaces\": []}}",
         "maps: a column is not a list"},
        {BEFORE_MAPS "\"maps\": {\"sentences\": 1, \"text\": [\"a\"], \"columns\": {\"1\": [\"\"], \"2\": [\"\"], "
                     "\"3\": [\"\"], \"4\": [\"\"], \"5\": [\"\"]}, \"spaces\": []}}",
         "maps: too many columns"},
        {BEFORE_MAPS "\"maps\": {\"sentences\": 1, \"text\": [\"a\"], \"columns\": {}, \"spaces\": [7]}}",
         "maps: a space is not an object"},
        {BEFORE_MAPS "\"maps\": {\"sentences\": 1, \"text\": [\"a\"], \"columns\": {}, \"spaces\": [{\"label\": \"l\", "
                     "\"role\": 0}]}}",
         "maps: a space without share or trustworthiness"},
        {BEFORE_MAPS "\"maps\": {\"sentences\": 1, \"text\": [\"a\"], \"columns\": {}, \"spaces\": [{\"label\": \"l\", "
                     "\"role\": 0, \"share\": [1, 0], \"trustworthiness\": [1, null], \"pca\": [[0, null]]}]}}",
         "maps: a sentence has no place"},
        {BEFORE_MAPS
         "\"maps\": {\"sentences\": 1, \"text\": [\"a\"], \"columns\": {}, \"spaces\": [{\"label\": \"l\", "
         "\"role\": 0, \"share\": [1, 0], \"trustworthiness\": [1, null], \"pca\": [[0, 1]], \"tsne\": []}]}}",
         "maps: a map of another length"},
    };
    char folder[256], path[256], page[256];
    path_in(folder, root, "broken");
    path_in(page, root, "broken.html");
    assert_int_equal(mkdir(folder, 0700), 0);
    path_in(path, folder, "results.json");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_text(path, cases[i].text);
        assert_refused(RUN("report", folder, "-o", page), cases[i].words);
    }
    assert_false(triad_path_exists(page));
    write_text(path, "{\"study\": {\"k\": 15, \"name\": \"a\", \"title\": \"t\", \"protocol\": \"strict\", \"band\": "
                     "[0.7, 0.73]}, \"created_by\": \"c\", \"verdict\": {\"headline\": \"h\"}}");
    assert_ran(RUN("report", folder, "-o", page));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_study_leaves_its_files),
        cmocka_unit_test(results_hold_what_the_report_shows),
        cmocka_unit_test(intervals_cover_words_and_seeds),
        cmocka_unit_test(results_tell_no_place_and_no_time),
        cmocka_unit_test(a_finished_study_is_not_redone),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bytes),
        cmocka_unit_test(killed_and_restarted_it_ends_in_the_same_bytes),
        cmocka_unit_test(what_changed_is_redone_and_nothing_else),
        cmocka_unit_test(another_configuration_begins_afresh),
        cmocka_unit_test(a_damaged_output_is_made_again),
        cmocka_unit_test(missing_files_stop_it_before_it_begins),
        cmocka_unit_test(any_checkpoint_is_a_model),
        cmocka_unit_test(own_sentences_have_maps),
        cmocka_unit_test(wrong_requests_get_a_line),
        cmocka_unit_test(one_stage_alone_brings_what_it_needs),
        cmocka_unit_test(looking_touches_nothing),
        cmocka_unit_test(two_runs_in_a_folder_are_refused),
        cmocka_unit_test(the_report_is_written_anew_from_the_results),
        cmocka_unit_test(damaged_results_are_refused_in_a_line),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
