#!/usr/bin/env python3
"""Records draws of NumPy's default generator for tests/base/test_rng.c.

    python3 tools/rng_golden.py > tests/data/base/rng.tsv        (recorded with NumPy 2.4.6)

A line is a seed and the draws that follow, separated by tabs:
  words  comma-separated 32-bit words, little-endian: what default_rng was given
  state  hexadecimal, right after seeding
  draws  space-separated, in order: i:HIGH:VALUE is integers(0, HIGH); u:VALUE is uniform(0, 1) in hexadecimal
         notation; r:VALUE is integers(0, 2**64, dtype=uint64), a raw 64-bit draw
"""
import numpy as np

SEEDS = [0, 1, 2, 7, 1000, 123456789, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**40 + 12345, 2**63, 2**63 - 1, 2**64 - 1,
         10**9, 2 * 10**9, 3 * 10**9, 0xdeadbeefcafebabe]
LISTS = [[5, 0], [0, 0], [1, 2, 3], [42, 1, 4294967295], [0, 0, 0, 0], [1, 2, 3, 4], [1, 2, 3, 4, 5],
         [9, 8, 7, 6, 5, 4, 3, 2, 1, 0], [4294967295] * 6]
HIGHS = [2, 6, 7, 1, 100, 3, 22, 65536, 2**31 + 1, 3 * 10**9, 2**32 - 1, 10]

for given in SEEDS + LISTS:
    if isinstance(given, int):
        words = [given] if given < 2**32 else [given & 0xffffffff, given >> 32]
    else:
        words = given
    rng = np.random.default_rng(given)
    state = rng.bit_generator.state["state"]["state"]
    draws = []
    for turn in range(2):
        for k, high in enumerate(HIGHS):
            draws.append(f"i:{high}:{rng.integers(0, high)}")
            if k % 4 == 2:
                draws.append(f"u:{float(rng.uniform(0, 1)).hex()}")
            if k % 5 == 4:
                draws.append(f"r:{rng.integers(0, 2**64, dtype=np.uint64)}")
    print(",".join(map(str, words)), f"{state:032x}", " ".join(draws), sep="\t")
