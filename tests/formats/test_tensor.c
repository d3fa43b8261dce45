#include "support.h"

#include "formats/safetensors.h"
#include "formats/tensor.h"

#include <math.h>

static void sizes_are_checked(void **state)
{
    (void)state;
    size_t bytes;
    assert_true(tensor_size(&bytes, TENSOR_F32, 2, (size_t[]){3, 4}));
    assert_int_equal(bytes, 48);
    assert_true(tensor_size(&bytes, TENSOR_F64, 0, NULL));
    assert_int_equal(bytes, 8);
    assert_true(tensor_size(&bytes, TENSOR_Q4_0, 2, (size_t[]){3, 64}));
    assert_int_equal(bytes, 3 * 2 * 18);
    assert_true(tensor_size(&bytes, TENSOR_Q6_K, 1, (size_t[]){512}));
    assert_int_equal(bytes, 420);
    assert_true(tensor_size(&bytes, TENSOR_F32, 3, (size_t[]){3, 0, 5}));
    assert_int_equal(bytes, 0);
    assert_false(tensor_size(&bytes, TENSOR_Q4_0, 2, (size_t[]){3, 33}));
    assert_false(tensor_size(&bytes, TENSOR_Q4_0, 0, NULL));
    assert_false(tensor_size(&bytes, TENSOR_F32, 2, (size_t[]){SIZE_MAX / 2, 3}));
    assert_false(tensor_size(&bytes, TENSOR_F32, 1, (size_t[]){SIZE_MAX / 2}));
    assert_false(tensor_size(&bytes, TENSOR_F32, 3, (size_t[]){SIZE_MAX, SIZE_MAX, 0}));
    assert_false(tensor_size(&bytes, TENSOR_OTHER, 1, (size_t[]){1}));
    assert_false(tensor_size(&bytes, TENSOR_F32, 9, (size_t[]){1, 1, 1, 1, 1, 1, 1, 1, 1}));
    assert_false(tensor_size(&bytes, TENSOR_F32, -1, NULL));
    for (tensor_dtype type = 0; type < TENSOR_OTHER; type++) {
        assert_non_null(tensor_dtype_name(type));
        assert_true(tensor_dtype_elements(type) > 0 && tensor_dtype_bytes(type) > 0);
    }
    assert_int_equal(tensor_dtype_elements(TENSOR_OTHER), 0);
    assert_int_equal(tensor_count(&(tensor_view){.rank = 2, .shape = {3, 4}}), 12);
    assert_int_equal(tensor_count(&(tensor_view){.rank = 0}), 1);
}

static void same_bits(const float *a, const float *b, size_t count, const char *what)
{
    for (size_t i = 0; i < count; i++) {
        if (isnan(a[i]) && isnan(b[i])) continue;
        if (memcmp(&a[i], &b[i], sizeof *a) != 0)
            fail_msg("%s: element %zu is %a, not %a", what, i, (double)a[i], (double)b[i]);
    }
}

/* Bit patterns and values that PyTorch gives them; shifted copies are unaligned and leave odd tails to the vector
 * loops. */
static void narrow_types_have_torchs_values(void **state)
{
    (void)state;
    safetensors *file;
    expect_success(safetensors_open(&file, "formats/wide.safetensors", err));
    static const struct {
        const char *bits, *value;
        tensor_dtype type;
    } CASES[] = {{"bits.f16", "value.f16", TENSOR_F16},
                 {"bits.bf16", "value.bf16", TENSOR_BF16},
                 {"bits.f8", "value.f8", TENSOR_F8_E4M3}};
    for (size_t c = 0; c < 3; c++) {
        const tensor_view *bits = safetensors_find(file, CASES[c].bits),
                          *value = safetensors_find(file, CASES[c].value);
        const size_t count = tensor_count(bits), width = bits->bytes / count;
        float *wanted = malloc(count * sizeof *wanted), *got = malloc(count * sizeof *got);
        memcpy(wanted, value->data, value->bytes);
        for (size_t first = 0; first < 20; first++) {
            unsigned char *moved = malloc(bits->bytes + 1);
            memcpy(moved + 1, (const char *)bits->data, bits->bytes);
            const size_t part = count - first - first / 2;
            const tensor_view view = {.name = CASES[c].bits,
                                      .dtype = CASES[c].type,
                                      .rank = 1,
                                      .shape = {part},
                                      .data = moved + 1 + first * width,
                                      .bytes = part * width};
            expect_success(tensor_widen_rows(got, &view, 0, 1, err));
            same_bits(got, wanted + first, part, CASES[c].bits);
            free(moved);
        }
        free(wanted);
        free(got);
    }
    safetensors_close(file);
}

