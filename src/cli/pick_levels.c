#include "cli/pick_levels.h"

#include "base/text.h"

#include <string.h>

/* The name of that level, short or full as the user writes them, that is nearest. */
static int unknown_level(const cli_usage *usage, const char *name)
{
    static const char family[] = "BabyAI-";
    const bool full = strncmp(name, family, sizeof family - 1) == 0;
    babyai_level_info info[CLI_LEVELS_MOST];
    const char *known[CLI_LEVELS_MOST];
    size_t count = 0;
    for (; count < babyai_level_count() && count < CLI_LEVELS_MOST; count++) {
        const babyai_level *level = babyai_level_at(count);
        info[count] = babyai_level_describe(level);
        known[count] = full ? info[count].id : babyai_level_name(level);
    }
    const char *near = triad_nearest_name(name, known, count);
    if (near) return cli_usage_error(usage, "%s: no such level (did you mean %s?)", name, near);
    return cli_usage_error(usage, "%s: no such level (triad levels lists them)", name);
}

int cli_pick_levels(const babyai_level *levels[CLI_LEVELS_MOST], const cli_usage *usage, const cli_list *names)
{
    if (names->count > CLI_LEVELS_MOST)
        return cli_usage_error(usage, "%zu levels are too many (at most %d)", names->count, CLI_LEVELS_MOST);
    for (size_t i = 0; i < names->count; i++) {
        levels[i] = babyai_level_find(names->names[i]);
        if (!levels[i]) return unknown_level(usage, names->names[i]);
        for (size_t j = 0; j < i; j++)
            if (levels[j] == levels[i]) return cli_usage_error(usage, "%s: the level is named twice", names->names[i]);
    }
    return CLI_GO;
}
