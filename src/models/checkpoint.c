#include "models/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"

enum { MAX_NAME = 256, ROWS_OF_TILE = 32 };

triad_status checkpoint_open_gguf(checkpoint *file, const char *path, triad_error *err)
{
    return gguf_open(&file->single, path, err);
}

triad_status checkpoint_open_folder(checkpoint *file, const char *folder, triad_error *err)
{
    char *single = triad_path_join(folder, "model.safetensors"),
         *index = triad_path_join(folder, "model.safetensors.index.json");
    triad_status status;
    if (single == NULL || index == NULL)
        status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    else if (triad_path_exists(single))
        status = safetensors_index_open(&file->folder, single, err);
    else if (triad_path_exists(index))
        status = safetensors_index_open(&file->folder, index, err);
    else
        status =
            triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                       "model: the folder holds no model.safetensors (other formats: save it with safe_serialization)");
    free(single);
    free(index);
    return status;
}

void checkpoint_close(checkpoint *file)
{
    gguf_close(file->single);
    safetensors_index_close(file->folder);
    free(file->used);
    memset(file, 0, sizeof *file);
}

const tensor_view *checkpoint_find(const checkpoint *file, const char *name)
{
    return file->single != NULL ? gguf_find(file->single, name) : safetensors_index_find(file->folder, name);
}

/* All tensors, file by file; NULL: beyond the last. */
static const tensor_view *tensor_at(const checkpoint *file, size_t part, size_t index)
{
    if (file->single != NULL) return index < gguf_count(file->single) ? gguf_at(file->single, index) : NULL;
    const safetensors *shard = safetensors_index_file(file->folder, part);
    return index < safetensors_count(shard) ? safetensors_at(shard, index) : NULL;
}

static triad_status remember(checkpoint *file, const char *name, triad_error *err)
{
    if (file->used_count == file->used_capacity) {
        const size_t capacity = file->used_capacity == 0 ? 256 : 2 * file->used_capacity;
        const char **grown = realloc(file->used, capacity * sizeof *grown);
        if (grown == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
        file->used = grown;
        file->used_capacity = capacity;
    }
    file->used[file->used_count++] = name;
    return TRIAD_OK;
}

static bool can_widen(tensor_dtype dtype)
{
    switch (dtype) {
    case TENSOR_I64:
    case TENSOR_I32:
    case TENSOR_I16:
    case TENSOR_I8:
    case TENSOR_U64:
    case TENSOR_U32:
    case TENSOR_U16:
    case TENSOR_U8:
    case TENSOR_BOOL:
    case TENSOR_F8_E4M3:
    case TENSOR_F8_E5M2:
    case TENSOR_OTHER:
        return false;
    default:
        return true;
    }
}

triad_status checkpoint_readable(const tensor_view *tensor, triad_error *err)
{
    if (can_widen(tensor->dtype)) return TRIAD_OK;
    return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "model: tensor %s is of type %s, which is not supported",
                      tensor->name, tensor_dtype_name(tensor->dtype));
}

static void shape_text(char *text, size_t size, int rank, const size_t *shape)
{
    text[0] = 0;
    for (int i = 0; i < rank && strlen(text) + 24 < size; i++)
        snprintf(text + strlen(text), size - strlen(text), "%s%zu", i == 0 ? "" : ", ", shape[i]);
}

triad_status checkpoint_claim(const tensor_view **tensor, checkpoint *file, bool needed, int rank, const size_t *shape,
                              const char *name, triad_error *err)
{
    *tensor = NULL;
    const tensor_view *found = checkpoint_find(file, name);
    if (found == NULL)
        return needed ? triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                                   "model: tensor %s is missing (fetch the checkpoint again)", name)
                      : TRIAD_OK;
    bool fits = found->rank == rank;
    for (int i = 0; i < rank && fits; i++) fits = found->shape[i] == shape[i];
    if (!fits) {
        char is[96], must[96];
        shape_text(is, sizeof is, found->rank, found->shape);
        shape_text(must, sizeof must, rank, shape);
        return triad_fail(err, TRIAD_ERR_FORMAT, -1, "model: tensor %s is [%s] and must be [%s]", name, is, must);
    }
    *tensor = found;
    return remember(file, found->name, err);
}

triad_status checkpoint_take(const tensor_view **tensor, checkpoint *file, bool needed, size_t rows, size_t columns,
                             triad_error *err, const char *format, ...)
{
    char name[MAX_NAME];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    const size_t shape[2] = {rows, columns};
    const triad_status status = rows == 0 ? checkpoint_claim(tensor, file, needed, 1, &columns, name, err)
                                          : checkpoint_claim(tensor, file, needed, 2, shape, name, err);
    return status != TRIAD_OK || *tensor == NULL ? status : checkpoint_readable(*tensor, err);
}

