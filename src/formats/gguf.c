#include "formats/gguf_internal.h"

#include "base/arena.h"
#include "base/checked.h"
#include "base/file.h"
#include "formats/half.h"
#include "formats/utf8.h"

#include <stdlib.h>

/* Kinds of metadata values, as the file numbers them. */
enum { U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64, KINDS };

static const size_t KIND_BYTES[KINDS] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

enum { MAX_KEY = 65535, MAX_NAME = 63, MAX_DIMS = 4, DEFAULT_ALIGNMENT = 32, MAX_ALIGNMENT = 1 << 20 };
enum { MIN_PAIR = 8 + 1 + 4 + 1, MIN_TENSOR = 8 + 1 + 4 + 4 + 8, MIN_STRING = 8 }; /* bytes: what bounds every count */

/* ggml's numbers of tensor types. Rows without elements are known and not read. */
typedef struct ggml_type {
    const char *name;
    tensor_dtype dtype;
} ggml_type;

static const ggml_type GGML_TYPES[] = {
    [0] = {"F32", TENSOR_F32},
    [1] = {"F16", TENSOR_F16},
    [2] = {"Q4_0", TENSOR_Q4_0},
    [3] = {"Q4_1", TENSOR_Q4_1},
    [4] = {"Q4_2", TENSOR_OTHER},
    [5] = {"Q4_3", TENSOR_OTHER},
    [6] = {"Q5_0", TENSOR_Q5_0},
    [7] = {"Q5_1", TENSOR_Q5_1},
    [8] = {"Q8_0", TENSOR_Q8_0},
    [9] = {"Q8_1", TENSOR_OTHER},
    [10] = {"Q2_K", TENSOR_Q2_K},
    [11] = {"Q3_K", TENSOR_Q3_K},
    [12] = {"Q4_K", TENSOR_Q4_K},
    [13] = {"Q5_K", TENSOR_Q5_K},
    [14] = {"Q6_K", TENSOR_Q6_K},
    [15] = {"Q8_K", TENSOR_OTHER},
    [16] = {"IQ2_XXS", TENSOR_OTHER},
    [17] = {"IQ2_XS", TENSOR_OTHER},
    [18] = {"IQ3_XXS", TENSOR_OTHER},
    [19] = {"IQ1_S", TENSOR_OTHER},
    [20] = {"IQ4_NL", TENSOR_IQ4_NL},
    [21] = {"IQ3_S", TENSOR_OTHER},
    [22] = {"IQ2_S", TENSOR_OTHER},
    [23] = {"IQ4_XS", TENSOR_IQ4_XS},
    [24] = {"I8", TENSOR_I8},
    [25] = {"I16", TENSOR_I16},
    [26] = {"I32", TENSOR_I32},
    [27] = {"I64", TENSOR_I64},
    [28] = {"F64", TENSOR_F64},
    [29] = {"IQ1_M", TENSOR_OTHER},
    [30] = {"BF16", TENSOR_BF16},
    [31] = {"Q4_0_4_4", TENSOR_OTHER},
    [32] = {"Q4_0_4_8", TENSOR_OTHER},
    [33] = {"Q4_0_8_8", TENSOR_OTHER},
    [34] = {"TQ1_0", TENSOR_OTHER},
    [35] = {"TQ2_0", TENSOR_OTHER},
    [36] = {"IQ4_NL_4_4", TENSOR_OTHER},
    [37] = {"IQ4_NL_4_8", TENSOR_OTHER},
    [38] = {"IQ4_NL_8_8", TENSOR_OTHER},
    [39] = {"MXFP4", TENSOR_OTHER},
    [40] = {"NVFP4", TENSOR_OTHER},
    [41] = {"Q1_0", TENSOR_OTHER},
    [42] = {"Q2_0", TENSOR_OTHER},
};
enum { GGML_TYPE_COUNT = sizeof GGML_TYPES / sizeof GGML_TYPES[0] };

typedef struct cursor {
    const unsigned char *bytes;
    size_t size, at;
    triad_error *err;
} cursor;

static triad_status fail(const cursor *c, const char *what, const char *why)
{
    return triad_fail(c->err, TRIAD_ERR_FORMAT, (int64_t)c->at, "%s, byte %zu: %s", what, c->at, why);
}

static triad_status out_of_memory(const cursor *c)
{
    return triad_fail(c->err, TRIAD_ERR_MEMORY, -1, "GGUF: out of memory");
}

static triad_status take(cursor *c, const char *what, size_t size, const unsigned char **bytes)
{
    *bytes = c->bytes + c->at;
    if (size > c->size - c->at) return fail(c, what, "the file ends inside");
    c->at += size;
    return TRIAD_OK;
}

