#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

#include "inspect/inspect.h"

enum { MOST_LINES = 40 };

static void print_value(const char *key, json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_array:
        printf("%-16s", key);
        for (size_t i = 0; i < json_object_array_length(value); i++)
            printf("%s%s", i == 0 ? "" : ", ", json_object_get_string(json_object_array_get_idx(value, i)));
        printf("\n");
        break;
    case json_type_object: {
        printf("%-16s", key);
        const char *gap = "";
        json_object_object_foreach(value, name, inner)
        {
            printf("%s%s %s", gap, name,
                   json_object_is_type(inner, json_type_string) ? json_object_get_string(inner)
                                                                : json_object_to_json_string(inner));
            gap = ", ";
        }
        printf("\n");
        break;
    }
    case json_type_boolean:
        printf("%-16s%s\n", key, json_object_get_boolean(value) ? "yes" : "no");
        break;
    default:
        printf("%-16s%s\n", key, json_object_get_string(value));
    }
}

static void print_tensors(json_object *list)
{
    const size_t count = json_object_array_length(list);
    for (size_t i = 0; i < count && i < MOST_LINES; i++) {
        json_object *tensor = json_object_array_get_idx(list, i), *shape = json_object_object_get(tensor, "shape");
        printf("  %-8s%s [", json_object_get_string(json_object_object_get(tensor, "type")),
               json_object_get_string(json_object_object_get(tensor, "name")));
        for (size_t k = 0; k < json_object_array_length(shape); k++)
            printf("%s%s", k == 0 ? "" : ", ", json_object_get_string(json_object_array_get_idx(shape, k)));
        printf("]\n");
    }
    if (count > MOST_LINES) printf("  … and %zu more (--json lists all)\n", count - MOST_LINES);
}

static void print_report(const char *source, json_object *report)
{
    json_object *tensors = NULL;
    printf("%s\n", source);
    json_object_object_foreach(report, key, value)
    {
        if (strcmp(key, "tensor_list") == 0)
            tensors = value;
        else if (!json_object_is_type(value, json_type_null))
            print_value(key, value);
    }
    if (tensors != NULL) print_tensors(tensors);
}

int cmd_info(cli_context *context, int argc, char **argv)
{
    bool deep = false;
    const cli_option options[] = {
        {.name = "deep",
         .kind = CLI_FLAG,
         .help = "Read every number too, and count NaN and infinities.",
         .value = &deep},
    };
    const cli_usage usage = {
        .command = "info",
        .arguments = "FILE|DIR|REPO",
        .description =
            "Says what a file holds and whether it is sound: a model (a folder of the Hugging Face kind, a .gguf, a "
            "repository of the "
            "cache), a tokenizer, safetensors, a space, an agent, demonstrations, results, items, an .npy. Whatever "
            "its format promises is "
            "checked; for a model it also says whether Triad runs it, or why not. Exit status 1 where it is not "
            "sound.\n\n"
            "  triad info models/SmolLM2.gguf\n"
            "  triad info sentence-transformers/all-MiniLM-L6-v2 --deep\n"
            "  triad info space.safetensors --json\n",
        .min_positional = 1,
        .max_positional = 1,
    };
    const char **source;
    size_t count;
    const int parsed =
        cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, &source, &count);
    if (parsed != CLI_GO) return parsed;
    json_object *report;
    if (inspect(&report, source[0], deep, context->progress, &context->error) != TRIAD_OK)
        return cli_fail(&context->error);
    const bool sound = json_object_get_boolean(json_object_object_get(report, "sound")) != 0;
    if (!sound) {
        (void)triad_fail(&context->error, TRIAD_ERR_FORMAT, -1, "%s",
                         json_object_get_string(json_object_object_get(report, "problem")));
        (void)triad_fail_in(&context->error, source[0]);
    }
    int code = CLI_DONE;
    if (context->json) {
        code = cli_print_json(report);
    } else {
        print_report(source[0], report);
        json_object_put(report);
    }
    return sound ? code : cli_fail(&context->error);
}
