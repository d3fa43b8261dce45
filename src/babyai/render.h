/* One cell's picture: what frames are made of. */
#ifndef TRIAD_BABYAI_RENDER_H
#define TRIAD_BABYAI_RENDER_H

#include "babyai/cell.h"
#include "triad/base.h"

enum { NO_AGENT = 4 };

/* rgb [tile, tile, 3] of a cell with this code; the agent in it looks in agent_direction, or is NO_AGENT. Fails for
 * want of memory only. */
TRIAD_NODISCARD triad_status babyai_draw_tile(uint8_t code, unsigned agent_direction, bool highlight, int tile,
                                              uint8_t *rgb);

#endif
