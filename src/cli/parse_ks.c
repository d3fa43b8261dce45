#include "cli/parse_ks.h"

#include <stdlib.h>

int cli_parse_ks(const cli_usage *usage, const cli_list *list, size_t *ks, size_t k[ALIGN_MAX_KS])
{
    if (list->count == 0) return CLI_GO;
    *ks = 0;
    for (size_t i = 0; i < list->count; i++) {
        char *end;
        const long value = strtol(list->names[i], &end, 10);
        if (*list->names[i] == '\0' || *end != '\0' || value < 1 || value > 1000000 || *ks == ALIGN_MAX_KS ||
            (*ks > 0 && (size_t)value <= k[*ks - 1]))
            return cli_usage_error(usage, "--k %s: wants ascending whole numbers from 1", list->names[i]);
        k[(*ks)++] = (size_t)value;
    }
    return CLI_GO;
}
