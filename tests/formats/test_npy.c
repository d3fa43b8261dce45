#include "support.h"

#include "formats/npy.h"

/* A file of this header (version 1) and data bytes. */
static triad_status parse_header(npy **file, const char *header, size_t data, triad_error *err)
{
    const size_t length = strlen(header), size = 10 + length + data;
    unsigned char *bytes = calloc(size, 1);
    memcpy(bytes, "\x93NUMPY\x01\x00", 8);
    bytes[8] = (unsigned char)(length & 255);
    bytes[9] = (unsigned char)(length >> 8);
    memcpy(bytes + 10, header, length);
    const triad_status status = npy_parse(file, bytes, size, err);
    free(bytes);
    return status;
}

static void refuse(const char *header, size_t data, triad_status status, const char *words)
{
    npy *file;
    expect_failure(parse_header(&file, header, data, err), status, words);
    assert_null(file);
}

static void accept(const char *header, size_t data)
{
    npy *file;
    expect_success(parse_header(&file, header, data, err));
    npy_close(file);
}

static void headers_are_strict(void **state)
{
    (void)state;
    accept("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n", 8);
    accept("{'shape':(2,3),'descr':\"<f4\",'fortran_order':False}", 24);
    accept("{'descr': '<f8', 'fortran_order': True, 'shape': (2,)}", 16);
    accept("{'descr': '<f8', 'fortran_order': True, 'shape': ()}", 8);
    accept("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3, )}", 48);

    refuse("", 0, TRIAD_ERR_FORMAT, "dictionary");
    refuse("{", 0, TRIAD_ERR_FORMAT, "dictionary");
    refuse("{}", 0, TRIAD_ERR_FORMAT, "lacks");
    refuse("{'descr' '<f4'}", 0, TRIAD_ERR_FORMAT, "dictionary");
    refuse("{'descr': '<f4' 'shape': ()}", 4, TRIAD_ERR_FORMAT, "dictionary");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': ()} x", 4, TRIAD_ERR_FORMAT, "follows");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': ()", 4, TRIAD_ERR_FORMAT, "dictionary");
    refuse("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}", 4, TRIAD_ERR_FORMAT, "twice");
    refuse("{'other': 1, 'descr': '<f4', 'fortran_order': False, 'shape': ()}", 4, TRIAD_ERR_FORMAT, "other");
    refuse("{'descr': '<f4', 'fortran_order': 0, 'shape': ()}", 4, TRIAD_ERR_FORMAT, "neither True nor False");
    refuse("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1)}", 4, TRIAD_ERR_UNSUPPORTED, "ascontiguousarray");
    refuse("{'descr': '>f4', 'fortran_order': False, 'shape': ()}", 4, TRIAD_ERR_UNSUPPORTED, "big-endian");
    refuse("{'descr': '<c8', 'fortran_order': False, 'shape': ()}", 8, TRIAD_ERR_UNSUPPORTED, "<c8");
    refuse("{'descr': '|O', 'fortran_order': False, 'shape': ()}", 8, TRIAD_ERR_UNSUPPORTED, "|O");
    refuse("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}", 4, TRIAD_ERR_UNSUPPORTED, "records");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': 3}", 12, TRIAD_ERR_FORMAT, "tuple");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (3)}", 12, TRIAD_ERR_FORMAT, "tuple");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (,)}", 4, TRIAD_ERR_FORMAT, "tuple");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}", 8, TRIAD_ERR_FORMAT, "tuple");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", 0, TRIAD_ERR_FORMAT, "tuple");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (1.0,)}", 4, TRIAD_ERR_FORMAT, "tuple");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", 0, TRIAD_ERR_FORMAT, "tuple");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}", 4, TRIAD_ERR_UNSUPPORTED,
           "8 dimensions");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775808, 2)}", 0, TRIAD_ERR_RANGE,
           "overflows");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,)}", 0, TRIAD_ERR_RANGE,
           "overflows");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 4, TRIAD_ERR_FORMAT,
           "needs 8 bytes, the file holds 4");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 9, TRIAD_ERR_FORMAT,
           "needs 8 bytes, the file holds 9");
    npy *file;
    expect_failure(npy_parse(&file, "\x93NUMPX\x01\x00\x00\x00", 10, err), TRIAD_ERR_FORMAT, "begin");
    expect_failure(npy_parse(&file, "\x93NUMPY\x04\x00\x00\x00", 10, err), TRIAD_ERR_UNSUPPORTED, "version 4.0");
    expect_failure(npy_parse(&file, "\x93NUMPY\x01\x01\x00\x00", 10, err), TRIAD_ERR_UNSUPPORTED, "version 1.1");
    expect_failure(npy_parse(&file, "\x93NUMPY\x01\x00\x05\x00", 10, err), TRIAD_ERR_FORMAT, "ends in its header");
    expect_failure(npy_parse(&file, "\x93NUMPY\x02\x00\x05\x00\x00", 11, err), TRIAD_ERR_FORMAT, "ends in its header");
    expect_failure(npy_parse(&file, "\x93NUMPY\x02\x00\xff\xff\xff\xff", 12, err), TRIAD_ERR_RANGE,
                   "header of 4294967295");
}

