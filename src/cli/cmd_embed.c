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

/* S.safetensors and mean: S.mean.safetensors. */
static const char *path_of_pool(triad_arena *arena, const char *output, const char *pool)
{
    const char *dot = strrchr(output, '.'), *slash = strrchr(output, '/');
    const size_t stem = dot != NULL && (slash == NULL || dot > slash) ? (size_t)(dot - output) : strlen(output);
    const size_t size = strlen(output) + strlen(pool) + 2;
    char *path = triad_arena_zalloc(arena, size, 1);
    if (path != NULL) snprintf(path, size, "%.*s.%s%s", (int)stem, output, pool, output + stem);
    return path;
}

/* A line, or with --json a document behind the others. */
static void report(const cli_context *context, json_object *documents, const triad_space *space, const char *path)
{
    if (!context->json) {
        printf("%s: %zu items of %s, pool %s, %zu layer%s:", path, space->items.count, space->source, space->pool,
               space->layers, space->layers == 1 ? "" : "s");
        for (size_t i = 0; i < space->layers; i++) printf(" %s", space->layer[i].name);
        printf("\n");
        return;
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
    json_object_array_add(documents, root);
}

int cmd_embed(cli_context *context, int argc, char **argv)
{
    const char *sentences = NULL, *output = NULL, *last[] = {"last"}, *convention[] = {"default"};
    cli_list layers = {1, last}, pools = {1, convention};
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
         .kind = CLI_LIST,
         .argument = "P,…",
         .help = "How tokens become a sentence: default, mean, mean-nofirst, last, cls, projected, tokens.",
         .value = &pools},
        {.name = "unit",
         .kind = CLI_CHOICE,
         .argument = "UNIT",
         .help = "What a row stands for.",
         .value = &wanted.unit,
         .choices = "sentence|word"},
    };
    const cli_usage usage = {
        .command = "embed",
        .arguments = "SOURCE --sentences FILE -o SPACE",
        .description =
            "Turns sentences into a space.\n\n"
            "SOURCE is an agent, a folder of the Hugging Face kind, a .gguf, baseline:bow, baseline:length, "
            "baseline:factors or baseline:random (keyed by "
            "--seed). A model's layers "
            "are 0 (embeddings) to L, raw (a decoder's last residual before its norm) and projected (what a "
            "sentence-transformers folder puts "
            "behind the model); an agent's are words, 0 to L and instruction.\n\n"
            "--pool default is the family's convention: decoders take the mean of all tokens but the first, encoders "
            "the mean, "
            "sentence-transformers their own modules. tokens keeps every token, with offsets and ids beside the "
            "layers. Several poolings of one pass through the model make a file each: -o S.safetensors --pool "
            "mean,last "
            "writes S.mean.safetensors and S.last.safetensors.\n\n"
            "--unit word gives a row for each distinct word of the sentences: its tokens' mean (or, with --pool last, "
            "its last token) averaged over where it occurs.\n\n"
            "Finished layers are kept in SPACE.partial until the space is written: a run that was killed goes on with "
            "the next layer when the same command is given again.\n\n"
            "  triad embed models/SmolLM2.gguf --sentences sentences.tsv --layers all -o smollm2.safetensors\n",
        .min_positional = 1,
        .max_positional = 1,
    };
    const char **positional;
    size_t count;
    const int parsed =
        cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, &positional, &count);
    if (parsed != CLI_GO) return parsed;
    for (size_t i = 0; i < pools.count; i++)
        if (!triad_embed_pooling(pools.names[i]))
            return cli_usage_error(&usage,
                                   "--pool: '%s' is none of default, mean, mean-nofirst, last, cls, projected, tokens",
                                   pools.names[i]);
    triad_error *err = &context->error;
    wanted.seed = context->seed;
    wanted.layers = join(&context->memory, &layers);
    wanted.pool = join(&context->memory, &pools);
    char *partial = triad_arena_zalloc(&context->memory, strlen(output) + sizeof ".partial", 1);
    if (wanted.layers == NULL || wanted.pool == NULL || partial == NULL) {
        (void)triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
        return cli_fail(err);
    }
    wanted.partial = strcat(strcpy(partial, output), ".partial");
    triad_items items = {0};
    triad_space spaces[EMBED_MAX_POOLS] = {0};
    size_t made = 0;
    triad_status status = triad_items_read(&items, sentences, err);
    if (status == TRIAD_OK)
        status =
            triad_embed_pools(spaces, &made, positional[0], &items, &wanted, context->pool, context->progress, err);
    json_object *documents = json_object_new_array();
    for (size_t i = 0; i < made && status == TRIAD_OK; i++) {
        const char *path = made == 1 ? output : path_of_pool(&context->memory, output, pools.names[i]);
        status = path == NULL ? triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory")
                              : triad_space_write(&spaces[i], path, err);
        if (status == TRIAD_OK) report(context, documents, &spaces[i], path);
    }
    for (size_t i = 0; i < made; i++) triad_space_free(&spaces[i]);
    triad_items_free(&items);
    if (status == TRIAD_OK && context->json) {
        /* One pooling is one document, as ever; several are a list. */
        json_object *root = made == 1 ? json_object_get(json_object_array_get_idx(documents, 0)) : documents;
        if (made == 1) json_object_put(documents);
        return cli_print_json(root);
    }
    json_object_put(documents);
    return status == TRIAD_OK ? CLI_DONE : cli_fail(err);
}
