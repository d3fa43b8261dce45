#include "support.h"

#include "formats/gguf.h"
#include "formats/safetensors.h"

#include <math.h>

/* What the file calls its kinds. */
enum { U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 };

static void put_string(builder *b, const char *text)
{
    put64(b, strlen(text));
    put(b, text, strlen(text));
}

static builder *start(uint32_t version, uint64_t tensors, uint64_t pairs)
{
    builder *b = calloc(1, sizeof *b);
    put(b, "GGUF", 4);
    put32(b, version);
    put64(b, tensors);
    put64(b, pairs);
    return b;
}

static void put_key(builder *b, const char *key, uint32_t kind)
{
    put_string(b, key);
    put32(b, kind);
}

static void put_tensor(builder *b, const char *name, uint32_t rank, const uint64_t *dims, uint32_t type,
                       uint64_t offset)
{
    put_string(b, name);
    put32(b, rank);
    for (uint32_t i = 0; i < rank; i++) put64(b, dims[i]);
    put32(b, type);
    put64(b, offset);
}

/* Zeros up to the alignment, and bytes of data. */
static void put_data(builder *b, size_t alignment, size_t bytes)
{
    b->size = (b->size + alignment - 1) / alignment * alignment + bytes;
}

static triad_status parse(gguf **file, builder *b, triad_error *err)
{
    unsigned char *copy = cut(b->bytes, b->size);
    const triad_status status = gguf_parse(file, copy, b->size, err);
    free(copy); /* nothing that the tests below look at lies in it: keys and names are copies */
    free(b);
    return status;
}

static void refuse(builder *b, triad_status status, const char *words)
{
    gguf *file;
    expect_failure(parse(&file, b, err), status, words);
    assert_null(file);
}

static void accept(builder *b)
{
    gguf *file;
    expect_success(parse(&file, b, err));
    gguf_close(file);
}

static const uint64_t VECTOR[] = {8};

