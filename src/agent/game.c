#include "agent/game.h"

#include <stdio.h>
#include <stdlib.h>

enum { SPEEDS = 7, SPEED_FIRST = 3 };
static const int WAIT[SPEEDS] = {2000, 1000, 500, 250, 125, 60, 30}; /* milliseconds a step */

struct game {
    const babyai_level *level;
    babyai_env *env;
    agent_player *watched; /* NULL: the user acts */
    agent_player adviser;  /* the expert, who is told what the user does */
    uint64_t seed;
    int last; /* action, -1: none yet */
    int speed;
    bool over, paused, advising, advised;
    babyai_action advice;
    const char *outcome;
    double reward;
    size_t episodes, solved;
};

static const char *action_name(int action)
{
    static const char *const names[BABYAI_ACTIONS] = {"left", "right", "forward", "pick up", "drop", "toggle", "done"};
    return action >= 0 && action < BABYAI_ACTIONS ? names[action] : "nothing yet";
}

static void ask_adviser(game *g)
{
    g->advised = g->advised && player_act(&g->adviser, g->env, g->last, &g->advice, NULL) == TRIAD_OK;
}

/* A fresh environment each time: some levels remember rooms of earlier episodes (docs/babyai.md, Quirks). */
static triad_status begin(game *g, uint64_t seed, triad_error *err)
{
    babyai_free(g->env);
    g->env = NULL;
    g->seed = seed;
    g->last = -1;
    g->over = false;
    g->outcome = "under way";
    g->reward = 0;
    triad_status status = babyai_create(&g->env, g->level, err);
    if (status != TRIAD_OK) return status;
    if (babyai_reset_seed(g->env, seed, NULL) != TRIAD_OK) {
        g->over = true;
        g->outcome = "no episode";
        return TRIAD_OK;
    }
    if (g->watched) return player_begin(g->watched, g->env, err);
    status = player_begin(&g->adviser, g->env, err);
    g->advised = true;
    if (status == TRIAD_OK) ask_adviser(g);
    return status;
}

triad_status game_open(game **made, const babyai_level *level, uint64_t seed, agent_player *watched, triad_error *err)
{
    *made = NULL;
    game *g = calloc(1, sizeof *g);
    if (!g) return triad_fail(err, TRIAD_ERR_MEMORY, -1, "play: out of memory");
    g->level = level;
    g->watched = watched;
    g->speed = SPEED_FIRST;
    triad_status status = player_open(&g->adviser, NULL, err);
    if (status == TRIAD_OK) status = begin(g, seed, err);
    if (status == TRIAD_OK)
        *made = g;
    else
        game_close(g);
    return status;
}

void game_close(game *g)
{
    if (!g) return;
    player_close(&g->adviser);
    babyai_free(g->env);
    free(g);
}

static void end(game *g, const char *outcome)
{
    g->over = true;
    g->outcome = outcome;
    g->episodes++;
}

static void step(game *g, babyai_action action)
{
    bool terminated, truncated;
    babyai_step(g->env, action, &g->reward, &terminated, &truncated);
    g->last = (int)action;
    if (terminated && g->reward > 0) {
        g->solved++;
        end(g, "solved");
    } else if (terminated || truncated) {
        end(g, terminated ? "failed" : "out of steps");
    } else if (!g->watched) {
        ask_adviser(g);
    }
}

/* The watched player's next step. */
static void advance(game *g)
{
    babyai_action action;
    if (!g->watched || g->over) return;
    if (player_act(g->watched, g->env, g->last, &action, NULL) == TRIAD_OK)
        step(g, action);
    else
        end(g, "the expert gave up");
}

int game_wait(const game *g)
{
    return g->watched && !g->over && !g->paused ? WAIT[g->speed] : -1;
}

void game_tick(game *g)
{
    if (game_wait(g) >= 0) advance(g);
}

triad_status game_press(game *g, game_key key, triad_error *err)
{
    if (key < GAME_ACTION + BABYAI_ACTIONS) {
        if (!g->watched && !g->over) step(g, (babyai_action)(key - GAME_ACTION));
        return TRIAD_OK;
    }
    switch (key) {
    case GAME_NEXT:
        return begin(g, g->seed + 1, err);
    case GAME_AGAIN:
        return begin(g, g->seed, err);
    case GAME_ADVICE:
        g->advising = !g->advising;
        break;
    case GAME_PAUSE:
        g->paused = !g->paused;
        break;
    case GAME_STEP:
        g->paused = true;
        advance(g);
        break;
    case GAME_FASTER:
        if (g->speed < SPEEDS - 1) g->speed++;
        break;
    case GAME_SLOWER:
        if (g->speed > 0) g->speed--;
        break;
    default:
        break;
    }
    return TRIAD_OK;
}

void game_draw(const game *g, screen *to)
{
    char title[120], state[120] = "", doing[120];
    const char *who = !g->watched ? "" : g->watched->agent ? ", an agent acts" : ", the expert acts";
    snprintf(title, sizeof title, "%s, seed %llu%s", babyai_level_name(g->level), (unsigned long long)g->seed, who);
    snprintf(doing, sizeof doing, "last: %s", action_name(g->last));
    if (g->watched) {
        const int at = WAIT[g->speed];
        snprintf(doing, sizeof doing, "last: %s (%s%.3g steps/s)", action_name(g->last), g->paused ? "paused, " : "",
                 1000.0 / at);
    } else if (g->advising && !g->over) {
        snprintf(doing, sizeof doing, "last: %s (expert: %s)", action_name(g->last),
                 g->advised ? action_name((int)g->advice) : "has given up");
    }
    if (g->over) snprintf(state, sizeof state, "%s: reward %.3f", g->outcome, g->reward);
    screen_notes notes = {.title = title, .state = state, .doing = doing};
    static const char *const playing[] = {"arrows: turn, go",        "p pick up  d drop  t toggle", "Enter: done",
                                          "n next episode  r again", "e expert's advice",           "q quit"};
    static const char *const watching[] = {"space: pause, go on",     ". one step", "+ faster  - slower",
                                           "n next episode  r again", "q quit",     NULL};
    for (int i = 0; i < 6; i++) notes.keys[i] = g->watched ? watching[i] : playing[i];
    babyai_screen(to, g->env, &notes);
}

game_result game_so_far(const game *g)
{
    return (game_result){.seed = g->seed,
                         .outcome = g->outcome,
                         .mission = babyai_mission(g->env),
                         .steps = babyai_steps(g->env),
                         .reward = g->reward,
                         .episodes = g->episodes,
                         .solved = g->solved};
}
