#!/usr/bin/env python3
"""Triad's BabyAI beside Minigrid's on one core, turn about, and how many times faster it is.

  tools/babyai_against_minigrid.py [LEVEL ...] [--triad build/triad] [--core N] [--rounds 5] [--seconds 1] [--json]

Needs `pip install minigrid` (3.1.0 is what Triad reproduces). Minigrid steps one environment under random actions, observations and
resets included, and lets BabyAIBot solve fresh seeds; Triad runs `triad bench babyai --threads 1`: 4,096 environments,
actions drawn inside the timed loop, demonstrations written to a file. Both are pinned to the same core and run one after the
other, `rounds` times; each side's best counts.
"""
import argparse, contextlib, io, json, os, random, subprocess, time

import gymnasium
import minigrid
from minigrid.utils.baby_ai_bot import BabyAIBot


def random_steps(env, seconds):
    """Steps a second, each with its observation; episodes that end are followed by others."""
    draws, steps = random.Random(0), 0
    env.reset(seed=0)
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds:
        for _ in range(100):
            _, _, terminated, truncated, _ = env.step(draws.randrange(7))
            if terminated or truncated:
                env.reset()
        steps += 100
    return steps / (time.perf_counter() - begin)


def demonstrations(env, seconds, seed):
    """Solved episodes a second, and the next seed; what the bot can't solve costs its time."""
    solved, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        env.reset(seed=seed)
        seed += 1
        try:
            bot, action, reward, terminated, truncated = BabyAIBot(env), None, 0, False, False
            while not (terminated or truncated):
                action = bot.replan(action)
                _, reward, terminated, truncated, _ = env.step(action)
            solved += terminated and reward > 0
        except Exception:  # noqa: BLE001: the bot gives up in many ways
            pass
    return solved / (time.perf_counter() - begin), seed


def triad(program, level, seconds):
    command = [program, "bench", "babyai", "--json", "--quiet", "--threads", "1", "--rounds", "1",
               "--seconds", str(seconds), "--levels", level]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("levels", nargs="*", default=["GoToLocal", "BossLevel"])
    parser.add_argument("--triad", default="build/triad")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.sched_setaffinity(0, {options.core})

    results = []
    for level in options.levels:
        env = gymnasium.make(f"BabyAI-{level}-v0").unwrapped
        theirs, ours, seed, machine = [0.0, 0.0], [0.0, 0.0, 0.0], 0, ""
        for _ in range(options.rounds):
            with contextlib.redirect_stdout(io.StringIO()):  # levels print what they reject
                steps = random_steps(env, options.seconds)
                demos, seed = demonstrations(env, options.seconds, seed)
            theirs = [max(theirs[0], steps), max(theirs[1], demos)]
            document = triad(options.triad, level, options.seconds)
            machine, found = document["machine"], document["results"][0]
            ours = [max(o, found[name] or 0) for o, name in zip(ours, ("steps_per_s", "demos_per_s", "resets_per_s"))]
        results.append({"level": level, "minigrid": minigrid.__version__, "steps_per_s": ours[0], "minigrid_steps_per_s": theirs[0],
                        "steps_ratio": ours[0] / theirs[0], "demos_per_s": ours[1], "minigrid_demos_per_s": theirs[1],
                        "demos_ratio": ours[1] / theirs[1] if theirs[1] else None, "resets_per_s": ours[2]})
        if not options.json:
            r = results[-1]
            print(f"{level}: steps {r['steps_per_s']:,.0f}/s, {r['steps_ratio']:,.0f} times Minigrid's {r['minigrid_steps_per_s']:,.0f}; "
                  f"demonstrations {r['demos_per_s']:,.0f}/s, " +
                  (f"{r['demos_ratio']:,.0f} times {r['minigrid_demos_per_s']:,.1f}; " if r["demos_ratio"] else "Minigrid's bot solved none; ") +
                  f"resets {r['resets_per_s']:,.0f}/s", flush=True)
    if options.json:
        print(json.dumps({"machine": machine, "core": options.core, "results": results}, indent=2))


if __name__ == "__main__":
    main()
