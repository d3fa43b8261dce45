#include "cli/cli.h"

/* A command is declared here and gets its line in the table, in the order in which a user meets them. */

const cli_command CLI_COMMANDS[] = {
    {NULL, NULL, NULL}, /* the end */
};
const size_t CLI_COMMAND_COUNT = sizeof CLI_COMMANDS / sizeof *CLI_COMMANDS - 1;
