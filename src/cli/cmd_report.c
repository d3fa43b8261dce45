#include "cli/commands.h"

#include <stdio.h>

#include "experiment/study.h"

int cmd_report(cli_context *context, int argc, char **argv)
{
    const char *output = NULL;
    const cli_option options[] = {
        {.name = "output",
         .letter = 'o',
         .kind = CLI_STRING,
         .argument = "FILE.html",
         .help = "The page.",
         .value = &output,
         .required = true},
    };
    const cli_usage usage = {
        .command = "report",
        .arguments = "DIR -o FILE.html",
        .description = "Writes the page of a finished study anew, from DIR/results.json: one file, nothing fetched "
                       "from anywhere.\n\n"
                       "  triad report runs/quick -o quick.html\n",
        .min_positional = 1,
        .max_positional = 1,
    };
    const char **positional;
    size_t count;
    const int parsed =
        cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, &positional, &count);
    if (parsed != CLI_GO) return parsed;
    const triad_status status = experiment_report(positional[0], output, &context->error);
    if (status != TRIAD_OK) return cli_fail(&context->error);
    if (!context->json) {
        if (!context->quiet) printf("%s\n", output);
        return CLI_DONE;
    }
    json_object *root = json_object_new_object();
    json_object_object_add(root, "report", json_object_new_string(output));
    return cli_print_json(root);
}
