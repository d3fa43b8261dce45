/* The option --k of several commands. */
#ifndef TRIAD_CLI_PARSE_KS_H
#define TRIAD_CLI_PARSE_KS_H

#include "cli/cli.h"
#include "triad/align.h"

/* Ascending whole numbers from 1 into k; as they are where the list is empty. CLI_GO, or what a usage error returns. */
int cli_parse_ks(const cli_usage *usage, const cli_list *list, size_t *ks, size_t k[ALIGN_MAX_KS]);

#endif
