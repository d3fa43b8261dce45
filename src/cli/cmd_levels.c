#include "cli/commands.h"
#include "cli/pick_levels.h"

#include <stdio.h>
#include <string.h>

static const struct {
    unsigned bit;
    const char *name;
} KINDS[] = {
    {BABYAI_SAYS_GO_TO, "go to"},          {BABYAI_SAYS_PICK_UP, "pick up"}, {BABYAI_SAYS_OPEN, "open"},
    {BABYAI_SAYS_PUT_NEXT, "put next to"}, {BABYAI_SAYS_AND, "and"},         {BABYAI_SAYS_THEN, "then"},
    {BABYAI_SAYS_AFTER, "after"},
};
enum { KIND_COUNT = sizeof KINDS / sizeof *KINDS };
static const char RULE[] =
    "one room's cells (size x size) times the rooms, for each thing to be reached: 2 for \"put next to\", 1 for any "
    "other action, added up over the actions of the instruction";

static void print_table(const babyai_level *const *levels, size_t count)
{
    printf("%-22s %-12s %-43s %s\n", "level", "rooms", "instructions", "step limit");
    for (size_t i = 0; i < count; i++) {
        const babyai_level_info info = babyai_level_describe(levels[i]);
        char rooms[32], kinds[96] = "", steps[32];
        snprintf(rooms, sizeof rooms, "%d x %d of %d", info.columns, info.rows, info.room_size);
        for (int k = 0; k < KIND_COUNT; k++)
            if (info.says & KINDS[k].bit) {
                if (kinds[0]) strcat(kinds, ", ");
                strcat(kinds, KINDS[k].name);
            }
        if (info.fewest_steps == info.most_steps)
            snprintf(steps, sizeof steps, "%d", info.most_steps);
        else
            snprintf(steps, sizeof steps, "%d to %d", info.fewest_steps, info.most_steps);
        printf("%-22s %-12s %-43s %s%s\n", babyai_level_name(levels[i]), rooms, kinds, steps,
               info.max_steps ? " (fixed)" : "");
    }
    printf("\nrooms: columns x rows of side, walls included (neighbours share one). Full ids are BabyAI-NAME-v0, of "
           "GoToObjS6 -v1.\n"
           "Step limit: fixed where it says so; else %s.\n",
           RULE);
}

static json_object *to_json(const babyai_level *const *levels, size_t count)
{
    json_object *root = json_object_new_object(), *list = json_object_new_array();
    for (size_t i = 0; i < count; i++) {
        const babyai_level_info info = babyai_level_describe(levels[i]);
        json_object *row = json_object_new_object(), *kinds = json_object_new_array();
        for (int k = 0; k < KIND_COUNT; k++)
            if (info.says & KINDS[k].bit) json_object_array_add(kinds, json_object_new_string(KINDS[k].name));
        json_object_object_add(row, "level", json_object_new_string(babyai_level_name(levels[i])));
        json_object_object_add(row, "id", json_object_new_string(info.id));
        json_object_object_add(row, "columns", json_object_new_int(info.columns));
        json_object_object_add(row, "rows", json_object_new_int(info.rows));
        json_object_object_add(row, "room_size", json_object_new_int(info.room_size));
        json_object_object_add(row, "width", json_object_new_int(info.width));
        json_object_object_add(row, "height", json_object_new_int(info.height));
        json_object_object_add(row, "instructions", kinds);
        json_object_object_add(row, "max_steps", info.max_steps ? json_object_new_int(info.max_steps) : NULL);
        json_object_object_add(row, "steps_per_action", json_object_new_int(info.steps_per_action));
        json_object_object_add(row, "fewest_steps", json_object_new_int(info.fewest_steps));
        json_object_object_add(row, "most_steps", json_object_new_int(info.most_steps));
        json_object_array_add(list, row);
    }
    json_object_object_add(root, "step_rule", json_object_new_string(RULE));
    json_object_object_add(root, "levels", list);
    return root;
}

int cmd_levels(cli_context *context, int argc, char **argv)
{
    const cli_usage usage = {
        .command = "levels",
        .arguments = "[LEVEL…]",
        .description = "Lists BabyAI's levels: their rooms, what their instructions are made of, and after how many "
                       "steps an episode is cut\n"
                       "off. All 96, or those that are named.\n\n"
                       "  triad levels\n"
                       "  triad levels GoToLocal BabyAI-BossLevel-v0 --json\n",
        .min_positional = 0,
        .max_positional = CLI_LEVELS_MOST,
    };
    const char **positional;
    size_t count;
    const int parsed = cli_parse(context, &usage, NULL, 0, argc, argv, &positional, &count);
    if (parsed != CLI_GO) return parsed;
    const babyai_level *levels[CLI_LEVELS_MOST];
    const cli_list names = {count, positional};
    const int picked = cli_pick_levels(levels, &usage, &names);
    if (picked != CLI_GO) return picked;
    for (; count < babyai_level_count() && names.count == 0; count++) levels[count] = babyai_level_at(count);
    if (context->json) return cli_print_json(to_json(levels, count));
    print_table(levels, count);
    return CLI_DONE;
}
