/* Which family a checkpoint is of, and its tokenizer. */
#include "models/model_internal.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <xxhash.h>

#include "base/file.h"
#include "triad/hub.h"

enum { MAX_CONFIG = 1 << 24 };

static bool one_of(const char *name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, list[i]) == 0) return true;
    return false;
}

/* ---- folders */
static triad_status open_dual(triad_model *model, const char *folder, const char *type, json_object *config,
                              triad_error *err)
{
    const bool clip = strcmp(type, "clip") == 0;
    model->info.kind = TRIAD_DUAL;
    triad_status status = checkpoint_open_folder(&model->file, folder, err);
    if (status == TRIAD_OK) status = (clip ? clip_open : blip_open)(&model->pair, config, &model->file, err);
    if (status == TRIAD_OK)
        status = preprocess_open(&model->pair.how, folder, clip ? PREPROCESS_CLIP : PREPROCESS_BLIP, err);
    return status;
}

static triad_status read_folder(triad_model *model, const char *folder, json_object *config, triad_error *err)
{
    static const char *const decoders[] = {"llama", "qwen2", "qwen3", "deepseek_v2", "deepseek_v3"};
    static const char *const encoders[] = {"bert", "distilbert", "mpnet"};
    const char *type = NULL;
    if (!json_object_is_type(config, json_type_object))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "config.json: not an object");
    triad_status status = json_want_string(config, "model_type", &type, err);
    if (status != TRIAD_OK) return status;
    const bool causal = one_of(type, decoders, sizeof decoders / sizeof *decoders);
    if (strcmp(type, "clip") == 0 || strcmp(type, "blip") == 0) return open_dual(model, folder, type, config, err);
    if (!causal && !one_of(type, encoders, sizeof encoders / sizeof *encoders))
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                          "config.json: model_type \"%.60s\" is not supported (docs/models.md lists the families)",
                          type);
    status = checkpoint_open_folder(&model->file, folder, err);
    if (status != TRIAD_OK) return status;
    model->info.kind = causal ? TRIAD_DECODER : TRIAD_ENCODER;
    return causal ? decoder_from_config(&model->decode, config, &model->file, err)
                  : encoder_from_config(&model->encode, config, &model->file, err);
}

static triad_status open_folder(triad_model *model, const char *folder, triad_error *err)
{
    char *path = triad_path_join(folder, "config.json");
    json_object *config = NULL;
    triad_status status;
    if (path == NULL)
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    else if (!triad_path_exists(path))
        status = triad_fail(
            err, TRIAD_ERR_NOT_FOUND, -1,
            "model: the folder holds no config.json (save_pretrained writes one; of several .gguf name one)");
    else
        status = json_read_file(&config, path, MAX_CONFIG, err);
    free(path);
    if (status == TRIAD_OK) status = read_folder(model, folder, config, err);
    json_object_put(config);
    if (status == TRIAD_OK && model->info.kind != TRIAD_DUAL)
        status = modules_open(&model->after, folder,
                              model->info.kind == TRIAD_DECODER ? model->decode.width : model->encode.width, err);
    if (status != TRIAD_OK) return status;
    triad_error none;
    status = tokenizer_open(&model->tokens, folder, &none);
    /* A checkpoint may come without a tokenizer; one that we can't read is an error. */
    if (status == TRIAD_OK || status == TRIAD_ERR_NOT_FOUND) return TRIAD_OK;
    return triad_fail(err, none.code, none.position, "%s", none.text);
}

