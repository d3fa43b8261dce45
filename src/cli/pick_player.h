/* Who acts in an episode, by --bot and --agent FILE. */
#ifndef TRIAD_CLI_PICK_PLAYER_H
#define TRIAD_CLI_PICK_PLAYER_H

#include "cli/cli.h"

typedef struct cli_player {
    bool bot;
    const char *agent; /* file; NULL: none */
} cli_player;

/* The two options, for a table of options. help: "The expert acts." */
#define CLI_PLAYER_OPTIONS(player, bot_help, agent_help)                                                               \
    {.name = "bot", .kind = CLI_FLAG, .help = (bot_help), .value = &(player).bot},                                     \
    {                                                                                                                  \
        .name = "agent", .kind = CLI_STRING, .argument = "FILE", .help = (agent_help), .value = &(player).agent        \
    }

/* Both is wrong usage: a line on stderr, and CLI_USAGE; else CLI_GO. *acts: whether anybody does. */
int cli_pick_player(bool *acts, const cli_usage *usage, const cli_player *player);

#endif
