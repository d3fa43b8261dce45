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

# one file of a split model
w = writer("gguf", "part", "llama")
w.add_uint16("split.no", 1); w.add_uint16("split.count", 3); w.add_int32("split.tensors.count", 5)
finish(w, "gguf", "part")

# ---- whole models in a GGUF: DeepSeek with both forms of its keys, BERT, YaRN
def tensors(w, shapes):
    for k, s in shapes.items(): w.add_tensor(k, (np.arange(int(np.prod(s)), dtype=np.float32) % 7 / 7).reshape(s))


for name, split in (("deepseek", False), ("deepseek-split", True)):
    w = writer("model_gguf", name, "deepseek2")
    w.add_context_length(64); w.add_embedding_length(8); w.add_block_count(2); w.add_feed_forward_length(12); w.add_head_count(2); w.add_head_count_kv(1 if split else 2)
    w.add_layer_norm_rms_eps(1e-6); w.add_rope_freq_base(10000.0); w.add_rope_dimension_count(4); w.add_kv_lora_rank(4); w.add_q_lora_rank(4)
    w.add_key_length(8); w.add_value_length(4)
    if split: w.add_key_length_mla(8); w.add_value_length_mla(4)
    w.add_leading_dense_block_count(1); w.add_expert_count(4); w.add_expert_used_count(2); w.add_expert_shared_count(1); w.add_expert_feed_forward_length(6)
    w.add_expert_weights_scale(1.0); w.add_expert_weights_norm(True); w.add_expert_gating_func(gguf.ExpertGatingFuncType.SIGMOID); w.add_expert_group_count(2); w.add_expert_group_used_count(1)
    w.add_rope_scaling_type(gguf.RopeScalingType.YARN); w.add_rope_scaling_factor(4.0); w.add_rope_scaling_orig_ctx_len(16); w.add_rope_scaling_yarn_log_mul(0.1)
    size = vocabulary(w, "llama")
    shape = {"token_embd.weight": (size, 8), "output_norm.weight": (8,)}
    for i in range(2):
        b = "blk.%d." % i
        shape.update({b + "attn_norm.weight": (8,), b + "ffn_norm.weight": (8,), b + "attn_q_a.weight": (4, 8), b + "attn_q_a_norm.weight": (4,),
                      b + "attn_q_b.weight": (16, 4), b + "attn_kv_a_mqa.weight": (8, 8), b + "attn_kv_a_norm.weight": (4,), b + "attn_output.weight": (8, 8)})
        shape.update({b + "attn_k_b.weight": (2, 4, 4), b + "attn_v_b.weight": (2, 4, 4)} if split else {b + "attn_kv_b.weight": (16, 4)})
        if i == 0: shape.update({b + "ffn_gate.weight": (12, 8), b + "ffn_up.weight": (12, 8), b + "ffn_down.weight": (8, 12)})
        else: shape.update({b + "ffn_gate_inp.weight": (4, 8), b + "exp_probs_b.bias": (4,), b + "ffn_gate_exps.weight": (4, 6, 8), b + "ffn_up_exps.weight": (4, 6, 8),
                            b + "ffn_down_exps.weight": (4, 8, 6), b + "ffn_gate_shexp.weight": (6, 8), b + "ffn_up_shexp.weight": (6, 8), b + "ffn_down_shexp.weight": (8, 6)})
    tensors(w, shape)
    finish(w, "model_gguf", name)

w = writer("model_gguf", "bert", "bert")
w.add_context_length(16); w.add_embedding_length(8); w.add_block_count(1); w.add_feed_forward_length(12); w.add_head_count(2)
w.add_layer_norm_eps(1e-12); w.add_causal_attention(False); w.add_pooling_type(gguf.PoolingType.MEAN)
size = vocabulary(w, "bert")
shape = {"token_embd.weight": (size, 8), "token_types.weight": (2, 8), "position_embd.weight": (16, 8), "token_embd_norm.weight": (8,), "token_embd_norm.bias": (8,)}
for part, (rows, columns) in {"attn_q": (8, 8), "attn_k": (8, 8), "attn_v": (8, 8), "attn_output": (8, 8), "ffn_up": (12, 8), "ffn_down": (8, 12)}.items():
    shape.update({"blk.0.%s.weight" % part: (rows, columns), "blk.0.%s.bias" % part: (rows,)})
for part in ("attn_output_norm", "layer_output_norm"): shape.update({"blk.0.%s.weight" % part: (8,), "blk.0.%s.bias" % part: (8,)})
tensors(w, shape)
finish(w, "model_gguf", "bert")

# ---- what is refused, and what is read only here
put("tokenizer_pairs", "no-class", pairs(["a", "b"], "", None))
put("tokenizer_pairs", "other-class", pairs(GPT, MERGES, {"tokenizer_class": "RobertaTokenizer"}))
put("tokenizer_pairs", "no-number", b'{"a": "b"}')
put("tokenizer_pairs", "no-object", b"[1]")
put("tokenizer_pairs", "no-merge", pairs(GPT, "abc", None))
put("tokenizer_pairs", "no-config", pairs(GPT, MERGES, [1]))
put("tokenizer_pairs", "no-token", pairs(GPT, MERGES, {"additional_special_tokens": [1], "added_tokens_decoder": {}}))
put("tokenizer_pairs", "no-added", pairs(GPT, MERGES, {"added_tokens_decoder": {"x": {"content": "a"}}}))
put("tokenizer_pairs", "no-spelling", pairs(GPT, MERGES, {"bos_token": 7}))
put("tokenizer_pairs", "added-end", pairs(GPT, MERGES, {"add_eos_token": True, "eos_token": "<e>", "added_tokens_decoder": {"300": {"content": "<e>", "special": True}}, "tokenizer_class": "GPT2Tokenizer"}))
for i, expression in enumerate([r"\v", "[a&&b]", "[]", "a{2}+", "(?<x>a)", "(*F)", "", "[a[b]]", r"\pL", r"\w", "a\\", "(a+)+b", r"[\S]", r"[\s]\S", "(a", "x*"]):
    put("tokenizer", "expression-%d" % i, json.dumps({"pre_tokenizer": {"type": "Split", "pattern": {"Regex": expression}, "behavior": "Isolated"},
                                                     "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "<0x41>": 2}, "merges": [], "unk_token": "a", "byte_fallback": True, "fuse_unk": True}}).encode())
for i, change in enumerate([{"hidden_act": "mish"}, {"num_attention_heads": 3}, {"layer_norm_eps": -1}, {"position_embedding_type": "relative_key"}, {"quantization_config": {}},
                            {"max_position_embeddings": 1}, {"relative_attention_num_buckets": 8}, {"hidden_size": 1e30}, {"num_hidden_layers": -1}]):
    for family in ("bert", "mpnet"):
        base = {"model_type": family, "vocab_size": 16, "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 32}
        put("model_config", "%s-refused-%d" % (family, i), json.dumps({**base, **change}).encode())


def index(name, table): put("safetensors_index", name, json.dumps({"metadata": {"total_size": 1}, "weight_map": table}).encode())


index("one", {"model.norm.weight": "llama.safetensors"})
index("two", {"model.norm.weight": "llama.safetensors", "embeddings.LayerNorm.bias": "bert.safetensors"})
index("doubled", {"model.norm.weight": "llama.safetensors", "model.embed_tokens.weight": "qwen2.safetensors"})
index("absent", {"nothing": "llama.safetensors"})
index("no-file", {"a": "none.safetensors"})
index("outside", {"a": "../llama.safetensors"})
