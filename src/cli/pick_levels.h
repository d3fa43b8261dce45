/* Levels by the names that a user gave. */
#ifndef TRIAD_CLI_PICK_LEVELS_H
#define TRIAD_CLI_PICK_LEVELS_H

#include "cli/cli.h"
#include "triad/babyai.h"

enum { CLI_LEVELS_MOST = 128 };

/* Short or full names. One that does not exist or comes twice is wrong usage: a line on stderr that names the nearest,
 * and CLI_USAGE; else CLI_GO. */
int cli_pick_levels(const babyai_level *levels[CLI_LEVELS_MOST], const cli_usage *usage, const cli_list *names);

#endif