static void reads_what_python_wrote(void **state)
{
    (void)state;
    gguf *file;
    safetensors *wide;
    expect_success(gguf_open(&file, "formats/python.gguf", err));
    expect_success(safetensors_open(&wide, "formats/python.gguf.safetensors", err));

    const char *bytes;
    size_t size, count;
    int64_t i = 0;
    double r = 0;
    bool b = false;
    assert_true(gguf_get_string(file, "general.architecture", &bytes, &size));
    assert_int_equal(size, 5);
    assert_memory_equal(bytes, "llama", 5);
    static const struct {
        const char *key;
        int64_t value;
    } INTS[] = {{"kind.u8", 200},        {"kind.i8", -100},        {"kind.u16", 60000},
                {"kind.i16", -30000},    {"kind.u32", 4000000000}, {"kind.i32", -2000000000},
                {"kind.u64", INT64_MAX}, {"kind.i64", INT64_MIN},  {"kind.bool", 1}};
    for (size_t k = 0; k < sizeof INTS / sizeof INTS[0]; k++) {
        assert_true(gguf_has(file, INTS[k].key));
        assert_true(gguf_get_int(file, INTS[k].key, &i) && i == INTS[k].value);
        assert_true(gguf_get_real(file, INTS[k].key, &r) && r == (double)INTS[k].value);
        assert_false(gguf_get_string(file, INTS[k].key, &bytes, &size));
        assert_false(gguf_array_count(file, INTS[k].key, &count));
    }
    assert_true(gguf_has(file, "kind.u64_beyond"));
    assert_false(gguf_get_int(file, "kind.u64_beyond", &i));
    assert_true(gguf_get_real(file, "kind.f32", &r) && r == (double)0.1f);
    assert_true(gguf_get_real(file, "kind.f64", &r) && r == 0.1);
    assert_false(gguf_get_int(file, "kind.f64", &i));
    assert_true(gguf_get_bool(file, "kind.bool", &b) && b);
    assert_false(gguf_get_bool(file, "kind.u8", &b));
    assert_true(gguf_get_string(file, "kind.string", &bytes, &size) && size == 9);
    assert_false(gguf_get_int(file, "kind.string", &i));
    assert_false(gguf_has(file, "absent"));
    assert_false(gguf_get_int(file, "absent", &i));

    assert_true(gguf_array_count(file, "array.int", &count) && count == 3);
    assert_true(gguf_array_int(file, "array.int", 1, &i) && i == -2);
    assert_false(gguf_array_int(file, "array.int", 3, &i));
    assert_false(gguf_get_int(file, "array.int", &i));
    assert_true(gguf_array_real(file, "array.real", 1, &r) && r == -1.5);
    assert_true(gguf_array_string(file, "array.string", 2, &bytes, &size) && size == 6 &&
                memcmp(bytes, "\xe2\x96\x81red", 6) == 0);
    assert_true(gguf_array_string(file, "array.string", 1, &bytes, &size) && size == 0);
    assert_false(gguf_array_string(file, "array.int", 0, &bytes, &size));
    assert_true(gguf_array_int(file, "array.bool", 1, &i) && i == 0);
    assert_string_equal(gguf_key_at(file, 0), "general.architecture");
    assert_null(gguf_key_at(file, gguf_keys(file)));

    /* Every tensor, to the bit: all types that are read. */
    assert_int_equal(gguf_count(file), 17);
    assert_null(gguf_at(file, 17));
    assert_null(gguf_find(file, "absent"));
    size_t compared = 0;
    for (size_t t = 0; t < gguf_count(file); t++) {
        const tensor_view *tensor = gguf_at(file, t), *wanted = safetensors_find(wide, tensor->name);
        assert_ptr_equal(gguf_find(file, tensor->name), tensor);
        if (tensor->dtype == TENSOR_I32) continue;
        assert_non_null(wanted);
        assert_int_equal(tensor->rank, wanted->rank);
        assert_memory_equal(tensor->shape, wanted->shape, sizeof wanted->shape);
        float *out = malloc(wanted->bytes);
        expect_success(tensor_widen_rows(out, tensor, 0, tensor->shape[0], err));
        if (memcmp(out, wanted->data, wanted->bytes) != 0)
            fail_msg("%s widens otherwise than the gguf package", tensor->name);
        free(out);
        compared++;
    }
    assert_int_equal(compared, 16);
    assert_int_equal(gguf_find(file, "f32")->shape[0], 3); /* outermost first */
    gguf_close(file);
    gguf_close(NULL);
    safetensors_close(wide);
}

/* A file that ends early is refused wherever it ends; in its very last padding it may be complete. */
static void every_cut_is_refused(void **state)
{
    (void)state;
    size_t size;
    unsigned char *bytes = slurp("formats/python.gguf", &size);
    size_t good = 0;
    for (size_t part = 0; part < size; part++) {
        unsigned char *copy = cut(bytes, part);
        gguf *file;
        triad_error error = {0};
        if (gguf_parse(&file, copy, part, &error) == TRIAD_OK) {
            good++;
            assert_true(size - part < 32);
            gguf_close(file);
        } else
            assert_int_not_equal(error.text[0], 0);
        free(copy);
    }
    assert_true(good < 32);
    free(bytes);
}

/* Any single byte changed: an error or a valid parse. Bounds are the sanitizer's to watch. */
static void changed_bytes_do_no_harm(void **state)
{
    (void)state;
    size_t size;
    unsigned char *bytes = slurp("formats/python.gguf", &size);
    static const unsigned char VALUES[] = {0, 1, 9, 127, 255};
    float out[2048];
    for (size_t at = 0; at < size && at < 1800; at++)
        for (size_t v = 0; v < sizeof VALUES; v++) {
            unsigned char *copy = cut(bytes, size);
            copy[at] = VALUES[v];
            gguf *file;
            if (gguf_parse(&file, copy, size, NULL) == TRIAD_OK) {
                for (size_t t = 0; t < gguf_count(file); t++) {
                    const tensor_view *tensor = gguf_at(file, t);
                    if (tensor_count(tensor) <= 2048) (void)!tensor_widen_rows(out, tensor, 0, 1, NULL);
                }
                gguf_close(file);
            }
            free(copy);
        }
    free(bytes);
}

