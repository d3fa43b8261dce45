#!/usr/bin/env python3
"""Writes the files of tests/data/formats/ by the Python packages that people use (needs numpy, safetensors, torch, gguf).

    tools/formats_golden.py tests/data/formats [BLOCKS]

python.safetensors     every type that Triad reads, a scalar, an empty tensor, an unaligned one, metadata
*.npy                  versions 1 to 3, every type; fortran.npy, big.npy, record.npy and complex.npy are to be refused
python.gguf            keys of every kind, a tensor of every type that Triad reads; quantised ones hold random bits
python.gguf.safetensors  the same tensors, widened by the gguf package
wide.safetensors       F16, BF16 and F8_E4M3: every bit pattern in `bits.*`, its value in `value.*`

BLOCKS is the number of quantised blocks a type (default 2). The same versions write the same bytes.
"""
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf.quants import dequantize
from numpy.lib import format as npy_format
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch


def write_safetensors(folder):
    count = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    tensors = {
        "f64": count.double() / 3,
        "f32": count / 3,
        "f16": (count / 3).half(),
        "bf16": (count / 3).bfloat16(),
        "f8": (count / 3).to(torch.float8_e4m3fn),
        "i64": torch.tensor([-(2**63), 0, 2**63 - 1]),
        "i32": torch.tensor([-(2**31), 2**31 - 1], dtype=torch.int32),
        "i16": torch.tensor([-32768, 32767], dtype=torch.int16),
        "i8": torch.tensor([-128, 127, 5], dtype=torch.int8),
        "u8": torch.tensor([0, 255, 7], dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(3, 0),
        "name with ü, \"quotes\" and / slashes": torch.tensor([1.0]),
    }
    save_torch(tensors, folder / "python.safetensors", metadata={"format": "pt", "words": "ünïcode\t\"x\"\n"})

    # Every pattern of the narrow types.
    half = np.arange(65536, dtype=np.uint16)
    tiny = np.arange(256, dtype=np.uint8)
    as_torch = lambda bits, kind: torch.from_numpy(bits.view(np.int16) if bits.dtype == np.uint16 else bits).view(kind)
    pick = half[::37].copy()  # safetensors writes the memory behind a view
    save_file(
        {
            "bits.f16": pick, "value.f16": as_torch(pick, torch.float16).float().numpy(),
            "bits.bf16": pick, "value.bf16": as_torch(pick, torch.bfloat16).float().numpy(),
            "bits.f8": tiny, "value.f8": as_torch(tiny, torch.float8_e4m3fn).float().numpy(),
        },
        folder / "wide.safetensors",
    )


def write_npy(folder):
    grid = np.arange(12, dtype=np.float32).reshape(3, 4) / 7
    np.save(folder / "f4.npy", grid)
    np.save(folder / "scalar.npy", np.float64(2.5))
    np.save(folder / "empty.npy", np.zeros((0, 5), np.float32))
    for kind in "f2 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1".split():
        np.save(folder / f"{kind}.npy", np.array([[0, 1, 1], [1, 0, 100]]).astype(kind))
    for version in (2, 3):
        with open(folder / f"v{version}.npy", "wb") as f:
            npy_format.write_array(f, grid, version=(version, 0))
    np.save(folder / "fortran.npy", np.asfortranarray(grid))
    np.save(folder / "big.npy", grid.astype(">f4"))
    np.save(folder / "complex.npy", grid.astype(np.complex64))
    np.save(folder / "record.npy", np.zeros(2, dtype=[("a", "f4"), ("b", "i2")]))


def random_blocks(rng, kind, blocks):
    """Random bits, scales kept finite: the half-precision fields of a block must not be NaN or infinite."""
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    halves = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108],
              "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0]}[kind.name]
    data = rng.integers(0, 256, (blocks, size), dtype=np.uint8)
    for at in halves:
        data[:, at : at + 2] = rng.normal(0, 0.1, blocks).astype(np.float16).view(np.uint8).reshape(blocks, 2)
    return data.reshape(1, -1)


def write_gguf(folder, blocks):
    rng = np.random.default_rng(0)
    writer = gguf.GGUFWriter(folder / "python.gguf", "llama")
    writer.add_uint8("kind.u8", 200)
    writer.add_int8("kind.i8", -100)
    writer.add_uint16("kind.u16", 60000)
    writer.add_int16("kind.i16", -30000)
    writer.add_uint32("kind.u32", 4000000000)
    writer.add_int32("kind.i32", -2000000000)
    writer.add_uint64("kind.u64", 2**63 - 1)
    writer.add_key_value("kind.u64_beyond", 2**63, gguf.GGUFValueType.UINT64)
    writer.add_key_value("kind.i64", -(2**63), gguf.GGUFValueType.INT64)
    writer.add_float32("kind.f32", 0.1)
    writer.add_float64("kind.f64", 0.1)
    writer.add_bool("kind.bool", True)
    writer.add_string("kind.string", "ünïcode")
    writer.add_array("array.int", [1, -2, 3])
    writer.add_array("array.real", [0.5, -1.5])
    writer.add_array("array.string", ["a", "", "▁red", "b" * 50])
    writer.add_array("array.bool", [True, False])

    wide = {}
    grid = rng.normal(0, 1, (3, 5)).astype(np.float32)
    for name, values in {"f32": grid, "f16": grid.astype(np.float16), "f64": grid.astype(np.float64)}.items():
        writer.add_tensor(name, values)
        wide[name] = values.astype(np.float32)
    bf16 = (grid.view(np.uint32) >> 16).astype(np.uint16)
    writer.add_tensor("bf16", bf16.view(np.uint8), raw_dtype=gguf.GGMLQuantizationType.BF16)
    wide["bf16"] = (bf16.astype(np.uint32) << 16).view(np.float32)
    writer.add_tensor("i32", np.arange(4, dtype=np.int32))
    for name in "Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS".split():
        kind = gguf.GGMLQuantizationType[name]
        data = random_blocks(rng, kind, blocks)
        writer.add_tensor(name, data, raw_dtype=kind)
        wide[name] = dequantize(data, kind).astype(np.float32)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    save_file(wide, folder / "python.gguf.safetensors")


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write_safetensors(folder)
    write_npy(folder)
    write_gguf(folder, int(sys.argv[2]) if len(sys.argv) > 2 else 2)


if __name__ == "__main__":
    main()
