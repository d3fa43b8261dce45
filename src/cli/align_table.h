/* The readable table of `triad align`. */
#ifndef TRIAD_CLI_ALIGN_TABLE_H
#define TRIAD_CLI_ALIGN_TABLE_H

#include "formats/json.h"
#include "triad/align.h"

/* The headline figures of every pair, or every measure by name where the user chose them; then what the nulls could do.
 */
void cli_print_alignment(const triad_align_result *result, bool chosen);

/* The same figures of seeds, ceilings and differences, from the document that the result was made into. */
void cli_print_together(const triad_align_result *result, json_object *document, bool chosen);

#endif
