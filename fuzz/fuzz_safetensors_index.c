#include "fuzz.h"

#include "formats/safetensors_index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    triad_error err;
    safetensors_index *index;
    const triad_status status = safetensors_index_parse(&index, (const char *)data, size, &err);
    if (status != TRIAD_OK) {
        must_explain(status, &err);
        must(index == NULL);
        return 0;
    }
    const size_t files = safetensors_index_files(index), count = safetensors_index_count(index);
    must(files >= 1 && files <= count);
    for (size_t i = 0; i < files; i++) {
        const char *name = safetensors_index_file_name(index, i);
        must(strchr(name, '/') == NULL && name[0] != '.' && strlen(name) <= 255);
        must(i == 0 || strcmp(safetensors_index_file_name(index, i - 1), name) < 0);
        must(safetensors_index_file(index, i) == NULL);
    }
    for (size_t i = 0; i < count; i++) {
        const char *name = safetensors_index_name(index, i);
        must(i == 0 || strcmp(safetensors_index_name(index, i - 1), name) < 0);
        must(safetensors_index_find(index, name) == NULL);
    }
    safetensors_index_close(index);
    return 0;
}
