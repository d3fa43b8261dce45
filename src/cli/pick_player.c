#include "cli/pick_player.h"

int cli_pick_player(bool *acts, const cli_usage *usage, const cli_player *player)
{
    *acts = player->bot || player->agent != NULL;
    if (player->bot && player->agent != NULL)
        return cli_usage_error(usage, "--bot and --agent exclude each other (who acts?)");
    return CLI_GO;
}
