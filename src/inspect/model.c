/* Models: what the file says of itself, and whether Triad runs it. */
#include "inspect/inspect_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/progress.h"
#include "formats/gguf.h"
#include "formats/safetensors_index.h"
#include "tokenizers/tokenizer.h"
#include "triad/model.h"

static void describe_model(const inspection *job, const char *path)
{
    triad_error why;
    triad_model *model = NULL;
    const triad_status status = triad_model_open(&model, path, &why);
    json_object_object_add(job->out, "runs", json_object_new_boolean(status == TRIAD_OK));
    if (status != TRIAD_OK) {
        inspect_text(job->out, "reason", why.text);
        return;
    }
    const triad_model_info *info = triad_model_describe(model);
    inspect_text(job->out, "family", info->family);
    inspect_count(job->out, "layers", info->layers);
    inspect_count(job->out, "width", info->width);
    inspect_count(job->out, "vocabulary", info->vocabulary);
    inspect_count(job->out, "positions", info->max_tokens);
    if (info->projected > 0) inspect_count(job->out, "projected", info->projected);
    inspect_text(job->out, "pooling", info->pooling);
    triad_model_close(model);
}

static void describe_tokenizer(const inspection *job, triad_status status, tokenizer *tokens, const triad_error *why)
{
    if (status == TRIAD_OK)
        inspect_count(job->out, "tokens", tokenizer_size(tokens));
    else if (status == TRIAD_ERR_NOT_FOUND)
        inspect_text(job->out, "tokenizer", "none");
    else
        inspect_text(job->out, "tokenizer", why->text);
    tokenizer_close(tokens);
}

/* The string of a key, shortened; nothing where it is absent. */
static void copy_string(const inspection *job, const gguf *file, const char *key, const char *as)
{
    const char *bytes;
    size_t size;
    if (!gguf_get_string(file, key, &bytes, &size)) return;
    if (size > 200) size = 200;
    char text[201];
    for (size_t i = 0; i < size; i++) text[i] = (unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7f ? '?' : bytes[i];
    text[size] = 0;
    inspect_text(job->out, as, text);
}

static triad_status inspect_gguf(const inspection *job, const char *path, triad_error *err)
{
    inspect_text(job->out, "kind", "model");
    inspect_text(job->out, "container", "GGUF");
    gguf *file = NULL;
    tensor_sum sum;
    triad_status status = gguf_open(&file, path, err);
    if (status != TRIAD_OK) return status;
    copy_string(job, file, "general.architecture", "architecture");
    copy_string(job, file, "general.name", "name");
    if (gguf_files(file) > 1) inspect_count(job->out, "files", gguf_files(file));
    inspect_count(job->out, "keys", gguf_keys(file));
    copy_string(job, file, "tokenizer.ggml.model", "tokenizer_model");
    copy_string(job, file, "tokenizer.ggml.pre", "tokenizer_rule");
    status = tensor_sum_begin(&sum, err);
    for (size_t i = 0; i < gguf_count(file) && status == TRIAD_OK; i++)
        status = tensor_sum_add(&sum, job, gguf_at(file, i), err);
    const bool any = gguf_count(file) > 0;
    if (status == TRIAD_OK) status = tensor_sum_end(&sum, job, err);
    tensor_sum_drop(&sum);
    tokenizer *tokens = NULL;
    triad_error why;
    const triad_status read = tokenizer_open_gguf(&tokens, file, &why);
    describe_tokenizer(job, read, tokens, &why);
    gguf_close(file);
    if (any)
        describe_model(job, path);
    else
        inspect_text(job->out, "kind", "tokenizer"); /* a vocabulary alone */
    return status;
}

/* The configuration's own word for what it is. */
static void describe_config(const inspection *job, const char *folder)
{
    char *path = triad_path_join(folder, "config.json");
    json_object *config = NULL;
    triad_error ignored;
    if (path != NULL && json_read_file(&config, path, 1 << 24, &ignored) == TRIAD_OK &&
        json_object_is_type(config, json_type_object)) {
        const char *type = NULL;
        if (json_get_string(config, "model_type", &type, &ignored) == TRIAD_OK && type != NULL)
            inspect_text(job->out, "model_type", type);
    }
    json_object_put(config);
    free(path);
}

triad_status inspect_weights(const inspection *job, const char *path, triad_error *err)
{
    safetensors_index *index = NULL;
    tensor_sum sum;
    triad_status status = safetensors_index_open(&index, path, err);
    if (status != TRIAD_OK) return status;
    inspect_count(job->out, "files", safetensors_index_files(index));
    status = tensor_sum_begin(&sum, err);
    for (size_t i = 0; i < safetensors_index_count(index) && status == TRIAD_OK; i++)
        status = tensor_sum_add(&sum, job, safetensors_index_find(index, safetensors_index_name(index, i)), err);
    if (status == TRIAD_OK) status = tensor_sum_end(&sum, job, err);
    tensor_sum_drop(&sum);
    safetensors_index_close(index);
    return status;
}

static triad_status inspect_folder(const inspection *job, const char *folder, triad_error *err)
{
    inspect_text(job->out, "kind", "model");
    inspect_text(job->out, "container", "Hugging Face folder");
    describe_config(job, folder);
    static const char *const weights[] = {"model.safetensors", "model.safetensors.index.json"};
    triad_status status = TRIAD_ERR_NOT_FOUND;
    for (size_t i = 0; i < 2 && status == TRIAD_ERR_NOT_FOUND; i++) {
        char *path = triad_path_join(folder, weights[i]);
        if (path != NULL && triad_path_exists(path)) status = inspect_weights(job, path, err);
        free(path);
    }
    const bool weighed = status != TRIAD_ERR_NOT_FOUND;
    tokenizer *tokens = NULL;
    triad_error why;
    const triad_status read = tokenizer_open(&tokens, folder, &why);
    if (!weighed && read == TRIAD_OK) { /* a tokenizer alone is something too */
        json_object_object_del(job->out, "container");
        inspect_text(job->out, "kind", "tokenizer");
        describe_tokenizer(job, read, tokens, &why);
        return TRIAD_OK;
    }
    describe_tokenizer(job, read, tokens, &why);
    if (!weighed)
        return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                          "the folder holds neither a model nor a tokenizer (name one that holds model.safetensors or "
                          "tokenizer.json)");
    describe_model(job, folder);
    return status;
}

triad_status inspect_model(const inspection *job, const char *path, bool folder, triad_error *err)
{
    return folder ? inspect_folder(job, path, err) : inspect_gguf(job, path, err);
}
