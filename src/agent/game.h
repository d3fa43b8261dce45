/* A level being played or watched: what keys do, what time does, what the screen says. A terminal is somebody else's
 * business: keys come as names, waiting is done outside. */
#ifndef TRIAD_AGENT_GAME_H
#define TRIAD_AGENT_GAME_H

#include "agent/player.h"
#include "babyai/screen.h"

typedef enum game_key {
    GAME_ACTION, /* + a babyai_action: the user acts */
    GAME_NEXT = GAME_ACTION + BABYAI_ACTIONS,
    GAME_AGAIN,
    GAME_ADVICE, /* playing: what the expert would do, shown or not */
    GAME_PAUSE,  /* watching from here on */
    GAME_STEP,
    GAME_FASTER,
    GAME_SLOWER,
    GAME_NO_KEY
} game_key;

typedef struct game game;

/* watched: who acts, borrowed; NULL: the user. A seed without an episode is said on the screen, not an error. */
TRIAD_NODISCARD triad_status game_open(game **made, const babyai_level *level, uint64_t seed, agent_player *watched,
                                       triad_error *err);
void game_close(game *game);
/* Keys that mean nothing now are passed over. */
TRIAD_NODISCARD triad_status game_press(game *game, game_key key, triad_error *err);
/* The watched player acts once, where game_wait says so. */
void game_tick(game *game);
/* Milliseconds until game_tick is due; -1: nothing happens by itself. */
int game_wait(const game *game);
void game_draw(const game *game, screen *to);

typedef struct game_result {
    uint64_t seed;       /* of the latest episode */
    const char *outcome; /* "solved", "failed", "out of steps", "the expert gave up", "under way", "no episode" */
    const char *mission; /* the game's */
    int steps;
    double reward;
    size_t episodes, solved; /* that were brought to an end */
} game_result;
game_result game_so_far(const game *game);

#endif
