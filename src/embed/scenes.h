/* Scenes in which an instruction has just been fulfilled: the last frames of the expert's episodes. */
#ifndef TRIAD_EMBED_SCENES_H
#define TRIAD_EMBED_SCENES_H

#include "triad/babyai.h"
#include "triad/image.h"

enum { SCENES_PER_ITEM = 8, SCENES_TILE = 28 };
#define SCENES_FIRST_SEED UINT64_C(3000000000)

typedef struct scene {
    const babyai_level *level;
    uint64_t seed;
} scene;

typedef struct scenes {
    size_t items;
    size_t *count; /* [items] scenes of each, SCENES_PER_ITEM or, where they were not met, fewer */
    scene *scene;  /* [items, SCENES_PER_ITEM], by rising seed */
} scenes;          /* zero-initialise; scenes_free */

/* Plays the levels by seeds from SCENES_FIRST_SEED on, each from there, until every item has its scenes or a level has
 * had 20,000 seeds and 4,000 more for each of its items. An item belongs to the first of the levels that can say it;
 * level_count 0 looks through all levels, those with few rooms first and of these the one that says most items. The
 * same scenes for any pool. */
TRIAD_NODISCARD triad_status scenes_find(scenes *found, const triad_items *items, const babyai_level *const *levels,
                                         size_t level_count, triad_pool *pool, triad_progress *progress,
                                         triad_error *err);
void scenes_free(scenes *found);

/* The last frame of the episode: the whole grid, tiles of SCENES_TILE pixels, what the agent sees lit as Minigrid
 * lights it. */
TRIAD_NODISCARD triad_status scene_render(triad_image *image, const scene *which, triad_error *err);

#endif