static void heads_are_checked(void **state)
{
    (void)state;
    gguf *file;
    accept(start(3, 0, 0));
    accept(start(2, 0, 0));
    expect_failure(gguf_parse(&file, NULL, 0, err), TRIAD_ERR_FORMAT, "empty");
    expect_failure(gguf_parse(&file, "GGML\3\0\0\0", 8, err), TRIAD_ERR_FORMAT, "does not begin with GGUF");
    refuse(start(1, 0, 0), TRIAD_ERR_UNSUPPORTED, "version 1");
    refuse(start(4, 0, 0), TRIAD_ERR_UNSUPPORTED, "version 4");
    refuse(start(0x03000000, 0, 0), TRIAD_ERR_UNSUPPORTED, "big-endian");
    refuse(start(0, 0, 0), TRIAD_ERR_UNSUPPORTED, "big-endian");
    expect_failure(gguf_open(&file, "formats/absent.gguf", err), TRIAD_ERR_NOT_FOUND, "absent.gguf");
    expect_failure(gguf_open(&file, "formats/f4.npy", err), TRIAD_ERR_FORMAT, "formats/f4.npy");
}

/* CVE-2024-21802, -21825, -21836, -23496, -23605: counts and lengths beyond the file. */
static void counts_are_bounded_by_the_file(void **state)
{
    (void)state;
    refuse(start(3, 1, 0), TRIAD_ERR_RANGE, "GGUF tensors");
    refuse(start(3, UINT64_MAX, 0), TRIAD_ERR_RANGE, "GGUF tensors");
    refuse(start(3, 0, 1), TRIAD_ERR_RANGE, "GGUF keys");
    refuse(start(3, 0, UINT64_MAX), TRIAD_ERR_RANGE, "GGUF keys");
    refuse(start(3, 0, 1ULL << 61), TRIAD_ERR_RANGE, "GGUF keys");

    static const uint64_t LENGTHS[] = {0, 65536, 1000, 1ULL << 32, INT64_MAX, UINT64_MAX, UINT64_MAX - 7};
    for (size_t i = 0; i < sizeof LENGTHS / sizeof LENGTHS[0]; i++) {
        builder *b = start(3, 0, 1); /* a key's length */
        put64(b, LENGTHS[i]);
        put(b, "abcdefghijklmnop", 16);
        refuse(b, TRIAD_ERR_FORMAT, i == 2 ? "file ends" : "empty or too long");
        if (LENGTHS[i] == 0) continue;
        b = start(3, 0, 1); /* a string's length */
        put_key(b, "k", STRING);
        put64(b, LENGTHS[i]);
        refuse(b, TRIAD_ERR_FORMAT, "file ends");
        b = start(3, 0, 1); /* the length of an array's second string */
        put_key(b, "k", ARRAY);
        put32(b, STRING);
        put64(b, 2);
        put_string(b, "x");
        put64(b, LENGTHS[i]);
        refuse(b, TRIAD_ERR_FORMAT, "file ends");
        for (uint32_t kind = U8; kind <= F64; kind++) { /* an array's count */
            if (kind == ARRAY) continue;
            b = start(3, 0, 1);
            put_key(b, "k", ARRAY);
            put32(b, kind);
            put64(b, LENGTHS[i]);
            put64(b, 0);
            refuse(b, TRIAD_ERR_RANGE, "more than the file can hold");
        }
        b = start(3, 1, 0); /* a tensor's name */
        put64(b, LENGTHS[i]);
        put(b, "abcdefghijklmnopqrstuvwxyz", 26);
        refuse(b, TRIAD_ERR_FORMAT, "too long");
    }
}

