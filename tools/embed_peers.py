#!/usr/bin/env python3
"""Sentences a second of `triad bench embed` beside other programs that embed, turn about in one run.

    embed_peers.py MODEL SENTENCES [--peers transformers,llama.cpp] [--rounds 3] [--threads 2] [--triad build/triad]

MODEL: a .gguf or a folder. SENTENCES: plain text, a sentence a line. Peers (each needs its Python package):
transformers (float32, sdpa, inference mode, batches of 32 sorted by length, every layer's states of every token kept),
sentence-transformers (its encode, batches of 32), llama.cpp (llama-cpp-python, pooled last layer, batches of 512 tokens).
Each peer loads its model and warms up on some sentences, then they take turns, the best round counts. Tokenizing is in the
time, loading is not. A figure of triad's is a process of its own that warms up first.
Prints one JSON line each, and the ratios."""
import argparse
import json
import os
import subprocess
import sys
import time


def transformers_peer(model, threads):
    import torch
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(threads)
    gguf = {"gguf_file": os.path.basename(model)} if model.endswith(".gguf") else {}
    folder = os.path.dirname(model) if gguf else model
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **gguf)
    network = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa", **gguf).eval()
    tokenizer.padding_side = "right"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token

    def run(texts):
        with torch.inference_mode():
            ids = tokenizer(texts)["input_ids"]
            order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
            kept = [None] * len(ids)
            for start in range(0, len(order), 32):
                part = order[start : start + 32]
                batch = tokenizer.pad({"input_ids": [ids[i] for i in part]}, return_tensors="pt")
                states = torch.stack(network(**batch, output_hidden_states=True).hidden_states)
                for k, i in enumerate(part):
                    kept[i] = states[:, k, : len(ids[i])]
            return kept

    return run, transformers.__version__


def sentence_transformers_peer(model, threads):
    import sentence_transformers
    import torch

    torch.set_num_threads(threads)
    network = sentence_transformers.SentenceTransformer(model, device="cpu")

    def run(texts):
        return network.encode(texts, batch_size=32, show_progress_bar=False)

    return run, sentence_transformers.__version__


def llama_peer(model, threads):
    import llama_cpp

    network = llama_cpp.Llama(
        model, embedding=True, pooling_type=llama_cpp.LLAMA_POOLING_TYPE_MEAN, n_ctx=512, n_batch=512, n_ubatch=512,
        n_threads=threads, n_threads_batch=threads, verbose=False)
    return network.embed, llama_cpp.__version__


PEERS = {"transformers": transformers_peer, "sentence-transformers": sentence_transformers_peer, "llama.cpp": llama_peer}


def serve(name, model, sentences, threads):
    """A peer's own process: for each line that comes in, one run and its seconds."""
    texts = open(sentences, encoding="utf-8").read().splitlines()
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    run, version = PEERS[name](model, threads)
    run(texts[:64])
    print(version, file=answer, flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        run(texts)
        print(time.perf_counter() - start, file=answer, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("sentences")
    parser.add_argument("--peers", default="transformers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--triad", default="build/triad")
    parser.add_argument("--apart", action="store_true", help="also triad without shared prefixes")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.serve:
        return serve(a.serve, a.model, a.sentences, a.threads)
    names = [p for p in a.peers.split(",") if p]
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": str(a.threads)}
    peers, best = {}, {}
    for name in names:
        peers[name] = subprocess.Popen(
            [sys.executable, __file__, a.model, a.sentences, "--threads", str(a.threads), "--serve", name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env)
        version = peers[name].stdout.readline().strip()
        best[name] = {"program": name, "version": version, "seconds": float("inf")}
    own = {"triad": [], **({"triad, prefixes apart": ["--apart"]} if a.apart else {})}
    count = len(open(a.sentences, encoding="utf-8").read().splitlines())
    for _ in range(a.rounds):
        for name, more in own.items():
            out = subprocess.run(
                [a.triad, "bench", "embed", a.model, "--sentences", a.sentences, "--repeats", "1", "--threads",
                 str(a.threads), "--json", *more], capture_output=True, text=True, check=True).stdout
            result = json.loads(out)["results"][0]
            share = result["gflops"] / result["gflops_sgemm"]
            old = best.get(name)
            if old is None or result["seconds"] < old["seconds"]:
                best[name] = {"program": name, **result}
            best[name]["of_sgemm"] = max(share, old["of_sgemm"] if old else 0)
        for name in names:
            peers[name].stdin.write("go\n")
            peers[name].stdin.flush()
            best[name]["seconds"] = min(best[name]["seconds"], float(peers[name].stdout.readline()))
    for peer in peers.values():
        peer.stdin.close()
    for entry in best.values():
        entry["items_per_s"] = count / entry["seconds"]
        print(json.dumps(entry))
    for name in names:
        for mine in own:
            print("%s / %s: %.2f" % (mine, name, best[name]["seconds"] / best[mine]["seconds"]))


if __name__ == "__main__":
    main()
