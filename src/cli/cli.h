/* The command framework. A command is one file, cmd_NAME.c, with one function: it declares its options as values
 * of its own, calls cli_parse, calls the rooms below, prints. It does no arithmetic. */
#ifndef TRIAD_CLI_H
#define TRIAD_CLI_H

#include "base/arena.h"
#include "formats/json.h"
#include "triad/base.h"

typedef enum cli_kind {
    CLI_FLAG,   /* bool * */
    CLI_STRING, /* const char ** */
    CLI_INT,    /* int64_t *, in [min, max]; any when both are 0 */
    CLI_REAL,   /* double *, finite, in [min, max]; any when both are 0 */
    CLI_CHOICE, /* const char **: one of the names in `choices`, "a|b|c" */
    CLI_LIST    /* cli_list *: comma-separated, may be given more than once */
} cli_kind;

typedef struct cli_list {
    size_t count;
    const char **names;
} cli_list;

/* The default shown by --help is what *value holds when cli_parse is called. */
typedef struct cli_option {
    const char *name; /* long name without "--" */
    char letter;      /* short name, or 0 */
    cli_kind kind;
    const char *argument; /* "N", "FILE", "L,…"; NULL for flags */
    const char *help;     /* one sentence */
    void *value;
    double min, max;     /* CLI_INT, CLI_REAL */
    const char *choices; /* CLI_CHOICE; for CLI_LIST an optional set */
    bool required;
} cli_option;

/* What every command has: --help --json --quiet --threads N --seed N. */
typedef struct cli_context {
    bool json, quiet;
    int threads;
    uint64_t seed;            /* default 0 */
    triad_pool *pool;         /* made by cli_parse, freed by main */
    triad_progress *progress; /* on stderr; silent with --quiet */
    triad_error error;        /* scratch for the command */
    triad_arena memory;       /* of the parsed lists and whatever a command keeps until its end */
} cli_context;

typedef struct cli_usage {
    const char *command;                   /* "levels" */
    const char *arguments;                 /* "SPACE SPACE… -o FILE.json" */
    const char *description;               /* paragraphs: what it does, what comes out, an example or two */
    size_t min_positional, max_positional; /* SIZE_MAX: any number */
} cli_usage;

/* Parses. On CLI_GO the command runs with *positional [*count] (borrowed); any other value is to be returned at once
 * (help was printed, or one line of usage error with the nearest name: status 2). */
enum { CLI_GO = -1, CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };
int cli_parse(cli_context *context, const cli_usage *usage, const cli_option *options, size_t option_count, int argc,
              char **argv, const char ***positional, size_t *count);

/* Prints "triad: TEXT" on stderr; returns CLI_FAILED. */
int cli_fail(const triad_error *err);
/* A usage error found after parsing; returns CLI_USAGE. */
int cli_usage_error(const cli_usage *usage, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints the document on stdout and puts it; fails when stdout can't be written. */
int cli_print_json(json_object *root);

/* Frees what cli_parse made: done by cli_main after the command. */
void cli_context_free(cli_context *context);

typedef struct cli_command {
    const char *name, *summary;
    int (*run)(cli_context *context, int argc, char **argv); /* argv[0] is the command's name */
} cli_command;

/* One line a command in commands.c, in the order in which a user meets them. */
extern const cli_command CLI_COMMANDS[];
extern const size_t CLI_COMMAND_COUNT;

/* The program: finds the command, runs it, reports what stdout could not take; returns the exit status. */
int cli_main(int argc, char **argv);

#endif
