/* `triad align` and `triad multiverse` as a user runs them: TRIAD_BIN names the program. */
#include "base/rng.h"
#include "triad/space.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROWS = 24, WIDTH = 9 };

static char folder[] = "/tmp/triad-align-XXXXXX";

/* The exit status; stdout and stderr together into text. */
static int run(char *text, size_t size, const char *arguments)
{
    char command[1024];
    snprintf(command, sizeof command, "cd %s && %s %s 2>&1", folder, getenv("TRIAD_BIN"), arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    const size_t used = fread(text, 1, size - 1, pipe);
    text[used] = '\0';
    while (fgetc(pipe) != EOF) {
    }
    const int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void write_space(const char *name, const char *source, const char *pool, uint64_t seed)
{
    static const char *const verbs[] = {"go to", "pick up"}, *const colours[] = {"red", "green", "blue", "grey"},
                             *const objects[] = {"ball", "box", "key"};
    char text[ROWS][48], path[96];
    const char *id[ROWS], *cell[ROWS * 3], *factor[] = {"verb", "colour", "object"};
    for (size_t i = 0; i < ROWS; i++) {
        const size_t v = i / 12, c = i / 3 % 4, o = i % 3;
        snprintf(text[i], sizeof text[i], "%s the %s %s", verbs[v], colours[c], objects[o]);
        id[i] = text[i];
        cell[3 * i] = verbs[v];
        cell[3 * i + 1] = colours[c];
        cell[3 * i + 2] = objects[o];
    }
    triad_items items;
    triad_space space;
    float *data;
    triad_pcg64 rng;
    triad_pcg64_seed(&rng, seed);
    assert_int_equal(triad_items_create(&items, ROWS, id, id, 3, factor, cell, NULL), TRIAD_OK);
    assert_int_equal(triad_space_create(&space, &items, source, pool, "sentence", "decoder", NULL), TRIAD_OK);
    for (size_t layer = 0; layer < 3; layer++) {
        const char number[] = {(char)('0' + layer), '\0'};
        assert_int_equal(triad_space_add_layer(&space, number, ROWS, WIDTH, &data, NULL), TRIAD_OK);
        for (size_t i = 0; i < ROWS * WIDTH; i++)
            data[i] = (float)(triad_pcg64_normal(&rng) + (double)(i / WIDTH % 5 * (i % WIDTH)));
    }
    snprintf(path, sizeof path, "%s/spaces/%s.space.safetensors", folder, name);
    assert_int_equal(triad_space_write(&space, path, NULL), TRIAD_OK);
    triad_space_free(&space);
    triad_items_free(&items);
}

static int begin(void **state)
{
    (void)state;
    char path[96];
    if (mkdtemp(folder) == NULL) return 1;
    snprintf(path, sizeof path, "mkdir %s/spaces %s/empty", folder, folder);
    if (system(path) != 0) return 1;
    write_space("lm", "model", "mean-nofirst", 1);
    write_space("lm.last", "model", "last", 2);
    write_space("agent", "agent", "instruction", 3);
    write_space("other", "other", "mean", 4);
    return 0;
}

static int end(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void multiverse(void **state)
{
    (void)state;
    static char text[1 << 20];
    assert_int_equal(run(text, sizeof text, "multiverse . --k 1,3,7"), 0);
    assert_non_null(strstr(text, "multiverse: 0 %, 0/"));
    assert_non_null(strstr(text, "multiverse: 10 pairs of spaces and layers under all choices: about "));
    assert_non_null(strstr(text, "multiverse: done, "));
    assert_null(strstr(text, "align:")); /* one task, not one for each call */
    assert_non_null(strstr(text, "P@7 over all combinations of choices; * is the preset's"));
    assert_non_null(strstr(text, "lm, other"));
    assert_null(strstr(text, "lm.last,"));
    char path[96];
    snprintf(path, sizeof path, "%s/multiverse.csv", folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t lines = 0, presets = 0;
    while (fgets(text, sizeof text, file)) {
        lines++;
        size_t commas = 0;
        for (const char *at = text; *at; at++) commas += *at == ',';
        assert_int_equal(commas, 17);
        presets += strstr(text, ",1\n") != NULL;
    }
    fclose(file);
    assert_int_equal(presets, 3 * 2);
    assert_true(lines > 1000);
    assert_int_equal(run(text, sizeof text, "multiverse . --spaces agent,other --layers last --json --quiet"), 0);
    assert_int_equal(strncmp(text, "{", 1), 0);
    assert_non_null(strstr(text, "\"k\": 15"));
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *arguments, *says;
        int status;
    } cases[] = {
        {"multiverse nowhere", "triad: nowhere: can't be read (a study's folder, or one of spaces, is wanted)\n", 1},
        {"multiverse empty",
         "triad: empty: holds fewer than two spaces (a study's folder, or one with two or more, is wanted)\n", 1},
        {"multiverse . --spaces agent,nobody",
         "triad: --spaces: ./spaces holds no space called nobody (a space is called as its file, without the ending)\n",
         1},
        {"multiverse . --spaces lm,lm.last",
         "triad: multiverse: all spaces are poolings of one source (two sources or more are wanted)\n", 1},
        {"multiverse . --k 5,1", "triad: multiverse: --k 1: wants ascending whole numbers from 1\n", 2},
        {"multiverse . -o nowhere/x.csv",
         "triad: nowhere/x.csv: can't be written: its folder does not exist (make it first)\n", 1},
        {"align spaces/lm.space.safetensors spaces/agent.space.safetensors -o nowhere/x.json",
         "triad: nowhere/x.json: can't be written: its folder does not exist (make it first)\n", 1},
        {"align spaces/lm.space.safetensors spaces/agent.space.safetensors --hold-out-words place",
         "triad: leave-two-words: the sentences have no column of words called place (they have verb, colour, "
         "object)\n",
         1},
        {"align spaces/lm.space.safetensors spaces/agent.space.safetensors --groups place --null none",
         "triad: groups: the sentences have no column place (triad info lists them)\n", 1},
        {"align spaces/lm.space.safetensors ./spaces/lm.space.safetensors",
         "triad: ./spaces/lm.space.safetensors: two spaces would be called lm (rename one file)\n", 1},
        {"align spaces/lm.space.safetensors spaces/agent.space.safetensors --difference lm:agent",
         "triad: --difference lm:agent: there is nothing else to compare both with (give a third space)\n", 1},
        {"align spaces/lm.space.safetensors spaces/agent.space.safetensors spaces/other.space.safetensors "
         "--difference lm:nobody",
         "triad: --difference lm:nobody: wants A:B, two of lm, agent, other\n", 1},
        {"align spaces/lm.space.safetensors spaces/agent.space.safetensors spaces/other.space.safetensors "
         "--seeds both=lm,other --difference lm:agent",
         "triad: --difference lm:agent: wants A:B, two of both, agent\n", 1},
        {"align spaces/lm.space.safetensors spaces/agent.space.safetensors spaces/other.space.safetensors --seeds "
         "a=lm,lm",
         "triad: --seeds: lm is named twice (a space is one seed)\n", 1},
        {"align spaces/lm.space.safetensors spaces/agent.space.safetensors spaces/other.space.safetensors --seeds "
         "other=lm,agent",
         "triad: --seeds other: something else is called so (choose another)\n", 1},
        {"align spaces/lm.space.safetensors spaces/agent.space.safetensors spaces/other.space.safetensors --seeds "
         "=lm,agent",
         "triad: --seeds =lm: wants NAME=SPACE,SPACE,… (as agent=agent-1,agent-2)\n", 1},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char text[4096];
        assert_int_equal(run(text, sizeof text, cases[c].arguments), cases[c].status);
        assert_string_equal(text, cases[c].says); /* one line: neither a bar nor that something is done */
    }
}

/* What is asked for beyond the default says first how long it takes. */
static void estimates(void **state)
{
    (void)state;
    char text[16384];
    const char *const spaces =
        "spaces/lm.space.safetensors spaces/agent.space.safetensors --permutations 20 --refits 5";
    char arguments[256];
    snprintf(arguments, sizeof arguments, "align %s --null vocabulary --measures cca,rsa", spaces);
    assert_int_equal(run(text, sizeof text, arguments), 0);
    assert_non_null(strstr(text, "\nalign: the draws of the nulls: about 0:"));
    snprintf(arguments, sizeof arguments, "align %s --hold-out-words colour,object", spaces);
    assert_int_equal(run(text, sizeof text, arguments), 0);
    assert_non_null(strstr(text, "\nalign: held-out words: about 0:"));
    /* What a p can reach stands beside it: three objects have six renamings, and 5 draws give 1/6 as well. */
    const char *objects = strstr(text, "held-out object");
    assert_non_null(objects);
    assert_non_null(strstr(objects, "(p can't be below 0.167)"));
    assert_non_null(strstr(text, "the smallest p is 0.0476 (0.167 for what is fitted anew)"));
    snprintf(arguments, sizeof arguments, "align %s", spaces);
    assert_int_equal(run(text, sizeof text, arguments), 0);
    assert_null(strstr(text, "about"));
}

/* Differences show what pairs show: the largest k that was asked for, the way, or the measures that were named. */
static void differences(void **state)
{
    (void)state;
    char text[16384], arguments[320];
    static const char spaces[] = "align spaces/lm.space.safetensors spaces/agent.space.safetensors "
                                 "spaces/other.space.safetensors --difference lm:agent --null none --bootstrap 20";
    snprintf(arguments, sizeof arguments, "%s --quiet --k 3,7 --direction xy", spaces);
    assert_int_equal(run(text, sizeof text, arguments), 0);
    assert_non_null(strstr(text, "lm [2] and agent [2], 24 sentences\n"));
    const char *part = strstr(text, "lm minus agent, each with other");
    assert_non_null(part);
    assert_non_null(strstr(part, "mutual_knn_frac/7 "));
    assert_non_null(strstr(part, "retrieval/strict64/all/xy/nn/7/expected "));
    assert_null(strstr(part, "/3 "));
    snprintf(arguments, sizeof arguments, "%s --quiet --measures jaccard_knn/5", spaces);
    assert_int_equal(run(text, sizeof text, arguments), 0);
    part = strstr(text, "lm minus agent, each with other");
    assert_non_null(part);
    assert_non_null(strstr(part, "jaccard_knn/5 "));
}

/* A mean over seeds that hits every time has an interval of some width, as each pair has. */
static void seeds(void **state)
{
    (void)state;
    char text[16384], command[256];
    snprintf(command, sizeof command, "cd %s && cp spaces/lm.space.safetensors twin.safetensors", folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(run(text, sizeof text,
                         "align spaces/lm.space.safetensors twin.safetensors spaces/other.space.safetensors --k 7 "
                         "--seeds both=lm,twin --null none --bootstrap 20 --quiet"),
                     0);
    const char *part = strstr(text, "Ceiling of both: a seed against the mean of the others");
    assert_non_null(part);
    part = strstr(part, "retrieval/strict64/all/mean/nn/7/expected");
    assert_non_null(part);
    assert_memory_equal(part + 46, "   1.000  [0.858, 1.000]  [0.858, 1.000]\n", 41); /* 0.025^(1 / 24) */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(multiverse),  cmocka_unit_test(refused), cmocka_unit_test(estimates),
        cmocka_unit_test(differences), cmocka_unit_test(seeds),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
