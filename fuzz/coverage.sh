#!/usr/bin/env bash
# coverage.sh [CORPORA [TARGET…]]: line coverage of each target's parser by its seeds and, where it is given, by what fuzzing
# has learnt (CORPORA/TARGET, as fuzz/run.sh leaves it in build-fuzz/fuzz/corpus). Objects stay in build-fuzz-coverage.
set -eu
cd "$(dirname "$0")/.."
corpora=${1:-build-fuzz/fuzz/corpus}
[ $# -gt 0 ] && shift
declare -A parsers=(
    [safetensors]="formats/safetensors.c formats/tensor_plain.c" [safetensors_index]="formats/safetensors_index.c"
    [gguf]="formats/gguf.c formats/tensor.c formats/tensor_blocks.c"
    [tokenizer]="tokenizers/open_json.c tokenizers/open_vocab.c tokenizers/pattern.c tokenizers/normalise.c tokenizers/split.c tokenizers/added.c tokenizers/wordpiece.c tokenizers/bpe.c tokenizers/vocab.c tokenizers/tokenizer.c"
    [tokenizer_model]="tokenizers/sentencepiece.c tokenizers/open_model.c tokenizers/tokenizer_config.c"
    [tokenizer_pairs]="tokenizers/open_pairs.c tokenizers/tokenizer_config.c"
    [model_gguf]="tokenizers/open_gguf.c models/decoder_gguf.c"
    [model_config]="models/decoder_config.c models/rope.c models/encoder_open.c"
)
names=("$@")
[ ${#names[@]} = 0 ] && names=("${!parsers[@]}")
out=build-fuzz-coverage
mkdir -p $out
flags="-O1 -g -std=gnu17 -D_GNU_SOURCE -DTRIAD_FUZZED -DFUZZ_TINY=\"$PWD/fuzz/tiny\" -march=x86-64-v3 -Iinclude -Isrc -Ifuzz -w
    -fprofile-instr-generate -fcoverage-mapping $(pkg-config --cflags json-c)"
compile() {
    object=$out/$(echo "$1" | tr / _).o
    extra=
    case $1 in *_avx512.c) extra=-march=x86-64-v4 ;; esac
    if [ ! "$object" -nt "$1" ]; then clang-14 $flags $extra -c "$1" -o "$object"; fi
}
export -f compile
export flags out
ls src/{base,formats,tokenizers,nn,models}/*.c fuzz/replay.c | xargs -P "$(nproc)" -I{} bash -c 'compile {}'
for name in "${names[@]}"; do
    compile "fuzz/fuzz_$name.c"
    clang-14 -fprofile-instr-generate -o "$out/$name" "$out/fuzz_fuzz_$name.c.o" $out/fuzz_replay.c.o $out/src_*.o \
        $(pkg-config --libs libcurl json-c libpcre2-8 libutf8proc libxxhash libcrypto zlib libpng) -lgif -lopenblas -lpthread -lm
    folders=("fuzz/corpus/$name")
    [ -d "$corpora/$name" ] && folders+=("$corpora/$name")
    LLVM_PROFILE_FILE=$out/$name.raw "$out/$name" "${folders[@]}" >/dev/null
    llvm-profdata-14 merge -o "$out/$name.data" "$out/$name.raw"
    files=()
    for file in ${parsers[$name]}; do [ -f "src/$file" ] && files+=("src/$file"); done
    llvm-cov-14 export -summary-only -format=text "$out/$name" -instr-profile="$out/$name.data" "${files[@]}" |
        python3 -c '
import json, os, sys
total = seen = 0
for f in json.load(sys.stdin)["data"][0]["files"]:
    lines = f["summary"]["lines"]
    total, seen = total + lines["count"], seen + lines["covered"]
    print("  %5.1f %%  %s" % (lines["percent"], os.path.relpath(f["filename"])))
print("%s: %.1f %% of %d lines" % (sys.argv[1], 100 * seen / max(total, 1), total))' "$name"
done
