#!/usr/bin/env python3
"""Records a PyTorch run of the policy: forward, gradients, three AdamW steps. Writes tests/data/agent/policy.safetensors,
and policy_cross.safetensors of the variant in which the steps ask the instruction's words.

    python3 tools/agent_golden.py tests/data/agent/policy.safetensors
    python3 tools/agent_golden.py tests/data/agent/policy_cross.safetensors --cross-layers 2

The policy of src/agent in plain PyTorch autograd and double precision, on random parameters and a random batch, both recorded.
Made with torch 2.13.0, numpy, safetensors. tests/agent/test_pytorch.c reads it:

    config                 metadata: JSON of policy_config's fields, words among them
    input.*                I64: word_offset, word, episode_instruction, episode_offset, token_offset, visible, bag_offset, bag, target
    start.NAME             F32: parameters
    logits                 F32 [steps, 7]
    loss                   F32 [1]: mean cross-entropy
    gradient.NAME          F32: of the mean loss
    norm                   F32 [3]: the gradient's norm before clipping, in each of the three steps
    after.NAME             F32: parameters after three steps of AdamW (1e-3, 0.9, 0.98, eps 1e-8, weight decay 0.01 on
                           matrices), the gradient's norm clipped at 1
"""
import argparse
import json

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

CONFIG = dict(width=16, heads=2, feed_forward=32, encoder_layers=2, cell_layers=1, memory_layers=2, recall_layers=2,
              window=3, instruction=32, words=11)
MAX_WORDS, ACTIONS = 96, 7
PARTS = [("global", 1), ("previous_action", 8), ("wall", 49), ("unseen", 49), ("type", 4), ("colour", 6), ("state", 3), ("cell", 49),
         ("heading", 4), ("ahead", 41), ("aside", 41), ("out_of_sight", 1), ("before", 41), ("beside", 41), ("known_free", 289),
         ("known_wall", 289)]


def table():
    """Names, shapes and whether weight decay applies."""
    d, f, heads, window, z = (CONFIG[k] for k in ("width", "feed_forward", "heads", "window", "instruction"))
    out = []

    def block(prefix, norms, distance):
        if norms:
            for half in ("attention", "feed_forward"):
                out.extend([(f"{prefix}.{half}.norm.gain", (d,), False), (f"{prefix}.{half}.norm.shift", (d,), False)])
        out.append((f"{prefix}.attention.qkv.weight", (3 * d, d), True))
        if distance:
            out.append((f"{prefix}.attention.distance_bias", (heads, window), False))
        out.extend([(f"{prefix}.attention.out.weight", (d, d), True), (f"{prefix}.attention.out.bias", (d,), False),
                    (f"{prefix}.feed_forward.up.weight", (f, d), True), (f"{prefix}.feed_forward.up.bias", (f,), False),
                    (f"{prefix}.feed_forward.down.weight", (d, f), True), (f"{prefix}.feed_forward.down.bias", (d,), False)])

    out.extend([("instruction.words", (CONFIG["words"], d), True), ("instruction.positions", (MAX_WORDS, d), True)])
    for layer in range(CONFIG["encoder_layers"]):
        block(f"instruction.{layer}", True, False)
    out.extend([("instruction.norm.gain", (d,), False), ("instruction.norm.shift", (d,), False),
                ("instruction.vector.weight", (z, d), True), ("instruction.vector.bias", (z,), False)])
    out.extend((f"token.{name}", (rows, d), True) for name, rows in PARTS)
    out.append(("token.instruction.weight", (d, z), True))
    for layer in range(CONFIG["cell_layers"]):
        block(f"cell.{layer}", False, False)
    block("readout", False, False)
    for layer in range(CONFIG.get("cross_layers", 0)):
        block(f"cross.{layer}", False, False)
    for layer in range(CONFIG["memory_layers"]):
        block(f"memory.{layer}", False, True)
    for layer in range(CONFIG["recall_layers"]):
        block(f"recall.{layer}", False, False)
    norms = 2 * (CONFIG["cell_layers"] + CONFIG["memory_layers"]) + 3 * (1 + CONFIG.get("cross_layers", 0) + CONFIG["recall_layers"]) + 1
    out.extend([("film.weight", (norms * 2 * d, z), True), ("film.bias", (norms * 2 * d,), False),
                ("head.weight", (ACTIONS, d), True), ("head.bias", (ACTIONS,), False)])
    return out


