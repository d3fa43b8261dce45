#!/usr/bin/env bash
# sanitize.sh [JOBS]: the tests under AddressSanitizer + UndefinedBehaviorSanitizer, then under ThreadSanitizer.
set -eu
jobs=${1:-2}
for kind in address thread; do
    cmake -G Ninja -S . -B build-$kind -DTRIAD_SANITIZE=$kind >/dev/null
    ninja -C build-$kind -j "$jobs"
    echo "== $kind"
    ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1 \
        TSAN_OPTIONS=suppressions="$PWD/tests/tsan.supp":halt_on_error=1 LSAN_OPTIONS=suppressions="$PWD/tests/lsan.supp" \
        ctest --test-dir build-$kind --output-on-failure -j "$jobs" --timeout 900
done