static void reads_what_python_wrote(void **state)
{
    (void)state;
    static const char *const GRIDS[] = {"formats/f4.npy", "formats/v2.npy", "formats/v3.npy"};
    npy *file;
    for (size_t g = 0; g < 3; g++) {
        expect_success(npy_open(&file, GRIDS[g], err));
        const tensor_view *tensor = npy_tensor(file);
        assert_true(tensor->dtype == TENSOR_F32 && tensor->rank == 2 && tensor->shape[0] == 3 && tensor->shape[1] == 4);
        float out[12];
        expect_success(tensor_widen_rows(out, tensor, 0, 3, err));
        for (int i = 0; i < 12; i++) assert_true(out[i] == (float)i / 7);
        npy_close(file);
    }
    static const struct {
        const char *path;
        tensor_dtype type;
    } TYPES[] = {{"f2", TENSOR_F16}, {"f8", TENSOR_F64}, {"i1", TENSOR_I8},  {"i2", TENSOR_I16},
                 {"i4", TENSOR_I32}, {"i8", TENSOR_I64}, {"u1", TENSOR_U8},  {"u2", TENSOR_U16},
                 {"u4", TENSOR_U32}, {"u8", TENSOR_U64}, {"b1", TENSOR_BOOL}};
    for (size_t i = 0; i < sizeof TYPES / sizeof TYPES[0]; i++) {
        char path[50];
        snprintf(path, sizeof path, "formats/%s.npy", TYPES[i].path);
        expect_success(npy_open(&file, path, err));
        assert_true(npy_tensor(file)->dtype == TYPES[i].type && npy_tensor(file)->rank == 2);
        npy_close(file);
    }
    expect_success(npy_open(&file, "formats/scalar.npy", err));
    assert_int_equal(npy_tensor(file)->rank, 0);
    npy_close(file);
    expect_success(npy_open(&file, "formats/empty.npy", err));
    assert_int_equal(npy_tensor(file)->bytes, 0);
    npy_close(file);
    expect_failure(npy_open(&file, "formats/fortran.npy", err), TRIAD_ERR_UNSUPPORTED, "formats/fortran.npy");
    expect_failure(npy_open(&file, "formats/big.npy", err), TRIAD_ERR_UNSUPPORTED, "big-endian");
    expect_failure(npy_open(&file, "formats/complex.npy", err), TRIAD_ERR_UNSUPPORTED, "<c8");
    expect_failure(npy_open(&file, "formats/record.npy", err), TRIAD_ERR_UNSUPPORTED, "records");
    expect_failure(npy_open(&file, "formats/absent.npy", err), TRIAD_ERR_NOT_FOUND, "absent");
    npy_close(NULL);
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    size_t size;
    unsigned char *bytes = slurp("formats/v2.npy", &size);
    for (size_t part = 0; part < size; part++) {
        unsigned char *copy = cut(bytes, part);
        npy *file;
        expect_failure(npy_parse(&file, copy, part, err), TRIAD_ERR_FORMAT, "npy");
        free(copy);
    }
    free(bytes);
}

static void writes_what_it_reads(void **state)
{
    (void)state;
    unsigned char data[64];
    for (int i = 0; i < 64; i++) data[i] = (unsigned char)i;
    char *path = scratch("x.npy");
    const tensor_view shapes[] = {{.rank = 0},
                                  {.rank = 1, .shape = {4}},
                                  {.rank = 2, .shape = {2, 3}},
                                  {.rank = 3, .shape = {2, 2, 2}},
                                  {.rank = 2, .shape = {0, 5}},
                                  {.rank = 8, .shape = {1, 1, 1, 1, 1, 1, 1, 1}}};
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
        for (tensor_dtype type = 0; type <= TENSOR_OTHER; type++) {
            tensor_view tensor = shapes[s];
            tensor.dtype = type;
            tensor.data = data;
            npy *file;
            if (type == TENSOR_BF16 || type == TENSOR_F8_E4M3 || type == TENSOR_F8_E5M2 || type > TENSOR_BOOL) {
                expect_failure(npy_write(path, &tensor, err), TRIAD_ERR_UNSUPPORTED, "no place");
                continue;
            }
            expect_success(npy_write(path, &tensor, err));
            size_t size;
            free(slurp(path, &size));
            expect_success(npy_open(&file, path, err));
            const tensor_view *back = npy_tensor(file);
            assert_true(back->dtype == type && back->rank == tensor.rank);
            assert_memory_equal(back->shape, tensor.shape, sizeof tensor.shape);
            assert_int_equal((size - back->bytes) % 64, 0);
            if (back->bytes) assert_memory_equal(back->data, data, back->bytes);
            npy_close(file);
        }
    const tensor_view huge = {.dtype = TENSOR_F32, .rank = 2, .shape = {SIZE_MAX, 2}, .data = data};
    expect_failure(npy_write(path, &huge, err), TRIAD_ERR_RANGE, "overflows");
    expect_failure(npy_write("/nowhere/x.npy", &(tensor_view){.dtype = TENSOR_U8, .data = data}, err), TRIAD_ERR_IO,
                   "nowhere");
    scrap(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_strict),
        cmocka_unit_test(reads_what_python_wrote),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(writes_what_it_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
