/* Whether levels say what babyai_sentences lists: bench/missions [RESETS [LEVEL…]], by default 10^5 resets of every
 * level that can be listed. A line a level: sentences listed, of these met, and missions met that are not listed. Exits
 * with 1 where something unlisted was met, or where a level of one room left something unmet in at least 10^6 resets.
 */
#include "base/progress.h"
#include "triad/babyai.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t ENOUGH = 1000000;

static int by_text(const void *key, const void *element)
{
    return strcmp(key, *(char *const *)element);
}

/* Returns the number of faults. */
static int check(const babyai_level *level, uint64_t resets)
{
    triad_items items;
    triad_error err;
    babyai_env *env = NULL;
    if (babyai_sentences(&items, &level, 1, &err) != TRIAD_OK) {
        printf("%-22s can't be listed: %s\n", babyai_level_name(level), err.text);
        return 0;
    }
    bool *met = calloc(items.count, sizeof *met);
    if (!met || babyai_create(&env, level, &err) != TRIAD_OK || babyai_reset_seed(env, 0, &err) != TRIAD_OK) {
        fprintf(stderr, "missions: %s can't be begun\n", babyai_level_name(level));
        exit(EXIT_FAILURE);
    }
    uint64_t unlisted = 0, endless = 0;
    const double begin = triad_now();
    for (uint64_t r = 0; r < resets; r++) {
        const char *mission = babyai_mission(env);
        char **at = bsearch(mission, items.text, items.count, sizeof *items.text, by_text);
        if (at)
            met[at - items.text] = true;
        else if (unlisted++ < 5)
            printf("%-22s says '%s', which is not listed\n", babyai_level_name(level), mission);
        while (babyai_reset(env, NULL) != TRIAD_OK && babyai_reset_seed(env, ++endless, NULL) != TRIAD_OK) continue;
    }
    const double seconds = triad_now() - begin;
    size_t seen = 0;
    for (size_t i = 0; i < items.count; i++) seen += met[i];
    const babyai_level_info info = babyai_level_describe(level);
    const bool one_room = info.rows == 1 && info.columns == 1;
    printf("%-22s %6zu listed %6zu met %6llu unlisted %10.0f resets/s%s\n", babyai_level_name(level), items.count, seen,
           (unsigned long long)unlisted, (double)resets / seconds, one_room ? "  one room" : "");
    fflush(stdout);
    const int faults = (unlisted > 0) + (one_room && resets >= ENOUGH && seen < items.count);
    free(met);
    babyai_free(env);
    triad_items_free(&items);
    return faults;
}

int main(int argc, char **argv)
{
    const uint64_t resets = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000;
    int faults = 0;
    if (resets == 0) {
        fprintf(stderr, "bench/missions [RESETS [LEVEL…]]\n");
        return 2;
    }
    for (int i = 2; i < argc; i++) {
        const babyai_level *level = babyai_level_find(argv[i]);
        if (!level) {
            fprintf(stderr, "missions: %s: no such level\n", argv[i]);
            return 2;
        }
        faults += check(level, resets);
    }
    for (size_t i = 0; argc <= 2 && i < babyai_level_count(); i++) faults += check(babyai_level_at(i), resets);
    return faults > 0;
}
