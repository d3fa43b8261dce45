#include "formats/safetensors.h"

#include "base/arena.h"
#include "base/checked.h"
#include "base/file.h"
#include "formats/half.h"
#include "formats/json.h"
#include "formats/utf8.h"

#include <stdlib.h>

enum { HEADER_MAX = 100000000 };

struct safetensors {
    triad_mapping mapping; /* empty when the bytes are the caller's */
    triad_arena arena;
    size_t count;
    tensor_view *tensor;         /* [count] by offset */
    const tensor_view **by_name; /* [count] sorted */
    size_t pairs;
    safetensors_pair *metadata;
};

/* Every type of the format; those that we read have a name of ours. */
typedef struct stored_type {
    const char *name;
    tensor_dtype dtype;
    size_t bits;
} stored_type;

static const stored_type STORED[] = {
    {"F64", TENSOR_F64, 64},          {"F32", TENSOR_F32, 32},
    {"F16", TENSOR_F16, 16},          {"BF16", TENSOR_BF16, 16},
    {"F8_E4M3", TENSOR_F8_E4M3, 8},   {"F8_E5M2", TENSOR_F8_E5M2, 8},
    {"I64", TENSOR_I64, 64},          {"I32", TENSOR_I32, 32},
    {"I16", TENSOR_I16, 16},          {"I8", TENSOR_I8, 8},
    {"U64", TENSOR_U64, 64},          {"U32", TENSOR_U32, 32},
    {"U16", TENSOR_U16, 16},          {"U8", TENSOR_U8, 8},
    {"BOOL", TENSOR_BOOL, 8},         {"C64", TENSOR_OTHER, 64},
    {"F8_E8M0", TENSOR_OTHER, 8},     {"F8_E4M3FNUZ", TENSOR_OTHER, 8},
    {"F8_E5M2FNUZ", TENSOR_OTHER, 8}, {"F6_E2M3", TENSOR_OTHER, 6},
    {"F6_E3M2", TENSOR_OTHER, 6},     {"F4", TENSOR_OTHER, 4},
};
enum { STORED_COUNT = sizeof STORED / sizeof STORED[0] };

static const stored_type *stored_of_name(const char *name)
{
    for (size_t i = 0; i < STORED_COUNT; i++)
        if (strcmp(name, STORED[i].name) == 0) return &STORED[i];
    return NULL;
}

static bool has_zero(json_object *string)
{
    return strlen(json_object_get_string(string)) != (size_t)json_object_get_string_len(string);
}

/* An integer in [0, 2^64 - 1): json-c saturates, so its largest number may have been any beyond. */
static bool read_size(json_object *value, size_t *size)
{
    if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0) return false;
    *size = json_object_get_uint64(value);
    return *size != UINT64_MAX;
}

static triad_status read_metadata(safetensors *file, json_object *object, triad_error *err)
{
    if (!json_object_is_type(object, json_type_object))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "__metadata__: is not an object");
    file->metadata = TRIAD_NEW(&file->arena, safetensors_pair, (size_t)json_object_object_length(object));
    if (file->metadata == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "__metadata__: out of memory");
    json_object_object_foreach(object, key, value)
    {
        if (!json_object_is_type(value, json_type_string))
            return triad_fail(err, TRIAD_ERR_FORMAT, -1, "__metadata__: %s is not a string", key);
        if (has_zero(value)) return triad_fail(err, TRIAD_ERR_FORMAT, -1, "__metadata__: %s holds a 0 byte", key);
        safetensors_pair *pair = &file->metadata[file->pairs++];
        pair->key = triad_arena_strdup(&file->arena, key);
        pair->value = triad_arena_strdup(&file->arena, json_object_get_string(value));
        if (pair->key == NULL || pair->value == NULL)
            return triad_fail(err, TRIAD_ERR_MEMORY, -1, "__metadata__: out of memory");
    }
    return TRIAD_OK;
}