static int by_address(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* A layer that the configuration does not count: multi-token prediction in DeepSeek-V3. */
static bool beyond(const char *rest, size_t layers)
{
    char *end;
    if (layers == 0 || rest[0] < '0' || rest[0] > '9') return false;
    return strtoull(rest, &end, 10) >= layers && *end == '.';
}

triad_status checkpoint_all_taken(const checkpoint *file, const char *prefix, const char *except, triad_error *err)
{
    return checkpoint_layers_taken(file, prefix, 0, except, err);
}

triad_status checkpoint_layers_taken(const checkpoint *file, const char *prefix, size_t layers, const char *except,
                                     triad_error *err)
{
    const char **sorted = malloc((file->used_count + 1) * sizeof *sorted);
    if (sorted == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "model: out of memory");
    memcpy(sorted, file->used, file->used_count * sizeof *sorted);
    qsort(sorted, file->used_count, sizeof *sorted, by_address);
    const size_t parts = file->single != NULL ? 1 : safetensors_index_files(file->folder);
    const tensor_view *tensor;
    const char *left = NULL;
    for (size_t i = 0; i < parts && left == NULL; i++)
        for (size_t k = 0; left == NULL && (tensor = tensor_at(file, i, k)) != NULL; k++) {
            const char *name = tensor->name;
            if (strncmp(name, prefix, strlen(prefix)) != 0 || beyond(name + strlen(prefix), layers)) continue;
            if (except != NULL && strlen(name) >= strlen(except) &&
                strcmp(name + strlen(name) - strlen(except), except) == 0)
                continue;
            if (bsearch(&name, sorted, file->used_count, sizeof *sorted, by_address) == NULL) left = name;
        }
    free(sorted);
    if (left == NULL) return TRIAD_OK;
    return triad_fail(err, TRIAD_ERR_UNSUPPORTED, -1, "model: tensor %.120s has no place in this architecture", left);
}

bool checkpoint_is_reduced(const checkpoint *file)
{
    if (file->single != NULL) return true;
    for (size_t i = 0; i < file->used_count; i++) {
        const tensor_view *tensor = checkpoint_find(file, file->used[i]);
        if (tensor != NULL && tensor->dtype != TENSOR_F32 && tensor->dtype != TENSOR_F64) return true;
    }
    return false;
}

/* ---- widening */
typedef struct widening {
    float *out;
    const tensor_view *tensor;
    size_t rows, columns;
    triad_error error; /* of any tile that failed: a tensor that was taken fails nowhere or everywhere */
    bool failed;
} widening;

static void widen_tile(void *context, size_t tile, int worker)
{
    (void)worker;
    widening *job = context;
    const size_t first = tile * ROWS_OF_TILE,
                 rows = job->rows - first < ROWS_OF_TILE ? job->rows - first : ROWS_OF_TILE;
    triad_error err;
    if (tensor_widen_rows(job->out + first * job->columns, job->tensor, first, rows, &err) != TRIAD_OK &&
        !__atomic_exchange_n(&job->failed, true, __ATOMIC_RELAXED))
        job->error = err;
}

triad_status checkpoint_widen(float *out, const tensor_view *tensor, triad_pool *pool, triad_error *err)
{
    if (tensor->rank < 2) return tensor_widen_rows(out, tensor, 0, 1, err);
    widening job = {.out = out, .tensor = tensor, .rows = tensor->shape[0], .columns = tensor->shape[1]};
    triad_parallel(pool, (job.rows + ROWS_OF_TILE - 1) / ROWS_OF_TILE, widen_tile, &job);
    if (!job.failed) return TRIAD_OK;
    return triad_fail(err, job.error.code, job.error.position, "%s", job.error.text);
}

void checkpoint_prefetch_bytes(const void *data, size_t bytes)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)data & ~(page - 1);
    /* Advice: whether it is taken changes nothing but time. */
    (void)madvise((void *)start, (uintptr_t)data + bytes - start, MADV_WILLNEED);
}

void checkpoint_rest_bytes(const void *data, size_t bytes)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = ((uintptr_t)data + page - 1) & ~(page - 1),
                    end = ((uintptr_t)data + bytes) & ~(page - 1);
    /* The mapping is of a file that nobody writes: what is read again comes from there. */
    if (end > start) (void)madvise((void *)start, end - start, MADV_DONTNEED);
}
