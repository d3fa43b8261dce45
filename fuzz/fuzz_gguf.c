#include "fuzz.h"

#include "formats/gguf.h"

static void inside(const uint8_t *data, size_t size, const char *bytes, size_t length)
{
    must((const uint8_t *)bytes >= data && length <= size && (size_t)((const uint8_t *)bytes - data) <= size - length);
    unsigned sum = 0;
    for (size_t i = 0; i < length; i++) sum += (unsigned char)bytes[i];
    must(sum <= 255 * length);
}

static void use_key(const gguf *file, const char *key, const uint8_t *data, size_t size)
{
    int64_t integer;
    double real;
    bool boolean;
    const char *bytes;
    size_t length, count;
    must(gguf_has(file, key));
    const bool is_string = gguf_get_string(file, key, &bytes, &length);
    if (is_string) inside(data, size, bytes, length);
    if (gguf_get_int(file, key, &integer))
        must(!is_string && gguf_get_real(file, key, &real) && real == (double)integer);
    if (gguf_get_bool(file, key, &boolean)) must(gguf_get_int(file, key, &integer) && integer == boolean);
    if (!gguf_array_count(file, key, &count)) return;
    must(!is_string);
    for (size_t i = 0; i < count; i++) {
        const bool string = gguf_array_string(file, key, i, &bytes, &length);
        if (string) inside(data, size, bytes, length);
        if (gguf_array_int(file, key, i, &integer))
            must(!string && gguf_array_real(file, key, i, &real) && real == (double)integer);
        (void)gguf_array_real(file, key, i, &real);
    }
    must(!gguf_array_string(file, key, count, &bytes, &length) && !gguf_array_int(file, key, count, &integer) &&
         !gguf_array_real(file, key, count, &real));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    triad_error err;
    gguf *file;
    const triad_status status = gguf_parse(&file, data, size, &err);
    if (status != TRIAD_OK) {
        must_explain(status, &err);
        must(file == NULL);
        return 0;
    }
    for (size_t i = 0; i < gguf_keys(file); i++) use_key(file, gguf_key_at(file, i), data, size);
    for (size_t i = 0; i < gguf_count(file); i++) {
        const tensor_view *tensor = gguf_at(file, i);
        must(gguf_find(file, tensor->name) == tensor);
        use_tensor(tensor);
    }
    gguf_close(file);
    return 0;
}