static triad_status take_u32(cursor *c, const char *what, uint32_t *value)
{
    const unsigned char *bytes;
    const triad_status status = take(c, what, 4, &bytes);
    *value = status == TRIAD_OK ? load_u32(bytes) : 0;
    return status;
}

static triad_status take_u64(cursor *c, const char *what, uint64_t *value)
{
    const unsigned char *bytes;
    const triad_status status = take(c, what, 8, &bytes);
    *value = status == TRIAD_OK ? load_u64(bytes) : 0;
    return status;
}

/* A count of things of at least `least` bytes each: never more than the rest of the file could hold. */
static triad_status take_count(cursor *c, const char *what, size_t least, size_t *count)
{
    uint64_t value;
    const triad_status status = take_u64(c, what, &value);
    if (status != TRIAD_OK) return status;
    if (value > (c->size - c->at) / least)
        return triad_fail(c->err, TRIAD_ERR_RANGE, (int64_t)c->at - 8,
                          "%s, byte %zu: %llu are more than the file can hold", what, c->at - 8,
                          (unsigned long long)value);
    *count = value;
    return TRIAD_OK;
}

/* A key or a tensor's name, as a C string in the arena. */
static triad_status take_name(cursor *c, gguf *file, const char *what, size_t limit, const char **name)
{
    uint64_t length;
    const unsigned char *bytes;
    triad_status status = take_u64(c, what, &length);
    if (status != TRIAD_OK) return status;
    if (length == 0 || length > limit) return fail(c, what, "a name that is empty or too long");
    if ((status = take(c, what, length, &bytes)) != TRIAD_OK) return status;
    if (memchr(bytes, 0, length) || !utf8_valid((const char *)bytes, length, NULL))
        return fail(c, what, "a name that is not UTF-8 without 0 bytes");
    *name = triad_arena_strndup(&file->arena, (const char *)bytes, length);
    return *name ? TRIAD_OK : out_of_memory(c);
}

static triad_status take_strings(cursor *c, gguf *file, pair *p)
{
    p->strings = TRIAD_NEW(&file->arena, const unsigned char *, p->count ? p->count : 1);
    if (p->strings == NULL) return out_of_memory(c);
    for (size_t i = 0; i < p->count; i++) {
        uint64_t length;
        const unsigned char *bytes;
        p->strings[i] = c->bytes + c->at;
        triad_status status = take_u64(c, p->key, &length);
        if (status != TRIAD_OK || (status = take(c, p->key, length, &bytes)) != TRIAD_OK) return status;
    }
    return TRIAD_OK;
}

static triad_status take_pair(cursor *c, gguf *file, pair *p)
{
    triad_status status = take_name(c, file, "GGUF key", MAX_KEY, &p->key);
    if (status != TRIAD_OK || (status = take_u32(c, p->key, &p->kind)) != TRIAD_OK) return status;
    p->count = 1;
    p->array = p->kind == ARRAY;
    if (p->array) {
        if ((status = take_u32(c, p->key, &p->kind)) != TRIAD_OK) return status;
        if (p->kind == ARRAY) return fail(c, p->key, "an array of arrays");
    }
    if (p->kind >= KINDS) return fail(c, p->key, "a value of unknown type");
    const size_t least = p->kind == STRING ? MIN_STRING : KIND_BYTES[p->kind];
    if (p->array && (status = take_count(c, p->key, least, &p->count)) != TRIAD_OK) return status;
    p->data = c->bytes + c->at;
    if (p->kind == STRING) return take_strings(c, file, p);
    const unsigned char *bytes;
    if ((status = take(c, p->key, p->count * least, &bytes)) != TRIAD_OK) return status;
    if (p->kind == BOOL)
        for (size_t i = 0; i < p->count; i++)
            if (bytes[i] > 1) return fail(c, p->key, "a boolean that is neither 0 nor 1");
    return TRIAD_OK;
}

static int compare_key(const void *a, const void *b)
{
    return strcmp((*(pair *const *)a)->key, (*(pair *const *)b)->key);
}

