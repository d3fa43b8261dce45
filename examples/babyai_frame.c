/* A frame of an episode, drawn as Minigrid draws it, as a picture that any viewer opens (PPM).
 *
 *   cc -std=gnu17 babyai_frame.c $(pkg-config --cflags --libs triad) -o babyai_frame
 *   ./babyai_frame BossLevel 7 20 > frame.ppm          level, seed, steps by the expert */
#include <triad/babyai.h>

#include <stdio.h>
#include <stdlib.h>

enum { TILE = 16 /* pixels of a cell's side */ };

static int fail(const triad_error *err)
{
    fprintf(stderr, "babyai_frame: %s\n", err->text);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    const babyai_level *level = babyai_level_find(argc > 1 ? argv[1] : "GoToLocal");
    const uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    const int steps = argc > 3 ? atoi(argv[3]) : 0;
    if (!level) {
        fprintf(stderr, "babyai_frame: no such level\n");
        return EXIT_FAILURE;
    }

    triad_error err;
    babyai_env *env;
    babyai_bot *bot;
    if (babyai_create(&env, level, &err) != TRIAD_OK) return fail(&err);
    if (babyai_reset_seed(env, seed, &err) != TRIAD_OK) return fail(&err);
    if (babyai_bot_create(&bot, env, &err) != TRIAD_OK) return fail(&err);
    int last = -1;
    bool over = false;
    while (!over && babyai_steps(env) < steps) {
        babyai_action action;
        bool terminated, truncated;
        if (babyai_bot_act(bot, last, &action, &err) != TRIAD_OK) return fail(&err);
        babyai_step(env, action, NULL, &terminated, &truncated);
        last = (int)action;
        over = terminated || truncated;
    }

    size_t height, width;
    babyai_frame_size(env, TILE, false, &height, &width);
    uint8_t *rgb = malloc(3 * height * width);
    if (!rgb) return EXIT_FAILURE;
    if (babyai_render(env, TILE, true, false, rgb, &err) != TRIAD_OK) return fail(&err);
    fprintf(stderr, "\"%s\" after %d steps\n", babyai_mission(env), babyai_steps(env));
    printf("P6\n%zu %zu\n255\n", width, height);
    fwrite(rgb, 3, height * width, stdout);

    free(rgb);
    babyai_bot_free(bot);
    babyai_free(env);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