static void values_are_checked(void **state)
{
    (void)state;
    builder *b = start(3, 0, 1);
    put_key(b, "k", 13);
    put64(b, 0);
    refuse(b, TRIAD_ERR_FORMAT, "unknown type");
    b = start(3, 0, 1); /* elements of an unknown type must not be taken for 0 bytes each */
    put_key(b, "k", ARRAY);
    put32(b, 200);
    put64(b, UINT64_MAX);
    refuse(b, TRIAD_ERR_FORMAT, "unknown type");
    b = start(3, 0, 1); /* arrays in arrays: recursion */
    put_key(b, "k", ARRAY);
    put32(b, ARRAY);
    put64(b, 1);
    refuse(b, TRIAD_ERR_FORMAT, "array of arrays");
    b = start(3, 0, 1);
    put_key(b, "k", BOOL);
    put(b, "\2", 1);
    refuse(b, TRIAD_ERR_FORMAT, "neither 0 nor 1");
    b = start(3, 0, 1);
    put_key(b, "k", F64);
    put32(b, 0);
    refuse(b, TRIAD_ERR_FORMAT, "file ends");
    b = start(3, 0, 2);
    for (int i = 0; i < 2; i++) {
        put_key(b, "same", U32);
        put32(b, 1);
    }
    refuse(b, TRIAD_ERR_FORMAT, "same: occurs twice");
    b = start(3, 0, 1);
    put64(b, 3);
    put(b, "a\0b", 3);
    put32(b, U32);
    put32(b, 1);
    refuse(b, TRIAD_ERR_FORMAT, "0 bytes");
    b = start(3, 0, 1);
    put64(b, 1);
    put(b, "\xff", 1);
    put32(b, U32);
    put32(b, 1);
    refuse(b, TRIAD_ERR_FORMAT, "not UTF-8");

    for (int i = 0; i < 2; i++) { /* one file of many is refused with what to do; one of one is not */
        b = start(3, 0, 2);
        put_key(b, "split.no", U16);
        put(b, "\1\0", 2);
        put_key(b, "split.count", U16);
        put(b, i ? "\1\0" : "\3\0", 2);
        if (i)
            accept(b);
        else
            refuse(b, TRIAD_ERR_UNSUPPORTED, "one of the 3 files of a split model (open its first file");
    }
}

/* llama.cpp PR 24997, ggml 1516: alignments that are huge, no power of two, or no u32. */
static void alignment_is_sane(void **state)
{
    (void)state;
    static const uint32_t BAD[] = {0, 1, 4, 12, 24, 33, 1U << 21, 1U << 31, UINT32_MAX};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        builder *b = start(3, 0, 1);
        put_key(b, "general.alignment", U32);
        put32(b, BAD[i]);
        refuse(b, TRIAD_ERR_RANGE, "general.alignment");
    }
    builder *b = start(3, 0, 1);
    put_key(b, "general.alignment", U64);
    put64(b, 32);
    refuse(b, TRIAD_ERR_FORMAT, "general.alignment");
    b = start(3, 0, 1);
    put_key(b, "general.alignment", ARRAY);
    put32(b, U32);
    put64(b, 1);
    put32(b, 32);
    refuse(b, TRIAD_ERR_FORMAT, "general.alignment");
    for (uint32_t alignment = 8; alignment <= 4096; alignment *= 2) {
        b = start(3, 2, 1);
        put_key(b, "general.alignment", U32);
        put32(b, alignment);
        put_tensor(b, "a", 1, VECTOR, 0, 0);
        put_tensor(b, "b", 1, VECTOR, 0, alignment < 32 ? 32 : alignment);
        put_data(b, alignment, (alignment < 32 ? 32 : alignment) + 32);
        accept(b);
    }
    b = start(3, 1, 1);
    put_key(b, "general.alignment", U32);
    put32(b, 1 << 20); /* data beyond the end of the file */
    put_tensor(b, "a", 1, VECTOR, 0, 0);
    refuse(b, TRIAD_ERR_RANGE, "tensor a: 32 bytes at 0 lie outside the 0 of data");
}

/* One tensor, 32 bytes of data behind it. */
static builder *tensor(uint32_t rank, const uint64_t *dims, uint32_t type, uint64_t offset)
{
    builder *b = start(3, 1, 0);
    put_tensor(b, "t", rank, dims, type, offset);
    put_data(b, 32, 32);
    return b;
}

/* CVE-2026-33298, CVE-2025-53630, CVE-2026-27940, CVE-2026-7482: products, sums and extents that wrap or pass the end.
 */
