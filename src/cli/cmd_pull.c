#include "cli/commands.h"

#include <stdio.h>

#include "triad/hub.h"

static json_object *to_json(const char *repository, const triad_pulled *pulled)
{
    json_object *root = json_object_new_object();
    json_object_object_add(root, "repository", json_object_new_string(repository));
    json_object_object_add(root, "commit", json_object_new_string(pulled->commit));
    json_object_object_add(root, "path", json_object_new_string(pulled->folder));
    json_object_object_add(root, "files", json_object_new_int64((int64_t)pulled->files));
    json_object_object_add(root, "fetched", json_object_new_int64((int64_t)pulled->fetched));
    json_object_object_add(root, "bytes", json_object_new_int64((int64_t)pulled->bytes));
    json_object_object_add(root, "bytes_fetched", json_object_new_int64((int64_t)pulled->bytes_fetched));
    return root;
}

int cmd_pull(cli_context *context, int argc, char **argv)
{
    bool all = false;
    const cli_option options[] = {
        {.name = "all", .kind = CLI_FLAG, .help = "Every file, not only what Triad reads.", .value = &all},
    };
    const cli_usage usage = {
        .command = "pull",
        .arguments = "REPO…",
        .description =
            "Downloads models from the Hugging Face hub into its cache, where every program of that world finds them, "
            "and prints their "
            "folders.\n\n"
            "REPO is ORG/NAME, with @REVISION (a branch, a tag or a commit; main by default) or /FILE behind it where "
            "wanted. What Triad "
            "reads is fetched: configuration, tokenizer, safetensors, the modules of sentence-transformers; of a "
            "repository that holds "
            "only GGUF files the one there is, or the one that /FILE names. What is in the cache stays; an interrupted "
            "download goes on "
            "where it stopped; every file's checksum is verified.\n\n"
            "The cache is $HF_HUB_CACHE, else $HF_HOME/hub, else ~/.cache/huggingface/hub. $HF_ENDPOINT names another "
            "hub, $HF_TOKEN (or "
            "the token of a log-in) opens private and gated repositories, $HF_HUB_OFFLINE keeps the network away. The "
            "token is sent to the "
            "hub alone.\n\n"
            "  triad pull HuggingFaceTB/SmolLM2-135M sentence-transformers/all-MiniLM-L6-v2\n"
            "  triad pull bartowski/SmolLM2-135M-Instruct-GGUF/SmolLM2-135M-Instruct-Q8_0.gguf\n"
            "  triad embed HuggingFaceTB/SmolLM2-135M --sentences sentences.tsv -o smollm2.safetensors\n",
        .min_positional = 1,
        .max_positional = SIZE_MAX,
    };
    const char **repository;
    size_t count;
    const int parsed =
        cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, &repository, &count);
    if (parsed != CLI_GO) return parsed;
    json_object *root = context->json ? json_object_new_object() : NULL,
                *list = context->json ? json_object_new_array() : NULL;
    if (root != NULL) json_object_object_add(root, "models", list);
    for (size_t i = 0; i < count; i++) {
        triad_pulled pulled;
        if (triad_hub_pull(&pulled, repository[i], all, context->progress, &context->error) != TRIAD_OK) {
            json_object_put(root);
            return context->error.code == TRIAD_ERR_ARGUMENT ? cli_usage_error(&usage, "%s", context->error.text)
                                                             : cli_fail(&context->error);
        }
        if (root != NULL)
            json_object_array_add(list, to_json(repository[i], &pulled));
        else
            printf("%s\n", pulled.folder);
        triad_pulled_free(&pulled);
    }
    return root != NULL ? cli_print_json(root) : CLI_DONE;
}
