/* `triad train --config`: a YAML file of numbers into the options of training. */
#ifndef TRIAD_CLI_TRAIN_CONFIG_H
#define TRIAD_CLI_TRAIN_CONFIG_H

#include "base/arena.h"
#include "triad/agent.h"

/* Presets options with what the file says; what it does not name stays. shares [levels] of `levels`, in the arena,
 * where the file gives any: it must then name each of the levels. */
TRIAD_NODISCARD triad_status train_config_read(triad_train_options *options, const char *path, triad_arena *arena,
                                               triad_error *err);

#endif
