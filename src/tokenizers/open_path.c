/* A tokenizer from whatever a path leads to. */
#include "tokenizers/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum { MAX_FILE = 1 << 28 };

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
    char *text = NULL;
    size_t size = 0;
    triad_status status = triad_read_whole(&text, &size, path, MAX_FILE, err);
    if (status == TRIAD_OK)
        status = ends_in(path, ".json") ? tokenizer_parse_json(tokens, text, size, err)
                                        : tokenizer_parse_vocab(tokens, text, size, NULL, 0, err);
    free(text);
    return status;
}
