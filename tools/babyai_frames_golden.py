#!/usr/bin/env python3
"""Records pictures of Minigrid for tests/babyai/test_render.c.

    python3 tools/babyai_frames_golden.py > tests/data/babyai/frames.tsv        (Minigrid 3.1.0, NumPy 2.4.6)

Lines, tab separated; a checksum is the CRC-32 of the pixels (row, column, RGB) as 8 hexadecimal digits:
  T tile type colour state crc            one cell without agent, then with the agent looking right, down, left and up,
                                          each plain and highlighted: the ten pictures behind each other. type, colour,
                                          state as Grid.encode() gives them; type 1 is an empty cell
  F level seed steps view tile crc        get_frame after so many of the expert's steps; view: full, plain (full without
                                          highlight), agent
  W level seed steps crc x y direction t c the whole grid as FullyObsWrapper gives it (column, row, code), the agent's
                                          place, and the type and colour of what it carries (1 0: nothing)
"""
import contextlib
import io
import zlib

import gymnasium as gym
import minigrid  # noqa: F401 (registers the environments)
import numpy as np
from minigrid.core.constants import IDX_TO_COLOR
from minigrid.core.grid import Grid
from minigrid.core.world_object import Ball, Box, Door, Key, Wall
from minigrid.utils.baby_ai_bot import BabyAIBot
from minigrid.wrappers import FullyObsWrapper

TILES = [1, 2, 3, 5, 8, 10, 13, 32]
LARGE = [64, 100]  # where single samples lie on edges; not every cell, for time's sake
FRAMES = [("GoToLocal", 31, 3), ("BossLevel", 1234567, 25), ("UnlockPickup", 4, 12), ("PutNextS6N3Carrying", 9, 0),
          ("KeyCorridorS6R3", 77, 40), ("GoToObjMazeOpen", 5, 10), ("OneRoomS20", 2**32 + 5, 6),
          ("BlockedUnlockPickup", 8, 9), ("GoToDoor", 2**31 + 1, 2), ("PickupDist", 12, 4), ("UnlockToUnlock", 1, 30)]


def crc(pixels):
    return "%08x" % zlib.crc32(np.ascontiguousarray(pixels, dtype=np.uint8).tobytes())


def cells():
    yield None
    yield Wall()
    for index in sorted(IDX_TO_COLOR):
        colour = IDX_TO_COLOR[index]
        yield Door(colour, is_open=True)
        yield Door(colour)
        yield Door(colour, is_locked=True)
        yield Key(colour)
        yield Ball(colour)
        yield Box(colour)


for tile in TILES + LARGE:
    for cell in cells():
        if tile in LARGE and cell is not None and (cell.type == "wall" or cell.color != "purple"):
            continue
        pictures = [Grid.render_tile(cell, agent_dir=d, highlight=h, tile_size=tile)
                    for d in (None, 0, 1, 2, 3) for h in (False, True)]
        code = cell.encode() if cell is not None else (1, 0, 0)
        print("T", tile, *code, crc(np.stack(pictures)), sep="\t")

for level, seed, steps in FRAMES:
    env = gym.make("BabyAI-" + level + "-v0").unwrapped
    with contextlib.redirect_stdout(io.StringIO()):
        env.reset(seed=seed)
    bot, action = (BabyAIBot(env), None) if steps else (None, None)
    for _ in range(steps):
        action = bot.replan(action)
        _, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            break
    for view, tile in (("full", 32), ("full", 7), ("plain", 8), ("agent", 32), ("agent", 9)):
        frame = env.get_frame(highlight=view != "plain", tile_size=tile, agent_pov=view == "agent")
        print("F", level, seed, env.step_count, view, tile, crc(frame), sep="\t")
    whole = FullyObsWrapper(env).observation({})["image"]
    held = env.carrying.encode()[:2] if env.carrying else (1, 0)
    print("W", level, seed, env.step_count, crc(whole), *map(int, env.agent_pos), int(env.agent_dir), *held, sep="\t")