static triad_status read_pairs(cursor *c, gguf *file)
{
    file->pair = TRIAD_NEW0(&file->arena, pair, file->pairs ? file->pairs : 1);
    file->by_key = TRIAD_NEW(&file->arena, pair *, file->pairs ? file->pairs : 1);
    if (file->pair == NULL || file->by_key == NULL) return out_of_memory(c);
    for (size_t i = 0; i < file->pairs; i++) {
        const triad_status status = take_pair(c, file, &file->pair[i]);
        if (status != TRIAD_OK) return status;
        file->by_key[i] = &file->pair[i];
    }
    qsort(file->by_key, file->pairs, sizeof *file->by_key, compare_key);
    for (size_t i = 1; i < file->pairs; i++)
        if (strcmp(file->by_key[i - 1]->key, file->by_key[i]->key) == 0)
            return triad_fail(c->err, TRIAD_ERR_FORMAT, -1, "GGUF key %s: occurs twice", file->by_key[i]->key);
    return TRIAD_OK;
}

/* offset: where the data lies behind the start of the data section. */
static triad_status take_tensor(cursor *c, gguf *file, tensor_view *tensor, uint64_t *offset, size_t alignment)
{
    triad_status status = take_name(c, file, "GGUF tensor", MAX_NAME, &tensor->name);
    if (status != TRIAD_OK) return status;
    uint32_t rank, type;
    if ((status = take_u32(c, tensor->name, &rank)) != TRIAD_OK) return status;
    if (rank > MAX_DIMS) return fail(c, tensor->name, "more than 4 dimensions");
    tensor->rank = (int)rank;
    for (uint32_t i = 0; i < rank; i++) {
        uint64_t size;
        if ((status = take_u64(c, tensor->name, &size)) != TRIAD_OK) return status;
        tensor->shape[rank - 1 - i] = size; /* innermost first in the file */
    }
    if ((status = take_u32(c, tensor->name, &type)) != TRIAD_OK ||
        (status = take_u64(c, tensor->name, offset)) != TRIAD_OK)
        return status;
    if (type >= GGML_TYPE_COUNT) return fail(c, tensor->name, "a tensor of unknown type");
    tensor->dtype = GGML_TYPES[type].dtype;
    if (tensor->dtype == TENSOR_OTHER)
        return triad_fail(c->err, TRIAD_ERR_UNSUPPORTED, (int64_t)c->at,
                          "tensor %s: its type %s is not read (quantise the model to Q8_0 or another type)",
                          tensor->name, GGML_TYPES[type].name);
    if (!tensor_size(&tensor->bytes, tensor->dtype, tensor->rank, tensor->shape))
        return triad_fail(c->err, TRIAD_ERR_FORMAT, (int64_t)c->at,
                          "tensor %s: its shape overflows, or its rows are not whole blocks of %s", tensor->name,
                          GGML_TYPES[type].name);
    if (*offset % alignment != 0) return fail(c, tensor->name, "data that is not aligned");
    return TRIAD_OK;
}

