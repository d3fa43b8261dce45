/* The commands levels, sentences and demos, as a user runs them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "folder.h"
#include "formats/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char output[1 << 20];

/* Runs `triad ARGUMENTS` in the folder; both streams into output; returns the exit status. */
static int triad(const char *arguments)
{
    char command[1024];
    snprintf(command, sizeof command, "cd %s && %s %s 2>&1", folder, getenv("TRIAD_BIN"), arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    const size_t size = fread(output, 1, sizeof output - 1, pipe);
    output[size] = 0;
    const int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool one_line(void)
{
    const char *end = strchr(output, '\n');
    return end && end[1] == 0;
}

static void levels(void **state)
{
    (void)state;
    assert_int_equal(triad("levels"), 0);
    assert_non_null(
        strstr(output, "\nPutNextLocal           1 x 1 of 8   put next to                                 128\n"));
    assert_non_null(strstr(
        output, "\nOpenTwoDoors           3 x 3 of 6   open, then                                  720 (fixed)\n"));
    assert_non_null(strstr(output, "576 to 4608"));
    assert_int_equal(triad("levels --json"), 0);
    json_object *root;
    assert_int_equal(json_read(&root, output, strlen(output), NULL), TRIAD_OK);
    json_object *list = json_find(root, "levels", json_type_array);
    assert_int_equal(json_object_array_length(list), 96);
    json_object_put(root);
    assert_int_equal(triad("levels BabyAI-GoToObjS6-v1"), 0);
    assert_non_null(strstr(output, "GoToObjS6 "));
    assert_int_equal(triad("levels GoToLocl"), 2);
    assert_true(one_line());
    assert_non_null(strstr(output, "did you mean GoToLocal?"));
}

static void sentences(void **state)
{
    (void)state;
    char path[64];
    snprintf(path, sizeof path, "%s/a.tsv", folder);
    assert_int_equal(triad("sentences --levels GoToLocal,OpenDoor -o a.tsv"), 0);
    assert_string_equal(output, "50 sentences in a.tsv\n");
    triad_mapping file;
    assert_int_equal(triad_map_file(&file, path, NULL), TRIAD_OK);
    static const char begin[] =
        "id\ttext\tverb\tarticle\tcolour\tobject\tlocation\tarticle2\tcolour2\tobject2\tlocation2\tgroup\n"
        "go to a blue ball\tgo to a blue ball\tgo to\ta\tblue\tball\t\t\t\t\t\tgo to blue ball\n";
    assert_true(file.size > sizeof begin);
    assert_memory_equal(file.data, begin, sizeof begin - 1);
    triad_unmap(&file);
    assert_int_equal(triad("sentences --levels BossLevel -o b.tsv"), 1);
    assert_true(one_line());
    assert_non_null(strstr(output, "--sample"));
    assert_int_equal(triad("sentences --levels BossLevel --sample 20 -o b.tsv --json --quiet"), 0);
    assert_non_null(strstr(output, "20"));
    assert_int_equal(triad("sentences --levels GoToLocal --sample 40 -o c.tsv"), 1);
    assert_int_equal(triad("sentences --levels GoToLocal --cipher 3 -o d.tsv"), 0);
    assert_int_equal(triad("sentences --levels GoToLocal"), 2);
    assert_int_equal(triad("sentences -o x.tsv"), 2);
    assert_int_equal(triad("sentences --levels GoToLocal --sample -3 -o x.tsv"), 2);
    assert_int_equal(triad("sentences --levels GoToLocal --sample 1000001 -o x.tsv"), 2);
    assert_int_equal(triad("sentences --levels GoToLocal --sample 2.5 -o x.tsv"), 2);
    assert_int_equal(triad("sentences --levels GoToLocal --cipher -2 -o x.tsv"), 2);
    assert_int_equal(triad("sentences --levels GoToLocal --cipher 9000000000000001 -o x.tsv"), 2);
    assert_int_equal(triad("sentences --levels GoToLocal,GoToLocal -o x.tsv"), 2);
    assert_int_equal(triad("sentences --levels , -o x.tsv"), 2);
    assert_int_equal(triad("sentences --levels Nowhere -o x.tsv"), 2);
    assert_int_equal(triad("sentences --levels PutNextLocl -o x.tsv"), 2);
    assert_true(one_line());
    assert_non_null(strstr(output, "did you mean PutNextLocal?"));
    snprintf(path, sizeof path, "%s/x.tsv", folder);
    assert_false(triad_path_exists(path));
}

static void demos(void **state)
{
    (void)state;
    assert_int_equal(triad("demos --levels GoToLocal,PickupLoc -n 50 -o a.safetensors --threads 1 --quiet"), 0);
    assert_string_equal(output, "");
    assert_int_equal(triad("demos --levels BabyAI-GoToLocal-v0,PickupLoc -n 50 -o b.safetensors --threads 3 --quiet"),
                     0);
    char command[200];
    snprintf(command, sizeof command, "cmp -s %s/a.safetensors %s/b.safetensors", folder, folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(triad("demos --levels GoToLocal -n 5 -o c.safetensors --compact --seed 7 --json --quiet"), 0);
    assert_non_null(strstr(output, "\"episodes\": 5"));
    assert_int_equal(triad("demos --levels GoToLocal -n 20 --seed 999999990 -o x.safetensors --quiet"), 1);
    assert_true(one_line());
    assert_int_equal(triad("demos --levels KeyInBox -n 1 -o x.safetensors --quiet"), 1);
    assert_int_equal(triad("demos --levels GoToLocal -n 0 -o x.safetensors"), 2);
    assert_int_equal(triad("demos --levels GoToLocal -n 1000000001 -o x.safetensors"), 2);
    assert_int_equal(triad("demos --levels GoToLocal -n 1 --seed -1 -o x.safetensors"), 2);
    assert_int_equal(triad("demos --levels GoToLocal -o x.safetensors"), 2);
    assert_int_equal(triad("demos --levels PikupLoc -n 1 -o x.safetensors"), 2);
    assert_non_null(strstr(output, "PickupLoc"));
    snprintf(command, sizeof command, "test -e %s/x.safetensors", folder);
    assert_int_not_equal(system(command), 0);
}

/* Killed half-way: no file, neither whole nor half. */
static void killed(void **state)
{
    (void)state;
    char command[600];
    snprintf(command, sizeof command,
             "cd %s && mkdir -p k && (timeout -s KILL 0.4 %s demos --levels BossLevel -n 1000000 -o k/k.safetensors "
             "--quiet --threads 1; test ! -e k/k.safetensors)",
             folder, getenv("TRIAD_BIN"));
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels),
        cmocka_unit_test(sentences),
        cmocka_unit_test(demos),
        cmocka_unit_test(killed),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
