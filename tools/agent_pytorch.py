#!/usr/bin/env python3
"""Times training by a plain PyTorch version of the policy beside `triad bench train`, turn about, on the same batches.

    python3 tools/agent_pytorch.py build/triad [--width 128] [--threads 2] [--seconds 6] [--rounds 3]

The policy as one would write it: nn.Module, every axis padded to the batch's longest, scaled_dot_product_attention, AdamW, the
gradient's norm clipped at 1. Each distinct instruction is encoded once, as Triad does. First the loss of the first batch is
checked against tools/agent_golden.py's plain policy on the same parameters, so that what is timed is the policy. Prints one JSON
line: steps of demonstrations a second of both, best of the rounds, and their ratio. Needs torch 2.13.0, numpy, safetensors.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import safe_open
from torch import nn

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import agent_golden as plain  # noqa: E402

ACTIONS, MAX_WORDS = 7, 96
ROWS = sum(rows for _, rows in plain.PARTS)


def padded(lengths, device=None):
    """[n, longest]: True where there is something."""
    return torch.arange(int(lengths.max()))[None, :] < lengths[:, None]


def pad(values, offset):
    """values [total, …] cut at offset [n + 1] -> [n, longest, …], and the mask [n, longest]."""
    mask = padded(offset[1:] - offset[:-1])
    out = values.new_zeros(*mask.shape, *values.shape[1:])
    out[mask] = values
    return out, mask


class Attention(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads, self.qkv, self.out = heads, nn.Linear(d, 3 * d, bias=False), nn.Linear(d, d)

    def split(self, x):
        return x.view(*x.shape[:-1], self.heads, -1).transpose(-3, -2)

    def forward(self, x, asked, mask):
        if x is asked:
            q, k, v = self.qkv(x).chunk(3, -1)
        else:
            d = x.shape[-1]
            q = F.linear(x, self.qkv.weight[:d])
            k, v = F.linear(asked, self.qkv.weight[d:]).chunk(2, -1)
        mixed = F.scaled_dot_product_attention(self.split(q), self.split(k), self.split(v), attn_mask=mask)
        return self.out(mixed.transpose(-3, -2).flatten(-2))


class Layer(nn.Module):
    def __init__(self, d, f, heads):
        super().__init__()
        self.attention, self.up, self.down = Attention(d, heads), nn.Linear(d, f), nn.Linear(f, d)

    def forward(self, x, norm1, norm2, mask, asked=None, norm_asked=None):
        h = norm1(x)
        x = x + self.attention(h, h if asked is None else norm_asked(asked), mask)
        return x + self.down(torch.relu(self.up(norm2(x))))


class Policy(nn.Module):
    def __init__(self, config):
        super().__init__()
        d, f, heads, z = (config[k] for k in ("width", "feed_forward", "heads", "instruction"))
        self.config, self.d = config, d
        self.words, self.positions = nn.Embedding(config["words"], d), nn.Embedding(MAX_WORDS, d)
        make = lambda n: nn.ModuleList(Layer(d, f, heads) for _ in range(n))
        self.encoder, self.cell, self.memory, self.recall = (make(config[f"{k}_layers"]) for k in ("encoder", "cell", "memory", "recall"))
        self.readout = Layer(d, f, heads)
        self.encoder_norms = nn.ModuleList(nn.LayerNorm(d) for _ in range(2 * config["encoder_layers"] + 1))
        self.vector = nn.Linear(d, z)
        self.features = nn.EmbeddingBag(ROWS, d, mode="sum")
        self.token = nn.Linear(z, d, bias=False)
        self.distance = nn.ParameterList(nn.Parameter(torch.zeros(heads, config["window"])) for _ in self.memory)
        norms = 2 * (config["cell_layers"] + config["memory_layers"]) + 3 * (1 + config["recall_layers"]) + 1
        self.film, self.head = nn.Linear(z, norms * 2 * d), nn.Linear(d, ACTIONS)

    def load(self, p):
        """Takes parameters under the names of agent_golden.py."""
        copy = lambda to, name: to.data.copy_(p[name])
        copy(self.words.weight, "instruction.words"), copy(self.positions.weight, "instruction.positions")
        groups = [("instruction", self.encoder), ("cell", self.cell), ("memory", self.memory), ("recall", self.recall)]
        for prefix, module in [(f"{g}.{i}", m) for g, ms in groups for i, m in enumerate(ms)] + [("readout", self.readout)]:
            copy(module.attention.qkv.weight, f"{prefix}.attention.qkv.weight")
            for to, name in ((module.attention.out, "attention.out"), (module.up, "feed_forward.up"), (module.down, "feed_forward.down")):
                copy(to.weight, f"{prefix}.{name}.weight"), copy(to.bias, f"{prefix}.{name}.bias")
        for i, norm in enumerate(self.encoder_norms):
            prefix = f"instruction.{i // 2}.{('attention', 'feed_forward')[i % 2]}.norm" if i + 1 < len(self.encoder_norms) else "instruction.norm"
            copy(norm.weight, f"{prefix}.gain"), copy(norm.bias, f"{prefix}.shift")
        for i, bias in enumerate(self.distance):
            copy(bias, f"memory.{i}.attention.distance_bias")
        self.features.weight.data.copy_(torch.cat([p[f"token.{name}"] for name, _ in plain.PARTS]))
        copy(self.vector.weight, "instruction.vector.weight"), copy(self.vector.bias, "instruction.vector.bias")
        copy(self.token.weight, "token.instruction.weight")
        copy(self.film.weight, "film.weight"), copy(self.film.bias, "film.bias")
        copy(self.head.weight, "head.weight"), copy(self.head.bias, "head.bias")

    def instruct(self, b):
        words, mask = pad(b["word"], b["word_offset"])
        x = self.words(words) + self.positions.weight[: words.shape[1]]
        for i, layer in enumerate(self.encoder):
            x = layer(x, self.encoder_norms[2 * i], self.encoder_norms[2 * i + 1], mask[:, None, None, :])
        x = self.encoder_norms[-1](x) * mask[..., None]
        return self.vector(x.sum(1) / mask.sum(1, keepdim=True))

    def forward(self, b):
        z = self.instruct(b)
        film = self.film(z).view(len(z), -1, 2, self.d)
        per_step, per_episode = film[b["step_instruction"]], film[b["episode_instruction"]]
        number = iter(range(film.shape[1]))

        def norm(table):
            i = next(number)
            return lambda x: F.layer_norm(x, (self.d,)) * (1 + table[:, i, 0].view(len(table), *[1] * (x.dim() - 2), self.d)) + table[
                :, i, 1].view(len(table), *[1] * (x.dim() - 2), self.d)

        tokens = self.features(b["bag"], b["bag_offset"][:-1])
        seen, mask = pad(tokens, b["token_offset"])
        in_sight = padded(b["visible"])
        wide = in_sight.shape[1]
        x = seen[:, :wide].clone()
        x[:, 0] = x[:, 0] + self.token(z)[b["step_instruction"]]
        for layer in self.cell:
            x = layer(x, norm(per_step), norm(per_step), in_sight[:, None, None, :])
        seen = torch.cat([torch.where(in_sight[..., None], x, seen[:, :wide]), seen[:, wide:]], 1)
        among = mask[:, None, None, :]

        def ask(layer, x):
            norm_q, norm_seen, norm_ff = norm(per_step), norm(per_step), norm(per_step)
            return layer(x, norm_q, norm_ff, among, seen, norm_seen)

        x = ask(self.readout, seen[:, :1])[:, 0]
        x, real = pad(x, b["episode_offset"])
        steps = torch.arange(x.shape[1])
        back = steps[:, None] - steps[None, :]
        hidden = (back < 0) | (back >= self.config["window"])
        for layer, distance in zip(self.memory, self.distance):
            bias = distance[:, back.clamp(0, self.config["window"] - 1)].masked_fill(hidden, -torch.inf)
            x = layer(x, norm(per_episode), norm(per_episode), bias[None])
        x = x[real][:, None]
        for layer in self.recall:
            x = ask(layer, x)
        return self.head(norm(per_step)(x)[:, 0])


def read(path):
    """The batches, the pieces of each put together again, and the configuration."""
    with safe_open(path, "numpy") as f:
        config = json.loads(f.metadata()["config"])
        arrays = {name: f.get_tensor(name).astype(np.int64) for name in f.keys()}
    batches = []
    for number in sorted({int(name.split(".")[0]) for name in arrays}):
        pieces = [{k.split(".", 2)[2]: v for k, v in arrays.items() if k.startswith(f"{number}.{p}.")} for p in (0, 1)]
        out = {}
        for piece in filter(None, pieces):
            shift = len(out["word_offset"]) - 1 if out else 0
            for name, values in piece.items():
                if name == "episode_instruction":
                    values = values + shift
                if name in out and name.endswith("offset"):
                    values = values[1:] + out[name][-1]
                out[name] = np.concatenate([out[name], values]) if name in out else values
        out["step_instruction"] = np.repeat(out["episode_instruction"], np.diff(out["episode_offset"]))
        batches.append({name: torch.as_tensor(values) for name, values in out.items()})
    return batches, config


def check(policy, batch, config):
    """The padded policy against the plain one, an episode at a time, in double."""
    plain.CONFIG.update(config)
    rng = np.random.default_rng(3)
    p = {name: torch.as_tensor(rng.normal(size=shape) / shape[-1] ** 0.5 + name.endswith("norm.gain")) for name, shape, _ in plain.table()}
    policy = policy.double()
    policy.load(p)
    with torch.no_grad():
        ours, theirs = policy(batch), plain.forward(p, {k: v.numpy() for k, v in batch.items()})
    error = float((ours - theirs).norm() / theirs.norm())
    assert error < 1e-9, f"the padded policy is not the policy: {error}"
    policy.float()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("triad")
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    a = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(a.threads)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "batches")
        subprocess.run([a.triad, "bench", "train", "--width", str(a.width), "--batches", path, "--quiet"], check=True)
        batches, config = read(path)
    policy = Policy(config)
    check(policy, batches[0], config)
    matrices = [p for p in policy.parameters() if p.dim() > 1]
    vectors = [p for p in policy.parameters() if p.dim() <= 1]
    optimiser = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}], lr=8e-4, betas=(0.9, 0.98))

    def update(batch):
        optimiser.zero_grad(set_to_none=True)
        F.cross_entropy(policy(batch), batch["target"]).backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimiser.step()
        return len(batch["target"])

    for batch in batches[:3]:
        update(batch)
    ours, theirs, gflops = 0.0, 0.0, None
    for _ in range(a.rounds):
        begin, steps, number = time.perf_counter(), 0, 0
        while time.perf_counter() - begin < a.seconds:
            steps += update(batches[number % len(batches)])
            number += 1
        theirs = max(theirs, steps / (time.perf_counter() - begin))
        text = subprocess.run([a.triad, "bench", "train", "--json", "--quiet", "--width", str(a.width), "--threads", str(a.threads),
                               "--seconds", str(a.seconds)], check=True, capture_output=True, text=True).stdout
        result = json.loads(text)["results"][0]
        if result["items_per_s"] > ours:
            ours, gflops = result["items_per_s"], result
    print(json.dumps({"width": a.width, "threads": a.threads, "torch": torch.__version__, "pytorch_steps_per_s": round(theirs, 1),
                      "triad_steps_per_s": round(ours, 1), "ratio": round(ours / theirs, 2), "gflops": gflops["gflops"],
                      "gflops_sgemm": gflops["gflops_sgemm"], "parameters": sum(p.numel() for p in policy.parameters())}))


if __name__ == "__main__":
    main()
