#include "fuzz.h"

#include "formats/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    triad_error err;
    npy *file;
    const triad_status status = npy_parse(&file, data, size, &err);
    if (status != TRIAD_OK) {
        must_explain(status, &err);
        must(file == NULL);
        return 0;
    }
    const tensor_view *tensor = npy_tensor(file);
    must((const uint8_t *)tensor->data + tensor->bytes == data + size);
    use_tensor(tensor);
    npy_close(file);
    return 0;
}
