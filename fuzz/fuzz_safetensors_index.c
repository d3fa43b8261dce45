#include "fuzz.h"

#include "base/file.h"
#include "formats/safetensors_index.h"

#include <stdio.h>
#include <unistd.h>

static char root[64];
static const char *const CHECKPOINTS[] = {"llama", "qwen2", "bert"};

static void remove_folder(void)
{
    char name[128];
    for (size_t i = 0; i < sizeof CHECKPOINTS / sizeof *CHECKPOINTS; i++) {
        snprintf(name, sizeof name, "%s/%s.safetensors", root, CHECKPOINTS[i]);
        (void)unlink(name);
    }
    snprintf(name, sizeof name, "%s/model.safetensors.index.json", root);
    (void)unlink(name);
    (void)rmdir(root);
}

/* A folder with the smallest checkpoints in it, where an index that parses is opened; made once. */
static const char *folder(void)
{
    if (root[0] != 0) return root;
    snprintf(root, sizeof root, "/dev/shm/triad-fuzz-XXXXXX");
    must(mkdtemp(root) != NULL);
    must(atexit(remove_folder) == 0);
    for (size_t i = 0; i < sizeof CHECKPOINTS / sizeof *CHECKPOINTS; i++) {
        char from[4096], to[128];
        snprintf(from, sizeof from, "%s/%s.safetensors", FUZZ_TINY, CHECKPOINTS[i]);
        snprintf(to, sizeof to, "%s/%s.safetensors", root, CHECKPOINTS[i]);
        must(symlink(from, to) == 0);
        /* One file stands for itself. */
        triad_error err;
        safetensors_index *single;
        must(safetensors_index_open(&single, to, &err) == TRIAD_OK);
        must(safetensors_index_files(single) == 1 && safetensors_index_count(single) > 0);
        safetensors_index_close(single);
    }
    return root;
}

static void open_all(const uint8_t *data, size_t size)
{
    triad_error err;
    char name[128];
    snprintf(name, sizeof name, "%s/model.safetensors.index.json", folder());
    FILE *file = fopen(name, "w");
    must(file != NULL && fwrite(data, 1, size, file) == size && fclose(file) == 0);
    safetensors_index *index;
    const triad_status status = safetensors_index_open(&index, name, &err);
    if (status != TRIAD_OK) {
        must_explain(status, &err);
        must(index == NULL);
        return;
    }
    for (size_t i = 0; i < safetensors_index_count(index); i++) {
        const tensor_view *tensor = safetensors_index_find(index, safetensors_index_name(index, i));
        must(tensor != NULL && strcmp(tensor->name, safetensors_index_name(index, i)) == 0);
        use_tensor(tensor);
    }
    for (size_t i = 0; i < safetensors_index_files(index); i++) must(safetensors_index_file(index, i) != NULL);
    must(safetensors_index_find(index, "absent") == NULL);
    safetensors_index_close(index);
}

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
    /* Files that are not there end it early; most inputs name such. */
    open_all(data, size);
    return 0;
}