static int compare_data(const void *a, const void *b)
{
    const tensor_view *x = *(const tensor_view *const *)a, *y = *(const tensor_view *const *)b;
    if (x->data != y->data) return (uintptr_t)x->data < (uintptr_t)y->data ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

static triad_status read_tensors(cursor *c, gguf *file, size_t alignment)
{
    file->tensor = TRIAD_NEW0(&file->arena, tensor_view, file->tensors ? file->tensors : 1);
    file->by_name = TRIAD_NEW(&file->arena, const tensor_view *, file->tensors ? file->tensors : 1);
    uint64_t *offset = TRIAD_NEW(&file->arena, uint64_t, file->tensors ? file->tensors : 1);
    if (file->tensor == NULL || file->by_name == NULL || offset == NULL) return out_of_memory(c);
    for (size_t i = 0; i < file->tensors; i++) {
        const triad_status status = take_tensor(c, file, &file->tensor[i], &offset[i], alignment);
        if (status != TRIAD_OK) return status;
    }
    if (file->tensors == 0) return TRIAD_OK; /* a vocabulary alone: nothing need follow */

    size_t start;
    if (!triad_add_size(&start, c->at, alignment - 1)) return fail(c, "GGUF", "too large");
    start = start / alignment * alignment;
    const size_t available = start <= c->size ? c->size - start : 0;
    for (size_t i = 0; i < file->tensors; i++) {
        tensor_view *tensor = &file->tensor[i];
        if (start > c->size || offset[i] > available || tensor->bytes > available - offset[i])
            return triad_fail(c->err, TRIAD_ERR_RANGE, -1,
                              "tensor %s: %zu bytes at %llu lie outside the %zu of data (is the file complete?)",
                              tensor->name, tensor->bytes, (unsigned long long)offset[i], available);
        tensor->data = c->bytes + start + offset[i];
        file->by_name[i] = tensor;
    }
    qsort(file->by_name, file->tensors, sizeof *file->by_name, compare_data);
    for (size_t i = 1; i < file->tensors; i++) {
        const tensor_view *before = file->by_name[i - 1], *after = file->by_name[i];
        if ((const unsigned char *)before->data + before->bytes > (const unsigned char *)after->data)
            return triad_fail(c->err, TRIAD_ERR_FORMAT, -1, "tensor %s: overlaps with %s", before->name, after->name);
    }
    tensor_sort_names(file->by_name, file->tensors);
    for (size_t i = 1; i < file->tensors; i++)
        if (strcmp(file->by_name[i - 1]->name, file->by_name[i]->name) == 0)
            return triad_fail(c->err, TRIAD_ERR_FORMAT, -1, "tensor %s: occurs twice", file->by_name[i]->name);
    return TRIAD_OK;
}

static const pair *find_pair(const gguf *file, const char *key)
{
    size_t low = 0, high = file->pairs;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(key, file->by_key[middle]->key);
        if (order == 0) return file->by_key[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static triad_status read_alignment(const gguf *file, size_t *alignment, triad_error *err)
{
    *alignment = DEFAULT_ALIGNMENT;
    const pair *p = find_pair(file, "general.alignment");
    if (p == NULL) return TRIAD_OK;
    if (p->array || p->kind != U32)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "general.alignment: is not an unsigned 32-bit integer");
    const uint32_t value = load_u32(p->data);
    if (value < 8 || value > MAX_ALIGNMENT || (value & (value - 1)) != 0)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "general.alignment: %u is not a power of two from 8 to 2^20",
                          value);
    *alignment = value;
    return TRIAD_OK;
}

enum { MAX_PARTS = 65535 };

/* split.no and split.count: of a model in several files. */
static triad_status read_split(gguf *file, triad_error *err)
{
    int64_t number = 0, count = 0;
    if (find_pair(file, "split.count") == NULL) return TRIAD_OK;
    if (!gguf_get_int(file, "split.count", &count) || count < 0 || count > MAX_PARTS)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "split.count: is not a number from 0 to %d", (int)MAX_PARTS);
    if (count > 1 && (!gguf_get_int(file, "split.no", &number) || number < 0 || number >= count))
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "split.no: is not a number below split.count, %lld",
                          (long long)count);
    file->split_number = (size_t)number;
    file->split_count = (size_t)count;
    return TRIAD_OK;
}

static triad_status read_all(cursor *c, gguf *file)
{
    const unsigned char *magic;
    uint32_t version;
    triad_status status = take(c, "GGUF", 4, &magic);
    if (status != TRIAD_OK) return status;
    if (memcmp(magic, "GGUF", 4) != 0)
        return triad_fail(c->err, TRIAD_ERR_FORMAT, 0, "GGUF: the file does not begin with GGUF");
    if ((status = take_u32(c, "GGUF", &version)) != TRIAD_OK) return status;
    if (version == 1)
        return triad_fail(c->err, TRIAD_ERR_UNSUPPORTED, 4, "GGUF: version 1 is not read (convert the model again)");
    if ((version & 0xffff) == 0)
        return triad_fail(c->err, TRIAD_ERR_UNSUPPORTED, 4,
                          "GGUF: the file is big-endian (convert it to little-endian)");
    if (version != 2 && version != 3)
        return triad_fail(c->err, TRIAD_ERR_UNSUPPORTED, 4, "GGUF: version %u is not read (2 and 3 are)", version);
    if ((status = take_count(c, "GGUF tensors", MIN_TENSOR, &file->tensors)) != TRIAD_OK) return status;
    if ((status = take_count(c, "GGUF keys", MIN_PAIR, &file->pairs)) != TRIAD_OK) return status;
    if ((status = read_pairs(c, file)) != TRIAD_OK) return status;
    if ((status = read_split(file, c->err)) != TRIAD_OK) return status;
    size_t alignment;
    if ((status = read_alignment(file, &alignment, c->err)) != TRIAD_OK) return status;
    return read_tensors(c, file, alignment);
}

triad_status gguf_parse_part(gguf **out, const void *bytes, size_t size, triad_error *err)
{
    *out = NULL;
    if (size == 0) return triad_fail(err, TRIAD_ERR_FORMAT, 0, "GGUF: the file is empty");
    gguf *file = calloc(1, sizeof *file);
    if (file == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "GGUF: out of memory");
    triad_arena_init(&file->arena, 65536);
    cursor c = {.bytes = bytes, .size = size, .err = err};
    const triad_status status = read_all(&c, file);
    if (status != TRIAD_OK) {
        gguf_close(file);
        return status;
    }
    *out = file;
    return TRIAD_OK;
}

