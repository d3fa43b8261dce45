/* Demonstration files from memory. */
#ifndef TRIAD_BABYAI_DEMOS_READ_H
#define TRIAD_BABYAI_DEMOS_READ_H

#include "triad/babyai.h"

/* babyai_demos_open over bytes that the caller keeps alive. */
TRIAD_NODISCARD triad_status babyai_demos_parse(babyai_demos **demos, const void *bytes, size_t size, triad_error *err);

#endif
