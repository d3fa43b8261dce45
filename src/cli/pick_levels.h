/* Levels by the names that a user gave. */
#ifndef TRIAD_CLI_PICK_LEVELS_H
#define TRIAD_CLI_PICK_LEVELS_H

#include "cli/cli.h"
#include "triad/babyai.h"

enum { CLI_LEVELS_MOST = 128 };

/* Short or full names; an unknown one fails with the nearest, one that comes twice is refused. */
TRIAD_NODISCARD triad_status cli_pick_levels(const babyai_level *levels[CLI_LEVELS_MOST], const cli_list *names, triad_error *err);

#endif