static triad_status read_tensor(safetensors *file, const char *name, json_object *entry, const unsigned char *data,
                                size_t data_size, triad_error *err)
{
    tensor_view *tensor = &file->tensor[file->count];
    json_object *dtype, *shape, *offsets;
    if (!json_object_is_type(entry, json_type_object) || json_object_object_length(entry) != 3 ||
        (dtype = json_find(entry, "dtype", json_type_string)) == NULL ||
        (shape = json_find(entry, "shape", json_type_array)) == NULL ||
        (offsets = json_find(entry, "data_offsets", json_type_array)) == NULL)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "tensor %s: its entry is not dtype, shape and data_offsets", name);

    const stored_type *type = stored_of_name(json_object_get_string(dtype));
    if (type == NULL || has_zero(dtype))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "tensor %s: dtype %s is unknown", name,
                          json_object_get_string(dtype));
    const size_t rank = json_object_array_length(shape);
    if (rank > TENSOR_MAX_RANK)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "tensor %s: %zu dimensions are too many (at most 8)", name,
                          rank);
    size_t bits = type->bits;
    bool empty = false, fits = true;
    for (size_t i = 0; i < rank; i++) {
        if (!read_size(json_object_array_get_idx(shape, i), &tensor->shape[i]))
            return triad_fail(err, TRIAD_ERR_FORMAT, -1,
                              "tensor %s: dimension %zu is not an integer from 0 to 2^64 - 2", name, i);
        if (tensor->shape[i] == 0)
            empty = true;
        else
            fits = fits && triad_mul_size(&bits, bits, tensor->shape[i]);
    }
    if (!fits) return triad_fail(err, TRIAD_ERR_RANGE, -1, "tensor %s: its shape overflows", name);
    if (empty) bits = 0;
    if (bits % 8 != 0) return triad_fail(err, TRIAD_ERR_FORMAT, -1, "tensor %s: its bits are not whole bytes", name);

    size_t begin, end;
    if (json_object_array_length(offsets) != 2 || !read_size(json_object_array_get_idx(offsets, 0), &begin) ||
        !read_size(json_object_array_get_idx(offsets, 1), &end))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "tensor %s: data_offsets are not two integers", name);
    if (begin > end || end > data_size)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "tensor %s: bytes %zu to %zu lie outside the %zu of data", name,
                          begin, end, data_size);
    if (end - begin != bits / 8)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "tensor %s: its shape needs %zu bytes, its offsets hold %zu", name,
                          bits / 8, end - begin);

    tensor->name = triad_arena_strdup(&file->arena, name);
    if (tensor->name == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "tensor %s: out of memory", name);
    tensor->dtype = type->dtype;
    tensor->rank = (int)rank;
    tensor->data = data + begin;
    tensor->bytes = end - begin;
    file->count++;
    return TRIAD_OK;
}

static int compare_offset(const void *a, const void *b)
{
    const tensor_view *x = a, *y = b;
    if (x->data != y->data) return (uintptr_t)x->data < (uintptr_t)y->data ? -1 : 1;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? -1 : 1; /* empty ones before what starts at the same place */
    return strcmp(x->name, y->name);
}

static triad_status read_header(safetensors *file, json_object *header, const unsigned char *data, size_t data_size,
                                triad_error *err)
{
    if (!json_object_is_type(header, json_type_object))
        return triad_fail(err, TRIAD_ERR_FORMAT, 8, "safetensors: the header is not an object");
    const size_t entries = (size_t)json_object_object_length(header);
    file->tensor = TRIAD_NEW0(&file->arena, tensor_view, entries ? entries : 1);
    file->by_name = TRIAD_NEW(&file->arena, const tensor_view *, entries ? entries : 1);
    if (file->tensor == NULL || file->by_name == NULL)
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "safetensors: out of memory");
    json_object_object_foreach(header, key, value)
    {
        const triad_status status = strcmp(key, "__metadata__") == 0
                                        ? read_metadata(file, value, err)
                                        : read_tensor(file, key, value, data, data_size, err);
        if (status != TRIAD_OK) return status;
    }

    qsort(file->tensor, file->count, sizeof *file->tensor, compare_offset);
    const unsigned char *at = data;
    for (size_t i = 0; i < file->count; i++) {
        const tensor_view *tensor = &file->tensor[i];
        if (tensor->data != at)
            return triad_fail(err, TRIAD_ERR_FORMAT, -1,
                              "tensor %s: begins at byte %zu of data, where %zu was due (a hole or an overlap)",
                              tensor->name, (size_t)((const unsigned char *)tensor->data - data), (size_t)(at - data));
        at += tensor->bytes;
        file->by_name[i] = tensor;
    }
    if (at != data + data_size)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "safetensors: %zu bytes of data belong to no tensor",
                          data_size - (size_t)(at - data));
    tensor_sort_names(file->by_name, file->count);
    return TRIAD_OK;
}

