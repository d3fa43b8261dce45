#include "agent/player.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/pick_levels.h"
#include "cli/pick_player.h"
#include "formats/gif_write.h"
#include "formats/png_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LAST_FRAME = 150 /* hundredths of a second that a film stands still at its end */ };

/* What is drawn, and what came of it. */
typedef struct film {
    babyai_env *env;
    babyai_renderer *renderer;
    uint8_t *rgb; /* [height, width, 3] */
    size_t height, width, frames;
    int tile;
    bool agent_view, highlight, over;
    const char *outcome; /* NULL: nobody acts */
    double reward;
} film;

static triad_status film_open(film *f, const babyai_level *level, uint64_t seed, triad_error *err)
{
    triad_status status = babyai_create(&f->env, level, err);
    if (status == TRIAD_OK) status = babyai_reset_seed(f->env, seed, err);
    if (status == TRIAD_OK) status = babyai_renderer_create(&f->renderer, f->tile, err);
    if (status != TRIAD_OK) return status;
    babyai_frame_size(f->env, f->tile, f->agent_view, &f->height, &f->width);
    f->rgb = malloc(3 * f->height * f->width);
    if (f->rgb) return TRIAD_OK;
    return triad_fail(err, TRIAD_ERR_MEMORY, -1, "render: no memory for %zu x %zu pixels", f->width, f->height);
}

static void film_close(film *f)
{
    babyai_renderer_free(f->renderer);
    babyai_free(f->env);
    free(f->rgb);
}

static triad_status draw(film *f, triad_error *err)
{
    f->frames++;
    return babyai_renderer_draw(f->renderer, f->env, f->highlight, f->agent_view, f->rgb, err);
}

/* One step of the player; false: the expert gave up and nothing has moved. */
static bool act(film *f, agent_player *player, int *taken)
{
    babyai_action action;
    bool terminated, truncated;
    f->over = true;
    f->outcome = "the expert gave up";
    if (player_act(player, f->env, *taken, &action, NULL) != TRIAD_OK) return false;
    babyai_step(f->env, action, &f->reward, &terminated, &truncated);
    *taken = (int)action;
    f->over = terminated || truncated;
    f->outcome = !f->over ? "under way" : !terminated ? "out of steps" : f->reward > 0 ? "solved" : "failed";
    return true;
}

/* The frame after `steps` steps, or the last one. */
static triad_status take_picture(film *f, agent_player *player, int64_t steps, const char *path, triad_error *err)
{
    int taken = -1;
    while (player && !f->over && (steps < 0 || babyai_steps(f->env) < steps)) act(f, player, &taken);
    const triad_status status = draw(f, err);
    return status == TRIAD_OK ? picture_write_png(path, f->rgb, f->height, f->width, err) : status;
}

static triad_status shoot(film *f, agent_player *player, int64_t rate, const char *path, triad_progress *progress,
                          triad_error *err)
{
    gif_writer *gif;
    int taken = -1;
    triad_status status = gif_open(&gif, path, f->height, f->width, err);
    if (status != TRIAD_OK) return status;
    triad_progress_begin(progress, "render", "frames", 0);
    for (bool goes_on = true; goes_on && status == TRIAD_OK;) {
        status = draw(f, err);
        if (status != TRIAD_OK) break;
        goes_on = player && !f->over && act(f, player, &taken); /* leaves f->rgb alone */
        status = gif_add(gif, f->rgb, goes_on ? (int)(100 / rate) : LAST_FRAME, err);
        triad_progress_update(progress, (double)f->frames, NULL);
    }
    triad_progress_end(progress, NULL);
    if (status == TRIAD_OK) return gif_commit(gif, err);
    gif_abandon(gif);
    return status;
}

static int print_result(const cli_context *context, const film *f, const char *player, const char *path)
{
    if (context->json) {
        json_object *root = json_object_new_object();
        json_object_object_add(root, "file", json_object_new_string(path));
        json_object_object_add(root, "level", json_object_new_string(babyai_level_name(babyai_env_level(f->env))));
        json_object_object_add(root, "seed", json_object_new_uint64(context->seed));
        json_object_object_add(root, "mission", json_object_new_string(babyai_mission(f->env)));
        json_object_object_add(root, "player", player ? json_object_new_string(player) : NULL);
        json_object_object_add(root, "view", json_object_new_string(f->agent_view ? "agent" : "full"));
        json_object_object_add(root, "tile", json_object_new_int(f->tile));
        json_object_object_add(root, "width", json_object_new_int64((int64_t)f->width));
        json_object_object_add(root, "height", json_object_new_int64((int64_t)f->height));
        json_object_object_add(root, "frames", json_object_new_int64((int64_t)f->frames));
        json_object_object_add(root, "steps", json_object_new_int(babyai_steps(f->env)));
        json_object_object_add(root, "max_steps", json_object_new_int(babyai_max_steps(f->env)));
        json_object_object_add(root, "outcome", f->outcome ? json_object_new_string(f->outcome) : NULL);
        json_object_object_add(root, "reward", json_new_real(f->reward));
        return cli_print_json(root);
    }
    if (context->quiet) return CLI_DONE;
    printf("%s: ", babyai_mission(f->env));
    if (f->outcome) printf("%s after %d steps, reward %.3f; ", f->outcome, babyai_steps(f->env), f->reward);
    printf("%zu frame%s of %zu x %zu in %s\n", f->frames, f->frames == 1 ? "" : "s", f->width, f->height, path);
    return CLI_DONE;
}