def make_batch(rng):
    """Six episodes of 1 to 6 steps under four instructions, sorted by instruction."""
    words = [rng.integers(0, CONFIG["words"], size=n) for n in (5, 3, 9, 7)]
    episodes = [(0, 4), (0, 1), (1, 6), (2, 2), (3, 3), (3, 5)]
    first = np.cumsum([0] + [rows for _, rows in PARTS])
    token_offset, visible, bag_offset, bag, target = [0], [], [0], [], []
    for _, steps in episodes:
        for _ in range(steps):
            visible.append(1 + int(rng.integers(0, 5)))
            tokens = visible[-1] + int(rng.integers(0, 4))
            for token in range(tokens):
                parts = ([0, 1, 8, 9, 10] if token == 0 else
                         [4, 5, 9, 10] + ([7] if token < visible[-1] else [11, 12, 13]) + ([6] if rng.random() < 0.3 else []))
                rows = [int(first[p] + rng.integers(0, PARTS[p][1])) for p in parts]
                if token == 0:
                    rows += [int(first[2] + c) for c in rng.choice(49, 6, replace=False)]
                    rows += [int(first[3] + c) for c in rng.choice(49, 5, replace=False)]
                    rows += [int(first[14] + c) for c in rng.choice(289, 9, replace=False)]
                    rows += [int(first[15] + c) for c in rng.choice(289, 7, replace=False)]
                bag.extend(rows)
                bag_offset.append(len(bag))
            token_offset.append(token_offset[-1] + tokens)
            target.append(int(rng.integers(0, ACTIONS)))
    return dict(word_offset=np.cumsum([0] + [len(w) for w in words]), word=np.concatenate(words),
                episode_instruction=np.array([i for i, _ in episodes]), episode_offset=np.cumsum([0] + [n for _, n in episodes]),
                token_offset=np.array(token_offset), visible=np.array(visible), bag_offset=np.array(bag_offset), bag=np.array(bag), target=np.array(target))


def normalise(x):
    return F.layer_norm(x, x.shape[-1:], eps=1e-5)