/* E5M2 is the upper byte of IEEE half precision (arXiv:2209.05433). */
static void e5m2_is_the_upper_byte_of_a_half(void **state)
{
    (void)state;
    static const struct {
        unsigned char bits;
        float value;
    } CASES[] = {{0x00, 0},     {0x01, 0x1p-16f}, {0x03, 0x3p-16f}, {0x04, 0x1p-14f}, {0x3c, 1},         {0x3d, 1.25f},
                 {0xbe, -1.5f}, {0x7b, 57344},    {0xfb, -57344},   {0x7c, INFINITY}, {0xfc, -INFINITY}, {0x80, -0.0f}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const tensor_view one = {
            .name = "e5m2", .dtype = TENSOR_F8_E5M2, .rank = 1, .shape = {1}, .data = &CASES[i].bits, .bytes = 1};
        float got;
        expect_success(tensor_widen_rows(&got, &one, 0, 1, err));
        same_bits(&got, &CASES[i].value, 1, "e5m2");
    }
    const unsigned char nan = 0x7e;
    float got = 0;
    const tensor_view one = {.name = "nan", .dtype = TENSOR_F8_E5M2, .rank = 1, .shape = {1}, .data = &nan, .bytes = 1};
    expect_success(tensor_widen_rows(&got, &one, 0, 1, err));
    assert_true(isnan(got));
}

static void rows_are_picked(void **state)
{
    (void)state;
    float data[3][4], out[12];
    for (int i = 0; i < 12; i++) data[i / 4][i % 4] = (float)i;
    const tensor_view grid = {
        .name = "grid", .dtype = TENSOR_F32, .rank = 2, .shape = {3, 4}, .data = data, .bytes = sizeof data};
    expect_success(tensor_widen_rows(out, &grid, 1, 2, err));
    same_bits(out, data[1], 8, "rows 1 and 2");
    expect_success(tensor_widen_rows(out, &grid, 3, 0, err));
    expect_failure(tensor_widen_rows(out, &grid, 2, 2, err), TRIAD_ERR_RANGE, "grid");
    expect_failure(tensor_widen_rows(out, &grid, SIZE_MAX, 2, err), TRIAD_ERR_RANGE, "grid");
    expect_failure(tensor_widen_rows(out, &grid, 4, 0, err), TRIAD_ERR_RANGE, "grid");

    const double third = 1.0 / 3;
    const tensor_view scalar = {.name = "scalar", .dtype = TENSOR_F64, .rank = 0, .data = &third, .bytes = 8};
    expect_success(tensor_widen_rows(out, &scalar, 0, 1, err));
    assert_true(out[0] == (float)third);

    tensor_view other = grid;
    other.dtype = TENSOR_I32;
    expect_failure(tensor_widen_rows(out, &other, 0, 1, err), TRIAD_ERR_UNSUPPORTED, "I32");
    other.dtype = TENSOR_OTHER;
    expect_failure(tensor_widen_rows(out, &other, 0, 1, err), TRIAD_ERR_UNSUPPORTED, "grid");
    other.dtype = TENSOR_Q8_0;
    expect_failure(tensor_widen_rows(out, &other, 0, 1, err), TRIAD_ERR_FORMAT, "whole blocks");
    other.dtype = TENSOR_F64;
    expect_failure(tensor_widen_rows(out, &other, 0, 3, err), TRIAD_ERR_FORMAT, "too few");
    const tensor_view empty = {.name = "empty", .dtype = TENSOR_F32, .rank = 2, .shape = {3, 0}};
    expect_success(tensor_widen_rows(out, &empty, 0, 3, err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(narrow_types_have_torchs_values),
        cmocka_unit_test(e5m2_is_the_upper_byte_of_a_half),
        cmocka_unit_test(rows_are_picked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
