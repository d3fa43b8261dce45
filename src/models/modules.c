#include "models/modules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "formats/json.h"

enum { MAX_CONFIG = 1 << 24, MAX_WIDTH = 1 << 20 };

/* ---- reading */
static triad_status read_member(json_object **root, const char *folder, const char *part, const char *name,
                                triad_error *err)
{
    *root = NULL;
    char *inside = triad_path_join(folder, part), *path = inside == NULL ? NULL : triad_path_join(inside, name);
    triad_status status;
    if (path == NULL)
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "modules: out of memory");
    else if (!triad_path_exists(path))
        status = triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "modules: %.80s/%s is missing", part, name);
    else
        status = json_read_file(root, path, MAX_CONFIG, err);
    free(inside);
    free(path);
    return status;
}

static const struct {
    const char *flag, *name;
} MODES[POOL_KINDS] = {
    [POOL_CLS] = {"pooling_mode_cls_token", "cls"},
    [POOL_MAX] = {"pooling_mode_max_tokens", "max"},
    [POOL_MEAN] = {"pooling_mode_mean_tokens", "mean"},
    [POOL_MEAN_SQRT] = {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"},
    [POOL_WEIGHTED] = {"pooling_mode_weightedmean_tokens", "weightedmean"},
    [POOL_LAST] = {"pooling_mode_lasttoken", "lasttoken"},
};

static triad_status add_mode(module *m, json_object *name, triad_error *err)
{
    const char *text = json_object_is_type(name, json_type_string) ? json_object_get_string(name) : "";
    for (pooling p = POOL_CLS; p < POOL_KINDS; p++) {
        if (strcmp(text, MODES[p].name) != 0) continue;
        if (m->modes == POOL_KINDS) return triad_fail(err, TRIAD_ERR_FORMAT, -1, "modules: too many poolings");
        m->mode[m->modes++] = p;
        return TRIAD_OK;
    }
    return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "modules: pooling \"%.60s\" is not supported", text);
}

/* Old folders set a flag for each mode, new ones name them under one key. */
static triad_status read_pooling(module *m, json_object *config, triad_error *err)
{
    m->kind = MODULE_POOL;
    json_object *named = NULL;
    triad_status status = TRIAD_OK;
    if (json_object_object_get_ex(config, "pooling_mode", &named) && named != NULL) {
        if (!json_object_is_type(named, json_type_array)) return add_mode(m, named, err);
        for (size_t i = 0; i < json_object_array_length(named) && status == TRIAD_OK; i++)
            status = add_mode(m, json_object_array_get_idx(named, i), err);
    } else {
        for (pooling p = POOL_CLS; p < POOL_KINDS && status == TRIAD_OK; p++) {
            bool wanted = false;
            status = json_get_bool(config, MODES[p].flag, &wanted, err);
            if (wanted) m->mode[m->modes++] = p;
        }
    }
    if (status == TRIAD_OK && m->modes == 0)
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "modules: a pooling without a mode");
    return status;
}

static triad_status widen_new(float **out, const tensor_view *tensor, size_t count, triad_error *err)
{
    *out = malloc(count * sizeof **out);
    if (*out == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "modules: out of memory");
    return checkpoint_widen(*out, tensor, NULL, err);
}

static const char *last_part(const char *type)
{
    const char *dot = strrchr(type, '.');
    return dot == NULL ? type : dot + 1;
}

