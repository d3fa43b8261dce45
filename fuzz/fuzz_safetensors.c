#include "fuzz.h"

#include "formats/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    triad_error err;
    safetensors *file;
    const triad_status status = safetensors_parse(&file, data, size, &err);
    if (status != TRIAD_OK) {
        must_explain(status, &err);
        must(file == NULL);
        return 0;
    }
    /* Tensors tile the data from its first byte to the last of the file. */
    const uint8_t *at = data + size;
    for (size_t i = safetensors_count(file); i-- > 0;) {
        const tensor_view *tensor = safetensors_at(file, i);
        use_tensor(tensor);
        at -= tensor->bytes;
        must(tensor->data == at);
        must(safetensors_find(file, tensor->name) == tensor);
        const tensor_view *wanted;
        must(safetensors_want(&wanted, file, tensor->name, tensor->dtype, tensor->rank, tensor->shape, &err) ==
             TRIAD_OK);
        must(safetensors_want(&wanted, file, tensor->name, TENSOR_Q8_0, tensor->rank, tensor->shape, &err) != TRIAD_OK);
    }
    must(at >= data + 8);
    for (size_t i = 0; i < safetensors_pairs(file); i++) {
        const safetensors_pair *pair = safetensors_pair_at(file, i);
        must(safetensors_metadata(file, pair->key) == pair->value);
    }
    safetensors_close(file);
    return 0;
}