triad_status safetensors_parse(safetensors **out, const void *bytes, size_t size, triad_error *err)
{
    *out = NULL;
    if (size < 8) return triad_fail(err, TRIAD_ERR_FORMAT, 0, "safetensors: %zu bytes are too few for a header", size);
    const uint64_t length = load_u64(bytes);
    if (length > HEADER_MAX || length > size - 8)
        return triad_fail(
            err, TRIAD_ERR_FORMAT, 0,
            "safetensors: a header of %llu bytes in a file of %zu (at most 10^8, and no more than the file)",
            (unsigned long long)length, size);
    const char *text = (const char *)bytes + 8;
    if (length == 0 || text[0] != '{')
        return triad_fail(err, TRIAD_ERR_FORMAT, 8, "safetensors: the header does not begin with {");

    json_object *header;
    triad_status status = json_read(&header, text, length, err);
    if (status != TRIAD_OK) return status == TRIAD_ERR_FORMAT ? triad_fail_in(err, "safetensors header") : status;
    safetensors *file = calloc(1, sizeof *file);
    if (file == NULL) {
        json_object_put(header);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "safetensors: out of memory");
    }
    triad_arena_init(&file->arena, 16384);
    status = read_header(file, header, (const unsigned char *)bytes + 8 + length, size - 8 - length, err);
    json_object_put(header);
    if (status != TRIAD_OK) {
        safetensors_close(file);
        return status;
    }
    *out = file;
    return TRIAD_OK;
}

triad_status safetensors_open(safetensors **out, const char *path, triad_error *err)
{
    *out = NULL;
    triad_mapping mapping;
    triad_status status = triad_map_file(&mapping, path, err);
    if (status != TRIAD_OK) return status;
    status = safetensors_parse(out, mapping.data, mapping.size, err);
    if (status != TRIAD_OK) {
        triad_unmap(&mapping);
        return triad_fail_in(err, path);
    }
    (*out)->mapping = mapping;
    return TRIAD_OK;
}

void safetensors_close(safetensors *file)
{
    if (file == NULL) return;
    triad_unmap(&file->mapping);
    triad_arena_free(&file->arena);
    free(file);
}

size_t safetensors_count(const safetensors *file)
{
    return file->count;
}

const tensor_view *safetensors_at(const safetensors *file, size_t index)
{
    return index < file->count ? &file->tensor[index] : NULL;
}

const tensor_view *safetensors_find(const safetensors *file, const char *name)
{
    return tensor_find(file->by_name, file->count, name);
}

const char *safetensors_metadata(const safetensors *file, const char *key)
{
    for (size_t i = 0; i < file->pairs; i++)
        if (strcmp(file->metadata[i].key, key) == 0) return file->metadata[i].value;
    return NULL;
}

size_t safetensors_pairs(const safetensors *file)
{
    return file->pairs;
}

const safetensors_pair *safetensors_pair_at(const safetensors *file, size_t index)
{
    return index < file->pairs ? &file->metadata[index] : NULL;
}

/* "[3, 4]" with * for SIZE_MAX. */
static void print_shape(char text[200], int rank, const size_t *shape)
{
    size_t used = 0;
    text[used++] = '[';
    for (int i = 0; i < rank && used < 170; i++) {
        if (i) used += (size_t)snprintf(text + used, 200 - used, ", ");
        used += (size_t)(shape[i] == SIZE_MAX ? snprintf(text + used, 200 - used, "*")
                                              : snprintf(text + used, 200 - used, "%zu", shape[i]));
    }
    snprintf(text + used, 200 - used, "]");
}

triad_status safetensors_want(const tensor_view **out, const safetensors *file, const char *name, tensor_dtype dtype,
                              int rank, const size_t *shape, triad_error *err)
{
    *out = NULL;
    const tensor_view *tensor = safetensors_find(file, name);
    if (tensor == NULL) return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "tensor %s: missing", name);
    bool same = tensor->dtype == dtype && tensor->rank == rank;
    for (int i = 0; same && i < rank; i++) same = shape[i] == SIZE_MAX || shape[i] == tensor->shape[i];
    if (!same) {
        char is[200], wanted[200];
        print_shape(is, tensor->rank, tensor->shape);
        print_shape(wanted, rank, shape);
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "tensor %s: is %s %s, not %s %s", name,
                          tensor_dtype_name(tensor->dtype), is, tensor_dtype_name(dtype), wanted);
    }
    *out = tensor;
    return TRIAD_OK;
}

