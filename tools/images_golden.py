#!/usr/bin/env python3
"""Writes tests/data/formats/images.safetensors: pictures as Pillow reads and resizes them (needs numpy, pillow, safetensors).

    tools/images_golden.py tests/data/formats

png.NAME     U8 [bytes]: a PNG file; every colour type and depth, interlaced or not, with transparency or without
rgb.NAME     U8 [h, w, 3]: Image.open(it).convert("RGB")
from.K       U8 [h, w, 3], to.K.FILTER U8 [h', w', 3]: Image.resize with the filter of that number

Recorded with Pillow 13.0.0. The same version writes the same bytes.
"""
import io
import struct
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import PIL
from PIL import Image
from safetensors.numpy import save_file

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
KINDS = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8), (4, 8), (4, 16), (6, 8), (6, 16)]
PASSES = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
SIZES = [((9, 7), (4, 13)), ((40, 31), (24, 24)), ((61, 40), (48, 48)), ((30, 9), (11, 30)), ((1, 50), (3, 8)), ((50, 1), (7, 5)),
         ((16, 16), (16, 9)), ((12, 20), (5, 20)), ((3, 2), (17, 23))]
warnings.simplefilter("ignore")


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed(samples, depth):
    bits = "".join(format(int(v), "0%db" % depth) for v in samples)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def png(rng, colour, depth, interlaced, transparent):
    height, width = (int(v) for v in rng.integers(3, 12, 2))
    colours = int(rng.integers(2, (1 << depth) + 1)) if colour == 3 else 1 << depth
    pixels = rng.integers(0, colours, (height, width, CHANNELS[colour]))
    lines = b""
    for y, x, down, right in PASSES if interlaced else [(0, 0, 1, 1)]:
        part = pixels[y::down, x::right]
        if part.size:
            lines += b"".join(b"\0" + packed(row.reshape(-1), depth) for row in part)
    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced)))
    out += chunk(b"gAMA", struct.pack(">I", 45455)) if interlaced else b""
    if colour == 3:
        out += chunk(b"PLTE", rng.integers(0, 256, 3 * colours).astype(np.uint8).tobytes())
        if transparent:
            out += chunk(b"tRNS", rng.integers(0, 256, colours).astype(np.uint8).tobytes())
    elif transparent and colour in (0, 2):
        out += chunk(b"tRNS", b"".join(struct.pack(">H", int(v)) for v in pixels[0, 0]))
    return out + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


def main():
    assert PIL.__version__ == "13.0.0", PIL.__version__
    rng = np.random.default_rng(20)
    out = {}
    for colour, depth in KINDS:
        for interlaced in (False, True):
            for transparent in (False, True):
                name = "%d-%d%s%s" % (colour, depth, "-interlaced" * interlaced, "-transparent" * transparent)
                data = png(rng, colour, depth, interlaced, transparent)
                out["png." + name] = np.frombuffer(data, np.uint8)
                out["rgb." + name] = np.array(Image.open(io.BytesIO(data)).convert("RGB"))
    for k, (source, target) in enumerate(SIZES):
        a = rng.integers(0, 256, (*source, 3)).astype(np.uint8)
        if k % 2:
            a = (a > 127).astype(np.uint8) * 255  # overshoots at every edge
        out["from.%d" % k] = a
        for f in range(6):
            out["to.%d.%d" % (k, f)] = np.array(Image.fromarray(a).resize((target[1], target[0]), f))
    save_file({k: np.ascontiguousarray(v) for k, v in out.items()}, Path(sys.argv[1]) / "images.safetensors")


if __name__ == "__main__":
    main()
