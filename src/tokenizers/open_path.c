/* A tokenizer from whatever a path leads to. */
#include "tokenizers/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum { MAX_FILE = 1 << 28, MAX_CONFIG = 1 << 26 };

/* The files of a tokenizer that has more than one. */
typedef struct member {
    char *bytes; /* NULL: absent */
    size_t size;
} member;

/* Absent is no failure. */
static triad_status read_member(member *file, const char *folder, const char *name, size_t limit, triad_error *err)
{
    *file = (member){0};
    char *path = triad_path_join(folder, name);
    if (path == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokenizer: out of memory");
    triad_status status = TRIAD_OK;
    if (triad_path_exists(path)) status = triad_read_whole(&file->bytes, &file->size, path, limit, err);
    free(path);
    return status;
}

typedef enum form { FORM_JSON, FORM_WORDS, FORM_MODEL, FORM_PAIRS } form;

static triad_status parse(tokenizer **tokens, form as, const member *file, const char *folder, triad_error *err)
{
    member config = {0}, merges = {0};
    triad_status status = TRIAD_OK;
    if (as != FORM_JSON && folder != NULL)
        status = read_member(&config, folder, "tokenizer_config.json", MAX_CONFIG, err);
    if (status == TRIAD_OK && as == FORM_PAIRS && folder != NULL) {
        status = read_member(&merges, folder, "merges.txt", MAX_FILE, err);
        if (status == TRIAD_OK && merges.bytes == NULL)
            status = triad_fail(err, TRIAD_ERR_NOT_FOUND, -1,
                                "tokenizer: vocab.json is there and merges.txt is not (put it beside)");
    }
    if (status == TRIAD_OK) switch (as) {
        case FORM_JSON:
            status = tokenizer_parse_json(tokens, file->bytes, file->size, err);
            break;
        case FORM_WORDS:
            status = tokenizer_parse_vocab(tokens, file->bytes, file->size, config.bytes, config.size, err);
            break;
        case FORM_MODEL:
            status = tokenizer_parse_model(tokens, file->bytes, file->size, config.bytes, config.size, err);
            break;
        case FORM_PAIRS:
            status = tokenizer_parse_pairs(tokens, file->bytes, file->size, merges.bytes, merges.size, config.bytes,
                                           config.size, err);
            break;
        }
    free(config.bytes);
    free(merges.bytes);
    return status;
}

triad_status tokenizer_open(tokenizer **tokens, const char *folder, triad_error *err)
{
    static const struct {
        const char *name;
        form as;
    } files[] = {{"tokenizer.json", FORM_JSON},
                 {"tokenizer.model", FORM_MODEL},
                 {"vocab.json", FORM_PAIRS},
                 {"vocab.txt", FORM_WORDS}};
    *tokens = NULL;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        member file;
        triad_status status = read_member(&file, folder, files[i].name, MAX_FILE, err);
        if (status != TRIAD_OK) return status;
        if (file.bytes == NULL) continue;
        status = parse(tokens, files[i].as, &file, folder, err);
        free(file.bytes);
        return status;
    }
    return triad_fail(
        err, TRIAD_ERR_NOT_FOUND, -1,
        "tokenizer: the folder has neither tokenizer.json, tokenizer.model, vocab.json nor vocab.txt (put one there)");
}

static bool ends_in(const char *path, const char *suffix)
{
    const size_t size = strlen(path), tail = strlen(suffix);
    return size >= tail && strcmp(path + size - tail, suffix) == 0;
}

static triad_status from_gguf(tokenizer **tokens, const char *path, triad_error *err)
{
    gguf *file = NULL;
    triad_status status = gguf_open(&file, path, err);
    if (status == TRIAD_OK) status = tokenizer_open_gguf(tokens, file, err);
    gguf_close(file);
    return status;
}

triad_status tokenizer_open_path(tokenizer **tokens, const char *path, triad_error *err)
{
    *tokens = NULL;
    if (triad_path_is_folder(path)) return tokenizer_open(tokens, path, err);
    if (ends_in(path, ".gguf")) return from_gguf(tokens, path, err);
    if (ends_in(path, "vocab.json")) {
        /* It says nothing without the merges beside it. */
        char *folder = strdup(path);
        if (folder == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "tokenizer: out of memory");
        char *slash = strrchr(folder, '/');
        if (slash != NULL) *slash = 0;
        member file;
        triad_status status = read_member(&file, slash != NULL ? folder : ".", "vocab.json", MAX_FILE, err);
        if (status == TRIAD_OK && file.bytes == NULL)
            status = triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "%s: no such file", path);
        if (status == TRIAD_OK) status = parse(tokens, FORM_PAIRS, &file, slash != NULL ? folder : ".", err);
        free(file.bytes);
        free(folder);
        return status;
    }
    member file = {0};
    triad_status status = triad_read_whole(&file.bytes, &file.size, path, MAX_FILE, err);
    const form as = ends_in(path, ".json") ? FORM_JSON : ends_in(path, ".model") ? FORM_MODEL : FORM_WORDS;
    if (status == TRIAD_OK) status = parse(tokens, as, &file, NULL, err);
    free(file.bytes);
    return status;
}
