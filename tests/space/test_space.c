/* Spaces: written and read back, imported from .npy, refused in one line, paired by id. */
#include "folder.h"
#include "triad/space.h"

#include "base/file.h"
#include "formats/npy.h"
#include "formats/safetensors.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void make_items(triad_items *items, const char *const *ids, size_t n)
{
    const char *factor[] = {"verb"};
    const char *cell[16];
    for (size_t i = 0; i < n; i++) cell[i] = i % 2 ? "open" : "go to";
    assert_int_equal(triad_items_create(items, n, ids, ids, 1, factor, cell, NULL), TRIAD_OK);
}

static void make_space(triad_space *space)
{
    static const char *const ids[] = {"open the door", "go to a ball", "pick up a key"};
    triad_items items;
    make_items(&items, ids, 3);
    assert_int_equal(triad_space_create(space, &items, "baseline:bow", "sum", "sentence", "baseline", NULL), TRIAD_OK);
    const char *const names[] = {"0", "2", "10", "raw"};
    for (size_t l = 0; l < 4; l++) {
        float *data;
        assert_int_equal(triad_space_add_layer(space, names[l], 3, 2 + l, &data, NULL), TRIAD_OK);
        for (size_t i = 0; i < 3 * (2 + l); i++) data[i] = (float)(l * 100 + i) / 7.0f;
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    triad_space a, b;
    triad_error err = {0};
    make_space(&a);
    assert_int_equal(triad_space_write(&a, in_folder("a.safetensors"), &err), TRIAD_OK);
    assert_int_equal(triad_space_read(&b, in_folder("a.safetensors"), &err), TRIAD_OK);
    assert_int_equal(b.layers, a.layers);
    assert_int_equal(strlen(b.sha256), 64);
    assert_string_equal(b.source, "baseline:bow");
    assert_string_equal(b.kind, "baseline");
    assert_string_equal(b.items.text[2], "pick up a key");
    assert_string_equal(triad_items_cell(&b.items, 1, triad_items_factor(&b.items, "verb")), "open");
    for (size_t l = 0; l < a.layers; l++) {
        const triad_layer *layer = triad_space_find(&b, a.layer[l].name);
        assert_non_null(layer);
        assert_memory_equal(layer->data, a.layer[l].data, a.layer[l].n * a.layer[l].d * sizeof(float));
    }
    /* by number, not by letters; raw is not a number */
    assert_string_equal(triad_space_last(&b)->name, "10");
    assert_null(triad_space_find(&b, "3"));
    triad_space_free(&a);
    triad_space_free(&b);
}

static void test_last_by_name(void **state)
{
    (void)state;
    triad_space space;
    float *data;
    make_space(&space);
    assert_int_equal(triad_space_add_layer(&space, "instruction", 3, 4, &data, NULL), TRIAD_OK);
    assert_string_equal(triad_space_last(&space)->name, "instruction");
    assert_int_equal(triad_space_add_layer(&space, "projected", 3, 4, &data, NULL), TRIAD_OK);
    assert_string_equal(triad_space_last(&space)->name, "projected");
    triad_space_free(&space);
}

static void test_tokens(void **state)
{
    (void)state;
    static const char *const ids[] = {"a", "b", "c"};
    triad_space space, back;
    triad_items items;
    triad_error err = {0};
    float *data;
    make_items(&items, ids, 3);
    assert_int_equal(triad_space_create(&space, &items, "gguf:llama", "tokens", "sentence", "decoder", NULL), TRIAD_OK);
    assert_int_equal(triad_space_add_layer(&space, "0", 5, 2, &data, NULL), TRIAD_OK);
    space.tokens = 5;
    space.offsets = malloc(4 * sizeof(int64_t));
    space.ids = malloc(5 * sizeof(int64_t));
    memcpy(space.offsets, (int64_t[]){0, 2, 2, 5}, 4 * sizeof(int64_t));
    memcpy(space.ids, (int64_t[]){7, 8, 9, 10, 11}, 5 * sizeof(int64_t));
    assert_int_equal(triad_space_write(&space, in_folder("t.safetensors"), &err), TRIAD_OK);
    assert_int_equal(triad_space_read(&back, in_folder("t.safetensors"), &err), TRIAD_OK);
    assert_int_equal(back.tokens, 5);
    assert_int_equal(back.offsets[3], 5);
    assert_int_equal(back.ids[4], 11);
    triad_space_free(&back);
    space.offsets[1] = 4; /* decreases at the next */
    space.offsets[2] = 3;
    assert_int_equal(triad_space_write(&space, in_folder("t.safetensors"), &err), TRIAD_OK);
    assert_int_equal(triad_space_read(&back, in_folder("t.safetensors"), &err), TRIAD_ERR_FORMAT);
    assert_non_null(strstr(err.text, "decrease"));
    triad_space_free(&space);
}

static void test_npy(void **state)
{
    (void)state;
    triad_space space;
    triad_error err = {0};
    const float numbers[] = {1, 2, 3, 4, 5, 6};
    tensor_view tensor = {.name = "", .dtype = TENSOR_F32, .rank = 2, .shape = {3, 2}, .data = numbers};
    assert_int_equal(npy_write(in_folder("x.npy"), &tensor, &err), TRIAD_OK);
    assert_int_equal(triad_space_read(&space, in_folder("x.npy"), &err), TRIAD_ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, ".tsv or .txt"));
    assert_int_equal(triad_write_whole(in_folder("x.txt"), "one\ntwo\nthree\n", 14, &err), TRIAD_OK);
    assert_int_equal(triad_space_read(&space, in_folder("x.npy"), &err), TRIAD_OK);
    assert_string_equal(space.items.id[1], "two");
    assert_true(triad_space_last(&space)->data[5] == 6.0f);
    triad_space_free(&space);
    assert_int_equal(triad_write_whole(in_folder("x.txt"), "one\ntwo\n", 8, &err), TRIAD_OK);
    assert_int_equal(triad_space_read(&space, in_folder("x.npy"), &err), TRIAD_ERR_FORMAT);
    assert_non_null(strstr(err.text, "2 rows"));
}

