/* Pictures against Minigrid's, and the command render: tests/data/babyai/frames.tsv, as tools/babyai_frames_golden.py
 * records it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "babyai/render.h"
#include "base/file.h"
#include "folder.h"
#include "formats/json.h"
#include "triad/babyai.h"

#include <gif_lib.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

static char output[1 << 16];

/* Runs `triad ARGUMENTS` in the folder; both streams into output; returns the exit status. */
static int triad(const char *arguments)
{
    char command[1024];
    snprintf(command, sizeof command, "cd %s && %s %s 2>&1", folder, getenv("TRIAD_BIN"), arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    output[fread(output, 1, sizeof output - 1, pipe)] = 0;
    const int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool one_line(void)
{
    const char *end = strchr(output, '\n');
    return end && end[1] == 0;
}

static bool exists(const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return triad_path_exists(path);
}

static bool same_bytes(const char *a, const char *b)
{
    char command[700];
    snprintf(command, sizeof command, "cmp -s %s/%s %s/%s", folder, a, folder, b);
    return system(command) == 0;
}

static uint32_t checksum(const uint8_t *rgb, size_t bytes)
{
    return (uint32_t)crc32(0, rgb, (unsigned)bytes);
}

/* ---- tiles and frames */

static uint8_t code_of(int type, int colour, int state)
{
    static const cell_kind doors[] = {KIND_DOOR_OPEN, KIND_DOOR_CLOSED, KIND_DOOR_LOCKED};
    if (type == 1) return CODE_EMPTY;
    if (type == 2) return CODE_WALL;
    if (type == 4) return cell_code(doors[state], (cell_colour)colour);
    return cell_code((cell_kind)(KIND_KEY + type - 5), (cell_colour)colour);
}

static void check_tile(const char *line)
{
    int tile, type, colour, state;
    unsigned recorded;
    assert_int_equal(sscanf(line, "T\t%d\t%d\t%d\t%d\t%x", &tile, &type, &colour, &state, &recorded), 5);
    const size_t bytes = 3 * (size_t)tile * (size_t)tile;
    uint8_t *all = malloc(10 * bytes);
    assert_non_null(all);
    for (unsigned picture = 0; picture < 10; picture++) {
        const unsigned looks = picture < 2 ? (unsigned)NO_AGENT : picture / 2 - 1;
        assert_int_equal(
            babyai_draw_tile(code_of(type, colour, state), looks, picture % 2, tile, all + picture * bytes), TRIAD_OK);
    }
    if (checksum(all, 10 * bytes) != recorded)
        fail_msg("a tile of %d pixels: type %d, colour %d, state %d", tile, type, colour, state);
    free(all);
}

static void check_frame(const char *line)
{
    char level[64], view[16];
    unsigned long long seed;
    int steps, tile;
    unsigned recorded;
    assert_int_equal(sscanf(line, "F\t%63s\t%llu\t%d\t%15s\t%d\t%x", level, &seed, &steps, view, &tile, &recorded), 6);
    char arguments[300], path[300];
    snprintf(arguments, sizeof arguments, "render %s --seed %llu --tile %d %s -o f.png --json --quiet", level, seed,
             tile,
             strcmp(view, "agent") == 0   ? "--view agent"
             : strcmp(view, "plain") == 0 ? "--no-highlight"
                                          : "");
    if (steps > 0) sprintf(arguments + strlen(arguments), " --bot --step %d", steps);
    assert_int_equal(triad(arguments), 0);
    json_object *root;
    assert_int_equal(json_read(&root, output, strlen(output), NULL), TRIAD_OK);
    assert_int_equal(json_object_get_int(json_object_object_get(root, "steps")), steps);
    snprintf(path, sizeof path, "%s/f.png", folder);
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_file(&image, path));
    image.format = PNG_FORMAT_RGB;
    assert_int_equal(json_object_get_int(json_object_object_get(root, "width")), image.width);
    assert_int_equal(json_object_get_int(json_object_object_get(root, "height")), image.height);
    json_object_put(root);
    uint8_t *rgb = malloc(PNG_IMAGE_SIZE(image));
    assert_non_null(rgb);
    assert_true(png_image_finish_read(&image, NULL, rgb, 0, NULL));
    if (checksum(rgb, PNG_IMAGE_SIZE(image)) != recorded)
        fail_msg("%s seed %llu after %d steps, %s, tile %d", level, seed, steps, view, tile);
    free(rgb);
}

static void check_whole(const char *line)
{
    char level[64];
    unsigned long long seed;
    int steps, x, y, direction, type, colour, at[3];
    unsigned recorded;
    assert_int_equal(sscanf(line, "W\t%63s\t%llu\t%d\t%x\t%d\t%d\t%d\t%d\t%d", level, &seed, &steps, &recorded, &x, &y,
                            &direction, &type, &colour),
                     9);
    babyai_env *env;
    babyai_bot *bot;
    assert_int_equal(babyai_create(&env, babyai_level_find(level), NULL), TRIAD_OK);
    assert_int_equal(babyai_reset_seed(env, seed, NULL), TRIAD_OK);
    assert_int_equal(babyai_bot_create(&bot, env, NULL), TRIAD_OK);
    for (int last = -1; babyai_steps(env) < steps;) {
        babyai_action action;
        bool terminated, truncated;
        assert_int_equal(babyai_bot_act(bot, last, &action, NULL), TRIAD_OK);
        babyai_step(env, action, NULL, &terminated, &truncated);
        last = (int)action;
    }
    static uint8_t grid[3 * 22 * 22];
    uint8_t carried[3];
    const babyai_level_info info = babyai_level_describe(babyai_env_level(env));
    babyai_observe_whole(env, grid);
    babyai_where(env, &at[0], &at[1], &at[2], carried);
    assert_int_equal(checksum(grid, 3 * (size_t)(info.width * info.height)), recorded);
    assert_true(at[0] == x && at[1] == y && at[2] == direction && carried[0] == type && carried[1] == colour);
    babyai_bot_free(bot);
    babyai_free(env);
}

static void pictures_are_minigrids(void **state)
{
    (void)state;
    FILE *file = fopen("babyai/frames.tsv", "r");
    assert_non_null(file);
    char line[256];
    int tiles = 0, frames = 0, grids = 0;
    while (fgets(line, sizeof line, file)) {
        if (line[0] == 'T') {
            check_tile(line);
            tiles++;
        } else if (line[0] == 'W') {
            check_whole(line);
            grids++;
        } else {
            check_frame(line);
            frames++;
        }
    }
    fclose(file);
    assert_true(tiles > 300 && frames > 50 && grids > 10);
}

static void tiles_have_a_range(void **state)
{
    (void)state;
    babyai_env *env;
    triad_error err;
    static uint8_t rgb[3 * 512 * 512 * 49];
    assert_int_equal(babyai_create(&env, babyai_level_find("GoToObjS4"), &err), TRIAD_OK);
    assert_int_equal(babyai_render(env, 8, true, false, rgb, &err), TRIAD_ERR_ARGUMENT); /* not reset yet */
    assert_int_equal(babyai_reset_seed(env, 0, &err), TRIAD_OK);
    assert_int_equal(babyai_render(env, 0, true, false, rgb, &err), TRIAD_ERR_RANGE);
    assert_int_equal(babyai_render(env, -8, true, false, rgb, &err), TRIAD_ERR_RANGE);
    assert_int_equal(babyai_render(env, 513, true, false, rgb, &err), TRIAD_ERR_RANGE);
    assert_int_equal(babyai_render(env, 512, true, true, rgb, &err), TRIAD_OK);
    babyai_free(env);
}

/* A renderer that has seen other levels draws what a new one draws. */
static void a_renderer_draws_the_same(void **state)
{
    (void)state;
    triad_error err;
    babyai_renderer *renderer;
    assert_int_equal(babyai_renderer_create(&renderer, 0, &err), TRIAD_ERR_RANGE);
    assert_null(renderer);
    assert_int_equal(babyai_renderer_create(&renderer, 513, &err), TRIAD_ERR_RANGE);
    assert_int_equal(babyai_renderer_create(&renderer, 6, &err), TRIAD_OK);
    static uint8_t once[3 * 22 * 22 * 36], again[3 * 22 * 22 * 36];
    for (size_t l = 0; l < babyai_level_count(); l++) {
        babyai_env *env;
        size_t height, width;
        assert_int_equal(babyai_create(&env, babyai_level_at(l), &err), TRIAD_OK);
        assert_int_equal(babyai_renderer_draw(renderer, env, true, false, again, &err), TRIAD_ERR_ARGUMENT);
        assert_int_equal(babyai_reset_seed(env, 11, &err), TRIAD_OK);
        for (int view = 0; view < 3; view++) {
            babyai_frame_size(env, 6, view == 2, &height, &width);
            assert_int_equal(babyai_render(env, 6, view == 1, view == 2, once, &err), TRIAD_OK);
            assert_int_equal(babyai_renderer_draw(renderer, env, view == 1, view == 2, again, &err), TRIAD_OK);
            assert_memory_equal(once, again, 3 * height * width);
        }
        babyai_free(env);
    }
    babyai_renderer_free(renderer);
    babyai_renderer_free(NULL);
}

/* ---- films */

static void check_film(const char *level, uint64_t seed, bool agent_view)
{
    char arguments[300], path[300];
    snprintf(arguments, sizeof arguments,
             "render %s --seed %llu --bot --tile 9 --view %s -o film.gif --rate 10 --quiet", level,
             (unsigned long long)seed, agent_view ? "agent" : "full");
    assert_int_equal(triad(arguments), 0);
    assert_string_equal(output, "");
    snprintf(path, sizeof path, "%s/film.gif", folder);
    int code;
    GifFileType *gif = DGifOpenFileName(path, &code);
    assert_non_null(gif);
    assert_int_equal(DGifSlurp(gif), GIF_OK);

    babyai_env *env;
    babyai_bot *bot;
    size_t height, width;
    assert_int_equal(babyai_create(&env, babyai_level_find(level), NULL), TRIAD_OK);
    assert_int_equal(babyai_reset_seed(env, seed, NULL), TRIAD_OK);
    assert_int_equal(babyai_bot_create(&bot, env, NULL), TRIAD_OK);
    babyai_frame_size(env, 9, agent_view, &height, &width);
    assert_true(gif->SWidth == (int)width && gif->SHeight == (int)height);
    uint8_t *ours = malloc(3 * height * width), *shown = malloc(3 * height * width);
    assert_true(ours && shown);
    bool over = false;
    int last = -1, f = 0;
    for (;; f++) {
        assert_true(f < gif->ImageCount);
        const SavedImage *image = &gif->SavedImages[f];
        const GifImageDesc *at = &image->ImageDesc;
        for (int y = 0; y < at->Height; y++)
            for (int x = 0; x < at->Width; x++) {
                const GifColorType *c = &at->ColorMap->Colors[image->RasterBits[y * at->Width + x]];
                memcpy(shown + 3 * ((size_t)(at->Top + y) * width + (size_t)(at->Left + x)),
                       (const uint8_t[]){c->Red, c->Green, c->Blue}, 3);
            }
        assert_int_equal(babyai_render(env, 9, true, agent_view, ours, NULL), TRIAD_OK);
        assert_memory_equal(ours, shown, 3 * height * width);
        GraphicsControlBlock control;
        assert_int_equal(DGifSavedExtensionToGCB(gif, f, &control), GIF_OK);
        babyai_action action;
        const bool goes_on = !over && babyai_bot_act(bot, last, &action, NULL) == TRIAD_OK;
        assert_int_equal(control.DelayTime, goes_on ? 10 : 150);
        if (!goes_on) break;
        bool terminated, truncated;
        babyai_step(env, action, NULL, &terminated, &truncated);
        last = (int)action;
        over = terminated || truncated;
    }
    assert_int_equal(f + 1, gif->ImageCount);
    free(ours);
    free(shown);
    babyai_bot_free(bot);
    babyai_free(env);
    DGifCloseFile(gif, &code);
}

static void films_are_their_frames(void **state)
{
    (void)state;
    check_film("GoToLocal", 5, false);
    check_film("BossLevel", 3, false);
    check_film("UnlockPickup", 4, true);
    check_film("KeyInBox", 0, false); /* the expert gives up */
}

/* ---- the command */

static void what_it_tells(void **state)
{
    (void)state;
    assert_int_equal(triad("render GoToLocal --seed 7 -o a.png"), 0);
    assert_string_equal(output, "go to a purple ball: 1 frame of 256 x 256 in a.png\n");
    assert_int_equal(triad("render GoToLocal --seed 7 --bot --tile 8 -o a.gif --quiet"), 0);
    assert_string_equal(output, "");
    assert_int_equal(triad("render GoToLocal --seed 7 --bot --tile 8 -o A2.GIF --quiet --threads 2"), 0);
    assert_true(same_bytes("a.gif", "A2.GIF"));
    assert_int_equal(triad("render GoToLocal --seed 8 --bot --tile 8 -o b.gif --quiet"), 0);
    assert_false(same_bytes("a.gif", "b.gif"));
    assert_int_equal(triad("render GoToLocal --seed 7 --bot -o end.png --json --quiet"), 0);
    json_object *root;
    assert_int_equal(json_read(&root, output, strlen(output), NULL), TRIAD_OK);
    assert_string_equal(json_object_get_string(json_object_object_get(root, "outcome")), "solved");
    assert_string_equal(json_object_get_string(json_object_object_get(root, "player")), "bot");
    assert_string_equal(json_object_get_string(json_object_object_get(root, "level")), "GoToLocal");
    assert_string_equal(json_object_get_string(json_object_object_get(root, "mission")), "go to a purple ball");
    assert_int_equal(json_object_get_int(json_object_object_get(root, "frames")), 1);
    const double reward = json_object_get_double(json_object_object_get(root, "reward"));
    const int steps = json_object_get_int(json_object_object_get(root, "steps"));
    assert_true(steps > 0 && reward == 1 - 0.9 * (steps / 64.0));
    json_object_put(root);
    assert_int_equal(triad("render KeyInBox --bot -o gives-up.gif --tile 4 --json --quiet"), 0);
    assert_non_null(strstr(output, "\"outcome\": \"the expert gave up\""));
    assert_int_equal(triad("render BabyAI-GoToLocal-v0 -o still.gif --tile 4 --json --quiet"), 0);
    assert_non_null(strstr(output, "\"player\": null"));
}

static void an_agent_acts(void **state)
{
    (void)state;
    assert_int_equal(triad("train --levels GoToLocal -o agent --steps 300 --quiet"), 0);
    assert_int_equal(triad("render GoToLocal --agent agent --seed 2000000001 --tile 8 -o a.gif --json --quiet"), 0);
    assert_non_null(strstr(output, "\"player\": \"agent\""));
    assert_int_equal(triad("render GoToLocal --agent agent --seed 2000000001 --tile 8 -o b.gif --quiet"), 0);
    assert_true(same_bytes("a.gif", "b.gif"));
    assert_int_equal(triad("render GoToLocal --agent agent --step 2 -o after-two.png --json --quiet"), 0);
    assert_non_null(strstr(output, "\"outcome\": \"under way\""));
}

static void what_it_refuses(void **state)
{
    (void)state;
    const char *const usage[] = {
        "render -o x.png",
        "render GoToLocal",
        "render GoToLocal PickupLoc -o x.png",
        "render GoToLocal -o x.jpg",
        "render GoToLocal -o .png",
        "render GoToLocl -o x.png",
        "render GoToLocal --bot --agent a -o x.png",
        "render GoToLocal --tile 0 -o x.png",
        "render GoToLocal --tile 513 -o x.png",
        "render GoToLocal --tile 8.5 -o x.png",
        "render GoToLocal --view above -o x.png",
        "render GoToLocal --rate 0 -o x.gif",
        "render GoToLocal --rate 51 -o x.gif",
        "render GoToLocal --step 3 -o x.png",
        "render GoToLocal --bot --step 3 -o x.gif",
        "render GoToLocal --seed -1 -o x.png",
    };
    for (size_t i = 0; i < sizeof usage / sizeof *usage; i++) {
        if (triad(usage[i]) != 2 || !one_line()) fail_msg("'%s' gives: %s", usage[i], output);
    }
    assert_int_equal(triad("render GoToLocl -o x.png"), 2);
    assert_non_null(strstr(output, "did you mean GoToLocal?"));
    assert_int_equal(triad("render GoToLocal -o nowhere/x.gif --quiet"), 1);
    assert_true(one_line());
    assert_int_equal(triad("render SynthS5R2 --seed 1741 -o x.png --quiet"), 1); /* the reference never returns */
    assert_true(one_line());
    assert_int_equal(triad("render GoToLocal --agent nothing -o x.gif --quiet"), 1);
    assert_string_equal(output, "triad: nothing: no such file\n");
    assert_int_equal(triad("render GoToLocal -o a.png && cp a.png agent.png"), 0);
    assert_int_equal(triad("render GoToLocal --agent a.png -o x.gif --quiet"), 1);
    assert_true(one_line());
    assert_false(exists("x.png"));
    assert_false(exists("x.gif"));
    assert_false(exists("x.gif.partial"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_minigrids),
        cmocka_unit_test(tiles_have_a_range),
        cmocka_unit_test(a_renderer_draws_the_same),
        cmocka_unit_test(films_are_their_frames),
        cmocka_unit_test(what_it_tells),
        cmocka_unit_test(an_agent_acts),
        cmocka_unit_test(what_it_refuses),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
