#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tokenizers/tokenizer.h"
#include "triad/hub.h"
#include "triad/items.h"

static json_object *ids_to_json(const tokenizer_ids *ids)
{
    json_object *list = json_object_new_array();
    for (size_t i = 0; i < ids->count; i++) json_object_array_add(list, json_object_new_int(ids->id[i]));
    return list;
}

static triad_status print_sentences(const tokenizer *tokens, const triad_items *items, json_object *list,
                                    triad_error *err)
{
    tokenizer_ids ids = {0};
    triad_status status = TRIAD_OK;
    for (size_t i = 0; i < items->count && status == TRIAD_OK; i++) {
        ids.count = 0;
        status = tokenizer_encode(tokens, &ids, items->text[i], strlen(items->text[i]), 0, err);
        if (status != TRIAD_OK) {
            (void)triad_fail_in(err, items->id[i]);
        } else if (list != NULL) {
            json_object *row = json_object_new_object();
            json_object_object_add(row, "id", json_object_new_string(items->id[i]));
            json_object_object_add(row, "ids", ids_to_json(&ids));
            json_object_array_add(list, row);
        } else {
            for (size_t k = 0; k < ids.count; k++) printf("%s%d", k == 0 ? "" : " ", ids.id[k]);
            printf("\n");
        }
    }
    free(ids.id);
    return status;
}

int cmd_tokenize(cli_context *context, int argc, char **argv)
{
    const char *sentences = NULL;
    const cli_option options[] = {
        {.name = "sentences",
         .kind = CLI_STRING,
         .argument = "FILE",
         .help = "Items: a .tsv with id and text, or plain text, a sentence a line.",
         .value = &sentences,
         .required = true},
    };
    const cli_usage usage = {
        .command = "tokenize",
        .arguments = "SOURCE --sentences FILE",
        .description =
            "Prints the token ids of each sentence, one line each, special tokens included, nothing cut.\n\n"
            "SOURCE is a folder of the Hugging Face kind, a repository of the cache (see triad pull), a .gguf, a "
            "tokenizer.json, a tokenizer.model, a vocab.json with merges.txt beside it, or a vocab.txt.\n\n"
            "  triad tokenize models/all-minilm-l6-v2 --sentences sentences.tsv\n"
            "  triad tokenize Qwen/Qwen2.5-0.5B --sentences sentences.txt --json\n",
        .min_positional = 1,
        .max_positional = 1,
    };
    const char **positional;
    size_t count;
    const int parsed =
        cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, &positional, &count);
    if (parsed != CLI_GO) return parsed;
    tokenizer *tokens = NULL;
    triad_items items = {0};
    triad_error *err = &context->error;
    json_object *root = context->json ? json_object_new_object() : NULL,
                *list = context->json ? json_object_new_array() : NULL;
    if (root != NULL) json_object_object_add(root, "sentences", list);
    triad_status status = triad_items_read(&items, sentences, err);
    if (status == TRIAD_OK) {
        char *path;
        status = triad_hub_find(&path, positional[0], err);
        if (status == TRIAD_OK) { /* what it does not find it names itself */
            status = tokenizer_open_path(&tokens, path, err);
            free(path);
            if (status != TRIAD_OK) (void)triad_fail_in(err, positional[0]);
        }
    }
    if (status == TRIAD_OK) status = print_sentences(tokens, &items, list, err);
    tokenizer_close(tokens);
    triad_items_free(&items);
    if (status != TRIAD_OK) {
        json_object_put(root);
        return cli_fail(err);
    }
    return root != NULL ? cli_print_json(root) : CLI_DONE;
}
