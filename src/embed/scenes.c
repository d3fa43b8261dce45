#include "embed/scenes.h"

#include <stdlib.h>
#include <string.h>

#include "base/progress.h"

enum {
    ROUND = 2048, /* seeds between two looks at what is still wanted: fixed, so that any pool finds the same */
    TILE_SEEDS = 32,
    PATIENCE = 20000,
    PATIENCE_ITEM = 4000
};

/* ---- an episode */
/* From a reset environment to its end. */
static triad_status play(babyai_env *env, babyai_bot *bot, bool *solved, triad_error *err)
{
    (void)err;
    *solved = false;
    for (int taken = -1;;) {
        babyai_action action;
        if (babyai_bot_act(bot, taken, &action, NULL) != TRIAD_OK) return TRIAD_OK; /* the expert gave up */
        double reward;
        bool terminated, truncated;
        babyai_step(env, action, &reward, &terminated, &truncated);
        taken = (int)action;
        if (!terminated && !truncated) continue;
        *solved = terminated && reward > 0;
        return TRIAD_OK;
    }
}

triad_status scene_render(triad_image *image, const scene *which, triad_error *err)
{
    *image = (triad_image){0};
    babyai_env *env = NULL;
    babyai_bot *bot = NULL;
    bool solved = false;
    size_t height, width;
    triad_status status = babyai_create(&env, which->level, err);
    if (status == TRIAD_OK) status = babyai_reset_seed(env, which->seed, err);
    if (status == TRIAD_OK) status = babyai_bot_create(&bot, env, err);
    if (status == TRIAD_OK) status = play(env, bot, &solved, err);
    if (status == TRIAD_OK) {
        babyai_frame_size(env, SCENES_TILE, false, &height, &width);
        status = triad_image_create(image, height, width, err);
    }
    if (status == TRIAD_OK) status = babyai_render(env, SCENES_TILE, true, false, image->rgb, err);
    if (status != TRIAD_OK) triad_image_free(image);
    babyai_bot_free(bot);
    babyai_free(env);
    return status;
}

/* ---- which level says an item */
typedef struct candidate {
    const babyai_level *level;
    bool *says; /* [items]; NULL: more than can be listed */
    int rooms;
} candidate;

static int by_text(const void *key, const void *element)
{
    return strcmp(key, *(char *const *)element);
}

static triad_status list_items(candidate *c, const babyai_level *level, const triad_items *items, triad_error *err)
{
    const babyai_level_info info = babyai_level_describe(level);
    *c = (candidate){.level = level, .rooms = info.columns * info.rows};
    triad_items all = {0};
    triad_error why;
    const triad_status status = babyai_sentences(&all, &level, 1, &why);
    if (status == TRIAD_ERR_RANGE) return TRIAD_OK;
    if (status != TRIAD_OK) return triad_fail(err, why.code, why.position, "%s", why.text);
    c->says = calloc(items->count, sizeof *c->says);
    for (size_t i = 0; c->says != NULL && i < items->count; i++)
        c->says[i] = bsearch(items->text[i], all.text, all.count, sizeof *all.text, by_text) != NULL;
    triad_items_free(&all);
    return c->says != NULL ? TRIAD_OK : triad_fail(err, TRIAD_ERR_MEMORY, -1, "scenes: out of memory");
}

/* level_of [items]: the level that each item is played in, NULL: none says it. */
static triad_status assign(const babyai_level **level_of, const triad_items *items, triad_error *err)
{
    const size_t count = babyai_level_count();
    candidate *list = calloc(count, sizeof *list);
    triad_status status = list != NULL ? TRIAD_OK : triad_fail(err, TRIAD_ERR_MEMORY, -1, "scenes: out of memory");
    for (size_t l = 0; l < count && status == TRIAD_OK; l++)
        status = list_items(&list[l], babyai_level_at(l), items, err);
    while (status == TRIAD_OK) {
        size_t best = count, best_covers = 0;
        for (size_t l = 0; l < count; l++) {
            size_t covers = 0;
            for (size_t i = 0; list[l].says != NULL && i < items->count; i++)
                covers += list[l].says[i] && level_of[i] == NULL;
            if (covers == 0) continue;
            const bool better = best == count || list[l].rooms < list[best].rooms ||
                                (list[l].rooms == list[best].rooms && covers > best_covers);
            if (!better) continue;
            best = l;
            best_covers = covers;
        }
        if (best == count) break;
        for (size_t i = 0; i < items->count; i++)
            if (list[best].says[i] && level_of[i] == NULL) level_of[i] = list[best].level;
    }
    for (size_t l = 0; l < count && list != NULL; l++) free(list[l].says);
    free(list);
    return status;
}