/* ---- GGUF */
static triad_status open_file(triad_model *model, const char *path, triad_error *err)
{
    static const char *const decoders[] = {"llama", "qwen2", "qwen3", "deepseek2"};
    triad_status status = checkpoint_open_gguf(&model->file, path, err);
    if (status != TRIAD_OK) return status;
    const char *bytes;
    size_t size;
    char architecture[64] = "";
    if (!gguf_get_string(model->file.single, "general.architecture", &bytes, &size))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "gguf: general.architecture is missing");
    snprintf(architecture, sizeof architecture, "%.*s", (int)(size < 60 ? size : 60), bytes);
    const bool causal = one_of(architecture, decoders, sizeof decoders / sizeof *decoders);
    if (!causal && strcmp(architecture, "bert") != 0)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                          "gguf: architecture \"%s\" is not supported (docs/models.md lists the families)",
                          architecture);
    model->info.kind = causal ? TRIAD_DECODER : TRIAD_ENCODER;
    status = causal ? decoder_from_gguf(&model->decode, architecture, &model->file, err)
                    : encoder_from_gguf(&model->encode, &model->file, err);
    if (status != TRIAD_OK) return status;
    triad_error none;
    status = tokenizer_open_gguf(&model->tokens, model->file.single, &none);
    if (status == TRIAD_OK || status == TRIAD_ERR_NOT_FOUND) return TRIAD_OK;
    return triad_fail(err, none.code, none.position, "%s", none.text);
}

/* ---- both */
static keep_key mix(keep_key key, const char *name, const struct stat *file)
{
    const uint64_t numbers[] = {key.low,
                                key.high,
                                (uint64_t)file->st_size,
                                (uint64_t)file->st_mtim.tv_sec,
                                (uint64_t)file->st_mtim.tv_nsec,
                                XXH3_64bits(name, strlen(name))};
    const XXH128_hash_t sum = XXH3_128bits(numbers, sizeof numbers);
    return (keep_key){sum.low64, sum.high64};
}

/* Which files a checkpoint is made of, without reading them: a run that goes on must find the same ones. */
static keep_key fingerprint(const triad_model *model, const char *path, bool folder)
{
    keep_key key = {0};
    struct stat about;
    if (!folder) return stat(path, &about) == 0 ? mix(key, model->name, &about) : key;
    const safetensors_index *index = model->file.folder;
    for (size_t i = 0; i <= safetensors_index_files(index); i++) {
        const char *name = i < safetensors_index_files(index) ? safetensors_index_file_name(index, i) : "config.json";
        char *file = triad_path_join(path, name);
        if (file != NULL && stat(file, &about) == 0) key = mix(key, name, &about);
        free(file);
    }
    return key;
}

static char *last_name(const char *path)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/') end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/') start--;
    return strndup(path + start, end - start);
}

static void describe_dual(triad_model *model)
{
    triad_model_info *info = &model->info;
    const dual *m = &model->pair;
    info->family = m->family;
    info->layers = m->text.body.layers;
    info->width = m->text.body.width;
    info->vocabulary = m->text.vocabulary;
    info->max_tokens = m->text.max_tokens;
    info->projected = m->text.projected;
    info->pooling = m->pooling;
    info->image_layers = m->image.body.layers;
    info->image_width = m->image.body.width;
    info->image_tokens = m->image.tokens;
    info->image_side = m->image.side;
    info->reads_images = m->text.body.context_width > 0;
    info->matches = m->match.weight != NULL;
    model->cut = info->max_tokens;
}

static void describe(triad_model *model, bool folder)
{
    triad_model_info *info = &model->info;
    const decoder *d = &model->decode;
    const encoder *e = &model->encode;
    const bool causal = info->kind == TRIAD_DECODER;
    info->container = folder ? "hf" : "gguf";
    info->name = model->name;
    info->has_tokenizer = model->tokens != NULL;
    info->reduced = checkpoint_is_reduced(&model->file);
    if (info->kind == TRIAD_DUAL) {
        describe_dual(model);
        return;
    }
    info->family = causal ? d->family : e->family;
    info->layers = causal ? d->layers : e->layers;
    info->width = causal ? d->width : e->width;
    info->vocabulary = causal ? d->vocabulary : e->vocabulary;
    info->max_tokens = causal ? d->max_tokens : e->max_tokens;
    info->projected = model->after.count > 0 ? model->after.width : 0;
    info->has_raw = causal;
    info->pooling = model->after.count > 0 ? modules_pooling(&model->after) : causal ? "mean-nofirst" : "mean";
    if (!causal && e->pooling != NULL) info->pooling = e->pooling;
    model->cut = info->max_tokens;
    if (model->after.max_tokens > 0 && model->after.max_tokens < model->cut) model->cut = model->after.max_tokens;
}

