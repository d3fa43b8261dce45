#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/pick_images.h"
#include "cli/pick_levels.h"
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

/* A line, or with --json a document behind the others. met [items], or NULL where no scenes were looked for. */
static void report(const cli_context *context, json_object *documents, const triad_space *space, const char *path,
                   const triad_items *items, const size_t *met)
{
    if (!context->json) {
        printf("%s: %zu items of %s, pool %s, %zu layer%s:", path, space->items.count, space->source, space->pool,
               space->layers, space->layers == 1 ? "" : "s");
        for (size_t i = 0; i < space->layers; i++) printf(" %s", space->layer[i].name);
        printf("\n");
        for (size_t i = 0; met != NULL && i < items->count; i++)
            if (met[i] == 0) printf("never met, left out: %s\n", items->id[i]);
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
    if (met != NULL) {
        json_object *never = json_object_new_array(), *scenes = json_object_new_object();
        for (size_t i = 0; i < items->count; i++) {
            if (met[i] == 0) json_object_array_add(never, json_object_new_string(items->id[i]));
            json_object_object_add(scenes, items->id[i], json_object_new_int64((int64_t)met[i]));
        }
        json_object_object_add(root, "scenes", scenes);
        json_object_object_add(root, "never_met", never);
    }
    json_object_array_add(documents, root);
}

/* What a row stands for. */
typedef struct request {
    const char *source, *sentences, *output;
    const char *const *images;
    size_t image_count;
    bool scenes;
    const babyai_level *const *levels;
    size_t level_count;
    const cli_list *pools;
} request;

/* Where the spaces shall go, before hours of work. */
static triad_status check_outputs(cli_context *context, const request *r)
{
    triad_error *err = &context->error;
    if (r->pools->count < 2) return triad_atomic_check(r->output, err);
    for (size_t i = 0; i < r->pools->count; i++) {
        const char *path = path_of_pool(&context->memory, r->output, r->pools->names[i]);
        if (path == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
        const triad_status status = triad_atomic_check(path, err);
        if (status != TRIAD_OK) return status;
    }
    return TRIAD_OK;
}

static int run(cli_context *context, const request *r, const triad_embed_options *wanted)
{
    triad_error *err = &context->error;
    triad_items items = {0};
    triad_space spaces[EMBED_MAX_POOLS] = {0};
    size_t made = 1;
    size_t *met = NULL;
    triad_status status = check_outputs(context, r);
    if (status == TRIAD_OK && r->image_count == 0) status = triad_items_read(&items, r->sentences, err);
    if (status == TRIAD_OK && r->scenes) {
        met = triad_arena_zalloc(&context->memory, items.count + 1, sizeof *met);
        if (met == NULL) status = triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
    }
    if (status == TRIAD_OK && r->image_count > 0)
        status = triad_embed_images(&spaces[0], r->source, r->images, r->image_count, wanted, context->pool,
                                    context->progress, err);
    else if (status == TRIAD_OK && r->scenes)
        status = triad_embed_scenes(&spaces[0], r->source, &items, r->levels, r->level_count, met, wanted,
                                    context->pool, context->progress, err);
    else if (status == TRIAD_OK)
        status = triad_embed_pools(spaces, &made, r->source, &items, wanted, context->pool, context->progress, err);
    json_object *documents = json_object_new_array();
    for (size_t i = 0; i < made && status == TRIAD_OK; i++) {
        const char *path = made == 1 ? r->output : path_of_pool(&context->memory, r->output, r->pools->names[i]);
        status = path == NULL ? triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory")
                              : triad_space_write(&spaces[i], path, err);
        if (status == TRIAD_OK) report(context, documents, &spaces[i], path, &items, met);
    }
    if (status == TRIAD_OK) triad_embed_forget(wanted->partial);
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

int cmd_embed(cli_context *context, int argc, char **argv)
{
    const char *sentences = NULL, *output = NULL, *images = NULL, *last[] = {"last"}, *convention[] = {"default"};
    cli_list layers = {1, last}, levels = {0}, pools = {1, convention};
    bool scenes = false;
    triad_embed_options wanted = triad_embed_defaults();
    const cli_option options[] = {
        {.name = "sentences",
         .kind = CLI_STRING,
         .argument = "FILE",
         .help = "Items: a .tsv with id and text, or plain text, a sentence a line.",
         .value = &sentences},
        {.name = "images",
         .kind = CLI_STRING,
         .argument = "FILE…",
         .help = "Images instead, by the image tower of CLIP or BLIP: PNG files, or a folder of them.",
         .value = &images},
        {.name = "scenes",
         .kind = CLI_FLAG,
         .help = "Scenes of the sentences instead, by the image tower: frames in which each has just been fulfilled.",
         .value = &scenes},
        {.name = "levels",
         .kind = CLI_LIST,
         .argument = "L,…",
         .help = "With --scenes: the levels that are played (default: by the sentences).",
         .value = &levels},
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
         .help = "How tokens become a sentence: default, mean, mean-nofirst, last, cls, eos, projected, tokens.",
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
        .arguments = "SOURCE (--sentences FILE [--scenes] | --images FILE…) -o SPACE",
        .description =
            "Turns sentences or images into a space.\n\n"
            "SOURCE is an agent, a folder of the Hugging Face kind, a repository of the Hugging Face cache (ORG/NAME: "
            "see triad pull), a .gguf, baseline:bow, baseline:length, "
            "baseline:factors or baseline:random (keyed by --seed). A model's layers are 0 (embeddings) to L, raw (a "
            "decoder's last residual before its norm) and projected (what CLIP, BLIP and sentence-transformers folders "
            "put behind the model); an agent's are words, 0 to L and instruction.\n\n"
            "--pool default is the family's convention: decoders take the mean of all tokens but the first, encoders "
            "the mean, CLIP its end of text (eos) and BLIP its first token (cls), both projected where the last layer "
            "is "
            "asked for, sentence-transformers their own modules. tokens keeps every token, with offsets and ids beside "
            "the layers. Several poolings of one pass through the model make a file each: -o S.safetensors --pool "
            "mean,last writes S.mean.safetensors and S.last.safetensors.\n\n"
            "--unit word gives a row for each distinct word of the sentences: its tokens' mean (or, with --pool last, "
            "its last token) averaged over where it occurs.\n\n"
            "Finished layers are kept in the folder SPACE.layers until the space is made: a run that was killed goes "
            "on with "
            "the next layer when the same command is given again.\n\n"
            "--images and --scenes go through the image tower of CLIP or BLIP. An image's id is its file's name "
            "without "
            "the ending, so that \"go to the red ball.png\" pairs with that sentence. --scenes plays BabyAI's levels "
            "by "
            "the expert, takes the last frames of 8 episodes for each instruction and averages over them; instructions "
            "that it never met are named and left out.\n\n"
            "  triad embed models/SmolLM2.gguf --sentences sentences.tsv --layers all -o smollm2.safetensors\n"
            "  triad embed models/clip-vit-base-patch32 --sentences sentences.tsv --scenes -o scenes.safetensors\n"
            "  triad embed models/clip-vit-base-patch32 --images frames/ -o frames.safetensors\n",
        .min_positional = 1,
        .max_positional = SIZE_MAX,
    };
    const char **positional;
    size_t count;
    const int parsed =
        cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, &positional, &count);
    if (parsed != CLI_GO) return parsed;
    for (size_t i = 0; i < pools.count; i++) {
        if (!triad_embed_pooling(pools.names[i]))
            return cli_usage_error(
                &usage, "--pool: '%s' is none of default, mean, mean-nofirst, last, cls, eos, projected, tokens",
                pools.names[i]);
        for (size_t k = 0; k < i; k++)
            if (strcmp(pools.names[i], pools.names[k]) == 0)
                return cli_usage_error(&usage, "--pool: '%s' is given twice (name each once)", pools.names[i]);
    }
    triad_error *err = &context->error;
    if (images == NULL && count > 1)
        return cli_usage_error(&usage, "one SOURCE is embedded at a time (\"%.60s\" is one more)", positional[1]);
    if (images != NULL && (sentences != NULL || scenes))
        return cli_usage_error(&usage, "--images stands alone: it goes with neither --sentences nor --scenes");
    if (images == NULL && sentences == NULL)
        return cli_usage_error(&usage, "--sentences FILE is missing (or --images FILE…)");
    if (levels.count > 0 && !scenes) return cli_usage_error(&usage, "--levels goes with --scenes");
    const babyai_level *played[CLI_LEVELS_MOST];
    const int picked = levels.count > 0 ? cli_pick_levels(played, &usage, &levels) : CLI_GO;
    if (picked != CLI_GO) return picked;
    wanted.seed = context->seed;
    wanted.layers = join(&context->memory, &layers);
    wanted.pool = join(&context->memory, &pools);
    char *partial = triad_arena_zalloc(&context->memory, strlen(output) + sizeof ".layers", 1);
    if (partial != NULL && !triad_path_is_device(output)) wanted.partial = strcat(strcpy(partial, output), ".layers");
    if (wanted.layers == NULL || wanted.pool == NULL || partial == NULL) {
        (void)triad_fail(err, TRIAD_ERR_MEMORY, -1, "embed: out of memory");
        return cli_fail(err);
    }
    request r = {.source = positional[0],
                 .sentences = sentences,
                 .output = output,
                 .scenes = scenes,
                 .levels = played,
                 .level_count = levels.count,
                 .pools = &pools};
    if (images != NULL) {
        /* The first file is the option's, the others stand behind SOURCE. */
        positional[0] = images;
        if (cli_pick_images(&r.images, &r.image_count, context, positional, count, err) != TRIAD_OK)
            return cli_fail(err);
    }
    return run(context, &r, &wanted);
}
