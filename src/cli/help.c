#include "cli/help.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { WIDTH = 79, OPTION_INDENT = 26 };

const cli_option CLI_COMMON[CLI_COMMON_OPTIONS] = {
    [CLI_COMMON_JSON] = {.name = "json",
                         .kind = CLI_FLAG,
                         .help = "Print one JSON document on stdout, and nothing else there."},
    [CLI_COMMON_QUIET] = {.name = "quiet", .kind = CLI_FLAG, .help = "Show no progress."},
    [CLI_COMMON_THREADS] = {.name = "threads",
                            .kind = CLI_INT,
                            .argument = "N",
                            .help =
                                "Threads to work with; results are the same bytes for any number. Default: what the "
                                "affinity mask, the cgroup and SLURM_CPUS_PER_TASK allow."},
    [CLI_COMMON_SEED] = {.name = "seed",
                         .kind = CLI_INT,
                         .argument = "N",
                         .help = "Seed of every random choice. Default: 0."},
    [CLI_COMMON_HELP] = {.name = "help", .letter = 'h', .kind = CLI_FLAG, .help = "Print this."},
};

/* Columns that UTF-8 text takes. */
static size_t columns_of(const char *text, size_t bytes)
{
    size_t columns = 0;
    for (size_t i = 0; i < bytes; i++) columns += ((unsigned char)text[i] & 0xc0) != 0x80;
    return columns;
}

/* Words filled up to WIDTH, further lines indented; the cursor stands at `column` when it begins. Ends the line. */
static void fill(FILE *stream, const char *text, size_t bytes, size_t column, size_t indent)
{
    bool first = true;
    for (size_t at = 0; at < bytes;) {
        size_t end = at;
        while (end < bytes && text[end] != ' ' && text[end] != '\n') end++;
        const size_t width = columns_of(text + at, end - at);
        if (width > 0) {
            if (!first && column + 1 + width > WIDTH) {
                fprintf(stream, "\n%*s", (int)indent, "");
                column = indent;
            } else if (!first) {
                fputc(' ', stream);
                column++;
            }
            fwrite(text + at, 1, end - at, stream);
            column += width;
            first = false;
        }
        at = end + 1;
    }
    fputc('\n', stream);
}

/* Paragraphs are filled; lines that begin with a space (examples) stay as they are. */
static void description(FILE *stream, const char *text)
{
    while (*text != 0) {
        if (*text == '\n') {
            fputc('\n', stream);
            text++;
        } else if (*text == ' ') {
            const size_t length = strcspn(text, "\n");
            fprintf(stream, "%.*s\n", (int)length, text);
            text += length + (text[length] == '\n');
        } else {
            size_t length = 0;
            for (;;) {
                length += strcspn(text + length, "\n");
                if (text[length] == 0 || text[length + 1] == '\n' || text[length + 1] == ' ' || text[length + 1] == 0)
                    break;
                length++;
            }
            fill(stream, text, length, 0, 0);
            text += length + (text[length] == '\n');
        }
    }
}

/* "One of a, b, c." */
static void add_choices(triad_text *text, const cli_option *option)
{
    if (option->choices == NULL) return;
    triad_text_add(text, option->kind == CLI_LIST ? " Any of " : " One of ");
    for (const char *at = option->choices; *at != 0; at++) {
        if (*at == '|')
            triad_text_add(text, ", ");
        else
            triad_text_add_bytes(text, at, 1);
    }
    triad_text_add(text, ".");
}

static void add_default(triad_text *text, const cli_option *option)
{
    if (option->required) {
        triad_text_add(text, " Required.");
        return;
    }
    if (option->value == NULL) return;
    switch (option->kind) {
    case CLI_FLAG:
        break;
    case CLI_INT:
        triad_text_addf(text, " Default: %lld.", (long long)*(const int64_t *)option->value);
        break;
    case CLI_REAL:
        triad_text_addf(text, " Default: %g.", *(const double *)option->value);
        break;
    case CLI_STRING:
    case CLI_CHOICE: {
        const char *value = *(const char *const *)option->value;
        if (value != NULL && *value != 0) triad_text_addf(text, " Default: %s.", value);
        break;
    }
    case CLI_LIST: {
        const cli_list *list = option->value;
        for (size_t i = 0; i < list->count; i++)
            triad_text_addf(text, "%s%s", i == 0 ? " Default: " : ",", list->names[i]);
        if (list->count > 0) triad_text_add(text, ".");
        break;
    }
    }
}

static void print_option(FILE *stream, const cli_option *option)
{
    triad_text left = {0}, right = {0};
    if (option->letter != 0)
        triad_text_addf(&left, "  -%c, --%s", option->letter, option->name);
    else
        triad_text_addf(&left, "      --%s", option->name);
    if (option->argument != NULL) triad_text_addf(&left, " %s", option->argument);
    triad_text_add(&right, option->help);
    add_choices(&right, option);
    add_default(&right, option);
    if (!left.failed && !right.failed) {
        const size_t width = columns_of(left.bytes, left.size);
        fputs(left.bytes, stream);
        if (width + 2 > OPTION_INDENT)
            fprintf(stream, "\n%*s", OPTION_INDENT, "");
        else
            fprintf(stream, "%*s", (int)(OPTION_INDENT - width), "");
        fill(stream, right.bytes, right.size, OPTION_INDENT, OPTION_INDENT);
    }
    triad_text_free(&left);
    triad_text_free(&right);
}

void help_command(FILE *stream, const cli_usage *usage, const cli_option *options, size_t count)
{
    fprintf(stream, "Usage: triad %s", usage->command);
    if (usage->arguments != NULL && usage->arguments[0] != 0) fprintf(stream, " %s", usage->arguments);
    fputs("\n\n", stream);
    description(stream, usage->description);
    if (count > 0) fputs("\nOptions:\n", stream);
    for (size_t i = 0; i < count; i++) print_option(stream, &options[i]);
    fputs("\nEvery command has:\n", stream);
    for (size_t i = 0; i < CLI_COMMON_OPTIONS; i++) print_option(stream, &CLI_COMMON[i]);
}

void help_program(FILE *stream)
{
    fputs("Usage: triad COMMAND [OPTION…] [ARGUMENT…]\n\n", stream);
    description(stream,
                "Triad measures how far learning from language, from vision and from action arrives at the same\n"
                "representation of meaning: it trains an agent to follow instructions, reads the embeddings that the\n"
                "agent and other models form of the same sentences, and says how well the spaces align.\n");
    fputs("\nCommands:\n", stream);
    for (size_t i = 0; i < CLI_COMMAND_COUNT; i++) {
        fprintf(stream, "  %-12s", CLI_COMMANDS[i].name);
        fill(stream, CLI_COMMANDS[i].summary, strlen(CLI_COMMANDS[i].summary), 14, 14);
    }
    description(stream,
                "\ntriad COMMAND --help tells what a command does, with its options and examples; triad --version\n"
                "tells the version. Results go to stdout, progress and errors to stderr. Exit status: 0 done, 1 it\n"
                "failed, 2 wrong usage.\n");
}