/* The header's object; entries take the tensors in order, without holes. *total is the size of the data. */
static triad_status build_header(json_object *header, const tensor_view *tensors, size_t count,
                                 const safetensors_pair *metadata, size_t pairs, size_t *total, triad_error *err)
{
    if (pairs) {
        json_object *object = json_object_new_object();
        if (object == NULL || json_object_object_add(header, "__metadata__", object) != 0) goto memory;
        for (size_t i = 0; i < pairs; i++) {
            if (!utf8_valid(metadata[i].key, strlen(metadata[i].key), NULL) ||
                !utf8_valid(metadata[i].value, strlen(metadata[i].value), NULL))
                return triad_fail(err, TRIAD_ERR_FORMAT, -1, "metadata %s: not UTF-8", metadata[i].key);
            if (json_object_object_get_ex(object, metadata[i].key, NULL))
                return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "metadata %s: given twice", metadata[i].key);
            json_object *value = json_object_new_string(metadata[i].value);
            if (value == NULL || json_object_object_add(object, metadata[i].key, value) != 0) goto memory;
        }
    }
    *total = 0;
    for (size_t i = 0; i < count; i++) {
        const tensor_view *tensor = &tensors[i];
        size_t bytes, end;
        const stored_type *type =
            tensor->dtype == TENSOR_OTHER ? NULL : stored_of_name(tensor_dtype_name(tensor->dtype));
        if (type == NULL)
            return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "tensor %s: %s has no place in safetensors", tensor->name,
                              tensor_dtype_name(tensor->dtype));
        if (!tensor_size(&bytes, tensor->dtype, tensor->rank, tensor->shape) || !triad_add_size(&end, *total, bytes) ||
            end > INT64_MAX)
            return triad_fail(err, TRIAD_ERR_RANGE, -1, "tensor %s: its shape overflows", tensor->name);
        if (!utf8_valid(tensor->name, strlen(tensor->name), NULL))
            return triad_fail(err, TRIAD_ERR_FORMAT, -1, "tensor %s: its name is not UTF-8", tensor->name);
        if (strcmp(tensor->name, "__metadata__") == 0 || json_object_object_get_ex(header, tensor->name, NULL))
            return triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "tensor %s: the name is taken", tensor->name);
        json_object *entry = json_object_new_object(), *shape = json_object_new_array(),
                    *offsets = json_object_new_array();
        bool good = entry && shape && offsets && json_object_object_add(header, tensor->name, entry) == 0 &&
                    json_object_object_add(entry, "dtype", json_object_new_string(type->name)) == 0 &&
                    json_object_object_add(entry, "shape", shape) == 0 &&
                    json_object_object_add(entry, "data_offsets", offsets) == 0;
        for (int d = 0; good && d < tensor->rank; d++)
            good = json_object_array_add(shape, json_object_new_uint64(tensor->shape[d])) == 0;
        good = good && json_object_array_add(offsets, json_object_new_uint64(*total)) == 0 &&
               json_object_array_add(offsets, json_object_new_uint64(end)) == 0;
        if (!good) goto memory;
        *total = end;
    }
    return TRIAD_OK;
memory:
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "safetensors: out of memory");
}

triad_status safetensors_write(const char *path, const tensor_view *tensors, size_t count,
                               const safetensors_pair *metadata, size_t pairs, triad_error *err)
{
    return safetensors_write_from(path, tensors, count, metadata, pairs, NULL, NULL, err);
}

triad_status safetensors_write_from(const char *path, const tensor_view *tensors, size_t count,
                                    const safetensors_pair *metadata, size_t pairs, safetensors_source source,
                                    void *context, triad_error *err)
{
    size_t total;
    char *text = NULL;
    json_object *header = json_object_new_object();
    if (header == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", path);
    triad_status status = build_header(header, tensors, count, metadata, pairs, &total, err);
    if (status != TRIAD_OK) {
        json_object_put(header);
        return triad_fail_in(err, path);
    }
    text = json_to_text(header, false);
    json_object_put(header);
    if (text == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "%s: out of memory", path);
    const size_t length = strlen(text), padded = (length + 7) / 8 * 8;
    if (padded > HEADER_MAX) {
        free(text);
        return triad_fail(err, TRIAD_ERR_RANGE, -1,
                          "%s: a header of %zu bytes is too long for the format (at most 10^8)", path, padded);
    }
    triad_atomic_file file;
    status = triad_atomic_open(&file, path, err);
    if (status != TRIAD_OK) {
        free(text);
        return status;
    }
    const uint64_t stored = padded;
    fwrite(&stored, sizeof stored, 1, file.stream);
    fwrite(text, 1, length, file.stream);
    fwrite("       ", 1, padded - length, file.stream);
    free(text);
    for (size_t i = 0; i < count; i++) {
        size_t bytes = 0;
        if (!tensor_size(&bytes, tensors[i].dtype, tensors[i].rank, tensors[i].shape) || bytes == 0) continue;
        if (tensors[i].data || source == NULL) {
            fwrite(tensors[i].data, 1, bytes, file.stream);
            continue;
        }
        const off_t begin = ftello(file.stream);
        status = source(context, i, file.stream, err);
        if (status == TRIAD_OK && ftello(file.stream) - begin != (off_t)bytes && !ferror(file.stream))
            status = triad_fail(err, TRIAD_ERR_ARGUMENT, -1, "%s: tensor %s was not given its %zu bytes", path,
                                tensors[i].name, bytes);
        if (status != TRIAD_OK) {
            triad_atomic_abandon(&file);
            return status;
        }
    }
    return triad_atomic_commit(&file, err);
}