triad_status gguf_parse(gguf **out, const void *bytes, size_t size, triad_error *err)
{
    triad_status status = gguf_parse_part(out, bytes, size, err);
    if (status == TRIAD_OK && (*out)->split_count > 1) {
        status = triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                            "GGUF: one of the %zu files of a split model (open its first file by name)",
                            (*out)->split_count);
        gguf_close(*out);
        *out = NULL;
    }
    return status;
}

size_t gguf_count(const gguf *file)
{
    return file->tensors;
}

const tensor_view *gguf_at(const gguf *file, size_t index)
{
    return index < file->tensors ? &file->tensor[index] : NULL;
}

const tensor_view *gguf_find(const gguf *file, const char *name)
{
    return tensor_find(file->by_name, file->tensors, name);
}

size_t gguf_keys(const gguf *file)
{
    return file->pairs;
}

const char *gguf_key_at(const gguf *file, size_t index)
{
    return index < file->pairs ? file->pair[index].key : NULL;
}

bool gguf_has(const gguf *file, const char *key)
{
    return find_pair(file, key) != NULL;
}

static bool element_int(const pair *p, size_t index, int64_t *value)
{
    if (p->kind >= KINDS || p->kind == F32 || p->kind == F64 || p->kind == STRING) return false;
    const unsigned char *at = p->data + index * KIND_BYTES[p->kind];
    switch (p->kind) {
    case U8:
    case BOOL:
        *value = *at;
        return true;
    case I8:
        *value = (int8_t)*at;
        return true;
    case U16:
        *value = load_u16(at);
        return true;
    case I16:
        *value = (int16_t)load_u16(at);
        return true;
    case U32:
        *value = load_u32(at);
        return true;
    case I32:
        *value = (int32_t)load_u32(at);
        return true;
    case I64:
        *value = (int64_t)load_u64(at);
        return true;
    default:
        break;
    }
    const uint64_t number = load_u64(at);
    if (number > INT64_MAX) return false;
    *value = (int64_t)number;
    return true;
}

static bool element_real(const pair *p, size_t index, double *value)
{
    int64_t integer;
    if (p->kind == F32) {
        *value = (double)float_of_bits(load_u32(p->data + 4 * index));
        return true;
    }
    if (p->kind == F64) {
        memcpy(value, p->data + 8 * index, sizeof *value);
        return true;
    }
    if (!element_int(p, index, &integer)) return false;
    *value = (double)integer;
    return true;
}

static bool element_string(const pair *p, size_t index, const char **bytes, size_t *size)
{
    if (p->strings == NULL) return false;
    *bytes = (const char *)p->strings[index] + 8;
    *size = load_u64(p->strings[index]);
    return true;
}

static const pair *single(const gguf *file, const char *key)
{
    const pair *p = find_pair(file, key);
    return p && !p->array ? p : NULL;
}

static const pair *element(const gguf *file, const char *key, size_t index)
{
    const pair *p = find_pair(file, key);
    return p && p->array && index < p->count ? p : NULL;
}

bool gguf_get_int(const gguf *file, const char *key, int64_t *value)
{
    const pair *p = single(file, key);
    return p && element_int(p, 0, value);
}

bool gguf_get_real(const gguf *file, const char *key, double *value)
{
    const pair *p = single(file, key);
    return p && element_real(p, 0, value);
}

bool gguf_get_bool(const gguf *file, const char *key, bool *value)
{
    const pair *p = single(file, key);
    if (p == NULL || p->kind != BOOL) return false;
    *value = *p->data != 0;
    return true;
}

bool gguf_get_string(const gguf *file, const char *key, const char **bytes, size_t *size)
{
    const pair *p = single(file, key);
    return p && element_string(p, 0, bytes, size);
}

bool gguf_array_count(const gguf *file, const char *key, size_t *count)
{
    const pair *p = find_pair(file, key);
    if (p == NULL || !p->array) return false;
    *count = p->count;
    return true;
}

bool gguf_array_int(const gguf *file, const char *key, size_t index, int64_t *value)
{
    const pair *p = element(file, key, index);
    return p && element_int(p, index, value);
}

bool gguf_array_real(const gguf *file, const char *key, size_t index, double *value)
{
    const pair *p = element(file, key, index);
    return p && element_real(p, index, value);
}

bool gguf_array_string(const gguf *file, const char *key, size_t index, const char **bytes, size_t *size)
{
    const pair *p = element(file, key, index);
    return p && element_string(p, index, bytes, size);
}