static void test_refused(void **state)
{
    (void)state;
    triad_space space;
    triad_error err = {0};
    make_space(&space);
    space.layer[1].data[4] = NAN;
    assert_int_equal(triad_space_write(&space, in_folder("n.safetensors"), &err), TRIAD_OK);
    triad_space_free(&space);
    assert_int_equal(triad_space_read(&space, in_folder("n.safetensors"), &err), TRIAD_ERR_NUMERIC);
    assert_non_null(strstr(err.text, "layer 2: row 1"));

    const float one = 1;
    tensor_view tensor = {.name = "w", .dtype = TENSOR_F32, .rank = 1, .shape = {1}, .data = &one};
    assert_int_equal(safetensors_write(in_folder("w.safetensors"), &tensor, 1, NULL, 0, &err), TRIAD_OK);
    assert_int_equal(triad_space_read(&space, in_folder("w.safetensors"), &err), TRIAD_ERR_FORMAT);
    assert_non_null(strstr(err.text, "not a space"));
    const safetensors_pair metadata[] = {{"format", "triad.space"}, {"items", "id\ttext\na\ta\nb\tb\n"}};
    assert_int_equal(safetensors_write(in_folder("w.safetensors"), &tensor, 1, metadata, 2, &err), TRIAD_OK);
    assert_int_equal(triad_space_read(&space, in_folder("w.safetensors"), &err), TRIAD_ERR_FORMAT);
    assert_non_null(strstr(err.text, "layer.NAME"));
    tensor.name = "layer.0";
    assert_int_equal(safetensors_write(in_folder("w.safetensors"), &tensor, 1, metadata, 2, &err), TRIAD_OK);
    assert_int_equal(triad_space_read(&space, in_folder("w.safetensors"), &err), TRIAD_ERR_FORMAT);
    assert_non_null(strstr(err.text, "matrix of 2 rows"));
    assert_int_equal(triad_space_read(&space, in_folder("absent.safetensors"), &err), TRIAD_ERR_NOT_FOUND);
}

static void test_pairing(void **state)
{
    (void)state;
    static const char *const a[] = {"d", "a", "c", "b", "x"}, *const b[] = {"b", "c", "y", "d", "a"};
    triad_items items[2];
    triad_error err = {0};
    size_t *rows, n;
    make_items(&items[0], a, 5);
    make_items(&items[1], b, 5);
    const triad_items *both[] = {&items[0], &items[1]};
    assert_int_equal(triad_spaces_pair(&rows, &n, both, 2, &err), TRIAD_OK);
    assert_int_equal(n, 4);
    const size_t want[2][4] = {{1, 3, 2, 0}, {4, 0, 1, 3}};
    assert_memory_equal(rows, want, sizeof want);
    free(rows);
    triad_items_free(&items[1]);
    static const char *const c[] = {"b", "q", "r"};
    make_items(&items[1], c, 3);
    assert_int_equal(triad_spaces_pair(&rows, &n, both, 2, &err), TRIAD_ERR_ARGUMENT);
    assert_non_null(strstr(err.text, "only 1 ids"));
    assert_int_equal(triad_spaces_pair(&rows, &n, both, 1, &err), TRIAD_ERR_ARGUMENT);
    triad_items_free(&items[0]);
    triad_items_free(&items[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_last_by_name), cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_npy),        cmocka_unit_test(test_refused),      cmocka_unit_test(test_pairing),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
