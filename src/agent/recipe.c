#include "agent/recipe.h"

#include <string.h>

#define SHORT_RUN 5 /* TFLOP */

/* Sentences about places and about two objects are learnt last, so their levels are shown more often; a maze's episode
 * has six times the steps of a room's. Budgets add up: what one level teaches serves the others, and docs/agent.md
 * gives what was measured. */
static const struct {
    const char *level;
    double share, tflop;
} RECIPE[] = {
    {"GoToRedBall", 0.11, 4},  {"GoToLocal", 0.11, 6},  {"PickupLoc", 0.29, 6},     {"PickupDist", 0.06, 6},
    {"PutNextLocal", 0.29, 6}, {"OpenDoor", 0.14, 6},   {"ActionObjDoor", 0.11, 6}, {"GoTo", 0.2, 34},
    {"Synth", 0.35, 50},       {"BossLevel", 1, 150},
};
static const struct {
    double share, tflop;
} ROOM = {0.11, 6}, MAZE = {0.2, 34}; /* levels that the table does not name */

double recipe_share(const babyai_level *level)
{
    for (size_t i = 0; i < sizeof RECIPE / sizeof *RECIPE; i++)
        if (strcmp(RECIPE[i].level, babyai_level_name(level)) == 0) return RECIPE[i].share;
    const babyai_level_info info = babyai_level_describe(level);
    return info.rows * info.columns == 1 ? ROOM.share : MAZE.share;
}

static double level_tflop(const babyai_level *level)
{
    for (size_t i = 0; i < sizeof RECIPE / sizeof *RECIPE; i++)
        if (strcmp(RECIPE[i].level, babyai_level_name(level)) == 0) return RECIPE[i].tflop;
    const babyai_level_info info = babyai_level_describe(level);
    return info.rows * info.columns == 1 ? ROOM.tflop : MAZE.tflop;
}

double recipe_tflop(const babyai_level *const *levels, size_t count)
{
    double sum = 0;
    for (size_t l = 0; l < count; l++) sum += level_tflop(levels[l]);
    return sum;
}

size_t recipe_batch_steps(const babyai_level *const *levels, size_t count)
{
    return recipe_tflop(levels, count) < SHORT_RUN ? 128 : 256;
}

double recipe_learning_rate(const babyai_level *const *levels, size_t count)
{
    return recipe_tflop(levels, count) < SHORT_RUN ? 1.2e-3 : 8e-4;
}
