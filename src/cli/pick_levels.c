#include "cli/pick_levels.h"

#include "base/text.h"

int cli_pick_levels(const babyai_level *levels[CLI_LEVELS_MOST], const cli_usage *usage, const cli_list *names)
{
    if (names->count > CLI_LEVELS_MOST)
        return cli_usage_error(usage, "%zu levels are too many (at most %d)", names->count, CLI_LEVELS_MOST);
    for (size_t i = 0; i < names->count; i++) {
        levels[i] = babyai_level_find(names->names[i]);
        if (!levels[i]) {
            const char *known[CLI_LEVELS_MOST];
            size_t count = 0;
            for (; count < babyai_level_count() && count < CLI_LEVELS_MOST; count++)
                known[count] = babyai_level_name(babyai_level_at(count));
            const char *near = triad_nearest_name(names->names[i], known, count);
            if (near) return cli_usage_error(usage, "%s: no such level (did you mean %s?)", names->names[i], near);
            return cli_usage_error(usage, "%s: no such level (triad levels lists them)", names->names[i]);
        }
        for (size_t j = 0; j < i; j++)
            if (levels[j] == levels[i]) return cli_usage_error(usage, "%s: the level is named twice", names->names[i]);
    }
    return CLI_GO;
}
