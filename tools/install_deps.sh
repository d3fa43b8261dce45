#!/usr/bin/env bash
# install_deps.sh build|run|fuzz|coverage|format: installs the Debian packages that are missing; where that can't be
# done, names them in one line and fails.
set -u
case "${1:-build}" in
build) packages="gcc libc6-dev cmake ninja-build pkgconf libopenblas-dev libopenblas0-pthread libjson-c-dev libpcre2-dev
    libutf8proc-dev libxxhash-dev libssl-dev libyaml-dev libcurl4-openssl-dev libcmocka-dev zlib1g-dev libpng-dev
    libgif-dev libncurses-dev" ;;
run) packages="python3 python3-pip ca-certificates" ;;
fuzz) packages="clang-14 libclang-rt-14-dev llvm-14" ;;
coverage) packages="gcovr" ;;
format) packages="clang-format-14" ;;
*) echo "install_deps.sh: unknown set $1 (build, run, fuzz, coverage or format)" >&2; exit 2 ;;
esac

missing=""
for package in $packages; do
    case "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" in
    "install ok installed") ;;
    *) missing="$missing $package" ;;
    esac
done
[ -z "$missing" ] && exit 0

tell() { echo "triad: these Debian packages are missing and could not be installed:$missing (install them, then try again)" >&2; exit 1; }
command -v apt-get >/dev/null || tell
as_root=""
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || tell
    as_root="sudo"
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq || tell
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null || tell
