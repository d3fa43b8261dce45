/* model_parity DIR [MODEL]: hidden states against recorded ones. DIR holds sentences.txt and golden.safetensors, and
 * the checkpoint (a Hugging Face folder, or one .gguf) unless MODEL says where that lies. One check a tensor: ids
 * equal, the others by relative Frobenius error. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "base/file.h"
#include "base/machine.h"
#include "formats/safetensors.h"
#include "parity_images.h"
#include "triad/model.h"

/* ---- where things lie */
static char *only_gguf(const char *folder)
{
    DIR *listing = opendir(folder);
    char *found = NULL;
    struct dirent *entry;
    size_t count = 0;
    while (listing != NULL && (entry = readdir(listing)) != NULL) {
        const size_t size = strlen(entry->d_name);
        if (size < 6 || strcmp(entry->d_name + size - 5, ".gguf") != 0) continue;
        count++;
        free(found);
        found = triad_path_join(folder, entry->d_name);
    }
    if (listing != NULL) closedir(listing);
    if (count == 1) return found;
    free(found);
    return NULL;
}

static char *model_path(const char *given)
{
    if (triad_path_is_folder(given)) {
        char *config = triad_path_join(given, "config.json");
        const bool folder = config != NULL && triad_path_exists(config);
        free(config);
        char *file = folder ? NULL : only_gguf(given);
        if (file != NULL) return file;
    }
    return strdup(given);
}

/* ---- sentences */
typedef struct lines {
    char *text, **line;
    size_t count;
} lines;

static triad_status read_lines(lines *l, const char *folder, size_t wanted, triad_error *err)
{
    size_t size = 0;
    char *path = triad_path_join(folder, "sentences.txt");
    triad_status status =
        path == NULL ? TRIAD_ERR_MEMORY : triad_read_whole(&l->text, &size, path, (size_t)1 << 28, err);
    free(path);
    if (status != TRIAD_OK) return status;
    l->line = calloc(size + 2, sizeof *l->line);
    if (l->line == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "out of memory");
    for (char *at = l->text; at < l->text + size;) {
        char *end = strchr(at, '\n');
        if (end == NULL) end = l->text + size;
        *end = 0;
        l->line[l->count++] = at;
        at = end + 1;
    }
    if (l->count == wanted) return TRIAD_OK;
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++)
        if (l->line[i][0] != 0) l->line[kept++] = l->line[i];
    l->count = kept;
    return kept == wanted ? TRIAD_OK
                          : triad_fail(err, TRIAD_ERR_FORMAT, -1,
                                       "sentences.txt: %zu sentences, golden.safetensors has %zu", kept, wanted);
}

/* ---- checks */
static triad_status read_tokens(parity *p, triad_error *err)
{
    const tensor_view *ids, *offsets;
    const size_t any = SIZE_MAX;
    triad_status status = safetensors_want(&ids, p->golden, "ids", TENSOR_I64, 1, &any, err);
    if (status == TRIAD_OK) status = safetensors_want(&offsets, p->golden, "offsets", TENSOR_I64, 1, &any, err);
    if (status != TRIAD_OK) return status;
    const size_t n = offsets->shape[0] - 1, total = ids->shape[0];
    size_t *at = malloc((n + 1) * sizeof *at);
    int32_t *id = malloc((total + 1) * sizeof *id);
    if (at == NULL || id == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "out of memory");
    for (size_t i = 0; i <= n; i++) {
        int64_t value;
        memcpy(&value, (const char *)offsets->data + 8 * i, 8);
        at[i] = (size_t)value;
    }
    for (size_t i = 0; i < total; i++) {
        int64_t value;
        memcpy(&value, (const char *)ids->data + 8 * i, 8);
        id[i] = (int32_t)value;
    }
    if (at[n] != total)
        status = triad_fail(err, TRIAD_ERR_FORMAT, -1, "golden.safetensors: offsets do not end at the ids' end");
    if (status == TRIAD_OK) status = triad_tokens_create(&p->tokens, n, at, id, err);
    free(at);
    free(id);
    return status;
}

