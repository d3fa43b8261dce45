#include "formats/npy.h"

#include "base/checked.h"
#include "base/file.h"
#include "formats/half.h"

#include <stdio.h>
#include <stdlib.h>

enum { HEADER_MAX = 65536 }; /* bytes of the header's dictionary; NumPy itself refuses more than 10,000 */

struct npy {
    triad_mapping mapping;
    tensor_view tensor;
};

typedef struct stored_type {
    const char *descr;
    tensor_dtype dtype;
} stored_type;

static const stored_type STORED[] = {
    {"<f8", TENSOR_F64}, {"<f4", TENSOR_F32}, {"<f2", TENSOR_F16}, {"<i8", TENSOR_I64},
    {"<i4", TENSOR_I32}, {"<i2", TENSOR_I16}, {"|i1", TENSOR_I8},  {"<u8", TENSOR_U64},
    {"<u4", TENSOR_U32}, {"<u2", TENSOR_U16}, {"|u1", TENSOR_U8},  {"|b1", TENSOR_BOOL},
};
enum { STORED_COUNT = sizeof STORED / sizeof STORED[0] };

/* The header: a Python dictionary with the keys descr, fortran_order and shape, in any order. */
typedef struct cursor {
    const char *text;
    size_t size, at;
} cursor;

static void skip_blanks(cursor *c)
{
    while (c->at < c->size && (c->text[c->at] == ' ' || c->text[c->at] == '\n' || c->text[c->at] == '\t')) c->at++;
}

static bool accept(cursor *c, const char *word)
{
    skip_blanks(c);
    const size_t length = strlen(word);
    if (c->size - c->at < length || memcmp(c->text + c->at, word, length) != 0) return false;
    c->at += length;
    return true;
}

/* 'word' or "word", cut to fit. */
static bool take_string(cursor *c, char word[32])
{
    skip_blanks(c);
    if (c->at == c->size || (c->text[c->at] != '\'' && c->text[c->at] != '"')) return false;
    const char quote = c->text[c->at++];
    size_t used = 0;
    for (; c->at < c->size && c->text[c->at] != quote; c->at++)
        if (used < 31) word[used++] = c->text[c->at];
    word[used] = 0;
    return c->at++ < c->size;
}

static bool take_size(cursor *c, size_t *value)
{
    skip_blanks(c);
    const size_t first = c->at;
    size_t number = 0;
    for (; c->at < c->size && c->text[c->at] >= '0' && c->text[c->at] <= '9'; c->at++)
        if (!triad_mul_size(&number, number, 10) || !triad_add_size(&number, number, (size_t)(c->text[c->at] - '0')))
            return false;
    *value = number;
    return c->at > first;
}

static triad_status take_shape(cursor *c, tensor_view *tensor, triad_error *err)
{
    static const char BAD[] = "npy: the shape is not a tuple of sizes";
    tensor->rank = 0;
    if (!accept(c, "(")) return triad_fail(err, TRIAD_ERR_FORMAT, -1, "%s", BAD);
    bool comma = true;
    while (!accept(c, ")")) {
        if (!comma) return triad_fail(err, TRIAD_ERR_FORMAT, -1, "%s", BAD);
        if (tensor->rank == TENSOR_MAX_RANK)
            return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "npy: more than 8 dimensions");
        if (!take_size(c, &tensor->shape[tensor->rank])) return triad_fail(err, TRIAD_ERR_FORMAT, -1, "%s", BAD);
        tensor->rank++;
        comma = accept(c, ",");
    }
    /* (3) is a number in Python, (3,) a tuple. */
    if (tensor->rank == 1 && !comma) return triad_fail(err, TRIAD_ERR_FORMAT, -1, "%s", BAD);
    return TRIAD_OK;
}

static triad_status take_type(cursor *c, tensor_view *tensor, triad_error *err)
{
    char descr[32];
    if (!take_string(c, descr))
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "npy: records are not read (save plain numbers)");
    for (size_t i = 0; i < STORED_COUNT; i++)
        if (strcmp(descr, STORED[i].descr) == 0) {
            tensor->dtype = STORED[i].dtype;
            return TRIAD_OK;
        }
    if (descr[0] == '>')
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "npy: %s is big-endian (save it by .astype('<f4'))", descr);
    return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "npy: type %s is not read (float, integer and bool are)", descr);
}

static triad_status read_header(cursor *c, tensor_view *tensor, triad_error *err)
{
    enum { DESCR = 1, ORDER = 2, SHAPE = 4 };
    int seen = 0;
    bool fortran = false;
    if (!accept(c, "{")) return triad_fail(err, TRIAD_ERR_FORMAT, -1, "npy: the header is not a dictionary");
    bool comma = true;
    while (!accept(c, "}")) {
        char key[32];
        if (!comma || !take_string(c, key) || !accept(c, ":"))
            return triad_fail(err, TRIAD_ERR_FORMAT, -1, "npy: the header is not a dictionary");
        triad_status status = TRIAD_OK;
        const int this = strcmp(key, "descr") == 0           ? DESCR
                         : strcmp(key, "fortran_order") == 0 ? ORDER
                         : strcmp(key, "shape") == 0         ? SHAPE
                                                             : 0;
        if (this == 0 || (seen & this))
            return triad_fail(err, TRIAD_ERR_FORMAT, -1, "npy: the header's key %s is unknown or occurs twice", key);
        seen |= this;
        if (this == DESCR)
            status = take_type(c, tensor, err);
        else if (this == SHAPE)
            status = take_shape(c, tensor, err);
        else if (accept(c, "True"))
            fortran = true;
        else if (!accept(c, "False"))
            return triad_fail(err, TRIAD_ERR_FORMAT, -1, "npy: fortran_order is neither True nor False");
        if (status != TRIAD_OK) return status;
        comma = accept(c, ",");
    }
    skip_blanks(c);
    if (c->at != c->size)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "npy: something follows the header's dictionary");
    if (seen != (DESCR | ORDER | SHAPE))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "npy: the header lacks descr, fortran_order or shape");
    if (fortran && tensor->rank > 1)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                          "npy: the array is in Fortran order (save it by numpy.ascontiguousarray)");
    return TRIAD_OK;
}

