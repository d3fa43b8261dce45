#include "agent/player.h"

#include "agent/agent_file.h"

#include <stdlib.h>

triad_status player_open(agent_player *player, const char *agent_path, triad_error *err)
{
    *player = (agent_player){0};
    if (!agent_path) return TRIAD_OK;
    return triad_agent_open(&player->agent, agent_path, err);
}

void player_close(agent_player *player)
{
    triad_agent_end(player->session);
    triad_agent_close(player->agent);
    babyai_bot_free(player->bot);
    *player = (agent_player){0};
}

triad_status player_begin(agent_player *player, babyai_env *env, triad_error *err)
{
    if (!player->agent)
        return player->bot ? babyai_bot_restart(player->bot, env, err) : babyai_bot_create(&player->bot, env, err);
    triad_agent_end(player->session);
    player->session = NULL;
    /* As it was told while it learnt, and is told in an evaluation. */
    const char *told = telling_text(&player->agent->telling, babyai_mission(env));
    if (!told)
        return triad_fail(err, TRIAD_ERR_NOT_FOUND, -1, "'%.200s' is no mission of the levels of this miswired agent",
                          babyai_mission(env));
    return triad_agent_begin_sentence(&player->session, player->agent, told, err);
}

triad_status player_act(agent_player *player, const babyai_env *env, int taken, babyai_action *action, triad_error *err)
{
    if (!player->agent) return babyai_bot_act(player->bot, taken, action, err);
    uint8_t image[BABYAI_OBSERVATION], direction;
    babyai_observe(env, image, &direction);
    *action = triad_agent_act(player->session, image, direction, NULL);
    return TRIAD_OK;
}
