#include "support.h"

#include "formats/safetensors.h"
#include "formats/safetensors_index.h"

/* A file of this header and data bytes. */
static triad_status parse_header(safetensors **file, const char *header, size_t data, triad_error *err)
{
    const size_t length = strlen(header), size = 8 + length + data;
    unsigned char *bytes = calloc(size, 1);
    const uint64_t stored = length;
    memcpy(bytes, &stored, 8);
    memcpy(bytes + 8, header, length);
    const triad_status status = safetensors_parse(file, bytes, size, err);
    free(bytes); /* names and metadata are copies; only data is borrowed */
    return status;
}

static void refuse(const char *header, size_t data, triad_status status, const char *words)
{
    safetensors *file;
    expect_failure(parse_header(&file, header, data, err), status, words);
    assert_null(file);
}

static void accept(const char *header, size_t data)
{
    safetensors *file;
    expect_success(parse_header(&file, header, data, err));
    safetensors_close(file);
}

static void headers_are_strict(void **state)
{
    (void)state;
    accept("{}", 0);
    accept("{}     ", 0);
    accept("{\"__metadata__\":{}}", 0);
    accept("{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4);
    accept("{\"a\":{\"dtype\":\"F32\",\"shape\":[0,4294967296],\"data_offsets\":[0,0]}}", 0);
    accept("{\"a\":{\"dtype\":\"F4\",\"shape\":[4],\"data_offsets\":[0,2]}}", 2);
    accept("{\"a\":{\"dtype\":\"C64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8);
    accept("{\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]},\"a\":{\"dtype\":\"U8\",\"shape\":[1],"
           "\"data_offsets\":[0,1]}}",
           3);
    accept("{\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"a\":{\"dtype\":\"U8\",\"shape\":[0],"
           "\"data_offsets\":[2,2]},"
           "\"c\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
           2);

    refuse(" {}", 0, TRIAD_ERR_FORMAT, "begin with {");
    refuse("", 0, TRIAD_ERR_FORMAT, "begin with {");
    refuse("{", 0, TRIAD_ERR_FORMAT, "JSON");
    refuse("{}x", 0, TRIAD_ERR_FORMAT, "JSON");
    refuse("{\"a\":1,}", 0, TRIAD_ERR_FORMAT, "JSON");
    refuse("{}", 1, TRIAD_ERR_FORMAT, "belong to no tensor");
    refuse("{\"a\":1}", 0, TRIAD_ERR_FORMAT, "tensor a");
    refuse("{\"__metadata__\":[]}", 0, TRIAD_ERR_FORMAT, "not an object");
    refuse("{\"__metadata__\":{\"a\":1}}", 0, TRIAD_ERR_FORMAT, "not a string");
    refuse("{\"__metadata__\":{\"a\":\"x\\u0000y\"}}", 0, TRIAD_ERR_FORMAT, "0 byte");
    refuse("{\"__metadata__\":{},\"__metadata__\":{}}", 0, TRIAD_ERR_FORMAT, "twice");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}", 0, TRIAD_ERR_FORMAT, "dtype, shape and data_offsets");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4],\"x\":0}}", 4, TRIAD_ERR_FORMAT,
           "dtype, shape and data_offsets");
    refuse("{\"a\":{\"dtype\":1,\"shape\":[],\"data_offsets\":[0,4]}}", 4, TRIAD_ERR_FORMAT,
           "dtype, shape and data_offsets");
    refuse("{\"a\":{\"dtype\":\"F33\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, TRIAD_ERR_FORMAT, "F33 is unknown");
    refuse("{\"a\":{\"dtype\":\"F32\\u0000\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, TRIAD_ERR_FORMAT, "unknown");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", 4, TRIAD_ERR_FORMAT, "dimension 0");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1e0],\"data_offsets\":[0,4]}}", 4, TRIAD_ERR_FORMAT, "dimension 0");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, TRIAD_ERR_FORMAT, "dimension 0");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[null],\"data_offsets\":[0,4]}}", 4, TRIAD_ERR_FORMAT, "dimension 0");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[0,18446744073709551616],\"data_offsets\":[0,0]}}", 0, TRIAD_ERR_FORMAT,
           "dimension 1");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4, TRIAD_ERR_UNSUPPORTED,
           "9 dimensions");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387905],\"data_offsets\":[0,4]}}", 4, TRIAD_ERR_RANGE,
           "overflows");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0, TRIAD_ERR_RANGE,
           "overflows");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[0,18446744073709551614],\"data_offsets\":[0,0]}}", 0, TRIAD_ERR_RANGE,
           "overflows");
    refuse("{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]}}", 2, TRIAD_ERR_FORMAT, "whole bytes");
    refuse("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, TRIAD_ERR_FORMAT, "two integers");
    refuse("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,2]}}", 1, TRIAD_ERR_FORMAT, "two integers");
    refuse("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1.0]}}", 1, TRIAD_ERR_FORMAT, "two integers");
    refuse("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[-1,0]}}", 1, TRIAD_ERR_FORMAT, "two integers");
    refuse("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,0]}}", 1, TRIAD_ERR_RANGE, "outside");
    refuse("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", 1, TRIAD_ERR_RANGE, "outside");
    refuse("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[18446744073709551613,18446744073709551614]}}", 1,
           TRIAD_ERR_RANGE, "outside");
    refuse("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,1]}}", 1, TRIAD_ERR_FORMAT, "needs 2 bytes");
    refuse("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2, TRIAD_ERR_FORMAT,
           "hole or an overlap");
    refuse("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],"
           "\"data_offsets\":[1,3]}}",
           3, TRIAD_ERR_FORMAT, "hole or an overlap");
    refuse("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"b\":{\"dtype\":\"U8\",\"shape\":[1],"
           "\"data_offsets\":[2,3]}}",
           3, TRIAD_ERR_FORMAT, "hole or an overlap");
    refuse("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 2, TRIAD_ERR_FORMAT,
           "1 bytes of data belong to no tensor");
    refuse("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"a\":{\"dtype\":\"U8\",\"shape\":[1],"
           "\"data_offsets\":[1,2]}}",
           2, TRIAD_ERR_FORMAT, "twice");
    refuse("{\"a\xff\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, TRIAD_ERR_FORMAT, "not UTF-8");

    safetensors *file;
    expect_failure(safetensors_parse(&file, "1234567", 7, err), TRIAD_ERR_FORMAT, "too few");
    static const unsigned char LONG[] = {3, 0, 0, 0, 0, 0, 0, 0, '{', '}'},
                               HUGE_[] = {255, 255, 255, 255, 255, 255, 255, 255, '{', '}'};
    expect_failure(safetensors_parse(&file, LONG, sizeof LONG, err), TRIAD_ERR_FORMAT,
                   "header of 3 bytes in a file of 10");
    expect_failure(safetensors_parse(&file, HUGE_, sizeof HUGE_, err), TRIAD_ERR_FORMAT, "at most 10^8");
}

static void reads_what_python_wrote(void **state)
{
    (void)state;
    safetensors *file;
    expect_success(safetensors_open(&file, "formats/python.safetensors", err));
    assert_int_equal(safetensors_count(file), 14);
    assert_string_equal(safetensors_metadata(file, "format"), "pt");
    assert_string_equal(safetensors_metadata(file, "words"), "\xc3\xbcn\xc3\xaf"
                                                             "code\t\"x\"\n");
    assert_null(safetensors_metadata(file, "absent"));
    assert_int_equal(safetensors_pairs(file), 2);
    assert_non_null(safetensors_pair_at(file, 1));
    assert_null(safetensors_pair_at(file, 2));
    assert_null(safetensors_find(file, "absent"));
    assert_null(safetensors_at(file, 14));

    static const struct {
        const char *name;
        tensor_dtype type;
    } REALS[] = {
        {"f64", TENSOR_F64}, {"f32", TENSOR_F32}, {"f16", TENSOR_F16}, {"bf16", TENSOR_BF16}, {"f8", TENSOR_F8_E4M3}};
    for (size_t i = 0; i < 5; i++) {
        const tensor_view *tensor;
        expect_success(safetensors_want(&tensor, file, REALS[i].name, REALS[i].type, 2, (size_t[]){2, SIZE_MAX}, err));
        float out[6];
        expect_success(tensor_widen_rows(out, tensor, 0, 2, err));
        for (int k = 0; k < 6; k++) assert_true(out[k] >= (float)k / 3 * 0.93f && out[k] <= (float)k / 3 * 1.07f);
    }
    const tensor_view *tensor;
    expect_success(safetensors_want(&tensor, file, "i64", TENSOR_I64, 1, (size_t[]){3}, err));
    int64_t integers[3];
    memcpy(integers, tensor->data, sizeof integers);
    assert_true(integers[0] == INT64_MIN && integers[1] == 0 && integers[2] == INT64_MAX);
    expect_success(safetensors_want(&tensor, file, "scalar", TENSOR_F32, 0, NULL, err));
    float scalar;
    expect_success(tensor_widen_rows(&scalar, tensor, 0, 1, err));
    assert_true(scalar == 2.5f);
    expect_success(safetensors_want(&tensor, file, "empty", TENSOR_F32, 2, (size_t[]){3, 0}, err));
    assert_non_null(safetensors_find(file, "name with \xc3\xbc, \"quotes\" and / slashes"));
    expect_failure(safetensors_want(&tensor, file, "absent", TENSOR_F32, 0, NULL, err), TRIAD_ERR_NOT_FOUND,
                   "absent: missing");
    expect_failure(safetensors_want(&tensor, file, "f32", TENSOR_F64, 2, (size_t[]){2, 3}, err), TRIAD_ERR_FORMAT,
                   "is F32 [2, 3], not F64 [2, 3]");
    expect_failure(safetensors_want(&tensor, file, "f32", TENSOR_F32, 2, (size_t[]){SIZE_MAX, 4}, err),
                   TRIAD_ERR_FORMAT, "not F32 [*, 4]");
    expect_failure(safetensors_want(&tensor, file, "f32", TENSOR_F32, 1, (size_t[]){6}, err), TRIAD_ERR_FORMAT, "[6]");
    /* In order of offset, without holes. */
    const char *at = safetensors_at(file, 0)->data;
    for (size_t i = 0; i < 14; i++) {
        assert_ptr_equal(safetensors_at(file, i)->data, at);
        at += safetensors_at(file, i)->bytes;
    }
    safetensors_close(file);
    safetensors_close(NULL);
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    size_t size;
    unsigned char *bytes = slurp("formats/python.safetensors", &size);
    for (size_t part = 0; part < size; part++) {
        unsigned char *copy = cut(bytes, part);
        safetensors *file;
        triad_error error = {0};
        assert_int_not_equal(safetensors_parse(&file, copy, part, &error), TRIAD_OK);
        assert_int_not_equal(error.text[0], 0);
        free(copy);
    }
    free(bytes);
}

static void writes_what_it_reads(void **state)
{
    (void)state;
    const float grid[6] = {0, 1, -2, 3.5f, 1e-40f, 5};
    const int64_t ids[2] = {-1, 1LL << 60};
    const unsigned char bytes[3] = {1, 2, 3};
    const tensor_view tensors[] = {
        {.name = "b", .dtype = TENSOR_F32, .rank = 2, .shape = {2, 3}, .data = grid},
        {.name = "a/\"\xc3\xbc", .dtype = TENSOR_U8, .rank = 1, .shape = {3}, .data = bytes},
        {.name = "ids", .dtype = TENSOR_I64, .rank = 1, .shape = {2}, .data = ids},
        {.name = "none", .dtype = TENSOR_F16, .rank = 2, .shape = {0, 7}},
        {.name = "scalar", .dtype = TENSOR_F32, .rank = 0, .data = grid + 3},
    };
    const safetensors_pair pairs[] = {{"format", "triad.test"}, {"items", "id\ttext\nx\t\"\xc3\xbc\"\n"}};
    char *path = scratch("a.safetensors"), *second = scratch("b.safetensors");
    expect_success(safetensors_write(path, tensors, 5, pairs, 2, err));
    expect_success(safetensors_write(second, tensors, 5, pairs, 2, err));
    size_t size, size2;
    unsigned char *one = slurp(path, &size), *two = slurp(second, &size2);
    assert_int_equal(size, size2);
    assert_memory_equal(one, two, size);
    uint64_t header;
    memcpy(&header, one, 8);
    assert_int_equal(header % 8, 0);
    free(one);
    free(two);

    safetensors *file;
    expect_success(safetensors_open(&file, path, err));
    assert_int_equal(safetensors_count(file), 5);
    assert_string_equal(safetensors_metadata(file, "items"), pairs[1].value);
    for (size_t i = 0; i < 5; i++) {
        const tensor_view *tensor;
        expect_success(
            safetensors_want(&tensor, file, tensors[i].name, tensors[i].dtype, tensors[i].rank, tensors[i].shape, err));
        if (tensor->bytes) assert_memory_equal(tensor->data, tensors[i].data, tensor->bytes);
    }
    safetensors_close(file);

    tensor_view bad[2] = {tensors[0], tensors[0]};
    expect_failure(safetensors_write(path, bad, 2, NULL, 0, err), TRIAD_ERR_ARGUMENT, "taken");
    bad[0].name = "__metadata__";
    expect_failure(safetensors_write(path, bad, 1, NULL, 0, err), TRIAD_ERR_ARGUMENT, "taken");
    bad[0].name = "\xff";
    expect_failure(safetensors_write(path, bad, 1, NULL, 0, err), TRIAD_ERR_FORMAT, "UTF-8");
    bad[0] = (tensor_view){.name = "q", .dtype = TENSOR_Q4_0, .rank = 1, .shape = {32}, .data = grid};
    expect_failure(safetensors_write(path, bad, 1, NULL, 0, err), TRIAD_ERR_UNSUPPORTED, "Q4_0 has no place");
    bad[0] = (tensor_view){.name = "o", .dtype = TENSOR_OTHER, .rank = 1, .shape = {32}, .data = grid};
    expect_failure(safetensors_write(path, bad, 1, NULL, 0, err), TRIAD_ERR_UNSUPPORTED, "no place");
    bad[0] = (tensor_view){.name = "h", .dtype = TENSOR_F32, .rank = 2, .shape = {SIZE_MAX, 2}, .data = grid};
    expect_failure(safetensors_write(path, bad, 1, NULL, 0, err), TRIAD_ERR_RANGE, "overflows");
    expect_failure(safetensors_write(path, tensors, 1, (safetensors_pair[]){{"a", "1"}, {"a", "2"}}, 2, err),
                   TRIAD_ERR_ARGUMENT, "given twice");
    expect_failure(safetensors_write(path, tensors, 1, (safetensors_pair[]){{"a", "\xff"}}, 1, err), TRIAD_ERR_FORMAT,
                   "UTF-8");
    expect_failure(safetensors_write("/nowhere/x.safetensors", tensors, 1, NULL, 0, err), TRIAD_ERR_IO,
                   "/nowhere/x.safetensors");
    expect_failure(safetensors_open(&file, "formats/absent.safetensors", err), TRIAD_ERR_NOT_FOUND,
                   "absent.safetensors");
    expect_failure(safetensors_open(&file, "formats/f4.npy", err), TRIAD_ERR_FORMAT, "formats/f4.npy");
    scrap(path);
    scrap(second);
}

static void an_index_binds_files(void **state)
{
    (void)state;
    const float x[2] = {1, 2};
    char *one = scratch("1.safetensors"), *two = scratch("2.safetensors"),
         *path = scratch("model.safetensors.index.json");
    const char *one_name = strrchr(one, '/') + 1, *two_name = strrchr(two, '/') + 1;
    expect_success(safetensors_write(
        one, (tensor_view[]){{.name = "a", .dtype = TENSOR_F32, .rank = 1, .shape = {2}, .data = x}}, 1, NULL, 0, err));
    expect_success(
        safetensors_write(two,
                          (tensor_view[]){{.name = "b", .dtype = TENSOR_F32, .rank = 1, .shape = {1}, .data = x},
                                          {.name = "c", .dtype = TENSOR_F32, .rank = 1, .shape = {1}, .data = x + 1}},
                          2, NULL, 0, err));
    char text[1000];
    const int size = snprintf(
        text, sizeof text, "{\"metadata\":{\"total_size\":16},\"weight_map\":{\"c\":\"%s\",\"a\":\"%s\",\"b\":\"%s\"}}",
        two_name, one_name, two_name);
    put_file(path, text, (size_t)size);
    safetensors_index *index;
    expect_success(safetensors_index_open(&index, path, err));
    assert_int_equal(safetensors_index_files(index), 2);
    assert_int_equal(safetensors_index_count(index), 3);
    assert_string_equal(safetensors_index_file_name(index, 0), one_name);
    assert_null(safetensors_index_file_name(index, 2));
    assert_non_null(safetensors_index_file(index, 1));
    assert_string_equal(safetensors_index_name(index, 2), "c");
    assert_null(safetensors_index_name(index, 3));
    assert_int_equal(safetensors_index_find(index, "a")->shape[0], 2);
    assert_null(safetensors_index_find(index, "d"));
    safetensors_index_close(index);

    /* One file stands for itself. */
    expect_success(safetensors_index_open(&index, two, err));
    assert_int_equal(safetensors_index_count(index), 2);
    assert_string_equal(safetensors_index_file_name(index, 0), two_name);
    assert_non_null(safetensors_index_find(index, "c"));
    safetensors_index_close(index);

    /* A tensor that is elsewhere, one that is in two files, a file that is absent. */
    int n = snprintf(text, sizeof text, "{\"weight_map\":{\"a\":\"%s\",\"b\":\"%s\"}}", two_name, two_name);
    put_file(path, text, (size_t)n);
    expect_failure(safetensors_index_open(&index, path, err), TRIAD_ERR_NOT_FOUND, "tensor a is not in");
    expect_success(
        safetensors_write(one,
                          (tensor_view[]){{.name = "b", .dtype = TENSOR_F32, .rank = 1, .shape = {2}, .data = x},
                                          {.name = "a", .dtype = TENSOR_F32, .rank = 1, .shape = {2}, .data = x}},
                          2, NULL, 0, err));
    n = snprintf(text, sizeof text, "{\"weight_map\":{\"a\":\"%s\",\"b\":\"%s\"}}", one_name, two_name);
    put_file(path, text, (size_t)n);
    expect_failure(safetensors_index_open(&index, path, err), TRIAD_ERR_FORMAT, "tensor b is in");
    put_file(path, "{\"weight_map\":{\"a\":\"absent.safetensors\"}}", 41);
    expect_failure(safetensors_index_open(&index, path, err), TRIAD_ERR_NOT_FOUND, "absent.safetensors");
    put_file(path, "{", 1);
    expect_failure(safetensors_index_open(&index, path, err), TRIAD_ERR_FORMAT, "index.json");
    expect_failure(safetensors_index_open(&index, "formats/absent.json", err), TRIAD_ERR_NOT_FOUND, "absent");
    expect_failure(safetensors_index_open(&index, "formats/absent.safetensors", err), TRIAD_ERR_NOT_FOUND, "absent");
    scrap(one);
    scrap(two);
    scrap(path);

    static const char *const OUTSIDE[] = {"../x.safetensors",
                                          "/etc/x.safetensors",
                                          "a/b.safetensors",
                                          "a\\\\b.safetensors",
                                          "..",
                                          "x.bin",
                                          ".safetensors",
                                          ".x.safetensors",
                                          "",
                                          "x.safetensors\\u0000",
                                          "a\\u0001.safetensors"};
    for (size_t i = 0; i < sizeof OUTSIDE / sizeof OUTSIDE[0]; i++) {
        n = snprintf(text, sizeof text, "{\"weight_map\":{\"a\":\"%s\"}}", OUTSIDE[i]);
        expect_failure(safetensors_index_parse(&index, text, (size_t)n, err), TRIAD_ERR_FORMAT, "plain name");
        assert_null(index);
    }
    static const char *const BAD[] = {"{}",
                                      "[]",
                                      "{\"weight_map\":[]}",
                                      "{\"weight_map\":{}}",
                                      "{\"weight_map\":{\"a\":1}}",
                                      "{\"weight_map\":{\"a\":\"x.safetensors\",\"a\":\"y.safetensors\"}}"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        expect_failure(safetensors_index_parse(&index, BAD[i], strlen(BAD[i]), err), TRIAD_ERR_FORMAT,
                       i == 5 ? "twice" : "weight_map");
    safetensors_index_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_strict),   cmocka_unit_test(reads_what_python_wrote),
        cmocka_unit_test(every_cut_is_refused), cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(an_index_binds_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