/* ---- looking for scenes */
typedef struct named {
    const char *text;
    size_t item;
} named;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const named *)a)->text, ((const named *)b)->text);
}

typedef struct search {
    const babyai_level *level;
    const named *sorted; /* [wanted] */
    size_t wanted;
    const size_t *have; /* [items] scenes at the round's start */
    uint64_t first;     /* seed of the round */
    babyai_env **env;   /* [threads] */
    babyai_bot **bot;
    size_t *outcome; /* [ROUND] the item that the episode fulfils, SIZE_MAX: none that is wanted */
    triad_error *error;
    triad_status *failed; /* [tiles] */
} search;

static size_t wanted_item(const search *s, const char *mission)
{
    const named key = {.text = mission};
    const named *found = bsearch(&key, s->sorted, s->wanted, sizeof *s->sorted, by_name);
    return found != NULL && s->have[found->item] < SCENES_PER_ITEM ? found->item : SIZE_MAX;
}

static triad_status try_seed(const search *s, size_t place, int worker, triad_error *err)
{
    babyai_env **env = &s->env[worker];
    babyai_bot **bot = &s->bot[worker];
    s->outcome[place] = SIZE_MAX;
    triad_status status = *env == NULL ? babyai_create(env, s->level, err) : TRIAD_OK;
    if (status == TRIAD_OK) status = babyai_reset_fresh(*env, s->first + place, err);
    if (status == TRIAD_ERR_GENERATION) return TRIAD_OK; /* a seed of which the reference would make no episode */
    const size_t item = status == TRIAD_OK ? wanted_item(s, babyai_mission(*env)) : SIZE_MAX;
    if (item == SIZE_MAX) return status;
    bool solved;
    status = *bot == NULL ? babyai_bot_create(bot, *env, err) : babyai_bot_restart(*bot, *env, err);
    if (status == TRIAD_OK) status = play(*env, *bot, &solved, err);
    if (status == TRIAD_OK && solved) s->outcome[place] = item;
    return status;
}

static void try_tile(void *context, size_t tile, int worker)
{
    const search *s = context;
    s->failed[tile] = TRIAD_OK;
    for (size_t k = 0; k < TILE_SEEDS && s->failed[tile] == TRIAD_OK; k++)
        s->failed[tile] = try_seed(s, tile * TILE_SEEDS + k, worker, &s->error[tile]);
}

static triad_status search_level(scenes *found, search *s, triad_pool *pool, triad_progress *progress, size_t *done,
                                 triad_error *err)
{
    const size_t most = PATIENCE + PATIENCE_ITEM * s->wanted;
    size_t missing = 0;
    for (size_t k = 0; k < s->wanted; k++) missing += SCENES_PER_ITEM - found->count[s->sorted[k].item];
    for (size_t tried = 0; tried < most && missing > 0; tried += ROUND) {
        s->first = SCENES_FIRST_SEED + tried;
        triad_parallel(pool, ROUND / TILE_SEEDS, try_tile, s);
        for (size_t t = 0; t < ROUND / TILE_SEEDS; t++)
            if (s->failed[t] != TRIAD_OK)
                return triad_fail(err, s->failed[t], -1, "scenes of %s: %s", babyai_level_name(s->level),
                                  s->error[t].text);
        for (size_t k = 0; k < ROUND; k++) {
            const size_t item = s->outcome[k];
            if (item == SIZE_MAX || found->count[item] == SCENES_PER_ITEM) continue;
            found->scene[item * SCENES_PER_ITEM + found->count[item]++] =
                (scene){.level = s->level, .seed = s->first + k};
            missing--;
            triad_progress_update(progress, (double)++*done, babyai_level_name(s->level));
        }
    }
    return TRIAD_OK;
}

