/* Image files by the names that a user gave. */
#ifndef TRIAD_CLI_PICK_IMAGES_H
#define TRIAD_CLI_PICK_IMAGES_H

#include "cli/cli.h"

/* The names themselves; in the place of a folder its files that end in .png, by name. *paths [*count] live in the
 * context's memory. */
TRIAD_NODISCARD triad_status cli_pick_images(const char *const **paths, size_t *count, cli_context *context,
                                             const char *const *names, size_t name_count, triad_error *err);

#endif