static void check_ids(parity *p, const char *folder)
{
    triad_error err;
    lines l = {0};
    triad_tokens own = {0};
    char why[600] = "";
    bool right = false;
    triad_status status = read_lines(&l, folder, p->tokens.sentences, &err);
    if (status == TRIAD_OK && !p->info->has_tokenizer) {
        /* The recorded ids are what sentences.txt spells; they went through the model as such. */
        right = l.count > 0 && strncmp(l.line[0], "#ids", 4) == 0;
        for (size_t s = 0; s < l.count && right; s++) {
            char *at = l.line[s] + 4;
            for (size_t i = p->tokens.offsets[s]; i < p->tokens.offsets[s + 1] && right; i++)
                right = strtol(at, &at, 10) == p->tokens.ids[i];
            right = right && *at == 0;
        }
        if (!right) snprintf(why, sizeof why, "the model has no tokenizer, and sentences.txt does not spell the ids");
    } else if (status == TRIAD_OK) {
        status = triad_model_tokenize(p->model, &own, (const char *const *)l.line, l.count, &err);
        if (status == TRIAD_OK) {
            right = true;
            for (size_t s = 0; s < l.count && right; s++) {
                const size_t a = own.offsets[s], b = p->tokens.offsets[s], count = own.offsets[s + 1] - a;
                right = count == p->tokens.offsets[s + 1] - b &&
                        memcmp(own.ids + a, p->tokens.ids + b, count * sizeof *own.ids) == 0;
                if (!right) snprintf(why, sizeof why, "sentence %zu differs: %.300s", s + 1, l.line[s]);
            }
        }
    }
    if (status != TRIAD_OK) snprintf(why, sizeof why, "%s", err.text);
    verdict(p, "ids", right, why);
    triad_tokens_free(&own);
    free(l.text);
    free(l.line);
}

static bool is_input(const char *name)
{
    return strcmp(name, "offsets") == 0 || strcmp(name, "images") == 0 || strncmp(name, "extra_images", 12) == 0;
}

static size_t checks(const parity *p)
{
    size_t count = 0;
    for (size_t i = 0; i < safetensors_count(p->golden); i++)
        count += is_input(safetensors_at(p->golden, i)->name) ? 0 : 1;
    return count;
}

static void compare(parity *p, const char *folder)
{
    triad_error err;
    triad_pool *pool = NULL;
    triad_status status = triad_pool_create(&pool, triad_machine_threads(), &err);
    check_ids(p, folder);
    p->seen[index_of(p, safetensors_find(p->golden, "ids"))] = true;
    if (safetensors_find(p->golden, "decoder_ids") != NULL) check_prompt(p);
    p->layers = p->prompted ? "decoder_hidden" : "hidden";
    p->projected = "text_embeds";
    if (status == TRIAD_OK) status = triad_model_run(p->model, &p->tokens, NULL, pool, NULL, check_states, p, &err);
    if (status == TRIAD_OK && safetensors_find(p->golden, "images") != NULL) status = check_images(p, pool, &err);
    if (status != TRIAD_OK) printf("%s\n", err.text);
    for (size_t i = 0; i < safetensors_count(p->golden); i++) {
        const char *name = safetensors_at(p->golden, i)->name;
        if (!p->seen[i] && !is_input(name)) verdict(p, name, false, "nothing computes it");
    }
    triad_pool_free(pool);
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: model_parity DIR [MODEL]\n");
        return 2;
    }
    openblas_set_num_threads(1);
    triad_error err;
    parity p = {0};
    char *golden = triad_path_join(argv[1], "golden.safetensors"), *path = model_path(argv[argc - 1]);
    triad_status status = golden == NULL || path == NULL ? TRIAD_ERR_MEMORY : safetensors_open(&p.golden, golden, &err);
    size_t total = 1;
    if (status == TRIAD_OK) {
        total = checks(&p);
        p.seen = calloc(safetensors_count(p.golden) + 1, sizeof *p.seen);
        status = p.seen == NULL ? triad_fail(&err, TRIAD_ERR_MEMORY, -1, "out of memory") : read_tokens(&p, &err);
    }
    if (status == TRIAD_OK) status = triad_model_open(&p.model, path, &err);
    if (status == TRIAD_OK) {
        p.info = triad_model_describe(p.model);
        p.tolerance = p.info->reduced ? 1e-4 : 1e-5;
        compare(&p, argv[1]);
    } else {
        printf("%s\n", err.text);
        p.failed = total;
    }
    printf("%zu passed, %zu failed\n", p.passed, p.failed);
    triad_model_close(p.model);
    safetensors_close(p.golden);
    triad_tokens_free(&p.tokens);
    free(p.seen);
    free(golden);
    free(path);
    return p.failed == 0 && p.passed > 0 ? 0 : 1;
}
