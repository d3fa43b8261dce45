#!/usr/bin/env python3
"""Small valid files to begin fuzzing from: one for each way through a parser.  Writes fuzz/corpus/TARGET/NAME.

    python3 tools/fuzz_seeds.py          (needs the gguf package, 0.19, and numpy)

Seeds that the fuzzer found itself have hexadecimal names and stay."""
import json, os, struct, sys
import numpy as np
import gguf
from gguf import GGMLQuantizationType as Q

CORPUS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fuzz", "corpus")
WORDS = ["a", "b", "c", "ab", "abc", "bc", "red", "re", "d", "r", "e", "go", "g", "o", "▁", "▁go", "the", "t", "h", "th", "1", "2", "!", "'", "s", "'s"]


def put(target, name, data):
    path = os.path.join(CORPUS, target, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f: f.write(data)


# ---- tokenizer.model: protocol buffers
def varint(n):
    out = b""
    while True:
        out += bytes([n & 127 | (128 if n > 127 else 0)])
        n >>= 7
        if n == 0: return out


def field(number, data): return varint(number << 3 | 2) + varint(len(data)) + data
def number(n, value): return varint(n << 3) + varint(value)


def piece(text, score, kind=1):
    return field(1, field(1, text.encode()) + varint(2 << 3 | 5) + struct.pack("<f", score) + (number(3, kind) if kind != 1 else b""))


def pieces(with_bytes):
    out = [("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3)]
    if with_bytes: out += [("<0x%02X>" % b, 0, 6) for b in range(256)]
    return out + [(w, -float(i), 1) for i, w in enumerate(WORDS)] + [("<u>", 0, 4)]


def spm(with_bytes, trainer=number(3, 2), normaliser=number(3, 1) + number(4, 0) + number(5, 1)):
    return b"".join(piece(*p) for p in pieces(with_bytes)) + field(2, field(1, b"x") + trainer + number(4, 300)) + field(3, field(1, b"identity") + normaliser)


for i in range(4): put("tokenizer_model", "config-%d" % i, bytes([i]) + spm(i == 0))
put("tokenizer_model", "unigram", b"\0" + spm(False, trainer=number(3, 1)))
put("tokenizer_model", "table", b"\0" + spm(False, normaliser=field(2, b"xyz")))
put("tokenizer_model", "unescaped", b"\0" + spm(False, normaliser=number(5, 0)))
put("tokenizer_model", "fixed-64", b"\0" + varint(9 << 3 | 1) + bytes(8) + spm(False))

# ---- vocab.json, merges.txt, tokenizer_config.json
def letters():
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [chr(b) for b in shown] + [chr(256 + n) for n in range(256 - len(shown))]


def pairs(words, merges, config):
    return json.dumps({w: i for i, w in enumerate(words)}, ensure_ascii=False).encode() + b"\0" + merges.encode() + (b"\0" + json.dumps(config).encode() if config is not None else b"")


MERGES = "#version: 0.2\na b\nab c\nr e\nre d\nt h\nth e\n"
GPT = letters() + ["ab", "abc", "re", "red", "th", "the", "<|endoftext|>"]
CLIP = [*"abcdegohrst"] + [c + "</w>" for c in "abcdegohrst"] + ["re", "red</w>", "<|startoftext|>", "<|endoftext|>"]
put("tokenizer_pairs", "gpt2", pairs(GPT, MERGES, None))
put("tokenizer_pairs", "clip", pairs(CLIP, "r e\nre d</w>\r\n", None))
put("tokenizer_pairs", "qwen2", pairs(GPT, MERGES, {
    "tokenizer_class": "Qwen2TokenizerFast", "add_bos_token": True, "bos_token": {"content": "red", "normalized": True}, "unk_token": None,
    "added_tokens_decoder": {"262": {"content": "<|endoftext|>", "special": True, "lstrip": True, "rstrip": True, "single_word": True},
                             "270": {"content": "[SEP]", "normalized": True}},
    "additional_special_tokens": ["the", {"content": "abc", "special": True}]}))

# ---- GGUF: a vocabulary of each kind, and a decoder of each architecture with its smallest tensors
def vocabulary(w, kind):
    if kind == "llama":
        p = pieces(False)
        w.add_tokenizer_model("llama"); w.add_tokenizer_pre("default")
        w.add_token_list([t for t, _, _ in p]); w.add_token_scores([float(s) for _, s, _ in p]); w.add_token_types([k for _, _, k in p])
        w.add_bos_token_id(1); w.add_eos_token_id(2); w.add_unk_token_id(0); w.add_add_bos_token(True); w.add_add_eos_token(True); w.add_add_space_prefix(True)
        return len(p)
    if kind == "bert":
        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + ["▁" + x for x in ("go", "red", "the", "r", "!")] + ["ed", "s", "d"]
        w.add_tokenizer_model("bert"); w.add_tokenizer_pre("default"); w.add_token_list(words); w.add_token_types([3] * 5 + [1] * 8)
        w.add_uint32("tokenizer.ggml.cls_token_id", 2); w.add_sep_token_id(3); w.add_unk_token_id(1); w.add_pad_token_id(0)
        return len(words)
    w.add_tokenizer_model("gpt2"); w.add_tokenizer_pre(kind)
    w.add_token_list(GPT); w.add_token_types([1] * (len(GPT) - 1) + [3]); w.add_token_merges([m for m in MERGES.split("\n")[1:] if m])
    w.add_bos_token_id(len(GPT) - 1); w.add_eos_token_id(len(GPT) - 1); w.add_add_bos_token(True)
    return len(GPT)


def finish(w, target, name):
    path = os.path.join(CORPUS, target, name)
    w.write_header_to_file(); w.write_kv_data_to_file(); w.write_tensors_to_file(); w.close()


def writer(target, name, arch):
    path = os.path.join(CORPUS, target, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return gguf.GGUFWriter(path, arch)


for kind in ("llama", "bert", "gpt-2", "llama-bpe", "qwen2", "smollm", "deepseek-llm", "deepseek-coder", "deepseek-v3"):
    w = writer("model_gguf", "vocabulary-" + kind, "llama")
    vocabulary(w, kind)
    finish(w, "model_gguf", "vocabulary-" + kind)

for arch in ("llama", "qwen2", "qwen3"):
    name = "decoder-" + arch
    w = writer("model_gguf", name, arch)
    w.add_context_length(64); w.add_embedding_length(8); w.add_block_count(1); w.add_feed_forward_length(12)
    w.add_head_count(2); w.add_head_count_kv(1); w.add_layer_norm_rms_eps(1e-5); w.add_rope_freq_base(10000.0); w.add_rope_dimension_count(4)
    w.add_rope_scaling_type(gguf.RopeScalingType.LINEAR); w.add_rope_scaling_factor(2.0)
    size = vocabulary(w, "llama")
    shape = {"token_embd.weight": (size, 8), "output_norm.weight": (8,), "blk.0.attn_norm.weight": (8,), "blk.0.ffn_norm.weight": (8,),
             "blk.0.attn_q.weight": (8, 8), "blk.0.attn_k.weight": (4, 8), "blk.0.attn_v.weight": (4, 8), "blk.0.attn_output.weight": (8, 8),
             "blk.0.ffn_gate.weight": (12, 8), "blk.0.ffn_up.weight": (12, 8), "blk.0.ffn_down.weight": (8, 12)}
    if arch == "qwen2": shape.update({"blk.0.attn_q.bias": (8,), "blk.0.attn_k.bias": (4,), "blk.0.attn_v.bias": (4,)})
    if arch == "qwen3": shape.update({"blk.0.attn_q_norm.weight": (4,), "blk.0.attn_k_norm.weight": (4,)})
    for k, s in shape.items(): w.add_tensor(k, (np.arange(np.prod(s), dtype=np.float32) % 7 / 7).reshape(s))
    finish(w, "model_gguf", name)

# every type of tensor, two blocks each
w = writer("gguf", "types", "llama")
w.add_name("types"); w.add_array("numbers", [1, -2, 3]); w.add_array("reals", [0.5, 1.5]); w.add_array("texts", ["a", "bc"]); w.add_bool("flag", True)
for kind in (Q.F32, Q.F16, Q.BF16, Q.Q4_0, Q.Q4_1, Q.Q5_0, Q.Q5_1, Q.Q8_0, Q.Q2_K, Q.Q3_K, Q.Q4_K, Q.Q5_K, Q.Q6_K, Q.IQ4_NL, Q.IQ4_XS, Q.F64, Q.I8, Q.I16, Q.I32, Q.I64):
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    w.add_tensor(kind.name.lower(), (np.arange(2 * size, dtype=np.int64) * 37 % 251).astype(np.uint8).reshape(2, size), raw_dtype=kind)
finish(w, "gguf", "types")