static bool ends_in(const char *path, const char *ending)
{
    const size_t a = strlen(path), b = strlen(ending);
    return a > b && strcasecmp(path + a - b, ending) == 0;
}

int cmd_render(cli_context *context, int argc, char **argv)
{
    const char *output = NULL, *view = "full";
    cli_player by = {0};
    bool no_highlight = false;
    int64_t tile = 32, step = -1, rate = 5;
    const cli_option options[] = {
        {.name = "output",
         .letter = 'o',
         .kind = CLI_STRING,
         .argument = "F.png|F.gif",
         .help = "Where it goes: a .png is one frame, a .gif the whole episode.",
         .value = &output,
         .required = true},
        CLI_PLAYER_OPTIONS(by, "The expert acts.", "A trained agent acts."),
        {.name = "step",
         .kind = CLI_INT,
         .argument = "N",
         .min = -1,
         .max = 1e6,
         .help = "A .png shows the episode after N steps; -1: its end (its beginning when nobody acts).",
         .value = &step},
        {.name = "view",
         .kind = CLI_CHOICE,
         .argument = "V",
         .choices = "full|agent",
         .help = "The whole grid, or what the agent sees.",
         .value = &view},
        {.name = "tile",
         .kind = CLI_INT,
         .argument = "N",
         .min = 1,
         .max = 512,
         .help = "Side of a cell in pixels.",
         .value = &tile},
        {.name = "rate",
         .kind = CLI_INT,
         .argument = "R",
         .min = 1,
         .max = 50,
         .help = "Frames a second of a .gif.",
         .value = &rate},
        {.name = "no-highlight",
         .kind = CLI_FLAG,
         .help = "The full view without what the agent sees standing out.",
         .value = &no_highlight},
    };
    const cli_usage usage = {
        .command = "render",
        .arguments = "LEVEL [--bot | --agent FILE] -o F.png|F.gif",
        .description = "Draws the level's episode of --seed, pixel for pixel as Minigrid's get_frame: its first frame, "
                       "or what the expert or an\n"
                       "agent makes of it, as a film or as one frame of it. The same command writes the same bytes.\n\n"
                       "  triad render GoToLocal --seed 7 -o start.png\n"
                       "  triad render BossLevel --bot -o boss.gif --tile 16\n"
                       "  triad render PutNextLocal --agent agent.safetensors --view agent -o seen.gif\n",
        .min_positional = 1,
        .max_positional = 1,
    };
    const char **positional;
    size_t count;
    const int parsed =
        cli_parse(context, &usage, options, sizeof options / sizeof *options, argc, argv, &positional, &count);
    if (parsed != CLI_GO) return parsed;
    const babyai_level *levels[CLI_LEVELS_MOST];
    const cli_list names = {count, positional};
    const int picked = cli_pick_levels(levels, &usage, &names);
    if (picked != CLI_GO) return picked;
    const bool moving = ends_in(output, ".gif");
    bool acts;
    if (!moving && !ends_in(output, ".png"))
        return cli_usage_error(&usage, "%s: a picture's name ends in .png, a film's in .gif", output);
    const int decided = cli_pick_player(&acts, &usage, &by);
    if (decided != CLI_GO) return decided;
    if (step >= 0 && (moving || !acts))
        return cli_usage_error(&usage, "--step picks a frame of an episode: with a .png, and --bot or --agent");

    triad_error *err = &context->error;
    film f = {.tile = (int)tile, .agent_view = strcmp(view, "agent") == 0, .highlight = !no_highlight};
    agent_player player = {0};
    triad_status status = film_open(&f, levels[0], context->seed, err);
    if (status == TRIAD_OK && acts) status = player_open(&player, by.agent, err);
    if (status == TRIAD_OK && acts) status = player_begin(&player, f.env, err);
    agent_player *who = acts ? &player : NULL;
    if (status == TRIAD_OK)
        status =
            moving ? shoot(&f, who, rate, output, context->progress, err) : take_picture(&f, who, step, output, err);
    const int result = status == TRIAD_OK ? print_result(context, &f,
                                                         by.bot             ? "bot"
                                                         : by.agent != NULL ? "agent"
                                                                            : NULL,
                                                         output)
                                          : cli_fail(err);
    player_close(&player);
    film_close(&f);
    return result;
}