static triad_status run(scenes *found, const triad_items *items, const babyai_level **level_of, triad_pool *pool,
                        triad_progress *progress, triad_error *err)
{
    const size_t threads = (size_t)triad_pool_threads(pool), tiles = ROUND / TILE_SEEDS;
    named *sorted = malloc(items->count * sizeof *sorted);
    bool *over = calloc(items->count, sizeof *over);
    search s = {.sorted = sorted,
                .have = found->count,
                .env = calloc(threads, sizeof *s.env),
                .bot = calloc(threads, sizeof *s.bot),
                .outcome = malloc(ROUND * sizeof *s.outcome),
                .error = calloc(tiles, sizeof *s.error),
                .failed = calloc(tiles, sizeof *s.failed)};
    triad_status status = sorted != NULL && over != NULL && s.env != NULL && s.bot != NULL && s.outcome != NULL &&
                                  s.error != NULL && s.failed != NULL
                              ? TRIAD_OK
                              : triad_fail(err, TRIAD_ERR_MEMORY, -1, "scenes: out of memory");
    size_t done = 0;
    triad_progress_begin(progress, "play for scenes", "scenes", (double)(items->count * SCENES_PER_ITEM));
    for (size_t i = 0; i < items->count && status == TRIAD_OK; i++) {
        if (over[i] || level_of[i] == NULL) continue;
        s.level = level_of[i];
        s.wanted = 0;
        for (size_t k = i; k < items->count; k++) {
            if (level_of[k] != s.level) continue;
            sorted[s.wanted++] = (named){.text = items->text[k], .item = k};
            over[k] = true;
        }
        qsort(sorted, s.wanted, sizeof *sorted, by_name);
        status = search_level(found, &s, pool, progress, &done, err);
        for (size_t w = 0; w < threads; w++) {
            babyai_bot_free(s.bot[w]);
            babyai_free(s.env[w]);
            s.bot[w] = NULL;
            s.env[w] = NULL;
        }
    }
    triad_progress_end(progress, NULL);
    free(sorted);
    free(over);
    free(s.env);
    free(s.bot);
    free(s.outcome);
    free(s.error);
    free(s.failed);
    return status;
}

/* With levels given: an item is played in each of them that can say it, the first of them first; what one of them can
 * say without having been listed (too many) is looked for too. */
static triad_status run_levels(scenes *found, const triad_items *items, const babyai_level *const *levels, size_t count,
                               triad_pool *pool, triad_progress *progress, triad_error *err)
{
    const babyai_level **level_of = calloc(items->count, sizeof *level_of);
    if (level_of == NULL) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "scenes: out of memory");
    triad_status status = TRIAD_OK;
    for (size_t l = 0; l < count && status == TRIAD_OK; l++) {
        candidate c = {0};
        status = list_items(&c, levels[l], items, err);
        bool any = false;
        for (size_t i = 0; i < items->count && status == TRIAD_OK; i++) {
            const bool plays = found->count[i] < SCENES_PER_ITEM && (c.says == NULL || c.says[i]);
            level_of[i] = plays ? levels[l] : NULL;
            any = any || plays;
        }
        free(c.says);
        if (any && status == TRIAD_OK) status = run(found, items, level_of, pool, progress, err);
    }
    free(level_of);
    return status;
}

triad_status scenes_find(scenes *found, const triad_items *items, const babyai_level *const *levels, size_t level_count,
                         triad_pool *pool, triad_progress *progress, triad_error *err)
{
    *found = (scenes){.items = items->count,
                      .count = calloc(items->count, sizeof *found->count),
                      .scene = calloc(items->count, SCENES_PER_ITEM * sizeof *found->scene)};
    if (found->count == NULL || found->scene == NULL)
        return triad_fail(err, TRIAD_ERR_MEMORY, -1, "scenes: out of memory");
    if (level_count > 0) return run_levels(found, items, levels, level_count, pool, progress, err);
    const babyai_level **level_of = calloc(items->count, sizeof *level_of);
    triad_status status = level_of != NULL ? assign(level_of, items, err)
                                           : triad_fail(err, TRIAD_ERR_MEMORY, -1, "scenes: out of memory");
    if (status == TRIAD_OK) status = run(found, items, level_of, pool, progress, err);
    free(level_of);
    return status;
}

void scenes_free(scenes *found)
{
    free(found->count);
    free(found->scene);
    *found = (scenes){0};
}