static void tensors_stay_inside(void **state)
{
    (void)state;
    accept(tensor(1, VECTOR, 0, 0));
    accept(tensor(0, NULL, 0, 0));
    accept(tensor(2, (uint64_t[]){8, 1}, 0, 0));
    accept(tensor(4, (uint64_t[]){2, 2, 2, 1}, 0, 0));
    accept(tensor(2, (uint64_t[]){0, 5}, 0, 0));
    accept(tensor(1, (uint64_t[]){16}, 1, 0));
    refuse(tensor(1, (uint64_t[]){9}, 0, 0), TRIAD_ERR_RANGE, "outside");
    refuse(tensor(1, VECTOR, 0, 32), TRIAD_ERR_RANGE, "outside");
    refuse(tensor(1, VECTOR, 0, 1), TRIAD_ERR_FORMAT, "not aligned");
    refuse(tensor(1, VECTOR, 0, UINT64_MAX - 31), TRIAD_ERR_RANGE, "outside");
    refuse(tensor(1, VECTOR, 0, 1ULL << 63), TRIAD_ERR_RANGE, "outside");
    refuse(tensor(1, (uint64_t[]){1ULL << 62}, 0, 0), TRIAD_ERR_FORMAT, "overflows");
    refuse(tensor(1, (uint64_t[]){UINT64_MAX}, 24, 0), TRIAD_ERR_RANGE, "outside");
    refuse(tensor(2, (uint64_t[]){1ULL << 32, 1ULL << 32}, 24, 0), TRIAD_ERR_FORMAT, "overflows");
    refuse(tensor(3, (uint64_t[]){1ULL << 40, 1ULL << 40, 0}, 0, 0), TRIAD_ERR_FORMAT, "overflows");
    refuse(tensor(4, (uint64_t[]){1ULL << 16, 1ULL << 16, 1ULL << 16, 1ULL << 16}, 0, 0), TRIAD_ERR_FORMAT,
           "overflows");
    refuse(tensor(5, (uint64_t[]){1, 1, 1, 1, 1}, 0, 0), TRIAD_ERR_FORMAT, "4 dimensions");
    builder *b = start(3, 1, 0);
    put_string(b, "t");
    put32(b, UINT32_MAX);
    put64(b, 0);
    put64(b, 0);
    refuse(b, TRIAD_ERR_FORMAT, "4 dimensions");
    refuse(tensor(1, (uint64_t[]){33}, 2, 0), TRIAD_ERR_FORMAT, "whole blocks of Q4_0");
    refuse(tensor(2, (uint64_t[]){1, 32}, 8, 0), TRIAD_ERR_FORMAT, "whole blocks of Q8_0");
    refuse(tensor(1, VECTOR, 9, 0), TRIAD_ERR_UNSUPPORTED, "Q8_1");
    refuse(tensor(1, VECTOR, 16, 0), TRIAD_ERR_UNSUPPORTED, "IQ2_XXS");
    refuse(tensor(1, VECTOR, 39, 0), TRIAD_ERR_UNSUPPORTED, "MXFP4");
    refuse(tensor(1, VECTOR, 43, 0), TRIAD_ERR_FORMAT, "unknown type");
    refuse(tensor(1, VECTOR, UINT32_MAX, 0), TRIAD_ERR_FORMAT, "unknown type");

    b = start(3, 2, 0); /* the same name */
    put_tensor(b, "t", 1, VECTOR, 0, 0);
    put_tensor(b, "t", 1, VECTOR, 0, 32);
    put_data(b, 32, 64);
    refuse(b, TRIAD_ERR_FORMAT, "t: occurs twice");
    b = start(3, 2, 0); /* the same bytes */
    put_tensor(b, "t", 1, (uint64_t[]){16}, 0, 0);
    put_tensor(b, "u", 1, VECTOR, 0, 32);
    put_data(b, 32, 64);
    refuse(b, TRIAD_ERR_FORMAT, "overlaps");
    b = start(3, 2, 0); /* in any order */
    put_tensor(b, "t", 1, VECTOR, 0, 32);
    put_tensor(b, "u", 1, VECTOR, 0, 0);
    put_data(b, 32, 64);
    accept(b);
    b = start(3, 1, 0);
    put64(b, 64);
    for (int i = 0; i < 4; i++) put(b, "0123456789abcdef", 16);
    put64(b, 0);
    put64(b, 0);
    refuse(b, TRIAD_ERR_FORMAT, "too long");
}