static triad_status parse(tensor_view *tensor, const unsigned char *bytes, size_t size, triad_error *err)
{
    if (size < 10 || memcmp(bytes, "\x93NUMPY", 6) != 0)
        return triad_fail(err, TRIAD_ERR_FORMAT, 0, "npy: the file does not begin as an .npy does");
    const int major = bytes[6], minor = bytes[7];
    if (major < 1 || major > 3 || minor != 0)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, 6, "npy: version %d.%d is not read (1.0 to 3.0 are)", major,
                          minor);
    const size_t start = major == 1 ? 10 : 12;
    if (size < start) return triad_fail(err, TRIAD_ERR_FORMAT, 8, "npy: the file ends in its header");
    const size_t length = major == 1 ? load_u16(bytes + 8) : load_u32(bytes + 8);
    if (length > HEADER_MAX)
        return triad_fail(err, TRIAD_ERR_RANGE, 8, "npy: a header of %zu bytes (at most 65,536)", length);
    if (length > size - start) return triad_fail(err, TRIAD_ERR_FORMAT, 8, "npy: the file ends in its header");
    cursor c = {.text = (const char *)bytes + start, .size = length};
    const triad_status status = read_header(&c, tensor, err);
    if (status != TRIAD_OK) return status;
    if (!tensor_size(&tensor->bytes, tensor->dtype, tensor->rank, tensor->shape))
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "npy: the shape overflows");
    const size_t available = size - start - length;
    if (tensor->bytes != available)
        return triad_fail(err, TRIAD_ERR_FORMAT, (int64_t)(start + length),
                          "npy: the shape needs %zu bytes, the file holds %zu", tensor->bytes, available);
    tensor->name = "";
    tensor->data = bytes + start + length;
    return TRIAD_OK;
}

triad_status npy_parse(npy **out, const void *bytes, size_t size, triad_error *err)
{
    *out = NULL;
    tensor_view tensor = {0};
    const triad_status status = parse(&tensor, bytes, size, err);
    if (status != TRIAD_OK) return status;
    npy *file = calloc(1, sizeof *file);
    if (file == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "npy: out of memory");
    file->tensor = tensor;
    *out = file;
    return TRIAD_OK;
}

triad_status npy_open(npy **out, const char *path, triad_error *err)
{
    *out = NULL;
    triad_mapping mapping;
    triad_status status = triad_map_file(&mapping, path, err);
    if (status != TRIAD_OK) return status;
    status = npy_parse(out, mapping.data, mapping.size, err);
    if (status != TRIAD_OK) {
        triad_unmap(&mapping);
        return triad_fail_in(err, path);
    }
    (*out)->mapping = mapping;
    return TRIAD_OK;
}

void npy_close(npy *file)
{
    if (file == NULL) return;
    triad_unmap(&file->mapping);
    free(file);
}

const tensor_view *npy_tensor(const npy *file)
{
    return &file->tensor;
}

triad_status npy_write(const char *path, const tensor_view *tensor, triad_error *err)
{
    const char *descr = NULL;
    for (size_t i = 0; i < STORED_COUNT; i++)
        if (STORED[i].dtype == tensor->dtype) descr = STORED[i].descr;
    if (descr == NULL)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "%s: %s has no place in .npy", path,
                          tensor_dtype_name(tensor->dtype));
    size_t bytes;
    if (!tensor_size(&bytes, tensor->dtype, tensor->rank, tensor->shape))
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "%s: the shape overflows", path);

    /* As NumPy writes it: version 1.0, spaces and a newline up to a multiple of 64 bytes. */
    char header[512];
    size_t used = (size_t)snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
    for (int i = 0; i < tensor->rank; i++)
        used += (size_t)snprintf(header + used, sizeof header - used,
                                 i                   ? ", %zu"
                                 : tensor->rank == 1 ? "%zu,"
                                                     : "%zu",
                                 tensor->shape[i]);
    used += (size_t)snprintf(header + used, sizeof header - used, "), }");
    while ((10 + used + 1) % 64 != 0) header[used++] = ' ';
    header[used++] = '\n';
    const unsigned char prefix[10] = {
        0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)(used & 255), (unsigned char)(used >> 8)};

    triad_atomic_file file;
    const triad_status status = triad_atomic_open(&file, path, err);
    if (status != TRIAD_OK) return status;
    fwrite(prefix, 1, sizeof prefix, file.stream);
    fwrite(header, 1, used, file.stream);
    if (bytes) fwrite(tensor->data, 1, bytes, file.stream);
    return triad_atomic_commit(&file, err);
}