static triad_status read_dense(module *m, json_object *config, const char *folder, const char *part, triad_error *err)
{
    m->kind = MODULE_DENSE;
    int64_t in = 0, out = 0;
    bool bias = true;
    const char *activation = "Tanh";
    triad_status status = json_want_int(config, "in_features", 1, MAX_WIDTH, &in, err);
    if (status == TRIAD_OK) status = json_want_int(config, "out_features", 1, MAX_WIDTH, &out, err);
    if (status == TRIAD_OK) status = json_get_bool(config, "bias", &bias, err);
    if (status == TRIAD_OK) status = json_get_string(config, "activation_function", &activation, err);
    if (status != TRIAD_OK) return status;
    m->in = (size_t)in;
    m->out = (size_t)out;
    m->tanh = strcmp(last_part(activation), "Tanh") == 0;
    if (!m->tanh && strcmp(last_part(activation), "Identity") != 0)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "modules: activation \"%.60s\" is not supported", activation);
    char *inside = triad_path_join(folder, part);
    if (inside == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "modules: out of memory");
    const tensor_view *weight = NULL, *shift = NULL;
    status = checkpoint_open_folder(&m->file, inside, err);
    free(inside);
    if (status == TRIAD_OK) status = checkpoint_take(&weight, &m->file, true, m->out, m->in, err, "linear.weight");
    if (status == TRIAD_OK && bias) status = checkpoint_take(&shift, &m->file, true, 0, m->out, err, "linear.bias");
    if (status == TRIAD_OK) status = widen_new(&m->weight, weight, m->in * m->out, err);
    if (status == TRIAD_OK && bias) status = widen_new(&m->bias, shift, m->out, err);
    return status;
}

static triad_status read_module(modules *list, json_object *item, const char *folder, size_t place, triad_error *err)
{
    const char *type = NULL, *part = NULL;
    if (!json_object_is_type(item, json_type_object))
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "modules.json: entry %zu is no object", place);
    triad_status status = json_want_string(item, "type", &type, err);
    if (status == TRIAD_OK) status = json_want_string(item, "path", &part, err);
    if (status != TRIAD_OK) return status;
    const char *kind = last_part(type);
    if (strchr(part, '/') != NULL || part[0] == '.')
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "modules.json: path \"%.60s\" is not a plain name", part);
    if (place == 0) {
        if (strcmp(kind, "Transformer") != 0 || part[0] != 0)
            return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                              "modules.json: a first module %.60s in \"%.60s\" is not supported", kind, part);
        return TRIAD_OK;
    }
    if (list->count == MODULES_MAX)
        return triad_fail(err, TRIAD_ERR_RANGE, -1, "modules.json: more than %d modules", (int)MODULES_MAX);
    module *m = &list->step[list->count++];
    if (strcmp(kind, "Normalize") == 0) {
        m->kind = MODULE_NORMALIZE;
        return TRIAD_OK;
    }
    const bool pools = strcmp(kind, "Pooling") == 0;
    if (!pools && strcmp(kind, "Dense") != 0)
        return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "modules.json: module %.60s is not supported", kind);
    json_object *config = NULL;
    status = read_member(&config, folder, part, "config.json", err);
    if (status == TRIAD_OK && !json_object_is_type(config, json_type_object))
        status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "modules: %.60s/config.json is no object", part);
    if (status == TRIAD_OK) status = pools ? read_pooling(m, config, err) : read_dense(m, config, folder, part, err);
    json_object_put(config);
    return status;
}

/* Each takes what the one before gives; the first pools. */
static triad_status check_widths(modules *list, size_t width, triad_error *err)
{
    list->width = list->widest = width;
    for (size_t i = 0; i < list->count; i++) {
        const module *m = &list->step[i];
        if ((m->kind == MODULE_POOL) != (i == 0))
            return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1,
                              "modules.json: pooling must be the second module, and only that");
        if (m->kind == MODULE_POOL) list->width *= m->modes;
        if (m->kind == MODULE_DENSE && m->in != list->width)
            return triad_fail(err, TRIAD_ERR_FORMAT, -1, "modules: a dense layer of %zu inputs behind %zu numbers",
                              m->in, list->width);
        if (m->kind == MODULE_DENSE) list->width = m->out;
        if (list->width > list->widest) list->widest = list->width;
    }
    return TRIAD_OK;
}

