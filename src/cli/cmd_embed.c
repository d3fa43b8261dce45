#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

#include "embed/embed.h"

static char *join(triad_arena *arena, const cli_list *list)
{
    size_t size = 1;
    for (size_t i = 0; i < list->count; i++) size += strlen(list->names[i]) + 1;
    char *joined = triad_arena_zalloc(arena, size, 1);
    for (size_t i = 0; joined != NULL && i < list->count; i++) {
        if (i > 0) strcat(joined, ",");
        strcat(joined, list->names[i]);
    }
    return joined;
}

static int report(const cli_context *context, const triad_space *space, const char *path)
{
    if (!context->json) {
        printf("%s: %zu items of %s, pool %s, %zu layer%s:", path, space->items.count, space->source, space->pool,
               space->layers, space->layers == 1 ? "" : "s");
        for (size_t i = 0; i < space->layers; i++) printf(" %s", space->layer[i].name);
        printf("\n");
        return CLI_DONE;
    }
    json_object *root = json_object_new_object(), *layers = json_object_new_array();
    json_object_object_add(root, "items", json_object_new_int64((int64_t)space->items.count));
    json_object_object_add(root, "source", json_object_new_string(space->source));
    json_object_object_add(root, "pool", json_object_new_string(space->pool));
    json_object_object_add(root, "unit", json_object_new_string(space->unit));
    json_object_object_add(root, "layers", layers);
    for (size_t i = 0; i < space->layers; i++) {
        json_object *layer = json_object_new_object();
        json_object_object_add(layer, "name", json_object_new_string(space->layer[i].name));
        json_object_object_add(layer, "rows", json_object_new_int64((int64_t)space->layer[i].n));
        json_object_object_add(layer, "columns", json_object_new_int64((int64_t)space->layer[i].d));
        json_object_array_add(layers, layer);
    }
    return cli_print_json(root);
}

int cmd_embed(cli_context *context, int argc, char **argv)
{
    const char *sentences = NULL, *output = NULL, *last[] = {"last"};
    cli_list layers = {1, last};
    triad_embed_options wanted = triad_embed_defaults();
    const cli_option options[] = {
        {.name = "sentences",
         .kind = CLI_STRING,
         .argument = "FILE",
         .help = "Items: a .tsv with id and text, or plain text, a sentence a line.",
         .value = &sentences,
         .required = true},
        {.name = "output",
         .letter = 'o',
         .kind = CLI_STRING,
         .argument = "SPACE",
         .help = "The space: a .safetensors file.",
         .value = &output,
         .required = true},
        {.name = "layers",
         .kind = CLI_LIST,
         .argument = "last|all|NAME,…",
         .help = "Layers to keep.",
         .value = &layers},
        {.name = "pool",
         .kind = CLI_CHOICE,
         .argument = "P",
         .help = "How tokens become a sentence.",
         .value = &wanted.pool,
         .choices = "default|mean|mean-nofirst|last|cls|projected|tokens"},
        {.name = "unit",
         .kind = CLI_CHOICE,
         .argument = "UNIT",
         .help = "What a row stands for.",
         .value = &wanted.unit,
         .choices = "sentence"},
    };
    const cli_usage usage = {
        .command = "embed",
        .arguments = "SOURCE --sentences FILE -o SPACE",
        .description =
            "Turns sentences into a space.\n\n"
            "SOURCE is an agent, a folder of the Hugging Face kind, a repository of the Hugging Face cache (ORG/NAME: "
            "see triad pull), a .gguf, baseline:bow, baseline:length, "
            "baseline:factors or baseline:random (keyed by "
            "--seed). A model's layers "
            "are 0 (embeddings) to L, raw (a decoder's last residual before its norm) and projected (what a "
            "sentence-transformers folder puts "
            "behind the model); an agent's are words, 0 to L and instruction.\n\n"
            "--pool default is the family's convention: decoders take the mean of all tokens but the first, encoders "
            "the mean, "
            "sentence-transformers their own modules. tokens keeps every token, with offsets and ids beside the "
            "layers.\n\n"
            "  triad embed models/SmolLM2.gguf --sentences sentences.tsv --layers all -o smollm2.safetensors\n",
        .min_positional = 1,
        .max_positional = 1,
    };
    const char **positional;
    size_t count;
    const int parsed =
        cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, &positional, &count);
    if (parsed != CLI_GO) return parsed;
    triad_error *err = &context->error;
    wanted.seed = context->seed;
    wanted.layers = join(&context->memory, &layers);
    if (wanted.layers == NULL) {
        (void)triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
        return cli_fail(err);
    }
    triad_items items = {0};
    triad_space space = {0};
    triad_status status = triad_items_read(&items, sentences, err);
    if (status == TRIAD_OK)
        status = triad_embed(&space, positional[0], &items, &wanted, context->pool, context->progress, err);
    if (status == TRIAD_OK) status = triad_space_write(&space, output, err);
    const int code = status == TRIAD_OK ? report(context, &space, output) : cli_fail(err);
    triad_space_free(&space);
    triad_items_free(&items);
    return code;
}