triad_status triad_model_open(triad_model **model, const char *path, triad_error *err)
{
    *model = NULL;
    char *place;
    triad_status status = triad_hub_find(&place, path, err);
    if (status != TRIAD_OK) return status;
    triad_model *made = calloc(1, sizeof *made);
    if (made == NULL || (made->name = last_name(path)) == NULL) {
        free(place);
        triad_model_close(made);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    }
    const bool folder = triad_path_is_folder(place);
    status = folder ? open_folder(made, place, err) : open_file(made, place, err);
    if (status == TRIAD_OK) {
        describe(made, folder);
        made->files = fingerprint(made, place, folder);
        *model = made;
    } else {
        triad_model_close(made);
    }
    free(place);
    return status;
}

void triad_model_close(triad_model *model)
{
    if (model == NULL) return;
    tokenizer_close(model->tokens);
    modules_close(&model->after);
    decoder_free(&model->decode);
    encoder_free(&model->encode);
    dual_free(&model->pair);
    checkpoint_close(&model->file);
    free(model->name);
    free(model);
}

const triad_model_info *triad_model_describe(const triad_model *model)
{
    return &model->info;
}

/* ---- tokens */
triad_status triad_tokens_create(triad_tokens *tokens, size_t sentences, const size_t *offsets, const int32_t *ids,
                                 triad_error *err)
{
    memset(tokens, 0, sizeof *tokens);
    if (offsets[0] != 0) return triad_fail(err, TRIAD_ERR_ARGUMENT, 0, "tokens: the first offset is not 0");
    for (size_t i = 0; i < sentences; i++)
        if (offsets[i + 1] < offsets[i])
            return triad_fail(err, TRIAD_ERR_ARGUMENT, (int64_t)i, "tokens: offsets fall at sentence %zu", i);
    tokens->offsets = malloc((sentences + 1) * sizeof *tokens->offsets);
    tokens->ids = malloc((offsets[sentences] + 1) * sizeof *tokens->ids);
    if (tokens->offsets == NULL || tokens->ids == NULL) {
        triad_tokens_free(tokens);
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokens: out of memory");
    }
    tokens->sentences = sentences;
    memcpy(tokens->offsets, offsets, (sentences + 1) * sizeof *offsets);
    memcpy(tokens->ids, ids, offsets[sentences] * sizeof *ids);
    return TRIAD_OK;
}

void triad_tokens_free(triad_tokens *tokens)
{
    free(tokens->offsets);
    free(tokens->ids);
    memset(tokens, 0, sizeof *tokens);
}

triad_status triad_model_tokenize(const triad_model *model, triad_tokens *tokens, const char *const *sentences,
                                  size_t n, triad_error *err)
{
    memset(tokens, 0, sizeof *tokens);
    if (model->tokens == NULL)
        return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                          "model: %.200s has no tokenizer (put its tokenizer.json beside it)", model->info.name);
    size_t *offsets = malloc((n + 1) * sizeof *offsets);
    if (offsets == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokens: out of memory");
    tokenizer_ids ids = {0};
    const size_t limit = model->info.kind != TRIAD_DECODER ? model->cut : 0;
    triad_status status = TRIAD_OK;
    offsets[0] = 0;
    for (size_t i = 0; i < n && status == TRIAD_OK; i++) {
        triad_error why;
        status = tokenizer_encode(model->tokens, &ids, sentences[i], strlen(sentences[i]), limit, &why);
        if (status != TRIAD_OK) (void)triad_fail(err, why.code, (int64_t)i, "sentence %zu: %s", i + 1, why.text);
        offsets[i + 1] = ids.count;
    }
    if (status == TRIAD_OK) status = triad_tokens_create(tokens, n, offsets, ids.id, err);
    free(offsets);
    free(ids.id);
    return status;
}