/* One file of a split model with one tensor, written under the name's number. */
static void put_part(const char *stem, unsigned number, unsigned count, unsigned says, const char *tensor_name,
                     int32_t total)
{
    builder *b = start(3, 1, 3);
    put_key(b, "split.no", U16);
    put(b, (uint16_t[]){(uint16_t)says}, 2);
    put_key(b, "split.count", U16);
    put(b, (uint16_t[]){(uint16_t)count}, 2);
    put_key(b, "split.tensors.count", I32);
    put32(b, (uint32_t)total);
    put_tensor(b, tensor_name, 1, VECTOR, 0, 0);
    put_data(b, 32, 32);
    b->bytes[b->size - 1] = (unsigned char)number;
    char path[300];
    snprintf(path, sizeof path, "%s-%05u-of-%05u.gguf", stem, number, count);
    put_file(path, b->bytes, b->size);
    free(b);
}

static char *part_path(const char *stem, unsigned number, unsigned count)
{
    static char path[300];
    snprintf(path, sizeof path, "%s-%05u-of-%05u.gguf", stem, number, count);
    return path;
}

static void a_split_model_is_one(void **state)
{
    (void)state;
    char *stem = scratch("split");
    static const char *const names[] = {"c", "a", "b"};
    for (unsigned i = 0; i < 3; i++) put_part(stem, i + 1, 3, i, names[i], 3);
    gguf *file;
    expect_success(gguf_open(&file, part_path(stem, 1, 3), err));
    assert_int_equal(gguf_count(file), 3);
    assert_int_equal(gguf_files(file), 3);
    for (unsigned i = 0; i < 3; i++) {
        const tensor_view *found = gguf_find(file, names[i]);
        assert_non_null(found);
        assert_ptr_equal(found, gguf_at(file, i));
        assert_int_equal(((const unsigned char *)found->data)[31], i + 1);
    }
    gguf_close(file);
    expect_failure(gguf_open(&file, part_path(stem, 2, 3), err), TRIAD_ERR_ARGUMENT, "name the first");
    assert_null(file);
    put_part(stem, 3, 3, 2, "a", 3);
    expect_failure(gguf_open(&file, part_path(stem, 1, 3), err), TRIAD_ERR_FORMAT, "a is in two of its files");
    put_part(stem, 3, 3, 1, "b", 3);
    expect_failure(gguf_open(&file, part_path(stem, 1, 3), err), TRIAD_ERR_FORMAT, "says that it is file 2 of 3");
    put_part(stem, 3, 3, 3, "b", 3);
    expect_failure(gguf_open(&file, part_path(stem, 1, 3), err), TRIAD_ERR_RANGE, "split.no");
    unlink(part_path(stem, 3, 3));
    expect_failure(gguf_open(&file, part_path(stem, 1, 3), err), TRIAD_ERR_NOT_FOUND, "-00003-of-00003.gguf");
    put_part(stem, 3, 3, 2, "b", 3);
    put_part(stem, 1, 3, 0, "c", 4);
    expect_failure(gguf_open(&file, part_path(stem, 1, 3), err), TRIAD_ERR_FORMAT, "hold 3 tensors");
    put_part(stem, 1, 3, 0, "c", 3);
    char *other = scratch("renamed.gguf");
    assert_int_equal(rename(part_path(stem, 1, 3), other), 0);
    expect_failure(gguf_open(&file, other, err), TRIAD_ERR_FORMAT, "must end in -00001-of-00003.gguf");
    assert_null(file);
    scrap(other);
    for (unsigned i = 2; i <= 3; i++) unlink(part_path(stem, i, 3));
    free(stem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_python_wrote),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(changed_bytes_do_no_harm),
        cmocka_unit_test(heads_are_checked),
        cmocka_unit_test(counts_are_bounded_by_the_file),
        cmocka_unit_test(values_are_checked),
        cmocka_unit_test(alignment_is_sane),
        cmocka_unit_test(tensors_stay_inside),
        cmocka_unit_test(a_split_model_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
