/* What --help prints. */
#ifndef TRIAD_CLI_HELP_H
#define TRIAD_CLI_HELP_H

#include "cli/cli.h"

#include <stdio.h>

/* The options that every command has, behind its own. */
#define CLI_COMMON_OPTIONS 5
enum { CLI_COMMON_JSON, CLI_COMMON_QUIET, CLI_COMMON_THREADS, CLI_COMMON_SEED, CLI_COMMON_HELP };
extern const cli_option CLI_COMMON[CLI_COMMON_OPTIONS];

void help_command(FILE *stream, const cli_usage *usage, const cli_option *options, size_t count);
void help_program(FILE *stream);

#endif
