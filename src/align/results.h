/* The results document as a JSON object, for commands that print it. */
#ifndef TRIAD_ALIGN_RESULTS_H
#define TRIAD_ALIGN_RESULTS_H

#include "formats/json.h"
#include "triad/align.h"

/* The caller's (json_object_put). */
json_object *triad_align_to_json(const triad_align_result *result);

#endif
