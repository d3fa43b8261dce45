/* tokenizer_parity DIR CASES.jsonl: token ids against recorded ones, {"text": …, "ids": [ … ]} a line, special tokens
 * added. DIR: a folder with a tokenizer, a .gguf, or a vocabulary file. One check a case. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "formats/json.h"
#include "tokenizers/tokenizer.h"

static void print_ids(const char *label, const int32_t *id, size_t count)
{
    printf("  %s", label);
    for (size_t i = 0; i < count && i < 40; i++) printf(" %d", id[i]);
    printf("%s\n", count > 40 ? " …" : "");
}

static bool check(const tokenizer *tokens, json_object *record, size_t line)
{
    triad_error err;
    json_object *text = NULL, *wanted = NULL;
    if (json_object_is_type(record, json_type_object)) {
        text = json_find(record, "text", json_type_string);
        wanted = json_find(record, "ids", json_type_array);
    }
    if (text == NULL || wanted == NULL) {
        printf("line %zu: not {\"text\", \"ids\"}\n", line);
        return false;
    }
    tokenizer_ids ids = {0};
    if (tokenizer_encode(tokens, &ids, json_object_get_string(text), (size_t)json_object_get_string_len(text), 0,
                         &err) != TRIAD_OK) {
        printf("line %zu: %s\n", line, err.text);
        free(ids.id);
        return false;
    }
    const size_t count = json_object_array_length(wanted);
    bool right = count == ids.count;
    for (size_t i = 0; i < count && right; i++)
        right = json_object_get_int64(json_object_array_get_idx(wanted, i)) == ids.id[i];
    if (!right) {
        printf("line %zu: %.200s\n", line, json_object_to_json_string(text));
        print_ids("got   ", ids.id, ids.count);
        int32_t *copy = malloc((count + 1) * sizeof *copy);
        for (size_t i = 0; copy != NULL && i < count; i++)
            copy[i] = json_object_get_int(json_object_array_get_idx(wanted, i));
        if (copy != NULL) print_ids("wanted", copy, count);
        free(copy);
    }
    free(ids.id);
    return right;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: tokenizer_parity DIR CASES.jsonl\n");
        return 2;
    }
    triad_error err;
    tokenizer *tokens = NULL;
    char *text = NULL;
    size_t size = 0, passed = 0, failed = 0, line = 0;
    if (tokenizer_open_path(&tokens, argv[1], &err) != TRIAD_OK ||
        triad_read_whole(&text, &size, argv[2], (size_t)1 << 30, &err) != TRIAD_OK) {
        printf("%s\n0 passed, 1 failed\n", err.text);
        tokenizer_close(tokens);
        return 1;
    }
    for (char *at = text; at < text + size;) {
        char *stop = memchr(at, '\n', (size_t)(text + size - at));
        char *end = stop == NULL ? text + size : stop;
        line++;
        if (end > at) {
            json_object *record = NULL;
            bool right = false;
            if (json_read(&record, at, (size_t)(end - at), &err) != TRIAD_OK)
                printf("line %zu: %s\n", line, err.text);
            else
                right = check(tokens, record, line);
            json_object_put(record);
            right ? passed++ : failed++;
        }
        at = end + 1;
    }
    free(text);
    tokenizer_close(tokens);
    printf("%zu passed, %zu failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
