/* The picture of a space: what stands in it, and `triad map` as a user runs it. */
#include "report/map.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "formats/json.h"
#include "triad/space.h"

static size_t occurrences(const char *text, const char *what)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++) count++;
    return count;
}

static void test_svg(void **state)
{
    (void)state;
    const char *const text[] = {"a <ball> & \"box\"", "b", "c", "d"}, *const names[] = {"", "red", "plaid"};
    const uint32_t class_of[] = {0, 1, 1, 2}, leaf[] = {0, 1, 2, 3};
    const double placement[] = {0, 0, 1, 0, 0, 1, 5, 5}, same[8] = {0};
    const triad_merge merges[] = {{0, 1, 1, 2}, {2, 3, 2, 2}, {4, 5, 4, 4}};
    const report_cloud clouds[] = {{"One", "note", placement}, {"Same", NULL, same}};
    const report_factor colours = {"colour", 3, names, class_of};
    report_map map = {.title = "T",
                      .n = 4,
                      .text = text,
                      .clouds = 2,
                      .cloud = clouds,
                      .merge = merges,
                      .leaf = leaf,
                      .tree_title = "Tree",
                      .factor = &colours};
    triad_text svg = {0}, again = {0};
    assert_int_equal(report_map_svg(&map, &svg, NULL), TRIAD_OK);
    assert_int_equal(report_map_svg(&map, &again, NULL), TRIAD_OK);
    assert_string_equal(svg.bytes, again.bytes);
    assert_int_equal(occurrences(svg.bytes, "<circle"), 2 * 4 + 3);
    assert_int_equal(occurrences(svg.bytes, "#d62728"),
                     2 * 2 + 1 + 2); /* two reds a cloud, one in the legend, two leaves */
    assert_int_equal(occurrences(svg.bytes, "a &lt;ball&gt; &amp; &quot;box&quot;"), 2 + 2);
    assert_null(strstr(svg.bytes, "<ball>"));
    assert_null(strstr(svg.bytes, "nan"));
    assert_null(strstr(svg.bytes, "inf"));
    assert_non_null(strstr(svg.bytes, "(none)"));
    /* nothing but points */
    map.merge = NULL;
    map.factor = NULL;
    map.text = NULL;
    svg.size = 0;
    assert_int_equal(report_map_svg(&map, &svg, NULL), TRIAD_OK);
    assert_int_equal(occurrences(svg.bytes, "<circle"), 8);
    assert_null(strstr(svg.bytes, "<path"));
    triad_text_free(&svg);
    triad_text_free(&again);
}

static char folder[] = "/tmp/triad-map-XXXXXX";
static char output[1 << 16];

static int run(const char *arguments)
{
    char command[1024];
    snprintf(command, sizeof command, "cd %s && %s map %s 2>&1", folder, getenv("TRIAD_BIN"), arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    output[fread(output, 1, sizeof output - 1, pipe)] = 0;
    const int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_command(void **state)
{
    (void)state;
    char path[128];
    const char *const tsv =
        "id\ttext\tcolour\n1\tred ball\tred\n2\tblue ball\tblue\n3\tred box\tred\n4\tblue box\tblue\n"
        "5\tkey\t\n";
    triad_items items;
    triad_space space;
    float *data;
    assert_int_equal(triad_items_parse(&items, tsv, strlen(tsv), "test", NULL), TRIAD_OK);
    assert_int_equal(triad_space_create(&space, &items, "test:x", "none", "sentence", "baseline", NULL), TRIAD_OK);
    assert_int_equal(triad_space_add_layer(&space, "0", 5, 3, &data, NULL), TRIAD_OK);
    for (size_t i = 0; i < 15; i++) data[i] = (float)((i * 7 + i / 3) % 5) + 0.25F;
    snprintf(path, sizeof path, "%s/s.safetensors", folder);
    assert_int_equal(triad_space_write(&space, path, NULL), TRIAD_OK);
    triad_space_free(&space);

    assert_int_equal(run("s.safetensors -o a.json --svg a.svg --iterations 100 --threads 1 --quiet"), 0);
    assert_int_equal(run("s.safetensors -o b.json --svg b.svg --iterations 100 --threads 3 --quiet"), 0);
    char compare[512];
    snprintf(compare, sizeof compare, "cd %s && cmp a.json b.json && cmp a.svg b.svg", folder);
    assert_int_equal(system(compare), 0);
    json_object *root;
    snprintf(path, sizeof path, "%s/a.json", folder);
    assert_int_equal(json_read_file(&root, path, 1 << 20, NULL), TRIAD_OK);
    json_object *list = json_find(root, "items", json_type_array);
    assert_int_equal(json_object_array_length(list), 5);
    const char *colour;
    double place;
    assert_int_equal(json_want_string(json_object_array_get_idx(list, 1), "colour", &colour, NULL), TRIAD_OK);
    assert_string_equal(colour, "blue");
    assert_int_equal(json_want_real(json_object_array_get_idx(list, 1), "tsne_2", &place, NULL), TRIAD_OK);
    json_object *ward = json_find(json_find(root, "linkage", json_type_object), "ward", json_type_array);
    assert_int_equal(json_object_array_length(ward), 4);
    json_object_put(root);

    assert_int_equal(run("s.safetensors"), 2);
    assert_non_null(strstr(output, "where to?"));
    assert_int_equal(run("s.safetensors --json --layer 9"), 1);
    assert_non_null(strstr(output, "has no layer 9"));
    assert_int_equal(run("s.safetensors --json --colour-by shape"), 1);
    assert_non_null(strstr(output, "no column shape"));
    assert_int_equal(run("missing.safetensors --json"), 1);
}

static int begin(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int end(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_svg), cmocka_unit_test(test_command)};
    return cmocka_run_group_tests(tests, begin, end);
}
