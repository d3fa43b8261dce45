#!/usr/bin/env python3
"""fuzz_tiny.py: the smallest checkpoint of each family (fuzz/tiny/FAMILY.safetensors, random F16 weights) and configurations that fit
it (fuzz/corpus/model_config/tiny-*), for the fuzz target of config.json.  Needs torch 2.13.0 and transformers 5.18.0."""
import json, os, sys, tempfile
os.environ["HF_HUB_OFFLINE"] = "1"
import torch
import transformers as T
from safetensors import safe_open
from safetensors.torch import save_file

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OUT, SEEDS = os.path.join(ROOT, "fuzz", "tiny"), os.path.join(ROOT, "fuzz", "corpus", "model_config")
os.makedirs(OUT, exist_ok=True)
os.makedirs(SEEDS, exist_ok=True)
torch.manual_seed(0)
base = dict(vocab_size=16, hidden_size=8, intermediate_size=12, num_hidden_layers=1, num_attention_heads=2, max_position_embeddings=32)
ds = dict(base, num_hidden_layers=2, num_key_value_heads=2, kv_lora_rank=4, qk_nope_head_dim=4, qk_rope_head_dim=4, v_head_dim=4, n_routed_experts=4,
          num_experts_per_tok=2, n_shared_experts=1, moe_intermediate_size=6, first_k_dense_replace=1, routed_scaling_factor=1.0)
FAMILIES = {
    "llama": (T.LlamaForCausalLM, T.LlamaConfig(**base, num_key_value_heads=1, rms_norm_eps=1e-5)),
    "qwen2": (T.Qwen2ForCausalLM, T.Qwen2Config(**base, num_key_value_heads=1)),
    "qwen3": (T.Qwen3ForCausalLM, T.Qwen3Config(**base, num_key_value_heads=1, head_dim=4)),
    "deepseek_v2": (T.DeepseekV2ForCausalLM, T.DeepseekV2Config(**ds, q_lora_rank=None, topk_method="greedy", n_group=1, topk_group=1)),
    "deepseek_v3": (T.DeepseekV3ForCausalLM, T.DeepseekV3Config(**ds, q_lora_rank=4, n_group=2, topk_group=1, norm_topk_prob=True)),
    "bert": (T.BertModel, T.BertConfig(**base)),
    "distilbert": (T.DistilBertModel, T.DistilBertConfig(vocab_size=16, dim=8, hidden_dim=12, n_layers=1, n_heads=2, max_position_embeddings=32)),
    "mpnet": (T.MPNetModel, T.MPNetConfig(**base)),
}
ROPES = [{"type": "linear", "factor": 2.0}, {"rope_type": "dynamic", "factor": 2.0}, {"rope_type": "longrope"},
         {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16},
         {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16, "mscale": 0.7, "mscale_all_dim": 0.7}]

for name, (kind, config) in FAMILIES.items():
    with tempfile.TemporaryDirectory() as folder:
        kind(config).to(torch.float16).save_pretrained(folder)
        with safe_open(os.path.join(folder, "model.safetensors"), "pt") as f:
            save_file({k: f.get_tensor(k) for k in f.keys() if k != "lm_head.weight"}, os.path.join(OUT, name + ".safetensors"))
        with open(os.path.join(folder, "config.json")) as f: written = json.load(f)
    for key in ("transformers_version", "architectures", "dtype"): written.pop(key, None)
    with open(os.path.join(SEEDS, "tiny-" + name), "w") as f: json.dump(written, f)
    if "rope_parameters" not in written: continue
    del written["rope_parameters"]
    for i, rope in enumerate(ROPES):
        with open(os.path.join(SEEDS, "tiny-%s-rope-%d" % (name, i)), "w") as f: json.dump({**written, "rope_theta": 10000.0, "rope_scaling": rope}, f)
