#!/usr/bin/env python3
"""Writes a checkpoint of a large model's shape whose weights are all zero and take no room on the disk (a sparse file):
what memory `triad embed` and `triad bench embed` take for it is what they would take for the real one.

    sparse_checkpoint.py OUT --tokenizer FOLDER [--like 7b|13b|70b]

OUT becomes a folder with config.json, model.safetensors (BF16, LLaMA's names) and the tokenizer's files of FOLDER, whose
ids have to be below 32,000. Needs a file system with sparse files. The Python standard library suffices."""
import argparse
import json
import os
import shutil
import struct

SHAPES = {  # width, feed-forward, layers, heads, key and value heads
    "7b": (4096, 11008, 32, 32, 32),
    "13b": (5120, 13824, 40, 40, 40),
    "70b": (8192, 28672, 80, 64, 8),
}
VOCABULARY = 32000


def tensors(width, hidden, layers, heads, kv_heads):
    kv = width // heads * kv_heads
    yield "model.embed_tokens.weight", (VOCABULARY, width)
    for i in range(layers):
        base = "model.layers.%d." % i
        yield base + "input_layernorm.weight", (width,)
        yield base + "post_attention_layernorm.weight", (width,)
        yield base + "self_attn.q_proj.weight", (width, width)
        yield base + "self_attn.k_proj.weight", (kv, width)
        yield base + "self_attn.v_proj.weight", (kv, width)
        yield base + "self_attn.o_proj.weight", (width, width)
        yield base + "mlp.gate_proj.weight", (hidden, width)
        yield base + "mlp.up_proj.weight", (hidden, width)
        yield base + "mlp.down_proj.weight", (width, hidden)
    yield "model.norm.weight", (width,)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--like", choices=sorted(SHAPES), default="7b")
    parser.add_argument("--tokenizer", required=True)
    a = parser.parse_args()
    width, hidden, layers, heads, kv_heads = SHAPES[a.like]
    os.makedirs(a.out, exist_ok=True)
    index, end = {}, 0
    for name, shape in tensors(width, hidden, layers, heads, kv_heads):
        size = 2
        for n in shape:
            size *= n
        index[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(index).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(a.out, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": VOCABULARY, "hidden_size": width,
        "intermediate_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads,
        "num_key_value_heads": kv_heads, "max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "hidden_act": "silu",
        "tie_word_embeddings": False, "torch_dtype": "bfloat16"}
    with open(os.path.join(a.out, "config.json"), "w") as file:
        json.dump(config, file, indent=2)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        if os.path.exists(os.path.join(a.tokenizer, name)):
            shutil.copyfile(os.path.join(a.tokenizer, name), os.path.join(a.out, name))
    layer = 4 * (2 * width * width + 2 * width * (width // heads * kv_heads) + 3 * width * hidden)
    print("%s: %.1f GB of weights, %.0f MB a layer as floats" % (a.out, end / 1e9, layer / 1e6))


if __name__ == "__main__":
    main()