def attend(q, k, v, scores_extra=None):
    heads, d = CONFIG["heads"], q.shape[-1]
    split = lambda x: x.reshape(x.shape[0], heads, d // heads).transpose(0, 1)
    scores = split(q) @ split(k).transpose(1, 2) / (d // heads) ** 0.5
    if scores_extra is not None:
        scores = scores + scores_extra
    return (scores.softmax(-1) @ split(v)).transpose(0, 1).reshape(q.shape[0], d)


def feed_forward(p, prefix, x, norm):
    hidden = torch.relu(norm(x) @ p[f"{prefix}.feed_forward.up.weight"].T + p[f"{prefix}.feed_forward.up.bias"])
    return x + hidden @ p[f"{prefix}.feed_forward.down.weight"].T + p[f"{prefix}.feed_forward.down.bias"]


def layer(p, prefix, x, norm1, norm2, scores_extra=None):
    q, k, v = (norm1(x) @ p[f"{prefix}.attention.qkv.weight"].T).chunk(3, -1)
    x = x + attend(q, k, v, scores_extra) @ p[f"{prefix}.attention.out.weight"].T + p[f"{prefix}.attention.out.bias"]
    return feed_forward(p, prefix, x, norm2)


def ask(p, prefix, x, tokens, norms):
    """A layer in which x [m, d] asks the tokens [n, d]."""
    wq, wk, wv = p[f"{prefix}.attention.qkv.weight"].chunk(3)
    h = norms[1](tokens)
    x = x + attend(norms[0](x) @ wq.T, h @ wk.T, h @ wv.T) @ p[f"{prefix}.attention.out.weight"].T + p[f"{prefix}.attention.out.bias"]
    return feed_forward(p, prefix, x, norms[2])


def instruction(p, words):
    """The one vector, and the states of the words."""
    x = p["instruction.words"][words] + p["instruction.positions"][: len(words)]
    for number in range(CONFIG["encoder_layers"]):
        prefix = f"instruction.{number}"
        norms = [lambda h, half=half: normalise(h) * p[f"{prefix}.{half}.norm.gain"] + p[f"{prefix}.{half}.norm.shift"]
                 for half in ("attention", "feed_forward")]
        x = layer(p, prefix, x, *norms)
    x = normalise(x) * p["instruction.norm.gain"] + p["instruction.norm.shift"]
    return x.mean(0) @ p["instruction.vector.weight"].T + p["instruction.vector.bias"], x


def episode_logits(p, z, words, steps):
    """words: the states of the instruction's words. steps: for each the number of tokens in sight and the list of its tokens' bags."""
    d, window = CONFIG["width"], CONFIG["window"]
    film = (z @ p["film.weight"].T + p["film.bias"]).reshape(-1, 2, d)
    modulated = [lambda x, g=film[i, 0], b=film[i, 1]: normalise(x) * (1 + g) + b for i in range(film.shape[0])]
    features = torch.cat([p[f"token.{name}"] for name, _ in PARTS])
    vectors, seen = [], []
    for visible, bags in steps:
        x = torch.stack([features[bag].sum(0) for bag in bags])
        x, remembered = torch.cat([x[:1] + z @ p["token.instruction.weight"].T, x[1:visible]]), x[visible:]
        norm = 0
        for number in range(CONFIG["cell_layers"]):
            x = layer(p, f"cell.{number}", x, modulated[norm], modulated[norm + 1])
            norm += 2
        seen.append(torch.cat([x, remembered]))
        vectors.append(ask(p, "readout", x[:1], seen[-1], modulated[norm : norm + 3])[0])
        norm += 3
    x = torch.stack(vectors)
    for number in range(CONFIG.get("cross_layers", 0)):
        x = ask(p, f"cross.{number}", x, words, modulated[norm : norm + 3])
        norm += 3
    back = torch.arange(len(steps))[:, None] - torch.arange(len(steps))[None, :]
    hidden = (back < 0) | (back >= window)
    for number in range(CONFIG["memory_layers"]):
        bias = p[f"memory.{number}.attention.distance_bias"][:, back.clamp(0, window - 1)].masked_fill(hidden, -torch.inf)
        x = layer(p, f"memory.{number}", x, modulated[norm], modulated[norm + 1], bias)
        norm += 2
    for number in range(CONFIG["recall_layers"]):
        x = torch.cat([ask(p, f"recall.{number}", row[None], tokens, modulated[norm : norm + 3]) for row, tokens in zip(x, seen)])
        norm += 3
    return modulated[norm](x) @ p["head.weight"].T + p["head.bias"]


def forward(p, batch):
    words = [batch["word"][a:b] for a, b in zip(batch["word_offset"], batch["word_offset"][1:])]
    told = [instruction(p, torch.as_tensor(w)) for w in words]
    bags = [batch["bag"][a:b] for a, b in zip(batch["bag_offset"], batch["bag_offset"][1:])]
    steps = [(n, bags[a:b]) for n, a, b in zip(batch["visible"], batch["token_offset"], batch["token_offset"][1:])]
    logits = [episode_logits(p, *told[i], steps[a:b])
              for i, a, b in zip(batch["episode_instruction"], batch["episode_offset"], batch["episode_offset"][1:])]
    return torch.cat(logits)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output")
    parser.add_argument("--cross-layers", type=int, default=0)
    a = parser.parse_args()
    if a.cross_layers:
        CONFIG["cross_layers"] = a.cross_layers
    rng = np.random.default_rng(17)
    batch = make_batch(rng)
    p, decayed, kept = {}, [], []
    for name, shape, decay in table():
        scale = 1 / shape[-1] ** 0.5 if len(shape) == 2 else 0.3
        centre = 1.0 if name.endswith("norm.gain") else 0.0
        start = (centre + scale * rng.normal(size=shape)).astype(np.float32)
        p[name] = torch.tensor(start.astype(np.float64), requires_grad=True)
        (decayed if decay else kept).append(p[name])
    optimiser = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.01}, {"params": kept, "weight_decay": 0.0}], lr=1e-3,
                                  betas=(0.9, 0.98), eps=1e-8)
    out = {f"input.{name}": np.asarray(values, np.int64) for name, values in batch.items()}
    single = lambda tensor: tensor.detach().numpy().astype(np.float32).copy()
    out.update({f"start.{name}": single(value) for name, value in p.items()})
    norms = []
    for step in range(3):
        optimiser.zero_grad()
        logits = forward(p, batch)
        loss = F.cross_entropy(logits, torch.as_tensor(batch["target"]))
        loss.backward()
        if step == 0:
            out.update(logits=single(logits), loss=single(loss.reshape(1)))
            out.update({f"gradient.{name}": single(value.grad) for name, value in p.items()})
        norms.append(float(torch.nn.utils.clip_grad_norm_(list(p.values()), 1.0)))
        optimiser.step()
    out["norm"] = np.asarray(norms, np.float32)
    out.update({f"after.{name}": single(value) for name, value in p.items()})
    save_file(out, a.output, metadata={"config": json.dumps(CONFIG), "made_by": f"tools/agent_golden.py, torch {torch.__version__}"})
    print(f"loss {float(loss.detach()):.6f}, norms {norms}, {sum(v.size for v in out.values())} numbers")


if __name__ == "__main__":
    main()