triad_status modules_open(modules *list, const char *folder, size_t width, triad_error *err)
{
    char *path = triad_path_join(folder, "modules.json");
    if (path == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "modules: out of memory");
    const bool there = triad_path_exists(path);
    json_object *root = NULL;
    triad_status status = there ? json_read_file(&root, path, MAX_CONFIG, err) : TRIAD_OK;
    free(path);
    if (!there || status != TRIAD_OK) return status;
    if (!json_object_is_type(root, json_type_array) || json_object_array_length(root) == 0)
        status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "modules.json: not a list of modules");
    for (size_t i = 0; status == TRIAD_OK && i < json_object_array_length(root); i++)
        status = read_module(list, json_object_array_get_idx(root, i), folder, i, err);
    json_object_put(root);
    if (status == TRIAD_OK) status = check_widths(list, width, err);
    if (status != TRIAD_OK) return status;
    status = read_member(&root, folder, "", "sentence_bert_config.json", err);
    if (status == TRIAD_ERR_NOT_FOUND) return TRIAD_OK;
    int64_t most = 0;
    if (status == TRIAD_OK && json_object_is_type(root, json_type_object))
        status = json_get_int(root, "max_seq_length", 1, INT32_MAX, &most, err);
    list->max_tokens = (size_t)most;
    json_object_put(root);
    return status;
}

void modules_close(modules *list)
{
    for (size_t i = 0; i < list->count; i++) {
        checkpoint_close(&list->step[i].file);
        free(list->step[i].weight);
        free(list->step[i].bias);
    }
    memset(list, 0, sizeof *list);
}

const char *modules_pooling(const modules *list)
{
    if (list->count == 0 || list->step[0].kind != MODULE_POOL || list->step[0].modes != 1) return "mean";
    return list->step[0].mode[0] == POOL_CLS ? "cls" : list->step[0].mode[0] == POOL_LAST ? "last" : "mean";
}

/* ---- computing */
static void pool_tokens(double *out, pooling mode, const float *rows, const size_t *row, size_t count, size_t d)
{
    for (size_t j = 0; j < d; j++) out[j] = rows[row[mode == POOL_LAST ? count - 1 : 0] * d + j];
    if (mode == POOL_CLS || mode == POOL_LAST) return;
    for (size_t t = 1; t < count; t++) {
        const float *x = rows + row[t] * d;
        for (size_t j = 0; j < d; j++) {
            if (mode == POOL_MAX)
                out[j] = out[j] > x[j] ? out[j] : x[j];
            else
                out[j] += (mode == POOL_WEIGHTED ? (double)(t + 1) : 1.0) * x[j];
        }
    }
    const double n = (double)count;
    const double share = mode == POOL_MEAN        ? 1 / n
                         : mode == POOL_MEAN_SQRT ? 1 / sqrt(n)
                         : mode == POOL_WEIGHTED  ? 2 / (n * (n + 1))
                                                  : 1;
    for (size_t j = 0; j < d; j++) out[j] *= share;
}

static void dense(const module *m, double *y, const double *x)
{
    for (size_t i = 0; i < m->out; i++) {
        double sum = m->bias != NULL ? m->bias[i] : 0;
        for (size_t j = 0; j < m->in; j++) sum += m->weight[i * m->in + j] * x[j];
        y[i] = m->tanh ? tanh(sum) : sum;
    }
}

/* As torch: a length below 1e-12 counts as 1e-12. */
static void normalize(double *x, size_t width)
{
    double square = 0;
    for (size_t j = 0; j < width; j++) square += x[j] * x[j];
    const double length = fmax(sqrt(square), 1e-12);
    for (size_t j = 0; j < width; j++) x[j] /= length;
}

void modules_apply(const modules *list, float *out, const float *rows, const size_t *row, size_t count, size_t width_in,
                   double *scratch)
{
    double *now = scratch, *next = scratch + list->widest;
    size_t width = width_in;
    for (size_t i = 0; i < list->count; i++) {
        const module *m = &list->step[i];
        if (m->kind == MODULE_POOL) {
            for (size_t k = 0; k < m->modes; k++)
                pool_tokens(now + k * width_in, m->mode[k], rows, row, count, width_in);
            width = width_in * m->modes;
        } else if (m->kind == MODULE_DENSE) {
            dense(m, next, now);
            double *const held = now;
            now = next;
            next = held;
            width = m->out;
        } else {
            normalize(now, width);
        }
    }
    for (size_t j = 0; j < width; j++) out[j] = (float)now[j];
}
